/* io_wait, io_dispatch and io_next. */
#include "spy.h"

#include "kit.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

enum { MS = 1000000, MANY = 200 };

static io_poller poller; /* a process for each test: always a fresh one */
static unit_atom atoms[MANY];
static io_fd pairs[MANY][2];

/* Pairs of unix sockets with an atom for the first of each; what is to read is sent to the first
 * `ready` of them. */
static void begin_many(const unit_config *config, int count, int ready, int flags)
{
    kit_allow(2 * MANY + 50);
    unit_poller(&poller, config);
    for (int i = 0; i < count; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        kit_add(&poller, &atoms[i], pairs[i][0], flags);
        if (i < ready) {
            kit_put(pairs[i][1], 1);
        }
    }
}

static void end_many(int count)
{
    kit_end(&poller);
    for (int i = 0; i < count; i++) {
        unit_close_pair(pairs[i]);
    }
}

/* --- counting --- */

static void wait_counts(const unit_config *config)
{
    io_event event;
    CLAUSE("IO-WAIT-1");
    begin_many(config, 6, 4, IO_READ | IO_ONESHOT);
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK_EQ(io_wait(&poller, 0), 3);
    kit_put(pairs[4][1], 1);
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_dispatch(&poller), 4);
    CHECK_EQ(io_wait(&poller, 0), 0);
    /* An atom with two flags is one atom. */
    kit_set(&poller, &atoms[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atoms[0].flags, IO_READ | IO_WRITE);
    end_many(6);
}

/* Pending already: no sleep, and what has come since is added, to other atoms and to the same. */
static void wait_adds(const unit_config *config)
{
    CLAUSE("IO-WAIT-2");
    begin_many(config, 3, 1, IO_READ);
    for (int i = 0; i < 3; i++) {
        (void)unit_fill(pairs[i][0]);
        kit_set(&poller, &atoms[i], IO_READ | IO_WRITE);
    }
    CHECK_EQ(io_wait(&poller, 0), 1);
    uint64_t begin = kit_now_ns();
    kit_put(pairs[1][1], 1);
    CHECK_EQ(io_wait(&poller, -1), 2);
    (void)unit_drain(pairs[0][1]);
    (void)unit_drain(pairs[2][1]);
    CHECK_EQ(io_wait(&poller, 60000), 3);
    CHECK_EQ(io_wait(&poller, INT_MAX), 3);
    CHECK(kit_now_ns() - begin < 5000ull * MS);
    CHECK_EQ(io_dispatch(&poller), 3);
    CHECK_EQ(atoms[0].flags, IO_READ | IO_WRITE);
    CHECK_EQ(atoms[1].flags, IO_READ);
    CHECK_EQ(atoms[2].flags, IO_WRITE);
    end_many(3);
}

/* Every place of the table and of the queue in use; the first ones are taken, the last ones are
 * removed and added, and all come again. */
static void wait_full_queue(const unit_config *config)
{
    enum { COUNT = 6 };
    static uint64_t storage[COUNT * 28 / sizeof(uint64_t) + 1];
    io_fd saved[COUNT];
    io_event event;
    CLAUSE("IO-WAIT-1");
    CLAUSE("IO-WAIT-2");
    unit_poller(&poller, config);
    kit_end(&poller);
    for (int taken = 0; taken <= COUNT; taken++) {
        kit_take_numbers(COUNT, saved);
        for (int fd = 0; fd < COUNT; fd++) {
            unit_unix_pair(pairs[fd], SOCK_STREAM);
            kit_move(pairs[fd][1], 100 + fd);
            kit_move(pairs[fd][0], 120 + fd);
        }
        for (int fd = 0; fd < COUNT; fd++) {
            kit_move(120 + fd, fd);
        }
        CHECK_EQ(io_poller_init_in(&poller, config->types, storage,
                                   io_poller_storage_size(config->types, COUNT)),
                 0);
        for (int fd = 0; fd < COUNT; fd++) {
            kit_add(&poller, &atoms[fd], fd, IO_READ);
            kit_put(100 + fd, 1);
        }
        CHECK_EQ(io_wait(&poller, 0), COUNT);
        for (int i = 0; i < taken; i++) {
            CHECK_EQ(io_next(&poller, &event), 1);
            kit_exhaust_read(&poller, kit_atom_of(event.atom));
            kit_put(100 + event.atom->fd, 1);
        }
        for (int fd = taken; fd < COUNT; fd++) {
            kit_remove(&poller, &atoms[fd]);
            CHECK_EQ(io_add(&poller, &atoms[fd].io, IO_READ), 0);
        }
        CHECK_EQ(io_wait(&poller, 0), COUNT);
        CHECK_EQ(io_dispatch(&poller), COUNT);
        kit_end(&poller);
        for (int fd = 0; fd < COUNT; fd++) {
            CHECK_EQ(atoms[fd].calls, 1);
            unit_close(100 + fd);
        }
        kit_give_numbers(COUNT, saved);
    }
}

