"""What a task's fields must be, before anything is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session
from models.enums import Priority
from models.tasks import DESCRIPTION_LIMIT, REMIND_BEFORE_LIMIT, TASK_TITLE_LIMIT, Task
from services.inputs import Field, Unset, clean_optional_text, clean_text, given
from services.labels import clean_names
from services.recurrence import clean_rule
from services.tasks.reminding import LATE, passed_over, remindered
from services.tasks.repeating import repatched
from services.tasks.values import NewTask, TaskPatch
from services.users import check_time_zone, read_settings


def utc(at: datetime, field: Field) -> datetime:
    """The aware instant in UTC. Raises DomainError INVALID for a naive one or one outside the calendar."""
    if at.tzinfo is None:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} needs an offset, e.g. Z.", field=field)
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} is outside the years 1 to 9999.", field=field) from error


async def default_zone(session: Session) -> str:
    """The zone of the user's settings."""
    return (await read_settings(session)).time_zone


def clean_new(new: NewTask) -> NewTask:
    """The same with every text trimmed and every field checked. Raises DomainError."""
    _one_due(new.due_date, new.due_at)
    _one_reminder(new.remind_at, new.remind_before)
    return replace(
        new,
        title=clean_text(new.title, ("input", "title"), limit=TASK_TITLE_LIMIT),
        description=clean_optional_text(new.description, ("input", "description"), limit=DESCRIPTION_LIMIT),
        due_at=new.due_at and utc(new.due_at, ("input", "dueAt")),
        time_zone=new.time_zone and check_time_zone(new.time_zone, ("input", "timeZone")),
        recurrence=new.recurrence and clean_rule(new.recurrence),
        remind_at=new.remind_at and utc(new.remind_at, ("input", "remindAt")),
        labels=clean_names(new.labels, ("input", "labels")),
    )


def clean_patch(patch: TaskPatch) -> TaskPatch:
    """The same with every text trimmed and every given field checked. Raises DomainError."""
    _one_due(given(patch.due_date, None), given(patch.due_at, None))
    _one_reminder(given(patch.remind_at, None), given(patch.remind_before, None))
    values: dict[str, Any] = {}  # Any: values of the patch's fields
    if not isinstance(patch.title, Unset):
        values["title"] = clean_text(patch.title, ("input", "title"), limit=TASK_TITLE_LIMIT)
    if isinstance(patch.description, str):
        field = ("input", "description")
        values["description"] = clean_optional_text(patch.description, field, limit=DESCRIPTION_LIMIT)
    if isinstance(patch.due_at, datetime):
        values["due_at"] = utc(patch.due_at, ("input", "dueAt"))
    if isinstance(patch.time_zone, str):
        values["time_zone"] = check_time_zone(patch.time_zone, ("input", "timeZone"))
    if isinstance(patch.recurrence, str):
        values["recurrence"] = clean_rule(patch.recurrence) if patch.recurrence.strip() else None
    if isinstance(patch.remind_at, datetime):
        values["remind_at"] = utc(patch.remind_at, ("input", "remindAt"))
    if not isinstance(patch.labels, Unset):
        values["labels"] = clean_names(patch.labels or (), ("input", "labels"))
    values["add_labels"] = clean_names(patch.add_labels, ("input", "labels"))
    values["remove_labels"] = clean_names(patch.remove_labels, ("input", "labels"))
    return replace(patch, **values)


def patched(task: Task, patch: TaskPatch, zone: str, now: datetime) -> Task:
    """The task with the cleaned patch; `zone` is for a due date that brings none. Raises DomainError INVALID."""
    described = replace(
        task,
        title=given(patch.title, task.title) or task.title,
        description=given(patch.description, task.description),
        priority=int(given(patch.priority, Priority(task.priority)) or Priority.NONE),
        parent_id=given(patch.parent_id, task.parent_id),
    )
    repeating = repatched(_due(described, patch, zone), patch, zone, now)
    return passed_over(task, remindered(task, repeating, patch, now), now, late=LATE)


def _due(task: Task, patch: TaskPatch, zone: str) -> Task:
    """The task with the patch's due date: either of the two clears the other."""
    due_date, due_at = given(patch.due_date, task.due_date), given(patch.due_at, task.due_at)
    if isinstance(patch.due_date, date):
        due_at = None
    elif isinstance(patch.due_at, datetime):
        due_date = None
    time_zone = given(patch.time_zone, task.time_zone)
    if due_at is None and task.due_at is not None:
        time_zone = given(patch.time_zone, None)
    elif due_at is not None and time_zone is None:
        if patch.time_zone is None and not isinstance(patch.due_at, datetime):
            message = "timeZone can't be cleared while dueAt is set."
            raise DomainError(ErrorCode.INVALID, message, field=("input", "timeZone"))
        time_zone = zone
    return replace(task, due_date=due_date, due_at=due_at, time_zone=time_zone)


def not_found(field: Field) -> DomainError:
    return DomainError(ErrorCode.NOT_FOUND, "There is no such task.", field=field)


def _one_reminder(remind_at: datetime | None, remind_before: int | None) -> None:
    if remind_at is not None and remind_before is not None:
        message = "remindAt and remindBefore exclude each other: give one of them."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "remindBefore"))
    if remind_before is not None and not 0 <= remind_before <= REMIND_BEFORE_LIMIT:
        message = f"remindBefore must be 0..{REMIND_BEFORE_LIMIT:,} minutes."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "remindBefore"))


def _one_due(due_date: date | None, due_at: datetime | None) -> None:
    if due_date is not None and due_at is not None:
        message = "dueDate and dueAt exclude each other: give one of them."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "dueAt"))
