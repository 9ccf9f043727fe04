#!/usr/bin/env python3
"""Writes the seeds of table_fuzzer and deadline_fuzzer from the text below.

Usage: fuzz/seeds.py --write | --check | --help

  --write  writes fuzz/corpus/table_fuzzer/NAME and fuzz/corpus/deadline_fuzzer/NAME
  --check  compares them with what is there: exit status 1 if they differ, or one is missing
  --help   prints this

A seed of table_fuzzer is "MODE SLOTS [GENERATION]: CALL; CALL; ...". A call has an atom (a0 to a7 have the descriptors 0 to
7, a8 to a11 those of a0 to a3 again, a12 to a15 cannot be added: negative, too large, and without a callback), and flags (r,
w, x, 1 for oneshot, or 0), or the bits of a report, or the distance of a stale generation. The callbacks of a dispatch make the
calls in the brackets behind it, one bracket for each in the order in which their events came.

A seed of deadline_fuzzer is "now TIME; timeout MS; deadline TIME; POLLER; HAPPENING TIME; FAULT": a time is a beginning and an
offset, as in near+5ms; end is 2^64 ns, so that end-1 is the time that means never. Other files in the two folders, such as the reproducers of what was found, stay as they are.
"""
import re
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"

TABLE = {
    "add-errors": "edge 4: add a12 r; add a13 r; add a14 r; add a15 r; add a4 r; add a0 bad; add a0 r; add a0 r; add a8 w",
    "add-and-remove": "level 4: add a0 rw; add a1 r; remove a0; remove a0; remove a8; add a8 x; remove a0; remove a8",
    "set-errors": "edge 4: set a0 r; add a0 r; set a8 r; set a0 bad; set a12 w; exhausted a0 bad; exhausted a8 r",
    "each-report": "level 2: add a0 rwx; report a0 in; next; report a0 out; next; report a0 pri; next; report a0 rdhup; next;"
    " report a0 hup; next; report a0 err; next; report a0 none; next",
    "reports-merge": "edge 3: add a0 rwx; report a0 in; report a0 pri; report a0 out; dispatch []",
    "outside-interest": "level 3: add a0 rw; set a0 r; report a0 out; set a0 rw; report a0 out; dispatch []",
    "set-drops-pending": "edge 3: add a0 rw; report a0 in,out; set a0 w; next; report a0 in,out; set a0 0; next",
    "set-makes-no-call": "edge 2: add a0 rw; exhausted a0 rw; set a0 r; set a0 rw; set a0 0; set a0 rwx; report a0 in; set a0 r",
    "hang-up-is-asked-for-again": "edge 2: add a0 rw; report a0 hup; dispatch []; exhausted a0 rw; set a0 x; set a0 r",
    "held-back": "emulated 2: add a0 rw; report a0 in; dispatch []; report a0 in,out; exhausted a0 r; exhausted a0 r;"
    " report a0 in; dispatch []; set a0 rw; report a0 in",
    "hang-up-had-its-answer": "level 2: add a0 rw; report a0 hup; dispatch []; exhausted a0 rw; report a0 hup; wake a0; wake a0;"
    " report a0 in,hup; next",
    "hang-up-ends": "level 2: add a0 r; report a0 hup; exhausted a0 r; calm a0 err; report a0 hup; next; calm a0 hup; calm a0 none",
    "another-error": "edge 2: add a0 rw; report a0 err; next; exhausted a0 rw; report a0 err; next; exhausted a0 rw; report a0 hup",
    "rests-and-wakes": "emulated 3: add a0 r; add a1 w; report a0 hup; report a1 err; dispatch [exhausted a0 r] [exhausted a1 w];"
    " report a0 hup; report a1 err; wake_all; report a0 hup; wake_all; set a0 r; report a0 hup",
    "closed": "level 2: add a0 rw; report a0 nval,in; report a0 in; set a0 rw; exhausted a0 rwx; next; remove a0; add a8 r;"
    " report a8 in; next",
    "closed-while-held-back": "emulated 2: add a0 rw; report a0 in; next; report a0 nval; next; report a0 nval; remove a0",
    "closed-and-asks-for-nothing": "level 2: add a0 0; report a0 nval; set a0 r; next; remove a0",
    "Z26-stale-generation": "edge 4: add a0 r; stale a0 in +1; stale a0 in -1; remove a0; stale a0 in -1; add a8 r; stale a8 in -2;"
    " stale a8 in +2; report a8 in; next",
    "Z27-cut-to-8-bits": "edge 1: add a0 r; stale a0 in +8b; stale a0 in -8b; stale a0 in +16b; stale a0 in +24b; stale a0 in +31b",
    "Z27-cut-when-counted": "edge 2 254: add a0 r; report a0 in; remove a0; add a0 r; report a0 in; next; renew a0 128;"
    " stale a0 in -8b; report a0 in; next",
    "generation-wraps": "level 2 last: add a0 r; report a0 in; remove a0; add a0 w; stale a0 out -2; report a0 out; next",
    "generation-of-16-bits": "level 1 65534: add a0 r; remove a0; add a0 r; stale a0 in +16b; report a0 in; next",
    "full-queue": "edge 3: add a0 r; add a1 r; add a2 r; report a0 in; report a1 in; report a2 in; next; pressed a0 in;"
    " pressed a1 in; compact; pressed a0 in; next; next; next; next",
    "Z9-queued-once": "level 2: add a0 rw; report a0 in; pressed a0 in; pressed a0 out; next; pressed a0 in; next; next",
    "Z90-end-of-the-one-before": "level 2: add a0 r; remove a0; add a8 r; stale a8 nval -2; report a8 in; next",
    "stale-place": "edge 3: add a0 r; add a1 r; report a0 in; report a1 in; remove a0; add a8 w; pressed a8 out; next; next",
    "stale-places-are-skipped": "level 4: add a0 r; add a1 r; add a2 r; report a0 in; report a1 in; report a2 in; remove a0;"
    " set a1 w; next; next; report a1 out; next",
    "oneshot": "level 2: add a0 r1; report a0 in; report a0 in,hup; dispatch [set a0 w1]; report a0 out; next; report a0 out;"
    " set a0 r1; report a0 in; next; report a0 in",
    "callback-removes-another": "edge 4: add a0 r; add a1 r; add a2 r; report a0 in; report a1 in; report a2 in;"
    " dispatch [remove a1; free a2]; next",
    "callback-sets-another": "level 4: add a0 r; add a1 rw; report a0 in; report a1 in,out; dispatch [set a1 w] [];"
    " set a1 rw; report a0 in; report a1 in,out; dispatch [set a1 r] [set a0 0]",
    "callback-frees-itself": "emulated 2: add a0 rw; report a0 in,out; dispatch [free a0; add a0 r; exhausted a0 rw]; report a0 in; next",
    "callback-adds": "edge 4: add a0 r; add a1 r; report a0 in; report a1 in; dispatch [remove a1; add a9 r; add a2 w]; next",
    "callback-takes-over-the-number": "level 3: add a0 r; add a1 r; report a0 in; report a1 in; dispatch [remove a1; add a9 r; set a9 rw]",
    "callback-nests": "level 2: add a0 r; add a1 r; report a0 in; report a1 in;"
    " dispatch [dispatch; next; report a1 in; stale a1 in +1] [beyond a0 in; compact; pressed a0 in]",
    "next-mixed-with-dispatch": "edge 4: add a0 r; add a1 r; add a2 r; report a0 in; report a1 in; report a2 in; next; dispatch [] [];"
    " dispatch; next",
    "Z31-add-and-remove-between-waits": "level 2: add a0 r; remove a0; add a0 w; remove a0; add a0 rw; set a0 w; set a0 r; report a0 in;"
    " remove a0; add a0 w; report a0 in,out; next",
    "Z32-stopped-between-waits": "edge 3: add a0 rw; add a1 r; report a0 in,out; report a1 in; set a0 w; set a1 0; next; next;"
    " set a0 rw; set a1 r; report a0 in; report a1 in; remove a1; dispatch []",
    "oneshot-is-not-exhausted": "level 1: add a0 r; exhausted a0 1; exhausted a0 r1",
    "alarms-are-asked-for-again": "edge 2: add a0 rwx; report a0 err; next; exhausted a0 rwx; set a0 x; set a0 r; set a0 rwx;"
    " report a0 hup; next; exhausted a0 rwx; set a0 x; set a0 w; set a0 rwx; report a0 hup,err; next; exhausted a0 rwx; set a0 x;"
    " calm a0 hup; set a0 r",
    "error-ends": "level 2: add a0 r; report a0 err; exhausted a0 r; calm a0 hup; report a0 err; next; calm a0 err; exhausted a0 r;"
    " report a0 err; calm a0 hup; report a0 err,hup; calm a0 err; report a0 hup; next",
    "set-wakes": "level 2: add a0 rx; report a0 hup; exhausted a0 r; report a0 hup; set a0 rx; report a0 hup; exhausted a0 r; report a0 hup;"
    " set a0 0; set a0 r",
    "full-queue-of-exhausted": "edge 2: add a0 r; add a1 r; report a0 in; report a1 in; next; exhausted a0 rwx; pressed a0 in; next; next",
    "callback-leaves-or-asks-again": "level 2: add a0 rw; add a1 r; report a0 in,out; report a1 in;"
    " dispatch [set a0 rw; set a0 r] [exhausted a1 r; set a1 0]; report a0 in; dispatch []",
    "callback-asks-for-exhausted": "edge 3: add a0 rw; add a1 r; add a2 r; report a0 in,out; report a1 in; report a2 in;"
    " dispatch [exhausted a0 rw; set a0 rw; set a0 w] [set a1 r] [set a2 bad]; report a2 in,nval",
    "callback-of-a-closed": "emulated 2: add a0 r; add a1 r; report a0 nval; report a1 in; dispatch [set a0 r] [exhausted a1 r; set a1 r]",
    "nobody-rests": "emulated 1: add a0 rw; report a0 in; report a0 hup; wake_all; report a0 out; next",
    "beyond-the-table": "level 1: add a0 r; beyond a0 in; beyond a1 none; beyond a0 all; report a0 in; next",
    "eight-slots": "emulated 8: add a7 rwx; add a6 r; add a5 w; add a3 x; add a11 r; report a7 all-but-nval; report a6 in; report a5 out;"
    " report a3 pri; dispatch [exhausted a7 rwx] [remove a6] [set a5 0] [free a3; add a11 x]; report a11 pri; next",
}

