/* Paths of fifos and unix sockets, internet addresses, and who is found there. */
#include "kernel.h"

#include <netinet/in.h>
#include <sys/un.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t loopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t nothing[16];

enum { PORT_FIRST = 32768, PORT_LAST = 60999 };

int io_sim_find_name(const io_sim *sim, const char *path)
{
    for (int i = 0; i < sim->name_end; i++) {
        if (sim->names[i].kind && strcmp(sim->names[i].path, path) == 0) {
            return i;
        }
    }
    return NONE;
}

int io_sim_new_name(io_sim *sim, const char *path, int kind, int object)
{
    if (io_sim_find_name(sim, path) != NONE) {
        return -EEXIST;
    }
    if (strlen(path) >= IO_SIM_PATH_BYTES) {
        return -ENAMETOOLONG;
    }
    int index = 0;
    while (index < sim->name_end && sim->names[index].kind) {
        index++;
    }
    if (index == IO_SIM_NAMES) {
        sim->shortages++;
        return -ENOSPC;
    }
    if (index == sim->name_end) {
        sim->name_end++;
    }
    io_sim_name *name = &sim->names[index];
    name->kind = (uint16_t)kind;
    name->object = (uint16_t)object;
    name->generation = kind == IO_SIM_SOCKET ? sim->sockets[object].generation : 0;
    memcpy(name->path, path, strlen(path) + 1);
    return index;
}

int io_sim_mkfifo(const char *path, mode_t mode)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    (void)mode;
    if (!sim) {
        return -1;
    }
    int name = io_sim_new_name(sim, path, IO_SIM_PIPE, NONE);
    return io_sim_return(name < 0 ? name : 0);
}

int io_sim_unlink(const char *path)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_UNLINK, -1);
    if (!sim) {
        return -1;
    }
    int name = io_sim_find_name(sim, path);
    if (name == NONE) {
        return io_sim_return(-ENOENT);
    }
    io_sim_name *entry = &sim->names[name];
    if (entry->kind == IO_SIM_PIPE && entry->object != NONE) {
        sim->pipes[entry->object].name = NONE;
    }
    for (int i = 0; i < sim->socket_end; i++) {
        if (sim->sockets[i].used && sim->sockets[i].name == name) {
            sim->sockets[i].name = NONE;
        }
    }
    entry->kind = IO_SIM_FREE;
    return 0;
}

/* 0: path is the path of the address; -EINVAL: it has none. */
int io_sim_unix_path(const struct sockaddr *address, socklen_t length, char *path)
{
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    struct sockaddr_un unix_address = {0};
    if (length <= offset || length > sizeof(unix_address)) {
        return -EINVAL;
    }
    memcpy(&unix_address, address, length);
    if (unix_address.sun_family != AF_UNIX || !unix_address.sun_path[0]) {
        return -EINVAL;
    }
    memcpy(path, unix_address.sun_path, IO_SIM_PATH_BYTES - 1);
    path[IO_SIM_PATH_BYTES - 1] = 0;
    return 0;
}

int io_sim_inet_address(const struct sockaddr *address, socklen_t length, int family,
                        io_sim_address *result)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    sa_family_t given = 0;
    if (length >= sizeof(given)) {
        memcpy(&given, address, sizeof(given));
    }
    if (length < (family == AF_INET ? sizeof(in) : sizeof(in6))) {
        return -EINVAL;
    }
    if (given != family) {
        return -EAFNOSUPPORT;
    }
    result->is_set = 1;
    if (family == AF_INET) {
        memcpy(&in, address, sizeof(in));
        memcpy(result->ip, mapped, sizeof(mapped));
        memcpy(result->ip + sizeof(mapped), &in.sin_addr, 4);
        result->port = ntohs(in.sin_port);
    } else {
        memcpy(&in6, address, sizeof(in6));
        memcpy(result->ip, &in6.sin6_addr, sizeof(result->ip));
        result->port = ntohs(in6.sin6_port);
    }
    return 0;
}

int io_sim_is_mapped(const io_sim_address *address)
{
    return memcmp(address->ip, mapped, sizeof(mapped)) == 0;
}

int io_sim_is_wildcard(const io_sim_address *address)
{
    const uint8_t *ip = address->ip;
    return memcmp(ip, nothing, 16) == 0 ||
           (io_sim_is_mapped(address) && memcmp(ip + 12, nothing, 4) == 0);
}

static int is_loopback(const io_sim_address *address)
{
    return io_sim_is_mapped(address) ? address->ip[12] == 127
                                     : memcmp(address->ip, loopback6, 16) == 0;
}

