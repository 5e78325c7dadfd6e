"""Weeks by their number or by a day of theirs: "week 12 of 2027", "2027-W03", "the week of October 7th"."""

from __future__ import annotations

from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.days import day_of_month, month_day, relative_day, said_year, weekday, year_at
from assistant.interpreter.dates.holidays import holiday
from assistant.interpreter.dates.numbers import cardinal, is_digits
from assistant.interpreter.dates.numeric import numeric_day
from assistant.interpreter.dates.parts import Found, Here, Period, Point
from assistant.interpreter.dates.settling import day_in
from assistant.interpreter.dates.tokens import Source

_COMMENCING = frozenset({"of", "commencing", "starting", "beginning", "from", "ending"})
_DAYS = (month_day, numeric_day, weekday, day_of_month, relative_day, holiday)
_CALENDAR = frozenset({"calendar", "iso"})


def week_number(s: Source, i: int, here: Here) -> Found | None:
    """ "week 12", "week 27 of last year", "wk 3 2027", "w12", "2027-W03", "2027 week 3": a week of ISO 8601."""
    j = i + (s.word(i) in v.THE)
    year = year_at(s, j) if is_digits(s.word(j), 4) else None
    if year:
        j = year[1] + (s.word(year[1]) in ("-", ","))
    j += s.word(j) in _CALENDAR and s.word(j + 1) in v.WEEK_WORDS
    short = s.word(j) == "w"
    if s.word(j) not in v.WEEK_WORDS and not (short and s.glued(j + 1)):
        return None
    j += 1 + (s.word(j + 1) in ("number", "no", "#")) + (s.word(j + 1) == "no" and s.word(j + 2) == ".")
    number = cardinal(s, j) if not is_digits(s.word(j)) or len(s.word(j)) <= 2 else None
    if number is None or not 1 <= number[0] <= 53 or s.word(number[1]) in v.UNITS or s.word(j) in v.ARTICLES:
        return None
    after = number[1]
    if s.glued(after) and s.word(after) in v.ORDINAL_ENDS | {".", ":", "/", "-"} and s.word(after + 1).isdigit():
        return None
    if year is None:
        year = said_year(s, after + (s.word(after) in ("of", ",", "in", "/", "-")), here)
    if year is None and short and len(s) > after - i and s.word(i - 1) not in ("in", "by", "until", "for", ""):
        return None
    monday = _monday(number[0], year[0] if year else None, here)
    return Point(period=Period(monday, monday + timedelta(days=7), "week")), max(after, year[1] if year else 0)


def _monday(number: int, year: int | None, here: Here) -> date:
    """Its first day; without a year that of the next such week, the present one included. Raises ValueError."""
    if year is not None:
        return date.fromisocalendar(year, number, 1)
    this_year = here.today.isocalendar().year
    for step in (0, 1, -1) if here.future else (0, -1):
        try:
            monday = date.fromisocalendar(this_year + step, number, 1)
        except ValueError:  # no 53rd week
            continue
        if (monday + timedelta(days=7) > here.today) == here.future or (not here.future and monday <= here.today):
            return monday
    raise ValueError("no such week")


def week_of(s: Source, i: int, here: Here) -> Found | None:
    """ "the week of October 7th", "the week commencing February 4": the week from Monday that has that day."""
    j = i + (s.word(i) in v.THE)
    feast = holiday(s, j, here)
    if feast and s.word(feast[1]) == "week" and feast[0].day:  # "christmas week"
        return _week_with(feast[0].day), feast[1] + 1
    if s.word(j) not in v.WEEKENDS | {"week"} or s.word(j + 1) not in _COMMENCING:
        return None
    k = j + 2 + (s.word(j + 2) == "on")
    found = max((one for reader in _DAYS if (one := reader(s, k, here))), key=lambda one: one[1], default=None)
    day = day_in(found[0], here) if found else None
    if found is None or day is None:
        return None
    if s.word(j) in v.WEEKENDS:
        monday = day - timedelta(days=day.weekday())
        saturday = monday + timedelta(days=5 if day.weekday() > 1 else -2)
        return Point(period=Period(saturday, saturday + timedelta(days=2), "weekend")), found[1]
    return _week_with(day), found[1]


def _week_with(day: date) -> Point:
    monday = day - timedelta(days=day.weekday())
    return Point(period=Period(monday, monday + timedelta(days=7), "week"))
