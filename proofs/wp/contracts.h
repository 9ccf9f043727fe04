/*
 * The vocabulary of the core's contracts: one predicate for each property, named clauses, flags bit
 * by bit, which is the form that automatic provers can use. Only a proof tool reads this; lib/core
 * includes it if __FRAMAC__ is defined. See ../README.md.
 */
#ifndef IOATOM_PROOFS_CONTRACTS_H
#define IOATOM_PROOFS_CONTRACTS_H

/* clang-format does not know ==> and <==>. */
/* clang-format off */

/* --- what a proof says about every client --- */

/* The atom that a callback may touch besides its own, and memory of its own. */
extern io_atom *io_user_other;
extern long io_user_state;

/* The calls of callbacks in the latest dispatch. */
/*@ ghost unsigned long long io_delivered; */

/* An arbitrary atom that nothing assigns, so that a claim about it is a claim about every atom, and
 * its calls in the latest dispatch. */
/*@ ghost io_atom *io_watched; */
/*@ ghost unsigned long long io_watched_calls; */

/* An arbitrary descriptor that nothing assigns; what the latest dispatch told of what was pending
 * for it, and what callbacks took away. */
/*@ ghost uint32_t io_watched_fd; */
/*@ ghost uint8_t io_watched_told; */
/*@ ghost uint8_t io_watched_taken; */
#define WATCHED io_delivered, io_watched_calls, io_watched_told, io_watched_taken
#define SAME_WATCHED \
    (io_delivered == \old(io_delivered) && io_watched_calls == \old(io_watched_calls) && \
     io_watched_told == \old(io_watched_told) && io_watched_taken == \old(io_watched_taken))

/* --- terms --- */

/* The function keeps the callback's contract, which is at the end. */
#ifndef PROC_KEEPS
#define PROC_KEEPS(proc_) ((proc_) == &io_user_proc)
void io_user_proc(io_poller *poller, io_atom *atom, int flags);
#endif

#define READY(c, i) ((c)->slots[i].pending)
#define QUEUED(c, i) BIT((c)->slots[i].marks, 0x80)
#define IN(c, i) (0 <= (i) && (i) < (c)->slot_count)
#define LIVE(c, k) ((c)->cursor <= (k) && (k) < (c)->queue_count)
#define KNOWN(c, a) (0 <= (a)->fd && (a)->fd < (c)->slot_count && (c)->slots[(a)->fd].atom == (a))
#define BIT(x, b) (((x) & (b)) != 0)
#define BAD_FLAGS(flags) ((flags) < 0 || (flags) > 15)
#define BAD_EXHAUSTED(flags) ((flags) < 0 || (flags) > 7)
#define BAD_ADD(a, flags) (BAD_FLAGS(flags) || (a)->proc == \null)
#define STALE(c, fd, g)                                                                            \
    ((fd) >= (c)->slot_count || (c)->slots[fd].atom == \null || (c)->slots[fd].generation != (g) || \
     BIT((c)->slots[fd].kernel, 0x80))

/* A report was taken. */
#define TOOK(result) ((result) == IO_HARVEST_DONE || (result) == IO_HARVEST_MODIFY)

/* --- flags --- */

/* That 0 has no bits is not seen by every prover. */
/*@ lemma bit_1: \forall integer x; BIT(x, 1) ==> x != 0;
    lemma bit_2: \forall integer x; BIT(x, 2) ==> x != 0;
    lemma bit_4: \forall integer x; BIT(x, 4) ==> x != 0;
    lemma bit_128: \forall integer x; BIT(x, 128) ==> x != 0; */

/* r is the and, the or, the difference of x and y. Macros, so that constants are seen through. */
#define EACH_BIT(P, r, x, y)                                                                       \
    (P(r, x, y, 1) && P(r, x, y, 2) && P(r, x, y, 4) && P(r, x, y, 8) && P(r, x, y, 16) &&         \
     P(r, x, y, 32) && P(r, x, y, 64) && P(r, x, y, 128))
