/* ioatom/codec.h: what is fed and what is put, and where it is wrong. Descriptors: codec_io_test.c. */
#include "unit.h"

#include <ioatom/codec.h>

#include <string.h>

static unsigned char memory[64];
static io_lines lines;
static io_frames frames;
static io_writer writer;

/* The next line is this one. */
static void expect_line(const char *text)
{
    const char *line = NULL;
    size_t length = 99;
    CHECK_EQ(io_lines_next(&lines, &line, &length), IO_CODEC_ITEM);
    CHECK_EQ(length, strlen(text));
    CHECK_BYTES(line, text, length);
}

/* There is none, for this reason. */
static void expect_no_line(int result)
{
    const char *line = NULL;
    size_t length = 99;
    if (result < 0) {
        CHECK_ERROR(io_lines_next(&lines, &line, &length), result);
    } else {
        CHECK_EQ(io_lines_next(&lines, &line, &length), result);
    }
    CHECK(result == -EBADMSG || (line == NULL && length == 99));
}

static void expect_frame(const char *text)
{
    const void *frame = NULL;
    size_t length = 99;
    CHECK_EQ(io_frames_next(&frames, &frame, &length), IO_CODEC_ITEM);
    CHECK_EQ(length, strlen(text));
    CHECK(frame != NULL);
    CHECK_BYTES(frame, text, length);
}

static void expect_no_frame(int result)
{
    const void *frame = NULL;
    size_t length = 99;
    if (result < 0) {
        CHECK_ERROR(io_frames_next(&frames, &frame, &length), result);
    } else {
        CHECK_EQ(io_frames_next(&frames, &frame, &length), result);
    }
    CHECK(frame == NULL && length == 99);
}

/* All of them are taken at once. */
static void feed_bytes(io_reader *reader, const void *bytes, size_t size)
{
    size_t taken = 99;
    CHECK_EQ(io_reader_feed(reader, bytes, size, &taken), 0);
    CHECK_EQ(taken, size);
}

static void feed(io_reader *reader, const char *text)
{
    feed_bytes(reader, text, strlen(text));
}

static void begin_lines(size_t size, size_t limit, int options)
{
    CHECK(size <= sizeof(memory));
    CHECK_EQ(io_lines_init(&lines, memory, size, limit, options), 0);
}

static void begin_frames(size_t size, size_t limit, int prefix)
{
    CHECK(size <= sizeof(memory));
    CHECK_EQ(io_frames_init(&frames, memory, size, limit, prefix), 0);
}

static void null_pointers(const unit_config *config)
{
    (void)config;
    const char *line;
    const void *bytes;
    size_t n = 7;
    begin_lines(16, 8, 0);
    begin_frames(16, 8, IO_PREFIX_1);
    CHECK_EQ(io_writer_init(&writer, memory, 16), 0);
    CLAUSE("IO-CODEC-2");
    CHECK_ERROR(io_reader_feed(NULL, "a", 1, &n), -EINVAL);
    CHECK_EQ(n, 0);
    CHECK_ERROR(io_reader_feed(&lines.reader, NULL, 1, &n), -EINVAL);
    CHECK_ERROR(io_reader_feed(&lines.reader, "a", 1, NULL), -EINVAL);
    CHECK_EQ(io_reader_feed(&lines.reader, NULL, 0, &n), 0);
    CHECK_EQ(n, 0);
    CHECK_ERROR(io_reader_end(NULL), -EINVAL);
    CHECK_ERROR(io_reader_fill(NULL, NULL, NULL), -EINVAL);
    CHECK_ERROR(io_reader_fill(&lines.reader, NULL, NULL), -EINVAL);
    CHECK_ERROR(io_lines_init(NULL, memory, 16, 8, 0), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, NULL, 16, 8, 0), -EINVAL);
    CHECK_ERROR(io_lines_next(NULL, &line, &n), -EINVAL);
    CHECK_ERROR(io_lines_next(&lines, NULL, &n), -EINVAL);
    CHECK_ERROR(io_lines_next(&lines, &line, NULL), -EINVAL);
    CHECK_ERROR(io_frames_init(NULL, memory, 16, 8, IO_PREFIX_1), -EINVAL);
    CHECK_ERROR(io_frames_init(&frames, NULL, 16, 8, IO_PREFIX_1), -EINVAL);
    CHECK_ERROR(io_frames_next(NULL, &bytes, &n), -EINVAL);
    CHECK_ERROR(io_frames_next(&frames, NULL, &n), -EINVAL);
    CHECK_ERROR(io_frames_next(&frames, &bytes, NULL), -EINVAL);
    CHECK_ERROR(io_writer_init(NULL, memory, 16), -EINVAL);
    CHECK_ERROR(io_writer_init(&writer, NULL, 16), -EINVAL);
    CHECK_ERROR(io_writer_init(&writer, memory, 0), -EINVAL);
    CHECK_ERROR(io_writer_put(NULL, "a", 1), -EINVAL);
    CHECK_ERROR(io_writer_put(&writer, NULL, 1), -EINVAL);
    CHECK_ERROR(io_writer_put_line(NULL, "a", 1, 0), -EINVAL);
    CHECK_ERROR(io_writer_put_line(&writer, NULL, 1, 0), -EINVAL);
    CHECK_ERROR(io_writer_put_frame(NULL, "a", 1, IO_PREFIX_1), -EINVAL);
    CHECK_ERROR(io_writer_put_frame(&writer, NULL, 1, IO_PREFIX_1), -EINVAL);
    CHECK_ERROR(io_writer_flush(NULL, NULL, NULL), -EINVAL);
    CHECK_ERROR(io_writer_flush(&writer, NULL, NULL), -EINVAL);
    CHECK_ERROR(io_writer_peek(NULL, &bytes, &n), -EINVAL);
    CHECK_ERROR(io_writer_peek(&writer, NULL, &n), -EINVAL);
    CHECK_ERROR(io_writer_peek(&writer, &bytes, NULL), -EINVAL);
    CHECK_ERROR(io_writer_skip(NULL, 0), -EINVAL);
    CHECK_EQ(io_writer_put(&writer, NULL, 0), 0);
    CHECK_EQ(io_writer_peek(&writer, &bytes, &n), 0);
    CHECK_EQ(n, 0);
}

