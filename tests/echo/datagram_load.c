/*
 * Tests the echo server for datagrams: datagram_load SERVER ADDRESS
 *
 * Starts it, and has several clients send datagrams of all sizes, each one at a time, and compare
 * what comes back. A client that reads nothing for a while gets all its answers, in order; one that
 * can't be answered harms nobody.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CLIENTS = 16,
    ROUNDS = 100,
    LARGEST_UDP = 60000,
    LARGEST_UNIX = 100000,
    BURST = 20,    /* more than a unix socket's queue has room for, and less than two of them */
    PAUSE_MS = 50, /* before a burst's answers are read */
    PATIENCE_MS = 20000,
};

static char sent[LARGEST_UNIX], got[LARGEST_UNIX + 1];
static struct sockaddr_storage server_address;
static socklen_t server_length;
static pid_t server;
static char directory[64];

/* The sockets' files, of which not all were made. */
static void clean_up(void)
{
    char path[sizeof(directory) + 16];
    for (int i = 0; i <= CLIENTS + 1; i++) {
        snprintf(path, sizeof(path), "%s/%d", directory, i);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/server", directory); /* it is there if the server was killed */
    unlink(path);
    rmdir(directory);
}

static void give_up(const char *what)
{
    fprintf(stderr, "datagram_load: %s: %s\n", what, strerror(errno));
    if (server > 0) {
        kill(server, SIGKILL);
    }
    exit(EXIT_FAILURE);
}

static void need(int holds, const char *what)
{
    if (!holds) {
        give_up(what);
    }
}

/* Its first line says where it listens. Returns what else it prints. */
static FILE *start(const char *program, const char *spec, char *where, int size)
{
    int ends[2];
    need(pipe(ends) == 0, "pipe");
    server = fork();
    need(server >= 0, "fork");
    if (server == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, spec, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    need(output && fgets(where, size, output) && strncmp(where, "listening on ", 13) == 0,
         "the server does not listen");
    fputs(where, stdout);
    *strchr(where, ' ') = 0;
    memmove(where, where + 13, strlen(where + 13) + 1);
    *strchr(where, ' ') = 0;
    return output;
}

/* Of "udp:127.0.0.1:7000", "udp:[::1]:7000" or "unix-dgram:/path". */
static void find_server(char *where)
{
    struct sockaddr_in *ip = (struct sockaddr_in *)&server_address;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&server_address;
    struct sockaddr_un *local = (struct sockaddr_un *)&server_address;
    char *port = strrchr(where, ':');
    if (strncmp(where, "unix-dgram:", 11) == 0) {
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof(local->sun_path), "%s", where + 11);
        server_length = sizeof(*local);
    } else if (where[4] == '[') {
        ip6->sin6_family = AF_INET6;
        ip6->sin6_port = htons((uint16_t)atoi(port + 1));
        ip6->sin6_addr = in6addr_loopback;
        server_length = sizeof(*ip6);
    } else {
        ip->sin_family = AF_INET;
        ip->sin_port = htons((uint16_t)atoi(port + 1));
        ip->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server_length = sizeof(*ip);
    }
}

static int is_unix(void)
{
    return server_address.ss_family == AF_UNIX;
}

/* A socket that the server can answer. */
static int open_client(int number)
{
    int fd = socket(server_address.ss_family, SOCK_DGRAM, 0);
    need(fd >= 0, "socket");
    if (is_unix()) {
        struct sockaddr_un own = {.sun_family = AF_UNIX};
        snprintf(own.sun_path, sizeof(own.sun_path), "%s/%d", directory, number);
        need(bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0, "bind");
    }
    return fd;
}

static size_t fill(int client, int round)
{
    size_t largest = is_unix() ? LARGEST_UNIX : LARGEST_UDP;
    size_t size = round == 0   ? 0
                  : round == 1 ? largest
                               : (size_t)(client * 7919 + round * 6007) % largest;
    for (size_t i = 0; i < size; i++) {
        sent[i] = (char)(i * 31 + (size_t)client * 7 + (size_t)round);
    }
    return size;
}

static void put(int fd, int client, int round)
{
    size_t size = fill(client, round);
    ssize_t r = sendto(fd, sent, size, 0, (struct sockaddr *)&server_address, server_length);
    need(r == (ssize_t)size, "sendto");
}

static void take(int fd, int client, int round)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    size_t size = fill(client, round);
    errno = ETIMEDOUT;
    need(poll(&entry, 1, PATIENCE_MS) == 1, "no answer");
    ssize_t r = recv(fd, got, sizeof(got), 0);
    errno = EBADMSG;
    need(r == (ssize_t)size && memcmp(got, sent, size) == 0, "another answer");
}

