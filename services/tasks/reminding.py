"""When a task reminds: at a time of its own or some minutes before it is due, and how that follows it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import DomainError, ErrorCode
from models.tasks import Task
from services.inputs import UNSET
from services.recurrence import Occurrence, Series
from services.tasks.values import TaskPatch

LATE: Final = timedelta(days=1)
"""A reminder that is set for a time that is over comes at once. Over for longer than this, a person can't set it, and
one that comes with an import counts as fired."""


def reminder_of(task: Task) -> datetime | None:
    """When the task's reminder comes next, or came last."""
    return task.snoozed_until or task.remind_at


def check_ahead(remind_at: datetime, now: datetime) -> None:
    """Raises DomainError INVALID for a time that is over for longer than a reminder may come late."""
    if remind_at <= now - LATE:
        message = "remindAt is over for more than a day: give a time to come."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "remindAt"))


def with_reminder(task: Task, remind_at: datetime | None, remind_before: int | None, now: datetime) -> Task:
    """The new task with its reminder. Raises DomainError INVALID."""
    reminding = replace(task, remind_at=remind_at, remind_before=remind_before)
    if remind_before is not None:
        _check_timed(task)
    return passed_over(task, kept(reminding), now, late=LATE)


def remindered(before: Task, task: Task, patch: TaskPatch, now: datetime) -> Task:
    """The task, its due date patched by now, with what the patch says of its reminder. Raises DomainError INVALID."""
    if isinstance(patch.remind_before, int):
        _check_timed(task)
        return kept(replace(task, remind_at=None, remind_before=patch.remind_before, snoozed_until=None))
    if isinstance(patch.remind_at, datetime):
        if patch.remind_at != before.remind_at:
            check_ahead(patch.remind_at, now)
        return replace(task, remind_at=patch.remind_at, remind_before=None, snoozed_until=None)
    if patch.remind_at is None or (patch.remind_before is None and task.remind_before is not None):
        return replace(task, remind_at=None, remind_before=None, snoozed_until=None)
    assert patch.remind_at is UNSET, "what it can be else is seen to"
    followed = kept(task)
    if followed.remind_at == before.remind_at:
        return followed
    # The due date took it along: it comes again then, unless that is over.
    return passed_over(before, replace(followed, snoozed_until=None), now)


def kept(task: Task) -> Task:
    """The task with the reminder that its "minutes before" comes to; without a due time there is none."""
    if task.remind_before is None:
        return task
    if task.due_at is None:
        return replace(task, remind_at=None, remind_before=None, snoozed_until=None)
    return replace(task, remind_at=earlier(task.due_at, task.remind_before))


def earlier(at: datetime, minutes: int) -> datetime:
    """So many minutes before. Raises DomainError INVALID outside the calendar."""
    try:
        return at - timedelta(minutes=minutes)
    except OverflowError as error:
        message = "remindBefore leads out of the calendar."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "remindBefore")) from error


def moved_along(before: Task, moved: Task, series: Series, occurrence: Occurrence, zone: str) -> Task:
    """The task at its next occurrence, with that one's reminder: as many minutes before, or at the same wall time.

    `zone` is the user's: what an all-day task's reminder is meant in.
    """
    fresh = replace(moved, snoozed_until=None)
    if before.remind_at is None or before.remind_before is not None:
        return kept(fresh)
    place = ZoneInfo(series.zone or zone)
    wall = before.remind_at.astimezone(place).replace(tzinfo=None)
    clock = series.wall_time or time.min
    ahead = datetime.combine(series.day, clock) - wall
    try:
        at = (datetime.combine(occurrence.date, clock) - ahead).replace(tzinfo=place).astimezone(UTC)
    except OverflowError:  # at the end of the calendar
        at = before.remind_at
    return replace(fresh, remind_at=at)


def passed_over(before: Task, after: Task, now: datetime, *, late: timedelta = timedelta(0)) -> Task:
    """The same, and a reminder that changed to a time over for longer than `late` counts as fired."""
    reminder = reminder_of(after)
    if reminder is None or reminder == reminder_of(before) or reminder > now - late:
        return after
    return replace(after, reminded_for=reminder)


def _check_timed(task: Task) -> None:
    if task.due_at is None:
        message = "remindBefore needs a due time: give dueAt, or remindAt instead."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "remindBefore"))
