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
    IO_KERNEL_TRACE = 0x08,     /* lib/audit's, while a callback runs; the core has no use for it */
    IO_KERNEL_HUP = IO_BIT_HUP, /* the hang-up, */
    IO_KERNEL_ERR = IO_BIT_ERR, /* the error that the latest event carried (IO-EVENT-8) */
    IO_KERNEL_REST = 0x40,      /* level kernels: it would repeat for ever what tells nothing new */
    IO_KERNEL_DEAD = 0x80       /* closed without io_remove: the kernel has nothing (IO-CLOSE-5) */
};

/* io_slot.marks: the exhausted flags, and: */
enum { IO_QUEUED = 0x80 }; /* it has a place in the queue */

/* io_core_request: the armed flags, and: */
enum { IO_REQUEST_QUIET = 0x10 }; /* tell edges only; select and poll can't: tell nothing */

/* io_core_harvest */
enum {
    IO_HARVEST_DONE = 0,
    IO_HARVEST_MODIFY = 1, /* the kernel must be asked for something else: io_core_request */
    IO_HARVEST_STALE = 2   /* it names no registered atom, or a dead one */
};

/* Where the slot of a descriptor is: the descriptor itself, but on Windows its place in a hash.
 * IO_PLACE: -1 or slot_count if it has none. IO_TAKE_PLACE: it gets one, slot_count if there is none
 * left. IO_DROP_PLACE: the slot of an atom, which gives its place back; the slot stays as it is.
 * IO_FD_AT: the descriptor of a registered atom. IO_INIT_PLACES: for an empty core; what
 * is left of the area. No other file makes that difference. */
#ifdef _WIN32
#include "places.h"
#define IO_PLACE(core, fd) io_places_find(&(core)->places, fd)
#define IO_TAKE_PLACE(core, fd) io_places_take(&(core)->places, fd)
#define IO_DROP_PLACE(core, atom) io_core_drop_place(core, atom)
#define IO_FD_AT(core, place) ((core)->places.fds[place])
#define IO_INIT_PLACES(core, area) io_core_init_places(core, area)
#else
#define IO_PLACE(core, fd) fd
#define IO_TAKE_PLACE(core, fd) fd
#define IO_DROP_PLACE(core, atom) io_core_find(core, atom)
#define IO_FD_AT(core, place) place
#define IO_INIT_PLACES(core, area) area
#endif

/* The vocabulary of the contracts below: ACSL, which a compiler takes for comments. */
#ifdef __FRAMAC__
#include "../../proofs/wp/contracts.h"
#endif

/* The caller's storage becomes an empty core. */
/*@ requires room: slot_count <= 0x7fffffff && mode <= 2;
    requires memory: \valid(core) && \valid(slots + (0 .. slot_count - 1)) && \valid(queue + (0 .. slot_count - 1));
    requires apart: \separated(core, slots + (0 .. slot_count - 1), queue + (0 .. slot_count - 1));
    TOTAL
    assigns *core, slots[0 .. slot_count - 1];
    ENS_INV(core)
    ensures INIT_place: core->slots == slots && core->queue == queue && core->slot_count == slot_count;
    ensures INIT_mode: core->mode == mode;
    ensures INIT_idle: core->queue_count == 0 && core->cursor == 0 && core->dispatching == 0 && core->rested == 0;
    ensures INIT_empty: \forall integer i; IN(core, i) ==>
      core->slots[i].atom == \null && READY(core, i) == 0 && core->slots[i].kernel == 0 && core->slots[i].marks == 0; */
void io_core_init(io_core *core, io_slot *slots, uint32_t *queue, uint64_t slot_count,
                  uint16_t mode);

/* The slot of a registered atom, or null. It is the only place where an atom is looked up. */
/*@ requires shape: shape(core);
    requires a: \valid_read(atom);
    TOTAL
    assigns \nothing;
    ensures FIND_known: \result != \null <==> KNOWN(core, atom);
    ensures FIND_slot: \result != \null ==> \result == &core->slots[atom->fd]; */
io_slot *io_core_find(const io_core *core, io_atom *atom);

/* Register. Errors in the order of IO-ERROR-4; whether the descriptor is open is the caller's to
 * find out. */
