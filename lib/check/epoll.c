/* What the backend for epoll(7) has told the kernel: the kernel's set. Where the kernel does not
 * show it (no /proc, no free descriptor to read it with), nothing is checked. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/backend.h"
#include "slots.h"

#ifdef USE_EPOLL

#include "../os/os_check.h"

IO_CHECK_BEGIN

static uint32_t events_for(const io_check_asked *asked)
{
    uint32_t events = 0;
    if (asked->flags & IO_READ) {
        events |= EPOLLIN | EPOLLRDHUP;
    }
    if (asked->flags & IO_WRITE) {
        events |= EPOLLOUT;
    }
    if (asked->flags & IO_EXCEPT) {
        events |= EPOLLPRI;
    }
    if (!asked->levels) {
        events |= (uint32_t)EPOLLET;
    }
    return events;
}

typedef struct comparison {
    const io_poller *poller;
    uint64_t found; /* registrations that are in the kernel's set */
    int stale;      /* items that name nobody */
    const char *broken;
} comparison;

static void compare(void *context, const io_os_item *item)
{
    comparison *c = context;
    const io_core *core = &c->poller->core;
    uint64_t fd = item->data & UINT32_MAX;
    if (item->fd < 0 || (uint64_t)item->fd != fd || fd >= core->slot_count) {
        c->broken = "epoll.number";
        return;
    }
    io_check_asked asked = io_check_asked_of(core, fd);
    if (!asked.registered || core->slots[fd].generation != item->data >> 32) {
        c->stale = 1;
        return;
    }
    c->found++;
    /* The kernel adds these two. A set that is known to be outdated is made anew. */
    uint32_t events = item->events & ~(uint32_t)(EPOLLERR | EPOLLHUP);
    if (events != events_for(&asked) && !c->poller->outdated) {
        c->broken = "epoll.events";
    }
}

const char *io_epoll_check(const io_poller *poller, io_check_depth depth)
{
    comparison c = {poller, 0, 0, NULL};
    if (depth == IO_CHECK_MEMORY || io_os_epoll_items(poller->fd, compare, &c) < 0) {
        return NULL;
    }
    if (c.broken || depth != IO_CHECK_EXACT) {
        return c.broken;
    }
    if (c.stale) {
        return "epoll.stale";
    }
    if (poller->outdated) {
        return "epoll.outdated";
    }
    uint64_t registered = 0;
    for (uint64_t fd = 0; (fd = io_check_next(&poller->core, fd)) < poller->core.slot_count; fd++) {
        registered += (uint64_t)io_check_asked_of(&poller->core, fd).registered;
    }
    return c.found == registered ? NULL : "epoll.missing";
}

IO_CHECK_END

#endif
#endif
