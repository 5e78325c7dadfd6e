"""The bus over Redis that dies, hangs, comes late or is shared: on a small server of ours and on a real one."""

import asyncio
import gc
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from redis.asyncio import Redis

from events.bus import RESYNC, Backoff, Bus
from events.bus_link import BATCH
from events.bus_redis import PREFIX
from events.subscription import Item, Subscription
from tests.integration.test_bus import visit
from tests.support.mini_redis import MiniRedis
from tests.support.reading import GUARD, item, message, other_tasks, until
from tests.support.redis_server import BINARY, Broker, RedisServer

KINDS: dict[str, Callable[..., Broker]] = {"mini": MiniRedis}
if BINARY is not None:
    KINDS["redis-server"] = RedisServer
QUICKLY = Backoff(first=0.01, longest=0.05)


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Callable[..., Broker]:
    made: Callable[..., Broker] = request.param
    return made


@pytest.fixture
async def redis(kind: Callable[..., Broker]) -> AsyncIterator[Broker]:
    server = kind()
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@asynccontextmanager
async def client_of(server: Broker) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client


async def skip_to_resync(reader: Subscription) -> None:
    found: Item | None = None
    while found is not RESYNC:
        found = await item(reader)


async def test_what_one_process_publishes_the_others_hear(redis: Broker) -> None:
    async with Bus(redis.url) as here, Bus(redis.url) as there, there.subscribe("user:1") as reader:
        for number in range(100):
            await here.publish("user:1", f"{number} ü")
        assert [await message(reader) for _ in range(100)] == [f"{number} ü" for number in range(100)]
        assert here.stats.published == 100


async def test_local_readers_share_one_broker_subscription_and_the_last_gives_it_back(redis: Broker) -> None:
    async with Bus(redis.url) as bus, client_of(redis) as client:
        async with AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(bus.subscribe("user:1")) for _ in range(20)]
            assert await client.publish(f"{PREFIX}user:1", "once") == 1
            assert [await message(reader) for reader in readers] == ["once"] * 20
        async with asyncio.timeout(GUARD):
            while await client.publish(f"{PREFIX}user:1", "to nobody"):
                pass


async def test_old_and_new_readers_hear_again_after_redis_was_killed(redis: Broker) -> None:
    async with Bus(redis.url, backoff=QUICKLY) as bus, bus.subscribe("user:1") as old:
        await redis.kill()
        await until(lambda: not bus.healthy)
        await bus.publish("user:1", "lost")
        async with bus.subscribe("user:1") as meanwhile:
            await redis.start()
            assert await item(old) is RESYNC
            assert await item(meanwhile) is RESYNC
            async with bus.subscribe("user:1") as new, bus.subscribe("user:2") as elsewhere:
                await bus.publish("user:1", "heard")
                await bus.publish("user:2", "too")
                assert [await message(reader) for reader in (old, meanwhile, new)] == ["heard"] * 3
                assert await message(elsewhere) == "too"
        assert bus.stats.rebuilt == 1
        assert bus.stats.dropped == 1


async def test_a_bus_starts_without_redis_and_connects_when_it_comes(redis: Broker) -> None:
    await redis.kill()
    async with Bus(redis.url, backoff=QUICKLY) as bus:
        assert bus.healthy is False
        async with bus.subscribe("user:1") as reader:
            await bus.publish("user:1", "lost")
            await redis.start()
            assert await item(reader) is RESYNC
            await bus.publish("user:1", "heard")
            assert await message(reader) == "heard"
        assert (bus.stats.published, bus.stats.dropped, bus.stats.rebuilt) == (1, 1, 0)


async def test_a_redis_that_hangs_is_noticed_by_the_probe(redis: Broker) -> None:
    async with (
        Bus(redis.url, backoff=QUICKLY, probe_every=0.02, answer_within=0.3) as bus,
        bus.subscribe("user:1") as reader,
    ):
        redis.freeze()
        await until(lambda: not bus.healthy)
        redis.thaw()
        await skip_to_resync(reader)
        await bus.publish("user:1", "heard")
        assert await message(reader) == "heard"


