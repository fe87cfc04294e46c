#!/usr/bin/env python3
"""Measures every detector at its default settings and writes docs/accuracy.md.

    scripts/accuracy.py DATA OUT [KIND ...]

DATA holds manifest_*.json (a list of sets: name, kind, path, ...) and score.py. OUT gets a file of scores for each kind,
`dataset,index,score,is_anomaly,confidence`, those of other libraries in OUT/peers (`make peers`), and the scorer's figures as JSON.
Rows are scored before they are learned; the score is `anomaly_score`, which has one scale for all sets. Scores that are newer than
the binary are not made again. With KINDs only these are looked at, and the page goes to OUT instead.
"""
import concurrent.futures
import csv
import datetime
import json
import os
import pathlib
import subprocess
import sys
import time

import accuracy_page
import accuracy_tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
WILLET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/willet"
# The machine has more cores, or not: what else runs on it should not starve.
PROCESSES = 2


def kinds():
    listed = subprocess.run([WILLET, "detectors", "--format", "json"], capture_output=True, text=True, check=True)
    return [kind["name"] for kind in json.loads(listed.stdout)]


def scored(kind, path):
    """Score, decision and confidence of each row of a file; a row without a score counts as the lowest."""
    command = [WILLET, "detect", path, "--algorithm", kind, "--label", "label", "--format", "csv", "--quiet", "--dead-letters", "none"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {ended.returncode}: {ended.stderr}")
    rows = csv.reader(ended.stdout.splitlines())
    head = next(rows)
    # The last of each name: the file's own columns come first.
    score, flag, confidence = (len(head) - 1 - head[::-1].index(name) for name in ("anomaly_score", "is_anomaly", "confidence"))
    return [(row[score] or "0", row[flag], row[confidence]) for row in rows]


def scores(data, out, sets, kind, pool):
    """The kind's file of scores, made where there is none that is newer than the binary."""
    file = out / f"{kind}.csv"
    if file.exists() and file.stat().st_mtime > WILLET.stat().st_mtime:
        print(f"{kind}: its scores are newer than the binary, kept", file=sys.stderr)
        return file
    begun = time.monotonic()
    answers = pool.map(scored, [kind] * len(sets), [data / one["path"] for one in sets])
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["dataset", "index", "score", "is_anomaly", "confidence"])
        for one, answer in zip(sets, answers):
            rows.writerows((one["name"], index, *row) for index, row in enumerate(answer))
    unfinished.rename(file)
    print(f"{kind}: {len(sets)} sets in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return file


def figures(data, files, out):
    """What the scorer says of files of scores, as JSON; each file's part is kept until the file changes."""
    def one(file):
        found = file.with_suffix(".json")
        if not found.exists() or found.stat().st_mtime < file.stat().st_mtime:
            scorer = [sys.executable, data / "score.py", "--data", data, "--scores", file, "--json", found]
            ended = subprocess.run(scorer, capture_output=True, text=True, check=False)
            if ended.returncode:
                sys.exit(f"the scorer failed on {file}: {ended.stderr}")
        return json.loads(found.read_text())

    merged = {"stream": {}, "tabular": {}}
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        for found in pool.map(one, files):
            for kind, methods in merged.items():
                methods.update(found.get(kind, {}))
    return merged


def main(data, out, wanted):
    sets = [one for file in sorted(data.glob("manifest_*.json")) for one in json.loads(file.read_text())]
    skipped = sorted({one["kind"] for one in sets} - {"stream", "tabular"})
    sets = [one for one in sets if one["kind"] in ("stream", "tabular")]
    out.mkdir(parents=True, exist_ok=True)
    names = wanted or kinds()
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        files = [scores(data, out, sets, kind, pool) for kind in names]
        own = accuracy_tables.tables(WILLET, data, out, sets, names, pool)
    ours = figures(data, files, out)
    peers = sorted((out / "peers").glob("*.csv"))
    page = accuracy_page.page(
        ours,
        figures(data, peers, out) if peers else None,
        own,
        sets,
        skipped,
        date=datetime.date.today(),
    )
    target = out / "accuracy.md" if wanted else ROOT / "docs/accuracy.md"
    target.write_text(page)
    print(page)
    print(f"written to {target}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
