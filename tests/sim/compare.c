#include "compare.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { LINES = 128, LINE_BYTES = 200, TRIES = 4, GUARD_S = 20, DIFFERENCES = 64 };

typedef struct trace {
    int count;
    char names[LINES][48];
    char lines[LINES][LINE_BYTES];
} trace;

const compare_kernel *kernel;

static trace *current;
static int settle_ms; /* before the real kernel's network is looked at */
static const compare_case *running;

/* glibc declares these with a union in the place of the address. */
static int real_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return bind(fd, address, length);
}
static int real_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return connect(fd, address, length);
}
static int real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return accept4(fd, address, length, flags);
}
static int real_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return getsockname(fd, address, length);
}
static ssize_t real_sendto(int fd, const void *buf, size_t size, int flags,
                           const struct sockaddr *address, socklen_t length)
{
    return sendto(fd, buf, size, flags, address, length);
}
#define real_pipe2 pipe2
#define real_socketpair socketpair
#define real_eventfd eventfd
#define real_timerfd_create timerfd_create
#define real_timerfd_settime timerfd_settime
#define real_open open
#define real_mkfifo mkfifo
#define real_unlink unlink
#define real_close close
#define real_dup dup
#define real_dup2 dup2
#define real_dup3 dup3
#define real_fcntl fcntl
#define real_fstat fstat
#define real_socket socket
#define real_ioctl ioctl
#define real_listen listen
#define real_shutdown shutdown
#define real_getsockopt getsockopt
#define real_setsockopt setsockopt
#define real_read read
#define real_readv readv
#define real_recv recv
#define real_write write
#define real_writev writev
#define real_send send
#define real_poll poll
#define real_select select
#define real_epoll_create1 epoll_create1
#define real_epoll_ctl epoll_ctl
#define real_epoll_wait epoll_wait
#define real_ppoll ppoll
#define real_syscall syscall
#define real_mmap mmap
#define real_munmap munmap
#define real_clock_gettime clock_gettime

#define REAL(name) .name = real_##name,
#define SIMULATED(name) .name = io_sim_##name,
static const compare_kernel kernels[2] = {
    {.is_real = 0, COMPARE_CALLS(SIMULATED)},
    {.is_real = 1, COMPARE_CALLS(REAL)},
};

/* --- saying --- */

void must(const char *what, int holds)
{
    if (!holds) {
        fprintf(stderr, "%s: on the %s kernel: %s: %s\n", running->name,
                kernel->is_real ? "real" : "simulated", what, strerror(errno));
        exit(1);
    }
}

void said(const char *name, const char *format, ...)
{
    must("room for another line", current->count < LINES);
    for (int i = 0; i < current->count; i++) {
        must(name, strcmp(current->names[i], name) != 0);
    }
    va_list arguments;
    va_start(arguments, format);
    snprintf(current->names[current->count], sizeof(current->names[0]), "%s", name);
    vsnprintf(current->lines[current->count], LINE_BYTES, format, arguments);
    va_end(arguments);
    current->count++;
}

void did(const char *name, long result)
{
    if (result < 0) {
        said(name, "%s", strerrorname_np(errno));
    } else {
        said(name, "%ld", result);
    }
}

static const struct {
    int bit;
    const char *name;
} bits[] = {{POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
            {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
            {POLLRDHUP, "RDHUP"},   {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
            {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}};

const char *name_bits(int mask, char *text, size_t size)
{
    size_t end = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        if (mask & bits[i].bit) {
            end += (size_t)snprintf(text + end, size - end, "%s%s", end ? "|" : "", bits[i].name);
            mask &= ~bits[i].bit;
        }
    }
    if (mask || !end) {
        snprintf(text + end, size - end, "%s%x", end ? "|" : "", (unsigned)mask);
    }
    return text;
}

void settle(void)
{
    if (kernel->is_real && settle_ms > 0) {
        usleep((unsigned)settle_ms * 1000);
    }
}

void see(const char *name, int fd)
{
    char all[96];
    char none[96];
    char picked[8] = "";
    fd_set sets[3];
    struct timeval now = {0, 0};
    struct pollfd entry = {.fd = fd,
                           .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM |
                                     POLLRDBAND | POLLWRNORM | POLLWRBAND};
    settle();
    int count = kernel->poll(&entry, 1, 0);
    name_bits(entry.revents, all, sizeof(all));
    entry.events = 0;
    count += kernel->poll(&entry, 1, 0);
    name_bits(entry.revents, none, sizeof(none));
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets[i]);
        FD_SET(fd, &sets[i]);
    }
    int selected = kernel->select(fd + 1, &sets[0], &sets[1], &sets[2], &now);
    const char *error = selected < 0 ? strerrorname_np(errno) : "";
    for (int i = 0; i < 3 && selected >= 0; i++) {
        picked[i] = FD_ISSET(fd, &sets[i]) ? "rwx"[i] : '-';
    }
    int bytes = 0;
    const char *refusal = kernel->ioctl(fd, FIONREAD, &bytes) < 0 ? strerrorname_np(errno) : "";
    said(name, "poll %d: %s, of nothing %s; select %d: %s%s; to read %d%s", count, all, none,
         selected, picked, error, bytes, refusal);
}

