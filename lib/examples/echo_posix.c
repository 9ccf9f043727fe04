/* The echo server's needs on POSIX systems. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L

#include "echo_system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signal_fd;

int64_t echo_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long echo_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 0;
    }
    return limit.rlim_cur < LONG_MAX ? (long)limit.rlim_cur : LONG_MAX;
}

static void handle_signal(int number)
{
    int saved = errno;

    (void)number;
    if (write(signal_fd, "", 1) < 0) {
        /* The pipe is full, so the server will hear of it anyway. */
    }
    errno = saved;
}

io_fd echo_open_signals(void)
{
    struct sigaction action = {.sa_handler = handle_signal};
    int ends[2];

    if (pipe(ends) < 0) {
        return -errno;
    }
    signal_fd = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0 ||
        sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0) {
        return -errno;
    }
    return ends[0];
}

void echo_remove_path(const char *path)
{
    (void)unlink(path);
}

#else
typedef int echo_posix_is_not_used; /* C has no empty files */
#endif
