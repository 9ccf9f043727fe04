/* Kernel objects in every state that a caller can meet, with what is ready then (docs of poll(2),
 * pipe(7), tcp(7)). */
#ifndef TESTS_UNIT_OBJECTS_H
#define TESTS_UNIT_OBJECTS_H

#include "kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>

/* One of them: the descriptor to watch, and what else has to be closed (-1: nothing). */
typedef struct object {
    io_fd fd;
    io_fd peer;
} object;

static inline object object_pipe_end(int writer)
{
    io_fd fds[2];
    unit_pipe(fds);
    return (object){fds[writer], fds[1 - writer]};
}

static inline void object_close_peer(object *o)
{
    unit_close(o->peer);
    o->peer = -1;
}

static inline object object_pipe_empty(void)
{
    return object_pipe_end(0);
}

static inline object object_pipe_data(void)
{
    object o = object_pipe_end(0);
    kit_put(o.peer, 5);
    return o;
}

static inline object object_pipe_data_end(void)
{
    object o = object_pipe_data();
    object_close_peer(&o);
    return o;
}

static inline object object_pipe_end_only(void)
{
    object o = object_pipe_end(0);
    object_close_peer(&o);
    return o;
}

static inline object object_pipe_room(void)
{
    return object_pipe_end(1);
}

static inline object object_pipe_full(void)
{
    object o = object_pipe_end(1);
    (void)unit_fill(o.fd);
    return o;
}

static inline object object_pipe_broken(void)
{
    object o = object_pipe_end(1);
    object_close_peer(&o);
    return o;
}

static inline object object_pipe_full_broken(void)
{
    object o = object_pipe_full();
    object_close_peer(&o);
    return o;
}

static inline object object_fifo(void)
{
    (void)unlink("fifo");
    CHECK(mkfifo("fifo", 0600) == 0);
    io_fd fd = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(fd >= 0);
    return (object){fd, -1};
}

