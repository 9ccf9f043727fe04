/* Pollers: errors, memory, how one is made, described and ended. */
#include "spy.h"

#include "kit.h"

#include <limits.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static io_poller poller; /* a process for each test: always a fresh one */
static io_poller other;

#ifdef UNIT_ON_SIM
static const int backend_types[] = {IO_POLLER_EPOLL, IO_POLLER_KQUEUE, IO_POLLER_URING,
                                    IO_POLLER_POLL, IO_POLLER_SELECT};
static const char *const backend_names[] = {"epoll", "kqueue", "uring", "poll", "select"};
enum { MISSING = IO_POLLER_AFD, A_SET = IO_POLLER_KQUEUE };
#else
static const int backend_types[] = {IO_POLLER_EPOLL, IO_POLLER_URING, IO_POLLER_POLL,
                                    IO_POLLER_SELECT};
static const char *const backend_names[] = {"epoll", "uring", "poll", "select"};
enum { MISSING = IO_POLLER_KQUEUE, A_SET = IO_POLLER_EPOLL };
#endif

enum { BACKENDS = sizeof(backend_types) / sizeof(backend_types[0]) };
enum { MODES = IO_POLLER_EDGE | IO_POLLER_LEVEL };

/* Skip the test unless all are compiled in, and offered by this kernel. */
static void need_all_backends(void)
{
    CHECK(unsetenv("IOATOM_POLLER") == 0);
    for (int i = 0; i < BACKENDS; i++) {
        int result = io_poller_init(&other, backend_types[i]);
        if (result == -ENOSYS) {
            SKIP("a backend is not compiled in, or not offered by the kernel");
        }
        CHECK_EQ(result, 0);
        kit_end(&other);
    }
}

/* The name of the backend that is taken, after which the poller is gone. */
static const char *taken(int types)
{
    CHECK_EQ(io_poller_init(&poller, types), 0);
    const char *name = io_poller_name(&poller);
    kit_end(&poller);
    return name;
}

