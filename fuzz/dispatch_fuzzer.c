/*
 * Fuzzes registration and dispatch on the real kernel: the bytes are a program (fuzz/PROGRAMS.md),
 * which is run on every configuration, or on the one that the environment variable
 * IOATOM_FUZZ_CONFIG names, against the model in fuzz/model. dispatch_sim_fuzzer does the same, many
 * times as fast, on the simulated kernel; this one shows what the simulation does not.
 */
#include "harness/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entry_run(data, size);
    return 0;
}
