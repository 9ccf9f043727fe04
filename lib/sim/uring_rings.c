/* The rings of io_uring, and its system calls (kernel-semantics: 31b, 37; io_uring_setup(2),
 * io_uring_enter(2)): for polls and their cancellation only. The memory that io_sim_mmap gives out is
 * the simulation's own. */
#include "uring.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef IO_SIM_HAS_URING

enum { EXIT_NS = 1000000 };              /* what a ring has kept open outlives it for so long */
static const uint32_t dirt = 0x55555555; /* in an array of submissions that nobody has written to */

enum {
    SETUP = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    FEATURES = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
               IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS | IORING_FEAT_CQE_SKIP,
    ENTER = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG
};

_Static_assert(sizeof(struct io_uring_sqe) == IO_SIM_SUBMISSION_BYTES,
               "a submission has its place");
_Static_assert(sizeof(struct io_uring_cqe) == sizeof(io_sim_completion), "so has a completion");

/* --- completions --- */

int io_sim_ring_count(const io_sim *sim, int ring)
{
    const io_sim_ring_memory *memory = &sim->rings[ring].memory;
    return (int)(memory->cq_tail - memory->cq_head);
}

/* Kept because there is no place. Where there is no place for that either, it is lost. */
static void keep(io_sim *sim, int ring, io_sim_completion completion)
{
    io_sim_ring *it = &sim->rings[ring];
    if (it->kept == IO_SIM_KEPT) {
        sim->shortages++;
        it->lost = 1;
        it->memory.cq_overflow++;
        return;
    }
    it->keeps[it->kept++] = completion;
    it->memory.sq_flags |= IORING_SQ_CQ_OVERFLOW;
}

static int put(io_sim *sim, int ring, io_sim_completion completion)
{
    io_sim_ring_memory *memory = &sim->rings[ring].memory;
    if (io_sim_ring_count(sim, ring) >= (int)memory->cq_entries) {
        return 0;
    }
    memory->completions[memory->cq_tail & memory->cq_mask] = completion;
    memory->cq_tail++;
    return 1;
}

/* Whoever waits is told, who watches the ring's descriptor too. */
int io_sim_ring_post(io_sim *sim, int ring, uint64_t data, int result, uint32_t flags)
{
    io_sim_completion completion = {.data = data, .result = result, .flags = flags};
    if (sim->rings[ring].file == NONE) {
        return 1; /* it is being closed */
    }
    if (sim->rings[ring].kept > 0 || !put(sim, ring, completion)) {
        if (flags & IORING_CQE_F_MORE) {
            return 0;
        }
        keep(sim, ring, completion);
    }
    io_sim_uring_end_after_wake(sim, sim->rings[ring].file);
    io_sim_wake(sim, sim->rings[ring].file, IO_SIM_IN);
    return 1;
}

void io_sim_ring_fetch(io_sim *sim, int ring)
{
    io_sim_ring *it = &sim->rings[ring];
    uint32_t moved = 0;
    while (moved < it->kept && put(sim, ring, it->keeps[moved])) {
        moved++;
    }
    it->kept -= moved;
    memmove(it->keeps, it->keeps + moved, it->kept * sizeof(it->keeps[0]));
    if (it->kept == 0) {
        it->memory.sq_flags &= ~(uint32_t)IORING_SQ_CQ_OVERFLOW;
    }
}

/* --- rings --- */

int io_sim_ring_mask(const io_sim *sim, int ring)
{
    const io_sim_ring *it = &sim->rings[ring];
    int mask = it->memory.sq_tail - it->memory.sq_head < it->memory.sq_entries ? IO_SIM_OUT : 0;
    return io_sim_ring_count(sim, ring) > 0 || it->kept > 0 ? mask | IO_SIM_IN : mask;
}

