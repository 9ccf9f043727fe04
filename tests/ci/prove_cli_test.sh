#!/usr/bin/env bash
# ci/prove on a tree of its own: options and mistakes, a unit that is proved, and each thing that must make it fail.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
tree=$TEST_TMPDIR/tree

# change FILE SED-EXPRESSION: until `back`.
change()
{
    cp "$tree/$1" "$TEST_TMPDIR/kept"
    changed=$1
    sed -i -E "$2" "$tree/$1"
    if cmp -s "$tree/$1" "$TEST_TMPDIR/kept"; then
        printf 'FAILED  the test changes nothing in %s: %s\n' "$1" "$2"
        failed=1
    fi
}

back()
{
    mv "$TEST_TMPDIR/kept" "$tree/$changed"
}

mkdir -p "$tree"/{lib/core,proofs/wp,proofs/mutants}
cat >"$tree/lib/core/tiny.h" <<'END'
/*@ requires IO_TINY_1: 0 <= x <= 1000; terminates \true; exits \false; assigns \nothing;
    ensures IO_TINY_2: \result == x + 1; */
int tiny_more(int x);
/*@ requires IO_TINY_3: 0 <= x <= 10; terminates \true; exits \false; assigns \nothing;
    ensures IO_TINY_4: \result == x + 2; */
int tiny_twice(int x);
END
cat >"$tree/lib/core/tiny.c" <<'END'
#include "tiny.h"

int tiny_more(int x)
{
    return x + 1;
}

int tiny_twice(int x)
{
    return tiny_more(tiny_more(x));
}
END
printf 'PROVED = ["lib/core/tiny.c"]\nOPEN = []\nOPTIONS = {}\n' >"$tree/proofs/wp/units.bzl"
printf 'call | tiny_more | lib/core/tiny.c | tiny_twice tiny_more\n' >"$tree/proofs/mutants/contracts.txt"
printf '%s\n' 'file: lib/core/tiny.c' 'function: tiny_more' 'expect: IO_TINY_2' 'reason: one too many' '' \
    '-    return x + 1;' '+    return x + 2;' >"$tree/proofs/mutants/one.mutant"
printf '%s\n' 'file: lib/core/tiny.c' 'function: tiny_more' 'equivalent: addition commutes' 'reason: sides' '' \
    '-    return x + 1;' '+    return 1 + x;' >"$tree/proofs/mutants/two.mutant"

prove=(ci/prove --no-install --root "$tree" --timeout 3)
expect "--help" 0 "Usage: ci/prove" ci/prove --help
expect "unknown option" 2 "unknown option or argument: --bogus" "${prove[@]}" --bogus
expect "argument too many" 2 "unknown option or argument: extra" "${prove[@]}" extra
expect "bad number" 2 "'3o' is not a whole number" "${prove[@]}" --jobs 3o
expect "unknown unit" 2 "there is no unit 'lib/none.c'" "${prove[@]}" --unit lib/none.c
expect "unknown function" 2 "no unit defines a function 'nobody'" "${prove[@]}" --function nobody
expect "unknown mutant" 2 "there is no mutant 'nobody'" "${prove[@]}" --mutants nobody
expect "options that don't go together" 2 "--replay neither" "${prove[@]}" --replay --no-cache
expect "missing root" 2 "there is no folder" ci/prove --no-install --root missing

# Nothing is recorded yet.
expect "no versions" 1 "cvc4: recorded not recorded" "${prove[@]}" --unit lib/core/tiny.c
also "no golden list" '^lib/core/tiny.c: not in proofs/wp/golden.txt'
also "the table" '^lib/core/tiny.c +2 +'
expect "recording" 0 "proofs/wp/golden.txt is written" "${prove[@]}" --update-versions --update-golden --update-cache
also "the verdict" '^OK: ([0-9]+) of \1 goals proved, ([0-9]+) of \2 smoke tests passed'
expect "replay" 0 "OK: " "${prove[@]}" --replay --json "$TEST_TMPDIR/result.json"
expect "JSON" 0 "ok tiny_more" python3 -c '
import json, sys
data = json.load(open(sys.argv[1]))
print(data["verdict"], data["units"][0]["functions"][0]["function"])' "$TEST_TMPDIR/result.json"
expect "--function" 0 "lib/core/tiny.c tiny_twice: " "${prove[@]}" --function tiny_twice
expect "--list" 0 "tiny_twice" "${prove[@]}" --list

