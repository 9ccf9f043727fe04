"""ci/coveragekit and ci/coverage.py: a small made-up export, the reasons, and what makes a run fail."""

import tempfile
import unittest
from pathlib import Path

import coverage
from coveragekit import export, reasons
from coveragekit.export import DECIDES, FALSE, LINE, TRUE
from fuzzkit.common import Trouble

SOURCE = """static int both(int x, int y)
{
    if (x && y) {
        return 1;
    }
    if (x) {
        return 2;
    }
    return ask(x);
}
"""
X, Y, DECISION, SECOND = [3, 9, 3, 10], [3, 14, 3, 15], [3, 9, 3, 15], [6, 9, 6, 10]
BODY = [2, 1, 10, 2]
NAME = "lib/core/both.c"


def region(place, count, file=0, kind=export.CODE):
    return [*place, count, file, 0, kind]


def branch(place, true, false, kind=export.MCDC_BRANCH):
    return [*place, true, false, 0, 0, kind]


def function(name, regions, files=(NAME,)):
    return {"name": name, "count": 1, "filenames": list(files), "regions": regions}


def exported(branches=(), decisions=(), functions=(), segments=()):
    file = {
        "filename": NAME,
        "segments": list(segments),
        "branches": list(branches),
        "mcdc_records": list(decisions),
    }
    data = [{"files": [file], "functions": list(functions)}]
    return {"type": "llvm.coverage.json.export", "data": data}


def name_of(name):
    return name if name.startswith("lib/") else None


