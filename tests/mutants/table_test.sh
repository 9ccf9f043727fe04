#!/usr/bin/env bash
# The table of README.md has a row for each mutant and says what the patch says, and the check of that notices what is
# wrong. Usage: table_test.sh CI_MUTANTS
set -euo pipefail
mutants=$(realpath "$1")
"$mutants" --no-install --check

cd "$(dirname "$mutants")"
exec python3 -B - "${TEST_TMPDIR:-$(mktemp -d)}" <<'END'
import sys
from pathlib import Path

import mutants
import mutants_table

limits = (mutants.KILL_LIMIT_SECONDS, mutants.FRESH_LIMIT_SECONDS)
copy = Path(sys.argv[1]) / "README.md"
known = mutants.load_mutants()
text = mutants.TABLE.read_text()
rows = [line for line in text.splitlines() if line.startswith(f"| {known[0].name} ")]
assert len(rows) == 1
row, name = rows[0] + "\n", known[0].name
times = mutants_table._split(row)[-2:]
assert times[0] and times[1]
faults = {
    f"{name}: no row": text.replace(row, ""),
    f"{name}: a second row": text.replace(row, row + row),
    "A99: a row, but no patch": text.replace(row, row + row.replace(name, "A99", 1)),
    f"{name}: the row is not what the patch says": text.replace(row, row.replace(known[0].file[4:], "core/other.c")),
    f"{name}: fresh s is 'survived'": text.replace(row, row.replace(f" {times[1]} |\n", " survived |\n")),
    f"{name}: fresh s is '120.1'": text.replace(row, row.replace(f" {times[1]} |\n", " 120.1 |\n")),
}
failed = 0
for expected, wrong in faults.items():
    copy.write_text(wrong)
    mistakes = mutants_table.find_mistakes(copy, known, limits)
    noticed = len(mistakes) == 1 and mistakes[0].startswith(expected)
    print(f"{'ok     ' if noticed else 'FAILED '} {expected} {'' if noticed else mistakes}")
    failed |= not noticed
mutants_table.write(copy, known, {name: ("0.7", None)})
rewritten = next(line for line in copy.read_text().splitlines() if line.startswith(f"| {name} "))
kept = mutants_table._split(rewritten)[-2:] == ["0.7", "120.1"]
print(f"{'ok     ' if kept else 'FAILED '} a run by the corpus alone keeps the fresh time")
sys.exit(1 if failed or not kept else 0)
END
