/* The rules of the simulated kqueue, one by one, from FreeBSD's kevent(2): those that
 * lib/sim/kqueue.c lists. There is no real kqueue here, so that they are compared with the manual
 * page and not with a kernel; tests/sim/points_test.c is about the others. */
#include "../unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ioatom/sim.h>
#include <ioatom/sim_kqueue.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <time.h>

enum { MS_NS = 1000000, ROOM = 16 };

static io_sim sim;
static int queue;
static struct kevent events[ROOM];

#define CHECK_ERRNO(call, code)                                                                    \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK_EQ(call, -1);                                                                        \
        CHECK_EQ(errno, code);                                                                     \
    } while (0)

static void begin(void)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    queue = io_sim_kqueue();
    CHECK(queue >= 0);
}

static void begin_with_pipe(io_fd fds[2])
{
    begin();
    CHECK_EQ(io_sim_pipe2(fds, O_NONBLOCK), 0);
}

static void begin_with_pair(io_fd fds[2])
{
    begin();
    CHECK_EQ(io_sim_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void begin_with_tcp(io_fd fds[2], io_fd *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    begin();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *listener = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(io_sim_bind(*listener, (struct sockaddr *)&address, length), 0);
    CHECK_EQ(io_sim_listen(*listener, 4), 0);
    CHECK_EQ(io_sim_getsockname(*listener, (struct sockaddr *)&address, &length), 0);
    fds[0] = io_sim_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(io_sim_connect(fds[0], (struct sockaddr *)&address, length), 0);
    fds[1] = io_sim_accept4(*listener, NULL, NULL, SOCK_NONBLOCK);
    CHECK(fds[1] >= 0);
}

/* One change, without room for a receipt: 0, or the negative errno value. */
static int change(uintptr_t ident, int filter, int flags, unsigned fflags, int tag)
{
    struct kevent one;
    EV_SET(&one, ident, (short)filter, (unsigned short)flags, fflags, 0, (void *)(intptr_t)tag);
    return io_sim_kevent(queue, &one, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

static void add(io_fd fd, int filter, int flags, int tag)
{
    unsigned fflags = filter == EVFILT_EXCEPT ? NOTE_OOB : 0;
    CHECK_EQ(change((uintptr_t)fd, filter, EV_ADD | flags, fflags, tag), 0);
}

/* What there is now, without waiting. */
static int look(void)
{
    struct timespec zero = {0, 0};
    memset(events, 0x5a, sizeof(events));
    return io_sim_kevent(queue, NULL, 0, events, ROOM, &zero);
}

/* The tag of the only event. */
static int only_tag(void)
{
    CHECK_EQ(look(), 1);
    return (int)(intptr_t)events[0].udata;
}

static void put(io_fd fd, size_t size)
{
    static const char bytes[64];
    CHECK_EQ(io_sim_write(fd, bytes, size), size);
}

static void get(io_fd fd, size_t size)
{
    char bytes[64];
    CHECK_EQ(io_sim_read(fd, bytes, size), size);
}

static void fill(io_fd fd)
{
    static const char bytes[4096];
    while (io_sim_write(fd, bytes, sizeof(bytes)) > 0) {
    }
    CHECK_EQ(errno, EAGAIN);
}

static void put_byte(io_sim *on, void *fd)
{
    (void)on;
    put(*(io_fd *)fd, 1);
}

/* --- what identifies an event --- */

static void key(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pair(fds);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    add(fds[0], EVFILT_WRITE, EV_CLEAR, 2);
    CHECK_EQ(only_tag(), 2);
    put(fds[1], 3);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].ident, fds[0]);
    CHECK_EQ(events[0].filter, EVFILT_READ);
    CHECK_EQ(events[0].data, 3);
    /* Deleting one leaves the other alone. */
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
    fill(fds[0]);
    char bytes[4096];
    while (io_sim_read(fds[1], bytes, sizeof(bytes)) > 0) {
    }
    CHECK_EQ(only_tag(), 2);
    /* Another kqueue has its own. */
    int first = queue;
    queue = io_sim_kqueue();
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_WRITE, EV_DELETE, 0, 0), -ENOENT);
    add(fds[0], EVFILT_READ, 0, 3);
    CHECK_EQ(only_tag(), 3);
    queue = first;
    CHECK_EQ(look(), 0);
}

