#include "faults.h"

#include <errno.h>
#include <string.h>

enum { EARLY_NS = 700000, LATE_NS = 5000000 };

typedef struct failure {
    unsigned left; /* calls that can fail so, up to and with the one that does */
    error_code error;
} failure;

static struct {
    failure failures[FAULTS_PLANNED];
    unsigned count;
    int is_over, has_left;
    int has_failed; /* some call has, in this run */
    int has_lingered;
    int is_short, is_early, is_late, spurious_fd;
} planned = {.is_over = 1, .spurious_fd = -1};

static struct {
    unsigned calls;                 /* in which something went wrong, */
    unsigned count;                 /* and those that failed: */
    int groups[FAULTS_PLANNED + 1]; /* one more for the sweep's */
    int errors[FAULTS_PLANNED + 1];
    int is_wait, has_closed, is_short, is_late, spurious_fd;
    int is_ending; /* the end of a poll that was cancelled comes late, and is waited for */
    int makes_set; /* a set has been waited for or made: what follows is about making it anew */
} met = {.spurious_fd = -1};

static struct {
    unsigned call; /* 0: no sweep */
    error_code error;
    int came;
    unsigned calls;
    uint16_t errors[FAULTS_CALLS];
    uint8_t kinds[FAULTS_CALLS];
} sweep;
_Static_assert(ERROR_CODES <= 16, "a set of errors has 16 bits");

void faults_begin(void)
{
    memset(&planned, 0, sizeof(planned));
    planned.spurious_fd = -1;
    sweep.calls = 0;
    sweep.came = 0;
    faults_begin_call();
}

void faults_end(void)
{
    planned.is_over = 1;
    faults_begin_call();
}

void faults_plan_failure(unsigned nth, error_code error)
{
    if (planned.count < FAULTS_PLANNED) {
        planned.failures[planned.count++] = (failure){.left = nth, .error = error};
    }
}

void faults_plan_short(void)
{
    planned.is_short = 1;
}

void faults_plan_early(void)
{
    planned.is_early = 1;
}

void faults_plan_late(void)
{
    planned.is_late = 1;
}

void faults_plan_spurious(int fd)
{
    planned.spurious_fd = fd;
}

void faults_begin_call(void)
{
    planned.is_short &= !met.is_short; /* one call of the library may try it twice: send, write */
    met.calls = met.count = 0;
    met.is_wait = met.has_closed = met.is_short = met.is_late = met.is_ending = met.makes_set = 0;
    met.spurious_fd = -1;
}

void faults_begin_wait(int has_closed)
{
    met.is_wait = 1;
    met.has_closed = has_closed;
}

unsigned faults_count(void)
{
    return met.calls;
}

int faults_has(int groups, int error)
{
    for (unsigned i = 0; i < met.count; i++) {
        if ((met.groups[i] & groups) && met.errors[i] == error) {
            return 1;
        }
    }
    return 0;
}

int faults_error(fault_group group)
{
    int error = 0;
    for (unsigned i = 0; i < met.count; i++) {
        error = met.groups[i] & (int)group ? met.errors[i] : error;
    }
    return error;
}

int faults_first(fault_group group)
{
    int error = 0;
    for (unsigned i = 0; i < met.count && (error == 0 || error == EINTR); i++) {
        error = met.groups[i] & (int)group ? met.errors[i] : error;
    }
    return error;
}

int faults_any(void)
{
    return planned.has_failed;
}

int faults_lingered(void)
{
    return planned.has_lingered;
}

int faults_is_late(void)
{
    return met.is_late;
}

int faults_spurious(void)
{
    return met.spurious_fd;
}

int faults_take_left(void)
{
    int left = planned.has_left;
    planned.has_left = 0;
    return left;
}

unsigned faults_calls(void)
{
    return sweep.calls;
}

unsigned faults_errors_of(unsigned call)
{
    return sweep.errors[call - 1];
}

void faults_sweep(unsigned call, error_code error)
{
    sweep.call = call;
    sweep.error = error;
}

int faults_was_swept(void)
{
    return sweep.came;
}

#ifdef IO_OS_SIM

#define BIT(name) (1u << ERROR_##name)

/* What each system call can fail with, whatever its arguments: as the manual pages of Linux, and
 * FreeBSD's of kevent, have it.
 * What it fails with for what the descriptor is or was, the simulated kernel does by itself. */
