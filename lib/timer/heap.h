/*
 * The heap of timers: pure, without a clock and a poller.
 *
 * A timer of the heap (places 0 to count - 1) is due no later than its children, which for place k
 * are the places 4 k + 1 to 4 k + 4; so the first is due first. Four children, as the deadlines of
 * four lie in one or two cache lines, and the tree is half as high as with two. Behind the heap
 * (places count to end - 1) are timers that are to enter it later, in no order. Every timer in a
 * place knows it (io_timer.place), so that it is found in one step.
 *
 * Inline, as a call costs as much as what is done for few timers. proofs/wp/heap.c is the unit that is
 * proved.
 */
#ifndef IOATOM_TIMER_HEAP_H
#define IOATOM_TIMER_HEAP_H

#include <ioatom/timer.h>

#define IO_HEAP_CAPACITY_MAX (INT32_MAX - 1) /* a place plus 1 is an int32_t */

/* The vocabulary of the contracts: ACSL, which a compiler takes for comments. */
#ifdef __FRAMAC__
#include "../../proofs/wp/timers.h"
#endif

/* clang-format does not know ==>. */
/* clang-format off */

/* Nothing is in it. */
/*@ requires memory: \valid(heap) && \valid(places + (0 .. capacity - 1));
    requires apart: \separated(heap, places + (0 .. capacity - 1));
    requires room: capacity <= IO_HEAP_CAPACITY_MAX;
    TOTAL
    assigns *heap;
    ENS_HEAP(heap)
    ensures empty: heap->places == places && heap->capacity == capacity && heap->count == 0 && heap->end == 0; */
static inline void io_heap_init(io_timer_heap *heap, io_timer_place *places, uint32_t capacity)
{
    heap->places = places;
    heap->count = 0;
    heap->end = 0;
    heap->capacity = capacity;
}

/* Whether the timer is in the heap, or behind it. What it takes for its place may be anything. */
/*@ requires h_shape: h_shape(heap);
    requires timer: \valid_read(timer);
    TOTAL
    assigns \nothing;
    ensures IO_TIMER_14_known: \result != 0 <==> h_known(heap, timer); */
static inline int io_heap_holds(const io_timer_heap *heap, const io_timer *timer)
{
    return timer->place > 0 && (uint32_t)timer->place <= heap->end &&
           heap->places[timer->place - 1].timer == timer;
}

/* Only k may be due before its parent: move it up to where it belongs. (What is moved learns its
 * place at the end only.) */
/*@ REQ_PLACES(heap)
    requires in: k < heap->count;
    requires h_order_up: h_order_up(heap, k);
    requires h_grand: h_grand(heap, k);
    TOTAL
    assigns heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures frame: h_frame{Pre, Post}(heap);
    ensures behind: h_same_behind{Pre, Post}(heap);
    ensures IO_TIMER_5_same: h_permuted{Pre, Post}(heap); */
static inline void io_heap_sift_up(io_timer_heap *heap, uint32_t k)
{
    io_timer_place *places = heap->places;
    io_timer_place moved = places[k];
    /*@ loop invariant k: k < heap->count;
        LOOP_PLACES(heap, k)
        loop invariant moved: places[k].timer == moved.timer && places[k].deadline_ns == moved.deadline_ns;
        loop invariant frame: h_frame{Pre, Here}(heap);
        loop invariant h_order_up: h_order_up(heap, k);
        loop invariant h_grand: h_grand(heap, k);
        loop invariant behind: h_same_behind{Pre, Here}(heap);
        loop invariant IO_TIMER_5_same: h_permuted{Pre, Here}(heap);
        loop assigns k, places[0 .. heap->end - 1], PLACES(heap);
        loop variant k; */
    while (k > 0) {
        uint32_t parent = (k - 1) / 4;
        if (places[parent].deadline_ns <= moved.deadline_ns) {
            break;
        }
        places[k] = places[parent];
        places[k].timer->place = (int32_t)(k + 1);
        places[parent] = moved;
        k = parent;
    }
    moved.timer->place = (int32_t)(k + 1);
}

/* Of the children of k, of which there is one, the one that is due first. (Of four it is found
 * without a branch that a processor could only guess.) */
/*@ requires h_shape: h_shape(heap);
    requires parent: 4 * k + 1 < heap->count;
    TOTAL
    assigns \nothing;
    ensures child: 4 * k + 1 <= \result <= 4 * k + 4 && \result < heap->count;
    ensures first: \forall integer c; 4 * k + 1 <= c <= 4 * k + 4 && c < heap->count ==>
      DEADLINE(heap, \result) <= DEADLINE(heap, c); */
