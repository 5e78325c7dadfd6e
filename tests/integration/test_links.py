"""Connections: each goes back sound and out of its transaction or not at all; statements on them keep every type."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Connection, InternalClientError
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

from core import links
from core.database import Database, is_away, make_links, sqlstate
from core.dsn import Dsn
from core.errors import RequestError, RequestErrorCode
from core.statements import prepared
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from events.hub import Batch, Hub
from events.log import ChangeLog
from models.users import settings, users
from tests.conftest import new_user
from tests.support.changes import write
from tests.support.reading import GUARD, until

AN_ID = UUID("01a218fc-2a1c-7c49-8740-76a70043418b")
BACKEND = prepared(text("SELECT pg_backend_pid(), current_user::text, current_setting('app.user_id')"))
SLEEP = prepared(text("SELECT pg_sleep(60)"))
LOCK = prepared(text("SELECT pg_advisory_xact_lock(:key)").bindparams(bindparam("key", type_=BigInteger)))
LOCALE = prepared(select(settings.c.locale).where(settings.c.user_id == bindparam("user_id")))
SET_LOCALE = prepared(update(settings).where(settings.c.user_id == bindparam("user_id")), columns=("locale",))


@pytest.fixture
async def single(dsn: Dsn, bus: Bus) -> AsyncIterator[Database]:
    """A database with one connection."""
    opened = Database(make_links(dsn, size=1, wait=0.05), ChangeLog(bus))
    yield opened
    await opened.close()


async def backend(database: Database, user: str) -> int:
    async with database.snapshot(user) as session:
        found = await session.first(BACKEND)
    assert found is not None
    assert found[1:] == ("tasktalk_app", user)
    return int(found[0])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Text(), "ä 'quoted' \\ text"),
        (Text(), None),
        (Uuid(), AN_ID),
        (Uuid(), None),
        (SmallInteger(), 3),
        (Integer(), -5),
        (BigInteger(), 2**62),
        (Float(), 0.25),
        (Boolean(), True),
        (LargeBinary(), b"\x00\xff"),
        (Date(), date(2026, 2, 28)),
        (DateTime(timezone=True), datetime(2026, 2, 28, 12, 30, 1, 5, tzinfo=UTC)),
        (DateTime(timezone=True), None),
        (Interval(), timedelta(days=1, seconds=3)),
        (JSONB(), {"a": [1, None, "ä", {"b": True}]}),
        (JSONB(), []),
        (ARRAY(Uuid), [AN_ID, AN_ID]),
        (ARRAY(Uuid), []),
        (ARRAY(Text), ["a", None, 'b"c']),
    ],
    ids=str,
)
async def test_every_type_comes_back_as_it_was_given(database: Database, user: str, kind: Any, value: Any) -> None:
    statement = prepared(select(bindparam("value", type_=kind)))
    async with database.snapshot(user) as session:
        assert await session.value(statement, value=value) == value
        assert await session.scalar(select(bindparam("value", value, type_=kind))) == value


async def test_both_ways_to_run_statements_are_one_transaction(database: Database, user: str) -> None:
    async def action(work: UnitOfWork) -> None:
        await work.run(SET_LOCALE, locale="de")
        assert await work.scalar(select(settings.c.locale)) == "de"
        await work.execute(update(settings).values(locale="fr"))
        assert await work.value(LOCALE) == "fr"
        raise RuntimeError("not to be kept")

    with pytest.raises(RuntimeError, match="not to be kept"):
        await database.work(user, action)
    async with database.snapshot(user) as session:
        assert await session.value(LOCALE) == "en"


async def test_a_snapshot_writes_nothing(database: Database, user: str) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.snapshot(user) as session:
            await session.run(SET_LOCALE, locale="de")
    assert sqlstate(caught.value) == "25006"


async def test_a_statement_sees_its_users_rows_alone(database: Database, user: str) -> None:
    other = await new_user(database)
    everybody = prepared(select(users.c.id))
    async with database.snapshot(user) as session:
        assert await session.every(everybody) == [(user,)]
    async with database.snapshot(other) as session:
        assert await session.every(everybody) == [(other,)]


async def test_a_name_with_quotes_is_a_name(database: Database) -> None:
    name = "o'neil\\'; SELECT 1; --"
    async with database.snapshot(name) as session:
        found = await session.first(BACKEND)
    assert found is not None
    assert found[2] == name


async def test_run_each_runs_for_each_row(database: Database, user: str) -> None:
    made = prepared(insert(users), columns=("id", "name"))
    names = [f"{user}-{number}" for number in range(3)]
    with pytest.raises(DBAPIError) as caught:  # the policy lets only one's own row in
        await database.work(user, lambda work: work.run_each(made, [{"id": name, "name": None} for name in names]))
    assert sqlstate(caught.value) == "42501"
    await database.work(user, lambda work: work.run_each(made, []))


async def test_a_broken_rule_is_an_integrity_error(database: Database, user: str) -> None:
    made = prepared(insert(users), columns=("id", "name"))
    with pytest.raises(IntegrityError) as caught:
        await database.work(user, lambda work: work.run(made, id=user, name=None))
    assert sqlstate(caught.value) == "23505"
    assert not is_away(caught.value)


async def test_a_deadlock_of_prepared_statements_runs_the_work_again(database: Database) -> None:
    met = asyncio.Barrier(2)
    tries = 0

    async def both(work: UnitOfWork, order: tuple[int, int]) -> None:
        nonlocal tries
        tries += 1
        for place, key in enumerate(order):
            await work.run(LOCK, key=key)
            if place == 0 and tries <= 2:
                await met.wait()

    first, second = await new_user(database), await new_user(database)
    await asyncio.gather(
        database.work(first, lambda work: both(work, (888_001, 888_002))),
        database.work(second, lambda work: both(work, (888_002, 888_001))),
    )
    assert tries == 3


async def test_a_connection_is_used_again_after_an_error(single: Database, user: str) -> None:
    before = await backend(single, user)
    with pytest.raises(DBAPIError):
        async with single.snapshot(user) as session:
            await session.value(prepared(text("SELECT 1 / 0")))
    assert await backend(single, user) == before


async def test_a_connection_whose_statement_was_broken_off_is_not_used_again(single: Database, user: str) -> None:
    before = await backend(single, user)

    async def sleep() -> None:
        async with single.snapshot(user) as session:
            await session.run(SLEEP)

    sleeping = asyncio.create_task(sleep())
    await until(lambda: single.links._free.locked())
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await backend(single, user) != before


async def test_a_connection_that_the_database_ended_is_replaced(
    single: Database, database: Database, user: str
) -> None:
    before = await backend(single, user)
    link = await single.links.take()
    await end(single, before)
    await single.links.give(link)
    assert await backend(single, user) != before


async def test_an_end_in_mid_transaction_is_the_database_being_away(single: Database, user: str) -> None:
    async def action(work: UnitOfWork) -> None:
        found = await work.first(BACKEND)
        assert found is not None
        await end(single, found[0])
        await work.value(LOCALE)

    with pytest.raises((DBAPIError, OSError)) as caught:
        await single.work(user, action)
    assert is_away(caught.value)
    assert await backend(single, user)


async def test_a_connection_whose_driver_lost_its_place_is_replaced(
    single: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So asyncpg calls a connection that broke while it was being used: an error of no other kind."""
    before = await backend(single, user)

    async def once(*_: object) -> None:
        monkeypatch.undo()
        raise InternalClientError("cannot switch to state 15; another operation (2) is in progress")

    monkeypatch.setattr(Connection, "execute", once)
    assert await backend(single, user) != before


