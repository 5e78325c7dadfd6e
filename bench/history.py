"""What a turn costs in a conversation of 50 and of 2,000 messages: statements, wall and CPU time, size of the prompt.

`python -m bench.history` starts a PostgreSQL of its own in a temporary directory; `--dsn` takes another, empty one. No
network: the model is a class here that adds a task in one round and says so in the next.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import event

from assistant.history import read_history
from assistant.progress import Engine
from assistant.providers.base import (
    AssistantSaid,
    CallReady,
    CallResult,
    Finished,
    ModelCall,
    Prompt,
    ProviderEvent,
    TextDelta,
    ToolSpec,
    UsageReported,
    UserSaid,
)
from assistant.turn import TurnRunner
from core import embedded
from core.database import Database, make_links
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.log import ChangeLog
from migrations import runner
from models.enums import FinishReason
from services import conversations
from services.messages import NewMessage, send
from services.turns import Claimed, claim
from services.users import Identity, admit

GENEROUS = Settings(limit_sends_per_minute=0)


class Model:
    """One call, then some words. `prompt_bytes` is the size of the last prompt as text."""

    name = "bench"

    def __init__(self) -> None:
        self.prompt_bytes = 0

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        self.prompt_bytes = len(prompt.instructions.encode()) + sum(_bytes(item) for item in prompt.items)
        if isinstance(prompt.items[-1], CallResult):
            yield TextDelta("I added that to your list, with nothing else to it.")
        else:
            yield CallReady(ModelCall("one", "add_task", '{"title": "buy oat milk", "due": "tomorrow at 5pm"}'))
        yield UsageReported(10, 10)
        yield Finished(FinishReason.STOP)

    async def aclose(self) -> None:
        pass


def _bytes(item: UserSaid | AssistantSaid | CallResult) -> int:
    match item:
        case UserSaid(text):
            return len(text.encode())
        case AssistantSaid(text, calls):
            return len(text.encode()) + sum(len(call.name) + len(call.arguments.encode()) for call in calls)
        case CallResult(_, content):
            return len(content.encode())


@dataclass
class Measured:
    """What turns took; times in milliseconds. `reading` is read_history alone, once more beside the turn."""

    statements: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)
    prompt_bytes: list[float] = field(default_factory=list)


class Bench:
    """One user's conversations, run without a worker: claimed and answered in line."""

    def __init__(self, database: Database, bus: Bus, user: str) -> None:
        self._database = database
        self._model = Model()
        self._engine = Engine(database, bus, self._model, None, turn_seconds=60)
        self._user = user
        self._statements = 0
        event.listen(database.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:  # Any: the event's arguments
        self._statements += 1

    async def talk(self, conversation_id: UUID | None, turns: int) -> UUID:
        """A conversation with so many more turns."""
        for _ in range(turns):
            conversation_id = (await self._claimed(conversation_id))[0]
        assert conversation_id is not None
        return conversation_id

    async def _claimed(self, conversation_id: UUID | None, measured: Measured | None = None) -> tuple[UUID, Claimed]:
        new = NewMessage("add buy oat milk tomorrow at 5pm please", conversation_id=conversation_id)
        said = await self._database.work(self._user, lambda work: send(work, new, GENEROUS))
        take = partial(claim, conversation_id=said.conversation_id, owner="bench", lease_seconds=600, running_limit=0)
        claimed = await self._database.work(self._user, take)
        assert claimed is not None
        if measured is not None:
            await self._measure_reading(claimed, measured)
        before, wall, cpu = self._statements, time.perf_counter(), time.process_time()
        await TurnRunner(self._engine, claimed).run()
        if measured is not None:
            measured.wall.append((time.perf_counter() - wall) * 1000)
            measured.cpu.append((time.process_time() - cpu) * 1000)
            measured.statements.append(self._statements - before)
            measured.prompt_bytes.append(self._model.prompt_bytes)
        return said.conversation_id, claimed

    async def _measure_reading(self, claimed: Claimed, measured: Measured) -> None:
        async with self._database.snapshot(self._user) as session:
            conversation = await conversations.find(session, claimed.turn.conversation_id)
            assert conversation is not None
            began = time.perf_counter()
            await read_history(session, claimed.turn, conversation, budget=self._engine.history_tokens)
            measured.reading.append((time.perf_counter() - began) * 1000)

    async def measure(self, conversation_id: UUID, measured: Measured) -> None:
        await self._claimed(conversation_id, measured)


@asynccontextmanager
async def database_at(dsn: str | None) -> AsyncIterator[Dsn]:
    if dsn is not None:
        yield Dsn.parse(dsn, "--dsn")
        return
    with tempfile.TemporaryDirectory(prefix="tasktalk-bench-") as directory:
        started = await embedded.start(Path(directory))
        try:
            yield Dsn.parse(started.dsn, "embedded")
        finally:
            pid = started.pid
            await started.stop()
            psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)


async def run(options: argparse.Namespace) -> None:
    async with database_at(options.dsn) as dsn, Bus("memory://") as bus:
        await runner.migrate(dsn)
        database = Database(make_links(dsn, size=4), ChangeLog(bus))
        user = f"bench-{uuid.uuid4().hex}"
        await admit(database, Identity(user_id=user, email=None, name=None, token_hash=uuid.uuid4().bytes * 2))
        bench = Bench(database, bus, user)
        print(f"making one conversation of {options.long} messages and {options.turns} of {options.short} ...")
        long = await bench.talk(None, options.long // 2)
        short = [await bench.talk(None, options.short // 2) for _ in range(options.turns)]
        rounds: list[tuple[Measured, Measured]] = []
        for _ in range(options.rounds):
            few, many = Measured(), Measured()
            for conversation_id in short:
                await bench.measure(conversation_id, few)
                await bench.measure(long, many)
            rounds.append((few, many))
        await database.close()
    report(options, rounds)


def report(options: argparse.Namespace, rounds: Sequence[tuple[Measured, Measured]]) -> None:
    """Medians over rounds of each round's mean: the mean has all places of a fold's cycle in it."""
    print(f"\n{options.rounds} rounds of {options.turns} turns each, in turn; mean of a round, median of the rounds\n")
    print(f"{'a turn':<24}{options.short:>8} msg{options.long:>8} msg   ratio")
    for label, name in (
        ("statements", "statements"),
        ("wall, ms", "wall"),
        ("CPU of ours, ms", "cpu"),
        ("reading history, ms", "reading"),
        ("prompt, bytes", "prompt_bytes"),
    ):
        few, many = (median(mean(getattr(pair[side], name)) for pair in rounds) for side in (0, 1))
        print(f"{label:<24}{few:>12.1f}{many:>12.1f}{many / few:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", help="an empty PostgreSQL database; default: one of its own")
    parser.add_argument("--short", type=int, default=50, help="messages of the short conversations")
    parser.add_argument("--long", type=int, default=2000, help="messages of the long one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=21, help="turns a round: 21 are one cycle of folding")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
