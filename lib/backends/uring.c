/*
 * io_uring(7), for its polls: one multishot poll of each registered descriptor says when to look at
 * it, and poll(2) says what is there. Its quirks (Linux 6.18 unless another is named; seen by
 * running programs):
 *  - A completion that a wake-up makes has the events that the waker names, not those that are
 *    there: any data of a socket comes as POLLIN|POLLPRI, and data that was read meanwhile still
 *    as POLLIN. It is taken for a hint, and the descriptor is listed, to be looked at in the next
 *    wait (IO-EVENT-5). What is to be told as long as it is there stays listed, as in epoll.
 *  - A poll that asks for nothing but POLLPRI is not woken by out-of-band data of a socket; so
 *    POLLIN is asked for besides, and any data wakes (IO-URING-8).
 *  - Multishot polls are edge-triggered: a completion when armed, if something is ready, and one
 *    for each wake-up. IORING_POLL_ADD_LEVEL is EINVAL.
 *  - POLLRDHUP, POLLHUP and POLLERR complete a poll whatever was asked for; looking filters them.
 *  - An armed poll keeps the file open: after close(2) the peer sees no end until the poll has
 *    ended. So removing waits for that, and so does disposing of the poller: closing the ring
 *    would let go of the files some time later (IO-REMOVE-3).
 *  - What completed before a cancellation is still in the ring: its data names a poll that is no
 *    more.
 *  - With more completions than have a place nothing is lost, but the polls end. They are armed
 *    again when they are looked at. If the kernel has no memory to keep a completion, a wait is
 *    EBADR: the rings are made anew.
 *  - A file that cannot be polled completes at once, and ends; if nothing is asked for: EINVAL. An
 *    ordinary file is one of these, and so are a directory and /dev/null (epoll: EPERM).
 *  - When the thread that armed a poll exits, the poll ends: ECANCELED.
 *  - Without IORING_SETUP_COOP_TASKRUN wake-ups would interrupt the thread's other system calls.
 *    With IORING_SETUP_DEFER_TASKRUN a poller could not be handed to another thread.
 *  - A forked child shares the rings with its parent: io_poller_after_fork.
 */
#include "../os/platform.h"

#include "ring.h"

#ifdef USE_URING

enum { BATCH = 64 };         /* B of IO-FAIR-1: the first that are listed are looked at first */
enum { PATIENCE_MS = 1000 }; /* for a poll to end that was cancelled */

/* The area: of each descriptor, the token of its latest poll, and its place in the list. */
typedef struct note {
    uint32_t token;
    uint32_t next; /* if it is listed: that bit, and the next one; of the last one itself */
} note;

_Static_assert(sizeof(note) <= IO_AREA_BYTES_PER_FD, "a note has a place in the area");

#define LISTED (UINT32_C(1) << 31)

/* note.token: the flags that were asked for, this bit, and above it a count, so that each poll of a
 * descriptor has another token. */
enum { TOKEN_ARMED = 0x08, TOKEN_STEP = 0x10 };

/* A poll whose end is awaited, and how it ended: with poll(2) events, or a negative errno value. */
typedef struct awaited {
    uint64_t data;
    int result;
} awaited;

enum { GOES_ON = INT32_MAX };

/* In the data of a poll that asks for nothing: it is no descriptor's. */
#define PROBE (UINT64_C(1) << 31)

static note *notes(const io_poller *poller)
{
    return (note *)poller->area;
}

static int is_armed(const io_poller *poller, uint64_t fd)
{
    return (notes(poller)[fd].token & TOKEN_ARMED) != 0;
}

static void note_end(io_poller *poller, uint64_t fd)
{
    notes(poller)[fd].token &= ~(uint32_t)TOKEN_ARMED;
}

static uint64_t data_of(const io_poller *poller, uint64_t fd)
{
    return (uint64_t)notes(poller)[fd].token << 32 | fd;
}

