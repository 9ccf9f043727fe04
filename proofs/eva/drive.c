/*
 * A program that does to one poller whatever a program may do, in any order and as often as it
 * likes: every call is made with any arguments, inside callbacks, too. Compiled with one backend
 * (USE_..., and its TYPE) and a table of SLOTS descriptors, of which the first and that in slot LAST can
 * be registered.
 * INLINE: the table is the poller's own. What is pending depends on who is registered, so those
 * cases are kept apart (split).
 */
#include <errno.h>
#include <ioatom/ioatom.h>

#include "kernel.h"

#ifdef _WIN32
enum { BYTES_PER_FD = 112, FD_STEP = 4 }; /* sockets are multiples of 4 */
#else
enum { BYTES_PER_FD = 28, FD_STEP = 1 };
#endif

enum { ATOMS = 5, HOSTILE = 2 };
static io_atom atoms[ATOMS];
io_poller *subject;

static void act(io_poller *poller)
{
    int which = Frama_C_int_interval(0, ATOMS - 1);
    int what = Frama_C_int_interval(0, 5);
    int flags = any_int();
    //@ split which;
    io_atom *atom = &atoms[which];
    switch (what) {
    case 0:
        io_add(poller, atom, flags);
        //@ split subject->core.slots[0].atom == 0;
        //@ split subject->core.slots[LAST].atom == 0;
        ;
        break;
    case 1:
        io_set(poller, atom, flags);
        break;
    case 2:
        io_remove(poller, atom);
        //@ split subject->core.slots[0].atom == 0;
        //@ split subject->core.slots[LAST].atom == 0;
        ;
        break;
    case 3:
        io_exhausted(poller, atom, flags);
        break;
    case 4:
        io_fd_check(poller);
        break;
    default:
        io_add(poller, NULL, flags);
        io_set(poller, NULL, flags);
        io_remove(poller, NULL);
        io_exhausted(poller, NULL, flags);
        break;
    }
    //@ merge which;
    ;
}

static void on_event(io_poller *poller, io_atom *atom, int flags)
{
    io_event event;
    (void)atom;
    (void)flags;
    while (maybe()) {
        act(poller);
    }
    io_wait(poller, any_int());
    io_dispatch(poller);
    io_next(poller, &event);
    io_poller_dispose(poller);
    io_poller_after_fork(poller);
}

static void use(io_poller *poller)
{
    io_event event;
    switch (Frama_C_int_interval(0, 4)) {
    case 0:
        act(poller);
        break;
    case 1:
        io_wait(poller, any_int());
        break;
    case 2:
        io_dispatch(poller);
        break;
    case 3:
        io_next(poller, maybe() ? &event : NULL);
        break;
    default:
        io_poller_after_fork(poller);
        break;
    }
    io_poller_name(poller);
    io_poller_type(poller);
    io_poller_fd(poller);
}

static int begin(io_poller *poller, int types, void *storage, size_t size)
{
    return INLINE ? io_poller_init(poller, types) : io_poller_init_in(poller, types, storage, size);
}

static uint64_t storage[SLOTS * BYTES_PER_FD / 8];

/* Pollers that there may not be: whatever the arguments and the environment are. */
static void begin_anyhow(void)
{
    io_poller poller;
    size_t size = Frama_C_unsigned_long_interval(0, sizeof(storage));
    io_poller_init(maybe() ? &poller : NULL, any_int());
    io_poller_init_in(maybe() ? &poller : NULL, any_int(), maybe() ? storage : NULL, size);
    io_poller_storage_size(any_int(), any_int());
    io_add(NULL, &atoms[0], IO_READ);
    io_wait(NULL, 0);
    io_dispatch(NULL);
    io_fd_check(NULL);
    io_poller_name(NULL);
    io_poller_dispose(NULL);
}

int main(void)
{
    static const int fds[] = {0, FD_STEP * LAST};
    io_poller poller; /* nothing in it is initialised */
    errno = 0;
    //@ loop unroll 2;
    for (int i = 0; i < HOSTILE; i++) {
        io_atom_init(&atoms[i], fds[i], on_event);
    }
    io_atom_init(&atoms[HOSTILE], Frama_C_int_interval(INT_MIN, -1), on_event);
    io_atom_init(&atoms[HOSTILE + 1], Frama_C_int_interval(FD_STEP * SLOTS, INT_MAX), on_event);
    io_atom_init(&atoms[HOSTILE + 2], any_int(), NULL);
    int mode = Frama_C_int_interval(1, 2);
    //@ split mode;
    if (begin(&poller, TYPE | mode << 8, storage, io_poller_storage_size(TYPE, SLOTS)) != 0) {
        return 1;
    }
    subject = &poller;
    //@ split subject->core.slots[0].atom == 0;
    //@ split subject->core.slots[LAST].atom == 0;
    ;
    while (maybe()) {
        use(&poller);
    }
    io_poller_dispose(&poller);
    use(&poller);
    begin_anyhow();
    return 0;
}
