/* Calls into the library, marked as such: what happens in the kernel meanwhile is its doing. */
#ifndef IOATOM_FUZZ_HARNESS_LIBRARY_H
#define IOATOM_FUZZ_HARNESS_LIBRARY_H

/* LIBRARY(io_add(poller, atom, flags)): its result, checked against errno (IO-ERROR-1,
 * IO-ERROR-6) and traced. */
#define LIBRARY(call) (library_enter(), library_leave(call))

void library_enter(void);
int library_leave(int result);

/* A callback is not the library's doing; leave and enter it again around one. */
int library_suspend(void);
void library_resume(int suspended);

int library_is_running(void);
/* The number of calls so far. */
unsigned long library_calls(void);

#endif
