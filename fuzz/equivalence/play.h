/*
 * Plays a program in one configuration, as the theorem means it (fuzz/PROGRAMS.md, "Equivalence"):
 *
 *   turn      the loop of the program runs until it rests: until waits find nothing
 *   wait      as many waits as IO-FAIR-1 allows
 *   next      takes an event, and what the atom's callback does is done with it
 *   send      the peer is patient: what finds no room now is sent when there is room
 *
 * At the end the peers take what is on its way to them, until all is at rest, and what remains then is
 * the outcome.
 */
#ifndef IOATOM_FUZZ_EQUIVALENCE_PLAY_H
#define IOATOM_FUZZ_EQUIVALENCE_PLAY_H

#include "witness.h"

/* The end of one side of an object, which has one descriptor or more. */
typedef struct end_state {
    int is_open;
    int is_registered; /* for one of its descriptors an atom is; then: */
    int atom;          /* which; -1 if handle accepted into it, so that order may have decided */
    int interest;      /* its interest */
    int ready;         /* what is ready */
    int ended;         /* the error that the last io_read had, but for EAGAIN; or 0 */
} end_state;

typedef struct outcome {
    witness witness;
    unsigned hypotheses;          /* that hold, a bit each */
    char reasons[HYPOTHESES][96]; /* why one does not */
    unsigned turns, calls;
    int is_cut;     /* it did not come to rest in the time that it was given, but something moved */
    uint32_t bytes; /* that the library moved */
    int objects;
    env_object streams[ENV_OBJECTS]; /* what was sent and received */
    end_state ends[ENV_OBJECTS][2];
    uint32_t left[PROGRAM_ATOMS]; /* unread at the end, where an atom is registered */
} outcome;

void play(const program *p, const config *c, outcome *result);

#endif
