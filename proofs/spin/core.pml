/*
 * The core as Promela, decision by decision:
 *   lib/core/table.c     io_core_add, covered, io_core_set, io_core_remove, io_core_exhausted, io_core_calm,
 *                        io_core_request, io_core_wake
 *   lib/core/harvest.c   direct_flags, alarm_flags, kernel_after, enqueue, io_core_harvest
 *   lib/core/dispatch.c  io_core_compact, io_core_pending, take
 * QUEUED stands in slot.pending here, whichever field of io_slot has it.
 * A function of the core makes no system call, so each is one indivisible step here; the models call them in a d_step.
 *
 * Not modelled: IO_EXCEPT, IO_BIT_ERR, IO_BIT_NVAL (dead atoms), argument errors, generations that wrap.
 *
 * A model defines FDS, BACKEND (EPOLL, POLL, SELECT) and TRIGGER (LEVEL_MODE, EDGE_MODE) before it includes this file.
 * -DBROKEN=NAME breaks one decision; runs.txt has what must come of it.
 */
#define EPOLL      1
#define POLL       2
#define SELECT     3
#define LEVEL_MODE 1
#define EDGE_MODE  2

#if TRIGGER == LEVEL_MODE
#define LEVEL 1
#elif BACKEND == EPOLL
#define EDGE 1
#else
#define EMULATED 1
#endif

/* The broken variants, by the file that they break. */
#define NONE                    0
#define MASKED_EDGE_DROPPED     1 /* core: an event for a masked flag leaves the flag armed and exhausted */
#define EVENT_KEPT_AFTER_REMOVE 2
#define GENERATION_IGNORED      3
#define COVERED_IF_ARMED        4 /* the rule of io_set without `exhausted`, in edge mode */
#define COVERED_AFTER_HANG_UP   5 /* the rule of io_set without the hang-up, in edge mode */
#define NEVER_COVERED           6
#define EAGAIN_DOES_NOT_REARM   7
#define MASK_NOT_TO_KERNEL      8
#define OVERWRITES              9
#define QUEUED_TWICE            10
#define HANG_UP_IGNORED         11
#define SET_KEEPS_PENDING       12
#define ONESHOT_KEPT            13
#define NOT_HELD_BACK           14
#define HANG_UP_SPINS           15
#define NOT_QUIET               16 /* nothing armed, but the level-triggered kernel may tell hang-ups */
#define SET_OF_ADDED_FLAGS      17 /* io_set looks only at the flags that it adds */
#define STOPS_EARLY             30 /* models: the handler reads one byte and returns */
#define SNAPSHOT                31 /* dispatch works on a copy of what was pending when it began */
#define DROPS_ON_ERROR          32 /* wait gives up the rest of the events when one cannot be handled */
#define STALE_FORGOTTEN         33 /* a stale event does not make the set anew */
#define MODIFY_TELLS_NOTHING    34 /* kernel: EPOLL_CTL_MOD does not report what is ready */
/* A witness: -DBROKEN=place has to find that the place can be reached, or the model shows less than it seems to. */
bit REACHED;
#define WITNESS(place) assert(BROKEN != place || REACHED)
#define REACH_SPURIOUS         50
#define REACH_MASKED_EVENT     52
#define REACH_NO_CALL          53
#define REACH_MERGE            54
#define REACH_REST             55
#define REACH_REUSED           57
#define REACH_STALE_EVENT      58
#define REACH_STALE_PLACE      59
#define REACH_ERROR            60
#define REACH_ONESHOT          61
#ifndef BROKEN
#define BROKEN NONE
#endif

#define READ    1
#define WRITE   2
#define BOTH    3
#define ONESHOT 8
#define HUP     16  /* as a reported bit, and in slot.kernel */
#define QUIET   32  /* IO_REQUEST_QUIET */
#define REST    64
#define QUEUED  128

typedef Slot {
    byte atom;       /* 0: not registered */
    byte generation;
    byte interest;
    byte kernel;
    byte exhausted;
    byte pending
};
Slot slot[FDS];
byte queue[FDS];
byte queue_count;
byte cursor;
bit rested;

/* Results and locals of the functions below; hidden: they carry nothing from one step to the next. */
hidden byte ask;       /* the kernel must be asked */
hidden byte stale;
hidden byte flags;
hidden byte told;
hidden byte known;
hidden byte before;
hidden byte armed;
hidden byte want;
hidden byte live;
hidden byte taken;
hidden byte there;    /* IO_BIT_HUP, if the descriptor has it */

#define ARMED(fd) (slot[fd].kernel & BOTH)

#ifdef EDGE
#define IS_EDGE 1
#else
#define IS_EDGE 0
#endif

#if BROKEN == NOT_QUIET
#define NOTHING_ARMED(fd) false
#else
#define NOTHING_ARMED(fd) (ARMED(fd) == 0)
#endif
#define REQUEST(fd) \
    ((IS_EDGE || NOTHING_ARMED(fd) || (slot[fd].kernel & REST)) -> (ARMED(fd) | QUIET) : ARMED(fd))

#if BROKEN == NEVER_COVERED
#define COVERED(fd) 0
#elif !defined(EDGE) || BROKEN == COVERED_IF_ARMED
#define COVERED(fd) ARMED(fd)
#elif BROKEN == COVERED_AFTER_HANG_UP
#define COVERED(fd) (ARMED(fd) & slot[fd].exhausted)
#else
#define COVERED(fd) ((slot[fd].kernel & HUP) -> 0 : (ARMED(fd) & slot[fd].exhausted))
#endif

