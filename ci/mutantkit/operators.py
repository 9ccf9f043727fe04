"""Where a mistake can be put into a function, and which: the mutation operators.

    negate      a condition becomes its opposite
    logic       && for ||, || for &&
    boundary    <= for <, < for <=, >= for >, > for >=
    constant    0 for 1, 1 for 0, one more, one less; another constant of the same family (SWAPS, below)
    bits        | for &, & for |, x for ~x, << for >>, and so on; one of the core's io_and, io_or, io_without for another
    arithmetic  - for +, + for -, / for *, * for /, / for %, -- for ++
    delete      a statement is dropped
    result      0 is returned
    initial     a variable begins as 0
"""

import hashlib
import re
from dataclasses import dataclass

from fuzzkit.common import Trouble
from mutantkit.syntax import without_comments

# Families of constants: each is replaced by the next one of its line, the last one by the first.
SWAPS = """
    IO_READ IO_WRITE IO_EXCEPT
    IO_EVENTS IO_FLAGS IO_ONESHOT
    IO_MODE_EDGE IO_MODE_EMULATED IO_MODE_LEVEL
    IO_BIT_IN IO_BIT_OUT IO_BIT_PRI IO_BIT_RDHUP
    IO_BIT_HUP IO_BIT_ERR IO_BIT_NVAL
    IO_KERNEL_HUP IO_KERNEL_ERR
    IO_KERNEL_REST IO_KERNEL_DEAD
    IO_HARVEST_DONE IO_HARVEST_MODIFY IO_HARVEST_STALE
    EINVAL EBUSY EBADF ERANGE EEXIST ENOENT EPERM ENOSPC
    EPOLLIN EPOLLOUT EPOLLPRI EPOLLRDHUP
    EPOLLHUP EPOLLERR
    EPOLL_CTL_ADD EPOLL_CTL_MOD EPOLL_CTL_DEL
    POLLIN POLLOUT POLLPRI POLLRDHUP
    POLLHUP POLLERR POLLNVAL
    SET_IN SET_OUT SET_EXCEPT
    io_and io_or
    io_without io_and
"""

_OTHERS = {
    "&&": ("logic", "||"),
    "||": ("logic", "&&"),
    "<": ("boundary", "<="),
    "<=": ("boundary", "<"),
    ">": ("boundary", ">="),
    ">=": ("boundary", ">"),
    "&": ("bits", "|"),
    "|": ("bits", "&"),
    "<<": ("bits", ">>"),
    ">>": ("bits", "<<"),
    "&=": ("bits", "|="),
    "|=": ("bits", "&="),
    "+": ("arithmetic", "-"),
    "-": ("arithmetic", "+"),
    "*": ("arithmetic", "/"),
    "/": ("arithmetic", "*"),
    "%": ("arithmetic", "/"),
    "+=": ("arithmetic", "-="),
    "-=": ("arithmetic", "+="),
    "++": ("arithmetic", "--"),
    "--": ("arithmetic", "++"),
}
_TRUTHS = {"==", "!=", "<", "<=", ">", ">=", "&&", "||"}  # operators whose result is 0 or 1
_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)")
_WHOLE = re.compile(r"(const )?((unsigned|signed|long|short|int|char|_Bool)\b ?)+|u?int(8|16|32|64)_t|io_fd")
_BLOCKS = {"IfStmt", "SwitchStmt", "WhileStmt", "ForStmt"}  # what ends with a statement that may be a block
_LABELS = {"CaseStmt", "DefaultStmt", "LabelStmt"}
# sizeof is a constant; the others are left alone, as the library has none.
_SKIPPED = {"UnaryExprOrTypeTraitExpr", "BinaryConditionalOperator", "StmtExpr", "GenericSelectionExpr"}
# Forms: how a mutant and what it replaces are joined. See schemata.py.
VALUE, TRUTH, STATEMENT = "value", "truth", "statement"


def next_in_family():
    following = {}
    for line in SWAPS.splitlines():
        names = line.split()
        for name, other in zip(names, names[1:] + names[:1]):
            following.setdefault(name, other)
    return following


_FOLLOWING = next_in_family()


