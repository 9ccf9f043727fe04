#define _GNU_SOURCE
#include "play.h"

#include "../harness/kernel.h"
#include "../harness/report.h"
#include "../harness/run.h"
#include "scope.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
    BUDGET = 20000,   /* operations, those of callbacks counted each time */
    MOST_TURNS = 256, /* of the loop, in all; */
    MOST_IDLE = 8,    /* in which nothing changes: who does not rest then rests never */
    PIECE = 65536
};

/* What a peer has still to send. */
typedef struct peer {
    uint32_t promised;
    uint32_t datagram; /* of datagrams the size; promised counts them */
    int object, side;  /* to whom: the number may be another's by now */
} peer;

typedef struct player {
    run r;
    outcome *result;
    peer peers[ENV_LIMIT];
    int is_split; /* next has taken some of what a wait found, and which was for the library to say */
    unsigned accepted; /* atoms that were accepted by handle at some time, a bit each */
} player;

static unsigned char bytes[PIECE];

static void refute(player *p, hypothesis h, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refute(player *p, hypothesis h, const char *format, ...)
{
    outcome *o = p->result;
    va_list arguments;
    if (o->hypotheses & 1u << h) {
        va_start(arguments, format);
        vsnprintf(o->reasons[h], sizeof(o->reasons[h]), format, arguments);
        va_end(arguments);
    }
    o->hypotheses &= ~(1u << h);
}

/* --- peers --- */

/* Whom it was promised to has gone, and another may have the number. */
static void forget_lost(player *p, int fd)
{
    peer *of = &p->peers[fd];
    const env_number *is = &p->r.env.numbers[fd];
    if (of->promised > 0 &&
        (!is->open || is->object != of->object || is->side != of->side)) {
        refute(p, HYPOTHESIS_LOSES_NOTHING, "closed with %u still to send", of->promised);
        *of = (peer){0};
    }
}

/* Sends what there is room for. 1 if something was sent. */
static int push(player *p, int fd)
{
    run *r = &p->r;
    peer *of = &p->peers[fd];
    int moved = 0;
    forget_lost(p, fd);
    while (of->promised > 0) {
        ssize_t n = env_write(&r->env, fd, of->datagram ? of->datagram : of->promised);
        if (n < 0 && errno == EAGAIN) {
            return moved;
        }
        if (n < 0) { /* others mean that nothing can be sent there, at no time */
            if (errno == EPIPE || errno == ECONNRESET) {
                refute(p, HYPOTHESIS_LOSES_NOTHING, "%u were sent, and nobody was there",
                       of->promised);
            }
            of->promised = 0;
            return moved;
        }
        moved = 1;
        of->promised -= of->datagram ? 1 : (uint32_t)n;
    }
    return moved;
}

static void promise(player *p, const op *o)
{
    int fd = env_fd(&p->r.env, o->a);
    object_kind kind = env_kind(&p->r.env, fd);
    uint32_t size = program_sizes[o->arg];
    if (fd < 0 || kind == KIND_LISTENER) {
        return;
    }
    peer *of = &p->peers[fd];
    forget_lost(p, fd);
    of->object = p->r.env.numbers[fd].object;
    of->side = p->r.env.numbers[fd].side;
    if (kind == KIND_DGRAM) {
        if (of->promised > 0 && of->datagram != size) {
            refute(p, HYPOTHESIS_LOSES_NOTHING, "datagrams of several sizes wait for room");
        }
        of->datagram = size;
        of->promised++;
    } else if (kind == KIND_EVENTFD) {
        (void)env_write(&p->r.env, fd, sizeof(uint64_t));
    } else {
        of->promised += size;
    }
    push(p, fd);
}

static int push_all(player *p)
{
    int moved = 0;
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        if (p->peers[fd].promised > 0) {
            moved |= push(p, fd);
        }
    }
    return moved;
}

/* Reads everything, to the end. 1 if something came. */
static int take_all(run *r, int fd)
{
    size_t size = env_kind(&r->env, fd) == KIND_EVENTFD ? sizeof(uint64_t) : sizeof(bytes);
    int moved = 0;
    ssize_t n = KERNEL(read)(fd, bytes, size);
    while (n > 0) {
        moved = 1;
        if (!env_received(&r->env, fd, bytes, (uint32_t)n)) {
            violation("IO-EQUIV-1", "what a peer received is not what was sent to it");
        }
        n = KERNEL(read)(fd, bytes, size);
    }
    return moved;
}

static int is_same_end(const run *r, int fd, int other)
{
    const env_number *a = &r->env.numbers[fd], *b = &r->env.numbers[other];
    return a->open && b->open && a->object == b->object && a->side == b->side;
}

