"""The programs that prove: their versions, the file proofs/VERSIONS, and how they are set up in a scratch folder."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fuzzkit.common import Trouble, write_atomically

# program, the arguments that make it tell its version, where the version is in what it says
_PROGRAMS = [
    ("frama-c", ["-version"], r"(\d\S*)"),
    ("why3", ["--version"], r"version (\d\S*)"),
    ("cvc4", ["--version"], r"version (\d\S*)"),
    ("cvc5", ["--version"], r"version (\d\S*)"),
    ("spin", ["-V"], r"Version (\d\S*)"),
]
_NOT_FOR_PROOFS = {"spin"}  # its version is compared if it is there
SOCKET_ROOM = 60  # a scratch path that is longer leaves no room for the name of why3's socket

# No --tlimit: the provers would count the time on the wall, and end with an error when another job has the processor.
# Why3 limits the processor's time.
_WHY3_CONF = """[main]
datadir = "{datadir}"
libdir = "{libdir}"
magic = 14
memlimit = 4000
running_provers_max = 2
timelimit = 10

[prover]
name = "CVC4"
version = "{cvc4_version}"
command = "{cvc4} --stats --lang=smt2 %f"
command_steps = "{cvc4} --stats --rlimit=%S --lang=smt2 %f"
driver = "cvc4_17"
editor = ""
in_place = false
interactive = false

[prover]
name = "CVC5"
version = "{cvc5_version}"
command = "{cvc5} --lang=smt2 %f"
command_steps = "{cvc5} --rlimit=%S --lang=smt2 %f"
driver = "cvc4_16"
editor = ""
in_place = false
interactive = false
"""


@dataclass
class Tools:
    versions: dict  # program -> version; without those that are not installed
    scratch: Path
    environment: dict

    @property
    def provers(self):
        """As Why3 calls them, the one to try first first."""
        return [f"CVC4:{self.versions['cvc4']}", f"CVC5:{self.versions['cvc5']}"]


def _ask(command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def find_versions():
    versions = {}
    for program, arguments, pattern in _PROGRAMS:
        path = shutil.which(program)
        if path is None:
            if program in _NOT_FOR_PROOFS:
                continue
            raise Trouble(f"{program} is not installed; ci/prove without --no-install installs it")
        found = re.search(pattern, _ask([path] + arguments))
        if not found:
            raise Trouble(f"{path} does not tell its version")
        versions[program] = found.group(1)
    return versions


def set_up(scratch, versions):
    """Why3's configuration, a HOME that can be written, and an environment without settings of the user's."""
    scratch = Path(scratch)
    for folder in ("home", "tmp"):
        (scratch / folder).mkdir()
    settings = {"cvc4": shutil.which("cvc4"), "cvc5": shutil.which("cvc5")}
    settings.update(cvc4_version=versions["cvc4"], cvc5_version=versions["cvc5"])
    for name in ("datadir", "libdir"):
        settings[name] = _ask(["why3", f"--print-{name}"]).strip()
    (scratch / "why3.conf").write_text(_WHY3_CONF.format(**settings))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FRAMAC_", "WHY3"))}
    environment.update(
        HOME=str(scratch / "home"), TMPDIR=str(scratch / "tmp"), WHY3CONFIG=str(scratch / "why3.conf"), LC_ALL="C.UTF-8"
    )
    return Tools(versions, scratch, environment)


def read_versions(path):
    """The recorded versions; an empty dictionary without the file."""
    if not path.exists():
        return {}
    recorded = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) not in (0, 2):
            raise Trouble(f"{path.name}:{number}: not of the form `program version`")
        if words:
            recorded[words[0]] = words[1]
    return recorded


def compare_versions(recorded, found):
    """What is different, in words."""
    lines = []
    for program in sorted(set(recorded) | set(found)):
        if program in _NOT_FOR_PROOFS and program not in found:
            continue
        if recorded.get(program) != found.get(program):
            was, now = recorded.get(program, "not recorded"), found.get(program, "not installed")
            lines.append(f"{program}: recorded {was}, here {now}")
    return lines


def write_versions(path, recorded, found):
    merged = {**recorded, **found}
    lines = ["# The versions of the tools that the proofs were made with. `ci/prove --update-versions` writes this."]
    lines += [f"{program:<8} {version}" for program, version in sorted(merged.items())]
    write_atomically(path, "\n".join(lines) + "\n")
