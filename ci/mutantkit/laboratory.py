"""Builds the tree with all mutants, and replays the corpora on it with one mutant chosen."""

import math
import os
import resource
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzzkit import build, common, engine
from fuzzkit.common import Ticker, Trouble, say
from mutantkit import schemata

# What a mutant is run against, in this order, until it is killed: fuzz targets, and the folders of fuzz/corpus. The ones
# that kill most in the least time come first; the last one repeats each program for each system call that can fail.
PLAN = (
    ("dispatch_sim_fuzzer", ("dispatch_sim_fuzzer",)),
    ("table_fuzzer", ("table_fuzzer",)),
    ("deadline_fuzzer", ("deadline_fuzzer",)),
    ("codec_fuzzer", ("codec_fuzzer",)),
    ("codec_io_fuzzer", ("codec_io_fuzzer",)),
    ("differential_fuzzer", ("differential_fuzzer",)),
    ("equivalence_fuzzer", ("equivalence_fuzzer",)),
    ("audit_fuzzer", ("audit_fuzzer",)),
    ("fault_fuzzer", ("fault_fuzzer",)),
)
# Light: a mutant runs for a fraction of a second. Errors of memory are a part of the oracle.
FLAGS = f"-O1 -w -fno-omit-frame-pointer {build.SANITIZERS}"
# More of a processor's time is a hang: so many times what it took without a mutant, but at least so much.
TIMES_LONGER = 10
LEAST_CPU_SECONDS = 2
WALL_SECONDS = 30  # of one that sleeps
OPTIMIZATIONS = ("-O2", "-O1", "-O3")


@dataclass
class Outcome:
    killed: bool
    by: str  # the clause, or what a sanitizer said, or "timeout"
    target: str
    seconds: float
    words: str = ""


