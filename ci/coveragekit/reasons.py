"""Reads fuzz/coverage.txt: what no corpus reaches, and why. The form stands at the head of that file."""

from dataclasses import dataclass

from coveragekit.export import DECIDES, FALSE, FILE, LINE, TRUE
from fuzzkit.common import Trouble

NAME = "fuzz/coverage.txt"
KINDS = (LINE, TRUE, FALSE, DECIDES, FILE)
_WHY = "why"


@dataclass
class Reason:
    """One place of the file, with the reason of its block."""

    file: str
    function: str
    kind: str
    text: str
    line: int  # in coverage.txt
    why: str = ""

    @property
    def key(self):
        return self.file, self.function, self.kind, self.text


class _Reader:
    """Line by line: a block is a head, places, and a reason."""

    def __init__(self):
        self.reasons, self.block, self.head, self.why = [], [], None, None

    def refuse(self, number, what):
        raise Trouble(f"{NAME}:{number}: {what}")

    def end_block(self, number):
        if self.head is None:
            return
        why = " ".join(self.why or [])
        if not self.block or not any(letter.isalpha() for letter in why):
            self.refuse(number, f"the block of {' '.join(self.head)} before this line has no place or no reason")
        for reason in self.block:
            reason.why = why
        self.reasons += self.block
        self.block, self.head, self.why = [], None, None

    def take(self, number, line):
        if not line.strip() or line.startswith("#"):
            return
        if not line[0].isspace():
            self.end_block(number)
            self.head = line.split()
            if len(self.head) != 2:
                self.refuse(number, "a block begins with a file and a function")
            return
        if self.head is None:
            self.refuse(number, "there is no file and function before this line")
        kind, colon, text = line.strip().partition(": ")
        if self.why is not None:
            self.why.append(line.strip())
        elif colon and kind == _WHY:
            self.why = [text]
        elif colon and kind in KINDS:
            self.block.append(Reason(*self.head, kind, " ".join(text.split()), number))
        else:
            self.refuse(number, f"this is none of: {', '.join(KINDS)}, {_WHY}; each with a colon, a space and a text")


def read(text):
    """[Reason] from the text of the file."""
    reader = _Reader()
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        reader.take(number, line)
    reader.end_block(len(lines) + 1)
    seen = {}
    for reason in reader.reasons:
        if reason.key in seen:
            raise Trouble(f"{NAME}:{reason.line}: the same place stands in line {seen[reason.key]}")
        seen[reason.key] = reason.line
    return reader.reasons


def match(places, reasons):
    """(why by the key of a place, [Place] without a reason, [Reason] without a place)"""
    known = {reason.key: reason.why for reason in reasons}
    keys = {place.key for place in places}
    missing = [place for place in places if place.key not in known]
    stale = [reason for reason in reasons if reason.key not in keys]
    return {key: why for key, why in known.items() if key in keys}, missing, stale


def write_like_the_file(places):
    """The places as lines for the file, a block for each function, the reason left to be written."""
    lines, head = [], None
    for place in places:
        if head != (place.file, place.function):
            lines += [f"    {_WHY}: ?"] if head else []
            head = place.file, place.function
            numbers = sorted({other.line for other in places if (other.file, other.function) == head})
            lines += [f"# {place.file}:{','.join(map(str, numbers))}", " ".join(head)]
        lines.append(f"    {place.kind}: {place.text}")
    return lines + ([f"    {_WHY}: ?"] if head else [])
