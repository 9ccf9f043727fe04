/* Adding, changing and removing atoms: the core decides, the backend tells the kernel. */
#include "../os/platform.h"

#include "poller.h"

#define CORE (&poller->core)
#define SLOT(fd_) (poller->core.slots[fd_])
/* What the contracts name as it was before the call. */
#define GOOD GIVEN(poller, atom)

/* -EINVAL for arguments that no function takes (IO-ERROR-5). */
/*@ requires poller: poller == \null || \valid_read(poller);
    TOTAL
    assigns \nothing;
    ensures IO_ERROR_5_given: \result == (GOOD ? 0 : -EINVAL); */
static int check(const io_poller *poller, const io_atom *atom)
{
    return io_poller_is_open(poller) && atom ? 0 : -EINVAL;
}

/* Have the kernel watch an atom that has just been registered; if it refuses, the atom is not
 * registered (IO-ADD-10). */
/*@ REQ_USED(poller)
    requires atom: \valid_read(atom) && KNOWN(CORE, atom);
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], BACKENDS(poller), errno;
    ENS_USED(poller)
    ensures code: CODE(\result);
    ensures fd: atom->fd == \old(atom->fd);
    ensures IO_ADD_10_free: \result < 0 ==> SLOT(atom->fd).atom == \null && READY(CORE, atom->fd) == 0 &&
      SLOT(atom->fd).interest == 0 && SLOT(atom->fd).kernel == 0;
    ensures kept: \result == 0 ==> same_slots{Pre, Post}(CORE);
    ensures asked: \result == 0 ==> ASKED(poller, atom->fd);
    ensures others: same_others{Pre, Post}(CORE, atom->fd);
    ensures quiet: shrinks{Pre, Post}(CORE); */
static int watch(io_poller *poller, io_atom *atom)
{
    int r;
    //@ calls io_some_add;
    r = poller->backend->add(poller, IO_PLACE(&poller->core, atom->fd));
    //@ assert fd: atom->fd == \at(atom->fd, Pre);
    if (r < 0) {
        io_core_remove(&poller->core, atom);
        //@ assert backend: SAME_BACKEND(poller);
    }
    return r;
}

#define ADDABLE (GOOD && !BAD_ADD(atom, flags))
#define IN_TABLE (0 <= atom->fd < poller->core.slot_count)
#define IS_TAKEN (IN_TABLE && SLOT(atom->fd).atom != \null)

/*@ REQ_POLLER(poller)
    requires atom: GOOD ==> outside(CORE, atom) && (atom->proc == \null || PROC_KEEPS(atom->proc));
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], BACKENDS(poller), errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, GOOD)
    ensures code: \result <= 0;
    ensures IO_ADD_3_inval: \old(GOOD && BAD_ADD(atom, flags)) ==> \result == -EINVAL;
    ensures IO_ADD_4_badf: \old(ADDABLE && (atom->fd < 0 || ((!IN_TABLE || IS_TAKEN) && !IS_OPEN(atom->fd)))) ==>
      \result == -EBADF;
    ensures IO_ADD_5_range: \old(ADDABLE && atom->fd >= poller->core.slot_count && IS_OPEN(atom->fd)) ==>
      \result == -ERANGE;
    ensures IO_ADD_6_exist: \old(ADDABLE && IS_TAKEN && IS_OPEN(atom->fd)) ==> \result == -EEXIST;
    ensures IO_ERROR_2_refused: \old(GOOD && !(ADDABLE && IN_TABLE && !IS_TAKEN)) ==>
      \result < 0 && untouched{Pre, Post}(CORE) && io_kernel_state == \old(io_kernel_state);
    ensures IO_ADD_10_atoms: \old(ADDABLE && IN_TABLE && !IS_TAKEN) && \result < 0 ==> same_atoms{Pre, Post}(CORE);
    ensures IO_ADD_10_free: \old(ADDABLE && IN_TABLE && !IS_TAKEN) && \result < 0 ==> SLOT(atom->fd).atom == \null &&
      SLOT(atom->fd).interest == 0 && SLOT(atom->fd).kernel == 0;
    ensures IO_ADD_1_registered: \old(GOOD) && \result == 0 ==> KNOWN(CORE, atom) && SLOT(atom->fd).interest == flags;
    ensures IO_ADD_1_idle: \old(GOOD) && \result == 0 ==> READY(CORE, atom->fd) == 0;
    ensures IO_ADD_2_armed: \old(GOOD) && \result == 0 ==> SLOT(atom->fd).kernel == (flags & 7) && ASKED(poller, atom->fd);
    ensures IO_REMOVE_6_generation: \old(GOOD) && \result == 0 ==>
      SLOT(atom->fd).generation == (uint32_t)(\old(SLOT(atom->fd).generation) + 1);
    ensures others: \old(GOOD) ==> same_others{Pre, Post}(CORE, atom->fd);
    ensures IO_ADD_9_quiet: \old(GOOD) ==> shrinks{Pre, Post}(CORE); */
