"""The tables of docs/accuracy.md that need no scorer: confidence, false flags, reasons, poison, level shifts.

Each works on series made here with a fixed seed, through the command as a user has it; calibration on the scores of the labelled sets.
"""
import csv
import gzip
import json
import pathlib
import random
import subprocess
import tempfile

MINUTES = 5
WEEK = 7 * 24 * 60 // MINUTES
# Flags of the first week are not counted: it is what the rest is compared with.
RATE_WEEKS = 4
SEEDS = 3
# Verdicts that a bin of confidence holds at least.
BIN = 200
PLANTED = 100
# Above the share that is planted, so that the default's bound on flags is not what is measured.
PLANTED_CONTAMINATION = "0.05"
SHIFT = 6.0
AFTER_SHIFT = 200
QUIET = 100


def detect(willet, path, kind, *more):
    """Verdicts of a file, as JSON, in order."""
    command = [willet, "detect", path, "--algorithm", kind, "--format", "ndjson", "--quiet", "--dead-letters", "none", *more]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {ended.returncode}: {ended.stderr}")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def has_rate(willet):
    said = subprocess.run([willet, "detect", "--help"], capture_output=True, text=True, check=True)
    return "--rate" in said.stdout


def write(path, columns, rows):
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(rows)
    return path


def stamp(row):
    return 1_767_225_600 + row * MINUTES * 60


# ---------- false flags ----------


def poisson(rng, mean):
    limit, count, product = 2.718281828459045**-mean, 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def quiet_series(name, rng, rows):
    """Values of a series in which nothing is wrong."""
    from math import pi, sin

    day = 24 * 60 // MINUTES
    state = 0.0
    for row in range(rows):
        noise = rng.gauss(0, 1)
        daily = sin(2 * pi * row / day)
        if name == "white noise":
            yield noise
        elif name == "AR(1), 0.9":
            state = 0.9 * state + noise
            yield state
        elif name == "daily season":
            yield 10 * daily + noise
        elif name == "daily and weekly season":
            yield 10 * daily + 6 * sin(2 * pi * row / WEEK) + noise
        elif name == "counts":
            yield poisson(rng, 4 + 3 * daily)
        elif name == "heavy tails (t, 3)":
            yield noise / (sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3) ** 0.5
        elif name == "random walk":
            state += noise
            yield state
        else:
            raise ValueError(name)


QUIET_SERIES = ["white noise", "AR(1), 0.9", "daily season", "daily and weekly season", "counts", "heavy tails (t, 3)", "random walk"]


def quiet_file(path):
    """All quiet series in one file, a key each: each is learned on its own."""
    rows = WEEK * (1 + RATE_WEEKS)
    keys = [(name, seed) for name in QUIET_SERIES for seed in range(SEEDS)]
    series = {key: list(quiet_series(key[0], random.Random(f"{key}"), rows)) for key in keys}
    lines = ((stamp(row), f"{name}/{seed}", series[name, seed][row]) for row in range(rows) for name, seed in keys)
    return write(path, ["timestamp", "key", "value"], lines)


def rate(job):
    """Flags a week of each quiet series, at the default decision and, where there is one, at a rate."""
    willet, path, kind, more = job
    flags = dict.fromkeys(QUIET_SERIES, 0)
    seen = {}
    for verdict in detect(willet, path, kind, *more):
        key = verdict["source"]
        seen[key] = seen.get(key, 0) + 1
        if verdict["is_anomaly"] and seen[key] > WEEK:
            flags[key.split("/")[0]] += 1
    return kind, {name: count / (SEEDS * RATE_WEEKS) for name, count in flags.items()}


# ---------- reasons ----------


def planted_file(path):
    """Ten features, some of them together; every 50 rows one is 8 deviations off."""
    rng = random.Random(11)
    rows = []
    for row in range(1_000 + 50 * PLANTED):
        shared = rng.gauss(0, 1)
        values = [10 * feature + (shared if feature < 4 else 0) * 0.7 + rng.gauss(0, 1) for feature in range(10)]
        guilty = (row // 50) % 10
        is_planted = row >= 1_000 and row % 50 == 25
        if is_planted:
            values[guilty] += 8.0 * (1 if rng.random() < 0.5 else -1)
        rows.append([*values, int(is_planted)])
    return write(path, [*(f"f{feature}" for feature in range(10)), "label"], rows)


def explanation(job):
    """How many of the planted rows were flagged, and of how many the guilty feature has the largest contribution."""
    willet, path, kind = job
    flagged = right = 0
    for row, verdict in enumerate(detect(willet, path, kind, "--label", "label", "--contamination", PLANTED_CONTAMINATION)):
        if row < 1_000 or row % 50 != 25 or not verdict["is_anomaly"]:
            continue
        flagged += 1
        shares = verdict.get("contributions") or {}
        right += bool(shares) and max(shares, key=shares.get) == f"f{(row // 50) % 10}"
    return kind, {"flagged": flagged, "right": right}


# ---------- poison ----------

# A row more changes what a window holds; what an ordinary one changes is there to compare with.
POISONS = {"none": None, "an ordinary row": 0.3, "NaN": "", "inf": "inf", "1e308": "1e308", "1e15": "1e15"}


def poison_files(folder):
    """The same rows with one more in the middle, that is poisoned; without it in the first."""
    rng = random.Random(5)
    clean = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(2_000)]
    for place, (name, value) in enumerate(POISONS.items()):
        rows = [list(row) for row in clean]
        if value is not None:
            rows.insert(1_000, [rows[1_000][0], value, rows[1_000][2]])
        write(folder / f"poison{place}.csv", ["a", "b", "c"], rows)


