/* The two forms of a fuzz program (fuzz/program/program.h): bytes to text and back, and every way
 * in which text can be wrong. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz/program/program.h"

enum { MAX_BYTES = PROGRAM_BYTES, ROUNDS = 3000, TEXT_SIZE = 16384 };

static uint32_t seed = 20261201;

static uint8_t next_byte(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint8_t)(seed >> 24);
}

static size_t print(const program *p, char *text)
{
    FILE *out = fmemopen(text, TEXT_SIZE, "w");
    CHECK(out != NULL);
    program_print(p, out);
    long length = ftell(out);
    fclose(out);
    CHECK(length >= 0 && length < TEXT_SIZE);
    return (size_t)length;
}

/* In a block of exactly this size, without a zero behind it, so that a sanitizer sees a byte read
 * too many. */
static int parse(program *p, const char *text, size_t length, const char **error)
{
    char *copy = malloc(length);
    CHECK(copy != NULL || length == 0);
    if (length > 0) {
        memcpy(copy, text, length);
    }
    int line = program_parse(p, copy, length, error);
    free(copy);
    return line;
}

static void check_operands(const op_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        const op *o = &list->ops[i];
        CHECK(o->code < OP_CODES);
        CHECK(o->a < 8);
        CHECK(o->b < 8);
        CHECK(o->code != OP_OPEN || o->arg < KIND_CODES);
        CHECK(o->code != OP_OPEN || o->arg < KIND_EVENTFD || o->b == 0);
        CHECK(o->code != OP_INIT || o->arg < SPECIAL_CODES);
        CHECK(o->code != OP_INIT || o->arg == SPECIAL_SLOT || o->b == 0);
        CHECK(o->code != OP_SHUTDOWN || o->arg < HOW_CODES);
        CHECK(o->code != OP_WAIT || o->arg < WAIT_CODES);
        CHECK(o->code != OP_FAIL || (o->arg < ERROR_CODES && o->b == 0));
        CHECK((o->code != OP_SEND && o->code != OP_READ) || o->arg < PROGRAM_SIZES);
        CHECK((o->code != OP_ADD && o->code != OP_ACCEPT) || o->arg <= PROGRAM_FLAGS);
        CHECK(o->code != OP_DISPATCH || (o->a == 0 && o->b == 0 && o->arg == 0));
    }
}

/* Bytes, program, bytes, program, text, program, bytes. */
static void check_round_trip(const uint8_t *data, size_t size)
{
    static program first, second, third;
    static char text[TEXT_SIZE];
    uint8_t bytes[MAX_BYTES], again[MAX_BYTES];
    const char *error;
    program_decode(&first, data, size);
    check_operands(&first.main);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        check_operands(&first.callback[i]);
    }
    size_t length = program_encode(&first, bytes, sizeof(bytes));
    size_t whole = (size < MAX_BYTES ? size : MAX_BYTES) / PROGRAM_RECORD * PROGRAM_RECORD;
    CHECK_EQ(length, whole > 0 ? whole : PROGRAM_RECORD);
    program_decode(&second, bytes, length);
    CHECK_BYTES(&first, &second, sizeof(first));
    CHECK_EQ(parse(&third, text, print(&second, text), &error), 0);
    CHECK(error == NULL);
    CHECK_BYTES(&first, &third, sizeof(first));
    CHECK_EQ(program_encode(&third, again, sizeof(again)), length);
    CHECK_BYTES(bytes, again, length);
}

static void random_bytes(const unit_config *config)
{
    static uint8_t data[MAX_BYTES + 40];
    (void)config;
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = round < (int)sizeof(data) ? (size_t)round : (size_t)next_byte() * 2;
        for (size_t i = 0; i < size; i++) {
            data[i] = next_byte();
        }
        check_round_trip(data, size);
    }
}

/* Each operation with each third byte. */
static void all_operations(const unit_config *config)
{
    static program p;
    uint8_t seen[OP_CODES] = {0};
    (void)config;
    for (int code = 0; code < 256; code++) {
        for (int arg = 0; arg < 256; arg++) {
            uint8_t bytes[2 * PROGRAM_RECORD] = {
                0, 0, 0, 0, (uint8_t)code, next_byte(), (uint8_t)arg, next_byte()};
            check_round_trip(bytes, sizeof(bytes));
            bytes[7] = 8;
            program_decode(&p, bytes, sizeof(bytes));
            seen[p.main.ops[0].code] = 1;
        }
    }
    CHECK(memchr(seen, 0, sizeof(seen)) == NULL);
}

