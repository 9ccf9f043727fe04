#include "theorem.h"

#define NEEDS(name) (1u << HYPOTHESIS_##name)

#define ALL ((1u << HYPOTHESES) - 1)

const theorem_line theorem_conclusions[CONCLUSIONS] = {
    [CONCLUSION_EDGE_IS_LEVEL] = {"edge-is-level", NEEDS(FAULTLESS), "IO-EQUIV-2"},
    [CONCLUSION_LEVEL_IS_EDGE] = {"level-is-edge", NEEDS(FAULTLESS), "IO-EQUIV-3"},
    [CONCLUSION_NO_STALL] = {"no-stall", NEEDS(FAULTLESS) | NEEDS(RESTS), "IO-EQUIV-4"},
    [CONCLUSION_SAME_REST] = {"same-rest", ALL & ~NEEDS(RESTS), "IO-EQUIV-4"},
    [CONCLUSION_SAME_LOSSES] = {"same-losses", ALL & ~NEEDS(LOSES_NOTHING), "IO-EQUIV-1"},
    [CONCLUSION_SAME_BYTES] = {"same-bytes", ALL, "IO-EQUIV-1"},
    [CONCLUSION_SAME_END] = {"same-end", ALL, "IO-EQUIV-1"},
};

int theorem_applies(conclusion c, unsigned hypotheses)
{
    return (theorem_conclusions[c].needs & ~hypotheses) == 0;
}

void theorem_print(FILE *out)
{
    for (int h = 0; h < HYPOTHESES; h++) {
        fprintf(out, "hypothesis %s [%s]\n", theorem_hypotheses[h].name,
                theorem_hypotheses[h].clauses);
    }
    for (int c = 0; c < CONCLUSIONS; c++) {
        const theorem_line *line = &theorem_conclusions[c];
        const char *between = " if ";
        fprintf(out, "conclusion %s", line->name);
        for (int h = 0; h < HYPOTHESES; h++) {
            if (line->needs & 1u << h) {
                fprintf(out, "%s%s", between, theorem_hypotheses[h].name);
                between = " ";
            }
        }
        fprintf(out, " [%s]\n", line->clauses);
    }
}
