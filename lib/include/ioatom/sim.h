/*
 * A simulated kernel, to test handlers with: pipes, sockets, eventfds and timers in memory, and
 * select, poll, epoll and kqueue (ioatom/sim_kqueue.h) on them, with a virtual clock and faults on
 * demand.
 *
 * Compile with -DIO_OS_SIM and link //lib:ioatom_sim: io_add, io_wait and all others of ioatom.h
 * then are the same code over this kernel instead of the real one. (Their symbols have another name
 * there, so that one program can have both.) A test makes its descriptors with io_sim_pipe2,
 * io_sim_socketpair ..., and gives them to the code it tests.
 *
 * Nothing in here makes a system call, draws a random number or allocates: the same calls have the
 * same results on any machine. A call that would block runs what the test has planned (io_sim_at)
 * until it can go on; if nothing is planned, it fails with EDEADLK and never hangs.
 *
 * Rules for every function:
 *  - Those with the name of a system call behind io_sim_ have its arguments and its result: -1 and
 *    errno for an error. What differs is said at the function. What Linux does is done here, too;
 *    the differences that are known stand in tests/sim/differences.txt.
 *  - The others control the simulation. Their result is >= 0, or a negative errno value.
 *  - Descriptors are numbers of the simulation: the lowest free one is taken, from 0 on. They mean
 *    nothing to the real kernel.
 *  - A simulation belongs to one thread at a time; each thread has a current one of its own, which
 *    the system calls act on. Without one they fail with ENOSYS.
 *  - Times are nanoseconds of the virtual clock, which starts at IO_SIM_START_NS and stands still
 *    but for io_sim_advance and calls that block.
 */
#ifndef IOATOM_SIM_H
#define IOATOM_SIM_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <ioatom/ioatom.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct io_sim io_sim;
struct itimerspec; /* of time.h, where POSIX is asked for */
struct timespec;

#define IO_SIM_START_NS UINT64_C(1000000000)
/* Descriptors are below this number; EMFILE beyond. */
#define IO_SIM_FDS 512
/* So many things may happen within one call; then it fails with EDEADLK. A plan that plans itself
 * again would otherwise go on for ever. */
#define IO_SIM_STEPS 100000
/* So many calls of io_sim_at may wait at a time. */
#define IO_SIM_EVENTS 32

/* Kinds of calls, for counting them and making them fail. */
enum {
    IO_SIM_CALL_ANY, /* each of the others counts here, too */
    IO_SIM_CALL_READ,
    IO_SIM_CALL_WRITE,
    IO_SIM_CALL_OPEN, /* whatever makes a descriptor, but for accept, dup, epoll_create1, kqueue */
    IO_SIM_CALL_CLOSE,
    IO_SIM_CALL_DUP,
    IO_SIM_CALL_FCNTL,
    IO_SIM_CALL_FSTAT,
    IO_SIM_CALL_BIND,
    IO_SIM_CALL_LISTEN,
    IO_SIM_CALL_CONNECT,
    IO_SIM_CALL_ACCEPT,
    IO_SIM_CALL_SHUTDOWN,
    IO_SIM_CALL_OPTION, /* getsockopt, setsockopt, getsockname, timerfd_settime, ioctl */
    IO_SIM_CALL_UNLINK,
    IO_SIM_CALL_POLL,
    IO_SIM_CALL_SELECT,
    IO_SIM_CALL_EPOLL_CREATE,
    IO_SIM_CALL_EPOLL_CTL,
    IO_SIM_CALL_EPOLL_WAIT,
    IO_SIM_CALL_PPOLL,
    IO_SIM_CALL_MMAP,
    IO_SIM_CALL_MUNMAP,
    IO_SIM_CALL_URING_SETUP,
    IO_SIM_CALL_URING_SUBMIT, /* io_uring_enter that is told to submit something; */
    IO_SIM_CALL_URING_WAIT,   /* one that waits, with IORING_ENTER_EXT_ARG; */
    IO_SIM_CALL_URING_FETCH,  /* any other: it is for what the kernel has kept */
    IO_SIM_CALL_URING_POLL, /* a poll that was submitted: it completes with the error. EAGAIN: there
                                 is no memory for the request; it, and what is behind it, is not taken */
    IO_SIM_CALL_URING_CANCEL, /* a cancellation; EAGAIN: the same. What it ends, which another call has
                                 submitted, ends late_ns later, as if another thread had to run for it */
    IO_SIM_CALL_KQUEUE,
    IO_SIM_CALL_KEVENT,         /* a kevent without changes: it waits */
    IO_SIM_CALL_KEVENT_CHANGES, /* one with changes; with EINTR it fails when they are made */
    IO_SIM_CALL_KEVENT_CHANGE,  /* and each of them: it becomes an EV_ERROR event */
    IO_SIM_CALL_KINDS
};

