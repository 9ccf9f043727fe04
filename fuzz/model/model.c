/* Registration, interest and readiness. */
#include "model.h"

#include "../harness/faults.h"
#include "../harness/report.h"

#include <errno.h>
#include <ioatom/ioatom.h>
#include <poll.h>
#include <string.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0x2000
#endif

void model_init(model *m, int types, int limit)
{
    *m = (model){.limit = limit, .fresh = 1, .first = -1};
    m->edge = (types & IO_POLLER_EDGE) != 0;
    m->has_set = (types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING)) != 0;
    m->on_afd = (types & IO_POLLER_AFD) != 0;
    m->on_select = (types & IO_POLLER_SELECT) != 0;
    m->on_kqueue = (types & IO_POLLER_KQUEUE) != 0;
    m->emulated = m->edge && !m->has_set;
}

void model_notice(const model *m, model_event event, int atom, int flags)
{
    if (m->watcher.notice) {
        m->watcher.notice(m->watcher.context, event, atom, flags);
    }
}

static void owe(model_atom *a, int flags)
{
    flags &= MODEL_EVENTS & ~a->no_must & ~a->owed;
    for (int i = 0; i < MODEL_FLAGS; i++) {
        if (flags & 1 << i) {
            a->waits[i] = 0;
        }
    }
    a->owed |= flags;
}

void model_observe(model *m, int atom, int poll_bits)
{
    model_atom *a = &m->atoms[atom];
    if (!a->registered || a->life != LIFE_OPEN) {
        return;
    }
    int alarm = poll_bits & (POLLHUP | POLLERR);
    int ready = 0;
    ready |= poll_bits & (POLLIN | POLLRDHUP) || alarm ? MODEL_READ : 0; /* IO-EVENT-1, -3 */
    ready |= poll_bits & POLLOUT || alarm ? MODEL_WRITE : 0;             /* IO-EVENT-2, -3 */
    ready |= poll_bits & POLLPRI ? MODEL_EXCEPT : 0;                     /* IO-EVENT-4 */
    a->alarmed |= alarm;
    a->bits = poll_bits;
    a->kept &= ready;
    int sure = ready;
    if (m->on_select && !(poll_bits & (POLLOUT | POLLERR))) {
        sure &= ~MODEL_WRITE; /* IO-EVENT-9: select does not tell a hang-up to writers */
    }
    if (m->edge) {
        int rising = sure & ~a->sure;
        owe(a, rising & a->interest & ~a->held & ~a->doubtful); /* IO-EDGE-1 */
    }
    a->owed &= sure; /* "if it is still ready then" */
    a->ready = ready;
    a->sure = sure;
    a->ready_since |= ready;
}

static int number_is_registered(const model *m, int fd)
{
    for (int i = 0; i < MODEL_ATOMS; i++) {
        if (m->atoms[i].registered && m->atoms[i].fd == fd) {
            return 1;
        }
    }
    return 0;
}

void model_fd_closed(model *m, int fd)
{
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_atom *a = &m->atoms[i];
        if (a->registered && a->fd == fd && a->life == LIFE_OPEN) {
            a->life = LIFE_CLOSED;
            a->owed = 0;
            a->ready = a->sure = 0;
        }
    }
}

void model_fd_opened(model *m, int fd)
{
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_atom *a = &m->atoms[i];
        if (a->registered && a->fd == fd && a->life == LIFE_CLOSED) {
            a->life = LIFE_TAKEN;
        }
    }
}

int model_is_injected(int result)
{
    return result < 0 && result != -ECONNABORTED &&
           faults_has(FAULT_ANYWHERE & ~FAULT_CLOSE, -result);
}

/* The one code that io_add may return (IO-ERROR-4 has the order). */
static int expected_add(const model *m, int fd, model_fd kind, int flags)
{
    if (flags & ~(MODEL_EVENTS | MODEL_ONESHOT)) {
        return -EINVAL; /* IO-ADD-3 */
    }
    if (fd < 0 || kind == MODEL_FD_CLOSED) {
        return -EBADF; /* IO-ADD-4 */
    }
    if (fd >= m->limit) {
        return -ERANGE; /* IO-ADD-5 */
    }
    if (number_is_registered(m, fd)) {
        return -EEXIST; /* IO-ADD-6 */
    }
    return kind == MODEL_FD_UNPOLLABLE ? -EPERM : 0; /* IO-ADD-7 */
}

static const char *add_clause(int expected)
{
    switch (expected) {
    case -EINVAL:
        return "IO-ADD-3";
    case -EBADF:
        return "IO-ADD-4";
    case -ERANGE:
        return "IO-ADD-5";
    case -EEXIST:
        return "IO-ADD-6";
    case -EPERM:
        return "IO-ADD-7";
    default:
        return "IO-ADD-1";
    }
}

void model_check_add(model *m, int atom, int fd, model_fd kind, int flags, int result)
{
    int expected = expected_add(m, fd, kind, flags);
    /* What is wrong with the descriptor itself, the kernel may say only after this. */
    int is_open_to_kernel = expected == 0 || expected == -EPERM || (expected == -EBADF && fd >= 0);
    if (result != expected && !(is_open_to_kernel && model_is_injected(result))) {
        violation(add_clause(expected), "io_add of descriptor %d returned %d, expected %d", fd,
                  result, expected);
    }
    if (result < 0) {
        return;
    }
    model_atom *a = &m->atoms[atom];
    *a = (model_atom){.registered = 1, .fd = fd, .interest = flags};
    model_notice(m, MODEL_ADDED, atom, flags);
}

