"""Days in figures: ISO 8601 dates and times, "12/24", "24.12.2026", "9/2012", "22/Jan/2019"."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.parts import Clock, Found, Here, Period, Point, add_months, month_length
from assistant.interpreter.dates.tokens import Source

_NOT_MORE = r"(?![0-9]|[-/.][0-9])"
_ISO = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?![0-9]|[-.][0-9]|/[0-9](?![0-9]{3}))"
    r"(?:(?:[tT] ?| )([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?:(?<=[0-9])([zZ]|[+-](?:0[0-9]|1[0-4])(?::?[0-9]{2})?))?)?"
    r"(?![0-9:])"
)
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])(?![0-9])")
_NUMERIC = re.compile(r"([0-9]{1,2})(?P<sep>[-/.])([0-9]{1,2})(?:(?P=sep)([0-9]{4}|[0-9]{2}))?(?![0-9]|(?P=sep)[0-9])")
_FULL = re.compile(r"([0-9]{1,2})(?P<sep>[-/.])([0-9]{1,2})(?P=sep)([0-9]{4})(?=-[0-9]{1,2}-)")
_MONTH_YEAR = re.compile(r"([0-9]{1,2})[/-]([0-9]{4})" + _NOT_MORE)
_YEAR_MONTH = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})" + _NOT_MORE)
_NAME = r"([A-Za-z]{3,9})"
_DAY_NAME = re.compile(r"([0-9]{1,2})([-/.])" + _NAME + r"(?:\.?\2([0-9]{4}|[0-9]{2}))?(?![0-9])")
_NAME_DAY = re.compile(_NAME + r"([-/])([0-9]{1,2})(?:\2([0-9]{4}|[0-9]{2}))?" + _NOT_MORE)
_YEAR_NAME = re.compile(r"([0-9]{4})([-/])" + _NAME + r"\2([0-9]{1,2})" + _NOT_MORE)
_NAME_YEAR = re.compile(_NAME + r"[-/]([0-9]{4})" + _NOT_MORE)


def full_year(text: str) -> int:
    """A year of two digits lies in this century up to 68 (as in POSIX)."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 69 else 1900)


def numeric_day(s: Source, i: int, here: Here) -> Found | None:
    """A day in figures, with its time where ISO 8601 puts one behind it."""
    low = s.word(i)
    if not low[:1].isdigit():
        return _by_name(s, i) if low in v.MONTHS and s.word(i + 1) in ("-", "/") else None
    if found := s.match(_ISO, i):
        return _iso(s, i, found[0], found[1])
    if found := s.match(_COMPACT, i):
        year, month, day = (int(found[0][part]) for part in (1, 2, 3))
        return (Point(day=date(year, month, day)), found[1]) if _possible(month, day, year) else None
    if s.word(i + 1) not in ("/", ".", "-") or not s.glued(i + 1):
        return None
    if found := s.match(_NUMERIC, i) or s.match(_FULL, i):  # "10-1-2018-10-7-2018"
        return _ordered(s, i, found[0], found[1], here)
    if found := s.match(_MONTH_YEAR, i):
        return _month_of(int(found[0][2]), int(found[0][1]), found[1])
    if found := s.match(_YEAR_MONTH, i):
        return _month_of(int(found[0][1]), int(found[0][2]), found[1])
    return _by_name(s, i)


def _iso(s: Source, i: int, m: re.Match[str], after: int) -> Found | None:
    month, day = int(m[3]), int(m[4])
    if month > 12 >= day:
        month, day = day, month
    if not _possible(month, day, int(m[1])):
        s.no_such_day(i, after)
    found = date(int(m[1]), month, day)
    if m[5] is None:
        return Point(day=found), after
    wall = datetime.combine(found, time(int(m[5]) % 24, int(m[6]), int(m[7] or 0)))
    if m[8]:
        offset = "+00:00" if m[8] in "zZ" else m[8]
        return Point(instant=datetime.fromisoformat(f"{wall.isoformat()}{offset}")), after
    return Point(day=found, clock=Clock(wall.hour, wall.minute, wall.second)), after


def _ordered(s: Source, i: int, m: re.Match[str], after: int, here: Here) -> Found | None:
    """Two or three numbers in the locale's order, or the other where only that fits."""
    first, second, sep = int(m[1]), int(m[3]), m["sep"]
    dotted = sep == "."
    if m[0] == "24/7" or (sep == "-" and m[4] is None and s.word(i - 1) != "on"):
        return None  # "3-4" is a range of something, "24/7" is always
    if dotted and m[4] is None and s.word(after) == "." and s.glued(after) and m[0][-1] != ".":
        first, second = (second, first) if second > 12 >= first else (first, second)
        return (Point(dom=first, month=second), after + 1) if _possible(second, first) else None
    if dotted and m[4] is None and not (here.day_first or _led(s, i)):
        return None  # 6.45 may be a price, a version or a time
    day_first = here.day_first or (dotted and m[4] is not None)
    month, day = (second, first) if day_first else (first, second)
    if month > 12:
        month, day = day, month
    year = full_year(m[4]) if m[4] else None
    if not _possible(month, day, year or 2000):
        s.no_such_day(i, after)
    return Point(dom=day, month=month, year=year), after


def _led(s: Source, i: int) -> bool:
    """Whether a weekday or "on" before it says that the figures are a day."""
    return s.word(i - 1) in v.WEEKDAYS or (s.word(i - 1) == "on" and s.word(i - 2) != "is")


def _possible(month: int, day: int, year: int = 2000) -> bool:
    return 1 <= month <= 12 and year > 0 and 1 <= day <= month_length(year, month)


def _month_of(year: int, month: int, after: int) -> Found | None:
    if not 1 <= month <= 12 or not 1900 <= year <= 2199:
        return None
    first = date(year, month, 1)
    return Point(period=Period(first, add_months(first, 1), "month")), after


def _by_name(s: Source, i: int) -> Found | None:
    """Figures with the month's name between signs: "22/Jan/2019", "Sep-23-2020", "2019-aug-01", "Dec/2018"."""
    for pattern, year, month, day in ((_DAY_NAME, 4, 3, 1), (_NAME_DAY, 4, 1, 3), (_YEAR_NAME, 1, 3, 4)):
        found = s.match(pattern, i)
        if found and (number := v.MONTHS.get(found[0][month].lower())):
            said = found[0][year]
            if not _possible(number, int(found[0][day])):
                s.no_such_day(i, found[1])
            return Point(dom=int(found[0][day]), month=number, year=full_year(said) if said else None), found[1]
    found = s.match(_NAME_YEAR, i)
    number = v.MONTHS.get(found[0][1].lower()) if found else None
    return _month_of(int(found[0][2]), number, found[1]) if found and number else None
