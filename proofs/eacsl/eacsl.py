"""What eacsl.sh needs of text: it writes the contracts in the form that E-ACSL executes, puts snapshots into what E-ACSL
generates, and compares what is executed with all clauses that there are. See README.md.

  eacsl.py prepare TREE             rewrites the annotations of TREE/lib/core and TREE/proofs/wp/contracts.h in place
  eacsl.py wire IN OUT SYMBOLS      the generated C with snapshots, and how its functions are to be renamed
  eacsl.py faults FILE              the faults of the list, a name a line
  eacsl.py fault FILE NAME TREE     puts a fault into TREE and prints its file, function and clause
  eacsl.py report ..., faults-report ...
                                    the tables
"""
import json
import pathlib
import re
import sys

# What a predicate says of memory, of labels and of clients is not executed. These have no definition, so that E-ACSL
# leaves out the clause that has one, and says so. io_memory and io_callback stay visible
# in a clause that has other parts.
HEAD = r"""
/*@ predicate io_no_memory(integer x);
    predicate io_no_label(integer x);
    predicate io_no_client(integer x);
    logic integer io_no_term(integer x);
    logic integer io_no_count(integer x); */
#define PROC_KEEPS(proc_) (io_callback: (proc_) != \null)
void io_user_proc(io_poller *poller, io_atom *atom, int flags);
"""
SNAPSHOT = pathlib.Path(__file__).with_name("snapshot.h")
MEMORY = "(io_memory: 0 == 0)"  # not \true, which Frama-C would simplify away
NO_MEMORY = "io_no_memory(0)"
OPEN, CLOSE = "([{", ")]}"


def closing(text, at):
    """The index of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in OPEN:
            depth += 1
        elif text[i] in CLOSE:
            depth -= 1
            if depth == 0:
                return i
    raise ValueError(f"unbalanced: {text[at:at + 60]}")


def split_top(text, separator):
    """Splits at separators that are within no parentheses."""
    parts, depth, begin, i = [], 0, 0, 0
    while i < len(text):
        if text[i] in OPEN:
            depth += 1
        elif text[i] in CLOSE:
            depth -= 1
        elif depth == 0 and text.startswith(separator, i) and not (separator == "==>" and text[i - 1] == "<"):
            parts.append(text[begin:i])
            i += len(separator)
            begin = i
            continue
        i += 1
    return parts + [text[begin:]]


def clause_end(text, begin):
    """The index of the semicolon that ends a clause: not one that follows a quantifier's variables."""
    i = begin
    while True:
        i = text.index(";", i)
        if not re.search(r"\\(forall|exists)\s+integer\s+[\w, ]+$", text[begin:i]):
            return i
        i += 1


def newlines(text):
    return "\n" * text.count("\n")


