"""No reader misses a change, sees one twice or out of order, however writers, drops and lost wake-ups interleave."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from core.database import Database, make_links
from core.dsn import Dsn
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import Change, Session, UnitOfWork, Written
from events import cursors
from events.bus import Bus
from events.cursors import Cursor, encode
from events.hub import Batch, Hub
from events.log import ChangeLog
from events.reading import position
from events.subscription import Subscription
from graphql_api.schema import make_schema
from models.changes import change_log
from models.enums import ChangeKind
from resolvers.operation import Application
from tests.conftest import new_user
from tests.support.api import Api, NoGate
from tests.support.reading import GUARD
from tests.support.stage import own_database

ROUNDS = 176
USERS = 16
"""Rounds that run at a time, each with a user of its own."""

END = ChangeKind.SETTINGS
"""Logged last in a round and by nobody else; every filter lets it pass, so every reader knows when it has seen all."""

KINDS = sorted(set(ChangeKind) - {END})
SETTINGS = Settings()
SCHEMA = make_schema(SETTINGS)
FOLLOW = """subscription ($after: String, $kinds: [ChangeKind!]) { changes(after: $after, kinds: $kinds) {
  __typename cursor } }"""


class ChangedMind(Exception):
    """A unit of work fails of its own will."""


@dataclass
class Wires:
    """Announces on every replica's bus, and loses a part of it, on each bus for itself."""

    lost: float
    chance: random.Random
    buses: list[Bus] = field(default_factory=list)

    async def publish(self, channel: str, message: str) -> None:
        for bus in self.buses:
            if self.chance.random() >= self.lost:
                await bus.publish(channel, message)


class SlowBus(Bus):
    """In no hurry to subscribe: a look at the log that doesn't wait for it has long been taken."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__("memory://")
        self._chance = chance

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        for _ in range(self._chance.choice((0, 0, 200))):
            await asyncio.sleep(0)
        async with super().subscribe(channel) as subscription:
            yield subscription


class SlowLog(ChangeLog):
    """Takes its time between the last statement and COMMIT, or fails there: then its numbers are given out again."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(wires)
        self._chance = wires.chance

    async def write(self, session: Session, changes: Sequence[Change]) -> Written:
        written = await super().write(session, changes)
        for _ in range(self._chance.choice((0, 0, 1, 4))):
            await session.scalar(text("SELECT 1"))
        if changes[0].kind != END and self._chance.random() < 0.1:
            raise ChangedMind
        return written


@dataclass(frozen=True)
class Replica:
    """A process' way to the database, and its hub on a bus of its own."""

    database: Database
    hub: Hub
    application: Application


@asynccontextmanager
async def replicas(dsn: Dsn, wires: Wires, poll_every: float) -> AsyncIterator[list[Replica]]:
    made = []
    async with AsyncExitStack() as stack:
        for _ in range(2):
            bus = await stack.enter_async_context(SlowBus(wires.chance))
            database = Database(make_links(dsn, size=8, wait=GUARD), SlowLog(wires))
            stack.push_async_callback(database.close)
            hub = await stack.enter_async_context(Hub(database, bus, poll_every=poll_every, queue_size=1))
            wires.buses.append(bus)
            made.append(Replica(database, hub, Application(SETTINGS, database, bus, hub, NoGate())))
        yield made


@dataclass(frozen=True)
class Stretch:
    """A piece of the log that a reader followed in one go: what passes `kinds` after one number and up to another."""

    after: int
    up_to: int
    kinds: frozenset[str] | None

    def of(self, logged: list[tuple[int, str]]) -> list[int]:
        passing = [seq for seq, kind in logged if self.kinds is None or kind in self.kinds]
        return [seq for seq in passing if self.after < seq <= self.up_to]


@dataclass(frozen=True)
class Item:
    """What came: the numbers of changes, and the number up to which all has come."""

    numbers: list[int]
    up_to: int


