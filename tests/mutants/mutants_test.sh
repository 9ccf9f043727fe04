#!/usr/bin/env bash
# Usage: mutants_test.sh CI_MUTANTS. Arguments after it are passed on.
set -euo pipefail
mutants=$(realpath "$1")
exec "$mutants" --no-install --json "${TEST_UNDECLARED_OUTPUTS_DIR:-${TEST_TMPDIR:-/tmp}}/mutants.json" "${@:2}"