static const struct {
    const char *name;
    fault_group group;
    unsigned errors;
} kinds[IO_SIM_CALL_KINDS] = {
    [IO_SIM_CALL_ANY] = {"none", FAULT_OTHER, 0},
    [IO_SIM_CALL_READ] = {"read", FAULT_TRANSFER, BIT(EINTR) | BIT(ENOMEM) | BIT(EIO)},
    [IO_SIM_CALL_WRITE] = {"write", FAULT_TRANSFER,
                           BIT(EINTR) | BIT(ENOMEM) | BIT(ENOBUFS) | BIT(EPERM) | BIT(EIO)},
    [IO_SIM_CALL_OPEN] = {"socket", FAULT_OTHER, BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM)},
    [IO_SIM_CALL_CLOSE] = {"close", FAULT_CLOSE, BIT(EINTR) | BIT(EIO)},
    [IO_SIM_CALL_DUP] = {"dup", FAULT_OTHER, BIT(EINTR) | BIT(EMFILE) | BIT(ENOMEM)},
    [IO_SIM_CALL_FCNTL] = {"fcntl", FAULT_OTHER, 0}, /* F_GETFL */
    [IO_SIM_CALL_FSTAT] = {"fstat", FAULT_OTHER, BIT(ENOMEM)},
    [IO_SIM_CALL_BIND] = {"bind", FAULT_OTHER, BIT(ENOMEM)},
    [IO_SIM_CALL_LISTEN] = {"listen", FAULT_OTHER, BIT(ENOBUFS)},
    [IO_SIM_CALL_CONNECT] = {"connect", FAULT_OTHER, BIT(EINTR) | BIT(EPERM) | BIT(ENOBUFS)},
    [IO_SIM_CALL_ACCEPT] = {"accept4", FAULT_ACCEPT,
                            BIT(EINTR) | BIT(ECONNABORTED) | BIT(EMFILE) | BIT(ENFILE) |
                                BIT(ENOMEM) | BIT(ENOBUFS) | BIT(EPERM)},
    [IO_SIM_CALL_SHUTDOWN] = {"shutdown", FAULT_OTHER, 0},
    [IO_SIM_CALL_OPTION] = {"getsockopt", FAULT_OTHER, 0},
    [IO_SIM_CALL_UNLINK] = {"unlink", FAULT_OTHER, BIT(EIO)},
    [IO_SIM_CALL_POLL] = {"poll", FAULT_WAIT, BIT(EINTR) | BIT(ENOMEM)},
    [IO_SIM_CALL_SELECT] = {"select", FAULT_WAIT, BIT(EINTR) | BIT(ENOMEM) | BIT(EBADF)},
    [IO_SIM_CALL_EPOLL_CREATE] = {"epoll_create1", FAULT_OTHER,
                                  BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM) | BIT(EPERM)},
    [IO_SIM_CALL_EPOLL_CTL] = {"epoll_ctl", FAULT_OTHER,
                               BIT(ENOMEM) | BIT(ENOSPC) | BIT(EBADF) | BIT(EPERM)},
    [IO_SIM_CALL_EPOLL_WAIT] = {"epoll_wait", FAULT_WAIT, BIT(EINTR) | BIT(EBADF)},
    [IO_SIM_CALL_KQUEUE] = {"kqueue", FAULT_OTHER, BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM)},
    [IO_SIM_CALL_KEVENT] = {"kevent", FAULT_WAIT, BIT(EINTR) | BIT(ENOMEM)},
    [IO_SIM_CALL_KEVENT_CHANGES] = {"kevent, all changes", FAULT_OTHER, BIT(EINTR) | BIT(ENOMEM)},
    [IO_SIM_CALL_KEVENT_CHANGE] = {"kevent, a change", FAULT_OTHER, BIT(ENOMEM)},
    [IO_SIM_CALL_PPOLL] = {"ppoll", FAULT_WAIT, BIT(EINTR) | BIT(ENOMEM)},
    [IO_SIM_CALL_MMAP] = {"mmap", FAULT_OTHER, BIT(ENOMEM)},
    [IO_SIM_CALL_MUNMAP] = {"munmap", FAULT_OTHER, 0},
    [IO_SIM_CALL_URING_SETUP] = {"io_uring_setup", FAULT_OTHER,
                                 BIT(EMFILE) | BIT(ENFILE) | BIT(ENOMEM) | BIT(EPERM)},
    [IO_SIM_CALL_URING_SUBMIT] = {"io_uring_enter", FAULT_OTHER, BIT(ENOMEM)},
    [IO_SIM_CALL_URING_WAIT] = {"io_uring_enter", FAULT_WAIT, BIT(EINTR) | BIT(EBADF) | BIT(EBADR)},
    [IO_SIM_CALL_URING_FETCH] = {"io_uring_enter", FAULT_OTHER, 0},
    [IO_SIM_CALL_URING_POLL] = {"IORING_OP_POLL_ADD", FAULT_OTHER, BIT(ENOMEM) | BIT(EAGAIN)},
    [IO_SIM_CALL_URING_CANCEL] = {"IORING_OP_ASYNC_CANCEL", FAULT_OTHER, BIT(EAGAIN)},
};

