/*
 * epoll(7). Its quirks (Linux 6.18 unless another is named; epoll(7), epoll_ctl(2)):
 *  - A registration belongs to (open file, number). Closed by its number while a duplicate lives,
 *    it goes on reporting and nobody can remove it: such a report has a generation that names
 *    nobody, and the set is made anew (IO-CLOSE-4).
 *  - EPOLL_CTL_ADD of the same file under the same number after that: EEXIST; it is taken over
 *    with EPOLL_CTL_MOD.
 *  - EPOLLHUP and EPOLLERR are reported whatever was asked for, even nothing; with EPOLLET once
 *    for each change.
 *  - EPOLL_CTL_MOD reports anew what is ready: this is what re-arms (IO-SET-2).
 *  - Edge-triggered, a report for one direction carries the other one too if it is ready.
 *  - What was removed or drained between the event and the wait is not reported.
 *  - An ordinary file is EPERM. SA_RESTART is not honoured, nor SIGCONT: EINTR.
 *  - A forked child shares the set with its parent: io_poller_after_fork.
 */
#include "../os/platform.h"

#include "backend.h"

#ifdef USE_EPOLL

enum { BATCH = 64 }; /* B of IO-FAIR-1; the kernel serves those that it left out first next time */

/* User data: generation in the upper half, descriptor in the lower; the topmost bit of that half is
 * 0. */
static uint64_t data_of(const io_poller *poller, io_fd fd)
{
    return (uint64_t)poller->core.slots[fd].generation << 32 | (uint32_t)fd;
}

static uint32_t events_of(int request)
{
    uint32_t events = 0;
    events |= request & IO_READ ? (uint32_t)(EPOLLIN | EPOLLRDHUP) : 0;
    events |= request & IO_WRITE ? (uint32_t)EPOLLOUT : 0;
    events |= request & IO_EXCEPT ? (uint32_t)EPOLLPRI : 0;
    events |= request & IO_REQUEST_QUIET ? (uint32_t)EPOLLET : 0;
    return events;
}

static int bits_of(uint32_t events)
{
    int bits = 0;
    bits |= events & EPOLLIN ? IO_BIT_IN : 0;
    bits |= events & EPOLLOUT ? IO_BIT_OUT : 0;
    bits |= events & EPOLLPRI ? IO_BIT_PRI : 0;
    bits |= events & EPOLLRDHUP ? IO_BIT_RDHUP : 0;
    bits |= events & EPOLLHUP ? IO_BIT_HUP : 0;
    bits |= events & EPOLLERR ? IO_BIT_ERR : 0;
    return bits;
}

static int control(io_poller *poller, int epoll_fd, int operation, io_fd fd)
{
    int request = io_core_request(&poller->core, (uint32_t)fd);
    struct epoll_event event = {.events = events_of(request), .data.u64 = data_of(poller, fd)};
    return io_os_epoll_ctl(epoll_fd, operation, fd, &event);
}

static int open_set(io_poller *poller)
{
    poller->fd = io_os_epoll_create();
    return poller->fd < 0 ? poller->fd : 0;
}

static void close_set(io_poller *poller)
{
    io_os_close_own(poller->fd);
    poller->fd = -1;
}

static int add(io_poller *poller, io_fd fd)
{
    int r = control(poller, poller->fd, EPOLL_CTL_ADD, fd);
    return r == -EEXIST ? control(poller, poller->fd, EPOLL_CTL_MOD, fd) : r;
}

static int modify(io_poller *poller, io_fd fd)
{
    int r = control(poller, poller->fd, EPOLL_CTL_MOD, fd);
    return r == -ENOENT ? -EBADF
                        : r; /* the descriptor was closed, and its number perhaps used again */
}

static void remove_fd(io_poller *poller, io_fd fd)
{
    /* It fails if the descriptor was closed; then there is nothing to do (IO-REMOVE-7). If the kernel
     * refuses, what it still tells is stale, and makes the set be made anew (IO-REMOVE-8). */
    struct epoll_event unused = {0};
    (void)io_os_epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, &unused);
}

/* A new set under the old number, so that io_poller_fd stays what it was. */
static int renew(io_poller *poller)
{
    int epoll_fd = io_os_epoll_create();
    if (epoll_fd < 0) {
        return epoll_fd;
    }
    int r = 0;
    for (uint64_t fd = 0; fd < poller->core.slot_count && r >= 0; fd++) {
        io_slot *slot = &poller->core.slots[fd];
        if (!slot->atom || (slot->kernel & IO_KERNEL_DEAD)) {
            continue;
        }
        /* The new set may have got the very number that was closed. */
        r = (io_fd)fd == epoll_fd ? -EBADF : control(poller, epoll_fd, EPOLL_CTL_ADD, (io_fd)fd);
        if (r == -EBADF || r == -EPERM) {
            /* Closed, or closed and its number used for a file that cannot be watched. */
            r = io_core_harvest(&poller->core, (uint32_t)fd, slot->generation, IO_BIT_NVAL);
        }
    }
    if (r >= 0) {
        do {
            r = io_os_dup_to(epoll_fd, poller->fd);
        } while (r == -EINTR); /* IO-ERROR-6 */
        poller->outdated = r < 0;
    }
    io_os_close_own(epoll_fd);
    return r < 0 ? r : 0;
}

static int wait_once(io_poller *poller, int timeout_ms)
{
    struct epoll_event events[BATCH];
    int count = io_os_epoll_wait(poller->fd, events, BATCH, timeout_ms);
    for (int i = 0; i < count; i++) {
        uint32_t fd = (uint32_t)events[i].data.u64;
        uint32_t generation = (uint32_t)(events[i].data.u64 >> 32);
        int r = io_core_harvest(&poller->core, fd, generation, bits_of(events[i].events));
        if (r == IO_HARVEST_MODIFY) {
            r = modify(poller, (io_fd)fd);
        }
        poller->outdated |= r == IO_HARVEST_STALE || r < 0;
    }
    if (count > 0 && poller->outdated) {
        /* If that fails it is tried again in the next wait; what is pending comes first. */
        int r = renew(poller);
        return r < 0 && io_core_pending(&poller->core) == 0 ? r : count;
    }
    return count;
}

const io_backend io_backend_epoll = {
    .name = "epoll",
    .type = IO_POLLER_EPOLL,
    .native_mode = IO_POLLER_EDGE,
    .edge_mode = IO_MODE_EDGE,
    .slice_ms = 0,
    .open = open_set,
    .close = close_set,
    .add = add,
    .modify = modify,
    .remove = remove_fd,
    .wait = wait_once,
    .renew = renew,
};

#endif