class Rewriter:
    """Rewrites predicates. It knows which names mean only memory."""

    def __init__(self):
        self.memory = {"\\valid", "\\valid_read", "\\separated", "\\subset"}
        self.labelled = set()

    # --- states ---

    @staticmethod
    def before(term):
        """The term in the state before: read from the snapshot; None if the core is not in it."""
        bare = re.fullmatch(r"\s*\(?(?:c|core)\)?->(slots|queue)\s*", term)
        if bare:
            return f"io_pre->own_{bare[1]}"
        changed, count = re.subn(r"(?<![\w.>\\])(c|core)\b", "io_pre", term)
        return f"({changed})" if count else None

    def states(self, text, in_code):
        """Terms and relations of other states."""
        at = re.compile(r"\\(at|old)\s*\(")
        position = len(text)
        while True:  # innermost first: from the end
            found = [m for m in at.finditer(text, 0, position)]
            if not found:
                break
            match = found[-1]
            position = match.start()
            end = closing(text, match.end() - 1)
            inner = text[match.end():end]
            if match[1] == "at":
                *terms, label = split_top(inner, ",")
                term, label = ",".join(terms), label.strip()
            else:
                term, label = inner, "Pre"
            if label in ("Here", "Post", "L2"):
                new = f"({term})"
            elif label in ("Pre", "L1"):
                new = self.before(term)
                if new is None:
                    # E-ACSL takes \at(x, Pre) within a function's body for x.
                    new = "io_no_term(0)" + newlines(term) if in_code else text[match.start():end + 1]
            else:
                new = "io_no_term(0)" + newlines(term)
            text = text[:match.start()] + new + text[end + 1:]
        while match := re.search(r"(\w+)\{([\w, ]+)\}\s*\(", text):
            end = closing(text, match.end() - 1)
            inner = text[match.end():end]
            first, *second = [x.strip() for x in match[2].split(",")]
            if first in ("Pre", "L1") and (not second or second[0] in ("Post", "Here", "L2")):
                if match[1] in self.labelled:
                    new = f"{match[1]}__pre({inner})"
                else:
                    new = f"{match[1]}({self.before(inner)[1:-1]})"
            else:
                new = "io_no_label(0)" + newlines(inner)
            text = text[:match.start()] + new + text[end + 1:]
        return text

    # --- memory ---

    def is_memory(self, text):
        """Whether a predicate says nothing but of memory."""
        text = text.strip()
        while text.startswith("(") and closing(text, 0) == len(text) - 1:
            text = text[1:-1].strip()
        if text == MEMORY[1:-1]:
            return True
        quantifier = re.match(r"\\forall[^;]*;", text)
        if quantifier:
            return self.is_memory(split_top(text[quantifier.end():], "==>")[-1])
        parts = split_top(text, "&&")
        return len(parts) > 1 and all(self.is_memory(p) for p in parts)

    def without_memory(self, text):
        names = "|".join(re.escape(n) for n in sorted(self.memory, key=len, reverse=True))
        pattern = re.compile(r"(?<![\w\\])(" + names + r")\s*\(")
        while match := pattern.search(text):
            end = closing(text, match.end() - 1)
            text = text[:match.start()] + MEMORY + newlines(text[match.start():end]) + text[end + 1:]
        return text

    # --- the rest ---

    @staticmethod
    def guards(text):
        """`\\forall i; range && more ==> p` becomes `\\forall i; range ==> more ==> p`."""
        position = 0
        while match := re.compile(r"\\forall\s+integer\s+([\w, ]+);").search(text, position):
            position = match.end()
            names = [n.strip() for n in match[1].split(",")]
            parts = split_top(text[position:], "==>")
            if len(parts) < 2:
                continue
            guard = parts[0]
            ranges, others = [], []
            for part in split_top(guard, "&&"):
                is_range = re.match(r"\s*(IN|LIVE)\s*\(", part) or any(
                    re.search(r"<=?\s*%s\s*<" % n, part) for n in names)
                (ranges if is_range else others).append(part)
            if others and ranges:
                new = "&&".join(ranges) + " ==>" + "&&".join(others)
                if new.count("\n") != guard.count("\n"):
                    raise ValueError(guard)
                text = text[:position] + new + text[position + len(guard):]
        return text

    @staticmethod
    def members(text):
        """`x \\in {a, b}` becomes `x == a || x == b`."""
        def one(match):
            return "(" + " || ".join(f"{match[1]} == ({v.strip()})" for v in match[2].split(",")) + ")" + newlines(match[0])
        return re.sub(r"(\\result)\s*\\in\s*\{([^}]*)\}", one, text)

    @staticmethod
    def narrow(text):
        """Counts as int, which they are by the predicate `shape`, so that no big integers are needed."""
        return re.sub(r"(\(\w+\)|\b\w+)->(slot_count|queue_count|cursor)\b", r"((int)\1->\2)", text)

    def predicate(self, text, in_code=False, narrow=True):
        text = self.states(text, in_code)
        text = self.members(text)
        text = self.without_memory(text)
        text = re.sub(r"pending_places\s*\([^()]*\)", "io_no_count(0)", text)
        text = self.guards(text)
        return self.narrow(text) if narrow else text

    def clauses(self, text):
        """Each clause of a contract, a loop or a statement."""
        position = 0
        pattern = re.compile(r"\b(requires|ensures|invariant|assert)\s+(?:(\w+)\s*:(?!:))?")
        while match := pattern.search(text, position):
            end = clause_end(text, match.end())
            old = text[match.end():end]
            new = self.predicate(old, in_code=match[1] in ("invariant", "assert"))
            if self.is_memory(new):
                new = " " + NO_MEMORY + newlines(old)
            elif left_out := re.search(r"io_no_(label|term|client)\(0\)", new):
                new = f" io_no_{left_out[1].replace('term', 'label')}(0)" + newlines(old)
            if new.count("\n") != old.count("\n"):
                raise ValueError(f"lines: {old!r} {new!r}")
            text = text[:match.end()] + new + text[end:]
            position = match.end() + len(new)
        return text

    # --- definitions ---

    def definition(self, match_text):
        """`predicate name{L1, L2}(type x, ...) = body` as a macro."""
        match = re.match(r"predicate\s+(\w+)(\{[^}]*\})?\s*\(([^)]*)\)\s*=(.*)", match_text, re.S)
        name, labels, params, body = match.groups()
        params = [re.split(r"[\s*]+", p.strip())[-1] for p in params.split(",")]
        if name == "client":
            body = "io_no_client(0)"
        if labels:
            self.labelled.add(name)
            name += "__pre"
        body = self.predicate(body, narrow=name != "shape")
        if self.is_memory(body):
            self.memory.add(name)
            body = MEMORY
        for p in params:
            body = re.sub(r"(?<![\w.>\\])%s\b" % p, f"({p})", body)
        return f"#define {name}({', '.join(params)}) ({' '.join(body.split())})"

    def definitions(self, block):
        """The predicates of one annotation, or None if it is something else."""
        text = re.sub(r"//[^\n]*", "", block[3:-2])
        if not re.match(r"\s*predicate\b", text):
            return None
        result, position = [], 0
        while match := re.compile(r"\s*(predicate|logic)\b").match(text, position):
            end = clause_end(text, match.start())
            if match[1] == "predicate":
                result.append(self.definition(text[match.start():end].strip()))
            position = end + 1
        return "\n".join(result)

    # --- files ---

    def region(self, match):
        text = match[0]
        if text.startswith("#"):
            joined = text.replace("\\\n", " ")
            head = re.match(r"#\s*define\s+\w+(\([^)]*\))?", joined)
            body = joined[head.end():]
            if re.search(r"\b(requires|ensures|loop invariant)\b", body):
                body = self.clauses(body)
            elif "shape(" not in body:
                body = self.predicate(body)
                if self.is_memory(body):
                    body = " " + NO_MEMORY
            return head[0] + body + newlines(text)
        defined = self.definitions(text) if text.startswith("/*@") else None
        if defined is not None:
            return defined
        if re.match(r"//@\s*calls\b", text):
            return ""
        return self.clauses(text)

    def file(self, path, head=""):
        text = path.read_text()
        regions = re.compile(r"/\*@.*?\*/|//@[^\n]*|#[ \t]*define(?:\\\n|[^\n])*|/\*.*?\*/|//[^\n]*", re.S)
        text = regions.sub(lambda m: self.region(m) if m[0].startswith(("/*@", "//@", "#")) else m[0], text)
        if head:
            guard = re.search(r"#define IOATOM_\w+_H\n", text).end()
            text = text[:guard] + head + text[guard:]
        path.write_text(text)


