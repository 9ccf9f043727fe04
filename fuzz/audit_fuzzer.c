/*
 * Fuzzes the audit layer on the simulated kernel: dispatch_fuzzer's programs and model, with
 * io_audit_dispatch in the place of io_dispatch, of which the model must see no difference
 * (IO-AUDIT-1), and an oracle for the findings. What a callback surely left has to be reported, what
 * it surely did not leave must not be (IO-AUDIT-2 to IO-AUDIT-6, IO-AUDIT-8). In between is EAGAIN
 * that came before the callback: the model does not know which wait found a flag.
 *
 * By what is judged, and whether an atom is freed as soon as it is reported, depends on the program.
 */
#define _GNU_SOURCE
#include <ioatom/sim.h>

#include "harness/entry.h"
#include "harness/library.h"
#include "harness/ops.h"
#include "harness/report.h"
#include "harness/run.h"

#include <ioatom/audit.h>
#include <poll.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = IO_AUDIT_CLOSED + 1 };

/* Of each atom: flags that met EAGAIN, or all if it was asked for again, since its latest callback. */
static int answered[PROGRAM_ATOMS];

/* The program plans failures: what the kernel refuses to tell is not reported (IO-AUDIT-12). */
static int may_be_refused;

/* The latest callback. */
static struct {
    int atom; /* -1: none, or it has been judged */
    int told;
    int before;     /* flags that met EAGAIN since the callback before it, */
    int during;     /* and in it, or that were asked for again there */
    int due[KINDS]; /* flags that have to be reported; IO_AUDIT_CLOSED: not 0 */
} latest = {.atom = -1};

static int is_portable(const run *r)
{
    return r->program->main.count % 2;
}

static int is_freed_when_found(const run *r)
{
    return r->program->main.count / 2 % 4 == 0;
}

static void forget_due(void)
{
    latest.due[IO_AUDIT_LEFT_READY] = latest.due[IO_AUDIT_NOT_NOTED] = 0;
    latest.due[IO_AUDIT_CLOSED] = 0;
    latest.atom = -1;
}

static void check_due(void)
{
    static const char *const clauses[KINDS] = {[IO_AUDIT_LEFT_READY] = "IO-AUDIT-3",
                                               [IO_AUDIT_NOT_NOTED] = "IO-AUDIT-4",
                                               [IO_AUDIT_CLOSED] = "IO-AUDIT-6"};
    for (int kind = 0; kind < KINDS; kind++) {
        if (latest.due[kind]) {
            violation(clauses[kind], "a%d is not reported as %s, flags %d", latest.atom,
                      io_audit_name(kind), latest.due[kind]);
        }
    }
    forget_due();
}

/* Flags that wait for being read, and not only because of an end or an error. */
static int waiting_flags(int bits)
{
    int is_end = bits & (POLLRDHUP | POLLHUP | POLLERR);
    return (bits & POLLIN && !is_end ? IO_READ : 0) | (bits & POLLPRI ? IO_EXCEPT : 0);
}

static void expect(const run *r, const model_atom *a, int left)
{
    if (a->life != LIFE_OPEN) {
        latest.due[IO_AUDIT_CLOSED] = !run_fd_is_open(a->fd);
        return;
    }
    int inputs = IO_READ | IO_EXCEPT;
    if (is_portable(r)) {
        latest.due[IO_AUDIT_LEFT_READY] = left & a->ready;
        latest.due[IO_AUDIT_NOT_NOTED] = left & ~a->ready;
    } else {
        latest.due[IO_AUDIT_LEFT_READY] = r->model.edge ? left & waiting_flags(a->bits) : 0;
        latest.due[IO_AUDIT_NOT_NOTED] = r->model.emulated ? left & inputs & ~a->ready : 0;
    }
}

static void on_called(int index, int flags)
{
    check_due();
    latest.atom = index;
    latest.told = flags;
    latest.before = answered[index];
    answered[index] = 0;
}

/* told is 0 in another registration than that which was called. */
static void on_returned(const run *r, int index)
{
    const model_atom *a = &r->model.atoms[index];
    latest.during = answered[index];
    if (a->registered && a->told && !may_be_refused) {
        expect(r, a, latest.told & a->interest & ~latest.before & ~latest.during);
    }
}

