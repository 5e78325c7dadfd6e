"""Undo: every kind of change is taken back exactly, in reverse order, marked and on the record, and only once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.database import Database
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import Actor, Priority, TaskAction
from models.tasks import Label
from services.labels import delete_label, list_labels, update_label
from services.tasks import complete_task, delete_task
from services.tasks.values import Author
from services.undo import Undone, undo_tool_call, undo_turn
from tests.conftest import new_user
from tests.support.acting import Acted, Acting, Does, named
from tests.support.statements import counted

USER = Author(Actor.USER)


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def undo(acting: Acting, turn_id: UUID) -> Undone:
    return await acting.database.work(acting.user, lambda work: undo_turn(work, turn_id, USER))


async def undo_call(acting: Acting, call_id: UUID) -> Undone:
    return await acting.database.work(acting.user, lambda work: undo_tool_call(work, call_id, USER))


async def refused(attempt: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await attempt
    return caught.value


async def its_labels(acting: Acting) -> list[Label]:
    async with acting.database.snapshot(acting.user) as session:
        return await list_labels(session)


# ---------------------------------------------------------------- each kind of change


async def test_a_task_that_was_added_is_deleted(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk", "due": "tomorrow", "labels": ["Home"]}))
    [task_id] = await acting.states()
    assert await undo(acting, acted.turn_id) == Undone(acted.ids, (task_id,))
    everything = await acting.everything()
    [task] = everything.tasks
    assert (task.deleted_at, task.version, task.title) == (everything.calls[0].undone_at, 2, "Buy milk")
    assert [revision.action for revision in everything.revisions] == [TaskAction.CREATED, TaskAction.DELETED]


async def test_a_task_that_was_added_and_that_its_user_deleted_stays_as_it_is(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}))
    [task_id] = await acting.states()
    await acting.database.work(acting.user, lambda work: delete_task(work, task_id, Actor.USER))
    before = (await acting.everything()).tasks
    assert await undo(acting, acted.turn_id) == Undone(acted.ids, (task_id,))
    assert (await acting.everything()).tasks == before
    assert await acting.undone() == set(acted.ids)


@pytest.mark.parametrize(
    ("change", "action"),
    [
        (("update_task", {"title": "Buy oil", "description": "", "priority": "low", "labels": ["Shop"]}), "UPDATED"),
        (("update_task", {"due": "tomorrow at 5pm"}), "UPDATED"),
        (("update_task", {"due": "none"}), "UPDATED"),
        (("complete_task", {}), "REOPENED"),
        (("delete_task", {}), "RESTORED"),
    ],
)
async def test_a_change_of_one_task_is_taken_back(acting: Acting, change: Does, action: str) -> None:
    task = await acting.adds(description="2 l", due_date=date(2026, 3, 5), priority=Priority.HIGH, labels=["Home"])
    before = await acting.states()
    name, arguments = change
    acted = await acting.does((name, {"task": named(task), **arguments}))
    assert await acting.states() != before
    assert await undo(acting, acted.turn_id) == Undone(acted.ids, (task.id,))
    assert await acting.states() == before
    assert [one.action for one in await acting.revisions(task.id)][2:] == [action]


async def test_a_task_that_was_opened_again_is_done_since_the_very_instant_it_was(acting: Acting) -> None:
    task = await acting.adds()
    await acting.database.work(acting.user, lambda work: complete_task(work, task.id, Actor.USER))
    before = await acting.states()
    acted = await acting.does(("complete_task", {"task": named(task), "completed": False}))
    await undo(acting, acted.turn_id)
    assert await acting.states() == before
    assert (await acting.revisions(task.id))[-1].action == TaskAction.COMPLETED


async def test_a_time_and_its_zone_come_back_in_place_of_a_day(acting: Acting) -> None:
    at = datetime(2026, 3, 5, 16, 0, 1, 123456, tzinfo=UTC)
    task = await acting.adds(due_at=at, time_zone="Asia/Tokyo")
    acted = await acting.does(("reschedule_tasks", {"tasks": [named(task)], "due": "2026-04-01"}))
    [moved] = (await acting.everything()).tasks
    assert (moved.due_date, moved.due_at, moved.time_zone) == (date(2026, 4, 1), None, None)
    await undo(acting, acted.turn_id)
    [put_back] = (await acting.everything()).tasks
    assert (put_back.due_date, put_back.due_at, put_back.time_zone) == (None, at, "Asia/Tokyo")


# ---------------------------------------------------------------- labels


async def test_tasks_lose_the_labels_that_they_were_given_and_the_labels_themselves_stay(acting: Acting) -> None:
    tasks = [await acting.adds("Buy milk", labels=["Home"]), await acting.adds("Buy oil")]
    before = await acting.states()
    acted = await acting.does(("categorize_tasks", {"tasks": [named(task) for task in tasks], "add_labels": ["Shop"]}))
    assert await undo(acting, acted.turn_id) == Undone(acted.ids, tuple(task.id for task in tasks))
    assert await acting.states() == before
    assert [label.name for label in await its_labels(acting)] == ["Home", "Shop"]


async def test_a_label_that_is_gone_since_is_made_again(acting: Acting) -> None:
    task = await acting.adds(labels=["Home", "Old"])
    before = await acting.states()
    acted = await acting.does(("categorize_tasks", {"tasks": [named(task)], "remove_labels": ["old"]}))
    old = (await its_labels(acting))[1]
    await acting.database.work(acting.user, lambda work: delete_label(work, old.id))
    await undo(acting, acted.turn_id)
    assert await acting.states() == before
    made = (await its_labels(acting))[1]
    assert (made.name, made.id == old.id) == ("Old", False)
    assert any(entry.kind == "LABEL" and entry.entity_id == made.id for entry in (await acting.everything()).log)


@pytest.mark.parametrize(
    ("label", "name", "expected"),
    [("Home", "House", ["House"]), ("Shop", "Market", ["Home"]), ("Home", None, []), ("Shop", None, ["Home"])],
)
async def test_renaming_or_deleting_a_label_is_no_change_of_its_tasks(
    acting: Acting, label: str, name: str | None, expected: list[str]
) -> None:
    task = await acting.adds(labels=["Home"])
    acted = await acting.does(("categorize_tasks", {"tasks": [named(task)], "add_labels": ["Shop"]}))
    [found] = [one for one in await its_labels(acting) if one.name == label]

    async def change(work: UnitOfWork) -> None:
        await (update_label(work, found.id, name=name) if name else delete_label(work, found.id))

    await acting.database.work(acting.user, change)
    await undo(acting, acted.turn_id)
    assert (await acting.states())[task.id]["labels"] == expected
    assert await acting.undone() == set(acted.ids)


# ---------------------------------------------------------------- several at once


async def test_the_calls_of_a_turn_are_taken_back_from_the_last_to_the_first(acting: Acting) -> None:
    milk, oil = await acting.adds("Buy milk"), await acting.adds("Buy oil")
    before = await acting.states()
    acted = await acting.does(
        [("update_task", {"task": named(milk), "title": "Buy oat milk"}), ("complete_task", {"task": named(milk)})],
        ("search_tasks", {"query": "milk"}),
        ("update_task", {"task": named(milk), "title": "Buy soy milk", "priority": "HIGH"}),
        ("delete_task", {"task": named(oil)}),
    )
    first, second, _, fourth, fifth = acted.ids
    assert await undo(acting, acted.turn_id) == Undone((fifth, fourth, second, first), (oil.id, milk.id))
    assert await acting.states() == before
    assert await acting.undone() == {first, second, fourth, fifth}


async def test_a_task_has_one_revision_of_all_that_is_taken_back(acting: Acting) -> None:
    task = await acting.adds(labels=["Home"])
    acted = await acting.does(
        ("update_task", {"task": named(task), "title": "Buy oil", "labels": []}),
        ("update_task", {"task": named(task), "title": "Buy wine"}),
        ("complete_task", {"task": named(task)}),
    )
    await undo(acting, acted.turn_id)
    *_, last = await acting.revisions(task.id)
    assert (last.version, last.action, last.actor, last.tool_call_id) == (5, "REOPENED", Actor.USER, None)
    written = {change["field"]: (change["before"], change["after"]) for change in last.changes}
    assert written.pop("completedAt")[1] is None
    assert written == {
        "title": ("Buy wine", "Buy milk"), "isCompleted": (True, False), "labels": ([], ["Home"]),
    }  # fmt: skip


async def test_what_a_turn_adds_and_deletes_again_stays_as_it_is(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}), ("delete_task", {"task": "Buy milk"}))
    [task_id] = await acting.states()
    before = (await acting.everything()).tasks
    assert await undo(acting, acted.turn_id) == Undone((acted.ids[1], acted.ids[0]), (task_id,))
    assert (await acting.everything()).tasks == before
    assert await acting.undone() == set(acted.ids)


async def test_more_than_a_hundred_tasks_are_taken_back_in_few_statements(acting: Acting) -> None:
    tasks = [await acting.adds(f"task {n}") for n in range(130)]
    before = await acting.states()
    halves = ([named(task) for task in tasks[:65]], [named(task) for task in tasks[65:]])
    acted = await acting.does(*[("reschedule_tasks", {"tasks": half, "due": "tomorrow"}) for half in halves])
    with counted(acting.database) as statements:
        assert len((await undo(acting, acted.turn_id)).task_ids) == 130
    assert await acting.states() == before
    # the turn, the locks of conversation and turn, its calls; the locks of turns, calls, revisions, tasks, labels;
    # tasks, calls, what of them is summarised, turns, revisions and log
    assert len(statements) == 14


async def test_one_call_is_taken_back_and_then_the_rest_of_its_turn(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}), ("add_task", {"title": "Buy oil"}))
    milk, oil = await acting.states()
    assert await undo_call(acting, acted.ids[0]) == Undone(acted.ids[:1], (milk,))
    assert await acting.undone() == set(acted.ids[:1])
    assert await undo(acting, acted.turn_id) == Undone(acted.ids[1:], (oil,))
    assert await acting.undone() == set(acted.ids)


# ---------------------------------------------------------------- the record


async def test_an_undo_is_on_the_record(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}), ("add_task", {"title": "Buy oil"}))
    before = await acting.everything()
    await undo(acting, acted.turn_id)
    after = await acting.everything()
    logged = after.log[len(before.log) :]
    assert {entry.conversation_id for entry in logged} == {acting.conversation_id}
    assert [(entry.kind, entry.entity_id, entry.action, entry.actor, entry.revision_id) for entry in logged] == [
        *[("TASK", one.task_id, "DELETED", "USER", one.id) for one in after.revisions[len(before.revisions) :]],
        *[("TOOL_CALL", call_id, None, None, None) for call_id in reversed(acted.ids)],
        ("TURN", acted.turn_id, None, None, None),
    ]
    assert [call.version for call in after.calls] == [call.version + 1 for call in before.calls]
    assert [turn.version for turn in after.turns] == [turn.version + 1 for turn in before.turns]


async def test_undoing_again_is_a_success_that_does_nothing(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}), ("add_task", {"title": "Buy oil"}))
    first = await undo(acting, acted.turn_id)
    before = await acting.everything()
    assert await undo(acting, acted.turn_id) == first
    assert await undo_call(acting, acted.ids[0]) == Undone(acted.ids[:1], first.task_ids[1:])
    assert await acting.everything() == before


async def test_ten_undos_at_once_have_one_effect(acting: Acting) -> None:
    task = await acting.adds(labels=["Home"])
    before = await acting.states()
    acted = await acting.does(
        ("update_task", {"task": named(task), "title": "Buy oil", "labels": []}),
        ("complete_task", {"task": named(task)}),
    )
    answers = await asyncio.gather(*(undo(acting, acted.turn_id) for _ in range(10)))
    assert set(answers) == {Undone((acted.ids[1], acted.ids[0]), (task.id,))}
    assert await acting.states() == before
    assert len(await acting.revisions(task.id)) == 4


# ---------------------------------------------------------------- what can't be undone


async def refused_both_ways(acting: Acting, acted: Acted) -> tuple[DomainError, DomainError]:
    before = await acting.everything()
    errors = await refused(undo(acting, acted.turn_id)), await refused(undo_call(acting, acted.ids[0]))
    assert await acting.everything() == before
    return errors


async def test_what_changed_nothing_cant_be_undone(acting: Acting) -> None:
    task = await acting.adds()
    for does in (
        ("list_tasks", {}),
        ("delete_task", {"task": "flurb"}),
        ("update_task", {"task": named(task), "title": "Buy milk"}),
    ):
        for error in await refused_both_ways(acting, await acting.does(does)):
            assert (error.code, error.node) == (ErrorCode.NOT_UNDOABLE, None)


async def test_a_turn_is_stopped_before_it_is_undone_but_its_calls_need_not_wait(acting: Acting) -> None:
    turn_id = await acting.asks()
    queued = await refused(undo(acting, turn_id))
    claimed = await acting.takes()
    await acting.round(claimed, 0, [("add_task", {"title": "Buy milk"})])
    running = await refused(undo(acting, turn_id))
    for error in (queued, running):
        assert (error.code, "stop it first" in error.message) == (ErrorCode.NOT_UNDOABLE, True)
    [call] = await acting.calls(turn_id)
    assert call.undone_at is None
    assert (await undo_call(acting, call.id)).tool_call_ids == (call.id,)
    await acting.ends(claimed)
    assert (await undo(acting, turn_id)).tool_call_ids == (call.id,)


async def test_ids_of_nobody_and_of_another_user_are_not_found(acting: Acting) -> None:
    other = Acting(acting.database, await new_user(acting.database))
    theirs = await other.does(("add_task", {"title": "Secret plans"}))
    before = await other.everything()
    for turn_id, call_id in ((uuid4(), uuid4()), (theirs.turn_id, theirs.ids[0]), (theirs.ids[0], theirs.turn_id)):
        turn, call = await refused(undo(acting, turn_id)), await refused(undo_call(acting, call_id))
        assert (turn.code, turn.field) == (ErrorCode.NOT_FOUND, ("input", "turnId"))
        assert (call.code, call.field) == (ErrorCode.NOT_FOUND, ("input", "toolCallId"))
    assert await other.everything() == before
