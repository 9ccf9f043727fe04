/*
 * The interest mask loses nothing, saves the calls that it says it saves, and does not spin: IO-LOST-1, IO-LOST-2,
 * IO-SET-1, IO-SET-2, IO-SET-3, IO-ADD-2, IO-EDGE-1, IO-EDGE-3, IO-LEVEL-1, IO-MASK-1, IO-MASK-2, IO-ONESHOT-1,
 * IO-ONESHOT-2, IO-ONESHOT-3, IO-DISPATCH-2, IO-EVENT-3, IO-EVENT-7, IO-WAIT-2, IO-WAIT-7, IO-WAIT-10.
 *
 * Abstracts: core.pml and kernel.pml (each names its functions), io_core_dispatch for one atom. The rule is `covered`
 * in lib/core/table.c.
 *
 * One descriptor with both directions; a peer that makes it readable, makes it writable or hangs up, at any time; and
 * a program without any discipline: at any time, in a callback and outside of one, it calls io_set with any interest
 * (IO_ONESHOT, too), reads or writes until EAGAIN, reads or writes all without meeting EAGAIN, or does nothing; it
 * waits with and without a time-out, also while events are pending. Nothing is bounded but the descriptor: one byte
 * and one place, and a hang-up is for good. The state space is finite.
 *
 * Holds: `owed`, what the clauses promise, is pending after the next wait. In epoll's configurations io_set asks the
 * kernel only if a flag of the new interest is not known by the kernel, or (edge) not exhausted, or there was a
 * hang-up. A wait does not turn in circles.
 *
 * Not modelled: an alarm that ends (IO-EVENT-8), errors of the kernel; several descriptors (slots do not look at each
 * other; the queue is the matter of remove.pml).
 */
#define FDS 1
#include "core.pml"

bool data;         /* something to read */
bool room;         /* room to write */
bool hung_up;

#define STATE(fd) ((data -> READ : 0) | (room -> WRITE : 0) | (hung_up -> HUP : 0))
#define HARVESTED(fd) note_harvest()
#include "kernel.pml"

#if BACKEND == SELECT
#define READY SEEN(STATE(0)) /* IO-EVENT-9: a hang-up alone is not told to IO_WRITE */
#else
#define READY ((hung_up -> BOTH & ~answered : 0) | (STATE(0) & BOTH))
#endif

byte owed;         /* flags that some clause says will be told */
byte held;         /* emulated edge: flags that a wait found, and neither EAGAIN nor io_set since (IO-EDGE-3) */
byte eagain;       /* flags that met EAGAIN, and that no event was harvested for since */
bool alarmed;      /* a hang-up was harvested */
byte answered;     /* flags that met EAGAIN after a hang-up was harvested, until io_set (IO-EVENT-8) */
bool spent;        /* a one-shot was delivered, and no io_set came since */
byte due;          /* what this wait has to find */
byte kept;         /* what was pending before this wait */
hidden byte earlier;
bit IO_LOST_1;
bit IO_LOST_2;
bit IO_MASK_1;
bit IO_EDGE_3;
bit IO_DISPATCH_2;
bit IO_ONESHOT_2;
bit IO_SET_1;
bit IO_WAIT_7;

inline note_harvest()
{
    eagain = eagain & ~(found[0] & HUP -> BOTH : found[0]);
    alarmed = alarmed || (found[0] & HUP);
#ifdef EMULATED
    assert(!(told & held) || IO_EDGE_3);
    held = held | told;
#endif
    if
    :: (found[0] & BOTH & ~slot[0].interest) -> WITNESS(REACH_MASKED_EVENT)
    :: (slot[0].kernel & REST) -> WITNESS(REACH_REST)
    :: else
    fi
}

/* A flag was not ready and is now: an edge (IO-EDGE-1, IO-LOST-2). */
inline becomes_ready(change, bits)
{
    owed = owed | ((change) & READY & ~held);
    kernel_event(0, bits)
}

proctype Peer()
{
    do
    :: d_step { !data && !hung_up -> data = true; becomes_ready(READ, READ) }
    :: d_step { data && !hung_up -> kernel_event(0, READ) } /* more of it: an edge that need not be */
    :: d_step { !room -> room = true; becomes_ready(WRITE, WRITE) }
    :: d_step { !hung_up -> hung_up = true; becomes_ready(BOTH, HUP) }
    :: hung_up -> skip /* it has nothing more to do; the program may wait for ever */
    od
}

