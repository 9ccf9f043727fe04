/*
 * IO Atom: unified edge-triggered polling.
 *
 * A caller embeds an io_atom (a descriptor and a callback) in its own struct, adds it to a poller,
 * and runs io_wait and io_dispatch. The library allocates nothing. What must happen is said by
 * lib/SPEC.md; the clause ids in these comments (IO-ADD-1) point there.
 *
 * Rules for every function:
 *  - The result is >= 0, or a negative errno value; errno is then set to match (IO-ERROR-1).
 *  - On an error nothing has changed (IO-ERROR-2). When several errors apply, the first of -EINVAL,
 * -EBUSY, -EBADF, -ERANGE, -EEXIST or -ENOENT, -EPERM is returned, on every backend alike
 * (IO-ERROR-3, IO-ERROR-4).
 *  - A null poller or atom, or a poller that was disposed of, is -EINVAL (IO-ERROR-5), except where
 * a comment says that null is allowed.
 *  - A poller and its atoms belong to one thread at a time; two pollers may be used by two threads.
 */
#ifndef IOATOM_IOATOM_H
#define IOATOM_IOATOM_H

#include <stddef.h>
#include <stdint.h>
#ifdef _WIN32
#include <ioatom/windows.h>
#else
#include <sys/uio.h>
#endif

#ifdef IO_OS_SIM
#include <ioatom/sim_names.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The platform's descriptor; on Windows a socket, of another type. */
#ifndef _WIN32
typedef int io_fd;
#endif

typedef struct io_poller io_poller;
typedef struct io_atom io_atom;

/* A callback. flags is a non-empty set of IO_READ, IO_WRITE and IO_EXCEPT within the atom's
 * interest (IO-DISPATCH-2). It may add, set, remove and free any atom, its own included; it may not
 * call io_wait, io_dispatch, io_next, io_poller_dispose or io_poller_after_fork (-EBUSY). */
typedef void (*io_proc)(io_poller *poller, io_atom *atom, int flags);

/* Embed it in a struct of your own and find that with io_resolve_parent. The caller owns the memory
 * and leaves both members alone while the atom is registered; the library reads it, and writes it
 * only in io_atom_init and in the three socket helpers (IO-MEM-2). */
struct io_atom {
    io_proc proc;
    io_fd fd;
};

/* One event as a value, as taken by io_next. */
typedef struct io_event {
    io_atom *atom;
    int flags;
} io_event;

/* Flags of io_add, io_set and of a callback. */
#define IO_READ 1    /* a read, an accept, would not block (IO-EVENT-1) */
#define IO_WRITE 2   /* a write would not block, or a connect has ended (IO-EVENT-2) */
#define IO_EXCEPT 4  /* out-of-band data; deprecated (IO-EVENT-4) */
#define IO_ONESHOT 8 /* interest only: empty after one delivery, until io_set (IO-ONESHOT-1) */

/* Backends, to be combined with |. */
#define IO_POLLER_SELECT 0x01
#define IO_POLLER_POLL 0x02
#define IO_POLLER_EPOLL 0x04
#define IO_POLLER_KQUEUE 0x08
#define IO_POLLER_URING 0x10
#define IO_POLLER_AFD 0x20
#define IO_POLLER_ANY 0xff
/* Modifiers; with neither, the backend's native mode (IO-INIT-2). */
#define IO_POLLER_EDGE 0x100
#define IO_POLLER_LEVEL 0x200

/* Descriptors 0 to IO_POLLER_INLINE_FDS - 1 have a place in the poller itself (IO-MEM-5); on Windows
 * so many of them. */
#define IO_POLLER_INLINE_FDS 1024

/* Kinds of socket in an io_address. */
#define IO_STREAM 0
#define IO_DATAGRAM 1

/* Options of io_socket_listen. */
#define IO_LISTEN_REUSEPORT 1 /* several sockets may share the address (SO_REUSEPORT) */
#define IO_LISTEN_DUALSTACK 2 /* an IPv6 socket takes IPv4, too (IPV6_V6ONLY off) */

/* A socket address; made by io_parse_address and io_socket_accept, or by hand: sockaddr holds
 * length bytes of the platform's struct sockaddr_in, sockaddr_in6 or sockaddr_un. length 0: no
 * address. */
typedef struct io_address {
    int type; /* IO_STREAM or IO_DATAGRAM */
    uint32_t length;
    union {
        uint64_t align;
        unsigned char bytes[128];
    } sockaddr;
} io_address;

#include <ioatom/detail.h> /* struct io_poller, to be embedded by value; its members are private */

/* The struct that contains the atom, type-checked: io_resolve_parent(atom, struct my_comm, io). */
#define io_resolve_parent(atom_ptr, type, member)                                                  \
    ((type *)(void *)((char *)(1 ? (atom_ptr) : &((type *)0)->member) - offsetof(type, member)))

