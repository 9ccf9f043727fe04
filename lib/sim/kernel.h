/* What the files of the simulated kernel share. Inside, results are >= 0 or a negative errno value,
 * and things are named by their index; IO_SIM_NONE is none. */
#ifndef IOATOM_SIM_KERNEL_H
#define IOATOM_SIM_KERNEL_H

#include "../os/platform.h"

#include <ioatom/sim.h>
#include <ioatom/sim_kqueue.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define NONE IO_SIM_NONE
#define IO_SIM_NEVER UINT64_MAX

/* Readiness, with all the names that Linux gives it. */
enum {
    IO_SIM_IN = POLLIN | POLLRDNORM,
    IO_SIM_OUT = POLLOUT | POLLWRNORM,
    IO_SIM_ALARMS = POLLERR | POLLHUP,
    /* What wakes whoever watches: sockets say more than comes to pass. 0 wakes everybody. */
    IO_SIM_WAKE_IN = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND,
    IO_SIM_WAKE_OUT = POLLOUT | POLLWRNORM | POLLWRBAND
};

/* io_sim_file.kind */
enum {
    IO_SIM_FREE,
    IO_SIM_PIPE,
    IO_SIM_SOCKET,
    IO_SIM_EVENTFD,
    IO_SIM_TIMERFD,
    IO_SIM_EPOLL,
    IO_SIM_RING, /* io_uring */
    IO_SIM_KQUEUE,
    IO_SIM_ORDINARY, /* from here on: no readiness of its own */
    IO_SIM_DIRECTORY,
    IO_SIM_NULL,
    IO_SIM_ZERO,
    IO_SIM_PATH /* O_PATH */
};

/* io_sim_file.mode */
enum { IO_SIM_READS = 1, IO_SIM_WRITES = 2 };

/* io_sim_endpoint.state, and .shutdown: bits as in shutdown(2), plus 1 */
enum { IO_SIM_CLOSED, IO_SIM_LISTENING, IO_SIM_CONNECTING, IO_SIM_CONNECTED };
enum { IO_SIM_SHUT_IN = 1, IO_SIM_SHUT_OUT = 2, IO_SIM_SHUT_BOTH = 3 };

/* A place in the buffers of a transfer. */
typedef struct io_sim_span {
    const struct iovec *iov;
    int iovcnt;
    size_t offset; /* in iov[0] */
    size_t left;   /* of all */
} io_sim_span;

/* sim.c */
io_sim *io_sim_enter(int call, int fd); /* null: no simulation, or a fault; errno is set */
io_sim_fault io_sim_enter_request(io_sim *sim, int call, int fd); /* what io_uring is given */
io_sim *io_sim_current(void);
int io_sim_return(ssize_t result);
ssize_t io_sim_return_count(ssize_t result);

/* clock.c: wait until something has happened. 0: it has; -ETIMEDOUT: the deadline came first, and it
 * is that time now; -EINTR; -EDEADLK. */
int io_sim_block(io_sim *sim, uint64_t deadline_ns);
uint64_t io_sim_deadline(const io_sim *sim, int64_t span_ns); /* negative: never */

/* descriptors.c */
io_sim_file *io_sim_file_of(io_sim *sim, int fd); /* null: not open, or O_PATH */
io_sim_file *io_sim_any_file_of(io_sim *sim, int fd);
/* A new file without a number, its index, or -ENFILE. */
int io_sim_new_file(io_sim *sim, int kind, int mode, int status);
/* A number for it, the lowest from start on; if there is none the file is released if nobody has
 * it. */
int io_sim_new_number(io_sim *sim, int file, int start, int close_on_exec);
void io_sim_release_file(io_sim *sim, int file);
void io_sim_unref_file(io_sim *sim, int file);
int io_sim_close_number(io_sim *sim, int fd);
int io_sim_has_number(const io_sim *sim);
int io_sim_has_file(io_sim *sim);

static inline int io_sim_file_index(const io_sim *sim, const io_sim_file *file)
{
    return (int)(file - sim->files);
}

static inline int io_sim_is_nonblocking(const io_sim_file *file)
{
    return (file->status & O_NONBLOCK) != 0;
}

/* memory.c: bytes in queues */
void io_sim_queue_init(io_sim_queue *queue);
/* Add up to size bytes as one chunk: to the end of its last page, or, if fresh, in a page of its
 * own. The bytes taken, or -ENOBUFS. */
