/*
 * Never a callback after remove, never an event of an old registration for a new one, and nothing else is lost:
 * IO-REMOVE-1, IO-REMOVE-2, IO-REMOVE-5, IO-REMOVE-6, IO-ADD-1, IO-ADD-2, IO-ADD-9, IO-SET-1, IO-DISPATCH-1,
 * IO-DISPATCH-2, IO-DISPATCH-3, IO-DISPATCH-4, IO-DISPATCH-7, IO-EVENT-5, IO-LOST-1, IO-WAIT-2, IO-WAIT-9,
 * IO-WAIT-10, IO-CLOSE-4, IO-CLOSE-7.
 *
 * Abstracts: core.pml and kernel.pml (each names its functions), io_core_dispatch with its queue, and of
 * lib/backends/epoll.c: wait_once with stale events and failures, renew.
 *
 * Two descriptor numbers, and an atom for each that is added again and again: the same atom is the hardest case, as
 * nothing tells the registrations apart but the generation. Descriptor 0 is read and written, and its interest
 * changes; descriptor 1 is read. Inside of callbacks and outside, OPERATIONS times in a run, the program removes,
 * adds, calls io_set, closes and opens the number anew, all of it of either number; on epoll a file may be closed
 * while a duplicate of it lives, before it is removed: then the kernel goes on reporting it, with its old generation.
 * Waits, also several before a dispatch, reads and writes, and what the peers do are not limited. FAILURES times
 * EPOLL_CTL_MOD or making the set anew fails. A wait is one step here, and returns when nothing is there: what peers
 * do during a wait is the matter of the other two models.
 *
 * Holds: the assertions of call_back, wait_and_check and the end of a dispatch. `pending_now` is what was harvested for
 * the registration and not told or dropped; `was_ready` what was ready at some time since it was added or last told.
 *
 * Not modelled: hang-ups (mask.pml), a number that is used again before the old atom was removed (IO-CLOSE-6), dead
 * atoms (IO-CLOSE-5), IO_ONESHOT (mask.pml), more than one duplicate of a number, generations that wrap.
 */
#define FDS 2
#include "core.pml"

#ifndef OPERATIONS
#define OPERATIONS 3
#endif
#ifndef FAILURES
#define FAILURES 1
#endif

byte file[FDS];          /* of the open file: READ and WRITE, as they are ready now */
byte was_ready[FDS];
byte owed[FDS];
byte held[FDS];          /* emulated edge: as in mask.pml */
byte due[FDS];           /* what this wait has to find */
byte pending_now[FDS];
byte copy[FDS];          /* SNAPSHOT: what was pending when the dispatch began */
bool registered[FDS];
bool called[FDS];        /* in this dispatch */
bool added[FDS];         /* since the last wait began */
byte operations;
byte failures;
bool modify_fails;       /* chosen before the wait, so that the wait's steps need no choice */
bool renew_fails;
bool outdated;           /* io_poller.outdated */
bool failed;             /* this wait returned an error */
hidden byte earlier;
bool skipped;            /* DROPS_ON_ERROR: the rest of this wait's events is given up */
bit IO_DISPATCH_2;
bit IO_DISPATCH_3;
bit IO_DISPATCH_4;
bit IO_EVENT_5;
bit IO_REMOVE_6;
bit IO_ADD_2;
bit IO_ADD_9;
bit IO_LOST_1;

/* What the kernel keeps of a file that was closed before its removal, while a duplicate lives. It is always ready. */
bit left_here;
bit left_edge;
bit left_queued;
byte left_fd;
byte left_mask;
byte left_generation;

#define STATE(fd)          file[fd]
#define HARVESTED(fd)      note_harvest(fd)
#define MODIFY_IN_WAIT(fd) modify_or_fail(fd)
#define REPAIR             harvest_left(); repair()
#define MODEL_REPORTABLE   (left_here && left_queued && left_mask)
#define FAILED             failed
#define SKIPPED            skipped
#include "kernel.pml"

