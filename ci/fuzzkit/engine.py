"""Runs one libFuzzer process and understands what it prints."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit.build import NO_CONFIG

TIMEOUT_SECONDS = 25  # of one input: OSS-Fuzz's limits
RSS_LIMIT_MB = 2560
INTERRUPTED_STATUS = 72  # libFuzzer's, after SIGINT
GRACE_SECONDS = 15  # to start, to replay the seeds and to stop
MAX_LEN = 516  # a header and 128 operations
KEPT_LINES = 4000

_PROGRESS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/\S+.* exec/s: (\d+)")
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_VIOLATION = re.compile(r"VIOLATION clause=(\S+)(?: config=(\S+))?")
_SUMMARY = re.compile(r"SUMMARY: (\w+Sanitizer: .*)")
_RUNTIME_ERROR = re.compile(r"(\S+:\d+:\d+): runtime error: (.*)")
_ASSERTION = re.compile(r"\S+: \S+:\d+: .*: Assertion `.*' failed\.")
_ERROR = "ERROR: libFuzzer: "
_ARTIFACTS = ("crash-", "leak-", "timeout-", "oom-")  # a slow-unit- is no finding


def environment(config, symbols):
    """The environment of a fuzz target: nothing of the caller's changes what the library or a sanitizer does."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("IOATOM_") and not name.endswith("SAN_OPTIONS")
    }
    kept["UBSAN_OPTIONS"] = "print_stacktrace=1"
    symbolizer = shutil.which("llvm-symbolizer-19")
    if not symbols:
        kept["ASAN_OPTIONS"] = "symbolize=0"
    elif symbolizer:
        kept["ASAN_SYMBOLIZER_PATH"] = symbolizer
    if config != NO_CONFIG:
        kept["IOATOM_FUZZ_CONFIG"] = config
    return kept


def split_config(config):
    """("epoll", "edge"), or dashes for a target that has no configurations."""
    backend, plus, mode = config.partition("+")
    return (backend, mode) if plus else ("-", "-")


@dataclass
class Failure:
    """What a fuzz target reported when it failed."""

    kind: str  # violation, sanitizer, timeout, oom, leak, crash
    clause: str = ""
    summary: str = ""
    explanation: list = field(default_factory=list)
    program: list = field(default_factory=list)

    @property
    def name(self):
        """Short, for tables; two failures of one name are taken for the same bug."""
        if self.kind == "violation":
            return self.clause
        if self.kind == "sanitizer":
            words = self.summary.replace("UndefinedBehaviorSanitizer", "UBSan").split()
            return " ".join(words[: 4 if words[0] == "UBSan:" else 2])
        return self.summary if self.kind == "crash" else self.kind


def _violation(lines, start):
    clause = _VIOLATION.search(lines[start]).group(1)
    failure = Failure("violation", clause, f"violates {clause}")
    section = failure.explanation
    for line in lines[start + 1 :]:
        if line == "--- program":
            section = failure.program
        elif line == "--- end" or line.startswith("==") or "ERROR: libFuzzer" in line:
            break
        else:
            section.append(line)
    return failure


def understand(lines, artifact=""):
    """The Failure that the output of a failed process tells of, or None."""
    for number, line in enumerate(lines):
        if _VIOLATION.match(line):
            return _violation(lines, number)
    for line in lines:
        match = _RUNTIME_ERROR.match(line)
        if match:
            # The file's name without its folder keeps the name short.
            return Failure("sanitizer", summary=f"UndefinedBehaviorSanitizer: {match.group(2)} at {match.group(1)}")
    for kind, sign in (("timeout", f"{_ERROR}timeout"), ("oom", f"{_ERROR}out-of-memory")):
        if artifact.startswith(f"{kind}-") or any(sign in line for line in lines):
            return Failure(kind, summary=_first(lines, sign, kind))
    for line in lines:
        match = _SUMMARY.search(line)
        if match:
            kind = "leak" if "LeakSanitizer" in line or "leaked in" in line else "sanitizer"
            return Failure(kind, summary=match.group(1))
        if _ASSERTION.match(line):
            return Failure("crash", summary=line)
    if artifact or any(_ERROR in line for line in lines):
        return Failure("crash", summary=_first(lines, _ERROR, "crash"))
    return None


def _first(lines, sign, default):
    """The text of the first line that contains the sign, without the number of the process."""
    line = next((line for line in lines if sign in line), default)
    return line.partition(_ERROR)[2] or line