ssize_t io_sim_append(io_sim *sim, io_sim_queue *queue, io_sim_span *from, size_t size, int fresh);
/* Add a message, for which the owner is charged (NONE: nobody) until it has been read. */
ssize_t io_sim_append_message(io_sim *sim, io_sim_queue *queue, io_sim_span *from, size_t size,
                              int owner, uint32_t charge);
/* Take up to size bytes out of the first chunk; null: throw them away. Returns how many. Drops the
 * chunk when it is empty. */
size_t io_sim_take(io_sim *sim, io_sim_queue *queue, io_sim_span *to, size_t size);
void io_sim_drop_chunk(io_sim *sim, io_sim_queue *queue);
void io_sim_drop_all(io_sim *sim, io_sim_queue *queue);
size_t io_sim_span_put(io_sim_span *to, const unsigned char *bytes, size_t size);
size_t io_sim_span_get(io_sim_span *from, unsigned char *bytes, size_t size);
uint32_t io_sim_true_size(size_t size, int is_stream);

/* readiness.c */
int io_sim_mask(io_sim *sim, int file, int fd, int wanted);
void io_sim_wake(io_sim *sim, int file, int key);

/* waits.c: wait until look finds something. look returns the number of results, with peek just
 * whether there is something, which changes nothing; negative: an error. */
typedef int (*io_sim_look)(io_sim *sim, void *context, int peek);
int io_sim_wait(io_sim *sim, int64_t timeout_ns, io_sim_look look, void *context);
int64_t io_sim_timeout_ns(int timeout_ms);

/* ioctl.c */
int io_sim_bytes_waiting(const io_sim *sim, const io_sim_file *file);

/* epoll.c */
int io_sim_check_nesting(const io_sim *sim, int set, int inner); /* 0, or -ELOOP */
int io_sim_epoll_mask(io_sim *sim, int set);
void io_sim_epoll_link(io_sim *sim, int item);
void io_sim_epoll_unlink(io_sim *sim, int item);
int io_sim_item_mask(io_sim *sim, const io_sim_item *item);
void io_sim_epoll_forget_file(io_sim *sim, int file);
void io_sim_epoll_release(io_sim *sim, int set);

/* uring_polls.c */
void io_sim_uring_wake(io_sim *sim, int request, int key);
void io_sim_uring_work(io_sim *sim); /* what was woken is dealt with: at the end of each call */
void io_sim_uring_due(io_sim *sim, int request);

/* uring_rings.c */
int io_sim_ring_mask(const io_sim *sim, int ring);
void io_sim_ring_release(io_sim *sim, int ring);
void io_sim_ring_exit(io_sim *sim, int ring);
void io_sim_fork_rings(io_sim *sim); /* what the parent's parent left is gone */
/* kqueue.c */
enum { IO_SIM_NEST_MOST = 8 }; /* sets in one another that are woken at once */
/* kqueues that have an event now, and are watched themselves. */
typedef struct io_sim_queues {
    uint16_t files[IO_SIM_NEST_MOST];
    int count;
} io_sim_queues;
void io_sim_wake_knotes(io_sim *sim, int file, int key, io_sim_queues *woken);
void io_sim_forget_knotes(io_sim *sim, int fd); /* this number is closed */
void io_sim_kqueue_release(io_sim *sim, int queue);
int io_sim_find_knote(const io_sim *sim, int queue, uintptr_t ident, int filter);
void io_sim_free_knote(io_sim *sim, int knote);
int io_sim_change_knote(io_sim *sim, int queue, const struct kevent *change);
/* 1 if it has something to report, which then is in *event. */
int io_sim_knote_event(io_sim *sim, int knote, struct kevent *event);
void io_sim_link_knote(io_sim *sim, int knote);
void io_sim_unlink_knote(io_sim *sim, int knote);

/* kevent.c: a child has none of its parent's. */
void io_sim_fork_queues(io_sim *sim);

/* pipes.c */
int io_sim_pipe_is_broken(io_sim *sim, const io_sim_file *file);
int io_sim_pipe_mask(io_sim *sim, const io_sim_file *file);
ssize_t io_sim_pipe_read(io_sim *sim, const io_sim_file *file, io_sim_span *to);
ssize_t io_sim_pipe_write(io_sim *sim, const io_sim_file *file, io_sim_span *from);
void io_sim_pipe_release(io_sim *sim, const io_sim_file *file);
int io_sim_pipe_size(io_sim *sim, const io_sim_file *file, int size); /* negative: ask */
int io_sim_fifo_open(io_sim *sim, const char *path, int flags);

