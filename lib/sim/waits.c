/* poll and select (kernel-semantics: 1 to 19, 35, 42, 43, 46), and what all waits have in common. */
#include "kernel.h"

#include <limits.h>

enum { MS_NS = 1000000, US_NS = 1000, WORD_BITS = sizeof(unsigned long) * CHAR_BIT };

int64_t io_sim_timeout_ns(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : (int64_t)timeout_ms * MS_NS;
}

/* The faults: the time is over too early, or what came is noticed too late. */
int io_sim_wait(io_sim *sim, int64_t timeout_ns, io_sim_look look, void *context)
{
    uint64_t deadline_ns = io_sim_deadline(sim, timeout_ns);
    uint64_t late_ns = sim->fault.late_ns;
    int over = timeout_ns == 0;
    if (deadline_ns != IO_SIM_NEVER) {
        uint64_t span_ns = deadline_ns - sim->now_ns;
        deadline_ns -= sim->fault.early_ns < span_ns ? sim->fault.early_ns : span_ns;
    }
    for (;;) {
        if (late_ns > 0 && (over || look(sim, context, 1) > 0)) {
            (void)io_sim_advance(sim, late_ns);
            late_ns = 0;
        }
        int count = look(sim, context, 0);
        if (count != 0 || over) {
            return count;
        }
        int r = io_sim_block(sim, deadline_ns);
        over = r == -ETIMEDOUT;
        if (r < 0 && !over) {
            return r;
        }
    }
}

typedef struct poll_call {
    struct pollfd *fds;
    nfds_t count;
} poll_call;

static int look_poll(io_sim *sim, void *context, int peek)
{
    const poll_call *call = context;
    int found = 0;
    (void)peek; /* it changes nothing */
    for (nfds_t i = 0; i < call->count; i++) {
        struct pollfd *entry = &call->fds[i];
        const io_sim_file *file = io_sim_file_of(sim, entry->fd);
        int wanted = (unsigned short)entry->events | IO_SIM_ALARMS;
        int mask = 0;
        if (file) {
            mask = io_sim_mask(sim, io_sim_file_index(sim, file), entry->fd, wanted) & wanted;
        } else if (entry->fd >= 0) {
            mask = POLLNVAL;
        }
        entry->revents = (short)mask;
        found += mask != 0;
    }
    return found;
}

int io_sim_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_POLL, -1);
    poll_call call = {fds, count};
    if (!sim) {
        return -1;
    }
    if (count > (nfds_t)sim->fd_limit) {
        return io_sim_return(-EINVAL);
    }
    return io_sim_return(io_sim_wait(sim, io_sim_timeout_ns(timeout_ms), look_poll, &call));
}

int io_sim_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_PPOLL, -1);
    poll_call call = {fds, count};
    (void)mask;
    if (!sim) {
        return -1;
    }
    if (count > (nfds_t)sim->fd_limit || (timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
                                                      timeout->tv_nsec >= 1000000000))) {
        return io_sim_return(-EINVAL);
    }
    int64_t timeout_ns = timeout ? (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec : -1;
    return io_sim_return(io_sim_wait(sim, timeout_ns, look_poll, &call));
}

enum { SETS = 3, SET_WORDS = IO_SIM_FDS / WORD_BITS };

typedef struct select_call {
    unsigned long *sets[SETS]; /* null: not asked for */
    unsigned long found[SETS][SET_WORDS];
    int end;
} select_call;

static const int select_bits[SETS] = {
    IO_SIM_IN | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL,
    IO_SIM_OUT | POLLWRBAND | POLLERR | POLLNVAL,
    POLLPRI | POLLNVAL,
};

static int is_in(const unsigned long *set, int fd)
{
    return set && (set[fd / (int)WORD_BITS] >> fd % (int)WORD_BITS & 1);
}

/* An O_PATH descriptor is invalid, and that is everything at once; one that was closed is an error
 * of the call, but only while it begins. */
static int look_select(io_sim *sim, void *context, int peek)
{
    select_call *call = context;
    int found = 0;
    (void)peek;
    memset(call->found, 0, sizeof(call->found));
    for (int fd = 0; fd < call->end; fd++) {
        int asked = 0;
        for (int i = 0; i < SETS; i++) {
            asked |= is_in(call->sets[i], fd) ? select_bits[i] : 0;
        }
        if (!asked) {
            continue;
        }
        const io_sim_file *file = io_sim_file_of(sim, fd);
        int mask = file ? io_sim_mask(sim, io_sim_file_index(sim, file), fd, asked) : POLLNVAL;
        for (int i = 0; i < SETS; i++) {
            if (is_in(call->sets[i], fd) && (mask & select_bits[i])) {
                call->found[i][fd / (int)WORD_BITS] |= 1ul << fd % (int)WORD_BITS;
                found++;
            }
        }
    }
    return found;
}

static int check_sets(io_sim *sim, const select_call *call)
{
    for (int fd = 0; fd < call->end; fd++) {
        for (int i = 0; i < SETS; i++) {
            if (is_in(call->sets[i], fd) && !io_sim_any_file_of(sim, fd)) {
                return -EBADF;
            }
        }
    }
    return 0;
}

static int run_select(io_sim *sim, select_call *call, struct timeval *timeout)
{
    int64_t timeout_ns = -1;
    if (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)) {
        return -EINVAL;
    }
    if (timeout) {
        timeout_ns = (int64_t)timeout->tv_sec * 1000000000 + (int64_t)timeout->tv_usec * US_NS;
    }
    uint64_t deadline_ns = io_sim_deadline(sim, timeout_ns);
    int r = check_sets(sim, call);
    int count = r < 0 ? r : io_sim_wait(sim, timeout_ns, look_select, call);
    if (timeout) { /* what is left of it */
        uint64_t left_ns = deadline_ns > sim->now_ns ? deadline_ns - sim->now_ns : 0;
        timeout->tv_sec = (time_t)(left_ns / 1000000000u);
        timeout->tv_usec = (suseconds_t)(left_ns % 1000000000u / US_NS);
    }
    return count;
}

int io_sim_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_SELECT, -1);
    select_call call = {
        .sets = {(unsigned long *)in, (unsigned long *)out, (unsigned long *)except}};
    if (!sim) {
        return -1;
    }
    if (end < 0) {
        return io_sim_return(-EINVAL);
    }
    call.end =
        end < IO_SIM_FDS ? end : IO_SIM_FDS; /* Linux, too, looks no further than its table */
    int count = run_select(sim, &call, timeout);
    size_t words = ((size_t)call.end + WORD_BITS - 1) / WORD_BITS;
    for (int i = 0; i < SETS && count >= 0; i++) {
        if (call.sets[i]) {
            memcpy(call.sets[i], call.found[i], words * sizeof(unsigned long));
        }
    }
    return io_sim_return(count);
}
