/*
 * The core: every decision of the library, and no system call.
 *
 * The table is the state: a slot for each descriptor. A slot with an atom is a registered atom. The
 * queue holds the descriptors with something pending, each at most once; a place whose slot has
 * nothing pending any more is stale and is skipped. Atoms are read and never written, so a slot can
 * be emptied at any moment, inside a callback, too.
 *
 * The three modes differ in what the kernel does after it has told an event:
 *   IO_MODE_EDGE      it keeps silent by itself (epoll with EPOLLET);
 *   IO_MODE_LEVEL     it tells it again, and that is what the caller wants;
 *   IO_MODE_EMULATED  it would tell it again, so a flag is disarmed when its event is harvested,
 *                     and armed again by EAGAIN or io_set.
 */
#ifndef IOATOM_CORE_CORE_H
#define IOATOM_CORE_CORE_H

#include <errno.h>
#include <ioatom/ioatom.h>

enum {
    IO_EVENTS = IO_READ | IO_WRITE | IO_EXCEPT, /* what can be told */
    IO_FLAGS = IO_EVENTS | IO_ONESHOT           /* what can be asked for */
};

/* io_core.mode */
enum { IO_MODE_EDGE = 0, IO_MODE_LEVEL = 1, IO_MODE_EMULATED = 2 };

/* What a backend reports of a descriptor, whatever the kernel calls it. */
enum {
    IO_BIT_IN = 0x01,
    IO_BIT_OUT = 0x02,
    IO_BIT_PRI = 0x04,
    IO_BIT_RDHUP = 0x08,
    IO_BIT_HUP = 0x10,
    IO_BIT_ERR = 0x20,
    IO_BIT_NVAL = 0x40
};

/* io_slot.kernel: the armed flags, and: */
enum {
    IO_KERNEL_HUP = IO_BIT_HUP, /* the hang-up, */
    IO_KERNEL_ERR = IO_BIT_ERR, /* the error that the latest event carried (IO-EVENT-8) */
    IO_KERNEL_REST = 0x40,      /* level kernels: it would repeat for ever what tells nothing new */
    IO_KERNEL_DEAD = 0x80       /* closed without io_remove: the kernel has nothing (IO-CLOSE-5) */
};

/* io_slot.pending: the ready flags, and: */
enum { IO_QUEUED = 0x80 }; /* it has a place in the queue */

/* io_core_request: the armed flags, and: */
enum { IO_REQUEST_QUIET = 0x10 }; /* tell edges only; select and poll can't: tell nothing */

/* io_core_harvest */
enum {
    IO_HARVEST_DONE = 0,
    IO_HARVEST_MODIFY = 1, /* the kernel must be asked for something else: io_core_request */
    IO_HARVEST_STALE = 2   /* it names no registered atom, or a dead one */
};

#include "contracts.h"

/*@ requires room: slot_count <= 0x7fffffff;
    assigns *core;
    ensures INIT_mode: core->mode == mode;
    ensures INIT_empty: core->queue_count == 0 && core->cursor == 0 && core->dispatching == 0; */
void io_core_init(io_core *core, io_slot *slots, uint32_t *queue, uint64_t slot_count,
                  uint8_t mode);

/* The slot of a registered atom, or null. It is the only place where an atom is looked up. */
/*@ requires shape: shape(core);
    requires a: \valid_read(atom);
    TOTAL assigns \nothing;
    ensures found: \result != \null <==> KNOWN(core, atom);
    ensures slot: \result != \null ==> \result == &core->slots[atom->fd]; */
io_slot *io_core_find(const io_core *core, const io_atom *atom);

/* Register. Errors in the order of IO-ERROR-4; whether the descriptor is open is the caller's to
 * find out. */
/*@ REQ_INV(core)
    requires a: outside(core, atom);
    TOTAL
    assigns SLOT_OF(core, atom).atom, SLOT_OF(core, atom).generation, SLOT_OF(core, atom).interest,
      SLOT_OF(core, atom).kernel, SLOT_OF(core, atom).exhausted, SLOT_OF(core, atom).pending;
    ENS_INV(core)
    ensures IO_ADD_3_inval: \result == -EINVAL <==> BAD_ADD(atom, flags);
    ensures IO_ADD_4_badf: \result == -EBADF <==> !BAD_ADD(atom, flags) && atom->fd < 0;
    ensures IO_ADD_5_range: \result == -ERANGE <==> !BAD_ADD(atom, flags) && atom->fd >=
   core->slot_count; ensures IO_ADD_6_exist: \result == -EEXIST <==> !BAD_ADD(atom, flags) && 0 <=
   atom->fd < core->slot_count && \old(core->slots[atom->fd].atom) != \null; ensures IO_ADD_1_done:
   \result == 0 ==> KNOWN(core, atom) && core->slots[atom->fd].interest == flags && READY(core,
   atom->fd) == 0 && core->slots[atom->fd].exhausted == 0 && core->slots[atom->fd].kernel == (flags
   & IO_EVENTS); ensures IO_ERROR_2_add: \result != 0 ==> \forall integer i; IN(core, i) ==>
   same_slot{Pre, Post}(core, i); ensures IO_ADD_9_quiet: shrinks{Pre, Post}(core); */
