/* Mutation that knows where operations begin and end. */
#ifndef IOATOM_FUZZ_PROGRAM_MUTATE_H
#define IOATOM_FUZZ_PROGRAM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Change 1 to 4 operations of an encoded program in place: insert, drop, repeat elsewhere, or
 * change a part. The new size, at most max_size. The same seed makes the same change. */
size_t program_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
