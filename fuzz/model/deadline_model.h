/* The arithmetic of waiting, said a second time with numbers that cannot overflow: from lib/SPEC.md,
 * IO-WAIT-3 to IO-WAIT-5 and IO-WAIT-12, and the comments of lib/core/deadline.h. Times are
 * nanoseconds. */
#ifndef IOATOM_FUZZ_MODEL_DEADLINE_MODEL_H
#define IOATOM_FUZZ_MODEL_DEADLINE_MODEL_H

#include <stdint.h>

__extension__ typedef unsigned __int128 wide;

#define WIDE_NEVER ((wide)1 << 100) /* later than any time */
#define WIDE_MS ((wide)1000000)

/* When a wait that begins now is over. */
wide deadline_model_end(uint64_t now_ns, int timeout_ms);

/* That time as a value of the library: its last but one is the latest time there is. */
uint64_t deadline_model_as_value(wide end);
wide deadline_model_of_value(uint64_t deadline_ns);

/* Whether waiting so many milliseconds (negative: for ever) is right: null, or the clause that it
 * breaks. */
const char *deadline_model_judge(wide end, uint64_t now_ns, int timeout_ms);

#endif
