"""Turns that meet what else their user does: deleting and closing the conversation, stopping at any moment, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from assistant.providers.base import ProviderError, ProviderFault, TextDelta
from core.dsn import Dsn
from core.ids import parse_global_id
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from services import turns
from tests.support.controlling import CANCEL, Person
from tests.support.reading import GUARD, until
from tests.support.scripted_provider import Said, call
from tests.support.workers import jobs_of, wait_for_no_jobs

REMOVE = """mutation ($input: ConversationIdInput!) { deleteConversation(input: $input) {
  deletedId userErrors { code } } }"""


async def remove(ann: Person) -> None:
    assert (await ann.do(REMOVE, conversationId=ann.conversation))["userErrors"] == []


# Deleting the conversation


async def test_who_waits_for_a_turn_of_a_deleted_conversation_is_answered(ann: Person) -> None:
    ann.model.then(Said("Half", hold=True))
    async with ann.working():
        first = await ann.send("tell me")
        await ann.model.holds()
        async with ann.api.subscribe("subscription { changes(kinds: [MESSAGE]) { __typename } }") as events:
            await anext(events)
            waiting = asyncio.create_task(ann.send("and then?", wait=60))
            await anext(events)
        await remove(replace(ann, conversation=first["conversation"]["id"]))
        async with asyncio.timeout(GUARD):
            payload = await waiting
    assert payload["userErrors"] == []
    assert payload["turn"] is None


async def test_the_subscription_of_a_turn_ends_with_its_conversation(ann: Person) -> None:
    ann.model.then(Said("Half", hold=True))
    document = "subscription ($id: ID!) { turn(id: $id) { __typename } }"
    seen: list[str] = []
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        async with asyncio.timeout(GUARD), ann.api.subscribe(document, id=sent["turn"]["id"]) as events:
            seen.append((await anext(events))["turn"]["__typename"])
            await remove(ann)
            seen += [event["turn"]["__typename"] async for event in events]
    assert "TurnSnapshot" in seen
    assert "TurnEnded" not in seen


async def test_a_turn_of_a_deleted_conversation_ends_without_a_noise(ann: Person, dsn: Dsn) -> None:
    add = Said("Adding.", [call("add_task", title="milk")], hold=True)
    undo = Said("Undoing.", [call("undo")], hold=True)
    for said in (add, undo, Said("Nothing more.", hold=True)):
        ann.model.then(said)
        with capture_logs() as logs:
            async with ann.working() as worker:
                sent = await ann.send("go on")
                where: UUID = parse_global_id(ann.conversation or "", "Conversation")
                await ann.model.holds()
                await remove(ann)
                ann.model.release()
                await until(lambda: worker.running == 0)
        assert sent["userErrors"] == []
        assert [one["event"] for one in logs if one["log_level"] in ("error", "warning")] == []
        assert await jobs_of(dsn, where) == []
        ann.conversation = None
        ann.model._released.clear()
    assert await ann.tasks() == []


async def test_a_turn_stopped_as_its_conversation_is_deleted_ends_without_a_noise(ann: Person) -> None:
    ann.model.then(Said("Half", hold=True))
    with capture_logs() as logs:
        async with ann.working() as worker:
            sent = await ann.send("go on")
            await ann.model.holds()
            await remove(ann)
            worker._leases.stop(parse_global_id(sent["turn"]["id"], "Turn"))
            await until(lambda: worker.running == 0)
    assert [one["event"] for one in logs if one["log_level"] in ("error", "warning")] == []


async def test_deleting_a_conversation_gives_its_place_to_one_that_waits(ann: Person, dsn: Dsn) -> None:
    one_at_a_time = Settings(limit_sends_per_minute=0, lease_seconds=600, limit_running_turns=1)
    ann.model.then(Said("Half", hold=True), "Here I am.")
    other = replace(ann, conversation=None)
    async with ann.working(one_at_a_time):
        await ann.send("tell me")
        await ann.model.holds()
        sent = await other.send("hello")
        where: UUID = parse_global_id(other.conversation or "", "Conversation")
        await wait_for_no_jobs(dsn, where)
        await remove(ann)
        async with asyncio.timeout(GUARD):
            turn = await other.wait(sent["turn"]["id"])
    assert turn["status"] == "COMPLETED"


async def test_a_turn_that_waits_gives_its_place_to_one_that_waits_for_it(ann: Person, dsn: Dsn) -> None:
    one_at_a_time = Settings(limit_sends_per_minute=0, lease_seconds=600, limit_running_turns=1)
    await ann.add("milk")
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well.", [call("delete_task", task="milk")], hold=True), "Here I am.")
    other = replace(ann, conversation=None)
    async with ann.working(one_at_a_time):
        await ann.send("delete milk")
        await ann.model.holds()
        sent = await other.send("hello")
        where: UUID = parse_global_id(other.conversation or "", "Conversation")
        await wait_for_no_jobs(dsn, where)
        ann.model.release()
        async with asyncio.timeout(GUARD):
            turn = await other.wait(sent["turn"]["id"])
    assert turn["status"] == "COMPLETED"


# Stopping at any moment


async def test_a_stop_while_a_round_is_stored_keeps_its_text(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    storing, go_on = asyncio.Event(), asyncio.Event()
    store = turns.complete_round

    async def slowly(work: UnitOfWork, *given: Any, **more: Any) -> Any:
        done = await store(work, *given, **more)
        storing.set()
        await go_on.wait()
        return done

    monkeypatch.setattr(turns, "complete_round", slowly)
    ann.model.then("All of an answer.")
    async with ann.working() as worker:
        sent = await ann.send("tell me")
        async with asyncio.timeout(GUARD):
            await storing.wait()
        worker._leases.stop(parse_global_id(sent["turn"]["id"], "Turn"))
        turn = await ann.wait(sent["turn"]["id"])
    assert (turn["status"], turn["reply"]["content"]) == ("CANCELLED", "All of an answer.")


async def test_a_stop_between_two_tries_keeps_nothing_of_the_one_that_failed(ann: Person) -> None:
    pausing = asyncio.Event()

    class Failing:
        name = "failing"

        async def stream(self, *_: object) -> AsyncIterator[object]:
            yield TextDelta("Half of a th")
            raise ProviderError(ProviderFault.UNAVAILABLE, "gone")

        async def aclose(self) -> None:
            """Nothing is held."""

    async def pause(_: float) -> None:
        pausing.set()
        await asyncio.Event().wait()

    ann.engine = replace(ann.engine, provider=Failing(), pause=pause)  # type: ignore[arg-type]
    async with ann.working():
        sent = await ann.send("tell me")
        await pausing.wait()
        seen = (await ann.turn(sent["turn"]["id"]))["draft"]
        turn = (await ann.do(CANCEL, turnId=sent["turn"]["id"]))["turn"]
    assert seen == ""
    assert (turn["status"], turn["reply"]["content"]) == ("CANCELLED", "(Stopped.)")
