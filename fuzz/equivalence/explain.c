#define _GNU_SOURCE
#include "explain.h"

#include "minimise.h"

#include "../program/table.h"

#include <stdlib.h>

static const char *const flag_names[] = {"read", "write", "except"};

void explain_violation(const program *p, const verdict *v, FILE *out)
{
    const theorem_line *line = &theorem_conclusions[v->violated];
    fprintf(out, "\nVIOLATION clause=%s config=none\n%s: %s\n--- program\n", line->clauses,
            line->name, v->why);
    program_print(p, out);
    fprintf(out, "--- end\n");
    fflush(out);
}

void explain_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n') {
            fputs("\\n", out);
        } else if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

/* A program as a member "program". */
static void print_text(const program *p, FILE *out)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory) {
        program_print(p, memory);
        fclose(memory);
    }
    fputs("\"program\": ", out);
    explain_string(text ? text : "", out);
    free(text);
}

static void print_flags(const char *key, int flags, FILE *out)
{
    const char *between = "";
    fprintf(out, "\"%s\": [", key);
    for (int k = 0; k < MODEL_FLAGS; k++) {
        if (flags & 1 << k) {
            fprintf(out, "%s\"%s\"", between, flag_names[k]);
            between = ", ";
        }
    }
    fputc(']', out);
}

static const char *unit_of(object_kind kind)
{
    switch (kind) {
    case KIND_LISTENER:
        return "connections";
    case KIND_DGRAM:
        return "datagrams";
    case KIND_EVENTFD:
        return "events";
    default:
        return "bytes";
    }
}

static const char *kind_name(finding_kind kind)
{
    return kind == FINDING_LEFT_READY  ? "left ready"
           : kind == FINDING_NOT_NOTED ? "not noted"
                                       : "forgotten";
}

/* What is named, in the program itself: the numbers are those of the small one, which shows it. */
static void print_named(const program *p, const named *n, FILE *out)
{
    static program small; /* large */
    static verdict v;     /* large */
    minimise_named(p, n, &small, &v);
    const named *m = minimise_find(&v, n);
    const finding *f = &n->finding;
    fprintf(out, "{\"kind\": \"%s\", \"atom\": \"a%d\", \"callback\": %u, \"config\": \"%s\", ",
            kind_name(f->kind), n->atom, f->call, configs[n->played].name);
    print_flags("told", f->told, out);
    fputs(", ", out);
    print_flags("flag", n->flag, out);
    fprintf(out, ", \"left\": %u, \"unit\": \"%s\", \"seen_in\": [", f->left, unit_of(f->of));
    const char *between = "";
    for (int c = 0; c < CONFIG_COUNT; c++) {
        if (n->in[c]) {
            fprintf(out, "%s\"%s\"", between, configs[c].name);
            between = ", ";
        }
    }
    fputs("], \"left_at_end\": {", out);
    between = "";
    for (int c = 0; c < CONFIG_COUNT; c++) {
        if (n->at_end[c] > 0) {
            fprintf(out, "%s\"%s\": %u", between, configs[c].name, n->at_end[c]);
            between = ", ";
        }
    }
    fprintf(out, "}, \"small\": {\"callback\": %u, \"left\": %u, ", m ? m->finding.call : 0,
            m ? m->finding.left : 0);
    print_text(&small, out);
    fputs("}}", out);
}

static void print_hypotheses(const verdict *v, FILE *out)
{
    fputs("\"hypotheses\": {", out);
    for (int h = 0; h < HYPOTHESES; h++) {
        fprintf(out, "%s\"%s\": %s", h ? ", " : "", theorem_hypotheses[h].name,
                v->hypotheses & 1u << h ? "true" : "false");
    }
    fputs("}, \"reasons\": {", out);
    const char *between = "";
    for (int h = 0; h < HYPOTHESES; h++) {
        for (int c = 0; c < CONFIG_COUNT; c++) {
            const outcome *o = &v->outcomes[c];
            if ((v->configs & 1u << c) && !(o->hypotheses & 1u << h)) {
                fprintf(out, "%s\"%s\": ", between, theorem_hypotheses[h].name);
                explain_string(o->reasons[h], out);
                between = ", ";
                break;
            }
        }
    }
    fputs("}", out);
}

static void print_conclusions(const verdict *v, FILE *out)
{
    fputs("\"conclusions\": {", out);
    for (int c = 0; c < CONCLUSIONS; c++) {
        fprintf(out, "%s\"%s\": {\"held\": %s, \"compared\": %u}", c ? ", " : "",
                theorem_conclusions[c].name, v->held & 1u << c ? "true" : "false", v->compared[c]);
    }
    fputs("}", out);
}

static void print_configs(const verdict *v, FILE *out)
{
    const char *between = "";
    fputs("\"configurations\": {", out);
    for (int c = 0; c < CONFIG_COUNT; c++) {
        const outcome *o = &v->outcomes[c];
        if (v->configs & 1u << c) {
            fprintf(out,
                    "%s\"%s\": {\"exhausts\": %s, \"rests\": %s, \"turns\": %u, \"callbacks\": %u, "
                    "\"bytes\": %u}",
                    between, configs[c].name,
                    o->hypotheses & 1u << HYPOTHESIS_EXHAUSTS ? "true" : "false",
                    o->hypotheses & 1u << HYPOTHESIS_RESTS ? "true" : "false", o->turns, o->calls,
                    o->bytes);
            between = ", ";
        }
    }
    fputs("}", out);
}

void explain_json(const char *path, const program *p, const verdict *v, FILE *out)
{
    fputs("{\"file\": ", out);
    explain_string(path, out);
    fprintf(out, ", \"faults\": %u, ", v->faults);
    print_hypotheses(v, out);
    fputs(", ", out);
    print_conclusions(v, out);
    fputs(", ", out);
    print_configs(v, out);
    fputs(", \"named\": [", out);
    for (int i = 0; i < v->named_count; i++) {
        fputs(i ? ", " : "", out);
        print_named(p, &v->named[i], out);
    }
    fputs("]", out);
    if (v->violated != CONCLUSIONS) {
        static program small; /* large */
        static verdict of_small;
        minimise_violation(p, v->violated, &small, &of_small);
        fprintf(out, ", \"violation\": {\"conclusion\": \"%s\", \"clauses\": \"%s\", \"why\": ",
                theorem_conclusions[v->violated].name, theorem_conclusions[v->violated].clauses);
        explain_string(of_small.why, out);
        fputs(", ", out);
        print_text(&small, out);
        fputs("}", out);
    }
    fputs("}", out);
}
