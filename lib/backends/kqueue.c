/*
 * kqueue(2). Written for macOS, FreeBSD, NetBSD, OpenBSD and DragonFly BSD; run on the simulated
 * kernel only (lib/sim/kqueue.c). Its quirks (FreeBSD's kevent(2), unless another is named):
 *  - What is registered is a pair of number and filter, once in a queue: so the number says who it
 *    is, and udata has room for a whole generation where a pointer has 32 bits.
 *  - Reading and writing are two filters, and come as two events: the core merges them. EV_EOF is
 *    about the filter's own direction, and may come with data: it makes that direction ready, and
 *    says nothing of the other.
 *  - EV_ADD of what is there already need not report what is ready, nor change EV_CLEAR: what re-arms
 *    is EV_DELETE and EV_ADD (IO-SET-2). If the kernel refuses the second, what was armed is gone, and
 *    is put back by the next wait (IO-WAIT-14).
 *  - EVFILT_WRITE cannot be added to a pipe whose other end is closed: EPIPE, on NetBSD EBADF. A write
 *    would tell, so it is ready; the wait says so in the kernel's place (IO-EVENT-3).
 *  - EVFILT_EXCEPT is not everywhere, and where it is only of sockets (IO-EVENT-11).
 *  - What the kernel does not know of, it does not show at the queue's descriptor: EVFILT_USER makes
 *    that readable (IO-INIT-8). Not every system has it.
 *  - Closing a number deletes what is registered for it, silently, also while a duplicate lives.
 *  - A forked child has no queue, and its number may be another file's.
 *  - An ordinary file can be watched: io_os_check_pollable refuses it.
 *  - Some systems wait for no more than 24 hours: io_wait goes on.
 */
#include "../os/platform.h"

#include "backend.h"

#ifdef USE_KQUEUE

#include "../os/os_kqueue.h"

#include <string.h>

enum {
    READ_FILTER,
    WRITE_FILTER,
#if defined(EVFILT_EXCEPT) && defined(NOTE_OOB)
    EXCEPT_FILTER,
#endif
    FILTERS,
    BATCH = 97 /* an atom has up to three events, and one is our own: IO-FAIR-1 with B = 64 */
};

static const struct {
    int flag;
    int bit;
    int name;
    unsigned notes;
} filters[FILTERS] = {
    [READ_FILTER] = {IO_READ, IO_BIT_IN, EVFILT_READ, 0},
    [WRITE_FILTER] = {IO_WRITE, IO_BIT_OUT, EVFILT_WRITE, 0},
#if defined(EVFILT_EXCEPT) && defined(NOTE_OOB)
    [EXCEPT_FILTER] = {IO_EXCEPT, IO_BIT_PRI, EVFILT_EXCEPT, NOTE_OOB},
#endif
};

/* What the area notes of a descriptor. */
enum {
    BROKEN = 1, /* IO_WRITE is ready, and the kernel would not say so */
    LACKING = 2 /* the queue may not be as the table says */
};

static void note(io_poller *poller, io_fd fd, int notes)
{
    uint8_t *area = poller->area;
    area[fd] = (uint8_t)notes;
    if (notes) {
        poller->outdated = 1;
        poller->fd_end = (uint64_t)fd < poller->fd_end ? poller->fd_end : (uint64_t)fd + 1;
    }
}

/* The flags that the kernel is to tell; none of a descriptor that nobody has registered. */
static int requested(const io_poller *poller, io_fd fd)
{
    return io_core_request(&poller->core, (uint32_t)fd) & IO_EVENTS;
}

typedef struct change_list {
    int count;
    struct kevent changes[2 * FILTERS];
    struct kevent receipts[2 * FILTERS];
} change_list;

/* A receipt that the kernel leaves out says that all is well. */
static void clear(change_list *list)
{
    memset(list, 0, sizeof(*list));
}

static void delete_filter(change_list *list, io_fd fd, int i)
{
    list->changes[list->count++] = io_os_kevent(fd, filters[i].name, EV_DELETE | EV_RECEIPT, 0, 0);
}

static void add_filter(change_list *list, const io_poller *poller, io_fd fd, int i)
{
    unsigned clear = poller->core.mode == IO_MODE_EDGE ? EV_CLEAR : 0;
    list->changes[list->count++] =
        io_os_kevent(fd, filters[i].name, EV_ADD | EV_RECEIPT | clear, filters[i].notes,
                     poller->core.slots[fd].generation);
}

/* A signal comes when the changes are made, and takes the receipts: they are made once more. */
static int submit(int queue, change_list *list)
{
    int r;
    do {
        r = io_os_kevent_change(queue, list->changes, list->count, list->receipts);
    } while (r == -EINTR);
    return r;
}

/* The kernel, or the file, does not know the filter. */
static int is_unknown(int error)
{
    static const int errors[] = {EINVAL, EPERM, ENODEV, ENOTSUP, EOPNOTSUPP};
    int found = 0;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        found |= error == errors[i];
    }
    return found;
}

