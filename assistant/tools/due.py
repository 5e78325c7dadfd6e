"""The user's words for a due date, as what a task stores and as what a list is filtered by.

A period as a due date means its first day, or its last where it has begun: "next week" is Monday, "this weekend"
Saturday (on the Sunday: Sunday), "this week" Sunday. In a list's filter weeks begin on the day of the user's settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.tools.base import ToolContext, ToolFailure
from assistant.tools.moving_due import on_its_day, shift_of, shifted
from assistant.tools.reminding import with_reminder
from assistant.tools.repeating import Repeats, read_repeats, repeats_of, with_repeats
from core.errors import ErrorCode
from models.tasks import Task
from services.inputs import given
from services.tasks import Days, DueBucket, Span, TaskPatch, bucket_days

_NONE: Final = frozenset(
    {
        "none",
        "no date",
        "no due date",
        "without a date",
        "without a due date",
        "undated",
        "unscheduled",
        "never",
        "clear",
    }
)
_ANY: Final = frozenset({"any", "all", "anytime", "any time", "any date"})
_WEEKS: Final = {
    "this week": DueBucket.THIS_WEEK,
    "the week": DueBucket.THIS_WEEK,
    "next week": DueBucket.NEXT_WEEK,
    "later": DueBucket.LATER,
}
"""Weeks as the user's settings have them."""

_AHEAD: Final = re.compile(r"(?:within|(?:(?:in|over|for|during)\s+)?(?:the\s+)?(?:next|coming))\s+(?P<length>.+)")
_SIDE: Final = re.compile(r"(?:due\s+)?(?P<side>before|until|till|by|up to|after|from|since)\s+(?P<day>.+)")


@dataclass(frozen=True, slots=True)
class Due:
    """What a task is due by: a day, or an instant with its zone; neither is "no due date". `repeats` where it does."""

    date: date | None = None
    at: datetime | None = None
    time_zone: str | None = None
    repeats: Repeats | None = None


def read_due(words: str, context: ToolContext, *, lengths: bool = False) -> Due:
    """What these words mean as a due date. Raises ToolFailure INVALID that says what wasn't understood.

    `lengths`: a bare length of time ("3 days") counts from now. Where a task that has a due date is moved it could as
    well mean "later by", and isn't guessed at.
    """
    if _plain(words) in _NONE:
        return Due()
    value = _resolve(words, context)
    if isinstance(value, dates.DurationValue) and lengths:
        value = _resolve(f"in {words}", context)
    match value:
        case dates.DateValue(day):
            return _on(day, context)
        case dates.DateTimeValue(at, zone):
            return Due(at=at, time_zone=zone)
        case dates.IntervalValue(start, end, _):
            return _of_interval(start, end, context)
        case dates.RecurrenceValue():
            return Due(repeats=repeats_of(value, context))
        case _:
            raise _not_understood(words)


def names_due(words: str, context: ToolContext) -> bool:
    """Whether the words name a day or time, and not a length of time."""
    return isinstance(_resolve(words, context), dates.DateValue | dates.DateTimeValue | dates.IntervalValue)


def _on(day: date, context: ToolContext) -> Due:
    """All day, or at the time that the user's settings have for a day that is named without one."""
    if context.due_time is None:
        return Due(date=day)
    # A time inside a spring gap moves forward by the gap, as it does where it is said.
    at = datetime.combine(day, context.due_time, ZoneInfo(context.time_zone)).astimezone(UTC)
    return Due(at=at, time_zone=context.time_zone)


def due_patch(
    context: ToolContext,
    due: str | None,
    recurrence: str | None = None,
    remind: str | None = None,
    *,
    lengths: bool = False,
    task: Task | None = None,
) -> TaskPatch:
    """What these words set of a task's due date, its repeating and its reminder. Raises ToolFailure or DomainError.

    `task` is the one that is changed, where there is just one; `lengths` is as `read_due` has it.
    """
    patch, repeats = TaskPatch(), None
    if due is not None:
        read = _moved(due, context, task) or read_due(due, context, lengths=lengths)
        repeats = read.repeats
        if repeats is None:
            patch = replace(patch, due_date=read.date, due_at=read.at, time_zone=read.time_zone)
    if recurrence is not None:
        said = read_repeats(recurrence, context)
        patch, repeats = (replace(patch, recurrence=None), None) if said is None else (patch, said)
    if repeats is not None:
        patch = with_repeats(patch, repeats, context, task)
    return patch if remind is None else with_reminder(patch, remind, context, _whole_day(patch, task))


def _whole_day(patch: TaskPatch, task: Task | None) -> date | None:
    """The day that the task is then due on without a time of day; None for any other, and for one that repeats."""
    if given(patch.due_at, task.due_at if task else None) or given(patch.recurrence, task.recurrence if task else None):
        return None
    return given(patch.due_date, task.due_date if task else None)


