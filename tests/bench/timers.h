/* Timers of several libraries, all asked for the same (timers.c). */
#ifndef IOATOM_TESTS_BENCH_TIMERS_H
#define IOATOM_TESTS_BENCH_TIMERS_H

#include <stdint.h>

/* A library's loop with a number of timers. */
typedef struct timer_peer {
    void *(*open)(unsigned count); /* none of them is armed; null: cannot be done here */
    void (*close)(void *loop);
    /* Arm all, which are not armed, or which are; delays from now. */
    void (*add)(void *loop, const uint64_t *delays_ns);
    void (*rearm)(void *loop, const uint64_t *delays_ns);
    void (*cancel)(void *loop);
    unsigned (*fire)(void *loop); /* once round the loop, without waiting: how many fired */
} timer_peer;

extern const timer_peer timers_io;
extern const timer_peer timers_libev;
extern const timer_peer timers_libevent;

#endif
