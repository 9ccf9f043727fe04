/* The checks of lib/check have teeth, on every backend: each fault that is put into a sound poller,
 * or into what the kernel has of it, is reported by the name of the invariant that it breaks. Also
 * compiled over the simulated kernel (tests/sim). */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/check/check.h"
#include "lib/core/core.h"

#ifdef IO_OS_SIM
#include <ioatom/sim.h>
#include <ioatom/sim_kqueue.h>
#define PIPE io_sim_pipe2
#define CONTROL io_sim_epoll_ctl
#define WRITE io_sim_write
static io_sim sim;
#else
#define PIPE pipe2
#define CONTROL epoll_ctl
#define WRITE write
#endif

enum { LIMIT = 100, PIPES = 2, BOTH = IO_READ | IO_WRITE };

/* Descriptors: both ends of each pipe. */
static int fds[2 * PIPES];
enum { READER = 0, WRITER = 1, SILENT = 2, FREE = 3 };

static io_poller poller, sound;
static uint64_t storage[LIMIT * 28 / sizeof(uint64_t)],
    sound_storage[LIMIT * 28 / sizeof(uint64_t)];
static io_atom atoms[2 * PIPES];

static void no_call(io_poller *unused, io_atom *atom, int flags)
{
    (void)unused;
    (void)atom;
    (void)flags;
    CHECK(!"called");
}

static int is_shown(void)
{
#ifdef IO_OS_SIM
    return 1;
#else
    return access("/proc/self/fdinfo", X_OK) == 0;
#endif
}

/* Registered are a reader, a writer that is pending, and one that asks for nothing. */
static void begin(const unit_config *config)
{
    static const int interests[] = {IO_READ, IO_WRITE, 0};
#ifdef IO_OS_SIM
    io_sim_init(&sim);
    io_sim_use(&sim);
#endif
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage, sizeof(storage)), 0);
    for (int i = 0; i < PIPES; i++) {
        CHECK_EQ(PIPE(&fds[2 * i], O_CLOEXEC | O_NONBLOCK), 0);
    }
    for (int i = READER; i <= SILENT; i++) {
        io_atom_init(&atoms[i], fds[i], no_call);
        CHECK_EQ(io_add(&poller, &atoms[i], interests[i]), 0);
    }
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    sound = poller;
    memcpy(sound_storage, storage, sizeof(storage));
}

static void end(void)
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
#ifndef IO_OS_SIM
    for (int i = 0; i < 2 * PIPES; i++) {
        unit_close(fds[i]);
    }
#endif
}

static void expect(int line, const char *name, io_check_depth depth)
{
    const char *found = io_poller_check(&poller, depth);
    unit_check(__FILE__, line, name, found && strcmp(found, name) == 0);
}

static void mend(void)
{
    poller = sound;
    memcpy(storage, sound_storage, sizeof(storage));
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
}

/* One fault in the memory of a sound poller, which is whole again after it. */
#define FAULT(name, statement)                                                                     \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name, IO_CHECK_MEMORY);                                                   \
        mend();                                                                                    \
    } while (0)

static io_slot *slot_of(int role)
{
    return &poller.core.slots[fds[role]];
}

static void fields(const unit_config *config)
{
    char other[sizeof(void *) * 16] = {0};
    begin(config);
    FAULT("poller.backend", poller.backend = (const void *)other);
    FAULT("core.q_has", slot_of(READER)->marks |= IO_QUEUED);
    FAULT("poller.type", poller.type &= IO_POLLER_ANY);
    FAULT("poller.type", poller.type |= IO_POLLER_EDGE | IO_POLLER_LEVEL);
    FAULT("poller.type", poller.type ^= IO_POLLER_EPOLL);
    FAULT("poller.mode", poller.type ^= IO_POLLER_EDGE | IO_POLLER_LEVEL);
    FAULT("poller.area", poller.area = NULL);
    FAULT("poller.fd_end", poller.fd_end = LIMIT + 1);
    FAULT("poller.start", poller.start = LIMIT + 1);
    FAULT("poller.fd", poller.fd = poller.fd >= 0 ? -1 : 0);
    FAULT("poller.outdated", poller.outdated = 2);
    if (!(config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING))) {
        FAULT("poller.outdated", poller.outdated = 1);
    }
    io_atom *inner = (io_atom *)(void *)poller.inline_slots; /* which nobody uses here */
    FAULT("poller.i_out", (*inner = atoms[READER], slot_of(READER)->atom = inner));
    end();
}

