"""Writes one tree that holds all mutants: each is chosen at run time, by its number in the environment.

    a condition                 (io_mutant_is(7) ? !(slot) : !!(slot))
    another expression          (io_mutant_is(8) ? (x | y) : (x & y))
    a statement that is dropped {if (!io_mutant_is(9)) {...}}

Only one mutant is chosen at a time, so its text holds no other: the source grows with the number of mutants, not with
their combinations. With IO_MUTANT_NONE the choice is the constant 0, and a compiler makes of the tree what it makes of
the source.
"""

from pathlib import Path

from fuzzkit.common import Trouble
from mutantkit import operators, syntax

FOLDERS = ("lib/core", "lib/backends")
# As fuzz/build.sh. What a mutant is run against is simulated, or a part of the core.
FLAGS = ("-std=c11", "-Ilib/include", "-iquote", ".")
SIMULATED = (*FLAGS, "-DIO_OS_SIM")
HEADER = "lib/mutant.h"

_HEADER = """\
/* Which mutant runs; made by ci/mutants. */
#ifndef IOATOM_MUTANT_H
#define IOATOM_MUTANT_H

#ifdef IO_MUTANT_NONE
#define io_mutant_is(number) 0
#else
extern int io_mutant;
extern unsigned char io_mutant_reached[];

static inline int io_mutant_is(int number)
{
    io_mutant_reached[number] = 1;
    return io_mutant == number;
}
#endif

#endif
"""

_SOURCE = """\
/* IOATOM_MUTANT is the number of the mutant that runs; the numbers of those whose place was reached are written to the
 * file IOATOM_MUTANT_REACHED when the process ends. Made by ci/mutants. */
#include <stdio.h>
#include <stdlib.h>

#include "{header}"

int io_mutant;
unsigned char io_mutant_reached[{count} + 1];

__attribute__((constructor)) static void choose(void)
{{
    const char *number = getenv("IOATOM_MUTANT");
    io_mutant = number ? atoi(number) : 0;
}}

__attribute__((destructor)) static void tell(void)
{{
    const char *path = getenv("IOATOM_MUTANT_REACHED");
    FILE *file = path ? fopen(path, "w") : NULL;
    for (int i = 1; file && i <= {count}; i++) {{
        if (io_mutant_reached[i]) {{
            fprintf(file, "%d\\n", i);
        }}
    }}
    if (file) {{
        fclose(file);
    }}
}}
"""


def find(compiler, root):
    """All mutants of the tree, by file and place, numbered from 1; and the files that are left out, since nothing of
    them runs over the simulated kernel."""
    root = Path(root)
    sources = sorted(str(path.relative_to(root)) for folder in FOLDERS for path in (root / folder).glob("*.c"))
    found, left_out = {}, []
    for source in sources:
        simulated = syntax.parse([compiler], root, source, SIMULATED)
        if not any(function.file == source for function in simulated):
            left_out.append(source)
            continue
        # IO_OS_SIM gives the system's functions other names; who does without it (kqueue has no other) is described by theirs.
        plain = syntax.parse([compiler], root, source, FLAGS)
        for function in plain if any(function.file == source for function in plain) else simulated:
            # A header's functions are met in every file that includes it.
            name = (function.file, function.name, function.body.begin)
            if function.file.startswith(tuple(f"{folder}/" for folder in FOLDERS)) and name not in found:
                found[name] = operators.find((root / function.file).read_bytes(), function)
    mutants = [mutant for name in sorted(found, key=lambda name: (name[0], name[2])) for mutant in found[name]]
    keys = set()
    for number, mutant in enumerate(mutants, start=1):
        mutant.number = number
        if mutant.key in keys:
            raise Trouble(f"two mutants are described alike: {mutant.key}")
        keys.add(mutant.key)
    return mutants, left_out


def transform(code, mutants):
    """The source of a file with its mutants in it."""
    order = sorted(mutants, key=lambda mutant: (mutant.begin, -mutant.end))
    text = _render(code, 0, len(code), order)
    return f'#include "{HEADER}"\n#line 1\n'.encode() + text


def _render(code, begin, end, mutants):
    """The bytes from begin to end, in which all these mutants lie, the outer ones first."""
    out, at = [], begin
    while mutants:
        first = mutants[0]
        group = [mutant for mutant in mutants if (mutant.begin, mutant.end) == (first.begin, first.end)]
        inner = [mutant for mutant in mutants[len(group) :] if mutant.begin < first.end]
        if first.begin < at or any(mutant.end > first.end for mutant in inner):
            raise Trouble(f"mutants overlap: {first.key}")
        mutants = mutants[len(group) + len(inner) :]
        out.append(code[at : first.begin])
        out.append(_join(_render(code, first.begin, first.end, inner), group))
        at = first.end
    out.append(code[at:end])
    return b"".join(out)


def _join(text, group):
    """The text, or what one of these mutants makes of it."""
    for mutant in group:
        if mutant.form == operators.VALUE:
            text = b"(io_mutant_is(%d) ? (%s) : (%s))" % (mutant.number, mutant.text.encode(), text)
    for mutant in group:
        if mutant.form == operators.TRUTH:
            text = b"(io_mutant_is(%d) ? !!(%s) : !!(%s))" % (mutant.number, mutant.text.encode(), text)
    for mutant in group:
        if mutant.form == operators.STATEMENT:
            text = b"{if (!io_mutant_is(%d)) {%s}}" % (mutant.number, text)
    return text


def write(tree, mutants):
    """Puts the mutants into the copy of the sources in this folder."""
    tree = Path(tree)
    for file in sorted({mutant.file for mutant in mutants}):
        path = tree / file
        path.write_bytes(transform(path.read_bytes(), [mutant for mutant in mutants if mutant.file == file]))
    (tree / HEADER).write_text(_HEADER)
    (tree / "lib/core/mutant.c").write_text(_SOURCE.format(header=HEADER, count=len(mutants)))
