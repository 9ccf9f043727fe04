/* What is ready, when it is told, and that nothing is lost. */
#include "spy.h"

#include "objects.h"

#include <sys/wait.h>

static io_poller poller; /* a process for each test: always a fresh one */

/* What the kernel says of a descriptor now. */
static int poll_bits(io_fd fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    CHECK(poll(&entry, 1, 0) >= 0);
    return entry.revents;
}

/* The flags that these make ready, as section "Readiness" maps them. */
static int ready_of(int bits)
{
    int flags = 0;
    flags |= bits & (POLLIN | POLLRDHUP | POLLHUP | POLLERR) ? IO_READ : 0;
    flags |= bits & (POLLOUT | POLLHUP | POLLERR) ? IO_WRITE : 0;
    flags |= bits & POLLPRI ? IO_EXCEPT : 0;
    return flags;
}

/* Those of them that may stay untold (IO-EVENT-9). */
static int untold_of(const unit_config *config, int bits)
{
    int only_hung_up = (bits & POLLHUP) && !(bits & (POLLOUT | POLLERR));
    return kit_is_select(config) && only_hung_up ? IO_WRITE : 0;
}

/* --- readiness --- */

/* Each object, each interest: exactly what the kernel says, and what the table of objects says. */
static void told_what_is_ready(const unit_config *config)
{
    CLAUSE("IO-EVENT-1");
    CLAUSE("IO-EVENT-2");
    CLAUSE("IO-EVENT-3");
    CLAUSE("IO-EVENT-4");
    CLAUSE("IO-EVENT-5");
    CLAUSE("IO-EVENT-9");
    for (int i = 0; i < OBJECTS; i++) {
        object o = objects[i].make();
        unit_poller(&poller, config);
        for (int interest = 0; interest <= KIT_ALL; interest++) {
            unit_atom atom;
            kit_add(&poller, &atom, o.fd, interest);
            int told = kit_next(&poller, &atom);
            int bits = poll_bits(o.fd);
            int free = untold_of(config, bits);
            if (ready_of(bits) != objects[i].ready ||
                (told & ~free) != (ready_of(bits) & interest & ~free) || (told & ~interest)) {
                unit_check_eq(objects[i].name, interest, "told", told, objects[i].ready & interest);
                unit_check_eq(objects[i].name, interest, "ready", ready_of(bits), objects[i].ready);
            }
            kit_remove(&poller, &atom);
        }
        kit_end(&poller);
        object_end(&o);
    }
}

