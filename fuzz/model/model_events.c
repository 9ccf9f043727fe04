/* Waits, callbacks and what has to come. */
#include "model.h"

#include "../harness/report.h"

#include <errno.h>
#include <poll.h>

/* IO-FAIR-1 with at most 8 atoms and 64 events a wait. */
enum { FAIR_WAITS = 2 };

void model_wait_begin(model *m)
{
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_atom *a = &m->atoms[i];
        a->ready_before = a->ready;
        a->bits_before = a->bits;
        if (!a->registered || m->edge) {
            continue;
        }
        /* IO-LEVEL-1: what is ready when io_wait is called. A flag that stays owed keeps its count
         * of waits. */
        int due = a->sure & a->interest & ~a->no_must;
        for (int k = 0; k < MODEL_FLAGS; k++) {
            if (!(a->owed & 1 << k)) {
                a->waits[k] = 0;
            }
        }
        a->owed = due;
    }
}

/* What a wait may have found for an atom whose descriptor was closed (IO-CLOSE-5, IO-CLOSE-6). */
static int find_closed(const model *m, model_atom *a, int failed)
{
    int both = MODEL_READ | MODEL_WRITE;
    if (m->has_set || a->life == LIFE_TAKEN) {
        return MODEL_EVENTS;
    }
    if (a->life == LIFE_DEAD) {
        return 0;
    }
    if (failed) { /* before it found out, or in the middle of that */
        a->suspect = 1;
        return both;
    }
    if (m->on_afd && !a->suspect) { /* it may have told before what a poll had found */
        a->suspect = 1;
        return both;
    }
    /* What is pending already may be held back, and so keep the descriptor from being looked at. */
    int certain = a->interest & both & ~a->held & ~a->maybe & ~a->unsure;
    if (certain) {
        a->life = LIFE_DEAD;
        a->last = a->suspect ? 0 : certain;
    }
    a->suspect = 1; /* IO-CLOSE-10: it may be found out while there is nothing to tell */
    return both;
}

/* Of what a wait may have found for an open atom, that which it must have found: a hang-up without
 * POLLOUT and without an error is not told to the writers of select (IO-EVENT-9). */
static int surely_found(const model *m, const model_atom *a, int found, int spurious_fd)
{
    int told_to_writers = (a->bits | a->bits_before) & (POLLOUT | POLLERR) || a->fd == spurious_fd;
    found = m->on_afd ? 0 : found;
    return m->on_select && !told_to_writers ? found & ~MODEL_WRITE : found;
}

/* What a wait may have found for an atom. One that failed has found nothing that is open: had it
 * found something in the kernel before, it would have returned then. */
static void find(const model *m, model_atom *a, const model_wait *wait)
{
    if (a->life == LIFE_OPEN && wait->failed) {
        return;
    }
    if (a->life == LIFE_OPEN && a->fd == wait->spurious_fd) {
        a->ready_before |= MODEL_READ | MODEL_WRITE; /* IO-EVENT-6 */
        a->ready_since |= MODEL_READ | MODEL_WRITE;
    }
    int open = a->ready_before | a->ready | (m->on_afd ? a->ready_since : 0);
    int found = a->life == LIFE_OPEN ? open : find_closed(m, a, wait->failed);
    found &= a->interest & ~a->held;
    a->maybe |= found;
    /* Of a closed one nobody knows whether this wait found it, and so whether it is still armed. */
    if (a->life == LIFE_OPEN) {
        int surely = surely_found(m, a, found, wait->spurious_fd);
        a->rearmed &= ~surely;
        a->unsure = (a->unsure | found) & ~surely;
    }
    /* A wait that the kernel refused, or in which it refused to arm anew, even if others were served
     * (IO-WAIT-14), is none of IO-FAIR-1's. */
    int counts = wait->result >= 0 && !(m->on_kqueue && wait->refused_other);
    for (int k = 0; k < MODEL_FLAGS && counts; k++) {
        a->waits[k] += a->owed >> k & 1;
    }
}

int model_must_return(const model *m)
{
    int owed = m->pending > 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        const model_atom *a = &m->atoms[i];
        owed |= a->registered && (a->owed & a->interest & a->sure);
    }
    return owed;
}

/* How long it took. */
static void check_time(const model *m, const model_wait *wait)
{
    uint64_t timeout_ns = (uint64_t)wait->timeout_ms * 1000000u;
    if (wait->endless && model_must_return(m)) {
        violation("IO-LOST-1", "io_wait waits for ever, though something has to come");
    }
    if (wait->endless && !wait->unlimited) {
        violation("IO-WAIT-3", "io_wait waits for ever, and not for %d ms", wait->timeout_ms);
    }
    if (wait->result > 0 || wait->interrupted || wait->endless) {
        return;
    }
    if (wait->unlimited) {
        violation("IO-WAIT-4", "io_wait(%d) returned 0", wait->timeout_ms);
    }
    if (wait->elapsed_ns < timeout_ns) {
        violation("IO-WAIT-3", "io_wait returned 0 after %u us of %d ms",
                  (unsigned)(wait->elapsed_ns / 1000), wait->timeout_ms);
    }
    if (wait->elapsed_ns >= timeout_ns + 1000000u + wait->late_ns) {
        violation("IO-WAIT-7", "io_wait returned after %u us, its time was over after %d ms",
                  (unsigned)(wait->elapsed_ns / 1000), wait->timeout_ms);
    }
}

