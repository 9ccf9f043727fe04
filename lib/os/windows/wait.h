/* Windows: what os_wait.h is elsewhere. */
#ifndef IOATOM_OS_WINDOWS_WAIT_H
#define IOATOM_OS_WINDOWS_WAIT_H

#include "questions.h"

/* Winsock has to be started before its first use; it is never stopped, since that would end the
 * program's own sockets (IO-INIT-10). 0, or a negative errno value. */
static inline int io_os_begin(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    int code = 0;
    return InitOnceExecuteOnce(&once, io_os_begin_once, &code, NULL) ? 0 : -io_os_errno(code);
}

/* The monotonic clock. */
static inline uint64_t io_os_now_ns(void)
{
    LARGE_INTEGER frequency, now;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    uint64_t per_second = (uint64_t)frequency.QuadPart;
    uint64_t count = (uint64_t)now.QuadPart;
    return count / per_second * 1000000000u + count % per_second * 1000000000u / per_second;
}

/* As Winsock has it, but with room for as many as the caller has. */
typedef struct io_os_set {
    u_int count;
    SOCKET fds[];
} io_os_set;

_Static_assert(offsetof(io_os_set, fds) == offsetof(fd_set, fd_array), "an fd_set, but longer");

/* Winsock's select(2) refuses to wait for nothing. */
static inline int io_os_select_sets(io_os_set *in, io_os_set *out, io_os_set *except,
                                    int timeout_ms)
{
    if (in->count == 0 && out->count == 0 && except->count == 0) {
        Sleep(timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
        return 0;
    }
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    return io_os_outcome(select(0, (fd_set *)(void *)in, (fd_set *)(void *)out,
                                (fd_set *)(void *)except, timeout_ms < 0 ? NULL : &timeout));
}

/* 1 for a socket that can't fail to connect any more: a stream with a peer, a listener, a datagram
 * socket. */
static inline int io_os_is_connected(io_fd fd)
{
    struct sockaddr_storage name;
    int length = sizeof(name);
    int type = 0;
    return getpeername((SOCKET)fd, (struct sockaddr *)&name, &length) == 0 ||
           io_os_is_listening(fd) ||
           (io_os_getsockopt_int(fd, SO_TYPE, &type) == 0 && type == SOCK_DGRAM);
}

#endif
