/* Descriptors that are closed without io_remove, epoll sets that are made anew, and fork. */
#include "spy.h"

#include "kit.h"

#include <stdio.h>
#include <sys/wait.h>

static io_poller poller; /* a process for each test: always a fresh one */

/* --- closed without io_remove --- */

/* How the atom stands when its descriptor is closed. */
enum { NO_INTEREST, WAITING, READY, TOLD, MASKED, SPENT_ONESHOT, EXCEPT_ONLY, STANDS };
/* What becomes of the number. */
enum { FREE, ORDINARY_FILE, OTHER_PIPE, EPOLL_SET, PATH_ONLY, FATES };

static void stand(unit_atom *atom, io_fd fds[2], int how)
{
    static const int interests[STANDS] = {0,
                                          IO_READ,
                                          IO_READ | IO_WRITE,
                                          IO_READ | IO_WRITE,
                                          IO_READ | IO_WRITE,
                                          IO_READ | IO_WRITE | IO_ONESHOT,
                                          IO_EXCEPT};
    kit_add(&poller, atom, fds[0], interests[how]);
    if (how == READY || how == TOLD) {
        kit_put(fds[1], 1);
    }
    if (how == TOLD || how == SPENT_ONESHOT) {
        CHECK(kit_next(&poller, atom) != 0);
    }
    if (how == MASKED) {
        kit_exhaust_read(&poller, atom);
        kit_set(&poller, atom, IO_READ);
    }
}

/* Something that gets the number; -1 if nothing does. */
static io_fd take_number(io_fd number, int fate, io_fd pipe_end)
{
    io_fd fd = -1;
    if (fate == ORDINARY_FILE) {
        fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    } else if (fate == OTHER_PIPE) {
        fd = fcntl(pipe_end, F_DUPFD_CLOEXEC, 0);
    } else if (fate == EPOLL_SET) {
        fd = epoll_create1(EPOLL_CLOEXEC);
    } else if (fate == PATH_ONLY) {
        fd = open(".", O_PATH | O_CLOEXEC);
    }
    return fd < 0 || fd == number ? fd : kit_move(fd, number);
}

/* Some waits: none fails, none spins, and another atom gets what is its own. */
static void check_alive(unit_atom *other, io_fd writer, io_fd own_writer)
{
    for (int i = 0; i < 3; i++) {
        spy_reset();
        int found = io_wait(&poller, 1);
        CHECK(found >= 0);
        CHECK(found > 0 || spy_waits() <= 2 + 2 * 2 + 1);
        CHECK_EQ(io_dispatch(&poller), found);
        kit_put(writer, 1);
        CHECK_EQ(kit_next_of(&poller, other, 2), IO_READ);
        kit_exhaust_read(&poller, other);
        (void)unit_told(&poller, other, 0);
        (void)unit_drain(own_writer);
        kit_put(own_writer, 1); /* events of the file that was closed */
    }
}

static void close_case(const unit_config *config, int how, int fate, int twin)
{
    io_fd fds[2], other_fds[2], spare[2];
    unit_atom atom, other;
    unit_unix_pair(fds, SOCK_STREAM);
    unit_pipe(other_fds);
    unit_unix_pair(spare, SOCK_STREAM);
    kit_begin(&poller, config, &other, other_fds[0], IO_READ);
    stand(&atom, fds, how);
    io_fd copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
    unit_close(fds[0]);
    io_fd successor = take_number(fds[0], fate, spare[0]);
    CHECK(twin || close(copy) == 0);
    /* Without a twin the peer has nobody to write to: it writes into the spare pair. */
    check_alive(&other, other_fds[1], twin ? fds[1] : spare[1]);
    kit_remove(&poller, &atom);
    atom.calls = 0;
    check_alive(&other, other_fds[1], twin ? fds[1] : spare[1]);
    CHECK_EQ(atom.calls, 0);
    CHECK_EQ(io_fd_check(&poller), 0);
    kit_end(&poller);
    CHECK(successor < 0 || close(successor) == 0);
    CHECK(!twin || close(copy) == 0);
    unit_close(fds[1]);
    unit_close_pair(other_fds);
    unit_close_pair(spare);
}

