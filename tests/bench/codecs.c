/*
 * Lines and frames that arrive in pieces. What they are compared with takes in the same pieces, and
 * looks for line feeds with memchr, or does nothing else. An operation is a KiB.
 */
#include "bench.h"

#include <ioatom/codec.h>

#include <stdlib.h>
#include <string.h>

enum {
    STREAM_BYTES = 1 << 20, /* about */
    PIECE_BYTES = 16384,
    MEMORY_BYTES = 65536,
    PREFIX_BYTES = 4,
};

typedef struct state {
    unsigned char *stream;
    size_t size;
    size_t at;
    uint64_t items;   /* in the stream */
    uint64_t content; /* of them */
    uint64_t found, found_content;
    io_lines lines;
    io_frames frames;
    unsigned char memory[MEMORY_BYTES];
} state;

static void end(void *arg)
{
    state *s = arg;
    free(s->stream);
    free(s);
}

/* Items of some size, half of it or half as much again. */
static size_t next_size(unsigned size, uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return size / 2 + (size_t)(*seed >> 33) % (size + 1);
}

static state *begin(unsigned size)
{
    state *s = calloc(1, sizeof(*s));
    if (s) {
        s->stream = malloc(STREAM_BYTES + 2 * (size_t)size + PREFIX_BYTES + 1);
    }
    if (!s || !s->stream) {
        free(s);
        return NULL;
    }
    return s;
}

static void *begin_lines(unsigned size)
{
    state *s = begin(size);
    uint64_t seed = 1;
    while (s && s->size < STREAM_BYTES) {
        size_t length = next_size(size, &seed);
        memset(s->stream + s->size, 'a' + (int)(length % 26), length);
        s->size += length;
        s->stream[s->size++] = '\n';
        s->items++;
        s->content += length;
    }
    if (s && io_lines_init(&s->lines, s->memory, sizeof(s->memory), PIECE_BYTES, 0) < 0) {
        end(s);
        return NULL;
    }
    return s;
}

static void *begin_frames(unsigned size)
{
    state *s = begin(size);
    uint64_t seed = 1;
    while (s && s->size < STREAM_BYTES) {
        size_t length = next_size(size, &seed);
        unsigned char prefix[PREFIX_BYTES] = {0, 0, (unsigned char)(length >> 8),
                                              (unsigned char)length};
        memcpy(s->stream + s->size, prefix, sizeof(prefix));
        s->size += sizeof(prefix);
        memset(s->stream + s->size, (int)length, length);
        s->size += length;
        s->items++;
        s->content += length;
    }
    if (s &&
        io_frames_init(&s->frames, s->memory, sizeof(s->memory), PIECE_BYTES, IO_PREFIX_4) < 0) {
        end(s);
        return NULL;
    }
    return s;
}

/* The stream again and again; each piece goes through take. KiB done, 0 if an item was missed. */
static uint64_t run_through(state *s, uint64_t operations,
                            int (*take)(state *, const unsigned char *, size_t))
{
    uint64_t times = operations * 1024 / s->size + 1;
    for (uint64_t i = 0; i < times; i++) {
        for (size_t at = 0; at < s->size;) {
            size_t piece = s->size - at < PIECE_BYTES ? s->size - at : PIECE_BYTES;
            if (take(s, s->stream + at, piece) < 0) {
                return 0;
            }
            at += piece;
        }
    }
    return s->found == times * s->items && s->found_content == times * s->content
               ? times * s->size / 1024
               : 0;
}

static int take_memchr(state *s, const unsigned char *piece, size_t size)
{
    memcpy(s->memory, piece, size);
    const unsigned char *at = s->memory, *last = s->memory + size, *feed;
    while ((feed = memchr(at, '\n', (size_t)(last - at))) != NULL) {
        s->found++;
        s->found_content += (uint64_t)(feed - at);
        at = feed + 1;
    }
    s->found_content += (uint64_t)(last - at); /* the first half of a line */
    return 0;
}

static int take_lines(state *s, const unsigned char *piece, size_t size)
{
    while (size > 0) {
        size_t taken, length;
        const char *line;
        int r = io_reader_feed(&s->lines.reader, piece, size, &taken);
        if (r < 0) {
            return r;
        }
        while ((r = io_lines_next(&s->lines, &line, &length)) == IO_CODEC_ITEM) {
            s->found++;
            s->found_content += length;
        }
        if (r < 0) {
            return r;
        }
        piece += taken;
        size -= taken;
    }
    return 0;
}

static int take_frames(state *s, const unsigned char *piece, size_t size)
{
    while (size > 0) {
        size_t taken, length;
        const void *frame;
        int r = io_reader_feed(&s->frames.reader, piece, size, &taken);
        if (r < 0) {
            return r;
        }
        while ((r = io_frames_next(&s->frames, &frame, &length)) == IO_CODEC_ITEM) {
            s->found++;
            s->found_content += length;
        }
        if (r < 0) {
            return r;
        }
        piece += taken;
        size -= taken;
    }
    return 0;
}

/* Nothing is found in it; but it must be copied. */
static int take_memcpy(state *s, const unsigned char *piece, size_t size)
{
    memcpy(s->memory, piece, size);
    s->at += size;
    s->found = s->at / s->size * s->items;
    s->found_content = s->at / s->size * s->content;
    return *(volatile unsigned char *)(s->memory + size - 1) == piece[size - 1] ? 0 : -1;
}

static uint64_t run_memchr(void *arg, uint64_t operations)
{
    return run_through(arg, operations, take_memchr);
}

static uint64_t run_lines(void *arg, uint64_t operations)
{
    return run_through(arg, operations, take_lines);
}

static uint64_t run_memcpy(void *arg, uint64_t operations)
{
    return run_through(arg, operations, take_memcpy);
}

static uint64_t run_frames(void *arg, uint64_t operations)
{
    return run_through(arg, operations, take_frames);
}

const bench bench_codecs[] = {
    {"lines", "memcpy and memchr", begin_lines, run_memchr, end},
    {"lines", "IO Atom", begin_lines, run_lines, end},
    {"frames", "memcpy", begin_frames, run_memcpy, end},
    {"frames", "IO Atom", begin_frames, run_frames, end},
    {0},
};
