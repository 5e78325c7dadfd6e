"""Answering the last message again: after a failure, a stop or an answer nobody wanted; what was done stays done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from assistant.providers.base import ProviderError, ProviderFault, UserSaid
from assistant.providers.rules import RulesProvider
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from tests.conftest import new_user
from tests.support.controlling import CANCEL, RETRY, UNDO_TURN, WAIT, Person, person
from tests.support.scripted_provider import Said, call

CLOSE = "mutation ($input: ConversationIdInput!) { closeConversation(input: $input) { userErrors { code } } }"


async def test_an_unwanted_answer_is_given_again_and_the_first_stays_in_the_record(ann: Person) -> None:
    ann.model.then("Blue.", "Green.")
    async with ann.working():
        first = await ann.say("which colour?")
        payload = await ann.do(RETRY, turnId=first["id"], waitSeconds=WAIT)
    turn = payload["turn"]
    assert payload["userErrors"] == []
    assert turn["retryOf"]["id"] == first["id"]
    assert turn["message"] == first["message"]
    assert (turn["status"], turn["reply"]["content"]) == ("COMPLETED", "Green.")
    assert (await ann.turn(first["id"]))["reply"]["content"] == "Blue."
    said = [item.text for item in ann.model.prompts[1].items if isinstance(item, UserSaid)]
    assert said == ["which colour?"]
    assert "Blue." not in str(ann.model.prompts[1].items)
    message = await ann.api.data(
        "query ($id: ID!) { node(id: $id) { ... on Message { turn { id } turns { id } } } }", id=turn["message"]["id"]
    )
    assert message["node"] == {"turn": {"id": turn["id"]}, "turns": [{"id": first["id"]}, {"id": turn["id"]}]}


async def test_what_completed_stays_and_the_model_is_told(ann: Person) -> None:
    ann.model.then(Said("Adding.", [call("add_task", title="milk"), call("add_task")]), "Half of it.", "All there.")
    async with ann.working():
        first = await ann.say("add milk and something")
        turn = (await ann.do(RETRY, turnId=first["id"], waitSeconds=WAIT))["turn"]
    prompt = ann.model.prompts[-1]
    assert prompt.retry
    assert str(prompt.items).count("add_task") == 1
    assert '"ok":true' in str(prompt.items)
    assert turn["toolCalls"] == []
    assert await ann.tasks() == ["milk"]


async def test_the_built_in_interpreter_does_not_do_it_twice(ann: Person) -> None:
    ann.engine = replace(ann.engine, provider=RulesProvider())
    async with ann.working():
        first = await ann.say("add milk and complete nothing like this")
        turn = (await ann.do(RETRY, turnId=first["id"], waitSeconds=WAIT))["turn"]
    assert turn["status"] == "COMPLETED"
    assert (await ann.tasks()).count("milk") == 1


async def test_what_was_undone_is_done_anew(ann: Person) -> None:
    add = Said("Adding.", [call("add_task", title="milk")])
    ann.model.then(add, "Added.", add, "Added again.")
    async with ann.working():
        first = await ann.say("add milk")
        assert (await ann.do(UNDO_TURN, turnId=first["id"]))["userErrors"] == []
        turn = (await ann.do(RETRY, turnId=first["id"], waitSeconds=WAIT))["turn"]
    assert [one["status"] for one in turn["toolCalls"]] == ["COMPLETED"]
    assert await ann.tasks() == ["milk"]


async def test_a_failed_turn_and_a_stopped_one_are_answered_again(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(type(ann.model)):  # type: ignore[misc]  # a class only known by its instance
        async def stream(self, *_: object) -> AsyncIterator[object]:
            raise ProviderError(ProviderFault.REFUSED, "no")
            yield

    good = ann.engine
    ann.engine = replace(good, provider=Refusing())
    async with ann.working():
        failed = await ann.say("tell me")
        assert failed["status"] == "FAILED"
    ann.engine = good
    ann.model.then(Said("Half", hold=True), "All of it.")
    async with ann.working():
        second = (await ann.do(RETRY, turnId=failed["id"]))["turn"]
        await ann.model.holds()
        stopped = (await ann.do(CANCEL, turnId=second["id"]))["turn"]
        assert stopped["status"] == "CANCELLED"
        third = (await ann.do(RETRY, turnId=second["id"], waitSeconds=WAIT))["turn"]
    assert (third["status"], third["reply"]["content"]) == ("COMPLETED", "All of it.")


async def test_only_the_last_turn_once_it_has_ended_can_be_retried(ann: Person) -> None:
    ann.model.then("One.", "Two.", Said("Three", hold=True))
    async with ann.working():
        first = await ann.say("one")
        second = await ann.say("two")
        refused = await ann.do(RETRY, turnId=first["id"])
        assert [(one["code"], one["field"]) for one in refused["userErrors"]] == [
            ("NOT_RETRYABLE", ["input", "turnId"])
        ]
        payloads = await asyncio.gather(*(ann.do(RETRY, turnId=second["id"]) for _ in range(4)))
        assert sorted(len(one["userErrors"]) for one in payloads) == [0, 1, 1, 1]
        [running] = [one["turn"] for one in payloads if one["turn"]]
        await ann.model.holds()
        refused = await ann.do(RETRY, turnId=running["id"])
        assert [one["code"] for one in refused["userErrors"]] == ["NOT_RETRYABLE"]
        ann.model.release()
        await ann.wait(running["id"])


async def test_no_retry_where_nothing_can_be_said_nor_by_another_nor_past_a_limit(
    ann: Person, database: Database, bus: Bus, dsn: Dsn, user: str
) -> None:
    ann.model.then("One.")
    async with ann.working():
        first = await ann.say("one")
    bob = ann.as_user(await new_user(database))
    assert [one["code"] for one in (await bob.do(RETRY, turnId=first["id"]))["userErrors"]] == ["NOT_FOUND"]
    async with person(database, bus, dsn, user, Settings(limit_sends_per_minute=1)) as limited:
        refused = (await limited.do(RETRY, turnId=first["id"]))["userErrors"]
        assert [one["code"] for one in refused] == ["RATE_LIMITED"]
        assert refused[0]["retryAt"] is not None
    await ann.do(CLOSE, conversationId=ann.conversation)
    refused = (await ann.do(RETRY, turnId=first["id"]))["userErrors"]
    assert [one["code"] for one in refused] == ["CONVERSATION_INACTIVE"]
    assert (await ann.turn(first["id"])) == first
