/* Reading and writing through the library. */
#define _GNU_SOURCE
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "ops.h"
#include "report.h"
#include "trace.h"

#include <errno.h>
#include <poll.h>

static unsigned char buffer[TRANSFER_MOST];

static void check_moved(const run *r, const io_atom *atom, const char *clause, int result,
                        size_t size, size_t len)
{
    int empty = env_kind(&r->env, atom->fd) == KIND_DGRAM;
    if (result == 0 && (len > size || (len == 0 && !empty))) {
        violation(clause, "moved %zu of %zu bytes", len, size);
    }
    if (result < 0 && len != 0) {
        violation(clause, "returned %d and a length of %zu", result, len);
    }
}

/* The buffer in two halves, with nothing between them. An eventfd takes 8 bytes and not 4 twice. */
static int halves(const run *r, const io_atom *atom, struct iovec *iov, uint32_t size)
{
    size_t half = size / 2;
    iov[0] = (struct iovec){buffer, half};
    iov[1] = (struct iovec){buffer + half, 0};
    iov[2] = (struct iovec){buffer + half, size - half};
    if (env_kind(&r->env, atom->fd) == KIND_EVENTFD) {
        iov[0].iov_len = size;
        return 1;
    }
    return 3;
}

static int read_or_readv(run *r, io_atom *atom, uint32_t size, size_t *len)
{
    struct iovec iov[3];
    if (r->transfers++ % 2 == 0) {
        return LIBRARY(io_read(&r->poller, atom, buffer, size, len));
    }
    return LIBRARY(io_readv(&r->poller, atom, iov, halves(r, atom, iov, size), len));
}

static int write_or_writev(run *r, io_atom *atom, uint32_t size, size_t *len)
{
    struct iovec iov[3];
    if (r->transfers++ % 2 == 0) {
        return LIBRARY(io_write(&r->poller, atom, buffer, size, len));
    }
    return LIBRARY(io_writev(&r->poller, atom, iov, halves(r, atom, iov, size), len));
}

int transfer_in(run *r, int index, uint32_t size)
{
    io_atom *atom = &r->atoms[index]->io;
    int fd = atom->fd;
    object_kind kind = env_kind(&r->env, fd);
    int bits = run_bits(fd);
    size_t len = 12345;
    size = kind == KIND_EVENTFD ? 8 : size;
    int result = read_or_readv(r, atom, size, &len);
    check_moved(r, atom, "IO-READ-1", result, size, len);
    r->moved += result == 0 ? (uint32_t)len : 0;
    trace_add_read(buffer, len);
    fault_check_transfer("IO-READ-7", result);
    if (result == 0 && !env_received(&r->env, fd, buffer, (uint32_t)len)) {
        violation("IO-READ-5", "the bytes that were read are not those that were sent");
    }
    if (result < 0 && result != -EAGAIN) {
        env_ended(&r->env, fd, result);
    }
    if (result == -EPIPE && env_left(&r->env, fd) > 0) {
        violation("IO-READ-3", "the stream is said to end with %u bytes to be read",
                  env_left(&r->env, fd));
    }
    if (result == -EAGAIN && (bits & POLLIN) && kind < KIND_DGRAM) {
        violation("IO-READ-5", "io_read returned -EAGAIN with data to be read");
    }
    if (result == -EAGAIN) {
        run_observe(r);
        model_eagain(&r->model, index, MODEL_READ);
        if (bits & POLLIN) {
            model_doubt(&r->model, index, MODEL_READ);
        }
    }
    return result;
}

int transfer_out(run *r, int index, uint32_t size)
{
    io_atom *atom = &r->atoms[index]->io;
    int fd = atom->fd;
    object_kind kind = env_kind(&r->env, fd);
    int bits = run_bits(fd);
    unsigned pipe_signals = kernel_pipe_signals();
    size_t len = 12345;
    size = kind == KIND_EVENTFD ? 8 : size;
    env_pattern(&r->env, fd, buffer, size);
    int result = write_or_writev(r, atom, size, &len);
    r->moved += result == 0 ? (uint32_t)len : 0;
    trace_add(TRACE_MOVED, (int32_t)len, 0);
    fault_check_transfer("IO-WRITE-5", result);
    check_moved(r, atom, "IO-WRITE-1", result, size, len);
    if (kind != KIND_PIPE && kind != KIND_CODES && kernel_pipe_signals() != pipe_signals) {
        violation("IO-WRITE-4", "SIGPIPE was raised");
    }
    if (result == 0) {
        env_sent(&r->env, fd, (uint32_t)len);
    }
    if (result == -EAGAIN) {
        run_observe(r);
        model_eagain(&r->model, index, MODEL_WRITE);
        if (kind == KIND_DGRAM && (bits & POLLOUT)) {
            model_doubt(&r->model, index,
                        MODEL_WRITE); /* its peer's queue is full, or it is large */
        }
    }
    return result;
}
