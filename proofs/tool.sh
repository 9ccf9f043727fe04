# shellcheck shell=bash
# What eva.sh, eacsl.sh and check.sh have in common; they source this.

# need PROGRAM...: ends with status 2 if one is missing.
need()
{
    local program
    for program; do
        if ! command -v "$program" >/dev/null; then
            printf '%s: %s is not installed (ci/test installs it)\n' "${0##*/}" "$program" >&2
            exit 2
        fi
    done
}

# work_folder NAME: sets $work, a folder of this run, where the tools put what is temporary, too. The caller removes it.
work_folder()
{
    work=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/$1.XXXXXX")
    export TMPDIR=$work
    if [[ ! -w ${HOME:-} ]]; then
        export HOME=$work
    fi
}
