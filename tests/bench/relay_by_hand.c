/* What somebody writes who needs nothing but this: epoll in a loop. */
#include "bench.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 64 };

typedef struct state {
    bench_ring ring;
    int set;
    int edge;
} state;

static void end(void *arg)
{
    state *s = arg;
    bench_ring_close(&s->ring);
    close(s->set);
    free(s);
}

static void *begin(unsigned size, unsigned mode)
{
    state *s = calloc(1, sizeof(*s));
    if (!s || bench_ring_open(&s->ring, size) < 0) {
        free(s);
        return NULL;
    }
    s->edge = mode != 0;
    s->set = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < size; i++) {
        struct epoll_event event = {.events = EPOLLIN | mode, .data.u32 = i};
        if (epoll_ctl(s->set, EPOLL_CTL_ADD, s->ring.ends[i][0], &event) < 0) {
            end(s);
            return NULL;
        }
    }
    return s;
}

static void *begin_level(unsigned size)
{
    return begin(size, 0);
}

static void *begin_edge(unsigned size)
{
    return begin(size, EPOLLET);
}

static uint64_t run(void *arg, uint64_t operations)
{
    state *s = arg;
    bench_ring *ring = &s->ring;
    struct epoll_event events[BATCH];
    char byte;
    bench_ring_start(ring, operations);
    while (ring->made < operations) {
        int count = epoll_wait(s->set, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            unsigned pair = events[i].data.u32;
            while (read(ring->ends[pair][0], &byte, 1) == 1) {
                bench_ring_hop(ring, pair);
                if (!s->edge) {
                    break;
                }
            }
        }
        if (count < 0) {
            return 0;
        }
    }
    return ring->made;
}

const bench bench_relay_by_hand[] = {
    {"relay", "epoll by hand, level", begin_level, run, end},
    {"relay", "epoll by hand, edge", begin_edge, run, end},
    {0},
};
