/* TCP (kernel-semantics: 7 to 13, 16, 17, 21 to 23). What a socket sends stands in the queue of the
 * other one at once; what exceeds that one's buffer is what has not been sent yet, and is in the
 * sender's. */
#include "kernel.h"

static uint32_t visible(const io_sim_endpoint *socket)
{
    return socket->queue.bytes < socket->receive_size ? socket->queue.bytes : socket->receive_size;
}

static uint32_t unsent_to(const io_sim_endpoint *socket)
{
    return socket->queue.bytes - visible(socket);
}

static uint32_t unsent_by(const io_sim *sim, const io_sim_endpoint *socket)
{
    return socket->peer == NONE ? 0 : unsent_to(&sim->sockets[socket->peer]);
}

/* The urgent byte is there as soon as the buffer has come to it. */
static int has_urgent(const io_sim_endpoint *socket)
{
    return socket->urgent == 1 && socket->urgent_after < visible(socket);
}

/* A third of the buffer is free. */
static int has_room(const io_sim *sim, const io_sim_endpoint *socket)
{
    uint32_t unsent = unsent_by(sim, socket);
    return socket->send_size >= unsent && socket->send_size - unsent >= unsent / 2;
}

static int is_enough(const io_sim_endpoint *socket)
{
    uint32_t target = socket->low_water;
    target += socket->urgent && !socket->urgent_inline && socket->urgent_after == 0;
    return visible(socket) >= target;
}

int io_sim_tcp_mask(io_sim *sim, io_sim_endpoint *socket)
{
    int mask = 0;
    if (socket->state == IO_SIM_LISTENING) {
        return socket->pending_count > 0 ? IO_SIM_IN : 0;
    }
    mask |= socket->shutdown == IO_SIM_SHUT_BOTH || socket->state == IO_SIM_CLOSED ? POLLHUP : 0;
    mask |= socket->shutdown & IO_SIM_SHUT_IN ? IO_SIM_IN | POLLRDHUP : 0;
    if (socket->state == IO_SIM_CONNECTING) {
        return mask;
    }
    mask |= is_enough(socket) ? IO_SIM_IN : 0;
    mask |= has_urgent(socket) ? POLLPRI : 0;
    if ((socket->shutdown & IO_SIM_SHUT_OUT) || has_room(sim, socket)) {
        mask |= IO_SIM_OUT;
    } else {
        socket->no_space = 1; /* who asked is told when there is */
    }
    return mask;
}

static void receive_end(io_sim *sim, io_sim_endpoint *socket)
{
    socket->end_waits = 0;
    socket->done = 1;
    socket->shutdown |= IO_SIM_SHUT_IN;
    io_sim_tell_socket(sim, socket, 0);
}

static void send_end(io_sim *sim, io_sim_endpoint *to)
{
    if (unsent_to(to) > 0) {
        to->end_waits = 1;
    } else {
        receive_end(sim, to);
    }
}

/* Bytes were taken out of the queue: others move up, and the sender may have room again. */
static void move_up(io_sim *sim, io_sim_endpoint *socket, int had_more)
{
    if (had_more && (is_enough(socket) || has_urgent(socket))) {
        io_sim_tell_socket(sim, socket, IO_SIM_WAKE_IN);
    }
    if (socket->end_waits && unsent_to(socket) == 0) {
        receive_end(sim, socket);
    }
    io_sim_endpoint *peer = socket->peer == NONE ? NULL : &sim->sockets[socket->peer];
    if (peer && peer->no_space && has_room(sim, peer)) {
        peer->no_space = 0;
        io_sim_tell_socket(sim, peer, IO_SIM_OUT);
    }
}

/* One piece, up to the urgent byte; null: thrown away. */
static size_t take(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to, size_t size)
{
    size = io_sim_take(sim, &socket->queue, to, size);
    if (socket->urgent && size > socket->urgent_after) {
        socket->urgent = 0;
    } else if (socket->urgent) {
        socket->urgent_after -= (uint32_t)size;
    }
    return size;
}

/* A read ends before the urgent byte, and the next one begins behind it, unless it is inline. */
static ssize_t read_some(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to)
{
    ssize_t done = 0;
    while (to->left > 0 && visible(socket) > 0) {
        size_t size = visible(socket) < to->left ? visible(socket) : to->left;
        if (socket->urgent && socket->urgent_after == 0) {
            if (done > 0) {
                break;
            }
            if (!socket->urgent_inline) {
                take(sim, socket, NULL, 1);
                continue;
            }
        } else if (socket->urgent && size > socket->urgent_after) {
            size = socket->urgent_after;
        }
        done += (ssize_t)take(sim, socket, to, size);
    }
    return done;
}

ssize_t io_sim_tcp_read(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to)
{
    if (socket->state == IO_SIM_LISTENING) {
        return -ENOTCONN;
    }
    uint32_t bytes = socket->queue.bytes;
    int had_more = unsent_to(socket) > 0;
    ssize_t done = read_some(sim, socket, to);
    if (socket->queue.bytes != bytes) {
        move_up(sim, socket, had_more);
    }
    if (done > 0 || to->left == 0 || socket->done) {
        return done;
    }
    if (socket->error) {
        return -io_sim_take_error(socket);
    }
    if (socket->shutdown & IO_SIM_SHUT_IN) {
        return 0;
    }
    return socket->state == IO_SIM_CLOSED ? -ENOTCONN : -EAGAIN;
}

ssize_t io_sim_tcp_read_urgent(io_sim *sim, io_sim_endpoint *socket, io_sim_span *to)
{
    (void)sim;
    if (socket->urgent_inline || !has_urgent(socket)) {
        return -EINVAL;
    }
    socket->urgent = 2;
    return (ssize_t)io_sim_span_put(to, &socket->urgent_byte, 1);
}

