/* Pipes and fifos: pages, as Linux has them (kernel-semantics: 3 to 6, 24). A page that is read in
 * part has no room yet; a write is merged into the last page if what exceeds whole pages fits there,
 * so that up to 4,096 bytes go in as one piece or not at all. */
#include "kernel.h"

enum { SLOTS = 65536 / IO_SIM_PAGE_BYTES };

static int is_full(const io_sim_pipe *pipe)
{
    return pipe->queue.chunks >= pipe->slots;
}

static int new_pipe(io_sim *sim, int name)
{
    int index = 0;
    while (index < sim->pipe_end && sim->pipes[index].used) {
        index++;
    }
    if (index == IO_SIM_PIPES) {
        sim->shortages++;
        return -ENFILE;
    }
    if (index == sim->pipe_end) {
        sim->pipe_end++;
    }
    io_sim_pipe *pipe = &sim->pipes[index];
    *pipe = (io_sim_pipe){.used = 1, .slots = SLOTS, .name = (uint16_t)name};
    io_sim_queue_init(&pipe->queue);
    return index;
}

/* An end of a pipe. */
static int new_end(io_sim *sim, int pipe, int mode, int status)
{
    int file = io_sim_new_file(sim, IO_SIM_PIPE, mode, status);
    if (file >= 0) {
        sim->files[file].object = (uint16_t)pipe;
        sim->pipes[pipe].readers += (mode & IO_SIM_READS) != 0;
        sim->pipes[pipe].writers += (mode & IO_SIM_WRITES) != 0;
        sim->pipes[pipe].writer_count += (mode & IO_SIM_WRITES) != 0;
    }
    return file;
}

static int make_ends(io_sim *sim, int fds[2], int flags)
{
    int pipe = new_pipe(sim, NONE);
    if (pipe < 0) {
        return pipe;
    }
    int status = flags & O_NONBLOCK;
    int in = new_end(sim, pipe, IO_SIM_READS, O_RDONLY | status);
    int out = new_end(sim, pipe, IO_SIM_WRITES, O_WRONLY | status);
    int result = in < 0 ? in : out;
    int first = result < 0 ? result : io_sim_new_number(sim, in, 0, flags & O_CLOEXEC);
    if (first < 0) {
        /* io_sim_new_number has released it already if it had no place */
        if (result < 0 && in >= 0) {
            io_sim_release_file(sim, in);
        }
        if (out >= 0) {
            io_sim_release_file(sim, out);
        }
        sim->pipes[pipe].used = 0;
        return first;
    }
    int second = io_sim_new_number(sim, out, 0, flags & O_CLOEXEC);
    if (second < 0) {
        sim->numbers[first].file = NONE;
        io_sim_release_file(sim, in);
        return second;
    }
    fds[0] = first;
    fds[1] = second;
    return 0;
}

int io_sim_pipe2(int fds[2], int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    if (!sim) {
        return -1;
    }
    if (flags & ~(O_NONBLOCK | O_CLOEXEC)) {
        return io_sim_return(-EINVAL);
    }
    return io_sim_return(make_ends(sim, fds, flags));
}

/* A fifo has a pipe while somebody has it open. A reader that came before any writer sees no hang-up
 * until one has been there. */
int io_sim_fifo_open(io_sim *sim, const char *path, int flags)
{
    int name = io_sim_find_name(sim, path);
    int access = flags & O_ACCMODE;
    int index = sim->names[name].object;
    if (access == O_WRONLY && (index == NONE || sim->pipes[index].readers == 0)) {
        return flags & O_NONBLOCK ? -ENXIO : -EDEADLK;
    }
    if (access == O_RDONLY && !(flags & O_NONBLOCK) &&
        (index == NONE || sim->pipes[index].writers == 0)) {
        return -EDEADLK;
    }
    if (index == NONE) {
        index = new_pipe(sim, name);
        if (index < 0) {
            return index;
        }
        sim->names[name].object = (uint16_t)index;
    }
    int mode = (access != O_WRONLY ? IO_SIM_READS : 0) | (access != O_RDONLY ? IO_SIM_WRITES : 0);
    int file = new_end(sim, index, mode, flags & (O_ACCMODE | O_NONBLOCK));
    if (file >= 0 && access == O_RDONLY && sim->pipes[index].writers == 0) {
        sim->files[file].number = sim->pipes[index].writer_count;
        sim->files[file].semaphore = 1; /* opened before its writer */
    }
    return file;
}

/* Both ends are told of everything that changes who is there. */
static void wake_ends(io_sim *sim, int pipe, int mode, int key)
{
    for (int i = 0; i < sim->file_end; i++) {
        const io_sim_file *file = &sim->files[i];
        if (file->kind == IO_SIM_PIPE && file->object == pipe && (file->mode & mode)) {
            io_sim_wake(sim, i, key);
        }
    }
}

