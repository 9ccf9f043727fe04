/* From what is pending to callbacks, or to values. */
#include "bits.h"

void io_core_compact(io_core *core)
{
    uint64_t live = 0;
    /*@ loop invariant range: core->cursor <= k <= core->queue_count;
        loop invariant live: live == k - core->cursor;
        loop invariant moved: \forall integer j; 0 <= j < live ==> core->queue[j] == \at(core->queue[j + core->cursor], LoopEntry);
        loop invariant rest: \forall integer j; k <= j < core->queue_count ==> core->queue[j] == \at(core->queue[j], LoopEntry);
        loop assigns k, live, core->queue[0 .. core->slot_count - 1];
        loop variant core->queue_count - k; */
    for (uint64_t k = core->cursor; k < core->queue_count; k++) {
        core->queue[live] = core->queue[k];
        live++;
    }
    core->cursor = 0;
    core->queue_count = live;
    //@ assert has: \forall integer k; 0 <= k < live ==> core->queue[k] == \at(core->queue[k + core->cursor], Pre);
    /*@ assert place: \forall integer k; \at(core->cursor, Pre) <= k < \at(core->queue_count, Pre) ==>
          core->queue[k - \at(core->cursor, Pre)] == \at(core->queue[k], Pre); */
}

int io_core_pending(const io_core *core)
{
    int count = 0;
    /*@ loop invariant range: core->cursor <= k <= core->queue_count;
        loop invariant bound: 0 <= count <= k - core->cursor;
        loop invariant count: count == pending_places(core, k);
        loop invariant none: count == 0 <==> \forall integer j; core->cursor <= j < k ==> READY(core, core->queue[j]) == 0;
        loop assigns k, count;
        loop variant core->queue_count - k; */
    for (uint64_t k = core->cursor; k < core->queue_count; k++) {
        if (core->slots[core->queue[k]].pending) {
            count++;
        }
    }
    return count;
}

/* Take the first place off the queue, which is fd's: its pending flags, which are then no longer
 * pending; 0 if the place was stale. */
/*@ REQ_INV(core)
    requires first: core->cursor < core->queue_count && fd == core->queue[core->cursor];
    TOTAL
    assigns core->cursor, core->slots[fd].pending, core->slots[fd].marks, core->slots[fd].interest;
    ENS_INV(core)
    ensures TAKE_cursor: core->cursor == \old(core->cursor) + 1;
    ensures IO_DISPATCH_2_flags: \result == \old(READY(core, fd)) && events(\result);
    ensures IO_DISPATCH_2_interest: subset(\result, \old(core->slots[fd].interest));
    ensures IO_DISPATCH_1_clear: READY(core, fd) == 0;
    ensures TAKE_unmarked: !QUEUED(core, fd);
    ensures TAKE_exhausted: SAME_EVENTS(core->slots[fd].marks, \old(core->slots[fd].marks));
    ensures IO_ONESHOT_1_empty: core->slots[fd].interest ==
      (\result != 0 && \old(core->slots[fd].interest) >= IO_ONESHOT ? 0 : \old(core->slots[fd].interest));
    ensures IO_DISPATCH_3_atom: \result != 0 ==> core->slots[fd].atom != \null; */
static uint8_t take(io_core *core, uint32_t fd)
{
    io_slot *slot = &core->slots[fd];
    uint8_t flags = slot->pending;
    //@ assert mine: \forall integer k; core->cursor < k < core->queue_count ==> core->queue[k] != fd;
    //@ assert own: subset(flags, slot->interest) && events(flags) && (flags != 0 ==> slot->atom != \null);
    core->cursor++;
    slot->marks = io_and(slot->marks, IO_EVENTS);
    slot->pending = 0;
    if (flags && slot->interest >= IO_ONESHOT) {
        slot->interest = 0;
    }
    //@ assert zero: READY(core, fd) == 0 && !QUEUED(core, fd);
    //@ assert others: same_others{Pre, Here}(core, fd);
    //@ assert rest: \forall integer k; LIVE(core, k) ==> core->queue[k] != fd;
    //@ assert marked: \forall integer i; IN(core, i) && QUEUED(core, i) ==> i != fd && \at(QUEUED(core, i), Pre);
    /*@ assert places: \forall integer i; IN(core, i) && QUEUED(core, i) ==>
          \exists integer k; \at(LIVE(core, k), Pre) && core->queue[k] == i; */
    /*@ assert first: \forall integer k; \at(LIVE(core, k), Pre) ==> k == \at(core->cursor, Pre) || LIVE(core, k); */
    //@ assert gone: core->queue[\at(core->cursor, Pre)] == fd;
    return flags;
}