static void feed_in_order(const unit_config *config)
{
    (void)config;
    size_t taken = 99;
    begin_lines(8, 6, 0);
    CLAUSE("IO-READER-1");
    CHECK_EQ(io_reader_feed(&lines.reader, "ab\ncd\nefgh", 10, &taken), 0);
    CHECK_EQ(taken, 8);
    CLAUSE("IO-READER-2");
    CHECK_ERROR(io_reader_feed(&lines.reader, "x", 1, &taken), -ENOBUFS);
    CHECK_EQ(taken, 0);
    CLAUSE("IO-CODEC-1");
    expect_line("ab");
    expect_line("cd");
    CLAUSE("IO-READER-2");
    expect_no_line(IO_CODEC_MORE);
    CLAUSE("IO-READER-1");
    feed(&lines.reader, "gh\n");
    expect_line("efgh");
    expect_no_line(IO_CODEC_MORE);
}

static void room_anywhere(const unit_config *config)
{
    (void)config;
    static const char *const text[] = {"", "a", "bc", "def", "ghij"};
    begin_lines(6, 4, 0);
    CLAUSE("IO-READER-7");
    /* Kept bytes lie at each place of the memory, and wander through it. */
    for (int i = 0; i < 1000; i++) {
        const char *line = text[i % 5];
        feed(&lines.reader, line);
        expect_no_line(IO_CODEC_MORE);
        feed(&lines.reader, "\n");
        expect_line(line);
    }
    /* One byte was taken of a full memory: there is room for one. */
    feed(&lines.reader, "\nabcd\n");
    expect_line("");
    feed(&lines.reader, "e");
    size_t taken;
    CHECK_ERROR(io_reader_feed(&lines.reader, "f", 1, &taken), -ENOBUFS);
    expect_line("abcd");
    feed(&lines.reader, "f\n");
    expect_line("ef");
}

static void reader_ended(const unit_config *config)
{
    (void)config;
    size_t taken = 99;
    begin_lines(16, 8, 0);
    feed(&lines.reader, "last\n");
    CHECK_EQ(io_reader_end(&lines.reader), 0);
    CLAUSE("IO-READER-3");
    CHECK_ERROR(io_reader_feed(&lines.reader, "x", 1, &taken), -EPIPE);
    CHECK_EQ(taken, 0);
    io_atom atom;
    io_atom_init(&atom, -1, NULL);
    CHECK_EQ(io_reader_fill(&lines.reader, NULL, &atom), 0); /* it does not read */
    expect_line("last");
    expect_no_line(IO_CODEC_END);
}

