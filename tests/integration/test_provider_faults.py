"""A model that can't be reached, is busy, hangs, breaks off or refuses: what the client sees and what is stored."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import pytest

from assistant.providers.openai import Timeouts
from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from tests.support.scripted_model import Call, Fault, Round, ScriptedModel
from tests.support.stage import Open, on_stage, own_database

BUSY = Round(status=429, error={"message": "secret words of the endpoint", "code": "rate_limit_exceeded"})
DOWN = Round(status=500)
GOOD = Round(text=["All ", "good."])
ADD = Round(calls=[Call("add_task", {"title": "milk"})])
SHORT = Timeouts(first_byte=0.3, silence=0.3)
NOTE = "(The model can't be reached just now, so the built-in interpreter answered.)"


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"faults_{uuid4().hex}"))


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


@pytest.fixture
def stage(database: Database, bus: Bus, dsn: Dsn, user: str, model: ScriptedModel) -> Open:
    return partial(on_stage, database, bus, dsn, user, model.base_url)


# Tried again


@pytest.mark.parametrize("fault", [BUSY, DOWN, Round(status=503)])
async def test_two_faults_that_pass_are_waited_out_and_seen(model: ScriptedModel, stage: Open, fault: Round) -> None:
    model.then(fault, fault, GOOD)
    async with stage(rules=True) as on:
        played = await on.play()

    played.check_completed("All good.")
    assert [(one.wait, one.notice, one.attempt) for one in on.notices] == [(0.5, "RETRYING", 2), (1.0, "RETRYING", 3)]
    for one in on.notices:
        assert one.wait is not None
        assert one.seconds_left is not None
        assert one.seconds_left <= one.wait
    assert played.client.attempts == [0, 1, 2, 3]
    assert (len(model.requests), played.turn.attempt, played.turn.model_calls) == (3, 3, 1)
    assert (played.calls, played.titles) == ([], [])


async def test_the_wait_that_the_endpoint_names_is_kept(model: ScriptedModel, stage: Open) -> None:
    waits = ["7", "0.1"]
    model.then(*(Round(status=429, headers={"Retry-After": wait}) for wait in waits), GOOD)
    async with stage() as on:
        played = await on.play()

    played.check_completed("All good.")
    # The second is shorter than the backoff: never sooner than either.
    assert [one.wait for one in on.notices] == [7.0, 1.0]


async def test_a_wait_that_is_too_long_is_not_cut_short(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(status=429, headers={"Retry-After": "60"}))
    async with stage() as on:
        played = await on.play()

    played.check_failed("ASSISTANT_UNAVAILABLE", "The model is busy; try again shortly.")
    assert (on.notices, len(model.requests), played.client.attempts) == ([], 1, [0, 1])


async def test_a_wait_that_is_too_long_goes_to_the_fallback(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(status=503, headers={"Retry-After": "60"}))
    async with stage(rules=True) as on:
        played = await on.play()

    played.check_completed(f"Added “milk”.\n\n{NOTE}")
    assert [(one.wait, one.notice) for one in on.notices] == [(None, "FALLBACK")]
    assert (len(model.requests), played.titles) == (1, ["milk"])


# Out of reach


async def test_a_model_that_stays_busy_is_stood_in_for(model: ScriptedModel, stage: Open) -> None:
    model.then(BUSY, BUSY, BUSY)
    async with stage(rules=True) as on:
        played = await on.play()

    played.check_completed(f"Added “milk”.\n\n{NOTE}")
    told = [(one.wait, one.notice, one.attempt) for one in on.notices]
    assert told == [(0.5, "RETRYING", 2), (1.0, "RETRYING", 3), (None, "FALLBACK", 4)]
    assert played.client.attempts == [0, 1, 2, 3, 4]
    assert (len(model.requests), played.turn.model_calls) == (3, 2)
    assert played.call_states == [("add_task", "COMPLETED", None)]
    assert played.client.calls[-1] == ("add_task", "COMPLETED")
    assert played.titles == ["milk"]
    assert played.client.ended["reply"]["metadata"]["model"] == "rules"


async def test_without_a_fallback_a_model_that_stays_busy_fails_the_turn(model: ScriptedModel, stage: Open) -> None:
    model.then(BUSY, BUSY, BUSY)
    async with stage() as on:
        played = await on.play()

    played.check_failed("ASSISTANT_UNAVAILABLE", "The model is busy; try again shortly.")
    assert (len(model.requests), played.client.attempts) == (3, [0, 1, 2, 3])
    assert (played.calls, played.titles, played.turn.model_calls) == ([], [], 0)


@pytest.mark.parametrize("rules", [True, False])
async def test_nobody_listens(database: Database, bus: Bus, dsn: Dsn, user: str, rules: bool) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        async with on_stage(database, bus, dsn, user, url, rules=rules) as on:
            played = await on.play()

    assert [one.notice for one in on.notices] == ["RETRYING", "RETRYING", *(["FALLBACK"] if rules else [])]
    if rules:
        played.check_completed(f"Added “milk”.\n\n{NOTE}")
        assert played.titles == ["milk"]
    else:
        played.check_failed("ASSISTANT_UNAVAILABLE", "The model can't be reached.")
        assert played.titles == []


# Hanging


@pytest.mark.parametrize("fault", [Fault.HANG_BEFORE_HEADERS, Fault.HANG_BEFORE_FIRST_BYTE, Fault.HANG_MID_STREAM])
async def test_a_model_that_hangs_is_tried_twice(model: ScriptedModel, stage: Open, fault: Fault) -> None:
    text = ["Let me"] if fault is Fault.HANG_MID_STREAM else []
    model.then(*[Round(text=text, calls=ADD.calls, fault=fault)] * 2)
    async with stage(timeouts=SHORT) as on:
        played = await on.play()
        await model.client_left(2)

    played.check_failed("ASSISTANT_TIMEOUT", "The model did not answer in time.")
    assert [(one.wait, one.notice) for one in on.notices] == [(0.5, "RETRYING")]
    assert (len(model.requests), played.client.attempts) == (2, [0, 1, 2])
    assert played.client.ended["draft"] == played.client.draft == "".join(text)
    assert (played.calls, played.titles) == ([], [])


async def test_a_model_that_hangs_is_stood_in_for(model: ScriptedModel, stage: Open) -> None:
    model.then(*[Round(text=["Let me"], fault=Fault.HANG_MID_STREAM)] * 2)
    async with stage(timeouts=SHORT, rules=True) as on:
        played = await on.play()

    played.check_completed(f"Added “milk”.\n\n{NOTE}")
    assert [one.notice for one in on.notices] == ["RETRYING", "FALLBACK"]
    assert (len(model.requests), played.titles) == (2, ["milk"])


async def test_one_hang_is_survived(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(text=["Let me"], fault=Fault.HANG_MID_STREAM), GOOD)
    async with stage(timeouts=Timeouts(first_byte=10, silence=1)) as on:
        played = await on.play()

    played.check_completed("All good.")
    assert played.client.attempts == [0, 1, 2]


# Broken off


@pytest.mark.parametrize("fault", [Fault.CUT_MID_TEXT, Fault.CUT_MID_CALL, Fault.END_EARLY, Fault.GARBAGE])
async def test_of_a_torn_answer_nothing_is_kept(model: ScriptedModel, stage: Open, fault: Fault) -> None:
    calls = [Call("add_task", {"title": "bread"}), Call("add_task", {"title": "butter and jam"})]
    torn = Round(text=["I'll add ", "a lot of things"], calls=calls if fault is Fault.CUT_MID_CALL else (), fault=fault)
    model.then(torn, torn, ADD, Round(text=["Added milk."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("Added milk.")
    assert played.client.attempts == [0, 1, 2, 3]
    assert played.call_states == [("add_task", "COMPLETED", None)]
    assert (len(model.requests), played.titles) == (4, ["milk"])


async def test_a_model_that_always_breaks_off_fails_the_turn_with_its_text(model: ScriptedModel, stage: Open) -> None:
    model.then(*[Round(text=["Half a sentence", " of"], calls=ADD.calls, fault=Fault.CUT_MID_CALL)] * 3)
    async with stage() as on:
        played = await on.play()

    played.check_failed("ASSISTANT_UNAVAILABLE", "The model can't be reached.")
    assert played.client.ended["draft"] == played.client.draft == "Half a sentence of"
    assert (played.calls, played.titles, len(model.requests)) == ([], [], 3)


# After something was done


@pytest.mark.parametrize(
    ("after", "requests", "line"),
    [
        ([DOWN] * 3, 4, "The model couldn't be reached any more after that, so the answer ends here."),
        ([BUSY] * 3, 4, "The model was too busy to go on after that, so the answer ends here."),
        ([Round(status=401)], 2, "The model refused to go on after that, so the answer ends here."),
    ],
)
async def test_once_something_is_done_the_turn_ends_with_it(
    model: ScriptedModel, stage: Open, after: list[Round], requests: int, line: str
) -> None:
    model.then(Round(text=["On it."], calls=ADD.calls), *after)
    async with stage(rules=True) as on:
        played = await on.play()

    played.check_completed(f"On it.\n\nAdded “milk”.\n\n{line}", "ERROR")
    assert {one.notice for one in on.notices} <= {"RETRYING"}
    assert played.call_states == [("add_task", "COMPLETED", None)]
    assert (len(model.requests), played.titles) == (requests, ["milk"])


async def test_what_was_found_is_shown_though_the_model_is_lost(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(calls=[Call("list_tasks")]), DOWN, DOWN, DOWN)
    async with stage(rules=True) as on:
        played = await on.play("what do I have?")

    line = "The model couldn't be reached any more after that, so the answer ends here."
    played.check_completed(f"You have no open tasks.\n\n{line}", "ERROR")
    assert played.call_states == [("list_tasks", "COMPLETED", None)]


async def test_a_retry_in_a_later_round_keeps_the_text_of_the_first(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(text=["On it."], calls=ADD.calls), DOWN, Round(text=["Added milk."]))
    async with stage() as on:
        played = await on.play()

    played.check_completed("On it.\n\nAdded milk.")
    assert played.client.attempts == [0, 1, 2]
    assert played.titles == ["milk"]


async def test_the_fallback_does_not_answer_for_the_models_own_failed_calls(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(calls=[Call("add_task", "{broken")]), DOWN, DOWN, DOWN)
    async with stage(rules=True) as on:
        played = await on.play()

    played.check_completed(f"Added “milk”.\n\n{NOTE}")
    assert played.call_states == [("add_task", "FAILED", "INVALID"), ("add_task", "COMPLETED", None)]
    assert played.titles == ["milk"]


# Refused


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"message": "The model `scripted` does not exist at https://inner.example", "code": "model_not_found"}),
        (401, {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}),
        (400, {"message": "Unsupported parameter: tools", "type": "invalid_request_error"}),
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}),
    ],
)
async def test_a_refused_request_fails_at_once_and_clearly(
    model: ScriptedModel, stage: Open, status: int, error: dict[str, str]
) -> None:
    model.then(Round(status=status, error=error))
    async with stage(rules=True) as on:
        played = await on.play()

    message = "The model refused the request; its settings need a look."
    played.check_failed("ASSISTANT_UNAVAILABLE", message, retryable=False)
    assert (on.notices, len(model.requests), played.titles) == ([], 1, [])
