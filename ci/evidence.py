"""ci/evidence without its front: see ci/evidence --help."""

import re
import sys
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Trouble, say
from provekit import golden

SPEC, README, ASSUMPTIONS = "lib/SPEC.md", "README.md", "proofs/ASSUMPTIONS.md"
CALLBACKS, RUNS, CLAUSES_TEST = "proofs/wp/callbacks.c", "proofs/spin/runs.txt", "tests/unit/clauses_test.sh"
BEGIN = "<!-- ci/evidence --write: begin -->"
END = "<!-- ci/evidence --write: end -->"
WIDTH = 120

_DEFINITION = re.compile(r"- \*\*IO-([A-Z]+)-([0-9]+)\*\* (MUST|MAY): ")
_ID = re.compile(r"(?<![A-Za-z0-9_-])IO-([A-Z]+)-([0-9]+)(?![0-9])")
_LABEL = re.compile(r"(?<![A-Za-z0-9])IO_([A-Z]+)_([0-9]+)(?![0-9])")
_FUNCTION = re.compile(r"  (\S+)  (\d+) goals$")
_ENTRY = re.compile(r"^#+ (A-\d+): ", re.MULTILINE)


def text_of(root, name):
    path = root / name
    if not path.is_file():
        raise Trouble(f"there is no {name} in {root}")
    return path.read_text(encoding="utf-8")


def clauses_of_spec(root):
    """{(group, number): "MUST" or "MAY"}, in the order of the document."""
    found = {}
    for line in text_of(root, SPEC).splitlines():
        match = _DEFINITION.match(line)
        if match:
            found[match[1], int(match[2])] = match[3]
    if not found:
        raise Trouble(f"{SPEC} has no clause")
    return found


class Unit:
    """What golden.txt says of one unit."""

    def __init__(self, path, lines):
        self.path = path
        self.goals = {match[1]: int(match[2]) for match in map(_FUNCTION.match, lines) if match}
        self.functions = [name for name in self.goals if not name.startswith("(")]
        self.uses = {line.split()[1] for line in lines if line.startswith("  uses ")}
        # Lines of goals are indented twice; others name contracts and headers, of which nothing is proved here.
        names = [line for line in lines if line.startswith("    ")]
        self.clauses = {(match[1], int(match[2])) for line in names for match in _LABEL.finditer(line)}


def units_proved(root):
    text_of(root, golden.GOLDEN)
    return [Unit(path, lines) for path, lines in golden.read(root / golden.GOLDEN).items()]


def cited_in_strings(root, patterns):
    """The clauses that string literals of these C files name."""
    files = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    if not files:
        raise Trouble(f"there are no files {' '.join(patterns)} in {root}")
    found = set()
    for path in files:
        for string in re.findall(r'"(?:\\.|[^"\\\n])*"', path.read_text(encoding="utf-8")):
            found |= {(match[1], int(match[2])) for match in _ID.finditer(string)}
    return found


def tested_elsewhere(root):
    """[(clause, test)] of the list in clauses_test.sh."""
    found = re.findall(r"^IO-([A-Z]+)-([0-9]+) (tests/\S+)$", text_of(root, CLAUSES_TEST), re.MULTILINE)
    return [((group, int(number)), test) for group, number, test in found]


class Evidence:
    def __init__(self, root):
        self.root = root
        self.spec = clauses_of_spec(root)
        self.units = units_proved(root)
        self.proved = self._known(set().union(*(unit.clauses for unit in self.units)), golden.GOLDEN)
        self.tested = self._known(cited_in_strings(root, ["tests/unit/*_test.c"]), "tests/unit")
        self.elsewhere = tested_elsewhere(root)
        oracles = ["fuzz/model/*.c", "fuzz/harness/*.c", "fuzz/equivalence/theorem.c", "fuzz/*_fuzzer.c"]
        self.watched = self._known(cited_in_strings(root, oracles), "fuzz")
        text = text_of(root, ASSUMPTIONS)
        self.assumptions = _ENTRY.findall(text)
        # A proof may use a contract that is not proved; if it is assumed, an entry names it.
        proved = {name for unit in self.units for name in unit.functions}
        used = set().union(*(unit.uses for unit in self.units)) - proved
        self.open_contracts = sorted(name for name in used if f"`{name}`" not in text)

    def _known(self, clauses, source):
        """The clauses; a label like IO_MODE_1 is none, as the specification has no such group."""
        groups = {group for group, _ in self.spec}
        clauses = {clause for clause in clauses if clause[0] in groups}
        for group, number in sorted(clauses - self.spec.keys()):
            raise Trouble(f"{source} names IO-{group}-{number}, which {SPEC} does not define")
        return clauses

    def files(self, pattern):
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))


