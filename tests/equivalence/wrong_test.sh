#!/usr/bin/env bash
# The handlers of tests/equivalence/wrong, each of which is wrong in a way of its own: each is named as it states, by
# atom, callback and what was left, and the small program that is told with it shows the same.
set -euo pipefail
# shellcheck source=tests/equivalence/tree.sh
. tests/equivalence/tree.sh
wrong=(tests/equivalence/wrong/*.iop)
((${#wrong[@]} >= 10)) || { echo "FAILED  only ${#wrong[@]} wrong handlers"; failed=1; }
for file in "${wrong[@]}"; do
    grep -q '^# leaves: a[0-7], callback [1-9]' "$file" || { echo "FAILED  $file states nothing"; failed=1; }
done
expect "each is named as it states" 0 "OK: ${#wrong[@]} programs: ${#wrong[@]} as stated" \
    "${equivalence[@]}" --json wrong.json "${wrong[@]}"

# The small programs: not longer, and the same atom is named, for the same flag.
mkdir small
expect "each has a small program" 0 "written: " python3 - <<'END'
import json
count = 0
for program in json.load(open("wrong.json"))["programs"]:
    for number, named in enumerate(program["named"]):
        text = open(program["program"]).read()
        operations = sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
        small = named["small"]["program"]
        assert 0 < len(small.splitlines()) <= operations, program["program"]
        name = program["program"].split("/")[-1].removesuffix(".iop")
        open(f"small/{name}-{number}.iop", "w").write(small)
        count += 1
print(f"written: {count}")
END
small=(small/*.iop)
expect "small programs" 1 "FOUND: ${#small[@]} programs: ${#small[@]} leaves" \
    "${equivalence[@]}" --json small.json "${small[@]}"
expect "they show the same" 0 "the same: ${#small[@]}" python3 - <<'END'
import json
def names(program):
    return {(named["kind"], named["atom"], *named["flag"], named["unit"]) for named in program["named"]}
wrong = {p["program"].split("/")[-1]: p for p in json.load(open("wrong.json"))["programs"]}
same = 0
for program in json.load(open("small.json"))["programs"]:
    name, _, number = program["program"].split("/")[-1].removesuffix(".iop").rpartition("-")
    named = wrong[f"{name}.iop"]["named"][int(number)]
    same += (named["kind"], named["atom"], *named["flag"], named["unit"]) in names(program)
print(f"the same: {same}")
END

# This test must be able to fail: another number, no statement, and a handler that is right.
sed 's/936/935/' tests/equivalence/wrong/partial-read.iop >changed.iop
expect "another number" 1 "changed.iop: NOT AS STATED" "${equivalence[@]}" changed.iop
also "what was stated" '^  stated, and not found: a0, callback 2, .* 935 bytes wait$'
also "what was found" '^  found, and not stated: a0, callback 2, .* 936 bytes wait$'
sed '/^# leaves:/d' tests/equivalence/wrong/partial-read.iop >changed.iop
expect "no statement" 1 "changed.iop: leaves" "${equivalence[@]}" changed.iop
also "its name" '^  a0, callback 2, told read: read is left ready, 936 bytes wait$'
also "what differs" '^    what waits at the end is not the same everywhere: 0 bytes in epoll\+level, '
also "what to do" 'call io_read until it returns -EAGAIN \(IO-EDGE-3\)'
sed 's/read a0 64/drain a0/' tests/equivalence/wrong/partial-read.iop >changed.iop
expect "a handler that is right" 1 "changed.iop: NOT AS STATED" "${equivalence[@]}" changed.iop
sed -i '/^# leaves:/d' changed.iop
expect "and states nothing" 0 "OK: 1 program: 1 equivalent" "${equivalence[@]}" changed.iop
exit "$failed"
