/* Making a simulation, the current one, and what goes wrong in a call. */
#include "kernel.h"

static _Thread_local io_sim *current;

void io_sim_init(io_sim *sim)
{
    sim->draw = NULL;
    sim->idle = NULL;
    sim->fd_limit = IO_SIM_FDS;
    sim->generations = 0;
    io_sim_reset(sim);
}

/* Whatever lies above these ends is not in use, and is made in full when it is. */
void io_sim_reset(io_sim *sim)
{
    sim->now_ns = IO_SIM_START_NS;
    sim->fd_end = 0;
    sim->file_end = sim->pipe_end = sim->socket_end = sim->item_end = sim->knote_end = 0;
    sim->chunk_end = sim->page_end = sim->name_end = 0;
    sim->ring_end = sim->request_end = 0;
    sim->work[0] = sim->work[1] = NONE;
    sim->mappings = 0;
    sim->process = 1;
    sim->orders = 0;
    sim->chunk_free = sim->page_free = NONE;
    sim->next_port = 32768;
    sim->running = sim->interrupted = 0;
    sim->pipe_signals = sim->shortages = sim->steps = 0;
    sim->event_count = sim->plan_count = 0;
    sim->fault = (io_sim_fault){.spurious_fd = -1};
    memset(sim->calls, 0, sizeof(sim->calls));
}

io_sim *io_sim_use(io_sim *sim)
{
    io_sim *before = current;
    current = sim;
    return before;
}

io_sim *io_sim_current(void)
{
    return current;
}

static int is_kind(int call)
{
    return call >= IO_SIM_CALL_ANY && call < IO_SIM_CALL_KINDS;
}

int io_sim_fail(io_sim *sim, int call, uint32_t nth, int error)
{
    if (!is_kind(call) || nth == 0 || error <= 0) {
        return -EINVAL;
    }
    if (sim->plan_count == IO_SIM_PLANS) {
        return -ENOSPC;
    }
    sim->plans[sim->plan_count].call = call;
    sim->plans[sim->plan_count].error = error;
    sim->plans[sim->plan_count].nth = sim->calls[call] + nth;
    sim->plan_count++;
    return 0;
}

void io_sim_on_call(io_sim *sim, io_sim_draw draw, void *context)
{
    sim->draw = draw;
    sim->draw_context = context;
}

long io_sim_calls(const io_sim *sim, int call)
{
    return is_kind(call) ? (long)sim->calls[call] : -EINVAL;
}

int io_sim_open_count(const io_sim *sim)
{
    int count = 0;
    for (int fd = 0; fd < sim->fd_end; fd++) {
        count += sim->numbers[fd].file != NONE;
    }
    return count;
}

uint32_t io_sim_pipe_signals(const io_sim *sim)
{
    return sim->pipe_signals;
}

uint32_t io_sim_shortages(const io_sim *sim)
{
    return sim->shortages;
}

int io_sim_limit_fds(io_sim *sim, int limit)
{
    if (limit < 0 || limit > IO_SIM_FDS) {
        return -EINVAL;
    }
    sim->fd_limit = limit;
    return 0;
}

/* A plan that was carried out makes room for the next. */
static int planned_error(io_sim *sim, int call)
{
    int error = 0;
    for (uint16_t i = 0; i < sim->plan_count; i++) {
        int kind = sim->plans[i].call;
        if ((kind == IO_SIM_CALL_ANY || kind == call) && sim->calls[kind] == sim->plans[i].nth) {
            error = sim->plans[i].error;
            sim->plans[i--] = sim->plans[--sim->plan_count];
        }
    }
    return error;
}

/* Count the call; what goes wrong in it. */
static io_sim_fault draw(io_sim *sim, int call, int fd)
{
    io_sim_fault fault = {.spurious_fd = -1};
    sim->calls[IO_SIM_CALL_ANY]++;
    sim->calls[call]++;
    if (sim->draw) {
        sim->draw(sim->draw_context, call, sim->calls[call], fd, &fault);
    }
    int error = sim->plan_count > 0 ? planned_error(sim, call) : 0;
    if (error) {
        fault.error = error;
    }
    return fault;
}

io_sim_fault io_sim_enter_request(io_sim *sim, int call, int fd)
{
    return draw(sim, call, fd);
}

/* It fails, and does nothing else. */
static int fails_at_once(int call, int error)
{
    int goes_on = call == IO_SIM_CALL_CLOSE ||
                  (call == IO_SIM_CALL_KEVENT_CHANGES && error == EINTR) ||
                  (call == IO_SIM_CALL_URING_WAIT && error == EBADR);
    return error && !goes_on;
}

io_sim *io_sim_enter(int call, int fd)
{
    io_sim *sim = current;
    if (!sim) {
        errno = ENOSYS;
        return NULL;
    }
    sim->steps = sim->running ? sim->steps : 0;
    sim->fault = draw(sim, call, fd);
    if (fails_at_once(call, sim->fault.error)) {
        errno = sim->fault.error;
        return NULL;
    }
    return sim;
}

int io_sim_return(ssize_t result)
{
    return (int)io_sim_return_count(result);
}

ssize_t io_sim_return_count(ssize_t result)
{
    if (current && current->work[0] != NONE) {
        io_sim_uring_work(current);
    }
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

void io_sim_fork(io_sim *sim)
{
    io_sim_fork_rings(sim);
    io_sim_fork_queues(sim);
    io_sim_uring_work(sim); /* what was closed may have woken polls of the parent */
    sim->process++;
}

pid_t io_sim_getpid(void)
{
    return current ? current->process : 1;
}
