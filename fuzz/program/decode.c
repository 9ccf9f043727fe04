/* Programs as bytes. A fuzzer changes single bytes, so each byte has one meaning and most of its
 * values are likely ones: long waits, a bad flag, a strange descriptor are rare. */
#include "table.h"

#include <string.h>

enum {
    LIST_MAIN = 0x18,     /* the list byte: one of these bits, or the atom of a callback */
    BAD_FLAG_BITS = 0xf0, /* all of them: PROGRAM_BAD_FLAG */
    WAIT_FROM = 224,      /* less: wait 0; then the others, for so many values each: */
    WAIT_VALUES = 8,
    SPECIAL_FROM = 224 /* less: SPECIAL_SLOT */
};
_Static_assert(WAIT_FROM + WAIT_VALUES * (WAIT_CODES - 1) == 256, "each wait has its values");
_Static_assert(SPECIAL_FROM % (SPECIAL_CODES - 1) == 0, "encode_arg counts up from it");
_Static_assert(sizeof(op) == PROGRAM_RECORD, "no padding: programs may be compared with memcmp");

/* The share of an operation in the values of the code byte, of 128. Those that came later have values
 * of their own: with bytes from before programs are what they were. */
static const uint8_t shares[OP_CODES] = {
    [OP_OPEN] = 11,  [OP_CONNECT] = 4,  [OP_DUP] = 5,      [OP_CLOSE] = 5,   [OP_RESET] = 2,
    [OP_SEND] = 7,   [OP_RECV] = 4,     [OP_SHUTDOWN] = 2, [OP_INIT] = 2,    [OP_ADD] = 13,
    [OP_SET] = 9,    [OP_REMOVE] = 6,   [OP_FREE] = 3,     [OP_IOCLOSE] = 2, [OP_READ] = 2,
    [OP_WRITE] = 2,  [OP_DRAIN] = 5,    [OP_FILL] = 4,     [OP_ACCEPT] = 2,  [OP_EXHAUSTED] = 2,
    [OP_WAIT] = 4,   [OP_DISPATCH] = 2, [OP_NEXT] = 2,     [OP_CHECK] = 2,   [OP_DISPOSE] = 2,
    [OP_TURN] = 9,   [OP_ABANDON] = 4,  [OP_FAIL] = 3,     [OP_SHORT] = 1,   [OP_EARLY] = 1,
    [OP_LATE] = 1,   [OP_SPURIOUS] = 2, [OP_RENEW] = 1,    [OP_SERVE] = 1,   [OP_DIAL] = 1,
    [OP_URGENT] = 1, [OP_HANDLE] = 7,   [OP_ECHO] = 3,     [OP_SAY] = 5,
};
enum { SHARES = 128, LATER_STEP = 8 }; /* from 128 on each eighth value: 16 */

static uint8_t decode_code(uint8_t byte)
{
    int is_later = byte >= SHARES && byte % LATER_STEP == LATER_STEP - 1;
    int left = is_later ? SHARES + (byte - SHARES) / LATER_STEP : byte % SHARES;
    uint8_t code = 0;
    while (left >= shares[code]) {
        left -= shares[code];
        code++;
    }
    return code;
}

int program_is_essential(op_code code)
{
    return code == OP_OPEN || code == OP_ADD || code == OP_TURN;
}

/* The operation itself if it is in, or the next one. Some are always in, so there is one. */
static uint8_t next_in(uint8_t code, const uint8_t *header)
{
    while (code / 8 < PROGRAM_RECORD && header[code / 8] >> code % 8 & 1 &&
           !program_is_essential(code)) {
        code = (uint8_t)((code + 1) % OP_CODES);
    }
    return code;
}

static uint8_t encode_code(uint8_t code)
{
    int sum = 0;
    for (uint8_t c = 0; c < code; c++) {
        sum += shares[c];
    }
    int later = sum - SHARES;
    return (uint8_t)(later < 0 ? sum : SHARES + LATER_STEP * later + LATER_STEP - 1);
}

/* A number from 0 to 7 in four bits: 4 to 7 only if the fourth is set. */
static uint8_t decode_operand(int bits)
{
    return (uint8_t)(bits & 8 ? bits & 7 : bits & 3);
}

