/* From what the kernel reports to what is pending. */
#include "bits.h"

/* The flags that a report makes ready by itself (IO-EVENT-1, IO-EVENT-2, IO-EVENT-4). */
/*@ TOTAL
    assigns \nothing;
    ensures IO_EVENT_1_read: BIT(\result, 1) <==> BIT(bits, IO_BIT_IN) || BIT(bits, IO_BIT_RDHUP);
    ensures IO_EVENT_2_write: BIT(\result, 2) <==> BIT(bits, IO_BIT_OUT);
    ensures IO_EVENT_4_except: BIT(\result, 4) <==> BIT(bits, IO_BIT_PRI);
    ensures events: EVENTS(\result); */
static uint8_t direct_flags(int bits)
{
    uint8_t flags = 0;
    if ((bits & IO_BIT_IN) || (bits & IO_BIT_RDHUP)) {
        flags |= IO_READ;
    }
    if (bits & IO_BIT_OUT) {
        flags |= IO_WRITE;
    }
    if (bits & IO_BIT_PRI) {
        flags |= IO_EXCEPT;
    }
    return flags;
}

/* Whether the hang-up or error is another one than the slot remembers. A level-triggered kernel
 * repeats an alarm in every wait. An edge-triggered one repeats a hang-up, too, when a write is
 * tried: a terminal whose other end is closed does. Its edges of an error are new errors. */
/*@ TOTAL
    assigns \nothing;
    ensures IO_EVENT_8_new: \result != 0 <==> new_alarm(mode, kernel, bits); */
static int is_new_alarm(uint16_t mode, uint8_t kernel, int bits)
{
    if ((bits & IO_BIT_HUP) && !(kernel & IO_KERNEL_HUP)) {
        return 1;
    }
    return (bits & IO_BIT_ERR) && (mode == IO_MODE_EDGE || !(kernel & IO_KERNEL_ERR));
}

/* The flags that a hang-up or error makes ready (IO-EVENT-3), but for those that met EAGAIN since
 * the same alarm was told: they have had their answer (IO-EVENT-8). */
/*@ TOTAL
    assigns \nothing;
    ensures IO_EVENT_3_read: BIT(\result, 1) <==> ALARM(bits) && (new_alarm(mode, kernel, bits) || !BIT(marks, 1));
    ensures IO_EVENT_3_write: BIT(\result, 2) <==> ALARM(bits) && (new_alarm(mode, kernel, bits) || !BIT(marks, 2));
    ensures none: !BIT(\result, 4) && EVENTS(\result); */
static uint8_t alarm_flags(uint16_t mode, uint8_t kernel, uint8_t marks, int bits)
{
    if (!(bits & IO_BIT_HUP) && !(bits & IO_BIT_ERR)) {
        return 0;
    }
    if (is_new_alarm(mode, kernel, bits)) {
        return IO_READ | IO_WRITE;
    }
    return io_without(IO_READ | IO_WRITE, marks);
}

/* The armed flags after a report: in emulated edge mode told once, then held back (IO-EDGE-3). An
 * event for a dropped flag: the kernel forgets it now (IO-MASK-1). */
/*@ TOTAL
    assigns \nothing;
    ensures IO_EDGE_3_armed: ARMED_AFTER(\result, mode, kernel, interest, BIT(flags, 1), BIT(flags, 2), BIT(flags, 4));
    ensures events: EVENTS(\result); */
static uint8_t still_armed(uint16_t mode, uint8_t kernel, uint8_t interest, uint8_t flags)
{
    uint8_t armed = io_and(kernel, IO_EVENTS);
    if (mode == IO_MODE_EMULATED) {
        return io_without(armed, flags);
    }
    if (io_any(io_without(io_and(armed, flags), interest))) {
        return io_and(armed, interest);
    }
    return armed;
}

/* The alarms that the slot remembers after a report, and whether it rests: a level-triggered kernel
 * would repeat an alarm of which nothing is told for ever. */
/*@ TOTAL
    assigns \nothing;
    ensures IO_EVENT_8_noted: (BIT(\result, 0x10) <==> BIT(bits, 0x10)) && (BIT(\result, 0x20) <==> BIT(bits, 0x20));
    ensures IO_EVENT_8_rest: BIT(\result, 0x40) <==> mode != IO_MODE_EDGE && ALARM(bits) && !SOME(told) && SOME(armed);
    ensures none: !SOME(\result) && !BIT(\result, 0x80); */
static uint8_t remembered(uint16_t mode, uint8_t armed, uint8_t told, int bits)
{
    uint8_t kernel = 0;
    if (bits & IO_BIT_HUP) {
        kernel |= IO_KERNEL_HUP;
    }
    if (bits & IO_BIT_ERR) {
        kernel |= IO_KERNEL_ERR;
    }
    if (kernel && mode != IO_MODE_EDGE && !io_any(told) && io_any(armed)) {
        kernel |= IO_KERNEL_REST;
    }
    return kernel;
}

