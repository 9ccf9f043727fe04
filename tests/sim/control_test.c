/* The simulation itself: its clock, what is planned, faults, blocking, resets. */
#include "../unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ioatom/sim.h>
#include <netinet/in.h>
#include <time.h>

enum { MS_NS = 1000000, S_NS = 1000 * MS_NS };

static io_sim sim;

static void begin(void)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
}

static void make_pipe(int fds[2], int flags)
{
    CHECK_EQ(io_sim_pipe2(fds, flags), 0);
}

static int readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return io_sim_poll(&entry, 1, 0);
}

/* A call that must fail with this errno value. */
#define CHECK_ERRNO(call, code)                                                                    \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK_EQ(call, -1);                                                                        \
        CHECK_EQ(errno, code);                                                                     \
    } while (0)

static void put_byte(io_sim *on, void *fd)
{
    CHECK(on == &sim);
    CHECK_EQ(io_sim_write(*(int *)fd, "x", 1), 1);
}

static void signal_comes(io_sim *on, void *context)
{
    (void)context;
    io_sim_interrupt(on);
}

static void read_blocking(io_sim *on, void *fd)
{
    char byte;
    (void)on;
    CHECK_ERRNO(io_sim_read(*(int *)fd, &byte, 1), EDEADLK);
    CHECK_EQ(io_sim_advance(on, 1), -EDEADLK);
}

static void without_simulation(const unit_config *config)
{
    int fds[2];
    (void)config;
    CHECK(io_sim_use(NULL) == NULL);
    CHECK_ERRNO(io_sim_pipe2(fds, 0), ENOSYS);
    begin();
    CHECK(io_sim_use(NULL) == &sim);
    CHECK_ERRNO(io_sim_close(0), ENOSYS);
}

static void blocking(const unit_config *config)
{
    int fds[2];
    int other[2];
    char byte;
    (void)config;
    begin();
    make_pipe(fds, 0);
    make_pipe(other, 0);
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), EDEADLK);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 5 * MS_NS, signal_comes, NULL), 0);
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), EINTR);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 5 * MS_NS);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 9 * MS_NS, put_byte, &fds[1]), 0);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 7 * MS_NS, read_blocking, &other[0]), 0);
    CHECK_EQ(io_sim_read(fds[0], &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 9 * MS_NS);
    CHECK_ERRNO(io_sim_poll(NULL, 0, -1), EDEADLK);
    CHECK_ERRNO(io_sim_select(0, NULL, NULL, NULL, NULL), EDEADLK);
    struct epoll_event event;
    CHECK_ERRNO(io_sim_epoll_wait(io_sim_epoll_create1(0), &event, 1, -1), EDEADLK);
}

static void drain_pipe(io_sim *on, void *fd)
{
    static char bytes[50000];
    CHECK(io_sim_read(*(int *)fd, bytes, sizeof(bytes)) > 0);
    (void)io_sim_at(on, io_sim_now_ns(on) + MS_NS, drain_pipe, fd);
}

static void blocking_write(const unit_config *config)
{
    static char bytes[300000];
    int fds[2];
    (void)config;
    begin();
    make_pipe(fds, 0);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + MS_NS, drain_pipe, &fds[0]), 0);
    CHECK_EQ(io_sim_write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
    CHECK(io_sim_now_ns(&sim) > IO_SIM_START_NS + 3 * MS_NS);
}

static int order[4];
static int order_count;

static void note_order(io_sim *on, void *number)
{
    (void)on;
    order[order_count++] = *(int *)number;
}

static void plans(const unit_config *config)
{
    static int numbers[4] = {0, 1, 2, 3};
    (void)config;
    begin();
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 20, note_order, &numbers[2]), 0);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 10, note_order, &numbers[0]), 0);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 20, note_order, &numbers[3]), 0);
    CHECK_EQ(io_sim_at(&sim, 5, note_order, &numbers[1]),
             0); /* over: first, and no time goes back */
    CHECK_EQ(io_sim_advance(&sim, 15), 0);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 15);
    CHECK_EQ(order_count, 2);
    CHECK(order[0] == 1 && order[1] == 0);
    CHECK_EQ(io_sim_advance(&sim, 100), 0);
    CHECK(order[2] == 2 && order[3] == 3);
    for (int i = 0; i < IO_SIM_EVENTS; i++) {
        CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS, note_order, NULL), 0);
    }
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS, note_order, NULL), -ENOSPC);
}

static void put_when_idle(io_sim *on, void *fd)
{
    put_byte(on, fd);
}

