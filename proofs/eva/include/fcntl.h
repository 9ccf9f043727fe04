/* What Frama-C's fcntl.h lacks of Linux's. */
#ifndef EVA_FCNTL_H
#define EVA_FCNTL_H

#include_next <fcntl.h>

#define O_PATH 010000000

#endif
