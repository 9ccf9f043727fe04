/* The checker of fuzz/equivalence, on programs of which it is known what it has to say, and on runs and
 * outcomes that no right library has. */
#include <ioatom/sim.h>

#include "fuzz/equivalence/check.h"
#include "fuzz/equivalence/minimise.h"
#include "tests/unit/unit.h"

enum { ALL_HYPOTHESES = (1 << HYPOTHESES) - 1, ALL_CONCLUSIONS = (1 << CONCLUSIONS) - 1 };

static program given;
static verdict result;

static void parse(const char *text)
{
    const char *error = NULL;
    int line = program_parse(&given, text, strlen(text), &error);
    if (line != 0) {
        fprintf(stderr, "line %d: %s\n", line, error);
    }
    CHECK_EQ(line, 0);
}

static void check(const char *text)
{
    static int is_set_up; /* in this process */
    if (!is_set_up) {
        CHECK_EQ(env_setup(), 0);
        is_set_up = 1;
    }
    parse(text);
    check_program(&given, 0, &result);
}

/* --- programs --- */

static const char handled[] = "on a0\n"
                              "    handle a0\n"
                              "end\n"
                              "open d0 d1 unix\n"
                              "add a0 read\n"
                              "send d1 1000\n"
                              "turn\n"
                              "say a0 65536\n"
                              "send d1 7\n"
                              "turn\n";

static void equivalent(const unit_config *unused)
{
    (void)unused;
    check(handled);
    CHECK_EQ(result.hypotheses, ALL_HYPOTHESES);
    CHECK_EQ(result.claimed, ALL_CONCLUSIONS);
    CHECK_EQ(result.held, ALL_CONCLUSIONS);
    CHECK_EQ(result.violated, CONCLUSIONS);
    CHECK_EQ(result.named_count, 0);
    for (int c = 0; c < CONCLUSIONS; c++) {
        CHECK(result.compared[c] > 0);
    }
    for (int c = 0; c < CONFIG_COUNT; c++) {
        CHECK_EQ(result.outcomes[c].bytes, 1000 + 65536 + 7);
        CHECK_EQ(result.outcomes[c].streams[0].received[0], 65536);
        CHECK_EQ(result.outcomes[c].streams[0].received[1], 1007);
    }
}

