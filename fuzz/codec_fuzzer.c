/*
 * Fuzzes the readers and the writer of ioatom/codec.h, each against the parser in
 * fuzz/model/codec_model.c: the same items, in the same order, with the same errors, whatever the
 * pieces are in which the stream comes; nothing is taken that there is no room for, and nothing is
 * refused that there is.
 *
 * An input is a letter (l: lines, c: with IO_LINES_CRLF; 1, 2, 4, 8, v: frames), a byte for the
 * memory's size and one for the limit, and pieces. A piece begins with a byte. Of less than 0xf0: so
 * many bytes (modulo 48) of the stream follow, of which the reader gets what it takes, and the items
 * are asked for, but not from 0x60 on; from 0x80 on they are put into the writer as one item first,
 * and the reader gets what the writer has, some bytes at a time. 0xf0 and more: the end of the stream.
 */
#include <ioatom/codec.h>

#include "harness/plain.h"
#include "model/codec_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 64, PIECE = 48, NOT_ASKED = 0x60, PUT = 0x80, THE_END = 0xf0 };

static codec_model model;
static io_lines lines;
static io_frames frames;
static io_writer writer;
static unsigned char memory[MEMORY_MAX], out[MEMORY_MAX];
static size_t memory_size, pieces;

static int is_lines(void)
{
    return model.prefix >= CODEC_LF;
}

static io_reader *reader_of(void)
{
    return is_lines() ? &lines.reader : &frames.reader;
}

static void describe(void)
{
    fprintf(
        stderr,
        "prefix %d, limit %zu, memory %zu; after %zu pieces: %zu bytes taken, %zu handed out%s\n",
        model.prefix, model.limit, memory_size, pieces, model.size, model.begin,
        model.is_ended ? ", ended" : "");
}

#define VIOLATION(...) plain_violation(describe, __VA_ARGS__)

/* Returns 0 if the arguments must be refused, and were. */
static int begin(int letter, size_t size, size_t limit)
{
    static const char letters[] = "1248vlc";
    static const int prefixes[] = {1, 2, 4, 8, CODEC_VARINT, CODEC_LF, CODEC_CRLF};
    const char *found = letter ? strchr(letters, letter) : NULL;
    memset(&model, 0, sizeof(model));
    model.prefix = found ? prefixes[found - letters] : CODEC_LF;
    model.limit = limit;
    memory_size = size;
    pieces = 0;
    size_t more = is_lines() ? (size_t)(model.prefix - CODEC_LF + 1) : (size_t)model.prefix;
    int wanted = limit + more <= size ? 0 : -EINVAL;
    int options = model.prefix == CODEC_CRLF ? IO_LINES_CRLF : 0;
    int r = is_lines() ? io_lines_init(&lines, memory, size, limit, options)
                       : io_frames_init(&frames, memory, size, limit, model.prefix);
    if (r != wanted) {
        VIOLATION(is_lines() ? "IO-LINE-1" : "IO-FRAME-1", "init returns %d instead of %d", r,
                  wanted);
    }
    if (io_writer_init(&writer, out, sizeof(out)) != 0) {
        VIOLATION("IO-WRITER-1", "a writer is refused");
    }
    return r == 0;
}

/* Ask for items until there is none. The clause is the one of what is wrong. */
static void take_items(void)
{
    for (;;) {
        codec_answer wanted = codec_model_next(&model);
        const char *line = NULL;
        const void *frame = NULL;
        size_t length = 0;
        int r = is_lines() ? io_lines_next(&lines, &line, &length)
                           : io_frames_next(&frames, &frame, &length);
        const void *got = is_lines() ? line : frame;
        if (r != wanted.result) {
            VIOLATION(is_lines() ? "IO-LINE-3" : "IO-FRAME-2", "next returns %d instead of %d", r,
                      wanted.result);
        }
        int has_bytes = r == IO_CODEC_ITEM || (is_lines() && r == -EBADMSG);
        if (has_bytes &&
            (length != wanted.length || memcmp(got, model.stream + wanted.at, length) != 0)) {
            VIOLATION("IO-CODEC-3", "an item is another one: %zu bytes instead of %zu", length,
                      wanted.length);
        }
        if (!has_bytes && got) {
            VIOLATION("IO-CODEC-1", "%d hands out something", r);
        }
        if (r != IO_CODEC_ITEM) {
            return;
        }
        model.begin = wanted.next;
    }
}

