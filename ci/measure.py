"""ci/measure without its front: see ci/measure --help."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fuzzkit import build, common, engine, findings
from fuzzkit.common import Interrupted, Ticker, Trouble, say

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = {"none": "-g -O2", "ASan, UBSan": f"-g -O1 -fno-omit-frame-pointer {build.SANITIZERS}"}
RUNS_OF_COLLECTED = 20  # repetitions
SHARE_OF_CONFIGURATION = 10  # of the repetitions of the seeds, when they run in one configuration only
SEED = 1  # of the run that collects
COLLECT_LIMIT_SECONDS = 3600
MEDIAN = 20  # operations; the length that figures are given for
LAST_WORDS = 3000

_FIGURE = re.compile(r"^(\w[\w ]*?)\s{2,}([0-9.]+)(?:  .*)?$", re.MULTILINE)
_SLOWEST = re.compile(r"^slowest input .*: (.*)$", re.MULTILINE)


def parse(arguments):
    parser = common.Parser("ci/measure")
    parser.add_argument("--target", default=build.PRIMARY)
    parser.add_argument("--repetitions", type=common.positive, default=1000)
    parser.add_argument("--executions", type=common.positive, default=30000)
    parser.add_argument("--corpus", type=common.existing_folder)
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    known = build.targets(ROOT)
    if options.target not in known:
        parser.error(f"unknown target '{options.target}'; there are: {', '.join(known)}")
    return options


class Failed(Exception):
    """A violation or a trace that differs; the argument is what was said of it."""


@dataclass
class Row:
    sanitizers: str
    corpus: str
    config: str
    figures: dict
    slowest: str  # input

    def cells(self):
        figures = self.figures
        whole = ("inputs", "repetitions", "median length", "executed in a run", "runs a second", "inputs a second")
        cells = [self.sanitizers, self.corpus] + [common.count(round(figures.get(name, 0))) for name in whole]
        return cells + [f"{figures[name]:.3f}" for name in ("slowest input", "slowest time")]

    def as_data(self):
        names = {name.replace(" ", "_"): value for name, value in self.figures.items()}
        names |= {"config": self.config}
        return {"sanitizers": self.sanitizers, "corpus": self.corpus, "slowest_is": self.slowest} | names


HEAD = ["sanitizers", "corpus", "inputs", "times", "median length", "executed", "runs/s", "inputs/s", "slowest, ms", "worst, ms"]


def run(command, what, config):
    """Runs a command that may take long; returns (status, output)."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=engine.environment(config, symbols=True),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        common.attend(process, lambda seconds: f"  {what}: {seconds:.0f} s")
        output.seek(0)
        return process.returncode, output.read()


def build_variant(options, scratch, name):
    folder = scratch / f"build-{list(VARIANTS).index(name)}"
    environment = build.build_environment(folder / "out", folder / "work", options.jobs)
    environment |= {
        "CFLAGS": VARIANTS[name],
        "CXXFLAGS": f"{VARIANTS[name]} {environment['CXXFLAGS'].split()[-1]}",
        # main() of the replay tests instead of an engine, and what reads files for it.
        "LIB_FUZZING_ENGINE": f"-x c fuzz/replay_main.c -x none {folder}/work/libharness.a",
        "IO_FUZZ_TARGETS": options.target,
        "IO_OBJECTS": str(scratch / "objects"),
    }
    say(f"building {options.target} (sanitizers: {name})")
    build.run_script(ROOT, environment)
    return build.Built(folder / "out")


def measure(built, options, sanitizers, corpus, folder, repetitions, config=build.NO_CONFIG):
    """A Row; raises Failed."""
    command = [built.binary(options.target), f"--repeat={repetitions}", "--trace", folder]
    where = corpus if config == build.NO_CONFIG else f"{corpus} in {config}"
    status, output = run(command, f"{where}, sanitizers: {sanitizers}", config)
    if status == 1 or status < 0:
        raise Failed(f"{where}, sanitizers: {sanitizers}:\n{output[-LAST_WORDS:]}")
    figures = {name: int(text) if text.isdigit() else float(text) for name, text in _FIGURE.findall(output)}
    if status != 0 or "runs a second" not in figures:
        raise Trouble(f"{options.target} cannot be measured (status {status}):\n{output[-LAST_WORDS:]}")
    return Row(sanitizers, corpus, config, figures, Path(_SLOWEST.search(output)[1]).name)


def kept(options, built, scratch, failure, data):
    """What is said of a failure, whose input is saved as ci/fuzz would have done."""
    said = [failure.summary, *failure.explanation, *failure.program]
    if data is not None:
        finding = findings.Finding(options.target, build.NO_CONFIG, failure)
        findings.Workshop(ROOT, built, scratch).save(finding, data)
        said.append(f"replay: {findings.replay_command(ROOT, finding)}")
    return "\n".join(said)


