"""The user's words for when to be reminded: a time, some time before a task is due, or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.tools.base import ToolContext, ToolFailure
from core.errors import ErrorCode
from services.tasks import TaskPatch

MORNING: Final = time(9)
"""When a day without a time reminds, where the user's settings name no time for such days."""

AT_DUE: Final = "when it is due"

_DAY: Final = 24 * 60
"""Minutes."""

_NONE: Final = re.compile(r"(?:none|no|never|not|not at all|clear|no reminder|don't|do not)(?: any ?more)?")
_THEN: Final = re.compile(
    r"(?:when (?:it is|it's) due|then|on time|at (?:the |its )?(?:due )?time|at due time|when due|at that time)"
)
_BEFORE: Final = re.compile(
    r"(?P<length>.+?)\s+(?:before(?:hand)?|early|earlier|ahead|in advance|prior)"
    r"(?:\s+(?:it|it's due|it is due|then|that))?"
)


def with_reminder(patch: TaskPatch, words: str, context: ToolContext, day: date | None = None) -> TaskPatch:
    """The patch with the reminder that the words mean. Raises ToolFailure INVALID.

    `day` is the whole day that the task is due on, where that is so: reminders count from its morning.
    """
    plain = " ".join(words.casefold().replace("’", "'").split()).strip(" .!")
    if _NONE.fullmatch(plain):
        return replace(patch, remind_at=None)
    if _THEN.fullmatch(plain):
        return replace(patch, remind_before=0) if day is None else _on_morning(patch, day, context)
    if before := _BEFORE.fullmatch(plain):
        minutes = _minutes(before["length"], words, context)
        if day is None:
            return replace(patch, remind_before=minutes)
        if minutes % _DAY:
            message = "The task is due on a whole day: say at what time to remind you. Nothing was changed."
            raise ToolFailure(ErrorCode.INVALID, message)
        return _on_morning(patch, day - timedelta(minutes=minutes), context)
    return replace(patch, remind_at=moment(words, context))


def _on_morning(patch: TaskPatch, day: date, context: ToolContext) -> TaskPatch:
    return replace(patch, remind_at=_morning(day, context))


def _morning(day: date, context: ToolContext) -> datetime:
    return datetime.combine(day, context.due_time or MORNING, ZoneInfo(context.time_zone)).astimezone(UTC)


def moment(words: str, context: ToolContext) -> datetime:
    """The instant that the words name: a length counts from now, a day is its morning. Raises ToolFailure INVALID."""
    value = context.resolve(words)
    if isinstance(value, dates.DurationValue):
        value = context.resolve(f"in {words}")
    match value:
        case dates.DateTimeValue(at, _):
            return at
        case dates.DateValue(day):
            return _morning(day, context)
        case _:
            raise _not_understood(words)


def _minutes(length: str, words: str, context: ToolContext) -> int:
    value = context.resolve(length)
    if not isinstance(value, dates.DurationValue) or value.months:
        raise _not_understood(words)
    return value.seconds // 60


def _not_understood(words: str) -> ToolFailure:
    return ToolFailure(ErrorCode.INVALID, f"I didn't understand “{words}” as when to remind you. Nothing was changed.")