class Reader:
    """Follows one user's log by one replica or the other, drops at random and goes on from its cursor."""

    def __init__(self, name: str, here: Round) -> None:
        self.name = name
        self.seen: list[int] = []
        self.stretches: list[Stretch] = []
        self._here = here
        self._chance = here.chance
        self._at = here.base - self._chance.randint(0, min(here.base, 6))

    def _done(self) -> bool:
        return self._here.end is not None and self._at >= self._here.end

    async def run(self) -> None:
        while not self._done():
            kinds = None
            replica, after = self._chance.choice(self._here.replicas), self._at
            if self._chance.random() < 0.4:
                if self._chance.random() < 0.7:
                    kinds = frozenset({END, *self._chance.sample(KINDS, self._chance.randint(0, 3))})
                items = self._by_graphql(replica, kinds)
            else:
                items = self._by_hub(replica)
            async with aclosing(items):
                await self._take(items)
            self.stretches.append(Stretch(after, self._at, kinds))

    async def _take(self, items: AsyncGenerator[Item, None]) -> None:
        """Some of it: up to a number of items, the middle of one, or until somebody commits."""
        left = self._chance.choice((1, 2, 3, 1000))
        dropped = asyncio.ensure_future(self._here.commits(self._chance.randint(1, 4), self._done))
        coming: asyncio.Future[Item] | None = None
        try:
            while left and not self._done():
                coming = asyncio.ensure_future(anext(items))
                await asyncio.wait({coming, dropped}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                left -= 1
                self._note(coming.result(), left)
                for _ in range(self._chance.choice((0, 0, 50))):  # a slow one
                    await asyncio.sleep(0)
        finally:
            tasks: set[asyncio.Future[Any]] = {dropped, coming} if coming else {dropped}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _note(self, item: Item, left: int) -> None:
        numbers, up_to = item.numbers, item.up_to
        if len(numbers) > 1 and not left:
            numbers = numbers[: self._chance.randint(1, len(numbers))]
            up_to = numbers[-1]
        self.seen += numbers
        self._at = up_to
        self._here.trace.append(f"{self.name}{up_to - self._here.base}")

    async def _by_hub(self, replica: Replica) -> AsyncGenerator[Item, None]:
        async with aclosing(replica.hub.follow(self._here.user, self._at, epoch=self._here.epoch)) as batches:
            async for batch in batches:
                assert isinstance(batch, Batch)
                yield Item([change.seq for change in batch.changes], batch.up_to)

    async def _by_graphql(self, replica: Replica, kinds: frozenset[str] | None) -> AsyncGenerator[Item, None]:
        user = self._here.user
        api = Api(SCHEMA, replica.application, user)
        asked = {
            "after": encode(Cursor(self._here.epoch, self._at), user),
            "kinds": None if kinds is None else sorted(kinds),
        }
        async with api.subscribe(FOLLOW, **asked) as events:
            async for event in events:
                change = event["changes"]
                assert change["__typename"] != "ResyncRequired"
                seq = cursors.decode(change["cursor"], user).seq
                yield Item([] if change["__typename"] == "Progress" else [seq], seq)


class Round:
    """Some writers and readers of one user's log, all at once."""

    def __init__(self, replicas: list[Replica], user: str, chance: random.Random, base: Cursor) -> None:
        self.replicas = replicas
        self.user = user
        self.chance = chance
        self.base, self.epoch = base.seq, base.epoch
        self.units: list[list[UUID]] = []
        self.trace: list[str] = []
        self.readers = [Reader(name, self) for name in "wxyz"]
        self.end: int | None = None
        self._commits = 0
        self._committed = asyncio.Condition()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for reader in self.readers:
                group.create_task(reader.run())
            writers = [self._write(name, self.chance.randint(1, 3)) for name in "abc"]
            await asyncio.gather(*writers)
            await self._commit("end", [Change(END, new_id())])

    async def commits(self, count: int, done: Callable[[], bool]) -> None:
        """Wait for so many, or until the reader that waits is done."""
        wanted = self._commits + count
        async with self._committed:
            await self._committed.wait_for(lambda: self._commits >= wanted or done())

    async def _write(self, name: str, units: int) -> None:
        for _ in range(units):
            kinds = [self.chance.choice(KINDS) for _ in range(self.chance.randint(1, 3))]
            await self._commit(name, [Change(kind, new_id(), action="UPDATED", actor="USER") for kind in kinds])

    async def _commit(self, name: str, changes: list[Change]) -> None:
        breaks = name != "end" and self.chance.random() < 0.1

        async def action(work: UnitOfWork) -> None:
            for change in changes:
                work.record(change)
                if self.chance.random() < 0.3:
                    await work.scalar(text("SELECT 1"))
            if breaks:
                raise ChangedMind

        replica = self.chance.choice(self.replicas)
        try:
            _, written = await replica.database.work_at(self.user, action)
        except ChangedMind:
            self.trace.append(f"{name}!")
            return
        assert written is not None
        self.units.append([change.entity_id for change in changes if change.entity_id])
        self.trace.append(name)
        async with self._committed:
            self._commits += 1
            self.end = written.seq if name == "end" else None
            self._committed.notify_all()

    def history(self, reader: Reader) -> tuple[str, ...]:
        """In which order this reader's steps and those of all writers came."""
        others = {other.name for other in self.readers} - {reader.name}
        return tuple(step for step in self.trace if step[0] not in others)

    async def check(self) -> None:
        """The log has what was committed, whole and in one piece each; each reader has what the log has."""
        async with self.replicas[0].database.snapshot(self.user) as session:
            columns = select(change_log.c.seq, change_log.c.kind, change_log.c.entity_id).order_by(change_log.c.seq)
            rows = [tuple(row) for row in await session.execute(columns)]
        assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1))
        mine = [entity_id for seq, _, entity_id in rows if seq > self.base]
        assert self.end == len(rows) == self.base + sum(map(len, self.units))
        for unit in self.units:
            start = mine.index(unit[0])
            assert mine[start : start + len(unit)] == unit
        logged = [(seq, kind) for seq, kind, _ in rows]
        for reader in self.readers:
            expected = [seq for stretch in reader.stretches for seq in stretch.of(logged)]
            assert reader.seen == expected, (reader.name, reader.stretches, self.trace)
            ends = [stretch.up_to for stretch in reader.stretches]
            assert [stretch.after for stretch in reader.stretches[1:]] == ends[:-1]
            assert ends[-1] == self.end


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"interleavings_{uuid4().hex}"))


