/* The library over the simulated kernel, in a program that has both. */
#include "both.h"

#include <fcntl.h>
#include <ioatom/sim.h>

static int told;

static void note(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    (void)atom;
    told = flags;
}

int both_run_simulated(int types)
{
    static io_sim sim;
    static io_poller poller;
    io_atom atom;
    int fds[2];
    io_sim_init(&sim);
    io_sim_use(&sim);
    if (io_sim_pipe2(fds, O_NONBLOCK) < 0 || io_poller_init(&poller, types) < 0) {
        return -1;
    }
    told = 0;
    io_atom_init(&atom, fds[0], note);
    if (io_add(&poller, &atom, IO_READ) < 0 || io_sim_write(fds[1], "a", 1) != 1 ||
        io_wait(&poller, -1) != 1 || io_dispatch(&poller) != 1) {
        return -1;
    }
    io_poller_dispose(&poller);
    return told;
}
