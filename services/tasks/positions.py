"""Where a task stands in the user's own order: hexadecimal digits that compare as fractions do (COLLATE "C")."""

from __future__ import annotations

from core.ids import new_id

_DIGITS = "0123456789abcdef"


def last_position() -> str:
    """A position after all that were made before, without reading them: the 60 bits of a UUIDv7's clock.

    No position ends in 0: between "a" and "a0" there is no room.
    """
    digits = new_id().hex
    return (digits[:12] + digits[13:16]).rstrip("0")  # digit 12 is the UUID's version


def between(low: str, high: str | None) -> str:
    """A position after `low` ("" for the very first) and before `high` (None: no bound). Raises ValueError: no room."""
    if high is not None and low >= high:
        raise ValueError("low must be before high")
    prefix, i, bound = "", 0, high
    while True:
        floor = _DIGITS.index(low[i]) if i < len(low) else 0
        ceiling = 16 if bound is None else _DIGITS.index(bound[i]) if i < len(bound) else 0
        middle = (floor + ceiling) // 2
        if middle > floor:
            return prefix + _DIGITS[middle]
        prefix += _DIGITS[floor]
        if ceiling > floor:
            bound = None  # already below the bound: what follows is free
        i += 1
