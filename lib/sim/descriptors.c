/* Descriptor numbers and open files. */
#include "kernel.h"

#include <limits.h>
#include <stdarg.h>

io_sim_file *io_sim_any_file_of(io_sim *sim, int fd)
{
    if (fd < 0 || fd >= sim->fd_end || sim->numbers[fd].file == NONE) {
        return NULL;
    }
    return &sim->files[sim->numbers[fd].file];
}

io_sim_file *io_sim_file_of(io_sim *sim, int fd)
{
    io_sim_file *file = io_sim_any_file_of(sim, fd);
    return file && file->kind != IO_SIM_PATH ? file : NULL;
}

/* Its index, or -ENFILE. */
static int free_file(io_sim *sim)
{
    int index = 0;
    while (index < sim->file_end && sim->files[index].kind != IO_SIM_FREE) {
        index++;
    }
    sim->shortages += index == IO_SIM_FILES;
    return index < IO_SIM_FILES ? index : -ENFILE;
}

int io_sim_has_file(io_sim *sim)
{
    return free_file(sim) >= 0;
}

int io_sim_new_file(io_sim *sim, int kind, int mode, int status)
{
    int index = free_file(sim);
    if (index < 0) {
        return index;
    }
    if (index == sim->file_end) {
        sim->file_end++;
    }
    sim->files[index] = (io_sim_file){.kind = (uint8_t)kind,
                                      .mode = (uint8_t)mode,
                                      .items = NONE,
                                      .requests = NONE,
                                      .knotes = NONE,
                                      .ready = {NONE, NONE},
                                      .status = status,
                                      .due_ns = IO_SIM_NEVER};
    return index;
}

static int lowest_number(const io_sim *sim, int start)
{
    int fd = start;
    while (fd < sim->fd_end && sim->numbers[fd].file != NONE) {
        fd++;
    }
    return fd < sim->fd_limit ? fd : -EMFILE;
}

int io_sim_has_number(const io_sim *sim)
{
    return lowest_number(sim, 0) >= 0;
}

static void put_number(io_sim *sim, int fd, int file, int close_on_exec)
{
    while (sim->fd_end <= fd) {
        sim->numbers[sim->fd_end++].file = NONE;
    }
    sim->numbers[fd].file = (uint16_t)file;
    sim->numbers[fd].close_on_exec = close_on_exec != 0;
    sim->files[file].references++;
}

int io_sim_new_number(io_sim *sim, int file, int start, int close_on_exec)
{
    int fd = lowest_number(sim, start);
    if (fd >= 0) {
        put_number(sim, fd, file, close_on_exec);
    } else if (sim->files[file].references == 0) {
        io_sim_release_file(sim, file);
    }
    return fd;
}

/* The last reference is gone: epoll forgets the file, and its other ends learn of it. */
void io_sim_release_file(io_sim *sim, int index)
{
    io_sim_file *file = &sim->files[index];
    io_sim_epoll_forget_file(sim, index);
    if (file->kind == IO_SIM_PIPE) {
        io_sim_pipe_release(sim, file);
    } else if (file->kind == IO_SIM_SOCKET) {
        io_sim_socket_release(sim, file->object);
    } else if (file->kind == IO_SIM_EPOLL) {
        io_sim_epoll_release(sim, index);
    } else if (file->kind == IO_SIM_RING) {
        io_sim_ring_release(sim, file->object);
    } else if (file->kind == IO_SIM_KQUEUE) {
        io_sim_kqueue_release(sim, index);
    }
    file->kind = IO_SIM_FREE;
}

void io_sim_unref_file(io_sim *sim, int file)
{
    if (--sim->files[file].references == 0) {
        io_sim_release_file(sim, file);
    }
}

int io_sim_close_number(io_sim *sim, int fd)
{
    if (!io_sim_any_file_of(sim, fd)) {
        return -EBADF;
    }
    io_sim_forget_knotes(sim, fd);
    int file = sim->numbers[fd].file;
    sim->numbers[fd].file = NONE;
    io_sim_unref_file(sim, file);
    return 0;
}

int io_sim_close(int fd)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_CLOSE, fd);
    if (!sim) {
        return -1;
    }
    int result = io_sim_close_number(sim, fd);
    return io_sim_return(result == 0 && sim->fault.error ? -sim->fault.error : result);
}

static int duplicate(io_sim *sim, int fd, int start, int close_on_exec)
{
    if (!io_sim_any_file_of(sim, fd)) {
        return -EBADF;
    }
    if (start < 0 || start >= sim->fd_limit) {
        return -EINVAL;
    }
    return io_sim_new_number(sim, sim->numbers[fd].file, start, close_on_exec);
}

int io_sim_dup(int fd)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_DUP, fd);
    return sim ? io_sim_return(duplicate(sim, fd, 0, 0)) : -1;
}

static int duplicate_to(io_sim *sim, int fd, int number, int close_on_exec)
{
    if (!io_sim_any_file_of(sim, fd) || number < 0 || number >= sim->fd_limit) {
        return -EBADF;
    }
    int file = sim->numbers[fd].file;
    sim->files[file].references++; /* it must outlive the old number, whatever that was */
    (void)io_sim_close_number(sim, number);
    put_number(sim, number, file, close_on_exec);
    sim->files[file].references--;
    return number;
}

