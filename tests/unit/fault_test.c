/* System calls that fail, where it takes the simulated kernel to make them: what the library's caller
 * is told of it, and that nothing is lost. */
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ioatom/sim.h>
#include <netinet/in.h>

static io_sim sim; /* a process for each test: always a fresh one */
static io_poller poller;

static void begin(const unit_config *config)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    unit_poller(&poller, config);
}

/* Whatever was open is closed. */
static void end(void)
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK_EQ(io_sim_open_count(&sim), 0);
    CHECK_EQ(io_sim_shortages(&sim), 0);
}

static void fail(int call, unsigned nth, int error)
{
    CHECK_EQ(io_sim_fail(&sim, call, nth, error), 0);
}

static int is_epoll(const unit_config *config)
{
    return (config->types & IO_POLLER_EPOLL) != 0;
}

static int is_kqueue(const unit_config *config)
{
    return (config->types & IO_POLLER_KQUEUE) != 0;
}

static int is_uring(const unit_config *config)
{
    return (config->types & IO_POLLER_URING) != 0;
}

/* The call that tells the kernel what to watch, where there is one. */
static int control_of(const unit_config *config)
{
    return is_epoll(config)    ? IO_SIM_CALL_EPOLL_CTL
           : is_kqueue(config) ? IO_SIM_CALL_KEVENT_CHANGE
           : is_uring(config)  ? IO_SIM_CALL_URING_SUBMIT
                               : IO_SIM_CALL_ANY;
}

static int wait_of(const unit_config *config)
{
    if (is_epoll(config)) {
        return IO_SIM_CALL_EPOLL_WAIT;
    }
    if (is_kqueue(config)) {
        return IO_SIM_CALL_KEVENT;
    }
    if (is_uring(config)) {
        return IO_SIM_CALL_URING_WAIT;
    }
    return config->types & IO_POLLER_POLL ? IO_SIM_CALL_POLL : IO_SIM_CALL_SELECT;
}

static void put(io_fd fd)
{
    CHECK_EQ(io_sim_write(fd, "x", 1), 1);
}

