"""What clang says of a C file: its functions as trees of nodes, each with the bytes of the source that it covers."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from fuzzkit.common import Trouble

_TRANSPARENT = {"ImplicitCastExpr", "ConstantExpr", "FullExpr"}
_COMMENT = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass
class Node:
    kind: str
    begin: int  # offsets in the file that the function stands in
    end: int
    atom: bool  # the expansion of one object-like macro: a word in the source, whatever it stands for
    raw: dict  # clang's own description
    children: list = field(default_factory=list)

    @property
    def type(self):
        described = self.raw.get("type", {})
        return described.get("desugaredQualType") or described.get("qualType", "")


@dataclass
class Function:
    file: str  # relative to the root
    name: str
    result: str
    body: Node


def without_comments(code):
    return _COMMENT.sub(b" ", code)


class _Reader:
    """Turns clang's JSON into nodes. clang names a file only where it differs from that of the place told before."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.file = ""
        self.sources = {}
        self.paths = {}

    def source(self, file):
        if file not in self.sources:
            self.sources[file] = (self.root / file).read_bytes()
        return self.sources[file]

    def locate(self, value):
        """Writes into each place the file that it is in."""
        if isinstance(value, list):
            for item in value:
                self.locate(item)
        elif isinstance(value, dict):
            if "offset" in value:
                self.file = value.get("file", self.file)
                value["file"] = self.file
                return
            for name, item in value.items():
                if name != "includedFrom":
                    self.locate(item)

    def relative(self, file):
        """The file's path below the root, or "" if it is elsewhere."""
        if file not in self.paths:
            path = (self.root / file).resolve()
            self.paths[file] = str(path.relative_to(self.root)) if path.is_relative_to(self.root) else ""
        return self.paths[file]

    def functions(self, tree):
        for declaration in tree.get("inner", []):
            bodies = [node for node in declaration.get("inner", []) if node.get("kind") == "CompoundStmt"]
            if declaration.get("kind") == "FunctionDecl" and bodies:
                place = declaration["loc"]
                file = self.relative(place.get("expansionLoc", place).get("file", ""))
                if file:
                    result = declaration["type"]["qualType"].partition("(")[0].strip()
                    yield Function(file, declaration["name"], result, self.node(bodies[0], file))

    def node(self, raw, file):
        """The node of a statement or expression, or None if the source has no text that is just this."""
        span = self.span(raw, file)
        inner = [item for item in raw.get("inner", []) if item.get("kind")]
        if raw.get("kind") in _TRANSPARENT and len(inner) == 1:
            # A node of its own only as a remark on the one below.
            node = self.node(inner[0], file)
            if node and raw.get("castKind") == "NullToPointer":
                node.raw = dict(node.raw, type=raw["type"])
            return node
        if span is None:
            return None
        begin, end, atom = span
        node = Node(raw["kind"], begin, end, atom, raw)
        if not atom:
            # An absent part (the condition of `for (;;)`) is {} to clang and None here: places count.
            node.children = [self.node(item, file) if item.get("kind") else None for item in raw.get("inner", [])]
        return node

    def span(self, raw, file):
        """(begin, end, whether it is one macro), or None."""
        places = raw.get("range", {})
        begin, end = places.get("begin", {}), places.get("end", {})
        if not begin or not end:
            return None
        macros = ["expansionLoc" in place for place in (begin, end)]
        first, last = (place.get("expansionLoc", place) for place in (begin, end))
        if self.relative(first["file"]) != file or self.relative(last["file"]) != file:
            return None
        if any("isMacroArgExpansion" in place.get("expansionLoc", {}) for place in (begin, end)):
            return None
        stop = last["offset"] + last["tokLen"]
        code = self.source(file)
        # The end of a function-like macro is not told: leave such a thing alone.
        for place, is_macro in ((first, macros[0]), (last, macros[1])):
            rest = code[place["offset"] + place["tokLen"] :]
            if is_macro and without_comments(rest[:200]).lstrip().startswith(b"("):
                return None
        return first["offset"], stop, all(macros) and first["offset"] == last["offset"]


def parse(compiler, root, file, flags):
    """The functions whose bodies clang sees in the file and in what it includes from below the root."""
    command = [*compiler, *flags, "-fsyntax-only", "-Xclang", "-ast-dump=json", str(file)]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise Trouble(f"{file} does not compile:\n{result.stderr[-2000:]}")
    reader = _Reader(root)
    tree = json.loads(result.stdout)
    reader.locate(tree)
    return list(reader.functions(tree))
