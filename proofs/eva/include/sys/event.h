/* kqueue(2) for Frama-C: its structure and constants are those of the simulated kernel, and FreeBSD's. */
#ifndef EVA_SYS_EVENT_H
#define EVA_SYS_EVENT_H

#include <ioatom/sim_kqueue.h>
#include <time.h>

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

#endif
