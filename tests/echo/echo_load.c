/*
 * Load for the echo server: starts it in a process of its own, opens many connections at once, and
 * compares every byte that comes back. Plain POSIX with a poll(2) loop of its own, nothing of IO
 * Atom: an independent check.
 *
 *     echo_load PATH_OF_ECHO POLLER MODE [CONNECTIONS [MEGABYTES]]
 *
 * Among the peers are slow readers (they write on and do not read, so that back-pressure builds
 * up), half-closers (they shut down their side after the last byte, and expect all the rest and
 * then the end of file), abrupt ones (they reset the connection in the middle), and tiny and large
 * writes. It ends with 0 only if every byte came back in order, and the server ended with 0,
 * counted as many connections, and did stop reading from peers that did not read.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    KIND_SLOW = 1,
    KIND_HALF = 2,
    KIND_ABRUPT = 4,
    KIND_TINY = 8,
    KIND_LARGE = 16,

    SLOW_BYTES = 300000, /* more than all socket buffers of a slow peer hold together */
    /* About as many, so that the end of some finds the server's buffer neither empty nor full. */
    SLOW_HALF_MIN = 60000,
    SLOW_HALF_SPREAD = 100000,
    TINY_BYTES = 10000,
    ABRUPT_BYTES = 100000,
    SLOW_SEGMENT = 1400, /* keeps the server's socket buffer small, as the window does the peer's */
    SLOW_WINDOW = 16384,
    SLOW_MS =
        1500, /* a slow peer does not read for so long after its last write: a busy server needs it */
    PIECE_MAX = 262144,
    PROGRESS_MS = 2000,
    STUCK_MS = 60000,
    SERVER_SECONDS = 240, /* the server ends by itself then, whatever became of us */
    DESCRIPTORS_SPARE = 100,
    SLOTS_SPARE = 24,
};

/* What the i-th peer is: the table is gone through again and again. */
static const unsigned char KINDS[] = {
    KIND_ABRUPT,
    KIND_SLOW,
    KIND_SLOW,
    KIND_SLOW | KIND_HALF,
    KIND_SLOW | KIND_HALF | KIND_LARGE,
    KIND_HALF,
    KIND_HALF,
    KIND_HALF,
    KIND_TINY | KIND_HALF,
    KIND_TINY,
    KIND_TINY,
    KIND_LARGE,
    KIND_LARGE,
    KIND_LARGE | KIND_HALF,
    0,
    0,
    0,
    0,
    0,
    0,
};

struct peer {
    int fd;
    unsigned kind;
    uint64_t seed;   /* of its content */
    uint64_t random; /* for the sizes of its writes */
    uint64_t length; /* bytes to be sent */
    uint64_t sent;
    uint64_t received;
    int64_t silent_until_ms; /* a slow peer reads nothing before, but for its first byte */
    bool rested;             /* a slow peer made its second pause */
    bool shut;
    bool done;
};

struct load {
    const char *configuration;
    struct peer *peers;
    struct pollfd *polls;
    size_t count;
    size_t served; /* peers that have got their first byte back */
    size_t finished;
    uint64_t expected; /* bytes of all that are not abrupt */
    uint64_t returned; /* bytes that came back and were right */
    int64_t begin_ms;
    int64_t progress_ms;
    int64_t moved_ms; /* the last time that a byte moved */
};

static pid_t server_pid; /* 0: not running */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(const char *format, ...)
{
    va_list arguments;
    int status;

    fprintf(stderr, "echo_load: FAILED: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (server_pid > 0) {
        if (waitpid(server_pid, &status, WNOHANG) == server_pid) {
            fprintf(stderr, "echo_load: the server had ended with status 0x%x\n", (unsigned)status);
        } else {
            kill(server_pid, SIGKILL);
        }
    }
    exit(EXIT_FAILURE);
}

/* One step of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* The bytes of a peer at a position of its stream. */
static void content(uint64_t seed, uint64_t position, unsigned char *bytes, size_t size)
{
    size_t i = 0;

    while (i < size) {
        uint64_t word = mix(seed ^ ((position + i) / 8));

        for (unsigned at = (unsigned)((position + i) % 8); at < 8 && i < size; at++) {
            bytes[i++] = (unsigned char)(word >> (8 * at));
        }
    }
}

