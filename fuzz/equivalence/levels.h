/* What level mode would tell at this moment, on each backend: a poller of its own on the same kernel,
 * to which every registered atom's descriptor is added with the same interest (IO-ADD-2, IO-ADD-6). */
#ifndef IOATOM_FUZZ_EQUIVALENCE_LEVELS_H
#define IOATOM_FUZZ_EQUIVALENCE_LEVELS_H

#include "../harness/ops.h"

typedef enum level_backend { LEVEL_EPOLL, LEVEL_POLL, LEVEL_SELECT, LEVELS } level_backend;

/* found[b][a]: the flags of atom a; of those that are not registered, or whose descriptor was closed,
 * none. The run's own poller and descriptor numbers are as before. Returns whether there was place for
 * such pollers: else nothing is known of any. */
int levels_ask(const run *r, int found[LEVELS][PROGRAM_ATOMS]);

const char *levels_name(level_backend b);

#endif
