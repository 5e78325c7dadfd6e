"""What a turn and a user may take: wall time, today's tokens, and counting them exactly."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from assistant.providers.base import ModelCall
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from tests.support.controlling import person
from tests.support.scripted_provider import Said, call


async def test_a_turn_that_takes_too_long_fails_and_ends_its_model_call(
    database: Database, bus: Bus, dsn: Dsn, user: str
) -> None:
    async with person(database, bus, dsn, user) as ann:
        ann.engine = replace(ann.engine, turn_seconds=2)
        ann.model.then(Said("", [call("add_task", title="milk")]), Said("And so", hold=True))
        async with ann.working():
            turn = await ann.say("add milk")
            await ann.model.closed()
        assert (turn["status"], turn["error"]["code"], turn["error"]["retryable"]) == (
            "FAILED",
            "ASSISTANT_TIMEOUT",
            True,
        )
        assert turn["reply"] is None
        assert await ann.tasks() == ["milk"]


async def test_todays_tokens_are_looked_at_before_each_model_call(
    database: Database, bus: Bus, dsn: Dsn, user: str
) -> None:
    async with person(database, bus, dsn, user, Settings(limit_tokens_per_day=10)) as ann:
        ann.model.then(Said("Adding.", [call("add_task", title="milk")], tokens=(9, 5)))
        async with ann.working(Settings(limit_tokens_per_day=10, lease_seconds=600)):
            turn = await ann.say("add milk")
            refused = await ann.send("and more")
    assert (turn["status"], turn["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert await ann.tasks() == ["milk"]
    assert [one["code"] for one in refused["userErrors"]] == ["QUOTA_EXCEEDED"]
    assert refused["userErrors"][0]["retryAt"].endswith("T00:00:00Z")
    used = await ann.api.data("{ viewer { usage { inputTokens outputTokens limits { name remaining resetsAt } } } }")
    assert used["viewer"]["usage"]["inputTokens"] == 9
    assert used["viewer"]["usage"]["outputTokens"] == 5


async def test_usage_is_exact_however_many_turns_run_at_once(database: Database, bus: Bus, dsn: Dsn, user: str) -> None:
    many = Settings(limit_sends_per_minute=0, limit_running_turns=0, lease_seconds=600)
    async with person(database, bus, dsn, user, many) as ann:
        ann.model.then(*(Said("Fine.", tokens=(11, 5)) for _ in range(12)))
        async with ann.working(many):
            people = [replace(ann, conversation=None) for _ in range(12)]
            await asyncio.gather(*(one.say("hello") for one in people))
        found = await ann.api.data("{ viewer { usage { turns inputTokens outputTokens } } }")
    assert found["viewer"]["usage"] == {"turns": 12, "inputTokens": 132, "outputTokens": 60}


@pytest.mark.parametrize("name", ["\\u0000", "k" * 60_000])
async def test_a_name_in_the_arguments_that_nothing_can_store_fails_its_call_alone(
    database: Database, bus: Bus, dsn: Dsn, user: str, name: str
) -> None:
    async with person(database, bus, dsn, user) as ann:
        wrong = ModelCall("", "add_task", f'{{"title": "milk", "{name}": 1}}')
        ann.model.then(Said("Adding.", [wrong, call("add_task", title="bread")]), "One of them.")
        async with ann.working():
            turn = await ann.say("add milk and bread")
        assert turn["status"] == "COMPLETED"
        assert [one["status"] for one in turn["toolCalls"]] == ["FAILED", "COMPLETED"]
        assert turn["toolCalls"][0]["error"]["code"] == "INVALID"
        assert len(turn["toolCalls"][0]["error"]["message"]) < 500
        assert await ann.tasks() == ["bread"]
