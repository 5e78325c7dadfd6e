"""Taking back over the API: a turn, a call, an undo; by mutation and by talking; and what can't be taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from assistant.providers.rules import RulesProvider
from core.database import Database
from tests.conftest import new_user
from tests.support.controlling import UNDO_CALL, UNDO_TURN, Person
from tests.support.scripted_provider import Said, call

UPDATE = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } } }"
HISTORY = """query ($id: ID!) { task(id: $id) { history { edges { node { action actor toolCall { toolName } } } } } }"""


async def test_a_turn_is_taken_back_as_a_whole_and_only_once(ann: Person) -> None:
    await ann.add("bread")
    calls = [call("add_task", title="milk"), call("update_task", task="bread", title="rye bread", priority="HIGH")]
    ann.model.then(Said("", calls), "Did both.")
    async with ann.working():
        turn = await ann.say("add milk, make it rye bread")
    assert turn["canUndo"]
    assert await ann.tasks() == ["rye bread", "milk"]

    undone = await ann.do(UNDO_TURN, turnId=turn["id"])
    assert undone["userErrors"] == []
    assert [one["id"] for one in undone["toolCalls"]] == [one["id"] for one in reversed(turn["toolCalls"])]
    assert all(one["undoneAt"] for one in undone["toolCalls"])
    assert {one["title"] for one in undone["tasks"]} == {"milk", "bread"}
    assert await ann.tasks() == ["bread"]
    after = await ann.turn(turn["id"])
    assert (after["canUndo"], after["version"] > turn["version"]) == (False, True)

    again = await ann.do(UNDO_TURN, turnId=turn["id"])
    assert (again["userErrors"], await ann.turn(turn["id"])) == ([], after)


async def test_what_changed_since_is_named_and_nothing_is_taken_back(ann: Person) -> None:
    ann.model.then(Said("", [call("add_task", title="milk"), call("add_task", title="eggs")]), "Added.")
    async with ann.working():
        turn = await ann.say("add milk and eggs")
    milk = turn["toolCalls"][0]["tasks"][0]["id"]
    await ann.do(UPDATE, taskId=milk, title="oat milk")
    refused = await ann.do(UNDO_TURN, turnId=turn["id"])
    assert (refused["toolCalls"], refused["tasks"]) == ([], [])
    assert [(one["code"], one["nodeId"]) for one in refused["userErrors"]] == [("NOT_UNDOABLE", milk)]
    assert await ann.tasks() == ["oat milk", "eggs"]
    one = await ann.do(UNDO_CALL, toolCallId=turn["toolCalls"][1]["id"])
    assert one["userErrors"] == []
    assert await ann.tasks() == ["oat milk"]


async def test_undo_by_talking_is_a_call_that_can_itself_be_undone(ann: Person) -> None:
    ann.engine = replace(ann.engine, provider=RulesProvider())
    async with ann.working():
        added = await ann.say("add milk")
        undone = await ann.say("undo that")
        assert undone["reply"]["content"].startswith("Undone")
        [by] = undone["toolCalls"]
        assert (by["toolName"], by["status"]) == ("undo", "COMPLETED")
        assert by["result"]["__typename"] == "Undone"
        assert [one["id"] for one in by["result"]["toolCalls"]] == [added["toolCalls"][0]["id"]]
        assert [one["title"] for one in by["result"]["tasks"]] == ["milk"]
        assert await ann.tasks() == []
        redone = await ann.do(UNDO_CALL, toolCallId=by["id"])
    assert redone["userErrors"] == []
    assert await ann.tasks() == ["milk"]
    assert (await ann.turn(added["id"]))["toolCalls"][0]["undoneAt"] is None
    milk = added["toolCalls"][0]["tasks"][0]["id"]
    history = (await ann.api.data(HISTORY, id=milk))["task"]["history"]["edges"]
    assert [(edge["node"]["action"], edge["node"]["actor"]) for edge in history] == [
        ("RESTORED", "USER"),
        ("DELETED", "ASSISTANT"),
        ("CREATED", "ASSISTANT"),
    ]
    assert [edge["node"]["toolCall"] for edge in history] == [None, {"toolName": "undo"}, {"toolName": "add_task"}]


async def test_what_changed_nothing_or_is_not_there_or_not_ones_own_is_refused(ann: Person, database: Database) -> None:
    ann.model.then(Said("", [call("list_tasks")]), "None.", Said("", [call("add_task", title="milk")]), "Added.")
    async with ann.working():
        listed = await ann.say("what is there?")
        added = await ann.say("add milk")
    bob = ann.as_user(await new_user(database))
    for who, document, given, code in (
        (ann, UNDO_TURN, {"turnId": listed["id"]}, "NOT_UNDOABLE"),
        (ann, UNDO_CALL, {"toolCallId": listed["toolCalls"][0]["id"]}, "NOT_UNDOABLE"),
        (ann, UNDO_TURN, {"turnId": "nonsense"}, "NOT_FOUND"),
        (bob, UNDO_TURN, {"turnId": added["id"]}, "NOT_FOUND"),
        (bob, UNDO_CALL, {"toolCallId": added["toolCalls"][0]["id"]}, "NOT_FOUND"),
    ):
        refused = await who.do(document, **given)
        assert [one["code"] for one in refused["userErrors"]] == [code], given
    assert not (await ann.turn(listed["id"]))["canUndo"]
    assert await ann.tasks() == ["milk"]


async def test_ten_undos_at_once_are_one(ann: Person) -> None:
    ann.model.then(Said("", [call("add_task", title="milk")]), "Added.")
    async with ann.working():
        turn = await ann.say("add milk")
    before = await _version(ann, turn)
    payloads = await asyncio.gather(*(ann.do(UNDO_TURN, turnId=turn["id"]) for _ in range(10)))
    assert all(one["userErrors"] == [] for one in payloads)
    assert await _version(ann, turn) == before + 1
    assert await ann.tasks() == []


async def _version(ann: Person, turn: dict[str, object]) -> int:
    return int((await ann.turn(str(turn["id"])))["toolCalls"][0]["tasks"][0]["version"])
