#!/bin/bash
# Builds every fuzz target (fuzz/*_fuzzer.c) with plain clang. The contract is OSS-Fuzz's: the caller sets
#
#   CC CXX CFLAGS CXXFLAGS      compilers and flags; the sanitizers and the coverage instrumentation are among them
#   LIB_FUZZING_ENGINE          what brings main(): -fsanitize=fuzzer, or another engine's library
#   OUT WORK                    where the results go, and scratch space
#
# and finds in $OUT, for each target T: T, T_seed_corpus.zip, T.dict and T.options (the last three if there are such).
# $OUT/iop converts programs between their text form and their bytes, and $OUT/equivalence_main, which comes with
# equivalence_fuzzer, is what ci/equivalence runs; they are no fuzz targets.
#
# Besides, for ci/fuzz and ci/mutants: IO_FUZZ_TARGETS="T ..." builds those targets only, IO_FUZZ_SEEDS=0 leaves the
# seed corpora out, IO_BUILD_JOBS is the number of compilers run at a time, IO_OBJECTS is a folder of objects that
# several builds share. An object is named by what it was compiled from, so only what has changed is compiled.
# IO_CHANGED="[sim:]FILE ..." says that only these are to be compiled in another way than by the builds before it with this
# $WORK: the rest is not even looked at.
# shellcheck disable=SC2086 # flags are words, as the contract has it
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail()
{
    echo "fuzz/build.sh: $*" >&2
    exit 1
}

: "${OUT:?fuzz/build.sh: OUT is not set}" "${WORK:?fuzz/build.sh: WORK is not set}"
: "${CC:=clang}" "${CXX:=clang++}" "${CFLAGS=}" "${CXXFLAGS=}" "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"
jobs=${IO_BUILD_JOBS:-$(nproc)}
mkdir -p "$OUT" "$WORK/link" "$WORK/seeds" "${IO_OBJECTS:-$WORK/objects}"
OBJECTS=$(realpath "${IO_OBJECTS:-$WORK/objects}")
export CC CFLAGS OBJECTS LINK=$WORK/link

# -iquote: as Bazel does it, "fuzz/model/model.h" is found from the top of the tree. IO_CHECK: with the invariants of
# lib/check, which the harness looks at after every operation.
export COMPILE_FLAGS="-std=c11 -Ilib/include -iquote . -DIO_CHECK"
# A program is operations, not bytes that somebody compares: tracing comparisons takes half of the time, and finds nothing
# that the mutations of fuzz/program don't. What parses or computes is also built for the real kernel, with the tracing.
SIM_FLAGS=
if $CC -fno-sanitize-coverage=trace-cmp -E - </dev/null >/dev/null 2>&1; then
    SIM_FLAGS=" -fno-sanitize-coverage=trace-cmp"
fi
export SIM_FLAGS
TOOLCHAIN=$($CC --version | head -n 1)
export TOOLCHAIN

