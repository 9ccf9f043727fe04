/* White-box tests of lib/core: every combination of a slot's state, against tables written from
 * lib/SPEC.md. */
#include "unit.h"

#include <limits.h>

#include "lib/core/core.h"
#include "lib/core/deadline.h"

enum { ALARMS = IO_BIT_HUP | IO_BIT_ERR, SLOTS = 4, GENERATION = 7 };

/* --- deadlines --- */

static void deadline_for_ever(const unit_config *config)
{
    static const uint64_t times[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    static const int timeouts[] = {-1, -2, INT_MIN, INT_MIN + 1, INT_MAX};
    (void)config;
    CLAUSE("IO-WAIT-4");
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        for (size_t j = 0; j < sizeof(timeouts) / sizeof(timeouts[0]); j++) {
            CHECK(io_deadline(times[i], timeouts[j]) == IO_NEVER);
        }
        CHECK_EQ(io_timeout_ms(IO_NEVER, times[i]), -1);
        CHECK(io_deadline(times[i], INT_MAX - 1) != IO_NEVER);
        CHECK(io_timeout_ms(IO_NEVER - 1, times[i]) >= 0);
    }
}

static void deadline_of_zero(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-WAIT-5");
    CHECK_EQ(io_deadline(0, 0), 0);
    CHECK_EQ(io_deadline(12345, 0), 12345);
    CHECK(io_deadline(UINT64_MAX - 1, 0) == UINT64_MAX - 1);
    CHECK(io_deadline(UINT64_MAX, 0) == IO_NEVER - 1);
    CHECK_EQ(io_timeout_ms(0, 0), 0);
    CHECK_EQ(io_timeout_ms(5, 5), 0);
    CHECK_EQ(io_timeout_ms(5, 6), 0);
    CHECK_EQ(io_timeout_ms(0, UINT64_MAX), 0);
    CHECK_EQ(io_timeout_ms(IO_NEVER - 1, IO_NEVER - 1), 0);
    CHECK_EQ(io_timeout_ms(IO_NEVER - 1, IO_NEVER), 0);
}

static void deadline_rounds_up(const unit_config *config)
{
    const uint64_t longest = (uint64_t)(INT_MAX - 1) * IO_NS_PER_MS;
    (void)config;
    CLAUSE("IO-WAIT-3");
    CHECK(io_deadline(7, 3) == 7 + 3000000u);
    CHECK(io_deadline(7, INT_MAX - 1) == 7 + longest);
    CHECK(io_deadline(UINT64_MAX - 3000000u, 3) == IO_NEVER - 1);
    CHECK(io_deadline(UINT64_MAX - 3000001u, 3) == IO_NEVER - 1);
    CHECK(io_deadline(UINT64_MAX - 3000002u, 3) == IO_NEVER - 2);
    CHECK(io_deadline(UINT64_MAX, INT_MAX - 1) == IO_NEVER - 1);
    CHECK_EQ(io_timeout_ms(10 + 1, 10), 1);
    CHECK_EQ(io_timeout_ms(10 + 999999, 10), 1);
    CHECK_EQ(io_timeout_ms(10 + 1000000, 10), 1);
    CHECK_EQ(io_timeout_ms(10 + 1000001, 10), 2);
    CHECK_EQ(io_timeout_ms(longest - 1, 0), INT_MAX - 1);
    CHECK_EQ(io_timeout_ms(longest, 0), INT_MAX - 1);
    CHECK_EQ(io_timeout_ms(longest + 1, 0), INT_MAX - 1);
    CHECK_EQ(io_timeout_ms(IO_NEVER - 1, 0), INT_MAX - 1);
}

/* A timeout that goes through both is the same again, and never shorter, wherever the clock stands.
 */
static void deadline_round_trip(const unit_config *config)
{
    static const int timeouts[] = {0, 1, 2, 999, 1000, 86400000, INT_MAX - 2, INT_MAX - 1};
    (void)config;
    CLAUSE("IO-WAIT-3");
    for (uint64_t now = 0; now < UINT64_MAX / 2; now = now * 3 + 1) {
        for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
            uint64_t deadline = io_deadline(now, timeouts[i]);
            CHECK_EQ(io_timeout_ms(deadline, now), timeouts[i]);
            if (timeouts[i] > 0) {
                /* A nanosecond later it is a nanosecond less, which is rounded up again. */
                CHECK_EQ(io_timeout_ms(deadline, now + 1), timeouts[i]);
                CHECK_EQ(io_timeout_ms(deadline, deadline - 1), 1);
            }
        }
    }
}

/* --- one slot in every state --- */

/* A slot's state in the words of the specification. */
typedef struct state {
    int mode;
    int interest;
    int armed;
    int alarm; /* the kind of hang-up or error that came last */
    int rest;
    int exhausted;
    int pending;
} state;

