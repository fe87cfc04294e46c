#!/usr/bin/env python3
"""Runs every drift test at default settings over labelled drift sets and writes docs/drift.md.

    scripts/drift_page.py DATA OUT

`make accuracy` calls it. DATA holds manifest_drift.json and score.py, OUT gets what the scorer says of each set.
"""
import csv
import pathlib
import re
import subprocess
import sys

import accuracy_drift

ROOT = accuracy_drift.ROOT
# As the scorer calls them, and as people do.
FAMILIES = {
    "all": "All sets",
    "drift_value": "Values (mean, variance, shape; sudden, gradual, incremental)",
    "drift_vector": "Vectors, rotation included",
    "drift_error": "A model's errors, 0 or 1",
    "drift_labelled": "Errors of a naive Bayes that learns as it goes and is begun anew at each alarm",
}
HEAD = """# How drift tests do

<!-- Written by scripts/drift_page.py: do not edit. -->

Every drift test of Willet at its default settings over labelled sets: generated series of 12,000 rows or so with changes that are known to the
row. A change is found where the first alarm behind it comes before the next change; further alarms, and those without a change, are false.
Delay is in rows. A test is run on every set that it takes, also on those that it is not for: `ddm`, `eddm` and `hddm` look at errors.
The peers on the same sets with the same scorer: River's ADWIN finds 0.752 with F1 0.642, 1.60 false alarms in 10,000 and a median delay of
286; Page-Hinkley finds 0.949 with 8.7 false alarms, KSWIN 0.684 with 20.7; where neighbours are alike and nothing drifts they alarm 19, 34
and 74 times in 10,000.

`make accuracy` measures it anew. [Which test](../crates/willet-core/src/drift/guide.md) tells what bounds them.
"""


def tests():
    """Names of the tests in the order of the table of kinds."""
    table = (ROOT / "docs/generated/drift.md").read_text()
    return re.findall(r"^## `?(\w+)`?", table, flags=re.MULTILINE)


def table(told):
    """Found, F1, false alarms in 10,000, median delay by family, from what the scorer prints."""
    family, figures = None, {}
    for line in told.splitlines():
        if line in FAMILIES:
            family = line
        elif line.startswith("| drift_"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            _, _, found, _, _, delay, false, f1 = cells
            figures[family] = (found, f1, false, delay)
    return figures


def alike(rows):
    """False alarms in 10,000 rows where neighbours are alike and nothing drifts."""
    rows = [row for row in rows if row["drift_kind"] == "none_ar"]
    return 1e4 * sum(float(row["false_alarms"]) for row in rows) / sum(float(row["outside"]) for row in rows)


def main(data, out):
    out = pathlib.Path(out)
    measured, calm = {}, {}
    for test in tests():
        tried = subprocess.run(
            [sys.executable, ROOT / "scripts/accuracy_drift.py", data, out, test], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            sys.exit(f"{test}: {tried.stderr.strip()}")
        measured[test] = table(tried.stdout)
        with (out / f"drift_{test}_sets.csv").open() as file:
            calm[test] = alike(list(csv.DictReader(file)))
    page = [HEAD]
    for family, title in FAMILIES.items():
        page.append(f"## {title}\n")
        page.append("| test | found | F1 | false alarms in 10,000 | median delay |\n|---|---:|---:|---:|---:|")
        for test, figures in measured.items():
            page.append(f"| `{test}` | {' | '.join(figures[family])} |")
        page.append("")
    page.append("## Neighbours alike, no drift\n\n| test | false alarms in 10,000 |\n|---|---:|")
    page += [f"| `{test}` | {false:.2f} |" for test, false in calm.items()]
    (ROOT / "docs/drift.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
