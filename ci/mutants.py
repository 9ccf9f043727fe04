"""ci/mutants without its front: see ci/mutants --help.

A mutant is a file tests/mutants/NAME.patch: header lines, then a unified diff with one hunk in one file of lib/.

    Mutant: A1
    Twin: the bug of another library that it imitates
    Clause: IO-REMOVE-1 IO-REMOVE-2     (expected; for information)
    Target: dispatch_sim_fuzzer         (the default: fast, and every run of it is the same)
"""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import mutants_table
from fuzzkit import build, common, engine
from fuzzkit.common import Interrupted, Ticker, Trouble, say
from mutantkit import mechanical

ROOT = Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests" / "mutants"
TABLE = PATCHES / "README.md"
INPUT_TIMEOUT_SECONDS = 10  # no input of an unchanged library takes a hundredth of that; but the machine may be busy,
FRESH_INPUT_TIMEOUT_SECONDS = 40  # and the longer a run is, the more
KILL_LIMIT_SECONDS = 10  # by the corpus: a later kill is none
FRESH_LIMIT_SECONDS = 120  # of the times in the table
REPLAY_LIMIT_SECONDS = 120  # of a whole corpus in one configuration
MOST_SHARED = 50  # so many times as long may a turn last that shares the processor
FIRST_ROUND = 0.2  # share of a fresh run's time in which every configuration has its first turn
CONTROL = "control"
PREFIXES = ("", "sim:")  # of sources in fuzz/build.sh: over the real kernel, over the simulated one

_HEADER = re.compile(r"(Mutant|Twin|Clause|Target):\s*(.*)")
_NAME = re.compile(r"[A-Z]+[0-9]+[a-z]?")


@dataclass
class Mutant:
    name: str
    twin: str = ""
    clause: str = ""
    target: str = build.PRIMARY
    patch: Path = None
    file: str = ""  # that it changes


@dataclass
class Kill:
    by: str
    config: str
    seconds: float
    words: str = ""  # what the harness said, and the program


@dataclass
class Result:
    mutant: Mutant
    corpus: Kill = None
    fresh: Kill = None
    was_fuzzed: bool = False
    error: str = ""

    def survived(self, fresh):
        return not self.error and (self.corpus is None or self.is_late or (fresh and self.fresh is None))

    @property
    def is_late(self):
        return self.corpus is not None and self.corpus.seconds >= KILL_LIMIT_SECONDS


def parse_patch(path):
    headers, lines = {}, path.read_text().splitlines()
    for line in lines:
        if line.startswith(("diff ", "--- ")):
            break
        match = _HEADER.match(line)
        if match:
            headers[match.group(1)] = match.group(2).strip()
    if not _NAME.fullmatch(headers.get("Mutant", "")):
        raise Trouble(f"{path.name}: no header line 'Mutant: A1'")
    files = [line.split("\t")[0][len("+++ b/") :] for line in lines if line.startswith("+++ b/")]
    hunks = sum(line.startswith("@@ ") for line in lines)
    if len(files) != 1 or hunks != 1 or not files[0].startswith("lib/"):
        raise Trouble(f"{path.name}: a mutant is one hunk in one file of lib/; this is {hunks} in {', '.join(files)}")
    return Mutant(
        headers["Mutant"],
        headers.get("Twin", ""),
        headers.get("Clause", ""),
        headers.get("Target") or build.PRIMARY,
        path,
        files[0],
    )


def load_mutants():
    mutants = [parse_patch(path) for path in sorted(PATCHES.glob("*.patch"))]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Trouble(f"there are two mutants {name}")
    # A1, A2 ... A10: by letter, then by number.
    return sorted(mutants, key=lambda mutant: (mutant.name[0], int(re.sub(r"\D", "", mutant.name)), mutant.name))


def parse(arguments):
    parser = common.Parser("ci/mutants")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--seconds", type=common.positive, default=FRESH_LIMIT_SECONDS)
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=common.natural, default=1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    options.mutants = load_mutants()
    if options.only is not None:
        wanted = [name for name in options.only.split(",") if name]
        known = {mutant.name for mutant in options.mutants}
        for name in wanted:
            if name not in known:
                parser.error(f"there is no mutant '{name}' in tests/mutants")
        options.mutants = [mutant for mutant in options.mutants if mutant.name in wanted]
    if not options.mutants:
        # Nothing killed is not everything killed.
        raise Trouble("there are no mutants (tests/mutants/*.patch)")
    for mutant in options.mutants:
        if mutant.target not in build.targets(ROOT):
            raise Trouble(f"{mutant.patch.name}: there is no target '{mutant.target}'")
    return options