int io_add(io_poller *poller, io_atom *atom, int flags)
{
    int r = check(poller, atom);
    if (r == 0) {
        r = io_core_add(&poller->core, atom, flags);
        //@ assert backend: SAME_BACKEND(poller);
        //@ assert queue: same_queue{Pre, Here}(CORE);
    }
    if ((r == -ERANGE || r == -EEXIST) && io_os_check_open(atom->fd) < 0) {
        r = -EBADF; /* comes before these two (IO-ERROR-4) */
    }
    if (r < 0) {
        return io_result(r);
    }
    //@ assert idle: \at(READY(CORE, atom->fd), Pre) == 0 && \at(SLOT(atom->fd).atom, Pre) == \null;
    r = watch(poller, atom);
    //@ assert others: same_others{Pre, Here}(CORE, atom->fd);
    //@ assert own: r < 0 ==> READY(CORE, atom->fd) == 0 && SLOT(atom->fd).atom == \null;
    //@ assert rest: \forall integer i; IN(CORE, i) && i != atom->fd ==> same_slot{Pre, Here}(CORE, i);
    /*@ assert same: \forall integer i; IN(CORE, i) ==> same_slot{Pre, Here}(CORE, i) ==>
          READY(CORE, i) == \at(READY(CORE, i), Pre) && SLOT(i).atom == \at(SLOT(i).atom, Pre); */
    //@ assert IO_ADD_10_atoms: r < 0 ==> same_atoms{Pre, Here}(CORE);
    return io_result(r);
}

/* On an error nothing has changed (IO-ERROR-2). */
/*@ REQ_INV(core)
    requires in: 0 <= fd < core->slot_count;
    requires mine: before.atom == core->slots[fd].atom && before.marks == core->slots[fd].marks;
    requires range: before.interest <= 15 && events(before.pending) && subset(before.pending, before.interest);
    requires some: before.pending != 0 ==> before.atom != \null && BIT(before.marks, IO_QUEUED);
    TOTAL
    assigns core->slots[fd];
    ENS_INV(core)
    ensures IO_ERROR_2_back: core->slots[fd].atom == before.atom && core->slots[fd].generation == before.generation &&
      core->slots[fd].interest == before.interest && core->slots[fd].kernel == before.kernel &&
      core->slots[fd].marks == before.marks && core->slots[fd].pending == before.pending;
    ensures others: same_others{Pre, Post}(core, fd);
    ensures queue: same_queue{Pre, Post}(core); */
static void put_back(io_core *core, io_fd fd, io_slot before)
{
    core->slots[fd] = before;
    //@ assert others: same_others{Pre, Here}(core, fd);
    //@ assert marked: \forall integer i; IN(core, i) ==> (QUEUED(core, i) <==> \at(QUEUED(core, i), Pre));
    //@ assert queue: same_queue{Pre, Here}(core);
}

/* The kernel has to be asked so that what is asked for is told (IO-SET-2, IO-MASK-1). */
#define MUST_ASK                                                                                   \
    (!BIT(SLOT(atom->fd).kernel, IO_KERNEL_DEAD) &&                                                \
     (BIT(SLOT(atom->fd).kernel, IO_KERNEL_REST) ||                                                \
      !COVERS_ALL(poller->core.mode, SLOT(atom->fd).kernel, SLOT(atom->fd).marks, flags)))