async def test_a_publish_into_a_hanging_redis_is_dropped_and_has_the_link_probed_at_once(redis: Broker) -> None:
    async with Bus(redis.url, backoff=QUICKLY, probe_every=3600, answer_within=0.3, publish_within=0.1) as bus:
        redis.freeze()
        async with asyncio.timeout(GUARD), asyncio.TaskGroup() as group:
            for number in range(50):  # more than the pool has connections
                group.create_task(bus.publish("user:1", str(number)))
        assert bus.stats.dropped == 50
        await until(lambda: not bus.healthy)
        redis.thaw()
        await until(lambda: bus.healthy)


async def test_a_killed_listener_is_replaced(redis: Broker) -> None:
    async with Bus(redis.url, backoff=QUICKLY, probe_every=3600) as bus, bus.subscribe("user:1") as reader:
        for task in asyncio.all_tasks():
            if getattr(task.get_coro(), "__qualname__", "") == "Broadcast._listener":
                task.cancel()
        assert await item(reader) is RESYNC
        await bus.publish("user:1", "heard")
        assert await message(reader) == "heard"
        assert bus.stats.rebuilt == 1


async def test_old_and_new_readers_hear_again_after_the_listeners_connection_was_killed(redis: Broker) -> None:
    """Publishing goes on as if nothing were; broadcaster's own listener would hear nothing any more."""
    async with Bus(redis.url, backoff=QUICKLY, probe_every=3600) as bus, bus.subscribe("user:1") as old:
        for _ in range(3):
            await redis.drop_listeners()
            assert await item(old) is RESYNC
            async with bus.subscribe("user:1") as new, bus.subscribe("user:2") as elsewhere:
                await bus.publish("user:1", "heard")
                await bus.publish("user:2", "too")
                assert [await message(reader) for reader in (old, new, elsewhere)] == ["heard", "heard", "too"]
        assert bus.stats.rebuilt == 3


async def test_a_subscription_begun_while_redis_is_down_says_nothing_of_it_and_is_made_good(redis: Broker) -> None:
    """broadcaster answers with a KeyError that hides the cause. Some give up before Redis is back."""
    async with Bus(redis.url, backoff=QUICKLY) as bus, AsyncExitStack() as stack:
        await redis.kill()
        readers = [await stack.enter_async_context(bus.subscribe(f"user:{number % 3}")) for number in range(9)]
        await until(lambda: not bus.healthy)
        for number in range(3):
            async with bus.subscribe(f"user:{number}"):
                pass
        readers += [await stack.enter_async_context(bus.subscribe(f"user:{number}")) for number in range(3)]
        await redis.start()
        for reader in readers:
            await skip_to_resync(reader)
        for number in range(3):
            await bus.publish(f"user:{number}", str(number))
        assert [await message(reader) for reader in readers] == [str(number % 3) for number in (*range(9), *range(3))]


async def test_a_reader_that_falls_behind_loses_its_queue_and_is_told_to_resync(redis: Broker) -> None:
    """broadcaster's own queues have no bound."""
    async with Bus(redis.url, queue_size=4) as bus, bus.subscribe("turn") as slow, bus.subscribe("turn") as quick:
        for number in range(1_000):
            await bus.publish("turn", "x" * 1_000 + str(number))
            assert (await message(quick)).endswith(str(number))
        assert len(slow._items) <= 4
        assert await item(slow) is RESYNC
        assert bus.stats.overflowed > 200


async def test_stop_while_redis_is_away_leaves_no_task(redis: Broker) -> None:
    before = other_tasks()
    bus = Bus(redis.url, backoff=Backoff(first=3600, longest=3600))
    await bus.start()
    await redis.kill()
    await until(lambda: not bus.healthy)
    async with bus.subscribe("user:1") as reader, asyncio.timeout(GUARD):
        await bus.stop()
        assert [found async for found in reader] == []
    assert other_tasks() <= before


