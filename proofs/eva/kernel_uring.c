/* io_uring(7), like kernel.c. */
#include "kernel.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Where the kernel has put things in the rings (A7): one layout; as Linux's it has the array of the
 * entries' numbers behind the completions. */
enum {
    SQ_HEAD = 0,
    SQ_TAIL = 64,
    CQ_HEAD = 128,
    CQ_TAIL = 192,
    SQ_FLAGS = 276,
    CQES = 320,
    COMPLETIONS = 256,
    ARRAY = CQES + COMPLETIONS * 16,
    RINGS_SIZE = ARRAY + 16,
    ENTRIES = 4,
    ENTRIES_SIZE = ENTRIES * 64
};

static char rings[RINGS_SIZE];
static char entries[ENTRIES_SIZE];
char eva_map_failed;

static long setup(struct io_uring_params *params)
{
    sink = (uint64_t)params->flags + params->cq_entries + params->sq_thread_cpu +
           params->sq_thread_idle + params->wq_fd;
    params->features = any_u32();
    params->sq_off.head = SQ_HEAD;
    params->sq_off.tail = SQ_TAIL;
    params->sq_off.flags = SQ_FLAGS;
    params->sq_off.array = ARRAY;
    params->cq_off.head = CQ_HEAD;
    params->cq_off.tail = CQ_TAIL;
    params->cq_off.cqes = CQES;
    return number_or_failure();
}

static void read_argument(const struct io_uring_getevents_arg *argument)
{
    sink = argument->sigmask + argument->sigmask_sz + argument->pad;
    if (argument->ts) {
        const struct __kernel_timespec *timeout =
            (const struct __kernel_timespec *)(uintptr_t)argument->ts;
        sink = (uint64_t)timeout->tv_sec + (uint64_t)timeout->tv_nsec;
    }
}

/* syscall(2) of io_uring_setup(2): a descriptor, or any error, and any features. Of io_uring_enter(2):
 * any number up to that of the entries (A2), or any error; what the rings say is any bits at any time,
 * called or not (lib/os/os_atomic.h, fill). */
long syscall(long number, ...)
{
    va_list arguments;
    long result;
    va_start(arguments, number);
    if (number == __NR_io_uring_setup) {
        sink = va_arg(arguments, uint32_t);
        result = setup(va_arg(arguments, struct io_uring_params *));
    } else {
        sink = (uint64_t)va_arg(arguments, int);
        uint32_t asked = va_arg(arguments, uint32_t);
        uint32_t count = asked < ENTRIES ? asked : ENTRIES;
        sink = (uint64_t)va_arg(arguments, int);
        if (va_arg(arguments, int) & IORING_ENTER_EXT_ARG) {
            read_argument(va_arg(arguments, const struct io_uring_getevents_arg *));
        }
        result = maybe() ? Frama_C_long_interval(0, count) : failure();
    }
    va_end(arguments);
    return result;
}

/* Any bits in any completion, all of which the library only reads; of an error a positive errno (A1). */
static void fill(void)
{
    static int is_filled;
    //@ loop unroll 256;
    for (int i = 0; i < COMPLETIONS && !is_filled; i++) {
        struct io_uring_cqe *cqe = (struct io_uring_cqe *)(rings + CQES) + i;
        cqe->user_data = any_u64();
        cqe->res = Frama_C_int_interval(-INT_MAX, INT_MAX);
        cqe->flags = any_u32();
    }
    is_filled = 1;
}

/* mmap(2) of the two areas: memory of the size that was asked for and no more, so that what is
 * accessed beyond it is out of bounds; or none. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    sink = (uint64_t)protection + (uint64_t)flags + (uint64_t)fd;
    if (maybe()) {
        failure();
        return MAP_FAILED;
    }
    fill();
    return offset == IORING_OFF_SQES ? entries + (ENTRIES_SIZE - length)
                                     : rings + (RINGS_SIZE - length);
}

int munmap(void *address, size_t length)
{
    sink = length;
    return done_or_failure();
}

/* ppoll(2), like poll(2) (A3). */
int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask)
{
    sink = (uint64_t)timeout->tv_sec + (uint64_t)timeout->tv_nsec;
    return poll(fds, nfds, 0);
}
