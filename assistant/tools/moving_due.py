"""A due date told from the one that a task has: "by two days", "an hour later", "at 5" on the day that it is due."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.tools.base import ToolContext, ToolFailure
from core.errors import ErrorCode
from models.tasks import Task

_SHIFT: Final = re.compile(
    r"(?:(?P<by>by)\s+)?(?P<length>\S.*?)(?:\s+(?P<way>later|back|ahead|earlier|sooner|forward))?", re.IGNORECASE
)
_EARLIER: Final = frozenset({"earlier", "sooner"})
_CLOCK: Final = re.compile(r"(?:at\s+)?(?:\d{1,2}(?::\d\d)?\s*(?:am|pm)?|\d{1,2}h|noon|midnight)", re.IGNORECASE)
_DAY: Final = 86400


def shift_of(words: str, context: ToolContext) -> dates.DurationValue | None:
    """How far the words move a due date, below zero where it comes earlier; None where they name a date or time."""
    m = _SHIFT.fullmatch(" ".join(words.split()).strip(" .!"))
    if m is None or not (m["by"] or m["way"]):
        return None
    length = context.resolve(m["length"])
    if not isinstance(length, dates.DurationValue):
        return None
    sign = -1 if (m["way"] or "").lower() in _EARLIER else 1
    return dates.DurationValue(sign * length.months, sign * length.seconds)


def shifted(task: Task, shift: dates.DurationValue) -> date | datetime:
    """When the task is due then: days by the calendar of its zone, hours by the clock. Raises ToolFailure INVALID."""
    whole_days = shift.seconds % _DAY == 0
    try:
        days = timedelta(seconds=shift.seconds if whole_days else 0)
        if task.due_at is not None:
            wall = task.due_at.astimezone(ZoneInfo(task.time_zone or "UTC"))
            day = dates.add_months(wall.date(), shift.months) + days
            at = datetime.combine(day, wall.timetz()).astimezone(UTC)
            return at if whole_days else at + timedelta(seconds=shift.seconds)
        if task.due_date is not None and whole_days:
            return dates.add_months(task.due_date, shift.months) + days
    except (OverflowError, ValueError):
        raise ToolFailure(ErrorCode.INVALID, "That is too far away. Nothing was changed.") from None
    why = "is due on a whole day: say at what time it shall be due" if task.due_date else "has no due date to move"
    raise ToolFailure(ErrorCode.INVALID, f"“{task.title}” {why}. Nothing was changed.")


def on_its_day(words: str, task: Task, context: ToolContext) -> str:
    """A mere time of day with the day that the task is due on, where that isn't over; other words as they are."""
    zone = ZoneInfo(context.time_zone)
    day = task.due_at.astimezone(zone).date() if task.due_at else task.due_date
    if day is None or day < context.now.astimezone(zone).date() or not _CLOCK.fullmatch(words.strip()):
        return words
    clock = words.strip()
    whole = f"{day} {clock if clock.lower().startswith('at ') else f'at {clock}'}"
    found = context.resolve(whole)
    return whole if isinstance(found, dates.DateTimeValue) else words
