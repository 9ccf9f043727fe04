/* Fuzz target for io_parse_address: an input is a text. Its result and every field of the address
 * are held against an independent model; an address that was refused must have kept its bytes; and
 * an address that was taken is written out and parsed again, which must give it back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ioatom/ioatom.h>

#include "harness/plain.h"
#include "model/address_model.h"

#define FILLER 0x5a

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *input;

static void print_escaped(const char *text)
{
    fputc('"', stderr);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(stderr, "\\%c", c);
        } else if (c >= ' ' && c <= '~') {
            fputc(c, stderr);
        } else {
            fprintf(stderr, "\\x%02x", c);
        }
    }
    fputc('"', stderr);
}

static void print_input(void)
{
    print_escaped(input);
    fputc('\n', stderr);
}

#define violation(...) plain_violation(print_input, __VA_ARGS__)

/* Parse into memory of exactly its size, filled beforehand. */
static int parse(const char *text, io_address *address)
{
    io_address *exact = malloc(sizeof(*exact));
    if (exact == NULL) {
        abort();
    }
    memset(exact, FILLER, sizeof(*exact));
    errno = 0;
    int result = io_parse_address(text, exact);
    memcpy(address, exact, sizeof(*exact));
    free(exact);
    return result;
}

static void check_refused(const io_address *address, const address_model *model, int result)
{
    const unsigned char *bytes = (const unsigned char *)address;
    if (result != -EINVAL) {
        violation(model->clause, "result %d, but it must be refused with -EINVAL (%d)", result,
                  -EINVAL);
    }
    if (errno != EINVAL) {
        violation("IO-ERROR-1", "errno is %d after -EINVAL", errno);
    }
    for (size_t i = 0; i < sizeof(*address); i++) {
        if (bytes[i] != FILLER) {
            violation("IO-ADDR-1", "refused, and byte %zu of the address was changed", i);
        }
    }
}

static void check_ipv4(const io_address *address, const address_model *model)
{
    struct sockaddr_in in;
    if (address->length != sizeof(in)) {
        violation("IO-ADDR-1", "length %u is not that of sockaddr_in", (unsigned)address->length);
    }
    memcpy(&in, address->sockaddr.bytes, sizeof(in));
    if (in.sin_family != AF_INET) {
        violation("IO-ADDR-1", "family %d is not AF_INET", in.sin_family);
    }
    if (memcmp(&in.sin_addr, model->host, 4) != 0) {
        violation("IO-ADDR-2", "address %08x, not %u.%u.%u.%u", (unsigned)ntohl(in.sin_addr.s_addr),
                  model->host[0], model->host[1], model->host[2], model->host[3]);
    }
    if (ntohs(in.sin_port) != model->port) {
        violation("IO-ADDR-2", "port %u, not %u", ntohs(in.sin_port), model->port);
    }
}

static void check_ipv6(const io_address *address, const address_model *model)
{
    struct sockaddr_in6 in6;
    if (address->length != sizeof(in6)) {
        violation("IO-ADDR-1", "length %u is not that of sockaddr_in6", (unsigned)address->length);
    }
    memcpy(&in6, address->sockaddr.bytes, sizeof(in6));
    if (in6.sin6_family != AF_INET6) {
        violation("IO-ADDR-1", "family %d is not AF_INET6", in6.sin6_family);
    }
    if (memcmp(&in6.sin6_addr, model->host, 16) != 0) {
        violation("IO-ADDR-2", "the 16 bytes of the IPv6 address are not those of inet_pton");
    }
    if (ntohs(in6.sin6_port) != model->port) {
        violation("IO-ADDR-2", "port %u, not %u", ntohs(in6.sin6_port), model->port);
    }
    if (in6.sin6_scope_id != 0 || in6.sin6_flowinfo != 0) {
        violation("IO-ADDR-2", "a zone or a flow that nobody asked for");
    }
}

static void check_path(const io_address *address, const address_model *model)
{
    struct sockaddr_un un;
    size_t room = offsetof(struct sockaddr_un, sun_path) + strlen(model->path) + 1;
    if (address->length < room || address->length > sizeof(un)) {
        violation("IO-ADDR-3", "length %u, but the path needs %zu", (unsigned)address->length,
                  room);
    }
    memset(&un, FILLER, sizeof(un));
    memcpy(&un, address->sockaddr.bytes, address->length);
    if (un.sun_family != AF_UNIX) {
        violation("IO-ADDR-1", "family %d is not AF_UNIX", un.sun_family);
    }
    if (memcmp(un.sun_path, model->path, strlen(model->path) + 1) != 0) {
        violation("IO-ADDR-3", "the path in sun_path is another");
    }
}

static void check_accepted(const io_address *address, const address_model *model, int result)
{
    if (result != 0) {
        violation(model->clause, "result %d, but it must be taken", result);
    }
    if (address->type != (model->datagram ? IO_DATAGRAM : IO_STREAM)) {
        violation("IO-ADDR-1", "type %d, but it is a %s address", address->type,
                  model->datagram ? "datagram" : "stream");
    }
    if (model->family == 4) {
        check_ipv4(address, model);
    } else if (model->family == 6) {
        check_ipv6(address, model);
    } else {
        check_path(address, model);
    }
}

/* The address as a text again; from the model, which the address is equal to. */
static void format(const address_model *model, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    if (model->family == 1) {
        snprintf(text, size, "unix%s:%s", model->datagram ? "-dgram" : "", model->path);
        return;
    }
    if (inet_ntop(model->family == 4 ? AF_INET : AF_INET6, model->host, host, sizeof(host)) ==
        NULL) {
        abort();
    }
    snprintf(text, size, "%s%s%s%s:%u", model->datagram ? "udp:" : "",
             model->family == 6 ? "[" : "", host, model->family == 6 ? "]" : "", model->port);
}

static void check_round_trip(const io_address *address, const address_model *model)
{
    char text[ADDRESS_MODEL_PATH_MAX + 64];
    io_address again;
    format(model, text, sizeof(text));
    int result = parse(text, &again);
    if (result != 0) {
        violation("IO-ADDR-1", "taken, but written out as %s the result is %d", text, result);
    }
    if (again.type != address->type || again.length != address->length ||
        memcmp(again.sockaddr.bytes, address->sockaddr.bytes, address->length) != 0) {
        violation("IO-ADDR-1", "written out as %s it is another address", text);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    plain_list();
    return 0;
}

/* The text ends at the first zero or with the input, in memory of its own: one byte read too many
 * is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    io_address address;
    address_model model;
    size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
    char *text = malloc(length + 1);
    if (text == NULL) {
        abort();
    }
    if (length > 0) {
        memcpy(text, data, length);
    }
    text[length] = '\0';
    input = text;
    int result = parse(text, &address);
    int code = errno;
    address_model_parse(text, &model);
    errno = code;
    if (model.accepted) {
        check_accepted(&address, &model, result);
        check_round_trip(&address, &model);
    } else {
        check_refused(&address, &model, result);
    }
    free(text);
    return 0;
}
