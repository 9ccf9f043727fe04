/* Converts programs between their two forms (fuzz/PROGRAMS.md). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/file.h"
#include "program/program.h"

enum { EXIT_SYNTAX = 1, EXIT_USE = 2 }; /* EXIT_USE: also a file that cannot be read or written */

static const char usage[] =
    "usage: iop encode IN.iop OUT.bin...   text to bytes; several pairs are several programs\n"
    "       iop decode IN.bin              bytes to text, on the standard output\n"
    "       iop check FILE.iop...          parse, and say nothing if all is well\n"
    "\n"
    "A syntax error is told as FILE:LINE: reason, and the exit code is 1; it is 2 if the command\n"
    "is wrong or a file cannot be read or written. fuzz/PROGRAMS.md describes the language.\n";

static int trouble(const char *path)
{
    fprintf(stderr, "iop: %s: %s\n", path, strerror(errno));
    return EXIT_USE;
}

/* 0, or the exit code. */
static int load_text(const char *path, program *p)
{
    size_t size;
    uint8_t *data = file_read(path, &size);
    if (!data) {
        return trouble(path);
    }
    int r = file_parse(path, data, size, p);
    free(data);
    return r < 0 ? EXIT_SYNTAX : 0;
}

static int encode(const char *from, const char *to)
{
    static program p;
    uint8_t bytes[PROGRAM_BYTES];
    int r = load_text(from, &p);
    if (r != 0) {
        return r;
    }
    size_t size = program_encode(&p, bytes, sizeof(bytes));
    FILE *out = fopen(to, "wb");
    if (!out) {
        return trouble(to);
    }
    size_t written = fwrite(bytes, 1, size, out);
    if (fclose(out) != 0 || written != size) {
        return trouble(to);
    }
    return 0;
}

static int decode(const char *path)
{
    static program p;
    size_t size;
    uint8_t *data = file_read(path, &size);
    if (!data) {
        return trouble(path);
    }
    program_decode(&p, data, size);
    free(data);
    program_print(&p, stdout);
    return fflush(stdout) != 0 ? trouble("standard output") : 0;
}

/* All pairs are tried; the result is that of the worst. */
static int encode_all(char **paths, int count)
{
    int worst = 0;
    for (int i = 0; i < count; i += 2) {
        int r = encode(paths[i], paths[i + 1]);
        worst = r > worst ? r : worst;
    }
    return worst;
}

/* All files are looked at; the result is that of the worst. */
static int check(char **paths, int count)
{
    static program p;
    int worst = 0;
    for (int i = 0; i < count; i++) {
        int r = load_text(paths[i], &p);
        worst = r > worst ? r : worst;
    }
    return worst;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(command, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc >= 4 && argc % 2 == 0 && strcmp(command, "encode") == 0) {
        return encode_all(argv + 2, argc - 2);
    }
    if (argc == 3 && strcmp(command, "decode") == 0) {
        return decode(argv[2]);
    }
    if (argc >= 3 && strcmp(command, "check") == 0) {
        return check(argv + 2, argc - 2);
    }
    fputs(usage, stderr);
    return EXIT_USE;
}
