/* Edge and level mode side by side: what one finds and the other, while nothing is left and when
 * something is. fuzz/equivalence does the same with whole programs, on the simulated kernel. */
#include "objects.h"

static io_poller poller;

static const unit_config levels[] = {
    {"epoll+level", IO_POLLER_EPOLL | IO_POLLER_LEVEL},
    {"poll+level", IO_POLLER_POLL | IO_POLLER_LEVEL},
    {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};
enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

/* What a poller in level mode finds at once: with each backend, and in *all what each of them does. */
static int level_finds(io_fd fd, int interest, int *all)
{
    static io_poller other;
    int any = 0;
    *all = KIT_ALL;
    for (int i = 0; i < LEVELS; i++) {
        unit_atom atom;
        io_event event = {NULL, 0};
        kit_begin(&other, &levels[i], &atom, fd, interest);
        CHECK(io_wait(&other, 0) >= 0);
        CHECK(io_next(&other, &event) >= 0);
        any |= event.flags;
        *all &= event.flags;
        CHECK_EQ(io_poller_dispose(&other), 0);
    }
    return any;
}

/* What the poller tells of the descriptor now, which has to be what level mode finds: not more, and,
 * as nothing was left, not less. */
static void check_told(unit_atom *atom, int interest)
{
    int all = 0;
    int any = level_finds(atom->io.fd, interest, &all);
    int told = kit_next(&poller, atom);
    CHECK_EQ(told & ~any, 0);
    CHECK_EQ(all & ~told, 0);
}

/* Each object in each state, right after it was added. */
static void found_at_first(const unit_config *config)
{
    static const int interests[] = {IO_READ, IO_WRITE, IO_READ | IO_WRITE, KIT_ALL, 0};
    CLAUSE("IO-EQUIV-2");
    CLAUSE("IO-EQUIV-3");
    for (int i = 0; i < OBJECTS; i++) {
        object o = objects[i].make();
        for (size_t k = 0; k < sizeof(interests) / sizeof(interests[0]); k++) {
            unit_atom atom;
            kit_begin(&poller, config, &atom, o.fd, interests[k]);
            check_told(&atom, interests[k]);
            kit_end(&poller);
        }
        object_end(&o);
    }
}

/* The same again and again, with handlers that exhaust: refilled, full, with room, and at the end. */
static void found_again(const unit_config *config)
{
    CLAUSE("IO-EQUIV-2");
    CLAUSE("IO-EQUIV-3");
    for (int asks = 0; asks < 2; asks++) {
        unit_atom atom;
        object o = object_unix_fresh();
        kit_begin(&poller, config, &atom, o.fd, KIT_ALL);
        for (int i = 0; i < 10; i++) {
            check_told(&atom, KIT_ALL);
            if (asks) { /* instead of EAGAIN: what is ready is told again */
                kit_set(&poller, &atom, KIT_ALL);
                continue;
            }
            kit_exhaust_read(&poller, &atom);
            kit_exhaust_write(&poller, &atom);
            check_told(&atom, KIT_ALL);
            kit_put(o.peer, 7);
            check_told(&atom, KIT_ALL);
            kit_exhaust_read(&poller, &atom);
            (void)unit_drain(o.peer);
        }
        object_close_peer(&o);
        check_told(&atom, KIT_ALL);
        kit_end(&poller);
        object_end(&o);
    }
}

/* Of what was not exhausted level mode goes on to tell; edge mode may, and must not find more. */
static void found_though_left(const unit_config *config)
{
    unit_atom atom;
    object o = object_unix_fresh();
    int all = 0;
    CLAUSE("IO-EQUIV-2");
    kit_begin(&poller, config, &atom, o.fd, IO_READ);
    for (int i = 0; i < 10; i++) {
        kit_put(o.peer, 7);
        int told = kit_next(&poller, &atom);
        CHECK_EQ(told & ~level_finds(o.fd, IO_READ, &all), 0);
        CHECK_EQ(all, IO_READ);
        kit_get(o.fd, 3);
    }
    (void)unit_drain(o.fd);
    CHECK_EQ(level_finds(o.fd, IO_READ, &all), 0);
    CHECK_EQ(kit_next(&poller, &atom), 0);
    kit_end(&poller);
    object_end(&o);
}

/* An exchange between two handlers that exhaust, at whose end waits find nothing. */
enum { SPOKEN = 30000 };

typedef struct speaker {
    unit_atom atom;
    int said, heard;
} speaker;

static int is_leaving; /* the handlers read once, and don't see EAGAIN */

static void speak(io_poller *of, io_atom *atom, int flags)
{
    static char bytes[1000];
    speaker *s = io_resolve_parent(kit_atom_of(atom), speaker, atom);
    size_t size = 0;
    int result = 0;
    while ((flags & IO_READ) && result == 0) {
        result = io_read(of, atom, bytes, sizeof(bytes), &size);
        s->heard += result == 0 ? (int)size : 0;
        result = is_leaving ? -EAGAIN : result;
    }
    result = 0;
    while (s->said < SPOKEN && result == 0) {
        result = io_write(of, atom, bytes, sizeof(bytes), &size);
        s->said += result == 0 ? (int)size : 0;
    }
    CHECK(result == 0 || result == -EAGAIN);
    if (!is_leaving) {
        CHECK_EQ(io_set(of, atom, s->said < SPOKEN ? IO_READ | IO_WRITE : IO_READ), 0);
    }
}

static int readable(const speaker *s)
{
    struct pollfd entry = {.fd = s->atom.io.fd, .events = POLLIN};
    return poll(&entry, 1, 0) > 0;
}

static void speak_with(const unit_config *config, speaker both[2])
{
    io_fd fds[2];
    unit_unix_pair(fds, SOCK_STREAM);
    unit_poller(&poller, config);
    for (int i = 0; i < 2; i++) {
        unit_atom_init(&both[i].atom, fds[i]);
        both[i].said = both[i].heard = 0;
        both[i].atom.io.proc = speak;
        CHECK_EQ(io_add(&poller, &both[i].atom.io, IO_READ | (is_leaving ? 0 : IO_WRITE)), 0);
    }
}

static void at_rest(const unit_config *config)
{
    speaker both[2];
    CLAUSE("IO-EQUIV-4");
    is_leaving = 0;
    speak_with(config, both);
    while (io_wait(&poller, 0) > 0) {
        CHECK(io_dispatch(&poller) > 0);
    }
    kit_silent(&poller);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(both[i].heard, SPOKEN);
        CHECK(!readable(&both[i]));
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(io_close(&poller, &both[i].atom.io), 0);
    }
    kit_end(&poller);
}

