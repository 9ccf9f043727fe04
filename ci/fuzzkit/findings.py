"""What to do with an input that fails: shorten it, save it, tell of it."""

import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit import engine
from fuzzkit.build import NO_CONFIG
from fuzzkit.common import Interrupted

MINIMIZE_SECONDS = 10
REPLAYS = 3

_CLAUSE = re.compile(r"- \*\*(IO-[A-Z]+-[0-9]+)\*\* (?:MUST|MAY): (.*)")


def specification(root):
    """The clauses' sentences by id, from lib/SPEC.md."""
    path = root / "lib" / "SPEC.md"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(match.groups() for match in map(_CLAUSE.match, lines) if match)


@dataclass
class Finding:
    target: str
    config: str
    failure: engine.Failure
    data: bytes = None  # None: it failed without having been given an input
    seconds: float = 0
    reproducer: Path = None
    text: Path = None
    replays: str = ""  # how often the reproducer failed again
    notes: list = field(default_factory=list)

    @property
    def key(self):
        return self.target, self.failure.name


def has_text_form(root, target):
    return target == "dispatch_fuzzer" or any((root / "fuzz" / "corpus" / target).glob("*.iop"))


def decode(built, path):
    """The program in a file of bytes, as lines of text; empty if there is no tool or no program."""
    try:
        result = subprocess.run(
            [built.iop, "decode", path], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return result.stdout.splitlines() if result.returncode == 0 else []


def encode(built, source, destination):
    """Text to bytes. Returns the tool's complaint, or an empty string."""
    try:
        result = subprocess.run(
            [built.iop, "encode", source, destination],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if result.returncode == 0 else (result.stderr.strip() or "iop encode failed")


class Workshop:
    """Works on findings: in a thread of its own, while the fuzzers go on."""

    def __init__(self, root, built, scratch):
        self.root, self.built, self.scratch = root, built, Path(scratch)
        self.folder = root / "fuzz" / "findings"
        self.closed = False

    def close(self):
        """Stops what runs here soon; to be called from another thread."""
        self.closed = True

    def _poll(self):
        if self.closed:
            raise Interrupted(0)

    def save(self, finding, data):
        """Saves the bytes and, if there is one, the text form. Returns the path of the bytes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{finding.target}-{finding.config}-{hashlib.sha256(data).hexdigest()[:12]}"
        path = self.folder / f"{name}.bin"
        path.write_bytes(data)
        lines = decode(self.built, path) if has_text_form(self.root, finding.target) else []
        if lines:
            text = path.with_suffix(".iop")
            text.write_text("\n".join(lines) + "\n")
            finding.text = text
            finding.failure.program = finding.failure.program or lines
        finding.reproducer, finding.data = path, data
        return path

    def _fails_alike(self, finding, data, symbols=False):
        """The Failure of the bytes if it is the finding's, else None. Symbols take most of the time of a failing run."""
        with tempfile.NamedTemporaryFile(dir=self.scratch) as file:
            file.write(data)
            file.flush()
            arguments = [f"-timeout={engine.TIMEOUT_SECONDS}", file.name]
            runner = engine.Engine(self.built, finding.target, finding.config, arguments, self.scratch, symbols)
            result, _ = engine.run_to_end(runner, engine.TIMEOUT_SECONDS + engine.GRACE_SECONDS, self._poll)
        if result.failure and result.failure.name == finding.failure.name:
            return result.failure
        return None

    def confirm(self, finding):
        """Runs the reproducer a few times; a failure that comes and goes must be called that."""
        if finding.failure.kind == "timeout":
            finding.replays = "not replayed: it hangs"
            return True
        failed = 0
        for _ in range(REPLAYS):
            failed += self._fails_alike(finding, finding.data) is not None
        finding.replays = f"{failed} of {REPLAYS} replays failed alike"
        return failed == REPLAYS

    def minimize(self, finding):
        """libFuzzer's -minimize_crash for a few seconds, then lines left out. Saves the shorter one beside the first."""
        end = time.monotonic() + MINIMIZE_SECONDS
        best, failure = finding.data, None
        for method, until in ((self._minimize_bytes, end - MINIMIZE_SECONDS / 2), (self._minimize_lines, end)):
            shorter = method(finding, best, until)
            if shorter:
                best = shorter
        if best != finding.data:
            failure = self._fails_alike(finding, best, symbols=True)
        if failure:
            finding.failure = failure
            finding.notes.append(f"shortened from {finding.reproducer.relative_to(self.root)}")
            self.save(finding, best)

    def _minimize_bytes(self, finding, data, end):
        folder = Path(tempfile.mkdtemp(prefix="minimize.", dir=self.scratch))
        source = folder / "input"
        source.write_bytes(data)
        arguments = ["-minimize_crash=1", "-timeout=5", "-max_total_time=2", "-seed=1", str(source)]
        runner = engine.Engine(self.built, finding.target, finding.config, arguments, folder)
        # libFuzzer applies the time to each of its steps; the end of the whole is up to us.
        try:
            while runner.running and time.monotonic() < end:
                self._poll()
                time.sleep(0.05)
        finally:
            runner.kill()
        shorter = [path.read_bytes() for path in runner.artifacts.iterdir()]
        shutil.rmtree(folder, ignore_errors=True)
        for candidate in sorted(shorter, key=len):
            if len(candidate) >= len(data):
                break
            if self._fails_alike(finding, candidate):
                return candidate
        return None

    def _minimize_lines(self, finding, data, end):
        """Leaves out lines of the text form, as long as the same clause is violated."""
        if not has_text_form(self.root, finding.target):
            return None
        source, binary = self.scratch / "shorter.iop", self.scratch / "shorter.bin"
        binary.write_bytes(data)
        lines = decode(self.built, binary)
        best, size = None, max(1, len(lines) // 2)
        while size and time.monotonic() < end:
            start = 0
            while start < len(lines) and time.monotonic() < end:
                fewer = lines[:start] + lines[start + size :]
                source.write_text("\n".join(fewer) + "\n")
                alike = fewer and not encode(self.built, source, binary)
                if alike and self._fails_alike(finding, binary.read_bytes()):
                    lines, best = fewer, binary.read_bytes()
                else:
                    start += size
            size //= 2
        return best


def sentences(clause, clauses):
    """The clause ids (several may be joined by commas), each with its sentence."""
    return [(name, clauses.get(name, "(no such clause in lib/SPEC.md)")) for name in clause.split(",")]


def _input_lines(finding):
    if finding.failure.program:
        return ["The program:"] + ["    " + line for line in finding.failure.program]
    if finding.data is None:
        return ["It failed without an input."]
    shown = finding.data[:200]
    more = "" if len(finding.data) <= len(shown) else f" ... ({len(finding.data)} bytes)"
    return [f"The input: {shown!r}{more}"]


def replay_command(root, finding):
    path = finding.reproducer.relative_to(root)
    config = "" if finding.config == NO_CONFIG else f" --config {finding.config}"
    return f"ci/fuzz --replay {path}{config}"


def describe(root, finding, clauses):
    """The report for people."""
    failure = finding.failure
    where = finding.target + ("" if finding.config == NO_CONFIG else f" on {finding.config}")
    lines = ["", f"VIOLATION in {where}: {failure.summary}"]
    for name, sentence in sentences(failure.clause, clauses) if failure.clause else []:
        lines.append(f"  {name}: {sentence}")
    lines += ["  " + line for line in failure.explanation if line.strip()]
    lines += ["  " + line for line in _input_lines(finding)]
    if finding.reproducer:
        lines.append(f"  saved in {finding.reproducer.relative_to(root)}" + (", .iop" if finding.text else ""))
        lines += ["  " + note for note in finding.notes + [finding.replays] if note]
        lines.append(f"  replay: {replay_command(root, finding)}")
    return lines


def as_data(root, finding, clauses):
    """The report for machines."""
    failure = finding.failure
    return {
        "target": finding.target,
        "config": finding.config,
        "kind": failure.kind,
        "clauses": [
            {"id": name, "sentence": text} for name, text in (sentences(failure.clause, clauses) if failure.clause else [])
        ],
        "summary": failure.summary,
        "explanation": failure.explanation,
        "program": failure.program,
        "seconds": round(finding.seconds, 1),
        "reproducer": str(finding.reproducer.relative_to(root)) if finding.reproducer else None,
        "text": str(finding.text.relative_to(root)) if finding.text else None,
        "replays": finding.replays,
        "replay": replay_command(root, finding) if finding.reproducer else None,
    }