static io_fd ordinary_file(void)
{
    io_fd fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static io_fd directory(void)
{
    io_fd fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

/* --- errors --- */

static int add_to(io_poller *to, io_fd fd, io_proc proc, int flags)
{
    io_atom atom;
    io_atom_init(&atom, fd, proc);
    return io_add(to, &atom, flags);
}

/* The same mistakes everywhere; the codes are those of ioatom.h. */
static void error_codes(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom, twin, none;
    CLAUSE("IO-ERROR-1");
    CLAUSE("IO-ERROR-3");
    kit_allow(IO_POLLER_INLINE_FDS + 10);
    unit_pipe(fds);
    io_fd file = ordinary_file();
    io_fd folder = directory();
    io_fd far = IO_POLLER_INLINE_FDS;
    kit_dup_to(fds[0], far);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    unit_atom_init(&twin, fds[0]);
    unit_atom_init(&none, kit_free_number());
    CHECK_ERROR(add_to(&poller, fds[1], unit_note, 16), -EINVAL);
    CHECK_ERROR(add_to(&poller, fds[1], NULL, IO_READ), -EINVAL);
    CHECK_ERROR(add_to(&poller, -1, unit_note, IO_READ), -EBADF);
    CHECK_ERROR(add_to(&poller, INT_MIN, unit_note, IO_READ), -EBADF);
    CHECK_ERROR(add_to(&poller, none.io.fd, unit_note, IO_READ), -EBADF);
    CHECK_ERROR(add_to(&poller, far, unit_note, IO_READ), -ERANGE);
    CHECK_ERROR(add_to(&poller, file, unit_note, IO_READ), -EPERM);
    CHECK_ERROR(add_to(&poller, folder, unit_note, 0), -EPERM);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EEXIST);
    CHECK_ERROR(io_add(&poller, &twin.io, IO_WRITE), -EEXIST);
    CHECK_ERROR(io_set(&poller, &atom.io, 16), -EINVAL);
    CHECK_ERROR(io_set(&poller, &twin.io, 0), -ENOENT);
    CHECK_ERROR(io_set(&poller, &none.io, 0), -ENOENT);
    CHECK_ERROR(io_remove(&poller, &twin.io), -ENOENT);
    CHECK_ERROR(io_remove(&poller, &none.io), -ENOENT);
    CHECK_ERROR(io_exhausted(&poller, &atom.io, IO_ONESHOT), -EINVAL);
    CHECK_ERROR(io_exhausted(&poller, &twin.io, IO_READ), -ENOENT);
    CHECK_ERROR(io_exhausted(&poller, &none.io, IO_READ), -ENOENT);
    /* Every success is 0 or a number, whatever errno was. */
    errno = EIO;
    CHECK_EQ(io_set(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(io_exhausted(&poller, &atom.io, 0), 0);
    CHECK_EQ(io_wait(&poller, 0), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_EQ(io_remove(&poller, &atom.io), 0);
    CHECK_EQ(io_poller_dispose(&poller), 0);
    unit_close(far);
    unit_close(file);
    unit_close(folder);
    unit_close_pair(fds);
}

/* The poller's bytes before and after calls that fail: none is another one. */
static void error_changes_nothing(const unit_config *config)
{
    static io_poller before;
    io_fd fds[2], empty[2];
    unit_atom atom, twin, none, quiet;
    io_event event = {NULL, 77};
    CLAUSE("IO-ERROR-2");
    kit_allow(IO_POLLER_INLINE_FDS + 10);
    unit_pipe(fds);
    unit_pipe(empty);
    kit_dup_to(fds[0], IO_POLLER_INLINE_FDS);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_ONESHOT);
    kit_add(&poller, &quiet, empty[0], IO_READ);
    kit_put(fds[1], 3);
    CHECK_EQ(io_wait(&poller, 0), 1);
    unit_atom_init(&twin, fds[0]);
    unit_atom_init(&none, kit_free_number());
    memcpy(&before, &poller, sizeof(before));
    CHECK_ERROR(io_poller_init(&poller, 0), -EINVAL);
    CHECK_ERROR(io_poller_init_in(&poller, config->types, NULL, 1000), -EINVAL);
    CHECK_ERROR(io_add(&poller, &twin.io, IO_WRITE), -EEXIST);
    CHECK_ERROR(add_to(&poller, fds[1], unit_note, -1), -EINVAL);
    CHECK_ERROR(add_to(&poller, -1, unit_note, 0), -EBADF);
    CHECK_ERROR(add_to(&poller, IO_POLLER_INLINE_FDS, unit_note, 0), -ERANGE);
    CHECK_ERROR(io_set(&poller, &atom.io, 32), -EINVAL);
    CHECK_ERROR(io_set(&poller, &twin.io, 0), -ENOENT);
    CHECK_ERROR(io_set(&poller, &none.io, 0), -ENOENT);
    CHECK_ERROR(io_remove(&poller, &twin.io), -ENOENT);
    CHECK_ERROR(io_exhausted(&poller, &twin.io, IO_READ), -ENOENT);
    CHECK_ERROR(io_exhausted(&poller, &atom.io, 8), -EINVAL);
    CHECK_ERROR(io_next(&poller, NULL), -EINVAL);
    CHECK_BYTES(&before, &poller, sizeof(before));
    /* What the kernel refuses, and what that leaves behind. */
    io_fd folder = directory();
    CHECK_ERROR(add_to(&poller, folder, unit_note, IO_READ), -EPERM);
    unit_close(folder);
    CHECK_ERROR(add_to(&poller, folder, unit_note, IO_READ), -EBADF);
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK(event.atom == &atom.io);
    CHECK_EQ(event.flags, IO_READ);
    kit_put(empty[1], 1);
    CHECK_EQ(kit_next(&poller, &quiet), IO_READ);
    kit_end(&poller);
    unit_close(IO_POLLER_INLINE_FDS);
    unit_close_pair(fds);
    unit_close_pair(empty);
}

/* Each pair of mistakes in one call. */
static void error_order(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom, none;
    CLAUSE("IO-ERROR-4");
    kit_allow(IO_POLLER_INLINE_FDS + 10);
    unit_pipe(fds);
    io_fd far_file = kit_move(ordinary_file(), IO_POLLER_INLINE_FDS + 1);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    unit_atom_init(&none, kit_free_number());
    /* -EINVAL before all others */
    CHECK_ERROR(add_to(&poller, -1, unit_note, 16), -EINVAL);
    CHECK_ERROR(add_to(&poller, none.io.fd, NULL, 0), -EINVAL);
    CHECK_ERROR(add_to(&poller, far_file, unit_note, 16), -EINVAL);
    CHECK_ERROR(add_to(&poller, fds[0], unit_note, 16), -EINVAL);
    CHECK_ERROR(io_set(&poller, &none.io, 16), -EINVAL);
    CHECK_ERROR(io_exhausted(&poller, &none.io, 8), -EINVAL);
    /* -EBADF before -ERANGE and -EEXIST */
    CHECK_ERROR(add_to(&poller, IO_POLLER_INLINE_FDS, unit_note, 0), -EBADF);
    CHECK_ERROR(add_to(&poller, INT_MAX, unit_note, 0), -EBADF);
    /* -ERANGE before -EPERM */
    CHECK_ERROR(add_to(&poller, far_file, unit_note, 0), -ERANGE);
    unit_close(fds[0]);
    CHECK_ERROR(io_add(&poller, &atom.io, 0), -EBADF);
    CHECK_ERROR(add_to(&poller, fds[0], unit_note, 0), -EBADF);
    /* -EEXIST before -EPERM: the number is taken, whatever has it now */
    io_fd file = ordinary_file();
    CHECK_EQ(file, fds[0]);
    CHECK_ERROR(add_to(&poller, file, unit_note, 0), -EEXIST);
    kit_remove(&poller, &atom);
    CHECK_ERROR(add_to(&poller, file, unit_note, 0), -EPERM);
    kit_end(&poller);
    unit_close(file);
    unit_close(far_file);
    unit_close(fds[1]);
}

static void refuses_all(io_poller *p, unit_atom *atom)
{
    io_event event = {NULL, 0};
    CHECK_ERROR(io_add(p, &atom->io, IO_READ), -EINVAL);
    CHECK_ERROR(io_set(p, &atom->io, IO_READ), -EINVAL);
    CHECK_ERROR(io_remove(p, &atom->io), -EINVAL);
    CHECK_ERROR(io_exhausted(p, &atom->io, IO_READ), -EINVAL);
    CHECK_ERROR(io_wait(p, 0), -EINVAL);
    CHECK_ERROR(io_wait(p, -1), -EINVAL);
    CHECK_ERROR(io_dispatch(p), -EINVAL);
    CHECK_ERROR(io_next(p, &event), -EINVAL);
    CHECK_ERROR(io_fd_check(p), -EINVAL);
    CHECK_ERROR(io_poller_fd(p), -EINVAL);
    CHECK_ERROR(io_poller_type(p), -EINVAL);
    CHECK_ERROR(io_poller_after_fork(p), -EINVAL);
    CHECK_ERROR(io_poller_dispose(p), -EINVAL);
    CHECK(event.atom == NULL);
}

static void error_null(const unit_config *config)
{
    static uint64_t storage[64];
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ERROR-5");
    unit_pipe(fds);
    unit_atom_init(&atom, fds[0]);
    kit_put(fds[1], 1);
    CHECK_ERROR(io_poller_init(NULL, config->types), -EINVAL);
    CHECK_ERROR(io_poller_init_in(NULL, config->types, storage, sizeof(storage)), -EINVAL);
    refuses_all(NULL, &atom);
    unit_poller(&poller, config);
    CHECK_ERROR(io_add(&poller, NULL, IO_READ), -EINVAL);
    CHECK_ERROR(io_set(&poller, NULL, IO_READ), -EINVAL);
    CHECK_ERROR(io_remove(&poller, NULL), -EINVAL);
    CHECK_ERROR(io_exhausted(&poller, NULL, IO_READ), -EINVAL);
    CHECK_ERROR(io_next(&poller, NULL), -EINVAL);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_ERROR(io_next(&poller, NULL), -EINVAL);
    kit_end(&poller);
    refuses_all(&poller, &atom);
    unit_close_pair(fds);
}

static int busy_calls;

/* Inside a callback; -EINVAL comes first here, too. */
static void busy_proc(io_poller *p, io_atom *atom, int flags)
{
    io_event event = {NULL, 0};
    (void)flags;
    busy_calls++;
    CHECK_ERROR(io_wait(p, 0), -EBUSY);
    CHECK_ERROR(io_dispatch(p), -EBUSY);
    CHECK_ERROR(io_next(p, &event), -EBUSY);
    CHECK_ERROR(io_next(p, NULL), -EINVAL);
    CHECK_ERROR(io_poller_dispose(p), -EBUSY);
    CHECK_ERROR(io_poller_after_fork(p), -EBUSY);
    CHECK_EQ(io_fd_check(p), 0);
    CHECK_EQ(io_set(p, atom, 0), 0);
}

static void error_busy(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ERROR-3");
    CLAUSE("IO-ERROR-4");
    unit_pipe(fds);
    kit_put(fds[1], 1);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    atom.io.proc = busy_proc;
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(busy_calls, 1);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- memory --- */

enum { READ_ONLY_ATOMS = 4 };

static int read_only_calls;

static void read_only_proc(io_poller *p, io_atom *atom, int flags)
{
    char bytes[16];
    size_t size = 0;
    read_only_calls++;
    if (flags & IO_READ) {
        CHECK_EQ(io_read(p, atom, bytes, sizeof(bytes), &size), 0);
        CHECK_ERROR(io_read(p, atom, bytes, sizeof(bytes), &size), -EAGAIN);
    }
    if (flags & IO_WRITE) {
        CHECK_EQ(io_write(p, atom, "x", 1, &size), 0);
        CHECK_EQ(io_set(p, atom, IO_READ), 0);
    }
}

/* Everything that a registered atom goes through, with the atoms in memory that can't be written.
 */
static void read_only_round(io_atom *atoms, io_fd pairs[READ_ONLY_ATOMS][2])
{
    io_event event = {NULL, 0};
    for (int i = 0; i < READ_ONLY_ATOMS; i++) {
        CHECK_EQ(io_add(&poller, &atoms[i], IO_READ | IO_WRITE), 0);
        kit_put(pairs[i][1], 3);
    }
    CHECK(io_wait(&poller, 0) > 0);
    CHECK(io_dispatch(&poller) > 0);
    for (int i = 0; i < READ_ONLY_ATOMS; i++) {
        CHECK_EQ(io_set(&poller, &atoms[i], IO_READ | IO_ONESHOT), 0);
        kit_put(pairs[i][1], 3);
    }
    CHECK(io_wait(&poller, 0) > 0);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK(io_dispatch(&poller) >= 0);
    CHECK_EQ(io_exhausted(&poller, &atoms[0], IO_READ), 0);
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_EQ(io_poller_after_fork(&poller), 0);
    CHECK_ERROR(io_add(&poller, &atoms[0], 0), -EEXIST);
    unit_close(pairs[0][0]);
    CHECK(io_wait(&poller, 0) >= 0);
    CHECK(io_dispatch(&poller) >= 0);
    CHECK_EQ(io_remove(&poller, &atoms[0]), 0);
    for (int i = 1; i < READ_ONLY_ATOMS; i++) {
        CHECK_EQ(io_remove(&poller, &atoms[i]), 0);
    }
}

static void mem_read_only_atoms(const unit_config *config)
{
    io_fd pairs[READ_ONLY_ATOMS][2];
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    io_atom *atoms = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CLAUSE("IO-MEM-2");
    CHECK(atoms != MAP_FAILED);
    for (int i = 0; i < READ_ONLY_ATOMS; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        io_atom_init(&atoms[i], pairs[i][0], read_only_proc);
    }
    CHECK(mprotect(atoms, size, PROT_READ) == 0);
    unit_poller(&poller, config);
    read_only_round(atoms, pairs);
    CHECK(read_only_calls > 0);
    kit_end(&poller);
    unit_close(pairs[0][1]);
    for (int i = 1; i < READ_ONLY_ATOMS; i++) {
        unit_close_pair(pairs[i]);
    }
    CHECK(munmap(atoms, size) == 0);
}

static void mem_sizes(const unit_config *config)
{
    static const int counts[] = {1, 2, 5, 63, 64, 65, 1023, 1024, 1025, 4096, 1000000, INT_MAX};
    static const int types[] = {IO_POLLER_ANY,
                                IO_POLLER_EPOLL,
                                IO_POLLER_URING,
                                IO_POLLER_POLL,
                                IO_POLLER_SELECT,
                                IO_POLLER_SELECT | IO_POLLER_EDGE,
                                IO_POLLER_POLL | IO_POLLER_LEVEL};
    (void)config;
    CLAUSE("IO-MEM-3");
    CHECK(sizeof(void *) != 8 || sizeof(io_atom) == 16);
    CLAUSE("IO-MEM-4");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_EQ(io_poller_storage_size(types[i], 0), 0);
        CHECK_EQ(io_poller_storage_size(types[i], -1), 0);
        CHECK_EQ(io_poller_storage_size(types[i], INT_MIN), 0);
        for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
            size_t size = io_poller_storage_size(types[i], counts[j]);
            CHECK(size > 0 && size <= KIT_BYTES_PER_FD * (size_t)counts[j]);
        }
    }
}

static void mem_inline_limit(const unit_config *config)
{
    io_fd fds[2];
    unit_atom last;
    CLAUSE("IO-MEM-5");
    kit_allow(IO_POLLER_INLINE_FDS + 10);
    unit_pipe(fds);
    kit_dup_to(fds[0], IO_POLLER_INLINE_FDS - 1);
    kit_dup_to(fds[0], IO_POLLER_INLINE_FDS);
    kit_put(fds[1], 1);
    kit_begin(&poller, config, &last, IO_POLLER_INLINE_FDS - 1, IO_READ);
    CHECK_ERROR(add_to(&poller, IO_POLLER_INLINE_FDS, unit_note, IO_READ), -ERANGE);
    CHECK_EQ(kit_next(&poller, &last), IO_READ);
    kit_end(&poller);
    unit_close(IO_POLLER_INLINE_FDS - 1);
    unit_close(IO_POLLER_INLINE_FDS);
    unit_close_pair(fds);
}

enum { FULL = 200, TINY_MAX = 5 };

/* A table for descriptors 0 to n - 1, all registered; n is beyond it. */
static void tiny_table(const unit_config *config, int n, size_t size)
{
    static uint64_t storage[TINY_MAX * 28 / sizeof(uint64_t) + 8];
    static unit_atom atoms[TINY_MAX];
    size_t guard = sizeof(storage) - size;
    memset(storage, 0x5a, sizeof(storage));
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage, size), 0);
    for (int fd = 0; fd < n; fd++) {
        kit_add(&poller, &atoms[fd], fd, IO_READ);
    }
    CHECK_ERROR(add_to(&poller, n, unit_note, IO_READ), -ERANGE);
    CHECK_EQ(io_wait(&poller, 0), n);
    CHECK_EQ(io_dispatch(&poller), n);
    for (int fd = 0; fd < n; fd++) {
        CHECK_EQ(atoms[fd].calls, 1);
        CHECK_EQ(atoms[fd].flags, IO_READ);
        kit_set(&poller, &atoms[fd], 0);
    }
    kit_silent(&poller);
    for (int fd = 0; fd < n; fd++) {
        kit_set(&poller, &atoms[fd], IO_READ);
    }
    CHECK_EQ(io_wait(&poller, 0), n);
    kit_end(&poller);
    for (size_t i = 0; i < guard; i++) {
        CHECK_EQ(((unsigned char *)storage)[size + i], 0x5a);
    }
}

