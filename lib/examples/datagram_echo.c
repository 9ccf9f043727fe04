/*
 * An echo server for datagrams: what a peer sends goes back to where it came from.
 *
 *     bazel run //lib/examples:datagram_echo -- udp:127.0.0.1:7000
 *     bazel run //lib/examples:datagram_echo -- unix-dgram:/tmp/echo
 *
 * IOATOM_POLLER in the environment chooses the poller. Two things are not as with a stream:
 *
 *  1. io_read does not say who sent a datagram, so recvmsg(2) and sendto(2) are called here, and
 *     io_exhausted tells the poller of their EAGAIN (IO-EDGE-3).
 *  2. Nothing tells when there is room at a peer: IO_WRITE is about the own socket only. So an answer
 *     that finds none is kept, nothing more is read, and it is tried again after a while.
 */
#define _XOPEN_SOURCE 700 /* recvmsg */

#include "echo_system.h"

#include <errno.h>
#include <ioatom/timer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    STATUS_USAGE = 2,
    SIZE_MAX_BYTES =
        262144,          /* more than UDP has, and than Linux takes from unix sockets by default */
    TURN_DATAGRAMS = 32, /* answered before other atoms have their turn */
    /* A peer that does not read its answers holds up the others for TRIES * RETRY_MS, then one is lost. */
    TRIES = 1000,
    RETRY_MS = 5,
};

struct server {
    io_poller poller;
    io_timers timers;
    io_timer_place place;
    io_timer retry;
    io_atom socket;
    io_atom signals;
    bool stop;
    int status;
    int tries; /* of the answer that is kept; 0: none is */
    size_t size;
    socklen_t from_size;
    struct sockaddr_storage from;
    char datagram[SIZE_MAX_BYTES];
    unsigned long answered;
    unsigned long
        lost; /* too large, from nobody who could be answered, or without room for too long */
};

static void fail(struct server *server, const char *what, int error)
{
    fprintf(stderr, "datagram_echo: %s: %s\n", what, strerror(error));
    server->status = EXIT_FAILURE;
    server->stop = true;
}

/* Take one in. 0, or an errno value. */
static int receive(struct server *server)
{
    struct iovec buffer = {server->datagram, sizeof server->datagram};
    struct msghdr message = {.msg_name = &server->from,
                             .msg_namelen = sizeof server->from,
                             .msg_iov = &buffer,
                             .msg_iovlen = 1};
    ssize_t size;

    do {
        size = recvmsg(server->socket.fd, &message, 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return errno;
    }
    server->size = (size_t)size;
    /* A unix socket without a name has an address without a path. */
    server->from_size = message.msg_namelen > sizeof(sa_family_t) ? message.msg_namelen : 0;
    if (message.msg_flags & MSG_TRUNC) {
        server->from_size = 0;
    }
    return 0;
}

/* Send it back, or know that it is lost. false: there is no room for it now. */
static bool answer(struct server *server)
{
    const struct sockaddr *to = (const struct sockaddr *)&server->from;
    ssize_t size;

    if (server->from_size == 0) {
        server->lost++;
        return true;
    }
    do {
        size = sendto(server->socket.fd, server->datagram, server->size, 0, to, server->from_size);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) &&
        ++server->tries < TRIES) {
        return false;
    }
    server->answered += size >= 0;
    server->lost += size < 0; /* who asked is gone, say */
    server->tries = 0;
    return true;
}

static void set(struct server *server, int interest)
{
    int result = io_set(&server->poller, &server->socket, interest);

    if (result < 0) {
        fail(server, "io_set", -result);
    }
}

static void wait_for_room(struct server *server)
{
    set(server, 0);
    io_timer_set_in(&server->timers, &server->retry, RETRY_MS * IO_TIMER_MS, 0);
}

static void on_retry(io_timers *timers, io_timer *timer, uint64_t missed)
{
    struct server *server = io_resolve_parent(timer, struct server, retry);

    (void)timers;
    (void)missed;
    if (answer(server)) {
        set(server, IO_READ); /* re-arms: what has come meanwhile is told (IO-SET-2) */
    } else {
        wait_for_room(server);
    }
}