static void lines_arguments(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-LINE-1");
    CHECK_ERROR(io_lines_init(&lines, memory, 8, 8, 0), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, memory, 8, 7, IO_LINES_CRLF), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, memory, 8, SIZE_MAX, 0), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, memory, 0, 0, 0), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, memory, 8, 4, 2), -EINVAL);
    CHECK_ERROR(io_lines_init(&lines, memory, 8, 4, -1), -EINVAL);
    CHECK_EQ(io_lines_init(&lines, memory, 8, 7, 0), 0);
    CHECK_EQ(io_lines_init(&lines, memory, 8, 6, IO_LINES_CRLF), 0);
    CHECK_EQ(io_lines_init(&lines, memory, 1, 0, 0), 0);
    feed(&lines.reader, "\n");
    expect_line("");
}

static void line_ends(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-LINE-2");
    begin_lines(32, 16, 0);
    feed(&lines.reader, "a\r\n\r\n\n");
    expect_line("a\r");
    expect_line("\r");
    expect_line("");
    begin_lines(32, 16, IO_LINES_CRLF);
    feed(&lines.reader, "a\r\n\r\n\nb\nc\r\r\n\rd\n");
    expect_line("a");
    expect_line("");
    expect_line("");
    expect_line("b");
    expect_line("c\r");
    expect_line("\rd");
    CLAUSE("IO-LINE-3");
    expect_no_line(IO_CODEC_MORE);
    feed(&lines.reader, "e\r");
    expect_no_line(IO_CODEC_MORE);
    feed(&lines.reader, "\n");
    expect_line("e");
}

/* All ways to cut a stream in two. */
static void lines_in_pieces(const unit_config *config)
{
    (void)config;
    static const char stream[] = "one\ntwo\r\n\n\r\nfour\nfive";
    size_t size = sizeof(stream) - 1;
    CLAUSE("IO-CODEC-3");
    for (size_t cut = 0; cut <= size; cut++) {
        static const char *const wanted[] = {"one", "two", "", "", "four"};
        begin_lines(24, 22, IO_LINES_CRLF);
        feed_bytes(&lines.reader, stream, cut);
        size_t seen = 0;
        for (int part = 0; part < 2; part++) {
            const char *line;
            size_t length;
            while (io_lines_next(&lines, &line, &length) == IO_CODEC_ITEM) {
                CHECK(seen < 5);
                CHECK_EQ(length, strlen(wanted[seen]));
                CHECK_BYTES(line, wanted[seen], length);
                seen++;
            }
            if (part == 0) {
                feed_bytes(&lines.reader, stream + cut, size - cut);
            }
        }
        CHECK_EQ(seen, 5);
    }
}

static void line_too_long(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-LINE-4");
    begin_lines(16, 4, 0);
    feed(&lines.reader, "1234\n12345");
    expect_line("1234");
    expect_no_line(-EMSGSIZE);
    expect_no_line(-EMSGSIZE);
    feed(&lines.reader, "\n");
    expect_no_line(-EMSGSIZE);
    begin_lines(16, 4, IO_LINES_CRLF);
    feed(&lines.reader, "1234\r");
    expect_no_line(IO_CODEC_MORE); /* the line feed may come */
    feed(&lines.reader, "\n12345");
    expect_line("1234");
    expect_no_line(-EMSGSIZE);
    begin_lines(16, 4, IO_LINES_CRLF);
    feed(&lines.reader, "1234\r");
    expect_no_line(IO_CODEC_MORE);
    feed(&lines.reader, "x");
    expect_no_line(-EMSGSIZE);
    /* The memory is full, and no line feed has come. */
    begin_lines(5, 4, 0);
    feed(&lines.reader, "12345");
    expect_no_line(-EMSGSIZE);
    begin_lines(6, 4, IO_LINES_CRLF);
    feed(&lines.reader, "12345\n");
    expect_no_line(-EMSGSIZE);
}

static void line_cut_off(const unit_config *config)
{
    (void)config;
    const char *line = NULL;
    size_t length = 0;
    CLAUSE("IO-LINE-5");
    begin_lines(16, 8, 0);
    feed(&lines.reader, "a\nbc");
    CHECK_EQ(io_reader_end(&lines.reader), 0);
    expect_line("a");
    for (int i = 0; i < 2; i++) {
        CHECK_ERROR(io_lines_next(&lines, &line, &length), -EBADMSG);
        CHECK_EQ(length, 2);
        CHECK_BYTES(line, "bc", 2);
    }
    begin_lines(16, 8, 0);
    CHECK_EQ(io_reader_end(&lines.reader), 0);
    expect_no_line(IO_CODEC_END);
    expect_no_line(IO_CODEC_END);
    begin_lines(16, 4, IO_LINES_CRLF);
    feed(&lines.reader, "1234\r");
    CHECK_EQ(io_reader_end(&lines.reader), 0);
    expect_no_line(-EMSGSIZE);
}