static void poll_area(const unit_config *config)
{
    if (!(config->types & IO_POLLER_POLL)) {
        return;
    }
    begin(config);
    struct pollfd *entries = poller.area;
    struct pollfd before[LIMIT];
    memcpy(before, entries, sizeof(before));
#define ENTRY_FAULT(name, statement)                                                               \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name, IO_CHECK_MEMORY);                                                   \
        memcpy(entries, before, sizeof(before));                                                   \
        mend();                                                                                    \
    } while (0)
    ENTRY_FAULT("poll.revents", entries[fds[READER]].revents = POLLIN);
    ENTRY_FAULT("poll.revents", entries[LIMIT - 1].revents = POLLIN);
    ENTRY_FAULT("poll.silent", entries[fds[FREE]].fd = fds[FREE]);
    ENTRY_FAULT("poll.silent", entries[fds[SILENT]].fd = fds[SILENT]);
    ENTRY_FAULT("poll.silent", entries[LIMIT - 1].fd = LIMIT - 1);
    ENTRY_FAULT("poll.silent", slot_of(READER)->kernel = IO_KERNEL_DEAD);
    ENTRY_FAULT("poll.armed", entries[fds[READER]].fd = -1);
    ENTRY_FAULT("poll.armed", entries[fds[READER]].fd = fds[WRITER]);
    ENTRY_FAULT("poll.armed", slot_of(SILENT)->kernel = IO_READ);
    ENTRY_FAULT("poll.events", entries[fds[READER]].events |= POLLOUT);
    ENTRY_FAULT("poll.events", entries[fds[READER]].events = 0);
    ENTRY_FAULT("poll.fd_end", poller.fd_end = (uint64_t)fds[READER]);
    end();
}

static void select_area(const unit_config *config)
{
    if (!(config->types & IO_POLLER_SELECT)) {
        return;
    }
    begin(config);
    unsigned long *in = poller.area;
    unsigned long *except = in + 4; /* two words for LIMIT descriptors */
    unsigned long before[6];
    memcpy(before, in, sizeof(before));
#define SET_FAULT(name, statement)                                                                 \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name, IO_CHECK_MEMORY);                                                   \
        memcpy(in, before, sizeof(before));                                                        \
        mend();                                                                                    \
    } while (0)
    SET_FAULT("select.silent", in[0] |= 1ul << fds[FREE]);
    SET_FAULT("select.silent", in[0] |= 1ul << fds[SILENT]);
    SET_FAULT("select.silent", in[0] |= 1ul << fds[WRITER]);
    SET_FAULT("select.silent", except[0] |= 1ul << fds[READER]);
    SET_FAULT("select.silent", except[1] |= 1ul << 63); /* beyond the table */
    SET_FAULT("select.silent", slot_of(READER)->kernel = IO_KERNEL_DEAD);
    SET_FAULT("select.armed", in[0] = 0);
    SET_FAULT("select.armed", slot_of(SILENT)->kernel = IO_EXCEPT);
    SET_FAULT("select.fd_end", poller.fd_end = 0);
    SET_FAULT("select.fd_end", poller.fd_end = (uint64_t)fds[READER]);
    end();
}

/* A poll of io_uring asks for something else than its note says, which only the simulator shows. */
static void uring_asked(void)
{
#ifdef IO_OS_SIM
    for (int i = 0; i < sim.request_end; i++) {
        io_sim_request *request = &sim.requests[i];
        if (request->used && (uint32_t)request->data == (uint32_t)fds[READER]) {
            uint32_t events = request->events;
            request->events = POLLIN | POLLOUT;
            expect(__LINE__, "uring.asked", IO_CHECK_KERNEL);
            CHECK(io_poller_check(&poller, IO_CHECK_MEMORY) == NULL);
            request->events = events;
            mend();
        }
    }
#endif
}