void some_events(const char *name, int set, int room)
{
    struct epoll_event found[16];
    char text[LINE_BYTES] = "";
    char mask[96];
    size_t end = 0;
    settle();
    int count = kernel->epoll_wait(set, found, room, 0);
    if (count < 0) {
        did(name, count);
        return;
    }
    for (int i = 0; i < count; i++) {
        end += (size_t)snprintf(text + end, sizeof(text) - end, " %d:%s", (int)found[i].data.u64,
                                name_bits((int)found[i].events, mask, sizeof(mask)));
    }
    said(name, "%d:%s", count, text);
}

void events(const char *name, int set)
{
    some_events(name, set, 16);
}

/* --- making --- */

void make_pipe(int fds[2])
{
    must("pipe2", kernel->pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
}

void make_unix(int fds[2], int type)
{
    must("socketpair",
         kernel->socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
}

static int make_inet(int type, struct sockaddr_storage *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    int fd = kernel->socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must("socket", fd >= 0);
    must("bind", kernel->bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    must("getsockname", kernel->getsockname(fd, (struct sockaddr *)&at, &length) == 0);
    memcpy(address, &at, sizeof(at));
    return fd;
}

int make_udp(struct sockaddr_storage *address)
{
    return make_inet(SOCK_DGRAM, address);
}

int make_listener(int backlog, struct sockaddr_storage *address)
{
    int fd = make_inet(SOCK_STREAM, address);
    must("listen", backlog < 0 || kernel->listen(fd, backlog) == 0);
    return fd;
}

int make_client(const struct sockaddr_storage *address)
{
    int fd = kernel->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must("socket", fd >= 0);
    must("connect",
         kernel->connect(fd, (const struct sockaddr *)address, sizeof(struct sockaddr_in)) < 0 &&
             errno == EINPROGRESS);
    return fd;
}

void make_tcp(int fds[2])
{
    struct sockaddr_storage address;
    int listener = make_listener(4, &address);
    struct pollfd entry = {.fd = listener, .events = POLLIN};
    fds[0] = make_client(&address);
    must("poll", kernel->poll(&entry, 1, 5000) == 1);
    fds[1] = kernel->accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    must("accept4", fds[1] >= 0 && kernel->close(listener) == 0);
}

int make_set(void)
{
    int set = kernel->epoll_create1(EPOLL_CLOEXEC);
    must("epoll_create1", set >= 0);
    return set;
}

void watch(int set, int fd, uint32_t mask, int tag)
{
    struct epoll_event event = {.events = mask, .data.u64 = (uint64_t)tag};
    must("epoll_ctl", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

int change(int set, int fd, uint32_t mask, int tag)
{
    struct epoll_event event = {.events = mask, .data.u64 = (uint64_t)tag};
    return kernel->epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
}

void put(int fd, size_t size)
{
    static const char bytes[65536];
    must("write", kernel->write(fd, bytes, size) == (ssize_t)size);
}

void get(int fd, size_t size)
{
    static char bytes[65536];
    must("read", kernel->read(fd, bytes, size) == (ssize_t)size);
}

void fill(int fd)
{
    static const char bytes[1000];
    while (kernel->send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0 ||
           (errno == ENOTSOCK && kernel->write(fd, bytes, sizeof(bytes)) > 0)) {
    }
    must("fill", errno == EAGAIN);
}

void drain(int fd)
{
    static char bytes[65536];
    ssize_t size;
    do {
        settle();
        size = kernel->read(fd, bytes, sizeof(bytes));
    } while (size > 0);
    must("drain", size == 0 || errno == EAGAIN);
}

void reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    must("setsockopt", kernel->setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
}

int take_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof(error);
    must("getsockopt", kernel->getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
    return error;
}

/* --- comparing --- */

static struct {
    char name[48], line[48];
    int used;
} differences[DIFFERENCES];
static int difference_count;

static int read_differences(const char *path)
{
    char text[512];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return -1;
    }
    while (fgets(text, sizeof(text), file)) {
        char reason[8];
        if (text[0] == '#' || text[0] == '\n') {
            continue;
        }
        if (difference_count == DIFFERENCES ||
            sscanf(text, "%47[^:]: %47[^:]: %7s", differences[difference_count].name,
                   differences[difference_count].line, reason) != 3) {
            fprintf(stderr, "%s: not \"case: line: reason\": %s", path, text);
            return -1;
        }
        difference_count++;
    }
    return fclose(file);
}

/* 1, and it is noted, if the line of the case may differ. */
static int may_differ(const char *name, const char *line)
{
    for (int i = 0; i < difference_count; i++) {
        if (strcmp(differences[i].name, name) == 0 && strcmp(differences[i].line, line) == 0) {
            differences[i].used = 1;
            return 1;
        }
    }
    return 0;
}

/* In a process of its own: neither descriptors nor crashes reach another. */
static int run_in_process(const compare_case *one, int is_real, trace *into)
{
    static io_sim sim;
    fflush(NULL);
    into->count = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(GUARD_S);
        signal(SIGPIPE, SIG_IGN);
        kernel = &kernels[is_real];
        running = one;
        current = into;
        io_sim_init(&sim);
        io_sim_use(&sim);
        one->run();
        must("no table of the simulation was full", io_sim_shortages(&sim) == 0);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The first line that differs and must not, or -1. */
static int find_difference(const char *name, const trace *a, const trace *b)
{
    int count = a->count > b->count ? a->count : b->count;
    for (int i = 0; i < count; i++) {
        if (i >= a->count || i >= b->count || strcmp(a->names[i], b->names[i]) != 0) {
            return i;
        }
        if (strcmp(a->lines[i], b->lines[i]) != 0 && !may_differ(name, a->names[i])) {
            return i;
        }
    }
    return -1;
}

/* The real network delivers when it comes to it, later on a machine that is busy: a case that
 * differs is run again and given more time. What really differs, differs always. */
static int run_case(const compare_case *one, trace *traces)
{
    static const int settle_times_ms[TRIES] = {0, 2, 20, 100};
    int at = 0;
    if (!run_in_process(one, 0, &traces[0])) {
        printf("FAILED  %s: the simulated kernel did not get to the end\n", one->name);
        return 0;
    }
    for (int i = 0; i < TRIES && at >= 0; i++) {
        settle_ms = settle_times_ms[i];
        if (!run_in_process(one, 1, &traces[1])) {
            printf("FAILED  %s: the real kernel did not get to the end\n", one->name);
            return 0;
        }
        at = find_difference(one->name, &traces[0], &traces[1]);
    }
    if (at < 0) {
        printf("ok      %s (%d lines)\n", one->name, traces[0].count);
        return traces[0].count > 0;
    }
    printf("FAILED  %s\n", one->name);
    for (int i = at; i < traces[0].count && i < traces[1].count; i++) {
        if (strcmp(traces[0].lines[i], traces[1].lines[i]) != 0) {
            printf("        %s:\n          simulated: %s\n          real:      %s\n",
                   traces[0].names[i], traces[0].lines[i], traces[1].lines[i]);
        }
    }
    return 0;
}

int compare_main(int argc, char **argv, const compare_case *cases)
{
    trace *traces =
        mmap(NULL, 2 * sizeof(trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char folder[] = "/tmp/ioatom_sim_XXXXXX";
    int failed = 0;
    int count = 0;
    if (argc < 2 || traces == MAP_FAILED || read_differences(argv[1]) < 0) {
        fprintf(stderr, "usage: %s DIFFERENCES [PART OF A NAME]\n", argv[0]);
        return 2;
    }
    if (!mkdtemp(folder) || chdir(folder) < 0) {
        perror(folder);
        return 2;
    }
    for (const compare_case *one = cases; one->name; one++) {
        if (argc < 3 || strstr(one->name, argv[2])) {
            failed += !run_case(one, traces);
            count++;
        }
    }
    for (int i = 0; i < difference_count && argc < 3; i++) {
        if (!differences[i].used) {
            printf("FAILED  %s: %s does not differ, but is in the table\n", differences[i].name,
                   differences[i].line);
            failed++;
        }
    }
    (void)unlink("fifo");
    (void)unlink("socket");
    (void)rmdir(folder);
    printf("%d cases, %d failed\n", count, failed);
    return failed > 0;
}
