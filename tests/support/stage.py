"""A turn played through everything: HTTP model, worker, loop and database, with a client that follows it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from assistant.progress import Engine
from assistant.providers.base import Prompt, ProviderEvent, ToolSpec
from assistant.providers.openai import OpenAIProvider, Timeouts
from assistant.providers.rules import RulesProvider
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.ids import to_global_id
from core.settings import Settings
from events.bus import Bus
from jobs.worker import Worker
from migrations import runner
from models.tasks import tasks
from models.turns import ToolCall, Turn
from services.messages import Said
from tests.conftest import _create_database
from tests.support.api import Api, serving
from tests.support.reading import GUARD
from tests.support.talking import Ended, Talk

OPEN = Settings(lease_seconds=600, limit_sends_per_minute=0)

PATIENT = Timeouts(first_byte=GUARD, silence=GUARD)

TURN = """subscription ($id: ID!) { turn(id: $id) { __typename
  ... on TurnSnapshot { turn { status notice { kind } } attempt draft offset } ... on TextDelta { attempt offset text }
  ... on ToolCallUpdate { toolCall { toolName status } }
  ... on TurnEnded { turn { status draft error { code message retryable }
    reply { content metadata { finishReason model } } usage { inputTokens outputTokens modelCalls } } } } }"""


@dataclass(frozen=True)
class Notice:
    """What the turn's row said while the engine waited, or while the fallback was asked: `wait` is None there.

    `shown` is what the client had been shown by then.
    """

    wait: float | None
    notice: str | None
    attempt: int
    seconds_left: float | None
    shown: str | None


@dataclass
class Client:
    """Follows a turn's subscription as a program would, and keeps what it was shown.

    `longest` is the greatest length that the draft of the last attempt had.
    """

    statuses: list[str] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    notice: str | None = None
    draft: str = ""
    longest: int = 0
    ended: dict[str, Any] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, event: dict[str, Any]) -> None:
        match event["__typename"]:
            case "TurnSnapshot":
                _add(self.statuses, event["turn"]["status"])
                if self.attempts[-1:] != [event["attempt"]]:
                    self.longest = 0
                _add(self.attempts, event["attempt"])
                self.draft = event["draft"]
                self.notice = event["turn"]["notice"] and event["turn"]["notice"]["kind"]
            case "TextDelta":
                assert event["attempt"] == self.attempts[-1]
                assert event["offset"] == len(self.draft.encode("utf-16-le")) // 2
                self.draft += event["text"]
            case "ToolCallUpdate":
                self.calls.append((event["toolCall"]["toolName"], event["toolCall"]["status"]))
            case _:
                self.ended = event["turn"]
                _add(self.statuses, event["turn"]["status"])
        self.longest = max(self.longest, len(self.draft))
        async with self.changed:
            self.changed.notify_all()

    async def shows(self, *, attempt: int) -> None:
        """Wait until the client was shown that attempt."""
        async with asyncio.timeout(GUARD), self.changed:
            await self.changed.wait_for(lambda: bool(self.attempts) and self.attempts[-1] >= attempt)


def _add(values: list[Any], value: Any) -> None:
    if values[-1:] != [value]:
        values.append(value)


@dataclass(frozen=True)
class Played:
    """A turn after its end: as stored, and as its client saw it."""

    turn: Turn
    reply: str | None
    calls: Sequence[ToolCall]
    titles: Sequence[str]
    client: Client

    @property
    def finish_reason(self) -> str:
        """Of the reply, as the client was told."""
        return str(self.client.ended["reply"]["metadata"]["finishReason"])

    @property
    def call_states(self) -> list[tuple[str, str, str | None]]:
        return [(call.tool_name, call.status, call.error_code) for call in self.calls]

    def check_completed(self, reply: str, finish_reason: str = "STOP") -> None:
        """The turn completed with that reply, and the client's draft came to be the same."""
        assert self.client.ended["error"] is None
        assert (self.turn.status, self.reply, self.finish_reason) == ("COMPLETED", reply, finish_reason)
        assert self.client.draft == reply
        assert self.client.longest <= len(reply)
        assert (self.turn.notice, self.turn.notice_until) == (None, None)
        assert self.client.statuses == ["QUEUED", "RUNNING", "COMPLETED"]

    def check_failed(self, code: str, message: str, *, retryable: bool = True) -> None:
        """The turn failed so for its client and in the database, and has no reply."""
        error = {"code": code, "message": message, "retryable": retryable}
        assert (self.client.ended["status"], self.client.ended["error"]) == ("FAILED", error)
        turn = self.turn
        assert (turn.status, turn.error_code, turn.error_retryable) == ("FAILED", code, retryable)
        assert (self.reply, turn.notice, turn.notice_until) == (None, None, None)
        assert self.client.statuses == ["QUEUED", "RUNNING", "FAILED"]