/* It ends, and is not told any more: read, written, accepted to the end. */
static void told_once_it_ends(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    CLAUSE("IO-EVENT-5");
    unit_unix_pair(fds, SOCK_STREAM);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    for (int i = 0; i < 10; i++) {
        kit_put(fds[1], 3);
        CHECK_EQ(kit_next(&poller, &atom) & IO_READ, IO_READ);
        kit_exhaust_read(&poller, &atom);
        kit_exhaust_write(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        kit_silent(&poller);
        (void)unit_drain(fds[1]);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

/* What was found and is over before the dispatch may be told; whoever meets EAGAIN has lost nothing
 * by it. */
static void told_too_late(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    CLAUSE("IO-EVENT-6");
    unit_pipe(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    for (int i = 0; i < 5; i++) {
        kit_put(fds[1], 1);
        CHECK_EQ(io_wait(&poller, 0), 1);
        (void)unit_drain(fds[0]);
        CHECK_EQ(io_dispatch(&poller), 1);
        kit_exhaust_read(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        kit_silent(&poller);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

/* An interest of which nothing is ready: no call, and sleep, whatever hang-up or error there is. */
static void silent_without_interest(const unit_config *config)
{
    CLAUSE("IO-EVENT-7");
    CLAUSE("IO-WAIT-10");
    for (int i = 0; i < OBJECTS; i++) {
        for (int kind = 0; kind < 3; kind++) {
            unit_atom atom;
            object o = objects[i].make();
            unit_poller(&poller, config);
            /* Never had one; had one; has one that a hang-up doesn't concern. */
            kit_add(&poller, &atom, o.fd, kind == 0 ? 0 : (kind == 1 ? KIT_ALL : IO_EXCEPT));
            if (kind == 1) {
                (void)kit_next(&poller, &atom);
                kit_set(&poller, &atom, 0);
            }
            if (kind < 2 || !(objects[i].ready & IO_EXCEPT)) {
                atom.calls = 0;
                spy_reset();
                CHECK_EQ(io_wait(&poller, 4), 0);
                CHECK_EQ(io_wait(&poller, 0), 0);
                CHECK_EQ(io_dispatch(&poller), 0);
                CHECK_EQ(atom.calls, 0);
                CHECK(spy_waits() <= 2 + 2 + 1 + 1);
            }
            kit_end(&poller);
            object_end(&o);
        }
    }
}

/* --- a hang-up that EAGAIN answers --- */

/* Asleep for a while: as few kernel waits as IO-WAIT-10 allows with one atom. */
static void check_asleep(unit_atom *atom, int time_ms)
{
    atom->calls = 0;
    spy_reset();
    CHECK_EQ(io_wait(&poller, time_ms), 0);
    CHECK(spy_waits() <= 2 + 2 + time_ms / 50);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_wait(&poller, 0), 0);
    CHECK_EQ(atom->calls, 0);
}

static void hang_up_answered(const unit_config *config)
{
    unit_atom atom;
    object o = object_terminal_full();
    int told = untold_of(config, poll_bits(o.fd)) ? 0 : IO_WRITE;
    CLAUSE("IO-EVENT-8");
    CHECK_EQ(poll_bits(o.fd) & (POLLHUP | POLLOUT), POLLHUP);
    kit_begin(&poller, config, &atom, o.fd, IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    kit_exhaust_write(&poller, &atom);
    check_asleep(&atom, 250);
    check_asleep(&atom, 30);
    /* io_set asks anew. */
    kit_set(&poller, &atom, IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    kit_exhaust_write(&poller, &atom);
    check_asleep(&atom, 30);
    /* Of no interest, and again. */
    kit_set(&poller, &atom, 0);
    check_asleep(&atom, 30);
    kit_set(&poller, &atom, IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    kit_exhaust_write(&poller, &atom);
    check_asleep(&atom, 30);
    /* Room makes it ready. */
    o.peer = object_terminal_slave(o.fd);
    (void)unit_drain(o.peer);
    unit_ready(o.fd, POLLOUT);
    unit_await(&poller, &atom, IO_WRITE);
    kit_end(&poller);
    object_end(&o);
}

/* Asleep in one long wait over an answered hang-up; then somebody makes room. */
static void hang_up_then_room(const unit_config *config)
{
    unit_atom atom;
    object o = object_terminal_full();
    int told = untold_of(config, poll_bits(o.fd)) ? 0 : IO_WRITE;
    CLAUSE("IO-EVENT-8");
    kit_begin(&poller, config, &atom, o.fd, IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    kit_exhaust_write(&poller, &atom);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep(150000); /* long enough to have it rest */
        io_fd slave = object_terminal_slave(o.fd);
        while (unit_drain(slave) > 0 || !(poll_bits(o.fd) & POLLOUT)) {
        }
        usleep(200000);
        _exit(0);
    }
    uint64_t begin = kit_now_ns();
    CHECK_EQ(unit_told(&poller, &atom, 20000), IO_WRITE);
    CHECK(kit_now_ns() - begin < 10000000000u);
    CHECK_EQ(waitpid(child, NULL, 0), child);
    kit_end(&poller);
    object_end(&o);
}

/* With reading, too, which meets an error each time and never EAGAIN. */
static void hang_up_half_answered(const unit_config *config)
{
    unit_atom atom;
    char byte;
    size_t size;
    object o = object_terminal_full();
    int told = untold_of(config, poll_bits(o.fd)) ? IO_READ : IO_READ | IO_WRITE;
    CLAUSE("IO-EVENT-8");
    CLAUSE("IO-EDGE-3");
    CLAUSE("IO-EDGE-5");
    CLAUSE("IO-LEVEL-1");
    kit_begin(&poller, config, &atom, o.fd, IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EIO);
    kit_exhaust_write(&poller, &atom);
    for (int i = 0; i < 5; i++) {
        int flags = unit_told(&poller, &atom, 0);
        CHECK(flags == (unit_is_edge(config) ? 0 : IO_READ) ||
              (i == 0 && flags == IO_READ && !unit_is_emulated(config)));
    }
    if (unit_is_edge(config)) {
        check_asleep(&atom, 30);
    }
    CLAUSE("IO-SET-2");
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), told);
    kit_end(&poller);
    object_end(&o);
}

/* Answered by EAGAIN after it was over: another writer came. The next hang-up is a new one. */
static void hang_up_over(const unit_config *config)
{
    unit_atom atom;
    char byte;
    size_t size;
    object o = object_fifo_left();
    CLAUSE("IO-EVENT-8");
    CLAUSE("IO-EDGE-1");
    kit_begin(&poller, config, &atom, o.fd, IO_READ);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    for (int i = 0; i < 4; i++) {
        CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EPIPE);
        io_fd writer = object_fifo_writer();
        CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EAGAIN);
        if (i % 2) {
            (void)unit_told(&poller, &atom, 0);
            kit_silent(&poller);
        }
        unit_close(writer);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    }
    kit_end(&poller);
    object_end(&o);
}

/* Take everything off a socket's queue of errors. */
static void drain_errors(io_fd fd)
{
    char bytes[512];
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    while (recvmsg(fd, &message, MSG_ERRQUEUE) >= 0) {
    }
    CHECK_EQ(errno, EAGAIN);
}

/* A socket that keeps its errors in a queue: POLLERR stays until that is read, whatever read(2)
 * says. */
static void error_answered(const unit_config *config)
{
    NEEDS_KERNEL("IP_RECVERR");
    unit_atom atom;
    int on = 1;
    char byte;
    size_t size;
    object o = object_udp_refused();
    CLAUSE("IO-EVENT-8");
    CHECK(setsockopt(o.fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) == 0);
    CHECK(read(o.fd, &byte, 1) < 0);
    unit_poller(&poller, config);
    kit_add(&poller, &atom, o.fd, IO_READ);
    for (int i = 0; i < 4; i++) {
        kit_silent(&poller);
        kit_put(o.fd, 1);
        unit_ready(o.fd, POLLERR);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -ECONNREFUSED);
        if (i < 2) {
            CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EAGAIN);
            if (!kit_is_select(config)) { /* there an error is POLLIN to it */
                check_asleep(&atom, 30);
            }
            drain_errors(o.fd);
            CHECK_EQ(io_exhausted(&poller, &atom.io, IO_READ), 0);
        } else {
            drain_errors(o.fd);
            CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EAGAIN);
        }
        (void)unit_told(&poller, &atom, 0);
    }
    /* A real edge of an error is a new error, also if the library didn't see the old one end. */
    for (int i = 0; i < 3 && unit_is_edge(config) && kit_has_set(config); i++) {
        kit_put(o.fd, 1);
        unit_ready(o.fd, POLLERR);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -ECONNREFUSED);
        CHECK_ERROR(io_read(&poller, &atom.io, &byte, 1, &size), -EAGAIN);
        drain_errors(o.fd);
    }
    kit_end(&poller);
    object_end(&o);
}

/* --- level mode --- */

/* Told in each wait as long as it is ready. */
static void level_repeats(const unit_config *config)
{
    CLAUSE("IO-LEVEL-1");
    for (int i = 0; i < OBJECTS && !unit_is_edge(config); i++) {
        unit_atom atom;
        object o = objects[i].make();
        int free = untold_of(config, poll_bits(o.fd));
        kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
        for (int round = 0; round < 5; round++) {
            int told = unit_told(&poller, &atom, 0);
            unit_check_eq(objects[i].name, round, "told", told & ~free, objects[i].ready & ~free);
        }
        kit_end(&poller);
        object_end(&o);
    }
}

/* The same through a change of the interest, a short read, and EAGAIN from the other direction. */
static void level_stays(const unit_config *config)
{
    unit_atom atom;
    io_fd fds[2];
    CLAUSE("IO-LEVEL-1");
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[1], 100);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    for (int i = 0; i < 20 && !unit_is_edge(config); i++) {
        CHECK_EQ(unit_told(&poller, &atom, 0) & IO_READ, IO_READ);
        kit_get(fds[0], 1);
        kit_set(&poller, &atom, IO_READ | (i & IO_WRITE));
        if (i == 10) {
            kit_exhaust_write(&poller, &atom);
        }
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- edge mode --- */

/* Not ready, then ready: told by the next wait, again and again. */
static void edge_told(const unit_config *config)
{
    unit_atom atom;
    object o = object_unix_fresh();
    CLAUSE("IO-EDGE-1");
    kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
    CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    for (int i = 0; i < 10; i++) {
        kit_put(o.peer, 7);
        CHECK_EQ(kit_next(&poller, &atom) & IO_READ, IO_READ);
        kit_exhaust_read(&poller, &atom);
        kit_exhaust_write(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        kit_silent(&poller);
        (void)unit_drain(o.peer);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    }
    kit_end(&poller);
    object_end(&o);
}

static void edge_told_tcp(const unit_config *config)
{
    unit_atom atom;
    char byte;
    object o = object_tcp();
    CLAUSE("IO-EDGE-1");
    CLAUSE("IO-EVENT-4");
    kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
    for (int i = 0; i < 10; i++) {
        kit_put(o.peer, 7);
        unit_ready(o.fd, POLLIN);
        CHECK_EQ(kit_next(&poller, &atom) & IO_READ, IO_READ);
        kit_exhaust_read(&poller, &atom);
        CHECK_EQ(send(o.peer, "!", 1, MSG_OOB), 1);
        unit_ready(o.fd, POLLPRI);
        CHECK_EQ(kit_next(&poller, &atom) & IO_EXCEPT, IO_EXCEPT);
        CHECK_EQ(recv(o.fd, &byte, 1, MSG_OOB), 1);
        CHECK_EQ(io_exhausted(&poller, &atom.io, IO_EXCEPT), 0);
        kit_exhaust_write(&poller, &atom);
        object_tcp_fill(o.fd);
        kit_exhaust_write(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        /* Room comes when the peer has read. */
        while (!(poll_bits(o.fd) & POLLOUT)) {
            (void)unit_drain(o.peer);
        }
        CHECK_EQ(kit_next(&poller, &atom) & IO_WRITE, IO_WRITE);
        while (unit_drain(o.peer) > 0 || object_tcp_unanswered(o.fd) > 0) {
        }
    }
    kit_end(&poller);
    object_end(&o);
}

/* From each object to the hang-up of it. */
static void edge_hang_up(const unit_config *config)
{
    CLAUSE("IO-EDGE-1");
    CLAUSE("IO-EVENT-3");
    for (int kind = 0; kind < 4; kind++) {
        unit_atom atom;
        object o = kind == 0 ? object_pipe_empty()
                             : (kind == 1 ? object_pipe_full()
                                          : (kind == 2 ? object_unix_full() : object_tcp_full()));
        kit_begin(&poller, config, &atom, o.fd, IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(&poller, &atom), 0);
        object_close_peer(&o);
        unit_ready(o.fd, POLLHUP | POLLERR);
        int bits = poll_bits(o.fd);
        int free = untold_of(config, bits);
        CHECK_EQ(kit_next(&poller, &atom) & ~free, ready_of(bits) & ~free);
        kit_end(&poller);
        object_end(&o);
    }
}

/* Told, and left as it is: further waits may tell it again, but not for ever. */
static void edge_rests(const unit_config *config)
{
    CLAUSE("IO-EDGE-5");
    CLAUSE("IO-EDGE-2");
    for (int i = 0; i < OBJECTS && unit_is_edge(config); i++) {
        for (int interest = IO_READ; interest <= 3 * IO_EXCEPT; interest += interest) {
            unit_atom atom;
            object o = objects[i].make();
            kit_begin(&poller, config, &atom, o.fd, interest > KIT_ALL ? KIT_ALL : interest);
            (void)kit_next(&poller, &atom);
            int calls = atom.calls;
            for (int round = 0; round < 3; round++) {
                (void)unit_told(&poller, &atom, 0);
            }
            CHECK(atom.calls <= calls + 2);
            CHECK_EQ(io_wait(&poller, 2), 0);
            kit_end(&poller);
            object_end(&o);
        }
    }
}

/* How a flag is let go again. */
enum { BY_READ, BY_READV, BY_EXHAUSTED, BY_SET, BY_WRITE, BY_WRITEV, WAYS };

static void let_go(unit_atom *atom, int way)
{
    static char bytes[4096];
    struct iovec iov = {bytes, sizeof(bytes)};
    size_t size;
    int result = 0;
    while (result == 0 && way != BY_EXHAUSTED && way != BY_SET) {
        result = way == BY_READ    ? io_read(&poller, &atom->io, bytes, sizeof(bytes), &size)
                 : way == BY_READV ? io_readv(&poller, &atom->io, &iov, 1, &size)
                 : way == BY_WRITE ? io_write(&poller, &atom->io, bytes, sizeof(bytes), &size)
                                   : io_writev(&poller, &atom->io, &iov, 1, &size);
    }
    CHECK(result == 0 || result == -EAGAIN);
    if (way == BY_EXHAUSTED) {
        (void)unit_drain(atom->io.fd);
        CHECK_EQ(io_exhausted(&poller, &atom->io, IO_READ), 0);
    } else if (way == BY_SET) {
        (void)unit_drain(atom->io.fd);
        kit_set(&poller, atom, IO_READ | IO_WRITE);
    }
}

/* Emulated: held back, whatever comes, until the library sees EAGAIN or is asked. */
static void edge_held_back(const unit_config *config)
{
    CLAUSE("IO-EDGE-3");
    for (int way = 0; way < WAYS && unit_is_emulated(config); way++) {
        unit_atom atom;
        int flag = way < BY_WRITE ? IO_READ : IO_WRITE;
        object o = object_unix_fresh();
        kit_begin(&poller, config, &atom, o.fd, IO_READ | IO_WRITE);
        kit_put(o.peer, 5);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ | IO_WRITE);
        atom.calls = 0;
        for (int i = 0; i < 3; i++) {
            kit_put(o.peer, 5);
            kit_silent(&poller);
            kit_get(o.fd, 5); /* a short read is no EAGAIN */
            kit_silent(&poller);
        }
        CHECK_EQ(atom.calls, 0);
        let_go(&atom, way);
        if (way == BY_SET) {
            CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
        }
        kit_silent(&poller);
        if (flag == IO_READ) {
            kit_put(o.peer, 5);
        } else {
            (void)unit_drain(o.peer);
        }
        CHECK_EQ(kit_next(&poller, &atom), flag);
        kit_silent(&poller);
        kit_end(&poller);
        object_end(&o);
    }
}

/* Let go while it is ready: told by the next wait. */
static void edge_let_go_ready(const unit_config *config)
{
    unit_atom atom;
    object o = object_unix_fresh();
    CLAUSE("IO-EDGE-3");
    kit_put(o.peer, 5);
    kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
    for (int flags = 1; flags < 4 && unit_is_emulated(config); flags++) {
        kit_set(&poller, &atom, KIT_ALL);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ | IO_WRITE);
        CHECK_EQ(io_exhausted(&poller, &atom.io, 0), 0);
        kit_silent(&poller);
        CHECK_EQ(io_exhausted(&poller, &atom.io, flags), 0);
        CHECK_EQ(kit_next(&poller, &atom), flags);
        /* A flag of no interest is not told for that. */
        kit_set(&poller, &atom, IO_EXCEPT);
        CHECK_EQ(io_exhausted(&poller, &atom.io, KIT_ALL), 0);
        kit_silent(&poller);
    }
    kit_end(&poller);
    object_end(&o);
}

static void listener_exhausted(const unit_config *config)
{
    unit_atom listener, accepted;
    object o = object_tcp_waiting();
    CLAUSE("IO-EDGE-3");
    kit_begin(&poller, config, &listener, o.fd, IO_READ);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(kit_next(&poller, &listener), IO_READ);
        CHECK_EQ(io_socket_accept(&poller, &accepted.io, unit_note, 0, &listener.io, NULL), 0);
        CHECK_ERROR(io_socket_accept(&poller, &accepted.io, unit_note, 0, &listener.io, NULL),
                    -EAGAIN);
        CHECK_EQ(io_close(&poller, &accepted.io), 0);
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        CHECK(getsockname(o.fd, (struct sockaddr *)&address, &size) == 0);
        object_close_peer(&o);
        o.peer = object_socket(SOCK_STREAM);
        kit_silent(&poller);
        (void)connect(o.peer, (struct sockaddr *)&address, size);
        unit_ready(o.fd, POLLIN);
    }
    kit_end(&poller);
    object_end(&o);
}

static void exhausted_errors(const unit_config *config)
{
    static const int bad[] = {IO_ONESHOT, 15, 16, 256, -1, IO_READ | IO_ONESHOT};
    unit_atom atom, stranger;
    object o = object_pipe_data();
    CLAUSE("IO-EDGE-4");
    kit_begin(&poller, config, &atom, o.fd, IO_READ);
    unit_atom_init(&stranger, o.fd);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(io_exhausted(&poller, &atom.io, bad[i]), -EINVAL);
        CHECK_ERROR(io_exhausted(&poller, &stranger.io, bad[i]), -EINVAL);
    }
    for (int flags = 0; flags <= KIT_ALL; flags++) {
        CHECK_EQ(io_exhausted(&poller, &atom.io, flags), 0);
        CHECK_ERROR(io_exhausted(&poller, &stranger.io, flags), -ENOENT);
    }
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_remove(&poller, &atom);
    CHECK_ERROR(io_exhausted(&poller, &atom.io, IO_READ), -ENOENT);
    kit_end(&poller);
    object_end(&o);
}