/* --- time --- */

static void wait_never_early(const unit_config *config)
{
    static const int timeouts[] = {2, 1, 3};
    CLAUSE("IO-WAIT-3");
    begin_many(config, 1, 0, IO_READ);
    for (int i = 0; i < 60; i++) {
        int timeout_ms = timeouts[i / 30];
        uint64_t begin = kit_now_ns();
        CHECK_EQ(io_wait(&poller, timeout_ms), 0);
        CHECK(kit_now_ns() - begin >= (uint64_t)timeout_ms * MS);
    }
    end_many(1);
}

/* A kernel that says "time over" too soon is asked again, for what is left. */
static void wait_kernel_early(const unit_config *config)
{
    CLAUSE("IO-WAIT-3");
    begin_many(config, 1, 0, IO_READ);
    spy_reset();
    spy_wait_of(config)->zeros = 5;
    uint64_t begin = kit_now_ns();
    CHECK_EQ(io_wait(&poller, 20), 0);
    CHECK(kit_now_ns() - begin >= 20ull * MS);
    CHECK(spy_waits() >= 6);
    CHECK(spy.last_timeout_ms <= 20);
    end_many(1);
}

#ifdef UNIT_ON_SIM
static void write_byte(io_sim *sim, void *fd)
{
    (void)sim;
    CHECK_EQ(write(*(io_fd *)fd, "x", 1), 1);
}
#endif

/* A process that writes a byte to the second one of the first pair after some time. */
static pid_t write_later(int delay_ms)
{
#ifdef UNIT_ON_SIM
    CHECK_EQ(io_sim_at(&unit_sim, kit_now_ns() + (uint64_t)delay_ms * MS, write_byte, &pairs[0][1]),
             0);
    return 0;
#else
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep((useconds_t)delay_ms * 1000);
        _exit(write(pairs[0][1], "x", 1) == 1 ? 0 : 1);
    }
    return child;
#endif
}

/* The kernel gets the whole time, whatever its length: all but what has gone by until it is asked (the last time). */
static void wait_lengths(const unit_config *config)
{
    NEEDS_KERNEL("way to see what a wait was given");
    static const int timeouts[] = {0, 1, 1000, 86400000, INT_MAX - 1};
    CLAUSE("IO-WAIT-3");
    begin_many(config, 1, 0, IO_READ);
    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        int ready = timeouts[i] > 1;
        pid_t child = ready ? write_later(20) : -1;
        spy_reset();
        uint64_t begin_ns = kit_now_ns();
        CHECK_EQ(io_wait(&poller, timeouts[i]), ready);
        int64_t gone_ms = (int64_t)((kit_now_ns() - begin_ns) / MS) + 1;
        CHECK(spy.last_timeout_ms >= 0 && spy.last_timeout_ms <= timeouts[i]);
        CHECK(spy.last_timeout_ms >= timeouts[i] - gone_ms);
        CHECK_EQ(io_dispatch(&poller), ready);
        if (ready) {
            kit_exhaust_read(&poller, &atoms[0]);
            CHECK_EQ(waitpid(child, NULL, 0), child);
        }
    }
    end_many(1);
}

static void wait_for_ever(const unit_config *config)
{
    NEEDS_KERNEL("way to end such a wait too early");
    static const int timeouts[] = {-1, -2, -1000, INT_MIN, INT_MAX};
    CLAUSE("IO-WAIT-4");
    begin_many(config, 1, 0, IO_READ);
    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        int status = 0;
        uint64_t begin =
            kit_now_ns(); /* before the process that writes: a busy machine may stop this one here */
        pid_t child = write_later(30);
        spy_reset();
        spy_wait_of(config)->zeros = 3; /* the end of the longest time that a kernel takes */
        CHECK_EQ(io_wait(&poller, timeouts[i]), 1);
        CHECK(spy.last_timeout_ms < 0);
        CHECK(kit_now_ns() - begin >= 10ull * MS);
        CHECK_EQ(spy_waits(), 4);
        CHECK_EQ(io_dispatch(&poller), 1);
        kit_exhaust_read(&poller, &atoms[0]);
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    end_many(1);
}

