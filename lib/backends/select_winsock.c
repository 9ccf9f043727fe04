/*
 * select of Winsock: what select.c is elsewhere. Its quirks (as documented; run on wine 8 alone):
 *  - A set is a list of sockets, not of bits, and may be of any length; it is made anew for each call,
 *    from the table, and the answer is in the same place.
 *  - One closed socket makes the whole call fail with WSAENOTSOCK, and does not say which it was.
 *  - A connection that fails is told to the set of exceptions only, as out-of-band data is: a
 *    socket is in that set, too, until it is connected. Not longer: then out-of-band data that
 *    nobody asked for would make each wait return.
 *  - A socket that was never connected is not ready for anything; other systems report a hang-up.
 *  - With nothing to wait for it is an error: the seam sleeps instead.
 *  - Each scan starts behind the place that came first last time (IO-FAIR-2).
 */
#include "../os/platform.h"

#include "backend.h"

#if defined(USE_SELECT) && defined(_WIN32)

enum { SET_IN, SET_OUT, SET_EXCEPT, SET_COUNT };

/* What is noted of a place. The first SET_COUNT bits are the answers of the latest call. */
enum { NOTE_CONNECTED = 0x80, NOTE_ANSWERS = (1 << SET_COUNT) - 1 };

/* The area holds the three sets, and behind them the notes. */
static io_os_set *set_of(io_poller *poller, int which)
{
    uint64_t size = sizeof(io_os_set) + poller->core.slot_count * sizeof(SOCKET);
    return (io_os_set *)(void *)((char *)poller->area + (uint64_t)which * size);
}

static uint8_t *notes_of(io_poller *poller)
{
    return (uint8_t *)set_of(poller, SET_COUNT);
}

_Static_assert(SET_COUNT * (sizeof(io_os_set) + sizeof(SOCKET)) + 1 <= IO_BACKEND_BYTES_PER_FD,
               "the area of one descriptor has room for three sets of one");

static int select_open(io_poller *poller)
{
    for (uint64_t place = 0; place < poller->core.slot_count; place++) {
        notes_of(poller)[place] = 0;
    }
    return io_os_begin();
}

static void select_close(io_poller *poller)
{
    (void)poller;
}

static int select_modify(io_poller *poller, io_fd place)
{
    if ((uint64_t)place >= poller->fd_end) {
        poller->fd_end = (uint64_t)place + 1;
    }
    return 0;
}

static int select_add(io_poller *poller, io_fd place)
{
    int r = io_os_check_pollable(IO_FD_AT(&poller->core, place));
    if (r < 0) {
        return r;
    }
    notes_of(poller)[place] = 0;
    return select_modify(poller, place);
}

static void select_remove(io_poller *poller, io_fd place)
{
    (void)poller;
    (void)place;
}

/* The flags to ask for; 0: the place is in no set. */
static int request_of(io_poller *poller, uint64_t place)
{
    if (!poller->core.slots[place].atom) {
        return 0;
    }
    int request = io_core_request(&poller->core, (uint32_t)place);
    return request & IO_REQUEST_QUIET ? 0 : request;
}

static void put(io_os_set *set, io_fd fd)
{
    set->fds[set->count] = (SOCKET)fd;
    set->count++;
}

/* Whether the socket may still fail to connect. */
static int is_connecting(io_poller *poller, uint64_t place)
{
    uint8_t *note = &notes_of(poller)[place];
    if (!(*note & NOTE_CONNECTED) && io_os_is_connected(IO_FD_AT(&poller->core, place))) {
        *note |= NOTE_CONNECTED;
    }
    return !(*note & NOTE_CONNECTED);
}

static void prepare(io_poller *poller)
{
    while (poller->fd_end > 0 && !request_of(poller, poller->fd_end - 1)) {
        poller->fd_end--;
    }
    for (int which = 0; which < SET_COUNT; which++) {
        set_of(poller, which)->count = 0;
    }
    for (uint64_t place = 0; place < poller->fd_end; place++) {
        int request = request_of(poller, place);
        io_fd fd = IO_FD_AT(&poller->core, place);
        notes_of(poller)[place] &= (uint8_t)~NOTE_ANSWERS;
        if (request & IO_READ) {
            put(set_of(poller, SET_IN), fd);
        }
        if (request & IO_WRITE) {
            put(set_of(poller, SET_OUT), fd);
        }
        if ((request & IO_EXCEPT) || (request && is_connecting(poller, place))) {
            put(set_of(poller, SET_EXCEPT), fd);
        }
    }
}

static int ask(io_poller *poller, int timeout_ms)
{
    prepare(poller);
    int count = io_os_select_sets(set_of(poller, SET_IN), set_of(poller, SET_OUT),
                                  set_of(poller, SET_EXCEPT), timeout_ms);
    for (int which = 0; which < SET_COUNT && count > 0; which++) {
        const io_os_set *set = set_of(poller, which);
        for (uint64_t i = 0; i < set->count; i++) {
            notes_of(poller)[IO_PLACE(&poller->core, (io_fd)set->fds[i])] |= (uint8_t)(1 << which);
        }
    }
    return count;
}

static int answer_bits(io_poller *poller, uint64_t place)
{
    uint8_t note = notes_of(poller)[place];
    int bits = 0;
    bits |= note & 1 << SET_IN ? IO_BIT_IN : 0;
    bits |= note & 1 << SET_OUT ? IO_BIT_OUT : 0;
    if (note & 1 << SET_EXCEPT) {
        bits |= is_connecting(poller, place) ? IO_BIT_ERR : IO_BIT_PRI;
    }
    return bits;
}

static void harvest(io_poller *poller, uint64_t place, int bits)
{
    uint32_t generation = poller->core.slots[place].generation;
    (void)io_core_harvest(&poller->core, (uint32_t)place, generation, bits);
}

/* WSAENOTSOCK: find out who was closed, even if another file has its number. */
static int harvest_closed(io_poller *poller)
{
    int count = 0;
    for (uint64_t place = 0; place < poller->fd_end; place++) {
        if (request_of(poller, place) && io_os_check_pollable(IO_FD_AT(&poller->core, place)) < 0) {
            harvest(poller, place, IO_BIT_NVAL);
            count++;
        }
    }
    return count;
}

static int select_wait(io_poller *poller, int timeout_ms)
{
    int count = ask(poller, timeout_ms);
    if (count == -EBADF && harvest_closed(poller) > 0) {
        count = ask(poller, 0); /* one that was closed must not hide the others (IO-CLOSE-4) */
    }
    if (count <= 0) {
        return count;
    }
    uint64_t end = poller->fd_end;
    uint64_t place = poller->start < end ? poller->start : 0;
    int first = 1;
    for (uint64_t seen = 0; seen < end; seen++, place = io_scan_next(place, end)) {
        int bits = answer_bits(poller, place);
        if (!bits) {
            continue;
        }
        if (first) {
            poller->start = place + 1;
            first = 0;
        }
        harvest(poller, place, bits);
    }
    return count;
}

const io_backend io_backend_select = {
    .name = "select",
    .type = IO_POLLER_SELECT,
    .native_mode = IO_POLLER_LEVEL,
    .edge_mode = IO_MODE_EMULATED,
    .slice_ms = 0,
    .open = select_open,
    .close = select_close,
    .add = select_add,
    .modify = select_modify,
    .remove = select_remove,
    .wait = select_wait,
};

#endif
