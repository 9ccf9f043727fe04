#!/bin/bash
# The smallest program ends by itself, having printed its line: hello_test.sh HELLO
set -eu
said=$("$1")
if [ "$said" != "from the pipe: hello" ]; then
    echo "FAILED: hello said '$said'"
    exit 1
fi