DEADLINE = {
    "for-ever": "now near+0; timeout -1; deadline end-1; epoll edge; nothing 0+0; punctual",
    "for-ever-by-INT_MAX": "now near+5h; timeout INT_MAX; deadline end-1; poll level; data near+6h; punctual",
    "negative-other-than-1": "now near+0; timeout INT_MIN; deadline end-1; select level; data near+9ms; punctual",
    "Z59-zero-stays-zero": "now near+7; timeout 0; deadline end-1; epoll level; data near+0; punctual",
    "Z58-rounds-up": "now near+0; timeout 1000; deadline near+1; epoll edge; nothing 0+0; punctual",
    "rounds-up-a-little-more-than-a-millisecond": "now near+999us; timeout 1000; deadline near+2ms; poll edge; nothing 0+0; punctual",
    "Z60-no-early-end": "now near+999us; timeout 10; deadline end-1; select edge; nothing 0+0; early 3 999999",
    "Z60-a-nanosecond-early": "now near+999us; timeout 10; deadline end-1; epoll edge; nothing 0+0; early 1 1",
    "Z61-a-signal": "now near+0; timeout 1000; deadline near+500ms; poll level; signal near+3ms; punctual",
    "Z54-longest-timeout": "now near+0; timeout INT_MAX-1; deadline end-1; epoll edge; nothing 0+0; punctual",
    "Z55-longer-than-24-days": "now near+0; timeout -1; deadline far+20h; select level; nothing 0+0; punctual",
    "Z56-more-than-35-minutes": "now near+0; timeout 2147484; deadline near+1h; poll level; masked near+20ms; punctual",
    "kqueue-longer-than-24-hours": "now near+0; timeout -1; deadline near+60h; kqueue edge; nothing 0+0; punctual",
    "kqueue-a-signal-and-an-early-end": "now near+7; timeout 1000; deadline end-1; kqueue level; signal near+3ms; early 2 999999",
    "the-last-time": "now end-5; timeout 1; deadline end-2; epoll edge; nothing 0+0; punctual",
    "the-end-and-the-beginning": "now end-1; timeout 0; deadline 0+0; epoll edge; nothing 0+0; punctual",
    "a-deadline-that-is-over": "now near+1h; timeout -1; deadline near-1ms; poll edge; data 0+0; punctual",
    "a-deadline-that-is-now": "now near+1; timeout 10; deadline near+0; select level; nothing 0+0; punctual",
    "a-deadline-before-the-timeout": "now near+0; timeout 1000; deadline near+10ms; epoll level; data near+10ms; punctual",
    "masked-goes-on": "now near+0; timeout 10; deadline end-1; epoll edge; masked near+3ms; punctual",
    "as-long-as-can-be-said": "now near+0; timeout INT_MAX-1; deadline far-1; epoll edge; nothing 0+0; punctual",
    "a-millisecond-longer-than-can-be-said": "now near+0; timeout INT_MAX-2; deadline far+0; poll level; data near+1ms; punctual",
    "late": "now near+0; timeout 2; deadline end-1; poll level; data near+1ms; late 2 5000000",
    "half-way-through-the-clock": "now half-1; timeout 86400000; deadline half+9h; epoll edge; nothing 0+0; early 2 1",
}