static inline uint32_t io_heap_first_child(const io_timer_heap *heap, uint32_t k)
{
    const io_timer_place *places = heap->places;
    uint32_t first = 4 * k + 1;
    if (heap->count - first >= 4) {
        uint32_t a = first + (places[first + 1].deadline_ns < places[first].deadline_ns);
        uint32_t b = first + 2 + (places[first + 3].deadline_ns < places[first + 2].deadline_ns);
        return places[b].deadline_ns < places[a].deadline_ns ? b : a;
    }
    /*@ loop invariant range: 4 * k + 2 <= c <= heap->count;
        loop invariant child: 4 * k + 1 <= first < c;
        loop invariant first: \forall integer d; 4 * k + 1 <= d < c ==> DEADLINE(heap, first) <= DEADLINE(heap, d);
        loop assigns c, first;
        loop variant heap->count - c; */
    for (uint32_t c = first + 1; c < heap->count; c++) {
        if (places[c].deadline_ns < places[first].deadline_ns) {
            first = c;
        }
    }
    return first;
}

/* Only k may be due after one of its children: move it down to where it belongs. */
/*@ REQ_PLACES(heap)
    requires in: k < heap->count;
    requires h_order_down: h_order_down(heap, k);
    requires h_grand: h_grand(heap, k);
    TOTAL
    assigns heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures frame: h_frame{Pre, Post}(heap);
    ensures behind: h_same_behind{Pre, Post}(heap);
    ensures IO_TIMER_5_same: h_permuted{Pre, Post}(heap); */
static inline void io_heap_sift_down(io_timer_heap *heap, uint32_t k)
{
    io_timer_place *places = heap->places;
    io_timer_place moved = places[k];
    uint32_t parents = (heap->count + 2) / 4; /* those below it have a child */
    /*@ loop invariant k: k < heap->count;
        LOOP_PLACES(heap, k)
        loop invariant moved: places[k].timer == moved.timer && places[k].deadline_ns == moved.deadline_ns;
        loop invariant frame: h_frame{Pre, Here}(heap);
        loop invariant h_order_down: h_order_down(heap, k);
        loop invariant h_grand: h_grand(heap, k);
        loop invariant behind: h_same_behind{Pre, Here}(heap);
        loop invariant IO_TIMER_5_same: h_permuted{Pre, Here}(heap);
        loop assigns k, places[0 .. heap->end - 1], PLACES(heap);
        loop variant heap->count - k; */
    while (k < parents) {
        uint32_t child = io_heap_first_child(heap, k);
        if (moved.deadline_ns <= places[child].deadline_ns) {
            break;
        }
        places[k] = places[child];
        places[k].timer->place = (int32_t)(k + 1);
        places[child] = moved;
        k = child;
    }
    moved.timer->place = (int32_t)(k + 1);
}

/* k may be due before its parent, or after its children. */
/*@ REQ_PLACES(heap)
    requires in: k < heap->count;
    requires h_order_but: h_order_but(heap, k);
    requires h_grand: h_grand(heap, k);
    TOTAL
    assigns heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures frame: h_frame{Pre, Post}(heap);
    ensures behind: h_same_behind{Pre, Post}(heap);
    ensures IO_TIMER_5_same: h_permuted{Pre, Post}(heap); */
static inline void io_heap_sift(io_timer_heap *heap, uint32_t k)
{
    if (k > 0 && heap->places[k].deadline_ns < heap->places[(k - 1) / 4].deadline_ns) {
        io_heap_sift_up(heap, k);
    } else {
        io_heap_sift_down(heap, k);
    }
}

/* Have the timer of one place in another one, too. */
/*@ requires places: \valid(&heap->places[to]) && \valid_read(&heap->places[from]) && \valid_read(heap);
    requires timer: h_outside(heap, heap->places[from].timer) && to < heap->capacity <= IO_HEAP_CAPACITY_MAX;
    TOTAL
    assigns heap->places[to], heap->places[from].timer->place;
    ensures copied: heap->places[to].timer == \old(heap->places[from].timer) &&
      heap->places[to].deadline_ns == \old(heap->places[from].deadline_ns);
    ensures back: heap->places[to].timer->place == to + 1; */
static inline void io_heap_copy(io_timer_heap *heap, uint32_t from, uint32_t to)
{
    heap->places[to] = heap->places[from];
    heap->places[to].timer->place = (int32_t)(to + 1);
}

