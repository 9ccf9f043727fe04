/* What is particular to the backend for kqueue: what it does when the kernel refuses half of a
 * change, for pipes that cannot be watched, in a forked child, and which calls it makes. Everything
 * else it is tested for as the others are. */
#include "../unit/unit.h"

#include <fcntl.h>
#include <ioatom/sim.h>
#include <ioatom/sim_kqueue.h>

static io_sim sim;
static io_poller poller;

/* A simulation and a poller; 0 on another backend. */
static int begin(const unit_config *config)
{
    if (!(config->types & IO_POLLER_KQUEUE)) {
        return 0;
    }
    io_sim_init(&sim);
    io_sim_use(&sim);
    unit_poller(&poller, config);
    return 1;
}

static void end(void)
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK_EQ(io_sim_open_count(&sim), 0);
    CHECK_EQ(io_sim_shortages(&sim), 0);
}

static void make_pair(io_fd fds[2])
{
    CHECK_EQ(io_sim_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void make_pipe(io_fd fds[2])
{
    CHECK_EQ(io_sim_pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
}

static void add(unit_atom *atom, io_fd fd, int flags)
{
    unit_atom_init(atom, fd);
    CHECK_EQ(io_add(&poller, &atom->io, flags), 0);
}

static void put(io_fd fd)
{
    CHECK_EQ(io_sim_write(fd, "x", 1), 1);
}

static void exhaust(unit_atom *atom)
{
    char bytes[4096];
    size_t size;
    int result = 0;
    while (result == 0) {
        result = io_read(&poller, &atom->io, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EAGAIN);
}

static void fill(unit_atom *atom)
{
    static const char bytes[4096];
    size_t size;
    int result = 0;
    while (result == 0) {
        result = io_write(&poller, &atom->io, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EAGAIN);
}

static void fail(int call, unsigned nth, int error)
{
    CHECK_EQ(io_sim_fail(&sim, call, nth, error), 0);
}

static long changes(void)
{
    return io_sim_calls(&sim, IO_SIM_CALL_KEVENT_CHANGES);
}

static void close_pair(io_fd fds[2])
{
    CHECK_EQ(io_sim_close(fds[0]), 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
}

/* --- what is half done --- */

/* Each of the changes that io_set makes fails: nothing has changed, and what was owed is told. */
static void set_refused(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    int failed = 1;
    for (unsigned nth = 0; failed; nth++) {
        if (!begin(config)) {
            return;
        }
        make_pair(fds);
        add(&atom, fds[0], IO_READ | IO_EXCEPT);
        put(fds[1]);
        CLAUSE("IO-ERROR-2");
        fail(nth == 0 ? IO_SIM_CALL_KEVENT_CHANGES : IO_SIM_CALL_KEVENT_CHANGE, nth ? nth : 1,
             ENOMEM);
        int result = io_set(&poller, &atom.io, IO_READ | IO_WRITE);
        failed = result < 0;
        CHECK(result == 0 || result == -ENOMEM);
        CHECK(nth > 5 || failed); /* two filters are added anew, one goes */
        CHECK_EQ(unit_told(&poller, &atom, 0), failed ? IO_READ : IO_READ | IO_WRITE);
        exhaust(&atom);
        CHECK_EQ(unit_told(&poller, &atom, 0) & ~IO_WRITE, 0);
        put(fds[1]);
        CHECK(unit_told(&poller, &atom, 0) & IO_READ);
        CHECK_EQ(io_remove(&poller, &atom.io), 0);
        close_pair(fds);
        end();
    }
}

/* And the wait that is to put it right is refused, too. */
static void refused_again(const unit_config *config)
{
    unit_atom atom, other;
    io_fd fds[2], twins[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    make_pair(twins);
    add(&atom, fds[0], IO_READ);
    add(&other, twins[0], IO_READ);
    put(fds[1]);
    CLAUSE("IO-WAIT-14");
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -ENOMEM);
    fail(IO_SIM_CALL_KEVENT_CHANGES, 1, ENOMEM);
    CHECK_ERROR(io_wait(&poller, -1), -ENOMEM);
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    /* With something pending it is no error. */
    exhaust(&atom);
    put(twins[1]);
    CHECK_EQ(io_wait(&poller, 0), 1);
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -ENOMEM);
    fail(IO_SIM_CALL_KEVENT_CHANGES, 1, ENOMEM);
    CHECK_EQ(io_wait(&poller, -1), 1);
    put(fds[1]);
    CLAUSE("IO-WAIT-9");
    CHECK_EQ(io_wait(&poller, 0), 2);
    CHECK_EQ(io_dispatch(&poller), 2);
    /* Nor does it keep others from being served. */
    exhaust(&atom);
    exhaust(&other);
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -ENOMEM);
    put(fds[1]);
    put(twins[1]);
    fail(IO_SIM_CALL_KEVENT_CHANGES, 1, ENOMEM);
    CHECK_EQ(unit_told(&poller, &other, -1), IO_READ);
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    close_pair(fds);
    close_pair(twins);
    end();
}

/* Closed before that: as on select and poll. */
static void refused_and_closed(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    add(&atom, fds[0], IO_READ);
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -ENOMEM);
    close_pair(fds);
    CLAUSE("IO-CLOSE-4");
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    CHECK_EQ(unit_told(&poller, &atom, 5), 0);
    CLAUSE("IO-CLOSE-8");
    CHECK_EQ(io_fd_check(&poller), 1);
    CLAUSE("IO-SET-6");
    CHECK_EQ(io_set(&poller, &atom.io, IO_READ | IO_WRITE), 0);
    CHECK_EQ(unit_told(&poller, &atom, 5), 0);
    CLAUSE("IO-REMOVE-7");
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    end();
}

/* Closed without io_remove, nobody is told (IO-CLOSE-6), until io_set asks for it. */
static void closed(const unit_config *config)
{
    unit_atom atom, next;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    add(&atom, fds[0], IO_READ);
    io_fd copy = io_sim_dup(fds[0]);
    CHECK_EQ(io_sim_close(fds[0]), 0);
    put(fds[1]);
    CLAUSE("IO-CLOSE-4");
    CHECK_EQ(unit_told(&poller, &atom, 5), 0);
    CLAUSE("IO-CLOSE-8");
    CHECK_EQ(io_fd_check(&poller), 1);
    CLAUSE("IO-CLOSE-9");
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -EBADF);
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    CLAUSE("IO-CLOSE-7");
    CHECK_EQ(io_sim_dup2(copy, fds[0]), fds[0]);
    add(&next, fds[0], IO_READ);
    CHECK_EQ(unit_told(&poller, &next, 0), IO_READ);
    CHECK_EQ(io_remove(&poller, &next.io), 0);
    CHECK_EQ(io_sim_close(copy), 0);
    close_pair(fds);
    end();
}

/* --- what the kernel does not watch --- */

/* EV_ADD says EPIPE, on NetBSD EBADF: then the pipe is ready to be written to, since a write tells. */
static void broken_pipe(const unit_config *config)
{
    for (int is_netbsd = 0; is_netbsd < 2; is_netbsd++) {
        unit_atom atom, other;
        io_fd fds[2], twins[2];
        if (!begin(config)) {
            return;
        }
        make_pipe(fds);
        make_pair(twins);
        add(&other, twins[0], IO_READ);
        CHECK_EQ(io_sim_close(fds[0]), 0);
        CLAUSE("IO-EVENT-3");
        if (is_netbsd) {
            fail(IO_SIM_CALL_KEVENT_CHANGE, 3, EBADF);
        }
        add(&atom, fds[1], IO_WRITE);
        CHECK_EQ(unit_told(&poller, &atom, -1), IO_WRITE);
        CLAUSE("IO-LEVEL-1");
        CHECK_EQ(unit_told(&poller, &atom, 0), unit_is_edge(config) ? 0 : IO_WRITE);
        CLAUSE("IO-SET-2");
        CHECK_EQ(io_set(&poller, &atom.io, IO_READ | IO_WRITE), 0);
        CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ | IO_WRITE);
        /* Others are served as well. */
        put(twins[1]);
        CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE), 0);
        CHECK_EQ(io_wait(&poller, -1), 2);
        CHECK_EQ(io_dispatch(&poller), 2);
        exhaust(&other);
        CLAUSE("IO-EVENT-7");
        CHECK_EQ(io_set(&poller, &atom.io, 0), 0);
        CHECK_EQ(unit_told(&poller, &atom, 50), 0);
        long waits = io_sim_calls(&sim, IO_SIM_CALL_KEVENT);
        CHECK_EQ(unit_told(&poller, &atom, 50), 0);
        CLAUSE("IO-WAIT-10");
        CHECK(io_sim_calls(&sim, IO_SIM_CALL_KEVENT) <= waits + 2);
        CLAUSE("IO-ONESHOT-3");
        CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE | IO_ONESHOT), 0);
        CHECK_EQ(unit_told(&poller, &atom, -1), IO_WRITE);
        CHECK_EQ(unit_told(&poller, &atom, 50), 0);
        CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE), 0);
        CLAUSE("IO-REMOVE-2");
        CHECK_EQ(io_remove(&poller, &atom.io), 0);
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
        CHECK_EQ(io_sim_close(fds[1]), 0);
        close_pair(twins);
        end();
    }
}

