/*
 * Programs: what the dispatch fuzzer runs. One struct, two forms of it: bytes (every byte string is
 * a program) and text
 * (*.iop, for people). The grammar is in fuzz/PROGRAMS.md.
 */
#ifndef IOATOM_FUZZ_PROGRAM_PROGRAM_H
#define IOATOM_FUZZ_PROGRAM_PROGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PROGRAM_DESCRIPTORS = 8, /* descriptor slots d0 to d7 */
    PROGRAM_ATOMS = 8,       /* atoms a0 to a7, each with a callback program */
    PROGRAM_MAX_OPS = 128,   /* in all lists together; later records are ignored */
    PROGRAM_RECORD = 4,      /* bytes of an operation, and of the header before the first */
    PROGRAM_BYTES = (1 + PROGRAM_MAX_OPS) * PROGRAM_RECORD /* no program has more */
};

typedef enum op_code {
    OP_OPEN,      /* open dA dB KIND: make a new object; eventfd and listener fill dA only. open,
                     connect and dup also init the atoms of the same numbers, unless registered */
    OP_CONNECT,   /* connect dA dB: dA is a client of the listener dB */
    OP_DUP,       /* dup dA dB: dA is a duplicate of dB */
    OP_CLOSE,     /* close dA: close(2), whatever is registered */
    OP_RESET,     /* reset dA: the same, a TCP socket with RST */
    OP_SEND,      /* send dA SIZE: write(2) */
    OP_RECV,      /* recv dA SIZE: read(2) */
    OP_SHUTDOWN,  /* shutdown dA HOW */
    OP_INIT,      /* init aA dB | init aA SPECIAL: io_atom_init, not while registered */
    OP_ADD,       /* add aA FLAGS */
    OP_SET,       /* set aA FLAGS */
    OP_REMOVE,    /* remove aA */
    OP_FREE,      /* free aA: io_remove if registered, then free its memory */
    OP_IOCLOSE,   /* ioclose aA: io_close */
    OP_READ,      /* read aA SIZE: io_read once */
    OP_WRITE,     /* write aA SIZE: io_write once */
    OP_DRAIN,     /* drain aA: io_read (a listener: io_socket_accept) until it fails */
    OP_FILL,      /* fill aA: io_write until it fails */
    OP_ACCEPT,    /* accept aA aB FLAGS: io_socket_accept for aA from the listener aB */
    OP_EXHAUSTED, /* exhausted aA FLAGS */
    OP_WAIT,      /* wait SPAN */
    OP_DISPATCH,  /* dispatch */
    OP_NEXT,      /* next */
    OP_CHECK,     /* check: io_fd_check */
    OP_DISPOSE,   /* dispose: and, outside a callback, init again */
    OP_TURN,      /* turn: wait 0, then dispatch */
    OP_ABANDON,   /* abandon aA: close(2) its descriptor, and only then io_remove it */
    OP_FAIL,      /* fail N ERROR: of the library's system calls from here on that can fail so, the
                     Nth does; a is N - 1. This and the next four: only on the simulated kernel */
    OP_SHORT,     /* short: the library's next transfer moves 1 byte, if it is of a stream */
    OP_EARLY,     /* early: the library's next wait in the kernel ends too early, if with nothing */
    OP_LATE,      /* late: it ends too late; or the next poll of io_uring that is cancelled does */
    OP_SPURIOUS,  /* spurious dA: it finds dA readable and writable, even if it is not */
    OP_RENEW,     /* renew: io_poller_after_fork, and on the simulated kernel fork before it */
    OP_SERVE,     /* serve aA: io_socket_listen for aA, TCP over loopback */
    OP_DIAL,      /* dial aA aB FLAGS: io_socket_connect for aA to the listener aB */
    OP_URGENT,    /* urgent dA: one byte of out-of-band data, from a TCP socket */
    OP_HANDLE,    /* handle aA: what a correct handler does, see harness/handle.h */
    OP_ECHO,      /* echo aA: the same, and as many bytes as were read are written */
    OP_SAY,       /* say aA SIZE: so many bytes more are to be written by handle or echo */
    OP_CODES
} op_code;

typedef enum object_kind {
    KIND_PIPE,  /* dA reads, dB writes */
    KIND_UNIX,  /* a pair of unix stream sockets */
    KIND_TCP,   /* a pair of connected TCP sockets */
    KIND_DGRAM, /* a pair of unix datagram sockets */
    KIND_EVENTFD,
    KIND_LISTENER, /* TCP over loopback */
    KIND_CODES
} object_kind;

