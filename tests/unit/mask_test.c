/* Changes of the interest that make no system call (IO-MASK-1, IO-MASK-2, IO-MASK-3). */
#include "spy.h"

#include "kit.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static io_poller poller; /* a process for each test: always a fresh one */
static unit_atom atom;
static io_fd fds[2];

/* What the kernel is asked for, and what met EAGAIN, in the words of the specification. */
typedef struct state {
    int armed;
    int exhausted;
} state;

/* An atom that is not ready for anything, with this interest, of which these flags met EAGAIN. */
static void begin(const unit_config *config, const state *s)
{
    unit_unix_pair(fds, SOCK_STREAM);
    (void)unit_fill(fds[0]);
    kit_begin(&poller, config, &atom, fds[0], s->armed);
    if (s->exhausted & IO_READ) {
        kit_exhaust_read(&poller, &atom);
    }
    if (s->exhausted & IO_WRITE) {
        kit_exhaust_write(&poller, &atom);
    }
    if (s->exhausted & IO_EXCEPT) {
        CHECK_EQ(io_exhausted(&poller, &atom.io, IO_EXCEPT), 0);
    }
}

static void end(void)
{
    kit_end(&poller);
    unit_close_pair(fds);
}

/* The next state; 0 after the last one. */
static int next_state(state *s)
{
    s->exhausted++;
    if (s->exhausted > KIT_ALL) {
        s->exhausted = 0;
        s->armed++;
    }
    return s->armed <= KIT_ALL;
}

/* 1 if these flags of the new interest cost no system call, by IO-MASK-1 and IO-MASK-2. (io_uring
 * takes none, either, to ask anew for what it has.) */
static int is_free(const unit_config *config, const state *s, int flags)
{
    if (!kit_has_set(config) || (kit_is_uring(config) && flags == s->armed)) {
        return 1;
    }
    int known = unit_is_edge(config) ? s->armed & s->exhausted : s->armed;
    return (flags & ~known) == 0;
}

/* Each armed set, each exhausted set, each new interest: the kernel is asked only if something is not known.
 * What is not known is asked for, else an edge could be lost (IO-SET-2). */
static void counted(const unit_config *config)
{
    CLAUSE("IO-MASK-1");
    CLAUSE("IO-MASK-2");
    for (state s = {0, 0}; next_state(&s);) {
        for (int flags = 0; flags <= KIT_ALL; flags++) {
            for (int oneshot = 0; oneshot <= IO_ONESHOT; oneshot += IO_ONESHOT) {
                begin(config, &s);
                spy_reset();
                kit_set(&poller, &atom, flags | oneshot);
                CHECK_EQ(spy_controls(), !is_free(config, &s, flags));
                CHECK_EQ(spy_waits(), 0);
                end();
            }
        }
    }
}

/* Run these changes where any system call but read, write and exit is death. Returns 0, or how it
 * died. */
static int run_silently(const int *interests, int count)
{
#ifdef UNIT_ON_SIM /* which counts them */
    long before = io_sim_calls(&unit_sim, IO_SIM_CALL_ANY);
    for (int i = 0; i < count; i++) {
        kit_set(&poller, &atom, interests[i]);
    }
    return io_sim_calls(&unit_sim, IO_SIM_CALL_ANY) == before ? 0 : SIGSYS;
#else
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)syscall(SYS_getpid); /* whatever it does when it is called first, it does now */
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
            _exit(77);
        }
        int result = 0;
        for (int i = 0; i < count; i++) {
            result |= io_set(&poller, &atom.io, interests[i]);
        }
        syscall(SYS_exit, result != 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        SKIP("no seccomp");
    }
    return status;
#endif
}

