# shellcheck shell=bash
# Installs what the commands in ci/ need. A library: source it.
#
#   io_install_fuzz         what ci/fuzz and ci/mutants need: installs what is missing, with apt-get, or exits 2
#   io_install_coverage     the same for ci/coverage
#   io_install_prove        the same for ci/prove
#   io_install_windows      the same for ci/windows
#   io_install_bench        the same for ci/bench
#   io_install_test         the same for ci/test
#   io_need_fuzz and so on  only collect what is missing, in IO_MISSING (packages) and IO_MISSING_WHAT (programs, files)
#   io_need WHAT PACKAGE    adds one thing: WHAT is a command, or a file name pattern with a slash in it
#   io_install_missing      installs what was collected
#   io_watch PID FUNCTION   waits for a background process of ours and returns its status; calls FUNCTION every four
#                           seconds so that somebody who waits sees progress; passes INT and TERM on to the process,
#                           which is best started with `set -m` (a process group of its own)
#
# apt-get is asked for no recommended packages. Nothing is ever removed.

IO_MISSING=()
IO_MISSING_WHAT=()
IO_WATCH_SECONDS=4

io_say()
{
    printf 'ci/%s: %s\n' "${0##*/}" "$*"
}

io_need()
{
    local what=$1 package=$2
    if [[ $what == */* ]]; then
        compgen -G "$what" >/dev/null && return 0
    else
        command -v "$what" >/dev/null && return 0
    fi
    IO_MISSING_WHAT+=("$what")
    [[ " ${IO_MISSING[*]-} " == *" $package "* ]] || IO_MISSING+=("$package")
}

io_need_fuzz()
{
    local resources=/usr/lib/llvm-19/lib/clang/19
    if command -v clang-19 >/dev/null; then
        resources=$(clang-19 -print-resource-dir)
    fi
    io_need clang-19 clang-19
    io_need "$resources/lib/*/libclang_rt.fuzzer*.a" libclang-rt-19-dev
    io_need llvm-symbolizer-19 llvm-19
    io_need ld.lld-19 lld-19
    io_need python3 python3
    io_need zip zip
}

io_need_coverage()
{
    io_need_fuzz
    io_need llvm-cov-19 llvm-19
    io_need llvm-profdata-19 llvm-19
}

io_need_prove()
{
    io_need frama-c frama-c-base
    io_need why3 why3
    io_need cvc4 cvc4
    io_need cvc5 cvc5
    io_need spin spin
    io_need ocamlopt ocaml
    io_need ocamlfind ocaml-findlib
    io_need gcc gcc
    io_need "/usr/include/stdio.h" libc6-dev
    io_need "/usr/include/*/gmp.h" libgmp-dev
    io_need python3 python3
}

io_need_bench()
{
    io_need gcc gcc
    io_need "/usr/include/stdio.h" libc6-dev
    io_need "/usr/include/ev.h" libev-dev
    io_need "/usr/include/event2/event.h" libevent-dev
    io_need python3 python3
}

io_need_windows()
{
    io_need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-posix
    io_need "/usr/lib/wine/wine64" wine64
    io_need wine wine
    io_need gcc gcc
    io_need "/usr/include/stdio.h" libc6-dev
    io_need python3 python3
}

io_need_test()
{
    io_need_coverage
    io_need_prove
    io_need_windows
    io_need_bench
    io_need bazel bazel-bootstrap
    io_need g++ g++
    io_need nm binutils
    io_need clang-format-19 clang-format-19
    io_need file file
    io_need git git
    io_need strace strace
    io_need unzip unzip
}

io_install_fuzz()
{
    io_need_fuzz
    io_install_missing
}

io_install_coverage()
{
    io_need_coverage
    io_install_missing
}

io_install_prove()
{
    io_need_prove
    io_install_missing
}

io_install_windows()
{
    io_need_windows
    io_install_missing
}

io_install_bench()
{
    io_need_bench
    io_install_missing
}

io_install_test()
{
    io_need_test
    io_install_missing
}

io_install_missing()
{
    ((${#IO_MISSING[@]})) || return 0
    IO_SUDO=()
    io_say "not installed yet: ${IO_MISSING_WHAT[*]}"
    io_check_apt
    io_say "installing with apt-get: ${IO_MISSING[*]}"
    IO_LOG=$(mktemp)
    io_apt update || io_say "apt-get update failed; going on with the package lists that are there"
    if ! io_apt install -y --no-install-recommends "${IO_MISSING[@]}"; then
        tail -n 15 "$IO_LOG" >&2
        rm -f "$IO_LOG"
        io_cannot_install "apt-get failed"
    fi
    rm -f "$IO_LOG"
    io_say "installed in $SECONDS s"
    IO_MISSING=()
    IO_MISSING_WHAT=()
    hash -r
}

# Sets IO_SUDO, or exits when packages can't be installed from here.
io_check_apt()
{
    command -v apt-get >/dev/null || io_cannot_install "there is no apt-get; on Debian 12 the command is as follows"
    ((EUID != 0)) || return 0
    command -v sudo >/dev/null || io_cannot_install "not root, and no sudo"
    if ! sudo -n true 2>/dev/null; then
        [[ -t 0 ]] || io_cannot_install "sudo asks for a password, and there is no terminal to ask on"
        io_say "sudo may ask for your password"
        sudo -v || io_cannot_install "sudo refused"
    fi
    IO_SUDO=(sudo -n)
}

io_cannot_install()
{
    local sudo="sudo "
    ((EUID != 0)) || sudo=
    io_say "cannot install what is missing: $1. Run this, then try again:" >&2
    printf '\n    %sapt-get update && %sapt-get install -y --no-install-recommends %s\n\n' \
        "$sudo" "$sudo" "${IO_MISSING[*]}" >&2
    exit 2
}

io_apt()
{
    local start=$SECONDS pid status=0
    set -m
    "${IO_SUDO[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$IO_LOG" 2>&1 &
    pid=$!
    set +m
    IO_APT_START=$start
    io_watch "$pid" io_apt_progress || status=$?
    if [[ $IO_SIGNAL ]]; then
        rm -f "$IO_LOG"
        io_say "interrupted" >&2
        exit 130
    fi
    return "$status"
}

io_apt_progress()
{
    local line
    line=$(tail -n 1 "$IO_LOG" | tr -d '\r' | sed -E 's#https?://[^ ]* ##' | cut -c 1-80)
    printf '  %4d s  %s\n' $((SECONDS - IO_APT_START)) "${line:-waiting for apt-get}"
}

io_watch()
{
    local pid=$1 tick=$2 next=$((SECONDS + IO_WATCH_SECONDS)) status=0 traps
    traps=$(trap -p INT TERM)
    IO_SIGNAL=
    trap 'io_pass_on INT' INT
    trap 'io_pass_on TERM' TERM
    IO_WATCHED=$pid
    while [[ " $(jobs -rp | tr '\n' ' ') " == *" $pid "* ]]; do
        sleep 0.2 || true
        if ((SECONDS >= next)); then
            "$tick"
            next=$((SECONDS + IO_WATCH_SECONDS))
        fi
    done
    wait "$pid" || status=$?
    trap - INT TERM
    eval "$traps"
    return "$status"
}

io_pass_on()
{
    IO_SIGNAL=$1
    kill -s "$1" -- "-$IO_WATCHED" 2>/dev/null || kill -s "$1" "$IO_WATCHED" 2>/dev/null ||
        sudo -n kill -s "$1" "$IO_WATCHED" 2>/dev/null || true
}
