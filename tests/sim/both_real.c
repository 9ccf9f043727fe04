/* The library over the real kernel, in a program that has both. */
#define _GNU_SOURCE
#include "both.h"

#include <fcntl.h>
#include <unistd.h>

static int told;

static void note(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    (void)atom;
    told = flags;
}

int both_run_real(int types)
{
    static io_poller poller;
    io_atom atom;
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0 || io_poller_init(&poller, types) < 0) {
        return -1;
    }
    told = 0;
    io_atom_init(&atom, fds[0], note);
    if (io_add(&poller, &atom, IO_READ) < 0 || write(fds[1], "a", 1) != 1 ||
        io_wait(&poller, -1) != 1 || io_dispatch(&poller) != 1) {
        return -1;
    }
    io_poller_dispose(&poller);
    close(fds[0]);
    close(fds[1]);
    return told;
}