def collect(options, scratch):
    """A folder with what a fuzz run finds, and -merge leaves of it."""
    built = build.ensure(ROOT, options.jobs)
    seeds, found, merged = (scratch / name for name in ("seeds", "found", "merged"))
    for folder in (seeds, found, merged):
        folder.mkdir()
    built.unpack_seeds(options.target, seeds)
    arguments = engine.fuzz_arguments(built, options.target, COLLECT_LIMIT_SECONDS, SEED, [found, seeds])
    arguments = [f"-runs={options.executions}"] + arguments
    for what, extra in (("collecting", arguments), ("merging", ["-merge=1", merged, found, seeds])):
        runner = engine.Engine(built, options.target, build.NO_CONFIG, list(map(str, extra)), scratch)
        ticker = Ticker()

        def poll(runner=runner, ticker=ticker, what=what):
            common.stop_if_asked()
            if ticker.due():
                say(f"  {what}: {runner.seconds:.0f} s, {common.count(runner.estimate())} executions")

        result, data = engine.run_to_end(runner, COLLECT_LIMIT_SECONDS + engine.GRACE_SECONDS, poll)
        if result.failure:
            raise Failed(kept(options, built, scratch, result.failure, data))
        if result.error:
            raise Trouble(result.error)
    return merged


def of_median(options, corpus, scratch):
    """A folder with the shortest programs of a corpus, as many as have MEDIAN as the median of their lengths."""
    built = build.ensure(ROOT, options.jobs, quiet=True)
    lengths = []
    for path in sorted(corpus.iterdir()):
        common.stop_if_asked()
        lines = findings.decode(built, path)
        lengths.append((sum(not line.startswith("on ") and line != "end" for line in lines), path))
    lengths.sort()
    middle = next((i for i, (length, _) in enumerate(lengths) if length >= MEDIAN), len(lengths))
    folder = scratch / "of-median"
    folder.mkdir()
    for _, path in lengths[: 2 * middle + 1]:
        shutil.copy(path, folder)
    return folder


def corpora(options, scratch):
    """What is measured besides the seeds: folders by name."""
    if options.corpus:
        return {"given": options.corpus}
    collected = collect(options, scratch)
    found = {"collected": collected}
    if findings.has_text_form(ROOT, options.target):
        found[f"of median {MEDIAN}"] = of_median(options, collected, scratch)
    return found


def measure_all(options, scratch):
    others = corpora(options, scratch)
    rows = []
    for name in VARIANTS:
        built = build_variant(options, scratch, name)
        seeds = scratch / "seeds-as-bytes"
        shutil.rmtree(seeds, ignore_errors=True)
        seeds.mkdir()
        if not built.unpack_seeds(options.target, seeds):
            raise Trouble(f"{options.target} has no seeds")
        rows.append(measure(built, options, name, "seeds", seeds, options.repetitions))
        for what, folder in others.items():
            rows.append(measure(built, options, name, what, folder, RUNS_OF_COLLECTED))
        times = max(options.repetitions // SHARE_OF_CONFIGURATION, 1)
        for config in built.configurations(options.target):
            if config != build.NO_CONFIG:
                rows.append(measure(built, options, name, "seeds", seeds, times, config))
    return rows


def by_configuration(rows):
    """A table of the runs a second: a line for each configuration, a column for each variant."""
    found = {}
    for row in rows:
        found.setdefault(row.config, {})[row.sanitizers] = common.count(round(row.figures["runs a second"]))
    lines = [[config] + [cells[name] for name in VARIANTS] for config, cells in found.items()]
    head = ["configuration", *(f"runs/s, sanitizers: {name}" for name in VARIANTS)]
    return common.table([head] + lines, right=range(1, len(head))) if lines else []


def report(options, rows):
    say()
    whole = [row for row in rows if row.config == build.NO_CONFIG]
    single = [row for row in rows if row.config != build.NO_CONFIG]
    for line in common.table([HEAD] + [row.cells() for row in whole], right=range(2, len(HEAD))):
        say(line)
    say()
    for line in by_configuration(single):
        say(line)
    say()
    say(f"OK: {options.target}: measured; no violation, and each repetition had the trace of the first")
    data = {"rows": [row.as_data() for row in whole], "configurations": [row.as_data() for row in single]}
    common.write_json(options.json, {"target": options.target} | data)


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    common.catch_signals()
    scratch = Path(tempfile.mkdtemp(prefix="ioatom-measure."))
    try:
        report(options, measure_all(options, scratch))
        return common.EXIT_OK
    except Failed as failed:
        say(f"FAILED: {options.target}: {failed}")
        return common.EXIT_FOUND
    except Interrupted as error:
        sys.stderr.write("ci/measure: interrupted\n")
        return common.interrupt_status(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    common.start("ci/measure", main)
