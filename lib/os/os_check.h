/* For the checks that are compiled in with -DIO_CHECK: what an epoll set and the rings of io_uring
 * hold, as Linux shows it in /proc/self/fdinfo, and as the simulated kernel has it; and what a kqueue
 * holds, which only the simulated kernel shows. */
#ifndef IOATOM_OS_OS_CHECK_H
#define IOATOM_OS_OS_CHECK_H

#include "platform.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "result.h"

typedef struct io_os_item {
    int fd;
    uint32_t events;
    uint64_t data;
} io_os_item;

typedef void (*io_os_take_item)(void *context, const io_os_item *item);

typedef struct io_os_knote {
    uintptr_t ident;
    int filter;
    unsigned flags;
    uint32_t data;
} io_os_knote;

typedef void (*io_os_take_knote)(void *context, const io_os_knote *knote);

#ifdef IO_OS_SIM

#include "../sim/kernel.h"

/* Calls take with each item of the set. 0, or a negative errno value: it can't be seen. */
static inline int io_os_epoll_items(int epoll_fd, io_os_take_item take, void *context)
{
    io_sim *sim = io_sim_current();
    const io_sim_file *set = sim ? io_sim_file_of(sim, epoll_fd) : NULL;
    if (!set || set->kind != IO_SIM_EPOLL) {
        return -EBADF;
    }
    for (int i = 0; i < sim->item_end; i++) {
        const io_sim_item *item = &sim->items[i];
        if (item->used && item->set == io_sim_file_index(sim, set)) {
            io_os_item found = {.fd = item->fd, .events = item->events, .data = item->data};
            take(context, &found);
        }
    }
    return 0;
}

/* How many polls these rings have, or a negative errno value: it can't be seen. */
static inline int io_os_uring_polls(int ring_fd)
{
    io_sim *sim = io_sim_current();
    const io_sim_file *file = sim ? io_sim_file_of(sim, ring_fd) : NULL;
    int count = 0;
    if (!file || file->kind != IO_SIM_RING) {
        return -EBADF;
    }
    for (int i = 0; i < sim->request_end; i++) {
        count += sim->requests[i].used && sim->requests[i].ring == file->object;
    }
    return count;
}

/* What the poll of these rings that has this data asks for; -ENOENT: there is none; -ENOTSUP: it can't be
 * seen. */
static inline int io_os_uring_events(int ring_fd, uint64_t data)
{
    io_sim *sim = io_sim_current();
    const io_sim_file *file = sim ? io_sim_file_of(sim, ring_fd) : NULL;
    for (int i = 0; file && i < sim->request_end; i++) {
        const io_sim_request *request = &sim->requests[i];
        if (request->used && request->ring == file->object && request->data == data) {
            return (int)request->events;
        }
    }
    return -ENOENT;
}

/* Whether a kqueue has this. */
static inline int io_os_kqueue_has(int queue_fd, uint64_t fd, int filter)
{
    io_sim *sim = io_sim_current();
    int queue = io_sim_file_index(sim, io_sim_file_of(sim, queue_fd));
    return io_sim_find_knote(sim, queue, (uintptr_t)fd, filter) != IO_SIM_NONE;
}

/* All that it has. */
static inline int io_os_kqueue_knotes(int queue_fd, io_os_take_knote take, void *context)
{
    io_sim *sim = io_sim_current();
    const io_sim_file *queue = sim ? io_sim_file_of(sim, queue_fd) : NULL;
    if (!queue || queue->kind != IO_SIM_KQUEUE) {
        return -EBADF;
    }
    for (int i = 0; i < sim->knote_end; i++) {
        const io_sim_knote *knote = &sim->knotes[i];
        if (knote->used && knote->queue == io_sim_file_index(sim, queue)) {
            io_os_knote found = {.ident = knote->ident,
                                 .filter = knote->filter,
                                 .flags = knote->flags,
                                 .data = (uint32_t)(uintptr_t)knote->udata};
            take(context, &found);
        }
    }
    return 0;
}

#else

