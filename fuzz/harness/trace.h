/* What can be seen of a run: results, callbacks, bytes. Two runs of one program in one configuration
 * on the simulated kernel have equal traces; of two configurations they are compared
 * (fuzz/differential_fuzzer.c). */
#ifndef IOATOM_FUZZ_HARNESS_TRACE_H
#define IOATOM_FUZZ_HARNESS_TRACE_H

#include <stddef.h>
#include <stdint.h>

typedef enum trace_kind {
    TRACE_OPERATION, /* its code, or OP_CODES at the end; whose callback it is in, or -1 */
    TRACE_RESULT,    /* of a call of the library; 0 */
    TRACE_DISPATCH,  /* io_dispatch begins; calls and a result follow */
    TRACE_CALLED,    /* an atom; the flags, and IO_ONESHOT if that is spent */
    TRACE_RETURNED,  /* the atom's callback */
    TRACE_TAKEN,     /* by io_next: the same */
    TRACE_MOVED,     /* bytes read or written by the library; of those read a hash */
    TRACE_FACTS,     /* harness/facts.h */
    TRACE_KERNEL,    /* at the end: the library's waits in the kernel; its other calls there */
    TRACE_KINDS
} trace_kind;

typedef struct trace_entry {
    trace_kind kind;
    int32_t a;
    int32_t b;
} trace_entry;

enum { TRACE_ENTRIES = 16384 }; /* those beyond are only hashed */

typedef struct trace {
    uint64_t hash;
    unsigned count; /* may be more than TRACE_ENTRIES */
    trace_entry entries[TRACE_ENTRIES];
} trace;

/* Where the trace of the runs that follow goes; null: nowhere. */
void trace_into(trace *t);
/* A run begins: a trace begins anew. */
void trace_begin(void);
/* Is there a trace that somebody will read? Not only a hash. */
int trace_is_read(void);
void trace_add(trace_kind kind, int32_t a, int32_t b);
/* TRACE_MOVED, of bytes that were read. */
void trace_add_read(const unsigned char *bytes, size_t size);

/* If the environment variable IOATOM_TRACE_PERTURB is a number, the trace of the process's run with
 * that number, from 1 on, is a false one: so the tests that compare traces can be tested themselves. */

/* A hash of the traces of all runs since the call before, wherever they went. From the first call on:
 * before that nothing is hashed. */
uint64_t trace_digest(void);

/* Whose callbacks ran in the latest run, before the program's end: atoms, by bit. */
unsigned trace_called(void);

/* Since the process began. */
unsigned long trace_runs(void);
unsigned long trace_operations(void);

#endif