static void wait_not_at_all(const unit_config *config)
{
    NEEDS_KERNEL("way to see what a wait was given");
    CLAUSE("IO-WAIT-5");
    begin_many(config, 2, 0, IO_READ);
    uint64_t begin = kit_now_ns();
    for (int i = 0; i < 100; i++) {
        spy_reset();
        CHECK_EQ(io_wait(&poller, 0), 0);
        CHECK_EQ(spy_waits(), 1);
        CHECK_EQ(spy.last_timeout_ms, 0);
    }
    CHECK(kit_now_ns() - begin < 5000ull * MS);
    end_many(2);
}

static void wait_for_nobody(const unit_config *config)
{
    CLAUSE("IO-WAIT-11");
    unit_poller(&poller, config);
    for (int i = 0; i < 3; i++) {
        io_fd fds[2];
        uint64_t begin = kit_now_ns();
        spy_reset();
        CHECK_EQ(io_wait(&poller, 20), 0);
        CHECK(kit_now_ns() - begin >= 20ull * MS);
        CHECK(spy_waits() <= 3);
        /* Again after the last one was removed, or was closed and removed. */
        unit_unix_pair(fds, SOCK_STREAM);
        kit_put(fds[1], 1);
        kit_add(&poller, &atoms[0], fds[0], IO_READ);
        CHECK(i != 1 || io_wait(&poller, 0) == 1);
        CHECK(i != 2 || close(fds[0]) == 0);
        kit_remove(&poller, &atoms[0]);
        CHECK(i == 2 || close(fds[0]) == 0);
        unit_close(fds[1]);
    }
    kit_end(&poller);
}

/* The hook of timers. */
static void wait_deadline(const unit_config *config)
{
    CLAUSE("IO-WAIT-12");
    begin_many(config, 1, 0, IO_READ);
    for (int i = 0; i < 30; i++) {
        uint64_t begin = kit_now_ns();
        poller.deadline_ns = begin + 2 * MS + (uint64_t)i * 1000;
        CHECK_EQ(io_wait(&poller, i % 3 == 0 ? -1 : (i % 3 == 1 ? INT_MAX : 60000)), 0);
        CHECK(kit_now_ns() >= poller.deadline_ns);
        CHECK(kit_now_ns() - begin < 5000ull * MS);
    }
    /* It is over already: at once. */
    uint64_t begin = kit_now_ns();
    CHECK_EQ(io_wait(&poller, -1), 0);
    poller.deadline_ns = 0;
    CHECK_EQ(io_wait(&poller, -1), 0);
    CHECK_EQ(io_wait(&poller, 60000), 0);
    CHECK(kit_now_ns() - begin < 5000ull * MS);
    /* What is ready is found all the same. */
    kit_put(pairs[0][1], 1);
    CHECK_EQ(io_wait(&poller, -1), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    kit_exhaust_read(&poller, &atoms[0]);
    /* It comes later than the timeout, or never. */
    poller.deadline_ns = kit_now_ns() + 60000ull * MS;
    begin = kit_now_ns();
    CHECK_EQ(io_wait(&poller, 0), 0);
    CHECK_EQ(io_wait(&poller, 5), 0);
    poller.deadline_ns = UINT64_MAX;
    CHECK_EQ(io_wait(&poller, 5), 0);
    CHECK(kit_now_ns() - begin >= 10ull * MS);
    CHECK(kit_now_ns() - begin < 5000ull * MS);
    end_many(1);
}

/* --- signals --- */

static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
    (void)signal;
    signals++;
}

static void write_on_signal(int signal)
{
    (void)signal;
    if (++signals == 1) {
        (void)!write(pairs[0][1], "x", 1);
    }
}

static void wait_interrupted(const unit_config *config)
{
    NEEDS_KERNEL("signals from a timer");
    CLAUSE("IO-WAIT-6");
    begin_many(config, 2, 0, IO_READ);
    unit_signals_start(on_signal, 10);
    for (int i = 0; i < 5; i++) {
        int before = signals;
        uint64_t begin = kit_now_ns();
        CHECK_EQ(io_wait(&poller, i % 2 ? -1 : 60000), 0);
        CHECK(signals > before);
        CHECK(kit_now_ns() - begin < 5000ull * MS);
    }
    unit_signals_stop();
    kit_put(pairs[1][1], 1);
    CHECK_EQ(kit_next_of(&poller, &atoms[1], 2), IO_READ);
    end_many(2);
}