inline note_harvest(fd)
{
    if
    :: pending_now[fd] && (found[fd] & slot[fd].interest & ~pending_now[fd]) -> WITNESS(REACH_MERGE)
    :: else
    fi;
    pending_now[fd] = pending_now[fd] | (found[fd] & slot[fd].interest);
#ifdef EMULATED
    held[fd] = held[fd] | (found[fd] & slot[fd].interest)
#endif
}

/* In wait_once: modify, and what its failure does. */
inline modify_or_fail(fd)
{
    if
    :: ask && modify_fails ->
        modify_fails = false;
        failures++;
#if BROKEN == DROPS_ON_ERROR
        skipped = true;
        failed = true
#else
        outdated = true
#endif
    :: else -> modify_if_asked(fd)
    fi
}

/* The event of a file that was closed: the kernel looked at it when it looked at the others. */
inline harvest_left()
{
    if
    :: MODEL_REPORTABLE && !skipped ->
        if
        :: left_edge -> left_queued = 0
        :: else
        fi;
        core_harvest(left_fd, left_generation, left_mask);
        if
        :: stale && BROKEN != STALE_FORGOTTEN -> WITNESS(REACH_STALE_EVENT); outdated = true
        :: else
        fi;
        modify_if_asked(left_fd)
    :: else
    fi
}

inline left_clear()
{
    left_here = 0;
    left_edge = 0;
    left_queued = 0;
    left_fd = 0;
    left_mask = 0;
    left_generation = 0
}

/* renew: a set made anew has the registered atoms and nothing else. */
inline repair()
{
    if
    :: outdated && !skipped && renew_fails ->
        failures++;
        if
        :: !PENDING -> failed = true; WITNESS(REACH_ERROR)
        :: else
        fi
    :: outdated && !skipped && !renew_fails ->
        outdated = false;
        left_clear();
        fd = 0;
        do
        :: fd < FDS && slot[fd].atom ->
            entry_clear(fd);
            entry[fd].generation = slot[fd].generation;
            backend_ask(fd);
            entry[fd].here = 1;
            fd++
        :: fd < FDS && !slot[fd].atom -> fd++
        :: else -> break
        od;
        fd = 0
    :: else
    fi
}

inline becomes_ready(n, change)
{
    d_step {
        !(file[n] & change) && (n == 0 || change == READ) ->
        file[n] = file[n] | change;
        if
        :: registered[n] ->
            was_ready[n] = was_ready[n] | change;
            owed[n] = owed[n] | (change & ~held[n])
        :: else
        fi;
        kernel_event(n, change)
    }
}

proctype Peer(byte n)
{
end:
    do
    :: becomes_ready(n, READ)
    :: becomes_ready(n, WRITE)
    :: d_step { n == left_fd && left_here && !left_queued -> left_queued = 1; idle = 0 }
    od
}

inline forget(n)
{
    registered[n] = false;
    pending_now[n] = 0;
    was_ready[n] = 0;
    owed[n] = 0;
    held[n] = 0
}

#define ALL(n) ((n) == 0 -> BOTH : READ)

inline add(n)
{
    d_step {
        !registered[n] && operations < OPERATIONS ->
        operations++;
        io_add(n, n + 1, ALL(n));
        registered[n] = true;
        added[n] = true;
        was_ready[n] = file[n];
        owed[n] = file[n];
        if
        :: called[n] -> WITNESS(REACH_REUSED)
        :: else
        fi
    }
}

inline set(n, f)
{
    d_step {
        n == 0 && registered[0] && operations < OPERATIONS ->
        operations++;
        io_set(0, f);
        pending_now[0] = pending_now[0] & (f);
        held[0] = held[0] & ~(f);
        owed[0] = (owed[0] | file[0]) & (f)
    }
}