/*@ REQ_POLLER(poller)
    requires atom: atom == \null || \valid_read(atom);
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], BACKENDS(poller), errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, GOOD)
    ensures code: \result <= 0;
    ensures IO_SET_5_inval: \old(GOOD) && BAD_FLAGS(flags) ==> \result == -EINVAL;
    ensures IO_SET_4_noent: \old(GOOD && !KNOWN(CORE, atom)) && !BAD_FLAGS(flags) ==> \result == -ENOENT;
    ensures IO_ERROR_2_set: \old(GOOD) && \result < 0 ==> untouched{Pre, Post}(CORE);
    ensures IO_ERROR_2_kernel: \old(GOOD && !KNOWN(CORE, atom)) || (\old(GOOD) && BAD_FLAGS(flags)) ==>
      io_kernel_state == \old(io_kernel_state);
    ensures IO_SET_1_interest: \old(GOOD) && \result == 0 ==> KNOWN(CORE, atom) && SLOT(atom->fd).interest == flags;
    ensures IO_SET_1_dropped: \old(GOOD) && \result == 0 ==> SUBSET(READY(CORE, atom->fd), flags);
    ensures IO_SET_3_pending: \old(GOOD) && \result == 0 ==> READY(CORE, atom->fd) == (\old(READY(CORE, atom->fd)) & (flags & 7));
    ensures IO_SET_2_asked: \old(GOOD) && \result == 0 && \old(MUST_ASK) ==>
      SLOT(atom->fd).kernel == (flags & 7) && ASKED(poller, atom->fd);
    ensures IO_MASK_1_silent: \old(GOOD && KNOWN(CORE, atom) && !MUST_ASK) ==> io_kernel_state == \old(io_kernel_state) &&
      (BAD_FLAGS(flags) || \result == 0);
    ensures IO_SET_6_dead: \old(GOOD && KNOWN(CORE, atom) && BIT(SLOT(atom->fd).kernel, IO_KERNEL_DEAD)) && !BAD_FLAGS(flags) ==>
      \result == 0 && SLOT(atom->fd).kernel == \old(SLOT(atom->fd).kernel);
    ensures same: \old(GOOD) && \result == 0 ==> SLOT(atom->fd).generation == \old(SLOT(atom->fd).generation) &&
      SLOT(atom->fd).marks == \old(SLOT(atom->fd).marks);
    ensures others: \old(GOOD) ==> same_others{Pre, Post}(CORE, atom->fd);
    ensures IO_SET_1_quiet: \old(GOOD) ==> shrinks{Pre, Post}(CORE); */
int io_set(io_poller *poller, io_atom *atom, int flags)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    io_slot *slot = io_core_find(&poller->core, atom);
    io_slot before = slot ? *slot : (io_slot){0};
    int r = io_core_set(&poller->core, atom, flags);
    //@ assert backend: SAME_BACKEND(poller);
    //@ assert queue: same_queue{Pre, Here}(CORE);
    if (r > 0) {
        //@ calls io_some_modify;
        r = poller->backend->modify(poller, IO_PLACE(&poller->core, atom->fd));
        //@ assert fd: atom->fd == \at(atom->fd, Pre);
        //@ assert others: same_others{Pre, Here}(CORE, atom->fd);
        if (r < 0) {
            put_back(&poller->core, IO_PLACE(&poller->core, atom->fd), before);
            //@ assert others: same_others{Pre, Here}(CORE, atom->fd);
            //@ assert back: same_slots{Pre, Here}(CORE);
            //@ assert queue: same_queue{Pre, Here}(CORE);
            //@ assert backend: SAME_BACKEND(poller);
        }
    }
    return io_result(r);
}