static void closed_harmless(const unit_config *config)
{
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-CLOSE-6");
    for (int how = 0; how < STANDS; how++) {
        for (int fate = 0; fate < FATES; fate++) {
            close_case(config, how, fate, 0);
            close_case(config, how, fate, 1);
        }
    }
}

/* Many at once, of which some have a twin; the others go on, and who is told what is kept over it.
 */
static void closed_many(const unit_config *config)
{
    enum { COUNT = 100 };
    static unit_atom atoms[COUNT];
    static io_fd pairs[COUNT][2], twins[COUNT];
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-CLOSE-8");
    kit_allow(3 * COUNT + 50);
    unit_poller(&poller, config);
    for (int i = 0; i < COUNT; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        kit_add(&poller, &atoms[i], pairs[i][0], IO_READ | IO_WRITE);
        kit_exhaust_read(&poller, &atoms[i]);
        kit_set(&poller, &atoms[i], IO_READ);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 != 0) {
            twins[i] = i % 3 == 1 ? fcntl(pairs[i][0], F_DUPFD_CLOEXEC, 300) : -1;
            unit_close(pairs[i][0]);
        }
    }
    CHECK_EQ(io_fd_check(&poller), COUNT - (COUNT + 2) / 3);
    for (int i = 0; i < COUNT; i += 3) {
        kit_put(pairs[i][1], 1);
    }
    for (int i = 0; i < kit_rounds(COUNT); i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    CHECK_EQ(io_fd_check(&poller), COUNT - (COUNT + 2) / 3);
    for (int i = 0; i < COUNT; i++) {
        CHECK(i % 3 != 0 || atoms[i].calls > 0);
        kit_remove(&poller, &atoms[i]);
        CHECK(i % 3 != 0 || close(pairs[i][0]) == 0);
        CHECK(i % 3 != 1 || close(twins[i]) == 0);
        unit_close(pairs[i][1]);
    }
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_EQ(io_wait(&poller, 5), 0);
    kit_end(&poller);
}

/* One more is closed before each wait: that hides nobody else. */
static void closed_hides_nobody(const unit_config *config)
{
    io_fd pair[2];
    unit_atom atom;
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-FAIR-1");
    unit_unix_pair(pair, SOCK_STREAM);
    kit_begin(&poller, config, &atom, pair[0], IO_READ);
    kit_put(pair[1], 1);
    int told = 0;
    for (int i = 0; i < kit_rounds(2); i++) {
        io_fd fds[2];
        unit_atom closed;
        unit_unix_pair(fds, SOCK_STREAM);
        kit_add(&poller, &closed, fds[0], IO_READ);
        unit_close_pair(fds);
        told |= unit_told(&poller, &atom, 0);
        kit_remove(&poller, &closed);
    }
    CHECK_EQ(told, IO_READ);
    kit_end(&poller);
    unit_close_pair(pair);
}

/* Dead: silent, whoever has the number now, and whatever it is set to. */
static void check_dead(unit_atom *atom)
{
    atom->calls = 0;
    CHECK_EQ(io_fd_check(&poller), 1);
    kit_quiet(&poller);
    for (int flags = 0; flags <= 15; flags += 5) {
        int result = io_set(&poller, &atom->io, flags);
        CHECK(result == 0 || (result == -EBADF && errno == EBADF));
        kit_quiet(&poller);
    }
    CHECK_EQ(io_exhausted(&poller, &atom->io, KIT_ALL), 0);
    kit_silent(&poller);
    CHECK_EQ(atom->calls, 0);
    CHECK_EQ(io_fd_check(&poller), 1);
}

