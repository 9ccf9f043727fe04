#!/usr/bin/env bash
# usage: no_allocation_test.sh ALLOWED FILE...
# Of the files one is the library's archive. Whatever it calls must be in the list ALLOWED, of functions that are known
# not to allocate; what it defines for others must begin with io_. Archives that break this are refused: shown first.
set -euo pipefail
allowed=$1
shift
work=$(mktemp -d "$TEST_TMPDIR/symbols.XXXXXX")

# check ARCHIVE: prints what is wrong with it, and fails if anything is.
check()
{
    local defined undefined foreign bad=0 name
    defined=$(nm --format=posix --extern-only --defined-only "$1" | awk 'NF > 1 { print $1 }' | sort -u)
    undefined=$(nm --format=posix --undefined-only "$1" | awk 'NF > 1 { print $1 }' | sort -u)
    if [[ -z $defined ]]; then
        printf '%s defines nothing\n' "$1"
        return 1
    fi
    while read -r name; do
        if [[ $name && $name != io_* ]]; then
            printf 'defines a symbol of another name space: %s\n' "$name"
            bad=1
        fi
    done <<<"$defined"
    foreign=$(comm -13 <(printf '%s\n' "$defined") <(printf '%s\n' "$undefined"))
    while read -r name; do
        if [[ $name ]] && ! grep -qxF -- "$name" "$allowed"; then
            printf 'calls %s, which is not in the list of functions that allocate nothing\n' "$name"
            bad=1
        fi
    done <<<"$foreign"
    return "$bad"
}

# expect refused|accepted, and the C text of an archive.
expect()
{
    local verdict=accepted
    printf '%s\n' "$2" >"$work/probe.c"
    gcc -std=c11 -O1 -c "$work/probe.c" -o "$work/probe.o"
    rm -f "$work/probe.a"
    ar rcs "$work/probe.a" "$work/probe.o"
    check "$work/probe.a" >"$work/messages" || verdict=refused
    if [[ $verdict != "$1" ]]; then
        printf 'FAILED  self-check: should be %s: %s\n' "$1" "$2"
        exit 1
    fi
}

expect accepted '#include <unistd.h>
int io_f(int fd) { char c; return (int)read(fd, &c, 1); }'
expect refused '#include <stdlib.h>
void *io_f(size_t n) { return malloc(n); }'
expect refused '#include <string.h>
char *strdup(const char *); char *io_f(const char *s) { return strdup(s); }'
expect refused '#include <stdio.h>
int io_f(char *s, int n) { return snprintf(s, 9, "%d", n); }'
expect refused 'int other_f(void) { return 0; }'
expect refused 'int other_variable = 1;'

for file; do
    if [[ $file == *.a ]]; then
        check "$file"
        printf 'ok: %s calls\n' "$file"
        nm --format=posix --undefined-only "$file" | awk 'NF > 1 && $1 !~ /^io_/ { print "    " $1 }' | sort -u
        exit 0
    fi
done
printf 'no archive among: %s\n' "$*"
exit 1
