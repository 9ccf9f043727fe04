#define _GNU_SOURCE
#include "ops.h"

#include "facts.h"
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "report.h"
#include "trace.h"
#include "waits.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#ifdef IO_OS_SIM
#include <ioatom/sim_kqueue.h>
#endif

enum { MAX_TURNS = 64 };

/* An atom that can be given to the library, or null. */
static io_atom *atom_of(run *r, int index)
{
    return r->atoms[index] ? &r->atoms[index]->io : NULL;
}

static int is_registered(const run *r, int index)
{
    return r->model.atoms[index].registered;
}

/* Inside a callback these calls are refused. 1 if that was the case. */
int run_refused(const run *r, int result, const char *clause)
{
    if (!r->model.dispatching) {
        return 0;
    }
    if (result != -EBUSY) {
        violation(clause, "returned %d inside a callback", result);
    }
    return 1;
}

io_atom *op_atom(run *r, int index)
{
    if (!r->atoms[index]) {
        r->atoms[index] = malloc(sizeof(atom_box));
        r->atoms[index]->index = index;
    }
    return &r->atoms[index]->io;
}

static void init_atom(run *r, int index, int fd)
{
    if (is_registered(r, index)) {
        return;
    }
    io_atom *atom = op_atom(r, index);
    io_atom_init(atom, fd, run_callback);
    if (atom->fd != fd || atom->proc != run_callback) {
        violation("IO-MEM-6", "io_atom_init did not set both members");
    }
    r->shadow[index] = *atom;
}

static void op_init(run *r, const op *o)
{
    int fd = o->arg == SPECIAL_SLOT   ? env_fd(&r->env, o->b)
             : o->arg == SPECIAL_LAST ? env_last(&r->env, &r->events)
                                      : env_special(o->arg);
    init_atom(r, o->a, fd);
}

static int lib_flags(const op *o)
{
    return (o->arg & 0xf) | (o->arg & PROGRAM_BAD_FLAG ? 0x40 : 0);
}

static model_fd fd_kind(int fd)
{
    if (fd == env_special(SPECIAL_DIRECTORY) || fd == env_special(SPECIAL_FILE)) {
        return fd < 0 ? MODEL_FD_CLOSED : MODEL_FD_UNPOLLABLE;
    }
    return env_is_open(fd) ? MODEL_FD_OPEN : MODEL_FD_CLOSED;
}

static void op_add(run *r, const op *o)
{
    io_atom *atom = atom_of(r, o->a);
    if (!atom) {
        return;
    }
    int fd = atom->fd, flags = lib_flags(o);
    model_fd kind = fd_kind(fd);
    int result;
    do {
        result = LIBRARY(io_add(&r->poller, atom, flags));
        model_check_add(&r->model, o->a, fd, kind, flags, result);
    } while (fault_add_again(r, o->a, result));
    if (result == 0) {
        handle_added(r, o->a, flags);
    }
}

/* The kernel has something for this descriptor in the poller's set. */
static int is_watched(const run *r, int fd)
{
    int set = io_poller_fd(&r->poller);
    struct epoll_event event = {.events = EPOLLET};
#ifdef IO_OS_SIM
    if (r->config->types & IO_POLLER_KQUEUE) {
        static const short filters[] = {EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT};
        int found = 0;
        for (int i = 0; i < 3; i++) {
            struct kevent change = {.ident = (uintptr_t)fd, .filter = filters[i]};
            found |= io_sim_kevent(set, &change, 1, NULL, 0, NULL) == 0;
        }
        return found;
    }
#endif
    return KERNEL(epoll_ctl)(set, EPOLL_CTL_MOD, fd, &event) == 0;
}

