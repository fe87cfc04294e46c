#!/usr/bin/env python3
"""Scores every detector at its default settings over a folder of labelled sets, and prints the scorer's tables.

    scripts/accuracy.py DATA OUT [KIND ...]

DATA holds manifest_*.json (a list of sets: name, kind, path, ...) and score.py. OUT gets a file of scores for each kind,
`dataset,index,score,is_anomaly`, and report.md. Rows are scored before they are learned; the score is `anomaly_score`, which has
one scale for all sets.
"""
import csv
import json
import pathlib
import subprocess
import sys

WILLET = pathlib.Path(__file__).parent.parent / "target/release/willet"


def kinds():
    listed = subprocess.run([WILLET, "detectors", "--format", "json"], capture_output=True, text=True, check=True)
    return [kind["name"] for kind in json.loads(listed.stdout)]


def scored(kind, path):
    """Score and decision of each row of a file."""
    command = [WILLET, "detect", path, "--algorithm", kind, "--label", "label", "--format", "csv", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for row in csv.DictReader(process.stdout):
            yield row["anomaly_score"] or "0", row["is_anomaly"]
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}")


def main(data, out, wanted):
    sets = [one for file in sorted(data.glob("manifest_*.json")) for one in json.loads(file.read_text())]
    sets = [one for one in sets if one["kind"] in ("stream", "tabular")]
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for kind in wanted or kinds():
        files.append(out / f"{kind}.csv")
        with files[-1].open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["dataset", "index", "score", "is_anomaly"])
            for one in sets:
                answers = scored(kind, data / one["path"])
                rows.writerows((one["name"], index, *answer) for index, answer in enumerate(answers))
        print(f"{kind}: {len(sets)} sets", file=sys.stderr)
    scorer = [sys.executable, data / "score.py", "--data", data, "--md", "--scores", *files]
    report = subprocess.run(scorer, capture_output=True, text=True, check=True).stdout
    (out / "report.md").write_text(report)
    print(report)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