#define AND_BIT(r, x, y, b) (BIT(r, b) <==> BIT(x, b) && BIT(y, b))
#define OR_BIT(r, x, y, b) (BIT(r, b) <==> BIT(x, b) || BIT(y, b))
#define WITHOUT_BIT(r, x, y, b) (BIT(r, b) <==> BIT(x, b) && !BIT(y, b))
#define SUBSET_BIT(r, x, y, b) (BIT(x, b) ==> BIT(y, b))
#define IS_AND(r, x, y) EACH_BIT(AND_BIT, r, x, y)
#define IS_OR(r, x, y) EACH_BIT(OR_BIT, r, x, y)
#define IS_WITHOUT(r, x, y) EACH_BIT(WITHOUT_BIT, r, x, y)

/* Every bit of f is in i. */
#define SUBSET(f, i) EACH_BIT(SUBSET_BIT, 0, f, i)
#define EVENTS(f) (!BIT(f, 8) && !BIT(f, 16) && !BIT(f, 32) && !BIT(f, 64) && !BIT(f, 128))
/* The same as predicates; that 0 has no bits is not seen by every prover. */
/*@ predicate subset(integer f, integer i) = f == 0 || SUBSET(f, i);
    predicate events(integer f) = f == 0 || EVENTS(f); */
#define SOME(x) (BIT(x, 1) || BIT(x, 2) || BIT(x, 4))

#define SAME_EVENT(r, x, y, b) (BIT(x, b) <==> BIT(y, b))
#define SAME_EVENTS(x, y) (SAME_EVENT(0, x, y, 1) && SAME_EVENT(0, x, y, 2) && SAME_EVENT(0, x, y, 4))

/* Every event of x is in one of a, b and c. */
#define SHARED_BIT(x, a, b, c, f) (BIT(x, f) ==> BIT(a, f) || BIT(b, f) || BIT(c, f))
#define SHARED_OUT(x, a, b, c)                                                                     \
    (SHARED_BIT(x, a, b, c, 1) && SHARED_BIT(x, a, b, c, 2) && SHARED_BIT(x, a, b, c, 4))

/* --- what a report means (IO-EVENT-1 to IO-EVENT-4, IO-EVENT-8), in terms of bytes --- */

#define ALARM(bits) (BIT(bits, 0x10) || BIT(bits, 0x20))

/*@ predicate new_alarm(integer mode, integer kernel, integer bits) =
      (BIT(bits, 0x10) && !BIT(kernel, 0x10)) || (BIT(bits, 0x20) && (mode == IO_MODE_EDGE || !BIT(kernel, 0x20)));
    predicate reports_read(integer mode, integer kernel, integer marks, integer bits) =
      BIT(bits, 1) || BIT(bits, 8) || (ALARM(bits) && (new_alarm(mode, kernel, bits) || !BIT(marks, 1)));
    predicate reports_write(integer mode, integer kernel, integer marks, integer bits) =
      BIT(bits, 2) || (ALARM(bits) && (new_alarm(mode, kernel, bits) || !BIT(marks, 2)));
    predicate reports_except(integer bits) = BIT(bits, 4);
    // flags is what the report makes ready
    predicate reported(integer flags, integer mode, integer kernel, integer marks, integer bits) =
      (BIT(flags, 1) <==> reports_read(mode, kernel, marks, bits)) &&
      (BIT(flags, 2) <==> reports_write(mode, kernel, marks, bits)) &&
      (BIT(flags, 4) <==> reports_except(bits)); */

/* A flag that is ready is told: it is of interest, and in emulated edge mode not held back. */
#define LETS(mode, kernel, interest, f)                                                            \
    (BIT(interest, f) && ((mode) == IO_MODE_EMULATED ==> BIT(kernel, f)))

/*@ // ready is what was ready before, and what is told now
    predicate merged(integer ready, integer before, integer mode, integer kernel, integer marks, integer interest,
                     integer bits) =
      (BIT(ready, 1) <==> BIT(before, 1) || (reports_read(mode, kernel, marks, bits) && LETS(mode, kernel, interest, 1))) &&
      (BIT(ready, 2) <==> BIT(before, 2) || (reports_write(mode, kernel, marks, bits) && LETS(mode, kernel, interest, 2))) &&
      (BIT(ready, 4) <==> BIT(before, 4) || (reports_except(bits) && LETS(mode, kernel, interest, 4)));
    // the last event of a closed descriptor (IO-CLOSE-5)
    predicate merged_last(integer ready, integer before, integer kernel, integer interest) =
      (BIT(ready, 1) <==> BIT(before, 1) || (BIT(kernel, 1) && BIT(interest, 1))) &&
      (BIT(ready, 2) <==> BIT(before, 2) || (BIT(kernel, 2) && BIT(interest, 2))) &&
      (BIT(ready, 4) <==> BIT(before, 4)); */

