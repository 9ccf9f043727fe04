#!/usr/bin/env bash
# Analyses the backends with Eva. See --help and README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=proofs/tool.sh
. "$here/../tool.sh"

usage()
{
    cat <<'END'
Usage: proofs/eva/eva.sh [OPTION]... [DRIVER]...

Has Frama-C's Eva look for run-time errors in the library, driven on one backend
at a time (DRIVER: afd, epoll, kqueue, poll, select, uring; default: all), and in the hash of
sockets (DRIVER: places). Prints how much of each file the drivers reach, and every
alarm. What was analysed before, from the same text by the same Frama-C, is not
analysed again: its result is recorded in proofs/eva/results.

  --fresh       analyse everything, whatever is recorded
  --update      record what was analysed, if there is no alarm
  --json FILE   also write the results there
  --self-test   instead: put mistakes into copies; each must raise an alarm
  --help        print this

Exit status: 0 no alarm, and every statement of the backends reached (but for
those of unreached.txt); 1 otherwise; 2 bad usage or a missing tool.
END
}

json=
self_test=
fresh=
update=
drivers=()
while (($#)); do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --self-test) self_test=1 ;;
    --fresh) fresh=1 ;;
    --update) update=1 ;;
    --json)
        if [[ ! ${2:-} ]]; then
            printf 'eva.sh: --json needs a file\n' >&2
            exit 2
        fi
        json=$2
        shift
        ;;
    afd | epoll | kqueue | places | poll | select | uring) drivers+=("$1") ;;
    *)
        printf 'eva.sh: unknown argument %s (--help lists the options)\n' "$1" >&2
        exit 2
        ;;
    esac
    shift
