"""The golden list: what is proved, committed, so that nothing can get lost unnoticed.

A unit is a block of lines. Goals are counted by clause; run-time errors that can't happen are one line.
"""

import difflib
import re

from fuzzkit.common import Trouble, write_atomically

from .engine import LEMMAS

GOLDEN = "proofs/wp/golden.txt"
_HEAD = """\
# What is proved: unit, function, goals; then each clause with the number of its goals. `uses`: a contract that is
# proved elsewhere or assumed. `warning`: what Frama-C takes for granted. Written by `ci/prove --update-golden`.
"""
_RTE = re.compile(r"(assert_rte)_\w+")


def clauses(result):
    """{clause: number of goals} of a function."""
    counts = {}
    for goal in result.proofs:
        name = goal.clause
        if result.task.function != LEMMAS:
            name = name.removeprefix(result.task.function + "_")
        name = _RTE.sub(r"\1", name)
        counts[name] = counts.get(name, 0) + 1
    return counts


def has_contract(result):
    return any(re.match(r"assigns|ensures_", name) for name in clauses(result))


def function_lines(result):
    lines = [f"  {result.task.function}  {len(result.proofs)} goals"]
    if result.smokes:
        lines.append(f"    smoke {len(result.smokes)}")
    return lines + [f"    {name} {count}" for name, count in sorted(clauses(result).items())]


def unit_lines(survey, results):
    """The block of a unit; results: of all its functions that it is to prove."""
    lines = [f"unit {survey.unit.path}"]
    if survey.headers:
        lines.append("  libc " + " ".join(survey.headers))
    lines += [f"  uses {name}" for name in survey.uses]
    lines += [f"  warning {text}" for text in sorted({text for result in results for text in result.warnings})]
    for result in sorted(results, key=lambda result: result.task.function):
        lines += function_lines(result)
    return lines


def read(path):
    """{unit: lines}."""
    blocks, lines = {}, None
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if line.startswith("unit "):
            lines = blocks.setdefault(line[len("unit ") :], [])
        elif line.startswith("#") or not line:
            continue
        if lines is None:
            raise Trouble(f"{path.name}:{number}: no `unit` line before it")
        lines.append(line)
    return blocks


def write(path, blocks, order):
    names = sorted(blocks, key=lambda name: (order.index(name) if name in order else len(order), name))
    write_atomically(path, "\n".join([_HEAD] + ["\n".join(blocks[name]) + "\n" for name in names]))


def owners(blocks):
    """{function: unit that proves it}."""
    found = {}
    for unit, lines in blocks.items():
        for line in lines:
            match = re.match(r"  (\S+)  \d+ goals$", line)
            if match and match.group(1) != LEMMAS:
                found.setdefault(match.group(1), unit)
    return found


def function_block(lines, function):
    """The lines of one function out of its unit's."""
    block = []
    for line in lines:
        if re.match(r"  \S", line):
            inside = line.startswith(f"  {function}  ")
            block += [line] if inside else []
        elif line.startswith("    ") and block and inside:
            block.append(line)
    return block


def weights(blocks):
    """{(unit, function): goals}, to begin with the longest."""
    found = {}
    for unit, lines in blocks.items():
        for line in lines:
            match = re.match(r"  (\S+)  (\d+) goals$", line)
            if match:
                found[unit, match.group(1)] = int(match.group(2))
    return found


def difference(was, now, smoke):
    """The lines of a diff without its head; of smoke tests only if they were run."""
    if not smoke:
        was = [line for line in was if not re.match(r"    smoke \d+$", line)]
        now = [line for line in now if not re.match(r"    smoke \d+$", line)]
    changed, context = [], None
    for line in difflib.ndiff(was, now):
        if re.match(r"  (unit |  \S+  \d+ goals)", line):
            context = line
        elif line.startswith(("- ", "+ ")):
            if context:
                changed.append(context)
                context = None
            changed.append(line)
    return changed
