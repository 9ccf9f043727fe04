"""ci/mutants --mechanical: see ci/mutants --help."""

import hashlib
import os
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fuzzkit import build, common
from fuzzkit.common import Interrupted, Trouble, say
from mutantkit import laboratory, reasons, schemata

LIST = "tests/mutants/mechanical.txt"
LEAST_PERCENT = 95
KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


@dataclass
class Result:
    mutant: object
    outcome: object  # None: no corpus comes to its place
    reason: object  # None: it is not listed

    @property
    def state(self):
        if self.outcome and self.outcome.killed:
            return KILLED
        return EQUIVALENT if self.reason and self.reason.kind == "Equivalent" else SURVIVED

    def as_data(self):
        mutant, outcome = self.mutant, self.outcome
        return {
            "id": mutant.name,
            "key": mutant.key,
            "place": mutant.place,
            "state": self.state,
            "by": outcome.by if outcome else "",
            "target": outcome.target if outcome else "",
            "reached": outcome is not None,
            "seconds": round(outcome.seconds, 2) if outcome else 0,
            "reason": self.reason.text if self.reason else "",
        }


def parse(root, arguments):
    parser = common.Parser("ci/mutants")
    parser.add_argument("--mechanical", action="store_true")
    parser.add_argument("--sample", type=common.positive)
    parser.add_argument("--seed", type=common.natural, default=1)
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    options.root = Path(root)
    options.parser = parser
    return options


def choose(options, mutants):
    """Those that --only names (an id, or the beginning of a place), and a sample of them that a change elsewhere in
    the sources does not change."""
    chosen = mutants
    if options.only is not None:
        wanted = [word for word in options.only.split(",") if word]
        for word in wanted:
            if not any(is_named(mutant, word) for mutant in mutants):
                options.parser.error(f"there is no mutant '{word}' (--list prints them)")
        chosen = [mutant for mutant in mutants if any(is_named(mutant, word) for word in wanted)]
    if options.sample is not None:
        ranked = sorted(chosen, key=lambda mutant: hashlib.sha256(f"{options.seed} {mutant.key}".encode()).digest())
        kept = {mutant.key for mutant in ranked[: options.sample]}
        chosen = [mutant for mutant in chosen if mutant.key in kept]
    if not chosen:
        # Nothing killed is not everything killed.
        raise Trouble("there are no mutants")
    return chosen


def is_named(mutant, word):
    return mutant.name == word or mutant.place == word or mutant.place.startswith(f"{word}:")


def load_reasons(options, mutants):
    """The listed reasons by key, and the complaints about entries that describe no mutant."""
    path = options.root / LIST
    listed = reasons.parse(path.read_text() if path.exists() else "", LIST)
    known = {mutant.key for mutant in mutants}
    lost = [(reason.line, key) for key, reason in listed.items() if key not in known]
    return listed, [f"{LIST}:{line}: there is no such mutant: {key}" for line, key in lost]


def complaints(results):
    """What the list says of these mutants and is not so."""
    found = []
    for result in results:
        if result.state == KILLED and result.reason:
            found.append(
                f"{LIST}:{result.reason.line}: it is killed ({result.outcome.by} in {result.outcome.target}): "
                f"{result.mutant.key}"
            )
    return found


def by_operator(results):
    """A table."""
    head = ["operator", "mutants", "killed", "equivalent", "survived"]
    rows = [head]
    operators = sorted({result.mutant.operator for result in results})
    for operator in [*operators, "all"]:
        states = Counter(result.state for result in results if operator in (result.mutant.operator, "all"))
        numbers = [states.total(), states[KILLED], states[EQUIVALENT], states[SURVIVED]]
        rows.append([operator, *map(common.count, numbers)])
    return common.table(rows, right=(1, 2, 3, 4))


