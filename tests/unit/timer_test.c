/* Timers. Also compiled to run on the simulated kernel (tests/sim), where time passes only in waits
 * and where a test says so, so that what is due is known to the nanosecond. */
#include "unit.h"

#include "kit.h"

#include <ioatom/audit.h>
#include <ioatom/timer.h>
#include <stdlib.h>

enum { PLACES = 200 };
#define MS IO_TIMER_MS
#define S IO_TIMER_S

typedef struct alarm_clock alarm_clock;
struct alarm_clock {
    io_timer io;
    int fired;
    uint64_t missed;             /* what the latest call was told */
    void (*then)(alarm_clock *); /* what its callback does */
};

static io_poller poller; /* a process for each test: always fresh ones */
static io_timers timers;
static io_timer_place places[PLACES];
static alarm_clock clocks[PLACES];
static alarm_clock *order[PLACES]; /* who fired, in this order */
static int fired;

static void on_time(io_timers *given, io_timer *timer, uint64_t missed)
{
    alarm_clock *it = io_resolve_parent(timer, alarm_clock, io);
    CHECK(given == &timers);
    it->fired++;
    it->missed = missed;
    order[fired++ % PLACES] = it;
    if (it->then) {
        it->then(it);
    }
}

static void attach(void)
{
    CHECK_EQ(io_timers_init(&timers, &poller, places, PLACES), 0);
    for (int i = 0; i < PLACES; i++) {
        io_timer_init(&clocks[i].io, on_time);
    }
}

static void begin(const unit_config *config)
{
    if (config) {
        unit_poller(&poller, config);
    } else {
        CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
    }
    attach();
}

