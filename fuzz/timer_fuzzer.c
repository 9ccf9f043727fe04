/*
 * Fuzzes timers (lib/timer) on the simulated kernel, whose clock can stand anywhere and jump: timers
 * are armed, armed anew, cancelled, freed and fired, inside callbacks of atoms and of timers, too, with
 * deadlines at both ends of what can be said, beside an atom that must not starve. Held against a
 * sorted list, fuzz/model/timer_model.c, and against the invariants of the heap, after every call.
 *
 * An input is read as described at play, read_time and read_span; fuzz/seeds.py writes such bytes.
 */
#include <ioatom/sim.h>

#include "harness/plain.h"
#include "model/timer_model.h"

#include "lib/check/check.h"

#include <ioatom/timer.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS = 400, NOTES = 256, TIMERS = TIMER_MODEL_MAX };
#define MS_NS IO_TIMER_MS
/* A longer wait is one of several; of so many, it would take too long to play it. */
#define LONGEST_NS (16 * (uint64_t)(INT_MAX - 1) * MS_NS)

/* What was called, to be printed. */
typedef struct note {
    const char *name;
    int depth;
    int id;
    int result;
    uint64_t now_ns, time_ns, interval_ns;
} note;

static note notes[NOTES];
static size_t note_count;

static const uint8_t *input;
static size_t input_size, input_at;

static io_sim sim;
static io_poller poller;
static io_timers timers;
static io_timer_place places[TIMERS];
static io_timer *all[TIMERS]; /* each in memory of its own, which is freed */
static timer_model model;

static io_atom atom; /* of the reading end of a pipe */
static int fds[2];
static size_t unread; /* bytes that were written there */
static int told;      /* a wait has found them */
static int depth;     /* of callbacks: 0 or 1 */
static int atom_calls;
static uint64_t round_ns; /* the clock when the last atom's callback had returned */

static void print_notes(void)
{
    fprintf(stderr, "--- program\npoller 0x%x, %d places\n", (unsigned)poller.type, model.places);
    for (size_t i = note_count > NOTES ? note_count - NOTES : 0; i < note_count; i++) {
        const note *n = &notes[i % NOTES];
        fprintf(stderr, "%s%s %d, %" PRIu64 " every %" PRIu64 ": %d at %" PRIu64 "\n",
                n->depth ? "    " : "", n->name, n->id, n->time_ns, n->interval_ns, n->result,
                n->now_ns);
    }
    fprintf(stderr, "--- end\n");
}

#define violation(...) plain_violation(print_notes, __VA_ARGS__)

static note *begin_note(const char *name, int id)
{
    note *n = &notes[note_count++ % NOTES];
    *n = (note){.name = name, .depth = depth, .id = id, .now_ns = io_sim_now_ns(&sim)};
    return n;
}

/* --- the input --- */

static unsigned read_byte(void)
{
    return input_at < input_size ? input[input_at++] : 0;
}

static uint64_t read_whole(void)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)read_byte() << 8 * i;
    }
    return value;
}

/* Two bytes: a unit, and how many of them. */
static uint64_t read_span(void)
{
    static const uint64_t units[] = {1, 1000, MS_NS, IO_TIMER_S, UINT64_C(3600000000000)};
    uint64_t unit = units[read_byte() % 5];
    return unit * read_byte();
}

/* One byte: what leads there; a span from now on, or before it, from the clock's beginning, before its
 * end; some nanoseconds from the first deadline; eight bytes. */
static uint64_t read_time(void)
{
    uint64_t now_ns = io_sim_now_ns(&sim);
    switch (read_byte() % 6) {
    case 0:
        return timer_model_after(now_ns, read_span());
    case 1:
        return now_ns - read_span();
    case 2:
        return read_span();
    case 3:
        return UINT64_MAX - read_span();
    case 4:
        return timer_model_first(&model) + read_byte() - 128;
    default:
        return read_whole();
    }
}

