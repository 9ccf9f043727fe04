/* io_socket_listen, io_socket_accept, io_socket_connect. */
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Where the tests of a family listen; the kernel chooses the port. */
static const char *const streams[] = {"127.0.0.1:0", "[::1]:0", "unix:listener"};
static const char *const datagrams[] = {"udp:127.0.0.1:0", "udp:[::1]:0", "unix-dgram:listener"};

#define IPV4 0
#define IPV6 1
#define UNIX 2
#define INTEREST 15 /* all flags of an interest */

static io_poller poller; /* a process for each test: always a fresh one */

/* 1 if this machine has ::1. */
static int has_ipv6(void)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
    if (fd >= 0) {
        unit_close(fd);
    }
    return result;
}

/* Skips the test of a family that is not there; each family has a test of its own for that. */
static void need_ipv6(int kind)
{
    if (kind == IPV6 && !has_ipv6()) {
        SKIP("this machine has no ::1");
    }
}

/* A listener (or a bound datagram socket) of the family; the result is the address to connect to.
 */
static io_address listen_at(unit_atom *atom, const char *spec)
{
    io_address local = unit_address(spec);
    unit_atom_init(atom, -1);
    CHECK_EQ(io_socket_listen(&poller, &atom->io, unit_note, &local, 0), 0);
    if (strncmp(spec, "unix", 4) == 0) {
        return local;
    }
    return unit_local_address(atom->io.fd, local.type);
}

static void check_prepared(const io_atom *atom, io_proc proc)
{
    CHECK(atom->proc == proc);
    CHECK(atom->fd >= 0);
    CHECK((fcntl(atom->fd, F_GETFL) & O_NONBLOCK) != 0);
    CLAUSE("IO-INIT-9");
    CHECK((fcntl(atom->fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static int socket_option(io_fd fd, int option)
{
    int value = -1;
    socklen_t length = sizeof(value);
    CHECK(getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0);
    return value;
}

/* A blocking client of a listener, made with the kernel's own calls. */
static io_fd client_of(const io_address *address)
{
    int family = ((const struct sockaddr *)(const void *)address->sockaddr.bytes)->sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)(const void *)address->sockaddr.bytes,
                  address->length) == 0);
    return fd;
}

static void accept_one(unit_atom *atom, unit_atom *listener, int flags)
{
    unit_atom_init(atom, -1);
    unit_ready(listener->io.fd, POLLIN);
    CHECK_EQ(io_socket_accept(&poller, &atom->io, unit_note, flags, &listener->io, NULL), 0);
}

static void close_atom(unit_atom *atom)
{
    CHECK_EQ(io_close(&poller, &atom->io), 0);
}

static void dispose(void)
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- listening --- */

static void check_listen(const char *spec, int type)
{
    unit_atom atom;
    io_fd client;
    io_address address = listen_at(&atom, spec);
    CLAUSE("IO-SOCKET-1");
    check_prepared(&atom.io, unit_note);
    CLAUSE("IO-SOCKET-1");
    CHECK_EQ(socket_option(atom.io.fd, SO_TYPE), type);
    CHECK_EQ(socket_option(atom.io.fd, SO_ACCEPTCONN), type == SOCK_STREAM);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    if (type == SOCK_STREAM) {
        client = client_of(&address);
    } else {
        int family = socket_option(atom.io.fd, SO_DOMAIN);
        client = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        CHECK_EQ(sendto(client, "x", 1, 0, (struct sockaddr *)(void *)address.sockaddr.bytes,
                        address.length),
                 1);
    }
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_READ);
    CHECK_EQ(io_set(&poller, &atom.io, 0), 0); /* registered by the address that was passed */
    close_atom(&atom);
    unit_close(client);
}

static void listen_ipv4(const unit_config *config)
{
    unit_poller(&poller, config);
    check_listen("127.0.0.1:0", SOCK_STREAM);
    check_listen("udp:127.0.0.1:0", SOCK_DGRAM);
    dispose();
}

static void listen_ipv6(const unit_config *config)
{
    need_ipv6(IPV6);
    unit_poller(&poller, config);
    check_listen("[::1]:0", SOCK_STREAM);
    check_listen("udp:[::1]:0", SOCK_DGRAM);
    dispose();
}

static void listen_unix(const unit_config *config)
{
    unit_poller(&poller, config);
    check_listen("unix:a", SOCK_STREAM);
    check_listen("unix-dgram:b", SOCK_DGRAM);
    dispose();
}

/* --- accepting --- */

