/* How a broken clause is reported: what happened and the program, then abort(). */
#ifndef IOATOM_FUZZ_HARNESS_REPORT_H
#define IOATOM_FUZZ_HARNESS_REPORT_H

#ifdef _WIN32
#define REPORT_PRINTF gnu_printf
#else
#define REPORT_PRINTF printf
#endif

#include "../program/program.h"

/* What runs now, for the report. */
void report_begin(const program *p, const char *config);
/* What a sweep has chosen to go wrong; null: nothing. */
void report_sweep(const char *call, unsigned number, const char *error);
/* The operation that runs now: its number in the order of execution, and whose callback it is in
 * (-1: none). */
void report_operation(unsigned number, const op *o, int callback_of);

_Noreturn void violation(const char *clause, const char *format, ...)
    __attribute__((format(REPORT_PRINTF, 2, 3)));

#endif