static uint64_t read_interval(void)
{
    switch (read_byte() % 5) {
    case 0:
    case 1:
        return 0;
    case 2:
        return read_span();
    case 3:
        return UINT64_MAX - read_span();
    default:
        return read_whole();
    }
}

static int read_timeout(void)
{
    static const int timeouts[] = {0, -1, 1, 10, 1000, INT_MAX - 1, INT_MAX, 86400000};
    return timeouts[read_byte() % 8];
}

/* --- what must hold after every call --- */

static void expect(const char *clause, int result, int expected)
{
    if (result != expected) {
        violation(clause, "the result is %d, not %d", result, expected);
    }
    if (result < 0 && errno != -result) {
        violation("IO-ERROR-1", "errno is %d, not %d", errno, -result);
    }
}

/* clause: of what was done last. */
static void check_all(const char *clause)
{
    for (int id = 0; id < TIMERS; id++) {
        const timer_model_entry *entry = timer_model_find(&model, id);
        uint64_t deadline_ns = 1;
        int result = io_timer_deadline(&timers, all[id], &deadline_ns);
        if (result != (entry ? 0 : -ENOENT) || deadline_ns != (entry ? entry->deadline_ns : 1)) {
            violation(clause, "the deadline of t%d is %d, %" PRIu64, id, result, deadline_ns);
        }
    }
    if (!depth && poller.deadline_ns != timer_model_first(&model)) {
        violation("IO-TIMER-9", "it would wait until %" PRIu64, poller.deadline_ns);
    }
    const char *broken = io_poller_check(&poller, IO_CHECK_MEMORY);
    if (broken) {
        violation(clause, "%s", broken);
    }
}

/* --- calls --- */

static void play(int in_callback);

static void on_time(io_timers *given, io_timer *timer, uint64_t missed)
{
    int id = 0;
    while (id < TIMERS && all[id] != timer) {
        id++;
    }
    begin_note("fires", id)->time_ns = missed;
    if (given != &timers || id == TIMERS || depth) {
        violation("IO-TIMER-14", "a callback for nobody");
    }
    if (!model.in_round) {
        timer_model_round(&model, round_ns);
    }
    const char *broken = timer_model_fires(&model, id, missed);
    if (broken) {
        violation(broken, "t%d fires, missed %" PRIu64, id, missed);
    }
    depth++;
    check_all(timer_model_find(&model, id) ? "IO-TIMER-13" : "IO-TIMER-12");
    for (unsigned calls = read_byte() % 4; calls > 0; calls--) {
        play(1);
    }
    depth--;
}

static void on_input(io_poller *given, io_atom *its, int flags)
{
    char bytes[64];
    size_t size;
    begin_note("input", -1);
    if (given != &poller || its != &atom || flags != IO_READ || model.in_round) {
        violation("IO-TIMER-10", "an atom is called, flags %d", flags);
    }
    atom_calls++;
    while (io_read(&poller, &atom, bytes, sizeof(bytes), &size) == 0) {
        unread -= size;
    }
    told = 0;
    depth++;
    for (unsigned calls = read_byte() % 4; calls > 0; calls--) {
        play(1);
    }
    depth--;
    round_ns = io_sim_now_ns(&sim);
}

/* 1: what was asked for never comes. */
static int set(int id, int by_delay)
{
    uint64_t now_ns = io_sim_now_ns(&sim);
    uint64_t time_ns = read_time(), interval_ns = read_interval();
    note *n = begin_note(by_delay ? "set_in" : "set_at", id);
    uint64_t delay_ns = time_ns - now_ns; /* if that is over, a very long one */
    n->time_ns = by_delay ? delay_ns : time_ns;
    n->interval_ns = interval_ns;
    uint64_t deadline_ns = by_delay ? timer_model_after(now_ns, delay_ns) : time_ns;
    n->result = by_delay ? io_timer_set_in(&timers, all[id], delay_ns, interval_ns)
                         : io_timer_set_at(&timers, all[id], deadline_ns, interval_ns);
    expect("IO-TIMER-5", n->result, timer_model_set(&model, id, deadline_ns, interval_ns));
    return deadline_ns == UINT64_MAX;
}

