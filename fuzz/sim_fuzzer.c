/*
 * Fuzzes the simulated kernel against the real one: the bytes are a program of descriptor calls,
 * four for each, which is run on both at once; results, errors and reports must be the same. Only
 * what the real kernel does at once takes part, so no network. Where descriptors can't be made there
 * is nothing to compare, and nothing is. A difference is one if it comes each time: the real kernel
 * has other things to do as well (once in a million programs a completion of io_uring was late).
 */
#define _GNU_SOURCE
#include "harness/plain.h"
#include "program/mutate.h"
#include "program/program.h"

#include "lib/os/os_uring.h"

#include <ioatom/sim.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SLOTS = 12,
    FEW = 3,
    NUMBERS = 40,
    ROOM = 16,
    BYTES_PER_CALL = 4,
    LARGEST = 20000,
    TRIES = 3
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional, as in harness/entry.c. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The numbers of the two kernels: those of the simulation, and so much more. */
static int base;
static int filler = -1;
static int slots[SLOTS]; /* numbers of the simulation; -1: none yet */
static int tag;
static int verbose;
static io_sim sim;
static unsigned char bytes[2][LARGEST];
static jmp_buf differs;
static char difference[256];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    for (int fd = 0; fd < 1024; fd++) {
        base = fcntl(fd, F_GETFD) >= 0 ? fd + 1 : base;
    }
    filler = eventfd(0, EFD_CLOEXEC);
    verbose = getenv("IOATOM_FUZZ_VERBOSE") != NULL;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

/* Numbers are given out from below: those that are used here must be free, and those below must not.
 * The engine opens and closes something now and then, between two inputs. */
static int find_base(void)
{
    for (int fd = base; fd < base + NUMBERS; fd++) {
        base = fcntl(fd, F_GETFD) >= 0 ? fd + 1 : base;
    }
    int fd = fcntl(filler, F_DUPFD_CLOEXEC, 0);
    while (fd >= 0 && fd < base) {
        fd = fcntl(filler, F_DUPFD_CLOEXEC, 0);
    }
    return fd == base && close(fd) == 0;
}

_Noreturn static void differ(const char *call, const char *what)
{
    snprintf(difference, sizeof(difference), "%s: %s", call, what);
    longjmp(differs, 1);
}

/* The results of a call on both; errors by their errno. Returns that of the simulation. */
static long same(const char *call, long simulated, int simulated_errno, long real, int real_errno)
{
    char text[128];
    simulated = simulated < 0 ? -simulated_errno : simulated;
    real = real < 0 ? -real_errno : real;
    snprintf(text, sizeof(text), "simulated %ld, real %ld", simulated, real);
    if (verbose) {
        fprintf(stderr, "%s: %s\n", call, text);
    }
    if (simulated != real && !io_sim_shortages(&sim)) {
        differ(call, text);
    }
    return simulated;
}

/* Both calls, each with its own errno. */
#define BOTH(name, simulated, real)                                                                \
    do {                                                                                           \
        long result_ = (simulated);                                                                \
        int errno_ = errno;                                                                        \
        long other_ = (real);                                                                      \
        result = same(name, result_, errno_, other_, errno);                                       \
        (void)result;                                                                              \
    } while (0)

/* The real number; one that was never open is none of ours. */
static int real_fd(int fd)
{
    return fd < 0 ? -1 : base + fd;
}

/* Half of the values mean one of a few slots: calls that meet are the interesting ones. */
static int index_of(uint8_t byte)
{
    return byte < 128 ? byte % SLOTS : byte % FEW;
}

static int slot_of(uint8_t byte)
{
    return slots[index_of(byte)];
}

static int less_base(int fd)
{
    return fd < 0 ? fd : fd - base;
}

static void keep(uint8_t byte, int fd)
{
    if (fd >= 0) {
        slots[index_of(byte)] = fd;
    }
}

