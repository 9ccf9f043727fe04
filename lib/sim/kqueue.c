/*
 * kqueues: what is registered there, and what is active, which is what is linked. The rules, from FreeBSD's kevent(2), are
 * each a case of tests/sim/kqueue_test.c:
 *  - An event is registered by (ident, filter), once in a kqueue; each has its own udata. Two filters
 *    of one descriptor know nothing of each other.
 *  - EV_ADD of a new one runs its filter. EV_ADD of one that is there changes its udata and enables
 *    it, and nothing else: neither are its flags others then, nor is its filter run again.
 *  - The filter is run at each activity, and again when the event is to be reported: what is over by
 *    then is not.
 *  - EV_CLEAR: once reported it is active again at the next activity; a state alone does not do.
 *  - Without, and without the two below, it is reported as long as it lasts.
 *  - EV_ONESHOT: reported once, then deleted. EV_DISPATCH: then disabled. EV_ENABLE runs the filter.
 *  - EVFILT_READ of a socket or pipe reports the bytes there are, of a listener the connections.
 *    EV_EOF: nothing more will come, or can be sent; there may be data as well; fflags is the
 *    socket's error.
 *  - EVFILT_WRITE cannot be added to a pipe whose other end is closed (the manual page does not say so,
 *    the systems do): EPIPE, and for an odd number EBADF, as on NetBSD for all.
 *  - EVFILT_READ takes ordinary files, which are ready before their end.
 *  - EVFILT_USER is active when it has been triggered, however often; not by what adds it (FreeBSD).
 *  - Closing a number deletes its events, whoever else has the file.
 *  - A child has none of its parent's kqueues (io_sim_fork).
 * The objects themselves are Linux's.
 */
#include "kernel.h"

enum {
    KEPT_FLAGS = EV_ONESHOT | EV_CLEAR | EV_DISPATCH,
    READ_BITS = IO_SIM_IN | POLLRDHUP | IO_SIM_ALARMS,
    WRITE_BITS = IO_SIM_OUT | IO_SIM_ALARMS
};

/* What makes the filter true, and what an activity is about that runs it. */
static int bits_of(int filter)
{
    return filter == EVFILT_READ ? READ_BITS : filter == EVFILT_WRITE ? WRITE_BITS : POLLPRI;
}

void io_sim_link_knote(io_sim *sim, int index)
{
    io_sim_knote *knote = &sim->knotes[index];
    io_sim_file *queue = &sim->files[knote->queue];
    if (knote->linked || knote->disabled) {
        return;
    }
    knote->linked = 1;
    knote->next = NONE;
    knote->previous = queue->ready[1];
    if (queue->ready[1] == NONE) {
        queue->ready[0] = (uint16_t)index;
    } else {
        sim->knotes[queue->ready[1]].next = (uint16_t)index;
    }
    queue->ready[1] = (uint16_t)index;
}

void io_sim_unlink_knote(io_sim *sim, int index)
{
    io_sim_knote *knote = &sim->knotes[index];
    io_sim_file *queue = &sim->files[knote->queue];
    if (!knote->linked) {
        return;
    }
    knote->linked = 0;
    if (knote->previous == NONE) {
        queue->ready[0] = knote->next;
    } else {
        sim->knotes[knote->previous].next = knote->next;
    }
    if (knote->next == NONE) {
        queue->ready[1] = knote->previous;
    } else {
        sim->knotes[knote->next].previous = knote->previous;
    }
}

/* A file is ready to be read only before its end, and here every file is empty. */
static int mask_of(io_sim *sim, const io_sim_knote *knote)
{
    int bits = bits_of(knote->filter);
    if (sim->files[knote->file].kind >= IO_SIM_ORDINARY) {
        return 0;
    }
    return io_sim_mask(sim, knote->file, (int)knote->ident, bits) & bits;
}

static int is_true(io_sim *sim, const io_sim_knote *knote)
{
    return knote->filter == EVFILT_USER ? knote->triggered : mask_of(sim, knote) != 0;
}

/* The filter is run. 1 if it is active now. */
static int run_filter(io_sim *sim, int index)
{
    int is_active = is_true(sim, &sim->knotes[index]);
    if (is_active) {
        io_sim_link_knote(sim, index);
    }
    return is_active;
}

