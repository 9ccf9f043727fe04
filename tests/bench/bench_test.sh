#!/usr/bin/env bash
# ci/bench on a copy of the tree: every contestant that this machine has is measured, and mistakes are told.
set -euo pipefail
. tests/ci/expect.sh
tree=$TEST_TMPDIR/tree
mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference ci lib tests "$tree"
cd "$tree"
bench=(ci/bench --no-install)

expect "--help" 0 "Usage: ci/bench" ci/bench --help
expect "unknown option" 2 "unknown option or argument: --what" "${bench[@]}" --what
expect "no number" 2 "'x' is not a whole number" "${bench[@]}" --rounds x
expect "unknown group" 2 "there is no group 'nothing'" "${bench[@]}" --group nothing
expect "--list" 0 "libevent, epoll" "${bench[@]}" --list
expect "all" 0 "libev, epoll" "${bench[@]}" --rounds 2 --operations 300 --json bench.json
also "a peer" '^relay +400 +libev, epoll +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$'
also "the base" '^relay +10 +epoll by hand, level +[0-9.]+ +1\.00 +1\.00 +1\.00$'
also "IO Atom" '^relay +100 +IO Atom, poll\+edge +[0-9.]+ +[0-9.]+'
also "timers" '^timer-fire +100,000 +IO Atom +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$'
also "timers of a peer" '^timer-add +10 +libevent +[0-9.]+ +[0-9.]+'
also "lines" '^lines +80 +IO Atom +[0-9.]+ +[0-9.]+'
also "the base of frames" '^frames +256 +memcpy +[0-9.]+ +1\.00 +1\.00 +1\.00$'
expect "JSON" 0 "epoll by hand, level 1.0" python3 -c '
import json
row = json.load(open("bench.json"))["rows"][0]
print(row["contestant"], row["ratio"])'
exit "$failed"
