/*
 * Fuzzes registration and dispatch on the simulated kernel: dispatch_fuzzer's programs and model,
 * without a system call, so that a run is short and always the same.
 */
#include <ioatom/sim.h>

#include "harness/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entry_run(data, size);
    return 0;
}
