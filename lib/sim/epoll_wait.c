/* Waiting for an epoll set (kernel-semantics: 22, 26 to 28, 43 to 47). */
#include "kernel.h"

typedef struct harvest {
    int set;
    struct epoll_event *events;
    int count;
} harvest;

/* Each item that is in the list now is looked at once; those for which there is no room stay first
 * in it. */
static int look(io_sim *sim, void *context, int peek)
{
    const harvest *h = context;
    if (peek) {
        return io_sim_epoll_mask(sim, h->set) != 0;
    }
    int found = 0;
    int last = sim->files[h->set].ready[1];
    while (found < h->count && sim->files[h->set].ready[0] != NONE) {
        int index = sim->files[h->set].ready[0];
        io_sim_item *item = &sim->items[index];
        io_sim_epoll_unlink(sim, index);
        int mask = io_sim_item_mask(sim, item);
        if (mask) {
            h->events[found].events = (uint32_t)mask;
            h->events[found].data.u64 = item->data;
            found++;
        }
        if (mask && (item->events & EPOLLONESHOT)) {
            item->events &= ~0xffffu; /* not even hang-ups */
        } else if (mask && !(item->events & EPOLLET)) {
            io_sim_epoll_link(sim, index);
        }
        if (index == last) {
            break;
        }
    }
    return found;
}

static void link_spurious(io_sim *sim, int set)
{
    for (int i = 0; i < sim->item_end; i++) {
        const io_sim_item *item = &sim->items[i];
        if (item->used && item->set == set && item->fd == sim->fault.spurious_fd) {
            io_sim_epoll_link(sim, i);
        }
    }
}

int io_sim_epoll_wait(int set, struct epoll_event *events, int count, int timeout_ms)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_EPOLL_WAIT, set);
    if (!sim) {
        return -1;
    }
    const io_sim_file *file = io_sim_file_of(sim, set);
    if (count <= 0 || count > (int)(INT32_MAX / sizeof(struct epoll_event))) {
        return io_sim_return(-EINVAL);
    }
    if (!file || file->kind != IO_SIM_EPOLL) {
        return io_sim_return(file ? -EINVAL : -EBADF);
    }
    /* All that is said to be there: if it is not the caller's, a sanitizer tells. */
    (void)*((const volatile unsigned char *)(events + count) - 1);
    harvest h = {io_sim_file_index(sim, file), events, count};
    if (sim->fault.spurious_fd >= 0) {
        link_spurious(sim, h.set);
    }
    return io_sim_return(io_sim_wait(sim, io_sim_timeout_ns(timeout_ms), look, &h));
}
