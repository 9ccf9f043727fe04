/* What the fuzz targets that run programs have in common: which configurations, and the mutator.
 * entry.c has LLVMFuzzerInitialize and LLVMFuzzerCustomMutator. */
#ifndef IOATOM_FUZZ_HARNESS_ENTRY_H
#define IOATOM_FUZZ_HARNESS_ENTRY_H

#include "../program/program.h"
#include "config.h"

/* A target that runs every program in all configurations at once, and so has none to choose from,
 * defines it as 1. */
extern const int entry_all_at_once;

/* The program of these bytes, or null on a machine that lets us have no sockets. */
const program *entry_program(const uint8_t *data, size_t size);

/* All, or the one that the environment variable IOATOM_FUZZ_CONFIG names. */
int entry_is_wanted(const config *c);

/* Run the program of these bytes in every configuration that is wanted. */
void entry_run(const uint8_t *data, size_t size);

#endif