/* Of io_uring: the notes of each descriptor, the list of two of them, and the polls in the kernel. */
static void uring_area(const unit_config *config)
{
    enum { ARMED = 8 };
    const uint32_t listed = UINT32_C(1) << 31;
    if (!(config->types & IO_POLLER_URING)) {
        return;
    }
    begin(config);
    uint32_t(*notes)[2] = poller.area; /* token, and the next one listed */
    uint32_t before[LIMIT][2];
#define NOTE_FAULT(name, statement)                                                                \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name, IO_CHECK_MEMORY);                                                   \
        memcpy(notes, before, sizeof(before));                                                     \
        mend();                                                                                    \
    } while (0)
    CHECK_EQ(io_set(&poller, &atoms[WRITER], IO_WRITE), 0); /* listed, in level mode it was */
    CHECK_EQ(WRITE(fds[WRITER], "x", 1), 1); /* that the reader is ready comes with any change */
    CHECK_EQ(io_set(&poller, &atoms[SILENT], IO_READ), 0);
    CHECK_EQ(io_set(&poller, &atoms[SILENT], 0), 0);
    sound = poller;
    memcpy(sound_storage, storage, sizeof(storage));
    memcpy(before, notes, sizeof(before));
    uint32_t *reader = notes[fds[READER]], *writer = notes[fds[WRITER]];
    NOTE_FAULT("uring.silent", notes[fds[FREE]][0] |= ARMED);
    NOTE_FAULT("uring.silent", notes[LIMIT - 1][0] |= ARMED);
    NOTE_FAULT("uring.silent", slot_of(READER)->kernel = IO_KERNEL_DEAD);
    NOTE_FAULT("uring.armed", notes[fds[SILENT]][0] &= ~(uint32_t)ARMED);
    NOTE_FAULT("uring.events", reader[0] |= IO_WRITE);
    NOTE_FAULT("uring.events", slot_of(SILENT)->kernel = IO_WRITE);
    NOTE_FAULT("uring.list", notes[fds[SILENT]][1] = listed | (uint32_t)fds[SILENT]);
    NOTE_FAULT("uring.list", writer[1] = listed | (uint32_t)fds[WRITER]);
    NOTE_FAULT("uring.list", writer[1] = listed | LIMIT);
    NOTE_FAULT("uring.list", writer[1] &= ~listed);
    NOTE_FAULT("uring.list", reader[1] = listed | (uint32_t)fds[WRITER]);
    NOTE_FAULT("uring.list", poller.fd_end = 0);
    NOTE_FAULT("uring.list", poller.fd_end = (uint64_t)fds[WRITER] + 1);
    NOTE_FAULT("uring.list", poller.start = (uint64_t)fds[SILENT]);
    if (is_shown()) {
        /* One poll less, and one more, than the notes say: a descriptor's end and beginning. */
        reader[0] &= ~(uint32_t)ARMED;
        expect(__LINE__, "uring.stale", IO_CHECK_KERNEL);
        mend();
        reader[0] &= ~(uint32_t)ARMED;
        poller.outdated = 1;
        expect(__LINE__, "uring.outdated", IO_CHECK_EXACT);
        CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
        mend();
        io_atom_init(&atoms[FREE], fds[FREE], no_call);
        slot_of(FREE)->atom = &atoms[FREE];
        slot_of(FREE)->generation++;
        notes[fds[FREE]][0] |= ARMED;
        expect(__LINE__, "uring.missing", IO_CHECK_EXACT);
        CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
        mend();
    }
    uring_asked();
    end();
}

