"""Figures of matplotlib, where that is installed."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any


def new_figure(**arguments: Any) -> Any:
    """A figure that notebooks show, or ``None`` without matplotlib.

    Notebooks learn to show figures when ``matplotlib.pyplot`` is imported; this one need not be made by that, which would keep it in
    memory until it is closed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure: Any = Figure(**arguments)
    figure._repr_png_ = partial(_png, figure)
    return figure


def _png(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
