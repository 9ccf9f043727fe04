"""Runs the proof mutants (mutant_file.py tells their form): the control, the mutants, the verdicts, their cache."""

import os
import shutil
from dataclasses import dataclass, field

from fuzzkit import common
from fuzzkit.common import Interrupted, Trouble, say

from . import cache
from .engine import Task
from .mutant_file import Mutant, apply, fits

CONTRACT = "contract "  # how the names of contract mutants begin in the common cache
PER_UNIT = 2  # a proved unit has at least so many


@dataclass
class Verdict:
    mutant: Mutant
    status: str = ""  # killed, survived, equivalent, ERROR
    words: str = ""
    function: str = ""
    goal: str = ""
    control: str = ""
    seconds: float = 0.0
    answers: dict = field(default_factory=dict)
    replayed: bool = False  # the answers are those of the cache

    @property
    def good(self):
        return self.status == ("equivalent" if self.mutant.equivalent else "killed") and self.control == "proved"


class Mutants:
    def __init__(self, options, engine):
        self.options, self.engine = options, engine
        self.units = {unit.path: unit for unit in options.units}
        self.stored = {} if options.no_cache else cache.read_grouped(options.root / cache.MUTANTS)
        self.controls = {}  # (unit, functions, properties) -> Result
        self.verdicts = {mutant.name: Verdict(mutant) for mutant in options.mutants_chosen}
        self.done = self.total = 0

    def run(self):
        """Returns Interrupted, or None."""
        try:
            tasks = self._tasks()
            self._run_controls(tasks)
            # First what is in the cache; provers run for the rest.
            self._run([task for task in tasks if task.seed or self.options.replay], offline=True)
            if not self.options.replay:
                self._run([task for task in tasks if not self.verdicts[task.label].status], offline=False)
        except Interrupted as error:
            return error
        for verdict in self.verdicts.values():
            if not verdict.status:
                verdict.status, verdict.words = "ERROR", "its cache does not tell (ci/prove --mutants --update-cache)"
        return None

    def _tasks(self):
        tree = self.engine.tools.scratch / "tree"
        for part in ("lib", "proofs"):
            shutil.copytree(self.options.root / part, tree / part)
        tasks = []
        for verdict in self.verdicts.values():
            try:
                tasks.append(self._task(verdict.mutant, tree))
            except (Trouble, OSError) as trouble:
                verdict.status, verdict.words = "ERROR", str(trouble)
        return tasks

    def _task(self, mutant, tree):
        text = apply(mutant, (tree / mutant.file).read_text())
        own = self.engine.tools.scratch / "mutants" / mutant.name
        shutil.copytree(tree, own, copy_function=os.link)
        (own / mutant.file).unlink()
        (own / mutant.file).write_text(text)
        return Task(
            self.units[mutant.unit],
            ",".join(mutant.functions),
            ",".join(mutant.expect),
            label=mutant.name,
            root=own,
            seed=self.stored.get(mutant.name),
            decide=lambda goals: self._culprit(mutant, goals) is not None,
        )

    def _culprit(self, mutant, goals):
        """The first goal that fails as expected; of an equivalent mutant any that fails."""
        for goal in goals:
            wanted = mutant.equivalent or fits(goal, mutant.functions, mutant.expect)
            if not goal.proved and wanted and goal.tried(len(self.engine.tools.provers)):
                return goal
        return None

    def _run_controls(self, tasks):
        """The same goals without the mistake."""
        wanted = {}
        for task in tasks:
            control = wanted.setdefault(_key(task), Task(task.unit, task.function, task.properties, seed={}))
            control.seed.update(task.seed or {})
        for task in wanted.values():
            task.label = f"control {task.function} {task.properties}".rstrip()
        self.done, self.total = 0, len(wanted)

        def ended(result):
            self.controls[_key(result.task)] = result
            proved = sum(goal.proved for goal in result.goals)
            self._say(f"{result.task.label}: {proved} of {len(result.goals)} goals proved")

        self.engine.run(list(wanted.values()), ended)

    def _control(self, task, mutant):
        """"proved", or what is wrong."""
        result = self.controls[_key(task)]
        if result.error:
            return "ERROR"
        if result.unproved:
            return "UNPROVED"
        if any(goal.seconds > self.options.timeout for goal in result.goals):
            return "too slow"
        seen = [label for label in mutant.expect if any(fits(goal, mutant.functions, [label]) for goal in result.goals)]
        return "proved" if seen == mutant.expect and result.goals else "no goal"

    def _run(self, tasks, offline):
        self.done, self.total = 0, len(tasks)
        for task in tasks:
            task.offline = offline

        def ended(result):
            verdict = self.verdicts[result.task.label]
            self._judge(verdict, result)
            verdict.seconds += result.seconds
            verdict.replayed = offline
            words = f"{verdict.status} {verdict.goal}" if verdict.status else "the cache does not tell"
            self._say(f"{verdict.mutant.name}: {words}".rstrip())

        self.engine.run(tasks, ended)

    def _say(self, text):
        self.done += 1
        say(f"{self.engine.elapsed:6.0f} s  {self.done}/{self.total}  {text}")

    def _judge(self, verdict, result):
        mutant = verdict.mutant
        verdict.control = self._control(result.task, mutant)
        if result.error:
            verdict.status, verdict.words = "ERROR", result.error
            return
        culprit = self._culprit(mutant, result.goals)
        if culprit:
            verdict.status, verdict.goal = "killed", culprit.name
            verdict.answers = cache.failures(self.engine.news(result))
        elif not result.unproved:
            told = [goal for goal in result.goals if mutant.equivalent or fits(goal, mutant.functions, mutant.expect)]
            verdict.status = "equivalent" if mutant.equivalent else "survived" if told else "ERROR"
            verdict.words = "" if told else "with the mistake there is no such goal any more"
            verdict.answers = self.engine.news(result)
        elif not result.task.offline:
            verdict.status, verdict.words = "ERROR", f"the provers do not work on {result.unproved[0].name}"

    def problems(self):
        lines = []
        for verdict in self.verdicts.values():
            name = verdict.mutant.name
            if verdict.status == "ERROR":
                lines.append(f"{name}: {verdict.words}")
            elif verdict.status and not verdict.good:
                told = f"the control is not proved at this time-out: {verdict.control}"
                if verdict.control == "proved":
                    told = "SURVIVED" if not verdict.mutant.equivalent else f"not equivalent: {verdict.goal} fails"
                lines.append(f"{name}: {told} ({verdict.mutant.reason})")
        if not self.options.names:
            for unit in self.options.units:
                count = sum(verdict.mutant.unit == unit.path for verdict in self.verdicts.values())
                if unit.proved and count < PER_UNIT:
                    lines.append(f"{unit.path}: {count} mutant(s); a proved unit has {PER_UNIT} at least")
        return lines

    def _control_answers(self, verdict):
        mutant = verdict.mutant
        control = self.controls[mutant.unit, ",".join(mutant.functions), ",".join(mutant.expect)]
        return cache.without_failures(self.engine.news(control))

    def update_cache(self):
        kept = dict(self.stored) if self.options.names else {}
        groups = {**kept, **{name: group for name, group in self.stored.items() if name.startswith(CONTRACT)}}
        for name, verdict in self.verdicts.items():
            groups.pop(name, None)
            if verdict.good:
                answers = self.stored[name] if verdict.replayed else verdict.answers
                # The control's goals are not in all cases the unit's, word for word.
                groups[name] = {**answers, **self._control_answers(verdict)}
        cache.write_grouped(self.options.root / cache.MUTANTS, groups)
        say(f"{cache.MUTANTS} is written: {sum(len(group) for group in groups.values())} answers")


