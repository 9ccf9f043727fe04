/* io_add, io_set, io_remove and IO_ONESHOT. */
#include "spy.h"

#include "kit.h"

#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>

static io_poller poller; /* a process for each test: always a fresh one */
static io_poller other;

static io_event no_event;

/* A pair of unix sockets whose first one is ready for everything that it can be. */
static void ready_pair(io_fd fds[2])
{
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[1], 10);
}

/* --- adding --- */

static void add_registers(const unit_config *config)
{
    CLAUSE("IO-ADD-1");
    CLAUSE("IO-ADD-2");
    for (int flags = 0; flags <= 15; flags++) {
        io_fd fds[2];
        unit_atom atom;
        ready_pair(fds);
        kit_begin(&poller, config, &atom, fds[0], flags);
        CHECK_ERROR(io_add(&poller, &atom.io, flags), -EEXIST);
        /* Nothing is pending, though it is ready. */
        CHECK_EQ(io_dispatch(&poller), 0);
        CHECK_EQ(io_next(&poller, &no_event), 0);
        CHECK_EQ(kit_next(&poller, &atom), flags & (IO_READ | IO_WRITE));
        CHECK_EQ(atom.calls > 0, (flags & (IO_READ | IO_WRITE)) != 0);
        CHECK_EQ(io_remove(&poller, &atom.io), 0);
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* What was pending for the number before is not pending for the one that is added. */
static void add_starts_empty(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom, next;
    CLAUSE("IO-ADD-1");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_remove(&poller, &atom);
    kit_add(&poller, &next, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_next(&poller, &no_event), 0);
    CHECK_EQ(kit_next(&poller, &next), IO_READ | IO_WRITE);
    CHECK_EQ(atom.calls, 0);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* Ready at io_add, and no more at the wait: it need not be told, and whoever comes later is. */
static void add_ready_then_not(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ADD-2");
    unit_pipe(fds);
    kit_put(fds[1], 1);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_exhaust_read(&poller, &atom);
    if (unit_told(&poller, &atom, 0)) { /* a poll that io_add began found it (afd) */
        kit_exhaust_read(&poller, &atom);
    }
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

static void add_bad_flags(const unit_config *config)
{
    static const int bad[] = {16, 17, 31, 32, 256, 0x10000, -1, INT_MIN, INT_MAX};
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ADD-3");
    ready_pair(fds);
    unit_poller(&poller, config);
    unit_atom_init(&atom, fds[0]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(io_add(&poller, &atom.io, bad[i]), -EINVAL);
    }
    atom.io.proc = NULL;
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EINVAL);
    CHECK_ERROR(io_add(&poller, &atom.io, 0), -EINVAL);
    kit_silent(&poller);
    kit_end(&poller);
    unit_close_pair(fds);
}

static void add_bad_descriptor(const unit_config *config)
{
    unit_atom atom;
    CLAUSE("IO-ADD-4");
    unit_poller(&poller, config);
    unit_atom_init(&atom, -1);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    unit_atom_init(&atom, kit_free_number());
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    CHECK_ERROR(io_add(&poller, &atom.io, 0), -EBADF);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ), -ENOENT);
    /* Open for nothing but its path: no mechanism can watch it. */
    io_fd path = open(".", O_PATH | O_CLOEXEC);
    CHECK(path >= 0);
    unit_atom_init(&atom, path);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    CHECK_ERROR(io_add(&poller, &atom.io, 0), -EBADF);
    unit_close(path);
    kit_end(&poller);
}

static void add_beyond_table(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ADD-5");
    kit_allow(IO_POLLER_INLINE_FDS + 10);
    unit_pipe(fds);
    kit_dup_to(fds[0], IO_POLLER_INLINE_FDS);
    unit_poller(&poller, config);
    unit_atom_init(&atom, IO_POLLER_INLINE_FDS);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -ERANGE);
    kit_put(fds[1], 1);
    kit_silent(&poller);
    kit_end(&poller);
    unit_close(IO_POLLER_INLINE_FDS);
    unit_close_pair(fds);
}

