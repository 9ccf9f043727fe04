/*
 * Lines and frames over streams. What arrives in pieces is handed out whole, where it lies; what is
 * to be sent is kept until it has gone. All memory is the caller's, and nothing is allocated.
 *
 * In the callback of an edge-triggered atom:
 *
 *     do {
 *         full = io_reader_fill(&lines.reader, poller, atom);   // until EAGAIN, or the memory is full
 *         while ((r = io_lines_next(&lines, &line, &length)) == IO_CODEC_ITEM) { ... }
 *     } while (full == 1 && r == IO_CODEC_MORE);
 *
 * Rules for every function:
 *  - The result is >= 0, or a negative errno value; errno is then set to match. On an error nothing
 *    has changed, except where a comment says so (IO-CODEC-1).
 *  - A null pointer is -EINVAL, but for that of no bytes (IO-CODEC-2).
 *  - An object belongs to one thread at a time. The structs are open so that they can be embedded;
 *    their members are the library's.
 * What must happen is said by lib/SPEC.md.
 */
#ifndef IOATOM_CODEC_H
#define IOATOM_CODEC_H

#include <ioatom/ioatom.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What io_lines_next and io_frames_next return. */
#define IO_CODEC_MORE 0 /* nothing that is whole: more has to come */
#define IO_CODEC_ITEM 1 /* a line, a frame */
#define IO_CODEC_END 2  /* the end of the stream; all was handed out */

/* Bytes in the caller's memory, of which those from begin to end are kept. */
typedef struct io_buffer {
    unsigned char *bytes;
    size_t size;
    size_t begin;
    size_t end;
} io_buffer;

/* --- reading --- */

/* What has come of a stream, and was not handed out. */
typedef struct io_reader {
    io_buffer kept;
    int is_ended;
} io_reader;

/* Append bytes that were received in some other way. 0: the first *taken of them were taken, at
 * least one if there are any (IO-READER-1); feed the rest again. What was handed out before is no
 * longer valid. -ENOBUFS: the memory is full, which is not the end of the stream (IO-READER-2). -EPIPE:
 * after io_reader_end. On an error *taken is 0. */
int io_reader_feed(io_reader *reader, const void *bytes, size_t size, size_t *taken);

/* Nothing more will come (IO-READER-3). */
int io_reader_end(io_reader *reader);

/* Read from the atom's descriptor until it is exhausted, has ended, or the memory is full
 * (IO-READER-4). 0: it was exhausted, so that the next edge will come, or it has ended. 1: the memory
 * is full, and there may be more: take what is there, and call it again (IO-READER-5). What was
 * handed out before is no longer valid. -ENOBUFS: the memory was full already. Others as from
 * io_read: what was read before the error is kept (IO-READER-6). */
int io_reader_fill(io_reader *reader, io_poller *poller, io_atom *atom);

/* --- lines --- */

typedef struct io_lines {
    io_reader reader;
    size_t limit;
    size_t searched; /* the first so many of the bytes that are kept have no line feed */
    int options;
} io_lines;

/* Options: a carriage return before the line feed is part of the line's end, not of the line; it
 * need not be there (IO-LINE-2). */
#define IO_LINES_CRLF 1

/* Lines of at most limit bytes, without their end. -EINVAL: unknown options, or the memory has no
 * room for such a line and its end (IO-LINE-1). */
int io_lines_init(io_lines *lines, void *memory, size_t size, size_t limit, int options);

/* Hand out the next line, without its end (IO-LINE-3). It lies in the memory, is not terminated,
 * and is valid until io_reader_feed or io_reader_fill. -EMSGSIZE: the line is longer than the limit;
 * it stays so (IO-LINE-4). -EBADMSG: the stream has ended within a line; *line and *length are what
 * there is of it (IO-LINE-5). */
int io_lines_next(io_lines *lines, const char **line, size_t *length);

/* --- frames --- */

/* How the length stands in front of a frame: so many bytes, most significant first, or a varint: 7
 * bits in each byte, least significant first, and the highest bit set in all but the last one. */
#define IO_PREFIX_1 1
#define IO_PREFIX_2 2
#define IO_PREFIX_4 4
#define IO_PREFIX_8 8
#define IO_PREFIX_VARINT 10

typedef struct io_frames {
    io_reader reader;
    size_t limit;
    int prefix;
} io_frames;

/* Frames of at most limit bytes, without their prefix. -EINVAL: an unknown prefix, or the memory has
 * no room for such a frame and its prefix (IO-FRAME-1). */
int io_frames_init(io_frames *frames, void *memory, size_t size, size_t limit, int prefix);

/* Hand out the next frame, without its prefix; it may be empty (IO-FRAME-2, IO-FRAME-3). It lies in
 * the memory, and is valid until io_reader_feed or io_reader_fill. -EMSGSIZE: it is longer than the
 * limit, which is told as soon as its prefix is there; it stays so (IO-FRAME-4). -EBADMSG: the
 * stream has ended within a frame (IO-FRAME-5). -EPROTO: a varint of more than 10 bytes or 64 bits
 * (IO-FRAME-6). */
int io_frames_next(io_frames *frames, const void **frame, size_t *length);

/* --- writing --- */

/* What is to be sent, and has not gone. */
typedef struct io_writer {
    io_buffer kept;
} io_writer;

int io_writer_init(io_writer *writer, void *memory, size_t size);

/* Append bytes; or a line and its end, which is "\r\n" with IO_LINES_CRLF; or a frame and its prefix.
 * All or nothing (IO-WRITER-1). -ENOBUFS: there is no room now; flush first. -EMSGSIZE: there never
 * is, or the prefix can't hold the length (IO-WRITER-2). -EINVAL: unknown options or prefix; a line
 * with a line feed in it (IO-WRITER-3). */
int io_writer_put(io_writer *writer, const void *bytes, size_t size);
int io_writer_put_line(io_writer *writer, const char *line, size_t length, int options);
int io_writer_put_frame(io_writer *writer, const void *frame, size_t length, int prefix);

/* Write to the atom's descriptor until all has gone or it takes no more. 0: all has gone. 1: some is
 * left: call it again on IO_WRITE (IO-WRITER-4). Others as from io_write: what was not written is kept
 * (IO-WRITER-5). */
int io_writer_flush(io_writer *writer, io_poller *poller, io_atom *atom);

/* For other ways to send: what has not gone yet, and that its first size bytes have. The bytes are
 * valid until the next put, flush or skip. -EINVAL: there are not so many (IO-WRITER-6). */
int io_writer_peek(const io_writer *writer, const void **bytes, size_t *size);
int io_writer_skip(io_writer *writer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