@dataclass
class Mutant:
    operator: str
    form: str
    file: str
    function: str
    begin: int
    end: int
    line: int
    column: int
    text: str  # what stands there instead
    change: str  # "before => after"
    context: str  # the statement that it is a part of
    nth: int = 1  # of those in the function that are described by the same words
    number: int = 0  # by which it is selected at run time

    @property
    def words(self):
        return f"{self.change} in {self.context}" if self.context else self.change

    @property
    def key(self):
        """A description that stays the same when lines are moved. What tests/mutants/mechanical.txt has."""
        ordinal = f"#{self.nth}" if self.nth > 1 else ""
        return f"{self.file}:{self.function} {self.operator}{ordinal} {self.words}"

    @property
    def name(self):
        """Short, for tables and --only; as stable as the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:7]

    @property
    def place(self):
        return f"{self.file}:{self.line}:{self.column}:{self.operator}"


def is_whole_number(type_name):
    return bool(_WHOLE.fullmatch(type_name))


def plain(code):
    return " ".join(without_comments(code).decode().split())


def find(code, function):
    mutants = _Finder(code, function).find()
    seen = {}
    for mutant in mutants:
        words = (mutant.operator, mutant.words)
        mutant.nth = seen[words] = seen.get(words, 0) + 1
    return mutants


class _Finder:
    """Collects the mutants of one function."""

    def __init__(self, code, function):
        self.code, self.function = code, function
        self.mutants = []
        self.context = ""

    def find(self):
        self.block(self.function.body, outermost=True)
        return self.mutants

    # The source.

    def text(self, node):
        return self.code[node.begin : node.end].decode()

    def spliced(self, node, begin, end, replacement):
        """The node's text with a part of it replaced."""
        return (self.code[node.begin : begin] + replacement.encode() + self.code[end : node.end]).decode()

    def token(self, begin, end, word):
        """The place of an operator between its operands."""
        gap = self.code[begin:end]
        blank = re.sub(rb"/\*.*?\*/|//[^\n]*", lambda match: b" " * len(match.group()), gap, flags=re.DOTALL)
        at = blank.find(word.encode())
        if at < 0 or blank.strip() != word.encode():
            raise Trouble(f"{self.function.file}: no '{word}' where one is: {gap.decode()!r}")
        return begin + at

    def add(self, operator, form, node, text, end=None):
        end = end or node.end
        before = self.context if form == STATEMENT else plain(self.code[node.begin : end])
        context = "" if before == self.context else self.context
        line = self.code.count(b"\n", 0, node.begin) + 1
        column = node.begin - (self.code.rfind(b"\n", 0, node.begin) + 1) + 1
        where = (self.function.file, self.function.name, node.begin, end, line, column)
        self.mutants.append(Mutant(operator, form, *where, text, f"{before} => {plain(text.encode())}".strip(), context))

    # Statements.

    def block(self, node, outermost=False):
        for child in node.children:
            # Without its last statement a function that returns something would return anything.
            needed = outermost and child is node.children[-1] and self.function.result != "void"
            self.statement(child, needed)

    def statement(self, node, needed=False):
        if node is None:
            return  # it begins or ends within a macro
        kind = node.kind
        if kind == "CompoundStmt":
            self.block(node)
            return
        self.context = self.head(node)
        if kind == "DeclStmt":
            self.declarations(node)
            return
        if kind in _LABELS:
            self.statement(node.children[-1], needed)
            return
        idle = kind == "NullStmt" or (kind == "ReturnStmt" and node.children) or self.is_idle(node)
        if not needed and not idle:
            self.add("delete", STATEMENT, node, "", end=self.statement_end(node))
        if kind == "IfStmt":
            self.truth(node.children[0])
            for child in node.children[1:]:
                self.statement(child)
        elif kind in ("WhileStmt", "DoStmt"):
            condition, body = node.children if kind == "WhileStmt" else reversed(node.children)
            self.truth(condition)
            self.statement(body)
        elif kind == "ForStmt":
            begin, _, condition, step, body = node.children
            if begin and begin.kind == "DeclStmt":
                self.declarations(begin)
            elif begin:
                self.value(begin)
            if condition:
                self.truth(condition)
            if step:
                self.value(step)
            self.statement(body)
        elif kind == "ReturnStmt":
            self.returned(node)
        elif kind == "SwitchStmt":
            self.value(node.children[0])
            self.statement(node.children[1])
        elif kind not in ("BreakStmt", "ContinueStmt", "GotoStmt", "NullStmt"):
            self.value(node)

    def head(self, node):
        """The statement's text without the block that belongs to it."""
        end = node.end
        if node.kind in _BLOCKS:
            end = node.children[1 if node.kind == "IfStmt" else -1].begin
        elif node.kind == "DoStmt":
            return "do"
        return plain(self.code[node.begin : end]).removesuffix(";")

    def statement_end(self, node):
        """Behind the semicolon that belongs to it."""
        if node.kind in _BLOCKS and self.code[node.end - 1 : node.end] == b"}":
            return node.end
        at = self.code.find(b";", node.end)
        if at < 0 or without_comments(self.code[node.end : at]).strip():
            raise Trouble(f"{self.function.file}: a statement of {self.function.name} has no end: {self.text(node)}")
        return at + 1

    @staticmethod
    def is_idle(node):
        """`(void)argument;` does nothing."""
        argument = node.children[0] if node.kind == "CStyleCastExpr" else None
        return argument is not None and argument.kind == "DeclRefExpr"

    def declarations(self, statement):
        """A static variable's value must stay constant."""
        for node in statement.children:
            if node is None or node.kind != "VarDecl" or "init" not in node.raw:
                continue
            value = node.children[-1]
            if node.raw.get("storageClass") == "static" or value is None:
                continue
            if is_whole_number(node.type) and not self.is_constant(value):
                self.add("initial", VALUE, value, "0")
            self.value(value)

    def returned(self, node):
        if not node.children or node.children[0] is None:
            return
        value = node.children[0]
        pointer = self.function.result.endswith("*")
        if (pointer or is_whole_number(self.function.result)) and not self.is_constant(value):
            self.add("result", VALUE, value, "(void *)0" if pointer else "0")
        self.value(value)

    def is_constant(self, node):
        if node.kind in ("ParenExpr", "UnaryOperator", "CStyleCastExpr"):
            return node.atom or all(child and self.is_constant(child) for child in node.children)
        return node.atom or node.kind == "IntegerLiteral" or self.is_enumerator(node)

    @staticmethod
    def is_enumerator(node):
        return node.kind == "DeclRefExpr" and node.raw["referencedDecl"]["kind"] == "EnumConstantDecl"

    # Expressions.

    def truth(self, node):
        """An expression of which only matters whether it is 0."""
        if node is None:
            return
        if node.kind == "ParenExpr" and not node.atom:
            self.truth(node.children[0])
        elif node.kind == "BinaryOperator" and node.raw["opcode"] in _TRUTHS and not node.atom:
            self.value(node)
        elif node.kind == "UnaryOperator" and node.raw["opcode"] == "!" and not node.atom:
            self.value(node)
        else:
            self.add("negate", TRUTH, node, f"!({self.text(node)})")
            self.value(node)

    def value(self, node):
        if node is None or node.kind in _SKIPPED:
            return
        if node.atom or node.kind == "IntegerLiteral" or self.is_enumerator(node):
            self.constant(node)
        elif node.kind in ("BinaryOperator", "CompoundAssignOperator"):
            self.binary(node)
        elif node.kind == "UnaryOperator":
            self.unary(node)
        elif node.kind == "ConditionalOperator":
            self.truth(node.children[0])
            self.value(node.children[1])
            self.value(node.children[2])
        else:
            if node.kind == "CallExpr":
                self.call(node)
            for child in node.children:
                self.value(child)

    def constant(self, node):
        word = self.text(node)
        if word == "NULL" or "*" in node.type:
            return
        literal = _LITERAL.fullmatch(word)
        if literal:
            number, suffix = int(literal.group(1), 0), literal.group(2)
            for other in (1,) if number == 0 else (number - 1, number + 1):
                self.add("constant", VALUE, node, f"{other}{suffix}")
        elif word in _FOLLOWING:
            self.add("constant", VALUE, node, _FOLLOWING[word])
        else:
            if not word.endswith("_MAX"):  # the largest number has none above it
                self.add("constant", VALUE, node, f"{word} + 1")
            self.add("constant", VALUE, node, f"{word} - 1")

    def binary(self, node, opposite=True):
        left, right = node.children
        word = node.raw["opcode"]
        if left is None or right is None:
            return
        at = self.token(left.end, right.begin, word)

        def replaced(other):
            return self.spliced(node, at, at + len(word), other)

        if opposite and word in _OPPOSITES:
            self.add("negate", VALUE, node, replaced(_OPPOSITES[word]))
        elif opposite and word in _TRUTHS:
            self.add("negate", VALUE, node, f"!({self.text(node)})")
        if word in _OTHERS:
            operator, other = _OTHERS[word]
            self.add(operator, VALUE, node, replaced(other))
        if word in ("&&", "||"):
            self.truth(left)
            self.truth(right)
            return
        # The left side of an assignment is a place, not a value; only what is computed in it can be wrong.
        self.value(left)
        self.value(right)

    def unary(self, node):
        word = node.raw["opcode"]
        operand = node.children[0]
        if operand is None:
            return
        if word == "!":
            self.add("negate", TRUTH, node, self.text(operand))
            while operand and operand.kind == "ParenExpr" and not operand.atom:
                operand = operand.children[0]
            if operand and operand.kind == "BinaryOperator" and not operand.atom:
                self.binary(operand, opposite=False)  # that is the same mutant
            else:
                self.value(operand)
            return
        if word == "~":
            self.add("bits", VALUE, node, self.text(operand))
        elif word in ("++", "--"):
            text = self.spliced(node, operand.end, node.end, _OTHERS[word][1])
            if not node.raw.get("isPostfix"):
                text = self.spliced(node, node.begin, operand.begin, _OTHERS[word][1])
            self.add("arithmetic", VALUE, node, text)
        self.value(operand)

    def call(self, node):
        callee = node.children[0]
        other = _FOLLOWING.get(self.text(callee)) if callee else None
        if other:
            self.add("bits", VALUE, node, self.spliced(node, callee.begin, callee.end, other))