class Tree(unittest.TestCase):
    """A tree with one source file."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        (self.root / "lib" / "core").mkdir(parents=True)
        (self.root / NAME).write_text(SOURCE)

    def read(self, **data):
        return export.read(exported(**data), self.root, name_of)[NAME]

    def uncovered(self, **data):
        return [(place.kind, place.text) for place in self.read(**data).uncovered()]


class Merge(Tree):
    def test_a_side_counts_in_whichever_form_it_was_taken(self):
        source = self.read(branches=[branch(X, 5, 0), branch(X, 0, 7), branch(Y, 0, 0), branch(Y, 1, 0)])
        self.assertEqual(source.branches, {tuple(X): [5, 7], tuple(Y): [1, 0]})
        ratio = source.ratios()["branches"]
        self.assertEqual((ratio.covered, ratio.total), (3, 4))

    def test_regions_of_two_forms_are_one(self):
        real = function("both.c:both", [region(BODY, 2), region(X, 0), region([4, 9, 4, 17], 0)])
        simulated = function("io_sim_both", [region(BODY, 3), region(X, 4), region([4, 9, 4, 17], 0)])
        source = self.read(functions=[real, simulated])
        self.assertEqual(source.regions, {tuple(BODY): 5, tuple(X): 4, (4, 9, 4, 17): 0})

    def test_a_region_behind_a_name_that_is_a_macro_in_one_form(self):
        real = function("both", [region([9, 12, 9, 18], 0)])
        simulated = function("io_sim_both", [region([9, 15, 9, 18], 1)])
        self.assertEqual(self.read(functions=[real, simulated]).regions, {(9, 12, 9, 18): 1})

    def test_gaps_and_expansions_and_other_files_are_no_regions(self):
        regions = [region(BODY, 1), region(X, 1, kind=3), region(Y, 1, kind=1), region(SECOND, 1, file=1)]
        source = self.read(functions=[function("both", regions, (NAME, "/usr/include/other.h"))])
        self.assertEqual(list(source.regions), [tuple(BODY)])

    def test_conditions_of_two_forms(self):
        branches = [branch(X, 1, 1), branch(Y, 1, 1)]
        decisions = [[*DECISION, 0, 5, [True, False]], [*DECISION, 0, 5, [False, False]]]
        source = self.read(branches=branches, decisions=decisions)
        self.assertEqual(source.decisions, {tuple(DECISION): [True, False]})
        decisions[1][-1] = [False, True]
        ratio = self.read(branches=branches, decisions=decisions).ratios()["mcdc"]
        self.assertEqual((ratio.covered, ratio.total), (2, 2))

    def test_forms_that_contradict(self):
        decisions = [[*DECISION, 0, 5, [True, False]], [*DECISION, 0, 5, [True]]]
        with self.assertRaisesRegex(Trouble, "another number of conditions"):
            self.read(decisions=decisions)

    def test_what_is_no_export(self):
        for data in ({}, {"type": "llvm.coverage.json.export", "data": []}):
            with self.assertRaises(Trouble):
                export.read(data, self.root, name_of)

    def test_lines(self):
        entry, gap, skipped = (True, True, False), (True, True, True), (False, True, False)
        segments = [
            [2, 1, 9, *entry],  # the body
            [3, 9, 9, *entry],
            [3, 16, 0, *gap],
            [3, 17, 0, *entry],  # the block that was never entered
            [5, 6, 9, True, False, False],
            [6, 1, 0, *skipped],  # what the preprocessor left out, to the end of line 7
            [7, 1, 9, True, False, False],
            [10, 2, 0, False, False, False],
        ]
        counts = self.read(segments=segments).lines
        self.assertEqual(counts, {2: 9, 3: 9, 4: 0, 5: 0, 8: 9, 9: 9, 10: 9})


class Places(Tree):
    FUNCTION = function("io_sim_both", [region(BODY, 1)])

    def test_sides(self):
        branches = [branch(X, 1, 0), branch(Y, 0, 1), branch(SECOND, 1, 1)]
        places = self.uncovered(branches=branches, functions=[self.FUNCTION])
        self.assertEqual(places, [(FALSE, "x [1 of 2]"), (TRUE, "y")])

    def test_all_covered(self):
        self.assertEqual(self.uncovered(branches=[branch(X, 1, 1)], functions=[self.FUNCTION]), [])

    def test_a_condition_that_was_never_true_is_told_once(self):
        decisions = [[*DECISION, 0, 5, [False, False]]]
        places = self.uncovered(branches=[branch(X, 1, 1), branch(Y, 0, 1)], decisions=decisions)
        self.assertEqual(places, [(DECIDES, "x"), (TRUE, "y")])

    def test_conditions_that_cannot_be_told_apart(self):
        with self.assertRaisesRegex(Trouble, "1 conditions, but"):
            self.uncovered(branches=[branch(X, 1, 1)], decisions=[[*DECISION, 0, 5, [False, False]]])

    def test_lines_but_not_braces(self):
        segments = [[4, 9, 0, True, True, False], [5, 6, 0, False, False, False]]
        self.assertEqual(self.uncovered(segments=segments), [(LINE, "return 1;")])

    def test_the_function_is_named_by_the_source(self):
        (place,) = self.read(branches=[branch(X, 0, 1)], functions=[self.FUNCTION]).uncovered()
        self.assertEqual(place.key, (NAME, "both", TRUE, "x"))

    def test_a_key_outlives_a_shift(self):
        before = self.read(branches=[branch(Y, 0, 1)], functions=[self.FUNCTION]).uncovered()
        (self.root / NAME).write_text("/* One\n * more. */\n" + SOURCE)

        def down(place):
            return [place[0] + 2, place[1], place[2] + 2, place[3]]

        moved = function("both", [region(down(BODY), 1)])
        after = self.read(branches=[branch(down(Y), 0, 1)], functions=[moved]).uncovered()
        self.assertEqual([place.key for place in before], [place.key for place in after])
        self.assertNotEqual(before, after)


REASONS = """# A comment.

lib/core/both.c both
    never true: y
    never run: return 1;
    why: Nobody
        does it.

lib/core/both.c other
    never false: a && (b)
    why: Another.
