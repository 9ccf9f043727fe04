#!/usr/bin/env bash
# The flags that put the harness between the library and the kernel stand in fuzz/link.flags for fuzz/build.sh, and in
# fuzz/BUILD for Bazel. They must be the same, or one of the two builds counts no system calls.
set -euo pipefail
flags() { grep -oE -e '-Wl,--wrap=[a-z0-9_]+' "$1" | sort; }
if ! diff <(flags fuzz/link.flags) <(flags fuzz/BUILD); then
    printf 'fuzz/link.flags (<) and fuzz/BUILD (>) differ\n'
    exit 1
fi
[[ $(flags fuzz/BUILD | wc -l) -gt 0 ]] || { printf 'there are no such flags\n'; exit 1; }
printf '%d flags, the same in both\n' "$(flags fuzz/BUILD | wc -l)"