static void idle(const unit_config *config)
{
    int fds[2];
    struct pollfd entry;
    (void)config;
    begin();
    make_pipe(fds, O_NONBLOCK);
    entry = (struct pollfd){.fd = fds[0], .events = POLLIN};
    io_sim_on_idle(&sim, put_when_idle, &fds[1]);
    CHECK_EQ(io_sim_poll(&entry, 1, 10), 0); /* not for ever: not idle */
    CHECK_EQ(io_sim_poll(&entry, 1, -1), 1);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 10 * MS_NS);
}

static void again(io_sim *on, void *span_ns)
{
    CHECK_EQ(io_sim_at(on, io_sim_now_ns(on) + *(uint64_t *)span_ns, again, span_ns), 0);
}

static void put_elsewhere(io_sim *on, void *fd)
{
    (void)on;
    (void)io_sim_write(*(int *)fd, "x", 1);
}

/* Neither a plan that plans itself again, nor an idler that is busy with something else, hangs. */
static void endless(const unit_config *config)
{
    static uint64_t spans_ns[2] = {0, MS_NS};
    int fds[2];
    struct pollfd entry;
    (void)config;
    for (int i = 0; i < 2; i++) {
        begin();
        make_pipe(fds, O_NONBLOCK);
        entry = (struct pollfd){.fd = fds[0], .events = POLLIN};
        CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS, again, &spans_ns[i]), 0);
        CHECK_ERRNO(io_sim_poll(&entry, 1, -1), EDEADLK);
        CHECK_EQ(io_sim_advance(&sim, UINT64_C(1000000) * S_NS), -EDEADLK);
    }
    begin();
    make_pipe(fds, O_NONBLOCK);
    entry = (struct pollfd){.fd = fds[1], .events = POLLPRI};
    io_sim_on_idle(&sim, put_elsewhere, &fds[1]);
    CHECK_ERRNO(io_sim_poll(&entry, 1, -1), EDEADLK);
}

static void failures(const unit_config *config)
{
    int fds[2];
    char byte;
    (void)config;
    begin();
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_KINDS, 1, EINTR), -EINVAL);
    CHECK_EQ(io_sim_fail(&sim, -1, 1, EINTR), -EINVAL);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_READ, 0, EINTR), -EINVAL);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_READ, 1, 0), -EINVAL);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_KINDS), -EINVAL);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_READ, 2, ENOMEM), 0);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_OPEN, 2, EMFILE), 0);
    make_pipe(fds, O_NONBLOCK);
    CHECK_ERRNO(io_sim_eventfd(0, 0), EMFILE);
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), EAGAIN);
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), ENOMEM);
    CHECK_ERRNO(io_sim_read(fds[0], &byte, 1), EAGAIN);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_READ), 3);
    CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_ANY), 5);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_ANY, 2, EIO), 0);
    CHECK_EQ(io_sim_write(fds[1], "a", 1), 1);
    CHECK_ERRNO(io_sim_write(fds[1], "a", 1), EIO);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_CLOSE, 1, EINTR), 0);
    CHECK_ERRNO(io_sim_close(fds[1]), EINTR); /* closed all the same */
    CHECK_ERRNO(io_sim_close(fds[1]), EBADF);
    for (int i = 0; i < 100; i++) { /* those that were carried out make room */
        CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_CLOSE, 1, EINTR), 0);
        CHECK_ERRNO(io_sim_close(100), EBADF);
    }
}

static uint64_t drawn_late_ns;

static void draw_late(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    (void)context;
    (void)nth;
    (void)fd;
    if (kind == IO_SIM_CALL_POLL) {
        fault->late_ns = drawn_late_ns;
    }
}

/* What comes within the lateness is seen, too; also after the time was over. */
static void late(const unit_config *config)
{
    int a[2];
    int b[2];
    struct pollfd entries[2];
    (void)config;
    begin();
    make_pipe(a, O_NONBLOCK);
    make_pipe(b, O_NONBLOCK);
    entries[0] = (struct pollfd){.fd = a[0], .events = POLLIN};
    entries[1] = (struct pollfd){.fd = b[0], .events = POLLIN};
    io_sim_on_call(&sim, draw_late, NULL);
    drawn_late_ns = 5 * MS_NS;
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 10 * MS_NS, put_byte, &a[1]), 0);
    CHECK_EQ(io_sim_at(&sim, IO_SIM_START_NS + 14 * MS_NS, put_byte, &b[1]), 0);
    CHECK_EQ(io_sim_poll(entries, 2, -1), 2);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 15 * MS_NS);
    CHECK_EQ(io_sim_poll(NULL, 0, 1), 0);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + 21 * MS_NS);
    uint64_t left_over_ns = io_sim_now_ns(&sim);
    CHECK_EQ(io_sim_read(b[0], entries, 1), 1);
    CHECK_EQ(io_sim_at(&sim, left_over_ns + 3 * MS_NS, put_byte, &b[1]), 0);
    CHECK_EQ(io_sim_poll(&entries[1], 1, 1), 1);
}

