/*
 * What the poller's proofs rest on instead of backends and system calls: contracts of what any
 * backend, and the kernel, may do. They are assumptions: nothing here is proved. Only a proof tool
 * reads this; lib/poller includes it if __FRAMAC__ is defined. See ../README.md.
 */
#ifndef IOATOM_PROOFS_GLUE_H
#define IOATOM_PROOFS_GLUE_H

/* clang-format does not know ==> and <==>. */
/* clang-format off */

#include <limits.h>
#include <poll.h>

#include "../../lib/os/result.h"

/* The contracts below are there instead of these two headers. */
#define IOATOM_OS_OS_WAIT_H
#define IOATOM_OS_OS_ENVIRONMENT_H

#include "../../lib/backends/backend.h"

/* --- the kernel --- */

/* Everything that the kernel knows, and the areas where backends note what it is to be asked. */
extern long io_kernel_state;
/* The latest answer of the clock; what the latest wait was given, and what it answered. */
extern uint64_t io_kernel_now_ns;
extern int io_kernel_timeout_ms;
extern int io_kernel_answer;

/*@ axiomatic io_kernel {
      // not 0: the descriptor is open, for more than its path
      logic integer fd_open(integer state, integer fd);
      // what the kernel was asked for on behalf of a descriptor, see REQUEST, or NOT_WATCHED
      logic integer asked(integer state, integer fd);
    } */
#define NOT_WATCHED (-1)
#define IS_OPEN(fd) (fd_open(io_kernel_state, fd) != 0)

/* No errno value is larger; so a result can be negated. */
#define MAX_ERRNO 4095
#define CODE(r) (-MAX_ERRNO <= (r) && (r) <= 0)

/*@ TOTAL
    assigns errno;
    ensures code: CODE(\result);
    ensures open: \result == 0 <==> IS_OPEN(fd); */
int io_os_check_open(int fd);

/*@ TOTAL
    assigns errno;
    ensures code: -MAX_ERRNO <= \result <= SHRT_MAX; */
int io_os_alarms(int fd);

/*@ TOTAL
    assigns io_kernel_now_ns;
    ensures now: \result == io_kernel_now_ns; */
uint64_t io_os_now_ns(void);

/* --- how results travel: proved with lib/poller --- */

/*@ requires code: -MAX_ERRNO <= result;
    TOTAL
    assigns errno;
    ensures IO_ERROR_1_result: \result == result;
    ensures IO_ERROR_1_errno: result < 0 ==> errno == -result;
    ensures kept: result >= 0 ==> errno == \old(errno); */
static inline int io_result(int result);

/*@ requires range: INT_MIN <= result <= INT_MAX;
    requires code: result < 0 ==> 0 < errno <= MAX_ERRNO;
    TOTAL
    assigns \nothing;
    ensures value: result >= 0 ==> \result == result;
    ensures code: result < 0 ==> \result == -errno; */
static inline int io_os_result(long result);

/* --- pollers --- */

/* The poller may be used (IO-ERROR-5). */
#define OPEN(p) ((p) != \null && (p)->backend != \null)

int io_some_add(io_poller *poller, io_fd fd);
int io_some_modify(io_poller *poller, io_fd fd);
void io_some_remove(io_poller *poller, io_fd fd);
int io_some_wait(io_poller *poller, int timeout_ms);

/*@ predicate backend_keeps(struct io_backend *b) = \valid_read(b) &&
      b->add == &io_some_add && b->modify == &io_some_modify && b->remove == &io_some_remove &&
      b->wait == &io_some_wait && 0 <= b->slice_ms;
    predicate usable(io_poller *p) = \valid(p) && backend_keeps(p->backend) &&
      \separated(p->backend, p) && \separated(p->backend, p->core.slots + (0 .. p->core.slot_count - 1)) &&
      \separated(&p->backend, p->core.slots + (0 .. p->core.slot_count - 1)); */

/* A hint: what makes the poller usable is as it was, part by part. */
#define SAME_BACKEND(p) \
    ((p)->backend == \at((p)->backend, Pre) && (p)->core.slots == \at((p)->core.slots, Pre) && \
     (p)->backend->add == \at((p)->backend->add, Pre) && \
     (p)->backend->modify == \at((p)->backend->modify, Pre) && \
     (p)->backend->remove == \at((p)->backend->remove, Pre) && \
     (p)->backend->wait == \at((p)->backend->wait, Pre) && \
     (p)->backend->slice_ms == \at((p)->backend->slice_ms, Pre))