/* What an error of an EV_ADD is about: 0, a note, or a negative errno value. */
static int refused(const struct kevent *change, int error)
{
    int writes = change->filter == EVFILT_WRITE;
    int is_needed = writes || change->filter == EVFILT_READ;
    int fd = (int)change->ident;
    if (writes && error == EPIPE) {
        return BROKEN;
    }
    int broken = writes && error == EBADF && io_os_check_open(fd) == 0 ? io_os_is_broken(fd) : 0;
    if (broken) {
        return broken; /* BROKEN, or it could not be found out */
    }
    if (is_unknown(error)) {
        return is_needed ? -EPERM : 0;
    }
    return -error;
}

/* What came of the changes of an apply: what the area is to note, or a negative errno value; that the
 * descriptor is not open only if there is nothing else to say, since that is believed. */
static int outcome(const change_list *list)
{
    int notes = 0, result = 0;
    for (int i = 0; i < list->count; i++) {
        const struct kevent *change = &list->changes[i];
        int error = (int)list->receipts[i].data;
        int is_delete = (change->flags & EV_DELETE) != 0;
        if (!error || (is_delete && error == ENOENT)) {
            continue;
        }
        int r = is_delete ? -error : refused(change, error);
        if (r >= 0) {
            notes |= r;
        } else if (r != -EBADF || result == 0) {
            result = r;
        }
    }
    return result < 0 ? result : notes;
}

/* Have the queue report what is requested of a descriptor, and nothing else; what is ready comes
 * anew. What the area is to note, or a negative errno value. */
static int apply(const io_poller *poller, int queue, io_fd fd)
{
    int request = requested(poller, fd);
    change_list list;
    clear(&list);
    for (int i = 0; i < FILTERS; i++) {
        delete_filter(&list, fd, i);
        if (request & filters[i].flag) {
            add_filter(&list, poller, fd, i);
        }
    }
    int r = submit(queue, &list);
    return r < 0 ? r : outcome(&list);
}

/* Have it report no more than is requested. If the kernel refuses, the next wait asks again. */
static void prune(io_poller *poller, io_fd fd)
{
    int request = requested(poller, fd);
    change_list list;
    clear(&list);
    for (int i = 0; i < FILTERS; i++) {
        if (!(request & filters[i].flag)) {
            delete_filter(&list, fd, i);
        }
    }
    if (submit(poller->fd, &list) < 0 || outcome(&list) < 0) {
        const uint8_t *area = poller->area;
        note(poller, fd, area[fd] | LACKING);
    }
}

/* Make the queue's descriptor readable: whoever watches it is to call io_wait. */
static int show(int queue)
{
#ifdef EVFILT_USER
    unsigned flags = EV_ADD | EV_ONESHOT | EV_RECEIPT;
    change_list list;
    clear(&list);
    list.count = 2;
    list.changes[0] = io_os_kevent(0, EVFILT_USER, flags, 0, 0);
    list.changes[1] = io_os_kevent(0, EVFILT_USER, flags, NOTE_TRIGGER, 0);
    int r = submit(queue, &list);
    return r < 0 ? r : outcome(&list);
#else
    (void)queue;
    return 0;
#endif
}

/* There are notes that the next wait looks at. If this is refused, only who waits in the poller itself
 * learns of them. */
static void show_notes(const io_poller *poller, int notes)
{
    if (notes) {
        (void)show(poller->fd);
    }
}

static int open_queue(io_poller *poller)
{
    uint8_t *area = poller->area;
    memset(area, 0, poller->core.slot_count);
    poller->owner = io_os_process();
    poller->fd = io_os_kqueue_create();
    return poller->fd < 0 ? poller->fd : 0;
}

static void close_queue(io_poller *poller)
{
    if (poller->owner == io_os_process()) {
        io_os_close_own(poller->fd);
    }
    poller->fd = -1;
}

static int modify(io_poller *poller, io_fd fd)
{
    int r = apply(poller, poller->fd, fd);
    int notes = r < 0 ? LACKING : r;
    note(poller, fd, notes);
    show_notes(poller, notes);
    return r < 0 ? r : 0;
}

/* It fails if the descriptor was closed; then there is nothing to do (IO-REMOVE-7). If the kernel
 * refuses, what it still reports is stale, and deleted then (IO-REMOVE-8). */
static void remove_fd(io_poller *poller, io_fd fd)
{
    change_list list;
    clear(&list);
    for (int i = 0; i < FILTERS; i++) {
        delete_filter(&list, fd, i);
    }
    (void)submit(poller->fd, &list);
    note(poller, fd, 0);
}

static int add(io_poller *poller, io_fd fd)
{
    int r = io_os_check_pollable(fd);
    if (r < 0) {
        return r;
    }
    r = apply(poller, poller->fd, fd);
    if (r < 0) {
        remove_fd(poller, fd);
        return r;
    }
    note(poller, fd, r);
    show_notes(poller, r);
    return 0;
}

/* An event of a registration. One that nobody asks for is to be the last. */
static void harvest(io_poller *poller, uint32_t fd, uint32_t generation, int i)
{
    int r = io_core_harvest(&poller->core, fd, generation, filters[i].bit);
    if (fd < poller->core.slot_count && r != IO_HARVEST_DONE) {
        prune(poller, (io_fd)fd);
    }
}