/* Set proc and fd. No error, no system call; the descriptor is not looked at and not owned
 * (IO-MEM-6). */
void io_atom_init(io_atom *atom, io_fd fd, io_proc proc);

/* Make a poller in the caller's memory; it must not be moved or copied afterwards. types is
 * IO_POLLER_ANY or an OR of backends, and at most one modifier; the best available of them is taken
 * (IO-INIT-1). For IO_POLLER_ANY the environment's IOATOM_POLLER restricts the choice (IO-INIT-5).
 * -EINVAL: no backend, unknown bits, both modifiers, unknown name in IOATOM_POLLER. -ENOSYS: none
 * of the backends is compiled in or offered by the kernel. -EMFILE, -ENFILE, -ENOMEM: from the
 * kernel. */
int io_poller_init(io_poller *poller, int types);

/* The same, with a table in the caller's storage: aligned like a pointer, left alone until
 * io_poller_dispose, and giving a place to descriptors 0 to N - 1, N being the largest with
 * io_poller_storage_size(types, N) <= size. -EINVAL also for null or misaligned storage, or for N =
 * 0 (IO-INIT-6). */
int io_poller_init_in(io_poller *poller, int types, void *storage, size_t size);

/* Bytes for descriptors 0 to max_fds - 1, on Windows for max_fds of them: at most 28 for each, there
 * 112 (IO-MEM-4). 0 if max_fds <= 0 or is too large. */
size_t io_poller_storage_size(int types, int max_fds);

/* Close what the poller opened itself; its atoms are no longer registered, their descriptors stay
 * open (IO-INIT-10). -EBUSY: inside a callback. */
int io_poller_dispose(io_poller *poller);

/* "epoll", "kqueue", "uring", "poll", "select" or "afd"; "none" for a null or disposed poller
 * (IO-INIT-7). */
const char *io_poller_name(const io_poller *poller);

/* The backend's bit | IO_POLLER_EDGE or IO_POLLER_LEVEL, whichever mode it runs in (IO-INIT-7). */
int io_poller_type(const io_poller *poller);

/* A descriptor that is readable when io_wait would find something new, to nest this poller in
 * another loop; it is the poller's: don't close it. Events that are already pending don't show
 * there. -ENOTSUP: the backend has none (IO-INIT-8). */
int io_poller_fd(const io_poller *poller);

/* To be called in the child after fork(): gives it a kernel object of its own; registrations and
 * pending events stay as they were (IO-FORK-1). -EBUSY: inside a callback. -EMFILE, -ENFILE,
 * -ENOMEM, -ENOSPC: from the kernel. */
int io_poller_after_fork(io_poller *poller);

/* Register an atom. flags is its interest, possibly empty. What is ready already is told by the
 * next wait (IO-ADD-2). -EINVAL: unknown flags, null proc. -EBADF: not an open descriptor. -ERANGE:
 * beyond the table. -EEXIST: the descriptor is registered in this poller. -EPERM: an ordinary file
 * or a directory. -ENOMEM, -ENOSPC: from the kernel. */
int io_add(io_poller *poller, io_atom *atom, int flags);

/* Replace the interest at once, the rest of the current batch included (IO-SET-1), and re-arm:
 * every flag of it that is ready is told by the next wait (IO-SET-2). Dropping a flag makes no
 * system call; nor does adding one that the kernel has and that is known exhausted (IO-MASK-1,
 * IO-MASK-2). -EINVAL: unknown flags. -ENOENT: not registered. -EBADF: may be returned if the
 * descriptor was closed (IO-CLOSE-9). -ENOMEM: from the kernel. */
int io_set(io_poller *poller, io_atom *atom, int flags);

/* Unregister. When it returns, this poller calls the atom no more and never touches its memory: it
 * may be freed at once, in its own callback or another's (IO-REMOVE-1). Do it before closing the
 * descriptor. -ENOENT: not registered. */
int io_remove(io_poller *poller, io_atom *atom);

/* Wait for events, at most timeout_ms milliseconds, never less (IO-WAIT-3); negative or INT_MAX:
 * for ever. The result is the number of pending atoms; 0 only after a timeout or a signal. It does
 * not block while events are pending, and adds to them (IO-WAIT-2). -EBUSY: inside a callback.
 * -ENOMEM, -EMFILE, -ENFILE: from the kernel; nothing is lost (IO-WAIT-9). */
int io_wait(io_poller *poller, int timeout_ms);

/* Call back every atom with a pending event, each at most once (IO-DISPATCH-1), in an unspecified
 * order. The result is the number of calls. -EBUSY: inside a callback. */