CALL = "atom->proc(poller, atom, flags);"


def prepare(tree):
    tree = pathlib.Path(tree)
    rewriter = Rewriter()
    rewriter.file(tree / "proofs/wp/contracts.h", HEAD + SNAPSHOT.read_text())
    for path in sorted((tree / "lib/core").glob("*.[ch]")):
        rewriter.file(path)
    # The callback by its contract's name, so that the contract is executed; the runtime makes the call.
    dispatch = tree / "lib/core/dispatch.c"
    text = dispatch.read_text()
    if text.count(CALL) != 1:
        sys.exit(f"eacsl.py: {dispatch}: where are callbacks called?")
    dispatch.write_text(text.replace(CALL, "io_user_proc(poller, atom, flags);"))


def wire(source, target, symbols):
    """Snapshots around the functions that have contracts, and the symbols that make callers use the checked ones."""
    text = re.sub(r'^#include "__fc_.*\n', "", pathlib.Path(source).read_text(), flags=re.M)  # Frama-C's own
    wrapper = re.compile(r"^(static |__inline )*[\w *]+?\b__gen_e_acsl_(\w+)\(([^)]*)\)\n\{\n.*?^\}\n", re.M | re.S)
    # Reads of memory are ASan's: that which is not instrumented would all be called invalid.
    text = re.sub(r"= __e_acsl_valid_read\([^;]*;", "= 1;", text)
    text = re.sub(r'^ *(\w+)\.blocking = 1;\n *\1\.kind = "RTE";\n(?: *\1\.\w+ = (?:[^;"]|"(?:[^"\\]|\\.)*")*;\n)*?'
                  r' *\1\.name = "mem_access";\n *__e_acsl_assert\([^;]*;\n', "", text, flags=re.M)
    renamed = []

    def one(match):
        body, name, params = match[0], match[2], match[3]
        if re.search(r"^(?!static|__inline|extern)[\w *]+?\b%s\([^;{]*\)\n\{" % name, text, re.M):
            renamed.append(name)
        elif name != "io_user_proc" and not re.search(r"^(static|__inline).*\b%s\(" % name, text, re.M):
            return ""  # a function of the C library, which nobody calls
        core = "core" if re.search(r"io_core (const )?\*core\b", params) else None
        if re.search(r"\*poller\b", params) and not core:
            core = "& poller->core"
        if not core or name == "io_core_init":  # init finds no core
            return body
        call = re.compile(r"^( *)((?:__retres = )?(?:\([\w *]+\))?%s\()" % name, re.M)
        body, calls = call.subn(r"\1io_eacsl_enter(%s);\n\1\2" % core, body)
        body, ends = re.subn(r"^( *)(return\b)", r"\1io_eacsl_leave();\n\1\2", body, flags=re.M)
        if calls != 1 or ends != 1:
            sys.exit(f"eacsl.py: {name}: {calls} calls and {ends} ends in what E-ACSL generated")
        return body

    text = wrapper.sub(one, text)
    text = "struct io_core;\nvoid io_eacsl_enter(void const *core);\nvoid io_eacsl_leave(void);\n" + text
    pathlib.Path(target).write_text(text)
    lines = [f"{n} io_eacsl_unchecked_{n}\n__gen_e_acsl_{n} {n}\n" for n in sorted(set(renamed))]
    pathlib.Path(symbols).write_text("".join(lines))


