#!/usr/bin/env bash
# Usage: determinism_test.sh REPLAY FILE...
# Each input twice in one process and once in a process of its own: the hash of its traces must be the same, or a
# failure that was found could not be found again. And a trace that is false on purpose must be noticed.
set -euo pipefail
replay=$1
shift
output=$TEST_TMPDIR/output
failed=0

fail()
{
    printf 'FAILED  %s\n' "$*"
    failed=1
}

# compare FILE...: 0 if all hashes are the same; says which are not.
compare()
{
    local file line alike=0
    if ! "$replay" --trace --repeat=2 "$@" >"$output" 2>&1; then
        grep '^replay: ' "$output" || cat "$output"
        return 1
    fi
    for file; do
        line=$("$replay" --trace "$file" | grep -E '^[0-9a-f]{16}  ')
        if ! grep -qxF -- "$line" "$output"; then
            printf '%s: another trace in a process of its own\n' "$file"
            alike=1
        fi
    done
    return "$alike"
}

(($#)) || fail "there is no input"
compare "$@" || fail "traces differ"
distinct=$(grep -oE '^[0-9a-f]{16}  ' "$output" | sort -u | wc -l)
((distinct > $# / 2)) || fail "only $distinct hashes of $# inputs: they tell nothing apart"

# The first run of a process is false: of the first input when there are two, and of each in a process of its own.
export IOATOM_TRACE_PERTURB=1
if compare "$1" >"$TEST_TMPDIR/told"; then fail "a false repetition was not noticed"; fi
grep -q "differs from the first" "$TEST_TMPDIR/told" || fail "a false repetition was not called that"
unset IOATOM_TRACE_PERTURB
"$replay" --trace --repeat=2 "$@" >"$output"
line=$(IOATOM_TRACE_PERTURB=1 "$replay" --trace "$1" | grep -E '^[0-9a-f]{16}  ')
if grep -qxF -- "$line" "$output"; then fail "a false run in a process of its own was not noticed"; fi

printf '%d inputs, %d different traces, each of them three times\n' $# "$distinct"
exit "$failed"