static int is_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    CHECK(io_sim_poll(&entry, 1, 0) >= 0);
    return entry.revents == POLLIN;
}

/* What the kernel does not know of is seen from outside all the same. */
static void seen_from_outside(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2], pipes[2];
    if (!begin(config)) {
        return;
    }
    int queue = io_poller_fd(&poller);
    make_pair(fds);
    make_pipe(pipes);
    add(&atom, fds[0], IO_READ);
    CLAUSE("IO-INIT-8");
    CHECK(!is_readable(queue));
    put(fds[1]);
    CHECK(is_readable(queue));
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ | IO_WRITE), -ENOMEM);
    CHECK(is_readable(queue));
    fail(IO_SIM_CALL_KEVENT_CHANGE, 2, ENOMEM);
    CHECK_ERROR(io_wait(&poller, 0), -ENOMEM);
    CHECK(is_readable(queue));
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    exhaust(&atom);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CHECK(!is_readable(queue));
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    CHECK_EQ(io_sim_close(pipes[0]), 0);
    add(&atom, pipes[1], IO_WRITE);
    for (int i = 0; i < 2; i++) {
        CHECK(is_readable(queue));
        CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
        CHECK_EQ(is_readable(queue), !unit_is_edge(config));
        CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE), 0);
    }
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK(is_readable(queue));
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    CHECK_EQ(unit_told(&poller, &atom, 5), 0);
    CHECK(!is_readable(queue));
    close_pair(fds);
    end();
}

