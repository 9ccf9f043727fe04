#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that is left of the stream. */
static uint8_t *read_rest(FILE *in, size_t *size)
{
    size_t capacity = 4096;
    uint8_t *data = malloc(capacity);
    *size = 0;
    while (data) {
        *size += fread(data + *size, 1, capacity - *size, in);
        if (*size < capacity) {
            break;
        }
        capacity *= 2;
        uint8_t *more = realloc(data, capacity);
        if (!more) {
            free(data);
        }
        data = more;
    }
    if (data && ferror(in)) {
        free(data);
        data = NULL;
    }
    return data;
}

uint8_t *file_read(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        return NULL;
    }
    uint8_t *data = read_rest(in, size);
    int saved = errno;
    fclose(in);
    errno = saved;
    return data;
}

int file_is_text(const char *path)
{
    size_t length = strlen(path);
    return length >= 4 && strcmp(path + length - 4, ".iop") == 0;
}

int file_parse(const char *path, const uint8_t *data, size_t size, program *p)
{
    const char *reason;
    int line = program_parse(p, (const char *)data, size, &reason);
    if (line != 0) {
        fprintf(stderr, "%s:%d: %s\n", path, line, reason);
        return -1;
    }
    return 0;
}
