/* What the backend for io_uring notes in its area: the poll of each descriptor, and the list of those
 * to be looked at; and how many polls the kernel has. Where the kernel does not show that (no /proc,
 * no free descriptor to read it with), it is not checked. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/ring.h"
#include "slots.h"

#ifdef USE_URING

#include "../os/os_atomic.h"
#include "../os/os_check.h"

IO_CHECK_BEGIN

typedef struct note {
    uint32_t token; /* flags, armed or not, and a count */
    uint32_t next;  /* if it is listed: that bit, and the next one; of the last one itself */
} note;

enum { ARMED = 8 };
#define LISTED (UINT32_C(1) << 31)

static const note *note_of(const io_poller *poller, uint64_t fd)
{
    return (const note *)poller->area + fd;
}

/* From its first descriptor to its last one the list has all that are listed, each once. */
static const char *check_list(const io_poller *poller, uint64_t listed)
{
    uint64_t fd = poller->start;
    if (poller->fd_end == 0) {
        return listed == 0 && fd == 0 ? NULL : "uring.list";
    }
    for (uint64_t seen = 1; seen <= listed; seen++) {
        uint32_t next = fd < poller->core.slot_count ? note_of(poller, fd)->next : 0;
        uint64_t successor = next & ~LISTED;
        if (!(next & LISTED)) {
            return "uring.list";
        }
        if (fd + 1 == poller->fd_end) {
            return seen == listed && successor == fd ? NULL : "uring.list";
        }
        fd = successor;
    }
    return "uring.list";
}

/* What is not as it should be is listed, or all is made anew: the next wait mends it. */
static const char *check_note(const io_poller *poller, uint64_t fd)
{
    const note *n = note_of(poller, fd);
    io_check_asked asked = io_check_asked_of(&poller->core, fd);
    if (!asked.registered) {
        return n->token & ARMED ? "uring.silent" : NULL;
    }
    if (!(n->token & ARMED)) {
        return n->next || poller->outdated ? NULL : "uring.armed";
    }
    int right = (n->token & IO_EVENTS) == (uint32_t)asked.flags || poller->outdated;
    return right ? NULL : "uring.events";
}

/* The poll asks for what its token says, and, for IO_EXCEPT, to be woken by any data (IO-URING-8). */
static const char *check_asked(const io_poller *poller, uint64_t fd)
{
    uint32_t token = note_of(poller, fd)->token;
    int found = io_os_uring_events(poller->ring.fd, (uint64_t)token << 32 | fd);
    int wanted = (token & (IO_READ | IO_EXCEPT) ? POLLIN : 0) | (token & IO_WRITE ? POLLOUT : 0) |
                 (token & IO_EXCEPT ? POLLPRI : 0);
    int wrong = found >= 0 && (found & (POLLIN | POLLOUT | POLLPRI)) != wanted;
    return wrong ? "uring.asked" : NULL;
}

static uint32_t word_of(const io_ring *ring, uint32_t offset)
{
    return io_os_acquire((io_os_word *)(void *)((char *)ring->rings + offset));
}

/* How many polls have ended that the poller has not heard of; negative: who knows, the kernel keeps
 * some completions. */
static int unheard_ends(const io_ring *ring)
{
    const struct io_uring_cqe *cqes = (void *)((char *)ring->rings + ring->cqes);
    uint32_t tail = word_of(ring, ring->cq_tail);
    int ends = 0;
    for (uint32_t head = word_of(ring, ring->cq_head); head != tail; head++) {
        ends += !(cqes[head % IO_RING_COMPLETIONS].flags & IORING_CQE_F_MORE);
    }
    return word_of(ring, ring->sq_flags) & IORING_SQ_CQ_OVERFLOW ? -ENODATA : ends;
}

static const char *check_polls(const io_poller *poller, io_check_depth depth, int armed)
{
    int found = depth == IO_CHECK_MEMORY ? -ENODATA : io_os_uring_polls(poller->ring.fd);
    if (found < 0) {
        return NULL;
    }
    if (poller->outdated) {
        return depth == IO_CHECK_EXACT ? "uring.outdated" : NULL;
    }
    if (found > armed) {
        return "uring.stale";
    }
    int ends = unheard_ends(&poller->ring);
    return ends >= 0 && found + ends < armed && depth == IO_CHECK_EXACT ? "uring.missing" : NULL;
}

const char *io_uring_check(const io_poller *poller, io_check_depth depth)
{
    uint64_t listed = 0;
    int armed = 0;
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        const char *broken = check_note(poller, fd);
        if (!broken && depth != IO_CHECK_MEMORY && note_of(poller, fd)->token & ARMED) {
            broken = check_asked(poller, fd);
        }
        if (broken) {
            return broken;
        }
        listed += note_of(poller, fd)->next != 0;
        armed += (note_of(poller, fd)->token & ARMED) != 0;
    }
    const char *broken = check_list(poller, listed);
    return broken ? broken : check_polls(poller, depth, armed);
}

IO_CHECK_END

#endif
#endif