static void end(void)
{
    CHECK_EQ(io_timers_dispose(&timers), 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

static void set_at(int i, uint64_t deadline_ns, uint64_t interval_ns)
{
    CHECK_EQ(io_timer_set_at(&timers, &clocks[i].io, deadline_ns, interval_ns), 0);
}

static int is_armed(int i)
{
    uint64_t deadline_ns;
    return io_timer_deadline(&timers, &clocks[i].io, &deadline_ns) == 0;
}

static uint64_t deadline_of(int i)
{
    uint64_t deadline_ns = 0;
    CHECK_EQ(io_timer_deadline(&timers, &clocks[i].io, &deadline_ns), 0);
    return deadline_ns;
}

/* A round: the number of timers that it fires. */
static int round_of(void)
{
    int before = fired;
    CHECK_EQ(io_wait(&poller, 0), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    return fired - before;
}

static void pass_ms(unsigned ms)
{
    uint64_t until_ns = kit_now_ns() + ms * MS;
    while (kit_now_ns() < until_ns) {
        usleep(ms * 1000);
    }
}

/* --- attaching --- */

static void attaching(const unit_config *config)
{
    static io_timers others;
    static io_timer_place place;
    (void)config;
    CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
    CLAUSE("IO-TIMER-2");
    CHECK_ERROR(io_timers_init(NULL, &poller, places, 2), -EINVAL);
    CHECK_ERROR(io_timers_init(&timers, NULL, places, 2), -EINVAL);
    CHECK_ERROR(io_timers_init(&timers, &poller, NULL, 2), -EINVAL);
    CHECK_ERROR(io_timers_init(&timers, &poller, places, 0), -EINVAL);
    CHECK_ERROR(io_timers_init(&timers, &poller, places, INT32_MAX), -EINVAL);
    CLAUSE("IO-TIMER-1");
    memset(places, 0xa5, sizeof(places));
    CHECK_EQ(io_timers_init(&timers, &poller, places, 2), 0);
    CHECK(io_timers_poller(&timers) == &poller);
    CHECK(io_timers_poller(NULL) == NULL);
    for (int i = 0; i < 3; i++) {
        io_timer_init(&clocks[i].io, on_time);
    }
    CHECK_EQ(round_of(), 0);
    set_at(0, 1, 0);
    set_at(1, 1, 0);
    CLAUSE("IO-TIMER-5");
    CHECK_ERROR(io_timer_set_at(&timers, &clocks[2].io, 1, 0), -ERANGE);
    set_at(1, 2, 0); /* it has its place already */
    CHECK_EQ(io_timer_cancel(&timers, &clocks[0].io), 0);
    set_at(2, 1, 0);
    CLAUSE("IO-TIMER-2");
    CHECK_ERROR(io_timers_init(&others, &poller, &place, 1), -EEXIST);
    CHECK_EQ(round_of(), 2);
    CLAUSE("IO-TIMER-3");
    set_at(0, 1, 0);
    CHECK_EQ(io_timers_dispose(&timers), 0);
    CHECK(io_timers_poller(&timers) == NULL);
    CHECK(poller.deadline_ns == UINT64_MAX);
    CHECK_EQ(round_of(), 0);
    CLAUSE("IO-TIMER-1");
    CHECK_EQ(io_timers_init(&others, &poller, &place, 1), 0);
    CHECK_ERROR(io_timer_cancel(&others, &clocks[0].io), -ENOENT);
    CHECK_EQ(io_timers_dispose(&others), 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CLAUSE("IO-TIMER-2");
    CHECK_ERROR(io_timers_init(&timers, &poller, places, 2), -EINVAL);
}

static void expect_detached(io_timers *given)
{
    uint64_t deadline_ns = 5;
    CHECK_ERROR(io_timer_set_at(given, &clocks[0].io, 1, 0), -EINVAL);
    CHECK_ERROR(io_timer_set_in(given, &clocks[0].io, 1, 0), -EINVAL);
    CHECK_ERROR(io_timer_cancel(given, &clocks[0].io), -EINVAL);
    CHECK_ERROR(io_timer_deadline(given, &clocks[0].io, &deadline_ns), -EINVAL);
    CHECK_ERROR(io_timers_dispose(given), -EINVAL);
    CHECK_EQ(deadline_ns, 5);
}

static void bad_arguments(const unit_config *config)
{
    uint64_t deadline_ns = 5;
    begin(config);
    CLAUSE("IO-TIMER-4");
    expect_detached(NULL);
    CHECK_ERROR(io_timer_set_at(&timers, NULL, 1, 0), -EINVAL);
    CHECK_ERROR(io_timer_set_in(&timers, NULL, 1, 0), -EINVAL);
    CHECK_ERROR(io_timer_cancel(&timers, NULL), -EINVAL);
    CHECK_ERROR(io_timer_deadline(&timers, NULL, &deadline_ns), -EINVAL);
    CHECK_ERROR(io_timer_deadline(&timers, &clocks[0].io, NULL), -EINVAL);
    CLAUSE("IO-TIMER-5");
    io_timer_init(&clocks[1].io, NULL);
    CHECK_ERROR(io_timer_set_at(&timers, &clocks[1].io, 1, 0), -EINVAL);
    CHECK_ERROR(io_timer_deadline(&timers, &clocks[0].io, &deadline_ns), -ENOENT);
    CHECK_EQ(deadline_ns, 5);
    CLAUSE("IO-TIMER-14");
    CHECK_ERROR(io_timer_cancel(&timers, &clocks[0].io), -ENOENT);
    /* What it takes for its place may be anything. */
    clocks[0].io.place = INT32_MIN;
    CHECK_ERROR(io_timer_cancel(&timers, &clocks[0].io), -ENOENT);
    clocks[0].io.place = INT32_MAX;
    CHECK_ERROR(io_timer_cancel(&timers, &clocks[0].io), -ENOENT);
    set_at(2, 1, 0);
    clocks[0].io.place = 1;
    CHECK_ERROR(io_timer_cancel(&timers, &clocks[0].io), -ENOENT);
    CLAUSE("IO-TIMER-4");
    CHECK_EQ(io_poller_dispose(&poller), 0);
    expect_detached(&timers);
    CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
    expect_detached(&timers);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(fired, 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

/* --- waiting and firing --- */

static void wait_returns(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-9");
    CLAUSE("IO-TIMER-6");
    for (int i = 0; i < 3; i++) {
        uint64_t deadline_ns = kit_now_ns() + 7 * MS + (uint64_t)i * 333333;
        set_at(0, deadline_ns, 0);
        set_at(1, deadline_ns + 3600 * S, 0);
        CHECK_EQ(round_of(), 0);
        CHECK_EQ(io_wait(&poller, i == 0 ? -1 : 20000), 0);
        CHECK(kit_now_ns() >= deadline_ns);
        CHECK(kit_now_ns() < deadline_ns + 5 * S);
        CHECK_EQ(io_wait(&poller, -1), 0); /* it does not block */
        CHECK_EQ(io_dispatch(&poller), 0);
        CHECK_EQ(clocks[0].fired, i + 1);
        CHECK_EQ(clocks[1].fired, 0);
    }
    /* One that is cancelled, or put off, wakes nobody. */
    set_at(0, kit_now_ns() + 2 * MS, 0);
    CHECK_EQ(io_timer_cancel(&timers, &clocks[0].io), 0);
    set_at(1, kit_now_ns() + 3 * MS, 0);
    set_at(1, kit_now_ns() + 3600 * S, 0);
    uint64_t began_ns = kit_now_ns();
    CHECK_EQ(io_wait(&poller, 12), 0);
    CHECK(kit_now_ns() >= began_ns + 12 * MS);
    end();
}

static void arming(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-5");
    set_at(0, 3600 * S + kit_now_ns(), 0);
    CHECK_EQ(round_of(), 0);
    set_at(0, 17, 1000 * S);
    CHECK_EQ(deadline_of(0), 17);
    CHECK_EQ(round_of(), 1);
    CHECK(is_armed(0));
    set_at(0, 18, 0); /* no interval any more */
    CHECK_EQ(round_of(), 1);
    CHECK(!is_armed(0));
    CHECK_EQ(round_of(), 0);
    CLAUSE("IO-TIMER-8");
    uint64_t before_ns = kit_now_ns();
    CHECK_EQ(io_timer_set_in(&timers, &clocks[1].io, 5 * S, 0), 0);
    CHECK(deadline_of(1) >= before_ns + 5 * S && deadline_of(1) <= kit_now_ns() + 5 * S);
    CHECK_EQ(io_timer_set_in(&timers, &clocks[1].io, 0, 0), 0);
    CHECK_EQ(io_wait(&poller, -1), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(clocks[1].fired, 1);
    CHECK_EQ(clocks[1].missed, 0);
    CHECK(io_timer_now_ns() >= before_ns);
    end();
}

static void sleep_and_arm(alarm_clock *it)
{
    it->then = NULL;
    pass_ms(6);
    uint64_t now_ns = kit_now_ns();
    CHECK_EQ(io_timer_set_in(&timers, &it->io, 3 * MS, 0), 0);
    CHECK(deadline_of(0) >= now_ns + 3 * MS);
}

static void delays(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-8");
    clocks[0].then = sleep_and_arm;
    set_at(0, 1, 0);
    CHECK_EQ(round_of(), 1);
    CHECK(is_armed(0));
    end();
}

static void never(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-7");
    CHECK(io_timer_after(5, 6) == 11);
    CHECK(io_timer_after(UINT64_MAX - 5, 4) == UINT64_MAX - 1);
    CHECK(io_timer_after(UINT64_MAX - 5, 5) == IO_TIMER_NEVER);
    CHECK(io_timer_after(UINT64_MAX - 5, 6) == IO_TIMER_NEVER);
    CHECK(io_timer_after(UINT64_MAX, 0) == IO_TIMER_NEVER);
    CHECK(io_timer_after(1, UINT64_MAX) == IO_TIMER_NEVER);
    set_at(0, IO_TIMER_NEVER, 0);
    CHECK_EQ(io_timer_set_in(&timers, &clocks[1].io, UINT64_MAX, 1), 0);
    CHECK(deadline_of(1) == IO_TIMER_NEVER);
    CHECK_EQ(io_wait(&poller, 5), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(fired, 0);
    CHECK(is_armed(0) && is_armed(1));
    set_at(2, 1, UINT64_MAX - 1);
    CHECK_EQ(round_of(), 1);
    CHECK(deadline_of(2) == IO_TIMER_NEVER);
    set_at(2, 2, UINT64_MAX - 3);
    CHECK_EQ(round_of(), 1);
    CHECK(deadline_of(2) == UINT64_MAX - 1);
    end();
}

static void ordered(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-10");
    uint32_t random = 12345;
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < PLACES; i++) {
            random = random * 1103515245 + 12345;
            set_at(i, 1 + (random >> 8) % 1000, 0);
            if (random % 5 == 0) {
                (void)io_timer_cancel(&timers, &clocks[random / 7 % (uint32_t)(i + 1)].io);
            }
        }
        uint64_t deadlines[PLACES];
        int armed = 0;
        for (int i = 0; i < PLACES; i++) {
            deadlines[i] = is_armed(i) ? deadline_of(i) : 0;
            armed += is_armed(i);
        }
        fired = 0;
        CHECK_EQ(round_of(), armed);
        for (int i = 0; i < armed; i++) {
            CHECK(deadlines[order[i] - clocks] > 0);
            CHECK(i == 0 || deadlines[order[i] - clocks] >= deadlines[order[i - 1] - clocks]);
        }
        CHECK_EQ(round_of(), 0);
    }
    end();
}

/* --- rounds --- */

static void again(alarm_clock *it)
{
    CHECK_EQ(io_timer_set_in(&timers, &it->io, 0, 0), 0);
}

static void arm_others(alarm_clock *it)
{
    it->then = NULL;
    set_at(1, 5, 0); /* it was due in this round: now it is in the next one */
    set_at(2, 3, 0); /* it was not armed */
    set_at(3, 4, 0);
    set_at(3, kit_now_ns() + 3600 * S, 0); /* and is put off */
    set_at(4, 6, 0);
    CHECK_EQ(io_timer_cancel(&timers, &clocks[4].io), 0);
    set_at(5, kit_now_ns() + 3600 * S, 0);
    set_at(5, 7, 0);
}

static void rounds(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-11");
    clocks[0].then = again;
    set_at(0, 0, 0);
    for (int i = 1; i <= 5; i++) {
        CHECK_EQ(round_of(), 1);
    }
    CHECK_EQ(io_timer_cancel(&timers, &clocks[0].io), 0);
    clocks[0].then = arm_others;
    set_at(0, 1, 0);
    set_at(1, 2, 0);
    CHECK_EQ(round_of(), 1);
    CHECK_EQ(deadline_of(1), 5);
    fired = 0;
    CHECK_EQ(round_of(), 3);
    CHECK(order[0] == &clocks[2] && order[1] == &clocks[1] && order[2] == &clocks[5]);
    CHECK_EQ(clocks[4].fired, 0);
    CHECK(is_armed(3));
    /* A full house, where nobody has a place to spare. */
    for (int i = 0; i < PLACES; i++) {
        clocks[i].then = again;
        set_at(i, (uint64_t)i, 0);
    }
    CHECK_EQ(round_of(), PLACES);
    CHECK_EQ(round_of(), PLACES);
    end();
}

static void look_once(alarm_clock *it)
{
    CHECK(!is_armed((int)(it - clocks)));
    CHECK_ERROR(io_timer_cancel(&timers, &it->io), -ENOENT);
    memset(&it->io, 0x5a, sizeof(it->io));
}

static void look_interval(alarm_clock *it)
{
    CHECK(deadline_of((int)(it - clocks)) > kit_now_ns());
    CHECK_EQ(io_timer_cancel(&timers, &it->io), 0);
    memset(&it->io, 0x5a, sizeof(it->io));
}

static void free_it(alarm_clock *it)
{
    free(it);
}

static void callbacks(const unit_config *config)
{
    io_timer pattern;
    memset(&pattern, 0x5a, sizeof(pattern));
    begin(config);
    CLAUSE("IO-TIMER-12");
    CLAUSE("IO-TIMER-19");
    clocks[0].then = look_once;
    clocks[1].then = look_interval;
    set_at(0, 1, 0);
    set_at(1, 2, 3600 * S);
    for (int i = 2; i < 9; i++) {
        set_at(i, (uint64_t)i, 0);
    }
    CHECK_EQ(round_of(), 9);
    CHECK_BYTES(&clocks[0].io, &pattern, sizeof(pattern));
    CHECK_BYTES(&clocks[1].io, &pattern, sizeof(pattern));
    alarm_clock *owned = calloc(1, sizeof(*owned));
    CHECK(owned != NULL);
    io_timer_init(&owned->io, on_time);
    owned->then = free_it;
    CHECK_EQ(io_timer_set_at(&timers, &owned->io, 1, 0), 0);
    CHECK_EQ(round_of(), 1);
    CHECK_EQ(round_of(), 0);
    end();
}

/* --- intervals --- */

static void intervals(const unit_config *config)
{
    begin(config);
    CLAUSE("IO-TIMER-13");
    uint64_t first_ns = kit_now_ns() + 2 * MS;
    set_at(0, first_ns, 2 * MS);
    for (uint64_t over = 0; over < 20;) {
        CHECK_EQ(io_wait(&poller, -1), 0);
        if (over == 8) {
            pass_ms(9); /* it falls behind */
        }
        CHECK_EQ(deadline_of(0), first_ns + over * 2 * MS);
        int before = fired;
        CHECK_EQ(io_dispatch(&poller), 0);
        CHECK_EQ(fired, before + 1);
        CHECK(over != 8 || clocks[0].missed >= 4);
        over += 1 + clocks[0].missed;
        CHECK_EQ(deadline_of(0), first_ns + over * 2 * MS);
    }
    /* From long ago: one call, however many periods are over. */
    uint64_t before_ns = kit_now_ns();
    set_at(0, 7, 1000);
    CHECK_EQ(round_of(), 1);
    CHECK(clocks[0].missed >= (before_ns - 7) / 1000);
    CHECK_EQ(deadline_of(0), 7 + (clocks[0].missed + 1) * 1000);
    CHECK(deadline_of(0) > before_ns);
#ifdef UNIT_ON_SIM
    /* To the nanosecond: one before, at, and one behind a period's end. */
    for (int late = -1; late <= 1; late++) {
        uint64_t now_ns = kit_now_ns();
        set_at(0, now_ns - 3000 - (uint64_t)(int64_t)late, 1000);
        CHECK_EQ(round_of(), 1);
        CHECK_EQ(clocks[0].missed, late < 0 ? 2 : 3);
        CHECK_EQ(deadline_of(0), now_ns + 1000 - (uint64_t)(int64_t)late - (late < 0 ? 1000 : 0));
    }
#endif
    end();
}

/* --- cancelling --- */

static void cancel_others(alarm_clock *it)
{
    int i = (int)(it - clocks);
    CHECK_EQ(io_timer_cancel(&timers, &clocks[i + 1].io), 0);
    memset(&clocks[i + 1].io, 0x5a, sizeof(clocks[i + 1].io));
    CHECK_EQ(io_timer_cancel(&timers, &clocks[i + 3].io), 0);
    CHECK_ERROR(io_timer_cancel(&timers, &clocks[i + 3].io), -ENOENT);
}

static void cancel_in_atom(io_poller *given, io_atom *atom, int flags)
{
    (void)given;
    (void)atom;
    (void)flags;
    CHECK_EQ(io_timer_cancel(&timers, &clocks[20].io), 0);
    set_at(21, 1, 0); /* due at once, and the timers come after the atoms */
}

static void cancelling(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    io_timer pattern;
    memset(&pattern, 0x5a, sizeof(pattern));
    begin(config);
    CLAUSE("IO-TIMER-14");
    clocks[0].then = cancel_others;
    for (int i = 0; i < 6; i++) {
        set_at(i, 1 + (uint64_t)i, i == 3 ? 5 : 0);
    }
    CHECK_EQ(round_of(), 4);
    CHECK_EQ(clocks[1].fired + clocks[3].fired, 0);
    CHECK_EQ(clocks[2].fired + clocks[4].fired + clocks[5].fired, 3);
    CLAUSE("IO-TIMER-19");
    CHECK_BYTES(&clocks[1].io, &pattern, sizeof(pattern));
    CLAUSE("IO-TIMER-14");
    CHECK_EQ(round_of(), 0);
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[1], 1);
    unit_atom_init(&atom, fds[0]);
    atom.io.proc = cancel_in_atom;
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    set_at(20, 1, 0);
    CHECK_EQ(io_wait(&poller, -1), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(clocks[20].fired, 0);
    CHECK_EQ(clocks[21].fired, 1);
    end();
    unit_close_pair(fds);
}

/* --- together with atoms --- */

static void no_finding(void *context, const io_audit_finding *finding)
{
    (void)context;
    (void)finding;
    CHECK(!"a finding");
}

static void read_byte(io_poller *given, io_atom *atom, int flags)
{
    (void)given;
    (void)flags;
    CHECK_EQ(fired, 0); /* first the atoms */
    kit_get(atom->fd, 1);
}

static void no_starving(const unit_config *config)
{
    io_fd fds[2];
    io_event event;
    io_audit audit;
    unit_atom atom;
    begin(config);
    unit_unix_pair(fds, SOCK_STREAM);
    kit_add(&poller, &atom, fds[0], IO_READ);
    for (int i = 0; i < 10; i++) {
        clocks[i].then = again;
        set_at(i, 0, 0);
    }
    CLAUSE("IO-TIMER-15");
    CHECK_EQ(round_of(), 10);
    kit_put(fds[1], 1);
    CHECK_EQ(io_wait(&poller, -1), 1);
    CLAUSE("IO-TIMER-9");
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.calls, 1);
    CHECK_EQ(fired, 20);
    CLAUSE("IO-TIMER-17");
    kit_set(&poller, &atom, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK_EQ(fired, 20);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(fired, 30);
    CLAUSE("IO-TIMER-18");
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    kit_set(&poller, &atom, 0);
    CHECK_EQ(round_of(), 10);
    CLAUSE("IO-AUDIT-1");
    CHECK_EQ(io_audit_begin(&audit, &poller, IO_AUDIT_HERE, no_finding, NULL), 0);
    kit_set(&poller, &atom, IO_READ | IO_ONESHOT);
    fired = 0;
    CHECK_EQ(io_wait(&poller, 0), 1);
    atom.io.proc = read_byte;
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(fired, 10);
    end();
    unit_close_pair(fds);
}

static void dispatch_in_atom(io_poller *given, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    CHECK_ERROR(io_dispatch(given), -EBUSY);
    CHECK_EQ(fired, 0);
    CHECK_ERROR(io_timers_dispose(&timers), -EBUSY);
}

static void use_poller(alarm_clock *it)
{
    io_event event;
    CHECK_ERROR(io_wait(&poller, 0), -EBUSY);
    CHECK_ERROR(io_dispatch(&poller), -EBUSY);
    CHECK_ERROR(io_next(&poller, &event), -EBUSY);
    CHECK_ERROR(io_poller_dispose(&poller), -EBUSY);
    CHECK_ERROR(io_poller_after_fork(&poller), -EBUSY);
    CHECK_ERROR(io_timers_dispose(&timers), -EBUSY);
    it->then = NULL;
}

static io_fd used[2];
static unit_atom user;

static void add_atom(alarm_clock *it)
{
    it->then = use_poller;
    kit_add(io_timers_poller(&timers), &user, used[0], IO_READ);
    kit_set(&poller, &user, IO_READ | IO_WRITE);
}

static void remove_atom(alarm_clock *it)
{
    it->then = NULL;
    kit_remove(&poller, &user);
}

static void busy(const unit_config *config)
{
    begin(config);
    unit_unix_pair(used, SOCK_STREAM);
    kit_put(used[1], 1);
    kit_add(&poller, &user, used[0], IO_READ);
    user.io.proc = dispatch_in_atom;
    set_at(0, 1, 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CLAUSE("IO-TIMER-17");
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(fired, 1);
    kit_remove(&poller, &user);
    CLAUSE("IO-TIMER-16");
    clocks[0].then = add_atom;
    set_at(0, 1, 0);
    CHECK_EQ(round_of(), 1);
    set_at(0, 1, 0);
    CHECK_EQ(unit_told(&poller, &user, -1), IO_READ | IO_WRITE);
    CHECK_EQ(fired, 3);
    kit_set(&poller, &user, IO_WRITE);
    clocks[0].then = remove_atom;
    set_at(0, 1, 0);
    CHECK_EQ(unit_told(&poller, &user, -1), IO_WRITE);
    CHECK_EQ(fired, 4);
    CHECK_EQ(unit_told(&poller, &user, 0), 0);
    end();
    unit_close_pair(used);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"attaching", "IO-TIMER-1 IO-TIMER-2 IO-TIMER-3 IO-TIMER-5", attaching, UNIT_ONCE},
        {"bad_arguments", "IO-TIMER-4 IO-TIMER-5 IO-TIMER-14", bad_arguments, UNIT_ONCE},
        {"wait_returns", "IO-TIMER-6 IO-TIMER-9", wait_returns, UNIT_EACH},
        {"arming", "IO-TIMER-5 IO-TIMER-8", arming, UNIT_EACH},
        {"delays", "IO-TIMER-8", delays, UNIT_ONCE},
        {"never", "IO-TIMER-7", never, UNIT_EACH},
        {"ordered", "IO-TIMER-10", ordered, UNIT_ONCE},
        {"rounds", "IO-TIMER-11", rounds, UNIT_ONCE},
        {"callbacks", "IO-TIMER-12 IO-TIMER-19", callbacks, UNIT_ONCE},
        {"intervals", "IO-TIMER-13", intervals, UNIT_EACH},
        {"cancelling", "IO-TIMER-14 IO-TIMER-19", cancelling, UNIT_EACH},
        {"no_starving", "IO-TIMER-9 IO-TIMER-15 IO-TIMER-17 IO-TIMER-18 IO-AUDIT-1", no_starving,
         UNIT_EACH},
        {"busy", "IO-TIMER-16 IO-TIMER-17", busy, UNIT_EACH},
        {NULL, NULL, NULL, 0}};
    return unit_main(argc, argv, tests);
}
