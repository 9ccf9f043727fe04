/* The table: add, set, remove, exhausted, and what the kernel is to be asked for. */
#include "bits.h"

_Static_assert(sizeof(void *) != 8 || sizeof(io_atom) == 16, "IO-MEM-3");
_Static_assert(sizeof(void *) != 8 || sizeof(io_slot) == 16,
               "IO-MEM-4 leaves 12 bytes for queue and backend");

#define EMPTY(s)                                                                                   \
    ((s)->atom == \null && (s)->kernel == 0 && (s)->marks == 0 && (s)->pending == 0 &&             \
     (s)->interest == 0)

/*@ requires slot: \valid(slot);
    TOTAL
    assigns *slot;
    ensures empty: EMPTY(slot); */
static void clear(io_slot *slot)
{
    slot->atom = NULL;
    slot->generation = 0;
    slot->interest = 0;
    slot->kernel = 0;
    slot->marks = 0;
    slot->pending = 0;
}

void io_core_init(io_core *core, io_slot *slots, uint32_t *queue, uint64_t slot_count,
                  uint16_t mode)
{
    core->slots = slots;
    core->queue = queue;
    core->slot_count = slot_count;
    core->queue_count = 0;
    core->cursor = 0;
    core->dispatching = 0;
    core->mode = mode;
    core->rested = 0;
    /*@ loop invariant range: 0 <= i <= slot_count;
        loop invariant empty: \forall integer j; 0 <= j < i ==> EMPTY(slots + j);
        loop assigns i, slots[0 .. slot_count - 1];
        loop variant slot_count - i; */
    for (uint64_t i = 0; i < slot_count; i++) {
        clear(&slots[i]);
    }
}

#ifdef _WIN32
io_slot *io_core_find(const io_core *core, io_atom *atom)
{
    uint64_t place = (uint64_t)IO_PLACE(core, atom->fd);
    return place < core->slot_count && core->slots[place].atom == atom ? &core->slots[place] : NULL;
}
#else
io_slot *io_core_find(const io_core *core, io_atom *atom)
{
    if (atom->fd < 0 || (uint64_t)atom->fd >= core->slot_count ||
        core->slots[atom->fd].atom != atom) {
        return NULL;
    }
    return &core->slots[atom->fd];
}
#endif

int io_core_add(io_core *core, io_atom *atom, int flags)
{
    if (flags < 0 || flags > IO_FLAGS || !atom->proc) {
        return -EINVAL;
    }
    if (atom->fd < 0) {
        return -EBADF;
    }
    if ((uint64_t)IO_TAKE_PLACE(core, atom->fd) >= core->slot_count) {
        return -ERANGE;
    }
    io_slot *slot = &core->slots[IO_PLACE(core, atom->fd)];
    if (slot->atom) {
        return -EEXIST;
    }
    slot->atom = atom;
    slot->generation++;
    slot->interest = (uint8_t)flags;
    slot->kernel = io_and((uint8_t)flags, IO_EVENTS);
    slot->marks = io_and(slot->marks, IO_QUEUED);
    slot->pending = 0;
    //@ assert others: same_others{Pre, Here}(core, atom->fd);
    //@ assert own: SUBSET(slot->pending, slot->interest) && EVENTS(slot->pending);
    //@ assert marked: \forall integer i; IN(core, i) ==> (QUEUED(core, i) <==> \at(QUEUED(core, i), Pre));
    //@ assert queue: \forall integer k; 0 <= k < core->queue_count ==> core->queue[k] == \at(core->queue[k], Pre);
    return 0;
}

/* The flags that the kernel tells by itself when, and as long as, they are ready: asking again
 * would change nothing. */
/*@ requires shape: shape(core);
    requires slot: \valid_read(slot);
    TOTAL
    assigns \nothing;
    ensures IO_MASK_2_covered: (BIT(\result, 1) <==> COVERS(core->mode, slot->kernel, slot->marks, 1)) &&
      (BIT(\result, 2) <==> COVERS(core->mode, slot->kernel, slot->marks, 2)) &&
      (BIT(\result, 4) <==> COVERS(core->mode, slot->kernel, slot->marks, 4)); */
static uint8_t covered(const io_core *core, const io_slot *slot)
{
    uint8_t armed = io_and(slot->kernel, IO_EVENTS);
    if (core->mode != IO_MODE_EDGE) {
        return armed;
    }
    /* An edge that came since EAGAIN is in the kernel's queue; one that came before may be over,
     * and that of a hang-up or an error has been told (IO-SET-2). */
    uint8_t waiting = io_and(armed, slot->marks);
    if ((slot->kernel & IO_KERNEL_HUP) || (slot->kernel & IO_KERNEL_ERR)) {
        return io_without(waiting, IO_READ | IO_WRITE);
    }
    return waiting;
}

/* Whether the kernel has to be asked so that want is told (IO-SET-2). */
/*@ requires shape: shape(core);
    requires slot: \valid_read(slot);
    TOTAL
    assigns \nothing;
    ensures codes: \result \in {0, 1};
    ensures IO_SET_2_asked: \result == 1 <==> !BIT(slot->kernel, IO_KERNEL_DEAD) &&
      (BIT(slot->kernel, IO_KERNEL_REST) || !COVERS_ALL(core->mode, slot->kernel, slot->marks, want)); */
static int must_ask(const io_core *core, const io_slot *slot, uint8_t want)
{
    if (slot->kernel & IO_KERNEL_DEAD) {
        return 0;
    }
    if (slot->kernel & IO_KERNEL_REST) {
        return 1;
    }
    return io_any(io_without(want, covered(core, slot)));
}

/* What is left of slot->kernel when io_set asks for nothing: a hang-up that a level-triggered
 * kernel repeats is told anew (IO-EVENT-8). */
