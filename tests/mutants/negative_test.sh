#!/usr/bin/env bash
# A deliberately broken library must fail. The corpus is replayed on the library as it is, which has to pass, and on one
# for each patch below, which has to break a clause: if it passes, this fails.
set -euo pipefail
patches=(A1 Z6 Z44)
tree=$TEST_TMPDIR/tree
failed=0

# replay: builds what is in the tree, in the plainest way, and replays the corpus on the simulated kernel.
replay()
{
    local sources
    mapfile -t sources < <(find lib/core lib/backends lib/os lib/poller lib/io lib/codec lib/sim fuzz/program fuzz/harness \
        fuzz/model -name '*.c' | LC_ALL=C sort)
    cc -std=c11 -DIO_OS_SIM -Ilib/include -iquote . -iquote fuzz "${sources[@]}" fuzz/dispatch_sim_fuzzer.c \
        fuzz/replay_main.c -lpthread -o replay
    timeout 60 ./replay fuzz/corpus/dispatch_fuzzer
}

# breaks NAME: whether the library in the tree fails, and says which clause.
breaks()
{
    local status=0
    replay >"$TEST_TMPDIR/output" 2>&1 || status=$?
    grep -m 1 '^VIOLATION clause=IO-' "$TEST_TMPDIR/output" || true
    if [[ $status == 0 ]] || ! grep -q '^VIOLATION clause=IO-' "$TEST_TMPDIR/output"; then
        printf '%s: status %d, and no clause is broken\n' "$1" "$status"
        tail -n 20 "$TEST_TMPDIR/output"
        return 1
    fi
    printf '%s: it fails, as it must\n' "$1"
}

mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference fuzz lib "$tree"
here=$PWD
cd "$tree"

replay | tee "$TEST_TMPDIR/sound"
grep -q '^replayed [1-9]' "$TEST_TMPDIR/sound"
# This test must be able to fail, too.
if breaks "the library as it is"; then
    echo "FAILED  the library as it is was taken for a broken one"
    failed=1
fi
for name in "${patches[@]}"; do
    patch=$here/tests/mutants/$name.patch
    GIT_CEILING_DIRECTORIES=$TEST_TMPDIR git apply -p1 "$patch"
    breaks "$name" || failed=1
    GIT_CEILING_DIRECTORIES=$TEST_TMPDIR git apply -p1 -R "$patch"
done
exit "$failed"
