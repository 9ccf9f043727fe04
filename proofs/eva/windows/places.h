/*
 * In place of lib/core/places.h, whose hash is analysed alone (drive_places.c): each socket below
 * 4 * count has a place of its own from the start, all others have none. Eva can't follow how the
 * hash relates sockets to places (A9).
 */
#ifndef IOATOM_CORE_PLACES_H
#define IOATOM_CORE_PLACES_H

#include <ioatom/ioatom.h>

#include <ioatom/detail_windows.h>

#define IO_PLACES_BYTES_PER_FD (sizeof(io_fd) + 2 * sizeof(uint32_t))

static inline void io_places_init(io_places *places, void *memory, uint64_t count)
{
    places->fds = (io_fd *)memory;
    places->count = count;
    for (uint64_t place = 0; place < count; place++) {
        places->fds[place] = (io_fd)(4 * place);
    }
}

static inline io_fd io_places_find(const io_places *places, io_fd fd)
{
    return fd < 0 || (uint64_t)fd / 4 < places->count ? fd / 4 : (io_fd)places->count;
}

static inline io_fd io_places_take(io_places *places, io_fd fd)
{
    return io_places_find(places, fd);
}

static inline void io_places_drop(io_places *places, io_fd fd)
{
    (void)places;
    (void)fd;
}

#endif
