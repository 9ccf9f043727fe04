/* What has come of a stream: from bytes, or from a descriptor. */
#include "buffer.h"

/* Room behind what is kept. No more is moved for it than was handed out since the last time, unless
 * there is none otherwise: a stream is not copied again and again (IO-READER-7). */
static size_t make_room(io_buffer *kept)
{
    if (kept->begin >= io_buffer_count(kept) || io_buffer_room(kept) == 0) {
        io_buffer_compact(kept);
    }
    return io_buffer_room(kept);
}

int io_reader_feed(io_reader *reader, const void *bytes, size_t size, size_t *taken)
{
    if (taken) {
        *taken = 0;
    }
    if (!reader || (!bytes && size > 0) || !taken) {
        return io_result(-EINVAL);
    }
    if (reader->is_ended) {
        return io_result(-EPIPE);
    }
    if (size == 0) {
        return 0;
    }
    if (io_buffer_count(&reader->kept) == reader->kept.size) {
        return io_result(-ENOBUFS);
    }
    if (io_buffer_room(&reader->kept) < size) {
        (void)make_room(&reader->kept);
    }
    size_t room = io_buffer_room(&reader->kept);
    *taken = size < room ? size : room;
    io_buffer_append(&reader->kept, bytes, *taken);
    return 0;
}

int io_reader_end(io_reader *reader)
{
    if (!reader) {
        return io_result(-EINVAL);
    }
    reader->is_ended = 1;
    return 0;
}

int io_reader_fill(io_reader *reader, io_poller *poller, io_atom *atom)
{
    if (!reader || !atom) {
        return io_result(-EINVAL);
    }
    io_buffer *kept = &reader->kept;
    if (!reader->is_ended && io_buffer_count(kept) == kept->size) {
        return io_result(-ENOBUFS);
    }
    while (!reader->is_ended) {
        size_t length, room = make_room(kept);
        if (room == 0) {
            return 1;
        }
        int r = io_read(poller, atom, kept->bytes + kept->end, room, &length);
        if (r == -EPIPE) {
            reader->is_ended = 1;
        } else if (r < 0) {
            return r == -EAGAIN ? 0 : r;
        }
        kept->end += length;
    }
    return 0;
}
