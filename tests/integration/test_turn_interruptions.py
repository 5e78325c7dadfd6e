"""A shutdown at every step of a turn: it is handed on, and the next worker brings it to the same end, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from assistant.providers.base import (
    AssistantSaid,
    CallReady,
    Finished,
    ModelCall,
    Prompt,
    ProviderError,
    ProviderEvent,
    ProviderFault,
    TextDelta,
    ToolSpec,
    UsageReported,
)
from assistant.turn import TurnRunner
from core.database import Database, make_links
from core.dsn import Dsn
from core.ids import parse_global_id
from core.links import Link
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from events.log import ChangeLog
from models.changes import change_log
from models.conversations import messages
from models.enums import FinishReason
from models.tasks import task_revisions, tasks
from models.turns import rounds, tool_calls, turns
from models.users import usage
from services import turns as turn_services
from services.turns import Claimed, claim
from tests.conftest import new_user
from tests.support.controlling import DECIDE, Person, person
from tests.support.scripted_provider import Said, call
from tests.support.stage import own_database

SCRIPT = (
    Said("First.", [call("add_task", title="bread"), call("delete_task", task="milk"), call("list_tasks")]),
    Said("Second.", [call("complete_task", task="bread"), call("delete_task", task="cheese")]),
    Said("Last."),
)


class Steady:
    """A model that says the same to the same prompt, however often it is asked."""

    name = "steady"

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        said = SCRIPT[sum(isinstance(item, AssistantSaid) for item in prompt.items)]
        yield TextDelta(said.text)
        for number, one in enumerate(said.calls):
            yield CallReady(ModelCall(f"call_{number}", one.name, one.arguments))
        yield UsageReported(7, 3)
        yield Finished(FinishReason.STOP)

    async def aclose(self) -> None:
        """Nothing is held."""


class Interrupted(Database):
    """Cancels who comes to the step `at`, as a shutdown does: as it begins or once it is done. Steps are transactions,
    or with `by_statement` statements."""

    def __init__(self, dsn: Dsn, bus: Bus, at: int | None, *, before: bool, by_statement: bool) -> None:
        links = make_links(dsn, size=4)
        super().__init__(links, ChangeLog(bus))
        self.steps = 0
        self._at = at
        self._before = before
        self._by_statement = by_statement
        event.listen(links.engine.sync_engine, "before_cursor_execute", self._statement)
        self._plain_take = links.take
        links.take = self._take  # type: ignore[method-assign]

    async def work(self, user_id: str, action: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        if self._by_statement:
            return await super().work(user_id, action)
        self.steps += 1
        step = self.steps
        if self._before:
            self._cancel_at(step)
        result = await super().work(user_id, action)
        if not self._before:
            self._cancel_at(step)
        return result

    async def _take(self) -> Link:
        """A connection whose statements on the driver are steps as well."""
        link = await self._plain_take()
        plain = link.fetch

        async def fetch(sql: str, arguments: Sequence[Any]) -> Any:  # Any: the driver's rows
            self._statement()
            return await plain(sql, arguments)

        if "fetch" not in vars(link):
            link.fetch = fetch  # type: ignore[method-assign]
        return link

    def _statement(self, *_: Any) -> None:  # Any: as the event passes them
        if self._by_statement:
            self.steps += 1
            self._cancel_at(self.steps)

    def _cancel_at(self, step: int) -> None:
        if step == self._at:
            running = asyncio.current_task()
            assert running is not None
            running.cancel()


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"interruptions_{uuid4().hex}"))


async def take(ann: Person, database: Database) -> Claimed:
    where = parse_global_id(ann.conversation or "", "Conversation")
    taking = partial(claim, conversation_id=where, owner="a worker", lease_seconds=600, running_limit=2)
    claimed = await database.work(ann.api.user, taking)
    assert claimed is not None, "nobody else has it"
    return claimed


async def run_on(ann: Person, database: Database) -> None:
    """Do what a worker does with the conversation's next turn, until it is done with it or is shut down."""
    runner = asyncio.create_task(TurnRunner(ann.engine, await take(ann, database)).run())
    with suppress(asyncio.CancelledError):
        await runner