/* Closed, and mapped no more. Its polls, and the files that they keep open, go some time later. */
void io_sim_ring_release(io_sim *sim, int ring)
{
    io_sim_ring *it = &sim->rings[ring];
    it->file = NONE;
    it->used = io_sim_uring_has_polls(sim, ring) != 0;
    it->exit_ns = it->used ? sim->now_ns + EXIT_NS : IO_SIM_NEVER;
}

void io_sim_ring_exit(io_sim *sim, int ring)
{
    sim->rings[ring].used = 0;
    sim->rings[ring].exit_ns = IO_SIM_NEVER;
    io_sim_uring_drop(sim, ring, 0);
}

/* A place; those that are closed end now if there is none. */
static int new_ring(io_sim *sim)
{
    int ring = 0;
    while (ring < sim->ring_end && sim->rings[ring].used) {
        ring++;
    }
    for (int i = 0; i < IO_SIM_RINGS && ring == IO_SIM_RINGS; i++) {
        if (sim->rings[i].file == NONE) {
            io_sim_ring_exit(sim, i);
            ring = i;
        }
    }
    if (ring == IO_SIM_RINGS) {
        sim->shortages++;
        return -ENOMEM;
    }
    sim->ring_end = ring == sim->ring_end ? (uint16_t)(ring + 1) : sim->ring_end;
    return ring;
}

static uint32_t *array_of(io_sim_ring *it)
{
    return (void *)((char *)&it->memory + it->array_at);
}

static uint32_t power_of_two(uint32_t count)
{
    uint32_t power = 1;
    while (power < count) {
        power *= 2;
    }
    return power;
}

static void describe(const io_sim_ring *it, struct io_uring_params *params)
{
#define AT(member) (uint32_t)offsetof(io_sim_ring_memory, member)
    params->features = FEATURES;
    params->sq_off = (struct io_sqring_offsets){.head = AT(sq_head),
                                                .tail = AT(sq_tail),
                                                .ring_mask = AT(sq_mask),
                                                .ring_entries = AT(sq_entries),
                                                .flags = AT(sq_flags),
                                                .dropped = AT(sq_dropped),
                                                .array = it->array_at};
    params->cq_off = (struct io_cqring_offsets){.head = AT(cq_head),
                                                .tail = AT(cq_tail),
                                                .ring_mask = AT(cq_mask),
                                                .ring_entries = AT(cq_entries),
                                                .overflow = AT(cq_overflow),
                                                .flags = AT(cq_flags),
                                                .cqes = AT(completions)};
#undef AT
}

static int setup(io_sim *sim, uint32_t entries, struct io_uring_params *params)
{
    int sized = (params->flags & IORING_SETUP_CQSIZE) != 0;
    if (entries == 0 || (params->flags & ~(uint32_t)SETUP) || (sized && params->cq_entries == 0)) {
        return -EINVAL;
    }
    uint32_t sq_entries = power_of_two(entries);
    uint32_t cq_entries = sized ? power_of_two(params->cq_entries) : 2 * sq_entries;
    if (cq_entries < sq_entries) {
        return -EINVAL;
    }
    int ring = sq_entries > IO_SIM_SUBMISSIONS || cq_entries > IO_SIM_COMPLETIONS ? -ENOMEM
                                                                                  : new_ring(sim);
    int file =
        ring < 0 ? ring : io_sim_new_file(sim, IO_SIM_RING, IO_SIM_READS | IO_SIM_WRITES, O_RDWR);
    if (file < 0) {
        return file;
    }
    io_sim_ring *it = &sim->rings[ring];
    it->used = 1;
    it->process = sim->process;
    it->lost = 0;
    it->kept = 0;
    it->exit_ns = IO_SIM_NEVER;
    it->file = (uint16_t)file;
    it->mapped[0] = it->mapped[1] = 0;
    /* Linux has it behind the completions, and may have it anywhere. */
    it->array_at = (uint32_t)(ring % 2 ? offsetof(io_sim_ring_memory, array)
                                       : offsetof(io_sim_ring_memory, array_behind));
    memset(&it->memory, 0, offsetof(io_sim_ring_memory, array));
    for (int i = 0; i < IO_SIM_SUBMISSIONS; i++) {
        array_of(it)[i] = dirt;
    }
    it->memory.sq_entries = params->sq_entries = sq_entries;
    it->memory.sq_mask = sq_entries - 1;
    it->memory.cq_entries = params->cq_entries = cq_entries;
    it->memory.cq_mask = cq_entries - 1;
    sim->files[file].object = (uint16_t)ring;
    describe(it, params);
    return io_sim_new_number(sim, file, 0, 1);
}