# --- which clauses are executed ---

# What the marks in a rewritten clause mean. Of the first four the whole clause is left out.
REASONS = {
    "io_no_memory": "it speaks of memory only",
    "io_no_label": "it compares with a state that has no snapshot",
    "io_no_client": "it speaks of the proof's clients",
    "io_no_count": "it uses a recursive logic function",
    "io_memory": "in part: what it says of memory is left out",
    "io_callback": "in part: a callback is any that is not null",
}
NAMELESS = {
    "assigns": "E-ACSL does not execute it",
    "exits": "E-ACSL does not execute it",
    "loop assigns": "E-ACSL does not execute it",
    "loop variant": "E-ACSL does not execute it with big integers",
    "terminates": "E-ACSL does not execute it",
}
KINDS = {"Precondition": "requires", "Postcondition": "ensures", "Invariant": "invariant", "Assertion": "assert"}


def plain(function):
    """A static function of a header gets a number in each further file."""
    return re.sub(r"_\d+$", "", function)


def read_clauses(path):
    """{(function, kind, label): (file, texts)}"""
    result = {}
    for row in pathlib.Path(path).read_text().splitlines():
        kind, function, label, file, _, text = row.split("\t")
        file = re.sub(r"^.*?(lib/core/|proofs/wp/)", r"\1", file)
        if file.startswith(("lib/core/", "proofs/wp/")):
            result.setdefault((plain(function), kind, label), (file, []))[1].append(text)
    return result