int io_sim_dup2(int fd, int number)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_DUP, fd);
    if (!sim) {
        return -1;
    }
    if (fd == number) {
        return io_sim_return(io_sim_any_file_of(sim, fd) ? fd : -EBADF);
    }
    return io_sim_return(duplicate_to(sim, fd, number, 0));
}

int io_sim_dup3(int fd, int number, int flags)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_DUP, fd);
    if (!sim) {
        return -1;
    }
    if (fd == number || (flags & ~O_CLOEXEC)) {
        return io_sim_return(-EINVAL);
    }
    return io_sim_return(duplicate_to(sim, fd, number, flags));
}

static int control(io_sim *sim, io_sim_file *file, int fd, int command, int argument)
{
    switch (command) {
    case F_GETFD:
        return sim->numbers[fd].close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        sim->numbers[fd].close_on_exec = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(sim, fd, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFL:
        return file->status;
    default:
        break;
    }
    if (file->kind == IO_SIM_PATH) {
        return -EBADF;
    }
    if (command == F_SETFL) {
        file->status = (file->status & ~O_NONBLOCK) | (argument & O_NONBLOCK);
        return 0;
    }
    if (command == F_GETPIPE_SZ || command == F_SETPIPE_SZ) {
        return file->kind != IO_SIM_PIPE
                   ? -EBADF
                   : io_sim_pipe_size(sim, file, command == F_SETPIPE_SZ ? argument & INT_MAX : -1);
    }
    return -EINVAL;
}

int io_sim_fcntl(int fd, int command, ...)
{
    int argument = 0;
    if (command == F_SETFD || command == F_DUPFD || command == F_DUPFD_CLOEXEC ||
        command == F_SETFL || command == F_SETPIPE_SZ) {
        va_list arguments;
        va_start(arguments, command);
        argument = va_arg(arguments, int);
        va_end(arguments);
    }
    io_sim *sim = io_sim_enter(IO_SIM_CALL_FCNTL, fd);
    if (!sim) {
        return -1;
    }
    io_sim_file *file = io_sim_any_file_of(sim, fd);
    return io_sim_return(file ? control(sim, file, fd, command, argument) : -EBADF);
}

int io_sim_fstat(int fd, struct stat *status)
{
    static const mode_t modes[] = {[IO_SIM_PIPE] = S_IFIFO | 0600,
                                   [IO_SIM_SOCKET] = S_IFSOCK | 0777,
                                   [IO_SIM_EVENTFD] = 0600,
                                   [IO_SIM_TIMERFD] = 0600,
                                   [IO_SIM_EPOLL] = 0600,
                                   [IO_SIM_RING] = 0600,
                                   [IO_SIM_KQUEUE] = S_IFIFO,
                                   [IO_SIM_ORDINARY] = S_IFREG | 0600,
                                   [IO_SIM_DIRECTORY] = S_IFDIR | 0755,
                                   [IO_SIM_NULL] = S_IFCHR | 0666,
                                   [IO_SIM_ZERO] = S_IFCHR | 0666,
                                   [IO_SIM_PATH] = S_IFDIR | 0755};
    io_sim *sim = io_sim_enter(IO_SIM_CALL_FSTAT, fd);
    if (!sim) {
        return -1;
    }
    const io_sim_file *file = io_sim_any_file_of(sim, fd);
    if (!file) {
        return io_sim_return(-EBADF);
    }
    memset(status, 0, sizeof(*status));
    status->st_mode = modes[file->kind];
    return 0;
}

static int open_path(io_sim *sim, const char *path, int flags)
{
    int kind = strcmp(path, "/") == 0           ? IO_SIM_DIRECTORY
               : strcmp(path, "/dev/null") == 0 ? IO_SIM_NULL
               : strcmp(path, "/dev/zero") == 0 ? IO_SIM_ZERO
                                                : IO_SIM_FREE;
    int name = kind ? NONE : io_sim_find_name(sim, path);
    int access = flags & O_ACCMODE;
    if (name != NONE && !(flags & O_PATH)) {
        return sim->names[name].kind == IO_SIM_PIPE ? io_sim_fifo_open(sim, path, flags) : -ENXIO;
    }
    if (!kind && name == NONE && !(flags & O_CREAT)) {
        return -ENOENT;
    }
    if ((flags & O_DIRECTORY) && kind != IO_SIM_DIRECTORY) {
        return -ENOTDIR;
    }
    kind = flags & O_PATH ? IO_SIM_PATH : kind ? kind : IO_SIM_ORDINARY;
    if (kind == IO_SIM_DIRECTORY && access != O_RDONLY) {
        return -EISDIR;
    }
    int mode = (access != O_WRONLY ? IO_SIM_READS : 0) | (access != O_RDONLY ? IO_SIM_WRITES : 0);
    return io_sim_new_file(sim, kind, mode, flags & (O_ACCMODE | O_NONBLOCK | O_PATH));
}

int io_sim_open(const char *path, int flags, ...)
{
    io_sim *sim = io_sim_enter(IO_SIM_CALL_OPEN, -1);
    if (!sim) {
        return -1;
    }
    int file = open_path(sim, path, flags);
    return io_sim_return(file < 0 ? file : io_sim_new_number(sim, file, 0, flags & O_CLOEXEC));
}
