/* Reading, writing and closing. A transfer is one system call, retried after a signal; what it met
 * is noted with io_exhausted, which is all that the poller needs to know of it. */
#include "../os/os_io.h"

#include <ioatom/ioatom.h>

/* A null poller is allowed here (IO-READ-8), one that was disposed of is not (IO-ERROR-5). */
static int io_poller_usable(const io_poller *poller)
{
    return poller == NULL || io_poller_type(poller) >= 0;
}

/* Tell the poller that the kernel answered EAGAIN. An atom that is not registered has nothing to
 * note (IO-READ-8). */
static void io_note(io_poller *poller, io_atom *atom, int flag)
{
    if (poller != NULL) {
        (void)io_exhausted(poller, atom, flag);
    }
}

/* The arguments that all transfers have. *len becomes 0 whenever it can be written: no error leaves
 * it stale. */
static int io_transfer_valid(const io_poller *poller, const io_atom *atom, const void *data,
                             size_t *len)
{
    if (len == NULL) {
        return 0;
    }
    *len = 0;
    return atom != NULL && data != NULL && io_poller_usable(poller);
}

/* A vector: 1 to IOV_MAX buffers, not all of them empty (IO-READ-6). */
static int io_vector_valid(const struct iovec *iov, int iovcnt)
{
    if (iovcnt < 1 || iovcnt > IO_OS_IOV_MAX) {
        return 0;
    }
    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len > 0) {
            return 1;
        }
    }
    return 0;
}

/* A read of 0 bytes is the end of the stream, but for a datagram that is empty (IO-READ-4). The
 * kernel is asked only then. A datagram socket whose reading was shut down reads 0 bytes for ever:
 * that is its end. */
static int io_read_nothing(io_fd fd)
{
    return io_os_is_datagram(fd) && !io_os_is_read_shut(fd) ? 0 : -EPIPE;
}

/* What a read came to. Only EAGAIN is noted: after a short read or an error there may be more
 * (IO-READ-3). */
static int io_read_end(io_poller *poller, io_atom *atom, ssize_t count, size_t *len)
{
    if (count > 0) {
        *len = (size_t)count;
        return 0;
    }
    if (count == 0) {
        return io_read_nothing(atom->fd);
    }
    if (count == -EAGAIN) {
        io_note(poller, atom, IO_READ);
        return -EAGAIN;
    }
    return (int)count;
}

/* What a write came to. Some devices take 0 bytes of many and say nothing: with 0 the caller would
 * go on for ever. */
static int io_write_end(io_poller *poller, io_atom *atom, ssize_t count, size_t *len)
{
    if (count > 0) {
        *len = (size_t)count;
        return 0;
    }
    if (count == -EAGAIN) {
        io_note(poller, atom, IO_WRITE);
        return -EAGAIN;
    }
    return count == 0 ? -EIO : (int)count;
}

int io_read(io_poller *poller, io_atom *atom, void *buf, size_t size, size_t *len)
{
    if (!io_transfer_valid(poller, atom, buf, len) || size == 0) {
        return io_result(-EINVAL);
    }
    ssize_t count;
    do {
        count = io_os_read(atom->fd, buf, size);
    } while (count == -EINTR); /* the count, not errno: that may be an old one (IO-READ-5) */
    return io_result(io_read_end(poller, atom, count, len));
}

int io_write(io_poller *poller, io_atom *atom, const void *buf, size_t size, size_t *len)
{
    if (!io_transfer_valid(poller, atom, buf, len) || size == 0) {
        return io_result(-EINVAL);
    }
    ssize_t count;
    do {
        count = io_os_write(atom->fd, buf, size);
    } while (count == -EINTR); /* IO-WRITE-5 */
    return io_result(io_write_end(poller, atom, count, len));
}

int io_readv(io_poller *poller, io_atom *atom, const struct iovec *iov, int iovcnt, size_t *len)
{
    if (!io_transfer_valid(poller, atom, iov, len) || !io_vector_valid(iov, iovcnt)) {
        return io_result(-EINVAL);
    }
    ssize_t count;
    do {
        count = io_os_readv(atom->fd, iov, iovcnt);
    } while (count == -EINTR); /* IO-READ-5 */
    return io_result(io_read_end(poller, atom, count, len));
}

int io_writev(io_poller *poller, io_atom *atom, const struct iovec *iov, int iovcnt, size_t *len)
{
    if (!io_transfer_valid(poller, atom, iov, len) || !io_vector_valid(iov, iovcnt)) {
        return io_result(-EINVAL);
    }
    ssize_t count;
    do {
        count = io_os_writev(atom->fd, iov, iovcnt);
    } while (count == -EINTR); /* IO-WRITE-5 */
    return io_result(io_write_end(poller, atom, count, len));
}

int io_close(io_poller *poller, io_atom *atom)
{
    if (atom == NULL || !io_poller_usable(poller)) {
        return io_result(-EINVAL);
    }
    if (poller != NULL) {
        (void)io_remove(poller, atom); /* -ENOENT: it was not registered (IO-CLOSE-2) */
    }
    int result = io_os_close(atom->fd);
    /* Interrupted, it is closed all the same on every kernel we know but HP-UX; a second close
     * could hit a descriptor that another thread has just opened (IO-CLOSE-11). */
    return io_result(result == -EINTR ? 0 : result);
}
