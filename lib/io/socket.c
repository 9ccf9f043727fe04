/* Listening, accepting and connecting. Every argument is checked before anything is opened; after
 * that the first call that fails decides the result, and what was made until then is undone
 * (IO-SOCKET-6). */
#include "../os/os_address.h"
#include "../os/os_io.h"

#include <string.h>

#include <ioatom/ioatom.h>

#define IO_INTEREST_ALL (IO_READ | IO_WRITE | IO_EXCEPT | IO_ONESHOT)
#define IO_LISTEN_ALL (IO_LISTEN_REUSEPORT | IO_LISTEN_DUALSTACK)
#define IO_PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* The bytes are not a struct sockaddr for the compiler: they are read by copying, never through a
 * cast pointer. */
static int io_address_family(const io_address *address)
{
    struct sockaddr any;
    memcpy(&any, address->sockaddr.bytes, sizeof(any));
    return any.sa_family;
}

/* 1 if the address holds a path that is not empty and ends: with a zero, or where struct
 * sockaddr_un does. */
static int io_path_valid(const io_address *address)
{
    if (address->length <= IO_PATH_OFFSET || address->length > sizeof(struct sockaddr_un) ||
        address->sockaddr.bytes[IO_PATH_OFFSET] == 0) {
        return 0;
    }
    return address->length == sizeof(struct sockaddr_un) ||
           memchr(&address->sockaddr.bytes[IO_PATH_OFFSET], 0, address->length - IO_PATH_OFFSET) !=
               NULL;
}

/* 1 if the type, the family and the length belong together (IO-SOCKET-8). */
static int io_address_valid(const io_address *address)
{
    if (address == NULL || (address->type != IO_STREAM && address->type != IO_DATAGRAM)) {
        return 0;
    }
    if (address->length < sizeof(sa_family_t)) {
        return 0;
    }
    switch (io_address_family(address)) {
    case AF_INET:
        return address->length == sizeof(struct sockaddr_in);
    case AF_INET6:
        return address->length == sizeof(struct sockaddr_in6);
    case AF_UNIX:
        return io_path_valid(address);
    default:
        return 0;
    }
}

/* What the three functions have in common. A poller that was disposed of has no type (IO-ERROR-5).
 */
static int io_socket_valid(const io_poller *poller, const io_atom *atom, io_proc proc, int flags)
{
    return poller != NULL && io_poller_type(poller) >= 0 && atom != NULL && proc != NULL &&
           (flags & ~IO_INTEREST_ALL) == 0;
}

/* Fill in the atom and register it. io_add takes the atom's own address, so it is filled in first;
 * if that fails it gets its old bytes back, and the descriptor is closed, without another error
 * code taking the place of the first. */
static int io_adopt(io_poller *poller, io_atom *atom, io_proc proc, io_fd fd, int flags)
{
    io_atom before;
    memcpy(&before, atom, sizeof(before)); /* as bytes: it may never have been initialized */
    io_atom_init(atom, fd, proc);
    int result = io_add(poller, atom, flags);
    if (result < 0) {
        memcpy(atom, &before, sizeof(before));
        (void)io_os_close(fd);
    }
    return result;
}

static io_fd io_open(const io_address *address)
{
    int type = address->type == IO_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
    return io_os_socket(io_address_family(address), type);
}

/* The options of a listener. To unix sockets none applies: two can never share a path. */
static int io_set_options(io_fd fd, const io_address *local, int options)
{
    int family = io_address_family(local);
    int result = 0;
    if (family == AF_UNIX) {
        return 0;
    }
    if (local->type == IO_STREAM) { /* else two datagram sockets could share an address unasked */
        result = io_os_reopen_address(fd);
    }
    if (result >= 0 && (options & IO_LISTEN_REUSEPORT) != 0) {
        result = io_os_share_address(fd);
    }
    if (result >= 0 &&
        family == AF_INET6) { /* always: the system's default may be either (IO-SOCKET-9) */
        int only = (options & IO_LISTEN_DUALSTACK) == 0;
        result = io_os_setsockopt_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, only);
    }
    return result;
}

