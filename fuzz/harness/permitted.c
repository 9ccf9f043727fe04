/* Two configurations run the same program on equal kernels, so that every difference between them has
 * a clause that allows it. Each row says no more than its clause; a fuzzer that finds another
 * difference has found a bug, or a clause that is missing. */
#include "permitted.h"

#include <errno.h>
#include <poll.h>

/* The kernel keeps what is registered. */
static int has_set(const finder *f)
{
    return (f->config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING)) != 0;
}

static int is_select(const finder *f)
{
    return (f->config->types & IO_POLLER_SELECT) != 0;
}

static int is_edge(const finder *f)
{
    return (f->config->types & IO_POLLER_EDGE) != 0;
}

/* epoll forgets a closed descriptor, or goes on if a duplicate lives; kqueue forgets it; poll and select
 * find it closed; uring finds it closed when it looks at it. */
static int closed_in_a_set(const finder *more, const finder *less)
{
    return more->facts->life != LIFE_OPEN && (has_set(more) || has_set(less)) ? MODEL_EVENTS : 0;
}

static int taken_over(const finder *more, const finder *less)
{
    return more->facts->life == LIFE_TAKEN || less->facts->life == LIFE_TAKEN ? MODEL_EVENTS : 0;
}

/* On poll and select: it depends on what was of interest, and held back, in earlier waits. */
static int found_closed_before(const finder *more, const finder *less)
{
    (void)more;
    return less->facts->life != LIFE_OPEN && (less->facts->suspect || less->facts->held)
               ? MODEL_READ | MODEL_WRITE
               : 0;
}

/* Before or after the wait: did the kernel report one of the first, and none of the others? */
static int reported(const finder *f, int some, int none)
{
    int bits = f->facts->bits, before = f->facts->bits_before;
    return (bits & some && !(bits & none)) || (before & some && !(before & none));
}

static int hang_up_on_select(const finder *more, const finder *less)
{
    return is_select(less) && !is_select(more) && reported(more, POLLHUP, POLLOUT | POLLERR)
               ? MODEL_WRITE
               : 0;
}

/* The emulation does not: another flag's edge brings it along on epoll and uring, any activity does on
 * kqueue, and level mode tells what is ready. */
static int told_again(const finder *more, const finder *less)
{
    return is_edge(less) && (!is_edge(more) || has_set(more)) ? less->facts->kept : 0;
}

static int held_back(const finder *more, const finder *less)
{
    (void)more;
    return less->facts->held; /* of emulated edge mode only */
}

static int answered_again(const finder *more, const finder *less)
{
    return more->facts->no_must | less->facts->no_must;
}

static int set_of_closed(const op *o, int a, int b, const facts *facts_a, const facts *facts_b)
{
    (void)facts_a;
    (void)facts_b;
    return (o->code == OP_SET || o->code == OP_CODES) && (a == 0 || a == -EBADF) &&
           (b == 0 || b == -EBADF);
}

/* A number that was closed and belongs to another file now: dead, where a wait came in between and
 * found out. */
static int check_of_taken(const op *o, int a, int b, const facts *facts_a, const facts *facts_b)
{
    int taken = 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        taken += (facts_a[i].registered && facts_a[i].life >= LIFE_DEAD) ||
                 (facts_b[i].registered && facts_b[i].life >= LIFE_DEAD);
    }
    return o->code == OP_CHECK && (a > b ? a - b : b - a) <= taken;
}

const permission permissions[PERMITTED_ROWS] = {
    [PERMITTED_ORDER] = {"IO-DISPATCH-6", "the order of callbacks", NULL, NULL},
    [PERMITTED_NEXT] = {"IO-NEXT-1", "which atom io_next hands out", NULL, NULL},
    [PERMITTED_FIRST_ROW] = {"IO-CLOSE-6", "a closed descriptor in a set", closed_in_a_set, NULL},
    {"IO-CLOSE-6", "a number that was taken over", taken_over, NULL},
    {"IO-CLOSE-10", "a closed one, found out before", found_closed_before, NULL},
    {"IO-EVENT-9", "a hang-up on select, to writers", hang_up_on_select, NULL},
    {"IO-EDGE-2", "what was told and stays ready", told_again, NULL},
    {"IO-EDGE-3", "what is held back", held_back, NULL},
    {"IO-EVENT-10", "ready, but EAGAIN", answered_again, NULL},
    {"IO-CLOSE-9", "io_set of a closed descriptor", NULL, set_of_closed},
    {"IO-CLOSE-8", "io_fd_check of one taken over", NULL, check_of_taken},
};
