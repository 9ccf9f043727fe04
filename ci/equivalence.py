"""ci/equivalence without its front: see ci/equivalence --help."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit import build, common, engine, findings
from fuzzkit.common import Interrupted, Trouble, say

ROOT = Path(__file__).resolve().parent.parent
STATED = re.compile(r"#\s*leaves:\s*(.*?)\s*")
_BLOCK = re.compile(r"^```theorem\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CLAUSE = re.compile(r"IO-[A-Z]+-[0-9]+")
_HEAD = ["program", "verdict", "hypotheses that do not hold", "compared"]

EQUIVALENT, IN_PART, LEAVES, AS_STATED = "equivalent", "in part", "leaves", "as stated"
NOT_AS_STATED, VIOLATION = "NOT AS STATED", "VIOLATION"


def parse(arguments):
    parser = common.Parser("ci/equivalence")
    parser.add_argument("files", nargs="*", type=lambda text: (text, common.existing_file(text)))
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--binary", type=common.existing_file)
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    return parser.parse_args(arguments)


@dataclass
class Program:
    name: str  # as it is called in the table
    path: Path
    asked: bool  # somebody named it
    stated: list = field(default_factory=list)
    result: dict = None

    @property
    def leaves(self):
        return [sentence(named) for named in self.result["named"]]

    @property
    def refuted(self):
        return [name for name, holds in self.result["hypotheses"].items() if not holds]

    @property
    def compared(self):
        return sum(conclusion["compared"] for conclusion in self.result["conclusions"].values())

    @property
    def verdict(self):
        if "violation" in self.result:
            return VIOLATION
        if self.stated:
            return AS_STATED if sorted(self.stated) == sorted(self.leaves) else NOT_AS_STATED
        if self.result["named"]:
            return LEAVES
        return IN_PART if self.refuted else EQUIVALENT

    @property
    def found(self):
        return self.verdict in (NOT_AS_STATED, VIOLATION) or (self.asked and self.verdict == LEAVES)

    def as_data(self):
        data = {name: value for name, value in self.result.items() if name != "file"}
        return {"program": self.name, "verdict": self.verdict, "stated": self.stated, "leaves": self.leaves} | data


# --- what is said of a handler ---


def amount(number, unit):
    return f"{number} {unit if number != 1 else unit.removesuffix('s')}"


def sentence(named):
    """What a line "# leaves: " states."""
    flag, told = named["flag"][0], " and ".join(named["told"])
    start = f"{named['atom']}, callback {named['callback']}, told {told}: "
    waits = f"{amount(named['left'], named['unit'])} wait{'' if named['left'] != 1 else 's'}"
    if named["kind"] == "forgotten":
        return start + f"never asks for read again, {waits} at the end"
    if named["kind"] == "not noted":
        return start + f"nothing is left of {flag}, but the library did not see that"
    if flag != "read":
        return start + f"{flag} is left ready"
    return start + f"read is left ready, {waits if named['left'] else 'by an end or an error'}"


def advice(named):
    flag, listens = named["flag"][0], named["unit"] == "connections"
    call = {"read": "io_socket_accept" if listens else "io_read", "write": "io_write"}.get(flag)
    if named["kind"] == "forgotten":
        return "ask for IO_READ again with io_set; nothing is told before that (IO-SET-1, IO-ONESHOT-1)"
    if flag == "except":
        return "say io_exhausted when it has been dealt with, or ask again with io_set (IO-EDGE-3, IO-SET-2)"
    if named["kind"] == "left ready" and flag == "read" and not named["left"]:
        return "remove the atom after the end of its stream, or take IO_READ out of the interest (IO-EVENT-1, IO-EVENT-3)"
    again = f"call {call} until it returns -EAGAIN (IO-EDGE-3), or ask again with io_set (IO-SET-2)"
    if named["kind"] == "not noted":
        return f"say io_exhausted, or {again}"
    if flag == "write":
        return f"take IO_WRITE out of the interest while there is nothing to write, or {again}"
    return again


def where(names, all_names):
    """Configurations, in words."""
    return "every configuration" if len(names) == len(all_names) else ", ".join(names)


def tell_named(program, named):
    played = list(program.result["configurations"])
    lines = [sentence(named), f"in {where(named['seen_in'], played)}: {advice(named)}"]
    unread = {config: named["left_at_end"].get(config, 0) for config in played}
    if len(set(unread.values())) > 1:
        parts = [
            f"{amount(number, named['unit'])} in {', '.join(c for c in played if unread[c] == number)}"
            for number in sorted(set(unread.values()))
        ]
        lines.append(f"what waits at the end is not the same everywhere: {'; '.join(parts)}")
    small = named["small"]
    left = f", {amount(small['left'], named['unit'])} left" if small["left"] else ""
    lines.append(f"a small program that shows it (callback {small['callback']}{left}):")
    return lines + [f"    {line}" for line in small["program"].splitlines()]


def tell(program):
    """Lines about a program, below its name."""
    lines = []
    if program.result["faults"]:
        lines.append(f"  left out: {amount(program.result['faults'], 'faults')} (hypothesis faultless)")
    if "violation" in program.result:
        lines += [f"  {line}" for line in program.result["violation"]]
    for named in program.result["named"]:
        first, *rest = tell_named(program, named)
        lines += [f"  {first}"] + [f"    {line}" for line in rest]
    if program.verdict == NOT_AS_STATED:
        lines += [f"  stated, and not found: {text}" for text in program.stated if text not in program.leaves]
        lines += [f"  found, and not stated: {text}" for text in program.leaves if text not in program.stated]
    if program.verdict == IN_PART:
        lines += [f"  {name}: {reason}" for name, reason in program.result["reasons"].items()]
    return lines


# --- the theorem ---


def stated_theorem(root):
    """The lines of the block in lib/SPEC.md up to their colons."""
    blocks = _BLOCK.findall((root / "lib" / "SPEC.md").read_text())
    if len(blocks) != 1:
        raise Trouble(f"lib/SPEC.md has {len(blocks)} blocks ```theorem, and not one")
    return [line.partition(":")[0] for line in blocks[0].splitlines()]


def check_theorem(root, known):
    """The checker has to know what lib/SPEC.md states, and no clause may be missing there."""
    stated = stated_theorem(root)
    for line in stated + known:
        if line not in stated or line not in known:
            who = "lib/SPEC.md states" if line in stated else "fuzz/equivalence/theorem.c has"
            raise Trouble(f"the theorem of lib/SPEC.md is not the checker's: only {who} '{line}'")
    clauses = findings.specification(root)
    for clause in sorted(set(_CLAUSE.findall("\n".join(known)))):
        if clause not in clauses:
            raise Trouble(f"the theorem cites {clause}, which lib/SPEC.md does not define")
    return stated


# --- running the checker ---


def committed():
    """(name, path) of all programs that are committed. Targets share corpora; a program counts once."""
    seeds = sorted((ROOT / "fuzz" / "corpus").glob("*/*.iop"), key=lambda path: (path.parent.is_symlink(), path))
    if not seeds:
        raise Trouble("there are no programs in fuzz/corpus")
    different = {}
    for path in seeds + sorted((ROOT / "tests" / "equivalence" / "wrong").glob("*.iop")):
        different.setdefault(path.read_bytes(), (f"{path.parent.name}/{path.name}", path))
    return list(different.values())


def statements(path):
    if path.suffix != ".iop":
        return []
    lines = path.read_text(errors="replace").splitlines()
    return [match[1] for match in map(STATED.fullmatch, lines) if match]


def choose(options):
    chosen = options.files or committed()
    return [Program(name, path, bool(options.files), statements(path)) for name, path in chosen]


def find_binary(options):
    if options.binary:
        return options.binary
    return build.ensure(ROOT, options.jobs).out / "equivalence_main"


def run(binary, options, programs):
    """Gives each program its result. The checker ends with the first in which the library breaks a clause."""
    command = [binary] + [f for config in options.config for f in ("--config", config)]
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            command + [program.path for program in programs],
            env=engine.environment(build.NO_CONFIG, symbols=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        common.attend(process, lambda seconds: f"  {seconds:3.0f} s: {len(lines) // 2} of {len(programs)} programs")
        reader.join(timeout=10)
        errors.seek(0)
        return process.returncode, lines, errors.read()


def take(programs, status, lines, words):
    """The programs that have a result. Without one for each, somebody has to have said why."""
    results = [json.loads(line) for line in lines]
    done = [result for result in results if "file" in result]
    for program, result in zip(programs, done):
        program.result = result
        if "violation" in result:
            result["violation"] = violation_lines(result["violation"])
    if len(done) == len(programs) and status in (0, 1):
        return programs
    if status == common.EXIT_ERROR and words:
        raise Trouble(words.strip())
    if "VIOLATION clause=" not in words:
        raise Trouble(f"the checker does not work (status {status}): {words.strip()[-3000:] or 'it said nothing'}")
    broken = programs[len(done)]
    empty = dict.fromkeys(("hypotheses", "conclusions", "configurations", "reasons"), {})
    broken.result = empty | {"faults": 0, "named": [], "violation": words[words.index("VIOLATION clause=") :].splitlines()}
    return programs[: len(done) + 1]


def violation_lines(violation):
    first = f"{violation['conclusion']} [{violation['clauses']}] does not hold: {violation['why']}"
    return [first, "a small program that shows it:"] + [f"    {line}" for line in violation["program"].splitlines()]


def ask_theorem(binary):
    result = subprocess.run(
        [binary, "--theorem"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )
    if result.returncode != 0:
        raise Trouble(f"{binary} does not tell its theorem: {result.stderr.strip()[-1000:]}")
    return result.stdout.splitlines()


# --- the report ---


def count_verdicts(programs):
    verdicts = [program.verdict for program in programs]
    kinds = (EQUIVALENT, IN_PART, LEAVES, AS_STATED, NOT_AS_STATED, VIOLATION)
    return {kind: verdicts.count(kind) for kind in kinds if kind in verdicts}


def row(program):
    return [program.name, program.verdict, " ".join(program.refuted) or "-", common.count(program.compared)]


def report(options, theorem, programs, total):
    say()
    for line in common.table([_HEAD] + [row(program) for program in programs], right=[3]):
        say(line)
    for program in programs:
        lines = tell(program) if program.asked or program.found else []
        if lines:
            say("\n".join(["", f"{program.name}: {program.verdict}", *lines]))
    say()
    if len(programs) < total:
        missing = amount(total - len(programs), "programs")
        say(f"not played: {missing}, since the checker ended with {programs[-1].name}")
    found = [program for program in programs if program.found]
    summary = ", ".join(f"{number} {verdict}" for verdict, number in count_verdicts(programs).items())
    say(f"{'FOUND' if found else 'OK'}: {amount(len(programs), 'programs')}: {summary}")
    data = {
        "result": "found" if found else "ok",
        "theorem": theorem,
        "counts": count_verdicts(programs),
        "not_played": total - len(programs),
        "programs": [program.as_data() for program in programs],
    }
    common.write_json(options.json, data)
    return common.EXIT_FOUND if found else common.EXIT_OK


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    common.catch_signals()
    try:
        programs = choose(options)
        binary = find_binary(options)
        theorem = check_theorem(ROOT, ask_theorem(binary))
        say(f"ci/equivalence: {amount(len(programs), 'programs')}, each in every configuration")
        played = take(programs, *run(binary, options, programs))
        return report(options, theorem, played, len(programs))
    except Interrupted as error:
        sys.stderr.write("ci/equivalence: interrupted\n")
        return common.interrupt_status(error)


if __name__ == "__main__":
    common.start("ci/equivalence", main)
