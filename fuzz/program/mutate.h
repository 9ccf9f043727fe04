/* Mutations that know where operations begin and end. The results are whole: a header and records.
 * The same arguments have the same result. */
#ifndef IOATOM_FUZZ_PROGRAM_MUTATE_H
#define IOATOM_FUZZ_PROGRAM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

typedef enum mutation {
    MUTATION_INSERT,
    MUTATION_FOLLOW, /* the same, right behind another, in its list */
    MUTATION_REPEAT, /* an operation, elsewhere */
    MUTATION_DROP,   /* one, or a few in a row */
    MUTATION_MOVE,   /* one to another place */
    MUTATION_CHANGE, /* one field of one operation */
    MUTATION_SWARM,  /* the header */
    MUTATION_SPLICE, /* some of another program's, in program_splice */
    MUTATION_KINDS
} mutation;

/* Change an encoded program in place, in 1 to 4 steps. The new size: at most max_size, and 0 only if
 * there is no room for a header. */
size_t program_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* What LLVMFuzzerCustomMutator does: that, and every fourth time the engine changes bytes, if it can. */
size_t program_mutate_or_bytes(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Put into out a program with operations of another: a run of them somewhere within, or one list in
 * the place of that list. Its size, as above. */
size_t program_splice(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                      uint8_t *out, size_t max_size, unsigned seed);

/* How often each kind happened; for tests. */
const unsigned *program_mutations(void);

#endif
