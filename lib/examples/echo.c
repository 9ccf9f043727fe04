/*
 * An echo server with back-pressure: what a peer sends comes back, and from a peer that does not
 * read nothing more is read.
 *
 *     bazel run //lib/examples:echo -- --port 7000 --poller poll
 *
 * Each connection has one bounded buffer in a pool that is made at start-up; nothing is allocated
 * afterwards. Three rules make it right on every poller and in both trigger modes:
 *
 *  1. A handler goes on until the kernel says EAGAIN. Where it stops earlier (its buffer is full,
 *     its turn is over), an io_set comes before it relies on that flag again: io_set re-arms, so
 *     that no edge is lost (IO-SET-2).
 *  2. IO_READ is of interest only while the buffer has room, IO_WRITE only while it has content.
 *  3. What a flag announced may be gone (IO-EVENT-6): a handler just tries, and EAGAIN is fine.
 *
 * With --audit it looks after its own handlers, and fails if one of them breaks the first two.
 */
#define _POSIX_C_SOURCE 200809L

#include "echo_options.h"
#include "echo_system.h"

#include <errno.h>
#include <ioatom/audit.h>
#include <ioatom/ioatom.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_SIZE = 16384,
    TURN_ROUNDS = 2, /* full buffers that a connection moves before the others have their turn */
    RETRY_MS = 100,  /* pause after an accept that failed for want of descriptors */
    FDS_MAX = 65536, /* descriptors that the poller has a place for, at most */
    DESCRIPTORS_SPARE = 16,
};

struct connection {
    io_atom io;
    struct connection *next_free;
    size_t begin; /* buffer[begin] to buffer[end - 1] is still to be written */
    size_t end;
    int interest;
    bool open;
    bool ended; /* the peer has sent everything */
    char buffer[BUFFER_SIZE];
};

struct server {
    io_poller poller;
    io_audit audit;
    bool audited;
    void *storage; /* the poller's, for more than IO_POLLER_INLINE_FDS descriptors */
    io_atom listener;
    io_atom signals; /* echo_open_signals, so that no signal is missed */
    struct connection *connections;
    struct connection *free; /* a list through next_free */
    int64_t retry_ms;        /* accept again at that time; INT64_MAX: no such plan */
    bool paused;             /* not accepting */
    bool told;               /* the user knows that some are waiting */
    bool stop;
    int status;
    unsigned long accepted;
    unsigned long stops; /* how often a full buffer stopped the reading */
    unsigned long long bytes;
};

static void server_fail(struct server *server, const char *what, int error)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(-error));
    server->stop = true;
    server->status = EXIT_FAILURE;
}

static void accept_set(struct server *server, int interest, int64_t retry_ms)
{
    int result = io_set(&server->poller, &server->listener, interest);

    if (result < 0) {
        server_fail(server, "io_set of the listener", result);
    }
    server->paused = interest == 0;
    server->retry_ms = retry_ms;
}

/* Leave those who wait in the kernel's queue. With an empty interest they make no wait return, so
 * this does not spin; it takes up again when a connection closes, or at retry_ms. */
static void accept_pause(struct server *server, const char *reason, int64_t retry_ms)
{
    if (!server->told) {
        fprintf(stderr, "echo: accepts nobody for now: %s\n", reason);
        server->told = true;
    }
    accept_set(server, 0, retry_ms);
}

/* io_set tells those who wait already, though their edge has passed (IO-SOCKET-4). */
static void accept_resume(struct server *server)
{
    accept_set(server, IO_READ, INT64_MAX);
}

static void connection_close(struct server *server, struct connection *connection)
{
    io_close(&server->poller, &connection->io); /* no callback after it: the slot is free at once */
    connection->open = false;
    connection->next_free = server->free;
    server->free = connection;
    if (server->paused) {
        accept_resume(server);
    }
}

/* Read until the buffer is full or the peer has ended: 0. -EAGAIN: until nothing was there; other
 * errors are fatal. */
static int connection_fill(struct server *server, struct connection *connection)
{
    while (!connection->ended && connection->end < BUFFER_SIZE) {
        size_t length;
        int result = io_read(&server->poller, &connection->io, connection->buffer + connection->end,
                             BUFFER_SIZE - connection->end, &length);

        if (result == -EPIPE) {
            connection->ended = true; /* the peer may still read: what is left goes out first */
        } else if (result < 0) {
            return result;
        } else {
            connection->end += length;
        }
    }
    return 0;
}

