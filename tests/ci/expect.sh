#!/usr/bin/env bash
# For tests of command-line tools, which source this: what a command prints, and its status. A test that has failed
# has failed=1.
output=$TEST_TMPDIR/output
failed=0

# expect NAME STATUS TEXT COMMAND...: the status, and the text within the output, which stays in $output.
expect()
{
    local status=0
    "${@:4}" >"$output" 2>&1 || status=$?
    if [[ $status == "$2" ]] && grep -qF -- "$3" "$output"; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: expected status %d and "%s"; status %d, output:\n' "$1" "$2" "$3" "$status"
        cat "$output"
        failed=1
    fi
}

# also NAME PATTERN: another line of the same output.
also()
{
    if grep -qE -- "$2" "$output"; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: no line like "%s" in\n' "$1" "$2"
        cat "$output"
        failed=1
    fi
}
