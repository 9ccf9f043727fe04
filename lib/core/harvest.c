/* From what the kernel reports to what is pending. */
#include "bits.h"

/* The flags that a report makes ready by itself (IO-EVENT-1, IO-EVENT-2, IO-EVENT-4). */
/*@ TOTAL assigns \nothing; ensures sub: subset(\result, IO_EVENTS); */
static uint8_t direct_flags(int bits)
{
    uint8_t flags = 0;
    if (bits & (IO_BIT_IN | IO_BIT_RDHUP)) {
        flags = io_or(flags, IO_READ);
    }
    if (bits & IO_BIT_OUT) {
        flags = io_or(flags, IO_WRITE);
    }
    if (bits & IO_BIT_PRI) {
        flags = io_or(flags, IO_EXCEPT);
    }
    return flags;
}

/* The flags that a hang-up or error makes ready (IO-EVENT-3), but for those that met EAGAIN since
 * the same alarm was told: they have had their answer (IO-EVENT-8). A level-triggered kernel
 * repeats an alarm in every wait. An edge-triggered one repeats a hang-up, too, when a write is
 * tried: a terminal whose other end is closed does. Its edges of an error are new errors. */
/*@ requires slot: \valid_read(slot);
    TOTAL assigns \nothing; ensures sub: subset(\result, IO_READ | IO_WRITE); */
static uint8_t alarm_flags(const io_core *core, const io_slot *slot, int bits)
{
    int alarm = bits & (IO_BIT_HUP | IO_BIT_ERR);
    if (!alarm) {
        return 0;
    }
    int known = core->mode == IO_MODE_EDGE ? slot->kernel & IO_BIT_HUP : slot->kernel;
    if (alarm & ~known) {
        return IO_READ | IO_WRITE;
    }
    return io_without(IO_READ | IO_WRITE, slot->exhausted);
}

/* What the kernel shall be asked for after this report, in the form of io_slot.kernel. */
/*@ requires slot: \valid_read(slot);
    TOTAL assigns \nothing; */
static uint8_t kernel_after(const io_core *core, const io_slot *slot, int bits, uint8_t flags,
                            uint8_t told)
{
    uint8_t armed = io_and(slot->kernel, IO_EVENTS);
    if (core->mode == IO_MODE_EMULATED) {
        armed = io_without(armed, flags); /* told once, then held back (IO-EDGE-3) */
    } else if (!io_within(io_and(armed, flags), slot->interest)) {
        armed = io_and(armed,
                       slot->interest); /* an event for a dropped flag: the kernel forgets it now */
    }
    uint8_t alarm = (uint8_t)(bits & (IO_BIT_HUP | IO_BIT_ERR));
    if (core->mode == IO_MODE_EDGE) {
        return io_or(armed, alarm);
    }
    uint8_t rest = alarm && !told && armed ? IO_KERNEL_REST : 0;
    return io_or(io_or(armed, alarm), rest);
}

/* Merge told flags into the slot, which gets a place in the queue. */
static void enqueue(io_core *core, uint32_t fd, uint8_t told)
{
    io_slot *slot = &core->slots[fd];
    if (!told) {
        return;
    }
    if (!(slot->pending & IO_QUEUED)) {
        core->queue[core->queue_count] = fd;
        core->queue_count++;
    }
    slot->pending = io_or(slot->pending, io_or(told, IO_QUEUED));
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
    io_slot *slot = &core->slots[fd];
    if (slot->kernel & IO_KERNEL_DEAD) {
        return IO_HARVEST_STALE; /* a duplicate of the closed descriptor lives on */
    }
    if (!(slot->pending & IO_QUEUED) && core->queue_count == core->slot_count) {
        return -ENOSPC;
    }
    if (bits & IO_BIT_NVAL) {
        /* One last event, of what is not held back; then it is dead (IO-CLOSE-5). */
        uint8_t last = io_and(IO_READ | IO_WRITE, slot->kernel);
        slot->kernel = IO_KERNEL_DEAD;
        enqueue(core, fd, io_and(last, slot->interest));
        return IO_HARVEST_MODIFY;
    }
    uint8_t flags = io_or(direct_flags(bits), alarm_flags(core, slot, bits));
    uint8_t told = io_and(flags, slot->interest);
    if (core->mode == IO_MODE_EMULATED) {
        /* A hang-up is also reported for a flag that is held back (IO-EDGE-3). */
        told = io_and(told, slot->kernel);
    }
    uint8_t kernel = kernel_after(core, slot, bits, flags, told);
    int before = io_core_request(core, fd);
    slot->exhausted = io_without(slot->exhausted, flags);
    slot->kernel = kernel;
    enqueue(core, fd, told);
    if (kernel & IO_KERNEL_REST) {
        core->rested = 1;
    }
    return io_core_request(core, fd) == before ? IO_HARVEST_DONE : IO_HARVEST_MODIFY;
}