class Run:
    """One replay of a corpus in a process of its own."""

    def __init__(self, laboratory, target, number, reached=None):
        self.target, self.number = target, number
        self.log = laboratory.scratch / f"log.{number}"
        environment = engine.environment(build.NO_CONFIG, symbols=False)
        # The library allocates nothing; what leaks when the harness is left in the middle is of no interest.
        environment["ASAN_OPTIONS"] = "symbolize=0:detect_leaks=0"
        environment["IOATOM_MUTANT"] = str(number)
        if reached:
            environment["IOATOM_MUTANT_REACHED"] = str(reached)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [laboratory.built.binary(target), *laboratory.corpora[target]],
                env=environment,
                cwd=laboratory.scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # On its own time, so that a busy machine kills no mutant. (Core files the sanitizer forbids by itself; a limit on
        # them, set while it does so, would make it fail.)
        limit = laboratory.cpu_seconds.get(target, WALL_SECONDS)
        resource.prlimit(self.process.pid, resource.RLIMIT_CPU, (limit, limit + 1))
        self.started = time.monotonic()

    @property
    def running(self):
        return self.process.poll() is None and time.monotonic() - self.started < WALL_SECONDS

    def outcome(self):
        """After the end."""
        seconds, stuck = time.monotonic() - self.started, self.process.poll() is None
        self.kill()
        lines = self.log.read_text(errors="replace").splitlines()
        self.log.unlink()
        status = self.process.returncode
        if status == 0 and not stuck:
            return Outcome(False, "", self.target, seconds, "\n".join(lines))
        if stuck or status == -signal.SIGXCPU:
            return Outcome(True, "timeout", self.target, seconds)
        failure = engine.understand(lines)
        words = "\n".join(lines[-60:])
        if not failure and (status >= 0 or status == -signal.SIGKILL):
            # Neither a report nor a crash: it was not the mutant.
            raise Trouble(f"{self.target} ended with status {status}, and does not say why:\n{words}")
        by = failure.name if failure else signal.Signals(-status).name
        return Outcome(True, by, self.target, seconds, words)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Laboratory:
    def __init__(self, root, scratch, jobs, mutants):
        self.root, self.scratch, self.jobs, self.mutants = Path(root), Path(scratch), jobs, mutants
        self.tree = self.scratch / "tree"
        self.corpora = {target: [self.root / "fuzz/corpus" / name for name in names] for target, names in PLAN}
        self.reached = {}  # by target, the numbers of the mutants whose place its corpus comes to,
        self.cpu_seconds = {}  # and how long it may take
        shutil.copytree(self.root / "lib", self.tree / "lib")
        ignored = shutil.ignore_patterns("corpus", *build.GENERATED)
        shutil.copytree(self.root / "fuzz", self.tree / "fuzz", ignore=ignored)
        schemata.write(self.tree, mutants)

    def build(self):
        self.compiler, _, linker_flag = build.find_clang()
        work = self.scratch / "work"
        work.mkdir()
        environment = build.build_environment(self.scratch / "out", work, self.jobs)
        main = work / "replay_main.o"
        self._run([*FLAGS.split(), *schemata.FLAGS, "-Ifuzz", "-c", "fuzz/replay_main.c", "-o", main])
        environment["CFLAGS"] = FLAGS
        environment["CXXFLAGS"] = f"{FLAGS} {linker_flag}"
        environment["LIB_FUZZING_ENGINE"] = f"{main} {work}/libharness.a"
        environment["IO_FUZZ_TARGETS"] = " ".join(self.corpora)
        environment["IO_FUZZ_SEEDS"] = "0"
        build.run_script(self.tree, environment)
        self.built = build.Built(self.scratch / "out")

    def _run(self, arguments, root=None):
        command = [self.compiler, *map(str, arguments)]
        root = root or self.tree
        result = subprocess.run(command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if result.returncode != 0:
            raise Trouble(f"it does not compile: {' '.join(command)}\n{result.stderr[-2000:]}")
        return result.stdout

    def check_same(self):
        """With no mutant to choose from, the compiler must make the same machine code of the tree and the sources."""
        headers = {mutant.file for mutant in self.mutants if mutant.file.endswith(".h")}
        sources = {mutant.file for mutant in self.mutants} - headers
        with ThreadPoolExecutor(self.jobs) as pool:
            for source, same in zip(sorted(sources), pool.map(self._is_same, sorted(sources))):
                if not same:
                    raise Trouble(f"the mutants change what {source} does when none is chosen")
        return len(sources)

    def _is_same(self, source):
        """Some optimizer that sees through the form of the sources is enough."""
        for level in OPTIMIZATIONS:
            arguments = [level, "-w", "-g0", *schemata.SIMULATED, "-S", "-o", "-", source]
            if self._run(arguments, self.root) == self._run(["-DIO_MUTANT_NONE", *arguments]):
                return True
        return False

    def check_control(self):
        """Without a mutant every corpus must pass; what it comes to on the way is noted."""
        for target in self.corpora:
            path = self.scratch / "reached"
            run = Run(self, target, 0, path)
            while run.running:
                self._pause()
            outcome = run.outcome()
            if outcome.killed:
                raise Trouble(f"without a mutant {target} fails: {outcome.by}\n{outcome.words}")
            self.reached[target] = {int(line) for line in path.read_text().split()}
            self.cpu_seconds[target] = max(LEAST_CPU_SECONDS, math.ceil(TIMES_LONGER * outcome.seconds))
            say(f"  control: {target}: {outcome.words.splitlines()[-1]}, {outcome.seconds:.2f} s")

    def _targets_of(self, mutant):
        """Those that come to its place; another target runs the same program with it as without it."""
        return [target for target in self.corpora if mutant.number in self.reached[target]]

    @staticmethod
    def _pause():
        common.stop_if_asked()
        time.sleep(0.002)

    def examine(self, mutants, told):
        """Runs the mutants, some at a time; told(mutant, outcome) is called for each, outcome None: not reached."""
        waiting = [(mutant, self._targets_of(mutant)) for mutant in reversed(mutants)]
        running, done = [], 0
        ticker, start = Ticker(), time.monotonic()
        try:
            while waiting or running:
                while waiting and len(running) < self.jobs:
                    mutant, targets = waiting.pop()
                    if not targets:
                        told(mutant, None)
                        done += 1
                        continue
                    running.append((mutant, targets[1:], Run(self, targets[0], mutant.number)))
                for entry in [entry for entry in running if not entry[2].running]:
                    running.remove(entry)
                    mutant, rest, run = entry
                    outcome = run.outcome()
                    if rest and not outcome.killed:
                        running.append((mutant, rest[1:], Run(self, rest[0], mutant.number)))
                    else:
                        told(mutant, outcome)
                        done += 1
                if ticker.due():
                    say(f"  {time.monotonic() - start:3.0f} s: {done} of {len(mutants)} mutants")
                self._pause()
        finally:
            for _, _, run in running:
                run.kill()
