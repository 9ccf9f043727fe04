/* The real backends, in all configurations, over the simulated kernel: what a clock that can be
 * set and calls that fail on demand make easy to test. */
#include "../unit/unit.h"

#include <fcntl.h>
#include <ioatom/sim.h>

enum { MS_NS = 1000000, S_NS = 1000 * MS_NS };

static io_sim sim; /* a process for each test: always a fresh one */
static io_poller poller;

/* A simulation with a pipe; its reading end is registered. */
static void begin(const unit_config *config, unit_atom *atom, io_fd fds[2])
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    unit_poller(&poller, config);
    CHECK_EQ(io_sim_pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    unit_atom_init(atom, fds[0]);
    CHECK_EQ(io_add(&poller, &atom->io, IO_READ), 0);
}

/* Whatever was open is closed, and nothing was too large for the simulation. */
static void end(io_fd fds[2])
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK_EQ(io_sim_close(fds[0]), 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
    CHECK_EQ(io_sim_open_count(&sim), 0);
    CHECK_EQ(io_sim_shortages(&sim), 0);
}

static void put(io_sim *on, void *fd)
{
    (void)on;
    CHECK_EQ(io_sim_write(*(io_fd *)fd, "x", 1), 1);
}

static void exhaust(unit_atom *atom)
{
    char bytes[64];
    size_t size = 0;
    int result = 0;
    while (result == 0) {
        result = io_read(&poller, &atom->io, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EAGAIN);
}

static void add_set_remove(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config, &atom, fds);
    CLAUSE("IO-ADD-1");
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CLAUSE("IO-EDGE-1");
    put(&sim, &fds[1]);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    exhaust(&atom);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CLAUSE("IO-LOST-2");
    CHECK_EQ(io_set(&poller, &atom.io, 0), 0);
    put(&sim, &fds[1]);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CLAUSE("IO-SET-2");
    CHECK_EQ(io_set(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    CHECK_EQ(io_set(&poller, &atom.io, IO_READ), 0);
    CLAUSE("IO-REMOVE-2");
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CLAUSE("IO-ADD-2");
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    end(fds);
}

/* A wait of days takes no time, and not a nanosecond less than it should. */
static void virtual_timeout(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config, &atom, fds);
    CLAUSE("IO-WAIT-3");
    uint64_t began_ns = io_sim_now_ns(&sim);
    CHECK_EQ(io_wait(&poller, 100000000), 0);
    CHECK_EQ(io_sim_now_ns(&sim) - began_ns, UINT64_C(100000000) * MS_NS);
    CLAUSE("IO-WAIT-4");
    CHECK_EQ(io_sim_at(&sim, io_sim_now_ns(&sim) + UINT64_C(3600) * S_NS, put, &fds[1]), 0);
    began_ns = io_sim_now_ns(&sim);
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    CHECK_EQ(io_sim_now_ns(&sim) - began_ns, UINT64_C(3600) * S_NS);
    CLAUSE("IO-WAIT-12");
    exhaust(&atom);
    poller.deadline_ns = io_sim_now_ns(&sim) + 7 * MS_NS;
    CHECK_EQ(io_wait(&poller, -1), 0);
    CHECK_EQ(io_sim_now_ns(&sim), poller.deadline_ns);
    end(fds);
}

static void draw_early(void *calls_left, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    int *left = calls_left;
    (void)nth;
    (void)fd;
    int waits = kind == IO_SIM_CALL_POLL || kind == IO_SIM_CALL_SELECT ||
                kind == IO_SIM_CALL_EPOLL_WAIT || kind == IO_SIM_CALL_KEVENT ||
                kind == IO_SIM_CALL_URING_WAIT;
    if (waits && *left > 0) {
        (*left)--;
        fault->early_ns = 3 * MS_NS;
    }
}

/* The kernel says that the time is over when it is not. */
static void early_kernel(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    int left = 5;
    begin(config, &atom, fds);
    CLAUSE("IO-WAIT-3");
    io_sim_on_call(&sim, draw_early, &left);
    uint64_t began_ns = io_sim_now_ns(&sim);
    CHECK_EQ(io_wait(&poller, 10), 0);
    CHECK_EQ(io_sim_now_ns(&sim) - began_ns, 10 * MS_NS);
    CHECK(left < 5);
    end(fds);
}

static void signal_comes(io_sim *on, void *context)
{
    (void)context;
    io_sim_interrupt(on);
}

static void interrupted(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config, &atom, fds);
    CLAUSE("IO-WAIT-6");
    CHECK_EQ(io_sim_at(&sim, io_sim_now_ns(&sim) + 5 * MS_NS, signal_comes, NULL), 0);
    CHECK_EQ(io_wait(&poller, -1), 0);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 5 * MS_NS);
    CLAUSE("IO-READ-5");
    put(&sim, &fds[1]);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_READ, 1, EINTR), 0);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_READ, 2, EINTR), 0);
    exhaust(&atom);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_READ), 4);
    end(fds);
}

