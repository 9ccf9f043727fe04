/* The checks of timers have teeth: each fault that is put into sound ones is reported by the name of
 * the invariant that it breaks. */
#include "unit.h"

#include "lib/check/check.h"

#include <ioatom/timer.h>

enum { TIMERS = 12 };

static io_poller poller;
static io_timers timers, sound;
static io_timer_place places[TIMERS], sound_places[TIMERS];
static io_timer all[TIMERS], sound_timers[TIMERS];

static void no_call(io_timers *unused, io_timer *timer, uint64_t missed)
{
    (void)unused;
    (void)timer;
    (void)missed;
    CHECK(!"called");
}

static void expect(int line, const char *name)
{
    const char *found = io_poller_check(&poller, IO_CHECK_MEMORY);
    unit_check(__FILE__, line, name, found && strcmp(found, name) == 0);
}

static void mend(void)
{
    timers = sound;
    memcpy(places, sound_places, sizeof(places));
    memcpy(all, sound_timers, sizeof(all));
    poller.timers = &timers;
    poller.core.dispatching = 0;
    poller.deadline_ns = places[0].deadline_ns;
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
}

/* One fault in sound timers, which are whole again after it. */
#define FAULT(name, statement)                                                                     \
    do {                                                                                           \
        statement;                                                                                 \
        expect(__LINE__, name);                                                                    \
        mend();                                                                                    \
    } while (0)

static void begin(void)
{
    CHECK_EQ(io_poller_init(&poller, IO_POLLER_ANY), 0);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    CHECK(io_timers_check(NULL) == NULL);
    CHECK(io_timers_check(&timers) == NULL); /* not attached */
    CHECK_EQ(io_timers_init(&timers, &poller, places, TIMERS), 0);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    for (uint64_t i = 0; i < TIMERS - 1; i++) {
        io_timer_init(&all[i], no_call);
        CHECK_EQ(io_timer_set_at(&timers, &all[i], UINT64_C(1) << 60 | (i * 7 % 11), 0), 0);
    }
    sound = timers;
    memcpy(sound_places, places, sizeof(places));
    memcpy(sound_timers, all, sizeof(all));
    mend();
}

static void faults(const unit_config *config)
{
    io_timers other = {0};
    io_timer_heap *heap = &timers.heap;
    (void)config;
    begin();
    FAULT("poller.timers", poller.timers = NULL);
    FAULT("poller.timers", poller.timers = &other);
    FAULT("timers.shape", heap->places = NULL);
    FAULT("timers.shape", heap->capacity = 0);
    FAULT("timers.shape", heap->capacity = (uint32_t)INT32_MAX);
    FAULT("timers.shape", heap->end = TIMERS + 1);
    FAULT("timers.shape", heap->count = heap->end + 1);
    FAULT("timers.place", heap->places[3].timer = NULL);
    FAULT("timers.place", heap->places[3].timer = heap->places[4].timer);
    FAULT("timers.place", heap->places[5].timer->place = 0);
    FAULT("timers.place", heap->places[5].timer->proc = NULL);
    for (int k = 1; k < TIMERS - 1; k++) {
        FAULT("timers.order", heap->places[k].deadline_ns = 5);
    }
    FAULT("timers.order", heap->places[0].deadline_ns = UINT64_MAX);
    FAULT("timers.firing", timers.firing = 1);
    FAULT("timers.firing", (timers.firing = 2, poller.core.dispatching = 1));
    FAULT("timers.waiting", heap->count--);
    FAULT("timers.waiting", (heap->count--, timers.firing = 1, poller.core.dispatching = 1));
    FAULT("timers.deadline", poller.deadline_ns--);
    FAULT("timers.deadline", (heap->count = 0, heap->end = 0));
    poller.timers = &timers;
    CHECK(io_timers_check(&timers) == NULL);
    timers.poller = &poller;
    poller.timers = &other; /* asked for themselves, not by way of the poller */
    CHECK(strcmp(io_timers_check(&timers), "timers.poller") == 0);
    mend();
    CHECK_EQ(io_timers_dispose(&timers), 0);
    CHECK(io_poller_check(&poller, IO_CHECK_EXACT) == NULL);
    CHECK_EQ(io_poller_dispose(&poller), 0);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {{"faults", "", faults, UNIT_ONCE}, {NULL, NULL, NULL, 0}};
    return unit_main(argc, argv, tests);
}
