"""What a change of a task leaves behind: its revision (each field before and after) and its entry in the change log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.ids import new_id, to_global_id
from core.unit_of_work import Change, Revision, UnitOfWork
from models.enums import ChangeKind, Priority, RecurrenceFrom, TaskAction
from models.tasks import Task
from services.tasks.values import Author

State = Mapping[str, Any]
"""A task's fields in GraphQL's spelling, each as JSON has it."""

NOTHING: Final[State] = {
    "title": None,
    "description": None,
    "isCompleted": False,
    "completedAt": None,
    "dueDate": None,
    "dueAt": None,
    "timeZone": None,
    "recurrence": None,
    "recurrenceFrom": RecurrenceFrom.DUE.value,
    "recurrenceTime": None,
    "remindAt": None,
    "remindBefore": None,
    "snoozedUntil": None,
    "priority": Priority.NONE.name,
    "labels": [],
    "parentId": None,
    "deletedAt": None,
}
"""What a task is compared with at its creation. Its place in the list isn't a change then."""


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with Z."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def state(task: Task, label_names: Iterable[str]) -> dict[str, Any]:
    """The fields that a revision compares."""
    return {
        "title": task.title,
        "description": task.description,
        "isCompleted": task.completed_at is not None,
        "completedAt": instant(task.completed_at),
        "dueDate": task.due_date.isoformat() if task.due_date else None,
        "dueAt": instant(task.due_at),
        "timeZone": task.time_zone,
        "recurrence": task.recurrence,
        "recurrenceFrom": task.recurrence_from,
        "recurrenceTime": task.recurrence_time.isoformat() if task.recurrence_time else None,
        "remindAt": instant(task.remind_at),
        "remindBefore": task.remind_before,
        "snoozedUntil": instant(task.snoozed_until),
        "priority": Priority(task.priority).name,
        "labels": list(label_names),
        "parentId": to_global_id("Task", task.parent_id) if task.parent_id else None,
        "position": task.position,
        "deletedAt": instant(task.deleted_at),
    }


def differences(before: State, after: State) -> list[dict[str, Any]]:
    """Each field that differs: [{"field", "before", "after"}]."""
    return [
        {"field": field, "before": before[field], "after": value}
        for field, value in after.items()
        if field in before and before[field] != value
    ]


@dataclass(frozen=True, slots=True)
class Revised:
    """A task as it now is, and what of it changed."""

    task: Task
    changes: Sequence[Mapping[str, Any]]


def write_revisions(work: UnitOfWork, revised: Sequence[Revised], action: TaskAction, author: Author) -> None:
    """The change log's entries, and the revisions, which are stored with them at the end of the unit of work."""
    for one in revised:
        work.record(
            Change(
                kind=ChangeKind.TASK,
                entity_id=one.task.id,
                conversation_id=author.conversation_id,
                action=action,
                actor=author.actor,
                revision_id=new_id(),
                tool_call_id=author.tool_call_id,
                revision=Revision(one.task.version, one.changes, one.task.updated_at),
                row=one.task,
            )
        )