static const int modes[] = {IO_MODE_EDGE, IO_MODE_LEVEL, IO_MODE_EMULATED};

static io_slot slots[SLOTS];
static uint32_t queue[SLOTS];
static io_core core;
static io_atom atoms[SLOTS];

static void no_call(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    (void)atom;
    (void)flags;
    CHECK(!"called");
}

/* The mark of a slot with these flags pending: it has a place in the queue if there are any. */
static int queued(int pending)
{
    return pending ? IO_QUEUED : 0;
}

/* Slot 1 in this state; the others are empty. */
static void put(const state *s)
{
    io_core_init(&core, slots, queue, SLOTS, (uint16_t)s->mode);
    io_atom_init(&atoms[1], 1, no_call);
    slots[1].atom = &atoms[1];
    slots[1].generation = GENERATION;
    slots[1].interest = (uint8_t)s->interest;
    slots[1].kernel = (uint8_t)(s->armed | s->alarm | (s->rest ? IO_KERNEL_REST : 0));
    slots[1].marks = (uint8_t)(s->exhausted | queued(s->pending));
    slots[1].pending = (uint8_t)s->pending;
    if (s->pending) {
        queue[0] = 1;
        core.queue_count = 1;
    }
}

/* The next state; 0 after the last one. A digit for each member, the first counts fastest. */
static int next_state(state *s)
{
    static const int alarms[] = {0, IO_BIT_HUP, IO_BIT_ERR, ALARMS};
    static long number;
    long rest = number++;
    s->mode = modes[rest % 3], rest /= 3;
    s->interest = (int)(rest % 16), rest /= 16;
    s->armed = (int)(rest % 8), rest /= 8;
    s->alarm = alarms[rest % 4], rest /= 4;
    s->rest = (int)(rest % 2), rest /= 2;
    s->exhausted = (int)(rest % 8), rest /= 8;
    s->pending = (int)(rest % 8), rest /= 8;
    if (rest != 0) {
        number = 0;
        return 0;
    }
    return 1;
}

/* 1 if the library can be in this state: pending within the interest, rest for level kernels only.
 */
static int is_possible(const state *s)
{
    if (s->pending & ~s->interest) {
        return 0;
    }
    return s->mode != IO_MODE_EDGE || s->rest == 0;
}

/* What each kind of report makes ready (section "Readiness"). */
static const struct {
    int bit;
    int ready;
    const char *clause;
} reports[] = {
    {IO_BIT_IN, IO_READ, "IO-EVENT-1"},
    {IO_BIT_RDHUP, IO_READ, "IO-EVENT-1"},
    {IO_BIT_OUT, IO_WRITE, "IO-EVENT-2"},
    {IO_BIT_PRI, IO_EXCEPT, "IO-EVENT-4"},
    {IO_BIT_HUP, IO_READ | IO_WRITE, "IO-EVENT-3"},
    {IO_BIT_ERR, IO_READ | IO_WRITE, "IO-EVENT-3"},
};

enum { REPORTS = sizeof(reports) / sizeof(reports[0]) };

/* The flags that these bits make ready. */
static int ready_by(int bits)
{
    int flags = 0;
    for (int i = 0; i < REPORTS; i++) {
        flags |= bits & reports[i].bit ? reports[i].ready : 0;
    }
    return flags;
}

/* A flag that only a hang-up or error makes ready which EAGAIN has answered (IO-EVENT-8). The edge
 * of an error is a new one. */
static int is_answered(const state *s, int bits, int flag)
{
    int is_new =
        (bits & ALARMS & ~s->alarm) != 0 || (s->mode == IO_MODE_EDGE && (bits & IO_BIT_ERR) != 0);
    return !(ready_by(bits & ~ALARMS) & flag) && !is_new && (s->exhausted & flag) != 0;
}

/* The flags that the report is about. */
static int reported(const state *s, int bits)
{
    int flags = 0;
    for (int flag = IO_READ; flag <= IO_EXCEPT; flag *= 2) {
        if ((ready_by(bits) & flag) && !is_answered(s, bits, flag)) {
            flags |= flag;
        }
    }
    return flags;
}

/* The flags that must be told of it; held back are those that an emulated edge doesn't watch
 * (IO-EDGE-3). */
static int told(const state *s, int bits)
{
    int flags = reported(s, bits) & s->interest;
    return s->mode == IO_MODE_EMULATED ? flags & s->armed : flags;
}

/* The bits of a lasting condition that the kernel reports, asked in this way. */
static int shown(int request, int bits)
{
    int mask = ALARMS;
    mask |= request & IO_READ ? IO_BIT_IN | IO_BIT_RDHUP : 0;
    mask |= request & IO_WRITE ? IO_BIT_OUT : 0;
    mask |= request & IO_EXCEPT ? IO_BIT_PRI : 0;
    return bits & mask;
}