static void check_accept(const char *spec)
{
    unit_atom listener;
    unit_atom atom;
    io_address remote;
    io_address address = listen_at(&listener, spec);
    io_fd client = client_of(&address);
    io_address expected = unit_local_address(client, IO_STREAM);
    CLAUSE("IO-SOCKET-2");
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    memset(&remote, 0xa5, sizeof(remote));
    unit_atom_init(&atom, -1);
    CHECK_EQ(
        io_socket_accept(&poller, &atom.io, unit_note, IO_READ | IO_WRITE, &listener.io, &remote),
        0);
    check_prepared(&atom.io, unit_note);
    CLAUSE("IO-SOCKET-2");
    CHECK_EQ(remote.type, IO_STREAM);
    CHECK_EQ(remote.length, expected.length);
    CHECK_BYTES(&remote, &expected, sizeof(remote));
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    CHECK_EQ(write(client, "x", 1), 1);
    unit_ready(atom.io.fd, POLLIN);
    CHECK((unit_told(&poller, &atom, 1000) & IO_READ) != 0);
    close_atom(&atom);
    unit_close(client);
    /* With no interest it is silent until io_set. */
    client = client_of(&address);
    accept_one(&atom, &listener, 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    close_atom(&atom);
    close_atom(&listener);
    unit_close(client);
}

static void accept_ipv4(const unit_config *config)
{
    unit_poller(&poller, config);
    check_accept("127.0.0.1:0");
    dispose();
}

static void accept_ipv6(const unit_config *config)
{
    need_ipv6(IPV6);
    unit_poller(&poller, config);
    check_accept("[::1]:0");
    dispose();
}

static void accept_unix(const unit_config *config)
{
    unit_poller(&poller, config);
    check_accept("unix:a");
    dispose();
}

/* All flags of an interest are taken; the one-shot acts. */
static void accept_oneshot(const unit_config *config)
{
    unit_atom listener;
    unit_atom atom;
    unit_poller(&poller, config);
    io_address address = listen_at(&listener, "127.0.0.1:0");
    io_fd client = client_of(&address);
    CLAUSE("IO-SOCKET-2");
    accept_one(&atom, &listener, INTEREST);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    CHECK_EQ(write(client, "x", 1), 1);
    unit_ready(atom.io.fd, POLLIN);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    close_atom(&atom);
    close_atom(&listener);
    unit_close(client);
    dispose();
}

/* One connection after another comes out, in order, until -EAGAIN. */
static void accept_all(const unit_config *config)
{
    enum { COUNT = 5 };
    unit_atom listener;
    unit_atom atoms[COUNT + 1];
    io_fd clients[COUNT];
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-2");
    io_address address = listen_at(&listener, "127.0.0.1:0");
    for (int i = 0; i < COUNT; i++) {
        clients[i] = client_of(&address);
    }
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    for (int i = 0; i < COUNT; i++) {
        char byte = (char)('a' + i);
        char got = 0;
        size_t len;
        accept_one(&atoms[i], &listener, IO_READ);
        CHECK_EQ(write(clients[i], &byte, 1), 1);
        unit_ready(atoms[i].io.fd, POLLIN);
        CHECK_EQ(io_read(&poller, &atoms[i].io, &got, 1, &len), 0);
        CHECK_EQ(got, byte);
    }
    CLAUSE("IO-SOCKET-3");
    CHECK_ERROR(io_socket_accept(&poller, &atoms[COUNT].io, unit_note, IO_READ, &listener.io, NULL),
                -EAGAIN);
    for (int i = 0; i < COUNT; i++) {
        close_atom(&atoms[i]);
        unit_close(clients[i]);
    }
    close_atom(&listener);
    dispose();
}

/* EAGAIN is noted, and nothing else is: emulated edge holds a told flag back until then. */
static void accept_nothing(const unit_config *config)
{
    unit_atom listener;
    unit_atom atoms[3];
    io_atom none;
    io_fd clients[3];
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-3");
    io_address address = listen_at(&listener, "127.0.0.1:0");
    errno = EINTR;
    CHECK_EQ(io_socket_accept(&poller, &none, unit_note, IO_READ, &listener.io, NULL), -EAGAIN);
    CHECK_EQ(errno, EAGAIN);
    clients[0] = client_of(&address);
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    accept_one(&atoms[0], &listener, 0);
    clients[1] = client_of(&address);
    unit_ready(listener.io.fd, POLLIN);
    if (unit_is_emulated(config)) {
        CLAUSE("IO-EDGE-3");
        CHECK_EQ(unit_told(&poller, &listener, 0), 0);
    }
    accept_one(&atoms[1], &listener, 0);
    CLAUSE("IO-SOCKET-3");
    CHECK_ERROR(io_socket_accept(&poller, &none, unit_note, IO_READ, &listener.io, NULL), -EAGAIN);
    clients[2] = client_of(&address);
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    accept_one(&atoms[2], &listener, 0);
    for (int i = 0; i < 3; i++) {
        close_atom(&atoms[i]);
        unit_close(clients[i]);
    }
    close_atom(&listener);
    dispose();
}

/* A listener that is not registered, or registered elsewhere, works the same. */
static void accept_stranger(const unit_config *config)
{
    unit_atom listener;
    unit_atom atom;
    io_atom stranger;
    unit_poller(&poller, config);
    io_address address = listen_at(&listener, "127.0.0.1:0");
    io_atom_init(&stranger, listener.io.fd, unit_note);
    io_fd client = client_of(&address);
    CLAUSE("IO-SOCKET-2");
    unit_ready(listener.io.fd, POLLIN);
    unit_atom_init(&atom, -1);
    CHECK_EQ(io_socket_accept(&poller, &atom.io, unit_note, IO_WRITE, &stranger, NULL), 0);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    close_atom(&atom);
    CLAUSE("IO-SOCKET-3");
    CHECK_ERROR(io_socket_accept(&poller, &atom.io, unit_note, IO_WRITE, &stranger, NULL), -EAGAIN);
    close_atom(&listener);
    unit_close(client);
    dispose();
}

static volatile sig_atomic_t signals;
static io_address signal_address;
static io_fd signal_client;

static void connect_at_third(int signal)
{
    (void)signal;
    if (++signals == 3) {
        signal_client = client_of(&signal_address);
    }
}

/* A blocking listener, so that a signal can come while accept waits. */
static void accept_interrupted(const unit_config *config)
{
    NEEDS_KERNEL("signals from a timer");
    unit_atom listener;
    unit_atom atom;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-2");
    signal_address = listen_at(&listener, "127.0.0.1:0");
    unit_nonblock(listener.io.fd, 0);
    unit_signals_start(connect_at_third, 5);
    unit_atom_init(&atom, -1);
    int result = io_socket_accept(&poller, &atom.io, unit_note, IO_READ, &listener.io, NULL);
    unit_signals_stop();
    CHECK_EQ(result, 0);
    CHECK(signals >= 3);
    check_prepared(&atom.io, unit_note);
    close_atom(&atom);
    close_atom(&listener);
    unit_close(signal_client);
    dispose();
}

/* --- at the limit of descriptors --- */

static struct rlimit limit_before;

/* No further descriptor can be opened. */
static void limit_descriptors(void)
{
    int next = fcntl(0, F_DUPFD_CLOEXEC, 3); /* the lowest free number */
    CHECK(next >= 0);
    unit_close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit_before) == 0);
    struct rlimit limit = limit_before;
    limit.rlim_cur = (rlim_t)next;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void restore_descriptors(void)
{
    CHECK(setrlimit(RLIMIT_NOFILE, &limit_before) == 0);
}

