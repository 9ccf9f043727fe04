/*
 * Callbacks and sequences of calls, proved against the contracts of lib/core. The callback's
 * contract (CALLBACK in contracts.h) is an assumption about every user's function; that it
 * asks for nothing impossible is shown here: each of these keeps it, word for word.
 */
#include "../../lib/core/core.h"

io_atom *io_user_other;
long io_user_state;

/* Removes itself: its memory is free from here on (IO-REMOVE-5). */
/*@ CALLBACK(&poller->core, atom, flags)
    ensures IO_REMOVE_1_gone: gone(&poller->core, atom); */
void io_callback_removes_itself(io_poller *poller, io_atom *atom, int flags);
void io_callback_removes_itself(io_poller *poller, io_atom *atom, int flags)
{
    io_user_state = flags;
    io_core_remove(&poller->core, atom);
}

/* Removes another, which may be the next in the queue. */
/*@ CALLBACK(&poller->core, atom, flags)
    ensures IO_REMOVE_1_gone: gone(&poller->core, io_user_other); */
void io_callback_removes_another(io_poller *poller, io_atom *atom, int flags);
void io_callback_removes_another(io_poller *poller, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    io_core_remove(&poller->core, io_user_other);
}

/* Adds one: it gets nothing in this dispatch (IO-ADD-9). */
/*@ CALLBACK(&poller->core, atom, flags) */
void io_callback_adds(io_poller *poller, io_atom *atom, int flags);
void io_callback_adds(io_poller *poller, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    io_user_state = io_core_add(&poller->core, io_user_other, IO_READ | IO_ONESHOT);
}

/* Sets another to nothing: what was pending for it is dropped (IO-SET-1). */
/*@ CALLBACK(&poller->core, atom, flags)
    ensures IO_SET_1_silent: KNOWN(&poller->core, io_user_other) ==> !SOME(READY(&poller->core, io_user_other->fd)); */
void io_callback_silences(io_poller *poller, io_atom *atom, int flags);
void io_callback_silences(io_poller *poller, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    io_user_state = io_core_set(&poller->core, io_user_other, 0);
}

/* Several calls in a row: leaves, and takes its place again. */
/*@ CALLBACK(&poller->core, atom, flags)
    ensures IO_ADD_1_idle: READY(&poller->core, atom->fd) == 0; */
void io_callback_returns(io_poller *poller, io_atom *atom, int flags);
void io_callback_returns(io_poller *poller, io_atom *atom, int flags)
{
    (void)flags;
    io_core_remove(&poller->core, atom);
    //@ assert client: client(&poller->core);
    io_core_add(&poller->core, atom, IO_WRITE);
}

/* Dispatches, and asks for events as values: both refuse, and nothing is lost or told twice. */
/*@ CALLBACK(&poller->core, atom, flags)
    ensures IO_DISPATCH_5_busy: io_user_state == -EBUSY; */
void io_callback_nests(io_poller *poller, io_atom *atom, int flags);
void io_callback_nests(io_poller *poller, io_atom *atom, int flags)
{
    (void)atom;
    (void)flags;
    io_user_state = io_core_dispatch(&poller->core, poller);
    io_event event = {0};
    io_core_next(&poller->core, &event);
}

/* Never after remove, as one theorem: whatever the callbacks do, also if they add the atom again,
 * this dispatch calls it no more. */
/*@ REQ_INV(&poller->core)
    requires atom: outside(&poller->core, atom) && atom == io_watched;
    requires client: client(&poller->core);
    requires idle: poller->core.dispatching == 0;
    terminates \true;
    exits \false;
    ensures IO_REMOVE_1_never: io_watched_calls == 0; */
void io_client_removes(io_poller *poller, io_atom *atom);
void io_client_removes(io_poller *poller, io_atom *atom)
{
    io_core_remove(&poller->core, atom);
    io_core_dispatch(&poller->core, poller);
}