def by_killer(results):
    killers = Counter(result.outcome.by.split(":")[0] for result in results if result.state == KILLED)
    words = ", ".join(f"{name} {number}" for name, number in killers.most_common())
    return f"killed by: {words}" if words else "nothing was killed"


def print_survivors(results):
    survivors = [result for result in results if result.state == SURVIVED]
    if survivors:
        say("\nSurvivors:")
    for result in survivors:
        say(f"  {result.mutant.name}  {result.mutant.place}{'' if result.outcome else '  (no corpus comes to it)'}")
        say(f"           {result.mutant.key}")
        say(f"           {result.reason.text if result.reason else f'NOT LISTED in {LIST}'}")


def report(options, total, results, stale, interrupted, seconds):
    """Prints the tables and the verdict; returns the exit status."""
    say()
    for line in by_operator(results):
        say(line)
    say(by_killer(results))
    print_survivors(results)
    wrong = stale + complaints(results)
    for line in wrong:
        say(f"\nERROR: {line}")
    for source in options.left_out:
        say(f"\n{source}: no mutants; the simulated kernel has nothing for it")
    states = Counter(result.state for result in results)
    unlisted = sum(result.state == SURVIVED and not result.reason for result in results)
    relevant = states[KILLED] + states[SURVIVED]
    percent = 100 * states[KILLED] / relevant if relevant else 100
    if interrupted:
        status, word = common.interrupt_status(interrupted), "INTERRUPTED"
    else:
        status = common.EXIT_FOUND if percent < LEAST_PERCENT or wrong or unlisted else common.EXIT_OK
        word = "FAILED" if status else "OK"
    sample = "all" if len(results) == total else f"{len(results)} of {total}, seed {options.seed}"
    say(
        f"\n{word}: {states[KILLED]} of {relevant} mutants that are not equivalent killed, {percent:.1f} % "
        f"(at least {LEAST_PERCENT}); {states[EQUIVALENT]} equivalent; {states[SURVIVED]} survived, {unlisted} of them "
        f"not listed; {len(wrong)} mistakes in the list ({sample}; {seconds:.0f} s)"
    )
    data = {
        "verdict": word.lower(),
        "exit": status,
        "seed": options.seed,
        "all": total,
        "run": len(results),
        "killed": states[KILLED],
        "equivalent": states[EQUIVALENT],
        "survived": states[SURVIVED],
        "percent": round(percent, 2),
        "seconds": round(seconds, 1),
        "complaints": wrong,
        "left_out": options.left_out,
        "mutants": [result.as_data() for result in results],
    }
    common.write_json(options.json, data)
    return status


def run(options, mutants, chosen):
    listed, stale = load_reasons(options, mutants)
    scratch = tempfile.mkdtemp(prefix="ioatom-mutants.")
    results, interrupted, start = [], None, time.monotonic()
    try:
        say(f"building one library with {len(mutants)} mutants in it")
        place = laboratory.Laboratory(options.root, scratch, options.jobs, mutants)
        place.build()
        same = place.check_same()
        say(f"  control: with no mutant the compiler makes the same of {same} files as without mutants")
        place.check_control()
        say(f"replaying the corpora on {len(chosen)} of them, {options.jobs} at a time")

        def told(mutant, outcome):
            results.append(Result(mutant, outcome, listed.get(mutant.key)))

        place.examine(chosen, told)
    except Interrupted as error:
        interrupted = error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    results.sort(key=lambda result: result.mutant.number)
    return report(options, len(mutants), results, stale, interrupted, time.monotonic() - start)


def main(root, arguments):
    options = parse(root, arguments)
    if options.check_arguments:
        return common.EXIT_OK
    common.catch_signals()
    compiler, _, _ = build.find_clang()
    mutants, options.left_out = schemata.find(compiler, options.root)
    chosen = choose(options, mutants)
    if options.list:
        say("\n".join(f"{mutant.name}  {mutant.place}  {mutant.words}" for mutant in chosen))
        return common.EXIT_OK
    return run(options, mutants, chosen)
