"""What stands in the way of an undo: that a field no longer has the value that was written, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.database import Database
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import Actor, Priority, TaskAction
from models.tasks import Task
from services.tasks import TaskPatch, complete_task, delete_task, get_task, reopen_task, restore_task, update_task
from services.tasks.changing import Transition
from services.tasks.values import Author
from services.tasks.writing import write
from services.undo import Undone, undo_tool_call, undo_turn
from tests.support.acting import Acted, Acting, named

USER = Author(Actor.USER)


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def undo(acting: Acting, acted: Acted) -> Undone:
    return await acting.database.work(acting.user, lambda work: undo_turn(work, acted.turn_id, USER))


async def edit(acting: Acting, task: Task, patch: TaskPatch, actor: Actor = Actor.USER) -> None:
    await acting.database.work(acting.user, lambda work: update_task(work, task.id, patch, actor))


async def step(acting: Acting, task: Task, *steps: Transition) -> None:
    for one in steps:
        await acting.database.work(acting.user, lambda work, one=one: one(work, task.id, Actor.USER))


async def conflict(acting: Acting, acted: Acted) -> DomainError:
    """The refusal, after which everything is as before."""
    before = await acting.everything()
    with pytest.raises(DomainError) as caught:
        await undo(acting, acted)
    assert caught.value.code is ErrorCode.NOT_UNDOABLE
    assert await acting.everything() == before
    return caught.value


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("does", "patch", "field"),
    [
        ({"title": "Buy oil"}, TaskPatch(title="Buy wine"), "title"),
        ({"description": "3 l"}, TaskPatch(description=None), "description"),
        ({"priority": "LOW"}, TaskPatch(priority=Priority.URGENT), "priority"),
        ({"due": "2026-03-06"}, TaskPatch(due_date=date(2026, 3, 7)), "dueDate"),
        ({"due": "none"}, TaskPatch(due_date=date(2026, 3, 7)), "dueDate"),
        ({"labels": ["Shop"]}, TaskPatch(add_labels=["Mine"]), "labels"),
    ],
)
async def test_an_edit_of_the_same_field_refuses_and_names_the_task(
    acting: Acting, does: dict[str, Any], patch: TaskPatch, field: str
) -> None:
    task = await acting.adds("Buy milk", due_date=date(2026, 3, 5))
    acted = await acting.does(("update_task", {"task": named(task), **does}))
    await edit(acting, task, patch)
    error = await conflict(acting, acted)
    [now] = (await acting.everything()).tasks
    assert (error.node, field in error.message, now.title in error.message) == (("Task", task.id), True, True)


async def test_a_new_task_that_its_user_edited_stays(acting: Acting) -> None:
    acted = await acting.does(("add_task", {"title": "Buy milk"}))
    [task] = (await acting.everything()).tasks
    await edit(acting, task, TaskPatch(title="Buy oil"))
    assert (await conflict(acting, acted)).node == ("Task", task.id)


@pytest.mark.parametrize(
    ("tool", "steps", "field"),
    [
        ("complete_task", (reopen_task,), "completedAt"),
        ("complete_task", (reopen_task, complete_task), "completedAt"),
        ("delete_task", (restore_task,), "deletedAt"),
        ("delete_task", (restore_task, delete_task), "deletedAt"),
    ],
)
async def test_a_step_that_its_user_took_back_or_took_again_stays(
    acting: Acting, tool: str, steps: tuple[Transition, ...], field: str
) -> None:
    task = await acting.adds()
    acted = await acting.does((tool, {"task": named(task)}))
    await step(acting, task, *steps)
    assert field in (await conflict(acting, acted)).message


async def test_a_due_time_doesnt_come_back_beside_a_day_that_was_set_since(acting: Acting) -> None:
    task = await acting.adds(due_at=datetime(2026, 3, 5, 16, tzinfo=UTC), time_zone="Europe/Berlin")
    acted = await acting.does(("update_task", {"task": named(task), "due": "none"}))
    await edit(acting, task, TaskPatch(due_date=date(2026, 3, 7)))
    assert "dueDate" in (await conflict(acting, acted)).message


async def test_a_due_time_doesnt_come_back_without_its_zone(acting: Acting) -> None:
    task = await acting.adds(due_at=datetime(2026, 3, 5, 16, tzinfo=UTC), time_zone="Europe/Berlin")
    await edit(acting, task, TaskPatch(due_at=None, time_zone="Europe/Berlin"))
    acted = await acting.does(("update_task", {"task": named(task), "due": "2026-03-05T17:00"}))
    await acting.database.work(acting.user, lambda work: undo_tool_call(work, acted.ids[0], USER))
    [put_back] = (await acting.everything()).tasks
    assert (put_back.due_at, put_back.time_zone) == (None, "Europe/Berlin")


async def test_what_a_later_turn_wrote_stands_in_the_way_until_it_is_undone(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    before = await acting.states()
    first = await acting.does(("update_task", {"task": named(task), "title": "Buy oil"}))
    second = await acting.does(("update_task", {"task": named(task), "title": "Buy wine"}))
    assert "Buy wine" in (await conflict(acting, first)).message
    await undo(acting, second)
    await undo(acting, first)
    assert await acting.states() == before


async def test_an_edit_between_two_calls_of_a_turn_stands_in_the_way(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    claimed = await acting.begins()
    await acting.round(claimed, 0, [("update_task", {"task": named(task), "title": "Buy oil"})])
    await edit(acting, task, TaskPatch(title="Buy wine"))
    await acting.round(claimed, 1, [("update_task", {"task": named(task), "title": "Buy beer"})])
    await acting.ends(claimed)
    assert (await conflict(acting, Acted(claimed.turn.id, []))).node == ("Task", task.id)


async def test_one_task_in_the_way_keeps_all_as_they_are(acting: Acting) -> None:
    tasks = [await acting.adds(title, labels=["Home"]) for title in ("Buy milk", "Buy oil", "Buy wine")]
    acted = await acting.does(
        ("add_task", {"title": "Buy beer"}),
        ("categorize_tasks", {"tasks": [named(task) for task in tasks], "remove_labels": ["Home"]}),
        ("complete_task", {"task": named(tasks[0])}),
    )
    await edit(acting, tasks[1], TaskPatch(add_labels=["Mine"]))
    error = await conflict(acting, acted)
    assert (error.node, "Buy oil" in error.message) == (("Task", tasks[1].id), True)


# ---------------------------------------------------------------- not refused


async def test_an_edit_of_another_field_stays_and_doesnt_refuse(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    acted = await acting.does(("update_task", {"task": named(task), "title": "Buy oil"}))
    await edit(acting, task, TaskPatch(priority=Priority.HIGH, description="2 l"))
    await undo(acting, acted)
    [now] = (await acting.everything()).tasks
    assert (now.title, now.priority, now.description) == ("Buy milk", Priority.HIGH, "2 l")


async def test_a_field_that_has_the_written_value_again_doesnt_refuse(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    acted = await acting.does(("update_task", {"task": named(task), "title": "Buy oil", "labels": ["Shop"]}))
    await edit(acting, task, TaskPatch(title="Buy wine", labels=[]))
    await edit(acting, task, TaskPatch(title="Buy oil", labels=["SHOP"]))
    await undo(acting, acted)
    [now] = (await acting.everything()).tasks
    assert now.title == "Buy milk"


async def test_reordering_doesnt_refuse(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    acted = await acting.does(("complete_task", {"task": named(task)}))

    async def move(work: UnitOfWork) -> None:
        present = await get_task(work, task.id)
        assert present is not None
        await write(work, [present], [replace(present, position="7")], TaskAction.UPDATED, USER)

    await acting.database.work(acting.user, move)
    await undo(acting, acted)
    [now] = (await acting.everything()).tasks
    assert (now.completed_at, now.position) == (None, "7")


async def test_the_systems_own_change_doesnt_refuse(acting: Acting) -> None:
    task = await acting.adds("Buy milk", priority=Priority.LOW)
    acted = await acting.does(("update_task", {"task": named(task), "priority": "HIGH"}))
    await edit(acting, task, TaskPatch(priority=Priority.URGENT), Actor.SYSTEM)
    await undo(acting, acted)
    [now] = (await acting.everything()).tasks
    assert now.priority == Priority.LOW


async def test_an_edit_refuses_though_the_system_wrote_after_it(acting: Acting) -> None:
    task = await acting.adds("Buy milk", priority=Priority.LOW)
    acted = await acting.does(("update_task", {"task": named(task), "priority": "HIGH"}))
    await edit(acting, task, TaskPatch(priority=Priority.MEDIUM))
    await edit(acting, task, TaskPatch(priority=Priority.URGENT), Actor.SYSTEM)
    assert "priority" in (await conflict(acting, acted)).message


async def test_a_field_of_a_deleted_task_is_put_back_and_it_stays_deleted(acting: Acting) -> None:
    task = await acting.adds("Buy milk")
    acted = await acting.does(("update_task", {"task": named(task), "title": "Buy oil"}))
    await step(acting, task, delete_task)
    await undo(acting, acted)
    [now] = (await acting.everything()).tasks
    assert (now.title, now.deleted_at is None) == ("Buy milk", False)
