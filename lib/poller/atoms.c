/* Adding, changing and removing atoms: the core decides, the backend tells the kernel. */
#include "../os/platform.h"

#include "poller.h"

/* -EINVAL for arguments that no function takes (IO-ERROR-5). */
static int check(const io_poller *poller, const io_atom *atom)
{
    return io_poller_is_open(poller) && atom ? 0 : -EINVAL;
}

int io_add(io_poller *poller, io_atom *atom, int flags)
{
    int r = check(poller, atom);
    if (r == 0) {
        r = io_core_add(&poller->core, atom, flags);
    }
    if ((r == -ERANGE || r == -EEXIST) && io_os_check_open(atom->fd) < 0) {
        r = -EBADF; /* comes before these two (IO-ERROR-4) */
    }
    if (r < 0) {
        return io_result(r);
    }
    r = poller->backend->add(poller, atom->fd);
    if (r < 0) {
        io_core_remove(&poller->core, atom);
    }
    return io_result(r);
}

int io_set(io_poller *poller, io_atom *atom, int flags)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    io_slot *slot = io_core_find(&poller->core, atom);
    io_slot before = slot ? *slot : (io_slot){0};
    int r = io_core_set(&poller->core, atom, flags);
    if (r > 0) {
        r = poller->backend->modify(poller, atom->fd);
        if (r < 0) {
            *slot = before; /* on an error nothing has changed (IO-ERROR-2) */
        }
    }
    return io_result(r);
}

int io_remove(io_poller *poller, io_atom *atom)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    const io_slot *slot = io_core_find(&poller->core, atom);
    if (slot && !(slot->kernel & IO_KERNEL_DEAD)) {
        poller->backend->remove(poller, atom->fd);
    }
    return io_result(io_core_remove(&poller->core, atom));
}

/* EAGAIN answers a hang-up or an error that is there; one that is over ended unseen, and the next
 * one is another (IO-EVENT-8). The kernel is asked only if there was one. */
static void forget_alarms(io_poller *poller, io_fd fd)
{
    if (io_core_alarms(&poller->core, (uint32_t)fd) == 0) {
        return;
    }
    int events = io_os_alarms(fd);
    if (events >= 0) {
        int bits = events & POLLHUP ? IO_BIT_HUP : 0;
        bits |= events & POLLERR ? IO_BIT_ERR : 0;
        io_core_calm(&poller->core, (uint32_t)fd, bits);
    }
}

int io_exhausted(io_poller *poller, io_atom *atom, int flags)
{
    if (check(poller, atom) < 0) {
        return io_result(-EINVAL);
    }
    int r = io_core_exhausted(&poller->core, atom, flags);
    if (r >= 0) {
        forget_alarms(poller, atom->fd);
    }
    if (r > 0) {
        r = poller->backend->modify(poller, atom->fd);
    }
    return io_result(r);
}

int io_fd_check(io_poller *poller)
{
    if (!io_poller_is_open(poller)) {
        return io_result(-EINVAL);
    }
    int count = 0;
    for (uint64_t fd = 0; fd < poller->core.slot_count; fd++) {
        const io_slot *slot = &poller->core.slots[fd];
        if (slot->atom && ((slot->kernel & IO_KERNEL_DEAD) || io_os_check_open((int)fd) < 0)) {
            count++;
        }
    }
    return count;
}