static int encode_operand(uint8_t operand)
{
    return operand > 3 ? operand | 8 : operand;
}

static uint8_t decode_special(uint8_t byte)
{
    return byte < SPECIAL_FROM ? SPECIAL_SLOT : (uint8_t)(1 + byte % (SPECIAL_CODES - 1));
}

static uint8_t decode_flags(uint8_t byte)
{
    int bad = (byte & BAD_FLAG_BITS) == BAD_FLAG_BITS;
    return (uint8_t)(byte & PROGRAM_FLAGS & (bad ? 0xff : ~PROGRAM_BAD_FLAG));
}

static uint8_t decode_arg(arg_type type, uint8_t byte)
{
    switch (type) {
    case ARG_KIND:
        return byte % KIND_CODES;
    case ARG_HOW:
        return byte % HOW_CODES;
    case ARG_FLAGS:
        return decode_flags(byte);
    case ARG_SIZE:
        return byte % PROGRAM_SIZES;
    case ARG_SPAN:
        return byte < WAIT_FROM ? WAIT_0 : (uint8_t)(1 + (byte - WAIT_FROM) / WAIT_VALUES);
    case ARG_SPECIAL:
        return decode_special(byte);
    case ARG_ERROR:
        return byte % ERROR_CODES;
    default:
        return 0;
    }
}

/* The byte that decode_arg turns into this argument. */
static uint8_t encode_arg(arg_type type, uint8_t arg)
{
    switch (type) {
    case ARG_FLAGS:
        return arg & PROGRAM_BAD_FLAG ? arg | BAD_FLAG_BITS : arg;
    case ARG_SPAN:
        return arg == WAIT_0 ? 0 : (uint8_t)(WAIT_FROM + (arg % WAIT_CODES - 1) * WAIT_VALUES);
    case ARG_SPECIAL:
        return arg == SPECIAL_SLOT ? 0 : (uint8_t)(SPECIAL_FROM - 1 + arg);
    default:
        return arg;
    }
}

static op decode_op(const uint8_t *record, const uint8_t *header)
{
    op o = {.code = next_in(decode_code(record[0]), header)};
    const op_shape *shape = &program_shapes[o.code];
    o.arg = decode_arg(shape->arg, record[2]);
    if (shape->a) {
        o.a = decode_operand(record[1]);
    }
    if (program_has_b(shape, o.arg)) {
        o.b = decode_operand(record[1] >> 4);
    }
    return o;
}

void program_decode(program *p, const uint8_t *data, size_t size)
{
    size_t count = size / PROGRAM_RECORD;
    memset(p, 0, sizeof(*p));
    for (size_t i = 1; i < count && i <= PROGRAM_MAX_OPS; i++) {
        const uint8_t *record = data + i * PROGRAM_RECORD;
        op_list *list = record[3] & LIST_MAIN ? &p->main : &p->callback[record[3] & 7];
        list->ops[list->count++] = decode_op(record, data);
    }
}

static size_t encode_list(const op_list *list, uint8_t byte, uint8_t *data, size_t capacity)
{
    size_t size = 0;
    for (unsigned i = 0; i < list->count && i < PROGRAM_MAX_OPS; i++) {
        const op *o = &list->ops[i];
        if (capacity - size < PROGRAM_RECORD) {
            break;
        }
        data[size] = encode_code(o->code);
        data[size + 1] = (uint8_t)(encode_operand(o->a) | encode_operand(o->b) << 4);
        data[size + 2] = encode_arg(program_shapes[o->code % OP_CODES].arg, o->arg);
        data[size + 3] = byte;
        size += PROGRAM_RECORD;
    }
    return size;
}

size_t program_encode(const program *p, uint8_t *data, size_t capacity)
{
    size_t size = PROGRAM_RECORD;
    if (capacity < size) {
        return 0;
    }
    capacity = capacity < PROGRAM_BYTES ? capacity : PROGRAM_BYTES;
    memset(data, 0, size);
    for (uint8_t i = 0; i < PROGRAM_ATOMS; i++) {
        size += encode_list(&p->callback[i], i, data + size, capacity - size);
    }
    return size + encode_list(&p->main, LIST_MAIN, data + size, capacity - size);
}
