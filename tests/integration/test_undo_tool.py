"""The tool "undo": the last thing or a named call is taken back, an undo as well, and the record says what by what."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from assistant.tools.base import ToolContext, ToolFailure
from assistant.tools.undo import Undo, affected
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.ids import to_global_id
from core.unit_of_work import UnitOfWork
from models.enums import Actor, TaskAction, ToolCallStatus
from models.turns import ToolCall, tool_call_tasks, undone_calls
from services.tasks import TaskPatch, update_task
from services.tasks.values import Author
from services.undo import Undone, undo_tool_call, undo_turn
from tests.conftest import new_user
from tests.support.acting import Acted, Acting, named
from tests.support.statements import counted

USER = Author(Actor.USER)
LOCKED = re.compile(r"FROM tasktalk\.(\w+).* FOR (?:NO )?KEY", re.DOTALL)
"""The table of a statement that locks rows."""


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def undoes(acting: Acting, call: UUID | None = None) -> ToolCall:
    """The call of a turn of its own that undoes the last thing, or the named call."""
    arguments = {} if call is None else {"tool_call": to_global_id("ToolCall", call)}
    [done] = (await acting.does(("undo", arguments))).calls
    return done


async def fails(acting: Acting, call: UUID | None = None) -> ToolCall:
    """The same, where it can't: nothing else has changed."""
    before = await acting.everything()
    failed = await undoes(acting, call)
    after = await acting.everything()
    assert failed.status == ToolCallStatus.FAILED
    assert (after.tasks, after.revisions, after.calls[:-1]) == (before.tasks, before.revisions, before.calls)
    assert after.turns[:-1] == before.turns
    return failed


async def took_back(acting: Acting, call: ToolCall) -> list[UUID]:
    statement = select(undone_calls.c.undone_call_id).where(undone_calls.c.tool_call_id == call.id)
    async with acting.database.snapshot(acting.user) as session:
        return list((await session.execute(statement.order_by(undone_calls.c.position))).scalars())


async def titles(acting: Acting) -> list[str]:
    """Of the tasks that aren't deleted."""
    return [task["title"] for task in (await acting.states()).values() if task["deletedAt"] is None]


def told(call: ToolCall) -> dict[str, Any]:
    assert call.answer is not None
    return dict(call.answer)


# ---------------------------------------------------------------- the last thing


async def test_undo_takes_back_the_newest_turn_that_changed_something(acting: Acting) -> None:
    await acting.does(("add_task", {"title": "Buy milk"}))
    acted = await acting.does(("add_task", {"title": "Buy oil"}), ("add_task", {"title": "Buy wine"}))
    await acting.does(("list_tasks", {}))
    await acting.does()
    call = await undoes(acting)
    assert await titles(acting) == ["Buy milk"]
    _, oil, wine = await acting.states()
    second, first = reversed(acted.ids)
    answer = told(call)
    assert (call.status, call.operation) == ("COMPLETED", "UPDATE")
    assert answer["undone"] == [
        {"id": to_global_id("ToolCall", second), "tool": "add_task"},
        {"id": to_global_id("ToolCall", first), "tool": "add_task"},
    ]
    shown = [(task["number"], task["id"], task["is_deleted"]) for task in answer["tasks"]]
    assert shown == [(1, to_global_id("Task", wine), True), (2, to_global_id("Task", oil), True)]
    assert (answer["ok"], answer["action"], set(answer)) == (True, "undone", {"ok", "action", "tasks", "undone"})