static void mem_tiny_tables(const unit_config *config)
{
    static const int counts[] = {1, 2, TINY_MAX};
    io_fd fds[2], saved[TINY_MAX + 1];
    CLAUSE("IO-MEM-5");
    unit_poller(&poller, config);
    kit_end(&poller);
    unit_pipe(fds);
    kit_move(fds[0], 100);
    kit_move(fds[1], 101);
    kit_put(101, 1);
    kit_take_numbers(TINY_MAX + 1, saved);
    for (int fd = 0; fd <= TINY_MAX; fd++) {
        kit_dup_to(100, fd);
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        /* The largest N whose size fits: from its own up to one byte less than the next one's. */
        tiny_table(config, counts[i], io_poller_storage_size(config->types, counts[i]));
        tiny_table(config, counts[i], io_poller_storage_size(config->types, counts[i]) + 1);
        tiny_table(config, counts[i], io_poller_storage_size(config->types, counts[i] + 1) - 1);
    }
    kit_give_numbers(TINY_MAX + 1, saved);
    unit_close(100);
    unit_close(101);
}

enum { LARGE = 4000 };

/* Numbers above FD_SETSIZE, with select, too. */
static void mem_large_table(const unit_config *config)
{
    static const io_fd numbers[] = {1023, 1024, 1025, 2047, 3000, LARGE - 1};
    enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
    static uint64_t storage[LARGE * 28 / sizeof(uint64_t) + 1];
    static unit_atom atoms[COUNT];
    io_fd pairs[COUNT][2];
    size_t size = io_poller_storage_size(config->types, LARGE);
    CLAUSE("IO-MEM-5");
    kit_allow(LARGE + 200);
    unit_poller(&poller, config);
    kit_end(&poller);
    CHECK(size <= sizeof(storage));
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage, size), 0);
    for (int i = 0; i < COUNT; i++) {
        unit_unix_pair(pairs[i], SOCK_STREAM);
        pairs[i][0] = kit_move(pairs[i][0], numbers[i]);
        kit_add(&poller, &atoms[i], numbers[i], IO_READ);
    }
    kit_dup_to(pairs[0][1], LARGE);
    CHECK_ERROR(add_to(&poller, LARGE, unit_note, IO_READ), -ERANGE);
    for (int i = 0; i < COUNT; i++) {
        kit_put(pairs[i][1], 1);
        CHECK_EQ(kit_next_of(&poller, &atoms[i], COUNT), IO_READ);
        kit_exhaust_read(&poller, &atoms[i]);
    }
    kit_silent(&poller);
    for (int i = 0; i < COUNT; i++) {
        kit_set(&poller, &atoms[i], IO_READ | IO_WRITE);
    }
    CHECK_EQ(io_wait(&poller, 0), COUNT);
    for (int i = 0; i < COUNT; i++) {
        kit_remove(&poller, &atoms[i]);
        unit_close_pair(pairs[i]);
    }
    CHECK_EQ(io_wait(&poller, 0), 0);
    kit_end(&poller);
    unit_close(LARGE);
}

