/* The simulated io_uring against the real one: its polls, point by point. Where the real kernel does not
 * offer it there is nothing to compare with. */
#include "compare.h"

#include <linux/io_uring.h>
#include <stdio.h>
#include <sys/syscall.h>

enum { SETUP = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL };
enum { ALL = POLLIN | POLLOUT | POLLPRI, MULTI = IORING_POLL_ADD_MULTI };

/* The rings of a case. */
static struct {
    int fd;
    struct io_uring_params params;
    char *rings;
    struct io_uring_sqe *entries;
} ring;

static uint32_t *word(uint32_t offset)
{
    return (uint32_t *)(void *)(ring.rings + offset);
}

static uint32_t get_word(uint32_t offset)
{
    return __atomic_load_n(word(offset), __ATOMIC_ACQUIRE);
}

static int setup(uint32_t entries, uint32_t flags, uint32_t completions)
{
    ring.params = (struct io_uring_params){.flags = flags, .cq_entries = completions};
    return (int)kernel->syscall(__NR_io_uring_setup, (long)entries, &ring.params);
}

static size_t rings_size(void)
{
    size_t submissions = ring.params.sq_off.array + ring.params.sq_entries * sizeof(uint32_t);
    size_t done = ring.params.cq_off.cqes + ring.params.cq_entries * sizeof(struct io_uring_cqe);
    return submissions > done ? submissions : done;
}

static void make_ring(uint32_t completions)
{
    ring.fd = setup(8, SETUP, completions);
    must("io_uring_setup", ring.fd >= 0);
    ring.rings = kernel->mmap(NULL, rings_size(), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
                              (off_t)IORING_OFF_SQ_RING);
    ring.entries = kernel->mmap(NULL, 8 * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                                MAP_SHARED, ring.fd, (off_t)IORING_OFF_SQES);
    must("mmap", (void *)ring.rings != MAP_FAILED && (void *)ring.entries != MAP_FAILED);
}

static void unmap_ring(void)
{
    must("munmap", kernel->munmap(ring.rings, rings_size()) == 0 &&
                       kernel->munmap(ring.entries, 8 * sizeof(struct io_uring_sqe)) == 0);
}

