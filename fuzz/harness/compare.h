/* Compares the traces of two runs of one program, entry by entry. */
#ifndef IOATOM_FUZZ_HARNESS_COMPARE_H
#define IOATOM_FUZZ_HARNESS_COMPARE_H

#include "../program/program.h"
#include "config.h"
#include "permitted.h"
#include "trace.h"

enum { COMPARED_TO_THE_END = -1, COMPARED_TOO_LONG = -2 };

typedef struct comparison {
    unsigned operations;           /* that were compared */
    unsigned used[PERMITTED_ROWS]; /* how often a row of the table was needed */
    int ended_by; /* a row that changed what the program did, or one of the above */
} comparison;

/* One run: its configuration and its trace. */
typedef struct compared_run {
    const config *config;
    const trace *trace;
} compared_run;

/* Violates "differential" if they differ in what no row permits. */
void compare_runs(const program *p, const compared_run *a, const compared_run *b,
                  comparison *result);

#endif
