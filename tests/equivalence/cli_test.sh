#!/usr/bin/env bash
# ci/equivalence on a copy of the tree: options and mistakes, its theorem, all seeds, the result for machines, a checker
# that does not work, an interruption. (tests/ci/fuzz_cli_test.sh lets it build, and gives it a broken library.)
set -euo pipefail
iop=$PWD/$2
# shellcheck source=tests/equivalence/tree.sh
. tests/equivalence/tree.sh
wrong=tests/equivalence/wrong/partial-read.iop
right=fuzz/corpus/equivalence_fuzzer/unix-echo.iop

expect "--help" 0 "Usage: ci/equivalence" ci/equivalence --help
expect "unknown option" 2 "unknown option or argument: --bogus" "${equivalence[@]}" --bogus
expect "shortened option" 2 "unknown option or argument: --js" "${equivalence[@]}" --js
expect "bad number" 2 "'3o' is not a whole number" "${equivalence[@]}" --jobs 3o
expect "missing file" 2 "there is no file 'missing.iop'" "${equivalence[@]}" missing.iop
expect "a folder as file" 2 "'lib' is not a file" "${equivalence[@]}" lib
expect "JSON nowhere" 2 "cannot write a file" "${equivalence[@]}" --json missing/file
expect "missing checker" 2 "there is no file 'missing'" ci/equivalence --no-install --binary missing
expect "unknown configuration" 2 "epoll+nothing: there is no such configuration" \
    "${equivalence[@]}" --config epoll+nothing "$right"
printf 'open d0 eventfd\nthis is no program\n' >bad.iop
expect "a text that is no program" 2 "bad.iop:2: " "${equivalence[@]}" bad.iop

expect "a program" 0 "OK: 1 program: 1 equivalent" "${equivalence[@]}" "$right"
expect "one configuration" 0 "OK: 1 program: 1 equivalent" "${equivalence[@]}" --config poll+edge "$right"
"$iop" encode "$right" right.bin >/dev/null
"$iop" encode "$wrong" wrong.bin >/dev/null
expect "bytes" 1 "FOUND: 2 programs: 1 equivalent, 1 leaves" "${equivalence[@]}" --json result.json right.bin wrong.bin
expect "JSON" 0 "found leaves a0 2 936 bytes 10 False True" python3 -c '
import json
data = json.load(open("result.json"))
program = data["programs"][1]
named = program["named"][0]
print(data["result"], program["verdict"], named["atom"], named["callback"], named["left"], named["unit"],
      len(named["seen_in"]), program["conclusions"]["same-bytes"]["held"], program["conclusions"]["no-stall"]["held"])'
expect "all seeds" 0 "OK: " "${equivalence[@]}" --json all.json
also "its table" '^equivalence_fuzzer/unix-echo.iop +equivalent +- +[1-9][0-9,]+$'
# A run in which nothing is compared would find nothing, either.
expect "each conclusion is compared" 0 "compared" python3 -c '
import json
programs = json.load(open("all.json"))["programs"]
assert sum(program["verdict"] == "equivalent" for program in programs) >= 50
for name in programs[0]["conclusions"]:
    assert sum(program["conclusions"][name]["compared"] > 0 for program in programs) >= 50, name
print("compared")'

# The theorem.
cp lib/SPEC.md spec
sed -i 's/^conclusion no-stall if faultless rests /conclusion no-stall if faultless /' lib/SPEC.md
expect "another theorem" 2 "only lib/SPEC.md states 'conclusion no-stall if faultless [IO-EQUIV-4]'" \
    "${equivalence[@]}" "$right"
grep -v '^hypothesis exhausts ' spec >lib/SPEC.md
expect "a hypothesis less" 2 "theorem.c has 'hypothesis exhausts [" "${equivalence[@]}" "$right"
grep -v '^- \*\*IO-EQUIV-3\*\*' spec >lib/SPEC.md
expect "a clause less" 2 "the theorem cites IO-EQUIV-3, which lib/SPEC.md does not define" "${equivalence[@]}" "$right"
sed 's/^```theorem$/```/' spec >lib/SPEC.md
expect "no theorem" 2 "lib/SPEC.md has 0 blocks" "${equivalence[@]}" "$right"
cp spec lib/SPEC.md

# A checker that does not work, one that says why it ended, one that goes on for ever.
# checker LINE...: a program that only knows the theorem, and then does this.
checker()
{
    # shellcheck disable=SC2016 # $1 is the program's
    printf '%s\n' '#!/usr/bin/env bash' "[[ \$1 != --theorem ]] || exec '$binary' --theorem" "$@" >checker
    chmod +x checker
}
fake=(ci/equivalence --no-install --binary checker)
checker 'exit 0'
expect "a checker that says nothing" 2 "the checker does not work (status 0)" "${fake[@]}" "$right"
checker 'kill -9 $$'
expect "a checker that is killed" 2 "the checker does not work (status -9)" "${fake[@]}" "$right"
checker "'$binary' \"\$1\"" 'echo "{\"begins\": \"$2\"}"' 'echo "VIOLATION clause=IO-LOST-1 config=poll+edge" >&2' 'kill -6 $$'
expect "a clause that is broken" 1 "FOUND: 2 programs: 1 equivalent, 1 VIOLATION" "${fake[@]}" "$right" "$wrong" "$right"
also "which" '^  VIOLATION clause=IO-LOST-1'
also "what was not played" '^not played: 1 program, since the checker ended with tests/equivalence/wrong/partial-read.iop'
checker 'exec sleep 60'
status=0
timeout --preserve-status --signal=INT 6 "${fake[@]}" "$right" >"$output" 2>&1 || status=$?
if [[ $status == 130 ]]; then
    also "interrupted" '^ci/equivalence: interrupted$'
    also "progress" '^  +4 s: 0 of 1 program'
else
    printf 'FAILED  interrupted: status %d\n' "$status"
    cat "$output"
    failed=1
fi
exit "$failed"
