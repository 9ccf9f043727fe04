/* The polls of io_uring (kernel-semantics: 2, 18, 19, 30, 31, 37). A wake-up is dealt with by the
 * task that armed the poll when it leaves the kernel: until then further ones are one with it. What
 * completes has the events that the waker named, if it was alone and named any; else those that are
 * there. */
#include "uring.h"

#ifdef IO_SIM_HAS_URING

enum { ALWAYS = POLLERR | POLLHUP | POLLNVAL | POLLRDHUP }; /* completes a poll, asked for or not */

/* Those that were armed last are woken first. */
static void add_to_file(io_sim *sim, int index)
{
    io_sim_request *request = &sim->requests[index];
    io_sim_file *file = &sim->files[request->file];
    request->order = ++sim->orders;
    request->next_of_file = file->requests;
    file->requests = (uint16_t)index;
}

static void take_from_file(io_sim *sim, int index)
{
    uint16_t *link = &sim->files[sim->requests[index].file].requests;
    while (*link != index) {
        link = &sim->requests[*link].next_of_file;
    }
    *link = sim->requests[index].next_of_file;
}

static void drop(io_sim *sim, int index)
{
    take_from_file(sim, index);
    sim->requests[index].used = 0;
    sim->requests[index].lets_go = 1;
}

/* The files of those that were dropped are closed, perhaps: after all else, and that may wake others. */
static void let_go(io_sim *sim)
{
    for (int i = 0; i < sim->request_end; i++) {
        if (sim->requests[i].lets_go) {
            sim->requests[i].lets_go = 0;
            io_sim_unref_file(sim, sim->requests[i].file);
        }
    }
}

/* To be dealt with, in the order of the wake-ups. */
static void enqueue(io_sim *sim, int index)
{
    io_sim_request *request = &sim->requests[index];
    if (request->queued || request->due_ns) {
        return;
    }
    request->queued = 1;
    request->next_work = NONE;
    if (sim->work[1] == NONE) {
        sim->work[0] = (uint16_t)index;
    } else {
        sim->requests[sim->work[1]].next_work = (uint16_t)index;
    }
    sim->work[1] = (uint16_t)index;
}

void io_sim_uring_due(io_sim *sim, int index)
{
    sim->requests[index].due_ns = 0;
    enqueue(sim, index);
}

void io_sim_uring_wake(io_sim *sim, int index, int key)
{
    io_sim_request *request = &sim->requests[index];
    int asked = (int)request->events & ~POLLPRI; /* io_uring's own use of that bit is in the way */
    if ((key && !(key & asked)) || request->deaf) {
        return;
    }
    request->deaf = key && !request->multishot;
    request->claim = request->wakes == 0 ? key : 0;
    request->wakes++;
    enqueue(sim, index);
}

void io_sim_uring_end_after_wake(io_sim *sim, int file)
{
    for (int i = sim->files[file].requests; i != NONE; i = sim->requests[i].next_of_file) {
        sim->requests[i].multishot = 0;
    }
}

void io_sim_uring_wake_spuriously(io_sim *sim, int fd)
{
    const io_sim_file *file = io_sim_any_file_of(sim, fd);
    for (int i = file ? file->requests : NONE; i != NONE; i = sim->requests[i].next_of_file) {
        io_sim_uring_wake(sim, i, IO_SIM_WAKE_IN | IO_SIM_WAKE_OUT);
    }
}

static int mask_of(io_sim *sim, const io_sim_request *request)
{
    return io_sim_mask(sim, request->file, -1, (int)request->events) & (int)request->events;
}

static void work_on(io_sim *sim, int index)
{
    io_sim_request *request = &sim->requests[index];
    int result = request->wakes == 1 ? request->claim & (int)request->events : 0;
    request->wakes = 0;
    if (request->cancelled) {
        result = -ECANCELED;
    } else if (result == 0) {
        result = mask_of(sim, request);
    }
    if (result == 0 && !request->multishot) { /* for nothing: it is armed again */
        take_from_file(sim, index);
        add_to_file(sim, index);
        request->deaf = 0;
    }
    if (result == 0 ||
        (result > 0 && request->multishot &&
         io_sim_ring_post(sim, request->ring, request->data, result, IORING_CQE_F_MORE))) {
        return; /* it goes on */
    }
    int ring = request->ring;
    uint64_t data = request->data;
    drop(sim, index);
    io_sim_ring_post(sim, ring, data, result, 0);
}

void io_sim_uring_work(io_sim *sim)
{
    while (sim->work[0] != NONE) {
        int index = sim->work[0];
        io_sim_request *request = &sim->requests[index];
        sim->work[0] = request->next_work;
        sim->work[1] = sim->work[0] == NONE ? NONE : sim->work[1];
        request->queued = 0;
        if (request->used) {
            work_on(sim, index);
        }
        if (sim->work[0] == NONE) {
            let_go(sim);
        }
    }
}

