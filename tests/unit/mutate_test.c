/* The fuzzers' mutations of programs (fuzz/program/mutate.h). */
#include "unit.h"

#include <stdlib.h>

#include "fuzz/program/mutate.h"
#include "fuzz/program/program.h"

enum { ROUNDS = 20000 };

static const size_t room[] = {PROGRAM_BYTES, 260, 41, 8, 4};

/* A block of exactly the room that was promised, so that a sanitizer sees a byte too many. */
static uint8_t *block(size_t size, const uint8_t *from, size_t used)
{
    uint8_t *data = malloc(size);
    CHECK(data != NULL);
    if (used > 0) {
        memcpy(data, from, used);
    }
    return data;
}

static unsigned count_ops(const uint8_t *data, size_t size)
{
    static program p;
    program_decode(&p, data, size);
    unsigned count = p.main.count;
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        count += p.callback[i].count;
    }
    return count;
}

static void check_whole(const uint8_t *data, size_t size, size_t most)
{
    CHECK(size <= most && size >= PROGRAM_RECORD && size % PROGRAM_RECORD == 0);
    CHECK_EQ(count_ops(data, size), size / PROGRAM_RECORD - 1);
}

/* A chain of mutations, each twice, in all sizes of room. */
static void chains(const unit_config *config)
{
    (void)config;
    for (size_t k = 0; k < sizeof(room) / sizeof(room[0]); k++) {
        uint8_t now[PROGRAM_BYTES];
        size_t size = 0, longest = 0;
        for (unsigned seed = 0; seed < ROUNDS; seed++) {
            uint8_t *first = block(room[k], now, size), *second = block(room[k], now, size);
            size_t length = program_mutate(first, size, room[k], seed);
            check_whole(first, length, room[k]);
            CHECK_EQ(program_mutate(second, size, room[k], seed), length);
            CHECK_BYTES(first, second, length);
            memcpy(now, first, length);
            size = length;
            longest = length > longest ? length : longest;
            free(first);
            free(second);
        }
        CHECK_EQ(longest, room[k] / PROGRAM_RECORD * PROGRAM_RECORD);
    }
}

/* Inputs that are no whole records, or longer than what fits. */
static void any_bytes(const unit_config *config)
{
    uint8_t bytes[PROGRAM_BYTES + 9];
    (void)config;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37);
    }
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        size_t most = size > 64 ? size : 64;
        uint8_t *data = block(most, bytes, size);
        check_whole(data, program_mutate(data, size, most, (unsigned)size), most);
        free(data);
        uint8_t *out = malloc(size > 0 ? size : 1);
        size_t length = program_splice(bytes, sizeof(bytes) - size, bytes, size, out, size, 1);
        if (size < PROGRAM_RECORD) {
            CHECK_EQ(length, 0);
        } else {
            check_whole(out, length, size);
        }
        free(out);
    }
    CHECK_EQ(program_mutate(bytes, 3, 3, 1), 0);
}

/* How two encoded programs differ. */
typedef struct difference {
    int header;
    size_t records; /* compared place by place; those of one length only */
    int fields;     /* bits: code, operands, arg, list */
} difference;

static difference compare(const uint8_t *a, const uint8_t *b, size_t size)
{
    difference d = {.header = memcmp(a, b, PROGRAM_RECORD) != 0};
    for (size_t at = PROGRAM_RECORD; at < size; at += PROGRAM_RECORD) {
        d.records += memcmp(a + at, b + at, PROGRAM_RECORD) != 0;
        for (int field = 0; field < PROGRAM_RECORD; field++) {
            d.fields |= (a[at + field] != b[at + field]) << field;
        }
    }
    return d;
}

static void fill(uint8_t *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = (uint8_t)(seed >> 24);
    }
    memset(data, 0, PROGRAM_RECORD);
}

/* Each kind happens, each field is changed alone, and the header rarely. */
static void kinds(const unit_config *config)
{
    enum { SIZE = 20 * PROGRAM_RECORD };
    uint8_t before[SIZE];
    unsigned headers = 0, longer = 0, shorter = 0, alone[PROGRAM_RECORD] = {0},
             kinds_before[MUTATION_KINDS];
    (void)config;
    memcpy(kinds_before, program_mutations(), sizeof(kinds_before));
    fill(before, SIZE, 7);
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        uint8_t after[2 * SIZE];
        memcpy(after, before, SIZE);
        size_t size = program_mutate(after, SIZE, sizeof(after), seed);
        longer += size > SIZE;
        shorter += size < SIZE;
        difference d = compare(before, after, size < SIZE ? size : SIZE);
        headers += (unsigned)d.header;
        for (int field = 0; field < PROGRAM_RECORD; field++) {
            alone[field] += size == SIZE && d.records == 1 && d.fields == 1 << field;
        }
    }
    CHECK(headers > 0 && headers < ROUNDS / 10);
    CHECK(longer > ROUNDS / 10 && shorter > ROUNDS / 100);
    for (int field = 0; field < PROGRAM_RECORD; field++) {
        CHECK(alone[field] > ROUNDS / 1000);
    }
    for (int kind = 0; kind < MUTATION_SPLICE; kind++) {
        CHECK(program_mutations()[kind] > kinds_before[kind]);
    }
}

static int contains(const uint8_t *data, size_t size, const uint8_t *one)
{
    for (size_t at = PROGRAM_RECORD; at < size; at += PROGRAM_RECORD) {
        if (memcmp(data + at, one, PROGRAM_RECORD) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Every operation of the result is of one of the two. Runs of the other: ours is still there, whole.
 * Lists of the other: some of ours made room. */
static void splices(const unit_config *config)
{
    enum { SIZE = 30 * PROGRAM_RECORD };
    uint8_t ours[SIZE], theirs[SIZE], out[PROGRAM_BYTES], again[PROGRAM_BYTES];
    unsigned runs = 0, lists = 0, before = program_mutations()[MUTATION_SPLICE];
    (void)config;
    fill(ours, SIZE, 1);
    fill(theirs, SIZE, 2);
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        size_t size = program_splice(ours, SIZE, theirs, SIZE, out, sizeof(out), seed);
        check_whole(out, size, sizeof(out));
        CHECK_EQ(program_splice(ours, SIZE, theirs, SIZE, again, sizeof(again), seed), size);
        CHECK_BYTES(out, again, size);
        size_t of_ours = 0, of_theirs = 0;
        for (size_t at = PROGRAM_RECORD; at < size; at += PROGRAM_RECORD) {
            of_ours += (size_t)contains(ours, SIZE, out + at);
            of_theirs += (size_t)contains(theirs, SIZE, out + at);
        }
        CHECK_EQ(of_ours + of_theirs, size / PROGRAM_RECORD - 1);
        CHECK(of_theirs > 0);
        runs += of_ours == SIZE / PROGRAM_RECORD - 1 && of_theirs > 1;
        lists += of_ours < SIZE / PROGRAM_RECORD - 1;
    }
    CHECK(runs > ROUNDS / 10);
    CHECK(lists > ROUNDS / 10);
    CHECK_EQ(program_mutations()[MUTATION_SPLICE] - before, 2 * ROUNDS);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"mutate_chains", "", chains, UNIT_ONCE},
        {"mutate_any_bytes", "", any_bytes, UNIT_ONCE},
        {"mutate_kinds", "", kinds, UNIT_ONCE},
        {"mutate_splices", "", splices, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
