#!/usr/bin/env bash
# usage: backpressure_test.sh PROGRAM epoll|uring
# In a thousand cycles of back-pressure the program makes no call that changes what the kernel watches (IO-MASK-3), as
# strace sees it. The control: in the phase before, strace sees those that register the descriptor and ask for IO_WRITE
# for the first time.
set -euo pipefail
export LC_ALL=C
cycles=1000
poller=$2
trace=$(mktemp "$TEST_TMPDIR/trace.XXXXXX")
printed=$(strace -f -o "$trace" "$1" "$poller" $cycles)
if [[ $printed == SKIPPED* ]]; then
    printf '%s\n' "$printed"
    exit 0
fi
[[ $printed == "$cycles" ]] || { printf 'printed %s instead of %d\n' "$printed" $cycles; exit 1; }

# The call that changes what is watched, the one that waits, and what else belongs to a wait.
if [[ $poller == uring ]]; then
    change='io_uring_enter\([0-9]+, [1-9]'
    wait='io_uring_enter\([0-9]+, 0,'
    look='ppoll(_time64)?\('
else
    change='epoll_ctl\('
    wait='epoll_p?wait\('
    look=
fi

# phase NAME: the part of the trace from its marker to the next one.
phase()
{
    awk -v name="$1" '/ write\(9, "/ { on = index($0, "write(9, \"" name "\"") } on' "$trace"
}

# calls PHASE CALL: how often it calls that.
calls()
{
    phase "$1" | grep -cE "^[0-9]+ +$2" || true
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

expect control "$change" -ge 2
expect steady "$change" -eq 0
# The steady phase is there, and it is the cycle: a wait for each, and many writes.
expect steady "$wait" -eq $cycles
[[ -z $look ]] || expect steady "$look" -eq $cycles
expect steady 'sendto\(' -ge $((3 * cycles))
expect steady 'read\(' -ge $((2 * cycles))
# Nothing else is called but the marker's write.
known="^[0-9]+ +($wait|${look:+$look|}sendto\(|read\()"
other=$(phase steady | grep -cvE "$known")
[[ $other == 1 ]] || { printf 'phase steady: %s other calls\n' "$other"; phase steady | tail -n +2 |
    grep -vE "$known" | head; exit 1; }
printf '%s, %d cycles: %s changes before, 0 after\n' "$poller" $cycles "$(calls control "$change")"