/* select and poll: one last event, of every interest. */
static void closed_last_event(const unit_config *config)
{
    if (kit_has_set(config)) {
        return;
    }
    CLAUSE("IO-CLOSE-5");
    CLAUSE("IO-SET-6");
    CLAUSE("IO-CLOSE-9");
    for (int interest = 0; interest <= 15; interest++) {
        io_fd fds[2], next[2];
        unit_atom atom, other;
        unit_poller(&poller, config);
        unit_unix_pair(fds, SOCK_STREAM);
        unit_unix_pair(next, SOCK_STREAM);
        unit_close(next[1]); /* ready for everything */
        (void)unit_fill(fds[0]);
        kit_add(&poller, &atom, fds[0], interest);
        kit_add(&poller, &other, fds[1], 0);
        CHECK_EQ(io_wait(&poller, 0), 0);
        unit_close(fds[0]);
        CHECK_EQ(io_fd_check(&poller), 1);
        int last = interest & (IO_READ | IO_WRITE);
        CHECK_EQ(io_wait(&poller, 0), last != 0);
        CHECK_EQ(io_dispatch(&poller), last != 0);
        CHECK_EQ(atom.flags, last);
        if ((interest & KIT_ALL) != 0) {
            check_dead(&atom);
            kit_move(next[0], fds[0]);
            check_dead(&atom);
            unit_close(fds[0]);
        } else {
            unit_close(next[0]);
        }
        kit_remove(&poller, &atom);
        CHECK_EQ(io_fd_check(&poller), 0);
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* What was told and held back, or of no interest, is not told at the end; asked for anew it is. */
static void closed_held_back(const unit_config *config)
{
    if (!unit_is_emulated(config)) {
        return;
    }
    CLAUSE("IO-CLOSE-5");
    for (int kind = 0; kind < 3; kind++) {
        io_fd fds[2];
        unit_atom atom;
        unit_unix_pair(fds, SOCK_STREAM);
        kit_put(fds[1], 1);
        kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ | IO_WRITE);
        if (kind == 1) {
            kit_exhaust_write(&poller, &atom);
        }
        unit_close(fds[0]);
        CHECK_EQ(kit_next(&poller, &atom), kind == 1 ? IO_WRITE : 0);
        if (kind == 2) {
            kit_set(&poller, &atom, IO_READ);
            CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        }
        CHECK(kind == 0 || io_fd_check(&poller) == 1);
        kit_silent(&poller);
        kit_remove(&poller, &atom);
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* It is found out when a set is made anew: then, too, the atom is dead. */
static void closed_found_anew(const unit_config *config)
{
    io_fd fds[2], next[2];
    unit_atom atom;
    if (!kit_has_set(config)) {
        return;
    }
    CLAUSE("IO-SET-6");
    CLAUSE("IO-CLOSE-8");
    CLAUSE("IO-CLOSE-9");
    unit_unix_pair(fds, SOCK_STREAM);
    unit_unix_pair(next, SOCK_STREAM);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    unit_close(fds[0]);
    int result = io_set(&poller, &atom.io, IO_READ | IO_WRITE);
    CHECK(result == 0 || (result == -EBADF && errno == EBADF));
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK(io_wait(&poller, 0) >= 0);
    CHECK(io_dispatch(&poller) >= 0);
    check_dead(&atom);
    kit_move(next[0], fds[0]);
    check_dead(&atom);
    /* Making the set once more doesn't bring it back: the number is another's, which is hung up. */
    unit_close(next[1]);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    spy_reset();
    check_dead(&atom);
    CHECK_EQ(spy_create_of(config)->count, 0);
    kit_remove(&poller, &atom);
    CHECK_EQ(io_add(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* io_set after the descriptor was closed, and its number perhaps taken: one of two answers, and no
 * harm. */
static void closed_set(const unit_config *config)
{
    CLAUSE("IO-CLOSE-9");
    CLAUSE("IO-CLOSE-4");
    for (int kind = 0; kind < 4; kind++) {
        for (int flags = 0; flags <= 15; flags++) {
            io_fd fds[2], next[2], twin = -1;
            unit_atom atom;
            unit_unix_pair(fds, SOCK_STREAM);
            unit_unix_pair(next, SOCK_STREAM);
            kit_begin(&poller, config, &atom, fds[0], IO_READ);
            twin = kind & 1 ? fcntl(fds[0], F_DUPFD_CLOEXEC, 100) : -1;
            unit_close(fds[0]);
            CHECK(!(kind & 2) || kit_move(next[0], fds[0]) == fds[0]);
            int result = io_set(&poller, &atom.io, flags);
            CHECK(result == 0 || (result == -EBADF && errno == EBADF));
            CHECK(io_wait(&poller, 0) >= 0);
            CHECK(io_dispatch(&poller) >= 0);
            kit_remove(&poller, &atom);
            kit_quiet(&poller);
            kit_end(&poller);
            unit_close(kind & 2 ? fds[0] : next[0]);
            CHECK(twin < 0 || close(twin) == 0);
            unit_close(fds[1]);
            unit_close(next[1]);
        }
    }
}

/* The number goes on to another file and atom, while a twin of the first one makes events; then to
 * the same file. */
static void number_goes_on(const unit_config *config)
{
    CLAUSE("IO-CLOSE-7");
    for (int round = 0; round < 8; round++) {
        io_fd old[2], next[2];
        unit_atom first, second;
        unit_unix_pair(old, SOCK_STREAM);
        unit_unix_pair(next, SOCK_STREAM);
        (void)unit_fill(next[0]);
        kit_begin(&poller, config, &first, old[0], IO_READ | IO_WRITE);
        CHECK(round & 1 || kit_next(&poller, &first) == IO_WRITE);
        io_fd twin = fcntl(old[0], F_DUPFD_CLOEXEC, 100);
        unit_close(old[0]);
        if (round & 2) {
            CHECK(io_wait(&poller, 0) >= 0);
        }
        kit_remove(&poller, &first);
        first.calls = 0;
        kit_dup_to(round & 4 ? twin : next[0], old[0]);
        kit_add(&poller, &second, old[0], IO_READ);
        CHECK_EQ(io_dispatch(&poller), 0);
        kit_silent(&poller);
        kit_put(old[1], 1);
        CHECK_EQ(kit_next(&poller, &second), round & 4 ? IO_READ : 0);
        kit_put(next[1], 1);
        kit_set(&poller, &second, IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(&poller, &second) & IO_READ, IO_READ);
        kit_exhaust_read(&poller, &second);
        kit_exhaust_write(&poller, &second);
        (void)unit_told(&poller, &second, 0);
        kit_silent(&poller);
        (void)unit_drain(next[1]);
        (void)unit_drain(old[1]);
        CHECK_EQ(kit_next(&poller, &second), IO_WRITE);
        CHECK_EQ(first.calls, 0);
        kit_end(&poller);
        unit_close_pair(old);
        unit_close_pair(next);
        unit_close(twin);
    }
}

static void check_counts(const unit_config *config)
{
    io_fd pairs[4][2];
    unit_atom atoms[4];
    CLAUSE("IO-CLOSE-8");
    unit_poller(&poller, config);
    CHECK_EQ(io_fd_check(&poller), 0);
    for (int i = 0; i < 4; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        kit_add(&poller, &atoms[i], pairs[i][0], i % 2 ? IO_WRITE : 0);
    }
    CHECK_EQ(io_fd_check(&poller), 0);
    for (int i = 0; i < 4; i++) {
        unit_close(pairs[i][0]);
        CHECK_EQ(io_fd_check(&poller), i + 1);
        CHECK_EQ(io_fd_check(&poller), i + 1);
    }
    /* It changes nothing: who is not found out yet is alive when the number is open again. */
    io_fd last = pairs[0][0];
    kit_dup_to(pairs[0][1], last);
    CHECK_EQ(io_fd_check(&poller), 3);
    kit_set(&poller, &atoms[0], 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(io_remove(&poller, &atoms[i].io), 0);
        CHECK_EQ(io_fd_check(&poller), i == 0 ? 3 : 3 - i);
    }
    kit_end(&poller);
    unit_close(last);
    for (int i = 0; i < 4; i++) {
        unit_close(pairs[i][1]);
    }
}

/* --- the epoll set is made anew --- */

/* A registration that nobody can remove, and which has an event; the next wait makes a new set. */
static void make_stale(io_fd fds[2], io_fd *twin)
{
    unit_atom gone;
    unit_unix_pair(fds, SOCK_STREAM);
    kit_add(&poller, &gone, fds[0], IO_READ);
    *twin = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
    unit_close(fds[0]);
    kit_remove(&poller, &gone);
    kit_put(fds[1], 1);
}

/* Interests, pending events, dropped flags and oneshots are what they were; so is the poller's own
 * descriptor. */
static void made_anew(const unit_config *config)
{
    enum { COUNT = 5 };
    io_fd pairs[COUNT][2], fds[2], twin;
    unit_atom atoms[COUNT];
    if (!kit_is_epoll(config)) {
        return;
    }
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-INIT-8");
    CLAUSE("IO-INIT-9");
    unit_poller(&poller, config);
    for (int i = 0; i < COUNT; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        kit_add(&poller, &atoms[i], pairs[i][0],
                i == 3 ? IO_WRITE | IO_ONESHOT : (i < 2 ? IO_READ : 0));
    }
    io_fd own = io_poller_fd(&poller);
    kit_put(pairs[0][1], 1);
    CHECK_EQ(io_wait(&poller, 0), 2);
    make_stale(fds, &twin);
    spy_reset();
    CHECK_EQ(io_wait(&poller, 0), 2);
    CHECK_EQ(io_dispatch(&poller), 2);
    CHECK_EQ(io_poller_fd(&poller), own);
    CHECK((fcntl(own, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(atoms[0].flags, IO_READ);
    CHECK_EQ(atoms[3].flags, IO_WRITE);
    kit_exhaust_read(&poller, &atoms[0]);
    (void)unit_told(&poller, &atoms[0], 0);
    kit_put(fds[1], 1); /* an event of the old set, if there still were one */
    kit_put(pairs[2][1], 1);
    kit_silent(&poller);
    struct pollfd entry = {.fd = own, .events = POLLIN};
    CHECK_EQ(poll(&entry, 1, 0), 0);
    kit_put(pairs[1][1], 1);
    CHECK_EQ(poll(&entry, 1, 0), 1);
    CHECK_EQ(kit_next_of(&poller, &atoms[1], COUNT), IO_READ);
    kit_set(&poller, &atoms[2], IO_READ);
    CHECK_EQ(kit_next_of(&poller, &atoms[2], COUNT), IO_READ);
    kit_set(&poller, &atoms[3], IO_WRITE);
    CHECK_EQ(kit_next_of(&poller, &atoms[3], COUNT), IO_WRITE);
    CHECK_EQ(atoms[4].calls, 0);
    CHECK_EQ(spy.create.count, 1); /* once is enough */
    kit_end(&poller);
    for (int i = 0; i < COUNT; i++) {
        unit_close_pair(pairs[i]);
    }
    unit_close(fds[1]);
    unit_close(twin);
}

/* The set can't be made anew: what is pending is delivered, the error is the result if nothing is,
 * no wait spins, and it is made up for later. */
static void made_anew_later(const unit_config *config)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM};
    for (int kind = 0; kind < 6 && kit_is_epoll(config); kind++) {
        io_fd pair[2], fds[2], twin;
        unit_atom atom;
        int error = errors[kind / 2];
        CLAUSE("IO-WAIT-9");
        unit_unix_pair(pair, SOCK_STREAM);
        kit_begin(&poller, config, &atom, pair[0], IO_READ);
        make_stale(fds, &twin);
        if (kind % 2) {
            kit_put(pair[1], 1);
        }
        spy_reset();
        spy_fail(&spy.create, error, 0, -1);
        if (kind % 2) {
            CHECK_EQ(io_wait(&poller, 0), 1);
        } else {
            CHECK_ERROR(io_wait(&poller, 1000), -error);
        }
        CHECK_EQ(spy.create.count, 1);
        spy_reset();
        CHECK_EQ(io_dispatch(&poller), kind % 2);
        if (kind % 2) {
            kit_exhaust_read(&poller, &atom);
        }
        kit_put(fds[1], 1);
        CHECK_EQ(io_wait(&poller, 5), 0);
        CHECK_EQ(spy.create.count, 1);
        CHECK(spy_waits() <= 2 + 2 + 1);
        kit_put(pair[1], 1);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_end(&poller);
        unit_close_pair(pair);
        unit_close(fds[1]);
        unit_close(twin);
    }
}

/* Found closed with every place of the queue in use: there is one for its last event. */
static void made_anew_full_queue(const unit_config *config)
{
    enum { COUNT = 4 };
    static uint64_t storage[COUNT * 28 / sizeof(uint64_t) + 1];
    unit_atom atoms[COUNT];
    io_fd fds[2], saved[COUNT];
    io_event event;
    CLAUSE("IO-FORK-1");
    unit_poller(&poller, config);
    kit_end(&poller);
    unit_pipe(fds);
    kit_put(fds[1], 1);
    kit_move(fds[0], 100);
    kit_move(fds[1], 101);
    kit_take_numbers(COUNT, saved);
    for (int fd = 0; fd < COUNT; fd++) {
        kit_dup_to(100, fd);
    }
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage,
                               io_poller_storage_size(config->types, COUNT)),
             0);
    for (int fd = 0; fd < COUNT; fd++) {
        kit_add(&poller, &atoms[fd], fd, IO_READ);
    }
    CHECK_EQ(io_wait(&poller, 0), COUNT);
    CHECK_EQ(io_next(&poller, &event), 1);
    unit_close(event.atom->fd);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK(io_wait(&poller, 0) >= COUNT - 1);
    CHECK(io_dispatch(&poller) >= COUNT - 1);
    CHECK_EQ(io_fd_check(&poller), 1);
    kit_end(&poller);
    kit_give_numbers(COUNT, saved);
    unit_close(100);
    unit_close(101);
}

/* --- fork --- */

enum { PENDING_ONE, QUIET_ONE, DROPPED_ONE, ONESHOT_ONE, FORKED };

static unit_atom forked[FORKED];
static io_fd forked_fds[FORKED][2];

/* What the child sees and does; its process ends with 0 if all is as it should be. */
static void fork_child(void)
{
    io_fd more[2];
    unit_atom added;
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    for (int i = 0; i < FORKED; i++) {
        CHECK_ERROR(io_add(&poller, &forked[i].io, 0), -EEXIST);
    }
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(forked[PENDING_ONE].flags, IO_READ);
    CHECK_EQ(unit_told(&poller, &forked[ONESHOT_ONE], 0), 0);
    CHECK_EQ(unit_told(&poller, &forked[DROPPED_ONE], 0), 0);
    kit_put(forked_fds[QUIET_ONE][1], 1);
    CHECK_EQ(kit_next_of(&poller, &forked[QUIET_ONE], FORKED), IO_READ);
    kit_exhaust_read(&poller, &forked[QUIET_ONE]);
    kit_set(&poller, &forked[DROPPED_ONE], IO_WRITE);
    CHECK_EQ(kit_next_of(&poller, &forked[DROPPED_ONE], FORKED), IO_WRITE);
    unit_unix_pair(more, SOCK_STREAM);
    kit_add(&poller, &added, more[0], IO_WRITE);
    CHECK_EQ(kit_next_of(&poller, &added, FORKED), IO_WRITE);
    kit_set(&poller, &forked[QUIET_ONE], IO_WRITE);
    for (int i = 0; i < FORKED; i++) {
        kit_remove(&poller, &forked[i]);
    }
    CHECK_EQ(unit_told(&poller, &added, 0) & ~IO_WRITE, 0);
    kit_end(&poller);
}

/* The parent's epoll set, as the kernel shows it. */
static size_t describe_set(char *text, size_t size)
{
    char path[64];
    io_fd own = io_poller_fd(&poller);
    if (own < 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)own);
    io_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t count = read(fd, text, size);
    CHECK(count > 0);
    unit_close(fd);
    return (size_t)count;
}

static void fork_apart(const unit_config *config)
{
    NEEDS_KERNEL("second process");
    static const int interests[FORKED] = {IO_READ, IO_READ, IO_READ | IO_WRITE,
                                          IO_WRITE | IO_ONESHOT};
    char before[2000], after[2000];
    int status = 0;
    CLAUSE("IO-FORK-1");
    CLAUSE("IO-FORK-2");
    unit_poller(&poller, config);
    for (int i = 0; i < FORKED; i++) {
        unit_unix_pair(forked_fds[i], SOCK_STREAM);
        kit_add(&poller, &forked[i], forked_fds[i][0], interests[i]);
    }
    kit_exhaust_read(&poller, &forked[DROPPED_ONE]);
    kit_set(&poller, &forked[DROPPED_ONE], IO_READ);
    CHECK_EQ(kit_next_of(&poller, &forked[ONESHOT_ONE], FORKED), IO_WRITE);
    kit_put(forked_fds[PENDING_ONE][1], 1);
    CHECK_EQ(io_wait(&poller, 0), 1);
    size_t size = describe_set(before, sizeof(before));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fork_child();
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(describe_set(after, sizeof(after)), size);
    CHECK_BYTES(before, after, size);
    /* The parent goes on as if nothing had been. */
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(forked[PENDING_ONE].flags, IO_READ);
    kit_exhaust_read(&poller, &forked[PENDING_ONE]);
    (void)unit_told(&poller, &forked[QUIET_ONE], 0);
    kit_silent(&poller);
    kit_put(forked_fds[QUIET_ONE][1], 1);
    CHECK_EQ(kit_next_of(&poller, &forked[QUIET_ONE], FORKED), IO_READ);
    kit_set(&poller, &forked[ONESHOT_ONE], IO_WRITE);
    CHECK_EQ(kit_next_of(&poller, &forked[ONESHOT_ONE], FORKED), IO_WRITE);
    kit_end(&poller);
    for (int i = 0; i < FORKED; i++) {
        unit_close_pair(forked_fds[i]);
    }
}

static int inside_calls;

static void after_fork_inside_proc(io_poller *p, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    inside_calls++;
    CHECK_ERROR(io_poller_after_fork(p), -EBUSY);
}

static void after_fork_inside(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-FORK-3");
    unit_pipe(fds);
    kit_put(fds[1], 1);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    atom.io.proc = after_fork_inside_proc;
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(inside_calls, 1);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* The kernel refuses, at any step: nothing is open that was not, and the poller works on. */
static void after_fork_refused(const unit_config *config)
{
    io_fd fds[2], pending[2];
    unit_atom atom, second;
    CLAUSE("IO-ERROR-2");
    unit_unix_pair(fds, SOCK_STREAM);
    unit_pipe(pending);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_add(&poller, &second, pending[0], IO_READ);
    kit_put(pending[1], 1);
    CHECK_EQ(io_wait(&poller, 0), 1);
    int open_before = unit_fd_count();
    for (int step = 0; step < 4 && kit_has_set(config); step++) {
        spy_call *call = step == 0   ? spy_create_of(config)
                         : step == 3 ? &spy.dup
                                     : spy_control_of(config);
        int error = step == 0 ? EMFILE : (step == 3 ? EBADF : ENOMEM);
        spy_reset();
        spy_fail(call, error, step == 2 ? 1 : 0, 1);
        CHECK_ERROR(io_poller_after_fork(&poller), -error);
        CHECK_EQ(unit_fd_count(), open_before);
    }
    spy_reset();
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(second.flags, IO_READ);
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next_of(&poller, &atom, 2), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
    unit_close_pair(pending);
}

static const unit_test tests[] = {
    {"closed_harmless", "IO-CLOSE-4 IO-CLOSE-6", closed_harmless, UNIT_EACH},
    {"closed_many", "IO-CLOSE-4 IO-CLOSE-8", closed_many, UNIT_EACH},
    {"closed_hides_nobody", "IO-CLOSE-4 IO-FAIR-1", closed_hides_nobody, UNIT_EACH},
    {"closed_last_event", "IO-CLOSE-5 IO-SET-6 IO-CLOSE-9", closed_last_event, UNIT_EACH},
    {"closed_held_back", "IO-CLOSE-5", closed_held_back, UNIT_EACH},
    {"closed_found_anew", "IO-SET-6 IO-CLOSE-8 IO-CLOSE-9", closed_found_anew, UNIT_EACH},
    {"closed_set", "IO-CLOSE-9 IO-CLOSE-4", closed_set, UNIT_EACH},
    {"number_goes_on", "IO-CLOSE-7", number_goes_on, UNIT_EACH},
    {"check_counts", "IO-CLOSE-8", check_counts, UNIT_EACH},
    {"made_anew", "IO-CLOSE-4 IO-INIT-8 IO-INIT-9", made_anew, UNIT_EACH},
    {"made_anew_later", "IO-WAIT-9", made_anew_later, UNIT_EACH},
    {"made_anew_full_queue", "IO-FORK-1", made_anew_full_queue, UNIT_EACH},
    {"fork_apart", "IO-FORK-1 IO-FORK-2", fork_apart, UNIT_EACH},
    {"after_fork_inside", "IO-FORK-3", after_fork_inside, UNIT_EACH},
    {"after_fork_refused", "IO-ERROR-2", after_fork_refused, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
