"""ci/fuzzkit: the division of time, the reading of libFuzzer's output, the reading of the specification."""

import tempfile
import unittest
from pathlib import Path

from fuzzkit import common, engine, findings, plan


class Divide(unittest.TestCase):
    def check(self, weights, seconds, workers):
        total, pieces = plan.divide(weights, seconds, workers)
        lengths = [0] * len(weights)
        for worker in pieces:
            start = 0
            for piece in worker:
                self.assertGreater(piece.end, start)
                lengths[piece.job] += piece.end - start
                start = piece.end
            self.assertEqual(start, total)  # every worker is busy to the end
        for length, weight in zip(lengths, weights):
            self.assertGreaterEqual(length, 1)
            self.assertLess(abs(length - total * workers * weight / sum(weights)), 1.0)
        return total

    def test_every_worker_is_busy_and_every_job_gets_its_share(self):
        for workers in range(1, 20):
            for seconds in (1, 2, 7, 60, 3600):
                for weights in ([1.0], [1.0] * 6 + [0.5], [0.5, 0.5], [1.0] * 13):
                    total = self.check(weights, seconds, workers)
                    self.assertGreaterEqual(total, seconds)

    def test_enough_time_is_not_extended(self):
        self.assertEqual(self.check([1.0] * 6 + [0.5], 60, 2), 60)
        self.assertEqual(self.check([1.0] * 6 + [0.5], 1, 16), 1)

    def test_too_short_a_time_is_extended(self):
        self.assertEqual(self.check([1.0] * 6 + [0.5], 1, 2), 7)


VIOLATION = """INFO: Seed: 1
VIOLATION clause=IO-REMOVE-1 config=poll+edge
a callback after io_remove
--- program
add a0 read
remove a0
--- end
==1== ERROR: libFuzzer: deadly signal
SUMMARY: libFuzzer: deadly signal"""


class Understand(unittest.TestCase):
    def understand(self, text, artifact=""):
        return engine.understand(text.split("\n"), artifact)

    def test_violation(self):
        failure = self.understand(VIOLATION, "crash-1")
        self.assertEqual((failure.kind, failure.name), ("violation", "IO-REMOVE-1"))
        self.assertEqual(failure.explanation, ["a callback after io_remove"])
        self.assertEqual(failure.program, ["add a0 read", "remove a0"])

    def test_violation_cut_short(self):
        failure = self.understand(VIOLATION.partition("remove a0")[0] + "==1== ERROR: libFuzzer: deadly signal")
        self.assertEqual(failure.program, ["add a0 read"])

    def test_sanitizers(self):
        failure = self.understand("==1==ERROR: x\nSUMMARY: AddressSanitizer: heap-use-after-free a.c:1:2 in f", "crash-1")
        self.assertEqual((failure.kind, failure.name), ("sanitizer", "AddressSanitizer: heap-use-after-free"))
        failure = self.understand("lib/a.c:3:4: runtime error: load of null pointer of type 'int'\nSUMMARY: x", "crash-1")
        self.assertEqual((failure.kind, failure.name), ("sanitizer", "UBSan: load of null"))
        failure = self.understand("SUMMARY: AddressSanitizer: 16 byte(s) leaked in 1 allocation(s).", "leak-1")
        self.assertEqual((failure.kind, failure.name), ("leak", "leak"))

    def test_libfuzzer(self):
        failure = self.understand("==1== ERROR: libFuzzer: timeout after 25 seconds\nSUMMARY: libFuzzer: timeout")
        self.assertEqual((failure.name, failure.summary), ("timeout", "timeout after 25 seconds"))
        self.assertEqual(self.understand("==1== ERROR: libFuzzer: out-of-memory (used: 3000Mb)", "oom-1").name, "oom")
        self.assertEqual(self.understand("==1== ERROR: libFuzzer: fuzz target exited").name, "fuzz target exited")
        self.assertEqual(self.understand("", "crash-1").kind, "crash")

    def test_no_failure(self):
        self.assertIsNone(self.understand("==1== libFuzzer: run interrupted; exiting"))
        self.assertIsNone(self.understand("cannot start"))


class Others(unittest.TestCase):
    def test_specification(self):
        with tempfile.TemporaryDirectory() as folder:
            spec = Path(folder, "lib", "SPEC.md")
            self.assertEqual(findings.specification(Path(folder)), {})
            spec.parent.mkdir()
            spec.write_text("- **IO-ADD-1** MUST: One.\n- **IO-SET-2** MAY: Two.\n- **Term**: no clause.\n")
            self.assertEqual(findings.specification(Path(folder)), {"IO-ADD-1": "One.", "IO-SET-2": "Two."})

    def test_unknown_clause_is_called_that(self):
        self.assertIn("no such clause", findings.sentences("NOWHERE", {})[0][1])

    def test_table_is_aligned(self):
        lines = common.table([["a", "bb"], ["ccc", "1"]], right=(1,))
        self.assertEqual(lines, ["a    bb", "ccc   1"])

    def test_json_is_written_atomically(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "result.json")
            common.write_json(path, {"a": 1})
            self.assertEqual([file.name for file in Path(folder).iterdir()], ["result.json"])
            self.assertEqual(path.read_text(), '{\n  "a": 1\n}\n')


if __name__ == "__main__":
    unittest.main()
