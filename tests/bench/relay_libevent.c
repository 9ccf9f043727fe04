/* libevent, with its own epoll backend; events in the caller's memory, as everywhere here. */
#include "bench.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdlib.h>
#include <unistd.h>

typedef struct state {
    bench_ring ring;
    struct event_base *base;
    struct pair {
        struct event event;
        struct state *state;
        unsigned number;
    } *pairs;
    uint64_t target;
} state;

static void on_read(evutil_socket_t fd, short events, void *arg)
{
    const struct pair *p = arg;
    state *s = p->state;
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1) {
        bench_ring_hop(&s->ring, p->number);
    }
    if (s->ring.made >= s->target) {
        event_base_loopbreak(s->base);
    }
}

static void end(void *arg)
{
    state *s = arg;
    for (unsigned i = 0; s->pairs && i < s->ring.size; i++) {
        if (s->pairs[i].state) {
            event_del(&s->pairs[i].event);
        }
    }
    if (s->base) {
        event_base_free(s->base);
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
    s->base = event_base_new();
    s->pairs = calloc(size, sizeof(*s->pairs));
    if (!s->base || !s->pairs) {
        end(s);
        return NULL;
    }
    for (unsigned i = 0; i < size; i++) {
        struct pair *p = &s->pairs[i];
        p->state = s;
        p->number = i;
        event_assign(&p->event, s->base, s->ring.ends[i][0], EV_READ | EV_PERSIST, on_read, p);
        event_add(&p->event, NULL);
    }
    return s;
}

static uint64_t run(void *arg, uint64_t operations)
{
    state *s = arg;
    s->target = operations;
    bench_ring_start(&s->ring, operations);
    event_base_dispatch(s->base);
    return s->ring.made;
}

const bench bench_relay_libevent[] = {
    {"relay", "libevent, epoll", begin, run, end},
    {0},
};
