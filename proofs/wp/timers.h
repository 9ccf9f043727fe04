/*
 * The vocabulary of the contracts of lib/timer/heap.h: one predicate for each property, named clauses.
 * Only a proof tool reads this; lib/timer includes it if __FRAMAC__ is defined. See ../README.md.
 */
#ifndef IOATOM_PROOFS_TIMERS_H
#define IOATOM_PROOFS_TIMERS_H

/* clang-format does not know ==> and <==>. */
/* clang-format off */

#define TOTAL terminates \true; exits \false;

#define DEADLINE(h, i) ((h)->places[i].deadline_ns)
#define TIMER(h, i) ((h)->places[i].timer)
#define PARENT(i) (((i) - 1) / 4)
/* The back-indexes. */
#define PLACES(h) (h)->places[0 .. (h)->end - 1].timer->place

/*@ // sizes, and what is where
    predicate h_shape(io_timer_heap *h) = \valid(h) && \valid(h->places + (0 .. h->capacity - 1)) &&
      h->count <= h->end <= h->capacity <= IO_HEAP_CAPACITY_MAX && \separated(h, h->places + (0 .. h->capacity - 1));
    predicate h_outside(io_timer_heap *h, io_timer *t) = \valid(t) && \separated(t, h) &&
      \separated(t, h->places + (0 .. h->capacity - 1));
    predicate h_out(io_timer_heap *h) = \forall integer i; 0 <= i < h->end ==> h_outside(h, TIMER(h, i));
    // each timer has one place, and knows it
    predicate h_apart(io_timer_heap *h) = \forall integer i, j; 0 <= i < h->end && 0 <= j < h->end && i != j ==>
      \separated(TIMER(h, i), TIMER(h, j));
    predicate h_back(io_timer_heap *h) = \forall integer i; 0 <= i < h->end ==> TIMER(h, i)->place == i + 1;
    predicate h_back_but(io_timer_heap *h, integer k) = \forall integer i; 0 <= i < h->end && i != k ==>
      TIMER(h, i)->place == i + 1;
    predicate h_known(io_timer_heap *h, io_timer *t) = 1 <= t->place <= h->end && TIMER(h, t->place - 1) == t;

    // nobody is due before its parent; but for k and its parent, k and its children, k and both
    predicate h_order(io_timer_heap *h) = \forall integer i; 0 < i < h->count ==> DEADLINE(h, PARENT(i)) <= DEADLINE(h, i);
    predicate h_order_up(io_timer_heap *h, integer k) = \forall integer i; 0 < i < h->count && i != k ==>
      DEADLINE(h, PARENT(i)) <= DEADLINE(h, i);
    predicate h_order_down(io_timer_heap *h, integer k) = \forall integer i; 0 < i < h->count && PARENT(i) != k ==>
      DEADLINE(h, PARENT(i)) <= DEADLINE(h, i);
    predicate h_order_but(io_timer_heap *h, integer k) = \forall integer i; 0 < i < h->count && i != k && PARENT(i) != k ==>
      DEADLINE(h, PARENT(i)) <= DEADLINE(h, i);
    // the children of k are due no sooner than its parent
    predicate h_grand(io_timer_heap *h, integer k) = k > 0 ==> \forall integer i; 0 < i < h->count && PARENT(i) == k ==>
      DEADLINE(h, PARENT(k)) <= DEADLINE(h, i);

    // what stays
    predicate h_frame{L1, L2}(io_timer_heap *h) = \at(h->count, L1) == \at(h->count, L2) && \at(h->end, L1) == \at(h->end, L2) &&
      \at(h->capacity, L1) == \at(h->capacity, L2) && \at(h->places, L1) == \at(h->places, L2);
    predicate h_same{L1, L2}(io_timer_heap *h, integer i) = \at(TIMER(h, i), L1) == \at(TIMER(h, i), L2) &&
      \at(DEADLINE(h, i), L1) == \at(DEADLINE(h, i), L2);
    predicate h_same_behind{L1, L2}(io_timer_heap *h) = \forall integer i; \at(h->count, L1) <= i < \at(h->end, L1) ==>
      h_same{L1, L2}(h, i);
    predicate h_swapped{L1, L2}(io_timer_heap *h, integer i, integer j) =
      \at(TIMER(h, i), L2) == \at(TIMER(h, j), L1) && \at(TIMER(h, j), L2) == \at(TIMER(h, i), L1) &&
      \at(DEADLINE(h, i), L2) == \at(DEADLINE(h, j), L1) && \at(DEADLINE(h, j), L2) == \at(DEADLINE(h, i), L1) &&
      \forall integer k; 0 <= k < \at(h->end, L1) && k != i && k != j ==> h_same{L1, L2}(h, k);

    // the same timers, each with its deadline, in another order
    inductive h_permuted{L1, L2}(io_timer_heap *h) {
      case same{L}: \forall io_timer_heap *h; h_permuted{L, L}(h);
      case swapped{L1, L2}: \forall io_timer_heap *h, integer i, j; \at(h->end, L1) == \at(h->end, L2) ==>
        0 <= i < \at(h->end, L1) ==> 0 <= j < \at(h->end, L1) ==> h_swapped{L1, L2}(h, i, j) ==> h_permuted{L1, L2}(h);
      case then{L1, L2, L3}: \forall io_timer_heap *h; h_permuted{L1, L2}(h) ==> h_permuted{L2, L3}(h) ==>
        h_permuted{L1, L3}(h);
    } */

/* The places are as they should be; the heap, in its order, too. */
#define REQ_PLACES(h) \
    requires h_shape: h_shape(h); \
    requires h_out: h_out(h); \
    requires h_apart: h_apart(h); \
    requires h_back: h_back(h);
#define ENS_PLACES(h) \
    ensures h_shape: h_shape(h); \
    ensures h_out: h_out(h); \
    ensures h_apart: h_apart(h); \
    ensures h_back: h_back(h);
/* While k is moved it does not know its place. */
#define LOOP_PLACES(h, k) \
    loop invariant h_shape: h_shape(h); \
    loop invariant h_out: h_out(h); \
    loop invariant h_apart: h_apart(h); \
    loop invariant h_back_but: h_back_but(h, k);
#define REQ_HEAP(h) \
    REQ_PLACES(h) \
    requires h_order: h_order(h);
#define ENS_HEAP(h) \
    ENS_PLACES(h) \
    ensures IO_TIMER_10_order: h_order(h);

#endif
