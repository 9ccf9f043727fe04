/* Windows: the structures of addresses. Unix sockets are not supported, but their addresses have the
 * same form everywhere. */
#ifndef IOATOM_OS_WINDOWS_ADDRESS_H
#define IOATOM_OS_WINDOWS_ADDRESS_H

#include "system.h"

typedef ADDRESS_FAMILY sa_family_t;

struct sockaddr_un {
    ADDRESS_FAMILY sun_family;
    char sun_path[108];
};

#endif