# Each thing that must make it fail.
change lib/core/tiny.c 's/x \+ 1/x + 2/'
expect "an unproved goal" 1 "UNPROVED tiny_more_ensures_IO_TINY_2" "${prove[@]}" --function tiny_more
also "its clause" 'IO_TINY_2: .result .* .old\(x\) \+ 1'
expect "replay without an answer" 1 "UNPROVED" "${prove[@]}" --replay --function tiny_more
back
change proofs/wp/cache.jsonl '$d'
expect "a lost answer of a smoke test" 1 "SMOKE " "${prove[@]}" --replay
back
change lib/core/tiny.h 's/0 <= x <= 10;/0 <= x <= 10 \&\& x > 11;/'
expect "a contradictory contract" 1 "SMOKE default_requires" "${prove[@]}" --function tiny_twice --smoke
back
change proofs/wp/golden.txt '/tiny_twice/,$d'
expect "a function that the golden list lacks" 1 "+   tiny_twice" "${prove[@]}" --replay
back
change lib/core/tiny.c '/^int tiny_twice/,$d'
expect "a function that is missing" 1 "-   tiny_twice" "${prove[@]}" --replay
back
change lib/core/tiny.h '/ensures IO_TINY_4/s/ensures.*;/ensures \\true;/'
expect "a clause that is missing" 1 "-     ensures_IO_TINY_4" "${prove[@]}" --replay
back
change lib/core/tiny.c '$a int tiny_free(int x)\n{\n    return x;\n}'
expect "a function without a contract" 1 "tiny_free: no contract" "${prove[@]}"
back
change lib/core/tiny.h '$a /*@ axiomatic Odd { axiom odd: 1 == 2; } */'
expect "an axiom" 1 "axiom odd has no entry in proofs/ASSUMPTIONS.md" "${prove[@]}"
back
change lib/core/tiny.c 's/return x \+ 1;/\/*@ admit wish: x == 3; *\/\n    return x + 1;/'
expect "an admitted clause" 1 "admit wish has no entry" "${prove[@]}" --function tiny_more
back
change lib/core/tiny.h 's/IO_TINY_2:/IO_TINY_2: nonsense ==/'
expect "a contract that is not well formed" 2 "Frama-C cannot read it" "${prove[@]}"
back
change proofs/VERSIONS 's/^cvc5 .*/cvc5 0.1/'
expect "another version" 1 "cvc5: recorded 0.1" "${prove[@]}" --replay
back

# Mutants.
expect "mutants" 0 "OK: 1 of 2 mutants killed, 1 equivalent" "${prove[@]}" --mutants --update-cache
also "the goal" '^one +lib/core/tiny.c +tiny_more +tiny_more_ensures_IO_TINY_2 +proved +killed'
expect "mutants, replay" 0 "OK: 1 of 2 mutants killed" "${prove[@]}" --mutants --replay
change proofs/mutants/one.mutant 's/x \+ 1/x + 7/'
expect "a stale mutant" 1 "one: stale mutant" "${prove[@]}" --mutants --replay one
back
change proofs/mutants/one.mutant 's/^expect: .*/expect: IO_TINY_9/'
expect "a mutant of no clause" 1 "no goal" "${prove[@]}" --mutants one
back
change proofs/mutants/one.mutant 's/^(\+.*)x \+ 2/\11 + x/'
expect "a mutant that survives" 1 "one: SURVIVED" "${prove[@]}" --mutants one
back
change proofs/mutants/one.mutant 's/^(\+.*)x \+ 2/\1y/'
expect "a mutant that is no C" 1 "one: Frama-C ended with status" "${prove[@]}" --mutants one
back
expect "contract mutants" 0 "2 clauses left out; caught: 2 by a proof" "${prove[@]}" --contract-mutants --update-cache
expect "contract mutants, replay" 0 "2 clauses left out; caught: 2 by a proof" "${prove[@]}" --contract-mutants --replay

# Ctrl-C while a prover runs: the table so far, nothing left behind.
TMPDIR=$(mktemp -d /tmp/ioatom-cli.XXXXXX) # short: a socket is bound below it
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
change lib/core/tiny.c 's/x \+ 1/x + 2/'
status=0
timeout --preserve-status --signal=INT 6 "${prove[@]}" --no-cache --function tiny_more --timeout 60 >"$output" 2>&1 ||
    status=$?
back
left=$(grep -lsF "TMPDIR=$TMPDIR/" /proc/[0-9]*/environ || true)
if [[ $status == 130 && -z $(ls "$TMPDIR") && -z $left ]]; then
    also "interrupted" '^INTERRUPTED after '
else
    printf 'FAILED  interrupted: status %d, left behind: %s %s\n' "$status" "$(ls "$TMPDIR")" "$left"
    cat "$output"
    failed=1
fi
exit "$failed"