static int is_pollable(const io_sim_file *file)
{
    return file->kind < IO_SIM_ORDINARY;
}

static int new_request(io_sim *sim)
{
    int index = 0;
    while (index < sim->request_end && (sim->requests[index].used || sim->requests[index].queued ||
                                        sim->requests[index].lets_go)) {
        index++;
    }
    if (index == IO_SIM_REQUESTS) {
        sim->shortages++;
        return -ENOMEM;
    }
    if (index == sim->request_end) {
        sim->request_end++;
    }
    return index;
}

static int read_events(const struct io_uring_sqe *entry)
{
    uint32_t events = entry->poll32_events;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    events = events << 16 | events >> 16;
#endif
    return (int)(events & 0xffff) | ALWAYS;
}

/* Arm it. The result that it completes with at once; 0: it does not. */
static int arm(io_sim *sim, int ring, const struct io_uring_sqe *entry, int error)
{
    const io_sim_file *file = io_sim_file_of(sim, entry->fd);
    int multishot = (entry->len & IORING_POLL_ADD_MULTI) != 0;
    if (entry->len & ~IORING_POLL_ADD_MULTI) {
        return -EINVAL;
    }
    if (!file) {
        return -EBADF;
    }
    int index = error ? -error : new_request(sim);
    if (index < 0) {
        return index;
    }
    io_sim_request *request = &sim->requests[index];
    *request = (io_sim_request){.ring = (uint16_t)ring,
                                .file = sim->numbers[entry->fd].file,
                                .multishot = (uint8_t)multishot,
                                .events = (uint32_t)read_events(entry),
                                .data = entry->user_data};
    int mask = mask_of(sim, request);
    if (!is_pollable(file)) {
        return mask ? mask : -EINVAL;
    }
    if (mask && !multishot) {
        return mask;
    }
    request->used = 1;
    sim->files[request->file].references++; /* it keeps the file open */
    add_to_file(sim, index);
    if (mask) {
        request->claim = mask;
        request->wakes = 1;
        enqueue(sim, index);
    }
    return 0;
}

void io_sim_uring_poll_add(io_sim *sim, int ring, const struct io_uring_sqe *entry, int error)
{
    int result = arm(sim, ring, entry, error);
    if (result != 0) {
        io_sim_ring_post(sim, ring, entry->user_data, result, 0);
    }
}

/* Its end comes when it is dealt with. Those of a ring that match; the number of them. */
static int cancel(io_sim *sim, int ring, const struct io_uring_sqe *entry, uint32_t order,
                  uint64_t late_ns)
{
    int all = entry->cancel_flags != 0;
    int count = 0;
    for (int i = 0; i < sim->request_end; i++) {
        io_sim_request *request = &sim->requests[i];
        if (!request->used || request->ring != ring || (!all && request->data != entry->addr)) {
            continue;
        }
        int is_late = late_ns > 0 && request->order <= order && !request->cancelled;
        request->cancelled = 1;
        request->due_ns = is_late && !request->queued ? sim->now_ns + late_ns : request->due_ns;
        enqueue(sim, i);
        count++;
        if (!all) {
            break;
        }
    }
    return count;
}

void io_sim_uring_cancel(io_sim *sim, int ring, const struct io_uring_sqe *entry, uint32_t order,
                         uint64_t late_ns)
{
    int all = entry->cancel_flags == (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    int result = -EINVAL;
    if (all || entry->cancel_flags == 0) {
        int count = cancel(sim, ring, entry, order, late_ns);
        result = all ? count : count ? 0 : -ENOENT;
    }
    if (result < 0 || !(entry->flags & IOSQE_CQE_SKIP_SUCCESS)) {
        io_sim_ring_post(sim, ring, entry->user_data, result, 0);
    }
}

void io_sim_uring_drop(io_sim *sim, int ring, int only_ready)
{
    for (int i = 0; i < sim->request_end; i++) {
        if (sim->requests[i].used && sim->requests[i].ring == ring &&
            (!only_ready || mask_of(sim, &sim->requests[i]))) {
            drop(sim, i);
        }
    }
    let_go(sim);
}

int io_sim_uring_has_polls(const io_sim *sim, int ring)
{
    for (int i = 0; i < sim->request_end; i++) {
        if (sim->requests[i].used && sim->requests[i].ring == ring) {
            return 1;
        }
    }
    return 0;
}

#else

void io_sim_uring_wake(io_sim *sim, int index, int key)
{
    (void)sim;
    (void)index;
    (void)key;
}

void io_sim_uring_due(io_sim *sim, int index)
{
    (void)sim;
    (void)index;
}

void io_sim_uring_work(io_sim *sim)
{
    (void)sim;
}

#endif
