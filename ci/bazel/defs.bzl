"""The project's test macros. Compilers and sanitizers are variants of one build, chosen by a transition.

    io_cc_test      a C test: with gcc, and `<name>_asan`, `<name>_msan`, `<name>_tsan` with clang
    io_fuzz_test    a fuzz target: `<name>_replay` (gcc), `<name>_asan`, `<name>_msan` replay the corpus;
                    `<name>_bin` is the libFuzzer program
    io_optimized_test  a C test whose whole program is compiled with -O2, since it does much
    io_sh_test      a shell test that says which tools it needs
    io_compatible   `target_compatible_with` for such tools
    IO_COPTS        the compiler flags of all our own C code

A test whose tools are not installed is SKIPPED; ci/test says which tool is missing.
"""

load("@host_tools//:tools.bzl", "MISSING")
load("@local_config_clang//:have.bzl", "HAVE_CLANG", "LEGACY_CROSSTOOL")
load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("@rules_shell//shell:sh_test.bzl", "sh_test")

IO_COPTS = [
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
]

def _engine_flag_impl(_ctx):
    return []

engine_flag = rule(
    implementation = _engine_flag_impl,
    build_setting = config.string(flag = True),
)

_DEBUG = ["-g", "-O1", "-fno-omit-frame-pointer"]
_ASAN = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
_MSAN = ["-fsanitize=memory", "-fsanitize-memory-track-origins"]
_TSAN = ["-fsanitize=thread"]
_LLD = ["-fuse-ld=lld"]

_VARIANTS = {
    "plain": struct(clang = False, copts = [], linkopts = [], engine = "replay"),
    "optimized": struct(clang = False, copts = ["-O2"], linkopts = [], engine = "replay"),
    "asan": struct(clang = True, copts = _DEBUG + _ASAN, linkopts = _ASAN + _LLD, engine = "replay"),
    "msan": struct(clang = True, copts = _DEBUG + _MSAN, linkopts = _MSAN + _LLD, engine = "replay"),
    "tsan": struct(clang = True, copts = _DEBUG + _TSAN, linkopts = _TSAN + _LLD, engine = "replay"),
    "fuzz": struct(
        clang = True,
        copts = _DEBUG + _ASAN + ["-fsanitize=fuzzer-no-link", "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"],
        linkopts = _ASAN + _LLD,
        engine = "libfuzzer",
    ),
}

# Bazel <= 6 (WORKSPACE) chooses the C toolchain with crosstool_top; Bazel >= 7 with the platform.
_TOOLCHAIN = "//command_line_option:" + ("crosstool_top" if LEGACY_CROSSTOOL else "platforms")
_CLANG = "@local_config_clang//:toolchain" if LEGACY_CROSSTOOL else ["//ci/bazel:host_clang"]
_COPT = "//command_line_option:copt"
_LINKOPT = "//command_line_option:linkopt"
_DYNAMIC_MODE = "//command_line_option:dynamic_mode"
_ENGINE = "//ci/bazel:engine"

def _variant_transition_impl(settings, attr):
    variant = _VARIANTS[attr.variant]
    return {
        _COPT: settings[_COPT] + variant.copts,
        _LINKOPT: settings[_LINKOPT] + variant.linkopts,
        _DYNAMIC_MODE: "off",
        _ENGINE: variant.engine,
        _TOOLCHAIN: _CLANG if variant.clang and HAVE_CLANG else settings[_TOOLCHAIN],
    }

_variant_transition = transition(
    implementation = _variant_transition_impl,
    inputs = [_COPT, _LINKOPT, _TOOLCHAIN],
    outputs = [_COPT, _LINKOPT, _DYNAMIC_MODE, _ENGINE, _TOOLCHAIN],
)

def _variant_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = out, target_file = ctx.executable.binary, is_executable = True)
    runfiles = ctx.runfiles(files = ctx.files.data).merge(ctx.attr.binary[0][DefaultInfo].default_runfiles)
    return [
        DefaultInfo(executable = out, runfiles = runfiles),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["binary"]),
    ]

_ATTRS = {
    "binary": attr.label(executable = True, cfg = _variant_transition, mandatory = True),
    "variant": attr.string(mandatory = True, values = _VARIANTS.keys()),
    "data": attr.label_list(allow_files = True),
    "_allowlist_function_transition": attr.label(
        default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
    ),
}

_COVERAGE_ATTRS = {
    "_lcov_merger": attr.label(
        default = "@bazel_tools//tools/test:lcov_merger",
        executable = True,
        cfg = "target",
    ),
    "_collect_cc_coverage": attr.label(
        default = "@bazel_tools//tools/test:collect_cc_coverage",
        executable = True,
        cfg = "target",
    ),
}

_variant_test = rule(
    implementation = _variant_impl,
    attrs = dict(_ATTRS, **_COVERAGE_ATTRS),
    test = True,
)

_variant_binary = rule(
    implementation = _variant_impl,
    attrs = _ATTRS,
    executable = True,
)

def io_compatible(needs):
    """`target_compatible_with` for a target that needs the named tools (host_tools.bzl, and "clang-19").

    Args:
      needs: names of tools.
    Returns:
      An empty list, or what makes Bazel skip the target.
    """
    for tool in needs:
        if tool in MISSING or (tool == "clang-19" and not HAVE_CLANG):
            return ["@host_tools//:unavailable"]
    return []

