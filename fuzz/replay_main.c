/* Runs a fuzz target on given inputs, without a fuzzer: what Bazel's replay tests are linked with,
 * and ci/measure. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "program/file.h"
#include "program/program.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void replay_report(void) __attribute__((weak)); /* what else the target has to tell at the end */

/* harness/trace.h, in targets that run programs. */
uint64_t trace_digest(void) __attribute__((weak));
unsigned long trace_runs(void) __attribute__((weak));
unsigned long trace_operations(void) __attribute__((weak));

enum { EXIT_FAILED = 1, EXIT_USE = 2, EXIT_NOTHING = 3 };
enum { MAX_REPETITIONS = 1000000, TICK_SECONDS = 4 };

static const char usage[] =
    "usage: replay [OPTION...] FILE-OR-FOLDER...\n"
    "\n"
    "Runs the fuzz target on each file, or each file in a folder (but *.md). A file *.iop is text\n"
    "and is encoded first, any other is taken as it is.\n"
    "\n"
    "  --repeat=N  run all of them N times, one after the other, and print what it took:\n"
    "              processor time, since a core is what is measured\n"
    "  --trace     print a hash of what was seen of each input's runs, in all configurations or\n"
    "              in the one that IOATOM_FUZZ_CONFIG names; with --repeat it must be the same\n"
    "              each time\n"
    "\n"
    "Exit code 1: a file *.iop has a syntax error, or a repetition went another way; 2: a file\n"
    "cannot be read, or bad usage; 3: there was no file.\n";

typedef struct input {
    char *path;
    uint8_t *data;
    size_t size;
    unsigned length; /* operations, if it is a program */
    uint64_t digest;
    double fastest_s, slowest_s;
} input;

static struct {
    input *all;
    size_t count, capacity;
} inputs;

static struct {
    unsigned long repetitions;
    int measure;
    int trace;
} options = {.repetitions = 1};

static int unreadable(const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    return EXIT_USE;
}

static int no_memory(void)
{
    fprintf(stderr, "replay: no memory\n");
    return EXIT_USE;
}

static unsigned count_operations(const uint8_t *data, size_t size)
{
    static program p;
    program_decode(&p, data, size);
    unsigned count = p.main.count;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        count += p.callback[i].count;
    }
    return count;
}

/* Takes over the data. The input has a block of its own and exactly its size, so that a sanitizer
 * sees every byte too many. */
static int add_input(const char *path, const uint8_t *data, size_t size)
{
    if (inputs.count == inputs.capacity) {
        size_t capacity = inputs.capacity > 0 ? 2 * inputs.capacity : 64;
        input *more = realloc(inputs.all, capacity * sizeof(input));
        if (!more) {
            return no_memory();
        }
        inputs.all = more;
        inputs.capacity = capacity;
    }
    input *i = &inputs.all[inputs.count];
    *i = (input){.path = strdup(path), .data = malloc(size), .size = size, .fastest_s = 1e9};
    if (!i->path || (!i->data && size > 0)) {
        free(i->path);
        free(i->data);
        return no_memory();
    }
    if (size > 0) {
        memcpy(i->data, data, size);
    }
    i->length = count_operations(data, size);
    inputs.count++;
    return 0;
}

static int load_text(const char *path, const uint8_t *data, size_t size)
{
    static program p;
    uint8_t bytes[PROGRAM_BYTES];
    if (file_parse(path, data, size, &p) < 0) {
        return EXIT_FAILED;
    }
    return add_input(path, bytes, program_encode(&p, bytes, sizeof(bytes)));
}

static int load_file(const char *path)
{
    size_t size;
    uint8_t *data = file_read(path, &size);
    if (!data) {
        return unreadable(path);
    }
    int r = file_is_text(path) ? load_text(path, data, size) : add_input(path, data, size);
    free(data);
    return r;
}

static int is_document(const char *name)
{
    size_t length = strlen(name);
    return length >= 3 && strcmp(name + length - 3, ".md") == 0;
}

static int load_entry(const char *folder, const char *name)
{
    struct stat status;
    char *path;
    int r = 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return unreadable(folder);
    }
    if (stat(path, &status) != 0) {
        r = unreadable(path);
    } else if (S_ISREG(status.st_mode) && !is_document(name)) {
        r = load_file(path);
    }
    free(path);
    return r;
}