/* No system call at all, not only no epoll_ctl. */
static void no_call_at_all(const unit_config *config)
{
    static const int interests[] = {IO_READ,    0,       IO_WRITE,  IO_READ | IO_WRITE,
                                    IO_ONESHOT, KIT_ALL, IO_EXCEPT, KIT_ALL | IO_ONESHOT};
    static const state all = {KIT_ALL, KIT_ALL};
    CLAUSE("IO-MASK-1");
    CLAUSE("IO-MASK-2");
    begin(config, &all);
    CHECK_EQ(run_silently(interests, sizeof(interests) / sizeof(interests[0])), 0);
    end();
    /* Also without EAGAIN: on select and poll always, on the others in level mode what is armed. */
    if (!kit_has_set(config) || !unit_is_edge(config)) {
        static const state fresh = {KIT_ALL, 0};
        static const state nothing = {0, 0};
        begin(config, &fresh);
        CHECK_EQ(run_silently(interests, sizeof(interests) / sizeof(interests[0])), 0);
        end();
        if (!kit_has_set(config)) {
            begin(config, &nothing);
            CHECK_EQ(run_silently(interests, sizeof(interests) / sizeof(interests[0])), 0);
            end();
        }
    } else {
        /* And that the trap works: this change needs the kernel. */
        static const int more[] = {IO_READ | IO_WRITE};
        static const state reading = {IO_READ, IO_READ};
        begin(config, &reading);
        CHECK(WIFSIGNALED(run_silently(more, 1)));
        end();
    }
}

/* A ring of the simulated kernel is so small (lib/backends/ring.h) that polls end for want of places, and
 * are armed anew. */
static void need_large_ring(const unit_config *config)
{
#ifdef UNIT_ON_SIM
    if (kit_is_uring(config)) {
        SKIP("on the simulated kernel the ring has too few places");
    }
#else
    (void)config;
#endif
}

/* Dropped without a system call, and the kernel reports it: it is told the kernel then, once, and
 * nobody is called. */
static void dropped_is_disarmed(const unit_config *config)
{
    static const state all = {IO_READ | IO_WRITE, IO_READ | IO_WRITE};
    CLAUSE("IO-MASK-1");
    need_large_ring(config);
    begin(config, &all);
    kit_set(&poller, &atom, IO_READ);
    (void)unit_drain(fds[1]);
    spy_reset();
    kit_silent(&poller);
    CHECK(spy_controls() <= 1);
    CHECK_EQ(atom.calls, 0);
    spy_reset();
    for (int i = 0; i < 10; i++) { /* each of these makes an edge */
        (void)unit_fill(fds[0]);
        (void)unit_drain(fds[1]);
        CHECK_EQ(io_wait(&poller, 0), 0);
    }
    CHECK_EQ(spy_controls(), 0);
    CHECK_EQ(spy_waits(), 10);
    /* It is asked for again, and told. */
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    end();
}

/* The cycle of back-pressure; in the second half the rest that is written doesn't meet EAGAIN. */
static void back_pressure(const unit_config *config)
{
    enum { ROUNDS = 200 };
    CLAUSE("IO-MASK-3");
    need_large_ring(config);
    unit_unix_pair(fds, SOCK_STREAM);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_exhaust_read(&poller, &atom);
    for (int i = 0; i < ROUNDS; i++) {
        if (i == 3) {
            spy_reset();
        }
        kit_exhaust_write(&poller, &atom);
        kit_set(&poller, &atom, IO_READ | IO_WRITE);
        CHECK_EQ(io_wait(&poller, 0), 0);
        (void)unit_drain(fds[1]);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CHECK_EQ(io_dispatch(&poller), 1);
        CHECK_EQ(atom.flags, IO_WRITE);
        if (i < ROUNDS / 2) {
            kit_exhaust_write(&poller, &atom);
        } else {
            kit_put(fds[0], 100);
        }
        kit_set(&poller, &atom, IO_READ);
    }
    CHECK_EQ(spy_waits(), 2 * (ROUNDS - 3));
    CHECK_EQ(spy_controls(), 0);
    end();
}

static const unit_test tests[] = {
    {"counted", "IO-MASK-1 IO-MASK-2", counted, UNIT_EACH},
    {"no_call_at_all", "IO-MASK-1 IO-MASK-2", no_call_at_all, UNIT_EACH},
    {"dropped_is_disarmed", "IO-MASK-1", dropped_is_disarmed, UNIT_EACH},
    {"back_pressure", "IO-MASK-3", back_pressure, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
