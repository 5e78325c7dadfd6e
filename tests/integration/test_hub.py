"""Every follower sees each change once and in order: joining mid-way, slow, with wake-ups lost or the database away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.database import Database, make_links
from core.dsn import Dsn
from core.unit_of_work import Change, Session, UnitOfWork
from events.bus import Backoff, Bus
from events.hub import Batch, Hub, Resync, UserGone
from events.log import ChangeLog, wake_channel
from events.reading import read
from events.subscription import Subscription
from migrations import runner
from tests.conftest import new_user
from tests.support.changes import Silent, move_counter, write
from tests.support.mini_redis import MiniRedis
from tests.support.reading import GUARD, other_tasks, until

NEVER = 3600.0
"""Seconds: the hub's own look at the positions plays no part."""

AT_ONCE = Backoff(first=0.0, longest=0.0)
Items = AsyncGenerator[Batch | Resync, None]


@pytest.fixture
async def elsewhere(dsn: Dsn, bus: Bus) -> AsyncIterator[Database]:
    """The same database as another process has it: what is committed through `database` isn't handed to its hubs."""
    opened = Database(make_links(dsn, size=5), ChangeLog(bus))
    yield opened
    await opened.close()


@pytest.fixture
async def hub(elsewhere: Database, bus: Bus) -> AsyncIterator[Hub]:
    async with Hub(elsewhere, bus, poll_every=NEVER) as running:
        yield running


@pytest.fixture
async def silent(dsn: Dsn) -> AsyncIterator[Database]:
    """The same database, written to by a process whose wake-ups are lost."""
    opened = Database(make_links(dsn, size=2), ChangeLog(Silent()))
    yield opened
    await opened.close()


async def batch_of(items: Items) -> Batch:
    async with asyncio.timeout(GUARD):
        item = await anext(items)
    assert isinstance(item, Batch), item
    return item


async def resync_of(items: Items) -> Resync:
    async with asyncio.timeout(GUARD):
        item = await anext(items)
    assert isinstance(item, Resync), item
    return item


async def numbers(items: Items, up_to: int) -> list[int]:
    """The numbers of what comes, to `up_to`; checks that batches join without a gap."""
    seen: list[int] = []
    while not seen or seen[-1] < up_to:
        batch = await batch_of(items)
        found = [change.seq for change in batch.changes]
        assert found == list(range(batch.first_seq, batch.up_to + 1))
        assert not seen or batch.first_seq == seen[-1] + 1
        seen += found
    return seen


@pytest.fixture
async def near(database: Database, bus: Bus) -> AsyncIterator[Hub]:
    """A hub in the process that writes through `database`."""
    async with Hub(database, bus, poll_every=NEVER) as running:
        yield running


@asynccontextmanager
async def live(hub: Hub, user: str, after: int = 0) -> AsyncIterator[Items]:
    """A follower that has read the log to its end and waits; what it has read isn't shown."""
    async with aclosing(hub.follow(user, after)) as items:
        others = live_followers(hub, user)
        waiting = asyncio.ensure_future(anext(items))
        try:
            await until(lambda: live_followers(hub, user) > others)
            yield _continued(waiting, items)
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])


def live_followers(hub: Hub, user: str) -> int:
    feed = hub._feeds.get(user)
    return sum(follower.live for follower in feed.followers) if feed else 0


async def _continued(first: asyncio.Future[Batch | Resync], rest: Items) -> Items:
    yield await first
    async for item in rest:
        yield item


async def test_a_follower_gets_what_was_logged_and_then_what_is(database: Database, hub: Hub, user: str) -> None:
    await write(database, user, count=3)
    async with aclosing(hub.follow(user, 1)) as items:
        first = await batch_of(items)
        assert ([change.seq for change in first.changes], first.first_seq, first.up_to) == ([2, 3], 2, 3)
        (entity,) = await write(database, user)
        second = await batch_of(items)
    assert [(change.seq, change.entity_id) for change in second.changes] == [(4, entity)]
    assert (second.user_id, second.first_seq, second.up_to) == (user, 4, 4)


