"""How the database runs what a list asks for: each statement again under EXPLAIN, as the program's role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import orjson
from sqlalchemy import event

from core.database import Database
from core.links import Link

Statement = tuple[str, Sequence[Any]]  # Any: arguments


@contextmanager
def recorded(database: Database) -> Iterator[list[Statement]]:
    """The queries of the block with their arguments, in the driver's words; complete after it."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:  # Any: the event's
        seen.append((statement, tuple(parameters)))

    async def fetch(link: Link, sql: str, arguments: Sequence[Any]) -> Any:  # Any: the driver's rows
        seen.append((sql, tuple(arguments)))
        return await plain(link, sql, arguments)

    plain = Link.fetch
    engine = database.links.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    with patch.object(Link, "fetch", fetch):
        try:
            yield seen
            seen[:] = [statement for statement in seen if statement[0].lstrip().startswith(("SELECT", "WITH"))]
        finally:
            event.remove(engine, "before_cursor_execute", note)


@dataclass(frozen=True)
class Plan:
    """What of a plan says whether it grows."""

    scanned_whole: tuple[str, ...]
    """Tables that are read from one end to the other."""
    sorts: bool
    text: str


async def explain(database: Database, user: str, statement: Statement, *, unless_it_must: bool = False) -> Plan:
    """The plan for that user. `unless_it_must`: a table is read whole only where there is no other way."""
    sql, arguments = statement
    async with database.snapshot(user) as session:
        if unless_it_must:
            await session._link.script("SET LOCAL enable_seqscan = off")
        [row] = await session._link.fetch(f"EXPLAIN (FORMAT JSON) {sql}", arguments)
    found = orjson.loads(row[0]) if isinstance(row[0], str) else row[0]
    nodes = list(_nodes(found[0]["Plan"]))
    scanned = tuple(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan")
    return Plan(
        scanned,
        any("Sort" in node["Node Type"] for node in nodes),
        orjson.dumps(found, option=orjson.OPT_INDENT_2).decode(),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:  # Any: EXPLAIN's JSON
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
