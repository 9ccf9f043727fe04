/*
 * The kernel, and what carries data between it and the core:
 *   lib/backends/epoll.c   wait_once, modify, add, remove_fd, renew (the last in remove.pml)
 *   lib/backends/poll.c    poll_wait, poll_modify, poll_add, poll_remove, harvest
 *   lib/backends/select.c  select_wait, select_modify, select_add, select_remove, answer_bits
 *   lib/poller/events.c    io_wait, wait_slice, wake_resting
 *   lib/poller/atoms.c     io_add, io_set, io_remove, io_exhausted
 *
 * Assumed of the kernel (the heads of the backends; epoll(7), poll(2), select(2)): it may tell an edge whenever
 * something changes, but must only when a flag was not ready and becomes ready, or a hang-up comes. An entry of epoll
 * is tested again when it is reported. EPOLL_CTL_ADD and EPOLL_CTL_MOD report what is ready. Hang-ups are reported
 * whatever was asked for; select has no bit for them, and calls them readable. Looking at several entries is not one
 * indivisible step: peers act in between. Each system call on one descriptor is one step.
 *
 * Not modelled: time, except that a rest may end (slice_ms) and a time-out may end a wait; signals; the start of a
 * scan (IO-FAIR-2); more ready entries than a batch takes (IO-FAIR-1).
 *
 * A model defines STATE(fd), the bits READ, WRITE and HUP that are there now, before it includes this file, and may
 * define HARVESTED(fd), to look at what was harvested; remove.pml adds entries of its own and failures, with REPAIR
 * and the macros beside it.
 */
typedef Entry {
    bit here;        /* registered in the kernel, or in the array or the sets */
    bit edge;        /* EPOLLET; on poll and select: not asked for at all */
    bit queued;      /* epoll: in the kernel's list of what may be ready */
    byte mask;
    byte generation
};
Entry entry[FDS];
byte found[FDS];     /* what the system call answered and is not yet harvested */
byte idle;           /* system calls of this wait that told nothing, since a peer did something */
bit IO_WAIT_10;

#ifndef HARVESTED
#define HARVESTED(fd) skip
#endif
#ifndef REPAIR
#define MODIFY_IN_WAIT(fd)  modify_if_asked(fd)
#define REPAIR              skip
#define MODEL_REPORTABLE    false
#define FAILED              false
#define SKIPPED             false
#endif

#if BACKEND == SELECT
#define SEEN(bits) (((bits) & HUP) -> (((bits) & WRITE) | READ) : ((bits) & BOTH))
#define REPORTED(fd) (entry[fd].here && !entry[fd].edge -> (entry[fd].mask & SEEN(STATE(fd))) : 0)
#elif BACKEND == POLL
#define REPORTED(fd) (entry[fd].here && !entry[fd].edge -> ((entry[fd].mask | HUP) & STATE(fd)) : 0)
#else
#define REPORTED(fd) (entry[fd].here && entry[fd].queued -> ((entry[fd].mask | HUP) & STATE(fd)) : 0)
#endif

/* Something happened to a descriptor: in_change are the bits that are new, or may be taken for new. */
inline kernel_event(fd, in_change)
{
    idle = 0;
    if
    :: BACKEND == EPOLL && entry[fd].here && ((in_change) & (entry[fd].mask | HUP)) -> entry[fd].queued = 1
    :: else
    fi
}

inline backend_ask(fd)
{
    entry[fd].mask = REQUEST(fd) & BOTH;
    entry[fd].edge = ((REQUEST(fd) & QUIET) != 0);
    if
    :: BACKEND == EPOLL && ((entry[fd].mask | HUP) & STATE(fd)) &&
        !(entry[fd].here && BROKEN == MODIFY_TELLS_NOTHING) ->
        entry[fd].queued = 1
    :: else
    fi
}

inline modify_if_asked(fd)
{
    if
    :: ask -> backend_ask(fd)
    :: else
    fi
}

inline io_add(fd, a, f)
{
    core_add(fd, a, f);
    entry[fd].generation = slot[fd].generation;
    backend_ask(fd);
    entry[fd].here = 1
}

inline io_set(fd, f)
{
    core_set(fd, f);
    modify_if_asked(fd)
}

inline entry_clear(fd)
{
    entry[fd].here = 0;
    entry[fd].edge = 0;
    entry[fd].queued = 0;
    entry[fd].mask = 0;
    entry[fd].generation = 0
}

inline io_remove(fd)
{
    entry_clear(fd);
    core_remove(fd)
}

inline io_exhausted(fd, f)
{
    there = STATE(fd) & HUP;
    core_exhausted(fd, f);
    modify_if_asked(fd)
}

/* The kernel looks at one entry. */
inline kernel_look(fd)
{
    found[fd] = REPORTED(fd);
    if
    :: BACKEND == EPOLL && (entry[fd].edge || !found[fd]) -> entry[fd].queued = 0
    :: else
    fi
}

inline wake_resting(fd)
{
    core_wake(fd);
    modify_if_asked(fd)
}

inline harvest(fd)
{
    if
    :: found[fd] && SKIPPED -> found[fd] = 0
    :: found[fd] && !SKIPPED ->
        core_harvest(fd, entry[fd].generation, found[fd]);
        HARVESTED(fd);
        MODIFY_IN_WAIT(fd);
        found[fd] = 0
    :: else
    fi
}

#define MAY_REST (BACKEND == POLL && rested)

#if FDS == 1
#define REPORTABLE (REPORTED(0))
#define PENDING    (slot[0].pending & BOTH)
#else
#define REPORTABLE (REPORTED(0) || REPORTED(1) || MODEL_REPORTABLE)
#define PENDING    ((slot[0].pending | slot[1].pending) & BOTH)
#endif

inline wake_all(fd)
{
    rested = 0;
    fd = 0;
    do
    :: fd < FDS -> wake_resting(fd); fd++
    :: else -> break
    od;
    fd = 0
}

/* One call of the backend's wait: the kernel looks, entry by entry, then what it found is harvested. */
inline backend_wait(fd)
{
    fd = 0;
    do
    :: d_step { fd < FDS -> kernel_look(fd); fd++ }
    :: d_step { fd == FDS -> fd = 0 } -> break
    od;
    do
    :: d_step { fd < FDS -> harvest(fd); fd++ }
    :: d_step { fd == FDS -> fd = 0; REPAIR } -> break
    od
}

/* forever: no time-out. fd: a variable of the caller's. */
inline io_wait(forever, fd)
{
    d_step {
        core_compact();
        idle = 0;
        if
        :: MAY_REST -> wake_all(fd)
        :: else
        fi
    }
    do
    :: atomic { REPORTABLE || PENDING -> skip }
        backend_wait(fd);
        if
        :: atomic { PENDING -> idle = 0; break }
        :: atomic { FAILED -> idle = 0; break }
        :: d_step { !PENDING && !FAILED -> idle++; assert(idle <= 2 + 2 * FDS || IO_WAIT_10) }
        :: atomic { !PENDING && !FAILED && !(forever) -> idle = 0; break } /* the time is over */
        fi
    :: d_step { MAY_REST && !REPORTABLE && !PENDING -> idle = 0; wake_all(fd) } /* slice_ms is over */
    :: atomic { !(forever) && !REPORTABLE && !PENDING -> idle = 0; break }
    od
}