/* The operation's text after decoding this record. */
static void check_text(uint8_t code, uint8_t slots, uint8_t arg, const char *expected)
{
    static program p;
    static char text[TEXT_SIZE];
    uint8_t bytes[2 * PROGRAM_RECORD];
    memset(&p, 0, sizeof(p));
    p.main.count = 1;
    p.main.ops[0].code = code;
    CHECK_EQ(program_encode(&p, bytes, sizeof(bytes)), sizeof(bytes));
    bytes[PROGRAM_RECORD + 1] = slots;
    bytes[PROGRAM_RECORD + 2] = arg;
    program_decode(&p, bytes, sizeof(bytes));
    text[print(&p, text)] = '\0';
    size_t length = strlen(text);
    CHECK(length > 0 && text[length - 1] == '\n');
    text[length - 1] = '\0';
    if (strcmp(text, expected) != 0) {
        fprintf(stderr, "\"%s\" instead of \"%s\"\n", text, expected);
    }
    CHECK(strcmp(text, expected) == 0);
}

static void fixed_texts(const unit_config *config)
{
    (void)config;
    check_text(OP_OPEN, 0x21, KIND_TCP, "open d1 d2 tcp");
    check_text(OP_OPEN, 0x21, KIND_EVENTFD, "open d1 eventfd");
    check_text(OP_OPEN, 0xff, KIND_CODES, "open d7 d7 pipe");
    check_text(OP_INIT, 0xd3, 223, "init a3 d5");
    check_text(OP_INIT, 0xd3, 224, "init a3 negative");
    check_text(OP_INIT, 0xd3, 230, "init a3 path");
    check_text(OP_ADD, 0x0c, 0, "add a4 none");
    check_text(OP_ADD, 0x0c, 0xe0 + 0x1f, "add a4 read,write,except,oneshot,bad");
    check_text(OP_SET, 0x0c, 0xdf, "set a4 read,write,except,oneshot");
    check_text(OP_SET, 0x0c, 0xf0, "set a4 bad");
    check_text(OP_SEND, 0x0e, 5, "send d6 65536");
    check_text(OP_SHUTDOWN, 0x0e, 5, "shutdown d6 rdwr");
    check_text(OP_ACCEPT, 0x01, 3, "accept a1 a0 read,write");
    check_text(OP_WAIT, 0xff, 223, "wait 0");
    check_text(OP_WAIT, 0xff, 224, "wait 1");
    check_text(OP_WAIT, 0xff, 232, "wait 2");
    check_text(OP_WAIT, 0xff, 247, "wait long");
    check_text(OP_WAIT, 0xff, 248, "wait forever");
    check_text(OP_DUP, 0x77, 0, "dup d3 d3");
    check_text(OP_TURN, 0xff, 0xff, "turn");
    check_text(OP_ABANDON, 0x02, 0xff, "abandon a2");
    check_text(OP_DISPOSE, 0xff, 0xff, "dispose");
    check_text(OP_RENEW, 0xff, 0xff, "renew");
    check_text(OP_SERVE, 0x0f, 0xff, "serve a7");
    check_text(OP_HANDLE, 0x0f, 0xff, "handle a7");
    check_text(OP_ECHO, 0x02, 0, "echo a2");
    check_text(OP_SAY, 0x01, 3, "say a1 1000");
    check_text(OP_DIAL, 0x01, 2, "dial a1 a0 write");
    check_text(OP_FAIL, 0xf0, 0, "fail 1 eintr");
    check_text(OP_FAIL, 0xff, 9, "fail 8 econnaborted");
    check_text(OP_FAIL, 0x04, 27, "fail 1 emfile");
    check_text(OP_FAIL, 0x04, 23, "fail 1 ebadr");
    check_text(OP_SHORT, 0xff, 0xff, "short");
    check_text(OP_EARLY, 0xff, 0xff, "early");
    check_text(OP_LATE, 0xff, 0xff, "late");
    check_text(OP_SPURIOUS, 0xff, 0xff, "spurious d7");
    check_text(OP_URGENT, 0x09, 0xff, "urgent d1");
}

/* What a header takes out is in no list, and what it leaves in is there as before. */
static void taken_out(const unit_config *config)
{
    static uint8_t data[PROGRAM_BYTES];
    static program all, fewer;
    (void)config;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            data[i] = next_byte();
            data[i] = i % PROGRAM_RECORD == 3 && i > 3 ? data[i] | 8 : data[i];
        }
        uint32_t out = data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
        check_round_trip(data, sizeof(data));
        program_decode(&fewer, data, sizeof(data));
        memset(data, 0, PROGRAM_RECORD);
        program_decode(&all, data, sizeof(data));
        CHECK_EQ(fewer.main.count, PROGRAM_MAX_OPS);
        for (unsigned i = 0; i < fewer.main.count; i++) {
            unsigned code = all.main.ops[i].code;
            while (code < 32 && out >> code & 1 && !program_is_essential(code)) {
                code = (code + 1) % OP_CODES;
            }
            CHECK_EQ(fewer.main.ops[i].code, code);
        }
    }
}

