/* Windows: what os_io.h is elsewhere. */
#ifndef IOATOM_OS_WINDOWS_IO_H
#define IOATOM_OS_WINDOWS_IO_H

#include "address.h"
#include "questions.h"

#include <limits.h>

/* The longest vector: an own limit, as Winsock has none and the vector is copied. */
#define IO_OS_IOV_MAX 256

/* 1 for a datagram socket, 0 for anything else. */
static inline int io_os_is_datagram(io_fd fd)
{
    int type = 0;
    return io_os_getsockopt_int(fd, SO_TYPE, &type) == 0 && type == SOCK_DGRAM;
}

/* 1 if a connection waits to be accepted, 0 if not. */
static inline int io_os_is_readable(io_fd fd)
{
    return io_os_poll_now(fd, POLLIN) != 0;
}

/* Nobody tells. */
static inline int io_os_is_read_shut(io_fd fd)
{
    (void)fd;
    return 0;
}

static inline int io_os_bytes_waiting(io_fd fd)
{
    u_long bytes = 0;
    if (io_os_is_listening(fd)) {
        return -EINVAL;
    }
    int r = io_os_outcome(ioctlsocket((SOCKET)fd, FIONREAD, &bytes));
    return r < 0 ? r : (int)(bytes < INT_MAX ? bytes : INT_MAX);
}

static inline int io_os_has_name(io_fd fd)
{
    struct sockaddr_storage name;
    int length = sizeof(name);
    return getsockname((SOCKET)fd, (struct sockaddr *)&name, &length) == 0;
}

/* What a stream's transfer came to that ended with 0 bytes, or that says there is no connection: a
 * socket whose connection failed says so in its SO_ERROR only, and one that is still connecting is
 * not ready, but is told apart from one that never was by its having a name. */
static inline ssize_t io_os_verdict(io_fd fd, ssize_t result, short event)
{
    int error = 0;
    if ((result != 0 && result != -ENOTCONN && result != -ECONNRESET) || io_os_is_datagram(fd)) {
        return result;
    }
    if (io_os_getsockopt_int(fd, SO_ERROR, &error) == 0 && error != 0) {
        return -io_os_errno(error);
    }
    int ready = io_os_poll_now(fd, event);
    if (ready == 0) {
        return io_os_has_name(fd) ? -EAGAIN : -ENOTCONN;
    }
    return result == 0 && (ready & POLLERR) ? -ECONNRESET : result; /* wine reads 0 bytes then */
}

/* Buffers as Winsock has them. */
typedef struct io_os_buffers {
    WSABUF list[IO_OS_IOV_MAX];
    DWORD count;
} io_os_buffers;

static inline void io_os_put_buffers(io_os_buffers *buffers, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++) {
        size_t size = iov[i].iov_len;
        buffers->list[i].buf = (char *)iov[i].iov_base;
        buffers->list[i].len = (ULONG)(size < INT_MAX ? size : INT_MAX);
        if (size > INT_MAX) { /* what follows would not follow it */
            iovcnt = i + 1;
        }
    }
    buffers->count = (DWORD)iovcnt;
}

static inline ssize_t io_os_room(const io_os_buffers *buffers)
{
    ssize_t room = 0;
    for (DWORD i = 0; i < buffers->count; i++) {
        room += (ssize_t)buffers->list[i].len;
    }
    return room;
}

static inline ssize_t io_os_readv(io_fd fd, const struct iovec *iov, int iovcnt)
{
    io_os_buffers buffers;
    DWORD count = 0, flags = 0;
    io_os_put_buffers(&buffers, iov, iovcnt);
    int r =
        io_os_outcome(WSARecv((SOCKET)fd, buffers.list, buffers.count, &count, &flags, NULL, NULL));
    if (r == -EMSGSIZE) { /* a datagram that was cut off, as POSIX does it without a word */
        return io_os_room(&buffers);
    }
    return io_os_verdict(fd, r < 0 ? r : (ssize_t)count, POLLIN);
}

static inline ssize_t io_os_read(io_fd fd, void *buf, size_t size)
{
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    return io_os_readv(fd, &iov, 1);
}

static inline ssize_t io_os_writev(io_fd fd, const struct iovec *iov, int iovcnt)
{
    io_os_buffers buffers;
    DWORD count = 0;
    io_os_put_buffers(&buffers, iov, iovcnt);
    int r = io_os_outcome(WSASend((SOCKET)fd, buffers.list, buffers.count, &count, 0, NULL, NULL));
    if (r == -ECONNABORTED) {
        r = -ECONNRESET; /* IO-WRITE-3 */
    }
    return r < 0 ? io_os_verdict(fd, r, POLLOUT) : (ssize_t)count;
}

static inline ssize_t io_os_write(io_fd fd, const void *buf, size_t size)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = size};
    return io_os_writev(fd, &iov, 1);
}

static inline int io_os_close(io_fd fd)
{
    return io_os_outcome(closesocket((SOCKET)fd));
}

static inline int io_os_unlink(const char *path)
{
    (void)path;
    return -ENOENT; /* there are no unix sockets */
}

static inline int io_os_setsockopt_int(io_fd fd, int level, int option, int value)
{
    return io_os_outcome(
        setsockopt((SOCKET)fd, level, option, (const char *)&value, sizeof(value)));
}

/* There SO_REUSEADDR would let anybody take the address over; without it a listener can be opened
 * again at once, too (IO-SOCKET-9). */
static inline int io_os_reopen_address(io_fd fd)
{
    (void)fd;
    return 0;
}

static inline int io_os_share_address(io_fd fd)
{
    return io_os_is_datagram(fd) ? io_os_setsockopt_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)
                                 : -ENOPROTOOPT;
}

/* A socket that doesn't block and is not inherited (IO-INIT-9). Closes it if that fails. */
static inline io_fd io_os_prepare(SOCKET fd)
{
    u_long on = 1;
    int r = io_os_outcome(ioctlsocket(fd, FIONBIO, &on));
    if (r == 0 && SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0)) {
        return (io_fd)fd;
    }
    (void)closesocket(fd);
    return r < 0 ? r : -EIO;
}

static inline io_fd io_os_socket(int family, int type)
{
    if (family == AF_UNIX) {
        return -EAFNOSUPPORT; /* also where the system has some of them */
    }
    SOCKET fd = WSASocketW(family, type, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    return fd == INVALID_SOCKET ? io_os_failure() : io_os_prepare(fd);
}

static inline int io_os_bind(io_fd fd, const void *sockaddr, size_t length)
{
    return io_os_outcome(bind((SOCKET)fd, (const struct sockaddr *)sockaddr, (int)length));
}

static inline int io_os_listen(io_fd fd)
{
    return io_os_outcome(listen((SOCKET)fd, SOMAXCONN));
}

static inline int io_os_connect(io_fd fd, const void *sockaddr, size_t length)
{
    int r = io_os_outcome(connect((SOCKET)fd, (const struct sockaddr *)sockaddr, (int)length));
    return r == -EAGAIN ? -EINPROGRESS : r;
}

/* The next connection. *length is the room at sockaddr, then what was stored there. */
static inline io_fd io_os_accept(io_fd fd, void *sockaddr, size_t *length)
{
    int room = (int)*length;
    SOCKET accepted = accept((SOCKET)fd, (struct sockaddr *)sockaddr, &room);
    if (accepted == INVALID_SOCKET) {
        return io_os_failure();
    }
    *length = (size_t)room;
    return io_os_prepare(accepted);
}

#endif