static void each_report_alone(const unit_config *config)
{
    (void)config;
    for (int mode = 0; mode < 3; mode++) {
        for (int i = 0; i < REPORTS; i++) {
            state s = {.mode = modes[mode], .interest = IO_EVENTS, .armed = IO_EVENTS};
            CLAUSE(reports[i].clause);
            put(&s);
            CHECK(io_core_harvest(&core, 1, GENERATION, reports[i].bit) >= 0);
            CHECK_EQ(slots[1].pending, reports[i].ready);
            CHECK_EQ(slots[1].marks, IO_QUEUED);
        }
    }
}

/* What a report does to what is pending and exhausted, in every state. */
static void harvest_tells(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-LOST-1");
    CLAUSE("IO-EVENT-5");
    CLAUSE("IO-EVENT-8");
    CLAUSE("IO-EDGE-3");
    while (next_state(&s)) {
        for (int bits = 0; is_possible(&s) && bits < IO_BIT_NVAL; bits++) {
            put(&s);
            int result = io_core_harvest(&core, 1, GENERATION, bits);
            int pending = s.pending | told(&s, bits);
            CHECK(result == IO_HARVEST_DONE || result == IO_HARVEST_MODIFY);
            CHECK_EQ(slots[1].pending, pending);
            CHECK_EQ(slots[1].marks, (s.exhausted & ~reported(&s, bits)) | queued(pending));
            CHECK_EQ(slots[1].interest, s.interest);
            CHECK_EQ(slots[1].generation, GENERATION);
            CHECK(slots[1].atom == &atoms[1]);
            CHECK_EQ(core.queue_count, pending != 0);
            CHECK(pending == 0 || queue[0] == 1);
            CHECK_EQ(io_core_pending(&core), pending != 0);
        }
    }
}

/* What the kernel is asked for after a report, in every state. */
static void harvest_asks(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-LOST-2");
    while (next_state(&s)) {
        for (int bits = 0; is_possible(&s) && bits < IO_BIT_NVAL; bits++) {
            put(&s);
            int before = io_core_request(&core, 1);
            int result = io_core_harvest(&core, 1, GENERATION, bits);
            int after = io_core_request(&core, 1);
            int armed = slots[1].kernel & IO_EVENTS;
            CHECK_EQ(result, before == after ? IO_HARVEST_DONE : IO_HARVEST_MODIFY);
            CHECK_EQ(armed & ~s.armed, 0);
            if (s.mode == IO_MODE_EMULATED) {
                CHECK_EQ(armed, s.armed & ~reported(&s, bits));
            } else {
                CHECK_EQ(armed & s.interest, s.armed & s.interest);
            }
            CHECK_EQ(slots[1].kernel & ALARMS, bits & ALARMS);
            CHECK(!(slots[1].kernel & IO_KERNEL_REST) || core.rested);
        }
    }
}

/* A lasting condition of which nothing is told is reported by a level-triggered kernel no more than
 * twice. */
static void harvest_ends(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-EVENT-7");
    CLAUSE("IO-WAIT-10");
    while (next_state(&s)) {
        if (!is_possible(&s) || s.mode == IO_MODE_EDGE || s.pending) {
            continue;
        }
        for (int bits = 1; bits < IO_BIT_NVAL; bits++) {
            int turns = 0;
            put(&s);
            while (!(io_core_request(&core, 1) & IO_REQUEST_QUIET) &&
                   shown(io_core_request(&core, 1), bits) && !slots[1].pending) {
                CHECK(turns < 2);
                turns++;
                io_core_harvest(&core, 1, GENERATION, shown(io_core_request(&core, 1), bits));
            }
        }
    }
}

static void harvest_closed(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-CLOSE-5");
    while (next_state(&s)) {
        if (!is_possible(&s)) {
            continue;
        }
        int pending = s.pending | (s.interest & s.armed & (IO_READ | IO_WRITE));
        put(&s);
        CHECK_EQ(io_core_harvest(&core, 1, GENERATION, IO_BIT_NVAL), IO_HARVEST_MODIFY);
        CHECK_EQ(slots[1].pending, pending);
        CHECK_EQ(slots[1].marks & IO_QUEUED, queued(pending));
        CHECK_EQ(io_core_request(&core, 1), IO_REQUEST_QUIET);
        io_slot dead = slots[1];
        for (int bits = 0; bits <= 0x7f; bits++) {
            CHECK_EQ(io_core_harvest(&core, 1, GENERATION, bits), IO_HARVEST_STALE);
        }
        CHECK_EQ(io_core_exhausted(&core, &atoms[1], IO_EVENTS), 0);
        CHECK_EQ(io_core_request(&core, 1), IO_REQUEST_QUIET);
        CHECK_EQ(slots[1].pending, dead.pending);
        CHECK_EQ(slots[1].marks & IO_QUEUED, dead.marks & IO_QUEUED);
        CHECK_EQ(io_core_set(&core, &atoms[1], IO_EVENTS), 0);
        CHECK_EQ(io_core_request(&core, 1), IO_REQUEST_QUIET);
        CHECK_EQ(io_core_set(&core, &atoms[1], 0), 0);
        CHECK_EQ(io_core_pending(&core), 0);
    }
}

