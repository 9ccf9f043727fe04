/* Stands between the library and the kernel's waiting calls: counts them, and makes them fail on
 * demand.
 *
 * A test file that includes this defines epoll_ctl and the others itself, so that the library,
 * which is linked statically, calls these; they pass the call on to libc. To be included by one
 * file of a program. */
#ifndef TESTS_UNIT_SPY_H
#define TESTS_UNIT_SPY_H

#include "unit.h"

#ifndef _WIN32 /* there: tests/windows/spied.c */
#include <dlfcn.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#ifndef UNIT_ON_SIM
#include "lib/os/os_uring.h"
#endif

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
    spy_call create, ctl, dup, epoll, kqueue, poll, select;
    spy_call setup, submit, enter; /* io_uring_enter that submits, and that waits */
    unsigned lacking;              /* features that io_uring_setup does not have */
    int last_timeout_ms;           /* of the last wait; -2: there was none */
} spy_state;

#ifdef _WIN32
extern spy_state spy; /* create, ctl and epoll are those of the afd backend */
#else
static spy_state spy;
#endif

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
    return spy.epoll.count + spy.kqueue.count + spy.enter.count + spy.poll.count + spy.select.count;
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

#ifdef UNIT_ON_SIM

static inline spy_call *spy_call_of(int kind)
{
    switch (kind) {
    case IO_SIM_CALL_EPOLL_CREATE:
    case IO_SIM_CALL_KQUEUE:
        return &spy.create;
    case IO_SIM_CALL_EPOLL_CTL:
    case IO_SIM_CALL_KEVENT_CHANGES:
        return &spy.ctl;
    case IO_SIM_CALL_URING_SETUP:
        return &spy.setup;
    case IO_SIM_CALL_URING_SUBMIT:
        return &spy.submit;
    case IO_SIM_CALL_URING_WAIT:
        return &spy.enter;
    case IO_SIM_CALL_DUP:
        return &spy.dup;
    case IO_SIM_CALL_EPOLL_WAIT:
        return &spy.epoll;
    case IO_SIM_CALL_KEVENT:
        return &spy.kqueue;
    case IO_SIM_CALL_POLL:
        return &spy.poll;
    case IO_SIM_CALL_SELECT:
        return &spy.select;
    default:
        return NULL;
    }
}

/* A wait that is to return 0 at once ends so early; one without an end cannot. */
static inline void spy_draw(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    spy_call *call = spy_call_of(kind);
    (void)context;
    (void)nth;
    (void)fd;
    if (!call) {
        return;
    }
    int result = spy_wait(call);
    fault->error = result < 0 ? errno : 0;
    fault->early_ns = result == 0 ? UINT64_MAX : 0;
}

void unit_sim_began(void)
{
    io_sim_on_call(&unit_sim, spy_draw, NULL);
}

#else

#ifndef _WIN32
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

#ifdef IO_OS_URING
/* What the library asks of io_uring_enter beyond submitting. */
static inline int spy_enter(const long arguments[6])
{
    const struct io_uring_getevents_arg *argument =
        (const struct io_uring_getevents_arg *)(uintptr_t)arguments[4];
    const struct __kernel_timespec *time =
        (const struct __kernel_timespec *)(uintptr_t)argument->ts;
    spy.last_timeout_ms = arguments[2] == 0 ? 0 : -1;
    if (time != NULL) {
        spy.last_timeout_ms = (int)(time->tv_sec * 1000 + time->tv_nsec / 1000000);
    }
    int result = spy_wait(&spy.enter);
    if (result == 0) {
        errno = ETIME;
        result = -1;
    }
    return result;
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(arguments, long); /* as libc does, whatever the call has */
    }
    va_end(arguments);
    SPY_WRITTEN(a, sizeof(a));
    if (real == NULL) {
        spy_find("syscall", &real);
    }
    int result = 1;
    if (number == __NR_io_uring_setup) {
        result = spy_faulty(&spy.setup) ? -1 : 1;
    } else if (number == __NR_io_uring_enter && a[1] > 0) {
        result = spy_faulty(&spy.submit) ? -1 : 1;
    } else if (number == __NR_io_uring_enter && (a[3] & IORING_ENTER_EXT_ARG)) {
        result = spy_enter(a);
    }
    if (result != 1) {
        return -1;
    }
    long answer = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == __NR_io_uring_setup && answer >= 0) {
        ((struct io_uring_params *)(uintptr_t)a[1])->features &= ~spy.lacking;
    }
    return answer;
}
#endif
#endif /* _WIN32 */

#endif /* UNIT_ON_SIM */

/* The calls of this configuration that make its set, and that change it; null: there is no set. */
static inline spy_call *spy_create_of(const unit_config *config)
{
    if (config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_AFD)) {
        return &spy.create;
    }
    return config->types & IO_POLLER_URING ? &spy.setup : NULL;
}

static inline spy_call *spy_control_of(const unit_config *config)
{
    if (config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_AFD)) {
        return &spy.ctl;
    }
    return config->types & IO_POLLER_URING ? &spy.submit : NULL;
}

/* How often the library changed a set in the kernel. */
static inline int spy_controls(void)
{
    return spy.ctl.count + spy.submit.count;
}

/* The waiting call of this configuration. */
static inline spy_call *spy_wait_of(const unit_config *config)
{
    if (config->types & IO_POLLER_URING) {
        return &spy.enter;
    }
    if (config->types & (IO_POLLER_EPOLL | IO_POLLER_AFD)) {
        return &spy.epoll;
    }
    if (config->types & IO_POLLER_KQUEUE) {
        return &spy.kqueue;
    }
    return config->types & IO_POLLER_POLL ? &spy.poll : &spy.select;
}

#endif