async def play(ann: Person, database: Database) -> str:
    """The whole turn, with everything that it asks approved; its id."""
    await ann.add("milk", "cheese")
    await ann.confirm("DESTRUCTIVE")
    turn = (await ann.send("go on"))["turn"]
    while turn["status"] not in ("COMPLETED", "FAILED", "CANCELLED"):
        if turn["status"] == "AWAITING_CONFIRMATION":
            waiting = [one["id"] for one in turn["toolCalls"] if one["needsConfirmation"]]
            given = [{"toolCallId": one, "approve": True} for one in waiting]
            assert (await ann.do(DECIDE, turnId=turn["id"], decisions=given))["userErrors"] == []
        await run_on(ann, database)
        turn = await ann.turn(turn["id"])
    found: str = turn["id"]
    return found


async def stored(ann: Person, database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """What the user's rows say, ids and times aside."""
    wanted = {
        "turns": (select(turns.c.status, turns.c.lost_leases, turns.c.input_tokens, turns.c.model_calls), turns.c.id),
        "rounds": (select(rounds.c.number, rounds.c.text), rounds.c.number),
        "calls": (select(tool_calls.c.round, tool_calls.c.index, tool_calls.c.status), tool_calls.c.id),
        "messages": (select(messages.c.position, messages.c.content), messages.c.position),
        "tasks": (select(tasks.c.title, tasks.c.version, tasks.c.completed_at.is_(None)), tasks.c.id),
        "revisions": (select(task_revisions.c.action, task_revisions.c.version), task_revisions.c.id),
        "usage": (select(usage.c.turns, usage.c.model_calls, usage.c.input_tokens), usage.c.day),
    }
    async with database.snapshot(ann.api.user) as session:
        log = list((await session.execute(select(change_log.c.seq).order_by(change_log.c.seq))).scalars())
        assert log == list(range(1, len(log) + 1))
        return {
            name: [tuple(row) for row in await session.execute(statement.order_by(order))]
            for name, (statement, order) in wanted.items()
        }


@pytest.mark.parametrize(
    "how",
    [
        {"before": True, "by_statement": False},
        {"before": False, "by_statement": False},
        {"before": True, "by_statement": True},
    ],
    ids=["before a transaction", "after it", "in its midst"],
)
async def test_a_shutdown_at_any_step_changes_nothing_of_the_end(
    dsn: Dsn, database: Database, bus: Bus, how: dict[str, bool]
) -> None:
    async def played(at: int | None) -> tuple[dict[str, list[tuple[Any, ...]]], int]:
        own = Interrupted(dsn, bus, at, **how)
        async with person(database, bus, dsn, await new_user(database)) as ann:
            ann.engine = replace(ann.engine, provider=Steady(), database=own)
            await play(ann, database)
            end = await stored(ann, database)
        await own.close()
        return end, own.steps

    undisturbed, steps = await played(None)
    assert undisturbed["messages"] == [(1, "go on"), (2, "First.\n\nSecond.\n\nLast.")]
    assert steps > 10
    for step in range(1, steps + 1, 12 if how["by_statement"] else 1):
        end, _ = await played(step)
        assert end == undisturbed, f"interrupted at step {step} of {steps}"


class Refusing(Steady):
    """A model that refuses."""

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        raise ProviderError(ProviderFault.REFUSED, "no")
        yield Finished(FinishReason.STOP)


@pytest.mark.parametrize(("word", "status"), [("stop", "FAILED"), ("shutdown", "QUEUED")])
async def test_a_turn_that_is_just_failing_is_not_left_behind(
    database: Database, bus: Bus, dsn: Dsn, user: str, monkeypatch: pytest.MonkeyPatch, word: str, status: str
) -> None:
    failing, go_on = asyncio.Event(), asyncio.Event()
    fail = turn_services.fail

    async def slowly(*given: Any, **more: Any) -> None:
        failing.set()
        await go_on.wait()
        await fail(*given, **more)

    monkeypatch.setattr(turn_services, "fail", slowly)
    async with person(database, bus, dsn, user) as ann:
        ann.engine = replace(ann.engine, provider=Refusing())
        turn = (await ann.send("go on"))["turn"]
        runner = TurnRunner(ann.engine, await take(ann, database))
        running = asyncio.create_task(runner.run())
        await failing.wait()
        if word == "stop":
            runner.stop()
        else:
            running.cancel()
        go_on.set()
        await asyncio.wait([running])
        assert (await ann.turn(turn["id"]))["status"] == status
