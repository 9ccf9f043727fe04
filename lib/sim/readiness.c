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
    case IO_SIM_KQUEUE: /* also if what is active there is over */
        return it->ready[0] != NONE ? IO_SIM_IN : 0;
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

/* Who is still to be woken, of those that watch a file: those that began last come first. */
typedef struct watchers {
    uint16_t item, request;
} watchers;

static watchers watchers_of(const io_sim *sim, int file)
{
    return (watchers){sim->files[file].items, sim->files[file].requests};
}

static int is_request_first(const io_sim *sim, const watchers *w)
{
    return w->request != NONE &&
           (w->item == NONE || sim->requests[w->request].order > sim->items[w->item].order);
}

/* A wake-up is an edge, whether anything has become ready or not: that is looked at by the wait. key
 * is what it is about; 0: anything. Sets in sets are woken, too, at once: the order is that of the
 * events later. */
static void wake_sets(io_sim *sim, int file, int key, io_sim_queues *queues)
{
    watchers next[IO_SIM_NEST_MOST]; /* for each set in a set */
    int depth = 0;
    next[0] = watchers_of(sim, file);
    io_sim_wake_knotes(sim, file, key, queues);
    while (depth >= 0) {
        watchers *now = &next[depth];
        int about = depth == 0 ? key : POLLIN;
        if (is_request_first(sim, now)) {
            int index = now->request;
            now->request = sim->requests[index].next_of_file;
            io_sim_uring_wake(sim, index, about);
            continue;
        }
        int index = now->item;
        if (index == NONE) {
            depth--;
            continue;
        }
        const io_sim_item *item = &sim->items[index];
        int events = (int)(item->events & 0xffff);
        now->item = item->next_of_file;
        if (!events || (about && !(about & events))) {
            continue; /* disarmed by EPOLLONESHOT, or not of interest */
        }
        io_sim_epoll_link(sim, index);
        io_sim_wake_knotes(sim, item->set, POLLIN, queues);
        watchers outer = watchers_of(sim, item->set);
        if ((outer.item != NONE || outer.request != NONE) && depth + 1 < IO_SIM_NEST_MOST) {
            next[++depth] = outer;
        }
    }
}

void io_sim_wake(io_sim *sim, int file, int key)
{
    io_sim_queues queues = {.count = 0};
    wake_sets(sim, file, key, &queues);
    for (int i = 0; i < queues.count; i++) {
        wake_sets(sim, queues.files[i], POLLIN, &queues);
    }
}
