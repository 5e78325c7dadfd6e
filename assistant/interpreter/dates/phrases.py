"""The longest expression that begins at a token: a recurrence, a range, a point with what bounds it, a length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, shifted
from assistant.interpreter.dates.feasts import FIRST_WORDS
from assistant.interpreter.dates.parts import Amount, Here, Point, When, given
from assistant.interpreter.dates.points import point
from assistant.interpreter.dates.ranges import beginning, lasting, later, ranged
from assistant.interpreter.dates.recurring import repeat
from assistant.interpreter.dates.repeats import Repeat
from assistant.interpreter.dates.settling import settle
from assistant.interpreter.dates.tokens import Source


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was read, in one of its fields, and the index after it. `point` is what a single `when` was read from."""

    after: int
    when: When | None = None
    amount: Amount | None = None
    repeat: Repeat | None = None
    point: Point | None = None
    bound: str = ""


def phrase(s: Source, i: int, here: Here) -> Phrase | None:
    """The expression at this token that reads furthest; a recurrence before a range before a point before a length."""
    if not may_begin(s.word(i)) or not s.telling(i):
        return None
    best: Phrase | None = None
    for reader in (_repeat, _range, _point, _amount):
        try:
            found = reader(s, i, here)
        except (ValueError, OverflowError):  # a day outside the calendar is no date
            continue
        if found and (best is None or found.after > best.after):
            best = found
    return best


def may_begin(low: str) -> bool:
    """Whether an expression can begin with this word."""
    return low in v.BEGINNINGS or low[:1].isdigit() or low.replace("'", "") in FIRST_WORDS


def _repeat(s: Source, i: int, here: Here) -> Phrase | None:
    found = repeat(s, i, here)
    return Phrase(found[1], repeat=found[0]) if found else None


def _range(s: Source, i: int, here: Here) -> Phrase | None:
    found = ranged(s, i, here)
    return Phrase(found[1], when=found[0]) if found else None


def _point(s: Source, i: int, here: Here) -> Phrase | None:
    found = point(s, i + _side_words(s, i), here)
    if found is None:
        return None
    when = settle(found[0], here)
    if when is None:
        return None
    sign = v.PLUS.get(s.word(found[1]), 0)
    sign = 0 if s.word(found[1]) == "-" and not s.glued(found[1] + 1) else sign  # "7 dec - 2 nights"
    if sign and not found[2] and (more := amount(s, found[1] + 1)):
        return Phrase(more[1], when=later(when, more[0].times(sign)))
    if s.word(i) == "within" and isinstance(when.at, datetime) and given(found[0]) == {"moment"}:
        when = replace(when, start=min(here.wall, when.at), end=when.at)  # due at its end, and from now on
    if bound := _sided(s, i, found[1]):
        return Phrase(found[1], when=when, point=found[0], bound=bound)
    if longer := lasting(s, found[1], when):
        return Phrase(longer[1], when=longer[0])
    return Phrase(found[1], when=when, point=found[0], bound=found[2])


def _amount(s: Source, i: int, here: Here) -> Phrase | None:
    j = i + (s.word(i) == "for")
    j += s.word(j) in v.THE and s.word(j + 1) in v.WHOLE and s.word(j + 2) == "day"
    if s.word(j) in v.WHOLE and s.word(j + 1) == "day":
        return Phrase(j + 2, amount=_all("day"))
    almost = _almost(s, j)
    j += almost
    long = ("day", "night", "week", "month", "year") if j > i else ("day", "night")
    j += s.word(j) == "all" and s.word(j + 1) in long
    if j > i and s.word(j - 1) == "all":
        return Phrase(j + 1, amount=_all(s.word(j)))
    found = amount(s, j)
    if found is None or not (found[0].months or found[0].days or found[0].seconds):
        return None
    further = point(s, j, here) if almost else None
    if further and further[1] > found[1]:
        return None  # "about 30 minutes later"
    if longer := beginning(s, found[1], found[0], here):
        return Phrase(longer[1], when=longer[0])
    if j > i and s.word(i - 1) in v.AWAITED and found[0].fine:  # "set a timer for 5 minutes" means the time after them
        return _settled(shifted(here, found[0]), found[1], here)
    return Phrase(found[1], amount=found[0])


def _side_words(s: Source, i: int) -> int:
    """How many words say a side before a length: "more than 2 weeks ago"."""
    return 2 if s.word(i) in ("more", "less") and s.word(i + 1) == "than" else 0


def _sided(s: Source, i: int, after: int) -> str:
    """The side that "more than 2 weeks ago" and "less than 3 days from now" mean."""
    if not _side_words(s, i):
        return ""
    past = s.word(after - 1) in v.AGO or s.word(after - 2) == "before"
    return ("before" if past else "after") if s.word(i) == "more" else ("since" if past else "by")


def _almost(s: Source, i: int) -> int:
    """How many words before a length say how near it is: "about", "at least", "more than", "up to"."""
    if s.word(i) == "at" and s.word(i + 1) in ("least", "most"):
        return 2
    if s.word(i) in ("more", "less") and s.word(i + 1) == "than":
        return 2
    if s.word(i) == "approx" and s.word(i + 1) == ".":
        return 2
    return 2 if s.words(i, "up", "to") else int(s.word(i) in v.ALMOST - {"least", "most", "more", "less", "up"})


def _settled(made: Point, after: int, here: Here) -> Phrase | None:
    when = settle(made, here)
    return Phrase(after, when=when, point=made) if when else None


def _all(unit: str) -> Amount:
    months, days, seconds = v.LENGTHS[unit]
    return Amount(months, days, seconds, unit=unit)
