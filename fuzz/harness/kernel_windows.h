/* What the harness asks of a kernel, made of Winsock: tests/windows/posix has most of it, and says what
 * Windows has not. A pipe and a pair of unix stream sockets are a TCP connection there. */
#ifndef IOATOM_FUZZ_HARNESS_KERNEL_WINDOWS_H
#define IOATOM_FUZZ_HARNESS_KERNEL_WINDOWS_H

#include "tests/windows/posix/posix.h"

#define F_SETPIPE_SZ 1000 /* does nothing */

#define kernel_accept4 posix_accept4
#define kernel_bind posix_bind
#define kernel_clock_gettime clock_gettime
#define kernel_close posix_close
#define kernel_connect posix_connect
#define kernel_eventfd posix_eventfd
#define kernel_fcntl posix_fcntl
#define kernel_getsockname posix_getsockname
#define kernel_listen posix_listen
#define kernel_open posix_open
#define kernel_read posix_read
#define kernel_send posix_send
#define kernel_setsockopt posix_setsockopt
#define kernel_shutdown posix_shutdown
#define kernel_socket posix_socket
#define kernel_write posix_write

int kernel_getpeername(int fd, struct sockaddr *name, socklen_t *length);
int kernel_pipe2(int fds[2], int flags);
int kernel_socketpair(int family, int type, int protocol, int fds[2]);
int kernel_dup3(int from, int to, int flags);

/* The harness asks for these only where there is an epoll. */
struct epoll_event {
    unsigned events;
};
enum { EPOLLET, EPOLL_CTL_MOD };
int kernel_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

/* What the running program asked for in vain since kernel_begin; null: nothing. */
const char *kernel_refused(void);

#endif
