/*
 * select(2). Its quirks (Linux 6.18 unless another is named; select(2)):
 *  - One closed descriptor in a set makes the whole call fail with EBADF, and does not say which
 *    it was.
 *  - A hang-up is "readable", an error is "readable" and "writable"; a hang-up alone is not told
 *    to a set of writers (IO-EVENT-9).
 *  - It writes to the sets, so it gets copies. (It writes to the timeval, too: io_os_select makes
 *    a new one.)
 *  - The sets may be as large as the highest descriptor needs; FD_SET is not used, and an fd_set's
 *    size is no limit on Linux. Elsewhere the table ends at FD_SETSIZE: see poller.c.
 *  - An O_PATH descriptor is "readable": io_os_check_pollable refuses it.
 *  - Results come in the order of the numbers: each scan starts behind the one that came first
 *    last time (IO-FAIR-2).
 */
#include "../os/platform.h"

#include "backend.h"

#if defined(USE_SELECT) && !defined(_WIN32) /* there: select_winsock.c */

#include <limits.h>

enum { WORD_BITS = sizeof(unsigned long) * CHAR_BIT };
enum { SET_IN, SET_OUT, SET_EXCEPT, SET_COUNT };

static uint64_t words_of(uint64_t fds)
{
    return (fds + WORD_BITS - 1) / WORD_BITS;
}

/* The area holds three sets that are asked for, and after them three that select(2) answers in.
 * They take 6 bits a descriptor; that they fit into a small table, too, is seen to by
 * io_poller_init_in. */
static unsigned long *set_of(io_poller *poller, int which)
{
    unsigned long *sets = (unsigned long *)poller->area;
    return sets + (uint64_t)which * words_of(poller->core.slot_count);
}

static unsigned long *answer_of(io_poller *poller, int which)
{
    return set_of(poller, SET_COUNT + which);
}

static unsigned long bit_of(uint64_t fd)
{
    return 1ul << fd % WORD_BITS;
}

static int is_in(const unsigned long *set, uint64_t fd)
{
    return (set[fd / WORD_BITS] & bit_of(fd)) != 0;
}

static void put(unsigned long *set, uint64_t fd, int in)
{
    if (in) {
        set[fd / WORD_BITS] |= bit_of(fd);
    } else {
        set[fd / WORD_BITS] &= ~bit_of(fd);
    }
}

static void put_request(io_poller *poller, io_fd fd, int request)
{
    put(set_of(poller, SET_IN), (uint64_t)fd, request & IO_READ);
    put(set_of(poller, SET_OUT), (uint64_t)fd, request & IO_WRITE);
    put(set_of(poller, SET_EXCEPT), (uint64_t)fd, request & IO_EXCEPT);
}

static int select_open(io_poller *poller)
{
    uint64_t words = 2 * SET_COUNT * words_of(poller->core.slot_count);
    unsigned long *sets = set_of(poller, SET_IN);
    for (uint64_t i = 0; i < words; i++) {
        sets[i] = 0;
    }
    return 0;
}

static void select_close(io_poller *poller)
{
    (void)poller;
}

static int select_modify(io_poller *poller, io_fd fd)
{
    int request = io_core_request(&poller->core, (uint32_t)fd);
    put_request(poller, fd, request & IO_REQUEST_QUIET ? 0 : request);
    if ((uint64_t)fd >= poller->fd_end) {
        poller->fd_end = (uint64_t)fd + 1;
    }
    return 0;
}

static int select_add(io_poller *poller, io_fd fd)
{
    int r = io_os_check_pollable(fd);
    return r < 0 ? r : select_modify(poller, fd);
}

static void select_remove(io_poller *poller, io_fd fd)
{
    put_request(poller, fd, 0);
}

static int is_asked(io_poller *poller, uint64_t fd)
{
    return is_in(set_of(poller, SET_IN), fd) || is_in(set_of(poller, SET_OUT), fd) ||
           is_in(set_of(poller, SET_EXCEPT), fd);
}

static int answer_bits(io_poller *poller, uint64_t fd)
{
    int bits = 0;
    bits |= is_in(answer_of(poller, SET_IN), fd) ? IO_BIT_IN : 0;
    bits |= is_in(answer_of(poller, SET_OUT), fd) ? IO_BIT_OUT : 0;
    bits |= is_in(answer_of(poller, SET_EXCEPT), fd) ? IO_BIT_PRI : 0;
    return bits;
}

static void harvest(io_poller *poller, uint64_t fd, int bits)
{
    uint32_t generation = poller->core.slots[fd].generation;
    if (io_core_harvest(&poller->core, (uint32_t)fd, generation, bits) == IO_HARVEST_MODIFY) {
        select_modify(poller, (io_fd)fd);
    }
}

/* EBADF: find out who was closed. */
static int harvest_closed(io_poller *poller)
{
    int count = 0;
    for (uint64_t fd = 0; fd < poller->fd_end; fd++) {
        if (is_asked(poller, fd) && io_os_check_open((int)fd) < 0) {
            harvest(poller, fd, IO_BIT_NVAL);
            count++;
        }
    }
    return count;
}

/* Copy what is asked for into the answers, and forget the descriptors at the end that are in no
 * set. */
static void prepare(io_poller *poller)
{
    while (poller->fd_end > 0 && !is_asked(poller, poller->fd_end - 1)) {
        poller->fd_end--;
    }
    uint64_t words = words_of(poller->fd_end);
    for (int which = 0; which < SET_COUNT; which++) {
        for (uint64_t i = 0; i < words; i++) {
            answer_of(poller, which)[i] = set_of(poller, which)[i];
        }
    }
}

static int ask(io_poller *poller, int timeout_ms)
{
    prepare(poller);
    return io_os_select((int)poller->fd_end, answer_of(poller, SET_IN), answer_of(poller, SET_OUT),
                        answer_of(poller, SET_EXCEPT), timeout_ms);
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
    uint64_t fd = poller->start < end ? poller->start : 0;
    int first = 1;
    for (uint64_t seen = 0; seen < end; seen++, fd = io_scan_next(fd, end)) {
        int bits = answer_bits(poller, fd);
        if (!bits) {
            continue;
        }
        if (first) {
            poller->start = fd + 1;
            first = 0;
        }
        harvest(poller, fd, bits);
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
