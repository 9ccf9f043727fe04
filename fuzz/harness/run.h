/* Runs a program on one configuration, checked by the model after every operation. */
#ifndef IOATOM_FUZZ_HARNESS_RUN_H
#define IOATOM_FUZZ_HARNESS_RUN_H

#include "../program/program.h"
#include "config.h"

void run_program(const program *p, const config *c);

#endif
