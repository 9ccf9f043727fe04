/* Smaller programs of which the same is true: operations are taken out, and sizes made small, as long
 * as it stays so. No operation of the result can be taken out alone. */
#ifndef IOATOM_FUZZ_EQUIVALENCE_MINIMISE_H
#define IOATOM_FUZZ_EQUIVALENCE_MINIMISE_H

#include "check.h"

/* The conclusion is violated. *v is the verdict of the result. */
void minimise_violation(const program *p, conclusion c, program *small, verdict *v);

/* The program has an entry like n: the same kind, atom and flag, and something was left if something
 * was. What the atom's callback does with its own descriptor stays. *v is the verdict of the result. */
void minimise_named(const program *p, const named *n, program *small, verdict *v);

/* The entry of a verdict that is like n, or null. */
const named *minimise_find(const verdict *v, const named *n);

#endif
