"""Counts what goes to the database, so that a test can say how many statements something takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from core.database import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements of the block in order, without the one that opens each transaction and those of savepoints."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # Any: as the event passes them
        if "set_config('role'" not in statement:
            seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