async def test_each_change_comes_once_and_in_order_however_followers_join_and_writers_race(
    database: Database, hub: Hub, user: str
) -> None:
    sizes = [random.randint(1, 5) for _ in range(20)]
    total = sum(sizes)
    written = 0

    async def writer(size: int) -> None:
        nonlocal written
        await write(database, user, count=size)
        written += size

    async def follower(joins_at: int) -> tuple[int, list[int]]:
        await until(lambda: written >= joins_at)
        after = random.randint(0, written)
        async with aclosing(hub.follow(user, after)) as items:
            return after, await numbers(items, total) if after < total else []

    joins = sorted(random.randint(0, total) for _ in range(8))
    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(follower(place)) for place in joins]
        for size in sizes:
            group.create_task(writer(size))
    for task in followers:
        after, seen = task.result()
        assert seen == list(range(after + 1, total + 1))


async def test_what_its_own_process_commits_is_handed_over_unread(database: Database, near: Hub, user: str) -> None:
    async with live(near, user) as items, live(near, user) as others:
        for place in range(3):
            (entity,) = await write(database, user)
            batch = await batch_of(items)
            assert [(change.seq, change.entity_id) for change in batch.changes] == [(place + 1, entity)]
            assert await batch_of(others) is batch
            async with database.snapshot(user) as session:
                page = await read(session, place)
            assert list(batch.changes) == page.changes
        assert near.stats.reads == 2


async def test_what_another_process_commits_in_between_is_read(
    database: Database, elsewhere: Database, near: Hub, user: str
) -> None:
    async with live(near, user) as items:
        for place in range(5):
            await write(elsewhere if place % 2 else database, user)
        assert await numbers(items, 5) == [1, 2, 3, 4, 5]


async def test_what_follows_ones_own_commit_comes_with_no_look_at_the_log(
    database: Database, near: Hub, user: str
) -> None:
    await write(database, user, count=3)
    async with near.listening(user) as follow:
        assert follow is not None
        _, written = await database.work_at(user, one_change)
        assert written is not None
        async with aclosing(follow(written)) as items:
            await write(database, user)
            assert await numbers(items, 5) == [5]
    assert near.stats.reads == 0
    assert near.followers == 0


async def test_what_was_committed_before_the_follower_stood_is_read(
    database: Database, elsewhere: Database, near: Hub, user: str
) -> None:
    async with near.listening(user) as follow:
        assert follow is not None
        _, written = await database.work_at(user, one_change)
        assert written is not None
        await write(elsewhere, user)
        await write(database, user)
        async with aclosing(follow(written)) as items:
            assert await numbers(items, 3) == [2, 3]


async def test_nobody_listens_to_a_hub_that_has_stopped(database: Database, bus: Bus, user: str) -> None:
    async with Hub(database, bus) as hub:
        pass
    async with hub.listening(user) as follow:
        assert follow is None


async def one_change(work: UnitOfWork) -> None:
    work.record(Change("SETTINGS", None))


async def test_a_long_log_is_replayed_page_by_page(database: Database, hub: Hub, user: str) -> None:
    await write(database, user, count=1203)
    async with aclosing(hub.follow(user, 0)) as items:
        assert await numbers(items, 1203) == list(range(1, 1204))
        await write(database, user)
        assert await numbers(items, 1204) == [1204]
    assert hub.stats.reads == 4


async def test_followers_of_one_user_share_one_read_and_one_batch(database: Database, hub: Hub, user: str) -> None:
    async with AsyncExitStack() as stack:
        all_items = [await stack.enter_async_context(live(hub, user)) for _ in range(10)]
        before = hub.stats.reads
        await write(database, user, count=2)
        batches = [await batch_of(items) for items in all_items]
        assert hub.stats.reads == before + 1
        assert all(batch is batches[0] for batch in batches)
        assert len({*batches}) == 1


