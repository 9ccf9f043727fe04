/* What is particular to sockets as descriptors, and what tests/unit tests with descriptors of a number of
 * one's choice: on Windows. */
#include "tests/unit/spy.h"

#include "tests/unit/kit.h"

#include <stdlib.h>

enum { SMALL = 3, MANY = 150 };

static io_poller poller; /* a process for each test: always a fresh one */
static uint64_t storage[SMALL * KIT_BYTES_PER_FD / sizeof(uint64_t) + 1];

static io_fd pair_ends[MANY][2];
static unit_atom atoms[MANY];

/* --- which descriptors --- */

static void add_other_handles(const unit_config *config)
{
    unit_atom atom;
    HANDLE ends[2];
    io_fd fds[2];
    CLAUSE("IO-ADD-7");
    unit_poller(&poller, config);
    unit_atom_init(&atom, open(".", O_RDONLY));
    CHECK(atom.io.fd >= 0);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EPERM);
    unit_close(atom.io.fd);
    CLAUSE("IO-ADD-8");
    CHECK(CreatePipe(&ends[0], &ends[1], NULL, 0));
    for (int i = 0; i < 2; i++) {
        unit_atom_init(&atom, (io_fd)ends[i]);
        CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EPERM);
        CHECK(CloseHandle(ends[i]));
    }
    CLAUSE("IO-ADD-4");
    unit_atom_init(&atom, (io_fd)ends[0]); /* closed by now */
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    unit_atom_init(&atom, (io_fd)INVALID_SOCKET);
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    unit_tcp_pair(fds);
    /* Its lower half is that of a socket. */
    unit_atom_init(&atom, fds[0] + ((io_fd)1 << 32));
    CHECK_ERROR(io_add(&poller, &atom.io, IO_READ), -EBADF);
    CHECK_ERROR(io_set(&poller, &atom.io, IO_READ), -ENOENT);
    unit_close_pair(fds);
    kit_end(&poller);
}

static void add_udp(const unit_config *config)
{
    unit_atom atom;
    struct sockaddr_in self = {.sin_family = AF_INET};
    socklen_t length = sizeof(self);
    char bytes[2];
    size_t size;
    CLAUSE("IO-READ-1");
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    io_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof(self)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&self, &length) == 0);
    CHECK(connect(fd, (struct sockaddr *)&self, sizeof(self)) == 0);
    kit_begin(&poller, config, &atom, fd, IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
    kit_put(fd, 5);
    CHECK_EQ(kit_next(&poller, &atom) & IO_READ, IO_READ);
    CHECK_EQ(io_read(&poller, &atom.io, bytes, 2, &size),
             0); /* the rest is cut off, as elsewhere */
    CHECK_EQ(size, 2);
    CHECK_ERROR(io_read(&poller, &atom.io, bytes, 2, &size), -EAGAIN);
    CLAUSE("IO-READ-4");
    CHECK_EQ(write(fd, "", 0), 0);
    CHECK_EQ(kit_next(&poller, &atom) & IO_READ, IO_READ);
    CHECK_EQ(io_read(&poller, &atom.io, bytes, 2, &size), 0);
    CHECK_EQ(size, 0);
    CHECK_EQ(io_close(&poller, &atom.io), 0);
    kit_end(&poller);
}

/* --- the table --- */