int io_sim_put_address(const io_sim *sim, int family, const io_sim_address *inet, int name,
                       struct sockaddr *address, socklen_t *length)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const void *from = family == AF_UNIX   ? (const void *)&un
                       : family == AF_INET ? &in
                                           : (const void *)&in6;
    socklen_t size = family == AF_INET ? sizeof(in) : sizeof(in6);
    if (family == AF_UNIX) {
        size = offsetof(struct sockaddr_un, sun_path);
        if (name != NONE) {
            size_t bytes = strlen(sim->names[name].path) + 1;
            memcpy(un.sun_path, sim->names[name].path, bytes);
            size += (socklen_t)bytes;
        }
    } else if (family == AF_INET) {
        memcpy(&in.sin_addr, inet->ip + 12, 4);
        in.sin_port = htons(inet->port);
    } else {
        memcpy(&in6.sin6_addr, inet->ip, 16);
        in6.sin6_port = htons(inet->port);
    }
    memcpy(address, from, *length < size ? *length : size);
    *length = size;
    return 0;
}

/* Whether a socket that is bound there hears what is sent to the address. */
static int hears(const io_sim_endpoint *socket, const io_sim_address *at)
{
    if (!socket->local.is_set || socket->local.port != at->port) {
        return 0;
    }
    if (io_sim_is_wildcard(&socket->local)) {
        return socket->family == AF_INET6 ? !io_sim_is_mapped(at) || !socket->only_v6
                                          : io_sim_is_mapped(at);
    }
    return memcmp(socket->local.ip, at->ip, 16) == 0;
}

static int is_from(const io_sim_endpoint *socket, const io_sim_address *from)
{
    return !socket->remote.is_set || (from && socket->remote.port == from->port &&
                                      memcmp(socket->remote.ip, from->ip, 16) == 0);
}

int io_sim_find_socket(const io_sim *sim, int type, const io_sim_address *at,
                       const io_sim_address *from)
{
    int found = -ECONNREFUSED;
    for (int i = 0; i < sim->socket_end; i++) {
        const io_sim_endpoint *socket = &sim->sockets[i];
        if (!socket->used || io_sim_is_unix(socket) || socket->type != type || !hears(socket, at)) {
            continue;
        }
        int takes = type == SOCK_STREAM ? socket->state == IO_SIM_LISTENING : is_from(socket, from);
        /* The one whose address says more is meant. */
        if (takes && (found < 0 || !io_sim_is_wildcard(&socket->local))) {
            found = i;
        }
    }
    return found;
}

int io_sim_find_unix(const io_sim *sim, const struct sockaddr *address, socklen_t length, int type)
{
    char path[IO_SIM_PATH_BYTES];
    int r = io_sim_unix_path(address, length, path);
    if (r < 0) {
        return r;
    }
    int name = io_sim_find_name(sim, path);
    if (name == NONE) {
        return -ENOENT;
    }
    const io_sim_name *entry = &sim->names[name];
    const io_sim_endpoint *socket = &sim->sockets[entry->object];
    if (entry->kind != IO_SIM_SOCKET || !socket->used || socket->generation != entry->generation) {
        return -ECONNREFUSED;
    }
    return socket->type == type ? entry->object : -EPROTOTYPE;
}

static int is_taken(const io_sim *sim, const io_sim_endpoint *mine, const io_sim_address *at)
{
    for (int i = 0; i < sim->socket_end; i++) {
        const io_sim_endpoint *other = &sim->sockets[i];
        if (!other->used || other == mine || io_sim_is_unix(other) || other->type != mine->type ||
            !other->local.is_set || other->local.port != at->port) {
            continue;
        }
        int meets = memcmp(other->local.ip, at->ip, 16) == 0 || io_sim_is_wildcard(at) ||
                    io_sim_is_wildcard(&other->local);
        int apart = io_sim_is_mapped(at) != io_sim_is_mapped(&other->local) &&
                    (mine->only_v6 || other->only_v6);
        int shared = (mine->reuse_port && other->reuse_port) ||
                     (mine->reuse_address && other->reuse_address &&
                      (mine->type == SOCK_DGRAM || other->state != IO_SIM_LISTENING));
        if (meets && !apart && !shared) {
            return 1;
        }
    }
    return 0;
}

/* Port 0: the next free one. */
int io_sim_bind_inet(io_sim *sim, io_sim_endpoint *socket, const io_sim_address *address)
{
    io_sim_address at = *address;
    if (!io_sim_is_wildcard(&at) && !is_loopback(&at)) {
        return -EADDRNOTAVAIL;
    }
    for (int tries = 0; at.port == 0 && tries <= PORT_LAST - PORT_FIRST; tries++) {
        io_sim_address candidate = at;
        candidate.port = sim->next_port;
        sim->next_port = sim->next_port < PORT_LAST ? sim->next_port + 1 : PORT_FIRST;
        at = is_taken(sim, socket, &candidate) ? at : candidate;
    }
    if (at.port == 0 || is_taken(sim, socket, &at)) {
        return -EADDRINUSE;
    }
    socket->local = at;
    return 0;
}
