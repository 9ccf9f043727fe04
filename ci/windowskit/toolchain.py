"""Compiling for Windows with mingw-w64: the library, tests, the echo server."""

import shutil
import subprocess
import threading
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Trouble

COMPILER = "x86_64-w64-mingw32-gcc"
STRICT = "-std=c11 -O1 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes".split()
# There is no AddressSanitizer for it; undefined behaviour ends the program.
UNDEFINED = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
INCLUDES = ["-Ilib/include", "-iquote", "."]
LIBRARIES = ["-lws2_32", "-lntdll", "-lpthread", "-static"]
FOLDERS = ("core", "backends", "os", "poller", "io", "codec", "timer", "audit")
POSIX = ["-Itests/windows/posix"]
SETTLE_MS = 2  # how long an emulated call waits for the network of the machine


class BuildError(Exception):
    """Something does not compile; the argument is what the compiler said."""


def library_sources(root, folders=FOLDERS):
    sources = [path for folder in folders for path in sorted((root / "lib" / folder).rglob("*.c"))]
    if not sources:
        raise Trouble("there are no sources of the library")
    return [str(path.relative_to(root)) for path in sources]


class Toolchain:
    """Compiles files of a tree into a folder; each object once."""

    def __init__(self, root, folder, jobs, flags=()):
        if not shutil.which(COMPILER):
            raise Trouble(f"{COMPILER} is not installed; run again without --no-install")
        self.root, self.folder, self.jobs, self.flags = root, folder, jobs, flags
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, command):
        common.stop_if_asked()
        done = subprocess.run(
            command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        common.stop_if_asked()
        if done.returncode != 0:
            raise BuildError(done.stdout.strip() or f"{command[0]} failed with status {done.returncode}")

    def objects(self, name, sources, flags=()):
        """Compiles sources with these flags in addition; the objects' paths. `name` tells sets of flags apart."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        outputs = [place / (source.replace("/", "_")[:-2] + ".o") for source in sources]
        todo = [(source, output) for source, output in zip(sources, outputs) if not output.exists()]
        failures, lock = [], threading.Lock()

        def work():
            while True:
                with lock:
                    if not todo or failures:
                        return
                    source, output = todo.pop(0)
                try:
                    self.run([COMPILER, *STRICT, *UNDEFINED, *INCLUDES, *self.flags, *flags, "-c", source, "-o", output])
                except Exception as error:  # the caller's, whichever it is
                    with lock:
                        failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(self.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return outputs

    def program(self, name, objects):
        output = self.folder / f"{name}.exe"
        self.run([COMPILER, *objects, *LIBRARIES, "-o", output])
        return output

    # What there is to be built.

    def library(self):
        return self.objects("library", library_sources(self.root))

    def spied_library(self):
        """The library, with tests/windows/spied.h between it and the system."""
        return self.objects("spied", library_sources(self.root), ["-include", "tests/windows/spied.h"])

    def posix(self):
        flags = [*POSIX, f"-DPOSIX_SETTLE_MS={SETTLE_MS}"]
        return self.objects("posix", ["tests/windows/posix/posix.c"], flags)

    def unit_program(self, source):
        runner = ["tests/windows/unit_windows.c", "tests/windows/spied.c"]
        objects = self.spied_library() + self.posix() + self.objects("unit", runner + [source], POSIX)
        return self.program(Path(source).stem, objects)

    def echo_server(self):
        sources = [f"lib/examples/echo{part}.c" for part in ("", "_options", "_posix", "_windows")]
        return self.program("echo", self.library() + self.objects("examples", sources))

    def echo_load(self):
        """A program of this machine: it talks to the server over the network that both share."""
        output = self.folder / "echo_load"
        self.run(["gcc", "-std=c11", "-O1", "tests/echo/echo_load.c", "-o", str(output)])
        return output
