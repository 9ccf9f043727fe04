"""Reads what `llvm-cov export` says of the library, and merges what it says of one place several times.

A source is compiled several times: over the real kernel and over the simulated one, and a function of a header once for
each file that includes it. A place is covered if any of these was executed. LLVM's own summary takes the better one of
two compilations instead of both together, so everything is counted here, by the place in the source.
"""

import re
from dataclasses import dataclass, field

from fuzzkit.common import Trouble

CODE, MCDC_BRANCH = 0, 6  # kinds of regions in LLVM's export, which knows them by numbers only
LINES, BRANCHES, REGIONS, CONDITIONS = MEASURES = ("lines", "branches", "regions", "mcdc")
LINE, TRUE, FALSE, DECIDES, FILE = "never run", "never true", "never false", "never decides", "never compiled"

_FUNCTION = re.compile(r"(\w+)\s*$")
_NAME_BEFORE = re.compile(r"\w*$")


@dataclass(order=True)
class Place:
    """Something that was not covered. Its key names it without a line number, so that it outlives other changes."""

    file: str
    line: int
    column: int
    kind: str  # LINE, TRUE, FALSE, DECIDES, FILE
    function: str
    text: str

    @property
    def key(self):
        return self.file, self.function, self.kind, self.text


@dataclass
class Ratio:
    covered: int = 0
    total: int = 0

    def add(self, other):
        self.covered += other.covered
        self.total += other.total

    @property
    def percent(self):
        return 100.0 * self.covered / self.total if self.total else None


