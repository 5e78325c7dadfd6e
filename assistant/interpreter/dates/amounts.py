"""Lengths of time: "3 days", "an hour and a half", "2h30", "five business days"; and days so far from another."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.numbers import cardinal, count, is_digits
from assistant.interpreter.dates.parts import Amount, Here, Point, add_months, add_working_days
from assistant.interpreter.dates.tokens import Source, remembered

_FINER = {"hour": "minute", "minute": "second"}
_COLON = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?![0-9:])")
_MOST_PARTS = 7  # years, months, weeks, days, hours, minutes, seconds
_MORE = frozenset({"more", "-", "full", "whole", "of", "additional", "extra", "other", "solid", "straight"})
_PRIMES = {"'": "minute", '"': "second"}


def unit_at(s: Source, i: int, after_number: bool = True) -> tuple[str, int] | None:
    """The unit named there. Short ones ("h", "mo") only after a number."""
    low = s.word(i)
    if low in v.UNITS:
        return v.UNITS[low], i + 1 + (s.word(i + 1) == "." and low not in v.LENGTHS and s.glued(i + 1))
    decade = low == "s" and s.word(i - 2) == "the" and s.word(i - 1).endswith("0")  # "in the 80s"
    if (
        after_number
        and not decade
        and is_digits(s.word(i - 1))
        and (low in v.SHORT_UNITS or (low in _PRIMES and s.glued(i)))
    ):
        return v.SHORT_UNITS.get(low) or _PRIMES[low], i + 1
    return None


def of_unit(number: float, unit: str) -> Amount:
    """So many of a unit. A part of a month is as many thirtieths of it in days."""
    months, days, seconds = v.LENGTHS[unit]
    whole = int(number)
    rest = number - whole
    one = Amount(months * whole, days * whole, seconds * whole, fine=seconds > 0, unit=unit)
    if not rest:
        return one
    if months:
        more, part = divmod(months * rest, 1)
        return one.plus(Amount(months=int(more), days=round(part * 30), unit=unit))
    return one.plus(Amount(seconds=round((days * 86400 + seconds) * rest), fine=True, unit=unit))


def _one(s: Source, i: int) -> tuple[Amount, int] | None:
    """A count and its unit."""
    counted = count(s, i)
    if counted is None:
        return None
    number, j = counted
    j += s.word(j) in _MORE and s.word(j + 1) in v.UNITS
    if s.word(j) in v.WORKING and s.word(j + 1) in ("day", "days"):
        return Amount(days=int(number), working=True, unit="day"), j + 2
    if s.word(j) in v.WORKING_DAYS and number == int(number) and s.word(i) not in v.ARTICLES:
        return Amount(days=int(number), working=True, unit="day"), j + 1
    if s.word(j) in ("weekends", "weekend") and number == int(number) and s.word(i) not in v.ARTICLES:
        return Amount(days=2 * int(number), unit="day"), j + 1
    named = unit_at(s, j)
    return (of_unit(number, named[0]), named[1]) if named else None


@remembered
def amount(s: Source, i: int) -> tuple[Amount, int] | None:
    """A length of time, joined by "and" or a comma: "1 hour and 30 minutes", "an hour and a half", "1 hour fifteen"."""
    if s.word(i) == "another" and (named := unit_at(s, i + 1, after_number=False)):
        return of_unit(1, named[0]), named[1]
    if found := _by_colon(s, i):
        return found
    i += s.word(i) == "another"
    found = _one(s, i) or _unit_and_part(s, i)
    if found is None:
        return None
    total, after = found
    for _ in range(_MOST_PARTS):
        more = _one(s, after) if s.word(after) not in v.ARTICLES else None  # "6 days a week"
        more = more or _next_after_and(s, after) or _bare_rest(s, after, total)
        if more and more[0].unit == "minute" and total.unit in ("year", "month") and s.word(more[1] - 1) == "m":
            more = of_unit(more[0].seconds / 60, "month"), more[1]  # "2y 3m"
        if more is None or more[0].working:
            after += 2 * (s.word(after) == "or" and s.word(after + 1) in ("so", "two"))  # "a week or so"
            break
        total, after = total.plus(more[0]), more[1]
    return total, after


def _unit_and_part(s: Source, i: int) -> tuple[Amount, int] | None:
    """The hour of "hour and a half"."""
    k = i + 2 + (s.word(i + 2) in v.ARTICLES)
    halved = s.word(i + 1) == "and" and s.word(k) in v.FRACTIONS and s.word(k + 1) not in v.UNITS
    return (of_unit(1, s.word(i)), i + 1) if halved and s.word(i) in v.LENGTHS else None


def _by_colon(s: Source, i: int) -> tuple[Amount, int] | None:
    """ "1:30 hours", "00:45 min"."""
    found = s.match(_COLON, i) if is_digits(s.word(i), 3) else None
    unit = v.UNITS.get(s.word(found[1])) if found else None
    if found is None or unit not in _FINER or (unit == "hour" and (6 < int(found[0][1]) < 25 or found[0][1][0] == "0")):
        return None  # "13:00 hours" is a time
    by = of_unit(int(found[0][1]), unit).plus(of_unit(int(found[0][2]), _FINER[unit]))
    return by, found[1] + 1


def _next_after_and(s: Source, i: int) -> tuple[Amount, int] | None:
    """The next length after "and" or a comma; "and a day" too, but "milk, a week" isn't meant so."""
    if s.word(i) not in v.AND | {"+", "plus"}:
        return None
    j = i + 1 + (s.word(i) == "," and s.word(i + 1) == "and")
    return _one(s, j) if s.word(j) not in v.ARTICLES or s.word(j + 1) in v.UNITS else None


