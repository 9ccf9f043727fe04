/* IO Atom on each backend that this machine has. A handler reads until EAGAIN, as an edge asks for;
 * on a level it reads once, as the peers' do. */
#include "bench.h"

#include <ioatom/ioatom.h>

#include <stdlib.h>

typedef struct pair {
    io_atom io;
    struct state *state;
    unsigned number;
} pair;

typedef struct state {
    io_poller poller;
    bench_ring ring;
    void *storage;
    pair *pairs;
    int edge;
} state;

static void on_read(io_poller *poller, io_atom *atom, int flags)
{
    pair *p = io_resolve_parent(atom, pair, io);
    char byte;
    size_t length;
    (void)flags;
    while (io_read(poller, atom, &byte, 1, &length) == 0) {
        bench_ring_hop(&p->state->ring, p->number);
        if (!p->state->edge) {
            break;
        }
    }
}

static void end(void *arg)
{
    state *s = arg;
    (void)io_poller_dispose(&s->poller);
    bench_ring_close(&s->ring);
    free(s->storage);
    free(s->pairs);
    free(s);
}

static int prepare(state *s, unsigned size, int types)
{
    int max_fds = (int)(2 * size + 100);
    size_t bytes = io_poller_storage_size(types, max_fds);
    s->storage = malloc(bytes);
    s->pairs = calloc(size, sizeof(*s->pairs));
    if (!s->storage || !s->pairs || io_poller_init_in(&s->poller, types, s->storage, bytes) < 0) {
        return -1;
    }
    s->edge = (io_poller_type(&s->poller) & IO_POLLER_EDGE) != 0;
    for (unsigned i = 0; i < size; i++) {
        pair *p = &s->pairs[i];
        *p = (pair){.state = s, .number = i};
        io_atom_init(&p->io, s->ring.ends[i][0], on_read);
        if (io_add(&s->poller, &p->io, IO_READ) < 0) {
            return -1;
        }
    }
    return 0;
}

static void *begin(unsigned size, int types)
{
    state *s = calloc(1, sizeof(*s));
    if (!s || bench_ring_open(&s->ring, size) < 0) {
        free(s);
        return NULL;
    }
    if (prepare(s, size, types) < 0) {
        end(s);
        return NULL;
    }
    return s;
}

static uint64_t run(void *arg, uint64_t operations)
{
    state *s = arg;
    bench_ring_start(&s->ring, operations);
    while (s->ring.made < operations) {
        if (io_wait(&s->poller, -1) < 0 || io_dispatch(&s->poller) < 0) {
            return 0;
        }
    }
    return s->ring.made;
}

/* begin_NAME for a backend and a mode. */
#define CONFIGURATION(name, types)                                                                 \
    static void *begin_##name(unsigned size)                                                       \
    {                                                                                              \
        return begin(size, types);                                                                 \
    }

CONFIGURATION(epoll_edge, IO_POLLER_EPOLL | IO_POLLER_EDGE)
CONFIGURATION(epoll_level, IO_POLLER_EPOLL | IO_POLLER_LEVEL)
CONFIGURATION(kqueue_edge, IO_POLLER_KQUEUE | IO_POLLER_EDGE)
CONFIGURATION(kqueue_level, IO_POLLER_KQUEUE | IO_POLLER_LEVEL)
CONFIGURATION(uring_edge, IO_POLLER_URING | IO_POLLER_EDGE)
CONFIGURATION(uring_level, IO_POLLER_URING | IO_POLLER_LEVEL)
CONFIGURATION(poll_edge, IO_POLLER_POLL | IO_POLLER_EDGE)
CONFIGURATION(poll_level, IO_POLLER_POLL | IO_POLLER_LEVEL)
CONFIGURATION(select_edge, IO_POLLER_SELECT | IO_POLLER_EDGE)
CONFIGURATION(select_level, IO_POLLER_SELECT | IO_POLLER_LEVEL)

const bench bench_relay_io[] = {
    {"relay", "IO Atom, epoll+edge", begin_epoll_edge, run, end},
    {"relay", "IO Atom, epoll+level", begin_epoll_level, run, end},
    {"relay", "IO Atom, kqueue+edge", begin_kqueue_edge, run, end},
    {"relay", "IO Atom, kqueue+level", begin_kqueue_level, run, end},
    {"relay", "IO Atom, uring+edge", begin_uring_edge, run, end},
    {"relay", "IO Atom, uring+level", begin_uring_level, run, end},
    {"relay", "IO Atom, poll+edge", begin_poll_edge, run, end},
    {"relay", "IO Atom, poll+level", begin_poll_level, run, end},
    {"relay", "IO Atom, select+edge", begin_select_edge, run, end},
    {"relay", "IO Atom, select+level", begin_select_level, run, end},
    {0},
};
