"""tests/mutants/mechanical.txt: the mutants that no corpus kills, and why.

A mutant's key, or several, each on a line of its own, and below them, indented, the reason. It begins with a word:

    Equivalent: ...   nobody can tell it from the library: the reason says why not
    Survives: ...     somebody could; the reason says what would, and why no corpus does
"""

from dataclasses import dataclass

from fuzzkit.common import Trouble

KINDS = ("Equivalent", "Survives")


@dataclass
class Reason:
    kind: str
    text: str
    line: int  # of the key


def parse(text, name):
    """The reasons by key."""
    reasons, keys, words = {}, [], []

    def finish():
        kind, colon, rest = " ".join(words).partition(":")
        if keys and (kind not in KINDS or not colon or not rest.strip()):
            raise Trouble(f"{name}:{keys[-1][0]}: what follows is not 'Equivalent: REASON' or 'Survives: REASON'")
        for line, key in keys:
            if key in reasons:
                raise Trouble(f"{name}:{line}: this mutant is there twice")
            reasons[key] = Reason(kind, rest.strip(), line)
        keys.clear()
        words.clear()

    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            if not keys:
                raise Trouble(f"{name}:{number}: a reason without a mutant")
            words.append(line.strip())
        else:
            if words:
                finish()
            keys.append((number, line.strip()))
    finish()
    return reasons