def read_executed(path):
    """The clauses for which there is an assertion in the generated C."""
    found = set()
    text = pathlib.Path(path).read_text()
    field = r'\n *\1\.\w+ = (?:[^;"]|"(?:[^"\\]|\\.)*")*;'
    for m in re.finditer(r'(\w+)\.kind = "(\w+)";((?:%s)*)' % field, text):
        if m[2] in KINDS:
            function = re.search(r'\.fct = "(\w+)"', m[3])[1]
            label = re.search(r'\.name = "(\w+)"', m[3])
            found.add((plain(function), KINDS[m[2]], label[1] if label else "-"))
    return found


def read_counts(path):
    counts = {}
    for row in pathlib.Path(path).read_text().splitlines():
        kind, function, label, _, _, number = row.split("\t")
        key = (plain(function), KINDS[kind], label)
        counts[key] = counts.get(key, 0) + int(number)
    return counts


def left_out(clauses, rewritten, executed):
    """{(function, clause): reason}, and what is wrong."""
    reasons, wrong = {}, []
    for key, (_, texts) in clauses.items():
        function, kind, label = key
        if kind in NAMELESS:
            reasons["*", kind] = NAMELESS[kind]
            continue
        if key not in rewritten or len(rewritten[key][1]) != len(texts):
            wrong.append(f"{function} {kind} {label}: lost when the contracts were rewritten")
            continue
        marks = [m for m in REASONS if any(re.search(r"\b%s\b" % m, t) for t in rewritten[key][1])]
        if key in executed and any(m.startswith("io_no_") for m in marks):
            wrong.append(f"{function} {kind} {label}: marked as left out, and executed")
        elif key not in executed and not any(m.startswith("io_no_") for m in marks):
            wrong.append(f"{function} {kind} {label}: E-ACSL leaves it out")
        if marks:
            reasons[function, f"{kind} {label}"] = "; ".join(REASONS[m] for m in marks)
    return reasons, wrong


def brief(reasons, clauses):
    """The lines of not_executed.txt: what holds in every function that has such a clause, and in more than two, is one."""
    owners = {}
    for function, kind, label in clauses:
        owners.setdefault(f"{kind} {label}", set()).add(function)
    lines = set()
    for (function, clause), reason in reasons.items():
        everyone = owners.get(clause, set())
        if len(everyone) > 2 and all(reasons.get((f, clause)) == reason for f in everyone):
            function = "*"
        lines.add(f"{function}\t{clause}\t{reason}")
    return sorted(lines)


HEADER = """# Which clauses are not executed, or only in part: function, clause, reason. A *: in each function that has it.
# eacsl.sh --update writes this file.
"""


