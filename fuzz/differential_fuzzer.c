/*
 * Fuzzes the configurations against each other, on the simulated kernel: a program is run in all of
 * them, and the traces are compared entry by entry. What may be different stands in the table of
 * harness/permitted.c. The model watches each run as well.
 */
#include <ioatom/sim.h>

#include "harness/compare.h"
#include "harness/entry.h"
#include "harness/run.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void replay_report(void);

const int entry_all_at_once = 1;

/* Which to compare, by their places in configs: those of one mode, and the modes. */
enum { PAIRS = 13 };
static const struct {
    const char *first, *second;
} pairs[PAIRS] = {
    {"poll+edge", "select+edge"},    {"poll+edge", "epoll+edge"},   {"poll+level", "select+level"},
    {"poll+level", "epoll+level"},   {"epoll+level", "epoll+edge"}, {"poll+level", "poll+edge"},
    {"select+level", "select+edge"}, {"epoll+edge", "kqueue+edge"}, {"epoll+level", "kqueue+level"},
    {"kqueue+level", "kqueue+edge"}, {"epoll+edge", "uring+edge"},  {"epoll+level", "uring+level"},
    {"uring+level", "uring+edge"},
};

static trace traces[CONFIG_COUNT];

/* What became of the comparisons, for people who replay a corpus. */
static struct {
    unsigned long programs;
    unsigned long operations[PAIRS], compared[PAIRS]; /* executed in both, and compared */
    unsigned long whole[PAIRS], too_long[PAIRS];
    unsigned long used[PAIRS][PERMITTED_ROWS], ended[PERMITTED_ROWS];
} seen;

static unsigned index_of(const char *name)
{
    unsigned i = 0;
    while (strcmp(configs[i].name, name) != 0) {
        i++;
    }
    return i;
}

static unsigned long operations_in(const trace *t)
{
    unsigned long count = 0;
    for (unsigned i = 0; i < t->count && i < TRACE_ENTRIES; i++) {
        count += t->entries[i].kind == TRACE_OPERATION;
    }
    return count;
}

static void compare_pair(const program *p, int pair)
{
    unsigned i = index_of(pairs[pair].first), j = index_of(pairs[pair].second);
    compared_run first = {&configs[i], &traces[i]}, second = {&configs[j], &traces[j]};
    comparison result;
    compare_runs(p, &first, &second, &result);
    seen.operations[pair] += operations_in(&traces[i]);
    seen.compared[pair] += result.operations;
    seen.whole[pair] += result.ended_by == COMPARED_TO_THE_END;
    seen.too_long[pair] += result.ended_by == COMPARED_TOO_LONG;
    for (int row = 0; row < PERMITTED_ROWS; row++) {
        seen.used[pair][row] += result.used[row];
        seen.ended[row] += result.ended_by == row;
    }
}

/* Without what goes wrong in the Nth system call. */
static const program *faultless(const program *p)
{
    static program result; /* large */
    if (!p) {
        return NULL;
    }
    result = *p;
    program_drop_faults(&result);
    return &result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const program *p = faultless(entry_program(data, size));
    for (int i = 0; p && i < CONFIG_COUNT; i++) {
        trace_into(&traces[i]);
        run_program(p, &configs[i]);
    }
    trace_into(NULL);
    for (int pair = 0; p && pair < PAIRS; pair++) {
        compare_pair(p, pair);
    }
    seen.programs += p != NULL;
    return 0;
}

void replay_report(void)
{
    printf("%lu programs; operations compared (of those executed), and programs to their end:\n",
           seen.programs);
    for (int pair = 0; pair < PAIRS; pair++) {
        printf("  %-13s %-13s %8lu of %8lu  %6.2f %%  %7lu programs", pairs[pair].first,
               pairs[pair].second, seen.compared[pair], seen.operations[pair],
               seen.operations[pair] > 0
                   ? 100.0 * (double)seen.compared[pair] / (double)seen.operations[pair]
                   : 0.0,
               seen.whole[pair]);
        printf(seen.too_long[pair] > 0 ? ", %lu too long\n" : "\n", seen.too_long[pair]);
    }
    printf("differences that are permitted, by pair in the order above, and comparisons that they "
           "ended:\n");
    for (int row = 0; row < PERMITTED_ROWS; row++) {
        printf("  %-13s %-34s", permissions[row].clause, permissions[row].difference);
        for (int pair = 0; pair < PAIRS; pair++) {
            printf(" %6lu", seen.used[pair][row]);
        }
        printf("  %6lu ended\n", seen.ended[row]);
    }
}
