#include "deadline.h"

uint64_t io_deadline(uint64_t now_ns, int timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms == INT_MAX) {
        return IO_NEVER;
    }
    uint64_t span_ns = (uint64_t)timeout_ms * IO_NS_PER_MS;
    return span_ns < IO_NEVER - now_ns ? now_ns + span_ns : IO_NEVER - 1;
}

int io_timeout_ms(uint64_t deadline_ns, uint64_t now_ns)
{
    if (deadline_ns == IO_NEVER) {
        return -1;
    }
    if (deadline_ns <= now_ns) {
        return 0;
    }
    /* (d - 1) / ms + 1 rounds up and cannot overflow. */
    uint64_t ms = (deadline_ns - now_ns - 1) / IO_NS_PER_MS + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX - 1;
}
