"""What Frama-C's WP prints and reports, as goals."""

import re
from dataclasses import dataclass, field

_GOAL = re.compile(r"\[wp\] \[([^\]]+)\] (Goal|Smoke-test) (\S+)(?: : (\w+))?(.*)")
_ANSWER = re.compile(r"  +(\S+ \S+): (Valid|Unknown|Timeout|Stepout|Failed|Invalid)(.*)")
_TIME = re.compile(r"\((?:Qed:)?([0-9.]+)(ms|s|'\d*)?\)")
_SCHEDULED = re.compile(r"\[wp\] (\d+) goals? scheduled")
_SUMMARY = re.compile(r"\[wp\] Proved goals: +(\d+) / (\d+)")
_WARNING = re.compile(r"\[[\w:-]+\] (?:(\S+?):(\d+): )?Warning: *(.*)")
_BROKEN = re.compile(r"  (\S+ \S+): +\d+ .*\(failed: \d+\)")
_UNDECIDED = ("Unknown", "Timeout", "Stepout")
_PART = re.compile(r"_part\d+$")


@dataclass
class Goal:
    name: str  # as WP says it, without the memory model
    smoke: bool
    proved: bool  # for a smoke test: nothing was proved that must not be
    by: str = ""  # "Qed", "CFG" or a prover
    seconds: float = 0.0
    cached: bool = False
    answers: dict = field(default_factory=dict)  # of an unproved goal: prover -> verdict
    place: str = ""  # of a smoke test that failed: file:line

    @property
    def clause(self):
        return _PART.sub("", self.name)

    def tried(self, provers):
        """An answer of each prover, and one of them more than that it does not work."""
        return len(self.answers) >= provers and any(word in _UNDECIDED for word in self.answers.values())


@dataclass
class Output:
    goals: list
    scheduled: int
    summary: tuple  # (proved, all), or None if WP did not get to its end
    warnings: list
    cache_used: bool
    broken: set  # provers that could not answer, for one goal at least


def seconds_in(text):
    """The time of a prover: Qed's own time stands in front of it."""
    total = 0.0
    for number, unit in _TIME.findall(text):
        if unit == "ms":
            total += float(number) / 1000
        elif unit == "s":
            total += float(number)
        elif unit.startswith("'"):
            total += float(number) * 60 + float(unit[1:] or 0)
    return total


def _plain(name):
    """Without the memory model, of which some have an underscore: typed_f, typed_cast_f."""
    return re.sub(r"^typed_(?:cast_|nocast_|raw_|ref_|nat_|int_|caveat_)*", "", name)


def _goal(match):
    bracket, kind, name, verdict, rest = match.groups()
    smoke = kind == "Smoke-test"
    proved = bracket == "Passed" if smoke else verdict == "Valid"
    by = bracket if proved and not smoke else ""
    answers = {bracket: verdict} if verdict in _UNDECIDED else {}
    return Goal(_plain(name), smoke, proved, by, seconds_in(rest), "(cached)" in rest, answers)


def parse(text):
    """WP's log. What follows a goal that failed, indented, is what each prover said."""
    goals, scheduled, summary, warnings = {}, 0, None, []
    goal = warning = None
    for line in text.splitlines():
        match = _GOAL.match(line)
        if match:
            goal, warning = _goal(match), None
            goal = goals.setdefault((goal.smoke, goal.name), goal)
            continue
        answer = _ANSWER.match(line)
        if goal and answer:
            goal.answers[answer.group(1)] = answer.group(2)
            goal.cached = goal.cached or "(cached)" in answer.group(3)
            continue
        match = _WARNING.match(line)
        if match:
            if goal and goal.smoke and match.group(3) == "Failed smoke-test":
                goal.place = f"{match.group(1)}:{match.group(2)}"
                warning = None
            else:
                warning = [match.group(3)]
                warnings.append(warning)
            continue
        if warning is not None and line.startswith("  "):
            warning.append(line.strip())
            continue
        if not line.startswith(" "):
            goal = warning = None
        if _SCHEDULED.match(line):
            scheduled = int(_SCHEDULED.match(line).group(1))
        elif _SUMMARY.match(line):
            summary = tuple(int(number) for number in _SUMMARY.match(line).groups())
    told = sorted({re.sub(r"\s+", " ", " ".join(lines)).strip() for lines in warnings})
    broken = set(_BROKEN.findall(text[text.find("[wp] Proved goals:") :])) if summary else set()
    return Output(list(goals.values()), scheduled, summary, told, "[wp] [Cache] not used" not in text, broken)


def add_smoke_answers(seen, report, provers):
    """WP calls a smoke test passed also if no prover was asked. The JSON report tells which were."""
    asked = {}
    for sections in report.get("wp:functions", {}).values():
        asked.update(sections)
    for goal in seen.goals:
        if not goal.smoke or not goal.proved:
            continue
        for prover in provers:
            told = prover.replace(":", " ")
            if prover in asked.get(goal.name, {}):
                goal.answers[told] = "Failed" if told in seen.broken else "Unknown"
        goal.proved = goal.tried(len(provers))