inline core_add(fd, a, f)
{
    slot[fd].atom = a;
    slot[fd].generation++;
    slot[fd].interest = f;
    slot[fd].kernel = f & BOTH;
    slot[fd].exhausted = 0;
#if BROKEN != EVENT_KEPT_AFTER_REMOVE
    slot[fd].pending = slot[fd].pending & QUEUED
#endif
}

inline core_set(fd, f)
{
    want = f & BOTH;
#if BROKEN == SET_OF_ADDED_FLAGS
    want = want & ~slot[fd].interest;
#endif
    slot[fd].interest = f;
#if BROKEN != SET_KEEPS_PENDING
    slot[fd].pending = slot[fd].pending & ((f & BOTH) | QUEUED);
#endif
    if
    :: (want & ~COVERED(fd)) == 0 && !(slot[fd].kernel & REST) ->
        ask = 0;
#ifndef EDGE
        slot[fd].kernel = ARMED(fd)
#endif
    :: else ->
        slot[fd].kernel = f & BOTH;
        ask = 1
    fi
}

inline core_remove(fd)
{
    slot[fd].atom = 0;
    slot[fd].generation++;
    slot[fd].interest = 0;
    slot[fd].kernel = 0;
    slot[fd].exhausted = 0;
#if BROKEN != EVENT_KEPT_AFTER_REMOVE
    slot[fd].pending = slot[fd].pending & QUEUED
#endif
}

/* io_core_exhausted, then io_core_calm with the hang-up that is there */
inline core_exhausted(fd, f)
{
    ask = 0;
    slot[fd].exhausted = slot[fd].exhausted | (f);
#if defined(EMULATED) && BROKEN != EAGAIN_DOES_NOT_REARM
    want = (f) & slot[fd].interest & ~slot[fd].kernel;
    slot[fd].kernel = slot[fd].kernel | want;
    ask = (want != 0);
#endif
    slot[fd].kernel = slot[fd].kernel & ~(HUP & ~there)
}

inline core_wake(fd)
{
    ask = ((slot[fd].kernel & REST) != 0);
    slot[fd].kernel = slot[fd].kernel & ~REST
}

/* told, flags: what alarm_flags and direct_flags make of the bits; IO_BIT_IN and IO_BIT_OUT are READ and WRITE here */
inline core_flags(fd, bits)
{
    flags = (bits) & BOTH;
#if BROKEN != HANG_UP_IGNORED
    known = slot[fd].kernel & HUP;
    if
    :: ((bits) & HUP) && !known -> flags = BOTH
    :: ((bits) & HUP) && known -> flags = flags | (BOTH & ~slot[fd].exhausted)
    :: else
    fi;
#endif
    told = flags & slot[fd].interest;
#if defined(EMULATED)
    told = told & slot[fd].kernel
#endif
}

inline core_kernel_after(fd, bits)
{
    armed = ARMED(fd);
#ifdef EMULATED
#if BROKEN == NOT_HELD_BACK
    armed = armed & ~(flags & ~slot[fd].interest);
#else
    armed = armed & ~flags;
#endif
#elif BROKEN != MASK_NOT_TO_KERNEL && BROKEN != MASKED_EDGE_DROPPED
    if
    :: armed & flags & ~slot[fd].interest -> armed = armed & slot[fd].interest
    :: else
    fi;
#endif
#ifndef EDGE
    if
    :: ((bits) & HUP) && !told && armed && BROKEN != HANG_UP_SPINS -> armed = armed | REST
    :: else
    fi;
#endif
    slot[fd].kernel = armed | ((bits) & HUP)
}

inline core_enqueue(fd)
{
    if
    :: told ->
        if
        :: !(slot[fd].pending & QUEUED) || BROKEN == QUEUED_TWICE ->
            assert(queue_count < FDS || IO_DISPATCH_1);
            queue[queue_count] = fd;
            queue_count++
        :: else
        fi;
#if BROKEN == OVERWRITES
        slot[fd].pending = told | QUEUED
#else
        slot[fd].pending = slot[fd].pending | told | QUEUED
#endif
    :: else
    fi
}

inline core_harvest(fd, named, bits)
{
    ask = 0;
    stale = 0;
    told = 0;
    if
    :: slot[fd].atom == 0 || (slot[fd].generation != named && BROKEN != GENERATION_IGNORED) -> stale = 1
    :: else ->
        core_flags(fd, bits);
        before = REQUEST(fd);
#if BROKEN == MASKED_EDGE_DROPPED
        slot[fd].exhausted = slot[fd].exhausted & ~told;
#else
        slot[fd].exhausted = slot[fd].exhausted & ~flags;
#endif
        core_kernel_after(fd, bits);
        core_enqueue(fd);
        rested = rested || (slot[fd].kernel & REST);
        ask = (REQUEST(fd) != before)
    fi
}

inline core_compact()
{
    live = 0;
    do
    :: cursor < queue_count ->
        queue[live] = queue[cursor];
        live++;
        cursor++
    :: else -> break
    od;
    do
    :: cursor > live -> cursor--; queue[cursor] = 0 /* one value for what is unused: fewer states */
    :: else -> break
    od;
    cursor = 0;
    queue_count = live
}

/* take: the flags of the first place in the queue are no longer pending; taken is 0 if the place was stale */
inline core_take(fd)
{
    taken = slot[fd].pending & BOTH;
    cursor++;
    slot[fd].pending = 0;
    if
    :: taken && slot[fd].interest >= ONESHOT && BROKEN != ONESHOT_KEPT -> slot[fd].interest = 0
    :: else
    fi
}

inline core_emptied()
{
    do
    :: cursor > 0 -> cursor--; queue[cursor] = 0
    :: else -> break
    od;
    queue_count = 0
}

/* The name of the clause that an assertion checks: never set, so that `|| IO_X_N` adds its name to the message only. */
bit IO_DISPATCH_1;
