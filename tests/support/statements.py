"""Counts what goes to the database, so that a test can say how many statements something takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from core.database import Database
from core.links import Link


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements of the block in order, without the one that opens each transaction and those of savepoints."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # Any: as the event passes them
        seen.append(statement)

    async def fetch(link: Link, sql: str, arguments: Sequence[Any]) -> Any:  # Any: the driver's rows
        seen.append(sql)
        return await plain_fetch(link, sql, arguments)

    async def run_each(link: Link, sql: str, rows: Sequence[Any]) -> None:
        if len(rows) > 1:  # otherwise it is fetched
            seen.append(sql)
        await plain_run_each(link, sql, rows)

    plain_fetch, plain_run_each = Link.fetch, Link.run_each
    engine = database.links.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    with patch.multiple(Link, fetch=fetch, run_each=run_each):
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)