/* The handler makes it ready: nothing is lost, whichever call finds it. */
static void wait_interrupted_ready(const unit_config *config)
{
    NEEDS_KERNEL("signals from a timer");
    CLAUSE("IO-WAIT-6");
    CLAUSE("IO-WAIT-4");
    begin_many(config, 1, 0, IO_READ);
    unit_signals_start(write_on_signal, 10);
    int result = io_wait(&poller, -1);
    CHECK(result == 0 || result == 1);
    CHECK(signals > 0);
    unit_signals_stop();
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atoms[0].flags, IO_READ);
    end_many(1);
}

/* Interrupted with something pending: that is the result, and it stays. */
static void wait_interrupted_pending(const unit_config *config)
{
    CLAUSE("IO-WAIT-6");
    begin_many(config, 3, 2, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 2);
    kit_put(pairs[2][1], 1);
    spy_reset();
    spy_fail(spy_wait_of(config), EINTR, 0, 2);
    CHECK_EQ(io_wait(&poller, -1), 2);
    CHECK_EQ(io_wait(&poller, 1000), 2);
    CHECK_EQ(io_wait(&poller, 1000), 3);
    CHECK_EQ(io_dispatch(&poller), 3);
    end_many(3);
}

/* --- events that nobody is told --- */

/* Dropped flags that the kernel still watches: the wait goes on. */
static void wait_goes_on(const unit_config *config)
{
    CLAUSE("IO-WAIT-7");
    for (int flags = 0; flags <= IO_READ; flags++) {
        begin_many(config, 3, 0, IO_READ | IO_WRITE);
        for (int i = 0; i < 3; i++) {
            kit_set(&poller, &atoms[i], flags);
        }
        uint64_t begin = kit_now_ns();
        spy_reset();
        CHECK_EQ(io_wait(&poller, 30), 0);
        CHECK(kit_now_ns() - begin >= 30ull * MS);
        CHECK(spy_waits() <= 2 + 2 * 3 + 1);
        CHECK_EQ(io_dispatch(&poller), 0);
        pid_t child = write_later(20);
        kit_set(&poller, &atoms[0], IO_READ);
        CHECK_EQ(io_wait(&poller, -1), 1);
        CHECK(child == 0 || waitpid(child, NULL, 0) == child);
        end_many(3);
    }
}

/* The events of a registration that is no more: the duplicate of a closed descriptor lives (epoll).
 */
static void wait_stale(const unit_config *config)
{
    CLAUSE("IO-WAIT-7");
    begin_many(config, 2, 0, IO_READ);
    io_fd twin = fcntl(pairs[0][0], F_DUPFD_CLOEXEC, 0);
    unit_close(pairs[0][0]);
    kit_remove(&poller, &atoms[0]);
    kit_put(pairs[0][1], 1);
    uint64_t begin = kit_now_ns();
    spy_reset();
    CHECK_EQ(io_wait(&poller, 30), 0);
    CHECK(kit_now_ns() - begin >= 30ull * MS);
    CHECK(spy_waits() <= 2 + 2 + 1);
    CHECK_EQ(io_dispatch(&poller), 0);
    kit_put(pairs[1][1], 1);
    CHECK_EQ(kit_next_of(&poller, &atoms[1], 2), IO_READ);
    pairs[0][0] = twin;
    end_many(2);
}

/* Asleep with all that could keep it awake: hang-ups and errors of no interest, dropped flags,
 * oneshots. */
