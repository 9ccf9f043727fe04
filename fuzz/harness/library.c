#include "library.h"

#include "faults.h"
#include "report.h"
#include "trace.h"

#include <errno.h>

static int running;
static unsigned long calls;

void library_enter(void)
{
    running = 1;
    calls++;
    faults_begin_call();
    errno = EINTR; /* a stale one, which nobody may take for his own (IO-READ-5) */
}

int library_leave(int result)
{
    int code = errno;
    running = 0;
    if (result < 0 && code != -result) {
        violation("IO-ERROR-1", "the result is %d, but errno is %d", result, code);
    }
    if (result == -EINTR) {
        violation("IO-ERROR-6", "a signal is the result");
    }
    trace_add(TRACE_RESULT, result, 0);
    return result;
}

int library_suspend(void)
{
    int before = running;
    running = 0;
    return before;
}

void library_resume(int suspended)
{
    running = suspended;
    errno = EINTR;
}

int library_is_running(void)
{
    return running;
}

unsigned long library_calls(void)
{
    return calls;
}
