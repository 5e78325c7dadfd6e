"""What an operation does its database work through: a read snapshot, or a unit of work that buffers its change log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from core import clock
from core.links import Link
from core.statements import Prepared, Row

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a task's revision has beside what the log says of its change: the version that it made, and each field."""

    version: int
    changes: Sequence[Mapping[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log before it has its number. The names are those of the log's columns."""

    kind: str
    entity_id: UUID | None
    conversation_id: UUID | None = None
    action: str | None = None
    actor: str | None = None
    revision_id: UUID | None = None
    tool_call_id: UUID | None = None
    going_on: bool = field(default=False, compare=False)
    """Not in the log: a turn that surely hasn't ended, so that who waits for its end in this process needn't look."""
    revision: Revision | None = field(default=None, compare=False, repr=False)
    """Stored with the log's entry, under `revision_id`."""
    row: object | None = field(default=None, compare=False, repr=False)
    """Not in the log: the entity's whole row as it is committed, if whoever changed it has it, so that who is told of
    the change in this process needn't read it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A unit of work's changes as they are in the log: numbered to `seq`, without a gap, in the log of that epoch."""

    changes: Sequence[Change]
    seq: int
    epoch: UUID
    at: datetime

    @property
    def rows(self) -> Mapping[UUID | None, object]:
        """The rows that are known, by id, as the last change of each left them."""
        last = {change.entity_id: change.row for change in self.changes}
        return {entity_id: row for entity_id, row in last.items() if row is not None}


class Journal(Protocol):
    """Where buffered changes go: numbered in the transaction's last statement, announced after its commit."""

    async def write(self, session: Session, changes: Sequence[Change]) -> Written:
        """Append under the user's counter."""
        ...

    async def announce(self, user_id: str, seq: int) -> None:
        """Wake the hubs. Called after COMMIT; never raises for a broker's fault."""
        ...


class Session:
    """A transaction as one user under row-level security, and the ways to read rows from it as values.

    What runs often is `Prepared` and run by `first`, `every`, `value`, `run` and `run_each`: its argument `user_id`,
    where it has one, is the session's. Any other statement goes through SQLAlchemy: `execute`, `one`, `all`, `scalar`.
    """

    def __init__(self, link: Link, user_id: str) -> None:
        self._link = link
        self.user_id = user_id
        self.now: datetime = clock.now()

    @property
    def connection(self) -> AsyncConnection:
        """SQLAlchemy's side of the transaction."""
        return self._link.connection

    # Any: arguments are whatever the statement's columns hold.
    async def first(self, statement: Prepared[Row], **arguments: Any) -> Row | None:
        """The first row, or None."""
        arguments["user_id"] = self.user_id
        rows = await self._link.fetch(statement.sql, statement.arguments(arguments))
        return statement.make(*rows[0]) if rows else None

    async def every(self, statement: Prepared[Row], **arguments: Any) -> list[Row]:
        """All rows."""
        arguments["user_id"] = self.user_id
        make = statement.make
        return [make(*row) for row in await self._link.fetch(statement.sql, statement.arguments(arguments))]

    async def value(self, statement: Prepared[Any], **arguments: Any) -> Any:
        """The first column of the first row, or None."""
        arguments["user_id"] = self.user_id
        rows = await self._link.fetch(statement.sql, statement.arguments(arguments))
        return rows[0][0] if rows else None

    async def run(self, statement: Prepared[Any], **arguments: Any) -> None:
        """For what it does, not for what it answers."""
        arguments["user_id"] = self.user_id
        await self._link.fetch(statement.sql, statement.arguments(arguments))

    async def run_each(self, statement: Prepared[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each row of arguments, in one go."""
        if rows:
            given = [statement.arguments({**row, "user_id": self.user_id}) for row in rows]
            await self._link.run_each(statement.sql, given)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self.connection.execute(statement, parameters)

    async def one(self, statement: Executable, value: Callable[..., Value]) -> Value | None:
        """The first row as a value whose fields are the statement's columns in order, or None."""
        row = (await self.execute(statement)).first()
        return None if row is None else value(*row)

    async def all(self, statement: Executable, value: Callable[..., Value]) -> list[Value]:
        return [value(*row) for row in await self.execute(statement)]

    async def scalar(self, statement: Executable) -> Any:
        return (await self.execute(statement)).scalar()


class UnitOfWork(Session):
    """A read-write transaction. Changes are buffered and numbered last: the counter's lock is held only to COMMIT.

    Where `user_exists`, the user's row is locked and stays. Otherwise they were never seen, or their data was deleted.
    """

    def __init__(self, link: Link, user_id: str, *, user_exists: bool = True) -> None:
        super().__init__(link, user_id)
        self.user_exists = user_exists
        self._changes: dict[Change, Change] = {}

    def record(self, change: Change) -> None:
        """Log a change. The same entry twice in one unit of work is one: its readers see the entity as committed."""
        if not change.going_on or change not in self._changes:
            self._changes[change] = change  # where the first one stood

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that fails alone: an error undoes the block, the changes it recorded as well, and is raised on."""
        before = len(self._changes)
        try:
            async with self._link.savepoint():
                yield
        except BaseException:
            while len(self._changes) > before:
                self._changes.popitem()
            raise

    @property
    def changes(self) -> Sequence[Change]:
        return tuple(self._changes.values())