/* A wait that nothing can end is an error, and no hang. */
static void deadlock(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config, &atom, fds);
    CLAUSE("IO-ERROR-1");
    CHECK_ERROR(io_wait(&poller, -1), -EDEADLK);
    put(&sim, &fds[1]);
    CHECK_EQ(io_wait(&poller, -1), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    end(fds);
}

static void refused_by_the_kernel(const unit_config *config)
{
    unit_atom atom;
    unit_atom other;
    io_fd fds[2];
    int is_epoll = (config->types & IO_POLLER_EPOLL) != 0;
    int is_kqueue = (config->types & IO_POLLER_KQUEUE) != 0;
    int is_uring = (config->types & IO_POLLER_URING) != 0;
    int call = is_epoll    ? IO_SIM_CALL_EPOLL_CTL
               : is_kqueue ? IO_SIM_CALL_KEVENT_CHANGE
               : is_uring  ? IO_SIM_CALL_URING_POLL
                           : IO_SIM_CALL_FSTAT;
    begin(config, &atom, fds);
    CLAUSE("IO-ADD-10");
    unit_atom_init(&other, fds[1]);
    CHECK_EQ(io_sim_fail(&sim, call, 1, is_epoll ? ENOSPC : ENOMEM), 0);
    CHECK_ERROR(io_add(&poller, &other.io, IO_WRITE), is_epoll ? -ENOSPC : -ENOMEM);
    CHECK_ERROR(io_remove(&poller, &other.io), -ENOENT);
    CHECK_EQ(unit_told(&poller, &other, 0), 0);
    CLAUSE("IO-ERROR-2");
    CHECK_EQ(io_add(&poller, &other.io, IO_WRITE), 0);
    CHECK_EQ(unit_told(&poller, &other, 0), IO_WRITE);
    CLAUSE("IO-WAIT-9");
    put(&sim, &fds[1]);
    int wait = is_epoll                                ? IO_SIM_CALL_EPOLL_WAIT
               : is_kqueue                             ? IO_SIM_CALL_KEVENT
               : is_uring                              ? IO_SIM_CALL_URING_WAIT
               : (config->types & IO_POLLER_POLL) != 0 ? IO_SIM_CALL_POLL
                                                       : IO_SIM_CALL_SELECT;
    CHECK_EQ(io_sim_fail(&sim, wait, 1, ENOMEM), 0);
    CHECK_ERROR(io_wait(&poller, 0), -ENOMEM);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    end(fds);
}