class Laboratory:
    """A scratch copy of lib/ and fuzz/, its objects, and the corpora."""

    def __init__(self, scratch, jobs, targets):
        self.scratch, self.jobs = Path(scratch), jobs
        self.tree, self.objects = self.scratch / "tree", self.scratch / "objects"
        shutil.copytree(ROOT / "lib", self.tree / "lib")
        shutil.copytree(ROOT / "fuzz", self.tree / "fuzz", ignore=shutil.ignore_patterns(*build.GENERATED))
        self._borrow_objects()
        # By prefix, the sources whose latest objects are those of a mutant.
        self.stale = {prefix: set() for prefix in PREFIXES}
        self.included_by = {}
        say("building the unchanged library and its fuzz targets")
        self.control = self.make(CONTROL, targets, seeds=True)
        self.linked = self._linked_objects()
        self.configs = {target: self.control.configurations(target) for target in targets}
        self.seeds, self.counts = {}, {}
        for target in targets:
            self.seeds[target] = self.scratch / "seeds" / target
            self.seeds[target].mkdir(parents=True)
            self.counts[target] = self.control.unpack_seeds(target, self.seeds[target])
            if not self.counts[target]:
                raise Trouble(f"{target} has no seed corpus")

    def _borrow_objects(self):
        """What ci/fuzz has compiled needs no second time: an object's name says what it was made from."""
        self.objects.mkdir()
        for path in (ROOT / "fuzz" / "work" / "objects").glob("*.o"):
            try:
                shutil.copyfile(path, self.objects / path.name)
            except OSError:
                pass  # a build going on there may have removed it

    def make(self, name, targets, seeds=False, changed=()):
        """changed: the sources that are others than in the builds before, with their prefix; none: nobody knows."""
        out = self.scratch / "out" / name
        environment = build.build_environment(out, self.scratch / "work", self.jobs)
        environment["IO_CHANGED"] = " ".join(changed)
        environment["IO_OBJECTS"] = str(self.objects)
        environment["IO_FUZZ_TARGETS"] = " ".join(targets)
        environment["IO_FUZZ_SEEDS"] = "1" if seeds else "0"
        self.objects.mkdir(exist_ok=True)
        build.run_script(self.tree, environment)
        return build.Built(out)

    def mutate(self, mutant):
        """Builds the mutant in the tree and leaves the tree as it was. Raises Trouble."""
        file = self.tree / mutant.file
        before = file.read_bytes() if file.exists() else b""
        # A repository around the scratch folder, or one that a hook has named, would make git look there.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment["GIT_CEILING_DIRECTORIES"] = str(self.scratch)
        result = subprocess.run(
            ["git", "apply", "-p1", "--whitespace=nowarn", mutant.patch],
            cwd=self.tree,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if result.returncode != 0:
            raise Trouble(f"the patch does not apply: {result.stderr.strip()}")
        try:
            if file.read_bytes() == before:
                raise Trouble("the patch changes nothing")
            built = self._build(mutant)
        finally:
            file.write_bytes(before)
        return built

    def _build(self, mutant):
        """Of what the target is made of, nothing may be another than in the unchanged library but what the mutant changes:
        it would be killed for another one's mistake. An object's name says what it was made from."""
        prefix = PREFIXES[build.is_simulated(self.tree, mutant.target)]
        own = self._sources_with(mutant.file)
        stale, self.stale[prefix] = self.stale[prefix] | own, own
        built = self.make(mutant.name, [mutant.target], changed=sorted(prefix + source for source in stale))
        now = {name: at for name, at in self._linked_objects().items() if name.startswith("sim:") == bool(prefix)}
        others = {name for name, at in now.items() if self.linked.get(name) != at}
        expected = {prefix + source.replace("/", "_").removesuffix(".c") + ".o" for source in own}
        if not others or not others <= expected:
            raise Trouble(f"what was compiled anew is {', '.join(sorted(others)) or 'nothing'}")
        return built

    def _sources_with(self, file):
        """The sources that a change of the file changes: itself, or those that include it."""
        if file.endswith(".c"):
            return {file}
        if not self.included_by:
            for defines in ([], ["-DIO_OS_SIM"]):
                self._read_includes(defines)
        if file not in self.included_by:
            raise Trouble(f"nothing includes {file}")
        return self.included_by[file]

    def _read_includes(self, defines):
        """As fuzz/build.sh compiles them."""
        sources = sorted(path.relative_to(self.tree) for top in ("lib", "fuzz") for path in (self.tree / top).rglob("*.c"))
        flags = ["-std=c11", "-Ilib/include", "-iquote", ".", "-DIO_CHECK", *defines]
        # What is for another system says that it can't be compiled; the rules of the others come all the same.
        rules = subprocess.run(
            [build.find_clang()[0], *flags, "-MM", *sources],
            cwd=self.tree,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        ).stdout
        for rule in rules.replace("\\\n", " ").splitlines():
            source, *headers = rule.split(":", 1)[1].split()
            for header in headers:
                self.included_by.setdefault(os.path.normpath(header), set()).add(source)

    def _linked_objects(self):
        return {path.name: os.readlink(path) for path in (self.scratch / "work" / "link").glob("*.o")}


class Race:
    """Runs engines, some at a time, until one of them reports a failure. Times are those that the engines have computed: on
    a machine that has more to do nothing survives for want of time."""

    def __init__(self, jobs, limit_seconds, label):
        self.jobs, self.limit, self.label = jobs, limit_seconds, label
        self.before = self._of_ended()
        self.turns = {}  # by engine: how many seconds it has, if there is a limit
        self.running = []  # (number of the start, configuration, engine)
        self.kill = self.error = None
        self.killer = None  # the number of the start that made the kill
        self.executions = {}
        self.ticker = Ticker()

    @staticmethod
    def _of_ended():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    @property
    def elapsed(self):
        return self._of_ended() - self.before + sum(runner.cpu_seconds for _, _, runner in self.running)

    def _stop_some(self):
        """Asks engines to end that have had their turn."""
        for _, _, runner in self.running:
            if runner in self.turns and runner.cpu_seconds >= self.turns[runner]:
                del self.turns[runner]
                runner.interrupt()

    def run(self, starts, in_order):
        """starts: (configuration, function that starts an engine). in_order: of several kills the first start's
        counts, whichever comes first, so that two runs tell the same. Returns the Kill, or None."""
        waiting = list(enumerate(starts))
        try:
            while (waiting and not self.kill) or self.running:
                while waiting and not self.kill and len(self.running) < self.jobs and self.elapsed < self.limit:
                    number, (config, start) = waiting.pop(0)
                    self.running.append((number, config, start()))
                if self.elapsed > self.limit or self.error:
                    break
                self._stop_some()
                for entry in [entry for entry in self.running if not entry[2].running]:
                    self._ended(*entry)
                if self.kill and (not in_order or all(entry[0] > self.killer for entry in self.running)):
                    break
                self._wait()
        finally:
            for _, _, runner in self.running:
                runner.kill()
        return self.kill

    def _wait(self):
        common.stop_if_asked()
        if self.ticker.due():
            configs = ", ".join(config for _, config, _ in self.running)
            say(f"  {self.label}: {self.elapsed:.0f} s, {configs}")
        time.sleep(0.01)

    def _ended(self, number, config, runner):
        self.running.remove((number, config, runner))
        failure, _ = runner.collect()
        self.executions[config] = self.executions.get(config, 0) + runner.executions
        if failure:
            if self.kill is None or number < self.killer:
                words = "\n".join(failure.explanation + failure.program)
                self.kill, self.killer = Kill(failure.name, config, self.elapsed, words), number
        elif runner.process.returncode not in (0, engine.INTERRUPTED_STATUS):
            self.error = f"{config}: it ended with status {runner.process.returncode}:\n{runner.last_words()}"


def replay_corpus(laboratory, built, target, label):
    """Replays the seeds in every configuration. Returns the Kill, or None."""
    race = Race(laboratory.jobs, REPLAY_LIMIT_SECONDS * len(laboratory.configs[target]), label)
    folder = Path(tempfile.mkdtemp(dir=laboratory.scratch))
    arguments = ["-runs=0", "-seed=1", f"-timeout={INPUT_TIMEOUT_SECONDS}", "-print_final_stats=1"]
    arguments += ["-print_funcs=0", str(laboratory.seeds[target])]

    def start(config):
        return lambda: engine.Engine(built, target, config, arguments, folder, symbols=False)

    configs = laboratory.configs[target]
    kill = race.run([(config, start(config)) for config in configs], in_order=True)
    if race.error:
        raise Trouble(race.error)
    for config in configs if kill is None else []:
        if race.executions.get(config, 0) < laboratory.counts[target]:
            raise Trouble(f"{config}: it replayed {race.executions.get(config, 0)} of {laboratory.counts[target]} seeds")
    return kill


def configurations_of(laboratory, mutant):
    """Those that run the file which the mutant changes: a backend's is run by its own only."""
    configs = laboratory.configs[mutant.target]
    path = Path(mutant.file)
    own = [config for config in configs if config.split("+")[0] == path.stem]
    return own if path.parent.name == "backends" and own else configs


def fuzz_fresh(laboratory, built, target, configs, seconds, seed, label):
    """Fuzzes without the corpus, for so many seconds of processor time in all: a short turn for every configuration, then
    a long one. What one configuration finds interesting the next ones begin with. Returns the Kill, or None."""
    race = Race(laboratory.jobs, seconds, label)
    folder = Path(tempfile.mkdtemp(dir=laboratory.scratch))
    (folder / "found").mkdir()
    configs = configs * max(1, laboratory.jobs // len(configs))
    each = seconds / len(configs)

    def start(config, turn, number):
        def launch():
            turn_seed = (seed + number) % 2**32 or 1
            arguments = engine.fuzz_arguments(
                built, target, int(seconds * MOST_SHARED), turn_seed, [folder / "found"], FRESH_INPUT_TIMEOUT_SECONDS
            )
            runner = engine.Engine(built, target, config, arguments, folder, symbols=False)
            race.turns[runner] = turn * each
            return runner

        return config, launch

    turns = [(config, turn) for turn in (FIRST_ROUND, 1 - FIRST_ROUND) for config in configs]
    kill = race.run([start(config, turn, number) for number, (config, turn) in enumerate(turns)], in_order=False)
    if race.error:
        raise Trouble(race.error)
    if not kill and not any(race.executions.values()):
        raise Trouble("the fuzz run executed nothing")
    return kill


def check_control(laboratory, options):
    """The unchanged library must survive what the mutants have to die of, or their deaths mean nothing."""
    for target in laboratory.configs:
        kill = replay_corpus(laboratory, laboratory.control, target, CONTROL)
        if kill is None and options.fresh:
            kill = fuzz_fresh(
                laboratory, laboratory.control, target, laboratory.configs[target], options.seconds, options.seed, CONTROL
            )
        if kill:
            raise Trouble(
                f"the unchanged library fails in {target}: {kill.by} on {kill.config}; try ci/fuzz first\n{kill.words}"
            )
        configs = len(laboratory.configs[target])
        say(f"  {CONTROL}: {target} is clean ({laboratory.counts[target]} seeds, {configs} configuration(s))")


def examine(laboratory, mutant, options):
    result = Result(mutant)
    try:
        built = laboratory.mutate(mutant)
        result.corpus = replay_corpus(laboratory, built, mutant.target, mutant.name)
        if options.fresh:
            configs = configurations_of(laboratory, mutant)
            result.was_fuzzed = True
            result.fresh = fuzz_fresh(
                laboratory, built, mutant.target, configs, options.seconds, options.seed, mutant.name
            )
    except Trouble as trouble:
        result.error = str(trouble)
    # The program of one mutant is several megabytes.
    shutil.rmtree(laboratory.scratch / "out" / mutant.name, ignore_errors=True)
    return result


def kill_cells(kill):
    return [kill.by, kill.config, f"{kill.seconds:.1f}"] if kill else ["SURVIVED", "", ""]


def one_line(result, options):
    if result.error:
        return f"  {result.mutant.name}: ERROR"
    by_name = [("corpus", result.corpus)] + ([("fresh", result.fresh)] if options.fresh else [])
    told = [
        f"{name}: killed by {kill.by} on {kill.config} in {kill.seconds:.1f} s" if kill else f"{name}: SURVIVED"
        for name, kill in by_name
    ]
    late = f" (LATE: {KILL_LIMIT_SECONDS} s are allowed)" if result.is_late else ""
    return f"  {result.mutant.name}: {'; '.join(told)}{late}"


def print_table(results, options):
    head = ["mutant", "twin", "expected", "corpus: killed by", "configuration", "s"]
    rows = [head + (["fresh: killed by", "configuration", "s"] if options.fresh else [])]
    for result in results:
        mutant = result.mutant
        row = [mutant.name, mutant.twin[:40], mutant.clause]
        if result.error:
            row += ["ERROR", "", ""] * (2 if options.fresh else 1)
        else:
            row += kill_cells(result.corpus) + (kill_cells(result.fresh) if options.fresh else [])
        rows.append(row)
    say()
    for line in common.table(rows, right=(5, 8)):
        say(line)


def kill_data(kill):
    return {"by": kill.by, "config": kill.config, "seconds": round(kill.seconds, 2)} if kill else None


def report(results, options, interrupted):
    """Prints the table and the verdict; returns the exit status."""
    print_table(results, options)
    errors = [result for result in results if result.error]
    survivors = [result for result in results if result.survived(options.fresh)]
    for result in errors:
        say(f"\nERROR: {result.mutant.name} ({result.mutant.patch.name}): {result.error}")
    killed = len(results) - len(errors) - len(survivors)
    say()
    line = f"{killed} of {len(options.mutants)} mutants killed, {len(survivors)} survived, {len(errors)} with errors"
    if interrupted:
        status, word = common.interrupt_status(interrupted), "INTERRUPTED"
    else:
        status = common.EXIT_FOUND if survivors or errors else common.EXIT_OK
        word = "FAILED" if status else "OK"
    names = f": {', '.join(result.mutant.name for result in survivors)}" if survivors else ""
    slowest = max((result for result in results if result.corpus), key=lambda result: result.corpus.seconds, default=None)
    if slowest:
        limit = f"at most {KILL_LIMIT_SECONDS} s are allowed"
        say(f"slowest kill by the corpus: {slowest.mutant.name} in {slowest.corpus.seconds:.1f} s ({limit})")
    say(f"{word}: {line}{names} (seed {options.seed})")
    data = [
        {
            "mutant": result.mutant.name,
            "twin": result.mutant.twin,
            "expected": result.mutant.clause,
            "target": result.mutant.target,
            "corpus": kill_data(result.corpus),
            "fresh": kill_data(result.fresh),
            "error": result.error,
        }
        for result in results
    ]
    if options.write:
        write_table(results)
    common.write_json(options.json, {"verdict": word.lower(), "exit": status, "seed": options.seed, "mutants": data})
    return status


def time_cell(kill, was_run):
    return (f"{kill.seconds:.1f}" if kill else mutants_table.SURVIVED) if was_run else None


def write_table(results):
    """The times of those that were run, fresh ones only where that was tried."""
    times = {
        result.mutant.name: (time_cell(result.corpus, True), time_cell(result.fresh, result.was_fuzzed))
        for result in results
        if not result.error
    }
    mutants_table.write(TABLE, load_mutants(), times)


def check_table():
    mistakes = mutants_table.find_mistakes(TABLE, load_mutants(), (KILL_LIMIT_SECONDS, FRESH_LIMIT_SECONDS))
    for mistake in mistakes:
        say(f"tests/mutants/README.md: {mistake}")
    word = "FAILED" if mistakes else "OK"
    say(f"{word}: {len(load_mutants())} mutants, {len(mistakes)} mistakes in the table")
    return common.EXIT_FOUND if mistakes else common.EXIT_OK


def run(options):
    scratch = tempfile.mkdtemp(prefix="ioatom-mutants.")
    results, interrupted = [], None
    try:
        laboratory = Laboratory(scratch, options.jobs, sorted({mutant.target for mutant in options.mutants}))
        check_control(laboratory, options)
        # Behind a mutant of a header everything is compiled anew: they come last.
        for mutant in sorted(options.mutants, key=lambda mutant: mutant.file.endswith(".h")):
            results.append(examine(laboratory, mutant, options))
            say(one_line(results[-1], options))
    except Interrupted as error:
        interrupted = error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    results.sort(key=lambda result: options.mutants.index(result.mutant))
    return report(results, options, interrupted)


def main(arguments):
    if "--mechanical" in arguments:
        return mechanical.main(ROOT, arguments)
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    if options.list:
        rows = [["mutant", "target", "expected", "twin"]]
        rows += [[mutant.name, mutant.target, mutant.clause, mutant.twin] for mutant in options.mutants]
        say("\n".join(common.table(rows)))
        return common.EXIT_OK
    if options.check:
        return check_table()
    common.catch_signals()
    return run(options)


if __name__ == "__main__":
    common.start("ci/mutants", main)
