/*
 * What the code that E-ACSL generates calls: assertions, which name the clause and count it, and the
 * snapshots that stand for the state before a call. It takes the place of E-ACSL's own run-time
 * library, whose record of memory would know nothing of what is not instrumented.
 */
#include "lib/core/core.h"

#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The generated code has the same declarations; these are e_acsl_assert_data.h's. */
typedef struct assert_data {
    int blocking;
    const char *kind;
    const char *name;
    const char *predicate;
    const char *file;
    const char *function;
    int line;
    void *values;
} assert_data;

void __e_acsl_assert(int holds, const assert_data *data);
int __e_acsl_valid_read(const void *pointer, size_t size, const void *base, const void *address);
void io_eacsl_enter(const io_core *core);
void io_eacsl_leave(void);
void io_user_proc(io_poller *poller, io_atom *atom, int flags);

/* --- counting --- */

enum { CLAUSES = 4096 };

static struct {
    const char *kind;
    const char *name;
    const char *function;
    const char *file;
    int line;
    unsigned long long count;
} clauses[CLAUSES];

static void write_counts(void)
{
    const char *path = getenv("IOATOM_EACSL_COUNTS");
    FILE *out = path ? fopen(path, "a") : NULL;
    for (int i = 0; out && i < CLAUSES; i++) {
        if (clauses[i].count) {
            fprintf(out, "%s\t%s\t%s\t%s\t%d\t%llu\n", clauses[i].kind, clauses[i].function,
                    clauses[i].name, clauses[i].file, clauses[i].line, clauses[i].count);
        }
    }
    if (out && fclose(out) != 0) {
        fprintf(stderr, "runtime: cannot write the counts\n");
        _Exit(2);
    }
}

static void count(const assert_data *data)
{
    static int registered;
    uintptr_t key = (uintptr_t)data->function * 31 + (uintptr_t)data->name * 7 +
                    (uintptr_t)data->kind + (uintptr_t)data->line * 97;
    if (!registered) {
        registered = 1;
        atexit(write_counts);
    }
    for (int i = 0; i < CLAUSES; i++) {
        unsigned at = (unsigned)(key + (unsigned)i) % CLAUSES;
        if (!clauses[at].count) {
            clauses[at].kind = data->kind;
            clauses[at].name = data->name;
            clauses[at].function = data->function;
            clauses[at].file = data->file;
            clauses[at].line = data->line;
        } else if (clauses[at].name != data->name || clauses[at].function != data->function ||
                   clauses[at].line != data->line || clauses[at].kind != data->kind) {
            continue;
        }
        clauses[at].count++;
        return;
    }
    fprintf(stderr, "runtime: more than %d clauses\n", CLAUSES);
    _Exit(2);
}

/* --- failures --- */

/* The innermost calls of functions with a snapshot, and in which of them a clause failed: the other
 * clauses of that contract are evaluated, too, and then it is over. */
static int depth;
static int failed_depth = -1;
static int precondition_failed;

static void is_over(void)
{
    fflush(stderr);
    abort();
}

static void is_over_at_exit(void)
{
    if (failed_depth >= 0) {
        is_over();
    }
}

static void fail(const assert_data *data)
{
    fprintf(stderr, "CONTRACT %s %s %s %s:%d\n%s\n", data->function, data->kind,
            data->name ? data->name : "-", data->file, data->line, data->predicate);
    if (data->kind[0] == 'R') { /* a run-time error while a clause was evaluated */
        is_over();
    }
    precondition_failed |= strcmp(data->kind, "Precondition") == 0;
    if (failed_depth < 0) {
        failed_depth = depth;
        atexit(is_over_at_exit);
    }
}

/* --- what E-ACSL calls --- */

void __e_acsl_assert(int holds, const assert_data *data)
{
    if (precondition_failed && strcmp(data->kind, "Precondition") != 0) {
        is_over();
    }
    if (!holds) {
        fail(data);
    }
    if (data->kind[0] != 'R') {
        count(data);
    }
}

int __e_acsl_valid_read(const void *pointer, size_t size, const void *base, const void *address)
{
    (void)pointer;
    (void)size;
    (void)base;
    (void)address;
    return 1;
}

/* --- the state before --- */

io_eacsl_snapshot *io_pre;

extern io_atom *io_watched;
extern uint32_t io_watched_fd;
io_atom *io_user_other;
long io_user_state;

static void no_memory(void)
{
    fprintf(stderr, "runtime: no memory\n");
    _Exit(2);
}

static void *copy(const void *from, size_t size)
{
    void *to = malloc(size ? size : 1);
    if (!to) {
        no_memory();
    }
    if (size) {
        memcpy(to, from, size);
    }
    return to;
}

/* Proofs speak of any atom and any descriptor: here of one in turn. A dispatch watches one that is
 * in the queue, one that is in the table, or the same again, which may be gone by now. */
static void watch(const io_core *core)
{
    static unsigned turn;
    turn++;
    if (core->dispatching || turn % 8 == 7) {
        return;
    }
    if (core->queue_count > core->cursor && turn % 8 != 3) {
        io_watched_fd = core->queue[core->cursor + turn % (core->queue_count - core->cursor)];
    } else {
        io_watched_fd = turn % (unsigned)(core->slot_count + 1);
    }
    if (io_watched_fd < core->slot_count) {
        io_watched = core->slots[io_watched_fd].atom;
    }
}

void io_eacsl_enter(const io_core *core)
{
    if (precondition_failed) {
        is_over();
    }
    depth++;
    io_eacsl_snapshot *s = malloc(sizeof(*s));
    size_t slots = core->slot_count;
    if (!s) {
        no_memory();
    }
    s->slots = copy(core->slots, slots * sizeof(*core->slots));
    s->queue = copy(core->queue, slots * sizeof(*core->queue));
    s->slot_count = core->slot_count;
    s->queue_count = core->queue_count;
    s->cursor = core->cursor;
    s->dispatching = core->dispatching;
    s->mode = core->mode;
    s->rested = core->rested;
    s->own_slots = core->slots;
    s->own_queue = core->queue;
    s->outer = io_pre;
    io_pre = s;
    watch(core);
}

void io_eacsl_leave(void)
{
    if (failed_depth >= depth) {
        is_over();
    }
    depth--;
    io_eacsl_snapshot *s = io_pre;
    io_pre = s->outer;
    free(s->slots);
    free(s->queue);
    free(s);
}

/* The core calls every callback by this name, whose contract is the callback's. */
void io_user_proc(io_poller *poller, io_atom *atom, int flags)
{
    atom->proc(poller, atom, flags);
}