/* --- what the kernel is to be asked for --- */

#define QUIET(mode, kernel) ((mode) == IO_MODE_EDGE || !SOME(kernel) || BIT(kernel, 0x40))
#define REQUEST(mode, kernel) (((kernel) & 7) + (QUIET(mode, kernel) ? 16 : 0))

/* The kernel tells f by itself when it is ready (IO-MASK-1, IO-MASK-2). */
#define COVERS(mode, kernel, marks, f)                                                             \
    (BIT(kernel, f) && ((mode) == IO_MODE_EDGE ==> BIT(marks, f) && ((f) == 4 || !ALARM(kernel))))
#define COVERS_ALL(mode, kernel, marks, flags)                                                     \
    ((BIT(flags, 1) ==> COVERS(mode, kernel, marks, 1)) &&                                         \
     (BIT(flags, 2) ==> COVERS(mode, kernel, marks, 2)) &&                                         \
     (BIT(flags, 4) ==> COVERS(mode, kernel, marks, 4)))

/* For a flag that is armed and was dropped there came an event: r, w and x tell which are reported. */
#define DROPPED(kernel, interest, r, w, x)                                                         \
    ((BIT(kernel, 1) && (r) && !BIT(interest, 1)) || (BIT(kernel, 2) && (w) && !BIT(interest, 2)) || \
     (BIT(kernel, 4) && (x) && !BIT(interest, 4)))
/* after is the armed flags after a report (IO-EDGE-3, IO-MASK-1). */
#define ARMED_BIT(after, mode, kernel, interest, r, w, x, f, reported)                             \
    (BIT(after, f) <==> BIT(kernel, f) && ((mode) == IO_MODE_EMULATED ==> !(reported)) &&          \
     ((mode) != IO_MODE_EMULATED && DROPPED(kernel, interest, r, w, x) ==> BIT(interest, f)))
#define ARMED_AFTER(after, mode, kernel, interest, r, w, x)                                        \
    (ARMED_BIT(after, mode, kernel, interest, r, w, x, 1, r) &&                                    \
     ARMED_BIT(after, mode, kernel, interest, r, w, x, 2, w) &&                                    \
     ARMED_BIT(after, mode, kernel, interest, r, w, x, 4, x))

/*@ predicate armed_after(integer after, integer mode, integer kernel, integer marks, integer interest, integer bits) =
      ARMED_AFTER(after, mode, kernel, interest, reports_read(mode, kernel, marks, bits),
                  reports_write(mode, kernel, marks, bits), reports_except(bits));
    // after is the exhausted flags after a report
    predicate exhausted_after(integer after, integer mode, integer kernel, integer marks, integer bits) =
      (BIT(after, 1) <==> BIT(marks, 1) && !reports_read(mode, kernel, marks, bits)) &&
      (BIT(after, 2) <==> BIT(marks, 2) && !reports_write(mode, kernel, marks, bits)) &&
      (BIT(after, 4) <==> BIT(marks, 4) && !reports_except(bits)); */

/* --- the invariant --- */

