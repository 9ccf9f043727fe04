/* kqueue(2), like kernel.c. */
#include "kernel.h"

#include <sys/event.h>

/* kqueue(2): a descriptor, or any error. */
int kqueue(void)
{
    return number_or_failure();
}

/* kevent(2): any error, or as many events as it says, which are at most event_count (A2). It reads all
 * changes and the timeout. Events have any bits in any order: of a filter that nobody added, of a number
 * that is not registered, with any data; what answers a change has 0 or a positive errno there (A1). */
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout)
{
    sink = (uint64_t)queue;
    if (timeout) {
        sink = (uint64_t)timeout->tv_sec + (uint64_t)timeout->tv_nsec;
    }
    //@ loop unroll 8;
    for (int i = 0; i < change_count; i++) {
        sink =
            changes[i].ident + (uint64_t)changes[i].filter + changes[i].flags + changes[i].fflags;
        sink = (uint64_t)changes[i].data + (uintptr_t)changes[i].udata;
    }
    //@ loop unroll 97;
    for (int i = 0; i < event_count; i++) {
        events[i].ident = any_u64();
        events[i].filter = Frama_C_short_interval(SHRT_MIN, SHRT_MAX);
        events[i].flags = Frama_C_unsigned_short_interval(0, USHRT_MAX);
        events[i].fflags = any_u32();
        events[i].data =
            changes ? Frama_C_long_interval(0, INT_MAX) : Frama_C_long_interval(LONG_MIN, LONG_MAX);
        events[i].udata = (void *)any_u64();
    }
    return maybe() ? Frama_C_int_interval(0, event_count) : failure();
}
