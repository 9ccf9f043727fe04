/* As long as both runs did the same, they are in the same state, as far as the specification goes.
 * So what they tell next must be the same, but for what the table permits; a difference that changes
 * what the program does (a callback that runs on one side only) ends the comparison. */
#define _GNU_SOURCE
#include "compare.h"

#include "../program/table.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

enum { GO_ON = -3 }; /* not a value of ended_by */

typedef struct side {
    const config *config;
    const trace *trace;
    unsigned at;
    facts facts[MODEL_ATOMS]; /* the latest */
    /* Flags that this side may have pending and the other not, since the latest dispatch: by which
     * row of the table, or 0. */
    uint8_t more[MODEL_ATOMS][MODEL_FLAGS];
} side;

typedef struct walk {
    const program *program;
    side sides[2];
    op now;            /* the operation that both are in */
    int goes_by_flags; /* a callback of the program may do something else if it is told something else */
    comparison *result;
} walk;

/* One callback, or what io_next handed out. */
typedef struct call {
    int atom;
    int flags;
    unsigned begin, end; /* the entries of its callback */
} call;

typedef struct calls {
    unsigned count;
    call list[MODEL_ATOMS];
} calls;

static unsigned length_of(const side *s)
{
    return s->trace->count < TRACE_ENTRIES ? s->trace->count : TRACE_ENTRIES;
}

/* Behind the end: an entry like no other. */
static const trace_entry *entry(const side *s, unsigned at)
{
    static const trace_entry none = {TRACE_KINDS, 0, 0};
    return at < length_of(s) ? &s->trace->entries[at] : &none;
}

static int same(const trace_entry *a, const trace_entry *b)
{
    return a->kind == b->kind && a->a == b->a && a->b == b->b;
}

/* --- what is said of a difference that nothing permits --- */

static void print_entry(const trace_entry *e, FILE *out)
{
    switch (e->kind) {
    case TRACE_OPERATION:
        fprintf(out, "%s%s", e->b >= 0 ? "    " : "",
                e->a < OP_CODES ? program_shapes[e->a].name : "(end of the program)");
        break;
    case TRACE_RESULT:
        fprintf(out, "    returned %d", e->a);
        break;
    case TRACE_DISPATCH:
        fprintf(out, "    dispatch");
        break;
    case TRACE_CALLED:
    case TRACE_TAKEN:
        fprintf(out, "  a%d is told %d", e->a, e->b);
        break;
    case TRACE_MOVED:
        fprintf(out, "    moved %d, %08x", e->a, (unsigned)e->b);
        break;
    case TRACE_KINDS:
        fprintf(out, "(end)");
        break;
    default:
        break;
    }
}

static int is_shown(const trace_entry *e)
{
    return e->kind != TRACE_FACTS && e->kind != TRACE_RETURNED && e->kind != TRACE_KERNEL;
}

static void print_around(const side *s, unsigned at, FILE *out)
{
    enum { BEFORE = 24, AFTER = 16 };
    fprintf(out, "\n%s:\n", s->config->name);
    for (unsigned i = at > BEFORE ? at - BEFORE : 0; i < at + AFTER; i++) {
        const trace_entry *e = entry(s, i);
        if (is_shown(e)) {
            fprintf(out, "%s", i == at ? "=> " : "   ");
            print_entry(e, out);
            fprintf(out, "\n");
        }
        if (e->kind == TRACE_KINDS) {
            break;
        }
    }
}