/* Every place of a table at once. */
static void mem_full_table(const unit_config *config)
{
    static uint64_t storage[FULL * 28 / sizeof(uint64_t) + 1];
    static unit_atom atoms[FULL];
    io_fd fds[2], saved[FULL];
    int calls = 0;
    CLAUSE("IO-MEM-5");
    unit_poller(&poller, config);
    kit_end(&poller);
    unit_pipe(fds);
    kit_move(fds[0], FULL);
    kit_move(fds[1], FULL + 1);
    kit_put(FULL + 1, 1);
    kit_take_numbers(FULL, saved);
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage,
                               io_poller_storage_size(config->types, FULL)),
             0);
    io_fd own = kit_has_set(config) ? 0 : -1; /* the one number that a set needs itself */
    CHECK_EQ(fcntl(0, F_GETFD) >= 0, own == 0);
    for (int fd = 0; fd < FULL; fd++) {
        if (fd != own) {
            kit_dup_to(FULL, fd);
            kit_add(&poller, &atoms[fd], fd, IO_READ);
        }
    }
    for (int i = 0; i < kit_rounds(FULL); i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    for (int fd = 0; fd < FULL; fd++) {
        calls += atoms[fd].calls > 0;
    }
    CHECK_EQ(calls, own >= 0 ? FULL - 1 : FULL);
    kit_end(&poller);
    kit_give_numbers(FULL, saved);
    unit_close(FULL);
    unit_close(FULL + 1);
}

