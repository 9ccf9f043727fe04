#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD_S 60
#define PATIENCE_MS 5000
#define MARKS_MAX 64
#define ID_MAX 32
#define NAME_WIDTH 34
#define RESULT_WIDTH 8
#define CODE_FAILED 1
#define CODE_SKIPPED 77

/* What the process of a test leaves for the one that started it: shared memory, and so no
 * descriptor. */
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
    {"epoll+edge", IO_POLLER_EPOLL | IO_POLLER_EDGE},
    {"epoll+level", IO_POLLER_EPOLL | IO_POLLER_LEVEL},
#ifdef IO_OS_SIM /* a kqueue that runs here */
    {"kqueue+edge", IO_POLLER_KQUEUE | IO_POLLER_EDGE},
    {"kqueue+level", IO_POLLER_KQUEUE | IO_POLLER_LEVEL},
#endif
    {"uring+edge", IO_POLLER_URING | IO_POLLER_EDGE},
    {"uring+level", IO_POLLER_URING | IO_POLLER_LEVEL},
    {"poll+edge", IO_POLLER_POLL | IO_POLLER_EDGE},
    {"poll+level", IO_POLLER_POLL | IO_POLLER_LEVEL},
    {"select+edge", IO_POLLER_SELECT | IO_POLLER_EDGE},
    {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};

#ifdef UNIT_ON_SIM
io_sim unit_sim;
#endif

static unit_report *report;
static const unit_test *current;
static const char
    *last_file; /* of the last check that a test made itself, and not a helper of this file */
static int last_line;
static pid_t child;
static timer_t signal_timer;

/* --- within a test --- */

_Noreturn static void leave(int code)
{
    fflush(NULL);
    _exit(
        code); /* not exit: a sanitizer's leak check would report what a failed test left behind */
}

static void fail(const char *file, int line, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *clause = report->clause[0] != '\0' ? report->clause : "no clause";
    if (last_file != NULL && strcmp(file, __FILE__) == 0) {
        snprintf(report->message, sizeof(report->message), "%s:%d: %s, after %s:%d [%s]", file,
                 line, text, last_file, last_line, clause);
    } else {
        snprintf(report->message, sizeof(report->message), "%s:%d: %s [%s]", file, line, text,
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
    for (int i = 0; i < report->mark_count; i++) {
        if (strcmp(report->marks[i], id) == 0) {
            return 1;
        }
    }
    return 0;
}

void unit_clause(const char *file, int line, const char *id)
{
    snprintf(report->clause, sizeof(report->clause), "%s", id);
    if (!has_word(current->clauses, id)) {
        fail(file, line, "clause is not in the table's list of %s", current->name);
    }
    if (!is_marked(id) && report->mark_count < MARKS_MAX) {
        snprintf(report->marks[report->mark_count++], ID_MAX, "%s", id);
    }
    pass(file, line);
}

void unit_check(const char *file, int line, const char *text, int holds)
{
    if (!holds) {
        int code = errno;
        fail(file, line, "%s does not hold (errno: %s)", text, strerror(code));
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
        fail(file, line, "%s: %d is not %d (%s)", text, result, code, strerror(-code));
    }
    if (number != -code) {
        fail(file, line, "%s: errno is %d after %d", text, number, result);
    }
    pass(file, line);
}

_Noreturn void unit_skip(const char *reason)
{
    snprintf(report->message, sizeof(report->message), "skipped: %s", reason);
    leave(CODE_SKIPPED);
}

/* --- pollers and atoms --- */

void unit_poller(io_poller *poller, const unit_config *config)
{
    int result = io_poller_init(poller, config->types);
    if (result == -ENOSYS) {
        unit_skip("the backend is not there");
    }
    CHECK_EQ(result, 0);
}

int unit_is_edge(const unit_config *config)
{
    return (config->types & IO_POLLER_EDGE) != 0;
}

int unit_is_emulated(const unit_config *config)
{
    return unit_is_edge(config) &&
           (config->types & (IO_POLLER_EPOLL | IO_POLLER_KQUEUE | IO_POLLER_URING)) == 0;
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

static long long now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void unit_await(io_poller *poller, unit_atom *atom, int flags)
{
    long long end = now_ms() + PATIENCE_MS;
    while ((unit_told(poller, atom, 100) & flags) == 0) {
        CHECK(now_ms() < end);
    }
}

/* --- descriptors --- */

void unit_nonblock(io_fd fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    CHECK(flags >= 0);
    CHECK(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0);
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
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fds[0] >= 0);
    CHECK(connect(fds[0], (struct sockaddr *)&address, length) == 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(fds[1] >= 0);
    unit_nonblock(fds[0], 1);
    unit_close(listener);
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

size_t unit_fill(io_fd fd)
{
    static const char bytes[4096];
    size_t total = 0;
    for (size_t size = sizeof(bytes); size > 0;) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0) {
            CHECK(errno == EAGAIN);
            size /= 2; /* a pipe takes small pieces when it has no room for a large one */
        } else {
            total += (size_t)count;
        }
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
    struct pollfd entry = {.fd = fd, .events = events};
    CHECK_EQ(poll(&entry, 1, PATIENCE_MS), 1);
    CHECK((entry.revents & events) != 0);
}

int unit_fd_count(void)
{
#ifdef UNIT_ON_SIM
    return io_sim_open_count(&unit_sim);
#else
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    CHECK(directory != NULL);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count - 3; /* ".", ".." and the directory itself */
#endif
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
    address.length = length;
    return address;
}

/* --- signals --- */

void unit_signals_start(void (*handler)(int signal), int delay_ms)
{
    struct sigaction action;
    struct sigevent event;
    struct itimerspec times = {.it_interval = {0, delay_ms * 1000000L},
                               .it_value = {0, delay_ms * 1000000L}};
    memset(&action, 0, sizeof(action));
    memset(&event, 0, sizeof(event));
    action.sa_handler = handler;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &signal_timer) == 0);
    CHECK(timer_settime(signal_timer, 0, &times, NULL) == 0);
}

void unit_signals_stop(void)
{
    CHECK(timer_delete(signal_timer) == 0);
}

/* --- running --- */

static void guard(int signal)
{
    (void)signal;
    kill(child, SIGKILL);
}

static void empty_directory(void)
{
    DIR *directory = opendir(".");
    if (directory != NULL) {
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            (void)unlink(entry->d_name); /* "." and ".." refuse */
        }
        closedir(directory);
    }
}

