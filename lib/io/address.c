/* Parsing addresses, numeric ones only (IO-ADDR-4). The text is measured first; after that every
 * access is by an index below that length, and each helper gets the range [from, to) it may look
 * at. */
#include "../os/platform.h"

#include <stddef.h>
#include <string.h>

#include <ioatom/ioatom.h>

#include "../os/os_address.h"
#include "../os/result.h"

#define IO_UNIX "unix:"
#define IO_UNIX_DGRAM "unix-dgram:"
#define IO_UDP "udp:"
#define IO_WORD_LENGTH(word) (sizeof(word) - 1)

#define IO_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1) /* IO-ADDR-3 */
#define IO_TEXT_MAX (IO_WORD_LENGTH(IO_UNIX_DGRAM) + IO_PATH_MAX)     /* no address is longer */
#define IO_IPV6_MAX 45 /* ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255 */
#define IO_PORT_DIGITS 5
#define IO_PORT_MAX 65535
#define IO_OCTETS 4
#define IO_OCTET_DIGITS 3
#define IO_OCTET_MAX 255

_Static_assert(sizeof(struct sockaddr_in6) <= sizeof(((io_address *)0)->sockaddr), "room for IPv6");
_Static_assert(sizeof(struct sockaddr_un) <= sizeof(((io_address *)0)->sockaddr),
               "room for a path");

/* How long the text is, or IO_TEXT_MAX + 1 if it is longer than any address. */
/*@ requires text: valid_read_string(text);
    assigns \nothing;
    ensures bound: \result <= IO_TEXT_MAX + 1;
    ensures inside: \result <= IO_TEXT_MAX ==> text[\result] == 0;
    ensures before: \forall integer i; 0 <= i < \result ==> text[i] != 0;
*/
static size_t io_text_length(const char *text)
{
    size_t length = 0;
    /*@ loop invariant bound: 0 <= length <= IO_TEXT_MAX + 1;
        loop invariant before: \forall integer i; 0 <= i < length ==> text[i] != 0;
        loop invariant inside: length <= strlen(text);
        loop assigns length;
        loop variant IO_TEXT_MAX + 1 - length;
    */
    while (length <= IO_TEXT_MAX && text[length] != '\0') {
        length++;
    }
    return length;
}

/* Where c stands first in the range, or its end. */
/*@ requires range: from <= to && \valid_read(text + (0 .. to - 1));
    assigns \nothing;
    ensures bound: from <= \result <= to;
    ensures found: \result < to ==> text[\result] == c;
    ensures first: \forall integer i; from <= i < \result ==> text[i] != c;
*/
static size_t io_find(const char *text, size_t from, size_t to, char c)
{
    size_t at = from;
    /*@ loop invariant bound: from <= at <= to;
        loop invariant first: \forall integer i; from <= i < at ==> text[i] != c;
        loop assigns at;
        loop variant to - at;
    */
    while (at < to && text[at] != c) {
        at++;
    }
    return at;
}