/* Two members, nothing around them, no look at the descriptor, no errno. */
static void mem_atom_init(const unit_config *config)
{
    static const io_fd numbers[] = {0, -1, INT_MAX, INT_MIN, 987654};
    (void)config;
    CLAUSE("IO-MEM-6");
    spy_reset();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unsigned char bytes[3 * sizeof(io_atom)];
        io_atom atom;
        memset(bytes, 0x5a, sizeof(bytes));
        memcpy(&atom, bytes, sizeof(atom));
        errno = EIO;
        io_atom_init(&atom, numbers[i], busy_proc);
        CHECK_EQ(errno, EIO);
        CHECK_EQ(atom.fd, numbers[i]);
        CHECK(atom.proc == busy_proc);
        io_atom_init(&atom, numbers[i], NULL);
        CHECK(atom.proc == NULL);
    }
    CHECK_EQ(spy_waits() + spy_controls() + spy.create.count + spy.setup.count, 0);
}

/* --- making a poller --- */

static void init_choice(const unit_config *config)
{
    (void)config;
    need_all_backends();
    CLAUSE("IO-INIT-1");
    CHECK(strcmp(taken(IO_POLLER_ANY), "epoll") == 0);
    for (int set = 1; set < 1 << BACKENDS; set++) {
        int types = 0;
        const char *expected = NULL;
        for (int i = 0; i < BACKENDS; i++) {
            types |= set & 1 << i ? backend_types[i] : 0;
            expected = expected == NULL && (set & 1 << i) ? backend_names[i] : expected;
        }
        CHECK(strcmp(taken(types), expected) == 0);
        CHECK(strcmp(taken(types | IO_POLLER_EDGE), expected) == 0);
        CHECK(strcmp(taken(types | IO_POLLER_LEVEL), expected) == 0);
        /* Those that this platform doesn't have don't count. */
        CHECK(strcmp(taken(types | MISSING | IO_POLLER_AFD), expected) == 0);
    }
}

/* A kernel, or a sandbox, without epoll, and without io_uring. */
static void init_not_offered(const unit_config *config)
{
    static const int refusals[] = {ENOSYS, EPERM};
    static const int errors[] = {EMFILE, ENFILE, ENOMEM};
    (void)config;
    need_all_backends();
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        CLAUSE("IO-INIT-1");
        spy_reset();
        spy_fail(&spy.setup, refusals[i], 0, -1);
        CHECK(strcmp(taken(IO_POLLER_ANY), "epoll") == 0);
        CHECK(strcmp(taken(IO_POLLER_URING | IO_POLLER_SELECT), "select") == 0);
        spy_fail(&spy.create, refusals[i], 0, -1);
        CHECK(strcmp(taken(IO_POLLER_ANY), "poll") == 0);
        CHECK(strcmp(taken(IO_POLLER_EPOLL | IO_POLLER_SELECT), "select") == 0);
        CLAUSE("IO-INIT-4");
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_EPOLL), -ENOSYS);
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_URING), -ENOSYS);
        CHECK(strcmp(io_poller_name(&poller), "none") == 0);
    }
    CLAUSE("IO-ERROR-2");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int before = unit_fd_count();
        spy_reset();
        spy_fail(&spy.create, errors[i], 0, -1);
        spy_fail(&spy.setup, errors[i], 0, -1);
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_ANY), -errors[i]);
        CHECK_ERROR(io_poller_init(&poller, A_SET), -errors[i]);
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_URING), -errors[i]);
        CHECK_EQ(unit_fd_count(), before);
        CHECK_ERROR(io_wait(&poller, 0), -EINVAL);
    }
}

