#!/usr/bin/env bash
# usage: no_bazel_test.sh COMPILER
# Builds an example with one compiler command and no build system, for all backends and for each one alone, and runs it.
# The plain command must not print anything either: a newcomer's first build has no warnings.
set -euo pipefail
compiler=$1
. tests/build/sources.sh
work=$(mktemp -d "$TEST_TMPDIR/build.XXXXXX")
failed=0

# build_and_run NAME FLAG...
build_and_run()
{
    local name=$1 problem=
    shift
    if ! io_compile "$compiler" lib/examples/hello.c "$work/hello" "$@" >"$work/messages" 2>&1; then
        problem="does not compile"
    elif [[ -s $work/messages ]]; then
        problem="the compiler has something to say"
    elif ! timeout 20 "$work/hello" >"$work/messages" 2>&1; then
        problem="the program failed"
    fi
    if [[ $problem ]]; then
        printf 'FAILED  %s: %s\n' "$name" "$problem"
        head -n 30 "$work/messages"
        failed=1
    else
        printf 'ok      %s: %s\n' "$name" "$(head -n 1 "$work/messages")"
    fi
}

build_and_run "plain"
strict=(-O2 -Wall -Wextra -Werror)
build_and_run "all backends" "${strict[@]}"
for backend in EPOLL POLL SELECT; do # io_uring is not offered by every kernel: not alone
    build_and_run "only ${backend,,}" "${strict[@]}" "-DUSE_$backend"
done
build_and_run "poll and select" "${strict[@]}" -DUSE_POLL -DUSE_SELECT
build_and_run "uring and poll" "${strict[@]}" -DUSE_URING -DUSE_POLL
exit "$failed"
