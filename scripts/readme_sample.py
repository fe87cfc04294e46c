#!/usr/bin/env python3
"""Writes README's first sample anew: what the binary prints of New York's taxi series.

    scripts/readme_sample.py DATA
"""
import gzip
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "$ willet detect taxi.csv.gz\n", "```\n"
# Of the chart's rows these tell enough; of the list its three strangest rows.
CHART = [0, 2, 3, 5, 9, 10]
LISTED = 3


def sample(data):
    series = gzip.open(next(data.rglob("nyc_taxi.csv.gz")), "rt").read()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "taxi.csv.gz"
        with gzip.open(file, "wt") as out:
            out.write(series)
        command = [ROOT / "target/release/willet", "detect", file, "--label", "label", "--format", "chart", "--dead-letters", "none"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: column `timestamp`")]
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    marks = next(at for at, line in enumerate(lines) if line.startswith(" anomalies"))
    return notes + [lines[at] for at in CHART] + lines[marks + 1 : marks + 2 + LISTED]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    readme.write_text(before + BEGIN + "\n".join(sample(pathlib.Path(sys.argv[1]))) + "\n" + END + after)


if __name__ == "__main__":
    main()
