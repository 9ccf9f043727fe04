/*
 * Fuzzes the core: the table and its queue. The bytes are calls of lib/core's functions, among them
 * those that callbacks make, which are run in one of the three modes on a small table, against the
 * model in fuzz/model/table_model.c. After every call its result and everything that can be seen of
 * the core are compared, and the invariants of lib/check must hold.
 *
 * The first byte is the mode and the number of slots, the second the generation that the slots begin
 * with. Then there is a byte for each call: the call in its lower half, the atom in the other one,
 * and behind it what the call takes. A callback takes its calls from the same bytes: how many, and
 * these. fuzz/table_seeds.py writes such bytes from text.
 */
#include "harness/plain.h"
#include "model/table_model.h"

#include "lib/check/check.h"
#include "lib/core/core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATOMS = 16, BUDGET = 512, CALLS_IN_CALLBACK = 4, FILLER = 0xa5 };

/* The calls. */
enum {
    ADD,
    SET,
    REMOVE,
    FREE, /* remove, and give the atom's memory back */
    EXHAUSTED,
    REPORT,  /* an event for the registration that there is, with room in the queue */
    PRESSED, /* the same without making room */
    STALE,   /* an event of another generation */
    BEYOND,  /* an event of a descriptor that is not in the table */
    DISPATCH,
    NEXT,
    COMPACT,
    CALM,
    WAKE,
    WAKE_ALL,
    RENEW, /* an atom's registration ends and begins again, many times */
    CALLS
};

static const char *const names[CALLS] = {
    "add",    "set",      "remove", "free",    "exhausted", "report", "pressed",  "stale",
    "beyond", "dispatch", "next",   "compact", "calm",      "wake",   "wake_all", "renew"};

typedef struct step {
    int call, atom, argument, generation, depth;
} step;

static struct {
    const uint8_t *data;
    size_t size, at;
    step steps[BUDGET];
    int step_count;
    int budget;
    int verbose;
    int in_callback;
    int loose; /* places of slots that have nothing pending may be gone */
    int calls; /* callbacks in this dispatch */
    int called[ATOMS];
    io_poller poller; /* of which only the core is used */
    io_slot *slots;
    uint32_t *queue;
    io_atom *atoms[ATOMS];
    table_model model;
} run;

#define CORE (&run.poller.core)

static void print_steps(void)
{
    fprintf(stderr, "--- program\nmode %d, %d slots\n", CORE->mode, run.model.row_count);
    for (int i = 0; i < run.step_count; i++) {
        const step *s = &run.steps[i];
        fprintf(stderr, "%*s%s a%d (descriptor %d) %d", 2 * s->depth, "", names[s->call], s->atom,
                run.atoms[s->atom]->fd, s->argument);
        fprintf(stderr, s->call == STALE ? " %d\n" : "\n", s->generation);
    }
    fprintf(stderr, "--- end\n");
}

#define violation(...) plain_violation(print_steps, __VA_ARGS__)

static int next_byte(void)
{
    return run.at < run.size ? run.data[run.at++] : 0;
}

/* --- what can be seen --- */

/* Comparisons of what is equal anyhow guide no fuzzer, and take most of its time. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

static void expect(const char *clause, const char *what, long found, long expected)
{
    if (found != expected) {
        violation(clause, "%s is %ld, not %ld", what, found, expected);
    }
}

static int bits_of(const int flags[TABLE_FLAGS])
{
    return (flags[TABLE_READ] ? IO_READ : 0) + (flags[TABLE_WRITE] ? IO_WRITE : 0) +
           (flags[TABLE_EXCEPT] ? IO_EXCEPT : 0);
}

static int kernel_of(const table_row *row)
{
    return bits_of(row->armed) + (row->hang_up ? IO_KERNEL_HUP : 0) +
           (row->error ? IO_KERNEL_ERR : 0) + (row->rests ? IO_KERNEL_REST : 0) +
           (row->dead ? IO_KERNEL_DEAD : 0) + (row->trace ? IO_KERNEL_TRACE : 0);
}

static void compare_slot(int fd)
{
    const io_slot *slot = &run.slots[fd];
    table_row *row = &run.model.rows[fd];
    const io_atom *atom = row->atom == TABLE_NOBODY ? NULL : run.atoms[row->atom];
    if (slot->atom != atom) {
        violation(atom ? "IO-ADD-1" : "IO-REMOVE-1", "slot %d has another atom", fd);
    }
    expect("IO-REMOVE-6", "the generation", slot->generation, row->generation);
    expect("IO-SET-1", "the interest", slot->interest,
           bits_of(row->interest) + (row->oneshot ? IO_ONESHOT : 0));
    expect("IO-LOST-1", "what is pending", slot->pending, table_model_pending_flags(row));
    expect("IO-MASK-1", "what the kernel was asked for and told", slot->kernel, kernel_of(row));
    expect("IO-EDGE-3", "what is exhausted", slot->marks & IO_EVENTS, bits_of(row->exhausted));
    int place = (slot->marks & IO_QUEUED) != 0;
    if (run.loose && !place && !slot->pending) {
        row->place = 0; /* it was stale, and is skipped in an order that nobody has promised */
    }
    expect("IO-DISPATCH-1", "having a place in the queue", place, row->place);
}

