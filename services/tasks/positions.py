"""Where a task stands in the user's own order: hexadecimal digits that compare as fractions do (COLLATE "C")."""

from __future__ import annotations

from core.ids import new_id


def last_position() -> str:
    """A position after all that were made before, without reading them: the 60 bits of a UUIDv7's clock.

    No position ends in 0: between "a" and "a0" there is no room.
    """
    digits = new_id().hex
    return (digits[:12] + digits[13:16]).rstrip("0")  # digit 12 is the UUID's version
