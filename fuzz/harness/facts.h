/* What is known of the registered atoms when io_wait returns: why two configurations may have found
 * different things. In a trace they are entries that are not compared. */
#ifndef IOATOM_FUZZ_HARNESS_FACTS_H
#define IOATOM_FUZZ_HARNESS_FACTS_H

#include "../model/model.h"
#include "trace.h"

typedef struct facts {
    int registered;
    int bits, bits_before; /* poll(2) bits; meaningless of a closed descriptor */
    model_life life;
    int suspect;  /* closed, and a wait may have found out (IO-CLOSE-10) */
    int interest; /* with IO_ONESHOT */
    int kept;     /* told, and ready ever since */
    int held;     /* emulated edge: told, and neither EAGAIN nor io_set since */
    int no_must;  /* the kernel reports it though it answered EAGAIN (IO-EVENT-10) */
} facts;

#define FACTS_NO_WAIT UINT64_MAX

/* Add them to the trace, if it is read. io_wait has just returned after so long, or FACTS_NO_WAIT. */
void facts_trace(const model *m, uint64_t waited_ms);

/* A block of entries: a header, then one for each registered atom. 1 if the entry is a header; then
 * *waited is 0 or says, for comparisons, how long. */
int facts_is_header(const trace_entry *e, int *waited);
/* Any other of the block. The number of the atom. */
int facts_read(const trace_entry *e, facts *f);

#endif
