"""The table of tests/mutants/README.md: a row for each mutant, with the times of the latest run that was written there."""

import re

from fuzzkit import common
from fuzzkit.common import Trouble

BEGIN, END = "<!-- ci/mutants --write: begin -->", "<!-- ci/mutants --write: end -->"
HEAD = ["mutant", "class", "twin", "file", "clauses", "target", "corpus s", "fresh s"]
TIMES = 2  # the last columns
NOT_RUN, SURVIVED = "-", "survived"

# By the number behind the Z up to which it goes.
_CLASSES = (
    (21, "removal, dispatch"),
    (41, "epoll, fork, edges"),
    (53, "hang-ups, errors"),
    (72, "time"),
    (107, "other"),
)


def class_of(name):
    letter, number = name[0], int(re.sub(r"\D", "", name))
    if letter != "Z":
        return {"A": "our own past", "K": "kqueue", "L": "lines, frames", "M": "amy", "U": "io_uring"}.get(letter, "other")
    return next((words for last, words in _CLASSES if number <= last), "other")


def _file_cell(path):
    return path.removeprefix("lib/")


def _cells(mutant, times):
    cells = [mutant.name, class_of(mutant.name), mutant.twin, _file_cell(mutant.file), mutant.clause, mutant.target]
    return [cell.replace("|", "\\|") for cell in cells] + times


def _split(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _parts(path):
    """(what stands before the table, its rows, what stands behind it)"""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise Trouble(f"{path.name}: the lines '{BEGIN}' and '{END}' are not there")
    rows = [_split(line) for line in table.splitlines() if line.startswith("|")][2:]
    return before, rows, after


def _lines(rows):
    widths = [max(len(row[column]) for row in [HEAD] + rows) for column in range(len(HEAD))]
    rule = ["-" * (width - 1) + ":" if column >= len(HEAD) - TIMES else "-" * width for column, width in enumerate(widths)]
    lines = []
    for row in [HEAD, rule] + rows:
        cells = [
            cell.rjust(width) if column >= len(HEAD) - TIMES else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(path, mutants, times):
    """times: by name, (by the corpus, fresh); None keeps what stands there."""
    before, rows, after = _parts(path)
    old = {row[0]: row[-TIMES:] for row in rows if len(row) == len(HEAD)}
    new = []
    for mutant in mutants:
        kept = old.get(mutant.name, [NOT_RUN] * TIMES)
        measured = times.get(mutant.name, (None, None))
        new.append(_cells(mutant, [cell or known for cell, known in zip(measured, kept)]))
    common.write_atomically(path, f"{before}{BEGIN}\n\n{_lines(new)}\n\n{END}{after}")


def find_mistakes(path, mutants, limits):
    """Rows that are missing, too many or not what the patches say, and times that are none or above their limit."""
    _, rows, _ = _parts(path)
    wanted = {mutant.name: _cells(mutant, []) for mutant in mutants}
    mistakes = [f"{name}: no row" for name in wanted if name not in {row[0] for row in rows}]
    seen = set()
    for row in rows:
        name = row[0]
        if name in seen:
            mistakes.append(f"{name}: a second row")
        elif name not in wanted:
            mistakes.append(f"{name}: a row, but no patch")
        elif row[:-TIMES] != wanted[name]:
            mistakes.append(f"{name}: the row is not what the patch says")
        else:
            mistakes += [
                f"{name}: {head} is '{cell}', and not a time up to {limit}"
                for head, cell, limit in zip(HEAD[-TIMES:], row[-TIMES:], limits)
                if not re.fullmatch(r"[0-9]+\.[0-9]", cell) or float(cell) > limit
            ]
        seen.add(name)
    return mistakes
