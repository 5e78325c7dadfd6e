"""The process' connections to the database: taken for a transaction, given back, replaced where they died."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from asyncpg import (
    Connection,
    IntegrityConstraintViolationError,
    InterfaceError,
    InternalClientError,
    PostgresError,
    Record,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.errors import RequestError, RequestErrorCode

LIFETIME: Final = 1800.0
"""Seconds after which a connection is replaced by a new one."""


_FAILURES: Final = (PostgresError, InterfaceError, InternalClientError, TimeoutError)


class Link:
    """A connection as SQLAlchemy's and as the driver's own: both speak in the same transaction, which is begun and
    ended here. SQLAlchemy is told that there is none (AUTOCOMMIT).

    Statements of the driver raise SQLAlchemy's DBAPIError, as those of `connection` do.
    """

    def __init__(self, connection: AsyncConnection, driver: Connection[Record]) -> None:
        self.connection = connection
        self._driver = driver
        self._broken_off = False
        self._old_at = time.monotonic() + LIFETIME

    @property
    def sound(self) -> bool:
        """Whether it can be used on: open, and no statement of it was broken off by a cancellation."""
        return not (self._broken_off or self._driver.is_closed() or self.connection.invalidated)

    @property
    def old(self) -> bool:
        return time.monotonic() > self._old_at

    @property
    def in_transaction(self) -> bool:
        return bool(self._driver.is_in_transaction())

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> list[Record]:
        """Run a statement with its arguments; all rows of its result."""
        self._broken_off = True
        try:
            rows: list[Record] = await self._driver.fetch(sql, *arguments)
        except _FAILURES as error:
            raise self._wrapped(sql, error) from error
        self._broken_off = False
        return rows

    async def run_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments, in one go."""
        if len(rows) == 1:
            await self.fetch(sql, rows[0])
            return
        self._broken_off = True
        try:
            await self._driver.executemany(sql, rows)
        except _FAILURES as error:
            raise self._wrapped(sql, error) from error
        self._broken_off = False

    async def script(self, sql: str) -> str:
        """Run statements without arguments, in one round trip; the last one's command tag."""
        self._broken_off = True
        try:
            tag: str = await self._driver.execute(sql)
        except _FAILURES as error:
            raise self._wrapped(sql, error) from error
        self._broken_off = False
        return tag

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that an error undoes by itself. They nest."""
        await self.script("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.sound:
                await self.script("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await self.script("RELEASE SAVEPOINT part")

    def _wrapped(self, sql: str, error: Exception) -> DBAPIError:
        self._broken_off = False  # the database has answered, or is known to be gone
        if isinstance(error, InternalClientError | TimeoutError):
            # The driver lost its place, as it calls a connection that broke, or had no answer in all its time.
            self._driver.terminate()
        kind = IntegrityError if isinstance(error, IntegrityConstraintViolationError) else DBAPIError
        return kind(sql, None, error, hide_parameters=True, connection_invalidated=self._driver.is_closed())

    @property
    def lost(self) -> bool:
        """Whether the database has ended it, or can't be reached through it."""
        return bool(self._driver.is_closed())

    async def close(self, *, at_once: bool = False) -> None:
        """End the connection; one that isn't sound without a word to the server."""
        if at_once or not self.sound:
            self._driver.terminate()
        await self.connection.close()


class Links:
    """At most `size` connections of an engine without a pool. A wait for one ends after `wait` seconds."""

    def __init__(self, engine: AsyncEngine, *, size: int, wait: float) -> None:
        self.engine = engine
        self._wait = wait
        self._free = asyncio.Semaphore(size)
        self._idle: deque[Link] = deque()
        self._closed = False

    async def take(self) -> Link:
        """A connection, the one that was used last where there are several. Raises RequestError TIMEOUT, and what the
        driver raises where a new one can't be made."""
        await self._take_place()
        try:
            while self._idle:
                link = self._idle.pop()
                if link.sound and not link.old:
                    return link
                await link.close()
            return await self._open()
        except BaseException:
            self._free.release()
            raise

    async def give(self, link: Link) -> None:
        """Give a connection back; one that is in a transaction still, or isn't sound, is closed. Where it was lost the
        idle ones are given up as well: they may be, too."""
        try:
            while link.lost and self._idle:
                await self._idle.pop().close(at_once=True)
            if self._closed or not link.sound or link.in_transaction:
                await link.close()
            else:
                self._idle.append(link)
        finally:
            self._free.release()

    async def _take_place(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # at once
            return
        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except TimeoutError as error:
            raise RequestError(RequestErrorCode.TIMEOUT, "The server is busy; try again.") from error

    async def _open(self) -> Link:
        try:
            connection = await self.engine.connect()
        except TimeoutError as error:  # asyncpg's; a caller would take it for its own deadline
            raise ConnectionError("the database did not take the connection in time") from error
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, Connection), "the engine's driver is asyncpg"
        return Link(connection, driver)

    async def close(self) -> None:
        """Close what is idle now, and the others as they are given back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()
        await self.engine.dispose()
