/* What io_parse_address must make of a text, said a second time: from lib/SPEC.md, IO-ADDR-1 to
 * IO-ADDR-3, by matching the text against one template for each form. It shares no code with
 * lib/io/address.c. */
#ifndef IOATOM_FUZZ_MODEL_ADDRESS_MODEL_H
#define IOATOM_FUZZ_MODEL_ADDRESS_MODEL_H

#include <stddef.h>

#define ADDRESS_MODEL_PATH_MAX 107

typedef struct address_model {
    int accepted;
    const char *clause;     /* the one that decides: why it is refused, or what its parts must be */
    int datagram;           /* 1 for `udp:` and `unix-dgram:` */
    int family;             /* 4, 6, or 1 for a path */
    unsigned char host[16]; /* as in the network: 4 bytes, or 16 */
    unsigned port;
    char path[ADDRESS_MODEL_PATH_MAX + 1];
} address_model;

/* Judges the text. Aborts if the model does not agree with inet_pton on an IPv4 address, which is a
 * fault of the model. */
void address_model_parse(const char *text, address_model *model);

#endif
