/* Edges, identity, errors and waiting: points 22 to 47 of the kernel's semantics. */
#include "points.h"

#include <limits.h>
#include <netinet/in.h>
#include <time.h>

enum { EDGES = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

/* New data while old data is unread; a read of a part; the end. */
static void new_data(const char *kind, int in, int out, int ends)
{
    char text[64];
    int set = make_set();
    size_t size = ends < 0 ? 8 : 2;
    watch(set, in, EPOLLIN | EPOLLET, 1);
#define NAME(what) (snprintf(text, sizeof(text), "%s, %s", kind, what), text)
    events(NAME("nothing"), set);
    if (ends < 0) {
        uint64_t one = 1;
        must("write", kernel->write(out, &one, 8) == 8);
        events(NAME("first"), set);
        must("write", kernel->write(out, &one, 8) == 8);
    } else {
        put(out, size);
        events(NAME("first"), set);
        put(out, size);
    }
    events(NAME("second, first unread"), set);
    events(NAME("nothing new"), set);
    get(in, ends < 0 ? 8 : 1);
    events(NAME("read in part"), set);
    if (ends >= 0) {
        put(out, size);
        events(NAME("third"), set);
        get(in, 1);
        kernel->close(out);
        events(NAME("end"), set);
    }
#undef NAME
    kernel->close(set);
}

void point_22_new_data_is_an_edge(void)
{
    struct sockaddr_storage address;
    int fds[2];
    make_pipe(fds);
    new_data("pipe", fds[0], fds[1], 1);
    make_tcp(fds);
    new_data("tcp", fds[0], fds[1], 1);
    make_unix(fds, SOCK_STREAM);
    new_data("unix", fds[0], fds[1], 1);
    make_unix(fds, SOCK_DGRAM);
    new_data("datagram", fds[0], fds[1], 1);
    fds[0] = kernel->eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    new_data("eventfd", fds[0], fds[0], -1);
    fds[0] = make_udp(&address);
    fds[1] = kernel->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must("connect",
         kernel->connect(fds[1], (struct sockaddr *)&address, sizeof(struct sockaddr_in)) == 0);
    new_data("udp", fds[0], fds[1], 1);
}

void point_23_both_directions(void)
{
    int fds[2];
    int set = make_set();
    make_tcp(fds);
    watch(set, fds[0], EDGES | EPOLLET, 1);
    events("added", set);
    put(fds[1], 1);
    events("data", set);
    make_unix(fds, SOCK_STREAM);
    watch(set, fds[0], EDGES | EPOLLET, 2);
    events("unix added", set);
    put(fds[1], 1);
    events("unix data", set);
    fill(fds[0]);
    put(fds[1], 1);
    events("unix data, full", set);
    put(fds[0 + 1], 1);
    events("unix data again", set);
}

void point_24_room_in_a_pipe(void)
{
    int fds[2];
    char byte;
    int set = make_set();
    make_pipe(fds);
    did("its size", kernel->fcntl(fds[1], F_GETPIPE_SZ));
    watch(set, fds[1], EPOLLOUT | EPOLLET, 1);
    events("added", set);
    put(fds[1], 65536);
    did("full", kernel->write(fds[1], &byte, 1));
    see("full, seen", fds[1]);
    events("full, edge", set);
    get(fds[0], 1);
    see("read 1", fds[1]);
    did("write 1", kernel->write(fds[1], &byte, 1));
    events("read 1, edge", set);
    get(fds[0], 4095);
    see("read a page", fds[1]);
    events("read a page, edge", set);
    get(fds[0], 4096);
    events("read another, edge", set);
    put(fds[1], 4096);
    events("written, edge", set);
    put(fds[1], 4096);
    get(fds[0], 8192);
    events("filled and read, edge", set);
}

void point_24_atomic_writes(void)
{
    static char bytes[70000];
    int fds[2];
    make_pipe(fds);
    did("resize", kernel->fcntl(fds[1], F_SETPIPE_SZ, 4096));
    put(fds[1], 4000);
    see("nearly full", fds[1]);
    did("does not fit", kernel->write(fds[1], bytes, 97));
    did("fits into the page", kernel->write(fds[1], bytes, 96));
    did("full", kernel->write(fds[1], bytes, 1));
    get(fds[0], 4096);
    did("more than it holds", kernel->write(fds[1], bytes, 5000));
    did("shrink", kernel->fcntl(fds[1], F_SETPIPE_SZ, 1));
    get(fds[0], 4096);
    did("grow", kernel->fcntl(fds[1], F_SETPIPE_SZ, 5000));
    put(fds[1], 100);
    did("merged and split", kernel->write(fds[1], bytes, 8000));
    see("after that", fds[1]);
    did("nothing", kernel->write(fds[1], bytes, 0));
    did("too small for it", kernel->fcntl(fds[1], F_SETPIPE_SZ, 4096));
}

void point_24_reading_is_an_edge(void)
{
    uint64_t value = 1;
    int set = make_set();
    int fd = kernel->eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    watch(set, fd, EPOLLOUT | EPOLLET, 1);
    events("eventfd added", set);
    must("read", kernel->read(fd, &value, 8) == 8);
    events("eventfd read", set);
    events("nothing new", set);
    must("write", kernel->write(fd, &value, 8) == 8);
    events("eventfd written", set);
    change(set, fd, EPOLLIN | EPOLLET, 1);
    events("IN", set);
    must("read", kernel->read(fd, &value, 8) == 8);
    events("IN, read", set);
}

void point_24_room_in_a_unix_socket(void)
{
    int fds[2];
    int count = 0;
    int room = 0;
    int set = make_set();
    make_unix(fds, SOCK_STREAM);
    watch(set, fds[0], EPOLLOUT | EPOLLET, 1);
    events("added", set);
    while (kernel->send(fds[0], "a", 1, 0) == 1) {
        count++;
    }
    said("messages of a byte", "%d", count);
    see("full", fds[0]);
    events("full, edge", set);
    struct pollfd entry = {.fd = fds[0], .events = POLLOUT};
    while (kernel->poll(&entry, 1, 0) == 0) {
        get(fds[1], 1);
        room++;
    }
    said("to be read for room", "%d", room);
    events("room, edge", set);
    events("nothing new", set);
    get(fds[1], 1);
    events("read one more, edge", set);
    get(fds[1], 10);
    events("read ten more, edge", set);
    put(fds[0], 3000);
    events("written, edge", set);
    (void)kernel->close(fds[1]);
    events("closed, edge", set);
}

void point_24_buffers_of_a_unix_socket(void)
{
    static char bytes[100000];
    static const int sizes[] = {100, 1000, 3000, 3776, 3777, 4096, 5000, 20000, 40000, 90000};
    int fds[2];
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char text[64];
            long total = 0;
            int count = 0;
            ssize_t size;
            make_unix(fds, type);
            while ((size = kernel->send(fds[0], bytes, (size_t)sizes[i], 0)) > 0) {
                total += size;
                count++;
            }
            snprintf(text, sizeof(text), "type %d, messages of %d", type, sizes[i]);
            said(text, "%d, %ld bytes", count, total);
            kernel->close(fds[0]);
            kernel->close(fds[1]);
        }
        int small = 4096;
        make_unix(fds, type);
        must("setsockopt",
             kernel->setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
        did(type == SOCK_STREAM ? "small, stream" : "small, datagram",
            kernel->send(fds[0], bytes, type == SOCK_STREAM ? 20000 : 4096, 0));
        did(type == SOCK_STREAM ? "small again, stream" : "small again, datagram",
            kernel->send(fds[0], bytes, 4096, 0));
    }
}

