/* The operation that waits. */
#ifndef IOATOM_FUZZ_HARNESS_WAITS_H
#define IOATOM_FUZZ_HARNESS_WAITS_H

#include "ops.h"

void wait_run(run *r, const op *o);

#endif
