/*
 * What the tests and the fuzz harness use of POSIX, made of Winsock: enough to run on Windows what
 * makes sense there, and no more. The library does not use it. Included by headers of this folder that
 * have POSIX's names; sockets are numbers as Winsock has them.
 *
 * A pair of unix sockets is a pair of TCP sockets, and so is a pipe, in both directions. Whatever
 * Windows has nothing for is refused: posix_refuse, which the program defines, says what that means.
 */
#ifndef IOATOM_TESTS_WINDOWS_POSIX_H
#define IOATOM_TESTS_WINDOWS_POSIX_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <errno.h>
#define tell windows_tell /* a name that others use */
#include <io.h>
#undef tell
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#include <ioatom/ioatom.h>

/* Names that Windows's headers take from everybody. */
#undef far
#undef near
#undef small
#define SIZE POSIX_SIZE
#define PATTERN POSIX_PATTERN

/* Says that there is no such thing here. If it returns, what was asked for fails with ENOSYS. */
int posix_refuse(const char *what);

/* FIONBIO, noted: Winsock does not tell whether a socket blocks. */
int posix_set_blocking(io_fd fd, int blocking);

/* Flags and kinds that Winsock's headers don't have. */
#define SOCK_NONBLOCK 0x10000
#define SOCK_CLOEXEC 0x20000
#define MSG_NOSIGNAL 0
#define SHUT_RD SD_RECEIVE
#define SHUT_WR SD_SEND
#define SHUT_RDWR SD_BOTH
#define O_NONBLOCK 0x10000
#define O_CLOEXEC 0x20000
#define O_PATH 0x40000
#define O_DIRECTORY 0x80000
#define O_NOCTTY 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_DUPFD_CLOEXEC 5
#define FD_CLOEXEC 1
#ifndef POLLRDHUP
#define POLLRDHUP POLLHUP /* Winsock tells the end of a stream so */
#endif
#ifndef SO_REUSEPORT
#define SO_REUSEPORT 0x7fff0000 /* no option */
#endif
#define SO_DOMAIN 0x7fff0001
#define AF_NETLINK 16
#define AF_PACKET 17
#define TCP_INFO 0x7fff0002
#define SIGUSR1 10
#define SIGPIPE 13
#define EPOLL_CLOEXEC 0
#define TFD_NONBLOCK 0
#define TFD_CLOEXEC 0
#define TCSANOW 0
#define AT_SECURE 23
#define WIFSIGNALED(status) ((void)(status), 0)
#define WTERMSIG(status) (status)
#define MSG_ERRQUEUE 0
#define EFD_SEMAPHORE 0
#define EFD_NONBLOCK 1
#define EFD_CLOEXEC 2
#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 1
#define MAP_ANONYMOUS 2
#define MAP_SHARED 4
#define MAP_FAILED NULL
#define SC_PAGESIZE 1
#define _SC_PAGESIZE 1
#define RLIMIT_NOFILE 1
#define IOV_MAX 256
#define WIFEXITED(status) ((void)(status), 0)
#define WEXITSTATUS(status) (status)

typedef ULONG nfds_t;
typedef ULONG rlim_t;

struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};

struct sockaddr_un {
    ADDRESS_FAMILY sun_family;
    char sun_path[108];
};
typedef ADDRESS_FAMILY sa_family_t;

struct tcp_info {
    unsigned tcpi_unacked;
};

struct msghdr {
    struct iovec *msg_iov;
    int msg_iovlen;
};

struct termios {
    int unused;
};

struct sigaction {
    void (*sa_handler)(int number);
    int sa_flags;
};

io_fd posix_accept4(io_fd fd, struct sockaddr *name, socklen_t *length, int flags);
int posix_bind(io_fd fd, const struct sockaddr *name, socklen_t length);
int posix_close(io_fd fd);
int posix_connect(io_fd fd, const struct sockaddr *name, socklen_t length);
io_fd posix_dup(io_fd fd);
io_fd posix_eventfd(unsigned value, int flags);
io_fd posix_fcntl(io_fd fd, int operation, ...);
pid_t posix_fork(void);
int posix_getrlimit(int what, struct rlimit *limit);
int posix_getsockname(io_fd fd, struct sockaddr *name, socklen_t *length);
int posix_getsockopt(io_fd fd, int level, int option, void *value, socklen_t *length);
int posix_listen(io_fd fd, int backlog);
void *posix_mmap(void *where, size_t size, int protection, int flags, int fd, long offset);
int posix_mprotect(void *memory, size_t size, int protection);
int posix_munmap(void *memory, size_t size);
io_fd posix_open(const char *path, int flags, ...);
int posix_pipe2(io_fd fds[2], int flags);
int posix_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t posix_read(io_fd fd, void *bytes, size_t size);
ssize_t posix_recv(io_fd fd, void *bytes, size_t size, int flags);
ssize_t posix_send(io_fd fd, const void *bytes, size_t size, int flags);
ssize_t posix_sendto(io_fd fd, const void *bytes, size_t size, int flags,
                     const struct sockaddr *name, socklen_t length);