/* A new interest in every state: what is pending, and that nothing that is ready is left out. */
static void set_replaces(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-SET-1");
    CLAUSE("IO-SET-2");
    CLAUSE("IO-SET-3");
    CLAUSE("IO-MASK-1");
    CLAUSE("IO-MASK-2");
    while (next_state(&s)) {
        for (int flags = 0; is_possible(&s) && flags <= IO_FLAGS; flags++) {
            int want = flags & IO_EVENTS;
            /* What the kernel will tell by itself: a level, or an edge that has not come yet. */
            int known = s.mode == IO_MODE_EDGE ? s.armed & s.exhausted : s.armed;
            known &= s.mode == IO_MODE_EDGE && s.alarm ? ~(IO_READ | IO_WRITE) : ~0;
            int asks = (want & ~known) != 0 || s.rest;
            int alarm = s.mode == IO_MODE_EDGE ? s.alarm : 0;
            int pending = s.pending & flags;
            put(&s);
            CHECK_EQ(io_core_set(&core, &atoms[1], flags), asks);
            CHECK_EQ(slots[1].interest, flags);
            CHECK_EQ(slots[1].pending, pending);
            CHECK_EQ(io_core_pending(&core), pending != 0);
            CHECK_EQ(slots[1].marks, s.exhausted | queued(s.pending));
            CHECK_EQ(slots[1].kernel, asks ? want : s.armed | alarm);
        }
    }
}

static void set_refuses(const unit_config *config)
{
    static const int bad[] = {-1, INT_MIN, INT_MAX, 16, 17, 31, 256, ~IO_FLAGS};
    state s;
    (void)config;
    CLAUSE("IO-SET-5");
    CLAUSE("IO-ERROR-2");
    CLAUSE("IO-EDGE-4");
    while (next_state(&s)) {
        if (!is_possible(&s)) {
            continue;
        }
        put(&s);
        io_slot before = slots[1];
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            CHECK_EQ(io_core_set(&core, &atoms[1], bad[i]), -EINVAL);
            CHECK_EQ(io_core_exhausted(&core, &atoms[1], bad[i]), -EINVAL);
        }
        CHECK_EQ(io_core_exhausted(&core, &atoms[1], IO_ONESHOT), -EINVAL);
        CHECK_EQ(io_core_add(&core, &atoms[1], 0), -EEXIST);
        CHECK_BYTES(&before, &slots[1], sizeof(before));
    }
}

/* EAGAIN is noted in every state; on an emulated edge, what was held back is watched again. */
static void exhausted_arms(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-EDGE-3");
    while (next_state(&s)) {
        for (int flags = 0; is_possible(&s) && flags <= IO_EVENTS; flags++) {
            int arms = s.mode == IO_MODE_EMULATED ? flags & s.interest & ~s.armed : 0;
            put(&s);
            CHECK_EQ(io_core_exhausted(&core, &atoms[1], flags), arms != 0);
            CHECK_EQ(slots[1].marks, s.exhausted | flags | queued(s.pending));
            CHECK_EQ(slots[1].kernel & IO_EVENTS, s.armed | arms);
            CHECK_EQ(slots[1].kernel & ALARMS, s.alarm);
            CHECK_EQ(slots[1].pending, s.pending);
            CHECK_EQ(slots[1].interest, s.interest);
        }
    }
}

/* What is over when EAGAIN comes is forgotten, and nothing else changes. */
static void calms(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-EVENT-8");
    while (next_state(&s)) {
        for (int bits = 0; is_possible(&s) && bits < 0x80; bits++) {
            put(&s);
            io_slot expected = slots[1];
            expected.kernel = (uint8_t)(expected.kernel & (~ALARMS | bits));
            CHECK_EQ(io_core_alarms(&core, 1) != 0, s.alarm != 0);
            io_core_calm(&core, 1, bits);
            CHECK_EQ(io_core_alarms(&core, 1) != 0, (s.alarm & bits) != 0);
            CHECK_BYTES(&expected, &slots[1], sizeof(expected));
        }
    }
}

/* Quiet where a report would be of no use: edges, nothing asked for, an answered hang-up. */
static void requests(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-EVENT-7");
    while (next_state(&s)) {
        if (!is_possible(&s)) {
            continue;
        }
        int quiet = s.mode == IO_MODE_EDGE || s.armed == 0 || s.rest;
        put(&s);
        CHECK_EQ(io_core_request(&core, 1), s.armed | (quiet ? IO_REQUEST_QUIET : 0));
        CHECK_EQ(io_core_wake(&core, 1), s.rest);
        CHECK_EQ(slots[1].kernel, s.armed | s.alarm);
        CHECK_EQ(io_core_wake(&core, 1), 0);
    }
}