static void small_table(const unit_config *config)
{
    io_fd fds[SMALL + 1][2];
    unit_atom some[SMALL + 1];
    size_t size = io_poller_storage_size(config->types, SMALL);
    CLAUSE("IO-MEM-4");
    CHECK(size <= sizeof(storage));
    CHECK_EQ(io_poller_init_in(&poller, config->types, storage, size), 0);
    for (int i = 0; i <= SMALL; i++) {
        unit_tcp_pair(fds[i]);
        unit_atom_init(&some[i], fds[i][0]);
    }
    CLAUSE("IO-ADD-5");
    for (int round = 0; round < 10; round++) {
        int out = round % (SMALL + 1);
        for (int i = 0; i <= SMALL; i++) {
            if (i != out) {
                CHECK_EQ(io_add(&poller, &some[i].io, IO_READ), 0);
            }
        }
        CHECK_ERROR(io_add(&poller, &some[out].io, IO_READ), -ERANGE);
        CHECK_ERROR(io_remove(&poller, &some[out].io), -ENOENT);
        CLAUSE("IO-MEM-5"); /* each of them is served */
        for (int i = 0; i <= SMALL; i++) {
            kit_put(fds[i][1], 1);
            CHECK_EQ(kit_next_of(&poller, &some[i], SMALL), i == out ? 0 : IO_READ);
            kit_get(fds[i][0], 1);
            (void)io_exhausted(&poller, &some[i].io, IO_READ);
        }
        for (int i = 0; i <= SMALL; i++) {
            if (i != out) {
                kit_remove(&poller, &some[i]);
            }
        }
    }
    kit_end(&poller);
    for (int i = 0; i <= SMALL; i++) {
        unit_close_pair(fds[i]);
    }
}

static void begin_many(const unit_config *config, int flags)
{
    unit_poller(&poller, config);
    for (int i = 0; i < MANY; i++) {
        unit_tcp_pair(pair_ends[i]);
        kit_add(&poller, &atoms[i], pair_ends[i][0], flags);
    }
}

static void end_many(void)
{
    kit_end(&poller);
    for (int i = 0; i < MANY; i++) {
        unit_close_pair(pair_ends[i]);
    }
}

/* --- removing --- */

