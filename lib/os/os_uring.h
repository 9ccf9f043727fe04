/* The system calls of io_uring. Each returns >= 0 or a negative errno value. IO_OS_URING is defined
 * where they are there: on Linux with headers of 5.19 or newer. */
#ifndef IOATOM_OS_OS_URING_H
#define IOATOM_OS_OS_URING_H

#include "platform.h"

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#ifdef IORING_ASYNC_CANCEL_ANY
#define IO_OS_URING
#endif
#endif
#endif

#ifdef IO_OS_URING

#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os_process.h"
#include "result.h"

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

/* The descriptor is close-on-exec by itself (IO-INIT-9). */
static inline int io_os_uring_setup(uint32_t entries, struct io_uring_params *params)
{
    return io_os_result(syscall(__NR_io_uring_setup, entries, params));
}

/* Hand over so many submissions; what has to be done for this task is done before it returns. */
static inline int io_os_uring_submit(int ring_fd, uint32_t count)
{
    return io_os_result(
        syscall(__NR_io_uring_enter, ring_fd, count, 0, IORING_ENTER_GETEVENTS, NULL, 0));
}

/* Wait for a completion. -ETIME after timeout_ms (negative: never); 0 at once if it is 0. */
static inline int io_os_uring_wait(int ring_fd, int timeout_ms)
{
    struct __kernel_timespec timeout = {.tv_sec = timeout_ms / 1000,
                                        .tv_nsec = timeout_ms % 1000 * 1000000LL};
    struct io_uring_getevents_arg argument = {.ts = timeout_ms > 0 ? (uintptr_t)&timeout : 0};
    return io_os_result(syscall(__NR_io_uring_enter, ring_fd, 0, timeout_ms != 0,
                                IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
                                sizeof(argument)));
}

/* Null if the kernel refuses. */
static inline void *io_os_uring_map(int ring_fd, uint64_t size, uint64_t offset)
{
    void *address = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                         ring_fd, (off_t)offset);
    return address == MAP_FAILED ? NULL : address;
}

static inline void io_os_uring_unmap(void *address, uint64_t size)
{
    (void)munmap(address, (size_t)size);
}

/* What is ready of each descriptor, without waiting: poll(2). A question is asked again when a
 * signal has come instead of its answer (IO-ERROR-6). */
static inline int io_os_uring_look(struct pollfd *fds, uint64_t count)
{
    struct timespec zero = {0};
    int r;
    do {
        r = io_os_result(ppoll(fds, (nfds_t)count, &zero, NULL));
    } while (r == -EINTR);
    return r;
}

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

#endif

#endif
