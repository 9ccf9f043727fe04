/* Naming handlers that leave something undone. The table says who is registered and what the library
 * has noted, the kernel what is ready; an atom is looked at only while it is registered. */
#include "../os/platform.h"

#include "../core/core.h"
#include "../os/os_io.h"

#include <ioatom/audit.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

enum { BATCH = 64 }; /* the least B of IO-FAIR-1 */

_Static_assert(((IO_EVENTS | IO_KERNEL_HUP | IO_KERNEL_ERR | IO_KERNEL_REST | IO_KERNEL_DEAD) &
                IO_KERNEL_TRACE) == 0,
               "the trace has a bit of its own");

/* A callback, and the registration that it was for. */
typedef struct call {
    io_atom *atom;
    io_proc proc;
    io_fd fd;
    uint64_t place; /* of its slot */
    uint32_t generation;
    int told;
} call;

/* What the kernel says of a descriptor. */
typedef struct state {
    int is_closed;
    int ready;   /* flags, as IO-EVENT-1 to IO-EVENT-4 have it */
    int waiting; /* those with input: not an end of file or an error alone */
    int bytes;   /* to be read; -1: nobody knows */
} state;

static int is_usable(const io_audit *audit)
{
    return audit && audit->proc && io_poller_type(audit->poller) >= 0;
}

static io_core *core_of(const io_audit *audit)
{
    return &audit->poller->core;
}

/* The generation changes at every add and remove. */
static int is_registered(const io_core *core, const call *c)
{
    return core->slots[c->place].generation == c->generation;
}

static int ready_flags(int events)
{
    int alarm = events & (POLLHUP | POLLERR);
    int flags = events & (POLLIN | POLLRDHUP) || alarm ? IO_READ : 0;
    flags |= events & POLLOUT || alarm ? IO_WRITE : 0;
    flags |= events & POLLPRI ? IO_EXCEPT : 0;
    return flags;
}

/* An end of file is an input of 0 bytes, and so is an empty datagram, but that is nobody's end. */
static int waiting_flags(int events, int bytes)
{
    int is_end = bytes == 0 && (events & (POLLRDHUP | POLLHUP | POLLERR));
    int flags = events & POLLIN && !is_end ? IO_READ : 0;
    return flags | (events & POLLPRI ? IO_EXCEPT : 0);
}

/* 0, or the error of a kernel that refuses to tell. */
static int look(const io_core *core, const call *c, state *s)
{
    int events;
    do {
        events = io_os_poll_now(c->fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP);
    } while (events == -EINTR);
    if (events < 0) {
        return events;
    }
    /* The number of a dead atom may be another file's by now. */
    s->is_closed = (events & POLLNVAL) || (core->slots[c->place].kernel & IO_KERNEL_DEAD);
    s->ready = ready_flags(events);
    s->bytes = s->ready & IO_READ ? io_os_bytes_waiting(c->fd) : 0;
    s->bytes = s->bytes < 0 ? -1 : s->bytes;
    s->waiting = waiting_flags(events, s->bytes);
    return 0;
}

/* The caller's function is refused what a callback is refused, so that the poller stays. */
static void tell(const io_audit *audit, const call *c, int kind, int left, int bytes)
{
    io_core *core = core_of(audit);
    io_audit_finding finding = {.kind = kind,
                                .atom = c->atom,
                                .proc = c->proc,
                                .fd = c->fd,
                                .told = c->told,
                                .interest = core->slots[c->place].interest,
                                .left = left,
                                .left_bytes = left & IO_READ ? bytes : -1};
    uint16_t before = core->dispatching;
    core->dispatching = 1;
    audit->proc(audit->context, &finding);
    core->dispatching = before;
}

/* Look at what a callback left; open is what it was told, is of interest, and was neither answered
 * with EAGAIN nor asked for again. */
static void judge(const io_audit *audit, const call *c, int open)
{
    const io_core *core = core_of(audit);
    int portable = audit->options & IO_AUDIT_PORTABLE;
    state s;
    if (look(core, c, &s) < 0) {
        return;
    }
    if (s.is_closed) {
        tell(audit, c, IO_AUDIT_CLOSED, 0, -1);
        return;
    }
    open &= portable ? IO_EVENTS : IO_READ | IO_EXCEPT;
    int left = open & (portable ? s.ready : s.waiting);
    int held = open & ~s.ready;
    if (left && (portable || core->mode != IO_MODE_LEVEL)) {
        tell(audit, c, IO_AUDIT_LEFT_READY, left, s.bytes);
    }
    /* Asked again: the caller's function may have removed it. */
    if (held && (portable || core->mode == IO_MODE_EMULATED) && is_registered(core, c)) {
        tell(audit, c, IO_AUDIT_NOT_NOTED, held, s.bytes);
    }
}

