/* A small harness for unit tests.
 *
 * A test file has functions `static void name(const unit_config *config)`, a table of unit_test
 * that ends with a null name, and a main that returns unit_main(argc, argv, table). Each test runs
 * in a process of its own (a crash, a hang, a signal is that test's failure and no other's), in an
 * empty current directory that is removed at the end, with SIGPIPE at its default. A test fails if
 * it leaves more or fewer descriptors open than it found.
 *
 * The table names the clauses of lib/SPEC.md that a test checks, and the test says
 * CLAUSE("IO-READ-2") where it does so. The two must agree: a clause that is marked and not listed,
 * or listed and never marked in any configuration, is a failure, so that `--list` tells the truth.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <ioatom/ioatom.h>

/* A configuration: "epoll+edge" and what io_poller_init takes for it. */
typedef struct unit_config {
    const char *name;
    int types;
} unit_config;

/* How often a test runs. */
#define UNIT_ONCE 0 /* once, config is null */
#define UNIT_EACH 1 /* in every configuration */

typedef struct unit_test {
    const char *name;
    const char *clauses; /* "IO-READ-1 IO-READ-3" */
    void (*run)(const unit_config *config);
    int mode;
} unit_test;

/* Parses the arguments (--list, --help, a filter), runs, prints, and returns the exit code. */
int unit_main(int argc, char **argv, const unit_test *tests);

/* From here on this clause is checked; a failure is reported with it. */
#define CLAUSE(id) unit_clause(__FILE__, __LINE__, id)

/* End the test: as failed if the condition does not hold, or the two values differ (both are
 * printed); as skipped. */
#define CHECK(condition) unit_check(__FILE__, __LINE__, #condition, (condition) != 0)
#define CHECK_EQ(left, right)                                                                      \
    unit_check_eq(__FILE__, __LINE__, #left " == " #right, (long long)(left), (long long)(right))
/* A call that must fail with this code, and set errno to match (IO-ERROR-1). */
#define CHECK_ERROR(call, code)                                                                    \
    unit_check_error(__FILE__, __LINE__, #call, (errno = 0, (call)), code)
#define CHECK_BYTES(left, right, size)                                                             \
    unit_check(__FILE__, __LINE__, #left " has the bytes of " #right,                              \
               memcmp(left, right, size) == 0)
#define SKIP(reason) unit_skip(reason)
/* The test is about something that the simulated kernel has not: there it is skipped (on_sim.h). */
#ifdef UNIT_ON_SIM
#define NEEDS_KERNEL(what) unit_skip("the simulated kernel has no " what)
#else
#define NEEDS_KERNEL(what) ((void)0)
#endif

void unit_clause(const char *file, int line, const char *id);
void unit_check(const char *file, int line, const char *text, int holds);
void unit_check_eq(const char *file, int line, const char *text, long long left, long long right);
void unit_check_error(const char *file, int line, const char *text, int result, int code);
_Noreturn void unit_skip(const char *reason);

/* The poller of the configuration; skips the test where the backend is not compiled in. */
void unit_poller(io_poller *poller, const unit_config *config);
/* 1 for poll+edge and select+edge. */
int unit_is_emulated(const unit_config *config);
int unit_is_edge(const unit_config *config);

/* An atom that counts its callbacks and collects their flags. */
typedef struct unit_atom {
    io_atom io;
    int calls;
    int flags;
} unit_atom;

/* io_atom_init with unit_note, which only counts. */
void unit_atom_init(unit_atom *atom, io_fd fd);
void unit_note(io_poller *poller, io_atom *atom, int flags);
/* Wait (up to timeout_ms) and dispatch; returns the flags that this atom was told by it. */
int unit_told(io_poller *poller, unit_atom *atom, int timeout_ms);
/* The same as often as it takes, until some of the flags were told; fails after five seconds. */
void unit_await(io_poller *poller, unit_atom *atom, int flags);

/* Descriptors, all non-blocking and close-on-exec. A failure ends the test. */
void unit_pipe(io_fd fds[2]);
void unit_unix_pair(io_fd fds[2], int type);
void unit_tcp_pair(io_fd fds[2]);
void unit_nonblock(io_fd fd, int on);
void unit_close(io_fd fd);
void unit_close_pair(io_fd fds[2]);
/* Write until EAGAIN; returns the number of bytes. */
size_t unit_fill(io_fd fd);
/* Read until EAGAIN or the end; returns the number of bytes. */
size_t unit_drain(io_fd fd);
/* Wait for poll(2) events; fails after five seconds. */
void unit_ready(io_fd fd, short events);
/* Open descriptors of this process. */
int unit_fd_count(void);

/* Addresses of this machine: parsed, and with the port that the kernel chose for a descriptor. */
io_address unit_address(const char *spec);
io_address unit_local_address(io_fd fd, int type);

/* Call handler in `delay_ms` and then every `delay_ms` on SIGUSR1, without SA_RESTART, until
 * unit_signals_stop. */
void unit_signals_start(void (*handler)(int signal), int delay_ms);
void unit_signals_stop(void);

#endif