/* Whether a descriptor was closed, or its number is now of something that cannot be watched. */
static int is_gone(io_fd fd, int error)
{
    return (error == -EBADF && io_os_check_open(fd) < 0) || error == -EPERM;
}

/* Apply it to a queue; what cannot be since the descriptor is gone is told to the core. */
static int arm(io_poller *poller, int queue, io_fd fd)
{
    /* The queue may have got the very number that was closed. */
    int r = fd == queue ? -EPERM : apply(poller, queue, fd);
    if (is_gone(fd, r)) {
        uint32_t generation = poller->core.slots[fd].generation;
        (void)io_core_harvest(&poller->core, (uint32_t)fd, generation, IO_BIT_NVAL);
        r = 0;
    }
    return r;
}

/* Put right what an earlier call could not. 0, or what the kernel refuses again, to be tried in the next
 * wait. */
static int mend(io_poller *poller)
{
    const uint8_t *area = poller->area;
    int result = 0;
    for (uint64_t i = 0; i < poller->fd_end; i++) {
        io_fd fd = (io_fd)i;
        int notes = area[fd] & LACKING ? arm(poller, poller->fd, fd) : area[fd];
        if (notes < 0) {
            result = notes;
        } else {
            note(poller, fd, notes);
        }
    }
    return result;
}

/* Tell what the kernel does not; in edge mode once, in level mode as long as it is asked for. */
static void tell_broken(io_poller *poller)
{
    const uint8_t *area = poller->area;
    poller->outdated = 0;
    for (uint64_t i = 0; i < poller->fd_end; i++) {
        io_fd fd = (io_fd)i;
        int again = area[fd];
        if (again & BROKEN) {
            harvest(poller, (uint32_t)fd, poller->core.slots[fd].generation, WRITE_FILTER);
            int level = poller->core.mode != IO_MODE_EDGE && (requested(poller, fd) & IO_WRITE);
            again = level ? area[fd] : area[fd] & ~BROKEN;
        }
        note(poller, fd, again);
    }
}

static void take(io_poller *poller, const struct kevent *event)
{
    for (int i = 0; i < FILTERS; i++) {
        if ((int)event->filter == (int)filters[i].name) {
            harvest(poller, (uint32_t)event->ident, io_os_kevent_data(event), i);
        }
    }
}

/* What the kernel refuses is the result only if there is nothing else to tell: others are not to wait
 * for it. While there are notes it does not block. */
static int wait_once(io_poller *poller, int timeout_ms)
{
    struct kevent events[BATCH];
    int noted = poller->outdated;
    int refusal = noted ? mend(poller) : 0;
    int count = io_os_kevent_wait(poller->fd, events, BATCH, noted ? 0 : timeout_ms);
    for (int i = 0; i < count; i++) {
        take(poller, &events[i]);
    }
    if (count >= 0 && poller->outdated) {
        tell_broken(poller);
        show_notes(poller, poller->outdated);
    }
    return count >= 0 && refusal < 0 && io_core_pending(&poller->core) == 0 ? refusal : count;
}

/* Put a new queue in the place of the old one, under its number, so that io_poller_fd stays what it
 * was, and no atom's number is ours. A child has no old one: its number is free there, or if it is
 * another file's by now, the new one keeps its own. */
static int replace(io_poller *poller, int queue)
{
    int r = 0;
    if (poller->owner != io_os_process() && io_os_is_used(poller->fd)) {
        poller->fd = queue; /* or the kernel has given it that very number */
    } else {
        do {
            r = io_os_dup_over(queue, poller->fd);
        } while (r == -EINTR); /* IO-ERROR-6 */
        if (r >= 0) {
            io_os_close_own(queue);
        }
    }
    if (r >= 0) {
        poller->owner = io_os_process();
    }
    return r;
}

static int renew(io_poller *poller)
{
    const uint8_t *area = poller->area;
    int queue = io_os_kqueue_create();
    int r = queue < 0 ? queue : 0;
    int broken = 0;
    for (uint64_t i = 0; i < poller->core.slot_count && r >= 0; i++) {
        io_slot *slot = &poller->core.slots[i];
        io_fd fd = (io_fd)i;
        if (!slot->atom || (slot->kernel & IO_KERNEL_DEAD)) {
            continue;
        }
        r = arm(poller, queue, fd);
        if (r > 0) {
            note(poller, fd, area[fd] | r); /* the old one, which may stay, may lack something */
            broken = 1;
        }
    }
    r = r >= 0 && broken ? show(queue) : r;
    r = r >= 0 ? replace(poller, queue) : r;
    if (r < 0 && queue >= 0) {
        io_os_close_own(queue);
    }
    return r < 0 ? r : 0;
}

const io_backend io_backend_kqueue = {
    .name = "kqueue",
    .type = IO_POLLER_KQUEUE,
    .native_mode = IO_POLLER_EDGE,
    .edge_mode = IO_MODE_EDGE,
    .slice_ms = 0,
    .open = open_queue,
    .close = close_queue,
    .add = add,
    .modify = modify,
    .remove = remove_fd,
    .wait = wait_once,
    .renew = renew,
};

#endif