async def test_a_wake_up_that_was_overtaken_costs_no_read(database: Database, bus: Bus, hub: Hub, user: str) -> None:
    async with live(hub, user) as items:
        await write(database, user, count=3)
        assert await numbers(items, 3) == [1, 2, 3]
        reads = hub.stats.reads
        for late in (1, 3, 2):
            await bus.publish(wake_channel(user), str(late))
        await write(database, user)
        assert await numbers(items, 4) == [4]
        assert hub.stats.reads == reads + 1


async def test_a_wake_up_that_isnt_true_or_isnt_a_number_harms_nothing(
    database: Database, bus: Bus, hub: Hub, user: str
) -> None:
    async with live(hub, user) as items:
        reads = hub.stats.reads
        for lie in ("9" * 19, "soon", "-1", "²", "9" * 60_000):
            await bus.publish(wake_channel(user), lie)
        await until(lambda: hub.stats.reads > reads)
        await write(database, user)
        assert await numbers(items, 1) == [1]
        settled = hub.stats.reads
        await write(database, user)
        assert await numbers(items, 2) == [2]
        assert hub.stats.reads == settled + 1


class SlowBus(Bus):
    """Confirms a subscription when the test says so."""

    confirmed: asyncio.Event

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        await self.confirmed.wait()
        async with super().subscribe(channel) as subscription:
            yield subscription


async def test_the_log_is_replayed_only_once_wake_ups_are_heard(database: Database, user: str) -> None:
    bus = SlowBus("memory://")
    bus.confirmed = asyncio.Event()
    async with bus, Hub(database, bus, poll_every=NEVER) as hub:
        await write(database, user)
        async with aclosing(hub.follow(user, 0)) as items:
            waiting = asyncio.ensure_future(numbers(items, 2))
            await until(lambda: hub.followers == 1)
            await write(database, user)
            assert hub.stats.reads == 0
            bus.confirmed.set()
            assert await waiting == [1, 2]
            assert hub.stats.reads == 1


async def test_users_dont_hear_of_each_other(database: Database, hub: Hub, user: str) -> None:
    stranger = await new_user(database)
    async with live(hub, user) as ours, live(hub, stranger) as theirs:
        (entity,) = await write(database, stranger)
        assert [change.entity_id for change in (await batch_of(theirs)).changes] == [entity]
        (entity,) = await write(database, user)
        batch = await batch_of(ours)
    assert (batch.user_id, [change.entity_id for change in batch.changes]) == (user, [entity])


async def test_a_slow_follower_falls_back_to_the_log_and_loses_nothing(database: Database, bus: Bus, user: str) -> None:
    async with (
        Hub(database, bus, poll_every=NEVER, queue_size=4) as hub,
        live(hub, user) as quick,
        aclosing(hub.follow(user, 0)) as slow,
    ):
        await write(database, user)
        assert await numbers(slow, 1) == [1]
        assert await numbers(quick, 1) == [1]
        for seq in range(2, 12):
            await write(database, user)
            assert await numbers(quick, seq) == [seq]
        assert hub.stats.overflowed == 1
        caught_up = await batch_of(slow)
        assert (caught_up.first_seq, caught_up.up_to) == (2, 11)
        await write(database, user)
        assert await batch_of(slow) is await batch_of(quick)


async def test_a_transaction_of_thousands_of_changes_comes_whole(
    database: Database, near: Hub, hub: Hub, user: str
) -> None:
    """To its own process in one batch, to another page by page; and the event loop isn't held up by making it."""
    async with asyncio.timeout(GUARD), live(near, user) as items, live(hub, user) as others:
        await write(database, user, count=20_000)
        assert len((await batch_of(items)).changes) == 20_000
        assert await numbers(others, 20_000) == list(range(1, 20_001))


async def test_one_batch_may_be_larger_than_the_queue(database: Database, bus: Bus, user: str) -> None:
    async with Hub(database, bus, poll_every=NEVER, queue_size=4) as hub, live(hub, user) as items:
        await write(database, user, count=50)
        assert await numbers(items, 50) == list(range(1, 51))
        assert hub.stats.overflowed == 0


