/* Holds programs against the theorem of edge and level mode, and prints what it finds as JSON, a line
 * for each program: ci/equivalence reads it. */
#define _GNU_SOURCE
#include <ioatom/sim.h>

#include "equivalence/check.h"
#include "equivalence/explain.h"
#include "harness/env.h"
#include "program/file.h"
#include "program/mutate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_VIOLATED = 1, EXIT_USE = 2, MOST_BASES = 4096, TICK_SECONDS = 2 };

static const char usage[] =
    "usage: equivalence --theorem\n"
    "       equivalence [--config NAME]... FILE...\n"
    "       equivalence [--config NAME]... --seconds N [--seed N] FILE...\n"
    "\n"
    "Plays each program in every configuration (or in those that are named), on the simulated\n"
    "kernel, and prints a line of JSON for it. A file *.iop is text, any other is bytes.\n"
    "--seconds: plays programs that are made of these by mutation instead, for so long, and "
    "prints\n"
    "a line every two seconds. --theorem: prints the theorem as the checker knows it.\n"
    "\n"
    "Exit code 0: nothing is violated, 1: a conclusion is, 2: bad usage, or a file cannot be "
    "read.\n";

typedef struct options {
    unsigned configs;
    long seconds; /* 0: no mutation */
    long seed;
    char **files;
    int file_count;
} options;

/* A program as bytes, to be mutated. */
typedef struct base {
    uint8_t data[PROGRAM_BYTES];
    size_t size;
} base;

static program current;
static verdict result;

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "equivalence: %s: %s\n", what, why);
    return EXIT_USE;
}

/* 0, or the exit code. */
static int load(const char *path, program *p)
{
    size_t size;
    uint8_t *data = file_read(path, &size);
    int r = 0;
    if (!data) {
        return complain(path, strerror(errno));
    }
    if (file_is_text(path)) {
        r = file_parse(path, data, size, p) < 0 ? EXIT_USE : 0;
    } else {
        program_decode(p, data, size);
    }
    free(data);
    return r;
}

static int check_files(const options *o)
{
    int worst = 0;
    for (int i = 0; i < o->file_count; i++) {
        int r = load(o->files[i], &current);
        if (r != 0) {
            return r;
        }
        /* If the library breaks a clause the process ends here, and this tells where. */
        fputs("{\"begins\": ", stdout);
        explain_string(o->files[i], stdout);
        fputs("}\n", stdout);
        fflush(stdout);
        check_program(&current, o->configs, &result);
        explain_json(o->files[i], &current, &result, stdout);
        fputc('\n', stdout);
        fflush(stdout);
        worst = result.violated != CONCLUSIONS ? EXIT_VIOLATED : worst;
    }
    return worst;
}

/* --- programs made by mutation --- */

typedef struct tally {
    unsigned long programs, named;
    unsigned long claimed[CONCLUSIONS];
    unsigned long compared[CONCLUSIONS];
} tally;

static void count(tally *t)
{
    t->programs++;
    t->named += result.named_count > 0;
    for (int c = 0; c < CONCLUSIONS; c++) {
        int is_claimed = (result.claimed & 1u << c) != 0;
        t->claimed[c] += (unsigned)is_claimed;
        t->compared[c] += is_claimed ? result.compared[c] : 0;
    }
}

static void print_tally(const tally *t)
{
    printf("{\"made\": %lu, \"naming\": %lu, \"conclusions\": {", t->programs, t->named);
    for (int c = 0; c < CONCLUSIONS; c++) {
        printf("%s\"%s\": {\"programs\": %lu, \"compared\": %lu}", c ? ", " : "",
               theorem_conclusions[c].name, t->claimed[c], t->compared[c]);
    }
    printf("}}\n");
    fflush(stdout);
}

static base *load_bases(const options *o, int *code)
{
    base *bases = calloc((size_t)o->file_count, sizeof(*bases));
    *code = bases ? 0 : complain("no memory", "give fewer files");
    for (int i = 0; *code == 0 && i < o->file_count; i++) {
        *code = load(o->files[i], &current);
        bases[i].size = program_encode(&current, bases[i].data, sizeof(bases[i].data));
    }
    return bases;
}

/* What the seed makes of the bases. */
static void make(const base *bases, int count, uint32_t seed, program *p)
{
    base made = bases[seed % (unsigned)count];
    base spliced;
    for (uint32_t step = 0; step <= seed / 7 % 3; step++) {
        made.size = program_mutate(made.data, made.size, PROGRAM_BYTES, seed + step);
    }
    if (seed / 3 % 4 == 0) {
        const base *other = &bases[seed / 11 % (unsigned)count];
        spliced.size = program_splice(made.data, made.size, other->data, other->size, spliced.data,
                                      PROGRAM_BYTES, seed);
        made = spliced;
    }
    program_decode(p, made.data, made.size);
}

static int check_mutations(const options *o)
{
    tally t = {0};
    int code;
    base *bases = load_bases(o, &code);
    uint32_t random = (uint32_t)o->seed;
    time_t start = time(NULL), last = start;
    while (code == 0 && time(NULL) - start < o->seconds) {
        random = random * 1664525u + 1013904223u;
        make(bases, o->file_count, random ^ random >> 16, &current);
        check_program(&current, o->configs, &result);
        count(&t);
        if (result.violated != CONCLUSIONS) {
            explain_json("a program made by mutation", &current, &result, stdout);
            fputc('\n', stdout);
            code = EXIT_VIOLATED;
        }
        if (time(NULL) - last >= TICK_SECONDS) {
            last = time(NULL);
            print_tally(&t);
        }
    }
    print_tally(&t);
    free(bases);
    return code;
}

/* --- arguments --- */

static int parse_number(const char *option, const char *text, long *number)
{
    char *end;
    errno = 0;
    *number = text ? strtol(text, &end, 10) : -1;
    int is_number = text && *text && !*end && errno == 0;
    return is_number && *number >= 0 && *number <= INT32_MAX
               ? 0
               : complain(option, "a whole number is expected");
}

static int parse_config(const char *name, options *o)
{
    for (int i = 0; name && i < CONFIG_COUNT; i++) {
        if (strcmp(configs[i].name, name) == 0) {
            o->configs |= 1u << i;
            return 0;
        }
    }
    return complain(name ? name : "--config", "there is no such configuration");
}

static int parse_option(const char *option, const char *argument, options *o)
{
    if (strcmp(option, "--config") == 0) {
        return parse_config(argument, o);
    }
    if (strcmp(option, "--seconds") == 0) {
        return parse_number(option, argument, &o->seconds);
    }
    if (strcmp(option, "--seed") == 0) {
        return parse_number(option, argument, &o->seed);
    }
    return complain(option, "unknown option (--help lists them)");
}

static int parse(int argc, char **argv, options *o)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (parse_option(argv[i], argv[i + 1], o) != 0) {
            return EXIT_USE;
        }
    }
    o->files = argv + i;
    o->file_count = argc - i;
    return o->file_count > 0 && o->file_count <= MOST_BASES
               ? 0
               : complain("FILE", "1 to 4096 files are expected");
}

int main(int argc, char **argv)
{
    options o = {.seed = 1};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--theorem") == 0) {
        theorem_print(stdout);
        return 0;
    }
    if (parse(argc, argv, &o) != 0) {
        return EXIT_USE;
    }
    if (env_setup() != 0) {
        return complain("simulated kernel", "the harness cannot make its descriptors");
    }
    return o.seconds > 0 ? check_mutations(&o) : check_files(&o);
}
