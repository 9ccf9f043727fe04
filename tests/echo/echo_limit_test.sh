#!/bin/bash
# Descriptors, or connection slots, used up while accepting: the server goes on with those it has, does not spin, says it
# once, and takes the others when it can: echo_limit_test.sh ECHO POLLER MODE
set -u
echo=$1
poller=$2
mode=$3
. tests/echo/offered.sh "$echo" "$poller"
work=$(mktemp -d /tmp/echo_limit.XXXXXX)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $poller+$mode: $*"
    [ ! -s "$work/stderr" ] || sed 's/^/  the server: /' "$work/stderr"
    exit 1
}

# start SOFT_LIMIT HARD_LIMIT ARGUMENTS: false if the server ended before it listened. It must not inherit our clients.
start() {
    local soft=$1 hard=$2 line=
    shift 2
    rm -f "$work/stdout"
    mkfifo "$work/stdout"
    (
        ulimit -S -n "$soft" && ulimit -H -n "$hard"
        exec "$echo" --port 0 --poller "$poller" --mode "$mode" --seconds 200 "$@"
    ) >"$work/stdout" 2>"$work/stderr" &
    server=$!
    exec 9<"$work/stdout"
    read -r -t 20 line <&9
    port=$(sed -n "s/^listening on 127.0.0.1:\([0-9]*\) ($poller+$mode)$/\1/p" <<<"$line")
    [ -n "$port" ]
}

stop() {
    local status
    kill -TERM "$server"
    wait "$server"
    status=$?
    server=
    exec 9<&-
    [ "$status" -eq 0 ] || fail "status $status after SIGTERM"
}

# Clients are numbered; client[number] is our descriptor.
client=()
connect() {
    local fd
    exec {fd}<>"/dev/tcp/127.0.0.1/$port" || fail "client $1 cannot connect"
    client[$1]=$fd
    echo "client $1" >&"$fd"
}

disconnect() {
    local fd=${client[$1]}
    exec {fd}>&-
}

# served NUMBER: what it sent comes back, within a time that only a server that hangs exceeds.
served() {
    local line=
    read -r -t 20 line <&"${client[$1]}" && [ "$line" = "client $1" ] || fail "client $1 is not served (got '$line')"
}

still_served() {
    echo "client $1" >&"${client[$1]}"
    served "$1"
}

waiting() {
    local line=
    ! read -r -t 0.2 line <&"${client[$1]}" || fail "client $1 is served beyond the limit (got '$line')"
}

# The server's processor time so far, in ticks of (as good as everywhere) 10 ms.
ticks() {
    local stat
    stat=$(<"/proc/$server/stat")
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}

does_not_spin() {
    local before after
    before=$(ticks)
    sleep 1
    after=$(ticks)
    [ $((after - before)) -le 25 ] || fail "$1: it used $((after - before)) ticks of processor time in a second"
}

said_once() {
    local count
    count=$(grep -c "accepts nobody for now: $1" "$work/stderr")
    [ "$count" -eq 1 ] || fail "expected one line '$1', got $count"
}

# More clients than descriptors. The server has some of 20 for itself; at least 10 are left for clients.
start 20 20 || fail "the server does not start with 20 descriptors"
for i in {1..30}; do
    connect "$i"
done
for i in {1..10}; do
    served "$i"
done
waiting 30
does_not_spin "descriptors used up"
for i in {1..10}; do
    still_served "$i"
done
said_once "Too many open files"
for i in {1..10}; do
    disconnect "$i"
done
for i in {11..20}; do
    served "$i"
done
for i in {11..20}; do
    disconnect "$i"
done
for i in {21..30}; do
    served "$i"
done
said_once "Too many open files"
for i in {21..30}; do
    disconnect "$i"
done
stop

# Slots used up.
start 100 100 --max-connections 3 || fail "the server does not start with three slots"
for i in {1..5}; do
    connect "$i"
done
for i in {1..3}; do
    served "$i"
done
waiting 5
does_not_spin "slots used up"
still_served 2
disconnect 1
served 4
disconnect 2
served 5
for i in 3 4 5; do
    still_served "$i"
    disconnect "$i"
done
said_once "all slots are in use"
stop

# Not one descriptor left, so no connection whose end would free one: it tries again by itself.
limit=4
until start "$limit" 100; do
    wait "$server"
    limit=$((limit + 1))
    [ "$limit" -le 20 ] || fail "the server does not start with 20 descriptors"
done
connect 1
waiting 1
does_not_spin "no descriptor left"
said_once "Too many open files"
if command -v prlimit >/dev/null; then
    prlimit --nofile=50:100 --pid "$server" || fail "cannot raise the server's limit"
    served 1
fi
disconnect 1
stop
echo "PASSED"
