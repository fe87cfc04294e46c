"""Samples that wait on an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ._arrays import as_rows
from ._errors import InputError
from ._stream import Result

if TYPE_CHECKING:
    from .streaming import StreamingService


class Queue:
    """Samples of one event loop that wait to be computed, in the order they came."""

    def __init__(self, service: StreamingService) -> None:
        self._service = service
        self._waiting: list[tuple[tuple[Any, Any, Any, Any], asyncio.Future[Result]]] = []
        self._room = asyncio.Condition()
        self._worker: asyncio.Task[None] | None = None

    async def put(self, sample: tuple[Any, Any, Any, Any]) -> Result:
        limit = self._service._options["buffer_size"]
        async with self._room:
            await self._room.wait_for(lambda: len(self._waiting) < limit)
            future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._waiting.append((sample, future))
            if self._worker is None or self._worker.done():
                self._worker = asyncio.ensure_future(self._work())
        return await future

    async def _work(self) -> None:
        options = self._service._options
        size = options["batch_size"] if options["batch_optimization"] else options["num_workers"]
        while self._waiting:
            async with self._room:
                batch, self._waiting = self._waiting[:size], self._waiting[size:]
                self._room.notify(len(batch))
            samples = [sample for sample, _ in batch]
            if options["async_processing"]:
                loop = asyncio.get_running_loop()
                answers = await loop.run_in_executor(self._service._workers(), self._compute, samples)
            else:
                answers = self._compute(samples)
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
            await asyncio.sleep(0)

    def _compute(self, samples: list[tuple[Any, Any, Any, Any]]) -> list[Result | Exception]:
        service = self._service
        try:
            # Names, too, are looked up one by one: samples of a batch need not have the same.
            each = [service._checked_sample(*sample) for sample in samples]
            table = as_rows([batch.rows[0] for batch in each])
            known = [batch.times[0] for batch in each if batch.times is not None]
            names = {batch.source: batch.names for batch in each}
            is_alike = all(names[batch.source] == batch.names for batch in each)
            if len(known) in (0, len(samples)) and is_alike:
                labels = [None if batch.labels is None else batch.labels[0] for batch in each]
                checked = service._checked(table, known or None, labels, [batch.source for batch in each])
                return list(service._judge([(at, batch._replace(names=names[batch.source])) for at, batch in checked]))
        except (InputError, TypeError):
            # One of them is not a sample: each for itself, so that only that one is answered with an error.
            pass
        answers: list[Result | Exception] = []
        for sample in samples:
            try:
                answers.append(service._sample(*sample))
            except Exception as error:
                answers.append(error)
        return answers
