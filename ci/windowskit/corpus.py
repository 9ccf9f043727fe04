"""The fuzzers' programs under wine: tests/windows/corpus_main.c with the harness and the model of fuzz/."""

import re

from fuzzkit.common import Trouble
from windowskit.toolchain import POSIX

FOLDERS = ("dispatch_fuzzer", "equivalence_fuzzer")  # of fuzz/corpus; others hold the same programs, or none
_HARNESS = "config env facts faults handle kernel_windows library ops ops_faults ops_sockets ops_transfers report run trace waits"
_PROGRAM = "decode file mutate parse print table"
SOURCES = (
    [f"fuzz/harness/{name}.c" for name in _HARNESS.split()]
    + ["fuzz/model/model.c", "fuzz/model/model_events.c"]
    + [f"fuzz/program/{name}.c" for name in _PROGRAM.split()]
    + ["tests/windows/corpus_main.c"]
)
# The harness takes its kernel's names from kernel_windows.h, and not from POSIX. What the peer sends no more is no hang-up.
FLAGS = [*POSIX, "-DIOATOM_TESTS_WINDOWS_POSIX_C", "-DPOLLRDHUP=0x2000"]
_DONE = re.compile(r"^(\S+(?: \d+)?) ok (\d+) callbacks(?:, (without|left out:) (.*))?$", re.MULTILINE)
MOST_FAILURES = 5  # then the others are not run any more


def programs(root, changes=0):
    """The programs' paths; and behind them so many of each with a number, by which it is changed as a fuzzer does it."""
    paths = [path for folder in FOLDERS for path in sorted((root / "fuzz" / "corpus" / folder).iterdir())]
    paths = [path for path in paths if path.suffix != ".md"]
    if not paths:
        raise Trouble("there are no programs in fuzz/corpus")
    changed = [f"{path} {number * changes + k + 1}" for number, path in enumerate(paths) for k in range(changes)]
    return [*paths, *changed]


def build(tools):
    posix = tools.objects("posix-corpus", ["tests/windows/posix/posix.c"], [*POSIX, "-DPOSIX_SETTLE_MS=0"])
    objects = tools.spied_library() + posix + tools.objects("spy", ["tests/windows/spied.c"], POSIX)
    return tools.program("corpus", objects + tools.objects("corpus", SOURCES, FLAGS))


class Process:
    """All programs in one configuration: behind one that fails the process is begun anew."""

    def __init__(self, box, program, config, paths, most_failures=MOST_FAILURES):
        self.box, self.program, self.config, self.left = box, program, config, most_failures
        self.total, self.failures, self.before, self.seconds_before = len(paths), 0, "", 0.0
        box.count += 1
        self.list = box.folder / f"list-{box.count}"
        self.list.write_text("".join(f"Z:{path}\n" for path in paths))
        self._begin(0)

    def _begin(self, first):
        self.process = self.box.begin(self.program, self.config, f"Z:{self.list}", first)

    @property
    def seconds(self):
        return self.seconds_before + self.process.seconds

    def output(self):
        return self.before + self.process.output()

    def is_over(self):
        if not self.process.is_over():
            return False
        if self.process.status() == 0:
            return True
        self.failures += 1
        first = len(_DONE.findall(self.output())) + self.failures
        if self.failures >= self.left or first >= self.total or self.process.status() == 2:
            return True
        self.before = self.output() + "\n"
        self.seconds_before = self.seconds
        self._begin(first)
        return False

    def status(self):
        return self.process.status()

    def kill(self):
        self.process.kill()


class CorpusJob:
    kind = "corpus"

    def __init__(self, root, config):
        self.root, self.config, self.name = root, config, f"corpus {config}"

    def build(self, tools, options):
        self.paths = programs(self.root, options.changes)
        self.program = build(tools)

    def begin(self, box, _options):
        return Process(box, self.program, self.config, self.paths)

    def progress(self, output):
        return f"{len(_DONE.findall(output))} of {len(self.paths)} programs"

    def end(self, row, status, output):
        done = _DONE.findall(output)
        callbacks, parts = sum(int(count) for _, count, _, _ in done), {}
        for _, _, how, what in done:
            if how == "left out:":
                reason = f"nothing happens in the program without {what}"
                row.skips[reason] = row.skips.get(reason, 0) + 1
                row.skipped += 1
            elif how:
                parts[what] = parts.get(what, 0) + 1
        row.passed = len(done) - row.skipped
        row.failed = len(self.paths) - len(done)
        whole = row.passed - sum(parts.values())
        row.note = f"{whole} programs as they are" + "".join(f", {count} without {what}" for what, count in sorted(parts.items()))
        row.note += f"; {callbacks} callbacks"
        if row.failed or status != 0:
            row.failed = max(row.failed, 1)
            row.failure = f"ended with status {status}: {first_failure(output)}"


def first_failure(output):
    """What was said of the first program that failed, with its name in front."""
    for name, said in re.findall(r"^(\S+(?: \d+)?) (?!ok |\d+ ok )(.*?)(?=^\S+(?: \d+)? ok |\Z)", output, re.MULTILINE | re.DOTALL):
        return f"{name}\n{said.strip()[:3000]}"
    return output[-2000:]