static void add_again(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    CHECK_EQ(only_tag(), 1);
    /* The filter is not run, */
    add(fds[0], EVFILT_READ, EV_CLEAR, 2);
    CHECK_EQ(look(), 0);
    /* udata is new, */
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 2);
    /* and EV_CLEAR stays. */
    add(fds[0], EVFILT_READ, 0, 3);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 3);
    CHECK_EQ(look(), 0);
    CHECK(events[0].ident != (uintptr_t)fds[0]);
    /* Deleted and added it is a new one. */
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), 0);
    add(fds[0], EVFILT_READ, 0, 4);
    CHECK_EQ(only_tag(), 4);
    CHECK_EQ(only_tag(), 4);
}

/* --- when it is reported --- */

static void initial_state(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 5);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    add(fds[1], EVFILT_WRITE, EV_CLEAR, 2);
    CHECK_EQ(look(), 2);
    CHECK_EQ(events[0].data, 5);
}

static void over_before_it_is_reported(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    put(fds[1], 5);
    get(fds[0], 5);
    CHECK_EQ(look(), 0);
    put(fds[1], 5);
    CHECK_EQ(only_tag(), 1);
}

static void level(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    put(fds[1], 2);
    put(fds[1], 2);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].data, 4);
    get(fds[0], 3);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].data, 1);
    get(fds[0], 1);
    CHECK_EQ(look(), 0);
}

static void clear(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    put(fds[1], 2);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(look(), 0); /* the state alone */
    get(fds[0], 1);
    CHECK_EQ(look(), 0);
    put(fds[1], 1); /* an activity, though there was something before */
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].data, 2);
    put(fds[1], 1);
    put(fds[1], 1); /* two are one */
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(look(), 0);
}

static void oneshot(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, EV_ONESHOT, 1);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
}

static void dispatch(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, EV_DISPATCH, 1);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 1);
    put(fds[1], 1);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 9), 0);
    CHECK_EQ(only_tag(), 1); /* the filter was run */
    CHECK_EQ(events[0].data, 2);
    CHECK_EQ(look(), 0);
    add(fds[0], EVFILT_READ, 0, 2); /* enables, too */
    CHECK_EQ(only_tag(), 2);
    CHECK_EQ(look(), 0);
}

static void disable(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    add(fds[0], EVFILT_READ, EV_DISABLE, 1);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0), 0);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DISABLE, 0, 0), 0);
    put(fds[1], 1);
    CHECK_EQ(look(), 0);
    get(fds[0], 2);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0), 0);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 1);
}

static void in_turn(const unit_config *config)
{
    io_fd fds[3][2];
    (void)config;
    begin();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(io_sim_pipe2(fds[i], O_NONBLOCK), 0);
        add(fds[i][0], EVFILT_READ, i == 1 ? EV_CLEAR : 0, i);
        put(fds[i][1], 1);
    }
    static const int order[] = {0, 1, 2, 0, 2, 0};
    for (int i = 0; i < 6; i++) {
        struct timespec zero = {0, 0};
        CHECK_EQ(io_sim_kevent(queue, NULL, 0, events, 1, &zero), 1);
        CHECK_EQ((intptr_t)events[0].udata, order[i]);
    }
    CHECK_EQ(look(), 2);
}

/* --- what the filters say --- */

static void end_of_a_pipe(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    put(fds[1], 2);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
    CHECK_EQ(only_tag(), 1); /* with data */
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
    CHECK_EQ(events[0].data, 2);
    get(fds[0], 2);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
    CHECK_EQ(events[0].data, 0);
}

