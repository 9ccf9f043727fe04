/* What the operations of a program do about faults, and those that plan them. */
#include "facts.h"
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "ops.h"
#include "report.h"

#include <errno.h>
#include <poll.h>

void op_fault(run *r, const op *o)
{
    switch (o->code) {
    case OP_FAIL:
        faults_plan_failure(o->a + 1u, o->arg);
        break;
    case OP_SHORT:
        faults_plan_short();
        break;
    case OP_EARLY:
        faults_plan_early();
        break;
    case OP_LATE:
        faults_plan_late();
        break;
    default:
        faults_plan_spurious(env_fd(&r->env, o->a));
        break;
    }
}

void op_renew(run *r, const op *o)
{
    (void)o;
    facts_trace(&r->model, FACTS_NO_WAIT);
    int result = LIBRARY(io_poller_after_fork(&r->poller));
    if (run_refused(r, result, "IO-FORK-3")) {
        return;
    }
    model_check_renew(&r->model, result, kernel_was_full());
    fault_note_leftovers(r);
    if (result == 0) {
        r->strayed = run_has_strays(r); /* the set is new */
    }
}

/* It failed, perhaps: the set has more than it should, until it is made anew. */
void fault_note_leftovers(run *r)
{
    r->strayed |= faults_error(FAULT_OTHER) != 0;
}

/* Nothing is left of an atom that was not added (IO-ADD-10): io_set does not know it. It is added
 * again, so that the rest of the program is about what it was about. */
int fault_add_again(run *r, int atom, int result)
{
    if (result >= 0 || !model_is_injected(result) || r->model.atoms[atom].registered) {
        return 0;
    }
    int unknown = LIBRARY(io_set(&r->poller, &r->atoms[atom]->io, 0));
    if (unknown != -ENOENT) {
        violation("IO-ADD-10", "io_add returned %d, and then io_set %d", result, unknown);
    }
    return 1;
}

void fault_check_transfer(const char *clause, int result)
{
    int error = faults_error(FAULT_TRANSFER);
    if (error && error != EINTR && result != -error) {
        violation(clause, "it returned %d after the system call failed with %d", result, error);
    }
}

/* The number of a closed descriptor that is still registered, or one beyond the poller's table; or
 * the kernel has no more. */
int fault_is_program(const run *r, int result)
{
    return (result == -EEXIST && run_has_strays(r)) || result == -ERANGE || kernel_was_full();
}

/* A connection that waits is taken, unless something failed. */
void fault_check_accept(const run *r, int listener, int poll_bits, int result)
{
    int error = faults_error(FAULT_ACCEPT);
    if (env_kind(&r->env, listener) != KIND_LISTENER || (poll_bits & POLLHUP)) {
        return; /* not one, or no longer: it was shut down */
    }
    if (result == -EAGAIN && (poll_bits & POLLIN)) {
        violation("IO-SOCKET-3", "io_socket_accept returned -EAGAIN with a connection waiting");
    }
    int is_short = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
    if (is_short && !(poll_bits & POLLIN) && result != -EAGAIN && !faults_error(FAULT_OTHER)) {
        violation("IO-SOCKET-3", "io_socket_accept returned %d with no connection waiting", result);
    }
    if (result < 0 && result != -EAGAIN && !fault_is_program(r, result) &&
        !model_is_injected(result)) {
        violation("IO-SOCKET-6", "io_socket_accept returned %d", result);
    }
    if (result >= 0 && error && error != EINTR && error != ECONNABORTED) {
        violation("IO-SOCKET-4", "io_socket_accept returned %d after accept failed with %d", result,
                  error);
    }
}

/* Whatever went wrong, the descriptor is closed and the atom is not registered (IO-CLOSE-11). */
int fault_close_result(int was_open)
{
    int error = faults_error(FAULT_CLOSE);
    if (!was_open) {
        return -EBADF;
    }
    return error == EINTR ? 0 : -error;
}
