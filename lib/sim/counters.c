/* eventfds and timerfds (kernel-semantics: 20, 22, 24). */
#include "kernel.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

int io_sim_eventfd(unsigned value, int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    if (!sim) {
        return -1;
    }
    if (flags & ~(EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE)) {
        return io_sim_return(-EINVAL);
    }
    int status = O_RDWR | (flags & EFD_NONBLOCK ? O_NONBLOCK : 0);
    int file = io_sim_new_file(sim, IO_SIM_EVENTFD, IO_SIM_READS | IO_SIM_WRITES, status);
    if (file < 0) {
        return io_sim_return(file);
    }
    sim->files[file].count = value;
    sim->files[file].semaphore = (flags & EFD_SEMAPHORE) != 0;
    return io_sim_return(io_sim_new_number(sim, file, 0, flags & EFD_CLOEXEC));
}

int io_sim_timerfd_create(int clock, int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    if (!sim) {
        return -1;
    }
    if (clock < 0 || (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC))) {
        return io_sim_return(-EINVAL);
    }
    int status = O_RDWR | (flags & TFD_NONBLOCK ? O_NONBLOCK : 0);
    int file = io_sim_new_file(sim, IO_SIM_TIMERFD, IO_SIM_READS | IO_SIM_WRITES, status);
    return io_sim_return(file < 0 ? file : io_sim_new_number(sim, file, 0, flags & TFD_CLOEXEC));
}

static int is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

static uint64_t ns_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

static struct timespec time_of(uint64_t span_ns)
{
    return (struct timespec){(time_t)(span_ns / 1000000000u), (long)(span_ns % 1000000000u)};
}

/* A timer that is set anew has not expired. A time that is over expires at once; 0 disarms. */
static int set_timer(io_sim *sim, io_sim_file *file, int flags, const struct itimerspec *value)
{
    if (!is_time(&value->it_value) || !is_time(&value->it_interval) ||
        (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))) {
        return -EINVAL;
    }
    uint64_t value_ns = ns_of(&value->it_value);
    file->count = 0;
    file->expired = 0;
    file->interval_ns = ns_of(&value->it_interval);
    if (value_ns == 0) {
        file->due_ns = IO_SIM_NEVER;
        return 0;
    }
    file->due_ns = flags & TFD_TIMER_ABSTIME ? value_ns : sim->now_ns + value_ns;
    if (file->due_ns <= sim->now_ns) {
        io_sim_timer_expire(sim, file);
    }
    return 0;
}

int io_sim_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPTION, fd);
    if (!sim) {
        return -1;
    }
    io_sim_file *file = io_sim_file_of(sim, fd);
    if (!file || file->kind != IO_SIM_TIMERFD) {
        return io_sim_return(file ? -EINVAL : -EBADF);
    }
    struct itimerspec before = {.it_interval = time_of(file->interval_ns)};
    if (file->due_ns > sim->now_ns && file->due_ns != IO_SIM_NEVER) {
        before.it_value = time_of(file->due_ns - sim->now_ns);
    } else if (file->due_ns <= sim->now_ns) { /* it waits for a read */
        uint64_t late_ns = (sim->now_ns - file->due_ns) % file->interval_ns;
        before.it_value = time_of(file->interval_ns - late_ns);
    }
    int result = set_timer(sim, file, flags, value);
    if (result == 0 && old) {
        *old = before;
    }
    return io_sim_return(result);
}

/* Once: an interval goes on when the timer has been read. */
void io_sim_timer_expire(io_sim *sim, io_sim_file *file)
{
    if (file->interval_ns == 0) {
        file->due_ns = IO_SIM_NEVER;
    }
    file->count++;
    file->expired = 1;
    io_sim_wake(sim, io_sim_file_index(sim, file), POLLIN);
}

int io_sim_counter_mask(const io_sim_file *file)
{
    if (file->kind == IO_SIM_TIMERFD) {
        return file->count > 0 ? POLLIN : 0;
    }
    int mask = file->count > 0 ? POLLIN : 0;
    mask |= file->count == UINT64_MAX ? POLLERR : 0;
    mask |= file->count < UINT64_MAX - 1 ? POLLOUT : 0;
    return mask;
}

static void read_timer(const io_sim *sim, io_sim_file *file)
{
    if (file->expired && file->interval_ns) {
        uint64_t late_ns = sim->now_ns - file->due_ns;
        file->count += late_ns / file->interval_ns;
        file->due_ns += (late_ns / file->interval_ns + 1) * file->interval_ns;
    }
    file->expired = 0;
}

ssize_t io_sim_counter_read(io_sim *sim, io_sim_file *file, io_sim_span *to)
{
    if (to->left < sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (file->count == 0) {
        return -EAGAIN;
    }
    if (file->kind == IO_SIM_TIMERFD) {
        read_timer(sim, file);
    }
    uint64_t value = file->semaphore ? 1 : file->count;
    file->count -= value;
    if (file->kind == IO_SIM_EVENTFD) {
        io_sim_wake(sim, io_sim_file_index(sim, file), POLLOUT); /* an edge, too */
    }
    return (ssize_t)io_sim_span_put(to, (unsigned char *)&value, sizeof(value));
}

ssize_t io_sim_counter_write(io_sim *sim, io_sim_file *file, io_sim_span *from)
{
    uint64_t value;
    if (file->kind == IO_SIM_TIMERFD || from->left != sizeof(value)) {
        return -EINVAL;
    }
    io_sim_span_get(from, (unsigned char *)&value, sizeof(value));
    if (value == UINT64_MAX) {
        return -EINVAL;
    }
    if (UINT64_MAX - file->count <= value) {
        return -EAGAIN;
    }
    file->count += value;
    io_sim_wake(sim, io_sim_file_index(sim, file), POLLIN);
    return sizeof(value);
}