static _Noreturn void differ(walk *w, const char *what, int atom, int flags, unsigned at_a,
                             unsigned at_b)
{
    static char text[8192];
    FILE *out = fmemopen(text, sizeof(text), "w");
    if (out) {
        fprintf(out, "%s", what);
        if (atom >= 0) {
            const facts *a = &w->sides[0].facts[atom], *b = &w->sides[1].facts[atom];
            fprintf(
                out,
                " (a%d, flags %d; at the latest wait poll(2) bits %#x and %#x, interest %d and %d, "
                "kept %d and %d, held %d and %d, life %d and %d)",
                atom, flags, (unsigned)a->bits, (unsigned)b->bits, a->interest, b->interest,
                a->kept, b->kept, a->held, b->held, (int)a->life, (int)b->life);
        }
        print_around(&w->sides[0], at_a, out);
        print_around(&w->sides[1], at_b, out);
        fclose(out);
    }
    violation("differential", "%s", text);
}

/* --- facts --- */

/* Of this side, from its block of entries. 0, or they are of a wait, which took so long. */
static int read_facts(side *s)
{
    int waited = 0;
    if (!facts_is_header(entry(s, s->at), &waited)) {
        return 0;
    }
    s->at++;
    memset(s->facts, 0, sizeof(s->facts));
    int next;
    while (entry(s, s->at)->kind == TRACE_FACTS && !facts_is_header(entry(s, s->at), &next)) {
        facts f;
        int atom = facts_read(entry(s, s->at++), &f);
        s->facts[atom] = f;
    }
    return waited;
}

/* Note what more may have found and less not. */
static void permit(side *more, const side *less)
{
    for (int atom = 0; atom < MODEL_ATOMS; atom++) {
        finder m = {more->config, &more->facts[atom]}, l = {less->config, &less->facts[atom]};
        for (int row = PERMITTED_FIRST_ROW; row < PERMITTED_ROWS; row++) {
            int found = m.facts->registered && l.facts->registered && permissions[row].flags
                            ? permissions[row].flags(&m, &l)
                            : 0;
            for (int k = 0; k < MODEL_FLAGS; k++) {
                if (found >> k & 1 && !more->more[atom][k]) {
                    more->more[atom][k] = (uint8_t)row;
                }
            }
        }
    }
}

static unsigned count_more(const side *s)
{
    unsigned count = 0;
    for (int atom = 0; atom < MODEL_ATOMS; atom++) {
        int some = 0;
        for (int k = 0; k < MODEL_FLAGS; k++) {
            some |= s->more[atom][k];
        }
        count += some != 0;
    }
    return count;
}

/* 1 if the table permits that more was told these flags and the other was not. */
static int may_be_told(walk *w, const side *more, int atom, int flags)
{
    for (int k = 0; k < MODEL_FLAGS; k++) {
        int row = flags >> k & 1 ? more->more[atom][k] : PERMITTED_ROWS;
        if (row == 0) {
            return 0;
        }
        if (row < PERMITTED_ROWS) {
            w->result->used[row]++;
        }
    }
    return 1;
}

/* --- results --- */

/* GO_ON, or the row that ends it. */
static int compare_results(walk *w, int a, int b)
{
    for (int row = PERMITTED_FIRST_ROW; row < PERMITTED_ROWS; row++) {
        if (permissions[row].results &&
            permissions[row].results(&w->now, a, b, w->sides[0].facts, w->sides[1].facts)) {
            w->result->used[row]++;
            return w->now.code == OP_CHECK ? GO_ON : row; /* it changed nothing */
        }
    }
    differ(w, "a call returned something else", -1, 0, w->sides[0].at, w->sides[1].at);
}

/* A row that was noted for this side, or 0. */
static int any_row(const side *s)
{
    int row = 0;
    for (int atom = 0; atom < MODEL_ATOMS; atom++) {
        for (int k = 0; k < MODEL_FLAGS; k++) {
            row = row ? row : s->more[atom][k];
        }
    }
    return row;
}

/* Both are behind the result of io_wait. What one side alone finds also ends a wait that goes on for
 * the other; then their clocks differ. */
