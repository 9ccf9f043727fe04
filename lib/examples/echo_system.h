/* What the echo server needs of the system besides the library. */
#ifndef IOATOM_EXAMPLES_ECHO_SYSTEM_H
#define IOATOM_EXAMPLES_ECHO_SYSTEM_H

#include <ioatom/ioatom.h>
#include <stdint.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

/* Milliseconds of a clock that nobody sets. */
int64_t echo_now_ms(void);

/* How many descriptors the process may have open; 0: nobody knows. */
long echo_descriptor_limit(void);

/* A descriptor that is readable when the user or the system has asked the process to end, so that no
 * such request is missed: one byte for each. A negative errno value: it can't be had. After
 * io_poller_init. */
io_fd echo_open_signals(void);

/* Remove the file of a unix socket. */
void echo_remove_path(const char *path);

#endif
