"""ci/prove without its front: see ci/prove --help."""

import os
import shutil
import tempfile
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Interrupted, say
from provekit import cache, contracts, mutant_file, mutants, proofs, tools
from provekit.engine import Engine, Settings
from provekit.units import load_units

VERSIONS = "proofs/VERSIONS"
DEFAULT_SECONDS = 10
MODES = ("--mutants", "--contract-mutants")


def parser():
    made = common.Parser("ci/prove")
    made.add_argument("names", nargs="*")
    made.add_argument("--unit")
    made.add_argument("--function")
    made.add_argument("--timeout", type=common.positive, default=DEFAULT_SECONDS)
    made.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    made.add_argument("--root", type=common.existing_folder, default=Path(__file__).resolve().parent.parent)
    made.add_argument("--json", type=common.output_file)
    flags = "--smoke --replay --no-cache --update-cache --update-golden --update-versions --list --check-arguments"
    for flag in flags.split() + list(MODES):
        made.add_argument(flag, action="store_true")
    return made


def parse(arguments):
    made = parser()
    options = made.parse_args(arguments)
    special = options.mutants or options.contract_mutants
    if options.names and not special:
        made.error(f"unknown option or argument: {options.names[0]}")
    if options.mutants and options.contract_mutants:
        made.error("--mutants and --contract-mutants are two runs")
    if options.replay and (options.no_cache or options.update_cache):
        made.error("--replay neither makes a cache nor works without")
    if special and (options.unit or options.function or options.smoke or options.update_golden):
        made.error("mutants are named; --unit, --function, --smoke and --update-golden are for proofs")
    if options.function and options.update_golden:
        made.error("the golden list is written for whole units: without --function")
    options.units = load_units(options.root)
    if options.unit is not None and options.unit not in [unit.path for unit in options.units]:
        made.error(f"there is no unit '{options.unit}' in proofs/wp/units.bzl")
    if options.mutants:
        options.mutants_chosen = mutant_file.choose(options, made.error)
    if options.contract_mutants:
        options.contracts_chosen = contracts.choose(options, made.error)
    return options


def check_versions(options, found):
    """Lines that say what is not as recorded."""
    path = options.root / VERSIONS
    recorded = tools.read_versions(path)
    if options.update_versions:
        tools.write_versions(path, recorded, found)
        say(f"{VERSIONS} is written")
        return []
    lines = tools.compare_versions(recorded, found)
    return [f"{VERSIONS}: {line} (ci/prove --update-versions records it)" for line in lines]


def prove(options, engine, problems):
    """Returns the exit status."""
    run = proofs.Proofs(options, engine)
    run.problems += problems
    interrupted = run.run()
    if interrupted:
        say("\n" + "\n".join(proofs.table(run)))
        say(f"INTERRUPTED after {engine.elapsed:.0f} s")
        write_json(options, engine, common.interrupt_status(interrupted), proofs.data(run), [])
        return common.interrupt_status(interrupted)
    run.judge()
    say("\n" + "\n".join(proofs.table(run)))
    tell_elsewhere(run)
    if run.problems:
        say("\n" + "\n".join(run.problems))
    say()
    if options.update_cache:
        run.update_cache(not run.problems)
    if options.update_golden:
        if run.problems:
            say("the golden list stays as it is")
        else:
            run.update_golden()
    goals = [goal for block in run.blocks for result in block.results for goal in result.goals]
    done = [goal for goal in goals if not goal.smoke]
    smokes = [goal for goal in goals if goal.smoke]
    told = f"{sum(goal.proved for goal in done)} of {len(done)} goals proved"
    told += f", {sum(goal.proved for goal in smokes)} of {len(smokes)} smoke tests passed" if smokes else ""
    told += f", {sum(goal.cached for goal in goals)} from the cache, {engine.elapsed:.0f} s"
    status = common.EXIT_FOUND if run.problems else common.EXIT_OK
    say(f"{'FAILED' if run.problems else 'OK'}: {told}")
    write_json(options, engine, status, proofs.data(run), run.problems)
    return status


def tell_elsewhere(run):
    """Nothing is passed over in silence."""
    proved = {name for block in run.blocks for name in block.functions}
    proved |= set(proofs.golden.owners(run.golden))
    assumed = sorted({name for block in run.blocks for name in block.survey.uses} - proved)
    if assumed:
        say(f"\nContracts that no unit proves: {', '.join(assumed)}")
    for block in run.blocks if not run.partial else []:
        for name, owner in sorted(block.elsewhere.items()):
            say(f"{block.unit.path}: {name} of a header is proved with {owner}")


def write_json(options, engine, status, units, problems):
    verdict = {common.EXIT_OK: "ok", common.EXIT_FOUND: "failed"}.get(status, "interrupted")
    facts = {"verdict": verdict, "exit": status, "versions": engine.tools.versions}
    common.write_json(options.json, {**facts, "problems": problems, "units": units})


def print_list(options):
    if options.mutants:
        say("\n".join(mutant_file.listing(options.mutants_chosen)))
        return common.EXIT_OK
    if options.contract_mutants:
        say("\n".join(contracts.listing(options.contracts_chosen)))
        return common.EXIT_OK
    listed = proofs.golden.read(options.root / proofs.golden.GOLDEN)
    rows = [["unit", "", "function", "goals"]]
    for unit in options.units:
        state = "proved" if unit.proved else "open"
        found = [(name, count) for (path, name), count in proofs.golden.weights(listed).items() if path == unit.path]
        rows += [[unit.path, state, name, str(count)] for name, count in found or [("(not in the golden list)", "")]]
    say("\n".join(common.table(rows, right=(3,))))
    return common.EXIT_OK


def run(options):
    base = tempfile.gettempdir()
    scratch = tempfile.mkdtemp(prefix="ioatom-prove.", dir=base if len(base) < tools.SOCKET_ROOM else "/tmp")
    try:
        found = tools.find_versions()
        set_up = tools.set_up(scratch, found)
        problems = check_versions(options, found)
        special = options.mutants or options.contract_mutants
        smoke = not special and (options.smoke or not (options.unit or options.function))
        settings = Settings(options.timeout, options.jobs, options.replay, smoke)
        answers = {} if options.no_cache else cache.read(options.root / cache.CACHE)
        engine = Engine(options.root, set_up, settings, answers)
        if options.mutants:
            return mutants.run(options, engine, problems)
        if options.contract_mutants:
            return contracts.run(options, engine, problems)
        return prove(options, engine, problems)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    if options.list:
        return print_list(options)
    common.catch_signals()
    try:
        return run(options)
    except Interrupted as error:
        say("INTERRUPTED")
        return common.interrupt_status(error)


if __name__ == "__main__":
    common.start("ci/prove", main)
