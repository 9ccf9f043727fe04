#include "entry.h"

#include "../program/mutate.h"
#include "env.h"
#include "kernel.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Optional: libFuzzer uses them if they are there, other engines change bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max_size, unsigned seed);

extern const int entry_all_at_once __attribute__((weak));
static const char *only;
static int usable;
static int offered[CONFIG_COUNT];

/* Not every kernel, or sandbox, lets us have io_uring. */
static void find_offered(void)
{
    static io_poller poller; /* large */
    kernel_setup();
    kernel_begin();
    for (int i = 0; i < CONFIG_COUNT; i++) {
        int result = io_poller_init(&poller, configs[i].types);
        offered[i] = result != -ENOSYS;
        if (result >= 0) {
            io_poller_dispose(&poller);
        } else if (!offered[i] && !getenv("IOATOM_FUZZ_LIST")) {
            fprintf(stderr, "%s: this kernel does not offer it: not run\n", configs[i].name);
        }
    }
}

int entry_is_wanted(const config *c)
{
    return offered[c - configs] && (!only || strcmp(only, c->name) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    int known = 0;
    int choice = !&entry_all_at_once || !entry_all_at_once;
    only = choice ? getenv("IOATOM_FUZZ_CONFIG") : NULL;
    find_offered();
    if (getenv("IOATOM_FUZZ_LIST")) {
        if (!choice) {
            puts("none");
        }
        for (int i = 0; choice && i < CONFIG_COUNT; i++) {
            if (offered[i]) {
                printf("%s\n", configs[i].name);
            }
        }
        exit(0);
    }
    for (int i = 0; i < CONFIG_COUNT; i++) {
        known |= !only || strcmp(only, configs[i].name) == 0;
    }
    if (!known) {
        fprintf(stderr, "IOATOM_FUZZ_CONFIG: there is no configuration %s\n", only);
        exit(2);
    }
    usable = env_setup() == 0;
    if (!usable) {
        fprintf(stderr, "this machine lets us have no sockets: nothing is tested\n");
    }
    return 0;
}

const program *entry_program(const uint8_t *data, size_t size)
{
    static program p; /* large */
    if (!usable) {
        return NULL;
    }
    program_decode(&p, data, size);
    return &p;
}

void entry_run(const uint8_t *data, size_t size)
{
    const program *p = entry_program(data, size);
    for (int i = 0; p && i < CONFIG_COUNT; i++) {
        if (entry_is_wanted(&configs[i])) {
            run_program(p, &configs[i]);
        }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return program_mutate_or_bytes(data, size, max_size, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max_size, unsigned seed)
{
    return program_splice(data, size, other, other_size, out, max_size, seed);
}
