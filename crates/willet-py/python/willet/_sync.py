"""The methods of a service without an event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _learning, _windows
from ._stream import Result

if TYPE_CHECKING:
    from .streaming import StreamingService

Floats = npt.NDArray[np.float64]


class SyncService:
    """The methods of a :class:`StreamingService` without an event loop."""

    def __init__(self, service: StreamingService) -> None:
        self._service = service

    def process_sample(self, x: Any, timestamp: Any = None, label: bool | None = None, source: str | None = None) -> Result:
        """See :meth:`StreamingService.process_sample`."""
        return self._service._sample(x, timestamp, label, source)

    def process_batch(
        self,
        rows: Any,
        timestamps: Iterable[Any] | None = None,
        labels: Iterable[bool | None] | None = None,
        sources: Iterable[str | None] | None = None,
    ) -> list[Result]:
        """See :meth:`StreamingService.process_batch`."""
        return self._service._batch(rows, timestamps, labels, sources)

    def process_window(self, source: str | None = None) -> list[Result]:
        """See :meth:`StreamingService.process_window`."""
        return _windows.judge_again(self._service, source)

    def retrain_model(self, data: Any, source: str | None = None) -> None:
        """See :meth:`StreamingService.retrain_model`."""
        _learning.retrain_on(self._service, data, source)

    def partial_fit(self, data: Any, source: str | None = None) -> None:
        """See :meth:`StreamingService.partial_fit`."""
        _learning.learn_more(self._service, data, source)

    def get_recent_data(self, samples: int = 1000, anomaly_filter: bool = False, source: str | None = None) -> Floats:
        """See :meth:`StreamingService.get_recent_data`."""
        return _learning.recent(self._service, samples, anomaly_filter, source)
