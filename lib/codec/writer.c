/* What is to be sent. */
#include "buffer.h"
#include "length.h"

int io_writer_init(io_writer *writer, void *memory, size_t size)
{
    if (!writer || !memory || size == 0) {
        return io_result(-EINVAL);
    }
    io_buffer_init(&writer->kept, memory, size);
    return 0;
}

/* One piece, or two or three, which go out together or not at all. */
typedef struct piece {
    const void *bytes;
    size_t size;
} piece;

static int put(io_writer *writer, const piece *pieces, int count)
{
    io_buffer *kept = &writer->kept;
    size_t left = kept->size, whole = 0;
    for (int i = 0; i < count; i++) {
        if (pieces[i].size > left) {
            return io_result(-EMSGSIZE);
        }
        left -= pieces[i].size;
        whole += pieces[i].size;
    }
    if (whole > kept->size - io_buffer_count(kept)) {
        return io_result(-ENOBUFS);
    }
    if (whole > io_buffer_room(kept)) {
        io_buffer_compact(kept);
    }
    for (int i = 0; i < count; i++) {
        io_buffer_append(kept, pieces[i].bytes, pieces[i].size);
    }
    return 0;
}

int io_writer_put(io_writer *writer, const void *bytes, size_t size)
{
    if (!writer || (!bytes && size > 0)) {
        return io_result(-EINVAL);
    }
    piece all = {bytes, size};
    return put(writer, &all, 1);
}

int io_writer_put_line(io_writer *writer, const char *line, size_t length, int options)
{
    if (!writer || (!line && length > 0) || (options & ~IO_LINES_CRLF) ||
        (length > 0 && memchr(line, '\n', length))) {
        return io_result(-EINVAL);
    }
    piece pieces[2] = {{line, length}, {"\n", 1}};
    if (options & IO_LINES_CRLF) {
        pieces[1] = (piece){"\r\n", 2};
    }
    return put(writer, pieces, 2);
}

int io_writer_put_frame(io_writer *writer, const void *frame, size_t length, int prefix)
{
    unsigned char bytes[IO_LENGTH_BYTES_MAX];
    if (!writer || (!frame && length > 0) || !io_length_is_known(prefix)) {
        return io_result(-EINVAL);
    }
    size_t prefix_size = io_length_encode(bytes, prefix, length);
    if (prefix_size == 0) {
        return io_result(-EMSGSIZE);
    }
    piece pieces[2] = {{bytes, prefix_size}, {frame, length}};
    return put(writer, pieces, 2);
}

int io_writer_flush(io_writer *writer, io_poller *poller, io_atom *atom)
{
    if (!writer || !atom) {
        return io_result(-EINVAL);
    }
    io_buffer *kept = &writer->kept;
    while (io_buffer_count(kept) > 0) {
        size_t length;
        int r = io_write(poller, atom, kept->bytes + kept->begin, io_buffer_count(kept), &length);
        if (r < 0) {
            return r == -EAGAIN ? 1 : r;
        }
        io_buffer_drop(kept, length);
    }
    return 0;
}

int io_writer_peek(const io_writer *writer, const void **bytes, size_t *size)
{
    if (!writer || !bytes || !size) {
        return io_result(-EINVAL);
    }
    *bytes = writer->kept.bytes + writer->kept.begin;
    *size = io_buffer_count(&writer->kept);
    return 0;
}

int io_writer_skip(io_writer *writer, size_t size)
{
    if (!writer || size > io_buffer_count(&writer->kept)) {
        return io_result(-EINVAL);
    }
    io_buffer_drop(&writer->kept, size);
    return 0;
}