static int ring_of(io_sim *sim, int fd)
{
    const io_sim_file *file = io_sim_file_of(sim, fd);
    if (!file) {
        return -EBADF;
    }
    return file->kind == IO_SIM_RING ? file->object : -EOPNOTSUPP;
}

/* --- entering --- */

/* Its fault; a descriptor that is not open is another's. */
static io_sim_fault fault_of(io_sim *sim, const struct io_uring_sqe *entry)
{
    if (entry->opcode == IORING_OP_POLL_ADD && io_sim_file_of(sim, entry->fd)) {
        return io_sim_enter_request(sim, IO_SIM_CALL_URING_POLL, entry->fd);
    }
    if (entry->opcode == IORING_OP_ASYNC_CANCEL) {
        return io_sim_enter_request(sim, IO_SIM_CALL_URING_CANCEL, -1);
    }
    return (io_sim_fault){.spurious_fd = -1};
}

/* 0, or -EAGAIN: there is no memory for it. order: what was armed before this call. */
static int submit_one(io_sim *sim, int ring, const struct io_uring_sqe *entry, uint32_t order)
{
    io_sim_fault fault = fault_of(sim, entry);
    if (fault.error == EAGAIN) {
        return -EAGAIN;
    }
    if (entry->flags & ~IOSQE_CQE_SKIP_SUCCESS) {
        io_sim_ring_post(sim, ring, entry->user_data, -EINVAL, 0); /* not simulated */
    } else if (entry->opcode == IORING_OP_POLL_ADD) {
        io_sim_uring_poll_add(sim, ring, entry, fault.error);
    } else if (entry->opcode == IORING_OP_ASYNC_CANCEL) {
        io_sim_uring_cancel(sim, ring, entry, order, fault.late_ns);
    } else {
        io_sim_ring_post(sim, ring, entry->user_data, -EINVAL, 0);
    }
    return 0;
}

static int submit(io_sim *sim, int ring, uint32_t count)
{
    io_sim_ring *it = &sim->rings[ring];
    uint32_t there = it->memory.sq_tail - it->memory.sq_head;
    there = there < it->memory.sq_entries ? there : it->memory.sq_entries;
    uint32_t order = sim->orders;
    count = count < there ? count : there;
    for (uint32_t i = 0; i < count; i++) {
        struct io_uring_sqe entry;
        uint32_t at = array_of(it)[it->memory.sq_head & it->memory.sq_mask];
        if (at >= it->memory.sq_entries) {
            it->memory.sq_dropped++;
        } else {
            memcpy(&entry, it->submissions[at], sizeof(entry));
            if (submit_one(sim, ring, &entry, order) < 0) {
                return i > 0 ? (int)i : -EAGAIN;
            }
        }
        it->memory.sq_head++;
    }
    return (int)count;
}

typedef struct wait {
    int ring;
    int completions;
} wait;

static int look(io_sim *sim, void *context, int peek)
{
    const wait *w = context;
    io_sim_ring *it = &sim->rings[w->ring];
    if (peek) {
        return io_sim_ring_count(sim, w->ring) + (int)it->kept >= w->completions ||
               sim->work[0] != NONE;
    }
    io_sim_uring_work(sim);
    io_sim_ring_fetch(sim, w->ring);
    if (io_sim_ring_count(sim, w->ring) >= w->completions) {
        return 1;
    }
    if (it->lost) {
        it->lost = 0;
        return -EBADR;
    }
    return 0;
}

