/* The tests of tests/unit that make no sense on Windows, and why. Others that need something that
 * Windows has not are skipped when they ask for it (posix_refuse). */
#ifndef IOATOM_TESTS_WINDOWS_UNIT_SKIPS_H
#define IOATOM_TESTS_WINDOWS_UNIT_SKIPS_H

#define NO_UNIX "there are no unix sockets"

static const struct {
    const char *test;
    const char *reason;
} unit_skips[] = {
    {"init_set_uid", "there are no set-uid programs"},
    {"write_peer_gone", "its unix pair is TCP here: the first write after the end succeeds"},
    {"reset_then_end", "a reset is told by each read"},
    {"errors", "pipes, and a refused datagram: see sockets_test"},
    {"share_ipv4", "SO_REUSEPORT: Winsock has none"},
    {"share_ipv6", "SO_REUSEPORT: Winsock has none"},
    {"listen_unix", NO_UNIX},
    {"accept_unix", NO_UNIX},
    {"connect_unix", NO_UNIX},
    {"family_unix", NO_UNIX},
    {"family_full_path", NO_UNIX},
    {"failures", NO_UNIX},
};

#endif
