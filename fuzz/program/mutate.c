#include "mutate.h"

#include "program.h"

#include <string.h>

/* The bytes of a program as they are changed: a header and count records. */
typedef struct draft {
    uint8_t *data;
    size_t count;
    size_t most; /* records that there is room for */
    uint32_t random;
} draft;

enum {
    RUN = 16,        /* the longest run of operations that is dropped or spliced in */
    MAIN_BITS = 0x18 /* of the last byte: the operation is in the main list, not in a callback */
};

static unsigned made[MUTATION_KINDS];

const unsigned *program_mutations(void)
{
    return made;
}

static uint32_t next_random(draft *d)
{
    d->random = d->random * 1664525u + 1013904223u;
    return d->random >> 8;
}

static size_t below(draft *d, size_t limit)
{
    return next_random(d) % (uint32_t)limit;
}

static uint8_t *record(uint8_t *data, size_t index)
{
    return data + (1 + index) * PROGRAM_RECORD;
}

static const uint8_t *record_of(const uint8_t *data, size_t index)
{
    return data + (1 + index) * PROGRAM_RECORD;
}

static size_t count_records(size_t size)
{
    size_t count = size / PROGRAM_RECORD;
    return count > 0 ? count - 1 : 0;
}

/* In place, if out is data. 0 if there is no room for a header. */
static int begin(draft *d, const uint8_t *data, size_t size, uint8_t *out, size_t max_size,
                 unsigned seed)
{
    size_t count = count_records(size), most = count_records(max_size);
    most = most < PROGRAM_MAX_OPS ? most : PROGRAM_MAX_OPS;
    *d = (draft){.data = out, .count = count < most ? count : most, .most = most, .random = seed};
    if (max_size < PROGRAM_RECORD) {
        return 0;
    }
    if (size < PROGRAM_RECORD) {
        memset(out, 0, PROGRAM_RECORD);
    } else {
        memmove(out, data, (1 + d->count) * PROGRAM_RECORD);
    }
    return 1;
}

static size_t size_of(const draft *d)
{
    return (1 + d->count) * PROGRAM_RECORD;
}

/* At most so many as there is room for. */
static void put(draft *d, size_t at, const uint8_t *records, size_t count)
{
    count = count < d->most - d->count ? count : d->most - d->count;
    memmove(record(d->data, at + count), record(d->data, at), (d->count - at) * PROGRAM_RECORD);
    memcpy(record(d->data, at), records, count * PROGRAM_RECORD);
    d->count += count;
}

static void take_out(draft *d, size_t at, size_t count)
{
    memmove(record(d->data, at), record(d->data, at + count),
            (d->count - at - count) * PROGRAM_RECORD);
    d->count -= count;
}

/* Its operands are often those of another one: operations that meet are the interesting ones. Three
 * in four go to the main list (bits 3 and 4 of the list byte). */
static void insert(draft *d)
{
    uint8_t new[PROGRAM_RECORD];
    for (int i = 0; i < PROGRAM_RECORD; i++) {
        new[i] = (uint8_t)next_random(d);
    }
    if (d->count > 0 && below(d, 2)) {
        new[1] = record(d->data, below(d, d->count))[1];
    }
    put(d, below(d, d->count + 1), new, 1);
}

/* Right behind another one, in its list and mostly with its operands: what is undone and at once done
 * again, and what happens between two halves, is seldom met otherwise. More often in a callback than
 * there are operations of callbacks. */
static void follow(draft *d)
{
    uint8_t new[PROGRAM_RECORD];
    size_t at = below(d, d->count);
    for (int tries = 0; tries < 4 && (record(d->data, at)[3] & MAIN_BITS); tries++) {
        at = below(d, d->count);
    }
    memcpy(new, record(d->data, at), PROGRAM_RECORD);
    new[0] = (uint8_t)next_random(d);
    new[2] = (uint8_t)next_random(d);
    if (below(d, 4) == 0) {
        new[1] = (uint8_t)next_random(d);
    }
    put(d, at + 1, new, 1);
}

static void repeat(draft *d)
{
    uint8_t copy[PROGRAM_RECORD];
    memcpy(copy, record(d->data, below(d, d->count)), PROGRAM_RECORD);
    put(d, below(d, d->count + 1), copy, 1);
}

static void drop(draft *d)
{
    size_t at = below(d, d->count), most = d->count - at < RUN ? d->count - at : RUN;
    take_out(d, at, below(d, 4) ? 1 : 1 + below(d, most));
}

static void move(draft *d)
{
    uint8_t copy[PROGRAM_RECORD];
    size_t from = below(d, d->count);
    memcpy(copy, record(d->data, from), PROGRAM_RECORD);
    take_out(d, from, 1);
    put(d, below(d, d->count + 1), copy, 1);
}