inline operate(n)
{
    if
    :: add(n)
    :: set(n, 0)
    :: set(n, READ)
    :: set(n, BOTH)
    :: d_step { registered[n] && operations < OPERATIONS -> operations++; io_remove(n); forget(n) }
    :: d_step { /* removed, closed, and the number opened anew */
        registered[n] && operations < OPERATIONS -> operations++; io_remove(n); forget(n); file[n] = 0
    }
    :: d_step { /* closed while a duplicate lives, then removed, which the kernel refuses; opened anew */
        BACKEND == EPOLL && registered[n] && !left_here && operations < OPERATIONS ->
        operations++;
        left_here = 1;
        left_edge = entry[n].edge;
        left_queued = entry[n].queued;
        left_fd = n;
        left_mask = entry[n].mask;
        left_generation = entry[n].generation;
        io_remove(n);
        forget(n);
        file[n] = 0
    }
    :: d_step { registered[n] && (file[n] & READ) -> file[n] = file[n] & ~READ; exhaust(n, READ) }
    :: d_step { registered[n] && (file[n] & WRITE) -> file[n] = file[n] & ~WRITE; exhaust(n, WRITE) }
    fi
}

inline exhaust(n, f)
{
    held[n] = held[n] & ~(f);
    owed[n] = owed[n] & ~(f);
    io_exhausted(n, f)
}

#define FOR_EACH(statement) \
    fd = 0; do :: fd < FDS -> statement; fd++ :: else -> break od; fd = 0

#ifdef LEVEL
#define DUE(fd) (slot[fd].interest & file[fd])
#else
#define DUE(fd) (slot[fd].interest & file[fd] & owed[fd])
#endif

inline wait_and_check()
{
    atomic {
        if
        :: BACKEND == EPOLL && failures < FAILURES -> modify_fails = true
        :: BACKEND == EPOLL && failures < FAILURES -> renew_fails = true
        :: true
        fi;
        FOR_EACH(due[fd] = DUE(fd); added[fd] = false)
    }
    io_wait(false, fd);
    atomic {
        FOR_EACH(assert(failed || !(due[fd] & ~slot[fd].pending) || IO_ADD_2); due[fd] = 0);
        failed = false;
        skipped = false;
        modify_fails = false;
        renew_fails = false
    }
}

/* io_core_dispatch: one place of the queue. */
inline call_back()
{
    d_step {
        cursor < queue_count ->
        fd = queue[cursor];
        earlier = slot[fd].interest;
        core_take(fd);
#if BROKEN == SNAPSHOT
        taken = copy[fd];
#endif
        in_callback = (taken != 0);
        if
        :: taken ->
            assert((slot[fd].atom && registered[fd]) || IO_DISPATCH_3);
            assert(!called[fd] || IO_DISPATCH_1);
            assert(!added[fd] || IO_ADD_9);
            assert(!(taken & ~earlier) || IO_DISPATCH_2);
            assert(!(taken & ~pending_now[fd]) || IO_REMOVE_6);
            assert(!(taken & ~was_ready[fd]) || IO_EVENT_5);
            assert(!(pending_now[fd] & ~taken) || IO_LOST_1);
            called[fd] = true;
            pending_now[fd] = 0;
            was_ready[fd] = file[fd];
            owed[fd] = owed[fd] & ~taken
        :: else -> assert(!pending_now[fd] || IO_LOST_1); WITNESS(REACH_STALE_PLACE)
        fi;
        fd = 0
    }
    if
    :: in_callback ->
        do
        :: operate(0)
        :: operate(1)
        :: in_callback = false; break
        od
    :: else
    fi
}

proctype Program()
{
    byte fd;
    bool in_callback;
    d_step {
        operations = 0;
        FOR_EACH(io_add(fd, fd + 1, ALL(fd)); registered[fd] = true; was_ready[fd] = file[fd]; owed[fd] = file[fd])
    }
    do
    :: operate(0)
    :: operate(1)
    :: atomic { wait_and_check() }
    :: cursor < queue_count -> /* io_dispatch */
#if BROKEN == SNAPSHOT
        d_step { FOR_EACH(copy[fd] = slot[fd].pending & BOTH) }
#endif
        do
        :: call_back()
        :: d_step {
            cursor == queue_count ->
            core_emptied();
            FOR_EACH(called[fd] = false; copy[fd] = 0; assert(!(slot[fd].pending & BOTH) || IO_DISPATCH_4))
        } -> break
        od
    od
}

init {
    atomic {
        run Program();
        run Peer(0);
        run Peer(1)
    }
}
