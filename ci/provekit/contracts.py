"""Contract mutants: each clause of a contract is left out in turn, and the proof of a caller must break.

proofs/mutants/contracts.txt says whose contracts, and where they are called (own: the function's own body, for what it
requires); a clause that no proof needs is named with the test that would fail:

    call | io_core_find | lib/core/table.c | io_core_set io_core_remove io_core_find
    test | io_core_find | ensures slot | //tests/unit:core_test

The clauses are those of Frama-C's normalized source, in which no macros are left.
"""

import re
from dataclasses import dataclass, field

from fuzzkit import common
from fuzzkit.common import Interrupted, Trouble, say

from . import cache, golden
from .engine import Task
from .mutants import CONTRACT

FILE = "proofs/mutants/contracts.txt"

CONTROL = "control "

_KEYWORDS = "requires|ensures|assigns|terminates|exits|allocates|frees|decreases|behavior|complete|disjoint"
_CLAUSE = re.compile(
    rf"(?:(?<=/\*@ )|(?<=\n    ))(requires|ensures)\s(.*?);(?=\s*\*/|\n\s*\n|\n    (?:{_KEYWORDS})\b)", re.DOTALL
)


@dataclass
class Contract:
    function: str
    calls: list = field(default_factory=list)  # (unit, callers)
    tests: dict = field(default_factory=dict)  # clause -> test


@dataclass
class Clause:
    contract: Contract
    kind: str
    label: str  # or its number
    text: str
    caught: str = ""  # proof, golden list, test, NOTHING
    by: str = ""
    error: str = ""
    seconds: float = 0.0
    answers: dict = field(default_factory=dict)
    tasks: list = field(default_factory=list)

    @property
    def name(self):
        return f"{self.kind} {self.label}"

    @property
    def key(self):
        return f"{CONTRACT}{self.contract.function} {self.name}"


def choose(options, error):
    path = options.root / FILE
    contracts = {}
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 4 or not all(cells) or cells[0] not in ("call", "test"):
            raise Trouble(f"{FILE}:{number}: not of the form `call | function | unit | callers`, or `test | ...`")
        contract = contracts.setdefault(cells[1], Contract(cells[1]))
        if cells[0] == "test":
            contract.tests[cells[2]] = cells[3]
        elif cells[2] not in [unit.path for unit in options.units]:
            raise Trouble(f"{FILE}:{number}: {cells[2]} is no unit")
        else:
            contract.calls.append((cells[2], cells[3].split()))
    for name in options.names:
        if name not in contracts:
            error(f"there is no contract of '{name}' in {FILE}")
    chosen = [contract for name, contract in contracts.items() if not options.names or name in options.names]
    if not chosen:
        raise Trouble(f"there are no contracts in {FILE}")
    return chosen


def listing(chosen):
    rows = [["contract", "unit", "callers"]]
    rows += [[one.function, unit, " ".join(callers)] for one in chosen for unit, callers in one.calls]
    return common.table(rows)


def blocks(source, function):
    """Where the contract of a function is in the normalized source: (start, end) of each copy."""
    pattern = rf"/\*@\s+(?:{_KEYWORDS})\b(?:(?!\*/).)*?\*/\s*\n[\w *]*?\b{function}\("
    return [match.span() for match in re.finditer(pattern, source, re.DOTALL)]


def clauses(source, function):
    """(kind, label, text) of the contract."""
    found = []
    for start, end in blocks(source, function)[:1]:
        for match in _CLAUSE.finditer(source, start, end):
            label = re.match(r"\s*(\w+):(?!:)", match.group(2))
            count = sum(kind == match.group(1) for kind, _, _ in found) + 1
            found.append((match.group(1), label.group(1) if label else f"number {count}", match.group(0)))
    return found


def without(source, function, text):
    for start, end in reversed(blocks(source, function)):
        source = source[:start] + source[start:end].replace(text, "", 1) + source[end:]
    return source