static void notice(void *context, model_event event, int atom, int flags)
{
    const run *r = context;
    if (event == MODEL_ADDED) {
        answered[atom] = 0;
    } else if (event == MODEL_AGAIN || event == MODEL_SET) {
        answered[atom] |= event == MODEL_SET ? MODEL_EVENTS : flags;
    } else if (event == MODEL_TOLD && r->model.dispatching) {
        on_called(atom, flags);
    } else if (event == MODEL_RETURNED) {
        on_returned(r, atom);
    }
}

static void check_kernels_word(const run *r, const io_audit_finding *f, const model_atom *a)
{
    int is_left = f->kind == IO_AUDIT_LEFT_READY;
    if (f->kind == IO_AUDIT_CLOSED || (is_left ? f->left & ~a->ready : f->left & a->ready)) {
        violation("IO-AUDIT-8", "flags %d are said to be %s, but %d are ready", f->left,
                  io_audit_name(f->kind), a->ready);
    }
    int is_here = is_left ? r->model.edge : r->model.emulated;
    if (!is_portable(r) && (!is_here || (f->left & IO_WRITE))) {
        violation("IO-AUDIT-5", "%s, flags %d, is no mistake here", io_audit_name(f->kind),
                  f->left);
    }
    int expected = (int)env_left(&r->env, a->fd);
    if (is_left && (f->left & IO_READ) && expected > 0 && f->left_bytes != expected) {
        violation("IO-AUDIT-8", "%d bytes are said to be left, and not %d", f->left_bytes,
                  expected);
    }
}

static void check_finding(const run *r, const io_audit_finding *f, int index)
{
    const model_atom *a = &r->model.atoms[index];
    int is_closed = f->kind == IO_AUDIT_CLOSED;
    if (f->kind < IO_AUDIT_LEFT_READY || f->kind > IO_AUDIT_CLOSED ||
        f->kind == IO_AUDIT_FORGOTTEN || index != latest.atom || !a->registered || !a->told) {
        violation("IO-AUDIT-2", "a%d is reported, kind %d", index, f->kind);
    }
    if (f->proc != f->atom->proc || f->fd != f->atom->fd || f->told != latest.told ||
        f->interest != a->interest || (f->left == 0) != is_closed ||
        (f->left & ~(f->told & f->interest))) {
        violation("IO-AUDIT-8", "kind %d of descriptor %d: told %d, interest %d, left %d", f->kind,
                  f->fd, f->told, f->interest, f->left);
    }
    if (f->left & latest.during) {
        violation("IO-AUDIT-2", "flags %d met EAGAIN or were asked for again, and are %s", f->left,
                  io_audit_name(f->kind));
    }
    if (a->life == LIFE_OPEN) {
        check_kernels_word(r, f, a);
    }
}

static void on_finding(void *context, const io_audit_finding *f)
{
    run *r = context;
    int suspended = library_suspend();
    int index = io_resolve_parent(f->atom, atom_box, io)->index;
    check_finding(r, f, index);
    latest.due[f->kind] &= f->kind == IO_AUDIT_CLOSED ? 0 : ~f->left;
    if (is_freed_when_found(r)) {
        op_free_atom(r, index);
        forget_due();
    }
    library_resume(suspended);
}

static int dispatch(io_poller *poller)
{
    run *r = (run *)(void *)((char *)poller - offsetof(run, poller));
    io_audit audit;
    int options = is_portable(r) ? IO_AUDIT_PORTABLE : IO_AUDIT_HERE;
    forget_due();
    int result = io_audit_begin(&audit, poller, options, on_finding, r);
    result = result < 0 ? result : io_audit_dispatch(&audit);
    check_due();
    return result;
}

static void begin(run *r)
{
    memset(answered, 0, sizeof(answered));
    may_be_refused = program_has(r->program, OP_FAIL);
    forget_due();
    r->model.watcher = (model_watcher){.context = r, .notice = notice};
}

const run_hooks run_hooked = {.begin = begin, .dispatch = dispatch};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entry_run(data, size);
    return 0;
}
