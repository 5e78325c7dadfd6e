"""Calls that wait, when much happens at once: answers that meet decisions, take-overs and further questions."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from assistant.turn import TurnRunner
from core.database import Database
from core.dsn import Dsn
from core.ids import parse_global_id
from services.turns import Claimed, claim
from tests.support.controlling import DECIDE, WAIT, Person, Turn
from tests.support.owners import as_owner
from tests.support.scripted_provider import Said, call


def delete(*titles: str) -> list[Any]:
    return [call("delete_task", task=title) for title in titles]


async def asked(ann: Person, *titles: str) -> Turn:
    """A turn that waits with a deletion of each of these tasks."""
    await ann.add(*titles)
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well.", delete(*titles)))
    turn = await ann.say("delete them")
    assert turn["status"] == "AWAITING_CONFIRMATION"
    return turn


async def decide(ann: Person, turn: Turn, place: int, approve: bool, wait: int = 0, **more: Any) -> Turn:
    given = [{"toolCallId": turn["toolCalls"][place]["id"], "approve": approve, **more}]
    payload = await ann.do(DECIDE, turnId=turn["id"], decisions=given, waitSeconds=wait)
    assert payload["userErrors"] == []
    decided: Turn = payload["turn"]
    return decided


async def take(ann: Person, database: Database) -> Claimed:
    """Claim the conversation's next turn, as a worker does that then goes no further."""
    assert ann.conversation is not None
    where: UUID = parse_global_id(ann.conversation, "Conversation")
    claiming = partial(claim, conversation_id=where, owner="another", lease_seconds=600, running_limit=2)
    claimed = await database.work(ann.api.user, claiming)
    assert claimed is not None
    return claimed


async def test_a_yes_answers_one_question_and_not_the_next(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk", "bread")
        await ann.add("cheese")
        ann.model.then(Said("And.", delete("cheese")))
        answer = await ann.say("yes")
        again = await ann.turn(turn["id"])
        assert (answer["status"], answer["reply"]["content"]) == ("COMPLETED", "Deleted “milk” and “bread”.")
        assert again["status"] == "AWAITING_CONFIRMATION"
        assert await ann.tasks() == ["cheese"]
        ann.model.then("All gone.")
        second = await ann.say("yes")
    assert second["reply"]["content"].endswith(" and “cheese”.")
    assert await ann.tasks() == []


async def test_what_was_agreed_to_is_done_though_the_user_goes_on_to_something_else(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk", "bread")
        await decide(ann, turn, 0, True)
        ann.model.then("One of them.", "It is sunny.")
        answer = await ann.say("how is the weather?")
        decided = await ann.turn(turn["id"])
    assert (answer["status"], answer["reply"]["content"]) == ("COMPLETED", "It is sunny.")
    assert decided["status"] == "COMPLETED"
    assert [one["status"] for one in decided["toolCalls"]] == ["COMPLETED", "FAILED"]
    assert await ann.tasks() == ["bread"]


async def test_an_answer_whose_worker_was_lost_is_still_read_as_the_answer(
    ann: Person, database: Database, dsn: Dsn
) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
    sent = await ann.send("yes")
    await take(ann, database)
    async with as_owner(dsn) as owner:
        past = text("UPDATE tasktalk.turns SET lease_until = now() - interval '1 second' WHERE id = :id")
        await owner.execute(past, {"id": parse_global_id(sent["turn"]["id"], "Turn")})
    ann.model.then("It is gone.")
    async with ann.working():
        answer = await ann.wait(sent["turn"]["id"])
    assert answer["reply"]["content"] == "Deleted “milk”."
    assert (await ann.turn(turn["id"]))["status"] == "COMPLETED"
    assert await ann.tasks() == []


@pytest.mark.parametrize("words", ["yes", "add bread"])
async def test_a_turn_decided_while_its_successor_begins_goes_first(
    ann: Person, database: Database, words: str
) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
    sent = await ann.send(words)
    claimed = await take(ann, database)
    await decide(ann, turn, 0, True)
    ann.model.then("It is gone.", Said("Now.", delete("milk2")), "Nothing.")
    await TurnRunner(ann.engine, claimed).run()
    assert ann.model.prompts[1:] == []
    async with ann.working():
        decided = await ann.wait(turn["id"])
        assert (decided["status"], decided["reply"]["content"]) == ("COMPLETED", "Well.\n\nIt is gone.")
        assert (await ann.wait(sent["turn"]["id"]))["status"] == "COMPLETED"
    assert "has not ended" not in str(ann.model.prompts[-1].items)
    assert await ann.tasks() == []


async def test_two_agreed_changes_of_one_task_are_both_done(ann: Person) -> None:
    await ann.add("milk")
    await ann.confirm("ALWAYS")
    changes = [call("update_task", task="milk", title="oat milk"), call("complete_task", task="milk")]
    ann.model.then(Said("Well.", changes), "Both.")
    async with ann.working():
        turn = await ann.say("rename it and tick it off")
        decisions = [{"toolCallId": one["id"], "approve": True} for one in turn["toolCalls"]]
        payload = await ann.do(DECIDE, turnId=turn["id"], decisions=decisions, waitSeconds=WAIT)
    assert [one["error"] for one in payload["turn"]["toolCalls"]] == [None, None]
    assert await ann.tasks() == ["oat milk"]


async def test_all_of_a_list_shown_in_the_same_round_waits_by_its_own_length(ann: Person) -> None:
    await ann.add(*(f"t{number}" for number in range(12)))
    await ann.confirm("BULK_DESTRUCTIVE")
    ann.model.then(
        Said("Well.", [call("list_tasks"), call("reschedule_tasks", tasks=["them"], due="tomorrow")]), "Done so."
    )
    async with ann.working():
        turn = await ann.say("move everything")
    assert [one["needsConfirmation"] for one in turn["toolCalls"]] == [False, True]
    assert turn["status"] == "AWAITING_CONFIRMATION"


async def test_edited_words_mean_the_list_that_the_turn_itself_has_shown(ann: Person) -> None:
    await ann.add("a", "b", "c")
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("", [call("search_tasks", query="c")]), "There.")
    ann.model.then(Said("", [call("list_tasks")]), Said("", delete("a")))
    async with ann.working():
        await ann.say("find c")
        turn = await ann.say("delete the first of all")
        ann.model.then("Gone.")
        await decide(
            ann, {**turn, "toolCalls": turn["toolCalls"][1:]}, 0, True, WAIT, parameters={"task": "the first one"}
        )
    assert await ann.tasks() == ["b", "c"]
