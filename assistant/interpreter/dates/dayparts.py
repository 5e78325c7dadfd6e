"""Parts of the day: "in the morning", "tonight", "late afternoon", "after work", "early in the day"."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.parts import Found, Here, Part, Point
from assistant.interpreter.dates.tokens import Source

Words = tuple[Part, int | None, int]  # the part, how many days away it is where that is said, and the index after it


def part_of_day(s: Source, i: int, here: Here) -> Found | None:
    """ "in the morning", "tonight", "this evening", "late afternoon"; a bare "morning" only beside a day."""
    found = part_words(s, i)
    if found is None:
        return None
    part, days, after = found
    return Point(day=None if days is None else here.today + timedelta(days=days), part=part), after


def part_words(s: Source, i: int) -> Words | None:
    """A part of the day with the words that lead to it."""
    if s.words(i, "mid", "night"):
        return None
    edge, j = "", i
    hyphen = s.word(i + 1) == "-" and s.glued(i + 1)  # "mid-afternoon"
    ahead = s.word(i + 1 + hyphen)
    if s.word(i) in v.NEARLY and (ahead in v.THIS | v.THE | v.TONIGHT or ahead in v.PARTS):
        edge, j = v.NEARLY[s.word(i)], i + 1 + hyphen
    if s.word(i) in v.NEARLY and s.word(i + 1) in ("in", "at") and (inner := _led(s, i + 1, s.word(i + 1))):
        return replace(inner[0], edge=v.NEARLY[s.word(i)]), None, inner[2]  # "early in the morning"
    low = s.word(j)
    if low in v.TONIGHT:
        return Part("night", edge), 0, j + 1
    if low in ("in", "during", "at", "over") and not edge:
        return _led(s, j, low)
    if s.word(j) in v.WHOLE and (whole := _part(s, j + 1)):
        return Part(whole[0]), 0, whole[1]  # "all morning"
    return _whole_day(s, i) or _first_thing(s, i) or _behind(s, i) or _chosen(s, j, edge)


def _led(s: Source, j: int, low: str) -> Words | None:
    """ "in the morning", "at night", "during lunch"."""
    k = j + 1 + (s.word(j + 1) in v.THE)
    inner, k = (v.NEARLY[s.word(k)], k + 1) if s.word(k) in v.NEARLY else ("", k)
    if s.word(k - 1) == "mid":
        return None
    found = _part(s, k)
    bare = found and k == j + 1 and low == "in" and s.word(found[1]) not in ("", ".", "!", "?", ",")
    return (Part(found[0], inner), None, found[1]) if found and not bare else None


def _chosen(s: Source, j: int, edge: str) -> Words | None:
    """ "this morning", "last night", "the afternoon", "early morning"."""
    low = s.word(j)
    j += low in v.THE
    days = 0 if low in v.THIS else 1 if low in v.NEXT else -1 if low in v.LAST else None
    j += days is not None
    if s.word(j) in v.NEARLY and not edge:
        edge, j = v.NEARLY[s.word(j)], j + 1
    found = _part(s, j)
    if found is None:
        return None
    name, after = found
    if not edge and low in v.THE and name not in v.PART_NOUNS:
        return Part(name), None, after
    if (days is None and not edge) or (days == 0 and name in v.PART_NOUNS):
        return None
    return Part(name, edge), days, after


def _whole_day(s: Source, i: int) -> Words | None:
    """ "early in the day", "late today", "mid today", "later tomorrow": a half of the day, or its middle."""
    edge = v.NEARLY.get(s.word(i), "")
    if not edge:
        return None
    if s.words(i + 1, "in", "the", "day") or s.words(i + 1, "in", "day"):
        return Part("day", edge), None, i + 3 + (s.word(i + 2) == "the")
    days = v.RELATIVE_DAYS.get(s.word(i + 1)) if s.word(i + 2) not in v.PARTS else None
    return (Part("day", edge), days, i + 2) if days is not None else None


def _first_thing(s: Source, i: int) -> Words | None:
    """ "first thing", "first thing in the morning"."""
    if not s.words(i, "first", "thing"):
        return None
    more = part_words(s, i + 2) if s.word(i + 2) in ("in", "this") else None
    morning = more is not None and more[0].name in v.MORNING
    return (Part("morning"), more[1], more[2]) if more and morning else (Part("morning"), None, i + 2)


def _behind(s: Source, i: int) -> Words | None:
    """ "after work"."""
    name = f"{s.word(i)} {s.word(i + 1)}"
    return (Part(name), None, i + 2) if name in v.PARTS else None


def _part(s: Source, i: int) -> tuple[str, int] | None:
    """Its name and the index after it: "dinner", "dinner time", "night-time"."""
    low = s.word(i)
    if low not in v.PARTS or low == "day":
        return None
    after = i + 1 + (s.word(i + 1) == "-" and s.glued(i + 1))
    return low, after + 1 if s.word(after) == "time" else i + 1


def bare_part(s: Source, i: int) -> Found | None:
    """ "tomorrow morning", "friday night": a part of the day by itself."""
    found = _part(s, i)
    if found is None:
        return None
    name, after = found
    low = s.word(after)
    if name in v.PART_NOUNS and low.isalpha() and not (low in v.FUNCTION_WORDS or low in v.RELATIVE_DAYS):
        return None  # "thanksgiving dinner prep"
    return Point(part=Part(name)), after
