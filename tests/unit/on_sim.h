/* Included by force, before everything else, in a unit test that is compiled to run on the simulated
 * kernel (tests/sim): its system calls are those of the simulation, which each test finds new. A
 * test of something that is not simulated says so: NEEDS_KERNEL. */
#ifndef TESTS_UNIT_ON_SIM_H
#define TESTS_UNIT_ON_SIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

/* First all headers that declare what is renamed below. */
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <ioatom/sim.h>
#include <ioatom/sim_kqueue.h>

#define UNIT_ON_SIM 1

/* The simulation of the test; its process has one. */
extern io_sim unit_sim;
/* Called when it begins, if somebody defines it. */
void unit_sim_began(void) __attribute__((weak));

/* Time passes, and what is to happen meanwhile. */
static inline int unit_sim_sleep(unsigned long us)
{
    return io_sim_advance(&unit_sim, (uint64_t)us * 1000u);
}

/* RLIMIT_NOFILE. */
static inline int unit_sim_getrlimit(int resource, struct rlimit *limit)
{
    (void)resource;
    *limit = (struct rlimit){.rlim_cur = (rlim_t)unit_sim.fd_limit, .rlim_max = IO_SIM_FDS};
    return 0;
}

static inline int unit_sim_setrlimit(int resource, const struct rlimit *limit)
{
    (void)resource;
    return io_sim_limit_fds(&unit_sim, (int)limit->rlim_cur);
}

/* It has one directory. */
static inline int unit_sim_open(const char *path, int flags, ...)
{
    return io_sim_open(path[0] == '.' && path[1] == '\0' ? "/" : path, flags, 0600);
}

#define accept(...) io_sim_accept(__VA_ARGS__)
#define accept4(...) io_sim_accept4(__VA_ARGS__)
#define bind(...) io_sim_bind(__VA_ARGS__)
#define clock_gettime(...) io_sim_clock_gettime(__VA_ARGS__)
#define close(...) io_sim_close(__VA_ARGS__)
#define connect(...) io_sim_connect(__VA_ARGS__)
#define dup(...) io_sim_dup(__VA_ARGS__)
#define dup2(...) io_sim_dup2(__VA_ARGS__)
#define dup3(...) io_sim_dup3(__VA_ARGS__)
#define epoll_create1(...) io_sim_epoll_create1(__VA_ARGS__)
#define epoll_ctl(...) io_sim_epoll_ctl(__VA_ARGS__)
#define epoll_wait(...) io_sim_epoll_wait(__VA_ARGS__)
#define eventfd(...) io_sim_eventfd(__VA_ARGS__)
#define fcntl(...) io_sim_fcntl(__VA_ARGS__)
#define fstat(...) io_sim_fstat(__VA_ARGS__)
#define getpeername(...) io_sim_getpeername(__VA_ARGS__)
#define getrlimit(...) unit_sim_getrlimit(__VA_ARGS__)
#define getsockname(...) io_sim_getsockname(__VA_ARGS__)
#define getsockopt(...) io_sim_getsockopt(__VA_ARGS__)
#define ioctl(...) io_sim_ioctl(__VA_ARGS__)
#define listen(...) io_sim_listen(__VA_ARGS__)
#define mkfifo(...) io_sim_mkfifo(__VA_ARGS__)
#define open(...) unit_sim_open(__VA_ARGS__)
#define posix_openpt(flags) (-1) /* no terminals */
#define pipe2(...) io_sim_pipe2(__VA_ARGS__)
#define poll(...) io_sim_poll(__VA_ARGS__)
#define read(...) io_sim_read(__VA_ARGS__)
#define readv(...) io_sim_readv(__VA_ARGS__)
#define recv(...) io_sim_recv(__VA_ARGS__)
#define recvfrom(...) io_sim_recvfrom(__VA_ARGS__)
#define select(...) io_sim_select(__VA_ARGS__)
#define send(...) io_sim_send(__VA_ARGS__)
#define sendmsg(...) io_sim_sendmsg(__VA_ARGS__)
#define sendto(...) io_sim_sendto(__VA_ARGS__)
#define setrlimit(...) unit_sim_setrlimit(__VA_ARGS__)
#define setsockopt(...) io_sim_setsockopt(__VA_ARGS__)
#define shutdown(...) io_sim_shutdown(__VA_ARGS__)
#define socket(...) io_sim_socket(__VA_ARGS__)
#define socketpair(...) io_sim_socketpair(__VA_ARGS__)
#define timerfd_create(...) io_sim_timerfd_create(__VA_ARGS__)
#define timerfd_settime(...) io_sim_timerfd_settime(__VA_ARGS__)
#define unlink(...) io_sim_unlink(__VA_ARGS__)
#define usleep(us) unit_sim_sleep(us)
#define write(...) io_sim_write(__VA_ARGS__)
#define writev(...) io_sim_writev(__VA_ARGS__)

#endif