int posix_setenv(const char *name, const char *value, int overwrite);
int posix_setrlimit(int what, const struct rlimit *limit);
int posix_setsockopt(io_fd fd, int level, int option, const void *value, socklen_t length);
int posix_shutdown(io_fd fd, int how);
io_fd posix_socket(int family, int type, int protocol);
int posix_socketpair(int family, int type, int protocol, io_fd fds[2]);
long posix_sysconf(int what);
int posix_unsetenv(const char *name);
pid_t posix_waitpid(pid_t pid, int *status, int options);
ssize_t posix_write(io_fd fd, const void *bytes, size_t size);

/* write(2), not waiting for the other end to have it. */
ssize_t posix_send_now(io_fd fd, const void *bytes, size_t size);

#ifndef IOATOM_TESTS_WINDOWS_POSIX_C
#define accept4(...) posix_accept4(__VA_ARGS__)
#define bind(...) posix_bind(__VA_ARGS__)
#define close(...) posix_close(__VA_ARGS__)
#define connect(...) posix_connect(__VA_ARGS__)
#define dup(...) posix_dup(__VA_ARGS__)
#define dup2(from, to) ((void)(from), (void)(to), (io_fd)posix_refuse("a number of one's choice"))
#define dup3(from, to, flags)                                                                      \
    ((void)(from), (void)(to), (io_fd)posix_refuse("a number of one's choice"))
#define eventfd(...) posix_eventfd(__VA_ARGS__)
#define fcntl(...) posix_fcntl(__VA_ARGS__)
#define fork() posix_fork()
#define signal(number, handler) ((void)(handler), posix_refuse("SIGPIPE"), SIG_DFL)
#define epoll_create1(flags) ((void)(flags), (io_fd)posix_refuse("epoll"))
#define getauxval(what) ((void)(what), 0ul)
#define recvmsg(fd, message, flags) ((void)(fd), (void)(message), posix_refuse("recvmsg"))
#define fchmod(fd, mode) ((void)(fd), posix_refuse("a mode of a file"))
#define setgid(id) (-1)
#define setuid(id) (-1)
#define fexecve(fd, arguments, environment) ((void)(arguments), (void)(environment), -1)
#define mkfifo(path, mode) ((void)(path), (void)(mode), posix_refuse("a fifo"))
#define timerfd_create(clock, flags) ((io_fd)posix_refuse("a timerfd"))
#define timerfd_settime(fd, flags, new, old) ((void)(fd), (void)(new), -1)
#define posix_openpt(flags) ((io_fd)posix_refuse("a terminal"))
#define ptsname_r(fd, name, size) ((void)(fd), (void)(name), -1)
#define grantpt(fd) ((void)(fd), -1)
#define unlockpt(fd) ((void)(fd), -1)
#define tcgetattr(fd, mode) ((void)(fd), (void)(mode), -1)
#define tcsetattr(fd, how, mode) ((void)(fd), (void)(mode), -1)
#define cfmakeraw(mode) ((void)(mode))
#define getrlimit(...) posix_getrlimit(__VA_ARGS__)
#define getsockname(...) posix_getsockname(__VA_ARGS__)
#define getsockopt(...) posix_getsockopt(__VA_ARGS__)
#define listen(...) posix_listen(__VA_ARGS__)
#define mmap(...) posix_mmap(__VA_ARGS__)
#define mprotect(...) posix_mprotect(__VA_ARGS__)
#define munmap(...) posix_munmap(__VA_ARGS__)
#define open(...) posix_open(__VA_ARGS__)
#define pipe(fds) posix_pipe2(fds, 0)
#define pipe2(...) posix_pipe2(__VA_ARGS__)
#define poll(...) posix_poll(__VA_ARGS__)
#define read(...) posix_read(__VA_ARGS__)
#define recv(...) posix_recv(__VA_ARGS__)
#define send(...) posix_send(__VA_ARGS__)
#define sendto(...) posix_sendto(__VA_ARGS__)
#define setenv(...) posix_setenv(__VA_ARGS__)
#define setrlimit(...) posix_setrlimit(__VA_ARGS__)
#define setsockopt(...) posix_setsockopt(__VA_ARGS__)
#define shutdown(...) posix_shutdown(__VA_ARGS__)
#define socket(...) posix_socket(__VA_ARGS__)
#define socketpair(...) posix_socketpair(__VA_ARGS__)
#define sysconf(...) posix_sysconf(__VA_ARGS__)
#define unsetenv(...) posix_unsetenv(__VA_ARGS__)
#define waitpid(...) posix_waitpid(__VA_ARGS__)
#define write(...) posix_write(__VA_ARGS__)
#define _exit(code) ExitProcess((UINT)(code))
#endif

#endif
