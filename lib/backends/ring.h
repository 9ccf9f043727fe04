/* The rings of io_uring, for polls alone: what is put is handed over by the next submit, and each
 * poll that was handed over completes with its data: with more to follow for each wake-up, and once
 * with nothing to follow when it ends. */
#ifndef IOATOM_BACKENDS_RING_H
#define IOATOM_BACKENDS_RING_H

#include "backend.h"

#ifdef USE_URING

/* Data that no descriptor has. */
#define IO_RING_NOBODY UINT64_MAX

/* Places for them; more are kept, but end their polls. On the simulated kernel there are few, so that
 * tests run out of them. */
#ifdef IO_OS_SIM
enum { IO_RING_COMPLETIONS = 4 };
#else
enum { IO_RING_COMPLETIONS = 256 };
#endif

typedef struct io_completion {
    uint64_t data;
    int result; /* poll(2) events, or a negative errno value */
    int more;   /* 0: the poll has ended */
} io_completion;

/* -ENOSYS, -EPERM: the kernel, or its sandbox, has no io_uring, or not all of it that is used. */
int io_ring_open(io_ring *ring);
/* Polls that are still in it may outlive it for a while. */
void io_ring_close(io_ring *ring);
/* Instead of the ring there is the other one, under the number that the ring had. On an error the
 * other one is closed. */
int io_ring_replace(io_ring *ring, io_ring *other);

/* Room is for two of these between submits. A cancellation completes only if there is nothing to
 * cancel, and then is nobody's. */
void io_ring_put_poll(io_ring *ring, io_fd fd, uint32_t events, uint64_t data);
void io_ring_put_cancel(io_ring *ring, uint64_t data);
void io_ring_put_cancel_all(io_ring *ring);

/* Hand over what was put. How many the kernel took, or, if none, its error; others are forgotten. */
int io_ring_submit(io_ring *ring);

/* 1 if there was a completion. */
int io_ring_take(io_ring *ring, io_completion *completion);

/* -ETIME after timeout_ms (negative: never), -EINTR, -EBADR if the kernel has lost completions. */
int io_ring_wait(const io_ring *ring, int timeout_ms);

#endif

#endif
