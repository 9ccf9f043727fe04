/* tests/unit/unit.c for Windows: the same interface and the same table. A test runs in a process of
 * its own, which is this program again with the test's name; what it has to say it leaves in a file. */
#include "../unit/unit.h"

#include "posix/posix.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit_skips.h"

#define GUARD_MS 60000 /* or what IOATOM_UNIT_GUARD_MS says */
#define START_ATTEMPTS 5
#define START_PAUSE_MS 200
#define PATIENCE_MS 5000
#define MARKS_MAX 64
#define ID_MAX 32
#define NAME_WIDTH 34
#define RESULT_WIDTH 8
#define CODE_FAILED 1
#define CODE_SKIPPED 77

/* What the process of a test leaves for the one that started it. */
typedef struct unit_report {
    char message[1024];
    char clause[ID_MAX]; /* the last one that was marked */
    char marks[MARKS_MAX][ID_MAX];
    int mark_count;
} unit_report;

/* What became of a test in all its configurations. */
typedef struct unit_outcome {
    int passed;
    int failed;
    int skipped;
    char notes[8192]; /* lines to be printed under the test */
} unit_outcome;

static const unit_config configs[] = {
    {"afd+edge", IO_POLLER_AFD | IO_POLLER_EDGE},
    {"afd+level", IO_POLLER_AFD | IO_POLLER_LEVEL},
    {"select+edge", IO_POLLER_SELECT | IO_POLLER_EDGE},
    {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};

enum { CONFIGS = sizeof(configs) / sizeof(configs[0]) };

static unit_report report;
static const char *report_path; /* in the process of a test */
static const unit_test *current;
static const char *last_file; /* of the last check that a test made itself */
static int last_line;

/* --- within a test --- */

_Noreturn static void leave(int code)
{
    FILE *file = fopen(report_path, "wb");
    if (file == NULL || fwrite(&report, sizeof(report), 1, file) != 1 || fclose(file) != 0) {
        perror(report_path);
        code = 2;
    }
    fflush(NULL);
    ExitProcess((UINT)code);
}

static void fail(const char *file, int line, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *clause = report.clause[0] != '\0' ? report.clause : "no clause";
    if (last_file != NULL && strcmp(file, __FILE__) == 0) {
        snprintf(report.message, sizeof(report.message), "%s:%d: %s, after %s:%d [%s]", file, line,
                 text, last_file, last_line, clause);
    } else {
        snprintf(report.message, sizeof(report.message), "%s:%d: %s [%s]", file, line, text,
                 clause);
    }
    leave(CODE_FAILED);
}

static void pass(const char *file, int line)
{
    if (strcmp(file, __FILE__) != 0) {
        last_file = file;
        last_line = line;
    }
}

/* 1 if the list of words has the word. */
static int has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        char before = at == list ? ' ' : at[-1];
        char after = at[length];
        if (before == ' ' && (after == ' ' || after == '\0')) {
            return 1;
        }
    }
    return 0;
}

static int is_marked(const char *id)
{
    for (int i = 0; i < report.mark_count; i++) {
        if (strcmp(report.marks[i], id) == 0) {
            return 1;
        }
    }
    return 0;
}

void unit_clause(const char *file, int line, const char *id)
{
    snprintf(report.clause, sizeof(report.clause), "%s", id);
    if (!has_word(current->clauses, id)) {
        fail(file, line, "clause is not in the table's list of %s", current->name);
    }
    if (!is_marked(id) && report.mark_count < MARKS_MAX) {
        snprintf(report.marks[report.mark_count++], ID_MAX, "%s", id);
    }
    pass(file, line);
}

void unit_check(const char *file, int line, const char *text, int holds)
{
    if (!holds) {
        int code = errno;
        fail(file, line, "%s does not hold (errno: %d)", text, code);
    }
    pass(file, line);
}

void unit_check_eq(const char *file, int line, const char *text, long long left, long long right)
{
    if (left != right) {
        fail(file, line, "%s: %lld is not %lld", text, left, right);
    }
    pass(file, line);
}

void unit_check_error(const char *file, int line, const char *text, int result, int code)
{
    int number = errno;
    if (result != code) {
        fail(file, line, "%s: %d is not %d", text, result, code);
    }
    if (number != -code) {
        fail(file, line, "%s: errno is %d after %d", text, number, result);
    }
    pass(file, line);
}

