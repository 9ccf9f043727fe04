/* usage: backpressure epoll|uring CYCLES
 * The cycle of back-pressure, edge-triggered, as a program for strace: each phase begins with a
 * write of its name to the marker, descriptor 9, so that the trace can be cut there. In the control
 * phase the program does what needs epoll_ctl (io_uring_enter), in the steady phase what must not
 * (IO-MASK-3). Prints the number of cycles; of uring, SKIPPED and why if the kernel does not offer it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <ioatom/ioatom.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MARKER = 9, WARM_UP = 3, REST = 100 };

static io_poller poller;
static io_fd fds[2];
static int told;

static void check(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void mark(const char *name)
{
    check(write(MARKER, name, strlen(name)) == (ssize_t)strlen(name), "marker");
}

static void note(io_poller *p, io_atom *atom, int flags)
{
    (void)p;
    (void)atom;
    told |= flags;
}

static void write_until_again(io_atom *atom)
{
    static const char bytes[4096];
    size_t size;
    int result = 0;
    while (result == 0) {
        result = io_write(&poller, atom, bytes, sizeof(bytes), &size);
    }
    check(result == -EAGAIN, "io_write");
}

static void drain(void)
{
    static char bytes[65536];
    while (read(fds[1], bytes, sizeof(bytes)) > 0) {
    }
}

static void cycle(io_atom *atom)
{
    static const char rest[REST];
    size_t size;
    write_until_again(atom);
    check(io_set(&poller, atom, IO_READ | IO_WRITE) == 0, "io_set read, write");
    drain();
    told = 0;
    check(io_wait(&poller, -1) == 1, "io_wait");
    check(io_dispatch(&poller) == 1 && told == IO_WRITE, "io_dispatch");
    check(io_write(&poller, atom, rest, sizeof(rest), &size) == 0, "io_write of the rest");
    check(io_set(&poller, atom, IO_READ) == 0, "io_set read");
}

int main(int argc, char **argv)
{
    int cycles = argc == 3 ? atoi(argv[2]) : 0;
    int type = argc == 3 && strcmp(argv[1], "uring") == 0 ? IO_POLLER_URING : IO_POLLER_EPOLL;
    char byte;
    size_t size;
    io_atom atom;
    check(cycles > 0, "usage: backpressure epoll|uring CYCLES");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    int null = open("/dev/null", O_WRONLY);
    check(null >= 0 && dup2(null, MARKER) == MARKER, "marker");
    mark("control");
    int result = io_poller_init(&poller, type | IO_POLLER_EDGE);
    if (result == -ENOSYS && type == IO_POLLER_URING) {
        puts("SKIPPED: the kernel does not offer io_uring");
        return 0;
    }
    check(result == 0, "io_poller_init");
    io_atom_init(&atom, fds[0], note);
    check(io_add(&poller, &atom, IO_READ) == 0, "io_add");
    check(io_read(&poller, &atom, &byte, 1, &size) == -EAGAIN, "io_read");
    for (int i = 0; i < WARM_UP; i++) {
        cycle(&atom);
    }
    mark("steady");
    for (int i = 0; i < cycles; i++) {
        cycle(&atom);
    }
    mark("end");
    check(io_poller_dispose(&poller) == 0, "io_poller_dispose");
    printf("%d\n", cycles);
    return 0;
}
