/*
 * Places: which slot is whose, where descriptors are not small integers (Windows). A place is the
 * index of a slot. The hash leads from a socket to its place, with linear probing; a hole that a
 * removal leaves is closed by moving back what follows, so that nothing is ever marked as deleted.
 * Places themselves never move, since the queue and the backends know atoms by them.
 *
 * Elsewhere a descriptor is its own place, and the library does without this file: see core.h.
 */
#ifndef IOATOM_CORE_PLACES_H
#define IOATOM_CORE_PLACES_H

#include <ioatom/ioatom.h>

#include <ioatom/detail_windows.h>

/* Twice as many as places: probing stays short in a full table, and always meets an end. */
#define IO_PLACES_INDEX_PER_FD 2
/* The caller's memory for each place, aligned like an io_fd. */
#define IO_PLACES_BYTES_PER_FD (sizeof(io_fd) + IO_PLACES_INDEX_PER_FD * sizeof(uint32_t))

static inline uint64_t io_places_size(const io_places *places)
{
    return places->count * IO_PLACES_INDEX_PER_FD;
}

/* Sockets are multiples of 4. */
static inline uint64_t io_places_home(const io_places *places, io_fd fd)
{
    return ((uint64_t)fd >> 2) % io_places_size(places);
}

static inline uint64_t io_places_next(const io_places *places, uint64_t at)
{
    return at + 1 < io_places_size(places) ? at + 1 : 0;
}

/* A free place has the next free one here, as a number that is no socket. */
static inline io_fd io_places_link(uint64_t next)
{
    return -1 - (io_fd)next;
}

static inline void io_places_init(io_places *places, void *memory, uint64_t count)
{
    places->fds = (io_fd *)memory;
    places->index = (uint32_t *)(void *)(places->fds + count);
    places->count = count;
    places->free = 0;
    for (uint64_t place = 0; place < count; place++) {
        places->fds[place] = io_places_link(place + 1);
    }
    for (uint64_t at = 0; at < io_places_size(places); at++) {
        places->index[at] = 0;
    }
}

/* Where the index has the socket, or the hole in which the search for it ends. */
static inline uint64_t io_places_search(const io_places *places, io_fd fd)
{
    uint64_t at = io_places_home(places, fd);
    while (places->index[at] != 0 && places->fds[places->index[at] - 1] != fd) {
        at = io_places_next(places, at);
    }
    return at;
}

/* The socket's place; count if it has none, and a negative number, which is no socket, for that. */
static inline io_fd io_places_find(const io_places *places, io_fd fd)
{
    if (fd < 0) {
        return fd;
    }
    uint64_t at = io_places_search(places, fd);
    return places->index[at] != 0 ? (io_fd)(places->index[at] - 1) : (io_fd)places->count;
}

/* The socket's place, which it gets if it has none; count if all are taken. */
static inline io_fd io_places_take(io_places *places, io_fd fd)
{
    uint64_t at = io_places_search(places, fd);
    if (places->index[at] != 0) {
        return (io_fd)(places->index[at] - 1);
    }
    uint64_t place = places->free;
    if (place < places->count) {
        places->free = (uint64_t)(-1 - places->fds[place]);
        places->fds[place] = fd;
        places->index[at] = (uint32_t)(place + 1);
    }
    return (io_fd)place;
}

/* Whether a search that begins at home and goes on to at comes by hole. */
static inline int io_places_passes(uint64_t home, uint64_t hole, uint64_t at)
{
    return home <= at ? home <= hole && hole <= at : home <= hole || hole <= at;
}

/* Its place, if it has one, is free. */
static inline void io_places_drop(io_places *places, io_fd fd)
{
    uint64_t hole = io_places_search(places, fd);
    if (places->index[hole] == 0) {
        return;
    }
    uint64_t place = places->index[hole] - 1;
    places->fds[place] = io_places_link(places->free);
    places->free = place;
    places->index[hole] = 0;
    for (uint64_t at = io_places_next(places, hole); places->index[at] != 0;
         at = io_places_next(places, at)) {
        uint64_t home = io_places_home(places, places->fds[places->index[at] - 1]);
        if (io_places_passes(home, hole, at)) {
            places->index[hole] = places->index[at];
            places->index[at] = 0;
            hole = at;
        }
    }
}

#endif
