"""Small things: errors, output, arguments, files."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

EXIT_OK, EXIT_FOUND, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130
TICK_SECONDS = 4.0  # the promise is a line every five seconds


class Trouble(Exception):
    """The command can't do its job; the message is for the user, the exit status is 2."""


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP came; the argument is the signal's number."""


_signals = []


def catch_signals():
    """From here on the signals only leave a note, SIGINT also where a shell has set it to be ignored (`ci/fuzz &`).

    An exception out of nowhere could come between the start of a process and the place that knows of it, and the
    process would outlive us. So every loop that waits calls stop_if_asked.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: _signals.append(number))


def stop_if_asked():
    if _signals:
        raise Interrupted(_signals[0])


def interrupt_status(error):
    return 128 + error.args[0]


def say(text=""):
    print(text, flush=True)


def start(command, main):
    """Runs main with the arguments of the command line and ends with its status; Trouble is told as the command's."""
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        sys.stderr.write(f"{command}: {trouble}\n")
        sys.exit(EXIT_ERROR)


class Ticker:
    """Says when it is time for another line of progress."""

    def __init__(self):
        self.last = time.monotonic()

    def due(self):
        now = time.monotonic()
        if now - self.last < TICK_SECONDS:
            return False
        self.last = now
        return True


def attend(process, progress):
    """Waits until a process has ended that leads a group of its own. progress(seconds) is what to say of it every few
    seconds. If the waiting is interrupted the group is killed."""
    ticker, began = Ticker(), time.monotonic()
    try:
        while process.poll() is None:
            stop_if_asked()
            if ticker.due():
                say(progress(time.monotonic() - began))
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Parser(argparse.ArgumentParser):
    """argparse with our form of messages. The front script prints --help, which must work before there is a Python."""

    def __init__(self, command):
        super().__init__(prog=command, add_help=False, allow_abbrev=False)

    def error(self, message):
        message = message.replace("unrecognized arguments:", "unknown option or argument:")
        sys.stderr.write(f"{self.prog}: {message} ({self.prog} --help lists the options)\n")
        sys.exit(EXIT_ERROR)


def positive(text):
    """An argparse type: a whole number from 1 to a week of seconds."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 604800:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to 604800")
    return int(text)


def natural(text):
    if not text.isascii() or not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number below 2^32")
    return int(text)


def existing_file(text):
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no file '{text}'")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"'{text}' is not a file")
    return path.resolve()


def existing_folder(text):
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder '{text}'")
    return path.resolve()


def output_file(text):
    """A file to be written at the end; found out at the beginning that it can be."""
    path = Path(text).absolute()
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"cannot write a file '{text}'")
    return path


def write_atomically(path, text):
    """A reader sees the old file or the whole new one, whenever this is interrupted."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".ioatom.", delete=False) as file:
        try:
            file.write(text)
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def write_json(path, data):
    if path:
        write_atomically(path, json.dumps(data, indent=2) + "\n")


def table(rows, right=()):
    """Lines of aligned columns; rows[0] is the head. `right`: numbers of the columns aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def count(number):
    return f"{number:,}"