/* The other way round: handlers that leave something rest in edge mode while there is more. */
static void at_rest_though_left(const unit_config *config)
{
    static const char bytes[2500];
    speaker both[2];
    CLAUSE("IO-EQUIV-4");
    is_leaving = 1;
    speak_with(config, both);
    both[0].said = both[1].said = SPOKEN;
    CHECK_EQ(write(both[1].atom.io.fd, bytes, sizeof(bytes)), sizeof(bytes));
    for (int i = 0; i < 10; i++) {
        CHECK(io_wait(&poller, 0) >= 0);
        CHECK(io_dispatch(&poller) >= 0);
    }
    CHECK_EQ(readable(&both[0]), unit_is_edge(config));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(io_close(&poller, &both[i].atom.io), 0);
    }
    kit_end(&poller);
}

static const unit_test tests[] = {
    {"found_at_first", "IO-EQUIV-2 IO-EQUIV-3", found_at_first, UNIT_EACH},
    {"found_again", "IO-EQUIV-2 IO-EQUIV-3", found_again, UNIT_EACH},
    {"found_though_left", "IO-EQUIV-2", found_though_left, UNIT_EACH},
    {"at_rest", "IO-EQUIV-4", at_rest, UNIT_EACH},
    {"at_rest_though_left", "IO-EQUIV-4", at_rest_though_left, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
