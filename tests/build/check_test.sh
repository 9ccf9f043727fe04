#!/usr/bin/env bash
# Without -DIO_CHECK the checks of lib/check are not there, and the library never knows of them; and every invariant that
# they name is one that a test breaks.
set -euo pipefail
shopt -s nullglob
work=$(mktemp -d "$TEST_TMPDIR/check.XXXXXX")
failed=0

complain()
{
    printf 'FAILED  %s\n' "$*"
    failed=1
}

# names FILE...: of invariants, as strings
names()
{
    grep -ohE '"(core|poller|poll|select|epoll|kqueue|uring|timers)\.[a-z_]+"' "$@" | sort -u
}

sources=(lib/check/*.c)
((${#sources[@]})) || complain "no sources in lib/check"
for source in "${sources[@]}"; do
    gcc -std=c11 -Ilib/include -c "$source" -o "$work/check.o"
    [[ ! $(nm --defined-only "$work/check.o") ]] || complain "$source without IO_CHECK: $(nm --defined-only "$work/check.o")"
done

# What only the checks include, and the list of names, may say IO_CHECK.
for file in $(grep -rlE 'IO_CHECK|check/|os_check\.h' --include='*.[ch]' lib); do
    case $file in
    lib/check/* | lib/os/os_check.h | lib/include/ioatom/sim_names.h) ;;
    *) complain "$file knows of the checks" ;;
    esac
done
[[ $(grep -cE '^# *if' lib/include/ioatom/sim_names.h) == 1 ]] || complain "sim_names.h has more than its include guard"

names "${sources[@]}" >"$work/named"
names tests/unit/check_*_test.c >"$work/tested"
comm -23 "$work/named" "$work/tested" >"$work/untested"
comm -13 "$work/named" "$work/tested" >"$work/unknown"
[[ ! -s $work/untested ]] || complain "no test breaks $(paste -sd ' ' "$work/untested")"
[[ ! -s $work/unknown ]] || complain "tests name what no check reports: $(paste -sd ' ' "$work/unknown")"
((failed)) || printf 'ok: %d invariants, each broken by a test\n' "$(wc -l <"$work/named")"
exit "$failed"