/* Put a timer that is not there behind the heap. */
/*@ REQ_HEAP(heap)
    requires room: heap->end < heap->capacity;
    requires timer: h_outside(heap, timer);
    requires new: \forall integer j; 0 <= j < heap->end ==> \separated(heap->places[j].timer, timer);
    TOTAL
    assigns heap->end, heap->places[heap->end], timer->place;
    ENS_HEAP(heap)
    ensures end: heap->end == \old(heap->end) + 1 && heap->count == \old(heap->count);
    ensures last: heap->places[heap->end - 1].timer == timer && heap->places[heap->end - 1].deadline_ns == deadline_ns;
    ensures others: \forall integer j; 0 <= j < heap->end - 1 ==> h_same{Pre, Post}(heap, j); */
static inline void io_heap_append(io_timer_heap *heap, io_timer *timer, uint64_t deadline_ns)
{
    uint32_t end = heap->end;
    heap->places[end].deadline_ns = deadline_ns;
    heap->places[end].timer = timer;
    heap->end = end + 1;
    timer->place = (int32_t)(end + 1);
}

/* Let one that is behind the heap into it, and the first one there take its place. */
/*@ REQ_HEAP(heap)
    requires behind: heap->count <= k < heap->end;
    TOTAL
    assigns heap->count, heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures count: heap->count == \old(heap->count) + 1 && heap->end == \old(heap->end);
    ensures IO_TIMER_5_same: h_permuted{Pre, Post}(heap); */
static inline void io_heap_enter(io_timer_heap *heap, uint32_t k)
{
    uint32_t first = heap->count;
    if (k != first) {
        io_timer_place entering = heap->places[k];
        io_heap_copy(heap, first, k);
        heap->places[first] = entering;
        entering.timer->place = (int32_t)(first + 1);
    }
    heap->count = first + 1;
    io_heap_sift_up(heap, first);
}

/* Take out one that is behind the heap. */
/*@ REQ_HEAP(heap)
    requires behind: heap->count <= k < heap->end;
    TOTAL
    assigns heap->end, heap->places[k], PLACES(heap);
    ENS_HEAP(heap)
    ensures end: heap->end == \old(heap->end) - 1 && heap->count == \old(heap->count);
    ensures IO_TIMER_14_gone: \old(heap->places[k].timer)->place == 0;
    ensures IO_TIMER_14_nowhere: \forall integer j; 0 <= j < heap->end ==>
      heap->places[j].timer != \old(heap->places[k].timer);
    ensures others: \forall integer j; 0 <= j < heap->end && j != k ==> h_same{Pre, Post}(heap, j); */
static inline void io_heap_drop(io_timer_heap *heap, uint32_t k)
{
    uint32_t last = heap->end - 1;
    heap->places[k].timer->place = 0;
    if (k != last) {
        io_heap_copy(heap, last, k);
    }
    heap->end = last;
}

/* Take out one of the heap. Its last one takes the place, and that one's the last of those behind
 * the heap. */
/*@ REQ_HEAP(heap)
    requires in: k < heap->count;
    TOTAL
    assigns heap->count, heap->end, heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures end: heap->end == \old(heap->end) - 1 && heap->count == \old(heap->count) - 1;
    ensures IO_TIMER_14_gone: \old(heap->places[k].timer)->place == 0;
    ensures IO_TIMER_14_nowhere: \forall integer j; 0 <= j < heap->end ==>
      heap->places[j].timer != \old(heap->places[k].timer); */
static inline void io_heap_take(io_timer_heap *heap, uint32_t k)
{
    uint32_t last = heap->count - 1, end = heap->end - 1;
    heap->places[k].timer->place = 0;
    if (k != last) {
        io_heap_copy(heap, last, k);
    }
    if (last != end) {
        io_heap_copy(heap, end, last);
    }
    heap->count = last;
    heap->end = end;
    if (k < last) {
        io_heap_sift(heap, k);
    }
}

/* Give one of the heap another deadline. */
/*@ REQ_HEAP(heap)
    requires in: k < heap->count;
    TOTAL
    assigns heap->places[0 .. heap->end - 1], PLACES(heap);
    ENS_HEAP(heap)
    ensures same: heap->count == \old(heap->count) && heap->end == \old(heap->end);
    ensures IO_TIMER_5_deadline: DEADLINE(heap, \old(TIMER(heap, k))->place - 1) == deadline_ns;
    ensures IO_TIMER_5_it: TIMER(heap, \old(TIMER(heap, k))->place - 1) == \old(TIMER(heap, k)); */
static inline void io_heap_change(io_timer_heap *heap, uint32_t k, uint64_t deadline_ns)
{
    heap->places[k].deadline_ns = deadline_ns;
    io_heap_sift(heap, k);
}

/* clang-format on */

#endif