static void on_datagrams(io_poller *poller, io_atom *atom, int flags)
{
    struct server *server = io_resolve_parent(atom, struct server, socket);

    (void)flags;
    for (int i = 0; i < TURN_DATAGRAMS; i++) {
        int error = receive(server);

        if (error == EAGAIN || error == EWOULDBLOCK) {
            io_exhausted(poller, atom, IO_READ);
            return;
        }
        /* ECONNREFUSED and the like are about a datagram that was sent before. */
        if (error == EBADF || error == ENOTSOCK || error == EINVAL) {
            fail(server, "recvmsg", error);
            return;
        }
        if (error == 0 && !answer(server)) {
            wait_for_room(server);
            return;
        }
    }
    set(server, IO_READ); /* its turn ends before EAGAIN: re-arm, or the rest is never told */
}

static void on_signal(io_poller *poller, io_atom *atom, int flags)
{
    struct server *server = io_resolve_parent(atom, struct server, signals);
    char bytes[16];
    size_t length;

    (void)flags;
    while (io_read(poller, atom, bytes, sizeof bytes, &length) == 0) {
        server->stop = true;
    }
}

/* "listening on udp:127.0.0.1:7000 (epoll)", with the port that the kernel chose if it was 0. */
static void print_listening(const struct server *server, const char *spec)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;
    char host[INET6_ADDRSTRLEN], port[8], text[sizeof host + sizeof port + 8];

    if (getsockname(server->socket.fd, (struct sockaddr *)&name, &length) == 0 &&
        name.ss_family != AF_UNIX &&
        getnameinfo((struct sockaddr *)&name, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        snprintf(text, sizeof text, strchr(host, ':') ? "udp:[%s]:%s" : "udp:%s:%s", host, port);
        spec = text;
    }
    printf("listening on %s (%s)\n", spec, io_poller_name(&server->poller));
    fflush(stdout);
}

/* 0, or -1 and it was said why. */
static int server_open(struct server *server, const char *spec, const io_address *address)
{
    int result = io_poller_init(&server->poller, IO_POLLER_ANY);
    io_fd signals;

    if (result < 0) {
        fail(server, "cannot make a poller (see IOATOM_POLLER)", -result);
        return -1;
    }
    io_timers_init(&server->timers, &server->poller, &server->place, 1);
    io_timer_init(&server->retry, on_retry);
    signals = echo_open_signals();
    result = signals < 0 ? (int)signals : 0;
    if (result == 0) {
        io_atom_init(&server->signals, signals, on_signal);
        result = io_add(&server->poller, &server->signals, IO_READ);
    }
    if (result < 0) {
        fail(server, "cannot handle signals", -result);
        return -1;
    }
    result = io_socket_listen(&server->poller, &server->socket, on_datagrams, address, 0);
    if (result < 0) {
        fail(server, spec, -result);
        return -1;
    }
    return 0;
}

static void parse(int argc, char **argv, io_address *address)
{
    static const char usage[] =
        "usage: datagram_echo udp:HOST:PORT | unix-dgram:PATH\n"
        "Sends datagrams back until SIGINT or SIGTERM. HOST is a number, as\n"
        "127.0.0.1 or [::1]; port 0 is any free one.\n";

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    }
    if (argc != 2 || io_parse_address(argv[1], address) < 0 || address->type != IO_DATAGRAM) {
        fprintf(stderr, "datagram_echo: expected one address of datagrams\n%s", usage);
        exit(STATUS_USAGE);
    }
}

int main(int argc, char **argv)
{
    static struct server server; /* static: it has hundreds of KiB */
    io_address address;

    parse(argc, argv, &address);
    if (server_open(&server, argv[1], &address) < 0) {
        return server.status;
    }
    print_listening(&server, argv[1]);
    while (!server.stop) {
        int result = io_wait(&server.poller, -1);

        if (result < 0) {
            fail(&server, "io_wait", -result);
        }
        io_dispatch(&server.poller);
    }
    if (strncmp(argv[1], "unix-dgram:", 11) == 0) {
        echo_remove_path(argv[1] + 11);
    }
    io_close(&server.poller, &server.socket);
    io_close(&server.poller, &server.signals);
    io_timers_dispose(&server.timers);
    io_poller_dispose(&server.poller);
    printf("datagram_echo: %lu answered, %lu lost\n", server.answered, server.lost);
    return server.status;
}