static void broken_pipe(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[1], EVFILT_WRITE, EV_CLEAR, 1);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, 0);
    CHECK_EQ(io_sim_close(fds[0]), 0);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
    CHECK_EQ(look(), 0);
    /* One that is there is changed; none can be added. */
    add(fds[1], EVFILT_WRITE, EV_CLEAR, 2);
    CHECK_EQ(change((uintptr_t)fds[1], EVFILT_WRITE, EV_DELETE, 0, 0), 0);
    int error = fds[1] % 2 ? -EBADF : -EPIPE;
    io_fd other = io_sim_dup(fds[1]);
    CHECK((other + fds[1]) % 2 == 1);
    CHECK_EQ(change((uintptr_t)fds[1], EVFILT_WRITE, EV_ADD, 0, 0), error);
    CHECK_EQ(change((uintptr_t)other, EVFILT_WRITE, EV_ADD, 0, 0), -EPIPE - EBADF - error);
    add(fds[1], EVFILT_READ, 0, 3);
    CHECK_EQ(only_tag(), 3);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
}

static void fifo(const unit_config *config)
{
    (void)config;
    begin();
    CHECK_EQ(io_sim_mkfifo("fifo", 0600), 0);
    io_fd in = io_sim_open("fifo", O_RDONLY | O_NONBLOCK);
    add(in, EVFILT_READ, 0, 1);
    CHECK_EQ(look(), 0);
    io_fd out = io_sim_open("fifo", O_WRONLY | O_NONBLOCK);
    CHECK_EQ(io_sim_close(out), 0);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
    out = io_sim_open("fifo", O_WRONLY | O_NONBLOCK); /* cleared by a new writer */
    CHECK_EQ(look(), 0);
    put(out, 1);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, 0);
    CHECK_EQ(io_sim_close(in), 0);
    add(out, EVFILT_WRITE, 0, 2); /* somebody may open it */
    CHECK_EQ(only_tag(), 2);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
}

static void half_close(const unit_config *config)
{
    io_fd fds[2], listener;
    (void)config;
    begin_with_tcp(fds, &listener);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    add(fds[0], EVFILT_WRITE, EV_CLEAR, 2);
    CHECK_EQ(only_tag(), 2);
    CHECK_EQ(io_sim_shutdown(fds[1], SHUT_WR), 0);
    /* Linux wakes whoever watches a socket that was shut down; the filter for writing is still true. */
    int count = look();
    for (int i = 0; i < count; i++) {
        int reads = events[i].filter == EVFILT_READ;
        CHECK_EQ(events[i].flags & EV_EOF, reads ? EV_EOF : 0);
    }
    CHECK(count >= 1);
    CHECK_EQ(io_sim_shutdown(fds[0], SHUT_WR), 0);
    count = look();
    for (int i = 0; i < count; i++) {
        CHECK_EQ(events[i].flags & EV_EOF, EV_EOF);
    }
    CHECK_EQ(count, 2);
}

static void reset(const unit_config *config)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    io_fd fds[2], listener;
    (void)config;
    begin_with_tcp(fds, &listener);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    CHECK_EQ(io_sim_setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    CHECK_EQ(io_sim_close(fds[1]), 0);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].flags & EV_EOF, EV_EOF);
    CHECK_EQ(events[0].fflags, ECONNRESET); /* and it is not taken away */
    char byte;
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), ECONNRESET);
}

static void listening(const unit_config *config)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    io_fd fds[2], listener;
    (void)config;
    begin_with_tcp(fds, &listener);
    add(listener, EVFILT_READ, 0, 1);
    CHECK_EQ(look(), 0);
    CHECK_EQ(io_sim_getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 2; i++) {
        io_fd fd = io_sim_socket(AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(io_sim_connect(fd, (struct sockaddr *)&address, length), 0);
    }
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].data, 2);
}

