"""The JSON that tools answer with, the same for every tool: tasks as the model and the stored call show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from assistant.interpreter.repeat_words import rule_words
from assistant.tools.base import ToolContext, ToolFailure, ToolOutcome
from core.errors import ErrorCode
from core.ids import to_global_id
from core.unit_of_work import UnitOfWork
from models.enums import ChangeKind, Priority, RecurrenceFrom
from models.tasks import Task
from services.tasks import LabelledTask, get_tasks, with_labels
from services.tasks.listing import COUNTED
from services.tasks.reminding import reminder_of
from services.tasks.repeating import series_of
from services.tasks.revisions import instant

TASKS_LIMIT: Final = 100


def task_json(labelled: LabelledTask, number: int | None) -> dict[str, Any]:
    """One task; `number` is its place in the list that is then shown."""
    task = labelled.task
    told = {
        "number": number,
        "id": to_global_id("Task", task.id),
        "title": task.title,
        "is_completed": task.completed_at is not None,
        "due_date": task.due_date.isoformat() if task.due_date else None,
        "due_at": instant(task.due_at),
        "time_zone": task.time_zone,
        "priority": Priority(task.priority).name,
        "labels": [label.name for label in labelled.labels],
    }
    if task.parent_id:
        told["parent_id"] = to_global_id("Task", task.parent_id)
    if task.recurrence is not None and (series := series_of(task)) is not None:
        after_done = task.recurrence_from == RecurrenceFrom.COMPLETION
        told |= {
            "recurrence": task.recurrence,
            "repeats": rule_words(task.recurrence, series.day, after_done=after_done),
        }
    if (reminder := reminder_of(task)) is not None:
        told["remind_at"] = instant(reminder)
    return {**told, "is_deleted": True} if task.deleted_at else told


def numbered(found: Sequence[LabelledTask]) -> list[dict[str, Any]]:
    """At most 100 tasks, numbered from 1."""
    return [task_json(labelled, number) for number, labelled in enumerate(found[:TASKS_LIMIT], start=1)]


def mark(work: UnitOfWork) -> int:
    """Where the log of this unit of work stands, for `changed` to see whether anything came of it."""
    return len(work.changes)


async def changed(
    context: ToolContext, action: str, touched: Sequence[Task], since: int, *, unlabelled: bool = False
) -> ToolOutcome:
    """The tasks as they now are; the action is "unchanged" where no task was written since the mark.

    `unlabelled`: they are known to have no labels.
    """
    written = any(change.kind == ChangeKind.TASK for change in context.work.changes[since:])
    labelled = [LabelledTask(task, ()) for task in touched] if unlabelled else await with_labels(context.work, touched)
    ids = tuple(task.id for task in touched)
    answer = {"ok": True, "action": action if written else "unchanged", "tasks": numbered(labelled)}
    return ToolOutcome(tasks=ids, answer=answer, shown=ids)


def check_targets(context: ToolContext, since: int) -> None:
    """Raises ToolFailure VERSION_CONFLICT where another task than the call's targets was changed: a subtask came."""
    logged = [change for change in context.work.changes[since:] if change.kind == ChangeKind.TASK]
    if {change.entity_id for change in logged} - set(context.targets):
        message = "It has got other subtasks meanwhile; nothing of this was done."
        raise ToolFailure(ErrorCode.VERSION_CONFLICT, message)


async def moved_on(context: ToolContext, action: str, task: Task, since: int) -> ToolOutcome:
    """The same for a task that moved on to its next occurrence: the call's other targets are open again for it."""
    check_targets(context, since)
    outcome = await changed(context, action, [task], since)
    again = {"subtasks_open_again": len(context.targets) - 1} if context.targets[1:] else {}
    return replace(outcome, answer={**outcome.answer, **again})


async def changed_family(context: ToolContext, action: str, since: int) -> ToolOutcome:
    """The same for a task whose subtasks went along: the call's targets, which are all that it may have changed.

    Raises ToolFailure VERSION_CONFLICT as `check_targets` does.
    """
    check_targets(context, since)
    touched = await get_tasks(context.work, context.targets[:TASKS_LIMIT], deleted=True)
    outcome = await changed(context, action, touched, since)
    return replace(outcome, answer={**outcome.answer, "total": len(context.targets)}) if touched[1:] else outcome


def found(listed: Sequence[LabelledTask], total: int) -> ToolOutcome:
    """A list, and how many there are in all, as far as they are counted: "more" where there may be more than that.

    An empty one leaves the list last shown as it was.
    """
    ids = tuple(labelled.task.id for labelled in listed[:TASKS_LIMIT])
    answer: dict[str, Any] = {"ok": True, "action": "found", "tasks": numbered(listed), "total": total}
    if total >= COUNTED:
        answer["more"] = True
    return ToolOutcome(tasks=ids, answer=answer, total=total, shown=ids or None)