static void run_clients(void)
{
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = open_client(i);
    }
    /* A unix socket's queue has room for so many, and the network drops what it has no room for. */
    int at_once = is_unix() ? CLIENTS / 2 : 1;
    for (int round = 0; round < ROUNDS; round++) {
        for (int first = 0; first < CLIENTS; first += at_once) {
            for (int i = first; i < first + at_once; i++) {
                put(fds[i], i, round);
            }
            for (int i = first; i < first + at_once; i++) {
                take(fds[i], i, round);
            }
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(fds[i]);
    }
    printf("%d clients, %d datagrams each: all came back\n", CLIENTS, ROUNDS);
}

/* It sends more than there is room for in its own queue, and reads later. */
static void run_burst(void)
{
    int fd = open_client(CLIENTS);
    for (int i = 0; i < BURST; i++) {
        size_t size = fill(i, 2) % 1000;
        need(sendto(fd, sent, size, 0, (struct sockaddr *)&server_address, server_length) >= 0,
             "sendto of a burst");
    }
    poll(NULL, 0, PAUSE_MS);
    for (int i = 0; i < BURST; i++) {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        size_t size = fill(i, 2) % 1000;
        errno = ETIMEDOUT;
        need(poll(&entry, 1, PATIENCE_MS) == 1, "no answer of a burst");
        errno = EBADMSG;
        need(recv(fd, got, sizeof(got), 0) == (ssize_t)size && memcmp(got, sent, size) == 0,
             "another answer of a burst");
    }
    close(fd);
    printf("a burst of %d: all came back, in order\n", BURST);
}

/* One that has no name, and one that is gone when it would be answered. */
static void run_lost(void)
{
    int fd = is_unix() ? socket(AF_UNIX, SOCK_DGRAM, 0) : open_client(0);
    need(fd >= 0, "socket");
    put(fd, 0, 2);
    close(fd);
    fd = open_client(CLIENTS + 1);
    put(fd, 1, 3);
    take(fd, 1, 3);
    close(fd);
}

int main(int argc, char **argv)
{
    char where[200], last[200] = "", spec[200];
    if (argc != 3) {
        fputs("usage: datagram_load SERVER ADDRESS (unix-dgram: alone makes a path)\n", stderr);
        return 2;
    }
    snprintf(directory, sizeof(directory), "/tmp/ioatom-datagrams.XXXXXX"); /* a short path */
    need(mkdtemp(directory) != NULL, "mkdtemp");
    atexit(clean_up);
    snprintf(spec, sizeof(spec), "%s", argv[2]);
    if (strcmp(spec, "unix-dgram:") == 0) {
        snprintf(spec, sizeof(spec), "unix-dgram:%s/server", directory);
    }
    FILE *output = start(argv[1], spec, where, sizeof(where));
    find_server(where);
    run_clients();
    run_burst();
    run_lost();
    need(kill(server, SIGTERM) == 0, "kill");
    int status = -1;
    need(fgets(last, sizeof(last), output) != NULL, "the server says nothing at its end");
    need(waitpid(server, &status, 0) == server && status == 0, "the server's end");
    fputs(last, stdout);
    char expected[100];
    snprintf(expected, sizeof(expected), "datagram_echo: %d answered, %d lost\n",
             CLIENTS * ROUNDS + BURST + 1 + !is_unix(), is_unix());
    errno = EBADMSG;
    need(strcmp(last, expected) == 0, expected);
    return 0;
}
