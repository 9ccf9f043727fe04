/* The configurations: a backend and a trigger mode each. */
#ifndef IOATOM_FUZZ_HARNESS_CONFIG_H
#define IOATOM_FUZZ_HARNESS_CONFIG_H

#include <ioatom/ioatom.h>

typedef struct config {
    const char *name;
    int types;
} config;

#ifdef IO_OS_SIM
enum { CONFIG_COUNT = 10 };
#else
enum { CONFIG_COUNT = 8 }; /* no kqueue */
#endif
extern const config configs[CONFIG_COUNT];

#endif