/* Bit by bit, nothing that was pending is lost, and nothing else of what the caller knows changes. */
#define KEPT_BIT(x, y, f) (BIT(x, f) ==> BIT(y, f))
#define KEPT(x, y) (KEPT_BIT(x, y, 1) && KEPT_BIT(x, y, 2) && KEPT_BIT(x, y, 4))
/*@ predicate kept{L1, L2}(io_core *c) = \forall integer i; 0 <= i < \at(c->slot_count, L1) ==>
      KEPT(\at(READY(c, i), L1), \at(READY(c, i), L2)) &&
      \at(c->slots[i].atom, L1) == \at(c->slots[i].atom, L2) &&
      \at(c->slots[i].generation, L1) == \at(c->slots[i].generation, L2) &&
      \at(c->slots[i].interest, L1) == \at(c->slots[i].interest, L2);
    // what is pending, and for whom, is the same
    predicate same_atoms{L1, L2}(io_core *c) = \forall integer i; 0 <= i < \at(c->slot_count, L1) ==>
      \at(c->slots[i].atom, L1) == \at(c->slots[i].atom, L2) && \at(READY(c, i), L1) == \at(READY(c, i), L2);
    // what a caller can tell by calls and callbacks
    predicate untouched{L1, L2}(io_core *c) = same_slots{L1, L2}(c) && same_queue{L1, L2}(c); */

/* One change after another. */
/*@ // (the steps are named: a prover finds i only where it sees the same relation)
    lemma others_steps{L1, L2, L3}: \forall io_core *c, integer fd, i; \at(c->slot_count, L1) == \at(c->slot_count, L2) ==>
      same_others{L1, L2}(c, fd) ==> same_others{L2, L3}(c, fd) ==> 0 <= i < \at(c->slot_count, L1) ==> i != fd ==>
      same_slot{L1, L2}(c, i) && same_slot{L2, L3}(c, i) && same_slot{L1, L3}(c, i);
    lemma others_chain{L1, L2, L3}: \forall io_core *c, integer fd; \at(c->slot_count, L1) == \at(c->slot_count, L2) ==>
      same_others{L1, L2}(c, fd) ==> same_others{L2, L3}(c, fd) ==> same_others{L1, L3}(c, fd);
    lemma queue_chain{L1, L2, L3}: \forall io_core *c; \at(c->slot_count, L1) == \at(c->slot_count, L2) ==>
      same_queue{L1, L2}(c) ==> same_queue{L2, L3}(c) ==> same_queue{L1, L3}(c);
    lemma slots_steps{L1, L2}: \forall io_core *c, integer i; same_slots{L1, L2}(c) ==> 0 <= i < \at(c->slot_count, L1) ==>
      same_slot{L1, L2}(c, i) && \at(READY(c, i), L1) == \at(READY(c, i), L2) &&
      \at(c->slots[i].atom, L1) == \at(c->slots[i].atom, L2);
    lemma slots_quiet{L1, L2}: \forall io_core *c; same_slots{L1, L2}(c) ==> shrinks{L1, L2}(c); */

/* A poller that is used; or one that may be null or disposed of. */
#define REQ_USED(p) \
    requires usable: usable(p); \
    REQ_INV(&(p)->core)
#define ENS_USED(p) \
    ensures usable: usable(p); \
    ENS_INV(&(p)->core)
#define LOOP_USED(p) \
    loop invariant usable: usable(p); \
    LOOP_INV(&(p)->core)
#define REQ_POLLER(p) \
    requires poller: (p) == \null || \valid(p); \
    requires usable: OPEN(p) ==> usable(p); \
    requires shape: OPEN(p) ==> shape(&(p)->core); \
    requires i_out: OPEN(p) ==> i_out(&(p)->core); \
    requires i_fd: OPEN(p) ==> i_fd(&(p)->core); \
    requires i_proc: OPEN(p) ==> i_proc(&(p)->core); \
    requires i_range: OPEN(p) ==> i_range(&(p)->core); \
    requires i_sub: OPEN(p) ==> i_sub(&(p)->core); \
    requires i_some: OPEN(p) ==> i_some(&(p)->core); \
    requires q_in: OPEN(p) ==> q_in(&(p)->core); \
    requires q_bit: OPEN(p) ==> q_bit(&(p)->core); \
    requires q_once: OPEN(p) ==> q_once(&(p)->core); \
    requires q_has: OPEN(p) ==> q_has(&(p)->core);
#define ENS_POLLER(p) \
    ensures usable: \old(OPEN(p)) ==> usable(p); \
    ensures shape: \old(OPEN(p)) ==> shape(&(p)->core); \
    ensures i_out: \old(OPEN(p)) ==> i_out(&(p)->core); \
    ensures i_fd: \old(OPEN(p)) ==> i_fd(&(p)->core); \
    ensures i_proc: \old(OPEN(p)) ==> i_proc(&(p)->core); \
    ensures i_range: \old(OPEN(p)) ==> i_range(&(p)->core); \
    ensures i_sub: \old(OPEN(p)) ==> i_sub(&(p)->core); \
    ensures i_some: \old(OPEN(p)) ==> i_some(&(p)->core); \
    ensures q_in: \old(OPEN(p)) ==> q_in(&(p)->core); \
    ensures q_bit: \old(OPEN(p)) ==> q_bit(&(p)->core); \
    ensures q_once: \old(OPEN(p)) ==> q_once(&(p)->core); \
    ensures q_has: \old(OPEN(p)) ==> q_has(&(p)->core);

