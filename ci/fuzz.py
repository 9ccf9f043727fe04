"""ci/fuzz without its front: see ci/fuzz --help."""

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit import build, common, engine, findings, plan
from fuzzkit.build import NO_CONFIG
from fuzzkit.common import Interrupted, Ticker, Trouble, count, say

ROOT = Path(__file__).resolve().parent.parent
MINIMIZED_AT_MOST = 3  # findings; each costs ten seconds
LINES_AT_MOST = 4  # of progress at a time
SMALL_TARGET = 0.5  # a target without configurations gets half the time that another has in one configuration


def parse(arguments):
    parser = common.Parser("ci/fuzz")
    parser.add_argument("--seconds", type=common.positive, default=60)
    parser.add_argument("--jobs", type=common.positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--target")
    parser.add_argument("--config")
    parser.add_argument("--seed", type=common.natural)
    parser.add_argument("--corpus", type=common.existing_folder)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--replay", type=common.existing_file)
    parser.add_argument("--json", type=common.output_file)
    parser.add_argument("--check-arguments", action="store_true")
    options = parser.parse_args(arguments)
    known = build.targets(ROOT)
    if options.target and options.target not in known:
        parser.error(f"unknown target '{options.target}'; there are: {', '.join(known)}")
    return options


def choose(options, built):
    """The (target, configuration) pairs to run."""
    pairs = []
    known = set()
    for target in [options.target] if options.target else build.targets(ROOT):
        for config in built.configurations(target):
            known.add(config)
            if options.config in (None, config):
                pairs.append((target, config))
    if not pairs:
        raise Trouble(f"unknown configuration '{options.config}'; there are: {', '.join(sorted(known))}")
    return pairs


@dataclass
class Row:
    """A target in a configuration, and what came of it."""

    target: str
    config: str
    weight: float
    folder: Path = None
    executions: int = 0
    seconds: float = 0
    edges: int = 0
    corpus: int = 0
    error: str = ""
    finding: findings.Finding = None
    engines: list = field(default_factory=list)  # those running

    @property
    def done(self):
        return bool(self.error or self.finding)

    @property
    def result(self):
        if self.finding:
            return self.finding.failure.name
        if self.error:
            return "ERROR"
        return "ok" if self.executions else "not run"

    @property
    def where(self):
        return self.target if self.config == NO_CONFIG else f"{self.target} on {self.config}"

    def now(self):
        """(executions, seconds, edges, corpus) with what is running now."""
        executions = self.executions + sum(runner.estimate() for runner in self.engines)
        seconds = self.seconds + sum(runner.seconds for runner in self.engines)
        edges = max([self.edges] + [runner.edges for runner in self.engines])
        corpus = max([self.corpus] + [runner.corpus for runner in self.engines])
        return executions, seconds, edges, corpus

    def settle(self, runner):
        """Takes over the figures of an engine that has ended."""
        self.engines.remove(runner)
        self.executions += runner.executions
        self.seconds += runner.seconds
        self.edges = max(self.edges, runner.edges)
        self.corpus = max(self.corpus, runner.corpus)

    def as_data(self):
        executions, seconds, edges, corpus = self.now()
        backend, mode = engine.split_config(self.config)
        return {
            "target": self.target,
            "config": self.config,
            "backend": backend,
            "mode": mode,
            "executions": executions,
            "seconds": round(seconds, 1),
            "executions_per_second": round(executions / seconds) if seconds else 0,
            "edges": edges,
            "corpus": corpus,
            "result": self.result,
            "error": self.error,
        }


class Worker:
    """One of the fuzzers that run at a time: its pieces, one after the other."""

    def __init__(self, campaign, pieces):
        self.campaign, self.pieces = campaign, list(pieces)
        self.row = self.engine = None
        self.limit = 0

    @property
    def active(self):
        return self.engine is not None or bool(self.pieces)

    def step(self):
        if self.engine is None:
            self._start()
        elif not self.engine.running or self.engine.seconds > self.limit:
            self._end()

    def _start(self):
        while self.pieces:
            piece = self.pieces.pop(0)
            self.row = self.campaign.rows[piece.job]
            # What earlier pieces took too long is made up for here, and what they left over is used.
            seconds = round(piece.end - self.campaign.elapsed)
            if self.row.done or (seconds < 1 and self.row.executions):
                continue
            seconds = max(1, seconds)
            self.limit = seconds + engine.TIMEOUT_SECONDS + engine.GRACE_SECONDS
            self.engine = self.campaign.launch(self.row, seconds)
            return

    def _end(self):
        stuck = self.engine.running
        self.engine.kill()
        runner, self.engine = self.engine, None
        failure, data = runner.collect()
        self.row.settle(runner)
        if self.row.done:
            return  # it was running beside the one that has already told
        if failure:
            self.campaign.found(self.row, failure, data, runner)
        elif stuck:
            self.row.error = f"it did not stop in time:\n{runner.last_words()}"
        elif runner.process.returncode != 0:
            self.row.error = f"it ended with status {runner.process.returncode}:\n{runner.last_words()}"
        elif runner.executions == 0:
            self.row.error = f"it executed nothing:\n{runner.last_words()}"
        if self.row.error:
            say(f"  ERROR: {self.row.where} failed; more at the end")


class Campaign:
    """All rows, run by the workers."""

    def __init__(self, options, built, pairs, scratch):
        self.options, self.built, self.scratch = options, built, Path(scratch)
        self.seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4)) or 1
        self.rows = [Row(target, config, SMALL_TARGET if config == NO_CONFIG else 1.0) for target, config in pairs]
        self.seconds, pieces = plan.divide([row.weight for row in self.rows], options.seconds, options.jobs)
        self.workers = [Worker(self, worker) for worker in pieces if worker]
        self.clauses = findings.specification(ROOT)
        self.workshop = findings.Workshop(ROOT, built, scratch)
        self.helper = ThreadPoolExecutor(max_workers=1)
        self.tasks = []
        self.launched = 0
        self.turn = 0
        self.seeds = {target: self._seeds(target) for target in dict.fromkeys(target for target, _ in pairs)}
        for row in self.rows:
            row.folder = self.scratch / f"{row.target}-{row.config}"
            (row.folder / "found").mkdir(parents=True)
        self.begin = time.monotonic()

    @property
    def elapsed(self):
        return time.monotonic() - self.begin

    @property
    def findings(self):
        return [row.finding for row in self.rows if row.finding]

    def _seeds(self, target):
        folder = self.scratch / "seeds" / target
        folder.mkdir(parents=True)
        self.built.unpack_seeds(target, folder)
        kept = self.options.corpus / target if self.options.corpus else None
        for path in sorted(kept.iterdir()) if kept and kept.is_dir() else []:
            if path.suffix == ".iop":
                complaint = findings.encode(self.built, path, folder / f"kept-{path.stem}")
                if complaint:
                    raise Trouble(f"{path}: {complaint}")
            elif path.is_file():
                shutil.copyfile(path, folder / f"kept-{path.name}")
        return folder

    def launch(self, row, seconds):
        self.launched += 1
        seed = (self.seed + self.launched - 1) % 2**32 or 1  # 0 means a random one
        folders = [row.folder / "found", self.seeds[row.target]]
        arguments = engine.fuzz_arguments(self.built, row.target, seconds, seed, folders)
        runner = engine.Engine(self.built, row.target, row.config, arguments, row.folder)
        row.engines.append(runner)
        return runner

    def found(self, row, failure, data, runner):
        """A violation: it is saved at once, and looked at closer beside the other fuzzers."""
        first = all(other.key != (row.target, failure.name) for other in self.findings)
        row.finding = finding = findings.Finding(row.target, row.config, failure, seconds=self.elapsed)
        say(f"  VIOLATION: {row.where}: {failure.summary}, after {self.elapsed:.0f} s")
        for other in row.engines:
            other.interrupt()
        if data is None:
            finding.notes.append("it left no input behind; its last words were:\n" + runner.last_words())
            return
        path = self.workshop.save(finding, data)
        say(f"    replay: {findings.replay_command(ROOT, finding)}  (saved {path.stat().st_size} bytes)")
        shorten = first and failure.kind != "timeout" and sum(1 for _ in self.findings) <= MINIMIZED_AT_MOST
        self.tasks.append(self.helper.submit(self._study, finding, shorten))

    def _study(self, finding, shorten):
        try:
            if self.workshop.confirm(finding) and shorten:
                self.workshop.minimize(finding)
        except Interrupted:
            finding.notes.append("interrupted before it was shortened")

    def run(self):
        ticker = Ticker()
        while any(worker.active for worker in self.workers):
            common.stop_if_asked()
            for worker in self.workers:
                worker.step()
            if ticker.due():
                self._progress()
            time.sleep(0.05)
        while any(not task.done() for task in self.tasks):
            common.stop_if_asked()
            if ticker.due():
                say("  looking closer at what was found")
            time.sleep(0.05)
        for task in self.tasks:
            task.result()
        for row in self.rows:
            if not row.done and row.executions == 0:
                row.error = "it executed nothing"

    def _progress(self):
        running = [row for row in self.rows if row.engines]
        left = max(0, self.seconds - self.elapsed)
        # With many at a time they take turns.
        shown = [running[(self.turn + n) % len(running)] for n in range(min(LINES_AT_MOST, len(running)))]
        self.turn += len(shown)
        for row in shown:
            executions, seconds, edges, _ = row.now()
            backend, mode = engine.split_config(row.config)
            say(
                f"  {row.target} {backend:6} {mode:5}  ~{count(executions):>9} executions  "
                f"{count(round(executions / seconds)):>6}/s  {count(edges):>5} edges; {left:.0f} s left"
            )

    def _keep_corpus(self):
        if not self.options.corpus:
            return
        for row in self.rows:
            folder = self.options.corpus / row.target
            folder.mkdir(exist_ok=True)
            for path in (row.folder / "found").iterdir():
                shutil.copyfile(path, folder / path.name)

    def stop(self):
        """Ends what still runs (after an interruption), with its last figures if it tells them quickly."""
        self.workshop.close()
        runners = [runner for row in self.rows for runner in row.engines]
        for runner in runners:
            runner.interrupt()
        deadline = time.monotonic() + 2
        while any(runner.running for runner in runners) and time.monotonic() < deadline:
            time.sleep(0.02)
        for row in self.rows:
            for runner in list(row.engines):
                runner.kill()
                runner.collect()
                row.settle(runner)
        self.helper.shutdown(wait=True, cancel_futures=True)
        self._keep_corpus()

    def table(self):
        head = ["target", "backend", "mode", "executions", "exec/s", "edges", "corpus", "result"]
        lines = [head]
        datas = [row.as_data() for row in self.rows]
        for data in datas:
            figures = [data[name] for name in ("executions", "executions_per_second", "edges", "corpus")]
            lines.append([data["target"], data["backend"], data["mode"], *map(count, figures), data["result"]])
        executions, seconds = self.totals()
        rate = executions / seconds if seconds else 0
        lines.append(["total", "", "", count(executions), count(round(rate)), "", "", ""])
        return common.table(lines, right=(3, 4, 5, 6))

    def totals(self):
        """(executions, processor seconds)"""
        return sum(row.now()[0] for row in self.rows), sum(row.now()[1] for row in self.rows)