/* It breaks while it is watched, and before it is asked for. */
static void breaking_pipe(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pipe(fds);
    add(&atom, fds[1], IO_WRITE);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
    fill(&atom);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CLAUSE("IO-EDGE-1");
    CHECK_EQ(io_sim_close(fds[0]), 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
    CLAUSE("IO-WRITE-3");
    size_t size;
    CHECK_ERROR(io_write(&poller, &atom.io, "x", 1, &size), -EPIPE);
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    add(&atom, fds[1], 0);
    CLAUSE("IO-LOST-2");
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    CHECK_EQ(io_set(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    end();
}

/* EBADF of a pipe that is whole is what it says. */
static void bad_descriptor(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pipe(fds);
    unit_atom_init(&atom, fds[1]);
    CLAUSE("IO-ADD-10");
    fail(IO_SIM_CALL_KEVENT_CHANGE, 3, EBADF);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_WRITE), -EBADF);
    CHECK_ERROR(io_set(&poller, &atom.io, 0), -ENOENT);
    CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    close_pair(fds);
    end();
}

static void unknown_filters(const unit_config *config)
{
    static const int unknown[] = {EINVAL, EPERM, ENODEV, ENOTSUP, EOPNOTSUPP};
    unit_atom atom;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        /* A system without a filter for out-of-band data. */
        CLAUSE("IO-EVENT-11");
        fail(IO_SIM_CALL_KEVENT_CHANGE, 5, unknown[i]);
        add(&atom, fds[0], IO_READ | IO_EXCEPT);
        put(fds[1]);
        CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
        exhaust(&atom);
        CHECK_EQ(io_remove(&poller, &atom.io), 0);
        /* A file that cannot be watched. */
        CLAUSE("IO-ADD-8");
        fail(IO_SIM_CALL_KEVENT_CHANGE, 2, unknown[i]);
        CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EPERM);
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
    }
    close_pair(fds);
    fds[0] = io_sim_open("/dev/null", O_RDWR);
    unit_atom_init(&atom, fds[0]);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EPERM);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_WRITE), -EPERM);
    CHECK_EQ(io_sim_close(fds[0]), 0);
    CLAUSE("IO-ADD-7");
    fds[0] = io_sim_open("file", O_RDWR | O_CREAT, 0600);
    unit_atom_init(&atom, fds[0]);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EPERM);
    CHECK_EQ(io_sim_close(fds[0]), 0);
    end();
}

