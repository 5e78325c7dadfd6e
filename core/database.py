"""The one opener of transactions. Each runs as the role `tasktalk_app`, as one user, with its timeouts, set locally."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final, NoReturn, TypeVar

import orjson
from asyncpg import InterfaceError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from core.dsn import Dsn
from core.errors import RequestError, RequestErrorCode
from core.links import Link, Links
from core.statements import to_json
from core.unit_of_work import Journal, Session, UnitOfWork, Written

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


class Hold(StrEnum):
    """How a unit of work locks its user's row: before anything else, as the order of locks has it."""

    SHARED = "FOR KEY SHARE"
    """The user stays until COMMIT."""

    ALONE = "FOR UPDATE"
    """It waits for what is under way, and what begins meanwhile waits for it: for deleting the user."""


_SETTINGS: Final = (
    "SELECT set_config('role', {role}, true), set_config('app.user_id', {user_id}, true),"
    " set_config('search_path', {search_path}, true), set_config('statement_timeout', {statement_timeout}, true),"
    " set_config('idle_in_transaction_session_timeout', {idle_timeout}, true)"
)
_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "

_USER: Final = "; SELECT FROM tasktalk.users WHERE id = {user_id} {hold}"
_FOUND: Final = "SELECT 1"
"""The command tag of `_USER` where there is such a user."""

_NOTHING: Final = "SELECT 0"

STATEMENTS: Final = 500
"""Prepared statements that a connection keeps."""


def make_links(dsn: Dsn, *, size: int, wait: float = 2.0, answer: float = 15.0) -> Links:
    """A pool of asyncpg connections; a wait for one ends after `wait` seconds with RequestError TIMEOUT.

    `answer` seconds without an answer to a statement end its connection: longer than the database itself lets one
    take. A server that went without a word (a failover, a router that forgot the connection) never answers, and nothing
    else would tell.
    """
    url, connect_args = dsn.asyncpg_url_and_args()
    defaults = {
        "timeout": CONNECT_SECONDS,
        "command_timeout": answer,
        "statement_cache_size": STATEMENTS,
        "prepared_statement_cache_size": STATEMENTS,
        "max_cached_statement_lifetime": 0,
    }
    engine = create_async_engine(
        url,
        connect_args={**defaults, **connect_args},
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",  # a transaction is begun and ended by the opener below, not by SQLAlchemy
        query_cache_size=1000,
        enable_from_linting=False,  # lateral joins are ON true; the linter takes those for cartesian products
        json_serializer=to_json,
        json_deserializer=orjson.loads,
    )
    return Links(engine, size=size, wait=wait)


def _quoted(text: str) -> str:
    """A literal whatever standard_conforming_strings says (PostgreSQL manual, 4.1.2.2). It can't hold a NUL."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE that a driver's error carries, if any: SQLAlchemy's wrapping of it, or its own."""
    original = getattr(error, "orig", error)
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def timed_out(error: BaseException) -> bool:
    """Whether the database ended a statement for its time (query_canceled; nothing else cancels ours)."""
    return sqlstate(error) == CANCELLED_BY_TIMEOUT


