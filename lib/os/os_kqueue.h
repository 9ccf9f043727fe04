/* The system calls of kqueue(2). Each returns >= 0 or a negative errno value. */
#ifndef IOATOM_OS_OS_KQUEUE_H
#define IOATOM_OS_OS_KQUEUE_H

#include "platform.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifndef IO_OS_SIM
#include <sys/types.h>

#include <sys/event.h>
#endif

#include "os_process.h"
#include "os_wait.h"
#include "result.h"

#ifdef IO_OS_SIM
#include <ioatom/sim_kqueue.h>

#include "../sim/calls.h"
#endif

/* Closed on exec (IO-INIT-9); not every system can do that in the call that opens it. */
static inline int io_os_kqueue_create(void)
{
    int fd = io_os_result(kqueue());
    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        int result = -errno;
        (void)close(fd);
        return result;
    }
    return fd;
}

/* A change of what is watched. data comes back with the reports; an integer in some systems, it is a
 * pointer in others, and has at least 32 bits in all. */
static inline struct kevent io_os_kevent(int fd, int filter, unsigned flags, unsigned notes,
                                         uint32_t data)
{
    struct kevent change;
    uintptr_t udata = data;
    _Static_assert(sizeof(change.udata) == sizeof(udata), "either is as wide as the other");
    memset(&change, 0, sizeof(change));
    change.ident = (uintptr_t)fd;
    change.filter = (short)filter;
    change.flags = (unsigned short)flags;
    change.fflags = notes;
    memcpy(&change.udata, &udata, sizeof(udata));
    return change;
}

static inline uint32_t io_os_kevent_data(const struct kevent *event)
{
    return (uint32_t)(uintptr_t)event->udata;
}

/* All of them have EV_RECEIPT: receipts get an event for each, in their order, whose data is 0 or an
 * errno value, and nothing is waited for. */
static inline int io_os_kevent_change(int queue, const struct kevent *changes, int count,
                                      struct kevent *receipts)
{
    struct timespec zero = {0, 0};
    return io_os_result(kevent(queue, changes, count, receipts, count, &zero));
}

static inline int io_os_kevent_wait(int queue, struct kevent *events, int count, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    return io_os_result(kevent(queue, NULL, 0, events, count, timeout_ms < 0 ? NULL : &timeout));
}

/* 1 for a pipe whose other end is closed, 0 for anything else. */
static inline int io_os_is_broken(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    int events = S_ISFIFO(status.st_mode) ? io_os_alarms(fd) : 0;
    return events < 0 ? events : (events & (POLLHUP | POLLERR)) != 0;
}

/* 1 if the number is one of an open descriptor, whatever it can be used for. */
static inline int io_os_is_used(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Make number a close-on-exec duplicate of fd, closing what it was. */
static inline int io_os_dup_over(int fd, int number)
{
    int result = io_os_result(dup2(fd, number));
    if (result >= 0) {
        (void)fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    return result;
}

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

#endif