static void urgent(const unit_config *config)
{
    io_fd fds[2], listener, pipes[2];
    (void)config;
    begin_with_tcp(fds, &listener);
    add(fds[0], EVFILT_EXCEPT, EV_CLEAR, 1);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(look(), 0);
    CHECK_EQ(io_sim_send(fds[1], "!", 1, MSG_OOB), 1);
    CHECK_EQ(only_tag(), 1);
    CHECK_EQ(events[0].fflags, NOTE_OOB);
    CHECK_EQ(io_sim_pipe2(pipes, 0), 0);
    CHECK_EQ(change((uintptr_t)pipes[0], EVFILT_EXCEPT, EV_ADD, NOTE_OOB, 0), -EINVAL);
    CHECK_EQ(change((uintptr_t)fds[1], EVFILT_EXCEPT, EV_ADD, 0, 0), -EINVAL);
}

static void user(const unit_config *config)
{
    (void)config;
    begin();
    CHECK_EQ(change(7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER | NOTE_FFCOPY | 6, 1), 0);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change(7, EVFILT_USER, 0, NOTE_TRIGGER, 0), 0);
    CHECK_EQ(change(7, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFOR | 8, 0), 0);
    CHECK_EQ(only_tag(), 1); /* triggered twice, reported once */
    CHECK_EQ(events[0].ident, 7);
    CHECK_EQ(events[0].fflags, 14);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change(8, EVFILT_USER, 0, NOTE_TRIGGER, 0), -ENOENT);
    CHECK_EQ(change(8, EVFILT_USER, EV_ADD, NOTE_FFCOPY | 6, 2), 0);
    CHECK_EQ(change(8, EVFILT_USER, 0, NOTE_FFAND | 4, 0), 0);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change(8, EVFILT_USER, 0, NOTE_TRIGGER, 0), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(only_tag(), 2);
        CHECK_EQ(events[0].fflags, 4);
    }
    CHECK_EQ(change(8, EVFILT_USER, EV_DELETE, 0, 0), 0);
    CHECK_EQ(look(), 0);
}

