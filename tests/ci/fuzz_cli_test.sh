#!/usr/bin/env bash
# ci/fuzz, ci/equivalence, ci/measure and ci/mutants on a copy of the tree: options and mistakes, a planted violation from
# the report to the replay, a fuzz target that does not work, an interruption.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
tree=$TEST_TMPDIR/tree
mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference ci fuzz lib tests "$tree"
rm -rf "$tree/fuzz/work" "$tree/fuzz/findings"
cd "$tree"

fuzz=(ci/fuzz --no-install)
mutants=(ci/mutants --no-install)
measure=(ci/measure --no-install)
expect "--help" 0 "Usage: ci/fuzz" ci/fuzz --help
expect "unknown option" 2 "unknown option or argument: --bogus" "${fuzz[@]}" --bogus
expect "argument too many" 2 "unknown option or argument: extra" "${fuzz[@]}" extra
expect "shortened option" 2 "unknown option" "${fuzz[@]}" --sec 5
expect "bad number" 2 "'3o' is not a whole number" "${fuzz[@]}" --seconds 3o
expect "zero seconds" 2 "'0' is not a whole number" "${fuzz[@]}" --seconds 0
expect "negative jobs" 2 "is not a whole number" "${fuzz[@]}" --jobs=-1
expect "missing argument" 2 "expected one argument" "${fuzz[@]}" --seconds
expect "unknown target" 2 "unknown target 'nobody'" "${fuzz[@]}" --target nobody
expect "missing file" 2 "there is no file 'missing'" "${fuzz[@]}" --replay missing
expect "a folder as file" 2 "'lib' is not a file" "${fuzz[@]}" --replay lib
expect "JSON nowhere" 2 "cannot write a file" "${fuzz[@]}" --json missing/file
expect "missing corpus" 2 "there is no folder 'missing'" "${fuzz[@]}" --corpus missing
expect "mutants --help" 0 "Usage: ci/mutants" ci/mutants --help
expect "mutants, unknown option" 2 "unknown option or argument: --bogus" "${mutants[@]}" --bogus
expect "measure --help" 0 "Usage: ci/measure" ci/measure --help
expect "measure, unknown option" 2 "unknown option or argument: --bogus" "${measure[@]}" --bogus
expect "measure, unknown target" 2 "unknown target 'nobody'" "${measure[@]}" --target nobody

patches=(tests/mutants/*.patch)
patch=${patches[0]}
expect "mutants, unknown mutant" 2 "there is no mutant 'Q0'" "${mutants[@]}" --only Q0
expect "mutants --list" 0 "dispatch_sim_fuzzer" "${mutants[@]}" --list
mechanical=("${mutants[@]}" --mechanical)
expect "mechanical, unknown option" 2 "unknown option or argument: --fresh" "${mechanical[@]}" --fresh
expect "mechanical, unknown mutant" 2 "there is no mutant 'lib/core/nothing.c'" "${mechanical[@]}" --only lib/core/nothing.c
expect "mechanical --list" 0 "x & y => x | y" "${mechanical[@]}" --list --only lib/core/bits.h

# A violation, from its report to its replay.
git() { GIT_CEILING_DIRECTORIES=$TEST_TMPDIR command git "$@"; }
git apply -p1 "$patch"
expect "a planted bug" 1 "VIOLATION in dispatch_fuzzer on " \
    "${fuzz[@]}" --target dispatch_fuzzer --seconds 10 --json result.json
also "the program" '^  The program:$'
also "the reproducer" '^  saved in fuzz/findings/dispatch_fuzzer-[a-z+]+-[0-9a-f]{12}\.bin'
also "the command" '^  replay: ci/fuzz --replay fuzz/findings/'
also "the verdict" '^VIOLATION: '
expect "JSON" 0 violation python3 -c 'import json; print(json.load(open("result.json"))["verdict"])'
reproducers=(fuzz/findings/*.bin)
reproducer=${reproducers[0]}
expect "replay of bytes" 1 "VIOLATION in dispatch_fuzzer on " "${fuzz[@]}" --replay "$reproducer"
expect "measure with the bug" 1 "FAILED: dispatch_sim_fuzzer: violates IO-" "${measure[@]}"
expect "equivalence with the bug" 1 "VIOLATION clause=IO-" ci/equivalence --no-install
also "its verdict" '^FOUND: .* 1 VIOLATION$'
expect "replay of text" 1 "VIOLATION in dispatch_fuzzer on " "${fuzz[@]}" --replay "${reproducer%.bin}.iop"

git apply -p1 -R "$patch"
expect "equivalence without the bug" 0 "OK: " ci/equivalence --no-install
expect "replay without the bug" 0 "OK: " "${fuzz[@]}" --replay "$reproducer"
expect "measure" 0 "OK: dispatch_sim_fuzzer" "${measure[@]}" --repetitions 2 --executions 500 --json measured.json
also "its table" '^none +collected +[1-9]'
also "its table of configurations" '^uring\+level +[1-9][0-9,]* +[1-9][0-9,]*$'
expect "measure, JSON" 0 "ASan, UBSan seeds 2" python3 -c '
import json
row = json.load(open("measured.json"))["rows"][3]
print(row["sanitizers"], row["corpus"], row["repetitions"])'
expect "--list" 0 "dispatch_fuzzer  poll+level" "${fuzz[@]}" --list
expect "unknown configuration" 2 "unknown configuration 'nothing'" "${fuzz[@]}" --config nothing
printf 'this is no program\n' >bad.iop
expect "a text that is no program" 2 "bad.iop is not a program" "${fuzz[@]}" --replay bad.iop

# Ctrl-C: the table so far, nothing left behind.
TMPDIR=$(mktemp -d /tmp/ioatom-cli.XXXXXX) # short: a socket may be bound below it
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
status=0
timeout --preserve-status --signal=INT 6 "${fuzz[@]}" --seconds 40 >"$output" 2>&1 || status=$?
if [[ $status == 130 && -z $(ls "$TMPDIR") ]]; then
    also "interrupted" '^INTERRUPTED: '
else
    printf 'FAILED  interrupted: status %d, left behind: %s\n' "$status" "$(ls "$TMPDIR")"
    cat "$output"
    failed=1
fi

# A fuzz target that runs nothing must never look like one that finds nothing.
printf '#!/bin/sh\n[ -z "$IOATOM_FUZZ_LIST" ] || echo epoll+edge\n' >fuzz/work/out/dispatch_fuzzer
expect "a target that runs nothing" 2 "it executed nothing" "${fuzz[@]}" --target dispatch_fuzzer --seconds 2
printf 'exit 3\n' >>fuzz/work/out/dispatch_fuzzer
expect "a target that does not start" 2 "does not tell its configurations" "${fuzz[@]}" --target dispatch_fuzzer
exit "$failed"
