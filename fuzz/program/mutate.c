#include "mutate.h"

#include "program.h"

#include <string.h>

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t below(uint32_t *state, uint32_t limit)
{
    return next_random(state) % limit;
}

/* A record whose operands are often those of another one: operations that meet are the interesting
 * ones. Three in four go to the main list (bits 3 and 4 of the list byte). */
static void make_record(uint8_t *record, const uint8_t *data, size_t count, uint32_t *state)
{
    for (int i = 0; i < PROGRAM_RECORD; i++) {
        record[i] = (uint8_t)next_random(state);
    }
    if (count > 0 && below(state, 2)) {
        record[1] = data[below(state, (uint32_t)count) * PROGRAM_RECORD + 1];
    }
}

/* Make room for a record at position at of count. */
static void open_gap(uint8_t *data, size_t at, size_t count)
{
    memmove(data + (at + 1) * PROGRAM_RECORD, data + at * PROGRAM_RECORD,
            (count - at) * PROGRAM_RECORD);
}

static size_t insert(uint8_t *data, size_t count, size_t most, uint32_t *state, int repeat)
{
    uint8_t record[PROGRAM_RECORD];
    if (count >= most || (repeat && count == 0)) {
        return count;
    }
    if (repeat) {
        memcpy(record, data + below(state, (uint32_t)count) * PROGRAM_RECORD, PROGRAM_RECORD);
    } else {
        make_record(record, data, count, state);
    }
    size_t at = below(state, (uint32_t)count + 1);
    open_gap(data, at, count);
    memcpy(data + at * PROGRAM_RECORD, record, PROGRAM_RECORD);
    return count + 1;
}

static size_t drop(uint8_t *data, size_t count, uint32_t *state)
{
    if (count == 0) {
        return 0;
    }
    size_t at = below(state, (uint32_t)count);
    memmove(data + at * PROGRAM_RECORD, data + (at + 1) * PROGRAM_RECORD,
            (count - at - 1) * PROGRAM_RECORD);
    return count - 1;
}

static void change(uint8_t *data, size_t count, uint32_t *state)
{
    if (count > 0) {
        data[below(state, (uint32_t)count * PROGRAM_RECORD)] = (uint8_t)next_random(state);
    }
}

size_t program_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint32_t state = seed;
    size_t count = size / PROGRAM_RECORD, most = max_size / PROGRAM_RECORD;
    most = most < PROGRAM_MAX_OPS ? most : PROGRAM_MAX_OPS;
    count = count < most ? count : most;
    for (uint32_t left = 1 + below(&state, 4); left > 0; left--) {
        switch (below(&state, 8)) {
        case 0:
            count = drop(data, count, &state);
            break;
        case 1:
            count = insert(data, count, most, &state, 1);
            break;
        case 2:
        case 3:
            change(data, count, &state);
            break;
        default:
            count = insert(data, count, most, &state, 0);
            break;
        }
    }
    return count * PROGRAM_RECORD;
}
