/* What the backend for poll(2) notes in its area: the array that poll(2) gets. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/backend.h"
#include "slots.h"

#ifdef USE_POLL

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

IO_CHECK_BEGIN

static int events_for(int flags)
{
    int events = 0;
    if (flags & IO_READ) {
        events |= POLLIN | POLLRDHUP;
    }
    if (flags & IO_WRITE) {
        events |= POLLOUT;
    }
    if (flags & IO_EXCEPT) {
        events |= POLLPRI;
    }
    return events;
}

/* The first entry from fd on that is not that of a free slot, or slot_count. */
static uint64_t next_entry(const io_poller *poller, uint64_t fd)
{
    const struct pollfd *entries = (const struct pollfd *)poller->area;
    const io_slot *slots = poller->core.slots;
    while (fd < poller->core.slot_count && !slots[fd].atom && entries[fd].fd < 0 &&
           !entries[fd].revents) {
        fd++;
    }
    return fd;
}

const char *io_poll_check(const io_poller *poller)
{
    const struct pollfd *entries = (const struct pollfd *)poller->area;
    for (uint64_t fd = 0; (fd = next_entry(poller, fd)) < poller->core.slot_count; fd++) {
        const struct pollfd *entry = &entries[fd];
        int flags = io_check_levels_of(&poller->core, fd);
        if (entry->revents) {
            return "poll.revents";
        }
        if (entry->fd >= 0 && !flags) {
            return "poll.silent";
        }
        if (!flags) {
            continue;
        }
        if (entry->fd < 0 || (uint64_t)entry->fd != fd) {
            return "poll.armed";
        }
        if (entry->events != events_for(flags)) {
            return "poll.events";
        }
        if (fd >= poller->fd_end) {
            return "poll.fd_end";
        }
    }
    return NULL;
}

IO_CHECK_END

#endif
#endif
