"""Calls that wait for their user's word: which do, deciding them, answering in words, and what comes too late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Database
from core.dsn import Dsn
from core.ids import parse_global_id
from events.bus import Bus
from tests.conftest import new_user
from tests.support.controlling import CANCEL, DECIDE, SETTINGS, WAIT, Person, Turn, person
from tests.support.owners import as_owner
from tests.support.reading import until
from tests.support.scripted_provider import Said, call


def delete(*titles: str) -> list[Any]:
    return [call("delete_task", task=title) for title in titles]


def states(turn: Turn) -> list[tuple[str, str, bool]]:
    return [(one["toolName"], one["status"], one["needsConfirmation"]) for one in turn["toolCalls"]]


async def asked(ann: Person, *titles: str) -> Turn:
    """A turn that waits with a deletion of each of these tasks."""
    await ann.add(*titles)
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well.", delete(*titles)))
    turn = await ann.say("delete them")
    assert turn["status"] == "AWAITING_CONFIRMATION"
    return turn


async def decide(ann: Person, turn: Turn, *approvals: bool, **more: Any) -> dict[str, Any]:
    """Decide the turn's waiting calls in order, and wait for what follows."""
    waiting = [one["id"] for one in turn["toolCalls"] if one["needsConfirmation"]]
    decisions = [
        {"toolCallId": one, "approve": approve, **more} for one, approve in zip(waiting, approvals, strict=True)
    ]
    return await ann.do(DECIDE, turnId=turn["id"], decisions=decisions, waitSeconds=WAIT)


# Which calls wait


@pytest.mark.parametrize(
    ("policy", "calls", "held"),
    [
        ("NEVER", delete("a", "b"), []),
        ("DESTRUCTIVE", [call("add_task", title="x"), *delete("a")], [1]),
        ("DESTRUCTIVE", [call("complete_task", task="a"), call("update_task", task="b", title="bb")], []),
        ("BULK_DESTRUCTIVE", delete("a"), []),
        ("BULK_DESTRUCTIVE", [*delete("a"), call("add_task", title="x"), *delete("b")], [0, 2]),
        ("BULK_DESTRUCTIVE", [call("complete_task", task=f"t{n}") for n in range(9)], []),
        ("BULK_DESTRUCTIVE", [call("complete_task", task=f"t{n}") for n in range(10)], list(range(10))),
        ("BULK_DESTRUCTIVE", [call("reschedule_tasks", tasks=[f"t{n}" for n in range(10)], due="tomorrow")], [0]),
        ("BULK_DESTRUCTIVE", [call("add_task", title=f"new {n}") for n in range(12)], []),
        ("ALWAYS", [call("add_task", title="x"), call("list_tasks"), call("complete_task", task="a")], [0, 2]),
    ],
)
async def test_the_policy_says_which_calls_of_a_round_wait(
    ann: Person, policy: str, calls: list[Any], held: list[int]
) -> None:
    await ann.add("a", "b", *(f"t{n}" for n in range(10)))
    await ann.confirm(policy)
    ann.model.then(Said("Well.", calls), "Done so.")
    async with ann.working():
        turn = await ann.say("do it")
    waiting = [place for place, one in enumerate(turn["toolCalls"]) if one["needsConfirmation"]]
    assert waiting == held
    assert turn["status"] == ("AWAITING_CONFIRMATION" if held else "COMPLETED")
    assert [one["status"] for one in turn["toolCalls"]] == [
        "PENDING" if place in held else "COMPLETED" for place in range(len(calls))
    ]


async def test_subtasks_that_go_along_weigh_too_and_none_that_came_since_goes_with_them(ann: Person) -> None:
    [parent] = await ann.add("Shopping")
    document = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
    for title in ("Milk", "Oil"):
        await ann.do(document, title=title, parentId=parent)
    ann.model.then(Said("Well.", delete("shopping")), "Not so.", Said("Well.", delete("shopping")), "Done so.")
    async with ann.working():
        turn = await ann.say("delete shopping")
        assert states(turn) == [("delete_task", "PENDING", True)]
        assert [one["title"] for one in turn["toolCalls"][0]["tasks"]] == ["Shopping", "Milk", "Oil"]
        await ann.do(document, title="Tea", parentId=parent)
        decided = (await decide(ann, turn, True))["turn"]
        assert decided["toolCalls"][0]["error"]["code"] == "VERSION_CONFLICT"
        assert await ann.tasks() == ["Shopping", "Milk", "Oil", "Tea"]
        await decide(ann, await ann.say("delete shopping"), True)
    assert await ann.tasks() == []