def report(original, rewritten, generated, counts, committed, update, json_path, programs, configurations, seconds,
           violations):
    """Prints the table; 1 if something is left out that the list does not name, or the other way round."""
    clauses = read_clauses(original)
    executed = read_executed(generated)
    numbers = read_counts(counts)
    reasons, wrong = left_out(clauses, read_clauses(rewritten), executed)
    lines = brief(reasons, clauses)
    if update:
        pathlib.Path(committed).write_text(HEADER + "".join(line + "\n" for line in lines))
    listed = [x for x in pathlib.Path(committed).read_text().splitlines() if x and not x.startswith("#")]
    wrong += [f"not in not_executed.txt: {x}" for x in lines if x not in listed]
    wrong += [f"in not_executed.txt, but not so: {x}" for x in listed if x not in lines]

    files = {}
    unreached = []
    for key, (file, _) in sorted(clauses.items()):
        function, kind, label = key
        row = files.setdefault(file, {"functions": set(), "executed": 0, "in_part": 0, "not_executed": 0, "nameless": 0,
                                      "evaluations": 0})
        row["functions"].add(function)
        reason = reasons.get((function, f"{kind} {label}"), "")
        if kind in NAMELESS:
            row["nameless"] += 1
        elif key in executed:
            row["in_part" if reason.startswith("in part") else "executed"] += 1
            row["evaluations"] += numbers.get(key, 0)
            if not numbers.get(key):
                unreached.append(f"{function} {kind} {label}")
        else:
            row["not_executed"] += 1
    total = {"file": "all"}
    rows = []
    for file, row in files.items():
        row["functions"] = len(row["functions"])
        rows.append({"file": file, **row})
        for name, value in row.items():
            total[name] = total.get(name, 0) + value
    columns = ["file", "functions", "executed", "in_part", "not_executed", "nameless", "evaluations"]
    print(f"{'':22}{'':>10} {'--------- clauses with a label ---------':>40}{'':>10} {'':>12}")
    print(f"{columns[0]:22}" + "".join(f"{c.replace('_', ' '):>13}" for c in columns[1:]))
    for row in rows + [total]:
        print(f"{row['file']:22}" + "".join(f"{row[c]:>13}" for c in columns[1:]))
    print(f"\n{programs} programs on {configurations} configurations, {seconds} s, violations: {violations}")
    if unreached:
        print(f"executed in no program: {len(unreached)}")
        for name in unreached:
            print(f"  {name}")
    for message in wrong:
        print(f"FAILED  {message}")
    if json_path:
        result = {"files": rows, "total": total, "programs": int(programs), "configurations": int(configurations),
                  "seconds": int(seconds), "violations": int(violations), "unreached": unreached, "wrong": wrong,
                  "not_executed": [{"function": f, "clause": c, "reason": r} for (f, c), r in sorted(reasons.items())]}
        pathlib.Path(json_path).write_text(json.dumps(result, indent=1) + "\n")
    return 1 if wrong or int(violations) else 0


# --- faults ---

def read_faults(path):
    rows = [x.split("\t") for x in pathlib.Path(path).read_text().splitlines() if x and not x.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def faults(path):
    print("\n".join(read_faults(path)))


def fault(path, name, tree):
    file, function, clause, old, new = read_faults(path)[name]
    target = pathlib.Path(tree) / file
    text = target.read_text()
    old, new = old.replace("\\n", "\n"), new.replace("\\n", "\n")
    if text.count(old) != 1:
        sys.exit(f"eacsl.py: {name}: {file} has {text.count(old)} times the code that it changes")
    target.write_text(text.replace(old, new))
    print(function, clause)


def faults_report(results, json_path):
    """results: lines of fault, expected, reported, program, seconds."""
    rows = [r.split("\t") for r in pathlib.Path(results).read_text().splitlines()]
    failed = 0
    print(f"{'fault':26}{'expected':46}{'program':34} reported by that function")
    for name, expected, reported, program, _ in rows:
        function, clause = expected.split()
        clauses = [x.split()[1] for x in reported.split(";") if x and x.split()[0] == function]
        good = clause in clauses
        failed |= not good
        print(f"{name:26}{expected:46}{program or '-':34} {' '.join(clauses) if good else 'FAILED: ' + (reported or 'nothing')}")
    if json_path:
        keys = ("fault", "expected", "reported", "program", "seconds")
        pathlib.Path(json_path).write_text(json.dumps([dict(zip(keys, r)) for r in rows], indent=1) + "\n")
    return int(failed)


COMMANDS = {"prepare": prepare, "wire": wire, "report": report, "faults": faults, "fault": fault,
            "faults-report": faults_report}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