/* Taking an event in every state: all its flags, once, and oneshot. */
static void next_takes(const unit_config *config)
{
    state s;
    (void)config;
    CLAUSE("IO-NEXT-1");
    CLAUSE("IO-NEXT-3");
    CLAUSE("IO-ONESHOT-1");
    while (next_state(&s)) {
        if (!is_possible(&s)) {
            continue;
        }
        io_event event = {NULL, -1};
        put(&s);
        CHECK_EQ(io_core_next(&core, &event), s.pending != 0);
        CHECK(event.atom == (s.pending ? &atoms[1] : NULL));
        CHECK_EQ(event.flags, s.pending ? s.pending : -1);
        CHECK_EQ(slots[1].interest, s.pending && s.interest >= IO_ONESHOT ? 0 : s.interest);
        CHECK_EQ(io_core_next(&core, &event), 0);
        CHECK_EQ(slots[1].pending, 0);
        CHECK_EQ(slots[1].marks, s.exhausted);
    }
}

/* --- registrations --- */

static void begin(int mode)
{
    io_core_init(&core, slots, queue, SLOTS, (uint16_t)mode);
    for (int i = 0; i < SLOTS; i++) {
        io_atom_init(&atoms[i], i, no_call);
    }
}

/* Everything pending, in the order of the descriptors. */
static void begin_full(int mode)
{
    begin(mode);
    for (uint32_t i = 0; i < SLOTS; i++) {
        CHECK_EQ(io_core_add(&core, &atoms[i], IO_READ), 0);
        CHECK(io_core_harvest(&core, i, slots[i].generation, IO_BIT_IN) >= 0);
    }
    CHECK_EQ(io_core_pending(&core), SLOTS);
}

static void add_refuses(const unit_config *config)
{
    io_atom atom;
    (void)config;
    CLAUSE("IO-ERROR-4");
    begin(IO_MODE_EDGE);
    io_atom_init(&atom, -1, NULL);
    CHECK_EQ(io_core_add(&core, &atom, 0), -EINVAL);
    io_atom_init(&atom, -1, no_call);
    CHECK_EQ(io_core_add(&core, &atom, 16), -EINVAL);
    CHECK_EQ(io_core_add(&core, &atom, 0), -EBADF);
    io_atom_init(&atom, INT_MIN, no_call);
    CHECK_EQ(io_core_add(&core, &atom, 0), -EBADF);
    io_atom_init(&atom, SLOTS, no_call);
    CHECK_EQ(io_core_add(&core, &atom, -1), -EINVAL);
    CHECK_EQ(io_core_add(&core, &atom, 0), -ERANGE);
    io_atom_init(&atom, INT_MAX, no_call);
    CHECK_EQ(io_core_add(&core, &atom, 0), -ERANGE);
    io_atom_init(&atom, SLOTS - 1, no_call);
    CHECK_EQ(io_core_add(&core, &atom, IO_FLAGS), 0);
    CHECK_EQ(io_core_add(&core, &atoms[SLOTS - 1], 0), -EEXIST);
    CHECK_EQ(io_core_add(&core, &atoms[SLOTS - 1], 16), -EINVAL);
}

/* Who is not registered is not found, whatever its descriptor, and a null slot is nobody's. */
static void finds_nobody(const unit_config *config)
{
    static const int numbers[] = {INT_MIN, -1, 0, 1, SLOTS, SLOTS + 1, INT_MAX};
    (void)config;
    CLAUSE("IO-SET-4");
    CLAUSE("IO-REMOVE-4");
    CLAUSE("IO-EDGE-4");
    begin(IO_MODE_EMULATED);
    CHECK_EQ(io_core_add(&core, &atoms[1], IO_READ), 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        io_atom other;
        io_atom_init(&other, numbers[i], no_call);
        CHECK(io_core_find(&core, &other) == NULL);
        CHECK_EQ(io_core_set(&core, &other, 0), -ENOENT);
        CHECK_EQ(io_core_remove(&core, &other), -ENOENT);
        CHECK_EQ(io_core_exhausted(&core, &other, 0), -ENOENT);
    }
    CHECK(io_core_find(&core, &atoms[1]) == &slots[1]);
}

/* Reports that name nobody change nothing: another generation, an empty slot, a number beyond the
 * table. */
