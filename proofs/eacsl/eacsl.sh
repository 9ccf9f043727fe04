#!/usr/bin/env bash
# Executes the contracts of lib/core over the fuzz corpus. See --help and README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=proofs/tool.sh
. "$here/../tool.sh"

usage()
{
    cat <<'END'
Usage: proofs/eacsl/eacsl.sh [OPTION]...

Has Frama-C's E-ACSL turn the contracts of lib/core into code, links it with the
rest of the library and the fuzz harness, and runs every program of the corpus
in every configuration. Prints which clauses were executed, and how often.

  --json FILE   also write the results there
  --update      write not_executed.txt anew instead of comparing with it
  --self-test   instead: put the mistakes of faults.txt into copies; each must
                be reported by the clause that the list names
  --fault NAME  with --self-test: only this one (may be repeated)
  --help        print this

Exit status: 0 no clause is violated, and not_executed.txt is right; 1
otherwise; 2 bad usage or a missing tool.
END
}

json=
update=
self_test=
wanted=()
while (($#)); do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --self-test) self_test=1 ;;
    --update) update=1 ;;
    --json | --fault)
        if [[ ! ${2:-} ]]; then
            printf 'eacsl.sh: %s needs a value\n' "$1" >&2
            exit 2
        fi
        if [[ $1 == --json ]]; then json=$2; else wanted+=("$2"); fi
        shift
        ;;
    *)
        printf 'eacsl.sh: unknown argument %s (--help lists the options)\n' "$1" >&2
        exit 2
        ;;
    esac
    shift
done
need frama-c gcc objcopy python3

work_folder eacsl
child=
trap 'exit 1' INT TERM
trap '[[ ! $child ]] || kill -- "-$child" 2>/dev/null || true; rm -rf "$work"' EXIT
# One state of the sources for all that follows.
mkdir "$work/source"
if ! (cd "$root" && cp -rL --parents -t "$work/source" lib proofs/wp/contracts.h \
    fuzz/{*.c,link.flags,program,model,harness,corpus/dispatch_fuzzer}); then
    printf 'eacsl.sh: the sources or the corpus are missing\n' >&2
    exit 2