class Wire:
    """A way to the database that can go silent: what is open stays open, and nothing comes or goes."""

    def __init__(self, dsn: Dsn, directory: str) -> None:
        assert dsn.is_local_socket
        self.dsn = replace(dsn, host=directory, port=5432)
        self._path = f"{directory}/.s.PGSQL.5432"
        self._there = f"{dsn.host}/.s.PGSQL.{dsn.port}"
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with await asyncio.start_unix_server(self._serve, self._path):
            yield
            self.go_silent()
            for writer in self._ends:
                writer.transport.abort()

    def go_silent(self) -> None:
        """Those who connect from now on are served again."""
        for pump in self._pumps:
            pump.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, beyond = await asyncio.open_unix_connection(self._there)
        self._ends += writer, beyond
        for source, sink in ((reader, beyond), (there, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
            writer.close()


async def test_connections_that_went_silent_are_given_up_and_the_next_ones_answer(
    dsn: Dsn, bus: Bus, user: str
) -> None:
    """As after a failover: nothing says that they are dead, and a statement on one would wait for ever."""
    with TemporaryDirectory() as directory:
        wire = Wire(dsn, directory)
        async with wire.serving():
            database = Database(make_links(wire.dsn, size=3, answer=0.5), ChangeLog(bus))
            both = asyncio.Barrier(2)

            async def used() -> None:
                async with database.snapshot(user):
                    await both.wait()

            await asyncio.gather(used(), used())
            wire.go_silent()
            async with asyncio.timeout(GUARD), Hub(database, bus, poll_every=0.01) as hub:
                assert await backend(database, user)
                async with aclosing(hub.follow(user, 0)) as items:
                    waiting = asyncio.ensure_future(anext(items))
                    await until(lambda: hub.stats.polls > 0)
                    wire.go_silent()
                    await write(database, user)
                    item = await waiting
                    assert isinstance(item, Batch)
                    assert [change.seq for change in item.changes] == [1]
            await database.close()


async def end(database: Database, pid: int) -> None:
    """End a backend as an administrator would."""
    async with database.links.engine.connect() as administrator:
        await administrator.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def test_who_waits_too_long_for_a_connection_is_told_so(single: Database, user: str) -> None:
    async with single.snapshot(user):
        with pytest.raises(RequestError) as caught:
            await single.links.take()
    assert caught.value.code is RequestErrorCode.TIMEOUT
    assert await backend(single, user)


async def test_who_waits_gets_the_connection_that_is_given_back(dsn: Dsn, bus: Bus, user: str) -> None:
    patient = Database(make_links(dsn, size=1, wait=GUARD), ChangeLog(bus))
    pids = await asyncio.gather(*(backend(patient, user) for _ in range(5)))
    assert len(set(pids)) == 1
    await patient.close()


async def test_a_connection_left_in_a_transaction_is_closed(single: Database, user: str) -> None:
    link = await single.links.take()
    await link.script("BEGIN")
    await single.links.give(link)
    assert not link.sound
    assert await backend(single, user)


async def test_an_old_connection_is_replaced(dsn: Dsn, bus: Bus, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LIFETIME", -1.0)
    aging = Database(make_links(dsn, size=1), ChangeLog(bus))
    assert await backend(aging, user) != await backend(aging, user)
    await aging.close()


async def test_what_is_given_back_to_closed_links_is_closed(dsn: Dsn, bus: Bus) -> None:
    closing = make_links(dsn, size=2)
    link = await closing.take()
    await closing.close()
    assert link.sound
    await closing.give(link)
    assert not link.sound
