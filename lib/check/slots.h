/* What the checks share: which slots are worth a look, and what the kernel is to be asked for. */
#ifndef IOATOM_CHECK_SLOTS_H
#define IOATOM_CHECK_SLOTS_H

#include "../core/core.h"

#include <string.h>

/* The checks run after every operation of a fuzzer: what a sanitizer or a fuzzer's instrumentation
 * would add to the functions between these two is most of their time, and of no use there. */
#ifdef __clang__
#define IO_CHECK_PRAGMA(text) _Pragma(#text)
#define IO_CHECK_PLAIN no_sanitize("address", "undefined", "coverage")
#define IO_CHECK_BEGIN                                                                             \
    IO_CHECK_PRAGMA(clang attribute push(__attribute__((IO_CHECK_PLAIN)), apply_to = function))
#define IO_CHECK_END IO_CHECK_PRAGMA(clang attribute pop)
#else
#define IO_CHECK_BEGIN
#define IO_CHECK_END
#endif

IO_CHECK_BEGIN

_Static_assert(sizeof(io_slot) == offsetof(io_slot, generation) + sizeof(uint64_t),
               "the members behind the pointer are eight bytes");

/* Not 0: the slot is not as io_core_init and io_core_remove leave it: empty, and of an even
 * generation. Its members behind the pointer are read as one. */
__attribute__((always_inline)) static inline uint64_t io_check_traces(const io_slot *slot)
{
    static const io_slot removed = {.generation = UINT32_MAX - 1};
    uint64_t may_be, is;
    memcpy(&may_be, (const char *)&removed + offsetof(io_slot, generation), sizeof(may_be));
    memcpy(&is, (const char *)slot + offsetof(io_slot, generation), sizeof(is));
    return (uint64_t)(uintptr_t)slot->atom | (is & ~may_be);
}

/* The first slot from fd on that is worth a look, or slot_count. */
static inline uint64_t io_check_next(const io_core *core, uint64_t fd)
{
    const io_slot *slots = core->slots;
    uint64_t count = core->slot_count;
    while (count - fd >= 4 &&
           !(io_check_traces(&slots[fd]) | io_check_traces(&slots[fd + 1]) |
             io_check_traces(&slots[fd + 2]) | io_check_traces(&slots[fd + 3]))) {
        fd += 4;
    }
    while (fd < count && !io_check_traces(&slots[fd])) {
        fd++;
    }
    return fd;
}

/* What the kernel is to be asked for, said a second time: lib/core's own answer is one of the things
 * that are checked. */
typedef struct io_check_asked {
    int registered; /* an atom that is not dead: a kernel with a set of its own has it */
    int flags;      /* that are armed */
    int levels;     /* as long as they are ready: not on edges, and not of one that rests */
} io_check_asked;

static inline io_check_asked io_check_asked_of(const io_core *core, uint64_t fd)
{
    const io_slot *slot = &core->slots[fd];
    io_check_asked asked = {0, 0, 0};
    if (slot->atom && !(slot->kernel & IO_KERNEL_DEAD)) {
        asked.registered = 1;
        asked.flags = slot->kernel & IO_EVENTS;
        asked.levels =
            core->mode != IO_MODE_EDGE && asked.flags != 0 && !(slot->kernel & IO_KERNEL_REST);
    }
    return asked;
}

/* The flags that a kernel of levels is to be asked for. */
static inline int io_check_levels_of(const io_core *core, uint64_t fd)
{
    io_check_asked asked = io_check_asked_of(core, fd);
    return asked.levels ? asked.flags : 0;
}

IO_CHECK_END

#endif