static void wait_sleeps(const unit_config *config)
{
    enum { COUNT = 12, PAUSE_MS = 120 };
    CLAUSE("IO-WAIT-10");
    begin_many(config, COUNT, 0, IO_READ | IO_WRITE);
    for (int i = 0; i < 4; i++) { /* 0 to 3: delivered oneshots; 0 and 1 are hung up */
        kit_set(&poller, &atoms[i], IO_READ | IO_WRITE | IO_ONESHOT);
    }
    for (int i = 0; i < kit_rounds(COUNT); i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    for (int i = 4; i < COUNT; i++) { /* 4 to 7: no interest; 8 to 11: no interest in writing */
        kit_set(&poller, &atoms[i], i < 8 ? 0 : IO_READ);
    }
    for (int i = 0; i < 8; i++) {
        CHECK(i % 4 > 1 || close(pairs[i][1]) == 0);
    }
    for (int i = 0; i < 3; i++) {
        spy_reset();
        uint64_t begin = kit_now_ns();
        CHECK_EQ(io_wait(&poller, PAUSE_MS), 0);
        CHECK(kit_now_ns() - begin >= PAUSE_MS * (uint64_t)MS);
        CHECK(spy_waits() <= 2 + 2 * COUNT + PAUSE_MS / 50);
        CHECK_EQ(io_dispatch(&poller), 0);
    }
    for (int i = 0; i < 8; i++) {
        pairs[i][1] = i % 4 > 1 ? pairs[i][1] : fcntl(0, F_DUPFD_CLOEXEC, 0);
    }
    end_many(COUNT);
}

/* --- inside a callback, and errors --- */

static void busy_proc(io_poller *p, io_atom *atom, int flags)
{
    io_event event = {NULL, 99};
    CHECK_ERROR(io_wait(p, 0), -EBUSY);
    CHECK_ERROR(io_wait(p, -1), -EBUSY);
    CHECK_ERROR(io_dispatch(p), -EBUSY);
    CHECK_ERROR(io_next(p, &event), -EBUSY);
    CHECK(event.atom == NULL && event.flags == 99);
    unit_note(p, atom, flags);
}

static void busy_inside(const unit_config *config)
{
    CLAUSE("IO-WAIT-8");
    CLAUSE("IO-DISPATCH-5");
    CLAUSE("IO-NEXT-2");
    begin_many(config, 4, 4, IO_READ);
    for (int i = 0; i < 4; i++) {
        atoms[i].io.proc = busy_proc;
    }
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_dispatch(&poller), 4);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(atoms[i].calls, 1);
        kit_set(&poller, &atoms[i], IO_READ);
    }
    /* Outside of it, it is not busy any more. */
    CHECK_EQ(io_wait(&poller, 0), 4);
    CHECK_EQ(io_next(&poller, &(io_event){NULL, 0}), 1);
    CHECK_EQ(io_dispatch(&poller), 3);
    end_many(4);
}

static void wait_error(const unit_config *config)
{
    CLAUSE("IO-WAIT-9");
    begin_many(config, 3, 1, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_put(pairs[1][1], 1);
    kit_put(pairs[2][1], 1);
    spy_reset();
    spy_fail(spy_wait_of(config), ENOMEM, 0, 3);
    CHECK_ERROR(io_wait(&poller, 0), -ENOMEM);
    CHECK_ERROR(io_wait(&poller, -1), -ENOMEM);
    CHECK_ERROR(io_wait(&poller, 10), -ENOMEM);
    CHECK_EQ(io_wait(&poller, 0), 3);
    CHECK_EQ(io_dispatch(&poller), 3);
    end_many(3);
}

/* What is left after the kernel refused in the middle of a wait: sleep, and news of everybody. */
static void check_recovered(int pending)
{
    spy_reset();
    CHECK_EQ(io_wait(&poller, 0), pending);
    CHECK_EQ(io_dispatch(&poller), pending);
    CHECK_EQ(atoms[0].flags, pending ? IO_READ | IO_WRITE : 0);
    kit_set(&poller, &atoms[0], 0);
    CHECK_EQ(io_wait(&poller, 60), 0);
    CHECK(spy_waits() <= 1 + 2 + 2 * 3 + 2);
    kit_put(pairs[1][1], 1);
    kit_put(pairs[2][1], 1);
    CHECK_EQ(io_wait(&poller, 0), 2);
    kit_put(pairs[0][1], 1);
    kit_set(&poller, &atoms[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 3);
}

/* The kernel refuses to change the registrations of dropped flags, and to make the set anew (which
 * kqueue has no need of). What is pending is the result then; if nothing is, the error: on kqueue of
 * the next waits, which ask again (IO-WAIT-14). */
static void wait_error_inside(const unit_config *config)
{
    static const int errors[][2] = {
        {ENOMEM, EMFILE}, {ENOMEM, ENOMEM}, {ENOSPC, ENFILE}, {ENOMEM, 0}};
    for (int kind = 0; kind < 8 && kit_has_set(config); kind++) {
        const int *error = errors[kind / 2];
        int pending = kind % 2, is_kqueue = (config->types & IO_POLLER_KQUEUE) != 0;
        int refused = pending ? 1 : -error[!is_kqueue];
        CLAUSE("IO-WAIT-9");
        CLAUSE("IO-WAIT-10");
        begin_many(config, 3, pending, pending ? IO_READ | IO_WRITE : 0);
        for (int i = 1; i < 3; i++) {
            kit_set(&poller, &atoms[i], IO_READ | IO_WRITE);
            kit_exhaust_read(&poller, &atoms[i]);
            kit_set(&poller, &atoms[i], IO_READ); /* IO_WRITE stays in the kernel (IO-MASK-1) */
        }
        spy_call *control = spy_control_of(config);
        spy_reset();
        spy_fail(control, error[0], 0, error[1] ? -1 : 2);
        spy_fail(spy_create_of(config), error[1], 0, -1);
        for (int i = 0; i < 3 && error[1]; i++) {
            int expected = is_kqueue && i == 0 ? pending : refused;
            int result = io_wait(&poller, 0);
            CHECK(result == expected || (!is_kqueue && i > 0 && unit_is_edge(config)));
            CHECK(control->count > 0);
        }
        CHECK(error[1] || io_wait(&poller, 0) == pending);
        check_recovered(pending);
        end_many(3);
    }
}

/* --- dispatching --- */

static void dispatch_once(const unit_config *config)
{
    CLAUSE("IO-DISPATCH-1");
    CLAUSE("IO-DISPATCH-4");
    CLAUSE("IO-DISPATCH-7");
    begin_many(config, 10, 7, IO_READ | IO_ONESHOT);
    CHECK_EQ(io_wait(&poller, 0), 7);
    CHECK_EQ(io_wait(&poller, 0), 7); /* found again: still one call each */
    CHECK_EQ(io_dispatch(&poller), 7);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(atoms[i].calls, i < 7);
    }
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_next(&poller, &(io_event){NULL, 0}), 0);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(atoms[i].calls, i < 7);
    }
    end_many(10);
}

