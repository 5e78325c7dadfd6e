"""The gate on a real database: admission, counting, and revocation here and elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from asyncpg import InternalClientError
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import RequestError, RequestErrorCode, Unauthenticated
from events.bus import Bus
from graphql_api.gate import Admitted, Gate
from graphql_api.rate import WINDOW, RequestCounter
from graphql_api.transport import Identity, SocketRegistry
from models.users import revoked_tokens, users
from services.auth import Claims, Verifier
from services.erasure import erase_user
from services.users import admit
from tests.support.reading import GUARD, until


class Believer(Verifier):
    """Takes any text for a token of the user that it names."""

    def __init__(self) -> None:
        super().__init__([])

    async def verify(self, token: str) -> Claims:
        now = datetime.now(UTC)
        digest = hashlib.sha256(token.encode()).digest()
        return Claims(token.partition(".")[0], None, None, now, now + timedelta(hours=1), digest)


class Socket:
    """A socket that says when it is ended."""

    def __init__(self, identity: Admitted) -> None:
        self._identity = identity
        self.ended = asyncio.Event()

    @property
    def identity(self) -> Identity:
        return self._identity

    def end(self) -> None:
        self.ended.set()


class Counting(Database):
    """Counts the units of work, and how often it was asked whether there is a user."""

    works = asked = 0

    async def finds(self, user_id: str, query: str, /, **literals: str | None) -> bool:
        self.asked += 1
        return await super().finds(user_id, query, **literals)

    async def work(self, user_id, action):  # type: ignore[no-untyped-def]  # handed through as it came
        self.works += 1
        return await super().work(user_id, action)


@asynccontextmanager
async def gate(database: Database, bus: Bus, sockets: SocketRegistry, **more: float) -> AsyncIterator[Gate]:
    requests = int(more.pop("requests", 0))
    async with Gate(Believer(), database, bus, sockets, requests=requests, **more) as opened:
        yield opened


def a_token() -> str:
    return f"u{uuid4().hex}.x"


def opened(sockets: SocketRegistry, admitted: Admitted) -> Socket:
    socket = Socket(admitted)
    assert sockets.add(admitted.user_id, socket)
    return socket


async def test_a_user_is_made_on_first_sight(database: Database, bus: Bus) -> None:
    async with gate(database, bus, SocketRegistry(0)) as here:
        admitted = await here.authenticate_token(a_token())
        async with database.snapshot(admitted.user_id) as session:
            assert await session.scalar(select(users.c.id)) == admitted.user_id


async def test_requests_that_come_together_ask_the_database_once(database: Database, bus: Bus) -> None:
    counting = Counting(database.links, database._journal)
    async with gate(counting, bus, SocketRegistry(0)) as here:
        token = a_token()
        await asyncio.gather(*(here.authenticate_token(token) for _ in range(20)))
        assert (counting.works, counting.asked) == (1, 1)


async def test_a_token_of_an_open_socket_is_admitted_by_the_look_at_it(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.gate.REMEMBERED", 0.0)  # forgotten at once
    monkeypatch.setattr("graphql_api.gate.VOUCHED", 3600.0)
    counting, sockets, token = Counting(database.links, database._journal), SocketRegistry(0), a_token()
    async with gate(counting, bus, sockets, look_every=3600) as here:
        admitted = await here.authenticate_token(token)
        await here.authenticate_token(token)
        assert (counting.works, counting.asked) == (1, 2)
        opened(sockets, admitted)
        await here.look()
        await here.authenticate_token(token)
        assert (counting.works, counting.asked) == (1, 2)
        made = insert(revoked_tokens).values(
            token_hash=admitted.claims.token_hash, expires_at=admitted.claims.expires_at
        )
        async with database.for_nobody() as connection:
            await connection.execute(made)
        await here.look()
        with pytest.raises(Unauthenticated):
            await here.authenticate_token(token)


async def test_a_client_that_hangs_up_does_not_take_the_answer_from_others(database: Database, bus: Bus) -> None:
    async with gate(database, bus, SocketRegistry(0)) as here:
        token = a_token()
        first, second = (asyncio.create_task(here.authenticate_token(token)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).user_id == token.partition(".")[0]


async def test_a_revoked_token_is_refused_and_its_sockets_end_and_no_others(database: Database, bus: Bus) -> None:
    sockets = SocketRegistry(0)
    async with gate(database, bus, sockets) as here:
        token = a_token()
        admitted, other = await here.authenticate_token(token), await here.authenticate_token(a_token())
        mine, theirs = opened(sockets, admitted), opened(sockets, other)
        await here.revoke(admitted.identity, admitted.claims)
        assert mine.ended.is_set()
        assert not theirs.ended.is_set()
        with pytest.raises(Unauthenticated):
            await here.authenticate_token(token)
        await here.revoke(admitted.identity, admitted.claims)


async def test_a_revocation_elsewhere_is_heard_over_the_bus(database: Database, bus: Bus) -> None:
    sockets, token = SocketRegistry(0), a_token()
    async with gate(database, bus, sockets, look_every=3600) as here, gate(database, bus, SocketRegistry(0)) as there:
        mine = opened(sockets, await here.authenticate_token(token))
        admitted = await there.authenticate_token(token)
        await there.revoke(admitted.identity, admitted.claims)
        await mine.ended.wait()
        with pytest.raises(Unauthenticated):
            await here.authenticate_token(token)


async def test_a_revocation_that_the_bus_did_not_carry_is_seen_all_the_same(database: Database, bus: Bus) -> None:
    sockets = SocketRegistry(0)
    async with gate(database, bus, sockets, look_every=0.01) as here:
        admitted = await here.authenticate_token(a_token())
        mine, theirs = opened(sockets, admitted), opened(sockets, await here.authenticate_token(a_token()))
        made = insert(revoked_tokens).values(
            token_hash=admitted.claims.token_hash, expires_at=admitted.claims.expires_at
        )
        async with database.for_nobody() as connection:
            await connection.execute(made)
        await mine.ended.wait()
        assert not theirs.ended.is_set()


class Breaking(Database):
    """Fails once in a way that none of its users knows, as a driver may whose connection broke under it."""

    broke = False

    @asynccontextmanager
    async def for_nobody(self) -> AsyncIterator[AsyncConnection]:
        if not self.broke:
            self.broke = True
            raise InternalClientError("cannot switch to state 15; another operation (2) is in progress")
        async with super().for_nobody() as connection:
            yield connection


async def test_a_look_that_fails_in_whatever_way_is_followed_by_another(database: Database, bus: Bus) -> None:
    sockets, breaking = SocketRegistry(0), Breaking(database.links, database._journal)
    async with gate(database, bus, SocketRegistry(0)) as there, gate(breaking, bus, sockets, look_every=0.01) as here:
        mine = opened(sockets, await here.authenticate_token(token := a_token()))
        await until(lambda: breaking.broke)
        admitted = await there.authenticate_token(token)
        await there.revoke(admitted.identity, admitted.claims)
        async with asyncio.timeout(GUARD):
            await mine.ended.wait()


async def test_nonsense_on_the_bus_does_not_make_the_gate_deaf(database: Database, bus: Bus) -> None:
    sockets, token = SocketRegistry(0), a_token()
    async with gate(database, bus, sockets, look_every=3600) as here:
        admitted = await here.authenticate_token(token)
        mine = opened(sockets, admitted)
        await bus.publish("revocations", "nonsense")
        await bus.publish("revocations", f"9999999999999999 {'00' * 32}")
        end = int(admitted.expires_at.timestamp())
        await bus.publish("revocations", f"{end} {admitted.claims.token_hash.hex()}")
        await mine.ended.wait()


async def test_requests_past_the_limit_are_refused_until_the_next_minute() -> None:
    moment = 10 * WINDOW + 1
    counter = RequestCounter(2, lambda: moment)
    for user in ("a", "a", "b"):
        counter.count(user)
    with pytest.raises(RequestError) as refused:
        counter.count("a")
    assert refused.value.code is RequestErrorCode.RATE_LIMITED
    assert refused.value.retry_after == WINDOW - 1
    moment += WINDOW
    counter.count("a")


async def test_a_limit_of_nought_counts_nothing() -> None:
    counter = RequestCounter(0)
    for _ in range(1_000):
        counter.count("a")


async def test_the_gate_counts_a_request_over_http(database: Database, bus: Bus) -> None:
    async with gate(database, bus, SocketRegistry(0), requests=1) as here:
        scope = {"type": "http", "headers": [(b"authorization", f"Bearer {a_token()}".encode())]}
        await here.authenticate(scope)
        with pytest.raises(RequestError) as refused:
            await here.authenticate(scope)
        assert refused.value.code is RequestErrorCode.RATE_LIMITED


async def test_a_deleted_users_sockets_end_and_they_are_made_anew(database: Database, bus: Bus) -> None:
    sockets, there_sockets, token = SocketRegistry(0), SocketRegistry(0), a_token()
    async with (
        gate(database, bus, sockets, look_every=3600) as here,
        gate(database, bus, there_sockets, look_every=3600) as there,
    ):
        admitted = await here.authenticate_token(token)
        mine, elsewhere = opened(sockets, admitted), opened(there_sockets, await there.authenticate_token(token))
        other = opened(sockets, await here.authenticate_token(a_token()))
        await erase_user(database, admitted.user_id)
        await here.forget(admitted.user_id)
        await elsewhere.ended.wait()
        assert mine.ended.is_set()
        assert not other.ended.is_set()
        for one in (here, there):
            await one.authenticate_token(token)
        async with database.snapshot(admitted.user_id) as session:
            assert await session.scalar(select(users.c.id)) == admitted.user_id


async def test_a_deletion_that_the_bus_did_not_carry_is_seen_all_the_same(database: Database, bus: Bus) -> None:
    """Also where the user came back before anybody looked: their log is another one."""
    sockets = SocketRegistry(0)
    async with gate(database, bus, sockets, look_every=3600) as here:
        gone, back, stays = [await here.authenticate_token(a_token()) for _ in range(3)]
        theirs = {one.user_id: opened(sockets, one) for one in (gone, back, stays)}
        await here.look()
        for one in (gone, back):
            await erase_user(database, one.user_id)
        await admit(database, back.identity)
        await here.look()
        assert [theirs[one.user_id].ended.is_set() for one in (gone, back, stays)] == [True, True, False]