/* --- nothing lost --- */

/* Found, and not told yet: through further waits, errors of them, and other changes. */
static void lost_nothing_pending(const unit_config *config)
{
    unit_atom atom, second;
    object o = object_unix_fresh();
    object p = object_unix_fresh();
    CLAUSE("IO-LOST-1");
    kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
    kit_put(o.peer, 1);
    kit_found(&poller, 1);
    kit_get(o.fd, 1);
    (void)unit_fill(o.fd);
    kit_add(&poller, &second, p.fd, IO_READ);
    spy_reset();
    spy_fail(spy_wait_of(config), ENOMEM, 0, 1);
    CHECK_ERROR(io_wait(&poller, 0), -ENOMEM);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_remove(&poller, &second);
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.flags, IO_READ | IO_WRITE);
    kit_end(&poller);
    object_end(&o);
    object_end(&p);
}

/* Ready while it is of no interest: each flag, from each interest without it, with and without a
 * wait meanwhile. */
static void lost_nothing_masked(const unit_config *config)
{
    CLAUSE("IO-LOST-2");
    for (int round = 0; round < 2 * 2 * 8; round++) {
        unit_atom atom;
        int flag = round & 1 ? IO_READ : IO_WRITE;
        int before = round >> 2 & ~flag;
        object o = object_unix_full();
        kit_begin(&poller, config, &atom, o.fd, IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(&poller, &atom), 0);
        kit_exhaust_read(&poller, &atom);
        kit_exhaust_write(&poller, &atom);
        kit_set(&poller, &atom, before);
        if (flag == IO_READ) {
            kit_put(o.peer, 1);
        } else {
            (void)unit_drain(o.peer);
        }
        if (round & 2) {
            CHECK_EQ(unit_told(&poller, &atom, 0), 0);
            CHECK_EQ(unit_told(&poller, &atom, 5), 0);
        }
        kit_set(&poller, &atom, before | flag);
        CHECK_EQ(kit_next(&poller, &atom), flag);
        kit_end(&poller);
        object_end(&o);
    }
}