/* Take back the file that bind made. */
static void io_unbind(const io_address *local)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = {
        0}; /* one more: a full path has no zero */
    if (io_address_family(local) == AF_UNIX) {
        memcpy(path, &local->sockaddr.bytes[IO_PATH_OFFSET], local->length - IO_PATH_OFFSET);
        (void)io_os_unlink(path);
    }
}

/* Bind, listen, register. */
static int io_serve(io_poller *poller, io_atom *atom, io_proc proc, io_fd fd,
                    const io_address *local)
{
    int result = io_os_bind(fd, local->sockaddr.bytes, local->length);
    if (result < 0) {
        (void)io_os_close(fd);
        return result;
    }
    result = local->type == IO_STREAM ? io_os_listen(fd) : 0;
    if (result < 0) {
        (void)io_os_close(fd);
    } else {
        result = io_adopt(poller, atom, proc, fd, IO_READ);
    }
    if (result < 0) {
        io_unbind(local); /* after a bind that succeeded, so the file is ours */
    }
    return result;
}

int io_socket_listen(io_poller *poller, io_atom *atom, io_proc proc, const io_address *local,
                     int options)
{
    if (!io_socket_valid(poller, atom, proc, IO_READ) || !io_address_valid(local) ||
        (options & ~IO_LISTEN_ALL) != 0) {
        return io_result(-EINVAL);
    }
    io_fd fd = io_open(local);
    if (fd < 0) {
        return io_result((int)fd);
    }
    int result = io_set_options(fd, local, options);
    if (result < 0) {
        (void)io_os_close(fd);
        return io_result(result);
    }
    return io_result(io_serve(poller, atom, proc, fd, local));
}

/* What accept(2) fails with for want of something, connection or not. */
static int io_is_shortage(io_fd result)
{
    return result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS;
}

/* Take one connection. A signal is no result, and neither is a peer that gave up while it waited:
 * the next in the queue may be a good one, and an edge is told only once. Each turn takes something
 * out of the queue, so this ends. */
static io_fd io_take(io_fd listener, io_address *peer)
{
    io_fd result;
    do {
        size_t length = sizeof(peer->sockaddr.bytes);
        memset(peer, 0, sizeof(*peer));
        result = io_os_accept(listener, peer->sockaddr.bytes, &length);
        peer->type = IO_STREAM;
        peer->length = (uint32_t)length;
    } while (result == -EINTR || result == -ECONNABORTED);
    /* Linux looks for a free descriptor, and memory, before it looks for a connection; without one
     * -EMFILE is the wrong answer (IO-SOCKET-3), and would leave the caller waiting for a connection
     * that is not there. */
    if (io_is_shortage(result) && !io_os_is_readable(listener)) {
        return -EAGAIN;
    }
    return result;
}

int io_socket_accept(io_poller *poller, io_atom *atom, io_proc proc, int flags, io_atom *listener,
                     io_address *remote)
{
    if (!io_socket_valid(poller, atom, proc, flags) || listener == NULL) {
        return io_result(-EINVAL);
    }
    io_address peer;
    io_fd fd = io_take(listener->fd, &peer);
    if (fd == -EAGAIN) {
        (void)io_exhausted(poller, listener,
                           IO_READ); /* -ENOENT: not registered, nothing to note */
    }
    if (fd < 0) {
        return io_result((int)fd);
    }
    int result = io_adopt(poller, atom, proc, fd, flags);
    if (result >= 0 && remote != NULL) {
        *remote = peer;
    }
    return io_result(result);
}

int io_socket_connect(io_poller *poller, io_atom *atom, io_proc proc, const io_address *remote,
                      int flags)
{
    if (!io_socket_valid(poller, atom, proc, flags) || !io_address_valid(remote)) {
        return io_result(-EINVAL);
    }
    io_fd fd = io_open(remote); /* non-blocking before it connects (IO-SOCKET-5) */
    if (fd < 0) {
        return io_result((int)fd);
    }
    int result = io_os_connect(fd, remote->sockaddr.bytes, remote->length);
    /* Interrupted, it goes on as if it had said EINPROGRESS; asked again it would say EALREADY. */
    if (result < 0 && result != -EINPROGRESS && result != -EINTR) {
        (void)io_os_close(fd);
        return io_result(result);
    }
    return io_result(io_adopt(poller, atom, proc, fd, flags));
}
