/*
 * What the table of lib/core must do, said a second time: from lib/SPEC.md and from the comments and
 * contracts of lib/core/core.h, flag by flag in plain ints, without a queue. It shares no code with
 * lib/core, and knows of it only what a result and a report are called.
 *
 * Each function does to the model what the function of that name does to the core, and returns what
 * that must return. An atom is a number, and the model is told its descriptor.
 */
#ifndef IOATOM_FUZZ_MODEL_TABLE_MODEL_H
#define IOATOM_FUZZ_MODEL_TABLE_MODEL_H

#include <stdint.h>

enum { TABLE_ROWS = 8, TABLE_NOBODY = -1 };

/* The flags, by index. */
enum { TABLE_READ, TABLE_WRITE, TABLE_EXCEPT, TABLE_FLAGS };

typedef struct table_row {
    int atom; /* TABLE_NOBODY: free */
    uint32_t generation;
    int interest[TABLE_FLAGS];
    int oneshot;
    int armed[TABLE_FLAGS];     /* the kernel was asked for it */
    int exhausted[TABLE_FLAGS]; /* met EAGAIN, and no event came since */
    int pending[TABLE_FLAGS];
    int hang_up, error; /* the latest event carried it (IO-EVENT-8) */
    int rests;
    int dead;
    int trace; /* nobody has asked for its flags again since it was put there (lib/audit) */
    int place; /* it has one in the queue */
} table_row;

typedef struct table_model {
    int mode; /* IO_MODE_... */
    int row_count;
    int dispatching;
    int rested; /* a row has rested since the last table_model_wake_all */
    table_row rows[TABLE_ROWS];
} table_model;

void table_model_init(table_model *m, int mode, int row_count);

/* The row of a registered atom, or null. */
table_row *table_model_find(table_model *m, int atom, int fd);

int table_model_add(table_model *m, int atom, int fd, int has_proc, int flags);
int table_model_set(table_model *m, int atom, int fd, int flags);
int table_model_remove(table_model *m, int atom, int fd);
int table_model_exhausted(table_model *m, int atom, int fd, int flags);

int table_model_alarms(const table_model *m, int row);
void table_model_calm(table_model *m, int row, int bits);
int table_model_request(const table_model *m, int row);
int table_model_wake(table_model *m, int row);

/* full: the core's queue has no free place. */
int table_model_harvest(table_model *m, uint32_t fd, uint32_t generation, int bits, int full);

int table_model_pending(const table_model *m);
/* The pending flags of a row, as flags. */
int table_model_pending_flags(const table_row *row);
/* They are delivered: no longer pending, and the interest is over if it was for once
 * (IO-ONESHOT-1). */
void table_model_take(table_row *row);
/* Nobody has a place in the queue any more. */
void table_model_no_places(table_model *m);

#endif
