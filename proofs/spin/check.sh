#!/usr/bin/env bash
# Has SPIN search each model of this folder, and each of its broken variants. See --help.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=proofs/tool.sh
. "$here/../tool.sh"

usage()
{
    cat <<'END'
Usage: proofs/spin/check.sh [--json FILE] [MODEL]...

Searches the state space of every model, in every configuration, to its end, and
then of every broken variant, which has to be caught. The runs and what is
expected of them are in runs.txt. MODEL is equivalence, mask or remove (default:
all of them).

  --json FILE  write the results to FILE, too
  --help       print this

Exit status: 0 all is as expected, 1 it is not, 2 bad usage or a missing tool.
END
}

fail_usage()
{
    printf 'check.sh: %s (--help lists the options)\n' "$1" >&2
    exit 2
}

json=
models=()
while (($#)); do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --json)
        [[ ${2:-} ]] || fail_usage '--json needs a file'
        json=$2
        shift
        ;;
    equivalence | mask | remove) models+=("$1") ;;
    -*) fail_usage "unknown option $1" ;;
    *) fail_usage "unknown model $1" ;;
    esac
    shift
done
((${#models[@]})) || models=(equivalence mask remove)
need spin gcc

work_folder spin
child=
clean_up()
{
    if [[ $child ]]; then
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"

# Runs a command in the background, its output in the file `log`, and says every four seconds that it does.
last_line=0
watched()
{
    "$@" >log 2>&1 &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.1
        if ((SECONDS - last_line >= 4)); then
            last_line=$SECONDS
            printf '%4d s  run %d of %d: %s\n' "$SECONDS" "$number" "${#runs[@]}" "$title"
        fi
    done
    local status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

# make_pan OPTIMIZATION FLAG...: the verifier of the run. Nothing is reduced: the models are small enough without it.
make_pan()
{
    rm -f pan.* pan "$model.pml" ./*.trail
    cp "$here/$model.pml" "$here/core.pml" "$here/kernel.pml" .
    watched spin -a "${defines[@]}" "$model.pml" && [[ -e pan.c ]] &&
        watched gcc -w -DMEMLIM=1900 -DNOREDUCE "$@" -o pan pan.c
}

# What pan's output in `log` says: holds, stall, cycle, a clause, or that there is no result.
result_of()
{
    if grep -q 'assertion violated' log; then
        grep -m1 'assertion violated' log | grep -oE 'IO_[A-Z]+_[0-9]+|REACHED' | tail -n 1 || printf 'assertion\n'
    elif grep -q 'invalid end state (' log; then
        printf 'stall\n'
    elif grep -q 'acceptance cycle (' log; then
        printf 'cycle\n'
    elif grep -qE 'search depth too small|Search not completed|out of memory|error:|VECTORSZ' log; then
        printf 'incomplete\n'
    elif grep -q 'errors: 0' log && ! unreached; then
        printf 'holds\n'
    elif grep -q 'errors: 0' log; then
        printf 'unreached\n'
    else
        printf 'no result\n'
    fi
}

# A statement of an unbroken model that no run comes to, but for the ends of processes that go on for ever.
unreached()
{
    [[ $broken == NONE ]] && sed -n '/^unreached in/,$p' log | grep -v -- '-end-' | grep -q ', state '
}

# The way to an unexpected violation; without fairness a short one. Only what changes something is printed, and only the
# last of it; the rest is jumps.
explain()
{
    local pan=(./pan -m500000 -w20)
    if [[ $property == safe ]] && compgen -G '*.trail' >/dev/null && make_pan -O1 -DSAFETY -DNOCLAIM -DREACH; then
        watched timeout 60 "${pan[@]}" -i || true
    fi
    if compgen -G '*.trail' >/dev/null; then
        spin -t -p "${defines[@]}" "$model.pml" >trace 2>&1 || true
        local process='proc +([0-9]+) \(([A-Za-z]+).*\)' place='([a-z]+\.pml:[0-9]+)'
        sed -nE "s/^ *[0-9]+:\t$process $place \(.*\)\t\[(.*)\]$/\2 \1  \3  \4/p" trace |
            grep -E ' = |!|\?|assert' | grep -vE '  \(\(| (ask|told|flags|armed|before|known|want|stale|fd|idle) = ' |
            cut -c 1-120 | tail -n 60 || true
    else
        grep -vE '^$|^[[:space:]]' log | head -n 20 || true
    fi
}

run_one()
{
    local backend=${configuration%+*} mode=${configuration#*+} optimize=-O2
    title="$model $configuration $variant"
    broken=NONE
    defines=("-DBACKEND=${backend^^}" "-DTRIGGER=${mode^^}_MODE")
    for part in ${variant//,/ }; do
        case $part in
        -) ;;
        +mask) defines+=(-DMASK) ;;
        *) broken=$part ;;
        esac
    done
    defines+=("-DBROKEN=$broken")
    [[ $broken == NONE ]] || optimize=-O1
    local start=$EPOCHREALTIME
    local pan=(./pan -m500000 -w22) flags=(-DSAFETY -DNOCLAIM)
    if [[ $property == live ]]; then
        pan+=(-a -f)
        flags=(-DNFAIR=3)
    fi
    result='no verifier'
    states=- depth=-
    if make_pan "$optimize" "${flags[@]}"; then
        watched "${pan[@]}" || true
        result=$(result_of)
        states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' log)
        depth=$(sed -nE 's/.*depth reached ([0-9]+),.*/\1/p' log)
    fi
    local time=$((${EPOCHREALTIME/./} - ${start/./}))
    seconds=$((time / 1000000)).$((time / 100000 % 10))
}

runs=()
while read -r model configurations variant property expected _; do
    [[ $model && $model != \#* && " ${models[*]} " == *" $model "* ]] || continue
    if [[ $configurations == all ]]; then
        configurations='epoll+edge epoll+level poll+edge poll+level select+edge select+level'
    fi
    for configuration in $configurations; do
        runs+=("$model $configuration $variant $property $expected")
    done
done <"$here/runs.txt"

if ((${#runs[@]} == 0)); then
    printf 'check.sh: runs.txt has nothing for %s\n' "${models[*]}" >&2
    exit 2
fi

number=0
failed=0
rows=()
objects=()
for run in "${runs[@]}"; do
    read -r model configuration variant property expected <<<"$run"
    number=$((number + 1))
    run_one
    rows+=("$(printf '%-12s %-13s %-24s %-13s %-13s %9s %6s %7s' "$model" "$configuration" "$variant" "$expected" \
        "$result" "$states" "$depth" "$seconds")")
    objects+=("$(printf '{"model":"%s","configuration":"%s","variant":"%s","property":"%s","expected":"%s",' \
        "$model" "$configuration" "$variant" "$property" "$expected")$(printf \
        '"result":"%s","states":"%s","depth":"%s","seconds":%s}' "$result" "$states" "$depth" "$seconds")")
    if [[ $result != "$expected" ]]; then
        failed=$((failed + 1))
        rows[-1]+='  UNEXPECTED'
        printf '%s\nUNEXPECTED: %s: %s instead of %s\n' "${rows[-1]}" "$title" "$result" "$expected"
        explain
    fi
done

printf '\n%-12s %-13s %-24s %-13s %-13s %9s %6s %7s\n' model configuration variant expected result states depth seconds
printf '%s\n' "${rows[@]}"
printf '\n%d runs, %d not as expected, %d s\n' "${#runs[@]}" "$failed" "$SECONDS"
if [[ $json ]]; then
    cd "$OLDPWD"
    {
        printf '[\n'
        printf '%s' "${objects[0]}"
        ((${#objects[@]} < 2)) || printf ',\n%s' "${objects[@]:1}"
        printf '\n]\n'
    } >"$json"
fi
((failed == 0))
