#!/usr/bin/env bash
# A sample of the mutants that ci/mutants --mechanical makes (all of them take twenty minutes), on a copy of the tree: at least
# 95 % of those that are not equivalent are killed by the seed corpora, and tests/mutants/mechanical.txt has each of the
# others, and nobody else. That it fails if one is missing, or too much, or too few are killed, tests/ci:mutantkit_test shows.
set -euo pipefail
tree=$TEST_TMPDIR/tree
mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference ci fuzz lib tests "$tree"
rm -rf "$tree/fuzz/work" "$tree/fuzz/findings"
cd "$tree"
exec ci/mutants --mechanical --no-install --sample 300 --json "${TEST_UNDECLARED_OUTPUTS_DIR:-$TEST_TMPDIR}/mechanical.json"
