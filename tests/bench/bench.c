/*
 * Runs the contestants of the groups in turn, in each round in another order, and writes a line for
 * each measurement: group, size, the contestant's number and name, nanoseconds of processor time for
 * an operation. ci/bench makes a table of them.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CONTESTANTS = 64, SIZES = 3, EXIT_USE = 2 };

typedef struct group {
    const char *name;
    uint64_t operations; /* in a round */
    unsigned sizes[SIZES];
} group;

static const group groups[] = {
    {"relay", 20000, {10, 100, 400}},
    {"timer-add", 200000, {10, 1000, 100000}},
    {"timer-rearm", 200000, {10, 1000, 100000}},
    {"timer-cancel", 200000, {10, 1000, 100000}},
    {"timer-fire", 20000, {10, 1000, 100000}},
    {"lines", 100000, {20, 80, 320}},
    {"frames", 100000, {16, 256, 4096}},
};

static const bench *const files[] = {
    bench_relay_by_hand,  bench_relay_io, bench_relay_libev,
    bench_relay_libevent, bench_timers,   bench_codecs,
};

static const char usage[] =
    "usage: bench [--group NAME] [--rounds N] [--operations N] [--list]\n"
    "\n"
    "Writes group, size, the contestant's number and name, and nanoseconds for an operation, with "
    "tabs\n"
    "between them, a line for each round. ci/bench makes a table of it.\n"
    "\n"
    "  --group NAME     only this group\n"
    "  --rounds N       rounds (default 5); one more comes first that is not written\n"
    "  --operations N   in a round, about (default: as each group says)\n"
    "  --list           print the groups and their contestants, and do nothing\n"
    "  --help           print this\n";

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t paused_ns, uncounted_ns;

void bench_pause(void)
{
    paused_ns = processor_ns();
}

void bench_resume(void)
{
    uncounted_ns += processor_ns() - paused_ns;
}

/* 0, or -1 if it failed. */
static int measure(const bench *b, unsigned number, const group *g, unsigned size,
                   uint64_t operations, int write)
{
    void *state = b->begin(size);
    if (!state) {
        if (!write) {
            fprintf(stderr, "bench: %s %u: not here: %s\n", g->name, size, b->contestant);
        }
        return 0;
    }
    uncounted_ns = 0;
    uint64_t start = processor_ns();
    uint64_t done = b->run(state, operations);
    uint64_t end = processor_ns() - uncounted_ns;
    b->end(state);
    if (done == 0) {
        fprintf(stderr, "bench: %s %u: %s failed\n", g->name, size, b->contestant);
        return -1;
    }
    if (write) {
        printf("%s\t%u\t%u\t%s\t%.2f\n", g->name, size, number, b->contestant,
               (double)(end - start) / (double)done);
        fflush(stdout);
    }
    return 0;
}

/* The contestants of a group. */
static unsigned find(const bench *found[CONTESTANTS], const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (const bench *b = files[i]; b->group; b++) {
            if (strcmp(b->group, name) == 0 && count < CONTESTANTS) {
                found[count++] = b;
            }
        }
    }
    return count;
}

static int run_group(const group *g, unsigned size, unsigned rounds, uint64_t operations)
{
    const bench *who[CONTESTANTS];
    unsigned count = find(who, g->name);
    for (unsigned round = 0; round <= rounds; round++) {
        for (unsigned i = 0; i < count; i++) {
            unsigned at = (i + round) % count;
            if (measure(who[at], at, g, size, operations, round > 0) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static void list(void)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (const bench *b = files[i]; b->group; b++) {
            printf("%s\t%s\n", b->group, b->contestant);
        }
    }
}

typedef struct options {
    const char *group;
    uint64_t rounds;
    uint64_t operations;
    int list;
} options;

static int parse_number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *text >= '0' && *text <= '9' && *value > 0 &&
           *value <= 1000000000;
}

/* 1, or 0 if the command is wrong. */
static int parse(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--list") == 0) {
            o->list = 1;
        } else if (strcmp(argv[i], "--group") == 0 && *value) {
            o->group = argv[++i];
        } else if (strcmp(argv[i], "--rounds") == 0 && parse_number(value, &o->rounds)) {
            i++;
        } else if (strcmp(argv[i], "--operations") == 0 && parse_number(value, &o->operations)) {
            i++;
        } else {
            fprintf(stderr, "bench: '%s' is no option, or its value is wrong (--help)\n", argv[i]);
            return 0;
        }
    }
    return 1;
}

/* Each contestant has its own descriptors. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    options o = {.rounds = 5};
    int found = 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!parse(argc, argv, &o)) {
        return EXIT_USE;
    }
    if (o.list) {
        list();
        return 0;
    }
    raise_limit();
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const group *g = &groups[i];
        if (o.group && strcmp(o.group, g->name) != 0) {
            continue;
        }
        found = 1;
        for (int k = 0; k < SIZES && g->sizes[k]; k++) {
            uint64_t operations = o.operations ? o.operations : g->operations;
            if (run_group(g, g->sizes[k], (unsigned)o.rounds, operations) < 0) {
                return 1;
            }
        }
    }
    if (!found) {
        fprintf(stderr, "bench: there is no group '%s' (--list)\n", o.group);
        return EXIT_USE;
    }
    return 0;
}
