/* epoll (kernel-semantics: 22 to 29, 33 to 35, 40, 43 to 47). A set has a list of items with an edge
 * since they were last looked at; a wait looks at each what is ready now, and reports it if anything
 * is. A level-triggered item that was reported goes to the end of the list again. */
#include "kernel.h"

enum { DEEPEST = 5 }; /* sets in sets */

void io_sim_epoll_link(io_sim *sim, int index)
{
    io_sim_item *item = &sim->items[index];
    io_sim_file *set = &sim->files[item->set];
    if (item->linked) {
        return;
    }
    item->linked = 1;
    item->next = NONE;
    item->previous = set->ready[1];
    if (set->ready[1] == NONE) {
        set->ready[0] = (uint16_t)index;
    } else {
        sim->items[set->ready[1]].next = (uint16_t)index;
    }
    set->ready[1] = (uint16_t)index;
}

void io_sim_epoll_unlink(io_sim *sim, int index)
{
    io_sim_item *item = &sim->items[index];
    io_sim_file *set = &sim->files[item->set];
    if (!item->linked) {
        return;
    }
    item->linked = 0;
    if (item->previous == NONE) {
        set->ready[0] = item->next;
    } else {
        sim->items[item->previous].next = item->next;
    }
    if (item->next == NONE) {
        set->ready[1] = item->previous;
    } else {
        sim->items[item->next].previous = item->previous;
    }
}

static void free_item(io_sim *sim, int index)
{
    io_sim_item *item = &sim->items[index];
    uint16_t *link = &sim->files[item->file].items;
    io_sim_epoll_unlink(sim, index);
    while (*link != index) {
        link = &sim->items[*link].next_of_file;
    }
    *link = item->next_of_file;
    item->used = 0;
}

void io_sim_epoll_forget_file(io_sim *sim, int file)
{
    while (sim->files[file].items != NONE) {
        free_item(sim, sim->files[file].items);
    }
}

void io_sim_epoll_release(io_sim *sim, int set)
{
    for (int i = 0; i < sim->item_end; i++) {
        if (sim->items[i].used && sim->items[i].set == set) {
            free_item(sim, i);
        }
    }
}

int io_sim_item_mask(io_sim *sim, const io_sim_item *item)
{
    int events = (int)(item->events & 0xffff);
    return io_sim_mask(sim, item->file, item->fd, events) & events;
}

/* A set is readable if one of its items is ready; those found not to be are looked at no more, until
 * their next edge. Items may be sets themselves: their states are kept here instead of on the stack
 * of calls. */
int io_sim_epoll_mask(io_sim *sim, int set)
{
    uint16_t path[DEEPEST + 1]; /* the items that lead to the current set */
    int depth = 0;
    for (;;) {
        int index = sim->files[set].ready[0];
        if (index == NONE) {
            if (depth == 0) {
                return 0;
            }
            index = path[--depth];
            set = sim->items[index].set;
            io_sim_epoll_unlink(sim, index);
            continue;
        }
        const io_sim_item *item = &sim->items[index];
        int is_set = sim->files[item->file].kind == IO_SIM_EPOLL;
        if (is_set && (item->events & POLLIN) && depth < DEEPEST) {
            path[depth++] = (uint16_t)index;
            set = item->file;
        } else if (!is_set && io_sim_item_mask(sim, item)) {
            return IO_SIM_IN; /* and so are the sets on the way */
        } else {
            io_sim_epoll_unlink(sim, index);
        }
    }
}

int io_sim_epoll_create1(int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_EPOLL_CREATE, -1);
    if (!sim) {
        return -1;
    }
    if (flags & ~EPOLL_CLOEXEC) {
        return io_sim_return(-EINVAL);
    }
    int file = io_sim_new_file(sim, IO_SIM_EPOLL, IO_SIM_READS | IO_SIM_WRITES, O_RDWR);
    return io_sim_return(file < 0 ? file : io_sim_new_number(sim, file, 0, flags & EPOLL_CLOEXEC));
}

static int find_item(const io_sim *sim, int set, int file, int fd)
{
    for (int i = sim->files[file].items; i != NONE; i = sim->items[i].next_of_file) {
        if (sim->items[i].set == set && sim->items[i].fd == fd) {
            return i;
        }
    }
    return NONE;
}

/* Files, by their indices; and how many there are. */
typedef struct file_set {
    int count;
    uint8_t has[IO_SIM_FILES];
} file_set;

static void put_file(file_set *files, int index)
{
    files->count += !files->has[index];
    files->has[index] = 1;
}

/* From a set, if it is one of these, to what is in it or what it is in, if that is one, too. */
static void step(const io_sim *sim, const file_set *from, int inside, int set, int file,
                 file_set *to)
{
    int kind = sim->files[file].kind;
    int is_set = kind == IO_SIM_EPOLL || kind == IO_SIM_KQUEUE;
    if (is_set && from->has[inside ? set : file]) {
        put_file(to, inside ? file : set);
    }
}

