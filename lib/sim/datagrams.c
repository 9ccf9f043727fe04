/* Unix datagrams and UDP (kernel-semantics: 14, 15, 29). */
#include "kernel.h"

/* A receiver that is not connected to the sender takes no more than so many. */
static int is_crowded(const io_sim *sim, const io_sim_endpoint *sender,
                      const io_sim_endpoint *receiver)
{
    return (receiver->peer == NONE || &sim->sockets[receiver->peer] != sender) &&
           receiver->queue.messages > receiver->pending_most;
}

int io_sim_datagram_mask(io_sim *sim, io_sim_endpoint *socket, int wanted)
{
    int mask = socket->shutdown == IO_SIM_SHUT_BOTH ? POLLHUP : 0;
    mask |= socket->shutdown & IO_SIM_SHUT_IN ? IO_SIM_IN | POLLRDHUP : 0;
    mask |= socket->queue.chunks > 0 ? IO_SIM_IN : 0;
    if (!io_sim_is_unix(socket)) {
        return mask | IO_SIM_OUT | POLLWRBAND; /* the network takes it at once */
    }
    if (!(wanted & (IO_SIM_OUT | POLLWRBAND)) || !io_sim_unix_has_room(socket)) {
        return mask;
    }
    if (socket->peer != NONE && is_crowded(sim, socket, &sim->sockets[socket->peer])) {
        socket->no_space = 1;
        return mask;
    }
    return mask | IO_SIM_OUT | POLLWRBAND;
}

/* Those that waited for room in a unix socket's queue. */
static void wake_senders(io_sim *sim, const io_sim_endpoint *receiver)
{
    for (int i = 0; i < sim->socket_end; i++) {
        io_sim_endpoint *sender = &sim->sockets[i];
        if (sender->used && sender->no_space && sender->type == SOCK_DGRAM &&
            sender->peer != NONE && &sim->sockets[sender->peer] == receiver) {
            sender->no_space = 0;
            io_sim_tell_socket(sim, sender, IO_SIM_WAKE_OUT);
        }
    }
}

ssize_t io_sim_datagram_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to,
                             io_sim_address *from)
{
    if (socket->error) {
        return -io_sim_take_error(socket);
    }
    if (socket->queue.head == NONE) {
        return -EAGAIN;
    }
    ssize_t done = 0;
    int last = 0;
    while (!last) {
        const io_sim_chunk *chunk = &sim->chunks[socket->queue.head];
        last = chunk->last;
        from->is_set = chunk->from != 0;
        from->port = chunk->from;
        memcpy(from->ip, chunk->from_ip, sizeof(from->ip));
        size_t size = chunk->length;
        size_t part = io_sim_span_put(to, sim->pages[chunk->page] + chunk->start, size);
        done += (ssize_t)part;
        io_sim_drop_chunk(sim, &socket->queue); /* what has no room in the buffer is lost */
    }
    if (io_sim_is_unix(socket)) {
        wake_senders(sim, socket);
    }
    return done;
}

/* The size of the first one. */
int io_sim_datagram_waiting(const io_sim *sim, const io_sim_endpoint *socket)
{
    int bytes = 0;
    int last = 0;
    for (int i = socket->queue.head; i != NONE && !last; i = sim->chunks[i].next) {
        bytes += sim->chunks[i].length;
        last = sim->chunks[i].last;
    }
    return bytes;
}

static ssize_t deliver_unix(io_sim *sim, io_sim_endpoint *socket, int to, io_sim_span *from)
{
    io_sim_endpoint *other = &sim->sockets[to];
    size_t size = from->left;
    if (other->peer != NONE && &sim->sockets[other->peer] != socket) {
        return -EPERM;
    }
    if (other->shutdown & IO_SIM_SHUT_IN) {
        return -EPIPE;
    }
    if (is_crowded(sim, socket, other)) {
        return -EAGAIN;
    }
    ssize_t done =
        io_sim_append_message(sim, &other->queue, from, size, io_sim_socket_index(sim, socket),
                              io_sim_true_size(size, 0));
    if (done >= 0) {
        io_sim_tell_socket(sim, other, IO_SIM_WAKE_IN);
    }
    return done;
}