static void submit(const struct io_uring_sqe *entry)
{
    uint32_t tail = *word(ring.params.sq_off.tail);
    ring.entries[tail % 8] = *entry;
    word(ring.params.sq_off.array)[tail % 8] = tail % 8;
    __atomic_store_n(word(ring.params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
}

static void submit_poll(int fd, int events, uint32_t flags, uint64_t tag)
{
    struct io_uring_sqe entry = {.opcode = IORING_OP_POLL_ADD,
                                 .fd = fd,
                                 .len = flags,
                                 .poll32_events = (uint32_t)events,
                                 .user_data = tag};
    submit(&entry);
}

static void submit_cancel(uint64_t which, uint32_t flags, uint8_t entry_flags, uint64_t tag)
{
    struct io_uring_sqe entry = {.opcode = IORING_OP_ASYNC_CANCEL,
                                 .flags = entry_flags,
                                 .fd = -1,
                                 .addr = which,
                                 .cancel_flags = flags,
                                 .user_data = tag};
    submit(&entry);
}

static long enter(uint32_t count)
{
    return kernel->syscall(__NR_io_uring_enter, (long)ring.fd, (long)count, 0L,
                           (long)IORING_ENTER_GETEVENTS, NULL, 0L);
}

static void arm(int fd, int events, uint32_t flags, uint64_t tag)
{
    submit_poll(fd, events, flags, tag);
    must("io_uring_enter", enter(1) == 1);
}

/* Wait for so many completions, at most for this time. */
static long wait_for(long completions, long timeout_ms)
{
    struct __kernel_timespec time = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    struct io_uring_getevents_arg argument = {.ts = (uintptr_t)&time};
    return kernel->syscall(__NR_io_uring_enter, (long)ring.fd, 0L, completions,
                           (long)(IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG), &argument,
                           (long)sizeof(argument));
}

/* What has completed, without entering the kernel: tags, results, and + for more to follow. */
static void completed(const char *name)
{
    char text[200] = "";
    char bits[96];
    size_t end = 0;
    uint32_t head = *word(ring.params.cq_off.head);
    uint32_t tail = get_word(ring.params.cq_off.tail);
    const struct io_uring_cqe *cqes = (void *)(ring.rings + ring.params.cq_off.cqes);
    settle();
    tail = get_word(ring.params.cq_off.tail);
    for (; head != tail; head++) {
        const struct io_uring_cqe *cqe = &cqes[head % ring.params.cq_entries];
        const char *result =
            cqe->res < 0 ? strerrorname_np(-cqe->res) : name_bits(cqe->res, bits, sizeof(bits));
        end += (size_t)snprintf(text + end, sizeof(text) - end, " %d:%s%s", (int)cqe->user_data,
                                result, cqe->flags & IORING_CQE_F_MORE ? "+" : "");
        end = end < sizeof(text) ? end : sizeof(text) - 1;
    }
    __atomic_store_n(word(ring.params.cq_off.head), head, __ATOMIC_RELEASE);
    int kept = (get_word(ring.params.sq_off.flags) & IORING_SQ_CQ_OVERFLOW) != 0;
    said(name, "%s%s", text, kept ? " and more is kept" : "");
}

/* Of the ring's size, and refusals. */
static void point_making(void)
{
    int fd = setup(5, 0, 0);
    did("5 entries", fd >= 0);
    said("sizes", "%u %u", ring.params.sq_entries, ring.params.cq_entries);
    did("close on exec", kernel->fcntl(fd, F_GETFD));
    did("0 entries", setup(0, 0, 0));
    did("a flag that nobody knows", setup(4, 1u << 31, 0));
    did("no completions", setup(4, IORING_SETUP_CQSIZE, 0));
    did("fewer completions than submissions", setup(8, IORING_SETUP_CQSIZE, 4));
    uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG |
                      IORING_FEAT_RSRC_TAGS | IORING_FEAT_CQE_SKIP;
    make_ring(32);
    said("features", "%x", ring.params.features & needed);
    said("places", "%u %u", ring.params.sq_entries, ring.params.cq_entries);
    said("masks", "%u %u", *word(ring.params.sq_off.ring_mask),
         *word(ring.params.cq_off.ring_mask));
    did("mapped too much",
        kernel->mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, ring.fd, 0) != MAP_FAILED ? 0 : -1);
    int fds[2];
    make_pipe(fds);
    did("mapped a pipe",
        kernel->mmap(NULL, 4096, PROT_READ, MAP_SHARED, fds[0], 0) != MAP_FAILED ? 0 : -1);
}

static void point_entering(void)
{
    int fds[2];
    make_pipe(fds);
    make_ring(16);
    did("of nothing", enter(3));
    long flags = IORING_ENTER_GETEVENTS;
    did("a closed one", kernel->syscall(__NR_io_uring_enter, 99L, 0L, 0L, flags, NULL, 0L));
    did("a pipe", kernel->syscall(__NR_io_uring_enter, (long)fds[0], 0L, 0L, flags, NULL, 0L));
    did("a flag that nobody knows",
        kernel->syscall(__NR_io_uring_enter, (long)ring.fd, 0L, 0L, 1L << 30, NULL, 0L));
    struct io_uring_sqe entry = {.opcode = 250, .fd = -1, .user_data = 1};
    submit(&entry);
    did("an operation that nobody knows", enter(1));
    completed("it completes");
    entry = (struct io_uring_sqe){
        .opcode = IORING_OP_POLL_ADD, .fd = fds[0], .len = 1 << 20, .user_data = 2};
    submit(&entry);
    did("an unknown kind of poll", enter(1));
    completed("it completes, too");
    did("time", wait_for(1, 5));
    did("no time", wait_for(1, 0));
    did("nothing to wait for", wait_for(0, 5));
    arm(fds[1], POLLOUT, MULTI, 3);
    did("there", wait_for(1, 1000));
    did("there already", wait_for(1, 1000));
    did("two", wait_for(2, 5));
    completed("all");
}

static void point_multishot(void)
{
    int fds[2];
    make_pipe(fds);
    make_ring(16);
    arm(fds[0], POLLIN, MULTI, 1);
    completed("armed, not ready");
    put(fds[1], 1);
    completed("data");
    put(fds[1], 1);
    completed("more data");
    get(fds[0], 1);
    completed("a part is read");
    get(fds[0], 1);
    completed("all is read");
    put(fds[1], 1);
    get(fds[0], 1);
    completed("came and went");
    put(fds[1], 1);
    put(fds[1], 1);
    completed("twice");
    arm(fds[0], POLLIN, MULTI, 2);
    completed("another one");
    kernel->close(fds[1]);
    completed("the end");
    drain(fds[0]);
    completed("nothing is left");
    arm(fds[0], 0, MULTI, 3);
    completed("asked for nothing");
}

static void point_oneshot(void)
{
    int fds[2];
    make_unix(fds, SOCK_STREAM);
    make_ring(16);
    arm(fds[0], POLLOUT, 0, 1);
    completed("ready");
    arm(fds[0], POLLIN, 0, 2);
    arm(fds[0], POLLIN, 0, 3);
    completed("not ready");
    put(fds[1], 1);
    completed("both");
    put(fds[1], 1);
    completed("no more");
    drain(fds[0]);
    arm(fds[0], POLLIN, 0, 4);
    arm(fds[0], POLLIN, MULTI, 5);
    put(fds[1], 1);
    get(fds[0], 1);
    completed("came and went");
    put(fds[1], 1);
    completed("came");
}

/* What a waker names, and what completes whatever was asked for. */
static void point_claims(void)
{
    int kinds[3][2];
    static const char *const names[] = {"tcp", "unix", "datagrams"};
    make_tcp(kinds[0]);
    make_unix(kinds[1], SOCK_STREAM);
    make_unix(kinds[2], SOCK_DGRAM);
    make_ring(64);
    for (int i = 0; i < 3; i++) {
        char line[64];
        int *fds = kinds[i];
        uint64_t tag = (uint64_t)i * 10;
        arm(fds[0], POLLIN | POLLPRI, MULTI, tag + 1);
        arm(fds[0], POLLPRI, MULTI, tag + 2);
        arm(fds[0], POLLOUT, MULTI, tag + 3);
        arm(fds[0], 0, MULTI, tag + 4);
        arm(fds[0], POLLIN | POLLRDNORM | POLLRDBAND, MULTI, tag + 5);
        snprintf(line, sizeof(line), "%s, armed", names[i]);
        completed(line);
        put(fds[1], 1);
        snprintf(line, sizeof(line), "%s, data", names[i]);
        completed(line);
        get(fds[0], 1);
        snprintf(line, sizeof(line), "%s, read", names[i]);
        completed(line);
        kernel->shutdown(fds[1], SHUT_WR);
        snprintf(line, sizeof(line), "%s, half closed", names[i]);
        completed(line);
        kernel->close(fds[1]);
        snprintf(line, sizeof(line), "%s, closed", names[i]);
        completed(line);
    }
}

static void point_urgent(void)
{
    int fds[2];
    char byte;
    make_tcp(fds);
    make_ring(64);
    arm(fds[0], POLLPRI, MULTI, 1);
    arm(fds[0], POLLIN, MULTI, 2);
    arm(fds[0], POLLPRI | POLLIN, MULTI, 3);
    for (int i = 0; i < 2; i++) {
        must("send", kernel->send(fds[1], "x", 1, MSG_OOB) == 1);
        completed(i ? "another byte" : "a byte");
        must("recv", kernel->recv(fds[0], &byte, 1, MSG_OOB) == 1);
        completed(i ? "it, too, is taken" : "it is taken");
    }
    must("send", kernel->send(fds[1], "x", 1, MSG_OOB) == 1);
    arm(fds[0], POLLPRI, MULTI, 4);
    completed("there when armed");
}

static void point_room(void)
{
    int pipes[2], sockets[2];
    make_pipe(pipes);
    make_unix(sockets, SOCK_STREAM);
    make_ring(32);
    fill(pipes[1]);
    fill(sockets[0]);
    arm(pipes[1], POLLOUT, MULTI, 1);
    arm(sockets[0], POLLOUT, MULTI, 2);
    completed("full");
    drain(pipes[0]);
    drain(sockets[1]);
    completed("room");
    fill(pipes[1]);
    completed("full again");
    kernel->close(pipes[0]);
    completed("nobody reads");
    kernel->close(sockets[1]);
    completed("nobody is there");
}

static void point_counters(void)
{
    uint64_t one = 1;
    int fd = kernel->eventfd(0, EFD_NONBLOCK);
    make_ring(32);
    arm(fd, POLLIN, MULTI, 1);
    arm(fd, POLLIN | POLLOUT, MULTI, 2);
    completed("armed");
    must("write", kernel->write(fd, &one, 8) == 8);
    completed("added");
    must("read", kernel->read(fd, &one, 8) == 8);
    completed("taken");
}

static void point_files(void)
{
    static const char *const paths[] = {"/", "/dev/null", "/dev/zero", "ordinary"};
    char line[64];
    make_ring(64);
    for (int i = 0; i < 5; i++) {
        int fd = i < 3   ? kernel->open(paths[i], O_RDONLY)
                 : i < 4 ? kernel->open(paths[i], O_RDWR | O_CREAT, 0600)
                         : kernel->open("/", O_PATH);
        must("open", fd >= 0);
        for (uint32_t multi = 0; multi <= MULTI; multi += MULTI) {
            arm(fd, POLLIN, multi, 1);
            arm(fd, POLLOUT | POLLPRI, multi, 2);
            arm(fd, POLLPRI, multi, 3);
            arm(fd, 0, multi, 4);
            snprintf(line, sizeof(line), "%s %d%s", i < 4 ? paths[i] : "O_PATH", i,
                     multi ? ", multishot" : "");
            completed(line);
        }
    }
    (void)kernel->unlink("ordinary");
    arm(-1, POLLIN, MULTI, 1);
    arm(99, POLLIN, MULTI, 2);
    arm(99, 0, 0, 3);
    completed("closed");
}

static void point_sets(void)
{
    int fds[2];
    make_pipe(fds);
    int set = make_set();
    make_ring(32);
    watch(set, fds[0], EPOLLIN, 1);
    arm(set, POLLIN, MULTI, 1);
    arm(set, POLLOUT, MULTI, 2);
    completed("a set");
    put(fds[1], 1);
    completed("with an event");
    events("which it has", set);
    get(fds[0], 1);
    events("and has not", set);
    put(fds[1], 1);
    completed("again");
}

static void point_cancelling(void)
{
    int fds[2], others[2];
    make_pipe(fds);
    make_pipe(others);
    make_ring(64);
    arm(fds[0], POLLIN, MULTI, 1);
    put(fds[1], 1);
    submit_cancel(1, 0, 0, 100);
    did("cancel", enter(1));
    completed("with what came before");
    submit_cancel(1, 0, 0, 101);
    did("once more", enter(1));
    completed("there is none");
    submit_cancel(1, 0, IOSQE_CQE_SKIP_SUCCESS, 102);
    did("nor now", enter(1));
    completed("that is told");
    arm(fds[0], POLLIN, MULTI, 2);
    submit_cancel(2, 0, IOSQE_CQE_SKIP_SUCCESS, 103);
    submit_poll(fds[0], POLLIN, MULTI, 3);
    did("one for another", enter(2));
    completed("in this order");
    submit_cancel(3, 0, IOSQE_CQE_SKIP_SUCCESS, 104);
    submit_poll(fds[0], POLLPRI, MULTI, 4);
    submit_poll(99, POLLIN, MULTI, 5);
    submit_poll(others[1], POLLOUT, 0, 6);
    submit_cancel(77, 0, 0, 105);
    did("a mixture", enter(5));
    completed("what it makes");
    submit_cancel(4, 0, IOSQE_CQE_SKIP_SUCCESS, 112);
    did("so that one is left", enter(1));
    arm(others[0], POLLIN, 0, 7);
    completed("the other");
    submit_cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, 0, 106);
    did("all", enter(1));
    completed("which is one: the order is that of a hash");
    submit_cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, 0, 107);
    did("all of none", enter(1));
    completed("none");
    submit_cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, IOSQE_CQE_SKIP_SUCCESS,
                  108);
    did("and silently", enter(1));
    completed("nothing");
    submit_poll(fds[0], POLLPRI, MULTI, 8);
    submit_cancel(8, 0, IOSQE_CQE_SKIP_SUCCESS, 109);
    submit_cancel(8, 0, IOSQE_CQE_SKIP_SUCCESS, 110);
    did("armed and cancelled twice", enter(3));
    completed("it ends once");
    submit_poll(fds[0], 0, MULTI, 9);
    submit_cancel(9, 0, IOSQE_CQE_SKIP_SUCCESS, 111);
    did("a probe of a pipe", enter(2));
    completed("what it tells");
}