def _key(task):
    return task.unit.path, task.function, task.properties


def _table(verdicts):
    rows = [["mutant", "file", "function", "goal", "control", "mutant", "seconds"]]
    for verdict in verdicts:
        mutant = verdict.mutant
        goal = verdict.goal or " ".join(mutant.expect)
        status = "SURVIVED" if verdict.status == "survived" else verdict.status
        rows.append([mutant.name, mutant.file, " ".join(mutant.functions), goal, verdict.control, status])
        rows[-1].append(f"{verdict.seconds:.1f}")
    return common.table(rows, right=(6,))


def _data(verdict):
    mutant = verdict.mutant
    return {
        "mutant": mutant.name,
        "file": mutant.file,
        "functions": mutant.functions,
        "expected": mutant.expect,
        "reason": mutant.reason,
        "equivalent": mutant.equivalent,
        "status": verdict.status,
        "goal": verdict.goal,
        "control": verdict.control,
        "seconds": round(verdict.seconds, 2),
        "error": verdict.words,
    }


def run(options, engine, problems):
    """Returns the exit status."""
    mutants = Mutants(options, engine)
    interrupted = mutants.run()
    verdicts = list(mutants.verdicts.values())
    say("\n" + "\n".join(_table(verdicts)))
    problems = problems + ([] if interrupted else mutants.problems())
    if problems:
        say("\n" + "\n".join(problems))
    say()
    if options.update_cache and not interrupted:
        mutants.update_cache()
    killed = sum(verdict.good and verdict.status == "killed" for verdict in verdicts)
    same = sum(verdict.good and verdict.status == "equivalent" for verdict in verdicts)
    told = f"{killed} of {len(verdicts)} mutants killed, {same} equivalent, {engine.elapsed:.0f} s"
    status, word = common.EXIT_OK, "OK"
    if interrupted:
        status, word = common.interrupt_status(interrupted), "INTERRUPTED"
    elif problems or killed + same < len(verdicts):
        status, word = common.EXIT_FOUND, "FAILED"
    say(f"{word}: {told}")
    facts = {"verdict": word.lower(), "exit": status, "versions": engine.tools.versions, "problems": problems}
    common.write_json(options.json, {**facts, "mutants": [_data(verdict) for verdict in verdicts]})
    return status