fi
chmod -R u+w "$work"
cd "$work/source"
corpus=(fuzz/corpus/dispatch_fuzzer/*.iop)
if [[ ! -e ${corpus[0]} ]]; then
    printf 'eacsl.sh: the corpus is empty\n' >&2
    exit 2
fi

# watched NAME COMMAND...: runs it in a process group of its own, and says every five seconds that it does.
watched()
{
    local name=$1 begin=$SECONDS shown=$SECONDS status=0
    shift
    set -m
    "$@" &
    child=$!
    set +m
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.1
        if ((SECONDS - shown >= 5)); then
            shown=$SECONDS
            printf '%-40s %4d s\n' "$name" $((SECONDS - begin))
        fi
    done
    wait "$child" || status=$?
    child=
    return "$status"
}

flags=(-O1 -g -std=c11 -Ilib/include -iquote . -iquote fuzz)
parser=(-machdep gcc_x86_64 -c11 -kernel-warn-key annot-error=abort
    "-cpp-extra-args=-std=c11 -Ilib/include -Ilib -I.")
optimize=-O0
if [[ ! $self_test ]]; then
    parser+=(-load-script "$work/clauses.ml")
    optimize=-O1
fi

# What watched runs is in a condition, where bash does not mind what fails: hence the &&.

# All but the core.
rest()
{
    local file
    mkdir "$work/objects" && cp -L "$here/runtime.c" "$here/snapshot.h" . || return 1
    for file in lib/{backends,os,poller,io}/*.c fuzz/{program,model,harness}/*.c fuzz/dispatch_fuzzer.c \
        fuzz/replay_main.c; do
        [[ -e $file ]] || continue
        gcc "${flags[@]}" -c "$file" -o "$work/objects/${file//\//_}.o" || return 1
    done
    gcc "${flags[@]}" -c runtime.c -o "$work/objects/runtime.o"
}

# original NAME: the clauses that there are.
original()
{
    cp -r lib proofs "$work/$1/" &&
        cd "$work/$1" &&
        EACSL_CLAUSES=$work/$1/original.tsv frama-c "${parser[@]}" lib/core/*.c >log 2>&1
}

# checked NAME: the sources in $work/NAME as a program $work/NAME/replay.
checked()
{
    local tree=$work/$1
    # Linked by the library's full name, so that no package for developers is needed.
    # shellcheck disable=SC2046 # flags are words
    python3 "$here/eacsl.py" prepare "$tree" &&
        cd "$tree" &&
        EACSL_CLAUSES=$tree/rewritten.tsv frama-c "${parser[@]}" lib/core/*.c -e-acsl -e-acsl-no-assert-print-data \
            -then-last -print -ocode generated.c >log 2>&1 &&
        python3 "$here/eacsl.py" wire generated.c core.c symbols &&
        gcc $optimize -w -c core.c -o unnamed.o &&
        objcopy --redefine-syms=symbols unnamed.o core.o &&
        gcc core.o "$work"/objects/*.o $(cat "$work/source/fuzz/link.flags") -l:libgmp.so.10 -lpthread -o replay
}

# (program NAME PROGRAM): leaves what it says in $work/NAME/said.
program()
{
    exec >"$work/$1/said" 2>&1 # in a process of its own, and bash's word of an abort goes there, too
    ulimit -c 0
    IOATOM_EACSL_COUNTS=$work/$1/counts.tsv timeout --foreground 60 "$work/$1/replay" "$2"
}

build()
{
    if ! watched "$1: E-ACSL and gcc" checked "$1"; then
        printf 'FAILED  %s: it can not be built\n' "$1"
        tail -20 "$work/$1/log" || true
        exit 1
    fi
}

cp -L "$here/clauses.ml" "$work/" # compiled beside the source
if ! watched "the library and the harness" rest; then
    printf 'FAILED  they do not compile\n'
    exit 1
fi

if [[ $self_test ]]; then
    if ((${#wanted[@]} == 0)); then
        mapfile -t wanted < <(python3 "$here/eacsl.py" faults "$here/faults.txt")
    fi
    for name in "${wanted[@]}"; do
        begin=$SECONDS
        mkdir "$work/$name"
        cp -r lib proofs "$work/$name/"
        expected=$(python3 "$here/eacsl.py" fault "$here/faults.txt" "$name" "$work/$name")
        build "$name"
        found="" reported=""
        for file in "${corpus[@]}"; do
            if ! (program "$name" "$file"); then
                found=${file##*/}
                reported=$(awk '/^CONTRACT / && !seen[$2 $4]++ { printf "%s %s;", $2, $4 }' "$work/$name/said")
                break
            fi
        done
        printf '%s\t%s\t%s\t%s\t%d\n' "$name" "$expected" "$reported" "$found" $((SECONDS - begin)) >>"$work/results"
        printf '%s: %s (%d s)\n' "$name" "${reported:-not noticed}" $((SECONDS - begin))
        rm -rf "${work:?}/$name"
    done
    python3 "$here/eacsl.py" faults-report "$work/results" "$json"
    exit
fi

mkdir "$work/real"
if ! watched "the clauses" original real; then
    printf 'FAILED  the contracts are not well formed\n'
    tail "$work/real/log"
    exit 1
fi
build real
mapfile -t configurations < <(IOATOM_FUZZ_LIST=1 "$work/real/replay")
begin=$SECONDS
shown=$SECONDS
violations=0
programs=0
for file in "${corpus[@]}"; do
    if ! (program real "$file"); then
        violations=$((violations + 1))
        printf 'FAILED  %s\n' "${file##*/}"
        head -40 "$work/real/said"
    elif ! grep -qx 'replayed 1 inputs' "$work/real/said" || grep -q 'nothing is tested' "$work/real/said"; then
        printf 'FAILED  %s was not run\n' "${file##*/}"
        cat "$work/real/said"
        exit 1
    fi
    programs=$((programs + 1))
    if ((SECONDS - shown >= 5)); then
        shown=$SECONDS
        printf '%d of %d programs\n' "$programs" "${#corpus[@]}"
    fi
done
python3 "$here/eacsl.py" report "$work/real/original.tsv" "$work/real/rewritten.tsv" "$work/real/generated.c" \
    "$work/real/counts.tsv" "$here/not_executed.txt" "$update" "$json" "$programs" "${#configurations[@]}" \
    $((SECONDS - begin)) "$violations"
