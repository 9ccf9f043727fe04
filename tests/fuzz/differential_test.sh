#!/usr/bin/env bash
# Usage: differential_test.sh REPLAY FILE...
# That differential_fuzzer compares: of the seeds nearly everything, to the programs' ends; and that it notices a run
# that is another one.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
replay=$1
shift

expect "no difference" 0 "replayed $# inputs" "$replay" "$@"
pairs=0
while read -r first second compared of executed _; do
    [[ $of == of && $first == *+* ]] || continue
    pairs=$((pairs + 1))
    if ((executed >= 10 * $# && compared * 10 >= executed * 9)); then
        printf 'ok      %s and %s: %d of %d operations\n' "$first" "$second" "$compared" "$executed"
    else
        printf 'FAILED  %s and %s: only %d of %d operations are compared\n' "$first" "$second" "$compared" "$executed"
        failed=1
    fi
done <"$output"
if ((pairs < 9)); then
    printf 'FAILED  only %d pairs of configurations\n' "$pairs"
    failed=1
fi

# The first run of the third program, then its others: each is in a pair.
for run in 17 18 19 20 21 22 23 24; do
    expect "run $run is false" 134 "VIOLATION clause=differential" env IOATOM_TRACE_PERTURB=$run "$replay" "$@"
    also "the difference" '^=> '
done
exit "$failed"