/* Both are there; otherwise the result is -EINVAL, and nothing changes. */
#define GIVEN(p, x) (OPEN(p) && (x) != \null)
#define ENS_GIVEN(p, given) \
    ensures IO_ERROR_1_errno: \result < 0 ==> errno == -\result; \
    ensures IO_ERROR_5_inval: !\old(given) ==> \result == -EINVAL; \
    ensures IO_ERROR_5_untouched: !\old(given) ==> untouched{Pre, Post}(&(p)->core) && \
        io_kernel_state == \old(io_kernel_state);

/* --- what a backend may do --- */

#define REQ_BACKEND(p, fd_) \
    REQ_USED(p) \
    requires in: 0 <= (fd_) < (p)->core.slot_count; \
    requires registered: (p)->core.slots[fd_].atom != \null;
/* What belongs to the backend. */
#define BACKENDS(p) (p)->fd_end, (p)->start, (p)->outdated, io_kernel_state
/* The kernel is asked for what the slot says. */
#define ASKED(p, fd_) \
    (asked(io_kernel_state, fd_) == REQUEST((p)->core.mode, (p)->core.slots[fd_].kernel))

/*@ REQ_BACKEND(poller, fd)
    TOTAL
    assigns BACKENDS(poller), errno;
    ENS_USED(poller)
    ensures code: CODE(\result);
    ensures asked: \result == 0 ==> ASKED(poller, fd); */
int io_some_add(io_poller *poller, io_fd fd);

/* Backends that emulate edges keep what they ask for in the area: nothing can fail. */
/*@ REQ_BACKEND(poller, fd)
    TOTAL
    assigns BACKENDS(poller), errno;
    ENS_USED(poller)
    ensures code: CODE(\result);
    ensures emulated: poller->core.mode == IO_MODE_EMULATED ==> \result == 0;
    ensures asked: \result == 0 ==> ASKED(poller, fd); */
int io_some_modify(io_poller *poller, io_fd fd);

/*@ REQ_BACKEND(poller, fd)
    requires IO_CLOSE_5_alive: !BIT(poller->core.slots[fd].kernel, IO_KERNEL_DEAD);
    TOTAL
    assigns BACKENDS(poller), errno;
    ENS_USED(poller)
    ensures IO_REMOVE_3_nothing: asked(io_kernel_state, fd) == NOT_WATCHED; */
void io_some_remove(io_poller *poller, io_fd fd);

/*@ REQ_USED(poller)
    requires IO_WAIT_8_idle: poller->core.dispatching == 0;
    requires room: poller->core.cursor == 0;
    requires IO_WAIT_2_block: timeout_ms == 0 || \forall integer i; IN(&poller->core, i) ==> READY(&poller->core, i) == 0;
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], poller->core.queue[0 .. poller->core.slot_count - 1],
      poller->core.queue_count, poller->core.rested, BACKENDS(poller), io_kernel_timeout_ms, io_kernel_answer, errno;
    ENS_USED(poller)
    ensures code: -MAX_ERRNO <= \result;
    ensures answer: io_kernel_answer == \result && io_kernel_timeout_ms == timeout_ms;
    ensures IO_WAIT_9_kept: kept{Pre, Post}(&poller->core); */
int io_some_wait(io_poller *poller, int timeout_ms);

/* --- what timers may do: their callbacks do what an atom's may do --- */

/* Attached timers (ioatom/timer.h), or none. */
#define TIMERS_KEEP(p) \
    (((p)->run_timers == \null || (p)->run_timers == &io_some_timers) && \
     \separated(&(p)->run_timers, (p)->core.slots + (0 .. (p)->core.slot_count - 1)))

/*@ REQ_USED(poller)
    requires client: client(&poller->core);
    requires idle: poller->core.dispatching == 0 && poller->core.cursor == 0 && poller->core.queue_count == 0;
    TOTAL
    assigns poller->core.slots[0 .. poller->core.slot_count - 1], poller->deadline_ns, BACKENDS(poller), io_kernel_now_ns,
      io_user_state, errno;
    ENS_USED(poller)
    ensures IO_ADD_9_quiet: shrinks{Pre, Post}(&poller->core);
    ensures client: client(&poller->core); */
void io_some_timers(io_poller *poller);

#endif