/* An armed poll keeps the file open. */
static void point_open_files(void)
{
    int fds[2], sockets[2];
    make_pipe(fds);
    make_unix(sockets, SOCK_STREAM);
    make_ring(32);
    arm(fds[0], POLLIN, MULTI, 1);
    arm(sockets[0], POLLIN, MULTI, 2);
    kernel->close(fds[0]);
    kernel->close(sockets[0]);
    see("a pipe", fds[1]);
    see("a socket", sockets[1]);
    put(fds[1], 1);
    put(sockets[1], 1);
    completed("they are read by nobody");
    submit_cancel(1, 0, IOSQE_CQE_SKIP_SUCCESS, 100);
    submit_cancel(2, 0, IOSQE_CQE_SKIP_SUCCESS, 101);
    did("cancelled", enter(2));
    see("the pipe then", fds[1]);
    see("the socket then", sockets[1]);
    completed("both ended");
}

/* A number is used again: the poll is of the file. */
static void point_numbers(void)
{
    int fds[2], others[2];
    make_pipe(fds);
    make_pipe(others);
    make_ring(32);
    arm(fds[0], POLLIN, MULTI, 1);
    did("taken over", kernel->dup2(others[0], fds[0]) == fds[0]);
    put(others[1], 1);
    completed("the new file");
    put(fds[1], 1);
    completed("the old file");
}

