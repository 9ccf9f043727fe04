/* Text as a program. The text is not a string: it may lack a zero at its end and have some before.
 */
#include "table.h"

#include <limits.h>
#include <string.h>

enum { MAX_WORDS = 4 }; /* accept a1 a0 read */

typedef struct word {
    const char *text;
    size_t length;
} word;

typedef struct line {
    unsigned count; /* MAX_WORDS + 1: too many */
    unsigned next;
    word words[MAX_WORDS + 1];
} line;

typedef struct parser {
    program *p;
    op_list *list; /* main, or that of the open block */
    unsigned total;
    int block_line; /* of the open block; 0: none is */
} parser;

/* Each function returns null, or the reason why the line is wrong. */
static const char *const operand_missing = "an operand is missing";

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

static int is_word(const word *w, const char *name)
{
    return strlen(name) == w->length && memcmp(name, w->text, w->length) == 0;
}

/* The index of the word among the names, or -1. A null name is nobody's. */
static int index_of(const word *w, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (names[i] && is_word(w, names[i])) {
            return i;
        }
    }
    return -1;
}

static void split(line *l, const char *text, size_t length)
{
    size_t at = 0;
    l->count = 0;
    l->next = 0;
    while (at < length && l->count <= MAX_WORDS) {
        size_t start = at;
        if (text[at] == '#') {
            return;
        }
        while (at < length && !is_space(text[at]) && text[at] != '#') {
            at++;
        }
        if (at > start) {
            l->words[l->count++] = (word){text + start, at - start};
        } else {
            at++;
        }
    }
}

static const word *next_word(line *l)
{
    return l->next < l->count ? &l->words[l->next++] : NULL;
}