/* Feed bytes until all are taken, or the reader is full or ended; the number that was taken. */
static size_t feed(const uint8_t *bytes, size_t size)
{
    size_t all = 0;
    while (all < size) {
        size_t taken = 99, kept = model.size - model.begin;
        int wanted = model.is_ended ? -EPIPE : kept == memory_size ? -ENOBUFS : 0;
        int r = io_reader_feed(reader_of(), bytes + all, size - all, &taken);
        if (r != wanted) {
            VIOLATION(model.is_ended        ? "IO-READER-3"
                      : kept == memory_size ? "IO-READER-2"
                                            : "IO-READER-7",
                      "feed returns %d instead of %d", r, wanted);
        }
        if (r == 0 ? taken == 0 || taken > size - all || kept + taken > memory_size : taken != 0) {
            VIOLATION("IO-READER-1", "%zu of %zu bytes are taken, %zu kept", taken, size - all,
                      kept);
        }
        if (r < 0) {
            return all;
        }
        memcpy(model.stream + model.size, bytes + all, taken);
        model.size += taken;
        all += taken;
    }
    return all;
}

/* One item into the writer, if it takes it. */
static void put(const uint8_t *bytes, size_t size)
{
    const void *before, *after;
    size_t had = 0, has = 0;
    io_writer_peek(&writer, &before, &had);
    int options = model.prefix == CODEC_CRLF ? IO_LINES_CRLF : 0;
    int has_feed = size > 0 && memchr(bytes, '\n', size) != NULL;
    size_t more = is_lines() ? (size_t)options + 1 : (size_t)model.prefix;
    more = model.prefix == CODEC_VARINT ? 1 : more; /* of less than 128 bytes */
    int wanted = 0;
    if (is_lines() && has_feed) {
        wanted = -EINVAL;
    } else if (size + more > sizeof(out)) {
        wanted = -EMSGSIZE;
    } else if (size + more > sizeof(out) - had) {
        wanted = -ENOBUFS;
    }
    int r = is_lines() ? io_writer_put_line(&writer, (const char *)bytes, size, options)
                       : io_writer_put_frame(&writer, bytes, size, model.prefix);
    io_writer_peek(&writer, &after, &has);
    if (r != wanted) {
        VIOLATION("IO-WRITER-2", "put returns %d instead of %d, with %zu bytes kept", r, wanted,
                  had);
    }
    if (has != had + (r == 0 ? size + more : 0)) {
        VIOLATION("IO-WRITER-1", "%zu bytes were kept, and %zu are after a put of %zu", had, has,
                  size);
    }
    if (r == 0 && size > 0) {
        size_t at = is_lines() ? had : had + more;
        if (memcmp((const unsigned char *)after + at, bytes, size) != 0) {
            VIOLATION("IO-WRITER-1", "what was put is not what goes out");
        }
    }
}

/* The writer's bytes to the reader, a few at a time. */
static void carry(size_t step)
{
    const void *bytes;
    size_t size, taken = 1;
    while (taken > 0 && io_writer_peek(&writer, &bytes, &size) == 0 && size > 0) {
        taken = feed(bytes, size < step ? size : step);
        if (io_writer_skip(&writer, size + 1) != -EINVAL || io_writer_skip(&writer, taken) != 0) {
            VIOLATION("IO-WRITER-6", "of %zu bytes %zu are skipped", size, taken);
        }
        take_items();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > CODEC_STREAM_MAX / 8 ||
        !begin(data[0], data[1] % (MEMORY_MAX + 1), data[2])) {
        return 0;
    }
    take_items();
    for (size_t at = 3; at < size; pieces++) {
        int head = data[at++];
        size_t length = (size_t)head % PIECE;
        length = length < size - at ? length : size - at;
        if (head >= THE_END) {
            io_reader_end(reader_of());
            model.is_ended = 1;
        } else if (head >= PUT) {
            put(data + at, length);
            carry((size_t)head % 7 + 1);
        } else {
            (void)feed(data + at, length);
        }
        at += head >= THE_END ? 0 : length;
        if (head < NOT_ASKED || head >= PUT) {
            take_items();
        }
    }
    return 0;
}
