"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class Payments:
    """As River's CreditCard data, which its checks download: the same columns, one row in a hundred far off."""

    def take(self, rows: int) -> Iterator[tuple[dict[str, float], bool]]:
        rng = np.random.default_rng(1)
        for i in range(min(rows, 600)):
            is_fraud = i % 100 == 99
            parts = rng.normal(size=28) * (6.0 if is_fraud else 1.0)
            amount = float(rng.exponential(80.0)) * (30.0 if is_fraud else 1.0)
            yield {"Time": float(i), **{f"V{k}": float(v) for k, v in enumerate(parts, 1)}, "Amount": amount}, is_fraud


@pytest.fixture
def payments(monkeypatch: pytest.MonkeyPatch) -> None:
    import river.datasets

    monkeypatch.setattr(river.datasets, "CreditCard", Payments)


def without_time(results: list[Any]) -> list[str]:
    """Results as texts that are equal where all but the time they took is; nan equals nan."""
    return [repr(result._replace(processing_time=0.0)) for result in results]
