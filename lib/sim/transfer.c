/* Reading and writing. */
#include "kernel.h"

#include <limits.h>

/* What a transfer is about. */
typedef struct transfer {
    io_sim_file *file;
    io_sim_span span;
    int flags;      /* MSG_... */
    int is_message; /* recv or send: only for sockets */
    const struct sockaddr *to;
    socklen_t to_length;
    io_sim_address from; /* of a datagram */
} transfer;

static int is_stream(const io_sim *sim, const io_sim_file *file)
{
    return file->kind == IO_SIM_PIPE ||
           (file->kind == IO_SIM_SOCKET && sim->sockets[file->object].type == SOCK_STREAM);
}

/* The buffers, and how much of them is to be moved. */
static int begin(io_sim *sim, int fd, int mode, const struct iovec *iov, int iovcnt, transfer *t)
{
    size_t left = 0;
    t->file = io_sim_file_of(sim, fd);
    if (!t->file || !(t->file->mode & mode)) {
        return -EBADF;
    }
    if (t->is_message && t->file->kind != IO_SIM_SOCKET) {
        return -ENOTSOCK;
    }
    if (iovcnt < 0 || iovcnt > 1024) {
        return t->is_message ? -EMSGSIZE : -EINVAL;
    }
    for (int i = 0; i < iovcnt; i++) {
        left += iov[i].iov_len;
    }
    left = left < INT_MAX ? left : INT_MAX;
    if (sim->fault.short_count && is_stream(sim, t->file)) {
        left = left < sim->fault.short_count ? left : sim->fault.short_count;
    }
    t->span = (io_sim_span){iov, iovcnt, 0, left};
    return 0;
}

static ssize_t read_zeros(io_sim_span *to)
{
    static const unsigned char zeros[512];
    ssize_t done = 0;
    while (to->left > 0) {
        done += (ssize_t)io_sim_span_put(to, zeros, sizeof(zeros));
    }
    return done;
}

static ssize_t read_socket(io_sim *sim, transfer *t)
{
    io_sim_endpoint *socket = &sim->sockets[t->file->object];
    if (socket->type == SOCK_DGRAM) {
        return t->flags & MSG_OOB ? -EOPNOTSUPP
                                  : io_sim_datagram_read(sim, socket, &t->span, &t->from);
    }
    if (io_sim_is_unix(socket)) {
        return t->flags & MSG_OOB ? -EOPNOTSUPP : io_sim_unix_read(sim, socket, &t->span);
    }
    return t->flags & MSG_OOB ? io_sim_tcp_read_urgent(sim, socket, &t->span)
                              : io_sim_tcp_read(sim, socket, &t->span);
}

static ssize_t read_once(io_sim *sim, transfer *t)
{
    switch (t->file->kind) {
    case IO_SIM_PIPE:
        return io_sim_pipe_read(sim, t->file, &t->span);
    case IO_SIM_SOCKET:
        return t->span.left == 0 && !t->is_message ? 0 : read_socket(sim, t);
    case IO_SIM_EVENTFD:
    case IO_SIM_TIMERFD:
        return io_sim_counter_read(sim, t->file, &t->span);
    case IO_SIM_EPOLL:
    case IO_SIM_RING:
        return -EINVAL;
    case IO_SIM_KQUEUE:
        return -ENXIO;
    case IO_SIM_DIRECTORY:
        return -EISDIR;
    case IO_SIM_ZERO:
        return read_zeros(&t->span);
    default:
        return 0;
    }
}

static ssize_t write_once(io_sim *sim, transfer *t)
{
    io_sim_endpoint *socket = &sim->sockets[t->file->object];
    switch (t->file->kind) {
    case IO_SIM_PIPE:
        return io_sim_pipe_write(sim, t->file, &t->span);
    case IO_SIM_SOCKET:
        if (socket->type == SOCK_DGRAM) {
            return io_sim_datagram_write(sim, socket, &t->span, t->to, t->to_length);
        }
        if (t->to && io_sim_is_unix(socket)) {
            return socket->state == IO_SIM_CONNECTED ? -EISCONN : -EOPNOTSUPP;
        }
        if (io_sim_is_unix(socket)) {
            return t->flags & MSG_OOB ? -EOPNOTSUPP : io_sim_unix_write(sim, socket, &t->span);
        }
        return io_sim_tcp_write(sim, socket, &t->span, t->flags & MSG_OOB);
    case IO_SIM_EVENTFD:
    case IO_SIM_TIMERFD:
        return io_sim_counter_write(sim, t->file, &t->span);
    case IO_SIM_EPOLL:
    case IO_SIM_RING:
        return -EINVAL;
    case IO_SIM_KQUEUE:
        return -ENXIO;
    default:
        return (ssize_t)t->span.left;
    }
}

