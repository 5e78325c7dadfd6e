"""One level of subtasks: who may be whose parent, and what goes along when a parent is completed, deleted, restored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import clock
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.ids import to_global_id
from models.base import rows_of, stored
from models.enums import Actor, OpenSubtasks, TaskAction
from models.tasks import Task, TaskRevision, task_revisions, tasks
from services.tasks import (
    NewTask,
    TaskPatch,
    complete_task,
    complete_tasks,
    create_task,
    delete_task,
    delete_tasks,
    reopen_task,
    restore_task,
    restore_tasks,
    skip_occurrence,
    update_task,
    update_tasks,
)
from services.tasks.family import SUBTASKS_LIMIT
from tests.conftest import new_user


async def make(database: Database, user: str, title: str, parent: Task | None = None, **more: Any) -> Task:
    new = NewTask(title, parent_id=parent.id if parent else None, **more)
    return await database.work(user, lambda work: create_task(work, new, Actor.USER))


async def put_under(database: Database, user: str, task: Task, parent: Task | None) -> Task:
    patch = TaskPatch(parent_id=parent.id if parent else None)
    return await database.work(user, lambda work: update_task(work, task.id, patch, Actor.USER))


async def step(
    database: Database, user: str, transition: Callable[..., Awaitable[Task]], task: Task, **more: Any
) -> Task:
    return await database.work(user, lambda work: transition(work, task.id, Actor.USER, **more))


async def everything(database: Database, user: str) -> dict[str, Task]:
    async with database.snapshot(user) as session:
        return {task.title: task for task in await session.all(rows_of(tasks), Task)}


async def actions(database: Database, user: str, task: Task) -> list[str]:
    statement = rows_of(task_revisions).where(task_revisions.c.task_id == task.id).order_by(task_revisions.c.version)
    async with database.snapshot(user) as session:
        return [revision.action for revision in await session.all(statement, TaskRevision)]


async def refused(attempt: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await attempt
    return caught.value


def live(found: dict[str, Task]) -> set[str]:
    return {title for title, task in found.items() if task.deleted_at is None}


async def test_a_task_is_made_under_a_parent_put_under_another_and_taken_out(database: Database, user: str) -> None:
    shopping, home = await make(database, user, "Shopping"), await make(database, user, "Home")
    milk = await make(database, user, "Milk", shopping)
    assert milk.parent_id == shopping.id
    assert (await put_under(database, user, milk, home)).parent_id == home.id
    assert (await put_under(database, user, milk, home)).version == 2
    assert (await put_under(database, user, milk, None)).parent_id is None
    statement = rows_of(task_revisions).where(task_revisions.c.task_id == milk.id).order_by(task_revisions.c.version)
    async with database.snapshot(user) as session:
        made, moved, out = await session.all(statement, TaskRevision)
    under_shopping, under_home = to_global_id("Task", shopping.id), to_global_id("Task", home.id)
    assert {"field": "parentId", "before": None, "after": under_shopping} in made.changes
    assert moved.changes == [{"field": "parentId", "before": under_shopping, "after": under_home}]
    assert out.changes == [{"field": "parentId", "before": under_home, "after": None}]


async def test_what_cannot_be_a_parent_is_a_clear_error_and_changes_nothing(database: Database, user: str) -> None:
    other = await new_user(database)
    theirs = await make(database, other, "Theirs")
    parent, lone, gone = [await make(database, user, title) for title in ("Parent", "Lone", "Gone")]
    child = await make(database, user, "Child", parent)
    await step(database, user, delete_task, gone)
    before = await everything(database, user)

    async def under(task: Task, parent_id: UUID) -> DomainError:
        patch = TaskPatch(parent_id=parent_id)
        updated = await refused(database.work(user, lambda work: update_task(work, task.id, patch, Actor.USER)))
        assert updated.field == ("input", "parentId")
        return updated

    for missing in (theirs.id, gone.id, uuid4()):
        new = NewTask("New", parent_id=missing)
        error = await refused(database.work(user, lambda work, new=new: create_task(work, new, Actor.USER)))
        assert (error.code, error.field) == (ErrorCode.NOT_FOUND, ("input", "parentId"))
        assert (await under(lone, missing)).code is ErrorCode.NOT_FOUND
    itself, nested, cycle, two = [
        await under(task, of.id) for task, of in ((lone, lone), (lone, child), (parent, child), (parent, lone))
    ]
    assert {error.code for error in (itself, nested, cycle, two)} == {ErrorCode.INVALID}
    assert "of itself" in itself.message
    assert "“Child” is a subtask itself" in nested.message
    assert "“Parent” has subtasks" in two.message
    assert nested.node == ("Task", child.id)
    assert two.node == ("Task", parent.id)
    assert await everything(database, user) == before


async def test_a_parent_takes_so_many_subtasks_and_no_more(database: Database, user: str) -> None:
    parent, full = await make(database, user, "Parent"), await make(database, user, "Full")
    first = await make(database, user, "Task")

    async def fill(work: Any) -> None:
        columns = ", ".join(column.name for column in stored(tasks) if column.name not in ("id", "parent_id"))
        await work.connection.exec_driver_sql(
            f"INSERT INTO tasktalk.tasks (id, parent_id, {columns}) SELECT gen_random_uuid(), '{full.id}', {columns}"
            f" FROM tasktalk.tasks, generate_series(1, {SUBTASKS_LIMIT}) WHERE id = '{first.id}'"
        )

    await database.work(user, fill)
    error = await refused(make(database, user, "One more", full))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "parentId"))
    assert str(SUBTASKS_LIMIT) in error.message
    assert "at most" in (await refused(put_under(database, user, first, full))).message
    await put_under(database, user, first, parent)
    error = await refused(
        database.work(user, lambda work: update_tasks(work, [first.id], TaskPatch(parent_id=full.id), Actor.USER))
    )
    assert error.node == ("Task", full.id)


async def test_completing_a_parent_asks_completes_or_keeps_its_open_subtasks(database: Database, user: str) -> None:
    parent = await make(database, user, "Shopping")
    milk, oil = [await make(database, user, title, parent) for title in ("Milk", "Oil")]
    done = await make(database, user, "Done", parent)
    await step(database, user, complete_task, done)
    before = await everything(database, user)
    error = await refused(step(database, user, complete_task, parent))
    assert (error.code, error.field, error.node) == (
        ErrorCode.OPEN_SUBTASKS, ("openSubtasks",), ("Task", parent.id),
    )  # fmt: skip
    assert "“Shopping” has 2 open subtasks" in error.message
    assert await everything(database, user) == before

    kept = await step(database, user, complete_task, parent, open_subtasks=OpenSubtasks.KEEP)
    assert kept.completed_at is not None
    assert (await everything(database, user))["Milk"] == milk
    assert await step(database, user, complete_task, parent) == kept  # again: nothing is asked, and nothing changes
    assert (await everything(database, user))["Oil"] == oil

    await step(database, user, reopen_task, parent)
    await step(database, user, complete_task, parent, open_subtasks=OpenSubtasks.COMPLETE)
    now = await everything(database, user)
    assert now["Shopping"].completed_at == now["Milk"].completed_at == now["Oil"].completed_at
    assert now["Done"] == before["Done"]
    assert await actions(database, user, milk) == [TaskAction.CREATED, TaskAction.COMPLETED]


async def test_a_next_occurrence_begins_with_open_subtasks(database: Database, user: str) -> None:
    weekly = await make(database, user, "Clean", due_date=date(2027, 3, 1), recurrence="FREQ=WEEKLY;COUNT=4")
    kitchen, bath = [await make(database, user, title, weekly) for title in ("Kitchen", "Bath")]
    gone = await make(database, user, "Gone", weekly)
    for task in (kitchen, gone):
        await step(database, user, complete_task, task)
    await step(database, user, delete_task, gone)
    error = await refused(step(database, user, complete_task, weekly))
    assert "“Clean” has an open subtask" in error.message
    assert (await everything(database, user))["Kitchen"].completed_at is not None

    await step(database, user, complete_task, weekly, open_subtasks=OpenSubtasks.KEEP)
    now = await everything(database, user)
    assert (now["Clean"].due_date, now["Clean"].completed_at) == (date(2027, 3, 8), None)
    assert (now["Kitchen"].completed_at, now["Bath"]) == (None, bath)
    assert await actions(database, user, kitchen) == [TaskAction.CREATED, TaskAction.COMPLETED, TaskAction.REOPENED]
    assert now["Gone"].completed_at is not None

    await step(database, user, complete_task, weekly, open_subtasks=OpenSubtasks.COMPLETE)
    now = await everything(database, user)
    assert (now["Kitchen"].completed_at, now["Bath"].completed_at) == (None, None)
    done_and_open = [TaskAction.COMPLETED, TaskAction.REOPENED]
    assert (await actions(database, user, bath))[1:] == done_and_open, "its history tells that it was done"

    await step(database, user, complete_task, kitchen)
    skipped = await step(database, user, skip_occurrence, weekly)
    assert (skipped.due_date, (await everything(database, user))["Kitchen"].completed_at) == (date(2027, 3, 22), None)

    await step(database, user, complete_task, kitchen)
    ended = await step(database, user, complete_task, weekly, open_subtasks=OpenSubtasks.COMPLETE)
    now = await everything(database, user)
    assert None not in (ended.completed_at, now["Kitchen"].completed_at, now["Bath"].completed_at)


async def test_a_subtask_that_is_asked_for_with_its_parent_is_answered_as_it_became(
    database: Database, user: str
) -> None:
    weekly = await make(database, user, "Clean", due_date=date(2027, 3, 1), recurrence="FREQ=WEEKLY")
    kitchen = await make(database, user, "Kitchen", weekly)
    ids = [kitchen.id, weekly.id]
    answered = await database.work(user, lambda work: complete_tasks(work, ids, Actor.USER))
    assert [(task.id, task.completed_at) for task in answered] == [(kitchen.id, None), (weekly.id, None)]
    assert [task.version for task in answered] == [3, 2]
    assert answered == [(await everything(database, user))[title] for title in ("Kitchen", "Clean")]


async def test_several_are_completed_with_one_word_about_their_subtasks(database: Database, user: str) -> None:
    parent, lone = await make(database, user, "Shopping"), await make(database, user, "Lone")
    milk = await make(database, user, "Milk", parent)

    async def complete(*ids: UUID, word: OpenSubtasks = OpenSubtasks.ASK) -> list[Task]:
        return await database.work(user, lambda work: complete_tasks(work, list(ids), Actor.USER, open_subtasks=word))

    error = await refused(complete(lone.id, parent.id))
    assert (error.code, error.node) == (ErrorCode.OPEN_SUBTASKS, ("Task", parent.id))
    assert "an open subtask" in error.message
    assert (await everything(database, user))["Lone"].completed_at is None
    asked_for_itself = await complete(lone.id, milk.id, parent.id)  # nothing is left to ask about
    assert [task.id for task in asked_for_itself] == [lone.id, milk.id, parent.id]
    assert all(task.completed_at for task in (await everything(database, user)).values())


async def test_deleting_a_parent_takes_its_subtasks_and_restoring_brings_back_those(
    database: Database, user: str
) -> None:
    parent = await make(database, user, "Shopping")
    early, milk = await make(database, user, "Early", parent), await make(database, user, "Milk", parent)
    await step(database, user, delete_task, early)
    await step(database, user, delete_task, parent)
    assert live(await everything(database, user)) == set()
    await step(database, user, restore_task, parent)
    assert live(await everything(database, user)) == {"Shopping", "Milk"}
    assert await actions(database, user, milk) == [TaskAction.CREATED, TaskAction.DELETED, TaskAction.RESTORED]
    await step(database, user, restore_task, early)
    assert (await everything(database, user))["Early"].parent_id == parent.id


async def test_a_subtask_comes_back_alone_without_a_parent_that_cannot_take_it(database: Database, user: str) -> None:
    deleted, nested = await make(database, user, "Deleted"), await make(database, user, "Nested")
    one, two = await make(database, user, "One", deleted), await make(database, user, "Two", nested)
    await database.work(user, lambda work: delete_tasks(work, [deleted.id, two.id], Actor.USER))
    await put_under(database, user, nested, await make(database, user, "Top"))
    for task in (one, two):
        back = await step(database, user, restore_task, task)
        assert (back.deleted_at, back.parent_id) == (None, None)
    await step(database, user, restore_task, deleted)
    assert (await everything(database, user))["One"].parent_id is None


async def test_a_parent_and_its_subtask_come_back_together(database: Database, user: str) -> None:
    parent = await make(database, user, "Parent")
    child = await make(database, user, "Child", parent)
    await database.work(user, lambda work: delete_tasks(work, [child.id, parent.id], Actor.USER))
    await database.work(user, lambda work: restore_tasks(work, [child.id, parent.id], Actor.USER))
    assert (await everything(database, user))["Child"].parent_id == parent.id


async def test_a_key_answers_the_same_subtask_and_not_one_elsewhere(database: Database, user: str) -> None:
    parent = await make(database, user, "Parent")
    child = await make(database, user, "Child", parent, idempotency_key="once")
    assert await make(database, user, "Child", parent, idempotency_key="once") == child
    error = await refused(make(database, user, "Child", idempotency_key="once"))
    assert error.code is ErrorCode.IDEMPOTENCY_CONFLICT


async def test_whatever_happens_at_once_nothing_stands_under_a_deleted_or_nested_parent(
    database: Database, user: str
) -> None:
    for round_ in range(6):
        one, two, three = [await make(database, user, f"{name} {round_}") for name in ("one", "two", "three")]
        child = await make(database, user, f"child {round_}", one)
        attempts = (
            put_under(database, user, one, two),
            put_under(database, user, two, one),
            put_under(database, user, two, three),
            put_under(database, user, child, two),
            make(database, user, f"late {round_}", one),
            step(database, user, delete_task, one),
            step(database, user, restore_task, one),
            step(database, user, delete_task, two),
            step(database, user, restore_task, child),
        )
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        assert all(isinstance(outcome, Task | DomainError) for outcome in outcomes), outcomes
        found = {task.id: task for task in (await everything(database, user)).values()}
        for task in found.values():
            if task.parent_id is not None and task.deleted_at is None:
                assert found[task.parent_id].deleted_at is None
                assert found[task.parent_id].parent_id is None


async def test_a_deletion_of_another_instant_is_not_taken_back_with_the_parents(database: Database, user: str) -> None:
    parent = await make(database, user, "Parent")
    child = await make(database, user, "Child", parent)
    with clock.set_to(clock.now()):
        await step(database, user, delete_task, child)
    await step(database, user, delete_task, parent)
    await step(database, user, restore_task, parent)
    assert live(await everything(database, user)) == {"Parent"}