/* The functions that only look. */
static void compare_answers(void)
{
    for (int fd = 0; fd < run.model.row_count; fd++) {
        expect("IO-EVENT-8", "io_core_alarms", io_core_alarms(CORE, (uint32_t)fd) != 0,
               table_model_alarms(&run.model, fd));
        expect("IO-EVENT-7", "io_core_request", io_core_request(CORE, (uint32_t)fd),
               table_model_request(&run.model, fd));
    }
    expect("IO-WAIT-1", "io_core_pending", io_core_pending(CORE), table_model_pending(&run.model));
    /* Each atom in its turn. */
    int i = run.step_count % ATOMS;
    const table_row *row = table_model_find(&run.model, i, run.atoms[i]->fd);
    const io_slot *slot = row ? &run.slots[row - run.model.rows] : NULL;
    if (io_core_find(CORE, run.atoms[i]) != slot) {
        violation("IO-SET-4", "io_core_find(a%d) is wrong", i);
    }
}

static void compare(void)
{
    if (CORE->slots != run.slots || CORE->queue != run.queue ||
        CORE->slot_count != (uint64_t)run.model.row_count || CORE->mode != run.model.mode) {
        violation("IO-ERROR-2", "the core is another");
    }
    expect("IO-DISPATCH-5", "dispatching", CORE->dispatching != 0, run.model.dispatching);
    for (int fd = 0; fd < run.model.row_count; fd++) {
        compare_slot(fd);
    }
    if (run.model.rested && !CORE->rested) {
        violation("IO-EVENT-8", "a slot rests, and nobody will wake it");
    }
    if (CORE->rested && !run.model.rested) {
        violation("IO-WAIT-10", "no slot rests, but waits are cut short to wake one");
    }
    const char *broken = io_core_check(CORE, &run.poller);
    if (broken) {
        violation(broken, "this invariant does not hold (lib/check)");
    }
    compare_answers();
    run.loose = 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif

/* --- the calls --- */

static void make_calls(int count);

static void on_call(io_poller *poller, io_atom *atom, int flags)
{
    int index = 0;
    while (index < ATOMS && run.atoms[index] != atom) {
        index++;
    }
    if (index == ATOMS || poller != &run.poller) {
        violation("IO-REMOVE-1", "a callback of no atom, or of another poller");
    }
    table_row *row = table_model_find(&run.model, index, atom->fd);
    if (!row) {
        violation("IO-DISPATCH-3", "a callback of a%d, which is not registered", index);
    }
    expect("IO-DISPATCH-2", "the flags told", flags, table_model_pending_flags(row));
    if (flags == 0) {
        violation("IO-DISPATCH-2", "a callback of a%d without flags", index);
    }
    if (run.called[index]++) {
        violation("IO-DISPATCH-1", "a second callback of a%d", index);
    }
    run.calls++;
    table_model_take(row);
    run.in_callback = 1;
    run.loose = 1;
    /* As lib/audit does it, to learn whether the callback asks for its flags again (IO-AUDIT-2). */
    io_slot *slot = &run.slots[row - run.model.rows];
    uint32_t generation = row->generation;
    slot->kernel |= IO_KERNEL_TRACE;
    row->trace = 1;
    compare();
    make_calls(next_byte() % (CALLS_IN_CALLBACK + 1));
    if (row->generation == generation) {
        slot->kernel &= (uint8_t)~IO_KERNEL_TRACE;
        row->trace = 0;
    }
}

static void dispatch(void)
{
    if (run.in_callback) {
        expect("IO-DISPATCH-5", "a nested io_core_dispatch", io_core_dispatch(CORE, &run.poller),
               -EBUSY);
        return;
    }
    run.model.dispatching = 1;
    run.calls = 0;
    memset(run.called, 0, sizeof(run.called));
    int result = io_core_dispatch(CORE, &run.poller);
    run.in_callback = 0;
    run.model.dispatching = 0;
    expect("IO-DISPATCH-1", "io_core_dispatch", result, run.calls);
    expect("IO-DISPATCH-7", "what was left undelivered", table_model_pending(&run.model), 0);
    table_model_no_places(&run.model);
    expect("IO-DISPATCH-4", "the queue's end", (long)CORE->queue_count, 0);
    expect("IO-DISPATCH-4", "the queue's beginning", (long)CORE->cursor, 0);
}

static void next(void)
{
    io_atom nobody;
    io_event event = {&nobody, 12345};
    int pending = table_model_pending(&run.model);
    int result = io_core_next(CORE, &event);
    expect(run.in_callback ? "IO-NEXT-2" : "IO-NEXT-1", "io_core_next", result,
           run.in_callback ? -EBUSY : pending > 0);
    if (result != 1) {
        if (event.atom != &nobody || event.flags != 12345) {
            violation("IO-NEXT-1", "io_core_next returned %d and changed the event", result);
        }
        if (result == 0) {
            table_model_no_places(&run.model);
        }
        return;
    }
    for (int i = 0; i < run.model.row_count; i++) {
        table_row *row = &run.model.rows[i];
        if (row->atom != TABLE_NOBODY && run.atoms[row->atom] == event.atom) {
            expect("IO-NEXT-1", "the flags taken", event.flags, table_model_pending_flags(row));
            if (event.flags == 0) {
                violation("IO-NEXT-3", "an event without flags");
            }
            table_model_take(row);
            run.loose = 1;
            return;
        }
    }
    violation("IO-NEXT-1", "an event of an atom that is not registered");
}

/* An event of the generation that the slot has, and so much more. */
static void harvest(uint32_t fd, uint32_t more, int bits)
{
    int inside = fd < (uint32_t)run.model.row_count;
    uint32_t generation = (inside ? run.slots[fd].generation : 0) + more;
    int full = CORE->queue_count == CORE->slot_count;
    int expected = table_model_harvest(&run.model, fd, generation, bits, full);
    expect(expected == IO_HARVEST_STALE ? "IO-REMOVE-6" : "IO-LOST-1", "io_core_harvest",
           io_core_harvest(CORE, fd, generation, bits), expected);
}

static void compact(void)
{
    if (!run.in_callback) {
        uint64_t left = CORE->queue_count - CORE->cursor;
        io_core_compact(CORE);
        expect("IO-LOST-1", "the queue's beginning", (long)CORE->cursor, 0);
        expect("IO-LOST-1", "the queue's end", (long)CORE->queue_count, (long)left);
    }
}

static void wake_all(void)
{
    CORE->rested = 0; /* as io_wait does it */
    run.model.rested = 0;
    for (int fd = 0; fd < run.model.row_count; fd++) {
        expect("IO-EVENT-8", "io_core_wake", io_core_wake(CORE, (uint32_t)fd),
               table_model_wake(&run.model, fd));
    }
}

/* A byte as flags: 0 to 15 mostly, and all that is none. */
static int flags_of(int byte)
{
    static const int odd[] = {16, 17, 31, 32, 255, 256, 0x7fffffff, -1, -2, -15, INT_MIN};
    return byte < 0xf0 ? byte % 16 : odd[byte % (int)(sizeof(odd) / sizeof(odd[0]))];
}

static int add(int a, int flags)
{
    int expected =
        table_model_add(&run.model, a, run.atoms[a]->fd, run.atoms[a]->proc != NULL, flags);
    int result = io_core_add(CORE, run.atoms[a], flags);
    expect("IO-ERROR-4", "io_core_add", result, expected);
    return result;
}

static int drop(int a)
{
    int result = io_core_remove(CORE, run.atoms[a]);
    expect("IO-REMOVE-4", "io_core_remove", result,
           table_model_remove(&run.model, a, run.atoms[a]->fd));
    return result;
}

/* New memory for the atom, so that a sanitizer sees whoever touches the old one (IO-REMOVE-1). */
static void new_memory(int a)
{
    io_atom *old = run.atoms[a];
    run.atoms[a] = malloc(sizeof(io_atom));
    if (!run.atoms[a]) {
        abort();
    }
    *run.atoms[a] = *old;
    free(old);
}

static void renew(int a, int times)
{
    for (int i = 0; i < times && drop(a) == 0; i++) {
        add(a, IO_READ | IO_WRITE);
    }
}

/* Where generations that were cut to some bits would be the same again. */
static uint32_t distance(int byte)
{
    static const uint32_t distances[] = {
        1,        2,        UINT32_MAX, UINT32_MAX - 1, 1u << 4,   1u << 8,     1u << 15, 1u << 16,
        1u << 24, 1u << 31, 3,          1u << 10,       0u - 256u, 0u - 65536u, 6,        1u << 28};
    return distances[byte % (int)(sizeof(distances) / sizeof(distances[0]))];
}

static step read_step(void)
{
    int byte = next_byte();
    step s = {.call = byte % CALLS, .atom = byte / CALLS % ATOMS, .depth = run.in_callback};
    if (s.call == ADD || s.call == SET || s.call == EXHAUSTED) {
        s.argument = flags_of(next_byte());
    } else if (s.call != REMOVE && s.call != FREE && s.call != DISPATCH && s.call != NEXT &&
               s.call != COMPACT && s.call != WAKE && s.call != WAKE_ALL) {
        s.argument = next_byte();
    }
    s.generation = s.call == STALE ? next_byte() : 0;
    return s;
}

static void make_call(const step *s)
{
    int a = s->atom;
    int row =
        run.atoms[a]->fd >= 0 && run.atoms[a]->fd < run.model.row_count ? run.atoms[a]->fd : 0;
    int bits = s->argument % 0x80;
    switch (s->call) {
    case ADD:
        add(a, s->argument);
        break;
    case SET:
        expect("IO-SET-2", "io_core_set", io_core_set(CORE, run.atoms[a], s->argument),
               table_model_set(&run.model, a, run.atoms[a]->fd, s->argument));
        break;
    case REMOVE:
        drop(a);
        break;
    case FREE:
        drop(a);
        new_memory(a);
        break;
    case EXHAUSTED:
        expect("IO-EDGE-3", "io_core_exhausted", io_core_exhausted(CORE, run.atoms[a], s->argument),
               table_model_exhausted(&run.model, a, run.atoms[a]->fd, s->argument));
        break;
    case REPORT:
        compact();
        harvest((uint32_t)row, 0, bits);
        break;
    case PRESSED:
        harvest((uint32_t)row, 0, bits);
        break;
    case STALE:
        harvest((uint32_t)row, distance(s->generation), bits);
        break;
    case BEYOND:
        harvest((uint32_t)run.model.row_count + (bits < 0x70 ? (uint32_t)bits : 0u - 64u), 0, bits);
        break;
    case DISPATCH:
        dispatch();
        break;
    case NEXT:
        next();
        break;
    case COMPACT:
        compact();
        break;
    case CALM:
        io_core_calm(CORE, (uint32_t)row, bits);
        table_model_calm(&run.model, row, bits);
        break;
    case WAKE:
        expect("IO-EVENT-8", "io_core_wake", io_core_wake(CORE, (uint32_t)row),
               table_model_wake(&run.model, row));
        break;
    case WAKE_ALL:
        wake_all();
        break;
    default:
        renew(a, s->argument);
    }
}

static void make_calls(int count)
{
    for (; count > 0 && run.at < run.size && run.step_count < BUDGET; count--) {
        step *s = &run.steps[run.step_count++];
        *s = read_step();
        make_call(s);
        compare();
    }
}

/* --- a run --- */

static void *dirty(size_t size)
{
    void *memory = malloc(size);
    if (!memory) {
        abort();
    }
    return memset(memory, FILLER, size);
}

/* Two atoms for each of the first descriptors, and such as cannot be added. */
static void make_atoms(void)
{
    static const int fds[ATOMS] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, -1, INT_MAX, INT_MIN, 0};
    for (int i = 0; i < ATOMS; i++) {
        run.atoms[i] = dirty(sizeof(io_atom));
        run.atoms[i]->fd = fds[i];
        run.atoms[i]->proc = i == ATOMS - 1 ? NULL : on_call;
    }
}