/* The same in turns: dropped and taken up at every step of a stream's life. */
static void lost_nothing_in_turns(const unit_config *config)
{
    unit_atom atom;
    object o = object_unix_fresh();
    CLAUSE("IO-LOST-2");
    kit_begin(&poller, config, &atom, o.fd, IO_READ | IO_WRITE);
    for (uint32_t step = 0, dice = 1; step < KIT_TURNS; step++) {
        dice = dice * 1664525u + 1013904223u;
        int interest = (int)(dice >> 20) & 3;
        switch (dice >> 28) {
        case 0:
        case 1:
            kit_put(o.peer, 1);
            break;
        case 2:
            (void)unit_drain(o.peer);
            break;
        case 3:
            kit_exhaust_read(&poller, &atom);
            break;
        case 4:
            kit_exhaust_write(&poller, &atom);
            break;
        case 5:
        case 6:
            (void)unit_told(&poller, &atom, 0);
            break;
        case 7:
            kit_set(&poller, &atom, interest);
            break;
        case 8:
            (void)io_wait(&poller, 0);
            break;
        default: {
            /* What is ready is told, once it is of interest. */
            kit_set(&poller, &atom, interest);
            int ready = ready_of(poll_bits(o.fd)) & interest;
            CHECK_EQ(kit_next(&poller, &atom) & ready, ready);
        }
        }
        if (poll_bits(o.fd) & POLLIN && dice % 8 == 0) {
            (void)unit_drain(o.fd);
        }
    }
    kit_end(&poller);
    object_end(&o);
}