static void cancel(int id)
{
    note *n = begin_note("cancel", id);
    n->result = io_timer_cancel(&timers, all[id]);
    expect("IO-TIMER-14", n->result, timer_model_cancel(&model, id));
}

static void make(int id)
{
    all[id] = malloc(sizeof(*all[id]));
    if (!all[id]) {
        abort();
    }
    io_timer_init(all[id], on_time);
}

/* Its memory is not the library's any more. */
static void renew(int id)
{
    if (timer_model_find(&model, id)) {
        cancel(id);
    }
    begin_note("free", id);
    free(all[id]);
    make(id);
}

static void advance(void)
{
    uint64_t now_ns = io_sim_now_ns(&sim), time_ns = read_time();
    begin_note("advance", -1)->time_ns = time_ns;
    if (time_ns > now_ns) {
        io_sim_advance(&sim, time_ns - now_ns);
    }
}

static void put(void)
{
    begin_note("put", -1);
    if (unread < 4096 && io_sim_write(fds[1], "x", 1) == 1) {
        unread++;
    }
}

/* When a wait has to be over, unless the atom is pending. */
static uint64_t wait_end(uint64_t now_ns, int timeout_ms)
{
    uint64_t end_ns = timer_model_first(&model);
    if (timeout_ms >= 0 && timeout_ms != INT_MAX) {
        uint64_t own_ns = timer_model_after(now_ns, (uint64_t)timeout_ms * MS_NS);
        own_ns = own_ns == UINT64_MAX ? UINT64_MAX - 1 : own_ns; /* the latest time there is */
        end_ns = own_ns < end_ns ? own_ns : end_ns;
    }
    return end_ns;
}

static void wait_for(int timeout_ms)
{
    uint64_t now_ns = io_sim_now_ns(&sim);
    uint64_t end_ns = wait_end(now_ns, timeout_ms);
    note *n = begin_note("wait", -1);
    n->time_ns = end_ns;
    if (!unread && end_ns != UINT64_MAX && end_ns > now_ns && end_ns - now_ns > LONGEST_NS) {
        return;
    }
    n->result = io_wait(&poller, timeout_ms);
    uint64_t after_ns = io_sim_now_ns(&sim);
    if (unread) {
        told = 1;
        expect("IO-TIMER-15", n->result, 1);
        end_ns = now_ns;
    } else if (n->result == -EDEADLK && timeout_ms != 0 &&
               (end_ns == UINT64_MAX || (end_ns > now_ns && end_ns >= UINT64_MAX - MS_NS))) {
        return; /* for ever, or beyond what the clock can show */
    } else {
        expect("IO-TIMER-9", n->result, 0);
        end_ns = timeout_ms == 0 || end_ns < now_ns ? now_ns : end_ns;
    }
    if (after_ns < end_ns) {
        violation("IO-WAIT-12", "io_wait is %" PRIu64 " ns early", end_ns - after_ns);
    }
    if (after_ns - end_ns >= MS_NS || (end_ns == now_ns && after_ns != now_ns)) {
        violation("IO-TIMER-9", "io_wait is %" PRIu64 " ns late", after_ns - end_ns);
    }
}

static void dispatch(void)
{
    atom_calls = 0;
    int expected = told;
    note *n = begin_note("dispatch", -1);
    round_ns = n->now_ns;
    int result = io_dispatch(&poller);
    expect("IO-TIMER-9", result, atom_calls);
    expect("IO-TIMER-15", atom_calls, expected);
    if (!model.in_round) {
        timer_model_round(&model, round_ns);
    }
    const char *broken = timer_model_rests(&model);
    if (broken) {
        violation(broken, "a timer that was due has not fired");
    }
}

