/* A verdict as text. */
#ifndef IOATOM_FUZZ_EQUIVALENCE_EXPLAIN_H
#define IOATOM_FUZZ_EQUIVALENCE_EXPLAIN_H

#include "check.h"

/* In the form of harness/report.h. */
void explain_violation(const program *p, const verdict *v, FILE *out);

/* One object of JSON, in one line without its end: what a file's program has shown. The named ones
 * come with a program made small. */
void explain_json(const char *path, const program *p, const verdict *v, FILE *out);

/* A string of JSON. */
void explain_string(const char *text, FILE *out);

#endif