static void accept_limit(const unit_config *config)
{
    unit_atom listener;
    unit_atom atom;
    io_address remote;
    io_address remote_before;
    unit_poller(&poller, config);
    io_address address = listen_at(&listener, "127.0.0.1:0");
    io_fd client = client_of(&address);
    memset(&remote, 0xa5, sizeof(remote));
    remote_before = remote;
    unit_atom_init(&atom, -7);
    unit_atom before = atom;
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    limit_descriptors();
    for (int i = 0; i < 3; i++) {
        CLAUSE("IO-SOCKET-4");
        CHECK_ERROR(io_socket_accept(&poller, &atom.io, unit_note, IO_WRITE, &listener.io, &remote),
                    -EMFILE);
        CLAUSE("IO-SOCKET-6");
        CHECK_BYTES(&atom, &before, sizeof(atom));
        CHECK_BYTES(&remote, &remote_before, sizeof(remote));
    }
    CLAUSE("IO-SOCKET-4");
    if (unit_is_emulated(config)) { /* -EMFILE is not exhaustion */
        CHECK_EQ(unit_told(&poller, &listener, 0), 0);
    }
    CHECK_EQ(io_set(&poller, &listener.io, IO_READ), 0);
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    restore_descriptors();
    CHECK_EQ(io_set(&poller, &listener.io, IO_READ), 0);
    CHECK_EQ(unit_told(&poller, &listener, 1000), IO_READ);
    CHECK_EQ(io_socket_accept(&poller, &atom.io, unit_note, IO_WRITE, &listener.io, &remote), 0);
    CHECK_EQ(unit_told(&poller, &atom, 1000), IO_WRITE);
    /* With no connection waiting it is not a matter of descriptors. */
    CLAUSE("IO-SOCKET-3");
    limit_descriptors();
    io_atom none;
    CHECK_ERROR(io_socket_accept(&poller, &none, unit_note, IO_WRITE, &listener.io, NULL), -EAGAIN);
    restore_descriptors();
    close_atom(&atom);
    close_atom(&listener);
    unit_close(client);
    dispose();
}

/* --- connecting --- */

/* A TCP address that nobody listens at: bound, so that nobody else gets it either. */
static io_fd silent_port(io_address *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
    *address = unit_local_address(fd, IO_STREAM);
    return fd;
}

