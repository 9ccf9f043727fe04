#include "minimise.h"

#include <string.h>

typedef struct wanted {
    conclusion violated; /* CONCLUSIONS: a named one is wanted */
    const named *named;
    verdict *verdict;
} wanted;

enum { LISTS = PROGRAM_ATOMS + 1 };

const named *minimise_find(const verdict *v, const named *n)
{
    for (int i = 0; i < v->named_count; i++) {
        const named *other = &v->named[i];
        if (other->atom == n->atom && other->flag == n->flag &&
            other->finding.kind == n->finding.kind &&
            (other->finding.left > 0) == (n->finding.left > 0)) {
            return other;
        }
    }
    return NULL;
}

static int still(const program *p, const wanted *w)
{
    check_program(p, w->named ? w->verdict->configs : 0, w->verdict);
    return w->named ? minimise_find(w->verdict, w->named) != NULL
                    : w->verdict->violated == w->violated;
}

static op_list *list_of(program *p, int list)
{
    return list < PROGRAM_ATOMS ? &p->callback[list] : &p->main;
}

/* What the callback of the named atom does with its own descriptor is what the name is about: without
 * it every callback leaves something. */
static int is_kept(const op *o, int list, const wanted *w)
{
    int moves = o->code == OP_HANDLE || o->code == OP_ECHO || o->code == OP_DRAIN ||
                o->code == OP_READ || o->code == OP_WRITE || o->code == OP_FILL ||
                o->code == OP_EXHAUSTED || o->code == OP_SET;
    return w->named && list == w->named->atom &&
           ((moves && o->a == list) || (o->code == OP_ACCEPT && o->b == list));
}

static int any_is_kept(const op_list *ops, unsigned first, unsigned count, int list,
                       const wanted *w)
{
    int kept = 0;
    for (unsigned i = first; i < first + count; i++) {
        kept |= is_kept(&ops->ops[i], list, w);
    }
    return kept;
}

/* Without count operations from first on. */
static void take_out(op_list *list, unsigned first, unsigned count)
{
    memmove(&list->ops[first], &list->ops[first + count],
            (list->count - first - count) * sizeof(op));
    list->count -= count;
}

/* Runs of this length, from the end on. */
static int take_out_runs(program *p, int list, unsigned length, const wanted *w)
{
    static program tried; /* large */
    int changed = 0;
    unsigned end = list_of(p, list)->count;
    while (end >= length) {
        tried = *p;
        int kept = any_is_kept(list_of(p, list), end - length, length, list, w);
        take_out(list_of(&tried, list), end - length, length);
        if (!kept && still(&tried, w)) {
            *p = tried;
            changed = 1;
            end -= length;
        } else {
            end--;
        }
    }
    return changed;
}

static int shrink_lists(program *p, const wanted *w)
{
    int changed = 0;
    for (int list = LISTS - 1; list >= 0; list--) {
        for (unsigned length = PROGRAM_MAX_OPS / 2; length > 0; length /= 2) {
            if (length <= list_of(p, list)->count) {
                changed |= take_out_runs(p, list, length, w);
            }
        }
    }
    return changed;
}

static int shrink_sizes(program *p, const wanted *w)
{
    static program tried; /* large */
    int changed = 0;
    for (int list = 0; list < LISTS; list++) {
        for (unsigned i = 0; i < list_of(p, list)->count; i++) {
            tried = *p;
            op *o = &list_of(&tried, list)->ops[i];
            int has_size = o->code == OP_SEND || o->code == OP_RECV || o->code == OP_READ ||
                           o->code == OP_WRITE || o->code == OP_SAY;
            has_size &= !is_kept(o, list, w);
            for (uint8_t size = 0; has_size && size < list_of(p, list)->ops[i].arg; size++) {
                o->arg = size;
                if (still(&tried, w)) {
                    *p = tried;
                    changed = 1;
                }
            }
        }
    }
    return changed;
}

static void minimise(const program *p, const wanted *w, program *small)
{
    *small = *p;
    while (shrink_lists(small, w) || shrink_sizes(small, w)) {
    }
    (void)still(small, w); /* the verdict of the result */
}

void minimise_violation(const program *p, conclusion c, program *small, verdict *v)
{
    wanted w = {.violated = c, .named = NULL, .verdict = v};
    minimise(p, &w, small);
}

void minimise_named(const program *p, const named *n, program *small, verdict *v)
{
    named like = *n; /* it may be in the verdict */
    wanted w = {.violated = CONCLUSIONS, .named = &like, .verdict = v};
    minimise(p, &w, small);
}
