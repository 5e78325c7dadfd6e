"""Recurrences: "every day", "every Monday and Thursday", "every other week", "weekly", "monthly on the 1st"."""

from __future__ import annotations

from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import number, ordinal
from assistant.interpreter.dates.parts import Found, Here, Parts, Repeat, add_months, month_length
from assistant.interpreter.dates.tokens import Tokens, word

_WEEKDAY_SETS = {"weekday": (0, 1, 2, 3, 4), "workday": (0, 1, 2, 3, 4), "weekend": (5, 6)}


def _weekday(low: str) -> int | None:
    return v.WEEKDAYS.get(low, v.WEEKDAYS.get(low.removesuffix("s")))


def _weekdays(tokens: Tokens, i: int) -> tuple[tuple[int, ...], int]:
    """Weekdays joined by commas and "and", from index i on."""
    days: list[int] = []
    j = i
    while (day := _weekday(word(tokens, j))) is not None:
        days.append(day)
        i = j + 1
        j = i
        while word(tokens, j) in (",", "and", "&"):
            j += 1
    return tuple(sorted(set(days))), i


def _on(tokens: Tokens, i: int, repeat: Repeat) -> tuple[Repeat, int]:
    """The "on Mondays" or "on the 1st" after a bare frequency."""
    if word(tokens, i) != "on":
        return repeat, i
    if repeat.freq == "WEEKLY":
        days, after = _weekdays(tokens, i + 1)
        return (Repeat(repeat.freq, repeat.interval, days), after) if days else (repeat, i)
    if repeat.freq == "MONTHLY":
        found = ordinal(tokens, i + 1 + (word(tokens, i + 1) == "the"))
        return (Repeat(repeat.freq, repeat.interval, month_day=found[0]), found[1]) if found else (repeat, i)
    return repeat, i


def repeat(tokens: Tokens, i: int, here: Here) -> Found | None:
    """A recurrence that starts here, without its time of day."""
    low = word(tokens, i)
    if low in v.FREQUENCIES:
        found, after = _on(tokens, i + 1, Repeat(v.FREQUENCIES[low]))
        return Parts(repeat=found), after
    if low in ("everyday",):
        return Parts(repeat=Repeat("DAILY")), i + 1
    if low not in ("every", "each"):
        return None
    interval, j = 1, i + 1
    if word(tokens, j) in ("other", "second", "2nd"):
        interval, j = 2, j + 1
    elif counted := number(tokens, j):
        interval, j = counted
    unit = word(tokens, j) if interval == 1 else word(tokens, j).removesuffix("s")
    if unit in _WEEKDAY_SETS:
        return Parts(repeat=Repeat("WEEKLY", interval, _WEEKDAY_SETS[unit])), j + 1
    if unit in v.UNIT_FREQUENCIES and interval > 0:
        found, after = _on(tokens, j + 1, Repeat(v.UNIT_FREQUENCIES[unit], interval))
        part = unit if unit in v.PARTS else None
        return Parts(repeat=found, part=part), after
    days, after = _weekdays(tokens, j)
    return (Parts(repeat=Repeat("WEEKLY", interval, days)), after) if days else None


def rule(repeat: Repeat) -> str:
    """The RRULE (RFC 5545 section 3.3.10)."""
    parts = [f"FREQ={repeat.freq}"]
    if repeat.interval != 1:
        parts.append(f"INTERVAL={repeat.interval}")
    if repeat.days:
        parts.append("BYDAY=" + ",".join(v.WEEKDAY_CODES[day] for day in repeat.days))
    if repeat.month_day:
        parts.append(f"BYMONTHDAY={repeat.month_day}")
    return ";".join(parts)


def first_day(repeat: Repeat, here: Here) -> date:
    """The first day of the rule, today included."""
    if repeat.days:
        return min(here.today + timedelta(days=(day - here.today.weekday()) % 7) for day in repeat.days)
    if repeat.month_day:
        for months in range(0, 12):
            start = add_months(here.today.replace(day=1), months)
            if repeat.month_day <= month_length(start.year, start.month):
                day = start.replace(day=repeat.month_day)
                if day >= here.today:
                    return day
    return here.today