/* Call the atom of fd. Only here is a callback called. */
/*@ REQ_INV(core)
    requires poller: core == &poller->core;
    requires client: client(core);
    requires busy: core->dispatching != 0;
    requires in: fd < core->slot_count && core->slots[fd].atom != \null;
    requires flags: flags != 0 && events(flags);
    requires calls: io_watched_calls <= 1 && io_delivered <= 0x7fffffff;
    TOTAL
    assigns core->slots[0 .. core->slot_count - 1], core->cursor, core->queue_count, core->dispatching, io_user_state,
      WATCHED;
    ENS_INV(core)
    ensures queue: same_queue{Pre, Post}(core);
    ensures IO_DISPATCH_1_count: io_delivered == \old(io_delivered) + 1;
    ensures IO_DISPATCH_1_counted: io_watched_calls ==
      \old(io_watched_calls) + (\old(core->slots[fd].atom) == io_watched ? 1 : 0);
    ensures IO_DISPATCH_7_told: fd == io_watched_fd ? IS_OR(io_watched_told, \old(io_watched_told), flags) :
      io_watched_told == \old(io_watched_told);
    ensures IO_DISPATCH_7_taken: io_watched_fd < core->slot_count ==>
      SHARED_OUT(\old(READY(core, io_watched_fd)), READY(core, io_watched_fd), io_watched_taken, 0);
    ensures IO_DISPATCH_7_kept: SUBSET(\old(io_watched_taken), io_watched_taken);
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(core);
    ensures client: client(core); */
static void deliver(io_core *core, io_poller *poller, uint32_t fd, uint8_t flags)
{
    io_atom *atom = core->slots[fd].atom;
    //@ ghost io_delivered++;
    //@ ghost io_watched_calls += (atom == io_watched);
    //@ ghost if (fd == io_watched_fd) { io_watched_told = (uint8_t)(io_watched_told | flags); }
    //@ ghost uint8_t before = 0;
    //@ ghost if (io_watched_fd < core->slot_count) { before = core->slots[io_watched_fd].pending; }
    //@ calls io_user_proc;
    atom->proc(poller, atom, flags);
    /*@ ghost if (io_watched_fd < core->slot_count) {
          io_watched_taken = (uint8_t)(io_watched_taken | (before & ~core->slots[io_watched_fd].pending));
        } */
}

/* clang-format does not know ==>. */
/* clang-format off */
/* The watched atom was called at most once, and has nothing pending if it was. */
#define ONCE(c)                                                                                    \
    (io_watched_calls == 0 ||                                                                      \
     (io_watched_calls == 1 &&                                                                     \
      (\forall integer i; IN(c, i) ==> (c)->slots[i].atom == io_watched ==> READY(c, i) == 0)))
/* clang-format on */

