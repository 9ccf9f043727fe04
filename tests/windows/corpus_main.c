/* Runs programs of the fuzzers (fuzz/PROGRAMS.md) in one configuration of Windows, with the harness and
 * the model of fuzz/. What the model finds wrong ends a process; so the programs run in a process of
 * their own, which is this program again, and is begun anew behind each that failed. */
#include "fuzz/harness/env.h"
#include "fuzz/harness/kernel.h"
#include "fuzz/harness/ops.h"
#include "fuzz/harness/run.h"
#include "fuzz/program/file.h"
#include "fuzz/program/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD_MS = 20000, EXIT_GUARD = 99 };

static const config configs_here[] = {
    {"afd+edge", IO_POLLER_AFD | IO_POLLER_EDGE},
    {"afd+level", IO_POLLER_AFD | IO_POLLER_LEVEL},
    {"select+edge", IO_POLLER_SELECT | IO_POLLER_EDGE},
    {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};

static unsigned long callbacks; /* of the program */

static void begin_counting(run *r)
{
    (void)r;
    callbacks = 0;
}

static int dispatch_and_count(io_poller *poller)
{
    int result = io_dispatch(poller);
    callbacks += result > 0 ? (unsigned long)result : 0;
    return result;
}

const run_hooks run_hooked = {.begin = begin_counting, .dispatch = dispatch_and_count};

static volatile LONG current; /* the number of the program that runs */

/* Ends the process when a program takes too long: a wait that should have ended. */
static DWORD WINAPI guard(void *unused)
{
    (void)unused;
    for (;;) {
        LONG before = current;
        Sleep(GUARD_MS);
        if (current == before) {
            fprintf(stderr, "not ready after %d ms\n", GUARD_MS);
            ExitProcess(EXIT_GUARD);
        }
    }
}

/* Never called: an engine would have it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

/* Change a program as the fuzzers do, by this number. */
static void mutate(program *p, unsigned seed)
{
    uint8_t bytes[PROGRAM_BYTES];
    size_t size = program_encode(p, bytes, sizeof(bytes));
    for (unsigned i = 0; i < 1 + seed % 4; i++) {
        size = program_mutate(bytes, size, sizeof(bytes), seed + 7919 * i);
    }
    program_decode(p, bytes, size);
}

static int load(const char *path, program *p)
{
    size_t size = 0;
    uint8_t *data = file_read(path, &size);
    int result = data == NULL ? -1 : 0;
    if (data == NULL) {
        fprintf(stderr, "corpus: %s: %s\n", path, strerror(errno));
    } else if (file_is_text(path)) {
        result = file_parse(path, data, size, p);
    } else {
        program_decode(p, data, size);
    }
    free(data);
    return result;
}

/* What of a program is not done here; null: all of it is. */
static const char *what_is_missing(const program *p)
{
    static const op_code faults[] = {OP_FAIL, OP_SHORT, OP_EARLY, OP_LATE, OP_SPURIOUS};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (program_has(p, faults[i])) {
            return "faults of the kernel";
        }
    }
    return kernel_refused();
}

/* A line for each program: its name, and when it has run, what became of it. */
static int run_files(const config *c, char **paths, int count)
{
    static program p; /* large */
    if (CreateThread(NULL, 0, guard, NULL, 0, NULL) == NULL || env_setup() != 0) {
        fprintf(stderr, "corpus: there are no sockets\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        current++;
        printf("%s ", strrchr(paths[i], '/') ? strrchr(paths[i], '/') + 1 : paths[i]);
        char *space = strchr(paths[i], ' ');
        if (space != NULL) {
            *space = '\0';
        }
        if (load(paths[i], &p) < 0) {
            return 2;
        }
        if (space != NULL) {
            mutate(&p, (unsigned)atoi(space + 1));
        }
        run_program(&p, c);
        const char *missing = what_is_missing(&p);
        const char *how = missing == NULL ? "" : callbacks > 0 ? ", without " : ", left out: ";
        printf("ok %lu callbacks%s%s\n", callbacks, how, missing != NULL ? missing : "");
    }
    return 0;
}

/* What is in a file, one a line: the path of a program, and perhaps behind a blank the number by which it
 * is changed. */
static int read_list(const char *name, char **paths, int room)
{
    char line[1024];
    int count = 0;
    FILE *file = fopen(name, "r");
    while (file != NULL && count < room && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        paths[count++] = strdup(line);
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

int main(int argc, char **argv)
{
    enum { MOST = 4096 };
    static char *paths[MOST];
    setvbuf(stdout, NULL, _IONBF, 0);
    setvbuf(stderr, NULL, _IONBF, 0);
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX); /* no debugger, no window */
    int count = argc == 4 ? read_list(argv[2], paths, MOST) : 0;
    int first = argc == 4 ? atoi(argv[3]) : 0;
    for (size_t i = 0; i < sizeof(configs_here) / sizeof(configs_here[0]); i++) {
        if (count > 0 && strcmp(argv[1], configs_here[i].name) == 0) {
            return run_files(&configs_here[i], paths + first, count - first);
        }
    }
    fprintf(stderr,
            "usage: %s CONFIGURATION LIST FIRST: the programs of a list of files, from the one "
            "of this number on\n",
            argv[0]);
    return 2;
}