def _raise(error: DBAPIError) -> NoReturn:
    """Raises RequestError TIMEOUT where the database ended a statement for its time; the error as it is otherwise."""
    if timed_out(error):
        raise RequestError(RequestErrorCode.TIMEOUT, "The database took too long to answer.") from error
    raise error


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

    def __init__(self, links: Links, journal: Journal, *, statement_timeout: float = 5.0) -> None:
        self.links = links
        self.listeners: list[Callable[[str, Written], None]] = []
        """Told of what each unit of work of this process has committed, before the bus is."""
        self._journal = journal
        self._settings = {
            "role": _quoted(ROLE),
            "search_path": _quoted(f"{SCHEMA}, pg_catalog"),
            "statement_timeout": _quoted(str(int(statement_timeout * 1000))),
            "idle_timeout": _quoted("60000"),
        }

    @asynccontextmanager
    async def snapshot(self, user_id: str) -> AsyncIterator[Session]:
        """A READ ONLY, REPEATABLE READ transaction: everything read in it is of one instant."""
        async with self._transaction(_READ, user_id) as (link, _):
            yield Session(link, user_id)

    async def work(
        self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Result]], *, hold: Hold = Hold.SHARED
    ) -> Result:
        """Run `action` in one transaction, commit with its changes numbered, announce them. Deadlocks run it again.

        Errors of `action` roll everything back and are raised as they are.
        """
        result, _ = await self.work_at(user_id, action, hold=hold)
        return result

    async def work_at(
        self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Result]], *, hold: Hold = Hold.SHARED
    ) -> tuple[Result, Written | None]:
        """The same, and its changes as they are in the log (None: it made none)."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result, written = await self._once(user_id, action, hold)
            except DBAPIError as error:
                if sqlstate(error) not in RETRIED or attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - jitter, not a secret
                continue
            if written is not None:
                for listener in self.listeners:
                    listener(user_id, written)
                await self._journal.announce(user_id, written.seq)
            return result, written
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(
        self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Result]], hold: Hold
    ) -> tuple[Result, Written | None]:
        async with self._transaction(_WRITE, user_id, hold) as (link, found):
            work = UnitOfWork(link, user_id, user_exists=found == _FOUND)
            result = await action(work)
            written = await self._journal.write(work, work.changes) if work.changes else None
        return result, written

    async def finds(self, user_id: str, query: str, /, **literals: str | None) -> bool:
        """Whether a query finds anything as the user sees it: a transaction of its own in one round trip.

        Statements that are sent together are one transaction (PostgreSQL manual, 55.2.2.1), and the last one's command
        tag is the answer: so `query` is one statement, "SELECT FROM …", with {names} where literals go.
        """
        quoted = {name: "NULL" if value is None else _quoted(value) for name, value in literals.items()}
        try:
            link, found = await self._opened(f"{self._settings_of(user_id)}; {query.format(**quoted)}")
        except DBAPIError as error:
            _raise(error)
        await self._end(link)
        return found != _NOTHING

    @asynccontextmanager
    async def for_nobody(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that belongs to no user: for the definer functions, and for revoked tokens."""
        async with self._transaction(_WRITE, NOBODY) as (link, _):
            yield link.connection

    @asynccontextmanager
    async def _transaction(self, begin: str, user_id: str, hold: Hold | None = None) -> AsyncIterator[tuple[Link, str]]:
        """The connection, and the command tag of the opening's last statement."""
        locking = _USER.format(user_id=_quoted(user_id), hold=hold) if hold is not None else ""
        link, found = await self._opened(begin + self._settings_of(user_id) + locking)
        try:
            yield link, found
            ended = await link.script("COMMIT")
            if begin == _WRITE and ended != "COMMIT":  # it answers ROLLBACK where an error in it was passed over
                raise RuntimeError("the transaction had failed before its end")
        except DBAPIError as error:
            _raise(error)
        finally:
            await self._end(link)

    async def _end(self, link: Link) -> None:
        """Give the connection back, out of its transaction."""
        try:
            if link.sound and link.in_transaction:
                await link.script("ROLLBACK")
        finally:
            await self.links.give(link)

    async def _opened(self, opening: str) -> tuple[Link, str]:
        """A connection in an open transaction. One that died in the pool is replaced: nothing was done on it yet."""
        for last in (False, True):
            link = await self.links.take()
            try:
                found = await link.script(opening)
            except DBAPIError as error:
                await self._end(link)
                if last or not error.connection_invalidated:
                    raise
            except BaseException:
                await self._end(link)
                raise
            else:
                return link, found
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _settings_of(self, user_id: str) -> str:
        return _SETTINGS.format(user_id=_quoted(user_id), **self._settings)

    async def close(self) -> None:
        await self.links.close()
