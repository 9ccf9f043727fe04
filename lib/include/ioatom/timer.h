/*
 * Timers of a poller: one-shot and interval, in the caller's memory.
 *
 *     static void on_time(io_timers *timers, io_timer *timer, uint64_t missed) { ... }
 *
 *     static io_timer_place places[100];        room for 100 timers that are armed
 *     static io_timers timers;
 *     io_timers_init(&timers, &poller, places, 100);
 *     io_timer_init(&timer, on_time);
 *     io_timer_set_in(&timers, &timer, 5 * IO_TIMER_MS, 0);
 *     while (io_wait(&poller, -1) >= 0)
 *         io_dispatch(&poller);                 as ever: first the atoms, then the timers
 *
 * Times are nanoseconds of the monotonic clock. A timer never fires early (IO-TIMER-6). It takes no
 * descriptor and no system call: io_wait returns when the first one is due, and io_dispatch fires
 * those that are, when it has called the atoms. To arm, re-arm or cancel one of n takes O(log n)
 * steps. A program that does not call io_timers_init does not link any of this.
 *
 * A timer is embedded in a struct of the caller's, as an atom is: io_resolve_parent finds that. While
 * it is armed it must stay where it is, be left alone, and be armed in no other io_timers.
 *
 * Rules for every function: those of ioatom.h. The timers belong to the thread that their poller
 * belongs to. A null timers or timer, or timers that are not attached to an open poller, is -EINVAL
 * (IO-TIMER-4).
 */
#ifndef IOATOM_TIMER_H
#define IOATOM_TIMER_H

#include <ioatom/ioatom.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IO_TIMER_MS UINT64_C(1000000)
#define IO_TIMER_S UINT64_C(1000000000)

/* A deadline that does not come (IO-TIMER-7). */
#define IO_TIMER_NEVER UINT64_MAX

typedef struct io_timers io_timers;
typedef struct io_timer io_timer;

/* A callback. missed: how many more periods of an interval are over than this one, for which there are
 * no calls; 0 for a one-shot (IO-TIMER-13). It may arm, cancel and free any timer, its own included, and
 * do what an atom's callback may do; io_wait, io_dispatch, io_next, io_poller_dispose,
 * io_poller_after_fork and io_timers_dispose are -EBUSY in it (IO-TIMER-16). */
typedef void (*io_timer_proc)(io_timers *timers, io_timer *timer, uint64_t missed);

/* The members are private. */
struct io_timer {
    io_timer_proc proc;
    uint64_t interval_ns; /* 0: one-shot */
    int32_t place;        /* where it is in the places, plus 1, if it is armed */
};

/* Room for an armed timer. The deadline stands beside the pointer, so that to compare two touches no
 * timer. */
typedef struct io_timer_place {
    uint64_t deadline_ns;
    io_timer *timer;
} io_timer_place;

/* A heap, each of whose timers is due no later than its four children; behind it the timers that
 * wait to be let in. */
typedef struct io_timer_heap {
    io_timer_place *places;
    uint32_t count;    /* in the heap */
    uint32_t end;      /* with those behind it */
    uint32_t capacity; /* of places */
} io_timer_heap;

/* In the caller's memory; the members are private. */
struct io_timers {
    io_timer_heap heap;
    io_poller *poller;
    uint64_t now_ns; /* while timers fire: those that are due then */
    int firing;
};

/* Attach timers to a poller, in memory that is left alone until io_timers_dispose. At most `count` can
 * be armed at a time, each in one of the places, which need not be cleared (IO-TIMER-1). No system
 * call. -EINVAL: null places, count 0 or more than INT32_MAX - 1. -EEXIST: the poller has timers already
 * (IO-TIMER-2). */
int io_timers_init(io_timers *timers, io_poller *poller, io_timer_place *places, size_t count);

/* Detach them: none is armed any more, and no timer is touched (IO-TIMER-3). Do it before the poller is
 * disposed of, or don't use them again. -EBUSY: inside a callback. */
int io_timers_dispose(io_timers *timers);

/* Set the members; the timer is not armed. No error, no system call. */
void io_timer_init(io_timer *timer, io_timer_proc proc);

/* Arm a timer, or arm it anew, with another deadline and interval: a time of the monotonic clock, which
 * may be over; IO_TIMER_NEVER: it is armed and does not fire. After the deadline it fires every
 * interval_ns, or, with 0, once (IO-TIMER-5). No system call, and no look at the clock. -EINVAL: null
 * callback. -ERANGE: all places are taken. */
int io_timer_set_at(io_timers *timers, io_timer *timer, uint64_t deadline_ns, uint64_t interval_ns);

/* The same, with the deadline so many nanoseconds from the moment of this call; 0 is due at once
 * (IO-TIMER-8). */
int io_timer_set_in(io_timers *timers, io_timer *timer, uint64_t delay_ns, uint64_t interval_ns);

/* Disarm. When it returns, the timer does not fire and is not touched any more: it may be freed at
 * once, inside any callback, also if it was due (IO-TIMER-14). -ENOENT: not armed. */
int io_timer_cancel(io_timers *timers, io_timer *timer);

/* When an armed timer is due next (IO-TIMER-5). -EINVAL: null deadline_ns. -ENOENT: not armed, and
 * *deadline_ns is as it was. */
int io_timer_deadline(const io_timers *timers, const io_timer *timer, uint64_t *deadline_ns);

/* The poller that they were attached to. Null for null. */
io_poller *io_timers_poller(const io_timers *timers);

/* The monotonic clock. Any thread. */
uint64_t io_timer_now_ns(void);

/* now_ns + delay_ns, or IO_TIMER_NEVER if that is later than what can be said (IO-TIMER-7). Any
 * thread. */
uint64_t io_timer_after(uint64_t now_ns, uint64_t delay_ns);

#ifdef __cplusplus
}
#endif
#endif
