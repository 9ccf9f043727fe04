/* The virtual clock, what is planned for a time, and blocking. */
#include "kernel.h"

uint64_t io_sim_now_ns(const io_sim *sim)
{
    return sim->now_ns;
}

int io_sim_at(io_sim *sim, uint64_t at_ns, io_sim_proc proc, void *context)
{
    if (sim->event_count == IO_SIM_EVENTS) {
        return -ENOSPC;
    }
    sim->events[sim->event_count].at_ns = at_ns;
    sim->events[sim->event_count].proc = proc;
    sim->events[sim->event_count].context = context;
    sim->event_count++;
    return 0;
}

void io_sim_on_idle(io_sim *sim, io_sim_proc proc, void *context)
{
    sim->idle = proc;
    sim->idle_context = context;
}

void io_sim_interrupt(io_sim *sim)
{
    sim->interrupted = 1;
}

uint64_t io_sim_deadline(const io_sim *sim, int64_t span_ns)
{
    if (span_ns < 0 || (uint64_t)span_ns >= IO_SIM_NEVER - sim->now_ns) {
        return IO_SIM_NEVER;
    }
    return sim->now_ns + (uint64_t)span_ns;
}

/* What comes first: an event, a timer, a connection to be tried again, or the end of a closed ring, or
 * of a poll that was cancelled. */
typedef struct next_thing {
    uint64_t at_ns;
    enum { NOTHING, EVENT, TIMER, CONNECT, RING, REQUEST } kind;
    int index;
} next_thing;

static void consider(next_thing *next, uint64_t at_ns, int kind, int index)
{
    if (at_ns < next->at_ns) {
        next->at_ns = at_ns;
        next->kind = kind;
        next->index = index;
    }
}

static next_thing find_next(const io_sim *sim)
{
    next_thing next = {IO_SIM_NEVER, NOTHING, 0};
    for (int i = 0; i < sim->event_count; i++) {
        consider(&next, sim->events[i].at_ns, EVENT, i);
    }
    for (int i = 0; i < sim->file_end; i++) {
        if (sim->files[i].kind == IO_SIM_TIMERFD && !sim->files[i].expired) {
            consider(&next, sim->files[i].due_ns, TIMER, i);
        }
    }
    for (int i = 0; i < sim->socket_end; i++) {
        if (sim->sockets[i].used && sim->sockets[i].state == IO_SIM_CONNECTING) {
            consider(&next, sim->sockets[i].retry_ns, CONNECT, i);
        }
    }
    for (int i = 0; i < sim->ring_end; i++) {
        consider(&next, sim->rings[i].exit_ns, RING, i);
    }
    for (int i = 0; i < sim->request_end; i++) {
        if (sim->requests[i].used && sim->requests[i].due_ns) {
            consider(&next, sim->requests[i].due_ns, REQUEST, i);
        }
    }
    return next;
}

static void run_event(io_sim *sim, int index)
{
    io_sim_proc proc = sim->events[index].proc;
    void *context = sim->events[index].context;
    io_sim_fault fault = sim->fault; /* the calls of proc have their own */
    sim->event_count--;
    for (int i = index; i < sim->event_count; i++) { /* those of one time stay in order */
        sim->events[i] = sim->events[i + 1];
    }
    sim->running++;
    proc(sim, context);
    sim->running--;
    sim->fault = fault;
}

/* Let the next thing happen if it is due by then; 0: nothing is. */
static int step(io_sim *sim, uint64_t until_ns)
{
    next_thing next = find_next(sim);
    if (next.kind == NOTHING || next.at_ns > until_ns) {
        return 0;
    }
    sim->now_ns = next.at_ns > sim->now_ns ? next.at_ns : sim->now_ns;
    if (next.kind == EVENT) {
        run_event(sim, next.index);
    } else if (next.kind == TIMER) {
        io_sim_timer_expire(sim, &sim->files[next.index]);
    } else if (next.kind == CONNECT) {
        io_sim_retry_connect(sim, next.index);
    } else if (next.kind == RING) {
        io_sim_ring_exit(sim, next.index);
    } else {
        io_sim_uring_due(sim, next.index);
    }
    return 1;
}

int io_sim_advance(io_sim *sim, uint64_t span_ns)
{
    if (sim->running) {
        return -EDEADLK;
    }
    uint64_t until_ns =
        span_ns < IO_SIM_NEVER - sim->now_ns ? sim->now_ns + span_ns : IO_SIM_NEVER - 1;
    sim->steps = 0;
    while (step(sim, until_ns)) {
        if (++sim->steps == IO_SIM_STEPS) {
            return -EDEADLK;
        }
    }
    sim->now_ns = until_ns;
    io_sim_uring_work(sim);
    return 0;
}

static int run_idle(io_sim *sim)
{
    io_sim_fault fault = sim->fault;
    uint32_t calls = sim->calls[IO_SIM_CALL_ANY];
    sim->running++;
    sim->idle(sim, sim->idle_context);
    sim->running--;
    sim->fault = fault;
    return sim->calls[IO_SIM_CALL_ANY] != calls || sim->event_count > 0 || sim->interrupted;
}

int io_sim_block(io_sim *sim, uint64_t deadline_ns)
{
    if (sim->running || ++sim->steps > IO_SIM_STEPS) {
        return -EDEADLK;
    }
    sim->interrupted = 0;
    if (!step(sim, deadline_ns)) {
        if (deadline_ns != IO_SIM_NEVER) {
            sim->now_ns = deadline_ns > sim->now_ns ? deadline_ns : sim->now_ns;
            return -ETIMEDOUT;
        }
        if (!sim->idle || !run_idle(sim)) {
            return -EDEADLK;
        }
    }
    return sim->interrupted ? -EINTR : 0;
}

/* Not counted and never failing: nobody looks at its result. */
int io_sim_clock_gettime(int clock, struct timespec *now)
{
    const io_sim *sim = io_sim_current();
    (void)clock;
    if (!sim) {
        return io_sim_return(-ENOSYS);
    }
    now->tv_sec = (time_t)(sim->now_ns / 1000000000u);
    now->tv_nsec = (long)(sim->now_ns % 1000000000u);
    return 0;
}
