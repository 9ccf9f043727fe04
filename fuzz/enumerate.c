/*
 * Runs every program over an alphabet up to a length, in every configuration, on the simulated
 * kernel, against the model. So what a fuzzer may find or not is shown for small programs: there is
 * none of them that breaks a clause. Two descriptors, the ends of one pipe or pair of sockets, and
 * two atoms, one for each; see --help.
 */
#include <ioatom/sim.h>

#include "harness/env.h"
#include "harness/run.h"
#include "harness/trace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_USE = 2, TICK_SECONDS = 4, MOST_OPERATIONS = 48, MOST_LENGTH = 12 };

static const char usage[] =
    "usage: enumerate [OPTION...]\n"
    "\n"
    "Runs every program over an alphabet, up to a length, in all configurations, against the\n"
    "model of lib/SPEC.md. A program is: an object, \"open d0 d1 pipe\" or \"unix\", which also "
    "inits\n"
    "a0 with d0 and a1 with d1; operations of the alphabet, as many as the length says; and for "
    "each\n"
    "atom one of the callbacks. There are two alphabets: a wide one, for short programs, and a\n"
    "narrow one, whose programs begin with both atoms registered.\n"
    "\n"
    "  --wide=N    length over the wide alphabet (default 4; 0: none)\n"
    "  --narrow=N  length over the narrow alphabet (default 5; 0: none)\n"
    "  --list      print alphabets and callbacks, and how many programs there are\n"
    "  --help      print this\n"
    "\n"
    "One thing is left out, since it can change nothing: if an atom is not called in any\n"
    "configuration, its other callbacks are not tried with the same rest. Programs are counted "
    "with\n"
    "those that this covers, and runs without. A violation prints the program and aborts.\n";

static const char *const kinds[] = {"open d0 d1 pipe", "open d0 d1 unix"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What it does, for each of the two atoms; operations are separated by line ends. */
static const char *const callbacks[][2] = {
    {"", ""},
    {"drain a0", "drain a1"},
    {"remove a0", "remove a1"},
    {"free a1", "free a0"},
    {"set a0 read,write", "set a1 read,write"},
    {"set a1 none", "set a0 none"},
    {"ioclose a1", "ioclose a0"},
    {"drain a0\nsend d1 1", "drain a1\nsend d0 1"},
    {"remove a1\nadd a1 read,write", "remove a0\nadd a0 read,write"},
};
enum { CALLBACKS = sizeof(callbacks) / sizeof(callbacks[0]) };

static const char *const wide[] = {
    "add a0 read",
    "add a0 read,write",
    "add a0 read,oneshot",
    "add a1 write",
    "add a1 read,write",
    "set a0 none",
    "set a0 read,write",
    "set a0 write,oneshot",
    "set a1 none",
    "set a1 read,write",
    "remove a0",
    "free a0",
    "ioclose a0",
    "abandon a0",
    "close d0",
    "close d1",
    "send d0 1",
    "send d1 1",
    "read a0 1",
    "drain a0",
    "drain a1",
    "fill a1",
    "exhausted a0 read,write",
    "open d0 d1 pipe",
    "wait 0",
    "dispatch",
    "turn",
    "next",
    "check",
    "dispose",
    NULL,
};

static const char *const narrow[] = {
    "add a0 read,write", "set a0 read", "set a1 none", "remove a0", "send d1 1",
    "drain a0",          "close d1",    "turn",        "wait 0",    NULL,
};

typedef struct alphabet {
    const char *name;
    const char *const *texts;
    unsigned count;
    const char *begin; /* of each program, after the object is opened */
    unsigned length;   /* up to this, the beginning not counted */
    op operations[MOST_OPERATIONS];
} alphabet;

static alphabet alphabets[] = {
    {.name = "wide", .texts = wide, .begin = "", .length = 4},
    {.name = "narrow",
     .texts = narrow,
     .begin = "add a0 read,write\nadd a1 read,write",
     .length = 5},
};
enum { ALPHABETS = sizeof(alphabets) / sizeof(alphabets[0]) };

static op objects[KINDS];
static op_list procs[CALLBACKS][2];

static struct {
    double begin, shown;
    uint64_t programs, runs;
} done;

static double now_seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static op_list parse_list(const char *text)
{
    static program p;
    const char *error;
    if (program_parse(&p, text, strlen(text), &error) != 0) {
        fprintf(stderr, "enumerate: \"%s\": %s\n", text, error);
        exit(EXIT_USE);
    }
    return p.main;
}

static void parse_all(void)
{
    for (int i = 0; i < ALPHABETS; i++) {
        alphabet *a = &alphabets[i];
        for (a->count = 0; a->texts[a->count]; a->count++) {
            a->operations[a->count] = parse_list(a->texts[a->count]).ops[0];
        }
    }
    for (int i = 0; i < KINDS; i++) {
        objects[i] = parse_list(kinds[i]).ops[0];
    }
    for (int i = 0; i < CALLBACKS; i++) {
        for (int atom = 0; atom < 2; atom++) {
            procs[i][atom] = parse_list(callbacks[i][atom]);
        }
    }
}

static uint64_t power(uint64_t base, unsigned exponent)
{
    uint64_t result = 1;
    for (unsigned i = 0; i < exponent; i++) {
        result *= base;
    }
    return result;
}

/* Of exactly this length. */
static uint64_t count_programs(const alphabet *a, unsigned length)
{
    return power(a->count, length) * KINDS * CALLBACKS * CALLBACKS;
}

static void copy_list(op_list *to, const op_list *from)
{
    to->count = from->count;
    memcpy(to->ops, from->ops, from->count * sizeof(op));
}

/* In all configurations. Which atoms were called. */
static unsigned run_everywhere(const program *p)
{
    unsigned called = 0;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        run_program(p, &configs[i]);
        called |= trace_called();
    }
    done.runs += CONFIG_COUNT;
    return called;
}