def report(campaign, interrupted):
    """Prints table, findings and verdict; returns (exit status, verdict's word)."""
    say()
    for line in campaign.table():
        say(line)
    told = {}
    for finding in campaign.findings:
        if finding.key in told:
            told[finding.key].append(finding)
            continue
        told[finding.key] = [finding]
        for line in findings.describe(ROOT, finding, campaign.clauses):
            say(line)
    for row in campaign.rows:
        if row.error:
            say(f"\nERROR: {row.where}: {row.error}")
    for first, *others in told.values():
        if others:
            say()
        for other in others:
            where = findings.replay_command(ROOT, other) if other.reproducer else "no reproducer"
            say(f"{first.failure.name} on {other.config}, too: {where}")
    say()
    executions, _ = campaign.totals()
    targets = len({row.target for row in campaign.rows})
    configs = len({row.config for row in campaign.rows} - {NO_CONFIG})
    extent = f"{count(executions)} executions, {targets} target(s), {configs} configuration(s), {campaign.elapsed:.0f} s"
    errors = [row for row in campaign.rows if row.error]
    if campaign.findings:
        names = sorted({finding.failure.name for finding in campaign.findings})
        say(f"VIOLATION: {', '.join(names)} ({extent}, seed {campaign.seed})")
        status, word = common.EXIT_FOUND, "violation"
    elif errors and not interrupted:
        say(f"ERROR: {len(errors)} of {len(campaign.rows)} jobs did not work ({extent})")
        status, word = common.EXIT_ERROR, "error"
    elif not interrupted:
        say(f"OK: no violation ({extent}, seed {campaign.seed})")
        status, word = common.EXIT_OK, "ok"
    if interrupted:
        say(f"INTERRUPTED: not all was run ({extent})")
        status, word = common.interrupt_status(interrupted), "interrupted"
    return status, word


