"""Stopping a turn: in mid-answer, between calls, in the queue, while it waits, and where no worker can do it."""

from __future__ import annotations

import asyncio

import pytest

from core.database import Database
from tests.conftest import new_user
from tests.support.controlling import CANCEL, Person
from tests.support.scripted_provider import Said, call


async def test_a_stopped_answer_ends_its_model_call_and_keeps_its_text(ann: Person) -> None:
    ann.model.then(Said("Half an answer", hold=True))
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        payload = await ann.do(CANCEL, turnId=sent["turn"]["id"])
        await ann.model.closed()

    assert payload["userErrors"] == []
    turn = payload["turn"]
    assert turn["status"] == "CANCELLED"
    assert turn["reply"]["content"] == "Half an answer"
    assert turn["reply"]["metadata"] == {"finishReason": "CANCELLED", "model": "scripted"}
    assert turn["draft"] == "Half an answer"
    assert turn["error"] is None


async def test_what_calls_have_done_stays_and_is_said(ann: Person) -> None:
    ann.model.then(Said("Adding.", [call("add_task", title="milk")]), Said("And now", hold=True))
    async with ann.working():
        sent = await ann.send("add milk")
        await ann.model.holds()
        turn = (await ann.do(CANCEL, turnId=sent["turn"]["id"]))["turn"]

    assert turn["status"] == "CANCELLED"
    assert turn["reply"]["content"] == "Adding.\n\nAnd now\n\n(Stopped. Done before that: Added “milk”.)"
    assert [one["status"] for one in turn["toolCalls"]] == ["COMPLETED"]
    assert turn["canUndo"]
    assert await ann.tasks() == ["milk"]


async def test_one_that_said_nothing_yet_says_that_it_was_stopped(ann: Person) -> None:
    ann.model.then(Said(hold=True))
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        turn = (await ann.do(CANCEL, turnId=sent["turn"]["id"]))["turn"]
    assert (turn["status"], turn["reply"]["content"]) == ("CANCELLED", "(Stopped.)")


async def test_a_queued_turn_is_stopped_without_being_run_and_the_next_goes_on(ann: Person) -> None:
    ann.model.then(Said("First", hold=True), "Third")
    async with ann.working():
        first = await ann.send("first")
        await ann.model.holds()
        second, third = await ann.send("second"), await ann.send("third")
        stopped = (await ann.do(CANCEL, turnId=second["turn"]["id"]))["turn"]
        assert (stopped["status"], stopped["reply"], stopped["toolCalls"]) == ("CANCELLED", None, [])
        ann.model.release()
        assert (await ann.wait(first["turn"]["id"]))["reply"]["content"] == "First"
        assert (await ann.wait(third["turn"]["id"]))["reply"]["content"] == "Third"
    assert len(ann.model.prompts) == 2


async def test_a_turn_that_waits_for_its_user_is_stopped_and_nothing_of_it_is_done(ann: Person) -> None:
    await ann.add("milk")
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well,", [call("delete_task", task="milk")]))
    async with ann.working():
        waiting = await ann.say("delete milk")
        assert waiting["status"] == "AWAITING_CONFIRMATION"
        turn = (await ann.do(CANCEL, turnId=waiting["id"]))["turn"]
    assert turn["status"] == "CANCELLED"
    [deletion] = turn["toolCalls"]
    assert (deletion["status"], deletion["error"]["code"]) == ("FAILED", "REJECTED_BY_USER")
    assert not deletion["needsConfirmation"]
    assert turn["reply"]["content"] == f"{waiting['draft']}\n\n(Stopped.)"
    assert await ann.tasks() == ["milk"]


async def test_stopping_again_or_after_the_end_changes_nothing(ann: Person) -> None:
    ann.model.then("Done with it", Said("Half", hold=True))
    async with ann.working():
        ended = await ann.say("first")
        assert (await ann.do(CANCEL, turnId=ended["id"]))["turn"] == ended
        sent = await ann.send("second")
        await ann.model.holds()
        first, second = await asyncio.gather(*(ann.do(CANCEL, turnId=sent["turn"]["id"]) for _ in range(2)))
        third = await ann.do(CANCEL, turnId=sent["turn"]["id"])
    assert first["turn"]["status"] == "CANCELLED"
    assert first == second == third


async def test_nobody_elses_turn_is_stopped(ann: Person, database: Database) -> None:
    ann.model.then(Said("Half", hold=True))
    bob = ann.as_user(await new_user(database))
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        for who, turn_id in ((bob, sent["turn"]["id"]), (ann, "nonsense")):
            payload = await who.do(CANCEL, turnId=turn_id)
            assert payload["turn"] is None
            assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [
                ("NOT_FOUND", ["input", "turnId"])
            ]
        assert (await ann.turn(sent["turn"]["id"]))["status"] == "RUNNING"
        ann.model.release()
        assert (await ann.wait(sent["turn"]["id"]))["status"] == "COMPLETED"


async def test_a_turn_whose_worker_does_not_hear_is_ended_with_the_text_it_saved(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.conversations.turn_mutations.GRACE", 0.01)
    monkeypatch.setattr("jobs.leases.Leases.stop", lambda *_: None)
    ann.model.then(Said("Half an answer", hold=True))
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        await _draft(ann, sent["turn"]["id"], "Half an answer")
        turn = (await ann.do(CANCEL, turnId=sent["turn"]["id"]))["turn"]
        assert (turn["status"], turn["reply"]["content"]) == ("CANCELLED", "Half an answer")
        ann.model.release()
        await ann.model.closed()
    assert await ann.turn(sent["turn"]["id"]) == turn


async def _draft(ann: Person, turn_id: str, text: str) -> None:
    """Wait until the turn's draft is saved."""
    async with asyncio.timeout(30):
        while (await ann.turn(turn_id))["draft"] != text:  # noqa: ASYNC110 - saving a draft tells nobody
            await asyncio.sleep(0)


async def test_a_turn_whose_worker_died_is_ended_by_its_next_one(ann: Person) -> None:
    """The user's word is in the row: whoever takes the turn over stops it instead of asking the model again."""
    ann.model.then(Said("Half", hold=True))
    async with ann.working() as worker:
        sent = await ann.send("tell me")
        await ann.model.holds()
        await worker._leases.renew()
        await _note_stop(ann, sent["turn"]["id"])
        await worker._leases.renew()
        turn = await ann.wait(sent["turn"]["id"])
    assert (turn["status"], turn["reply"]["content"]) == ("CANCELLED", "Half")


async def _note_stop(ann: Person, turn_id: str) -> None:
    """The mutation's first half alone, as if its process had died after it."""
    from assistant.stopping import stop
    from core.ids import parse_global_id

    await ann.engine.database.work(ann.api.user, lambda work: stop(work, parse_global_id(turn_id, "Turn")))
