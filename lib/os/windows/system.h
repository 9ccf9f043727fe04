/* Windows: the system's headers, and what Winsock says in errno values. What the library does
 * differently there is in this folder, in lib/backends/select_winsock.c and afd.c; where it has to know
 * that it is on Windows, it includes one of these. */
#ifndef IOATOM_OS_WINDOWS_SYSTEM_H
#define IOATOM_OS_WINDOWS_SYSTEM_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <ioatom/ioatom.h>

_Static_assert(sizeof(io_fd) == sizeof(SOCKET), "a socket has room in an io_fd");

/* The errno value of what a Winsock function failed with: as POSIX has it for the same failure. */
static inline int io_os_errno(int code)
{
    static const struct {
        int code;
        int number;
    } table[] = {
        {WSAEINTR, EINTR},
        {WSAEBADF, EBADF},
        {WSAENOTSOCK, EBADF}, /* nothing but a socket is a descriptor here */
        {WSAEACCES, EACCES},
        {WSAEFAULT, EFAULT},
        {WSAEINVAL, EINVAL},
        {WSAEMFILE, EMFILE},
        {WSAEWOULDBLOCK, EAGAIN},
        {WSAEINPROGRESS, EINPROGRESS},
        {WSAEALREADY, EALREADY},
        {WSAEDESTADDRREQ, EDESTADDRREQ},
        {WSAEMSGSIZE, EMSGSIZE},
        {WSAEPROTOTYPE, EPROTOTYPE},
        {WSAENOPROTOOPT, ENOPROTOOPT},
        {WSAEPROTONOSUPPORT, EPROTONOSUPPORT},
        {WSAESOCKTNOSUPPORT, EPROTONOSUPPORT},
        {WSAEOPNOTSUPP, EOPNOTSUPP},
        {WSAEPFNOSUPPORT, EAFNOSUPPORT},
        {WSAEAFNOSUPPORT, EAFNOSUPPORT},
        {WSAEADDRINUSE, EADDRINUSE},
        {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
        {WSAENETDOWN, ENETDOWN},
        {WSAENETUNREACH, ENETUNREACH},
        {WSAENETRESET, ENETRESET},
        {WSAECONNABORTED, ECONNABORTED},
        {WSAECONNRESET, ECONNRESET},
        {WSAENOBUFS, ENOBUFS},
        {WSAEISCONN, EISCONN},
        {WSAENOTCONN, ENOTCONN},
        {WSAESHUTDOWN, EPIPE},
        {WSAETIMEDOUT, ETIMEDOUT},
        {WSAECONNREFUSED, ECONNREFUSED},
        {WSAEHOSTDOWN, EHOSTUNREACH},
        {WSAEHOSTUNREACH, EHOSTUNREACH},
        {WSAVERNOTSUPPORTED, ENOSYS},
        {WSASYSNOTREADY, ENETDOWN},
        {WSA_NOT_ENOUGH_MEMORY, ENOMEM},
        {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
        {ERROR_NOT_ENOUGH_QUOTA, ENOMEM},
        {WSA_INVALID_HANDLE, EBADF},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code) {
            return table[i].number;
        }
    }
    return EIO;
}

/* The negative errno value of the Winsock function that has just failed. */
static inline int io_os_failure(void)
{
    return -io_os_errno(WSAGetLastError());
}

/* The result of a Winsock function that returns 0 or SOCKET_ERROR, or a number. */
static inline int io_os_outcome(int result)
{
    return result == SOCKET_ERROR ? io_os_failure() : result;
}

static inline BOOL CALLBACK io_os_begin_once(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    WSADATA data;
    (void)once;
    (void)context;
    *(int *)parameter = WSAStartup(MAKEWORD(2, 2), &data);
    return *(int *)parameter == 0;
}

#endif
