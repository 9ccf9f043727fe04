/* The system calls of waiting: the three mechanisms, the clock, and questions about descriptors.
 * Each returns >= 0 or a negative errno value. Nothing else in the library makes them. */
#ifndef IOATOM_OS_OS_WAIT_H
#define IOATOM_OS_OS_WAIT_H

#include "platform.h"

#ifdef _WIN32
#include "result.h"
#include "windows/wait.h"
#else

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "result.h"

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

/* The monotonic clock. */
static inline uint64_t io_os_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* 0, or -EBADF: not open, or open for nothing but its path (O_PATH), which no mechanism can watch.
 */
static inline int io_os_check_open(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return -errno;
    }
#ifdef O_PATH
    if (flags & O_PATH) {
        return -EBADF;
    }
#endif
    return 0;
}

/* 0, -EBADF, or -EPERM for an ordinary file or a directory: what EPOLL_CTL_ADD says, for select and
 * poll (IO-ADD-7). */
static inline int io_os_check_pollable(int fd)
{
    struct stat status;
    int r = io_os_check_open(fd);
    if (r < 0) {
        return r;
    }
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? -EPERM : 0;
}

static inline int io_os_poll(struct pollfd *fds, uint64_t count, int timeout_ms)
{
    return io_os_result(poll(fds, (nfds_t)count, timeout_ms));
}

/* The hang-up and error of a descriptor, as poll(2) events. Asked again when a signal has come instead
 * of the answer: an alarm that is over and not known to be would hide the next one (IO-EVENT-8). */
static inline int io_os_alarms(int fd)
{
    struct pollfd entry = {.fd = fd};
    int r;
    do {
        r = io_os_poll(&entry, 1, 0);
    } while (r == -EINTR);
    return r < 0 ? r : entry.revents;
}

/* The sets are bitmaps of unsigned long, as the kernel has them; they may be larger than an fd_set.
 */
static inline int io_os_select(int end, unsigned long *in, unsigned long *out,
                               unsigned long *except, int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    return io_os_result(select(end, (fd_set *)in, (fd_set *)out, (fd_set *)except,
                               timeout_ms < 0 ? NULL : &timeout));
}

#ifdef __linux__
static inline int io_os_epoll_create(void)
{
    return io_os_result(epoll_create1(EPOLL_CLOEXEC));
}

static inline int io_os_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    return io_os_result(epoll_ctl(epoll_fd, operation, fd, event));
}

static inline int io_os_epoll_wait(int epoll_fd, struct epoll_event *events, int count,
                                   int timeout_ms)
{
    return io_os_result(epoll_wait(epoll_fd, events, count, timeout_ms));
}

/* Make number a close-on-exec duplicate of fd, closing what it was. */
static inline int io_os_dup_to(int fd, int number)
{
    return io_os_result(dup3(fd, number, O_CLOEXEC));
}
#endif

static inline int io_os_close_own(int fd)
{
    return io_os_result(close(fd));
}

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

#endif
#endif
