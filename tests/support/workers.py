"""What tests of workers share: a model that waits on demand, a worker in this process or another, and their tables."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from assistant.providers.base import (
    AssistantSaid,
    CallReady,
    Finished,
    ModelCall,
    Prompt,
    ProviderEvent,
    TextDelta,
    ToolSpec,
    UserSaid,
)
from core.database import Database, make_links
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.log import ChangeLog
from jobs.worker import Worker
from migrations import runner
from models.conversations import messages
from models.enums import FinishReason
from models.tasks import tasks
from models.turns import Turn
from services.messages import Said
from tests.support.reading import GUARD
from tests.support.talking import Talk, engine_for

LONG = Settings(lease_seconds=600, limit_sends_per_minute=0)
"""Leases that no test outlives: the renewal and the watchdog's later looks play no part."""

SHORT = Settings(lease_seconds=1, limit_sends_per_minute=0)


class Model:
    """Answers by what was said: "add X" calls add_task in round 0, then it says "Well: " and the message.

    `asked` lists (message, round) of each model call. A call that is listed in `hold` waits for `release`.
    """

    name = "model"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self._gates: dict[tuple[str, int], asyncio.Event] = {}
        self._changed = asyncio.Condition()

    def hold(self, said: str, round_: int = 0) -> None:
        self._gates[said, round_] = asyncio.Event()

    def release(self, said: str, round_: int = 0) -> None:
        self._gates[said, round_].set()

    async def has_asked(self, said: str, round_: int = 0, times: int = 1) -> None:
        """Wait until this was asked so many times."""
        async with asyncio.timeout(GUARD), self._changed:
            await self._changed.wait_for(lambda: self.asked.count((said, round_)) >= times)

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        place = max(number for number, item in enumerate(prompt.items) if isinstance(item, UserSaid))
        last = prompt.items[place]
        assert isinstance(last, UserSaid)
        key = (last.text, sum(isinstance(item, AssistantSaid) for item in prompt.items[place:]))
        async with self._changed:
            self.asked.append(key)
            self._changed.notify_all()
        if key in self._gates:
            await self._gates[key].wait()
        if last.text.startswith("add ") and key[1] == 0:
            yield CallReady(ModelCall("one", "add_task", f'{{"title": "{last.text[4:]}"}}'))
            yield Finished(FinishReason.STOP)
        else:
            yield TextDelta(f"Well: {last.text}")
            yield Finished(FinishReason.STOP)

    async def aclose(self) -> None:
        pass


@asynccontextmanager
async def working(
    database: Database, bus: Bus, dsn: Dsn, model: Model, settings: Settings = LONG, marks: Path | None = None
) -> AsyncIterator[Worker]:
    async with Worker(engine_for(database, bus, model), dsn, settings, marks=marks) as worker:
        yield worker


async def as_owner(dsn: Dsn, statement: str, **parameters: Any) -> list[Any]:  # Any: values of SQL
    """Run SQL as the tables' owner, whom no policy binds; its rows, if it has any."""
    engine = runner.owner_engine(dsn)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL search_path = tasktalk, pg_catalog"))  # its triggers are unqualified
        result = await connection.execute(text(statement), parameters)
        rows = list(result.all()) if result.returns_rows else []
    await engine.dispose()
    return rows


async def jobs_of(dsn: Dsn, conversation_id: UUID) -> list[Any]:
    statement = "SELECT status FROM tasktalk.procrastinate_jobs WHERE args->>'conversation_id' = :id"
    return await as_owner(dsn, statement, id=str(conversation_id))


async def look(talk: Talk, said: Said) -> Turn:
    return (await talk.look(said)).turn


async def replies(talk: Talk) -> list[str]:
    async with talk.database.snapshot(talk.user) as session:
        said = select(messages.c.content).where(messages.c.sender == "ASSISTANT").order_by(messages.c.id)
        return list((await session.execute(said)).scalars())


async def titles(talk: Talk) -> list[str]:
    async with talk.database.snapshot(talk.user) as session:
        return list((await session.execute(select(tasks.c.title))).scalars())


@asynccontextmanager
async def outage(root: Dsn, dsn: Dsn) -> AsyncIterator[None]:
    """The database refuses everyone for the length of the block, and ends all connections before."""
    await as_owner(root, f'ALTER DATABASE "{dsn.database}" ALLOW_CONNECTIONS false')
    try:
        everyone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        await as_owner(root, everyone, name=dsn.database)
        yield
    finally:
        await as_owner(root, f'ALTER DATABASE "{dsn.database}" ALLOW_CONNECTIONS true')


async def wait_for_no_jobs(dsn: Dsn, conversation_id: UUID) -> None:
    async with asyncio.timeout(GUARD):
        while await jobs_of(dsn, conversation_id):
            pass


async def kill_a_worker_in_mid_turn(url: str, marks: Path | None = None) -> None:
    """Have a process of its own take "add milk" to its second round, and kill it there.

    With `marks` it leaves one, and its lease is longer than any test.
    """
    command = [sys.executable, "-m", "tests.support.workers", url, *([str(marks)] if marks is not None else [])]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(GUARD):
            assert await process.stdout.readline() == b"held\n"
    finally:
        process.kill()
        await process.wait()


async def be_a_worker(url: str, marks: Path | None) -> None:
    """A process of its own, to be killed: it stops in the second round of "add milk" and says so."""
    dsn = Dsn.parse(url, "DATABASE_URL")
    model = Model()
    model.hold("add milk", 1)
    async with Bus("memory://") as bus:
        database = Database(make_links(dsn, size=5), ChangeLog(bus))
        async with working(database, bus, dsn, model, SHORT if marks is None else LONG, marks):
            await model.has_asked("add milk", 1)
            sys.stdout.write("held\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(be_a_worker(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None))
