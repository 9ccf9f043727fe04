#include "levels.h"

#include "../harness/kernel.h"
#include "../harness/report.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int types;
} backends[LEVELS] = {
    [LEVEL_EPOLL] = {"epoll+level", IO_POLLER_EPOLL | IO_POLLER_LEVEL},
    [LEVEL_POLL] = {"poll+level", IO_POLLER_POLL | IO_POLLER_LEVEL},
    [LEVEL_SELECT] = {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};

const char *levels_name(level_backend b)
{
    return backends[b].name;
}

static void never_called(io_poller *poller, io_atom *atom, int flags)
{
    (void)poller;
    (void)atom;
    (void)flags;
}

/* Did the call do what it had to, or had the kernel just no place for another file? */
static int must(int result, const char *call)
{
    if (result < 0 && !(result == -ENFILE && kernel_was_full())) {
        violation("IO-EQUIV-2", "%s of a second poller returned %d", call, result);
    }
    return result >= 0;
}

static int ask(const run *r, int types, int found[PROGRAM_ATOMS])
{
    static io_poller poller;                /* large */
    static uint64_t storage[ENV_LIMIT * 4]; /* 28 bytes a descriptor and less: IO-MEM-4 */
    io_atom atoms[PROGRAM_ATOMS];
    io_event event;
    if (!must(io_poller_init_in(&poller, types, storage, io_poller_storage_size(types, ENV_LIMIT)),
              "io_poller_init_in")) {
        return 0;
    }
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        const model_atom *a = &r->model.atoms[i];
        if (a->registered && a->life == LIFE_OPEN && (a->interest & MODEL_EVENTS)) {
            io_atom_init(&atoms[i], a->fd, never_called);
            must(io_add(&poller, &atoms[i], a->interest & MODEL_EVENTS), "io_add");
        }
    }
    must(io_wait(&poller, 0), "io_wait");
    while (io_next(&poller, &event) == 1) {
        found[event.atom - atoms] = event.flags;
    }
    must(io_poller_dispose(&poller), "io_poller_dispose");
    return 1;
}

int levels_ask(const run *r, int found[LEVELS][PROGRAM_ATOMS])
{
    int is_answered = 1;
    memset(found, 0, sizeof(int) * LEVELS * PROGRAM_ATOMS);
    for (int b = 0; b < LEVELS && is_answered; b++) {
        is_answered = ask(r, backends[b].types, found[b]);
    }
    return is_answered;
}