_Noreturn void unit_skip(const char *reason)
{
    snprintf(report.message, sizeof(report.message), "skipped: %s", reason);
    leave(CODE_SKIPPED);
}

int posix_refuse(const char *what)
{
    char reason[200];
    snprintf(reason, sizeof(reason), "Windows has no such thing: %s", what);
    unit_skip(reason);
}

/* --- pollers and atoms --- */

void unit_poller(io_poller *poller, const unit_config *config)
{
    CHECK_EQ(io_poller_init(poller, config->types), 0);
}

int unit_is_edge(const unit_config *config)
{
    return (config->types & IO_POLLER_EDGE) != 0;
}

int unit_is_emulated(const unit_config *config)
{
    return unit_is_edge(config);
}

void unit_note(io_poller *poller, io_atom *atom, int flags)
{
    unit_atom *self = io_resolve_parent(atom, unit_atom, io);
    (void)poller;
    self->calls++;
    self->flags |= flags;
}

void unit_atom_init(unit_atom *atom, io_fd fd)
{
    memset(atom, 0, sizeof(*atom));
    io_atom_init(&atom->io, fd, unit_note);
}

int unit_told(io_poller *poller, unit_atom *atom, int timeout_ms)
{
    atom->flags = 0;
    CHECK(io_wait(poller, timeout_ms) >= 0);
    CHECK(io_dispatch(poller) >= 0);
    return atom->flags;
}

void unit_await(io_poller *poller, unit_atom *atom, int flags)
{
    uint64_t end = GetTickCount64() + PATIENCE_MS;
    while ((unit_told(poller, atom, 100) & flags) == 0) {
        CHECK(GetTickCount64() < end);
    }
}

/* --- descriptors --- */

void unit_nonblock(io_fd fd, int on)
{
    CHECK(fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0) == 0);
}

void unit_pipe(io_fd fds[2])
{
    CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
}

void unit_unix_pair(io_fd fds[2], int type)
{
    CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
}

void unit_tcp_pair(io_fd fds[2])
{
    unit_unix_pair(fds, SOCK_STREAM);
}

void unit_close(io_fd fd)
{
    CHECK(close(fd) == 0);
}

void unit_close_pair(io_fd fds[2])
{
    unit_close(fds[0]);
    unit_close(fds[1]);
}

/* Until it stays full, to poll(2), too: the stack moves bytes on for a while, and may hold back an
 * acknowledgement. */
size_t unit_fill(io_fd fd)
{
    static const char bytes[4096];
    size_t total = 0;
    size_t size = sizeof(bytes);
    for (int tries = 0; tries < 4;) {
        struct pollfd entry = {.fd = (SOCKET)fd, .events = POLLOUT};
        ssize_t count = posix_send_now(fd, bytes, size);
        CHECK(count > 0 || errno == EAGAIN);
        if (count < 0) {
            Sleep(15);
            size = size > 1 ? size / 2 : 1;
        }
        tries = count > 0 || poll(&entry, 1, 0) > 0 ? 0 : tries + 1;
        total += count > 0 ? (size_t)count : 0;
    }
    return total;
}

size_t unit_drain(io_fd fd)
{
    char bytes[4096];
    size_t total = 0;
    for (;;) {
        ssize_t count = read(fd, bytes, sizeof(bytes));
        if (count <= 0) {
            CHECK(count == 0 || errno == EAGAIN);
            return total;
        }
        total += (size_t)count;
    }
}

void unit_ready(io_fd fd, short events)
{
    struct pollfd entry = {.fd = (SOCKET)fd, .events = events};
    CHECK_EQ(poll(&entry, 1, PATIENCE_MS), 1);
    CHECK((entry.revents & events) != 0);
}

/* Sockets and all other handles. They are counted one by one: wine's GetProcessHandleCount says 0. */
int unit_fd_count(void)
{
    enum { LAST_HANDLE = 2048 };
    int count = 0;
    for (uintptr_t handle = 4; handle < LAST_HANDLE; handle += 4) {
        DWORD flags;
        count += GetHandleInformation((HANDLE)handle, &flags) != 0;
    }
    CHECK(count > 0);
    return count;
}

io_address unit_address(const char *spec)
{
    io_address address;
    CHECK_EQ(io_parse_address(spec, &address), 0);
    return address;
}

