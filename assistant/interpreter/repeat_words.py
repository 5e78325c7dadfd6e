"""A recurrence rule in English: "every other Monday", "every month on the last day, 5 times"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from assistant.interpreter.wording import joined
from services.recurrence import Frequency, Rule, Weekday, parse

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_PLACES: Final = ("first", "second", "third", "fourth", "fifth")
_UNITS: Final = {Frequency.DAILY: "day", Frequency.WEEKLY: "week", Frequency.MONTHLY: "month", Frequency.YEARLY: "year"}
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_WORKDAYS: Final = frozenset(range(5))


def rule_words(recurrence: str, start: date, *, after_done: bool = False) -> str:
    """How a task repeats by a rule counted from `start`. Every part of the rule is told, if not always elegantly."""
    rule = parse(recurrence)
    text = _weekly(rule, start) if rule.frequency is Frequency.WEEKLY else _every(rule) + _on(rule, start)
    if after_done:
        text += ", counted from when it is done"
    if rule.count is not None:
        text += ", once more" if rule.count == 1 else f", {rule.count} times"
    if rule.until is not None:
        text += f" until {_day_of_year(rule.until.day, rule.until.month)} {rule.until.year}"
    return text


def _every(rule: Rule) -> str:
    unit = _UNITS[rule.frequency]
    if rule.interval == 1:
        return f"every {unit}"
    return f"every other {unit}" if rule.interval == 2 else f"every {rule.interval} {unit}s"


def _weekly(rule: Rule, start: date) -> str:
    days = sorted({one.day for one in rule.weekdays}) or [start.weekday()]
    tail = _within_months(rule) + _positions(rule)
    if rule.interval > 2:
        return f"{_every(rule)} on {_named(days)}{tail}"
    every = "every " if rule.interval == 1 else "every other "
    if len(days) == 7:
        return (_every(rule) if rule.interval > 1 else "every day") + tail
    return every + ("weekday" if set(days) == _WORKDAYS else _named(days)) + tail


def _on(rule: Rule, start: date) -> str:
    """Which days of its day, month or year."""
    if rule.frequency is Frequency.YEARLY and rule.months and not (rule.weekdays or rule.weeks or rule.year_days):
        days = rule.month_days or (start.day,)
        if all(day > 0 for day in days):
            dates = [_day_of_year(day, month) for month in rule.months for day in days]
            return f" on {joined(dates)}" + _positions(rule)
    parts: list[str] = []
    if rule.weekdays:
        parts.append(_chosen_weekdays(rule))
    if rule.month_days:
        joint = "if that is " if rule.weekdays else "on "
        parts.append(joint + joined([f"the {_place(day, 'day')}" for day in rule.month_days]))
    if rule.year_days:
        parts.append("on " + joined([f"the {_place(day, 'day')} of the year" for day in rule.year_days]))
    if rule.weeks:
        parts.append("in " + joined([f"the {_place(week, 'week')} of the year" for week in rule.weeks]))
    if not parts and rule.frequency is Frequency.MONTHLY:
        parts.append(f"on the {_ordinal(start.day)}")
    if not parts and rule.frequency is Frequency.YEARLY:
        return f" on {_day_of_year(start.day, start.month)}"
    text = "".join(f" {part}" for part in parts)
    return text + _within_months(rule) + ("" if _workday_of(rule) else _positions(rule))


def _chosen_weekdays(rule: Rule) -> str:
    if _workday_of(rule):
        return f"on the {_place(rule.positions[0], 'weekday')}"
    if {one.day for one in rule.weekdays} == _WORKDAYS and not any(one.nth for one in rule.weekdays):
        return "on weekdays"
    return "on " + joined([_weekday(one) for one in rule.weekdays])


def _workday_of(rule: Rule) -> bool:
    """Whether it is "the last weekday", "the first weekday" of its month or year."""
    days = [one.day for one in rule.weekdays if not one.nth]
    only = not (rule.month_days or rule.year_days or rule.weeks)
    return only and len(rule.positions) == 1 and len(days) == len(rule.weekdays) and set(days) == _WORKDAYS


def _weekday(one: Weekday) -> str:
    return f"the {_place(one.nth, _DAYS[one.day])}" if one.nth else _DAYS[one.day]


def _within_months(rule: Rule) -> str:
    return f" in {joined([_MONTHS[month - 1] for month in rule.months])}" if rule.months else ""


def _positions(rule: Rule) -> str:
    if not rule.positions:
        return ""
    places = [f"the {_place(place, 'one')}" for place in rule.positions]
    return f", of these {joined(places)}"


def _place(nth: int, noun: str) -> str:
    """ "first Monday", "last day", "second to last week", "15th"; days of a month go by their number."""
    if nth == -1:
        return f"last {noun}"
    if nth < 0:
        return f"{_nth(-nth)} to last {noun}"
    return _ordinal(nth) if noun == "day" else f"{_nth(nth)} {noun}"


def _nth(number: int) -> str:
    return _PLACES[number - 1] if number <= len(_PLACES) else _ordinal(number)


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"


def _day_of_year(day: int, month: int) -> str:
    return f"{day} {_MONTHS[month - 1]}"


def _named(days: Sequence[int]) -> str:
    return joined([_DAYS[day] for day in days])