/* Removed with a report on its way, or in the kernel, or with nothing; and added again at once. */
static void remove_and_add_again(const unit_config *config)
{
    io_fd fds[2];
    unit_atom first, second;
    CLAUSE("IO-REMOVE-6");
    unit_tcp_pair(fds);
    unit_poller(&poller, config);
    for (int round = 0; round < 20; round++) {
        kit_add(&poller, &first, fds[0], round % 4 == 1 ? IO_READ | IO_WRITE : IO_READ);
        if (round % 4 == 2) {
            kit_put(fds[1], 1);
        }
        if (round % 4 == 3) {
            kit_put(fds[1], 1);
            CHECK_EQ(io_wait(&poller, 1000), 1);
        }
        kit_remove(&poller, &first);
        if (round % 4 > 1) {
            kit_get(fds[0], 1);
        }
        memset(&first, 0xff, sizeof(first)); /* nobody looks at it any more (IO-REMOVE-1) */
        kit_add(&poller, &second, fds[0], IO_READ);
        kit_quiet(&poller);
        CHECK_EQ(second.calls, 0);
        kit_put(fds[1], 1);
        CHECK_EQ(unit_told(&poller, &second, 1000), IO_READ);
        kit_get(fds[0], 1);
        kit_remove(&poller, &second);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

static void remove_others(io_poller *p, io_atom *atom, int flags)
{
    (void)flags;
    kit_atom_of(atom)->calls++;
    CHECK_EQ(io_set(p, atom, 0), 0);
    for (int i = 0; i < MANY; i++) {
        if (&atoms[i].io != atom) {
            (void)io_remove(p, &atoms[i].io);
        }
    }
}

/* Some pending, some reported, some in the kernel: the first that is called removes them all. */
static void remove_all_inside(const unit_config *config)
{
    CLAUSE("IO-REMOVE-5");
    CLAUSE("IO-REMOVE-1");
    begin_many(config, IO_READ);
    for (int i = 0; i < MANY; i++) {
        atoms[i].io.proc = remove_others;
        if (i % 3 != 0) {
            CHECK(posix_send_now(pair_ends[i][1], "x", 1) == 1);
        }
    }
    CHECK(io_wait(&poller, 1000) > 0);
    CHECK_EQ(io_dispatch(&poller), 1);
    kit_quiet(&poller);
    int calls = 0;
    for (int i = 0; i < MANY; i++) {
        calls += atoms[i].calls;
    }
    CHECK_EQ(calls, 1);
    end_many();
}

/* What is reported for others, while io_remove waits for the end of its own poll, is told to them. */
static void remove_keeps_others(const unit_config *config)
{
    io_fd fds[4][2];
    unit_atom some[4];
    CLAUSE("IO-LOST-1");
    unit_poller(&poller, config);
    for (int i = 0; i < 4; i++) {
        unit_tcp_pair(fds[i]);
        kit_add(&poller, &some[i], fds[i][0], IO_READ);
    }
    CHECK_EQ(io_wait(&poller, 0), 0);
    for (int i = 0; i < 3; i++) {
        kit_put(fds[i][1], 1); /* their polls are over, and nobody has been told */
    }
    kit_remove(&poller, &some[3]);
    kit_found(&poller, 3);
    CHECK_EQ(io_dispatch(&poller), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(some[i].flags, IO_READ);
    }
    kit_end(&poller);
    for (int i = 0; i < 4; i++) {
        unit_close_pair(fds[i]);
    }
}

/* A wait without a dispatch behind it, then data, and its reader: what is told after that is new. */
static void told_is_over(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-EVENT-5");
    unit_tcp_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    kit_put(fds[1], 1);
    kit_found(&poller, 1);
    kit_get(fds[0], 1);
    CHECK_EQ(io_wait(&poller, 0), 1); /* still pending, and nothing is there */
    kit_put(fds[1], 1);
    CHECK_EQ(io_dispatch(&poller), 1);
    kit_exhaust_read(&poller, &atom);
    kit_quiet(&poller);
    kit_put(fds[1], 1);
    CHECK_EQ(kit_next(&poller, &atom), IO_READ);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* When io_remove and io_poller_dispose have returned, the kernel writes to the poller no more. */
static void nothing_left_in_kernel(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-REMOVE-3");
    for (int disposed = 0; disposed < 2; disposed++) {
        io_poller *own = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_PRIVATE, -1, 0);
        CHECK(own != NULL);
        unit_tcp_pair(fds);
        kit_begin(own, config, &atom, fds[0], IO_READ);
        CHECK_EQ(io_wait(own, 0), 0); /* it is asked for, */
        kit_set(own, &atom, IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(own, &atom), IO_WRITE); /* and then for more */
        if (!disposed) {
            kit_remove(own, &atom);
            char *copy = malloc(sizeof(*own));
            CHECK(copy != NULL);
            memcpy(copy, own, sizeof(*own));
            kit_put(fds[1], 1);
            unit_close(fds[1]);
            Sleep(20);
            CHECK(memcmp(copy, own, sizeof(*own)) == 0);
            free(copy);
            CHECK_EQ(io_wait(own, 0), 0);
        }
        CLAUSE("IO-INIT-10");
        kit_end(own);
        CHECK(mprotect(own, sizeof(*own), PROT_NONE) == 0);
        if (disposed) {
            kit_put(fds[1], 1);
            unit_close(fds[1]);
        }
        Sleep(20);
        unit_close(fds[0]);
    }
}

/* --- changing the interest --- */

/* A poll is in the kernel that asks for less, or for more, than is of interest from now on. */
static void interest_changes(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    unit_tcp_pair(fds);
    kit_begin(&poller, config, &atom, fds[0], IO_READ);
    for (int round = 0; round < 6; round++) {
        CLAUSE("IO-SET-2");
        CHECK_EQ(io_wait(&poller, 0), 0);
        kit_set(&poller, &atom, IO_READ | IO_WRITE);
        CHECK_EQ(kit_next(&poller, &atom), IO_WRITE);
        CLAUSE("IO-LOST-2");
        kit_set(&poller, &atom, round % 2 ? IO_WRITE : 0);
        (void)unit_told(&poller, &atom, 0);
        kit_put(fds[1], 1);
        CHECK_EQ(kit_next(&poller, &atom) & IO_READ, 0);
        kit_set(&poller, &atom, IO_READ);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_exhaust_read(&poller, &atom);
        CLAUSE("IO-EDGE-1");
        CHECK_EQ(io_wait(&poller, 0), 0);
        kit_put(fds[1], 1);
        CHECK_EQ(kit_next(&poller, &atom), IO_READ);
        kit_exhaust_read(&poller, &atom);
    }
    kit_end(&poller);
    unit_close_pair(fds);
}

/* --- closed without io_remove --- */

/* With nothing asked for nobody reports the end; when something is to be asked for, it is found. */
static void closed_while_masked(const unit_config *config)
{
    io_fd fds[2][2];
    unit_atom old, other;
    unit_tcp_pair(fds[0]);
    unit_tcp_pair(fds[1]);
    kit_begin(&poller, config, &old, fds[0][0], 0);
    kit_add(&poller, &other, fds[1][0], IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 0);
    unit_close(fds[0][0]);
    CLAUSE("IO-SET-6");
    int r = io_set(&poller, &old.io, IO_READ);
    CHECK(r == 0 || r == -EBADF);
    CLAUSE("IO-CLOSE-4");
    kit_put(fds[1][1], 1);
    for (int i = 0; i < 4; i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    CHECK_EQ(other.flags, IO_READ);
    CHECK(old.calls <= 1); /* a last event */
    CLAUSE("IO-CLOSE-8");
    CHECK_EQ(io_fd_check(&poller), 1);
    kit_remove(&poller, &old);
    kit_end(&poller);
    unit_close(fds[0][1]);
    unit_close_pair(fds[1]);
}

static void closed_then_number_reused(const unit_config *config)
{
    unit_atom old, next;
    io_fd fds[2], others[2];
    CLAUSE("IO-CLOSE-5");
    unit_tcp_pair(fds);
    kit_begin(&poller, config, &old, fds[0], IO_READ | IO_WRITE);
    CHECK_EQ(kit_next(&poller, &old), IO_WRITE);
    kit_set(&poller, &old, IO_READ);
    CHECK_EQ(kit_next(&poller, &old), 0);
    unit_close(fds[0]);
    CLAUSE("IO-CLOSE-8");
    CHECK_EQ(io_fd_check(&poller), 1);
    CHECK_EQ(kit_next(&poller, &old), IO_READ); /* a last event */
    CLAUSE("IO-CLOSE-4");
    kit_silent(&poller);
    CHECK_EQ(io_fd_check(&poller), 1);
    CLAUSE("IO-REMOVE-7");
    kit_remove(&poller, &old);
    CHECK_EQ(io_fd_check(&poller), 0);
    /* The system gives the number to the next one, sooner or later. */
    CLAUSE("IO-CLOSE-7");
    for (int tries = 0; tries < 50; tries++) {
        unit_tcp_pair(others);
        io_fd same = others[0] == fds[0] ? others[0] : others[1];
        io_fd peer = same == others[0] ? others[1] : others[0];
        kit_add(&poller, &next, same, IO_READ);
        kit_quiet(&poller);
        kit_put(peer, 1);
        CHECK_EQ(unit_told(&poller, &next, 1000), IO_READ);
        kit_remove(&poller, &next);
        unit_close_pair(others);
        if (same == fds[0]) {
            break;
        }
    }
    unit_close(fds[1]);
    kit_end(&poller);
}

/* The number is used again while the old atom is registered. */
static void closed_and_taken_over(const unit_config *config)
{
    unit_atom old, next;
    io_fd fds[2];
    int taken = 0;
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-CLOSE-7");
    CLAUSE("IO-ADD-6");
    unit_tcp_pair(fds);
    kit_begin(&poller, config, &old, fds[0], IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 0);
    unit_close(fds[0]);
    io_fd same = socket(AF_INET, SOCK_STREAM, 0);
    if (same == fds[0]) {
        taken = 1;
        unit_atom_init(&next, same);
        CHECK_ERROR(io_add(&poller, &next.io, IO_READ), -EEXIST);
    }
    CHECK(io_wait(&poller, 0) >= 0); /* whatever the old one is told (IO-CLOSE-6) */
    CHECK(io_dispatch(&poller) >= 0);
    kit_quiet(&poller);
    kit_remove(&poller, &old);
    kit_add(&poller, &next, same, IO_READ);
    kit_quiet(&poller);
    CHECK_EQ(next.calls, 0);
    kit_end(&poller);
    unit_close(same);
    unit_close(fds[1]);
    if (!taken) {
        SKIP("the system did not use the number again");
    }
}

/* Of many that were closed each is found, and those that were not are served. */
static void closed_many(const unit_config *config)
{
    CLAUSE("IO-CLOSE-4");
    CLAUSE("IO-CLOSE-8");
    begin_many(config, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 0);
    for (int i = 0; i < MANY; i += 2) {
        unit_close(pair_ends[i][0]);
    }
    CHECK_EQ(io_fd_check(&poller), MANY / 2);
    for (int i = 1; i < MANY; i += 2) {
        CHECK(posix_send_now(pair_ends[i][1], "x", 1) == 1);
    }
    Sleep(20);
    for (int i = 0; i < kit_rounds(MANY); i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(atoms[i].flags & IO_READ, IO_READ);
        kit_remove(&poller, &atoms[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        pair_ends[i][0] = socket(AF_INET, SOCK_DGRAM, 0);
    }
    end_many();
}

/* --- waiting --- */

/* Out-of-band data that nobody asked for does not wake a writer that has no room. */
static void urgent_unasked(const unit_config *config)
{
    io_fd fds[2];
    unit_atom atom;
    CLAUSE("IO-WAIT-10");
    unit_tcp_pair(fds);
    (void)unit_fill(fds[0]);
    kit_begin(&poller, config, &atom, fds[0], IO_WRITE);
    CHECK_EQ(send(fds[1], "!", 1, MSG_OOB), 1);
    spy_reset();
    CHECK_EQ(io_wait(&poller, 200), 0);
    CHECK(spy_waits() <= 2 + 2 + 200 / 50);
    kit_end(&poller);
    unit_close_pair(fds);
}

/* The next is told each time, and a wait has as many reports as it has room for. */
static void all_at_once(const unit_config *config)
{
    CLAUSE("IO-FAIR-1");
    begin_many(config, IO_READ | IO_WRITE);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < MANY; i++) {
            atoms[i].flags = 0;
            CHECK(posix_send_now(pair_ends[i][1], "x", 1) == 1);
        }
        Sleep(20);
        for (int i = 0; i < 2 * kit_rounds(MANY); i++) {
            CHECK(io_wait(&poller, 0) >= 0);
            CHECK(io_dispatch(&poller) >= 0);
        }
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(atoms[i].flags & IO_READ, IO_READ);
            kit_get(pair_ends[i][0], 1);
            CHECK_EQ(io_exhausted(&poller, &atoms[i].io, IO_READ), 0);
        }
    }
    end_many();
}

/* --- reading, writing, connecting --- */

static void transfer_errors(const unit_config *config)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    io_fd fds[2];
    io_atom atom;
    char byte = 0;
    size_t size;
    (void)config;
    CLAUSE("IO-READ-7");
    unit_tcp_pair(fds);
    io_atom_init(&atom, fds[0], unit_note);
    CHECK(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    unit_close(fds[1]);
    CHECK_ERROR(io_read(NULL, &atom, &byte, 1, &size), -ECONNRESET);
    CLAUSE("IO-WRITE-3");
    int r = io_write(NULL, &atom, &byte, 1, &size);
    CHECK(r == -ECONNRESET || r == -EPIPE);
    CHECK_EQ(io_close(NULL, &atom), 0);
    CLAUSE("IO-WRITE-5");
    CHECK_ERROR(io_read(NULL, &atom, &byte, 1, &size), -EBADF);
    CHECK_ERROR(io_write(NULL, &atom, &byte, 1, &size), -EBADF);
    io_atom_init(&atom, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), unit_note);
    CHECK_ERROR(io_read(NULL, &atom, &byte, 1, &size), -ENOTCONN);
    CHECK_ERROR(io_write(NULL, &atom, &byte, 1, &size), -ENOTCONN);
    CHECK_EQ(io_close(NULL, &atom), 0);
    unit_tcp_pair(fds);
    io_atom_init(&atom, fds[0], unit_note);
    CHECK(shutdown(fds[0], SHUT_WR) == 0);
    CHECK_ERROR(io_write(NULL, &atom, &byte, 1, &size), -EPIPE);
    unit_close_pair(fds);
}

/* A listener whose queue is full lets the next one wait: -EAGAIN as long as it is on its way. */
static void still_connecting(const unit_config *config)
{
    enum { CLIENTS = 8 };
    struct sockaddr_in self = {.sin_family = AF_INET};
    unit_atom clients[CLIENTS];
    int count = 0, waits = 0;
    char byte = 0;
    size_t size;
    CLAUSE("IO-SOCKET-5");
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    io_fd listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&self, sizeof(self)) == 0);
    CHECK(listen(listener, 0) == 0);
    io_address remote = unit_local_address(listener, IO_STREAM);
    unit_poller(&poller, config);
    while (count < CLIENTS && !waits) {
        unit_atom *client = &clients[count++];
        unit_atom_init(client, -1);
        CHECK_EQ(io_socket_connect(&poller, &client->io, unit_note, &remote, IO_READ | IO_WRITE),
                 0);
        waits = unit_told(&poller, client, 50) == 0;
        kit_set(&poller, client, 0);
    }
    if (waits) {
        io_atom *atom = &clients[count - 1].io;
        CHECK_ERROR(io_read(&poller, atom, &byte, 1, &size), -EAGAIN);
        CHECK_ERROR(io_write(&poller, atom, &byte, 1, &size), -EAGAIN);
    }
    for (int i = 0; i < count; i++) {
        CHECK_EQ(io_close(&poller, &clients[i].io), 0);
    }
    kit_end(&poller);
    unit_close(listener);
    if (!waits) {
        SKIP("no connection waits");
    }
}

