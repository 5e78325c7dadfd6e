"""Numbers and lengths of time: "3 days", "an hour and a half", "in two weeks", "3 days from now", "a week ago"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.parts import Amount, Found, Here, Parts, add_months
from assistant.interpreter.dates.tokens import Tokens, word, words

_GLUED = re.compile(r"(\d{1,4})([a-z]+)")
_DECIMAL = re.compile(r"(\d{1,4})\.5")
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")


def number(tokens: Tokens, i: int) -> tuple[int, int] | None:
    """A whole number of at most four digits, in digits or words, and the index after it."""
    low = word(tokens, i)
    if low.isascii() and low.isdigit() and len(low) <= 4:
        return int(low), i + 1
    if low in v.SMALL_NUMBERS:
        return v.SMALL_NUMBERS[low], i + 1
    if low in v.TENS:
        after = i + 2 if word(tokens, i + 1) == "-" else i + 1
        unit = v.SMALL_NUMBERS.get(word(tokens, after), 10)
        return (v.TENS[low] + unit, after + 1) if unit < 10 else (v.TENS[low], i + 1)
    return None


def ordinal(tokens: Tokens, i: int) -> tuple[int, int] | None:
    """A day of a month as an ordinal, "3rd" or "twenty first", 1 to 31."""
    low = word(tokens, i)
    if (m := _ORDINAL.fullmatch(low)) and 1 <= int(m[1]) <= 31:
        return int(m[1]), i + 1
    if low in ("twenty", "thirty"):
        after = i + 2 if word(tokens, i + 1) == "-" else i + 1
        unit = v.ORDINALS.get(word(tokens, after), 10)
        if unit < 10 and v.TENS[low] + unit <= 31:
            return v.TENS[low] + unit, after + 1
        return None
    return (v.ORDINALS[low], i + 1) if low in v.ORDINALS else None


def unit(low: str) -> Amount | None:
    """One of the named unit, plural or not."""
    found = v.UNITS.get(low) or (v.UNITS.get(low[:-1]) if low.endswith("s") else None)
    return Amount(*found) if found else None


def _one(tokens: Tokens, i: int) -> tuple[Amount, int] | None:
    low = word(tokens, i)
    if m := _GLUED.fullmatch(low):  # 2h, 30min, 3d
        one = unit(v.SHORT_UNITS.get(m[2], m[2]))
        return (one.times(int(m[1])), i + 1) if one else None
    if low == "half" and word(tokens, i + 1) in ("a", "an") and (one := unit(word(tokens, i + 2))):
        return Amount(seconds=(one.seconds + one.days * 86400) // 2, days=0), i + 3
    if (m := _DECIMAL.fullmatch(low)) and (one := unit(word(tokens, i + 1))) and not one.months:
        return Amount(seconds=(one.seconds + one.days * 86400) * (2 * int(m[1]) + 1) // 2), i + 2
    if low in ("a", "an"):
        counted: tuple[int, int] | None = (1, i + 1)
        if words(tokens, i + 1, "couple"):
            counted = (2, i + 3 if word(tokens, i + 2) == "of" else i + 2)
        elif words(tokens, i + 1, "few"):
            counted = (3, i + 2)
    else:
        counted = number(tokens, i)
    if counted is None:
        return None
    count, after = counted
    if one := unit(v.SHORT_UNITS.get(word(tokens, after), word(tokens, after)) if after > i else ""):
        return one.times(count), after + 1
    return None


def amount(tokens: Tokens, i: int) -> tuple[Amount, int] | None:
    """A length of time, joined by "and" or a comma: "1 hour and 30 minutes", "an hour and a half"."""
    found = _one(tokens, i)
    if found is None:
        return None
    total, after = found
    while True:
        j = after + 1 if word(tokens, after) in ("and", ",") else after
        if j > after and words(tokens, j, "a", "half"):
            total, after = replace(total, seconds=total.seconds + (total.seconds + total.days * 86400) // 2), j + 2
            continue
        more = _one(tokens, j)
        if more is None or word(tokens, j) in ("a", "an"):
            return total, after
        total, after = total.plus(more[0]), more[1]


def shift(here: Here, by: Amount, start: datetime | None = None) -> Parts:
    """The day, or with hours or minutes the moment, so far from now (or from `start`, naive wall time)."""
    wall = start or here.wall
    day = add_months(wall.date(), by.months) + timedelta(days=by.days)
    if by.seconds:
        return Parts(moment=datetime.combine(day, wall.time()) + timedelta(seconds=by.seconds))
    return Parts(day=day)


def relative(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "in 3 days", "within an hour", "3 days from now", "two weeks from tomorrow", "a week ago"."""
    if word(tokens, i) in ("in", "within", "after"):
        found = amount(tokens, i + 1)
        return (shift(here, found[0]), found[1]) if found else None
    found = amount(tokens, i)
    if found is None:
        return None
    by, after = found
    if word(tokens, after) == "ago":
        return shift(here, by.times(-1)), after + 1
    if word(tokens, after) in ("hence",):
        return shift(here, by), after + 1
    if word(tokens, after) in ("from", "after"):
        start = word(tokens, after + 1)
        if start == "now":
            return shift(here, by), after + 2
        if start in v.RELATIVE_DAYS and not by.seconds:
            day = here.today + timedelta(days=v.RELATIVE_DAYS[start])
            return shift(here, by, datetime.combine(day, time())), after + 2
    return None


def duration(tokens: Tokens, i: int, here: Here) -> Found | None:
    """A bare length of time, "for" before it or not."""
    found = amount(tokens, i + 1 if word(tokens, i) == "for" else i)
    return (Parts(amount=found[0]), found[1]) if found else None
