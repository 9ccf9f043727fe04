/* Windows. The calls that the library makes to wait are counted by tests/windows/spied.c, with which it
 * is compiled. */
#ifdef _WIN32
#include "env.h"
#include "kernel.h"

#include "tests/windows/spied.h"

/* How long the network of one machine may take, which delivers in a thread of its own: the harness
 * expects it to be done when a call returns, as it is elsewhere. */
enum { SETTLE_MS = 1 };

static const char *refused;

int posix_refuse(const char *what)
{
    refused = what;
    errno = ENOSYS;
    return -1;
}

const char *kernel_refused(void)
{
    return refused;
}

static int two(int result, const io_fd from[2], int to[2])
{
    to[0] = (int)from[0];
    to[1] = (int)from[1];
    return result;
}

int kernel_pipe2(int fds[2], int flags)
{
    io_fd ends[2] = {-1, -1};
    return two(posix_pipe2(ends, flags), ends, fds);
}

int kernel_socketpair(int family, int type, int protocol, int fds[2])
{
    io_fd ends[2] = {-1, -1};
    return two(posix_socketpair(family, type, protocol, ends), ends, fds);
}

int kernel_getpeername(int fd, struct sockaddr *name, socklen_t *length)
{
    return getpeername((SOCKET)fd, name, length);
}

int kernel_dup3(int from, int to, int flags)
{
    (void)from;
    (void)to;
    (void)flags;
    return posix_refuse("a number of one's choice");
}

int kernel_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    (void)set;
    (void)operation;
    (void)fd;
    (void)event;
    return -1;
}

/* What the system opens for itself when it is used first is nobody's leak. */
void kernel_setup(void)
{
    int fds[2];
    char byte = 0;
    if (kernel_pipe2(fds, O_NONBLOCK) == 0) {
        (void)posix_write(fds[0], &byte, 1);
        struct pollfd entry = {.fd = (SOCKET)fds[1], .events = POLLIN};
        (void)posix_poll(&entry, 1, 1000);
        (void)posix_close(fds[0]);
        (void)posix_close(fds[1]);
    }
}

int kernel_begin(void)
{
    refused = NULL;
    return 0;
}

int kernel_was_full(void)
{
    return 0;
}

void kernel_fork(void)
{
}

int kernel_parent_polls(void)
{
    return 0;
}

int kernel_left_polls(void)
{
    return 0;
}

/* Handles, one by one: wine's GetProcessHandleCount says 0. */
int kernel_open_count(void)
{
    int count = 0;
    for (uintptr_t handle = 4; handle < ENV_LIMIT; handle += 4) {
        DWORD flags;
        count += GetHandleInformation((HANDLE)handle, &flags) != 0;
    }
    return count;
}

void kernel_limit(int limit)
{
    (void)limit;
}

/* POLLHUP alone is the end of what the peer sends; a connection that is no more has POLLERR, too. */
int kernel_poll_now(struct pollfd *fds, nfds_t count)
{
    Sleep(SETTLE_MS);
    int result = posix_poll(fds, count, 0);
    for (nfds_t i = 0; i < count; i++) {
        int bits = fds[i].revents;
        if ((bits & POLLHUP) && !(bits & POLLERR)) {
            bits = (bits & ~POLLHUP) | POLLRDHUP;
        }
        fds[i].revents = (short)bits;
    }
    return result;
}

kernel_calls kernel_calls_made(void)
{
    spied_calls spied = spied_made();
    return (kernel_calls){
        .waits = spied.waits, .blocking_waits = spied.blocking_waits, .controls = spied.controls};
}

unsigned kernel_pipe_signals(void)
{
    return 0;
}

int kernel_is_simulated(void)
{
    return 0;
}

#else
typedef int kernel_windows_is_not_used; /* C has no empty files */
#endif
