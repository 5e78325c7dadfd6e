"""Subtasks, the user's own order and deleted tasks by talking: the services of the mutations, and taken back so."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.database import Database
from core.errors import DomainError, ErrorCode
from core.ids import to_global_id
from models.enums import Actor, ToolCallStatus
from models.tasks import Task
from services.tasks import NewTask, TaskPatch, create_task, delete_task, restore_task, update_task
from services.tasks.values import Author
from services.undo import undo_turn
from tests.support.acting import Acted, Acting

USER = Author(Actor.USER)


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def named(acting: Acting) -> dict[str, Task]:
    return {task.title: task for task in (await acting.everything()).tasks}


async def live(acting: Acting) -> list[str]:
    found = [task for task in (await named(acting)).values() if task.deleted_at is None]
    return [task.title for task in sorted(found, key=lambda task: (task.position, task.id))]


async def does(acting: Acting, tool: str, **arguments: Any) -> Acted:
    acted = await acting.does((tool, arguments))
    assert [call.status for call in acted.calls] == [ToolCallStatus.COMPLETED], acted.calls[0].error_message
    return acted


async def fails(acting: Acting, tool: str, **arguments: Any) -> tuple[str | None, str | None]:
    before = await named(acting)
    [call] = (await acting.does((tool, arguments))).calls
    assert call.status == ToolCallStatus.FAILED
    assert await named(acting) == before
    return call.error_code, call.error_message


async def undo(acting: Acting, acted: Acted) -> None:
    await acting.database.work(acting.user, lambda work: undo_turn(work, acted.turn_id, USER))


async def family(acting: Acting, title: str = "Shopping", *children: str) -> Task:
    parent = await acting.adds(title)
    for child in children or ("Milk", "Oil"):
        await acting.adds(child, parent_id=parent.id)
    return parent


async def test_a_subtask_is_added_put_elsewhere_and_taken_out_by_talking(acting: Acting) -> None:
    parent, home = await acting.adds("Shopping"), await acting.adds("Home")
    added = await does(acting, "add_task", title="Milk", parent="shopping")
    assert (added.calls[0].answer or {})["tasks"][0]["parent_id"] == to_global_id("Task", parent.id)
    moved = await does(acting, "update_task", task="milk", parent="home")
    assert (await named(acting))["Milk"].parent_id == home.id
    await does(acting, "update_task", task="milk", parent="None", title="Oat milk")
    assert (await named(acting))["Oat milk"].parent_id is None
    code, message = await fails(acting, "update_task", task="home", parent="home")
    assert (code, "of itself" in (message or "")) == ("INVALID", True)
    assert (await fails(acting, "add_task", title="Tea", parent="no such thing"))[0] == "NOT_FOUND"
    with pytest.raises(DomainError, match="parentId"):  # it is no subtask of Home's any more
        await undo(acting, moved)
    await does(acting, "update_task", task="oat milk", parent="home")
    await undo(acting, moved)
    assert (await named(acting))["Oat milk"].parent_id == parent.id


async def test_completing_a_parent_by_talking_asks_or_takes_its_subtasks(acting: Acting) -> None:
    await family(acting)
    code, message = await fails(acting, "complete_task", task="shopping")
    assert (code, "2 open subtasks" in (message or "")) == ("OPEN_SUBTASKS", True)
    done = await does(acting, "complete_task", task="shopping", subtasks="complete")
    assert [task["title"] for task in (done.calls[0].answer or {})["tasks"]] == ["Shopping", "Milk", "Oil"]
    assert all(task.completed_at for task in (await named(acting)).values())
    await undo(acting, done)
    assert not any(task.completed_at for task in (await named(acting)).values())
    await does(acting, "complete_task", task="shopping", subtasks="keep")
    assert [bool(task.completed_at) for task in (await named(acting)).values()] == [True, False, False]


async def test_a_deleted_parent_comes_back_with_its_subtasks_by_undo_and_by_talking(acting: Acting) -> None:
    await family(acting)
    gone = await does(acting, "delete_task", task="shopping")
    assert await live(acting) == []
    await undo(acting, gone)
    assert await live(acting) == ["Shopping", "Milk", "Oil"]
    for words in ("the one I deleted", "shopping", "it", "the last deleted task"):
        await does(acting, "delete_task", task="shopping")
        back = await does(acting, "update_task", task=words, restore=True)
        assert (back.calls[0].answer or {})["action"] == "restored"
        assert await live(acting) == ["Shopping", "Milk", "Oil"]
    await undo(acting, back)
    assert await live(acting) == []
    assert (await fails(acting, "update_task", task="bread", restore=True))[0] == "NOT_FOUND"
    assert (await fails(acting, "update_task", task="oil", restore=True, title="Olive oil"))[0] == "INVALID"


async def test_tasks_move_by_talking_and_undo_moves_them_back(acting: Acting) -> None:
    for title in ("Milk", "Bread", "Tea"):
        await acting.adds(title)
    above = await does(acting, "update_task", task="tea", before="bread")
    assert await live(acting) == ["Milk", "Tea", "Bread"]
    await does(acting, "update_task", task="milk", after="bread", priority="HIGH")
    assert await live(acting) == ["Tea", "Bread", "Milk"]
    await does(acting, "update_task", task="milk", to="top")
    assert await live(acting) == ["Milk", "Tea", "Bread"]
    same = await does(acting, "update_task", task="milk", to="top")
    assert (same.calls[0].answer or {})["action"] == "unchanged"
    await undo(acting, above)
    assert await live(acting) == ["Milk", "Bread", "Tea"]


# ---------------------------------------------------------------- what undo minds of families


async def test_taking_back_an_added_parent_takes_the_subtasks_it_got_since(acting: Acting) -> None:
    added = await does(acting, "add_task", title="Shopping")
    parent = (await named(acting))["Shopping"]
    await acting.adds("Milk", parent_id=parent.id)
    await undo(acting, added)
    now = await named(acting)
    assert now["Milk"].deleted_at == now["Shopping"].deleted_at
    await acting.database.work(acting.user, lambda work: restore_task(work, parent.id, Actor.USER))
    assert await live(acting) == ["Shopping", "Milk"]


async def test_a_subtask_comes_back_without_a_parent_that_is_gone(acting: Acting) -> None:
    parent = await family(acting)
    gone = await does(acting, "delete_task", task="milk")
    await acting.database.work(acting.user, lambda work: delete_task(work, parent.id, Actor.USER))
    await undo(acting, gone)
    assert (await named(acting))["Milk"].parent_id is None
    assert await live(acting) == ["Milk"]


async def test_a_former_parent_that_can_be_none_any_more_refuses(acting: Acting) -> None:
    parent = await family(acting, "Shopping", "Milk")
    out = await does(acting, "update_task", task="milk", parent="none")
    milk = (await named(acting))["Milk"]
    tea = await acting.database.work(
        acting.user, lambda work: create_task(work, NewTask("Tea", parent_id=milk.id), Actor.USER)
    )
    before = await named(acting)
    with pytest.raises(DomainError) as caught:  # it has a subtask of its own now
        await undo(acting, out)
    assert (caught.value.code, caught.value.node) == (ErrorCode.NOT_UNDOABLE, ("Task", milk.id))
    assert await named(acting) == before
    await acting.database.work(
        acting.user, lambda work: update_task(work, tea.id, TaskPatch(parent_id=None), Actor.USER)
    )
    await acting.database.work(acting.user, lambda work: delete_task(work, parent.id, Actor.USER))
    with pytest.raises(DomainError, match="parentId"):
        await undo(acting, out)


async def test_what_a_next_occurrence_opened_again_is_taken_back_with_it(acting: Acting) -> None:
    parent = await acting.adds("Clean", due_date=date(2027, 3, 1), recurrence="FREQ=WEEKLY")
    for child in ("Kitchen", "Bath"):
        await acting.adds(child, parent_id=parent.id)
    await does(acting, "complete_task", task="kitchen")
    before = await named(acting)
    acted = await does(acting, "complete_task", task="clean", subtasks="COMPLETE")
    now = await named(acting)
    assert (now["Clean"].due_date, now["Kitchen"].completed_at, now["Bath"].completed_at) == (
        date(2027, 3, 8), None, None,
    )  # fmt: skip
    assert acted.calls[0].answer is not None
    told = acted.calls[0].answer
    assert ([task["title"] for task in told["tasks"]], told["subtasks_open_again"]) == (["Clean"], 2)
    await undo(acting, acted)
    after = await named(acting)
    assert after["Clean"].due_date == date(2027, 3, 1)
    for title in ("Kitchen", "Bath"):
        assert after[title].completed_at == before[title].completed_at
    skipped = await does(acting, "skip_occurrence", task="clean")
    assert (skipped.calls[0].answer or {})["subtasks_open_again"] == 1
    assert (await named(acting))["Kitchen"].completed_at is None
    await undo(acting, skipped)
    acted = await does(acting, "complete_task", task="clean", subtasks="KEEP")
    assert (await named(acting))["Kitchen"].completed_at is None
    await undo(acting, acted)
    assert (await named(acting))["Kitchen"].completed_at == before["Kitchen"].completed_at