/* A program for each hypothesis that does not hold of it, while all others do. */
static void hypotheses(const unit_config *unused)
{
    static const struct {
        hypothesis refuted;
        const char *text;
    } programs[] = {
        {HYPOTHESIS_EXHAUSTS, "on a0\nread a0 7\nend\nopen d0 d1 pipe\nadd a0 read\nsend d1 64\n"
                              "turn\n"},
        {HYPOTHESIS_OWN_BYTES, "on a0\ndrain a0\nset a0 none\nend\nopen d0 d1 pipe\nadd a0 read\n"
                               "send d1 64\nturn\n"},
        {HYPOTHESIS_OWN_BYTES, "open d0 d1 unix\nfill a0\nadd a1 none\n"},
        {HYPOTHESIS_OWN_BYTES, "on a0\nhandle a0\nend\non a2\nhandle a2\nend\nopen d0 d1 unix\n"
                               "open d2 d3 unix\nadd a0 read\nadd a2 read\nsend d1 7\nsend d3 7\n"
                               "wait 0\nnext\nset a0 none\n"},
        {HYPOTHESIS_KEEPS_OPEN, "open d0 d1 pipe\nadd a0 none\nclose d0\nturn\n"},
        {HYPOTHESIS_LOSES_NOTHING, "on a0\nhandle a0\nend\nopen d0 d1 unix\nadd a0 read\n"
                                   "send d1 64\nioclose a0\nturn\n"},
        {HYPOTHESIS_PLAIN, "open d0 d1 tcp\nadd a0 none\nurgent d1\nturn\n"},
        {HYPOTHESIS_RESTS,
         "on a0\nset a0 read\nend\nopen d0 d1 pipe\nadd a0 read\nsend d1 7\nturn\n"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        hypothesis refuted = programs[i].refuted;
        check(programs[i].text);
        CHECK_EQ(ALL_HYPOTHESES & ~result.hypotheses, 1 << refuted);
        CHECK(result.outcomes[0].reasons[refuted][0] != '\0');
        CHECK_EQ(result.violated, CONCLUSIONS);
        for (conclusion c = 0; c < CONCLUSIONS; c++) {
            int is_needed = (theorem_conclusions[c].needs >> refuted & 1) != 0;
            CHECK_EQ(result.claimed >> c & 1, !is_needed);
        }
    }
}

/* Faults that the program plans are left out, and so that hypothesis holds. */
static void faults(const unit_config *unused)
{
    (void)unused;
    check("open d0 d1 unix\nfail 1 enomem\nadd a0 read\nearly\nsend d1 7\nspurious d0\nturn\n");
    CHECK_EQ(result.faults, 3);
    CHECK(result.hypotheses >> HYPOTHESIS_FAULTLESS & 1);
}

/* --- who is named --- */

static const char partial[] = "on a0\n    read a0 7\nend\n"
                              "on a2\n    handle a2\nend\n"
                              "open d0 d1 unix\nopen d2 d3 pipe\n"
                              "add a0 read\nadd a2 read\n"
                              "send d3 64\nsend d1 1\nturn\n"
                              "send d1 64\nturn\nsend d3 7\nturn\n";

static void named_by_atom(const unit_config *unused)
{
    (void)unused;
    check(partial);
    CHECK_EQ(result.named_count, 1);
    const named *n = &result.named[0];
    CHECK_EQ(n->atom, 0);
    CHECK_EQ(n->flag, MODEL_READ);
    CHECK_EQ(n->finding.kind, FINDING_LEFT_READY);
    CHECK_EQ(n->finding.call, 2); /* the first has read all that there was */
    CHECK_EQ(n->finding.left, 64 - 7);
    CHECK_EQ(n->finding.of, KIND_UNIX);
    for (int c = 0; c < CONFIG_COUNT; c++) {
        int is_edge = (configs[c].types & IO_POLLER_EDGE) != 0;
        CHECK(n->in[c]);
        CHECK_EQ(n->at_end[c] > 0, is_edge); /* level mode goes on to tell it */
    }
    CHECK(!(result.held >> CONCLUSION_SAME_BYTES & 1)); /* so they differ, */
    CHECK(!(result.claimed >> CONCLUSION_SAME_BYTES & 1));
    CHECK_EQ(result.violated, CONCLUSIONS); /* but nobody has said that they would not */
}

static void not_named(const unit_config *unused)
{
    static const char *const programs[] = {
        "on a0\ndrain a0\nend\nopen d0 d1 unix\nadd a0 read\nsend d1 64\nturn\n",
        "on a0\nread a0 7\nset a0 read\nend\nopen d0 d1 unix\nadd a0 read\nsend d1 64\nturn\n",
        "on a0\nread a0 7\nremove a0\nend\nopen d0 d1 unix\nadd a0 read\nsend d1 64\nturn\n",
        "on a0\nfill a0\nend\nopen d0 d1 unix\nadd a0 write\nturn\n",
        "open d0 d1 unix\nadd a0 read\nwait 0\nsend d1 7\nset a0 none\nturn\n",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        check(programs[i]);
        CHECK_EQ(result.named_count, 0);
        CHECK(result.hypotheses >> HYPOTHESIS_EXHAUSTS & 1);
    }
}

/* The small program shows the same, and does so no more if an operation is taken out, but for what the
 * callback itself does, which is kept. */
static void small_program(const unit_config *unused)
{
    static program small;
    static verdict of_small;
    (void)unused;
    check(partial);
    minimise_named(&given, &result.named[0], &small, &of_small);
    CHECK(minimise_find(&of_small, &result.named[0]) != NULL);
    CHECK_EQ(small.callback[0].count, 1);
    CHECK_EQ(small.callback[2].count, 0);
    CHECK_EQ(small.main.count, 3); /* open, add, send */
    for (unsigned i = 0; i < small.main.count; i++) {
        static program less;
        static verdict of_less;
        less = small;
        less.main.count--;
        memmove(&less.main.ops[i], &small.main.ops[i + 1],
                (less.main.count - i) * sizeof(less.main.ops[0]));
        check_program(&less, 0, &of_less);
        CHECK(minimise_find(&of_less, &result.named[0]) == NULL);
    }
}

/* --- runs that no right library has --- */

static const config *config_of(const char *name)
{
    const config *c = configs;
    while (strcmp(c->name, name) != 0) {
        c++;
    }
    return c;
}

static run watched;
static witness seen;

/* A pipe whose reader is registered, and has something to read or not, in edge mode. */
static void watch(const char *name, int is_readable)
{
    check(is_readable ? "open d0 d1 pipe\nadd a0 read\nsend d1 7\n"
                      : "open d0 d1 pipe\nadd a0 read\n");
    run_begin(&watched, &given, config_of(name));
    witness_begin(&seen, &watched);
    for (unsigned i = 0; i < given.main.count; i++) {
        run_operation(&watched, &given.main.ops[i], -1);
    }
}

/* What the model would tell the witness. */
static void notice(model_event event, int atom, int flags)
{
    model_notice(&watched.model, event, atom, flags);
}

static void end_watching(conclusion expected)
{
    CHECK_EQ(seen.failed, expected == CONCLUSIONS ? 0u : 1u << expected);
    CHECK_EQ(seen.failure[0] != '\0', expected != CONCLUSIONS);
    watched.model.watcher.notice = NULL;
    run_end(&watched);
}

static const char *const edges[] = {"epoll+edge", "poll+edge", "select+edge"};
enum { EDGES = 3 };

static void told_too_much(const unit_config *unused)
{
    (void)unused;
    for (int i = 0; i < EDGES; i++) {
        watch(edges[i], 0);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_TOLD, 0, MODEL_READ); /* which nobody would find */
        end_watching(CONCLUSION_EDGE_IS_LEVEL);
    }
}

