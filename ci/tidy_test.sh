#!/usr/bin/env bash
# Runs ci/tidy on the whole checkout, which a sandbox would not show: the declared input leads to the real file.
set -euo pipefail
tidy=$(realpath "$1")
exec "$tidy"
