/*
 * A backend carries requests to one of the kernel's mechanisms, and reports from it to the core; it
 * decides nothing. What it is to ask for is io_core_request; what it hears it passes to
 * io_core_harvest. Results are >= 0 or a negative errno value.
 */
#ifndef IOATOM_BACKENDS_BACKEND_H
#define IOATOM_BACKENDS_BACKEND_H

#include "../os/os_uring.h"
#include "../os/os_wait.h"

#include "../core/core.h"

/* Which backends are compiled in: those named by -DUSE_..., or, if none is, all that the platform
 * has. */
#ifndef _WIN32
#if !defined(USE_EPOLL) && !defined(USE_KQUEUE) && !defined(USE_URING) && !defined(USE_POLL) &&    \
    !defined(USE_SELECT)
#ifdef __linux__
#define USE_EPOLL
#endif
#ifdef IO_OS_KQUEUE
#define USE_KQUEUE
#endif
#define USE_URING
#define USE_POLL
#define USE_SELECT
#endif
#elif !defined(USE_AFD) && !defined(USE_SELECT)
#define USE_AFD
#define USE_SELECT
#endif

/* It is named or not: where the system calls are missing, so is the backend. */
#ifndef IO_OS_URING
#undef USE_URING
#endif

typedef struct io_backend {
    const char *name;
    int type;        /* IO_POLLER_... */
    int native_mode; /* IO_POLLER_EDGE or IO_POLLER_LEVEL */
    int edge_mode;   /* IO_MODE_EDGE, or IO_MODE_EMULATED if the kernel knows levels only */
    int slice_ms; /* how often resting descriptors are looked at again; 0: the kernel wakes for them
                     by itself */

    int (*open)(io_poller *poller);
    void (*close)(io_poller *poller);
    /* Begin, change, end watching fd, a registered descriptor below core.slot_count. */
    int (*add)(io_poller *poller, io_fd fd);
    int (*modify)(io_poller *poller, io_fd fd);
    void (*remove)(io_poller *poller, io_fd fd);
    /* Wait once, harvest what came. More than 0 if something was reported, 0 after timeout_ms
     * (negative: never). */
    int (*wait)(io_poller *poller, int timeout_ms);
    /* Get a kernel object of one's own that watches what the table says; null: there is nothing to
     * do. */
    int (*renew)(io_poller *poller);
} io_backend;

extern const io_backend io_backend_epoll;
extern const io_backend io_backend_uring;
extern const io_backend io_backend_kqueue;
extern const io_backend io_backend_poll;
extern const io_backend io_backend_select;
#ifdef USE_AFD
extern const io_backend io_backend_afd;
#endif

/* The bytes of poller->area that a backend may use for each descriptor. */
#ifdef _WIN32
#define IO_AREA_BYTES_PER_FD (IO_AREA_WORDS_PER_FD * sizeof(uint64_t))
#define IO_BACKEND_BYTES_PER_FD (IO_AREA_BYTES_PER_FD - IO_PLACES_BYTES_PER_FD)
#define IO_BYTES_PER_FD_MAX 112
#else
#define IO_AREA_BYTES_PER_FD sizeof(uint64_t)
#define IO_BYTES_PER_FD_MAX 28
#endif

/* The next descriptor of a scan that began anywhere below end. */
/*@ requires below: fd < end;
    terminates \true; exits \false;
    assigns \nothing;
    ensures IO_FAIR_2_next: \result == (fd + 1 < end ? fd + 1 : 0); */
static inline uint64_t io_scan_next(uint64_t fd, uint64_t end)
{
    return fd + 1 < end ? fd + 1 : 0;
}

#endif
