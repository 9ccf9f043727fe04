/* Files for the tools: whole ones, in memory. */
#ifndef IOATOM_FUZZ_PROGRAM_FILE_H
#define IOATOM_FUZZ_PROGRAM_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "program.h"

/* The bytes of a file, for free(); null, and errno is set, if it cannot be read. */
uint8_t *file_read(const char *path, size_t *size);

/* 1 if the name says that it is a program as text. */
int file_is_text(const char *path);

/* Parse a text file's bytes. 0, or a message FILE:LINE: reason was printed to stderr, and -1. */
int file_parse(const char *path, const uint8_t *data, size_t size, program *p);

#endif