/* io_remove of an atom, perhaps one that is not registered. */
static void remove_atom(run *r, int index)
{
    io_atom *atom = atom_of(r, index);
    int fd = atom->fd;
    int kept = is_registered(r, index) && r->model.atoms[index].life == LIFE_OPEN;
    model_check_remove(&r->model, index, LIBRARY(io_remove(&r->poller, atom)));
    fault_note_leftovers(r);
    r->taken_away = 1;
    if (r->model.has_set && kept && faults_count() == 0 && is_watched(r, fd)) {
        violation("IO-REMOVE-3", "the kernel still watches descriptor %d", fd);
    }
}

static void op_set(run *r, const op *o)
{
    io_atom *atom = atom_of(r, o->a);
    if (!atom) {
        return;
    }
    unsigned before = kernel_calls_made().controls;
    int result = LIBRARY(io_set(&r->poller, atom, lib_flags(o)));
    model_check_set(&r->model, o->a, lib_flags(o), result, kernel_calls_made().controls - before);
    r->taken_away = 1;
    if (result == 0) {
        handle_asked(r, o->a, lib_flags(o));
    }
}

static void op_remove(run *r, const op *o)
{
    if (atom_of(r, o->a)) {
        remove_atom(r, o->a);
    }
}

void op_free_atom(run *r, int index)
{
    if (!atom_of(r, index)) {
        return;
    }
    if (is_registered(r, index)) {
        remove_atom(r, index);
    }
    free(r->atoms[index]);
    r->atoms[index] = NULL;
}

static void op_free(run *r, const op *o)
{
    op_free_atom(r, o->a);
}

/* The wrong order, which is a common one (IO-CLOSE-4, IO-REMOVE-7). */
static void op_abandon(run *r, const op *o)
{
    for (int slot = 0; atom_of(r, o->a) && slot < PROGRAM_DESCRIPTORS; slot++) {
        if (env_fd(&r->env, slot) >= 0 && env_fd(&r->env, slot) == atom_of(r, o->a)->fd) {
            env_close(&r->env, &r->events, slot, 0);
        }
    }
    op_remove(r, o);
}

static void op_ioclose(run *r, const op *o)
{
    io_atom *atom = atom_of(r, o->a);
    if (!atom || atom->fd >= ENV_LIMIT || env_is_own((int)atom->fd)) {
        return; /* the harness's own descriptors stay open */
    }
    int fd = atom->fd, was_open = env_is_open(fd);
    int result = LIBRARY(io_close(&r->poller, atom));
    fault_note_leftovers(r);
    if (result != fault_close_result(was_open)) {
        const char *clause = !was_open                   ? "IO-CLOSE-3"
                             : faults_error(FAULT_CLOSE) ? "IO-CLOSE-11"
                                                         : "IO-CLOSE-1";
        violation(clause, "io_close returned %d", result);
    }
    if (env_is_open(fd)) {
        violation("IO-CLOSE-1", "descriptor %d is still open", fd);
    }
    if (is_registered(r, o->a)) {
        model_check_remove(&r->model, o->a, 0);
    }
    if (was_open) {
        env_forget(&r->env, fd);
        model_fd_closed(&r->model, fd);
    }
    r->taken_away = 1;
}

int run_bits(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};
    return fd >= 0 && kernel_poll_now(&entry, 1) > 0 ? entry.revents : 0;
}

static int is_listener(const run *r, int index)
{
    return env_kind(&r->env, r->atoms[index]->io.fd) == KIND_LISTENER;
}

static void op_read(run *r, const op *o)
{
    if (atom_of(r, o->a) && !is_listener(r, o->a)) {
        transfer_in(r, o->a, program_sizes[o->arg]);
    }
}

static void op_write(run *r, const op *o)
{
    if (atom_of(r, o->a)) {
        transfer_out(r, o->a, program_sizes[o->arg]);
    }
}

static void op_accept(run *r, const op *o)
{
    if (o->a != o->b && atom_of(r, o->b) && !is_registered(r, o->a)) {
        socket_accept(r, o->a, op_atom(r, o->a), o->b, lib_flags(o));
    }
}

static void op_serve(run *r, const op *o)
{
    if (!is_registered(r, o->a)) {
        socket_serve(r, o->a, op_atom(r, o->a));
    }
}

