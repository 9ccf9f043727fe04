#!/bin/bash
# The echo server for datagrams: datagram_echo_test.sh DATAGRAM_LOAD DATAGRAM_ECHO POLLER ADDRESS. Then its mistakes.
set -eu
load=$1 server=$2
export IOATOM_POLLER=$3
if [ "$3" = uring ] && ! refusal=$("$server" unix-dgram:/ 2>&1) && [[ $refusal == *"Function not implemented"* ]]; then
    echo "SKIPPED: the kernel does not offer io_uring"
    exit 0
fi
if [[ $4 == *"[::1]"* && ! -e /proc/net/if_inet6 ]]; then
    echo "SKIPPED: there is no IPv6 here"
    exit 0
fi
"$load" "$server" "$4"

fails()
{
    local status=0 output
    output=$("${@:3}" 2>&1) || status=$?
    if [ "$status" != "$1" ] || [[ $output != *"$2"* ]]; then
        echo "expected status $1 and '$2', not $status: $output"
        exit 1
    fi
}
fails 2 "expected one address of datagrams" "$server"
fails 2 "expected one address of datagrams" "$server" --bogus
fails 2 "expected one address of datagrams" "$server" 127.0.0.1:7000
fails 1 "No such file or directory" "$server" unix-dgram:/missing/folder
fails 0 "usage: datagram_echo" "$server" --help
IOATOM_POLLER=nobody fails 1 "cannot make a poller" "$server" udp:127.0.0.1:0