void model_check_set(model *m, int atom, int flags, int result, unsigned controls)
{
    model_atom *a = &m->atoms[atom];
    int expected = flags & ~(MODEL_EVENTS | MODEL_ONESHOT) ? -EINVAL : a->registered ? 0 : -ENOENT;
    if (expected == 0 && a->life != LIFE_OPEN && result == -EBADF) {
        return; /* IO-CLOSE-9 */
    }
    if (expected == 0 && model_is_injected(result)) {
        return; /* IO-ERROR-2 */
    }
    if (result != expected) {
        const char *clause = expected == -EINVAL   ? "IO-SET-5"
                             : expected == -ENOENT ? "IO-SET-4"
                                                   : "IO-SET-1";
        violation(clause, "io_set returned %d, expected %d", result, expected);
    }
    if (controls > 0 && !m->has_set) {
        violation("IO-MASK-2", "io_set made %u system calls", controls);
    }
    if (result < 0) {
        return;
    }
    int dropped_only = (flags & MODEL_EVENTS & ~a->interest) == 0;
    if (controls > 0 && m->has_set && !m->edge && dropped_only && a->life == LIFE_OPEN &&
        !a->alarmed) {
        violation("IO-MASK-1", "io_set only dropped flags and made %u system calls", controls);
    }
    a->interest = flags;
    a->dropped |= a->maybe & ~flags;
    a->maybe &= flags; /* IO-SET-1 */
    a->last &= flags;
    a->held = a->kept = a->doubtful = 0;
    a->rearmed = MODEL_EVENTS;
    a->unsure = 0;
    a->owed = 0;
    if (a->life == LIFE_OPEN) {
        owe(a, a->sure & flags); /* IO-SET-2 */
    }
    m->pending = -1;
    model_notice(m, MODEL_SET, atom, flags);
}

void model_check_remove(model *m, int atom, int result)
{
    model_atom *a = &m->atoms[atom];
    int expected = a->registered ? 0 : -ENOENT;
    if (result != expected) {
        const char *clause = expected               ? "IO-REMOVE-4"
                             : a->life == LIFE_OPEN ? "IO-REMOVE-1"
                                                    : "IO-REMOVE-7";
        violation(clause, "io_remove returned %d, expected %d", result, expected);
    }
    if (result == 0) {
        *a = (model_atom){0};
        m->pending = -1;
        m->first = m->first == atom ? -1 : m->first;
        model_notice(m, MODEL_REMOVED, atom, 0);
    }
}

void model_eagain(model *m, int atom, int flag)
{
    model_atom *a = &m->atoms[atom];
    if (!a->registered) {
        return;
    }
    int again = flag & a->interest;
    a->held &= ~again;
    a->doubtful &= ~again;
    a->rearmed |= again;
    a->unsure &= ~again;
    if (m->emulated && a->life == LIFE_OPEN) {
        owe(a, a->sure & again); /* IO-EDGE-3 */
    }
    model_notice(m, MODEL_AGAIN, atom, flag);
}

void model_doubt(model *m, int atom, int flag)
{
    m->atoms[atom].no_must |= flag;
    m->atoms[atom].owed &= ~flag;
}

void model_check_exhausted(model *m, int atom, int flags, int result)
{
    const model_atom *a = &m->atoms[atom];
    int expected = flags & ~MODEL_EVENTS ? -EINVAL : a->registered ? 0 : -ENOENT;
    if (result != expected) {
        violation("IO-EDGE-4", "io_exhausted returned %d, expected %d", result, expected);
    }
    if (result == 0) {
        model_eagain(m, atom, flags);
    }
}

void model_check_fd_check(model *m, int result, int (*open)(int fd))
{
    int least = 0, most = 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        const model_atom *a = &m->atoms[i];
        if (a->registered && a->life != LIFE_OPEN) {
            most++;
            least += !open(a->fd);
        }
    }
    if (result < least || result > most) {
        violation("IO-CLOSE-8", "io_fd_check returned %d, expected %d to %d", result, least, most);
    }
}

void model_check_renew(model *m, int result, int was_full)
{
    int error = faults_error(FAULT_OTHER);
    int expected = error == EINTR ? 0 : -error; /* else the set is still the parent's */
    if (result != expected && !(was_full && result == -ENFILE)) {
        violation("IO-FORK-1", "io_poller_after_fork returned %d, expected %d", result, expected);
    }
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_atom *a = &m->atoms[i];
        if (m->has_set && a->registered && a->life != LIFE_OPEN) {
            a->maybe |= a->interest & MODEL_EVENTS; /* it may be found closed (IO-CLOSE-6) */
            m->pending = -1;
        }
    }
}

void model_disposed(model *m)
{
    memset(m->atoms, 0, sizeof(m->atoms));
    m->pending = m->scanned = 0;
    m->fresh = 1;
    m->first = -1;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        model_notice(m, MODEL_REMOVED, i, 0);
    }
}

int model_registered_count(const model *m)
{
    int count = 0;
    for (int i = 0; i < MODEL_ATOMS; i++) {
        count += m->atoms[i].registered;
    }
    return count;
}
