/* What is ready, and what is not: points 1 to 21 of the kernel's semantics. */
#include "points.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What every mechanism says of a descriptor, whatever it is asked for. */
static void see_all(const char *name, int fd)
{
    char text[64];
    int set = make_set();
    see(name, fd);
    watch(set, fd, 0, 0);
    snprintf(text, sizeof(text), "%s, epoll of nothing", name);
    events(text, set);
    must("epoll_ctl", change(set, fd, EPOLLIN, 1) == 0);
    snprintf(text, sizeof(text), "%s, epoll of IN", name);
    events(text, set);
    must("epoll_ctl",
         change(set, fd,
                EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLET,
                2) == 0);
    snprintf(text, sizeof(text), "%s, epoll of all", name);
    events(text, set);
    snprintf(text, sizeof(text), "%s, once more", name);
    events(text, set);
    must("close", kernel->close(set) == 0);
}

void point_1_hang_up_and_error_always(void)
{
    int fds[2];
    make_unix(fds, SOCK_STREAM);
    put(fds[0], 1);
    kernel->close(fds[1]);
    see_all("error and hang-up", fds[0]);
    (void)take_error(fds[0]);
    see_all("hang-up", fds[0]);
}

void point_2_half_close_if_asked(void)
{
    int fds[2];
    int set = make_set();
    make_tcp(fds);
    kernel->shutdown(fds[1], SHUT_WR);
    watch(set, fds[0], EPOLLOUT, 0);
    events("OUT", set);
    change(set, fds[0], EPOLLRDHUP, 0);
    events("RDHUP", set);
    change(set, fds[0], EPOLLIN, 0);
    events("IN", set);
}

void point_3_pipe_data_no_writer(void)
{
    int fds[2];
    make_pipe(fds);
    put(fds[1], 10);
    see_all("data", fds[0]);
    kernel->close(fds[1]);
    see_all("data, no writer", fds[0]);
    get(fds[0], 4);
    see("less data, no writer", fds[0]);
}

void point_4_pipe_drained_no_writer(void)
{
    int fds[2];
    char byte;
    make_pipe(fds);
    see_all("empty", fds[0]);
    put(fds[1], 10);
    kernel->close(fds[1]);
    get(fds[0], 10);
    see_all("drained, no writer", fds[0]);
    did("read", kernel->read(fds[0], &byte, 1));
}

void point_5_pipe_no_reader(void)
{
    int fds[2];
    int full[2];
    make_pipe(fds);
    make_pipe(full);
    fill(full[1]);
    see_all("room", fds[1]);
    see_all("full", full[1]);
    kernel->close(fds[0]);
    kernel->close(full[0]);
    see_all("room, no reader", fds[1]);
    see_all("full, no reader", full[1]);
    did("write", kernel->write(fds[1], "a", 1));
}