static const int prefixes[] = {IO_PREFIX_1, IO_PREFIX_2, IO_PREFIX_4, IO_PREFIX_8,
                               IO_PREFIX_VARINT};
enum { PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

static void frames_arguments(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-FRAME-1");
    for (int i = 0; i < PREFIXES; i++) {
        size_t most = (size_t)prefixes[i];
        CHECK_EQ(io_frames_init(&frames, memory, 20, 20 - most, prefixes[i]), 0);
        CHECK_ERROR(io_frames_init(&frames, memory, 20, 21 - most, prefixes[i]), -EINVAL);
        CHECK_ERROR(io_frames_init(&frames, memory, most - 1, 0, prefixes[i]), -EINVAL);
        CHECK_ERROR(io_frames_init(&frames, memory, 20, SIZE_MAX, prefixes[i]), -EINVAL);
    }
    for (int prefix = -1; prefix < 12; prefix++) {
        int known = prefix == 1 || prefix == 2 || prefix == 4 || prefix == 8 || prefix == 10;
        CHECK_EQ(io_frames_init(&frames, memory, 20, 4, prefix), known ? 0 : -EINVAL);
    }
}

static void frames_by_hand(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-FRAME-2");
    begin_frames(32, 16, IO_PREFIX_4);
    feed_bytes(&frames.reader, "\0\0\0\3abc\0\0\0\0\0\0\0\1d\0\0", 18);
    expect_frame("abc");
    CLAUSE("IO-FRAME-3");
    expect_frame("");
    CLAUSE("IO-FRAME-2");
    expect_frame("d");
    expect_no_frame(IO_CODEC_MORE);
    feed_bytes(&frames.reader, "\0\2e", 3);
    expect_no_frame(IO_CODEC_MORE);
    feed(&frames.reader, "f");
    expect_frame("ef");
    begin_frames(32, 16, IO_PREFIX_1);
    feed(&frames.reader, "\3abc\1d");
    expect_frame("abc");
    expect_frame("d");
    begin_frames(32, 16, IO_PREFIX_2);
    feed_bytes(&frames.reader, "\0\3abc", 5);
    expect_frame("abc");
    begin_frames(32, 16, IO_PREFIX_8);
    feed_bytes(&frames.reader, "\0\0\0\0\0\0\0\3abc", 11);
    expect_frame("abc");
    begin_frames(32, 16, IO_PREFIX_VARINT);
    feed_bytes(&frames.reader, "\3abc\0\2de", 8);
    expect_frame("abc");
    expect_frame("");
    expect_frame("de");
    feed_bytes(&frames.reader,
               "\x81\x80\x00"
               "f",
               4); /* longer than it need be (IO-FRAME-7) */
    expect_frame("f");
}

/* A byte stands at its place in each prefix: a limit tells which length was read. */
static void prefix_bytes(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-FRAME-4");
    for (int i = 0; i < PREFIXES - 1; i++) {
        for (int place = 0; place < prefixes[i] - 1; place++) {
            unsigned char prefix[8] = {0};
            prefix[place] = 1;
            begin_frames(32, 16, prefixes[i]);
            feed_bytes(&frames.reader, prefix, (size_t)prefixes[i] - 1);
            expect_no_frame(IO_CODEC_MORE);
            feed_bytes(&frames.reader, prefix + prefixes[i] - 1, 1);
            expect_no_frame(-EMSGSIZE);
            expect_no_frame(-EMSGSIZE);
        }
    }
    begin_frames(32, 16, IO_PREFIX_1);
    feed(&frames.reader, "\x11");
    expect_no_frame(-EMSGSIZE);
    begin_frames(32, 16, IO_PREFIX_1);
    feed(&frames.reader, "\x10"
                         "0123456789abcdef");
    expect_frame("0123456789abcdef");
    begin_frames(32, 16, IO_PREFIX_VARINT);
    feed(&frames.reader, "\x80");
    expect_no_frame(IO_CODEC_MORE);
    feed(&frames.reader, "\x01");
    expect_no_frame(-EMSGSIZE);
}

static void varint_bad(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-FRAME-6");
    begin_frames(32, 16, IO_PREFIX_VARINT);
    feed(&frames.reader, "\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    expect_no_frame(IO_CODEC_MORE);
    feed(&frames.reader, "\x01"); /* 64 bits, all set: no error but for its size */
    expect_no_frame(-EMSGSIZE);
    begin_frames(32, 16, IO_PREFIX_VARINT);
    feed(&frames.reader, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    expect_no_frame(-EPROTO);
    expect_no_frame(-EPROTO);
    begin_frames(32, 16, IO_PREFIX_VARINT);
    feed(&frames.reader, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
    expect_no_frame(-EPROTO);
}

static void frame_cut_off(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-FRAME-5");
    for (size_t size = 0; size <= 7; size++) {
        begin_frames(32, 16, IO_PREFIX_2);
        feed_bytes(&frames.reader, "\0\1a\0\2bc", size);
        CHECK_EQ(io_reader_end(&frames.reader), 0);
        if (size >= 3) {
            expect_frame("a");
        }
        if (size == 7) {
            expect_frame("bc");
        }
        int whole = size == 0 || size == 3 || size == 7;
        expect_no_frame(whole ? IO_CODEC_END : -EBADMSG);
        expect_no_frame(whole ? IO_CODEC_END : -EBADMSG);
    }
}

/* Move what the writer has to a reader, so many bytes at a time. */
static void carry(io_reader *reader, size_t step)
{
    const void *bytes;
    size_t size;
    while (io_writer_peek(&writer, &bytes, &size) == 0 && size > 0) {
        size = size < step ? size : step;
        feed_bytes(reader, bytes, size);
        CHECK_EQ(io_writer_skip(&writer, size), 0);
    }
}

static void written_and_read(const unit_config *config)
{
    (void)config;
    unsigned char out[40];
    CLAUSE("IO-WRITER-1");
    for (size_t step = 1; step <= 8; step++) {
        CHECK_EQ(io_writer_init(&writer, out, sizeof(out)), 0);
        for (int i = 0; i < PREFIXES; i++) {
            begin_frames(sizeof(memory), 20, prefixes[i]);
            CHECK_EQ(io_writer_put_frame(&writer, "abc", 3, prefixes[i]), 0);
            CHECK_EQ(io_writer_put_frame(&writer, NULL, 0, prefixes[i]), 0);
            CHECK_EQ(io_writer_put_frame(&writer, "d", 1, prefixes[i]), 0);
            carry(&frames.reader, step);
            expect_frame("abc");
            expect_frame("");
            expect_frame("d");
            expect_no_frame(IO_CODEC_MORE);
        }
        for (int options = 0; options <= IO_LINES_CRLF; options++) {
            begin_lines(sizeof(memory), 20, options);
            CHECK_EQ(io_writer_put_line(&writer, "abc", 3, options), 0);
            CHECK_EQ(io_writer_put_line(&writer, NULL, 0, options), 0);
            CHECK_EQ(io_writer_put(&writer, "de\n", 3), 0);
            carry(&lines.reader, step);
            expect_line("abc");
            expect_line("");
            expect_line("de");
        }
    }
}

/* The prefix of a long frame: its bytes as they are sent. */
static void long_prefix(const unit_config *config)
{
    (void)config;
    static unsigned char out[0x10100], payload[0x10001];
    const void *bytes;
    size_t size;
    CLAUSE("IO-WRITER-1");
    CHECK_EQ(io_writer_init(&writer, out, sizeof(out)), 0);
    CHECK_EQ(io_writer_put_frame(&writer, payload, 0x10001, IO_PREFIX_4), 0);
    CHECK_EQ(io_writer_peek(&writer, &bytes, &size), 0);
    CHECK_EQ(size, 0x10005);
    CHECK_BYTES(bytes, "\0\1\0\1", 4);
    CHECK_EQ(io_writer_skip(&writer, size), 0);
    CHECK_EQ(io_writer_put_frame(&writer, payload, 300, IO_PREFIX_VARINT), 0);
    CHECK_EQ(io_writer_peek(&writer, &bytes, &size), 0);
    CHECK_EQ(size, 302);
    CHECK_BYTES(bytes, "\xac\x02", 2);
    CLAUSE("IO-WRITER-2");
    CHECK_EQ(io_writer_skip(&writer, size), 0);
    CHECK_ERROR(io_writer_put_frame(&writer, payload, 256, IO_PREFIX_1), -EMSGSIZE);
    CHECK_ERROR(io_writer_put_frame(&writer, payload, 0x10000, IO_PREFIX_2), -EMSGSIZE);
    CHECK_EQ(io_writer_put_frame(&writer, payload, 255, IO_PREFIX_1), 0);
}

static void writer_full(const unit_config *config)
{
    (void)config;
    unsigned char out[8];
    const void *bytes;
    size_t size;
    CHECK_EQ(io_writer_init(&writer, out, sizeof(out)), 0);
    CLAUSE("IO-WRITER-2");
    CHECK_ERROR(io_writer_put(&writer, "123456789", 9), -EMSGSIZE);
    CHECK_ERROR(io_writer_put_line(&writer, "12345678", 8, 0), -EMSGSIZE);
    CHECK_ERROR(io_writer_put_frame(&writer, "12345", 5, IO_PREFIX_4), -EMSGSIZE);
    CHECK_ERROR(io_writer_put_frame(&writer, "", SIZE_MAX, IO_PREFIX_8), -EMSGSIZE);
    CHECK_EQ(io_writer_put_frame(&writer, "1234", 4, IO_PREFIX_4), 0);
    CHECK_ERROR(io_writer_put(&writer, "x", 1), -ENOBUFS);
    CHECK_ERROR(io_writer_put_line(&writer, NULL, 0, 0), -ENOBUFS);
    CHECK_EQ(io_writer_skip(&writer, 3), 0);
    CHECK_ERROR(io_writer_put_line(&writer, "xy", 2, IO_LINES_CRLF), -ENOBUFS);
    CHECK_EQ(io_writer_put_line(&writer, "xy", 2, 0), 0); /* there is room in front */
    CHECK_EQ(io_writer_peek(&writer, &bytes, &size), 0);
    CHECK_EQ(size, 8);
    CHECK_BYTES(bytes,
                "\4"
                "1234xy\n",
                8);
    CLAUSE("IO-WRITER-6");
    CHECK_ERROR(io_writer_skip(&writer, 9), -EINVAL);
    CHECK_EQ(io_writer_skip(&writer, 8), 0);
    CHECK_ERROR(io_writer_skip(&writer, 1), -EINVAL);
    CLAUSE("IO-WRITER-3");
    CHECK_ERROR(io_writer_put_line(&writer, "a\nb", 3, 0), -EINVAL);
    CHECK_ERROR(io_writer_put_line(&writer, "ab", 2, 2), -EINVAL);
    CHECK_ERROR(io_writer_put_frame(&writer, "ab", 2, 3), -EINVAL);
    CHECK_EQ(io_writer_peek(&writer, &bytes, &size), 0);
    CHECK_EQ(size, 0);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"null_pointers", "IO-CODEC-2", null_pointers, UNIT_ONCE},
        {"feed_in_order", "IO-CODEC-1 IO-READER-1 IO-READER-2", feed_in_order, UNIT_ONCE},
        {"room_anywhere", "IO-READER-7", room_anywhere, UNIT_ONCE},
        {"reader_ended", "IO-READER-3", reader_ended, UNIT_ONCE},
        {"lines_arguments", "IO-LINE-1", lines_arguments, UNIT_ONCE},
        {"line_ends", "IO-LINE-2 IO-LINE-3", line_ends, UNIT_ONCE},
        {"lines_in_pieces", "IO-CODEC-3", lines_in_pieces, UNIT_ONCE},
        {"line_too_long", "IO-LINE-4", line_too_long, UNIT_ONCE},
        {"line_cut_off", "IO-LINE-5", line_cut_off, UNIT_ONCE},
        {"frames_arguments", "IO-FRAME-1", frames_arguments, UNIT_ONCE},
        {"frames_by_hand", "IO-FRAME-2 IO-FRAME-3", frames_by_hand, UNIT_ONCE},
        {"prefix_bytes", "IO-FRAME-4", prefix_bytes, UNIT_ONCE},
        {"varint_bad", "IO-FRAME-6", varint_bad, UNIT_ONCE},
        {"frame_cut_off", "IO-FRAME-5", frame_cut_off, UNIT_ONCE},
        {"written_and_read", "IO-WRITER-1", written_and_read, UNIT_ONCE},
        {"long_prefix", "IO-WRITER-1 IO-WRITER-2", long_prefix, UNIT_ONCE},
        {"writer_full", "IO-WRITER-2 IO-WRITER-3 IO-WRITER-6", writer_full, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