/*@ REQ_INV(core)
    requires a: outside(core, atom) && (atom->proc == \null || PROC_KEEPS(atom->proc));
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1];
    ENS_INV(core)
    ensures IO_ERROR_3_add: \result \in {0, -EINVAL, -EBADF, -ERANGE, -EEXIST};
    ensures IO_ADD_3_inval: \result == -EINVAL <==> BAD_ADD(atom, flags);
    ensures IO_ADD_4_badf: \result == -EBADF <==> !BAD_ADD(atom, flags) && atom->fd < 0;
    ensures IO_ADD_5_range: \result == -ERANGE <==> !BAD_ADD(atom, flags) && atom->fd >= core->slot_count;
    ensures IO_ADD_6_exist: \result == -EEXIST <==> !BAD_ADD(atom, flags) && 0 <= atom->fd < core->slot_count &&
      \old(core->slots[atom->fd].atom) != \null;
    ensures IO_ADD_1_registered: \result == 0 ==> KNOWN(core, atom) && core->slots[atom->fd].interest == flags;
    ensures IO_ADD_1_idle: \result == 0 ==> READY(core, atom->fd) == 0;
    ensures IO_ADD_2_armed: \result == 0 ==> core->slots[atom->fd].kernel == (flags & 7) &&
      !SOME(core->slots[atom->fd].marks);
    ensures IO_REMOVE_6_generation: \result == 0 ==>
      core->slots[atom->fd].generation == (uint32_t)(\old(core->slots[atom->fd].generation) + 1);
    ensures IO_ERROR_2_add: \result != 0 ==> same_slots{Pre, Post}(core);
    ensures others: \result == 0 ==> same_others{Pre, Post}(core, atom->fd);
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(core); */
int io_core_add(io_core *core, io_atom *atom, int flags);

/* Replace the interest. 1: the kernel must be asked, see io_core_request; 0: it need not be
 * (IO-MASK-1, IO-MASK-2). */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1];
    ENS_INV(core)
    ensures IO_ERROR_3_set: \result \in {0, 1, -EINVAL, -ENOENT};
    ensures IO_SET_5_inval: \result == -EINVAL <==> BAD_FLAGS(flags);
    ensures IO_SET_4_noent: \result == -ENOENT <==> !BAD_FLAGS(flags) && \old(!KNOWN(core, atom));
    ensures known: \result >= 0 ==> KNOWN(core, atom);
    ensures IO_SET_1_interest: \result >= 0 ==> core->slots[atom->fd].interest == flags;
    ensures IO_SET_1_dropped: \result >= 0 ==> SUBSET(READY(core, atom->fd), flags);
    ensures IO_SET_3_pending: \result >= 0 ==> READY(core, atom->fd) == (\old(READY(core, atom->fd)) & (flags & 7));
    ensures IO_SET_2_asked: \result >= 0 ==> (\result == 1 <==> !BIT(\old(core->slots[atom->fd].kernel), IO_KERNEL_DEAD) &&
      (BIT(\old(core->slots[atom->fd].kernel), IO_KERNEL_REST) ||
       !COVERS_ALL(core->mode, \old(core->slots[atom->fd].kernel), \old(core->slots[atom->fd].marks), flags)));
    ensures IO_SET_2_armed: \result == 1 ==> core->slots[atom->fd].kernel == (flags & 7);
    ensures IO_MASK_1_kept: \result == 0 ==> SAME_EVENTS(core->slots[atom->fd].kernel, \old(core->slots[atom->fd].kernel));
    ensures IO_SET_6_dead: \result >= 0 && BIT(\old(core->slots[atom->fd].kernel), IO_KERNEL_DEAD) ==>
      \result == 0 && core->slots[atom->fd].kernel == \old(core->slots[atom->fd].kernel);
    ensures same: \result >= 0 ==> core->slots[atom->fd].generation == \old(core->slots[atom->fd].generation) &&
      core->slots[atom->fd].marks == \old(core->slots[atom->fd].marks);
    ensures IO_ERROR_2_set: \result < 0 ==> same_slots{Pre, Post}(core);
    ensures others: \result >= 0 ==> same_others{Pre, Post}(core, atom->fd);
    ensures IO_SET_1_quiet: shrinks{Pre, Post}(core); */
int io_core_set(io_core *core, io_atom *atom, int flags);

/* Unregister: no reference to the atom is left. */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1];
    ENS_INV(core)
    ensures IO_ERROR_3_remove: \result \in {0, -ENOENT};
    ensures IO_REMOVE_4_noent: \result == -ENOENT <==> \old(!KNOWN(core, atom));
    ensures IO_REMOVE_1_gone: gone(core, atom);
    ensures IO_REMOVE_2_pending: \result == 0 ==> READY(core, atom->fd) == 0;
    ensures free: \result == 0 ==> core->slots[atom->fd].atom == \null && core->slots[atom->fd].interest == 0 &&
      core->slots[atom->fd].kernel == 0 && !SOME(core->slots[atom->fd].marks);
    ensures IO_REMOVE_6_generation: \result == 0 ==>
      core->slots[atom->fd].generation == (uint32_t)(\old(core->slots[atom->fd].generation) + 1);
    ensures IO_ERROR_2_remove: \result != 0 ==> same_slots{Pre, Post}(core);
    ensures others: \result == 0 ==> same_others{Pre, Post}(core, atom->fd);
    ensures IO_REMOVE_2_quiet: shrinks{Pre, Post}(core); */
