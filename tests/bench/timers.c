/*
 * Timers: to add, re-arm, cancel and fire one of so many. Of few timers there are several loops, so
 * that there is something to measure between two looks at the clock.
 */
#define _POSIX_C_SOURCE 200809L
#include "timers.h"

#include "bench.h"

#include <stdlib.h>
#include <time.h>

enum {
    TOGETHER = 1000, /* timers in all loops, at least */
    LONG_S = 1000,   /* delays are random: that long, and up to half as long again; */
    SHORT_NS = 500000,
    SLEEP_NS =
        10000000, /* or short, and over by then, also for a clock with ticks of 4 ms (libevent) */
};

typedef enum phase { ADD, REARM, CANCEL, FIRE } phase;

typedef struct state {
    const timer_peer *peer;
    phase phase;
    unsigned count; /* of timers in a loop */
    unsigned loop_count;
    void **loops;
    uint64_t *delays_ns;
    uint64_t *other_delays_ns;
} state;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void draw(uint64_t *delays_ns, unsigned count, uint64_t least, uint64_t spread,
                 uint64_t seed)
{
    for (unsigned i = 0; i < count; i++) {
        delays_ns[i] = least + next_random(&seed) % spread;
    }
}

static void add_all(state *s)
{
    for (unsigned i = 0; i < s->loop_count; i++) {
        s->peer->add(s->loops[i], s->delays_ns);
    }
}

static void rearm_all(state *s, const uint64_t *delays_ns)
{
    for (unsigned i = 0; i < s->loop_count; i++) {
        s->peer->rearm(s->loops[i], delays_ns);
    }
}

static void cancel_all(state *s)
{
    for (unsigned i = 0; i < s->loop_count; i++) {
        s->peer->cancel(s->loops[i]);
    }
}

/* 0, or -1 if they did not all fire. */
static int fire_all(state *s)
{
    int result = 0;
    for (unsigned i = 0; i < s->loop_count; i++) {
        result = s->peer->fire(s->loops[i]) == s->count ? result : -1;
    }
    return result;
}

static void end(void *arg)
{
    state *s = arg;
    for (unsigned i = 0; s->loops && i < s->loop_count && s->loops[i]; i++) {
        s->peer->close(s->loops[i]);
    }
    free(s->loops);
    free(s->delays_ns);
    free(s->other_delays_ns);
    free(s);
}

static void *begin(const timer_peer *peer, phase which, unsigned size)
{
    state *s = calloc(1, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->peer = peer;
    s->phase = which;
    s->count = size;
    s->loop_count = size < TOGETHER ? TOGETHER / size : 1;
    s->loops = calloc(s->loop_count, sizeof(*s->loops));
    s->delays_ns = calloc(size, sizeof(*s->delays_ns));
    s->other_delays_ns = calloc(size, sizeof(*s->other_delays_ns));
    int is_whole = s->loops && s->delays_ns && s->other_delays_ns;
    for (unsigned i = 0; is_whole && i < s->loop_count; i++) {
        s->loops[i] = peer->open(size);
        is_whole = s->loops[i] != NULL;
    }
    if (!is_whole) {
        end(s);
        return NULL;
    }
    uint64_t least = which == FIRE ? 1 : LONG_S * UINT64_C(1000000000);
    uint64_t spread = which == FIRE ? SHORT_NS : least / 2;
    draw(s->delays_ns, size, least, spread, 1);
    draw(s->other_delays_ns, size, least, spread, 2);
    return s;
}

/* Everybody's timers once, and only what is to be measured counts. 0, or -1. */
static int run_once(state *s)
{
    int result = 0;
    switch (s->phase) {
    case ADD:
        add_all(s);
        bench_pause();
        cancel_all(s);
        bench_resume();
        break;
    case REARM:
        rearm_all(s, s->other_delays_ns);
        rearm_all(s, s->delays_ns);
        break;
    case CANCEL:
        bench_pause();
        add_all(s);
        bench_resume();
        cancel_all(s);
        break;
    case FIRE:
        bench_pause();
        add_all(s);
        nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
        bench_resume();
        result = fire_all(s);
        break;
    }
    return result;
}

static uint64_t run(void *arg, uint64_t operations)
{
    state *s = arg;
    uint64_t each = (uint64_t)s->count * s->loop_count * (s->phase == REARM ? 2 : 1), done = 0;
    if (s->phase == REARM) {
        bench_pause();
        add_all(s);
        bench_resume();
    }
    while (done < operations) {
        if (run_once(s) < 0) {
            return 0;
        }
        done += each;
    }
    return done;
}

#define BEGIN(peer, PHASE)                                                                         \
    static void *begin_##peer##_##PHASE(unsigned size)                                             \
    {                                                                                              \
        return begin(&timers_##peer, PHASE, size);                                                 \
    }
#define BEGIN_ALL(peer) BEGIN(peer, ADD) BEGIN(peer, REARM) BEGIN(peer, CANCEL) BEGIN(peer, FIRE)
BEGIN_ALL(libev)
BEGIN_ALL(io)
BEGIN_ALL(libevent)

#define GROUP(group, PHASE)                                                                        \
    {group, "libev", begin_libev_##PHASE, run, end},                                               \
        {group, "IO Atom", begin_io_##PHASE, run, end},                                            \
    {                                                                                              \
        group, "libevent", begin_libevent_##PHASE, run, end                                        \
    }

const bench bench_timers[] = {
    GROUP("timer-add", ADD),
    GROUP("timer-rearm", REARM),
    GROUP("timer-cancel", CANCEL),
    GROUP("timer-fire", FIRE),
    {0},
};
