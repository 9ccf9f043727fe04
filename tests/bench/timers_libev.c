/* libev's timers. */
#include "timers.h"

#include <ev.h>

#include <stdlib.h>

typedef struct loop {
    struct ev_loop *loop;
    unsigned count;
    unsigned fired;
    ev_timer *each;
} loop;

static void on_time(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ((loop *)ev_userdata(ev))->fired++;
}

static void close_loop(void *arg)
{
    loop *l = arg;
    if (l->loop) {
        ev_loop_destroy(l->loop);
    }
    free(l->each);
    free(l);
}

static void *open_loop(unsigned count)
{
    loop *l = calloc(1, sizeof(*l));
    if (!l) {
        return NULL;
    }
    l->count = count;
    l->loop = ev_loop_new(EVBACKEND_EPOLL);
    l->each = calloc(count, sizeof(*l->each));
    if (!l->loop || !l->each) {
        close_loop(l);
        return NULL;
    }
    ev_set_userdata(l->loop, l);
    for (unsigned i = 0; i < count; i++) {
        ev_timer_init(&l->each[i], on_time, 0., 0.);
    }
    return l;
}

static void add(void *arg, const uint64_t *delays_ns)
{
    loop *l = arg;
    ev_now_update(l->loop);
    for (unsigned i = 0; i < l->count; i++) {
        ev_timer_set(&l->each[i], (double)delays_ns[i] * 1e-9, 0.);
        ev_timer_start(l->loop, &l->each[i]);
    }
}

/* ev_timer_again is what its manual recommends for this. */
static void rearm(void *arg, const uint64_t *delays_ns)
{
    loop *l = arg;
    ev_now_update(l->loop);
    for (unsigned i = 0; i < l->count; i++) {
        l->each[i].repeat = (double)delays_ns[i] * 1e-9;
        ev_timer_again(l->loop, &l->each[i]);
    }
}

static void cancel(void *arg)
{
    loop *l = arg;
    for (unsigned i = 0; i < l->count; i++) {
        ev_timer_stop(l->loop, &l->each[i]);
    }
}

static unsigned fire(void *arg)
{
    loop *l = arg;
    l->fired = 0;
    ev_run(l->loop, EVRUN_NOWAIT);
    return l->fired;
}

const timer_peer timers_libev = {open_loop, close_loop, add, rearm, cancel, fire};
