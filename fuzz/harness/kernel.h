/* The kernel that programs run on: the real one, with IO_OS_SIM the simulated one (ioatom/sim.h), or
 * Windows'. The harness makes its own system calls as KERNEL(close)(fd). */
#ifndef IOATOM_FUZZ_HARNESS_KERNEL_H
#define IOATOM_FUZZ_HARNESS_KERNEL_H

#include <poll.h>

#ifdef IO_OS_SIM
#include <ioatom/sim.h>
#define KERNEL(call) io_sim_##call
#elif defined(_WIN32)
#include "kernel_windows.h"
#define KERNEL(call) kernel_##call
#else
#define KERNEL(call) call
#endif

/* Once in a process. */
void kernel_setup(void);
/* Before each program. The simulated kernel is as new; 1: whatever the harness had open is gone. */
int kernel_begin(void);

/* A table of the simulated kernel was full, where a real one would have had room. */
int kernel_was_full(void);

/* Descriptors that are open: of the simulated kernel; on the real one always 0. */
int kernel_open_count(void);

/* RLIMIT_NOFILE of the simulated kernel: numbers from there on are given to nobody, but stay open;
 * -1: none. */
void kernel_limit(int limit);

/* fork(2), and on as the child; the real kernel's process stays as it is. */
void kernel_fork(void);
/* Polls of io_uring that a parent has in the simulated kernel, and that this process has left in rings that
 * are closed. */
int kernel_parent_polls(void);
int kernel_left_polls(void);

/* poll(2) without waiting. Not counted. */
int kernel_poll_now(struct pollfd *fds, nfds_t count);

/* What the library did in the kernel. */
typedef struct kernel_calls {
    unsigned
        waits; /* epoll_wait, poll, select, kevent without changes; io_uring_enter that submits nothing */
    unsigned
        blocking_waits;   /* those that could block; the simulated kernel counts those that did */
    unsigned interrupted; /* those that ended with EINTR: the fuzzing engine has a timer */
    unsigned controls;    /* epoll_ctl, kevent with changes, io_uring_enter that submits, and: */
    unsigned creations;   /* epoll_create1, kqueue, io_uring_setup */
} kernel_calls;

/* Since the process began; take differences. */
kernel_calls kernel_calls_made(void);
/* How often SIGPIPE was raised; the same. */
unsigned kernel_pipe_signals(void);

/* 1: time passes only in waits, at no cost, and one that would never end is -EDEADLK. */
int kernel_is_simulated(void);

#endif
