/* Stands between the library and the kernel's waiting calls: counts them, and makes them fail on
 * demand.
 *
 * A test file that includes this defines epoll_ctl and the others itself, so that the library,
 * which is linked statically, calls these; they pass the call on to libc. To be included by one
 * file of a program. */
#ifndef TESTS_UNIT_SPY_H
#define TESTS_UNIT_SPY_H

#include "unit.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define SPY_WRITTEN(address, size) __msan_unpoison(address, size)
#endif
#endif
#ifndef SPY_WRITTEN
#define SPY_WRITTEN(address, size) ((void)(address), (void)(size))
#endif

typedef struct spy_call {
    int count;  /* calls since the last spy_reset */
    int error;  /* errno of a call that fails; 0: none fails */
    int good;   /* so many calls succeed first, */
    int faults; /* so many then fail; negative: all */
    int zeros;  /* so many waits return 0 at once, as if their time were over */
} spy_call;

typedef struct spy_state {
    spy_call create, ctl, dup, epoll, poll, select;
    int last_timeout_ms; /* of the last wait; -2: there was none */
} spy_state;

static spy_state spy;

/* Forget the counts and the faults. */
static inline void spy_reset(void)
{
    memset(&spy, 0, sizeof(spy));
    spy.last_timeout_ms = -2;
}

/* Fail with this errno value once `good` calls have succeeded, `faults` times (negative: each
 * time). */
static inline void spy_fail(spy_call *call, int error, int good, int faults)
{
    call->error = error;
    call->good = good;
    call->faults = faults;
}

/* How often the library waited in the kernel. */
static inline int spy_waits(void)
{
    return spy.epoll.count + spy.poll.count + spy.select.count;
}

/* 1 if this call shall fail; errno is set then. */
static inline int spy_faulty(spy_call *call)
{
    call->count++;
    if (call->error == 0 || call->faults == 0) {
        return 0;
    }
    if (call->good > 0) {
        call->good--;
        return 0;
    }
    call->faults -= call->faults > 0;
    errno = call->error;
    return 1;
}

/* What a wait returns instead of asking the kernel; 1: ask it. */
static inline int spy_wait(spy_call *call)
{
    if (spy_faulty(call)) {
        return -1;
    }
    if (call->zeros > 0) {
        call->zeros--;
        return 0;
    }
    return 1;
}

/* Point the function pointer at `function` to libc's function of that name. */
static inline void spy_find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof(symbol));
}

int epoll_create1(int flags)
{
    int (*real)(int);
    spy_find("epoll_create1", &real);
    return spy_faulty(&spy.create) ? -1 : real(flags);
}

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    int (*real)(int, int, int, struct epoll_event *);
    spy_find("epoll_ctl", &real);
    return spy_faulty(&spy.ctl) ? -1 : real(set, operation, fd, event);
}

int epoll_wait(int set, struct epoll_event *events, int size, int timeout_ms)
{
    int (*real)(int, struct epoll_event *, int, int);
    spy_find("epoll_wait", &real);
    spy.last_timeout_ms = timeout_ms;
    int count = spy_wait(&spy.epoll);
    count = count == 1 ? real(set, events, size, timeout_ms) : count;
    if (count > 0) {
        SPY_WRITTEN(events, (size_t)count * sizeof(*events));
    }
    return count;
}

int poll(struct pollfd *entries, nfds_t size, int timeout_ms)
{
    int (*real)(struct pollfd *, nfds_t, int);
    spy_find("poll", &real);
    spy.last_timeout_ms = timeout_ms;
    int count = spy_wait(&spy.poll);
    count = count == 1 ? real(entries, size, timeout_ms) : count;
    SPY_WRITTEN(entries, size * sizeof(*entries));
    return count;
}

int select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
    int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    spy_find("select", &real);
    spy.last_timeout_ms =
        timeout == NULL ? -1 : (int)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000);
    int count = spy_wait(&spy.select);
    return count == 1 ? real(end, in, out, except, timeout) : count;
}

int dup3(int fd, int number, int flags)
{
    int (*real)(int, int, int);
    spy_find("dup3", &real);
    return spy_faulty(&spy.dup) ? -1 : real(fd, number, flags);
}

/* The waiting call of this configuration. */
static inline spy_call *spy_wait_of(const unit_config *config)
{
    if (config->types & IO_POLLER_EPOLL) {
        return &spy.epoll;
    }
    return config->types & IO_POLLER_POLL ? &spy.poll : &spy.select;
}

#endif