CALLS = ("add set remove free exhausted report pressed stale beyond dispatch next compact calm wake wake_all renew").split()
GENERATIONS = ["0", "254", "last", "65534", "half", "24b", "31b", "32766"]
DISTANCES = ["+1", "+2", "-1", "-2", "+4b", "+8b", "+15b", "+16b", "+24b", "+31b", "+3", "+10b", "-8b", "-16b", "+6", "+28b"]
BITS = {"none": 0, "in": 1, "out": 2, "pri": 4, "rdhup": 8, "hup": 16, "err": 32, "nval": 64, "all": 127, "all-but-nval": 63}


def flags_of(word):
    return 0xF7 if word == "bad" else 0 if word == "0" else sum({"r": 1, "w": 2, "x": 4, "1": 8}[letter] for letter in word)


def bits_of(word):
    return sum(BITS[name] for name in word.split(","))


def call_bytes(text):
    words = text.split()
    name = words.pop(0)
    atom = int(words.pop(0)[1:]) if words else 0
    data = [CALLS.index(name) + len(CALLS) * atom]
    if name in ("add", "set", "exhausted"):
        data.append(flags_of(words.pop(0)))
    elif name == "renew":
        data.append(int(words.pop(0)))
    elif name in ("report", "pressed", "beyond", "calm"):
        data.append(bits_of(words.pop(0)))
    elif name == "stale":
        data += [bits_of(words.pop(0)), DISTANCES.index(words.pop(0))]
    if words:
        raise ValueError(f"too many words: {text}")
    return bytes(data)


