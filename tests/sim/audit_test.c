/* The audit layer over the simulated kernel: what it finds is the same, and what it cannot ask it does
 * not make up. */
#include "../unit/unit.h"

#include <fcntl.h>
#include <ioatom/audit.h>
#include <ioatom/sim.h>

enum { SIZE = 10, PART = 4 };

static io_sim sim; /* a process for each test: always a fresh one */
static io_poller poller;
static io_audit audit;
static unit_atom atom;
static io_fd fds[2];
static io_audit_finding found;
static int found_count;

static void note_finding(void *context, const io_audit_finding *finding)
{
    CHECK(context == NULL);
    found = *finding;
    found_count++;
}

static void begin_empty(const unit_config *config, int options)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    found_count = 0;
    unit_poller(&poller, config);
    CHECK_EQ(io_audit_begin(&audit, &poller, options, note_finding, NULL), 0);
}

static void add(io_fd fd, io_proc proc, int flags)
{
    unit_atom_init(&atom, fd);
    atom.io.proc = proc;
    CHECK_EQ(io_add(&poller, &atom.io, flags), 0);
}

/* A pipe with some bytes, whose reading end has this handler. */
static void begin(const unit_config *config, int options, io_proc proc, int flags)
{
    begin_empty(config, options);
    CHECK_EQ(io_sim_pipe2(fds, O_NONBLOCK), 0);
    CHECK_EQ(io_sim_write(fds[1], "0123456789", SIZE), SIZE);
    add(fds[0], proc, flags);
}

/* One wait, one callback. */
static void turn(void)
{
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
}

static void check_found(int kind, int left, int left_bytes)
{
    CHECK_EQ(found_count, 1);
    CHECK_EQ(found.kind, kind);
    CHECK(found.atom == &atom.io);
    CHECK(found.proc == atom.io.proc);
    CHECK_EQ(found.fd, atom.io.fd);
    CHECK_EQ(found.left, left);
    CHECK_EQ(found.left_bytes, left_bytes);
    found_count = 0;
}

static void end(void)
{
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK_EQ(io_sim_shortages(&sim), 0);
}

static void read_part(io_poller *p, io_atom *a, int flags)
{
    char bytes[PART];
    size_t size;
    (void)flags;
    CHECK_EQ(io_read(p, a, bytes, sizeof(bytes), &size), 0);
}

static void read_all(io_poller *p, io_atom *a, int flags)
{
    char bytes[64];
    size_t size;
    (void)flags;
    while (io_read(p, a, bytes, sizeof(bytes), &size) == 0) {
    }
}

static void raw_read(io_poller *p, io_atom *a, int flags)
{
    char bytes[64];
    (void)p;
    (void)flags;
    while (io_sim_read(a->fd, bytes, sizeof(bytes)) > 0) {
    }
    CHECK_EQ(errno, EAGAIN);
}

static void accept_one(io_poller *p, io_atom *a, int flags)
{
    unit_atom server;
    (void)flags;
    CHECK_EQ(io_socket_accept(p, &server.io, unit_note, IO_READ, a, NULL), 0);
    CHECK_EQ(io_close(p, &server.io), 0);
}

static void partial_read(const unit_config *config)
{
    CLAUSE("IO-AUDIT-3");
    begin(config, IO_AUDIT_HERE, read_part, IO_READ);
    turn();
    CHECK_EQ(found_count, unit_is_edge(config));
    end();
    CLAUSE("IO-AUDIT-5");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ);
    turn();
    check_found(IO_AUDIT_LEFT_READY, IO_READ, SIZE - PART);
    end();
    CLAUSE("IO-AUDIT-2");
    begin(config, IO_AUDIT_PORTABLE, read_all, IO_READ);
    turn();
    CHECK_EQ(found_count, 0);
    CHECK_EQ(io_audit_idle(&audit), 0);
    end();
}

static void one_accept_for_each_event(const unit_config *config)
{
    static const char *const specs[] = {"127.0.0.1:80", "unix:socket"};
    for (int i = 0; i < 2; i++) {
        io_address address = unit_address(specs[i]);
        io_atom client[2];
        CLAUSE("IO-AUDIT-3");
        begin_empty(config, IO_AUDIT_PORTABLE);
        CHECK_EQ(io_socket_listen(&poller, &atom.io, accept_one, &address, 0), 0);
        for (int k = 0; k < 2; k++) {
            CHECK_EQ(io_socket_connect(&poller, &client[k], unit_note, &address, 0), 0);
        }
        turn();
        check_found(IO_AUDIT_LEFT_READY, IO_READ, -1);
        CLAUSE("IO-AUDIT-7"); /* level mode tells of the second one; edge mode does not */
        CHECK_EQ(io_audit_idle(&audit), unit_is_edge(config) ? 1 : -EAGAIN);
        end();
    }
}

static void reading_past_the_library(const unit_config *config)
{
    CLAUSE("IO-AUDIT-4");
    begin(config, IO_AUDIT_HERE, raw_read, IO_READ);
    turn();
    if (unit_is_emulated(config)) {
        check_found(IO_AUDIT_NOT_NOTED, IO_READ, 0);
    }
    CHECK_EQ(found_count, 0);
    end();
}

static void forgotten_one_shot(const unit_config *config)
{
    CLAUSE("IO-AUDIT-7");
    begin(config, IO_AUDIT_HERE, read_part, IO_READ | IO_ONESHOT);
    turn();
    CHECK_EQ(found_count, 0);
    CHECK_EQ(io_audit_idle(&audit), 1);
    check_found(IO_AUDIT_FORGOTTEN, IO_READ, SIZE - PART);
    end();
}

/* It is not told about, and nothing else changes; a signal is no refusal. */
static void the_kernel_refuses(const unit_config *config)
{
    CLAUSE("IO-AUDIT-12");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_POLL, 1, ENOMEM), 0);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0);
    CHECK_EQ(io_set(&poller, &atom.io, IO_READ), 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_POLL, 1, EINTR), 0);
    CHECK_EQ(io_sim_fail(&sim, IO_SIM_CALL_OPTION, 1, ENOTTY), 0); /* nor how much there is */
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    check_found(IO_AUDIT_LEFT_READY, IO_READ, -1);
    end();
}

static const unit_test tests[] = {
    {"partial_read", "IO-AUDIT-2 IO-AUDIT-3 IO-AUDIT-5", partial_read, UNIT_EACH},
    {"one_accept_for_each_event", "IO-AUDIT-3 IO-AUDIT-7", one_accept_for_each_event, UNIT_EACH},
    {"reading_past_the_library", "IO-AUDIT-4", reading_past_the_library, UNIT_EACH},
    {"forgotten_one_shot", "IO-AUDIT-7", forgotten_one_shot, UNIT_EACH},
    {"the_kernel_refuses", "IO-AUDIT-12", the_kernel_refuses, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