/* A kernel, or its sandbox, need not let us have io_uring. */
static int is_offered(const unit_config *config)
{
#ifdef IO_OS_SIM
    (void)config;
    return 1;
#else
    static io_poller poller; /* large */
    int result = io_poller_init(&poller, config->types);
    if (result >= 0) {
        io_poller_dispose(&poller);
    }
    return result != -ENOSYS;
#endif
}

/* The process of one test in one configuration. */
_Noreturn static void run_child(const unit_test *test, const unit_config *config)
{
    signal(SIGALRM, SIG_DFL);
    alarm(0);
    current = test;
#ifdef UNIT_ON_SIM
    io_sim_init(&unit_sim);
    io_sim_use(&unit_sim);
    for (int fd = 0; fd < 3; fd++) {
        CHECK_EQ(io_sim_open("/dev/null", O_RDWR), fd);
    }
    if (unit_sim_began) {
        unit_sim_began();
    }
#endif
    int before = unit_fd_count();
    if (config != NULL && !is_offered(config)) {
        unit_skip("the backend is not compiled in, or the kernel does not offer it");
    }
    test->run(config);
    int after = unit_fd_count();
    if (before != after) {
        fail(test->name, 0, "%d descriptors open before, %d after", before, after);
    }
#ifdef UNIT_ON_SIM
    if (io_sim_shortages(&unit_sim) > 0) {
        fail(test->name, 0, "the simulated kernel has too little of something");
    }
#endif
    fflush(NULL);
    exit(0);
}

/* Runs it and waits for it; what it came to is added to the outcome. */
static void run_config(const unit_test *test, const unit_config *config, unit_outcome *outcome)
{
    int status = 0;
    fflush(NULL);
    report->message[0] = '\0';
    report->clause[0] = '\0';
    child = fork();
    if (child == 0) {
        run_child(test, config);
    }
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    alarm(GUARD_S);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    int guard_left = (int)alarm(0);
    empty_directory();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        outcome->passed++;
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == CODE_SKIPPED) {
        outcome->skipped++;
    } else {
        outcome->failed++;
    }
    if (report->message[0] == '\0' && guard_left == 0) {
        snprintf(report->message, sizeof(report->message), "not ready after %d s [%s]", GUARD_S,
                 report->clause);
    } else if (report->message[0] == '\0') {
        snprintf(report->message, sizeof(report->message), "ended by %s %d [%s]",
                 WIFSIGNALED(status) ? "signal" : "exit code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), report->clause);
    }
    size_t used = strlen(outcome->notes);
    snprintf(outcome->notes + used, sizeof(outcome->notes) - used, "    %s%s%s\n",
             config != NULL ? config->name : "", config != NULL ? ": " : "", report->message);
}