int io_core_remove(io_core *core, io_atom *atom);

/* The kernel answered EAGAIN to these flags. 1: the kernel must be asked (emulated edge: they are
 * armed again). */
/*@ REQ_INV(core)
    requires a: \valid_read(atom);
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1];
    ENS_INV(core)
    ensures IO_ERROR_3_exhausted: \result \in {0, 1, -EINVAL, -ENOENT};
    ensures IO_EDGE_4_inval: \result == -EINVAL <==> BAD_EXHAUSTED(flags);
    ensures IO_EDGE_4_noent: \result == -ENOENT <==> !BAD_EXHAUSTED(flags) && \old(!KNOWN(core, atom));
    ensures noted: \result >= 0 ==>
      OR_BIT(core->slots[atom->fd].marks, \old(core->slots[atom->fd].marks), flags, 1) &&
      OR_BIT(core->slots[atom->fd].marks, \old(core->slots[atom->fd].marks), flags, 2) &&
      OR_BIT(core->slots[atom->fd].marks, \old(core->slots[atom->fd].marks), flags, 4) &&
      (QUEUED(core, atom->fd) <==> \old(QUEUED(core, atom->fd)));
    ensures IO_EDGE_3_asked: \result >= 0 ==> (\result == 1 <==> core->mode == IO_MODE_EMULATED &&
      !BIT(\old(core->slots[atom->fd].kernel), IO_KERNEL_DEAD) &&
      ((BIT(flags, 1) && BIT(core->slots[atom->fd].interest, 1) && !BIT(\old(core->slots[atom->fd].kernel), 1)) ||
       (BIT(flags, 2) && BIT(core->slots[atom->fd].interest, 2) && !BIT(\old(core->slots[atom->fd].kernel), 2)) ||
       (BIT(flags, 4) && BIT(core->slots[atom->fd].interest, 4) && !BIT(\old(core->slots[atom->fd].kernel), 4))));
    ensures IO_EDGE_3_armed: \result == 1 ==>
      IS_OR(core->slots[atom->fd].kernel, \old(core->slots[atom->fd].kernel), flags & core->slots[atom->fd].interest);
    ensures IO_EDGE_3_kept: \result == 0 ==> core->slots[atom->fd].kernel == \old(core->slots[atom->fd].kernel);
    ensures same: \result >= 0 ==> KNOWN(core, atom) &&
      core->slots[atom->fd].generation == \old(core->slots[atom->fd].generation) &&
      core->slots[atom->fd].interest == \old(core->slots[atom->fd].interest) &&
      READY(core, atom->fd) == \old(READY(core, atom->fd));
    ensures IO_ERROR_2_exhausted: \result < 0 ==> same_slots{Pre, Post}(core);
    ensures others: \result >= 0 ==> same_others{Pre, Post}(core, atom->fd);
    ensures quiet: shrinks{Pre, Post}(core); */
int io_core_exhausted(io_core *core, io_atom *atom, int flags);

/* Whether the slot remembers a hang-up or an error. */
/*@ requires shape: shape(core);
    requires in: fd < core->slot_count;
    TOTAL
    assigns \nothing;
    ensures IO_EVENT_8_known: \result != 0 <==> ALARM(core->slots[fd].kernel); */
int io_core_alarms(const io_core *core, uint32_t fd);

/* EAGAIN came while these bits were there: what else the slot remembers is over, and told anew if
 * it comes again (IO-EVENT-8). */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    TOTAL
    assigns core->slots[fd].kernel;
    ENS_INV(core)
    ensures IO_EVENT_8_over:
      (BIT(core->slots[fd].kernel, IO_BIT_HUP) <==> BIT(\old(core->slots[fd].kernel), IO_BIT_HUP) && BIT(bits, IO_BIT_HUP)) &&
      (BIT(core->slots[fd].kernel, IO_BIT_ERR) <==> BIT(\old(core->slots[fd].kernel), IO_BIT_ERR) && BIT(bits, IO_BIT_ERR));
    ensures same: SAME_EVENTS(core->slots[fd].kernel, \old(core->slots[fd].kernel)) &&
      (BIT(core->slots[fd].kernel, IO_KERNEL_REST) <==> BIT(\old(core->slots[fd].kernel), IO_KERNEL_REST)) &&
      (BIT(core->slots[fd].kernel, IO_KERNEL_DEAD) <==> BIT(\old(core->slots[fd].kernel), IO_KERNEL_DEAD)); */
