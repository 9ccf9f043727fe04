/*
 * Fuzzes the arithmetic of waiting: io_deadline and io_timeout_ms alone, and in a poller with a
 * deadline_ns, which waits on the simulated kernel, whose clock can stand anywhere, whose waits may
 * end too early or too late, and where something may happen at any time. Held against the model in
 * fuzz/model/deadline_model.c: never early, no more than the millisecond late that it takes to round
 * up, for ever where it says so, and nothing overflows.
 *
 * An input is read as described at read_time and read_timeout; fuzz/seeds.py writes such bytes.
 */
#include <ioatom/sim.h>

#include "harness/plain.h"
#include "model/deadline_model.h"

#include "lib/core/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What happens while the poller waits. */
enum {
    NOTHING,
    DATA,   /* for an atom that asks for it */
    MASKED, /* for an atom that does not ask for it any more: the wait goes on (IO-WAIT-7) */
    SIGNAL,
    HAPPENINGS
};

/* What the kernel does wrong in its first waits. */
enum { PUNCTUAL, EARLY, LATE, FAULTS };

/* A longer wait is one of several: a timeout has no more milliseconds. */
enum { PIECES = 16 };
#define PIECE_NS ((wide)(INT_MAX - 1) * WIDE_MS)

typedef struct input {
    const uint8_t *data;
    size_t size, at;
} input;

typedef struct scene {
    uint64_t now_ns;
    int timeout_ms;
    uint64_t deadline_ns;
    int types;
    int happening;
    uint64_t at_ns;
    int fault;
    uint32_t faulty_waits;
    uint64_t fault_ns;
} scene;

static scene now;
static io_sim sim;
static io_poller poller;
static int fds[2];

static void print_scene(void)
{
    fprintf(stderr,
            "--- program\nnow %llu ns\ntimeout %d ms\ndeadline %llu ns\npoller 0x%x\n"
            "happening %d at %llu ns\nfault %d of %llu ns in %u waits\n--- end\n",
            (unsigned long long)now.now_ns, now.timeout_ms, (unsigned long long)now.deadline_ns,
            (unsigned)now.types, now.happening, (unsigned long long)now.at_ns, now.fault,
            (unsigned long long)now.fault_ns, now.faulty_waits);
}

#define violation(...) plain_violation(print_scene, __VA_ARGS__)

/* --- the input --- */

static uint64_t read_bytes(input *in, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value |= (uint64_t)(in->at < in->size ? in->data[in->at++] : 0) << 8 * i;
    }
    return value;
}

/* One byte: where to begin, and in what unit two signed bytes behind it lead away from there. The
 * last beginning is eight bytes. */
static uint64_t read_time(input *in, uint64_t near)
{
    const uint64_t beginnings[] = {
        0,
        near,
        UINT64_MAX,
        IO_SIM_START_NS,
        (uint64_t)INT_MAX * IO_NS_PER_MS,
        near + (uint64_t)INT_MAX * IO_NS_PER_MS,
        UINT64_C(1) << 63,
        UINT64_C(1) << 32,
    };
    static const uint64_t units[] = {1, 1000, IO_NS_PER_MS, UINT64_C(3600000000000)};
    enum { BEGINNINGS = sizeof(beginnings) / sizeof(beginnings[0]) };
    int byte = (int)read_bytes(in, 1);
    int which = byte % (BEGINNINGS + 1);
    uint64_t time = which < BEGINNINGS ? beginnings[which] : read_bytes(in, 8);
    int16_t steps = (int16_t)read_bytes(in, 2);
    return time + (uint64_t)(int64_t)steps * units[byte / 64];
}

/* One byte: a timeout, or that there are four bytes of one. */
static int read_timeout(input *in)
{
    static const int timeouts[] = {0,          1,       2,       10,          1000,    -1,
                                   INT_MIN,    INT_MAX, 2100000, INT_MAX - 1, 2147484, INT_MAX - 2,
                                   0x40000000, 4294968, -2,      86400000};
    enum { TIMEOUTS = sizeof(timeouts) / sizeof(timeouts[0]) };
    int byte = (int)read_bytes(in, 1) % (TIMEOUTS + 4);
    return byte < TIMEOUTS ? timeouts[byte] : (int)(uint32_t)read_bytes(in, 4);
}