static void init_mode(const unit_config *config)
{
    (void)config;
    need_all_backends();
    for (int i = 0; i < BACKENDS; i++) {
        int type = backend_types[i];
        int is_native_edge = type & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING);
        int native = is_native_edge ? IO_POLLER_EDGE : IO_POLLER_LEVEL;
        CLAUSE("IO-INIT-2");
        CLAUSE("IO-INIT-7");
        CHECK_EQ(io_poller_init(&poller, type), 0);
        CHECK_EQ(io_poller_type(&poller), type | native);
        CHECK(strcmp(io_poller_name(&poller), backend_names[i]) == 0);
        kit_end(&poller);
        CHECK_EQ(io_poller_init(&poller, type | IO_POLLER_EDGE), 0);
        CHECK_EQ(io_poller_type(&poller), type | IO_POLLER_EDGE);
        kit_end(&poller);
        CHECK_EQ(io_poller_init(&poller, type | IO_POLLER_LEVEL), 0);
        CHECK_EQ(io_poller_type(&poller), type | IO_POLLER_LEVEL);
        kit_end(&poller);
        CHECK(strcmp(io_poller_name(&poller), "none") == 0);
        CHECK_ERROR(io_poller_type(&poller), -EINVAL);
    }
    CHECK(strcmp(io_poller_name(NULL), "none") == 0);
    CHECK_ERROR(io_poller_type(NULL), -EINVAL);
}

/* The mode is also what it does: a byte that stays is told on and on, or is not. */
static void init_mode_acts(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-INIT-2");
    unit_pipe(fds);
    kit_put(fds[1], 1);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    CHECK_EQ(io_poller_type(&poller), config->types);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    atom.calls = 0;
    for (int i = 0; i < 10; i++) {
        (void)unit_told(&poller, &atom, 0);
    }
    CHECK_EQ(atom.calls, unit_is_edge(config) ? 0 : 10);
    kit_end(&poller);
    unit_close_pair(fds);
}

static void init_bad_types(const unit_config *config)
{
    static const int bad[] = {0,
                              IO_POLLER_EDGE,
                              IO_POLLER_LEVEL,
                              MODES,
                              IO_POLLER_ANY | MODES,
                              IO_POLLER_POLL | MODES,
                              IO_POLLER_ANY | 0x400,
                              IO_POLLER_POLL | 0x1000,
                              IO_POLLER_POLL | INT_MIN,
                              0x400,
                              -1,
                              INT_MIN,
                              INT_MAX};
    static uint64_t storage[64];
    (void)config;
    CLAUSE("IO-INIT-3");
    CHECK(unsetenv("IOATOM_POLLER") == 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(io_poller_init(&poller, bad[i]), -EINVAL);
        CHECK_ERROR(io_poller_init_in(&poller, bad[i], storage, sizeof(storage)), -EINVAL);
    }
}

static void init_no_backend(const unit_config *config)
{
    static const int none[] = {MISSING, IO_POLLER_AFD, 0x40, 0x80,
                               MISSING | IO_POLLER_AFD | IO_POLLER_EDGE};
    static uint64_t storage[64];
    (void)config;
    CLAUSE("IO-INIT-4");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK_ERROR(io_poller_init(&poller, none[i]), -ENOSYS);
        CHECK_ERROR(io_poller_init_in(&poller, none[i], storage, sizeof(storage)), -ENOSYS);
    }
}

static void init_environment(const unit_config *config)
{
    static const char *const bad[] = {"kqueues", "none",       "epol", "epoll ", " epoll",
                                      "EPOLL",   "epoll,poll", "any",  "0",      "\xff"};
    (void)config;
    need_all_backends();
    CLAUSE("IO-INIT-5");
    for (int i = 0; i < BACKENDS; i++) {
        int type = backend_types[i];
        CHECK(setenv("IOATOM_POLLER", backend_names[i], 1) == 0);
        CHECK(strcmp(taken(IO_POLLER_ANY), backend_names[i]) == 0);
        CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY | IO_POLLER_EDGE), 0);
        CHECK_EQ(io_poller_type(&poller), type | IO_POLLER_EDGE);
        kit_end(&poller);
        CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY | IO_POLLER_LEVEL), 0);
        CHECK_EQ(io_poller_type(&poller), type | IO_POLLER_LEVEL);
        kit_end(&poller);
        /* Whoever names backends gets those. */
        CHECK(strcmp(taken(IO_POLLER_EPOLL), "epoll") == 0);
        CHECK(strcmp(taken(IO_POLLER_POLL | IO_POLLER_SELECT), "poll") == 0);
    }
    CHECK(setenv("IOATOM_POLLER", "", 1) == 0);
    CHECK(strcmp(taken(IO_POLLER_ANY), "epoll") == 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(setenv("IOATOM_POLLER", bad[i], 1) == 0);
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_ANY), -EINVAL);
        CHECK(strcmp(taken(IO_POLLER_POLL), "poll") == 0);
    }
    /* It restricts: what isn't offered isn't replaced. */
    if (MISSING == IO_POLLER_KQUEUE) {
        CHECK(setenv("IOATOM_POLLER", "kqueue", 1) == 0);
        CHECK_ERROR(io_poller_init(&poller, IO_POLLER_ANY), -ENOSYS);
    }
    CHECK(setenv("IOATOM_POLLER", "epoll", 1) == 0);
    spy_reset();
    spy_fail(&spy.create, ENOSYS, 0, -1);
    CHECK_ERROR(io_poller_init(&poller, IO_POLLER_ANY), -ENOSYS);
}

