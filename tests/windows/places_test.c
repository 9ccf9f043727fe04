/* lib/core/places.h against a list that is searched from its beginning, on any system: it is what finds
 * the slot of a socket on Windows. */
#include "lib/core/places.h"

#include "tests/unit/unit.h"

enum { COUNT_MAX = 40, MEMORY = COUNT_MAX * (int)IO_PLACES_BYTES_PER_FD };

/* One more than there is room for: nothing may be written behind the memory. */
static uint64_t memory[MEMORY / sizeof(uint64_t) + 1];
static const uint64_t guard = 0x5a5a5a5a5a5a5a5a;

typedef struct model {
    io_fd fds[COUNT_MAX]; /* by place; -1: free */
    uint64_t count;
} model;

static uint64_t state;

static uint64_t dice(uint64_t sides)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % sides;
}

static void begin(io_places *places, model *m, uint64_t count)
{
    memset(memory, 0xff, sizeof(memory));
    uint64_t words = (count * IO_PLACES_BYTES_PER_FD + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    memory[words] = guard;
    io_places_init(places, memory, count);
    m->count = count;
    for (uint64_t i = 0; i < count; i++) {
        m->fds[i] = -1;
    }
}

static io_fd model_find(const model *m, io_fd fd)
{
    for (uint64_t i = 0; i < m->count; i++) {
        if (m->fds[i] == fd) {
            return (io_fd)i;
        }
    }
    return (io_fd)m->count;
}

static uint64_t model_used(const model *m)
{
    uint64_t used = 0;
    for (uint64_t i = 0; i < m->count; i++) {
        used += m->fds[i] >= 0;
    }
    return used;
}

/* Every socket that has a place is found there, and a few that have none are not. */
static void check(const io_places *places, const model *m)
{
    for (uint64_t i = 0; i < m->count; i++) {
        if (m->fds[i] >= 0) {
            CHECK_EQ(io_places_find(places, m->fds[i]), i);
            CHECK_EQ(places->fds[i], m->fds[i]);
        } else {
            CHECK(places->fds[i] < 0);
        }
    }
    uint64_t words = (m->count * IO_PLACES_BYTES_PER_FD + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    CHECK(memory[words] == guard);
}

static void take(io_places *places, model *m, io_fd fd)
{
    io_fd before = model_find(m, fd);
    int full = model_used(m) == m->count;
    io_fd place = io_places_take(places, fd);
    if (before < (io_fd)m->count || full) {
        CHECK_EQ(place, before);
        return;
    }
    CHECK(place >= 0 && place < (io_fd)m->count);
    CHECK_EQ(m->fds[place], -1); /* nobody else's */
    m->fds[place] = fd;
}

static void drop(io_places *places, model *m, io_fd fd)
{
    io_fd place = model_find(m, fd);
    io_places_drop(places, fd);
    if (place < (io_fd)m->count) {
        m->fds[place] = -1;
    }
}

/* A multiple of 4, as sockets are; or one of many with the first home, or with the last. */
static io_fd some_socket(const model *m, uint64_t kinds)
{
    uint64_t round = 8 * m->count; /* so far apart are two with the same home */
    switch (dice(4)) {
    case 0:
        return (io_fd)(round * dice(kinds) + dice(4));
    case 1:
        return (io_fd)(round * (1 + dice(kinds)) - 1 - dice(4));
    default:
        return (io_fd)(4 * dice(kinds));
    }
}

/* Few homes, so that searches are long, go on at the beginning, and holes are closed; few places, so
 * that they are full. */
static void random_walk(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-ADD-5");
    CLAUSE("IO-ADD-6");
    for (uint64_t seed = 0; seed < 200; seed++) {
        io_places places;
        model m;
        state = seed;
        begin(&places, &m, 1 + dice(COUNT_MAX));
        uint64_t kinds = 1 + dice(3 * m.count);
        for (int step = 0; step < 400; step++) {
            io_fd fd = some_socket(&m, kinds);
            if (dice(2)) {
                take(&places, &m, fd);
            } else {
                drop(&places, &m, fd);
            }
            check(&places, &m);
            CHECK_EQ(io_places_find(&places, fd), model_find(&m, fd));
        }
    }
}

static void full_and_empty(const unit_config *config)
{
    io_places places;
    model m;
    (void)config;
    CLAUSE("IO-ADD-5");
    begin(&places, &m, COUNT_MAX);
    for (int round = 0; round < 3; round++) {
        for (io_fd i = 0; i < COUNT_MAX; i++) {
            take(&places, &m, 4 * i + round);
        }
        CHECK_EQ(io_places_take(&places, 4000), COUNT_MAX);
        CHECK_EQ(io_places_find(&places, 4000), COUNT_MAX);
        check(&places, &m);
        for (io_fd i = 0; i < COUNT_MAX; i++) {
            drop(&places, &m, 4 * (COUNT_MAX - 1 - i) + round);
            check(&places, &m);
        }
        CHECK_EQ(model_used(&m), 0);
    }
}

/* No socket is negative, and nothing is cut off: two that differ in the upper half are two. */
static void whole_numbers(const unit_config *config)
{
    io_places places;
    model m;
    (void)config;
    CLAUSE("IO-ADD-4");
    begin(&places, &m, 4);
    CHECK(io_places_find(&places, -1) < 0);
    CHECK(io_places_find(&places, -4) < 0);
    take(&places, &m, 48);
    if (sizeof(io_fd) > sizeof(int)) {
        io_fd large = (io_fd)((uint64_t)1 << 32) + 48;
        CHECK_EQ(io_places_find(&places, large), 4);
        take(&places, &m, large);
        check(&places, &m);
    }
}

static const unit_test tests[] = {
    {"places_random_walk", "IO-ADD-5 IO-ADD-6", random_walk, UNIT_ONCE},
    {"places_full_and_empty", "IO-ADD-5", full_and_empty, UNIT_ONCE},
    {"places_whole_numbers", "IO-ADD-4", whole_numbers, UNIT_ONCE},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
