/* The structures of addresses, and inet_pton. */
#ifndef IOATOM_OS_OS_ADDRESS_H
#define IOATOM_OS_OS_ADDRESS_H

#include "platform.h"

#ifdef _WIN32
#include "windows/address.h"
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

#endif
