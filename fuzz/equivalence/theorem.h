/*
 * The theorem of edge and level mode, as lib/SPEC.md states it in its block "theorem". The checker
 * decides these hypotheses and conclusions of a program and a configuration, and cites their clauses;
 * ci/equivalence refuses to run if the block says something else than this table.
 */
#ifndef IOATOM_FUZZ_EQUIVALENCE_THEOREM_H
#define IOATOM_FUZZ_EQUIVALENCE_THEOREM_H

#include <stdio.h>

typedef enum hypothesis {
    HYPOTHESIS_FAULTLESS,
    HYPOTHESIS_EXHAUSTS,
    HYPOTHESIS_OWN_BYTES,
    HYPOTHESIS_KEEPS_OPEN,
    HYPOTHESIS_LOSES_NOTHING,
    HYPOTHESIS_PLAIN,
    HYPOTHESIS_RESTS,
    HYPOTHESES
} hypothesis;

typedef enum conclusion {
    CONCLUSION_EDGE_IS_LEVEL,
    CONCLUSION_LEVEL_IS_EDGE,
    CONCLUSION_NO_STALL,
    CONCLUSION_SAME_REST,
    CONCLUSION_SAME_LOSSES,
    CONCLUSION_SAME_BYTES,
    CONCLUSION_SAME_END,
    CONCLUSIONS
} conclusion;

/* A set of hypotheses: bit 1 << HYPOTHESIS_EXHAUSTS and so on. */
typedef struct theorem_line {
    const char *name;
    unsigned needs;      /* of a conclusion */
    const char *clauses; /* ids, with a space between them */
} theorem_line;

extern const theorem_line theorem_hypotheses[HYPOTHESES];
extern const theorem_line theorem_conclusions[CONCLUSIONS];

/* 1 if the theorem says something of a program with these hypotheses. */
int theorem_applies(conclusion c, unsigned hypotheses);

/* The lines of the block up to the colon. */
void theorem_print(FILE *out);

#endif
