"""ci/windows without its front: see ci/windows --help."""

import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Interrupted, Ticker, Trouble, say
from windowskit import corpus, mutants, wine
from windowskit.toolchain import BuildError, Toolchain

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = [f"{backend}+{mode}" for backend in ("afd", "select") for mode in ("edge", "level")]
LIMIT_SECONDS = 900  # of one program; a test in it has a limit of its own
# What of tests/unit is not compiled.
NOT_HERE = {
    "check_core_test": "slots by number; the core is the same code as on other systems",
    "check_poller_test": "slots by number; the checks are for epoll, poll and select(2)",
    "check_timers_test": "lib/check is not compiled for Windows; timer_test runs here",
    "core_test": "slots by number; the core is the same code as on other systems",
    "fault_test": "the simulated kernel's",
    "mask_test": "counts system calls of Linux; afd and select note what is asked and make none",
    "mutate_test": "the fuzzers' programs, without the library",
    "program_test": "the fuzzers' programs, without the library",
    "uring_test": "io_uring's",
}

_TOTAL = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)
_TEST = re.compile(r"^(\S+) +(ok|FAIL|skipped) ", re.MULTILINE)
_SKIPPED = re.compile(r"^    (?:\S+: )?skipped: (.*)$", re.MULTILINE)
_ECHO = re.compile(r"^echo_load: .* bytes compared, .*$", re.MULTILINE)


@dataclass
class Row:
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failure: str = ""  # what was said of it
    skips: dict = field(default_factory=dict)  # reason -> how often
    note: str = ""

    def cells(self):
        result = "FAILED" if self.failed else ("ok" if self.passed else "nothing ran")
        counts = [common.count(number) for number in (self.passed, self.failed, self.skipped)]
        return [self.name, *counts, f"{self.seconds:.1f}", result]

    def as_data(self):
        return {
            "name": self.name,
            "passed": self.passed,
            "failed": self.failed,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "skips": self.skips,
            "failure": self.failure,
            "note": self.note,
        }


class UnitJob:
    """A program of unit tests: each test in a process of its own, in every configuration."""

    kind = "unit"

    def __init__(self, source):
        self.source = source
        self.name = f"unit {Path(source).stem}"

    def build(self, tools, _options):
        self.program = tools.unit_program(self.source)

    def begin(self, box, _options):
        return box.begin(self.program)

    def progress(self, output):
        return f"{len(_TEST.findall(output))} tests"

    def end(self, row, status, output):
        total = _TOTAL.search(output)
        for reason in _SKIPPED.findall(output):
            row.skips[reason] = row.skips.get(reason, 0) + 1
        if total:
            row.passed, row.failed, row.skipped = map(int, total.groups())
        if not total or status != (1 if row.failed else 0):
            row.failed = max(row.failed, 1)
            row.failure = f"ended with status {status}:\n{output[-2000:]}"
        elif row.failed:
            row.failure = failed_tests(output)


def failed_tests(output):
    """The lines of the tests that failed, with what they said."""
    lines, shown = [], False
    for line in output.splitlines():
        match = _TEST.match(line)
        if match:
            shown = match.group(2) == "FAIL"
        if shown and not _TOTAL.match(line):
            lines.append(line)
    return "\n".join(lines)


class EchoJob:
    """The echo server under wine, its client outside: it is started, loaded, and stopped by Ctrl-C."""

    kind = "echo"

    def __init__(self, config):
        self.config = config
        self.name = f"echo {config}"

    def build(self, tools, _options):
        self.server, self.load = tools.echo_server(), tools.echo_load()

    def begin(self, box, options):
        box.count += 1
        script = box.folder / f"echo-{box.count}.sh"
        command = " ".join(f"'{word}'" for word in box.command(self.server))
        # The client ends its server with SIGTERM; wine makes Ctrl-C of SIGINT.
        script.write_text(f"""#!/bin/bash
{command} "$@" &
server=$!
trap 'kill -INT $server' TERM INT
while :; do
    wait $server
    status=$?
    kill -0 $server 2>/dev/null || exit $status
done
""")
        script.chmod(0o755)
        arguments = [script, *self.config.split("+"), options.connections, options.megabytes]
        command = [str(word) for word in (self.load, *arguments)]
        return wine.Process(command, box.environment, box.folder, box.folder / f"log-{box.count}")

    def progress(self, output):
        lines = output.splitlines()
        return lines[-1][-60:] if lines else ""

    def end(self, row, status, output):
        found = _ECHO.search(output)
        if status == 0 and found:
            row.passed = 1
            row.note = found[0].removeprefix("echo_load: ")
        else:
            row.failed = 1
            row.failure = f"ended with status {status}:\n{output[-2000:]}"


def all_jobs():
    unit = sorted((ROOT / "tests" / "unit").glob("*_test.c")) + sorted((ROOT / "tests" / "windows").glob("*_test.c"))
    if len(unit) <= len(NOT_HERE):
        raise Trouble("there are no unit tests")
    sources = [str(path.relative_to(ROOT)) for path in unit if path.stem not in NOT_HERE]
    jobs = [UnitJob(source) for source in sources] + [corpus.CorpusJob(ROOT, config) for config in CONFIGS]
    return jobs + [EchoJob(config) for config in CONFIGS]


def parse(arguments):
    parser = common.Parser("ci/windows")
    parser.add_argument("--only")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=common.positive, default=2 * len(os.sched_getaffinity(0)))
    parser.add_argument("--changes", type=common.natural, default=0)
    parser.add_argument("--connections", type=common.positive, default=100)
    parser.add_argument("--megabytes", type=common.positive, default=10)
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    if options.mutants:
        choose_mutants(parser, options)
        return options
    options.work = all_jobs()
    if options.only is not None:
        wanted = [name.strip() for name in options.only.split(",") if name.strip()]
        known = {job.name for job in options.work} | {job.kind for job in options.work}
        for name in wanted:
            if name not in known:
                parser.error(f"there is no '{name}'; ci/windows --list has what there is")
        options.work = [job for job in options.work if job.name in wanted or job.kind in wanted]
    if not options.work:
        parser.error("nothing to run")
    return options