static int load_folder(const char *folder)
{
    struct dirent **entries;
    int r = 0;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        return unreadable(folder);
    }
    for (int i = 0; i < count; i++) {
        if (r == 0) {
            r = load_entry(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int load(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return unreadable(path);
    }
    return S_ISDIR(status.st_mode) ? load_folder(path) : load_file(path);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 0, or EXIT_FAILED if it went another way than the first time. */
static int run(input *i, unsigned long repetition)
{
    double begin = options.measure ? seconds(CLOCK_PROCESS_CPUTIME_ID) : 0;
    (void)LLVMFuzzerTestOneInput(i->data, i->size);
    if (options.measure) {
        double took = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
        i->fastest_s = took < i->fastest_s ? took : i->fastest_s;
        i->slowest_s = took > i->slowest_s ? took : i->slowest_s;
    }
    uint64_t digest = options.trace ? trace_digest() : 0;
    if (repetition == 1) {
        i->digest = digest;
    } else if (i->digest != digest) {
        fprintf(stderr, "replay: %s: the trace of repetition %lu differs from the first one\n",
                i->path, repetition);
        return EXIT_FAILED;
    }
    return 0;
}

static int run_all(void)
{
    double shown = seconds(CLOCK_MONOTONIC), begin = shown;
    int result = 0;
    if (options.trace) {
        (void)trace_digest(); /* begins */
    }
    for (unsigned long n = 1; n <= options.repetitions; n++) {
        for (size_t i = 0; i < inputs.count; i++) {
            int r = run(&inputs.all[i], n);
            result = r ? r : result;
        }
        double now = seconds(CLOCK_MONOTONIC);
        if (options.measure && now - shown >= TICK_SECONDS) {
            printf("  %lu of %lu repetitions, %.0f s\n", n, options.repetitions, now - begin);
            fflush(stdout);
            shown = now;
        }
    }
    return result;
}

static int by_length(const void *a, const void *b)
{
    const input *x = a, *y = b;
    return (x->length > y->length) - (x->length < y->length);
}

static int by_slowness(const void *a, const void *b)
{
    const input *x = a, *y = b;
    return (x->fastest_s < y->fastest_s) - (x->fastest_s > y->fastest_s);
}

/* Lines NAME, two spaces or more, NUMBER, and perhaps more: ci/measure reads them. */
static void print_figures(double processor_s, double elapsed_s)
{
    double worst = 0;
    double tests = (double)inputs.count * (double)options.repetitions;
    for (size_t i = 0; i < inputs.count; i++) {
        worst = inputs.all[i].slowest_s > worst ? inputs.all[i].slowest_s : worst;
    }
    printf("inputs                  %zu\n", inputs.count);
    printf("repetitions             %lu\n", options.repetitions);
    if (trace_runs) {
        qsort(inputs.all, inputs.count, sizeof(input), by_length);
        printf("median length           %u  operations\n", inputs.all[inputs.count / 2].length);
        printf("executed in a run       %.1f  operations\n",
               (double)trace_operations() / (double)trace_runs());
        printf("runs                    %lu  each in one configuration\n", trace_runs());
        printf("runs a second           %.0f\n", (double)trace_runs() / processor_s);
    }
    printf("inputs a second         %.0f\n", tests / processor_s);
    printf("processor time          %.3f  s\n", processor_s);
    printf("elapsed time            %.3f  s\n", elapsed_s);
    qsort(inputs.all, inputs.count, sizeof(input), by_slowness);
    printf("slowest input           %.3f  ms at its best: %s\n", inputs.all[0].fastest_s * 1e3,
           inputs.all[0].path);
    printf("slowest time            %.3f  ms, of any input\n", worst * 1e3);
}

/* 0, or EXIT_USE. */
static int read_option(const char *text)
{
    static const char repeat[] = "--repeat=";
    if (strcmp(text, "--trace") == 0 && trace_digest) {
        options.trace = 1;
        return 0;
    }
    if (strncmp(text, repeat, strlen(repeat)) == 0) {
        char *end;
        unsigned long n = strtoul(text + strlen(repeat), &end, 10);
        options.repetitions = n;
        options.measure = 1;
        if (*end == '\0' && n >= 1 && n <= MAX_REPETITIONS) {
            return 0;
        }
        fprintf(stderr, "replay: %s: a number from 1 to %d is expected\n", text, MAX_REPETITIONS);
        return EXIT_USE;
    }
    fprintf(stderr, "replay: unknown option %s%s (--help lists the options)\n", text,
            strcmp(text, "--trace") == 0 ? " of a target that runs no programs" : "");
    return EXIT_USE;
}

static void release(void)
{
    for (size_t i = 0; i < inputs.count; i++) {
        free(inputs.all[i].path);
        free(inputs.all[i].data);
    }
    free(inputs.all);
}

static int replay(void)
{
    double processor = seconds(CLOCK_PROCESS_CPUTIME_ID), elapsed = seconds(CLOCK_MONOTONIC);
    int result = run_all();
    processor = seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    elapsed = seconds(CLOCK_MONOTONIC) - elapsed;
    for (size_t i = 0; i < inputs.count && options.trace; i++) {
        printf("%016llx  %s\n", (unsigned long long)inputs.all[i].digest, inputs.all[i].path);
    }
    if (replay_report) {
        replay_report();
    }
    printf("replayed %zu inputs\n", inputs.count);
    if (inputs.count == 0) {
        return EXIT_NOTHING;
    }
    if (options.measure) {
        print_figures(processor, elapsed);
    }
    return result;
}

int main(int argc, char **argv)
{
    int result = 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc && result == 0; i++) {
        result = strncmp(argv[i], "--", 2) == 0 ? read_option(argv[i]) : load(argv[i]);
    }
    if (result == 0) {
        result = replay();
    }
    release();
    return result;
}
