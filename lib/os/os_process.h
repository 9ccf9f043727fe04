/* Which process this is. */
#ifndef IOATOM_OS_OS_PROCESS_H
#define IOATOM_OS_OS_PROCESS_H

#include "platform.h"

#include <unistd.h>

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

/* Whose descriptors these are: a forked child has others, or has them in common with its parent. */
static inline int io_os_process(void)
{
    return (int)getpid();
}

#ifdef IO_OS_SIM
#include "../sim/calls.h"
#endif

#endif
