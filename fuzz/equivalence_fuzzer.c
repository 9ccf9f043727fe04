/*
 * Holds programs against the theorem of edge and level mode (lib/SPEC.md, "Edge and level"): each is
 * played in all configurations at once, on the simulated kernel. A program whose handlers leave
 * something is none of this target's business: ci/equivalence names those.
 */
#include <ioatom/sim.h>

#include "equivalence/check.h"
#include "equivalence/explain.h"
#include "equivalence/minimise.h"
#include "harness/entry.h"

#include <stdlib.h>

const int entry_all_at_once = 1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void replay_report(void);

static unsigned long programs, claimed[CONCLUSIONS], compared[CONCLUSIONS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static verdict v;     /* large */
    static program small; /* large */
    const program *p = entry_program(data, size);
    if (!p) {
        return 0;
    }
    check_program(p, 0, &v);
    programs++;
    for (int c = 0; c < CONCLUSIONS; c++) {
        claimed[c] += v.claimed >> c & 1;
        compared[c] += v.claimed >> c & 1 ? v.compared[c] : 0;
    }
    if (v.violated != CONCLUSIONS) {
        minimise_violation(p, v.violated, &small, &v);
        explain_violation(&small, &v, stderr);
        abort();
    }
    return 0;
}

/* replay_main.c prints this. */
void replay_report(void)
{
    printf("%lu programs; by conclusion those that the theorem is about, and what was compared:\n",
           programs);
    for (int c = 0; c < CONCLUSIONS; c++) {
        printf("%-14s %6lu programs, %10lu compared\n", theorem_conclusions[c].name, claimed[c],
               compared[c]);
    }
}
