"""The units of the proofs: proofs/wp/units.bzl, which Bazel reads, too. A unit is one C file."""

import ast
import re
from dataclasses import dataclass, field

from fuzzkit.common import Trouble

UNITS = "proofs/wp/units.bzl"

# Options that would let a proof rest on something that nothing checks.
_UNSOUND = re.compile(
    r"assume|admit|weak-int-model|precond-weakening|-terminate|-wp-no-(rte|callee|volatile|dynamic|warn)|-rte-no|"
    r"-wp-(cache|prop|fct|skip|status|prover)(?![-\w])"
)


@dataclass
class Unit:
    path: str
    proved: bool  # claimed so: part of a run without --unit
    cpp: list = field(default_factory=list)
    options: list = field(default_factory=list)


def load_units(root):
    path = root / UNITS
    if not path.exists():
        raise Trouble(f"there is no {UNITS} in {root}")
    values = {"PROVED": [], "OPEN": [], "OPTIONS": {}}
    try:
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.Assign):
                values[statement.targets[0].id] = ast.literal_eval(statement.value)
    except (SyntaxError, ValueError, AttributeError) as error:
        raise Trouble(f"{UNITS}: {error}") from error
    units = [_make(name, True, values["OPTIONS"]) for name in values["PROVED"]]
    units += [_make(name, False, values["OPTIONS"]) for name in values["OPEN"]]
    names = [unit.path for unit in units]
    for name in names + list(values["OPTIONS"]):
        if names.count(name) != 1:
            raise Trouble(f"{UNITS}: {name} is listed {names.count(name)} times")
        if not (root / name).is_file():
            raise Trouble(f"{UNITS}: there is no file {name}")
    return units


def _make(name, proved, options):
    unit = Unit(name, proved)
    for option in options.get(name, []):
        if _UNSOUND.search(option):
            raise Trouble(f"{UNITS}: {name}: the option {option} would weaken the proof")
        (unit.cpp if re.match(r"-[DIU]", option) else unit.options).append(option)
    return unit