/* --- the same program everywhere --- */

enum { STREAM = 300000, CHUNK = 5000, ENDS = 4 };

/* Two pairs: bytes go from 0 to 1, are relayed from 1 to 2 in the program, and come out at 3. */
static struct {
    unit_atom atoms[ENDS];
    int sent, relayed, received;
    unsigned char store[CHUNK];
    int stored;
    uint32_t sum;
    int ended;
} flow;

static void flow_send(io_poller *p, io_atom *atom, int flags)
{
    static unsigned char bytes[CHUNK];
    size_t size = 0;
    CHECK_EQ(flags, IO_WRITE);
    while (flow.sent < STREAM) {
        size_t want = (size_t)(STREAM - flow.sent < CHUNK ? STREAM - flow.sent : CHUNK);
        for (size_t i = 0; i < want; i++) {
            bytes[i] = (unsigned char)((flow.sent + (int)i) * 31 >> 3);
        }
        if (io_write(p, atom, bytes, want, &size) < 0) {
            CHECK_EQ(errno, EAGAIN);
            return;
        }
        flow.sent += (int)size;
    }
    CHECK(shutdown(atom->fd, SHUT_WR) == 0);
    CHECK_EQ(io_set(p, atom, 0), 0);
}

/* Reads to exhaustion what fits, writes to exhaustion what is there; back-pressure by the interest.
 */