static void files(const unit_config *config)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero"};
    (void)config;
    begin();
    io_fd file = io_sim_open("file", O_RDWR | O_CREAT, 0600);
    add(file, EVFILT_READ, 0, 1); /* accepted; and it is at its end */
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)file, EVFILT_WRITE, EV_ADD, 0, 0), -EINVAL);
    for (int i = 0; i < 2; i++) {
        io_fd fd = io_sim_open(devices[i], O_RDWR);
        CHECK_EQ(change((uintptr_t)fd, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
        CHECK_EQ(change((uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0), -EINVAL);
    }
    io_fd counter = io_sim_eventfd(0, EFD_NONBLOCK);
    add(counter, EVFILT_READ, 0, 2);
    CHECK_EQ(look(), 0);
    uint64_t one = 1;
    CHECK_EQ(io_sim_write(counter, &one, sizeof(one)), sizeof(one));
    CHECK_EQ(only_tag(), 2);
    CHECK_EQ(change((uintptr_t)queue, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
    CHECK_EQ(change((uintptr_t)file, EVFILT_READ, EV_ADD, NOTE_LOWAT, 0), 0); /* it is there */
    CHECK_EQ(change((uintptr_t)counter, -3, EV_ADD, 0, 0), -EINVAL);
}

/* --- the end of a descriptor --- */

static void closing(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    put(fds[1], 1);
    io_fd copy = io_sim_dup(fds[0]);
    CHECK_EQ(io_sim_close(fds[0]), 0); /* though the file lives */
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), -EBADF);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0), -EBADF);
    CHECK_EQ(io_sim_dup2(copy, fds[0]), fds[0]);
    CHECK_EQ(look(), 0);
    CHECK_EQ(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
    add(fds[0], EVFILT_READ, 0, 2);
    add(copy, EVFILT_READ, 0, 3);
    CHECK_EQ(look(), 2);
    CHECK_EQ(io_sim_dup2(fds[1], fds[0]), fds[0]); /* closes as well */
    CHECK_EQ(only_tag(), 3);
    CHECK_EQ(io_sim_close(queue), 0);
    CHECK_EQ(io_sim_close(copy), 0);
    queue = io_sim_kqueue();
    CHECK_EQ(look(), 0);
}

static void fork_leaves_none(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    put(fds[1], 1);
    pid_t parent = io_sim_getpid();
    int copy = io_sim_dup(queue), open = io_sim_open_count(&sim);
    io_sim_fork(&sim);
    CHECK(io_sim_getpid() != parent);
    CHECK_EQ(io_sim_open_count(&sim), open - 2);
    CHECK_ERRNO(look(), EBADF);
    CHECK_ERRNO(io_sim_close(copy), EBADF);
    get(fds[0], 1); /* everything else is there */
}

/* --- the call --- */

static void receipts(const unit_config *config)
{
    struct kevent changes[4];
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    uintptr_t in = (uintptr_t)fds[0];
    EV_SET(&changes[0], in, EVFILT_READ, EV_DELETE | EV_RECEIPT, 0, 0, NULL);
    EV_SET(&changes[1], in, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    EV_SET(&changes[2], in, EVFILT_WRITE, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    EV_SET(&changes[3], 99, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    /* All are made, in their order; nothing else is reported, and there is no wait. */
    CHECK_EQ(io_sim_kevent(queue, changes, 4, events, ROOM, NULL), 4);
    static const int results[] = {ENOENT, 0, 0, EBADF};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(events[i].flags, EV_ERROR);
        CHECK_EQ(events[i].data, results[i]);
        CHECK_EQ(events[i].ident, changes[i].ident);
        CHECK_EQ(events[i].filter, changes[i].filter);
    }
    CHECK_EQ(look(), 1);
    /* One array for both. */
    CHECK_EQ(io_sim_kevent(queue, changes, 4, changes, 4, NULL), 4);
    CHECK_EQ(changes[0].data, 0);
    CHECK_EQ(changes[3].data, EBADF);
}

static void receipts_without_room(const unit_config *config)
{
    struct kevent changes[3];
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    for (int i = 0; i < 3; i++) {
        EV_SET(&changes[i], (uintptr_t)fds[i % 2], i % 2 ? EVFILT_WRITE : EVFILT_READ,
               EV_ADD | EV_RECEIPT, 0, 0, NULL);
    }
    /* The change that finds no room is made, those behind it are not. */
    changes[2].ident = (uintptr_t)fds[1];
    CHECK_EQ(io_sim_kevent(queue, changes, 3, events, 1, NULL), 0);
    CHECK_EQ(look(), 2);
    CHECK_EQ(change((uintptr_t)fds[1], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
}

static void errors_without_receipts(const unit_config *config)
{
    struct timespec zero = {0, 0};
    struct kevent changes[3];
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    EV_SET(&changes[0], (uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
    EV_SET(&changes[1], (uintptr_t)fds[0], EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    EV_SET(&changes[2], (uintptr_t)fds[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
    /* With room the error is an event, and everything is done. */
    CHECK_EQ(io_sim_kevent(queue, changes, 3, events, ROOM, &zero), 1);
    CHECK_EQ(events[0].flags, EV_ERROR);
    CHECK_EQ(events[0].data, ENOENT);
    CHECK_EQ(look(), 2);
    /* Without, it is the call's, and what comes behind it is not done. */
    CHECK_EQ(change((uintptr_t)fds[1], EVFILT_WRITE, EV_DELETE, 0, 0), 0);
    CHECK_ERRNO(io_sim_kevent(queue, changes, 3, NULL, 0, &zero), ENOENT);
    CHECK_EQ(look(), 1);
    /* Without errors it is a wait as well. */
    CHECK_EQ(io_sim_kevent(queue, &changes[2], 1, events, ROOM, &zero), 2);
    CHECK_ERRNO(io_sim_kevent(fds[0], NULL, 0, events, ROOM, &zero), EBADF);
    CHECK_ERRNO(io_sim_kevent(99, NULL, 0, events, ROOM, &zero), EBADF);
}

static void faults(const unit_config *config)
{
    struct kevent changes[2];
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    put(fds[1], 1);
    EV_SET(&changes[0], (uintptr_t)fds[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    EV_SET(&changes[1], (uintptr_t)fds[1], EVFILT_WRITE, EV_ADD | EV_RECEIPT, 0, 0, NULL);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KEVENT_CHANGE, 1, ENOMEM), 0);
    CHECK_EQ(io_sim_kevent(queue, changes, 2, events, 2, NULL), 2);
    CHECK_EQ(events[0].data, ENOMEM);
    CHECK_EQ(events[1].data, 0);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KEVENT_CHANGES, 1, ENOMEM), 0);
    CHECK_ERRNO(io_sim_kevent(queue, changes, 1, events, 2, NULL), ENOMEM);
    CHECK_EQ(look(), 1); /* nothing was done */
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KEVENT_CHANGES, 1, EINTR), 0);
    CHECK_ERRNO(io_sim_kevent(queue, changes, 1, events, 2, NULL), EINTR);
    CHECK_EQ(look(), 2); /* it was done */
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KEVENT, 1, EINTR), 0);
    CHECK_ERRNO(look(), EINTR);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KQUEUE, 1, ENFILE), 0);
    CHECK_ERRNO(io_sim_kqueue(), ENFILE);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_KEVENT_CHANGES), 3);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_KEVENT_CHANGE), 2);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_KQUEUE), 2);
}