/* A ring that is closed with polls in it lets go of the files, later. */
static void point_closed_ring(void)
{
    int fds[2];
    make_pipe(fds);
    make_ring(32);
    arm(fds[0], POLLIN, MULTI, 1);
    kernel->close(fds[0]);
    see("before", fds[1]);
    unmap_ring();
    must("close", kernel->close(ring.fd) == 0);
    struct pollfd entry = {.fd = fds[1], .events = 0};
    did("the end is seen", kernel->poll(&entry, 1, 5000));
}

static int counters[40];

static void begin_overflow(int count)
{
    make_ring(8);
    for (int i = 0; i < count; i++) {
        counters[i] = kernel->eventfd(0, EFD_NONBLOCK);
        must("eventfd", counters[i] >= 0);
        arm(counters[i], POLLIN, MULTI, (uint64_t)i);
    }
}

static void add_one(int fd)
{
    uint64_t one = 1;
    must("write", kernel->write(fd, &one, 8) == 8);
}

/* More completions than places: they are kept, but end their polls. */
static void point_overflow(void)
{
    char line[32];
    begin_overflow(20);
    for (int i = 0; i < 20; i++) {
        add_one(counters[i]);
    }
    completed("8 have places");
    add_one(counters[0]);
    add_one(counters[19]);
    completed("nothing gets in between");
    for (int i = 0; i < 4; i++) {
        did(i == 0   ? "enter"
            : i == 1 ? "enter again"
            : i == 2 ? "and again"
                     : "and for the last time",
            enter(0));
        snprintf(line, sizeof(line), "the next ones %d", i);
        completed(line);
    }
    for (int i = 0; i < 3; i++) {
        add_one(counters[i]);
    }
    add_one(counters[7]);
    add_one(counters[8]);
    completed("who is still polled");
}

