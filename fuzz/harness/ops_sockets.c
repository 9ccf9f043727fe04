/* Listening and connecting through the library. */
#include "faults.h"
#include "kernel.h"
#include "library.h"
#include "ops.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* The atom before the call, which must not be written to if that fails (IO-SOCKET-6). */
static void begin(run *r, int index, io_atom *atom)
{
    io_atom_init(atom, -1, run_callback);
    r->shadow[index] = *atom;
}

/* The first call that fails decides, and what comes after it only cleans up. A connection that a
 * signal interrupts goes on. The real kernel may have no more addresses to connect from. */
static void end(run *r, int index, const io_atom *atom, object_kind kind, int flags, int result)
{
    int error = faults_error(FAULT_OTHER);
    int expected = flags & ~0xf ? -EINVAL : error == EINTR ? 0 : -error;
    if (result != expected && result != -EADDRNOTAVAIL && !fault_is_program(r, result)) {
        violation(expected == -EINVAL ? "IO-SOCKET-8" : "IO-SOCKET-6",
                  "it returned %d, expected %d", result, expected);
    }
    if (result >= 0) {
        r->shadow[index] = *atom;
        env_adopt(&r->env, &r->events, atom->fd, kind);
        model_check_add(&r->model, index, atom->fd, MODEL_FD_OPEN, 0, flags, result);
    }
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
    end(r, index, atom, KIND_LISTENER, IO_READ, result);
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
    int result = LIBRARY(io_socket_connect(&r->poller, atom, run_callback, &address, flags));
    end(r, index, atom, KIND_TCP, flags, result);
}