static int compare_waits(walk *w, int a, int b, int same_time)
{
    side *x = &w->sides[0], *y = &w->sides[1];
    permit(x, y);
    permit(y, x);
    unsigned extra = (unsigned)(a > b ? a - b : b - a);
    if (extra > count_more(a > b ? x : y)) {
        differ(w, "io_wait found something else", -1, 0, x->at, y->at);
    }
    if (same_time) {
        return GO_ON;
    }
    int row = any_row(x) ? any_row(x) : any_row(y);
    if (!row) {
        differ(w, "io_wait took another time", -1, 0, x->at, y->at);
    }
    w->result->used[row]++;
    return row;
}

/* --- callbacks --- */

static void skip_facts(side *s)
{
    while (entry(s, s->at)->kind == TRACE_FACTS) {
        (void)read_facts(s);
    }
}

/* The row that permits the first of these flags, which are permitted. */
static int first_row(const side *more, int atom, int flags)
{
    int k = 0;
    while (!(flags >> k & 1)) {
        k++;
    }
    return more->more[atom][k];
}

/* io_next handed out something on one side, or on both something else. */
static int compare_taken(walk *w)
{
    side *sides = w->sides;
    const trace_entry *taken[2];
    for (int s = 0; s < 2; s++) {
        const trace_entry *result = entry(&sides[s], sides[s].at);
        taken[s] = result->a == 1 ? entry(&sides[s], sides[s].at + 1) : NULL;
        sides[s].at += result->a == 1 ? 2 : 1;
    }
    if (taken[0] && taken[1] && taken[0]->a != taken[1]->a) {
        w->result->used[PERMITTED_NEXT]++;
        return PERMITTED_NEXT;
    }
    for (int s = 0; s < 2; s++) {
        int atom = taken[s] ? taken[s]->a : 0;
        int flags = taken[s] ? taken[s]->b & ~(taken[1 - s] ? taken[1 - s]->b : 0) : 0;
        if (!may_be_told(w, &sides[s], atom, flags)) {
            differ(w, "io_next hands out something else", atom, flags, sides[0].at - 1,
                   sides[1].at - 1);
        }
        if (taken[s] && !taken[1 - s] && (taken[s]->b & MODEL_ONESHOT)) {
            return first_row(&sides[s], atom, flags);
        }
    }
    return GO_ON;
}

/* The results of two calls. */
static int compare_returns(walk *w)
{
    side *x = &w->sides[0], *y = &w->sides[1];
    int a = entry(x, x->at)->a, b = entry(y, y->at)->a, waited = 0;
    if (facts_is_header(entry(x, x->at + 1), &waited) && waited) {
        x->at++;
        y->at++;
        int waited_x = read_facts(x), waited_y = read_facts(y);
        if (!waited_y) {
            differ(w, "the runs go different ways", -1, 0, x->at, y->at);
        }
        /* An error is -EDEADLK: the simulated kernel says that it would be for ever. */
        return compare_waits(w, a > 0 ? a : 0, b > 0 ? b : 0, waited_x == waited_y);
    }
    if (w->now.code == OP_NEXT && (a == 1 || b == 1)) {
        return compare_taken(w);
    }
    int r = a == b ? GO_ON : compare_results(w, a, b);
    if (w->now.code == OP_RENEW && a == 0) {
        permit(x, y); /* epoll's set is made anew, and closed descriptors are found out */
        permit(y, x);
    }
    x->at++;
    y->at++;
    return r;
}

/* The next entry of both, which is no dispatch. */
static int compare_entries(walk *w)
{
    side *x = &w->sides[0], *y = &w->sides[1];
    const trace_entry *a = entry(x, x->at), *b = entry(y, y->at);
    if (a->kind == TRACE_RESULT && b->kind == TRACE_RESULT) {
        return compare_returns(w);
    }
    if (a->kind != TRACE_KERNEL && !same(a, b)) {
        differ(w, "the runs go different ways", -1, 0, x->at, y->at);
    }
    if (a->kind == TRACE_OPERATION) {
        w->now = (op){.code = (uint8_t)a->a};
        w->result->operations++;
    }
    x->at++;
    y->at++;
    return GO_ON;
}

