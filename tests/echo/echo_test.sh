#!/bin/bash
# The echo server under load on one configuration: echo_test.sh ECHO_LOAD ECHO POLLER MODE
set -eu
. tests/echo/offered.sh "$2" "$3"
exec "$1" "$2" "$3" "$4"