static void timeouts(const unit_config *config)
{
    struct timespec some = {.tv_sec = 1, .tv_nsec = 5}, days = {.tv_sec = 100 * 24 * 3600};
    struct timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, 0, 1);
    CHECK_EQ(io_sim_kevent(queue, NULL, 0, events, 1, &some), 0);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 1000000005);
    uint64_t before_ns = io_sim_now_ns(&sim);
    CHECK_EQ(io_sim_kevent(queue, NULL, 0, events, 1, &days), 0); /* 24 hours at most */
    CHECK_EQ(io_sim_now_ns(&sim) - before_ns, UINT64_C(24) * 3600 * 1000000000);
    for (int i = 0; i < 3; i++) {
        CHECK_ERRNO(io_sim_kevent(queue, NULL, 0, events, 1, &bad[i]), EINVAL);
    }
    CHECK_EQ(io_sim_kevent(queue, NULL, 0, NULL, 0, NULL), 0); /* no room: no wait */
    CHECK_ERRNO(io_sim_kevent(queue, NULL, 0, events, 1, NULL), EDEADLK);
    before_ns = io_sim_now_ns(&sim);
    CHECK_EQ(io_sim_at(&sim, before_ns + 7 * MS_NS, put_byte, &fds[1]), 0);
    CHECK_EQ(io_sim_kevent(queue, NULL, 0, events, 1, NULL), 1);
    CHECK_EQ(io_sim_now_ns(&sim) - before_ns, 7 * MS_NS);
}

