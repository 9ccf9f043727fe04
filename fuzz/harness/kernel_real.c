/* The real kernel. The system calls that the library makes to wait and to register are counted, by
 * --wrap at link time (fuzz/link.flags). */
#if !defined(IO_OS_SIM) && !defined(_WIN32)
#define _GNU_SOURCE
#include "kernel.h"

#include "lib/os/os_uring.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

static kernel_calls made;
static volatile sig_atomic_t pipe_signals;

int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms);
int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __real_epoll_create1(int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
long __real_syscall(long number, ...);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_create1(int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);

long __wrap_syscall(long number, ...);

static void count_pipe_signal(int number)
{
    (void)number;
    pipe_signals++;
}

void kernel_setup(void)
{
    struct sigaction action = {.sa_handler = count_pipe_signal, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &action, NULL);
}

int kernel_begin(void)
{
    return 0;
}

int kernel_was_full(void)
{
    return 0;
}

int kernel_open_count(void)
{
    return 0;
}

void kernel_limit(int limit)
{
    (void)limit;
}

void kernel_fork(void)
{
}

int kernel_parent_polls(void)
{
    return 0;
}

int kernel_left_polls(void)
{
    return 0;
}

int kernel_poll_now(struct pollfd *fds, nfds_t count)
{
    struct timespec zero = {0};
    return ppoll(fds, count, &zero, NULL);
}

kernel_calls kernel_calls_made(void)
{
    return made;
}

unsigned kernel_pipe_signals(void)
{
    return (unsigned)pipe_signals;
}

int kernel_is_simulated(void)
{
    return 0;
}

static void count_wait(int blocks)
{
    made.waits++;
    made.blocking_waits += blocks != 0;
}

static int count_interruption(int result)
{
    made.interrupted += result < 0 && errno == EINTR;
    return result;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms)
{
    count_wait(timeout_ms);
    return count_interruption(__real_epoll_wait(epoll_fd, events, count, timeout_ms));
}

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    made.controls++;
    return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

int __wrap_epoll_create1(int flags)
{
    made.controls++;
    made.creations++;
    return __real_epoll_create1(flags);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    count_wait(timeout_ms);
    return count_interruption(__real_poll(fds, count, timeout_ms));
}

int __wrap_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
    count_wait(!timeout || timeout->tv_sec || timeout->tv_usec);
    return count_interruption(__real_select(end, in, out, except, timeout));
}

#ifdef IO_OS_URING
/* io_uring_enter submits, or waits for so many completions. */
static void count_enter(long submitted, long completions, long flags)
{
    if (submitted > 0) {
        made.controls++;
    } else if (flags & IORING_ENTER_EXT_ARG) {
        count_wait(completions > 0);
    }
}
#endif

long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(arguments, long);
    }
    va_end(arguments);
#ifdef IO_OS_URING
    if (number == __NR_io_uring_enter) {
        count_enter(a[1], a[2], a[3]);
    }
    made.creations += number == __NR_io_uring_setup;
#endif
    long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
#ifdef IO_OS_URING
    if (number == __NR_io_uring_enter && (a[3] & IORING_ENTER_EXT_ARG)) {
        count_interruption((int)result);
    }
#endif
    return result;
}

#else
typedef int kernel_real_is_not_used; /* C has no empty files */
#endif
