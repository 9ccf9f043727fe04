/* The system calls of reading, writing and sockets. Each returns >= 0, or a negative errno value;
 * none decides or retries, but for io_os_poll_now: that is for lib/io. No other file of lib/io makes
 * a system call. */
#ifndef IOATOM_OS_OS_IO_H
#define IOATOM_OS_OS_IO_H

#include "platform.h"

#ifdef _WIN32
#include "result.h"
#include "windows/io.h"
#else

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ioatom/ioatom.h>

#include "result.h"

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

/* The longest vector that readv, writev and sendmsg take. */
#ifdef IOV_MAX
#define IO_OS_IOV_MAX IOV_MAX
#else
#define IO_OS_IOV_MAX 1024
#endif

/* A write to a socket whose peer is gone must not raise SIGPIPE (IO-WRITE-4): by a flag of the
 * call, or, where there is none (macOS), by an option of the socket, which costs a system call each
 * time because the socket may be anyone's. */
#ifdef MSG_NOSIGNAL
#define IO_OS_NOSIGNAL MSG_NOSIGNAL
#else
#define IO_OS_NOSIGNAL 0
#endif

/* The result of a transfer. A count may exceed int where the kernel does not cap it. */
static inline ssize_t io_os_count(ssize_t count)
{
    return count < 0 ? -(ssize_t)errno : count;
}

static inline int io_os_setsockopt_int(io_fd fd, int level, int option, int value)
{
    return io_os_result(setsockopt(fd, level, option, &value, sizeof(value)));
}

/* A stream's listener can be opened again at once after one was closed (IO-SOCKET-9). */
static inline int io_os_reopen_address(io_fd fd)
{
    return io_os_setsockopt_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

/* Several sockets share the address (IO_LISTEN_REUSEPORT). */
static inline int io_os_share_address(io_fd fd)
{
    return io_os_setsockopt_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static inline void io_os_no_sigpipe(io_fd fd)
{
#if !defined(MSG_NOSIGNAL) && defined(SO_NOSIGPIPE)
    (void)io_os_setsockopt_int(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#else
    (void)fd;
#endif
}

static inline ssize_t io_os_read(io_fd fd, void *buf, size_t size)
{
    return io_os_count(read(fd, buf, size));
}

static inline ssize_t io_os_readv(io_fd fd, const struct iovec *iov, int iovcnt)
{
    return io_os_count(readv(fd, iov, iovcnt));
}

static inline ssize_t io_os_write(io_fd fd, const void *buf, size_t size)
{
    io_os_no_sigpipe(fd);
    ssize_t count = io_os_count(send(fd, buf, size, IO_OS_NOSIGNAL));
    return count == -ENOTSOCK ? io_os_count(write(fd, buf, size)) : count;
}

static inline ssize_t io_os_writev(io_fd fd, const struct iovec *iov, int iovcnt)
{
    struct msghdr message = {0};
    message.msg_iov = (struct iovec *)iov; /* not written to; POSIX left out the const */
    message.msg_iovlen = iovcnt;
    io_os_no_sigpipe(fd);
    ssize_t count = io_os_count(sendmsg(fd, &message, IO_OS_NOSIGNAL));
    return count == -ENOTSOCK ? io_os_count(writev(fd, iov, iovcnt)) : count;
}

static inline int io_os_close(io_fd fd)
{
    return io_os_result(close(fd));
}

static inline int io_os_unlink(const char *path)
{
    return io_os_result(unlink(path));
}

/* The ready ones of some poll(2) events, without waiting. A question is asked again when a signal has
 * come instead of its answer (IO-ERROR-6). */
static inline int io_os_poll_now(io_fd fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int count;
    do {
        count = io_os_result(poll(&entry, 1, 0));
    } while (count == -EINTR);
    return count <= 0 ? count : entry.revents;
}

/* 1 if a connection waits to be accepted (or the listener has an error to report), 0 if not. */
static inline int io_os_is_readable(io_fd fd)
{
    return io_os_poll_now(fd, POLLIN) != 0;
}

/* How many bytes a read would find, of datagrams those of the first; an error where that is not known:
 * of listeners, of most files that are neither sockets nor pipes. */
static inline int io_os_bytes_waiting(io_fd fd)
{
    int bytes = 0;
    int r = io_os_result(ioctl(fd, FIONREAD, &bytes));
    return r < 0 ? r : bytes;
}

/* 1 for a datagram socket, 0 for anything else, a descriptor that is no socket included. */
static inline int io_os_is_datagram(io_fd fd)
{
    int type = 0;
    socklen_t length = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

/* 1 if reading was shut down, as far as the kernel tells. */
static inline int io_os_is_read_shut(io_fd fd)
{
#ifdef POLLRDHUP
    int events = io_os_poll_now(fd, POLLRDHUP);
    return events > 0 && (events & POLLRDHUP) != 0;
#else
    (void)fd;
    return 0;
#endif
}

/* For kernels that cannot do it in the call that opens the descriptor. Closes it if that fails. */
static inline int io_os_prepare(io_fd fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
        return fd;
    }
    int result = io_os_result(-1);
    (void)close(fd);
    return result;
}

/* A non-blocking socket that is closed on exec (IO-INIT-9). */
static inline int io_os_socket(int family, int type)
{
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
    return io_os_result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
#else
    int fd = io_os_result(socket(family, type, 0));
    return fd < 0 ? fd : io_os_prepare(fd);
#endif
}

static inline int io_os_bind(io_fd fd, const void *sockaddr, size_t length)
{
    return io_os_result(bind(fd, (const struct sockaddr *)sockaddr, (socklen_t)length));
}

/* With the longest queue that the kernel allows. */
static inline int io_os_listen(io_fd fd)
{
    return io_os_result(listen(fd, SOMAXCONN));
}

static inline int io_os_connect(io_fd fd, const void *sockaddr, size_t length)
{
    return io_os_result(connect(fd, (const struct sockaddr *)sockaddr, (socklen_t)length));
}

/* The next connection, non-blocking and closed on exec (IO-INIT-9). *length is the room at
 * sockaddr, then what was stored there. */
static inline int io_os_accept(io_fd fd, void *sockaddr, size_t *length)
{
    socklen_t room = (socklen_t)*length;
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
    int accepted = accept4(fd, (struct sockaddr *)sockaddr, &room, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int result = io_os_result(accepted);
#else
    int accepted = io_os_result(accept(fd, (struct sockaddr *)sockaddr, &room));
    int result = accepted < 0 ? accepted : io_os_prepare(accepted);
#endif
    if (result >= 0 && room < *length) {
        *length = room; /* a longer address was cut off at the room there was */
    }
    return result;
}

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

#endif
#endif
