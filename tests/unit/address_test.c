/* io_parse_address: what is taken, what is refused, and what is stored. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Refused, and the address still has the bytes it had (IO-ADDR-1). */
static void check_refused(const char *spec)
{
    io_address address;
    io_address before;
    memset(&address, 0xa5, sizeof(address));
    memset(&before, 0xa5, sizeof(before));
    int result = io_parse_address(spec, &address);
    if (result != -EINVAL) {
        fprintf(stderr, "taken, but must be refused: \"%s\"\n", spec);
    }
    CHECK_EQ(result, -EINVAL);
    CHECK_EQ(errno, EINVAL);
    CHECK_BYTES(&address, &before, sizeof(address));
}

static io_address parse(const char *spec)
{
    io_address address;
    memset(&address, 0xa5, sizeof(address));
    int result = io_parse_address(spec, &address);
    if (result != 0) {
        fprintf(stderr, "refused, but must be taken: \"%s\"\n", spec);
    }
    CHECK_EQ(result, 0);
    return address;
}

static void check_ipv4(const char *spec, int type, const char *host, int port)
{
    struct sockaddr_in in;
    struct in_addr expected;
    io_address address = parse(spec);
    memcpy(&in, address.sockaddr.bytes, sizeof(in));
    CHECK(inet_pton(AF_INET, host, &expected) == 1);
    CHECK_EQ(address.type, type);
    CHECK_EQ(address.length, sizeof(in));
    CHECK_EQ(in.sin_family, AF_INET);
    CHECK_EQ(ntohl(in.sin_addr.s_addr), ntohl(expected.s_addr));
    CHECK_EQ(ntohs(in.sin_port), port);
}

static void check_ipv6(const char *spec, int type, const char *host, int port)
{
    struct sockaddr_in6 in6;
    struct in6_addr expected;
    io_address address = parse(spec);
    memcpy(&in6, address.sockaddr.bytes, sizeof(in6));
    CHECK(inet_pton(AF_INET6, host, &expected) == 1);
    CHECK_EQ(address.type, type);
    CHECK_EQ(address.length, sizeof(in6));
    CHECK_EQ(in6.sin6_family, AF_INET6);
    CHECK_BYTES(&in6.sin6_addr, &expected, sizeof(expected));
    CHECK_EQ(ntohs(in6.sin6_port), port);
    CHECK_EQ(in6.sin6_scope_id, 0);
    CHECK_EQ(in6.sin6_flowinfo, 0);
}

static void check_unix(const char *spec, int type, const char *path)
{
    struct sockaddr_un un;
    io_address address = parse(spec);
    memset(&un, 0, sizeof(un));
    CHECK_EQ(address.length, offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    memcpy(&un, address.sockaddr.bytes, address.length);
    CHECK_EQ(address.type, type);
    CHECK_EQ(un.sun_family, AF_UNIX);
    CHECK_EQ(strcmp(un.sun_path, path), 0);
}

static void forms(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-ADDR-1");
    check_ipv4("1.2.3.4:22", IO_STREAM, "1.2.3.4", 22);
    check_ipv4("22", IO_STREAM, "0.0.0.0", 22);
    check_ipv4("udp:1.2.3.4:22", IO_DATAGRAM, "1.2.3.4", 22);
    check_ipv4("udp:22", IO_DATAGRAM, "0.0.0.0", 22);
    check_ipv6("[::1]:80", IO_STREAM, "::1", 80);
    check_ipv6("udp:[2001:db8::7]:80", IO_DATAGRAM, "2001:db8::7", 80);
    check_unix("unix:/tmp/x", IO_STREAM, "/tmp/x");
    check_unix("unix-dgram:/tmp/x", IO_DATAGRAM, "/tmp/x");
    check_unix("unix:relative", IO_STREAM, "relative");
    check_unix("unix:unix:", IO_STREAM, "unix:");
    check_unix("unix-dgram:[::1]:80", IO_DATAGRAM, "[::1]:80");
    check_unix("unix:\xff\x01 \n", IO_STREAM, "\xff\x01 \n");
}

static void no_form(const unit_config *config)
{
    static const char *const specs[] = {
        "",
        " ",
        ":",
        "::",
        ":80",
        "udp:",
        "udp",
        "tcp:80",
        "udp:udp:80",
        "UDP:80",
        "Unix:/x",
        "unix",
        "unixx:/x",
        "unix-dgram",
        "unix-stream:/x",
        "udp:unix:/x",
        "unix /x",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4 :80",
        " 80",
        "80 ",
        "1.2.3.4:80 ",
        "\t80",
        "80\n",
        "1.2.3.4:80:80",
        "::1:80",
        "[::1]",
        "[::1]:",
        "[::1]80",
        "[::1]80:",
        "[::1",
        "[]:80",
        "[:80",
        "]:80",
        "::1]:80",
        "[[::1]]:80",
        "[::1]:80]",
        "[::1]::80",
        "[1.2.3.4]:80",
        "*:80",
        "tcp",
        "1.2.3.4/80",
        "http://1.2.3.4:80",
        "[::1]:80/",
        "udp:[::1]",
        "udp::80",
        "udp:1.2.3.4",
    };
    (void)config;
    CLAUSE("IO-ADDR-1");
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        check_refused(specs[i]);
    }
}

