"""Tasks that repeat: what a rule makes of a due date, and what completing or skipping an occurrence does. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from core.errors import DomainError, ErrorCode
from models.enums import RecurrenceFrom
from models.tasks import Task
from services.inputs import UNSET, Unset
from services.recurrence import Occurrence, Series, check_goes_on, first_day, following, parse, shifted_time
from services.tasks.reminding import moved_along, passed_over
from services.tasks.values import TaskPatch


def series_of(task: Task) -> Series | None:
    """The task's rule and its present occurrence; None where it doesn't repeat."""
    if task.recurrence is None:
        return None
    return Series.of(task.recurrence, task.due_date, task.due_at, task.time_zone, task.recurrence_time)


def with_rule(task: Task, recurrence: str, now: datetime, zone: str) -> Task:
    """The task, repeating by this rule. One without a due date is due on the rule's first day from today on, in `zone`.

    Raises DomainError INVALID where the rule goes no further than the due date.
    """
    ruled = replace(task, recurrence=recurrence)
    if task.due_date is None and task.due_at is None:
        today = now.astimezone(ZoneInfo(zone)).date()
        ruled = replace(ruled, due_date=first_day(parse(recurrence), today))
    series = series_of(ruled)
    assert series is not None, "it has just been given a rule"
    check_goes_on(series)
    return ruled


def repatched(task: Task, patch: TaskPatch, zone: str, now: datetime) -> Task:
    """The task, its due date patched by now, with what the patch says of its repeating. Raises DomainError INVALID."""
    if not isinstance(patch.recurrence_from, Unset):
        task = replace(task, recurrence_from=(patch.recurrence_from or RecurrenceFrom.DUE).value)
    if patch.due_at is not UNSET or patch.due_date is not UNSET or patch.time_zone is not UNSET:
        task = replace(task, recurrence_time=None)
    if isinstance(patch.recurrence, str):
        return with_rule(task, patch.recurrence, now, zone)
    ends = patch.recurrence is None or (task.due_date is None and task.due_at is None)
    return replace(task, recurrence=None, recurrence_time=None) if ends else task


def completed(task: Task, now: datetime, zone: str) -> Task:
    """The task with its present occurrence done: due at the next one, or done as a whole where there is none.

    `zone` is the user's: the day on which an all-day occurrence is done is that of their zone.
    """
    if task.completed_at is not None:
        return task
    series = series_of(task)
    occurrence = None if series is None else _next(task, series, now, zone)
    if series is None or occurrence is None:
        return replace(task, completed_at=now)
    return _moved(task, series, occurrence, now, zone)


def skipped(task: Task, now: datetime, zone: str) -> Task:
    """The task, due at the occurrence after the present one. Raises DomainError INVALID where there is none."""
    series = series_of(task)
    if series is None or task.completed_at is not None:
        reason = "The task is completed." if series is not None else "The task doesn't repeat."
        raise DomainError(ErrorCode.INVALID, reason, field=("input", "taskId"))
    occurrence = next(following(series), None)
    if occurrence is None:
        message = "This is the task's last occurrence: complete or delete it."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "taskId"))
    return _moved(task, series, occurrence, now, zone)


def _next(task: Task, series: Series, now: datetime, zone: str) -> Occurrence | None:
    done_on = None
    if task.recurrence_from == RecurrenceFrom.COMPLETION:
        done_on = now.astimezone(ZoneInfo(series.zone or zone)).date()
    return next(following(series, done_on), None)


def _moved(task: Task, series: Series, occurrence: Occurrence, now: datetime, zone: str) -> Task:
    moved = replace(
        task,
        due_date=None if occurrence.at else occurrence.date,
        due_at=occurrence.at,
        recurrence=series.rule.counted_down(),
        recurrence_time=shifted_time(series, occurrence),
    )
    return passed_over(task, moved_along(task, moved, series, occurrence, zone), now)
