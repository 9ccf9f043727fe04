/* The invariants of timers and of their heap. */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../timer/heap.h"
#include "slots.h"

IO_CHECK_BEGIN

/* As lib/timer/heap.h has it, said a second time. */
static int is_before(const io_timer_heap *heap, uint32_t k, uint32_t child)
{
    return child >= heap->count || heap->places[k].deadline_ns <= heap->places[child].deadline_ns;
}

static const char *check_heap(const io_timer_heap *heap)
{
    if (!heap->places || heap->capacity == 0 || heap->capacity > IO_HEAP_CAPACITY_MAX ||
        heap->end > heap->capacity || heap->count > heap->end) {
        return "timers.shape";
    }
    for (uint32_t k = 0; k < heap->end; k++) {
        const io_timer *timer = heap->places[k].timer;
        if (!timer || timer->place != (int32_t)(k + 1) || !timer->proc) {
            return "timers.place";
        }
    }
    for (uint32_t k = 0; k < heap->count; k++) {
        for (uint32_t child = 4 * k + 1; child <= 4 * k + 4; child++) {
            if (!is_before(heap, k, child)) {
                return "timers.order";
            }
        }
    }
    return NULL;
}

const char *io_timers_check(const io_timers *timers)
{
    if (!timers || !timers->poller) {
        return NULL;
    }
    const io_poller *poller = timers->poller;
    const io_timer_heap *heap = &timers->heap;
    if (poller->timers != timers || !poller->run_timers) {
        return "timers.poller";
    }
    const char *broken = check_heap(heap);
    if (broken) {
        return broken;
    }
    if (timers->firing && (timers->firing != 1 || !poller->core.dispatching)) {
        return "timers.firing";
    }
    for (uint32_t k = heap->count; k < heap->end; k++) {
        if (!timers->firing || heap->places[k].deadline_ns > timers->now_ns) {
            return "timers.waiting";
        }
    }
    uint64_t first_ns = heap->count > 0 ? heap->places[0].deadline_ns : IO_TIMER_NEVER;
    if (!timers->firing && poller->deadline_ns != first_ns) {
        return "timers.deadline";
    }
    return NULL;
}

IO_CHECK_END

#endif