static void begin(void)
{
    /* Even ones, as after io_core_init and any number of adds and removes. */
    static const uint32_t generations[] = {0,           254,      UINT32_MAX - 1, 65534,
                                           INT_MAX - 1, 0xfffffe, 1u << 31,       32766};
    int shape = next_byte();
    int mode = shape % 3;
    int count = 1 + shape / 3 % TABLE_ROWS;
    uint32_t generation = generations[next_byte() % 8];
    run.slots = dirty((size_t)count * sizeof(io_slot));
    run.queue = dirty((size_t)count * sizeof(uint32_t));
    memset(CORE, FILLER, sizeof(*CORE));
    io_core_init(CORE, run.slots, run.queue, (uint64_t)count, (uint16_t)mode);
    table_model_init(&run.model, mode, count);
    make_atoms();
    compare();
    for (int fd = 0; fd < count; fd++) {
        run.slots[fd].generation = run.model.rows[fd].generation = generation;
    }
}

/* Everything is delivered, and can be removed. */
static void end(void)
{
    run.size = run.at; /* callbacks do nothing from here on */
    dispatch();
    compare();
    for (int i = 0; i < ATOMS; i++) {
        drop(i);
        compare();
    }
    expect("IO-REMOVE-2", "io_core_next", io_core_next(CORE, &(io_event){NULL, 0}), 0);
    for (int i = 0; i < ATOMS; i++) {
        free(run.atoms[i]);
    }
    free(run.slots);
    free(run.queue);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    run.verbose = getenv("IOATOM_FUZZ_VERBOSE") != NULL;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run.data = data;
    run.size = size;
    run.at = 0;
    run.step_count = 0;
    run.in_callback = 0;
    run.loose = 0;
    begin();
    make_calls(INT_MAX);
    if (run.verbose) {
        print_steps();
    }
    end();
    return 0;
}