void io_sim_pipe_release(io_sim *sim, const io_sim_file *file)
{
    int index = file->object;
    io_sim_pipe *pipe = &sim->pipes[index];
    pipe->readers -= (file->mode & IO_SIM_READS) != 0;
    pipe->writers -= (file->mode & IO_SIM_WRITES) != 0;
    if (pipe->readers + pipe->writers == 0) {
        io_sim_drop_all(sim, &pipe->queue);
        pipe->used = 0;
        if (pipe->name != NONE && sim->names[pipe->name].object == index) {
            sim->names[pipe->name].object = NONE;
        }
    } else if (!pipe->readers || !pipe->writers) {
        wake_ends(sim, index, IO_SIM_READS | IO_SIM_WRITES, 0);
    }
}

int io_sim_pipe_mask(io_sim *sim, const io_sim_file *file)
{
    const io_sim_pipe *pipe = &sim->pipes[file->object];
    int mask = 0;
    if (file->mode & IO_SIM_READS) {
        int unseen = file->semaphore && file->number == pipe->writer_count;
        mask |= pipe->queue.chunks > 0 ? IO_SIM_IN : 0;
        mask |= pipe->writers == 0 && !unseen ? POLLHUP : 0;
    }
    if (file->mode & IO_SIM_WRITES) {
        mask |= is_full(pipe) ? 0 : IO_SIM_OUT;
        mask |= pipe->readers == 0 ? POLLERR : 0;
    }
    return mask;
}

/* The other end is closed for good: nobody can open it again. */
int io_sim_pipe_is_broken(io_sim *sim, const io_sim_file *file)
{
    const io_sim_pipe *pipe = &sim->pipes[file->object];
    int others = file->mode & IO_SIM_READS ? pipe->writers : pipe->readers;
    return pipe->name == NONE && others == 0;
}

/* Writers are woken if there was no page left for them, and one has become free. */
ssize_t io_sim_pipe_read(io_sim *sim, const io_sim_file *file, io_sim_span *to)
{
    io_sim_pipe *pipe = &sim->pipes[file->object];
    int was_full = is_full(pipe);
    ssize_t done = 0;
    while (to->left > 0 && pipe->queue.head != NONE) {
        done += (ssize_t)io_sim_take(sim, &pipe->queue, to, to->left);
    }
    if (was_full && !is_full(pipe)) {
        wake_ends(sim, file->object, IO_SIM_WRITES, IO_SIM_OUT);
    }
    return done > 0 || to->left == 0 || pipe->writers == 0 ? done : -EAGAIN;
}

static ssize_t merge(io_sim *sim, io_sim_queue *queue, io_sim_span *from)
{
    size_t rest = from->left % IO_SIM_PAGE_BYTES;
    if (rest == 0 || queue->tail == NONE) {
        return 0;
    }
    io_sim_chunk *last = &sim->chunks[queue->tail];
    size_t end = (size_t)last->start + last->length;
    if (end + rest > IO_SIM_PAGE_BYTES) {
        return 0;
    }
    io_sim_span_get(from, sim->pages[last->page] + end, rest);
    last->length = (uint16_t)(last->length + rest);
    queue->bytes += (uint32_t)rest;
    return (ssize_t)rest;
}

ssize_t io_sim_pipe_write(io_sim *sim, const io_sim_file *file, io_sim_span *from)
{
    io_sim_pipe *pipe = &sim->pipes[file->object];
    if (from->left == 0) {
        return 0;
    }
    if (pipe->readers == 0) {
        return -EPIPE;
    }
    ssize_t done = merge(sim, &pipe->queue, from);
    while (from->left > 0 && !is_full(pipe)) {
        ssize_t size = io_sim_append(sim, &pipe->queue, from, from->left, 1);
        if (size < 0) {
            return done > 0 ? done : -ENOMEM;
        }
        done += size;
    }
    /* Each write wakes readers, also if there was something to read before. */
    wake_ends(sim, file->object, IO_SIM_READS, IO_SIM_IN);
    return done > 0 ? done : -EAGAIN;
}

int io_sim_pipe_size(io_sim *sim, const io_sim_file *file, int size)
{
    io_sim_pipe *pipe = &sim->pipes[file->object];
    if (size >= 0) {
        int slots = 1;
        while (slots < IO_SIM_PAGES && slots * IO_SIM_PAGE_BYTES < size) {
            slots *= 2;
        }
        if (slots * IO_SIM_PAGE_BYTES < size) {
            return -EPERM;
        }
        if (pipe->queue.chunks > (uint32_t)slots) {
            return -EBUSY;
        }
        pipe->slots = (uint16_t)slots;
        wake_ends(sim, file->object, IO_SIM_WRITES, 0);
    }
    return pipe->slots * IO_SIM_PAGE_BYTES;
}