int io_dispatch(io_poller *poller);

/* Instead of io_dispatch: take one pending event. 1: *event is it, and it is no longer pending; 0:
 * there is none, and *event is as it was (IO-NEXT-1). -EBUSY: inside a callback. -EINVAL also for a
 * null event. */
int io_next(io_poller *poller, io_event *event);

/* How many registered atoms have a descriptor that is not open: they were closed without io_remove
 * (IO-CLOSE-8). */
int io_fd_check(io_poller *poller);

/* Read, or write, once. 0: *len bytes were moved (never 0, but for an empty datagram). -EAGAIN:
 * nothing to be had now; the library notes that the flag is exhausted (IO-READ-2, IO-WRITE-2).
 * -EPIPE: end of file, or nobody reads. -EINVAL: null buf or len, size 0, iovcnt < 1 or > IOV_MAX,
 * buffers of 0 bytes in all. Others as from read(2), recv(2), write(2), send(2): -ECONNRESET,
 * -ECONNREFUSED, -EBADF, -ENOTCONN ... On an error *len is 0 (if it can be written). EINTR is
 * retried. No write raises SIGPIPE on a socket (IO-WRITE-4). A null poller, or an atom that is not
 * registered, is allowed: then nothing is noted (IO-READ-8). Safe in any thread that owns the atom
 * if poller is null. */
int io_read(io_poller *poller, io_atom *atom, void *buf, size_t size, size_t *len);
int io_write(io_poller *poller, io_atom *atom, const void *buf, size_t size, size_t *len);
int io_readv(io_poller *poller, io_atom *atom, const struct iovec *iov, int iovcnt, size_t *len);
int io_writev(io_poller *poller, io_atom *atom, const struct iovec *iov, int iovcnt, size_t *len);

/* "I met EAGAIN myself": for handlers that use read(2), accept(2) ... directly. On an
 * edge-triggered poller over select, poll or afd a flag that was told is told again only after this,
 * or EAGAIN from io_read or io_write, or io_set (IO-EDGE-3). -EINVAL: anything but IO_READ, IO_WRITE,
 * IO_EXCEPT. -ENOENT: not registered. */
int io_exhausted(io_poller *poller, io_atom *atom, int flags);

/* Remove the atom, if it is registered, and close its descriptor (IO-CLOSE-1). -EBADF: it was not
 * open; the atom is unregistered all the same (IO-CLOSE-3). -EIO and the like: from the kernel, which
 * has closed it all the same (IO-CLOSE-11). */
int io_close(io_poller *poller, io_atom *atom);

/* Make a non-blocking, close-on-exec socket that listens at *local (a datagram socket: is bound to
 * it), fill in *atom and register it with IO_READ (IO-SOCKET-1). options: IO_LISTEN_REUSEPORT,
 * IO_LISTEN_DUALSTACK. -EINVAL: null proc or address, a bad address, unknown options. -EADDRINUSE,
 * -EADDRNOTAVAIL, -EACCES, -EAFNOSUPPORT, -EMFILE, -ENFILE, -ENOMEM ...: from the kernel; and those
 * of io_add. On an error *atom is untouched, nothing is open. */
int io_socket_listen(io_poller *poller, io_atom *atom, io_proc proc, const io_address *local,
                     int options);

/* Accept one connection, non-blocking and close-on-exec, fill in *atom and register it with flags
 * (IO-SOCKET-2). remote may be null. -EAGAIN: none is waiting (noted as exhausted). -EMFILE,
 * -ENFILE, -ENOMEM, -ENOBUFS: the connection stays queued, and is not an edge again: io_set the listener when
 * there is room (IO-SOCKET-4). On an error *atom is untouched. */
int io_socket_accept(io_poller *poller, io_atom *atom, io_proc proc, int flags, io_atom *listener,
                     io_address *remote);

/* Start to connect a non-blocking, close-on-exec socket, fill in *atom and register it with flags.
 * It never blocks: 0 means connected or on the way; IO_WRITE becomes ready when that has ended, and
 * the next read or write tells how (IO-SOCKET-5). -ECONNREFUSED, -ENOENT, -EAGAIN (a unix
 * listener's queue is full) ...: known at once. On an error *atom is untouched. */
int io_socket_connect(io_poller *poller, io_atom *atom, io_proc proc, const io_address *remote,
                      int flags);

/* Parse "1.2.3.4:22", "22" (port of any IPv4 address), "[::1]:80", "unix:/path"; with "udp:" or
 * "unix-dgram:/path" for datagrams. Numeric only: no name is looked up. -EINVAL: not of that form;
 * *address is then unchanged (IO-ADDR-1). */
int io_parse_address(const char *spec, io_address *address);

#ifdef __cplusplus
}
#endif
#endif
