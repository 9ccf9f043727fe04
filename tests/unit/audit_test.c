/* The audit layer: wrong handlers are named, in each configuration where they are wrong, and right
 * ones are not (IO-AUDIT-1 to IO-AUDIT-12). */
#include "spy.h"

#include "kit.h"
#include "objects.h"

#include <ioatom/audit.h>

enum { SIZE = 10, PART = 8, REST = SIZE - PART, FOUND_MOST = 8 }; /* an eventfd has 8 */

static io_poller poller; /* a process for each test: always a fresh one */
static io_audit audit;
static unit_atom atom;
static io_fd fds[2];

/* What was found, and what is done when it is. */
static io_audit_finding found[FOUND_MOST];
static int found_count;
static void (*on_found)(const io_audit_finding *finding);

static void note_finding(void *context, const io_audit_finding *finding)
{
    CHECK(context == &audit);
    CHECK(found_count < FOUND_MOST);
    found[found_count++] = *finding;
    if (on_found) {
        on_found(finding);
    }
}

static void begin_audit(const unit_config *config, int options)
{
    unit_poller(&poller, config);
    CHECK_EQ(io_audit_begin(&audit, &poller, options, note_finding, &audit), 0);
    found_count = 0;
    on_found = NULL;
}

static void add(unit_atom *a, io_fd fd, io_proc proc, int flags)
{
    unit_atom_init(a, fd);
    a->io.proc = proc;
    CHECK_EQ(io_add(&poller, &a->io, flags), 0);
}

/* A pipe with some bytes, whose reading end has this handler, and a wait that finds it. */
static void begin(const unit_config *config, int options, io_proc proc, int flags)
{
    begin_audit(config, options);
    unit_pipe(fds);
    kit_put(fds[1], SIZE);
    add(&atom, fds[0], proc, flags);
    CHECK_EQ(io_wait(&poller, 0), 1);
}

static void end(void)
{
    kit_end(&poller);
    unit_close_pair(fds);
}

/* Exactly one finding, of the one atom that there is; then there is none again. */
static void check_found(int kind, int told, int interest, int left, int left_bytes)
{
    CHECK_EQ(found_count, 1);
    CHECK_EQ(found[0].kind, kind);
    CHECK(found[0].atom == &atom.io);
    CHECK(found[0].proc == atom.io.proc);
    CHECK_EQ(found[0].fd, atom.io.fd);
    CHECK_EQ(found[0].told, told);
    CHECK_EQ(found[0].interest, interest);
    CHECK_EQ(found[0].left, left);
    CHECK_EQ(found[0].left_bytes, left_bytes);
    found_count = 0;
}

/* --- handlers --- */

static void read_part(io_poller *p, io_atom *a, int flags)
{
    char bytes[PART];
    size_t size;
    (void)flags;
    CHECK_EQ(io_read(p, a, bytes, sizeof(bytes), &size), 0);
}

static void read_all(io_poller *p, io_atom *a, int flags)
{
    char bytes[64];
    size_t size;
    int result = 0;
    while ((flags & IO_READ) && result == 0) {
        result = io_read(p, a, bytes, sizeof(bytes), &size);
    }
}

static void readv_all(io_poller *p, io_atom *a, int flags)
{
    char bytes[3];
    struct iovec iov = {bytes, sizeof(bytes)};
    size_t size;
    int result = 0;
    (void)flags;
    while (result == 0) {
        result = io_readv(p, a, &iov, 1, &size);
    }
}

/* All that there is, but no more: EAGAIN is not met. */
static void read_exactly(io_poller *p, io_atom *a, int flags)
{
    char bytes[SIZE];
    size_t size;
    (void)flags;
    CHECK_EQ(io_read(p, a, bytes, sizeof(bytes), &size), 0);
    CHECK_EQ(size, SIZE);
}

/* read(2) until EAGAIN: the library does not see it. */
static void raw_read(io_poller *p, io_atom *a, int flags)
{
    (void)p;
    (void)flags;
    (void)unit_drain(a->fd);
}

static void raw_read_noted(io_poller *p, io_atom *a, int flags)
{
    raw_read(p, a, flags);
    CHECK_EQ(io_exhausted(p, a, IO_READ), 0);
}

/* What comes after EAGAIN has not been left, though it is there. */
static void read_all_and_more_comes(io_poller *p, io_atom *a, int flags)
{
    read_all(p, a, flags);
    kit_put(fds[1], 1);
}

static void raw_read_and_more_comes(io_poller *p, io_atom *a, int flags)
{
    raw_read(p, a, flags);
    kit_put(fds[1], 1);
}

static void read_part_and_set(io_poller *p, io_atom *a, int flags)
{
    read_part(p, a, flags);
    CHECK_EQ(io_set(p, a, IO_READ), 0);
}

static void set_and_read_part(io_poller *p, io_atom *a, int flags)
{
    CHECK_EQ(io_set(p, a, IO_READ), 0);
    read_part(p, a, flags);
}

/* It holds back: too much has come. */
static void read_part_and_drop(io_poller *p, io_atom *a, int flags)
{
    read_part(p, a, flags);
    CHECK_EQ(io_set(p, a, 0), 0);
}