class ContractMutants:
    def __init__(self, options, engine):
        self.options, self.engine = options, engine
        self.units = {unit.path: unit for unit in options.units}
        self.golden = golden.read(options.root / golden.GOLDEN)
        self.stored = {} if options.no_cache else cache.read_grouped(options.root / cache.MUTANTS)
        self.sources, self.controls, self.control_answers = {}, {}, {}
        self.clauses = []
        self.folder = engine.tools.scratch / "contracts"
        self.folder.mkdir()
        self.done = self.total = 0

    def run(self):
        """Returns Interrupted, or None."""
        try:
            for contract in self.options.contracts_chosen:
                self._prepare(contract)
            self.total = len(self.controls)
            self.engine.run(list(self.controls.values()), self._control_ended)
            for turn in range(max((len(clause.tasks) for clause in self.clauses), default=0)):
                for offline in (True, False):
                    self._turn(turn, offline)
        except Interrupted as error:
            return error
        for clause in self.clauses:
            clause.caught = clause.caught or self._else(clause)
        return None

    def _prepare(self, contract):
        for unit, callers in contract.calls:
            if unit not in self.sources:
                source = self.engine.survey(self.units[unit])[1]
                # Frama-C prints casts of ghosts in a way that it cannot read.
                self.sources[unit] = source.replace(" \\ghost)", ")")
            source = self.sources[unit]
            control = self._write("control", unit, source)
            key = (unit, ",".join(callers))
            label = f"{CONTROL}{key[1]}"
            seed = self.stored.get(f"{CONTRACT}{label} {unit}")
            self.controls[key] = Task(self.units[unit], key[1], file=control, label=label, seed=seed)
            found = clauses(source, contract.function)
            if not found:
                raise Trouble(f"{unit}: {contract.function} has no contract with clauses")
            for kind, label, text in found:
                self._add(contract, kind, label, text, key, _users(contract, kind, callers))

    def _add(self, contract, kind, label, text, control, callers):
        unit = control[0]
        new = Clause(contract, kind, label, text)
        clause = next((one for one in self.clauses if one.key == new.key), None)
        if not clause:
            clause = new
            self.clauses.append(clause)
        if not callers:
            return
        mutated = without(self.sources[unit], contract.function, text)
        file = self._write(f"{contract.function}-{kind}-{label}".replace(" ", "-"), unit, mutated)
        task = Task(self.units[unit], callers, file=file, label=clause.key)
        task.decide = lambda goals: self._broken(goals) is not None
        clause.tasks.append((task, control))

    def _write(self, name, unit, text):
        path = self.folder / f"{name}-{unit.replace('/', '-')}"
        path.write_text(text)
        return str(path)

    def _broken(self, goals):
        provers = len(self.engine.tools.provers)
        return next((goal for goal in goals if not goal.proved and goal.tried(provers)), None)

    def _say(self, text):
        self.done += 1
        say(f"{self.engine.elapsed:6.0f} s  {self.done}/{self.total}  {text}")

    def _control_ended(self, result):
        task = result.task
        proved = len(result.goals) - len(result.unproved)
        if result.error or result.unproved or not result.goals:
            why = result.error or f"{proved} of {len(result.goals)} goals proved"
            raise Trouble(f"{result.task.label}: not proved as it is: {why}")
        self.control_answers[task.unit.path, task.function] = cache.without_failures(self.engine.news(result))
        self._say(f"{task.label}: {proved} goals proved")

    def _turn(self, turn, offline):
        """The callers in one unit, for each clause that nothing has caught yet."""
        tasks = {}
        for clause in self.clauses:
            if not clause.caught and not clause.error and turn < len(clause.tasks):
                task, control = clause.tasks[turn]
                stored = self.stored.get(clause.key)
                if (stored or self.options.replay) if offline else not self.options.replay:
                    task.offline = offline
                    # A goal that does not need the clause is often the control's, word for word.
                    task.seed = {**self.control_answers[control], **(stored or {})}
                    tasks[clause.key] = (clause, task)
        self.done, self.total = 0, len(tasks)

        def ended(result):
            clause, task = tasks[result.task.label]
            clause.seconds += result.seconds
            broken = self._broken(result.goals)
            news = {key: one for key, one in self.engine.news(result).items() if key not in task.seed}
            if result.error:
                clause.error = result.error
            elif broken:
                clause.caught, clause.by = "proof", broken.name
                clause.answers = self.stored[clause.key] if offline else {**clause.answers, **cache.failures(news)}
            elif result.unproved and not offline:
                clause.error = f"the provers do not work on {result.unproved[0].name}"
            elif result.unproved and self.options.replay:
                clause.error = "its cache does not tell (ci/prove --contract-mutants --update-cache)"
            elif not result.unproved:
                clause.answers = {**clause.answers, **(self.stored.get(clause.key, {}) if offline else news)}
            told = "ERROR" if clause.error else f"caught by {broken.name}" if broken else "no proof breaks here"
            self._say(f"{clause.contract.function} {clause.name}: {told}")

        self.engine.run([task for _, task in tasks.values()], ended)

    def _else(self, clause):
        """What else notices the loss."""
        if clause.name in clause.contract.tests:
            clause.by = clause.contract.tests[clause.name]
            return "test"
        function = clause.contract.function
        name = f"{clause.kind}_{re.escape(clause.label)}"
        for unit, lines in self.golden.items():
            for line in golden.function_block(lines, function):
                if re.match(rf"    {name} \d+$", line):
                    clause.by = f"{unit} {function}: {line.strip()}"
                    return "golden list"
            for line in lines:
                if re.match(rf"    call_{function}(_\d+)?_{name}(_\d+)? \d+$", line):
                    clause.by = f"{unit}: {line.strip()}"
                    return "golden list"
        return "NOTHING"

    def update_cache(self):
        groups = dict(self.stored)
        for clause in self.clauses:
            groups.pop(clause.key, None)
            if clause.answers and not clause.error:
                groups[clause.key] = clause.answers
        for (unit, functions), answers in self.control_answers.items():
            groups[f"{CONTRACT}{CONTROL}{functions} {unit}"] = answers
        cache.write_grouped(self.options.root / cache.MUTANTS, groups)
        say(f"{cache.MUTANTS} is written: {sum(len(group) for group in groups.values())} answers")


