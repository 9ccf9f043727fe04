/* io_read, io_write, io_readv, io_writev, io_close, io_atom_init. */
#include "spy.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define STALE 99 /* in *len before a call */

static io_poller poller; /* a process for each test: always a fresh one */

/* What the signal handlers work on; they act from the third signal on. */
static volatile sig_atomic_t signals;
static io_fd signal_fd;

static void put(io_fd fd, const char *bytes)
{
    CHECK_EQ(write(fd, bytes, strlen(bytes)), strlen(bytes));
}

/* io_read and io_readv in turn, so that a test covers both. */
static int read_with(int vector, io_poller *of, io_atom *atom, void *buf, size_t size, size_t *len)
{
    struct iovec iov = {buf, size};
    return vector ? io_readv(of, atom, &iov, 1, len) : io_read(of, atom, buf, size, len);
}

static int write_with(int vector, io_poller *of, io_atom *atom, const void *buf, size_t size,
                      size_t *len)
{
    struct iovec iov = {(void *)(uintptr_t)buf, size};
    return vector ? io_writev(of, atom, &iov, 1, len) : io_write(of, atom, buf, size, len);
}

static void check_no_data(int vector, io_poller *of, io_atom *atom)
{
    char buf[8];
    size_t len = STALE;
    CHECK_ERROR(read_with(vector, of, atom, buf, sizeof(buf), &len), -EAGAIN);
    CHECK_EQ(len, 0);
}

/* Write until -EAGAIN, through the library. */
static void fill_with(int vector, io_poller *of, io_atom *atom)
{
    static const char bytes[4096];
    size_t len = STALE;
    int result = 0;
    while (result == 0) {
        errno = 0;
        result = write_with(vector, of, atom, bytes, sizeof(bytes), &len);
        CHECK(result < 0 || (len >= 1 && len <= sizeof(bytes)));
    }
    CHECK_EQ(result, -EAGAIN);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(len, 0);
}

/* --- reading --- */

static void check_read_some(io_fd reader, io_fd writer)
{
    char buf[8] = "--------";
    char rest[8] = "--------";
    struct iovec iov[3] = {{rest, 2}, {NULL, 0}, {rest + 4, 4}};
    io_atom atom;
    size_t len = STALE;
    io_atom_init(&atom, reader, unit_note);
    put(writer, "abcdefg");
    CHECK_EQ(io_read(NULL, &atom, buf, 3, &len), 0);
    CHECK_EQ(len, 3);
    CHECK_BYTES(buf, "abc-----", 8);
    len = STALE;
    CHECK_EQ(io_readv(NULL, &atom, iov, 3, &len), 0);
    CHECK_EQ(len, 4);
    CHECK_BYTES(rest, "de--fg--", 8);
}

static void read_some(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-READ-1");
    unit_pipe(fds);
    check_read_some(fds[0], fds[1]);
    unit_close_pair(fds);
    unit_unix_pair(fds, SOCK_STREAM);
    check_read_some(fds[0], fds[1]);
    unit_close_pair(fds);
    unit_tcp_pair(fds);
    check_read_some(fds[0], fds[1]);
    unit_close_pair(fds);
}