/* names.c: paths and addresses */
int io_sim_find_name(const io_sim *sim, const char *path);
int io_sim_new_name(io_sim *sim, const char *path, int kind, int object);
int io_sim_unix_path(const struct sockaddr *address, socklen_t length, char *path);
int io_sim_inet_address(const struct sockaddr *address, socklen_t length, int family,
                        io_sim_address *result);
int io_sim_is_wildcard(const io_sim_address *address);
int io_sim_is_mapped(const io_sim_address *address); /* IPv4 */
int io_sim_put_address(const io_sim *sim, int family, const io_sim_address *inet, int name,
                       struct sockaddr *address, socklen_t *length);
/* The socket of this type that listens or receives at the address; an error: -ECONNREFUSED ... */
int io_sim_find_socket(const io_sim *sim, int type, const io_sim_address *at,
                       const io_sim_address *from);
int io_sim_find_unix(const io_sim *sim, const struct sockaddr *address, socklen_t length, int type);
int io_sim_bind_inet(io_sim *sim, io_sim_endpoint *socket, const io_sim_address *address);

/* sockets.c */
int io_sim_new_socket(io_sim *sim, int family, int type);
int io_sim_socket_number(io_sim *sim, int socket, int flags);
int io_sim_socket_of(io_sim *sim, int fd, io_sim_endpoint **socket);
void io_sim_free_socket(io_sim *sim, int socket);
int io_sim_socket_release(io_sim *sim, int socket);
int io_sim_take_error(io_sim_endpoint *socket);
int io_sim_socket_mask(io_sim *sim, int socket, int wanted);
void io_sim_tell_socket(io_sim *sim, const io_sim_endpoint *socket, int key);

static inline int io_sim_is_unix(const io_sim_endpoint *socket)
{
    return socket->family == AF_UNIX;
}

static inline int io_sim_socket_index(const io_sim *sim, const io_sim_endpoint *socket)
{
    return (int)(socket - sim->sockets);
}

/* listening.c */
void io_sim_stop_listening(io_sim *sim, int socket);
int io_sim_is_crowded(const io_sim_endpoint *listener);
/* The listener's end of a connection, which waits to be accepted. */
int io_sim_join(io_sim *sim, io_sim_endpoint *listener, io_sim_endpoint *client);

/* connecting.c */
/* Find the way to an address, which must be one of this machine, and give the socket a port. */
int io_sim_route(io_sim *sim, io_sim_endpoint *socket, io_sim_address *to);
void io_sim_set_source(io_sim_address *source, const io_sim_address *to);
void io_sim_retry_connect(io_sim *sim, int socket);

/* unix.c */
int io_sim_unix_mask(const io_sim_endpoint *socket);
int io_sim_unix_has_room(const io_sim_endpoint *socket);
ssize_t io_sim_unix_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to);
ssize_t io_sim_unix_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from);
void io_sim_unix_shutdown(io_sim *sim, io_sim_endpoint *socket, int how);
void io_sim_unix_release(io_sim *sim, io_sim_endpoint *socket);

/* tcp.c */
int io_sim_tcp_mask(io_sim *sim, io_sim_endpoint *socket);
ssize_t io_sim_tcp_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to);
ssize_t io_sim_tcp_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from, int urgent);
ssize_t io_sim_tcp_read_urgent(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to);
int io_sim_tcp_waiting(const io_sim_endpoint *socket); /* bytes before the urgent one */
int io_sim_tcp_shutdown(io_sim *sim, io_sim_endpoint *socket, int how);
void io_sim_tcp_reset(io_sim *sim, io_sim_endpoint *socket, int error);
void io_sim_tcp_reset_peer(io_sim *sim, io_sim_endpoint *socket);
void io_sim_tcp_release(io_sim *sim, io_sim_endpoint *socket);

/* datagrams.c */
int io_sim_datagram_mask(io_sim *sim, io_sim_endpoint *socket, int wanted);
ssize_t io_sim_datagram_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to,
                             io_sim_address *from);
int io_sim_datagram_waiting(const io_sim *sim, const io_sim_endpoint *socket);
ssize_t io_sim_datagram_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from,
                              const struct sockaddr *address, socklen_t length);
void io_sim_datagram_release(io_sim *sim, io_sim_endpoint *socket);

/* counters.c */
int io_sim_counter_mask(const io_sim_file *file);
ssize_t io_sim_counter_read(io_sim *sim, io_sim_file *file, io_sim_span *to);
ssize_t io_sim_counter_write(io_sim *sim, io_sim_file *file, io_sim_span *from);
void io_sim_timer_expire(io_sim *sim, io_sim_file *file);

#endif
