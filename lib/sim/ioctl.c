/* FIONREAD: how much there is to be read. */
#include "kernel.h"

#include <stdarg.h>
#include <sys/ioctl.h>

static int socket_bytes(const io_sim *sim, const io_sim_endpoint *socket)
{
    if (socket->type == SOCK_DGRAM) {
        return io_sim_datagram_waiting(sim, socket);
    }
    if (socket->state == IO_SIM_LISTENING) {
        return -EINVAL;
    }
    return io_sim_is_unix(socket) ? (int)socket->queue.bytes : io_sim_tcp_waiting(socket);
}

int io_sim_bytes_waiting(const io_sim *sim, const io_sim_file *file)
{
    switch (file->kind) {
    case IO_SIM_PIPE: /* at either end */
        return (int)sim->pipes[file->object].queue.bytes;
    case IO_SIM_SOCKET:
        return socket_bytes(sim, &sim->sockets[file->object]);
    case IO_SIM_EPOLL: /* it has requests of its own, since Linux 6.9 */
        return -EINVAL;
    case IO_SIM_KQUEUE:
        return -ENOTTY;
    case IO_SIM_ORDINARY:
        return 0; /* always empty */
    default:
        return -ENOTTY;
    }
}

int io_sim_ioctl(int fd, unsigned long request, ...)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    if (!sim) {
        return -1;
    }
    const io_sim_file *file = io_sim_file_of(sim, fd);
    int bytes = -EBADF;
    if (file) {
        bytes = request == FIONREAD ? io_sim_bytes_waiting(sim, file) : -ENOTTY;
    }
    if (bytes < 0) {
        return io_sim_return(bytes);
    }
    va_list arguments;
    va_start(arguments, request);
    *va_arg(arguments, int *) = bytes;
    va_end(arguments);
    return 0;
}
