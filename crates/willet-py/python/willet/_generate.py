"""Writes ``river.py``, ``sklearn.py`` and ``pyod.py``: a class for each line of the native tables.

``python -m willet._generate`` writes them; a test compares them with what it would write.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from ._willet import drift_tests, kinds

#: Names that are not the kind's own with capitals.
NAMES = {
    "hst": "HalfSpaceTrees",
    "iforest": "IsolationForest",
    "rcf": "RandomCutForest",
    "lof": "LocalOutlierFactor",
    "knn": "NearestNeighbours",
    "ocsvm": "OneClassSvm",
    "ks": "KolmogorovSmirnov",
    "chi2": "ChiSquared",
    "psi": "PopulationStability",
    "hddm_a": "HddmA",
    "hddm_w": "HddmW",
}

SIGNS = {
    "river": "Scores are high where a sample is strange.",
    "sklearn": "Scores are low where a row is strange, as everywhere in scikit-learn.",
    "pyod": "Scores are high where a row is strange, as everywhere in PyOD.",
}

DOORS = {
    "river": ("Detectors and drift tests for River pipelines.", "_river"),
    "sklearn": ("Detectors as scikit-learn estimators.", "_sklearn"),
    "pyod": ("Detectors with PyOD's methods.", "_pyod"),
}

EXAMPLES = {
    "river": """
        >>> from willet import river
        >>> detector = river.{name}()
        >>> for i in range(600):
        ...     detector.learn_one({{"value": float(i % 7)}})
        >>> detector.score_one({{"value": 50.0}}) > detector.score_one({{"value": 3.0}})
        True""",
    "sklearn": """
        >>> from willet.sklearn import {name}
        >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
        >>> detector = {name}(contamination=0.01).fit(rows)
        >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
        >>> bool(low < high)
        True""",
    "pyod": """
        >>> from willet.pyod import {name}
        >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
        >>> detector = {name}(contamination=0.01).fit(rows)
        >>> [high, low] = detector.decision_function([[50.0, 50.0], [3.0, 2.0]])
        >>> bool(high > low)
        True""",
}


def class_name(kind: str) -> str:
    """The class of a kind."""
    return NAMES.get(kind) or "".join(word.capitalize() for word in kind.split("_"))


def _type(default: Any) -> str:
    if isinstance(default, list):
        return "Sequence[str] | Mapping[str, Mapping[str, Any]]"
    return type(default).__name__


def _default(name: str, setting: dict[str, Any]) -> Any:
    default = setting["default"]
    is_float = isinstance(default, int) and not setting["allowed"].startswith("a whole number")
    return float(default) if is_float and not isinstance(default, bool) else default


def _fill(text: str, indent: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, initial_indent=indent, subsequent_indent=indent)


def _class(door: str, kind: dict[str, Any], base: str) -> str:
    name = class_name(kind["name"])
    settings = {setting: (_default(setting, about), about) for setting, about in kind["settings"].items()}
    summary = kind["summary"][0].upper() + kind["summary"][1:]
    lines = [f"class {name}({base}):", _fill(f'"""{summary}.', "    "), ""]
    if base == "Detector":
        lines += [f"    {SIGNS[door]}", ""]
    lines += ["    Parameters", "    ----------"]
    arguments: list[tuple[str, str, str, str]] = []
    if door != "river":
        arguments.append(
            ("contamination", "float", "0.1", "Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.")
        )
    for setting, (default, about) in settings.items():
        shown = repr(tuple(default)) if isinstance(default, list) else repr(default)
        allowed = about["allowed"][0].upper() + about["allowed"][1:]
        arguments.append((setting, _type(default), shown, f"{about['doc']} {allowed}."))
    arguments.append(("seed", "int", "0", "The same seed and rows give the same scores."))
    for argument, _, _, doc in arguments:
        lines += [f"    {argument}", _fill(doc, "        ")]
    lines += ["", "    References", "    ----------", _fill(kind["paper"] + ".", "    ")]
    is_plain = kind["name"] not in ("rare", "seasonal") and base == "Detector"
    if is_plain:
        lines += ["", "    Examples", "    --------", textwrap.indent(textwrap.dedent(EXAMPLES[door].format(name=name)).strip(), "    ")]
    lines += ['    """', "", f'    _kind = "{kind["name"]}"', "", "    def __init__(", "        self,", "        *,"]
    lines += [f"        {argument}: {kind_of} = {default}," for argument, kind_of, default, _ in arguments]
    lines += ["    ) -> None:"]
    lines += [f"        self.{argument} = {argument}" for argument, _, _, _ in arguments]
    if door == "river":
        lines += ["        self._start()"]
    if base == "DriftDetector":
        pairs = ", ".join(f'"{setting}": self.{setting}' for setting in settings)
        lines += ["", "    def _settings(self) -> dict[str, Any]:", f"        return {{{pairs}}}"]
    return "\n".join(lines).replace("  # noqa", "")


def module(door: str) -> str:
    """The source of one of the modules."""
    summary, base = DOORS[door]
    classes = [_class(door, kind, "Detector") for kind in kinds()]
    names = [class_name(kind["name"]) for kind in kinds()]
    bases = ["Detector"]
    if door == "river":
        bases = ["Detector", "DriftDetector"]
        tests = [kind for kind in drift_tests() if class_name(kind["name"]) not in names]
        classes += [_class(door, kind, "DriftDetector") for kind in tests]
        names += [class_name(kind["name"]) for kind in tests]
    head = [
        f'"""{summary}',
        "",
        SIGNS[door],
        "",
        "Written by ``python -m willet._generate`` from the native tables.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Mapping, Sequence",
        "from typing import Any",
        "",
        f"from .{base} import {', '.join(bases)}",
        "",
        "__all__ = [",
        *[f'    "{name}",' for name in sorted([*names, *bases])],
        "]",
    ]
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(classes) + "\n"


def main() -> None:
    """Write all of them."""
    for door in DOORS:
        (Path(__file__).parent / f"{door}.py").write_text(module(door))


if __name__ == "__main__":
    main()