/* What goes wrong in one call; all zero but spurious_fd -1: nothing. */
typedef struct io_sim_fault {
    int error;          /* errno: the call fails at once and does nothing else; but a close that
                           fails closes, as on Linux, and EBADR of io_uring_enter comes if it may
                           block, and all polls of what is ready have ended, unnoticed */
    size_t short_count; /* a read or write of a stream moves at most so many bytes; 0: no limit */
    uint64_t early_ns;  /* a wait whose time runs out says so this much too early; not for every
                           call: io_wait would go on for ever if no time passed */
    uint64_t late_ns;   /* a wait notices this much too late what came, or that its time is over */
    io_fd spurious_fd;  /* a wait finds this descriptor readable and writable, even if it is not */
} io_sim_fault;

/* Decide what goes wrong in a call. kind is one of IO_SIM_CALL_READ ..., nth counts the calls of
 * its kind from 1 on, fd is the first argument or -1; *fault says that nothing goes wrong, until it
 * is changed. It must not make calls of the simulation. */
typedef void (*io_sim_draw)(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault);

/* Something that happens while the code under test waits. It may make any call; one that would block
 * fails with EDEADLK. */
typedef void (*io_sim_proc)(io_sim *sim, void *context);

#include <ioatom/sim_detail.h> /* struct io_sim, to be placed by the caller; its members are private */

/* Make a simulation in the caller's memory, about 1.5 MiB of which only what is used is written:
 * nothing is open, nothing planned, the clock at its start. The memory need not be cleared, and must
 * not be moved; there is nothing to release. */
void io_sim_init(io_sim *sim);

/* The same for a simulation that was in use: whatever was open is gone, unread, unnoticed. It takes
 * some ten nanoseconds, however much was open. */
void io_sim_reset(io_sim *sim);

/* Make it the calling thread's current one; null: none. Returns the one before. */
io_sim *io_sim_use(io_sim *sim);

/* --- time --- */

/* The virtual clock. */
uint64_t io_sim_now_ns(const io_sim *sim);

/* Let time pass: runs what is planned and expires timers on the way, in the order of their times,
 * and does so at least once, for what is due now. -EDEADLK: called by something planned, or
 * IO_SIM_STEPS things have happened: time has passed up to the last of them. */
int io_sim_advance(io_sim *sim, uint64_t span_ns);

/* Have proc called once at this time, or at the next opportunity if that is over; those of one time
 * in the order of the calls. Opportunities are calls that block, and io_sim_advance. -ENOSPC:
 * IO_SIM_EVENTS wait already. */
int io_sim_at(io_sim *sim, uint64_t at_ns, io_sim_proc proc, void *context);

/* Have proc called whenever a call would block for ever; the call looks again after that. It fails
 * with EDEADLK if proc made no call at all. Null: none. */
void io_sim_on_idle(io_sim *sim, io_sim_proc proc, void *context);

/* A signal: the call that is blocked fails with EINTR. For something planned; no effect elsewhere. */
void io_sim_interrupt(io_sim *sim);

/* --- faults and counts --- */

/* The nth call of a kind from now on (1: the next one) fails with this errno value. -EINVAL: no such
 * kind, nth 0, error not positive. -ENOSPC: too many are planned. */
int io_sim_fail(io_sim *sim, int call, uint32_t nth, int error);

/* Ask draw at every call what goes wrong in it, after what io_sim_fail has planned. Null: nothing. */
void io_sim_on_call(io_sim *sim, io_sim_draw draw, void *context);

/* Calls of a kind since the last init or reset, failed ones included. A sweep lets call 1, 2, 3 ...
 * of IO_SIM_CALL_ANY fail until a run makes fewer calls than that. -EINVAL: no such kind. */
long io_sim_calls(const io_sim *sim, int call);

/* Descriptors that are open; 0 when a test has closed all. */
int io_sim_open_count(const io_sim *sim);

/* How often SIGPIPE would have been raised. */
uint32_t io_sim_pipe_signals(const io_sim *sim);

/* How often a call failed because a table of the simulation was full, where a kernel would have had
 * room: a test that sees this not 0 has outgrown it. */
uint32_t io_sim_shortages(const io_sim *sim);

/* Descriptors at and above this number are EMFILE, as with RLIMIT_NOFILE; at most IO_SIM_FDS. */
int io_sim_limit_fds(io_sim *sim, int limit);

/* fork(2): from here on this is the child. It has another number, and all that was open, but for kqueues,
 * which are not inherited. The parent makes no more calls, and its own parent is gone. */
void io_sim_fork(io_sim *sim);

/* --- descriptors --- */

int io_sim_pipe2(int fds[2], int flags); /* 65,536 bytes */
/* AF_UNIX: SOCK_STREAM or SOCK_DGRAM. */
int io_sim_socketpair(int family, int type, int protocol, int fds[2]);
int io_sim_eventfd(unsigned value, int flags);
int io_sim_timerfd_create(int clock, int flags);
int io_sim_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old);
/* "/" is a directory, "/dev/null" and "/dev/zero" are what they are; with O_CREAT any other path is
 * an ordinary file, new, always empty, and without a name; a fifo that io_sim_mkfifo made. With
 * O_PATH a descriptor that nothing can be done with. Anything else is ENOENT. */