static void flow_relay(io_poller *p, io_atom *atom, int flags)
{
    io_atom *in = &flow.atoms[1].io, *out = &flow.atoms[2].io;
    size_t size = 0;
    int result = 0;
    CHECK((atom == in && flags == IO_READ) || (atom == out && flags == IO_WRITE));
    while (result == 0) {
        result = flow.stored < CHUNK ? io_read(p, in, flow.store + flow.stored,
                                               (size_t)(CHUNK - flow.stored), &size)
                                     : -ENOBUFS;
        flow.stored += result == 0 ? (int)size : 0;
        if (flow.stored > 0 && io_write(p, out, flow.store, (size_t)flow.stored, &size) == 0) {
            memmove(flow.store, flow.store + size, (size_t)flow.stored - size);
            flow.stored -= (int)size;
            flow.relayed += (int)size;
            result = result == -EPIPE ? -EPIPE : 0;
        }
    }
    CHECK_EQ(io_set(p, in, flow.stored < CHUNK && result != -EPIPE ? IO_READ : 0), 0);
    CHECK_EQ(io_set(p, out, flow.stored > 0 ? IO_WRITE : 0), 0);
    if (result == -EPIPE && flow.stored == 0) {
        CHECK(shutdown(out->fd, SHUT_WR) == 0);
    }
}

