/* Listening, accepting and connecting through the library. */
#define _GNU_SOURCE
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "ops.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

/* What the library opened: nobody waits in a call on it, and no child inherits it. */
static void check_opened(int fd, const char *clause)
{
    int flags = KERNEL(fcntl)(fd, F_GETFL);
    if (flags < 0 || !(flags & O_NONBLOCK)) {
        violation(clause, "descriptor %d is not a non-blocking one", fd);
    }
    if (!(KERNEL(fcntl)(fd, F_GETFD) & FD_CLOEXEC)) {
        violation("IO-INIT-9", "descriptor %d stays open in a child", fd);
    }
}

/* The address is that of the other end, unless that is gone. */
static void check_remote(const io_address *remote, int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    memset(&address, 0, sizeof(address));
    if (KERNEL(getpeername)(fd, (struct sockaddr *)&address, &length) < 0) {
        return;
    }
    if (remote->type != IO_STREAM || remote->length != (uint32_t)length ||
        memcmp(remote->sockaddr.bytes, &address, length) != 0) {
        violation("IO-SOCKET-2", "the address is not that of the peer");
    }
}

/* The atom before the call, which must not be written to if that fails (IO-SOCKET-6). */
static void begin(run *r, int index, io_atom *atom)
{
    io_atom_init(atom, -1, run_callback);
    r->shadow[index] = *atom;
}

/* The library filled in an atom and opened its descriptor. 0: it failed. */
static int check_filled(const io_atom *atom, int result, const char *clause)
{
    if (result > 0) {
        violation(clause, "it returned %d", result);
    }
    if (result < 0) {
        return 0;
    }
    if (atom->fd < 0 || atom->proc != run_callback) {
        violation(clause, "the atom is not filled in");
    }
    check_opened(atom->fd, clause);
    env_shrink(atom->fd);
    return 1;
}

/* And registered it. */
static void adopt(run *r, int index, const io_atom *atom, int flags)
{
    r->shadow[index] = *atom;
    model_check_add(&r->model, index, atom->fd, MODEL_FD_OPEN, flags, 0);
    handle_added(r, index, flags);
}

/* The first call that fails decides, and what comes after it only cleans up. A connection that a
 * signal interrupts goes on. The real kernel may have no more addresses to connect from. */
static int check_result(run *r, const io_atom *atom, int flags, int result, const char *clause)
{
    int error = faults_first(FAULT_OTHER);
    int expected = flags & ~0xf ? -EINVAL : error == EINTR ? 0 : -error;
    if (result != expected && result != -EADDRNOTAVAIL && !fault_is_program(r, result)) {
        violation(expected == -EINVAL ? "IO-SOCKET-8" : "IO-SOCKET-6",
                  "it returned %d, expected %d", result, expected);
    }
    return check_filled(atom, result, clause);
}

static io_address address_of(const struct sockaddr_in *inet)
{
    io_address address = {.type = IO_STREAM, .length = sizeof(*inet)};
    memcpy(address.sockaddr.bytes, inet, sizeof(*inet));
    return address;
}

void socket_serve(run *r, int index, io_atom *atom)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    io_address address = address_of(&any);
    begin(r, index, atom);
    int result = LIBRARY(io_socket_listen(&r->poller, atom, run_callback, &address, 0));
    if (check_result(r, atom, IO_READ, result, "IO-SOCKET-1")) {
        env_listened(&r->env, &r->events, atom->fd);
        adopt(r, index, atom, IO_READ);
    }
}

void socket_dial(run *r, int index, io_atom *atom, int listener, int flags)
{
    struct sockaddr_in server;
    socklen_t length = sizeof(server);
    if (KERNEL(getsockname)(listener, (struct sockaddr *)&server, &length) < 0) {
        return;
    }
    io_address address = address_of(&server);
    begin(r, index, atom);
    r->env.connects++;
    int result = LIBRARY(io_socket_connect(&r->poller, atom, run_callback, &address, flags));
    if (check_result(r, atom, flags, result, "IO-SOCKET-5")) {
        env_dialled(&r->env, &r->events, atom->fd, listener);
        adopt(r, index, atom, flags);
    }
}

int socket_accept(run *r, int index, io_atom *atom, int listener_atom, int flags)
{
    io_atom *listener = &r->atoms[listener_atom]->io;
    io_address remote;
    begin(r, index, atom);
    int bits = run_bits(listener->fd);
    int result =
        LIBRARY(io_socket_accept(&r->poller, atom, run_callback, flags, listener, &remote));
    if (!(flags & ~0xf)) {
        fault_check_accept(r, listener->fd, bits, result);
    } else if (result != -EINVAL) {
        violation("IO-SOCKET-8", "io_socket_accept returned %d for unknown flags", result);
    }
    if (check_filled(atom, result, "IO-SOCKET-2")) {
        check_remote(&remote, atom->fd);
        env_accepted(&r->env, &r->events, atom->fd, listener->fd);
        adopt(r, index, atom, flags);
    }
    if (result == -EAGAIN) {
        run_observe(r);
        model_eagain(&r->model, listener_atom, MODEL_READ);
    }
    return result;
}
