/* Frames: bytes with their length in front. */
#include "buffer.h"
#include "length.h"

int io_frames_init(io_frames *frames, void *memory, size_t size, size_t limit, int prefix)
{
    if (!frames || !memory || !io_length_is_known(prefix) || size < (size_t)prefix ||
        limit > size - (size_t)prefix) {
        return io_result(-EINVAL);
    }
    io_buffer_init(&frames->reader.kept, memory, size);
    frames->reader.is_ended = 0;
    frames->limit = limit;
    frames->prefix = prefix;
    return 0;
}

/* What is there is not whole. */
static int unfinished(const io_reader *reader)
{
    if (!reader->is_ended) {
        return IO_CODEC_MORE;
    }
    return io_buffer_count(&reader->kept) == 0 ? IO_CODEC_END : io_result(-EBADMSG);
}

int io_frames_next(io_frames *frames, const void **frame, size_t *length)
{
    if (!frames || !frame || !length) {
        return io_result(-EINVAL);
    }
    io_buffer *kept = &frames->reader.kept;
    const unsigned char *begin = kept->bytes + kept->begin;
    size_t count = io_buffer_count(kept);
    uint64_t announced;
    int prefix = io_length_decode(begin, count, frames->prefix, &announced);
    if (prefix < 0) {
        return io_result(prefix);
    }
    if (prefix == 0) {
        return unfinished(&frames->reader);
    }
    if (announced > frames->limit) {
        return io_result(-EMSGSIZE);
    }
    if (announced > count - (size_t)prefix) {
        return unfinished(&frames->reader);
    }
    *frame = begin + prefix;
    *length = (size_t)announced;
    io_buffer_drop(kept, (size_t)prefix + *length);
    return IO_CODEC_ITEM;
}
