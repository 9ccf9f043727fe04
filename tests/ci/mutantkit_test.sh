#!/usr/bin/env bash
# Usage: mutantkit_test.sh MUTANTKIT_TEST_PY
set -euo pipefail
PYTHONPATH=$PWD/ci exec python3 -B "$1"