done
if ((${#drivers[@]} == 0)); then
    drivers=(afd epoll kqueue places poll select uring)
fi
need frama-c gcc python3

work_folder eva
child=
trap 'exit 1' INT TERM
trap '[[ ! $child ]] || kill "$child" 2>/dev/null || true; rm -rf "$work"' EXIT
share=$(frama-c -print-share-path)
cp -rL "$root/lib" "$work/" # one state of it for all analyses
chmod -R u+w "$work/lib"

# source: as it is, or with a fault; tree: what Eva reads, line for line the same.
copy()
{
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1/source"
    cp -r "$work/lib" "$work/$1/source/"
}

# Of these functions 0 is a case of its own: a poller that may be used, a status that was written.
split_return=io_result:0,init:0,open_backend:0,io_poller_init:0,io_poller_init_in:0,begin:0

# arrange NAME DRIVER: makes the tree, and sets sources, flags (of the preprocessor) and splits.
arrange()
{
    local name=$1 driver=$2 tree=$work/$1/tree
    cp -r "$work/$name/source" "$tree"
    python3 "$here/eva.py" prepare "$tree"
    sources=("$tree"/lib/core/*.c "$tree"/lib/poller/*.c "$tree/lib/backends/$driver.c")
    sources+=("$here/drive.c" "$here/kernel_libc.c")
    splits=$split_return levels=io_core_dispatch:0
    flags=(-std=c11 "-I$here/include" "-I$share/libc" "-I$tree/lib/include" "-I$tree/lib" "-I$here"
        "-D_Alignof(x)=__alignof__(x)" "-DUSE_${driver^^}" "-DTYPE=IO_POLLER_${driver^^}" -DSLOTS=4 -DLAST=3 -DINLINE=0)
    case $driver in
    afd)
        sources+=("$here/kernel_windows.c")
        flags+=(-U__linux__ -D_WIN32 "-I$here/windows")
        splits+=,io_os_afd_open:0,afd_open:0,NtCreateFile:0,GetQueuedCompletionStatusEx:0
        cp "$here/windows/places.h" "$tree/lib/core/places.h"
        ;;
    places)
        sources=("$here/drive_places.c")
        flags+=(-U__linux__ -D_WIN32)
        splits='' levels=main:10,io_places_search:1000,io_places_drop:1000
        ;;
    *)
        sources+=("$here/kernel.c")
        splits+=,fstat:0
        ;;&
    kqueue)
        sources+=("$here/kernel_kqueue.c")
        flags+=(-DIO_OS_KQUEUE=1)
        ;;
    uring)
        sources+=("$tree/lib/backends/ring.c" "$here/kernel_uring.c")
        splits+=,uring_open:0,io_ring_open:0,map:0,io_os_uring_map:0,io_ring_take:0
        ;;
    esac
    options=(-eva -eva-no-print -eva-msg-key=-initial-state,-final-states
        -eva-slevel 10 -eva-slevel-function "$levels"
        -eva-auto-loop-unroll 16
        ${splits:+-eva-split-return-function "$splits"}
        -eva-unroll-recursive-calls 2 -eva-interprocedural-splits)
}

# Prints a hash of what Eva reads and is told, behind arrange; where the files are, and comments, are of no account.
key()
{
    local source
    {
        frama-c -version
        printf '%s\n' "${options[@]}"
        cat "$here/coverage.ml"
        for source in "${sources[@]}"; do gcc -E -P -D__FC_MACHDEP_GCC_X86_64 "${flags[@]}" "$source"; done
    } | grep -v '^[[:space:]]*$' | sha256sum | cut -c 1-64
}

analyse()
{
    local name=$1 quoted
    shift
    cp -L "$here/coverage.ml" "$work/$name/" # compiled beside the source
    export EVA_COVERAGE=$work/$name/coverage.tsv
    printf -v quoted '%q ' "${flags[@]}"
    exec frama-c -machdep gcc_x86_64 -c11 -no-frama-c-stdlib -cpp-extra-args="$quoted" \
        -load-script "$work/$name/coverage.ml" "${sources[@]}" "${options[@]}" "$@" >"$work/$name/log" 2>&1
}

# Runs analyse, and says every five seconds that it does.
watched()
{
    local begin=$SECONDS shown=$SECONDS
    analyse "$@" &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - shown >= 5)); then
            shown=$SECONDS
            printf '%-32s %4d s\n' "$1" $((SECONDS - begin))
        fi
    done
    wait "$child" || true
    child=
    seconds=$((SECONDS - begin))
}

if [[ $self_test ]]; then
    failed=0
    while IFS=$'\t' read -r driver name file from to; do
        [[ $driver && $driver != \#* ]] || continue
        copy "$name"
        if ! python3 - "$work/$name/source/$file" "$from" "$to" <<'END'
import pathlib, sys
path, old, new = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
text = path.read_text()
path.write_text(text.replace(old, new))
sys.exit(old not in text)
END
        then
            printf 'FAILED  %s: %s does not have the code that it changes\n' "$name" "$file"
            failed=1
            continue
        fi
        arrange "$name" "$driver"
        watched "$name" -eva-stop-at-nth-alarm 1
        if alarm=$(grep -m1 -A2 '\[eva:alarm\].*lib/' "$work/$name/log" | tr -d '\n'); then
            printf 'ok      %s (%d s): %s\n' "$name" "$seconds" "${alarm//$work\/$name\/tree\//}"
        else
            printf 'FAILED  %s: no alarm\n' "$name"
            tail -3 "$work/$name/log"
            failed=1
        fi
    done <"$here/faults.txt"
    exit "$failed"
fi

rows=()
for driver in "${drivers[@]}"; do
    copy "$driver"
    arrange "$driver" "$driver"
    key=$(key)
    if [[ ! $fresh ]] && python3 "$here/eva.py" is-recorded "$driver" "$key"; then
        seconds=recorded
    else
        watched "$driver"
    fi
    rows+=("$driver=$key=$seconds")
done
python3 "$here/eva.py" report "$work" "$json" "$update" "${rows[@]}"
