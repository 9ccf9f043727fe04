/* POSIX's functions made of Winsock's: see posix.h. */
#define IOATOM_TESTS_WINDOWS_POSIX_C
#include "posix.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

/* The errno values that the tests ask for. */
static int number_of(int code)
{
    switch (code) {
    case WSAEWOULDBLOCK:
        return EAGAIN;
    case WSAENOTSOCK:
        return EBADF;
    case WSAECONNRESET:
    case WSAECONNABORTED:
        return ECONNRESET;
    case WSAECONNREFUSED:
        return ECONNREFUSED;
    case WSAENOTCONN:
        return ENOTCONN;
    case WSAESHUTDOWN:
        return EPIPE;
    case WSAEADDRINUSE:
        return EADDRINUSE;
    default:
        return EINVAL;
    }
}

static void start(void)
{
    static int started;
    WSADATA data;
    if (!started) {
        started = WSAStartup(MAKEWORD(2, 2), &data) == 0;
    }
}

/* The result of a Winsock function, with errno. */
static int outcome(int result)
{
    if (result == SOCKET_ERROR) {
        errno = number_of(WSAGetLastError());
    }
    return result;
}

/* The network of one machine delivers in a thread of its own; tests expect it to be done when a call
 * returns, as it is elsewhere. */
static int settled(int result)
{
    Sleep(POSIX_SETTLE_MS);
    return outcome(result);
}

static int refuse(const char *what)
{
    (void)posix_refuse(what);
    errno = ENOSYS;
    return -1;
}

enum { NOTED = 4096 };
static unsigned char nonblocking[NOTED]; /* by number / 4 */

int posix_set_blocking(io_fd fd, int blocking)
{
    u_long on = !blocking;
    if (fd >= 0 && fd / 4 < NOTED) {
        nonblocking[fd / 4] = !blocking;
    }
    return ioctlsocket((SOCKET)fd, FIONBIO, &on);
}

static io_fd made(SOCKET fd, int flags)
{
    int on = 1;
    if (fd == INVALID_SOCKET) {
        return outcome(SOCKET_ERROR);
    }
    (void)posix_set_blocking((io_fd)fd, !(flags & SOCK_NONBLOCK));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    return (io_fd)fd;
}

io_fd posix_socket(int family, int type, int protocol)
{
    start();
    if (family == AF_UNIX) {
        return refuse("a unix socket");
    }
    return made(socket(family, type & ~FLAGS, protocol), type);
}

io_fd posix_accept4(io_fd fd, struct sockaddr *name, socklen_t *length, int flags)
{
    return made(accept((SOCKET)fd, name, length), flags);
}

int posix_bind(io_fd fd, const struct sockaddr *name, socklen_t length)
{
    return outcome(bind((SOCKET)fd, name, length));
}

int posix_listen(io_fd fd, int backlog)
{
    return outcome(listen((SOCKET)fd, backlog));
}

int posix_connect(io_fd fd, const struct sockaddr *name, socklen_t length)
{
    int result = settled(connect((SOCKET)fd, name, length));
    if (result < 0 && errno == EAGAIN) {
        errno = EINPROGRESS;
    }
    return result;
}

int posix_getsockname(io_fd fd, struct sockaddr *name, socklen_t *length)
{
    return outcome(getsockname((SOCKET)fd, name, length));
}

int posix_getsockopt(io_fd fd, int level, int option, void *value, socklen_t *length)
{
    if (option == SO_DOMAIN) {
        struct sockaddr_storage name;
        socklen_t size = sizeof(name);
        int result = posix_getsockname(fd, (struct sockaddr *)&name, &size);
        *(int *)value = name.ss_family;
        return result;
    }
    if (option == TCP_INFO) { /* nobody tells: some time for what is on its way */
        ((struct tcp_info *)value)->tcpi_unacked = 0;
        return settled(0);
    }
    return outcome(getsockopt((SOCKET)fd, level, option, (char *)value, length));
}

int posix_setsockopt(io_fd fd, int level, int option, const void *value, socklen_t length)
{
    return outcome(setsockopt((SOCKET)fd, level, option, (const char *)value, length));
}