static inline int io_os_uring_events(int ring_fd, uint64_t data)
{
    (void)ring_fd;
    (void)data;
    return -ENOTSUP;
}

static inline int io_os_kqueue_has(int queue_fd, uint64_t fd, int filter)
{
    (void)queue_fd;
    (void)fd;
    (void)filter;
    return 1;
}

static inline int io_os_kqueue_knotes(int queue_fd, io_os_take_knote take, void *context)
{
    (void)queue_fd;
    (void)take;
    (void)context;
    return -ENOTSUP;
}

/* "/proc/self/fdinfo/" and the number. */
static inline void io_os_put_info_path(char *path, int fd)
{
    char digits[12];
    int count = 0;
    do {
        digits[count++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd > 0);
    memcpy(path, "/proc/self/fdinfo/", 18);
    for (path += 18; count > 0; path++) {
        *path = digits[--count];
    }
    *path = '\0';
}

/* The number in this base that stands behind the word in a line; 0 if there is none. */
static inline uint64_t io_os_number_after(const char *line, const char *word, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = 0;
    const char *at = strstr(line, word);
    if (!at) {
        return 0;
    }
    at += strlen(word);
    at += strspn(at, " ");
    for (; *at; at++) {
        const char *digit = strchr(digits, *at);
        if (!digit || (unsigned)(digit - digits) >= base) {
            break;
        }
        number = number * base + (uint64_t)(digit - digits);
    }
    return number;
}

typedef void (*io_os_take_line)(void *context, const char *line);

/* Calls take with each line of /proc/self/fdinfo. 0, or a negative errno value: it can't be seen. */
static inline int io_os_info_lines(int info_fd, io_os_take_line take, void *context)
{
    char path[32];
    char text[4096];
    size_t length = 0;
    io_os_put_info_path(path, info_fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t size;
    while ((size = read(fd, text + length, sizeof(text) - 1 - length)) > 0) {
        char *line = text;
        char *end;
        length += (size_t)size;
        text[length] = '\0';
        while ((end = strchr(line, '\n'))) {
            *end = '\0';
            take(context, line);
            line = end + 1;
        }
        length -= (size_t)(line - text);
        memmove(text, line, length);
    }
    int r = size < 0 ? -errno : 0;
    close(fd);
    return r;
}

typedef struct io_os_items {
    io_os_take_item take;
    void *context;
} io_os_items;

/* A line "tfd:        5 events:       1d data:        100000005  pos:0 ino:61 sdev:9". */
static inline void io_os_take_item_line(void *context, const char *line)
{
    const io_os_items *items = (const io_os_items *)context;
    if (strncmp(line, "tfd:", 4) == 0) {
        io_os_item item = {.fd = (int)io_os_number_after(line, "tfd:", 10),
                           .events = (uint32_t)io_os_number_after(line, "events:", 16),
                           .data = io_os_number_after(line, "data:", 16)};
        items->take(items->context, &item);
    }
}

/* Calls take with each item of the set. 0, or a negative errno value: it can't be seen. */
static inline int io_os_epoll_items(int epoll_fd, io_os_take_item take, void *context)
{
    io_os_items items = {take, context};
    return io_os_info_lines(epoll_fd, io_os_take_item_line, &items);
}

typedef struct io_os_polls {
    int listed; /* the line "PollList:" was there */
    int count;
} io_os_polls;

/* A line "  op=6, task_works=0" behind it. */
static inline void io_os_take_poll_line(void *context, const char *line)
{
    io_os_polls *polls = (io_os_polls *)context;
    polls->listed |= strncmp(line, "PollList:", 9) == 0;
    polls->count += strncmp(line, "  op=", 5) == 0;
}

/* How many polls these rings have, or a negative errno value: it can't be seen. */
static inline int io_os_uring_polls(int ring_fd)
{
    io_os_polls polls = {0, 0};
    int r = io_os_info_lines(ring_fd, io_os_take_poll_line, &polls);
    if (r < 0) {
        return r;
    }
    return polls.listed ? polls.count : -ENODATA;
}

#endif

#endif