/* Told in several waits, and changed in between: one call, with what is of interest at its turn. */
static void dispatch_flags(const unit_config *config)
{
    CLAUSE("IO-DISPATCH-2");
    CLAUSE("IO-DISPATCH-1");
    begin_many(config, 16, 16, IO_READ | IO_WRITE | IO_EXCEPT);
    CHECK_EQ(io_wait(&poller, 0), 16);
    for (int i = 0; i < 16; i++) {
        kit_set(&poller, &atoms[i], i);
    }
    (void)io_wait(&poller, 0);
    (void)io_dispatch(&poller);
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(atoms[i].flags, i & (IO_READ | IO_WRITE));
        CHECK_EQ(atoms[i].calls, (i & (IO_READ | IO_WRITE)) != 0);
    }
    end_many(16);
}

static int alive[MANY];

/* Removes its right neighbour, which must not be called then. */
static void kill_proc(io_poller *p, io_atom *atom, int flags)
{
    int i = (int)(kit_atom_of(atom) - atoms);
    int next = (i + 1) % 10;
    (void)flags;
    CHECK(alive[i]);
    if (alive[next]) {
        kit_remove(p, &atoms[next]);
        alive[next] = 0;
    }
}

static void dispatch_registered(const unit_config *config)
{
    int left = 0;
    CLAUSE("IO-DISPATCH-3");
    begin_many(config, 10, 10, IO_READ);
    for (int i = 0; i < 10; i++) {
        atoms[i].io.proc = kill_proc;
        alive[i] = 1;
    }
    CHECK_EQ(io_wait(&poller, 0), 10);
    int calls = io_dispatch(&poller);
    for (int i = 0; i < 10; i++) {
        left += alive[i];
        CHECK_EQ(io_remove(&poller, &atoms[i].io), alive[i] ? 0 : -ENOENT);
    }
    CHECK(calls >= 5);
    CHECK_EQ(left, 5);
    end_many(10);
}

/* What is pending waits for the next dispatch, over waits, other atoms' changes, and an interrupted
 * wait. */
static void dispatch_delivers(const unit_config *config)
{
    CLAUSE("IO-DISPATCH-7");
    begin_many(config, 5, 5, IO_READ | IO_ONESHOT);
    CHECK_EQ(io_wait(&poller, 0), 5);
    for (int i = 0; i < 5; i++) {
        (void)unit_drain(pairs[i][0]); /* not ready any more, but it was (IO-EVENT-6) */
    }
    kit_set(&poller, &atoms[0], 0);
    kit_remove(&poller, &atoms[1]);
    CHECK_EQ(io_close(&poller, &atoms[2].io), 0);
    pairs[2][0] = fcntl(0, F_DUPFD_CLOEXEC, 0);
    spy_reset();
    spy_fail(spy_wait_of(config), EINTR, 0, 1);
    CHECK_EQ(io_wait(&poller, -1), 2);
    CHECK_EQ(io_wait(&poller, -1), 2);
    CHECK_EQ(io_dispatch(&poller), 2);
    CHECK_EQ(atoms[3].calls + atoms[4].calls, 2);
    CHECK_EQ(atoms[0].calls + atoms[1].calls + atoms[2].calls, 0);
    end_many(5);
}

/* --- taking --- */

