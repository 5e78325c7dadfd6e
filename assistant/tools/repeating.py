"""The user's words for how a task repeats: a rule and its first due date, or that it repeats no more."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.tools.base import ToolContext, ToolFailure
from core.errors import ErrorCode
from models.enums import RecurrenceFrom
from models.tasks import Task
from services.recurrence import Occurrence, Series, first_day, following, parse
from services.tasks import TaskPatch
from services.tasks.repeating import series_of

_ENDS: Final = re.compile(
    r"(?:none|no|never|not|once|just once|only once|one[- ]?time|clear|(?:it )?(?:doesn't|does not|don't|do not"
    r"|shouldn't|stop|stops|no longer|not) (?:repeat|repeats|repeating|recur|recurring)|not repeating"
    r"|no (?:repeat|recurrence)s?)"
    r"(?: any ?more| any ?longer)?"
)
_AFTER: Final = re.compile(
    r"[\s,]+(?:(?:counted |counting )?(?:after|from|since|once|when) (?:completion|completing(?: it)?|finishing(?: it)?"
    r"|(?:it is|it's|it was) (?:done|completed|finished)"
    r"|(?:i|i've|i have) (?:did|do|done|finish|finished|complete|completed)(?: it)?|the last time))$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Repeats:
    """A rule, the first time that it names, and what it is counted from."""

    rule: str
    first: Occurrence
    time_zone: str | None
    origin: RecurrenceFrom


def read_repeats(words: str, context: ToolContext) -> Repeats | None:
    """How a task repeats by these words; None where they say that it doesn't. Raises ToolFailure INVALID."""
    plain = " ".join(words.casefold().replace("’", "'").split()).strip(" .!")
    if _ENDS.fullmatch(plain):
        return None
    bare = _AFTER.sub("", words.strip(" .!"))
    value = context.resolve(bare)
    if not isinstance(value, dates.RecurrenceValue):
        message = f"I didn't understand “{words}” as how something repeats. Nothing was changed."
        raise ToolFailure(ErrorCode.INVALID, message)
    return repeats_of(value, context, after=bare != words.strip(" .!"))


def repeats_of(value: dates.RecurrenceValue, context: ToolContext, *, after: bool = False) -> Repeats:
    """The same of what the words were resolved to. A first time that is over gives way to the next.

    Raises ToolFailure INVALID where a task can't repeat so.
    """
    _check_taken(value.rrule)
    origin = RecurrenceFrom.COMPLETION if after else RecurrenceFrom.DUE
    match value.first:
        case dates.DateTimeValue(at, zone):
            series = Series.of(value.rrule, None, at, zone)
            ahead = (one for one in following(series) if one.at is not None and one.at > context.now)
            first = Occurrence(series.day, at) if at > context.now else next(ahead, Occurrence(series.day, at))
            return Repeats(value.rrule, first, zone, origin)
        case dates.DateValue(day):
            return Repeats(value.rrule, Occurrence(day), None, origin)


def _check_taken(rule: str) -> None:
    """Words can mean more than a task can do: "every two hours", "every day at 9 and 17:00"."""
    if rule.startswith(("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY")):
        raise ToolFailure(ErrorCode.INVALID, "A task repeats once a day at most. Nothing was changed.")
    if "BYHOUR=" in rule:
        message = "A task repeats at one time of the day; another time needs a task of its own. Nothing was changed."
        raise ToolFailure(ErrorCode.INVALID, message)


def with_repeats(patch: TaskPatch, repeats: Repeats, context: ToolContext, task: Task | None) -> TaskPatch:
    """The patch with the rule and where it begins.

    That is the due date that the patch names, at the rule's time where it names none itself; else the rule's own first
    time; else, for a task that is due already, its due date or the first day after it that the rule names.
    """
    ruled = replace(patch, recurrence=repeats.rule, recurrence_from=repeats.origin)
    at = repeats.first.at
    if isinstance(patch.due_at, datetime):
        return ruled
    if isinstance(patch.due_date, date):
        return ruled if at is None else _timed(ruled, patch.due_date, repeats)
    present = None if at is not None or task is None else _present(task, repeats.rule, context)
    if present is not None:
        day = first_day(parse(repeats.rule), present.day)
        return ruled if day == present.day else _due(ruled, present.at(day), present.zone)
    if at is None and context.due_time is not None:  # what the user's settings say of a day without a time
        series = Series(parse(repeats.rule), repeats.first.date, context.due_time, context.time_zone)
        return _due(ruled, series.at(series.day), context.time_zone)
    return _due(ruled, repeats.first, repeats.time_zone)


def _present(task: Task, rule: str, context: ToolContext) -> Series | None:
    """The task's present due date, as an occurrence of the new rule; None where it has none."""
    if task.due_date is None and task.due_at is None:
        return None
    if task.recurrence is not None and (own := series_of(task)) is not None:
        return replace(own, rule=parse(rule))
    return Series.of(rule, task.due_date, task.due_at, task.time_zone or context.time_zone)


def _timed(patch: TaskPatch, day: date, repeats: Repeats) -> TaskPatch:
    """Due on that day at the rule's time of day."""
    assert repeats.first.at is not None, "the rule has a time"
    assert repeats.time_zone is not None, "and with it a zone"
    wall = repeats.first.at.astimezone(ZoneInfo(repeats.time_zone)).time()
    return _due(patch, Series(parse(repeats.rule), day, wall, repeats.time_zone).at(day), repeats.time_zone)


def _due(patch: TaskPatch, occurrence: Occurrence, time_zone: str | None) -> TaskPatch:
    if occurrence.at is None:
        return replace(patch, due_date=occurrence.date, due_at=None, time_zone=None)
    return replace(patch, due_date=None, due_at=occurrence.at, time_zone=time_zone)
