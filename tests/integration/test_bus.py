"""The bus within one process: fan-out, bounded queues, joins that race leaves, and what stop leaves behind."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack

import pytest

from core.errors import ConfigurationError
from events.bus import MAX_MESSAGE_BYTES, RESYNC, Backoff, Bus, Received
from events.bus_backends import MemoryBackend
from tests.support.reading import GUARD, message, other_tasks, until


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    async with Bus("memory://", queue_size=4) as running:
        yield running


async def test_a_message_reaches_every_reader_of_its_channel_and_no_other(bus: Bus) -> None:
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(bus.subscribe("user:1")) for _ in range(50)]
        stranger = await stack.enter_async_context(bus.subscribe("user:2"))
        await bus.publish("user:1", "first")
        await bus.publish("user:2", b"second")
        assert [await message(reader) for reader in readers] == ["first"] * 50
        assert await message(stranger) == "second"
    assert bus.stats.published == 2
    assert bus.stats.dropped == 0


async def test_messages_arrive_in_the_order_they_were_published(bus: Bus) -> None:
    async with bus.subscribe("turn") as reader:
        for number in range(200):
            await bus.publish("turn", str(number))
            assert await message(reader) == str(number)


async def test_a_reader_that_falls_behind_loses_its_queue_and_is_told_to_resync(bus: Bus) -> None:
    async with bus.subscribe("turn") as slow, bus.subscribe("turn") as quick:
        for number in range(5):
            await bus.publish("turn", str(number))
            assert await message(quick) == str(number)
        assert await anext(slow) is RESYNC
        assert await message(slow) == "4"
        await bus.publish("turn", "after")
        assert await message(slow) == await message(quick) == "after"
    assert bus.stats.overflowed == 1


async def test_a_publisher_that_never_pauses_loses_nothing_in_the_bus() -> None:
    """broadcaster's own memory queue has no bound and its put never lets others run."""
    async with Bus("memory://", queue_size=20_000) as bus, bus.subscribe("flood") as reader:
        for number in range(10_000):
            await bus.publish("flood", str(number))
        assert [await message(reader) for _ in range(10_000)] == [str(number) for number in range(10_000)]


async def visit(bus: Bus, channel: str, token: str, pauses: list[int]) -> None:
    """Join, publish, hear the own message, leave; a newcomer who was left deaf would wait for ever."""
    for _ in range(pauses[0]):
        await asyncio.sleep(0)
    async with bus.subscribe(channel) as reader:
        await bus.publish(channel, token)
        async for found in reader:
            if found == Received(token):
                break
        for _ in range(pauses[1]):
            await asyncio.sleep(0)


async def test_a_newcomer_hears_whatever_leave_its_join_overlaps() -> None:
    choose = random.Random(7)
    async with asyncio.timeout(GUARD), Bus("memory://") as bus:
        for race in range(300):
            async with asyncio.TaskGroup() as group:
                for visitor in range(4):
                    pauses = [choose.randrange(12), choose.randrange(12)]
                    group.create_task(visit(bus, "user:1", f"{race}.{visitor}", pauses))
        assert bus.stats.rebuilt == 0


async def test_a_join_cancelled_at_any_step_leaves_the_channel_sound(bus: Bus) -> None:
    async with asyncio.timeout(GUARD):
        for steps in range(60):
            cancelled = asyncio.create_task(visit(bus, "user:1", "cancelled", [0, 0]))
            for _ in range(steps):
                await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.wait([cancelled])
            await visit(bus, "user:1", f"after {steps}", [0, 0])
    assert bus.healthy
    assert bus.stats.rebuilt == 0


class Gated(MemoryBackend):
    """A broker that takes its time over joining and parting."""

    def __init__(self) -> None:
        super().__init__()
        self.joining, self.parting = asyncio.Event(), asyncio.Event()
        self.may_join, self.may_part = asyncio.Event(), asyncio.Event()
        self.may_join.set()
        self.may_part.set()

    async def join(self, channels: Sequence[str]) -> None:
        self.joining.set()
        await self.may_join.wait()
        await super().join(channels)

    async def part(self, channels: Sequence[str]) -> None:
        self.parting.set()
        await self.may_part.wait()
        await super().part(channels)


async def under_way(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """Start a visit and let it go as far as it can."""
    task = asyncio.create_task(work)
    for _ in range(10):
        await asyncio.sleep(0)
    return task


@pytest.fixture
async def gated(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Bus, Gated]]:
    backend = Gated()
    monkeypatch.setattr("events.bus.make_backend", lambda url, *, answer_within: backend)
    async with Bus("memory://", answer_within=2 * GUARD) as bus:
        yield bus, backend