/* It drops IO_READ and thinks better of it. */
static void drop_and_set(io_poller *p, io_atom *a, int flags)
{
    read_part(p, a, flags);
    CHECK_EQ(io_set(p, a, IO_WRITE), 0);
    CHECK_EQ(io_set(p, a, IO_READ), 0);
}

/* An io_set that fails has changed nothing (IO-ERROR-2). */
static void read_part_and_fail(io_poller *p, io_atom *a, int flags)
{
    read_part(p, a, flags);
    CHECK_ERROR(io_set(p, a, 0x40), -EINVAL);
}

static void remove_self(io_poller *p, io_atom *a, int flags)
{
    (void)flags;
    CHECK_EQ(io_remove(p, a), 0);
}

static void remove_and_add(io_poller *p, io_atom *a, int flags)
{
    remove_self(p, a, flags);
    CHECK_EQ(io_add(p, a, IO_READ), 0);
}

static void close_raw(io_poller *p, io_atom *a, int flags)
{
    (void)p;
    (void)flags;
    unit_close(a->fd);
}

static void remove_add_and_close(io_poller *p, io_atom *a, int flags)
{
    remove_and_add(p, a, flags);
    close_raw(p, a, flags);
}

static void write_nothing(io_poller *p, io_atom *a, int flags)
{
    (void)p;
    (void)a;
    (void)flags;
}

static void write_all(io_poller *p, io_atom *a, int flags)
{
    static const char bytes[4096];
    size_t size;
    (void)flags;
    while (io_write(p, a, bytes, sizeof(bytes), &size) == 0) {
    }
}

static void write_and_drop(io_poller *p, io_atom *a, int flags)
{
    size_t size;
    (void)flags;
    CHECK_EQ(io_write(p, a, "rest", 4, &size), 0);
    CHECK_EQ(io_set(p, a, 0), 0);
}

static void raw_write(io_poller *p, io_atom *a, int flags)
{
    (void)p;
    (void)flags;
    (void)unit_fill(a->fd);
}

/* --- input that was left --- */

/* The options by which what edge mode does not tell again is a mistake. */
static int strict(const unit_config *config)
{
    return unit_is_edge(config) ? IO_AUDIT_HERE : IO_AUDIT_PORTABLE;
}

static void part_of_a_pipe(const unit_config *config)
{
    CLAUSE("IO-AUDIT-3");
    CLAUSE("IO-AUDIT-8");
    begin(config, strict(config), read_part, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    check_found(IO_AUDIT_LEFT_READY, IO_READ, IO_READ, IO_READ, REST);
    end();
    CLAUSE("IO-AUDIT-5"); /* in level mode it is told again */
    begin(config, IO_AUDIT_HERE, read_part, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, unit_is_edge(config));
    end();
}

/* Input of this descriptor is left by the handler: so many bytes of it. */
static void input_left(const unit_config *config, io_fd fd, io_proc proc, int bytes)
{
    begin_audit(config, strict(config));
    add(&atom, fd, proc, IO_READ);
    unit_ready(fd, POLLIN);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    check_found(IO_AUDIT_LEFT_READY, IO_READ, IO_READ, IO_READ, bytes);
    kit_end(&poller);
}

static void close_object(object o)
{
    unit_close(o.fd);
    if (o.peer >= 0) {
        unit_close(o.peer);
    }
}

static void part_of_a_stream(const unit_config *config)
{
    CLAUSE("IO-AUDIT-3");
    CLAUSE("IO-AUDIT-8");
    for (int tcp = 0; tcp < 2; tcp++) {
        for (int ends = 0; ends < 2; ends++) { /* the end of the stream behind it, or not */
            object o = tcp ? object_tcp() : object_unix(SOCK_STREAM);
            kit_put(o.peer, SIZE);
            if (ends) {
                CHECK(shutdown(o.peer, SHUT_WR) == 0);
                unit_ready(o.fd, POLLRDHUP);
            }
            input_left(config, o.fd, read_part, REST);
            close_object(o);
        }
    }
}

/* Of datagrams the first tells its size; an empty one is input, too. */
static void one_of_two_datagrams(const unit_config *config)
{
    CLAUSE("IO-AUDIT-3");
    CLAUSE("IO-AUDIT-8");
    for (int size = 0; size <= 7; size += 7) {
        object o = object_unix(SOCK_DGRAM);
        kit_put(o.peer, SIZE);
        CHECK_EQ(send(o.peer, "another", (size_t)size, 0), size);
        kit_put(o.peer, SIZE);
        input_left(config, o.fd, read_part, size);
        close_object(o);
    }
}

/* What FIONREAD does not count. */
static void one_of_a_counter(const unit_config *config)
{
    CLAUSE("IO-AUDIT-3");
    CLAUSE("IO-AUDIT-8");
    io_fd fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(fd >= 0);
    input_left(config, fd, read_part, -1);
    unit_close(fd);
}

static void accept_one(io_poller *p, io_atom *a, int flags)
{
    unit_atom server;
    (void)flags;
    CHECK_EQ(io_socket_accept(p, &server.io, unit_note, IO_READ, a, NULL), 0);
    CHECK_EQ(io_close(p, &server.io), 0);
}

static void accept_all(io_poller *p, io_atom *a, int flags)
{
    unit_atom server;
    (void)flags;
    while (io_socket_accept(p, &server.io, unit_note, IO_READ, a, NULL) == 0) {
        CHECK_EQ(io_close(p, &server.io), 0);
    }
}

static void one_accept_of_two(const unit_config *config)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    object o = object_tcp_waiting();
    CLAUSE("IO-AUDIT-3");
    CHECK(getsockname(o.fd, (struct sockaddr *)&address, &size) == 0);
    io_fd other = object_socket(SOCK_STREAM);
    CHECK(connect(other, (struct sockaddr *)&address, sizeof(address)) == 0 ||
          errno == EINPROGRESS);
    unit_ready(other, POLLOUT);
    input_left(config, o.fd, accept_one, -1);
    unit_close(other);
    close_object(o);
}