async def test_a_lost_wake_up_is_found_by_a_look_at_the_positions(
    database: Database, silent: Database, hub: Hub, user: str
) -> None:
    async with live(hub, user) as items:
        await write(silent, user, count=3)
        reads = hub.stats.reads
        await hub.poll()
        assert await numbers(items, 3) == [1, 2, 3]
        await hub.poll()
        await write(database, user)
        assert await numbers(items, 4) == [4]
        assert (hub.stats.polls, hub.stats.reads) == (2, reads + 2)


async def test_the_hub_looks_at_the_positions_by_itself(
    database: Database, silent: Database, bus: Bus, user: str
) -> None:
    async with Hub(database, bus, poll_every=0.001) as hub, live(hub, user) as items:
        await write(silent, user, count=2)
        assert await numbers(items, 2) == [1, 2]


async def test_nobody_looks_while_nobody_follows(database: Database, bus: Bus, user: str) -> None:
    async with Hub(database, bus, poll_every=0.0) as hub:
        await hub.poll()
        assert hub.stats.polls == 0
        async with live(hub, user):
            await until(lambda: hub.stats.polls > 1)
        await until(lambda: not hub._followed.is_set())
        polls = hub.stats.polls + 1  # one may be under way
        await write(database, user)
        for _ in range(100):
            await asyncio.sleep(0)
        assert hub.stats.polls <= polls


@pytest.mark.parametrize("values", [{"epoch": uuid4()}, {"kept_from": 2}, {"seq": 1}], ids=lambda v: next(iter(v)))
async def test_a_cursor_that_the_log_cant_serve_ends_in_a_resync(
    database: Database, dsn: Dsn, hub: Hub, user: str, values: dict[str, object]
) -> None:
    await write(database, user, count=3)
    async with database.snapshot(user) as session:
        epoch = await session.scalar(text("SELECT epoch FROM change_counters"))
    await move_counter(dsn, user, **values)
    after = 0 if "kept_from" in values else 3
    async with aclosing(hub.follow(user, after, epoch=epoch)) as items:
        found = await resync_of(items)
        assert {name: getattr(found.position, name) for name in values} == values
        with pytest.raises(StopAsyncIteration):
            await anext(items)
    assert hub.followers == 0


@pytest.mark.parametrize(
    "values", [{"epoch": uuid4()}, {"seq": 9, "kept_from": 5}, {"seq": 1}], ids=["epoch", "trimmed", "restored"]
)
async def test_followers_learn_that_the_log_broke_off_under_them(
    database: Database, dsn: Dsn, hub: Hub, user: str, values: dict[str, object]
) -> None:
    await write(database, user, count=3)
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(live(hub, user, 3)) for _ in range(3)]
        await move_counter(dsn, user, **values)
        await hub.poll()
        for items in followers:
            found = await resync_of(items)
            assert {name: getattr(found.position, name) for name in values} == values
        with pytest.raises(StopAsyncIteration):
            await anext(followers[0])
        async with live(hub, user, found.position.seq) as again:
            await write(database, user)
            assert [change.seq for change in (await batch_of(again)).changes] == [found.position.seq + 1]


async def test_following_a_user_who_is_gone_raises(database: Database, dsn: Dsn, hub: Hub, user: str) -> None:
    async with live(hub, user) as items:
        owner = runner.owner_engine(dsn)
        async with owner.begin() as connection:
            await connection.execute(text("DELETE FROM tasktalk.users WHERE id = :user"), {"user": user})
        await owner.dispose()
        await hub.poll()
        async with asyncio.timeout(GUARD):
            with pytest.raises(UserGone):
                await anext(items)


class Flaky(Database):
    """Refuses snapshots and positions while it is down."""

    down = False

    @asynccontextmanager
    async def snapshot(self, user_id: str) -> AsyncIterator[Session]:
        if self.down:
            raise ConnectionRefusedError("the database is down")
        async with super().snapshot(user_id) as session:
            yield session


