"""Writes the tables of docs/speed.md from what `bench/run.sh kinds` measured: `speed_table.py FOLDER FILE LOAD`."""

import datetime
import os
import pathlib
import platform
import sys

# Of a line of the example `speed`: rows a core second asked for, and the peers that stand beside it.
ASKED = {
    "hst d=10 n_estimators=25 depth=15": (250_000, ["irithyll-hst-25x15", "river-hst-25x15"]),
    "hst d=10 n_estimators=25 depth=8": (1_400_000, ["irithyll-hst-25x8", "river-hst-25x8"]),
    "iforest d=10 n_estimators=100 window_size=1000 update_frequency=1000": (
        250_000,
        ["extended-isolation-forest-100x256", "rcf3-online-iforest-100", "sklearn-iforest"],
    ),
    "rcf d=10": (70_000, ["rcf3-50x256"]),
    "hbos d=10 window_size=1000": (2_000_000, ["pyod-hbos"]),
    "loda d=10 window_size=1000": (1_000_000, ["pyod-loda", "pysad-loda"]),
    "ocsvm d=10 window_size=1000": (60_000, ["sklearn-ocsvm"]),
    "zscore d=10": (None, ["river-gaussian-scorer"]),
    "lof d=10 n_neighbors=20 window_size=1000": (None, ["sklearn-lof", "river-lof-first-400-rows"]),
    "knn d=10 window_size=1000": (None, ["sklearn-knn"]),
    "copod d=10 window_size=1000": (None, ["pyod-copod"]),
    "ecod d=10 window_size=1000": (None, ["pyod-ecod"]),
    "pca d=10": (None, ["pyod-pca"]),
    "autoencoder d=10": (None, ["sklearn-mlp"]),
}
# Only scored, nothing learned.
ASKED_SCORES = {
    "iforest d=10 n_estimators=100 window_size=1000 update_frequency=1000": (
        500_000,
        ["extended-isolation-forest-100x256-score", "sklearn-iforest-score"],
    ),
}


def beside(ours, names, peers):
    """What the peers made of it, and how many times as much ours is."""
    found = [(name, *peers[name]) for name in names if name in peers]
    shown = [f"{name} {rate:,.0f}" + (f" ({int(held):,} bytes)" if held else "") for name, rate, held in found]
    ratios = [f"{ours / rate:,.1f}" for _, rate, _ in found]
    return "; ".join(shown) or "–", "; ".join(ratios) or "–"


def kinds(folder):
    peers = {}
    for file in ("peers-rust", "peers-python"):
        for line in (folder / file).read_text().splitlines():
            name, rate, *held = line.split()
            peers[name] = float(rate), held[0] if held else None
    head = ["kind and settings", "asked", "in batches of 1,000", "one by one", "only scored", "explanation, µs", "bytes held", "peers, rows a core second", "ours is times"]
    yield from (head, ["---"] + ["---:"] * 6 + ["---", "---:"])
    for line in (folder / "kinds").read_text().splitlines():
        name, *numbers = line.split("\t")
        batches, single, scored, explained, held = map(float, numbers)
        asked, names = ASKED.get(name, (None, []))
        shown, ratio = beside(batches, names, peers)
        yield [f"`{name}`", f"{asked:,}" if asked else "–", f"{batches:,.0f}", f"{single:,.0f}", f"{scored:,.0f}", f"{explained:,.1f}", f"{held:,.0f}", shown, ratio]
        if name in ASKED_SCORES:
            asked, names = ASKED_SCORES[name]
            shown, ratio = beside(scored, names, peers)
            yield ["the same, only scored", f"{asked:,}", "–", "–", f"{scored:,.0f}", "–", "–", shown, ratio]


def far(folder):
    yield from (["kind and settings", "rows", "µs a row, first tenth", "last tenth", "bytes, first tenth", "last tenth", "bytes for a million rows more"], ["---"] + ["---:"] * 6)
    lines = {}
    for line in (folder / "far").read_text().splitlines():
        name, *numbers = line.split("\t")
        lines.setdefault(name, []).append([float(number) for number in numbers])
    for name, tenths in lines.items():
        (begun, first, small), (done, last, large) = tenths[0], tenths[-1]
        more = (large - small) / (done - begun) * 1e6
        yield [f"`{name}`", f"{done:,.0f}", f"{first:.3f}", f"{last:.3f}", f"{small:,.0f}", f"{large:,.0f}", f"{more:,.0f}"]


def machine(load):
    model = next((line.split(": ")[1] for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    today = datetime.date.today().isoformat()
    return f"{model.strip()}, {os.cpu_count()} cores, load {load} before the run, {today}: `bench/run.sh kinds`."


def main():
    folder, file, load = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    text = file.read_text()
    tables = {"machine": [[machine(load)]], "kinds": kinds(folder), "far": far(folder)}
    for name, rows in tables.items():
        lines = [row[0] if len(row) == 1 else "| " + " | ".join(row) + " |" for row in rows]
        before, rest = text.split(f"<!-- {name} -->\n")
        after = rest.split(f"<!-- end of {name} -->\n", 1)[1]
        text = before + f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end of {name} -->\n" + after
    file.write_text(text)


if __name__ == "__main__":
    main()
