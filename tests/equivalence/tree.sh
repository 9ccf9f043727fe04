# shellcheck shell=bash
# For tests of ci/equivalence, which source this: a copy of the tree, in which they go on.
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
binary=$PWD/$1
tree=$TEST_TMPDIR/tree
mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference ci fuzz lib tests "$tree"
chmod -R u+w "$tree"
cd "$tree"
equivalence=(ci/equivalence --no-install --binary "$binary")