static ssize_t find_and_deliver(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from,
                                const struct sockaddr *address, socklen_t length)
{
    int to = address ? io_sim_find_unix(sim, address, length, SOCK_DGRAM) : socket->peer;
    if (to == NONE && !socket->peer_gone) {
        return -ENOTCONN;
    }
    if (to == NONE) { /* closed: that is told once, and what it had sent is lost */
        socket->peer_gone = 0;
        io_sim_drop_all(sim, &socket->queue);
        io_sim_tell_socket(sim, socket, IO_SIM_WAKE_OUT);
        return -ECONNREFUSED;
    }
    return to < 0 ? to : deliver_unix(sim, socket, to, from);
}

/* Linux looks for the receiver when the message is in the buffer; not delivered, it leaves it again,
 * and that is an edge of OUT. */
static ssize_t send_unix(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from,
                         const struct sockaddr *address, socklen_t length)
{
    if (from->left > socket->send_size - 32) {
        return -EMSGSIZE;
    }
    if (socket->error) {
        return -io_sim_take_error(socket);
    }
    if (socket->shutdown & IO_SIM_SHUT_OUT) {
        return -EPIPE;
    }
    if (socket->charge >= socket->send_size) {
        return -EAGAIN;
    }
    ssize_t done = find_and_deliver(sim, socket, from, address, length);
    if (done < 0 && io_sim_unix_has_room(socket)) {
        io_sim_tell_socket(sim, socket, IO_SIM_WAKE_OUT);
    }
    return done;
}

/* It is never refused for want of room: what the receiver has no room for is lost. Nobody there: the
 * sender is told, if it is connected. */
static ssize_t send_udp(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from,
                        const io_sim_address *at)
{
    size_t size = from->left;
    io_sim_address source = socket->local;
    io_sim_set_source(&source, at);
    int to = io_sim_find_socket(sim, SOCK_DGRAM, at, &source);
    io_sim_endpoint *other = to < 0 ? NULL : &sim->sockets[to];
    if (size > 65507) {
        return -EMSGSIZE;
    }
    if (other && other->charge <= other->receive_size) {
        io_sim_append_message(sim, &other->queue, from, size, to, io_sim_true_size(size, 0));
        for (int i = other->queue.head; i != NONE; i = sim->chunks[i].next) {
            if (!sim->chunks[i].from) {
                sim->chunks[i].from = source.port;
                memcpy(sim->chunks[i].from_ip, source.ip, sizeof(source.ip));
            }
        }
        io_sim_tell_socket(sim, other, IO_SIM_WAKE_IN);
    }
    io_sim_tell_socket(sim, socket, IO_SIM_WAKE_OUT); /* each datagram leaves the buffer at once */
    if (!other && socket->remote.is_set) {
        socket->error = ECONNREFUSED;
        io_sim_tell_socket(sim, socket, POLLERR);
    }
    return (ssize_t)size;
}

ssize_t io_sim_datagram_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from,
                              const struct sockaddr *address, socklen_t length)
{
    io_sim_address at = socket->remote;
    if (io_sim_is_unix(socket)) {
        return send_unix(sim, socket, from, address, length);
    }
    if (socket->shutdown & IO_SIM_SHUT_OUT) {
        return -EPIPE;
    }
    int r = address ? io_sim_inet_address(address, length, socket->family, &at) : 0;
    if (r == 0 && !at.is_set) {
        r = -EDESTADDRREQ;
    }
    if (r == 0 && socket->error) {
        r = -io_sim_take_error(socket);
    }
    if (r == 0) {
        r = io_sim_route(sim, socket, &at);
    }
    return r < 0 ? r : send_udp(sim, socket, from, &at);
}

void io_sim_datagram_release(io_sim *sim, io_sim_endpoint *socket)
{
    int index = io_sim_socket_index(sim, socket);
    for (int i = 0; io_sim_is_unix(socket) && i < sim->socket_end; i++) {
        io_sim_endpoint *other = &sim->sockets[i];
        if (other->used && other->peer == index) {
            other->peer = NONE;
            other->peer_gone = 1;
            if (other->no_space) {
                other->no_space = 0;
                io_sim_tell_socket(sim, other, IO_SIM_WAKE_OUT);
            }
        }
    }
}
