#include "trace.h"

#include "../program/program.h"

#include <stdlib.h>
#include <string.h>

#define OFFSET 14695981039346656037u /* FNV-1a's, here over words */
#define PRIME 1099511628211u

static trace *current;
static unsigned long runs, operations;
static unsigned called;
static int over;                /* the program is at its end */
static unsigned long perturbed; /* this run; 0: none */

static struct {
    int wanted;
    uint64_t hash;
} digest;

void trace_into(trace *t)
{
    current = t;
}

uint64_t trace_digest(void)
{
    uint64_t result = digest.hash;
    digest.wanted = 1;
    digest.hash = OFFSET;
    return result;
}

unsigned trace_called(void)
{
    return called;
}

unsigned long trace_runs(void)
{
    return runs;
}

unsigned long trace_operations(void)
{
    return operations;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * PRIME;
}

void trace_begin(void)
{
    if (runs == 0 && getenv("IOATOM_TRACE_PERTURB")) {
        perturbed = strtoul(getenv("IOATOM_TRACE_PERTURB"), NULL, 10);
    }
    runs++;
    called = 0;
    over = 0;
    if (current) {
        current->hash = OFFSET;
        current->count = 0;
    }
}

int trace_is_read(void)
{
    return current != NULL;
}

void trace_add(trace_kind kind, int32_t a, int32_t b)
{
    trace *t = current;
    a += kind == TRACE_RESULT && runs == perturbed;
    operations += kind == TRACE_OPERATION;
    over |= kind == TRACE_OPERATION && a == OP_CODES;
    called |= kind == TRACE_CALLED && !over ? 1u << a : 0;
    if (digest.wanted) {
        digest.hash = mix(mix(mix(digest.hash, kind), (uint32_t)a), (uint32_t)b);
    }
    if (!t) {
        return;
    }
    t->hash = mix(mix(mix(t->hash, kind), (uint32_t)a), (uint32_t)b);
    if (t->count < TRACE_ENTRIES) {
        t->entries[t->count] = (trace_entry){.kind = kind, .a = a, .b = b};
    }
    t->count++;
}

void trace_add_read(const unsigned char *bytes, size_t size)
{
    uint64_t hash = OFFSET;
    if (!current && !digest.wanted) {
        return;
    }
    for (size_t at = 0; at < size; at += sizeof(hash)) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, size - at < sizeof(word) ? size - at : sizeof(word));
        hash = mix(hash, word);
    }
    trace_add(TRACE_MOVED, (int32_t)size, (int32_t)(hash >> 32 ^ hash));
}
