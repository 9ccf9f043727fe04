/* The layout of struct io_poller, so that it can be embedded by value. Private: use the functions
 * of ioatom.h. */
#ifndef IOATOM_DETAIL_H
#define IOATOM_DETAIL_H

#ifdef _WIN32
#include <ioatom/detail_windows.h>
#endif

/* The core's state of one descriptor: 16 bytes where pointers have 8. The registered set is the
 * slots with an atom. */
typedef struct io_slot {
    io_atom *atom;       /* null: not registered */
    uint32_t generation; /* changes at every add and remove, so that a stale event names nobody */
    uint8_t interest;    /* what the caller asked for: IO_READ ... IO_ONESHOT */
    uint8_t kernel;      /* what the kernel was asked for (armed flags), and IO_KERNEL_* bits */
    uint8_t marks;       /* flags that met EAGAIN with no event harvested since, and IO_QUEUED */
    uint8_t pending;     /* ready flags that are not delivered yet */
} io_slot;

/* The core: a table of slots by descriptor, and a queue of descriptors with a pending event. */
typedef struct io_core {
    io_slot *slots;
    uint32_t *queue;
    uint64_t slot_count;
    uint64_t queue_count; /* places in use: those from cursor on are still to be taken */
    uint64_t cursor;
    uint16_t dispatching;
    uint16_t mode;   /* IO_MODE_EDGE, IO_MODE_LEVEL or IO_MODE_EMULATED */
    uint16_t rested; /* some slot may have IO_KERNEL_REST */
#ifdef _WIN32
    io_places places;
#endif
} io_core;

/* uring: the rings that the kernel maps, and where in them it is what we look at. */
typedef struct io_ring {
    void *rings;   /* of submissions and of completions */
    void *entries; /* the submissions */
    uint64_t rings_size;
    uint32_t sq_head, sq_tail, sq_flags; /* offsets in rings */
    uint32_t cq_head, cq_tail, cqes;
    int fd;
    int process; /* whose polls are in it: a forked child must not touch its parent's */
} io_ring;

struct io_backend;

struct io_poller {
    io_core core;
    const struct io_backend *backend; /* null: not initialized, or disposed of */
    /* io_wait returns at this time of the monotonic clock; UINT64_MAX: never (IO-WAIT-12). */
    uint64_t deadline_ns;
    void *area;      /* the backend's, 8 bytes a descriptor */
    uint64_t fd_end; /* one more than the highest descriptor in the area; uring: than the last one
                        that is listed there */
    uint64_t start;  /* where the next scan of the area begins; uring: the first one listed */
    io_fd fd;        /* what io_poller_fd returns, or -1 */
    int type;        /* the backend's bit and the mode's */
    int outdated;    /* epoll, uring: the kernel has what the table has not; it is to be made anew.
                        kqueue: there are notes in the area */
    int owner;       /* kqueue: the process that has fd; a child of it has not */
    io_ring ring;
    io_slot inline_slots[IO_POLLER_INLINE_FDS];
    uint32_t inline_queue[IO_POLLER_INLINE_FDS];
#ifdef _WIN32
    io_afd afd;
    uint64_t inline_area[IO_POLLER_INLINE_FDS * IO_AREA_WORDS_PER_FD];
#else
    uint64_t inline_area[IO_POLLER_INLINE_FDS];
#endif
    /* Timers that are attached (ioatom/timer.h), and what io_dispatch calls for them after the
     * atoms; null: there are none. */
    struct io_timers *timers;
    void (*run_timers)(io_poller *poller);
};

#endif