int io_core_add(io_core *core, io_atom *atom, int flags);

/* Replace the interest. 1: the kernel must be asked, see io_core_request; 0: it need not be
 * (IO-MASK-1, IO-MASK-2). */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns SLOT_OF(core, atom).interest, SLOT_OF(core, atom).kernel, SLOT_OF(core, atom).pending;
    ENS_INV(core)
    ensures IO_SET_5_inval: \result == -EINVAL <==> BAD_FLAGS(flags);
    ensures IO_SET_4_noent: \result == -ENOENT <==> !BAD_FLAGS(flags) && !KNOWN(core, atom);
    ensures IO_SET_1_interest: \result >= 0 ==> core->slots[atom->fd].interest == flags;
    ensures IO_SET_3_pending: \result >= 0 ==> READY(core, atom->fd) == (\old(READY(core, atom->fd))
   & flags); ensures IO_SET_2_armed: \result == 1 ==> core->slots[atom->fd].kernel == (flags &
   IO_EVENTS); ensures IO_SET_6_dead: \result >= 0 ==> (\old(core->slots[atom->fd].kernel) &
   IO_KERNEL_DEAD) != 0 ==> \result == 0; ensures IO_ERROR_2_set: \result < 0 ==> \forall integer i;
   IN(core, i) ==> same_slot{Pre, Post}(core, i); ensures IO_SET_1_quiet: shrinks{Pre, Post}(core);
 */
int io_core_set(io_core *core, io_atom *atom, int flags);

/* Unregister: no reference to the atom is left. */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns SLOT_OF(core, atom).atom, SLOT_OF(core, atom).generation, SLOT_OF(core, atom).interest,
      SLOT_OF(core, atom).kernel, SLOT_OF(core, atom).exhausted, SLOT_OF(core, atom).pending;
    ENS_INV(core)
    ensures IO_REMOVE_4_noent: \result == -ENOENT <==> \old(!KNOWN(core, atom));
    ensures IO_REMOVE_1_gone: gone(core, atom);
    ensures IO_REMOVE_2_pending: \result == 0 ==> READY(core, atom->fd) == 0 &&
   core->slots[atom->fd].atom == \null; ensures IO_REMOVE_6_generation: \result == 0 ==>
      core->slots[atom->fd].generation == (uint32_t)(\old(core->slots[atom->fd].generation) + 1);
    ensures IO_ERROR_2_remove: \result != 0 ==> \forall integer i; IN(core, i) ==> same_slot{Pre,
   Post}(core, i); ensures IO_REMOVE_2_quiet: shrinks{Pre, Post}(core); */
int io_core_remove(io_core *core, io_atom *atom);

/* The kernel answered EAGAIN to these flags. 1: the kernel must be asked (emulated edge: they are
 * armed again). */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns SLOT_OF(core, atom).kernel, SLOT_OF(core, atom).exhausted;
    ENS_INV(core)
    ensures IO_EDGE_4_inval: \result == -EINVAL <==> BAD_EXHAUSTED(flags);
    ensures IO_EDGE_4_noent: \result == -ENOENT <==> !BAD_EXHAUSTED(flags) && !KNOWN(core, atom);
    ensures IO_READ_2_noted: \result >= 0 ==>
      core->slots[atom->fd].exhausted == (\old(core->slots[atom->fd].exhausted) | flags);
    ensures IO_EDGE_3_only: \result == 1 ==> core->mode == IO_MODE_EMULATED;
    ensures IO_ERROR_2_exhausted: \result < 0 ==> \forall integer i; IN(core, i) ==> same_slot{Pre,
   Post}(core, i); */
int io_core_exhausted(io_core *core, io_atom *atom, int flags);

/* The hang-up and the error that the slot remembers, as IO_BIT_HUP and IO_BIT_ERR. */
/*@ requires shape: shape(core);
    requires in: fd < core->slot_count;
    TOTAL assigns \nothing; */
int io_core_alarms(const io_core *core, uint32_t fd);

/* EAGAIN came while these bits were there: what else the slot remembers is over, and told anew if
 * it comes again (IO-EVENT-8). */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    TOTAL assigns core->slots[fd].kernel;
    ENS_INV(core) */
void io_core_calm(io_core *core, uint32_t fd, int bits);

