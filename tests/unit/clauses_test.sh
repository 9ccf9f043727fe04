#!/usr/bin/env bash
# usage: clauses_test.sh SPEC.md UNIT_TEST...
# Each MUST clause of the specification is named by a unit test, and no unit test names a clause that isn't there. That
# a test which names a clause also checks it is seen to by unit.h. That this check finds both is shown first.
set -euo pipefail
export LC_ALL=C
spec=$1
shift
work=$(mktemp -d "$TEST_TMPDIR/clauses.XXXXXX")

# Clauses that no unit test can show, and what shows them.
cat >"$work/elsewhere" <<'END'
IO-MEM-1 tests/build/no_allocation_test.sh
END

for test; do
    "$test" --list >"$work/list"
    [[ -s $work/list ]] || { printf '%s --list prints nothing\n' "$test"; exit 1; }
    cat "$work/list"
done | grep -oE '\bIO-[A-Z]+-[0-9]+\b' | sort -u >"$work/tested"

# check SPEC: prints what is wrong, and fails if anything is.
check()
{
    sed -nE 's/^- \*\*(IO-[A-Z]+-[0-9]+)\*\* (MUST|MAY): .*/\1 \2/p' "$1" | sort >"$work/clauses"
    cut -d ' ' -f 1 "$work/clauses" >"$work/all"
    sed -n 's/ MUST$//p' "$work/clauses" >"$work/must"
    cut -d ' ' -f 1 "$work/elsewhere" | sort >"$work/excepted"
    {
        comm -23 "$work/must" <(sort -u "$work/tested" "$work/excepted") | sed 's/$/ has no unit test/'
        comm -13 "$work/all" <(sort -u "$work/tested" "$work/excepted") | sed 's/$/ is named, and is no clause/'
        comm -12 "$work/tested" "$work/excepted" | sed 's/$/ has a unit test, and needs no exception/'
    } >"$work/findings"
    cat "$work/findings"
    [[ ! -s $work/findings ]]
}

# refuses SPEC FINDING: check must fail with exactly this.
refuses()
{
    if check "$1" >"$work/output" || [[ $(<"$work/output") != "$2" ]]; then
        printf 'expected: %s\nfound: %s\n' "$2" "$(<"$work/output")"
        exit 1
    fi
}

check "$spec" || exit 1
new="IO-NEW"-1
{ cat "$spec" && printf -- '- **%s** MUST: Nobody has tested this.\n' "$new"; } >"$work/more.md"
refuses "$work/more.md" "$new has no unit test"
grep -v '^- \*\*IO-ADD-1\*\*' "$spec" >"$work/less.md"
refuses "$work/less.md" 'IO-ADD-1 is named, and is no clause'
printf '%d clauses, %d of them MUST; %d named by unit tests, %d shown elsewhere\n' \
    "$(wc -l <"$work/all")" "$(wc -l <"$work/must")" "$(wc -l <"$work/tested")" "$(wc -l <"$work/elsewhere")"
