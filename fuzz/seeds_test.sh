#!/usr/bin/env bash
# The seeds that fuzz/seeds.py writes are what it would write, and it notices one that is not.
set -euo pipefail
cp -rL fuzz "$TEST_TMPDIR/fuzz"
cd "$TEST_TMPDIR"
python3 -B fuzz/seeds.py --check
for seed in table_fuzzer/add-errors deadline_fuzzer/for-ever timer_fuzzer/full codec_fuzzer/lines codec_io_fuzzer/lines; do
    chmod u+w "fuzz/corpus/${seed%/*}" "fuzz/corpus/$seed"
    printf x >>"fuzz/corpus/$seed"
    if output=$(python3 -B fuzz/seeds.py --check) || [[ $output != "$seed is not"* ]]; then
        printf 'FAILED  a changed seed was not noticed: %s\n' "$output"
        exit 1
    fi
    python3 -B fuzz/seeds.py --write >/dev/null
    rm -f "fuzz/corpus/$seed"
    if python3 -B fuzz/seeds.py --check >/dev/null; then
        printf 'FAILED  a missing seed was not noticed: %s\n' "$seed"
        exit 1
    fi
    python3 -B fuzz/seeds.py --write >/dev/null
done
status=0
python3 -B fuzz/seeds.py --unknown 2>/dev/null || status=$?
[[ $status == 2 ]] || { printf 'FAILED  an unknown option gives %d\n' "$status"; exit 1; }
