#define _GNU_SOURCE
#include "witness.h"

#include "../harness/kernel.h"

#include <stdarg.h>
#include <string.h>

static const model_atom *model_of(const witness *w, int atom)
{
    return &w->run->model.atoms[atom];
}

void witness_fail(witness *w, conclusion c, const char *format, ...)
{
    va_list arguments;
    if (w->failed == 0) {
        w->first_failed = c;
        va_start(arguments, format);
        vsnprintf(w->failure, sizeof(w->failure), format, arguments);
        va_end(arguments);
    }
    w->failed |= 1u << c;
}

/* poll(2) bits of an atom's descriptor. */
static int bits_of(const witness *w, int atom)
{
    struct pollfd entry = {.fd = model_of(w, atom)->fd,
                           .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    return kernel_poll_now(&entry, 1) > 0 ? entry.revents : 0;
}

/* What poll finds and select does not: a hang-up, to writers (IO-EVENT-9). */
static int silent_on_select(int bits)
{
    return bits & POLLHUP && !(bits & (POLLOUT | POLLERR)) ? MODEL_WRITE : 0;
}

/* Flags that edge mode need not tell, though level mode might: a hang-up or an error alone that the
 * library saw answered with EAGAIN (IO-EVENT-8), and what the kernel reports and does not mean
 * (IO-EVENT-10). */
static int may_stay_untold(const witness *w, int atom, int bits)
{
    int own = bits & (POLLIN | POLLRDHUP) ? MODEL_READ : 0;
    own |= bits & POLLOUT ? MODEL_WRITE : 0;
    int alarm = bits & (POLLHUP | POLLERR) ? (MODEL_READ | MODEL_WRITE) & ~own : 0;
    return (alarm & w->atoms[atom].answered) | model_of(w, atom)->no_must;
}

/* found[b]: what the level modes find of each atom; bits: what poll(2) says of this one. */
static void on_found(witness *w, int atom, int found[LEVELS][PROGRAM_ATOMS], int bits)
{
    witness_atom *a = &w->atoms[atom];
    int all = MODEL_EVENTS & ~a->left;
    for (int b = 0; b < LEVELS; b++) {
        a->found[b] |= found[b][atom];
        all &= found[b][atom];
    }
    a->found[LEVEL_SELECT] |= found[LEVEL_POLL][atom] & silent_on_select(bits);
    a->due[0] = all & ~may_stay_untold(w, atom, bits);
}

/* The level modes could not be asked: what edge mode tells may be so, and nothing is due. */
static void on_unknown(witness_atom *a)
{
    for (int b = 0; b < LEVELS; b++) {
        a->found[b] = MODEL_EVENTS;
    }
}

/* IO-EQUIV-2 */
static void compare_with_levels(witness *w, int atom, int flags)
{
    witness_atom *a = &w->atoms[atom];
    for (int b = 0; b < LEVELS; b++) {
        w->compared[CONCLUSION_EDGE_IS_LEVEL]++;
        if (flags & ~a->found[b]) {
            witness_fail(w, CONCLUSION_EDGE_IS_LEVEL,
                         "a%d was told %d, of which %s would have found only %d", atom, flags,
                         levels_name((level_backend)b), flags & a->found[b]);
        }
    }
}

/* IO-EQUIV-3 */
static void compare_with_due(witness *w, int atom, int flags)
{
    const witness_atom *a = &w->atoms[atom];
    int due = a->due[0] & a->due[1];
    w->compared[CONCLUSION_LEVEL_IS_EDGE] += due != 0;
    if (due & ~flags) {
        witness_fail(w, CONCLUSION_LEVEL_IS_EDGE, "a%d was told %d, and level mode would tell %d",
                     atom, flags, flags | due);
    }
}

static void on_told(witness *w, int atom, int flags)
{
    witness_atom *a = &w->atoms[atom];
    const model_atom *m = model_of(w, atom);
    a->calls++;
    a->told = flags;
    a->is_open = 1;
    a->was_asked = 0;
    w->is_handling = 1;
    if (w->run->model.edge && !a->is_stray && m->life == LIFE_OPEN) {
        compare_with_levels(w, atom, flags);
        compare_with_due(w, atom, flags);
    }
    memset(a->found, 0, sizeof(a->found));
    a->due[0] = a->due[1] = 0; /* all that is pending is told at once */
    if (w->run->handlers[atom].asked & MODEL_ONESHOT && m->interest == 0) {
        a->silenced = (finding){.kind = FINDING_FORGOTTEN, .call = a->calls, .told = flags};
    }
}

/* EAGAIN from a descriptor of which the kernel says that it is ready: nothing tells whether that is
 * over. */
static void on_again(witness *w, int atom, int flags)
{
    witness_atom *a = &w->atoms[atom];
    a->again |= flags;
    a->answered |= flags;
    a->left &= ~flags;
    if (model_of(w, atom)->registered && (model_of(w, atom)->ready & flags)) {
        w->is_plain = 0;
    }
}

static finding what_is_left(const witness *w, int atom, int flag)
{
    const model_atom *m = model_of(w, atom);
    const witness_atom *a = &w->atoms[atom];
    finding f = {.kind = m->ready & flag ? FINDING_LEFT_READY : FINDING_NOT_NOTED,
                 .call = a->calls,
                 .told = a->told,
                 .of = env_kind(&w->run->env, m->fd)};
    f.left = flag == MODEL_READ ? env_waiting(&w->run->env, m->fd) : 0;
    return f;
}

static void on_returned(witness *w, int atom, int told)
{
    witness_atom *a = &w->atoms[atom];
    const model_atom *m = model_of(w, atom);
    w->is_handling = 0;
    a->is_open = 0;
    if (!m->registered || m->life != LIFE_OPEN || a->was_asked) {
        return; /* removed, also if it was added again; closed; or it is told again (IO-SET-2) */
    }
    if (w->run->executed >= w->run->budget) {
        return; /* the callback was not run to its end */
    }
    int left = told & m->interest & ~a->again;
    a->left |= left;
    for (int k = 0; k < MODEL_FLAGS; k++) {
        finding f = left & 1 << k ? what_is_left(w, atom, 1 << k) : (finding){0};
        if (f.kind > a->findings[k].kind) {
            a->findings[k] = f;
        }
    }
}

/* A wait is over. What level mode would find now is what edge mode may have found, and, if nobody left
 * it, what it has found after as many waits as IO-FAIR-1 allows. */
static void on_waited(witness *w)
{
    int found[LEVELS][PROGRAM_ATOMS];
    int is_edge = w->run->model.edge;
    int is_known = is_edge && levels_ask(w->run, found);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *m = model_of(w, i);
        witness_atom *a = &w->atoms[i];
        if (!m->registered) {
            continue;
        }
        if (a->is_open) {
            on_returned(w, i, a->told);
        }
        a->is_stray |= m->life != LIFE_OPEN;
        a->again &= ~(m->ready & m->interest);
        a->due[1] = a->due[0];
        a->due[0] = 0;
        int bits = bits_of(w, i);
        if (m->interest & silent_on_select(bits)) {
            w->is_plain = 0;
        }
        if (is_known && !a->is_stray) {
            on_found(w, i, found, bits);
        } else if (is_edge && !is_known) {
            on_unknown(a);
        }
    }
}

