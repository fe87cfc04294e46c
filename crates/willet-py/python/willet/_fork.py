"""Forks while threads compute: a child has one thread, and a copy of every lock as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakSet

from ._willet import after_fork, before_fork

if TYPE_CHECKING:
    from .streaming import StreamingService

#: All that there are.
services: WeakSet[StreamingService] = WeakSet()
_held: list[StreamingService] = []


def _before() -> None:
    for service in list(services):
        service._hold()
        _held.append(service)
    before_fork()


def _in_parent() -> None:
    after_fork()
    while _held:
        _held.pop()._let_go()


def _in_child() -> None:
    after_fork()
    while _held:
        service = _held.pop()
        service._let_go()
        service._forget_threads()


def register() -> None:
    """Have every fork wait until nothing is computed."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
