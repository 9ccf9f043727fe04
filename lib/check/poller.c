/* The invariants of a poller. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/backend.h"

static int is_known(const io_backend *backend)
{
#ifdef USE_EPOLL
    if (backend == &io_backend_epoll) {
        return 1;
    }
#endif
#ifdef USE_KQUEUE
    if (backend == &io_backend_kqueue) {
        return 1;
    }
#endif
#ifdef USE_URING
    if (backend == &io_backend_uring) {
        return 1;
    }
#endif
#ifdef USE_POLL
    if (backend == &io_backend_poll) {
        return 1;
    }
#endif
#ifdef USE_SELECT
    if (backend == &io_backend_select) {
        return 1;
    }
#endif
    return 0;
}

static const char *check_fields(const io_poller *poller)
{
    const io_backend *backend = poller->backend;
    int mode = poller->type & (IO_POLLER_EDGE | IO_POLLER_LEVEL);
    int core_mode = mode == IO_POLLER_EDGE ? backend->edge_mode : IO_MODE_LEVEL;
    if (poller->type != (backend->type | mode) ||
        (mode != IO_POLLER_EDGE && mode != IO_POLLER_LEVEL)) {
        return "poller.type";
    }
    if (poller->core.mode != core_mode) {
        return "poller.mode";
    }
    if (!poller->area) {
        return "poller.area";
    }
    if (poller->fd_end > poller->core.slot_count) {
        return "poller.fd_end";
    }
    if (poller->start > poller->core.slot_count) {
        return "poller.start";
    }
    int has_set = (backend->type & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE)) != 0;
    if ((poller->fd >= 0) != has_set) {
        return "poller.fd";
    }
    has_set |= backend->type == IO_POLLER_URING; /* whose descriptor is the ring's */
    if (poller->outdated && (poller->outdated != 1 || !has_set)) {
        return "poller.outdated";
    }
    if ((poller->timers != NULL) != (poller->run_timers != NULL) ||
        (poller->timers && poller->timers->poller != poller)) {
        return "poller.timers";
    }
    return NULL;
}

static const char *check_backend(const io_poller *poller, io_check_depth depth)
{
    (void)depth; /* with poll and select alone */
    switch (poller->backend->type) {
#ifdef USE_EPOLL
    case IO_POLLER_EPOLL:
        return io_epoll_check(poller, depth);
#endif
#ifdef USE_KQUEUE
    case IO_POLLER_KQUEUE:
        return io_kqueue_check(poller, depth);
#endif
#ifdef USE_URING
    case IO_POLLER_URING:
        return io_uring_check(poller, depth);
#endif
#ifdef USE_POLL
    case IO_POLLER_POLL:
        return io_poll_check(poller);
#endif
#ifdef USE_SELECT
    case IO_POLLER_SELECT:
        return io_select_check(poller);
#endif
    default:
        return NULL;
    }
}

const char *io_poller_check(const io_poller *poller, io_check_depth depth)
{
    if (!poller || !poller->backend) {
        return NULL;
    }
    if (!is_known(poller->backend)) {
        return "poller.backend";
    }
    const char *broken = io_core_check(&poller->core, poller);
    if (!broken) {
        broken = check_fields(poller);
    }
    if (!broken && poller->timers) {
        broken = io_timers_check(poller->timers);
    }
    return broken ? broken : check_backend(poller, depth);
}

#endif
