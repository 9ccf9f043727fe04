"""Proof mutants: mistakes in proved code or its contracts, each of which must break the proof of a named clause.

A mutant is a file proofs/mutants/NAME.mutant: header lines, an empty line, and the edit in the form of a diff's hunk.

    file: lib/core/table.c
    unit: lib/core/table.c       (default: the file)
    function: io_core_set        (whose proof must break; of several one)
    expect: IO_SET_1_interest    (labels of ensures, requires or loop invariants, or @assigns; one of them must fail)
    equivalent: why              (instead of `expect`: everything must be proved still)
    reason: which mistake this is

     a line that stays
    -a line that goes
    +a line that comes

Lines are compared without the space around them, and must be there exactly once.
"""

import re
from dataclasses import dataclass

from fuzzkit import common
from fuzzkit.common import Trouble

FOLDER = "proofs/mutants"
_KEYS = ("file", "unit", "function", "expect", "equivalent", "reason")


@dataclass
class Mutant:
    name: str
    file: str
    unit: str
    functions: list
    expect: list
    equivalent: str
    reason: str
    edit: list  # (sign, text)


def parse(path):
    def wrong(what):
        return Trouble(f"{FOLDER}/{path.name}: {what}")

    head, _, body = path.read_text().partition("\n\n")
    values = dict.fromkeys(_KEYS, "")
    for line in head.splitlines():
        key, colon, value = line.partition(":")
        if key not in values or not colon:
            raise wrong(f"not a header line: {line}")
        values[key] = value.strip()
    for key in ("file", "function", "reason"):
        if not values[key]:
            raise wrong(f"no line `{key}:`")
    expect = [word for word in re.split(r"[ ,]+", values["expect"]) if word]
    if bool(expect) == bool(values["equivalent"]):
        raise wrong("either `expect:` or `equivalent:`")
    edit = [(line[:1], line[1:]) for line in body.splitlines() if line]
    if any(sign not in (" ", "-", "+") for sign, _ in edit) or not any(sign in "-+" for sign, _ in edit):
        raise wrong("the edit's lines begin with a space, - or +")
    functions = re.split(r"[ ,]+", values["function"])
    unit = values["unit"] or values["file"]
    return Mutant(path.stem, values["file"], unit, functions, expect, values["equivalent"], values["reason"], edit)


def choose(options, error):
    found = [parse(path) for path in sorted((options.root / FOLDER).glob("*.mutant"))]
    for name in options.names:
        if name not in [mutant.name for mutant in found]:
            error(f"there is no mutant '{name}' in {FOLDER}")
    if options.names:
        found = [mutant for mutant in found if mutant.name in options.names]
    if not found:
        raise Trouble(f"there are no mutants ({FOLDER}/*.mutant)")
    known = [unit.path for unit in options.units]
    for mutant in found:
        if mutant.unit not in known:
            raise Trouble(f"{FOLDER}/{mutant.name}.mutant: {mutant.unit} is no unit; add `unit:`")
    return found


def listing(chosen):
    rows = [["mutant", "file", "function", "expected", "mistake"]]
    for mutant in chosen:
        expected = " ".join(mutant.expect) or "equivalent"
        rows.append([mutant.name, mutant.file, " ".join(mutant.functions), expected, mutant.reason])
    return common.table(rows)


def apply(mutant, text):
    """The file with the mistake in it."""
    lines = text.split("\n")
    bare = [line.strip() for line in lines]
    old = [part.strip() for sign, part in mutant.edit if sign != "+"]
    places = [at for at in range(len(bare) - len(old) + 1) if bare[at : at + len(old)] == old] if old else []
    if len(places) != 1:
        raise Trouble(f"stale mutant: its old text is in {mutant.file} {len(places)} times")
    at, new = places[0], []
    kept = iter(lines[at : at + len(old)])
    for sign, part in mutant.edit:
        if sign == "+":
            new.append(part)
        else:
            line = next(kept)
            new += [line] if sign == " " else []
    if [line.strip() for line in new] == old:
        raise Trouble("the mutant changes nothing")
    return "\n".join(lines[:at] + new + lines[at + len(old) :])


def fits(goal, functions, labels):
    """Whether a goal is of the contract, and of one of these clauses; a hint (assert) is not."""
    owner = max((name for name in functions if goal.clause.startswith(name + "_")), key=len, default="")
    name = goal.clause.removeprefix(owner + "_")
    if re.match(r"(assert|check)_", name):
        return False
    for label in labels:
        if label == "@assigns" and re.match(r"(loop_)?assigns(?![a-z])", name):
            return True
        kind = r"(?:^|_)(?:ensures|requires|invariant)"
        if re.search(rf"{kind}_{re.escape(label)}(_\d+)?(_preserved|_established)?$", name):
            return True
    return False