static void numbers(const unit_config *config)
{
    int fds[2];
    (void)config;
    begin();
    make_pipe(fds, 0);
    CHECK(fds[0] == 0 && fds[1] == 1);
    CHECK_EQ(io_sim_limit_fds(&sim, 3), 0);
    CHECK_EQ(io_sim_limit_fds(&sim, IO_SIM_FDS + 1), -EINVAL);
    CHECK_EQ(io_sim_dup(0), 2);
    CHECK_ERRNO(io_sim_dup(0), EMFILE);
    CHECK_ERRNO(io_sim_pipe2(fds, 0), EMFILE);
    CHECK_ERRNO(io_sim_eventfd(0, 0), EMFILE);
    CHECK_ERRNO(io_sim_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    CHECK_ERRNO(io_sim_dup2(0, 3), EBADF);
    CHECK_EQ(io_sim_close(1), 0);
    CHECK_ERRNO(io_sim_pipe2(fds, 0), EMFILE); /* room for one only: neither is made */
    CHECK_ERRNO(io_sim_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EMFILE);
    CHECK_EQ(io_sim_open_count(&sim), 2);
    CHECK_EQ(io_sim_eventfd(0, 0), 1);
    CHECK_EQ(io_sim_shortages(&sim), 0);
    CHECK_EQ(io_sim_limit_fds(&sim, IO_SIM_FDS), 0);
    int fd = 0;
    while (fd >= 0) {
        fd = io_sim_eventfd(0, 0);
    }
    CHECK_EQ(errno, ENFILE); /* more open files than the simulation has places for: it says so */
    CHECK_EQ(io_sim_shortages(&sim), 1);
}

/* After whatever was done, a reset simulation is as a new one. */
/* A connection for which there is no place waits on, as on Linux. */
static void no_place_to_accept(const unit_config *config)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    char byte = 0;
    (void)config;
    begin();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(io_sim_bind(listener, (struct sockaddr *)&address, length), 0);
    CHECK_EQ(io_sim_listen(listener, 1), 0);
    CHECK_EQ(io_sim_getsockname(listener, (struct sockaddr *)&address, &length), 0);
    io_sim_connect(client, (struct sockaddr *)&address, length);
    CHECK_EQ(readable(listener), 1);
    int last = -1, next = io_sim_eventfd(0, 0);
    while (next >= 0) {
        last = next;
        next = io_sim_eventfd(0, 0);
    }
    CHECK_EQ(errno, ENFILE);
    CHECK_ERRNO(io_sim_accept(listener, NULL, NULL), ENFILE);
    CHECK_EQ(readable(listener), 1);
    CHECK_EQ(io_sim_close(last), 0);
    int accepted = io_sim_accept(listener, NULL, NULL);
    CHECK(accepted >= 0);
    CHECK_EQ(io_sim_write(accepted, "x", 1), 1);
    CHECK_EQ(io_sim_read(client, &byte, 1), 1);
    CHECK_EQ(byte, 'x');
}

static void resets(const unit_config *config)
{
    static char bytes[4096];
    (void)config;
    begin();
    for (int turn = 0; turn < 50; turn++) {
        int set = io_sim_epoll_create1(0);
        CHECK_EQ(set, 0);
        for (int i = 0; i < 10; i++) {
            int fds[2];
            struct epoll_event event = {.events = EPOLLIN | EPOLLET};
            if (i % 2) {
                make_pipe(fds, O_NONBLOCK);
            } else {
                CHECK_EQ(io_sim_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
            }
            CHECK_EQ(fds[0], 2 * i + 1);
            CHECK_EQ(io_sim_epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), 0);
            for (int j = 0; j < 8; j++) {
                CHECK_EQ(io_sim_write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
            }
        }
        struct epoll_event found[16];
        CHECK_EQ(io_sim_epoll_wait(set, found, 16, 0), 10);
        CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_OPEN, 1, EIO), 0);
        CHECK_EQ(io_sim_at(&sim, 0, signal_comes, NULL), 0);
        CHECK_EQ(io_sim_shortages(&sim), 0);
        io_sim_reset(&sim);
        CHECK_EQ(io_sim_open_count(&sim), 0);
        CHECK_EQ(io_sim_calls(&sim, IO_SIM_CALL_ANY), 0);
        CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS);
    }
}

