/* Lines. */
#include "buffer.h"

int io_lines_init(io_lines *lines, void *memory, size_t size, size_t limit, int options)
{
    size_t end = options == IO_LINES_CRLF ? 2 : 1;
    if (!lines || !memory || (options & ~IO_LINES_CRLF) || size < end || limit > size - end) {
        return io_result(-EINVAL);
    }
    io_buffer_init(&lines->reader.kept, memory, size);
    lines->reader.is_ended = 0;
    lines->limit = limit;
    lines->searched = 0;
    lines->options = options;
    return 0;
}

/* There is no line feed. It need not be waited for if the line is too long whatever comes; one more
 * byte may be the carriage return of its end. */
static int without_feed(io_lines *lines, const char **line, size_t *length)
{
    const io_buffer *kept = &lines->reader.kept;
    size_t count = io_buffer_count(kept);
    lines->searched = count;
    if (count > lines->limit) {
        int is_return = (lines->options & IO_LINES_CRLF) && count == lines->limit + 1 &&
                        kept->bytes[kept->end - 1] == '\r' && !lines->reader.is_ended;
        return is_return ? IO_CODEC_MORE : io_result(-EMSGSIZE);
    }
    if (!lines->reader.is_ended) {
        return IO_CODEC_MORE;
    }
    if (count == 0) {
        return IO_CODEC_END;
    }
    *line = (const char *)kept->bytes + kept->begin;
    *length = count;
    return io_result(-EBADMSG);
}

int io_lines_next(io_lines *lines, const char **line, size_t *length)
{
    if (!lines || !line || !length) {
        return io_result(-EINVAL);
    }
    io_buffer *kept = &lines->reader.kept;
    const unsigned char *begin = kept->bytes + kept->begin;
    const unsigned char *feed =
        memchr(begin + lines->searched, '\n', io_buffer_count(kept) - lines->searched);
    if (!feed) {
        return without_feed(lines, line, length);
    }
    size_t count = (size_t)(feed - begin), whole = count + 1;
    if ((lines->options & IO_LINES_CRLF) && count > 0 && begin[count - 1] == '\r') {
        count--;
    }
    if (count > lines->limit) {
        return io_result(-EMSGSIZE);
    }
    io_buffer_drop(kept, whole);
    lines->searched = 0;
    *line = (const char *)begin;
    *length = count;
    return IO_CODEC_ITEM;
}
