/* What Frama-C's sys/mman.h lacks of Linux's, or has in a way that the analysis can't follow. */
#ifndef EVA_SYS_MMAN_H
#define EVA_SYS_MMAN_H

#include_next <sys/mman.h>

#define MAP_POPULATE 0x8000

/* It is compared with addresses, which C allows for an object's only. */
#undef MAP_FAILED
#define MAP_FAILED ((void *)&eva_map_failed)
extern char eva_map_failed;

#endif