/* All that is ready is pending: a scan met nothing else. */
static int is_all_pending(const model *m)
{
    int all = 1;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        const model_atom *a = &m->atoms[i];
        all &=
            !a->registered || (a->life == LIFE_OPEN && !((a->ready_before | a->ready) & ~a->maybe));
    }
    return all;
}

/* Whether the order of the next callbacks is that of a scan. Of a scan that is not, nobody knows whom
 * it met first. */
static void note_scan(model *m, const model_wait *wait)
{
    int unseen = m->scanned; /* no dispatch has told the order of the latest one */
    int all = is_all_pending(m);
    m->scanned = !m->has_set && !m->on_afd && m->fresh && wait->result > 0 && all &&
                 wait->kernel_waits == 1 && wait->faults == 0;
    m->fresh &= wait->result == 0;
    if (unseen || (!m->scanned && !(all && wait->result == 0))) {
        m->first = -1;
    }
}

static void check_kernel_waits(const model *m, const model_wait *wait)
{
    unsigned atoms = (unsigned)model_registered_count(m);
    unsigned most = 2 + 2 * atoms + (unsigned)(wait->elapsed_ns / 50000000u) + wait->faults;
    if (wait->kernel_waits > most) {
        violation("IO-WAIT-10", "io_wait waited %u times in the kernel, at most %u are allowed",
                  wait->kernel_waits, most);
    }
    if (wait->creations > 0) {
        violation("IO-REMOVE-3", "io_wait made its set anew, though no descriptor was closed");
    }
    if (wait->timeout_ms == 0 && wait->blocking_waits > 0 && !wait->late) {
        violation("IO-WAIT-5", "io_wait with timeout 0 blocked");
    }
    if (m->pending > 0 && wait->blocking_waits > 0 && !wait->late) {
        violation("IO-WAIT-2", "io_wait blocked with %d atoms pending", m->pending);
    }
}

/* The kernel refused: that is the result, and what was pending stays so. */
static void check_failed_wait(model *m, const model_wait *wait)
{
    if (wait->result >= 0 || !model_is_injected(wait->result)) {
        violation("IO-WAIT-1", "io_wait returned %d", wait->result);
    }
    for (int i = 0; i < MODEL_ATOMS; i++) {
        if (m->atoms[i].registered && m->atoms[i].life != LIFE_OPEN) {
            m->pending = -1; /* it may be pending now */
        }
    }
    m->scanned = m->fresh = 0;
    m->first = -1;
}

void model_check_wait(model *m, const model_wait *wait)
{
    check_kernel_waits(m, wait);
    int most = 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_atom *a = &m->atoms[i];
        if (a->registered) {
            find(m, a, wait);
            most += a->maybe != 0;
        }
    }
    if (wait->failed && wait->failed != EINTR && wait->result != -wait->failed) {
        violation("IO-WAIT-13", "io_wait returned %d after a wait in the kernel failed with %d",
                  wait->result, wait->failed);
    }
    if (wait->result == 0 && wait->refused) {
        violation("IO-CLOSE-4", "io_wait returned 0, though no set could be made anew (%d)",
                  wait->refused);
    }
    if (wait->result < 0) {
        check_failed_wait(m, wait);
        return;
    }
    if (wait->result > most) {
        violation("IO-WAIT-1", "io_wait returned %d, but at most %d atoms can be pending",
                  wait->result, most);
    }
    if (m->pending > wait->result) {
        violation("IO-WAIT-2", "io_wait returned %d, but %d atoms were pending before",
                  wait->result, m->pending);
    }
    check_time(m, wait);
    note_scan(m, wait);
    m->pending = wait->result;
    model_notice(m, MODEL_WAITED, -1, 0);
}

