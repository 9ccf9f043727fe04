#!/usr/bin/env bash
# Checks that the ACSL contracts are well formed: Frama-C reads each file of lib/core, and the heap, and type-checks its annotations.
# It proves nothing. An annotation that is wrong is an error; that it is, is tried first on a file that has one.
set -euo pipefail

usage()
{
    cat <<'END'
Usage: proofs/parse.sh [FILE]...

Has Frama-C parse and type-check the annotations of the C files (default: all of
lib/core, and proofs/wp/heap.c, which is lib/timer/heap.h). Run it at the project's root. Exit status: 0 well formed, 1 not, 2
bad usage or no Frama-C.
END
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
-*)
    printf 'parse.sh: unknown option %s\n' "$1" >&2
    exit 2
    ;;
esac
if ! command -v frama-c >/dev/null; then
    printf 'parse.sh: frama-c is not installed (package frama-c-base)\n' >&2
    exit 2
fi
work=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/parse.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [[ ! -w ${HOME:-} ]]; then
    export HOME=$work
fi

# Frama-C brings headers of its own, for the machine that it is told.
parse()
{
    TMPDIR=$work frama-c -machdep gcc_x86_64 -c11 -kernel-warn-key annot-error=abort,typing:no-proto=abort \
        -cpp-extra-args="-std=c11 -Ilib/include -Ilib -I." -typecheck "$1" >"$work/log" 2>&1
}

printf '/*@ ensures IO_PROBE: nonsense(x); */\nint io_f(int x);\nint io_f(int x)\n{\n    return x;\n}\n' >"$work/bad.c"
if parse "$work/bad.c"; then
    printf 'FAILED  an annotation that is wrong was accepted\n'
    exit 1
fi
if (($#)); then
    files=("$@")
else
    mapfile -t files < <(find lib/core -name '*.c' | sort)
    files+=(proofs/wp/heap.c)
fi
if ((${#files[@]} < 2)); then
    printf 'FAILED  no files in lib/core\n'
    exit 1
fi
failed=0
for file in "${files[@]}"; do
    if parse "$file"; then
        printf 'ok      %s: %d annotations\n' "$file" "$(grep -cE '/\*@|//@' "$file" || true)"
    else
        printf 'FAILED  %s\n' "$file"
        cat "$work/log"
        failed=1
    fi
done
exit "$failed"
