/* Holds a program against the theorem: plays it in every configuration, compares, and names what
 * handlers leave. */
#ifndef IOATOM_FUZZ_EQUIVALENCE_CHECK_H
#define IOATOM_FUZZ_EQUIVALENCE_CHECK_H

#include "play.h"

/* What an atom's callback leaves, from all configurations. */
typedef struct named {
    finding finding;
    int played; /* the configuration, the first in which this was seen */
    int atom;
    int flag;
    int in[CONFIG_COUNT];          /* where it was seen, 1 each */
    uint32_t at_end[CONFIG_COUNT]; /* what is unread there at the end */
} named;

/* For each atom each flag, and what it forgot. */
enum { MOST_NAMED = PROGRAM_ATOMS * (MODEL_FLAGS + 1) };

typedef struct verdict {
    unsigned faults;     /* that were left out of the program (hypothesis faultless) */
    unsigned configs;    /* that were played, a bit each */
    unsigned hypotheses; /* that hold in all of them */
    unsigned claimed;    /* conclusions of which the theorem says that they hold */
    unsigned held;       /* those that do hold, claimed or not */
    unsigned compared[CONCLUSIONS];
    conclusion violated; /* the first that is claimed and does not hold, or CONCLUSIONS */
    char why[256];
    outcome outcomes[CONFIG_COUNT];
    named named[MOST_NAMED];
    int named_count;
} verdict;

/* chosen: a bit for each configuration that is to be played; 0: all. */
void check_program(const program *p, unsigned chosen, verdict *v);

/* What it does with the outcomes of v->configs once they are there: all else that is in a verdict. */
void check_outcomes(verdict *v);

#endif
