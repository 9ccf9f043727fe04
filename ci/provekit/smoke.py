"""Smoke tests that fail by design: proofs/wp/smoke.txt.

A line names a function, the kind of the test, the text of the C line that it is about, and why nothing gets there:

    io_core_next | dead_code | return NULL; | the loop before it does not end without a result
"""

import re
from dataclasses import dataclass

from fuzzkit.common import Trouble

SMOKE = "proofs/wp/smoke.txt"


@dataclass
class Exempt:
    function: str
    kind: str
    text: str
    reason: str
    used: bool = False


def load(root):
    path = root / SMOKE
    found = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split(" | ")]
        if len(cells) != 4 or not all(cells):
            raise Trouble(f"{SMOKE}:{number}: not of the form `function | kind | text of the line | reason`")
        found.append(Exempt(*cells))
    return found


def line_of(root, place):
    """The text of the C line of a failed test."""
    name, _, number = place.rpartition(":")
    try:
        return (root / name).read_text().splitlines()[int(number) - 1].strip()
    except (OSError, ValueError, IndexError):
        return ""


def failures(root, result, exempts):
    """The smoke tests of a function that failed and are not exempt: (goal, the text of its line)."""
    found = []
    for goal in result.smokes:
        if goal.proved:
            continue
        text = line_of(root, goal.place)
        match = re.search(r"wp_smoke_(.*?)(?:_s\d+)?$", goal.name)
        kind = match.group(1) if match else goal.name
        fitting = [one for one in exempts if (one.function, one.kind, one.text) == (result.task.function, kind, text)]
        # Without a place nothing was proved false: there is no answer of a prover, and no excuse for that.
        if not fitting or not goal.place:
            found.append((goal, kind, text))
        for one in fitting:
            one.used = True
    return found
