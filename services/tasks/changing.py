"""What can be done to tasks that exist. Each is idempotent, all or nothing, and leaves no trace where nothing changes.

A deleted task can be deleted again or restored; for everything else it isn't found. All raise DomainError NOT_FOUND,
and VERSION_CONFLICT where `expected_version` is given and isn't the present one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import Actor, OpenSubtasks, TaskAction
from models.tasks import Task
from services.inputs import Unset
from services.tasks.checks import clean_patch, default_zone, patched
from services.tasks.family import Along, at_home, check_parent, subtasks_of
from services.tasks.labelling import plan_labels
from services.tasks.repeating import completed, skipped
from services.tasks.values import Author, TaskPatch
from services.tasks.writing import hold, write


async def update_tasks(
    work: UnitOfWork,
    task_ids: Sequence[UUID],
    patch: TaskPatch,
    actor: Actor,
    *,
    expected_version: int | None = None,
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


async def update_task(
    work: UnitOfWork,
    task_id: UUID,
    patch: TaskPatch,
    actor: Actor,
    *,
    expected_version: int | None = None,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
) -> Task:
    """`update_tasks` for one."""
    changed = await update_tasks(
        work,
        [task_id],
        patch,
        actor,
        expected_version=expected_version,
        tool_call_id=tool_call_id,
        conversation_id=conversation_id,
    )
    return changed[0]


Step = Callable[[Task, datetime, str], Task]
"""What becomes of a task, now, for a user of that zone (empty where no task repeats)."""


def _reopen(task: Task, now: datetime, zone: str) -> Task:
    return replace(task, completed_at=None)


def _delete(task: Task, now: datetime, zone: str) -> Task:
    return task if task.deleted_at else replace(task, deleted_at=now)


def _restore(task: Task, now: datetime, zone: str) -> Task:
    return replace(task, deleted_at=None)


class Transition:
    """A step in a task's life: called with one task, or with several through `many`; all of them or none.

    Subtasks that go `along` are changed as well. What is answered are the tasks that were asked for, in that order.
    """

    def __init__(self, action: TaskAction, step: Step, *, of_deleted: bool = False, along: Along | None = None) -> None:
        self._action = action
        self._step = step
        self._of_deleted = of_deleted
        self._along = along

    async def many(
        self,
        work: UnitOfWork,
        task_ids: Sequence[UUID],
        actor: Actor,
        *,
        expected_version: int | None = None,
        tool_call_id: UUID | None = None,
        conversation_id: UUID | None = None,
    ) -> list[Task]:
        before = await hold(work, task_ids, expected_version, deleted=self._of_deleted, along=self._along)
        taken = await subtasks_of(work, before, self._along) if self._along else []
        return await self._write(work, before, taken, Author(actor, tool_call_id, conversation_id))

    async def __call__(
        self,
        work: UnitOfWork,
        task_id: UUID,
        actor: Actor,
        *,
        expected_version: int | None = None,
        tool_call_id: UUID | None = None,
        conversation_id: UUID | None = None,
    ) -> Task:
        changed = await self.many(
            work,
            [task_id],
            actor,
            expected_version=expected_version,
            tool_call_id=tool_call_id,
            conversation_id=conversation_id,
        )
        return changed[0]

    async def _write(self, work: UnitOfWork, before: list[Task], taken: list[Task], author: Author) -> list[Task]:
        everything = [*before, *taken]
        zone = await default_zone(work) if any(task.recurrence for task in everything) else ""
        after = [self._step(task, work.now, zone) for task in everything]
        if self._along is Along.DELETED:
            after = await at_home(work, after)
        return (await write(work, everything, after, self._action, author))[: len(before)]


class Completion(Transition):
    """The step to done. What becomes of open subtasks is its caller's word; without one it is asked for."""

    async def many(
        self,
        work: UnitOfWork,
        task_ids: Sequence[UUID],
        actor: Actor,
        *,
        expected_version: int | None = None,
        tool_call_id: UUID | None = None,
        conversation_id: UUID | None = None,
        open_subtasks: OpenSubtasks = OpenSubtasks.ASK,
    ) -> list[Task]:
        """Raises DomainError OPEN_SUBTASKS, too, with the task as its node."""
        along = None if open_subtasks is OpenSubtasks.KEEP else Along.OPEN
        before = await hold(work, task_ids, expected_version, along=along)
        taken = await subtasks_of(work, before, along) if along else []
        if open_subtasks is OpenSubtasks.ASK:
            _ask_about(before, taken)
            taken = []
        return await self._write(work, before, taken, Author(actor, tool_call_id, conversation_id))

    async def __call__(
        self,
        work: UnitOfWork,
        task_id: UUID,
        actor: Actor,
        *,
        expected_version: int | None = None,
        tool_call_id: UUID | None = None,
        conversation_id: UUID | None = None,
        open_subtasks: OpenSubtasks = OpenSubtasks.ASK,
    ) -> Task:
        changed = await self.many(
            work,
            [task_id],
            actor,
            expected_version=expected_version,
            tool_call_id=tool_call_id,
            conversation_id=conversation_id,
            open_subtasks=open_subtasks,
        )
        return changed[0]


def _ask_about(parents: Sequence[Task], taken: Sequence[Task]) -> None:
    """Raises DomainError OPEN_SUBTASKS, with the task as its node, where one that is open has open subtasks."""
    for parent in parents:
        count = sum(task.parent_id == parent.id for task in taken)
        if count and parent.completed_at is None:
            counted = "an open subtask" if count == 1 else f"{count} open subtasks"
            message = f"“{parent.title}” has {counted}: say whether to complete them as well or to keep them open."
            field = ("openSubtasks",)
            raise DomainError(ErrorCode.OPEN_SUBTASKS, message, field=field, node=("Task", parent.id))


complete_task = Completion(TaskAction.COMPLETED, completed)
"""Of a task that repeats, its present occurrence: it stays open, due at the next one, until its rule is over."""
skip_occurrence = Transition(TaskAction.SKIPPED, skipped)
"""Raises DomainError INVALID where the task doesn't repeat, is completed or has no further occurrence."""
reopen_task = Transition(TaskAction.REOPENED, _reopen)
delete_task = Transition(TaskAction.DELETED, _delete, of_deleted=True, along=Along.LIVE)
"""Soft: `deleted_at` is set, and the task can be restored."""
restore_task = Transition(TaskAction.RESTORED, _restore, of_deleted=True, along=Along.DELETED)
"""Brings back what the task's deletion took along."""

complete_tasks = complete_task.many
reopen_tasks = reopen_task.many
delete_tasks = delete_task.many