void point_24_room_in_a_tcp_socket(void)
{
    int fds[2];
    int set = make_set();
    make_tcp(fds);
    watch(set, fds[0], EPOLLOUT | EPOLLET, 1);
    events("added", set);
    fill(fds[0]);
    fill(fds[0]); /* the real one grows its buffers on the way */
    see("full", fds[0]);
    events("full, edge", set);
    drain(fds[1]);
    drain(fds[1]);
    see("drained", fds[0]);
    events("drained, edge", set);
    events("nothing new", set);
    put(fds[0], 10);
    get(fds[1], 10);
    events("a little, edge", set);
    fill(fds[0]); /* nobody asks poll: it is the write that was refused which asks for the edge */
    drain(fds[1]);
    drain(fds[1]);
    events("filled and drained, edge", set);
}

static long room_of(int fd)
{
    static const char bytes[4096];
    long total = 0;
    ssize_t size;
    while ((size = kernel->send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0) {
        total += size;
    }
    return total;
}

/* What is known to differ: each line stands in differences.txt. */
void point_0_not_simulated(void)
{
    char bytes[8];
    int fds[2];
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    make_tcp(fds);
    did("bytes that a connection holds", room_of(fds[0]));
    did("look at data", kernel->recv(fds[0], bytes, 1, MSG_PEEK));
    int fd = kernel->socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memcpy((char *)&address + sizeof(sa_family_t), "\0ioatom sim test", 16);
    did("abstract address",
        kernel->bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t) + 16));
    make_unix(fds, SOCK_STREAM);
    did("urgent data, unix", kernel->send(fds[0], "a", 1, MSG_OOB));
    did("packets in sequence", kernel->socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
    fd = make_udp(&address);
    address.ss_family = AF_UNSPEC;
    did("connect to nobody",
        kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
}

void point_25_change_rearms(void)
{
    int fds[2];
    int set = make_set();
    make_unix(fds, SOCK_STREAM);
    put(fds[1], 1);
    watch(set, fds[0], EPOLLIN | EPOLLET, 1);
    events("added", set);
    events("told once", set);
    did("the same", change(set, fds[0], EPOLLIN | EPOLLET, 2));
    events("once more, with the new tag", set);
    events("but once", set);
    did("nothing", change(set, fds[0], EPOLLET, 3));
    events("silent", set);
    put(fds[1], 1);
    events("silent still", set);
    did("enabled", change(set, fds[0], EPOLLIN | EPOLLET, 4));
    events("told", set);
    did("OUT added", change(set, fds[0], EPOLLIN | EPOLLOUT | EPOLLET, 5));
    events("both", set);
    did("level", change(set, fds[0], EPOLLIN, 6));
    events("level, told", set);
    events("level, again", set);
    did("edge again", change(set, fds[0], EPOLLIN | EPOLLET, 7));
    events("edge, told", set);
    events("edge, not again", set);
}

void point_26_queued_but_not_waited(void)
{
    int fds[2];
    int set = make_set();
    make_pipe(fds);
    watch(set, fds[0], EPOLLIN | EPOLLET, 1);
    put(fds[1], 1);
    change(set, fds[0], EPOLLET, 1);
    events("changed to nothing", set);
    change(set, fds[0], EPOLLIN | EPOLLET, 1);
    get(fds[0], 1);
    events("drained", set);
    put(fds[1], 1);
    did("removed", kernel->epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    events("removed, told", set);
    watch(set, fds[0], EPOLLIN | EPOLLET, 2);
    events("added again", set);
}

void point_27_hang_up_of_nothing(void)
{
    static const struct {
        const char *name;
        uint32_t events;
    } modes[] = {{"level", 0}, {"edge", EPOLLET}, {"once", EPOLLONESHOT}};
    for (int i = 0; i < 3; i++) {
        char text[64];
        int fds[2];
        int set = make_set();
        make_unix(fds, SOCK_STREAM);
        watch(set, fds[0], modes[i].events, 1);
        snprintf(text, sizeof(text), "%s, there", modes[i].name);
        events(text, set);
        kernel->close(fds[1]);
        for (int turn = 0; turn < 3; turn++) {
            snprintf(text, sizeof(text), "%s, hung up %d", modes[i].name, turn);
            events(text, set);
        }
        change(set, fds[0], EPOLLIN | modes[i].events, 2);
        snprintf(text, sizeof(text), "%s, IN", modes[i].name);
        events(text, set);
    }
}

void point_28_oneshot(void)
{
    int fds[2];
    int set = make_set();
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    make_unix(fds, SOCK_STREAM);
    watch(set, fds[0], EPOLLIN | EPOLLONESHOT, 1);
    put(fds[1], 1);
    events("told", set);
    put(fds[1], 1);
    events("disarmed", set);
    did("added again", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    kernel->close(fds[1]);
    events("not even a hang-up", set);
    did("armed", change(set, fds[0], EPOLLIN | EPOLLONESHOT, 2));
    events("all that came", set);
    events("disarmed again", set);
}

void point_29_listener(void)
{
    struct sockaddr_storage address;
    int set = make_set();
    int listener = make_listener(8, &address);
    watch(set, listener, EPOLLIN | EPOLLET, 1);
    make_client(&address);
    make_client(&address);
    see("two", listener);
    events("two, one event", set);
    must("accept4", kernel->accept4(listener, NULL, NULL, 0) >= 0);
    events("one accepted", set);
    make_client(&address);
    events("a third", set);
    see("two again", listener);
}

void point_29_datagrams(void)
{
    int fds[2];
    int set = make_set();
    make_unix(fds, SOCK_DGRAM);
    watch(set, fds[0], EPOLLIN | EPOLLET, 1);
    put(fds[1], 3);
    put(fds[1], 3);
    events("two, one event", set);
    get(fds[0], 3);
    events("one read", set);
    put(fds[1], 3);
    events("a third", set);
}

void point_29_udp_sender(void)
{
    struct sockaddr_storage address;
    int set = make_set();
    int in = make_udp(&address);
    int out = kernel->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must("connect",
         kernel->connect(out, (struct sockaddr *)&address, sizeof(struct sockaddr_in)) == 0);
    watch(set, out, EPOLLOUT | EPOLLET, 1);
    events("added", set);
    put(out, 5);
    events("sent", set);
    get(in, 5);
    events("received", set);
}

void point_29_undelivered_datagram(void)
{
    int fds[2];
    int set = make_set();
    make_unix(fds, SOCK_DGRAM);
    watch(set, fds[0], EPOLLOUT | EPOLLET, 1);
    events("added", set);
    kernel->shutdown(fds[1], SHUT_RD);
    events("the other one does not read", set);
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    events("not delivered", set);
    events("nothing new", set);
}

void point_33_key(void)
{
    int fds[2];
    int set = make_set();
    struct epoll_event event = {.events = EPOLLIN};
    make_pipe(fds);
    put(fds[1], 1);
    watch(set, fds[0], EPOLLIN, 1);
    int copy = kernel->dup(fds[0]);
    kernel->close(fds[0]);
    events("a duplicate lives", set);
    did("removed by the old number", kernel->epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    did("removed by the duplicate", kernel->epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL));
    did("the number again", kernel->dup2(copy, fds[0]) == fds[0]);
    did("added under the old number", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    kernel->close(fds[0]);
    int other[2];
    make_unix(other, SOCK_STREAM);
    put(other[1], 1);
    must("dup2", kernel->dup2(other[0], fds[0]) == fds[0]);
    watch(set, fds[0], EPOLLIN, 1);
    events("two under one number", set);
    kernel->close(copy);
    events("the last one closed", set);
    kernel->close(fds[0]);
    events("another one lives", set);
    kernel->close(other[0]);
    events("nothing left", set);
}

void point_34_key_again(void)
{
    int fds[2];
    int set = make_set();
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 9};
    struct pollfd entries[2];
    make_pipe(fds);
    put(fds[1], 1);
    int copy = kernel->dup(fds[0]);
    watch(set, copy, EPOLLIN, 1);
    kernel->close(copy);
    must("dup2", kernel->dup2(fds[0], copy) == copy);
    did("the same again", kernel->epoll_ctl(set, EPOLL_CTL_ADD, copy, &event));
    watch(set, fds[0], EPOLLIN, 2);
    events("a file by two numbers", set);
    did("twice", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    entries[0] = entries[1] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    did("twice in poll", kernel->poll(entries, 2, 0));
}

void point_35_errors(void)
{
    int fds[2];
    int set = make_set();
    struct epoll_event event = {.events = EPOLLIN};
    make_pipe(fds);
    did("remove what is not there", kernel->epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    did("change what is not there", kernel->epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event));
    did("no operation", kernel->epoll_ctl(set, 9, fds[0], &event));
    did("not a set", kernel->epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event));
    did("wait for what is not a set", kernel->epoll_wait(fds[0], &event, 1, 0));
    did("no event", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], NULL));
    kernel->close(fds[0]);
    did("remove what is closed", kernel->epoll_ctl(set, EPOLL_CTL_DEL, fds[0], NULL));
    did("change what is closed", kernel->epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event));
    did("add what is closed", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    did("a closed set", kernel->epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event));
    did("wait for a closed one", kernel->epoll_wait(fds[0], &event, 1, 0));
    did("unknown flags", kernel->epoll_create1(1));
    did("close twice", kernel->close(fds[0]));
    did("dup2 of itself", kernel->dup2(fds[1], fds[1]) == fds[1]);
    did("dup3 of itself", kernel->dup3(fds[1], fds[1], 0));
    did("dup of a closed one", kernel->dup(fds[0]));
    did("dup to -1", kernel->dup2(fds[1], -1));
    did("read of a set", kernel->read(set, &event, 8));
    did("read of a writer", kernel->read(fds[1], &event, 8));
    did("send to a pipe", kernel->send(fds[1], "a", 1, 0));
    did("accept of a pipe", kernel->accept4(fds[1], NULL, NULL, 0));
    did("listen to a pipe", kernel->listen(fds[1], 1));
    did("flags of pipe2", kernel->pipe2(fds, 1));
}