static void null_arguments(const unit_config *config)
{
    io_address address;
    (void)config;
    CLAUSE("IO-ERROR-5");
    CHECK_ERROR(io_parse_address(NULL, &address), -EINVAL);
    CHECK_ERROR(io_parse_address("80", NULL), -EINVAL);
    CHECK_ERROR(io_parse_address(NULL, NULL), -EINVAL);
}

static void ports(const unit_config *config)
{
    static const char *const refused[] = {
        "65536",
        "65540",
        "66000",
        "70000",
        "99999",
        "100000",
        "000080",
        "4294967376",
        "18446744073709551696",
        "-1",
        "+1",
        "0x50",
        "8o",
        "8 0",
        "80.",
        ".80",
        "1e3",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:000080",
        "1.2.3.4:4294967376",
        "[::1]:65536",
        "[::1]:-1",
        "[::1]:000080",
        "udp:65536",
    };
    (void)config;
    CLAUSE("IO-ADDR-2");
    check_ipv4("0", IO_STREAM, "0.0.0.0", 0);
    check_ipv4("00000", IO_STREAM, "0.0.0.0", 0);
    check_ipv4("00080", IO_STREAM, "0.0.0.0", 80);
    check_ipv4("65535", IO_STREAM, "0.0.0.0", 65535);
    check_ipv4("1.2.3.4:65535", IO_STREAM, "1.2.3.4", 65535);
    check_ipv6("[::1]:65535", IO_STREAM, "::1", 65535);
    check_ipv6("[::1]:0", IO_STREAM, "::1", 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        check_refused(refused[i]);
    }
}

static void ipv4_numbers(const unit_config *config)
{
    static const char *const refused[] = {
        "1.2.3:80",      "1.2.3.4.5:80", "1:80",          "1.2:80",      "16909060:80",
        ".2.3.4:80",     "1..3.4:80",    "1.2.3.:80",     "1.2.3.4.:80", "256.2.3.4:80",
        "1.2.3.256:80",  "1.2.3.999:80", "1.2.3.1000:80", "01.2.3.4:80", "1.2.3.04:80",
        "00.0.0.0:80",   "0.0.0.00:80",  "1.2.3.001:80",  "-1.2.3.4:80", "1.+2.3.4:80",
        "1. 2.3.4:80",   "0x1.2.3.4:80", "1.2.3.4a:80",   "a.b.c.d:80",  "4294967297.2.3.4:80",
        "1.2.3.4%lo:80",
    };
    (void)config;
    CLAUSE("IO-ADDR-2");
    check_ipv4("0.0.0.0:80", IO_STREAM, "0.0.0.0", 80);
    check_ipv4("255.255.255.255:80", IO_STREAM, "255.255.255.255", 80);
    check_ipv4("10.100.200.0:80", IO_STREAM, "10.100.200.0", 80);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        check_refused(refused[i]);
    }
}

