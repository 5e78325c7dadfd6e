"""What can be done to tasks that exist. Each is idempotent, all or nothing, and leaves no trace where nothing changes.

Completing and skipping have a room of their own. A deleted task can be deleted again or restored; for everything else
it isn't found. All raise DomainError NOT_FOUND, and VERSION_CONFLICT where an expected version isn't the present one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from core.unit_of_work import UnitOfWork
from models.enums import Actor, TaskAction
from models.tasks import Task
from services.inputs import Unset
from services.tasks.checks import clean_patch, default_zone, patched
from services.tasks.family import Along, at_home, check_parent, subtasks_of
from services.tasks.labelling import plan_labels
from services.tasks.values import Author, TaskPatch
from services.tasks.writing import Versions, hold, of_one, write


async def update_tasks(
    work: UnitOfWork,
    task_ids: Sequence[UUID],
    patch: TaskPatch,
    actor: Actor,
    *,
    expected_version: Versions = None,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
) -> list[Task]:
    """Apply one patch to each of these tasks. Setting one of `due_date` and `due_at` clears the other.

    A `due_at` on a task without a zone is meant in the zone of the user's settings, and so is the first day of a rule.
    Raises INVALID and TOO_LONG too.
    """
    cleaned = clean_patch(patch)
    parent_id = None if isinstance(cleaned.parent_id, Unset) else cleaned.parent_id
    before = await hold(work, task_ids, expected_version, parent_id=parent_id)
    if parent_id is not None:
        await check_parent(work, parent_id, before)
    zone = await default_zone(work) if _needs_zone(cleaned, before) else ""
    after = [patched(task, cleaned, zone, work.now) for task in before]
    plans = await plan_labels(work, [task.id for task in before], cleaned)
    author = Author(actor, tool_call_id, conversation_id)
    return await write(work, before, after, TaskAction.UPDATED, author, plans)


def _needs_zone(patch: TaskPatch, before: Iterable[Task]) -> bool:
    if isinstance(patch.recurrence, str):
        return True
    if not isinstance(patch.due_at, datetime) or isinstance(patch.time_zone, str):
        return False
    return patch.time_zone is None or any(not task.time_zone for task in before)


update_task: Final = of_one(update_tasks)


Step = Callable[[Task, datetime], Task]
"""What becomes of a task now."""


def _reopen(task: Task, now: datetime) -> Task:
    return replace(task, completed_at=None)


def _delete(task: Task, now: datetime) -> Task:
    return task if task.deleted_at else replace(task, deleted_at=now)


def _restore(task: Task, now: datetime) -> Task:
    return replace(task, deleted_at=None)


class Transition:
    """A step in the life of several tasks: all of them or none.

    Subtasks that go `along` are changed as well. What is answered are the tasks that were asked for, in that order.
    """

    def __init__(self, action: TaskAction, step: Step, *, of_deleted: bool = False, along: Along | None = None) -> None:
        self._action = action
        self._step = step
        self._of_deleted = of_deleted
        self._along = along

    async def __call__(
        self,
        work: UnitOfWork,
        task_ids: Sequence[UUID],
        actor: Actor,
        *,
        expected_version: Versions = None,
        tool_call_id: UUID | None = None,
        conversation_id: UUID | None = None,
    ) -> list[Task]:
        before = await hold(work, task_ids, expected_version, deleted=self._of_deleted, along=self._along)
        taken = await subtasks_of(work, before, self._along) if self._along else []
        everything = [*before, *taken]
        after = [self._step(task, work.now) for task in everything]
        if self._along is Along.DELETED:
            after = await at_home(work, after)
        author = Author(actor, tool_call_id, conversation_id)
        return (await write(work, everything, after, self._action, author))[: len(before)]


reopen_tasks: Final = Transition(TaskAction.REOPENED, _reopen)
reopen_task: Final = of_one(reopen_tasks)

delete_tasks: Final = Transition(TaskAction.DELETED, _delete, of_deleted=True, along=Along.LIVE)
"""Soft: `deleted_at` is set, and the task can be restored."""
delete_task: Final = of_one(delete_tasks)

restore_tasks: Final = Transition(TaskAction.RESTORED, _restore, of_deleted=True, along=Along.DELETED)
"""Brings back what the task's deletion took along."""
restore_task: Final = of_one(restore_tasks)