int io_sim_open(const char *path, int flags, ...);
int io_sim_mkfifo(const char *path, mode_t mode);
int io_sim_unlink(const char *path);
int io_sim_close(int fd);
int io_sim_dup(int fd);
int io_sim_dup2(int fd, int number);
int io_sim_dup3(int fd, int number, int flags);
/* F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_GETPIPE_SZ,
 * F_SETPIPE_SZ. */
int io_sim_fcntl(int fd, int command, ...);
/* Sets st_mode, and everything else to 0. */
int io_sim_fstat(int fd, struct stat *status);

/* --- sockets --- */

/* AF_UNIX, AF_INET, AF_INET6; SOCK_STREAM, SOCK_DGRAM. The network is the loopback interface. */
int io_sim_socket(int family, int type, int protocol);
int io_sim_bind(int fd, const struct sockaddr *address, socklen_t length);
int io_sim_listen(int fd, int backlog);
int io_sim_connect(int fd, const struct sockaddr *address, socklen_t length);
int io_sim_accept(int fd, struct sockaddr *address, socklen_t *length);
int io_sim_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int io_sim_shutdown(int fd, int how);
/* SOL_SOCKET: SO_ERROR, SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN, SO_SNDBUF, SO_RCVBUF, SO_RCVLOWAT, SO_REUSEADDR,
 * SO_REUSEPORT, SO_LINGER, SO_OOBINLINE; IPPROTO_IPV6: IPV6_V6ONLY; IPPROTO_TCP: TCP_NODELAY, which
 * changes nothing. */
int io_sim_getsockopt(int fd, int level, int option, void *value, socklen_t *length);
int io_sim_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int io_sim_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int io_sim_getpeername(int fd, struct sockaddr *address, socklen_t *length);

/* --- transfer --- */

ssize_t io_sim_read(int fd, void *buf, size_t size);
ssize_t io_sim_readv(int fd, const struct iovec *iov, int iovcnt);
/* flags: MSG_DONTWAIT, MSG_OOB. */
ssize_t io_sim_recv(int fd, void *buf, size_t size, int flags);
ssize_t io_sim_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length);
/* Counts what would raise SIGPIPE (io_sim_pipe_signals), and fails with EPIPE. */
ssize_t io_sim_write(int fd, const void *buf, size_t size);
ssize_t io_sim_writev(int fd, const struct iovec *iov, int iovcnt);
/* flags: MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB. */
ssize_t io_sim_send(int fd, const void *buf, size_t size, int flags);
ssize_t io_sim_sendto(int fd, const void *buf, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length);
/* Without control messages. */
ssize_t io_sim_sendmsg(int fd, const struct msghdr *message, int flags);
/* FIONREAD only: how many bytes a read would find; of datagrams, those of the first. */
int io_sim_ioctl(int fd, unsigned long request, ...);

/* --- waiting --- */

/* With nothing ready these let virtual time pass. EDEADLK: nothing is planned, no timer runs, and
 * there is no timeout. */
int io_sim_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int io_sim_select(int end, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int io_sim_epoll_create1(int flags);
int io_sim_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int io_sim_epoll_wait(int set, struct epoll_event *events, int count, int timeout_ms);
/* The mask of signals is not looked at. */
int io_sim_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);

/* io_uring_setup and io_uring_enter, as syscall(2) makes them; any other number is ENOSYS. Of io_uring
 * there are polls and their cancellation, IORING_OP_POLL_ADD and IORING_OP_ASYNC_CANCEL, in rings of at
 * most 16 submissions and 256 completions. A poll that completes is dealt with at the end of the call in
 * which it was woken. Where the system's headers don't have io_uring, this is ENOSYS, too. */
long io_sim_syscall(long number, ...);
/* The rings' memory, and nothing else, each part once; whatever address and protection are. The size is all
 * that the part needs, as its offsets and numbers of entries say: anything else is EINVAL. So is munmap of rings
 * if there is something behind the array of submissions that was not there: the mapping is not given back. */
void *io_sim_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int io_sim_munmap(void *address, size_t size);
/* Mappings that were not given back. */
int io_sim_mapping_count(const io_sim *sim);
/* Polls of io_uring that the parent has made, which are in rings of its own or that both have. */
int io_sim_parent_polls(const io_sim *sim);
/* Polls that this process has left in rings that it has closed. They end some time later, and keep their
 * files open until then. */
int io_sim_left_polls(const io_sim *sim);

/* Every clock is the virtual one. */
int io_sim_clock_gettime(int clock, struct timespec *now);

/* The number of the process; not counted. */
pid_t io_sim_getpid(void);

#ifdef __cplusplus
}
#endif
#endif
