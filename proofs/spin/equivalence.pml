/*
 * A handler that reads and writes until EAGAIN sees the same in every configuration, and none stalls: IO-EQUIV-1. It
 * rests on IO-EDGE-1, IO-EDGE-3, IO-LEVEL-1, IO-EVENT-3 and IO-SET-2; IO-WAIT-10 and IO-DISPATCH-1 are asserted
 * beside it.
 *
 * Abstracts: core.pml and kernel.pml (each names its functions), lib/io/transfer.c (io_read and io_write: one byte a
 * call, EAGAIN is noted), the order of calls in io_core_dispatch, and an echo program (lib/examples/echo.c).
 *
 * Descriptor 0 is a socket: the peer sends at most BYTES bytes, then ends its direction (POLLRDHUP), and gets back
 * every byte. Descriptor 1 is the read end of a pipe: at most PIPE_BYTES bytes, then a hang-up. Buffers hold CAPACITY
 * bytes. Each peer may be slow, or end early; every interleaving of both with the system calls of the program is
 * tried.
 *
 * -DMASK: the program asks for IO_WRITE only while it has something to write, and for IO_READ only while its store of
 * STORE bytes has room (then it stops before EAGAIN, and lets io_set tell it again). Without it the interest never
 * changes, and the store is as large as needed.
 *
 * Holds: each byte arrives once and in order, the peer gets each back, the program sees both ends (same end state:
 * what the peers sent decides it and nothing else), and every run comes to this end (never_stalls; peers and program
 * are scheduled fairly). Searched without the property, a stall is an invalid end state.
 *
 * Not modelled: both directions closed at once (then what is lost depends on timing on any kernel), sizes of reads, a
 * writable threshold above one byte.
 */
#define FDS 2
#include "core.pml"

#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef BYTES
#define BYTES 4
#endif
#ifndef PIPE_BYTES
#define PIPE_BYTES 2
#endif
#ifndef STORE
#define STORE 2
#endif

chan to_program[FDS] = [CAPACITY] of { byte };
chan to_peer = [CAPACITY] of { byte };
byte sent[FDS];
bool closed[FDS];
byte received[FDS];
bool ended[FDS];   /* the program has seen the end */
byte stored;       /* bytes to echo: those from received - stored + 1 to received */
byte returned;     /* bytes that the peer got back */
bool finished;
bit IO_EQUIV_1;

#define LIMIT(fd) ((fd) == 0 -> BYTES : PIPE_BYTES)
#define STATE(fd) ((len(to_program[fd]) > 0 -> READ : 0) | (closed[fd] -> ((fd) == 0 -> READ : HUP) : 0) \
    | ((fd) == 0 && len(to_peer) < CAPACITY -> WRITE : 0))
#include "kernel.pml"

#if BROKEN == STOPS_EARLY
#define STOPS true
#elif defined(MASK)
#define STOPS (fd == 0 && stored == STORE)
#else
#define STOPS false
#endif

proctype Peer(byte fd)
{
    bit was_ready;
    byte value;
    do
    :: atomic {
        sent[fd] < LIMIT(fd) && !closed[fd] && nfull(to_program[fd]) ->
        was_ready = len(to_program[fd]) > 0;
        sent[fd]++;
        to_program[fd]!sent[fd];
        if
        :: true -> kernel_event(fd, READ)
        :: was_ready /* no edge: it was readable already */
        fi;
        was_ready = 0
    }
    :: atomic {
        !closed[fd] ->
        was_ready = fd == 0 && len(to_program[fd]) > 0;
        closed[fd] = true;
        if
        :: true -> kernel_event(fd, (fd == 0 -> READ : HUP))
        :: was_ready
        fi;
        was_ready = 0
    }
    :: atomic {
        fd == 0 && len(to_peer) > 0 ->
        was_ready = len(to_peer) < CAPACITY;
        to_peer?value;
        returned++;
        assert(value == returned || IO_EQUIV_1);
        value = 0;
        if
        :: true -> kernel_event(fd, WRITE)
        :: was_ready
        fi;
        was_ready = 0
    }
    :: closed[fd] && ended[fd] && (fd == 1 || returned == sent[fd]) -> break
    od
}

/* Reads until EAGAIN, the end, or, if it has to, until it may not store more. */
inline read_all(fd)
{
    do
    :: d_step {
        nempty(to_program[fd]) && !stopped ->
        to_program[fd]?value;
        received[fd]++;
        assert(value == received[fd] || IO_EQUIV_1);
        value = 0;
        stored = stored + (fd == 0);
        stopped = STOPS
    }
    :: d_step { empty(to_program[fd]) && closed[fd] && !stopped -> ended[fd] = true } -> break
    :: d_step { empty(to_program[fd]) && !closed[fd] && !stopped -> io_exhausted(fd, READ) } -> break
    :: stopped -> break
    od
}

/* Writes what is stored, until EAGAIN. */
inline write_all(fd)
{
    do
    :: d_step { fd == 0 && stored > 0 && nfull(to_peer) -> to_peer!(received[0] - stored + 1); stored-- }
    :: d_step { fd == 0 && stored > 0 && full(to_peer) -> io_exhausted(fd, WRITE) } -> break
    :: fd != 0 || stored == 0 -> break
    od
}

#define WANTED ((stored < STORE && !ended[0] -> READ : 0) | (stored > 0 -> WRITE : 0))

/* After the work: remove what has ended; else, with the mask, say what is of interest now. */
inline go_on(fd)
{
    d_step {
        if
        :: ended[fd] && (fd == 1 || stored == 0) ->
            assert(received[fd] == sent[fd] || IO_EQUIV_1);
            io_remove(fd)
        :: else ->
#ifdef MASK
            if
            :: fd == 0 && (WANTED != slot[0].interest || stopped) -> io_set(0, WANTED)
            :: else
            fi
#endif
            skip
        fi;
        stopped = 0
    }
}

proctype Program()
{
    byte fd;
    byte value;
    bit stopped;
    byte ready;
    d_step {
#ifdef MASK
        io_add(0, 1, READ);
#else
        io_add(0, 1, BOTH);
#endif
        io_add(1, 2, READ)
    }
    do
    :: !slot[0].atom && !slot[1].atom -> break
    :: else ->
        io_wait(true, fd);
        do
        :: d_step { cursor < queue_count -> fd = queue[cursor]; core_take(fd) ; ready = taken ; taken = 0 } ->
            if
            :: ready & READ -> read_all(fd)
            :: else
            fi;
            if
            :: ready -> write_all(fd); go_on(fd)
            :: else
            fi;
            ready = 0
        :: d_step { cursor == queue_count -> core_emptied(); fd = 0 } -> break
        od
    od;
    finished = true
}

init {
    atomic {
        run Program();
        run Peer(0);
        run Peer(1)
    }
}

ltl never_stalls { <> (finished && returned == sent[0]) }
