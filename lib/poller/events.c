/* Waiting, dispatching, taking. */
#include "../os/platform.h"

#include "poller.h"

#define CORE (&poller->core)

/* Let the resting descriptors be looked at again (IO-EVENT-8); only backends that have a slice_ms
 * need it. */
/*@ REQ_USED(poller)
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], poller->core.rested, BACKENDS(poller), errno;
    ENS_USED(poller)
    ensures IO_WAIT_9_kept: kept{Pre, Post}(CORE);
    ensures quiet: same_atoms{Pre, Post}(CORE); */
static void wake_resting(io_poller *poller)
{
    if (!poller->core.rested || poller->backend->slice_ms == 0) {
        return;
    }
    poller->core.rested = 0;
    //@ ghost io_slot *slots = poller->core.slots; uint64_t slot_count = poller->core.slot_count;
    /*@ LOOP_USED(poller)
        loop invariant slots: poller->core.slots == slots && poller->core.slot_count == slot_count;
        loop invariant range: 0 <= fd <= slot_count;
        loop invariant quiet: same_atoms{Pre, Here}(CORE);
        loop invariant IO_WAIT_9_kept: kept{Pre, Here}(CORE);
        loop assigns fd, slots[0 .. slot_count - 1], BACKENDS(poller), errno;
        loop variant slot_count - fd; */
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        if (poller->core.slots[fd].atom && io_core_wake(&poller->core, (uint32_t)fd)) {
            //@ calls io_some_modify;
            poller->backend->modify(poller, (io_fd)fd);
        }
    }
}

/* When the latest io_wait began, by its clock. */
/*@ ghost uint64_t io_wait_began_ns; */

/* What a wait may change. */
#define WAITS(p)                                                                                   \
    (p)->core.slots[0 ..(p)->core.slot_count - 1], (p)->core.queue[0 ..(p)->core.slot_count - 1],  \
        (p)->core.queue_count, (p)->core.rested, BACKENDS(p), io_kernel_timeout_ms,                \
        io_kernel_answer, errno

/* One wait of the backend until the deadline, or for a slice, if somebody rests. */
/*@ REQ_USED(poller)
    requires IO_WAIT_8_idle: poller->core.dispatching == 0;
    requires room: poller->core.cursor == 0;
    TOTAL
    assigns WAITS(poller);
    ENS_USED(poller)
    ensures code: -MAX_ERRNO <= \result;
    ensures answer: \result == io_kernel_answer;
    ensures IO_WAIT_2_block: io_kernel_timeout_ms == 0 || \forall integer i; IN(CORE, i) ==> \old(READY(CORE, i)) == 0;
    ensures IO_WAIT_4_for_ever: deadline_ns == IO_NEVER && !(\old(poller->core.rested) != 0 && poller->backend->slice_ms > 0) &&
      (\forall integer i; IN(CORE, i) ==> \old(READY(CORE, i)) == 0) ==> io_kernel_timeout_ms == -1;
    ensures IO_WAIT_5_due: deadline_ns <= now_ns && deadline_ns != IO_NEVER ==> io_kernel_timeout_ms == 0;
    ensures IO_WAIT_9_kept: kept{Pre, Post}(CORE); */
static int wait_slice(io_poller *poller, uint64_t deadline_ns, uint64_t now_ns)
{
    int timeout_ms = io_core_pending(&poller->core) > 0 ? 0 : io_timeout_ms(deadline_ns, now_ns);
    int slice_ms = poller->backend->slice_ms;
    int sliced = poller->core.rested && slice_ms > 0 && (timeout_ms < 0 || timeout_ms > slice_ms);
    int r;
    //@ calls io_some_wait;
    r = poller->backend->wait(poller, sliced ? slice_ms : timeout_ms);
    if (r == 0 && sliced) {
        wake_resting(poller);
    }
    return r;
}

/* Wait until something is pending, or the deadline, or a signal. Its end depends on the kernel. */
/*@ REQ_USED(poller)
    requires IO_WAIT_8_idle: poller->core.dispatching == 0;
    requires room: poller->core.cursor == 0;
    exits \false;
    assigns WAITS(poller), io_kernel_now_ns;
    ENS_USED(poller)
    ensures code: -MAX_ERRNO <= \result;
    ensures IO_WAIT_1_count: \result >= 0 ==> \result == pending_places(CORE, poller->core.queue_count);
    ensures IO_WAIT_3_early: \result == 0 ==> io_kernel_answer == -EINTR || deadline_ns == 0 ||
      (deadline_ns != IO_NEVER && io_kernel_now_ns >= deadline_ns);
    ensures IO_WAIT_5_block: deadline_ns == 0 && now_ns == 0 ==> io_kernel_timeout_ms == 0;
    ensures IO_WAIT_6_signal: io_kernel_answer == -EINTR ==> \result >= 0;
    ensures IO_WAIT_9_kept: kept{Pre, Post}(CORE); */
