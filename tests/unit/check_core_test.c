/* The checks of lib/check have teeth: each fault that is put into a sound core is reported by the
 * name of the invariant that it breaks. */
#include "unit.h"

#include <limits.h>

#include "lib/check/check.h"
#include "lib/core/core.h"

enum { SLOTS = 4, BOTH = IO_READ | IO_WRITE };

/* The roles of the descriptors. */
enum {
    PENDING, /* registered, with a place in the queue */
    IDLE,    /* registered, nothing pending */
    TAKEN,   /* registered; its event was taken: the queue's cursor is behind its place */
    FREE     /* no longer registered, and its place is stale */
};

static struct {
    io_core core;
    io_slot slots[SLOTS];
    uint32_t queue[SLOTS];
    io_atom atoms[SLOTS];
} now, sound;

#define CORE now.core
#define SLOT(role) now.slots[role]

static void no_call(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    (void)atom;
    (void)flags;
    CHECK(!"called");
}

static void begin(int mode)
{
    static const uint32_t told[] = {TAKEN, PENDING, FREE};
    io_event event;
    io_core_init(&CORE, now.slots, now.queue, SLOTS, (uint16_t)mode);
    for (int fd = 0; fd < SLOTS; fd++) {
        io_atom_init(&now.atoms[fd], fd, no_call);
        CHECK_EQ(io_core_add(&CORE, &now.atoms[fd], BOTH), 0);
    }
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        CHECK(io_core_harvest(&CORE, told[i], SLOT(told[i]).generation, IO_BIT_IN) >= 0);
    }
    CHECK_EQ(io_core_next(&CORE, &event), 1);
    CHECK_EQ(event.atom->fd, TAKEN);
    CHECK_EQ(io_core_remove(&CORE, &now.atoms[FREE]), 0);
    CHECK_EQ(CORE.cursor, 1);
    CHECK_EQ(CORE.queue_count, 3);
    CHECK(io_core_check(&CORE, NULL) == NULL);
    sound = now;
}

/* One fault in the sound core, which is whole again after it. */
#define FAULT(name, statement)                                                                     \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name);                                                                    \
    } while (0)

static void expect(int line, const char *name)
{
    const char *found = io_core_check(&CORE, NULL);
    unit_check(__FILE__, line, name, found && strcmp(found, name) == 0);
    now = sound;
    CHECK(io_core_check(&CORE, NULL) == NULL);
}

static void shapes(const unit_config *config)
{
    (void)config;
    begin(IO_MODE_LEVEL);
    FAULT("core.slot_count", CORE.slot_count = (uint64_t)INT_MAX + 1);
    FAULT("core.memory", CORE.slots = NULL);
    FAULT("core.memory", CORE.queue = NULL);
    FAULT("core.apart", CORE.queue = (uint32_t *)(void *)now.slots);
    FAULT("core.apart", CORE.queue = (uint32_t *)(void *)&CORE);
    FAULT("core.apart", CORE.slots = (io_slot *)(void *)&CORE);
    FAULT("core.queue_count", CORE.queue_count = SLOTS + 1);
    FAULT("core.cursor", CORE.cursor = CORE.queue_count + 1);
    FAULT("core.mode", CORE.mode = IO_MODE_EMULATED + 1);
    FAULT("core.dispatching", CORE.dispatching = 2);
    FAULT("core.q_in", now.queue[0] = SLOTS);
    FAULT("core.q_in", now.queue[1] = SLOTS);
    FAULT("core.q_in", now.queue[2] = UINT32_MAX);
}

static void atoms(const unit_config *config)
{
    (void)config;
    begin(IO_MODE_LEVEL);
    FAULT("core.i_out", SLOT(IDLE).atom = (io_atom *)(void *)&now.slots[FREE]);
    FAULT("core.i_out", SLOT(IDLE).atom = (io_atom *)(void *)&CORE.queue);
    FAULT("core.i_out", SLOT(IDLE).atom = (io_atom *)(void *)now.queue);
    FAULT("core.i_fd", now.atoms[IDLE].fd = FREE);
    FAULT("core.i_fd", now.atoms[IDLE].fd = -1);
    FAULT("core.i_fd", now.atoms[IDLE].fd = INT_MIN);
    FAULT("core.i_fd", SLOT(IDLE).atom = &now.atoms[PENDING]);
    FAULT("core.i_proc", now.atoms[IDLE].proc = NULL);
    FAULT("core.generation", SLOT(IDLE).generation++);
    FAULT("core.generation", SLOT(FREE).generation--);
}