/* Out-of-band data that nobody took; when it was taken, nobody said so. */
static void urgent_nothing(io_poller *p, io_atom *a, int flags)
{
    (void)p;
    (void)a;
    CHECK_EQ(flags, IO_EXCEPT);
}

static void urgent_taken(io_poller *p, io_atom *a, int flags)
{
    char byte;
    urgent_nothing(p, a, flags);
    CHECK_EQ(recv(a->fd, &byte, 1, MSG_OOB), 1);
}

static void urgent_noted(io_poller *p, io_atom *a, int flags)
{
    urgent_taken(p, a, flags);
    CHECK_EQ(io_exhausted(p, a, IO_EXCEPT), 0);
}

static void urgent_data(const unit_config *config)
{
    static const io_proc procs[] = {urgent_nothing, urgent_taken, urgent_noted};
    CLAUSE("IO-AUDIT-3");
    CLAUSE("IO-AUDIT-4");
    for (int i = 0; i < 3; i++) {
        object o = object_tcp_urgent();
        begin_audit(config, IO_AUDIT_HERE);
        add(&atom, o.fd, procs[i], IO_EXCEPT);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        if (i == 0 && unit_is_edge(config)) {
            check_found(IO_AUDIT_LEFT_READY, IO_EXCEPT, IO_EXCEPT, IO_EXCEPT, -1);
        }
        if (i == 1 && unit_is_emulated(config)) {
            check_found(IO_AUDIT_NOT_NOTED, IO_EXCEPT, IO_EXCEPT, IO_EXCEPT, -1);
        }
        CHECK_EQ(found_count, 0);
        kit_end(&poller);
        close_object(o);
    }
}

/* --- EAGAIN that the library did not see --- */

static void raw_reads(const unit_config *config)
{
    static const io_proc procs[] = {raw_read, read_exactly};
    CLAUSE("IO-AUDIT-4");
    CLAUSE("IO-AUDIT-5");
    for (int i = 0; i < 2; i++) {
        begin(config, IO_AUDIT_HERE, procs[i], IO_READ);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        if (unit_is_emulated(config)) {
            check_found(IO_AUDIT_NOT_NOTED, IO_READ, IO_READ, IO_READ, 0);
            kit_put(fds[1], 1); /* and that is so: nobody is told of more */
            CHECK_EQ(io_wait(&poller, 0), 0);
        }
        CHECK_EQ(found_count, 0);
        end();
        begin(config, IO_AUDIT_PORTABLE, procs[i], IO_READ);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        check_found(IO_AUDIT_NOT_NOTED, IO_READ, IO_READ, IO_READ, 0);
        end();
    }
}

