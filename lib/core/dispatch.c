/* From what is pending to callbacks, or to values. */
#include "bits.h"

void io_core_compact(io_core *core)
{
    uint64_t live = 0;
    /*@ loop invariant 0 <= live <= core->cursor <= core->queue_count;
        loop assigns live, core->cursor, core->queue[0 .. core->slot_count - 1];
        loop variant core->queue_count - core->cursor; */
    while (core->cursor < core->queue_count) {
        core->queue[live] = core->queue[core->cursor];
        live++;
        core->cursor++;
    }
    core->cursor = 0;
    core->queue_count = live;
}

int io_core_pending(const io_core *core)
{
    int count = 0;
    /*@ loop invariant core->cursor <= k <= core->queue_count;
        loop invariant 0 <= count <= k - core->cursor;
        loop assigns k, count;
        loop variant core->queue_count - k; */
    for (uint64_t k = core->cursor; k < core->queue_count; k++) {
        if (core->slots[core->queue[k]].pending & IO_EVENTS) {
            count++;
        }
    }
    return count;
}

/* Take the first place off the queue: its pending flags, which are then no longer pending; 0 if the
 * place was stale. */
/*@ REQ_INV(core)
    requires live: core->cursor < core->queue_count;
    TOTAL
    assigns core->cursor, core->slots[core->queue[core->cursor]].pending,
   core->slots[core->queue[core->cursor]].interest; ENS_INV(core) ensures TAKE_cursor: core->cursor
   == \old(core->cursor) + 1; ensures IO_DISPATCH_2_flags: \result == \old(READY(core,
   core->queue[core->cursor])) && subset(\result, IO_EVENTS); ensures IO_DISPATCH_1_clear:
   core->slots[core->queue[\old(core->cursor)]].pending == 0; ensures IO_ONESHOT_1_empty: \result !=
   0 && \old(core->slots[core->queue[core->cursor]].interest) >= IO_ONESHOT ==>
      core->slots[core->queue[\old(core->cursor)]].interest == 0;
    ensures IO_DISPATCH_3_atom: \result != 0 ==> core->slots[core->queue[\old(core->cursor)]].atom
   != \null; */
static uint8_t take(io_core *core)
{
    io_slot *slot = &core->slots[core->queue[core->cursor]];
    uint8_t flags = io_and(slot->pending, IO_EVENTS);
    core->cursor++;
    slot->pending = 0;
    if (flags && slot->interest >= IO_ONESHOT) {
        slot->interest = 0;
    }
    return flags;
}

int io_core_dispatch(io_core *core, io_poller *poller)
{
    int calls = 0;
    if (core->dispatching) {
        return -EBUSY;
    }
    core->dispatching = 1;
    /*@ LOOP_INV(core)
        loop invariant busy: core->dispatching == 1;
        loop invariant cursor: \at(core->cursor, Pre) <= core->cursor;
        loop invariant count: 0 <= calls <= core->cursor - \at(core->cursor, Pre);
        loop variant core->queue_count - core->cursor; */
    while (core->cursor < core->queue_count) {
        uint32_t fd = core->queue[core->cursor];
        uint8_t flags = take(core);
        if (!flags) {
            continue;
        }
        io_atom *atom = core->slots[fd].atom;
        //@ assert IO_DISPATCH_3_registered: atom != \null;
        calls++;
        //@ calls io_user_proc;
        atom->proc(poller, atom, flags);
    }
    core->cursor = 0;
    core->queue_count = 0;
    core->dispatching = 0;
    return calls;
}

int io_core_next(io_core *core, io_event *event)
{
    if (core->dispatching) {
        return -EBUSY;
    }
    /*@ LOOP_INV(core)
        loop invariant cursor: \at(core->cursor, Pre) <= core->cursor;
        loop variant core->queue_count - core->cursor; */
    while (core->cursor < core->queue_count) {
        uint32_t fd = core->queue[core->cursor];
        uint8_t flags = take(core);
        if (flags) {
            event->atom = core->slots[fd].atom;
            event->flags = flags;
            return 1;
        }
    }
    core->cursor = 0;
    core->queue_count = 0;
    return 0;
}