static void check_connect(const char *spec)
{
    unit_atom listener;
    unit_atom atom;
    unit_atom peer;
    size_t len;
    char buf[8];
    io_address address = listen_at(&listener, spec);
    CLAUSE("IO-SOCKET-5");
    unit_atom_init(&atom, -1);
    CHECK_EQ(io_socket_connect(&poller, &atom.io, unit_note, &address, IO_WRITE), 0);
    check_prepared(&atom.io, unit_note);
    CLAUSE("IO-SOCKET-5");
    unit_await(&poller, &atom, IO_WRITE);
    accept_one(&peer, &listener, IO_READ);
    CHECK_EQ(io_write(&poller, &atom.io, "hi", 2, &len), 0);
    unit_await(&poller, &peer, IO_READ);
    CHECK_EQ(io_read(&poller, &peer.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 2);
    close_atom(&atom);
    close_atom(&peer);
    /* With no interest, silent. */
    CHECK_EQ(io_socket_connect(&poller, &atom.io, unit_note, &address, 0), 0);
    CHECK_EQ(unit_told(&poller, &atom, 20), 0);
    close_atom(&atom);
    close_atom(&listener);
}

static void connect_ipv4(const unit_config *config)
{
    unit_poller(&poller, config);
    check_connect("127.0.0.1:0");
    dispose();
}

static void connect_ipv6(const unit_config *config)
{
    need_ipv6(IPV6);
    unit_poller(&poller, config);
    check_connect("[::1]:0");
    dispose();
}

static void connect_unix(const unit_config *config)
{
    unit_poller(&poller, config);
    check_connect("unix:a");
    dispose();
}

static void connect_refused(const unit_config *config)
{
    io_address address;
    unit_poller(&poller, config);
    io_fd silent = silent_port(&address);
    CLAUSE("IO-SOCKET-5");
    for (int writes = 0; writes < 2; writes++) {
        unit_atom atom;
        char buf[8] = {0};
        size_t len = 99;
        unit_atom_init(&atom, -1);
        CHECK_EQ(io_socket_connect(&poller, &atom.io, unit_note, &address, IO_WRITE), 0);
        unit_await(&poller, &atom, IO_WRITE);
        CHECK_ERROR(writes ? io_write(&poller, &atom.io, buf, sizeof(buf), &len)
                           : io_read(&poller, &atom.io, buf, sizeof(buf), &len),
                    -ECONNREFUSED);
        CHECK_EQ(len, 0);
        close_atom(&atom);
    }
    unit_close(silent);
    dispose();
}

static long long now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A listener whose queue is full answers nothing: a connect that blocked would do so for a minute.
 */
static void connect_never_blocks(const unit_config *config)
{
    enum { COUNT = 8 };
    unit_atom atoms[COUNT];
    io_address address;
    int waiting = 0;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-5");
    io_fd listener = silent_port(&address);
    CHECK(listen(listener, 0) == 0);
    long long start = now_ms();
    for (int i = 0; i < COUNT; i++) {
        unit_atom_init(&atoms[i], -1);
        CHECK_EQ(io_socket_connect(&poller, &atoms[i].io, unit_note, &address, IO_WRITE), 0);
    }
    CHECK(now_ms() - start < 500);
    CHECK(io_wait(&poller, 20) >= 0);
    CHECK(io_dispatch(&poller) >= 0);
    for (int i = 0; i < COUNT; i++) {
        waiting += atoms[i].calls == 0;
        close_atom(&atoms[i]);
    }
    CHECK(waiting > 0); /* some are still on their way */
    unit_close(listener);
    dispose();
}

static void connect_unix_full(const unit_config *config)
{
    io_address address = unit_address("unix:full");
    unit_atom atom;
    io_fd clients[16];
    int count = 0;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-6");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)(void *)address.sockaddr.bytes, address.length) == 0);
    CHECK(listen(listener, 0) == 0);
    for (; count < 16; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        CHECK(clients[count] >= 0);
        if (connect(clients[count], (struct sockaddr *)(void *)address.sockaddr.bytes,
                    address.length) != 0) {
            CHECK_EQ(errno, EAGAIN);
            break;
        }
    }
    CHECK(count < 16);
    unit_atom_init(&atom, -7);
    unit_atom before = atom;
    CHECK_ERROR(io_socket_connect(&poller, &atom.io, unit_note, &address, IO_WRITE), -EAGAIN);
    CHECK_BYTES(&atom, &before, sizeof(atom));
    for (int i = 0; i <= count; i++) {
        unit_close(clients[i]);
    }
    unit_close(listener);
    dispose();
}

/* --- failures --- */

/* One of the three calls must fail so, and leave the atom and the number of descriptors as they
 * were. */
#define CHECK_UNTOUCHED(call, code)                                                                \
    do {                                                                                           \
        int open_before = unit_fd_count();                                                         \
        memset(&atom, 0xa5, sizeof(atom));                                                         \
        memset(&pattern, 0xa5, sizeof(pattern));                                                   \
        CHECK_ERROR(call, code);                                                                   \
        CHECK_BYTES(&atom, &pattern, sizeof(atom));                                                \
        CHECK_EQ(unit_fd_count(), open_before);                                                    \
    } while (0)

static void check_listen_fails(const char *spec, int options, int code)
{
    io_address address = unit_address(spec);
    io_atom atom;
    io_atom pattern;
    CHECK_UNTOUCHED(io_socket_listen(&poller, &atom, unit_note, &address, options), code);
}

static void check_connect_fails(const char *spec, int code)
{
    io_address address = unit_address(spec);
    io_atom atom;
    io_atom pattern;
    CHECK_UNTOUCHED(io_socket_connect(&poller, &atom, unit_note, &address, IO_READ), code);
}

static void check_accept_fails(io_fd fd, int code)
{
    io_atom listener = {unit_note, fd};
    io_atom atom;
    io_atom pattern;
    io_address remote;
    io_address remote_before;
    memset(&remote, 0xa5, sizeof(remote));
    memset(&remote_before, 0xa5, sizeof(remote));
    CHECK_UNTOUCHED(io_socket_accept(&poller, &atom, unit_note, IO_READ, &listener, &remote), code);
    CHECK_BYTES(&remote, &remote_before, sizeof(remote));
}

static void failures(const unit_config *config)
{
    NEEDS_KERNEL("folders");
    unit_atom held;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-6");
    check_listen_fails("unix:missing/x", 0, -ENOENT);
    check_listen_fails("192.0.2.1:0", 0, -EADDRNOTAVAIL); /* a network for examples: nobody's */
    check_listen_fails("udp:192.0.2.1:0", 0, -EADDRNOTAVAIL);
    check_connect_fails("unix:missing", -ENOENT);
    check_connect_fails("unix-dgram:missing", -ENOENT);
    listen_at(&held, "unix:held");
    check_listen_fails("unix:held", 0, -EADDRINUSE);
    check_listen_fails("unix:held", IO_LISTEN_REUSEPORT, -EADDRINUSE);
    check_connect_fails("unix-dgram:held", -EPROTOTYPE);
    close_atom(&held);
    check_connect_fails("unix:held", -ECONNREFUSED); /* the file is there, and nobody listens */
    check_listen_fails("unix:held", 0, -EADDRINUSE); /* a file that was there before stays */
    CHECK(access("held", F_OK) == 0);
    check_connect_fails("udp:255.255.255.255:9", -EACCES); /* broadcast needs an option */
    check_accept_fails(-1, -EBADF);
    check_accept_fails(1000, -EBADF);
    io_fd fds[2];
    unit_pipe(fds);
    check_accept_fails(fds[0], -ENOTSOCK);
    unit_close_pair(fds);
    unit_tcp_pair(fds);
    check_accept_fails(fds[0], -EINVAL); /* does not listen */
    unit_close_pair(fds);
    dispose();
}

static void failures_at_limit(const unit_config *config)
{
    io_address local = unit_address("127.0.0.1:0");
    io_address path = unit_address("unix:limit");
    io_atom atom;
    io_atom before;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-6");
    memset(&atom, 0xa5, sizeof(atom));
    memcpy(&before, &atom, sizeof(atom));
    limit_descriptors();
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, &local, 0), -EMFILE);
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, &path, 0), -EMFILE);
    CHECK_ERROR(io_socket_connect(&poller, &atom, unit_note, &local, 0), -EMFILE);
    restore_descriptors();
    CHECK_BYTES(&atom, &before, sizeof(atom));
    CHECK(access("limit", F_OK) != 0);
    dispose();
}

/* io_add fails after the kernel's calls have succeeded: the descriptor is beyond the poller's
 * table. */