/* Is an atom's, or a duplicate of what is? */
static int is_handled(const run *r, int fd)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        if (a->registered && is_same_end(r, fd, a->fd)) {
            return 1;
        }
    }
    return 0;
}

static int take_from_all(player *p)
{
    run *r = &p->r;
    int moved = 0;
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        object_kind kind = env_kind(&r->env, fd);
        if (kind != KIND_CODES && kind != KIND_LISTENER && !is_handled(r, fd)) {
            moved |= take_all(r, fd);
        }
    }
    return moved;
}

/* --- the program --- */

static void note_closed(player *p)
{
    run *r = &p->r;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        if (a->registered && a->life != LIFE_OPEN) {
            refute(p, HYPOTHESIS_KEEPS_OPEN, "the descriptor of a%d was closed", i);
        }
        if (r->handlers[i].was_accepted) {
            p->accepted |= 1u << i;
        }
    }
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        forget_lost(p, fd);
    }
}

/* Who of two reads a byte is decided by the order of their callbacks: for both it must be the same. */
static void note_shared(player *p)
{
    const run *r = &p->r;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        for (int k = 0; a->registered && r->handlers[i].is_echo && k < PROGRAM_ATOMS; k++) {
            const model_atom *b = &r->model.atoms[k];
            if (k != i && b->registered && is_same_end(r, a->fd, b->fd)) {
                refute(p, HYPOTHESIS_OWN_BYTES, "a%d echoes what a%d may have read", i, k);
            }
        }
    }
}

/* As many waits as IO-FAIR-1 allows with 8 atoms. */
static int wait_enough(player *p, int timeout_ms)
{
    run_wait(&p->r, timeout_ms);
    return run_wait(&p->r, 0);
}

static int is_over(const player *p)
{
    return p->result->turns >= MOST_TURNS || p->r.executed >= p->r.budget;
}

/* What changes while the program gets anywhere. */
static uint32_t progress(const run *r)
{
    uint32_t sum = r->moved;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        sum = sum * 31u + (uint32_t)(a->registered << 4 | (a->interest & 15));
    }
    return sum;
}

/* The program's loop, until it rests. */
static void settle(player *p)
{
    int found, pushed, idle = 0;
    do {
        uint32_t before = progress(&p->r);
        pushed = push_all(p);
        found = wait_enough(p, 0);
        if (found > 0) {
            run_dispatch(&p->r);
            note_closed(p);
            note_shared(p);
        }
        p->result->turns++;
        idle = pushed || progress(&p->r) != before ? 0 : idle + 1;
    } while ((found > 0 || pushed) && idle < MOST_IDLE && !is_over(p));
    if (found > 0 || pushed) {
        refute(p, HYPOTHESIS_RESTS, "waits find something again and again");
        p->result->is_cut |= idle < MOST_IDLE;
    } else {
        witness_rest(&p->result->witness);
    }
}

/* Atoms that may be pending. */
static int count_pending(const run *r)
{
    int count = 0;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        count += r->model.atoms[i].maybe != 0;
    }
    return count;
}

static void take_next(player *p)
{
    run *r = &p->r;
    io_event event;
    p->is_split = count_pending(r) > 1;
    if (op_next_event(r, &event) == 1) {
        int atom = io_resolve_parent(event.atom, atom_box, io)->index;
        run_handler(r, atom, event.flags);
        model_returned(&r->model, atom, event.flags);
    }
}

/* The order of events does not matter as long as all are taken before anything else is done. */
static void judge_split(player *p, const op *o)
{
    switch (o->code) {
    case OP_TURN:
    case OP_DISPATCH:
        p->is_split = 0;
        break;
    case OP_NEXT:
    case OP_WAIT:
    case OP_SEND:
    case OP_CHECK:
        break;
    default:
        if (p->is_split) {
            refute(p, HYPOTHESIS_OWN_BYTES, "next took one event, and others were pending");
        }
        break;
    }
}

/* What the main list does to bytes that is not the same whenever it is done. */
static void judge(player *p, const op *o, uint32_t moved)
{
    if (scope_atoms(o) & p->accepted) {
        refute(p, HYPOTHESIS_OWN_BYTES, "the program names an atom that handle accepted into");
    }
    if (o->code == OP_FILL) {
        refute(p, HYPOTHESIS_OWN_BYTES, "fill writes without an end");
    }
    if (o->code == OP_WRITE && moved < program_sizes[o->arg]) {
        refute(p, HYPOTHESIS_OWN_BYTES, "a write of the main list found too little room");
    }
    if (o->code == OP_URGENT) {
        refute(p, HYPOTHESIS_PLAIN, "out-of-band data was sent");
    }
    if (o->code == OP_ABANDON) {
        refute(p, HYPOTHESIS_KEEPS_OPEN, "abandon closes what is registered");
    }
}

