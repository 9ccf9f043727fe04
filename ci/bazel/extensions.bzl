"""The machine's tools, for Bazel 7 and later (WORKSPACE does the same for Bazel 4)."""

load(":cc_clang.bzl", "clang_autoconf")
load(":host_tools.bzl", "PROGRAMS", "host_tools")

def _host_impl(_ctx):
    host_tools(name = "host_tools", programs = PROGRAMS)
    clang_autoconf(name = "local_config_clang", legacy_crosstool = False)

host = module_extension(implementation = _host_impl)