static void failures_of_add(const unit_config *config)
{
    static uint64_t storage[128];
    io_address local = unit_address("127.0.0.1:0");
    io_fd low[8];
    size_t size = io_poller_storage_size(config->types, 8);
    CHECK(size > 0 && size <= sizeof(storage));
    int result = io_poller_init_in(&poller, config->types, storage, size);
    if (result == -ENOSYS) {
        SKIP("the backend is not compiled in");
    }
    CHECK_EQ(result, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)(void *)local.sockaddr.bytes, local.length) == 0);
    CHECK(listen(listener, 8) == 0);
    io_address address = unit_local_address(listener, IO_STREAM);
    io_fd client = client_of(&address);
    for (int i = 0; i < 8; i++) { /* take the numbers that have a place */
        low[i] = fcntl(listener, F_DUPFD_CLOEXEC, 0);
        CHECK(low[i] >= 0);
    }
    CLAUSE("IO-SOCKET-6");
    check_listen_fails("127.0.0.1:0", 0, -ERANGE);
    check_listen_fails("udp:127.0.0.1:0", 0, -ERANGE);
    check_listen_fails("unix:range", 0, -ERANGE);
    CHECK(access("range", F_OK) != 0); /* no file is left of the bind that was undone */
    check_listen_fails("unix-dgram:range", 0, -ERANGE);
    CHECK(access("range", F_OK) != 0);
    io_atom atom;
    io_atom pattern;
    CHECK_UNTOUCHED(io_socket_connect(&poller, &atom, unit_note, &address, IO_READ), -ERANGE);
    unit_ready(listener, POLLIN);
    check_accept_fails(listener, -ERANGE);
    for (int i = 0; i < 8; i++) {
        unit_close(low[i]);
    }
    unit_close(client);
    unit_close(listener);
    dispose();
}

/* --- families --- */

static void check_stream(const char *spec)
{
    unit_atom listener;
    unit_atom client;
    unit_atom server;
    io_address remote;
    char buf[8];
    size_t len;
    io_address address = listen_at(&listener, spec);
    unit_atom_init(&client, -1);
    unit_atom_init(&server, -1);
    CHECK_EQ(io_socket_connect(&poller, &client.io, unit_note, &address, IO_READ), 0);
    unit_await(&poller, &listener, IO_READ);
    CHECK_EQ(io_socket_accept(&poller, &server.io, unit_note, IO_READ, &listener.io, &remote), 0);
    CHECK_EQ(remote.type, IO_STREAM);
    CHECK_EQ(io_write(&poller, &server.io, "down", 4, &len), 0);
    unit_await(&poller, &client, IO_READ);
    CHECK_EQ(io_read(&poller, &client.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 4);
    CHECK_EQ(io_write(&poller, &client.io, "up", 2, &len), 0);
    unit_await(&poller, &server, IO_READ);
    CHECK_EQ(io_read(&poller, &server.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 2);
    close_atom(&client);
    CHECK_EQ(io_set(&poller, &server.io, IO_READ), 0);
    unit_await(&poller, &server, IO_READ);
    CHECK_ERROR(io_read(&poller, &server.io, buf, sizeof(buf), &len), -EPIPE);
    close_atom(&server);
    close_atom(&listener);
    (void)unlink("listener");
}

static void check_datagram(const char *spec)
{
    unit_atom receiver;
    unit_atom sender;
    char buf[8];
    size_t len = 99;
    io_address address = listen_at(&receiver, spec);
    unit_atom_init(&sender, -1);
    CHECK_EQ(io_socket_connect(&poller, &sender.io, unit_note, &address, IO_WRITE), 0);
    unit_await(&poller, &sender, IO_WRITE);
    CHECK_EQ(send(sender.io.fd, "", 0, 0), 0);
    CHECK_EQ(io_write(&poller, &sender.io, "gram", 4, &len), 0);
    unit_await(&poller, &receiver, IO_READ);
    CHECK_EQ(io_read(&poller, &receiver.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 0); /* an empty one, and no end */
    unit_ready(receiver.io.fd, POLLIN);
    CHECK_EQ(io_read(&poller, &receiver.io, buf, sizeof(buf), &len), 0);
    CHECK_EQ(len, 4);
    CHECK_BYTES(buf, "gram", 4);
    CHECK_ERROR(io_read(&poller, &receiver.io, buf, sizeof(buf), &len), -EAGAIN);
    close_atom(&sender);
    close_atom(&receiver);
    (void)unlink("listener");
}

static void check_family(const unit_config *config, int kind)
{
    need_ipv6(kind);
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-7");
    check_stream(streams[kind]);
    check_datagram(datagrams[kind]);
    dispose();
}

static void family_ipv4(const unit_config *config)
{
    check_family(config, IPV4);
}

static void family_ipv6(const unit_config *config)
{
    check_family(config, IPV6);
}

static void family_unix(const unit_config *config)
{
    check_family(config, UNIX);
}

/* A path that fills sun_path, with no zero after it: made by hand, io_parse_address has one byte
 * less. */
static void family_full_path(const unit_config *config)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    io_address address;
    unit_atom listener;
    unit_atom client;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-7");
    memset(un.sun_path, 'f', sizeof(un.sun_path));
    memset(&address, 0, sizeof(address));
    memcpy(address.sockaddr.bytes, &un, sizeof(un));
    address.length = sizeof(un);
    unit_atom_init(&listener, -1);
    unit_atom_init(&client, -1);
    CHECK_EQ(io_socket_listen(&poller, &listener.io, unit_note, &address, 0), 0);
    CHECK_EQ(io_socket_connect(&poller, &client.io, unit_note, &address, IO_WRITE), 0);
    unit_await(&poller, &client, IO_WRITE);
    close_atom(&client);
    close_atom(&listener);
    dispose();
}

/* --- arguments --- */

/* Refused by both that take an address, before anything is opened. */
static void check_malformed(const io_address *address)
{
    io_atom atom;
    io_atom pattern;
    CHECK_UNTOUCHED(io_socket_listen(&poller, &atom, unit_note, address, 0), -EINVAL);
    CHECK_UNTOUCHED(io_socket_connect(&poller, &atom, unit_note, address, IO_READ), -EINVAL);
    limit_descriptors(); /* had anything been opened first, the code would be another */
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, address, 0), -EINVAL);
    CHECK_ERROR(io_socket_connect(&poller, &atom, unit_note, address, IO_READ), -EINVAL);
    restore_descriptors();
}

