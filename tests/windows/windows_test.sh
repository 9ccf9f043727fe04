#!/usr/bin/env bash
# Usage: windows_test.sh [ARGUMENT]... All that ci/windows runs, in its own folder.
set -euo pipefail
export TMPDIR=$TEST_TMPDIR
exec ci/windows --no-install --json "${TEST_UNDECLARED_OUTPUTS_DIR:-$TEST_TMPDIR}/windows.json" "$@"
