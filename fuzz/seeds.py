#!/usr/bin/env python3
"""Writes the seeds of table_fuzzer, deadline_fuzzer, timer_fuzzer, codec_fuzzer and codec_io_fuzzer from the text below.

Usage: fuzz/seeds.py --write | --check | --help

  --write  writes fuzz/corpus/TARGET/NAME
  --check  compares them with what is there: exit status 1 if they differ, or one is missing
  --help   prints this

A seed of table_fuzzer is "MODE SLOTS [GENERATION]: CALL; CALL; ...". A call has an atom (a0 to a7 have the descriptors 0 to
7, a8 to a11 those of a0 to a3 again, a12 to a15 cannot be added: negative, too large, and without a callback), and flags (r,
w, x, 1 for oneshot, or 0), or the bits of a report, or the distance of a stale generation. The callbacks of a dispatch make the
calls in the brackets behind it, one bracket for each in the order in which their events came.

A seed of deadline_fuzzer is "now TIME; timeout MS; deadline TIME; POLLER; HAPPENING TIME; FAULT": a time is a beginning and an
offset, as in near+5ms; end is 2^64 ns, so that end-1 is the time that means never.

A seed of timer_fuzzer is "TIME, POLLER, PLACES: CALL; CALL; ...". A time is now, zero (the clock's), first (deadline) or end, and
an offset, as in now+5ms (behind first: +127 to -128 ns), or a number of nanoseconds; a timer is t0 to t11. Behind a dispatch
stand brackets, one for each callback, in the order in which they come, with what it calls.

A seed of codec_fuzzer is "LETTER MEMORY LIMIT: PIECE ...", as in the head of fuzz/codec_fuzzer.c; a piece is 'bytes', feed
'bytes', put 'bytes' or end.

A seed of codec_io_fuzzer is "LETTER CHANNEL LIMIT READER WRITER: FAULT... ; LENGTH...", as in the head of
fuzz/codec_io_fuzzer.c: CHANNEL is pipe or socket, with -small or -cut behind it; READER and WRITER are bytes of their memory
besides the least; a fault is eintr, error, none, or the greatest number of bytes that are moved; a length is N or N*TIMES.

Other files in the folders, such as the reproducers of what was found, stay as they are.
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

TIMER = {
    "one-shot": "zero+9s, epoll edge, 2: at t0 now+5ms; wait -1; dispatch []; dispatch; free t0; wait 10",
    "never-early": "zero+9s, poll level, 3: at t0 now+5ms; advance first-1; dispatch; wait 0; dispatch; advance first+0; dispatch []",
    "M1-zero": "zero+9s, epoll level, 1: in t0 now+0; wait -1; dispatch []; at t0 zero+0; wait -1; dispatch []",
    "M10-zero-arms-itself-again": "zero+9s, epoll edge, 1: in t0 now+0; wait -1; dispatch [in t0 now+0]; wait -1;"
    " dispatch [in t0 now+0]; dispatch [at t0 zero+0]; dispatch [cancel t0]",
    "M11-behind": "zero+9s, select level, 2: at t0 now+5ms every 5ms; wait -1; dispatch []; advance now+53ms; dispatch [];"
    " wait -1; dispatch []; advance first+0; dispatch []; at t0 now-10us every 10us; dispatch []; at t0 now-9us every 10us; dispatch []",
    "M11-long-behind": "zero+9s, kqueue edge, 2: at t0 zero+7 every 1; dispatch []; advance now+200h; dispatch []; advance now+1; dispatch []",
    "M12-no-starving": "zero+9s, epoll edge, 3: at t0 zero+0; at t1 zero+1; put; wait -1; dispatch [] [at t0 zero+0] [at t1 zero+1];"
    " put; wait 0; dispatch [] [] []",
    "M13-cancelled-when-due": "zero+9s, uring edge, 6: at t0 zero+1; at t1 zero+2; at t2 zero+3 every 1h; at t3 zero+4;"
    " dispatch [cancel t1; cancel t2] [free t3; cancel t1]; dispatch",
    "freed-when-due": "zero+9s, epoll level, 6: at t0 zero+1; at t1 zero+2; at t2 zero+3 every 1h; at t3 zero+4;"
    " dispatch [free t0; free t1; free t2] [free t3]; dispatch",
    "interval-ends-itself": "zero+9s, poll edge, 2: at t0 zero+1 every 5ms; dispatch [free t0]; at t1 zero+1 every 5ms;"
    " dispatch [cancel t1]; advance now+1h; dispatch; at t0 zero+1 every 5ms; dispatch [at t0 now+1ms]; advance now+1h; dispatch []",
    "cancelled-by-an-atom": "zero+9s, epoll edge, 4: at t0 zero+1; at t1 zero+2; put; wait -1;"
    " dispatch [free t0; at t2 zero+0; advance now+5ms; at t3 now-1] [] [] []",
    "the-clock-moves-in-callbacks": "zero+9s, epoll level, 4: at t0 zero+1; at t1 now+1ms; in t2 now+3ms; put; wait 0;"
    " dispatch [advance now+2ms] [advance now+9ms; in t3 now+1ms] []; dispatch [] [advance now+1ms]; dispatch []",
    "Z62-armed-in-a-round": "zero+9s, select edge, 9: at t0 zero+9; at t1 zero+8; dispatch [at t0 zero+1; at t2 zero+0; at t3 now+0;"
    " ] [at t1 zero+1; at t3 now+1ms; at t4 zero+3]; dispatch [cancel t1; at t5 zero+0; free t5] [] []; dispatch [] []",
    "moved-in-a-round": "zero+9s, epoll edge, 12: at t0 zero+1; at t1 now+1h; at t2 now+2h; at t3 now+3h; at t4 now+4h; at t5 now+5h;"
    " dispatch [at t5 zero+0; at t3 zero+2; at t1 now+6h]; dispatch [at t5 zero+0; at t5 now+1h; at t4 zero+9] [cancel t4; at t3 zero+1;"
    " cancel t5]; dispatch [] []",
    "full": "zero+9s, epoll edge, 2: at t0 zero+1; at t1 now+1h; at t2 zero+3; at t1 zero+2; dispatch [at t2 zero+1; at t0 zero+1]"
    " [at t0 zero+1; cancel t2; at t0 zero+1]; dispatch [at t1 zero+0; at t2 zero+0]; attach 1; at t0 zero+1; at t1 zero+1; dispatch []",
    "busy": "zero+9s, epoll edge, 2: at t0 zero+1; put; wait 0; dispatch [busy] [busy; put]; wait -1; dispatch []",
    "Z63-interval-of-long-ago": "zero+9s, epoll edge, 2: at t0 zero+0 every 1; dispatch []; at t0 zero+0 every end-1; dispatch [];"
    " at t0 zero+2 every end-2; dispatch []; at t0 zero+2 every end-3; dispatch []; wait 10; dispatch",
    "Z54-the-end": "end-200ms, epoll edge, 3: at t0 end-0; in t1 end-0; in t2 now+2s; at t0 end-1 every 1ms; wait 10; dispatch;"
    " advance end-1; dispatch []; advance end-0; dispatch; at t1 end-0; at t2 now+0; dispatch; wait -1",
    "Z54-a-delay-beyond-the-end": "zero+9s, poll level, 3: in t0 now-1; in t1 end-0; in t2 end-1; wait 10; dispatch; advance end-1;"
    " dispatch []; advance end-0; dispatch",
    "the-beginning": "zero+0, kqueue level, 3: at t0 zero+0; in t1 now+1; in t2 now+0; wait -1; dispatch [] []; wait -1; dispatch []",
    "Z64-counted-from-now": "zero+9s, epoll edge, 3: at t0 zero+1; dispatch [advance now+5ms; in t1 now+1ms]; advance first-1; dispatch;"
    " advance first+0; dispatch []",
    "Z65-taken-from-the-middle": "zero+9s, epoll edge, 12: at t0 now+1s; at t1 now+2s; at t2 now+50s; at t3 now+60s; at t4 now+70s;"
    " at t5 now+3s; at t6 now+4s; at t7 now+5s; at t8 now+6s; at t9 now+51s; at t10 now+52s; at t11 now+7s; cancel t9; cancel t10;"
    " cancel t1; cancel t5; at t2 now+10ms; at t6 now+99s; at t0 now+98s; advance now+255s; dispatch [] [] [] [] [] [] [] []",
    "Z65-up-and-down": "zero+9s, epoll level, 12: at t0 zero+1; at t1 zero+10; at t2 zero+20; at t3 zero+30; at t4 zero+40; at t5 zero+11;"
    " at t6 zero+12; at t7 zero+13; at t8 zero+14; at t9 zero+21; at t10 zero+22; at t11 zero+15; cancel t9; at t3 zero+0;"
    " at t0 zero+99; at t8 zero+2; dispatch [] [] [] [] [] [] [] [] [] [] []",
    "Z66-first-last": "zero+9s, epoll edge, 12: at t11 zero+1; at t10 zero+2; at t9 zero+3; at t8 zero+4; at t7 zero+5; at t6 zero+6;"
    " at t5 zero+7; at t4 zero+8; at t3 zero+9; at t2 zero+10; at t1 zero+11; at t0 zero+12; dispatch; dispatch",
    "Z69-the-first-is-cancelled": "zero+9s, epoll edge, 4: at t0 now+10ms; at t1 now+20ms; cancel t0; wait -1; dispatch []; at t0 now+5ms;"
    " at t0 now+9ms; wait -1; at t2 now+30ms; at t2 now+3ms; wait -1; dispatch [] []; at t0 now+1ms; cancel t0; wait 10; wait -1",
    "Z67-all-are-cancelled": "zero+9s, epoll edge, 3: at t0 zero+1; at t1 zero+1; at t2 now+1ms; cancel t0; cancel t1; cancel t2; cancel t2;"
    " dispatch; wait 10; dispatch",
    "attach-again": "zero+9s, epoll edge, 12: at t0 zero+1; at t1 now+1h every 1h; attach 3; cancel t1; dispatch; at t1 zero+1; wait -1;"
    " dispatch []; wait 10",
    "equal-deadlines": "zero+9s, epoll edge, 12: at t0 zero+5; at t1 zero+5; at t2 zero+5 every 5; at t3 zero+4; at t4 zero+6; at t5 zero+5;"
    " dispatch [] [] [] [] [] []",
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


TIMER_CALLS = "at in cancel free advance put wait dispatch attach".split()
SPANS = {"": 0, "us": 1, "ms": 2, "s": 3, "h": 4}
WAITS = ["0", "-1", "1", "10", "1000", "INT_MAX-1", "INT_MAX", "86400000"]


def span_bytes(number, unit):
    return bytes([SPANS[unit], int(number)])


def timer_time_bytes(text):
    if text.isdigit():
        return bytes([5]) + int(text).to_bytes(8, "little")
    name, sign, number, unit = re.fullmatch(r"(now|zero|end|first)([+-])(\d+)(\w*)", text).groups()
    if name == "first":
        return bytes([4, 128 + int(sign + number)])
    return bytes([{"now+": 0, "now-": 1, "zero+": 2, "end-": 3}[name + sign]]) + span_bytes(number, unit)


def interval_bytes(text):
    end, number, unit = re.fullmatch(r"(end-)?(\d+)(\w*)", text).groups()
    return bytes([3 if end else 2]) + span_bytes(number, unit)


def timer_call_bytes(text, brackets=()):
    name, *words = text.split()
    data = bytes([TIMER_CALLS.index("wait" if name == "busy" else name)])
    if name in ("at", "in", "cancel", "free"):
        data += bytes([int(words.pop(0)[1:])])
    if name in ("at", "in", "advance"):
        data += timer_time_bytes(words.pop(0))
    if name in ("at", "in"):
        data += interval_bytes(words[1]) if words else bytes([0])
        words = words[2:]
    elif name == "wait":
        data += bytes([WAITS.index(words.pop(0))])
    elif name == "attach":
        data += bytes([int(words.pop(0)) - 1])
    if words:
        raise ValueError(f"too many words: {text}")
    for inner in brackets:
        calls = [part for part in inner.split(";") if part.strip()]
        data += bytes([len(calls)]) + b"".join(timer_call_bytes(part) for part in calls)
    return data


def timer_bytes(text):
    head, _, calls = text.partition(":")
    time, poller, places = [part.strip() for part in head.split(",")]
    data = timer_time_bytes(time) + bytes([POLLERS.index(poller), int(places) - 1])
    for call, brackets in re.findall(r"\s*([^;\[\]]+?)\s*((?:\[[^\]]*\]\s*)*)(?:;|$)", calls):
        data += timer_call_bytes(call, re.findall(r"\[([^\]]*)\]", brackets))
    return data


CODEC = {
    "lines": r"l 16 8: 'one\ntwo\n\nfo' 'ur\n' end",
    "line-before-the-end": r"l 32 8: feed 'one\ntwo\nth' feed 'ree\n' end",
    "line-crlf-is-not-asked-for": r"l 16 8: 'one\r\n\r\n'",
    "line-cut-off": r"l 16 8: 'one\ntw' end 'o\n'",
    "line-too-long": r"l 16 4: '1234\n12345' '\n'",
    "line-at-the-limit-crlf": r"c 6 4: '1234\r' '\n123' '4\r\n' '12345'",
    "line-crlf": r"c 32 16: 'a\r\n\r\n\nb\nc\r\r\n\rd\n' 'e\r' '\n' '\r' end",
    "line-crlf-limit-and-end": r"c 16 4: '1234\r' end",
    "line-memory-full": r"l 5 4: '1234567\n' '12'",
    "line-memory-of-one": r"l 1 0: '\n\n' 'x'",
    "line-moves-through-memory": r"l 6 4: 'ab\ncd\n' 'e\nfgh' '\nijk' 'l\n\n\n\n\nm' 'n\n'",
    "frames-1": r"1 32 16: '\x03abc\x00\x01d' '\x05ef' 'ghi' end",
    "frames-2": r"2 32 16: '\x00\x03abc\x00' '\x00\x00' '\x01d' end",
    "frames-4": r"4 32 16: '\x00\x00\x00\x03abc\x00\x00\x00\x00\x00\x00' '\x00\x01d' end",
    "frames-8": r"8 32 16: '\x00\x00\x00\x00\x00\x00\x00\x03abc\x00\x00' '\x00\x00\x00\x00\x00\x00' end",
    "frames-varint": r"v 32 16: '\x03abc\x00\x82\x00de' '\x81' '\x80\x00f' end",
    "frame-before-the-end": r"1 32 8: feed '\x03one' feed '\x00\x03two\x02' end",
    "frame-cut-off": r"2 32 16: '\x00\x01a\x00\x02b' end",
    "frame-prefix-cut-off": r"4 32 16: '\x00\x00\x00' end",
    "frame-too-long": r"1 32 16: '\x100123456789abcdef\x11' '0123'",
    "frame-too-long-high-byte": r"8 32 16: '\x01\x00\x00\x00\x00\x00\x00\x01' 'a'",
    "frame-too-long-4": r"4 32 16: '\x00\x01\x00\x01a'",
    "frame-varint-64-bits": r"v 32 16: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01'",
    "frame-varint-65-bits": r"v 32 16: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02'",
    "frame-varint-11-bytes": r"v 32 16: '\x80\x80\x80\x80\x80\x80\x80\x80\x80' '\x80\x01'",
    "frame-fills-the-memory": r"2 10 8: '\x00\x0812345678' '\x00\x04abcd\x00' '\x08zyxwvuts'",
    "written-lines": r"l 64 40: put 'one' put '' put 'thr\nee' put 'four' end",
    "written-lines-crlf": r"c 64 40: put 'one' put '' put 'x\r' put 'four' end",
    "written-frames-1": r"1 64 40: put 'one' put '' put 'three' end",
    "written-frames-2": r"2 64 40: put 'one' put '' put 'three'",
    "written-frames-4": r"4 64 40: put 'one' put '' put 'three'",
    "written-frames-8": r"8 64 40: put 'one' put '' put 'three'",
    "written-frames-varint": r"v 64 40: put 'one' put '' put 'three' end",
    "written-into-a-full-reader": r"l 8 7: 'abcdefg' put 'hij' put 'kl' put 'mn'",
    "written-until-full": r"8 10 2: put '1234567890' put '1234567890123456789' put '12345678' put '12345' put ''",
    "arguments": r"8 10 3:",
}


def codec_bytes(text):
    """LETTER MEMORY LIMIT: PIECE... where a piece is 'bytes', feed 'bytes' (not asked for items), put 'bytes' or end."""
    head, _, pieces = text.partition(":")
    letter, memory, limit = head.split()
    data = bytes([ord(letter), int(memory), int(limit)])
    for how, piece, end in re.findall(r"(put |feed )?'([^']*)'|(end)", pieces):
        content = piece.encode("latin-1").decode("unicode_escape").encode("latin-1")
        first, room = {"": (0, 48), "feed ": (0x60, 32), "put ": (0x90, 48)}[how]
        if len(content) >= room:
            raise ValueError(f"too long a piece: {text}")
        data += b"\xf0" if end else bytes([first + len(content)]) + content
    return data


CODEC_IO = {
    "lines": "l pipe 80 0 0: ; 0 1 80 79 40",
    "lines-crlf": "c socket 80 10 10: ; 0 1 80 79 40",
    "frames-1": "1 pipe 255 0 0: ; 0 255 1 128",
    "frames-2": "2 socket 200 3 3: ; 0 200 1 128",
    "frames-4": "4 pipe 200 100 7: ; 0 200 1 128",
    "frames-8": "8 socket 200 1 100: ; 0 200 1 128",
    "frames-varint": "v pipe 255 0 0: ; 0 127 128 255 1",
    "nothing": "4 pipe 9 0 0: ;",
    "cut-line": "l pipe-cut 20 0 0: ; 5 20",
    "cut-frame": "4 socket-cut 20 0 0: ; 5 20",
    "cut-frame-1": "1 pipe-cut 20 0 0: ; 5 20",
    "cut-varint": "v socket-cut 255 0 0: ; 5 200",
    "full-pipe": "l pipe-small 255 0 0: ; 250*60",
    "full-socket": "4 socket-small 255 255 255: ; 200*150",
    "short": "4 pipe 100 0 0: 1 2 3 4 5 1 1 1 1 7 9 3 2 1; 50 60 70 0 0 80",
    "short-lines": "c socket 100 0 0: 1 1 1 1 1 1 1 1 1 1 2 3; 5 6 70 0 0 80",
    "short-and-full": "2 pipe-small 255 50 90: 32 32 32 32 1 1 32 5 none 4; 255*40",
    "interrupted": "v pipe 100 0 0: eintr eintr none eintr 3 eintr eintr; 50 60 70",
    "errors": "8 socket 100 0 0: error error none error 3 error eintr error; 50 60 70 1",
    "errors-in-a-full-pipe": "l pipe-small 255 9 9: none none error 9 error eintr error none error; 255*50",
}


def codec_io_bytes(text):
    head, _, rest = text.partition(":")
    letter, channel, *sizes = head.split()
    limit, reader, writer = map(int, sizes)
    kind, *marks = channel.split("-")
    bits = (kind == "socket") + 2 * ("small" in marks) + 4 * ("cut" in marks)
    faults, _, lengths = rest.partition(";")
    words = {"eintr": 0, "error": 1, "none": 2}
    faults = [words[word] if word in words else (int(word) - 1) * 8 + 3 for word in faults.split()]
    items = []
    for word in lengths.split():
        length, _, times = word.partition("*")
        items += [int(length)] * int(times or 1)
    return bytes(["1248vlc".index(letter), bits, limit - 1, reader, writer, len(faults), *faults, *items])


def seeds():
    for name, text in CODEC_IO.items():
        yield CORPUS / "codec_io_fuzzer" / name, codec_io_bytes(text)
    for name, text in CODEC.items():
        yield CORPUS / "codec_fuzzer" / name, codec_bytes(text)
    for name, text in TABLE.items():
        yield CORPUS / "table_fuzzer" / name, table_bytes(text)
    for name, text in DEADLINE.items():
        yield CORPUS / "deadline_fuzzer" / name, deadline_bytes(text)
    for name, text in TIMER.items():
        yield CORPUS / "timer_fuzzer" / name, timer_bytes(text)


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
    print(f"{len(TABLE)} seeds of table_fuzzer, {len(DEADLINE)} of deadline_fuzzer, {len(TIMER)} of timer_fuzzer, {len(CODEC)} of codec_fuzzer, {len(CODEC_IO)} of codec_io_fuzzer")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