static void open_pair(const uint8_t *call)
{
    int mine[2];
    int theirs[2];
    long result;
    int type = call[3] % 3 == 1 ? SOCK_STREAM : SOCK_DGRAM;
    int small = 4096;
    if (call[3] % 3 == 0) {
        BOTH("pipe2", io_sim_pipe2(mine, O_NONBLOCK), pipe2(theirs, O_NONBLOCK));
    } else {
        BOTH("socketpair", io_sim_socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, mine),
             socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, theirs));
    }
    if (result < 0) {
        return;
    }
    same("number", mine[0], 0, less_base(theirs[0]), 0);
    same("number", mine[1], 0, less_base(theirs[1]), 0);
    if ((call[3] & 0x40) && call[3] % 3 == 0) {
        BOTH("F_SETPIPE_SZ", io_sim_fcntl(mine[1], F_SETPIPE_SZ, small),
             fcntl(theirs[1], F_SETPIPE_SZ, small));
    } else if (call[3] & 0x40) {
        BOTH("SO_SNDBUF", io_sim_setsockopt(mine[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
             setsockopt(theirs[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
    }
    keep(call[1], mine[0]);
    keep(call[2], mine[1]);
}

/* Half of the values mean what an eventfd takes. */
static size_t size_of(const uint8_t *call)
{
    static const size_t sizes[] = {1, 2, 7, 8, 100, 1000, 4000, 4095, 4096, 4097, 8192, LARGEST};
    return call[2] < 128 ? sizes[call[2] % (sizeof(sizes) / sizeof(sizes[0]))] : sizeof(uint64_t);
}

static void transfer(const uint8_t *call, int writes)
{
    int fd = slot_of(call[1]);
    size_t size = size_of(call);
    long result;
    if (writes) {
        /* An eventfd takes this as a number that is not too large. */
        memset(bytes[0], 0, 16);
        bytes[0][0] = call[3];
        BOTH("write", io_sim_write(fd, bytes[0], size), write(real_fd(fd), bytes[0], size));
        return;
    }
    memset(bytes, 0, sizeof(bytes));
    BOTH("read", io_sim_read(fd, bytes[0], size), read(real_fd(fd), bytes[1], size));
    if (result > 0 && memcmp(bytes[0], bytes[1], (size_t)result) != 0) {
        differ("read", "other bytes");
    }
}

static void control(const uint8_t *call)
{
    static const int operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
    static const uint32_t masks[] = {EPOLLIN,
                                     EPOLLOUT,
                                     EPOLLIN | EPOLLOUT,
                                     EPOLLIN | EPOLLRDHUP,
                                     0,
                                     EPOLLPRI,
                                     EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI,
                                     EPOLLRDHUP};
    struct epoll_event event = {.events = masks[call[3] % 8], .data.u64 = (uint64_t)++tag};
    int set = slot_of(call[1]);
    int fd = slot_of(call[2]);
    long result;
    event.events |= call[3] & 8 ? EPOLLET : 0;
    event.events |= (call[3] & 0x30) == 0x30 ? EPOLLONESHOT : 0;
    int operation = operations[call[3] >> 6];
    BOTH("epoll_ctl", io_sim_epoll_ctl(set, operation, fd, &event),
         epoll_ctl(real_fd(set), operation, real_fd(fd), &event));
}

static void wait_for_set(const uint8_t *call)
{
    struct epoll_event mine[ROOM];
    struct epoll_event theirs[ROOM];
    char text[128];
    int set = slot_of(call[1]);
    int room = call[2] % 4 == 3 ? 1 + call[2] / 4 % 4 : ROOM;
    long result;
    BOTH("epoll_wait", io_sim_epoll_wait(set, mine, room, 0),
         epoll_wait(real_fd(set), theirs, room, 0));
    for (long i = 0; i < result; i++) {
        snprintf(text, sizeof(text), "event %ld: simulated %d: %x, real %d: %x", i,
                 (int)mine[i].data.u64, mine[i].events, (int)theirs[i].data.u64, theirs[i].events);
        if (mine[i].events != theirs[i].events || mine[i].data.u64 != theirs[i].data.u64) {
            differ("epoll_wait", text);
        }
    }
}

static void poll_all(const uint8_t *call)
{
    struct pollfd mine[SLOTS];
    struct pollfd theirs[SLOTS];
    char text[128];
    long result;
    for (int i = 0; i < SLOTS; i++) {
        short events = (short)(call[1] % 4 == 0   ? 0
                               : call[1] % 4 == 1 ? POLLIN
                                                  : POLLIN | POLLOUT | POLLPRI | POLLRDHUP |
                                                        POLLRDNORM | POLLWRNORM);
        mine[i] = (struct pollfd){.fd = slots[i], .events = events};
        theirs[i] = (struct pollfd){.fd = real_fd(slots[i]), .events = events};
    }
    BOTH("poll", io_sim_poll(mine, SLOTS, 0), poll(theirs, SLOTS, 0));
    for (int i = 0; i < SLOTS && result >= 0; i++) {
        snprintf(text, sizeof(text), "slot %d: simulated %x, real %x", i,
                 (unsigned)(unsigned short)mine[i].revents,
                 (unsigned)(unsigned short)theirs[i].revents);
        if (mine[i].revents != theirs[i].revents) {
            differ("poll", text);
        }
    }
}

static void select_some(const uint8_t *call)
{
    fd_set mine[3];
    fd_set theirs[3];
    struct timeval now[2] = {{0, 0}, {0, 0}};
    long result;
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&mine[i]);
        FD_ZERO(&theirs[i]);
    }
    for (int i = 0; i < SLOTS; i++) {
        int is_open = slots[i] >= 0 && fcntl(real_fd(slots[i]), F_GETFD) >= 0;
        if (!is_open && !(slots[i] >= 0 && call[1] == 255)) {
            continue; /* one that is closed is an error of the whole call */
        }
        for (int j = 0; j < 3; j++) {
            if (!(call[2] >> j & 1) || i == call[3] % SLOTS) {
                FD_SET(slots[i], &mine[j]);
                FD_SET(real_fd(slots[i]), &theirs[j]);
            }
        }
    }
    BOTH("select", io_sim_select(NUMBERS, &mine[0], &mine[1], &mine[2], &now[0]),
         select(base + NUMBERS, &theirs[0], &theirs[1], &theirs[2], &now[1]));
    for (int fd = 0; fd < NUMBERS; fd++) {
        for (int j = 0; j < 3; j++) {
            if (!FD_ISSET(fd, &mine[j]) != !FD_ISSET(real_fd(fd), &theirs[j])) {
                differ("select", "other sets");
            }
        }
    }
}

static void change_socket(const uint8_t *call)
{
    int fd = slot_of(call[1]);
    int errors[2] = {0, 0};
    socklen_t lengths[2] = {sizeof(int), sizeof(int)};
    long result;
    if (call[2] % 4 < 3) {
        BOTH("shutdown", io_sim_shutdown(fd, call[2] % 4), shutdown(real_fd(fd), call[2] % 4));
        return;
    }
    BOTH("SO_ERROR", io_sim_getsockopt(fd, SOL_SOCKET, SO_ERROR, &errors[0], &lengths[0]),
         getsockopt(real_fd(fd), SOL_SOCKET, SO_ERROR, &errors[1], &lengths[1]));
    if (result == 0) {
        same("its value", errors[0], 0, errors[1], 0);
    }
}

static void change_numbers(const uint8_t *call)
{
    int fd = slot_of(call[1]);
    int other = slot_of(call[2]);
    long result;
    switch (call[3] % 4) {
    case 0:
        BOTH("dup", io_sim_dup(fd), less_base(dup(real_fd(fd))));
        keep(call[2], (int)result);
        break;
    case 1:
        if (other >= 0) { /* below the base are numbers that are not ours */
            BOTH("dup2", io_sim_dup2(fd, other), less_base(dup2(real_fd(fd), real_fd(other))));
        }
        break;
    default:
        BOTH("close", io_sim_close(fd), close(real_fd(fd)));
        break;
    }
}

static void open_one(const uint8_t *call)
{
    long result;
    if (call[3] % 2) {
        unsigned value = call[2] % 3;
        BOTH("eventfd", io_sim_eventfd(value, EFD_NONBLOCK),
             less_base(eventfd(value, EFD_NONBLOCK)));
    } else {
        BOTH("epoll_create1", io_sim_epoll_create1(0), less_base(epoll_create1(0)));
    }
    keep(call[1], (int)result);
}

#ifdef IO_OS_URING
/* One io_uring on each, made when it is first used, with few places, so that they run out. No other
 * call gets at their descriptors. */
enum { SUBMISSIONS = 4, COMPLETIONS = 8 };
enum { RINGS_UNKNOWN, RINGS_THERE, RINGS_REFUSED };
static int rings; /* whether the real kernel lets us have them; in this program */
static struct {
    int fd; /* beyond the numbers that the calls have */
    struct io_uring_params params;
    char *memory;
    struct io_uring_sqe *entries;
} ring[2];

static uint32_t *ring_word(int which, uint32_t offset)
{
    return (uint32_t *)(void *)(ring[which].memory + offset);
}

static size_t ring_size(int which)
{
    const struct io_uring_params *params = &ring[which].params;
    size_t submissions = params->sq_off.array + SUBMISSIONS * sizeof(uint32_t);
    size_t completions = params->cq_off.cqes + COMPLETIONS * sizeof(struct io_uring_cqe);
    return submissions > completions ? submissions : completions;
}

enum { ENTRIES_SIZE = SUBMISSIONS * sizeof(struct io_uring_sqe) };

static void make_rings(void)
{
    long result;
    for (int i = 0; i < 2; i++) {
        ring[i].params = (struct io_uring_params){
            .flags = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
            .cq_entries = COMPLETIONS};
    }
    int fd = (int)syscall(__NR_io_uring_setup, (long)SUBMISSIONS, &ring[1].params);
    if (fd < 0) {
        rings = RINGS_REFUSED;
        return;
    }
    BOTH("io_uring_setup", io_sim_syscall(__NR_io_uring_setup, (long)SUBMISSIONS, &ring[0].params),
         less_base(fd));
    rings = RINGS_THERE;
    ring[0].fd = io_sim_fcntl((int)result, F_DUPFD_CLOEXEC, NUMBERS);
    ring[1].fd = fcntl(fd, F_DUPFD_CLOEXEC, base + NUMBERS);
    io_sim_close((int)result);
    close(fd);
    for (int i = 0; i < 2; i++) {
        int protection = PROT_READ | PROT_WRITE;
        void *(*map)(void *, size_t, int, int, int, off_t) = i ? mmap : io_sim_mmap;
        ring[i].memory =
            map(NULL, ring_size(i), protection, MAP_SHARED, ring[i].fd, (off_t)IORING_OFF_SQ_RING);
        ring[i].entries =
            map(NULL, ENTRIES_SIZE, protection, MAP_SHARED, ring[i].fd, (off_t)IORING_OFF_SQES);
        if ((void *)ring[i].memory == MAP_FAILED || (void *)ring[i].entries == MAP_FAILED) {
            differ("mmap", "no memory");
        }
    }
}

static void end_rings(void)
{
    for (int i = 0; i < 2 && rings == RINGS_THERE; i++) {
        int (*unmap)(void *, size_t) = i ? munmap : io_sim_munmap;
        unmap(ring[i].memory, ring_size(i));
        unmap(ring[i].entries, ENTRIES_SIZE);
        (void)(i ? close(ring[i].fd) : io_sim_close(ring[i].fd));
    }
    rings = rings == RINGS_REFUSED ? RINGS_REFUSED : RINGS_UNKNOWN;
}

static void submit(const struct io_uring_sqe *mine, int their_fd)
{
    for (int i = 0; i < 2; i++) {
        uint32_t *tail = ring_word(i, ring[i].params.sq_off.tail);
        uint32_t at = *tail % SUBMISSIONS;
        ring[i].entries[at] = *mine;
        ring[i].entries[at].fd = i ? their_fd : mine->fd;
        ring_word(i, ring[i].params.sq_off.array)[at] = at;
        __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    }
}

static void enter(uint32_t count)
{
    long result;
    long flags = IORING_ENTER_GETEVENTS;
    BOTH("io_uring_enter",
         io_sim_syscall(__NR_io_uring_enter, (long)ring[0].fd, (long)count, 0L, flags, NULL, 0L),
         syscall(__NR_io_uring_enter, (long)ring[1].fd, (long)count, 0L, flags, NULL, 0L));
}

static uint32_t waiting(int which)
{
    uint32_t tail =
        __atomic_load_n(ring_word(which, ring[which].params.cq_off.tail), __ATOMIC_ACQUIRE);
    return tail - *ring_word(which, ring[which].params.cq_off.head);
}

static const struct io_uring_cqe *first_of(int which)
{
    uint32_t head = *ring_word(which, ring[which].params.cq_off.head);
    const struct io_uring_cqe *all = (void *)(ring[which].memory + ring[which].params.cq_off.cqes);
    return &all[head % COMPLETIONS];
}

static void print_completions(void)
{
    static const char *const names[] = {"simulated", "real"};
    for (int i = 0; i < 2; i++) {
        uint32_t head = *ring_word(i, ring[i].params.cq_off.head);
        const struct io_uring_cqe *all = (void *)(ring[i].memory + ring[i].params.cq_off.cqes);
        fprintf(stderr, "completions, %s:", names[i]);
        for (uint32_t at = 0; at < waiting(i); at++) {
            const struct io_uring_cqe *cqe = &all[(head + at) % COMPLETIONS];
            fprintf(stderr, " %d:%d%s", (int)cqe->user_data, cqe->res, cqe->flags ? "+" : "");
        }
        fputc('\n', stderr);
    }
}

/* Up to so many completions, which must be the same. */
static void take_completions(uint32_t most)
{
    char text[160];
    if (verbose) {
        print_completions();
    }
    same("completions", waiting(0), 0, waiting(1), 0);
    uint32_t kept[2];
    for (int i = 0; i < 2; i++) {
        kept[i] = __atomic_load_n(ring_word(i, ring[i].params.sq_off.flags), __ATOMIC_ACQUIRE) &
                  IORING_SQ_CQ_OVERFLOW;
    }
    same("kept", kept[0], 0, kept[1], 0);
    for (; most > 0 && waiting(0) > 0 && waiting(1) > 0; most--) {
        const struct io_uring_cqe *a = first_of(0), *b = first_of(1);
        snprintf(text, sizeof(text), "simulated %d: %x, %x, real %d: %x, %x", (int)a->user_data,
                 (unsigned)a->res, a->flags, (int)b->user_data, (unsigned)b->res, b->flags);
        if ((a->user_data != b->user_data || a->res != b->res || a->flags != b->flags) &&
            !io_sim_shortages(&sim)) {
            differ("completion", text);
        }
        for (int i = 0; i < 2; i++) {
            uint32_t *head = ring_word(i, ring[i].params.cq_off.head);
            __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
        }
    }
}

static void use_rings(const uint8_t *call)
{
    static const uint32_t masks[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLPRI,
                                     0,      POLLPRI, POLLIN,           POLLOUT};
    int fd = slot_of(call[1]);
    if (rings == RINGS_UNKNOWN) {
        make_rings();
    }
    if (rings == RINGS_REFUSED) {
        return;
    }
    struct io_uring_sqe poll = {.opcode = IORING_OP_POLL_ADD,
                                .fd = fd,
                                .len = call[3] & 8 ? 0 : IORING_POLL_ADD_MULTI,
                                .poll32_events = masks[call[2] % 8],
                                .user_data = (uint64_t)++tag};
    struct io_uring_sqe cancel = {.opcode = IORING_OP_ASYNC_CANCEL,
                                  .flags = call[3] & 8 ? IOSQE_CQE_SKIP_SUCCESS : 0,
                                  .fd = -1,
                                  .addr = (uint64_t)(tag - 1 - call[2] % 16),
                                  .user_data = (uint64_t)tag};
    switch (call[3] % 8) {
    case 0:
    case 1:
        submit(&poll, real_fd(fd));
        enter(1);
        break;
    case 2:
        submit(&cancel, -1);
        enter(1);
        break;
    case 3: /* as the backend replaces a poll by another */
        submit(&cancel, -1);
        submit(&poll, real_fd(fd));
        enter(2);
        break;
    case 4:
        enter(0);
        break;
    default:
        take_completions(call[3] % 8 == 5 ? 1 + call[2] % 4 : COMPLETIONS);
        break;
    }
}

#else
static void use_rings(const uint8_t *call)
{
    (void)call;
}

static void end_rings(void)
{
}
#endif

static void run(const uint8_t *call)
{
    switch (call[0] % 16) {
    case 0:
        open_pair(call);
        break;
    case 1:
        open_one(call);
        break;
    case 2:
    case 3:
    case 4:
        transfer(call, 1);
        break;
    case 5:
    case 6:
        transfer(call, 0);
        break;
    case 7:
    case 8:
        control(call);
        break;
    case 9:
    case 10:
        wait_for_set(call);
        break;
    case 11:
        poll_all(call);
        break;
    case 12:
        select_some(call);
        break;
    case 13:
        change_socket(call);
        break;
    case 14:
        use_rings(call);
        break;
    default:
        change_numbers(call);
        break;
    }
}

/* Calls have the size of a program's records, and are put in, repeated, moved and dropped like them. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    _Static_assert((int)BYTES_PER_CALL == (int)PROGRAM_RECORD, "a call is a record");
    return program_mutate_or_bytes(data, size, max_size, seed);
}

static void run_all(const uint8_t *data, size_t size)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    tag = 0;
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = -1;
    }
    for (size_t at = 0; at + BYTES_PER_CALL <= size; at += BYTES_PER_CALL) {
        if (io_sim_open_count(&sim) > NUMBERS - 4 || io_sim_shortages(&sim)) {
            break;
        }
        run(data + at);
    }
}

static int has_difference(const uint8_t *data, size_t size)
{
    if (!find_base()) {
        return 0;
    }
    volatile int found = 1;
    if (setjmp(differs) == 0) {
        run_all(data, size);
        found = 0;
    }
    end_rings();
    for (int fd = 0; fd < NUMBERS; fd++) {
        (void)close(real_fd(fd));
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int tries = 0; has_difference(data, size); tries++) {
        if (tries == TRIES) {
            fprintf(stderr, "\nVIOLATION clause=simulated-kernel config=none\n%s\n", difference);
            fflush(stderr);
            abort();
        }
        fprintf(stderr, "a difference, tried again: %s\n", difference);
    }
    return 0;
}
