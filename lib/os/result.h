/* How results travel: >= 0, or a negative errno value. */
#ifndef IOATOM_OS_RESULT_H
#define IOATOM_OS_RESULT_H

#include <errno.h>

/* The result of a public function: sets errno to match (IO-ERROR-1). */
static inline int io_result(int result)
{
    if (result < 0) {
        errno = -result;
    }
    return result;
}

/* The result of a system call that returns -1 and sets errno. */
static inline int io_os_result(long result)
{
    return result < 0 ? -errno : (int)result;
}

#endif
