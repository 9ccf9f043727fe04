"""The proofs of the units: what is to be proved, how it went, and whether it is what the golden list says."""

import re
from dataclasses import dataclass, field

from fuzzkit import common
from fuzzkit.common import Interrupted, Trouble, say

from . import cache, golden, smoke, survey
from .engine import LEMMAS, Task


@dataclass
class Block:
    """A unit in this run."""

    survey: survey.Survey
    functions: list  # that are to be proved here
    elsewhere: dict  # functions of headers -> the unit that proves them
    results: list = field(default_factory=list)

    @property
    def unit(self):
        return self.survey.unit


class Proofs:
    def __init__(self, options, engine):
        self.options, self.engine = options, engine
        self.golden = golden.read(options.root / golden.GOLDEN)
        self.exempts = smoke.load(options.root)
        self.partial = bool(options.function)  # not the whole of a unit
        self.complete = not options.function and not options.unit
        self.blocks = []
        self.problems = []  # what is wrong, in lines
        self.total = 0

    # ---- What is to be done

    def plan(self):
        units = self._units()
        say(f"{self.engine.elapsed:6.0f} s  reading {len(units)} unit(s)")
        surveys = []
        for unit in units:
            surveys.append(self._survey(unit))
            if self.options.function in surveys[-1].functions:
                surveys = surveys[-1:]
                break
        owners = golden.owners(self.golden)
        for one in surveys:
            self.blocks.append(self._block(one, owners, surveys))
        if self.options.function and not any(block.functions for block in self.blocks):
            raise Trouble(f"no unit defines a function '{self.options.function}'")
        self.blocks = [block for block in self.blocks if block.functions or not self.partial]
        weights = golden.weights(self.golden)
        tasks = [
            Task(block.unit, name, label=name, weight=weights.get((block.unit.path, name), 50))
            for block in self.blocks
            for name in block.functions + ([LEMMAS] if block.survey.lemmas and not self.partial else [])
        ]
        self.total = len(tasks)
        return tasks

    def _units(self):
        units = self.options.units
        if self.options.unit:
            return [unit for unit in units if unit.path == self.options.unit]
        if self.options.function:
            return units
        for unit in units:
            if not unit.proved:
                say(f"          {unit.path} is open: not part of this run (--unit {unit.path})")
        units = [unit for unit in units if unit.proved]
        if not units:
            raise Trouble("no unit is claimed to be proved; --unit names an open one")
        return units

    def _survey(self, unit):
        return survey.make(unit, *self.engine.survey(unit))

    def _block(self, one, owners, surveys):
        """A function of a header is proved with one unit, the one of the golden list or the first to have it."""
        here, elsewhere = [], {}
        for name, file in one.functions.items():
            owner = None if file == one.unit.path else owners.get(name)
            if self.complete and owner and not any(owner == s.unit.path and name in s.functions for s in surveys):
                owner = None
            if owner == one.unit.path or self.options.function == name:
                owner = None
            if file != one.unit.path and not owner:
                owners[name] = one.unit.path
            if owner:
                elsewhere[name] = owner
            elif self.options.function in (None, name):
                here.append(name)
        return Block(one, sorted(here), elsewhere)

    # ---- Doing it

    def run(self):
        """Returns Interrupted, or None."""
        try:
            self.engine.run(self.plan(), self._ended)
        except Interrupted as error:
            return error
        return None

    def _ended(self, result):
        block = next(block for block in self.blocks if block.unit is result.task.unit)
        block.results.append(result)
        told = f"{sum(goal.proved for goal in result.proofs)} of {len(result.proofs)} goals proved"
        if result.smokes:
            told += f", smoke {sum(goal.proved for goal in result.smokes)} of {len(result.smokes)}"
        if result.error:
            told = "ERROR"
        done = sum(len(block.results) for block in self.blocks)
        place = f"{self.engine.elapsed:6.0f} s  {done}/{self.total}"
        say(f"{place}  {block.unit.path} {result.task.function}: {told}, {result.seconds:.1f} s")

    # ---- Judging it

    def judge(self):
        for block in self.blocks:
            self._judge_unit(block)
            for result in block.results:
                self._judge_function(block, result)
            if not self.options.update_golden:
                self._compare(block)
        if self.complete and not self.options.update_golden:
            there = {block.unit.path for block in self.blocks}
            for name in self.golden:
                if name not in there and not any(unit.path == name for unit in self.options.units):
                    self.problems.append(f"{name} is in {golden.GOLDEN}, but no unit")
        proved = {block.unit.path for block in self.blocks}
        ran = {result.task.function for block in self.blocks for result in block.results if result.smokes}
        for exempt in self.exempts:
            if exempt.function in ran and not exempt.used:
                self.problems.append(f"{smoke.SMOKE}: nothing fits `{exempt.function} | {exempt.kind} | {exempt.text}`")
        return proved

    def _judge_unit(self, block):
        one = block.survey
        self.problems += survey.unrecorded(one, self.options.root)
        self.problems += [f"{one.unit.path}: {name} is called and has no contract" for name in one.bare]
        if self.partial:
            return
        if not one.functions:
            self.problems.append(f"{one.unit.path} defines no function")
        told = {goal.clause for result in block.results if result.task.function == LEMMAS for goal in result.proofs}
        for name in one.lemmas:
            if not told & {f"lemma_{name}", f"check_lemma_{name}"}:
                self.problems.append(f"{one.unit.path}: the lemma {name} has no goal")

    def _judge_function(self, block, result):
        place = f"{block.unit.path} {result.task.function}"
        if result.error:
            self.problems.append(f"{place}: {result.error}")
            return
        if result.task.function != LEMMAS and not golden.has_contract(result):
            self.problems.append(f"{place}: no contract: no clause `ensures` or `assigns` is a goal")
        for goal in result.unproved:
            self.problems.append(f"{place}: UNPROVED {goal.name} ({_why(goal)})")
            text = clause_text(block.survey.source, goal.clause)
            if text:
                self.problems.append(f"    {text}")
        for goal, kind, text in smoke.failures(self.options.root, result, self.exempts):
            why = f"at {goal.place}: {text}" if goal.place else f"not run: {_why(goal)}"
            self.problems.append(f"{place}: SMOKE {kind} ({goal.name}) {why}")

    def _compare(self, block):
        was = self.golden.get(block.unit.path, [])
        if not was:
            self.problems.append(f"{block.unit.path}: not in {golden.GOLDEN} (--update-golden, when all is proved)")
            return
        ran = bool(self.engine.settings.smoke)
        if self.partial:
            for result in block.results:
                lines = golden.function_block(was, result.task.function)
                self._differ(block, golden.difference(lines, golden.function_lines(result), ran))
            return
        self._differ(block, golden.difference(was, golden.unit_lines(block.survey, block.results), ran))

    def _differ(self, block, lines):
        if lines:
            self.problems.append(f"{block.unit.path}: not what {golden.GOLDEN} says (- there, + here):")
            self.problems += [f"    {line}" for line in lines]

    # ---- Writing it down

    def update_golden(self):
        for block in self.blocks:
            self.golden[block.unit.path] = golden.unit_lines(block.survey, block.results)
        order = [unit.path for unit in self.options.units]
        known = {name: lines for name, lines in self.golden.items() if name in order}
        golden.write(self.options.root / golden.GOLDEN, known, order)
        say(f"{golden.GOLDEN} is written")

    def update_cache(self, successful):
        """A failure is not stored: a prover may find the proof at another time. Smoke tests are meant to fail."""
        path = self.options.root / cache.CACHE
        answers = {} if self.complete and successful else cache.read(path)
        for block in self.blocks:
            for result in block.results:
                whole = not result.error and not result.unproved
                answers.update(result.answers if whole else cache.without_failures(result.answers))
        cache.write(path, answers)
        say(f"{cache.CACHE} is written: {len(answers)} answers")


