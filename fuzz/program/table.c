#include "table.h"

#include <errno.h>

#ifndef EBADR
#define EBADR 53 /* Linux's, which others do not have */
#endif

const op_shape program_shapes[OP_CODES] = {
    [OP_OPEN] = {"open", 'd', 'd', ARG_KIND},
    [OP_CONNECT] = {"connect", 'd', 'd', ARG_NONE},
    [OP_DUP] = {"dup", 'd', 'd', ARG_NONE},
    [OP_CLOSE] = {"close", 'd', 0, ARG_NONE},
    [OP_RESET] = {"reset", 'd', 0, ARG_NONE},
    [OP_SEND] = {"send", 'd', 0, ARG_SIZE},
    [OP_RECV] = {"recv", 'd', 0, ARG_SIZE},
    [OP_SHUTDOWN] = {"shutdown", 'd', 0, ARG_HOW},
    [OP_INIT] = {"init", 'a', 'd', ARG_SPECIAL},
    [OP_ADD] = {"add", 'a', 0, ARG_FLAGS},
    [OP_SET] = {"set", 'a', 0, ARG_FLAGS},
    [OP_REMOVE] = {"remove", 'a', 0, ARG_NONE},
    [OP_FREE] = {"free", 'a', 0, ARG_NONE},
    [OP_IOCLOSE] = {"ioclose", 'a', 0, ARG_NONE},
    [OP_READ] = {"read", 'a', 0, ARG_SIZE},
    [OP_WRITE] = {"write", 'a', 0, ARG_SIZE},
    [OP_DRAIN] = {"drain", 'a', 0, ARG_NONE},
    [OP_FILL] = {"fill", 'a', 0, ARG_NONE},
    [OP_ACCEPT] = {"accept", 'a', 'a', ARG_FLAGS},
    [OP_EXHAUSTED] = {"exhausted", 'a', 0, ARG_FLAGS},
    [OP_WAIT] = {"wait", 0, 0, ARG_SPAN},
    [OP_DISPATCH] = {"dispatch", 0, 0, ARG_NONE},
    [OP_NEXT] = {"next", 0, 0, ARG_NONE},
    [OP_CHECK] = {"check", 0, 0, ARG_NONE},
    [OP_DISPOSE] = {"dispose", 0, 0, ARG_NONE},
    [OP_TURN] = {"turn", 0, 0, ARG_NONE},
    [OP_ABANDON] = {"abandon", 'a', 0, ARG_NONE},
    [OP_FAIL] = {"fail", 'n', 0, ARG_ERROR},
    [OP_SHORT] = {"short", 0, 0, ARG_NONE},
    [OP_EARLY] = {"early", 0, 0, ARG_NONE},
    [OP_LATE] = {"late", 0, 0, ARG_NONE},
    [OP_SPURIOUS] = {"spurious", 'd', 0, ARG_NONE},
    [OP_RENEW] = {"renew", 0, 0, ARG_NONE},
    [OP_SERVE] = {"serve", 'a', 0, ARG_NONE},
    [OP_DIAL] = {"dial", 'a', 'a', ARG_FLAGS},
    [OP_URGENT] = {"urgent", 'd', 0, ARG_NONE},
    [OP_HANDLE] = {"handle", 'a', 0, ARG_NONE},
    [OP_ECHO] = {"echo", 'a', 0, ARG_NONE},
    [OP_SAY] = {"say", 'a', 0, ARG_SIZE},
};

const char *const program_kinds[KIND_CODES] = {"pipe",  "unix",    "tcp",
                                               "dgram", "eventfd", "listener"};
const char *const program_hows[HOW_CODES] = {"rd", "wr", "rdwr"};
const char *const program_spans[WAIT_CODES] = {"0", "1", "2", "long", "forever"};
const char *const program_specials[SPECIAL_CODES] = {
    NULL, "negative", "limit", "directory", "file", "closed", "closed-far", "path", "last"};
const char *const program_error_names[ERROR_CODES] = {"eintr",   "enomem",       "enospc", "emfile",
                                                      "enfile",  "ebadf",        "eperm",  "eio",
                                                      "enobufs", "econnaborted", "eagain", "ebadr"};
const int program_errors[ERROR_CODES] = {EINTR, ENOMEM, ENOSPC,  EMFILE,       ENFILE, EBADF,
                                         EPERM, EIO,    ENOBUFS, ECONNABORTED, EAGAIN, EBADR};
const char *const program_flags[PROGRAM_FLAG_COUNT] = {"read", "write", "except", "oneshot", "bad"};
const uint32_t program_sizes[PROGRAM_SIZES] = {1, 7, 64, 1000, 4096, 65536};

static int has(const op_list *list, op_code code)
{
    int found = 0;
    for (unsigned i = 0; i < list->count; i++) {
        found |= list->ops[i].code == code;
    }
    return found;
}

int program_has(const program *p, op_code code)
{
    int found = has(&p->main, code);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        found |= has(&p->callback[i], code);
    }
    return found;
}

static int is_fault(op_code code)
{
    return code == OP_FAIL || code == OP_SHORT || code == OP_EARLY || code == OP_LATE ||
           code == OP_SPURIOUS;
}

static unsigned drop_faults(op_list *list)
{
    unsigned kept = 0, count = list->count;
    for (unsigned i = 0; i < count; i++) {
        op o = list->ops[i];
        list->ops[kept] = o;
        kept += !is_fault(o.code);
    }
    list->count = kept;
    return count - kept;
}

unsigned program_drop_faults(program *p)
{
    unsigned dropped = drop_faults(&p->main);
    for (int i = 0; i < PROGRAM_ATOMS; i++) {
        dropped += drop_faults(&p->callback[i]);
    }
    return dropped;
}

int program_has_b(const op_shape *shape, uint8_t arg)
{
    switch (shape->arg) {
    case ARG_KIND:
        return arg != KIND_EVENTFD && arg != KIND_LISTENER;
    case ARG_SPECIAL:
        return arg == SPECIAL_SLOT;
    default:
        return shape->b != 0;
    }
}
