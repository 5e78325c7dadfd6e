"""Old changes go; whoever stood among them is told to read everything again, and nobody is shown a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from core import clock
from core.database import Database, make_links
from core.dsn import Dsn
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from events.cursors import Cursor, encode
from events.hub import Hub
from events.log import ChangeLog
from events.reading import Position, Resync, position, read_on
from jobs import periodic
from jobs.periodic import keep_house, trim_changes
from migrations import runner
from models.changes import change_counters, change_log
from tests.conftest import new_user
from tests.support.api import Api, serving
from tests.support.changes import log_past, move_counter, write
from tests.support.owners import as_owner
from tests.support.reading import GUARD
from tests.support.stage import own_database

MONTH = Settings(changes_kept_days=30)
OLD, NEW = 31.0, 29.0

PULL = "query ($after: String) { changes(after: $after) { cursor changes { __typename cursor } } }"
FOLLOW = "subscription ($after: String) { changes(after: $after) { __typename cursor } }"


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"retention_{uuid4().hex}"))


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, MONTH) as serving_user:
        yield serving_user


async def kept(database: Database, user: str) -> tuple[Position, list[int]]:
    """Where the log stands, and the numbers in it."""
    async with database.snapshot(user) as session:
        numbers = await session.execute(select(change_log.c.seq).order_by(change_log.c.seq))
        return await position(session), list(numbers.scalars())


async def trim(database: Database, wanted: int) -> int:
    """One batch."""
    async with database.for_nobody() as connection:
        statement = text("SELECT tasktalk.trim_changes(:before, :wanted)")
        before = clock.now() - timedelta(days=30)
        return int((await connection.execute(statement, {"before": before, "wanted": wanted})).scalar_one())


async def test_changes_older_than_they_are_kept_go_and_the_others_stay(database: Database, dsn: Dsn, user: str) -> None:
    await log_past(dsn, user, [OLD, OLD, NEW])
    await write(database, user)
    await keep_house(database, MONTH)
    here, numbers = await kept(database, user)
    assert (here.kept_from, here.seq, numbers) == (2, 4, [3, 4])


async def test_changes_are_kept_without_end_where_the_setting_says_so(database: Database, dsn: Dsn, user: str) -> None:
    await log_past(dsn, user, [3650, OLD])
    await keep_house(database, Settings(changes_kept_days=0))
    here, numbers = await kept(database, user)
    assert (here.kept_from, numbers) == (0, [1, 2])


async def test_a_client_that_stood_among_what_went_is_told_and_one_behind_it_is_not(
    database: Database, dsn: Dsn, user: str, api: Api
) -> None:
    await log_past(dsn, user, [OLD, OLD, OLD, NEW])
    here, _ = await kept(database, user)
    cursors = [encode(Cursor(here.epoch, seq), user) for seq in range(5)]
    await keep_house(database, MONTH)

    async def first_events(after: str, count: int) -> list[tuple[str, str]]:
        async with asyncio.timeout(GUARD), api.subscribe(FOLLOW, after=after) as events:
            found = [(await anext(events))["changes"] for _ in range(count)]
        return [(event["__typename"], event["cursor"]) for event in found]

    for gone in cursors[:3]:
        page = (await api.data(PULL, after=gone))["changes"]
        assert page == {"cursor": cursors[4], "changes": [{"__typename": "ResyncRequired", "cursor": cursors[4]}]}
        assert await first_events(gone, 1) == [("ResyncRequired", cursors[4])]
    page = (await api.data(PULL, after=cursors[3]))["changes"]
    assert page == {"cursor": cursors[4], "changes": [{"__typename": "SettingsChanged", "cursor": cursors[4]}]}
    assert await first_events(cursors[3], 2) == [("SettingsChanged", cursors[4]), ("Progress", cursors[4])]


async def test_a_log_of_which_nothing_is_left_goes_on_from_its_end(
    database: Database, dsn: Dsn, user: str, api: Api
) -> None:
    await log_past(dsn, user, [OLD, OLD])
    await keep_house(database, MONTH)
    here, numbers = await kept(database, user)
    assert (here.kept_from, here.seq, numbers) == (2, 2, [])
    assert (await api.data(PULL, after=encode(here.cursor, user)))["changes"]["changes"] == []
    await write(database, user)
    [change] = (await api.data(PULL, after=encode(here.cursor, user)))["changes"]["changes"]
    assert change["cursor"] == encode(Cursor(here.epoch, 3), user)


async def test_a_log_is_shortened_from_its_beginning_and_to_the_first_that_stays(
    database: Database, dsn: Dsn, user: str
) -> None:
    """A transaction that took long logs an older time than those that it came after."""
    await log_past(dsn, user, [OLD, NEW, OLD])
    await keep_house(database, MONTH)
    here, numbers = await kept(database, user)
    assert (here.kept_from, numbers) == (1, [2, 3])


async def test_a_batch_takes_no_more_than_wanted_and_the_job_takes_batch_after_batch(
    database: Database, dsn: Dsn, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await new_user(database)
    await log_past(dsn, user, [OLD] * 7)
    await log_past(dsn, other, [OLD] * 7)
    assert await trim(database, 5) == 5
    left = [await kept(database, name) for name in (user, other)]
    assert sum(len(numbers) for _, numbers in left) == 9
    assert all(numbers == list(range(here.kept_from + 1, 8)) for here, numbers in left)
    monkeypatch.setattr(periodic, "TRIMMED", 2)
    assert await trim_changes(database, MONTH) == 9
    assert [(await kept(database, name))[1] for name in (user, other)] == [[], []]


async def test_a_log_that_is_being_written_is_left_to_the_next_round(database: Database, dsn: Dsn, user: str) -> None:
    other = await new_user(database)
    await log_past(dsn, user, [OLD])
    await log_past(dsn, other, [OLD])

    async def hold(work: UnitOfWork) -> int:
        mine = change_counters.c.user_id == user
        await work.execute(update(change_counters).where(mine).values(seq=change_counters.c.seq))
        return await trim_changes(database, MONTH)

    assert await database.work(user, hold) == 1
    assert [(await kept(database, name))[1] for name in (user, other)] == [[1], []]
    assert await trim_changes(database, MONTH) == 1


async def test_several_that_trim_at_once_share_the_work(database: Database, dsn: Dsn) -> None:
    users = [await new_user(database) for _ in range(4)]
    for name in users:
        await log_past(dsn, name, [OLD] * 20 + [NEW])
    taken = 0
    while taken < 80:
        taken += sum(await asyncio.gather(*(trim(database, 7) for _ in range(4))))
    assert taken == 80
    for name in users:
        here, numbers = await kept(database, name)
        assert (here.kept_from, here.seq, numbers) == (20, 21, [21])


async def test_after_a_restore_that_went_unnoticed_clients_are_told_once_somebody_says_so(
    database: Database, dsn: Dsn, user: str, api: Api
) -> None:
    """The log went back behind a client, and on past it in another way: its cursor looks as good as any."""
    await write(database, user, count=5)
    seen = encode((await kept(database, user))[0].cursor, user)
    await move_counter(dsn, user, seq=3)
    assert [change["__typename"] for change in (await api.data(PULL, after=seen))["changes"]["changes"]] == [
        "ResyncRequired"
    ]
    await write(database, user, count=3)
    async with asyncio.timeout(GUARD), api.subscribe(FOLLOW, after=seen) as events:
        assert (await anext(events))["changes"]["__typename"] == "SettingsChanged"
        assert (await anext(events))["changes"]["__typename"] == "Progress"
        told = asyncio.ensure_future(anext(events))
        assert await runner.begin_new_epochs(dsn) > 0
        while not told.done():
            await asyncio.sleep(0)
            await api.application.hub.poll()
        here, _ = await kept(database, user)
        assert (await told)["changes"] == {"__typename": "ResyncRequired", "cursor": encode(here.cursor, user)}
    [change] = (await api.data(PULL, after=seen))["changes"]["changes"]
    assert change["__typename"] == "ResyncRequired"


async def test_readers_that_race_a_trim_see_all_or_are_told(database: Database, dsn: Dsn, user: str) -> None:
    await log_past(dsn, user, [OLD] * 300)
    await write(database, user, count=5)
    done = asyncio.Event()
    told = served = 0

    async def read_over_and_over(after: int) -> None:
        nonlocal told, served
        while not done.is_set():
            async with database.snapshot(user) as session:
                page = await read_on(session, after, None)
            if isinstance(page, Resync):
                assert page.position.kept_from > after
                told += 1
            else:
                assert [change.seq for change in page.changes] == list(range(after + 1, page.position.seq + 1))
                assert page.position.kept_from <= after
                served += 1

    async def trim_and_write() -> None:
        try:
            while await trim(database, 3):
                await write(database, user)
        finally:
            done.set()

    async with asyncio.timeout(GUARD), asyncio.TaskGroup() as group:
        for after in (0, 100, 200, 298):
            group.create_task(read_over_and_over(after))
        group.create_task(trim_and_write())
    assert (await kept(database, user))[0].kept_from == 300
    assert told > 0
    assert served > 0


async def test_followers_that_race_a_trim_have_no_gap_but_one_they_are_told_of(
    database: Database, dsn: Dsn, bus: Bus
) -> None:
    """Followers come in all over the log while it is shortened and written to, in a process that reads it by itself."""
    elsewhere = Database(make_links(dsn, size=5), ChangeLog(bus))
    told = whole = 0

    async def follow(hub: Hub, name: str, after: int, epoch: UUID, end: int) -> None:
        nonlocal told, whole
        async with aclosing(hub.follow(name, after, epoch=epoch)) as items:
            async for item in items:
                if isinstance(item, Resync):
                    assert item.position.kept_from > after
                    told += 1
                    return
                assert [change.seq for change in item.changes] == list(range(after + 1, item.up_to + 1))
                after = item.up_to
                if after == end:
                    whole += 1
                    return

    async with AsyncExitStack() as stack:
        stack.push_async_callback(elsewhere.close)
        hub = await stack.enter_async_context(Hub(elsewhere, bus, poll_every=3600))
        for _ in range(10):
            name = await new_user(database)
            await log_past(dsn, name, [OLD] * 60 + [NEW])
            epoch = (await kept(database, name))[0].epoch
            async with asyncio.timeout(GUARD), asyncio.TaskGroup() as group:
                for after in range(0, 61, 4):
                    group.create_task(follow(hub, name, after, epoch, 66))
                for _ in range(5):
                    group.create_task(write(database, name))
                while await trim(database, 9):
                    pass
    assert told + whole == 160
    assert whole > 0


async def test_old_changes_are_found_by_an_index(dsn: Dsn) -> None:
    async with as_owner(dsn) as owner:
        await owner.execute(text("SET enable_seqscan = off"))
        await owner.execute(text("SET enable_bitmapscan = off"))
        plan = await owner.scalars(
            text(
                "EXPLAIN SELECT user_id FROM tasktalk.change_log WHERE at < now() - interval '30 days'"
                " ORDER BY at LIMIT 1000"
            )
        )
        lines = list(plan)
    assert any("Index Scan using ix_change_log_at" in line for line in lines), lines
    assert not any("Sort" in line for line in lines), lines