/* EBADF and EPERM of epoll_ctl are about the descriptor. While the library makes its set anew it may
 * believe them, and give up the descriptor (IO-CLOSE-6): that would be the kernel's mistake. EBADF of
 * select is about one of them, and if one is closed the library tries without it (IO-CLOSE-4); if none
 * is, one was for a moment. */
static unsigned errors_of(int kind)
{
    unsigned errors = kinds[kind].errors;
    if (kind == IO_SIM_CALL_EPOLL_CTL && met.makes_set) {
        errors &= ~(BIT(EBADF) | BIT(EPERM));
    }
    if (kind == IO_SIM_CALL_SELECT && met.has_closed) {
        errors &= ~BIT(EBADF);
    }
    return errors;
}

const char *faults_name_of(unsigned call)
{
    return kinds[sweep.kinds[call - 1]].name;
}

/* The error that is planned for a call which can fail with these; ERROR_CODES: none. */
static error_code planned_error(unsigned errors)
{
    error_code error = ERROR_CODES;
    unsigned kept = 0;
    for (unsigned i = 0; i < planned.count; i++) {
        failure *it = &planned.failures[i];
        it->left -= errors >> it->error & 1;
        if (it->left == 0) {
            error = error == ERROR_CODES ? it->error : error;
        } else {
            planned.failures[kept++] = *it;
        }
    }
    planned.count = kept;
    return error;
}

/* Number the call; 1 if it is the one that the sweep has chosen. */
static int number(int kind, unsigned errors)
{
    if (sweep.calls == FAULTS_CALLS) {
        return 0;
    }
    sweep.errors[sweep.calls] = (uint16_t)errors;
    sweep.kinds[sweep.calls] = (uint8_t)kind;
    sweep.calls++;
    return sweep.calls == sweep.call && errors >> sweep.error & 1;
}

static void draw_error(int kind, fault_group group, io_sim_fault *fault)
{
    unsigned errors = errors_of(kind);
    error_code error = planned_error(errors);
    if (number(kind, errors)) {
        error = sweep.error;
        sweep.came = 1;
    }
    if (error == ERROR_CODES) {
        return;
    }
    fault->error = program_errors[error];
    planned.has_failed = 1;
    met.calls++;
    unsigned at = met.count <= FAULTS_PLANNED ? met.count++ : FAULTS_PLANNED;
    /* ppoll is no wait that a signal ends, but a question, which is asked again; and what is lost is
     * made up for. */
    int is_asked_again =
        (kind == IO_SIM_CALL_PPOLL && error == ERROR_EINTR) || error == ERROR_EBADR;
    met.groups[at] = (int)(is_asked_again ? FAULT_OTHER : group);
    /* A request of io_uring for which there is no memory is EAGAIN to the library only. */
    met.errors[at] = error == ERROR_EAGAIN ? ENOMEM : fault->error;
}

static void draw_wait(io_sim_fault *fault)
{
    fault->early_ns = planned.is_early ? EARLY_NS : 0;
    fault->late_ns = planned.is_late ? LATE_NS : 0;
    fault->spurious_fd = planned.spurious_fd;
    met.is_late |= planned.is_late;
    met.calls += planned.is_early || planned.is_late || planned.spurious_fd >= 0;
    if (planned.spurious_fd >= 0) {
        met.spurious_fd = planned.spurious_fd;
    }
    planned.is_early = planned.is_late = 0;
    planned.spurious_fd = -1;
}

void faults_draw(int kind, io_sim_fault *fault)
{
    if (planned.is_over) {
        return;
    }
    /* poll(2) is also how the library looks at a single descriptor. */
    int is_other = !met.is_wait || (kind == IO_SIM_CALL_URING_WAIT && met.is_ending);
    fault_group group =
        kinds[kind].group == FAULT_WAIT && is_other ? FAULT_OTHER : kinds[kind].group;
    draw_error(kind, group, fault);
    planned.has_left |= kind == IO_SIM_CALL_URING_CANCEL && fault->error;
    planned.has_left |= is_other && met.is_ending && fault->error && fault->error != EINTR;
    met.is_ending &= kind != IO_SIM_CALL_URING_WAIT || fault->error == EINTR;
    if (group == FAULT_WAIT) {
        draw_wait(fault);
    }
    if (kind == IO_SIM_CALL_URING_CANCEL && planned.is_late) {
        fault->late_ns = LATE_NS;
        met.is_late = met.is_ending = planned.has_lingered = 1;
        met.calls++;
        planned.is_late = 0;
    }
    if (group == FAULT_TRANSFER && planned.is_short) {
        fault->short_count = 1;
        met.is_short = 1;
    }
    met.makes_set |= kind == IO_SIM_CALL_EPOLL_WAIT || kind == IO_SIM_CALL_EPOLL_CREATE;
}

#else

const char *faults_name_of(unsigned call)
{
    (void)call;
    return "none";
}

#endif
