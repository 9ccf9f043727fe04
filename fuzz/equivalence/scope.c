#include "scope.h"

#include "../program/table.h"

#include <stddef.h>

static int has(const op_list *list, int code, int atom)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (list->ops[i].code == code && list->ops[i].a == atom) {
            return 1;
        }
    }
    return 0;
}

/* Every interest that the main list gives this atom is this one. */
static int is_the_interest(const op_list *main, int atom, int flags)
{
    for (unsigned i = 0; i < main->count; i++) {
        const op *o = &main->ops[i];
        int gives = o->code == OP_ADD || o->code == OP_SET || o->code == OP_ACCEPT;
        if (gives && o->a == atom && o->arg != flags) {
            return 0;
        }
    }
    return 1;
}

/* To ask again for what the program asked for changes nothing, however often it is done. */
static int asks_again(const program *p, const op *o, int atom)
{
    const op_list *list = &p->callback[atom];
    return o->a == atom && is_the_interest(&p->main, atom, o->arg) && !has(list, OP_HANDLE, atom) &&
           !has(list, OP_ECHO, atom);
}

const op *scope_foreign(const program *p, int atom)
{
    const op_list *list = &p->callback[atom];
    for (unsigned i = 0; i < list->count; i++) {
        const op *o = &list->ops[i];
        int reads = o->code == OP_HANDLE || o->code == OP_ECHO || o->code == OP_DRAIN ||
                    o->code == OP_READ || o->code == OP_EXHAUSTED;
        if (!(reads && o->a == atom) && !(o->code == OP_SET && asks_again(p, o, atom)) &&
            o->code != OP_CHECK) {
            return o;
        }
    }
    return NULL;
}

unsigned scope_atoms(const op *o)
{
    const op_shape *shape = &program_shapes[o->code];
    int opens = o->code == OP_OPEN || o->code == OP_CONNECT || o->code == OP_DUP;
    unsigned atoms = shape->a == 'a' || opens ? 1u << o->a : 0;
    if (shape->b == 'a' || (o->code == OP_OPEN && program_has_b(shape, o->arg))) {
        atoms |= 1u << o->b;
    }
    return atoms;
}
