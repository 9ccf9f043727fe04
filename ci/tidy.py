#!/usr/bin/env python3
"""The checks of ci/tidy that read text. File names come on standard input, each ended by a NUL; findings go out."""
import os
import re
import sys
import urllib.parse

TOP_LEVEL = {"WORKSPACE", "MODULE.bazel", "BUILD", "README.md", "LICENSE", "CONTRIBUTING.md",
             "lib", "fuzz", "proofs", "tests", "ci"}
FUNCTION_LINES = 70
SPEC = "lib/SPEC.md"

# Split, so that this file doesn't find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

DEFINITION = re.compile(r"^- \*\*(IO-[A-Z]+-[0-9]+)\*\*")
CITATION = re.compile(r"(?<![A-Za-z0-9_-])IO-([A-Z]+)-([0-9]+)")
C_CITATION = re.compile(r"(?<![A-Za-z0-9_])IO_([A-Z]+)_([0-9]+)(?![0-9A-Za-z])")

BANNED = re.compile(
    r"(?<![\w.>])("
    r"(?:m|c|re|aligned_)alloc|reallocarray|posix_memalign|memalign|free|alloca|sbrk|brk|"
    r"strn?dup|v?asprintf|v?[fsd]?n?printf|puts|fputs|perror|getaddrinfo|freeaddrinfo|gethostbyname|fopen|fdopen|getline|"
    r"opendir|setenv|putenv|atexit|syslog)\s*\(")

COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
LINK = re.compile(r"\[[^\]\[]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?\s*$")


def report(path, line, message):
    print("%s:%d: %s" % (path, line, message))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blank(match):
    """A comment or a string without its text, on as many lines."""
    return "\n" * match.group(0).count("\n") + " "


def check_top_level(paths):
    for name in sorted({path.split("/")[0] for path in paths}):
        if name not in TOP_LEVEL and not name.startswith("."):
            report(name, 1, "does not belong at the top level")


def check_functions(path, text):
    """In our style a function's braces stand alone in the first column, and nothing else's do."""
    lines = COMMENT_OR_STRING.sub(blank, text).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number - 1
            while start > 1 and not ends_before_function(lines[start - 2]):
                start -= 1
        elif line.startswith("}") and start:
            if number - start + 1 > FUNCTION_LINES:
                report(path, start, "function of %d lines (at most %d)" % (number - start + 1, FUNCTION_LINES))
            start = None


def ends_before_function(line):
    text = line.strip()
    return not text or text.endswith((";", "}")) or text.startswith("#")


def check_unfinished(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        match = UNFINISHED.search(line)
        if match:
            report(path, number, "unfinished: " + match.group(1))


def check_banned(path, text):
    for number, line in enumerate(COMMENT_OR_STRING.sub(blank, text).split("\n"), 1):
        for match in BANNED.finditer(line):
            report(path, number, "the library must not call %s" % match.group(1))


def definitions(paths):
    """The ids that the specification defines; reports what is defined twice."""
    defined = {}
    if SPEC in paths:
        for number, line in enumerate(read(SPEC).split("\n"), 1):
            match = DEFINITION.match(line)
            if match and match.group(1) in defined:
                report(SPEC, number, "%s is defined in line %d already" % (match.group(1), defined[match.group(1)]))
            elif match:
                defined[match.group(1)] = number
    return defined


def check_citations(path, text, defined):
    groups = {name.split("-")[1] for name in defined}
    for number, line in enumerate(text.split("\n"), 1):
        cited = ["IO-%s-%s" % match.groups() for match in CITATION.finditer(line)]
        # Constants look like the C form of an id: only a group of the specification makes it one.
        cited += ["IO-%s-%s" % m.groups() for m in C_CITATION.finditer(line) if m.group(1) in groups]
        for name in cited:
            if name not in defined:
                report(path, number, "%s is not defined in %s" % (name, SPEC))


def prose_lines(text):
    """The lines of a document with what stands in code blocks and code spans taken out."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"\s*(```|~~~)", line):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


def slugs(path):
    """The anchors of a document's headings."""
    found = set()
    for _, line in prose_lines(re.sub(r"`", "", read(path))):
        match = re.match(r"#+\s+(.*)", line)
        if match:
            found.add(re.sub(r"[^\w\- ]", "", match.group(1).strip().lower()).replace(" ", "-"))
    return found


def check_links(path, text):
    for number, line in prose_lines(text):
        targets = LINK.findall(line)
        reference = REFERENCE.match(line)
        for target in targets + ([reference.group(1)] if reference else []):
            problem = link_problem(path, target)
            if problem:
                report(path, number, "link %s: %s" % (target, problem))


def link_problem(path, target):
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", target):
        return None
    name, _, anchor = target.partition("#")
    full = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(name))) if name else path
    if full.startswith(("..", "/")):
        return "leads out of the project"
    if not os.path.exists(full):
        return "no such file"
    if anchor and full.endswith(".md") and anchor.lower() not in slugs(full):
        return "no such heading"
    return None


def is_text(path):
    with open(path, "rb") as file:
        return b"\0" not in file.read(8192)


def in_library(path):
    return path.startswith("lib/") and not path.startswith("lib/examples/")


def check_file(path, defined):
    text = read(path)
    check_citations(path, text, defined)
    if path.endswith((".c", ".h")):
        check_functions(path, text)
        if in_library(path):
            check_banned(path, text)
    if path.endswith(".md"):
        check_links(path, text)
    else:
        check_unfinished(path, text)


def main():
    paths = sorted(filter(None, sys.stdin.read().split("\0")))
    check_top_level(paths)
    defined = definitions(paths)
    for path in paths:
        # Seeds are data, whatever they look like.
        if os.path.isfile(path) and not path.startswith("fuzz/corpus/") and is_text(path):
            check_file(path, defined)


if __name__ == "__main__":
    main()
