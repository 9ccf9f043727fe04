#include "deadline_model.h"

#include <limits.h>

wide deadline_model_end(uint64_t now_ns, int timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms == INT_MAX) {
        return WIDE_NEVER; /* IO-WAIT-4 */
    }
    return (wide)now_ns + (wide)(unsigned)timeout_ms * WIDE_MS;
}

uint64_t deadline_model_as_value(wide end)
{
    if (end == WIDE_NEVER) {
        return UINT64_MAX;
    }
    return end < UINT64_MAX ? (uint64_t)end : UINT64_MAX - 1;
}

wide deadline_model_of_value(uint64_t deadline_ns)
{
    return deadline_ns == UINT64_MAX ? WIDE_NEVER : deadline_ns;
}

const char *deadline_model_judge(wide end, uint64_t now_ns, int timeout_ms)
{
    if (end == WIDE_NEVER || timeout_ms < 0) {
        return end == WIDE_NEVER && timeout_ms == -1 ? 0 : "IO-WAIT-4";
    }
    if (end <= now_ns || timeout_ms == 0) {
        return end <= now_ns && timeout_ms == 0 ? 0 : "IO-WAIT-5";
    }
    if (timeout_ms == INT_MAX) {
        return "IO-WAIT-4"; /* for ever, to a kernel or a caller */
    }
    /* The shortest that is not too short, or as long as can be said. */
    wide after = (wide)now_ns + (wide)(unsigned)timeout_ms * WIDE_MS;
    if (after < end && timeout_ms != INT_MAX - 1) {
        return "IO-WAIT-3";
    }
    return after - WIDE_MS < end ? 0 : "IO-WAIT-12";
}
