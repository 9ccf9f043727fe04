#!/usr/bin/env bash
# Compiles and runs the first C example of README.md.
set -euo pipefail
. tests/build/sources.sh
work=$(mktemp -d "$TEST_TMPDIR/readme.XXXXXX")
if [[ ! -f README.md ]]; then
    printf 'no README.md\n'
    exit 1
fi
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```$/q' | sed '/^```/d' >"$work/app.c"
if [[ ! -s $work/app.c ]]; then
    printf 'README.md has no block of C\n'
    exit 1
fi
io_compile gcc "$work/app.c" "$work/app" -Wall -Wextra -Werror
printf 'hello\n' | timeout 20 "$work/app" >"$work/output"
if [[ $(cat "$work/output") != hello ]]; then
    printf 'it does not copy its input to its output\n'
    exit 1
fi
printf 'the example of %d lines compiles and runs\n' "$(wc -l <"$work/app.c")"
