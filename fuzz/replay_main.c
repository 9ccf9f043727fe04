/* Runs a fuzz target on given inputs, without a fuzzer: what Bazel's replay tests are linked with.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "program/file.h"
#include "program/program.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EXIT_FAILED = 1, EXIT_USE = 2, EXIT_NOTHING = 3 };

static unsigned long replayed;

static const char usage[] =
    "usage: replay [--OPTION-OF-THE-TARGET...] FILE-OR-FOLDER...\n"
    "\n"
    "Runs the fuzz target on each file, or each file in a folder (but *.md). A file *.iop is text "
    "and\n"
    "is encoded first, any other is taken as it is. Exit code 1: a file *.iop has a syntax error;\n"
    "2: a file cannot be read; 3: there was none.\n";

static int unreadable(const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    return EXIT_USE;
}

/* The input has a block of its own and exactly its size, so that a sanitizer sees every byte too
 * many. */
static int run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);
    if (!copy && size > 0) {
        fprintf(stderr, "replay: no memory\n");
        return EXIT_USE;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    replayed++;
    return 0;
}

static int replay_text(const char *path, const uint8_t *data, size_t size)
{
    static program p;
    uint8_t bytes[PROGRAM_BYTES];
    if (file_parse(path, data, size, &p) < 0) {
        return EXIT_FAILED;
    }
    return run(bytes, program_encode(&p, bytes, sizeof(bytes)));
}

static int replay_file(const char *path)
{
    size_t size;
    uint8_t *data = file_read(path, &size);
    if (!data) {
        return unreadable(path);
    }
    int r = file_is_text(path) ? replay_text(path, data, size) : run(data, size);
    free(data);
    return r;
}

static int is_document(const char *name)
{
    size_t length = strlen(name);
    return length >= 3 && strcmp(name + length - 3, ".md") == 0;
}

static int replay_entry(const char *folder, const char *name)
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
        r = replay_file(path);
    }
    free(path);
    return r;
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int r = 0;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        return unreadable(folder);
    }
    for (int i = 0; i < count; i++) {
        if (r == 0) {
            r = replay_entry(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return unreadable(path);
    }
    return S_ISDIR(status.st_mode) ? replay_folder(path) : replay_file(path);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            continue; /* the target's own, as with libFuzzer */
        }
        int r = replay(argv[i]);
        if (r != 0) {
            return r;
        }
    }
    printf("replayed %lu inputs\n", replayed);
    return replayed > 0 ? 0 : EXIT_NOTHING;
}