static int wait_until(io_poller *poller, uint64_t deadline_ns, uint64_t now_ns)
{
    //@ ghost io_slot *slots = poller->core.slots; uint64_t slot_count = poller->core.slot_count;
    //@ ghost uint32_t *queue = poller->core.queue;
    /*@ LOOP_USED(poller)
        loop invariant slots: poller->core.slots == slots && poller->core.slot_count == slot_count && poller->core.queue == queue;
        loop invariant idle: poller->core.dispatching == 0 && poller->core.cursor == 0;
        loop invariant due: deadline_ns == 0 && \at(now_ns, Pre) == 0 ==> now_ns == 0;
        loop invariant IO_WAIT_9_kept: kept{Pre, Here}(CORE);
        loop assigns now_ns, slots[0 .. slot_count - 1], queue[0 .. slot_count - 1], poller->core.queue_count,
          poller->core.rested, BACKENDS(poller), io_kernel_timeout_ms, io_kernel_answer, io_kernel_now_ns, errno; */
    for (;;) {
        int r = wait_slice(poller, deadline_ns, now_ns);
        int pending = io_core_pending(&poller->core);
        if (r == -EINTR || (r >= 0 && pending > 0)) {
            return pending;
        }
        if (r < 0) {
            return r;
        }
        /* Nothing that anybody is to be told: go on, unless the time is over (IO-WAIT-7). */
        if (deadline_ns != IO_NEVER) {
            now_ns = deadline_ns == 0 ? 0 : io_os_now_ns();
            if (now_ns >= deadline_ns) {
                return 0;
            }
        }
    }
}

/*@ REQ_POLLER(poller)
    exits \false;
    assigns WAITS(poller), poller->core.cursor, io_kernel_now_ns, io_wait_began_ns;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, OPEN(poller))
    ensures IO_WAIT_8_busy: \old(OPEN(poller) && poller->core.dispatching != 0) ==> \result == -EBUSY &&
      untouched{Pre, Post}(CORE) && io_kernel_state == \old(io_kernel_state);
    ensures IO_WAIT_1_count: \result >= 0 ==> \result == pending_places(CORE, poller->core.queue_count);
    ensures IO_WAIT_3_early: \result == 0 ==> io_kernel_answer == -EINTR || timeout_ms == 0 || poller->deadline_ns == 0 ||
      (io_kernel_now_ns >= poller->deadline_ns && poller->deadline_ns != IO_NEVER) ||
      (0 <= timeout_ms < INT_MAX &&
       (io_kernel_now_ns >= io_wait_began_ns + timeout_ms * IO_NS_PER_MS || io_kernel_now_ns >= IO_NEVER - 1));
    ensures IO_WAIT_5_block: \old(OPEN(poller) && poller->core.dispatching == 0) && timeout_ms == 0 ==> io_kernel_timeout_ms == 0;
    ensures IO_WAIT_6_signal: \old(OPEN(poller) && poller->core.dispatching == 0) && io_kernel_answer == -EINTR ==> \result >= 0;
    ensures IO_WAIT_9_kept: \old(OPEN(poller)) ==> kept{Pre, Post}(CORE); */
int io_wait(io_poller *poller, int timeout_ms)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    if (poller->core.dispatching) {
        return io_result(-EBUSY);
    }
    io_core_compact(&poller->core);
    //@ assert compact: same_slots{Pre, Here}(CORE);
    wake_resting(poller);
    //@ assert woken: same_atoms{Pre, Here}(CORE);
    //@ assert IO_WAIT_9_woken: kept{Pre, Here}(CORE);
    uint64_t now_ns = timeout_ms == 0 ? 0 : io_os_now_ns();
    //@ ghost io_wait_began_ns = now_ns;
    uint64_t deadline_ns = timeout_ms == 0 ? 0 : io_deadline(now_ns, timeout_ms);
    if (poller->deadline_ns < deadline_ns) {
        deadline_ns = poller->deadline_ns; /* the hook of timers (IO-WAIT-12) */
    }
    int r = wait_until(poller, deadline_ns, now_ns);
    //@ assert IO_WAIT_9_kept: kept{Pre, Here}(CORE);
    return io_result(r);
}

#define IDLE (OPEN(poller) && poller->core.dispatching == 0)

