/* What the files of the simulated io_uring share. tests/sim/uring_points_test.c compares it with the
 * real one. IO_SIM_HAS_URING is defined where the system's
 * headers know all of it that is simulated. */
#ifndef IOATOM_SIM_URING_H
#define IOATOM_SIM_URING_H

#include "kernel.h"

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#ifdef IORING_ASYNC_CANCEL_ANY
#define IO_SIM_HAS_URING
#endif
#endif
#endif

#ifdef IO_SIM_HAS_URING

/* uring_rings.c */
/* A completion; if there is no place for it the kernel keeps it, unless there is more to follow:
 * then it is 0 and nothing has happened. */
int io_sim_ring_post(io_sim *sim, int ring, uint64_t data, int result, uint32_t flags);
/* Those that were kept get places. */
void io_sim_ring_fetch(io_sim *sim, int ring);
int io_sim_ring_count(const io_sim *sim, int ring);

/* uring_polls.c */
/* error: what it completes with, though nothing is wrong with it; 0: no such thing. */
void io_sim_uring_poll_add(io_sim *sim, int ring, const struct io_uring_sqe *entry, int error);
/* Those that were armed up to this order end so much later. */
void io_sim_uring_cancel(io_sim *sim, int ring, const struct io_uring_sqe *entry, uint32_t order,
                         uint64_t late_ns);
/* A wake-up of this descriptor's file that nobody made. */
void io_sim_uring_wake_spuriously(io_sim *sim, int fd);
/* The polls of this file are no more multishot: a ring that tells of a ring could go on for ever. */
void io_sim_uring_end_after_wake(io_sim *sim, int file);
/* All polls of a ring end, or those of what is ready, unnoticed. */
void io_sim_uring_drop(io_sim *sim, int ring, int only_ready);
int io_sim_uring_has_polls(const io_sim *sim, int ring);

#endif

#endif
