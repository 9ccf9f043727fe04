/* Pollers: making, describing and ending them. */
#include "../os/platform.h"

#include "poller.h"

#include <string.h>

/* In the order of preference (IO-INIT-1). */
static const io_backend *const backends[] = {
#ifdef USE_AFD
    &io_backend_afd,
#endif
#ifdef USE_EPOLL
    &io_backend_epoll,
#endif
#ifdef USE_KQUEUE
    &io_backend_kqueue,
#endif
#ifdef USE_URING
    &io_backend_uring,
#endif
#ifdef USE_POLL
    &io_backend_poll,
#endif
#ifdef USE_SELECT
    &io_backend_select,
#endif
};

enum { BACKEND_COUNT = sizeof(backends) / sizeof(backends[0]) };

void io_atom_init(io_atom *atom, io_fd fd, io_proc proc)
{
    atom->proc = proc;
    atom->fd = fd;
}

/* 0, or the bit of the backend that IOATOM_POLLER names, or -EINVAL (IO-INIT-5). */
static int environment_types(void)
{
    static const struct {
        const char *name;
        int type;
    } names[] = {{"epoll", IO_POLLER_EPOLL},   {"kqueue", IO_POLLER_KQUEUE},
                 {"uring", IO_POLLER_URING},   {"poll", IO_POLLER_POLL},
                 {"select", IO_POLLER_SELECT}, {"afd", IO_POLLER_AFD}};
    const char *value = io_os_environment("IOATOM_POLLER");
    if (!value || !*value) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i].name) == 0) {
            return names[i].type;
        }
    }
    return -EINVAL;
}

/* types with the environment applied, or -EINVAL (IO-INIT-3). */
static int effective_types(int types)
{
    int modes = types & (IO_POLLER_EDGE | IO_POLLER_LEVEL);
    int wanted = types & IO_POLLER_ANY;
    if (!wanted || (types & ~(IO_POLLER_ANY | modes)) ||
        modes == (IO_POLLER_EDGE | IO_POLLER_LEVEL)) {
        return -EINVAL;
    }
    if (wanted == IO_POLLER_ANY) {
        int named = environment_types();
        if (named != 0) {
            return named < 0 ? named : named | modes;
        }
    }
    return types;
}

/* Where a poller keeps its table. */
typedef struct place {
    io_slot *slots;
    void *area;
    uint32_t *queue;
    uint64_t slot_count;
} place;

static int open_backend(io_poller *poller, const io_backend *backend, int types, const place *table)
{
    int mode = types & (IO_POLLER_EDGE | IO_POLLER_LEVEL);
    mode = mode ? mode : backend->native_mode;
    int core_mode = mode == IO_POLLER_EDGE ? backend->edge_mode : IO_MODE_LEVEL;
    uint64_t slot_count = table->slot_count;
#if !defined(__linux__) && !defined(_WIN32)
    /* Linux and Windows alone take larger sets than an fd_set. */
    if (backend->type == IO_POLLER_SELECT && slot_count > FD_SETSIZE) {
        slot_count = FD_SETSIZE;
    }
#endif
    io_core_init(&poller->core, table->slots, table->queue, slot_count, (uint16_t)core_mode);
    poller->deadline_ns = IO_NEVER;
    poller->area = IO_INIT_PLACES(&poller->core, table->area);
    poller->fd_end = 0;
    poller->start = 0;
    poller->outdated = 0;
    poller->timers = NULL;
    poller->run_timers = NULL;
    poller->fd = -1;
    poller->type = backend->type | mode;
    return backend->open(poller);
}

static int init(io_poller *poller, int types, const place *table)
{
    poller->backend = NULL;
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (!(backends[i]->type & types)) {
            continue;
        }
        int r = open_backend(poller, backends[i], types, table);
        if (r == -ENOSYS || r == -EPERM) {
            continue; /* this kernel, or its sandbox, does not offer it */
        }
        if (r == 0) {
            poller->backend = backends[i];
        }
        return r;
    }
    return -ENOSYS;
}

int io_poller_init(io_poller *poller, int types)
{
    int r = effective_types(types);
    if (!poller || r < 0) {
        return io_result(-EINVAL);
    }
    place table = {poller->inline_slots, poller->inline_area, poller->inline_queue,
                   IO_POLLER_INLINE_FDS};
    return io_result(init(poller, r, &table));
}

enum { BYTES_PER_FD = sizeof(io_slot) + IO_AREA_BYTES_PER_FD + sizeof(uint32_t) };
_Static_assert((int)BYTES_PER_FD <= IO_BYTES_PER_FD_MAX, "IO-MEM-4");

size_t io_poller_storage_size(int types, int max_fds)
{
    (void)types; /* every backend gets the same, so that any of them can be chosen at run time */
    if (max_fds <= 0 || (size_t)max_fds > SIZE_MAX / BYTES_PER_FD) {
        return 0;
    }
    return (size_t)max_fds * BYTES_PER_FD;
}

int io_poller_init_in(io_poller *poller, int types, void *storage, size_t size)
{
    int r = effective_types(types);
    size_t count = size / BYTES_PER_FD;
    if (!poller || r < 0 || !storage || (uintptr_t)storage % _Alignof(io_slot) != 0 || count == 0) {
        return io_result(-EINVAL);
    }
    count = count < INT_MAX ? count : INT_MAX;
    /* Each is aligned, as no part needs more than a pointer does. A small table has the poller's
     * own area: there the six sets of select fit, whatever is rounded up. */
    place table = {.slots = storage, .slot_count = count};
    char *area = (char *)(table.slots + count);
    table.area = count <= IO_POLLER_INLINE_FDS ? (void *)poller->inline_area : (void *)area;
    table.queue = (uint32_t *)(void *)(area + count * IO_AREA_BYTES_PER_FD);
    return io_result(init(poller, r, &table));
}

int io_poller_dispose(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    if (poller->core.dispatching) {
        return io_result(-EBUSY);
    }
    poller->backend->close(poller);
    poller->backend = NULL;
    poller->timers = NULL; /* they are attached no more (IO-TIMER-4) */
    poller->run_timers = NULL;
    return 0;
}

const char *io_poller_name(const io_poller *poller)
{
    return io_poller_is_open(poller) ? poller->backend->name : "none";
}

int io_poller_type(const io_poller *poller)
{
    return io_poller_is_open(poller) ? poller->type : io_result(-EINVAL);
}

int io_poller_fd(const io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    return poller->fd >= 0 ? poller->fd : io_result(-ENOTSUP);
}

int io_poller_after_fork(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    if (poller->core.dispatching) {
        return io_result(-EBUSY);
    }
    io_core_compact(&poller->core); /* what is found closed gets a place in the queue */
    return io_result(poller->backend->renew ? poller->backend->renew(poller) : 0);
}
