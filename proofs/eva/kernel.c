/*
 * The kernel and the C library, as far as lib/backends, lib/os/os_wait.h and lib/poller call them.
 * Each function may answer what its manual page allows, and more where that costs nothing; what it
 * may not answer is an assumption, and is marked with its number in README.md. What a call is said
 * to read is read here, so that the analysis sees whether it was initialised.
 */
#include "kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

volatile uint64_t sink;

/* epoll_create1(2): a descriptor, or any error. */
int epoll_create1(int flags)
{
    sink = (uint64_t)flags;
    return number_or_failure();
}

/* epoll_ctl(2): 0, or any error. It reads the event. */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    sink = (uint64_t)epfd + (uint64_t)op + (uint64_t)fd;
    sink = event->events;
    sink = event->data.u64;
    return done_or_failure();
}

/* epoll_wait(2): any error, or as many events as it says, which are at most maxevents (A2). Events
 * and user data are any bits: of a registration that is gone, of another process's after fork(), or
 * of nobody. All entries are written, so that a read beyond the count is seen only where it is
 * beyond the array, too. */
int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
    sink = (uint64_t)epfd + (uint64_t)timeout;
    //@ loop unroll 64;
    for (int i = 0; i < maxevents; i++) {
        events[i].events = any_u32();
        events[i].data.u64 = any_u64();
    }
    return maybe() ? Frama_C_int_interval(0, maxevents) : failure();
}

/* poll(2): any error, or a count of 0 to nfds (A3), whatever it wrote. It reads fd and events of
 * each entry and writes revents: any bits, also in an entry with a negative fd or none of the
 * events asked for. */
int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
    sink = (uint64_t)timeout;
    for (nfds_t i = 0; i < nfds; i++) {
        sink = (uint64_t)fds[i].fd;
        sink = (uint64_t)fds[i].events;
        fds[i].revents = Frama_C_short_interval(SHRT_MIN, SHRT_MAX);
    }
    if (maybe()) {
        return failure();
    }
    return Frama_C_int_interval(0, nfds < INT_MAX ? (int)nfds : INT_MAX);
}

/* The kernel takes whole longs: FDS_BYTES in fs/select.c. */
static void answer(int nfds, unsigned long *set)
{
    int words = (nfds + 63) / 64;
    for (int i = 0; i < words; i++) {
        sink = set[i];
        set[i] = any_u64();
    }
}

/* select(2): any error, or any count up to 3 nfds (A3), whatever the sets say: any bits in the
 * words that hold nfds bits, beyond bit nfds - 1, too. On an error "the sets are unmodified": here
 * they are any bits all the same. The timeout is modified. */
int select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *errorfds, struct timeval *timeout)
{
    if (timeout) {
        sink = (uint64_t)timeout->tv_sec + (uint64_t)timeout->tv_usec;
        timeout->tv_sec = Frama_C_long_interval(LONG_MIN, LONG_MAX);
        timeout->tv_usec = Frama_C_long_interval(LONG_MIN, LONG_MAX);
    }
    answer(nfds, (unsigned long *)readfds);
    answer(nfds, (unsigned long *)writefds);
    answer(nfds, (unsigned long *)errorfds);
    if (maybe()) {
        return failure();
    }
    return Frama_C_int_interval(0, INT_MAX);
}

/* fcntl(2), F_GETFL, F_GETFD and F_SETFD alone: any flags, or any error. */
int fcntl(int fd, int cmd, ...)
{
    sink = (uint64_t)fd + (uint64_t)cmd;
    return number_or_failure();
}

/* fstat(2): any kind of file, or any error. The other members stay unwritten: nobody may use them.
 */
int fstat(int fildes, struct stat *buf)
{
    sink = (uint64_t)fildes;
    if (maybe()) {
        return failure();
    }
    buf->st_mode = any_u32();
    return 0;
}

/* close(2), dup3(2), dup2(2): what was asked for, or any error. */
int close(int fd)
{
    sink = (uint64_t)fd;
    return done_or_failure();
}

int dup3(int oldfd, int newfd, int flags)
{
    sink = (uint64_t)oldfd + (uint64_t)flags;
    return maybe() ? newfd : failure();
}

int dup2(int oldfd, int newfd)
{
    sink = (uint64_t)oldfd;
    return maybe() ? newfd : failure();
}

/* getpid(2): any number, and another one after a fork. */
pid_t getpid(void)
{
    return Frama_C_int_interval(1, INT_MAX);
}

/* clock_gettime(2): any time at all. It does not fail for a clock that exists (A4). */
int clock_gettime(clockid_t clk_id, struct timespec *tp)
{
    sink = (uint64_t)clk_id;
    tp->tv_sec = Frama_C_long_interval(LONG_MIN, LONG_MAX);
    tp->tv_nsec = Frama_C_long_interval(LONG_MIN, LONG_MAX);
    return 0;
}

/* getauxval(3): anything. */
unsigned long getauxval(unsigned long type)
{
    sink = type;
    return any_u64();
}
