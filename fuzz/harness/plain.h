/* What the fuzz targets have in common that run no programs and have no configurations. */
#ifndef IOATOM_FUZZ_HARNESS_PLAIN_H
#define IOATOM_FUZZ_HARNESS_PLAIN_H

/* ci/fuzz asks a target for its configurations (IOATOM_FUZZ_LIST): tell it that there are none, and
 * exit. Otherwise nothing. */
void plain_list(void);

/* A clause is broken: say which and how, then have the input described on stderr, and abort. */
_Noreturn void plain_violation(void (*describe)(void), const char *clause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
