#!/bin/bash
# What the echo server says to bad input, and how it ends: echo_errors_test.sh ECHO
set -u
echo=$1
work=$(mktemp -d /tmp/echo_errors.XXXXXX)
server=
trap '[ -z "$server" ] || kill -KILL "$server"; rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS "WORDS IT MUST SAY" "OTHER WORDS" -- ARGUMENTS: what it says of an error goes to standard error.
expect() {
    local status=$1 word words=() found output=$work/stderr other=$work/stdout
    shift
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    timeout 20 "$echo" "$@" >"$other" 2>"$output"
    found=$?
    [ "$found" -eq "$status" ] || fail "echo $*: status $found, expected $status"
    if [ "$status" -eq 0 ]; then
        output=$work/stdout
        other=$work/stderr
    fi
    [ ! -s "$other" ] || fail "echo $*: said on the wrong stream: $(cat "$other")"
    for word in "${words[@]}"; do
        grep -qF -- "$word" "$output" || fail "echo $*: no '$word' in: $(cat "$output")"
    done
}

# start ARGUMENTS: sets server and port.
start() {
    local line
    coproc SERVER { exec "$echo" "$@"; }
    server=$SERVER_PID
    read -r -t 20 line <&"${SERVER[0]}" || line=
    said=$line
    port=$(sed -n 's/^listening on [^ ]*:\([0-9]*\) (.*/\1/p' <<<"$line")
}

expect 0 "--port N" "--address SPEC" "--poller NAME" "--mode MODE" "--max-connections N" "--audit SCOPE" "--seconds N" "--help" -- --help
expect 2 "unknown option '--colour'" "--help" -- --colour red
expect 2 "unknown option '--colour'" "--help" -- --colour
expect 2 "unknown option 'lost'" "--help" -- lost
expect 2 "unknown poller 'kpoll'" "epoll, kqueue, uring, poll, select, afd or any" -- --poller kpoll
expect 2 "unknown poller 'edge'" "epoll, kqueue, uring, poll, select, afd or any" -- --poller edge
expect 2 "unknown mode 'sideways'" "edge or level" -- --mode sideways
expect 2 "unknown mode 'poll'" "edge or level" -- --mode poll
for address in "" 1.2.3 1.2.3.4 256.0.0.1:7000 127.0.0.1:65536 localhost:7000 "[::1]" unix: udp:7000 "127.0.0.1:7000 "; do
    expect 2 "malformed address '$address'" "1.2.3.4:7000" -- --address "$address"
done
for number in "" -1 +1 65536 7000x 0x10 " 7000" 99999999999999999999; do
    expect 2 "bad number '$number'" "0 to 65535 for --port" -- --port "$number"
done
expect 2 "bad number ''" "for --port" -- --port
expect 2 "unknown scope 'there'" "here or portable" -- --audit there
expect 2 "bad number '0'" "for --max-connections" -- --max-connections 0
expect 2 "bad number 'ten'" "for --seconds" -- --seconds ten
expect 1 "cannot listen on 192.0.2.1:7000" "Cannot assign requested address" "--address" -- --address 192.0.2.1:7000
IOATOM_POLLER=kpoll expect 1 "cannot make a poller" "IOATOM_POLLER" -- --port 0
expect 0 "listening on 127.0.0.1:" "0 connections, 0 bytes" -- --port 0 --seconds 1

start --port 0
[ -n "$port" ] || fail "the server said '$said'"
for poller in epoll poll select; do
    expect 1 "cannot listen on 127.0.0.1:$port" "Address already in use" "try another --port" -- \
        --port "$port" --poller "$poller"
done
for signal in INT TERM; do
    kill -"$signal" "$server"
    wait "$server"
    status=$?
    server=
    [ "$status" -eq 0 ] || fail "status $status after SIG$signal"
    [ "$signal" = TERM ] || start --port 0
done

start --address "unix:$work/socket" --poller poll
[ "$said" = "listening on unix:$work/socket (poll+level)" ] || fail "the server said '$said'"
kill -TERM "$server"
wait "$server"
server=
[ ! -e "$work/socket" ] || fail "the server left its socket behind"
for address in "[::1]:0" 0.0.0.0:0 0; do
    start --address "$address" --poller select --mode edge --seconds 1
    if [ "$address" != "[::1]:0" ] || grep -q '^0*1 ' /proc/net/if_inet6; then
        [ -n "$port" ] && [[ "$said" == *"(select+edge)" ]] || fail "$address: the server said '$said'"
    fi
    wait "$server"
    server=
done

[ "$failures" -eq 0 ] && echo "PASSED"
