#!/usr/bin/env bash
# Does ci/tidy find what it claims to find, and nothing in a clean tree? Each case breaks a clean tree in one way.
set -euo pipefail
tidy=$PWD/$1
work=$(mktemp -d "$TEST_TMPDIR/tidy.XXXXXX")
failed=0

# In two parts where this file would otherwise be found itself.
known=IO-PROBE""-1
unknown=IO-PROBE""-2

clean_tree()
{
    rm -rf "$work/tree"
    mkdir -p "$work/tree/lib/core" "$work/tree/lib/examples" "$work/tree/ci"
    cd "$work/tree"
    cp "$format" .clang-format
    printf '%s\n' '# Title' '' "- **$known** MUST: nothing." >lib/SPEC.md
    printf '%s\n' '# A heading here' '' '[spec](lib/SPEC.md#title) [top](#a-heading-here) [out](https://example.org/x)' \
        '`[no](link)` and IO_POLLER_0x01' >README.md
    printf '%s\n' "/* $known, and malloc(1) in a comment. */" 'int io_f(const char *text)' '{' \
        '    return text[0] == "free(x)"[0];' '}' >lib/core/f.c
    printf '%s\n' '#include <stdio.h>' '' 'int main(void)' '{' '    return puts("") < 0;' '}' >lib/examples/e.c
}

# expect NAME MESSAGE: tidy has to exit 1 with exactly one finding, this one.
expect()
{
    local output status=0
    output=$("$tidy" --root . 2>&1) || status=$?
    if [[ $status == 1 && $output == *"$2"* && $output == *" 1 findings"* ]]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: expected one finding "%s"; status %d, output:\n%s\n' "$1" "$2" "$status" "$output"
        failed=1
    fi
    clean_tree
}

# expect_status NAME STATUS ARGUMENT...
expect_status()
{
    local status=0
    "$tidy" "${@:3}" >"$work/output" 2>&1 || status=$?
    if [[ $status == "$2" ]]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: status %d instead of %d\n' "$1" "$status" "$2"
        cat "$work/output"
        failed=1
    fi
}

function_of()
{
    printf '%s\n' 'int io_g(int x)' '{'
    for ((line = 4; line < $1; line++)); do
        printf '    x++;\n'
    done
    printf '%s\n' '    return x;' '}'
}

format=$PWD/$2
clean_tree
expect_status "a clean tree passes" 0 --root .
expect_status "--help" 0 --help
expect_status "an unknown option" 2 --bogus
expect_status "a folder that isn't there" 2 --root ./missing

printf 'int  io_g;\n' >lib/core/g.c
expect "a file that isn't formatted" "lib/core/g.c:1: not formatted"
function_of 70 >lib/core/g.c
expect_status "a function of 70 lines passes" 0 --root .
function_of 71 >lib/core/g.c
expect "a function of 71 lines" "lib/core/g.c:1: function of 71 lines"
printf '/* %s */\n' "$unknown" >lib/core/g.c
expect "an unknown clause" "lib/core/g.c:1: $unknown is not defined"
printf '//@ assert %s_done: \\true;\n' "${unknown//-/_}" >lib/core/g.c
expect "an unknown clause in its C form" "lib/core/g.c:1: $unknown is not defined"
printf -- '- **%s** MUST: again.\n' "$known" >>lib/SPEC.md
expect "a clause defined twice" "lib/SPEC.md:4: $known is defined in line 3 already"
printf '[x](lib/NONE.md)\n' >>README.md
expect "a dead link" "README.md:5: link lib/NONE.md: no such file"
printf '[x](lib/SPEC.md#nowhere)\n' >>README.md
expect "a dead anchor" "no such heading"
printf '[x](../x.md)\n' >>README.md
expect "a link that leads out" "leads out of the project"
printf 'x\n' >notes.txt
expect "a stray file at the top level" "notes.txt:1: does not belong at the top level"
printf '# TO%s later\n' DO >ci/x.sh
expect "an unfinished word" "ci/x.sh:1: unfinished"
for call in 'malloc(1)' 'free(x)' 'getaddrinfo(x)' 'snprintf(x)' 'strdup(x)'; do
    printf 'int io_g = %s;\n' "$call" >lib/core/g.c
    expect "a call of ${call%%(*} in the library" "lib/core/g.c:1: the library must not call ${call%%(*}"
done
printf 'int io_g = io_free(1) + x->free(1);\n' >lib/core/g.c
expect_status "names that only look like a banned call pass" 0 --root .
exit "$failed"
