# shellcheck shell=bash
# The one command that builds a program with the library and no build system. Source it at the project's root.

# io_sources: the library's C files, as the README's command finds them.
io_sources()
{
    local folder
    for folder in lib/core lib/backends lib/os lib/poller lib/io lib/timer lib/audit lib/codec; do
        if [[ ! -d $folder ]]; then
            printf 'no folder %s\n' "$folder" >&2
            return 1
        fi
    done
    find lib/core lib/backends lib/os lib/poller lib/io lib/timer lib/audit lib/codec -name '*.c'
}

# io_compile COMPILER APP OUTPUT FLAG...
io_compile()
{
    local compiler=$1 app=$2 output=$3 sources
    shift 3
    mapfile -t sources < <(io_sources)
    if ((${#sources[@]} == 0)); then
        printf 'no library sources\n' >&2
        return 1
    fi
    "$compiler" -std=c11 "$@" -Ilib/include "$app" "${sources[@]}" -lpthread -o "$output"
}
