/*
 * The simulated kernel's kqueue(2), which Linux has not: here it stands in the place of
 * <sys/event.h>, so that the library's backend for it runs on any machine. Include it behind
 * ioatom/sim.h, and not together with another header of that interface.
 *
 * The names are those that macOS, FreeBSD, NetBSD, OpenBSD and DragonFly BSD share; the values are
 * FreeBSD's, where it has them. What happens is what FreeBSD's kevent(2) says, and where that leaves
 * a choice the one that promises less. There is no real kernel here to compare it with: the rules
 * stand at lib/sim/kqueue.c, and tests/sim/kqueue_test.c has a test of each.
 */
#ifndef IOATOM_SIM_KQUEUE_H
#define IOATOM_SIM_KQUEUE_H

#include <ioatom/sim.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kevent {
    uintptr_t ident; /* a descriptor; of EVFILT_USER any number */
    short filter;
    unsigned short flags;
    unsigned fflags;
    int64_t data;
    void *udata;
};

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_)                             \
    (*(event) = (struct kevent){.ident = (ident_),                                                 \
                                .filter = (filter_),                                               \
                                .flags = (flags_),                                                 \
                                .fflags = (fflags_),                                               \
                                .data = (data_),                                                   \
                                .udata = (udata_)})

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-11)
#define EVFILT_EXCEPT (-15) /* not of FreeBSD; macOS's */

/* Actions, */
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
/* properties, */
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
/* and what is returned. */
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

/* fflags of EVFILT_READ and EVFILT_WRITE, of EVFILT_EXCEPT, of EVFILT_USER */
#define NOTE_LOWAT 0x00000001
#define NOTE_OOB 0x00000002
#define NOTE_FFNOP 0x00000000u
#define NOTE_FFAND 0x40000000u
#define NOTE_FFOR 0x80000000u
#define NOTE_FFCOPY 0xc0000000u
#define NOTE_FFCTRLMASK 0xc0000000u
#define NOTE_FFLAGSMASK 0x00ffffffu
#define NOTE_TRIGGER 0x01000000u

int io_sim_kqueue(void);
/* EVFILT_READ and EVFILT_WRITE, both without NOTE_LOWAT, EVFILT_EXCEPT with NOTE_OOB, EVFILT_USER;
 * any other filter is EINVAL, and so is a set that would be in itself. */
int io_sim_kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
                  int event_count, const struct timespec *timeout);

#ifdef __cplusplus
}
#endif
#endif