async def test_what_an_undo_did_is_its_own(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    acted = await acting.does(
        ("update_task", {"task": named(task), "title": "Buy oil"}), ("complete_task", {"task": named(task)})
    )
    call = await undoes(acting)
    assert await took_back(acting, call) == list(reversed(acted.ids))
    last = (await acting.revisions(task.id))[-1]
    assert (last.action, last.actor, last.tool_call_id) == (TaskAction.REOPENED, Actor.ASSISTANT, call.id)
    entry = next(one for one in (await acting.everything()).log if one.revision_id == last.id)
    assert (entry.conversation_id, entry.tool_call_id) == (acting.conversation_id, call.id)
    statement = select(tool_call_tasks.c.task_id).where(tool_call_tasks.c.tool_call_id == call.id)
    async with acting.database.snapshot(acting.user) as session:
        assert list((await session.execute(statement)).scalars()) == [task.id]
    assert "is_deleted" not in told(call)["tasks"][0]


async def test_undo_after_an_undo_does_it_again_and_so_on(acting: Acting) -> None:
    [added] = (await acting.does(("add_task", {"title": "Buy milk"}))).ids
    undone_by_now: list[set[UUID]] = []
    undos: list[UUID] = []
    for there in (False, True, False, True, False):
        undos.append((await undoes(acting)).id)
        undone_by_now.append(await acting.undone())
        assert (await titles(acting) == ["Buy milk"]) is there
    first, second, third, fourth, _ = undos
    assert undone_by_now == [
        {added}, {first}, {added, second}, {first, third}, {added, second, fourth},
    ]  # fmt: skip
    [task_id] = await acting.states()
    assert [revision.action for revision in await acting.revisions(task_id)] == [
        "CREATED", "DELETED", "RESTORED", "DELETED", "RESTORED", "DELETED",
    ]  # fmt: skip


async def test_what_was_undone_by_hand_is_passed_over(acting: Acting) -> None:
    await acting.does(("add_task", {"title": "Buy milk"}))
    second = await acting.does(("add_task", {"title": "Buy oil"}))
    await acting.database.work(acting.user, lambda work: undo_turn(work, second.turn_id, USER))
    await undoes(acting)
    assert await titles(acting) == []


async def test_undo_keeps_to_its_conversation(acting: Acting) -> None:
    other = Acting(acting.database, acting.user)
    [call] = (await other.does(("add_task", {"title": "Buy milk"}))).ids
    await acting.does()
    nothing = await fails(acting)
    assert (nothing.error_code, "nothing to take back" in (nothing.error_message or "")) == ("NOT_UNDOABLE", True)
    assert (await fails(acting, call)).error_code == ErrorCode.NOT_FOUND


async def test_a_conflict_fails_the_call_and_names_the_task(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    await acting.does(("update_task", {"task": named(task), "title": "Buy oil"}))
    patch = TaskPatch(title="Buy wine")
    await acting.database.work(acting.user, lambda work: update_task(work, task.id, patch, Actor.USER))
    failed = await fails(acting)
    assert failed.error_code == ErrorCode.NOT_UNDOABLE
    assert "Buy wine" in (failed.error_message or "")
    assert told(failed)["error"] == {"code": "NOT_UNDOABLE", "message": failed.error_message}


# ---------------------------------------------------------------- a named call


async def test_a_named_call_is_taken_back_alone_and_only_once(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}), ("add_task", {"title": "Buy oil"}))
    await undoes(acting, acted.ids[0])
    assert await titles(acting) == ["Buy oil"]
    before = await acting.everything()
    again = await undoes(acting, acted.ids[0])
    assert told(again)["undone"] == [{"id": to_global_id("ToolCall", acted.ids[0]), "tool": "add_task"}]
    assert (await acting.everything()).revisions == before.revisions
    assert await took_back(acting, again) == []


async def test_a_call_of_the_same_turn_can_be_named(acting: Acting) -> None:
    claimed = await acting.begins()
    await acting.round(claimed, 0, [("add_task", {"title": "Buy milk"})])
    [added] = await acting.calls(claimed.turn.id)
    await acting.round(claimed, 1, [("undo", {"tool_call": to_global_id("ToolCall", added.id)})])
    await acting.ends(claimed)
    assert await titles(acting) == []
    [_, call] = await acting.calls(claimed.turn.id)
    undone = await acting.database.work(acting.user, lambda work: undo_turn(work, claimed.turn.id, USER))
    [task_id] = await acting.states()
    assert undone == Undone((call.id, added.id), (task_id,))
    assert await titles(acting) == []
    assert await acting.undone() == {added.id, call.id}


async def test_ids_of_anything_else_are_not_found(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}))
    other = Acting(acting.database, await new_user(acting.database))
    theirs = await other.does(("add_task", {"title": "Secret plans"}))
    before = await other.everything()
    for call in (theirs.ids[0], acted.turn_id, uuid4()):
        assert (await fails(acting, call)).error_code == ErrorCode.NOT_FOUND
    for words in ("the last one", to_global_id("Task", acted.ids[0]), to_global_id("ToolCall", "x")):
        [failed] = (await acting.does(("undo", {"tool_call": words}))).calls
        assert failed.error_code == ErrorCode.NOT_FOUND
    assert await other.everything() == before
    assert await titles(acting) == ["Buy milk"]


async def test_a_call_that_changed_nothing_cant_be_named(acting: Acting) -> None:
    [listed] = (await acting.does(("list_tasks", {}))).ids
    assert (await fails(acting, listed)).error_code == ErrorCode.NOT_UNDOABLE