int posix_shutdown(io_fd fd, int how)
{
    return settled(shutdown((SOCKET)fd, how));
}

/* Sockets, and the files that posix_open opened. */
int posix_close(io_fd fd)
{
    int result = closesocket((SOCKET)fd);
    if (result == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK) {
        if (fd > 0 && GetFileType((HANDLE)fd) != FILE_TYPE_UNKNOWN && CloseHandle((HANDLE)fd)) {
            return 0;
        }
        errno = EBADF;
        return -1;
    }
    return settled(result);
}

ssize_t posix_recv(io_fd fd, void *bytes, size_t size, int flags)
{
    return outcome(recv((SOCKET)fd, (char *)bytes, (int)size, flags));
}

ssize_t posix_read(io_fd fd, void *bytes, size_t size)
{
    return posix_recv(fd, bytes, size, 0);
}

ssize_t posix_send(io_fd fd, const void *bytes, size_t size, int flags)
{
    return settled(send((SOCKET)fd, (const char *)bytes, (int)size, flags));
}

ssize_t posix_send_now(io_fd fd, const void *bytes, size_t size)
{
    return outcome(send((SOCKET)fd, (const char *)bytes, (int)size, 0));
}

ssize_t posix_write(io_fd fd, const void *bytes, size_t size)
{
    return posix_send(fd, bytes, size, 0);
}

ssize_t posix_sendto(io_fd fd, const void *bytes, size_t size, int flags,
                     const struct sockaddr *name, socklen_t length)
{
    return settled(sendto((SOCKET)fd, (const char *)bytes, (int)size, flags, name, length));
}

/* Winsock has another name for out-of-band data, and refuses to be asked for what it always tells. */
int posix_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    WSAPOLLFD copies[64];
    if (count > 64) {
        errno = EINVAL;
        return -1;
    }
    for (nfds_t i = 0; i < count; i++) {
        int wanted = fds[i].events & POLLIN ? POLLRDNORM : 0;
        wanted |= fds[i].events & POLLOUT ? POLLWRNORM : 0;
        wanted |= fds[i].events & POLLPRI ? POLLRDBAND : 0;
        copies[i] = (WSAPOLLFD){.fd = fds[i].fd, .events = (short)wanted};
    }
    int result = outcome(WSAPoll(copies, count, timeout_ms));
    for (nfds_t i = 0; i < count; i++) {
        int found = copies[i].revents;
        fds[i].revents = (short)(found & POLLRDBAND ? (found & ~POLLRDBAND) | POLLPRI : found);
    }
    return result;
}

/* So that filling a pair is quick. */
static void shrink(SOCKET fd)
{
    int size = 16384;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, (const char *)&size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, (const char *)&size, sizeof(size));
}

static int tcp_pair(io_fd fds[2], int flags)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    shrink(listener); /* who is accepted has the same */
    fds[0] = posix_socket(AF_INET, SOCK_STREAM, 0);
    shrink((SOCKET)fds[0]);
    if (listener == INVALID_SOCKET || fds[0] < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        connect((SOCKET)fds[0], (struct sockaddr *)&address, length) != 0) {
        return outcome(SOCKET_ERROR);
    }
    fds[1] = posix_accept4((io_fd)listener, NULL, NULL, flags);
    (void)posix_set_blocking(fds[0], !(flags & SOCK_NONBLOCK));
    (void)closesocket(listener);
    return fds[1] < 0 ? -1 : 0;
}

int posix_socketpair(int family, int type, int protocol, io_fd fds[2])
{
    (void)family;
    (void)protocol;
    start();
    return (type & ~FLAGS) == SOCK_STREAM ? tcp_pair(fds, type)
                                          : refuse("a pair of unix datagram sockets");
}

int posix_pipe2(io_fd fds[2], int flags)
{
    start();
    return tcp_pair(fds, flags);
}

io_fd posix_dup(io_fd fd)
{
    WSAPROTOCOL_INFOW info;
    if (WSADuplicateSocketW((SOCKET)fd, GetCurrentProcessId(), &info) != 0) {
        return outcome(SOCKET_ERROR);
    }
    SOCKET twin = WSASocketW(info.iAddressFamily, info.iSocketType, info.iProtocol, &info, 0, 0);
    return twin == INVALID_SOCKET ? outcome(SOCKET_ERROR) : (io_fd)twin;
}