static void add_twice(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom, twin, elsewhere;
    CLAUSE("IO-ADD-6");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    unit_atom_init(&twin, fds[0]);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ | IO_WRITE), -EEXIST);
    CHECK_ERROR(io_add(&poller, &twin.io, IO_WRITE), -EEXIST);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ); /* the interest is what it was */
    CHECK_EQ(twin.calls, 0);
    /* In another poller, of any kind, it is another registration. */
    for (int type = IO_POLLER_SELECT; type <= IO_POLLER_URING; type *= 2) {
        if (io_poller_init(&other, type) == 0) {
            kit_add(&other, &elsewhere, fds[0], IO_WRITE);
            CHECK_EQ(kit_next(&other, &elsewhere), IO_WRITE);
            kit_remove(&other, &elsewhere);
            kit_end(&other);
        }
    }
    kit_set(&poller, &atom, IO_READ);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

static void add_file(const unit_config *config)
{
    unit_atom atom;
    CLAUSE("IO-ADD-7");
    unit_poller(&poller, config);
    io_fd fds[] = {open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                   open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (int i = 0; i < 2; i++) {
        for (int flags = 0; flags <= 15; flags++) {
            unit_atom_init(&atom, fds[i]);
            CHECK_ERROR(io_add(&poller, &atom.io, flags), -EPERM);
            CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
        }
        unit_close(fds[i]);
    }
    kit_silent(&poller);
    kit_end(&poller);
}

/* Either answer will do; accepted, it must work. */
static void add_device(const unit_config *config)
{
    NEEDS_KERNEL("procfs");
    static const char *const paths[] = {"/dev/null", "/dev/zero", "/proc/self/status"};
    unit_atom atom;
    CLAUSE("IO-ADD-8");
    unit_poller(&poller, config);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        io_fd fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0);
        unit_atom_init(&atom, fd);
        int result = io_add(&poller, &atom.io, IO_READ);
        CHECK(result == 0 || result == -EPERM);
        CHECK_EQ(kit_next(&poller, &atom), result == 0 ? IO_READ : 0);
        CHECK_EQ(io_remove(&poller, &atom.io), result == 0 ? 0 : -ENOENT);
        unit_close(fd);
    }
    kit_end(&poller);
}

static unit_atom added;
static io_fd added_fd;

static void add_proc(io_poller *p, io_atom *atom, int flags)
{
    unit_note(p, atom, flags);
    if (kit_atom_of(atom)->calls == 1) {
        kit_add(p, &added, added_fd, IO_READ | IO_WRITE);
    }
}

static void add_inside(const unit_config *config)
{
    io_fd fds[2], ready[2];
    unit_atom atom;
    CLAUSE("IO-ADD-9");
    ready_pair(fds);
    ready_pair(ready);
    added_fd = ready[0];
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_ONESHOT);
    atom.io.proc = add_proc;
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.calls, 1);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_next(&poller, &no_event), 0);
    CHECK_EQ(added.calls, 0);
    CHECK_EQ(kit_next_of(&poller, &added, 2), IO_READ | IO_WRITE);
    kit_end(&poller);
    unit_close_pair(fds);
    unit_close_pair(ready);
}

/* A set in the kernel needs memory. */
static void add_refused(const unit_config *config)
{
    static const int errors[] = {ENOMEM, ENOSPC};
    io_fd fds[2];
    unit_atom atom;
    ready_pair(fds);
    unit_poller(&poller, config);
    unit_atom_init(&atom, fds[0]);
    for (int i = 0; i < 2 && kit_has_set(config); i++) {
        CLAUSE("IO-ADD-10");
        spy_reset();
        spy_fail(spy_control_of(config), errors[i], 0, -1);
        CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -errors[i]);
        spy_reset();
        CHECK_ERROR(io_set(&poller, &atom.io, IO_READ), -ENOENT);
        CHECK_ERROR(io_remove(&poller, &atom.io), -ENOENT);
        CHECK_EQ(io_fd_check(&poller), 0);
        kit_silent(&poller);
    }
    CHECK_EQ(io_add(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- changing the interest --- */

/* From each interest to each other one, with everything pending. */
static void set_replaces(const unit_config *config)
{
    CLAUSE("IO-SET-1");
    CLAUSE("IO-SET-3");
    for (int before = 0; before <= 15; before++) {
        for (int after = 0; after <= 15; after++) {
            io_fd fds[2];
            unit_atom atom;
            int ready = IO_READ | IO_WRITE;
            ready_pair(fds);
            kit_begin(&poller, config, &atom, fds[0], before);
            CHECK_EQ(io_wait(&poller, 0), (before & ready) != 0);
            kit_set(&poller, &atom, after);
            int left = before & after & ready;
            CHECK_EQ(io_dispatch(&poller), left != 0);
            CHECK_EQ(atom.flags, left);
            kit_end(&poller);
            unit_close_pair(fds);
        }
    }
}

/* Dropped and taken up again before the dispatch: it was gone, and is found anew by the next wait.
 */
static void set_drops(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-SET-1");
    CLAUSE("IO-SET-2");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_set(&poller, &atom, IO_READ);
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.flags, IO_READ);
    CHECK_EQ(kit_next(&poller, &atom) & IO_WRITE, IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0) >= 0, 1);
    kit_set(&poller, &atom, 0);
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ | IO_WRITE);
    kit_end(&poller);
    unit_close_pair(fds);
}

