#include "report.h"

#include <stdarg.h>
#include <stdlib.h>

static struct {
    const program *program;
    const char *config;
    const op *operation;
    unsigned number;
    int callback_of;
    const char *call, *error; /* of a sweep; null: none */
    unsigned call_number;
} now;

void report_begin(const program *p, const char *config)
{
    now.program = p;
    now.config = config;
    now.operation = NULL;
    now.number = 0;
    now.callback_of = -1;
}

void report_sweep(const char *call, unsigned number, const char *error)
{
    now.call = call;
    now.call_number = number;
    now.error = error;
}

void report_operation(unsigned number, const op *o, int callback_of)
{
    now.number = number;
    now.operation = o;
    now.callback_of = callback_of;
}

void violation(const char *clause, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "\nVIOLATION clause=%s config=%s\n", clause, now.config ? now.config : "none");
    if (now.operation) {
        fprintf(stderr, "operation %u (", now.number);
        program_print_op(now.operation, stderr);
        fprintf(stderr, ")");
        if (now.callback_of >= 0) {
            fprintf(stderr, " in a callback of a%d", now.callback_of);
        }
        fprintf(stderr, ": ");
    } else {
        fprintf(stderr, "after the program's end: ");
    }
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (now.call) {
        fprintf(stderr, "\nsystem call %u of the library (%s) failed with %s", now.call_number,
                now.call, now.error);
    }
    fprintf(stderr, "\n--- program\n");
    if (now.program) {
        program_print(now.program, stderr);
    }
    fprintf(stderr, "--- end\n");
    fflush(stderr);
    abort();
}