def _needs_tags(needs):
    return ["needs-" + tool for tool in needs]

def _variant_needs(variant, needs):
    return needs + (["clang-19"] if _VARIANTS[variant].clang else [])

def io_cc_test(
        name,
        srcs,
        deps = [],
        variants = ["asan", "msan"],
        size = "small",
        args = [],
        copts = [],
        data = [],
        flaky = False,
        needs = [],
        tags = [],
        timeout = None,
        **kwargs):
    """A C test: `name` with the default compiler, and `name_<variant>` with clang and a sanitizer.

    Args:
      name: name of the plain test.
      srcs: C sources.
      deps: libraries.
      variants: any of "asan" (with UBSan), "msan", "tsan".
      size: Bazel test size.
      args: arguments.
      copts: flags in addition to IO_COPTS.
      data: files read at run time.
      flaky: must stay False: a test that fails sometimes is a failure.
      needs: tools without which the tests are skipped.
      tags: Bazel tags.
      timeout: Bazel test timeout.
      **kwargs: further attributes of cc_test.
    """
    if flaky:
        fail("%s: a flaky test is a failing test" % name)
    cc_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = srcs,
        args = args,
        copts = IO_COPTS + copts,
        data = data,
        linkstatic = True,
        tags = tags + _needs_tags(needs),
        target_compatible_with = io_compatible(needs),
        deps = deps,
        **kwargs
    )
    for variant in variants:
        variant_needs = _variant_needs(variant, needs)
        _variant_test(
            name = name + "_" + variant,
            size = size,
            timeout = timeout,
            args = args,
            binary = name,
            data = data,
            tags = tags + _needs_tags(variant_needs) + [variant],
            target_compatible_with = io_compatible(variant_needs),
            variant = variant,
        )

def io_fuzz_test(
        name,
        srcs,
        corpus,
        deps = [],
        size = "medium",
        args = [],
        copts = [],
        data = [],
        tags = [],
        timeout = None,
        **kwargs):
    """A fuzz target: three corpus replays, and the libFuzzer program `<name>_bin` (built on demand).

    Args:
      name: prefix of the targets.
      srcs: C sources with LLVMFuzzerTestOneInput.
      corpus: patterns of the seed files; no file at all is an error.
      deps: libraries.
      size: Bazel test size of the replays.
      args: arguments before the names of the seeds.
      copts: flags in addition to IO_COPTS.
      data: further files read at run time.
      tags: Bazel tags.
      timeout: Bazel test timeout of the replays.
      **kwargs: further attributes of cc_binary.
    """
    seeds = native.glob(corpus)
    if not seeds:
        fail("%s: the corpus %s is empty; a replay of nothing would prove nothing" % (name, corpus))
    native.filegroup(
        name = name + "_corpus",
        srcs = seeds,
    )
    cc_binary(
        name = name + "_raw",
        testonly = True,
        srcs = srcs,
        copts = IO_COPTS + copts,
        linkopts = select({
            "//ci/bazel:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = True,
        tags = ["manual"],
        deps = deps + select({
            "//ci/bazel:libfuzzer": [],
            "//conditions:default": ["//fuzz:replay_main"],
        }),
        **kwargs
    )
    for suffix, variant in [("_replay", "plain"), ("_asan", "asan"), ("_msan", "msan")]:
        needs = _variant_needs(variant, [])
        _variant_test(
            name = name + suffix,
            size = size,
            timeout = timeout,
            args = args + ["$(rootpaths :%s_corpus)" % name],
            binary = name + "_raw",
            data = data + [name + "_corpus"],
            tags = tags + _needs_tags(needs) + ["replay"],
            target_compatible_with = io_compatible(needs),
            variant = variant,
        )
    needs = _variant_needs("fuzz", [])
    _variant_binary(
        name = name + "_bin",
        testonly = True,
        binary = name + "_raw",
        data = data,
        tags = _needs_tags(needs) + ["manual"],
        target_compatible_with = io_compatible(needs),
        variant = "fuzz",
    )

def io_optimized_test(name, srcs, deps = [], size = "medium", args = [], tags = []):
    """A C test that takes its time: the test `name` is compiled with -O2, and so are the libraries.

    Args:
      name: name of the test.
      srcs: C sources.
      deps: libraries.
      size: Bazel test size.
      args: arguments.
      tags: Bazel tags.
    """
    cc_binary(
        name = name + "_raw",
        testonly = True,
        srcs = srcs,
        copts = IO_COPTS,
        linkstatic = True,
        tags = ["manual"],
        deps = deps,
    )
    _variant_test(
        name = name,
        size = size,
        args = args,
        binary = name + "_raw",
        tags = tags,
        variant = "optimized",
    )

def io_sh_test(name, srcs, needs = [], size = "small", tags = [], **kwargs):
    """A shell test that is skipped when a tool in `needs` is not installed.

    Args:
      name: name of the test.
      srcs: the script.
      needs: names of tools.
      size: Bazel test size.
      tags: Bazel tags.
      **kwargs: further attributes of sh_test.
    """
    sh_test(
        name = name,
        size = size,
        srcs = srcs,
        tags = tags + _needs_tags(needs),
        target_compatible_with = io_compatible(needs),
        **kwargs
    )