static void flow_receive(io_poller *p, io_atom *atom, int flags)
{
    unsigned char bytes[700];
    size_t size = 0;
    int result = 0;
    CHECK_EQ(flags, IO_READ);
    while ((result = io_read(p, atom, bytes, sizeof(bytes), &size)) == 0) {
        for (size_t i = 0; i < size; i++) {
            CHECK_EQ(bytes[i], (unsigned char)((flow.received + (int)i) * 31 >> 3));
            flow.sum = flow.sum * 16777619u + bytes[i];
        }
        flow.received += (int)size;
    }
    CHECK(result == -EAGAIN || result == -EPIPE);
    flow.ended = result == -EPIPE;
    CHECK(!flow.ended || io_set(p, atom, 0) == 0);
}

static uint32_t flow_sum(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < STREAM; i++) {
        sum = sum * 16777619u + (unsigned char)(i * 31 >> 3);
    }
    return sum;
}

static void same_everywhere(const unit_config *config)
{
    static const io_proc procs[ENDS] = {flow_send, flow_relay, flow_relay, flow_receive};
    static const int interests[ENDS] = {IO_WRITE, IO_READ, 0, IO_READ};
    CLAUSE("IO-EQUIV-1");
    for (int tcp = 0; tcp < 2; tcp++) {
        io_fd fds[ENDS];
        memset(&flow, 0, sizeof(flow));
        for (int i = 0; i < ENDS; i += 2) {
            if (tcp) {
                unit_tcp_pair(fds + i);
            } else {
                unit_unix_pair(fds + i, SOCK_STREAM);
            }
        }
        unit_poller(&poller, config);
        for (int i = 0; i < ENDS; i++) {
            unit_atom_init(&flow.atoms[i], fds[i]);
            flow.atoms[i].io.proc = procs[i];
            CHECK_EQ(io_add(&poller, &flow.atoms[i].io, interests[i]), 0);
        }
        while (!flow.ended) {
            CHECK(io_wait(&poller, 5000) > 0); /* no stall */
            CHECK(io_dispatch(&poller) > 0);
        }
        CHECK_EQ(flow.sent, STREAM);
        CHECK_EQ(flow.relayed, STREAM);
        CHECK_EQ(flow.received, STREAM);
        CHECK_EQ(flow.stored, 0);
        CHECK_EQ(flow.sum, flow_sum());
        kit_silent(&poller);
        kit_end(&poller);
        unit_close_pair(fds);
        unit_close_pair(fds + 2);
    }
}

