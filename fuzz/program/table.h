/* What each operation takes: one table, which decoding, printing and parsing share. */
#ifndef IOATOM_FUZZ_PROGRAM_TABLE_H
#define IOATOM_FUZZ_PROGRAM_TABLE_H

#include "program.h"

/* What op.arg means. */
typedef enum arg_type {
    ARG_NONE,
    ARG_KIND,    /* object_kind; a kind with one descriptor has no b */
    ARG_HOW,     /* shutdown_how */
    ARG_FLAGS,   /* IO_READ ... IO_ONESHOT, PROGRAM_BAD_FLAG */
    ARG_SIZE,    /* index of program_sizes */
    ARG_SPAN,    /* wait_span */
    ARG_SPECIAL, /* special_fd; only SPECIAL_SLOT has a b, and is not printed */
    ARG_ERROR,   /* error_code */
    ARG_TYPES
} arg_type;

/* In text: the name, a, b, arg. The letter says what a and b are: 'd' a descriptor slot, 'a' an
 * atom, 'n' a number from 1 on, which is one more than a, 0 nothing. */
typedef struct op_shape {
    const char *name;
    char a;
    char b;
    arg_type arg;
} op_shape;

enum { PROGRAM_FLAG_COUNT = 5 };

extern const op_shape program_shapes[OP_CODES];
extern const char *const program_kinds[KIND_CODES];
extern const char *const program_hows[HOW_CODES];
extern const char *const program_spans[WAIT_CODES];
extern const char *const program_specials[SPECIAL_CODES]; /* that of SPECIAL_SLOT is null */
extern const char *const program_error_names[ERROR_CODES];
extern const char *const program_flags[PROGRAM_FLAG_COUNT]; /* by bit */

/* 1 if an operation with this argument has the operand b. */
int program_has_b(const op_shape *shape, uint8_t arg);

#endif
