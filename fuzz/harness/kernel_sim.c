/* The simulated kernel, new for each program. What the library does in it is told from what the
 * harness does by library.h. */
#ifdef IO_OS_SIM
#include "kernel.h"

#include "faults.h"
#include "library.h"
#include "report.h"

/* IO-WAIT-10 allows a call as many only if it lasts 50 seconds. It is seen after the call, too, but
 * on a clock that only waits move one that never blocks may never end. */
enum { ENDLESS_WAITS = 1000 };

static io_sim sim; /* large */
static kernel_calls made;

static void count_wait(void)
{
    static unsigned long call;
    static unsigned waits;
    if (call != library_calls()) {
        call = library_calls();
        waits = 0;
    }
    waits++;
    if (waits > ENDLESS_WAITS) {
        violation("IO-WAIT-10", "the library waits in the kernel again and again");
    }
    made.waits++;
}

static void on_call(void *context, int kind, uint32_t nth, io_fd fd, io_sim_fault *fault)
{
    (void)context;
    (void)nth;
    (void)fd;
    if (!library_is_running()) {
        return;
    }
    switch (kind) {
    case IO_SIM_CALL_EPOLL_WAIT:
    case IO_SIM_CALL_POLL:
    case IO_SIM_CALL_SELECT:
    case IO_SIM_CALL_KEVENT:
    case IO_SIM_CALL_URING_WAIT:
        count_wait();
        break;
    case IO_SIM_CALL_EPOLL_CREATE:
    case IO_SIM_CALL_KQUEUE:
    case IO_SIM_CALL_URING_SETUP:
        made.controls++;
        made.creations++;
        break;
    case IO_SIM_CALL_EPOLL_CTL:
    case IO_SIM_CALL_KEVENT_CHANGES:
    case IO_SIM_CALL_URING_SUBMIT:
        made.controls++;
        break;
    default:
        break;
    }
    faults_draw(kind, fault);
}

void kernel_setup(void)
{
    io_sim_init(&sim);
    io_sim_use(&sim);
    io_sim_on_call(&sim, on_call, NULL);
}

int kernel_begin(void)
{
    io_sim_reset(&sim);
    return 1;
}

int kernel_was_full(void)
{
    return io_sim_shortages(&sim) > 0;
}

int kernel_open_count(void)
{
    return io_sim_open_count(&sim) + io_sim_mapping_count(&sim);
}

void kernel_limit(int limit)
{
    io_sim_limit_fds(&sim, limit < 0 ? IO_SIM_FDS : limit);
}

void kernel_fork(void)
{
    io_sim_fork(&sim);
}

int kernel_parent_polls(void)
{
    return io_sim_parent_polls(&sim);
}

int kernel_left_polls(void)
{
    return io_sim_left_polls(&sim);
}

int kernel_poll_now(struct pollfd *fds, nfds_t count)
{
    return io_sim_poll(fds, count, 0);
}

/* A wait that blocks lets time pass. */
kernel_calls kernel_calls_made(void)
{
    kernel_calls result = made;
    result.blocking_waits = (unsigned)((io_sim_now_ns(&sim) - IO_SIM_START_NS) / 1000000u);
    return result;
}

unsigned kernel_pipe_signals(void)
{
    return io_sim_pipe_signals(&sim);
}

int kernel_is_simulated(void)
{
    return 1;
}

#else
typedef int kernel_sim_is_not_used; /* C has no empty files */
#endif
