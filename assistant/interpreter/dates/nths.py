"""Days and periods by their number in another: "the first Tuesday in October", "the last 3 weeks of the year"."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.days import nth_weekday
from assistant.interpreter.dates.numbers import cardinal, ordinal
from assistant.interpreter.dates.parts import Found, Here, Part, Period, Point, add_months, add_working_days
from assistant.interpreter.dates.periods import MONTHS_IN, named, replace_year, unit_period
from assistant.interpreter.dates.tokens import Source

_WITHIN = ("of", "in", "after", "before", "from", "to")  # what the third Wednesday is counted in


def nth_of(s: Source, i: int, here: Here) -> Found | None:
    """ "the first Tuesday in October", "last week of 2019", "the last four months of 2021", "36th day of 2011"."""
    found = nth(s, i)
    if found is None:
        return None
    which, j = found
    counted = (cardinal(s, j) or _vaguely(s, j)) if which in (1, -1) else None
    number, j = counted if counted else (1, j)
    if working := working_day(s, j):
        return _working_day_of(s, working, which, here) if number == 1 else None
    number_of = v.WEEKDAYS.get(s.word(j), v.WEEKDAY_PLURALS.get(s.word(j)))
    unit = v.UNITS.get(s.word(j), "")
    part = s.word(j + 1) in v.PARTS and number_of is not None  # "the first Monday evening of next month"
    if number_of is not None and 0 < which <= 5 and number == 1 and s.word(j + 1 + part) not in _WITHIN:
        return _nth_of_month(which, number_of, here), j + 1
    unit = "weekend" if s.word(j) in v.WEEKENDS else unit
    known = number_of is not None or unit in ("day", "week", "month", "quarter", "weekend")
    if not known or s.word(j + 1 + part) not in ("of", "in"):
        return None
    inside = named(s, j + 2 + part, here, loose=True)
    if inside is None or number < 1:
        return None
    made = _inside(inside[0], which, number, unit, number_of)
    if made.day and made.day < here.today and s.word(inside[1] - 1) in v.MONTHS:
        made = _inside(replace_year(inside[0], 1), which, number, unit, number_of)
    if part:
        made = replace(made, part=Part(s.word(j + 1)))
    return made, inside[1]


def _vaguely(s: Source, i: int) -> tuple[int, int] | None:
    """ "few", "couple of"."""
    return (v.VAGUE[s.word(i)], i + 1 + (s.word(i + 1) == "of")) if s.word(i) in v.VAGUE else None


def working_day(s: Source, i: int) -> int:
    """The index after "business day" or "weekday", or 0."""
    if s.word(i) in v.WORKING and s.word(i + 1) in ("day", "days"):
        return i + 2
    return i + 1 if s.word(i) in v.WORKING_DAYS else 0


def _working_day_of(s: Source, i: int, which: int, here: Here) -> Found | None:
    """ "the last business day of the month", "first weekday in january". Raises ValueError where there is none."""
    inside = named(s, i + 1, here, loose=True) if s.word(i) in ("of", "in") else None
    if inside is None:
        return None
    period = inside[0]
    found = add_working_days(period.start - timedelta(days=1) if which > 0 else period.end, which)
    if not period.start <= found < period.end:
        raise ValueError("no such day")
    return Point(day=found), inside[1]


def _nth_of_month(which: int, number_of: int, here: Here) -> Point:
    """ "the third Wednesday": of this month, or of the next where it is over. Raises ValueError for a fifth."""
    for step in (0, 1):
        month = unit_period("month", here, step)
        if month and (day := nth_weekday(month, number_of, which)) >= here.today:
            return Point(day=day)
    raise ValueError("no such day")


def nth(s: Source, i: int) -> tuple[int, int] | None:
    """ "third" is 3, "last" -1, "second last" and "second to last" -2, and the index after it."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in v.FINAL:
        return -1, j + 1
    if s.word(j) == "penultimate":
        return -2, j + 1
    found = ordinal(s, j)
    if found is None:
        return None
    number, after = found
    for between in ((), ("to",), ("to", "the"), ("-",)):
        if s.words(after, *between) and s.word(after + len(between)) in v.FINAL:
            return -number, after + len(between) + 1
    return number, after


def _inside(whole: Period, which: int, number: int, unit: str, number_of: int | None) -> Point:
    """The unit or weekday with that number inside the period. Raises ValueError where it has no such."""
    if number_of is not None:
        return Point(day=nth_weekday(whole, number_of, which))
    if unit == "weekend":
        saturday = nth_weekday(whole, 5, which)
        return Point(period=Period(saturday, saturday + timedelta(days=2), "weekend"))
    if unit == "day":
        start = whole.start + timedelta(days=which - 1) if which > 0 else whole.end + timedelta(days=which)
        start = start if which > 0 else start - timedelta(days=number - 1)
    elif unit == "week":  # a week belongs to where its Thursday is (ISO 8601)
        pivot = whole.start + timedelta(days=3) if which > 0 else whole.end - timedelta(days=4)
        weeks = which - 1 if which > 0 else which + 2 - number
        start = pivot - timedelta(days=pivot.weekday()) + timedelta(days=7 * weeks)
        return Point(period=Period(start, start + timedelta(days=7 * number), "week"))
    else:
        months = MONTHS_IN[unit]
        away = which - 1 if which > 0 else which + 1 - number
        start = add_months(whole.start if which > 0 else whole.end, months * away)
        end = add_months(start, months * number)
        if not (whole.start <= start and end <= whole.end):
            raise ValueError("no such month")
        return Point(period=Period(start, end, unit))
    if not whole.start <= start < whole.end:
        raise ValueError("no such day")
    return Point(day=start) if number == 1 else Point(period=Period(start, start + timedelta(days=number), "day"))
