"""Completing tasks and skipping occurrences: what becomes of subtasks, now and for a next occurrence.

Both are idempotent as other changes are, all or nothing, and leave no trace where nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.enums import Actor, OpenSubtasks, TaskAction
from models.tasks import Task
from services.tasks.checks import default_zone
from services.tasks.family import Along, subtasks_of, with_subtasks
from services.tasks.repeating import completed, skipped
from services.tasks.values import Author
from services.tasks.writing import Versions, hold, of_one, write

Step = Callable[[Task, datetime, str], Task]
"""What becomes of a task, now, for a user of that zone (empty where no task repeats)."""


async def complete_tasks(
    work: UnitOfWork,
    task_ids: Sequence[UUID],
    actor: Actor,
    *,
    expected_version: Versions = None,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
    open_subtasks: OpenSubtasks = OpenSubtasks.ASK,
) -> list[Task]:
    """What becomes of open subtasks is the caller's word; without one it is asked for.

    Of a task that repeats, its present occurrence: it stays open, due at the next one, and its subtasks are open again
    for that; until its rule is over. Raises DomainError OPEN_SUBTASKS, with the task as its node, and as `hold` does.
    """
    along = Along.AGAIN if open_subtasks is OpenSubtasks.KEEP else Along.OCCURRENCE
    before = await hold(work, task_ids, expected_version, along=along)
    family = await subtasks_of(work, before, along)
    still_open = [task for task in family if task.completed_at is None]
    if open_subtasks is OpenSubtasks.ASK:
        _ask_about(before, still_open)
    taken = still_open if open_subtasks is OpenSubtasks.COMPLETE else []
    author = Author(actor, tool_call_id, conversation_id)
    written = await _write(work, [*before, *taken], completed, TaskAction.COMPLETED, author)
    return await _open_again(work, before, written, family, author)


async def skip_occurrences(
    work: UnitOfWork,
    task_ids: Sequence[UUID],
    actor: Actor,
    *,
    expected_version: Versions = None,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
) -> list[Task]:
    """Their subtasks are open again for the next occurrence.

    Raises DomainError INVALID where a task doesn't repeat, is completed or has no further occurrence, and as `hold`.
    """
    before = await hold(work, task_ids, expected_version, along=Along.AGAIN)
    family = await subtasks_of(work, before, Along.AGAIN)
    author = Author(actor, tool_call_id, conversation_id)
    written = await _write(work, before, skipped, TaskAction.SKIPPED, author)
    return await _open_again(work, before, written, family, author)


complete_task: Final = of_one(complete_tasks)
skip_occurrence: Final = of_one(skip_occurrences)


async def completed_with(session: Session, task: Task, open_subtasks: OpenSubtasks) -> list[UUID]:
    """The task, and the subtasks that completing it would change. Nothing is locked."""
    along = Along.OPEN if open_subtasks is OpenSubtasks.COMPLETE else None
    if task.recurrence is not None and task.completed_at is None:
        moves_on = completed(task, session.now, await default_zone(session)).completed_at is None
        if moves_on:
            along = Along.OCCURRENCE if along else Along.AGAIN
    return await with_subtasks(session, task.id, along) if along else [task.id]


async def _write(
    work: UnitOfWork, before: Sequence[Task], step: Step, action: TaskAction, author: Author
) -> list[Task]:
    zone = await default_zone(work) if any(task.recurrence for task in before) else ""
    return await write(work, before, [step(task, work.now, zone) for task in before], action, author)


async def _open_again(
    work: UnitOfWork, before: Sequence[Task], written: Sequence[Task], family: Sequence[Task], author: Author
) -> list[Task]:
    """The tasks that were asked for, once the subtasks of those that moved on to a next occurrence are open for it."""
    present = {task.id: task for task in (*family, *written)}
    moved_on = {old.id for old in before if old.version != present[old.id].version and not present[old.id].completed_at}
    done = [task for task in present.values() if task.parent_id in moved_on and task.completed_at is not None]
    reopened = await write(work, done, [replace(task, completed_at=None) for task in done], TaskAction.REOPENED, author)
    present |= {task.id: task for task in reopened}
    return [present[task.id] for task in before]


def _ask_about(parents: Sequence[Task], still_open: Sequence[Task]) -> None:
    """Raises DomainError OPEN_SUBTASKS, with the task as its node, where one that is open has open subtasks."""
    for parent in parents:
        count = sum(task.parent_id == parent.id for task in still_open)
        if count and parent.completed_at is None:
            counted = "an open subtask" if count == 1 else f"{count} open subtasks"
            message = f"“{parent.title}” has {counted}: say whether to complete them as well or to keep them open."
            field = ("openSubtasks",)
            raise DomainError(ErrorCode.OPEN_SUBTASKS, message, field=field, node=("Task", parent.id))
