"""Halves of years and fiscal years: "H1 2027", "the second half of next year", "FY27"."""

from __future__ import annotations

from datetime import date

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.days import said_year
from assistant.interpreter.dates.numbers import is_digits, ordinal
from assistant.interpreter.dates.parts import Found, Here, Period, Point, add_months
from assistant.interpreter.dates.tokens import Source


def half_year(s: Source, i: int, here: Here) -> Found | None:
    """ "H1 2027", "first half year of 2027", "second half of next year"."""
    j = i + (s.word(i) in v.THE)
    lettered = s.word(j) == "h" and s.word(j + 1) in ("1", "2") and s.glued(j + 1)
    found = (int(s.word(j + 1)), j + 2) if lettered else ordinal(s, j)
    if found is None or found[0] > 2 or not (lettered or s.word(found[1]) == "half"):
        return None
    number, after = found
    after += not lettered
    told = lettered or s.word(after) == "year"
    after += s.word(after) == "year"
    after += s.word(after) in ("of", ",")
    after += s.word(after) in v.THE and s.word(after + 1) == "year" and s.word(after + 2).isdigit()
    after += s.word(after) == "year"
    year = said_year(s, after, here)
    told = told or not s.word(after).isdigit()
    if year is None and s.words(after, "the", "year"):
        year = here.today.year, after + 2
    if year is None or not told:
        return None  # "the second half of 2025" may be one of anything
    start = date(year[0], 6 * number - 5, 1)
    return Point(period=Period(start, add_months(start, 6), "half")), year[1]


def fiscal(s: Source, i: int, here: Here) -> Found | None:
    """ "FY27", "fy 2027", "fiscal year 2027", "this fiscal year": taken as the year of the calendar."""
    j = i + (s.word(i) in v.THE)
    steps = {**dict.fromkeys(v.THIS, 0), **dict.fromkeys(v.NEXT, 1), **dict.fromkeys(v.LAST, -1)}
    step = steps.get(s.word(j))
    if step is not None and s.words(j + 1, "fiscal", "year"):
        return _year(here.today.year + step), j + 3
    if not (s.word(j) == "fy" or s.words(j, "fiscal", "year")):
        return None
    k = j + 1 + (s.word(j) == "fiscal")
    k += s.word(k) == "'"
    low = s.word(k)
    if not is_digits(low, 4) or len(low) not in (2, 4):
        return None
    year = int(low) + (2000 if len(low) == 2 else 0)
    return (_year(year), k + 1) if 1900 <= year < 2100 else None


def _year(year: int) -> Point:
    return Point(period=Period(date(year, 1, 1), date(year + 1, 1, 1), "year"))
