/*
 * The vocabulary of the core's contracts: one predicate for each property, named clauses, flags bit
 * by bit, which is the form that automatic provers can use. Only a proof tool reads this; for a
 * compiler it is empty.
 */
#ifndef IOATOM_CORE_CONTRACTS_H
#define IOATOM_CORE_CONTRACTS_H

#ifdef __FRAMAC__
/* What a proof says about every client: the atom it may touch in a callback, and memory of its own.
 */
extern io_atom *io_user_other;
extern long io_user_state;
/* An arbitrary atom that nothing assigns: a claim about it is a claim about every atom. */
/*@ ghost io_atom *io_watched; */
/*@ ghost unsigned long long io_watched_calls; */
void io_user_proc(io_poller *poller, io_atom *atom, int flags);
#endif

#define READY(c, i) ((c)->slots[i].pending & 7)
#define QUEUED(c, i) ((c)->slots[i].pending >= 128)
#define IN(c, i) (0 <= (i) && (i) < (c)->slot_count)
#define LIVE(c, k) ((c)->cursor <= (k) && (k) < (c)->queue_count)
#define KNOWN(c, a) (0 <= (a)->fd && (a)->fd < (c)->slot_count && (c)->slots[(a)->fd].atom == (a))
/* The one slot that a call for this atom may write; for an unregistered atom it writes none. */
#define SLOT_OF(c, a) ((c)->slots[0 <= (a)->fd && (a)->fd < (c)->slot_count ? (a)->fd : 0])
#define BAD_FLAGS(flags) ((flags) < 0 || (flags) > 15)
#define BAD_EXHAUSTED(flags) ((flags) < 0 || (flags) > 7)
#define BAD_ADD(a, flags) (BAD_FLAGS(flags) || (a)->proc == \null)

/*@
  predicate subset(integer f, integer i) =
    ((f & 1) != 0 ==> (i & 1) != 0) && ((f & 2) != 0 ==> (i & 2) != 0) && ((f & 4) != 0 ==> (i & 4)
  != 0) &&
    ((f & 8) != 0 ==> (i & 8) != 0);
  predicate shape(io_core *c) =
    \valid(c) && \valid(c->slots + (0 .. c->slot_count - 1)) && \valid(c->queue + (0 ..
  c->slot_count - 1)) && c->cursor <= c->queue_count <= c->slot_count <= 0x7fffffff && c->mode <= 2
  &&
    \separated(c, c->slots + (0 .. c->slot_count - 1), c->queue + (0 .. c->slot_count - 1));
  predicate outside(io_core *c, io_atom *a) =
    \valid_read(a) && \separated(a, c) && \separated(a, c->slots + (0 .. c->slot_count - 1)) &&
    \separated(a, c->queue + (0 .. c->slot_count - 1));
  predicate i_out(io_core *c) = \forall integer i; IN(c, i) ==> c->slots[i].atom != \null ==>
  outside(c, c->slots[i].atom); predicate i_fd(io_core *c) = \forall integer i; IN(c, i) ==>
  c->slots[i].atom != \null ==> c->slots[i].atom->fd == i; predicate i_range(io_core *c) = \forall
  integer i; IN(c, i) ==> c->slots[i].interest <= 15 && c->slots[i].exhausted <= 7; predicate
  i_sub(io_core *c) = \forall integer i; IN(c, i) ==> subset(READY(c, i), c->slots[i].interest);
  predicate i_some(io_core *c) = \forall integer i; IN(c, i) ==> READY(c, i) != 0 ==>
    c->slots[i].atom != \null && QUEUED(c, i);
  predicate q_in(io_core *c) = \forall integer k; 0 <= k < c->queue_count ==> c->queue[k] <
  c->slot_count; predicate q_bit(io_core *c) = \forall integer k; LIVE(c, k) ==> QUEUED(c,
  c->queue[k]); predicate q_once(io_core *c) = \forall integer j, k; LIVE(c, j) && LIVE(c, k) && j
  != k ==> c->queue[j] != c->queue[k]; predicate q_has(io_core *c) = \forall integer i; IN(c, i) ==>
  QUEUED(c, i) ==> \exists integer k; LIVE(c, k) && c->queue[k] == i; predicate gone(io_core *c,
  io_atom *a) = \forall integer i; IN(c, i) ==> c->slots[i].atom != a;
  // nothing becomes pending: a slot that is ready at L2 was ready at L1, for the same atom
  predicate shrinks{L1, L2}(io_core *c) = \forall integer i; 0 <= i < \at(c->slot_count, L1) ==>
    \at(READY(c, i), L2) != 0 ==> \at(READY(c, i), L1) != 0 && \at(c->slots[i].atom, L2) ==
  \at(c->slots[i].atom, L1); predicate same_slot{L1, L2}(io_core *c, integer i) =
    \at(c->slots[i].atom, L1) == \at(c->slots[i].atom, L2) &&
    \at(c->slots[i].generation, L1) == \at(c->slots[i].generation, L2) &&
    \at(c->slots[i].interest, L1) == \at(c->slots[i].interest, L2) &&
    \at(c->slots[i].kernel, L1) == \at(c->slots[i].kernel, L2) &&
    \at(c->slots[i].exhausted, L1) == \at(c->slots[i].exhausted, L2) &&
    \at(c->slots[i].pending, L1) == \at(c->slots[i].pending, L2);
*/
#define REQ_INV(c)                                                                                 \
    requires shape : shape(c);                                                                     \
    requires i_out : i_out(c);                                                                     \
    requires i_fd : i_fd(c);                                                                       \
    requires i_range : i_range(c);                                                                 \
    requires i_sub : i_sub(c);                                                                     \
    requires i_some : i_some(c);                                                                   \
    requires q_in : q_in(c);                                                                       \
    requires q_bit : q_bit(c);                                                                     \
    requires q_once : q_once(c);                                                                   \
    requires q_has : q_has(c);
#define ENS_INV(c)                                                                                 \
    ensures shape : shape(c);                                                                      \
    ensures i_out : i_out(c);                                                                      \
    ensures i_fd : i_fd(c);                                                                        \
    ensures i_range : i_range(c);                                                                  \
    ensures i_sub : i_sub(c);                                                                      \
    ensures i_some : i_some(c);                                                                    \
    ensures q_in : q_in(c);                                                                        \
    ensures q_bit : q_bit(c);                                                                      \
    ensures q_once : q_once(c);                                                                    \
    ensures q_has : q_has(c);
#define LOOP_INV(c)                                                                                \
    loop invariant shape : shape(c);                                                               \
    loop invariant i_out : i_out(c);                                                               \
    loop invariant i_fd : i_fd(c);                                                                 \
    loop invariant i_range : i_range(c);                                                           \
    loop invariant i_sub : i_sub(c);                                                               \
    loop invariant i_some : i_some(c);                                                             \
    loop invariant q_in : q_in(c);                                                                 \
    loop invariant q_bit : q_bit(c);                                                               \
    loop invariant q_once : q_once(c);                                                             \
    loop invariant q_has : q_has(c);
#define TOTAL                                                                                      \
    terminates \true;                                                                              \
    exits \false;

#endif