/*@ REQ_POLLER(poller)
    requires client: OPEN(poller) ==> client(CORE);
    requires timers: OPEN(poller) ==> TIMERS_KEEP(poller);
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], poller->core.cursor, poller->core.queue_count,
      poller->core.dispatching, poller->deadline_ns, BACKENDS(poller), io_kernel_now_ns, io_user_state, WATCHED, errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, OPEN(poller))
    ensures IO_DISPATCH_5_busy: \old(OPEN(poller)) ==> (\result == -EBUSY <==> \old(poller->core.dispatching) != 0);
    ensures IO_DISPATCH_5_nobody: \result < 0 ==> SAME_WATCHED &&
      io_user_state == \old(io_user_state) && untouched{Pre, Post}(CORE);
    ensures IO_DISPATCH_1_count: \old(IDLE) ==> \result == io_delivered;
    ensures IO_DISPATCH_1_bound: \old(IDLE) ==> 0 <= \result <= \old(poller->core.queue_count) - \old(poller->core.cursor);
    ensures IO_DISPATCH_1_once: \result >= 0 ==> io_watched_calls <= 1;
    ensures IO_DISPATCH_3_gone: \result >= 0 ==> gone{Pre}(CORE, io_watched) ==> io_watched_calls == 0;
    ensures IO_DISPATCH_4_idle: \result >= 0 ==>
      poller->core.cursor == 0 && poller->core.queue_count == 0 && poller->core.dispatching == 0;
    ensures IO_DISPATCH_4_none: \result >= 0 ==> \forall integer i; IN(CORE, i) ==> READY(CORE, i) == 0 && !QUEUED(CORE, i);
    ensures IO_DISPATCH_7_delivered: \result >= 0 && io_watched_fd < poller->core.slot_count ==>
      SHARED_OUT(\old(READY(CORE, io_watched_fd)), io_watched_told, io_watched_taken, 0);
    ensures IO_EVENT_5_invented: \result >= 0 && io_watched_fd < poller->core.slot_count ==>
      SHARED_OUT(io_watched_told, \old(READY(CORE, io_watched_fd)), 0, 0);
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(CORE);
    ensures client: \old(OPEN(poller)) ==> client(CORE); */
int io_dispatch(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    int r = io_core_dispatch(&poller->core, poller);
    //@ assert timers: poller->run_timers == \at(poller->run_timers, Pre);
    if (r >= 0 && poller->run_timers) {
        //@ calls io_some_timers;
        poller->run_timers(poller); /* (IO-TIMER-10) */
    }
    return io_result(r);
}

/*@ REQ_POLLER(poller)
    requires event: GIVEN(poller, event) ==> \valid(event) && \separated(event, poller) && \separated(event, &poller->backend) &&
      \separated(event, poller->backend) && \separated(event, poller->core.slots + (0 .. poller->core.slot_count - 1)) &&
      \separated(event, poller->core.queue + (0 .. poller->core.slot_count - 1));
    requires event_atoms: GIVEN(poller, event) ==> \forall integer i; IN(CORE, i) ==> poller->core.slots[i].atom != \null ==>
      \separated(event, poller->core.slots[i].atom);
    TOTAL
    assigns *event, poller->core.slots[0 .. poller->core.slot_count - 1], poller->core.cursor, poller->core.queue_count, errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, GIVEN(poller, event))
    ensures IO_NEXT_2_busy: \old(GIVEN(poller, event)) ==> (\result == -EBUSY <==> poller->core.dispatching != 0);
    ensures codes: \result \in {0, 1, -EBUSY, -EINVAL} && (\result == -EINVAL ==> !\old(GIVEN(poller, event)));
    ensures IO_NEXT_1_all: \result == 1 ==> KNOWN(CORE, event->atom) && READY(CORE, event->atom->fd) == 0 &&
      event->flags == \old(READY(CORE, \at(event->atom->fd, Post)));
    ensures IO_NEXT_3_flags: \result == 1 ==> event->flags != 0 && events(event->flags);
    ensures IO_NEXT_1_others: \result == 1 ==> \forall integer i; IN(CORE, i) && i != event->atom->fd ==>
      READY(CORE, i) == \old(READY(CORE, i));
    ensures IO_NEXT_1_none: \result == 0 ==> (\forall integer i; IN(CORE, i) ==> \old(READY(CORE, i)) == 0) &&
      poller->core.cursor == 0 && poller->core.queue_count == 0;
    ensures IO_NEXT_1_left: \result != 1 ==> event->atom == \old(event->atom) && event->flags == \old(event->flags);
    ensures IO_ERROR_2_next: \result < 0 ==> untouched{Pre, Post}(CORE);
    ensures quiet: shrinks{Pre, Post}(CORE); */
int io_next(io_poller *poller, io_event *event)
{
    if (!io_poller_is_open(poller) || !event) {
        return io_result(-EINVAL);
    }
    int r = io_core_next(&poller->core, event);
    //@ assert backend: SAME_BACKEND(poller);
    return io_result(r);
}
