"""A whole assistant in a test: database, hub, worker and provider, and a way to say something and wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from assistant.progress import Engine
from assistant.providers.base import Provider
from assistant.providers.rules import RulesProvider
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.hub import Batch, Hub
from jobs.worker import Worker
from models.base import rows_of
from models.conversations import messages
from models.enums import TurnStatus
from models.turns import ToolCall, Turn, tool_calls, turns
from services.messages import NewMessage, Said, send
from tests.support.reading import GUARD


@dataclass(frozen=True)
class Ended:
    """A turn after its end."""

    said: Said
    turn: Turn
    reply: str | None
    calls: list[ToolCall]


@dataclass
class Talk:
    """One user's way to talk."""

    database: Database
    hub: Hub
    settings: Settings
    user: str
    conversation_id: UUID | None = None

    async def send(self, content: str, **more: object) -> Said:
        new = NewMessage(content, conversation_id=self.conversation_id, **more)  # type: ignore[arg-type]
        said = await self.database.work(self.user, lambda work: send(work, new, self.settings))
        self.conversation_id = said.conversation_id
        return said

    async def say(self, content: str, **more: object) -> Ended:
        return await self.ended(await self.send(content, **more))

    async def ended(self, said: Said) -> Ended:
        """Wait on the change log until the turn has ended."""
        async with asyncio.timeout(GUARD), aclosing(self.hub.follow(self.user, 0)) as items:
            async for item in items:
                if isinstance(item, Batch) and any(change.entity_id == said.turn_id for change in item.changes):
                    found = await self.look(said)
                    if TurnStatus(found.turn.status).ended:
                        return found
        raise AssertionError("the hub stopped before the turn ended")

    async def look(self, said: Said) -> Ended:
        async with self.database.snapshot(self.user) as session:
            turn = await session.one(rows_of(turns).where(turns.c.id == said.turn_id), Turn)
            assert turn is not None
            reply = await session.scalar(select(messages.c.content).where(messages.c.id == turn.reply_id))
            order = (tool_calls.c.round, tool_calls.c.index)
            calls = await session.all(
                rows_of(tool_calls).where(tool_calls.c.turn_id == turn.id).order_by(*order), ToolCall
            )
        return Ended(said, turn, reply, calls)


def engine_for(database: Database, bus: Bus, provider: Provider, *, fallback: Provider | None = None) -> Engine:
    async def no_pause(_: float) -> None:
        """Retries need no waiting in tests."""

    return Engine(database, bus, provider, fallback, turn_seconds=60, pause=no_pause)


@asynccontextmanager
async def assistant(
    database: Database,
    bus: Bus,
    dsn: Dsn,
    user: str,
    *,
    provider: Provider | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Talk]:
    """A worker that answers with `provider` (the built-in interpreter by default), and the user's way to talk to it."""
    chosen = settings or Settings()
    engine = engine_for(database, bus, provider or RulesProvider())
    async with Hub(database, bus) as hub, Worker(engine, dsn, chosen):
        yield Talk(database, hub, chosen, user)