/* Submitting while some are kept. */
static void point_overflow_and_submissions(void)
{
    int fds[2];
    begin_overflow(12);
    make_pipe(fds);
    for (int i = 0; i < 12; i++) {
        add_one(counters[i]);
    }
    arm(fds[1], POLLOUT, MULTI, 100);
    completed("one that is ready");
    did("enter", enter(0));
    completed("the next ones");
    add_one(counters[0]);
    for (int i = 0; i < 7; i++) {
        add_one(counters[1 + i % 2]);
    }
    submit_poll(99, POLLIN, 0, 101);
    submit_cancel(7, 0, 0, 102);
    did("an error, and an end", enter(2));
    completed("a full ring");
    did("enter again", enter(0));
    completed("what was kept");
}

/* The ring's own descriptor. */
static void point_watching(void)
{
    int fds[2];
    make_pipe(fds);
    make_ring(8);
    int set = make_set();
    struct pollfd entry = {.fd = ring.fd, .events = POLLIN | POLLOUT};
    kernel->poll(&entry, 1, 0);
    said("empty", "%x", entry.revents);
    watch(set, ring.fd, EPOLLIN | EPOLLET, 1);
    arm(fds[0], POLLIN, MULTI, 1);
    events("nothing yet", set);
    put(fds[1], 1);
    kernel->poll(&entry, 1, 0);
    said("a completion", "%x", entry.revents);
    events("one", set);
    events("once", set);
    completed("taken");
    kernel->poll(&entry, 1, 0);
    said("empty again", "%x", entry.revents);
    for (int i = 0; i < 8; i++) {
        submit_poll(fds[0], POLLPRI, 0, 10);
    }
    kernel->poll(&entry, 1, 0);
    said("full of submissions", "%x", entry.revents);
    char byte;
    did("read", kernel->read(ring.fd, &byte, 1));
    did("write", kernel->write(ring.fd, &byte, 1));
}

