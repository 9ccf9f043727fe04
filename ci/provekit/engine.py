"""Runs Frama-C: some processes side by side, one for a function, with progress and without leaving any behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit.common import Ticker, Trouble, say, stop_if_asked

from . import cache, output

BASE = ["-c11", "-machdep", "gcc_x86_64"]
CPP = ["-Ilib/include", "-Iproofs/wp/include", "-I.", "-D_GNU_SOURCE"]
WP = ["-wp", "-wp-rte", "-rte-no-pointer-call", "-wp-split"]
SMOKE_SECONDS = 2
LEMMAS = "(lemmas)"  # the task that proves the lemmas of a unit stands in the place of a function


def frama_c(unit, extra=()):
    """The command as far as the unit decides it; its file is to follow."""
    return ["frama-c"] + BASE + ["-cpp-extra-args=" + " ".join(CPP + unit.cpp)] + list(extra)


@dataclass
class Task:
    unit: object
    function: str
    properties: str = ""  # only these, as -wp-prop wants them
    file: str = ""  # instead of the unit's
    label: str = ""
    root: Path = None  # a tree, instead of the engine's
    seed: dict = None  # answers of provers to begin with, beside those of the engine
    offline: bool = False  # no prover runs, also if this is no replay
    decide: object = None  # given the goals so far, says whether enough is known
    weight: int = 0  # the heaviest first


@dataclass
class Result:
    task: Task
    goals: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""
    decided: bool = False  # ended before its end, as Task.decide wanted
    answers: dict = field(default_factory=dict)  # all that were used or are new, unless decided

    @property
    def proofs(self):
        return [goal for goal in self.goals if not goal.smoke]

    @property
    def smokes(self):
        return [goal for goal in self.goals if goal.smoke]

    @property
    def unproved(self):
        return [goal for goal in self.proofs if not goal.proved]


@dataclass
class Settings:
    timeout: int
    jobs: int
    replay: bool
    smoke: bool


class Process:
    """One Frama-C."""

    def __init__(self, engine, task, parallel):
        self.engine, self.task = engine, task
        self.folder = engine.new_folder()
        self.start = time.monotonic()
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                engine.command(task, self.folder, parallel),
                cwd=task.root or engine.root,
                env=engine.environment(task.root or engine.root),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.seen = output.parse("")

    @property
    def running(self):
        return self.process.poll() is None

    def look(self):
        self.seen = output.parse(self.log.read_text(errors="replace"))
        return self.seen

    def progress(self):
        if not self.seen.scheduled:
            return f"{self.task.label}: reading"
        return f"{self.task.label}: {len(self.seen.goals)} of {self.seen.scheduled}"

    def kill(self):
        kill_group(self.process)

    def result(self, decided=False):
        """What came out, when the process has ended."""
        seen = self.look()
        result = Result(self.task, seen.goals, seen.warnings, time.monotonic() - self.start, decided=decided)
        provers = self.engine.tools.provers
        report = {}
        if not decided:
            result.error = self._trouble(seen)
            report = self._report()
        # A smoke test counts when the report says so.
        output.add_smoke_answers(seen, report, provers)
        for goal in result.smokes:
            goal.cached = bool(goal.answers) and (self.engine.settings.replay or self.task.offline)
        folder = self.folder / "session" / "cache"
        if folder.exists() and (seen.cache_used or decided):
            result.answers = cache.collect(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def _report(self):
        try:
            return json.loads((self.folder / "report.json").read_text()) or {}
        except (OSError, ValueError):
            return {}

    def _trouble(self, seen):
        text = self.log.read_text(errors="replace")
        if self.process.returncode != 0:
            wrong = [line for line in text.splitlines() if "rror" in line or line.startswith("  ")] or text.splitlines()
            return f"Frama-C ended with status {self.process.returncode}:\n    " + "\n    ".join(wrong[-12:])
        if not seen.goals:
            return ""
        proved = sum(goal.proved for goal in seen.goals)
        if seen.summary != (proved, len(seen.goals)):
            return f"its log was not understood: {proved} of {len(seen.goals)} goals in it, but {seen.summary} counted"
        return ""


def kill_group(process):
    """A process with its children, of which why3server starts the provers."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            pass
    process.wait()


