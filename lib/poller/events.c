/* Waiting, dispatching, taking. */
#include "../os/platform.h"

#include "poller.h"

/* Let the resting descriptors be looked at again (IO-EVENT-8); only backends that have a slice_ms
 * need it. */
static void wake_resting(io_poller *poller)
{
    if (!poller->core.rested || poller->backend->slice_ms == 0) {
        return;
    }
    poller->core.rested = 0;
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        if (io_core_wake(&poller->core, (uint32_t)fd)) {
            poller->backend->modify(poller, (io_fd)fd);
        }
    }
}

/* One wait of the backend until the deadline, or for a slice, if somebody rests. */
static int wait_slice(io_poller *poller, uint64_t deadline_ns, uint64_t now_ns)
{
    int timeout_ms = io_core_pending(&poller->core) > 0 ? 0 : io_timeout_ms(deadline_ns, now_ns);
    int slice_ms = poller->backend->slice_ms;
    int sliced = poller->core.rested && slice_ms > 0 && (timeout_ms < 0 || timeout_ms > slice_ms);
    int r = poller->backend->wait(poller, sliced ? slice_ms : timeout_ms);
    if (r == 0 && sliced) {
        wake_resting(poller);
    }
    return r;
}

int io_wait(io_poller *poller, int timeout_ms)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    if (poller->core.dispatching) {
        return io_result(-EBUSY);
    }
    io_core_compact(&poller->core);
    wake_resting(poller);
    uint64_t now_ns = timeout_ms == 0 ? 0 : io_os_now_ns();
    uint64_t deadline_ns = timeout_ms == 0 ? 0 : io_deadline(now_ns, timeout_ms);
    if (poller->deadline_ns < deadline_ns) {
        deadline_ns = poller->deadline_ns; /* the hook of timers (IO-WAIT-12) */
    }
    for (;;) {
        int r = wait_slice(poller, deadline_ns, now_ns);
        int pending = io_core_pending(&poller->core);
        if (r == -EINTR || (r >= 0 && pending > 0)) {
            return pending;
        }
        if (r < 0) {
            return io_result(r);
        }
        /* Nothing that anybody is to be told: go on, unless the time is over (IO-WAIT-7). */
        if (deadline_ns != IO_NEVER) {
            now_ns = deadline_ns == 0 ? 0 : io_os_now_ns();
            if (now_ns >= deadline_ns) {
                return 0;
            }
        }
    }
}

int io_dispatch(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    return io_result(io_core_dispatch(&poller->core, poller));
}

int io_next(io_poller *poller, io_event *event)
{
    if (!io_poller_is_open(poller) || !event) {
        return io_result(-EINVAL);
    }
    return io_result(io_core_next(&poller->core, event));
}