/* The core may have something to be told of it: it is registered, and not dead. */
static int is_watched(const io_poller *poller, uint64_t fd)
{
    const io_slot *slot = &poller->core.slots[fd];
    return slot->atom && !(slot->kernel & IO_KERNEL_DEAD);
}

static short events_of(int request)
{
    int events = 0;
    events |= request & IO_READ ? POLLIN | POLLRDHUP : 0;
    events |= request & IO_WRITE ? POLLOUT : 0;
    events |= request & IO_EXCEPT ? POLLPRI : 0;
    return (short)events;
}

/* What wakes for it. */
static uint32_t wakes_of(int request)
{
    return (uint16_t)events_of(request & IO_EXCEPT ? request | IO_READ : request);
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

/* --- the list of descriptors to be looked at, first come, first served --- */

static void list(io_poller *poller, uint64_t fd)
{
    note *n = notes(poller);
    if (n[fd].next) {
        return;
    }
    n[fd].next = LISTED | (uint32_t)fd;
    if (poller->fd_end) {
        n[poller->fd_end - 1].next = LISTED | (uint32_t)fd;
    } else {
        poller->start = fd;
    }
    poller->fd_end = fd + 1;
}

/* The first one; there is one. */
static uint64_t unlist(io_poller *poller)
{
    uint64_t fd = poller->start;
    note *n = &notes(poller)[fd];
    if (fd + 1 == poller->fd_end) {
        poller->fd_end = 0;
        poller->start = 0;
    } else {
        poller->start = n->next & ~LISTED;
    }
    n->next = 0;
    return fd;
}

/* --- polls --- */

static void harvest_completion(io_poller *poller, const io_completion *completion)
{
    uint64_t fd = completion->data & UINT32_MAX;
    if (fd >= poller->core.slot_count || completion->data != data_of(poller, fd)) {
        return; /* of a poll that is no more (IO-REMOVE-6) */
    }
    if (!completion->more) {
        note_end(poller, fd);
    }
    list(poller, fd);
}

/* Take all completions, and note which of these polls have ended. 1: a cancellation found nothing. */
static int take_all(io_poller *poller, awaited *polls, int count)
{
    io_completion completion;
    int missed = 0;
    while (io_ring_take(&poller->ring, &completion)) {
        missed |= completion.data == IO_RING_NOBODY;
        for (int i = 0; i < count; i++) {
            if (completion.data == polls[i].data && !completion.more) {
                polls[i].result = completion.result;
            }
        }
        harvest_completion(poller, &completion);
    }
    return missed;
}

/* Take completions until polls[0], which was cancelled, has ended: another thread may have to run for
 * that. If there was nothing to cancel and it has not ended, its end was lost. */
static void await_end(io_poller *poller, awaited *polls, int count)
{
    int missed = take_all(poller, polls, count);
    while (polls[0].result == GOES_ON && !missed) {
        int r = io_ring_wait(&poller->ring, PATIENCE_MS);
        if (r < 0 && r != -EINTR) {
            break;
        }
        missed = take_all(poller, polls, count);
    }
    poller->outdated |= polls[0].result == GOES_ON;
}

/* -EPERM for a file that cannot be polled at all: it refuses to be asked for nothing. */
static int check_pollable(io_poller *poller, io_fd fd)
{
    awaited probe = {data_of(poller, (uint64_t)fd) | PROBE, GOES_ON};
    io_ring_put_poll(&poller->ring, fd, 0, probe.data);
    io_ring_put_cancel(&poller->ring, probe.data);
    int r = io_ring_submit(&poller->ring);
    if (r < 0) {
        return r;
    }
    poller->outdated |= r == 1; /* it goes on */
    (void)take_all(poller, &probe, 1);
    if (probe.result >= 0 || probe.result == -ECANCELED) {
        return 0;
    }
    return probe.result == -EINVAL ? -EPERM : probe.result;
}

/* What the result of a poll that ended at once says of the descriptor. */
static int verdict(io_poller *poller, io_fd fd, int result)
{
    if (result == GOES_ON) {
        return 0;
    }
    list(poller, (uint64_t)fd); /* to be armed by the next wait, if it is still watched then */
    if (result >= 0) {
        return check_pollable(poller, fd);
    }
    return result == -EINVAL ? -EPERM : result;
}

/* Have the kernel poll fd for what the core asks for, and for nothing else. */
static int arm(io_poller *poller, io_fd fd)
{
    int request = io_core_request(&poller->core, (uint32_t)fd) & IO_EVENTS;
    note *n = &notes(poller)[fd];
    int was_armed = is_armed(poller, (uint64_t)fd);
    uint32_t old = n->token;
    awaited polls[2] = {{.data = data_of(poller, (uint64_t)fd)}, {.result = GOES_ON}};
    if (was_armed) {
        polls[0].result = GOES_ON;
        io_ring_put_cancel(&poller->ring, polls[0].data);
    }
    n->token = old - old % TOKEN_STEP + TOKEN_STEP + TOKEN_ARMED + (uint32_t)request;
    polls[1].data = data_of(poller, (uint64_t)fd);
    io_ring_put_poll(&poller->ring, fd, wakes_of(request), polls[1].data);
    int r = io_ring_submit(&poller->ring);
    if (r < 0 && was_armed) {
        n->token = old; /* nothing has changed (IO-ERROR-2) */
        return r;
    }
    if (r != 1 + was_armed) {
        note_end(poller, (uint64_t)fd);
        polls[1].result = r < 0 ? r : -ENOMEM;
    }
    await_end(poller, polls, 2);
    return verdict(poller, fd, polls[1].result);
}

/* -EBADF: the descriptor was closed, or closed and its number used for a file that cannot be polled. */
static int arm_again(io_poller *poller, io_fd fd)
{
    int r = arm(poller, fd);
    return r == -EPERM ? -EBADF : r;
}

/* Whether the kernel polls fd for what the core asks for. */
static int is_as_requested(const io_poller *poller, io_fd fd)
{
    int request = io_core_request(&poller->core, (uint32_t)fd) & IO_EVENTS;
    uint32_t token = notes(poller)[fd].token;
    return token % TOKEN_STEP == TOKEN_ARMED + (uint32_t)request;
}

static void disarm(io_poller *poller, uint64_t fd)
{
    if (!is_armed(poller, fd)) {
        return;
    }
    awaited poll = {data_of(poller, fd), GOES_ON};
    io_ring_put_cancel(&poller->ring, poll.data);
    if (io_ring_submit(&poller->ring) < 0) {
        poller->outdated = 1; /* (IO-REMOVE-8) */
    } else {
        await_end(poller, &poll, 1);
    }
    note_end(poller, fd);
}

/* --- the backend --- */

static int uring_open(io_poller *poller)
{
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        notes(poller)[fd] = (note){0, 0};
    }
    return io_ring_open(&poller->ring);
}

