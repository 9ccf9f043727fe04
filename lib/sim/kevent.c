/* kqueue(2) and kevent(2) as calls: changes, their receipts, and the wait; see kqueue.c. */
#include "kernel.h"

/* kevent(2) takes a longer wait for one of 24 hours. */
static const int64_t longest_ns = INT64_C(86400000000000);

int io_sim_kqueue(void)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_KQUEUE, -1);
    if (!sim) {
        return -1;
    }
    int file = io_sim_new_file(sim, IO_SIM_KQUEUE, IO_SIM_READS | IO_SIM_WRITES, O_RDWR);
    return io_sim_return(file < 0 ? file : io_sim_new_number(sim, file, 0, 0));
}

typedef struct harvest {
    int queue;
    struct kevent *events;
    int count;
} harvest;

/* What becomes of an event that is reported. */
static void after_report(io_sim *sim, int index)
{
    io_sim_knote *knote = &sim->knotes[index];
    if (knote->flags & EV_ONESHOT) {
        io_sim_free_knote(sim, index);
        return;
    }
    knote->disabled = (knote->flags & EV_DISPATCH) != 0;
    if (knote->flags & EV_CLEAR) {
        knote->triggered = 0;
        knote->fflags = 0;
        knote->data = 0;
    }
    if (!(knote->flags & EV_CLEAR)) {
        io_sim_link_knote(sim, index); /* behind those that were not yet reported */
    }
}

static int would_find(io_sim *sim, int queue)
{
    struct kevent event;
    int index = sim->files[queue].ready[0];
    while (index != NONE && !io_sim_knote_event(sim, index, &event)) {
        index = sim->knotes[index].next;
    }
    return index != NONE;
}

/* Each event that is active now is looked at once; those for which there is no room stay first. */
static int look(io_sim *sim, void *context, int peek)
{
    const harvest *h = context;
    const io_sim_file *queue = &sim->files[h->queue];
    if (peek) {
        return would_find(sim, h->queue);
    }
    int last = queue->ready[1];
    int found = 0;
    while (found < h->count && queue->ready[0] != NONE) {
        int index = queue->ready[0];
        io_sim_unlink_knote(sim, index);
        if (io_sim_knote_event(sim, index, &h->events[found])) {
            found++;
            after_report(sim, index);
        }
        if (index == last) {
            break;
        }
    }
    return found;
}

static void link_spurious(io_sim *sim, int queue)
{
    for (int i = 0; i < sim->knote_end; i++) {
        const io_sim_knote *knote = &sim->knotes[i];
        if (knote->used && knote->queue == queue && knote->file != NONE &&
            knote->ident == (uintptr_t)sim->fault.spurious_fd) {
            io_sim_link_knote(sim, i);
        }
    }
}

/* One change; it can be made to fail, but not in a call that will fail when all are made. */
static int make_change(io_sim *sim, int queue, const struct kevent *change)
{
    io_sim_fault fault = sim->fault; /* of the whole call */
    int fd = change->ident < IO_SIM_FDS ? (int)change->ident : -1;
    int r = 0;
    if (!fault.error) {
        r = io_sim_enter(IO_SIM_CALL_KEVENT_CHANGE, fd) ? 0 : -errno;
        sim->fault = fault;
    }
    return r < 0 ? r : io_sim_change_knote(sim, queue, change);
}

/* In their order. The number of EV_ERROR events, or an error for which there was no room; *over: no
 * wait follows. Both lists may be the same array. */
static int make_changes(io_sim *sim, int queue, const struct kevent *changes, int change_count,
                        const harvest *h, int *over)
{
    int written = 0;
    for (int i = 0; i < change_count; i++) {
        struct kevent change = changes[i];
        int r = make_change(sim, queue, &change);
        if (r == 0 && !(change.flags & EV_RECEIPT)) {
            continue;
        }
        *over = 1;
        if (written == h->count) {
            return r;
        }
        change.flags = EV_ERROR;
        change.data = -r;
        h->events[written++] = change;
    }
    return written;
}

static int64_t timeout_of(const struct timespec *timeout)
{
    if (!timeout) {
        return -1;
    }
    return timeout->tv_sec >= longest_ns / 1000000000
               ? longest_ns
               : (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec;
}

static int run(io_sim *sim, const struct kevent *changes, int change_count, const harvest *h,
               const struct timespec *timeout)
{
    int over = h->count == 0;
    int written = make_changes(sim, h->queue, changes, change_count, h, &over);
    if (sim->fault.error) {
        return -sim->fault.error; /* EINTR, after the changes */
    }
    if (over || written < 0) {
        return written;
    }
    if (sim->fault.spurious_fd >= 0) {
        link_spurious(sim, h->queue);
    }
    harvest found = *h;
    return io_sim_wait(sim, timeout_of(timeout), look, &found);
}

int io_sim_kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
                  int event_count, const struct timespec *timeout)
{
    int call = change_count > 0 ? IO_SIM_CALL_KEVENT_CHANGES : IO_SIM_CALL_KEVENT;
    io_sim *sim = io_sim_enter(call, queue);
    if (!sim) {
        return -1;
    }
    const io_sim_file *file = io_sim_file_of(sim, queue);
    if (!file || file->kind != IO_SIM_KQUEUE) {
        return io_sim_return(-EBADF);
    }
    if (change_count < 0 || event_count < 0 ||
        (timeout &&
         (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000))) {
        return io_sim_return(-EINVAL);
    }
    harvest h = {io_sim_file_index(sim, file), events, event_count};
    return io_sim_return(run(sim, changes, change_count, &h, timeout));
}

/* Nobody is told: the parent has them still. */
void io_sim_fork_queues(io_sim *sim)
{
    for (int fd = 0; fd < sim->fd_end; fd++) {
        const io_sim_file *file = io_sim_any_file_of(sim, fd);
        if (file && file->kind == IO_SIM_KQUEUE) {
            io_sim_close_number(sim, fd);
        }
    }
}
