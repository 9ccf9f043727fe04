/* The operations of a program, each carried out on the environment or the library, and reported to
 * the model. */
#ifndef IOATOM_FUZZ_HARNESS_OPS_H
#define IOATOM_FUZZ_HARNESS_OPS_H

#include "../model/model.h"
#include "../program/program.h"
#include "config.h"
#include "env.h"

#include <ioatom/ioatom.h>

/* An atom in memory of its own, so that a sanitizer sees each touch after it was freed. */
typedef struct atom_box {
    int index;
    io_atom io;
} atom_box;

typedef struct run {
    const program *program;
    const config *config;
    env env;
    env_events events;
    model model;
    unsigned executed;
    unsigned sleeps;
    int taken_away; /* a callback did what may take another's event away */
    int strayed;    /* a registered descriptor was closed without io_remove */
    atom_box *atoms[PROGRAM_ATOMS];
    io_atom shadow[PROGRAM_ATOMS];
    void *storage;
    io_poller poller; /* last: not cleared */
} run;

void op_run(run *r, const op *o);
/* io_remove if it is registered, and free. */
void op_free_atom(run *r, int atom);

void run_callback(io_poller *poller, io_atom *atom, int flags);
void run_observe(run *r);
void run_dispatch(run *r);
void run_init_poller(run *r);
/* io_wait outside a callback. */
int run_wait(run *r, int timeout_ms);
int run_fd_is_open(int fd);

#endif
