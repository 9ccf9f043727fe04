/* What io_uring alone could do wrong: files that stay open, completions that are lost, threads, and
 * rings that are shared with a parent. */
#include "spy.h"

#include "kit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

static io_poller poller; /* a process for each test: always a fresh one */

/* All of these tests are about one backend. */
static void begin(const unit_config *config)
{
    unit_poller(&poller, config);
    CHECK(kit_is_uring(config));
}

/* --- files that stay open --- */

static void make_pair(int kind, io_fd fds[2])
{
    if (kind == 0) {
        unit_pipe(fds);
    } else if (kind == 1) {
        unit_unix_pair(fds, SOCK_STREAM);
    } else {
        unit_tcp_pair(fds);
    }
}

/* Whether the peer sees now that nobody has the other end. */
static int sees_end(io_fd peer)
{
    struct pollfd entry = {.fd = peer, .events = POLLIN | POLLRDHUP};
    CHECK(poll(&entry, 1, 0) >= 0);
    return (entry.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0;
}

enum { HOW_REMOVE, HOW_CLOSE, HOW_DISPOSE, HOW_COUNT };
enum { STATE_IDLE, STATE_READY, STATE_PENDING, STATE_TOLD, STATE_CHANGED, STATE_COUNT };

static void reach_state(int state, unit_atom *atom, io_fd peer, int kind)
{
    if (state == STATE_IDLE) {
        return;
    }
    if (kind != 0) {
        kit_put(peer, 1);
    }
    if (state == STATE_PENDING || state == STATE_TOLD) {
        CHECK_EQ(io_wait(&poller, 1000), 1);
        CHECK(state != STATE_TOLD || io_dispatch(&poller) == 1);
    } else if (state == STATE_CHANGED) {
        for (int flags = 0; flags <= 15; flags++) {
            kit_set(&poller, atom, flags);
        }
    }
    if (kind != 0) {
        (void)unit_drain(atom->io.fd); /* else its end is a reset */
    }
}

static void let_go(int how, unit_atom *atom)
{
    io_fd fd = atom->io.fd;
    if (how == HOW_CLOSE) {
        CHECK_EQ(io_close(&poller, &atom->io), 0);
        return;
    }
    if (how == HOW_REMOVE) {
        kit_remove(&poller, atom);
    } else {
        kit_end(&poller);
    }
    unit_close(fd);
}

/* However it ends, and whatever came before: the peer sees it at once. Of a pipe the writing end is
 * registered. */
static void lets_go(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-1");
    CLAUSE("IO-REMOVE-3");
    for (int i = 0; i < 3 * HOW_COUNT * STATE_COUNT; i++) {
        int kind = i % 3, how = i / 3 % HOW_COUNT, state = i / 3 / HOW_COUNT;
        io_fd fds[2];
        unit_atom atom;
        make_pair(kind, fds);
        begin(config);
        kit_add(&poller, &atom, fds[1], state == STATE_IDLE ? IO_READ : IO_READ | IO_WRITE);
        reach_state(state, &atom, fds[0], kind);
        CHECK_EQ(sees_end(fds[0]), 0);
        let_go(how, &atom);
        CHECK_EQ(sees_end(fds[0]), 1);
        if (how != HOW_DISPOSE) {
            kit_silent(&poller);
            kit_end(&poller);
        }
        unit_close(fds[0]);
    }
}

static io_fd inside_peer;
static int inside_how;

static void let_go_proc(io_poller *p, io_atom *atom, int flags)
{
    CHECK(p == &poller);
    CHECK_EQ(flags, IO_READ);
    kit_atom_of(atom)->calls++;
    let_go(inside_how, kit_atom_of(atom));
    CHECK_EQ(sees_end(inside_peer), 1);
}

static void lets_go_inside(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-1");
    for (inside_how = HOW_REMOVE; inside_how <= HOW_CLOSE; inside_how++) {
        io_fd fds[2];
        unit_atom atom;
        unit_unix_pair(fds, SOCK_STREAM);
        begin(config);
        unit_atom_init(&atom, fds[0]);
        atom.io.proc = let_go_proc;
        CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
        inside_peer = fds[1];
        kit_put(fds[1], 1);
        CHECK_EQ(io_wait(&poller, 1000), 1);
        CHECK_EQ(io_dispatch(&poller), 1);
        CHECK_EQ(atom.calls, 1);
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* The kernel refuses to forget: it is forgotten with the rings, which the next wait makes anew. */
static void lets_go_later(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-REMOVE-8");
    CLAUSE("IO-CLOSE-4");
    io_fd fds[2], others[2];
    unit_atom atom, other;
    unit_unix_pair(fds, SOCK_STREAM);
    unit_unix_pair(others, SOCK_STREAM);
    begin(config);
    kit_add(&poller, &atom, fds[0], IO_READ);
    kit_add(&poller, &other, others[0], IO_READ);
    spy_reset();
    spy_fail(&spy.submit, ENOMEM, 0, 1);
    spy_fail(&spy.setup, EMFILE, 0, 1);
    kit_remove(&poller, &atom);
    unit_close(fds[0]);
    CHECK_ERROR(io_wait(&poller, 1000), -EMFILE);
    int before = unit_fd_count();
    kit_put(fds[1], 1);
    kit_put(others[1], 1);
    CHECK_EQ(kit_next_of(&poller, &other, 2), IO_READ);
    CHECK_EQ(unit_fd_count(), before);
    CHECK_EQ(sees_end(fds[1]), 1);
    CHECK_EQ(atom.calls, 0);
    kit_end(&poller);
    unit_close(fds[1]);
    unit_close_pair(others);
}

/* Closed without io_remove: its peer sees the end at the latest when it is removed, or found. */
static void closed_stays_open(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-2");
    CLAUSE("IO-CLOSE-6");
    for (int found = 0; found < 2; found++) {
        io_fd fds[2];
        unit_atom atom;
        unit_unix_pair(fds, SOCK_STREAM);
        begin(config);
        kit_add(&poller, &atom, fds[0], IO_READ);
        unit_close(fds[0]);
        kit_silent(&poller);
        if (found && !sees_end(fds[1])) {
            kit_put(fds[1], 1);
            CHECK_EQ(kit_next(&poller, &atom), IO_READ);
            CHECK_EQ(atom.calls, 1);
            CHECK_EQ(sees_end(fds[1]), 1);
            CHECK_EQ(io_fd_check(&poller), 1);
            kit_silent(&poller);
        }
        kit_remove(&poller, &atom);
        CHECK_EQ(sees_end(fds[1]), 1);
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* --- completions that have no place in the ring --- */

enum { MANY = 700 }; /* more than twice the places */

static unit_atom many[MANY];

static void make_many_ready(void)
{
    static const uint64_t one = 1;
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(write(many[i].io.fd, &one, sizeof(one)), sizeof(one));
        many[i].flags = many[i].calls = 0;
    }
}

static void begin_many(const unit_config *config)
{
    kit_allow(MANY + 100);
    begin(config);
    for (int i = 0; i < MANY; i++) {
        io_fd fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        CHECK(fd >= 0);
        kit_add(&poller, &many[i], fd, IO_READ);
    }
}

static void end_many(void)
{
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(io_close(&poller, &many[i].io), 0);
    }
    kit_silent(&poller);
    kit_end(&poller);
}

/* In the waits that IO-FAIR-1 allows all are told; then they are read until EAGAIN. */
static void check_many_told(int first)
{
    for (int round = 0; round < kit_rounds(MANY); round++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    for (int i = first; i < MANY; i++) {
        CHECK_EQ(many[i].flags, IO_READ);
        kit_exhaust_read(&poller, &many[i]);
    }
    for (int round = 0; round < kit_rounds(MANY); round++) {
        CHECK_EQ(io_wait(&poller, 0), 0);
    }
}

/* All at once, again and again: those whose poll has ended are polled again. */
static void overflow(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-3");
    CLAUSE("IO-FAIR-1");
    begin_many(config);
    for (int round = 0; round < 4; round++) {
        make_many_ready();
        check_many_told(0);
    }
    /* What is asked for anew needs no completion. */
    make_many_ready();
    check_many_told(0);
    static const uint64_t one = 1;
    CHECK_EQ(write(many[MANY / 2].io.fd, &one, sizeof(one)), sizeof(one));
    for (int i = 0; i < MANY; i++) {
        kit_set(&poller, &many[i], IO_READ);
    }
    CHECK_EQ(kit_next_of(&poller, &many[MANY / 2], MANY), IO_READ);
    end_many();
}

/* Atoms are added, changed and removed while completions have no place. */
static void overflow_between(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-3");
    CLAUSE("IO-ADD-2");
    io_fd fds[2];
    unit_atom atom;
    io_fd file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    unit_pipe(fds);
    kit_put(fds[1], 1);
    begin_many(config);
    for (int step = 0; step < 5; step++) {
        make_many_ready();
        if (step < 2) {
            unit_atom_init(&atom, file);
            CHECK_ERROR(io_add(&poller, &atom.io, step == 0 ? IO_READ : 0), -EPERM);
        } else if (step == 2) {
            kit_add(&poller, &atom, fds[0], IO_READ);
            CHECK_EQ(kit_next_of(&poller, &atom, MANY), IO_READ);
            kit_exhaust_read(&poller, &atom);
        } else if (step == 3) {
            kit_set(&poller, &atom, IO_READ | IO_WRITE);
            kit_set(&poller, &atom, IO_READ);
        } else {
            kit_remove(&poller, &atom);
            unit_close(fds[0]);
            CHECK_EQ(sees_end(fds[1]), 1);
        }
        check_many_told(0);
    }
    end_many();
    unit_close(file);
    unit_close(fds[1]);
}

/* The kernel had no memory to keep them: the rings are made anew. */
static void completions_lost(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-3");
    CLAUSE("IO-CLOSE-4");
    io_fd fds[2];
    unit_atom atom;
    unit_unix_pair(fds, SOCK_STREAM);
    begin(config);
    kit_add(&poller, &atom, fds[0], IO_READ);
    spy_reset();
    spy_fail(&spy.enter, EBADR, 0, 1);
    kit_put(fds[1], 1);
    CHECK_EQ(io_wait(&poller, 1000), 1);
    CHECK_EQ(spy.setup.count, 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.flags, IO_READ);
    kit_exhaust_read(&poller, &atom);
    kit_silent(&poller);
    CHECK_EQ(spy.setup.count, 1); /* once is enough */
    kit_end(&poller);
    unit_close_pair(fds);
}

/* Added and removed without a wait, as often as it takes to use up the ring: it is emptied. */
static void added_and_removed(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-3");
    CLAUSE("IO-REMOVE-6");
    io_fd fds[2];
    unit_atom atom;
    unit_unix_pair(fds, SOCK_STREAM);
    begin(config);
    for (int i = 0; i < 1000; i++) {
        kit_add(&poller, &atom, fds[0], IO_WRITE);
        kit_remove(&poller, &atom);
    }
    kit_silent(&poller);
    kit_add(&poller, &atom, fds[0], IO_READ);
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- what the kernel claims --- */

/* A waker names more than is there: of it nothing is told. */
static void claims_too_much(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-EVENT-5");
    for (int kind = 1; kind < 3; kind++) {
        io_fd fds[2];
        unit_atom atom;
        make_pair(kind, fds);
        (void)unit_fill(fds[0]);
        begin(config);
        kit_add(&poller, &atom, fds[0], KIT_ALL);
        kit_put(fds[1], 1);
        unit_ready(fds[0], POLLIN);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_exhaust_read(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        kit_put(fds[1], 1);
        unit_ready(fds[0], POLLIN);
        kit_get(fds[0], 1); /* before any wait */
        kit_silent(&poller);
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* Out-of-band data, of which nothing but that is of interest. */
static void except_alone(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-EDGE-1");
    CLAUSE("IO-URING-8");
    for (int kind = 1; kind < 3; kind++) {
        io_fd fds[2];
        unit_atom atom;
        make_pair(kind, fds);
        begin(config);
        kit_add(&poller, &atom, fds[0], IO_EXCEPT);
        for (int round = 0; round < 3; round++) {
            char byte;
            kit_silent(&poller);
            CHECK_EQ(send(fds[1], "x", 1, MSG_OOB), 1);
            unit_ready(fds[0], POLLPRI);
            CHECK_EQ(io_wait(&poller, 1000), 1);
            CHECK_EQ(io_dispatch(&poller), 1);
            CHECK_EQ(atom.flags, IO_EXCEPT);
            CHECK_EQ(recv(fds[0], &byte, 1, MSG_OOB), 1);
            CHECK_EQ(io_exhausted(&poller, &atom.io, IO_EXCEPT), 0);
            (void)unit_told(&poller, &atom, 0);
            kit_put(fds[1], 1); /* nothing of this is told */
        }
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* --- threads --- */

static const unit_config *thread_config;
static io_fd thread_pairs[2][2];
static unit_atom thread_atoms[2];
static enum { THREAD_ENDS, THREAD_BLOCKS, THREAD_SPINS, THREAD_WAYS } thread_way;
static pthread_barrier_t thread_barrier;
static atomic_int thread_goes_on;

/* Makes the poller; then it ends, or does something else while another thread has it. In a loop it
 * comes to the completion of its polls only when the clock interrupts it. */
static void *first_thread(void *unused)
{
    (void)unused;
    begin(thread_config);
    for (int i = 0; i < 2; i++) {
        kit_add(&poller, &thread_atoms[i], thread_pairs[i][0], IO_READ);
    }
    pthread_barrier_wait(&thread_barrier);
    if (thread_way == THREAD_BLOCKS) {
        pthread_barrier_wait(&thread_barrier);
    }
    while (thread_way == THREAD_SPINS && thread_goes_on) {
    }
    return NULL;
}

static void use_handed_over(void)
{
    for (int round = 0; round < 3; round++) {
        kit_put(thread_pairs[0][1], 1);
        unit_await(&poller, &thread_atoms[0], IO_READ);
        kit_exhaust_read(&poller, &thread_atoms[0]);
    }
    /* Each of these is another poll of the same descriptor. */
    for (int i = 0; i < 20; i++) {
        kit_set(&poller, &thread_atoms[0], IO_READ | IO_WRITE);
        kit_set(&poller, &thread_atoms[0], IO_READ);
        CHECK(io_wait(&poller, 0) >= 0);
    }
    kit_remove(&poller, &thread_atoms[0]);
    unit_close(thread_pairs[0][0]);
    CHECK_EQ(sees_end(thread_pairs[0][1]), 1);
    kit_put(thread_pairs[1][1], 1);
    unit_await(&poller, &thread_atoms[1], IO_READ);
    kit_end(&poller);
    unit_close(thread_pairs[1][0]);
    CHECK_EQ(sees_end(thread_pairs[1][1]), 1);
}

static void handed_over(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-4");
    CLAUSE("IO-URING-1");
    thread_config = config;
    CHECK(pthread_barrier_init(&thread_barrier, NULL, 2) == 0);
    for (int way = 0; way < THREAD_WAYS; way++) {
        pthread_t thread;
        thread_way = way;
        thread_goes_on = 1;
        for (int i = 0; i < 2; i++) {
            unit_unix_pair(thread_pairs[i], SOCK_STREAM);
        }
        CHECK(pthread_create(&thread, NULL, first_thread, NULL) == 0);
        pthread_barrier_wait(&thread_barrier);
        CHECK(way != THREAD_ENDS || pthread_join(thread, NULL) == 0);
        use_handed_over();
        if (way == THREAD_BLOCKS) {
            pthread_barrier_wait(&thread_barrier);
        }
        thread_goes_on = 0;
        CHECK(way == THREAD_ENDS || pthread_join(thread, NULL) == 0);
        unit_close(thread_pairs[0][1]);
        unit_close(thread_pairs[1][1]);
    }
    CHECK(pthread_barrier_destroy(&thread_barrier) == 0);
}

/* An event that comes during a call of one's own: the call ends as by a signal, or as it would have. */
static void event_in_own_call(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-6");
    io_fd fds[2];
    unit_atom atom;
    struct epoll_event event;
    unit_pipe(fds);
    begin(config);
    kit_add(&poller, &atom, fds[0], IO_READ);
    io_fd set = epoll_create1(EPOLL_CLOEXEC);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep(20000);
        _exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
    }
    int result = epoll_wait(set, &event, 1, 100);
    CHECK(result == 0 || (result < 0 && errno == EINTR));
    CHECK_EQ(waitpid(child, NULL, 0), child);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close(set);
    unit_close_pair(fds);
}

/* --- rings that are shared with a parent --- */

static void disposed_in_child(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    CLAUSE("IO-URING-5");
    io_fd fds[2];
    unit_atom atom;
    int status = 0;
    unit_pipe(fds);
    begin(config);
    kit_add(&poller, &atom, fds[0], IO_READ);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(io_poller_dispose(&poller) == 0 ? 0 : 1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    kit_silent(&poller);
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- kernels that have it not, or not all of it --- */

static void not_offered(const unit_config *config)
{
    if (!kit_is_uring(config)) {
        return;
    }
    static const int refusals[] = {ENOSYS, EPERM, EINVAL};
    int before = unit_fd_count();
    CLAUSE("IO-URING-7");
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        spy_reset();
        spy_fail(&spy.setup, refusals[i], 0, -1);
        CHECK_ERROR(io_poller_init(&poller, config->types), -ENOSYS);
        CHECK_EQ(io_poller_init(&poller, IO_POLLER_URING | IO_POLLER_SELECT), 0);
        CHECK(strcmp(io_poller_name(&poller), "select") == 0);
        kit_end(&poller);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        spy_reset();
        spy.lacking = 1u << bit;
        int result = io_poller_init(&poller, config->types);
        CHECK(result == 0 || result == -ENOSYS);
        if (spy.lacking & (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_SINGLE_MMAP)) {
            CHECK_EQ(result, -ENOSYS);
        }
        CHECK(result != 0 || io_poller_dispose(&poller) == 0);
        CHECK_EQ(unit_fd_count(), before);
    }
}

static const unit_test tests[] = {
    {"uring_lets_go", "IO-URING-1 IO-REMOVE-3", lets_go, UNIT_EACH},
    {"uring_lets_go_inside", "IO-URING-1", lets_go_inside, UNIT_EACH},
    {"uring_lets_go_later", "IO-REMOVE-8 IO-CLOSE-4", lets_go_later, UNIT_EACH},
    {"uring_closed_stays_open", "IO-URING-2 IO-CLOSE-6", closed_stays_open, UNIT_EACH},
    {"uring_overflow", "IO-URING-3 IO-FAIR-1", overflow, UNIT_EACH},
    {"uring_overflow_between", "IO-URING-3 IO-ADD-2", overflow_between, UNIT_EACH},
    {"uring_completions_lost", "IO-URING-3 IO-CLOSE-4", completions_lost, UNIT_EACH},
    {"uring_added_and_removed", "IO-URING-3 IO-REMOVE-6", added_and_removed, UNIT_EACH},
    {"uring_claims_too_much", "IO-EVENT-5", claims_too_much, UNIT_EACH},
    {"uring_except_alone", "IO-EDGE-1 IO-URING-8", except_alone, UNIT_EACH},
    {"uring_handed_over", "IO-URING-4 IO-URING-1", handed_over, UNIT_EACH},
    {"uring_event_in_own_call", "IO-URING-6", event_in_own_call, UNIT_EACH},
    {"uring_disposed_in_child", "IO-URING-5", disposed_in_child, UNIT_EACH},
    {"uring_not_offered", "IO-URING-7", not_offered, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
