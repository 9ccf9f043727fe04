#include "handle.h"

#include "ops.h"

#include <errno.h>

enum {
    STORE = 4096, /* echo holds no more than this */
    MOST_READ = 65536,
    MOST_SAID = 16384, /* in one call */
    DATAGRAM = 1000,
    MOST_CALLS = 4096 /* in one callback: whoever feeds himself does not go on for ever */
};

void handle_added(run *r, int atom, int flags)
{
    r->handlers[atom] = (handler){.asked = flags};
}

void handle_asked(run *r, int atom, int flags)
{
    r->handlers[atom].asked = flags;
}

static object_kind kind_of(const run *r, int atom)
{
    return env_kind(&r->env, r->atoms[atom]->io.fd);
}

static int is_handled(const run *r, int atom)
{
    const model_atom *a = &r->model.atoms[atom];
    return r->atoms[atom] && a->registered && a->life == LIFE_OPEN;
}

static int has_room(const handler *s)
{
    return !s->is_echo || s->to_say < STORE;
}

static void set_interest(run *r, int atom, int flags)
{
    int asked = r->handlers[atom].asked;
    if (flags != r->model.atoms[atom].interest) {
        op o = {.code = OP_SET, .a = (uint8_t)atom, .arg = (uint8_t)flags};
        op_run(r, &o);
        r->handlers[atom].asked = asked;
    }
}

static void leave(run *r, int atom)
{
    int code = r->handlers[atom].was_accepted ? OP_IOCLOSE : OP_REMOVE;
    op o = {.code = (uint8_t)code, .a = (uint8_t)atom};
    op_run(r, &o);
}

/* Reads until EAGAIN, the end, or until echo has no place. */
static void read_all(run *r, int atom)
{
    handler *s = &r->handlers[atom];
    int result = 0;
    for (int call = 0; result == 0 && has_room(s) && call < MOST_CALLS; call++) {
        uint32_t before = r->moved;
        result = transfer_in(r, atom, s->is_echo ? STORE - s->to_say : MOST_READ);
        s->to_say += s->is_echo ? r->moved - before : 0;
    }
    if (result < 0 && result != -EAGAIN) {
        s->has_ended = 1;
        r->unheard |= result != -EPIPE && s->to_say > 0;
        s->to_say = result == -EPIPE ? s->to_say : 0;
    }
}

/* Writes until EAGAIN, or until nothing is left to say. */
static void say_all(run *r, int atom)
{
    handler *s = &r->handlers[atom];
    object_kind kind = kind_of(r, atom);
    uint32_t most = kind == KIND_DGRAM ? DATAGRAM : MOST_SAID;
    int result = 0;
    for (int call = 0; result == 0 && s->to_say > 0 && call < MOST_CALLS; call++) {
        uint32_t before = r->moved;
        result = transfer_out(r, atom, s->to_say < most ? s->to_say : most);
        s->to_say -= kind == KIND_EVENTFD ? s->to_say : r->moved - before;
    }
    if (result < 0 && result != -EAGAIN) {
        r->unheard = 1;
        s->has_ended = 1;
        s->to_say = 0;
    }
}

static void accept_all(run *r, int listener)
{
    int result = 0;
    while (result == 0) {
        int atom = op_spare_atom(r, listener);
        result = atom < 0 ? -1 : socket_accept(r, atom, op_atom(r, atom), listener, MODEL_READ);
        if (result == 0) {
            r->handlers[atom].was_accepted = 1;
            r->handlers[atom].is_echo = r->handlers[listener].is_echo;
            env_hide(&r->env, r->atoms[atom]->io.fd);
        }
    }
}

static void transfer(run *r, int atom, int told)
{
    handler *s = &r->handlers[atom];
    int was_full;
    do {
        if ((told & MODEL_READ) && !s->has_ended) {
            read_all(r, atom);
        }
        was_full = !has_room(s);
        say_all(r, atom);
    } while (was_full && has_room(s) && (told & MODEL_READ) && !s->has_ended);
    if (s->has_ended && s->to_say == 0) {
        leave(r, atom);
        return;
    }
    int flags = s->asked & ~MODEL_WRITE;
    flags &= s->has_ended || !has_room(s) ? ~MODEL_READ : ~0;
    flags |= s->to_say > 0 ? MODEL_WRITE : 0;
    set_interest(r, atom, flags & MODEL_EVENTS ? flags : 0);
}

static void handle(run *r, int atom, int is_echo)
{
    int told = r->told && r->told_to == atom ? r->told : MODEL_EVENTS;
    if (!is_handled(r, atom)) {
        return;
    }
    r->handlers[atom].is_echo = is_echo;
    if (kind_of(r, atom) != KIND_LISTENER) {
        transfer(r, atom, told);
        return;
    }
    accept_all(r, atom);
    set_interest(r, atom, r->handlers[atom].asked);
}

void handle_accepted(run *r, int atom)
{
    if (r->handlers[atom].was_accepted) {
        handle(r, atom, r->handlers[atom].is_echo);
    }
}

void op_handle(run *r, const op *o)
{
    handle(r, o->a, 0);
}

void op_echo(run *r, const op *o)
{
    handle(r, o->a, 1);
}

void op_say(run *r, const op *o)
{
    if (is_handled(r, o->a) && kind_of(r, o->a) != KIND_LISTENER) {
        r->handlers[o->a].to_say += program_sizes[o->arg];
        set_interest(r, o->a, r->model.atoms[o->a].interest | MODEL_WRITE);
    }
}