/* Everything once, ignoring errors; the results are those of a program that goes on regardless. */
static void run_regardless(const unit_config *config, io_fd fds[2])
{
    unit_atom atom;
    char bytes[8];
    size_t size;
    if (io_poller_init(&poller, config->types) < 0) {
        return;
    }
    unit_atom_init(&atom, fds[0]);
    (void)io_add(&poller, &atom.io, IO_READ);
    (void)io_sim_write(fds[1], "abc", 3);
    for (int i = 0; i < 2; i++) {
        int result = io_wait(&poller, 10);
        CHECK(result >= 0 || errno == -result);
        (void)io_dispatch(&poller);
        (void)io_read(&poller, &atom.io, bytes, sizeof(bytes), &size);
        (void)io_set(&poller, &atom.io, i == 0 ? IO_READ | IO_WRITE : IO_READ);
    }
    (void)io_remove(&poller, &atom.io);
    CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* The first call fails, the second, the third ... until no call is left. */
static void sweep(const unit_config *config)
{
    static const int errors[] = {EINTR, ENOMEM, EMFILE, EBADF, ENOSPC};
    long calls = 0;
    CLAUSE("IO-ERROR-1");
    for (size_t error = 0; error < sizeof(errors) / sizeof(errors[0]); error++) {
        long nth = 0;
        do {
            io_fd fds[2];
            io_sim_init(&sim);
            io_sim_use(&sim);
            CHECK_EQ(io_sim_pipe2(fds, O_NONBLOCK), 0);
            long before = io_sim_calls(&sim, IO_SIM_CALL_ANY);
            nth++;
            CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_ANY, (uint32_t)nth, errors[error]), 0);
            run_regardless(config, fds);
            calls = io_sim_calls(&sim, IO_SIM_CALL_ANY) - before;
            CHECK_EQ(io_sim_open_count(&sim), 2);
        } while (nth <= calls);
        CHECK(nth > 5);
    }
}

static void draw_spurious(void *fd, int kind, uint32_t nth, io_fd first, io_sim_fault *fault)
{
    (void)kind;
    (void)nth;
    (void)first;
    fault->spurious_fd = *(io_fd *)fd;
}

static void spurious(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    begin(config, &atom, fds);
    CLAUSE("IO-EVENT-6");
    io_sim_on_call(&sim, draw_spurious, &fds[0]);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    io_sim_on_call(&sim, NULL, NULL);
    exhaust(&atom);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    put(&sim, &fds[1]);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    end(fds);
}

static void draw_short(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    (void)context;
    (void)fd;
    (void)kind;
    fault->short_count = nth % 3 + 1;
}

static void short_transfers(const unit_config *config)
{
    static const char sent[] = "what is sent in pieces arrives in pieces";
    char received[sizeof(sent)] = "";
    unit_atom atom;
    io_fd fds[2];
    size_t size = 0;
    begin(config, &atom, fds);
    io_sim_on_call(&sim, draw_short, NULL);
    CLAUSE("IO-WRITE-1");
    io_atom out;
    io_atom_init(&out, fds[1], unit_note);
    for (size_t at = 0; at < sizeof(sent); at += size) {
        CHECK_EQ(io_write(NULL, &out, sent + at, sizeof(sent) - at, &size), 0);
        CHECK(size >= 1 && size <= 3);
    }
    CLAUSE("IO-READ-1");
    for (size_t at = 0; at < sizeof(sent); at += size) {
        CHECK_EQ(unit_told(&poller, &atom, 0) & ~IO_READ, 0);
        CHECK_EQ(io_read(&poller, &atom.io, received + at, sizeof(sent) - at, &size), 0);
        CHECK(size >= 1 && size <= 3);
    }
    CHECK_BYTES(sent, received, sizeof(sent));
    CHECK_ERROR(io_read(&poller, &atom.io, received, 1, &size), -EAGAIN);
    end(fds);
}