# ---------------------------------------------------------------- undoing an undo in other ways


@pytest.mark.parametrize("by", ["turn", "call", "name"])
async def test_an_undo_is_undone_by_its_turn_its_id_or_its_name(acting: Acting, by: str) -> None:
    task = await acting.adds("Buy milk", labels=["Home"])
    acted = await acting.does(
        ("update_task", {"task": named(task), "title": "Buy oil", "labels": ["Shop"]}),
        ("delete_task", {"task": named(task)}),
    )
    done = await acting.states()
    call = await undoes(acting)
    assert await acting.undone() == set(acted.ids)
    if by == "turn":
        await acting.database.work(acting.user, lambda work: undo_turn(work, call.turn_id, USER))
    elif by == "call":
        await acting.database.work(acting.user, lambda work: undo_tool_call(work, call.id, USER))
    else:
        await undoes(acting, call.id)
    assert await acting.states() == done
    assert await acting.undone() == {call.id}


async def test_calls_that_stand_again_are_logged_with_their_turn(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}))
    call = await undoes(acting)
    before = await acting.everything()
    await acting.database.work(acting.user, lambda work: undo_tool_call(work, call.id, USER))
    after = await acting.everything()
    assert [(entry.kind, entry.entity_id) for entry in after.log[len(before.log) + 1 :]] == [
        ("TOOL_CALL", call.id), ("TOOL_CALL", acted.ids[0]), ("TURN", call.turn_id), ("TURN", acted.turn_id),
    ]  # fmt: skip
    assert [turn.version for turn in after.turns] == [turn.version + 1 for turn in before.turns]


# ---------------------------------------------------------------- beside each other


async def test_an_undo_by_hand_beside_one_by_the_tool_has_one_effect(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}))
    claimed = await acting.begins()
    by_hand = (acting.database.work(acting.user, lambda work: undo_turn(work, acted.turn_id, USER)) for _ in range(4))
    await asyncio.gather(acting.round(claimed, 0, [("undo", {})]), *by_hand)
    await acting.ends(claimed)
    [task_id] = await acting.states()
    assert [revision.action for revision in await acting.revisions(task_id)] == ["CREATED", "DELETED"]
    assert await acting.undone() == set(acted.ids)


async def test_the_tool_locks_in_the_houses_order(acting: Acting) -> None:
    task = await acting.adds("Buy milk", labels=["Home"])
    await acting.does(("update_task", {"task": named(task), "labels": []}))
    claimed = await acting.begins()
    with counted(acting.database) as statements:
        await acting.round(claimed, 0, [("undo", {})])
    locked = [found[1] for one in statements if (found := LOCKED.search(one))]
    assert locked == ["conversations", "turns", "turns", "tasks", "labels"]
    await acting.ends(claimed)


# ---------------------------------------------------------------- before it is done


async def asked(acting: Acting, turn_id: UUID, parameters: Undo) -> list[UUID]:
    conversation_id = acting.conversation_id
    assert conversation_id is not None

    async def action(work: UnitOfWork) -> list[UUID]:
        around = ToolContext(work, work.now, "UTC", "en", (), conversation_id, turn_id, uuid4(), "undo that")
        return await affected(around, parameters)

    return await acting.database.work(acting.user, action)


async def test_what_an_undo_would_change_is_known_before(acting: Acting) -> None:
    milk, oil = await acting.adds("Buy milk"), await acting.adds("Buy oil")
    acted = await acting.does(
        ("complete_task", {"task": named(milk)}),
        ("complete_task", {"task": named(oil)}),
        ("complete_task", {"task": named(oil), "completed": False}),
    )
    claimed = await acting.begins()
    before = await acting.everything()
    assert await asked(acting, claimed.turn.id, Undo()) == [milk.id]
    one = Undo(tool_call=to_global_id("ToolCall", acted.ids[0]))
    assert await asked(acting, claimed.turn.id, one) == [milk.id]
    conflicting = Undo(tool_call=to_global_id("ToolCall", acted.ids[1]))
    with pytest.raises(DomainError) as caught:
        await asked(acting, claimed.turn.id, conflicting)
    assert caught.value.node == ("Task", oil.id)
    assert await acting.everything() == before
    await acting.ends(claimed)


async def test_nothing_to_undo_is_known_before(acting: Acting) -> None:
    acted: Acted = await acting.does()
    with pytest.raises(ToolFailure) as caught:
        await asked(acting, acted.turn_id, Undo())
    assert caught.value.code is ErrorCode.NOT_UNDOABLE
