/* The two sides of both_test. */
#ifndef TESTS_SIM_BOTH_H
#define TESTS_SIM_BOTH_H

#include <ioatom/ioatom.h>

/* The flags that the atom of a pipe with data is told; -1: something failed. */
int both_run_real(int types);
int both_run_simulated(int types);

#endif