static void connections(const unit_config *config)
{
    static const char *const specs[] = {"127.0.0.1:80", "[::1]:80", "unix:socket"};
    for (int i = 0; i < 3; i++) {
        io_address address = unit_address(specs[i]);
        unit_atom listener, client, server;
        char bytes[8];
        size_t size;
        io_sim_init(&sim);
        io_sim_use(&sim);
        unit_poller(&poller, config);
        CLAUSE("IO-SOCKET-5");
        unit_atom_init(&client, -1);
        int result = io_socket_connect(&poller, &client.io, unit_note, &address, IO_WRITE);
        if (result == 0) { /* on its way: the first write tells */
            CHECK(unit_told(&poller, &client, 0) & IO_WRITE);
            result = io_write(&poller, &client.io, "a", 1, &size);
            CHECK_EQ(io_close(&poller, &client.io), 0);
        }
        CHECK(result == -ECONNREFUSED || (i == 2 && result == -ENOENT));
        CHECK_EQ(io_socket_listen(&poller, &listener.io, unit_note, &address, 0), 0);
        CHECK_EQ(unit_told(&poller, &listener, 0), 0);
        CHECK_EQ(io_socket_connect(&poller, &client.io, unit_note, &address, IO_WRITE), 0);
        CHECK(unit_told(&poller, &client, 0) & IO_WRITE);
        CLAUSE("IO-SOCKET-4");
        CHECK_EQ(io_sim_limit_fds(&sim, io_sim_open_count(&sim)), 0);
        CHECK_ERROR(io_socket_accept(&poller, &server.io, unit_note, IO_READ, &listener.io, NULL),
                    -EMFILE);
        CHECK_EQ(io_sim_limit_fds(&sim, IO_SIM_FDS), 0);
        CHECK_EQ(io_set(&poller, &listener.io, IO_READ), 0);
        CHECK_EQ(unit_told(&poller, &listener, 0), IO_READ);
        CHECK_EQ(io_socket_accept(&poller, &server.io, unit_note, IO_READ, &listener.io, NULL), 0);
        CHECK_EQ(io_write(&poller, &client.io, "hello", 5, &size), 0);
        CHECK_EQ(unit_told(&poller, &server, 0), IO_READ);
        CHECK_EQ(io_read(&poller, &server.io, bytes, sizeof(bytes), &size), 0);
        CHECK_EQ(size, 5);
        CLAUSE("IO-WRITE-4");
        CHECK_EQ(io_close(&poller, &server.io), 0);
        (void)io_write(&poller, &client.io, "a", 1, &size);
        result = io_write(&poller, &client.io, "a", 1, &size);
        CHECK(result == -EPIPE || result == -ECONNRESET);
        CHECK_EQ(io_sim_pipe_signals(&sim), 0);
        CHECK_EQ(io_close(&poller, &client.io), 0);
        CHECK_EQ(io_close(&poller, &listener.io), 0);
        CHECK_EQ(io_poller_dispose(&poller), 0);
        CHECK_EQ(io_sim_open_count(&sim), 0);
    }
}

static const unit_test tests[] = {
    {"add_set_remove", "IO-ADD-1 IO-ADD-2 IO-EDGE-1 IO-LOST-2 IO-SET-2 IO-REMOVE-2", add_set_remove,
     UNIT_EACH},
    {"virtual_timeout", "IO-WAIT-3 IO-WAIT-4 IO-WAIT-12", virtual_timeout, UNIT_EACH},
    {"early_kernel", "IO-WAIT-3", early_kernel, UNIT_EACH},
    {"interrupted", "IO-WAIT-6 IO-READ-5", interrupted, UNIT_EACH},
    {"deadlock", "IO-ERROR-1", deadlock, UNIT_EACH},
    {"refused_by_the_kernel", "IO-ADD-10 IO-ERROR-2 IO-WAIT-9", refused_by_the_kernel, UNIT_EACH},
    {"sweep", "IO-ERROR-1", sweep, UNIT_EACH},
    {"spurious", "IO-EVENT-6", spurious, UNIT_EACH},
    {"short_transfers", "IO-READ-1 IO-WRITE-1", short_transfers, UNIT_EACH},
    {"connections", "IO-SOCKET-4 IO-SOCKET-5 IO-WRITE-4", connections, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
