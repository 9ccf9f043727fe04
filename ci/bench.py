"""ci/bench without its front: see ci/bench --help."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Interrupted, Trouble, say

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ("core", "backends", "os", "poller", "io", "codec", "timer", "audit")
FLAGS = ("-O2", "-std=c11", "-Ilib/include", "-iquote", ".")
# libev has functions of libevent's names for those who want to change over: libevent's own come first.
PEERS = ("-levent_core", "-lev")
HEAD = ("group", "size", "contestant", "ns", "ratio", "least", "greatest")


def parse(arguments):
    parser = common.Parser("ci/bench")
    parser.add_argument("--group")
    parser.add_argument("--rounds", type=common.positive, default=15)
    parser.add_argument("--operations", type=common.positive)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    return parser.parse_args(arguments)


def build(scratch):
    compiler = os.environ.get("CC", "gcc")
    program = scratch / "bench"
    sources = sorted(ROOT.glob("tests/bench/*.c"))
    for folder in LIBRARY:
        sources += sorted((ROOT / "lib" / folder).glob("**/*.c"))
    command = [compiler, *FLAGS, *(str(path.relative_to(ROOT)) for path in sources), *PEERS, "-o", str(program)]
    say(f"building ({compiler} -O2)")
    log = scratch / "build.log"
    try:
        with log.open("w") as file:
            process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
    except OSError as error:
        raise Trouble(f"{compiler} does not start: {error}") from error
    common.attend(process, lambda seconds: f"  building: {seconds:.0f} s")
    if process.returncode != 0:
        raise Trouble(f"the benchmark cannot be built (are libev-dev and libevent-dev there?):\n{log.read_text()[-3000:]}")
    return program


def run(options, program, scratch):
    """What the program measured: ratios need the rounds, so the lines stand in the order of the rounds."""
    command = [str(program), "--rounds", str(options.rounds)]
    command += ["--group", options.group] if options.group else []
    command += ["--operations", str(options.operations)] if options.operations else []
    out, err = scratch / "out", scratch / "err"
    with out.open("w") as file, err.open("w") as errors:
        process = subprocess.Popen(command, stdout=file, stderr=errors, start_new_session=True)
    common.attend(process, lambda seconds: f"  measuring: {seconds:.0f} s, {progress(out)}")
    if process.returncode != 0:
        raise Trouble(err.read_text().strip() or f"the benchmark ended with status {process.returncode}")
    say(err.read_text().replace("bench: ", "").strip())
    return [line.split("\t") for line in out.read_text().splitlines()]


def progress(out):
    lines = out.read_text().splitlines()
    return f"{len(lines)} measurements" + (f", {' '.join(lines[-1].split(chr(9))[:2])}" if lines else "")


def rows_of(measurements):
    """A row for each contestant: the rounds of all of them, put beside those of the group's first."""
    times = {}
    for group, size, number, contestant, ns in measurements:
        times.setdefault((group, int(size)), {}).setdefault((int(number), contestant), []).append(float(ns))
    rows = []
    for (group, size), contestants in times.items():
        base = contestants[min(contestants)]
        for (_, name), mine in sorted(contestants.items()):
            ratios = [one / other for one, other in zip(mine, base)]
            rows.append(
                {
                    "group": group,
                    "size": size,
                    "contestant": name,
                    "ns": statistics.median(mine),
                    "ratio": statistics.median(ratios),
                    "least": min(ratios),
                    "greatest": max(ratios),
                }
            )
    return rows


def report(options, rows):
    lines = [HEAD]
    for row in rows:
        figures = [f"{row[name]:.2f}" for name in HEAD[4:]]
        lines.append((row["group"], common.count(row["size"]), row["contestant"], f"{row['ns']:.1f}", *figures))
    say()
    for line in common.table(lines, right=(1, 3, 4, 5, 6)):
        say(line)
    common.write_json(options.json, {"rounds": options.rounds, "rows": rows})


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    common.catch_signals()
    scratch = Path(tempfile.mkdtemp(prefix="ioatom-bench."))
    try:
        program = build(scratch)
        if options.list:
            say(subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.strip())
            return common.EXIT_OK
        report(options, rows_of(run(options, program, scratch)))
        return common.EXIT_OK
    except Interrupted as error:
        sys.stderr.write("ci/bench: interrupted\n")
        return common.interrupt_status(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    common.start("ci/bench", main)
