"""The one opener of transactions. Each runs as the role `tasktalk_app`, as one user, with its timeouts, set locally."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import orjson
from asyncpg import InterfaceError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.dsn import Dsn
from core.errors import RequestError, RequestErrorCode
from core.unit_of_work import Journal, Session, UnitOfWork

ROLE: Final = "tasktalk_app"
SCHEMA: Final = "tasktalk"
NOBODY: Final = ""
"""The user of work that belongs to no user: every policy compares with it and finds nothing."""

RETRIED: Final = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected (PostgreSQL manual, appendix A): the whole unit of work runs again."""

ATTEMPTS: Final = 4
CANCELLED_BY_TIMEOUT: Final = "57014"

CONNECT_SECONDS: Final = 10.0
"""How long making a connection may take, unless the URL says otherwise."""

Result = TypeVar("Result")

_OPEN = text(
    "SELECT set_config('role', :role, true), set_config('app.user_id', :user_id, true),"
    " set_config('search_path', :search_path, true), set_config('statement_timeout', :statement_timeout, true),"
    " set_config('idle_in_transaction_session_timeout', :idle_timeout, true)"
)


def make_engine(dsn: Dsn, *, pool_size: int, pool_wait: float = 2.0) -> AsyncEngine:
    """A pool of asyncpg connections; a wait for one ends after `pool_wait` seconds with RequestError TIMEOUT."""
    url, connect_args = dsn.asyncpg_url_and_args()
    connect_args.setdefault("timeout", CONNECT_SECONDS)
    return create_async_engine(
        url,
        connect_args=connect_args,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_wait,
        pool_recycle=1800,
        query_cache_size=1000,
        enable_from_linting=False,  # lateral joins are ON true; the linter takes those for cartesian products
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
    )


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE that a driver's error carries, if any: SQLAlchemy's wrapping of it, or its own."""
    original = getattr(error, "orig", error)
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def timed_out(error: BaseException) -> bool:
    """Whether the database ended a statement for its time (query_canceled; nothing else cancels ours)."""
    return sqlstate(error) == CANCELLED_BY_TIMEOUT


def is_away(error: BaseException) -> bool:
    """Whether the same may well work a little later: the database was away, ended the connection or was too busy.

    Of PostgreSQL's appendix A: classes 08 (connection exception) and 57P (operator intervention), 53300 (too many
    connections) and 55000 (the database takes none just now).
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, RequestError):
        return error.code == RequestErrorCode.TIMEOUT
    state = sqlstate(error) or ""
    return isinstance(error, OSError | InterfaceError) or state.startswith(("08", "57P", "53300", "55000"))


class Database:
    """Snapshots to read from and units of work to write through. Nothing else in the house opens a transaction."""

    def __init__(self, engine: AsyncEngine, journal: Journal, *, statement_timeout: float = 5.0) -> None:
        self.engine = engine
        self._journal = journal
        self._milliseconds = str(int(statement_timeout * 1000))
        self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def snapshot(self, user_id: str) -> AsyncIterator[Session]:
        """A READ ONLY, REPEATABLE READ transaction: everything read in it is of one instant."""
        async with self._transaction(self._reader, user_id) as connection:
            yield Session(connection, user_id)

    async def work(self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run `action` in one transaction, commit with its changes numbered, announce them. Deadlocks run it again.

        Errors of `action` roll everything back and are raised as they are.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result, seq = await self._once(user_id, action)
            except DBAPIError as error:
                if sqlstate(error) not in RETRIED or attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - jitter, not a secret
                continue
            if seq:
                await self._journal.announce(user_id, seq)
            return result
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Result]]) -> tuple[Result, int]:
        async with self._transaction(self.engine, user_id) as connection:
            work = UnitOfWork(connection, user_id)
            result = await action(work)
            seq = await self._journal.write(connection, user_id, work.changes) if work.changes else 0
        return result, seq

    @asynccontextmanager
    async def for_nobody(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that belongs to no user: for the definer functions, and for revoked tokens."""
        async with self._transaction(self.engine, NOBODY) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, user_id: str) -> AsyncIterator[AsyncConnection]:
        async with self._opened(engine, user_id) as connection:
            try:
                yield connection
                await connection.commit()
            except DBAPIError as error:
                if timed_out(error):
                    raise RequestError(RequestErrorCode.TIMEOUT, "The database took too long to answer.") from error
                raise

    @asynccontextmanager
    async def _opened(self, engine: AsyncEngine, user_id: str) -> AsyncIterator[AsyncConnection]:
        connection = await self._connect(engine, user_id)
        try:
            yield connection
        finally:
            await connection.close()

    async def _connect(self, engine: AsyncEngine, user_id: str) -> AsyncConnection:
        """A connection in an open transaction. One that died in the pool is replaced: nothing was done on it yet."""
        for last in (False, True):
            try:
                connection = await engine.connect()
            except PoolTimeout as error:
                raise RequestError(RequestErrorCode.TIMEOUT, "The server is busy; try again.") from error
            except TimeoutError as error:  # asyncpg's; a caller would take it for its own deadline
                raise ConnectionError("the database did not take the connection in time") from error
            try:
                await connection.execute(_OPEN, self._local_settings(user_id))
            except DBAPIError as error:
                await connection.close()
                if last or not error.connection_invalidated:
                    raise
            except BaseException:
                await connection.close()
                raise
            else:
                return connection
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _local_settings(self, user_id: str) -> dict[str, str]:
        return {
            "role": ROLE,
            "user_id": user_id,
            "search_path": f"{SCHEMA}, pg_catalog",
            "statement_timeout": self._milliseconds,
            "idle_timeout": "60000",
        }

    async def close(self) -> None:
        await self.engine.dispose()
