/* The C library, like kernel.c. */
#include "kernel.h"

#include <stdlib.h>

/* getenv(3): nothing, or a string (A5). */
char *getenv(const char *name)
{
    static char value[8];
    sink = (uint64_t)name[0];
    //@ loop unroll 8;
    for (int i = 0; i < 7; i++) {
        value[i] = Frama_C_char_interval(CHAR_MIN, CHAR_MAX);
    }
    value[7] = 0;
    return maybe() ? value : NULL;
}