io_address unit_local_address(io_fd fd, int type)
{
    io_address address;
    socklen_t length = sizeof(address.sockaddr.bytes);
    memset(&address, 0, sizeof(address));
    CHECK(getsockname(fd, (struct sockaddr *)(void *)address.sockaddr.bytes, &length) == 0);
    address.type = type;
    address.length = (uint32_t)length;
    return address;
}

/* --- signals --- */

void unit_signals_start(void (*handler)(int signal), int delay_ms)
{
    (void)handler;
    (void)delay_ms;
    (void)posix_refuse("a signal");
}

void unit_signals_stop(void)
{
}

/* --- running --- */

static const char *skip_reason(const unit_test *test, const unit_config *config)
{
    for (size_t i = 0; i < sizeof(unit_skips) / sizeof(unit_skips[0]); i++) {
        int types = unit_skips[i].types;
        if (strcmp(unit_skips[i].test, test->name) == 0 &&
            (types == 0 || (config && (config->types & types)))) {
            return unit_skips[i].reason;
        }
    }
    return NULL;
}

/* What the system opens for itself when it is used first is not the test's. */
static void warm_up(void)
{
    io_fd fds[2];
    unit_tcp_pair(fds);
    unit_ready(fds[0], POLLOUT);
    CHECK_EQ(write(fds[0], "x", 1), 1);
    unit_ready(fds[1], POLLIN);
    unit_close_pair(fds);
}

/* The process of one test in one configuration. */
_Noreturn static void run_child(const unit_test *test, const unit_config *config, const char *path)
{
    io_poller *first = calloc(1, sizeof(*first));
    report_path = path;
    current = test;
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX); /* no debugger, no window */
    const char *reason = skip_reason(test, config);
    if (reason != NULL) {
        unit_skip(reason);
    }
    warm_up();
    if (first == NULL || io_poller_init(first, config ? config->types : IO_POLLER_ANY) < 0 ||
        io_poller_dispose(first) < 0) {
        fail(test->name, 0, "there is no poller");
    }
    int before = unit_fd_count();
    test->run(config);
    int after = unit_fd_count();
    if (before != after) {
        fail(test->name, 0, "%d descriptors open before, %d after", before, after);
    }
    if (report.mark_count == 0) {
        unit_skip("nothing in it is about this configuration");
    }
    leave(0);
}

static void read_report(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        if (fread(&report, sizeof(report), 1, file) != 1) {
            snprintf(report.message, sizeof(report.message), "its report is incomplete");
        }
        fclose(file);
    }
    (void)remove(path);
}

static DWORD guard_ms(void)
{
    const char *text = getenv("IOATOM_UNIT_GUARD_MS");
    return text != NULL ? (DWORD)strtoul(text, NULL, 10) : GUARD_MS;
}

/*
 * A process is not always to be had at once: under wine on a busy machine one start in some thousands fails. That is
 * nothing about the library, so it is tried again, and said.
 */
static void start(const char *program, char *command, PROCESS_INFORMATION *process)
{
    STARTUPINFOA startup = {.cb = sizeof(startup)};
    for (unsigned attempt = 1;; attempt++) {
        if (CreateProcessA(program, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, process)) {
            return;
        }
        fprintf(stderr, "cannot run %s (attempt %u of %d): error %lu\n", command, attempt,
                START_ATTEMPTS, GetLastError());
        if (attempt == START_ATTEMPTS) {
            exit(2);
        }
        Sleep(START_PAUSE_MS * attempt);
    }
}

/* Runs this program for one test, and returns the exit code; -1: it did not end in time. */
static int run_process(const unit_test *test, const unit_config *config, const char *path)
{
    char program[MAX_PATH];
    char command[3 * MAX_PATH];
    PROCESS_INFORMATION process;
    DWORD code = 2;
    GetModuleFileNameA(NULL, program, sizeof(program));
    snprintf(command, sizeof(command), "\"%s\" --run %s %s \"%s\"", program, test->name,
             config ? config->name : "once", path);
    start(program, command, &process);
    DWORD waited = WaitForSingleObject(process.hProcess, guard_ms());
    if (waited != WAIT_OBJECT_0) {
        TerminateProcess(process.hProcess, 2);
        WaitForSingleObject(process.hProcess, INFINITE);
    }
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    return waited == WAIT_OBJECT_0 ? (int)code : -1;
}