static void not_supported(const unit_config *config)
{
    io_address path = unit_address("unix:path");
    io_address datagrams = unit_address("unix-dgram:path");
    io_address any = unit_address("127.0.0.1:0");
    io_atom atom = {0};
    CLAUSE("IO-SOCKET-6");
    unit_poller(&poller, config);
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, &path, 0), -EAFNOSUPPORT);
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, &datagrams, 0), -EAFNOSUPPORT);
    CHECK_ERROR(io_socket_connect(&poller, &atom, unit_note, &path, IO_READ), -EAFNOSUPPORT);
    CHECK_ERROR(io_socket_listen(&poller, &atom, unit_note, &any, IO_LISTEN_REUSEPORT),
                -ENOPROTOOPT);
    CLAUSE("IO-INIT-8");
    CHECK_ERROR(io_poller_fd(&poller), -ENOTSUP);
    kit_end(&poller);
}

/* --- the choice of a backend --- */

static void choice(const unit_config *config)
{
    static const struct {
        const char *value;
        const char *name; /* null: -EINVAL; empty: -ENOSYS */
    } cases[] = {{"", "afd"},  {"afd", "afd"}, {"select", "select"}, {"epoll", ""},
                 {"poll", ""}, {"AFD", NULL},  {"uring", ""}};
    (void)config;
    CLAUSE("IO-INIT-1");
    CHECK(unsetenv("IOATOM_POLLER") == 0);
    CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
    CHECK_EQ(strcmp(io_poller_name(&poller), "afd"), 0);
    CHECK_EQ(io_poller_type(&poller), IO_POLLER_AFD | IO_POLLER_LEVEL);
    kit_end(&poller);
    CHECK_EQ(io_poller_init(&poller, IO_POLLER_SELECT | IO_POLLER_EPOLL), 0);
    CHECK_EQ(io_poller_type(&poller), IO_POLLER_SELECT | IO_POLLER_LEVEL);
    kit_end(&poller);
    CLAUSE("IO-INIT-4");
    CHECK_ERROR(io_poller_init(&poller, IO_POLLER_EPOLL | IO_POLLER_POLL), -ENOSYS);
    CLAUSE("IO-INIT-5");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(setenv("IOATOM_POLLER", cases[i].value, 1) == 0);
        if (cases[i].name == NULL || cases[i].name[0] == '\0') {
            CHECK_ERROR(io_poller_init(&poller, IO_POLLER_ANY), cases[i].name ? -ENOSYS : -EINVAL);
        } else {
            CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
            CHECK_EQ(strcmp(io_poller_name(&poller), cases[i].name), 0);
            kit_end(&poller);
        }
    }
}

