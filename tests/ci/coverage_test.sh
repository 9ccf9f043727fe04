#!/usr/bin/env bash
# The corpora cover what they have to, and what they don't has its reason in fuzz/coverage.txt. Then ci/coverage on what
# it has to refuse: options, a branch that nobody takes, a reason that is no longer one, a replay that fails.
set -euo pipefail
# shellcheck source=tests/ci/expect.sh
. tests/ci/expect.sh
tree=$TEST_TMPDIR/tree
mkdir "$tree"
# --dereference: the runfiles are links.
cp -r --dereference ci fuzz lib "$tree"
rm -rf "$tree/fuzz/work" "$tree/fuzz/findings"
cd "$tree"
coverage=(ci/coverage --no-install)

expect "the corpora" 0 "OK: lib/core " "${coverage[@]}" --json result.json
cat "$output"
json() { python3 -c "import json; result = json.load(open('result.json')); print($1)"; }
expect "JSON: the verdict" 0 "ok" json 'result["verdict"]'
expect "JSON: a file" 0 "{'covered': " json '[file for file in result["files"] if file["name"] == "lib/core/table.c"]'
expect "JSON: a reason of each place" 0 "True" json 'all(place["why"] for place in result["uncovered"])'
page() { find "$1" -path "*/$2.html" -exec cat '{}' +; }
expect "a page of each file" 0 "io_core_find" page fuzz/work/coverage/html lib/core/table.c
also "with branches" 'Branch \('
also "with MC/DC" 'MC/DC'

expect "--help" 0 "Usage: ci/coverage" ci/coverage --help
expect "unknown option" 2 "unknown option or argument: --bogus" "${coverage[@]}" --bogus
expect "unknown target" 2 "unknown target 'nobody'" "${coverage[@]}" --target nobody
expect "bad number" 2 "is not a number from 0 to 100" "${coverage[@]}" --minimum 101
expect "no number" 2 "is not a number from 0 to 100" "${coverage[@]}" --minimum nan
expect "pages nowhere" 2 "there is no folder" "${coverage[@]}" --html missing/folder
expect "pages into a file" 2 "is not a folder" "${coverage[@]}" --html ci/coverage
expect "JSON nowhere" 2 "cannot write a file" "${coverage[@]}" --json missing/file
expect "--list" 0 "address_fuzzer" "${coverage[@]}" --list

expect "a target alone" 0 "OK: lib/core none, lib/backends none of the branches" "${coverage[@]}" --target address_fuzzer --html pages
expect "its pages" 0 "io_parse_address" page pages lib/io/address.c
expect "a minimum" 1 "less than 1 % in lib/core and lib/backends" "${coverage[@]}" --target address_fuzzer --minimum 1

cp fuzz/coverage.txt kept
sed -i '0,/^    never/s/^    never.*/&\n    never false: nothing at all/' fuzz/coverage.txt
cat >>lib/core/deadline.c <<'END'
int io_core_planted(int number);
int io_core_planted(int number)
{
    return number == 12345;
}
END
expect "a function that nobody calls" 1 ", 1 without a reason, 1 reasons too many" "${coverage[@]}"
also "its file and function" '^lib/core/deadline.c io_core_planted$'
also "its line" '^    never run: return number == 12345;$'
also "a reason without a place" '^fuzz/coverage.txt:[0-9]+: lib/.*: never false: nothing at all$'
printf 'lib/core/deadline.c io_deadline\n    never true: x\n' >fuzz/coverage.txt
expect "a place without a reason" 2 "no place or no reason" "${coverage[@]}"
cp kept fuzz/coverage.txt

sed -i 's/^int LLVMFuzzerTestOneInput(.*)$/&\n{\n    __builtin_trap();\n}\nint unused(const uint8_t *data, size_t size);\nint unused(const uint8_t *data, size_t size)/' \
    fuzz/address_fuzzer.c
expect "a replay that fails" 1 "ended with status -" "${coverage[@]}" --target address_fuzzer
rm -r fuzz/corpus/address_fuzzer
expect "a target without a corpus" 2 "has no corpus" "${coverage[@]}" --target address_fuzzer
printf 'typedef int io_nothing;\n' >lib/core/nothing.c
rm fuzz/address_fuzzer.c
expect "a file without code" 1 "lib/core/nothing.c (file)" "${coverage[@]}"
also "what is missing" '^    never compiled: all of it$'

rm -r fuzz/work
status=0
"${coverage[@]}" >"$output" 2>&1 &
process=$!
for ((i = 0; i < 600; i++)); do
    if grep -q '^building' "$output"; then break; fi
    sleep 0.1
done
kill -INT "$process"
wait "$process" || status=$?
if [[ $status == 130 ]]; then
    also "interrupted" '^ci/coverage: interrupted$'
else
    printf 'FAILED  interrupted: status %d\n' "$status"
    cat "$output"
    failed=1
fi
exit "$failed"
