"""Transactions: their timeouts, their retries, and what a unit of work keeps of a part that failed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from core.database import Database, make_links, timed_out
from core.dsn import Dsn
from core.errors import RequestErrorCode
from core.unit_of_work import Change, UnitOfWork
from events.bus import Bus
from events.log import ChangeLog
from graphql_api.errors import Presenter
from models.users import settings
from tests.conftest import new_user


async def test_a_statement_past_its_time_is_a_timeout(dsn: Dsn, bus: Bus, user: str) -> None:
    hasty = Database(make_links(dsn, size=2), ChangeLog(bus), statement_timeout=0.05)
    async with hasty.snapshot(user) as session:
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text("SELECT pg_sleep(60)"))
    assert timed_out(caught.value)
    assert Presenter(is_timeout=timed_out).fault(caught.value).code is RequestErrorCode.TIMEOUT
    async with hasty.snapshot(user) as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await hasty.close()


async def test_two_that_wait_for_each_other_both_succeed(database: Database) -> None:
    """A deadlock runs the unit of work again."""
    first, second = await new_user(database), await new_user(database)
    met = asyncio.Barrier(2)
    tries = 0

    async def both(work: UnitOfWork, order: tuple[int, int]) -> None:
        nonlocal tries
        tries += 1
        for place, key in enumerate(order):
            await work.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            if place == 0 and tries <= 2:
                await met.wait()

    await asyncio.gather(
        database.work(first, lambda work: both(work, (777_001, 777_002))),
        database.work(second, lambda work: both(work, (777_002, 777_001))),
    )
    assert tries == 3


async def test_a_part_that_fails_takes_its_changes_with_it(database: Database, user: str) -> None:
    async def failing(work: UnitOfWork) -> None:
        async with work.savepoint():
            await work.execute(update(settings).where(settings.c.user_id == user).values(locale="xx"))
            work.record(Change("SETTINGS", None))
            raise RuntimeError

    async def action(work: UnitOfWork) -> None:
        with pytest.raises(RuntimeError):
            await failing(work)
        assert work.changes == ()

    await database.work(user, action)
    async with database.snapshot(user) as session:
        assert await session.scalar(select(settings.c.locale)) == "en"


async def test_a_look_sees_the_users_own_rows_takes_any_text_and_leaves_its_connection_as_it_was(dsn: Dsn) -> None:
    only = Database(make_links(dsn, size=1), None)  # type: ignore[arg-type]  # nothing is logged
    user, other = await new_user(only), await new_user(only)
    query = "SELECT FROM tasktalk.settings WHERE user_id = {of} AND locale IS DISTINCT FROM {locale}"
    for locale in (None, "'); DROP TABLE tasktalk.settings; --", "\\' OR true --", "ü“💡"):
        assert await only.finds(user, query, of=user, locale=locale)
        assert not await only.finds(user, query, of=other, locale=locale)
    assert not await only.finds(user, query, of=user, locale="en")
    async with only.for_nobody() as connection:
        assert await connection.scalar(text("SELECT current_setting('app.user_id', true)")) == ""
    await only.close()