class Stage:
    """One user, one scripted model. `notices` holds what the row said at each wait and at the fallback's turn."""

    def __init__(self, database: Database, bus: Bus, dsn: Dsn, api: Api, provider: OpenAIProvider, rules: bool) -> None:
        self.notices: list[Notice] = []
        self.client = Client()
        self.talk = Talk(database, api.application.hub, OPEN, api.user)
        self._dsn = dsn
        self._api = api
        self._said: Said | None = None
        fallback = _Watched(self) if rules else None
        self.engine = Engine(database, bus, provider, fallback, turn_seconds=60, pause=self.note)

    async def note(self, wait: float | None) -> None:
        """Stands for the pause: keeps what the row says, and waits for nothing but the client to have seen it."""
        turn = (await self.look()).turn
        left = None if turn.notice_until is None else (turn.notice_until - clock.now()).total_seconds()
        await self.client.shows(attempt=turn.attempt)
        self.notices.append(Notice(wait, turn.notice, turn.attempt, left, self.client.notice))

    async def look(self) -> Ended:
        """The turn as stored now."""
        assert self._said is not None
        return await self.talk.look(self._said)

    async def play(self, content: str = "add milk") -> Played:
        """Say something, follow the turn to its end, and read what is stored."""
        self._said = await self.talk.send(content)
        self.client = Client()
        subscription = self._api.subscribe(TURN, id=to_global_id("Turn", self._said.turn_id))
        async with asyncio.timeout(GUARD), subscription as events, aclosing(events):
            await self.client.take((await anext(events))["turn"])
            async with Worker(self.engine, self._dsn, OPEN):
                async for event in events:
                    await self.client.take(event["turn"])
        assert [one.shown for one in self.notices] == [one.notice for one in self.notices]
        ended = await self.look()
        return Played(ended.turn, ended.reply, ended.calls, await self.titles(), self.client)

    async def titles(self) -> list[str]:
        async with self.talk.database.snapshot(self.talk.user) as session:
            found = await session.execute(select(tasks.c.title).order_by(tasks.c.created_at, tasks.c.position))
            return list(found.scalars())


Open = Callable[..., AbstractAsyncContextManager[Stage]]
"""`on_stage` with all but its options."""


class _Watched(RulesProvider):
    """The fallback, which notes what the turn's row says when it is first asked."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncIterator[ProviderEvent]:  # type: ignore[override]
        if not any(one.wait is None for one in self._stage.notices):
            await self._stage.note(None)
        async for event in super().stream(prompt, tools):
            yield event


@asynccontextmanager
async def on_stage(
    database: Database,
    bus: Bus,
    dsn: Dsn,
    user: str,
    base_url: str,
    *,
    timeouts: Timeouts = PATIENT,
    rules: bool = False,
) -> AsyncIterator[Stage]:
    """The whole assistant with a model at `base_url`; with `rules` the built-in interpreter is the fallback."""
    provider = OpenAIProvider("key", base_url, "scripted", timeouts=timeouts)
    async with serving(database, bus, user, OPEN) as api:
        yield Stage(database, bus, dsn, api, provider, rules)
    await provider.aclose()


async def own_database(server: str, name: str) -> Dsn:
    """A migrated database for one module: no worker in it finds the turns of others."""
    made = await _create_database(server, name)
    await runner.migrate(made)
    return made
