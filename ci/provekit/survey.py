"""What a unit defines and what it rests on, as Frama-C sees it: functions, lemmas, axioms, contracts without a body."""

import re
from dataclasses import dataclass, field

ASSUMPTIONS = "proofs/ASSUMPTIONS.md"

_FUNCTION = re.compile(r"Stats for function <(.+)/(\w+)>")
_ONLY = re.compile(r"Specified-only functions \(\d+\)\s+=+\n(.*?)\n\s*\n", re.DOTALL)
_BARE = re.compile(r"Undefined and unspecified functions \(\d+\)\s+=+\n(.*?)\n\s*\n", re.DOTALL)
_CALLED = re.compile(r"(\w+)\s+(\(address taken\)\s+)?\((\d+)\s+calls?\)")
_ANNOTATION = re.compile(r"/\*@.*?\*/|//@[^\n]*", re.DOTALL)
_ADMIT = re.compile(r"\badmit\s+(?:requires|ensures|loop invariant|invariant)?\s*(\w+)")
_ENTRY = re.compile(r"\bA-\d+\b")


@dataclass
class Survey:
    unit: object
    functions: dict  # name -> the file that defines it
    source: str  # normalized: macros expanded, no comments
    lemmas: list = field(default_factory=list)
    uses: list = field(default_factory=list)  # functions of which only the contract is there
    bare: list = field(default_factory=list)  # functions called of which not even that is there
    axioms: list = field(default_factory=list)  # (kind, name)
    headers: list = field(default_factory=list)  # of Frama-C's C library


def make(unit, metrics, source):
    functions = {name: path for path, name in _FUNCTION.findall(metrics)}
    annotations = "\n".join(_ANNOTATION.findall(source))
    survey = Survey(unit, functions, source)
    survey.lemmas = sorted(set(re.findall(r"\b(?:check )?lemma\s+(\w+)", annotations)))
    named = {name for names in re.findall(r"\bcalls\s+([\w, ]+);", annotations) for name in re.split(r"[ ,]+", names)}
    survey.uses = sorted(name for name in _called(_ONLY, metrics, named) if name not in functions)
    survey.bare = sorted(_called(_BARE, metrics, named))
    survey.axioms = [(kind, name) for kind, name in re.findall(r"\b(axiom|axiomatic)\s+(\w+)", annotations)]
    survey.axioms += [("admit", name) for name in _ADMIT.findall(annotations)]
    survey.headers = sorted(set(re.findall(r'^#include "([^"]+)"', source, re.MULTILINE)))
    return survey


def _called(pattern, metrics, named):
    match = pattern.search(metrics)
    for name, address, calls in _CALLED.findall(match.group(1)) if match else []:
        if int(calls) or address or name in named:
            yield name


def entries(text):
    """The entries of the list of assumptions: each begins with a line that has its id, A-1."""
    found, lines = [], []
    for line in text.splitlines():
        if _ENTRY.search(line):
            lines = []
            found.append(lines)
        lines.append(line)
    return ["\n".join(entry) for entry in found]


def unrecorded(survey, root):
    """Axioms and admitted clauses that no entry of the list of assumptions names."""
    path = root / ASSUMPTIONS
    recorded = entries(path.read_text()) if path.exists() else []

    def has_entry(name):
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", entry) for entry in recorded)

    # The axioms of a block are covered by the block's entry.
    covered = set()
    for block, body in re.findall(r"\baxiomatic\s+(\w+)\s*\{(.*?)\n\s*\}\s*\n", survey.source, re.DOTALL):
        if has_entry(block):
            covered.update(re.findall(r"\baxiom\s+(\w+)", body))
    return [
        f"{survey.unit.path}: {kind} {name} has no entry in {ASSUMPTIONS}"
        for kind, name in survey.axioms
        if not has_entry(name) and name not in covered
    ]