/* Merge told flags into the slot, which gets a place in the queue. */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    requires known: core->slots[fd].atom != \null;
    requires told: SUBSET(told, core->slots[fd].interest) && EVENTS(told);
    requires room: QUEUED(core, fd) || core->queue_count < core->slot_count;
    TOTAL
    assigns core->slots[fd].pending, core->slots[fd].marks, core->queue[0 .. core->slot_count - 1], core->queue_count;
    ENS_INV(core)
    ensures IO_LOST_1_merged: IS_OR(READY(core, fd), \old(READY(core, fd)), told);
    ensures marks: SAME_EVENTS(core->slots[fd].marks, \old(core->slots[fd].marks));
    ensures IO_LOST_1_queued: told != 0 ==> QUEUED(core, fd); */
static void enqueue(io_core *core, uint32_t fd, uint8_t told)
{
    io_slot *slot = &core->slots[fd];
    if (!told) {
        return;
    }
    if (!(slot->marks & IO_QUEUED)) {
        slot->marks = io_or(slot->marks, IO_QUEUED);
        core->queue[core->queue_count] = fd;
        core->queue_count++;
    }
    slot->pending = io_or(slot->pending, told);
}

/* One last event, of what is not held back; then the atom is dead (IO-CLOSE-5). */
/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    requires known: core->slots[fd].atom != \null && !BIT(core->slots[fd].kernel, IO_KERNEL_DEAD);
    requires room: QUEUED(core, fd) || core->queue_count < core->slot_count;
    TOTAL
    assigns core->slots[fd].kernel, core->slots[fd].pending, core->slots[fd].marks, core->queue[0 .. core->slot_count - 1],
      core->queue_count;
    ENS_INV(core)
    ensures IO_CLOSE_5_modify: \result == IO_HARVEST_MODIFY;
    ensures IO_CLOSE_5_dead: core->slots[fd].kernel == IO_KERNEL_DEAD;
    ensures IO_CLOSE_5_told: merged_last(READY(core, fd), \old(READY(core, fd)), \old(core->slots[fd].kernel),
                                         core->slots[fd].interest); */
static int harvest_closed(io_core *core, uint32_t fd)
{
    io_slot *slot = &core->slots[fd];
    uint8_t told = io_and(io_and(IO_READ | IO_WRITE, slot->kernel), slot->interest);
    //@ assert told: SUBSET(told, slot->interest) && EVENTS(told);
    slot->kernel = IO_KERNEL_DEAD;
    enqueue(core, fd, told);
    return IO_HARVEST_MODIFY;
}

/*@ REQ_INV(core)
    requires in: fd < core->slot_count;
    requires known: core->slots[fd].atom != \null && !BIT(core->slots[fd].kernel, IO_KERNEL_DEAD);
    requires room: QUEUED(core, fd) || core->queue_count < core->slot_count;
    TOTAL
    assigns core->slots[fd].kernel, core->slots[fd].pending, core->slots[fd].marks, core->queue[0 .. core->slot_count - 1],
      core->queue_count, core->rested;
    ENS_INV(core)
    ensures codes: \result \in {IO_HARVEST_DONE, IO_HARVEST_MODIFY};
    HARVESTED(\true, core, fd, bits, \result) */
static int harvest_open(io_core *core, uint32_t fd, int bits)
{
    io_slot *slot = &core->slots[fd];
    uint8_t kernel = slot->kernel;
    int before = io_core_request(core, fd);
    uint8_t flags = io_or(direct_flags(bits), alarm_flags(core->mode, kernel, slot->marks, bits));
    uint8_t told = io_and(flags, slot->interest);
    if (core->mode == IO_MODE_EMULATED) {
        /* A hang-up is also reported for a flag that is held back (IO-EDGE-3). */
        told = io_and(told, kernel);
    }
    //@ assert told: SUBSET(told, slot->interest) && EVENTS(told);
    uint8_t armed = still_armed(core->mode, kernel, slot->interest, flags);
    slot->kernel = io_or(armed, remembered(core->mode, armed, told, bits));
    slot->marks = io_without(slot->marks, flags);
    if (slot->kernel & IO_KERNEL_REST) {
        core->rested = 1;
    }
    enqueue(core, fd, told);
    return io_core_request(core, fd) == before ? IO_HARVEST_DONE : IO_HARVEST_MODIFY;
}

int io_core_harvest(io_core *core, uint32_t fd, uint32_t generation, int bits)
{
    if (core->dispatching) {
        return -EBUSY;
    }
    if (fd >= core->slot_count || !core->slots[fd].atom ||
        core->slots[fd].generation != generation) {
        return IO_HARVEST_STALE;
    }
    const io_slot *slot = &core->slots[fd];
    if (slot->kernel & IO_KERNEL_DEAD) {
        return IO_HARVEST_STALE; /* a duplicate of the closed descriptor lives on */
    }
    if (!(slot->marks & IO_QUEUED) && core->queue_count == core->slot_count) {
        return -ENOSPC;
    }
    return bits & IO_BIT_NVAL ? harvest_closed(core, fd) : harvest_open(core, fd, bits);
}
