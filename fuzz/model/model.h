/*
 * The oracle: a naive model of a poller, written from lib/SPEC.md alone. It knows atoms by their
 * number in the program, and of the kernel only what poll(2) said of each descriptor before and
 * after every operation. Every function that gets a result of the library checks it, and reports a
 * broken clause with violation().
 *
 * It is exact where the specification is, and keeps bounds where that leaves a choice: maybe is the
 * most that can be pending, owed the least that has to come.
 *
 * Of system calls that were made to fail it asks harness/faults.h. A call of the library that met one
 * either does what it does otherwise, or returns that error and has changed nothing (IO-ERROR-2); what
 * is owed stays owed.
 */
#ifndef IOATOM_FUZZ_MODEL_MODEL_H
#define IOATOM_FUZZ_MODEL_MODEL_H

#include <stdint.h>

enum { MODEL_ATOMS = 8, MODEL_FLAGS = 3 };
enum { MODEL_READ = 1, MODEL_WRITE = 2, MODEL_EXCEPT = 4, MODEL_EVENTS = 7, MODEL_ONESHOT = 8 };

/* What kind of number io_add gets. */
typedef enum model_fd { MODEL_FD_OPEN, MODEL_FD_CLOSED, MODEL_FD_UNPOLLABLE } model_fd;

/* What became of a registered atom's descriptor. */
typedef enum model_life {
    LIFE_OPEN,
    LIFE_CLOSED, /* closed without io_remove; no wait has found out */
    LIFE_DEAD,   /* a wait has found out (select, poll) */
    LIFE_TAKEN   /* the number belongs to another file now, or a duplicate lives (IO-CLOSE-6) */
} model_life;

typedef struct model_atom {
    int registered;
    int fd;
    int interest;
    model_life life;
    int no_must;            /* flags of which the kernel's word is not good enough to owe them */
    int ready;              /* flags that are ready now */
    int ready_before;       /* and when the latest io_wait was called */
    int bits, bits_before;  /* the kernel's word, of which they are made (poll(2) bits) */
    int kept;               /* flags that were told and are ready ever since (IO-EDGE-2) */
    int alarmed;            /* a hang-up or an error was there (IO-MASK-1) */
    int sure;               /* those that every backend reports (IO-EVENT-9) */
    int ready_since;        /* flags that were ready since the atom was added or they were told
                               (IO-EVENT-5) */
    int maybe;              /* flags that may be pending */
    int dropped;            /* flags that io_set took out of maybe */
    int last;               /* what a dead atom is still to be told (IO-CLOSE-5) */
    int suspect;            /* a wait may have found it closed (IO-CLOSE-10) */
    int owed;               /* flags that must come */
    int waits[MODEL_FLAGS]; /* waits since the flag is owed */
    int held;               /* emulated edge: found, told, and not armed again (IO-EDGE-3) */
    int rearmed;            /* emulated edge: armed again since a wait found it for sure */
    int unsure;             /* since it was armed again a wait may have found it, or not */
    int doubtful; /* afd, emulated edge: told, and nobody knows whether it was found before
                               it was armed again, or after that and is held */
    int told;     /* called in this dispatch */
} model_atom;

/* Somebody else who wants to know what happened: fuzz/equivalence. */
typedef enum model_event {
    MODEL_ADDED,     /* an atom; its interest */
    MODEL_SET,       /* an atom; its interest */
    MODEL_REMOVED,   /* an atom, or with io_poller_dispose each; 0 */
    MODEL_AGAIN,     /* an atom; the flag to which the library saw EAGAIN, or was told so */
    MODEL_WAITED,    /* -1; 0 */
    MODEL_TOLD,      /* an atom; the flags: its callback begins, or io_next handed it out */
    MODEL_RETURNED,  /* an atom; the flags that its callback was told */
    MODEL_DISPATCHED /* -1; 0 */
} model_event;

typedef struct model_watcher {
    void *context;
    void (*notice)(void *context, model_event event, int atom, int flags);
} model_watcher;