/* It may be named for what came after its EAGAIN; nothing else is said of it. */
static void raw_read_in_a_race(const unit_config *config)
{
    CLAUSE("IO-AUDIT-9");
    begin(config, IO_AUDIT_PORTABLE, raw_read_and_more_comes, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK(found_count <= 1);
    CHECK(found_count == 0 || (found[0].kind == IO_AUDIT_LEFT_READY && found[0].left_bytes == 1));
    end();
}

/* --- writing --- */

/* Told IO_WRITE alone. */
static void writer(const unit_config *config, int options, io_proc proc)
{
    begin_audit(config, options);
    unit_pipe(fds);
    add(&atom, fds[1], proc, IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
}

/* To leave IO_WRITE enabled is right in edge mode, and is no sign of more to be written. */
static void writes_are_not_judged_here(const unit_config *config)
{
    static const io_proc procs[] = {write_nothing, write_all, write_and_drop, raw_write};
    CLAUSE("IO-AUDIT-5");
    for (int i = 0; i < 4; i++) {
        writer(config, IO_AUDIT_HERE, procs[i]);
        CHECK_EQ(found_count, 0);
        end();
    }
}

/* In level mode it is told for ever; and if there was more to be written, edge mode stalls. */
static void writes_everywhere(const unit_config *config)
{
    CLAUSE("IO-AUDIT-5");
    writer(config, IO_AUDIT_PORTABLE, write_nothing);
    check_found(IO_AUDIT_LEFT_READY, IO_WRITE, IO_WRITE, IO_WRITE, -1);
    end();
    writer(config, IO_AUDIT_PORTABLE, raw_write);
    check_found(IO_AUDIT_NOT_NOTED, IO_WRITE, IO_WRITE, IO_WRITE, -1);
    end();
    CLAUSE("IO-AUDIT-2");
    writer(config, IO_AUDIT_PORTABLE, write_all);
    CHECK_EQ(found_count, 0);
    end();
    writer(config, IO_AUDIT_PORTABLE, write_and_drop);
    CHECK_EQ(found_count, 0);
    end();
}

/* An error makes IO_WRITE ready, too, though there is no room (IO-EVENT-3). */
static void broken_pipe(const unit_config *config)
{
    object o = object_pipe_full_broken();
    CLAUSE("IO-AUDIT-5");
    begin_audit(config, IO_AUDIT_PORTABLE);
    add(&atom, o.fd, write_nothing, IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    check_found(IO_AUDIT_LEFT_READY, IO_WRITE, IO_WRITE, IO_WRITE, -1);
    kit_end(&poller);
    close_object(o);
}

/* Both kinds at once: it reads to the end without a word, and has not written. */
static void two_findings(const unit_config *config)
{
    CLAUSE("IO-AUDIT-5");
    CLAUSE("IO-AUDIT-10");
    begin_audit(config, IO_AUDIT_PORTABLE);
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[1], SIZE);
    add(&atom, fds[0], raw_read, IO_READ | IO_WRITE);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 2);
    CHECK_EQ(found[0].kind, IO_AUDIT_LEFT_READY);
    CHECK_EQ(found[0].left, IO_WRITE);
    CHECK_EQ(found[0].left_bytes, -1);
    CHECK_EQ(found[1].kind, IO_AUDIT_NOT_NOTED);
    CHECK_EQ(found[1].left, IO_READ);
    CHECK_EQ(found[1].told, IO_READ | IO_WRITE);
    end();
}

/* --- ends and closing --- */

static void read_end(io_poller *p, io_atom *a, int flags)
{
    char bytes[64];
    size_t size;
    int result = 0;
    (void)flags;
    while (result == 0) {
        result = io_read(p, a, bytes, sizeof(bytes), &size);
    }
    CHECK_EQ(result, -EPIPE);
}

static void read_end_and_drop(io_poller *p, io_atom *a, int flags)
{
    read_end(p, a, flags);
    CHECK_EQ(io_set(p, a, 0), 0);
}

/* An end that was seen, and is of interest all the same, harms only in level mode. */
static void end_of_file(const unit_config *config)
{
    CLAUSE("IO-AUDIT-5");
    for (int i = 0; i < 8; i++) {
        int portable = i & 1 ? IO_AUDIT_PORTABLE : IO_AUDIT_HERE;
        object o = i & 2 ? object_pipe_data_end() : object_unix_half();
        io_proc proc = i & 4 ? read_end_and_drop : read_end;
        begin_audit(config, portable);
        add(&atom, o.fd, proc, IO_READ);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        if (portable && proc == read_end) {
            check_found(IO_AUDIT_LEFT_READY, IO_READ, IO_READ, IO_READ, 0);
        }
        CHECK_EQ(found_count, 0);
        CLAUSE("IO-AUDIT-7"); /* nor is it forgotten, when nobody asks for it any more */
        if (proc == read_end_and_drop || unit_is_edge(config)) {
            CHECK_EQ(io_audit_idle(&audit), 0);
        }
        kit_end(&poller);
        close_object(o);
    }
}

static void closed(const unit_config *config)
{
    CLAUSE("IO-AUDIT-6");
    for (int options = IO_AUDIT_HERE; options <= IO_AUDIT_PORTABLE; options++) {
        begin(config, options, close_raw, IO_READ);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        check_found(IO_AUDIT_CLOSED, IO_READ, IO_READ, 0, -1);
        CLAUSE("IO-AUDIT-7");
        while (io_wait(&poller, 0) > 0) { /* on select and poll it is told once more */
            CHECK_EQ(io_next(&poller, &(io_event){NULL, 0}), 1);
        }
        CHECK_EQ(io_audit_idle(&audit), 1);
        check_found(IO_AUDIT_CLOSED, 0, IO_READ, 0, -1);
        kit_remove(&poller, &atom);
        CHECK_EQ(io_audit_idle(&audit), 0);
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* The callback was told of another registration than the one that is closed now. */
static void closed_after_adding(const unit_config *config)
{
    CLAUSE("IO-AUDIT-6");
    begin(config, IO_AUDIT_PORTABLE, remove_add_and_close, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0);
    kit_remove(&poller, &atom);
    kit_end(&poller);
    unit_close(fds[1]);
}

/* Another file has the number of a dead atom: the atom has nothing to do with it. */
static void dead_and_taken_over(const unit_config *config)
{
    io_fd other[2];
    CLAUSE("IO-AUDIT-6");
    if (kit_has_set(config)) {
        SKIP("on epoll, kqueue and uring nobody knows (IO-CLOSE-6)");
    }
    begin_audit(config, IO_AUDIT_PORTABLE);
    unit_pipe(fds);
    add(&atom, fds[0], write_nothing, IO_READ);
    unit_close(fds[0]);
    CHECK_EQ(io_wait(&poller, 0), 1); /* it is dead now (IO-CLOSE-5) */
    unit_pipe(other);
    CHECK_EQ(other[0], fds[0]);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    check_found(IO_AUDIT_CLOSED, IO_READ, IO_READ, 0, -1);
    kit_put(other[1], SIZE);
    CLAUSE("IO-AUDIT-7");
    CHECK_EQ(io_audit_idle(&audit), 1);
    check_found(IO_AUDIT_CLOSED, 0, IO_READ, 0, -1);
    kit_remove(&poller, &atom);
    unit_close(other[1]);
    end();
}

/* --- right handlers --- */

/* None of them is named, whatever it is judged by. */
static void right_handlers(const unit_config *config)
{
    static const io_proc procs[] = {
        read_all,          readv_all,         raw_read_noted,     read_all_and_more_comes,
        read_part_and_set, set_and_read_part, read_part_and_drop, drop_and_set,
        remove_self,       remove_and_add};
    CLAUSE("IO-AUDIT-2");
    for (size_t i = 0; i < 2 * sizeof(procs) / sizeof(procs[0]); i++) {
        begin(config, i % 2 ? IO_AUDIT_PORTABLE : IO_AUDIT_HERE, procs[i / 2], IO_READ);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        CHECK_EQ(found_count, 0);
        end();
    }
    begin(config, strict(config), read_part_and_fail, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 1);
    end();
}

/* A one-shot hands the rest to whoever asks for it again. */
static void oneshot_is_not_judged(const unit_config *config)
{
    CLAUSE("IO-AUDIT-2");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ | IO_ONESHOT);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0);
    end();
}

static void accepting(const unit_config *config)
{
    object o = object_tcp_waiting();
    CLAUSE("IO-AUDIT-2");
    begin_audit(config, IO_AUDIT_PORTABLE);
    add(&atom, o.fd, accept_all, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0);
    kit_end(&poller);
    close_object(o);
}

static unit_atom *heap; /* atoms in memory that is given back, so that a sanitizer sees a touch */

static void free_self(io_poller *p, io_atom *a, int flags)
{
    (void)flags;
    CHECK(a == &heap->io);
    CHECK_EQ(io_close(p, a), 0);
    free(heap);
    heap = NULL;
}

/* The number is another's, with input of its own, which that one has not been told yet. */
static unit_atom successor;

static void free_and_reuse(io_poller *p, io_atom *a, int flags)
{
    io_fd fd = a->fd;
    unit_close(fds[1]);
    free_self(p, a, flags);
    unit_pipe(fds);
    CHECK_EQ(fds[0], fd);
    kit_put(fds[1], SIZE);
    add(&successor, fds[0], read_all, IO_READ);
}

static void freed_in_own_callback(const unit_config *config)
{
    static const io_proc procs[] = {free_self, free_and_reuse};
    CLAUSE("IO-AUDIT-2");
    for (int i = 0; i < 2; i++) {
        begin_audit(config, IO_AUDIT_PORTABLE);
        unit_pipe(fds);
        kit_put(fds[1], SIZE);
        heap = malloc(sizeof(*heap));
        add(heap, fds[0], procs[i], IO_READ);
        CHECK_EQ(io_wait(&poller, 0), 1);
        CHECK_EQ(io_audit_dispatch(&audit), 1);
        CHECK_EQ(found_count, 0);
        CHECK(heap == NULL);
        if (i == 1) {
            CHECK_EQ(io_wait(&poller, 0), 1);
            CHECK_EQ(io_audit_dispatch(&audit), 1);
            CHECK_EQ(found_count, 0);
            unit_close(fds[0]);
        }
        kit_end(&poller);
        unit_close(fds[1]);
    }
}

/* --- forgotten --- */

static void interest_dropped(const unit_config *config)
{
    CLAUSE("IO-AUDIT-7");
    CLAUSE("IO-AUDIT-8");
    begin(config, IO_AUDIT_HERE, read_part_and_drop, IO_READ);
    CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0);
    CHECK_EQ(io_audit_idle(&audit), 1);
    check_found(IO_AUDIT_FORGOTTEN, 0, 0, IO_READ, REST);
    kit_set(&poller, &atom, IO_READ); /* remembered */
    CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
    CHECK_EQ(found_count, 0);
    CHECK_EQ(io_wait(&poller, 0), 1);
    end();
}