/* End all polls, but for those that are the parent's: the files must not stay open. */
static int end_all(io_poller *poller)
{
    if (poller->ring.process != io_os_process()) {
        return 0;
    }
    io_ring_put_cancel_all(&poller->ring);
    int r = io_ring_submit(&poller->ring);
    (void)take_all(poller, NULL, 0); /* most have ended: of them no more is asked for */
    for (uint64_t fd = 0; fd < poller->core.slot_count && r >= 0; fd++) {
        disarm(poller, fd); /* it takes another thread, or its end was lost */
    }
    return r;
}

static void uring_close(io_poller *poller)
{
    (void)end_all(poller);
    io_ring_close(&poller->ring);
}

static int uring_add(io_poller *poller, io_fd fd)
{
    return arm(poller, fd);
}

static int uring_modify(io_poller *poller, io_fd fd)
{
    if (is_as_requested(poller, fd)) {
        list(poller, (uint64_t)fd); /* what is ready now is told anew (IO-SET-2) */
        return 0;
    }
    return arm_again(poller, fd);
}

static void uring_remove(io_poller *poller, io_fd fd)
{
    disarm(poller, (uint64_t)fd);
}

static void harvest(io_poller *poller, uint64_t fd, int bits)
{
    const io_slot *slot = &poller->core.slots[fd];
    int r = io_core_harvest(&poller->core, (uint32_t)fd, slot->generation, bits);
    if (!is_watched(poller, fd)) {
        disarm(poller, fd);
        return;
    }
    if (r == IO_HARVEST_MODIFY) {
        poller->outdated |= uring_modify(poller, (io_fd)fd) < 0;
    }
    if (!(io_core_request(&poller->core, (uint32_t)fd) & IO_REQUEST_QUIET)) {
        list(poller, fd); /* it is told as long as it is there */
    }
}

