/* Windows: questions about a socket, for waiting and for reading and writing. */
#ifndef IOATOM_OS_WINDOWS_QUESTIONS_H
#define IOATOM_OS_WINDOWS_QUESTIONS_H

#include "system.h"

static inline int io_os_getsockopt_int(io_fd fd, int option, int *value)
{
    int length = sizeof(*value);
    return io_os_outcome(getsockopt((SOCKET)fd, SOL_SOCKET, option, (char *)value, &length));
}

static inline int io_os_is_listening(io_fd fd)
{
    int listens = 0;
    return io_os_getsockopt_int(fd, SO_ACCEPTCONN, &listens) == 0 && listens;
}

static inline int io_os_is_socket(io_fd fd)
{
    int type;
    return io_os_getsockopt_int(fd, SO_TYPE, &type) == 0;
}

/* 0, or -EBADF: not an open handle. */
static inline int io_os_check_open(io_fd fd)
{
    if (io_os_is_socket(fd)) {
        return 0;
    }
    SetLastError(NO_ERROR);
    return GetFileType((HANDLE)fd) != FILE_TYPE_UNKNOWN || GetLastError() == NO_ERROR ? 0 : -EBADF;
}

/* 0, -EBADF, or -EPERM: an open handle of something else than a socket (IO-ADD-7). */
static inline int io_os_check_pollable(io_fd fd)
{
    if (io_os_is_socket(fd)) {
        return 0;
    }
    int r = io_os_check_open(fd);
    return r < 0 ? r : -EPERM;
}

/* The ready ones of some poll(2) events, without waiting. Out-of-band data has another name there,
 * which is a part of POLLIN. */
static inline int io_os_poll_now(io_fd fd, short events)
{
    int wanted = events & POLLIN ? POLLRDNORM : 0;
    wanted |= events & POLLOUT ? POLLWRNORM : 0;
    wanted |= events & POLLPRI ? POLLRDBAND : 0;
    WSAPOLLFD entry = {.fd = (SOCKET)fd, .events = (short)wanted};
    int count = io_os_outcome(WSAPoll(&entry, 1, 0));
    if (count < 0) {
        return count == -EBADF ? POLLNVAL : count;
    }
    int ready = entry.revents & ~(POLLRDBAND | POLLPRI);
    return entry.revents & POLLRDBAND ? ready | POLLPRI : ready;
}

/* The hang-up and error of a socket, as poll(2) events. */
static inline int io_os_alarms(io_fd fd)
{
    return io_os_poll_now(fd, 0);
}

#endif
