/* What can be seen of a run: results, callbacks, bytes. Two runs of one program in one configuration
 * on the simulated kernel have equal traces; of two configurations they are compared
 * (fuzz/differential_fuzzer.c). */
#ifndef IOATOM_FUZZ_HARNESS_TRACE_H
#define IOATOM_FUZZ_HARNESS_TRACE_H

#include <stdint.h>

typedef enum trace_kind {
    TRACE_OPERATION, /* its code; whose callback it is in, or -1 */
    TRACE_RESULT,    /* of a call of the library; 0 */
    TRACE_CALLED,    /* an atom; the flags */
    TRACE_TAKEN,     /* by io_next: an atom; the flags */
    TRACE_MOVED,     /* bytes read or written by the library; a hash of them */
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
/* Begin anew. */
void trace_begin(void);
void trace_add(trace_kind kind, int32_t a, int32_t b);

#endif
