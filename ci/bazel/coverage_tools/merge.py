#!/usr/bin/env python3
"""Offline stand-in for Bazel's lcov_merger: gcov JSON and lcov files become one lcov file."""
import glob
import gzip
import json
import os
import sys


def add_gcov(lines, path):
    with gzip.open(path) as file:
        for entry in json.load(file)["files"]:
            for line in entry["lines"]:
                add(lines, entry["file"], line["line_number"], line["count"])


def add_lcov(lines, path):
    source = None
    with open(path, errors="replace") as file:
        for text in file:
            if text.startswith("SF:"):
                source = text[3:].strip()
            elif text.startswith("DA:") and source:
                number, count = text[3:].split(",")[:2]
                add(lines, source, int(number), int(float(count)))


def add(lines, source, number, count):
    if not source.startswith(("/usr/", "external/")):
        counts = lines.setdefault(source, {})
        counts[number] = counts.get(number, 0) + count


def main():
    options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--") and "=" in a)
    lines = {}
    for path in glob.glob(os.path.join(options.get("coverage_dir", "/nonexistent"), "**"), recursive=True):
        if path.endswith(".gcov.json.gz"):
            add_gcov(lines, path)
        elif path.endswith((".dat", ".lcov", ".info")):
            add_lcov(lines, path)
    if "reports_file" in options:
        with open(options["reports_file"]) as file:
            for path in filter(os.path.exists, file.read().split()):
                add_lcov(lines, path)
    with open(options["output_file"], "w") as out:
        for source, counts in sorted(lines.items()):
            out.write("SF:%s\n" % source)
            out.writelines("DA:%d,%d\n" % item for item in sorted(counts.items()))
            out.write("LH:%d\nLF:%d\nend_of_record\n" % (sum(c > 0 for c in counts.values()), len(counts)))


if __name__ == "__main__":
    main()