/* In the kernel, which is then asked for what is right again. */
static void kernel_fault(int line, const char *name, io_check_depth depth, int operation, int role,
                         uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    CHECK_EQ(CONTROL(poller.fd, operation, fds[role], &event), 0);
    expect(line, name, depth);
    CHECK(io_poller_check(&poller, IO_CHECK_MEMORY) == NULL);
    CHECK(depth == IO_CHECK_KERNEL || io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
    CHECK(operation != EPOLL_CTL_ADD || CONTROL(poller.fd, EPOLL_CTL_DEL, fds[role], &event) == 0);
}

static void kernel_set(const unit_config *config)
{
    if (!(config->types & IO_POLLER_EPOLL)) {
        return;
    }
    if (!is_shown()) {
        SKIP("/proc does not show the kernel's set");
    }
    begin(config);
    int edge = unit_is_edge(config);
    uint32_t et = edge ? (uint32_t)EPOLLET : 0;
    uint32_t in = EPOLLIN | EPOLLRDHUP;
    uint64_t data = (uint64_t)slot_of(READER)->generation << 32 | (uint32_t)fds[READER];
    uint64_t other = data + (UINT64_C(2) << 32); /* of a later registration */
#define KERNEL_FAULT(name, depth, ...)                                                             \
    do {                                                                                           \
        kernel_fault(__LINE__, name, depth, __VA_ARGS__);                                          \
        struct epoll_event event_ = {.events = in | et, .data.u64 = data};                         \
        if (CONTROL(poller.fd, EPOLL_CTL_MOD, fds[READER], &event_) < 0) {                         \
            CHECK_EQ(CONTROL(poller.fd, EPOLL_CTL_ADD, fds[READER], &event_), 0);                  \
        }                                                                                          \
        mend();                                                                                    \
    } while (0)
    int mod = EPOLL_CTL_MOD, del = EPOLL_CTL_DEL, add = EPOLL_CTL_ADD;
    KERNEL_FAULT("epoll.events", IO_CHECK_KERNEL, mod, READER, in | (et ^ (uint32_t)EPOLLET), data);
    KERNEL_FAULT("epoll.events", IO_CHECK_KERNEL, mod, READER, EPOLLIN | et, data);
    KERNEL_FAULT("epoll.events", IO_CHECK_KERNEL, mod, READER, in | EPOLLOUT | et, data);
    KERNEL_FAULT("epoll.events", IO_CHECK_KERNEL, mod, READER, in | EPOLLPRI | et, data);
    KERNEL_FAULT("epoll.number", IO_CHECK_KERNEL, mod, READER, in | et, data + 1);
    KERNEL_FAULT("epoll.number", IO_CHECK_KERNEL, mod, READER, in | et, data | 1u << 31);
    KERNEL_FAULT("epoll.stale", IO_CHECK_EXACT, mod, READER, in | et, other);
    KERNEL_FAULT("epoll.stale", IO_CHECK_EXACT, add, FREE, in | et, (uint64_t)fds[FREE]);
    KERNEL_FAULT("epoll.missing", IO_CHECK_EXACT, del, READER, 0, 0);
    /* A set that is known to be outdated may be wrong until the next wait. */
    poller.outdated = 1;
    expect(__LINE__, "epoll.outdated", IO_CHECK_EXACT);
    slot_of(READER)->kernel = BOTH;
    CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
    poller.outdated = 0;
    expect(__LINE__, "epoll.events", IO_CHECK_KERNEL);
    mend();
    slot_of(SILENT)->kernel = IO_KERNEL_DEAD;
    expect(__LINE__, "epoll.stale", IO_CHECK_EXACT);
    mend();
    end();
}

#ifdef IO_OS_SIM

static void change(int role, int filter, int flags, uint32_t generation)
{
    struct kevent one;
    EV_SET(&one, (uintptr_t)fds[role], (short)filter, (unsigned short)flags, 0, 0,
           (void *)(uintptr_t)generation);
    CHECK_EQ(io_sim_kevent(poller.fd, &one, 1, NULL, 0, NULL), 0);
}

/* What the kernel has, and what the area notes. */
static void kernel_queue(const unit_config *config)
{
    enum { BROKEN = 1, LACKING = 2 };
    if (!(config->types & IO_POLLER_KQUEUE)) {
        return;
    }
    begin(config);
    int clear = unit_is_edge(config) ? EV_CLEAR : 0;
    uint32_t generation = slot_of(READER)->generation;
    uint8_t *notes = poller.area;
    /* Each is put right again by deleting what it added, and adding what it deleted. */
    change(READER, EVFILT_READ, EV_DELETE, 0);
    expect(__LINE__, "kqueue.missing", IO_CHECK_EXACT);
    CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
    change(READER, EVFILT_READ, EV_ADD | (clear ^ EV_CLEAR), generation);
    expect(__LINE__, "kqueue.flags", IO_CHECK_KERNEL);
    change(READER, EVFILT_READ, EV_DELETE, 0);
    change(READER, EVFILT_READ, EV_ADD | clear, generation + 2);
    expect(__LINE__, "kqueue.stale", IO_CHECK_EXACT);
    CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
    change(READER, EVFILT_READ, EV_ADD, generation);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    change(FREE, EVFILT_READ, EV_ADD | clear, slot_of(FREE)->generation);
    expect(__LINE__, "kqueue.stale", IO_CHECK_EXACT);
    change(FREE, EVFILT_READ, EV_DELETE, 0);
    change(READER, EVFILT_WRITE, EV_ADD | clear, generation);
    expect(__LINE__, "kqueue.excess", IO_CHECK_EXACT);
    CHECK(io_poller_check(&poller, IO_CHECK_KERNEL) == NULL);
    change(READER, EVFILT_WRITE, EV_DELETE, 0);
    struct kevent user = {.filter = EVFILT_USER, .flags = EV_ADD | EV_CLEAR};
    CHECK_EQ(io_sim_kevent(poller.fd, &user, 1, NULL, 0, NULL), 0);
    expect(__LINE__, "kqueue.flags", IO_CHECK_KERNEL);
    user.flags = EV_DELETE;
    CHECK_EQ(io_sim_kevent(poller.fd, &user, 1, NULL, 0, NULL), 0);
    /* What is asked for, and the kernel has not; but it may lack what will be put right. */
    slot_of(SILENT)->kernel = IO_WRITE;
    expect(__LINE__, "kqueue.missing", IO_CHECK_EXACT);
    notes[fds[SILENT]] = LACKING;
    expect(__LINE__, "kqueue.outdated", IO_CHECK_MEMORY);
    poller.outdated = 1;
    expect(__LINE__, "kqueue.outdated", IO_CHECK_MEMORY);
    poller.fd_end = LIMIT;
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    notes[fds[SILENT]] = BROKEN;
    expect(__LINE__, "kqueue.missing", IO_CHECK_EXACT);
    notes[fds[SILENT]] = 4;
    expect(__LINE__, "kqueue.note", IO_CHECK_MEMORY);
    notes[fds[SILENT]] = 0;
    notes[fds[FREE]] = BROKEN;
    expect(__LINE__, "kqueue.note", IO_CHECK_MEMORY);
    notes[fds[FREE]] = 0;
    mend();
    end();
}

#endif

static void not_open(const unit_config *config)
{
    static io_poller closed;
    (void)config;
    CHECK(io_poller_check(NULL, IO_CHECK_EXACT) == NULL);
    CHECK(io_poller_check(&closed, IO_CHECK_EXACT) == NULL);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"check_poller_fields", "", fields, UNIT_EACH},
        {"check_poller_poll_area", "", poll_area, UNIT_EACH},
        {"check_poller_select_area", "", select_area, UNIT_EACH},
        {"check_poller_uring_area", "", uring_area, UNIT_EACH},
        {"check_poller_kernel_set", "", kernel_set, UNIT_EACH},
#ifdef IO_OS_SIM
        {"check_poller_kernel_queue", "", kernel_queue, UNIT_EACH},
#endif
        {"check_poller_not_open", "", not_open, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