static void op_dial(run *r, const op *o)
{
    const io_atom *listener = atom_of(r, o->b);
    if (o->a != o->b && listener && is_listener(r, o->b) && !is_registered(r, o->a)) {
        socket_dial(r, o->a, op_atom(r, o->a), listener->fd, lib_flags(o));
    }
}

int op_spare_atom(const run *r, int listener)
{
    for (int i = PROGRAM_ATOMS - 1; i >= 0; i--) {
        if (i != listener && !is_registered(r, i)) {
            return i;
        }
    }
    return -1;
}

static void op_drain(run *r, const op *o)
{
    if (!atom_of(r, o->a)) {
        return;
    }
    int result = 0;
    for (int turn = 0; result == 0 && turn < MAX_TURNS && atom_of(r, o->a); turn++) {
        if (is_listener(r, o->a)) {
            int spare = op_spare_atom(r, o->a);
            result = spare < 0 ? -1 : socket_accept(r, spare, op_atom(r, spare), o->a, IO_READ);
        } else {
            result = transfer_in(r, o->a, TRANSFER_MOST);
        }
    }
}

static void op_fill(run *r, const op *o)
{
    if (!atom_of(r, o->a)) {
        return;
    }
    object_kind kind = env_kind(&r->env, r->atoms[o->a]->io.fd);
    int result = 0, turns = kind == KIND_EVENTFD ? 2 : MAX_TURNS;
    /* A large datagram is refused while there is room for others. */
    uint32_t size = kind == KIND_DGRAM ? TRANSFER_MOST / 16 : TRANSFER_MOST / 4;
    for (int turn = 0; result == 0 && turn < turns; turn++) {
        result = transfer_out(r, o->a, size);
    }
}

/* The programs are honest: a flag that is ready is not called exhausted. */
static void op_exhausted(run *r, const op *o)
{
    io_atom *atom = atom_of(r, o->a);
    if (!atom) {
        return;
    }
    int flags = lib_flags(o) & ~IO_ONESHOT & ~r->model.atoms[o->a].ready;
    if (is_registered(r, o->a) && r->model.atoms[o->a].life != LIFE_OPEN) {
        flags = 0; /* nobody knows what is ready there */
    }
    model_check_exhausted(&r->model, o->a, flags, LIBRARY(io_exhausted(&r->poller, atom, flags)));
}

static void op_dispatch(run *r, const op *o)
{
    (void)o;
    if (r->model.dispatching) {
        run_refused(r, LIBRARY(io_dispatch(&r->poller)), "IO-DISPATCH-5");
    } else {
        run_dispatch(r);
    }
}

static void op_turn(run *r, const op *o)
{
    wait_run(r, o);
    op_dispatch(r, o);
}

int op_next_event(run *r, io_event *event)
{
    *event = (io_event){.atom = NULL, .flags = 12345};
    int result = LIBRARY(io_next(&r->poller, event));
    if (run_refused(r, result, "IO-NEXT-2")) {
        return result;
    }
    if (result != 1) {
        if (event->atom || event->flags != 12345) {
            violation("IO-NEXT-1", "io_next returned %d and wrote to the event", result);
        }
        model_check_next(&r->model, result, -1, 0);
        return result;
    }
    int index = io_resolve_parent(event->atom, atom_box, io)->index;
    trace_add(TRACE_TAKEN, index, event->flags | (r->model.atoms[index].interest & MODEL_ONESHOT));
    run_observe(r);
    model_check_next(&r->model, result, index, event->flags);
    return result;
}

static void op_next(run *r, const op *o)
{
    io_event event;
    (void)o;
    op_next_event(r, &event);
}

static void op_check(run *r, const op *o)
{
    (void)o;
    facts_trace(&r->model, FACTS_NO_WAIT);
    model_check_fd_check(&r->model, LIBRARY(io_fd_check(&r->poller)), run_fd_is_open);
}