/* Each listed clause must have been marked, unless the test never ran to its end. */
static void check_marks(const unit_test *test, unit_outcome *outcome)
{
    char list[1024];
    char *rest = NULL;
    snprintf(list, sizeof(list), "%s", test->clauses);
    for (char *id = strtok_r(list, " ", &rest); id != NULL; id = strtok_r(NULL, " ", &rest)) {
        if (!is_marked(id)) {
            size_t used = strlen(outcome->notes);
            snprintf(outcome->notes + used, sizeof(outcome->notes) - used,
                     "    %s is listed for the test, which never marks it\n", id);
            outcome->failed++;
        }
    }
}

/* Runs a test in all its configurations and prints its line. Returns 0, CODE_FAILED or
 * CODE_SKIPPED. */
static int run_test(const unit_test *test)
{
    static unit_outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    report->mark_count = 0;
    if (test->mode == UNIT_ONCE) {
        run_config(test, NULL, &outcome);
    } else {
        for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
            run_config(test, &configs[i], &outcome);
        }
    }
    if (outcome.failed == 0 && outcome.passed > 0) {
        check_marks(test, &outcome);
    }
    int skipped = outcome.failed == 0 && outcome.passed == 0;
    printf("%-*s %-*s %s\n%s", NAME_WIDTH, test->name, RESULT_WIDTH,
           outcome.failed > 0 ? "FAIL" : (skipped ? "skipped" : "ok"), test->clauses,
           outcome.notes);
    return outcome.failed > 0 ? CODE_FAILED : (skipped ? CODE_SKIPPED : 0);
}

/* An empty directory of our own, for sockets with short relative paths: the directory that Bazel
 * gives a test can be too long for sun_path. */
static void enter_directory(char *path, size_t size)
{
    const char *base = getenv("TEST_TMPDIR");
    snprintf(path, size, "%s/ioatom-unit-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    if (mkdtemp(path) == NULL || chdir(path) != 0) {
        perror(path);
        exit(2);
    }
}

static const char *parse_arguments(int argc, char **argv, const unit_test *tests)
{
    const char *filter = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("usage: %s [--list] [FILTER]\n"
                   "Runs the unit tests whose name contains FILTER, all without one, each test in "
                   "every configuration.\n"
                   "--list  prints each test and the clauses of lib/SPEC.md that it checks, and "
                   "runs nothing\n"
                   "exit code: 0, 1 if a test failed, 2 for a wrong argument or no such test\n",
                   argv[0]);
            exit(0);
        } else if (strcmp(argv[i], "--list") == 0) {
            for (const unit_test *test = tests; test->name != NULL; test++) {
                printf("%-*s %s\n", NAME_WIDTH, test->name, test->clauses);
            }
            exit(0);
        } else if (argv[i][0] == '-' || filter[0] != '\0') {
            fprintf(stderr, "%s: unexpected argument %s (see --help)\n", argv[0], argv[i]);
            exit(2);
        } else {
            filter = argv[i];
        }
    }
    return filter;
}

/* Not SIG_IGN and not blocked, whatever our parent did: tests are about these signals. */
static void reset_signals(void)
{
    sigset_t none;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = guard;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int unit_main(int argc, char **argv, const unit_test *tests)
{
    const char *filter = parse_arguments(argc, argv, tests);
    char directory[512];
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    reset_signals();
    enter_directory(directory, sizeof(directory));
    for (const unit_test *test = tests; test->name != NULL; test++) {
        if (strstr(test->name, filter) != NULL) {
            int code = run_test(test);
            passed += code == 0;
            failed += code == CODE_FAILED;
            skipped += code == CODE_SKIPPED;
        }
    }
    if (chdir("/") != 0 || rmdir(directory) != 0) {
        perror(directory);
    }
    if (passed + failed + skipped == 0) {
        fprintf(stderr, "%s: no test's name contains \"%s\"\n", argv[0], filter);
        return 2;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0;
}
