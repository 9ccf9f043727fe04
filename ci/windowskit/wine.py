"""Running programs under wine, in a prefix of our own that is gone afterwards."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from fuzzkit import common
from fuzzkit.common import Trouble

FOLDER = Path("/usr/lib/wine")
START_SECONDS = 120  # the first start makes the prefix
GRACE_SECONDS = 5


def find(*names):
    for name in names:
        if (FOLDER / name).is_file():
            return str(FOLDER / name)
        if shutil.which(name):
            return shutil.which(name)
    return None


class Process:
    """A program under wine. Its output goes to a file, so that nothing has to be read in time."""

    def __init__(self, command, environment, cwd, log):
        self.log, self.start = log, time.monotonic()
        with open(log, "wb") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def seconds(self):
        return time.monotonic() - self.start

    def output(self):
        return self.log.read_text(errors="replace").replace("\r\n", "\n")

    def is_over(self):
        return self.popen.poll() is not None

    def status(self):
        return self.popen.returncode

    def kill(self):
        if not self.is_over():
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Wine:
    def __init__(self, folder):
        self.loader, self.server = find("wine64", "wine"), find("wineserver64", "wineserver")
        if not self.loader or not self.server:
            raise Trouble("wine is not installed; run again without --no-install")
        self.folder = folder
        self.prefix = folder / "prefix"
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("WINE", "IOATOM"))}
        keep.pop("DISPLAY", None)
        self.environment = keep | {
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINELOADER": self.loader,
            "WINESERVER": self.server,
            "WINEDEBUG": "-all",
            # Nothing is asked, nothing is downloaded, nobody debugs.
            "WINEDLLOVERRIDES": "mscoree,mshtml=;winedbg.exe,explorer.exe=d",
        }
        self.count = 0
        if not os.access(folder, os.W_OK) or os.stat(folder).st_uid != os.getuid():
            raise Trouble(f"wine needs a folder of its own, and {folder} is not")

    def version(self):
        done = subprocess.run([self.loader, "--version"], env=self.environment, capture_output=True, text=True)
        return done.stdout.strip()

    def command(self, program, *arguments):
        return [self.loader, str(program), *map(str, arguments)]

    def begin(self, program, *arguments, cwd=None, extra=None):
        self.count += 1
        log = self.folder / f"log-{self.count}"
        return Process(self.command(program, *arguments), self.environment | (extra or {}), cwd or self.folder, log)

    def make_prefix(self, tick):
        """The first start; `tick` is called while it takes its time."""
        process = self.begin("wineboot.exe", "--init")
        try:
            while not process.is_over():
                common.stop_if_asked()
                if process.seconds > START_SECONDS:
                    raise Trouble(f"wine has not started after {START_SECONDS} s")
                tick(process.seconds)
                time.sleep(0.1)
        finally:
            process.kill()
        if process.status() != 0 or not (self.prefix / "system.reg").exists() and not self.prefix.is_dir():
            raise Trouble(f"wine does not start (status {process.status()}):\n{process.output()[-2000:]}")

    def end(self):
        """Ends what runs in our prefix, and waits for it."""
        if self.prefix.is_dir():
            for arguments in (["-k"], ["-w"]):
                try:
                    subprocess.run(
                        [self.server, *arguments],
                        env=self.environment,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        timeout=GRACE_SECONDS,
                    )
                except subprocess.TimeoutExpired:
                    pass