def ranges(numbers):
    """1, 3-5."""
    parts, numbers = [], sorted(numbers)
    for index, number in enumerate(numbers):
        if index and number == numbers[index - 1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)


def cell(clauses, group, known):
    """The numbers of a group's clauses that are in `clauses`."""
    mine = {number for name, number in known if name == group}
    has = {number for name, number in clauses if name == group}
    return "none" if not has else "all" if has == mine else ranges(has)


def clause_table(facts):
    lines = ["| group | clauses | proved | tested by unit tests | watched by the fuzz models |", "|---" * 5 + "|"]
    columns = (facts.proved, facts.tested, facts.watched)
    for group in dict.fromkeys(group for group, _ in facts.spec):
        kinds = [kind for (name, _), kind in facts.spec.items() if name == group]
        number = str(len(kinds)) + (f" ({kinds.count('MAY')} MAY)" if "MAY" in kinds else "")
        cells = [cell(clauses, group, facts.spec) for clauses in columns]
        lines.append(f"| IO-{group} | {number} | " + " | ".join(cells) + " |")
    may = list(facts.spec.values()).count("MAY")
    counts = [str(len(clauses)) for clauses in columns]
    lines.append(f"| all | {len(facts.spec)} ({may} MAY) | " + " | ".join(counts) + " |")
    return lines


def units_state(facts, folder):
    """Which files of a folder are proved, and which are not."""
    units = [unit for unit in facts.units if unit.path.startswith(folder + "/")]
    done = {unit.path for unit in units}
    rest = [f"`{Path(name).name}`" for name in facts.files(folder + "/*.c") if name not in done]
    words = []
    if units:
        names = ", ".join(f"`{Path(unit.path).name}`" for unit in units)
        functions = sum(len(unit.functions) for unit in units)
        goals = sum(sum(unit.goals.values()) for unit in units)
        words.append(f"proved: {names} ({functions} functions, {goals} goals)")
    if rest:
        words.append(f"not proved: {', '.join(rest)}")
    return "; ".join(words)


def callbacks_state(facts):
    """Of callbacks.c the functions that are callbacks are counted; the others are sequences of calls."""
    functions = [name for unit in facts.units if unit.path == CALLBACKS for name in unit.functions]
    count = sum(name.startswith("io_callback_") for name in functions)
    return f"; proved of {count} samples in `{CALLBACKS}`" if count else ""


def spin_state(facts):
    rows = [line.split() for line in text_of(facts.root, RUNS).splitlines() if line and not line.startswith("#")]
    if not rows or any(len(row) != 5 for row in rows):
        raise Trouble(f"{RUNS}: a line has not five columns")
    broken = sum(row[4] not in ("holds", "REACHED") for row in rows)
    models = len({row[0] for row in rows})
    return f"proved of {models} models, not of the code (A-10); {broken} broken variants are caught"


def proof_mutants(facts):
    """How many mutants of proved units there are; those that are equivalent don't count."""
    proved, count = {unit.path for unit in facts.units}, 0
    for name in facts.files("proofs/mutants/*.mutant"):
        head = dict(line.partition(": ")[::2] for line in text_of(facts.root, name).split("\n\n")[0].splitlines())
        count += "expect" in head and head.get("unit", head.get("file")) in proved
    return count


