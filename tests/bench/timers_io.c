/* IO Atom's timers. */
#include "timers.h"

#include <ioatom/timer.h>

#include <stdlib.h>

typedef struct loop {
    io_poller poller;
    io_timers timers;
    unsigned count;
    unsigned fired;
    io_timer_place *places;
    io_timer *each;
} loop;

static void on_time(io_timers *timers, io_timer *timer, uint64_t missed)
{
    (void)timer;
    (void)missed;
    io_resolve_parent(timers, loop, timers)->fired++;
}

static void close_loop(void *arg)
{
    loop *l = arg;
    io_timers_dispose(&l->timers);
    io_poller_dispose(&l->poller);
    free(l->places);
    free(l->each);
    free(l);
}

static void *open_loop(unsigned count)
{
    loop *l = calloc(1, sizeof(*l));
    if (!l || io_poller_init(&l->poller, IO_POLLER_EPOLL) < 0) {
        free(l);
        return NULL;
    }
    l->count = count;
    l->places = calloc(count, sizeof(*l->places));
    l->each = calloc(count, sizeof(*l->each));
    if (!l->places || !l->each || io_timers_init(&l->timers, &l->poller, l->places, count) < 0) {
        close_loop(l);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        io_timer_init(&l->each[i], on_time);
    }
    return l;
}

/* Now is read once, as libev does it. */
static void set(void *arg, const uint64_t *delays_ns)
{
    loop *l = arg;
    uint64_t now_ns = io_timer_now_ns();
    for (unsigned i = 0; i < l->count; i++) {
        io_timer_set_at(&l->timers, &l->each[i], now_ns + delays_ns[i], 0);
    }
}

static void cancel(void *arg)
{
    loop *l = arg;
    for (unsigned i = 0; i < l->count; i++) {
        io_timer_cancel(&l->timers, &l->each[i]);
    }
}

static unsigned fire(void *arg)
{
    loop *l = arg;
    l->fired = 0;
    io_wait(&l->poller, 0);
    io_dispatch(&l->poller);
    return l->fired;
}

const timer_peer timers_io = {open_loop, close_loop, set, set, cancel, fire};