static void check_malformed_length(const char *spec)
{
    static const uint32_t wrong[] = {0, 1, 2, 3, 15, 17, 27, 29, 111, 128, 129, 4096, UINT32_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        io_address address = unit_address(spec);
        address.length = wrong[i];
        check_malformed(&address);
    }
    for (int type = -1; type < 4; type++) {
        io_address address = unit_address(spec);
        address.type = type;
        if (type != IO_STREAM && type != IO_DATAGRAM) {
            check_malformed(&address);
        }
    }
}

static void malformed_addresses(const unit_config *config)
{
    static const sa_family_t unknown[] = {AF_UNSPEC, AF_NETLINK, AF_PACKET, 0xffff};
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-8");
    check_malformed(NULL);
    check_malformed_length("127.0.0.1:0");
    check_malformed_length("[::1]:0");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        io_address address = unit_address("127.0.0.1:0");
        memcpy(address.sockaddr.bytes, &unknown[i], sizeof(unknown[i]));
        check_malformed(&address);
    }
    io_address path = unit_address("unix:path");
    const uint32_t full = path.length;
    path.length = full - 1; /* no zero at its end, nor is it full */
    check_malformed(&path);
    path.length = offsetof(struct sockaddr_un, sun_path); /* no path at all */
    check_malformed(&path);
    path.length = sizeof(struct sockaddr_un) + 1;
    check_malformed(&path);
    path.length = full;
    path.sockaddr.bytes[offsetof(struct sockaddr_un, sun_path)] = 0; /* an empty path */
    check_malformed(&path);
    path.length = offsetof(struct sockaddr_un, sun_path) + 1;
    check_malformed(&path);
    CHECK(access("path", F_OK) != 0);
    dispose();
}

static void check_null(io_poller *of, const io_address *address, io_atom *listener)
{
    io_atom atom;
    io_atom pattern;
    CHECK_UNTOUCHED(io_socket_listen(of, &atom, unit_note, address, 0), -EINVAL);
    CHECK_UNTOUCHED(io_socket_accept(of, &atom, unit_note, IO_READ, listener, NULL), -EINVAL);
    CHECK_UNTOUCHED(io_socket_connect(of, &atom, unit_note, address, IO_READ), -EINVAL);
}

static void bad_arguments(const unit_config *config)
{
    static const int wrong_flags[] = {16, -1, IO_READ | 32, 1 << 30};
    static const int wrong_options[] = {4, -1, IO_LISTEN_REUSEPORT | 8, 1 << 30};
    static io_poller disposed;
    unit_atom listener;
    io_atom atom;
    io_atom pattern;
    unit_poller(&poller, config);
    unit_poller(&disposed, config);
    CHECK_EQ(io_poller_dispose(&disposed), 0);
    io_address address = listen_at(&listener, "127.0.0.1:0");
    io_fd client = client_of(&address);
    unit_ready(listener.io.fd, POLLIN);
    CLAUSE("IO-ERROR-5");
    check_null(NULL, &address, &listener.io);
    check_null(&disposed, &address, &listener.io);
    CHECK_ERROR(io_socket_listen(&poller, NULL, unit_note, &address, 0), -EINVAL);
    CHECK_ERROR(io_socket_accept(&poller, NULL, unit_note, IO_READ, &listener.io, NULL), -EINVAL);
    CHECK_ERROR(io_socket_connect(&poller, NULL, unit_note, &address, IO_READ), -EINVAL);
    CHECK_UNTOUCHED(io_socket_accept(&poller, &atom, unit_note, IO_READ, NULL, NULL), -EINVAL);
    CLAUSE("IO-SOCKET-8");
    CHECK_UNTOUCHED(io_socket_listen(&poller, &atom, NULL, &address, 0), -EINVAL);
    CHECK_UNTOUCHED(io_socket_accept(&poller, &atom, NULL, IO_READ, &listener.io, NULL), -EINVAL);
    CHECK_UNTOUCHED(io_socket_connect(&poller, &atom, NULL, &address, IO_READ), -EINVAL);
    for (int i = 0; i < 4; i++) {
        CHECK_UNTOUCHED(io_socket_listen(&poller, &atom, unit_note, &address, wrong_options[i]),
                        -EINVAL);
        CHECK_UNTOUCHED(
            io_socket_accept(&poller, &atom, unit_note, wrong_flags[i], &listener.io, NULL),
            -EINVAL);
        CHECK_UNTOUCHED(io_socket_connect(&poller, &atom, unit_note, &address, wrong_flags[i]),
                        -EINVAL);
    }
    CLAUSE("IO-ERROR-4"); /* a wrong argument comes before what the kernel would say */
    io_atom closed = {unit_note, -1};
    CHECK_UNTOUCHED(io_socket_accept(&poller, &atom, unit_note, 16, &closed, NULL), -EINVAL);
    CLAUSE("IO-ERROR-2"); /* none of them took the connection */
    unit_ready(listener.io.fd, POLLIN);
    unit_close(client);
    close_atom(&listener);
    dispose();
}

/* --- the address of a listener --- */