typedef struct model {
    model_watcher watcher; /* notice may be null */
    int edge;              /* trigger mode */
    int emulated;          /* edge-triggered over a kernel that knows levels only */
    int on_select;         /* IO-EVENT-9 */
    int on_kqueue;         /* IO-WAIT-14 */
    int has_set; /* the kernel keeps what is registered: epoll, kqueue, uring (IO-CLOSE-6) */
    int on_afd;  /* a wait may tell what a poll has found before, and leave to the next one what has
                   come since */
    int fresh;   /* no wait has found anything since all that was pending was delivered */
    int scanned; /* select, poll: the latest wait was one scan, and all that it met is pending */
    int first;   /* the atom that came first in the last one of these, or -1 (IO-FAIR-2) */
    int limit;   /* descriptors from here on have no place in the table */
    int dispatching;
    int pending; /* the result of the latest io_wait, if nothing has changed since; else -1 */
    model_atom atoms[MODEL_ATOMS];
} model;

void model_init(model *m, int types, int limit);

/* A result that the library may pass on: the error of a system call that was made to fail. That
 * a close failed is nobody's result but that of io_close. */
int model_is_injected(int result);

/* The kernel's word (poll(2) bits) about the descriptor of a registered atom; between any two
 * operations. */
void model_observe(model *m, int atom, int poll_bits);

/* The program closed a number, or made a new descriptor with it. */
void model_fd_closed(model *m, int fd);
void model_fd_opened(model *m, int fd);

void model_check_add(model *m, int atom, int fd, model_fd kind, int flags, int result);
void model_check_set(model *m, int atom, int flags, int result, unsigned controls);
void model_check_remove(model *m, int atom, int result);
void model_check_exhausted(model *m, int atom, int flags, int result);
/* io_read, io_write or io_socket_accept answered -EAGAIN through this registered atom. */
void model_eagain(model *m, int atom, int flag);
/* It answered so though the kernel says that the flag is ready (IO-EVENT-10). */
void model_doubt(model *m, int atom, int flag);
/* io_fd_check; open(fd) tells whether a number is open. */
void model_check_fd_check(model *m, int result, int (*open)(int fd));

typedef struct model_wait {
    int timeout_ms;
    int unlimited; /* it is negative, or INT_MAX */
    int endless;   /* the kernel says that it would never have ended; the result is 0 then */
    int result;
    uint64_t elapsed_ns;
    uint64_t late_ns; /* the kernel may let so much more time pass than it was asked to */
    unsigned kernel_waits;
    unsigned blocking_waits;
    unsigned creations; /* of a set, though no registered descriptor was ever closed */
    int interrupted;    /* by a signal */
    int failed;         /* the errno value of a wait in the kernel that failed; 0: none did */
    int refused; /* the errno value with which the kernel refused a descriptor for a set; or 0 */
    int refused_other; /* the errno value with which another call failed than a wait; or 0 */
    unsigned faults;   /* system calls in which something went wrong */
    int late;          /* the kernel ended a wait too late */
    int spurious_fd; /* it found this descriptor readable and writable, even if it was not; or -1 */
} model_wait;

/* Something is pending, or has to come: a wait without limit ends. */
int model_must_return(const model *m);

/* Before and after io_wait outside a callback; each after an observation of all atoms. */
void model_wait_begin(model *m);
void model_check_wait(model *m, const model_wait *wait);

void model_dispatch_begin(model *m);
/* The library called an atom's callback; which has returned. */
void model_called(model *m, int atom, int flags);
void model_returned(const model *m, int atom, int flags);
/* exact: no callback did anything that could take another's event away. */
void model_check_dispatch(model *m, int result, int exact);
/* io_next handed out an atom (1), or nothing (0). */
void model_check_next(model *m, int result, int atom, int flags);

/* io_poller_after_fork outside a callback; was_full: the kernel had no place left for some file. */
void model_check_renew(model *m, int result, int was_full);

void model_disposed(model *m);
void model_notice(const model *m, model_event event, int atom, int flags);
int model_registered_count(const model *m);

#endif
