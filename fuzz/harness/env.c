#define _GNU_SOURCE
#include "env.h"

#include "kernel.h"
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Beyond the poller's table; near its end, where no program gets. */
enum { HIGH = 200, WITHIN = ENV_LIMIT - 16 };

static struct {
    int listener; /* for TCP pairs */
    struct sockaddr_in address;
    int directory, file, path;
    uint32_t clients;
} own = {.listener = -1, .directory = -1, .file = -1, .path = -1};

enum { PATTERN = 65536 };
static unsigned char pattern[2 * PATTERN]; /* the stream that everybody sends, twice */
static unsigned char scratch[PATTERN];

static int move_to(int fd, int lowest)
{
#ifdef _WIN32
    (void)lowest;
    return fd; /* nobody has a number of his choice */
#endif
    int high = fd < 0 ? -1 : KERNEL(fcntl)(fd, F_DUPFD_CLOEXEC, lowest);
    if (fd >= 0) {
        KERNEL(close)(fd);
    }
    return high;
}

void env_shrink(int fd)
{
    int size = 4096;
    KERNEL(setsockopt)(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    KERNEL(setsockopt)(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int make_listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = KERNEL(socket)(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) {
        return -1;
    }
    env_shrink(fd);
    if (KERNEL(bind)(fd, (struct sockaddr *)address, length) < 0 || KERNEL(listen)(fd, 16) < 0 ||
        KERNEL(getsockname)(fd, (struct sockaddr *)address, &length) < 0) {
        KERNEL(close)(fd);
        return -1;
    }
    return fd;
}

static int open_ordinary_file(void)
{
#ifdef IO_OS_SIM
    return io_sim_open("/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
#elif defined(_WIN32)
    return KERNEL(open)("file", O_RDWR | O_CREAT);
#else
    return memfd_create("file", MFD_CLOEXEC);
#endif
}

/* The harness's own descriptors. 0, or -1 if they cannot be made. */
static int make_own(void)
{
    own.listener = move_to(make_listener(&own.address), HIGH);
    own.directory = move_to(KERNEL(open)("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), WITHIN);
    own.file = move_to(open_ordinary_file(), WITHIN);
#ifdef _WIN32
    return own.listener < 0 || own.directory < 0 || own.file < 0 ? -1 : 0;
#endif
    own.path = move_to(KERNEL(open)("/", O_PATH | O_CLOEXEC), HIGH);
    int event = KERNEL(eventfd)(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int limit = KERNEL(dup3)(event, ENV_LIMIT, O_CLOEXEC);
    KERNEL(close)(event);
    return own.listener < 0 || own.directory < 0 || own.file < 0 || own.path < 0 || limit < 0 ? -1
                                                                                              : 0;
}

int env_setup(void)
{
    for (uint32_t i = 0; i < 2 * PATTERN; i++) {
        pattern[i] = (unsigned char)((i % PATTERN) * 7 + (i % PATTERN >> 8));
    }
    kernel_setup();
    return make_own();
}

int env_take_lowest(void)
{
    return KERNEL(fcntl)(own.directory, F_DUPFD_CLOEXEC, 0);
}

static int lowest_free(void)
{
    int fd = env_take_lowest();
    KERNEL(close)(fd);
    return fd;
}

void env_begin(env *e)
{
    memset(e, 0, sizeof(*e));
    for (int i = 0; i < PROGRAM_DESCRIPTORS; i++) {
        e->slots[i] = -1;
    }
    if (kernel_begin()) {
        own.clients = 0;
        if (make_own() < 0) {
            violation("simulated-kernel", "the harness cannot make its descriptors");
        }
    }
    e->base = lowest_free();
    e->open = kernel_open_count();
}

/* close(2); a TCP socket with RST if asked for, so that no connection stays in TIME_WAIT. */
static void close_number(int fd, int reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset) {
        KERNEL(setsockopt)(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    KERNEL(close)(fd);
}

int env_end(env *e)
{
    for (int fd = 0; fd < ENV_LIMIT; fd++) {
        if (e->numbers[fd].open) {
            close_number(fd, e->objects[e->numbers[fd].object].kind == KIND_TCP);
        }
    }
    return lowest_free() == e->base && kernel_open_count() == e->open;
}

int env_is_own(int fd)
{
    return fd >= ENV_LIMIT || (fd >= 0 && (fd == own.listener || fd == own.directory ||
                                           fd == own.file || fd == own.path));
}

int env_is_open(int fd)
{
    int flags = fd < 0 ? -1 : KERNEL(fcntl)(fd, F_GETFL);
    return flags >= 0 && !(flags & O_PATH);
}

int env_fd(const env *e, int slot)
{
    return e->slots[slot];
}

int env_special(special_fd special)
{
    switch (special) {
    case SPECIAL_LIMIT:
        return ENV_LIMIT;
    case SPECIAL_DIRECTORY:
        return own.directory;
    case SPECIAL_FILE:
        return own.file;
    case SPECIAL_PATH:
        return own.path;
    case SPECIAL_CLOSED:
        return ENV_LIMIT - 2;
    case SPECIAL_CLOSED_FAR:
        return ENV_LIMIT + 1;
    default:
        return -1;
    }
}

object_kind env_kind(const env *e, int fd)
{
    if (fd < 0 || fd >= ENV_LIMIT || !e->numbers[fd].open) {
        return KIND_CODES;
    }
    return e->objects[e->numbers[fd].object].kind;
}

/* Give a new number its object; slot -1: none. */
static void occupy(env *e, const env_events *events, int slot, int fd, int object, int side)
{
    e->numbers[fd] = (env_number){.open = 1, .object = object, .side = side};
    if (slot >= 0) {
        e->slots[slot] = fd;
    }
    events->opened(events->context, fd);
}

static int new_object(env *e, object_kind kind, int checked)
{
    e->objects[e->object_count] = (env_object){.kind = kind, .checked = checked};
    return e->object_count++;
}

/* A client of a TCP listener, from an address that changes, so that no pair of addresses comes
 * again soon. */
static int make_client(const struct sockaddr_in *server)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = KERNEL(socket)(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    env_shrink(fd);
    own.clients++;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + own.clients % 60000);
    if (KERNEL(bind)(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        (KERNEL(connect)(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 &&
         errno != EINPROGRESS)) {
        KERNEL(close)(fd);
        return -1;
    }
    return fd;
}

static int make_tcp_pair(int ends[2])
{
    ends[0] = make_client(&own.address);
    if (ends[0] < 0) {
        return -1;
    }
    ends[1] = -1;
    for (int tries = 0; ends[1] < 0 && tries < 1000; tries++) {
        ends[1] = KERNEL(accept4)(own.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (ends[1] < 0) {
        close_number(ends[0], 1);
        return -1;
    }
    return 0;
}

static int make_pipe(int ends[2])
{
    if (KERNEL(pipe2)(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
        return -1;
    }
    KERNEL(fcntl)(ends[1], F_SETPIPE_SZ, 4096);
    return 0;
}

static int make_unix_pair(int ends[2], int type)
{
    if (KERNEL(socketpair)(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
        return -1;
    }
    env_shrink(ends[0]);
    env_shrink(ends[1]);
    return 0;
}

static int make_pair(object_kind kind, int ends[2])
{
    switch (kind) {
    case KIND_PIPE:
        return make_pipe(ends);
    case KIND_UNIX:
        return make_unix_pair(ends, SOCK_STREAM);
    case KIND_DGRAM:
        return make_unix_pair(ends, SOCK_DGRAM);
    case KIND_TCP:
        return make_tcp_pair(ends);
    default:
        return -1;
    }
}

static int has_room(env *e)
{
    e->is_full |= e->object_count == ENV_OTHER_LISTENERS;
    return e->object_count < ENV_OTHER_LISTENERS;
}

int env_open(env *e, const env_events *events, int a, int b, object_kind kind)
{
    struct sockaddr_in unused;
    int ends[2] = {-1, -1};
    int single = kind == KIND_EVENTFD || kind == KIND_LISTENER;
    if (!has_room(e) || e->slots[a] >= 0 || (!single && (e->slots[b] >= 0 || a == b))) {
        return 0;
    }
    if (single) {
        ends[0] = kind == KIND_EVENTFD ? KERNEL(eventfd)(0, EFD_NONBLOCK | EFD_CLOEXEC)
                                       : make_listener(&unused);
    } else if (make_pair(kind, ends) < 0) {
        return 0;
    }
    if (ends[0] < 0) {
        return 0;
    }
    int object = new_object(e, kind, kind == KIND_PIPE || kind == KIND_UNIX || kind == KIND_TCP);
    /* A pipe's writing end sends as side 1, so that side 0 receives what it sent. */
    occupy(e, events, a, ends[0], object, 0);
    if (!single) {
        occupy(e, events, b, ends[1], object, 1);
    }
    return 1;
}

int env_last(env *e, const env_events *events)
{
    int last = ENV_LIMIT - 1;
    int fd =
        e->numbers[last].open || !has_room(e) ? -1 : KERNEL(eventfd)(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd >= 0) {
        KERNEL(dup3)(fd, last, O_CLOEXEC);
        KERNEL(close)(fd);
        occupy(e, events, -1, last, new_object(e, KIND_EVENTFD, 0), 0);
    }
    return last;
}

/* Address and port of the client's end of a connection, or 0: it was reset. */
static uint64_t name_of_client(int fd, int is_client)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    memset(&address, 0, sizeof(address));
    int result = is_client ? KERNEL(getsockname)(fd, (struct sockaddr *)&address, &length)
                           : KERNEL(getpeername)(fd, (struct sockaddr *)&address, &length);
    return result < 0 ? 0
                      : (uint64_t)ntohl(address.sin_addr.s_addr) << 16 | ntohs(address.sin_port);
}

/* A connection that a listener of the program is asked for. */
static int new_client(env *e, int fd, int listener)
{
    int object = new_object(e, KIND_TCP, 1);
    e->objects[object].client = name_of_client(fd, 1);
    e->objects[e->numbers[listener].object].sent[1]++;
    return object;
}

/* The object of the client that this connection was accepted from, or -1. Of two that had the same
 * address and port, the first is gone. */
static int object_of_peer(const env *e, int fd)
{
    uint64_t client = name_of_client(fd, 0);
    for (int i = e->object_count - 1; client != 0 && i >= 0; i--) {
        if (e->objects[i].client == client) {
            return i;
        }
    }
    return -1;
}

int env_connect(env *e, const env_events *events, int a, int listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int server = e->slots[listener];
    if (!has_room(e) || e->slots[a] >= 0 || env_kind(e, server) != KIND_LISTENER ||
        KERNEL(getsockname)(server, (struct sockaddr *)&address, &length) < 0) {
        return 0;
    }
    int fd = make_client(&address);
    if (fd < 0) {
        return 0;
    }
    e->connects++;
    occupy(e, events, a, fd, new_client(e, fd, server), 0);
    return 1;
}

int env_dup(env *e, const env_events *events, int a, int b)
{
    int from = e->slots[b];
    if (e->slots[a] >= 0 || from < 0) {
        return 0;
    }
    int fd = KERNEL(fcntl)(from, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    occupy(e, events, a, fd, e->numbers[from].object, e->numbers[from].side);
    return 1;
}

int env_close(env *e, const env_events *events, int a, int reset)
{
    int fd = e->slots[a];
    if (fd < 0) {
        return 0;
    }
    close_number(fd, reset && env_kind(e, fd) == KIND_TCP);
    env_forget(e, fd);
    events->closed(events->context, fd);
    return 1;
}

static int free_slot(const env *e)
{
    for (int i = 0; i < PROGRAM_DESCRIPTORS; i++) {
        if (e->slots[i] < 0) {
            return i;
        }
    }
    return -1;
}

/* With no room for another object, one that nobody looks at closely has to do. */
static int any_object(env *e, object_kind kind)
{
    if (has_room(e)) {
        return new_object(e, kind, 0);
    }
    int other = kind == KIND_LISTENER ? ENV_OTHER_LISTENERS : ENV_OTHER_CONNECTIONS;
    e->objects[other].kind = kind;
    return other;
}

void env_listened(env *e, const env_events *events, int fd)
{
    occupy(e, events, free_slot(e), fd, any_object(e, KIND_LISTENER), 0);
}

void env_dialled(env *e, const env_events *events, int fd, int listener)
{
    int object = has_room(e) ? new_client(e, fd, listener) : any_object(e, KIND_TCP);
    occupy(e, events, free_slot(e), fd, object, 0);
}

void env_accepted(env *e, const env_events *events, int fd, int listener)
{
    int object = object_of_peer(e, fd);
    if (env_waiting(e, listener) > 0) { /* not one whose client failed and told nobody */
        e->objects[e->numbers[listener].object].received[1]++;
    }
    occupy(e, events, free_slot(e), fd, object >= 0 ? object : any_object(e, KIND_TCP), 1);
}

void env_forget(env *e, int fd)
{
    e->numbers[fd].open = 0;
    env_hide(e, fd);
}

void env_hide(env *e, int fd)
{
    for (int i = 0; i < PROGRAM_DESCRIPTORS; i++) {
        if (e->slots[i] == fd) {
            e->slots[i] = -1;
        }
    }
}

/* What side sends from this position on: PATTERN bytes of it can be taken. */
static const unsigned char *pattern_at(uint32_t position, int side)
{
    return pattern + (position + (uint32_t)side) % PATTERN;
}

void env_pattern(const env *e, int fd, unsigned char *buf, uint32_t size)
{
    object_kind kind = env_kind(e, fd);
    if (kind == KIND_EVENTFD && size >= 8) {
        uint64_t one = 1;
        memcpy(buf, &one, sizeof(one));
        return;
    }
    const env_number *number = kind == KIND_CODES ? NULL : &e->numbers[fd];
    uint32_t position = number ? e->objects[number->object].sent[number->side] : 0;
    memcpy(buf, pattern_at(position, number ? number->side : 0), size);
}

void env_sent(env *e, int fd, uint32_t size)
{
    object_kind kind = env_kind(e, fd);
    if (kind != KIND_CODES) {
        int is_one = kind == KIND_DGRAM || kind == KIND_EVENTFD;
        e->objects[e->numbers[fd].object].sent[e->numbers[fd].side] += is_one ? 1 : size;
    }
}

/* Which direction of an object leads to this number. */
static int direction_to(const env *e, int fd)
{
    return env_kind(e, fd) == KIND_EVENTFD ? 0 : 1 - e->numbers[fd].side;
}

uint32_t env_waiting(const env *e, int fd)
{
    if (env_kind(e, fd) == KIND_CODES) {
        return 0;
    }
    const env_object *object = &e->objects[e->numbers[fd].object];
    int from = direction_to(e, fd);
    uint32_t sent = object->sent[from], received = object->received[from];
    return sent > received ? sent - received
                           : 0; /* of urgent bytes some are read, and not counted */
}

uint32_t env_left(const env *e, int fd)
{
    object_kind kind = env_kind(e, fd);
    int known =
        (kind == KIND_PIPE || kind == KIND_UNIX) && e->objects[e->numbers[fd].object].checked;
    return known ? env_waiting(e, fd) : 0;
}

/* A datagram, or the value of an eventfd; one of size 0 was not sent, but says that nobody sends. */
static int count_received(env_object *object, int from, const unsigned char *buf, uint32_t size)
{
    uint64_t value = size > 0;
    memcpy(&value, buf, object->kind == KIND_EVENTFD && size == sizeof(value) ? size : 0);
    object->received[from] += (uint32_t)value;
    return object->received[from] <= object->sent[from];
}

int env_received(env *e, int fd, const unsigned char *buf, uint32_t size)
{
    object_kind kind = env_kind(e, fd);
    if (kind == KIND_CODES) {
        return 1;
    }
    env_object *object = &e->objects[e->numbers[fd].object];
    int from = direction_to(e, fd);
    if (kind == KIND_DGRAM || kind == KIND_EVENTFD) {
        return count_received(object, from, buf, size);
    }
    uint32_t position = object->received[from];
    object->received[from] += size;
    return !object->checked || (memcmp(buf, pattern_at(position, from), size) == 0 &&
                                object->received[from] <= object->sent[from]);
}

void env_ended(env *e, int fd, int code)
{
    if (env_kind(e, fd) != KIND_CODES) {
        e->objects[e->numbers[fd].object].ended[e->numbers[fd].side] = code;
    }
}

ssize_t env_write(env *e, int fd, uint32_t size)
{
    size = env_kind(e, fd) == KIND_EVENTFD ? 8 : size < PATTERN ? size : PATTERN;
    env_pattern(e, fd, scratch, size);
    ssize_t n = KERNEL(write)(fd, scratch, size);
    if (n > 0) {
        env_sent(e, fd, (uint32_t)n);
    }
    return n;
}

void env_send(env *e, int a, uint32_t size)
{
    if (e->slots[a] >= 0) {
        (void)env_write(e, e->slots[a], size);
    }
}

void env_recv(env *e, int a, uint32_t size)
{
    int fd = e->slots[a];
    if (fd < 0) {
        return;
    }
    ssize_t n = KERNEL(read)(fd, scratch, env_kind(e, fd) == KIND_EVENTFD ? 8 : size);
    if (n > 0) {
        env_received(e, fd, scratch, (uint32_t)n);
    }
}

void env_shutdown(env *e, int a, shutdown_how how)
{
    static const int hows[HOW_CODES] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    if (e->slots[a] >= 0) {
        KERNEL(shutdown)(e->slots[a], hows[how]);
#ifdef _WIN32
        /* Pipes and unix streams are TCP here, which throws away what nobody is going to read. */
        if (how != HOW_WR && env_kind(e, e->slots[a]) != KIND_CODES) {
            e->objects[e->numbers[e->slots[a]].object].checked = 0;
        }
#endif
    }
}

void env_urgent(env *e, int a)
{
    int fd = e->slots[a];
    if (fd >= 0 && env_kind(e, fd) == KIND_TCP &&
        KERNEL(send)(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1) {
        e->objects[e->numbers[fd].object].checked = 0;
    }
}