enum { BATCH = 6 };

static unit_atom batch[BATCH];
static int batch_interest; /* what the first callback sets all the others to */

static void set_others_proc(io_poller *p, io_atom *atom, int flags)
{
    int first = 1;
    for (int i = 0; i < BATCH; i++) {
        first = first && batch[i].calls == 0;
    }
    unit_note(p, atom, flags);
    for (int i = 0; i < BATCH && first; i++) {
        if (&batch[i].io != atom) {
            kit_set(p, &batch[i], batch_interest);
        }
    }
}

/* The first callback of a batch changes the interest of the rest. */
static void set_inside(const unit_config *config)
{
    CLAUSE("IO-SET-1");
    for (batch_interest = 0; batch_interest <= 7; batch_interest++) {
        io_fd fds[BATCH][2];
        int calls = 0, full = 0;
        int left = batch_interest & (IO_READ | IO_WRITE);
        unit_poller(&poller, config);
        for (int i = 0; i < BATCH; i++) {
            ready_pair(fds[i]);
            kit_add(&poller, &batch[i], fds[i][0], IO_READ | IO_WRITE);
            batch[i].io.proc = set_others_proc;
        }
        CHECK_EQ(io_wait(&poller, 0), BATCH);
        CHECK_EQ(io_dispatch(&poller), left ? BATCH : 1);
        for (int i = 0; i < BATCH; i++) {
            calls += batch[i].calls;
            full += batch[i].flags == (IO_READ | IO_WRITE);
            CHECK(batch[i].flags == (IO_READ | IO_WRITE) || batch[i].flags == left);
        }
        CHECK_EQ(calls, left ? BATCH : 1);
        CHECK_EQ(full, left == (IO_READ | IO_WRITE) ? BATCH : 1);
        kit_end(&poller);
        for (int i = 0; i < BATCH; i++) {
            unit_close_pair(fds[i]);
        }
    }
}

/* What may have happened to a flag before io_set. */
enum { FRESH, PENDING, TOLD, EXHAUSTED, REFILLED, DROPPED, PASTS };

static void make_past(unit_atom *atom, io_fd fds[2], int past)
{
    if (past >= PENDING) {
        CHECK_EQ(io_wait(&poller, 0), 1);
    }
    if (past >= TOLD) {
        CHECK_EQ(io_dispatch(&poller), 1);
    }
    if (past >= EXHAUSTED) {
        kit_exhaust_read(&poller, atom);
        kit_exhaust_write(&poller, atom);
    }
    if (past >= REFILLED) {
        (void)unit_drain(fds[1]);
        kit_put(fds[1], 1);
    }
    if (past == DROPPED) {
        kit_set(&poller, atom, IO_EXCEPT);
        (void)unit_told(&poller, atom, 0);
    }
}

/* Whatever was before: what is ready and of interest is told by the next wait, also with no change.
 */
static void set_rearms(const unit_config *config)
{
    CLAUSE("IO-SET-2");
    for (int past = 0; past < PASTS; past++) {
        for (int flags = 0; flags <= 15; flags++) {
            io_fd fds[2];
            unit_atom atom;
            ready_pair(fds);
            kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
            make_past(&atom, fds, past);
            int ready = past == EXHAUSTED ? 0 : flags & (IO_READ | IO_WRITE);
            kit_set(&poller, &atom, flags);
            CHECK_EQ(kit_next(&poller, &atom) & ready, ready);
            kit_set(&poller, &atom, flags);
            CHECK_EQ(kit_next(&poller, &atom) & ready, ready);
            kit_set(&poller, &atom, IO_READ);
            CHECK_EQ(kit_next(&poller, &atom) & IO_READ, past == EXHAUSTED ? 0 : IO_READ);
            kit_end(&poller);
            unit_close_pair(fds);
        }
    }
}