static const unit_test tests[] = {
    {"told_what_is_ready", "IO-EVENT-1 IO-EVENT-2 IO-EVENT-3 IO-EVENT-4 IO-EVENT-5 IO-EVENT-9",
     told_what_is_ready, UNIT_EACH},
    {"told_once_it_ends", "IO-EVENT-5", told_once_it_ends, UNIT_EACH},
    {"told_too_late", "IO-EVENT-6", told_too_late, UNIT_EACH},
    {"silent_without_interest", "IO-EVENT-7 IO-WAIT-10", silent_without_interest, UNIT_EACH},
    {"hang_up_answered", "IO-EVENT-8", hang_up_answered, UNIT_EACH},
    {"hang_up_then_room", "IO-EVENT-8", hang_up_then_room, UNIT_EACH},
    {"hang_up_half_answered", "IO-EVENT-8 IO-EDGE-3 IO-EDGE-5 IO-LEVEL-1 IO-SET-2",
     hang_up_half_answered, UNIT_EACH},
    {"hang_up_over", "IO-EVENT-8 IO-EDGE-1", hang_up_over, UNIT_EACH},
    {"error_answered", "IO-EVENT-8", error_answered, UNIT_EACH},
    {"level_repeats", "IO-LEVEL-1", level_repeats, UNIT_EACH},
    {"level_stays", "IO-LEVEL-1", level_stays, UNIT_EACH},
    {"edge_told", "IO-EDGE-1", edge_told, UNIT_EACH},
    {"edge_told_tcp", "IO-EDGE-1 IO-EVENT-4", edge_told_tcp, UNIT_EACH},
    {"edge_hang_up", "IO-EDGE-1 IO-EVENT-3", edge_hang_up, UNIT_EACH},
    {"edge_rests", "IO-EDGE-5 IO-EDGE-2", edge_rests, UNIT_EACH},
    {"edge_held_back", "IO-EDGE-3", edge_held_back, UNIT_EACH},
    {"edge_let_go_ready", "IO-EDGE-3", edge_let_go_ready, UNIT_EACH},
    {"listener_exhausted", "IO-EDGE-3", listener_exhausted, UNIT_EACH},
    {"exhausted_errors", "IO-EDGE-4", exhausted_errors, UNIT_EACH},
    {"lost_nothing_pending", "IO-LOST-1", lost_nothing_pending, UNIT_EACH},
    {"lost_nothing_masked", "IO-LOST-2", lost_nothing_masked, UNIT_EACH},
    {"lost_nothing_in_turns", "IO-LOST-2", lost_nothing_in_turns, UNIT_EACH},
    {"same_everywhere", "IO-EQUIV-1", same_everywhere, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