/* Of a kqueue every other time in a child, which has none. */
static void op_dispose(run *r, const op *o)
{
    (void)o;
    if ((r->config->types & IO_POLLER_KQUEUE) && !r->model.dispatching && r->executed % 2) {
        kernel_fork();
    }
    int result = run_dispose(r);
    if (run_refused(r, result, "IO-INIT-10")) {
        return;
    }
    if (result != 0) {
        violation("IO-INIT-10", "io_poller_dispose returned %d", result);
    }
    if (LIBRARY(io_wait(&r->poller, 0)) != -EINVAL) {
        violation("IO-ERROR-5", "io_wait on a disposed poller did not return -EINVAL");
    }
    model_disposed(&r->model);
    run_init_poller(r);
}

static void op_open(run *r, const op *o)
{
    if (env_open(&r->env, &r->events, o->a, o->b, o->arg)) {
        init_atom(r, o->a, env_fd(&r->env, o->a));
        if (o->arg != KIND_EVENTFD && o->arg != KIND_LISTENER) {
            init_atom(r, o->b, env_fd(&r->env, o->b));
        }
    }
}

static void op_connect(run *r, const op *o)
{
    if (env_connect(&r->env, &r->events, o->a, o->b)) {
        init_atom(r, o->a, env_fd(&r->env, o->a));
    }
}

static void op_dup(run *r, const op *o)
{
    if (env_dup(&r->env, &r->events, o->a, o->b)) {
        init_atom(r, o->a, env_fd(&r->env, o->a));
    }
}

static void op_close(run *r, const op *o)
{
    env_close(&r->env, &r->events, o->a, 0);
}

static void op_reset(run *r, const op *o)
{
    env_close(&r->env, &r->events, o->a, 1);
}

static void op_send(run *r, const op *o)
{
    env_send(&r->env, o->a, program_sizes[o->arg]);
}

static void op_recv(run *r, const op *o)
{
    env_recv(&r->env, o->a, program_sizes[o->arg]);
}

static void op_shutdown(run *r, const op *o)
{
    env_shutdown(&r->env, o->a, o->arg);
}

static void op_urgent(run *r, const op *o)
{
    env_urgent(&r->env, o->a);
}

void op_run(run *r, const op *o)
{
    static void (*const handlers[OP_CODES])(run *r, const op *o) = {
        [OP_OPEN] = op_open,       [OP_CONNECT] = op_connect,
        [OP_DUP] = op_dup,         [OP_CLOSE] = op_close,
        [OP_RESET] = op_reset,     [OP_SEND] = op_send,
        [OP_RECV] = op_recv,       [OP_SHUTDOWN] = op_shutdown,
        [OP_INIT] = op_init,       [OP_ADD] = op_add,
        [OP_SET] = op_set,         [OP_REMOVE] = op_remove,
        [OP_FREE] = op_free,       [OP_IOCLOSE] = op_ioclose,
        [OP_READ] = op_read,       [OP_WRITE] = op_write,
        [OP_DRAIN] = op_drain,     [OP_FILL] = op_fill,
        [OP_ACCEPT] = op_accept,   [OP_EXHAUSTED] = op_exhausted,
        [OP_WAIT] = wait_run,      [OP_DISPATCH] = op_dispatch,
        [OP_NEXT] = op_next,       [OP_CHECK] = op_check,
        [OP_DISPOSE] = op_dispose, [OP_TURN] = op_turn,
        [OP_ABANDON] = op_abandon, [OP_FAIL] = op_fault,
        [OP_SHORT] = op_fault,     [OP_EARLY] = op_fault,
        [OP_LATE] = op_fault,      [OP_SPURIOUS] = op_fault,
        [OP_RENEW] = op_renew,     [OP_SERVE] = op_serve,
        [OP_DIAL] = op_dial,       [OP_URGENT] = op_urgent,
        [OP_HANDLE] = op_handle,   [OP_ECHO] = op_echo,
        [OP_SAY] = op_say,
    };
    handlers[o->code](r, o);
}
