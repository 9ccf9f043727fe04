#!/usr/bin/env bash
# Usage: mechanical_test.sh CI_MUTANTS. Arguments after it are passed on.
set -euo pipefail
mutants=$(realpath "$1")
exec "$mutants" --mechanical --no-install \
    --json "${TEST_UNDECLARED_OUTPUTS_DIR:-${TEST_TMPDIR:-/tmp}}/mechanical.json" "${@:2}"
