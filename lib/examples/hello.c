/* The smallest whole program: one pipe, one atom, one event. */
#include <fcntl.h>
#include <ioatom/ioatom.h>
#include <stdio.h>
#include <unistd.h>

struct greeting {
    io_atom io;
    const char *from;
};

static void on_event(io_poller *poller, io_atom *atom, int flags)
{
    struct greeting *greeting = io_resolve_parent(atom, struct greeting, io);
    char text[64];
    size_t length;

    while ((flags & IO_READ) &&
           io_read(poller, atom, text, sizeof text, &length) == 0) { /* until EAGAIN */
        printf("from %s: %.*s", greeting->from, (int)length, text);
    }
}

int main(void)
{
    static io_poller poller;
    struct greeting greeting = {.from = "the pipe"};
    int ends[2];

    if (pipe(ends) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ||
        io_poller_init(&poller, IO_POLLER_ANY) < 0) {
        perror("hello");
        return 1;
    }
    io_atom_init(&greeting.io, ends[0], on_event);
    if (io_add(&poller, &greeting.io, IO_READ) < 0 || write(ends[1], "hello\n", 6) != 6 ||
        io_wait(&poller, -1) < 0) {
        perror("hello");
        return 1;
    }
    return io_dispatch(&poller) == 1 ? 0 : 1; /* calls on_event */
}
