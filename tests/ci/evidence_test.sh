#!/usr/bin/env bash
# usage: evidence_test.sh ci/evidence
# README.md says what ci/evidence finds in the checkout, and ci/evidence notices what is stale and what contradicts. The
# sources are all over the tree, which a sandbox would not show: the declared input leads to the real file.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
evidence=$(realpath "$1")
root=$(realpath "$(dirname "$evidence")/..")
tree=$TEST_TMPDIR/tree

# change NAME FILE SED-EXPRESSION STATUS TEXT: --check of the tree with one file changed, which is then put back.
change()
{
    local kept=$TEST_TMPDIR/kept
    cp "$tree/$2" "$kept"
    sed -i -E "$3" "$tree/$2"
    if cmp -s "$tree/$2" "$kept"; then
        printf 'FAILED  %s: the test changes nothing in %s\n' "$1" "$2"
        failed=1
    fi
    expect "$1" "$4" "$5" "$evidence" --check --root "$tree"
    cp "$kept" "$tree/$2"
}

expect "--help" 0 "Usage: ci/evidence" "$evidence" --help
expect "an unknown option" 2 "unknown option or argument: --nonsense" "$evidence" --nonsense
expect "two modes" 2 "not allowed with" "$evidence" --check --write
expect "no such folder" 2 "there is no folder" "$evidence" --root "$TEST_TMPDIR/none"
expect "a folder without sources" 2 "there is no lib/SPEC.md" "$evidence" --root "$TEST_TMPDIR"
expect "the README is right" 0 "README.md is right" "$evidence" --check

mkdir -p "$tree"/{fuzz,lib,proofs/wp,proofs/spin,tests}
cp "$root/README.md" "$tree"
cp -r "$root"/lib/{SPEC.md,core,poller,backends} "$tree/lib"
cp -r "$root"/fuzz/{model,harness,equivalence} "$root"/fuzz/*_fuzzer.c "$tree/fuzz"
cp -r "$root"/tests/{unit,mutants} "$tree/tests"
cp -r "$root"/proofs/{ASSUMPTIONS.md,mutants} "$tree/proofs"
cp "$root"/proofs/wp/*.txt "$tree/proofs/wp"
cp "$root/proofs/spin/runs.txt" "$tree/proofs/spin"
expect "a copy" 0 "README.md is right" "$evidence" --check --root "$tree"
change "a stale README" README.md 's/^\| IO-ADD \|.*/| IO-ADD | 99 |/' 1 "- | IO-ADD | 99 |"
change "a README without a marker" README.md '/ci\/evidence --write: begin/d' 2 "README.md must have the lines"
change "a proof that is gone" proofs/wp/golden.txt '/IO_WAIT_4_/d' 1 "- | IO-WAIT |"
change "a clause more" lib/SPEC.md 's/^(- \*\*IO-ADD-)9(\*\* .*)/&\n\199\2/' 1 "+ | IO-ADD | 11"
change "a clause that is gone" lib/SPEC.md '/^- \*\*IO-WAIT-3\*\*/d' 2 "names IO-WAIT-3, which lib/SPEC.md does not"
change "an oracle that is gone" fuzz/model/model.c 's/"IO-MASK-2"/"IO-MASK-1"/' 1 "+ | IO-MASK |"
change "an assumption that is gone" proofs/ASSUMPTIONS.md '/^### A-2:/d' 2 "has no entry A-2"

rm "$tree/tests/mutants/A1.patch"
expect "a mutant that is gone" 1 "is stale" "$evidence" --check --root "$tree"
expect "--write" 0 "README.md is written" "$evidence" --write --root "$tree"
expect "what was written" 0 "README.md is right" "$evidence" --check --root "$tree"
cp "$tree/README.md" "$TEST_TMPDIR/written"
expect "--write again" 0 "README.md is written" "$evidence" --write --root "$tree"
if ! cmp "$tree/README.md" "$TEST_TMPDIR/written"; then
    printf 'FAILED  written twice, and not the same\n'
    failed=1
fi
exit "$failed"