/* SPECIAL descriptors of OP_INIT: arg; 0 stands for the slot dB. */
typedef enum special_fd {
    SPECIAL_SLOT,
    SPECIAL_NEGATIVE,   /* "negative": -1 */
    SPECIAL_LIMIT,      /* "limit": open, the first number beyond the poller's table */
    SPECIAL_DIRECTORY,  /* "directory" */
    SPECIAL_FILE,       /* "file": an ordinary file */
    SPECIAL_CLOSED,     /* "closed": a number below the table's end that is not open */
    SPECIAL_CLOSED_FAR, /* "closed-far": a number beyond the table that is not open */
    SPECIAL_PATH,       /* "path": an O_PATH descriptor */
    SPECIAL_LAST,       /* "last": an eventfd, the last number below the table's end */
    SPECIAL_CODES
} special_fd;

/* How long OP_WAIT waits: arg. */
typedef enum wait_span {
    WAIT_0, /* milliseconds */
    WAIT_1,
    WAIT_2,
    WAIT_LONG,
    WAIT_FOREVER,
    WAIT_CODES
} wait_span;

typedef enum shutdown_how { HOW_RD, HOW_WR, HOW_RDWR, HOW_CODES } shutdown_how;

/* What OP_FAIL makes a call fail with: arg. */
typedef enum error_code {
    ERROR_EINTR,
    ERROR_ENOMEM,
    ERROR_ENOSPC,
    ERROR_EMFILE,
    ERROR_ENFILE,
    ERROR_EBADF,
    ERROR_EPERM,
    ERROR_EIO,
    ERROR_ENOBUFS,
    ERROR_ECONNABORTED,
    ERROR_EAGAIN, /* of io_uring */
    ERROR_EBADR,  /* the same */
    ERROR_CODES
} error_code;
extern const int program_errors[ERROR_CODES]; /* errno values */

enum {
    PROGRAM_BAD_FLAG = 0x10, /* "bad": a flag that no function knows */
    PROGRAM_FLAGS = 0x1f,
    PROGRAM_SIZES = 6
};
extern const uint32_t
    program_sizes[PROGRAM_SIZES]; /* the SIZE of read, write, send, recv: arg is the index */

/* Operands are always in range: a, b below 8; arg as the operation needs it, 0 where it needs none.
 */
typedef struct op {
    uint8_t code;
    uint8_t a;
    uint8_t b;
    uint8_t arg; /* KIND, HOW, FLAGS, index of SIZE, SPAN, SPECIAL, ERROR */
} op;

typedef struct op_list {
    unsigned count;
    op ops[PROGRAM_MAX_OPS];
} op_list;

typedef struct program {
    op_list main;
    op_list callback[PROGRAM_ATOMS]; /* run in each callback of the atom */
} program;

/* Decode any bytes: a header, then records. Header: bit c of the four bytes, from the lowest bit of
 * the first on, takes operation c out of the program, so that fuzzers try programs without it as well
 * (swarm testing); what would be that operation is the next one that is in. Record: code, the
 * likelier operations having more values; a in bits 0-2 and b in bits 4-6, of which bits 2 and 6
 * count only if bits 3 and 7 are set, so that programs often come back to the same few; arg; list
 * (0-7: callback of that atom; others main, by bit 3 or 4). Values beyond an operation's range are
 * reduced to it. A rest of less than a record is ignored. */
void program_decode(program *p, const uint8_t *data, size_t size);

/* Whether the main list or a callback has such an operation. */
int program_has(const program *p, op_code code);

/* Without the operations that plan faults; how many there were. A fault counts system calls, of which
 * each configuration makes others: who compares them plays programs without. */
unsigned program_drop_faults(program *p);

/* Without these programs would do little: no header takes them out. */
int program_is_essential(op_code code);

/* The bytes of a program: a header that takes nothing out, callbacks, main. The number of bytes; at
 * most PROGRAM_BYTES. */
size_t program_encode(const program *p, uint8_t *data, size_t capacity);

/* Parse text of the given length. 0, or the number of the first line that is wrong and *error says
 * why. */
int program_parse(program *p, const char *text, size_t length, const char **error);

/* Print as text that program_parse takes. */
void program_print(const program *p, FILE *out);

/* Print one operation, without a line end. */
void program_print_op(const op *o, FILE *out);

#endif