/* An event of this atom was delivered. */
static void tell(model *m, int atom, int flags)
{
    model_atom *a = &m->atoms[atom];
    if (!a->registered) {
        violation("IO-REMOVE-1", "a%d was called with flags %d, but is not registered", atom,
                  flags);
    }
    if (flags == 0 || (flags & ~MODEL_EVENTS)) {
        violation("IO-DISPATCH-2", "a%d was called with flags %d", atom, flags);
    }
    if (flags & ~a->interest) {
        violation("IO-DISPATCH-2", "a%d was called with flags %d, its interest is %d", atom, flags,
                  a->interest);
    }
    if (a->life == LIFE_OPEN && (flags & ~a->ready_since)) {
        violation("IO-EVENT-5", "a%d was told %d, but only %d was ready", atom, flags,
                  a->ready_since);
    }
    if (flags & (~a->maybe | a->held)) {
        const char *clause = a->life == LIFE_DEAD  ? "IO-CLOSE-5"
                             : flags & a->held     ? "IO-EDGE-3"
                             : flags & ~a->dropped ? "IO-EVENT-5"
                                                   : "IO-SET-1";
        violation(clause, "a%d was told %d, but at most %d can be pending", atom, flags, a->maybe);
    }
    a->maybe = 0;
    a->dropped = 0;
    a->last &= ~flags;
    a->owed &= ~flags;
    a->ready_since = (a->ready_since & ~flags) | a->ready;
    a->kept |= flags & a->ready;
    if (m->emulated) {
        a->held |= flags & ~a->rearmed;
        if (m->on_afd) {
            a->doubtful |= flags & a->rearmed;
            a->rearmed &= ~flags;
        }
    }
    if (a->interest & MODEL_ONESHOT) {
        a->interest = 0; /* IO-ONESHOT-1 */
        a->owed = 0;
    }
    model_notice(m, MODEL_TOLD, atom, flags);
}

void model_dispatch_begin(model *m)
{
    m->dispatching = 1;
    if (m->scanned && m->pending <= 0) {
        m->scanned = 0; /* who came first may have been taken away */
        m->first = -1;
    }
    for (int i = 0; i < MODEL_ATOMS; i++) {
        m->atoms[i].told = 0;
    }
}

/* The first callback after a scan is of the atom that came first in it. */
static void check_first(model *m, int atom)
{
    if (!m->scanned) {
        return;
    }
    if (m->first == atom && m->pending >= 2) {
        violation("IO-FAIR-2", "a%d is served first again, though %d atoms are pending", atom,
                  m->pending);
    }
    m->first = atom;
    m->scanned = 0;
}

void model_called(model *m, int atom, int flags)
{
    if (!m->dispatching) {
        violation("IO-DISPATCH-5", "a%d was called outside io_dispatch", atom);
    }
    if (m->atoms[atom].told) {
        violation("IO-DISPATCH-1", "a%d was called twice in one io_dispatch", atom);
    }
    check_first(m, atom);
    tell(m, atom, flags);
    m->atoms[atom].told = 1;
}

void model_returned(const model *m, int atom, int flags)
{
    model_notice(m, MODEL_RETURNED, atom, flags);
}

/* What is owed, still ready, and did not come within the waits of IO-FAIR-1. */
static void check_lost(const model *m)
{
    for (int i = 0; i < MODEL_ATOMS; i++) {
        const model_atom *a = &m->atoms[i];
        if (a->registered && (a->last & a->interest)) {
            violation("IO-CLOSE-5", "the descriptor of a%d was closed, and it was not told %d", i,
                      a->last & a->interest);
        }
        for (int k = 0; a->registered && k < MODEL_FLAGS; k++) {
            if ((a->owed & a->interest & a->sure & 1 << k) && a->waits[k] >= FAIR_WAITS) {
                violation("IO-LOST-1", "a%d is owed flag %d since %d waits, and it did not come", i,
                          1 << k, a->waits[k]);
            }
        }
    }
}

void model_check_dispatch(model *m, int result, int exact)
{
    int calls = 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        calls += m->atoms[i].told;
    }
    if (result < 0 || (exact && result != calls)) {
        violation("IO-DISPATCH-1", "io_dispatch returned %d after %d calls", result, calls);
    }
    if (m->pending >= 0 && (exact ? result != m->pending : result > m->pending)) {
        violation("IO-DISPATCH-7", "io_dispatch returned %d with %d atoms pending", result,
                  m->pending);
    }
    for (int i = 0; i < MODEL_ATOMS; i++) {
        m->atoms[i].maybe = 0; /* IO-DISPATCH-4 */
    }
    m->dispatching = 0;
    m->pending = 0;
    m->fresh = 1;
    check_lost(m);
    model_notice(m, MODEL_DISPATCHED, -1, 0);
}

void model_check_next(model *m, int result, int atom, int flags)
{
    if (result == 1) {
        tell(m, atom, flags);
        m->pending -= m->pending > 0;
        m->scanned = 0;
        m->first = -1;
        return;
    }
    if (result != 0) {
        violation("IO-NEXT-1", "io_next returned %d", result);
    }
    if (m->pending > 0) {
        violation("IO-NEXT-1", "io_next returned 0 with %d atoms pending", m->pending);
    }
    for (int i = 0; i < MODEL_ATOMS; i++) {
        m->atoms[i].maybe = 0;
    }
    m->pending = 0;
    m->fresh = 1;
    check_lost(m);
}