/* All callbacks with this main list. A pair of callbacks is covered by another pair, if that differs
 * only in the callback of an atom that was not called there: it runs alike, and calls the same. */
static void run_callbacks(program *p)
{
    enum { FIRST = 1, SECOND = 2, UNKNOWN = 4 };
    unsigned by_second[CALLBACKS],
        by_first[CALLBACKS]; /* what pairs with this one call, if that covers */
    for (int i = 0; i < CALLBACKS; i++) {
        by_first[i] = by_second[i] = UNKNOWN;
    }
    for (int i = 0; i < CALLBACKS; i++) {
        for (int j = 0; j < CALLBACKS; j++) {
            unsigned called = by_second[j] != UNKNOWN ? by_second[j] : by_first[i];
            if (called == UNKNOWN) {
                copy_list(&p->callback[0], &procs[i][0]);
                copy_list(&p->callback[1], &procs[j][1]);
                called = run_everywhere(p);
            }
            by_second[j] = called & FIRST ? by_second[j] : called;
            by_first[i] = called & SECOND ? by_first[i] : called;
        }
    }
    done.programs += (uint64_t)CALLBACKS * CALLBACKS;
}

static void show(const alphabet *a, unsigned length, uint64_t at, uint64_t of)
{
    double now = now_seconds();
    if (now - done.shown >= TICK_SECONDS) {
        done.shown = now;
        printf("  %s, length %u: %.0f %%, %.0f s\n", a->name, length,
               100.0 * (double)at / (double)of, now - done.begin);
        fflush(stdout);
    }
}

static void run_length(const alphabet *a, unsigned length)
{
    static program p;
    uint64_t lists = power(a->count, length);
    op_list begin = parse_list(a->begin);
    memset(&p, 0, sizeof(p));
    memcpy(p.main.ops + 1, begin.ops, begin.count * sizeof(op));
    p.main.count = 1 + begin.count + length;
    for (uint64_t n = 0; n < lists; n++) {
        uint64_t left = n;
        for (unsigned i = p.main.count - 1; i > begin.count; i--) {
            p.main.ops[i] = a->operations[left % a->count];
            left /= a->count;
        }
        for (int kind = 0; kind < KINDS; kind++) {
            p.main.ops[0] = objects[kind];
            run_callbacks(&p);
        }
        if (n % 256 == 0) {
            show(a, length, n, lists);
        }
    }
}

static void run_alphabet(const alphabet *a)
{
    double begin = now_seconds();
    uint64_t programs = done.programs, runs = done.runs;
    for (unsigned length = 1; length <= a->length; length++) {
        run_length(a, length);
    }
    printf("%s: %u operations, up to length %u: %llu programs, %llu runs in one configuration, "
           "%.0f s\n",
           a->name, a->count, a->length, (unsigned long long)(done.programs - programs),
           (unsigned long long)(done.runs - runs), now_seconds() - begin);
}

/* Operations that are separated by line ends. */
static void print_joined(const char *text)
{
    for (const char *c = text; *c; c++) {
        fputs(*c == '\n' ? "; " : (char[]){*c, '\0'}, stdout);
    }
}

static void list(void)
{
    for (int i = 0; i < ALPHABETS; i++) {
        const alphabet *a = &alphabets[i];
        uint64_t total = 0;
        for (unsigned length = 1; length <= a->length; length++) {
            total += count_programs(a, length);
        }
        printf("%s: %u operations, up to length %u: %llu programs", a->name, a->count, a->length,
               (unsigned long long)total);
        fputs(a->begin[0] ? ", which begin with " : "", stdout);
        print_joined(a->begin);
        printf("\n");
        for (unsigned k = 0; k < a->count; k++) {
            printf("    %s\n", a->texts[k]);
        }
    }
    printf("callbacks of a0, those of a1 are the same the other way round:\n");
    for (int i = 0; i < CALLBACKS; i++) {
        printf("    %s", i == 0 ? "(nothing)" : "");
        print_joined(callbacks[i][0]);
        printf("\n");
    }
}

/* 1 if it is this option, with a length. */
static int read_length(const char *text, const char *name, unsigned *length)
{
    size_t size = strlen(name);
    if (strncmp(text, name, size) != 0 || text[size] < '0' || text[size] > '9') {
        return 0;
    }
    char *end;
    unsigned long n = strtoul(text + size, &end, 10);
    *length = (unsigned)n;
    return *end == '\0' && n <= MOST_LENGTH;
}

int main(int argc, char **argv)
{
    int wants_list = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        wants_list |= strcmp(argv[i], "--list") == 0;
        if (strcmp(argv[i], "--list") != 0 &&
            !read_length(argv[i], "--wide=", &alphabets[0].length) &&
            !read_length(argv[i], "--narrow=", &alphabets[1].length)) {
            fprintf(stderr,
                    "enumerate: unknown option or bad length: %s (--help lists the options)\n",
                    argv[i]);
            return EXIT_USE;
        }
    }
    parse_all();
    if (wants_list) {
        list();
        return 0;
    }
    if (env_setup() < 0) {
        fprintf(stderr, "enumerate: the simulated kernel does not start\n");
        return EXIT_USE;
    }
    done.begin = done.shown = now_seconds();
    for (int i = 0; i < ALPHABETS; i++) {
        run_alphabet(&alphabets[i]);
    }
    printf("%llu programs, %llu runs: no violation\n", (unsigned long long)done.programs,
           (unsigned long long)done.runs);
    return done.programs > 0 ? 0 : EXIT_USE;
}
