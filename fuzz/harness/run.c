/* The run of a program: its beginning, its operations one by one, its end. */
#define _GNU_SOURCE
#include "run.h"

#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "ops.h"
#include "report.h"
#include "trace.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef IO_CHECK
#include "lib/check/check.h"
#endif

enum { BUDGET = 256 }; /* operations in a run of run_program */
/* What memory is full of; a slot full of it would look like a registered one. */
enum { DIRT = 0x55 };

int run_fd_is_open(int fd)
{
    return env_is_open(fd);
}

static void on_opened(void *context, int fd)
{
    model_fd_opened(&((run *)context)->model, fd);
}

static void on_closed(void *context, int fd)
{
    run *r = context;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        r->strayed |= r->model.atoms[i].registered && r->model.atoms[i].fd == fd;
    }
    model_fd_closed(&r->model, fd);
}

int run_has_strays(const run *r)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        if (r->model.atoms[i].registered && r->model.atoms[i].life != LIFE_OPEN) {
            return 1;
        }
    }
    return 0;
}

/* The library's own structures, between any two calls of it. */
static void check_invariants(run *r)
{
    r->strayed |= faults_take_left() || run_has_strays(r);
#ifdef IO_CHECK
    io_check_depth depth = r->strayed ? IO_CHECK_KERNEL : IO_CHECK_EXACT;
#ifndef IO_OS_SIM
    /* The real kernel takes as long to show its set as for the operation itself. */
    depth = r->executed % 16 == 0 ? depth : IO_CHECK_MEMORY;
#endif
    const char *broken = io_poller_check(&r->poller, depth);
    if (broken) {
        violation(broken, "this invariant does not hold (lib/check)");
    }
#endif
}

/* What the kernel says of every atom's descriptor now. */
void run_observe(run *r)
{
    struct pollfd fds[PROGRAM_ATOMS];
    int atoms[PROGRAM_ATOMS];
    nfds_t count = 0;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        if (a->registered && a->life == LIFE_OPEN) {
            fds[count] =
                (struct pollfd){.fd = a->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
            atoms[count++] = i;
        }
    }
    if (count > 0 && kernel_poll_now(fds, count) >= 0) {
        for (nfds_t k = 0; k < count; k++) {
            model_observe(&r->model, atoms[k], fds[k].revents);
        }
    }
}

/* IO-MEM-2, IO-ERROR-1 of the operation before are checked where it was made; this is about memory.
 */
static void check_atoms(const run *r)
{
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const atom_box *box = r->atoms[i];
        if (box && (box->io.fd != r->shadow[i].fd || box->io.proc != r->shadow[i].proc)) {
            violation("IO-MEM-2", "the library wrote to a%d", i);
        }
    }
}

void run_operation(run *r, const op *o, int callback_of)
{
    r->executed++;
    report_operation(r->executed, o, callback_of);
    trace_add(TRACE_OPERATION, o->code, callback_of);
    op_run(r, o);
    check_atoms(r);
    check_invariants(r);
    run_observe(r);
}

static void execute(run *r, const op_list *list, int callback_of)
{
    for (unsigned i = 0; i < list->count && r->executed < r->budget; i++) {
        run_operation(r, &list->ops[i], callback_of);
    }
}

void run_handler(run *r, int atom, int flags)
{
    r->told = flags;
    r->told_to = atom;
    execute(r, &r->program->callback[atom], atom);
    if (r->executed < r->budget) {
        handle_accepted(r, atom);
    }
    r->told = 0;
}

void run_callback(io_poller *poller, io_atom *atom, int flags)
{
    run *r = (run *)(void *)((char *)poller - offsetof(run, poller));
    atom_box *box = io_resolve_parent(atom, atom_box, io);
    int index = box->index;
    if (r->atoms[index] != box) {
        violation("IO-REMOVE-1", "a callback of memory that is no atom");
    }
    int suspended = library_suspend();
    trace_add(TRACE_CALLED, index, flags | (r->model.atoms[index].interest & MODEL_ONESHOT));
    check_invariants(r);
    run_observe(r);
    model_called(&r->model, index, flags);
    run_handler(r, index, flags);
    model_returned(&r->model, index, flags);
    trace_add(TRACE_RETURNED, index, 0);
    library_resume(suspended);
}

void run_dispatch(run *r)
{
    r->taken_away = 0;
    model_dispatch_begin(&r->model);
    trace_add(TRACE_DISPATCH, 0, 0);
    int (*by)(io_poller *poller) = RUN_IS_HOOKED ? run_hooked.dispatch : io_dispatch;
    int result = LIBRARY(by(&r->poller));
    run_observe(r);
    model_check_dispatch(&r->model, result, !r->taken_away);
}