class Engine:
    def __init__(self, root, tools, settings, answers):
        self.root, self.tools, self.settings = Path(root), tools, settings
        self.number = 0
        self.answers = tools.scratch / "answers"
        cache.unpack(answers, self.answers)
        self.start = time.monotonic()

    @property
    def elapsed(self):
        return time.monotonic() - self.start

    def news(self, result):
        """The answers of a run that are not in the cache that the engine began with."""
        return {key: one for key, one in result.answers.items() if not (self.answers / f"{key}.json").exists()}

    def environment(self, root):
        """Frama-C believes PWD more than the system."""
        return {**self.tools.environment, "PWD": str(root)}

    def new_folder(self):
        self.number += 1
        folder = self.tools.scratch / f"run{self.number}"
        folder.mkdir()
        return folder

    def command(self, task, folder, parallel):
        offline = self.settings.replay or task.offline
        if offline and not task.seed:
            store = ["-wp-cache", "offline", "-wp-cache-dir", str(self.answers)]
        else:
            cache.link(self.answers, folder / "session" / "cache")
            cache.unpack(task.seed or {}, folder / "session" / "cache")
            mode = "offline" if offline else "update" if task.decide else "cleanup"
            store = ["-wp-cache", mode, "-wp-session", str(folder / "session")]
        words = frama_c(task.unit, WP) + task.unit.options
        words += ["-wp-prover", ",".join(self.tools.provers), "-wp-par", str(parallel)]
        words += ["-wp-timeout", str(self.settings.timeout)]
        words += ["-wp-prop", "@lemma"] if task.function == LEMMAS else ["-wp-fct", task.function]
        if task.properties:
            words += [f"-wp-prop={task.properties}"]
        if self.settings.smoke and not task.properties:
            words += ["-wp-smoke-tests", "-wp-smoke-timeout", str(SMOKE_SECONDS)]
        return words + store + ["-wp-report-json", str(folder / "report.json"), task.file or task.unit.path]

    def run(self, tasks, ended):
        """Runs the tasks, the heaviest first, and calls ended(result) for each one."""
        waiting = sorted(tasks, key=lambda task: -task.weight)
        total, done, running = len(waiting), 0, []
        side_by_side = max(1, min(self.settings.jobs, total))
        parallel = max(1, self.settings.jobs // side_by_side)
        ticker = Ticker()
        try:
            while waiting or running:
                while waiting and len(running) < side_by_side:
                    running.append(Process(self, waiting.pop(0), parallel))
                stop_if_asked()
                time.sleep(0.05)
                for process in list(running):
                    result = self._poll(process)
                    if result:
                        running.remove(process)
                        done += 1
                        ended(result)
                        ticker.last = time.monotonic()
                if ticker.due():
                    for process in running:
                        process.look()
                    say(f"{self.elapsed:6.0f} s  {done}/{total}; " + "; ".join(one.progress() for one in running))
        finally:
            for process in running:
                process.kill()

    def _poll(self, process):
        if not process.running:
            # A prover that Frama-C has left behind would be a stranger's burden.
            kill_group(process.process)
            return process.result()
        if process.task.decide and process.task.decide(process.look().goals):
            process.kill()
            return process.result(decided=True)
        return None

    def survey(self, unit):
        """Frama-C's own view of a unit: (metrics, the normalized source), both as text."""
        folder = self.new_folder()
        command = frama_c(unit, ["-metrics", "-metrics-by-function", "-print", "-ocode", str(folder / "source.c")])
        log = folder / "log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                command + [unit.path],
                cwd=self.root,
                env=self.environment(self.root),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while process.poll() is None:
                stop_if_asked()
                time.sleep(0.02)
        finally:
            kill_group(process)
        text = log.read_text(errors="replace")
        if process.returncode != 0:
            lines = [line for line in text.splitlines() if re.search(r"rror|:\d+:|^  ", line)] or text.splitlines()
            raise Trouble(f"{unit.path}: Frama-C cannot read it:\n    " + "\n    ".join(lines[:12]))
        return text, (folder / "source.c").read_text(errors="replace")