void point_40_exclusive(void)
{
    int fds[2];
    int set = make_set();
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT};
    make_pipe(fds);
    did("with ONESHOT", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
    did("with RDHUP", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    did("added", kernel->epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    did("changed", kernel->epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event));
    event.events = EPOLLIN;
    did("changed to another", kernel->epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event));
    put(fds[1], 1);
    events("told", set);
}

void point_47_order(void)
{
    int fds[2];
    int outer = make_set();
    int inner = make_set();
    make_pipe(fds);
    watch(outer, fds[0], EPOLLIN, 1);
    watch(inner, fds[0], EPOLLIN, 2);
    watch(outer, inner, EPOLLIN, 3);
    put(fds[1], 1);
    events("the set in the set first", outer);
    make_pipe(fds);
    int copy = kernel->dup(fds[0]);
    watch(outer, copy, EPOLLIN | EPOLLET, 4);
    watch(outer, fds[0], EPOLLIN | EPOLLET, 5);
    put(fds[1], 1);
    events("the one added last first", outer);
}

void point_42_time_left(void)
{
    int fds[2];
    fd_set in;
    struct timeval timeout = {0, 900000};
    make_pipe(fds);
    put(fds[1], 1);
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    did("select", kernel->select(fds[0] + 1, &in, NULL, NULL, &timeout));
    said("less than all, but some", "%d",
         timeout.tv_sec == 0 && timeout.tv_usec <= 900000 && timeout.tv_usec > 100000);
    get(fds[0], 1);
    timeout = (struct timeval){0, 2000};
    did("select in vain", kernel->select(fds[0] + 1, &in, NULL, NULL, &timeout));
    said("nothing left", "%ld %ld, %d", (long)timeout.tv_sec, (long)timeout.tv_usec,
         FD_ISSET(fds[0], &in) != 0);
}