static void oneshot_not_armed(const unit_config *config)
{
    CLAUSE("IO-AUDIT-7");
    begin(config, IO_AUDIT_HERE, read_all, IO_READ | IO_ONESHOT);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(io_audit_idle(&audit), 0); /* it is silent, and there is nothing to be told */
    kit_put(fds[1], 1);
    CHECK_EQ(io_audit_idle(&audit), 1);
    check_found(IO_AUDIT_FORGOTTEN, 0, 0, IO_READ, 1);
    kit_set(&poller, &atom, IO_READ | IO_ONESHOT);
    CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
    CHECK_EQ(found_count, 0);
    end();
}

/* What a callback left is still forgotten later, where it is not told again. */
static void held_back(const unit_config *config)
{
    static const io_proc procs[] = {read_part, raw_read};
    CLAUSE("IO-AUDIT-7");
    for (int i = 0; i < 2; i++) {
        begin(config, IO_AUDIT_HERE, procs[i], IO_READ);
        CHECK_EQ(io_dispatch(&poller), 1); /* not audited: it makes no difference */
        if (i == 1) {
            kit_put(fds[1], REST);
        }
        if (unit_is_emulated(config) || (i == 0 && unit_is_edge(config))) {
            CHECK_EQ(io_audit_idle(&audit), 1);
            check_found(IO_AUDIT_FORGOTTEN, 0, IO_READ, IO_READ, REST);
        } else {
            CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
        }
        CHECK_EQ(found_count, 0);
        end();
    }
}

