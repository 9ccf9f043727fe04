#include "trace.h"

#include <stddef.h>

static trace *current;

void trace_into(trace *t)
{
    current = t;
}

void trace_begin(void)
{
    if (current) {
        current->hash = 14695981039346656037u; /* FNV-1a's, over words */
        current->count = 0;
    }
}

void trace_add(trace_kind kind, int32_t a, int32_t b)
{
    trace *t = current;
    if (!t) {
        return;
    }
    uint32_t words[3] = {kind, (uint32_t)a, (uint32_t)b};
    for (int i = 0; i < 3; i++) {
        t->hash = (t->hash ^ words[i]) * 1099511628211u;
    }
    if (t->count < TRACE_ENTRIES) {
        t->entries[t->count] = (trace_entry){.kind = kind, .a = a, .b = b};
    }
    t->count++;
}
