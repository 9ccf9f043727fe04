#!/usr/bin/env bash
# ci/test's options, and its reading of Bazel's events.
set -euo pipefail
test=$PWD/$1
results=$PWD/$2
events=$TEST_TMPDIR/events.json
failed=0

# expect NAME STATUS TEXT COMMAND...: the status, and the text within the output.
expect()
{
    local output status=0
    output=$("${@:4}" 2>&1) || status=$?
    if [[ $status == "$2" && $output == *"$3"* ]]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: expected status %d and "%s"; status %d, output:\n%s\n' "$1" "$2" "$3" "$status" "$output"
        failed=1
    fi
}

configured()
{
    printf '{"id":{"targetConfigured":{"label":"%s"}},"configured":{"testSize":"SMALL","tag":["needs-%s"]}}\n' "$1" "$2"
}

summary()
{
    printf '{"id":{"testSummary":{"label":"%s"}},"testSummary":{"overallStatus":"%s"}}\n' "$1" "$2"
}

logged()
{
    printf '{"id":{"testResult":{"label":"%s"}},"testResult":{"testActionOutput":[{"name":"test.log","uri":"file://%s"}]}}\n' \
        "$1" "$2"
}

aborted()
{
    printf '{"id":{"targetCompleted":{"label":"%s"}},"aborted":{"reason":"%s"}}\n' "$1" "$2"
}

expect "--help" 0 "Usage: ci/test" "$test" --help
expect "an unknown option" 2 "unknown option --bogus" "$test" --bogus
expect "no events at all" 1 "0 passed, 0 failed, 0 skipped" "$results" "$TEST_TMPDIR/missing"

{ configured //a:a none; summary //a:a PASSED; } >"$events"
expect "one passed" 0 "1 passed, 0 failed, 0 skipped" "$results" "$events"
expect "the build failed all the same" 1 "1 passed, 1 failed, 0 skipped" "$results" --bazel-status 1 "$events"
{ configured //a:b none; summary //a:b FAILED; } >>"$events"
expect "one failed" 1 "1 passed, 1 failed, 0 skipped" "$results" --bazel-status 3 "$events"

{ configured //a:a none; summary //a:a PASSED; configured //a:b none; summary //a:b TIMEOUT; } >"$events"
expect "one timed out" 1 "timeout" "$results" --bazel-status 3 "$events"
{ configured //a:a none; summary //a:a PASSED; configured //a:b none; summary //a:b FLAKY; } >"$events"
expect "flaky is failed" 1 "1 passed, 1 failed, 0 skipped" "$results" "$events"
{ configured //a:a none; summary //a:a PASSED; configured //a:b none; } >"$events"
expect "one was not run" 1 "1 passed, 1 failed, 0 skipped" "$results" "$events"
expect "progress" 0 "1 of 2 tests done, 0 failed; waiting for //a:b" "$results" --progress 7 "$events"

{ configured //a:a none; summary //a:a PASSED; configured //a:b absent-tool; aborted //a:b SKIPPED; } >"$events"
expect "one skipped, with the reason" 0 "not installed: absent-tool" "$results" "$events"
expect "one skipped, and all required" 1 "1 passed, 0 failed, 1 skipped" "$results" --require-all "$events"

printf 'one\nSKIPPED: no such family\n' >"$TEST_TMPDIR/own.log"
{ configured //a:a none; summary //a:a PASSED; configured //a:b none; logged //a:b "$TEST_TMPDIR/own.log"; summary //a:b PASSED; } >"$events"
expect "one skipped itself" 0 "no such family" "$results" "$events"
exit "$failed"