# compile [sim:]SOURCE: leaves $LINK/[sim:]NAME.o, a link to the object whose name is a hash of all that went into it.
# Behind "sim:", over the simulated kernel.
compile()
{
    local source=${1#sim:} name key object flags=$COMPILE_FLAGS
    [[ $1 != sim:* ]] || flags+=" -DIO_OS_SIM$SIM_FLAGS"
    name=${source//\//_}
    key=$({ echo "$TOOLCHAIN $CFLAGS $flags"; $CC $CFLAGS $flags -E "$source"; } | sha256sum)
    object=$OBJECTS/${name%.c}.${key:0:24}.o
    if [[ ! -e $object ]]; then
        echo "compile $1"
        # Renamed when complete: an interrupted build leaves no half object under its final name.
        $CC $CFLAGS $flags -c "$source" -o "$object.$$"
        mv "$object.$$" "$object"
    fi
    link_name "$1"
    ln -sf "$object" "$LINK/$link_name"
}

# link_name [sim:]SOURCE: sets link_name. (Not printed: a process for each of hundreds takes its time.)
link_name()
{
    link_name=${1//\//_}
    link_name=${link_name%.c}.o
}
export -f compile link_name

# is_changed [sim:]SOURCE: or was never compiled.
is_changed()
{
    link_name "$1"
    [[ -z ${IO_CHANGED:-} || " $IO_CHANGED " == *" $1 "* || ! -e $LINK/$link_name ]]
}

# archive NAME [sim:]SOURCE...
archive()
{
    local name=$1 source objects=()
    shift
    for source; do
        link_name "$source"
        objects+=("$LINK/$link_name")
    done
    rm -f "$WORK/$name"
    ar rcs "$WORK/$name" "${objects[@]}"
}

# link NAME ENGINE: from $LINK/[sim:]fuzz_NAME.o
link()
{
    local prefix='' archives=("$WORK/libharness.a" "$WORK/libioatom.a") flags=("${link_flags[@]}")
    if [[ $1 == iop ]]; then archives=("$WORK/libharness.a") flags=(); fi
    if is_simulated "$1"; then
        prefix=sim: archives=("$WORK/libharness_sim.a" "$WORK/libioatom_sim.a") flags=()
    fi
    echo "link $1"
    link_name "fuzz/$1.c"
    # C, but linked with $CXX: the engines are C++. The archives need each other when calls are wrapped.
    $CXX $CXXFLAGS "$LINK/$prefix$link_name" -Wl,--start-group "${archives[@]}" -Wl,--end-group \
        "${flags[@]}" $2 -lpthread -o "$OUT/.$1.new"
    mv "$OUT/.$1.new" "$OUT/$1" # a running one keeps its file
}

# is_simulated NAME: a target that includes ioatom/sim.h runs on the simulated kernel, and so do the library and the
# harness that it is linked with.
is_simulated()
{
    grep -q '^#include <ioatom/sim\.h>' "fuzz/$1.c"
}

# seeds TARGET: its corpus as bytes, in $WORK/seeds/TARGET and in the zip file
seeds()
{
    local target=$1 file name into=$WORK/seeds/$1 zip=$OUT/${1}_seed_corpus.zip files pairs=() copies=()
    rm -rf "$into" "$zip"
    mkdir "$into"
    for file in fuzz/corpus/"$target"/*; do
        name=${file##*/}
        case $name in
            *.md) ;;
            *.iop) pairs+=("$file" "$into/${name%.iop}.bin") ;;
            *) copies+=("$file") ;;
        esac
    done
    if ((${#pairs[@]})); then "$OUT/iop" encode "${pairs[@]}" >/dev/null || fail "cannot encode the programs of $target"; fi
    if ((${#copies[@]})); then cp "${copies[@]}" "$into/"; fi
    files=("$into"/*)
    ((${#files[@]})) || { echo "no seeds for $target"; return 0; }
    echo "seeds $target: ${#files[@]}"
    if command -v zip >/dev/null; then zip -Xjq "$zip" "${files[@]}"; else python3 -m zipfile -c "$zip" "${files[@]}"; fi
}

library=()
for folder in core backends os poller io codec timer audit check; do
    if [[ -d lib/$folder ]]; then mapfile -t -O "${#library[@]}" library < <(find "lib/$folder" -name '*.c' | LC_ALL=C sort); fi
done
simulation=(lib/sim/*.c)
((${#library[@]})) || fail "no sources of the library"
programs=(fuzz/program/*.c)
harness_only=(fuzz/model/*.c fuzz/harness/*.c)
harness=("${programs[@]}" "${harness_only[@]}")
link_flags=()
if [[ -e fuzz/link.flags ]]; then read -r -a link_flags <fuzz/link.flags || true; fi

targets=()
for source in fuzz/*_fuzzer.c; do
    target=${source#fuzz/}
    target=${target%.c}
    [[ $target =~ ^[A-Za-z0-9_-]+$ ]] || fail "$source: a target's name has only letters, digits, _ and -"
    if [[ -z ${IO_FUZZ_TARGETS:-} || " $IO_FUZZ_TARGETS " == *" $target "* ]]; then targets+=("$target"); fi
done
((${#targets[@]})) || fail "no fuzz targets"

# The programs' text and bytes are the same for all; the rest of what is plain is for targets that are.
plain=
sources=("${programs[@]}" fuzz/[i]op.c)
harness_sim=("${harness[@]}" fuzz/equivalence/*.c)
sources_sim=("${library[@]/#/sim:}" "${simulation[@]/#/sim:}" "${harness_sim[@]/#/sim:}")
simulated=
for target in "${targets[@]}"; do
    if is_simulated "$target"; then
        sources_sim+=("sim:fuzz/$target.c")
        simulated=1
        if [[ $target == equivalence_fuzzer ]]; then sources_sim+=("sim:fuzz/equivalence_main.c"); fi
    else
        sources+=("fuzz/$target.c")
        plain=1
    fi
done
if [[ $plain ]]; then sources+=("${library[@]}" "${harness_only[@]}"); fi
if [[ $simulated ]]; then sources+=("${sources_sim[@]}"); fi
changed=()
for source in "${sources[@]}"; do
    if is_changed "$source"; then changed+=("$source"); fi
done
if [[ -z ${IO_CHANGED:-} ]]; then rm -f "$LINK"/*.o; fi
# shellcheck disable=SC2016 # $1 is the inner shell's
printf '%s\0' ${changed[@]+"${changed[@]}"} |
    xargs -0 -r -P "$jobs" -I '{}' bash -c 'set -euo pipefail; compile "$1"' _ '{}' || fail "a source does not compile"

archive libharness.a "${programs[@]}" ${plain:+"${harness_only[@]}"}
if [[ $plain ]]; then archive libioatom.a "${library[@]}"; fi
if [[ $simulated ]]; then
    archive libioatom_sim.a "${library[@]/#/sim:}" "${simulation[@]/#/sim:}"
    archive libharness_sim.a "${harness_sim[@]/#/sim:}"
fi

# The tool runs here, at build time, where a leak checker may be forbidden to trace it; its coverage is of no interest.
export ASAN_OPTIONS=detect_leaks=0 LLVM_PROFILE_FILE=/dev/null
if [[ -e fuzz/iop.c && ${IO_FUZZ_SEEDS:-1} == 1 ]]; then link iop ""; fi
for target in "${targets[@]}"; do
    link "$target" "$LIB_FUZZING_ENGINE"
    if [[ $target == equivalence_fuzzer ]]; then link equivalence_main ""; fi
    if [[ ${IO_FUZZ_SEEDS:-1} == 1 ]]; then seeds "$target"; fi
    for file in "fuzz/$target.dict" "fuzz/$target.options"; do
        if [[ -e $file ]]; then cp "$file" "$OUT/"; fi
    done
done

# Objects that this build did not use; those of a shared folder belong to others, too.
if [[ -z ${IO_OBJECTS:-} ]]; then
    for object in "$OBJECTS"/*; do
        name=${object##*/}
        name=${name%.o}
        name=${name%.*}.o
        [[ $(readlink "$LINK/$name" || true) == "$object" || $(readlink "$LINK/sim:$name" || true) == "$object" ]] ||
            rm -f "$object"
    done
fi