@pytest.fixture
async def flaky(dsn: Dsn, bus: Bus) -> AsyncIterator[Flaky]:
    opened = Flaky(make_links(dsn, size=2), ChangeLog(bus))
    yield opened
    await opened.close()


async def test_followers_outlast_the_database(flaky: Flaky, database: Database, bus: Bus, user: str) -> None:
    async with Hub(flaky, bus, poll_every=NEVER, backoff=AT_ONCE) as hub, live(hub, user) as items:
        flaky.down = True
        await write(database, user, count=2)
        await until(lambda: hub.stats.failures >= 3)
        newcomer = hub.follow(user, 1)
        joining = asyncio.ensure_future(numbers(newcomer, 2))
        await until(lambda: hub.followers == 2)
        flaky.down = False
        assert await numbers(items, 2) == [1, 2]
        assert await joining == [2]
        await newcomer.aclose()


async def test_a_hub_that_stops_while_the_database_is_away_lets_go_of_its_followers(
    flaky: Flaky, bus: Bus, user: str
) -> None:
    flaky.down = True
    async with Hub(flaky, bus, poll_every=NEVER, backoff=Backoff(first=NEVER, longest=NEVER)) as hub:
        items = hub.follow(user, 0)
        waiting = asyncio.ensure_future(anext(items, None))
        await until(lambda: hub.stats.failures == 1)
    async with asyncio.timeout(GUARD):
        assert await waiting is None
    assert hub.followers == 0


async def test_a_stopped_hub_ends_every_iteration_and_leaves_nothing(database: Database, bus: Bus, user: str) -> None:
    before = other_tasks()
    async with Hub(database, bus, poll_every=NEVER) as hub:
        followers = [hub.follow(user, 0) for _ in range(3)]
        waiting = [asyncio.ensure_future(anext(items, None)) for items in followers]
        await until(lambda: live_followers(hub, user) == 3)
    async with asyncio.timeout(GUARD):
        assert await asyncio.gather(*waiting) == [None] * 3
        assert await anext(hub.follow(user, 0), None) is None
    assert hub.followers == 0
    assert other_tasks() == before


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_a_follower_that_leaves_frees_everything(
    database: Database, bus: Bus, hub: Hub, user: str, way: str
) -> None:
    before = other_tasks()
    items = hub.follow(user, 0)
    waiting = asyncio.ensure_future(anext(items))
    await until(lambda: live_followers(hub, user) == 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    if way == "close":
        await items.aclose()
    assert hub.followers == 0
    await until(lambda: other_tasks() == before and len(bus._channels) == 0)


async def test_a_user_can_be_followed_again_at_once(database: Database, hub: Hub, user: str) -> None:
    for seq in range(1, 20):
        async with aclosing(hub.follow(user, seq - 1)) as items:
            await write(database, user)
            assert await numbers(items, seq) == [seq]


async def test_replicas_hear_of_each_others_changes_and_catch_up_after_the_broker_died(dsn: Dsn, user: str) -> None:
    redis = MiniRedis()
    await redis.start()
    quickly = Backoff(first=0.01, longest=0.05)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.kill)
        buses = [await stack.enter_async_context(Bus(redis.url, backoff=quickly)) for _ in range(2)]
        databases = [Database(make_links(dsn, size=2), ChangeLog(bus)) for bus in buses]
        for opened in databases:
            stack.push_async_callback(opened.close)
        hubs = [
            await stack.enter_async_context(Hub(opened, bus, poll_every=NEVER))
            for opened, bus in zip(databases, buses, strict=True)
        ]
        followers = [await stack.enter_async_context(live(hub, user)) for hub in hubs]
        for seq, writer in enumerate(databases * 2, start=1):
            await write(writer, user)
            for items in followers:
                assert await numbers(items, seq) == [seq]
        await redis.kill()
        await until(lambda: not any(bus.healthy for bus in buses))
        await write(databases[0], user)
        await redis.start()
        for items in followers:
            assert await numbers(items, 5) == [5]
        # The writer's own hub was told by its process; the other one found it by looking.
        assert hubs[1].stats.polls >= 1
