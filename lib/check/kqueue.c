/* What the backend for kqueue(2) has told the kernel: the kernel's queue. Where the kernel does not
 * show it, only the backend's own notes are checked. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/backend.h"
#include "slots.h"

#ifdef USE_KQUEUE

#include "../os/os_check.h"
#include "../os/os_kqueue.h"
#include "../os/os_wait.h"

IO_CHECK_BEGIN

/* The flag that a filter is for; 0: none. */
static int flag_of(int filter)
{
    if (filter == (int)EVFILT_READ) {
        return IO_READ;
    }
    if (filter == (int)EVFILT_WRITE) {
        return IO_WRITE;
    }
#if defined(EVFILT_EXCEPT) && defined(NOTE_OOB)
    if (filter == (int)EVFILT_EXCEPT) {
        return IO_EXCEPT;
    }
#endif
    return 0;
}

static int flags_for(const io_core *core, uint64_t fd)
{
    return core->mode == IO_MODE_EDGE ? io_check_asked_of(core, fd).flags
                                      : io_check_levels_of(core, fd);
}

/* What the notes of lib/backends/kqueue.c say: the second, that the queue may be wrong, and is put
 * right; the first is of registered descriptors only. */
enum { BROKEN = 1, LACKING = 2, NOTES = 3 };

typedef struct comparison {
    const io_poller *poller;
    const char *broken;
    const char *inexact; /* what may be if the set need not be exact */
} comparison;

static void compare(void *context, const io_os_knote *knote)
{
    comparison *c = context;
    const io_core *core = &c->poller->core;
    const uint8_t *notes = c->poller->area;
    int flag = flag_of(knote->filter);
#ifdef EVFILT_USER
    if (knote->filter == (int)EVFILT_USER && knote->flags == EV_ONESHOT) {
        return; /* its own, to be seen from outside */
    }
#endif
    unsigned clear = core->mode == IO_MODE_EDGE ? EV_CLEAR : 0;
    if (!flag || knote->ident >= core->slot_count || knote->flags != clear) {
        c->broken = "kqueue.flags";
        return;
    }
    const io_slot *slot = &core->slots[knote->ident];
    if (notes[knote->ident] & LACKING) {
        return;
    }
    if (!slot->atom || slot->generation != knote->data) {
        c->inexact = "kqueue.stale";
    } else if (!(flags_for(core, knote->ident) & flag)) {
        c->inexact = "kqueue.excess";
    }
}

/* The queue has the filter of a descriptor for this flag, or it cannot: IO_EXCEPT is for sockets, and
 * IO_WRITE is refused for a pipe that is hung up. */
static int has(const io_poller *poller, uint64_t fd, int flag)
{
    int filter = flag == IO_READ ? (int)EVFILT_READ : (int)EVFILT_WRITE;
    return flag == IO_EXCEPT || io_os_kqueue_has(poller->fd, fd, filter) ||
           (flag == IO_WRITE && (io_os_alarms((int)fd) & (POLLHUP | POLLERR)));
}

static int has_all(const io_poller *poller)
{
    const io_core *core = &poller->core;
    const uint8_t *notes = poller->area;
    for (uint64_t fd = 0; (fd = io_check_next(core, fd)) < core->slot_count; fd++) {
        int flags = notes[fd] & LACKING ? 0 : flags_for(core, fd);
        for (int flag = IO_READ; flag <= IO_EXCEPT; flag *= 2) {
            if ((flags & flag) && !has(poller, fd, flag)) {
                return 0;
            }
        }
    }
    return 1;
}

/* Notes are found by the next wait. */
static const char *check_notes(const io_poller *poller)
{
    const uint8_t *notes = poller->area;
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        if (notes[fd] > NOTES || ((notes[fd] & BROKEN) && !poller->core.slots[fd].atom)) {
            return "kqueue.note";
        }
        if (notes[fd] && (!poller->outdated || fd >= poller->fd_end)) {
            return "kqueue.outdated";
        }
    }
    return NULL;
}

const char *io_kqueue_check(const io_poller *poller, io_check_depth depth)
{
    comparison c = {poller, NULL, NULL};
    const char *broken = check_notes(poller);
    if (broken || depth == IO_CHECK_MEMORY || io_os_kqueue_knotes(poller->fd, compare, &c) < 0) {
        return broken;
    }
    if (c.broken || depth != IO_CHECK_EXACT) {
        return c.broken;
    }
    if (c.inexact) {
        return c.inexact;
    }
    return has_all(poller) ? NULL : "kqueue.missing";
}

IO_CHECK_END

#endif
#endif