/* Somebody may close the descriptor meanwhile: the file stays until the call is over. */
static int block(io_sim *sim, io_sim_file *file)
{
    file->references++;
    int r = io_sim_block(sim, IO_SIM_NEVER);
    if (--file->references == 0) {
        io_sim_release_file(sim, io_sim_file_index(sim, file));
        return -EBADF;
    }
    return r;
}

/* Again and again while it would block, unless it must not; a write to a stream blocks until all is
 * written. */
static ssize_t run(io_sim *sim, transfer *t, ssize_t (*once)(io_sim *, transfer *))
{
    int blocks = !io_sim_is_nonblocking(t->file) && !(t->flags & (MSG_DONTWAIT | MSG_OOB));
    ssize_t done = 0;
    for (;;) {
        io_sim_span before = t->span;
        ssize_t r = once(sim, t);
        done += r > 0 ? r : 0;
        int more = blocks && once == write_once && is_stream(sim, t->file) && t->span.left > 0;
        if (r != -EAGAIN && !(r >= 0 && more)) {
            return done > 0 ? done : r;
        }
        if (r == -EAGAIN) {
            t->span = before;
            r = blocks ? block(sim, t->file) : -EAGAIN;
        }
        if (r < 0) {
            return done > 0 ? done : r;
        }
    }
}

static ssize_t input(io_sim *sim, int fd, const struct iovec *iov, int iovcnt, transfer *t)
{
    int r = begin(sim, fd, IO_SIM_READS, iov, iovcnt, t);
    return r < 0 ? r : run(sim, t, read_once);
}

/* Pipes and stream sockets raise SIGPIPE. */
static ssize_t output(io_sim *sim, int fd, const struct iovec *iov, int iovcnt, transfer *t)
{
    int r = begin(sim, fd, IO_SIM_WRITES, iov, iovcnt, t);
    ssize_t result = r < 0 ? r : run(sim, t, write_once);
    if (result == -EPIPE && !(t->flags & MSG_NOSIGNAL) && is_stream(sim, t->file)) {
        sim->pipe_signals++;
    }
    return result;
}

ssize_t io_sim_readv(int fd, const struct iovec *iov, int iovcnt)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_READ, fd);
    transfer t = {0};
    return sim ? io_sim_return_count(input(sim, fd, iov, iovcnt, &t)) : -1;
}

ssize_t io_sim_read(int fd, void *buf, size_t size)
{
    struct iovec iov = {buf, size};
    return io_sim_readv(fd, &iov, 1);
}

ssize_t io_sim_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_READ, fd);
    struct iovec iov = {buf, size};
    transfer t = {.flags = flags, .is_message = 1};
    if (!sim) {
        return -1;
    }
    ssize_t result = flags & ~(MSG_DONTWAIT | MSG_OOB) ? -EOPNOTSUPP : input(sim, fd, &iov, 1, &t);
    if (result >= 0 && address) {
        const io_sim_endpoint *socket = &sim->sockets[t.file->object];
        if (socket->type == SOCK_DGRAM && !io_sim_is_unix(socket)) {
            io_sim_put_address(sim, socket->family, &t.from, NONE, address, length);
        } else {
            *length = 0;
        }
    }
    return io_sim_return_count(result);
}

ssize_t io_sim_recv(int fd, void *buf, size_t size, int flags)
{
    return io_sim_recvfrom(fd, buf, size, flags, NULL, NULL);
}

ssize_t io_sim_writev(int fd, const struct iovec *iov, int iovcnt)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_WRITE, fd);
    transfer t = {0};
    return sim ? io_sim_return_count(output(sim, fd, iov, iovcnt, &t)) : -1;
}

ssize_t io_sim_write(int fd, const void *buf, size_t size)
{
    struct iovec iov = {(void *)(uintptr_t)buf, size}; /* not written to */
    return io_sim_writev(fd, &iov, 1);
}

ssize_t io_sim_sendmsg(int fd, const struct msghdr *message, int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_WRITE, fd);
    transfer t = {.flags = flags,
                  .is_message = 1,
                  .to = message->msg_name,
                  .to_length = message->msg_namelen};
    if (!sim) {
        return -1;
    }
    if ((flags & ~(MSG_DONTWAIT | MSG_OOB | MSG_NOSIGNAL)) || message->msg_controllen) {
        return io_sim_return_count(-EOPNOTSUPP);
    }
    return io_sim_return_count(output(sim, fd, message->msg_iov, (int)message->msg_iovlen, &t));
}

ssize_t io_sim_sendto(int fd, const void *buf, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
    struct iovec iov = {(void *)(uintptr_t)buf, size}; /* not written to */
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = (void *)(uintptr_t)address,
                             .msg_namelen = length};
    return io_sim_sendmsg(fd, &message, flags);
}

ssize_t io_sim_send(int fd, const void *buf, size_t size, int flags)
{
    return io_sim_sendto(fd, buf, size, flags, NULL, 0);
}