/* The number in the range: 1 to digits_max (at most 5) decimal digits and nothing else; or -1. */
/*@ requires range: from <= to && \valid_read(text + (0 .. to - 1));
    requires digits: 1 <= digits_max <= 5;
    assigns \nothing;
    ensures bound: -1 <= \result <= 99999;
    ensures length: \result >= 0 ==> 1 <= to - from <= digits_max;
    ensures digits: \result >= 0 ==> \forall integer i; from <= i < to ==> '0' <= text[i] <= '9';
*/
static int io_decimal(const char *text, size_t from, size_t to, size_t digits_max)
{
    if (to - from < 1 || to - from > digits_max) {
        return -1;
    }
    int value = 0;
    /*@ loop invariant bound: from <= i <= to;
        loop invariant digits: \forall integer k; from <= k < i ==> '0' <= text[k] <= '9';
        loop invariant low: 0 <= value;
        loop invariant none: i - from == 0 ==> value == 0;
        loop invariant one: i - from == 1 ==> value <= 9;
        loop invariant two: i - from == 2 ==> value <= 99;
        loop invariant three: i - from == 3 ==> value <= 999;
        loop invariant four: i - from == 4 ==> value <= 9999;
        loop invariant five: i - from == 5 ==> value <= 99999;
        loop assigns i, value;
        loop variant to - i;
    */
    for (size_t i = from; i < to; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* The port in the range, 0 to 65535, or -1 (IO-ADDR-2). */
/*@ requires range: from <= to && \valid_read(text + (0 .. to - 1));
    assigns \nothing;
    ensures IO_ADDR_2_port: -1 <= \result <= 65535;
    ensures IO_ADDR_2_digits: \result >= 0 ==> 1 <= to - from <= 5;
*/
static int io_port(const char *text, size_t from, size_t to)
{
    int port = io_decimal(text, from, to, IO_PORT_DIGITS);
    return port <= IO_PORT_MAX ? port : -1;
}

/* One number of an IPv4 address in the range, 0 to 255, or -1. A leading 0 is refused because some
 * readers of such addresses take it for octal (IO-ADDR-2). */
/*@ requires range: from <= to && \valid_read(text + (0 .. to - 1));
    assigns \nothing;
    ensures IO_ADDR_2_octet: -1 <= \result <= 255;
    ensures IO_ADDR_2_leading: \result >= 0 ==> to - from == 1 || text[from] != '0';
*/
static int io_octet(const char *text, size_t from, size_t to)
{
    int octet = io_decimal(text, from, to, IO_OCTET_DIGITS);
    if (octet > IO_OCTET_MAX) {
        return -1;
    }
    return octet >= 0 && to - from > 1 && text[from] == '0' ? -1 : octet;
}

/* The four numbers of an IPv4 address in the range. 1 if that is what it is. */
/*@ requires range: from <= to && \valid_read(text + (0 .. to - 1));
    requires room: \valid(octets + (0 .. 3));
    requires apart: \separated(octets + (0 .. 3), text + (0 .. to - 1));
    assigns octets[0 .. 3];
    ensures bool: \result == 0 || \result == 1;
*/
static int io_octets(const char *text, size_t from, size_t to, unsigned char *octets)
{
    size_t start = from;
    /*@ loop invariant count: 0 <= i <= IO_OCTETS;
        loop invariant bound: from <= start <= to;
        loop assigns i, start, octets[0 .. 3];
        loop variant IO_OCTETS - i;
    */
    for (int i = 0; i < IO_OCTETS; i++) {
        size_t end = i + 1 < IO_OCTETS ? io_find(text, start, to, '.') : to;
        int octet = io_octet(text, start, end);
        if (octet < 0) {
            return 0;
        }
        octets[i] = (unsigned char)octet;
        start = end < to ? end + 1 : to; /* without a point the next number is empty, and refused */
    }
    return 1;
}

/* 1 if the range starts with the word. */
/*@ requires text: \valid_read(text + (0 .. to - 1));
    requires word: \valid_read(word + (0 .. length - 1));
    assigns \nothing;
    ensures bool: \result == 0 || \result == 1;
    ensures inside: \result == 1 ==> length <= to;
*/
static int io_starts_with(const char *text, size_t to, const char *word, size_t length)
{
    if (to < length) {
        return 0;
    }
    /*@ loop invariant bound: 0 <= i <= length;
        loop assigns i;
        loop variant length - i;
    */
    for (size_t i = 0; i < length; i++) {
        if (text[i] != word[i]) {
            return 0;
        }
    }
    return 1;
}

/* The sockaddr becomes the first length bytes, and the rest stays 0, so that equal addresses have
 * equal bytes. */
static void io_store(io_address *address, const void *sockaddr, size_t length)
{
    memcpy(address->sockaddr.bytes, sockaddr, length);
    address->length = (uint32_t)length;
}

/* `A.B.C.D:PORT`, or `PORT` of any address. 1 if the range is that. */
static int io_parse_ipv4(const char *text, size_t from, size_t to, io_address *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    unsigned char octets[IO_OCTETS] = {0}; /* INADDR_ANY */
    size_t colon = io_find(text, from, to, ':');
    size_t start = from;
    if (colon < to) {
        if (!io_octets(text, from, colon, octets)) {
            return 0;
        }
        start = colon + 1;
    }
    int port = io_port(text, start, to);
    if (port < 0) {
        return 0;
    }
    memcpy(&in.sin_addr, octets, sizeof(octets)); /* in the network's order, as in the text */
    in.sin_port = htons((uint16_t)port);
    io_store(address, &in, sizeof(in));
    return 1;
}

/* 1 if the character can stand in an IPv6 address. Some inet_pton take a zone, too (IO-ADDR-2). */
/*@ assigns \nothing;
    ensures bool: \result == 0 || \result == 1;
*/
static int io_is_ipv6_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
}

/* `[IPV6]:PORT`; the range starts with the bracket. 1 if the range is that. */
static int io_parse_ipv6(const char *text, size_t from, size_t to, io_address *address)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char copy[IO_IPV6_MAX + 1] = {0};
    size_t start = from + 1;
    size_t bracket = io_find(text, start, to, ']');
    size_t length = bracket - start;
    if (length > IO_IPV6_MAX || to - bracket < 2 || text[bracket + 1] != ':') {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (!io_is_ipv6_character(text[start + i])) {
            return 0;
        }
        copy[i] = text[start + i];
    }
    int port = io_port(text, bracket + 2, to);
    if (port < 0 || inet_pton(AF_INET6, copy, &in6.sin6_addr) != 1) {
        return 0;
    }
    in6.sin6_port = htons((uint16_t)port);
    io_store(address, &in6, sizeof(in6));
    return 1;
}

