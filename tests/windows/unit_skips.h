/* The tests of tests/unit that make no sense on Windows, and why. Others that need something that
 * Windows has not are skipped when they ask for it (posix_refuse). */
#ifndef IOATOM_TESTS_WINDOWS_UNIT_SKIPS_H
#define IOATOM_TESTS_WINDOWS_UNIT_SKIPS_H

#define NO_UNIX "there are no unix sockets"
#define NUMBERS "descriptors of a number of one's choice; see sockets_test"

static const struct {
    const char *test;
    const char *reason;
    int types; /* in configurations of these backends; 0: in all */
} unit_skips[] = {
    {"init_set_uid", "there are no set-uid programs", 0},
    {"init_no_backend", "there is another one", 0},
    {"mem_large_table", NUMBERS, 0},
    {"masks_are_free", "slots have no numbers here", 0},
    {"kernel_refuses", "a wait for nothing is a sleep, which nobody refuses", IO_POLLER_SELECT},
    {"failures_of_add", NUMBERS, 0},
    {"part_of_a_stream", "the end is told after what is in front of it, not with it", 0},
    {"write_peer_gone", "its unix pair is TCP: the first write after the end succeeds", 0},
    {"reset_then_end", "a reset is told by each read", 0},
    {"errors", "pipes, and a refused datagram; see sockets_test", 0},
    {"found_at_first", "on epoll", 0},
    {"found_again", "on epoll", 0},
    {"found_though_left", "on epoll", 0},
    {"error_answered", "no refused datagram is told", 0},
    {"edge_hang_up", "pipes; a hang-up does not make a full socket ready", 0},
    {"share_ipv4", "SO_REUSEPORT: Winsock has none", 0},
    {"share_ipv6", "SO_REUSEPORT: Winsock has none", 0},
    {"listen_unix", NO_UNIX, 0},
    {"accept_unix", NO_UNIX, 0},
    {"connect_unix", NO_UNIX, 0},
    {"family_unix", NO_UNIX, 0},
    {"family_full_path", NO_UNIX, 0},
    {"failures", NO_UNIX, 0},
};

#endif