/* The set-uid program that init_set_uid runs: this one, under another name. 0: the variable was
 * ignored. */
static int set_uid_main(void)
{
    if (!getauxval(AT_SECURE)) {
        return 77; /* set-uid programs have no effect here */
    }
    return io_poller_init(&poller, IO_POLLER_ANY) == 0 &&
                   strcmp(io_poller_name(&poller), "epoll") == 0
               ? 0
               : 1;
}

static void init_set_uid(const unit_config *config)
{
    NEEDS_KERNEL("programs");
    char *arguments[] = {"set-uid", NULL};
    char *environment[] = {"IOATOM_POLLER=nonsense", NULL};
    char bytes[65536];
    ssize_t size = 0;
    int status = 0;
    (void)config;
    need_all_backends();
    CLAUSE("IO-INIT-5");
    io_fd from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    io_fd to = open("program", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    CHECK(from >= 0 && to >= 0);
    while ((size = read(from, bytes, sizeof(bytes))) > 0) {
        CHECK_EQ(write(to, bytes, (size_t)size), size);
    }
    CHECK(fchmod(to, 04755) == 0);
    unit_close(from);
    unit_close(to);
    io_fd program = open("program", O_RDONLY | O_CLOEXEC);
    CHECK(program >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        /* A stranger runs it: through the descriptor, as it can't walk into this directory. */
        _exit(setgid(65534) != 0 || setuid(65534) != 0 ? 77
                                                       : fexecve(program, arguments, environment));
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    unit_close(program);
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 255) {
        SKIP("not root, or a mount without set-uid programs");
    }
    CHECK_EQ(WEXITSTATUS(status), 0);
}

static void init_in_arguments(const unit_config *config)
{
    static uint64_t storage[64];
    size_t one = io_poller_storage_size(config->types, 1);
    char *bytes = (char *)storage;
    CLAUSE("IO-INIT-6");
    unit_poller(&poller, config);
    kit_end(&poller);
    CHECK_ERROR(io_poller_init_in(&poller, config->types, NULL, sizeof(storage)), -EINVAL);
    CHECK_ERROR(io_poller_init_in(&poller, config->types, NULL, 0), -EINVAL);
    for (size_t i = 1; i < sizeof(void *); i++) {
        CHECK_ERROR(io_poller_init_in(&poller, config->types, bytes + i, 4 * one), -EINVAL);
    }
    CHECK_ERROR(io_poller_init_in(&poller, config->types, storage, 0), -EINVAL);
    CHECK_ERROR(io_poller_init_in(&poller, config->types, storage, one - 1), -EINVAL);
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage, one), 0);
    kit_end(&poller);
    CHECK_EQ(io_poller_init_in(&poller, config->types, bytes + sizeof(void *), one), 0);
    kit_end(&poller);
}

/* --- a poller's own descriptor --- */

static int is_readable(io_fd fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0);
}