/* What no fuzzer's byte string can hold is cut. */
static void limits(const unit_config *config)
{
    static program p;
    static uint8_t data[MAX_BYTES + PROGRAM_RECORD];
    uint8_t bytes[MAX_BYTES];
    (void)config;
    memset(data, 0xff, sizeof(data));
    program_decode(&p, data, sizeof(data));
    CHECK_EQ(p.main.count, PROGRAM_MAX_OPS);
    CHECK_EQ(program_encode(&p, bytes, 0), 0);
    CHECK_EQ(program_encode(&p, bytes, 3), 0);
    CHECK_EQ(program_encode(&p, bytes, 7), 4);
    CHECK_EQ(program_encode(&p, bytes, 11), 8);
    CHECK_EQ(program_encode(&p, bytes, SIZE_MAX), MAX_BYTES);
    program_decode(&p, NULL, 0);
    CHECK_EQ(p.main.count, 0);
    program_decode(&p, data, 3);
    CHECK_EQ(p.main.count, 0);
}

/* The way text is laid out does not matter. */
static void layout(const unit_config *config)
{
    static const char text[] = "# a comment\n\n \t \non a1 # first\n\t dispatch\nend\nwait 0#x\n"
                               "on a1\n  next\nend\non a2\nend\n   open  d0\td1   pipe";
    static program p;
    const char *error;
    (void)config;
    CHECK_EQ(parse(&p, text, sizeof(text) - 1, &error), 0);
    CHECK_EQ(p.main.count, 2);
    CHECK_EQ(p.main.ops[0].code, OP_WAIT);
    CHECK_EQ(p.main.ops[1].b, 1);
    CHECK_EQ(p.callback[1].count, 2);
    CHECK_EQ(p.callback[1].ops[1].code, OP_NEXT);
    CHECK_EQ(p.callback[2].count, 0);
    CHECK_EQ(parse(&p, "", 0, &error), 0);
    CHECK_EQ(parse(&p, "#\0\xff", 3, &error), 0);
    CHECK_EQ(parse(&p, "add a0 oneshot,read", 19, &error), 0);
    CHECK_EQ(p.main.ops[0].arg, IO_ONESHOT | IO_READ);
}

typedef struct mistake {
    const char *text;
    int line;
    const char *reason; /* a part of it */
} mistake;

static const mistake mistakes[] = {
    {"\nfoo", 2, "no such operation"},
    {"waits 0", 1, "no such operation"},
    {"WAIT 0", 1, "no such operation"},
    {"wai", 1, "no such operation"},
    {"check\r\n", 1, "no such operation"},
    {"open", 1, "missing"},
    {"open d0", 1, "missing"},
    {"open d0 d1", 1, "missing"},
    {"open d0 d1 #pipe", 1, "missing"},
    {"connect d0", 1, "missing"},
    {"send d0", 1, "missing"},
    {"init a0", 1, "missing"},
    {"add a0", 1, "missing"},
    {"wait", 1, "missing"},
    {"on", 1, "missing"},
    {"open d0 d1 pipes", 1, "kinds are"},
    {"open d0 pipe", 1, "two descriptors"},
    {"open d0 d1 eventfd", 1, "one descriptor"},
    {"open d8 d1 pipe", 1, "d0 to d7"},
    {"open d0 d8 pipe", 1, "d0 to d7"},
    {"open d0 d01 pipe", 1, "d0 to d7"},
    {"open a0 d1 pipe", 1, "a descriptor"},
    {"dup d0 a1", 1, "a descriptor"},
    {"close d", 1, "d0 to d7"},
    {"close d-1", 1, "d0 to d7"},
    {"close d99999999999999999999", 1, "d0 to d7"},
    {"add d0 read", 1, "an atom"},
    {"add a9 read", 1, "a0 to a7"},
    {"add a0 reads", 1, "flags are"},
    {"add a0 read,", 1, "flags are"},
    {"add a0 ,", 1, "flags are"},
    {"add a0 read,,write", 1, "flags are"},
    {"add a0 read,none", 1, "flags are"},
    {"add a0 read,read", 1, "twice"},
    {"add a0 read, write", 1, "flags are"},
    {"add a0 3", 1, "flags are"},
    {"send d0 2", 1, "sizes are"},
    {"send d0 65536000", 1, "sizes are"},
    {"send d0 01", 1, "sizes are"},
    {"send d0 -1", 1, "sizes are"},
    {"shutdown d0 both", 1, "rd, wr or rdwr"},
    {"wait 3", 1, "milliseconds"},
    {"wait -1", 1, "milliseconds"},
    {"wait x", 1, "milliseconds"},
    {"fail", 1, "missing"},
    {"fail 1", 1, "missing"},
    {"fail eintr", 1, "1 to 8"},
    {"fail 0 eintr", 1, "1 to 8"},
    {"fail 9 eintr", 1, "1 to 8"},
    {"fail 01 eintr", 1, "1 to 8"},
    {"fail d1 eintr", 1, "1 to 8"},
    {"fail 1 EINTR", 1, "errors are"},
    {"fail 1 4", 1, "errors are"},
    {"fail 1 eintr x", 1, "too many"},
    {"short d0", 1, "too many"},
    {"spurious", 1, "missing"},
    {"spurious a0", 1, "a descriptor"},
    {"init a0 a1", 1, "expected"},
    {"init a0 slot", 1, "expected"},
    {"init a0 d", 1, "expected"},
    {"init a0 d9", 1, "d0 to d7"},
    {"init a0 d1 limit", 1, "too many"},
    {"dispatch 1", 1, "too many"},
    {"open d0 d1 pipe x", 1, "too many"},
    {"accept a1 a0 read x", 1, "too many"},
    {"accept a1 a0 read x x x x", 1, "too many"},
    {"open d0 eventfd x", 1, "too many"},
    {"on a0 x", 1, "too many"},
    {"on a0\nend x", 2, "too many"},
    {"on d0", 1, "an atom"},
    {"on a8", 1, "a0 to a7"},
    {"on a0\non a1", 2, "open already"},
    {"on a0\nend\nend", 3, "no block"},
    {"end", 1, "no block"},
    {"next\n on a0\nnext\n", 2, "no end"},
};

