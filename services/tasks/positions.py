"""Where a task stands in the user's own order: hexadecimal digits that compare as fractions do (COLLATE "C").

No position ends in 0: between "a" and "a0" there is no room.
"""

from __future__ import annotations

from typing import Final

from core.ids import new_id

DIGITS: Final = 15
"""Digits of a position at an end of the list: the 60 bits of a UUIDv7's clock."""

STEP: Final = 1 << 20
"""How far before the first task, in units of the last of these digits, one is put: about 7,000 million times."""


def last_position() -> str:
    """A position after all that were made before, without reading them."""
    digits = new_id().hex
    return (digits[:12] + digits[13:16]).rstrip("0")  # digit 12 is the UUID's version


def position_between(low: str | None, high: str | None) -> str | None:
    """A position between two others, or beyond one at an end of the list; None where there is no room: they are equal.

    Beyond an end it doesn't get longer, however often that is asked for.
    """
    if high is None:
        return _after(low)
    if low is None and (value := int(high[:DIGITS].ljust(DIGITS, "0"), 16) - STEP) > 0:
        return _digits(value, DIGITS)
    return _middle(low or "", high)


def positions_between(low: str | None, high: str | None, count: int) -> list[str] | None:
    """That many positions, evenly between two others, in order and short; None where there is no room for them."""
    last = high or _after(low)
    if (low or "") >= last:
        return None
    width = max(len(low or ""), len(last))
    start, end = (int(text.ljust(width, "0") or "0", 16) for text in (low or "", last))
    while end - start <= count:
        start, end, width = start * 16, end * 16, width + 1
    while width > 1 and end // 16 - (start // 16 + 1) > 2 * count:  # as short as keeps them apart
        start, end, width = start // 16 + 1, end // 16, width - 1
    return [_digits(start + (end - start) * place // (count + 1), width) for place in range(1, count + 1)]


def _after(low: str | None) -> str:
    now = last_position()
    if low is None or now > low:
        return now
    value = int(low[:DIGITS].ljust(DIGITS, "0"), 16) + STEP  # made by a clock that was ahead
    return _digits(value, DIGITS) if value < 16**DIGITS else low + "8"


def _middle(low: str, high: str) -> str | None:
    """The shortest position between, of those the one in the middle."""
    if low >= high:
        return None
    width = 0
    while True:
        width += 1
        first = int(low[:width].ljust(width, "0"), 16) + 1
        above, rest = int(high[:width].ljust(width, "0"), 16), high[width:]
        last = above if rest else above - 1
        if first <= last:
            return _digits((first + last) // 2, width)


def _digits(value: int, width: int) -> str:
    return f"{value:0{width}x}".rstrip("0")