/* So many that one wait does not find all: only the last one's flag is told. */
static void many_and_one(const unit_config *config)
{
    enum { MANY = 130 };
    static unit_atom atoms[MANY];
    static io_fd pipes[MANY][2];
    CLAUSE("IO-AUDIT-7");
    begin_audit(config, IO_AUDIT_HERE);
    for (int i = 0; i < MANY; i++) {
        unit_pipe(pipes[i]);
        add(&atoms[i], pipes[i][0], read_all, IO_READ);
        kit_put(pipes[i][1], 1);
        kit_set(&poller, &atoms[i], i < MANY - 1 ? 0 : IO_READ);
    }
    CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
    CHECK_EQ(found_count, 0);
    kit_end(&poller);
    for (int i = 0; i < MANY; i++) {
        unit_close_pair(pipes[i]);
    }
}

/* It was idle; when the first is reported, input comes for the second, who will be told. */
static io_fd second[2];

static void put_to_second(const io_audit_finding *finding)
{
    CHECK(finding->atom == &atom.io);
    kit_put(second[1], 1);
}

static void input_between(const unit_config *config)
{
    unit_atom other;
    CLAUSE("IO-AUDIT-7");
    begin(config, IO_AUDIT_HERE, read_part_and_drop, IO_READ);
    unit_pipe(second);
    CHECK(second[0] > fds[0]);
    add(&other, second[0], read_all, IO_READ);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    on_found = put_to_second;
    CHECK_ERROR(io_audit_idle(&audit), -EAGAIN);
    check_found(IO_AUDIT_FORGOTTEN, 0, 0, IO_READ, REST);
    CHECK_EQ(io_wait(&poller, 0), 1);
    unit_close_pair(second);
    end();
}

/* --- the same as io_dispatch --- */

static unit_atom batch[4];
static io_fd batch_fds[4][2];
static int batch_calls;

static void begin_batch(const unit_config *config, io_proc proc)
{
    begin_audit(config, IO_AUDIT_PORTABLE);
    batch_calls = 0;
    for (int i = 0; i < 4; i++) {
        unit_pipe(batch_fds[i]);
        kit_put(batch_fds[i][1], SIZE);
        add(&batch[i], batch_fds[i][0], proc, IO_READ);
    }
    CHECK_EQ(io_wait(&poller, 0), 4);
}

static void end_batch(void)
{
    kit_end(&poller);
    for (int i = 0; i < 4; i++) {
        unit_close_pair(batch_fds[i]);
    }
}

/* The first that is called takes the others' events away: one each way. */
static void take_from_others(io_poller *p, io_atom *a, int flags)
{
    int ways = 0;
    CHECK_EQ(flags, IO_READ);
    CHECK_EQ(batch_calls++, 0);
    for (int i = 0; i < 4; i++) {
        if (&batch[i].io == a) {
            continue;
        }
        if (ways++ == 0) {
            CHECK_EQ(io_set(p, &batch[i].io, 0), 0);
            continue;
        }
        CHECK_EQ(io_remove(p, &batch[i].io), 0);
        memset(&batch[i], 0x55, sizeof(batch[i])); /* as if it had been freed */
        if (ways == 3) { /* and another one gets the number: its turn is after the next wait */
            unit_atom_init(&successor, batch_fds[i][0]);
            CHECK_EQ(io_add(p, &successor.io, IO_READ), 0);
        }
    }
    read_all(p, a, flags);
}

static void rest_of_a_batch(const unit_config *config)
{
    CLAUSE("IO-AUDIT-1");
    begin_batch(config, take_from_others);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(batch_calls, 1);
    CHECK_EQ(found_count, 0);
    CHECK_EQ(successor.calls, 0);
    CHECK_EQ(io_audit_dispatch(&audit), 0);
    CHECK_EQ(unit_told(&poller, &successor, 0), IO_READ);
    end_batch();
}

/* What is refused inside a callback. */
static void check_refused(io_poller *p)
{
    io_event event;
    CHECK_ERROR(io_dispatch(p), -EBUSY);
    CHECK_ERROR(io_wait(p, 0), -EBUSY);
    CHECK_ERROR(io_next(p, &event), -EBUSY);
    CHECK_ERROR(io_poller_dispose(p), -EBUSY);
    CHECK_ERROR(io_poller_after_fork(p), -EBUSY);
    CHECK_ERROR(io_audit_dispatch(&audit), -EBUSY);
    CHECK_ERROR(io_audit_idle(&audit), -EBUSY);
}