static void call_back(const io_audit *audit, const io_event *event)
{
    io_core *core = core_of(audit);
    uint64_t place = (uint64_t)IO_PLACE(core, event->atom->fd);
    io_slot *slot = &core->slots[place];
    call c = {.atom = event->atom,
              .proc = event->atom->proc,
              .fd = event->atom->fd,
              .place = place,
              .generation = slot->generation,
              .told = event->flags};
    /* io_core_set writes the other bits anew and so takes the trace away; it keeps it only if it has
     * nothing to ask the kernel for, as in edge mode when each flag that is wanted met EAGAIN, or if
     * the kernel refuses. So it tells whether flags that did not meet EAGAIN were asked for again. */
    slot->kernel |= IO_KERNEL_TRACE;
    c.proc(audit->poller, c.atom, c.told);
    if (!is_registered(core, &c)) {
        return; /* the slot is another's, and so may the memory of the atom be */
    }
    int is_asked = !(slot->kernel & IO_KERNEL_TRACE);
    slot->kernel &= (uint8_t)~IO_KERNEL_TRACE;
    judge(audit, &c, is_asked ? 0 : c.told & slot->interest & ~slot->marks);
}

int io_audit_begin(io_audit *audit, io_poller *poller, int options, io_audit_proc proc,
                   void *context)
{
    if (!audit || !proc || io_poller_type(poller) < 0 || (options & ~IO_AUDIT_PORTABLE)) {
        return io_result(-EINVAL);
    }
    *audit = (io_audit){.poller = poller, .proc = proc, .context = context, .options = options};
    return 0;
}

/* As io_core_dispatch does it, event by event: what a callback does to the rest of the batch is in
 * the slots, and nothing is added to the batch before it is over. */
int io_audit_dispatch(io_audit *audit)
{
    if (!is_usable(audit)) {
        return io_result(-EINVAL);
    }
    io_core *core = core_of(audit);
    io_event event;
    int calls = 0;
    int r = io_core_next(core, &event);
    while (r > 0) {
        core->dispatching = 1;
        calls++;
        call_back(audit, &event);
        core->dispatching = 0;
        r = io_core_next(core, &event);
    }
    if (r == 0) {
        (void)io_dispatch(
            audit->poller); /* nothing is pending: what is left are timers (IO-AUDIT-1) */
    }
    return r < 0 ? io_result(r) : calls;
}

/* Whether nothing is pending, and nothing that is owed has not been found yet (IO-FAIR-1): 0. */
static int find_idle(io_poller *poller)
{
    uint64_t atoms = 0;
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        atoms += poller->core.slots[fd].atom != NULL;
    }
    uint64_t waits = (2 * atoms + BATCH - 1) / BATCH + 1;
    int r = 0;
    for (uint64_t i = 0; i < waits && r == 0; i++) {
        r = io_wait(poller, 0);
    }
    return r > 0 ? -EAGAIN : r;
}

/* 1 if there was something to tell of the atom that is registered at this place. */
static int judge_idle(const io_audit *audit, uint64_t place)
{
    const io_core *core = core_of(audit);
    io_atom *atom = core->slots[place].atom;
    call c = {.atom = atom, .proc = atom->proc, .fd = atom->fd, .place = place};
    state s;
    int r = look(core, &c, &s);
    if (r == 0 && s.is_closed) {
        tell(audit, &c, IO_AUDIT_CLOSED, 0, -1);
        return 1;
    }
    if (r < 0 || !(s.waiting & IO_READ)) {
        return r;
    }
    /* If it came after the last wait, the next one finds it: then nothing has been forgotten. */
    r = find_idle(audit->poller);
    if (r < 0) {
        return r;
    }
    tell(audit, &c, IO_AUDIT_FORGOTTEN, IO_READ, s.bytes);
    return 1;
}

int io_audit_idle(io_audit *audit)
{
    if (!is_usable(audit)) {
        return io_result(-EINVAL);
    }
    const io_core *core = core_of(audit);
    int findings = 0;
    int r = find_idle(audit->poller);
    for (uint64_t fd = 0; fd < core->slot_count && r >= 0; fd++) {
        if (core->slots[fd].atom) {
            r = judge_idle(audit, fd);
            findings += r > 0;
        }
    }
    return r < 0 ? io_result(r) : findings;
}

const char *io_audit_name(int kind)
{
    switch (kind) {
    case IO_AUDIT_LEFT_READY:
        return "left ready";
    case IO_AUDIT_NOT_NOTED:
        return "not noted";
    case IO_AUDIT_FORGOTTEN:
        return "forgotten";
    case IO_AUDIT_CLOSED:
        return "closed";
    default:
        return "none";
    }
}
