/* What can be set and asked of sockets. */
#include "kernel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

enum { SEND_LEAST = 4608, RECEIVE_LEAST = 2304 }; /* as on Linux */

static int set_option(io_sim_endpoint *socket, int level, int option, int value)
{
    if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY && socket->family == AF_INET6) {
        socket->only_v6 = value != 0;
        return 0;
    }
    if (level == IPPROTO_TCP && option == TCP_NODELAY) {
        return 0;
    }
    if (level != SOL_SOCKET) {
        return -ENOPROTOOPT;
    }
    uint32_t twice = value > 0 ? (uint32_t)value * 2 : 0; /* Linux doubles it */
    switch (option) {
    case SO_SNDBUF:
        socket->send_size = twice > SEND_LEAST ? twice : SEND_LEAST;
        return 0;
    case SO_RCVBUF:
        socket->receive_size = twice > RECEIVE_LEAST ? twice : RECEIVE_LEAST;
        return 0;
    case SO_RCVLOWAT:
        socket->low_water = value > 0 ? (uint32_t)value : 1;
        return 0;
    case SO_REUSEADDR:
        socket->reuse_address = value != 0;
        return 0;
    case SO_REUSEPORT:
        socket->reuse_port = value != 0;
        return 0;
    case SO_OOBINLINE:
        socket->urgent_inline = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int io_sim_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    io_sim_endpoint *socket = NULL;
    int number = 0;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    if (r < 0) {
        return io_sim_return(r);
    }
    if (level == SOL_SOCKET && option == SO_LINGER) {
        struct linger linger;
        if (length < sizeof(linger)) {
            return io_sim_return(-EINVAL);
        }
        memcpy(&linger, value, sizeof(linger));
        socket->linger_reset = linger.l_onoff && linger.l_linger == 0;
        return 0;
    }
    if (length < sizeof(number)) {
        return io_sim_return(-EINVAL);
    }
    memcpy(&number, value, sizeof(number));
    return io_sim_return(set_option(socket, level, option, number));
}

static int get_option(io_sim_endpoint *socket, int level, int option, int *value)
{
    if (level != SOL_SOCKET) {
        return -ENOPROTOOPT;
    }
    switch (option) {
    case SO_ERROR:
        *value = io_sim_take_error(socket);
        return 0;
    case SO_TYPE:
        *value = socket->type;
        return 0;
    case SO_DOMAIN:
        *value = socket->family;
        return 0;
    case SO_REUSEADDR:
        *value = socket->reuse_address;
        return 0;
    case SO_REUSEPORT:
        *value = socket->reuse_port;
        return 0;
    case SO_ACCEPTCONN:
        *value = socket->state == IO_SIM_LISTENING;
        return 0;
    case SO_SNDBUF:
        *value = (int)socket->send_size;
        return 0;
    case SO_RCVBUF:
        *value = (int)socket->receive_size;
        return 0;
    case SO_RCVLOWAT:
        *value = (int)socket->low_water;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int io_sim_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    io_sim_endpoint *socket = NULL;
    int number = 0;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    r = r < 0 ? r : get_option(socket, level, option, &number);
    if (r == 0) {
        *length = *length < sizeof(number) ? *length : sizeof(number);
        memcpy(value, &number, *length);
    }
    return io_sim_return(r);
}

int io_sim_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    io_sim_endpoint *socket = NULL;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    return io_sim_return(r < 0 ? r
                               : io_sim_put_address(sim, socket->family, &socket->local,
                                                    socket->name, address, length));
}

int io_sim_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    io_sim_endpoint *socket = NULL;
    if (!sim) {
        return -1;
    }
    int r = io_sim_socket_of(sim, fd, &socket);
    if (r == 0 && socket->state != IO_SIM_CONNECTED && !socket->remote.is_set) {
        r = -ENOTCONN;
    }
    int name = r == 0 && socket->peer != NONE ? sim->sockets[socket->peer].name : NONE;
    return io_sim_return(
        r < 0 ? r
              : io_sim_put_address(sim, socket->family, &socket->remote, name, address, length));
}