/*@ predicate shape(io_core *c) =
      \valid(c) && \valid(c->slots + (0 .. c->slot_count - 1)) && \valid(c->queue + (0 .. c->slot_count - 1)) &&
      c->cursor <= c->queue_count <= c->slot_count <= 0x7fffffff && c->mode <= 2 &&
      \separated(c, c->slots + (0 .. c->slot_count - 1), c->queue + (0 .. c->slot_count - 1));
    predicate outside(io_core *c, io_atom *a) =
      \valid_read(a) && \separated(a, c) && \separated(a, c->slots + (0 .. c->slot_count - 1)) &&
      \separated(a, c->queue + (0 .. c->slot_count - 1));
    // registered atoms are not within the core's memory
    predicate i_out(io_core *c) = \forall integer i; IN(c, i) ==> c->slots[i].atom != \null ==> outside(c, c->slots[i].atom);
    // an atom is registered at its descriptor
    predicate i_fd(io_core *c) = \forall integer i; IN(c, i) ==> c->slots[i].atom != \null ==> c->slots[i].atom->fd == i;
    // its function keeps the callback's contract
    predicate i_proc(io_core *c) = \forall integer i; IN(c, i) ==> c->slots[i].atom != \null ==> PROC_KEEPS(c->slots[i].atom->proc);
    predicate i_range(io_core *c) = \forall integer i; IN(c, i) ==> c->slots[i].interest <= 15 && events(READY(c, i));
    // what is pending is of interest
    predicate i_sub(io_core *c) = \forall integer i; IN(c, i) ==> subset(READY(c, i), c->slots[i].interest);
    // who has something pending is registered and has a place in the queue
    predicate i_some(io_core *c) = \forall integer i; IN(c, i) ==> READY(c, i) != 0 ==> c->slots[i].atom != \null && QUEUED(c, i);
    // places hold descriptors of the table
    predicate q_in(io_core *c) = \forall integer k; 0 <= k < c->queue_count ==> c->queue[k] < c->slot_count;
    // who has a place is marked
    predicate q_bit(io_core *c) = \forall integer k; LIVE(c, k) ==> QUEUED(c, c->queue[k]);
    // nobody has two places
    predicate q_once(io_core *c) = \forall integer j, k; LIVE(c, j) && LIVE(c, k) && j != k ==> c->queue[j] != c->queue[k];
    // who is marked has a place
    predicate q_has(io_core *c) = \forall integer i; IN(c, i) ==> QUEUED(c, i) ==> \exists integer k; LIVE(c, k) && c->queue[k] == i; */

/* --- relations --- */

/*@ predicate gone(io_core *c, io_atom *a) = \forall integer i; IN(c, i) ==> c->slots[i].atom != a;
    // nothing becomes pending: flags that are pending at L2 were pending at L1, for the same atom
    predicate shrinks{L1, L2}(io_core *c) = \forall integer i; 0 <= i < \at(c->slot_count, L1) ==>
      \at(READY(c, i), L2) != 0 ==> \at(READY(c, i), L1) != 0 &&
        subset(\at(READY(c, i), L2), \at(READY(c, i), L1)) &&
        \at(c->slots[i].atom, L2) == \at(c->slots[i].atom, L1);
    predicate same_slot{L1, L2}(io_core *c, integer i) =
      \at(c->slots[i].atom, L1) == \at(c->slots[i].atom, L2) &&
      \at(c->slots[i].generation, L1) == \at(c->slots[i].generation, L2) &&
      \at(c->slots[i].interest, L1) == \at(c->slots[i].interest, L2) &&
      \at(c->slots[i].kernel, L1) == \at(c->slots[i].kernel, L2) &&
      \at(c->slots[i].marks, L1) == \at(c->slots[i].marks, L2) &&
      \at(c->slots[i].pending, L1) == \at(c->slots[i].pending, L2);
    predicate same_slots{L1, L2}(io_core *c) = \forall integer i; 0 <= i < \at(c->slot_count, L1) ==> same_slot{L1, L2}(c, i);
    predicate same_others{L1, L2}(io_core *c, integer fd) =
      \forall integer i; 0 <= i < \at(c->slot_count, L1) && i != fd ==> same_slot{L1, L2}(c, i);
    predicate same_table{L1, L2}(io_core *c) =
      \at(c->slots, L1) == \at(c->slots, L2) && \at(c->slot_count, L1) == \at(c->slot_count, L2) &&
      \at(c->queue, L1) == \at(c->queue, L2) && \at(c->mode, L1) == \at(c->mode, L2);
    predicate same_queue{L1, L2}(io_core *c) =
      \at(c->queue_count, L1) == \at(c->queue_count, L2) && \at(c->cursor, L1) == \at(c->cursor, L2) &&
      \at(c->dispatching, L1) == \at(c->dispatching, L2) &&
      \forall integer k; 0 <= k < \at(c->slot_count, L1) ==> \at(c->queue[k], L1) == \at(c->queue[k], L2); */

/*@ predicate client(io_core *c) = outside(c, io_user_other) && PROC_KEEPS(io_user_other->proc);
        // the pending places among those before to
    logic integer pending_places{L}(io_core *c, integer to) =
      to <= c->cursor ? 0 : pending_places{L}(c, to - 1) + (c->slots[c->queue[to - 1]].pending != 0 ? 1 : 0); */