/*@ REQ_POLLER(poller)
    requires atom: atom == \null || \valid_read(atom);
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], BACKENDS(poller), errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, GOOD)
    ensures code: \result \in {0, -EINVAL, -ENOENT};
    ensures IO_REMOVE_4_noent: \old(GOOD) ==> (\result == -ENOENT <==> \old(!KNOWN(CORE, atom)));
    ensures IO_REMOVE_7_always: \old(GOOD) ==> (\result == 0 <==> \old(KNOWN(CORE, atom)));
    ensures IO_ERROR_2_remove: \old(GOOD) && \result < 0 ==> untouched{Pre, Post}(CORE) &&
      io_kernel_state == \old(io_kernel_state);
    ensures IO_REMOVE_1_gone: \old(GOOD) ==> gone(CORE, atom);
    ensures IO_REMOVE_2_pending: \old(GOOD) && \result == 0 ==> READY(CORE, atom->fd) == 0;
    ensures IO_REMOVE_3_nothing: \old(GOOD) && \result == 0 ==>
      asked(io_kernel_state, atom->fd) == NOT_WATCHED || \old(BIT(SLOT(atom->fd).kernel, IO_KERNEL_DEAD));
    ensures IO_REMOVE_6_generation: \old(GOOD) && \result == 0 ==>
      SLOT(atom->fd).generation == (uint32_t)(\old(SLOT(atom->fd).generation) + 1);
    ensures free: \old(GOOD) && \result == 0 ==> SLOT(atom->fd).atom == \null && SLOT(atom->fd).interest == 0 &&
      SLOT(atom->fd).kernel == 0 && !SOME(SLOT(atom->fd).marks);
    ensures others: \old(GOOD) && \result == 0 ==> same_others{Pre, Post}(CORE, atom->fd);
    ensures IO_REMOVE_2_quiet: \old(GOOD) ==> shrinks{Pre, Post}(CORE); */
int io_remove(io_poller *poller, io_atom *atom)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    const io_slot *slot = io_core_find(&poller->core, atom);
    if (slot && !(slot->kernel & IO_KERNEL_DEAD)) {
        //@ calls io_some_remove;
        poller->backend->remove(poller, IO_PLACE(&poller->core, atom->fd));
    }
    return io_result(io_core_remove(&poller->core, atom));
}

/* EAGAIN answers a hang-up or an error that is there; one that is over ended unseen, and the next
 * one is another (IO-EVENT-8). The kernel is asked only if there was one. */
/*@ REQ_USED(poller)
    requires in: 0 <= fd < poller->core.slot_count;
    TOTAL
    assigns SLOT(fd).kernel, errno;
    ENS_USED(poller)
    ensures IO_EVENT_8_over: (BIT(SLOT(fd).kernel, IO_BIT_HUP) ==> BIT(\old(SLOT(fd).kernel), IO_BIT_HUP)) &&
      (BIT(SLOT(fd).kernel, IO_BIT_ERR) ==> BIT(\old(SLOT(fd).kernel), IO_BIT_ERR));
    ensures IO_EVENT_8_none: !ALARM(\old(SLOT(fd).kernel)) ==> SLOT(fd).kernel == \old(SLOT(fd).kernel);
    ensures same: SAME_EVENTS(SLOT(fd).kernel, \old(SLOT(fd).kernel)) &&
      (BIT(SLOT(fd).kernel, IO_KERNEL_REST) <==> BIT(\old(SLOT(fd).kernel), IO_KERNEL_REST)) &&
      (BIT(SLOT(fd).kernel, IO_KERNEL_DEAD) <==> BIT(\old(SLOT(fd).kernel), IO_KERNEL_DEAD));
    ensures others: same_others{Pre, Post}(CORE, fd); */
static void forget_alarms(io_poller *poller, io_fd fd)
{
    if (io_core_alarms(&poller->core, (uint32_t)fd) == 0) {
        return;
    }
    int events = io_os_alarms(IO_FD_AT(&poller->core, fd));
    if (events >= 0) {
        int bits = events & POLLHUP ? IO_BIT_HUP : 0;
        bits |= events & POLLERR ? IO_BIT_ERR : 0;
        io_core_calm(&poller->core, (uint32_t)fd, bits);
    }
}

/* The flags become armed again (emulated edge: IO-EDGE-3). */
#define REARMED(f)                                                                                 \
    (BIT(flags, f) && BIT(SLOT(atom->fd).interest, f) && !BIT(SLOT(atom->fd).kernel, f))
#define MUST_REARM                                                                                 \
    (poller->core.mode == IO_MODE_EMULATED && !BIT(SLOT(atom->fd).kernel, IO_KERNEL_DEAD) &&       \
     (REARMED(1) || REARMED(2) || REARMED(4)))
#define ARMED(f)                                                                                   \
    (!BIT(flags, f) || !BIT(SLOT(atom->fd).interest, f) || BIT(SLOT(atom->fd).kernel, f))
