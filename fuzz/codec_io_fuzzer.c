/*
 * Fuzzes io_reader_fill and io_writer_flush (ioatom/codec.h) on the simulated kernel, in every
 * configuration: one atom writes items into a pipe or a pair of sockets, another one reads them, each
 * in the way that codec.h tells its users. Calls are cut short, interrupted, and fail. All items must
 * arrive, in their order, then the end; and nobody may wait for ever, as they would after an edge
 * that was lost or a write that was not taken up again.
 *
 * An input is a byte each for the framing, the channel (see CHANNEL), the limit, the rest of the
 * reader's memory, the rest of the writer's memory, and the number of faults; then the faults, a byte
 * for each read or write (see draw); and then the items' lengths.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <ioatom/sim.h>

#include "harness/config.h"
#include "harness/plain.h"

#include <ioatom/codec.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_SOCKET = 1, IS_SMALL = 2, IS_CUT = 4 }; /* CHANNEL */
enum { LF, CRLF };                                /* kinds of lines; frames are their prefix */
enum { HEAD = 6, MEMORY_MAX = 1024, ITEMS = 2048, ROUNDS = 100000, SMALL = 4096 };
#define PREFIX_MAX 10

static const int prefixes[] = {IO_PREFIX_1, IO_PREFIX_2, IO_PREFIX_4, IO_PREFIX_8,
                               IO_PREFIX_VARINT};
enum { PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

static struct {
    int framing; /* of prefixes, then LF, CRLF */
    int channel;
    size_t limit, reader_size, writer_size;
    const uint8_t *faults, *lengths;
    size_t fault_count, item_count;
} plan;

static io_sim sim;
static io_poller poller;
static const config *running;
static int fds[2];

static struct {
    io_atom io;
    io_writer writer;
    unsigned char memory[MEMORY_MAX];
    size_t put; /* items */
    int is_done;
} from;

static struct {
    io_atom io;
    io_lines lines;
    io_frames frames;
    unsigned char memory[MEMORY_MAX];
    size_t got; /* items */
    int is_done;
} to;

static size_t fault_at;

static void describe(void)
{
    fprintf(stderr,
            "%s, framing %d, channel %d, limit %zu, reader %zu, writer %zu, %zu of %zu faults; %zu "
            "of %zu "
            "items put, %zu got\n",
            running->name, plan.framing, plan.channel, plan.limit, plan.reader_size,
            plan.writer_size, fault_at, plan.fault_count, from.put, plan.item_count, to.got);
}

#define VIOLATION(...) plain_violation(describe, __VA_ARGS__)

static int is_lines(void)
{
    return plan.framing >= PREFIXES;
}

static int line_options(void)
{
    return plan.framing == PREFIXES + CRLF ? IO_LINES_CRLF : 0;
}

/* Of the item with this number. */
static size_t length_of(size_t item)
{
    return plan.lengths[item] % (plan.limit + 1);
}

static unsigned char byte_of(size_t item, size_t at)
{
    return (unsigned char)('a' + (item * 7 + at) % 26);
}

/* --- faults --- */

/* Of each byte the lowest three bits: interrupted; fails; nothing; or no more bytes than the others say
 * (of a datagram there are none). */
static void draw(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    (void)context;
    (void)nth;
    (void)fd;
    if ((kind != IO_SIM_CALL_READ && kind != IO_SIM_CALL_WRITE) || fault_at == plan.fault_count) {
        return;
    }
    unsigned byte = plan.faults[fault_at++];
    switch (byte & 7) {
    case 0:
        fault->error = EINTR;
        break;
    case 1:
        fault->error = kind == IO_SIM_CALL_READ ? EIO : ENOBUFS;
        break;
    case 2:
        break;
    default:
        fault->short_count = 1 + (byte >> 3);
        break;
    }
}

/* --- the writer --- */

static size_t puts_planned(void)
{
    return plan.item_count + (plan.channel & IS_CUT ? 1 : 0);
}

/* The next item, or the first byte of one that does not come. */
static int put_next(void)
{
    unsigned char item[256];
    if (from.put == plan.item_count) {
        int has_limit = plan.framing == 0 || plan.framing == PREFIXES - 1;
        item[0] = is_lines() ? 'x' : has_limit ? (unsigned char)plan.limit : 0;
        return io_writer_put(&from.writer, item, 1);
    }
    size_t length = length_of(from.put);
    for (size_t i = 0; i < length; i++) {
        item[i] = byte_of(from.put, i);
    }
    return is_lines() ? io_writer_put_line(&from.writer, (char *)item, length, line_options())
                      : io_writer_put_frame(&from.writer, item, length, prefixes[plan.framing]);
}

static void put_all(void)
{
    while (from.put < puts_planned()) {
        int r = put_next();
        if (r != 0 && r != -ENOBUFS) {
            VIOLATION("IO-WRITER-2", "a put returns %d", r);
        }
        if (r != 0) {
            return;
        }
        from.put++;
    }
}

static void on_writable(io_poller *p, io_atom *atom, int flags)
{
    (void)flags;
    for (;;) {
        const void *bytes;
        size_t size;
        put_all();
        int r = io_writer_flush(&from.writer, p, atom);
        if (r != 0 && r != 1 && r != -ENOBUFS) {
            VIOLATION("IO-WRITER-5", "flush returns %d", r);
        }
        io_writer_peek(&from.writer, &bytes, &size);
        if (r == 0 && size > 0) {
            VIOLATION("IO-WRITER-4", "flush returns 0, and %zu bytes have not gone", size);
        }
        if (r == 1) {
            return; /* there will be room */
        }
        if (r == 0 && from.put == puts_planned()) {
            from.is_done = 1;
            io_close(p, atom);
            return;
        }
    }
}

/* --- the reader --- */

static io_reader *reader(void)
{
    return is_lines() ? &to.lines.reader : &to.frames.reader;
}

static void check_item(const unsigned char *item, size_t length)
{
    if (to.got >= plan.item_count || length != length_of(to.got)) {
        VIOLATION("IO-CODEC-3", "an item of %zu bytes", length);
    }
    for (size_t i = 0; i < length; i++) {
        if (item[i] != byte_of(to.got, i)) {
            VIOLATION("IO-CODEC-3", "byte %zu of an item is another one", i);
        }
    }
    to.got++;
}

static int take_next(void)
{
    const char *line;
    const void *frame;
    size_t length;
    int r = is_lines() ? io_lines_next(&to.lines, &line, &length)
                       : io_frames_next(&to.frames, &frame, &length);
    if (r == IO_CODEC_ITEM) {
        check_item(is_lines() ? (const unsigned char *)line : frame, length);
    }
    return r;
}

static void on_readable(io_poller *p, io_atom *atom, int flags)
{
    int full, r;
    (void)flags;
    do {
        full = io_reader_fill(reader(), p, atom);
        if (full != 0 && full != 1 && full != -EIO) {
            VIOLATION("IO-READER-6", "fill returns %d", full);
        }
        while ((r = take_next()) == IO_CODEC_ITEM) {
        }
    } while (full != 0 && r == IO_CODEC_MORE);
    if (r == IO_CODEC_MORE) {
        return; /* there will be more */
    }
    int wanted = !(plan.channel & IS_CUT) ? IO_CODEC_END : -EBADMSG;
    if (r != wanted || to.got != plan.item_count) {
        VIOLATION("IO-CODEC-3", "after %zu of %zu items next returns %d", to.got, plan.item_count,
                  r);
    }
    to.is_done = 1;
    io_close(p, atom);
}

/* --- a run --- */

static int open_channel(void)
{
    int r = plan.channel & IS_SOCKET ? io_sim_socketpair(AF_UNIX, SOCK_STREAM, 0, fds)
                                     : io_sim_pipe2(fds, 0);
    for (int i = 0; r == 0 && i < 2; i++) {
        r = io_sim_fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    if (r == 0 && (plan.channel & IS_SMALL)) {
        int size = SMALL;
        r = plan.channel & IS_SOCKET
                ? io_sim_setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size))
                : io_sim_fcntl(fds[1], F_SETPIPE_SZ, SMALL) < 0;
    }
    return r;
}