static void next_takes(const unit_config *config)
{
    int seen[4] = {0};
    io_event event = {NULL, 99};
    CLAUSE("IO-NEXT-1");
    CLAUSE("IO-NEXT-3");
    begin_many(config, 4, 2, IO_READ | IO_WRITE | IO_EXCEPT);
    CHECK_EQ(io_next(&poller, &event), 0);
    CHECK(event.atom == NULL && event.flags == 99);
    kit_found(&poller, 4);
    for (int i = 4; i > 0; i--) {
        CHECK_EQ(io_next(&poller, &event), 1);
        int who = (int)(kit_atom_of(event.atom) - atoms);
        CHECK_EQ(event.flags, who < 2 ? IO_READ | IO_WRITE : IO_WRITE);
        CHECK_EQ(seen[who]++, 0);
    }
    io_event last = event;
    CHECK_EQ(io_next(&poller, &event), 0);
    CHECK(event.atom == last.atom && event.flags == last.flags);
    CHECK_EQ(io_dispatch(&poller), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(atoms[i].calls, 0);
    }
    end_many(4);
}

/* By turns with dispatch; the interest may have become smaller since. */
static void next_interest(const unit_config *config)
{
    io_event event = {NULL, 0};
    CLAUSE("IO-NEXT-1");
    CLAUSE("IO-NEXT-3");
    begin_many(config, 3, 3, IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 3);
    kit_set(&poller, &atoms[0], IO_WRITE);
    kit_set(&poller, &atoms[1], 0);
    kit_remove(&poller, &atoms[2]);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK(event.atom == &atoms[0].io);
    CHECK_EQ(event.flags, IO_WRITE);
    CHECK_EQ(io_next(&poller, &event), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    /* One by io_next, the rest by io_dispatch. */
    for (int i = 0; i < 2; i++) {
        kit_set(&poller, &atoms[i], IO_READ | IO_ONESHOT);
    }
    CHECK_EQ(io_wait(&poller, 0), 2);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(kit_atom_of(event.atom)->calls, 0);
    CHECK_EQ(atoms[0].calls + atoms[1].calls, 1);
    end_many(3);
}

/* A value that was taken stays what it was, removed or not. */
static void next_is_a_value(const unit_config *config)
{
    io_event event = {NULL, 0};
    CLAUSE("IO-NEXT-4");
    begin_many(config, 1, 1, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_next(&poller, &event), 1);
    kit_remove(&poller, &atoms[0]);
    CHECK(event.atom == &atoms[0].io);
    CHECK_EQ(event.flags, IO_READ);
    CHECK_EQ(io_next(&poller, &event), 0);
    end_many(1);
}

/* --- fairness --- */

/* Rounds until each of the first `count` was called; one that is called is left as it is. */
static int rounds_until_all(int count)
{
    for (int round = 1;; round++) {
        int called = 0;
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
        for (int i = 0; i < count; i++) {
            called += atoms[i].calls > 0;
        }
        if (called == count) {
            return round;
        }
        CHECK(round <= kit_rounds(MANY));
    }
}

static void fair_to_all(const unit_config *config)
{
    CLAUSE("IO-FAIR-1");
    begin_many(config, MANY, MANY, IO_READ);
    CHECK(rounds_until_all(MANY) <= kit_rounds(MANY));
    /* The flags that nobody wants any more come first in the queue of epoll. */
    for (int i = 0; i < MANY; i++) {
        kit_set(&poller, &atoms[i], IO_READ | IO_WRITE);
        kit_set(&poller, &atoms[i], i < MANY / 2 ? 0 : IO_READ);
        atoms[i].calls = i < MANY / 2;
    }
    CHECK(rounds_until_all(MANY) <= kit_rounds(MANY));
    end_many(MANY);
}

/* All the others are always ready; each one in turn becomes ready, too. */
static void fair_to_one(const unit_config *config)
{
    static const int who[] = {0, 1, MANY / 2, MANY - 2, MANY - 1};
    CLAUSE("IO-FAIR-1");
    begin_many(config, MANY, 0, IO_READ | IO_WRITE);
    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
        int told = 0;
        kit_set(&poller, &atoms[who[i]], IO_READ);
        kit_put(pairs[who[i]][1], 1);
        for (int round = 0; round < kit_rounds(MANY); round++) {
            for (int j = 0; j < MANY; j++) {
                if (j != who[i]) {
                    kit_set(&poller, &atoms[j], IO_READ | IO_WRITE);
                }
            }
            told |= unit_told(&poller, &atoms[who[i]], 0);
        }
        CHECK_EQ(told, IO_READ);
        kit_exhaust_read(&poller, &atoms[who[i]]);
    }
    end_many(MANY);
}

static int order[MANY];
static int order_count;

