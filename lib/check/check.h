/*
 * The invariants of the library's structures, as functions: a program that is compiled with
 * -DIO_CHECK, as fuzz targets are, calls them after every operation. They allocate nothing and
 * change nothing. Without IO_CHECK there is nothing here, and no other file of the library knows of
 * it.
 *
 * Each returns null, or the name of the first invariant that does not hold: the structure's name, a
 * dot, and, for what lib/core keeps, the name in proofs/wp/contracts.h ("core.q_once"). A later one
 * may rest on those before it. They hold between any two calls of the library, inside callbacks,
 * too.
 */
#ifndef IOATOM_CHECK_CHECK_H
#define IOATOM_CHECK_CHECK_H

#include <ioatom/timer.h>

#ifdef IO_CHECK

/* The table and the queue. poller, which may be null, is what the core is a part of. */
const char *io_core_check(const io_core *core, const io_poller *poller);

/* How much is looked at. */
typedef enum io_check_depth {
    IO_CHECK_MEMORY, /* what is in memory */
    IO_CHECK_KERNEL, /* and what a kernel that has a set of its own has in it (epoll, kqueue, uring) */
    IO_CHECK_EXACT /* and that this set has everything, and nothing else. It need not, after a
                        registered descriptor was closed without io_remove, or a call was made to fail
                        that takes something out of the set */
} io_check_depth;

/* All of a poller: its core, its own fields, and what its backend notes; null for one that is not
 * open. */
const char *io_poller_check(const io_poller *poller, io_check_depth depth);

/* Timers, and what their poller has of them; null for those that are not attached. It is a part of
 * io_poller_check. */
const char *io_timers_check(const io_timers *timers);

/* What the backend is to ask for on behalf of each descriptor, against what it noted, or what the
 * kernel has: the parts of io_poller_check, for pollers of that type, whose core is as it should
 * be. */
const char *io_poll_check(const io_poller *poller);
const char *io_select_check(const io_poller *poller);
const char *io_epoll_check(const io_poller *poller, io_check_depth depth);
const char *io_uring_check(const io_poller *poller, io_check_depth depth);
const char *io_kqueue_check(const io_poller *poller, io_check_depth depth);

#endif
#endif
