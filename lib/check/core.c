/* The invariants of the core: those of the contracts (proofs/wp/contracts.h), and some more, which
 * follow from them for a core that began with io_core_init. */
#include "check.h"

#ifdef IO_CHECK

#include "slots.h"

#include <limits.h>

/* With everything that a sanitizer has to say: who freed an atom that is registered is told here. */
static const char *check_atom(const io_atom *atom, uint64_t fd)
{
    if (atom->fd < 0 || (uint64_t)atom->fd != fd) {
        return "core.i_fd";
    }
    return atom->proc ? NULL : "core.i_proc";
}

IO_CHECK_BEGIN

static int overlap(const void *a, uint64_t a_size, const void *b, uint64_t b_size)
{
    uintptr_t x = (uintptr_t)a;
    uintptr_t y = (uintptr_t)b;
    return x < y + b_size && y < x + a_size;
}

static int is_within(const io_core *core, const io_atom *atom)
{
    uint64_t count = core->slot_count;
    return overlap(atom, sizeof(*atom), core, sizeof(*core)) ||
           overlap(atom, sizeof(*atom), core->slots, count * sizeof(io_slot)) ||
           overlap(atom, sizeof(*atom), core->queue, count * sizeof(uint32_t));
}

/* What everything else rests on: a range that is wrong would lead out of the memory. */
static const char *check_shape(const io_core *core)
{
    uint64_t slots_size = core->slot_count * sizeof(io_slot);
    uint64_t queue_size = core->slot_count * sizeof(uint32_t);
    if (core->slot_count > INT_MAX) {
        return "core.slot_count";
    }
    if (core->slot_count > 0 && (!core->slots || !core->queue)) {
        return "core.memory";
    }
    if (overlap(core->slots, slots_size, core->queue, queue_size) ||
        overlap(core, sizeof(*core), core->slots, slots_size) ||
        overlap(core, sizeof(*core), core->queue, queue_size)) {
        return "core.apart";
    }
    if (core->queue_count > core->slot_count) {
        return "core.queue_count";
    }
    if (core->cursor > core->queue_count) {
        return "core.cursor";
    }
    if (core->mode > IO_MODE_EMULATED) {
        return "core.mode";
    }
    return core->dispatching > 1 ? "core.dispatching" : NULL;
}

/* A slot without an atom has nothing but its generation, and possibly a place that is stale. */
static const char *check_free(const io_slot *slot)
{
    if (slot->pending) {
        return "core.i_some";
    }
    if (slot->interest || slot->kernel || (slot->marks & IO_EVENTS)) {
        return "core.free";
    }
    return slot->generation % 2 == 0 ? NULL : "core.generation";
}

/* What the kernel was asked for. */
static const char *check_kernel(const io_core *core, const io_slot *slot)
{
    uint8_t armed = slot->kernel & IO_EVENTS;
    if ((slot->kernel & IO_KERNEL_TRACE) && !core->dispatching) {
        return "core.kernel"; /* the audit's, while a callback runs */
    }
    if (slot->kernel & IO_KERNEL_DEAD) {
        return (slot->kernel & ~IO_KERNEL_TRACE) == IO_KERNEL_DEAD ? NULL : "core.dead";
    }
    if (slot->kernel & IO_KERNEL_REST) {
        if (core->mode == IO_MODE_EDGE || !armed) {
            return "core.rest";
        }
        if (!core->rested) {
            return "core.rested";
        }
    }
    /* Only an emulated edge holds back a flag of the interest (IO-EDGE-3). */
    if (core->mode != IO_MODE_EMULATED && (slot->interest & IO_EVENTS & ~armed)) {
        return "core.armed";
    }
    return NULL;
}

static const char *check_registered(const io_core *core, const io_poller *poller, uint64_t fd)
{
    const io_slot *slot = &core->slots[fd];
    if (is_within(core, slot->atom)) {
        return "core.i_out";
    }
    if (poller && overlap(slot->atom, sizeof(io_atom), poller, sizeof(*poller))) {
        return "poller.i_out";
    }
    const char *broken = check_atom(slot->atom, fd);
    if (broken) {
        return broken;
    }
    if (slot->interest > IO_FLAGS || slot->pending > IO_EVENTS) {
        return "core.i_range";
    }
    if (slot->pending & ~slot->interest) {
        return "core.i_sub";
    }
    if (slot->pending && !(slot->marks & IO_QUEUED)) {
        return "core.i_some";
    }
    /* Even after io_core_init, and one more at every add and remove (IO-REMOVE-6). */
    if (slot->generation % 2 == 0) {
        return "core.generation";
    }
    return check_kernel(core, slot);
}

/* Counts the slots that have a place in the queue. */
static const char *check_table(const io_core *core, const io_poller *poller, uint64_t *marked)
{
    for (uint64_t fd = 0; (fd = io_check_next(core, fd)) < core->slot_count; fd++) {
        const io_slot *slot = &core->slots[fd];
        const char *broken = slot->atom ? check_registered(core, poller, fd) : check_free(slot);
        if (!broken && (slot->marks & ~(IO_EVENTS | IO_QUEUED))) {
            broken = "core.marks";
        }
        if (broken) {
            return broken;
        }
        *marked += (slot->marks & IO_QUEUED) != 0;
    }
    return NULL;
}

/* Whether another place than k is that of the same slot. */
static int is_queued_again(const io_core *core, uint64_t k)
{
    for (uint64_t j = core->cursor; j < core->queue_count; j++) {
        if (j != k && core->queue[j] == core->queue[k]) {
            return 1;
        }
    }
    return 0;
}

static const char *check_queue(const io_core *core, uint64_t marked)
{
    for (uint64_t k = 0; k < core->queue_count; k++) {
        if (core->queue[k] >= core->slot_count) {
            return "core.q_in";
        }
        if (k < core->cursor) {
            continue; /* taken */
        }
        if (!(core->slots[core->queue[k]].marks & IO_QUEUED)) {
            return "core.q_bit";
        }
        if (is_queued_again(core, k)) {
            return "core.q_once";
        }
    }
    /* Each live place is that of a marked slot of its own, so it is enough to count. */
    return marked == core->queue_count - core->cursor ? NULL : "core.q_has";
}

const char *io_core_check(const io_core *core, const io_poller *poller)
{
    uint64_t marked = 0;
    const char *broken = check_shape(core);
    if (!broken) {
        broken = check_table(core, poller, &marked);
    }
    return broken ? broken : check_queue(core, marked);
}

IO_CHECK_END

#endif