/* In every other program, by its length, number 0 is not the poller's own: then the program has it, or
 * a set that is made anew. A poller that is made again has the number of the one before, and not one
 * that an atom of the program may still have. */
static int take_number_0(const run *r)
{
    int lowest = r->program->main.count % 2 ? env_take_lowest() : -1;
    if (lowest > r->env.base) {
        KERNEL(close)(lowest);
        return -1;
    }
    return lowest;
}

void run_init_poller(run *r)
{
    size_t size = io_poller_storage_size(r->config->types, ENV_LIMIT);
    r->storage = realloc(r->storage, size);
    memset(r->storage, DIRT, size);
    int lowest = take_number_0(r);
    int result;
    do {
        result = LIBRARY(io_poller_init_in(&r->poller, r->config->types, r->storage, size));
        int error = faults_error(FAULT_OTHER);
        int expected = error == EPERM ? -ENOSYS : -error; /* not offered by a sandbox (IO-INIT-4) */
        if (result != expected) {
            violation(error ? "IO-INIT-4" : "IO-INIT-1",
                      "io_poller_init_in returned %d, expected %d", result, expected);
        }
    } while (result < 0);
    if (lowest >= 0) {
        KERNEL(close)(lowest);
    }
}

int run_dispose(run *r)
{
    int left = kernel_left_polls();
    int result = LIBRARY(io_poller_dispose(&r->poller));
    int is_refused = faults_error(FAULT_OTHER) || (r->strayed && faults_lingered());
    if (result == 0 && !is_refused && kernel_left_polls() > left) {
        violation("IO-URING-1", "io_poller_dispose leaves polls that keep files open");
    }
    return result;
}

/* The program is over: what is owed comes, then it is quiet. */
static void come_to_rest(run *r)
{
    enum { ROUNDS = 8 };
    int quiet = 0;
    report_operation(0, NULL, -1);
    faults_end();
    r->budget = 0; /* callbacks do nothing from here on */
    trace_add(TRACE_OPERATION, OP_CODES, -1);
    for (int round = 0; round < ROUNDS; round++) {
        quiet |= run_wait(r, 0) == 0; /* TCP may still send an edge of its own, once */
        run_dispatch(r);
    }
    check_invariants(r);
    if (!quiet && r->model.edge && !run_has_strays(r)) {
        violation("IO-EDGE-5", "each of %d waits found something, though nothing happens", ROUNDS);
    }
}

void run_begin(run *r, const program *p, const config *c)
{
    memset(r, 0, offsetof(run, poller));
    r->program = p;
    r->config = c;
    r->budget = BUDGET;
    r->events = (env_events){.context = r, .opened = on_opened, .closed = on_closed};
    report_begin(p, c->name);
    trace_begin();
    env_begin(&r->env);
    r->before = kernel_calls_made();
    faults_begin();
    model_init(&r->model, c->types, ENV_LIMIT);
    if (RUN_IS_HOOKED) {
        run_hooked.begin(r);
    }
    run_init_poller(r);
}

void run_end(run *r)
{
    report_operation(0, NULL, -1);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        if (r->atoms[i] && r->model.atoms[i].registered) {
            model_check_set(&r->model, i, 0, LIBRARY(io_set(&r->poller, &r->atoms[i]->io, 0)), 0);
        }
    }
    run_observe(r);
    /* Sleeping costs time: one program in sixteen, chosen by its length. */
    int last = run_wait(r, r->program->main.count % 16 == 15 ? 1 : 0);
    if (last > 0) {
        violation("IO-EVENT-7", "io_wait returned %d, but no atom has an interest", last);
    }
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        op_free_atom(r, i);
    }
    if (run_wait(r, 0) != 0) {
        violation("IO-REMOVE-2", "something is pending with no atom registered");
    }
    if (run_dispose(r) != 0) {
        violation("IO-INIT-10", "io_poller_dispose failed");
    }
    trace_add(TRACE_KERNEL, (int32_t)(kernel_calls_made().waits - r->before.waits),
              (int32_t)(kernel_calls_made().controls - r->before.controls));
    if (!env_end(&r->env)) {
        violation("IO-INIT-10", "a descriptor leaked");
    }
    free(r->storage);
}

void run_program(const program *p, const config *c)
{
    static run r; /* large */
    run_begin(&r, p, c);
    execute(&r, &p->main, -1);
    come_to_rest(&r);
    run_end(&r);
}