static void step(player *p, const op *o)
{
    run *r = &p->r;
    uint32_t before = r->moved;
    judge_split(p, o);
    switch (o->code) {
    case OP_SEND:
        promise(p, o);
        break;
    case OP_TURN:
        settle(p);
        break;
    case OP_WAIT:
        wait_enough(p, o->arg);
        break;
    case OP_NEXT:
        take_next(p);
        break;
    default:
        run_operation(r, o, -1);
        break;
    }
    run_observe(r);
    note_closed(p);
    note_shared(p);
    judge(p, o, r->moved - before);
}

static void play_main(player *p)
{
    const op_list *main = &p->r.program->main;
    for (unsigned i = 0; i < main->count; i++) {
        report_operation(i + 1, &main->ops[i], -1);
        step(p, &main->ops[i]);
    }
    report_operation(0, NULL, -1);
    settle(p);
    while (take_from_all(p) && !is_over(p)) {
        settle(p);
    }
}

/* --- the outcome --- */

static void note_callbacks(player *p)
{
    outcome *o = p->result;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        o->calls += o->witness.atoms[i].calls;
        const op *foreign = o->witness.atoms[i].calls > 0 ? scope_foreign(p->r.program, i) : NULL;
        if (foreign) {
            refute(p, HYPOTHESIS_OWN_BYTES, "the callback of a%d does more than handle its bytes",
                   i);
        }
    }
    if (!witness_exhausts(&o->witness)) {
        refute(p, HYPOTHESIS_EXHAUSTS, "a callback left a flag");
    }
    if (!o->witness.is_plain) {
        refute(p, HYPOTHESIS_PLAIN, "the kernel reported what it did not mean");
    }
}

static void note_end(player *p, int fd)
{
    const run *r = &p->r;
    const env_number *number = &r->env.numbers[fd];
    end_state *end = &p->result->ends[number->object][number->side];
    end->is_open = 1;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        if (a->registered && a->fd == fd) {
            end->is_registered = 1;
            end->atom = r->handlers[i].was_accepted ? -1 : i;
            end->interest |= a->interest;
            end->ready |= a->ready;
            p->result->left[i] = env_waiting(&r->env, fd);
        }
    }
}

/* What was sent to a direction's end is received, or waits where an atom is registered. */
static void note_losses(player *p, int object)
{
    const env_object *stream = &p->result->streams[object];
    for (int from = 0; from < 2; from++) {
        int to = stream->kind == KIND_EVENTFD ? from : 1 - from;
        const end_state *end = &p->result->ends[object][to];
        int waits = end->is_registered || (end->is_open && stream->kind == KIND_LISTENER);
        if (stream->sent[from] != stream->received[from] && !waits) {
            refute(p, HYPOTHESIS_LOSES_NOTHING, "%u on their way were lost",
                   stream->sent[from] - stream->received[from]);
        }
    }
}

static void note_outcome(player *p)
{
    run *r = &p->r;
    outcome *o = p->result;
    o->bytes = r->moved;
    o->objects = r->env.object_count;
    memcpy(o->streams, r->env.objects, sizeof(o->streams));
    for (int i = 0; i < o->objects; i++) {
        for (int side = 0; side < 2; side++) {
            o->ends[i][side] = (end_state){.atom = -1, .ended = r->env.objects[i].ended[side]};
        }
    }
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        if (r->env.numbers[fd].open) {
            note_end(p, fd);
        }
    }
    for (int i = 0; i < o->objects; i++) {
        note_losses(p, i);
    }
    if (kernel_was_full() || r->env.is_full) {
        refute(p, HYPOTHESIS_FAULTLESS, "the simulated kernel, or the harness, had no place left");
    }
    if (r->unheard) {
        refute(p, HYPOTHESIS_LOSES_NOTHING, "what handle had to say was heard by nobody");
    }
}

void play(const program *of, const config *c, outcome *result)
{
    static player p; /* large */
    memset(result, 0, sizeof(*result));
    memset(p.peers, 0, sizeof(p.peers));
    p.accepted = 0;
    p.is_split = 0;
    p.result = result;
    result->hypotheses = (1u << HYPOTHESES) - 1;
    run_begin(&p.r, of, c);
    p.r.budget = BUDGET;
    witness_begin(&result->witness, &p.r);
    play_main(&p);
    note_callbacks(&p);
    note_outcome(&p);
    witness_end(&result->witness);
    p.r.model.watcher.notice = NULL;
    p.r.budget = 0;
    run_end(&p.r);
}