/* What was taken is given back: many more rounds than there are places. */
static void no_leak(const unit_config *config)
{
    static char bytes[5000];
    (void)config;
    begin();
    for (int turn = 0; turn < 3000; turn++) {
        int fds[2];
        int extra = io_sim_eventfd(0, 0);
        make_pipe(fds, O_NONBLOCK);
        CHECK_EQ(io_sim_write(fds[1], bytes, 5000), 5000);
        CHECK_EQ(io_sim_read(fds[0], bytes, 100), 100);
        CHECK(io_sim_close(fds[1]) == 0 && io_sim_close(fds[0]) == 0);
        for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
            CHECK_EQ(io_sim_socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
            CHECK_EQ(io_sim_send(fds[1], bytes, 5000, 0), 5000);
            CHECK_EQ(io_sim_send(fds[0], bytes, 10, 0), 10);
            CHECK_EQ(io_sim_read(fds[0], bytes, 100), 100);
            CHECK(io_sim_close(fds[0]) == 0 && io_sim_close(fds[1]) == 0);
        }
        CHECK_EQ(io_sim_close(extra), 0);
        CHECK_EQ(io_sim_shortages(&sim), 0);
    }
}

/* A connection that finds the listener's queue full is made later, or never. */
static void connects_later(const unit_config *config)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    const struct sockaddr *at = (struct sockaddr *)&address;
    (void)config;
    begin();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(io_sim_bind(listener, at, sizeof(address)) == 0 && io_sim_listen(listener, 0) == 0);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = io_sim_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK_ERRNO(io_sim_connect(fds[i], at, sizeof(address)), EINPROGRESS);
    }
    struct pollfd entry = {.fd = fds[1], .events = POLLOUT};
    CHECK_EQ(io_sim_poll(&entry, 1, 500), 0);
    CHECK(io_sim_accept4(listener, NULL, NULL, 0) >= 0);
    CHECK_EQ(io_sim_poll(&entry, 1, -1), 1);
    CHECK_EQ(entry.revents, POLLOUT);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + S_NS);
    entry.fd = fds[2];
    CHECK_EQ(io_sim_poll(&entry, 1, -1), 1);
    CHECK_EQ(entry.revents, POLLOUT | POLLERR | POLLHUP);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + UINT64_C(127) * S_NS);
    CHECK_ERRNO(io_sim_connect(fds[2], at, sizeof(address)), ETIMEDOUT);
}

static void timers(const unit_config *config)
{
    struct itimerspec value = {.it_value = {10, 0}, .it_interval = {0, 250000000}};
    uint64_t count;
    (void)config;
    begin();
    int fd = io_sim_timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK_EQ(io_sim_timerfd_settime(fd, 0, &value, NULL), 0);
    CHECK_EQ(io_sim_read(fd, &count, sizeof(count)), 8);
    CHECK_EQ(count, 1);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + UINT64_C(10) * S_NS);
    CHECK_EQ(io_sim_advance(&sim, UINT64_C(1) * S_NS), 0);
    CHECK_EQ(io_sim_read(fd, &count, sizeof(count)), 8);
    CHECK_EQ(count, 4);
    CHECK_EQ(io_sim_read(fd, &count, sizeof(count)), 8);
    CHECK_EQ(count, 1);
    CHECK_EQ(io_sim_now_ns(&sim), IO_SIM_START_NS + UINT64_C(11250) * MS_NS);
}

static const unit_test tests[] = {
    {"without_simulation", "", without_simulation, UNIT_ONCE},
    {"blocking", "", blocking, UNIT_ONCE},
    {"blocking_write", "", blocking_write, UNIT_ONCE},
    {"plans", "", plans, UNIT_ONCE},
    {"idle", "", idle, UNIT_ONCE},
    {"endless", "", endless, UNIT_ONCE},
    {"failures", "", failures, UNIT_ONCE},
    {"late", "", late, UNIT_ONCE},
    {"numbers", "", numbers, UNIT_ONCE},
    {"no_place_to_accept", "", no_place_to_accept, UNIT_ONCE},
    {"resets", "", resets, UNIT_ONCE},
    {"no_leak", "", no_leak, UNIT_ONCE},
    {"connects_later", "", connects_later, UNIT_ONCE},
    {"timers", "", timers, UNIT_ONCE},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
