/* What ioatom.h needs on Windows, where descriptors are sockets: see lib/SPEC.md, section "Windows". A
 * program includes ioatom.h. */
#ifndef IOATOM_WINDOWS_H
#define IOATOM_WINDOWS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h> /* ssize_t */

/* A SOCKET, whole: no handle is cut to 32 bits. Signed, so that INVALID_SOCKET is -1 and no valid
 * socket is negative (the system's handles are not), as programs for POSIX test it. */
typedef intptr_t io_fd;

/* As POSIX has it. A program that has a struct of this name and these members says so. */
#ifndef IO_HAVE_IOVEC
struct iovec {
    void *iov_base;
    size_t iov_len;
};
#endif

#endif
