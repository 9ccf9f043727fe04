/* Apart from the conclusions: those cite the clauses that are checked (ci/evidence), these the ones that
 * are supposed. */
#include "theorem.h"

const theorem_line theorem_hypotheses[HYPOTHESES] = {
    [HYPOTHESIS_FAULTLESS] = {"faultless", 0, "IO-ERROR-6 IO-WAIT-13 IO-ADD-10"},
    [HYPOTHESIS_EXHAUSTS] = {"exhausts", 0, "IO-EDGE-3 IO-SET-2 IO-ONESHOT-1 IO-REMOVE-1"},
    [HYPOTHESIS_OWN_BYTES] = {"own-bytes", 0, "IO-DISPATCH-6 IO-NEXT-1 IO-EDGE-2 IO-EVENT-6"},
    [HYPOTHESIS_KEEPS_OPEN] = {"keeps-open", 0, "IO-CLOSE-5 IO-CLOSE-6"},
    [HYPOTHESIS_LOSES_NOTHING] = {"loses-nothing", 0, "IO-WRITE-3 IO-READ-7"},
    [HYPOTHESIS_PLAIN] = {"plain", 0, "IO-EVENT-4 IO-EVENT-8 IO-EVENT-9 IO-EVENT-10"},
    [HYPOTHESIS_RESTS] = {"rests", 0, "IO-LEVEL-1 IO-EDGE-5"},
};