static void harvest_stale(const unit_config *config)
{
    io_slot before[SLOTS];
    (void)config;
    CLAUSE("IO-REMOVE-6");
    begin(IO_MODE_LEVEL);
    CHECK_EQ(io_core_add(&core, &atoms[1], IO_READ), 0);
    uint32_t generation = slots[1].generation;
    memcpy(before, slots, sizeof(before));
    for (uint32_t i = 1; i < 1000; i++) {
        CHECK_EQ(io_core_harvest(&core, 1, generation + i, 0x7f), IO_HARVEST_STALE);
        CHECK_EQ(io_core_harvest(&core, 1, generation + (i << 22), 0x7f), IO_HARVEST_STALE);
    }
    CHECK_EQ(io_core_harvest(&core, 2, slots[2].generation, 0x7f), IO_HARVEST_STALE);
    CHECK_EQ(io_core_harvest(&core, SLOTS, 0, 0x7f), IO_HARVEST_STALE);
    CHECK_EQ(io_core_harvest(&core, UINT32_MAX, generation, 0x7f), IO_HARVEST_STALE);
    CHECK_BYTES(before, slots, sizeof(before));
    CHECK_EQ(core.queue_count, 0);
    CHECK(io_core_harvest(&core, 1, generation, IO_BIT_IN) >= 0);
    CHECK_EQ(io_core_pending(&core), 1);
}

/* Each registration has a generation of its own, across the end of the numbers, too. */
static void generations_wrap(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-REMOVE-6");
    begin(IO_MODE_EDGE);
    slots[1].generation = UINT32_MAX - 3;
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(io_core_add(&core, &atoms[1], IO_READ), 0);
        uint32_t old = slots[1].generation;
        CHECK_EQ(old, (uint32_t)(UINT32_MAX - 2 + 2 * (uint32_t)i));
        CHECK_EQ(io_core_remove(&core, &atoms[1]), 0);
        CHECK_EQ(io_core_harvest(&core, 1, old, IO_BIT_IN), IO_HARVEST_STALE);
        CHECK_EQ(io_core_harvest(&core, 1, slots[1].generation, IO_BIT_IN), IO_HARVEST_STALE);
    }
}

/* --- the queue --- */

/* A queue without a free place is refused and not overrun; moved to the front it has one for
 * everybody. */
static void queue_full(const unit_config *config)
{
    io_event event;
    (void)config;
    CLAUSE("IO-LOST-1");
    begin_full(IO_MODE_EDGE);
    CHECK_EQ(io_core_harvest(&core, 0, slots[0].generation, IO_BIT_IN), IO_HARVEST_DONE);
    CHECK_EQ(io_core_next(&core, &event), 1);
    io_slot before = slots[0];
    CHECK_EQ(io_core_harvest(&core, 0, slots[0].generation, IO_BIT_IN), -ENOSPC);
    CHECK_BYTES(&before, &slots[0], sizeof(before));
    CHECK_EQ(core.queue_count, SLOTS);
    /* Those that have a place need none. */
    CHECK_EQ(io_core_harvest(&core, 1, slots[1].generation, IO_BIT_IN), IO_HARVEST_DONE);
    io_core_compact(&core);
    CHECK_EQ(core.cursor, 0);
    CHECK_EQ(core.queue_count, SLOTS - 1);
    CHECK_EQ(io_core_harvest(&core, 0, slots[0].generation, IO_BIT_IN), IO_HARVEST_DONE);
    CHECK_EQ(io_core_pending(&core), SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        CHECK_EQ(io_core_next(&core, &event), 1);
        CHECK(event.atom == &atoms[(i + 1) % SLOTS]);
        CHECK_EQ(event.flags, IO_READ);
    }
    CHECK_EQ(io_core_next(&core, &event), 0);
}

/* Compacting at each point of a full queue keeps what is left, in its order. */
static void queue_compacts(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-LOST-1");
    for (int taken = 0; taken <= SLOTS; taken++) {
        io_event event;
        begin_full(IO_MODE_LEVEL);
        for (int i = 0; i < taken; i++) {
            CHECK_EQ(io_core_next(&core, &event), 1);
        }
        io_core_compact(&core);
        io_core_compact(&core);
        CHECK_EQ(core.cursor, 0);
        CHECK_EQ(io_core_pending(&core), SLOTS - taken);
        for (int i = taken; i < SLOTS; i++) {
            CHECK_EQ(io_core_next(&core, &event), 1);
            CHECK(event.atom == &atoms[i]);
        }
        CHECK_EQ(io_core_next(&core, &event), 0);
    }
}

/* Places whose slot has nothing any more are not counted, are skipped, and are used again by their
 * slot. */