/* Exhausted and not ready at io_set: told as soon as it is, once more by a wait after that. */
static void set_then_ready(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-SET-2");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    for (int flags = 1; flags <= 3; flags++) {
        (void)unit_told(&poller, &atom, 0);
        kit_exhaust_read(&poller, &atom);
        kit_exhaust_write(&poller, &atom);
        (void)unit_told(&poller, &atom, 0);
        kit_set(&poller, &atom, flags);
        kit_silent(&poller);
        (void)unit_drain(fds[1]);
        kit_put(fds[1], 1);
        CHECK_EQ(kit_next(&poller, &atom), flags);
        kit_set(&poller, &atom, IO_READ | IO_WRITE);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

/* Pending flags outlive a change that keeps them, without another wait, and become oneshot. */
static void set_keeps(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-SET-3");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_set(&poller, &atom, IO_READ | IO_WRITE | IO_EXCEPT);
    kit_set(&poller, &atom, IO_READ | IO_EXCEPT);
    kit_set(&poller, &atom, IO_READ | IO_WRITE | IO_ONESHOT);
    CHECK_EQ(io_next(&poller, &no_event), 1);
    CHECK(no_event.atom == &atom.io);
    CHECK_EQ(no_event.flags, IO_READ);
    kit_silent(&poller);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* Nobody by that name: whatever the descriptor is, and of whatever other atom. */
static void unknown_atom(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom, removed;
    CLAUSE("IO-SET-4");
    CLAUSE("IO-REMOVE-4");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_add(&poller, &removed, fds[1], 0);
    kit_remove(&poller, &removed);
    io_fd file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    io_fd numbers[] = {fds[0], fds[1], file, kit_free_number(), -1, INT_MIN, INT_MAX, 1024, 1023};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unit_atom stranger;
        unit_atom_init(&stranger, numbers[i]);
        CHECK_ERROR(io_set(&poller, &stranger.io, 0), -ENOENT);
        CHECK_ERROR(io_set(&poller, &stranger.io, IO_WRITE), -ENOENT);
        CHECK_ERROR(io_remove(&poller, &stranger.io), -ENOENT);
    }
    CHECK_ERROR(io_set(&poller, &removed.io, IO_READ), -ENOENT);
    CHECK_ERROR(io_remove(&poller, &removed.io), -ENOENT);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close(file);
    unit_close_pair(fds);
}

static void set_bad_flags(const unit_config *config)
{
    static const int bad[] = {16, 17, 31, 256, -1, INT_MIN, INT_MAX};
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-SET-5");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(io_set(&poller, &atom.io, bad[i]), -EINVAL);
    }
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.flags, IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* The kernel refuses; interest, pending flags and what is owed are as before. */
static void set_refused(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_ONESHOT);
    CHECK_EQ(io_wait(&poller, 0), 1);
    if (kit_has_set(config)) {
        CLAUSE("IO-ERROR-2");
        spy_reset();
        spy_fail(spy_control_of(config), ENOMEM, 0, -1);
        CHECK_ERROR(io_set(&poller, &atom.io, IO_WRITE), -ENOMEM);
        spy_reset();
    }
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(atom.flags, IO_READ);
    kit_silent(&poller); /* it still was a oneshot */
    kit_set(&poller, &atom, IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ | IO_WRITE);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- removing --- */

/* A page for each atom, which goes away with it. */
static unit_atom *page_atom(io_fd fd, io_proc proc)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    unit_atom *atom = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(atom != MAP_FAILED);
    unit_atom_init(atom, fd);
    atom->io.proc = proc;
    return atom;
}

static void page_free(unit_atom *atom)
{
    CHECK(munmap(atom, (size_t)sysconf(_SC_PAGESIZE)) == 0);
}