#define NOTED(f) OR_BIT(SLOT(atom->fd).marks, \old(SLOT(atom->fd).marks), flags, f)

/*@ REQ_POLLER(poller)
    requires atom: atom == \null || \valid_read(atom);
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], BACKENDS(poller), errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, GOOD)
    ensures code: \result \in {0, -EINVAL, -ENOENT};
    ensures IO_EDGE_4_inval: \old(GOOD) ==> (\result == -EINVAL <==> BAD_EXHAUSTED(flags));
    ensures IO_EDGE_4_noent: \old(GOOD) ==> (\result == -ENOENT <==> !BAD_EXHAUSTED(flags) && \old(!KNOWN(CORE, atom)));
    ensures IO_ERROR_2_exhausted: \old(GOOD) && \result < 0 ==> untouched{Pre, Post}(CORE) &&
      io_kernel_state == \old(io_kernel_state);
    ensures noted: \old(GOOD) && \result == 0 ==> NOTED(1) && NOTED(2) && NOTED(4);
    ensures IO_EDGE_3_asked: \old(GOOD) && \result == 0 && \old(MUST_REARM) ==> ASKED(poller, atom->fd);
    ensures IO_EDGE_3_armed: \old(GOOD) && \result == 0 && \old(MUST_REARM) ==>
      ARMED(1) && ARMED(2) && ARMED(4);
    ensures IO_EDGE_3_kept: \old(GOOD) && \result == 0 && !\old(MUST_REARM) ==> io_kernel_state == \old(io_kernel_state) &&
      SAME_EVENTS(SLOT(atom->fd).kernel, \old(SLOT(atom->fd).kernel));
    ensures same: \old(GOOD) && \result == 0 ==> KNOWN(CORE, atom) &&
      SLOT(atom->fd).generation == \old(SLOT(atom->fd).generation) &&
      SLOT(atom->fd).interest == \old(SLOT(atom->fd).interest) && READY(CORE, atom->fd) == \old(READY(CORE, atom->fd));
    ensures others: \old(GOOD) ==> same_others{Pre, Post}(CORE, atom->fd);
    ensures quiet: \old(GOOD) ==> shrinks{Pre, Post}(CORE); */
int io_exhausted(io_poller *poller, io_atom *atom, int flags)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    int r = io_core_exhausted(&poller->core, atom, flags);
    //@ assert backend: SAME_BACKEND(poller);
    if (r >= 0) {
        //@ assert others: same_others{Pre, Here}(CORE, atom->fd);
        forget_alarms(poller, IO_PLACE(&poller->core, atom->fd));
    }
    if (r > 0) {
        //@ calls io_some_modify;
        r = poller->backend->modify(poller, IO_PLACE(&poller->core, atom->fd));
    }
    return io_result(r);
}

/* The slot has an atom that gets no events any more. */
#define LOST(i) (SLOT(i).atom != \null && (BIT(SLOT(i).kernel, IO_KERNEL_DEAD) || !IS_OPEN(i)))
/*@ // the lost atoms below descriptor to
    logic integer lost{L}(io_poller *poller, integer to) = to <= 0 ? 0 : lost{L}(poller, to - 1) + (LOST(to - 1) ? 1 : 0); */

/*@ REQ_POLLER(poller)
    TOTAL
    assigns errno;
    ENS_POLLER(poller)
    ENS_GIVEN(poller, OPEN(poller))
    ensures IO_CLOSE_8_count: OPEN(poller) ==> \result == lost(poller, poller->core.slot_count); */
int io_fd_check(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    int count = 0;
    /*@ loop invariant range: 0 <= fd <= poller->core.slot_count;
        loop invariant bound: 0 <= count <= fd;
        loop invariant IO_CLOSE_8_count: count == lost(poller, fd);
        loop assigns fd, count, errno;
        loop variant poller->core.slot_count - fd; */
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        const io_slot *slot = &poller->core.slots[fd];
        if (slot->atom && ((slot->kernel & IO_KERNEL_DEAD) ||
                           io_os_check_open(IO_FD_AT(&poller->core, (int)fd)) < 0)) {
            count++;
        }
    }
    return count;
}