/* --- children --- */

static void child(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    add(&atom, fds[0], IO_READ);
    put(fds[1]);
    int number = io_poller_fd(&poller);
    io_sim_fork(&sim);
    CHECK_ERROR(io_wait(&poller, -1), -EBADF);
    CLAUSE("IO-FORK-1");
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_EQ(io_poller_fd(&poller), number);
    CLAUSE("IO-INIT-9");
    CHECK_EQ(io_sim_fcntl(number, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    /* Called in a process that is no child it leaves nothing behind. */
    int open_before = io_sim_open_count(&sim);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_EQ(io_poller_fd(&poller), number);
    CHECK_EQ(io_sim_open_count(&sim), open_before);
    CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
    close_pair(fds);
    end();
}

/* In the child a lower number is free. */
static void child_has_a_lower_number(const unit_config *config)
{
    if (!begin(config)) {
        return;
    }
    CHECK_EQ(io_poller_dispose(&poller), 0);
    int lower = io_sim_open("/", O_RDONLY);
    unit_poller(&poller, config);
    int number = io_poller_fd(&poller);
    CHECK(lower < number);
    io_sim_fork(&sim);
    CHECK_EQ(io_sim_close(lower), 0);
    CLAUSE("IO-FORK-1");
    fail(IO_SIM_CALL_DUP, 1, ENOMEM);
    CHECK_ERROR(io_poller_after_fork(&poller), -ENOMEM);
    CHECK_EQ(io_sim_open_count(&sim), 0);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_EQ(io_poller_fd(&poller), number);
    CLAUSE("IO-INIT-9");
    CHECK_EQ(io_sim_fcntl(number, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(io_sim_open_count(&sim), 1);
    CHECK_EQ(io_wait(&poller, 1), 0);
    end();
}

/* In the child the number is another file's by now. */
static void child_has_used_the_number(const unit_config *config)
{
    for (int renewed = 0; renewed < 2; renewed++) {
        unit_atom atom;
        io_fd fds[2];
        if (!begin(config)) {
            return;
        }
        make_pair(fds);
        add(&atom, fds[0], IO_READ);
        int number = io_poller_fd(&poller);
        io_sim_fork(&sim);
        CHECK_EQ(io_sim_open("/", O_RDONLY | O_PATH), number);
        CLAUSE("IO-INIT-8");
        if (renewed) {
            CHECK_EQ(io_poller_after_fork(&poller), 0);
            CHECK(io_poller_fd(&poller) >= 0 && io_poller_fd(&poller) != number);
            put(fds[1]);
            CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
        }
        CLAUSE("IO-INIT-10");
        CHECK_EQ(io_poller_dispose(&poller), 0);
        CHECK_EQ(io_sim_fcntl(number, F_GETFD), 0); /* it is still open */
        CHECK_EQ(io_sim_close(number), 0);
        close_pair(fds);
        CHECK_EQ(io_sim_open_count(&sim), 0);
    }
}

static void child_is_refused(const unit_config *config)
{
    static const int calls[] = {IO_SIM_CALL_KQUEUE, IO_SIM_CALL_KEVENT_CHANGES,
                                IO_SIM_CALL_KEVENT_CHANGE, IO_SIM_CALL_FCNTL, IO_SIM_CALL_DUP};
    unit_atom atom, pipe, broken;
    io_fd fds[2], pipes[2];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    make_pipe(pipes);
    add(&atom, fds[0], IO_READ);
    CHECK_EQ(io_sim_close(pipes[0]), 0);
    add(&broken, pipes[1], IO_WRITE);
    CHECK_EQ(unit_told(&poller, &broken, 0), IO_WRITE);
    put(fds[1]);
    for (int forks = 0; forks < 2; forks++) {
        for (int i = 0; i < (forks ? 3 : 5); i++) { /* a child's has the number at once */
            CLAUSE("IO-ERROR-2");
            int open_before = io_sim_open_count(&sim) - forks;
            if (forks) {
                io_sim_fork(&sim);
            }
            fail(calls[i], 1, ENOMEM);
            CHECK_ERROR(io_poller_after_fork(&poller), -ENOMEM);
            CHECK_EQ(io_sim_open_count(&sim), open_before);
            if (!forks) {
                CHECK_EQ(unit_told(&poller, &atom, 0) & ~IO_READ, 0);
            }
            CLAUSE("IO-FORK-1");
            CHECK_EQ(io_poller_after_fork(&poller), 0);
            CHECK_EQ(unit_told(&poller, &atom, -1), IO_READ);
        }
    }
    /* Closed meanwhile, and its number given to something that cannot be watched. */
    make_pipe(pipes);
    add(&pipe, pipes[0], IO_READ);
    close_pair(pipes);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_EQ(unit_told(&poller, &pipe, 0), IO_READ);
    CLAUSE("IO-CLOSE-8");
    CHECK_EQ(io_fd_check(&poller), 1);
    close_pair(fds);
    CHECK_EQ(io_sim_close(broken.io.fd), 0);
    end();
}

/* --- which calls are made --- */

static void back_pressure(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    char bytes[4096];
    if (!begin(config)) {
        return;
    }
    make_pair(fds);
    add(&atom, fds[0], IO_READ);
    exhaust(&atom);
    long before = changes();
    for (int i = 0; i < 10; i++) {
        fill(&atom);
        CLAUSE("IO-MASK-2");
        CHECK_EQ(io_set(&poller, &atom.io, IO_READ | IO_WRITE), 0);
        CLAUSE("IO-MASK-3");
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
        while (io_sim_read(fds[1], bytes, sizeof(bytes)) > 0) {
        }
        CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
        fill(&atom);
        CLAUSE("IO-MASK-1");
        CHECK_EQ(io_set(&poller, &atom.io, IO_READ), 0);
        while (io_sim_read(fds[1], bytes, sizeof(bytes)) > 0) {
        }
        if (i == 0) {
            before = changes(); /* the first time IO_WRITE had to be asked for */
        }
    }
    CHECK(unit_is_edge(config) ? changes() == before : changes() > 0);
    close_pair(fds);
    end();
}

/* A change takes no event out of the queue. */
static void changes_drain_nothing(const unit_config *config)
{
    unit_atom atoms[4];
    io_fd fds[4][2];
    if (!begin(config)) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        make_pair(fds[i]);
        add(&atoms[i], fds[i][0], IO_READ);
        put(fds[i][1]);
    }
    CLAUSE("IO-SET-2");
    CHECK_EQ(io_set(&poller, &atoms[0].io, IO_READ | IO_WRITE), 0);
    CHECK_EQ(io_remove(&poller, &atoms[1].io), 0);
    CHECK_EQ(io_add(&poller, &atoms[1].io, IO_READ), 0);
    CLAUSE("IO-LOST-1");
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_dispatch(&poller), 4);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(atoms[i].flags, i == 0 ? IO_READ | IO_WRITE : IO_READ);
        close_pair(fds[i]);
    }
    end();
}

/* Both directions of many, each at most once in a dispatch. */
static void fairness(const unit_config *config)
{
    enum { COUNT = 28, WAITS = (2 * 2 * COUNT + 63) / 64 + 1 };
    unit_atom atoms[2 * COUNT];
    io_fd fds[COUNT][2];
    if (!begin(config)) {
        return;
    }
    CLAUSE("IO-FAIR-1");
    for (int i = 0; i < COUNT; i++) {
        make_pair(fds[i]);
        for (int k = 0; k < 2; k++) {
            put(fds[i][1 - k]);
            add(&atoms[2 * i + k], fds[i][k], IO_READ | IO_WRITE | IO_EXCEPT);
        }
    }
    for (int round = 0; round < WAITS; round++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    for (int i = 0; i < 2 * COUNT; i++) {
        CHECK_EQ(atoms[i].flags, IO_READ | IO_WRITE);
        CHECK(atoms[i].calls <= WAITS);
    }
    for (int i = 0; i < COUNT; i++) {
        close_pair(fds[i]);
    }
    end();
}

static const unit_test tests[] = {
    {"set_refused", "IO-ERROR-2", set_refused, UNIT_EACH},
    {"refused_again", "IO-WAIT-14 IO-WAIT-9", refused_again, UNIT_EACH},
    {"refused_and_closed", "IO-CLOSE-4 IO-CLOSE-8 IO-SET-6 IO-REMOVE-7", refused_and_closed,
     UNIT_EACH},
    {"closed", "IO-CLOSE-4 IO-CLOSE-7 IO-CLOSE-8 IO-CLOSE-9", closed, UNIT_EACH},
    {"broken_pipe", "IO-EVENT-3 IO-EVENT-7 IO-LEVEL-1 IO-ONESHOT-3 IO-REMOVE-2 IO-SET-2 IO-WAIT-10",
     broken_pipe, UNIT_EACH},
    {"seen_from_outside", "IO-INIT-8", seen_from_outside, UNIT_EACH},
    {"breaking_pipe", "IO-EDGE-1 IO-LOST-2 IO-WRITE-3", breaking_pipe, UNIT_EACH},
    {"bad_descriptor", "IO-ADD-10", bad_descriptor, UNIT_EACH},
    {"unknown_filters", "IO-ADD-7 IO-ADD-8 IO-EVENT-11", unknown_filters, UNIT_EACH},
    {"child", "IO-FORK-1 IO-INIT-9", child, UNIT_EACH},
    {"child_has_a_lower_number", "IO-FORK-1 IO-INIT-9", child_has_a_lower_number, UNIT_EACH},
    {"child_has_used_the_number", "IO-INIT-8 IO-INIT-10", child_has_used_the_number, UNIT_EACH},
    {"child_is_refused", "IO-ERROR-2 IO-FORK-1 IO-CLOSE-8", child_is_refused, UNIT_EACH},
    {"back_pressure", "IO-MASK-1 IO-MASK-2 IO-MASK-3", back_pressure, UNIT_EACH},
    {"changes_drain_nothing", "IO-LOST-1 IO-SET-2", changes_drain_nothing, UNIT_EACH},
    {"fairness", "IO-FAIR-1", fairness, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