static int listen_with(unit_atom *atom, const io_address *address, int options)
{
    unit_atom_init(atom, -1);
    return io_socket_listen(&poller, &atom->io, unit_note, address, options);
}

/* The side that closes first keeps the connection in TIME_WAIT, which would block the port. */
static void check_listen_again(int kind)
{
    unit_atom listener;
    unit_atom server;
    char buf[1];
    io_address address = listen_at(&listener, streams[kind]);
    io_fd client = client_of(&address);
    accept_one(&server, &listener, 0);
    close_atom(&server);
    CHECK_EQ(read(client, buf, 1), 0);
    unit_close(client);
    close_atom(&listener);
    CHECK_EQ(listen_with(&listener, &address, 0), 0);
    close_atom(&listener);
}

static void check_in_use(int kind)
{
    unit_atom first;
    unit_atom second;
    io_address address = listen_at(&first, streams[kind]);
    CHECK_ERROR(listen_with(&second, &address, 0), -EADDRINUSE);
    close_atom(&first);
}

static void check_shared(const unit_config *config, int kind)
{
    unit_atom first;
    unit_atom second;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-9");
    io_address address = listen_at(&first, streams[kind]);
    CHECK_ERROR(listen_with(&second, &address, IO_LISTEN_REUSEPORT), -EADDRINUSE);
    close_atom(&first);
    CHECK_EQ(listen_with(&first, &address, IO_LISTEN_REUSEPORT), 0);
    CHECK_ERROR(listen_with(&second, &address, 0), -EADDRINUSE);
    CHECK_EQ(listen_with(&second, &address, IO_LISTEN_REUSEPORT), 0);
    close_atom(&second);
    close_atom(&first);
    dispose();
}

static void check_reuse(const unit_config *config, int kind)
{
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-9");
    check_listen_again(kind);
    check_in_use(kind);
    dispose();
}

static void reuse_ipv4(const unit_config *config)
{
    check_reuse(config, IPV4);
}

static void reuse_ipv6(const unit_config *config)
{
    need_ipv6(IPV6);
    check_reuse(config, IPV6);
}

static void share_ipv4(const unit_config *config)
{
    check_shared(config, IPV4);
}

static void share_ipv6(const unit_config *config)
{
    need_ipv6(IPV6);
    check_shared(config, IPV6);
}

/* Datagram sockets don't share an address unasked. */
static void reuse_datagram(const unit_config *config)
{
    unit_atom first;
    unit_atom second;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-9");
    io_address address = listen_at(&first, "udp:127.0.0.1:0");
    CHECK_ERROR(listen_with(&second, &address, 0), -EADDRINUSE);
    close_atom(&first);
    CHECK_EQ(listen_with(&first, &address, IO_LISTEN_REUSEPORT), 0);
    CHECK_EQ(listen_with(&second, &address, IO_LISTEN_REUSEPORT), 0);
    close_atom(&second);
    close_atom(&first);
    dispose();
}

static void dual_stack(const unit_config *config)
{
    char spec[32];
    unit_atom listener;
    unit_atom client;
    unit_atom server;
    char buf[8];
    size_t len;
    need_ipv6(IPV6);
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-9");
    for (int dual = 0; dual < 2; dual++) {
        io_address any = unit_address("[::]:0");
        struct sockaddr_in6 in6;
        CHECK_EQ(listen_with(&listener, &any, dual ? IO_LISTEN_DUALSTACK : 0), 0);
        any = unit_local_address(listener.io.fd, IO_STREAM);
        memcpy(&in6, any.sockaddr.bytes, sizeof(in6));
        snprintf(spec, sizeof(spec), "127.0.0.1:%d", ntohs(in6.sin6_port));
        io_address four = unit_address(spec);
        unit_atom_init(&client, -1);
        CHECK_EQ(io_socket_connect(&poller, &client.io, unit_note, &four, IO_WRITE), 0);
        unit_await(&poller, &client, IO_WRITE);
        if (dual) {
            accept_one(&server, &listener, 0);
            close_atom(&server);
        } else {
            CHECK_ERROR(io_read(&poller, &client.io, buf, sizeof(buf), &len), -ECONNREFUSED);
        }
        close_atom(&client);
        close_atom(&listener);
    }
    dispose();
}

/* --- inside callbacks --- */

static unit_atom echo_server;
static unit_atom echo_client;
static unit_atom echo_second;
static io_address echo_address;
static int echo_done;

static void echo_serve(io_poller *of, io_atom *atom, int flags)
{
    char buf[16];
    size_t len;
    CHECK_EQ(flags, IO_READ);
    while (io_read(of, atom, buf, sizeof(buf), &len) == 0) {
        size_t written;
        CHECK_EQ(io_write(of, atom, buf, len, &written), 0);
    }
    if (errno == EPIPE) {
        CHECK_EQ(io_close(of, atom), 0);
        echo_done++;
    }
}

static void echo_accept(io_poller *of, io_atom *atom, int flags)
{
    io_atom none;
    CHECK_EQ(flags, IO_READ);
    CHECK_EQ(io_socket_accept(of, &echo_server.io, echo_serve, IO_READ, atom, NULL), 0);
    CHECK_ERROR(io_socket_accept(of, &none, echo_serve, IO_READ, atom, NULL), -EAGAIN);
    CHECK_EQ(io_close(of, atom), 0);
}

static void echo_talk(io_poller *of, io_atom *atom, int flags)
{
    char buf[16];
    size_t len;
    if ((flags & IO_WRITE) != 0) {
        CHECK_EQ(io_write(of, atom, "echo", 4, &len), 0);
        CHECK_EQ(io_set(of, atom, IO_READ), 0);
        return;
    }
    int result = io_read(of, atom, buf, sizeof(buf), &len);
    if (result == 0) {
        CHECK_EQ(len, 4);
        CHECK_BYTES(buf, "echo", 4);
        CHECK_EQ(io_close(of, atom), 0);
        /* A new connection, from within: refused, since the listener is closed. */
        CHECK_EQ(io_socket_connect(of, &echo_second.io, unit_note, &echo_address, IO_WRITE), 0);
        echo_done++;
    } else {
        CHECK_EQ(result, -EAGAIN);
    }
}

