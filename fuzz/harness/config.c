#include "config.h"

const config configs[CONFIG_COUNT] = {
    {"epoll+edge", IO_POLLER_EPOLL | IO_POLLER_EDGE},
    {"epoll+level", IO_POLLER_EPOLL | IO_POLLER_LEVEL},
#ifdef IO_OS_SIM
    {"kqueue+edge", IO_POLLER_KQUEUE | IO_POLLER_EDGE},
    {"kqueue+level", IO_POLLER_KQUEUE | IO_POLLER_LEVEL},
#endif
    {"uring+edge", IO_POLLER_URING | IO_POLLER_EDGE},
    {"uring+level", IO_POLLER_URING | IO_POLLER_LEVEL},
    {"poll+edge", IO_POLLER_POLL | IO_POLLER_EDGE},
    {"poll+level", IO_POLLER_POLL | IO_POLLER_LEVEL},
    {"select+edge", IO_POLLER_SELECT | IO_POLLER_EDGE},
    {"select+level", IO_POLLER_SELECT | IO_POLLER_LEVEL},
};