static void point_ppoll(void)
{
    int fds[2];
    make_pipe(fds);
    struct timespec zero = {0, 0}, some = {0, 2000000}, bad = {0, 1000000000}, past = {-1, 0};
    struct pollfd entries[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = 99, .events = POLLIN}};
    did("nothing", kernel->ppoll(entries, 1, &zero, NULL));
    did("for a while", kernel->ppoll(entries, 1, &some, NULL));
    did("a time that is none", kernel->ppoll(entries, 1, &bad, NULL));
    did("a time before now", kernel->ppoll(entries, 1, &past, NULL));
    did("a closed one", kernel->ppoll(entries, 2, &zero, NULL));
    said("it", "%x", entries[1].revents);
    put(fds[1], 1);
    did("data", kernel->ppoll(entries, 1, NULL, NULL));
    said("they", "%x", entries[0].revents);
}

#define CASE(name) {#name, point_##name}

int main(int argc, char **argv)
{
    static const compare_case cases[] = {
        CASE(making),   CASE(entering),    CASE(multishot),  CASE(oneshot),
        CASE(claims),   CASE(urgent),      CASE(room),       CASE(counters),
        CASE(files),    CASE(sets),        CASE(cancelling), CASE(open_files),
        CASE(numbers),  CASE(closed_ring), CASE(overflow),   CASE(overflow_and_submissions),
        CASE(watching), CASE(ppoll),       {NULL, NULL}};
    struct io_uring_params params = {.flags = SETUP, .cq_entries = 8};
    long fd = syscall(__NR_io_uring_setup, 8L, &params);
    if (fd < 0) {
        printf("SKIPPED: the kernel does not offer io_uring (%s)\n", strerrorname_np(errno));
        return 0;
    }
    close((int)fd);
    return compare_main(argc, argv, cases);
}
