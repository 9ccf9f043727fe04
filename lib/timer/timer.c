/* Timers of a poller. When a timer's turn comes is decided here, where it stands by the heap. */
#include "../os/platform.h"

#include "heap.h"

#include "../os/os_wait.h"

static int is_attached(const io_timers *timers)
{
    return timers && timers->poller && timers->poller->timers == timers;
}

/* io_wait is to return when the first timer is due (IO-TIMER-9). */
static void note_deadline(io_timers *timers)
{
    const io_timer_heap *heap = &timers->heap;
    timers->poller->deadline_ns = heap->count > 0 ? heap->places[0].deadline_ns : IO_TIMER_NEVER;
}

/* The first timer's turn has come. Whether it is armed afterwards is settled before its callback,
 * and the timer is not touched after that (IO-TIMER-12). */
static void fire_first(io_timers *timers)
{
    io_timer_heap *heap = &timers->heap;
    uint64_t deadline_ns = heap->places[0].deadline_ns;
    io_timer *timer = heap->places[0].timer;
    uint64_t interval_ns = timer->interval_ns;
    uint64_t missed = 0;
    if (interval_ns > 0) {
        uint64_t late_ns = timers->now_ns - deadline_ns;
        missed = late_ns < interval_ns ? 0 : late_ns / interval_ns;
        /* The first one that is not over (IO-TIMER-13). */
        io_heap_change(heap, 0, io_timer_after(deadline_ns + missed * interval_ns, interval_ns));
    } else {
        io_heap_take(heap, 0);
    }
    timer->proc(timers, timer, missed);
}

/* Fire what is due, each timer at most once: one that fires comes back with a deadline that is not
 * over, or behind the heap (IO-TIMER-10, IO-TIMER-11). */
static void run(io_poller *poller)
{
    io_timers *timers = poller->timers;
    io_timer_heap *heap = &timers->heap;
    if (heap->count == 0) {
        return;
    }
    timers->now_ns = io_os_now_ns();
    if (heap->places[0].deadline_ns > timers->now_ns) {
        return;
    }
    poller->core.dispatching = 1; /* refused is what atoms' callbacks are refused (IO-TIMER-16) */
    timers->firing = 1;
    while (heap->count > 0 && heap->places[0].deadline_ns <= timers->now_ns &&
           heap->places[0].deadline_ns != IO_TIMER_NEVER) {
        fire_first(timers);
    }
    while (heap->count < heap->end) {
        io_heap_enter(heap, heap->count);
    }
    timers->firing = 0;
    poller->core.dispatching = 0;
    note_deadline(timers);
}

int io_timers_init(io_timers *timers, io_poller *poller, io_timer_place *places, size_t count)
{
    if (!timers || !poller || !poller->backend || !places || count == 0 ||
        count > IO_HEAP_CAPACITY_MAX) {
        return io_result(-EINVAL);
    }
    if (poller->timers) {
        return io_result(-EEXIST);
    }
    io_heap_init(&timers->heap, places, (uint32_t)count);
    timers->poller = poller;
    timers->now_ns = 0;
    timers->firing = 0;
    poller->timers = timers;
    poller->run_timers = run;
    return 0;
}

int io_timers_dispose(io_timers *timers)
{
    if (!is_attached(timers)) {
        return io_result(-EINVAL);
    }
    io_poller *poller = timers->poller;
    if (poller->core.dispatching) {
        return io_result(-EBUSY);
    }
    timers->poller = NULL;
    poller->timers = NULL;
    poller->run_timers = NULL;
    poller->deadline_ns = IO_TIMER_NEVER;
    return 0;
}

void io_timer_init(io_timer *timer, io_timer_proc proc)
{
    timer->proc = proc;
    timer->interval_ns = 0;
    timer->place = 0;
}

/* Disarm. */
static inline void take(io_timer_heap *heap, const io_timer *timer)
{
    uint32_t k = (uint32_t)timer->place - 1;
    if (k < heap->count) {
        io_heap_take(heap, k);
    } else {
        io_heap_drop(heap, k);
    }
}

/* Arm one that is not in the heap. If it is due, and a timer's callback arms it, it waits behind the
 * heap for the next round (IO-TIMER-11). */
static void enter(io_timers *timers, io_timer *timer, uint64_t deadline_ns)
{
    io_timer_heap *heap = &timers->heap;
    io_heap_append(heap, timer, deadline_ns);
    if (!timers->firing || deadline_ns > timers->now_ns) {
        io_heap_enter(heap, heap->end - 1);
    }
}

int io_timer_set_at(io_timers *timers, io_timer *timer, uint64_t deadline_ns, uint64_t interval_ns)
{
    if (!is_attached(timers) || !timer || !timer->proc) {
        return io_result(-EINVAL);
    }
    io_timer_heap *heap = &timers->heap;
    int armed = io_heap_holds(heap, timer);
    if (!armed && heap->end == heap->capacity) {
        return io_result(-ERANGE);
    }
    timer->interval_ns = interval_ns;
    if (armed && !timers->firing) {
        io_heap_change(heap, (uint32_t)timer->place - 1, deadline_ns);
    } else {
        if (armed) {
            take(heap, timer);
        }
        enter(timers, timer, deadline_ns);
    }
    note_deadline(timers);
    return 0;
}

int io_timer_set_in(io_timers *timers, io_timer *timer, uint64_t delay_ns, uint64_t interval_ns)
{
    return io_timer_set_at(timers, timer, io_timer_after(io_os_now_ns(), delay_ns), interval_ns);
}

int io_timer_cancel(io_timers *timers, io_timer *timer)
{
    if (!is_attached(timers) || !timer) {
        return io_result(-EINVAL);
    }
    io_timer_heap *heap = &timers->heap;
    if (!io_heap_holds(heap, timer)) {
        return io_result(-ENOENT);
    }
    take(heap, timer);
    note_deadline(timers);
    return 0;
}

int io_timer_deadline(const io_timers *timers, const io_timer *timer, uint64_t *deadline_ns)
{
    if (!is_attached(timers) || !timer || !deadline_ns) {
        return io_result(-EINVAL);
    }
    if (!io_heap_holds(&timers->heap, timer)) {
        return io_result(-ENOENT);
    }
    *deadline_ns = timers->heap.places[timer->place - 1].deadline_ns;
    return 0;
}

io_poller *io_timers_poller(const io_timers *timers)
{
    return timers ? timers->poller : NULL;
}

uint64_t io_timer_now_ns(void)
{
    return io_os_now_ns();
}

uint64_t io_timer_after(uint64_t now_ns, uint64_t delay_ns)
{
    return delay_ns < IO_TIMER_NEVER - now_ns ? now_ns + delay_ns : IO_TIMER_NEVER;
}