@dataclass
class Source:
    """A file: what there is to cover, by place, and how often it was executed."""

    name: str
    text: list  # lines
    lines: dict = field(default_factory=dict)  # number: count
    regions: dict = field(default_factory=dict)  # (line, column, end line, end column): count
    branches: dict = field(default_factory=dict)  # the same: [times true, times false]
    steering: set = field(default_factory=set)  # the branches that are conditions of a decision
    decisions: dict = field(default_factory=dict)  # the same: [whether each condition decided alone]
    bodies: dict = field(default_factory=dict)  # the same, of functions

    def place(self, numbers):
        """(line, column, end line, end column). One that begins with a name which is a macro in one form, as the
        library's own are over the simulated kernel, begins behind that name there."""
        line, column, end_line, end_column = numbers[:4]
        before = self.text[line - 1][: column - 1]
        return line, column - len(_NAME_BEFORE.search(before)[0]), end_line, end_column

    def ratios(self):
        sides = [count for pair in self.branches.values() for count in pair]
        decides = [decided for decision in self.decisions.values() for decided in decision]
        counts = (self.lines.values(), sides, self.regions.values(), decides)
        return {name: Ratio(sum(map(bool, each)), len(each)) for name, each in zip(MEASURES, counts)}

    def function_at(self, line, column):
        """The name of the function around a place."""
        around = [body for body in self.bodies if body[:2] <= (line, column) <= body[2:]]
        return self._name_of(max(around)) if around else ""

    def _name_of(self, body):
        """From the source: the linker's name may be that of another form."""
        line, column = body[:2]
        head = "\n".join(self.text[max(0, line - 20) : line - 1] + [self.text[line - 1][: column - 1]]).rstrip()
        depth = 0
        for at in range(len(head) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(head[at], 0)
            if depth == 0:
                match = _FUNCTION.search(head[:at])
                return match[1] if match else ""
        return ""

    def excerpt(self, place):
        """The text of a place, as one line."""
        line, column, end_line, end_column = place
        lines = self.text[line - 1 : end_line]
        lines[-1] = lines[-1][: end_column - 1]
        lines[0] = lines[0][column - 1 :]
        return " ".join(" ".join(lines).split())

    def uncovered(self):
        """[Place], those that read alike in one function told apart by their number."""
        every = []  # (covered, Place)
        for number, count in self.lines.items():
            text = " ".join(self.text[number - 1].split())
            if re.search(r"\w", text):  # a brace follows from what it closes
                every.append((count, self._place(number, 1 + len(self.text[number - 1]), LINE, text)))
        for place, (true, false) in self.branches.items():
            text = self.excerpt(place)
            every.append((true, self._place(*place[:2], TRUE, text)))
            every.append((false, self._place(*place[:2], FALSE, text)))
        for decision, decided in self.decisions.items():
            for place, one in zip(self._conditions(decision), decided):
                # One that was never true, or never false, cannot decide: that follows.
                follows = not all(self.branches[place])
                every.append((one or follows, self._place(*place[:2], DECIDES, self.excerpt(place))))
        every.sort(key=lambda entry: entry[1])
        return _numbered(every)

    def _place(self, line, column, kind, text):
        return Place(self.name, line, column, kind, self.function_at(line, column), text)

    def _conditions(self, decision):
        """The conditions of a decision, in the order of the source, which is LLVM's."""
        found = sorted(place for place in self.steering if decision[:2] <= place[:2] and place[2:] <= decision[2:])
        if len(found) != len(self.decisions[decision]):
            raise Trouble(f"{self.name}:{decision[0]}: {len(found)} conditions, but llvm-cov tells of another number")
        return found


def _numbered(every):
    alike = {}
    for _, place in every:
        alike.setdefault(place.key, []).append(place)
    for places in alike.values():
        for number, place in enumerate(places, 1):
            if len(places) > 1:
                place.text += f" [{number} of {len(places)}]"
    return [place for covered, place in every if not covered]


def _line_counts(segments):
    """{line: count} of the lines with code, from a file's segments, as llvm-cov show counts them.

    A segment is [line, column, count, has a count, begins a region, is a gap], and reaches to the next one.
    """
    by_line = {}
    for segment in segments:
        by_line.setdefault(segment[0], []).append(segment)
    counts, wrapped = {}, None  # wrapped: the segment that reaches into the line
    for line in range(segments[0][0], segments[-1][0] + 1) if segments else []:
        here = by_line.get(line, [])
        starts = [segment[2] for segment in here if segment[3] and segment[4] and not segment[5]]
        skipped = bool(here) and not here[0][3] and here[0][4]
        mapped = any(segment[3] and segment[4] for segment in here)
        if mapped or (not skipped and wrapped is not None and wrapped[3]):
            reaching = [wrapped[2]] if wrapped is not None and wrapped[3] else []
            counts[line] = max(starts + reaching, default=0)
        wrapped = here[-1] if here else wrapped
    return counts


def _sum_regions(sources, functions):
    for function in functions:
        names = function["filenames"]
        for number, region in enumerate(function["regions"]):
            source = sources.get(names[region[5]])
            if source is None or region[7] != CODE:
                continue
            place = source.place(region)
            source.regions[place] = source.regions.get(place, 0) + region[4]
            if number == 0:
                source.bodies[place] = True


def _sum_branches(source, branches):
    for branch in branches:
        place = source.place(branch)
        sides = source.branches.setdefault(place, [0, 0])
        sides[0] += branch[4]
        sides[1] += branch[5]
        if branch[8] == MCDC_BRANCH:
            source.steering.add(place)


def _sum_decisions(source, records):
    for record in records:
        place, decided = source.place(record), record[-1]
        before = source.decisions.setdefault(place, [False] * len(decided))
        if len(before) != len(decided):
            raise Trouble(f"{source.name}:{place[0]}: a decision has another number of conditions in another form")
        source.decisions[place] = [one or other for one, other in zip(before, decided)]


def read(data, root, name_of):
    """{name: Source} from the parsed JSON of llvm-cov export. name_of: from LLVM's file name to one relative to the
    root, or None for a file that is not of interest."""
    if data.get("type") != "llvm.coverage.json.export" or len(data.get("data", [])) != 1:
        raise Trouble("llvm-cov export does not print what is expected of it")
    data = data["data"][0]
    sources = {}
    for file in data["files"]:
        name = name_of(file["filename"])
        if name is None:
            continue
        text = (root / name).read_text(encoding="utf-8").splitlines()
        source = sources[file["filename"]] = Source(name, text, _line_counts(file["segments"]))
        _sum_branches(source, file["branches"])
        _sum_decisions(source, file["mcdc_records"])
    _sum_regions(sources, data["functions"])
    return {source.name: source for source in sources.values()}
