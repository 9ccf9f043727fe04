/* What detail.h has in addition on Windows. Private. */
#ifndef IOATOM_DETAIL_WINDOWS_H
#define IOATOM_DETAIL_WINDOWS_H

/* Sockets are not small integers: this finds the slot of one. See lib/core/places.h. */
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
