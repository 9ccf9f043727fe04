/* Holds programs against the theorem of edge and level mode, and prints what it finds as JSON, a line
 * for each program: ci/equivalence reads it. */
#define _GNU_SOURCE
#include <ioatom/sim.h>

#include "equivalence/check.h"
#include "equivalence/explain.h"
#include "harness/env.h"
#include "program/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_VIOLATED = 1, EXIT_USE = 2 };

static const char usage[] =
    "usage: equivalence_main --theorem\n"
    "       equivalence_main [--config NAME]... FILE...\n"
    "\n"
    "Plays each program in every configuration (or in those that are named), on the simulated\n"
    "kernel, and prints two lines of JSON for it: when it begins, and what it has shown. A file\n"
    "*.iop is text, any other is bytes. --theorem: prints the theorem as the checker knows it.\n"
    "\n"
    "Exit code 0: nothing is violated, 1: a conclusion is, 2: bad usage, or a file cannot be "
    "read.\n";

typedef struct options {
    unsigned configs;
    char **files;
    int file_count;
} options;

static program current;
static verdict result;

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "equivalence_main: %s: %s\n", what, why);
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

static int parse(int argc, char **argv, options *o)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--config") != 0) {
            return complain(argv[i], "unknown option (--help lists them)");
        }
        if (parse_config(argv[i + 1], o) != 0) {
            return EXIT_USE;
        }
    }
    o->files = argv + i;
    o->file_count = argc - i;
    return o->file_count > 0 ? 0 : complain("FILE", "a file is expected");
}

int main(int argc, char **argv)
{
    options o = {0};
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
    return check_files(&o);
}
