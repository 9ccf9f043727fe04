/* libevent's timers. */
#include "timers.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdlib.h>

typedef struct loop {
    struct event_base *base;
    unsigned count;
    unsigned fired;
    struct event *each;
} loop;

static void on_time(evutil_socket_t fd, short events, void *arg)
{
    loop *l = arg;
    (void)fd;
    (void)events;
    l->fired++;
}

static void close_loop(void *arg)
{
    loop *l = arg;
    if (l->base) {
        event_base_free(l->base);
    }
    free(l->each);
    free(l);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

static void *open_loop(unsigned count)
{
    loop *l = calloc(1, sizeof(*l));
    if (!l) {
        return NULL;
    }
    l->count = count;
    l->base = new_base();
    l->each = calloc(count, sizeof(*l->each));
    if (!l->base || !l->each) {
        close_loop(l);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        event_assign(&l->each[i], l->base, -1, 0, on_time, l);
    }
    return l;
}

static void set(void *arg, const uint64_t *delays_ns)
{
    loop *l = arg;
    for (unsigned i = 0; i < l->count; i++) {
        uint64_t us = delays_ns[i] / 1000;
        struct timeval delay = {(long)(us / 1000000), (long)(us % 1000000)};
        event_add(&l->each[i], &delay);
    }
}

static void cancel(void *arg)
{
    loop *l = arg;
    for (unsigned i = 0; i < l->count; i++) {
        event_del(&l->each[i]);
    }
}

static unsigned fire(void *arg)
{
    loop *l = arg;
    l->fired = 0;
    event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    return l->fired;
}

const timer_peer timers_libevent = {open_loop, close_loop, set, set, cancel, fire};