static void run_config(const unit_test *test, const unit_config *config, unit_outcome *outcome)
{
    unit_report before = report; /* marks add up */
    char path[MAX_PATH], folder[MAX_PATH];
    fflush(NULL);
    report.message[0] = '\0';
    GetTempPathA(sizeof(folder), folder);
    GetTempFileNameA(folder, "unt", 0, path);
    int code = run_process(test, config, path);
    read_report(path);
    for (int i = 0; i < before.mark_count; i++) {
        if (!is_marked(before.marks[i]) && report.mark_count < MARKS_MAX) {
            memcpy(report.marks[report.mark_count++], before.marks[i], ID_MAX);
        }
    }
    if (code == 0) {
        outcome->passed++;
        return;
    }
    outcome->skipped += code == CODE_SKIPPED;
    outcome->failed += code != CODE_SKIPPED;
    if (code != CODE_SKIPPED && code != CODE_FAILED) {
        snprintf(report.message, sizeof(report.message),
                 code < 0 ? "not ready after %d ms" : "ended by exit code %#x",
                 code < 0 ? (unsigned)guard_ms() : (unsigned)code);
    }
    size_t used = strlen(outcome->notes);
    snprintf(outcome->notes + used, sizeof(outcome->notes) - used, "    %s%s%s\n",
             config != NULL ? config->name : "", config != NULL ? ": " : "", report.message);
}

/* A clause that is listed and was not marked has its test on another system, or was skipped. */
static void note_marks(const unit_test *test, unit_outcome *outcome)
{
    char list[1024];
    snprintf(list, sizeof(list), "%s", test->clauses);
    for (char *id = strtok(list, " "); id != NULL; id = strtok(NULL, " ")) {
        if (!is_marked(id)) {
            size_t used = strlen(outcome->notes);
            snprintf(outcome->notes + used, sizeof(outcome->notes) - used,
                     "    %s was not checked here\n", id);
        }
    }
}

/* Runs a test in all its configurations and prints its line. */
static int run_test(const unit_test *test)
{
    static unit_outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    memset(&report, 0, sizeof(report));
    for (size_t i = 0; i < (test->mode == UNIT_ONCE ? 1 : CONFIGS); i++) {
        run_config(test, test->mode == UNIT_ONCE ? NULL : &configs[i], &outcome);
    }
    if (outcome.failed == 0 && outcome.passed > 0) {
        note_marks(test, &outcome);
    }
    int skipped = outcome.failed == 0 && outcome.passed == 0;
    printf("%-*s %-*s %s\n%s", NAME_WIDTH, test->name, RESULT_WIDTH,
           outcome.failed > 0 ? "FAIL" : (skipped ? "skipped" : "ok"), test->clauses,
           outcome.notes);
    return outcome.failed > 0 ? CODE_FAILED : (skipped ? CODE_SKIPPED : 0);
}

static void run_named(const unit_test *tests, const char *name, const char *config,
                      const char *path)
{
    for (const unit_test *test = tests; test->name != NULL; test++) {
        for (size_t i = 0; i < CONFIGS && strcmp(test->name, name) == 0; i++) {
            if (test->mode == UNIT_ONCE || strcmp(configs[i].name, config) == 0) {
                run_child(test, test->mode == UNIT_ONCE ? NULL : &configs[i], path);
            }
        }
    }
    fprintf(stderr, "no test %s in %s\n", name, config);
    exit(2);
}

int unit_main(int argc, char **argv, const unit_test *tests)
{
    const char *filter = argc > 1 ? argv[1] : "";
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 5 && strcmp(argv[1], "--run") == 0) {
        run_named(tests, argv[2], argv[3], argv[4]);
    }
    if (argc > 2 || filter[0] == '-') {
        fprintf(stderr, "usage: %s [FILTER]: the unit tests whose name contains FILTER\n", argv[0]);
        return 2;
    }
    for (const unit_test *test = tests; test->name != NULL; test++) {
        if (strstr(test->name, filter) != NULL) {
            int code = run_test(test);
            passed += code == 0;
            failed += code == CODE_FAILED;
            skipped += code == CODE_SKIPPED;
        }
    }
    if (passed + failed + skipped == 0) {
        fprintf(stderr, "%s: no test's name contains \"%s\"\n", argv[0], filter);
        return 2;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0;
}
