/* Counts the system calls that the library makes to wait and to register, by --wrap at link time
 * (fuzz/link.flags). */
#ifndef IOATOM_FUZZ_HARNESS_KERNEL_CALLS_H
#define IOATOM_FUZZ_HARNESS_KERNEL_CALLS_H

typedef struct kernel_calls {
    unsigned waits;          /* epoll_wait, poll, select */
    unsigned blocking_waits; /* those with a timeout other than 0 */
    unsigned interrupted;    /* those that ended with EINTR: the fuzzing engine has a timer */
    unsigned controls;       /* epoll_ctl, epoll_create1 */
} kernel_calls;

/* Since the process began; take differences. */
extern kernel_calls kernel_calls_made;

#endif