int io_core_dispatch(io_core *core, io_poller *poller)
{
    int calls = 0;
    if (core->dispatching) {
        return -EBUSY;
    }
    core->dispatching = 1;
    //@ ghost io_delivered = 0;
    //@ ghost io_watched_calls = 0;
    //@ ghost io_watched_told = 0;
    //@ ghost io_watched_taken = 0;
    //@ ghost io_slot *slots = core->slots; uint64_t slot_count = core->slot_count;
    /*@ LOOP_INV(core)
        loop invariant slots: core->slots == slots && core->slot_count == slot_count;
        loop invariant frame: same_table{Pre, Here}(core) && core->queue_count == \at(core->queue_count, Pre);
        loop invariant busy: core->dispatching == 1;
        loop invariant cursor: \at(core->cursor, Pre) <= core->cursor;
        loop invariant count: 0 <= calls <= core->cursor - \at(core->cursor, Pre);
        loop invariant IO_DISPATCH_1_count: calls == io_delivered;
        loop invariant quiet: shrinks{Pre, Here}(core);
        loop invariant client: client(core);
        loop invariant IO_DISPATCH_3_gone: gone{Pre}(core, io_watched) ==> io_watched_calls == 0;
        loop invariant IO_DISPATCH_1_once: ONCE(core);
        loop invariant IO_DISPATCH_7_delivered: io_watched_fd < slot_count ==>
          SHARED_OUT(\at(READY(core, io_watched_fd), Pre), READY(core, io_watched_fd), io_watched_told, io_watched_taken);
        loop invariant IO_EVENT_5_invented: io_watched_fd < slot_count ==>
          SHARED_OUT(io_watched_told, \at(READY(core, io_watched_fd), Pre), 0, 0);
        loop assigns slots[0 .. slot_count - 1], core->cursor, core->queue_count, core->dispatching, calls, io_user_state,
          WATCHED;
        loop variant core->queue_count - core->cursor; */
    while (core->cursor < core->queue_count) {
        uint32_t fd = core->queue[core->cursor];
        //@ assert in: fd < core->slot_count && fd == core->queue[core->cursor];
        //@ assert slot: \subset(&slots[fd], slots + (0 .. slot_count - 1));
        //@ ghost Top: ;
        uint8_t flags = take(core, fd);
        //@ assert table: core->slots == \at(core->slots, Pre) && core->slot_count == \at(core->slot_count, Pre);
        /*@ assert others: \forall integer i; IN(core, i) && i != fd ==> READY(core, i) == \at(READY(core, i), Top) &&
              core->slots[i].atom == \at(core->slots[i].atom, Top); */
        //@ assert own: READY(core, fd) == 0 && core->slots[fd].atom == \at(core->slots[\at(fd, Here)].atom, Top);
        //@ assert quiet: shrinks{Pre, Here}(core);
        //@ assert once: ONCE(core);
        /*@ assert shared: io_watched_fd < slot_count ==> fd != io_watched_fd ==>
              SHARED_OUT(\at(READY(core, io_watched_fd), Pre), READY(core, io_watched_fd), io_watched_told, io_watched_taken); */
        /*@ assert shared_own: fd == io_watched_fd ==>
              SHARED_OUT(\at(READY(core, io_watched_fd), Pre), flags, io_watched_told, io_watched_taken); */
        if (flags) {
            //@ assert was: core->slots[fd].atom == \at(core->slots[\at(fd, Here)].atom, Pre);
            //@ assert known: core->slots[fd].atom->fd == fd;
            //@ assert only: core->slots[fd].atom == io_watched ==> io_watched_calls == 0;
            /*@ assert nobody: \forall integer i; IN(core, i) ==> core->slots[i].atom == core->slots[fd].atom ==>
                  READY(core, i) == 0; */
            calls++;
            deliver(core, poller, fd, flags);
        }
    }
    //@ assert none: \forall integer i; IN(core, i) ==> READY(core, i) == 0 && !QUEUED(core, i);
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
    //@ ghost io_slot *slots = core->slots; uint64_t slot_count = core->slot_count;
    /*@ LOOP_INV(core)
        loop invariant slots: core->slots == slots && core->slot_count == slot_count;
        loop invariant frame: same_table{Pre, Here}(core) && core->queue_count == \at(core->queue_count, Pre);
        loop invariant cursor: \at(core->cursor, Pre) <= core->cursor;
        loop invariant same: \forall integer i; IN(core, i) ==> READY(core, i) == \at(READY(core, i), Pre) &&
          core->slots[i].atom == \at(core->slots[i].atom, Pre);
        loop assigns slots[0 .. slot_count - 1], core->cursor;
        loop variant core->queue_count - core->cursor; */
    while (core->cursor < core->queue_count) {
        uint32_t fd = core->queue[core->cursor];
        //@ assert in: fd < core->slot_count && fd == core->queue[core->cursor];
        uint8_t flags = take(core, fd);
        //@ assert frame2: core->slots == \at(core->slots, Pre) && core->slot_count == \at(core->slot_count, Pre);
        //@ assert others: \forall integer i; IN(core, i) && i != fd ==> READY(core, i) == \at(READY(core, i), Pre);
        if (flags) {
            //@ assert apart: \separated(event, core->slots[fd].atom) && core->slots[fd].atom->fd == fd;
            /*@ assert apart_all: \forall integer i; IN(core, i) ==> core->slots[i].atom != \null ==>
                  \separated(event, core->slots[i].atom); */
            //@ assert quiet: shrinks{Pre, Here}(core);
            //@ ghost Mid: ;
            event->atom = core->slots[fd].atom;
            event->flags = flags;
            //@ assert slots: same_slots{Mid, Here}(core);
            //@ assert fds: \forall integer i; IN(core, i) ==> core->slots[i].atom != \null ==> core->slots[i].atom->fd == i;
            //@ assert quiet2: shrinks{Pre, Here}(core);
            //@ assert queue: \forall integer k; 0 <= k < core->queue_count ==> core->queue[k] == \at(core->queue[k], Mid);
            return 1;
        }
    }
    core->cursor = 0;
    core->queue_count = 0;
    return 0;
}