static void check_mistake(const char *text, size_t length, int line, const char *reason)
{
    static program p;
    const char *error = NULL;
    int found = parse(&p, text, length, &error);
    if (found != line || !error || !strstr(error, reason)) {
        fprintf(stderr, "\"%s\": line %d: %s\n", text, found, error ? error : "no error");
    }
    CHECK_EQ(found, line);
    CHECK(error != NULL && strstr(error, reason) != NULL);
    CHECK_EQ(p.main.count, 0);
}

static void syntax_errors(const unit_config *config)
{
    (void)config;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        check_mistake(mistakes[i].text, strlen(mistakes[i].text), mistakes[i].line,
                      mistakes[i].reason);
    }
    check_mistake("\0", 1, 1, "no such operation");
    check_mistake("check\0", 6, 1, "no such operation");
    check_mistake("close d0\0", 9, 1, "d0 to d7");
}

static void too_many_operations(const unit_config *config)
{
    static char text[TEXT_SIZE];
    static program p;
    const char *error;
    size_t length = 0;
    (void)config;
    for (int i = 0; i < PROGRAM_MAX_OPS; i++) {
        length += (size_t)sprintf(text + length, i == 64 ? "on a0\nnext\n" : "next\n");
    }
    memcpy(text + length, "end", 3);
    CHECK_EQ(parse(&p, text, length + 3, &error), 0);
    CHECK_EQ(p.main.count, 64);
    CHECK_EQ(p.callback[0].count, 64);
    length += (size_t)sprintf(text + length, "next\nend");
    check_mistake(text, length, PROGRAM_MAX_OPS + 2, "more than 128");
}

/* Bytes that are nearly text: the parser says yes or no, and reads nothing else. */
static void random_text(const unit_config *config)
{
    static const char *const pieces[] = {"on a0\n", "end\n",  "open ", "init ",  "add ",    "a0 ",
                                         "d1 ",     "read",   ",",     "pipe\n", "limit\n", "wait ",
                                         "1\n",     "next\n", "#",     "\n",     "d",       "\t"};
    static program p;
    char text[400];
    (void)config;
    for (int round = 0; round < ROUNDS; round++) {
        size_t length = 0;
        for (int i = 0; i < 40; i++) {
            const char *piece = pieces[next_byte() % (sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
        text[next_byte() % length] = (char)next_byte();
        const char *error = "";
        int line = parse(&p, text, length, &error);
        CHECK(line >= 0);
        CHECK((line == 0) == (error == NULL));
    }
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"program_random_bytes", "", random_bytes, UNIT_ONCE},
        {"program_all_operations", "", all_operations, UNIT_ONCE},
        {"program_fixed_texts", "", fixed_texts, UNIT_ONCE},
        {"program_taken_out", "", taken_out, UNIT_ONCE},
        {"program_limits", "", limits, UNIT_ONCE},
        {"program_layout", "", layout, UNIT_ONCE},
        {"program_syntax_errors", "", syntax_errors, UNIT_ONCE},
        {"program_too_many_operations", "", too_many_operations, UNIT_ONCE},
        {"program_random_text", "", random_text, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