@pytest.mark.parametrize(
    ("lost", "poll_every"),
    [(0.0, 3600.0), (0.5, 0.02), (1.0, 0.02)],
    ids=["no wake-up is lost", "half of them are lost", "all of them are lost"],
)
async def test_every_reader_has_the_log_whole_and_in_order(
    dsn: Dsn, database: Database, lost: float, poll_every: float
) -> None:
    chance = random.Random()
    histories: set[tuple[str, ...]] = set()
    stretches = 0

    async def one_after_another(running: list[Replica], user: str) -> None:
        nonlocal stretches
        for _ in range(ROUNDS // USERS):
            async with running[0].database.snapshot(user) as session:
                base = (await position(session)).cursor
            one = Round(running, user, chance, base)
            async with asyncio.timeout(GUARD):
                await one.run()
            await one.check()
            histories.update(one.history(reader) for reader in one.readers)
            stretches += sum(len(reader.stretches) for reader in one.readers)

    async with replicas(dsn, Wires(lost, chance), poll_every) as running, asyncio.TaskGroup() as group:
        for _ in range(USERS):
            group.create_task(one_after_another(running, await new_user(database)))
    overflowed = sum(replica.hub.stats.overflowed for replica in running)
    assert len(histories) > 2 * ROUNDS
    assert stretches > 4 * ROUNDS
    assert overflowed > 0