void io_core_calm(io_core *core, uint32_t fd, int bits);

/* What the kernel is to be asked for on behalf of fd: armed flags, possibly IO_REQUEST_QUIET. */
/*@ requires shape: shape(core);
    requires in: fd < core->slot_count;
    TOTAL
    assigns \nothing;
    ensures IO_EVENT_7_request: \result == REQUEST(core->mode, core->slots[fd].kernel); */
int io_core_request(const io_core *core, uint32_t fd);

/* An event from the kernel: bits of the descriptor fd, for the registration with this generation.
 * Merges what is of interest into the slot's pending flags (IO-LOST-1). -EBUSY inside a callback,
 * -ENOSPC if the queue has no place (it always has after io_core_compact): nothing has changed
 * then. */
/*@ REQ_INV(core)
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1], core->queue[0 .. core->slot_count - 1], core->queue_count,
      core->rested;
    ENS_INV(core)
    ensures codes: \result \in {IO_HARVEST_DONE, IO_HARVEST_MODIFY, IO_HARVEST_STALE, -EBUSY, -ENOSPC};
    ensures IO_WAIT_8_busy: \result == -EBUSY <==> core->dispatching != 0;
    ensures IO_REMOVE_6_stale: \result == IO_HARVEST_STALE <==> core->dispatching == 0 && \old(STALE(core, fd, generation));
    ensures room: \result == -ENOSPC ==> \old(core->queue_count) == core->slot_count && \old(!QUEUED(core, fd));
    HARVESTED(TOOK(\result) && !BIT(bits, IO_BIT_NVAL), core, fd, bits, \result)
    ensures IO_CLOSE_5_told: TOOK(\result) && BIT(bits, IO_BIT_NVAL) ==> core->slots[fd].kernel == IO_KERNEL_DEAD &&
      \result == IO_HARVEST_MODIFY &&
      merged_last(READY(core, fd), \old(READY(core, fd)), \old(core->slots[fd].kernel), core->slots[fd].interest);
    ensures same: TOOK(\result) ==>
      core->slots[fd].atom == \old(core->slots[fd].atom) &&
      core->slots[fd].generation == \old(core->slots[fd].generation) &&
      core->slots[fd].interest == \old(core->slots[fd].interest) && same_others{Pre, Post}(core, fd);
    ensures IO_ERROR_2_harvest: \result \in {IO_HARVEST_STALE, -EBUSY, -ENOSPC} ==>
      core->queue_count == \old(core->queue_count) && core->rested == \old(core->rested) && same_slots{Pre, Post}(core); */
int io_core_harvest(io_core *core, uint32_t fd, uint32_t generation, int bits);

/* Let a resting slot speak again. 1: it was resting, the kernel must be asked. */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    TOTAL
    assigns core->slots[fd].kernel;
    ENS_INV(core)
    ensures WAKE_asked: \result == 1 <==> BIT(\old(core->slots[fd].kernel), IO_KERNEL_REST);
    ensures WAKE_codes: \result \in {0, 1};
    ensures WAKE_awake: IS_WITHOUT(core->slots[fd].kernel, \old(core->slots[fd].kernel), IO_KERNEL_REST); */
int io_core_wake(io_core *core, uint32_t fd);

/* Move the queue's live places to its front, so that every slot has a place. */
/*@ REQ_INV(core)
    requires idle: core->dispatching == 0;
    TOTAL
    assigns core->queue[0 .. core->slot_count - 1], core->queue_count, core->cursor;
    ENS_INV(core)
    ensures COMPACT_front: core->cursor == 0;
    ensures COMPACT_count: core->queue_count == \old(core->queue_count) - \old(core->cursor);
    ensures COMPACT_order: \forall integer k; 0 <= k < core->queue_count ==>
      core->queue[k] == \old(core->queue[k + core->cursor]); */
void io_core_compact(io_core *core);

/* The number of pending atoms (IO-WAIT-1). */
/*@ REQ_INV(core)
    TOTAL
    assigns \nothing;
    ensures IO_WAIT_1_count: \result == pending_places(core, core->queue_count);
    ensures IO_WAIT_1_none: \result == 0 <==> \forall integer i; IN(core, i) ==> READY(core, i) == 0;
    ensures range: 0 <= \result <= core->queue_count - core->cursor; */