static void raise_descriptor_limit(size_t needed)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        fail("getrlimit: %s", strerror(errno));
    }
    if (limit.rlim_cur >= needed) {
        return;
    }
    if (limit.rlim_max < needed) {
        fail("%zu descriptors are needed, and the hard limit is %ju; raise it with 'ulimit -Hn "
             "%zu' as root",
             needed, (uintmax_t)limit.rlim_max, needed);
    }
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        fail("cannot raise the descriptor limit to %zu: %s", needed, strerror(errno));
    }
}

/* Start the server, and return its standard output. */
static FILE *start_server(char *path, char *poller, char *mode, size_t count)
{
    char connections[32];
    char seconds[32];
    int ends[2];
    FILE *output;

    snprintf(connections, sizeof connections, "%zu", count + SLOTS_SPARE);
    snprintf(seconds, sizeof seconds, "%d", SERVER_SECONDS);
    if (pipe(ends) < 0) {
        fail("pipe: %s", strerror(errno));
    }
    server_pid = fork();
    if (server_pid < 0) {
        fail("fork: %s", strerror(errno));
    }
    if (server_pid == 0) {
        char *arguments[] = {path,        "--port",    "0",     "--poller",
                             poller,      "--mode",    mode,    "--max-connections",
                             connections, "--seconds", seconds, NULL};

        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(path, arguments);
        fprintf(stderr, "echo_load: cannot run %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    output = fdopen(ends[0], "r");
    if (output == NULL) {
        fail("fdopen: %s", strerror(errno));
    }
    return output;
}

/* The port of "listening on 127.0.0.1:PORT (epoll+edge)". */
static unsigned read_port(FILE *output, const char *configuration)
{
    char line[256];
    char name[64];
    unsigned port;

    if (fgets(line, sizeof line, output) == NULL) {
        fail("the server said nothing and ended");
    }
    if (sscanf(line, "listening on 127.0.0.1:%u (%63[^)])", &port, name) != 2 ||
        strcmp(name, configuration) != 0) {
        fail("expected 'listening on 127.0.0.1:PORT (%s)', but the server said: %s", configuration,
             line);
    }
    return port;
}

/* SIGTERM must end it with 0, and its own count must agree with ours. */
static void stop_server(FILE *output, const struct load *load, unsigned long *stops)
{
    unsigned long connections;
    unsigned long long bytes;
    char line[256];
    int status;

    kill(server_pid, SIGTERM);
    if (fgets(line, sizeof line, output) == NULL ||
        sscanf(line, "echo: %lu connections, %llu bytes echoed, %lu times", &connections, &bytes,
               stops) != 3) {
        fail("no summary from the server after SIGTERM");
    }
    if (waitpid(server_pid, &status, 0) != server_pid) {
        fail("waitpid: %s", strerror(errno));
    }
    server_pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("the server ended with status 0x%x after SIGTERM, not with 0", (unsigned)status);
    }
    if (connections != load->count || bytes < load->expected) {
        fail(
            "the server counted %lu connections and %llu bytes; expected %zu and at least %" PRIu64,
            connections, bytes, load->count, load->expected);
    }
    if (*stops == 0) {
        fail("no full buffer ever stopped the server's reading: back-pressure was not tested");
    }
}

static void peer_connect(struct peer *peer, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int segment = SLOW_SEGMENT;
    int window = SLOW_WINDOW;
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (peer->fd < 0 || fcntl(peer->fd, F_SETFL, O_NONBLOCK) < 0) {
        fail("socket: %s", strerror(errno));
    }
    if (peer->kind & KIND_SLOW) {
        setsockopt(peer->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    }
    if (peer->kind & KIND_TINY) {
        setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(peer->fd, (struct sockaddr *)&address, sizeof address) < 0 &&
        errno != EINPROGRESS) {
        fail("connect: %s", strerror(errno));
    }
}

/* Lengths such that those that are not abrupt send `total` bytes together. */
static void plan(struct load *load, uint64_t total)
{
    uint64_t left = total;
    uint64_t plain = 0;

    for (size_t i = 0; i < load->count; i++) {
        struct peer *peer = &load->peers[i];

        peer->kind = KINDS[i % sizeof KINDS];
        peer->seed = mix(i + 1) << 32;
        peer->random = mix(peer->seed);
        if (peer->kind & KIND_SLOW) {
            peer->length = SLOW_BYTES;
            if (peer->kind & KIND_HALF) {
                peer->length = SLOW_HALF_MIN + peer->random % SLOW_HALF_SPREAD;
            }
        } else if (peer->kind & KIND_TINY) {
            peer->length = TINY_BYTES;
        } else if (peer->kind & KIND_ABRUPT) {
            peer->length = ABRUPT_BYTES;
        } else {
            plain++;
        }
        if (!(peer->kind & KIND_ABRUPT)) {
            left -= peer->length < left ? peer->length : left;
        }
    }
    for (size_t i = 0; i < load->count; i++) {
        struct peer *peer = &load->peers[i];

        if (peer->length == 0) {
            peer->length = left > plain ? left / plain : 1;
            left -= peer->length < left ? peer->length : left;
            plain--;
        }
        load->expected += peer->kind & KIND_ABRUPT ? 0 : peer->length;
    }
}

static void peer_finish(struct load *load, size_t i)
{
    close(load->peers[i].fd);
    load->peers[i].done = true;
    load->polls[i].fd = -1;
    load->finished++;
}

static void peer_reset(struct load *load, size_t i)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(load->peers[i].fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0) {
        fail("SO_LINGER: %s", strerror(errno));
    }
    peer_finish(load, i);
}

/* How far it may send: only one byte, until all peers are served at the same time. */
static uint64_t send_limit(const struct load *load, const struct peer *peer)
{
    return load->served < load->count ? 1 : peer->length;
}

static bool wants_read(const struct peer *peer, int64_t now)
{
    return !(peer->kind & KIND_SLOW) || now >= peer->silent_until_ms || peer->received == 0;
}

static void peer_write(struct load *load, size_t i)
{
    static unsigned char bytes[PIECE_MAX];
    struct peer *peer = &load->peers[i];
    uint64_t limit = send_limit(load, peer);
    uint64_t piece_max = peer->kind & KIND_TINY ? 32 : peer->kind & KIND_LARGE ? PIECE_MAX : 16384;

    for (int turn = 0; turn < (peer->kind & KIND_TINY ? 8 : 1) && peer->sent < limit; turn++) {
        uint64_t piece;
        ssize_t length;

        peer->random = mix(peer->random);
        piece = peer->random % piece_max + 1;
        piece = piece < limit - peer->sent ? piece : limit - peer->sent;
        content(peer->seed, peer->sent, bytes, (size_t)piece);
        length = send(peer->fd, bytes, (size_t)piece, MSG_NOSIGNAL);
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        if (length < 0) {
            fail("peer %zu (kind %u) after %" PRIu64 " bytes: send: %s", i, peer->kind, peer->sent,
                 strerror(errno));
        }
        peer->sent += (uint64_t)length;
        load->moved_ms = now_ms();
        if (!peer->rested) {
            peer->silent_until_ms = load->moved_ms + SLOW_MS;
        }
    }
    if (peer->sent == peer->length && (peer->kind & KIND_HALF) && !peer->shut) {
        if (shutdown(peer->fd, SHUT_WR) < 0) {
            fail("peer %zu: shutdown: %s", i, strerror(errno));
        }
        peer->shut = true;
    }
}

/* The bytes at peer->received must be those that were sent there. */
static void check(struct load *load, size_t i, const unsigned char *bytes, size_t length)
{
    static unsigned char wanted[65536];
    struct peer *peer = &load->peers[i];

    if (peer->received + length > peer->sent) {
        fail("peer %zu (kind %u): %" PRIu64 " bytes came back of %" PRIu64 " sent", i, peer->kind,
             peer->received + length, peer->sent);
    }
    content(peer->seed, peer->received, wanted, length);
    if (memcmp(bytes, wanted, length) != 0) {
        size_t at = 0;

        while (bytes[at] == wanted[at]) {
            at++;
        }
        fail("peer %zu (kind %u): byte %" PRIu64 " is 0x%02x, not 0x%02x", i, peer->kind,
             peer->received + at, bytes[at], wanted[at]);
    }
    load->served += peer->received == 0;
    peer->received += length;
    load->returned += peer->kind & KIND_ABRUPT ? 0 : length;
}

static void peer_read(struct load *load, size_t i)
{
    static unsigned char bytes[65536];
    struct peer *peer = &load->peers[i];
    ssize_t length = read(peer->fd, bytes, sizeof bytes);

    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (length < 0) {
        fail("peer %zu (kind %u) after %" PRIu64 " of %" PRIu64 " bytes: read: %s", i, peer->kind,
             peer->received, peer->length, strerror(errno));
    }
    load->moved_ms = now_ms();
    if (length == 0) {
        if (!peer->shut || peer->received != peer->length) {
            fail("peer %zu (kind %u): end of file after %" PRIu64 " of %" PRIu64 " bytes", i,
                 peer->kind, peer->received, peer->length);
        }
        peer_finish(load, i);
        return;
    }
    check(load, i, bytes, (size_t)length);
    if ((peer->kind & KIND_ABRUPT) && peer->sent > peer->length / 2) {
        peer_reset(load, i);
    } else if (!(peer->kind & KIND_HALF) && peer->received == peer->length) {
        peer_finish(load, i);
    } else if ((peer->kind & KIND_SLOW) && !peer->rested && peer->received > peer->length / 2) {
        peer->rested = true;
        peer->silent_until_ms = now_ms() + SLOW_MS;
    }
}

static void progress(struct load *load, int64_t now)
{
    if (now >= load->progress_ms) {
        load->progress_ms = now + PROGRESS_MS;
        printf(
            "echo_load: %s: %.1f s, %zu of %zu connections finished, %.1f of %.1f MB came back\n",
            load->configuration, (double)(now - load->begin_ms) / 1e3, load->finished, load->count,
            (double)load->returned / 1e6, (double)load->expected / 1e6);
        fflush(stdout);
    }
    if (now - load->moved_ms < STUCK_MS) {
        return;
    }
    for (size_t i = 0; i < load->count; i++) {
        const struct peer *peer = &load->peers[i];

        if (!peer->done) {
            fail("stuck: no byte moved for %d s; peer %zu (kind %u) has sent %" PRIu64
                 ", received %" PRIu64 " of %" PRIu64,
                 STUCK_MS / 1000, i, peer->kind, peer->sent, peer->received, peer->length);
        }
    }
}

static void run(struct load *load)
{
    while (load->finished < load->count) {
        int64_t now = now_ms();
        bool silent = false;

        progress(load, now);
        for (size_t i = 0; i < load->count; i++) {
            const struct peer *peer = &load->peers[i];
            bool reads = wants_read(peer, now);
            bool writes = !peer->done && peer->sent < send_limit(load, peer);

            silent = silent || (!peer->done && !reads);
            load->polls[i].events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        }
        if (poll(load->polls, load->count, silent ? 10 : 1000) < 0 && errno != EINTR) {
            fail("poll: %s", strerror(errno));
        }
        for (size_t i = 0; i < load->count; i++) {
            short found = load->polls[i].fd < 0 ? 0 : load->polls[i].revents;

            if (found & POLLOUT) {
                peer_write(load, i);
            }
            if (found & (POLLIN | POLLHUP | POLLERR)) {
                peer_read(load, i);
            }
        }
    }
}

int main(int argc, char **argv)
{
    size_t count = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 1000;
    uint64_t total = (argc > 5 ? strtoul(argv[5], NULL, 10) : 100) * UINT64_C(1000000);
    char configuration[64];
    struct load load = {.configuration = configuration, .count = count};
    unsigned long stops = 0;
    FILE *output;
    unsigned port;
    double seconds;

    if (argc < 4 || argc > 6 || count < sizeof KINDS || total == 0) {
        fprintf(stderr,
                "usage: echo_load PATH_OF_ECHO POLLER MODE [CONNECTIONS [MEGABYTES]]; at least %zu "
                "connections\n",
                sizeof KINDS);
        return 2;
    }
    snprintf(configuration, sizeof configuration, "%s+%s", argv[2], argv[3]);
    raise_descriptor_limit(count + DESCRIPTORS_SPARE);
    load.peers = calloc(count, sizeof *load.peers);
    load.polls = calloc(count, sizeof *load.polls);
    if (load.peers == NULL || load.polls == NULL) {
        fail("no memory");
    }
    plan(&load, total);
    output = start_server(argv[1], argv[2], argv[3], count);
    port = read_port(output, configuration);
    load.begin_ms = load.moved_ms = now_ms();
    load.progress_ms = load.begin_ms + PROGRESS_MS;
    for (size_t i = 0; i < count; i++) {
        peer_connect(&load.peers[i], port);
        load.polls[i].fd = load.peers[i].fd;
    }
    run(&load);
    seconds = (double)(now_ms() - load.begin_ms) / 1e3;
    if (load.returned != load.expected) {
        fail("%" PRIu64 " bytes came back, not %" PRIu64, load.returned, load.expected);
    }
    stop_server(output, &load, &stops);
    printf("echo_load: %s: %zu connections, %" PRIu64
           " bytes compared, %.2f s, %.1f MB/s; the server stopped reading %lu "
           "times for back-pressure\n",
           configuration, count, load.returned, seconds, (double)load.returned / 1e6 / seconds,
           stops);
    fclose(output);
    free(load.peers);
    free(load.polls);
    return 0;
}