static void read_scene(input *in)
{
    static const int types[] = {IO_POLLER_EPOLL, IO_POLLER_KQUEUE, IO_POLLER_URING, IO_POLLER_POLL,
                                IO_POLLER_SELECT};
    now = (scene){.now_ns = read_time(in, IO_SIM_START_NS)};
    now.timeout_ms = read_timeout(in);
    now.deadline_ns = read_time(in, now.now_ns);
    int byte = (int)read_bytes(in, 1);
    now.types = types[byte % 5] | (byte / 5 % 2 ? IO_POLLER_EDGE : IO_POLLER_LEVEL);
    now.happening = byte / 10 % HAPPENINGS;
    now.fault = byte / 40 % FAULTS;
    now.at_ns = read_time(in, now.now_ns);
    now.faulty_waits = (uint32_t)read_bytes(in, 1) % 4;
    now.fault_ns = read_bytes(in, 4);
}

/* --- the functions alone --- */

static void check_functions(uint64_t now_ns, int timeout_ms, uint64_t deadline_ns)
{
    uint64_t deadline = io_deadline(now_ns, timeout_ms);
    uint64_t expected = deadline_model_as_value(deadline_model_end(now_ns, timeout_ms));
    if (deadline != expected) {
        violation("IO-WAIT-3", "io_deadline is %llu, not %llu", (unsigned long long)deadline,
                  (unsigned long long)expected);
    }
    const uint64_t deadlines[] = {deadline, deadline_ns};
    for (int i = 0; i < 2; i++) {
        int result = io_timeout_ms(deadlines[i], now_ns);
        wide end = deadline_model_of_value(deadlines[i]);
        const char *clause = deadline_model_judge(end, now_ns, result);
        if (clause) {
            violation(clause, "io_timeout_ms(%llu) is %d", (unsigned long long)deadlines[i],
                      result);
        }
    }
}

/* A kernel that waits as long as it is told is told often enough, and no more often than a timeout
 * that is cut short demands. Of many such pieces, the first and the last ones. */
static void check_pieces(uint64_t now_ns, uint64_t deadline_ns)
{
    wide at = now_ns;
    wide end = deadline_model_of_value(deadline_ns);
    for (int piece = 0; end != WIDE_NEVER && at < end && at < UINT64_MAX; piece++) {
        int timeout_ms = io_timeout_ms(deadline_ns, (uint64_t)at);
        const char *clause = deadline_model_judge(end, (uint64_t)at, timeout_ms);
        if (clause || piece > 2 * PIECES) {
            violation(clause ? clause : "IO-WAIT-10", "in piece %d io_timeout_ms is %d", piece,
                      timeout_ms);
        }
        at += (wide)(unsigned)timeout_ms * WIDE_MS;
        if (piece == PIECES / 2 && at + PIECES * PIECE_NS < end) {
            at = end - PIECES * PIECE_NS - 1;
        }
    }
}

/* --- a poller --- */

static void no_call(io_poller *unused, io_atom *atom, int flags)
{
    (void)unused;
    (void)atom;
    (void)flags;
    violation("IO-DISPATCH-1", "io_wait called a callback");
}

static void happen(io_sim *it, void *context)
{
    (void)context;
    if (now.happening == SIGNAL) {
        io_sim_interrupt(it);
    } else {
        io_sim_write(fds[1], "x", 1);
    }
}

static void draw(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    int waits = kind == IO_SIM_CALL_POLL || kind == IO_SIM_CALL_SELECT ||
                kind == IO_SIM_CALL_EPOLL_WAIT || kind == IO_SIM_CALL_KEVENT ||
                kind == IO_SIM_CALL_URING_WAIT;
    (void)context;
    (void)fd;
    if (waits && nth <= now.faulty_waits) {
        fault->early_ns = now.fault == EARLY ? now.fault_ns : 0;
        fault->late_ns = now.fault == LATE ? now.fault_ns : 0;
    }
}