static void make_pair(int type, io_fd fds[2])
{
    CHECK_EQ(io_sim_socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void add(unit_atom *atom, io_fd fd, int flags)
{
    unit_atom_init(atom, fd);
    CHECK_EQ(io_add(&poller, &atom->io, flags), 0);
}

static int read_byte(unit_atom *atom)
{
    char byte;
    size_t size;
    return io_read(&poller, &atom->io, &byte, 1, &size);
}

/* --- waiting --- */

/* The error of the kernel's wait is the result, with something pending, too, and however long the
 * wait was to be: a caller that is told 0 waits again, and so for ever. */
static void wait_refused(const unit_config *config)
{
    static const int errors[] = {EBADF, ENOMEM, EINVAL};
    unit_atom atom, other;
    io_fd fds[2], twins[2];
    begin(config);
    make_pair(SOCK_STREAM, fds);
    make_pair(SOCK_STREAM, twins);
    add(&atom, fds[0], IO_READ);
    add(&other, twins[0], IO_READ);
    for (int i = is_epoll(config) ? 0 : 1; i < 3; i++) {
        CLAUSE("IO-WAIT-13");
        for (int timeout_ms = -1; timeout_ms <= 1; timeout_ms++) {
            fail(wait_of(config), 1, errors[i]);
            CHECK_ERROR(io_wait(&poller, timeout_ms), -errors[i]);
        }
        put(fds[1]);
        CHECK_EQ(io_wait(&poller, 0), 1);
        put(twins[1]);
        fail(wait_of(config), 1, errors[i]);
        CHECK_ERROR(io_wait(&poller, 0), -errors[i]);
        CLAUSE("IO-WAIT-9");
        CHECK_EQ(io_wait(&poller, 0), 2);
        CHECK_EQ(io_dispatch(&poller), 2);
        CHECK_EQ(read_byte(&atom), 0);
        CHECK_EQ(read_byte(&atom), -EAGAIN);
        CHECK_EQ(read_byte(&other), 0);
        CHECK_EQ(read_byte(&other), -EAGAIN);
    }
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    CHECK_EQ(io_close(&poller, &other.io), 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
    CHECK_EQ(io_sim_close(twins[1]), 0);
    end();
}

/* --- removing and closing --- */

/* The kernel does not forget a descriptor. Its atom is silent all the same, its number can be used,
 * and the set is made anew, or the kernel asked again, when it tells of it. */
static void remove_refused(const unit_config *config)
{
    static const int errors[] = {ENOMEM, EBADF, ENOENT};
    unit_atom atom, other;
    io_fd fds[2], twins[2];
    for (int i = 0; i < 6; i++) {
        int again = i % 2;
        begin(config);
        make_pair(SOCK_STREAM, fds);
        make_pair(SOCK_STREAM, twins);
        add(&atom, fds[0], IO_READ);
        add(&other, twins[0], IO_READ);
        put(fds[1]);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CLAUSE("IO-REMOVE-8");
        if (control_of(config) != IO_SIM_CALL_ANY) {
            fail(control_of(config), 1, errors[i / 2]);
        }
        CHECK_EQ(io_remove(&poller, &atom.io), 0);
        CHECK_EQ(io_dispatch(&poller), 0);
        CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
        if (again) {
            CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
            CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
            CHECK_EQ(read_byte(&atom), 0);
            CHECK_EQ(read_byte(&atom), -EAGAIN);
        }
        put(fds[1]);
        CHECK_EQ(io_wait(&poller, 0), again);
        CHECK_EQ(io_dispatch(&poller), again);
        CHECK_EQ(atom.calls, 2 * again);
        /* Nothing is left of it now. */
        long waits = io_sim_calls(&sim, wait_of(config));
        CHECK_EQ(again || io_wait(&poller, 0) == 0, 1);
        CHECK(io_sim_calls(&sim, wait_of(config)) <= waits + 1);
        put(twins[1]);
        CHECK_EQ(unit_told(&poller, &other, 0), IO_READ);
        CHECK_EQ(io_sim_close(fds[0]), 0);
        CHECK_EQ(io_sim_close(fds[1]), 0);
        CHECK_EQ(io_sim_close(twins[0]), 0);
        CHECK_EQ(io_sim_close(twins[1]), 0);
        end();
    }
}

/* The descriptor is closed and the atom unregistered, whatever close(2) says; a signal is nothing to
 * tell, since to close again would be a mistake. */
static void close_refused(const unit_config *config)
{
    static const int errors[] = {EIO, ENOSPC, EINTR};
    unit_atom atom;
    io_fd fds[2];
    for (int i = 0; i < 3; i++) {
        begin(config);
        make_pair(SOCK_STREAM, fds);
        add(&atom, fds[0], IO_READ | IO_WRITE);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CLAUSE("IO-CLOSE-11");
        if (control_of(config) != IO_SIM_CALL_ANY) {
            fail(control_of(config), 1, ENOMEM);
        }
        fail(IO_SIM_CALL_CLOSE, 1, errors[i]);
        int result = io_close(&poller, &atom.io);
        CHECK_EQ(result, errors[i] == EINTR ? 0 : -errors[i]);
        CHECK_EQ(io_sim_fcntl(fds[0], F_GETFL), -1);
        CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
        CHECK_EQ(io_dispatch(&poller), 0);
        CHECK_EQ(io_sim_close(fds[1]), 0);
        CHECK_EQ(io_wait(&poller, 0), 0);
        end();
    }
}

/* --- sockets --- */

static io_fd connect_to(const unit_atom *listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    CHECK_EQ(io_sim_getsockname(listener->io.fd, (struct sockaddr *)&address, &length), 0);
    io_fd fd = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(io_sim_connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS);
    return fd;
}

static void listen_at(unit_atom *listener)
{
    io_address address = unit_address("127.0.0.1:0");
    CHECK_EQ(io_socket_listen(&poller, &listener->io, unit_note, &address, 0), 0);
    listener->calls = listener->flags = 0;
}

static int accept_into(unit_atom *atom, unit_atom *listener)
{
    return io_socket_accept(&poller, &atom->io, unit_note, IO_READ, &listener->io, NULL);
}

/* accept(2) fails for want of something: the connection waits, and io_set tells it again. io_add
 * fails: the connection is closed, and nothing stays open. */
static void accept_refused(const unit_config *config)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    unit_atom listener, atom, before;
    begin(config);
    listen_at(&listener);
    unit_atom_init(&atom, -7);
    before = atom;
    io_fd client = connect_to(&listener);
    CHECK_EQ(unit_told(&poller, &listener, 0), IO_READ);
    int open_before = io_sim_open_count(&sim);
    for (int i = 0; i < 4; i++) {
        CLAUSE("IO-SOCKET-4");
        fail(IO_SIM_CALL_ACCEPT, 1, errors[i]);
        CHECK_ERROR(accept_into(&atom, &listener), -errors[i]);
        CHECK_EQ(io_set(&poller, &listener.io, IO_READ), 0);
        CHECK_EQ(unit_told(&poller, &listener, 0), IO_READ);
    }
    CLAUSE("IO-SOCKET-6");
    int has_control = control_of(config) != IO_SIM_CALL_ANY;
    int error = is_epoll(config) ? ENOSPC : ENOMEM;
    fail(has_control ? control_of(config) : IO_SIM_CALL_FSTAT, 1, error);
    fail(IO_SIM_CALL_CLOSE, 1, EIO); /* the first error is the one that is told */
    CHECK_ERROR(accept_into(&atom, &listener), -error);
    CHECK_BYTES(&atom, &before, sizeof(atom));
    CHECK_EQ(io_sim_open_count(&sim), open_before);
    CLAUSE("IO-SOCKET-3");
    CHECK_ERROR(accept_into(&atom, &listener), -EAGAIN);
    CHECK_EQ(io_sim_close(client), 0);
    CHECK_EQ(io_close(&poller, &listener.io), 0);
    end();
}

/* --- signals --- */

/* A datagram socket whose peer's port is closed: each datagram comes back as an error. */
static io_fd make_refused(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    io_fd fd = io_sim_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK_EQ(io_sim_connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* A look at the listener is interrupted while -EMFILE and the like is the kernel's answer, with no
 * connection waiting: that there is none is the answer, and is noted. */
static void interrupted_accept(const unit_config *config)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    unit_atom listener, atom;
    begin(config);
    listen_at(&listener);
    CLAUSE("IO-ERROR-6");
    for (int interrupted = 0; interrupted < 4; interrupted++) {
        CLAUSE("IO-SOCKET-3");
        fail(IO_SIM_CALL_ACCEPT, 1, EINTR);
        fail(IO_SIM_CALL_ACCEPT, 2, errors[interrupted]);
        for (int i = 1; i <= interrupted; i++) {
            fail(IO_SIM_CALL_POLL, (unsigned)i, EINTR);
        }
        CHECK_ERROR(accept_into(&atom, &listener), -EAGAIN);
    }
    CHECK_EQ(io_close(&poller, &listener.io), 0);
    end();
}

/* The library looks whether an error is over after -EAGAIN. If a signal kept it from seeing that, it
 * would take the next error for the same one, and tell nobody. */
static void interrupted_look(const unit_config *config)
{
    unit_atom atom;
    begin(config);
    add(&atom, make_refused(), IO_READ);
    for (int interrupted = 0; interrupted < 3; interrupted++) {
        CLAUSE("IO-EVENT-8");
        CLAUSE("IO-ERROR-6");
        put(atom.io.fd);
        CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
        CHECK_ERROR(read_byte(&atom), -ECONNREFUSED);
        for (int i = 1; i <= interrupted; i++) {
            fail(IO_SIM_CALL_POLL, (unsigned)i, EINTR);
        }
        CHECK_ERROR(read_byte(&atom), -EAGAIN);
    }
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    end();
}

/* What io_poller_after_fork and the making anew of a set do is not for a signal to undo. */
static void interrupted_renewal(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config);
    make_pair(SOCK_STREAM, fds);
    add(&atom, fds[0], IO_READ);
    CLAUSE("IO-ERROR-6");
    for (unsigned i = 1; i <= 2 && (is_epoll(config) || is_uring(config)); i++) {
        fail(IO_SIM_CALL_DUP, i, EINTR);
    }
    for (unsigned i = 1; i <= 2 && is_kqueue(config); i++) {
        fail(IO_SIM_CALL_KEVENT_CHANGES, i, EINTR);
        fail(IO_SIM_CALL_DUP, i, EINTR);
    }
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    put(fds[1]);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
    end();
}

static const unit_test tests[] = {
    {"fault_wait_refused", "IO-WAIT-13 IO-WAIT-9", wait_refused, UNIT_EACH},
    {"fault_remove_refused", "IO-REMOVE-8", remove_refused, UNIT_EACH},
    {"fault_close_refused", "IO-CLOSE-11", close_refused, UNIT_EACH},
    {"fault_accept_refused", "IO-SOCKET-4 IO-SOCKET-6 IO-SOCKET-3", accept_refused, UNIT_EACH},
    {"fault_interrupted_accept", "IO-ERROR-6 IO-SOCKET-3", interrupted_accept, UNIT_EACH},
    {"fault_interrupted_look", "IO-ERROR-6 IO-EVENT-8", interrupted_look, UNIT_EACH},
    {"fault_interrupted_renewal", "IO-ERROR-6", interrupted_renewal, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