/* Look at the first that are listed. The number of those that are ready. */
static int look(io_poller *poller)
{
    struct pollfd entries[BATCH] = {{0}};
    int count = 0;
    uint64_t last = poller->fd_end; /* who is listed from here on has to wait */
    for (int ended = last == 0; !ended && count < BATCH;) {
        uint64_t fd = unlist(poller);
        ended = fd + 1 == last;
        if (!is_watched(poller, fd)) {
            continue;
        }
        int r = is_as_requested(poller, (io_fd)fd) ? 0 : arm_again(poller, (io_fd)fd);
        if (r == -EBADF) {
            harvest(poller, fd, IO_BIT_NVAL);
            continue;
        }
        poller->outdated |= r < 0; /* it is looked at all the same: nothing of it is lost */
        int request = io_core_request(&poller->core, (uint32_t)fd);
        entries[count++] = (struct pollfd){.fd = (io_fd)fd, .events = events_of(request)};
    }
    int ready = count > 0 ? io_os_uring_look(entries, (uint64_t)count) : 0;
    for (int i = 0; i < count; i++) {
        if (ready < 0) {
            list(poller, (uint64_t)entries[i].fd);
        } else if (entries[i].revents) {
            harvest(poller, (uint64_t)entries[i].fd, bits_of(entries[i].revents));
        }
    }
    return ready;
}

/* New rings under the old number; all is armed anew. If that fails, the next wait tries it again. */
static int renew(io_poller *poller)
{
    io_ring ring;
    int r = io_ring_open(&ring);
    if (r < 0) {
        return r;
    }
    r = end_all(poller);
    if (r < 0) {
        io_ring_close(&ring);
        return r;
    }
    r = io_ring_replace(&poller->ring, &ring);
    poller->outdated = 0; /* but for what goes wrong from here on */
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        note_end(poller, fd);
        if (r >= 0 && is_watched(poller, fd)) {
            r = arm_again(poller, (io_fd)fd);
            r = r == -EBADF ? 0 : r; /* it is listed, and found so when it is looked at */
        }
    }
    poller->outdated |= r < 0;
    return r;
}

static int wait_once(io_poller *poller, int timeout_ms)
{
    int busy = poller->fd_end > 0 || poller->outdated;
    int r = io_ring_wait(&poller->ring, busy ? 0 : timeout_ms);
    poller->outdated |= r == -EBADR;
    if (r < 0 && r != -ETIME && r != -EBADR) {
        return r;
    }
    /* Before looking: what the old rings did not tell is found in this wait. If it fails it is tried
     * again in the next one; what is pending comes first. */
    int renewed = poller->outdated ? renew(poller) : 0;
    (void)take_all(poller, NULL, 0);
    int ready = look(poller);
    if (!renewed && poller->outdated) {
        renewed = renew(poller); /* what was looked at could not be armed, or forgotten */
    }
    return ready >= 0 && renewed < 0 && io_core_pending(&poller->core) == 0 ? renewed : ready;
}

const io_backend io_backend_uring = {
    .name = "uring",
    .type = IO_POLLER_URING,
    .native_mode = IO_POLLER_EDGE,
    .edge_mode = IO_MODE_EDGE,
    .slice_ms = 0,
    .open = uring_open,
    .close = uring_close,
    .add = uring_add,
    .modify = uring_modify,
    .remove = uring_remove,
    .wait = wait_once,
    .renew = renew,
};

#endif