void point_43_timeouts(void)
{
    int fds[2];
    struct epoll_event event;
    struct pollfd entry;
    struct timeval timeout = {-1, 0};
    int set = make_set();
    fd_set in;
    make_pipe(fds);
    put(fds[1], 1);
    watch(set, fds[0], EPOLLIN, 1);
    entry = (struct pollfd){.fd = fds[0], .events = POLLIN};
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    did("epoll_wait of -5", kernel->epoll_wait(set, &event, 1, -5));
    did("poll of -5", kernel->poll(&entry, 1, -5));
    did("select of -1 s", kernel->select(fds[0] + 1, &in, NULL, NULL, &timeout));
    timeout = (struct timeval){0, -1};
    did("select of -1 us", kernel->select(fds[0] + 1, &in, NULL, NULL, &timeout));
    timeout = (struct timeval){0, 1500000};
    did("select of 1500000 us", kernel->select(fds[0] + 1, &in, NULL, NULL, &timeout));
    did("select without end", kernel->select(fds[0] + 1, &in, NULL, NULL, NULL));
    did("epoll_wait of INT_MAX", kernel->epoll_wait(set, &event, 1, INT_MAX));
    did("poll of INT_MAX", kernel->poll(&entry, 1, INT_MAX));
}

static long long now_ns(void)
{
    struct timespec now;
    kernel->clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void point_44_never_early(void)
{
    struct epoll_event event;
    struct timeval timeout = {0, 2000};
    int set = make_set();
    long long begin = now_ns();
    did("epoll_wait", kernel->epoll_wait(set, &event, 1, 2));
    said("epoll_wait, time", "%d", now_ns() - begin >= 2000000);
    begin = now_ns();
    did("poll", kernel->poll(NULL, 0, 2));
    said("poll, time", "%d", now_ns() - begin >= 2000000);
    begin = now_ns();
    did("select", kernel->select(0, NULL, NULL, NULL, &timeout));
    said("select, time", "%d", now_ns() - begin >= 2000000);
}

void point_46_limits(void)
{
    static struct pollfd many[300];
    struct epoll_event event;
    struct timeval now = {0, 0};
    fd_set in;
    int set = make_set();
    for (int i = 0; i < 300; i++) {
        many[i].fd = -1;
    }
    did("poll of many", kernel->poll(many, 200, 0));
    did("room for 0", kernel->epoll_wait(set, &event, 0, 0));
    did("room for -1", kernel->epoll_wait(set, &event, -1, 0));
    did("room for INT_MAX", kernel->epoll_wait(set, &event, INT_MAX, 0));
    did("select below 0", kernel->select(-1, NULL, NULL, NULL, &now));
    did("select of nothing", kernel->select(0, NULL, NULL, NULL, &now));
    FD_ZERO(&in);
    FD_SET(60, &in);
    did("select of what is closed", kernel->select(61, &in, NULL, NULL, &now));
    /* Linux looks at no more numbers than its table has room for: make it large. */
    must("dup2", kernel->dup2(set, 200) == 200);
    FD_ZERO(&in);
    FD_SET(70, &in);
    did("select of what is closed, far", kernel->select(71, &in, NULL, NULL, &now));
}

void point_47_fairness(void)
{
    int fds[2];
    int level = make_set();
    int edge = make_set();
    for (int i = 0; i < 3; i++) {
        make_pipe(fds);
        put(fds[1], 1);
        watch(level, fds[0], EPOLLIN, i);
        watch(edge, fds[0], EPOLLIN | EPOLLET, i);
    }
    for (int i = 0; i < 7; i++) {
        char text[32];
        snprintf(text, sizeof(text), "level %d", i);
        some_events(text, level, 1);
        snprintf(text, sizeof(text), "edge %d", i);
        some_events(text, edge, 1);
    }
    some_events("level, room for two", level, 2);
    events("level, room for all", level);
}