static void poller_fd(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-INIT-8");
    unit_pipe(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    if (!kit_has_set(config) || kit_is_uring(config)) {
        CHECK_ERROR(io_poller_fd(&poller), -ENOTSUP);
    } else {
        io_fd own = io_poller_fd(&poller);
        CHECK(own >= 0);
        CHECK_EQ(is_readable(own), 0);
        kit_put(fds[1], 1);
        CHECK_EQ(is_readable(own), 1);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_exhaust_read(&poller, &atom);
        CHECK_EQ(unit_told(&poller, &atom, 0), 0);
        CHECK_EQ(is_readable(own), 0);
        kit_put(fds[1], 1);
        CHECK_EQ(is_readable(own), 1);
        CHECK_EQ(io_poller_fd(&poller), own);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

static unit_atom nested_atom;

static void nested_proc(io_poller *p, io_atom *atom, int flags)
{
    (void)p;
    CHECK_EQ(atom->fd, io_poller_fd(&other));
    CHECK_EQ(flags, IO_READ);
    CHECK_EQ(io_wait(&other, 0), 1);
    CHECK_EQ(io_dispatch(&other), 1);
    kit_exhaust_read(&other, &nested_atom);
    CHECK_EQ(io_wait(&other, 0), 0);
    CHECK_EQ(io_exhausted(p, atom, IO_READ), 0);
}

/* A poller in another one, of each kind. */
static void poller_nested(const unit_config *config)
{
    static const int types[] = {IO_POLLER_EPOLL | IO_POLLER_EDGE, IO_POLLER_EPOLL | IO_POLLER_LEVEL,
                                IO_POLLER_KQUEUE | IO_POLLER_EDGE,
                                IO_POLLER_KQUEUE | IO_POLLER_LEVEL};
    io_fd fds[2];
    CLAUSE("IO-INIT-8");
    for (int i = 0; i < 4; i++) {
        io_atom outer;
        int result = io_poller_init(&other, types[i]);
        if (result == -ENOSYS && (types[i] & IO_POLLER_KQUEUE)) {
            continue;
        }
        if (result == -ENOSYS) {
            SKIP("epoll is not compiled in");
        }
        unit_pipe(fds);
        kit_add(&other, &nested_atom, fds[0], IO_READ);
        unit_poller(&poller, config);
        io_atom_init(&outer, io_poller_fd(&other), nested_proc);
        CHECK_EQ(io_add(&poller, &outer, IO_READ), 0);
        for (int round = 0; round < 4; round++) {
            CHECK_EQ(io_wait(&poller, 0), 0);
            kit_put(fds[1], 1);
            CHECK_EQ(io_wait(&poller, 1000), 1);
            CHECK_EQ(io_dispatch(&poller), 1);
            CHECK_EQ(nested_atom.calls, round + 1);
        }
        kit_end(&poller);
        kit_end(&other);
        unit_close_pair(fds);
    }
}

/* Whatever numbers the library opens. */
static void poller_close_on_exec(const unit_config *config)
{
    char was_open[256];
    int opened = 0;
    CLAUSE("IO-INIT-9");
    for (int fd = 0; fd < (int)sizeof(was_open); fd++) {
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    }
    unit_poller(&poller, config);
    for (int again = 0; again < 2; again++) {
        for (int fd = 0; fd < (int)sizeof(was_open); fd++) {
            if (!was_open[fd] && fcntl(fd, F_GETFD) >= 0) {
                opened++;
                CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            }
        }
        CHECK_EQ(io_poller_after_fork(&poller), 0); /* it makes a new one */
    }
    CHECK_EQ(opened, kit_has_set(config) ? 2 : 0);
    kit_end(&poller);
}

static void poller_dispose(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-INIT-10");
    unit_pipe(fds);
    int before = unit_fd_count();
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_put(fds[1], 1);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_end(&poller);
    CHECK_EQ(unit_fd_count(), before);
    kit_get(fds[0], 1);
    /* In the same memory again: it knows the atom no more, and has nothing pending. */
    unit_poller(&poller, config);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ), -ENOENT);
    CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_fd_check(&poller), 0);
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    kit_silent(&poller);
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

static void dispose_proc(io_poller *p, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    busy_calls++;
    CHECK_ERROR(io_poller_dispose(p), -EBUSY);
}

static void poller_dispose_inside(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atoms[2];
    CLAUSE("IO-INIT-10");
    unit_unix_pair(fds, SOCK_STREAM);
    kit_begin(&poller, config, &atoms[0], fds[0], IO_WRITE);
    kit_add(&poller, &atoms[1], fds[1], IO_WRITE);
    atoms[0].io.proc = dispose_proc;
    atoms[1].io.proc = dispose_proc;
    CHECK_EQ(io_wait(&poller, 0), 2);
    CHECK_EQ(io_dispatch(&poller), 2);
    CHECK_EQ(busy_calls, 2);
    CHECK_EQ(io_set(&poller, &atoms[0].io, 0), 0);
    kit_end(&poller);
    unit_close_pair(fds);
}

static const unit_test tests[] = {
    {"error_codes", "IO-ERROR-1 IO-ERROR-3", error_codes, UNIT_EACH},
    {"error_changes_nothing", "IO-ERROR-2", error_changes_nothing, UNIT_EACH},
    {"error_order", "IO-ERROR-4", error_order, UNIT_EACH},
    {"error_null", "IO-ERROR-5", error_null, UNIT_EACH},
    {"error_busy", "IO-ERROR-3 IO-ERROR-4", error_busy, UNIT_EACH},
    {"mem_read_only_atoms", "IO-MEM-2", mem_read_only_atoms, UNIT_EACH},
    {"mem_sizes", "IO-MEM-3 IO-MEM-4", mem_sizes, UNIT_ONCE},
    {"mem_inline_limit", "IO-MEM-5", mem_inline_limit, UNIT_EACH},
    {"mem_tiny_tables", "IO-MEM-5", mem_tiny_tables, UNIT_EACH},
    {"mem_large_table", "IO-MEM-5", mem_large_table, UNIT_EACH},
    {"mem_full_table", "IO-MEM-5", mem_full_table, UNIT_EACH},
    {"mem_atom_init", "IO-MEM-6", mem_atom_init, UNIT_ONCE},
    {"init_choice", "IO-INIT-1", init_choice, UNIT_ONCE},
    {"init_not_offered", "IO-INIT-1 IO-INIT-4 IO-ERROR-2", init_not_offered, UNIT_ONCE},
    {"init_mode", "IO-INIT-2 IO-INIT-7", init_mode, UNIT_ONCE},
    {"init_mode_acts", "IO-INIT-2", init_mode_acts, UNIT_EACH},
    {"init_bad_types", "IO-INIT-3", init_bad_types, UNIT_ONCE},
    {"init_no_backend", "IO-INIT-4", init_no_backend, UNIT_ONCE},
    {"init_environment", "IO-INIT-5", init_environment, UNIT_ONCE},
    {"init_set_uid", "IO-INIT-5", init_set_uid, UNIT_ONCE},
    {"init_in_arguments", "IO-INIT-6", init_in_arguments, UNIT_EACH},
    {"poller_fd", "IO-INIT-8", poller_fd, UNIT_EACH},
    {"poller_nested", "IO-INIT-8", poller_nested, UNIT_EACH},
    {"poller_close_on_exec", "IO-INIT-9", poller_close_on_exec, UNIT_EACH},
    {"poller_dispose", "IO-INIT-10", poller_dispose, UNIT_EACH},
    {"poller_dispose_inside", "IO-INIT-10", poller_dispose_inside, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "set-uid") == 0) {
        _exit(set_uid_main());
    }
    return unit_main(argc, argv, tests);
}