static void refused_in_callback(io_poller *p, io_atom *a, int flags)
{
    check_refused(p);
    batch_calls++;
    read_part(p, a, flags);
}

static void refused_in_finding(const io_audit_finding *finding)
{
    CHECK_EQ(found_count, batch_calls); /* before the next callback */
    check_refused(&poller);
    CHECK_EQ(io_remove(&poller, finding->atom), 0);
    CHECK_EQ(io_add(&poller, finding->atom, 0), 0);
}

static void refused_in_idle_finding(const io_audit_finding *finding)
{
    check_refused(&poller);
    CHECK_EQ(io_remove(&poller, finding->atom), 0);
}

static void refused(const unit_config *config)
{
    CLAUSE("IO-AUDIT-10");
    CLAUSE("IO-AUDIT-11");
    begin_batch(config, refused_in_callback);
    on_found = refused_in_finding;
    CHECK_EQ(io_audit_dispatch(&audit), 4);
    CHECK_EQ(found_count, 4);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            CHECK(found[i].atom != found[k].atom);
        }
    }
    found_count = 0;
    on_found = refused_in_idle_finding;
    CHECK_EQ(io_audit_idle(&audit), 4);
    CHECK_EQ(found_count, 4);
    CHECK_EQ(io_audit_idle(&audit), 0);
    end_batch();
}

/* The caller's function frees what it is told of, between two findings of one callback; a second one
 * would be of memory that is gone. */
static void free_found(const io_audit_finding *finding)
{
    CHECK(finding->atom == &heap->io);
    CHECK_EQ(io_remove(&poller, finding->atom), 0);
    free(heap);
    heap = NULL;
}

static void freed_by_finding(const unit_config *config)
{
    CLAUSE("IO-AUDIT-10");
    begin_audit(config, IO_AUDIT_PORTABLE);
    unit_unix_pair(fds, SOCK_STREAM);
    kit_put(fds[1], SIZE);
    heap = malloc(sizeof(*heap));
    add(heap, fds[0], raw_read, IO_READ | IO_WRITE);
    on_found = free_found;
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 1);
    CHECK_EQ(io_audit_idle(&audit), 0);
    end();
}

/* What it finds can be mended there: io_set tells the rest (IO-SET-2). */
static void set_found(const io_audit_finding *finding)
{
    CHECK_EQ(io_set(&poller, finding->atom, finding->interest), 0);
}

static void mended_by_finding(const unit_config *config)
{
    CLAUSE("IO-AUDIT-10");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ);
    on_found = set_found;
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 1);
    CHECK_EQ(io_wait(&poller, 0), 1);
    end();
}

/* Changes of the interest that need no system call make none in an audited callback, either. */
static void drain_and_set(io_poller *p, io_atom *a, int flags)
{
    read_all(p, a, flags);
    int before = spy_controls();
    CHECK_EQ(io_set(p, a, 0), 0);
    CHECK_EQ(io_set(p, a, IO_READ), 0);
    CHECK_EQ(spy_controls(), before);
}

static void masks_are_free(const unit_config *config)
{
    CLAUSE("IO-AUDIT-1");
    begin(config, IO_AUDIT_PORTABLE, drain_and_set, IO_READ);
    spy_reset();
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(spy_controls(), 0);
    CHECK_EQ(found_count, 0);
    /* And no trace of the audit is left: an edge is told, once. */
    CHECK_EQ(poller.core.slots[fds[0]].kernel, IO_READ);
    kit_put(fds[1], 1);
    CHECK_EQ(io_wait(&poller, 0), 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(io_wait(&poller, 0), 0);
    end();
}

/* --- errors --- */

static void kernel_refuses(const unit_config *config)
{
    CLAUSE("IO-AUDIT-12");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ);
    spy_reset();
    spy_fail(&spy.poll, ENOMEM, 0, 1);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 0); /* nothing is made up */
    kit_set(&poller, &atom, IO_READ);
    CHECK_EQ(io_wait(&poller, 0), 1);
    spy_reset();
    spy_fail(&spy.poll, EINTR, 0, 2); /* but a signal is no refusal */
    found_count = 0;
    kit_put(fds[1], SIZE);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(found_count, 1);
    CLAUSE("IO-AUDIT-7");
    kit_set(&poller, &atom, 0);
    spy_reset();
    spy_fail(spy_wait_of(config), ENOMEM, 0, 1);
    CHECK_ERROR(io_audit_idle(&audit), -ENOMEM);
    end();
}