def fuzz(options, built, scratch):
    pairs = choose(options, built)
    campaign = Campaign(options, built, pairs, scratch)
    if campaign.seconds > options.seconds:
        say(f"{options.seconds} s are too short for {len(pairs)} jobs; it takes {campaign.seconds} s")
    at_a_time = min(options.jobs, len(campaign.workers))
    say(f"fuzzing: {len(pairs)} jobs, {at_a_time} at a time, {campaign.seconds} s, seed {campaign.seed}")
    interrupted = None
    try:
        campaign.run()
    except Interrupted as error:
        interrupted = error
    finally:
        campaign.stop()
    status, word = report(campaign, interrupted)
    executions, seconds = campaign.totals()
    data = {
        "verdict": word,
        "exit": status,
        "seconds": round(campaign.elapsed, 1),
        "jobs": options.jobs,
        "seed": campaign.seed,
        "rows": [row.as_data() for row in campaign.rows],
        "totals": {"executions": executions, "processor_seconds": round(seconds, 1)},
        "findings": [findings.as_data(ROOT, finding, campaign.clauses) for finding in campaign.findings],
    }
    common.write_json(options.json, data)
    return status


def replay_target(options):
    """--target, or a target whose name the file's name begins with, or the primary one."""
    known = build.targets(ROOT)
    if options.target:
        return options.target
    for target in known:
        if options.replay.name.startswith(target):
            return target
    if options.replay.parent.name in known:  # fuzz/corpus/TARGET/x.iop
        return options.replay.parent.name
    return known[0]


