/*
 * IOCTL_AFD_POLL on \Device\Afd, with an I/O completion port. Its quirks (run on wine 8 alone):
 *  - A poll is for one event: it looks at the level when it is begun, is reported once, and is then
 *    over. So a level-triggered poller begins it anew in the next wait, and edges are emulated.
 *  - A poll that finds its socket ready returns at once, and is reported to the port all the same.
 *  - The kernel writes to the request until it has reported it: no place is used again before that. A
 *    poll that is cancelled is reported, too; its events mean nothing.
 *  - Two polls of one socket disturb each other on some systems: there is never a second one.
 *  - A socket that is closed ends its poll with an event of its own, possibly after its number was
 *    used again: what is reported is known by the place and the generation, not by the number.
 *  - A socket that was never connected is not ready for anything; other systems report a hang-up.
 *  - Out-of-band data, a failed connection, a reset: each has its own event.
 *
 * Adding begins a poll, removing ends it and waits for its report, which the kernel owes at once.
 * Everything else is put off until the next wait: a place that has something to be done is due.
 */
#include "../os/platform.h"

#include "backend.h"

#ifdef USE_AFD

#include "../os/windows/afd.h"

enum { BATCH = 64 }; /* B of IO-FAIR-1; reports come in the order in which sockets became ready */

enum { ALWAYS = IO_OS_AFD_RESET | IO_OS_AFD_CLOSED | IO_OS_AFD_REFUSED };

/* block.state */
enum { BLOCK_POLLED = 1, BLOCK_REPORTED = 2, BLOCK_DUE = 4 };

/* What the area has for each place. */
typedef struct block {
    io_os_afd_request request;
    io_fd base;
    uint32_t generation; /* of the registration that the poll is for */
    uint32_t next;       /* in the list of those that are due */
    uint16_t asked;      /* the events of the poll */
    uint16_t state;
} block;

_Static_assert(sizeof(block) <= IO_BACKEND_BYTES_PER_FD, "a block has a place in the area");
_Static_assert(offsetof(block, request) == 0, "a report leads to its block");

static block *blocks_of(io_poller *poller)
{
    return (block *)poller->area;
}

static uint64_t place_of(io_poller *poller, const block *b)
{
    return (uint64_t)(b - blocks_of(poller));
}

static block *block_of(const io_os_afd_report *report)
{
    return (block *)(void *)io_os_afd_request_of(report);
}

static uint32_t events_of(int request)
{
    uint32_t events = 0;
    if (request & IO_REQUEST_QUIET) {
        return 0;
    }
    events |= request & IO_READ ? IO_OS_AFD_RECEIVE | IO_OS_AFD_END | IO_OS_AFD_ACCEPT : 0u;
    events |= request & IO_WRITE ? IO_OS_AFD_SEND : 0u;
    events |= request & IO_EXCEPT ? IO_OS_AFD_URGENT : 0u;
    return events | ALWAYS;
}

static int bits_of(uint32_t events)
{
    int bits = 0;
    bits |= events & (IO_OS_AFD_RECEIVE | IO_OS_AFD_ACCEPT) ? IO_BIT_IN : 0;
    bits |= events & IO_OS_AFD_SEND ? IO_BIT_OUT : 0;
    bits |= events & IO_OS_AFD_URGENT ? IO_BIT_PRI : 0;
    bits |= events & IO_OS_AFD_END ? IO_BIT_RDHUP : 0;
    bits |= events & IO_OS_AFD_RESET ? IO_BIT_HUP : 0;
    bits |= events & IO_OS_AFD_REFUSED ? IO_BIT_ERR : 0;
    bits |= events & IO_OS_AFD_CLOSED ? IO_BIT_NVAL : 0;
    return bits;
}

static void put_due(io_poller *poller, block *b)
{
    if (!(b->state & BLOCK_DUE)) {
        b->state |= BLOCK_DUE;
        b->next = (uint32_t)poller->afd.due;
        poller->afd.due = place_of(poller, b);
    }
}

/* A poll is over. What it found waits for the next io_wait: inside a callback nothing is harvested. */
static void note_report(io_poller *poller, block *b)
{
    b->state |= BLOCK_REPORTED;
    put_due(poller, b);
}

/* End a poll, and wait until nothing of it is left in the kernel. Others that are reported meanwhile
 * are noted. What it found, if it found something first, is found again by the next one. */
static void end_poll(io_poller *poller, block *b)
{
    io_os_afd_report reports[BATCH];
    if (!(b->state & BLOCK_POLLED)) {
        return;
    }
    if (!(b->state & BLOCK_REPORTED)) {
        io_os_afd_cancel(&poller->afd, &b->request);
    }
    while (!(b->state & BLOCK_REPORTED)) {
        int count = io_os_afd_wait(&poller->afd, reports, BATCH, -1);
        for (int i = 0; i < count; i++) {
            note_report(poller, block_of(&reports[i]));
        }
    }
    b->state &= (uint16_t)~(BLOCK_POLLED | BLOCK_REPORTED);
}

/* Have the kernel asked for what the slot says, if it is not; but not for what is pending: what such a
 * poll finds may be over when that has been told (IO-EVENT-5). */