static int wait_for(io_sim *sim, int ring, uint32_t completions, const void *argument, int extended)
{
    const struct io_uring_getevents_arg *given = extended ? argument : NULL;
    const struct __kernel_timespec *timeout = given ? (const void *)(uintptr_t)given->ts : NULL;
    uint32_t most = sim->rings[ring].memory.cq_entries;
    wait w = {ring, (int)(completions < most ? completions : most)};
    int64_t timeout_ns = timeout ? timeout->tv_sec * 1000000000 + timeout->tv_nsec : -1;
    int r = io_sim_wait(sim, w.completions == 0 ? 0 : timeout_ns, look, &w);
    r = r > 0 ? 0 : r == 0 ? -ETIME : r;
    return io_sim_ring_count(sim, ring) > 0 ? 0 : r; /* fewer than asked for, but some */
}

static int enter(io_sim *sim, int fd, const uint64_t arguments[5])
{
    uint32_t count = (uint32_t)arguments[0], flags = (uint32_t)arguments[2];
    int extended = (flags & IORING_ENTER_EXT_ARG) != 0;
    if (flags & ~(uint32_t)ENTER) {
        return -EINVAL;
    }
    int ring = ring_of(sim, fd);
    if (ring < 0) {
        return ring;
    }
    int spurious_fd = sim->fault.spurious_fd;
    int submitted = count > 0 ? submit(sim, ring, count) : 0;
    if (submitted != (int)count || !(flags & IORING_ENTER_GETEVENTS)) {
        return submitted; /* there is less than that, or no memory for all */
    }
    if (sim->fault.error == EBADR && arguments[1] > 0) {
        io_sim_uring_drop(sim, ring, 1);
        return -EBADR;
    }
    if (extended && arguments[4] != sizeof(struct io_uring_getevents_arg)) {
        return submitted > 0 ? submitted : -EINVAL;
    }
    if (spurious_fd >= 0) {
        io_sim_uring_wake_spuriously(sim, spurious_fd);
    }
    int r = wait_for(sim, ring, (uint32_t)arguments[1], (const void *)(uintptr_t)arguments[3],
                     extended);
    return submitted > 0 ? submitted : r;
}

/* --- system calls --- */

long io_sim_syscall(long number, ...)
{
    uint64_t a[6] = {0};
    int arguments = number == __NR_io_uring_enter ? 6 : number == __NR_io_uring_setup ? 2 : 0;
    va_list list;
    va_start(list, number);
    for (int i = 0; i < arguments; i++) {
        a[i] = (uint64_t)va_arg(list, long);
    }
    va_end(list);
    int is_setup = number == __NR_io_uring_setup;
    int kind = is_setup                      ? IO_SIM_CALL_URING_SETUP
               : a[1] != 0                   ? IO_SIM_CALL_URING_SUBMIT
               : a[3] & IORING_ENTER_EXT_ARG ? IO_SIM_CALL_URING_WAIT
                                             : IO_SIM_CALL_URING_FETCH;
    if (arguments == 0) {
        errno = ENOSYS;
        return -1;
    }
    io_sim *sim = io_sim_enter(kind, is_setup ? -1 : (int)a[0]);
    if (!sim) {
        return -1;
    }
    return io_sim_return(is_setup ? setup(sim, (uint32_t)a[0], (void *)(uintptr_t)a[1])
                                  : enter(sim, (int)a[0], a + 1));
}

/* What is mapped of a ring is all that it needs, and no more, and is given back as a whole. Linux is
 * content with any size that ends in the same page; rings that fill their pages are not. */