def still_running(config):
    ticker = Ticker()

    def poll():
        common.stop_if_asked()
        if ticker.due():
            say(f"  {config}: still running")

    return poll


def replay(options, built, scratch):
    options.target = replay_target(options)
    path = options.replay
    if path.suffix == ".iop":
        path = Path(scratch) / "input"
        complaint = findings.encode(built, options.replay, path)
        if complaint:
            raise Trouble(f"{options.replay.name} is not a program: {complaint}")
    clauses = findings.specification(ROOT)
    rows, found, errors, told = [], [], [], set()
    for target, config in choose(options, built):
        result = engine.replay_file(built, target, config, path, scratch, still_running(config))
        name = result.failure.name if result.failure else "ERROR" if result.error else "ok"
        say(f"{target}  {'' if config == NO_CONFIG else config:13} {result.seconds:5.2f} s  {name}")
        rows.append({"target": target, "config": config, "result": name, "error": result.error})
        if result.failure:
            found.append(findings.Finding(target, config, result.failure, path.read_bytes(), result.seconds))
        elif result.error:
            errors.append(f"{config}: {result.error}")
    for finding in found:
        if not finding.failure.program and findings.has_text_form(ROOT, finding.target):
            finding.failure.program = findings.decode(built, path)
        # The same failure with the same explanation needs no second telling.
        if (finding.key, tuple(finding.failure.explanation)) not in told:
            told.add((finding.key, tuple(finding.failure.explanation)))
            say("\n".join(findings.describe(ROOT, finding, clauses)))
    for error in errors:
        say(f"\nERROR: {error}")
    status = common.EXIT_FOUND if found else common.EXIT_ERROR if errors else common.EXIT_OK
    word = ["ok", "violation", "error"][status]
    say(f"\n{word.upper()}: {options.replay.name}: {len(found)} of {len(rows)} configuration(s) failed")
    data = {"verdict": word, "exit": status, "rows": rows}
    data["findings"] = [findings.as_data(ROOT, finding, clauses) for finding in found]
    common.write_json(options.json, data)
    return status


def main(arguments):
    options = parse(arguments)
    if options.check_arguments:
        return common.EXIT_OK
    common.catch_signals()
    scratch = None
    try:
        built = build.ensure(ROOT, options.jobs)
        scratch = tempfile.mkdtemp(prefix="ioatom-fuzz.")
        if options.list:
            for target, config in choose(options, built):
                say(target if config == NO_CONFIG else f"{target}  {config}")
            return common.EXIT_OK
        return (replay if options.replay else fuzz)(options, built, scratch)
    except Interrupted as error:
        sys.stderr.write("ci/fuzz: interrupted\n")
        return common.interrupt_status(error)
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    common.start("ci/fuzz", main)
