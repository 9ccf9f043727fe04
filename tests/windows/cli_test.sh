#!/usr/bin/env bash
# Usage: cli_test.sh. What ci/windows says to mistakes and questions; wine is not needed for it.
set -euo pipefail
failed=0

# expect STATUS TEXT ARGUMENT...: the status, and the text within the output.
expect()
{
    local status=0 output
    output=$(ci/windows --no-install "${@:3}" 2>&1) || status=$?
    if [[ $status == "$1" && $output == *"$2"* ]]; then
        printf 'ok      ci/windows %s\n' "${*:3}"
    else
        printf 'FAILED  ci/windows %s: expected status %d and "%s"; status %d, output:\n%s\n' "${*:3}" "$1" "$2" "$status" "$output"
        failed=1
    fi
}

expect 0 "Usage: ci/windows" --help
expect 2 "unknown option or argument: --bogus" --bogus
expect 2 "unknown option or argument: extra" extra
expect 2 "is not a whole number" --jobs 0
expect 2 "is not a whole number" --changes x
expect 2 "there is no 'nobody'" --only nobody
expect 2 "nothing to run" --only ""
expect 2 "there is no mutant 'W0'" --mutants --only W0
expect 2 "nothing to run" --mutants --only ""
expect 2 "cannot write a file" --json missing/file
expect 0 "corpus afd+edge" --list
expect 0 "W1 " --mutants --list
exit "$failed"