/* Removed before, between and after waits: whoever touched it would crash. */
static void remove_silences(const unit_config *config)
{
    CLAUSE("IO-REMOVE-1");
    CLAUSE("IO-REMOVE-2");
    for (int when = 0; when < 3; when++) {
        io_fd fds[2];
        io_event event = {NULL, 0};
        ready_pair(fds);
        unit_poller(&poller, config);
        unit_atom *atom = page_atom(fds[0], unit_note);
        CHECK_EQ(io_add(&poller, &atom->io, IO_READ | IO_WRITE), 0);
        CHECK_EQ(io_wait(&poller, 0), 1);
        if (when == 1) {
            CHECK_EQ(io_dispatch(&poller), 1);
        }
        if (when == 2) {
            CHECK_EQ(io_dispatch(&poller), 1);
            kit_set(&poller, atom, IO_READ | IO_WRITE);
        }
        kit_remove(&poller, atom);
        page_free(atom);
        CHECK_EQ(io_next(&poller, &event), 0);
        CHECK_EQ(io_dispatch(&poller), 0);
        kit_put(fds[1], 1);
        kit_silent(&poller);
        CHECK_EQ(io_fd_check(&poller), 0);
        CHECK_EQ(io_poller_after_fork(&poller), 0);
        kit_silent(&poller);
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* Those that were removed are not counted, and the others are. */
static void remove_uncounts(const unit_config *config)
{
    io_fd fds[BATCH][2];
    io_event event;
    CLAUSE("IO-REMOVE-2");
    unit_poller(&poller, config);
    for (int i = 0; i < BATCH; i++) {
        ready_pair(fds[i]);
        kit_add(&poller, &batch[i], fds[i][0], IO_READ | IO_ONESHOT);
    }
    CHECK_EQ(io_wait(&poller, 0), BATCH);
    kit_remove(&poller, &batch[0]);
    kit_remove(&poller, &batch[3]);
    kit_remove(&poller, &batch[BATCH - 1]);
    CHECK_EQ(io_wait(&poller, 0), BATCH - 3);
    CHECK_EQ(io_next(&poller, &event), 1);
    CHECK_EQ(io_wait(&poller, 0), BATCH - 4);
    CHECK_EQ(io_dispatch(&poller), BATCH - 4);
    CHECK_EQ(batch[0].calls + batch[3].calls + batch[BATCH - 1].calls, 0);
    kit_end(&poller);
    for (int i = 0; i < BATCH; i++) {
        unit_close_pair(fds[i]);
    }
}

/* How many registrations the kernel has in the poller's set. */
static int kernel_entries(const unit_config *config)
{
#ifdef UNIT_ON_SIM
    int used = 0;
    (void)config; /* there is only one set */
    for (int i = 0; i < unit_sim.item_end; i++) {
        used += unit_sim.items[i].used;
    }
    for (int i = 0; i < unit_sim.knote_end; i++) {
        used += unit_sim.knotes[i].used;
    }
    for (int i = 0; i < unit_sim.request_end; i++) {
        used += unit_sim.requests[i].used;
    }
    return used;
#else
    char path[64], line[256];
    int count = 0;
    io_fd set = kit_is_epoll(config) ? io_poller_fd(&poller) : poller.ring.fd;
    const char *entry = kit_is_epoll(config) ? "tfd:" : "  op=";
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)set);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        count += strncmp(line, entry, strlen(entry)) == 0;
    }
    fclose(file);
    return count;
#endif
}

/* One; in a kqueue one for each flag. */
static int entries_for(const unit_config *config, int flags)
{
    int events = 0;
    for (int flag = IO_READ; flag <= IO_EXCEPT; flag *= 2) {
        events += (flags & flag) != 0;
    }
    return (config->types & IO_POLLER_KQUEUE) ? events : 1;
}