/* Enough of it: whether a descriptor is open, inherited, blocks; twins. */
io_fd posix_fcntl(io_fd fd, int operation, ...)
{
    va_list arguments;
    int type;
    int length = sizeof(type);
    DWORD flags = 0;
    va_start(arguments, operation);
    int argument = operation == F_SETFL || operation == F_SETFD || operation == F_DUPFD_CLOEXEC
                       ? va_arg(arguments, int)
                       : 0;
    va_end(arguments);
    if (fd == 0 && operation == F_DUPFD_CLOEXEC) {
        return posix_socket(AF_INET, SOCK_DGRAM, 0); /* any descriptor, to be closed later */
    }
    if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &length) != 0 &&
        (fd <= 0 || GetFileType((HANDLE)fd) == FILE_TYPE_UNKNOWN)) {
        errno = EBADF;
        return -1;
    }
    switch (operation) {
    case F_GETFD:
        return GetHandleInformation((HANDLE)fd, &flags) && !(flags & HANDLE_FLAG_INHERIT)
                   ? FD_CLOEXEC
                   : 0;
    case F_SETFL:
        return outcome(posix_set_blocking(fd, !(argument & O_NONBLOCK)));
    case F_GETFL:
        return fd / 4 < NOTED && nonblocking[fd / 4] ? O_NONBLOCK : 0;
    case F_DUPFD_CLOEXEC:
        return argument > 0 ? refuse("a number of one's choice") : posix_dup(fd);
    default:
        return 0;
    }
}

/* Ordinary files and folders, for what the library refuses. */
io_fd posix_open(const char *path, int flags, ...)
{
    if (flags & O_PATH) {
        return refuse("O_PATH");
    }
    if (strncmp(path, "/dev/", 5) == 0 && strcmp(path, "/dev/null") != 0) {
        return refuse(path);
    }
    const char *name = strcmp(path, "/dev/null") == 0 ? "NUL" : path;
    HANDLE file = CreateFileA(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              flags & _O_CREAT ? OPEN_ALWAYS : OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        errno = ENOENT;
        return -1;
    }
    return (io_fd)file;
}

io_fd posix_eventfd(unsigned value, int flags)
{
    (void)value;
    (void)flags;
    return refuse("an eventfd");
}

pid_t posix_fork(void)
{
    return refuse("fork");
}

pid_t posix_waitpid(pid_t pid, int *status, int options)
{
    (void)pid;
    (void)options;
    *status = 0;
    return refuse("waitpid");
}

/* There is no limit. */
int posix_getrlimit(int what, struct rlimit *limit)
{
    (void)what;
    limit->rlim_cur = limit->rlim_max = 1000000;
    return 0;
}

int posix_setrlimit(int what, const struct rlimit *limit)
{
    (void)what;
    (void)limit;
    return refuse("a limit of descriptors");
}

int posix_setenv(const char *name, const char *value, int overwrite)
{
    (void)overwrite;
    return _putenv_s(name, value);
}

int posix_unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

long posix_sysconf(int what)
{
    SYSTEM_INFO info;
    (void)what;
    GetSystemInfo(&info);
    return (long)info.dwPageSize;
}

static DWORD protection_of(int protection)
{
    if (protection & PROT_WRITE) {
        return PAGE_READWRITE;
    }
    return protection & PROT_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

void *posix_mmap(void *where, size_t size, int protection, int flags, int fd, long offset)
{
    (void)where;
    (void)flags;
    (void)fd;
    (void)offset;
    return VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, protection_of(protection));
}

int posix_mprotect(void *memory, size_t size, int protection)
{
    DWORD before;
    return VirtualProtect(memory, size, protection_of(protection), &before) ? 0 : -1;
}

int posix_munmap(void *memory, size_t size)
{
    (void)size;
    return VirtualFree(memory, 0, MEM_RELEASE) ? 0 : -1;
}