def choose_mutants(parser, options):
    found = mutants.load(ROOT)
    if options.only is not None:
        wanted = [name.strip() for name in options.only.split(",") if name.strip()]
        for name in wanted:
            if name not in {mutant.name for mutant in found}:
                parser.error(f"there is no mutant '{name}' in {mutants.FOLDER}")
        found = [mutant for mutant in found if mutant.name in wanted]
    options.work = mutants.jobs(ROOT, found)
    if not found:
        parser.error("nothing to run")


def print_list(options):
    if options.mutants:
        rows = [[job.name, job.mutant.file.removeprefix("lib/"), job.mutant.twin] for job in options.work if job.mutant]
        for line in common.table([["mutant", "file", "twin"], *rows]):
            say(line)
        return
    for job in options.work:
        say(job.name)
    say()
    say("Not compiled:")
    for line in common.table([["", ""], *([f"  {name}", reason] for name, reason in NOT_HERE.items())])[1:]:
        say(line)


class Runner:
    def __init__(self, options, box):
        self.options, self.box = options, box
        self.waiting, self.running, self.rows = list(options.work), [], []
        self.ticker = Ticker()

    def step(self):
        while self.waiting and len(self.running) < self.options.jobs:
            job = self.waiting.pop(0)
            self.running.append((job, job.begin(self.box, self.options)))
        for job, process in list(self.running):
            late = process.seconds > LIMIT_SECONDS
            if late:
                process.kill()
            if process.is_over():
                self.running.remove((job, process))
                row = Row(job.name, seconds=process.seconds)
                job.end(row, process.status(), process.output())
                if late:
                    row.failed, row.failure = max(row.failed, 1), f"not ready after {LIMIT_SECONDS} s\n{row.failure}"
                self.rows.append(row)
        if self.ticker.due() and self.running:
            parts = [f"{job.name}: {process.seconds:.0f} s, {job.progress(process.output())}" for job, process in self.running]
            say(f"  {len(self.rows)} of {len(self.options.work)}; {'; '.join(parts)}")

    def run(self):
        try:
            while self.waiting or self.running:
                common.stop_if_asked()
                self.step()
                time.sleep(0.05)
        finally:
            for _, process in self.running:
                process.kill()
        order = {job.name: number for number, job in enumerate(self.options.work)}
        return sorted(self.rows, key=lambda row: order[row.name])


def build_all(options, tools):
    """Returns the rows of those that do not compile, and leaves the others in options.work."""
    ticker, rows, good = Ticker(), [], []
    say(f"compiling for Windows: {len(options.work)} programs")
    for number, job in enumerate(options.work):
        if ticker.due():
            say(f"  {number} of {len(options.work)}: {job.name}")
        try:
            job.build(tools, options)
            good.append(job)
        except BuildError as error:
            rows.append(Row(job.name, failed=1, failure=f"does not compile:\n{str(error)[-3000:]}"))
    options.work = good
    return rows


def report(options, rows, version, seconds):
    say()
    for line in common.table([["what", "passed", "failed", "skipped", "seconds", "result"]] + [row.cells() for row in rows], right=(1, 2, 3, 4)):
        say(line)
    skips = {}
    for row in rows:
        for reason, times in row.skips.items():
            skips[reason] = skips.get(reason, 0) + times
    if skips:
        say()
        say("Skipped, by configuration and test:")
        ordered = sorted(skips.items(), key=lambda item: (-item[1], item[0]))
        for line in common.table([["", ""], *([f"  {times}", reason] for reason, times in ordered)], right=(0,))[1:]:
            say(line)
    for row in rows:
        if row.note:
            say(f"{row.name}: {row.note}")
    for row in rows:
        if row.failure:
            say()
            say(f"FAILED  {row.name}: {row.failure}")
    passed, failed, skipped = (sum(getattr(row, name) for row in rows) for name in ("passed", "failed", "skipped"))
    good = failed == 0 and passed > 0
    say()
    say(f"{'OK' if good else 'FAILED'}: {passed} passed, {failed} failed, {skipped} skipped, {seconds:.0f} s, under {version}")
    common.write_json(
        options.json,
        {"verdict": "ok" if good else "failed", "under": version, "rows": [row.as_data() for row in rows], "not_compiled": NOT_HERE},
    )
    return common.EXIT_OK if good else common.EXIT_FOUND


def run(options, scratch):
    start = time.monotonic()
    box = wine.Wine(scratch)
    tools = Toolchain(ROOT, scratch / "build", options.jobs)
    rows = build_all(options, tools)
    try:
        if options.work:
            say(f"starting {box.version()}")
            ticker = Ticker()
            box.make_prefix(lambda seconds: ticker.due() and say(f"  wine makes its files: {seconds:.0f} s"))
            rows += Runner(options, box).run()
    finally:
        box.end()
    return report(options, rows, box.version(), time.monotonic() - start)


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    if options.list:
        print_list(options)
        return common.EXIT_OK
    common.catch_signals()
    scratch = Path(tempfile.mkdtemp(prefix="ioatom-windows."))
    try:
        return run(options, scratch)
    except Interrupted as error:
        sys.stderr.write("ci/windows: interrupted\n")
        return common.interrupt_status(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        sys.stderr.write(f"ci/windows: {trouble}\n")
        sys.exit(common.EXIT_ERROR)