/* The entries of two callbacks of one atom. */
static int compare_callbacks(walk *w, const call *a, const call *b)
{
    side *x = &w->sides[0], *y = &w->sides[1];
    x->at = a->begin;
    y->at = b->begin;
    int r = GO_ON;
    while (r == GO_ON && x->at < a->end && y->at < b->end) {
        r = compare_entries(w);
        skip_facts(x);
        skip_facts(y);
    }
    if (r != GO_ON) {
        return r;
    }
    if (x->at < a->end || y->at < b->end) {
        differ(w, "a callback did something else", -1, 0, x->at, y->at);
    }
    return GO_ON;
}

/* The calls of a dispatch, which begins here. 0 if the trace is cut. */
static int read_calls(side *s, calls *c)
{
    c->count = 0;
    s->at++;
    while (entry(s, s->at)->kind == TRACE_CALLED) {
        call *one = &c->list[c->count++]; /* the model saw to it that no atom comes twice */
        *one = (call){.atom = entry(s, s->at)->a, .flags = entry(s, s->at)->b, .begin = s->at + 1};
        while (entry(s, s->at)->kind != TRACE_RETURNED && entry(s, s->at)->kind != TRACE_KINDS) {
            s->at++;
        }
        one->end = s->at;
        s->at++;
    }
    return entry(s, s->at)->kind == TRACE_RESULT;
}

static const call *find_call(const calls *c, unsigned from, int atom)
{
    for (unsigned i = from; i < c->count; i++) {
        if (c->list[i].atom == atom) {
            return &c->list[i];
        }
    }
    return NULL;
}

/* Does it change anything for the program that this atom is called? (Some are handled without a
 * callback of theirs: harness/handle.h.) */
static int has_effect(const walk *w, const side *s, const call *c)
{
    int at_end = w->now.code == OP_CODES, does = 0;
    for (unsigned i = c->begin; i < c->end; i++) {
        does |= entry(s, i)->kind == TRACE_RESULT;
    }
    return (w->program->callback[c->atom].count > 0 && !at_end) || does ||
           (c->flags & MODEL_ONESHOT);
}

static int any_effect(const walk *w, const side *s, const calls *c, unsigned from)
{
    int result = 0;
    for (unsigned i = from; i < c->count; i++) {
        result |= has_effect(w, s, &c->list[i]);
    }
    return result;
}

/* The same atom is called on both sides, with flags that may differ. */
static int compare_call(walk *w, const call *a, const call *b)
{
    int more = a->flags & ~b->flags, less = b->flags & ~a->flags;
    if (!may_be_told(w, &w->sides[0], a->atom, more) ||
        !may_be_told(w, &w->sides[1], a->atom, less)) {
        differ(w, "an atom is told something else", a->atom, more | less, a->begin - 1,
               b->begin - 1);
    }
    if (w->goes_by_flags && (more | less)) {
        const side *s = &w->sides[more ? 0 : 1];
        return first_row(s, a->atom, more ? more : less);
    }
    return compare_callbacks(w, a, b);
}

/* They are called in another order: that may change everything if they do anything. */
static int compare_disorder(walk *w, const calls *c, unsigned i, unsigned j)
{
    w->result->used[PERMITTED_ORDER]++;
    if (any_effect(w, &w->sides[0], &c[0], i) || any_effect(w, &w->sides[1], &c[1], j)) {
        return PERMITTED_ORDER;
    }
    for (int s = 0; s < 2; s++) {
        unsigned from = s == 0 ? i : j;
        for (unsigned k = from; k < c[s].count; k++) {
            const call *mine = &c[s].list[k],
                       *other = find_call(&c[1 - s], s == 0 ? j : i, mine->atom);
            int flags = mine->flags & ~(other ? other->flags : 0);
            if (!may_be_told(w, &w->sides[s], mine->atom, flags)) {
                unsigned at[2] = {w->sides[0].at, w->sides[1].at};
                at[s] = mine->begin - 1;
                differ(w, "an atom is told something else", mine->atom, flags, at[0], at[1]);
            }
        }
    }
    return GO_ON;
}

