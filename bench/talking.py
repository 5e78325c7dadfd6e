"""What a sentence costs who has 100 tasks and who has 100,000: whole turns of the built-in interpreter.

`python -m bench.talking` starts a PostgreSQL of its own in a temporary directory and imports the tasks, which takes
minutes. Each turn has a conversation of its own; what it completed is opened again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from statistics import median
from typing import Final

from sqlalchemy import select, text

from assistant.progress import Engine
from assistant.providers.rules import RulesProvider
from bench.history import database_at
from core.database import Database, make_links
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.hub import Batch, Hub
from events.log import ChangeLog
from jobs.worker import Worker
from migrations import runner
from models.base import rows_of
from models.changes import change_counters
from models.enums import Actor, TurnStatus
from models.tasks import tasks
from models.turns import Turn, turns
from services.exchange import FORMATS, Result, import_tasks
from services.messages import NewMessage, send
from services.tasks import reopen_task
from services.users import Identity, admit

SAID: Final = ("complete buy milk", "complete nonsense zebra", "what do I have to do", "find passport lamp")
VERBS: Final = ("call", "write", "read", "fix", "clean", "plan", "check", "send", "paint", "order", "bring", "build")
NOUNS: Final = ("report", "garden", "kitchen", "letter", "bicycle", "roof", "parcel", "lamp", "passport", "heater")


async def lines(size: int) -> AsyncIterator[bytes]:
    """“Buy milk”, and as many other tasks as are wanted; of these a third is done."""
    drawn = random.Random(7)
    yield b"Buy milk\n"
    for number in range(1, size):
        box = "- [x]" if drawn.random() < 1 / 3 else "- [ ]"
        yield f"{box} {drawn.choice(VERBS)} {drawn.choice(NOUNS)} {drawn.choice(NOUNS)} {number}\n".encode()


class Bench:
    def __init__(self, database: Database, hub: Hub, settings: Settings) -> None:
        self._database = database
        self._hub = hub
        self._settings = settings

    async def turn(self, user: str, words: str) -> float:
        """Milliseconds from sending to the turn's end."""
        async with self._database.snapshot(user) as session:
            seq = await session.scalar(select(change_counters.c.seq).where(change_counters.c.user_id == user))
        began = time.perf_counter()
        said = await self._database.work(user, lambda work: send(work, NewMessage(words), self._settings))
        async with aclosing(self._hub.follow(user, seq)) as items:
            async for item in items:
                told = isinstance(item, Batch) and any(one.entity_id == said.turn_id for one in item.changes)
                if told and await self._ended(user, said.turn_id):
                    return (time.perf_counter() - began) * 1000
        raise RuntimeError("the hub stopped")

    async def _ended(self, user: str, turn_id: uuid.UUID) -> bool:
        async with self._database.snapshot(user) as session:
            turn = await session.one(rows_of(turns).where(turns.c.id == turn_id), Turn)
        return turn is not None and TurnStatus(turn.status).ended

    async def reopen(self, user: str) -> None:
        """“Buy milk”, which was the first task."""
        async with self._database.snapshot(user) as session:
            first = await session.scalar(
                select(tasks.c.id).where(tasks.c.user_id == user, tasks.c.title == "Buy milk").order_by(tasks.c.id)
            )
        await self._database.work(user, lambda work: reopen_task(work, first, Actor.USER))


async def fill(database: Database, user: str, size: int) -> None:
    print(f"making {size:,} tasks ...", flush=True)
    await admit(database, Identity(user, None, None, uuid.uuid4().bytes * 2))
    async with aclosing(import_tasks(database, user, FORMATS["lines"], lines(size), lambda *_: None)) as outcomes:
        async for outcome in outcomes:
            assert outcome.result is Result.MADE, outcome.message


async def measure(bench: Bench, users: dict[int, str], rounds: int) -> None:
    print(f"\n{'said, ms':<28}" + "".join(f"{size:>10,}" for size in users))
    for words in SAID:
        took: dict[str, list[float]] = {user: [] for user in users.values()}
        for _ in range(rounds):
            for user in users.values():
                took[user].append(await bench.turn(user, words))
                await bench.reopen(user)
        print(f"{words:<28}" + "".join(f"{median(some[1:]):>10.1f}" for some in took.values()), flush=True)


async def run(options: argparse.Namespace) -> None:
    settings = Settings(limit_sends_per_minute=0)
    users = {size: f"talking-{size}" for size in options.sizes}
    async with database_at(options.dsn) as dsn, Bus("memory://") as bus:
        await runner.migrate(dsn)
        database = Database(make_links(dsn, size=4), ChangeLog(bus))
        for size, user in users.items():
            await fill(database, user, size)
        await analyze(dsn)
        engine = Engine(database, bus, RulesProvider(), None, turn_seconds=60)
        async with Hub(database, bus) as hub, Worker(engine, dsn, settings):
            await measure(Bench(database, hub, settings), users, options.rounds)
        await database.close()


async def analyze(dsn: Dsn) -> None:
    """As autovacuum does in time."""
    owner = runner.owner_engine(dsn)
    async with owner.begin() as connection:
        await connection.execute(text("ANALYZE"))
    await owner.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", help="an empty PostgreSQL database of a superuser; default: one of its own")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 100_000])
    parser.add_argument("--rounds", type=int, default=8, help="how often each is said at each size, the first aside")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
