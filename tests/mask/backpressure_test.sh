#!/usr/bin/env bash
# usage: backpressure_test.sh PROGRAM
# In a thousand cycles of back-pressure the program makes no epoll_ctl (IO-MASK-3), as strace sees it. The control: in
# the phase before, strace sees those that register the descriptor and ask for IO_WRITE for the first time.
set -euo pipefail
export LC_ALL=C
cycles=1000
trace=$(mktemp "$TEST_TMPDIR/trace.XXXXXX")
printed=$(strace -f -o "$trace" "$1" $cycles)
[[ $printed == "$cycles" ]] || { printf 'printed %s instead of %d\n' "$printed" $cycles; exit 1; }

# phase NAME: the part of the trace from its marker to the next one.
phase()
{
    awk -v name="$1" '/ write\(9, "/ { on = index($0, "write(9, \"" name "\"") } on' "$trace"
}

# calls PHASE NAME: how often it calls that.
calls()
{
    phase "$1" | grep -cE "^[0-9]+ +$2\(" || true
}

# expect PHASE CALL OPERATOR NUMBER
expect()
{
    local count
    count=$(calls "$1" "$2")
    if ! test "$count" "$3" "$4"; then
        printf 'phase %s: %s is called %s times, not %s %s\n' "$1" "$2" "$count" "$3" "$4"
        phase "$1" | head -60
        exit 1
    fi
}

expect control epoll_ctl -ge 2
expect steady epoll_ctl -eq 0
# The steady phase is there, and it is the cycle: a wait for each, and many writes.
expect steady 'epoll_p?wait' -eq $cycles
expect steady sendto -ge $((3 * cycles))
expect steady read -ge $((2 * cycles))
# Nothing else is called but the marker's write.
other=$(phase steady | grep -vE '^[0-9]+ +(epoll_p?wait|sendto|read)\(' | wc -l)
[[ $other == 1 ]] || { printf 'phase steady: %s other calls\n' "$other"; phase steady | tail -n +2 |
    grep -vE '^[0-9]+ +(epoll_p?wait|sendto|read)\(' | head; exit 1; }
printf '%d cycles: %s epoll_ctl before, 0 after\n' $cycles "$(calls control epoll_ctl)"