#ifdef EDGE
#define KNOWN (earlier & eagain)
#else
#define KNOWN earlier
#endif

inline set(f)
{
    d_step {
        kept = slot[0].pending;
        earlier = entry[0].mask;
        io_set(0, f);
        assert(slot[0].pending == (kept & (QUEUED | ((f) & BOTH))) || IO_SET_1);
        if
        :: BACKEND == EPOLL && ask -> assert(((f) & BOTH & ~KNOWN) || alarmed || IO_MASK_1)
        :: BACKEND == EPOLL && !ask && ((f) & BOTH) -> WITNESS(REACH_NO_CALL)
        :: else
        fi;
        kept = 0;
        spent = false;
        held = held & ~(f);
        answered = answered & ~(f);
        owed = (owed | READY) & (f) & BOTH
    }
}

inline set_any()
{
    if
    :: set(0)
    :: set(READ)
    :: set(WRITE)
    :: set(BOTH)
    :: set(READ | ONESHOT)
    :: set(BOTH | ONESHOT)
    fi
}

inline exhaust(f)
{
    held = held & ~(f);
    eagain = eagain | (f);
    answered = answered | (alarmed -> (f) : 0);
    owed = owed & ~(f);
    io_exhausted(0, f)
}

/* Reading and writing. After a hang-up a read meets the end, but a write may meet EAGAIN: a terminal's does. */
inline transfer()
{
    if
    :: d_step { !hung_up -> data = false; exhaust(READ) }
    :: d_step { room = false; exhaust(WRITE) }
    :: d_step { data -> data = false; owed = owed & ~(READ & ~READY) }
    :: d_step { room -> room = false; owed = owed & ~(WRITE & ~READY) }
    fi
}

/* One place of the queue, and what the callback does. */
inline dispatch_one()
{
    d_step {
        cursor < queue_count ->
        earlier = slot[0].interest;
        core_take(0);
        ready = taken;
        if
        :: ready ->
            assert(!(ready & ~earlier) || IO_DISPATCH_2);
            assert(!spent || IO_ONESHOT_2);
            spent = (earlier >= ONESHOT);
            owed = owed & ~ready;
            if
            :: !(ready & READY) -> WITNESS(REACH_SPURIOUS)
            :: spent -> WITNESS(REACH_ONESHOT)
            :: else
            fi
        :: else -> WITNESS(REACH_STALE_PLACE)
        fi
    }
    do
    :: ready -> transfer()
    :: ready -> set_any()
    :: ready = 0; break
    od
}

#ifdef LEVEL
#define DUE (slot[0].interest & READY)
#else
#define DUE (slot[0].interest & READY & owed)
#endif

inline wait_and_check()
{
    d_step { due = DUE; kept = slot[0].pending & BOTH }
    if
    :: forever = true
    :: forever = false
    fi;
    io_wait(forever, fd);
    atomic {
        assert(!(kept & ~slot[0].pending) || IO_LOST_1);
        assert(!(due & ~slot[0].pending) || IO_LOST_2);
        if
        :: kept && (slot[0].pending & BOTH & ~kept) -> WITNESS(REACH_MERGE)
        :: !(slot[0].pending & BOTH) && forever -> assert(IO_WAIT_7)
        :: else
        fi;
        due = 0;
        kept = 0;
        forever = false
    }
}

proctype Program()
{
    byte fd;
    byte ready;
    bool forever;
    if
    :: d_step { io_add(0, 1, 0) }
    :: d_step { io_add(0, 1, READ) ; owed = READY & READ }
    :: d_step { io_add(0, 1, BOTH); owed = READY }
    fi;
    do
    :: transfer()
    :: set_any()
    :: wait_and_check()
    :: cursor < queue_count -> /* io_dispatch */
        do
        :: dispatch_one()
        :: d_step { cursor == queue_count -> core_emptied() } -> break
        od
    od
}

init {
    atomic {
        run Program();
        run Peer()
    }
}
