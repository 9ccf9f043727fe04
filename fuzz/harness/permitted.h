/* In what two configurations may differ: the table of permitted differences, by clause. */
#ifndef IOATOM_FUZZ_HARNESS_PERMITTED_H
#define IOATOM_FUZZ_HARNESS_PERMITTED_H

#include "../program/program.h"
#include "config.h"
#include "facts.h"

/* One side of a comparison, at a wait. */
typedef struct finder {
    const config *config;
    const facts *facts; /* of an atom, which is registered */
} finder;

typedef struct permission {
    const char *clause;
    const char *difference;
    /* The flags that one may find in a wait, and the other not; or null. */
    int (*flags)(const finder *more, const finder *less);
    /* 1 if these two results of an operation may be; or null. OP_CODES is the program's end, where
     * every interest is set to nothing. The facts are those of the latest
     * wait or io_fd_check, of all atoms. */
    int (*results)(const op *o, int a, int b, const facts *facts_a, const facts *facts_b);
} permission;

enum {
    PERMITTED_ORDER,     /* of callbacks; no function: the comparison knows */
    PERMITTED_NEXT,      /* which atom io_next hands out */
    PERMITTED_FIRST_ROW, /* with functions */
    PERMITTED_ROWS = 11
};
extern const permission permissions[PERMITTED_ROWS];

#endif
