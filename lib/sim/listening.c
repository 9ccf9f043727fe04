/* Binding, listening and accepting (kernel-semantics: 13, 29). */
#include "kernel.h"

enum { BACKLOG_MOST = 4096 };

int io_sim_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_BIND, fd);
    io_sim_endpoint *socket = NULL;
    io_sim_address at;
    char path[IO_SIM_PATH_BYTES];
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    if (r < 0) {
        return io_sim_return(r);
    }
    if (!io_sim_is_unix(socket)) {
        r = io_sim_inet_address(address, length, socket->family, &at);
        r = r == 0 && socket->local.is_set ? -EINVAL : r;
        return io_sim_return(r < 0 ? r : io_sim_bind_inet(sim, socket, &at));
    }
    r = io_sim_unix_path(address, length, path);
    if (r == 0 && socket->name != NONE) {
        r = -EINVAL;
    }
    if (r == 0) {
        r = io_sim_new_name(sim, path, IO_SIM_SOCKET, io_sim_socket_index(sim, socket));
    }
    if (r >= 0) {
        socket->name = (uint16_t)r;
        r = 0;
    }
    return io_sim_return(r == -EEXIST ? -EADDRINUSE : r);
}

/* Two may be bound to an address, with SO_REUSEADDR, and yet not both listen. */
static int is_listened_to(const io_sim *sim, const io_sim_endpoint *socket)
{
    int other = io_sim_find_socket(sim, SOCK_STREAM, &socket->local, NULL);
    return other >= 0 && &sim->sockets[other] != socket &&
           !(socket->reuse_port && sim->sockets[other].reuse_port) &&
           sim->sockets[other].family == socket->family;
}

static int start_listening(io_sim *sim, io_sim_endpoint *socket, int backlog)
{
    io_sim_address any = {.is_set = 1};
    if (socket->type != SOCK_STREAM) {
        return -EOPNOTSUPP;
    }
    if (socket->state != IO_SIM_CLOSED && socket->state != IO_SIM_LISTENING) {
        return -EINVAL;
    }
    if (io_sim_is_unix(socket) && socket->name == NONE) {
        return -EINVAL;
    }
    if (!io_sim_is_unix(socket) && !socket->local.is_set) {
        any.ip[10] = any.ip[11] = socket->family == AF_INET ? 0xff : 0;
        int r = io_sim_bind_inet(sim, socket, &any);
        if (r < 0) {
            return r;
        }
    }
    if (!io_sim_is_unix(socket) && is_listened_to(sim, socket)) {
        return -EADDRINUSE;
    }
    socket->state = IO_SIM_LISTENING;
    socket->shutdown = 0;
    socket->pending_most =
        (uint16_t)(backlog < 0 || backlog > BACKLOG_MOST ? BACKLOG_MOST : backlog);
    return 0;
}

int io_sim_listen(int fd, int backlog)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_LISTEN, fd);
    io_sim_endpoint *socket = NULL;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    return io_sim_return(r < 0 ? r : start_listening(sim, socket, backlog));
}

int io_sim_is_crowded(const io_sim_endpoint *listener)
{
    return listener->pending_count > listener->pending_most;
}

/* The listener's end of a connection, which waits to be accepted. */
int io_sim_join(io_sim *sim, io_sim_endpoint *listener, io_sim_endpoint *client)
{
    int index = io_sim_new_socket(sim, listener->family, SOCK_STREAM);
    if (index < 0) {
        return index;
    }
    io_sim_endpoint *mine = &sim->sockets[index];
    mine->state = IO_SIM_CONNECTED;
    mine->peer = (uint16_t)io_sim_socket_index(sim, client);
    mine->send_size = listener->send_size;
    mine->receive_size = listener->receive_size;
    mine->low_water = listener->low_water;
    mine->urgent_inline = listener->urgent_inline;
    mine->linger_reset = listener->linger_reset;
    mine->name = listener->name;
    mine->local = client->remote;
    mine->remote = client->local;
    client->peer = (uint16_t)index;
    client->state = IO_SIM_CONNECTED;
    if (listener->pending[1] == NONE) {
        listener->pending[0] = (uint16_t)index;
    } else {
        sim->sockets[listener->pending[1]].next_pending = (uint16_t)index;
    }
    listener->pending[1] = (uint16_t)index;
    listener->pending_count++;
    return 0;
}

static int pop_pending(io_sim *sim, io_sim_endpoint *listener)
{
    int index = listener->pending[0];
    listener->pending[0] = sim->sockets[index].next_pending;
    listener->pending[1] = listener->pending[0] == NONE ? NONE : listener->pending[1];
    listener->pending_count--;
    return index;
}

/* Those who wait to be accepted are reset. */
void io_sim_stop_listening(io_sim *sim, int socket)
{
    io_sim_endpoint *listener = &sim->sockets[socket];
    while (listener->pending_count > 0) {
        int index = pop_pending(sim, listener);
        int peer = sim->sockets[index].peer;
        io_sim_endpoint *client = peer == NONE ? NULL : &sim->sockets[peer];
        if (client && io_sim_is_unix(client)) {
            io_sim_unix_release(sim, &sim->sockets[index]);
            client->error = ECONNRESET;
        } else if (client) {
            sim->sockets[index].peer = NONE;
            client->peer = NONE;
            io_sim_tcp_reset(sim, client, client->done ? EPIPE : ECONNRESET);
        }
        io_sim_free_socket(sim, index);
    }
}

/* Linux looks for a free number and a place for a file before it looks for a connection, which so is
 * not lost. */
static int take_connection(io_sim *sim, int fd, int flags, int *peer)
{
    io_sim_endpoint *listener = NULL;
    const io_sim_file *file = io_sim_file_of(sim, fd);
    int r = !file ? -EBADF : flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -EINVAL : 0;
    r = r == 0 && !io_sim_has_number(sim) ? -EMFILE : r;
    r = r < 0 ? r : io_sim_socket_of(sim, fd, &listener);
    r = r == 0 && !io_sim_has_file(sim) ? -ENFILE : r;
    if (r < 0) {
        return r;
    }
    if (listener->type != SOCK_STREAM) {
        return -EOPNOTSUPP;
    }
    while (listener->state == IO_SIM_LISTENING && listener->pending_count == 0) {
        if (listener->shutdown & IO_SIM_SHUT_IN) {
            return -EINVAL;
        }
        r = io_sim_is_nonblocking(file) ? -EAGAIN : io_sim_block(sim, IO_SIM_NEVER);
        if (r < 0) {
            return r;
        }
    }
    if (listener->state != IO_SIM_LISTENING) {
        return -EINVAL;
    }
    int index = pop_pending(sim, listener);
    *peer = sim->sockets[index].peer;
    sim->sockets[index].next_pending = NONE;
    return io_sim_socket_number(sim, index, flags);
}

int io_sim_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_ACCEPT, fd);
    int peer = NONE;
    if (!sim) {
        return -1;
    }
    int accepted = take_connection(sim, fd, flags, &peer);
    if (accepted >= 0 && address) {
        const io_sim_endpoint *mine = &sim->sockets[io_sim_file_of(sim, accepted)->object];
        int name = peer == NONE ? NONE : sim->sockets[peer].name;
        io_sim_put_address(sim, mine->family, &mine->remote, name, address, length);
    }
    return io_sim_return(accepted);
}

int io_sim_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return io_sim_accept4(fd, address, length, 0);
}
