#define _GNU_SOURCE
#include "kernel_calls.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

kernel_calls kernel_calls_made;

int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms);
int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __real_epoll_create1(int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_create1(int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);

static void count_wait(int blocks)
{
    kernel_calls_made.waits++;
    kernel_calls_made.blocking_waits += blocks != 0;
}

static int count_interruption(int result)
{
    kernel_calls_made.interrupted += result < 0 && errno == EINTR;
    return result;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms)
{
    count_wait(timeout_ms);
    return count_interruption(__real_epoll_wait(epoll_fd, events, count, timeout_ms));
}

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    kernel_calls_made.controls++;
    return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

int __wrap_epoll_create1(int flags)
{
    kernel_calls_made.controls++;
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
