/* What can be seen of a run: results, callbacks, bytes. Two runs of one program in one configuration
 * on the simulated kernel have equal traces; of two configurations they are compared
 * (fuzz/differential_fuzzer.c). */
#ifndef IOATOM_FUZZ_HARNESS_TRACE_H
#define IOATOM_FUZZ_HARNESS_TRACE_H

#include <stddef.h>
#include <stdint.h>

typedef enum trace_kind {
    TRACE_OPERATION, /* its code; whose callback it is in, or -1 */
    TRACE_RESULT,    /* of a call of the library; 0 */
    TRACE_CALLED,    /* an atom; the flags */
    TRACE_TAKEN,     /* by io_next: an atom; the flags */
    TRACE_MOVED,     /* bytes read or written by the library; of those read a hash */
    TRACE_KERNEL,    /* at the end: the library's waits in the kernel; its other calls there */
    TRACE_KINDS
} trace_kind;

typedef struct trace_entry {
    trace_kind kind;
    int32_t a;
    int32_t b;
} trace_entry;

enum { TRACE_ENTRIES = 4096 }; /* those beyond are only hashed */

typedef struct trace {
    uint64_t hash;
    unsigned count; /* may be more than TRACE_ENTRIES */
    trace_entry entries[TRACE_ENTRIES];
} trace;

/* Where the trace of the runs that follow goes; null: nowhere. */
void trace_into(trace *t);
/* A run begins: a trace begins anew. */
void trace_begin(void);
void trace_add(trace_kind kind, int32_t a, int32_t b);
/* TRACE_MOVED, of bytes that were read. */
void trace_add_read(const unsigned char *bytes, size_t size);

/* A hash of the traces of all runs since the call before, wherever they went. From the first call on:
 * before that nothing is hashed. If the environment variable IOATOM_TRACE_PERTURB is a number, the
 * trace of the run with that number is made a false one, so that a test of determinism can be tested
 * itself; runs are counted from 1 on since the first call. */
uint64_t trace_digest(void);

/* Since the process began. */
unsigned long trace_runs(void);
unsigned long trace_operations(void);

#endif
