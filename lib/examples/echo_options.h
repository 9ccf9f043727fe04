/* The command line of the echo server. */
#ifndef IOATOM_EXAMPLES_ECHO_OPTIONS_H
#define IOATOM_EXAMPLES_ECHO_OPTIONS_H

struct echo_options {
    const char *address;
    int types; /* for io_poller_init */
    long connections;
    int audited; /* 1: and audit is for io_audit_begin */
    int audit;
    long seconds; /* 0: until a signal */
};

/* --help ends the program with 0, a mistake ends it with 2, and then it was said what to do. */
struct echo_options echo_options_parse(int argc, char **argv);

#endif