static const unit_test tests[] = {
    {"add_other_handles", "IO-ADD-4 IO-ADD-7 IO-ADD-8", add_other_handles, UNIT_EACH},
    {"add_udp", "IO-READ-1 IO-READ-4", add_udp, UNIT_EACH},
    {"small_table", "IO-MEM-4 IO-MEM-5 IO-ADD-5", small_table, UNIT_EACH},
    {"remove_and_add_again", "IO-REMOVE-6", remove_and_add_again, UNIT_EACH},
    {"remove_all_inside", "IO-REMOVE-1 IO-REMOVE-5", remove_all_inside, UNIT_EACH},
    {"remove_keeps_others", "IO-LOST-1", remove_keeps_others, UNIT_EACH},
    {"told_is_over", "IO-EVENT-5", told_is_over, UNIT_EACH},
    {"nothing_left_in_kernel", "IO-REMOVE-3 IO-INIT-10", nothing_left_in_kernel, UNIT_EACH},
    {"interest_changes", "IO-SET-2 IO-LOST-2 IO-EDGE-1", interest_changes, UNIT_EACH},
    {"closed_while_masked", "IO-SET-6 IO-CLOSE-4 IO-CLOSE-8", closed_while_masked, UNIT_EACH},
    {"closed_then_number_reused", "IO-CLOSE-4 IO-CLOSE-5 IO-CLOSE-7 IO-CLOSE-8 IO-REMOVE-7",
     closed_then_number_reused, UNIT_EACH},
    {"closed_and_taken_over", "IO-CLOSE-4 IO-CLOSE-7 IO-ADD-6", closed_and_taken_over, UNIT_EACH},
    {"closed_many", "IO-CLOSE-4 IO-CLOSE-8", closed_many, UNIT_EACH},
    {"urgent_unasked", "IO-WAIT-10", urgent_unasked, UNIT_EACH},
    {"all_at_once", "IO-FAIR-1", all_at_once, UNIT_EACH},
    {"transfer_errors", "IO-READ-7 IO-WRITE-3 IO-WRITE-5", transfer_errors, UNIT_ONCE},
    {"still_connecting", "IO-SOCKET-5", still_connecting, UNIT_EACH},
    {"not_supported", "IO-SOCKET-6 IO-INIT-8", not_supported, UNIT_EACH},
    {"choice", "IO-INIT-1 IO-INIT-4 IO-INIT-5", choice, UNIT_ONCE},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