static void flags(const unit_config *config)
{
    (void)config;
    begin(IO_MODE_LEVEL);
    FAULT("core.i_range", SLOT(IDLE).interest |= 0x10);
    FAULT("core.i_range",
          (SLOT(PENDING).interest |= IO_ONESHOT, SLOT(PENDING).pending |= IO_ONESHOT));
    FAULT("core.i_sub", SLOT(PENDING).pending |= IO_EXCEPT);
    FAULT("core.i_sub", SLOT(PENDING).interest = IO_WRITE);
    FAULT("core.i_some", SLOT(IDLE).pending = IO_READ);
    FAULT("core.i_some", SLOT(FREE).pending = IO_READ);
    FAULT("core.marks", SLOT(IDLE).marks |= 0x08);
    FAULT("core.marks", SLOT(FREE).marks |= 0x40);
    FAULT("core.free", SLOT(FREE).interest = IO_READ);
    FAULT("core.free", SLOT(FREE).kernel = IO_WRITE);
    FAULT("core.free", SLOT(FREE).kernel = IO_KERNEL_DEAD);
    FAULT("core.free", SLOT(FREE).marks |= IO_EXCEPT);
}

static void kernels(const unit_config *config)
{
    (void)config;
    begin(IO_MODE_LEVEL);
    FAULT("core.kernel", SLOT(IDLE).kernel |= 0x08);
    FAULT("core.dead", SLOT(IDLE).kernel |= IO_KERNEL_DEAD);
    FAULT("core.dead", SLOT(IDLE).kernel = IO_KERNEL_DEAD | IO_KERNEL_HUP);
    FAULT("core.rest", (CORE.rested = 1, SLOT(IDLE).kernel = IO_KERNEL_REST | IO_KERNEL_HUP));
    FAULT("core.rested", SLOT(IDLE).kernel |= IO_KERNEL_REST | IO_KERNEL_HUP);
    FAULT("core.armed", SLOT(IDLE).kernel = IO_READ);
    FAULT("core.armed", SLOT(PENDING).interest |= IO_EXCEPT);
    begin(IO_MODE_EDGE);
    FAULT("core.armed", SLOT(IDLE).kernel = IO_WRITE);
    FAULT("core.rest", (CORE.rested = 1, SLOT(IDLE).kernel |= IO_KERNEL_REST | IO_KERNEL_HUP));
    begin(IO_MODE_EMULATED);
    FAULT("core.rested", SLOT(IDLE).kernel |= IO_KERNEL_REST | IO_KERNEL_HUP);
    SLOT(IDLE).kernel = 0; /* both are held back, which is sound there */
    CHECK(io_core_check(&CORE, NULL) == NULL);
}

static void queues(const unit_config *config)
{
    (void)config;
    begin(IO_MODE_LEVEL);
    FAULT("core.q_once", now.queue[2] = PENDING);
    FAULT("core.q_once", now.queue[1] = FREE);
    FAULT("core.q_once", (now.queue[3] = PENDING, CORE.queue_count++));
    FAULT("core.q_bit", now.queue[1] = IDLE);
    FAULT("core.q_bit", CORE.cursor = 0);
    FAULT("core.q_bit", (SLOT(PENDING).pending = 0, SLOT(PENDING).marks = 0));
    FAULT("core.q_has", SLOT(IDLE).marks |= IO_QUEUED);
    FAULT("core.q_has", CORE.queue_count--);
    FAULT("core.q_has", CORE.cursor++);
}

/* An empty table has nothing to be wrong. */
static void nothing(const unit_config *config)
{
    io_core core;
    (void)config;
    io_core_init(&core, NULL, NULL, 0, IO_MODE_EDGE);
    CHECK(io_core_check(&core, NULL) == NULL);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"check_core_shapes", "", shapes, UNIT_ONCE},
        {"check_core_atoms", "", atoms, UNIT_ONCE},
        {"check_core_flags", "", flags, UNIT_ONCE},
        {"check_core_kernels", "", kernels, UNIT_ONCE},
        {"check_core_queues", "", queues, UNIT_ONCE},
        {"check_core_nothing", "", nothing, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
