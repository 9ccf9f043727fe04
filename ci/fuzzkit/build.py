"""Builds the fuzz targets with fuzz/build.sh, as OSS-Fuzz would, and asks them what they can do."""

import configparser
import fcntl
import hashlib
import os
import shutil
import subprocess
import threading
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

from fuzzkit.common import Interrupted, Ticker, Trouble, say, stop_if_asked

SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all"
FLAGS = f"-g -O1 -fno-omit-frame-pointer {SANITIZERS} -fsanitize=fuzzer-no-link"
NO_CONFIG = "none"
PRIMARY = "dispatch_sim_fuzzer"
GENERATED = {"work", "findings"}  # folders in fuzz/ that are not sources


class Built:
    """The result of a build: the folder of fuzz/build.sh's $OUT."""

    def __init__(self, out):
        self.out = Path(out)

    def binary(self, target):
        return self.out / target

    @property
    def iop(self):
        return self.out / "iop"

    def dictionary(self, target):
        path = self.out / f"{target}.dict"
        return path if path.exists() else None

    def options(self, target):
        """The [libfuzzer] section of the target's .options file."""
        parser = configparser.ConfigParser()
        parser.read(self.out / f"{target}.options")
        return dict(parser["libfuzzer"]) if parser.has_section("libfuzzer") else {}

    def unpack_seeds(self, target, folder):
        """Puts the seed corpus into the folder; returns the number of seeds."""
        archive = self.out / f"{target}_seed_corpus.zip"
        if not archive.exists():
            return 0
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
            return len(file.namelist())

    def configurations(self, target):
        """The configurations of the target on this machine, or [NO_CONFIG]."""
        environment = dict(os.environ, IOATOM_FUZZ_LIST="1")
        result = subprocess.run(
            [self.binary(target)], env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        names = result.stdout.split()
        if result.returncode != 0 or not names:
            raise Trouble(f"{target} does not tell its configurations:\n{result.stderr[-2000:]}")
        return names


def targets(root):
    names = sorted(path.stem for path in (root / "fuzz").glob("*_fuzzer.c"))
    if not names:
        raise Trouble("there are no fuzz targets (fuzz/*_fuzzer.c)")
    # The one that matters most first.
    return sorted(names, key=lambda name: name != PRIMARY)


def is_simulated(root, target):
    """As fuzz/build.sh has it."""
    return "\n#include <ioatom/sim.h>" in (root / "fuzz" / f"{target}.c").read_text()


def source_hash(root, extra=""):
    """A hash of all that a build reads."""
    digest = hashlib.sha256(extra.encode())
    for folder in ("lib", "fuzz"):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and not (relative.parts[0] == "fuzz" and relative.parts[1] in GENERATED):
                content = path.read_bytes()
                digest.update(f"{relative} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def find_clang():
    if not shutil.which("clang-19") or not shutil.which("clang++-19"):
        raise Trouble(
            "clang-19 is not installed. Run again without --no-install, or: "
            "apt-get install -y clang-19 libclang-rt-19-dev llvm-19 lld-19 zip"
        )
    # lld links such a program in a fraction of the time; the default linker will do.
    return "clang-19", "clang++-19", "-fuse-ld=lld" if shutil.which("ld.lld-19") else ""


def build_environment(out, work, jobs):
    compiler, linker, linker_flag = find_clang()
    return dict(
        os.environ,
        CC=compiler,
        CXX=linker,
        CFLAGS=FLAGS,
        CXXFLAGS=f"{FLAGS} {linker_flag}",
        LIB_FUZZING_ENGINE="-fsanitize=fuzzer",
        SANITIZER="address",
        OUT=str(out),
        WORK=str(work),
        IO_BUILD_JOBS=str(jobs),
    )


def run_script(root, environment, quiet=False):
    """Runs root's fuzz/build.sh; raises Trouble with the end of its output if it fails."""
    for folder in ("OUT", "WORK"):
        Path(environment[folder]).mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [root / "fuzz" / "build.sh"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    ticker = Ticker()
    start = time.monotonic()
    try:
        while process.poll() is None:
            time.sleep(0.05)
            stop_if_asked()
            if ticker.due() and not quiet:
                done = sum(line.startswith("compile ") for line in list(lines))
                say(f"  building: {time.monotonic() - start:3.0f} s, {done} files compiled")
    except Interrupted:
        os.killpg(process.pid, 9)
        raise
    reader.join(timeout=10)
    if process.returncode != 0:
        raise Trouble("the build failed:\n" + "".join(lines[-40:]))


@contextmanager
def lock(path, quiet):
    """Two commands started at the same time must not build into one folder."""
    with open(path, "w") as file:
        ticker = Ticker()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop_if_asked()
                if ticker.due() and not quiet:
                    say("  waiting for another build of the fuzz targets")
                time.sleep(0.1)
        yield


def ensure(root, jobs, quiet=False):
    """Builds root's fuzz targets into fuzz/work, unless what is there was built from these very sources."""
    work = root / "fuzz" / "work"
    built = Built(work / "out")
    stamp = work / "built-from"
    try:
        work.mkdir(exist_ok=True)
        with lock(work / "lock", quiet):
            environment = build_environment(built.out, work, jobs)
            now = source_hash(root, f"{environment['CC']} {environment['CXXFLAGS']}")
            complete = all(built.binary(target).exists() for target in targets(root))
            if complete and stamp.exists() and stamp.read_text() == now:
                return built
            if not quiet:
                say("building the fuzz targets (clang-19, libFuzzer, ASan, UBSan)")
            start = time.monotonic()
            stamp.unlink(missing_ok=True)
            run_script(root, environment, quiet)
            stamp.write_text(now)
            if not quiet:
                say(f"built in {time.monotonic() - start:.0f} s")
    except OSError as error:
        raise Trouble(f"cannot build in fuzz/work: {error}") from error
    return built