/* In an epoll set, in another kqueue, and a set in a kqueue. */
static void nested(const unit_config *config)
{
    struct pollfd entry;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    struct timespec zero = {0, 0};
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    int set = io_sim_epoll_create1(0), inner = queue, outer = io_sim_kqueue();
    CHECK_EQ(io_sim_epoll_ctl(set, EPOLL_CTL_ADD, inner, &event), 0);
    queue = outer;
    add(inner, EVFILT_READ, EV_CLEAR, 2);
    entry = (struct pollfd){.fd = inner, .events = POLLIN | POLLOUT};
    CHECK_EQ(io_sim_poll(&entry, 1, 0), 0);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(io_sim_poll(&entry, 1, 0), 1);
    CHECK_EQ(entry.revents, POLLIN);
    CHECK_EQ(io_sim_epoll_wait(set, &event, 1, 0), 1);
    CHECK_EQ(only_tag(), 2);
    CHECK_EQ(change((uintptr_t)inner, EVFILT_WRITE, EV_ADD, 0, 0), -EINVAL);
    CHECK_EQ(io_sim_kevent(inner, NULL, 0, events, ROOM, &zero), 1);
    CHECK_EQ(io_sim_poll(&entry, 1, 0), 0);
    /* No loops. */
    queue = inner;
    CHECK_EQ(change((uintptr_t)outer, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
    CHECK_EQ(change((uintptr_t)set, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
    /* A set in the outer kqueue: what happens in the inner one is an activity of it. */
    queue = outer;
    CHECK_EQ(change((uintptr_t)inner, EVFILT_READ, EV_DELETE, 0, 0), 0);
    add(set, EVFILT_READ, EV_CLEAR, 3);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 3);
}

static void draw_spurious(void *fd, int kind, uint32_t nth, io_fd first, io_sim_fault *fault)
{
    (void)nth;
    (void)first;
    fault->spurious_fd = kind == IO_SIM_CALL_KEVENT ? *(io_fd *)fd : -1;
}

static void spurious(const unit_config *config)
{
    io_fd fds[2];
    (void)config;
    begin_with_pipe(fds);
    add(fds[0], EVFILT_READ, EV_CLEAR, 1);
    io_sim_on_call(&sim, draw_spurious, &fds[0]);
    CHECK_EQ(only_tag(), 1);
    io_sim_on_call(&sim, NULL, NULL);
    CHECK_EQ(look(), 0);
    put(fds[1], 1);
    CHECK_EQ(only_tag(), 1);
}

static void full(const unit_config *config)
{
    int filters[] = {EVFILT_READ, EVFILT_WRITE};
    io_fd fds[2];
    int result = 0, count = 0;
    (void)config;
    begin_with_pair(fds);
    for (io_fd copy = fds[0]; copy >= 0 && result == 0; copy = io_sim_dup(fds[0])) {
        for (int i = 0; i < 2 && result == 0; i++) {
            result = change((uintptr_t)copy, filters[i], EV_ADD, 0, 0);
            count += result == 0;
        }
    }
    CHECK_EQ(result, 0); /* every descriptor has room for both */
    CHECK_EQ(io_sim_shortages(&sim), 0);
    for (uintptr_t i = 0; result == 0; i++) {
        result = change(i, EVFILT_USER, EV_ADD, 0, 0);
        count += result == 0;
    }
    CHECK_EQ(result, -ENOMEM);
    CHECK_EQ(count, IO_SIM_KNOTES);
    CHECK_EQ(io_sim_shortages(&sim), 1);
    io_sim_reset(&sim);
    queue = io_sim_kqueue();
    CHECK_EQ(look(), 0);
}

static const unit_test tests[] = {
    {"key", "", key, UNIT_ONCE},
    {"add_again", "", add_again, UNIT_ONCE},
    {"initial_state", "", initial_state, UNIT_ONCE},
    {"over_before_it_is_reported", "", over_before_it_is_reported, UNIT_ONCE},
    {"level", "", level, UNIT_ONCE},
    {"clear", "", clear, UNIT_ONCE},
    {"oneshot", "", oneshot, UNIT_ONCE},
    {"dispatch", "", dispatch, UNIT_ONCE},
    {"disable", "", disable, UNIT_ONCE},
    {"in_turn", "", in_turn, UNIT_ONCE},
    {"end_of_a_pipe", "", end_of_a_pipe, UNIT_ONCE},
    {"broken_pipe", "", broken_pipe, UNIT_ONCE},
    {"fifo", "", fifo, UNIT_ONCE},
    {"half_close", "", half_close, UNIT_ONCE},
    {"reset", "", reset, UNIT_ONCE},
    {"listening", "", listening, UNIT_ONCE},
    {"urgent", "", urgent, UNIT_ONCE},
    {"user", "", user, UNIT_ONCE},
    {"files", "", files, UNIT_ONCE},
    {"closing", "", closing, UNIT_ONCE},
    {"fork_leaves_none", "", fork_leaves_none, UNIT_ONCE},
    {"receipts", "", receipts, UNIT_ONCE},
    {"receipts_without_room", "", receipts_without_room, UNIT_ONCE},
    {"errors_without_receipts", "", errors_without_receipts, UNIT_ONCE},
    {"faults", "", faults, UNIT_ONCE},
    {"timeouts", "", timeouts, UNIT_ONCE},
    {"nested", "", nested, UNIT_ONCE},
    {"spurious", "", spurious, UNIT_ONCE},
    {"full", "", full, UNIT_ONCE},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
