"""Mutants of what is Windows' own: each in a copy of the library, killed under wine by a unit test or the corpus.

A mutant is a file tests/mutants/windows/NAME.patch: header lines, then a unified diff with one hunk in one file of lib/.

    Mutant: W1
    Twin: the bug of another library that it imitates
    Clause: IO-REMOVE-1 IO-REMOVE-2     (expected; for information)
    Test: sockets_test remove_and_add_again     (the program, and what the names of its tests contain; or
                                                 "corpus afd+edge", the fuzzers' programs in a configuration)
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fuzzkit.common import Trouble
from windowskit import corpus
from windowskit.toolchain import BuildError, Toolchain

FOLDER = "tests/mutants/windows"
GUARD_MS = 8000  # after that a test that waits for ever counts as killed; none takes half of it
CONTROL = "control"
_HEADER = re.compile(r"(Mutant|Twin|Clause|Test):\s*(.*)")
_TOTAL = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
_REASON = re.compile(r"^\S+ +FAIL .*\n(?:    .* was not checked here\n)*    (.*)$", re.MULTILINE)


@dataclass
class Mutant:
    name: str
    twin: str
    clause: str
    program: str
    filter: str
    patch: Path
    file: str


def _parse(path):
    lines = path.read_text().splitlines()
    headers = dict(match.groups() for match in map(_HEADER.match, lines[: lines.index("")]) if match)
    files = [line.split("\t")[0].removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]
    hunks = sum(line.startswith("@@ ") for line in lines)
    if len(files) != 1 or hunks != 1 or not files[0].startswith("lib/"):
        raise Trouble(f"{path.name}: a mutant is one hunk in one file of lib/")
    test = headers.get("Test", "").split()
    if headers.get("Mutant") != path.stem or len(test) != 2 or not headers.get("Twin") or not headers.get("Clause"):
        raise Trouble(f"{path.name}: the header lines are Mutant (its name), Twin, Clause, Test (a program and a test)")
    return Mutant(path.stem, headers["Twin"], headers["Clause"], *test, path, files[0])


def load(root):
    mutants = [_parse(path) for path in (root / FOLDER).glob("*.patch")]
    if not mutants:
        raise Trouble(f"there are no mutants ({FOLDER}/*.patch)")
    return sorted(mutants, key=lambda mutant: (int(re.sub(r"\D", "", mutant.name)), mutant.name))


class MutantJob:
    """A test with the mutant, which has to fail; or, without one, the same test, which has to pass."""

    kind = "mutants"

    def __init__(self, root, test, mutant=None):
        self.root, self.test, self.mutant = root, test, mutant
        self.name = mutant.name if mutant else f"{CONTROL} {' '.join(test)}"
        self.is_corpus = test[0] == "corpus"

    def source(self):
        for folder in ("unit", "windows"):
            if (self.root / "tests" / folder / f"{self.test[0]}.c").exists():
                return f"tests/{folder}/{self.test[0]}.c"
        raise Trouble(f"{self.name}: there is no test {self.test[0]}")

    def _program(self, tools):
        return corpus.build(tools) if self.is_corpus else tools.unit_program(self.source())

    def build(self, tools, _options):
        self.program = self._program(self._mutated(tools) if self.mutant else tools)

    def _mutated(self, tools):
        """A copy of the library with the mutant; objects that it leaves as they are come from the unchanged one."""
        place = tools.folder.parent / "mutants" / self.name
        shutil.copytree(self.root / "lib", place / "lib", ignore=shutil.ignore_patterns("drafts"))
        for name in ("tests", "fuzz"):
            (place / name).symlink_to(self.root / name)
        self._program(tools)
        is_source = self.mutant.file.endswith(".c")
        for folder in tools.folder.iterdir():
            if folder.is_dir() and (is_source or folder.name.startswith("posix")):
                shutil.copytree(folder, place / "build" / folder.name)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "apply", "-p1", "--whitespace=nowarn", self.mutant.patch],
            cwd=place,
            env=environment | {"GIT_CEILING_DIRECTORIES": str(place.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise BuildError(f"the patch does not apply: {done.stderr.strip()}")
        if (place / self.mutant.file).read_bytes() == (self.root / self.mutant.file).read_bytes():
            raise BuildError("the patch changes nothing")
        if is_source:
            (place / "build" / "spied" / (self.mutant.file.replace("/", "_")[:-2] + ".o")).unlink()
        return Toolchain(place, place / "build", tools.jobs, ["-Wno-unused"])

    def begin(self, box, _options):
        if self.is_corpus:
            return corpus.Process(box, self.program, self.test[1], corpus.programs(self.root), 1)
        return box.begin(self.program, self.test[1], extra={"IOATOM_UNIT_GUARD_MS": str(GUARD_MS)})

    def progress(self, _output):
        return " ".join(self.test)

    def end(self, row, status, output):
        if self.is_corpus:
            self._end_of_corpus(row, status, output)
            return
        total = _TOTAL.search(output)
        passed, failed, _ = map(int, total.groups()) if total else (0, 0, 0)
        good = status == 0 and failed == 0 and passed > 0
        if not self.mutant:
            row.passed, row.failed = int(good), int(not good)
            row.failure = "" if good else f"without a mutant:\n{output[-2000:]}"
        elif total and failed > 0 and status == 1:
            reason = _REASON.search(output)
            row.passed, row.note = 1, reason[1] if reason else "it failed"
        else:
            row.failed = 1
            row.failure = f"survived {' '.join(self.test)}:\n{output[-1000:]}" if good else f"ended with status {status}:\n{output[-2000:]}"

    def _end_of_corpus(self, row, status, output):
        violation = re.search(r"^VIOLATION clause=(\S+)(?:.*)\n(.*)$", output, re.MULTILINE)
        found = violation or "not ready after" in output
        row.passed = int(status == 0 and not found) if not self.mutant else int(status != 0 and bool(found))
        row.failed = 1 - row.passed
        row.failure = f"ended with status {status}:\n{output[-2000:]}" if row.failed else ""
        if self.mutant and row.passed:
            row.note = f"{violation[1]}: {violation[2]}" if violation else "a program did not end"


def jobs(root, mutants):
    tests = list(dict.fromkeys((mutant.program, mutant.filter) for mutant in mutants))
    return [MutantJob(root, test) for test in tests] + [
        MutantJob(root, (mutant.program, mutant.filter), mutant) for mutant in mutants
    ]