static void begin(const config *c)
{
    running = c;
    fault_at = 0;
    memset(&from, 0, sizeof(from));
    memset(&to, 0, sizeof(to));
    io_sim_reset(&sim);
    int r = open_channel() == 0 ? io_poller_init(&poller, c->types) : -1;
    r = r == 0 ? io_writer_init(&from.writer, from.memory, plan.writer_size) : r;
    if (r == 0) {
        r = is_lines()
                ? io_lines_init(&to.lines, to.memory, plan.reader_size, plan.limit, line_options())
                : io_frames_init(&to.frames, to.memory, plan.reader_size, plan.limit,
                                 prefixes[plan.framing]);
    }
    io_atom_init(&to.io, fds[0], on_readable);
    io_atom_init(&from.io, fds[1], on_writable);
    r = r == 0 ? io_add(&poller, &to.io, IO_READ) : r;
    r = r == 0 ? io_add(&poller, &from.io, IO_WRITE) : r;
    if (r != 0) {
        VIOLATION("IO-READER-4", "nothing can be begun: %d", r);
    }
    io_sim_on_call(&sim, draw, NULL);
}

static void run(void)
{
    for (int round = 0; !to.is_done; round++) {
        int r = io_wait(&poller, -1);
        if (r < 0 || round == ROUNDS) {
            VIOLATION(from.is_done ? "IO-READER-5" : "IO-WRITER-4",
                      "nothing comes any more: io_wait returns %d", r);
        }
        io_dispatch(&poller);
    }
    if (!from.is_done || io_poller_dispose(&poller) != 0 || io_sim_open_count(&sim) != 0) {
        VIOLATION("IO-READER-3", "an end has come, and not all is over");
    }
}

/* 0 if it is too short. */
static int read_plan(const uint8_t *data, size_t size)
{
    if (size < HEAD) {
        return 0;
    }
    plan.framing = data[0] % (PREFIXES + CRLF + 1);
    plan.channel = data[1];
    plan.limit = 1 + data[2] % 255;
    plan.reader_size = plan.limit + PREFIX_MAX + data[3];
    plan.writer_size = plan.limit + PREFIX_MAX + data[4];
    plan.faults = data + HEAD;
    plan.fault_count = data[5] < size - HEAD ? data[5] : size - HEAD;
    plan.lengths = plan.faults + plan.fault_count;
    plan.item_count = size - HEAD - plan.fault_count;
    plan.item_count = plan.item_count < ITEMS ? plan.item_count : ITEMS;
    return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    io_sim_init(&sim);
    io_sim_use(&sim);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (read_plan(data, size)) {
        for (int i = 0; i < CONFIG_COUNT; i++) {
            begin(&configs[i]);
            run();
        }
    }
    return 0;
}
