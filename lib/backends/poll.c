/*
 * poll(2). Its quirks (Linux 6.18 unless another is named; poll(2)):
 *  - POLLHUP, POLLERR and POLLNVAL are reported whatever was asked for, even nothing: a descriptor
 *    that shall be quiet gets a negative number in the array.
 *  - A level-triggered hang-up that nothing can answer would be reported for ever; it rests, and
 *    is looked at again every slice_ms, since no mask lets through what may follow it (IO-EVENT-8).
 *  - A closed descriptor is POLLNVAL in each call, until its number is used again.
 *  - SA_RESTART is not honoured: EINTR.
 *  - More entries than RLIMIT_NOFILE are EINVAL, even if all are negative: so the array ends with
 *    the highest in use.
 *  - Results come in the order of the array: each scan starts behind the one that came first last
 *    time (IO-FAIR-2).
 */
#include "../os/platform.h"

#include "backend.h"

#ifdef USE_POLL

_Static_assert(sizeof(struct pollfd) <= IO_AREA_BYTES_PER_FD, "a pollfd has a place in the area");

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* The area holds the array that poll(2) gets, indexed by descriptor. */
static struct pollfd *entries(io_poller *poller)
{
    return (struct pollfd *)poller->area;
}

static short events_of(int request)
{
    int events = 0;
    events |= request & IO_READ ? POLLIN | POLLRDHUP : 0;
    events |= request & IO_WRITE ? POLLOUT : 0;
    events |= request & IO_EXCEPT ? POLLPRI : 0;
    return (short)events;
}

static int bits_of(int events)
{
    int bits = 0;
    bits |= events & POLLIN ? IO_BIT_IN : 0;
    bits |= events & POLLOUT ? IO_BIT_OUT : 0;
    bits |= events & POLLPRI ? IO_BIT_PRI : 0;
    bits |= events & POLLRDHUP ? IO_BIT_RDHUP : 0;
    bits |= events & POLLHUP ? IO_BIT_HUP : 0;
    bits |= events & POLLERR ? IO_BIT_ERR : 0;
    bits |= events & POLLNVAL ? IO_BIT_NVAL : 0;
    return bits;
}

static int poll_open(io_poller *poller)
{
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        entries(poller)[fd] = (struct pollfd){.fd = -1};
    }
    return 0;
}

static void poll_close(io_poller *poller)
{
    (void)poller;
}

static int poll_modify(io_poller *poller, io_fd fd)
{
    struct pollfd *entry = &entries(poller)[fd];
    int request = io_core_request(&poller->core, (uint32_t)fd);
    entry->fd = request & IO_REQUEST_QUIET ? -1 : fd;
    entry->events = events_of(request);
    entry->revents = 0;
    if (entry->fd >= 0 && (uint64_t)fd >= poller->fd_end) {
        poller->fd_end = (uint64_t)fd + 1;
    }
    return 0;
}

static int poll_add(io_poller *poller, io_fd fd)
{
    int r = io_os_check_pollable(fd);
    return r < 0 ? r : poll_modify(poller, fd);
}

static void poll_remove(io_poller *poller, io_fd fd)
{
    entries(poller)[fd].fd = -1;
}

static void harvest(io_poller *poller, uint64_t fd)
{
    struct pollfd *entry = &entries(poller)[fd];
    uint32_t generation = poller->core.slots[fd].generation;
    int r = io_core_harvest(&poller->core, (uint32_t)fd, generation, bits_of(entry->revents));
    entry->revents = 0;
    if (r == IO_HARVEST_MODIFY) {
        poll_modify(poller, (io_fd)fd);
    }
}

static int poll_wait(io_poller *poller, int timeout_ms)
{
    struct pollfd *entry = entries(poller);
    while (poller->fd_end > 0 && entry[poller->fd_end - 1].fd < 0) {
        poller->fd_end--;
    }
    uint64_t end = poller->fd_end;
    int count = io_os_poll(entry, end, timeout_ms);
    if (count <= 0) {
        return count;
    }
    uint64_t fd = poller->start < end ? poller->start : 0;
    int left = count;
    for (uint64_t seen = 0; seen < end && left > 0; seen++, fd = io_scan_next(fd, end)) {
        if (entry[fd].fd < 0 || !entry[fd].revents) {
            continue;
        }
        if (left == count) {
            poller->start = fd + 1;
        }
        left--;
        harvest(poller, fd);
    }
    return count;
}

const io_backend io_backend_poll = {
    .name = "poll",
    .type = IO_POLLER_POLL,
    .native_mode = IO_POLLER_LEVEL,
    .edge_mode = IO_MODE_EMULATED,
    .slice_ms = 100,
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .modify = poll_modify,
    .remove = poll_remove,
    .wait = poll_wait,
};

#endif
