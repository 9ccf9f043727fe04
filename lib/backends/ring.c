/* The rings of io_uring: memory that the kernel and we share, and their barriers. */
#include "../os/platform.h"

#include "ring.h"

#ifdef USE_URING

#include "../os/os_atomic.h"

enum { SUBMISSIONS = 4 }; /* places; both counts are powers of two, as the kernel wants them */

/* An interrupt for each wake-up is not needed: we look after we have entered the kernel. */
enum { SETUP = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL };

#define FEATURES                                                                                   \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG |                          \
     IORING_FEAT_RSRC_TAGS /* of 5.13, as multishot polls are */ | IORING_FEAT_CQE_SKIP)

static io_os_word *word(const io_ring *ring, uint32_t offset)
{
    return (io_os_word *)(void *)((char *)ring->rings + offset);
}

static uint64_t entries_size(void)
{
    return SUBMISSIONS * sizeof(struct io_uring_sqe);
}

static int map(io_ring *ring, const struct io_uring_params *params)
{
    uint64_t sq_size = params->sq_off.array + SUBMISSIONS * sizeof(uint32_t);
    uint64_t cq_size = params->cq_off.cqes + IO_RING_COMPLETIONS * sizeof(struct io_uring_cqe);
    ring->rings_size = sq_size > cq_size ? sq_size : cq_size;
    ring->rings = io_os_uring_map(ring->fd, ring->rings_size, IORING_OFF_SQ_RING);
    if (!ring->rings) {
        return -ENOMEM;
    }
    ring->entries = io_os_uring_map(ring->fd, entries_size(), IORING_OFF_SQES);
    if (!ring->entries) {
        io_os_uring_unmap(ring->rings, ring->rings_size);
        return -ENOMEM;
    }
    ring->sq_head = params->sq_off.head;
    ring->sq_tail = params->sq_off.tail;
    ring->sq_flags = params->sq_off.flags;
    ring->cq_head = params->cq_off.head;
    ring->cq_tail = params->cq_off.tail;
    ring->cqes = params->cq_off.cqes;
    for (uint32_t i = 0; i < SUBMISSIONS; i++) {
        uint32_t offset = params->sq_off.array + i * (uint32_t)sizeof(uint32_t);
        io_os_release(word(ring, offset), i); /* each place of the ring has its own entry */
    }
    return 0;
}

int io_ring_open(io_ring *ring)
{
    struct io_uring_params params = {.flags = SETUP, .cq_entries = IO_RING_COMPLETIONS};
    ring->fd = io_os_uring_setup(SUBMISSIONS, &params);
    if (ring->fd < 0) {
        /* A kernel that does not know a flag is too old. */
        return ring->fd == -EINVAL ? -ENOSYS : ring->fd;
    }
    ring->process = io_os_process();
    int r = (params.features & FEATURES) == FEATURES ? map(ring, &params) : -ENOSYS;
    if (r < 0) {
        io_os_close_own(ring->fd);
    }
    return r;
}

static void unmap(const io_ring *ring)
{
    io_os_uring_unmap(ring->entries, entries_size());
    io_os_uring_unmap(ring->rings, ring->rings_size);
}

void io_ring_close(io_ring *ring)
{
    unmap(ring);
    io_os_close_own(ring->fd);
}

int io_ring_replace(io_ring *ring, io_ring *other)
{
    int r;
    do {
        r = io_os_dup_to(other->fd, ring->fd);
    } while (r == -EINTR); /* IO-ERROR-6 */
    if (r < 0) {
        io_ring_close(other);
        return r;
    }
    io_os_close_own(other->fd);
    other->fd = ring->fd;
    unmap(ring);
    *ring = *other;
    return 0;
}

static void put(io_ring *ring, const struct io_uring_sqe *entry)
{
    uint32_t tail = io_os_acquire(word(ring, ring->sq_tail));
    ((struct io_uring_sqe *)ring->entries)[tail % SUBMISSIONS] = *entry;
    io_os_release(word(ring, ring->sq_tail), tail + 1);
}

void io_ring_put_poll(io_ring *ring, io_fd fd, uint32_t events, uint64_t data)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    events = events << 16 | events >> 16; /* the kernel takes them in two halves */
#endif
    struct io_uring_sqe entry = {.opcode = IORING_OP_POLL_ADD,
                                 .fd = fd,
                                 .len = IORING_POLL_ADD_MULTI,
                                 .poll32_events = events,
                                 .user_data = data};
    put(ring, &entry);
}

static void put_cancel(io_ring *ring, uint64_t data, uint32_t flags)
{
    struct io_uring_sqe entry = {.opcode = IORING_OP_ASYNC_CANCEL,
                                 .flags = IOSQE_CQE_SKIP_SUCCESS,
                                 .addr = data,
                                 .cancel_flags = flags,
                                 .user_data = IO_RING_NOBODY};
    put(ring, &entry);
}

void io_ring_put_cancel(io_ring *ring, uint64_t data)
{
    put_cancel(ring, data, 0);
}

void io_ring_put_cancel_all(io_ring *ring)
{
    put_cancel(ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
}

int io_ring_submit(io_ring *ring)
{
    uint32_t head = io_os_acquire(word(ring, ring->sq_head));
    int r = io_os_uring_submit(ring->fd, io_os_acquire(word(ring, ring->sq_tail)) - head);
    io_os_release(word(ring, ring->sq_tail), io_os_acquire(word(ring, ring->sq_head)));
    return r == -EAGAIN ? -ENOMEM : r; /* EAGAIN: no memory for a request */
}

/* The kernel keeps completions that had no place in the ring, until it is entered. */
static int fetch(const io_ring *ring)
{
    if (!(io_os_acquire(word(ring, ring->sq_flags)) & IORING_SQ_CQ_OVERFLOW)) {
        return 0;
    }
    (void)io_os_uring_submit(ring->fd, 0);
    return io_os_acquire(word(ring, ring->cq_tail)) != io_os_acquire(word(ring, ring->cq_head));
}

int io_ring_take(io_ring *ring, io_completion *completion)
{
    uint32_t head = io_os_acquire(word(ring, ring->cq_head));
    if (head == io_os_acquire(word(ring, ring->cq_tail)) && !fetch(ring)) {
        return 0;
    }
    const struct io_uring_cqe *cqes = (void *)((char *)ring->rings + ring->cqes);
    const struct io_uring_cqe *cqe = &cqes[head % IO_RING_COMPLETIONS];
    completion->data = cqe->user_data;
    completion->result = cqe->res;
    completion->more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    io_os_release(word(ring, ring->cq_head), head + 1);
    return 1;
}

int io_ring_wait(const io_ring *ring, int timeout_ms)
{
    return io_os_uring_wait(ring->fd, timeout_ms);
}

#endif