/* Whoever watches the kqueue itself learns of it. */
void io_sim_wake_knotes(io_sim *sim, int file, int key, io_sim_queues *woken)
{
    for (int i = sim->files[file].knotes; i != NONE; i = sim->knotes[i].next_of_file) {
        const io_sim_knote *knote = &sim->knotes[i];
        const io_sim_file *queue = &sim->files[knote->queue];
        if ((key && !(key & bits_of(knote->filter))) || !run_filter(sim, i)) {
            continue;
        }
        int is_watched = queue->items != NONE || queue->knotes != NONE || queue->requests != NONE;
        if (is_watched && woken->count < IO_SIM_NEST_MOST) {
            woken->files[woken->count++] = knote->queue;
        }
    }
}

void io_sim_free_knote(io_sim *sim, int index)
{
    io_sim_knote *knote = &sim->knotes[index];
    io_sim_unlink_knote(sim, index);
    knote->used = 0;
    if (knote->file == NONE) {
        return;
    }
    uint16_t *link = &sim->files[knote->file].knotes;
    while (*link != index) {
        link = &sim->knotes[*link].next_of_file;
    }
    *link = knote->next_of_file;
}

void io_sim_forget_knotes(io_sim *sim, int fd)
{
    for (int i = 0; i < sim->knote_end; i++) {
        const io_sim_knote *knote = &sim->knotes[i];
        if (knote->used && knote->file != NONE && knote->ident == (uintptr_t)fd) {
            io_sim_free_knote(sim, i);
        }
    }
}

void io_sim_kqueue_release(io_sim *sim, int queue)
{
    for (int i = 0; i < sim->knote_end; i++) {
        if (sim->knotes[i].used && sim->knotes[i].queue == queue) {
            io_sim_free_knote(sim, i);
        }
    }
}

int io_sim_find_knote(const io_sim *sim, int queue, uintptr_t ident, int filter)
{
    for (int i = 0; i < sim->knote_end; i++) {
        const io_sim_knote *knote = &sim->knotes[i];
        if (knote->used && knote->queue == queue && knote->ident == ident &&
            knote->filter == filter) {
            return i;
        }
    }
    return NONE;
}

/* What says no to a filter. */
static int check_filter(io_sim *sim, int queue, int file, const struct kevent *change)
{
    const io_sim_file *it = &sim->files[file];
    int is_set = it->kind == IO_SIM_EPOLL || it->kind == IO_SIM_KQUEUE;
    switch (change->filter) {
    case EVFILT_READ:
        if (it->kind == IO_SIM_NULL || it->kind == IO_SIM_ZERO || (change->fflags & NOTE_LOWAT)) {
            return -EINVAL;
        }
        return is_set && io_sim_check_nesting(sim, queue, file) < 0 ? -EINVAL : 0;
    case EVFILT_WRITE:
        if (is_set || it->kind >= IO_SIM_ORDINARY || (change->fflags & NOTE_LOWAT)) {
            return -EINVAL;
        }
        if (it->kind == IO_SIM_PIPE && io_sim_pipe_is_broken(sim, it)) {
            return change->ident % 2 ? -EBADF : -EPIPE;
        }
        return 0;
    default:
        return it->kind == IO_SIM_SOCKET && change->fflags == NOTE_OOB ? 0 : -EINVAL;
    }
}

static int new_knote(io_sim *sim, int queue, int file, const struct kevent *change)
{
    int index = 0;
    while (index < sim->knote_end && sim->knotes[index].used) {
        index++;
    }
    if (index == IO_SIM_KNOTES) {
        sim->shortages++;
        return -ENOMEM;
    }
    if (index == sim->knote_end) {
        sim->knote_end++;
    }
    sim->knotes[index] = (io_sim_knote){.used = 1,
                                        .queue = (uint16_t)queue,
                                        .file = (uint16_t)file,
                                        .next_of_file = NONE,
                                        .next = NONE,
                                        .previous = NONE,
                                        .disabled = (change->flags & EV_DISABLE) != 0,
                                        .flags = change->flags & KEPT_FLAGS,
                                        .filter = change->filter,
                                        .ident = change->ident,
                                        .udata = change->udata};
    if (file != NONE) {
        sim->knotes[index].next_of_file = sim->files[file].knotes;
        sim->files[file].knotes = (uint16_t)index;
    }
    return index;
}

/* What EVFILT_USER is told. */
static void touch(io_sim_knote *knote, const struct kevent *change)
{
    uint32_t given = change->fflags & NOTE_FFLAGSMASK;
    switch (change->fflags & NOTE_FFCTRLMASK) {
    case NOTE_FFAND:
        knote->fflags &= given;
        break;
    case NOTE_FFOR:
        knote->fflags |= given;
        break;
    case NOTE_FFCOPY:
        knote->fflags = given;
        break;
    default:
        break;
    }
    knote->data = change->data;
}

