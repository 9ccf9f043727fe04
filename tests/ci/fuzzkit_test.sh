#!/usr/bin/env bash
# Usage: fuzzkit_test.sh FUZZKIT_TEST_PY
set -euo pipefail
PYTHONPATH=$PWD/ci exec python3 -B "$1"