static void queue_stale(const unit_config *config)
{
    io_event event;
    (void)config;
    CLAUSE("IO-REMOVE-2");
    CLAUSE("IO-WAIT-1");
    begin_full(IO_MODE_EDGE);
    CHECK_EQ(io_core_remove(&core, &atoms[0]), 0);
    CHECK_EQ(io_core_set(&core, &atoms[2], IO_WRITE), 1);
    CHECK_EQ(io_core_pending(&core), 2);
    CHECK_EQ(io_core_add(&core, &atoms[0], IO_WRITE), 0);
    CHECK_EQ(io_core_pending(&core), 2);
    CHECK(io_core_harvest(&core, 0, slots[0].generation, IO_BIT_OUT) >= 0);
    CHECK_EQ(io_core_pending(&core), 3);
    CHECK_EQ(core.queue_count, SLOTS);
    CHECK_EQ(io_core_next(&core, &event), 1);
    CHECK(event.atom == &atoms[0] && event.flags == IO_WRITE);
    CHECK_EQ(io_core_next(&core, &event), 1);
    CHECK(event.atom == &atoms[1]);
    CHECK_EQ(io_core_next(&core, &event), 1);
    CHECK(event.atom == &atoms[3]);
    CHECK_EQ(io_core_next(&core, &event), 0);
}

/* --- dispatching --- */

static int calls[SLOTS];

static void busy_proc(io_poller *poller, io_atom *atom, int flags)
{
    io_event event = {NULL, 0};
    CHECK(poller == NULL);
    CHECK_EQ(flags, IO_READ);
    calls[atom->fd]++;
    CHECK_EQ(io_core_dispatch(&core, poller), -EBUSY);
    CHECK_EQ(io_core_next(&core, &event), -EBUSY);
    CHECK(event.atom == NULL);
    for (uint32_t i = 0; i < SLOTS; i++) {
        CHECK_EQ(io_core_harvest(&core, i, slots[i].generation, IO_BIT_IN), -EBUSY);
    }
}

static void dispatch_busy(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-DISPATCH-1");
    CLAUSE("IO-DISPATCH-4");
    CLAUSE("IO-DISPATCH-5");
    begin_full(IO_MODE_EDGE);
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < SLOTS; i++) {
        atoms[i].proc = busy_proc;
    }
    CHECK_EQ(io_core_dispatch(&core, NULL), SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        CHECK_EQ(calls[i], 1);
        CHECK_EQ(slots[i].pending, 0);
        CHECK_EQ(slots[i].marks & IO_QUEUED, 0);
    }
    CHECK_EQ(io_core_dispatch(&core, NULL), 0);
}

/* --- a random walk --- */

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) % sides;
}

static int model_interest[SLOTS]; /* -1: not registered */
static int model_pending[SLOTS];

/* What the contracts of core.h call the invariants. */
static void check_shape(void)
{
    int places[SLOTS] = {0};
    CHECK(core.cursor <= core.queue_count && core.queue_count <= SLOTS);
    for (uint64_t k = core.cursor; k < core.queue_count; k++) {
        CHECK(queue[k] < SLOTS);
        places[queue[k]]++;
    }
    for (int i = 0; i < SLOTS; i++) {
        CHECK_EQ(places[i], (slots[i].marks & IO_QUEUED) != 0);
        CHECK_EQ(slots[i].marks & ~(IO_QUEUED | IO_EVENTS), 0);
        CHECK_EQ(slots[i].atom != NULL, model_interest[i] >= 0);
        CHECK(slots[i].atom == NULL || slots[i].atom == &atoms[i]);
        CHECK_EQ(slots[i].interest, model_interest[i] < 0 ? 0 : model_interest[i]);
        CHECK_EQ(slots[i].pending, model_pending[i]);
        CHECK(model_pending[i] == 0 || places[i] == 1);
        CHECK_EQ(model_pending[i] & ~slots[i].interest, 0);
    }
}

static void walk_step(void)
{
    uint32_t i = dice(SLOTS);
    int flags = (int)dice(16);
    int live = model_interest[i] >= 0;
    switch (dice(4)) {
    case 0:
        CHECK_EQ(io_core_add(&core, &atoms[i], flags), live ? -EEXIST : 0);
        /* A new registration is armed, and has met no EAGAIN, whatever its slot was before. */
        CHECK(live || slots[i].kernel == (flags & IO_EVENTS));
        CHECK(live || (slots[i].marks & IO_EVENTS) == 0);
        model_interest[i] = live ? model_interest[i] : flags;
        break;
    case 1:
        CHECK_EQ(io_core_set(&core, &atoms[i], flags) >= 0, live);
        model_interest[i] = live ? flags : -1;
        model_pending[i] &= live ? flags : 0;
        break;
    case 2:
        CHECK_EQ(io_core_remove(&core, &atoms[i]), live ? 0 : -ENOENT);
        model_interest[i] = -1;
        model_pending[i] = 0;
        break;
    default:
        CHECK_EQ(io_core_exhausted(&core, &atoms[i], flags & IO_EVENTS) >= 0, live);
    }
    check_shape();
}

static void walk_told(io_atom *atom, int flags)
{
    CHECK(model_interest[atom->fd] >= 0);
    CHECK(flags != 0);
    CHECK_EQ(flags, model_pending[atom->fd]);
    model_pending[atom->fd] = 0;
    if (model_interest[atom->fd] & IO_ONESHOT) {
        model_interest[atom->fd] = 0;
    }
}