/* One that is there already. 1 if its filter is to be run. */
static int modify(io_sim *sim, int index, const struct kevent *change)
{
    io_sim_knote *knote = &sim->knotes[index];
    int was_disabled = knote->disabled;
    if (change->flags & EV_ADD) {
        knote->udata = change->udata;
    }
    if (change->flags & EV_DISABLE) {
        knote->disabled = 1;
        io_sim_unlink_knote(sim, index);
    } else if (change->flags & (EV_ADD | EV_ENABLE)) {
        knote->disabled = 0;
    }
    return (was_disabled && !knote->disabled) || knote->filter == EVFILT_USER;
}

int io_sim_change_knote(io_sim *sim, int queue, const struct kevent *change)
{
    int is_user = change->filter == EVFILT_USER;
    int file = NONE;
    if (!is_user && change->filter != EVFILT_READ && change->filter != EVFILT_WRITE &&
        change->filter != EVFILT_EXCEPT) {
        return -EINVAL;
    }
    if (!is_user) {
        const io_sim_file *it =
            change->ident < IO_SIM_FDS ? io_sim_file_of(sim, (int)change->ident) : NULL;
        if (!it) {
            return -EBADF;
        }
        file = io_sim_file_index(sim, it);
    }
    int index = io_sim_find_knote(sim, queue, change->ident, change->filter);
    int is_new = index == NONE;
    if (is_new) {
        int r = !(change->flags & EV_ADD) ? -ENOENT
                : is_user                 ? 0
                                          : check_filter(sim, queue, file, change);
        index = r < 0 ? r : new_knote(sim, queue, file, change);
    }
    if (index < 0) {
        return index;
    }
    if (change->flags & EV_DELETE) {
        io_sim_free_knote(sim, index);
        return 0;
    }
    if (is_user) {
        touch(&sim->knotes[index], change);
        sim->knotes[index].triggered |= !is_new && (change->fflags & NOTE_TRIGGER);
    }
    int run = is_new || modify(sim, index, change);
    if (run && !sim->knotes[index].disabled && run_filter(sim, index)) {
        io_sim_wake(sim, queue, POLLIN);
    }
    return 0;
}

static int is_at_end(io_sim *sim, const io_sim_knote *knote, int mask)
{
    const io_sim_file *file = &sim->files[knote->file];
    if (knote->filter == EVFILT_READ) {
        return (mask & (POLLRDHUP | POLLHUP)) || (file->kind == IO_SIM_PIPE && (mask & POLLERR));
    }
    if (file->kind == IO_SIM_SOCKET && (sim->sockets[file->object].shutdown & IO_SIM_SHUT_OUT)) {
        return 1;
    }
    return (mask & POLLHUP) || (file->kind == IO_SIM_PIPE && (mask & POLLERR));
}

static int64_t data_of(io_sim *sim, const io_sim_knote *knote)
{
    const io_sim_file *file = &sim->files[knote->file];
    const io_sim_endpoint *socket =
        file->kind == IO_SIM_SOCKET ? &sim->sockets[file->object] : NULL;
    if (knote->filter != EVFILT_READ) {
        return 0; /* of EVFILT_WRITE it would be the room */
    }
    if (socket && socket->state == IO_SIM_LISTENING) {
        return socket->pending_count;
    }
    int bytes = io_sim_bytes_waiting(sim, file);
    return bytes < 0 ? 1 : bytes;
}

int io_sim_knote_event(io_sim *sim, int index, struct kevent *event)
{
    const io_sim_knote *knote = &sim->knotes[index];
    *event = (struct kevent){.ident = knote->ident,
                             .filter = knote->filter,
                             .flags = knote->flags,
                             .udata = knote->udata};
    if (!is_true(sim, knote)) {
        return 0;
    }
    if (knote->filter == EVFILT_USER) {
        event->fflags = knote->fflags;
        event->data = knote->data;
        return 1;
    }
    int at_end = knote->filter != EVFILT_EXCEPT && is_at_end(sim, knote, mask_of(sim, knote));
    const io_sim_file *file = &sim->files[knote->file];
    event->data = data_of(sim, knote);
    event->flags |= at_end ? EV_EOF : 0;
    if (at_end && file->kind == IO_SIM_SOCKET) {
        event->fflags = (unsigned)sim->sockets[file->object].error;
    }
    event->fflags |= knote->filter == EVFILT_EXCEPT ? NOTE_OOB : 0;
    return 1;
}
