/* What the tests of the poller share, beyond unit.h. Static inline: each test is one file. */
#ifndef TESTS_UNIT_KIT_H
#define TESTS_UNIT_KIT_H

#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef _WIN32
#define KIT_BYTES_PER_FD 112 /* IO-MEM-4 */
#define KIT_TURNS 400        /* of tests that go on and on: filling a connection takes time there */
#else
#define KIT_BYTES_PER_FD 28
#define KIT_TURNS 2000
#endif

enum { KIT_ASIDE = 300, KIT_EPOLL_BATCH = 64, KIT_ALL = IO_READ | IO_WRITE | IO_EXCEPT };

static inline int kit_is_epoll(const unit_config *config)
{
    return (config->types & IO_POLLER_EPOLL) != 0;
}

static inline int kit_is_uring(const unit_config *config)
{
    return (config->types & IO_POLLER_URING) != 0;
}

/* The kernel has a set of its own, which can tell edges. */
static inline int kit_has_set(const unit_config *config)
{
    return (config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING)) != 0;
}

static inline int kit_is_afd(const unit_config *config)
{
    return (config->types & IO_POLLER_AFD) != 0;
}

static inline int kit_is_select(const unit_config *config)
{
    return (config->types & IO_POLLER_SELECT) != 0;
}

/* What "the next wait" may take: the number of waits that IO-FAIR-1 allows with so many atoms. */
static inline int kit_rounds(int registered)
{
    return (2 * registered + KIT_EPOLL_BATCH - 1) / KIT_EPOLL_BATCH + 1;
}

static inline unit_atom *kit_atom_of(io_atom *atom)
{
    return io_resolve_parent(atom, unit_atom, io);
}

/* Begin a poller of the configuration, and register an atom of the descriptor in it. */
static inline void kit_begin(io_poller *poller, const unit_config *config, unit_atom *atom,
                             io_fd fd, int flags)
{
    unit_poller(poller, config);
    unit_atom_init(atom, fd);
    CHECK_EQ(io_add(poller, &atom->io, flags), 0);
}

static inline void kit_add(io_poller *poller, unit_atom *atom, io_fd fd, int flags)
{
    unit_atom_init(atom, fd);
    CHECK_EQ(io_add(poller, &atom->io, flags), 0);
}

static inline void kit_set(io_poller *poller, unit_atom *atom, int flags)
{
    CHECK_EQ(io_set(poller, &atom->io, flags), 0);
}

static inline void kit_remove(io_poller *poller, unit_atom *atom)
{
    CHECK_EQ(io_remove(poller, &atom->io), 0);
}

static inline void kit_end(io_poller *poller)
{
    CHECK_EQ(io_poller_dispose(poller), 0);
}

/* The next wait finds so many; with few atoms. A wait may tell a flag that a poll found earlier, and
 * leave to the second one what has come since (afd). */
static inline void kit_found(io_poller *poller, int count)
{
    for (int i = 0; i < kit_rounds(1); i++) {
        CHECK_EQ(io_wait(poller, 0), count);
    }
}

/* What this atom is told by the next wait, of what is ready already, with so many atoms registered.
 */
static inline int kit_next_of(io_poller *poller, unit_atom *atom, int registered)
{
    int flags = 0;
    for (int i = 0; i < kit_rounds(registered); i++) {
        flags |= unit_told(poller, atom, 0);
    }
    return flags;
}

/* The same with few atoms. */
static inline int kit_next(io_poller *poller, unit_atom *atom)
{
    return kit_next_of(poller, atom, 1);
}

/* Nothing is told to anybody, for some time; nobody is called. */
static inline void kit_silent(io_poller *poller)
{
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(io_wait(poller, i * 5), 0);
        CHECK_EQ(io_dispatch(poller), 0);
    }
}

/* The same, in two waits that don't block. */
static inline void kit_quiet(io_poller *poller)
{
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(io_wait(poller, 0), 0);
        CHECK_EQ(io_dispatch(poller), 0);
    }
}

/* Some bytes, of which nothing is left over. */
static inline void kit_put(io_fd fd, size_t size)
{
    static const char bytes[256];
    CHECK(size <= sizeof(bytes));
    CHECK_EQ(write(fd, bytes, size), size);
}

static inline void kit_get(io_fd fd, size_t size)
{
    char bytes[256];
    CHECK(size <= sizeof(bytes));
    CHECK_EQ(read(fd, bytes, size), size);
}

/* Read through the library until it notes that IO_READ is exhausted. */
static inline void kit_exhaust_read(io_poller *poller, unit_atom *atom)
{
    char bytes[4096];
    size_t size = 0;
    int result = 0;
    while (result == 0) {
        result = io_read(poller, &atom->io, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EAGAIN);
}

static inline void kit_exhaust_write(io_poller *poller, unit_atom *atom)
{
    static const char bytes[4096];
    size_t size = 0;
    int result = 0;
#ifdef _WIN32
    (void)unit_fill(atom->io.fd); /* a connection, where room may come again by itself */
#endif
    while (result == 0) {
        result = io_write(poller, &atom->io, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EAGAIN);
}

static inline uint64_t kit_now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A descriptor of the same file with this number, close-on-exec; the number must be free. */
static inline void kit_dup_to(io_fd fd, io_fd number)
{
    CHECK(fcntl(number, F_GETFD) < 0);
    CHECK_EQ(dup3(fd, number, O_CLOEXEC), number);
}

/* Move a descriptor to another number. */
static inline io_fd kit_move(io_fd fd, io_fd number)
{
    kit_dup_to(fd, number);
    unit_close(fd);
    return number;
}

/* Move what is open below n aside, so that a test can have all these numbers, and back again. */
static inline void kit_take_numbers(int n, io_fd saved[])
{
    for (int fd = 0; fd < n; fd++) {
        saved[fd] = fcntl(fd, F_GETFD) >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, KIT_ASIDE) : -1;
        CHECK(saved[fd] < 0 || close(fd) == 0);
    }
}

static inline void kit_give_numbers(int n, const io_fd saved[])
{
    for (int fd = 0; fd < n; fd++) {
        (void)close(fd);
        if (saved[fd] >= 0) {
            CHECK_EQ(dup2(saved[fd], fd), fd);
            unit_close(saved[fd]);
        }
    }
}

/* Allow descriptors below this number, or skip the test. */
static inline void kit_allow(int fds)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur < (rlim_t)fds) {
        limit.rlim_cur = (rlim_t)fds;
        if (limit.rlim_max < limit.rlim_cur) {
            SKIP("RLIMIT_NOFILE is too low");
        }
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
}

/* A number that no open descriptor has. */
static inline io_fd kit_free_number(void)
{
    io_fd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    unit_close(fd);
    return fd;
}

#endif