async def test_what_waits_shows_its_tasks_its_parameters_and_a_question(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk", "bread")
    assert [one["tasks"][0]["title"] for one in turn["toolCalls"]] == ["milk", "bread"]
    assert turn["toolCalls"][0]["parameters"] == {"task": "milk"}
    assert turn["draft"].startswith("Well.\n\n")
    assert "“milk”" in turn["draft"]
    assert turn["draft"].endswith("?")
    assert (turn["reply"], turn["confirmUntil"] is None) == (None, False)
    assert await ann.tasks() == ["milk", "bread"]


async def test_a_deletion_whose_target_is_not_there_fails_at_once(ann: Person) -> None:
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well.", delete("nothing of that name")), "There is none.")
    async with ann.working():
        turn = await ann.say("delete it")
    assert turn["status"] == "COMPLETED"
    assert turn["toolCalls"][0]["error"]["code"] == "NOT_FOUND"


# Deciding


async def test_an_approved_call_runs_and_the_turn_goes_on(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("Deleted “milk”.")
        payload = await decide(ann, turn, True)
    assert payload["userErrors"] == []
    assert payload["turn"]["status"] == "COMPLETED"
    assert payload["turn"]["reply"]["content"] == "Well.\n\nDeleted “milk”."
    assert states(payload["turn"]) == [("delete_task", "COMPLETED", False)]
    assert await ann.tasks() == []


async def test_the_reason_of_a_no_reaches_the_model_and_nothing_is_done(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("As you wish.")
        payload = await decide(ann, turn, False, reason="I still need it")
    [deletion] = payload["turn"]["toolCalls"]
    assert (deletion["status"], deletion["error"]["code"]) == ("FAILED", "REJECTED_BY_USER")
    assert "I still need it" in str(ann.model.prompts[-1].items)
    assert payload["turn"]["status"] == "COMPLETED"
    assert await ann.tasks() == ["milk"]


async def test_the_turn_goes_on_once_all_calls_are_decided(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk", "bread")
        first, second = (one["id"] for one in turn["toolCalls"])
        part = await ann.do(DECIDE, turnId=turn["id"], decisions=[{"toolCallId": first, "approve": True}])
        assert part["turn"]["status"] == "AWAITING_CONFIRMATION"
        assert states(part["turn"]) == [("delete_task", "PENDING", False), ("delete_task", "PENDING", True)]
        assert await ann.tasks() == ["milk", "bread"]
        ann.model.then("One of them.")
        last = [{"toolCallId": second, "approve": False}]
        payload = await ann.do(DECIDE, turnId=turn["id"], decisions=last, waitSeconds=WAIT)
    assert [one["status"] for one in payload["turn"]["toolCalls"]] == ["COMPLETED", "FAILED"]
    assert await ann.tasks() == ["bread"]


async def test_edited_parameters_are_validated_and_run_instead(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk", "bread")
        first, second = (one["id"] for one in turn["toolCalls"])
        for wrong, code in (({"task": 7}, "INVALID"), ({"title": "x"}, "INVALID"), ({"task": "nothing"}, "NOT_FOUND")):
            given = [{"toolCallId": first, "approve": True, "parameters": wrong}]
            payload = await ann.do(DECIDE, turnId=turn["id"], decisions=given)
            assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [
                (code, ["input", "decisions", "0", "parameters"])
            ]
        assert (await ann.turn(turn["id"])) == turn
        ann.model.then("So be it.")
        given = [
            {"toolCallId": first, "approve": True, "parameters": {"task": "bread"}, "reason": "the other one"},
            {"toolCallId": second, "approve": False},
        ]
        payload = await ann.do(DECIDE, turnId=turn["id"], decisions=given, waitSeconds=WAIT)
    assert payload["turn"]["toolCalls"][0]["parameters"] == {"task": "bread"}
    told = str(ann.model.prompts[-1].items)
    assert '"user_said":"the other one"' in told
    assert '"user_changed_parameters_to":{"task":"bread"}' in told
    assert [one["status"] for one in payload["turn"]["toolCalls"]] == ["COMPLETED", "FAILED"]
    assert await ann.tasks() == ["milk"]


async def test_a_task_that_changed_since_the_question_is_left_alone(ann: Person) -> None:
    update = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } } }"
    async with ann.working():
        turn = await asked(ann, "milk")
        await ann.do(update, taskId=turn["toolCalls"][0]["tasks"][0]["id"], title="oat milk")
        ann.model.then("It had changed.")
        payload = await decide(ann, turn, True)
    assert payload["turn"]["toolCalls"][0]["error"]["code"] == "VERSION_CONFLICT"
    assert await ann.tasks() == ["oat milk"]


async def test_what_was_shown_is_what_is_done_whatever_its_words_mean_by_then(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        await ann.add("milk")
        ann.model.then("Done with it.")
        payload = await decide(ann, turn, True)
    assert payload["turn"]["toolCalls"][0]["status"] == "COMPLETED"
    assert await ann.tasks() == ["milk"]


# Twice, late, wrongly, by another


async def test_a_decision_twice_changes_nothing(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("Deleted.")
        done = (await decide(ann, turn, True))["turn"]
        again = await decide(ann, turn, False)
    assert again["turn"] is None
    assert [one["code"] for one in again["userErrors"]] == ["ALREADY_DECIDED"]
    assert await ann.turn(turn["id"]) == done


async def test_of_many_decisions_at_once_one_counts(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("Decided.")
        payloads = await asyncio.gather(*(decide(ann, turn, number % 2 == 0) for number in range(6)))
    assert sorted(len(one["userErrors"]) for one in payloads) == [0, 1, 1, 1, 1, 1]
    assert len(ann.model.prompts) == 2


async def test_a_decision_after_the_turn_was_stopped_changes_nothing(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        await ann.do(CANCEL, turnId=turn["id"])
        late = await decide(ann, turn, True)
    assert [one["code"] for one in late["userErrors"]] == ["ALREADY_DECIDED"]
    assert await ann.tasks() == ["milk"]


async def test_another_users_decision_is_no_decision(ann: Person, database: Database) -> None:
    bob = ann.as_user(await new_user(database))
    async with ann.working():
        turn = await asked(ann, "milk")
        payload = await decide(bob, turn, True)
    assert [one["code"] for one in payload["userErrors"]] == ["NOT_FOUND"]
    assert await ann.turn(turn["id"]) == turn


@pytest.mark.parametrize(
    ("decisions", "code", "field"),
    [
        ([], "INVALID", ["decisions"]),
        ([{"toolCallId": "nonsense", "approve": True}], "NOT_FOUND", ["decisions", "0", "toolCallId"]),
        ([{"approve": True}, {"approve": True}], "INVALID", ["decisions", "1", "toolCallId"]),
        ([{"approve": False, "parameters": {"task": "x"}}], "INVALID", ["decisions", "0", "parameters"]),
        ([{"approve": False, "reason": "x" * 1001}], "TOO_LONG", ["decisions", "0", "reason"]),
    ],
)
async def test_a_wrong_decision_is_named_and_nothing_is_decided(
    ann: Person, decisions: list[dict[str, Any]], code: str, field: list[str]
) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        given = [{"toolCallId": turn["toolCalls"][0]["id"], **one} for one in decisions]
        payload = await ann.do(DECIDE, turnId=turn["id"], decisions=given)
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, ["input", *field])]
    assert await ann.turn(turn["id"]) == turn


# Through restarts, and for how long


async def test_a_waiting_turn_holds_no_worker_and_outlives_them(ann: Person) -> None:
    async with ann.working() as worker:
        turn = await asked(ann, "milk")
        await until(lambda: worker.running == 0)
    ann.model.then("Deleted.")
    payload = await ann.do(
        DECIDE, turnId=turn["id"], decisions=[{"toolCallId": turn["toolCalls"][0]["id"], "approve": True}]
    )
    assert payload["turn"]["status"] == "QUEUED"
    async with ann.working():
        assert (await ann.wait(turn["id"]))["status"] == "COMPLETED"
    assert await ann.tasks() == []


async def test_what_nobody_answers_expires(ann: Person, database: Database, bus: Bus, dsn: Dsn, user: str) -> None:
    short = replace(ann, engine=replace(ann.engine, confirmation_seconds=1))
    async with short.working():
        turn = await asked(short, "milk")
        ended = await short.wait(turn["id"])
        late = await decide(short, turn, True)
    assert ended["status"] == "FAILED"
    assert (ended["error"]["code"], ended["error"]["retryable"]) == ("CONFIRMATION_EXPIRED", True)
    assert ended["toolCalls"][0]["error"]["code"] == "CONFIRMATION_EXPIRED"
    assert [one["code"] for one in late["userErrors"]] == ["CONFIRMATION_EXPIRED"]
    assert await ann.tasks() == ["milk"]


async def test_a_decision_past_the_time_is_too_late_though_nobody_noted_it(ann: Person, dsn: Dsn) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
    async with as_owner(dsn) as owner:
        past = text("UPDATE tasktalk.turns SET confirm_until = now() - interval '1 second' WHERE id = :id")
        await owner.execute(past, {"id": parse_global_id(turn["id"], "Turn")})
    given = [{"toolCallId": turn["toolCalls"][0]["id"], "approve": True}]
    late = await ann.do(DECIDE, turnId=turn["id"], decisions=given)
    assert [one["code"] for one in late["userErrors"]] == ["CONFIRMATION_EXPIRED"]
    async with ann.working():
        assert (await ann.wait(turn["id"]))["error"]["code"] == "CONFIRMATION_EXPIRED"


# Answered in words


async def test_a_yes_is_read_as_the_answer_and_its_reply_says_what_was_done(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("It is gone.")
        answer = await ann.say("yes, please")
        decided = await ann.turn(turn["id"])
    assert (decided["status"], decided["reply"]["content"]) == ("COMPLETED", "Well.\n\nIt is gone.")
    assert (answer["status"], answer["reply"]["content"]) == ("COMPLETED", "Deleted “milk”.")
    assert answer["toolCalls"] == []
    assert len(ann.model.prompts) == 2
    assert await ann.tasks() == []


async def test_a_no_is_read_as_the_answer(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("Then not.")
        answer = await ann.say("no")
        decided = await ann.turn(turn["id"])
    assert decided["toolCalls"][0]["error"]["code"] == "REJECTED_BY_USER"
    assert decided["status"] == answer["status"] == "COMPLETED"
    assert "“milk”" in answer["reply"]["content"] or "said no" in answer["reply"]["content"]
    assert await ann.tasks() == ["milk"]


async def test_a_no_to_calls_by_id_names_the_tasks_that_are_left(ann: Person) -> None:
    ids = await ann.add("milk", "eggs")
    await ann.confirm("DESTRUCTIVE")
    async with ann.working():
        ann.model.then(Said("Well.", delete(*ids)))
        await ann.say("delete them")
        ann.model.then("Then not.")
        answer = await ann.say("no")
    assert answer["reply"]["content"] == "I left “milk” and “eggs” alone, as you said."


async def test_anything_else_rejects_what_waits_and_is_answered_itself(ann: Person) -> None:
    async with ann.working():
        turn = await asked(ann, "milk")
        ann.model.then("It is sunny.")
        answer = await ann.say("how is the weather?")
        passed = await ann.turn(turn["id"])
    assert (answer["status"], answer["reply"]["content"]) == ("COMPLETED", "It is sunny.")
    assert passed["status"] == "COMPLETED"
    assert passed["toolCalls"][0]["error"]["code"] == "REJECTED_BY_USER"
    assert passed["reply"]["content"].endswith("I left that undone, since you went on to something else.")
    assert len(ann.model.prompts) == 2
    assert await ann.tasks() == ["milk"]


async def test_a_message_that_waited_behind_the_question_is_read_as_the_answer(ann: Person) -> None:
    await ann.add("milk")
    await ann.confirm("DESTRUCTIVE")
    ann.model.then(Said("Well.", delete("milk"), hold=True), "It is gone.")
    async with ann.working():
        first = await ann.send("delete milk")
        await ann.model.holds()
        second = await ann.send("yes")
        ann.model.release()
        answer = await ann.wait(second["turn"]["id"])
    assert answer["reply"]["content"] == "Deleted “milk”."
    assert (await ann.turn(first["turn"]["id"]))["status"] == "COMPLETED"
    assert await ann.tasks() == []


async def test_with_the_built_in_interpreter_it_asks_and_does_it(
    database: Database, bus: Bus, dsn: Dsn, user: str
) -> None:
    from assistant.providers.rules import RulesProvider

    async with person(database, bus, dsn, user, SETTINGS) as ann:
        ann.engine = replace(ann.engine, provider=RulesProvider())
        await ann.add("milk", "bread")
        async with ann.working():
            turn = await ann.say("delete milk and delete bread")
            assert turn["status"] == "AWAITING_CONFIRMATION"
            answer = await ann.say("yes")
            told = (await ann.turn(turn["id"]))["reply"]["content"]
            assert told == "Deleted “milk” and “bread”. Say “undo” to take that back."
        assert answer["reply"]["content"] == "Deleted “milk” and “bread”."
        assert await ann.tasks() == []