static size_t size_of(const io_sim_ring *it, int is_entries)
{
    size_t submissions = it->memory.sq_entries;
    size_t array = it->array_at + submissions * sizeof(uint32_t);
    size_t completions = offsetof(io_sim_ring_memory, completions) +
                         it->memory.cq_entries * sizeof(io_sim_completion);
    size_t rings = array > completions ? array : completions;
    return is_entries ? submissions * IO_SIM_SUBMISSION_BYTES : rings;
}

/* Somebody has written beyond the array. */
static int is_overrun(io_sim_ring *it)
{
    for (uint32_t i = it->memory.sq_entries; i < IO_SIM_SUBMISSIONS; i++) {
        if (array_of(it)[i] != dirt) {
            return 1;
        }
    }
    return 0;
}

void *io_sim_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_MMAP, fd);
    (void)address;
    (void)protection;
    (void)flags;
    if (!sim) {
        return MAP_FAILED;
    }
    int ring = ring_of(sim, fd);
    int is_entries = offset == (off_t)IORING_OFF_SQES;
    int known = is_entries || offset == (off_t)IORING_OFF_SQ_RING;
    if (ring < 0 || !known || size != size_of(&sim->rings[ring], is_entries) ||
        sim->rings[ring].mapped[is_entries]) {
        errno = ring < 0 ? ENODEV : EINVAL;
        return MAP_FAILED;
    }
    io_sim_ring *it = &sim->rings[ring];
    sim->files[it->file].references++;
    sim->mappings++;
    it->mapped[is_entries] = 1;
    return is_entries ? (void *)it->submissions : (void *)&it->memory;
}

int io_sim_munmap(void *address, size_t size)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_MUNMAP, -1);
    if (!sim) {
        return -1;
    }
    for (int ring = 0; ring < sim->ring_end; ring++) {
        io_sim_ring *it = &sim->rings[ring];
        int is_entries = address == (void *)it->submissions;
        if ((is_entries || address == (void *)&it->memory) && it->mapped[is_entries] &&
            size == size_of(it, is_entries) && !is_overrun(it)) {
            it->mapped[is_entries] = 0;
            sim->mappings--;
            io_sim_unref_file(sim, it->file);
            return io_sim_return(0);
        }
    }
    return io_sim_return(-EINVAL);
}

#else

long io_sim_syscall(long number, ...)
{
    (void)number;
    errno = ENOSYS;
    return -1;
}

void *io_sim_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    (void)address;
    (void)size;
    (void)protection;
    (void)flags;
    (void)fd;
    (void)offset;
    errno = ENODEV;
    return MAP_FAILED;
}

int io_sim_munmap(void *address, size_t size)
{
    (void)address;
    (void)size;
    errno = EINVAL;
    return -1;
}

int io_sim_ring_mask(const io_sim *sim, int ring)
{
    (void)sim;
    (void)ring;
    return 0;
}

void io_sim_ring_release(io_sim *sim, int ring)
{
    (void)sim;
    (void)ring;
}

void io_sim_ring_exit(io_sim *sim, int ring)
{
    (void)sim;
    (void)ring;
}

#endif

int io_sim_mapping_count(const io_sim *sim)
{
    return (int)sim->mappings;
}

void io_sim_fork_rings(io_sim *sim)
{
    for (int ring = 0; ring < sim->ring_end; ring++) {
        if (sim->rings[ring].used && sim->rings[ring].file == NONE) {
            io_sim_ring_exit(sim, ring);
        }
    }
}

int io_sim_parent_polls(const io_sim *sim)
{
    int count = 0;
    for (int i = 0; i < sim->request_end; i++) {
        const io_sim_request *request = &sim->requests[i];
        count += request->used && sim->rings[request->ring].process != sim->process;
    }
    return count;
}

int io_sim_left_polls(const io_sim *sim)
{
    int count = 0;
    for (int i = 0; i < sim->request_end; i++) {
        const io_sim_request *request = &sim->requests[i];
        const io_sim_ring *ring = &sim->rings[request->ring];
        count += request->used && ring->file == NONE && ring->process == sim->process;
    }
    return count;
}