/* An atom is called on this side, and not on the other. */
static int compare_extra(walk *w, int s, const call *extra, const calls *others, unsigned from)
{
    const side *more = &w->sides[s];
    if (may_be_told(w, more, extra->atom, extra->flags)) {
        return has_effect(w, more, extra) ? first_row(more, extra->atom, extra->flags) : GO_ON;
    }
    if (any_effect(w, &w->sides[1 - s], others, from)) {
        w->result->used[PERMITTED_ORDER]++;
        return PERMITTED_ORDER; /* there, one that is called before it takes it away */
    }
    unsigned at[2] = {w->sides[0].at, w->sides[1].at};
    at[s] = extra->begin - 1;
    differ(w, "an atom is told, and not on the other side", extra->atom, extra->flags, at[0],
           at[1]);
}

static int compare_lists(walk *w, const calls *c)
{
    unsigned i = 0, j = 0;
    while (i < c[0].count || j < c[1].count) {
        const call *a = i < c[0].count ? &c[0].list[i] : NULL;
        const call *b = j < c[1].count ? &c[1].list[j] : NULL;
        int r;
        if (a && b && a->atom == b->atom) {
            r = compare_call(w, a, b);
            i++;
            j++;
        } else if (a && !find_call(&c[1], j, a->atom)) {
            r = compare_extra(w, 0, a, &c[1], j);
            i++;
        } else if (b && !find_call(&c[0], i, b->atom)) {
            r = compare_extra(w, 1, b, &c[0], i);
            j++;
        } else {
            return compare_disorder(w, c, i, j);
        }
        if (r != GO_ON) {
            return r;
        }
    }
    return GO_ON;
}

static int compare_dispatches(walk *w)
{
    calls c[2];
    unsigned ends[2];
    for (int s = 0; s < 2; s++) {
        if (!read_calls(&w->sides[s], &c[s])) {
            return COMPARED_TOO_LONG;
        }
        ends[s] = w->sides[s].at + 1; /* the result is the number of calls */
    }
    int r = compare_lists(w, c);
    for (int s = 0; s < 2; s++) {
        w->sides[s].at = ends[s];
        memset(w->sides[s].more, 0,
               sizeof(w->sides[s].more)); /* nothing is pending (IO-DISPATCH-4) */
    }
    return r;
}

/* The next entry of both. */
static int compare_next(walk *w)
{
    side *x = &w->sides[0], *y = &w->sides[1];
    skip_facts(x);
    skip_facts(y);
    if (entry(x, x->at)->kind == TRACE_DISPATCH && entry(y, y->at)->kind == TRACE_DISPATCH) {
        return compare_dispatches(w);
    }
    return compare_entries(w);
}

void compare_runs(const program *p, const compared_run *a, const compared_run *b,
                  comparison *result)
{
    static walk w; /* large */
    memset(&w, 0, sizeof(w));
    memset(result, 0, sizeof(*result));
    w.program = p;
    w.goes_by_flags = program_has(p, OP_HANDLE) || program_has(p, OP_ECHO);
    w.result = result;
    w.sides[0].config = a->config;
    w.sides[0].trace = a->trace;
    w.sides[1].config = b->config;
    w.sides[1].trace = b->trace;
    int r = GO_ON;
    while (r == GO_ON &&
           (w.sides[0].at < length_of(&w.sides[0]) || w.sides[1].at < length_of(&w.sides[1]))) {
        r = compare_next(&w);
    }
    int cut = a->trace->count > TRACE_ENTRIES || b->trace->count > TRACE_ENTRIES;
    result->ended_by = r != GO_ON ? r : cut ? COMPARED_TOO_LONG : COMPARED_TO_THE_END;
}
