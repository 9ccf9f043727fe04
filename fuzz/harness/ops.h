/* The operations of a program, each carried out on the environment or the library, and reported to
 * the model. */
#ifndef IOATOM_FUZZ_HARNESS_OPS_H
#define IOATOM_FUZZ_HARNESS_OPS_H

#include "../model/model.h"
#include "../program/program.h"
#include "config.h"
#include "env.h"
#include "handle.h"
#include "kernel.h"

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
    unsigned executed, budget; /* operations: callbacks run their programs again and again */
    kernel_calls before;       /* the run */
    unsigned sleeps;
    unsigned transfers; /* every other one is of a vector */
    int taken_away;     /* a callback did what may take another's event away */
    int strayed; /* a registered descriptor was closed without io_remove, or such a call failed */
    int told;    /* the flags of the callback that runs, or 0; */
    int told_to; /* and its atom */
    uint32_t moved; /* bytes, by io_read and io_write */
    int unheard;    /* what handle had to say found nobody */
    handler handlers[PROGRAM_ATOMS];
    atom_box *atoms[PROGRAM_ATOMS];
    io_atom shadow[PROGRAM_ATOMS];
    void *storage;
    io_poller poller; /* last: not cleared */
} run;

/* A target that has one of these hears when a run begins, and dispatches in its own way. */
typedef struct run_hooks {
    void (*begin)(run *r);
    int (*dispatch)(io_poller *poller);
} run_hooks;
#ifdef _WIN32 /* the linker has no weak symbols, so every program has one */
#define RUN_IS_HOOKED 1
extern const run_hooks run_hooked;
#else
#define RUN_IS_HOOKED (&run_hooked)
extern const run_hooks run_hooked __attribute__((weak));
#endif

void op_run(run *r, const op *o);
/* The atom, in memory of its own. */
io_atom *op_atom(run *r, int index);
/* io_remove if it is registered, and free. */
void op_free_atom(run *r, int atom);

/* An atom to accept into, or -1. */
int op_spare_atom(const run *r, int listener);
/* io_next; the result. *event is of use if that is 1. */
int op_next_event(run *r, io_event *event);

/* A run: begun, its operations, ended: everything is removed and closed, and nothing is left. */
void run_begin(run *r, const program *p, const config *c);
void run_operation(run *r, const op *o, int callback_of);
void run_end(run *r);
void run_callback(io_poller *poller, io_atom *atom, int flags);
/* What the callback of this atom does. */
void run_handler(run *r, int atom, int flags);
void run_observe(run *r);
void run_dispatch(run *r);
void run_init_poller(run *r);
int run_dispose(run *r);
/* io_wait outside a callback. */
int run_wait(run *r, int timeout_ms);
int run_fd_is_open(int fd);
/* poll(2) bits of a number now. */
int run_bits(int fd);
/* There is a registration whose descriptor was closed: another file's events may come to it
 * (IO-CLOSE-6), and its number be given to a new descriptor. */
int run_has_strays(const run *r);
/* Inside a callback some calls are refused. 1 if that was the case. */
int run_refused(const run *r, int result, const char *clause);

/* ops_faults.c: what the operations do about faults, and those that plan them. */
void op_fault(run *r, const op *o);
void op_renew(run *r, const op *o);
/* A call of the library is over that takes something out of the kernel's set, or makes it anew. */
void fault_note_leftovers(run *r);
/* The result of io_add, for an atom that may be registered or not; whether to try again. */
int fault_add_again(run *r, int atom, int result);
/* The result of a transfer, of io_socket_accept, and what io_close returns. */
void fault_check_transfer(const char *clause, int result);
void fault_check_accept(const run *r, int listener, int poll_bits, int result);
int fault_close_result(int was_open);
/* This error of a function that opens a descriptor is due to how much the program has open. */
int fault_is_program(const run *r, int result);

/* ops_transfers.c: io_read or io_readv, io_write or io_writev; the result */
enum { TRANSFER_MOST = 65536 }; /* the largest of program_sizes */
int transfer_in(run *r, int atom, uint32_t size);
int transfer_out(run *r, int atom, uint32_t size);

/* ops_sockets.c: for an atom that is not registered */
int socket_accept(run *r, int index, io_atom *atom, int listener_atom, int flags); /* the result */
void socket_serve(run *r, int index, io_atom *atom);
void socket_dial(run *r, int index, io_atom *atom, int listener, int flags);

#endif