async def test_a_newcomer_during_a_parting_waits_until_the_channel_is_joined_again(gated: tuple[Bus, Gated]) -> None:
    bus, backend = gated
    backend.may_part.clear()
    async with bus.subscribe("user:1"):
        backend.joining.clear()
    await backend.parting.wait()
    newcomer = await under_way(visit(bus, "user:1", "heard", [0, 0]))
    assert bus.stats.published == 0
    backend.may_part.set()
    async with asyncio.timeout(GUARD):
        await newcomer
    assert backend.joining.is_set()


async def test_a_newcomer_during_a_join_whose_reader_gave_up_hears(gated: tuple[Bus, Gated]) -> None:
    bus, backend = gated
    backend.joining.clear()
    backend.may_join.clear()
    leaver = await under_way(visit(bus, "user:1", "unheard", [0, 0]))
    await backend.joining.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    newcomer = await under_way(visit(bus, "user:1", "heard", [0, 0]))
    assert bus.stats.published == 0
    backend.may_join.set()
    async with asyncio.timeout(GUARD):
        await newcomer


async def test_channels_that_nobody_reads_are_forgotten(bus: Bus) -> None:
    for number in range(100):
        async with bus.subscribe(f"turn:{number}"):
            pass
    await until(lambda: len(bus._channels) == 0)


async def test_stop_ends_every_subscription_and_leaves_no_task() -> None:
    before = other_tasks()
    bus = Bus("memory://")
    await bus.start()
    ended = []

    async def read(channel: str) -> None:
        async with bus.subscribe(channel) as reader:
            ended.append([item async for item in reader])

    async with asyncio.TaskGroup() as group, asyncio.timeout(GUARD):
        for number in range(20):
            group.create_task(read(f"user:{number % 5}"))
        await until(lambda: len(bus._channels) == 5)
        await bus.stop()
    assert ended == [[]] * 20
    assert other_tasks() == before
    assert not bus.healthy


async def test_a_stopped_bus_drops_messages_and_its_new_subscriptions_are_over() -> None:
    async with Bus("memory://") as bus:
        pass
    await bus.stop()
    await bus.publish("user:1", "late")
    async with bus.subscribe("user:1") as reader:
        assert [item async for item in reader] == []
    assert bus.stats.dropped == 1
    with pytest.raises(RuntimeError, match="starts once"):
        await bus.start()


async def test_a_reader_from_before_the_start_is_told_to_resync_and_then_hears() -> None:
    bus = Bus("memory://")
    await bus.publish("user:1", "lost")
    async with bus.subscribe("user:1") as reader, bus:
        assert await anext(reader) is RESYNC
        await bus.publish("user:1", "heard")
        assert await message(reader) == "heard"
    assert bus.stats.dropped == 1


async def test_a_stop_right_after_the_start_leaves_nothing() -> None:
    before = other_tasks()
    for steps in range(12):
        bus = Bus("memory://")
        starting = asyncio.create_task(bus.start())
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        await bus.stop()
        assert other_tasks() == before


async def test_a_message_is_text_of_at_most_64_kib(bus: Bus) -> None:
    async with bus.subscribe("turn") as reader:
        longest = "é" * (MAX_MESSAGE_BYTES // 2)
        await bus.publish("turn", longest)
        assert await message(reader) == longest
        with pytest.raises(ValueError, match="at most 65536 bytes, got 65537"):
            await bus.publish("turn", longest + "!")
        for not_text in (b"\xff\xfe", "\ud800"):
            with pytest.raises(ValueError, match="UTF-8"):
                await bus.publish("turn", not_text)


@pytest.mark.parametrize(
    "url", ["", "postgres://hidden@db", "redis-stream://h", "redis://:hidden@h:port", "redis://h?socket_timeout=hidden"]
)
def test_a_url_that_can_not_be_used_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="BROADCAST_URL") as refused:
        Bus(url)
    assert "hidden" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_backoff_grows_to_its_bound_with_jitter_below() -> None:
    backoff = Backoff(first=0.1, longest=2)
    for failures, whole in ((0, 0.1), (1, 0.2), (4, 1.6), (5, 2), (10_000, 2)):
        assert all(whole / 2 <= backoff.delay(failures) <= whole for _ in range(50))
