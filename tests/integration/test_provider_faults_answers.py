"""A model whose answers are not what they should be: broken calls, too many, too long, empty, cut short, withheld."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest

from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from models.conversations import MESSAGE_LIMIT
from tests.support.scripted_model import Call, Round, ScriptedModel
from tests.support.stage import Open, on_stage, own_database

ADD = Call("add_task", {"title": "milk"})
NOTHING = "I have nothing to say to that."


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"answers_{uuid4().hex}"))


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


@pytest.fixture
def stage(database: Database, bus: Bus, dsn: Dsn, user: str, model: ScriptedModel) -> Open:
    return partial(on_stage, database, bus, dsn, user, model.base_url, rules=True)


def told(model: ScriptedModel, request: int) -> list[dict[str, Any]]:  # Any: JSON
    """What a request, counted from 1, told the model of its calls."""
    return [orjson.loads(one["content"]) for one in model.requests[request - 1]["messages"] if one["role"] == "tool"]


# Calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('{"title": "milk"', "The arguments are not valid JSON."),
        ({}, "The arguments don't match the tool's schema. title: Field required"),
        ({"title": "milk", "colour": "red"}, "The arguments don't match the tool's schema. colour: Extra inputs"),
        ("[1]", "The arguments don't match the tool's schema."),
    ],
)
async def test_broken_arguments_fail_the_call_and_the_model_can_mend_it(
    model: ScriptedModel, stage: Open, arguments: Any, message: str
) -> None:
    model.then(Round(calls=[Call("add_task", arguments)]), Round(calls=[ADD]), Round(text=["Added milk."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added milk.")
    [failure] = told(model, 2)
    assert (failure["ok"], failure["error"]["code"]) == (False, "INVALID")
    assert failure["error"]["message"].startswith(message)
    assert played.call_states == [("add_task", "FAILED", "INVALID"), ("add_task", "COMPLETED", None)]
    assert played.calls[0].error_message == failure["error"]["message"]
    assert played.client.calls[-1] == ("add_task", "COMPLETED")
    assert ("add_task", "FAILED") in played.client.calls
    assert (len(model.requests), played.titles) == (3, ["milk"])


async def test_a_tool_that_does_not_exist_makes_no_call_and_the_model_is_told(
    model: ScriptedModel, stage: Open
) -> None:
    model.then(Round(calls=[Call("send_mail", {"to": "all"}), ADD]), Round(text=["Added milk."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added milk.")
    unknown, added = told(model, 2)
    assert unknown == {"ok": False, "error": {"code": "NOT_FOUND", "message": "There is no tool named 'send_mail'."}}
    assert added["ok"] is True
    assert played.call_states == [("add_task", "COMPLETED", None)]
    assert {name for name, _ in played.client.calls} == {"add_task"}
    assert (len(model.requests), played.titles) == (2, ["milk"])


async def test_asking_for_tools_that_do_not_exist_ends_too(model: ScriptedModel, stage: Open) -> None:
    model.then(*[Round(calls=[Call("send_mail")])] * 8)
    async with stage() as on:
        played = await on.play()

    played.check_failed("TOO_MANY_STEPS", "The assistant needed more than 8 steps.")
    assert (len(model.requests), played.calls, played.titles) == (8, [], [])


async def test_twenty_calls_at_once_run_in_order_and_once_each(model: ScriptedModel, stage: Open) -> None:
    titles = [f"task {number}" for number in range(20)]
    model.then(Round(calls=[Call("add_task", {"title": one}) for one in titles]), Round(text=["Added twenty."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added twenty.")
    assert [call.parameters["title"] for call in played.calls] == titles
    assert {(call.round, call.status) for call in played.calls} == {(0, "COMPLETED")}
    executed = [call.executed_at for call in played.calls if call.executed_at is not None]
    assert len(executed) == 20
    assert executed == sorted(executed)
    assert played.titles == titles
    assert [one["ok"] for one in told(model, 2)] == [True] * 20
    assert sum(status == "COMPLETED" for _, status in played.client.calls) >= 20
    assert len(model.requests) == 2


async def test_endless_rounds_are_ended_and_what_they_did_stays(model: ScriptedModel, stage: Open) -> None:
    model.then(*(Round(calls=[Call("add_task", {"title": f"task {number}"})]) for number in range(8)))
    async with stage() as on:
        played = await on.play()

    played.check_failed("TOO_MANY_STEPS", "The assistant needed more than 8 steps.")
    assert played.titles == [f"task {number}" for number in range(8)]
    assert played.call_states == [("add_task", "COMPLETED", None)] * 8
    assert (len(model.requests), played.turn.model_calls, played.client.attempts) == (8, 8, [0, 1])


# Texts


async def test_a_text_of_200_kb_is_cut_as_it_is_streamed(model: ScriptedModel, stage: Open) -> None:
    pieces = [f"{number:05} 🥐 " for number in range(23_000)]
    assert len("".join(pieces).encode()) > 200_000
    model.then(Round(text=pieces, usage=(9, 50_000)))
    async with stage() as on:
        played = await on.play()

    whole = "".join(pieces)[:MESSAGE_LIMIT].rstrip()
    played.check_completed(whole, "LENGTH")
    assert played.client.longest == len(whole) <= MESSAGE_LIMIT
    assert (played.turn.input_tokens, played.turn.output_tokens) == (9, 50_000)
    assert len(model.requests) == 1


async def test_the_limit_is_that_of_all_rounds_together(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(text=["a" * 9_990], calls=[ADD]), Round(text=["b" * 5, "c" * 50]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("a" * 9_990 + "\n\n" + "b" * 5 + "c" * 3, "LENGTH")
    assert played.client.longest == MESSAGE_LIMIT
    assert played.titles == ["milk"]


async def test_white_space_around_a_rounds_text_is_not_shown_to_go_again(model: ScriptedModel, stage: Open) -> None:
    model.then(
        Round(text=["\n", " On it", ".", " \n"], calls=[ADD]),
        Round(text=["\n\n"], calls=[ADD]),
        Round(text=[" Done. "]),
    )
    async with stage() as on:
        played = await on.play()

    played.check_completed("On it.\n\nDone.")
    assert played.client.longest == len("On it.\n\nDone.")


async def test_an_empty_answer_gets_one_more_chance(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(usage=(10, 0)), Round(text=["Hello."], usage=(10, 2)))
    async with stage() as on:
        played = await on.play("hello")

    played.check_completed("Hello.")
    assert (len(model.requests), played.client.attempts) == (2, [0, 1, 2])
    spent = {"inputTokens": 20, "outputTokens": 2, "modelCalls": 2}
    assert played.client.ended["usage"] == spent


async def test_an_answer_that_stays_empty_is_said_to_be(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(), Round(text=[" \n"]))
    async with stage() as on:
        played = await on.play("hello")

    played.check_completed(NOTHING)
    assert (len(model.requests), played.calls, played.titles) == (2, [], [])


async def test_a_model_that_is_silent_after_its_calls_leaves_them_to_speak(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(calls=[ADD]), Round(), Round())
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added “milk”.")
    assert (len(model.requests), played.titles) == (3, ["milk"])


async def test_missing_usage_counts_the_calls_alone(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(calls=[ADD], usage=None), Round(text=["Added milk."], usage=None))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added milk.")
    assert played.client.ended["usage"] == {"inputTokens": 0, "outputTokens": 0, "modelCalls": 2}


# How it ended


@pytest.mark.parametrize(
    ("word", "text", "reply", "reason"),
    [
        ("length", ["So far"], "So far", "LENGTH"),
        ("length", [], "The model's answer was cut off before it began.", "LENGTH"),
        ("content_filter", ["So far"], "So far", "ERROR"),
        ("content_filter", [], "The model's provider withheld its answer.", "ERROR"),
    ],
)
async def test_an_answer_that_is_cut_short_says_so(
    model: ScriptedModel, stage: Open, word: str, text: list[str], reply: str, reason: str
) -> None:
    model.then(Round(text=text, finish_reason=word))
    async with stage() as on:
        played = await on.play("hello")

    played.check_completed(reply, reason)
    assert (len(model.requests), played.client.attempts, on.notices) == (1, [0, 1], [])


@pytest.mark.parametrize("word", ["length", "content_filter"])
async def test_of_calls_that_are_cut_short_the_whole_ones_run(model: ScriptedModel, stage: Open, word: str) -> None:
    torn = Call("add_task", '{"title": "bre')
    model.then(Round(calls=[ADD, torn], finish_reason=word), Round(text=["Added milk."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added milk.")
    assert played.call_states == [("add_task", "COMPLETED", None)]
    assert played.titles == ["milk"]


async def test_an_answer_withheld_after_a_call_says_what_was_done(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(calls=[ADD]), Round(finish_reason="content_filter"))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added “milk”.\n\nThe model's provider withheld its answer.", "ERROR")
    assert played.titles == ["milk"]