/* Write until the buffer is empty: 0. -EAGAIN: until there was no room; other errors are fatal. */
static int connection_drain(struct server *server, struct connection *connection)
{
    while (connection->begin < connection->end) {
        size_t length;
        int result =
            io_write(&server->poller, &connection->io, connection->buffer + connection->begin,
                     connection->end - connection->begin, &length);

        if (result < 0) {
            return result;
        }
        connection->begin += length;
        server->bytes += length;
    }
    connection->begin = 0;
    connection->end = 0;
    return 0;
}

/* Echo until EAGAIN. 0: the turn ended before that; other errors, -EPIPE among them: it is over. */
static int connection_echo(struct server *server, struct connection *connection)
{
    for (int round = 0; round < TURN_ROUNDS; round++) {
        int filled = connection_fill(server, connection);
        int drained =
            filled < 0 && filled != -EAGAIN ? filled : connection_drain(server, connection);

        if (drained < 0) {
            return drained;
        }
        if (connection->ended) {
            return -EPIPE;
        }
        if (filled < 0) {
            return filled;
        }
    }
    return 0;
}

static void on_connection(io_poller *poller, io_atom *atom, int flags)
{
    struct server *server = io_resolve_parent(poller, struct server, poller);
    struct connection *connection = io_resolve_parent(atom, struct connection, io);
    int result = connection_echo(server, connection);
    bool full = connection->end == BUFFER_SIZE;
    int interest = 0;

    (void)flags; /* whichever it was, both directions were tried */
    if (result < 0 && result != -EAGAIN) {
        connection_close(server, connection);
        return;
    }
    if (!full && !connection->ended) {
        interest |= IO_READ;
    }
    if (connection->begin < connection->end) {
        interest |= IO_WRITE;
    }
    server->stops += full && (connection->interest & IO_READ);
    if (result == 0 || interest != connection->interest) { /* 0: no EAGAIN yet, so re-arm */
        connection->interest = interest;
        if (io_set(poller, atom, interest) < 0) {
            connection_close(server, connection);
        }
    }
}

