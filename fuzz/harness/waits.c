#define _GNU_SOURCE
#include "waits.h"

#include "facts.h"
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>

enum {
    MAX_SLEEPS = 2,
    ALARMED_MS = 5050, /* no multiple of the 100 ms after which poll looks again */
    QUEUED_CONNECTS = 16
};

static uint64_t now_ns(void)
{
    struct timespec now;
    KERNEL(clock_gettime)(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int is_unlimited(int timeout_ms)
{
    return timeout_ms < 0 || timeout_ms == INT_MAX;
}

/* What the poller opened is not for children, also after it was made anew (IO-CLOSE-4). */
static void check_own_descriptor(run *r)
{
    int fd = io_poller_fd(&r->poller);
    if (r->model.has_set && !(r->config->types & IO_POLLER_URING) && fd < 0) {
        violation("IO-INIT-8", "io_poller_fd returned %d", fd);
    }
    if (fd >= 0 && !(KERNEL(fcntl)(fd, F_GETFD) & FD_CLOEXEC)) {
        violation("IO-INIT-9", "the poller's descriptor stays open in a child");
    }
}

/* Whether somebody who watches the poller's descriptor would call io_wait now. */
static int is_shown(const run *r)
{
    int fd = io_poller_fd(&r->poller);
    struct pollfd own = {.fd = fd, .events = POLLIN};
    return fd < 0 || kernel_poll_now(&own, 1) > 0;
}

/* The lowest RLIMIT_NOFILE that takes nothing away that the program, or the poller, has. Of no more
 * descriptors may poll(2) be asked. (epoll may have to make a set.) */
static int least_limit(const run *r)
{
    int limit = 0;
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        limit = r->env.numbers[fd].open ? fd + 1 : limit;
    }
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        limit = a->registered && a->fd >= limit ? a->fd + 1 : limit;
    }
    return r->model.has_set ? -1 : limit;
}

static int wait_in_library(run *r, int timeout_ms)
{
    faults_begin_wait(run_has_strays(r));
    kernel_limit(least_limit(r));
    int result = io_wait(&r->poller, timeout_ms);
    kernel_limit(-1);
    return result;
}

/* Whether there is a reason to make the set anew. To io_uring it is none that a registered descriptor was
 * closed: its poll is known by its data. */
static int may_make_set(const run *r)
{
    return r->config->types & IO_POLLER_URING ? faults_any() || kernel_was_full() : r->strayed;
}

/* A set that is made anew, also since the kernel has lost something, has all that it should have, and
 * nothing of the old one is left. */
static void check_new_set(run *r, int result, unsigned creations, int left_polls)
{
    int lost = program_errors[ERROR_EBADR];
    unsigned losses = (unsigned)faults_has(FAULT_OTHER, lost);
    if (result == -lost) {
        violation("IO-LOST-1", "io_wait returned %d: what the kernel has lost is made up for",
                  result);
    }
    if (faults_is_late() || faults_count() > losses) {
        return; /* something else has gone wrong, too */
    }
    if (creations > 1 + losses) {
        violation("IO-CLOSE-4", "io_wait made its set anew %u times", creations);
    }
    if (kernel_left_polls() > left_polls && !faults_lingered()) {
        violation("IO-URING-1",
                  "io_wait leaves polls that keep files open in rings that it closed");
    }
    if (creations > 0) {
        r->strayed = run_has_strays(r);
    }
}

int run_wait(run *r, int timeout_ms)
{
    run_observe(r);
    int is_news = r->model.pending == 0 && !r->strayed && !faults_any() && !is_shown(r);
    model_wait_begin(&r->model);
    kernel_calls before = kernel_calls_made();
    int left_polls = kernel_left_polls();
    uint64_t start = now_ns();
    int result = LIBRARY(wait_in_library(r, timeout_ms));
    uint64_t end = now_ns();
    fault_note_leftovers(r);
    kernel_calls after = kernel_calls_made();
    int endless = kernel_is_simulated() && result == -EDEADLK;
    model_wait wait = {
        .timeout_ms = timeout_ms,
        .unlimited = is_unlimited(timeout_ms),
        .endless = endless,
        .result = endless ? 0 : result,
        .elapsed_ns = end - start,
        .late_ns = kernel_is_simulated() && !faults_is_late() ? 0 : UINT64_MAX / 2,
        .kernel_waits = after.waits - before.waits,
        .blocking_waits = after.blocking_waits - before.blocking_waits,
        .creations = may_make_set(r) ? 0 : after.creations - before.creations,
        .interrupted = after.interrupted != before.interrupted || faults_has(FAULT_ANYWHERE, EINTR),
        .failed = faults_error(FAULT_WAIT),
        .refused = faults_has(FAULT_OTHER, EMFILE)   ? EMFILE
                   : faults_has(FAULT_OTHER, ENFILE) ? ENFILE
                                                     : 0,
        .refused_other = faults_error(FAULT_OTHER),
        .faults = faults_count(),
        .late = faults_is_late(),
        .spurious_fd = faults_spurious(),
    };
    run_observe(r);
    model_check_wait(&r->model, &wait);
    check_new_set(r, result, after.creations - before.creations, left_polls);
    facts_trace(&r->model, wait.elapsed_ns / 1000000u);
    check_own_descriptor(r);
    if (is_news && wait.result > 0 && wait.faults == 0 && wait.blocking_waits == 0) {
        violation("IO-INIT-8", "the poller's descriptor did not show what io_wait has found");
    }
    return wait.result;
}

/* A hang-up or an error was there, or may come while we wait, or another file may have one: poll looks
 * at such a descriptor again and again, and never blocks for ever. (The connection that a full listener
 * leaves waiting may be refused in the end.) */
static int may_rest(const run *r)
{
    int alarmed = r->env.connects > QUEUED_CONNECTS || run_has_strays(r);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        alarmed |= r->model.atoms[i].registered && r->model.atoms[i].alarmed;
    }
    return alarmed;
}

static int timeout_of(run *r, wait_span span)
{
    static const int unlimited[] = {-1, INT_MAX, INT_MIN};
    int simulated = kernel_is_simulated();
    switch (span) {
    case WAIT_LONG:
        return !simulated ? 2 : may_rest(r) ? ALARMED_MS : INT_MAX - 1;
    case WAIT_FOREVER:
        if (simulated ? may_rest(r) : !model_must_return(&r->model)) {
            return 2;
        }
        return unlimited[r->executed % 3];
    default:
        return (int)span;
    }
}

void wait_run(run *r, const op *o)
{
    wait_span span = o->arg;
    if (r->model.dispatching) {
        run_refused(r, LIBRARY(io_wait(&r->poller, timeout_of(r, span))), "IO-WAIT-8");
        return;
    }
    r->sleeps += span != WAIT_0;
    run_wait(r, r->sleeps > MAX_SLEEPS ? 0 : timeout_of(r, span));
}
