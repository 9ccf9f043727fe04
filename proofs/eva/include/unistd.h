/* What Frama-C's unistd.h lacks of Linux's. */
#ifndef EVA_UNISTD_H
#define EVA_UNISTD_H

#include_next <unistd.h>

int dup3(int oldfd, int newfd, int flags);
long syscall(long number, ...);

#endif