/* Listens from within a callback, and connects to that. */
static void echo_start(io_poller *of, io_atom *atom, int flags)
{
    static io_atom listener;
    io_address local = unit_address("127.0.0.1:0");
    (void)flags;
    CHECK_EQ(io_close(of, atom), 0);
    CHECK_EQ(io_socket_listen(of, &listener, echo_accept, &local, 0), 0);
    echo_address = unit_local_address(listener.fd, IO_STREAM);
    CHECK_EQ(io_socket_connect(of, &echo_client.io, echo_talk, &echo_address, IO_WRITE), 0);
}

static void in_callbacks(const unit_config *config)
{
    io_fd fds[2];
    io_atom starter;
    unit_poller(&poller, config);
    CLAUSE("IO-SOCKET-1");
    CLAUSE("IO-SOCKET-2");
    CLAUSE("IO-SOCKET-5");
    unit_pipe(fds);
    io_atom_init(&starter, fds[1], echo_start);
    unit_atom_init(&echo_second, -1);
    CHECK_EQ(io_add(&poller, &starter, IO_WRITE), 0);
    while (echo_done < 2 || echo_second.calls == 0) {
        CHECK(io_wait(&poller, 5000) > 0);
        CHECK(io_dispatch(&poller) > 0);
    }
    char buf[4];
    size_t len;
    CHECK_ERROR(io_read(&poller, &echo_second.io, buf, sizeof(buf), &len), -ECONNREFUSED);
    close_atom(&echo_second);
    unit_close(fds[0]);
    dispose();
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"listen_ipv4", "IO-SOCKET-1 IO-INIT-9", listen_ipv4, UNIT_EACH},
        {"listen_ipv6", "IO-SOCKET-1 IO-INIT-9", listen_ipv6, UNIT_EACH},
        {"listen_unix", "IO-SOCKET-1 IO-INIT-9", listen_unix, UNIT_EACH},
        {"accept_ipv4", "IO-SOCKET-2 IO-INIT-9", accept_ipv4, UNIT_EACH},
        {"accept_ipv6", "IO-SOCKET-2 IO-INIT-9", accept_ipv6, UNIT_EACH},
        {"accept_unix", "IO-SOCKET-2 IO-INIT-9", accept_unix, UNIT_EACH},
        {"accept_oneshot", "IO-SOCKET-2", accept_oneshot, UNIT_EACH},
        {"accept_all", "IO-SOCKET-2 IO-SOCKET-3", accept_all, UNIT_EACH},
        {"accept_nothing", "IO-SOCKET-3 IO-EDGE-3", accept_nothing, UNIT_EACH},
        {"accept_stranger", "IO-SOCKET-2 IO-SOCKET-3", accept_stranger, UNIT_EACH},
        {"accept_interrupted", "IO-SOCKET-2 IO-INIT-9", accept_interrupted, UNIT_EACH},
        {"accept_limit", "IO-SOCKET-3 IO-SOCKET-4 IO-SOCKET-6", accept_limit, UNIT_EACH},
        {"connect_ipv4", "IO-SOCKET-5 IO-INIT-9", connect_ipv4, UNIT_EACH},
        {"connect_ipv6", "IO-SOCKET-5 IO-INIT-9", connect_ipv6, UNIT_EACH},
        {"connect_unix", "IO-SOCKET-5 IO-INIT-9", connect_unix, UNIT_EACH},
        {"connect_refused", "IO-SOCKET-5", connect_refused, UNIT_EACH},
        {"connect_never_blocks", "IO-SOCKET-5", connect_never_blocks, UNIT_EACH},
        {"connect_unix_full", "IO-SOCKET-6", connect_unix_full, UNIT_EACH},
        {"failures", "IO-SOCKET-6", failures, UNIT_EACH},
        {"failures_at_limit", "IO-SOCKET-6", failures_at_limit, UNIT_EACH},
        {"failures_of_add", "IO-SOCKET-6", failures_of_add, UNIT_EACH},
        {"family_ipv4", "IO-SOCKET-7", family_ipv4, UNIT_EACH},
        {"family_ipv6", "IO-SOCKET-7", family_ipv6, UNIT_EACH},
        {"family_unix", "IO-SOCKET-7", family_unix, UNIT_EACH},
        {"family_full_path", "IO-SOCKET-7", family_full_path, UNIT_EACH},
        {"malformed_addresses", "IO-SOCKET-8", malformed_addresses, UNIT_EACH},
        {"bad_arguments", "IO-SOCKET-8 IO-ERROR-2 IO-ERROR-4 IO-ERROR-5", bad_arguments, UNIT_EACH},
        {"reuse_ipv4", "IO-SOCKET-9", reuse_ipv4, UNIT_EACH},
        {"reuse_ipv6", "IO-SOCKET-9", reuse_ipv6, UNIT_EACH},
        {"share_ipv4", "IO-SOCKET-9", share_ipv4, UNIT_EACH},
        {"share_ipv6", "IO-SOCKET-9", share_ipv6, UNIT_EACH},
        {"reuse_datagram", "IO-SOCKET-9", reuse_datagram, UNIT_EACH},
        {"dual_stack", "IO-SOCKET-9", dual_stack, UNIT_EACH},
        {"in_callbacks", "IO-SOCKET-1 IO-SOCKET-2 IO-SOCKET-5", in_callbacks, UNIT_EACH},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