/* --- clauses that many contracts share --- */

/* What a report of an open descriptor does to its slot, when it is taken. */
#define HARVESTED(when, c, fd, bits, result) \
    ensures IO_LOST_1_told: (when) ==> merged(READY(c, fd), \old(READY(c, fd)), (c)->mode, \old((c)->slots[fd].kernel), \
      \old((c)->slots[fd].marks), (c)->slots[fd].interest, bits); \
    ensures IO_EDGE_3_armed: (when) ==> armed_after((c)->slots[fd].kernel, (c)->mode, \old((c)->slots[fd].kernel), \
      \old((c)->slots[fd].marks), (c)->slots[fd].interest, bits); \
    ensures exhausted: (when) ==> exhausted_after((c)->slots[fd].marks, (c)->mode, \old((c)->slots[fd].kernel), \
      \old((c)->slots[fd].marks), bits); \
    ensures IO_EVENT_8_noted: (when) ==> (BIT((c)->slots[fd].kernel, 0x10) <==> BIT(bits, 0x10)) && \
      (BIT((c)->slots[fd].kernel, 0x20) <==> BIT(bits, 0x20)); \
    ensures IO_EVENT_8_rest: (when) ==> BIT((c)->slots[fd].kernel, 0x40) ==> \
      (c)->mode != IO_MODE_EDGE && ALARM(bits) && (c)->rested != 0; \
    ensures alive: (when) ==> !BIT((c)->slots[fd].kernel, 0x80); \
    ensures IO_MASK_1_asked: (when) ==> (result == IO_HARVEST_MODIFY <==> \
      REQUEST((c)->mode, (c)->slots[fd].kernel) != REQUEST((c)->mode, \old((c)->slots[fd].kernel)));

#define REQ_INV(c) \
    requires shape: shape(c); requires i_out: i_out(c); requires i_fd: i_fd(c); requires i_proc: i_proc(c); \
    requires i_range: i_range(c); requires i_sub: i_sub(c); requires i_some: i_some(c); requires q_in: q_in(c); \
    requires q_bit: q_bit(c); requires q_once: q_once(c); requires q_has: q_has(c);
#define ENS_INV(c) \
    ensures shape: shape(c); ensures i_out: i_out(c); ensures i_fd: i_fd(c); ensures i_proc: i_proc(c); \
    ensures i_range: i_range(c); ensures i_sub: i_sub(c); ensures i_some: i_some(c); ensures q_in: q_in(c); \
    ensures q_bit: q_bit(c); ensures q_once: q_once(c); ensures q_has: q_has(c);
#define LOOP_INV(c) \
    loop invariant shape: shape(c); loop invariant i_out: i_out(c); loop invariant i_fd: i_fd(c); \
    loop invariant i_proc: i_proc(c); loop invariant i_range: i_range(c); loop invariant i_sub: i_sub(c); \
    loop invariant i_some: i_some(c); loop invariant q_in: q_in(c); loop invariant q_bit: q_bit(c); \
    loop invariant q_once: q_once(c); loop invariant q_has: q_has(c);
#define TOTAL terminates \true; exits \false;

/* --- the callback's contract: all that the interface allows it --- */

/* It may add, set, remove and exhaust any atom, its own, too, and call io_wait, io_dispatch and
 * io_next, which refuse inside a callback and change nothing. Discharged for the callbacks in
 * callbacks.c; assumed for others. */
#define CALLBACK(c, a, flags) \
    REQ_INV(c) \
    requires CALL_busy: (c)->dispatching != 0; \
    requires IO_DISPATCH_3_registered: outside(c, a) && KNOWN(c, a); \
    requires IO_DISPATCH_2_flags: flags != 0 && events(flags); \
    requires client: client(c); \
    TOTAL \
    assigns (c)->slots[0 .. (c)->slot_count - 1], (c)->cursor, (c)->queue_count, (c)->dispatching, io_user_state, \
      WATCHED; \
    ENS_INV(c) \
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(c); \
    ensures IO_DISPATCH_5_queue: same_queue{Pre, Post}(c); \
    ensures IO_DISPATCH_5_nobody: SAME_WATCHED; \
    ensures client: client(c);

/*@ CALLBACK(&poller->core, atom, flags) */
void io_user_proc(io_poller *poller, io_atom *atom, int flags);

#endif
