/* Sockets: making, shutting down, ending. */
#include "kernel.h"

/* What Linux gives unix and UDP sockets; TCP sockets, which Linux lets grow, have a fixed size. */
enum { DATAGRAM_BYTES = 212992, TCP_BYTES = 32768 };

int io_sim_new_socket(io_sim *sim, int family, int type)
{
    int index = 0;
    while (index < sim->socket_end && sim->sockets[index].used) {
        index++;
    }
    if (index == IO_SIM_SOCKETS) {
        sim->shortages++;
        return -ENFILE;
    }
    if (index == sim->socket_end) {
        sim->socket_end++;
    }
    uint32_t bytes = type == SOCK_STREAM && family != AF_UNIX ? TCP_BYTES : DATAGRAM_BYTES;
    io_sim_endpoint *socket = &sim->sockets[index];
    *socket = (io_sim_endpoint){.used = 1,
                                .family = (uint8_t)family,
                                .type = (uint8_t)type,
                                .generation = (uint16_t)++sim->generations,
                                .file = NONE,
                                .peer = NONE,
                                .name = NONE,
                                .pending = {NONE, NONE},
                                .next_pending = NONE,
                                .pending_most = 10, /* net.unix.max_dgram_qlen */
                                .send_size = bytes,
                                .receive_size = bytes,
                                .low_water = 1,
                                .retry_ns = IO_SIM_NEVER};
    io_sim_queue_init(&socket->queue);
    return index;
}

void io_sim_free_socket(io_sim *sim, int socket)
{
    io_sim_drop_all(sim, &sim->sockets[socket].queue);
    sim->sockets[socket].used = 0;
}

int io_sim_socket_of(io_sim *sim, int fd, io_sim_endpoint **socket)
{
    const io_sim_file *file = io_sim_file_of(sim, fd);
    if (!file) {
        return -EBADF;
    }
    if (file->kind != IO_SIM_SOCKET) {
        return -ENOTSOCK;
    }
    *socket = &sim->sockets[file->object];
    return 0;
}

/* A descriptor for a socket; the socket is gone if there is none. */
int io_sim_socket_number(io_sim *sim, int socket, int flags)
{
    int status = O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    int file = io_sim_new_file(sim, IO_SIM_SOCKET, IO_SIM_READS | IO_SIM_WRITES, status);
    if (file < 0) {
        io_sim_free_socket(sim, socket);
        return file;
    }
    sim->files[file].object = (uint16_t)socket;
    sim->sockets[socket].file = (uint16_t)file;
    return io_sim_new_number(sim, file, 0, flags & SOCK_CLOEXEC);
}

static int check_kind(int family, int type)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    return kind == SOCK_STREAM || kind == SOCK_DGRAM ? kind : -ESOCKTNOSUPPORT;
}

int io_sim_socket(int family, int type, int protocol)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    (void)protocol;
    if (!sim) {
        return -1;
    }
    int kind = check_kind(family, type);
    int socket = kind < 0 ? kind : io_sim_new_socket(sim, family, kind);
    return io_sim_return(socket < 0 ? socket : io_sim_socket_number(sim, socket, type));
}

int io_sim_socketpair(int family, int type, int protocol, int fds[2])
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    (void)protocol;
    if (!sim) {
        return -1;
    }
    int kind = family == AF_UNIX ? check_kind(family, type) : -EOPNOTSUPP;
    if (kind < 0) {
        return io_sim_return(kind);
    }
    int ends[2];
    for (int i = 0; i < 2; i++) {
        int socket = io_sim_new_socket(sim, family, kind);
        ends[i] = socket < 0 ? socket : io_sim_socket_number(sim, socket, type);
        if (ends[i] < 0 && i == 1) {
            int file = sim->numbers[ends[0]].file;
            sim->numbers[ends[0]].file = NONE;
            io_sim_release_file(sim, file);
        }
        if (ends[i] < 0) {
            return io_sim_return(ends[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        int mine = sim->files[sim->numbers[ends[i]].file].object;
        sim->sockets[mine].peer = sim->files[sim->numbers[ends[1 - i]].file].object;
        sim->sockets[mine].state = IO_SIM_CONNECTED;
        fds[i] = ends[i];
    }
    return 0;
}

void io_sim_tell_socket(io_sim *sim, const io_sim_endpoint *socket, int key)
{
    if (socket->file != NONE) {
        io_sim_wake(sim, socket->file, key);
    }
}

int io_sim_take_error(io_sim_endpoint *socket)
{
    int error = socket->error;
    socket->error = 0;
    return error;
}

int io_sim_socket_mask(io_sim *sim, int socket, int wanted)
{
    io_sim_endpoint *it = &sim->sockets[socket];
    int mask = it->error ? POLLERR : 0;
    if (it->type == SOCK_DGRAM) {
        return mask | io_sim_datagram_mask(sim, it, wanted);
    }
    return mask | (io_sim_is_unix(it) ? io_sim_unix_mask(it) : io_sim_tcp_mask(sim, it));
}

int io_sim_socket_release(io_sim *sim, int socket)
{
    io_sim_endpoint *it = &sim->sockets[socket];
    it->file = NONE;
    if (it->state == IO_SIM_LISTENING) {
        io_sim_stop_listening(sim, socket);
    } else if (it->type == SOCK_DGRAM) {
        io_sim_datagram_release(sim, it);
    } else if (io_sim_is_unix(it)) {
        io_sim_unix_release(sim, it);
    } else {
        io_sim_tcp_release(sim, it);
    }
    io_sim_free_socket(sim, socket);
    return 0;
}

int io_sim_shutdown(int fd, int how)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_SHUTDOWN, fd);
    io_sim_endpoint *socket = NULL;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    if (r == 0 && (how < SHUT_RD || how > SHUT_RDWR)) {
        r = -EINVAL;
    }
    if (r < 0) {
        return io_sim_return(r);
    }
    how++;
    if (io_sim_is_unix(socket)) {
        io_sim_unix_shutdown(sim, socket, how);
    } else if (socket->type == SOCK_STREAM) {
        r = io_sim_tcp_shutdown(sim, socket, how);
    } else {
        r = socket->remote.is_set ? 0 : -ENOTCONN; /* done all the same, as on Linux */
        socket->shutdown |= (uint8_t)how;
        io_sim_tell_socket(sim, socket, 0);
    }
    return io_sim_return(r);
}
