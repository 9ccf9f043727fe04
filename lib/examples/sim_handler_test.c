/* How to test a handler on the simulated kernel: no descriptor is real, no time passes, and what
 * goes wrong is what the test says. Compiled with -DIO_OS_SIM; the handler is the application's. */
#include <errno.h>
#include <fcntl.h>
#include <ioatom/sim.h>
#include <string.h>

static char line[64]; /* what the handler has collected */
static size_t length;

static void on_input(io_poller *poller, io_atom *atom, int flags)
{
    size_t size = 0;
    while ((flags & IO_READ) && length < sizeof(line) &&
           io_read(poller, atom, line + length, sizeof(line) - length, &size) == 0) {
        length += size;
    }
}

static void send_later(io_sim *sim, void *fd)
{
    (void)sim;
    io_sim_write(*(int *)fd, "lo\n", 3);
}

int main(void)
{
    static io_sim sim;
    static io_poller poller;
    io_atom input;
    int fds[2];
    io_sim_init(&sim);
    io_sim_use(&sim);
    if (io_sim_pipe2(fds, O_NONBLOCK) < 0 || io_poller_init(&poller, IO_POLLER_ANY) < 0) {
        return 1;
    }
    io_atom_init(&input, fds[0], on_input);
    io_sim_fail(&sim, IO_SIM_CALL_READ, 1, EINTR); /* a signal in the middle of the first read */
    if (io_add(&poller, &input, IO_READ) < 0 || io_sim_write(fds[1], "hel", 3) != 3) {
        return 1;
    }
    io_sim_at(&sim, io_sim_now_ns(&sim) + 3600000000000, send_later, &fds[1]); /* in an hour */
    while (length < 6 && io_wait(&poller, -1) > 0) {
        io_dispatch(&poller);
    }
    return length != 6 || memcmp(line, "hello\n", 6) != 0;
}
