/*
 * What ioatom.h needs on Windows, where descriptors are sockets: see lib/SPEC.md, section "Windows".
 * A program includes ioatom.h.
 */
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

/* Sockets are not small integers: this finds the slot of one. Private, as detail.h: see
 * lib/core/places.h. */
typedef struct io_places {
    io_fd *fds;      /* by place: the socket, or where the list of free places goes on */
    uint32_t *index; /* by hash: a place and 1, or 0 */
    uint64_t count;
    uint64_t free; /* the first of that list; count: there is none */
} io_places;

/* The afd backend's own. */
typedef struct io_afd {
    void *port;   /* handles: the completion port, */
    void *device; /* and that through which sockets are polled */
    uint64_t
        due; /* the first place of the list of those to be looked at in the next wait; or none */
} io_afd;

/* The area of a poller has for each descriptor 16 bytes for its place, and 72 for the backend. */
#define IO_AREA_WORDS_PER_FD 11

#endif