static void remove_from_kernel(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    ready_pair(fds);
    unit_poller(&poller, config);
    for (int flags = 0; flags <= 15; flags++) {
        CLAUSE("IO-REMOVE-3");
        kit_add(&poller, &atom, fds[0], flags);
        if (kit_has_set(config)) {
            CHECK_EQ(kernel_entries(config), entries_for(config, flags));
        }
        (void)unit_told(&poller, &atom, 0);
        kit_remove(&poller, &atom);
        if (kit_has_set(config)) {
            CHECK_EQ(kernel_entries(config), 0);
        }
        /* Its number goes to a file that another wait must not be asked about. */
        spy_reset();
        CHECK_EQ(io_wait(&poller, 0), 0);
        CHECK_EQ(spy_waits(), 1);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

static unit_atom *page_atoms[2];
static int page_calls;

/* Whoever is called first removes both, and gives back their memory. */
static void remove_both_proc(io_poller *p, io_atom *atom, int flags)
{
    CHECK(&page_atoms[0]->io == atom || &page_atoms[1]->io == atom);
    CHECK(flags != 0);
    page_calls++;
    for (int i = 0; i < 2; i++) {
        kit_remove(p, page_atoms[i]);
        CHECK_ERROR(io_remove(p, &page_atoms[i]->io), -ENOENT);
        page_free(page_atoms[i]);
        page_atoms[i] = NULL;
    }
}

static void remove_inside(const unit_config *config)
{
    io_fd fds[2];
    CLAUSE("IO-REMOVE-5");
    CLAUSE("IO-REMOVE-1");
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[0], 1);
    kit_put(fds[1], 1);
    unit_poller(&poller, config);
    for (int i = 0; i < 2; i++) {
        page_atoms[i] = page_atom(fds[i], remove_both_proc);
        CHECK_EQ(io_add(&poller, &page_atoms[i]->io, IO_READ | IO_WRITE), 0);
    }
    CHECK_EQ(io_wait(&poller, 0), 2);
    CHECK_EQ(io_dispatch(&poller), 1);
    CHECK_EQ(page_calls, 1);
    kit_silent(&poller);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* From the heap: the sanitizer sees who touches it. */
static void free_proc(io_poller *p, io_atom *atom, int flags)
{
    unit_atom *self = kit_atom_of(atom);
    (void)flags;
    page_calls++;
    kit_remove(p, self);
    unit_close(self->io.fd);
    free(self);
}

static void remove_and_free(const unit_config *config)
{
    io_fd fds[BATCH][2];
    CLAUSE("IO-REMOVE-5");
    unit_poller(&poller, config);
    for (int i = 0; i < BATCH; i++) {
        unit_atom *atom = malloc(sizeof(*atom));
        CHECK(atom != NULL);
        ready_pair(fds[i]);
        kit_add(&poller, atom, fds[i][0], IO_READ | IO_WRITE);
        atom->io.proc = free_proc;
    }
    CHECK_EQ(io_wait(&poller, 0), BATCH);
    CHECK_EQ(io_dispatch(&poller), BATCH);
    CHECK_EQ(page_calls, BATCH);
    CHECK_EQ(io_fd_check(&poller), 0);
    kit_silent(&poller);
    kit_end(&poller);
    for (int i = 0; i < BATCH; i++) {
        unit_close(fds[i][1]);
    }
}

/* The number goes on at once: to the same atom, to another, with another file. */
static void remove_and_add(const unit_config *config)
{
    io_fd fds[2], quiet[2];
    unit_atom atom, next;
    CLAUSE("IO-REMOVE-6");
    ready_pair(fds);
    unit_pipe(quiet);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_remove(&poller, &atom);
    CHECK_EQ(io_add(&poller, &atom.io, IO_WRITE), 0);
    CHECK_EQ(io_dispatch(&poller), 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    kit_remove(&poller, &atom);
    unit_close(fds[0]);
    kit_dup_to(quiet[0], fds[0]);
    kit_add(&poller, &next, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(io_dispatch(&poller), 0);
    kit_silent(&poller);
    kit_put(quiet[1], 1);
    CHECK_EQ(kit_next(&poller, &next), IO_READ);
    CHECK_EQ(atom.calls, 0);
    kit_end(&poller);
    unit_close_pair(fds);
    unit_close_pair(quiet);
}

static io_fd moved_from;
static unit_atom moved;

/* The first one called takes all the others' numbers away, and gives them to a pipe that is not
 * ready. */
static void move_proc(io_poller *p, io_atom *atom, int flags)
{
    unit_note(p, atom, flags);
    for (int i = 0; i < BATCH; i++) {
        if (&batch[i].io != atom) {
            kit_remove(p, &batch[i]);
            unit_close(batch[i].io.fd);
            kit_dup_to(moved_from, batch[i].io.fd);
            CHECK_EQ(io_add(p, &batch[i].io, IO_READ | IO_WRITE), 0);
        } else {
            kit_remove(p, &batch[i]);
            unit_close(batch[i].io.fd);
            kit_dup_to(moved_from, batch[i].io.fd);
            kit_add(p, &moved, batch[i].io.fd, IO_READ | IO_WRITE);
        }
    }
}

static void remove_and_add_inside(const unit_config *config)
{
    io_fd fds[BATCH][2], quiet[2];
    int calls = 0;
    CLAUSE("IO-REMOVE-6");
    unit_pipe(quiet);
    moved_from = quiet[0];
    unit_poller(&poller, config);
    for (int i = 0; i < BATCH; i++) {
        ready_pair(fds[i]);
        kit_add(&poller, &batch[i], fds[i][0], IO_READ | IO_WRITE);
        batch[i].io.proc = move_proc;
    }
    CHECK_EQ(io_wait(&poller, 0), BATCH);
    CHECK_EQ(io_dispatch(&poller), 1);
    kit_silent(&poller);
    for (int i = 0; i < BATCH; i++) {
        calls += batch[i].calls;
    }
    CHECK_EQ(calls, 1);
    CHECK_EQ(moved.calls, 0);
    kit_end(&poller);
    for (int i = 0; i < BATCH; i++) {
        unit_close_pair(fds[i]);
    }
    unit_close_pair(quiet);
}

/* Closed first, with or without a duplicate, with or without another file under the number. */
static void remove_closed(const unit_config *config)
{
    CLAUSE("IO-REMOVE-7");
    for (int kind = 0; kind < 8; kind++) {
        io_fd fds[2], reused[2];
        unit_atom atom;
        ready_pair(fds);
        unit_pipe(reused);
        kit_begin(&poller, config, &atom, fds[0], kind & 4 ? IO_READ | IO_WRITE : 0);
        io_fd twin = kind & 1 ? fcntl(fds[0], F_DUPFD_CLOEXEC, 100) : -1;
        unit_close(fds[0]);
        if (kind & 2) {
            kit_dup_to(reused[0], fds[0]);
        }
        kit_remove(&poller, &atom);
        kit_silent(&poller);
        CHECK_EQ(atom.calls, 0);
        kit_end(&poller);
        CHECK(!(kind & 2) || close(fds[0]) == 0);
        CHECK(twin < 0 || close(twin) == 0);
        unit_close(fds[1]);
        unit_close_pair(reused);
    }
}

/* --- oneshot --- */

static int oneshot_again; /* what its own callback sets it to; -1: nothing */

static void oneshot_proc(io_poller *p, io_atom *atom, int flags)
{
    unit_note(p, atom, flags);
    if (oneshot_again >= 0) {
        CHECK_EQ(io_set(p, atom, oneshot_again), 0);
    }
}

/* One delivery, by a callback or by io_next, of what is ready then; nothing after it. */
static void oneshot_once(const unit_config *config)
{
    CLAUSE("IO-ONESHOT-1");
    for (int by_next = 0; by_next < 2; by_next++) {
        io_fd fds[2];
        unit_atom atom;
        io_event event = {NULL, 0};
        unit_unix_pair(fds, SOCK_STREAM);
        kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE | IO_ONESHOT);
        CHECK_EQ(io_wait(&poller, 0), 1);
        if (by_next) {
            CHECK_EQ(io_next(&poller, &event), 1);
            CHECK_EQ(event.flags, IO_WRITE);
        } else {
            CHECK_EQ(io_dispatch(&poller), 1);
            CHECK_EQ(atom.flags, IO_WRITE);
        }
        /* The other flag, too, which was never told. */
        kit_put(fds[1], 1);
        kit_silent(&poller);
        (void)unit_fill(fds[0]);
        (void)unit_drain(fds[1]);
        kit_put(fds[1], 1);
        kit_silent(&poller);
        CHECK_EQ(io_exhausted(&poller, &atom.io, IO_READ | IO_WRITE), 0);
        kit_silent(&poller);
        kit_set(&poller, &atom, IO_READ);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* What was pending is dropped: it was not delivered, so the oneshot is still to come. */
static void oneshot_not_spent(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ONESHOT-1");
    for (int by_next = 0; by_next < 2; by_next++) {
        ready_pair(fds);
        (void)unit_fill(fds[0]);
        kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_ONESHOT);
        CHECK_EQ(io_wait(&poller, 0), 1);
        kit_set(&poller, &atom, IO_WRITE | IO_ONESHOT);
        CHECK_EQ(by_next ? io_next(&poller, &no_event) : io_dispatch(&poller), 0);
        kit_silent(&poller);
        (void)unit_drain(fds[1]);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
        kit_silent(&poller);
        kit_end(&poller);
        unit_close_pair(fds);
    }
}

/* Silent, and asleep, when the peer goes away. */
static void oneshot_silent(const unit_config *config)
{
    CLAUSE("IO-ONESHOT-2");
    for (int kind = 0; kind < 3; kind++) {
        io_fd fds[2];
        unit_atom atom;
        if (kind == 0) {
            unit_tcp_pair(fds);
        } else if (kind == 1) {
            unit_unix_pair(fds, SOCK_STREAM);
        } else {
            unit_pipe(fds);
            io_fd reader = fds[0];
            fds[0] = fds[1];
            fds[1] = reader;
        }
        kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_WRITE | IO_EXCEPT | IO_ONESHOT);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
        if (kind == 0) {
            kit_put(fds[0], 1);
        }
        unit_close(fds[1]); /* with something unread: a reset; of a pipe: an error */
        unit_ready(fds[0], POLLHUP | POLLERR);
        spy_reset();
        kit_silent(&poller);
        CHECK_EQ(atom.calls, 1);
        CHECK(spy_waits() <= 3 * 4);
        /* Re-armed it is told. */
        kit_set(&poller, &atom, IO_WRITE | IO_ONESHOT);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
        kit_silent(&poller);
        kit_end(&poller);
        unit_close(fds[0]);
    }
}

static void oneshot_again_inside(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-ONESHOT-3");
    ready_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ | IO_ONESHOT);
    atom.io.proc = oneshot_proc;
    oneshot_again = IO_READ | IO_WRITE | IO_ONESHOT;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(unit_told(&poller, &atom, 0), i == 0 ? IO_READ : IO_READ | IO_WRITE);
        CHECK_EQ(atom.calls, i + 1);
    }
    oneshot_again = -1;
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ | IO_WRITE);
    kit_silent(&poller);
    kit_set(&poller, &atom, IO_WRITE | IO_ONESHOT);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_WRITE);
    kit_silent(&poller);
    kit_set(&poller, &atom, IO_READ);
    CHECK_EQ(unit_told(&poller, &atom, 0), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

static const unit_test tests[] = {
    {"add_registers", "IO-ADD-1 IO-ADD-2", add_registers, UNIT_EACH},
    {"add_starts_empty", "IO-ADD-1", add_starts_empty, UNIT_EACH},
    {"add_ready_then_not", "IO-ADD-2", add_ready_then_not, UNIT_EACH},
    {"add_bad_flags", "IO-ADD-3", add_bad_flags, UNIT_EACH},
    {"add_bad_descriptor", "IO-ADD-4", add_bad_descriptor, UNIT_EACH},
    {"add_beyond_table", "IO-ADD-5", add_beyond_table, UNIT_EACH},
    {"add_twice", "IO-ADD-6", add_twice, UNIT_EACH},
    {"add_file", "IO-ADD-7", add_file, UNIT_EACH},
    {"add_device", "IO-ADD-8", add_device, UNIT_EACH},
    {"add_inside", "IO-ADD-9", add_inside, UNIT_EACH},
    {"add_refused", "IO-ADD-10", add_refused, UNIT_EACH},
    {"set_replaces", "IO-SET-1 IO-SET-3", set_replaces, UNIT_EACH},
    {"set_drops", "IO-SET-1 IO-SET-2", set_drops, UNIT_EACH},
    {"set_inside", "IO-SET-1", set_inside, UNIT_EACH},
    {"set_rearms", "IO-SET-2", set_rearms, UNIT_EACH},
    {"set_then_ready", "IO-SET-2", set_then_ready, UNIT_EACH},
    {"set_keeps", "IO-SET-3", set_keeps, UNIT_EACH},
    {"unknown_atom", "IO-SET-4 IO-REMOVE-4", unknown_atom, UNIT_EACH},
    {"set_bad_flags", "IO-SET-5", set_bad_flags, UNIT_EACH},
    {"set_refused", "IO-ERROR-2", set_refused, UNIT_EACH},
    {"remove_silences", "IO-REMOVE-1 IO-REMOVE-2", remove_silences, UNIT_EACH},
    {"remove_uncounts", "IO-REMOVE-2", remove_uncounts, UNIT_EACH},
    {"remove_from_kernel", "IO-REMOVE-3", remove_from_kernel, UNIT_EACH},
    {"remove_inside", "IO-REMOVE-5 IO-REMOVE-1", remove_inside, UNIT_EACH},
    {"remove_and_free", "IO-REMOVE-5", remove_and_free, UNIT_EACH},
    {"remove_and_add", "IO-REMOVE-6", remove_and_add, UNIT_EACH},
    {"remove_and_add_inside", "IO-REMOVE-6", remove_and_add_inside, UNIT_EACH},
    {"remove_closed", "IO-REMOVE-7", remove_closed, UNIT_EACH},
    {"oneshot_once", "IO-ONESHOT-1", oneshot_once, UNIT_EACH},
    {"oneshot_not_spent", "IO-ONESHOT-1", oneshot_not_spent, UNIT_EACH},
    {"oneshot_silent", "IO-ONESHOT-2", oneshot_silent, UNIT_EACH},
    {"oneshot_again_inside", "IO-ONESHOT-3", oneshot_again_inside, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