static void on_listener(io_poller *poller, io_atom *atom, int flags)
{
    struct server *server = io_resolve_parent(atom, struct server, listener);

    (void)flags;
    for (;;) {
        struct connection *connection = server->free;
        int result;

        if (connection == NULL) {
            accept_pause(server, "all slots are in use (--max-connections)", INT64_MAX);
            return;
        }
        result = io_socket_accept(poller, &connection->io, on_connection, IO_READ, atom, NULL);
        if (result == -EAGAIN) {
            server->told = false; /* nobody waits any more */
            return;
        }
        if (result == -ECONNABORTED) {
            continue; /* one that gave up while it waited */
        }
        if (result < 0) { /* -EMFILE, -ENFILE, -ENOMEM: it still waits, but is not an edge again */
            accept_pause(server, strerror(-result), echo_now_ms() + RETRY_MS);
            return;
        }
        server->free = connection->next_free;
        server->accepted++;
        connection->begin = connection->end = 0;
        connection->interest = IO_READ;
        connection->open = true;
        connection->ended = false;
    }
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

/* A handler has left something undone: that is a mistake in this program. */
static void on_finding(void *context, const io_audit_finding *finding)
{
    struct server *server = context;
    const char *who = finding->proc == on_connection ? "a connection"
                      : finding->proc == on_listener ? "the listener"
                                                     : "the signals";

    fprintf(stderr, "echo: audit of %s: %s: told %d, left %d, %d bytes\n", who,
            io_audit_name(finding->kind), finding->told, finding->left, finding->left_bytes);
    server->status = EXIT_FAILURE;
}

/* The poller's inline table does, unless the limit allows more descriptors, or more connections are
 * wanted where there is no limit: then storage of that size. */
static int open_poller(struct server *server, const struct echo_options *options)
{
    long limit = echo_descriptor_limit();
    size_t size;

    limit = limit == 0 ? options->connections + DESCRIPTORS_SPARE : limit;
    if (limit <= IO_POLLER_INLINE_FDS) {
        return io_poller_init(&server->poller, options->types);
    }
    size = io_poller_storage_size(options->types, limit < FDS_MAX ? (int)limit : FDS_MAX);
    server->storage = malloc(size);
    if (server->storage == NULL) {
        return -ENOMEM;
    }
    return io_poller_init_in(&server->poller, options->types, server->storage, size);
}

static int open_signals(struct server *server)
{
    io_fd fd = echo_open_signals();

    if (fd < 0) {
        return (int)fd;
    }
    io_atom_init(&server->signals, fd, on_signal);
    return io_add(&server->poller, &server->signals, IO_READ);
}

/* "listening on 127.0.0.1:7000 (epoll+edge)", with the port that the kernel chose if it was 0. */
static void print_listening(const struct server *server, const char *address)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;
    char host[INET6_ADDRSTRLEN], port[8], text[sizeof host + sizeof port];
    bool edge = (io_poller_type(&server->poller) & IO_POLLER_EDGE) != 0;

    if (strncmp(address, "unix:", 5) != 0 &&
        getsockname(server->listener.fd, (struct sockaddr *)&name, &length) == 0 &&
        getnameinfo((struct sockaddr *)&name, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
        address = text;
    }
    printf("listening on %s (%s+%s)\n", address, io_poller_name(&server->poller),
           edge ? "edge" : "level");
    fflush(stdout);
}

static int complain(const char *what, const char *name, int error, const char *advice)
{
    fprintf(stderr, "echo: %s%s: %s; %s\n", what, name, strerror(-error), advice);
    return EXIT_FAILURE;
}

/* Everything that can fail before the first event. 0 or EXIT_FAILURE, and then it was said why. */
static int server_open(struct server *server, const struct echo_options *options)
{
    io_address address;
    int result = open_poller(server, options);

    if (result < 0) {
        return complain("cannot make a poller", "", result,
                        "try another --poller, and look at IOATOM_POLLER and ulimit -n");
    }
    if (options->audited) {
        server->audited = true;
        io_audit_begin(&server->audit, &server->poller, options->audit, on_finding, server);
    }
    result = open_signals(server);
    if (result < 0) {
        return complain("cannot handle signals", "", result,
                        "is the descriptor limit too low (ulimit -n)?");
    }
    io_parse_address(options->address, &address); /* well-formed: echo_options_parse looked */
    result = io_socket_listen(&server->poller, &server->listener, on_listener, &address, 0);
    if (result < 0) {
        return complain("cannot listen on ", options->address, result,
                        "try another --port (0: any free one) or --address");
    }
    server->connections = calloc((size_t)options->connections, sizeof(struct connection));
    if (server->connections == NULL) {
        return complain("cannot make the connection slots", "", -ENOMEM,
                        "try fewer --max-connections");
    }
    for (long i = options->connections - 1; i >= 0; i--) {
        server->connections[i].next_free = server->free;
        server->free = &server->connections[i];
    }
    return 0;
}

static void server_run(struct server *server, long seconds)
{
    int64_t end_ms = seconds > 0 ? echo_now_ms() + seconds * 1000 : INT64_MAX;

    while (!server->stop) {
        int64_t until_ms = server->retry_ms < end_ms ? server->retry_ms : end_ms;
        int64_t left_ms = until_ms - echo_now_ms();
        int timeout_ms = until_ms == INT64_MAX ? -1 : left_ms > 0 ? (int)left_ms : 0;
        int result = io_wait(&server->poller, timeout_ms);

        if (result < 0) {
            server_fail(server, "cannot wait for events", result);
            break;
        }
        if (server->audited) {
            io_audit_dispatch(&server->audit);
        } else {
            io_dispatch(&server->poller);
        }
        if (echo_now_ms() >= end_ms) {
            server->stop = true;
        } else if (echo_now_ms() >= server->retry_ms) {
            accept_resume(server);
        }
    }
}

static void server_close(struct server *server, const struct echo_options *options)
{
    for (long i = 0; i < options->connections; i++) {
        if (server->connections[i].open) {
            io_close(&server->poller, &server->connections[i].io);
        }
    }
    io_close(&server->poller, &server->listener);
    if (strncmp(options->address, "unix:", 5) == 0) {
        echo_remove_path(options->address + 5);
    }
    io_close(&server->poller, &server->signals);
    io_poller_dispose(&server->poller);
    free(server->connections);
    free(server->storage);
    printf(
        "echo: %lu connections, %llu bytes echoed, %lu times a full buffer stopped the reading\n",
        server->accepted, server->bytes, server->stops);
}

int main(int argc, char **argv)
{
    static struct server server = {.retry_ms = INT64_MAX}; /* static: a poller has 28 KiB */
    struct echo_options options = echo_options_parse(argc, argv);

    if (server_open(&server, &options) != 0) {
        return EXIT_FAILURE; /* the process ends, so what was opened is closed */
    }
    print_listening(&server, options.address);
    server_run(&server, options.seconds);
    server_close(&server, &options);
    return server.status;
}
