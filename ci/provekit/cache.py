"""The provers' answers: one committed text file, which is unpacked into the form that WP wants, a file for each.

A line is one answer: the hash of a goal and prover, the prover, the verdict, the seconds, the steps. Of a mutant's
answers (proofs/wp/mutants.jsonl) each line begins with the mutant's name.
"""

import json
import os
import re
from pathlib import Path

from fuzzkit.common import Trouble, write_atomically

CACHE = "proofs/wp/cache.jsonl"
MUTANTS = "proofs/wp/mutants.jsonl"


def read(path):
    """{hash: answer}; empty without the file."""
    return {key: answer for _, key, answer in _lines(path)}


def read_grouped(path):
    """{name: {hash: answer}}."""
    groups = {}
    for name, key, answer in _lines(path):
        groups.setdefault(name, {})[key] = answer
    return groups


def _lines(path):
    if not path.exists():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            data = json.loads(line)
            name, key = data.pop("mutant", ""), data.pop("goal")
            if not key.isalnum():
                raise ValueError(key)
        except (ValueError, KeyError, AttributeError) as error:
            raise Trouble(f"{path.name}:{number}: not an answer of a prover ({error})") from error
        yield name, key, data


def _text(rows):
    rows = sorted(rows, key=lambda row: (row.get("mutant", ""), row["goal"]))
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def write(path, answers):
    write_atomically(path, _text([{"goal": key, **answer} for key, answer in answers.items()]))


def write_grouped(path, groups):
    rows = [{"mutant": name, "goal": key, **answer} for name, group in groups.items() for key, answer in group.items()]
    write_atomically(path, _text(rows))


def unpack(answers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for key, answer in answers.items():
        (folder / f"{key}.json").write_text(json.dumps(answer))


def link(source, folder):
    """The files of one folder in another one, without copies: WP may remove there what it did not use."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        os.link(entry.path, folder / entry.name)


def collect(folder):
    """The answers that WP left in a folder. A file that an interruption cut short is none."""
    answers = {}
    for path in Path(folder).glob("*.json"):
        try:
            # WP writes `2.`, which is no number in JSON.
            answers[path.stem] = json.loads(re.sub(r"(\d)\.(?!\d)", r"\1.0", path.read_text()))
        except ValueError:
            pass
    return answers


def without_failures(answers):
    return {key: answer for key, answer in answers.items() if answer.get("verdict") == "valid"}


def failures(answers):
    return {key: answer for key, answer in answers.items() if answer.get("verdict") != "valid"}
