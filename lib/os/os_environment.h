/* The process's environment, for settings that a set-uid program must not take from its caller
 * (IO-INIT-5). */
#ifndef IOATOM_OS_OS_ENVIRONMENT_H
#define IOATOM_OS_OS_ENVIRONMENT_H

#include "platform.h"

#include <stdlib.h>
#ifndef _WIN32
#include <unistd.h>
#endif
#ifdef __linux__
#include <sys/auxv.h>
#endif

static inline const char *io_os_environment(const char *name)
{
#ifdef __linux__
    if (getauxval(AT_SECURE)) {
        return NULL;
    }
#elif !defined(_WIN32) /* there are no set-uid programs there */
    if (getuid() != geteuid() || getgid() != getegid()) {
        return NULL;
    }
#endif
    return getenv(name);
}

#endif
