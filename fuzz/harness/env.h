/*
 * The environment of a program: real kernel objects behind descriptor slots, and what a peer does
 * with them. Descriptors of the harness itself are kept high (those that the poller has to refuse,
 * within its table), so that the low numbers are the program's and are used again as soon as they are
 * free.
 */
#ifndef IOATOM_FUZZ_HARNESS_ENV_H
#define IOATOM_FUZZ_HARNESS_ENV_H

#include "../program/program.h"

#include <sys/types.h>

enum {
#ifdef _WIN32
    ENV_LIMIT = 2048, /* a table of so many places, and numbers are Windows' own, multiples of 4 */
#else
    ENV_LIMIT = 128, /* the poller's table ends here */
#endif
    ENV_OBJECTS = 160, /* the last two stand for all that a program makes beyond these: */
    ENV_OTHER_LISTENERS = ENV_OBJECTS - 2,
    ENV_OTHER_CONNECTIONS
};

/* A stream in both directions: what side s sent, and what its other side received. */
typedef struct env_object {
    object_kind kind;
    int checked;     /* the bytes are known */
    uint64_t client; /* of a client of a listener, its address and port; else 0 */
    /* Bytes; datagrams; of an eventfd, which sends to itself, how much was added to its value; of a
     * listener the connections that were asked for, and those that were accepted. */
    uint32_t sent[2];
    uint32_t received[2];
    int ended[2]; /* the last error of io_read on a side, but for EAGAIN */
} env_object;

typedef struct env_number {
    int open;
    int object;
    int side;
} env_number;

typedef struct env {
    int slots[PROGRAM_DESCRIPTORS]; /* the number in a slot, or -1 */
    env_number numbers[ENV_LIMIT];
    env_object objects[ENV_OBJECTS];
    int object_count;
    int connects; /* to listeners of the program */
    int is_full;  /* there was no object for something */
    int base;     /* the lowest free number before the program began, */
    int open;     /* and how many were open */
} env;

/* The lowest free number, in use until KERNEL(close). */
int env_take_lowest(void);

/* Once in a process. 0, or -1 if this machine has no sockets to fuzz with. */
int env_setup(void);

void env_begin(env *e);
/* Close what is open. 1 if every number is free again, 0 if one leaked. */
int env_end(env *e);

/* Of the harness: no operation closes it. */
int env_is_own(int fd);
int env_is_open(int fd);
/* The number of a slot, or -1. */
int env_fd(const env *e, int slot);
int env_special(special_fd special);
/* The kind of the object behind a number, or KIND_CODES if the program has none there. */
object_kind env_kind(const env *e, int fd);
/* It is the harness's own, which stays open. */
int env_is_own(int fd);

/* Each does nothing, and returns 0, if its operands don't fit. New numbers are reported to opened,
 * closed ones to closed. */
typedef struct env_events {
    void *context;
    void (*opened)(void *context, int fd);
    void (*closed)(void *context, int fd);
} env_events;
int env_open(env *e, const env_events *events, int a, int b, object_kind kind);
/* This returns the number, the last one that has a place in the table: an eventfd, opened if it is
 * not. */
int env_last(env *e, const env_events *events);
int env_connect(env *e, const env_events *events, int a, int listener);
int env_dup(env *e, const env_events *events, int a, int b);
int env_close(env *e, const env_events *events, int a, int reset);
void env_send(env *e, int a, uint32_t size);
void env_recv(env *e, int a, uint32_t size);
/* write(2) of the next bytes at a number, as many as can be sent at once: how many, or -1 and errno. */
ssize_t env_write(env *e, int fd, uint32_t size);
void env_shutdown(env *e, int a, shutdown_how how);
/* A byte of out-of-band data, from a TCP socket. Its place in the stream is the kernel's affair: the
 * bytes are unchecked from here on. */
void env_urgent(env *e, int a);
/* Small buffers, so that filling one is quick. */
void env_shrink(int fd);

/* A number that the library opened, */
void env_listened(env *e, const env_events *events, int fd);
void env_dialled(env *e, const env_events *events, int fd, int listener);
void env_accepted(env *e, const env_events *events, int fd, int listener);
/* or closed. */
void env_forget(env *e, int fd);
/* No slot has this number any more. */
void env_hide(env *e, int fd);

/* The next bytes to send at a number; then: so many were sent. */
void env_pattern(const env *e, int fd, unsigned char *buf, uint32_t size);
void env_sent(env *e, int fd, uint32_t size);
/* What was sent to a number, in the unit of its object, and was not received. */
uint32_t env_waiting(const env *e, int fd);
/* The same of a pipe or unix stream; else 0: a reset discards what TCP had. */
uint32_t env_left(const env *e, int fd);
/* These bytes were received, as a whole datagram if they are of one: 1 if they are the next ones. */
int env_received(env *e, int fd, const unsigned char *buf, uint32_t size);
/* A read through the library failed, and not for want of bytes. */
void env_ended(env *e, int fd, int code);

#endif
