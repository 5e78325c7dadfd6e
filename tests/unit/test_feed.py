"""A feed at the moments that a real log and bus seldom hit: a read that ends too late, a gap before anyone waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from core import clock
from events.feed import Batch, Feed, Follower
from events.reading import Page, Position
from events.subscription import RESYNC, Received, Subscription
from models.changes import LoggedChange
from tests.support.reading import GUARD, until

EPOCH = uuid4()


class Log:
    """A log as a feed reads it; each read waits until the test lets it go on, with what was there when it began."""

    def __init__(self) -> None:
        self.seq = 0
        self.asked: list[int] = []
        self._turns = asyncio.Semaphore(0)

    async def read(self, user_id: str, after_seq: int, epoch: UUID | None) -> Page:
        self.asked.append(after_seq)
        position = Position(EPOCH, self.seq, 0)
        await self._turns.acquire()
        changes = [_change(user_id, seq) for seq in range(after_seq + 1, position.seq + 1)]
        return Page(changes, max(position.seq, after_seq), False, position)

    def answer(self) -> None:
        self._turns.release()


def _change(user_id: str, seq: int) -> LoggedChange:
    return LoggedChange(user_id, seq, clock.now(), "SETTINGS", None, None, None, None, None, None)


def follower_at(seq: int) -> Follower:
    return Follower(seq, EPOCH, size=10)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def wake_ups() -> Subscription:
    return Subscription(10)


@pytest.fixture
def gaps() -> list[str]:
    return []


@pytest.fixture
async def feed(log: Log, wake_ups: Subscription, gaps: list[str]) -> AsyncIterator[Feed]:
    @asynccontextmanager
    async def subscription() -> AsyncIterator[Subscription]:
        yield wake_ups

    made = Feed("ada", read=log.read, on_gap=lambda: gaps.append("gap"), on_overflow=lambda: None)
    running = asyncio.create_task(made.run(subscription()))
    await made.listening.wait()
    yield made
    running.cancel()
    await asyncio.wait([running])


async def next_of(follower: Follower) -> list[int]:
    async with asyncio.timeout(GUARD):
        batch = await follower.next()
    assert batch is not None
    return [change.seq for change in batch.changes]


async def test_a_read_that_ends_after_its_followers_left_leaves_no_gap_for_who_came_meanwhile(
    feed: Feed, log: Log, wake_ups: Subscription
) -> None:
    ahead, behind = follower_at(5), follower_at(3)  # the second read the log to its end before 4 and 5 were there
    feed.admit(ahead)
    log.seq = 6
    wake_ups.put(Received("6"))
    await until(lambda: log.asked == [5])
    feed.leave(ahead)
    feed.admit(behind)
    log.answer()
    log.answer()
    assert await next_of(behind) == [4, 5, 6]
    assert (feed.read_to, log.asked) == (6, [5, 3])


async def test_a_gap_before_anyone_waits_is_read_over_as_soon_as_someone_does(
    feed: Feed, log: Log, wake_ups: Subscription, gaps: list[str]
) -> None:
    wake_ups.put(RESYNC)
    wake_ups.put(Received("2"))
    await until(lambda: feed._announced == 2)
    log.seq = 3  # its wake-up fell into the gap, after the follower's own read
    feed.admit(follower := follower_at(2))
    log.answer()
    assert await next_of(follower) == [3]
    assert gaps == []


async def test_a_wake_up_that_came_between_a_followers_own_read_and_its_place_in_the_feed_counts(
    feed: Feed, log: Log, wake_ups: Subscription
) -> None:
    log.seq = 3
    wake_ups.put(Received("3"))
    await until(lambda: feed._announced == 3)
    feed.admit(follower := follower_at(2))
    log.answer()
    assert await next_of(follower) == [3]
    assert log.asked == [2]


async def test_a_wake_up_during_a_read_counts_though_a_higher_one_came_before_the_log_was_restored(
    feed: Feed, log: Log, wake_ups: Subscription
) -> None:
    wake_ups.put(Received("3"))
    await until(lambda: feed._announced == 3)
    log.seq = 1
    feed.admit(follower := follower_at(1))
    await until(lambda: log.asked == [1])
    log.seq = 2
    wake_ups.put(Received("2"))
    await until(lambda: not wake_ups._items)
    log.answer()
    log.answer()
    assert await next_of(follower) == [2]
    assert log.asked == [1, 1]


async def test_a_gap_while_someone_waits_is_the_hubs_to_look_into(
    feed: Feed, wake_ups: Subscription, gaps: list[str]
) -> None:
    feed.admit(follower_at(2))
    wake_ups.put(RESYNC)
    await until(lambda: gaps == ["gap"])


async def test_a_follower_isnt_admitted_behind_its_feed_or_with_another_epoch(feed: Feed) -> None:
    first, late, foreign = follower_at(5), follower_at(4), Follower(5, uuid4(), 10)
    for follower in (first, late, foreign):
        feed.admit(follower)
    assert [first.live, late.live, foreign.live] == [True, False, False]


async def test_a_gap_that_a_follower_would_see_sends_it_back_to_the_log() -> None:
    follower = follower_at(3)
    follower.go_live()
    assert not follower.offer(Batch("ada", (), 5, 6))
    assert follower.offer(Batch("ada", (), 4, 6))
    assert follower.offer(Batch("ada", (), 2, 6))
    assert follower.offer(Batch("ada", (), 7, 7))
    batches = [await follower.next(), await follower.next()]
    assert [(batch.first_seq, batch.up_to) for batch in batches if batch] == [(4, 6), (7, 7)]


async def test_a_batch_that_overlaps_is_trimmed_to_what_is_new() -> None:
    follower = follower_at(3)
    follower.go_live()
    assert follower.offer(Batch("ada", tuple(_change("ada", seq) for seq in (2, 3, 4, 5)), 2, 5))
    batch = await follower.next()
    assert batch is not None
    assert ([change.seq for change in batch.changes], batch.first_seq, batch.up_to) == ([4, 5], 4, 5)
    assert follower.after_seq == 5
