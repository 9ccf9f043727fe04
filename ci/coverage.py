"""ci/coverage without its front: see ci/coverage --help."""

import argparse
import math
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coveragekit import export, measure, reasons
from coveragekit.export import BRANCHES, LINES, MEASURES, Ratio
from fuzzkit import build, common
from fuzzkit.common import Interrupted, Trouble, say

ROOT = Path(__file__).resolve().parent.parent
JUDGED = ["lib/core", "lib/backends"]
LAST = "lib/sim"  # a kernel to test on, apart from the library
MINIMUM = 98.0


def folders_of(root):
    """The folders with C files of the library, in the order of the table. include/ has nothing to execute."""
    files = [path for path in (root / "lib").glob("*/*.[ch]") if path.parent.name not in ("include", "examples")]
    names = sorted({path.parent.relative_to(root).as_posix() for path in files}, key=lambda name: (name == LAST, name))
    return JUDGED + [name for name in names if name not in JUDGED]


FOLDERS = folders_of(ROOT)


def percentage(text):
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 100")
    return number


def output_folder(text):
    path = Path(text).absolute()
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{path.parent}'")
    return path


def parse(arguments):
    parser = common.Parser("ci/coverage")
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--minimum", type=percentage)
    parser.add_argument("--html", type=output_folder)
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    known = build.targets(ROOT)
    for target in options.target:
        if target not in known:
            parser.error(f"unknown target '{target}'; there are: {', '.join(known)}")
    options.targets = [target for target in known if target in (options.target or known)]
    options.all = options.targets == known
    if options.minimum is None:
        options.minimum = MINIMUM if options.all else 0.0
    return options


def name_of(filename):
    """Of a file of the library, relative to the tree; None for any other."""
    path = Path(os.path.normpath(ROOT / filename))
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
    return name if name.startswith(tuple(folder + "/" for folder in FOLDERS)) else None


def not_compiled(sources):
    """A file that is not compiled has no branch that is not covered, and must not look good for that."""
    places = []
    for folder in JUDGED:
        files = sorted((ROOT / folder).rglob("*.c"))
        if not files:
            raise Trouble(f"there is no C file in {folder}")
        for path in files:
            name = str(path.relative_to(ROOT))
            if name not in sources or not sources[name].regions:
                places.append(export.Place(name, 1, 1, export.FILE, "(file)", "all of it"))
    return places


@dataclass
class Result:
    """What was measured, and what is missing."""

    minimum: float
    judged_reasons: bool  # not for some of the targets only: the others may cover what has no reason
    replays: list
    rows: list = field(default_factory=list)  # (file or folder, {measure: Ratio}), a folder after its files
    folders: dict = field(default_factory=dict)  # {folder: {measure: Ratio}}
    places: list = field(default_factory=list)
    why: dict = field(default_factory=dict)
    missing: list = field(default_factory=list)
    stale: list = field(default_factory=list)

    def count(self, sources):
        for folder in FOLDERS:
            total = {name: Ratio() for name in MEASURES}
            for name, source in sorted(sources.items()):
                if name.startswith(folder + "/"):
                    ratios = source.ratios()
                    self.rows.append((name, ratios))
                    for measure_name, ratio in ratios.items():
                        total[measure_name].add(ratio)
            self.folders[folder] = total
            if total[LINES].total or folder in JUDGED:
                self.rows.append((folder, total))

    def explain(self, sources, text):
        for name, source in sorted(sources.items()):
            if name.startswith(tuple(folder + "/" for folder in JUDGED)):
                self.places += source.uncovered()
        self.why, self.missing, self.stale = reasons.match(self.places, reasons.read(text))

    @property
    def below(self):
        """The judged folders with too little of their branches covered."""
        return [folder for folder in JUDGED if (self.folders[folder][BRANCHES].percent or 0) < self.minimum]

    @property
    def failed(self):
        return bool(self.below or (self.judged_reasons and (self.missing or self.stale)))

    def as_data(self):
        rows = [
            {"name": name, **{measure_name: asdict(ratio) for measure_name, ratio in ratios.items()}}
            for name, ratios in self.rows
        ]
        return {
            "minimum": self.minimum,
            "targets": [asdict(each) for each in self.replays],
            "files": [row for row in rows if row["name"] not in self.folders],
            "folders": [row for row in rows if row["name"] in self.folders],
            "uncovered": [asdict(place) | {"why": self.why.get(place.key)} for place in self.places],
            "stale": [asdict(reason) for reason in self.stale],
        }