def poison(job):
    """Largest change of a later anomaly_score for each poison."""
    willet, folder, kind = job
    later = {
        name: [verdict.get("anomaly_score", 0.0) for verdict in detect(willet, folder / f"poison{place}.csv", kind, "-c", "a,b,c")][-1_000:]
        for place, name in enumerate(POISONS)
    }
    change = lambda name: max(abs(one - other) for one, other in zip(later[name], later["none"]))
    return kind, {name: change(name) for name in POISONS if name != "none"}


# ---------- level shift ----------


def shift_file(path):
    rng = random.Random(3)
    rows = ((stamp(row), f"k{key}", rng.gauss(0, 1) + (SHIFT if row >= 2_000 else 0)) for row in range(4_000) for key in range(SEEDS))
    return write(path, ["timestamp", "key", "value"], rows)


def shift(job):
    """Flags in the rows behind a shift of the level, and rows until there are none for a while; means over the series."""
    willet, path, kind = job
    flags = {}
    for verdict in detect(willet, path, kind):
        flags.setdefault(verdict["source"], []).append(verdict["is_anomaly"])
    counted, quiet = [], []
    for one in flags.values():
        after = one[2_000:]
        counted.append(sum(after[:AFTER_SHIFT]))
        last = 0
        for row, is_flagged in enumerate(after):
            if row - last >= QUIET:
                break
            if is_flagged:
                last = row + 1
        quiet.append(last)
    return kind, {"flags": sum(counted) / len(counted), "quiet_after": sum(quiet) / len(quiet)}


# ---------- confidence ----------


def labels(data, one):
    with gzip.open(data / one["path"], "rt", newline="") as file:
        rows = csv.reader(file)
        place = next(rows).index("label")
        return [row[place] in ("1", "1.0") for row in rows]


def calibration(job):
    """Verdicts that said anomaly, by confidence: bins of as many, with mean confidence and share that was right."""
    known, scores, kind = job
    said = []
    with scores.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for dataset, index, _, flag, confidence in rows:
            if flag == "1" and dataset in known:
                truth, probation = known[dataset]
                if int(index) >= probation:
                    said.append((float(confidence), truth[int(index)]))
    said.sort()
    if not said:
        return kind, {"verdicts": 0, "bins": []}
    count = max(1, min(10, len(said) // BIN))
    edges = [len(said) * bin // count for bin in range(count + 1)]
    bins = []
    for first, last in zip(edges, edges[1:]):
        part = said[first:last]
        bins.append({
            "verdicts": len(part),
            "confidence": sum(confidence for confidence, _ in part) / len(part),
            "right": sum(is_right for _, is_right in part) / len(part),
        })
    error = sum(bin["verdicts"] * abs(bin["confidence"] - bin["right"]) for bin in bins) / len(said)
    mean = lambda name: sum(bin["verdicts"] * bin[name] for bin in bins) / len(said)
    return kind, {"verdicts": len(said), "confidence": mean("confidence"), "right": mean("right"), "error": error, "bins": bins}


def tables(willet, data, out, sets, kinds, pool):
    """All of them, by name and kind; kept in OUT until the binary changes."""
    kept = out / "own_tables.json"
    if kept.exists() and kept.stat().st_mtime > willet.stat().st_mtime:
        found = json.loads(kept.read_text())
        if set(kinds) <= set(found["shift"]):
            return found
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        quiet, planted, shifted = quiet_file(folder / "quiet.csv"), planted_file(folder / "planted.csv"), shift_file(folder / "shift.csv")
        poison_files(folder)
        known = {one["name"]: (labels(data, one), one["probation"]) for one in sets if one["n_pos"]}
        jobs = {
            "shift": (shift, [(willet, shifted, kind) for kind in kinds]),
            "poison": (poison, [(willet, folder, kind) for kind in kinds]),
            "explanation": (explanation, [(willet, planted, kind) for kind in kinds]),
            "calibration": (calibration, [(known, out / f"{kind}.csv", kind) for kind in kinds]),
            "rate": (rate, [(willet, quiet, kind, ()) for kind in kinds]),
        }
        if has_rate(willet):
            jobs["asked_rate"] = (rate, [(willet, quiet, kind, ("--rate", "5 a week")) for kind in kinds])
        found = {name: dict(pool.map(work, parts)) for name, (work, parts) in jobs.items()}
    kept.write_text(json.dumps(found))
    return found