static void told_too_little(const unit_config *unused)
{
    (void)unused;
    for (int i = 0; i < EDGES; i++) {
        watch(edges[i], 1);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_WAITED, -1, 0); /* as many as IO-FAIR-1 allows */
        notice(MODEL_DISPATCHED, -1, 0);
        end_watching(CONCLUSION_LEVEL_IS_EDGE);
    }
}

static void stalled(const unit_config *unused)
{
    (void)unused;
    for (int i = 0; i < EDGES; i++) {
        watch(edges[i], 1);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_WAITED, -1, 0);
        witness_rest(&seen);
        end_watching(CONCLUSION_NO_STALL);
    }
}

/* What is right: told in time, and at rest with nothing to tell. */
static void told_in_time(const unit_config *unused)
{
    (void)unused;
    for (int i = 0; i < EDGES; i++) {
        watch(edges[i], 1);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_TOLD, 0, MODEL_READ);
        notice(MODEL_RETURNED, 0, MODEL_READ);
        notice(MODEL_DISPATCHED, -1, 0);
        notice(MODEL_WAITED, -1, 0);
        witness_rest(&seen); /* it was left, and so it need not be told */
        CHECK_EQ(seen.atoms[0].findings[0].left, 7);
        end_watching(CONCLUSIONS);
        watch(edges[i], 0);
        notice(MODEL_WAITED, -1, 0);
        notice(MODEL_WAITED, -1, 0);
        witness_rest(&seen);
        notice(MODEL_DISPATCHED, -1, 0);
        end_watching(CONCLUSIONS);
    }
}

/* --- outcomes that differ --- */

/* The handled program's outcome in one configuration is made another one: this is violated, unless a
 * hypothesis that it needs does not hold. */
static void must_violate(conclusion expected, hypothesis needed)
{
    static verdict changed;
    changed = result;
    changed.claimed = changed.compared[expected] = 0;
    check_outcomes(&changed);
    CHECK_EQ(changed.violated, expected);
    CHECK(changed.why[0] != '\0');
    for (int c = 0; c < CONFIG_COUNT; c++) {
        changed.outcomes[c].hypotheses &= ~(1u << needed);
    }
    check_outcomes(&changed);
    CHECK_EQ(changed.violated, CONCLUSIONS);
}

static void different_outcomes(const unit_config *unused)
{
    (void)unused;
    check(handled);
    outcome *last = &result.outcomes[CONFIG_COUNT - 1];
    const outcome before = *last;
    last->streams[0].received[1]--;
    must_violate(CONCLUSION_SAME_BYTES, HYPOTHESIS_EXHAUSTS);
    *last = before;
    last->streams[0].sent[0]++;
    must_violate(CONCLUSION_SAME_BYTES, HYPOTHESIS_OWN_BYTES);
    *last = before;
    last->ends[0][0].interest ^= MODEL_WRITE;
    must_violate(CONCLUSION_SAME_END, HYPOTHESIS_KEEPS_OPEN);
    *last = before;
    last->ends[0][1].is_open ^= 1;
    must_violate(CONCLUSION_SAME_END, HYPOTHESIS_PLAIN);
    *last = before;
    last->objects--;
    must_violate(CONCLUSION_SAME_END, HYPOTHESIS_RESTS);
    *last = before;
    last->hypotheses &= ~(1u << HYPOTHESIS_RESTS);
    must_violate(CONCLUSION_SAME_REST, HYPOTHESIS_EXHAUSTS);
    last->is_cut = 1; /* but not if nobody knows */
    check_outcomes(&result);
    CHECK_EQ(result.violated, CONCLUSIONS);
    *last = before;
    last->hypotheses &= ~(1u << HYPOTHESIS_LOSES_NOTHING);
    must_violate(CONCLUSION_SAME_LOSSES, HYPOTHESIS_OWN_BYTES);
}

static const unit_test tests[] = {
    {"equivalent", "", equivalent, UNIT_ONCE},
    {"hypotheses", "", hypotheses, UNIT_ONCE},
    {"faults", "", faults, UNIT_ONCE},
    {"named_by_atom", "", named_by_atom, UNIT_ONCE},
    {"not_named", "", not_named, UNIT_ONCE},
    {"small_program", "", small_program, UNIT_ONCE},
    {"told_too_much", "", told_too_much, UNIT_ONCE},
    {"told_too_little", "", told_too_little, UNIT_ONCE},
    {"stalled", "", stalled, UNIT_ONCE},
    {"told_in_time", "", told_in_time, UNIT_ONCE},
    {"different_outcomes", "", different_outcomes, UNIT_ONCE},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