async def test_stop_at_any_step_of_losing_redis_closes_every_connection(redis: Broker) -> None:
    """An unclosed connection warns when it is collected, and fails the test."""
    before = other_tasks()
    for steps in range(0, 40, 3):
        bus = Bus(redis.url, backoff=QUICKLY)
        await bus.start()
        await asyncio.gather(*(bus.publish("user:1", str(number)) for number in range(4)))
        await redis.kill()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(GUARD):
            await bus.stop()
        assert other_tasks() <= before
        await redis.start()
    gc.collect()


async def test_a_publish_cancelled_at_any_step_ends_cancelled(redis: Broker) -> None:
    async with asyncio.timeout(GUARD), Bus(redis.url) as bus, bus.subscribe("user:1") as reader:
        for steps in range(60):
            publishing = asyncio.create_task(bus.publish("user:1", "perhaps"))
            for _ in range(steps):
                await asyncio.sleep(0)
            asked = publishing.cancel()
            await asyncio.wait([publishing])
            assert publishing.cancelled() is asked
        await bus.publish("user:1", "surely")
        while await message(reader) != "surely":
            pass
        assert bus.healthy


async def test_stop_while_connecting_to_a_redis_that_hangs_leaves_no_task(redis: Broker) -> None:
    before = other_tasks()
    redis.freeze()
    bus = Bus(redis.url, answer_within=3600)
    starting = asyncio.create_task(bus.start())
    await until(lambda: any("_serve" in name and "Link" in name for name in other_tasks()))
    async with asyncio.timeout(GUARD):
        starting.cancel()
        await asyncio.wait([starting])
    redis.thaw()
    async with client_of(redis) as client:
        await only_client(client)
    assert other_tasks() <= before | {"MiniRedis._serve"}


async def only_client(client: Redis) -> None:
    """Wait until the server has seen everyone else off."""
    async with asyncio.timeout(GUARD):
        while len(await client.client_list()) > 1:
            pass


async def test_no_connection_is_left_after_stop(redis: Broker) -> None:
    async with client_of(redis) as client:
        async with Bus(redis.url) as bus, bus.subscribe("user:1"), asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(bus.publish("user:1", str(number)))
        assert bus.stats.published == 40
        await only_client(client)


async def test_a_newcomer_hears_whatever_leave_its_join_overlaps(redis: Broker) -> None:
    choose = random.Random(11)
    async with asyncio.timeout(2 * GUARD), Bus(redis.url) as bus:
        for race in range(120):
            async with asyncio.TaskGroup() as group:
                for visitor in range(3):
                    pauses = [choose.randrange(30), choose.randrange(12)]
                    group.create_task(visit(bus, "user:1", f"{race}.{visitor}", pauses))
        assert bus.stats.rebuilt == 0


async def test_every_channel_of_many_is_joined_again(redis: Broker) -> None:
    names = [f"user:{number}" for number in range(2 * BATCH + 1)]
    async with Bus(redis.url, backoff=QUICKLY) as bus, AsyncExitStack() as stack, asyncio.timeout(GUARD):
        readers = [await stack.enter_async_context(bus.subscribe(name)) for name in names]
        await redis.restart()
        for reader in readers:
            assert await item(reader) is RESYNC
        await until(lambda: bus.healthy)
        for name, reader in zip(names, readers, strict=True):
            await bus.publish(name, name)
            assert await message(reader) == name


async def test_bytes_of_a_stranger_that_are_no_text_do_not_end_the_listening(redis: Broker) -> None:
    async with Bus(redis.url) as bus, bus.subscribe("user:1") as reader, client_of(redis) as client:
        await client.publish(f"{PREFIX}user:1", b"\xff\xfe")
        assert await message(reader) == "\ufffd\ufffd"
        await bus.publish("user:1", "heard")
        assert await message(reader) == "heard"
        assert bus.stats.rebuilt == 0


async def test_a_password_is_used_and_never_logged(
    kind: Callable[..., Broker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = kind(password="correct-horse")
    await server.start()
    try:
        async with Bus(server.url) as bus:
            assert bus.healthy
        async with Bus(server.url.replace("correct-horse", "wrong-horse"), backoff=QUICKLY) as bus:
            assert not bus.healthy
    finally:
        await server.kill()
    told = "".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    assert "127.0.0.1" in told
    assert "horse" not in told
