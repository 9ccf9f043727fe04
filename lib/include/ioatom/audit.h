/*
 * The audit layer: names handlers that leave something undone, in a program that is otherwise as it
 * was. What edge-triggered programs have wrong once: a read that stops before EAGAIN, one accept for
 * each event, an interest that was dropped and never asked for again.
 *
 *     static void on_finding(void *context, const io_audit_finding *finding)
 *     {
 *         (void)context;
 *         fprintf(stderr, "descriptor %d: %s, %d bytes\n", finding->fd,
 *                 io_audit_name(finding->kind), finding->left_bytes);
 *     }
 *
 *     io_audit audit;
 *     io_audit_begin(&audit, &poller, IO_AUDIT_HERE, on_finding, NULL);
 *     while (io_wait(&poller, -1) >= 0)
 *         io_audit_dispatch(&audit);      in the place of io_dispatch(&poller)
 *
 * After each callback the kernel is asked whether the descriptor is still ready for what was told:
 * one or two system calls for each. Atoms and callbacks stay as they are, and what they are told is
 * the same (IO-AUDIT-1). Nothing is allocated, no byte is moved, no atom is written to.
 *
 * A finding is a fact about the moment when the callback returned. A handler that leaves the rest to
 * somebody else should say so: with io_set, or by taking the flag out of the interest. One that meets
 * EAGAIN in a read(2) or accept(2) of its own should say io_exhausted: without that, what arrives
 * right behind its EAGAIN is taken for left (IO-AUDIT-9).
 *
 * Rules for every function: those of ioatom.h. An audit belongs to the thread that its poller belongs
 * to, and is used no longer than that; there is nothing to release.
 */
#ifndef IOATOM_AUDIT_H
#define IOATOM_AUDIT_H

#include <ioatom/ioatom.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to judge by (IO-AUDIT-5). */
enum {
    /* A callback is named if something is not told again here, in the poller's trigger mode: in level
     * mode nothing that is ready goes untold. IO_WRITE is not judged: to leave it in the interest
     * with nothing to write is right in edge mode, and whether there is something to write only the
     * program knows. Nor is an end of file that was left: it may have been seen. */
    IO_AUDIT_HERE = 0,
    /* A callback is named if something would not be told again, or be told for ever, in some
     * configuration. IO_WRITE that was told and left in the interest, with room and without EAGAIN,
     * is wrong in edge mode if there is more to write, and in level mode if there is not. An end of
     * file that is left and of interest is told for ever in level mode. */
    IO_AUDIT_PORTABLE = 1
};

/* io_audit_finding.kind */
enum {
    /* Of what was told some is still ready: not all was read, one connection of several accepted
     * (IO-AUDIT-3). */
    IO_AUDIT_LEFT_READY = 1,
    /* It is not ready any more, but the library saw no EAGAIN: emulated edge mode holds the flag back
     * for ever (IO-AUDIT-4, IO-EDGE-3). */
    IO_AUDIT_NOT_NOTED = 2,
    /* Input waits, and nobody is going to be told: the interest was dropped, or a one-shot spent, and
     * not asked for again; or one of the two above, earlier (IO-AUDIT-7). */
    IO_AUDIT_FORGOTTEN = 3,
    /* The atom is registered, and its descriptor is not open: closed without io_remove
     * (IO-AUDIT-6). */
    IO_AUDIT_CLOSED = 4
};

typedef struct io_audit_finding {
    int kind;
    io_atom *atom; /* registered, so it may be looked at */
    io_proc proc;  /* its callback */
    io_fd fd;
    int told;       /* the flags passed to the callback; 0 in io_audit_idle */
    int interest;   /* now */
    int left;       /* the flags that this is about; 0 for IO_AUDIT_CLOSED */
    int left_bytes; /* of IO_READ: how much there is to be read, of datagrams the first; -1: nobody
                       knows, as of connections to accept, or this is not about IO_READ */
} io_audit_finding;

/* What is called for each finding. It may do what a callback may do (io_proc); *finding is there
 * until it returns (IO-AUDIT-10). */
typedef void (*io_audit_proc)(void *context, const io_audit_finding *finding);

/* In the caller's memory; the members are private. */
typedef struct io_audit {
    io_poller *poller;
    io_audit_proc proc;
    void *context;
    int options;
} io_audit;

/* Make an audit of a poller, in memory that is left alone while it is used. options is IO_AUDIT_HERE
 * or IO_AUDIT_PORTABLE; proc is called with context. No system call, and no effect before the
 * audit is used. -EINVAL: null audit or proc, unknown options (IO-AUDIT-11). */
int io_audit_begin(io_audit *audit, io_poller *poller, int options, io_audit_proc proc,
                   void *context);

/* io_dispatch, and after each callback a look at what it left, if its atom is still registered. The
 * result is io_dispatch's: the number of calls. If the kernel refuses to tell (-ENOMEM), there is no
 * finding (IO-AUDIT-12). -EBUSY: inside a callback. */
int io_audit_dispatch(io_audit *audit);

/* To be called where the program takes everything for done: nothing is to come, and what came has
 * been consumed. Looks, with waits of timeout 0, whether nothing is pending, and then at each
 * registered atom: IO_AUDIT_FORGOTTEN if input waits of which nobody is going to be told, and
 * IO_AUDIT_CLOSED (IO-AUDIT-7). Whether back-pressure that holds back for good reason is a mistake,
 * is for the caller to say. The result is the number of findings. -EAGAIN: something is pending, so
 * that it is too early to tell: dispatch first; what was found before that has been reported.
 * -EBUSY: inside a callback. Others: those of io_wait, -ENOMEM from the kernel. */
int io_audit_idle(io_audit *audit);

/* "left ready", "not noted", "forgotten", "closed"; "none" for another number. */
const char *io_audit_name(int kind);

#ifdef __cplusplus
}
#endif
#endif