static void on_asked(witness *w, int atom, int interest)
{
    witness_atom *a = &w->atoms[atom];
    a->was_asked = 1;
    a->left = a->due[0] = a->due[1] = 0;
    if (interest & MODEL_READ) {
        a->silenced.kind = FINDING_NONE;
    } else if (w->is_handling && a->silenced.kind == FINDING_NONE &&
               (w->run->handlers[atom].asked & MODEL_READ)) {
        a->silenced = (finding){.kind = FINDING_FORGOTTEN, .call = a->calls, .told = a->told};
    }
}

static void on_added(witness *w, int atom, int interest)
{
    witness_atom *a = &w->atoms[atom];
    memset(a->found, 0, sizeof(a->found));
    a->is_stray = a->again = a->answered = 0;
    a->silenced.kind = FINDING_NONE;
    on_asked(w, atom, interest);
    a->silenced.kind = FINDING_NONE;
}

/* IO-EQUIV-3: what was due is not there. */
static void must_not_be_due(witness *w, conclusion c, const char *when)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const witness_atom *a = &w->atoms[i];
        const model_atom *m = model_of(w, i);
        int due = a->due[0] & a->due[1];
        if (m->registered && m->life == LIFE_OPEN && due) {
            witness_fail(w, c, "a%d is ready for %d, which level mode tells %s", i, due, when);
        }
    }
}

static void on_dispatched(witness *w)
{
    must_not_be_due(w, CONCLUSION_LEVEL_IS_EDGE, "and edge mode did not");
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        w->atoms[i].due[0] = w->atoms[i].due[1] = 0;
    }
}

void witness_rest(witness *w)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *m = model_of(w, i);
        w->compared[CONCLUSION_NO_STALL] += m->registered && (m->interest & MODEL_EVENTS);
    }
    must_not_be_due(w, CONCLUSION_NO_STALL, "for ever, and here nobody is told");
}

static void notice(void *context, model_event event, int atom, int flags)
{
    witness *w = context;
    switch (event) {
    case MODEL_ADDED:
        on_added(w, atom, flags);
        break;
    case MODEL_SET:
        on_asked(w, atom, flags);
        break;
    case MODEL_REMOVED:
        w->atoms[atom].was_asked = 1;
        w->atoms[atom].is_open = 0;
        w->atoms[atom].silenced.kind = FINDING_NONE;
        break;
    case MODEL_AGAIN:
        on_again(w, atom, flags);
        break;
    case MODEL_WAITED:
        on_waited(w);
        break;
    case MODEL_TOLD:
        on_told(w, atom, flags);
        break;
    case MODEL_RETURNED:
        on_returned(w, atom, flags);
        break;
    case MODEL_DISPATCHED:
        on_dispatched(w);
        break;
    }
}

void witness_begin(witness *w, run *r)
{
    memset(w, 0, sizeof(*w));
    w->run = r;
    w->is_plain = 1;
    r->model.watcher = (model_watcher){.context = w, .notice = notice};
}

void witness_end(witness *w)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *m = model_of(w, i);
        witness_atom *a = &w->atoms[i];
        if (m->registered && m->life == LIFE_OPEN && a->silenced.kind != FINDING_NONE &&
            (m->ready & MODEL_READ) && env_waiting(&w->run->env, m->fd) > 0) {
            a->silenced.left = env_waiting(&w->run->env, m->fd);
            a->silenced.of = env_kind(&w->run->env, m->fd);
        } else {
            a->silenced.kind = FINDING_NONE;
        }
    }
    w->run = NULL;
}

int witness_exhausts(const witness *w)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        for (int k = 0; k < MODEL_FLAGS; k++) {
            if (w->atoms[i].findings[k].kind != FINDING_NONE) {
                return 0;
            }
        }
    }
    return 1;
}
