"""docs/accuracy.md out of the figures."""
import math
import platform

import accuracy_tables

STREAM = [("roc_auc", "ROC AUC"), ("ap", "average precision"), ("vus_pr", "VUS-PR")]
TABULAR = [("roc_auc", "ROC AUC"), ("ap", "average precision"), ("p_at_n", "precision at n")]
NAB = [("nab_std", "NAB"), ("nab_lofp", "NAB, low false positives"), ("nab_lofn", "NAB, low false negatives")]
FAMILIES = {
    "nab": "NAB: 36 series of one value",
    "nasa": "NASA: 8 channels of SMAP and MSL, 10 to 21 values",
    "synth_uni": "made: 12 series of one value",
    "synth_multi": "made: 6 series of eight values",
}


def number(value, digits=3):
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def percent(value, digits=2):
    return "–" if value is None or math.isnan(value) else f"{100 * value:.{digits}f} %"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(": ")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def by(measure, group):
    """Sorts methods by a measure, best first; those without it last."""
    def key(item):
        value = group(item[1]).get(measure)
        return (value is None or math.isnan(value), -(value or 0), item[0])
    return key


def code(name):
    return f"`{name}`"


def measures(methods, group, columns, names=code):
    rows = sorted(methods.items(), key=by(columns[-1][0] if columns is STREAM else columns[0][0], group))
    return table(
        ["detector", *(title for _, title in columns)],
        [[names(name), *(number(group(found).get(measure)) for measure, _ in columns)] for name, found in rows],
    )


def streams(methods, names=code):
    macro = lambda found: found["macro"]
    rows = sorted(methods.items(), key=by("vus_pr", macro))
    return table(
        ["detector", *(title for _, title in STREAM), *(title for _, title in NAB)],
        [
            [names(name), *(number(found["macro"].get(measure)) for measure, _ in STREAM), *(number(found.get(measure), 1) for measure, _ in NAB)]
            for name, found in rows
        ],
    )


def own_decisions(methods):
    rows = sorted(methods.items(), key=lambda item: -item[1].get("own_nab_std", -1e9))
    return table(
        ["detector", "flagged", "precision", "windows found", "NAB of the flags"],
        [
            [
                code(name),
                percent(found["macro"].get("own_alarm_rate")),
                number(found["macro"].get("own_prec")),
                number(found["macro"].get("own_win_recall")),
                number(found.get("own_nab_std"), 1),
            ]
            for name, found in rows
        ],
    )


def flags_a_week(found):
    names = accuracy_tables.QUIET_SERIES
    return table(["detector", *names], [[code(kind), *(number(series[name], 1) for name in names)] for kind, series in found.items()])


def own_tables(own):
    parts = ["## False flags", ""]
    weeks, seeds = accuracy_tables.RATE_WEEKS, accuracy_tables.SEEDS
    parts += [
        f"Flags a week on series in which nothing is wrong: a value every {accuracy_tables.MINUTES} minutes (2,016 a week), {weeks} weeks behind one that",
        f"is not counted, mean of {seeds} series of each sort. The default decision flags at most 0.5 %, which is 10 a week.",
        "",
        flags_a_week(own["rate"]),
        "",
    ]
    if "asked_rate" in own:
        parts += ["The same with `--rate \"5 a week\"`:", "", flags_a_week(own["asked_rate"]), ""]
    parts += [
        "## Confidence",
        "",
        "`confidence` of a verdict that says anomaly is the probability that it is right. All such verdicts on the labelled sets behind the",
        f"probation, sorted by confidence into at most ten bins of at least {accuracy_tables.BIN}; the error is the mean distance between confidence and",
        "share of labelled rows in a bin. Labels of NAB and NASA are wide windows and not all that is strange in a series is labelled, so",
        "that \"right\" is what the label says, no more.",
        "",
        table(
            ["detector", "verdicts", "mean confidence", "share labelled", "error"],
            [
                [code(kind), f"{one['verdicts']:,}", *(number(one.get(name)) for name in ("confidence", "right", "error"))]
                for kind, one in own["calibration"].items()
            ],
        ),
        "",
    ]
    if own["calibration"].get("auto", {}).get("bins"):
        parts += [
            "The bins of `auto`:",
            "",
            table(
                ["confidence", "verdicts", "share labelled"],
                [[number(bin["confidence"]), f"{bin['verdicts']:,}", number(bin["right"])] for bin in own["calibration"]["auto"]["bins"]],
            ),
            "",
        ]
    planted = accuracy_tables.PLANTED
    parts += [
        "## Reasons",
        "",
        f"Ten features, four of them correlated; in each of {planted} rows, 1.7 % of all, one feature is 8 deviations off. Reasons are given with verdicts",
        f"that say anomaly (here with `contamination` {accuracy_tables.PLANTED_CONTAMINATION}): right are those in which the feature that is off has the largest contribution.",
        "",
        table(
            ["detector", f"flagged, of {planted}", f"right, of {planted}", "right, of those flagged"],
            [
                [code(kind), str(one["flagged"]), str(one["right"]), percent(one["right"] / one["flagged"], 0) if one["flagged"] else "–"]
                for kind, one in own["explanation"].items()
            ],
        ),
        "",
        "## Poison",
        "",
        "One row more in the middle of 2,000 of three values, one of them poisoned: the largest change of `anomaly_score` in the 1,000 rows",
        "behind it, against the run without that row. Rows with `inf` and 1e308 are refused at the door. A row more moves windows and steps in",
        "time by one, whatever it holds: that is what an ordinary row shows.",
        "",
        table(
            ["detector", *(name for name in accuracy_tables.POISONS if name != "none")],
            [[code(kind), *(number(one[name], 4) for name in accuracy_tables.POISONS if name != "none")] for kind, one in own["poison"].items()],
        ),
        "",
        "## Level shift",
        "",
        f"White noise of one value that rises by {accuracy_tables.SHIFT:.0f} deviations and stays there, after 2,000 rows: flags in the {accuracy_tables.AFTER_SHIFT} rows behind it, and rows until",
        f"the last flag before {accuracy_tables.QUIET} rows without one; mean of {seeds} series.",
        "",
        table(
            ["detector", f"flags in {accuracy_tables.AFTER_SHIFT} rows", "rows until quiet"],
            [[code(kind), number(one["flags"], 1), number(one["quiet_after"], 1)] for kind, one in own["shift"].items()],
        ),
        "",
    ]
    return parts