/* What the kernel is to be asked for on behalf of fd: armed flags, possibly IO_REQUEST_QUIET. */
/*@ requires shape: shape(core);
    requires in: fd < core->slot_count;
    TOTAL assigns \nothing;
    ensures armed: (\result & IO_EVENTS) == (core->slots[fd].kernel & IO_EVENTS); */
int io_core_request(const io_core *core, uint32_t fd);

/* An event from the kernel: bits of the descriptor fd, for the registration with this generation.
 * Merges what is of interest into the slot's pending flags (IO-LOST-1). -EBUSY inside a callback,
 * -ENOSPC if the queue has no place (it always has after io_core_compact): nothing has changed
 * then. */
/*@ REQ_INV(core)
    TOTAL
    assigns core->slots[fd].kernel, core->slots[fd].exhausted, core->slots[fd].pending,
   core->queue[core->queue_count], core->queue_count, core->rested; ENS_INV(core) ensures
   IO_WAIT_8_busy: \result == -EBUSY <==> core->dispatching != 0; ensures IO_REMOVE_6_stale:
   core->dispatching == 0 && (fd >= core->slot_count || core->slots[fd].atom == \null ||
   core->slots[fd].generation != generation) ==>
      \result == IO_HARVEST_STALE;
    ensures IO_LOST_1_kept: \result \in {IO_HARVEST_DONE, IO_HARVEST_MODIFY} ==>
      subset(\old(READY(core, fd)), READY(core, fd));
    ensures IO_ERROR_2_harvest: \result \in {IO_HARVEST_STALE, -EBUSY, -ENOSPC} ==>
      core->queue_count == \old(core->queue_count) && \forall integer i; IN(core, i) ==>
   same_slot{Pre, Post}(core, i); */
int io_core_harvest(io_core *core, uint32_t fd, uint32_t generation, int bits);

/* Let a resting slot speak again. 1: it was resting, the kernel must be asked. */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    TOTAL assigns core->slots[fd].kernel;
    ENS_INV(core) */
int io_core_wake(io_core *core, uint32_t fd);

/* Move the queue's live places to its front, so that every slot has a place. */
/*@ REQ_INV(core)
    requires idle: core->dispatching == 0;
    TOTAL assigns core->queue[0 .. core->slot_count - 1], core->queue_count, core->cursor;
    ENS_INV(core)
    ensures front: core->cursor == 0; */
void io_core_compact(io_core *core);

/* The number of pending atoms (IO-WAIT-1). */
/*@ REQ_INV(core)
    TOTAL assigns \nothing;
    ensures range: 0 <= \result <= core->queue_count - core->cursor; */
int io_core_pending(const io_core *core);

/* Call back every pending atom, once. poller is passed on to the callbacks. */
/*@ REQ_INV(core)
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1], core->cursor, core->queue_count,
   core->dispatching, io_user_state, io_watched_calls; ENS_INV(core) ensures IO_DISPATCH_5_busy:
   \result == -EBUSY <==> \old(core->dispatching) != 0; ensures IO_DISPATCH_5_nobody: \result ==
   -EBUSY ==> io_watched_calls == \old(io_watched_calls); ensures IO_DISPATCH_1_count: \result ==
   -EBUSY || 0 <= \result <= \old(core->queue_count) - \old(core->cursor); ensures
   IO_DISPATCH_4_empty: \result >= 0 ==> core->cursor == 0 && core->queue_count == 0 &&
   core->dispatching == 0; ensures IO_DISPATCH_4_none: \result >= 0 ==> \forall integer i; IN(core,
   i) ==> READY(core, i) == 0 && !QUEUED(core, i); ensures IO_DISPATCH_3_gone: \result >= 0 ==>
   gone{Pre}(core, io_watched) ==> io_watched_calls == 0; ensures IO_DISPATCH_1_once: \result >= 0
   ==> io_watched_calls <= 1; */
int io_core_dispatch(io_core *core, io_poller *poller);

/* Take one pending event as a value. */
/*@ REQ_INV(core)
    requires event: \valid(event) && \separated(event, core) &&
      \separated(event, core->slots + (0 .. core->slot_count - 1)) &&
      \separated(event, core->queue + (0 .. core->slot_count - 1));
    TOTAL
    assigns *event, core->slots[0 .. core->slot_count - 1], core->cursor, core->queue_count;
    ENS_INV(core)
    ensures IO_NEXT_2_busy: \result == -EBUSY <==> core->dispatching != 0;
    ensures IO_NEXT_3_event: \result == 1 ==> KNOWN(core, event->atom) && event->flags != 0 &&
      subset(event->flags, IO_EVENTS);
    ensures IO_NEXT_1_none: \result == 0 ==> \forall integer i; IN(core, i) ==> \old(READY(core, i))
   == 0; */
int io_core_next(io_core *core, io_event *event);

#endif