static void bad_arguments(const unit_config *config)
{
    io_poller none = {0};
    CLAUSE("IO-AUDIT-11");
    begin(config, IO_AUDIT_PORTABLE, read_part, IO_READ);
    io_audit before = audit;
    CHECK_ERROR(io_audit_begin(NULL, &poller, 0, note_finding, NULL), -EINVAL);
    CHECK_ERROR(io_audit_begin(&audit, NULL, 0, note_finding, NULL), -EINVAL);
    CHECK_ERROR(io_audit_begin(&audit, &none, 0, note_finding, NULL), -EINVAL);
    CHECK_ERROR(io_audit_begin(&audit, &poller, 0, NULL, NULL), -EINVAL);
    CHECK_ERROR(io_audit_begin(&audit, &poller, 2, note_finding, NULL), -EINVAL);
    CHECK_ERROR(io_audit_begin(&audit, &poller, -1, note_finding, NULL), -EINVAL);
    CHECK(memcmp(&before, &audit, sizeof(audit)) == 0);
    CHECK_ERROR(io_audit_dispatch(NULL), -EINVAL);
    CHECK_ERROR(io_audit_idle(NULL), -EINVAL);
    CHECK_EQ(io_audit_dispatch(&audit), 1);
    CHECK_EQ(io_poller_dispose(&poller), 0);
    CHECK_ERROR(io_audit_dispatch(&audit), -EINVAL);
    CHECK_ERROR(io_audit_idle(&audit), -EINVAL);
    CHECK(strcmp(io_audit_name(IO_AUDIT_LEFT_READY), "left ready") == 0);
    CHECK(strcmp(io_audit_name(IO_AUDIT_NOT_NOTED), "not noted") == 0);
    CHECK(strcmp(io_audit_name(IO_AUDIT_FORGOTTEN), "forgotten") == 0);
    CHECK(strcmp(io_audit_name(IO_AUDIT_CLOSED), "closed") == 0);
    CHECK(strcmp(io_audit_name(0), "none") == 0 && strcmp(io_audit_name(5), "none") == 0);
    unit_close_pair(fds);
}

static const unit_test tests[] = {
    {"part_of_a_pipe", "IO-AUDIT-3 IO-AUDIT-5 IO-AUDIT-8", part_of_a_pipe, UNIT_EACH},
    {"part_of_a_stream", "IO-AUDIT-3 IO-AUDIT-8", part_of_a_stream, UNIT_EACH},
    {"one_of_two_datagrams", "IO-AUDIT-3 IO-AUDIT-8", one_of_two_datagrams, UNIT_EACH},
    {"one_of_a_counter", "IO-AUDIT-3 IO-AUDIT-8", one_of_a_counter, UNIT_EACH},
    {"one_accept_of_two", "IO-AUDIT-3", one_accept_of_two, UNIT_EACH},
    {"urgent_data", "IO-AUDIT-3 IO-AUDIT-4", urgent_data, UNIT_EACH},
    {"raw_reads", "IO-AUDIT-4 IO-AUDIT-5", raw_reads, UNIT_EACH},
    {"raw_read_in_a_race", "IO-AUDIT-9", raw_read_in_a_race, UNIT_EACH},
    {"writes_are_not_judged_here", "IO-AUDIT-5", writes_are_not_judged_here, UNIT_EACH},
    {"writes_everywhere", "IO-AUDIT-2 IO-AUDIT-5", writes_everywhere, UNIT_EACH},
    {"broken_pipe", "IO-AUDIT-5", broken_pipe, UNIT_EACH},
    {"two_findings", "IO-AUDIT-5 IO-AUDIT-10", two_findings, UNIT_EACH},
    {"end_of_file", "IO-AUDIT-5 IO-AUDIT-7", end_of_file, UNIT_EACH},
    {"closed", "IO-AUDIT-6 IO-AUDIT-7", closed, UNIT_EACH},
    {"closed_after_adding", "IO-AUDIT-6", closed_after_adding, UNIT_EACH},
    {"dead_and_taken_over", "IO-AUDIT-6 IO-AUDIT-7", dead_and_taken_over, UNIT_EACH},
    {"right_handlers", "IO-AUDIT-2", right_handlers, UNIT_EACH},
    {"oneshot_is_not_judged", "IO-AUDIT-2", oneshot_is_not_judged, UNIT_EACH},
    {"accepting", "IO-AUDIT-2", accepting, UNIT_EACH},
    {"freed_in_own_callback", "IO-AUDIT-2", freed_in_own_callback, UNIT_EACH},
    {"interest_dropped", "IO-AUDIT-7 IO-AUDIT-8", interest_dropped, UNIT_EACH},
    {"oneshot_not_armed", "IO-AUDIT-7", oneshot_not_armed, UNIT_EACH},
    {"held_back", "IO-AUDIT-7", held_back, UNIT_EACH},
    {"many_and_one", "IO-AUDIT-7", many_and_one, UNIT_EACH},
    {"input_between", "IO-AUDIT-7", input_between, UNIT_EACH},
    {"rest_of_a_batch", "IO-AUDIT-1", rest_of_a_batch, UNIT_EACH},
    {"refused", "IO-AUDIT-10 IO-AUDIT-11", refused, UNIT_EACH},
    {"freed_by_finding", "IO-AUDIT-10", freed_by_finding, UNIT_EACH},
    {"mended_by_finding", "IO-AUDIT-10", mended_by_finding, UNIT_EACH},
    {"masks_are_free", "IO-AUDIT-1", masks_are_free, UNIT_EACH},
    {"kernel_refuses", "IO-AUDIT-7 IO-AUDIT-12", kernel_refuses, UNIT_EACH},
    {"bad_arguments", "IO-AUDIT-11", bad_arguments, UNIT_EACH},
    {NULL, NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests);
}
