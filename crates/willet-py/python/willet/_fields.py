"""Fields of tuples that explain themselves: in ``help`` each says what it is."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T", bound=type[Any])


def explained(named_tuple: T, **fields: str) -> T:
    """Give each field its sentence, and the class all of them."""
    lines = [named_tuple.__doc__ or "", "", "    Attributes", "    ----------"]
    for name in named_tuple._fields:
        getattr(named_tuple, name).__doc__ = fields[name]
        lines += [f"    {name}", f"        {fields[name]}"]
    named_tuple.__doc__ = "\n".join([*lines, "    "])
    return named_tuple
