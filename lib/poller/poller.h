/* What the files of the poller share. */
#ifndef IOATOM_POLLER_POLLER_H
#define IOATOM_POLLER_POLLER_H

/* A proof has contracts instead of backends and system calls. */
#ifdef __FRAMAC__
#include "../../proofs/wp/glue.h"
#endif

#include "../backends/backend.h"
#include "../core/deadline.h"
#include "../os/os_environment.h"

/* Whether the poller may be used: it is there, and was not disposed of (IO-ERROR-5). */
/*@ requires poller: poller == \null || \valid_read(poller);
    TOTAL
    assigns \nothing;
    ensures IO_ERROR_5_open: \result == (OPEN(poller) ? 1 : 0); */
static inline int io_poller_is_open(const io_poller *poller)
{
    return poller && poller->backend;
}

#endif
