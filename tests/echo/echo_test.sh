#!/bin/bash
# The echo server under load on one configuration: echo_test.sh ECHO_LOAD ECHO POLLER MODE
set -eu
exec "$1" "$2" "$3" "$4"