/* `PATH`. 1 if the range is that. The zero that ends the path is part of the stored address. */
static int io_parse_path(const char *text, size_t from, size_t to, io_address *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t length = to - from;
    if (length < 1 || length > IO_PATH_MAX) {
        return 0;
    }
    memcpy(un.sun_path, text + from, length);
    io_store(address, &un, offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 1;
}

/* The first characters tell the kind; no form is the beginning of another (IO-ADDR-1). */
static int io_parse(const char *text, size_t to, io_address *address)
{
    if (io_starts_with(text, to, IO_UNIX, IO_WORD_LENGTH(IO_UNIX))) {
        return io_parse_path(text, IO_WORD_LENGTH(IO_UNIX), to, address);
    }
    if (io_starts_with(text, to, IO_UNIX_DGRAM, IO_WORD_LENGTH(IO_UNIX_DGRAM))) {
        address->type = IO_DATAGRAM;
        return io_parse_path(text, IO_WORD_LENGTH(IO_UNIX_DGRAM), to, address);
    }
    size_t from = 0;
    if (io_starts_with(text, to, IO_UDP, IO_WORD_LENGTH(IO_UDP))) {
        address->type = IO_DATAGRAM;
        from = IO_WORD_LENGTH(IO_UDP);
    }
    if (from < to && text[from] == '[') {
        return io_parse_ipv6(text, from, to, address);
    }
    return io_parse_ipv4(text, from, to, address);
}

int io_parse_address(const char *spec, io_address *address)
{
    if (spec == NULL || address == NULL) {
        return io_result(-EINVAL);
    }
    io_address parsed;
    memset(&parsed, 0, sizeof(parsed)); /* an initializer need not clear all bytes of a union */
    parsed.type = IO_STREAM;
    size_t length = io_text_length(spec);
    if (length > IO_TEXT_MAX || !io_parse(spec, length, &parsed)) {
        return io_result(-EINVAL);
    }
    *address = parsed;
    return 0;
}
