#!/usr/bin/env bash
# ci/install.sh against an apt-get and a sudo that only record what they are asked.
set -euo pipefail
library=$PWD/$1
work=$(mktemp -d "$TEST_TMPDIR/install.XXXXXX")
mkdir "$work/bin"
for program in bash cat cut env grep head mktemp rm sed sleep tail tr wc; do
    ln -s "$(command -v "$program")" "$work/bin/$program"
done
failed=0

fake()
{
    printf '#!%s/bin/bash\n%s\n' "$work" "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# expect NAME STATUS TEXT: runs the script on standard input with the library and the fakes.
expect()
{
    local output status=0 script
    script=$(cat)
    : >"$work/asked"
    output=$(PATH=$work/bin TMPDIR=$work ASKED=$work/asked bash -euo pipefail -c ". '$library'; $script" \
        "$work/command" 2>&1 </dev/null) || status=$?
    output+=$'\n'$(<"$work/asked")
    if [[ $status == "$2" && $output == *"$3"* ]]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: expected status %d and "%s"; status %d, output:\n%s\n' "$1" "$2" "$3" "$status" "$output"
        failed=1
    fi
}

expect "nothing missing: nothing done" 0 "done" <<<'io_need bash none; io_need "/*" none; io_install_missing; echo done'
expect "no apt-get: the command is printed" 2 "apt-get install -y --no-install-recommends one two" \
    <<<'io_need absent one; io_need /absent/* two; io_need absent2 one; io_install_missing; echo not reached'

fake apt-get 'echo "apt-get $*" >>"$ASKED"'
if ((EUID != 0)); then
    expect "not root, no sudo: the command is printed" 2 "sudo apt-get install -y --no-install-recommends one" \
        <<<'io_need absent one; io_install_missing'
    fake sudo 'exit 1'
    expect "sudo asks for a password, no terminal" 2 "sudo apt-get update" <<<'io_need absent one; io_install_missing'
    fake sudo 'echo "sudo $*" >>"$ASKED"; [[ $1 == -n ]] && shift; exec "$@"'
    expect "sudo is used" 0 "sudo -n env" <<<'io_need absent one; io_install_missing'
fi
expect "what is missing is said" 0 "not installed yet: absent" <<<'io_need absent one; io_install_missing'
expect "lists are updated" 0 " update" <<<'io_need absent one; io_install_missing'
expect "packages are installed" 0 " install -y --no-install-recommends one" <<<'io_need absent one; io_install_missing'

fake apt-get 'echo working; [[ $* != *install* ]] || sleep 5'
expect "progress is shown" 0 " 4 s  working" <<<'io_need absent one; io_install_missing'

fake apt-get 'echo "no such package"; exit 100'
expect "a failure shows why" 2 "no such package" <<<'io_need absent one; io_install_missing'
expect "a failure ends with the command" 2 "Run this, then try again" <<<'io_need absent one; io_install_missing'
exit "$failed"
