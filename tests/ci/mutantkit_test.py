"""ci/mutantkit on a small C file: which mutants it finds, that each behaves as if it were written into the source, that
without one nothing changes; the choice of a sample; the list of reasons."""

import hashlib
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

from fuzzkit.common import Trouble
from mutantkit import mechanical, operators, reasons, schemata

COMPILER = "clang-19"
HERE = Path(__file__).resolve().parent
SOURCE = "lib/core/sample.c"
DRIVER = """
#include <stdio.h>
#include "lib/core/sample.h"
int main(void)
{
    for (int x = -3; x < 25; x++) {
        for (int y = -2; y < 5; y++) {
            printf("%d\\n", sample(x, y));
        }
    }
}
"""
# Whoever indexes or shifts by something else may do what C does not define: then that is what both have to do.
SAFE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Sample(unittest.TestCase):
    """The sample as it is, and with mutants."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        (cls.folder / "plain/lib/core").mkdir(parents=True)
        (cls.folder / "plain/lib/include").mkdir()
        for ending in ("c", "h"):
            shutil.copy(HERE / f"mutantkit_sample.{ending}", cls.folder / f"plain/lib/core/sample.{ending}")
        (cls.folder / "plain/driver.c").write_text(DRIVER)
        shutil.copytree(cls.folder / "plain", cls.folder / "tree")
        cls.mutants, _ = schemata.find(COMPILER, cls.folder / "plain")
        schemata.write(cls.folder / "tree", cls.mutants)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def compile(self, root, output, *flags):
        sources = sorted(str(path) for path in root.glob("lib/core/*.c"))
        command = [COMPILER, "-w", "-O0", *SAFE, *flags, "-iquote", root, *sources, root / "driver.c", "-o", output]
        subprocess.run(command, check=True, cwd=root)

    def run_sample(self, program, **environment):
        environment["ASAN_OPTIONS"] = "symbolize=0:detect_leaks=0"
        try:
            result = subprocess.run([program], capture_output=True, text=True, env=environment, timeout=2)
        except subprocess.TimeoutExpired:
            return "hangs"
        return (result.returncode != 0, result.stdout)

    def found(self, function):
        return [f"{mutant.operator} {mutant.change}" for mutant in self.mutants if mutant.function == function]

    def test_mutants_of_a_header_are_found_once(self):
        self.assertEqual(
            self.found("within"),
            [
                "result x < LIMIT => 0",
                "negate x < LIMIT => x >= LIMIT",
                "boundary x < LIMIT => x <= LIMIT",
                "constant LIMIT => LIMIT + 1",
                "constant LIMIT => LIMIT - 1",
            ],
        )

    def test_mutants_of_a_loop(self):
        self.assertEqual(
            self.found("first"),
            [
                "delete for (int i = 0; i < count; i++) =>",
                "constant 0 => 1",
                "negate i < count => i >= count",
                "boundary i < count => i <= count",
                "arithmetic i++ => i--",
                "delete if (array[i] > 2) =>",
                "negate array[i] > 2 => array[i] <= 2",
                "boundary array[i] > 2 => array[i] >= 2",
                "constant 2 => 1",
                "constant 2 => 3",
                "result i => 0",
                "constant 1 => 0",
                "constant 1 => 2",
            ],
        )

    def test_mutants_of_conditions_and_bits(self):
        found = self.found("sample")
        for words in (
            "logic within(x) || (x > 2 * TEN && y) => within(x) && (x > 2 * TEN && y)",
            "negate within(x) => !(within(x))",
            "negate y => !(y)",
            "negate !(bits & ~8u) => (bits & ~8u)",
            "bits bits & ~8u => bits | ~8u",
            "bits ~8u => 8u",
            "bits 1u << 3 => 1u >> 3",
            "initial 1u << 3 => 0",
            "constant 1u => 2u",
            "constant TEN => TEN + 1",
            "arithmetic array[0] += table[y & 7] => array[0] -= table[y & 7]",
            "delete fill(array, y) =>",
        ):
            self.assertIn(words, found)
        self.assertIn("constant IO_READ => IO_WRITE", self.found("classify"))
        self.assertIn("constant SUM => SUM - 1", self.found("classify"))
        self.assertIn('result p.left && !p.right ? "yes" : (const char *)0 => (void *)0', self.found("name"))

    def test_constants_stay_constant(self):
        for mutant in self.mutants:
            self.assertNotIn("table[SIZE]", mutant.context)
            self.assertNotIn("TWICE", mutant.change.partition("=>")[0] if mutant.operator != "delete" else "")
            self.assertNotRegex(mutant.context, r"static|case|sizeof.*=> 1")
        self.assertFalse([mutant for mutant in self.mutants if mutant.change.startswith("sizeof")])
        self.assertFalse([words for words in self.found("fill") if "(void)with" in words])

    def test_what_returns_keeps_returning(self):
        for function in ("first", "classify", "sample", "name", "within"):
            self.assertFalse([words for words in self.found(function) if words.startswith("delete return")])

    def test_without_a_mutant_nothing_changes(self):
        outputs = []
        for root, flags in (("plain", []), ("tree", ["-DIO_MUTANT_NONE"])):
            command = [COMPILER, "-w", "-O2", "-g0", *flags, "-iquote", ".", "-S", "-o", "-", SOURCE]
            outputs.append(subprocess.run(command, cwd=self.folder / root, capture_output=True, check=True).stdout)
        self.assertEqual(*outputs)

    def test_each_mutant_is_what_it_says(self):
        """Chosen at run time, it does what the source does in which it is the only text that differs."""
        chosen, plain = self.folder / "chosen", self.folder / "before"
        self.compile(self.folder / "tree", chosen)
        self.compile(self.folder / "plain", plain)
        unchanged = self.run_sample(plain)
        self.assertEqual(self.run_sample(chosen), unchanged)
        reached = self.folder / "reached"
        self.run_sample(chosen, IOATOM_MUTANT_REACHED=str(reached))
        numbers = set(map(int, reached.read_text().split()))
        self.assertGreater(len(numbers), 0.9 * len(self.mutants))
        with ThreadPoolExecutor(2) as pool:
            expected = list(pool.map(self.written_into_the_source, self.mutants))
        for mutant, words in zip(self.mutants, expected):
            self.assertEqual(self.run_sample(chosen, IOATOM_MUTANT=str(mutant.number)), words, mutant.key)
            self.assertTrue(mutant.number in numbers or words == unchanged, mutant.key)
        self.assertGreater(sum(words != unchanged for words in expected), 0.7 * len(self.mutants))

    def written_into_the_source(self, mutant):
        """What the sample does whose text differs in this place only."""
        root = self.folder / f"mutant{mutant.number}"
        shutil.copytree(self.folder / "plain", root)
        path = root / mutant.file
        code = path.read_bytes()
        text = "{}" if mutant.form == operators.STATEMENT else f"({mutant.text})"
        path.write_bytes(code[: mutant.begin] + text.encode() + code[mutant.end :])
        self.compile(root, root / "program")
        return self.run_sample(root / "program")

    def test_keys_do_not_depend_on_lines(self):
        path = self.folder / "plain" / SOURCE
        code = path.read_bytes()
        try:
            path.write_bytes(b"/* another\n * comment */\n" + code.replace(b"a semicolon;", b"two semicolons;;"))
            moved, _ = schemata.find(COMPILER, self.folder / "plain")
        finally:
            path.write_bytes(code)
        self.assertEqual([mutant.key for mutant in moved], [mutant.key for mutant in self.mutants])
        self.assertNotEqual([mutant.place for mutant in moved], [mutant.place for mutant in self.mutants])

    def test_what_the_simulated_kernel_has_not_is_left_out_and_named(self):
        path = self.folder / "plain/lib/core/other.c"
        try:
            path.write_text("#ifndef IO_OS_SIM\nint other(int x)\n{\n    return x + 1;\n}\n#endif\n")
            mutants, left_out = schemata.find(COMPILER, self.folder / "plain")
        finally:
            path.unlink()
        self.assertEqual([mutant.key for mutant in mutants], [mutant.key for mutant in self.mutants])
        self.assertEqual(left_out, ["lib/core/other.c"])


class Choice(unittest.TestCase):
    def setUp(self):
        keys = [f"file:function delete statement {number}; =>" for number in range(200)]
        names = [hashlib.sha256(key.encode()).hexdigest()[:7] for key in keys]
        self.mutants = [
            SimpleNamespace(key=key, name=name, place=f"file:{line}:1:delete", file="file")
            for line, (key, name) in enumerate(zip(keys, names), start=1)
        ]

    def choose(self, mutants, **options):
        settings = dict({"only": None, "sample": None, "seed": 1}, **options)
        return [mutant.key for mutant in mechanical.choose(SimpleNamespace(**settings), mutants)]

    def test_a_sample_depends_on_the_seed_alone(self):
        first = self.choose(self.mutants, sample=50)
        self.assertEqual(len(first), 50)
        self.assertEqual(first, self.choose(self.mutants, sample=50))
        self.assertNotEqual(first, self.choose(self.mutants, sample=50, seed=2))
        self.assertEqual(len(self.choose(self.mutants, sample=1000)), 200)

    def test_a_new_mutant_changes_one_of_a_sample(self):
        new = SimpleNamespace(key="file:function negate a => !(a)", name="abcdef0", place="file:9:9:negate", file="file")
        before, after = (set(self.choose(mutants, sample=50)) for mutants in (self.mutants, [new, *self.mutants]))
        self.assertLessEqual(len(after - before), 1)

    def test_by_name_and_by_place(self):
        first, second = self.mutants[3], self.mutants[7]
        chosen = self.choose(self.mutants, only=f"{first.name},file:{8}")
        self.assertEqual(chosen, [first.key, second.key])


class Reasons(unittest.TestCase):
    def test_several_mutants_have_one_reason(self):
        text = "# words\nkey one\nkey two\n  Equivalent: nobody\n  knows\n\nkey 3\n  Survives: so\n"
        listed = [(key, it.kind, it.text, it.line) for key, it in reasons.parse(text, "list").items()]
        one, two = (("key one", "Equivalent", "nobody knows", 2), ("key two", "Equivalent", "nobody knows", 3))
        self.assertEqual(listed, [one, two, ("key 3", "Survives", "so", 7)])

    def test_mistakes_are_told(self):
        wrong = ["key\n", "key\n  because\n", "key\n  Equivalent:\n", "  Equivalent: so\n"]
        for text in [*wrong, "key\nkey\n  Survives: so\n"]:
            with self.assertRaises(Trouble, msg=text):
                reasons.parse(text, "list")


class Verdict(unittest.TestCase):
    def result(self, killed, kind=None):
        mutant = SimpleNamespace(key="k", name="n", place="p", operator="delete", number=1)
        outcome = SimpleNamespace(killed=killed, by="IO-WAIT-1", target="t", seconds=0.1)
        reason = SimpleNamespace(kind=kind, text="so", line=1) if kind else None
        return mechanical.Result(mutant, outcome, reason)

    def status(self, results, stale=()):
        options = SimpleNamespace(seed=1, json=None, only=None, left_out=[])
        return mechanical.report(options, len(results), results, list(stale), None, 1)

    def test_equivalent_ones_do_not_count(self):
        self.assertEqual(self.status([self.result(True)] * 19 + [self.result(False, "Equivalent")] * 20), 0)

    def test_95_percent_of_the_others_is_enough(self):
        self.assertEqual(self.status([self.result(True)] * 19 + [self.result(False, "Survives")]), 0)
        self.assertEqual(self.status([self.result(True)] * 18 + [self.result(False, "Survives")]), 1)

    def test_a_survivor_needs_a_reason(self):
        self.assertEqual(self.status([self.result(True)] * 99 + [self.result(False)]), 1)

    def test_a_reason_needs_a_survivor(self):
        self.assertEqual(self.status([self.result(True)] * 99 + [self.result(True, "Equivalent")]), 1)
        self.assertEqual(self.status([self.result(True)] * 99 + [self.result(True, "Survives")]), 1)
        self.assertEqual(self.status([self.result(True)] * 99, stale=["list:1: no such mutant"]), 1)


if __name__ == "__main__":
    unittest.main()