def _why(goal):
    if not goal.answers:
        return "no answer in the cache"
    return ", ".join(f"{prover.replace(' ', ':')}: {verdict}" for prover, verdict in goal.answers.items())


def clause_text(source, clause):
    """The text of a named clause, as Frama-C prints it."""
    match = re.search(r"(?:ensures|requires|invariant|assert|check|lemma)_(\w+?)(?:_preserved|_established)?$", clause)
    for label in [match.group(1), re.sub(r"_\d+$", "", match.group(1))] if match else []:
        text = re.search(rf"(?<![\w]){re.escape(label)}:\s*(.*?);", source, re.DOTALL)
        if text:
            return f"{label}: {re.sub(chr(92) + 's+', ' ', text.group(1))}"
    return ""


def table(proofs):
    provers = [name.replace(":", " ") for name in proofs.engine.tools.provers]
    rows = [["unit", "functions", "goals", "proved", "Qed"] + provers + ["cached", "smoke", "seconds"]]
    totals = [0] * 8
    for block in proofs.blocks:
        done = [goal for result in block.results for goal in result.proofs]
        smokes = [goal for result in block.results for goal in result.smokes]
        good = [goal for goal in done if goal.proved]
        functions = sum(result.task.function != LEMMAS for result in block.results)
        numbers = [functions, len(done), len(good), sum(goal.by in ("Qed", "CFG") for goal in good)]
        numbers += [sum(goal.by == prover for goal in good) for prover in provers]
        numbers += [sum(goal.cached for goal in done + smokes)]
        told = f"{sum(goal.proved for goal in smokes)}/{len(smokes)}" if smokes else "-"
        seconds = sum(result.seconds for result in block.results)
        rows.append([block.unit.path] + [str(number) for number in numbers] + [told, f"{seconds:.1f}"])
        totals = [sum(pair) for pair in zip(totals, numbers + [seconds])]
    if len(rows) > 2:
        smokes = [goal for block in proofs.blocks for result in block.results for goal in result.smokes]
        told = f"{sum(goal.proved for goal in smokes)}/{len(smokes)}" if smokes else "-"
        rows.append(["all"] + [str(number) for number in totals[:-1]] + [told, f"{totals[-1]:.1f}"])
    return common.table(rows, right=range(1, len(rows[0])))


def data(proofs):
    return [
        {
            "unit": block.unit.path,
            "functions": [
                {
                    "function": result.task.function,
                    "error": result.error,
                    "seconds": round(result.seconds, 2),
                    "warnings": result.warnings,
                    "goals": [
                        {
                            "goal": goal.name,
                            "smoke": goal.smoke,
                            "proved": goal.proved,
                            "by": goal.by,
                            "seconds": goal.seconds,
                            "cached": goal.cached,
                            "answers": goal.answers,
                        }
                        for goal in result.goals
                    ],
                }
                for result in block.results
            ],
        }
        for block in proofs.blocks
    ]
