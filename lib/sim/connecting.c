/* Connecting (kernel-semantics: 11, 12). On the loopback interface a connection is there, or refused,
 * when connect returns; only where the listener's queue is full it stays on its way, and is tried
 * again later. */
#include "kernel.h"

enum { RETRY_NS = 1000000000, RETRIES = 6 };

static const uint8_t loopback4_ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
static const uint8_t loopback6_ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

void io_sim_set_source(io_sim_address *source, const io_sim_address *to)
{
    if (io_sim_is_wildcard(source)) {
        memcpy(source->ip, io_sim_is_mapped(to) ? loopback4_ip : loopback6_ip, 16);
    }
}

int io_sim_route(io_sim *sim, io_sim_endpoint *socket, io_sim_address *to)
{
    io_sim_address any = {.is_set = 1};
    if (io_sim_is_wildcard(to)) { /* means this machine */
        memcpy(to->ip, io_sim_is_mapped(to) ? loopback4_ip : loopback6_ip, 16);
    }
    if (io_sim_is_mapped(to) ? to->ip[12] != 127 : memcmp(to->ip, loopback6_ip, 16) != 0) {
        return -ENETUNREACH;
    }
    memcpy(any.ip, loopback4_ip, io_sim_is_mapped(to) ? 12 : 0);
    return socket->local.is_set ? 0 : io_sim_bind_inet(sim, socket, &any);
}

/* Once more, if a listener's queue was full: after 1 s, 3 s, 7 s ... */
static void try_connect(io_sim *sim, io_sim_endpoint *client)
{
    int index = io_sim_find_socket(sim, SOCK_STREAM, &client->remote, NULL);
    io_sim_endpoint *listener = index < 0 ? NULL : &sim->sockets[index];
    client->retry_ns = IO_SIM_NEVER;
    if (!listener) {
        io_sim_tcp_reset(sim, client, ECONNREFUSED);
    } else if (!io_sim_is_crowded(listener) && io_sim_join(sim, listener, client) == 0) {
        io_sim_tell_socket(sim, client, 0);
        io_sim_tell_socket(sim, listener, IO_SIM_WAKE_IN);
    } else if (client->tries > RETRIES) {
        io_sim_tcp_reset(sim, client, ETIMEDOUT);
    } else {
        client->retry_ns = sim->now_ns + ((uint64_t)RETRY_NS << client->tries);
        client->tries++;
    }
}

void io_sim_retry_connect(io_sim *sim, int socket)
{
    try_connect(sim, &sim->sockets[socket]);
}

/* What a connect says of one that was made before; 1: nothing, it is the first. */
static int earlier_connect(io_sim_endpoint *socket)
{
    if (socket->state == IO_SIM_CONNECTING) {
        return -EALREADY;
    }
    if (socket->state != IO_SIM_CLOSED) {
        int first = socket->connecting;
        socket->connecting = 0;
        return first ? 0 : -EISCONN;
    }
    if (socket->connecting) { /* it failed; after this it can be tried again */
        int error = io_sim_take_error(socket);
        socket->connecting = 0;
        socket->shutdown = 0;
        socket->done = 0;
        return error ? -error : -ECONNABORTED;
    }
    return 1;
}

static int connect_tcp(io_sim *sim, io_sim_endpoint *socket, const struct sockaddr *address,
                       socklen_t length, int blocks)
{
    io_sim_address at;
    int r = io_sim_inet_address(address, length, socket->family, &at);
    r = r < 0 ? r : earlier_connect(socket);
    if (r == 1) {
        r = io_sim_route(sim, socket, &at);
        if (r < 0) {
            return r;
        }
        io_sim_set_source(&socket->local, &at);
        socket->remote = at;
        socket->state = IO_SIM_CONNECTING;
        socket->connecting = 1;
        socket->tries = 0;
        try_connect(sim, socket);
        r = -EINPROGRESS;
    }
    while (blocks && (r == -EINPROGRESS || r == -EALREADY)) {
        r = socket->state != IO_SIM_CONNECTING ? earlier_connect(socket)
                                               : io_sim_block(sim, IO_SIM_NEVER);
        r = socket->state == IO_SIM_CONNECTING && r == 0 ? -EINPROGRESS : r;
    }
    return r;
}

static int connect_unix(io_sim *sim, io_sim_endpoint *socket, const struct sockaddr *address,
                        socklen_t length, int blocks)
{
    for (;;) {
        if (socket->state != IO_SIM_CLOSED) {
            return socket->state == IO_SIM_CONNECTED ? -EISCONN : -EINVAL;
        }
        int index = io_sim_find_unix(sim, address, length, SOCK_STREAM);
        if (index < 0) {
            return index;
        }
        io_sim_endpoint *listener = &sim->sockets[index];
        if (listener->state != IO_SIM_LISTENING || (listener->shutdown & IO_SIM_SHUT_IN)) {
            return -ECONNREFUSED;
        }
        if (!io_sim_is_crowded(listener)) {
            int r = io_sim_join(sim, listener, socket);
            if (r == 0) {
                io_sim_tell_socket(sim, listener, IO_SIM_WAKE_IN);
            }
            return r;
        }
        int r = blocks ? io_sim_block(sim, IO_SIM_NEVER) : -EAGAIN;
        if (r < 0) {
            return r;
        }
    }
}

static int connect_datagram(io_sim *sim, io_sim_endpoint *socket, const struct sockaddr *address,
                            socklen_t length)
{
    if (io_sim_is_unix(socket)) {
        int to = io_sim_find_unix(sim, address, length, SOCK_DGRAM);
        if (to < 0) {
            return to;
        }
        const io_sim_endpoint *other = &sim->sockets[to];
        if (other->peer != NONE && &sim->sockets[other->peer] != socket) {
            return -EPERM;
        }
        socket->peer = (uint16_t)to;
        return 0;
    }
    io_sim_address at;
    int r = io_sim_inet_address(address, length, socket->family, &at);
    r = r < 0 ? r : io_sim_route(sim, socket, &at);
    if (r == 0) {
        io_sim_set_source(&socket->local, &at);
        socket->remote = at;
    }
    return r;
}

int io_sim_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_CONNECT, fd);
    io_sim_endpoint *socket = NULL;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    if (r < 0) {
        return io_sim_return(r);
    }
    int blocks = !io_sim_is_nonblocking(io_sim_file_of(sim, fd));
    if (socket->type == SOCK_DGRAM) {
        r = connect_datagram(sim, socket, address, length);
    } else if (io_sim_is_unix(socket)) {
        r = connect_unix(sim, socket, address, length, blocks);
    } else {
        r = connect_tcp(sim, socket, address, length, blocks);
    }
    return io_sim_return(r);
}
