#include "check.h"

#include <stdarg.h>
#include <string.h>

enum { ALL_CONFIGS = (1 << CONFIG_COUNT) - 1 };

static void fail(verdict *v, conclusion c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(verdict *v, conclusion c, const char *format, ...)
{
    va_list arguments;
    int is_first = v->violated == CONCLUSIONS && (v->claimed & 1u << c);
    v->held &= ~(1u << c);
    if (is_first) {
        v->violated = c;
        va_start(arguments, format);
        vsnprintf(v->why, sizeof(v->why), format, arguments);
        va_end(arguments);
    }
}

static int is_played(const verdict *v, int c)
{
    return (v->configs & 1u << c) != 0;
}

/* What the witness of each run saw. */
static void judge_run(verdict *v, int played)
{
    const witness *w = &v->outcomes[played].witness;
    for (conclusion c = 0; c < CONCLUSIONS; c++) {
        v->compared[c] += w->compared[c];
        if (w->failed & 1u << c) {
            fail(v, c, "%s: %s", configs[played].name,
                 c == w->first_failed ? w->failure : "see the first");
        }
    }
}

/* Runs a and b have the same bytes on each stream, in each direction. */
static void compare_bytes(verdict *v, int a, int b)
{
    const outcome *left = &v->outcomes[a], *right = &v->outcomes[b];
    for (int i = 0; i < left->objects; i++) {
        const env_object *x = &left->streams[i], *y = &right->streams[i];
        for (int from = 0; from < 2; from++) {
            v->compared[CONCLUSION_SAME_BYTES] += x->received[from];
            if (x->sent[from] != y->sent[from] || x->received[from] != y->received[from]) {
                fail(v, CONCLUSION_SAME_BYTES,
                     "object %d, side %d: %s received %u of %u, %s received %u of %u", i, 1 - from,
                     configs[a].name, x->received[from], x->sent[from], configs[b].name,
                     y->received[from], y->sent[from]);
            }
        }
    }
}

static void compare_ends(verdict *v, int a, int b)
{
    const outcome *left = &v->outcomes[a], *right = &v->outcomes[b];
    if (left->objects != right->objects) {
        fail(v, CONCLUSION_SAME_END, "%s has %d objects, %s has %d", configs[a].name, left->objects,
             configs[b].name, right->objects);
        return;
    }
    for (int i = 0; i < left->objects; i++) {
        for (int side = 0; side < 2; side++) {
            const end_state *x = &left->ends[i][side], *y = &right->ends[i][side];
            v->compared[CONCLUSION_SAME_END]++;
            if (memcmp(x, y, sizeof(*x)) != 0) {
                fail(
                    v, CONCLUSION_SAME_END,
                    "object %d, side %d: in %s open %d, registered %d, a%d, interest %d, ready %d, "
                    "ended %d; in %s %d, %d, a%d, %d, %d, %d",
                    i, side, configs[a].name, x->is_open, x->is_registered, x->atom, x->interest,
                    x->ready, x->ended, configs[b].name, y->is_open, y->is_registered, y->atom,
                    y->interest, y->ready, y->ended);
            }
        }
    }
}

/* A hypothesis holds in both, or in none. */
static void compare_hypothesis(verdict *v, conclusion c, hypothesis h, int a, int b)
{
    const outcome *left = &v->outcomes[a], *right = &v->outcomes[b];
    int holds = left->hypotheses >> h & 1;
    if (left->is_cut || right->is_cut) {
        return; /* nobody knows */
    }
    v->compared[c]++;
    if (holds != (int)(right->hypotheses >> h & 1)) {
        fail(v, c, "not in %s: %s; and in %s it does not happen", configs[holds ? b : a].name,
             (holds ? right : left)->reasons[h], configs[holds ? a : b].name);
    }
}

static void compare(verdict *v, int a, int b)
{
    compare_ends(v, a, b);
    compare_bytes(v, a, b);
    compare_hypothesis(v, CONCLUSION_SAME_REST, HYPOTHESIS_RESTS, a, b);
    compare_hypothesis(v, CONCLUSION_SAME_LOSSES, HYPOTHESIS_LOSES_NOTHING, a, b);
}

/* --- what is left --- */

static named *entry_of(verdict *v, int atom, int flag, int is_forgotten)
{
    for (int i = 0; i < v->named_count; i++) {
        named *n = &v->named[i];
        if (n->atom == atom && n->flag == flag &&
            (n->finding.kind == FINDING_FORGOTTEN) == is_forgotten) {
            return n;
        }
    }
    v->named[v->named_count] = (named){.atom = atom, .flag = flag};
    return &v->named[v->named_count++];
}

static void name(verdict *v, int played, int atom, int flag, const finding *f)
{
    if (f->kind == FINDING_NONE) {
        return;
    }
    named *n = entry_of(v, atom, flag, f->kind == FINDING_FORGOTTEN);
    n->in[played] = 1;
    if (f->kind > n->finding.kind) {
        n->finding = *f;
        n->played = played;
    }
}

static void name_all(verdict *v)
{
    for (int c = 0; c < CONFIG_COUNT; c++) {
        const witness_atom *atoms = v->outcomes[c].witness.atoms;
        for (int a = 0; is_played(v, c) && a < PROGRAM_ATOMS; a++) {
            for (int k = 0; k < MODEL_FLAGS; k++) {
                name(v, c, a, 1 << k, &atoms[a].findings[k]);
            }
            name(v, c, a, MODEL_READ, &atoms[a].silenced);
        }
    }
    for (int i = 0; i < v->named_count; i++) {
        named *n = &v->named[i];
        for (int c = 0; c < CONFIG_COUNT; c++) {
            n->at_end[c] = n->flag == MODEL_READ ? v->outcomes[c].left[n->atom] : 0;
        }
    }
}

void check_outcomes(verdict *v)
{
    int first = -1;
    v->violated = CONCLUSIONS;
    v->hypotheses = (1u << HYPOTHESES) - 1;
    v->held = (1u << CONCLUSIONS) - 1;
    v->claimed = 0;
    v->named_count = 0;
    memset(v->compared, 0, sizeof(v->compared));
    for (int c = 0; c < CONFIG_COUNT; c++) {
        v->hypotheses &= is_played(v, c) ? v->outcomes[c].hypotheses : v->hypotheses;
    }
    for (conclusion c = 0; c < CONCLUSIONS; c++) {
        v->claimed |= theorem_applies(c, v->hypotheses) ? 1u << c : 0;
    }
    for (int c = 0; c < CONFIG_COUNT; c++) {
        if (!is_played(v, c)) {
            continue;
        }
        judge_run(v, c);
        if (first >= 0) {
            compare(v, first, c);
        }
        first = first >= 0 ? first : c;
    }
    name_all(v);
}

void check_program(const program *p, unsigned chosen, verdict *v)
{
    static program played; /* large */
    memset(v, 0, sizeof(*v));
    played = *p;
    v->faults = program_drop_faults(&played);
    v->configs = chosen ? chosen : ALL_CONFIGS;
    for (int c = 0; c < CONFIG_COUNT; c++) {
        if (is_played(v, c)) {
            play(&played, &configs[c], &v->outcomes[c]);
        }
    }
    check_outcomes(v);
}