static void ipv6_hosts(const unit_config *config)
{
    static const char *const refused[] = {
        "[:::]:80",
        "[1::2::3]:80",
        "[12345::]:80",
        "[g::]:80",
        "[1:2:3:4:5:6:7]:80",
        "[1:2:3:4:5:6:7:8:9]:80",
        "[::1.2.3]:80",
        "[::1.2.3.256]:80",
        "[::1.2.3.4.5]:80",
        "[fe80::1%lo]:80",
        "[fe80::1%1]:80",
        "[::1 ]:80",
        "[ ::1]:80",
        "[::1/128]:80",
        "[1:2:3:4:5:6:7:8:]:80",
        "[:1:2:3:4:5:6:7:8]:80",
        "[0000:0000:0000:0000:0000:0000:255.255.255.2550]:80",
        "[0000000000000000000000000000000000000000000000000000000000001]:80",
    };
    (void)config;
    CLAUSE("IO-ADDR-2");
    check_ipv6("[::]:80", IO_STREAM, "::", 80);
    check_ipv6("[1:2:3:4:5:6:7:8]:80", IO_STREAM, "1:2:3:4:5:6:7:8", 80);
    check_ipv6("[FFFF:aBcD::]:80", IO_STREAM, "ffff:abcd::", 80);
    check_ipv6("[::ffff:1.2.3.4]:80", IO_STREAM, "::ffff:1.2.3.4", 80);
    check_ipv6("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:80", IO_STREAM,
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 80);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        check_refused(refused[i]);
    }
}

/* A spec of that many path bytes, on the heap, so that a sanitizer sees a byte read beyond it. */
static char *path_spec(const char *prefix, size_t length)
{
    size_t start = strlen(prefix);
    char *spec = malloc(start + length + 1);
    CHECK(spec != NULL);
    memcpy(spec, prefix, start);
    memset(spec + start, 'p', length);
    spec[start + length] = '\0';
    return spec;
}

static void paths(const unit_config *config)
{
    static const char *const prefixes[] = {"unix:", "unix-dgram:"};
    static const size_t refused[] = {0, 108, 109, 200, 100000};
    static const size_t taken[] = {1, 2, 106, 107};
    (void)config;
    CLAUSE("IO-ADDR-3");
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
            char *spec = path_spec(prefixes[kind], taken[i]);
            check_unix(spec, kind == 0 ? IO_STREAM : IO_DATAGRAM, spec + strlen(prefixes[kind]));
            free(spec);
        }
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            char *spec = path_spec(prefixes[kind], refused[i]);
            check_refused(spec);
            free(spec);
        }
    }
}

/* Without a descriptor left neither a resolver nor a file of names could be asked. */
static void no_names(const unit_config *config)
{
    static const char *const refused[] = {"localhost:80", "localhost",       "[localhost]:80",
                                          "http",         "1.2.3.4:http",    "udp:localhost:53",
                                          "lo:80",        "ip6-localhost:80"};
    struct rlimit limit;
    struct rlimit none;
    (void)config;
    CLAUSE("IO-ADDR-4");
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        check_refused(refused[i]);
    }
    check_ipv4("127.0.0.1:80", IO_STREAM, "127.0.0.1", 80);
    check_ipv6("[::1]:80", IO_STREAM, "::1", 80);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Equal addresses are equal bytes, so that a caller can compare them. */
static void same_bytes(const unit_config *config)
{
    (void)config;
    CLAUSE("IO-ADDR-1");
    io_address one = parse("[::1]:80");
    io_address two = parse("[0:0::0:1]:00080");
    CHECK_BYTES(&one, &two, sizeof(one));
    one = parse("80");
    two = parse("0.0.0.0:80");
    CHECK_BYTES(&one, &two, sizeof(one));
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"address_forms", "IO-ADDR-1", forms, UNIT_ONCE},
        {"address_no_form", "IO-ADDR-1", no_form, UNIT_ONCE},
        {"address_same_bytes", "IO-ADDR-1", same_bytes, UNIT_ONCE},
        {"address_null", "IO-ERROR-5", null_arguments, UNIT_ONCE},
        {"address_ports", "IO-ADDR-2", ports, UNIT_ONCE},
        {"address_ipv4_numbers", "IO-ADDR-2", ipv4_numbers, UNIT_ONCE},
        {"address_ipv6_hosts", "IO-ADDR-2", ipv6_hosts, UNIT_ONCE},
        {"address_paths", "IO-ADDR-3", paths, UNIT_ONCE},
        {"address_no_names", "IO-ADDR-4", no_names, UNIT_ONCE},
        {NULL, NULL, NULL, 0},
    };
    return unit_main(argc, argv, tests);
}