/* The sets that are one step away, inside or outside; kqueues are sets, too. */
static file_set neighbours(const io_sim *sim, const file_set *sets, int inside)
{
    file_set found = {0};
    for (int i = 0; i < sim->item_end; i++) {
        const io_sim_item *item = &sim->items[i];
        if (item->used) {
            step(sim, sets, inside, item->set, item->file, &found);
        }
    }
    for (int i = 0; i < sim->knote_end; i++) {
        const io_sim_knote *knote = &sim->knotes[i];
        if (knote->used && knote->file != NONE) {
            step(sim, sets, inside, knote->queue, knote->file, &found);
        }
    }
    return found;
}

/* No loops, and no more than so many sets in one another. */
int io_sim_check_nesting(const io_sim *sim, int set, int inner)
{
    int depth = 0;
    file_set sets = {0};
    for (put_file(&sets, inner); sets.count > 0; sets = neighbours(sim, &sets, 1)) {
        if (sets.has[set]) {
            return -ELOOP;
        }
        depth++;
    }
    for (put_file(&sets, set); sets.count > 0; sets = neighbours(sim, &sets, 0)) {
        depth++;
    }
    return depth > DEEPEST ? -ELOOP : 0;
}

/* What is ready already, or again, is an edge. */
static void arm(io_sim *sim, int index, const struct epoll_event *event)
{
    io_sim_item *item = &sim->items[index];
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data.u64;
    /* Whoever watches the set was told of one that is in the list. */
    if (io_sim_item_mask(sim, item) && !item->linked) {
        io_sim_epoll_link(sim, index);
        io_sim_wake(sim, item->set, POLLIN);
    }
}

static int add(io_sim *sim, int set, int file, int fd, const struct epoll_event *event)
{
    int index = 0;
    int kind = sim->files[file].kind;
    int is_set = kind == IO_SIM_EPOLL || kind == IO_SIM_KQUEUE;
    int r = is_set ? io_sim_check_nesting(sim, set, file) : 0;
    if (r < 0) {
        return r;
    }
    while (index < sim->item_end && sim->items[index].used) {
        index++;
    }
    if (index == IO_SIM_ITEMS) {
        sim->shortages++;
        return -ENOSPC;
    }
    if (index == sim->item_end) {
        sim->item_end++;
    }
    sim->items[index] = (io_sim_item){.used = 1,
                                      .set = (uint16_t)set,
                                      .file = (uint16_t)file,
                                      .fd = fd,
                                      .next_of_file = sim->files[file].items,
                                      .next = NONE,
                                      .previous = NONE,
                                      .order = ++sim->orders};
    sim->files[file].items = (uint16_t)index;
    arm(sim, index, event);
    return 0;
}

static const uint32_t exclusive_bits =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

static int control(io_sim *sim, int set_fd, int operation, int fd, const struct epoll_event *event)
{
    const io_sim_file *set = io_sim_file_of(sim, set_fd);
    const io_sim_file *it = io_sim_file_of(sim, fd);
    uint32_t events = operation == EPOLL_CTL_DEL ? 0 : event->events;
    if (!set || !it) {
        return -EBADF;
    }
    if (it->kind >= IO_SIM_ORDINARY) {
        return -EPERM;
    }
    if (set == it || set->kind != IO_SIM_EPOLL) {
        return -EINVAL;
    }
    if ((events & EPOLLEXCLUSIVE) &&
        (operation == EPOLL_CTL_MOD || it->kind == IO_SIM_EPOLL || (events & ~exclusive_bits))) {
        return -EINVAL;
    }
    int set_index = io_sim_file_index(sim, set);
    int file = io_sim_file_index(sim, it);
    int index = find_item(sim, set_index, file, fd);
    switch (operation) {
    case EPOLL_CTL_ADD:
        return index != NONE ? -EEXIST : add(sim, set_index, file, fd, event);
    case EPOLL_CTL_DEL:
        if (index != NONE) {
            free_item(sim, index);
        }
        return index != NONE ? 0 : -ENOENT;
    case EPOLL_CTL_MOD:
        if (index != NONE && (sim->items[index].events & EPOLLEXCLUSIVE)) {
            return -EINVAL;
        }
        if (index != NONE) {
            arm(sim, index, event);
        }
        return index != NONE ? 0 : -ENOENT;
    default:
        return -EINVAL;
    }
}

int io_sim_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_EPOLL_CTL, set);
    if (!sim) {
        return -1;
    }
    if (operation != EPOLL_CTL_DEL && !event) {
        return io_sim_return(-EFAULT);
    }
    return io_sim_return(control(sim, set, operation, fd, event));
}
