/* libev, with its own epoll backend. */
#include "bench.h"

#include <ev.h>

#include <stdlib.h>
#include <unistd.h>

typedef struct state {
    bench_ring ring;
    struct ev_loop *loop;
    struct pair {
        ev_io io;
        unsigned number;
    } *pairs;
    uint64_t target;
} state;

static void on_read(struct ev_loop *loop, ev_io *io, int events)
{
    state *s = ev_userdata(loop);
    const struct pair *p = (struct pair *)(void *)io;
    char byte;
    (void)events;
    if (read(io->fd, &byte, 1) == 1) {
        bench_ring_hop(&s->ring, p->number);
    }
    if (s->ring.made >= s->target) {
        ev_break(loop, EVBREAK_ONE);
    }
}

static void end(void *arg)
{
    state *s = arg;
    if (s->loop) {
        ev_loop_destroy(s->loop);
    }
    bench_ring_close(&s->ring);
    free(s->pairs);
    free(s);
}

static void *begin(unsigned size)
{
    state *s = calloc(1, sizeof(*s));
    if (!s || bench_ring_open(&s->ring, size) < 0) {
        free(s);
        return NULL;
    }
    s->loop = ev_loop_new(EVBACKEND_EPOLL);
    s->pairs = calloc(size, sizeof(*s->pairs));
    if (!s->loop || !s->pairs) {
        end(s);
        return NULL;
    }
    ev_set_userdata(s->loop, s);
    for (unsigned i = 0; i < size; i++) {
        s->pairs[i].number = i;
        ev_io_init(&s->pairs[i].io, on_read, s->ring.ends[i][0], EV_READ);
        ev_io_start(s->loop, &s->pairs[i].io);
    }
    return s;
}

static uint64_t run(void *arg, uint64_t operations)
{
    state *s = arg;
    s->target = operations;
    bench_ring_start(&s->ring, operations);
    ev_run(s->loop, 0);
    return s->ring.made;
}

const bench bench_relay_libev[] = {
    {"relay", "libev, epoll", begin, run, end},
    {0},
};