"""


class Reasons(unittest.TestCase):
    def test_read(self):
        found = reasons.read(REASONS)
        self.assertEqual(
            [reason.key for reason in found],
            [
                (NAME, "both", TRUE, "y"),
                (NAME, "both", LINE, "return 1;"),
                (NAME, "other", FALSE, "a && (b)"),
            ],
        )
        self.assertEqual([reason.why for reason in found], ["Nobody does it.", "Nobody does it.", "Another."])
        self.assertEqual([reason.line for reason in found], [4, 5, 10])
        self.assertEqual(reasons.read(""), [])

    def refused(self, text, message):
        with self.assertRaisesRegex(Trouble, message):
            reasons.read(text)

    def test_mistakes(self):
        self.refused("a b\n    never true: x\n", ":3: .* no place or no reason")
        self.refused("a b\n    never true: x\n    why: ?\n", "no place or no reason")
        self.refused("a b\n    why: it\nc d\n", ":3: .* no place or no reason")
        self.refused("a b\n    always true: x\n", ":2: this is none of")
        self.refused("a b\n    never true:x\n", "this is none of")
        self.refused("    never true: x\n", "no file and function")
        self.refused("a b c\n", "begins with a file and a function")
        self.refused("a b\n never true: x\n why: y\na b\n never true: x\n why: z\n", ":5: .* stands in line 2")

    def places(self):
        keys = [(NAME, "both", TRUE, "y"), (NAME, "both", LINE, "return 1;"), (NAME, "other", TRUE, "a && (b)")]
        return [export.Place(file, 3, 1, kind, function, text) for file, function, kind, text in keys]

    def test_match(self):
        why, missing, stale = reasons.match(self.places(), reasons.read(REASONS))
        self.assertEqual(why, {(NAME, "both", TRUE, "y"): "Nobody does it.", (NAME, "both", LINE, "return 1;"): "Nobody does it."})
        self.assertEqual([place.key for place in missing], [(NAME, "other", TRUE, "a && (b)")])
        self.assertEqual([reason.line for reason in stale], [10])

    def test_what_is_told_can_be_copied(self):
        text = "\n".join(reasons.write_like_the_file(self.places()))
        with self.assertRaises(Trouble):
            reasons.read(text)  # the reasons have to be written first
        found = reasons.read(text.replace("why: ?", "why: so"))
        self.assertEqual([reason.key for reason in found], [place.key for place in self.places()])
        self.assertEqual(reasons.write_like_the_file([]), [])


class Verdict(unittest.TestCase):
    def result(self, covered, judged_reasons=True, **lists):
        result = coverage.Result(minimum=98.0, judged_reasons=judged_reasons, replays=[])
        for folder in coverage.JUDGED:
            result.folders[folder] = {export.BRANCHES: export.Ratio(covered, 100)}
        for name, value in lists.items():
            setattr(result, name, value)
        return result

    def test_minimum(self):
        self.assertFalse(self.result(98).failed)
        self.assertTrue(self.result(97).failed)
        self.assertEqual(self.result(97).below, coverage.JUDGED)

    def test_one_folder_is_enough_to_fail(self):
        result = self.result(100)
        result.folders["lib/core"] = {export.BRANCHES: export.Ratio(97, 100)}
        self.assertEqual(result.below, ["lib/core"])

    def test_nothing_to_cover_is_not_all_covered(self):
        result = self.result(100)
        result.folders["lib/core"] = {export.BRANCHES: export.Ratio(0, 0)}
        self.assertTrue(result.failed)

    def test_reasons(self):
        self.assertTrue(self.result(100, missing=["one"]).failed)
        self.assertTrue(self.result(100, stale=["one"]).failed)
        self.assertFalse(self.result(100, judged_reasons=False, missing=["one"], stale=["one"]).failed)

    def test_percentages_are_rounded_down(self):
        self.assertEqual(coverage.floor(100 * 9999 / 10000), "99.9")
        self.assertEqual(coverage.floor(100.0), "100.0")
        self.assertEqual(coverage.floor(None), "-")


if __name__ == "__main__":
    unittest.main()