def _users(contract, kind, functions):
    """Whose proof may rest on the clause: callers need what is ensured, the body needs what is required."""
    own = [name for name in functions if name == contract.function]
    return ",".join(own if kind == "requires" else [name for name in functions if name not in own])


def _table(clauses_):
    rows = [["contract", "clause left out", "caught by", "", "seconds"]]
    for one in clauses_:
        caught = "ERROR" if one.error else one.caught
        rows.append([one.contract.function, one.name, caught, one.by, f"{one.seconds:.1f}"])
    return common.table(rows, right=(4,))


def run(options, engine, problems):
    """Returns the exit status."""
    mutants = ContractMutants(options, engine)
    interrupted = mutants.run()
    say("\n" + "\n".join(_table(mutants.clauses)))
    problems = list(problems)
    for one in mutants.clauses if not interrupted else []:
        if one.error or one.caught == "NOTHING":
            problems.append(f"{one.contract.function} {one.name}: {one.error or 'nobody notices that it is left out'}")
    if problems:
        say("\n" + "\n".join(problems))
    say()
    if options.update_cache and not interrupted:
        mutants.update_cache()
    counts = {kind: sum(one.caught == kind for one in mutants.clauses) for kind in ("proof", "test", "golden list")}
    told = ", ".join(f"{count} by a {kind}" for kind, count in counts.items())
    status, word = (common.EXIT_FOUND, "FAILED") if problems else (common.EXIT_OK, "OK")
    if interrupted:
        status, word = common.interrupt_status(interrupted), "INTERRUPTED"
    say(f"{word}: {len(mutants.clauses)} clauses left out; caught: {told}; {engine.elapsed:.0f} s")
    rows = [{"function": one.contract.function, "clause": one.name, "caught": one.caught} for one in mutants.clauses]
    for row, one in zip(rows, mutants.clauses):
        row.update(by=one.by, error=one.error, seconds=round(one.seconds, 2))
    facts = {"verdict": word.lower(), "exit": status, "versions": engine.tools.versions, "problems": problems}
    common.write_json(options.json, {**facts, "clauses": rows})
    return status
