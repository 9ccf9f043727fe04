/* Which programs the theorem speaks of, as far as that can be seen without running them. */
#ifndef IOATOM_FUZZ_EQUIVALENCE_SCOPE_H
#define IOATOM_FUZZ_EQUIVALENCE_SCOPE_H

#include "../program/program.h"

/* own-bytes: the first operation in the callback of this atom that does something else than the bytes
 * of its own descriptor tell it to, or null. */
const op *scope_foreign(const program *p, int atom);

/* The atoms that an operation names or makes anew, a bit each. */
unsigned scope_atoms(const op *o);

#endif
