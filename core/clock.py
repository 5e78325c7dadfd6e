"""The one clock: aware UTC instants, and a way for tests to set them. Leases go by the database's clock instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _frozen or datetime.now(UTC)


@contextmanager
def set_to(instant: datetime) -> Iterator[None]:
    """Hold the clock at an aware instant for the length of the block (tests). Raises ValueError when naive."""
    global _frozen
    if instant.tzinfo is None:
        raise ValueError("the clock takes aware instants only")
    before, _frozen = _frozen, instant.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before