static void begin(io_atom *atom)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    (void)io_sim_advance(&sim, now.now_ns - IO_SIM_START_NS);
    io_atom_init(atom, -1, no_call);
    if (io_sim_pipe2(fds, O_NONBLOCK) < 0 || io_poller_init(&poller, now.types) < 0) {
        violation("IO-INIT-1", "there is no poller");
    }
    io_atom_init(atom, fds[0], no_call);
    if (io_add(&poller, atom, IO_READ) < 0 ||
        (now.happening == MASKED && io_set(&poller, atom, 0) < 0)) {
        violation("IO-ADD-1", "the atom is refused");
    }
    poller.deadline_ns = now.deadline_ns;
    if (now.happening != NOTHING) {
        io_sim_at(&sim, now.at_ns, happen, NULL);
    }
    io_sim_on_call(&sim, draw, NULL);
}

/* When io_wait has to end if nothing comes. */
static wide expected_end(void)
{
    wide end = deadline_model_end(now.now_ns, now.timeout_ms);
    wide other = deadline_model_of_value(now.deadline_ns);
    return other < end ? other : end;
}

/* The kernel's waits, with one atom; those that the fault cut short come on top. */
static void check_count(wide after_ns)
{
    long count = io_sim_calls(&sim, IO_SIM_CALL_POLL) + io_sim_calls(&sim, IO_SIM_CALL_SELECT) +
                 io_sim_calls(&sim, IO_SIM_CALL_EPOLL_WAIT) +
                 io_sim_calls(&sim, IO_SIM_CALL_KEVENT) +
                 io_sim_calls(&sim, IO_SIM_CALL_URING_WAIT);
    wide most = 4 + now.faulty_waits + (after_ns - now.now_ns) / (50 * WIDE_MS);
    if ((wide)(unsigned long)count > most) {
        violation("IO-WAIT-10", "%ld waits", count);
    }
}

static void check_wait(void)
{
    io_atom atom;
    wide end = expected_end();
    if (end != WIDE_NEVER && end > now.now_ns + PIECES * PIECE_NS) {
        return; /* as long as this input would take to run */
    }
    begin(&atom);
    int blocks = now.timeout_ms != 0 && end > now.now_ns;
    wide late = now.fault == LATE ? (wide)now.faulty_waits * now.fault_ns : 0;
    /* What happens comes at the first opportunity. */
    wide comes = now.at_ns > now.now_ns ? now.at_ns : now.now_ns;
    /* (A signal that comes while a wait is late already interrupts nothing.) */
    int wakes = blocks && (now.happening == DATA || (now.happening == SIGNAL && !late));
    int result = io_wait(&poller, now.timeout_ms);
    wide after = io_sim_now_ns(&sim);
    check_count(after);
    if (result == -EDEADLK) {
        /* The clock's end, or for ever with nothing to come. */
        if (end + WIDE_MS + late < UINT64_MAX || (wakes && comes < end && comes < UINT64_MAX - 1)) {
            violation("IO-WAIT-4", "io_wait blocked for ever");
        }
        return;
    }
    if (result < 0 || result > (now.happening == DATA && after >= comes)) {
        violation("IO-WAIT-1", "io_wait is %d", result);
    }
    if (result == 0 && blocks && after < end && !(now.happening == SIGNAL && after >= comes)) {
        violation("IO-WAIT-3", "io_wait is 0, %llu ns early", (unsigned long long)(end - after));
    }
    wide latest = blocks ? end + WIDE_MS : now.now_ns;
    latest = wakes && comes < end ? comes : latest;
    if (after > latest + late) {
        violation(blocks ? "IO-WAIT-12" : "IO-WAIT-5", "io_wait is %d, %llu ns late", result,
                  (unsigned long long)(after - latest - late));
    }
    if (result == 0 && blocks && now.happening == DATA && comes < end) {
        violation("IO-EDGE-1", "io_wait missed what came");
    }
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
    input in = {data, size, 0};
    read_scene(&in);
    if (getenv("IOATOM_FUZZ_VERBOSE") != NULL) {
        print_scene();
    }
    check_functions(now.now_ns, now.timeout_ms, now.deadline_ns);
    check_pieces(now.now_ns, now.deadline_ns);
    if (now.now_ns >= IO_SIM_START_NS && now.now_ns <= UINT64_C(1) << 63) {
        check_wait();
    }
    return 0;
}
