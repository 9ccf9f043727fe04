#include "echo_options.h"

#include <ioatom/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_USAGE = 2, CONNECTIONS_MAX = 65536, SECONDS_MAX = 1000000 };

static const char HELP[] =
    "usage: echo [options]\n"
    "  --port N             TCP port of 127.0.0.1 (7000); 0: any free one\n"
    "  --address SPEC       instead: 1.2.3.4:7000, 7000 (any address), [::1]:7000, unix:/path\n"
    "  --poller NAME        epoll, kqueue, uring, poll, select, afd or any (any)\n"
    "  --mode MODE          edge or level (what is native to the poller)\n"
    "  --max-connections N  connections at a time (1024)\n"
    "  --audit SCOPE        name handlers that leave something undone: here (in this poller and\n"
    "                       mode) or portable (in any)\n"
    "  --seconds N          stop after N seconds; 0: at SIGINT or SIGTERM only (0)\n"
    "  --help               this text\n";

static void usage_error(const char *problem, const char *value, const char *expected)
{
    fprintf(stderr, "echo: %s '%s'; expected %s (see --help)\n", problem, value, expected);
    exit(STATUS_USAGE);
}

static long parse_number(const char *name, const char *text, long minimum, long maximum)
{
    char *end;
    long number = strtol(text, &end, 10);
    char expected[64];

    if (*text < '0' || *text > '9' || *end != '\0' || number < minimum || number > maximum) {
        snprintf(expected, sizeof expected, "%ld to %ld for %s", minimum, maximum, name);
        usage_error("bad number", text, expected);
    }
    return number;
}

/* The bits that a name stands for, if they are among those allowed; 0: none. */
static int parse_type(const char *text, int allowed)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {
        {"epoll", IO_POLLER_EPOLL}, {"kqueue", IO_POLLER_KQUEUE}, {"uring", IO_POLLER_URING},
        {"poll", IO_POLLER_POLL},   {"select", IO_POLLER_SELECT}, {"afd", IO_POLLER_AFD},
        {"any", IO_POLLER_ANY},     {"edge", IO_POLLER_EDGE},     {"level", IO_POLLER_LEVEL}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(text, types[i].name) == 0) {
            return types[i].type & allowed;
        }
    }
    return 0;
}

static void parse_option(struct echo_options *options, const char *name, const char *value)
{
    static char port_address[32];

    if (strcmp(name, "--port") == 0) {
        snprintf(port_address, sizeof port_address, "127.0.0.1:%ld",
                 parse_number(name, value, 0, 65535));
        options->address = port_address;
    } else if (strcmp(name, "--address") == 0) {
        options->address = value;
    } else if (strcmp(name, "--poller") == 0) {
        int type = parse_type(value, IO_POLLER_ANY);

        if (type == 0) {
            usage_error("unknown poller", value, "epoll, kqueue, uring, poll, select, afd or any");
        }
        options->types = (options->types & ~IO_POLLER_ANY) | type;
    } else if (strcmp(name, "--mode") == 0) {
        int type = parse_type(value, IO_POLLER_EDGE | IO_POLLER_LEVEL);

        if (type == 0) {
            usage_error("unknown mode", value, "edge or level");
        }
        options->types = (options->types & IO_POLLER_ANY) | type;
    } else if (strcmp(name, "--max-connections") == 0) {
        options->connections = parse_number(name, value, 1, CONNECTIONS_MAX);
    } else if (strcmp(name, "--audit") == 0) {
        if (strcmp(value, "here") != 0 && strcmp(value, "portable") != 0) {
            usage_error("unknown scope", value, "here or portable");
        }
        options->audited = 1;
        options->audit = *value == 'h' ? IO_AUDIT_HERE : IO_AUDIT_PORTABLE;
    } else if (strcmp(name, "--seconds") == 0) {
        options->seconds = parse_number(name, value, 0, SECONDS_MAX);
    } else {
        usage_error("unknown option", name, "one of those of --help");
    }
}

struct echo_options echo_options_parse(int argc, char **argv)
{
    struct echo_options options = {
        .address = "127.0.0.1:7000", .types = IO_POLLER_ANY, .connections = 1024};
    io_address address;

    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(HELP, stdout);
            exit(EXIT_SUCCESS);
        }
        parse_option(&options, argv[i], i + 1 < argc ? argv[i + 1] : "");
    }
    if (io_parse_address(options.address, &address) < 0 || address.type != IO_STREAM) {
        usage_error("malformed address", options.address,
                    "1.2.3.4:7000, 7000, [::1]:7000 or unix:/path");
    }
    return options;
}
