/* Put before every file of the harness (-include), this has programs run with io_audit_dispatch in
 * the place of io_dispatch: the model, which knows nothing of it, must see no difference
 * (IO-AUDIT-1). */
#ifndef IOATOM_FUZZ_HARNESS_AUDITED_H
#define IOATOM_FUZZ_HARNESS_AUDITED_H

#define _GNU_SOURCE

#include <ioatom/audit.h>

#include <stdlib.h>

/* A finding is of an atom that is registered: its memory is there. What it is about was told. */
static inline void audited_finding(void *context, const io_audit_finding *finding)
{
    int flags = finding->left;
    (void)context;
    if (finding->atom->fd != finding->fd || finding->atom->proc != finding->proc ||
        (flags == 0) != (finding->kind == IO_AUDIT_CLOSED) || (flags & ~finding->told) ||
        (flags & ~finding->interest)) {
        abort();
    }
}

static inline int audited_dispatch(io_poller *poller)
{
    io_audit audit;
    int r = io_audit_begin(&audit, poller, IO_AUDIT_PORTABLE, audited_finding, NULL);
    return r < 0 ? r : io_audit_dispatch(&audit);
}

#undef io_dispatch /* with IO_OS_SIM it is a macro */
#define io_dispatch audited_dispatch

#endif