class Engine:
    """One running libFuzzer process. Read its numbers while it runs; collect() when it has ended."""

    def __init__(self, built, target, config, arguments, folder, symbols=True):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.executions = self.edges = self.corpus = self.rate = 0
        self.reported_at = self.started = time.monotonic()
        self.final = False  # executions is exact
        self.lines = deque(maxlen=KEPT_LINES)
        self.artifacts = Path(tempfile.mkdtemp(prefix="artifacts.", dir=self.folder))
        self.command = [
            str(built.binary(target)),
            f"-artifact_prefix={self.artifacts}/",
            f"-rss_limit_mb={RSS_LIMIT_MB}",
            *arguments,
        ]
        self.process = subprocess.Popen(
            self.command,
            env=environment(config, symbols),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Our Ctrl-C is not its Ctrl-C, and whatever it starts ends with it.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            line = line.rstrip("\n")
            match = _PROGRESS.match(line)
            if match:
                self.executions, self.edges, self.corpus, self.rate = map(int, match.groups())
                self.reported_at = time.monotonic()
                continue
            match = _EXECUTED.match(line)
            if match:
                self.executions, self.final = int(match.group(1)), True
            self.lines.append(line)

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def seconds(self):
        return time.monotonic() - self.started

    @property
    def cpu_seconds(self):
        """How long it has computed; 0 when it has ended."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return 0.0
        # The name, in brackets, may hold anything. User and system time are the fields 14 and 15.
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def estimate(self):
        """libFuzzer reports at powers of two and at new coverage; between two reports this goes on at its rate."""
        if self.final or not self.rate:
            return self.executions
        return self.executions + int(self.rate * (time.monotonic() - self.reported_at))

    def interrupt(self):
        """Asks it to stop and to print its figures."""
        if self.running:
            self._signal(signal.SIGINT)

    def kill(self):
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def collect(self):
        """After the end: (Failure or None, the failing input's bytes or None)."""
        self.kill()  # what it may have left behind in its group
        self._reader.join(timeout=5)
        lines = list(self.lines)
        found = sorted(path for path in self.artifacts.iterdir() if path.name.startswith(_ARTIFACTS))
        data = found[0].read_bytes() if found else None
        failure = None
        if self.process.returncode != 0 or found:
            failure = understand(lines, found[0].name if found else "")
        shutil.rmtree(self.artifacts, ignore_errors=True)
        return failure, data

    def last_words(self):
        return "\n".join(list(self.lines)[-15:])


def fuzz_arguments(built, target, seconds, seed, folders, timeout=TIMEOUT_SECONDS):
    options = built.options(target)
    ours = {
        "max_total_time": seconds,
        "seed": seed,
        "timeout": timeout,
        "print_final_stats": 1,
        "print_funcs": 0,  # would start a symbolizer for every new function
        "max_len": options.pop("max_len", MAX_LEN),
    }
    if built.dictionary(target):
        ours["dict"] = built.dictionary(target)
    for name, value in options.items():
        if name not in ("timeout", "rss_limit_mb"):
            ours.setdefault(name, value)
    return [f"-{name}={value}" for name, value in ours.items()] + [str(folder) for folder in folders]


@dataclass
class Replay:
    failure: Failure  # or None
    error: str  # not a finding, but no success either
    seconds: float
    executions: int


def run_to_end(engine, limit_seconds, poll):
    """Waits for the process and judges it. poll() is called all the time; it may raise Interrupted."""
    try:
        while engine.running and engine.seconds < limit_seconds:
            poll()
            time.sleep(0.01)
        seconds, stuck = engine.seconds, engine.running
    finally:
        engine.kill()
    failure, data = engine.collect()
    error = ""
    if stuck and not failure:
        error = f"it did not stop within {limit_seconds:.0f} s:\n{engine.last_words()}"
    elif engine.process.returncode != 0 and not failure:
        error = f"it ended with status {engine.process.returncode}:\n{engine.last_words()}"
    return Replay(failure, error, seconds, engine.executions), data


def replay_file(built, target, config, path, folder, poll, timeout=TIMEOUT_SECONDS):
    """Runs one input once."""
    engine = Engine(built, target, config, [f"-timeout={timeout}", str(path)], folder)
    result, _ = run_to_end(engine, timeout + GRACE_SECONDS, poll)
    ran = any(line.startswith("Executed ") for line in engine.lines)
    if not result.failure and not result.error and not ran:
        result.error = f"it did not run the input:\n{engine.last_words()}"
    return result
