/*
 * Sweeps faults: a program is run once as it is, and then again for each system call that the library
 * made and each error that this call can have, which it then has. The model checks every run: the
 * call of the library is refused and has changed nothing, or does what it does anyhow, and nothing is
 * lost afterwards. The program may plan faults itself, so that two meet.
 */
#include <ioatom/sim.h>

#include "harness/entry.h"
#include "harness/faults.h"
#include "harness/report.h"
#include "harness/run.h"
#include "program/table.h"

/* Runs for an input in a configuration: more make no program of a usual size slower to fuzz, and no
 * seed is cut. */
enum { MOST_RUNS = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void replay_report(void);

typedef struct fault {
    const char *name; /* of the system call */
    uint16_t call;
    uint8_t error;
} fault;

static unsigned long programs, runs, left_out;

/* What could go wrong in the latest run. */
static unsigned find_faults(fault *faults)
{
    unsigned count = 0;
    for (unsigned call = 1; call <= faults_calls(); call++) {
        for (unsigned error = 0; error < ERROR_CODES; error++) {
            if (faults_errors_of(call) >> error & 1) {
                faults[count++] = (fault){
                    .name = faults_name_of(call), .call = (uint16_t)call, .error = (uint8_t)error};
            }
        }
    }
    return count;
}

static void run_with(const program *p, const config *c, const fault *f)
{
    faults_sweep(f->call, f->error);
    report_sweep(f->name, f->call, program_error_names[f->error]);
    run_program(p, c);
    if (!faults_was_swept()) {
        violation("simulated-kernel", "the call did not come again: the run is another one");
    }
    faults_sweep(0, 0);
    report_sweep(NULL, 0, NULL);
    runs++;
}

/* Of too many faults some, spread over the run; the input decides which. */
static void sweep(const program *p, const config *c, uint32_t choice)
{
    static fault faults[FAULTS_CALLS * ERROR_CODES];
    run_program(p, c);
    unsigned count = find_faults(faults);
    unsigned most = count < MOST_RUNS ? count : MOST_RUNS;
    left_out += count - most;
    for (unsigned i = 0; i < most; i++) {
        run_with(p, c, &faults[(choice + (uint64_t)i * count / most) % count]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const program *p = entry_program(data, size);
    uint32_t choice = 0;
    for (size_t i = 0; i < size; i++) {
        choice = choice * 16777619u ^ data[i];
    }
    for (int i = 0; p && i < CONFIG_COUNT; i++) {
        if (entry_is_wanted(&configs[i])) {
            sweep(p, &configs[i], choice);
            programs++;
        }
    }
    return 0;
}

/* replay_main.c prints this. */
void replay_report(void)
{
    printf("%lu programs, each in one configuration; one fault in each of %lu further runs; %lu "
           "faults left out\n",
           programs, runs, left_out);
}