/*@ requires shape: shape(core);
    requires slot: \valid_read(slot);
    TOTAL
    assigns \nothing;
    ensures IO_MASK_1_kept: SAME_EVENTS(\result, slot->kernel);
    ensures IO_SET_6_dead: BIT(slot->kernel, IO_KERNEL_DEAD) || core->mode == IO_MODE_EDGE ==> \result == slot->kernel;
    ensures IO_EVENT_8_anew: !BIT(slot->kernel, IO_KERNEL_DEAD) && core->mode != IO_MODE_EDGE ==>
      \result == (slot->kernel & 7); */
static uint8_t left_of(const io_core *core, const io_slot *slot)
{
    if (core->mode == IO_MODE_EDGE || (slot->kernel & IO_KERNEL_DEAD)) {
        return slot->kernel;
    }
    return io_and(slot->kernel, IO_EVENTS);
}

int io_core_set(io_core *core, io_atom *atom, int flags)
{
    if (flags < 0 || flags > IO_FLAGS) {
        return -EINVAL;
    }
    io_slot *slot = io_core_find(core, atom);
    if (!slot) {
        return -ENOENT;
    }
    uint8_t want = io_and((uint8_t)flags, IO_EVENTS);
    int ask = must_ask(core, slot, want);
    slot->kernel = ask ? want : left_of(core, slot);
    slot->interest = (uint8_t)flags;
    slot->pending = io_and(slot->pending, want);
    //@ assert others: same_others{Pre, Here}(core, atom->fd);
    //@ assert fewer: SUBSET(slot->pending, \at(READY(core, atom->fd), Pre));
    //@ assert own: SUBSET(slot->pending, slot->interest) && EVENTS(slot->pending);
    return ask;
}

int io_core_remove(io_core *core, io_atom *atom)
{
    io_slot *slot = IO_DROP_PLACE(core, atom);
    if (!slot) {
        return -ENOENT;
    }
    slot->atom = NULL;
    slot->generation++;
    slot->interest = 0;
    slot->kernel = 0;
    slot->marks = io_and(slot->marks, IO_QUEUED);
    slot->pending = 0;
    //@ assert others: same_others{Pre, Here}(core, atom->fd);
    //@ assert own: SUBSET(slot->pending, slot->interest) && EVENTS(slot->pending);
    //@ assert marked: \forall integer i; IN(core, i) ==> (QUEUED(core, i) <==> \at(QUEUED(core, i), Pre));
    //@ assert queue: \forall integer k; 0 <= k < core->queue_count ==> core->queue[k] == \at(core->queue[k], Pre);
    return 0;
}

/* The marks with these flags exhausted, too. */
/*@ TOTAL
    assigns \nothing;
    ensures noted: OR_BIT(\result, marks, flags, 1) && OR_BIT(\result, marks, flags, 2) && OR_BIT(\result, marks, flags, 4);
    ensures queued: BIT(\result, IO_QUEUED) <==> BIT(marks, IO_QUEUED); */
static uint8_t noted(uint8_t marks, uint8_t flags)
{
    return io_or(marks, io_and(flags, IO_EVENTS));
}

int io_core_exhausted(io_core *core, io_atom *atom, int flags)
{
    if (flags < 0 || flags > IO_EVENTS) {
        return -EINVAL;
    }
    io_slot *slot = io_core_find(core, atom);
    if (!slot) {
        return -ENOENT;
    }
    slot->marks = noted(slot->marks, (uint8_t)flags);
    //@ assert own: QUEUED(core, atom->fd) <==> \at(QUEUED(core, atom->fd), Pre);
    //@ assert others: same_others{Pre, Here}(core, atom->fd);
    //@ assert marked: \forall integer i; IN(core, i) ==> (QUEUED(core, i) <==> \at(QUEUED(core, i), Pre));
    if (core->mode != IO_MODE_EMULATED || (slot->kernel & IO_KERNEL_DEAD)) {
        return 0;
    }
    uint8_t wanted = io_and((uint8_t)flags, slot->interest);
    if (!io_any(io_without(wanted, slot->kernel))) {
        return 0;
    }
    slot->kernel = io_or(slot->kernel, wanted);
    return 1;
}

int io_core_alarms(const io_core *core, uint32_t fd)
{
    uint8_t kernel = core->slots[fd].kernel;
    return (kernel & IO_KERNEL_HUP) || (kernel & IO_KERNEL_ERR);
}

void io_core_calm(io_core *core, uint32_t fd, int bits)
{
    io_slot *slot = &core->slots[fd];
    if (!(bits & IO_BIT_HUP)) {
        slot->kernel = io_without(slot->kernel, IO_KERNEL_HUP);
    }
    if (!(bits & IO_BIT_ERR)) {
        slot->kernel = io_without(slot->kernel, IO_KERNEL_ERR);
    }
}

int io_core_request(const io_core *core, uint32_t fd)
{
    const io_slot *slot = &core->slots[fd];
    uint8_t armed = io_and(slot->kernel, IO_EVENTS);
    /* With nothing armed a level-triggered kernel would still tell hang-ups, for ever (IO-EVENT-7).
     */
    int quiet = core->mode == IO_MODE_EDGE || !io_any(armed) || (slot->kernel & IO_KERNEL_REST);
    return quiet ? armed + IO_REQUEST_QUIET : armed;
}

int io_core_wake(io_core *core, uint32_t fd)
{
    io_slot *slot = &core->slots[fd];
    if (!(slot->kernel & IO_KERNEL_REST)) {
        return 0;
    }
    slot->kernel = io_without(slot->kernel, IO_KERNEL_REST);
    return 1;
}