def _bare_rest(s: Source, i: int, so_far: Amount) -> tuple[Amount, int] | None:
    """ "and a half", or the minutes of "1 hour fifteen" and "2h30" that no unit follows."""
    j = i + 1 if s.word(i) == "and" else i
    if j > i:
        k = j + (s.word(j) in v.ARTICLES)
        if s.word(k) in v.FRACTIONS and s.word(k + 1) not in v.UNITS:
            return of_unit(v.FRACTIONS[s.word(k)], so_far.unit), k + 1
    finer = _FINER.get(so_far.unit)
    rest = cardinal(s, j) if finer else None
    if rest is None or finer is None or not 0 < rest[0] < 60 or (j == i and so_far.unit not in ("hour", "minute")):
        return None
    if (
        s.word(rest[1]) in v.AM_PM
        or s.word(rest[1]) in (":", "/", "%")
        or (s.word(rest[1]).isalpha() and s.word(rest[1]) != "please")
    ):
        return None
    return of_unit(rest[0], finer), rest[1]


def moved(start: date | datetime, by: Amount) -> date | datetime:
    """The day so far from a day, or the time so far from a time. Raises ValueError or OverflowError out of range."""
    day = start.date() if isinstance(start, datetime) else start
    day = add_months(day, by.months)
    day = add_working_days(day, by.days) if by.working else day + timedelta(days=by.days)
    if isinstance(start, datetime):
        return datetime.combine(day, start.time()) + timedelta(seconds=by.seconds)
    return day


def shifted(here: Here, by: Amount) -> Point:
    """The day, or with hours or minutes the moment, so far from now. Hours are real ones, whatever the clocks do."""
    if not by.fine:
        return Point(day=moved(here.today, by))
    wall = here.wall if by.seconds % 60 else here.wall.replace(second=0)
    start = datetime.combine(moved(wall.date(), replace(by, seconds=0)), wall.time()).replace(tzinfo=here.zone)
    moment = (start.astimezone(UTC) + timedelta(seconds=by.seconds)).astimezone(here.zone)
    return Point(moment=moment.replace(tzinfo=None))


def backwards(by: Amount) -> Amount:
    return by.times(-1)