int io_core_pending(const io_core *core);

/* Call back every pending atom, once. poller, which holds the core, is passed on to the callbacks. */
/*@ REQ_INV(core)
    requires poller: core == &poller->core;
    requires client: client(core);
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1], core->cursor, core->queue_count, core->dispatching, io_user_state,
      WATCHED;
    ENS_INV(core)
    ensures IO_DISPATCH_5_busy: \result == -EBUSY <==> \old(core->dispatching) != 0;
    ensures IO_DISPATCH_5_nobody: \result == -EBUSY ==> SAME_WATCHED &&
      io_user_state == \old(io_user_state) && same_slots{Pre, Post}(core) && same_queue{Pre, Post}(core);
    ensures IO_DISPATCH_1_count: \result == -EBUSY || \result == io_delivered;
    ensures IO_DISPATCH_1_bound: \result == -EBUSY || 0 <= \result <= \old(core->queue_count) - \old(core->cursor);
    ensures IO_DISPATCH_1_once: \result >= 0 ==> io_watched_calls <= 1;
    ensures IO_DISPATCH_3_gone: \result >= 0 ==> gone{Pre}(core, io_watched) ==> io_watched_calls == 0;
    ensures IO_DISPATCH_4_idle: \result >= 0 ==> core->cursor == 0 && core->queue_count == 0 && core->dispatching == 0;
    ensures IO_DISPATCH_4_none: \result >= 0 ==> \forall integer i; IN(core, i) ==> READY(core, i) == 0 && !QUEUED(core, i);
    ensures IO_DISPATCH_7_delivered: \result >= 0 && io_watched_fd < core->slot_count ==>
      SHARED_OUT(\old(READY(core, io_watched_fd)), io_watched_told, io_watched_taken, 0);
    ensures IO_EVENT_5_invented: \result >= 0 && io_watched_fd < core->slot_count ==>
      SHARED_OUT(io_watched_told, \old(READY(core, io_watched_fd)), 0, 0);
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(core);
    ensures client: client(core); */
int io_core_dispatch(io_core *core, io_poller *poller);

/* Take one pending event as a value. */
/*@ REQ_INV(core)
    requires event: \valid(event) && \separated(event, core) &&
      \separated(event, core->slots + (0 .. core->slot_count - 1)) &&
      \separated(event, core->queue + (0 .. core->slot_count - 1));
    requires event_atoms: \forall integer i; IN(core, i) ==> core->slots[i].atom != \null ==>
      \separated(event, core->slots[i].atom);
    TOTAL
    assigns *event, core->slots[0 .. core->slot_count - 1], core->cursor, core->queue_count;
    ENS_INV(core)
    ensures IO_ERROR_3_next: \result \in {0, 1, -EBUSY};
    ensures IO_NEXT_2_busy: \result == -EBUSY <==> core->dispatching != 0;
    ensures IO_NEXT_1_all: \result == 1 ==> KNOWN(core, event->atom) && READY(core, event->atom->fd) == 0 &&
      event->flags == \old(READY(core, \at(event->atom->fd, Post)));
    ensures IO_NEXT_3_flags: \result == 1 ==> event->flags != 0 && events(event->flags);
    ensures IO_NEXT_1_others: \result == 1 ==> \forall integer i; IN(core, i) && i != event->atom->fd ==>
      READY(core, i) == \old(READY(core, i));
    ensures IO_NEXT_1_none: \result == 0 ==> (\forall integer i; IN(core, i) ==> \old(READY(core, i)) == 0) &&
      core->cursor == 0 && core->queue_count == 0;
    ensures IO_NEXT_1_left: \result != 1 ==> event->atom == \old(event->atom) && event->flags == \old(event->flags);
    ensures IO_ERROR_2_next: \result == -EBUSY ==> same_slots{Pre, Post}(core) && same_queue{Pre, Post}(core);
    ensures quiet: shrinks{Pre, Post}(core); */
int io_core_next(io_core *core, io_event *event);

#ifdef _WIN32
static inline void *io_core_init_places(io_core *core, void *area)
{
    io_places_init(&core->places, area, core->slot_count);
    return (char *)area + core->slot_count * IO_PLACES_BYTES_PER_FD;
}

static inline io_slot *io_core_drop_place(io_core *core, io_atom *atom)
{
    io_slot *slot = io_core_find(core, atom);
    if (slot) {
        io_places_drop(&core->places, atom->fd);
    }
    return slot;
}
#endif

#endif