int io_sim_tcp_waiting(const io_sim_endpoint *socket)
{
    uint32_t bytes = visible(socket);
    int stops = socket->urgent && !socket->urgent_inline && socket->urgent_after < bytes;
    return (int)(stops ? socket->urgent_after : bytes);
}

/* The other one can take no more: it is closed, or shut down for both. */
static ssize_t write_to_nobody(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from)
{
    ssize_t done = (ssize_t)from->left; /* it goes out, and is answered by a reset */
    if (socket->peer != NONE) {
        io_sim_tcp_reset(sim, &sim->sockets[socket->peer], ECONNRESET);
    }
    io_sim_tcp_reset(sim, socket, socket->done ? EPIPE : ECONNRESET);
    return done;
}

/* The one before, if the next read would begin with it, is skipped now. */
static void mark_urgent(io_sim *sim, io_sim_endpoint *peer)
{
    if (peer->urgent && !peer->urgent_inline && peer->urgent_after == 0) {
        take(sim, peer, NULL, 1);
    }
    const io_sim_chunk *last = &sim->chunks[peer->queue.tail];
    peer->urgent = 1;
    peer->urgent_after = peer->queue.bytes - 1;
    peer->urgent_byte = sim->pages[last->page][last->start + last->length - 1];
}

ssize_t io_sim_tcp_write(io_sim *sim, io_sim_endpoint *socket, io_sim_span *from, int urgent)
{
    if (socket->state == IO_SIM_CONNECTING) {
        return -EAGAIN;
    }
    if (socket->state != IO_SIM_CONNECTED || (socket->shutdown & IO_SIM_SHUT_OUT)) {
        return socket->error ? -io_sim_take_error(socket) : -EPIPE;
    }
    if (from->left == 0) {
        return 0;
    }
    io_sim_endpoint *peer = socket->peer == NONE ? NULL : &sim->sockets[socket->peer];
    if (!peer || peer->shutdown == IO_SIM_SHUT_BOTH) {
        return write_to_nobody(sim, socket, from);
    }
    uint32_t most = peer->receive_size + socket->send_size;
    ssize_t done = 0;
    while (from->left > 0 && peer->queue.bytes < most) {
        size_t room = most - peer->queue.bytes;
        ssize_t part =
            io_sim_append(sim, &peer->queue, from, from->left < room ? from->left : room, 0);
        if (part < 0) {
            return done > 0 ? done : part;
        }
        done += part;
    }
    socket->no_space |= from->left > 0;
    if (done == 0) {
        return -EAGAIN;
    }
    if (urgent && from->left == 0) {
        mark_urgent(sim, peer);
    }
    int is_visible = peer->queue.bytes - (uint32_t)done < peer->receive_size;
    if (is_visible && urgent) {
        io_sim_tell_socket(sim, peer, IO_SIM_WAKE_IN); /* for the byte, and again for all of them */
    }
    if (is_visible && (urgent ? visible(peer) >= peer->low_water : is_enough(peer))) {
        io_sim_tell_socket(sim, peer, IO_SIM_WAKE_IN);
    }
    return done;
}

int io_sim_tcp_shutdown(io_sim *sim, io_sim_endpoint *socket, int how)
{
    int result = 0;
    if (socket->state == IO_SIM_LISTENING) {
        if (how & IO_SIM_SHUT_IN) {
            io_sim_stop_listening(sim, io_sim_socket_index(sim, socket));
            socket->state = IO_SIM_CLOSED;
        }
    } else if (socket->state == IO_SIM_CONNECTING) {
        socket->state = IO_SIM_CLOSED;
        socket->error = ECONNRESET;
    } else {
        int ends = (how & IO_SIM_SHUT_OUT) && !(socket->shutdown & IO_SIM_SHUT_OUT);
        result = socket->state == IO_SIM_CLOSED ? -ENOTCONN : 0; /* done all the same */
        socket->shutdown |= (uint8_t)how;
        if (ends && socket->state == IO_SIM_CONNECTED && socket->peer != NONE) {
            send_end(sim, &sim->sockets[socket->peer]);
        }
    }
    io_sim_tell_socket(sim, socket, 0);
    return result;
}

void io_sim_tcp_reset(io_sim *sim, io_sim_endpoint *socket, int error)
{
    if (socket->peer != NONE) {
        sim->sockets[socket->peer].peer = NONE;
    }
    socket->peer = NONE;
    socket->error = error;
    socket->state = IO_SIM_CLOSED;
    socket->shutdown = IO_SIM_SHUT_BOTH;
    socket->end_waits = 0;
    io_sim_tell_socket(sim, socket, POLLERR);
    io_sim_tell_socket(sim, socket, 0);
}

/* Closing with something unread, or without lingering, resets; otherwise it ends the sending. Both
 * ends' being told already, there is nothing more to say. */
void io_sim_tcp_release(io_sim *sim, io_sim_endpoint *socket)
{
    if (socket->peer == NONE) {
        return;
    }
    io_sim_endpoint *peer = &sim->sockets[socket->peer];
    int over = socket->done && peer->done;
    peer->peer = NONE;
    socket->peer = NONE;
    if (over) {
        return;
    }
    if (socket->queue.bytes > 0 || socket->linger_reset) {
        io_sim_tcp_reset(sim, peer, peer->done ? EPIPE : ECONNRESET);
    } else if (!(socket->shutdown & IO_SIM_SHUT_OUT)) {
        send_end(sim, peer);
    }
}