static void order_proc(io_poller *p, io_atom *atom, int flags)
{
    (void)p;
    (void)flags;
    order[order_count++] = (int)(kit_atom_of(atom) - atoms);
}

/* Another one is first in each scan, and each is first sometime. */
static void fair_start(const unit_config *config)
{
    enum { COUNT = 4 };
    int first_before = -1;
    int scans = !kit_has_set(config) && !kit_is_afd(config);
    int firsts[COUNT] = {0}, lasts[COUNT] = {0};
    CLAUSE("IO-FAIR-2");
    begin_many(config, COUNT, COUNT, IO_READ);
    for (int i = 0; i < COUNT; i++) {
        atoms[i].io.proc = order_proc;
    }
    for (int round = 0; round < 2 * COUNT && scans; round++) {
        order_count = 0;
        CHECK_EQ(io_wait(&poller, 0), COUNT);
        CHECK_EQ(io_dispatch(&poller), COUNT);
        CHECK(order[0] != first_before);
        first_before = order[0];
        firsts[order[0]]++;
        lasts[order[COUNT - 1]]++;
        for (int i = 0; i < COUNT; i++) {
            kit_set(&poller, &atoms[i], IO_READ);
        }
    }
    for (int i = 0; i < COUNT && scans; i++) {
        CHECK_EQ(firsts[i], 2);
        CHECK_EQ(lasts[i], 2);
    }
    end_many(COUNT);
}

static const unit_test tests[] = {
    {"wait_counts", "IO-WAIT-1", wait_counts, UNIT_EACH},
    {"wait_adds", "IO-WAIT-2", wait_adds, UNIT_EACH},
    {"wait_full_queue", "IO-WAIT-1 IO-WAIT-2", wait_full_queue, UNIT_EACH},
    {"wait_never_early", "IO-WAIT-3", wait_never_early, UNIT_EACH},
    {"wait_kernel_early", "IO-WAIT-3", wait_kernel_early, UNIT_EACH},
    {"wait_lengths", "IO-WAIT-3", wait_lengths, UNIT_EACH},
    {"wait_for_ever", "IO-WAIT-4", wait_for_ever, UNIT_EACH},
    {"wait_not_at_all", "IO-WAIT-5", wait_not_at_all, UNIT_EACH},
    {"wait_for_nobody", "IO-WAIT-11", wait_for_nobody, UNIT_EACH},
    {"wait_deadline", "IO-WAIT-12", wait_deadline, UNIT_EACH},
    {"wait_interrupted", "IO-WAIT-6", wait_interrupted, UNIT_EACH},
    {"wait_interrupted_ready", "IO-WAIT-6 IO-WAIT-4", wait_interrupted_ready, UNIT_EACH},
    {"wait_interrupted_pending", "IO-WAIT-6", wait_interrupted_pending, UNIT_EACH},
    {"wait_goes_on", "IO-WAIT-7", wait_goes_on, UNIT_EACH},
    {"wait_stale", "IO-WAIT-7", wait_stale, UNIT_EACH},
    {"wait_sleeps", "IO-WAIT-10", wait_sleeps, UNIT_EACH},
    {"busy_inside", "IO-WAIT-8 IO-DISPATCH-5 IO-NEXT-2", busy_inside, UNIT_EACH},
    {"wait_error", "IO-WAIT-9", wait_error, UNIT_EACH},
    {"wait_error_inside", "IO-WAIT-9 IO-WAIT-10", wait_error_inside, UNIT_EACH},
    {"dispatch_once", "IO-DISPATCH-1 IO-DISPATCH-4 IO-DISPATCH-7", dispatch_once, UNIT_EACH},
    {"dispatch_flags", "IO-DISPATCH-2 IO-DISPATCH-1", dispatch_flags, UNIT_EACH},
    {"dispatch_registered", "IO-DISPATCH-3", dispatch_registered, UNIT_EACH},
    {"dispatch_delivers", "IO-DISPATCH-7", dispatch_delivers, UNIT_EACH},
    {"next_takes", "IO-NEXT-1 IO-NEXT-3", next_takes, UNIT_EACH},
    {"next_interest", "IO-NEXT-1 IO-NEXT-3", next_interest, UNIT_EACH},
    {"next_is_a_value", "IO-NEXT-4", next_is_a_value, UNIT_EACH},
    {"fair_to_all", "IO-FAIR-1", fair_to_all, UNIT_EACH},
    {"fair_to_one", "IO-FAIR-1", fair_to_one, UNIT_EACH},
    {"fair_start", "IO-FAIR-2", fair_start, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