def floor(percent):
    """Down, so that 100.0 is all of it."""
    return "-" if percent is None else f"{math.floor(10 * percent) / 10:.1f}"


def table(result):
    lines = [["file", *[cell for name in MEASURES for cell in (name.replace("mcdc", "MC/DC"), "%")]]]
    for name, ratios in result.rows:
        cells = [name + "/" if name in result.folders else "  " + name]
        for measure_name in MEASURES:
            ratio = ratios[measure_name]
            cells += [f"{ratio.covered}/{ratio.total}", floor(ratio.percent)]
        lines.append(cells)
    return common.table(lines, right=range(1, 1 + 2 * len(MEASURES)))


def report(result, html):
    say()
    for line in table(result):
        say(line)
    if result.missing:
        say(f"\nnot covered, and without a reason in {reasons.NAME}:\n")
        for line in reasons.write_like_the_file(result.missing):
            say(line)
    if result.stale and result.judged_reasons:
        say("\nreasons for what is covered, or is not there (any more):\n")
        for reason in result.stale:
            say(f"{reasons.NAME}:{reason.line}: {reason.file} {reason.function}: {reason.kind}: {reason.text}")
    say(f"\npages: {html}/index.html")
    covered = []
    for folder in JUDGED:
        ratio = result.folders[folder][BRANCHES]
        covered.append(f"{folder} {floor(ratio.percent)} %" if ratio.total else f"{folder} none")
    extent = f"{', '.join(covered)} of the branches; {len(result.places)} places not covered"
    if not result.judged_reasons:
        extent += f" by {', '.join(each.target for each in result.replays)} alone"
    else:
        extent += f", {len(result.missing)} without a reason, {len(result.stale)} reasons too many"
    if result.below:
        extent += f"; less than {result.minimum:g} % in {' and '.join(result.below)}"
    say(f"{'FAILED' if result.failed else 'OK'}: {extent}")


def run(options):
    measure.need_tools()
    work = ROOT / "fuzz" / "work" / "coverage"
    html = options.html or work / "html"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with build.lock(work / "lock", quiet=False):
            return measured(options, work, html)
    except OSError as error:
        raise Trouble(f"cannot work in fuzz/work: {error}") from error


def measured(options, work, html):
    begin = time.monotonic()
    path = ROOT / reasons.NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    reasons.read(text)  # a mistake in it is told before the work
    measure.build_targets(ROOT, work, options.targets, options.jobs)
    shutil.rmtree(work / "profiles", ignore_errors=True)
    (work / "profiles").mkdir()
    replays = []
    for target in options.targets:
        replays.append(measure.replay(work, target))
        say(f"  {target}: {common.count(replays[-1].inputs)} inputs replayed in {replays[-1].seconds:.1f} s")
    data = measure.merge(ROOT, work, options.targets)
    sources = export.read(data, ROOT, name_of)
    result = Result(options.minimum, options.all, replays, places=not_compiled(sources) if options.all else [])
    result.count(sources)
    result.explain(sources, text)
    if not options.html:
        shutil.rmtree(html, ignore_errors=True)
    measure.write_html(ROOT, work, options.targets, html, sorted(sources))
    report(result, html)
    status = common.EXIT_FOUND if result.failed else common.EXIT_OK
    word = "failed" if result.failed else "ok"
    seconds = round(time.monotonic() - begin, 1)
    common.write_json(options.json, {"verdict": word, "exit": status, "seconds": seconds, **result.as_data()})
    return status


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    if options.list:
        say("\n".join(options.targets))
        return common.EXIT_OK
    common.catch_signals()
    try:
        return run(options)
    except Interrupted as error:
        sys.stderr.write("ci/coverage: interrupted\n")
        return common.interrupt_status(error)
    except measure.ReplayFailed as failure:
        say(f"FAILED: {failure}")
        common.write_json(options.json, {"verdict": "failed", "exit": common.EXIT_FOUND, "error": str(failure)})
        return common.EXIT_FOUND


if __name__ == "__main__":
    common.start("ci/coverage", main)
