/* Socket pairs in a ring, and bytes that go around. */
#define _GNU_SOURCE
#include "bench.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHARE_ON_THEIR_WAY = 10 };

int bench_ring_open(bench_ring *ring, unsigned size)
{
    *ring = (bench_ring){.ends = calloc(size, sizeof(*ring->ends))};
    while (ring->ends && ring->size < size &&
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ring->ends[ring->size]) == 0) {
        ring->size++;
    }
    if (ring->size == size) {
        return 0;
    }
    bench_ring_close(ring);
    return -1;
}

void bench_ring_close(bench_ring *ring)
{
    for (unsigned i = 0; i < ring->size; i++) {
        close(ring->ends[i][0]);
        close(ring->ends[i][1]);
    }
    free(ring->ends);
}

static void put(const bench_ring *ring, unsigned pair)
{
    ssize_t r = write(ring->ends[pair % ring->size][1], "x", 1);
    if (r != 1) {
        abort(); /* there is room: a pair never holds more than a few bytes */
    }
}

void bench_ring_start(bench_ring *ring, uint64_t hops)
{
    unsigned count = ring->size / SHARE_ON_THEIR_WAY + 1;
    ring->made = 0;
    ring->left = hops > count ? hops - count : 0;
    for (unsigned i = 0; i < count; i++) {
        put(ring, i * SHARE_ON_THEIR_WAY);
    }
}

void bench_ring_hop(bench_ring *ring, unsigned pair)
{
    ring->made++;
    if (ring->left > 0) {
        ring->left--;
        put(ring, pair + 1);
    }
}
