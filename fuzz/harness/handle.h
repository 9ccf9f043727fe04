/*
 * Correct handlers: what handle and echo do in the atom's callback, or elsewhere as if everything had
 * been told. They go by what they were told, and by the bytes:
 *
 *   told IO_READ    read until EAGAIN or the end (a listener: accept, and handle what was accepted)
 *   told IO_WRITE   write what there is to say until EAGAIN
 *
 * The interest is what the program asked for last, with IO_WRITE only while there is something to
 * say, and without IO_READ after the end and while echo has no place to put more. At the end of both
 * directions, or after an error, the atom is removed; one that was accepted so is closed.
 */
#ifndef IOATOM_FUZZ_HARNESS_HANDLE_H
#define IOATOM_FUZZ_HARNESS_HANDLE_H

#include "../program/program.h"

#include <stdint.h>

struct run;

/* Of an atom, from its io_add on. */
typedef struct handler {
    int asked;        /* the interest that the program gave */
    uint32_t to_say;  /* bytes; of an eventfd how often 1 is added */
    int has_ended;    /* the peer sends no more */
    int was_accepted; /* by handle or echo: it is handled whatever its callback list says */
    int is_echo;
} handler;

/* The program gave an interest: by io_add, or by io_set. */
void handle_added(struct run *r, int atom, int flags);
void handle_asked(struct run *r, int atom, int flags);
/* The callback of an atom that handle accepted. */
void handle_accepted(struct run *r, int atom);

void op_handle(struct run *r, const op *o);
void op_echo(struct run *r, const op *o);
void op_say(struct run *r, const op *o);

#endif
