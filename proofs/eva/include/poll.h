/* What Frama-C's poll.h lacks of Linux's. */
#ifndef EVA_POLL_H
#define EVA_POLL_H

#include_next <poll.h>

#define POLLRDHUP 0x2000

#endif