static int begin_poll(io_poller *poller, block *b)
{
    uint64_t place = place_of(poller, b);
    int pending = poller->core.slots[place].pending;
    uint32_t events = events_of(io_core_request(&poller->core, (uint32_t)place) & ~pending);
    if (pending) {
        put_due(poller, b);
    }
    if ((b->state & BLOCK_POLLED) && (events & ~(uint32_t)b->asked)) {
        end_poll(poller, b);
    }
    if (events == 0 || (b->state & BLOCK_POLLED)) {
        return 0; /* a poll that asks for too much tells it once, and that is masked */
    }
    int r = io_os_afd_begin(&poller->afd, &b->request, b->base, events);
    if (r == 0) {
        b->generation = poller->core.slots[place].generation;
        b->asked = (uint16_t)events;
        b->state |= BLOCK_POLLED;
    }
    return r;
}

static int afd_open(io_poller *poller)
{
    for (uint64_t place = 0; place < poller->core.slot_count; place++) {
        blocks_of(poller)[place] = (block){.state = 0};
    }
    poller->afd.due = poller->core.slot_count; /* none */
    int r = io_os_begin();
    return r < 0 ? r : io_os_afd_open(&poller->afd);
}

static void afd_close(io_poller *poller)
{
    for (uint64_t place = 0; place < poller->core.slot_count; place++) {
        end_poll(poller, &blocks_of(poller)[place]);
    }
    io_os_afd_close(&poller->afd);
}

static int afd_add(io_poller *poller, io_fd place)
{
    block *b = &blocks_of(poller)[place];
    io_fd fd = IO_FD_AT(&poller->core, place);
    int r = io_os_check_pollable(fd);
    if (r == 0) {
        r = io_os_afd_base(fd, &b->base);
    }
    return r < 0 ? r : begin_poll(poller, b);
}

static int afd_modify(io_poller *poller, io_fd place)
{
    put_due(poller, &blocks_of(poller)[place]);
    return 0;
}

static void afd_remove(io_poller *poller, io_fd place)
{
    end_poll(poller, &blocks_of(poller)[place]);
}

/* Pass on what a poll has found. 1 if it was something. */
static int harvest(io_poller *poller, block *b)
{
    uint32_t place = (uint32_t)place_of(poller, b);
    int bits = bits_of(io_os_afd_events(&b->request));
    b->state &= (uint16_t)~(BLOCK_POLLED | BLOCK_REPORTED);
    put_due(poller, b); /* it is asked again in the next wait */
    if (!bits) {
        return 0;
    }
    (void)io_core_harvest(&poller->core, place, b->generation, bits);
    return 1;
}

/* Do what is due at a place. 1 if something was found, or an error: then it is still to be done. */
static int settle(io_poller *poller, block *b)
{
    uint64_t place = place_of(poller, b);
    if (b->state & BLOCK_REPORTED) {
        return harvest(poller, b);
    }
    if (!poller->core.slots[place].atom) {
        return 0;
    }
    int r = begin_poll(poller, b);
    if (r == -EBADF || r == -EPERM) {
        uint32_t generation = poller->core.slots[place].generation;
        (void)io_core_harvest(&poller->core, (uint32_t)place, generation, IO_BIT_NVAL);
        return 1;
    }
    if (r < 0) {
        put_due(poller, b);
    }
    return r;
}

/* All that is due now, 1 if that found something; what comes to be due by that is put off, but for reports. */
static int settle_all(io_poller *poller)
{
    uint64_t none = poller->core.slot_count;
    int found = 0;
    int error = 0;
    uint64_t rest = poller->afd.due;
    poller->afd.due = none;
    while (rest != none) {
        block *b = &blocks_of(poller)[rest];
        rest = b->next;
        b->state &= (uint16_t)~BLOCK_DUE;
        int r = settle(poller, b);
        found |= r > 0;
        error = r < 0 ? r : error;
    }
    /* Ending a poll has taken in reports of others: to put these off would be a wait too many for what
     * their next poll finds (IO-FAIR-1). */
    for (rest = poller->afd.due; rest != none; rest = blocks_of(poller)[rest].next) {
        block *b = &blocks_of(poller)[rest];
        found |= b->state & BLOCK_REPORTED ? harvest(poller, b) : 0;
    }
    return error < 0 ? error : found;
}

static int afd_wait(io_poller *poller, int timeout_ms)
{
    io_os_afd_report reports[BATCH];
    int settled = settle_all(poller);
    if (settled < 0) {
        return settled;
    }
    int count = io_os_afd_wait(&poller->afd, reports, BATCH, settled > 0 ? 0 : timeout_ms);
    for (int i = 0; i < count; i++) {
        settled |= harvest(poller, block_of(&reports[i]));
    }
    return count < 0 ? count : settled;
}

const io_backend io_backend_afd = {
    .name = "afd",
    .type = IO_POLLER_AFD,
    .native_mode = IO_POLLER_LEVEL,
    .edge_mode = IO_MODE_EMULATED,
    .slice_ms = 100,
    .open = afd_open,
    .close = afd_close,
    .add = afd_add,
    .modify = afd_modify,
    .remove = afd_remove,
    .wait = afd_wait,
};

#endif
