#!/usr/bin/env bash
# Usage: replay_test.sh REPLAY REPLAY_WITHOUT_PROGRAMS
# The options of fuzz/replay_main.c, and its exit codes.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
replay=$1
inputs=$TEST_TMPDIR/inputs
mkdir "$inputs" "$TEST_TMPDIR/empty"
printf 'open d0 d1 pipe\nadd a0 read\nturn\n' >"$inputs/short.iop"
printf 'on a0\ndrain a0\nend\nopen d0 d1 pipe\nadd a0 read\nsend d1 1\nturn\n' >"$inputs/long.iop"
printf 'this is no program\n' >"$TEST_TMPDIR/bad.iop"

expect "--help" 0 "usage: replay" "$replay" --help
expect "unknown option" 2 "unknown option --bogus" "$replay" --bogus "$inputs"
expect "no repetition" 2 "a number from 1 to" "$replay" --repeat=0 "$inputs"
expect "not a number" 2 "a number from 1 to" "$replay" --repeat=3x "$inputs"
expect "a missing file" 2 "missing: No such file" "$replay" "$TEST_TMPDIR/missing"
expect "no program" 1 "bad.iop:1: there is no such operation" "$replay" "$TEST_TMPDIR/bad.iop"
expect "nothing" 3 "replayed 0 inputs" "$replay" "$TEST_TMPDIR/empty"
expect "a folder" 0 "replayed 2 inputs" "$replay" "$inputs"
expect "a measurement" 0 "replayed 2 inputs" "$replay" --repeat=3 "$inputs"
also "the repetitions" '^repetitions  +3$'
also "the median" '^median length  +5  operations$'
also "the runs" '^runs  +60  each'
also "the rate" '^runs a second  +[1-9][0-9]*$'
also "the slowest" '^slowest input  +[0-9.]+  ms at its best: .*\.iop$'
expect "a trace" 0 "replayed 2 inputs" "$replay" --trace "$inputs"
also "the hash" '^[0-9a-f]{16}  .*/long.iop$'
expect "a target without programs" 2 "a target that runs no programs" "$2" --trace "$inputs"
expect "its figures" 0 "inputs a second" "$2" --repeat=2 "$inputs"
exit "$failed"
