/* What is ready, and waking whoever watches. */
#include "kernel.h"

static int mask_of(io_sim *sim, int file, int wanted)
{
    const io_sim_file *it = &sim->files[file];
    switch (it->kind) {
    case IO_SIM_PIPE:
        return io_sim_pipe_mask(sim, it);
    case IO_SIM_SOCKET:
        return io_sim_socket_mask(sim, it->object, wanted);
    case IO_SIM_EVENTFD:
    case IO_SIM_TIMERFD:
        return io_sim_counter_mask(it);
    case IO_SIM_RING:
        return io_sim_ring_mask(sim, it->object);
    default:
        return IO_SIM_IN | IO_SIM_OUT;
    }
}

/* All that is ready, asked for or not; wanted only spares finding out more. fd is the number that it
 * is watched by. */
int io_sim_mask(io_sim *sim, int file, int fd, int wanted)
{
    int mask = sim->files[file].kind == IO_SIM_EPOLL ? io_sim_epoll_mask(sim, file)
                                                     : mask_of(sim, file, wanted);
    return fd >= 0 && fd == sim->fault.spurious_fd ? mask | IO_SIM_IN | IO_SIM_OUT : mask;
}

/* Sets in sets are woken, too, at once: the order is that of the events later. */
enum { DEEPEST = 8 }; /* more than io_sim_epoll_ctl allows */

/* A wake-up is an edge, whether anything has become ready or not: that is looked at by the wait. key
 * is what it is about; 0: anything. Those that were added last are woken first. */
void io_sim_wake(io_sim *sim, int file, int key)
{
    uint16_t next[DEEPEST]; /* the items still to be woken, for each set in a set */
    int depth = 0;
    io_sim_uring_wake(sim, file, key);
    next[0] = sim->files[file].items;
    while (depth >= 0) {
        int index = next[depth];
        if (index == NONE) {
            depth--;
            continue;
        }
        const io_sim_item *item = &sim->items[index];
        int events = (int)(item->events & 0xffff);
        int about = depth == 0 ? key : POLLIN;
        next[depth] = item->next_of_file;
        if (!events || (about && !(about & events))) {
            continue; /* disarmed by EPOLLONESHOT, or not of interest */
        }
        io_sim_epoll_link(sim, index);
        io_sim_uring_wake(sim, item->set, POLLIN);
        if (sim->files[item->set].items != NONE && depth + 1 < DEEPEST) {
            next[++depth] = sim->files[item->set].items;
        }
    }
}
