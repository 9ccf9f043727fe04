/* What goes wrong in the kernel: what the program plans (fail, short, early, late, spurious), and one
 * call that a sweep has chosen. Only calls of the library meet it, and only those in the simulated
 * kernel: on the real one whatever is planned does not come. */
#ifndef IOATOM_FUZZ_HARNESS_FAULTS_H
#define IOATOM_FUZZ_HARNESS_FAULTS_H

#include "../program/program.h"

/* Groups of system calls, by what it means to the library's caller that one failed. */
typedef enum fault_group {
    FAULT_WAIT = 1,     /* epoll_wait, poll and select of io_wait */
    FAULT_TRANSFER = 2, /* reading and writing */
    FAULT_ACCEPT = 4,
    FAULT_CLOSE = 8,
    FAULT_OTHER = 16,
    FAULT_ANYWHERE = 31
} fault_group;

enum { FAULTS_PLANNED = 8, FAULTS_CALLS = 8192 };

/* A run begins: nothing is planned. */
void faults_begin(void);
/* Its program is over: what is planned is called off. */
void faults_end(void);

void faults_plan_failure(unsigned nth, error_code error);
void faults_plan_short(void);
void faults_plan_early(void);
void faults_plan_late(void);
void faults_plan_spurious(int fd); /* negative: nothing */

/* A call of the library begins (library.h does that); it is io_wait, while a registered descriptor
 * is closed, or none is. */
void faults_begin_call(void);
void faults_begin_wait(int has_closed);

/* What the latest call of the library has met. */
unsigned faults_count(void);           /* system calls in which something went wrong */
int faults_has(int groups, int error); /* one of them failed with this errno value */
int faults_error(fault_group group); /* the errno value of the last one that failed; 0: none did */
int faults_first(
    fault_group group);    /* of the first one, but a signal only if there is nothing else */
int faults_is_late(void);  /* a wait ended too late */
int faults_spurious(void); /* the descriptor of a spurious wake-up, or -1 */

/* 1, once: since it was asked last a poll of io_uring may have been left in the kernel, because its
 * cancellation, or the wait for its end, failed. */
int faults_take_left(void);

/* 1 if a system call of this run has failed. */
int faults_any(void);
/* 1 if the end of a cancelled poll of io_uring has come late in this run. */
int faults_lingered(void);

/* Sweeps. The system calls that the library makes in a run are numbered from 1 on, up to
 * faults_end. */
unsigned faults_calls(void);               /* how many there were; at most FAULTS_CALLS */
unsigned faults_errors_of(unsigned call);  /* what it could have failed with: bits by error_code */
const char *faults_name_of(unsigned call); /* of the system call */
/* In the runs that follow this call fails; 0: none does. */
void faults_sweep(unsigned call, error_code error);
/* 1 if it came, in the latest run. */
int faults_was_swept(void);

#ifdef IO_OS_SIM
#include <ioatom/sim.h>
/* The library makes a system call of this kind (IO_SIM_CALL_READ ...): decide what goes wrong. */
void faults_draw(int kind, io_sim_fault *fault);
#endif

#endif