def state_table(facts):
    mutants = len(facts.files("tests/mutants/*.patch"))
    windows = len(facts.files("tests/mutants/windows/*.patch"))
    rows = [
        ("`lib/core`", units_state(facts, "lib/core")),
        ("the contracts of `lib/core`, executed", "tested: [E-ACSL](proofs/eacsl) on the fuzz corpus"),
        ("`lib/poller`, over any backend (A-11)", units_state(facts, "lib/poller") + "; tested"),
        ("callbacks", "assumed to keep their contract (A-2)" + callbacks_state(facts)),
        (
            "no run-time error in afd, epoll, kqueue, poll, select, uring",
            "proved by [Eva](proofs/eva): any calls, 4 descriptors, a stubbed kernel; tested",
        ),
        ("backend `uring`", "tested: on the real kernel, and on the simulated one, which is compared with it"),
        ("backend `kqueue`", "tested on the simulated kernel only, whose kqueue is made after FreeBSD's manual page"),
        ("the design, in [SPIN](proofs/spin)", spin_state(facts)),
        ("sequences of operations, callbacks included", "tested: `fuzz/dispatch_fuzzer.c`, on real descriptors"),
        (
            "that mistakes are noticed",
            f"tested: {mutants} in the library (`ci/mutants`), {windows} in what is Windows' own (`ci/windows --mutants`), "
            f"{proof_mutants(facts)} in proved code (`ci/prove --mutants`)",
        ),
        (
            "the simulated kernel (`ioatom/sim.h`)",
            "tested: `tests/sim`, `fuzz/sim_fuzzer.c`, call by call against the real one",
        ),
        (
            "the audit layer (`ioatom/audit.h`)",
            "tested: unit tests, the fuzz corpus with it in between, the echo server under load",
        ),
        (
            "timers (`ioatom/timer.h`)",
            "tested: unit tests, `fuzz/timer_fuzzer.c` against a sorted list, on a virtual clock; not proved",
        ),
        (
            "lines and frames (`ioatom/codec.h`)",
            "tested: unit tests, `fuzz/codec_fuzzer.c` against a parser that goes byte by byte, `fuzz/codec_io_fuzzer.c` from one "
            "atom to another; not proved",
        ),
        ("no allocation", "tested: the archive's symbols"),
        ("the kernel (epoll(7), io_uring(7), poll(2), select(2), the clock)", "assumed (A-12 to A-16), exercised by every test"),
        (
            "Windows: `afd`, `select`",
            "tested under wine (`ci/windows`: unit tests, the fuzz corpus, the echo server); on no Windows",
        ),
        ("threads", "not yet: out of scope today"),
        ("`/dev/poll`, event ports", "out of scope"),
    ]
    return ["| what | state |", "|---|---|"] + [f"| {what} | {state} |" for what, state in rows]


def paragraph(text):
    """The text as lines."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return lines + [line]


def document(facts):
    """The lines between the markers."""
    elsewhere = "".join(f" IO-{group}-{number} is tested by `{test}`." for (group, number), test in facts.elsewhere)
    before = (
        "The clauses of [lib/SPEC.md](lib/SPEC.md), by group, with the numbers of those for which there is evidence. "
        "Unit tests and fuzzers run in all configurations where it makes a difference." + elsewhere
    )
    after = (
        "A clause counts as proved here if goals with its name are proved for the C code of the core or of the poller, "
        "over any callback that keeps A-2 and any backend that keeps A-11: this is the part of the clause that the "
        "contracts say, not the clause end to end, and of the kernel it shows nothing. "
        f"[proofs/README.md](proofs/README.md) has the theorems, and [proofs/ASSUMPTIONS.md]({ASSUMPTIONS}) "
        f"the {len(facts.assumptions)} assumptions (A-1 and so on)."
    )
    if facts.open_contracts:
        names = ", ".join(f"`{name}`" for name in facts.open_contracts)
        after += f" So far they also rest on contracts that are not proved yet: {names}."
    lines = paragraph(before) + [""] + clause_table(facts) + [""] + paragraph(after) + [""] + state_table(facts)
    for name in sorted(set(re.findall(r"\bA-\d+\b", "\n".join(lines)))):
        if name not in facts.assumptions:
            raise Trouble(f"{ASSUMPTIONS} has no entry {name}")
    return lines


def split(text):
    """README.md before, between and after the markers."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise Trouble(f"{README} must have the lines `{BEGIN}` and `{END}`, once each")
    before, rest = text.split(BEGIN + "\n")
    between, after = rest.split(END + "\n")
    return before, between, after


def check(was, now):
    """Returns the exit status."""
    if was == now:
        say(f"ci/evidence: {README} is right")
        return common.EXIT_OK
    old, new = was.splitlines(), now.splitlines()
    for line in [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]:
        say(line)
    say(f"ci/evidence: {README} is stale (ci/evidence --write)")
    return common.EXIT_FOUND


def main(arguments):
    parser = common.Parser("ci/evidence")
    parser.add_argument("--root", type=common.existing_folder, default=Path(__file__).resolve().parent.parent)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    now = "\n".join(document(Evidence(options.root))) + "\n"
    if not options.check and not options.write:
        sys.stdout.write(now)
        return common.EXIT_OK
    before, was, after = split(text_of(options.root, README))
    if options.check:
        return check(was, "\n" + now + "\n")
    common.write_atomically(options.root / README, before + BEGIN + "\n\n" + now + "\n" + END + "\n" + after)
    say(f"ci/evidence: {README} is written")
    return common.EXIT_OK


if __name__ == "__main__":
    common.start("ci/evidence", main)
