"""What one operation owns: its caller, its snapshot, its units of work and its loaders. Nothing of it outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from core import clock
from core.database import Database, is_away
from core.errors import DomainError, ErrorCode, UserGone
from core.settings import Settings
from core.unit_of_work import Session, UnitOfWork, Written
from events.bus import Backoff, Bus
from events.hub import Hub
from resolvers.fields.declarations import Scope
from resolvers.fields.loader import Edges
from resolvers.fields.plans import Plans
from services.auth.verify import Claims
from services.erasure import erase_user
from services.users import Identity

Result = TypeVar("Result")

LINGER: Final = 0.05
"""Seconds that a live operation keeps its snapshot after a read: the levels of one event follow each other faster."""


_BACKOFF: Final = Backoff()


class Gate(Protocol):
    """What the edge keeps about tokens, for the mutations that change it."""

    async def revoke(self, identity: Identity, claims: Claims) -> None:
        """Refuse the token from now on, and close its sockets."""
        ...

    async def forget(self, user_id: str) -> None:
        """The user's data was deleted: close their sockets on every replica, and make them anew at their next sight."""
        ...


Refresh = Callable[[str], Awaitable[tuple[Identity, Claims]]]
"""Has the socket that an operation came through go on under another token. Raises DomainError INVALID."""


@dataclass(frozen=True)
class Application:
    """What all operations of a process share."""

    settings: Settings
    database: Database
    bus: Bus
    hub: Hub
    gate: Gate

    @cached_property
    def plans(self) -> Plans:
        """What was worked out for the documents of all operations."""
        return Plans(self.settings)


class Operation:
    """The context of one operation. Opens its snapshot at the first read, and gives it to one reader at a time."""

    def __init__(
        self, application: Application, identity: Identity, claims: Claims | None, refresh: Refresh | None = None
    ) -> None:
        self.application = application
        self.identity = identity
        self._claims = claims
        self._refresh = refresh
        self._turn = asyncio.Lock()
        self._opened: AbstractAsyncContextManager[Session] | None = None
        self._session: Session | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._live = False
        self.edges = self._new_edges()

    @property
    def claims(self) -> Claims:
        """The token's. Raises LookupError where what is read is shared by several tokens of the user's."""
        if self._claims is None:
            raise LookupError("what several operations share belongs to no token")
        return self._claims

    @property
    def user_id(self) -> str:
        return self.identity.user_id

    @property
    def settings(self) -> Settings:
        return self.application.settings

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """The operation's snapshot, for one statement or a few: everything read until `renew` is of one instant."""
        async with self._turn:
            session = self._session or await self._open()
            try:
                yield session
            except Exception as error:
                if self._live and is_away(error):
                    await self._drop()  # what is read next has a sound one
                raise
            finally:
                if self._live:
                    self._release_soon()

    async def _open(self) -> Session:
        """A new snapshot. A live operation waits for a database that is away: who follows stays, and goes on."""
        failures = 0
        while True:
            opened = self.application.database.snapshot(self.user_id)
            try:
                self._session = await opened.__aenter__()
            except Exception as error:  # the drivers' failures are no one tree
                if not self._live or not is_away(error):
                    raise
            else:
                self._opened = opened
                return self._session
            failures += 1
            await asyncio.sleep(_BACKOFF.delay(failures))

    def live(self) -> None:
        """From now on give the snapshot back when nothing was read for a moment: a subscription holds no connection
        while its client is slow to take what was read. And wait for a database that is away."""
        self._live = True

    def _release_soon(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(LINGER, self._release)

    def _release(self) -> None:
        task = asyncio.create_task(self._give_back(), name="release-snapshot")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _give_back(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        async with self._turn:
            await self._drop()

    async def _drop(self) -> None:
        opened, self._opened, self._session = self._opened, None, None
        if opened is None:
            return
        try:
            await opened.__aexit__(None, None, None)
        except Exception as error:  # as in _open; what was read stays true, though its end can't be said
            if not isinstance(error, DBAPIError) and not is_away(error):
                raise

    async def renew(self) -> None:
        """Give the snapshot back and forget what was loaded: what is read next is of a later instant."""
        await self._give_back()
        self.edges = self._new_edges()

    async def refresh(self, token: str) -> None:
        """Go on, and the socket with it, under another token of the same user's. Raises DomainError INVALID."""
        if self._refresh is None:
            message = "A token is renewed over an open WebSocket; a request over HTTP brings its own."
            raise DomainError(ErrorCode.INVALID, message)
        await self.renew()
        self.identity, self._claims = await self._refresh(token)

    async def close(self) -> None:
        """Give everything back, what is already being given back included."""
        await self._give_back()
        if self._closing:
            await asyncio.wait(self._closing)

    async def erase(self) -> None:
        """Delete the caller with all that is theirs."""
        await self.renew()
        await erase_user(self.application.database, self.user_id)
        await self.application.gate.forget(self.user_id)

    async def work(self, action: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """One unit of work as the caller; what is read after it is of a fresh snapshot, or as it was written."""
        result, _ = await self.work_at(action)
        return result

    async def work_at(self, action: Callable[[UnitOfWork], Awaitable[Result]]) -> tuple[Result, Written | None]:
        """The same, and its changes as they are in the log."""
        await self.renew()
        result, written = await self.application.database.work_at(self.user_id, _of_a_user(action))
        if written is not None:
            self.edges.at_hand = written.rows
        return result, written

    async def work_between(self, action: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """The same in a query, whose other fields may be reading meanwhile: none opens a snapshot before its end."""
        async with self._turn:
            await self._drop()
            self.edges = self._new_edges()
            return await self.application.database.work(self.user_id, _of_a_user(action))

    def _new_edges(self) -> Edges:
        scope = Scope(clock.now(), self.identity.user_id, self.application.settings)
        return Edges(self.reading, scope, self.application.plans)


def _of_a_user(action: Callable[[UnitOfWork], Awaitable[Result]]) -> Callable[[UnitOfWork], Awaitable[Result]]:
    """The same, refused with UserGone where the caller's data was deleted since they came in."""

    async def checked(work: UnitOfWork) -> Result:
        if not work.user_exists:
            raise UserGone
        return await action(work)

    return checked


@asynccontextmanager
async def operation(
    application: Application, identity: Identity, claims: Claims, refresh: Refresh | None = None
) -> AsyncIterator[Operation]:
    """An operation's context, whose snapshot is given back at its end. `refresh` is None over HTTP."""
    made = Operation(application, identity, claims, refresh)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def reading_as(
    application: Application, user_id: str, rows: Mapping[UUID | None, object]
) -> AsyncIterator[Operation]:
    """A context to read in for several live operations of a user's: it knows no token, nor what a token says of the
    user. `rows` needn't be read."""
    made = Operation(application, Identity(user_id, None, None, b""), None)
    made.edges.at_hand = rows
    made.live()
    try:
        yield made
    finally:
        await made.close()
