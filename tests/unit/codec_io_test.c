/* ioatom/codec.h on descriptors: filling and flushing, in callbacks of every configuration. */
#include "unit.h"

#include <ioatom/codec.h>

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static io_poller poller; /* a process for each test: always a fresh one */
static unsigned char memory[64], out[64];
static io_lines lines;
static io_frames frames;
static io_writer writer;

static void put(io_fd fd, const char *text)
{
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

static void begin_lines(size_t size)
{
    CHECK_EQ(io_lines_init(&lines, memory, size, size - 1, 0), 0);
}

static void expect_line(const char *text)
{
    const char *line = NULL;
    size_t length = 99;
    CHECK_EQ(io_lines_next(&lines, &line, &length), IO_CODEC_ITEM);
    CHECK_EQ(length, strlen(text));
    CHECK_BYTES(line, text, length);
}

static void fill_to_the_end(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    const char *line;
    size_t length;
    unit_poller(&poller, config);
    unit_unix_pair(fds, SOCK_STREAM);
    unit_atom_init(&atom, fds[0]);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    begin_lines(16);
    CLAUSE("IO-READER-4");
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    put(fds[1], "one\ntw");
    unit_await(&poller, &atom, IO_READ);
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    expect_line("one");
    CHECK_EQ(io_lines_next(&lines, &line, &length), IO_CODEC_MORE);
    put(fds[1], "o\n"); /* it was exhausted: the next edge comes */
    unit_await(&poller, &atom, IO_READ);
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    expect_line("two");
    put(fds[1], "three\nfo");
    unit_close(fds[1]);
    unit_await(&poller, &atom, IO_READ);
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    CLAUSE("IO-READER-3");
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    CHECK_ERROR(io_reader_feed(&lines.reader, "x", 1, &length), -EPIPE);
    expect_line("three"); /* what came before the end is not swallowed */
    CHECK_ERROR(io_lines_next(&lines, &line, &length), -EBADMSG);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    io_poller_dispose(&poller);
}

/* More than the memory holds is there: nothing is left behind without an edge. */
static void fill_more_than_fits(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    const char *line;
    size_t length;
    int seen = 0, r = 1;
    unit_poller(&poller, config);
    unit_unix_pair(fds, SOCK_STREAM);
    unit_atom_init(&atom, fds[0]);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    begin_lines(7);
    for (int i = 0; i < 100; i++) {
        put(fds[1], "abc\n");
    }
    unit_await(&poller, &atom, IO_READ);
    CLAUSE("IO-READER-5");
    for (int rounds = 0; r == 1; rounds++) {
        CHECK(rounds < 1000);
        r = io_reader_fill(&lines.reader, &poller, &atom.io);
        CHECK(r == 0 || r == 1);
        while (io_lines_next(&lines, &line, &length) == IO_CODEC_ITEM) {
            CHECK_EQ(length, 3);
            CHECK_BYTES(line, "abc", 3);
            seen++;
        }
    }
    CHECK_EQ(seen, 100);
    CHECK_EQ(recv(fds[0], memory, 1, 0), -1);
    put(fds[1], "end\n");
    unit_await(&poller, &atom, IO_READ);
    CHECK_EQ(io_reader_fill(&lines.reader, &poller, &atom.io), 0);
    expect_line("end");
    unit_close(fds[1]);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    io_poller_dispose(&poller);
}

static void fill_fails(const unit_config *config)
{
    (void)config;
    io_fd fds[2];
    io_atom atom;
    struct linger at_once = {1, 0};
    begin_lines(4);
    unit_tcp_pair(fds);
    io_atom_init(&atom, fds[0], unit_note);
    CLAUSE("IO-READER-6");
    put(fds[1], "a\nbc");
    unit_ready(fds[0], POLLIN);
    CHECK_EQ(io_reader_fill(&lines.reader, NULL, &atom), 1);
    CHECK_ERROR(io_reader_fill(&lines.reader, NULL, &atom), -ENOBUFS);
    expect_line("a");
    CHECK_EQ(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    unit_close(fds[1]);
    unit_ready(fds[0], POLLHUP);
    CHECK_ERROR(io_reader_fill(&lines.reader, NULL, &atom), -ECONNRESET);
    CHECK_EQ(lines.reader.is_ended, 0); /* an error is no end */
    size_t taken;
    CHECK_EQ(io_reader_feed(&lines.reader, "\n", 1, &taken), 0);
    expect_line("bc"); /* what was read before is kept */
    unit_close(fds[0]);
}

/* Send what the writer has and more, and read it at the other end, a little at a time: every write
 * stops somewhere. */
static void flush_and_fill(const unit_config *config)
{
    enum { FRAMES = 400 };
    static unsigned char big[4096], got[4096];
    io_fd fds[2];
    unit_atom atom;
    int sent = 0, seen = 0, waited = 0, size = 1024;
    unit_poller(&poller, config);
    unit_unix_pair(fds, SOCK_STREAM);
    CHECK_EQ(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    unit_atom_init(&atom, fds[1]);
    io_atom input;
    io_atom_init(&input, fds[0], unit_note);
    CHECK_EQ(io_add(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(io_writer_init(&writer, big, sizeof(big)), 0);
    CHECK_EQ(io_frames_init(&frames, got, sizeof(got), 1000, IO_PREFIX_VARINT), 0);
    CLAUSE("IO-WRITER-4");
    for (int rounds = 0; seen < FRAMES; rounds++) {
        unsigned char payload[1000];
        const void *frame;
        size_t length;
        CHECK(rounds < 100000);
        for (int r = 0; sent < FRAMES && r == 0; sent += r == 0) {
            size_t wanted = (size_t)(sent * 7 % 1000); /* of 0 bytes, too */
            memset(payload, sent, sizeof(payload));
            r = io_writer_put_frame(&writer, payload, wanted, IO_PREFIX_VARINT);
            CHECK(r == 0 || r == -ENOBUFS);
        }
        int r = io_writer_flush(&writer, &poller, &atom.io);
        CHECK(r == 0 || r == 1);
        waited += r;
        if (r == 0 && sent < FRAMES) {
            continue; /* read when the socket takes no more */
        }
        for (int full = 1; full == 1;) {
            full = io_reader_fill(&frames.reader, NULL, &input);
            CHECK(full >= 0);
            while (io_frames_next(&frames, &frame, &length) == IO_CODEC_ITEM) {
                CHECK_EQ(length, seen * 7 % 1000);
                memset(payload, seen, sizeof(payload));
                CHECK_BYTES(frame, payload, length);
                seen++;
            }
        }
        if (r == 1) {
            unit_await(&poller, &atom, IO_WRITE); /* after EAGAIN the next edge comes */
        }
    }
    CHECK(waited > 0);
    CHECK_EQ(io_writer_flush(&writer, &poller, &atom.io), 0);
    CLAUSE("IO-WRITER-5");
    CHECK_EQ(io_writer_put(&writer, "left", 4), 0);
    CHECK_EQ(shutdown(fds[1], SHUT_WR), 0);
    CHECK_ERROR(io_writer_flush(&writer, &poller, &atom.io), -EPIPE);
    const void *bytes;
    size_t left;
    CHECK_EQ(io_writer_peek(&writer, &bytes, &left), 0);
    CHECK_EQ(left, 4);
    CHECK_BYTES(bytes, "left", 4);
    unit_close(fds[0]);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    io_poller_dispose(&poller);
}

/* A frame of no bytes has a prefix that goes out; the next one follows it. */
static void empty_frames(const unit_config *config)
{
    (void)config;
    io_fd fds[2];
    io_atom atoms[2];
    const void *frame;
    size_t length;
    unit_unix_pair(fds, SOCK_STREAM);
    io_atom_init(&atoms[0], fds[0], unit_note);
    io_atom_init(&atoms[1], fds[1], unit_note);
    CHECK_EQ(io_writer_init(&writer, out, sizeof(out)), 0);
    CHECK_EQ(io_frames_init(&frames, memory, sizeof(memory), 32, IO_PREFIX_4), 0);
    CHECK_EQ(io_writer_put_frame(&writer, NULL, 0, IO_PREFIX_4), 0);
    CHECK_EQ(io_writer_put_frame(&writer, "a", 1, IO_PREFIX_4), 0);
    CHECK_EQ(io_writer_flush(&writer, NULL, &atoms[1]), 0);
    unit_close(fds[1]);
    CHECK_EQ(io_reader_fill(&frames.reader, NULL, &atoms[0]), 0);
    CLAUSE("IO-FRAME-3");
    CHECK_EQ(io_frames_next(&frames, &frame, &length), IO_CODEC_ITEM);
    CHECK_EQ(length, 0);
    CLAUSE("IO-FRAME-5");
    CHECK_EQ(io_frames_next(&frames, &frame, &length), IO_CODEC_ITEM);
    CHECK_EQ(length, 1);
    CHECK_EQ(io_frames_next(&frames, &frame, &length), IO_CODEC_END);
    unit_close(fds[0]);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"fill_to_the_end", "IO-READER-4 IO-READER-3", fill_to_the_end, UNIT_EACH},
        {"fill_more_than_fits", "IO-READER-5", fill_more_than_fits, UNIT_EACH},
        {"fill_fails", "IO-READER-6", fill_fails, UNIT_ONCE},
        {"flush_and_fill", "IO-WRITER-4 IO-WRITER-5", flush_and_fill, UNIT_EACH},
        {"empty_frames", "IO-FRAME-3 IO-FRAME-5", empty_frames, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