def beside_peers(ours, peers):
    if peers is None:
        return ["## Other libraries", "", "Not run here: `make peers` runs them and writes this page again.", ""]
    names = lambda name: code(name) if name in ours["stream"] or name in ours["tabular"] else name.replace("_", " ", 1)
    complete = {name: found for name, found in peers["stream"].items() if found["datasets"] == found["of"]}
    partly = sorted(set(peers["stream"]) - set(complete))
    parts = [
        "## Other libraries",
        "",
        "`make peers` (`bench/peers_accuracy.py`, versions in `bench/requirements-accuracy.txt`): their detectors at their default settings",
        "on the same rows in the same order. Batch libraries see windows of 1,000 rows: a block is scored by the model fitted to the rows",
        "before it (at 32, 64, 128, 256 and 500 rows, then every 500), so each row is scored before it is learned, as ours are. Rows before the",
        "first model have the lowest score. Features are standardised by the window for neighbours, one-class SVM and PCA, and",
        "scaled to 0..1 as they come for River's trees, as each asks for. They score on their own scale, which differs from",
        "series to series; NAB asks for one threshold for all, which is what a user of many series needs, too.",
        "",
        "### Streams, mean of the family means (NAB on its family)",
        "",
        streams({**ours["stream"], **complete}, names),
        "",
    ]
    if partly:
        parts += [f"Run on some sets only and left out: {', '.join(partly)}.", ""]
    tabular = {name: found for name, found in peers["tabular"].items() if found["datasets"] == found["of"]}
    parts += ["### Tabular", "", measures({**ours["tabular"], **tabular}, lambda found: found["macro"], TABULAR, names), ""]
    return parts


def page(ours, peers, own, sets, skipped, date):
    families = [family for family in FAMILIES if any(family in found["families"] for found in ours["stream"].values())]
    rows = sum(one["n"] for one in sets)
    parts = [
        "# Accuracy",
        "",
        "Written by `make accuracy` (`scripts/accuracy.py`) and `make peers`; do not edit. Every kind at its default settings, one setting for all",
        "sets; each row is scored before it is learned. The scorer (`score.py`, with the data) defines the measures: VUS-PR as TSB-AD (buffer 100),",
        "NAB 1.1 with the best single threshold for all its files. `willet compare FILE` measures the same on a file of yours.",
        "",
        f"- data: {len(sets)} sets, {rows:,} rows (36 of NAB, 8 of NASA, 18 made, 13 tabular ones of ADBench)",
        "- these are the sets that the kinds were developed with; on others the figures may be lower",
        f"- machine: {processor()}, two processes",
        f"- date: {date}; command: `make accuracy DATA=DIR`",
    ]
    if skipped:
        parts.append(f"- skipped: sets of {', '.join(skipped)}, which have no labelled anomalies")
    if "asked_rate" not in own:
        parts.append("- skipped: flags at an asked rate, which this build does not have (the default share is measured)")
    parts += [
        "",
        "## Streams",
        "",
        "Mean of the family means; NAB on its family. Sorted by VUS-PR.",
        "",
        streams(ours["stream"]),
        "",
        "### Own decisions",
        "",
        "What `is_anomaly` says at the default decision (nobody chose: at most 0.5 % flagged). Means of the family means; NAB on its family.",
        "",
        own_decisions(ours["stream"]),
        "",
    ]
    for family in families:
        parts += [f"### {FAMILIES[family]}", "", measures(ours["stream"], lambda found: found["families"].get(family, {}), STREAM), ""]
    parts += ["## Tabular", "", "13 sets of ADBench as streams. Mean, sorted by ROC AUC.", "", measures(ours["tabular"], lambda found: found["macro"], TABULAR), ""]
    parts += own_tables(own)
    parts += beside_peers(ours, peers)
    return "\n".join(parts).rstrip() + "\n"
