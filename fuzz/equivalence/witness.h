/*
 * Watches one run, beside the model: what each callback leaves (lib/SPEC.md, "Edge and level"), and
 * whether what is told is what level mode would tell. It goes by what the program and the library did
 * at their interface, and knows nothing of the inside of the library.
 */
#ifndef IOATOM_FUZZ_EQUIVALENCE_WITNESS_H
#define IOATOM_FUZZ_EQUIVALENCE_WITNESS_H

#include "../harness/ops.h"
#include "levels.h"
#include "theorem.h"

typedef enum finding_kind {
    FINDING_NONE,
    FINDING_NOT_NOTED,  /* the flag is ready no more, but the library saw no EAGAIN */
    FINDING_LEFT_READY, /* it is still ready */
    FINDING_FORGOTTEN   /* at the end: taken out of the interest by a callback, never asked again */
} finding_kind;

/* What an atom's callback left. */
typedef struct finding {
    finding_kind kind;
    unsigned call;  /* the how-manieth callback of the atom, from 1 on */
    int told;       /* the flags that it was told */
    uint32_t left;  /* how much could be read, in the unit of the object; 0 for other flags */
    object_kind of; /* the object: of a listener these are connections */
} finding;

typedef struct witness_atom {
    unsigned calls;
    int told;     /* of the latest call */
    int is_stray; /* its descriptor was closed (IO-CLOSE-6) */
    int is_open;  /* told, and not done with: what io_next took is done with before the next wait */
    int was_asked;     /* by io_add or io_set, since it was told */
    int again;         /* flags: EAGAIN since the wait that may have found them */
    int answered;      /* flags: EAGAIN since the atom was added (IO-EVENT-8) */
    int left;          /* flags that were left, and neither exhausted nor asked for since */
    int due[2];        /* flags that the latest wait should have found, and the one before */
    int found[LEVELS]; /* what level mode would have found since the atom was told */
    finding silenced;  /* the call that took IO_READ out of the interest */
    finding findings[MODEL_FLAGS]; /* by flag: the first, but one that left something comes first */
} witness_atom;

typedef struct witness {
    const run *run;
    int is_handling; /* a callback runs */
    int is_plain;    /* the kernel's word has been plain: hypothesis "plain" */
    unsigned failed; /* conclusions that do not hold: a bit each */
    conclusion first_failed;
    char failure[200];              /* why the first does not hold */
    unsigned compared[CONCLUSIONS]; /* how much was compared for each */
    witness_atom atoms[PROGRAM_ATOMS];
} witness;

/* Watch this run, whose model gets the witness as its watcher. */
void witness_begin(witness *w, run *r);

/* Waits find nothing: is somebody still owed something (IO-EQUIV-4)? */
void witness_rest(witness *w);

/* The run is over, and rests: what was forgotten. */
void witness_end(witness *w);

void witness_fail(witness *w, conclusion c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 1 if no callback has left a flag. */
int witness_exhausts(const witness *w);

#endif