/* EAGAIN is noted: emulated edge holds a told flag back until then, and not beyond. */
static void read_nothing(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    unit_poller(&poller, config);
    for (int vector = 0; vector < 2; vector++) {
        unit_pipe(fds);
        unit_atom_init(&atom, fds[0]);
        CLAUSE("IO-READ-2");
        CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
        check_no_data(vector, &poller, &atom.io);
        put(fds[1], "a");
        CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
        CHECK_EQ(unit_drain(fds[0]), 1); /* behind the library's back: nothing noted */
        put(fds[1], "b");
        if (unit_is_emulated(config)) {
            CLAUSE("IO-EDGE-3");
            CHECK_EQ(unit_told(&poller, &atom, 0), 0);
        }
        CHECK_EQ(unit_drain(fds[0]), 1);
        CLAUSE("IO-READ-2");
        check_no_data(vector, &poller, &atom.io);
        put(fds[1], "c");
        CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
        CHECK_EQ(io_close(&poller, &atom.io), 0);
        unit_close(fds[1]);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* The flag was told and what the read met must not be noted: IO_READ is still ready, so io_set
 * tells it again, and without io_set emulated edge holds it back. */
static void check_not_noted(const unit_config *config, unit_atom *atom)
{
    if (unit_is_emulated(config)) {
        CHECK_EQ(unit_told(&poller, atom, 0), 0);
    } else if (!unit_is_edge(config)) {
        CHECK_EQ(unit_told(&poller, atom, 1000), IO_READ);
    }
    CHECK_EQ(io_set(&poller, &atom->io, IO_READ), 0);
    CHECK_EQ(unit_told(&poller, atom, 1000), IO_READ);
}

static void check_read_end(const unit_config *config, io_fd reader, io_fd writer)
{
    unit_atom atom;
    char buf[8];
    size_t len;
    unit_atom_init(&atom, reader);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    unit_close(writer);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
    for (int vector = 0; vector < 2; vector++) {
        len = STALE;
        CHECK_ERROR(read_with(vector, &poller, &atom.io, buf, sizeof(buf), &len), -EPIPE);
        CHECK_EQ(len, 0);
        check_not_noted(config, &atom);
    }
    CHECK_EQ(io_close(&poller, &atom.io), 0);
}

static void read_end(const unit_config *config)
{
    io_fd fds[2];
    unit_poller(&poller, config);
    CLAUSE("IO-READ-3");
    unit_pipe(fds);
    check_read_end(config, fds[0], fds[1]);
    unit_unix_pair(fds, SOCK_STREAM);
    check_read_end(config, fds[0], fds[1]);
    unit_tcp_pair(fds);
    check_read_end(config, fds[0], fds[1]);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* The data before the end comes first. */
static void read_data_then_end(const unit_config *config)
{
    io_fd fds[2];
    io_atom atom;
    char buf[8];
    size_t len = STALE;
    (void)config;
    CLAUSE("IO-READ-3");
    unit_tcp_pair(fds);
    io_atom_init(&atom, fds[0], unit_note);
    put(fds[1], "xyz");
    CHECK(shutdown(fds[1], SHUT_WR) == 0);
    CHECK_EQ(io_read(NULL, &atom, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 3);
    CHECK_ERROR(io_read(NULL, &atom, buf, sizeof(buf), &len), -EPIPE);
    CHECK_EQ(len, 0);
    CHECK_EQ(io_write(NULL, &atom, "q", 1, &len), 0); /* only one half is closed */
    unit_close_pair(fds);
}

static void read_short(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    char buf[8];
    size_t len;
    unit_poller(&poller, config);
    CLAUSE("IO-READ-3");
    for (int vector = 0; vector < 2; vector++) {
        unit_tcp_pair(fds);
        unit_atom_init(&atom, fds[0]);
        CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
        put(fds[1], "abcdef");
        CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
        CHECK_EQ(read_with(vector, &poller, &atom.io, buf, 2, &len), 0);
        CHECK_EQ(len, 2);
        check_not_noted(config, &atom);
        CHECK_EQ(io_close(&poller, &atom.io), 0);
        unit_close(fds[1]);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void read_fault(const unit_config *config)
{
    NEEDS_KERNEL("bad addresses");
    volatile uintptr_t nowhere = 16;
    io_fd fds[2];
    unit_atom atom;
    size_t len;
    unit_poller(&poller, config);
    CLAUSE("IO-READ-3");
    for (int vector = 0; vector < 2; vector++) {
        unit_pipe(fds);
        unit_atom_init(&atom, fds[0]);
        CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
        put(fds[1], "abcdef");
        CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
        len = STALE;
        CHECK_ERROR(read_with(vector, &poller, &atom.io, (void *)nowhere, 8, &len), -EFAULT);
        CHECK_EQ(len, 0);
        check_not_noted(config, &atom);
        CHECK_EQ(unit_drain(fds[0]), 6);
        CHECK_EQ(io_close(&poller, &atom.io), 0);
        unit_close(fds[1]);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- datagrams --- */

static void udp_pair(io_fd fds[2])
{
    struct sockaddr_in address[2];
    for (int i = 0; i < 2; i++) {
        socklen_t length = sizeof(address[i]);
        memset(&address[i], 0, sizeof(address[i]));
        address[i].sin_family = AF_INET;
        address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        CHECK(fds[i] >= 0);
        CHECK(bind(fds[i], (struct sockaddr *)&address[i], length) == 0);
        CHECK(getsockname(fds[i], (struct sockaddr *)&address[i], &length) == 0);
    }
    CHECK(connect(fds[0], (struct sockaddr *)&address[1], sizeof(address[1])) == 0);
    CHECK(connect(fds[1], (struct sockaddr *)&address[0], sizeof(address[0])) == 0);
}

static void check_empty_datagrams(int vector, io_fd reader, io_fd writer)
{
    static const char *const sent[] = {"", "x", "", "", "yz"};
    io_atom atom;
    char buf[8];
    size_t len;
    io_atom_init(&atom, reader, unit_note);
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        CHECK_EQ(send(writer, sent[i], strlen(sent[i]), 0), strlen(sent[i]));
    }
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        unit_ready(reader, POLLIN);
        len = STALE;
        CHECK_EQ(read_with(vector, NULL, &atom, buf, sizeof(buf), &len), 0);
        CHECK_EQ(len, strlen(sent[i]));
        CHECK_BYTES(buf, sent[i], len);
    }
    check_no_data(vector, NULL, &atom);
}

static void read_empty_datagram(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-READ-4");
    for (int vector = 0; vector < 2; vector++) {
        udp_pair(fds);
        check_empty_datagrams(vector, fds[0], fds[1]);
        unit_close_pair(fds);
        unit_unix_pair(fds, SOCK_DGRAM);
        check_empty_datagrams(vector, fds[0], fds[1]);
        unit_close_pair(fds);
    }
}

/* Reading was shut down: a blocking datagram socket reads 0 bytes, and no datagram is there. */
static void read_datagram_end(const unit_config *config)
{
    NEEDS_KERNEL("end of a datagram socket that blocks");
    io_fd fds[2];
    io_atom atom;
    char buf[8];
    size_t len = STALE;
    (void)config;
    CLAUSE("IO-READ-3");
    unit_unix_pair(fds, SOCK_DGRAM);
    unit_nonblock(fds[0], 0);
    io_atom_init(&atom, fds[0], unit_note);
    CHECK(shutdown(fds[0], SHUT_RD) == 0);
    CHECK_ERROR(io_read(NULL, &atom, buf, sizeof(buf), &len), -EPIPE);
    CHECK_EQ(len, 0);
    CLAUSE("IO-ERROR-6"); /* nor is it taken for an empty datagram when a signal comes */
    spy_reset();
    spy_fail(&spy.poll, EINTR, 0, 2);
    CHECK_ERROR(io_read(NULL, &atom, buf, sizeof(buf), &len), -EPIPE);
    CHECK_EQ(spy.poll.count, 3);
    unit_close_pair(fds);
}

/* --- signals --- */

static void put_at_third(int signal)
{
    (void)signal;
    if (++signals == 3) {
        CHECK(write(signal_fd, "s", 1) == 1);
    }
}

static void drain_at_third(int signal)
{
    char bytes[4096];
    (void)signal;
    if (++signals == 3) {
        while (read(signal_fd, bytes, sizeof(bytes)) > 0) {
        }
    }
}

static void check_interrupted_read(int vector, io_fd reader, io_fd writer)
{
    io_atom atom;
    char buf[8];
    size_t len = STALE;
    io_atom_init(&atom, reader, unit_note);
    unit_nonblock(reader, 0);
    signals = 0;
    signal_fd = writer;
    unit_signals_start(put_at_third, 5);
    int result = read_with(vector, NULL, &atom, buf, sizeof(buf), &len);
    unit_signals_stop();
    CHECK_EQ(result, 0);
    CHECK_EQ(len, 1);
    CHECK_EQ(buf[0], 's');
    CHECK(signals >= 3);
}

static void read_interrupted(const unit_config *config)
{
    NEEDS_KERNEL("signals from a timer");
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-READ-5");
    for (int vector = 0; vector < 2; vector++) {
        unit_pipe(fds);
        check_interrupted_read(vector, fds[0], fds[1]);
        unit_close_pair(fds);
        unit_tcp_pair(fds);
        check_interrupted_read(vector, fds[0], fds[1]);
        unit_close_pair(fds);
    }
}

static void write_interrupted(const unit_config *config)
{
    NEEDS_KERNEL("signals from a timer");
    io_fd fds[2];
    io_atom atom;
    size_t len;
    (void)config;
    CLAUSE("IO-WRITE-5");
    for (int kind = 0; kind < 4; kind++) {
        if (kind < 2) {
            unit_unix_pair(fds, SOCK_STREAM);
        } else {
            unit_pipe(fds);
        }
        unit_fill(fds[1]);
        unit_nonblock(fds[1], 0);
        io_atom_init(&atom, fds[1], unit_note);
        signals = 0;
        signal_fd = fds[0];
        unit_signals_start(drain_at_third, 5);
        len = STALE;
        int result = write_with(kind % 2, NULL, &atom, "w", 1, &len);
        unit_signals_stop();
        CHECK_EQ(result, 0);
        CHECK_EQ(len, 1);
        CHECK(signals >= 3);
        unit_close_pair(fds);
    }
}

/* A call that succeeds leaves errno as it was: an old EINTR there means nothing (bug A13). */
static void stale_errno(const unit_config *config)
{
    io_fd fds[2];
    io_atom reader;
    io_atom writer;
    char buf[16];
    size_t len;
    (void)config;
    CLAUSE("IO-READ-5");
    CLAUSE("IO-WRITE-5");
    for (int vector = 0; vector < 2; vector++) {
        unit_pipe(fds);
        io_atom_init(&reader, fds[0], unit_note);
        io_atom_init(&writer, fds[1], unit_note);
        len = STALE;
        errno = EINTR;
        CHECK_EQ(write_with(vector, NULL, &writer, "hello world", 11, &len), 0);
        CHECK_EQ(len, 11);
        len = STALE;
        errno = EINTR;
        CHECK_EQ(read_with(vector, NULL, &reader, buf, sizeof(buf), &len), 0);
        CHECK_EQ(len, 11);
        CHECK_BYTES(buf, "hello world", 11);
        errno = EINTR;
        CHECK_EQ(read_with(vector, NULL, &reader, buf, sizeof(buf), &len), -EAGAIN);
        CHECK_EQ(errno, EAGAIN);
        unit_close_pair(fds);
    }
}

/* --- arguments --- */

static int transfer(int writes, io_poller *of, io_atom *atom, void *buf, size_t size, size_t *len)
{
    return writes ? io_write(of, atom, buf, size, len) : io_read(of, atom, buf, size, len);
}

static int transfer_vector(int writes, io_poller *of, io_atom *atom, struct iovec *iov, int count,
                           size_t *len)
{
    return writes ? io_writev(of, atom, iov, count, len) : io_readv(of, atom, iov, count, len);
}

#define CHECK_INVALID(call)                                                                        \
    do {                                                                                           \
        len = STALE;                                                                               \
        CHECK_ERROR(call, -EINVAL);                                                                \
        CHECK_EQ(len, 0);                                                                          \
    } while (0)

static void check_bad_arguments(int writes, io_atom *atom)
{
    static struct iovec iov[IOV_MAX + 1];
    char buf[8] = {0};
    size_t len;
    for (int i = 0; i < IOV_MAX + 1; i++) {
        iov[i].iov_base = buf;
        iov[i].iov_len = 1;
    }
    struct iovec empty[2] = {{buf, 0}, {NULL, 0}};
    CHECK_INVALID(transfer(writes, &poller, atom, NULL, 8, &len));
    CHECK_INVALID(transfer(writes, &poller, atom, buf, 0, &len));
    CHECK_INVALID(transfer(writes, &poller, atom, NULL, 0, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, NULL, 1, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, iov, 0, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, iov, -1, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, iov, INT_MIN, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, iov, IOV_MAX + 1, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, iov, INT_MAX, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, atom, empty, 2, &len));
    CHECK_ERROR(transfer(writes, &poller, atom, buf, 8, NULL), -EINVAL);
    CHECK_ERROR(transfer_vector(writes, &poller, atom, iov, 1, NULL), -EINVAL);
}

static void check_error_5(int writes, io_poller *disposed, io_atom *atom)
{
    char buf[8] = {0};
    struct iovec iov = {buf, sizeof(buf)};
    size_t len;
    CHECK_INVALID(transfer(writes, &poller, NULL, buf, 8, &len));
    CHECK_INVALID(transfer_vector(writes, &poller, NULL, &iov, 1, &len));
    CHECK_INVALID(transfer(writes, disposed, atom, buf, 8, &len));
    CHECK_INVALID(transfer_vector(writes, disposed, atom, &iov, 1, &len));
}

static void bad_arguments(const unit_config *config)
{
    static io_poller disposed;
    io_fd fds[2];
    io_atom atom;
    unit_poller(&poller, config);
    unit_poller(&disposed, config);
    CHECK_EQ(io_poller_dispose(&disposed), 0);
    unit_unix_pair(fds, SOCK_STREAM);
    put(fds[1], "abc");
    io_atom_init(&atom, fds[0], unit_note);
    CLAUSE("IO-READ-6");
    check_bad_arguments(0, &atom);
    CLAUSE("IO-WRITE-5");
    check_bad_arguments(1, &atom);
    CLAUSE("IO-ERROR-4"); /* a wrong argument comes before a descriptor that is not open */
    io_atom closed = {unit_note, -1};
    check_bad_arguments(0, &closed);
    check_bad_arguments(1, &closed);
    CLAUSE("IO-ERROR-5");
    check_error_5(0, &disposed, &atom);
    check_error_5(1, &disposed, &atom);
    CLAUSE("IO-ERROR-2");
    CHECK_EQ(unit_drain(fds[0]), 3); /* nothing was read */
    CHECK_EQ(unit_drain(fds[1]), 0); /* nothing was written */
    unit_close_pair(fds);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* The longest vector works, and so does one with empty buffers before the first byte. */
static void long_vector(const unit_config *config)
{
    static struct iovec iov[IOV_MAX];
    static unsigned char bytes[IOV_MAX];
    io_fd fds[2];
    io_atom reader;
    io_atom writer;
    size_t len = STALE;
    (void)config;
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0) {
            unit_pipe(fds);
        } else {
            unit_tcp_pair(fds);
        }
        for (int i = 0; i < IOV_MAX; i++) {
            bytes[i] = (unsigned char)(i * 7);
            iov[i].iov_base = &bytes[i];
            iov[i].iov_len = i > 5;
        }
        io_atom_init(&reader, fds[0], unit_note);
        io_atom_init(&writer, fds[1], unit_note);
        CLAUSE("IO-WRITE-1");
        CHECK_EQ(io_writev(NULL, &writer, iov, IOV_MAX, &len), 0);
        CHECK_EQ(len, IOV_MAX - 6);
        memset(bytes + 6, 0, sizeof(bytes) - 6);
        unit_ready(fds[0], POLLIN);
        CLAUSE("IO-READ-1");
        CHECK_EQ(io_readv(NULL, &reader, iov, IOV_MAX, &len), 0);
        CHECK_EQ(len, IOV_MAX - 6);
        for (int i = 6; i < IOV_MAX; i++) {
            CHECK_EQ(bytes[i], (unsigned char)(i * 7));
        }
        unit_close_pair(fds);
    }
}

/* --- errors of the kernel --- */

/* A TCP connection that fds[1] has reset. */
static void reset_pair(io_fd fds[2])
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    unit_tcp_pair(fds);
    CHECK(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    unit_close(fds[1]);
    unit_ready(fds[0], POLLERR);
}

/* A connected UDP socket whose last datagram was refused. */
static io_fd refused_udp(void)
{
    io_fd fds[2];
    udp_pair(fds);
    unit_close(fds[1]);
    put(fds[0], "x");
    unit_ready(fds[0], POLLERR);
    return fds[0];
}

static void check_transfer_error(int writes, int vector, io_fd fd, int code)
{
    io_atom atom;
    char buf[8] = {0};
    size_t len = STALE;
    io_atom_init(&atom, fd, unit_note);
    CHECK_ERROR(writes ? write_with(vector, NULL, &atom, buf, sizeof(buf), &len)
                       : read_with(vector, NULL, &atom, buf, sizeof(buf), &len),
                code);
    CHECK_EQ(len, 0);
}

static void errors(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-READ-7");
    CLAUSE("IO-WRITE-5");
    CLAUSE("IO-WRITE-3");
    for (int kind = 0; kind < 4; kind++) {
        int writes = kind / 2;
        int vector = kind % 2;
        reset_pair(fds);
        check_transfer_error(writes, vector, fds[0], -ECONNRESET);
        unit_close(fds[0]);
        io_fd udp = refused_udp();
        check_transfer_error(writes, vector, udp, -ECONNREFUSED);
        unit_close(udp);
        check_transfer_error(writes, vector, -1, -EBADF);
        check_transfer_error(writes, vector, 1000, -EBADF);
        unit_pipe(fds);
        check_transfer_error(writes, vector, fds[writes ? 0 : 1], -EBADF); /* the wrong end */
        unit_close_pair(fds);
    }
    io_fd lone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(lone >= 0);
    check_transfer_error(0, 0, lone, -ENOTCONN);
    check_transfer_error(0, 1, lone, -ENOTCONN);
    unit_close(lone);
}

/* Unread bytes at the peer that closes: a reset, and the connection's end after it. */
static void reset_then_end(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-READ-7");
    unit_unix_pair(fds, SOCK_STREAM);
    put(fds[0], "unread");
    unit_close(fds[1]);
    check_transfer_error(0, 0, fds[0], -ECONNRESET);
    check_transfer_error(0, 0, fds[0], -EPIPE);
    unit_close(fds[0]);
}

/* --- without a poller, or without being registered --- */

/* An atom that is not registered meets EAGAIN on the descriptor of one that is: nothing may be
 * noted. */
static void check_notes_nothing(const unit_config *config, io_poller *of, io_poller *other)
{
    io_fd fds[2];
    unit_atom atom;
    unit_atom stranger;
    char buf[8];
    size_t len = STALE;
    unit_unix_pair(fds, SOCK_STREAM);
    unit_atom_init(&atom, fds[0]);
    unit_atom_init(&stranger, fds[0]);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    if (other != NULL) {
        CHECK_EQ(io_add(other, &stranger.io, IO_READ), 0);
    }
    put(fds[1], "a");
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
    CHECK_EQ(io_read(of, &stranger.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 1);
    check_no_data(0, of, &stranger.io);
    check_no_data(1, of, &stranger.io);
    put(fds[1], "b");
    if (unit_is_emulated(config)) {
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    }
    CHECK_EQ(unit_drain(fds[0]), 1);
    check_no_data(0, &poller, &atom.io);
    put(fds[1], "c");
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
    if (other != NULL) {
        CHECK_EQ(io_remove(other, &stranger.io), 0);
    }
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    unit_close(fds[1]);
}

static void without_poller(const unit_config *config)
{
    static io_poller second;
    unit_poller(&poller, config);
    unit_poller(&second, config);
    CLAUSE("IO-READ-8");
    check_notes_nothing(config, NULL, NULL);
    check_notes_nothing(config, &poller, NULL);
    check_notes_nothing(config, &second, NULL);
    check_notes_nothing(config, &second, &second);
    CHECK_EQ(io_poller_dispose(&second), 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void unregistered_moves_bytes(const unit_config *config)
{
    io_fd fds[2];
    io_atom reader;
    io_atom writer;
    char buf[8];
    size_t len = STALE;
    unit_poller(&poller, config);
    CLAUSE("IO-READ-8");
    for (int with = 0; with < 2; with++) {
        io_poller *of = with ? &poller : NULL;
        unit_pipe(fds);
        io_atom_init(&reader, fds[0], unit_note);
        io_atom_init(&writer, fds[1], unit_note);
        CHECK_EQ(io_write(of, &writer, "ab", 2, &len), 0);
        CHECK_EQ(io_read(of, &reader, buf, sizeof(buf), &len), 0);
        CHECK_EQ(len, 2);
        fill_with(0, of, &writer);
        unit_drain(fds[0]);
        check_no_data(0, of, &reader);
        CHECK_EQ(io_close(of, &writer), 0);
        CHECK_ERROR(io_read(of, &reader, buf, sizeof(buf), &len), -EPIPE);
        CHECK_EQ(io_close(of, &reader), 0);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- writing --- */

static void check_write_some(io_fd reader, io_fd writer)
{
    static char large[1 << 20];
    struct iovec iov[3] = {{(void *)(uintptr_t)"ab", 2}, {NULL, 0}, {(void *)(uintptr_t)"cde", 3}};
    char buf[8] = "--------";
    io_atom atom;
    size_t len = STALE;
    io_atom_init(&atom, writer, unit_note);
    CHECK_EQ(io_write(NULL, &atom, "hello", 4, &len), 0);
    CHECK_EQ(len, 4);
    len = STALE;
    CHECK_EQ(io_writev(NULL, &atom, iov, 2, &len), 0);
    CHECK_EQ(len, 2);
    unit_ready(reader, POLLIN);
    CHECK_EQ(read(reader, buf, sizeof(buf)), 6);
    CHECK_BYTES(buf, "hellab--", 8);
    CHECK_EQ(io_writev(NULL, &atom, iov, 3, &len), 0);
    CHECK_EQ(len, 5);
    unit_ready(reader, POLLIN);
    CHECK_EQ(read(reader, buf, sizeof(buf)), 5);
    CHECK_BYTES(buf, "abcdeb--", 8);
    /* More than there is room for: a part is taken. */
    iov[0].iov_base = large;
    iov[0].iov_len = sizeof(large) / 2;
    iov[2] = iov[0];
    size_t total = 0;
    while (io_writev(NULL, &atom, iov, 3, &len) == 0) {
        CHECK(len >= 1 && len <= sizeof(large));
        total += len;
    }
    CHECK_EQ(errno, EAGAIN);
    CHECK(total > 0 && total % sizeof(large) != 0);
}

static void write_some(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-WRITE-1");
    unit_pipe(fds);
    check_write_some(fds[0], fds[1]);
    unit_close_pair(fds);
    unit_unix_pair(fds, SOCK_STREAM);
    check_write_some(fds[0], fds[1]);
    unit_close_pair(fds);
    unit_tcp_pair(fds);
    check_write_some(fds[0], fds[1]);
    unit_close_pair(fds);
}

/* EAGAIN is noted: as in read_nothing. */
static void check_write_full(const unit_config *config, int vector, io_fd reader, io_fd writer)
{
    unit_atom atom;
    size_t len;
    unit_atom_init(&atom, writer);
    CHECK_EQ(io_add(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    CLAUSE("IO-WRITE-1"); /* a write that succeeds is not exhaustion */
    CHECK_EQ(write_with(vector, &poller, &atom.io, "x", 1, &len), 0);
    unit_fill(writer); /* behind the library's back: nothing noted */
    unit_drain(reader);
    if (unit_is_emulated(config)) {
        CLAUSE("IO-EDGE-3");
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    }
    CLAUSE("IO-WRITE-2");
    fill_with(vector, &poller, &atom.io);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    unit_drain(reader);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    unit_close(reader);
}

static void write_full(const unit_config *config)
{
    io_fd fds[2];
    unit_poller(&poller, config);
    for (int vector = 0; vector < 2; vector++) {
        unit_pipe(fds);
        check_write_full(config, vector, fds[0], fds[1]);
        unit_unix_pair(fds, SOCK_STREAM);
        check_write_full(config, vector, fds[0], fds[1]);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* SIGPIPE would end the process of this test. */
static void write_peer_gone(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-WRITE-3");
    CLAUSE("IO-WRITE-4");
    for (int vector = 0; vector < 2; vector++) {
        unit_unix_pair(fds, SOCK_STREAM);
        unit_close(fds[1]);
        check_transfer_error(1, vector, fds[0], -EPIPE);
        check_transfer_error(1, !vector, fds[0], -EPIPE);
        unit_close(fds[0]);
        unit_tcp_pair(fds);
        CHECK(shutdown(fds[0], SHUT_WR) == 0);
        check_transfer_error(1, vector, fds[0], -EPIPE);
        unit_close_pair(fds);
        reset_pair(fds);
        check_transfer_error(1, vector, fds[0], -ECONNRESET);
        check_transfer_error(1, vector, fds[0], -EPIPE);
        unit_close(fds[0]);
    }
}

/* No promise for a pipe, where only a program that ignores the signal gets the code. */
static void write_pipe_gone(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    CLAUSE("IO-WRITE-3");
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    unit_pipe(fds);
    unit_close(fds[0]);
    check_transfer_error(1, 0, fds[1], -EPIPE);
    check_transfer_error(1, 1, fds[1], -EPIPE);
    unit_close(fds[1]);
}

static void write_too_long(const unit_config *config)
{
    static char large[70000];
    io_fd fds[2];
    io_atom atom;
    size_t len;
    (void)config;
    CLAUSE("IO-WRITE-5");
    udp_pair(fds);
    io_atom_init(&atom, fds[0], unit_note);
    for (int vector = 0; vector < 2; vector++) {
        len = STALE;
        CHECK_ERROR(write_with(vector, NULL, &atom, large, sizeof(large), &len), -EMSGSIZE);
        CHECK_EQ(len, 0);
    }
    unit_close_pair(fds);
}

/* --- closing --- */

static int is_open(io_fd fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void close_registered(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    unit_atom heir;
    unit_poller(&poller, config);
    CLAUSE("IO-CLOSE-1");
    unit_pipe(fds);
    unit_atom_init(&atom, fds[0]);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    put(fds[1], "a");
    CHECK_EQ(io_wait(&poller, 1000), 1);
    CHECK_EQ(io_close(&poller, &atom.io), 0); /* with its event pending */
    CHECK(!is_open(fds[0]));
    CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ), -ENOENT);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(atom.calls, 0);
    unit_close(fds[1]);
    /* The number is free, for the kernel and for the poller. */
    unit_pipe(fds);
    unit_atom_init(&heir, fds[0]);
    CHECK_EQ(heir.io.fd, atom.io.fd);
    CHECK_EQ(io_add(&poller, &heir.io, IO_READ), 0);
    put(fds[1], "b");
    CHECK_EQ(unit_told(&poller, &heir, 1000), IO_READ);
    CHECK_EQ(atom.calls, 0);
    CHECK_EQ(io_close(&poller, &heir.io), 0);
    unit_close(fds[1]);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void close_unregistered(const unit_config *config)
{
    io_fd fds[2];
    io_atom reader;
    io_atom writer;
    unit_poller(&poller, config);
    CLAUSE("IO-CLOSE-2");
    CLAUSE("IO-READ-8");
    unit_pipe(fds);
    io_atom_init(&reader, fds[0], unit_note);
    io_atom_init(&writer, fds[1], unit_note);
    CHECK_EQ(io_close(NULL, &reader), 0);
    CHECK(!is_open(fds[0]));
    CHECK_EQ(io_close(&poller, &writer), 0);
    CHECK(!is_open(fds[1]));
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* An atom that is not registered closes its descriptor, and no other atom's registration goes with
 * it. */
static void close_other(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    io_atom stranger;
    unit_poller(&poller, config);
    CLAUSE("IO-CLOSE-2");
    unit_pipe(fds);
    unit_atom_init(&atom, fds[0]);
    io_atom_init(&stranger, fds[1], unit_note);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(io_close(&poller, &stranger), 0);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ); /* the end */
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    unit_close(fds[0]);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void close_not_open(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    unit_poller(&poller, config);
    CLAUSE("IO-CLOSE-3");
    unit_pipe(fds);
    unit_atom_init(&atom, fds[0]);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    unit_close_pair(fds);
    CHECK_ERROR(io_close(&poller, &atom.io), -EBADF);
    CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_ERROR(io_close(&poller, &atom.io), -EBADF);
    CHECK_ERROR(io_close(NULL, &atom.io), -EBADF);
    io_atom none = {unit_note, -1};
    CHECK_ERROR(io_close(&poller, &none), -EBADF);
    CHECK_ERROR(io_close(NULL, &none), -EBADF);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void close_arguments(const unit_config *config)
{
    io_fd fds[2];
    io_atom atom;
    unit_poller(&poller, config);
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CLAUSE("IO-ERROR-5");
    unit_pipe(fds);
    io_atom_init(&atom, fds[0], unit_note);
    CHECK_ERROR(io_close(NULL, NULL), -EINVAL);
    CHECK_ERROR(io_close(&poller, NULL), -EINVAL);
    CHECK_ERROR(io_close(&poller, &atom), -EINVAL);
    CLAUSE("IO-ERROR-2");
    CHECK(is_open(fds[0]));
    unit_close_pair(fds);
}

static unit_atom pair_atoms[2];

/* Both are pending; whichever comes first closes both. */
static void close_both(io_poller *of, io_atom *atom, int flags)
{
    (void)flags;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(io_close(of, &pair_atoms[i].io), 0);
    }
    io_resolve_parent(atom, unit_atom, io)->calls++;
}

static void close_in_callback(const unit_config *config)
{
    io_fd fds[2];
    unit_poller(&poller, config);
    CLAUSE("IO-CLOSE-1");
    unit_unix_pair(fds, SOCK_STREAM);
    for (int i = 0; i < 2; i++) {
        unit_atom_init(&pair_atoms[i], fds[i]);
        pair_atoms[i].io.proc = close_both;
        CHECK_EQ(io_add(&poller, &pair_atoms[i].io, IO_WRITE), 0);
    }
    CHECK_EQ(io_wait(&poller, 1000), 2);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(pair_atoms[0].calls + pair_atoms[1].calls, 1);
    CHECK(!is_open(fds[0]) && !is_open(fds[1]));
    CHECK_EQ(io_wait(&poller, 0), 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- the atom's memory --- */

static void atom_init(const unit_config *config)
{
    static const io_fd fds[] = {-1, 0, 5000, INT_MAX, INT_MIN};
    struct {
        unsigned char before[16];
        io_atom atom;
        unsigned char after[16];
    } memory;
    unsigned char pattern[16];
    (void)config;
    CLAUSE("IO-MEM-6");
    memset(pattern, 0xa5, sizeof(pattern));
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        memset(&memory, 0xa5, sizeof(memory));
        errno = 12345;
        io_atom_init(&memory.atom, fds[i], unit_note);
        CHECK_EQ(errno, 12345); /* no call that failed on a descriptor that is not open */
        CHECK_EQ(memory.atom.fd, fds[i]);
        CHECK(memory.atom.proc == unit_note);
        CHECK_BYTES(memory.before, pattern, sizeof(pattern));
        CHECK_BYTES(memory.after, pattern, sizeof(pattern));
    }
}

static void atom_not_written(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    io_atom copy;
    char buf[8];
    size_t len;
    unit_poller(&poller, config);
    CLAUSE("IO-MEM-2");
    unit_unix_pair(fds, SOCK_STREAM);
    memset(&atom, 0xa5, sizeof(atom));
    io_atom_init(&atom.io, fds[0], unit_note);
    memcpy(&copy, &atom.io, sizeof(copy));
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ | IO_WRITE), 0);
    put(fds[1], "a");
    CHECK_EQ(io_read(&poller, &atom.io, buf, sizeof(buf), &len), 0);
    check_no_data(1, &poller, &atom.io);
    fill_with(0, &poller, &atom.io);
    CHECK_EQ(io_exhausted(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    CHECK_ERROR(io_close(&poller, &atom.io), -EBADF);
    CHECK_BYTES(&copy, &atom.io, sizeof(copy));
    unit_close(fds[1]);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- all of it --- */

#define PUMP_TOTAL (1 << 20)

static size_t pump_sent;
static size_t pump_received;
static int pump_ended;

static unsigned char pump_byte(size_t position)
{
    return (unsigned char)(position * 31 + position / 251);
}

static void pump_write(io_poller *of, io_atom *atom, int flags)
{
    unsigned char bytes[3000];
    size_t len;
    CHECK_EQ(flags, IO_WRITE);
    while (pump_sent < PUMP_TOTAL) {
        size_t size =
            sizeof(bytes) < PUMP_TOTAL - pump_sent ? sizeof(bytes) : PUMP_TOTAL - pump_sent;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = pump_byte(pump_sent + i);
        }
        int result = io_write(of, atom, bytes, size, &len);
        if (result < 0) {
            CHECK_EQ(result, -EAGAIN);
            return;
        }
        pump_sent += len;
    }
    CHECK_EQ(io_close(of, atom), 0);
}

static void pump_read(io_poller *of, io_atom *atom, int flags)
{
    unsigned char bytes[5000];
    size_t len;
    CHECK_EQ(flags, IO_READ);
    for (;;) {
        int result = io_read(of, atom, bytes, sizeof(bytes), &len);
        if (result == -EPIPE) {
            pump_ended = 1;
            CHECK_EQ(io_close(of, atom), 0);
            return;
        }
        if (result < 0) {
            CHECK_EQ(result, -EAGAIN);
            return;
        }
        for (size_t i = 0; i < len; i++) {
            CHECK_EQ(bytes[i], pump_byte(pump_received + i));
        }
        pump_received += len;
    }
}

static void to_exhaustion(const unit_config *config)
{
    CLAUSE("IO-EQUIV-1");
    unit_poller(&poller, config);
    for (int kind = 0; kind < 3; kind++) {
        io_fd fds[2];
        io_atom reader;
        io_atom writer;
        pump_sent = pump_received = 0;
        pump_ended = 0;
        if (kind == 0) {
            unit_pipe(fds);
        } else if (kind == 1) {
            unit_unix_pair(fds, SOCK_STREAM);
        } else {
            unit_tcp_pair(fds);
        }
        io_atom_init(&reader, fds[0], pump_read);
        io_atom_init(&writer, fds[1], pump_write);
        CHECK_EQ(io_add(&poller, &reader, IO_READ), 0);
        CHECK_EQ(io_add(&poller, &writer, IO_WRITE), 0);
        while (!pump_ended) {
            CHECK(io_wait(&poller, 10000) > 0); /* a stall would be a lost event */
            CHECK(io_dispatch(&poller) > 0);
        }
        CHECK_EQ(pump_received, PUMP_TOTAL);
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"read_some", "IO-READ-1", read_some, UNIT_ONCE},
        {"read_nothing", "IO-READ-2 IO-EDGE-3", read_nothing, UNIT_EACH},
        {"read_end", "IO-READ-3", read_end, UNIT_EACH},
        {"read_data_then_end", "IO-READ-3", read_data_then_end, UNIT_ONCE},
        {"read_short", "IO-READ-3", read_short, UNIT_EACH},
        {"read_fault", "IO-READ-3", read_fault, UNIT_EACH},
        {"read_datagram_end", "IO-READ-3 IO-ERROR-6", read_datagram_end, UNIT_ONCE},
        {"read_empty_datagram", "IO-READ-4", read_empty_datagram, UNIT_ONCE},
        {"read_interrupted", "IO-READ-5", read_interrupted, UNIT_ONCE},
        {"stale_errno", "IO-READ-5 IO-WRITE-5", stale_errno, UNIT_ONCE},
        {"bad_arguments", "IO-READ-6 IO-WRITE-5 IO-ERROR-2 IO-ERROR-4 IO-ERROR-5", bad_arguments,
         UNIT_EACH},
        {"long_vector", "IO-READ-1 IO-WRITE-1", long_vector, UNIT_ONCE},
        {"errors", "IO-READ-7 IO-WRITE-3 IO-WRITE-5", errors, UNIT_ONCE},
        {"reset_then_end", "IO-READ-7", reset_then_end, UNIT_ONCE},
        {"without_poller", "IO-READ-8", without_poller, UNIT_EACH},
        {"unregistered_moves_bytes", "IO-READ-8", unregistered_moves_bytes, UNIT_EACH},
        {"write_some", "IO-WRITE-1", write_some, UNIT_ONCE},
        {"write_full", "IO-WRITE-1 IO-WRITE-2 IO-EDGE-3", write_full, UNIT_EACH},
        {"write_peer_gone", "IO-WRITE-3 IO-WRITE-4", write_peer_gone, UNIT_ONCE},
        {"write_pipe_gone", "IO-WRITE-3", write_pipe_gone, UNIT_ONCE},
        {"write_interrupted", "IO-WRITE-5", write_interrupted, UNIT_ONCE},
        {"write_too_long", "IO-WRITE-5", write_too_long, UNIT_ONCE},
        {"close_registered", "IO-CLOSE-1", close_registered, UNIT_EACH},
        {"close_in_callback", "IO-CLOSE-1", close_in_callback, UNIT_EACH},
        {"close_unregistered", "IO-CLOSE-2 IO-READ-8", close_unregistered, UNIT_EACH},
        {"close_other", "IO-CLOSE-2", close_other, UNIT_EACH},
        {"close_not_open", "IO-CLOSE-3", close_not_open, UNIT_EACH},
        {"close_arguments", "IO-ERROR-2 IO-ERROR-5", close_arguments, UNIT_EACH},
        {"atom_init", "IO-MEM-6", atom_init, UNIT_ONCE},
        {"atom_not_written", "IO-MEM-2", atom_not_written, UNIT_EACH},
        {"to_exhaustion", "IO-EQUIV-1", to_exhaustion, UNIT_EACH},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
