/* With IO_OS_SIM, the system calls of lib/os are those of the simulated kernel. Included at the
 * beginning of such a header, behind the system's, and once more at its end, where it takes the names
 * back: elsewhere close and poll may be anything. */
#ifndef IO_SIM_CALLS
#define IO_SIM_CALLS

#include <ioatom/sim.h>

#define accept(...) io_sim_accept(__VA_ARGS__)
#define accept4(...) io_sim_accept4(__VA_ARGS__)
#define bind(...) io_sim_bind(__VA_ARGS__)
#define clock_gettime(...) io_sim_clock_gettime(__VA_ARGS__)
#define close(...) io_sim_close(__VA_ARGS__)
#define connect(...) io_sim_connect(__VA_ARGS__)
#define dup2(...) io_sim_dup2(__VA_ARGS__)
#define dup3(...) io_sim_dup3(__VA_ARGS__)
#define epoll_create1(...) io_sim_epoll_create1(__VA_ARGS__)
#define epoll_ctl(...) io_sim_epoll_ctl(__VA_ARGS__)
#define epoll_wait(...) io_sim_epoll_wait(__VA_ARGS__)
#define fcntl(...) io_sim_fcntl(__VA_ARGS__)
#define fstat(...) io_sim_fstat(__VA_ARGS__)
#define getsockopt(...) io_sim_getsockopt(__VA_ARGS__)
#define getpid(...) io_sim_getpid(__VA_ARGS__)
#define ioctl(...) io_sim_ioctl(__VA_ARGS__)
#define kevent(...) io_sim_kevent(__VA_ARGS__)
#define kqueue(...) io_sim_kqueue(__VA_ARGS__)
#define listen(...) io_sim_listen(__VA_ARGS__)
#define mmap(...) io_sim_mmap(__VA_ARGS__)
#define munmap(...) io_sim_munmap(__VA_ARGS__)
#define poll(...) io_sim_poll(__VA_ARGS__)
#define ppoll(...) io_sim_ppoll(__VA_ARGS__)
#define read(...) io_sim_read(__VA_ARGS__)
#define readv(...) io_sim_readv(__VA_ARGS__)
#define select(...) io_sim_select(__VA_ARGS__)
#define send(...) io_sim_send(__VA_ARGS__)
#define sendmsg(...) io_sim_sendmsg(__VA_ARGS__)
#define setsockopt(...) io_sim_setsockopt(__VA_ARGS__)
#define socket(...) io_sim_socket(__VA_ARGS__)
#define syscall(...) io_sim_syscall(__VA_ARGS__)
#define unlink(...) io_sim_unlink(__VA_ARGS__)
#define write(...) io_sim_write(__VA_ARGS__)
#define writev(...) io_sim_writev(__VA_ARGS__)

#else
#undef IO_SIM_CALLS

#undef accept
#undef accept4
#undef bind
#undef clock_gettime
#undef close
#undef connect
#undef dup2
#undef dup3
#undef epoll_create1
#undef epoll_ctl
#undef epoll_wait
#undef fcntl
#undef fstat
#undef getsockopt
#undef getpid
#undef ioctl
#undef kevent
#undef kqueue
#undef listen
#undef mmap
#undef munmap
#undef poll
#undef ppoll
#undef read
#undef readv
#undef select
#undef send
#undef sendmsg
#undef setsockopt
#undef socket
#undef syscall
#undef unlink
#undef write
#undef writev

#endif