static void walk_proc(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    CHECK_EQ(++calls[atom->fd], 1);
    walk_told(atom, flags);
    for (uint32_t i = dice(4); i > 0; i--) {
        walk_step();
    }
}

static void walk_harvest(void)
{
    uint32_t i = dice(SLOTS);
    int bits = (int)dice(dice(8) == 0 ? 128 : 64);
    int before = slots[i].pending & IO_EVENTS;
    io_core_compact(&core);
    int result = io_core_harvest(&core, i, slots[i].generation - (dice(8) == 0), bits);
    int after = slots[i].pending & IO_EVENTS;
    CHECK(result >= 0);
    CHECK(result != IO_HARVEST_STALE || before == after);
    CHECK_EQ(before & ~after, 0);
    model_pending[i] = after;
    check_shape();
}

static void walk(int mode)
{
    begin(mode);
    for (int i = 0; i < SLOTS; i++) {
        atoms[i].proc = walk_proc;
        model_interest[i] = -1;
        model_pending[i] = 0;
    }
    for (int step = 0; step < 20000; step++) {
        io_event event;
        switch (dice(8)) {
        case 0:
            memset(calls, 0, sizeof(calls));
            CHECK(io_core_dispatch(&core, NULL) >= 0);
            break;
        case 1:
            if (io_core_next(&core, &event)) {
                walk_told(event.atom, event.flags);
            }
            break;
        case 2:
        case 3:
            walk_step();
            break;
        default:
            walk_harvest();
        }
        check_shape();
    }
}

static void random_walk(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-DISPATCH-2");
    CLAUSE("IO-DISPATCH-3");
    CLAUSE("IO-DISPATCH-7");
    for (int mode = 0; mode < 3; mode++) {
        seed = 20261121u + (uint32_t)mode;
        walk(modes[mode]);
    }
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"core_deadline_for_ever", "IO-WAIT-4", deadline_for_ever, UNIT_ONCE},
        {"core_deadline_of_zero", "IO-WAIT-5", deadline_of_zero, UNIT_ONCE},
        {"core_deadline_rounds_up", "IO-WAIT-3", deadline_rounds_up, UNIT_ONCE},
        {"core_deadline_round_trip", "IO-WAIT-3", deadline_round_trip, UNIT_ONCE},
        {"core_each_report_alone", "IO-EVENT-1 IO-EVENT-2 IO-EVENT-3 IO-EVENT-4", each_report_alone,
         UNIT_ONCE},
        {"core_harvest_tells", "IO-LOST-1 IO-EVENT-5 IO-EVENT-8 IO-EDGE-3", harvest_tells,
         UNIT_ONCE},
        {"core_harvest_asks", "IO-LOST-2", harvest_asks, UNIT_ONCE},
        {"core_harvest_ends", "IO-EVENT-7 IO-WAIT-10", harvest_ends, UNIT_ONCE},
        {"core_harvest_closed", "IO-CLOSE-5", harvest_closed, UNIT_ONCE},
        {"core_harvest_stale", "IO-REMOVE-6", harvest_stale, UNIT_ONCE},
        {"core_set_replaces", "IO-SET-1 IO-SET-2 IO-SET-3 IO-MASK-1 IO-MASK-2", set_replaces,
         UNIT_ONCE},
        {"core_set_refuses", "IO-SET-5 IO-ERROR-2 IO-EDGE-4", set_refuses, UNIT_ONCE},
        {"core_exhausted_arms", "IO-EDGE-3", exhausted_arms, UNIT_ONCE},
        {"core_calms", "IO-EVENT-8", calms, UNIT_ONCE},
        {"core_requests", "IO-EVENT-7", requests, UNIT_ONCE},
        {"core_next_takes", "IO-NEXT-1 IO-NEXT-3 IO-ONESHOT-1", next_takes, UNIT_ONCE},
        {"core_add_refuses", "IO-ERROR-4", add_refuses, UNIT_ONCE},
        {"core_finds_nobody", "IO-SET-4 IO-REMOVE-4 IO-EDGE-4", finds_nobody, UNIT_ONCE},
        {"core_generations_wrap", "IO-REMOVE-6", generations_wrap, UNIT_ONCE},
        {"core_queue_full", "IO-LOST-1", queue_full, UNIT_ONCE},
        {"core_queue_compacts", "IO-LOST-1", queue_compacts, UNIT_ONCE},
        {"core_queue_stale", "IO-REMOVE-2 IO-WAIT-1", queue_stale, UNIT_ONCE},
        {"core_dispatch_busy", "IO-DISPATCH-1 IO-DISPATCH-4 IO-DISPATCH-5", dispatch_busy,
         UNIT_ONCE},
        {"core_random_walk", "IO-DISPATCH-2 IO-DISPATCH-3 IO-DISPATCH-7", random_walk, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
