/* The bytes that a reader or a writer keeps. */
#ifndef IOATOM_CODEC_BUFFER_H
#define IOATOM_CODEC_BUFFER_H

#include "../os/platform.h"

#include <ioatom/codec.h>

#include <errno.h>
#include <string.h>

#include "../os/result.h"

static inline void io_buffer_init(io_buffer *buffer, void *memory, size_t size)
{
    buffer->bytes = (unsigned char *)memory;
    buffer->size = size;
    buffer->begin = 0;
    buffer->end = 0;
}

static inline size_t io_buffer_count(const io_buffer *buffer)
{
    return buffer->end - buffer->begin;
}

/* Room behind what is kept. */
static inline size_t io_buffer_room(const io_buffer *buffer)
{
    return buffer->size - buffer->end;
}

/* Move what is kept to the front, so that all room is behind it. */
static inline void io_buffer_compact(io_buffer *buffer)
{
    size_t count = io_buffer_count(buffer);
    if (buffer->begin > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->begin, count);
        buffer->begin = 0;
        buffer->end = count;
    }
}

/* There is room for them. */
static inline void io_buffer_append(io_buffer *buffer, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(buffer->bytes + buffer->end, bytes, size);
        buffer->end += size;
    }
}

/* So many are kept at least. */
static inline void io_buffer_drop(io_buffer *buffer, size_t size)
{
    buffer->begin += size;
}

#endif
