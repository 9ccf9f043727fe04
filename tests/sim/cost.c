/* What the simulation costs: a reset, and a small program on each configuration. Prints figures. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ioatom/sim.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { RESETS = 20000000, PROGRAMS = 200000 };

static io_sim sim;
static io_poller poller;
static char storage[64 * 28]; /* a small table: a large one is cleared by every io_poller_init */

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void note(io_poller *of, io_atom *atom, int flags)
{
    char bytes[64];
    size_t size;
    (void)flags;
    while (io_read(of, atom, bytes, sizeof(bytes), &size) == 0) {
    }
}

static int run(int types)
{
    io_atom atoms[2];
    int fds[2];
    int told = 0;
    io_sim_reset(&sim);
    io_poller_init_in(&poller, types, storage, sizeof(storage));
    for (int i = 0; i < 2; i++) {
        io_sim_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
        io_atom_init(&atoms[i], fds[0], note);
        io_add(&poller, &atoms[i], IO_READ);
        io_sim_write(fds[1], "hello", 5);
    }
    for (int i = 0; i < 3; i++) {
        io_wait(&poller, 0);
        told += io_dispatch(&poller);
    }
    io_remove(&poller, &atoms[0]);
    io_close(&poller, &atoms[1]);
    io_poller_dispose(&poller);
    return told;
}

int main(void)
{
    static const struct {
        const char *name;
        int types;
    } all[] = {{"epoll", IO_POLLER_EPOLL}, {"poll", IO_POLLER_POLL}, {"select", IO_POLLER_SELECT}};
    io_sim_init(&sim);
    io_sim_use(&sim);
    printf("sizeof(io_sim) %zu\n", sizeof(io_sim));
    double begin = now_ns();
    for (int i = 0; i < RESETS; i++) {
        io_sim_reset(&sim);
        __asm__ volatile("" ::: "memory");
    }
    printf("io_sim_reset %.1f ns\n", (now_ns() - begin) / RESETS);
    for (int i = 0; i < 3; i++) {
        int told = 0;
        begin = now_ns();
        for (int j = 0; j < PROGRAMS; j++) {
            told += run(all[i].types);
        }
        double each = (now_ns() - begin) / PROGRAMS;
        printf("%s: a program of about 20 calls %.0f ns, %.0f a second (%d events)\n", all[i].name,
               each, 1e9 / each, told / PROGRAMS);
    }
    return 0;
}