static inline io_fd object_fifo_writer(void)
{
    io_fd fd = open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static inline object object_fifo_left(void)
{
    object o = object_fifo();
    unit_close(object_fifo_writer());
    return o;
}

static inline object object_tcp(void)
{
    io_fd fds[2];
    unit_tcp_pair(fds);
    return (object){fds[0], fds[1]};
}

static inline object object_tcp_data(void)
{
    object o = object_tcp();
    kit_put(o.peer, 5);
    unit_ready(o.fd, POLLIN);
    return o;
}

static inline object object_tcp_half(void)
{
    object o = object_tcp();
    CHECK(shutdown(o.peer, SHUT_WR) == 0);
    unit_ready(o.fd, POLLRDHUP);
    return o;
}

static inline object object_tcp_both(void)
{
    object o = object_tcp_half();
    CHECK(shutdown(o.fd, SHUT_WR) == 0);
    unit_ready(o.fd, POLLHUP);
    return o;
}

static inline object object_tcp_reset(void)
{
    struct linger now = {1, 0};
    object o = object_tcp();
    CHECK(setsockopt(o.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    object_close_peer(&o);
    unit_ready(o.fd, POLLERR);
    return o;
}

static inline object object_tcp_urgent(void)
{
    object o = object_tcp();
    CHECK_EQ(send(o.peer, "!", 1, MSG_OOB), 1);
    unit_ready(o.fd, POLLPRI);
    return o;
}

/* What TCP has sent and got no answer to yet. */
static inline unsigned object_tcp_unanswered(io_fd fd)
{
#ifdef UNIT_ON_SIM
    (void)fd;
    return 0; /* everything arrives at once */
#else
    struct tcp_info info;
    socklen_t size = sizeof(info);
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info.tcpi_unacked;
#endif
}

/* Write until there is no room, and none will come from what is on its way. */
static inline void object_tcp_fill(io_fd fd)
{
    do {
        (void)unit_fill(fd);
        for (int i = 0; i < 5000 && object_tcp_unanswered(fd) > 0; i++) {
            usleep(1000);
        }
        CHECK_EQ(object_tcp_unanswered(fd), 0);
    } while (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 0) > 0);
}

static inline object object_tcp_full(void)
{
    object o = object_tcp();
    object_tcp_fill(o.fd);
    return o;
}

static inline io_fd object_socket(int type)
{
    io_fd fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    return fd;
}

/* Bound to a port of this machine that the kernel chose. */
static inline io_fd object_bound(int type, struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    io_fd fd = object_socket(type);
    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

static inline object object_tcp_unconnected(void)
{
    return (object){object_socket(SOCK_STREAM), -1};
}

static inline object object_tcp_listening(void)
{
    struct sockaddr_in address;
    object o = {object_bound(SOCK_STREAM, &address), -1};
    CHECK(listen(o.fd, 4) == 0);
    return o;
}

static inline object object_tcp_waiting(void)
{
    struct sockaddr_in address;
    object o = {object_bound(SOCK_STREAM, &address), object_socket(SOCK_STREAM)};
    CHECK(listen(o.fd, 4) == 0);
    CHECK(connect(o.peer, (struct sockaddr *)&address, sizeof(address)) == 0 ||
          errno == EINPROGRESS);
    unit_ready(o.fd, POLLIN);
    return o;
}

static inline object object_tcp_stopped(void)
{
    object o = object_tcp_listening();
    CHECK(shutdown(o.fd, SHUT_RD) == 0);
    return o;
}

static inline object object_tcp_refused(void)
{
    struct sockaddr_in address;
    io_fd bound = object_bound(SOCK_STREAM, &address); /* it doesn't listen */
    object o = {object_socket(SOCK_STREAM), bound};
    CHECK(connect(o.fd, (struct sockaddr *)&address, sizeof(address)) < 0);
    unit_ready(o.fd, POLLERR);
    return o;
}

static inline object object_unix(int type)
{
    io_fd fds[2];
    unit_unix_pair(fds, type);
    return (object){fds[0], fds[1]};
}

static inline object object_unix_fresh(void)
{
    return object_unix(SOCK_STREAM);
}

static inline object object_unix_full(void)
{
    object o = object_unix(SOCK_STREAM);
    (void)unit_fill(o.fd);
    return o;
}

static inline object object_unix_closed(void)
{
    object o = object_unix(SOCK_STREAM);
    object_close_peer(&o);
    return o;
}

static inline object object_unix_half(void)
{
    object o = object_unix(SOCK_STREAM);
    CHECK(shutdown(o.peer, SHUT_WR) == 0);
    return o;
}

static inline object object_unix_shut_read(void)
{
    object o = object_unix(SOCK_STREAM);
    CHECK(shutdown(o.fd, SHUT_RD) == 0);
    return o;
}

static inline object object_unix_datagram_closed(void)
{
    object o = object_unix(SOCK_DGRAM);
    object_close_peer(&o);
    return o;
}

static inline object object_udp_empty(void)
{
    struct sockaddr_in address;
    object o = {object_bound(SOCK_DGRAM, &address), object_socket(SOCK_DGRAM)};
    CHECK_EQ(sendto(o.peer, "", 0, 0, (struct sockaddr *)&address, sizeof(address)), 0);
    unit_ready(o.fd, POLLIN);
    return o;
}

static inline object object_udp_refused(void)
{
    struct sockaddr_in address;
    /* It hears nobody but itself, and as long as it is there nobody else gets the port. */
    io_fd deaf = object_bound(SOCK_DGRAM, &address);
    CHECK(connect(deaf, (struct sockaddr *)&address, sizeof(address)) == 0);
    object o = {object_socket(SOCK_DGRAM), deaf};
    CHECK(connect(o.fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    kit_put(o.fd, 1);
    unit_ready(o.fd, POLLERR);
    return o;
}

static inline object object_eventfd(uint64_t value)
{
    object o = {eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), -1};
    CHECK(o.fd >= 0);
    CHECK_EQ(write(o.fd, &value, sizeof(value)), sizeof(value));
    return o;
}

static inline object object_eventfd_zero(void)
{
    return object_eventfd(0);
}

static inline object object_eventfd_some(void)
{
    return object_eventfd(5);
}

static inline object object_eventfd_full(void)
{
    return object_eventfd(UINT64_MAX - 1);
}

static inline object object_timer(void)
{
    struct itimerspec soon = {.it_value = {0, 1}};
    object o = {timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), -1};
    CHECK(o.fd >= 0);
    CHECK(timerfd_settime(o.fd, 0, &soon, NULL) == 0);
    unit_ready(o.fd, POLLIN);
    return o;
}

/* The other end of a terminal, raw, so that bytes stay bytes. */
static inline io_fd object_terminal_slave(io_fd master)
{
    struct termios mode;
    char name[64];
    CHECK(ptsname_r(master, name, sizeof(name)) == 0);
    io_fd fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(tcgetattr(fd, &mode) == 0);
    cfmakeraw(&mode);
    CHECK(tcsetattr(fd, TCSANOW, &mode) == 0);
    return fd;
}

static inline io_fd object_terminal_master(void)
{
    io_fd fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0) {
        SKIP("no pseudo-terminals");
    }
    CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    unit_nonblock(fd, 1);
    CHECK(grantpt(fd) == 0 && unlockpt(fd) == 0);
    return fd;
}

/* Hung up, and full: a write meets EAGAIN, and that stays so. */
static inline object object_terminal_full(void)
{
    object o = {object_terminal_master(), -1};
    unit_close(object_terminal_slave(o.fd));
    /* The terminal moves bytes on for a while. */
    for (int quiet = 0; quiet < 3; quiet = unit_fill(o.fd) > 0 ? 0 : quiet + 1) {
        usleep(10000);
    }
    return o;
}

static inline void object_end(object *o)
{
    unit_close(o->fd);
    CHECK(o->peer < 0 || close(o->peer) == 0);
}

static const struct {
    const char *name;
    object (*make)(void);
    int ready; /* what is ready, on every backend but for IO-EVENT-9 */
} objects[] = {
#ifdef _WIN32 /* sockets only; one that was never connected is not ready for anything */
    {"a connection", object_tcp, IO_WRITE},
    {"a connection with data", object_tcp_data, IO_READ | IO_WRITE},
    {"a full connection", object_tcp_full, 0},
    {"a connection, the peer sends no more", object_tcp_half, IO_READ | IO_WRITE},
    {"a connection, nobody sends any more", object_tcp_both, IO_READ | IO_WRITE},
    {"a connection that was reset", object_tcp_reset, IO_READ | IO_WRITE},
    {"a connection with urgent data", object_tcp_urgent, IO_WRITE | IO_EXCEPT},
    {"a socket that isn't connected", object_tcp_unconnected, 0},
    {"a listener", object_tcp_listening, 0},
    {"a listener with a connection", object_tcp_waiting, IO_READ},
    {"a connection that was refused", object_tcp_refused, IO_READ | IO_WRITE},
    {"a datagram of no bytes", object_udp_empty, IO_READ | IO_WRITE},
#else
    {"a pipe without data", object_pipe_empty, 0},
    {"a pipe with data", object_pipe_data, IO_READ},
    {"a pipe with data, no writer", object_pipe_data_end, IO_READ | IO_WRITE},
    {"a pipe without data, no writer", object_pipe_end_only, IO_READ | IO_WRITE},
    {"a pipe with room", object_pipe_room, IO_WRITE},
    {"a full pipe", object_pipe_full, 0},
    {"a pipe with room, no reader", object_pipe_broken, IO_READ | IO_WRITE},
    {"a full pipe, no reader", object_pipe_full_broken, IO_READ | IO_WRITE},
    {"a fifo before its first writer", object_fifo, 0},
    {"a fifo whose writer left", object_fifo_left, IO_READ | IO_WRITE},
    {"a connection", object_tcp, IO_WRITE},
    {"a connection with data", object_tcp_data, IO_READ | IO_WRITE},
    {"a full connection", object_tcp_full, 0},
    {"a connection, the peer sends no more", object_tcp_half, IO_READ | IO_WRITE},
    {"a connection, nobody sends any more", object_tcp_both, IO_READ | IO_WRITE},
    {"a connection that was reset", object_tcp_reset, IO_READ | IO_WRITE},
    {"a connection with urgent data", object_tcp_urgent, IO_WRITE | IO_EXCEPT},
    {"a socket that isn't connected", object_tcp_unconnected, IO_READ | IO_WRITE},
    {"a listener", object_tcp_listening, 0},
    {"a listener with a connection", object_tcp_waiting, IO_READ},
    {"a listener that was shut down", object_tcp_stopped, IO_READ | IO_WRITE},
    {"a connection that was refused", object_tcp_refused, IO_READ | IO_WRITE},
    {"a unix socket", object_unix_fresh, IO_WRITE},
    {"a full unix socket", object_unix_full, 0},
    {"a unix socket whose peer left", object_unix_closed, IO_READ | IO_WRITE},
    {"a unix socket, the peer sends no more", object_unix_half, IO_READ | IO_WRITE},
    {"a unix socket, not read any more", object_unix_shut_read, IO_READ | IO_WRITE},
    {"a unix datagram socket whose peer left", object_unix_datagram_closed, IO_WRITE},
    {"a datagram of no bytes", object_udp_empty, IO_READ | IO_WRITE},
    {"a datagram that was refused", object_udp_refused, IO_READ | IO_WRITE},
    {"an eventfd of 0", object_eventfd_zero, IO_WRITE},
    {"an eventfd", object_eventfd_some, IO_READ | IO_WRITE},
    {"an eventfd at its end", object_eventfd_full, IO_READ},
    {"a timer that is over", object_timer, IO_READ},
#ifndef UNIT_ON_SIM
    {"a full terminal that was hung up", object_terminal_full, IO_READ | IO_WRITE},
#endif
#endif
};

enum { OBJECTS = sizeof(objects) / sizeof(objects[0]) };

#endif
