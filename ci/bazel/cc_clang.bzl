"""A second C toolchain, clang, beside the machine's default one."""

load("@bazel_tools//tools/cpp:cc_configure.bzl", "cc_autoconf_impl")
load("@bazel_tools//tools/cpp:lib_cc_configure.bzl", "get_cpu_value")

_PROBE = """#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return data != NULL && size == SIZE_MAX;
}
"""

def _links(ctx, clang, sanitizers):
    result = ctx.execute([clang, "-fuse-ld=lld", "-fsanitize=" + sanitizers, "-o", "probe", "probe.c"])
    ctx.delete("probe")
    return result.return_code == 0

def _clang_autoconf_impl(ctx):
    clang = ctx.which(ctx.os.environ.get("IOATOM_CLANG", "clang-19"))
    works = False
    if clang:
        ctx.file("probe.c", _PROBE)
        works = _links(ctx, clang, "fuzzer,address,undefined")
        ctx.delete("probe.c")
    cc_autoconf_impl(ctx, overriden_tools = {"gcc": str(clang)} if works else {})
    ctx.file("have.bzl", "\n".join([
        "HAVE_CLANG = %r" % works,
        "CLANG = %r" % (str(clang) if works else ""),
        "CPU = %r" % get_cpu_value(ctx),
        "LEGACY_CROSSTOOL = %r" % ctx.attr.legacy_crosstool,
        "HOST_PLATFORM = %r" % ("@local_config_platform//:host" if ctx.attr.legacy_crosstool else "@platforms//host"),
        "",
    ]))

clang_autoconf = repository_rule(
    implementation = _clang_autoconf_impl,
    attrs = {"legacy_crosstool": attr.bool(default = True)},
    configure = True,
    environ = ["PATH", "IOATOM_CLANG", "IOATOM_TOOLS"],
)
