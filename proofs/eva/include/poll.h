/* What Frama-C's poll.h lacks of Linux's. */
#ifndef EVA_POLL_H
#define EVA_POLL_H

#include_next <poll.h>

#include <signal.h>
#include <time.h>

#define POLLRDHUP 0x2000

int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask);

#endif
