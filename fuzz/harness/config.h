/* The configurations: a backend and a trigger mode each. */
#ifndef IOATOM_FUZZ_HARNESS_CONFIG_H
#define IOATOM_FUZZ_HARNESS_CONFIG_H

#include <ioatom/ioatom.h>

typedef struct config {
    const char *name;
    int types;
} config;

enum { CONFIG_COUNT = 8 };
extern const config configs[CONFIG_COUNT];

#endif
