/* The first include of every source file of the library: asks the system headers for what lies
 * beyond C11, so that -std=c11 alone is enough to compile (the build without Bazel). */
#ifndef IOATOM_OS_PLATFORM_H
#define IOATOM_OS_PLATFORM_H

/* glibc and musl: accept4, SOCK_CLOEXEC, POLLRDHUP, IOV_MAX. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
/* The same of macOS and NetBSD, which take -std=c11 to mean nothing but C, and declare no kqueue. */
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE 1
#endif
#if defined(__NetBSD__) && !defined(_NETBSD_SOURCE)
#define _NETBSD_SOURCE 1
#endif

/* Who has kqueue(2); the simulated kernel has it, too. */
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) ||   \
    defined(__DragonFly__) || defined(IO_OS_SIM)
#define IO_OS_KQUEUE 1
#endif

/* Windows 7, if nothing newer was asked for. */
#if defined(_WIN32) && !defined(_WIN32_WINNT)
#define _WIN32_WINNT 0x0601
#endif

#endif
