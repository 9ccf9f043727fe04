#!/usr/bin/env bash
# usage: bsd_variants_test.sh COMPILER
# The library compiles against <sys/event.h> as each system with kqueue(2) has it: the members of struct kevent differ in
# type and size, filters are numbers of any sign, some systems have no filter for out-of-band data or none for the user, and
# macOS has no SOCK_NONBLOCK, accept4 and MSG_NOSIGNAL. The other headers are those of this machine: that the library
# compiles there is not shown by this.
set -euo pipefail
compiler=$1
. tests/build/sources.sh
work=$(mktemp -d "$TEST_TMPDIR/bsd.XXXXXX")
failed=0

# header NAME COUNT MACRO: what all have in common goes behind what comes in.
header()
{
    mkdir -p "$work/$1/sys"
    {
        cat
        printf '%s\n' \
            '#define EV_ADD 0x0001' '#define EV_DELETE 0x0002' '#define EV_ONESHOT 0x0010' '#define EV_CLEAR 0x0020' \
            '#define EV_RECEIPT 0x0040' '#define EV_ERROR 0x4000' '#define EV_EOF 0x8000' 'int kqueue(void);'
        printf 'int kevent(int, const struct kevent *, %s, struct kevent *, %s, const struct timespec *);\n' "$2" "$2"
    } >"$work/$1/sys/event.h"
    # Before all else: this machine's headers, then it is the other system.
    {
        printf '%s\n' '#define _GNU_SOURCE 1'
        printf '#include <%s>\n' arpa/inet.h errno.h fcntl.h limits.h netinet/in.h poll.h stddef.h stdint.h stdlib.h \
            string.h sys/ioctl.h sys/mman.h sys/select.h sys/socket.h sys/stat.h sys/time.h sys/types.h sys/uio.h sys/un.h \
            time.h unistd.h
        printf '%s\n' '#undef __linux__' "#define $3 1"
    } >"$work/$1/first.h"
}

header freebsd int __FreeBSD__ <<'END'
#include <stdint.h>
#include <time.h>
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-11)
#define NOTE_TRIGGER 0x01000000
struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    int64_t data;
    void *udata;
    uint64_t ext[4];
};
END

# Before NetBSD 10; the number of changes is a size_t.
header netbsd size_t __NetBSD__ <<'END'
#include <stdint.h>
#include <time.h>
#define EVFILT_READ 0U
#define EVFILT_WRITE 1U
#define EVFILT_USER 8U
#define NOTE_TRIGGER 0x01000000U
struct kevent {
    uintptr_t ident;
    uint32_t filter;
    uint32_t flags;
    uint32_t fflags;
    int64_t data;
    intptr_t udata;
};
END

header openbsd int __OpenBSD__ <<'END'
#include <stdint.h>
#include <time.h>
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_EXCEPT (-9)
#define NOTE_OOB 0x0004
struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    int64_t data;
    void *udata;
};
END

header dragonfly int __DragonFly__ <<'END'
#include <stdint.h>
#include <time.h>
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_EXCEPT (-8)
#define EVFILT_USER (-9)
#define NOTE_OOB 0x0002
#define NOTE_TRIGGER 0x01000000
struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    intptr_t data;
    void *udata;
};
END

header macos int __APPLE__ <<'END'
#include <stdint.h>
#include <time.h>
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-10)
#define EVFILT_EXCEPT (-15)
#define NOTE_OOB 0x00000002
#define NOTE_TRIGGER 0x01000000
#pragma pack(4)
struct kevent {
    uintptr_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    intptr_t data;
    void *udata;
};
#pragma pack()
END
cat >>"$work/macos/first.h" <<'END'
#undef MSG_NOSIGNAL
#undef POLLRDHUP
#undef SOCK_CLOEXEC
#undef SOCK_NONBLOCK
#define SO_NOSIGPIPE 0x1022
END

# check SYSTEM FLAG...: every file compiles, without a word; the backend for kqueue is there, that for epoll is not.
check()
{
    local system=$1 source object calls
    shift
    mkdir -p "$work/$system/objects"
    while read -r source; do
        object=$work/$system/objects/${source//\//_}.o
        if ! "$compiler" -std=c11 -O1 -Wall -Wextra -Werror -Wshadow "-I$work/$system" -Ilib/include \
            -include "$work/$system/first.h" "$@" -c "$source" -o "$object" >"$work/messages" 2>&1; then
            printf 'FAILED  %s: %s\n' "$system" "$source"
            head -n 20 "$work/messages"
            failed=1
        fi
    done < <(io_sources && find lib/check -name '*.c')
    calls=$(nm --undefined-only "$work/$system/objects"/*.o | awk 'NF == 2 { print $2 }' | sort -u)
    for name in kqueue kevent poll select; do
        grep -qx "$name" <<<"$calls" || { printf 'FAILED  %s: no call of %s\n' "$system" "$name"; failed=1; }
    done
    if grep -E '^(epoll_|accept4$)' <<<"$calls" | grep -vx "${foreign:-accept4}"; then
        printf 'FAILED  %s: calls what it does not have\n' "$system"
        failed=1
    fi
    ((failed)) || printf 'ok      %s\n' "$system"
}

for checked in '' -DIO_CHECK; do
    check freebsd $checked
    check netbsd $checked
    check openbsd $checked
    check dragonfly $checked
    foreign=none check macos $checked
done
exit "$failed"