static void attach(int count)
{
    note *n = begin_note("attach", count);
    n->result = io_timers_init(&timers, &poller, places, (size_t)count);
    expect("IO-TIMER-1", n->result, 0);
    timer_model_begin(&model, count);
}

static void refused(void)
{
    io_event event;
    note *n = begin_note("busy", -1);
    n->result = -EBUSY;
    expect("IO-TIMER-16", io_wait(&poller, 0), -EBUSY);
    expect("IO-TIMER-16", io_dispatch(&poller), -EBUSY);
    expect("IO-TIMER-16", io_next(&poller, &event), -EBUSY);
    expect("IO-TIMER-16", io_timers_dispose(&timers), -EBUSY);
    expect("IO-TIMER-16", io_poller_dispose(&poller), -EBUSY);
}

/* One byte: what to do; one of a timer, if it is about one; then what that needs. */
static void play(int in_callback)
{
    static const char *const clauses[] = {"IO-TIMER-5",  "IO-TIMER-8", "IO-TIMER-14",
                                          "IO-TIMER-14", "IO-TIMER-6", "IO-TIMER-15",
                                          "IO-TIMER-17", "IO-TIMER-9", "IO-TIMER-1"};
    unsigned what = read_byte() % 9;
    int id = what < 4 ? (int)(read_byte() % TIMERS) : -1;
    const char *clause = clauses[what];
    if (what == 0 || what == 1) {
        int is_never = set(id, what == 1);
        clause = is_never ? "IO-TIMER-7" : clause;
    } else if (what == 2) {
        cancel(id);
    } else if (what == 3) {
        renew(id);
    } else if (what == 4) {
        advance();
    } else if (what == 5) {
        put();
    } else if (in_callback) {
        refused();
        clause = "IO-TIMER-16";
    } else if (what == 6) {
        wait_for(read_timeout());
    } else if (what == 7) {
        dispatch();
    } else {
        expect("IO-TIMER-3", io_timers_dispose(&timers), 0);
        attach(1 + (int)(read_byte() % TIMERS));
    }
    check_all(clause);
}

/* Where the clock stands at the beginning, the poller, the number of places. */
static void begin(void)
{
    static const int types[] = {IO_POLLER_EPOLL, IO_POLLER_KQUEUE, IO_POLLER_URING, IO_POLLER_POLL,
                                IO_POLLER_SELECT};
    io_sim_init(&sim);
    io_sim_use(&sim);
    note_count = 0;
    unread = 0;
    told = depth = 0;
    timer_model_begin(&model, 0);
    sim.now_ns = read_time();
    unsigned byte = read_byte();
    io_atom_init(&atom, -1, on_input);
    if (io_sim_pipe2(fds, O_NONBLOCK) < 0 ||
        io_poller_init(&poller,
                       types[byte % 5] | (byte / 5 % 2 ? IO_POLLER_EDGE : IO_POLLER_LEVEL)) < 0) {
        violation("IO-INIT-1", "there is no poller");
    }
    io_atom_init(&atom, fds[0], on_input);
    if (io_add(&poller, &atom, IO_READ) < 0) {
        violation("IO-ADD-1", "the atom is refused");
    }
    for (int id = 0; id < TIMERS; id++) {
        make(id);
    }
    attach(1 + (int)(read_byte() % TIMERS));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_size = size;
    input_at = 0;
    begin();
    for (int calls = 0; calls < CALLS && input_at < input_size; calls++) {
        play(0);
    }
    /* At the end nothing fires or is touched any more. */
    expect("IO-TIMER-3", io_timers_dispose(&timers), 0);
    for (int id = 0; id < TIMERS; id++) {
        free(all[id]);
    }
    told = 0;
    if (io_dispatch(&poller) < 0 || io_poller_dispose(&poller) < 0) {
        violation("IO-TIMER-3", "the poller cannot be disposed of");
    }
    if (getenv("IOATOM_FUZZ_VERBOSE") != NULL) {
        print_notes();
    }
    return 0;
}