def _moved(words: str, context: ToolContext, task: Task | None) -> Due | None:
    """What words mean that start from the due date which the task has; None for others. Raises ToolFailure INVALID."""
    if task is None:
        return None
    if (shift := shift_of(words, context)) is not None:
        at = shifted(task, shift)
        return Due(at=at, time_zone=task.time_zone) if isinstance(at, datetime) else Due(date=at)
    same_day = on_its_day(words, task, context)
    return None if same_day == words else read_due(same_day, context)


def _of_interval(start: date | datetime, end: date | datetime, context: ToolContext) -> Due:
    if isinstance(start, datetime) or isinstance(end, datetime):
        return Due(at=start if isinstance(start, datetime) else None, time_zone=context.time_zone)
    return Due(date=start if start >= _today(context) else end - timedelta(days=1))


def read_window(words: str, context: ToolContext) -> Days | Span | DueBucket | None:
    """What a list is asked for: a bucket, whole days, a span of time, or None for any. Raises ToolFailure INVALID."""
    plain = _plain(words)
    if plain in _ANY:
        return None
    if plain in _NONE:
        return DueBucket.NONE
    if plain in ("overdue", "late", "past due"):
        return DueBucket.OVERDUE
    if plain in _WEEKS:
        return bucket_days(_WEEKS[plain], _today(context), context.week_start)
    if (ahead := _AHEAD.fullmatch(plain)) and isinstance(_resolve(ahead["length"], context), dates.DurationValue):
        return _until(_resolve(f"in {ahead['length']}", context), words, context)
    value = _resolve(words, context)
    ranged = isinstance(value, dates.IntervalValue) and plain.startswith("from ")  # "from friday to monday"
    if not ranged and (side := _SIDE.fullmatch(plain)) and (days := _days(side["day"], context)):
        return _beside(side["side"], days)
    if isinstance(value, dates.IntervalValue) and isinstance(value.start, datetime) and isinstance(value.end, datetime):
        return Span(value.start, value.end)
    if isinstance(value, dates.DurationValue):
        return _until(_resolve(f"in {words}", context), words, context)
    if days := _days(words, context):
        return days
    raise _not_understood(words)


def read_past(words: str, context: ToolContext) -> Days | Span | None:
    """When tasks were done, in the words of a list's filter. Raises ToolFailure INVALID."""
    window = read_window(words, context)
    if isinstance(window, DueBucket):
        raise _not_understood(words)
    return window


def _until(value: dates.Value | None, words: str, context: ToolContext) -> Days | Span:
    """From today, or from now, to there."""
    match value:
        case dates.DateValue(day):
            return Days(_today(context), day + timedelta(days=1))
        case dates.DateTimeValue(at, _):
            return Span(context.now, at)
        case _:
            raise _not_understood(words)


def _days(words: str, context: ToolContext) -> Days | None:
    """The whole days that the words name; of a time its day."""
    match _resolve(words, context):
        case dates.DateValue(day):
            return Days(day, day + timedelta(days=1))
        case dates.DateTimeValue(at, zone):
            day = at.astimezone(ZoneInfo(zone)).date()
            return Days(day, day + timedelta(days=1))
        case dates.IntervalValue(start, end, _) if not isinstance(start, datetime) and not isinstance(end, datetime):
            return Days(start, end)
        case _:
            return None


def _beside(side: str, days: Days) -> Days:
    if side == "before":
        return Days(None, days.start)
    if side == "after":
        return Days(days.end, None)
    return Days(days.start, None) if side in ("from", "since") else Days(None, days.end)


def _resolve(words: str, context: ToolContext) -> dates.Value | None:
    value = context.resolve(words)
    return value if value is not None else _iso(words, context)


def _iso(words: str, context: ToolContext) -> dates.Value | None:
    """ISO 8601 forms that nobody says but that models write, e.g. 20260310 or 2026-03-10T15:00:00.5+01."""
    text = words.strip()
    try:
        return dates.DateValue(date.fromisoformat(text))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
        aware = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(context.time_zone))
        return dates.DateTimeValue(aware.astimezone(UTC), context.time_zone)
    except (ValueError, OverflowError):
        return None


def _today(context: ToolContext) -> date:
    return context.now.astimezone(ZoneInfo(context.time_zone)).date()


def _plain(words: str) -> str:
    return " ".join(words.casefold().split()).strip(" .!?")


def _not_understood(words: str) -> ToolFailure:
    message = f"I didn't understand “{words}” as a date or time. Nothing was changed."
    return ToolFailure(ErrorCode.INVALID, message)
