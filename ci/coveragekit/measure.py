"""Builds the fuzz targets with coverage, replays their corpora, and has LLVM read what they left."""

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

from fuzzkit import build, common
from fuzzkit.common import Trouble, count, say

FLAGS = "-O1 -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc -fcoverage-compilation-dir=."
PROFDATA, COV = TOOLS = "llvm-profdata-19", "llvm-cov-19"
LAST_WORDS = 4000  # characters of a replay that failed

_REPLAYED = re.compile(r"^replayed (\d+) inputs$", re.MULTILINE)


class ReplayFailed(Exception):
    """The corpus shows a violation, or the target does not work: the coverage would mean nothing."""


@dataclass
class Replay:
    target: str
    inputs: int
    seconds: float


def need_tools():
    for tool in TOOLS:
        if not shutil.which(tool):
            raise Trouble(f"{tool} is not installed. Run again without --no-install, or: apt-get install -y llvm-19")


def build_targets(root, work, targets, jobs):
    """Builds into the folder work; what was compiled there before from the same text is used again."""
    environment = build.build_environment(work / "out", work / "work", jobs)
    _, _, linker_flag = build.find_clang()
    # The main function of the replay tests, in the place of an engine. It needs what reads files, behind it.
    engine = f"-x c fuzz/replay_main.c -x none {os.path.relpath(work, root)}/work/libharness.a"
    environment.update(
        CFLAGS=FLAGS,
        CXXFLAGS=f"{FLAGS} {linker_flag}",
        LIB_FUZZING_ENGINE=engine,
        SANITIZER="coverage",
        IO_FUZZ_TARGETS=" ".join(targets),
        IO_FUZZ_SEEDS="1",
    )
    say(f"building {len(targets)} fuzz target(s) for coverage (clang-19)")
    start = time.monotonic()
    build.run_script(root, environment)
    say(f"built in {time.monotonic() - start:.0f} s")


def replay(work, target):
    """Replays the corpus of one target; leaves its profile in work/profiles."""
    seeds = work / "work" / "seeds" / target
    expected = sum(1 for _ in seeds.iterdir()) if seeds.is_dir() else 0
    if not expected:
        raise Trouble(f"{target} has no corpus in fuzz/corpus; a replay of nothing would show nothing")
    profile = work / "profiles" / f"{target}.profraw"
    # A setting of the user's must not leave out configurations.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IOATOM_")}
    environment["LLVM_PROFILE_FILE"] = str(profile)
    start = time.monotonic()
    output = _run([work / "out" / target, seeds], environment, f"{target}: replaying {count(expected)} inputs")
    replayed = _REPLAYED.search(output)
    if replayed is None or int(replayed[1]) != expected or not profile.exists():
        raise Trouble(f"{target} did not replay its {expected} inputs:\n{output[-LAST_WORDS:]}")
    return Replay(target, expected, round(time.monotonic() - start, 1))


def _run(command, environment, label):
    log = command[1].parent / f".{command[0].name}.log"
    with open(log, "w+", encoding="utf-8", errors="replace") as file:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        common.attend(process, lambda seconds: f"  {label}: {seconds:.0f} s")
        file.seek(0)
        output = file.read()
    log.unlink()
    if process.returncode != 0:
        raise ReplayFailed(f"{label} ended with status {process.returncode}:\n{output[-LAST_WORDS:]}")
    return output


def _llvm(root, *arguments):
    result = subprocess.run(arguments, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    common.stop_if_asked()
    # "mismatched data": the profile is not of these very programs.
    if result.returncode != 0 or "mismatched" in result.stderr:
        raise Trouble(f"{arguments[0]} {arguments[1]} failed:\n{result.stderr.strip()}")
    return result.stdout


def _programs(root, work, targets):
    first, *others = [work / "out" / target for target in targets]
    options = [f"-compilation-dir={root}", f"-instr-profile={work / 'merged.profdata'}"]
    return [str(first), *[f"-object={other}" for other in others], *options]


def merge(root, work, targets):
    """The parsed JSON of llvm-cov export over all targets."""
    profiles = [str(work / "profiles" / f"{target}.profraw") for target in targets]
    _llvm(root, PROFDATA, "merge", "-o", str(work / "merged.profdata"), *profiles)
    return json.loads(_llvm(root, COV, "export", "-format=text", *_programs(root, work, targets)))


def write_html(root, work, targets, folder, files):
    """The pages of these files, below folder/index.html."""
    options = ["-format=html", f"-output-dir={folder}", "-show-branches=count", "-show-mcdc", "-show-line-counts"]
    _llvm(root, COV, "show", *options, *_programs(root, work, targets), *[str(root / file) for file in files])
