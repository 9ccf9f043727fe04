/* Runs descriptor programs on the simulated and on the real kernel, and compares what they see, call
 * by call.
 *
 * A case is a function that makes its calls through `kernel` and says what it saw. It is run on both,
 * each time in a process of its own, and the two lists are compared line by line. What may differ
 * stands in differences.txt, as "case: line: reason"; an entry that is not needed is a failure. */
#ifndef TESTS_SIM_COMPARE_H
#define TESTS_SIM_COMPARE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <ioatom/sim.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define COMPARE_CALLS(X)                                                                           \
    X(pipe2)                                                                                       \
    X(socketpair)                                                                                  \
    X(eventfd)                                                                                     \
    X(timerfd_create)                                                                              \
    X(timerfd_settime)                                                                             \
    X(open)                                                                                        \
    X(mkfifo)                                                                                      \
    X(unlink)                                                                                      \
    X(close)                                                                                       \
    X(dup)                                                                                         \
    X(dup2)                                                                                        \
    X(dup3)                                                                                        \
    X(fcntl)                                                                                       \
    X(fstat)                                                                                       \
    X(socket)                                                                                      \
    X(bind)                                                                                        \
    X(listen)                                                                                      \
    X(connect)                                                                                     \
    X(accept4)                                                                                     \
    X(shutdown)                                                                                    \
    X(getsockopt)                                                                                  \
    X(setsockopt)                                                                                  \
    X(getsockname)                                                                                 \
    X(ioctl)                                                                                       \
    X(read)                                                                                        \
    X(readv)                                                                                       \
    X(recv)                                                                                        \
    X(write)                                                                                       \
    X(writev)                                                                                      \
    X(send)                                                                                        \
    X(sendto)                                                                                      \
    X(poll)                                                                                        \
    X(select)                                                                                      \
    X(epoll_create1)                                                                               \
    X(epoll_ctl)                                                                                   \
    X(epoll_wait)                                                                                  \
    X(ppoll)                                                                                       \
    X(syscall)                                                                                     \
    X(mmap)                                                                                        \
    X(munmap)                                                                                      \
    X(clock_gettime)

#define COMPARE_MEMBER(name) __typeof__(&io_sim_##name) name;
typedef struct compare_kernel {
    int is_real;
    COMPARE_CALLS(COMPARE_MEMBER)
} compare_kernel;

extern const compare_kernel *kernel; /* the one that the case runs on */

typedef struct compare_case {
    const char *name;
    void (*run)(void);
} compare_case;

/* The arguments: the table of differences, and perhaps a part of the names of the cases to run. */
int compare_main(int argc, char **argv, const compare_case *cases);

/* Say what was seen; each line begins with its name, unique within the case. */
void said(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The result of a call, or its errno. */
void did(const char *name, long result);
/* "IN|HUP" */
const char *name_bits(int mask, char *text, size_t size);
/* What poll says of a descriptor (asked for everything, and for nothing), what select says, and how
 * much there is to be read. */
void see(const char *name, int fd);
/* What a set reports now, in its order: tags and events. */
void events(const char *name, int set);
/* The same with room for so many. */
void some_events(const char *name, int set, int room);

/* Makes what a case begins with; a failure ends the test. */
void make_pipe(int fds[2]);
void make_unix(int fds[2], int type);
void make_tcp(int fds[2]);
int make_listener(int backlog, struct sockaddr_storage *address);
int make_client(const struct sockaddr_storage *address); /* connecting, or connected */
int make_udp(struct sockaddr_storage *address);
int make_set(void);
void must(const char *what, int holds);
void watch(int set, int fd, uint32_t events, int tag);
int change(int set, int fd, uint32_t events, int tag);
void put(int fd, size_t size);
void get(int fd, size_t size);
void fill(int fd);
/* The real kernel gets time to move what is on its way. */
void settle(void);
void drain(int fd);
void reset_on_close(int fd);
int take_error(int fd);

#endif
