"""Probes the machine: optional tools become constants, so that BUILD files can skip targets visibly.

`@host_tools//:tools.bzl` defines MISSING, a list of the names (keys of PROGRAMS) that aren't installed.
ci/bazel/defs.bzl turns that into `target_compatible_with`. ci/test names the tools when it shows a skip.
"""

# name in a target's `needs` -> the program, or the file, that is looked for
PROGRAMS = {
    "clang-format-19": "clang-format-19",
    "cvc4": "cvc4",
    "cvc5": "cvc5",
    "frama-c": "frama-c",
    "git": "git",
    "libev": "/usr/include/ev.h",
    "libevent": "/usr/include/event2/event.h",
    "llvm-cov-19": "llvm-cov-19",
    "llvm-profdata-19": "llvm-profdata-19",
    "python3": "python3",
    "spin": "spin",
    "strace": "strace",
    "why3": "why3",
    "wine": "wine",
    "x86_64-w64-mingw32-gcc": "x86_64-w64-mingw32-gcc",
}

def _is_there(ctx, program):
    return ctx.path(program).exists if program.startswith("/") else ctx.which(program)

def _host_tools_impl(ctx):
    missing = [name for name, program in ctx.attr.programs.items() if not _is_there(ctx, program)]
    ctx.file("tools.bzl", "MISSING = %r\n" % missing)
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])

constraint_setting(name = "installed")

# No platform has it: a target that is only compatible with it is skipped.
constraint_value(
    name = "unavailable",
    constraint_setting = ":installed",
)
""")

host_tools = repository_rule(
    implementation = _host_tools_impl,
    attrs = {"programs": attr.string_dict()},
    local = True,
    configure = True,
    environ = ["PATH", "IOATOM_TOOLS"],
)
