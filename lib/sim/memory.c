/* Bytes in queues: chunks of pages, all from the simulation itself. */
#include "kernel.h"

void io_sim_queue_init(io_sim_queue *queue)
{
    *queue = (io_sim_queue){.head = NONE, .tail = NONE};
}

static int new_page(io_sim *sim)
{
    int page = sim->page_free;
    if (page != NONE) {
        sim->page_free = sim->page_ends[page];
    } else if (sim->page_end < IO_SIM_PAGES) {
        page = sim->page_end++;
    } else {
        sim->shortages++;
        return -ENOBUFS;
    }
    sim->page_uses[page] = 0;
    sim->page_ends[page] = 0;
    return page;
}

static int new_chunk(io_sim *sim)
{
    int chunk = sim->chunk_free;
    if (chunk != NONE) {
        sim->chunk_free = sim->chunks[chunk].next;
    } else if (sim->chunk_end < IO_SIM_CHUNKS) {
        chunk = sim->chunk_end++;
    } else {
        sim->shortages++;
        return -ENOBUFS;
    }
    return chunk;
}

/* The last page of a queue is written to by this queue alone. */
static int page_for(io_sim *sim, const io_sim_queue *queue, int fresh)
{
    if (!fresh && queue->tail != NONE) {
        int page = sim->chunks[queue->tail].page;
        if (sim->page_ends[page] < IO_SIM_PAGE_BYTES) {
            return page;
        }
    }
    return new_page(sim);
}

ssize_t io_sim_append(io_sim *sim, io_sim_queue *queue, io_sim_span *from, size_t size, int fresh)
{
    int index = new_chunk(sim);
    if (index < 0) {
        return index;
    }
    io_sim_chunk *chunk = &sim->chunks[index];
    int page = page_for(sim, queue, fresh);
    if (page < 0) {
        chunk->next = sim->chunk_free;
        sim->chunk_free = (uint16_t)index;
        return page;
    }
    size_t room = IO_SIM_PAGE_BYTES - (size_t)sim->page_ends[page];
    size = size < room ? size : room;
    *chunk = (io_sim_chunk){.next = NONE,
                            .page = (uint16_t)page,
                            .start = sim->page_ends[page],
                            .length = (uint16_t)size,
                            .owner = NONE};
    io_sim_span_get(from, sim->pages[page] + chunk->start, size);
    sim->page_ends[page] = (uint16_t)(sim->page_ends[page] + size);
    sim->page_uses[page]++;
    if (queue->tail == NONE) {
        queue->head = (uint16_t)index;
    } else {
        sim->chunks[queue->tail].next = (uint16_t)index;
    }
    queue->tail = (uint16_t)index;
    queue->bytes += (uint32_t)size;
    queue->chunks++;
    return (ssize_t)size;
}

void io_sim_drop_chunk(io_sim *sim, io_sim_queue *queue)
{
    int index = queue->head;
    io_sim_chunk *chunk = &sim->chunks[index];
    queue->head = chunk->next;
    queue->tail = queue->head == NONE ? NONE : queue->tail;
    queue->bytes -= chunk->length;
    queue->chunks--;
    queue->messages -= chunk->last;
    if (--sim->page_uses[chunk->page] == 0) {
        sim->page_ends[chunk->page] = sim->page_free;
        sim->page_free = chunk->page;
    }
    chunk->next = sim->chunk_free;
    sim->chunk_free = (uint16_t)index;
    io_sim_endpoint *owner = chunk->owner == NONE ? NULL : &sim->sockets[chunk->owner];
    if (owner && owner->used && owner->generation == chunk->generation && chunk->charge) {
        owner->charge -= chunk->charge;
        if (io_sim_is_unix(owner) && io_sim_unix_has_room(owner)) {
            io_sim_tell_socket(sim, owner, IO_SIM_WAKE_OUT);
        }
    }
}

ssize_t io_sim_append_message(io_sim *sim, io_sim_queue *queue, io_sim_span *from, size_t size,
                              int owner, uint32_t charge)
{
    ssize_t done = 0;
    do { /* once for a message of no bytes */
        ssize_t part = io_sim_append(sim, queue, from, size - (size_t)done, 0);
        if (part < 0 && done == 0) {
            return part;
        }
        if (part < 0) {
            break;
        }
        done += part;
    } while ((size_t)done < size);
    io_sim_chunk *last = &sim->chunks[queue->tail];
    last->last = 1;
    queue->messages++;
    if (owner != NONE) {
        last->owner = (uint16_t)owner;
        last->generation = sim->sockets[owner].generation;
        last->charge = charge;
        sim->sockets[owner].charge += charge;
    }
    return done;
}

size_t io_sim_take(io_sim *sim, io_sim_queue *queue, io_sim_span *to, size_t size)
{
    io_sim_chunk *chunk = &sim->chunks[queue->head];
    size = size < chunk->length ? size : chunk->length;
    if (to) {
        size = io_sim_span_put(to, sim->pages[chunk->page] + chunk->start, size);
    }
    chunk->start = (uint16_t)(chunk->start + size);
    chunk->length = (uint16_t)(chunk->length - size);
    queue->bytes -= (uint32_t)size;
    if (chunk->length == 0) {
        io_sim_drop_chunk(sim, queue);
    }
    return size;
}

void io_sim_drop_all(io_sim *sim, io_sim_queue *queue)
{
    while (queue->head != NONE) {
        io_sim_drop_chunk(sim, queue);
    }
}

/* Move on to the next buffer that is not empty, and say how much it takes. */
static size_t span_room(io_sim_span *span, size_t size)
{
    while (span->left > 0 && span->offset == span->iov->iov_len) {
        span->iov++;
        span->offset = 0;
    }
    size_t room = span->left > 0 ? span->iov->iov_len - span->offset : 0;
    room = room < span->left ? room : span->left;
    return size < room ? size : room;
}

size_t io_sim_span_put(io_sim_span *to, const unsigned char *bytes, size_t size)
{
    size_t done = 0;
    size_t part;
    while ((part = span_room(to, size - done)) > 0) {
        memcpy((char *)to->iov->iov_base + to->offset, bytes + done, part);
        to->offset += part;
        to->left -= part;
        done += part;
    }
    return done;
}

size_t io_sim_span_get(io_sim_span *from, unsigned char *bytes, size_t size)
{
    size_t done = 0;
    size_t part;
    while ((part = span_room(from, size - done)) > 0) {
        memcpy(bytes + done, (const char *)from->iov->iov_base + from->offset, part);
        from->offset += part;
        from->left -= part;
        done += part;
    }
    return done;
}

/* What Linux charges a unix socket's buffer for a message: the bytes behind a header are rounded up
 * to a power of two, those of long ones to pages; and 256 for the bookkeeping. */
uint32_t io_sim_true_size(size_t size, int is_stream)
{
    size_t most_linear = is_stream ? 3776 : 16064;
    size_t paged = size > most_linear ? size - most_linear : 0;
    paged = (paged + IO_SIM_PAGE_BYTES - 1) / IO_SIM_PAGE_BYTES * IO_SIM_PAGE_BYTES;
    size_t linear = size > paged ? size - paged : 0;
    size_t header = 512;
    while (header < (linear + 63) / 64 * 64 + 320) {
        header *= 2;
    }
    return (uint32_t)(header + 256 + paged);
}