def calls_bytes(text):
    """Calls, each with the brackets behind it."""
    data = b""
    for call, brackets in re.findall(r"\s*([^;\[\]]+?)\s*((?:\[[^\]]*\]\s*)*)(?:;|$)", text):
        data += call_bytes(call)
        for inner in re.findall(r"\[([^\]]*)\]", brackets):
            calls = [part for part in inner.split(";") if part.strip()]
            data += bytes([len(calls)]) + b"".join(call_bytes(part) for part in calls)
    return data


def table_bytes(text):
    head, _, calls = text.partition(":")
    mode, slots, *generation = head.split()
    shape = ["edge", "level", "emulated"].index(mode) + 3 * (int(slots) - 1)
    return bytes([shape, GENERATIONS.index(generation[0]) if generation else 0]) + calls_bytes(calls)


BEGINNINGS = ["0", "near", "end", "start", "longest", "far", "half", "32b"]
UNITS = {"": 0, "us": 1, "ms": 2, "h": 3}
TIMEOUTS = ["0", "1", "2", "10", "1000", "-1", "INT_MIN", "INT_MAX", "2100000", "INT_MAX-1", "2147484", "INT_MAX-2", "2^30",
            "4294968", "-2", "86400000"]
POLLERS = [f"{backend} {mode}" for mode in ("level", "edge") for backend in ("epoll", "kqueue", "uring", "poll", "select")]
HAPPENINGS = ["nothing", "data", "masked", "signal"]
FAULTS = ["punctual", "early", "late"]


def time_bytes(text):
    """The remainder by 9 is the beginning, the quarter the unit."""
    name, sign, number, unit = re.fullmatch(r"(\w+?)([+-])(\d+)(\w*)", text).groups()
    byte = next(b for b in range(64 * UNITS[unit], 64 * UNITS[unit] + 64) if b % 9 == BEGINNINGS.index(name))
    steps = int(number) if sign == "+" else -int(number)
    if name == "end":
        steps += 1  # the fuzzer begins at 2^64 - 1
    return bytes([byte]) + (steps % 65536).to_bytes(2, "little")


def deadline_bytes(text):
    now, timeout, deadline, poller, happening, fault = [part.strip() for part in text.split(";")]
    kind, at = happening.split()
    fault, *amount = fault.split()
    byte = POLLERS.index(poller) + 10 * HAPPENINGS.index(kind) + 40 * FAULTS.index(fault)
    data = time_bytes(now.split()[1]) + bytes([TIMEOUTS.index(timeout.split()[1])]) + time_bytes(deadline.split()[1])
    data += bytes([byte]) + time_bytes(at)
    waits, span_ns = (int(word) for word in amount) if amount else (0, 0)
    return data + bytes([waits]) + span_ns.to_bytes(4, "little")


def seeds():
    for name, text in TABLE.items():
        yield CORPUS / "table_fuzzer" / name, table_bytes(text)
    for name, text in DEADLINE.items():
        yield CORPUS / "deadline_fuzzer" / name, deadline_bytes(text)


def main(arguments):
    if arguments == ["--help"]:
        print(__doc__)
        return 0
    if arguments not in (["--write"], ["--check"]):
        sys.stderr.write("fuzz/seeds.py: --write or --check, please (--help tells more)\n")
        return 2
    differing = 0
    for path, data in seeds():
        if arguments == ["--write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(f"{path.parent.name}/{path.name} is not what its text says: run fuzz/seeds.py --write")
            differing += 1
    print(f"{len(TABLE)} seeds of table_fuzzer, {len(DEADLINE)} of deadline_fuzzer")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
