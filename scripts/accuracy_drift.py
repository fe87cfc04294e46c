#!/usr/bin/env python3
"""Runs a drift test over labelled drift sets and prints the scorer's table.

    scripts/accuracy_drift.py DATA OUT [TEST] [NAME=VALUE ...]

DATA holds manifest_drift.json and score.py; OUT gets `drift_TEST.csv` in the scorer's form, `dataset,index,score,is_anomaly`, one row for each
alarm. Of a set of the family drift_labelled the test sees the errors of a naive Bayes that learns as it goes and is begun anew at each alarm.
`cargo build --release -p willet-core --example drift` makes the program that this calls.
"""
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DRIFT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/drift"


def alarms(path, family, test, settings):
    """Rows at which the test says drift."""
    command = [DRIFT, "--test", test]
    for setting in settings:
        command += ["--set", setting]
    if family == "drift_labelled":
        command += ["--label", "class"]
    rows = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    ended = subprocess.run(command, input=rows, capture_output=True, check=False)
    if ended.returncode:
        sys.exit(f"{path}: {ended.stderr.decode()}")
    return [int(row["row"]) for row in csv.DictReader(ended.stdout.decode().splitlines())]


def main(data, out, test="monitor", *settings):
    data, out = pathlib.Path(data), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"drift_{test}.csv"
    with file.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["dataset", "index", "score", "is_anomaly"])
        for one in json.loads((data / "manifest_drift.json").read_text()):
            if one["kind"] != "drift":
                continue
            # A set without alarms has one line, so that it counts.
            for row in alarms(data / one["path"], one["family"], test, settings) or [-1]:
                rows.writerow([one["name"], row, 1, int(row >= 0)])
    each = out / f"drift_{test}_sets.csv"
    command = [sys.executable, data / "score.py", "--data", data, "--scores", file, "--kind", "drift", "--md", "--csv", each]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
