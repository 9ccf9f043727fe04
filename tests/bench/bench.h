/* A benchmark: contestants that do the same work, one after the other in each round, so that the
 * machine's moods meet all of them alike. What comes out are ratios (ci/bench). */
#ifndef IOATOM_TESTS_BENCH_H
#define IOATOM_TESTS_BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench {
    const char *group; /* what is done */
    const char
        *contestant; /* who does it; the first of a group is what the others are compared to */
    /* Makes ready for so many things (descriptors, timers); null: cannot be done here. */
    void *(*begin)(unsigned size);
    /* Does about so many operations; the number of those that were done. 0: it failed. */
    uint64_t (*run)(void *state, uint64_t operations);
    void (*end)(void *state);
} bench;

/* The contestants, in the order of the table. Each file has its own, since the peers' headers don't
 * go together. */
extern const bench bench_relay_by_hand[];
extern const bench bench_relay_io[];
extern const bench bench_relay_libev[];
extern const bench bench_relay_libevent[];
extern const bench bench_timers[];
extern const bench bench_codecs[];

/* What is done between them does not count. (They look at the clock: not too often.) */
void bench_pause(void);
void bench_resume(void);

/* Socket pairs in a ring: what is read from one is written to the next. */
typedef struct bench_ring {
    unsigned size;
    uint64_t left; /* hops that are to be made */
    uint64_t made;
    int (*ends)[2];
} bench_ring;

/* 0, or -1: there are not enough descriptors. */
int bench_ring_open(bench_ring *ring, unsigned size);
void bench_ring_close(bench_ring *ring);
/* Begin with some bytes on their way; take a hop from a pair. */
void bench_ring_start(bench_ring *ring, uint64_t hops);
void bench_ring_hop(bench_ring *ring, unsigned pair);

#endif
