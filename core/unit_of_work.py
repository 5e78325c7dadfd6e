"""What an operation does its database work through: a read snapshot, or a unit of work that buffers its change log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from core import clock

Value = TypeVar("Value")


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


class Journal(Protocol):
    """Where buffered changes go: numbered in the transaction's last statement, announced after its commit."""

    async def write(self, connection: AsyncConnection, user_id: str, changes: Sequence[Change]) -> int:
        """Append under the user's counter and return the last number."""
        ...

    async def announce(self, user_id: str, seq: int) -> None:
        """Wake the hubs. Called after COMMIT; never raises for a broker's fault."""
        ...


class Session:
    """A transaction as one user under row-level security, and the two ways to read rows from it as values."""

    def __init__(self, connection: AsyncConnection, user_id: str) -> None:
        self.connection = connection
        self.user_id = user_id
        self.now: datetime = clock.now()

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self.connection.execute(statement, parameters)

    async def one(self, statement: Executable, value: type[Value]) -> Value | None:
        """The first row as a value whose fields are the statement's columns in order, or None."""
        row = (await self.connection.execute(statement)).first()
        return None if row is None else value(*row)

    async def all(self, statement: Executable, value: type[Value]) -> list[Value]:
        return [value(*row) for row in await self.connection.execute(statement)]

    async def scalar(self, statement: Executable) -> Any:
        return (await self.connection.execute(statement)).scalar()


class UnitOfWork(Session):
    """A read-write transaction. Changes are buffered and numbered last: the counter's lock is held only to COMMIT."""

    def __init__(self, connection: AsyncConnection, user_id: str) -> None:
        super().__init__(connection, user_id)
        self._changes: list[Change] = []

    def record(self, change: Change) -> None:
        """Log a change. The same entry twice in one unit of work is one: its readers see the entity as committed."""
        if change not in self._changes:
            self._changes.append(change)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that fails alone: an error undoes the block, the changes it recorded as well, and is raised on."""
        before = len(self._changes)
        try:
            async with self.connection.begin_nested():
                yield
        except BaseException:
            del self._changes[before:]
            raise

    @property
    def changes(self) -> Sequence[Change]:
        return tuple(self._changes)
