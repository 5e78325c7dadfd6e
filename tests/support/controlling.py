"""A user who talks to a scripted assistant over the API, with a worker of the test's own that can be stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from assistant.progress import Engine
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from jobs.worker import Worker
from tests.support.api import Api, serving
from tests.support.scripted_provider import Scripted
from tests.support.talking import engine_for

SETTINGS = Settings(limit_sends_per_minute=0, lease_seconds=600, introspection=True)

TURN = """id status draft attempt version canUndo confirmUntil notice { kind } error { code message retryable }
  retryOf { id } message { id content } conversation { id }
  reply { id content choices { label content task { id } } metadata { finishReason model } }
  toolCalls { id toolName status needsConfirmation parameters undoneAt error { code message }
    tasks { id title version } result { __typename ... on TasksChanged { tasks { title } }
      ... on Undone { toolCalls { id } tasks { id title } } } }"""

SEND = f"""mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{
  conversation {{ id }} message {{ id }} turn {{ {TURN} }} userErrors {{ code field message retryAt }} }} }}"""


def on_turn(name: str, input_type: str) -> str:
    return f"""mutation ($input: {input_type}!) {{ {name}(input: $input) {{
      turn {{ {TURN} }} userErrors {{ code field message nodeId retryAt }} }} }}"""


def undoing(name: str, input_type: str) -> str:
    return f"""mutation ($input: {input_type}!) {{ {name}(input: $input) {{
      toolCalls {{ id undoneAt }} tasks {{ id title deletedAt }} userErrors {{ code field message nodeId }} }} }}"""


CANCEL = on_turn("cancelTurn", "TurnIdInput")
RETRY = on_turn("retryTurn", "RetryTurnInput")
DECIDE = on_turn("decideToolCalls", "DecideToolCallsInput")
UNDO_TURN = undoing("undoTurn", "TurnIdInput")
UNDO_CALL = undoing("undoToolCall", "ToolCallIdInput")
WAIT = 30

Turn = dict[str, Any]  # Any: JSON


@dataclass
class Person:
    """One user of the API. `model` answers, in the one conversation that the first message begins."""

    api: Api
    model: Scripted
    engine: Engine
    dsn: Dsn
    conversation: str | None = None

    @asynccontextmanager
    async def working(self, settings: Settings = SETTINGS) -> AsyncIterator[Worker]:
        async with Worker(self.engine, self.dsn, settings) as worker:
            yield worker

    async def send(self, content: str, *, wait: int = 0, **more: Any) -> dict[str, Any]:
        """The payload, errors included."""
        given = {"content": content, "conversationId": self.conversation, "waitSeconds": wait, **more}
        payload: dict[str, Any] = (await self.api.data(SEND, input=given))["sendMessage"]
        if payload["conversation"]:
            self.conversation = payload["conversation"]["id"]
        return payload

    async def say(self, content: str, **more: Any) -> Turn:
        """Say it and wait until the turn has ended or waits for the user."""
        payload = await self.send(content, wait=WAIT, **more)
        assert payload["userErrors"] == []
        turn: Turn = payload["turn"]
        return turn

    async def do(self, document: str, **given: Any) -> dict[str, Any]:
        """The payload of a mutation."""
        data = await self.api.data(document, input=given)
        [payload] = data.values()
        found: dict[str, Any] = payload
        return found

    async def turn(self, turn_id: str) -> Turn:
        found: Turn = (await self.api.data(f"query ($id: ID!) {{ turn(id: $id) {{ {TURN} }} }}", id=turn_id))["turn"]
        return found

    async def wait(self, turn_id: str) -> Turn:
        """Follow the turn's subscription until it has ended."""
        document = "subscription ($id: ID!) { turn(id: $id) { __typename } }"
        async with self.api.subscribe(document, id=turn_id) as events:
            async for event in events:
                if event["turn"]["__typename"] == "TurnEnded":
                    break
        return await self.turn(turn_id)

    async def tasks(self) -> list[str]:
        """The titles of the tasks that aren't deleted, oldest first."""
        found = await self.api.data("{ tasks(first: 100, orderBy: CREATED) { edges { node { title } } } }")
        return [edge["node"]["title"] for edge in found["tasks"]["edges"]]

    async def add(self, *titles: str) -> list[str]:
        """Make tasks by hand; their ids."""
        document = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
        return [(await self.do(document, title=title))["task"]["id"] for title in titles]

    async def confirm(self, policy: str) -> None:
        await self.api.data(f"mutation {{ updateSettings(input: {{confirm: {policy}}}) {{ userErrors {{ code }} }} }}")

    def as_user(self, user: str) -> Person:
        return replace(self, api=self.api.as_user(user), conversation=None)


@asynccontextmanager
async def person(
    database: Database, bus: Bus, dsn: Dsn, user: str, settings: Settings = SETTINGS
) -> AsyncIterator[Person]:
    model = Scripted()
    engine = replace(
        engine_for(database, bus, model),
        confirmation_seconds=settings.confirmation_seconds,
        tokens_per_day=settings.limit_tokens_per_day,
    )
    async with serving(database, bus, user, settings) as api:
        yield Person(api, model, engine, dsn)
