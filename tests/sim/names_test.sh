#!/usr/bin/env bash
# usage: names_test.sh FILE...
# Of the files some are archives: the library over the simulated kernel, and its checks. What one defines for others begins
# with io_sim_, so that it can be linked with the other library; what it calls is in the list below, and no system call is.
set -euo pipefail
allowed=' _GLOBAL_OFFSET_TABLE_ __errno_location __stack_chk_fail __tls_get_addr bcmp getauxval getenv htons inet_pton memchr memcmp memcpy memmove memset ntohs strcmp strlen '

# check ARCHIVE: prints what is wrong with it, and fails if anything is.
check()
{
    local defined undefined name bad=0
    defined=$(nm --format=posix --extern-only --defined-only "$1" | awk 'NF > 1 { print $1 }' | sort -u)
    undefined=$(nm --format=posix --undefined-only "$1" | awk 'NF > 1 { print $1 }' | sort -u)
    if [[ -z $defined ]]; then
        printf '%s defines nothing\n' "$1"
        return 1
    fi
    while read -r name; do
        if [[ $name != io_sim_* ]]; then
            printf 'defines %s: add it to lib/include/ioatom/sim_names.h\n' "$name"
            bad=1
        fi
    done <<<"$defined"
    while read -r name; do
        if [[ $allowed != *" $name "* && $name != io_sim_* ]]; then
            printf 'calls %s\n' "$name"
            bad=1
        fi
    done < <(comm -13 <(printf '%s\n' "$defined") <(printf '%s\n' "$undefined"))
    return "$bad"
}

# refuse TEXT: an archive made of this C text is refused.
refuse()
{
    local work
    work=$(mktemp -d "$TEST_TMPDIR/names.XXXXXX")
    printf '%s\n' "$1" >"$work/probe.c"
    gcc -std=c11 -c "$work/probe.c" -o "$work/probe.o"
    ar rcs "$work/probe.a" "$work/probe.o"
    if check "$work/probe.a" >"$work/messages"; then
        printf 'FAILED  self-check: accepted: %s\n' "$1"
        exit 1
    fi
}

refuse 'int io_add(void) { return 0; }'
refuse '#include <unistd.h>
int io_sim_f(int fd) { return close(fd); }'

archives=0
for file; do
    if [[ $file == *.a ]]; then
        check "$file"
        printf 'ok: %s\n' "$file"
        archives=$((archives + 1))
    fi
done
if ((archives < 2)); then
    printf 'not two archives among: %s\n' "$*"
    exit 1
fi