/* A field: the operation, A, B, the argument, or the list. */
static void change(draft *d)
{
    enum { FIELD_CODE, FIELD_A, FIELD_B, FIELD_ARG, FIELD_LIST, FIELDS };
    uint8_t *o = record(d->data, below(d, d->count)), new = (uint8_t)next_random(d);
    switch (below(d, FIELDS)) {
    case FIELD_CODE:
        o[0] = new;
        break;
    case FIELD_A:
        o[1] = (uint8_t)((o[1] & 0xf0) | (new & 0x0f));
        break;
    case FIELD_B:
        o[1] = (uint8_t)((o[1] & 0x0f) | (new & 0xf0));
        break;
    case FIELD_ARG:
        o[2] = new;
        break;
    default:
        o[3] = new;
        break;
    }
}

/* All in again, one more or less, or a quarter of all out. */
static void swarm(draft *d)
{
    size_t how = below(d, 3);
    for (int i = 0; i < PROGRAM_RECORD && how != 1; i++) {
        d->data[i] = how == 0 ? 0 : (uint8_t)(next_random(d) & next_random(d));
    }
    if (how == 1) {
        d->data[below(d, PROGRAM_RECORD)] ^= (uint8_t)(1u << below(d, 8));
    }
}

static mutation choose(draft *d)
{
    static const mutation likely[] = {
        MUTATION_INSERT, MUTATION_INSERT, MUTATION_INSERT, MUTATION_FOLLOW,
        MUTATION_FOLLOW, MUTATION_FOLLOW, MUTATION_DROP,   MUTATION_FOLLOW,
        MUTATION_REPEAT, MUTATION_MOVE,   MUTATION_CHANGE, MUTATION_CHANGE,
        MUTATION_CHANGE, MUTATION_CHANGE, MUTATION_CHANGE, MUTATION_CHANGE,
    };
    if (below(d, 64) == 0) {
        return MUTATION_SWARM;
    }
    mutation kind = likely[below(d, sizeof(likely) / sizeof(likely[0]))];
    return d->count == 0 ? MUTATION_INSERT : kind;
}

size_t program_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static void (*const mutations[MUTATION_KINDS])(draft *d) = {
        [MUTATION_INSERT] = insert, [MUTATION_FOLLOW] = follow, [MUTATION_REPEAT] = repeat,
        [MUTATION_DROP] = drop,     [MUTATION_MOVE] = move,     [MUTATION_CHANGE] = change,
        [MUTATION_SWARM] = swarm,
    };
    draft d;
    if (!begin(&d, data, size, data, max_size, seed)) {
        return 0;
    }
    for (size_t left = 1 + below(&d, 4); left > 0; left--) {
        mutation kind = choose(&d);
        mutations[kind](&d);
        made[kind]++;
    }
    return size_of(&d);
}

/* libFuzzer's; other engines have none. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Bytes that are changed also come upon the values that comparisons look for. */
size_t program_mutate_or_bytes(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (seed % 4 == 0 && LLVMFuzzerMutate) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    return program_mutate(data, size, max_size, seed / 4);
}

static int is_of_list(const uint8_t *o, const uint8_t *like)
{
    uint8_t atom = 7;
    return o[3] & MAIN_BITS ? (like[3] & MAIN_BITS) != 0
                            : !(like[3] & MAIN_BITS) && (o[3] & atom) == (like[3] & atom);
}

/* The list of the other program that holds this operation, instead of ours. */
static void splice_list(draft *d, const uint8_t *other, size_t other_count, size_t chosen)
{
    const uint8_t *like = record_of(other, chosen);
    for (size_t i = d->count; i > 0; i--) {
        if (is_of_list(record(d->data, i - 1), like)) {
            take_out(d, i - 1, 1);
        }
    }
    for (size_t i = 0; i < other_count; i++) {
        if (is_of_list(record_of(other, i), like)) {
            put(d, d->count, record_of(other, i), 1);
        }
    }
}

size_t program_splice(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                      uint8_t *out, size_t max_size, unsigned seed)
{
    draft d;
    size_t other_count = count_records(other_size);
    if (!begin(&d, data, size, out, max_size, seed)) {
        return 0;
    }
    if (other_count > 0) {
        size_t from = below(&d, other_count), most = other_count - from;
        if (below(&d, 4) == 0) {
            splice_list(&d, other, other_count, from);
        } else {
            put(&d, below(&d, d.count + 1), record_of(other, from),
                1 + below(&d, most < RUN ? most : RUN));
        }
        made[MUTATION_SPLICE]++;
    }
    return size_of(&d);
}
