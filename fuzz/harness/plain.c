#include "plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void plain_list(void)
{
    if (getenv("IOATOM_FUZZ_LIST")) {
        puts("none");
        exit(0);
    }
}

void plain_violation(void (*describe)(void), const char *clause, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "\nVIOLATION clause=%s config=none\n", clause);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    describe();
    fflush(stderr);
    abort();
}