/* A number of at most 6 digits, without needless zeros; else -1. */
static long number_of(const char *text, size_t length)
{
    long value = 0;
    if (length < 1 || length > 6 || (text[0] == '0' && length > 1)) {
        return -1;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Does it look like d0 or a0, if perhaps with a number that there is not? */
static int is_slot(const word *w, char letter)
{
    return w->length >= 2 && w->text[0] == letter && w->text[1] >= '0' && w->text[1] <= '9';
}

static const char *parse_slot(line *l, char letter, uint8_t *slot)
{
    const word *w = next_word(l);
    if (!w) {
        return operand_missing;
    }
    if (w->text[0] != letter) {
        return letter == 'd' ? "a descriptor d0 to d7 is expected" : "an atom a0 to a7 is expected";
    }
    long value = number_of(w->text + 1, w->length - 1);
    if (value < 0 || value > 7) {
        return letter == 'd' ? "descriptors are d0 to d7" : "atoms are a0 to a7";
    }
    *slot = (uint8_t)value;
    return NULL;
}

/* A number from 1 to 8, as 0 to 7. */
static const char *parse_count(line *l, uint8_t *count)
{
    const word *w = next_word(l);
    if (!w) {
        return operand_missing;
    }
    long value = number_of(w->text, w->length);
    if (value < 1 || value > 8) {
        return "a number from 1 to 8 is expected";
    }
    *count = (uint8_t)(value - 1);
    return NULL;
}

static const char *parse_operand(line *l, char letter, uint8_t *operand)
{
    return letter == 'n' ? parse_count(l, operand) : parse_slot(l, letter, operand);
}

static const char *parse_name(const word *w, const char *const *names, int count, uint8_t *arg,
                              const char *reason)
{
    int i = index_of(w, names, count);
    if (i < 0) {
        return reason;
    }
    *arg = (uint8_t)i;
    return NULL;
}

static const char *parse_flags(const word *w, uint8_t *flags)
{
    *flags = 0;
    if (is_word(w, "none")) {
        return NULL;
    }
    for (size_t at = 0; at <= w->length;) {
        word flag = {w->text + at, 0};
        while (at < w->length && w->text[at] != ',') {
            at++;
        }
        flag.length = (size_t)(w->text + at - flag.text);
        at++; /* the comma, or beyond the end */
        int bit = index_of(&flag, program_flags, PROGRAM_FLAG_COUNT);
        if (bit < 0) {
            return "flags are read,write,except,oneshot,bad, or none";
        }
        if (*flags & 1u << bit) {
            return "a flag is there twice";
        }
        *flags |= (uint8_t)(1u << bit);
    }
    return NULL;
}

static const char *parse_size(const word *w, uint8_t *arg)
{
    long value = number_of(w->text, w->length);
    for (uint8_t i = 0; i < PROGRAM_SIZES; i++) {
        if (value == (long)program_sizes[i]) {
            *arg = i;
            return NULL;
        }
    }
    return "sizes are 1, 7, 64, 1000, 4096, 65536";
}

static const char *parse_arg(line *l, arg_type type, uint8_t *arg)
{
    const word *w = type == ARG_NONE ? NULL : next_word(l);
    if (!w) {
        return type == ARG_NONE ? NULL : operand_missing;
    }
    switch (type) {
    case ARG_KIND:
        return parse_name(w, program_kinds, KIND_CODES, arg,
                          "kinds are pipe, unix, tcp, dgram, eventfd, listener");
    case ARG_HOW:
        return parse_name(w, program_hows, HOW_CODES, arg, "a shutdown is rd, wr or rdwr");
    case ARG_FLAGS:
        return parse_flags(w, arg);
    case ARG_SIZE:
        return parse_size(w, arg);
    case ARG_SPAN:
        return parse_name(w, program_spans, WAIT_CODES, arg,
                          "a wait has 0, 1 or 2 milliseconds, or is long, or forever");
    case ARG_ERROR:
        return parse_name(w, program_error_names, ERROR_CODES, arg,
                          "errors are eintr, enomem, enospc, emfile, enfile, ebadf, eperm, eio, "
                          "enobufs, econnaborted");
    default:
        return parse_name(w, program_specials, SPECIAL_CODES, arg,
                          "d0 to d7, negative, limit, directory, file, closed, closed-far or path "
                          "is expected");
    }
}

static const char *parse_operands(line *l, const op_shape *shape, op *o)
{
    const char *error = shape->a ? parse_operand(l, shape->a, &o->a) : NULL;
    if (error) {
        return error;
    }
    int optional = shape->arg == ARG_KIND || shape->arg == ARG_SPECIAL;
    int has_b = shape->b != 0;
    if (optional) {
        has_b = l->next < l->count && is_slot(&l->words[l->next], shape->b);
    }
    error = has_b ? parse_slot(l, shape->b, &o->b) : NULL;
    if (!error && !(has_b && shape->arg == ARG_SPECIAL)) {
        error = parse_arg(l, shape->arg, &o->arg);
    }
    if (error) {
        return error;
    }
    if (program_has_b(shape, o->arg) != has_b) {
        return has_b ? "this kind has one descriptor" : "this kind has two descriptors";
    }
    return NULL;
}

static const char *parse_op(parser *s, line *l, const word *name)
{
    op o = {0};
    while (o.code < OP_CODES && !is_word(name, program_shapes[o.code].name)) {
        o.code++;
    }
    if (o.code == OP_CODES) {
        return "there is no such operation";
    }
    const char *error = parse_operands(l, &program_shapes[o.code], &o);
    if (error) {
        return error;
    }
    if (l->next < l->count) {
        return "there are too many operands";
    }
    if (s->total == PROGRAM_MAX_OPS) {
        return "there are more than 128 operations";
    }
    s->total++;
    s->list->ops[s->list->count++] = o;
    return NULL;
}

static const char *parse_block(parser *s, line *l, int number)
{
    uint8_t atom = 0;
    if (s->block_line) {
        return "a block is open already";
    }
    const char *error = parse_slot(l, 'a', &atom);
    if (error) {
        return error;
    }
    if (l->next < l->count) {
        return "there are too many operands";
    }
    s->list = &s->p->callback[atom];
    s->block_line = number;
    return NULL;
}

static const char *parse_end(parser *s, const line *l)
{
    if (l->next < l->count) {
        return "there are too many operands";
    }
    if (!s->block_line) {
        return "no block is open";
    }
    s->list = &s->p->main;
    s->block_line = 0;
    return NULL;
}

static const char *parse_line(parser *s, line *l, int number)
{
    const word *name = next_word(l);
    if (!name) {
        return NULL;
    }
    if (is_word(name, "on")) {
        return parse_block(s, l, number);
    }
    if (is_word(name, "end")) {
        return parse_end(s, l);
    }
    return parse_op(s, l, name);
}

int program_parse(program *p, const char *text, size_t length, const char **error)
{
    parser s = {.p = p, .list = &p->main};
    int number = 0;
    memset(p, 0, sizeof(*p));
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - (text + at)) : length - at;
        line l;
        number += number < INT_MAX;
        split(&l, text + at, size);
        *error = parse_line(&s, &l, number);
        if (*error) {
            memset(p, 0, sizeof(*p));
            return number;
        }
        at += size + (end != NULL);
    }
    if (s.block_line) {
        *error = "the block has no end";
        memset(p, 0, sizeof(*p));
        return s.block_line;
    }
    *error = NULL;
    return 0;
}
