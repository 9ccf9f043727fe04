#!/usr/bin/env python3
"""Reads the build events that Bazel wrote (one JSON object a line) and prints what became of each test."""
import argparse
import json
import re
import shutil
import sys
import urllib.parse

PASSED, FAILED, SKIPPED = "PASSED", "FAILED", "SKIPPED"


class Test:
    def __init__(self, tags):
        self.needs = [tag[len("needs-"):] for tag in tags if tag.startswith("needs-")]
        self.status = None
        self.seconds = 0.0
        self.cached = False
        self.logs = []
        self.reason = ""


def read_events(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:  # the last line while Bazel is writing it
                    return
    except FileNotFoundError:
        return


def read_tests(path):
    tests = {}
    for event in read_events(path):
        kind, key = next(iter(event["id"].items()))
        label = key.get("label") if isinstance(key, dict) else None
        if kind == "targetConfigured" and "testSize" in event.get("configured", {}):
            tests[label] = Test(event["configured"].get("tag", []))
        elif label in tests:
            note(tests[label], kind, event)
    return tests


def note(test, kind, event):
    if "aborted" in event:
        skipped = event["aborted"].get("reason") == "SKIPPED"
        test.status = SKIPPED if skipped else FAILED
        test.reason = missing_tools(test.needs) if skipped else "not run"
    elif kind == "targetCompleted" and not event["completed"].get("success"):
        test.status, test.reason = FAILED, "failed to build"
    elif kind == "testSummary":
        note_summary(test, event["testSummary"])
    elif kind == "testResult":
        output = event["testResult"].get("testActionOutput", [])
        test.logs += [entry["uri"] for entry in output if entry["name"] == "test.log" and "uri" in entry]


def note_summary(test, summary):
    test.seconds = int(summary.get("totalRunDurationMillis", 0)) / 1000
    test.cached = int(summary.get("totalNumCached", 0)) > 0
    test.status = PASSED if summary["overallStatus"] == "PASSED" else FAILED
    if test.status == FAILED and summary["overallStatus"] != "FAILED":
        test.reason = summary["overallStatus"].lower().replace("_", " ")
    own = own_skip(test) if test.status == PASSED else None
    if own:
        test.status, test.reason = SKIPPED, own


def own_skip(test):
    """The reason with which a test skipped itself, or None."""
    for uri in test.logs:
        try:
            with open(urllib.parse.unquote(urllib.parse.urlparse(uri).path), errors="replace") as file:
                for line in file:
                    match = re.match(r"SKIPPED: (.+)", line)
                    if match:
                        return match.group(1).strip()
        except OSError:
            pass
    return None


def missing_tools(needs):
    missing = [tool for tool in needs if not shutil.which(tool)]
    if missing:
        return "not installed: " + ", ".join(missing)
    if needs:
        return "doesn't work here: " + ", ".join(needs)
    return "not for this machine"


def print_progress(tests, seconds):
    done = [test for test in tests.values() if test.status]
    failed = sum(test.status == FAILED for test in done)
    waiting = sorted(label for label, test in tests.items() if not test.status)
    text = "%d of %d tests done, %d failed" % (len(done), len(tests), failed) if tests else "loading"
    if 0 < len(waiting) <= 3:
        text += "; waiting for " + ", ".join(waiting)
    print("  %4d s  %s" % (seconds, text), flush=True)


def print_table(tests):
    order = {PASSED: 0, SKIPPED: 1, FAILED: 2}
    width = max(map(len, tests), default=0)
    for label in sorted(tests, key=lambda name: (order[tests[name].status], name)):
        test = tests[label]
        time = "cached" if test.cached else "%.1f s" % test.seconds if test.seconds else ""
        print(("%-7s  %-*s  %8s  %s" % (test.status, width, label, time, test.reason)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--progress", type=int, metavar="SECONDS", help="print one line about a run under way")
    parser.add_argument("--require-all", action="store_true", help="a skipped test is a failure")
    parser.add_argument("--bazel-status", type=int, default=0, metavar="N", help="Bazel's exit status")
    parser.add_argument("events")
    options = parser.parse_args()
    tests = read_tests(options.events)
    if options.progress is not None:
        print_progress(tests, options.progress)
        return 0
    for test in tests.values():
        if not test.status:
            test.status, test.reason = FAILED, "not run"
    print_table(tests)
    count = {status: sum(t.status == status for t in tests.values()) for status in (PASSED, FAILED, SKIPPED)}
    # 4: no test was found, 3: a test failed. What else there is, no test stands for: a target or a package is broken.
    if options.bazel_status != 0 and count[FAILED] == 0:
        print("FAILED   the build itself (bazel exit status %d; see the messages above)" % options.bazel_status)
        count[FAILED] = 1
    elif count[PASSED] == 0:
        print("no test passed")
    if options.require_all and count[SKIPPED]:
        print("--require-all: a skipped test is a failure")
    print("%d passed, %d failed, %d skipped" % (count[PASSED], count[FAILED], count[SKIPPED]))
    bad = count[FAILED] or not count[PASSED] or (options.require_all and count[SKIPPED])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
