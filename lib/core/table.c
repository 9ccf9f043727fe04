/* The table: add, set, remove, exhausted, and what the kernel is to be asked for. */
#include "bits.h"

_Static_assert(sizeof(void *) != 8 || sizeof(io_atom) == 16, "IO-MEM-3");
_Static_assert(sizeof(void *) != 8 || sizeof(io_slot) == 16,
               "IO-MEM-4 leaves 12 bytes for queue and backend");

void io_core_init(io_core *core, io_slot *slots, uint32_t *queue, uint64_t slot_count, uint8_t mode)
{
    core->slots = slots;
    core->queue = queue;
    core->slot_count = slot_count;
    core->queue_count = 0;
    core->cursor = 0;
    core->dispatching = 0;
    core->mode = mode;
    core->rested = 0;
    /*@ loop invariant 0 <= i <= slot_count;
        loop assigns i, slots[0 .. slot_count - 1];
        loop variant slot_count - i; */
    for (uint64_t i = 0; i < slot_count; i++) {
        slots[i] = (io_slot){0};
    }
}

io_slot *io_core_find(const io_core *core, const io_atom *atom)
{
    if (atom->fd < 0 || (uint64_t)atom->fd >= core->slot_count ||
        core->slots[atom->fd].atom != atom) {
        return NULL;
    }
    return &core->slots[atom->fd];
}

int io_core_add(io_core *core, io_atom *atom, int flags)
{
    if (flags < 0 || flags > IO_FLAGS || !atom->proc) {
        return -EINVAL;
    }
    if (atom->fd < 0) {
        return -EBADF;
    }
    if ((uint64_t)atom->fd >= core->slot_count) {
        return -ERANGE;
    }
    io_slot *slot = &core->slots[atom->fd];
    if (slot->atom) {
        return -EEXIST;
    }
    slot->atom = atom;
    slot->generation++;
    slot->interest = (uint8_t)flags;
    slot->kernel = io_and((uint8_t)flags, IO_EVENTS);
    slot->exhausted = 0;
    slot->pending = io_and(slot->pending, IO_QUEUED);
    return 0;
}

/* The flags that the kernel tells by itself when, and as long as, they are ready: asking again
 * would change nothing. */
static uint8_t covered(const io_core *core, const io_slot *slot)
{
    uint8_t armed = io_and(slot->kernel, IO_EVENTS);
    if (core->mode != IO_MODE_EDGE) {
        return armed;
    }
    /* An edge that came since EAGAIN is in the kernel's queue; one that came before may be over,
     * and that of a hang-up or an error has been told (IO-SET-2). */
    int told = (slot->kernel & (IO_KERNEL_HUP | IO_KERNEL_ERR)) != 0;
    return io_without(io_and(armed, slot->exhausted), told ? IO_READ | IO_WRITE : 0);
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
    slot->interest = (uint8_t)flags;
    slot->pending = io_and(slot->pending, io_or(want, IO_QUEUED));
    if (slot->kernel & IO_KERNEL_DEAD) {
        return 0;
    }
    if (io_within(want, covered(core, slot)) && !(slot->kernel & IO_KERNEL_REST)) {
        if (core->mode != IO_MODE_EDGE) {
            /* A hang-up is told anew (IO-EVENT-8). */
            slot->kernel = io_and(slot->kernel, IO_EVENTS);
        }
        return 0;
    }
    slot->kernel = want;
    return 1;
}

int io_core_remove(io_core *core, io_atom *atom)
{
    io_slot *slot = io_core_find(core, atom);
    if (!slot) {
        return -ENOENT;
    }
    slot->atom = NULL;
    slot->generation++;
    slot->interest = 0;
    slot->kernel = 0;
    slot->exhausted = 0;
    slot->pending = io_and(slot->pending, IO_QUEUED);
    return 0;
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
    slot->exhausted = io_or(slot->exhausted, (uint8_t)flags);
    if (core->mode != IO_MODE_EMULATED || (slot->kernel & IO_KERNEL_DEAD)) {
        return 0;
    }
    uint8_t held = io_without(io_and((uint8_t)flags, slot->interest), slot->kernel);
    slot->kernel = io_or(slot->kernel, held);
    return held != 0;
}

int io_core_alarms(const io_core *core, uint32_t fd)
{
    return core->slots[fd].kernel & (IO_KERNEL_HUP | IO_KERNEL_ERR);
}

void io_core_calm(io_core *core, uint32_t fd, int bits)
{
    io_slot *slot = &core->slots[fd];
    int over = (IO_KERNEL_HUP | IO_KERNEL_ERR) & ~bits;
    slot->kernel = io_without(slot->kernel, (uint8_t)over);
}

int io_core_request(const io_core *core, uint32_t fd)
{
    const io_slot *slot = &core->slots[fd];
    uint8_t armed = io_and(slot->kernel, IO_EVENTS);
    /* With nothing armed a level-triggered kernel would still tell hang-ups, for ever (IO-EVENT-7).
     */
    int quiet = core->mode == IO_MODE_EDGE || armed == 0 || (slot->kernel & IO_KERNEL_REST);
    return quiet ? armed | IO_REQUEST_QUIET : armed;
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
