/* Unix streams (kernel-semantics: 14, 16, 22). What a socket has sent is charged to its own buffer
 * until the other one has read it. */
#include "kernel.h"

enum { LONGEST = 36544 }; /* of a message in the queue; longer writes are several */

/* A quarter of the buffer may be in use; Linux counts one byte for the socket itself. */
int io_sim_unix_has_room(const io_sim_endpoint *socket)
{
    return socket->state != IO_SIM_LISTENING && (socket->charge + 1) * 4 <= socket->send_size;
}

int io_sim_unix_mask(const io_sim_endpoint *socket)
{
    int mask = 0;
    if (socket->state == IO_SIM_LISTENING) {
        return socket->pending_count > 0 ? IO_SIM_IN : 0;
    }
    mask |= socket->shutdown == IO_SIM_SHUT_BOTH || socket->state == IO_SIM_CLOSED ? POLLHUP : 0;
    mask |= socket->shutdown & IO_SIM_SHUT_IN ? IO_SIM_IN | POLLRDHUP : 0;
    mask |= socket->queue.chunks > 0 ? IO_SIM_IN : 0;
    mask |= io_sim_unix_has_room(socket) ? IO_SIM_OUT | POLLWRBAND : 0;
    return mask;
}

ssize_t io_sim_unix_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to)
{
    ssize_t done = 0;
    if (socket->state != IO_SIM_CONNECTED) {
        return -EINVAL;
    }
    while (to->left > 0 && socket->queue.head != NONE) {
        done += (ssize_t)io_sim_take(sim, &socket->queue, to, to->left);
    }
    if (done > 0 || to->left == 0) {
        return done;
    }
    if (socket->error) {
        return -io_sim_take_error(socket);
    }
    return socket->shutdown & IO_SIM_SHUT_IN ? 0 : -EAGAIN;
}

ssize_t io_sim_unix_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from)
{
    if (socket->shutdown & IO_SIM_SHUT_OUT) {
        return -EPIPE;
    }
    if (socket->state != IO_SIM_CONNECTED) {
        return -ENOTCONN;
    }
    io_sim_endpoint *peer = &sim->sockets[socket->peer]; /* there, or our sending was shut down */
    size_t most = socket->send_size / 2 - 64;
    most = most < LONGEST ? most : LONGEST;
    ssize_t done = 0;
    while (from->left > 0 && socket->charge < socket->send_size) {
        size_t size = from->left < most ? from->left : most;
        ssize_t part =
            io_sim_append_message(sim, &peer->queue, from, size, io_sim_socket_index(sim, socket),
                                  io_sim_true_size(size, 1));
        if (part < 0) {
            return done > 0 ? done : part;
        }
        done += part;
        io_sim_tell_socket(sim, peer, IO_SIM_WAKE_IN);
    }
    return done > 0 || from->left == 0 ? done : -EAGAIN;
}

void io_sim_unix_shutdown(io_sim *sim, io_sim_endpoint *socket, int how)
{
    socket->shutdown |= (uint8_t)how;
    io_sim_tell_socket(sim, socket, 0);
    if (socket->peer != NONE && socket->type == SOCK_STREAM) {
        io_sim_endpoint *peer = &sim->sockets[socket->peer];
        peer->shutdown |= how & IO_SIM_SHUT_IN ? IO_SIM_SHUT_OUT : 0;
        peer->shutdown |= how & IO_SIM_SHUT_OUT ? IO_SIM_SHUT_IN : 0;
        io_sim_tell_socket(sim, peer, 0);
    }
}

/* What was not read is an error of the one that wrote it. */
void io_sim_unix_release(io_sim *sim, io_sim_endpoint *socket)
{
    if (socket->peer == NONE) {
        return;
    }
    io_sim_endpoint *peer = &sim->sockets[socket->peer];
    peer->shutdown = IO_SIM_SHUT_BOTH;
    peer->error = socket->queue.chunks > 0 ? ECONNRESET : peer->error;
    peer->peer = NONE;
    io_sim_tell_socket(sim, peer, 0);
}