void point_6_fifo(void)
{
    (void)kernel->unlink("fifo");
    must("mkfifo", kernel->mkfifo("fifo", 0600) == 0);
    did("writer first", kernel->open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    int in = kernel->open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    must("open", in >= 0);
    see_all("before any writer", in);
    int out = kernel->open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    must("open", out >= 0);
    see_all("with a writer", in);
    put(out, 3);
    see("with data", in);
    kernel->close(out);
    see("data, no writer", in);
    get(in, 3);
    see_all("the writer has left", in);
    out = kernel->open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    see("another writer", in);
    kernel->close(in);
    see("no reader", out);
    (void)kernel->unlink("fifo");
}

void point_7_tcp_half_close(void)
{
    int fds[2];
    char byte;
    make_tcp(fds);
    see_all("connected", fds[0]);
    put(fds[1], 3);
    see_all("data", fds[0]);
    kernel->shutdown(fds[1], SHUT_WR);
    see_all("data, half closed", fds[0]);
    get(fds[0], 3);
    see_all("half closed", fds[0]);
    did("read", kernel->read(fds[0], &byte, 1));
    see_all("the closing side", fds[1]);
    put(fds[0], 1);
    see("a byte the other way", fds[1]);
}

void point_8_tcp_both_closed(void)
{
    int fds[2];
    char byte;
    make_tcp(fds);
    kernel->shutdown(fds[0], SHUT_WR);
    kernel->shutdown(fds[1], SHUT_WR);
    see_all("first", fds[0]);
    see_all("second", fds[1]);
    did("read", kernel->read(fds[0], &byte, 1));
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    kernel->close(fds[1]);
    see("the other one closed", fds[0]);
}

void point_9_tcp_close_with_data(void)
{
    int fds[2];
    char bytes[8];
    make_tcp(fds);
    put(fds[1], 5);
    kernel->close(fds[1]);
    see_all("data, closed", fds[0]);
    did("write", kernel->write(fds[0], "a", 1));
    see_all("answered by a reset", fds[0]);
    did("error", take_error(fds[0]));
    see("error taken", fds[0]);
    did("read", kernel->read(fds[0], bytes, 8));
    did("read again", kernel->read(fds[0], bytes, 8));
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
}

void point_9_tcp_own_end_first(void)
{
    int fds[2];
    make_tcp(fds);
    kernel->shutdown(fds[0], SHUT_WR);
    kernel->close(fds[1]);
    see_all("hung up", fds[0]);
    did("error", take_error(fds[0]));
}

void point_10_tcp_reset(void)
{
    int fds[2];
    char bytes[8];
    make_tcp(fds);
    reset_on_close(fds[1]);
    kernel->close(fds[1]);
    see_all("reset", fds[0]);
    did("error", take_error(fds[0]));
    see_all("error taken", fds[0]);
    did("read", kernel->read(fds[0], bytes, 8));
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
}

void point_10_tcp_reset_by_unread_data(void)
{
    int fds[2];
    char bytes[8];
    make_tcp(fds);
    put(fds[0], 3);
    put(fds[1], 2);
    kernel->close(fds[1]);
    see("reset", fds[0]);
    did("read", kernel->read(fds[0], bytes, 8));
    see("the error is left", fds[0]);
    did("read again", kernel->read(fds[0], bytes, 8));
    see("error read", fds[0]);
    did("read once more", kernel->read(fds[0], bytes, 8));
}

void point_10_tcp_reset_after_end(void)
{
    int fds[2];
    char byte;
    make_tcp(fds);
    kernel->shutdown(fds[1], SHUT_WR);
    put(fds[0], 1);
    kernel->close(fds[1]);
    see("reset", fds[0]);
    did("read", kernel->read(fds[0], &byte, 1));
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    did("error", take_error(fds[0]));
}

void point_11_tcp_unconnected(void)
{
    struct sockaddr_storage address;
    char byte;
    int set = make_set();
    int fd = kernel->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    see_all("fresh", fd);
    did("read", kernel->read(fd, &byte, 1));
    did("send", kernel->send(fd, "a", 1, MSG_NOSIGNAL));
    see_all("bound", make_listener(-1, &address));
    int listener = make_listener(1, &address);
    watch(set, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    events("before connect", set);
    did("connect", kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    events("after connect", set);
    did("connect again",
        kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    did("and again", kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    see("the listener", listener);
    fd = kernel->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    did("shutdown", kernel->shutdown(fd, SHUT_RDWR));
    see_all("shut down", fd);
}

void point_12_connecting(void)
{
    struct sockaddr_storage address;
    int listener = make_listener(0, &address);
    int first = make_client(&address);
    see("the listener", listener);
    int second = make_client(&address);
    char byte;
    see_all("the queue has room", first);
    see_all("the queue is full", second);
    did("read", kernel->read(second, &byte, 1));
    did("send", kernel->send(second, "a", 1, MSG_NOSIGNAL));
    did("connect",
        kernel->connect(second, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    did("shutdown", kernel->shutdown(second, SHUT_RDWR));
    see("given up", second);
    did("error", take_error(second));
}

void point_12_refused(void)
{
    struct sockaddr_storage address;
    int bound = make_listener(-1, &address);
    int fd = make_client(&address);
    char byte;
    see_all("refused", fd);
    did("error", take_error(fd));
    see_all("error taken", fd);
    did("read", kernel->read(fd, &byte, 1));
    did("send", kernel->send(fd, "a", 1, MSG_NOSIGNAL));
    fd = make_client(&address);
    see("another", fd);
    did("connect again",
        kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    see("told by connect", fd);
    did("listen", kernel->listen(bound, 4));
    did("and again", kernel->connect(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    see("connected", fd);
}

void point_13_listening(void)
{
    struct sockaddr_storage address;
    char byte;
    int listener = make_listener(4, &address);
    see_all("nobody there", listener);
    did("accept", kernel->accept4(listener, NULL, NULL, 0));
    did("read", kernel->read(listener, &byte, 1));
    int client = make_client(&address);
    see_all("a connection", listener);
    reset_on_close(client);
    kernel->close(client);
    see_all("it was reset", listener);
    int accepted = kernel->accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    must("accept4", accepted >= 0);
    see("accepted", accepted);
    did("error", take_error(accepted));
    client = make_client(&address);
    did("shutdown of sending", kernel->shutdown(listener, SHUT_WR));
    see("it goes on", listener);
    did("shutdown", kernel->shutdown(listener, SHUT_RD));
    see_all("shut down", listener);
    see("who waited", client);
    did("accept again", kernel->accept4(listener, NULL, NULL, 0));
}

void point_13_listener_closed(void)
{
    struct sockaddr_storage address;
    int listener = make_listener(4, &address);
    int client = make_client(&address);
    see("waiting", client);
    kernel->close(listener);
    see_all("nobody will accept", client);
    did("error", take_error(client));
}

static socklen_t unix_address(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "socket"};
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof("socket"));
}

void point_13_unix_listening(void)
{
    struct sockaddr_un address;
    socklen_t length = unix_address(&address);
    const struct sockaddr *at = (struct sockaddr *)&address;
    int fds[4];
    (void)kernel->unlink("socket");
    for (int i = 0; i < 4; i++) {
        fds[i] = kernel->socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    see_all("fresh", fds[0]);
    did("connect to nothing", kernel->connect(fds[1], at, length));
    did("listen unbound", kernel->listen(fds[0], 0));
    did("bind", kernel->bind(fds[0], at, length));
    did("bind again", kernel->bind(fds[1], at, length));
    did("connect to nobody", kernel->connect(fds[1], at, length));
    did("listen", kernel->listen(fds[0], 0));
    see_all("listening", fds[0]);
    did("accept", kernel->accept4(fds[0], NULL, NULL, SOCK_NONBLOCK));
    did("connect", kernel->connect(fds[1], at, length));
    see("connected", fds[1]);
    see_all("a connection", fds[0]);
    did("connect to the full queue", kernel->connect(fds[2], at, length));
    put(fds[1], 2);
    int accepted = kernel->accept4(fds[0], NULL, NULL, SOCK_NONBLOCK);
    must("accept4", accepted >= 0);
    see("accepted", accepted);
    get(accepted, 2);
    did("connect then", kernel->connect(fds[2], at, length));
    kernel->close(fds[0]);
    see("who waited", fds[2]);
    did("error", take_error(fds[2]));
    did("connect to the closed one", kernel->connect(fds[3], at, length));
    (void)kernel->unlink("socket");
}

void point_14_unix_stream(void)
{
    int fds[2];
    char byte;
    make_unix(fds, SOCK_STREAM);
    see_all("fresh", fds[0]);
    kernel->shutdown(fds[1], SHUT_WR);
    see_all("half shut down", fds[0]);
    see_all("the other side", fds[1]);
    did("read", kernel->read(fds[0], &byte, 1));
    make_unix(fds, SOCK_STREAM);
    put(fds[1], 1);
    kernel->close(fds[1]);
    see_all("data, closed", fds[0]);
    get(fds[0], 1);
    see_all("closed", fds[0]);
    did("read of the end", kernel->read(fds[0], &byte, 1));
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    make_unix(fds, SOCK_STREAM);
    put(fds[0], 1);
    kernel->close(fds[1]);
    see_all("closed, unread", fds[0]);
    did("send to nobody", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    did("read of the error", kernel->read(fds[0], &byte, 1));
    did("read of the end then", kernel->read(fds[0], &byte, 1));
    see("all read", fds[0]);
}

void point_14_unix_datagram(void)
{
    int fds[2];
    char bytes[8];
    make_unix(fds, SOCK_DGRAM);
    see_all("fresh", fds[0]);
    put(fds[1], 5);
    did("empty", kernel->send(fds[1], "", 0, 0));
    see_all("two", fds[0]);
    did("read of a part", kernel->read(fds[0], bytes, 3));
    did("read of the empty one", kernel->read(fds[0], bytes, 8));
    did("read of nothing", kernel->read(fds[0], bytes, 8));
    put(fds[1], 1);
    kernel->close(fds[1]);
    see_all("closed, with one left", fds[0]);
    get(fds[0], 1);
    see_all("closed", fds[0]);
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    did("send again", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    see("refused", fds[0]);
    make_unix(fds, SOCK_DGRAM);
    put(fds[1], 1);
    kernel->close(fds[1]);
    did("send with one left", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    see("refused, and that one is lost", fds[0]);
}

void point_15_udp(void)
{
    struct sockaddr_storage address;
    char bytes[8];
    int in = make_udp(&address);
    int out = kernel->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    see_all("fresh", in);
    did("send unconnected", kernel->send(out, "a", 1, 0));
    did("an empty one",
        kernel->sendto(out, "", 0, 0, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    see_all("empty", in);
    did("read", kernel->read(in, bytes, 8));
    see("empty again", in);
    kernel->close(in);
    did("connect", kernel->connect(out, (struct sockaddr *)&address, sizeof(struct sockaddr_in)));
    did("send", kernel->send(out, "a", 1, 0));
    see_all("refused", out);
    did("send again", kernel->send(out, "a", 1, 0));
    see("told by send", out);
    did("send then", kernel->send(out, "a", 1, 0));
    see("refused again", out);
    did("read of it", kernel->read(out, bytes, 8));
    see("told by read", out);
}

void point_16_local_shutdown_tcp(void)
{
    int fds[2];
    char byte;
    make_tcp(fds);
    kernel->shutdown(fds[0], SHUT_RD);
    see_all("reading", fds[0]);
    see_all("the other one", fds[1]);
    did("read", kernel->read(fds[0], &byte, 1));
    put(fds[1], 2);
    did("read of data", kernel->read(fds[0], &byte, 1));
    make_tcp(fds);
    kernel->shutdown(fds[0], SHUT_WR);
    see_all("writing", fds[0]);
    did("send", kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    kernel->shutdown(fds[0], SHUT_RDWR);
    see_all("both", fds[0]);
    see_all("whose other one shut both", fds[1]);
    put(fds[1], 1);
    see("sent to nobody", fds[1]);
    see("both, reset", fds[0]);
    did("error", take_error(fds[0]));
}

void point_16_local_shutdown_unix(void)
{
    int fds[2];
    char byte;
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        const char *name = type == SOCK_STREAM ? "stream" : "datagram";
        char text[64];
        make_unix(fds, type);
        kernel->shutdown(fds[0], SHUT_RD);
        snprintf(text, sizeof(text), "%s, reading", name);
        see(text, fds[0]);
        snprintf(text, sizeof(text), "%s, the other one", name);
        see(text, fds[1]);
        snprintf(text, sizeof(text), "%s, read", name);
        did(text, kernel->read(fds[0], &byte, 1));
        snprintf(text, sizeof(text), "%s, sent to it", name);
        did(text, kernel->send(fds[1], "a", 1, MSG_NOSIGNAL));
        kernel->shutdown(fds[0], SHUT_WR);
        snprintf(text, sizeof(text), "%s, both", name);
        see(text, fds[0]);
        snprintf(text, sizeof(text), "%s, the other one of both", name);
        see(text, fds[1]);
        snprintf(text, sizeof(text), "%s, sent by it", name);
        did(text, kernel->send(fds[0], "a", 1, MSG_NOSIGNAL));
    }
}

/* The byte waits in the sender's buffer: it is there when the receiver's has come to it. */
static void urgent_behind_a_full_buffer(void)
{
    static char bytes[10000];
    struct sockaddr_storage address;
    int small = 4096;
    int set = make_set();
    int listener = make_listener(4, &address);
    must("setsockopt",
         kernel->setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    int client = make_client(&address);
    struct pollfd entry = {.fd = listener, .events = POLLIN};
    must("poll", kernel->poll(&entry, 1, 5000) == 1);
    entry =
        (struct pollfd){.fd = kernel->accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
                        .events = POLLPRI};
    watch(set, entry.fd, EPOLLPRI | EPOLLET, 0);
    did("send more than fits", kernel->send(client, bytes, sizeof(bytes), 0));
    did("send urgent", kernel->send(client, "u", 1, MSG_OOB));
    did("it waits, poll", kernel->poll(&entry, 1, 0));
    events("it waits, epoll", set);
    did("receive it too early", kernel->recv(entry.fd, bytes, 1, MSG_OOB));
    while (kernel->poll(&entry, 1, 0) == 0 && kernel->read(entry.fd, bytes, 500) > 0) {
        settle();
    }
    did("moved up, poll", kernel->poll(&entry, 1, 0));
    events("moved up, epoll", set);
    events("once", set);
}

void point_17_urgent_data(void)
{
    int fds[2];
    int on = 1;
    char bytes[8];
    make_tcp(fds);
    did("send", kernel->send(fds[1], "u", 1, MSG_OOB));
    see_all("only urgent", fds[0]);
    put(fds[1], 1);
    see("and a byte behind it", fds[0]);
    did("read behind it", kernel->read(fds[0], bytes, 8));
    see("read", fds[0]);
    put(fds[1], 2);
    did("send again", kernel->send(fds[1], "v", 1, MSG_OOB));
    see("two bytes, urgent", fds[0]);
    did("read up to it", kernel->read(fds[0], bytes, 8));
    see("urgent left", fds[0]);
    did("receive it", kernel->recv(fds[0], bytes, 1, MSG_OOB));
    see("received", fds[0]);
    did("receive it again", kernel->recv(fds[0], bytes, 1, MSG_OOB));
    must("setsockopt", kernel->setsockopt(fds[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) == 0);
    did("send inline", kernel->send(fds[1], "w", 1, MSG_OOB));
    see_all("inline", fds[0]);
    did("read it", kernel->read(fds[0], bytes, 8));
    see("inline read", fds[0]);
    urgent_behind_a_full_buffer();
}

void point_18_files(void)
{
    static const struct {
        const char *path;
        int flags;
    } files[] = {{"/", O_RDONLY | O_DIRECTORY},
                 {"file", O_CREAT | O_RDWR},
                 {"/dev/null", O_RDWR},
                 {"/dev/zero", O_RDWR}};
    int set = make_set();
    for (int i = 0; i < 4; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        struct stat status;
        char text[64];
        int fd = kernel->open(files[i].path, files[i].flags | O_CLOEXEC, 0600);
        must("open", fd >= 0 && kernel->fstat(fd, &status) == 0);
        see(files[i].path, fd);
        snprintf(text, sizeof(text), "%s, added", files[i].path);
        did(text, kernel->epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
        snprintf(text, sizeof(text), "%s, its kind", files[i].path);
        said(text, "%o", status.st_mode & S_IFMT);
    }
    (void)unlink("file");
}

void point_19_closed(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct pollfd entry = {.fd = -1, .events = POLLIN};
    struct timeval now = {0, 0};
    fd_set set;
    fd_set other;
    int fds[2];
    int epoll = make_set();
    make_pipe(fds);
    int path = kernel->open("/", O_PATH | O_CLOEXEC);
    must("open", path >= 0);
    see("only a path", path);
    did("a path, added", kernel->epoll_ctl(epoll, EPOLL_CTL_ADD, path, &event));
    did("a path, read", kernel->read(path, &set, 1));
    did("a path, F_GETFL", kernel->fcntl(path, F_GETFL) & O_PATH);
    did("a path, F_SETFL", kernel->fcntl(path, F_SETFL, 0));
    put(fds[1], 1);
    int closed = kernel->dup(fds[0]);
    kernel->close(closed);
    see("closed", closed);
    did("closed, added", kernel->epoll_ctl(epoll, EPOLL_CTL_ADD, closed, &event));
    FD_ZERO(&set);
    FD_ZERO(&other);
    FD_SET(fds[0], &set);
    did("in no set", kernel->select(closed + 1, &set, &other, NULL, &now));
    FD_SET(closed, &other);
    did("in another set", kernel->select(closed + 1, &set, &other, NULL, &now));
    said("the sets then", "%d%d", FD_ISSET(fds[0], &set) != 0, FD_ISSET(closed, &other) != 0);
    did("poll of -1", kernel->poll(&entry, 1, 0));
    said("its events", "%d", entry.revents);
    did("-1, added", kernel->epoll_ctl(epoll, EPOLL_CTL_ADD, -1, &event));
}

void point_20_eventfd(void)
{
    uint64_t value = UINT64_MAX - 1;
    char bytes[8];
    int fd = kernel->eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    see_all("0", fd);
    did("read", kernel->read(fd, bytes, 8));
    did("write", kernel->write(fd, &value, 8));
    see_all("at its end", fd);
    value = 1;
    did("write of more", kernel->write(fd, &value, 8));
    did("read of all", kernel->read(fd, bytes, 8));
    did("write of 1", kernel->write(fd, &value, 8));
    see_all("1", fd);
    value = UINT64_MAX;
    did("write of too much", kernel->write(fd, &value, 8));
    did("write of a part", kernel->write(fd, &value, 4));
    did("read of a part", kernel->read(fd, bytes, 4));
    fd = kernel->eventfd(2, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    did("semaphore", kernel->read(fd, bytes, 8));
    see("semaphore at 1", fd);
    did("semaphore again", kernel->read(fd, bytes, 8));
    see("semaphore at 0", fd);
}

void point_20_timerfd(void)
{
    struct itimerspec value = {.it_value = {0, 0}};
    char bytes[8];
    int set = make_set();
    int fd = kernel->timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    see_all("new", fd);
    did("read", kernel->read(fd, bytes, 8));
    did("write", kernel->write(fd, bytes, 8));
    did("set to 0", kernel->timerfd_settime(fd, 0, &value, NULL));
    see("set to 0, seen", fd);
    watch(set, fd, EPOLLIN | EPOLLET, 1);
    value.it_value.tv_nsec = 1000000;
    did("set", kernel->timerfd_settime(fd, 0, &value, NULL));
    struct epoll_event event;
    did("wait", kernel->epoll_wait(set, &event, 1, 1000));
    see("over", fd);
    events("told once", set);
    did("read it", kernel->read(fd, bytes, 8));
    see("read it, seen", fd);
    value.it_interval.tv_nsec = 1000000;
    did("set at intervals", kernel->timerfd_settime(fd, 0, &value, NULL));
    did("wait again", kernel->epoll_wait(set, &event, 1, 1000));
    did("it does not go on unread", kernel->epoll_wait(set, &event, 1, 5));
    must("read", kernel->read(fd, bytes, 8) == 8);
    did("it goes on", kernel->epoll_wait(set, &event, 1, 1000));
    value.it_value.tv_nsec = 2000000000;
    did("not a time", kernel->timerfd_settime(fd, 0, &value, NULL));
    value.it_value.tv_nsec = 1;
    did("a time that is over", kernel->timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL));
    see("over at once", fd);
}

void point_20_nested_sets(void)
{
    int fds[2];
    int outer = make_set();
    int inner = make_set();
    struct epoll_event event = {.events = EPOLLIN};
    make_pipe(fds);
    watch(inner, fds[0], EPOLLIN, 1);
    watch(outer, inner, EPOLLIN | EPOLLET, 2);
    see_all("nothing", inner);
    events("nothing, outside", outer);
    put(fds[1], 1);
    see_all("ready", inner);
    events("ready, outside", outer);
    events("told once", outer);
    put(fds[1], 1);
    events("another edge", outer);
    events("inside", inner);
    get(fds[0], 2);
    see_all("not ready any more", inner);
    events("outside, too", outer);
    did("a loop", kernel->epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event));
    did("itself", kernel->epoll_ctl(inner, EPOLL_CTL_ADD, inner, &event));
    int last = outer;
    for (int i = 0; i < 5; i++) {
        char text[16];
        int next = make_set();
        snprintf(text, sizeof(text), "depth %d", i);
        did(text, kernel->epoll_ctl(next, EPOLL_CTL_ADD, last, &event));
        last = next;
    }
}

void point_21_low_water(void)
{
    int fds[2];
    int low = 100;
    int set = make_set();
    make_tcp(fds);
    must("setsockopt", kernel->setsockopt(fds[0], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0);
    watch(set, fds[0], EPOLLIN | EPOLLET, 1);
    put(fds[1], 99);
    see_all("below", fds[0]);
    events("below, edge", set);
    put(fds[1], 1);
    see_all("reached", fds[0]);
    events("reached, edge", set);
    get(fds[0], 50);
    see("below again", fds[0]);
    kernel->shutdown(fds[1], SHUT_WR);
    see("the end", fds[0]);
    events("the end, edge", set);
}
