/* What the files of the poller share. */
#ifndef IOATOM_POLLER_POLLER_H
#define IOATOM_POLLER_POLLER_H

#include "../backends/backend.h"
#include "../core/deadline.h"
#include "../os/os_environment.h"

#endif
