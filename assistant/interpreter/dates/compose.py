"""Finds the date expressions of a text, and turns what they mean into values in the user's zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from assistant.interpreter.dates import repeats
from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.guards import plausible
from assistant.interpreter.dates.parts import Here, When, given
from assistant.interpreter.dates.phrases import Phrase, phrase
from assistant.interpreter.dates.repeats import Repeat
from assistant.interpreter.dates.tokens import Source
from assistant.interpreter.dates.values import (
    DateTimeValue,
    DateValue,
    DurationValue,
    IntervalValue,
    RecurrenceValue,
    Span,
    Value,
)

_FILLERS = v.LEADS | {
    "the", "sometime", "be", "is", "are", "it", "to", "from", "starting", "beginning", "back", "please", "than", "not",
    "exactly", "after", "later", "earlier", "no", "or", "as", "of", "early", "up", "prior", "(", "[", ",", "-",
    "roughly", "anytime", "deadline", "date", ":",
}  # fmt: skip
# "Before the end of March" is by its last day
_SHARPENED = {("before", "end"): "by", ("after", "start"): "since"}
_TRAILERS = frozenset({".", "!", "?", ",", ";", ")", "]", "please", "sharp", "approximately", "exactly"})
_MOST_TRIED = 192  # words about dates in one text; what has more is no message
_LONGEST_WHOLE = 60  # tokens of a text that is one expression


def _value(when: When, here: Here, zone: str) -> Value:
    """The value of a settled time. Raises ValueError or OverflowError outside the years a date can have."""
    if when.at is not None:
        return _point(when.at, when.zone, here, zone)
    return _interval(when, here)


def _point(at: date | datetime, named: tzinfo | None, here: Here, zone: str) -> DateValue | DateTimeValue:
    if not isinstance(at, datetime):
        return DateValue(at)
    return DateTimeValue(_instant(at, named or here.zone), named.key if isinstance(named, ZoneInfo) else zone)


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    """Wall time as an instant. fold=0 moves a time in a gap forward by it and takes the first of two."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _interval(when: When, here: Here) -> IntervalValue:
    if when.end is None:
        raise ValueError("no end")
    if isinstance(when.start, datetime) and isinstance(when.end, datetime):
        zone = when.zone or here.zone
        start, end = _instant(when.start, zone), _instant(when.end, zone)
        if end <= start:
            raise ValueError("ends before it starts")
        return IntervalValue(start, end, when.grain)
    return IntervalValue(when.start, when.end, when.grain)


def _recurrence(repeat: Repeat, here: Here, zone: str) -> RecurrenceValue:
    first = repeats.first(repeat, here)
    day = first.date() if isinstance(first, datetime) else first
    if repeat.until is not None and repeat.until < day:
        raise ValueError("over before it starts")
    return RecurrenceValue(repeats.rule(repeat), _point(first, None, here, zone))


def _span(s: Source, start: int, found: Phrase, here: Here, zone: str) -> Span | None:
    """The expression that starts at this token, or None where it has no value."""
    first, last = s.tokens[start].start, s.tokens[found.after - 1].end
    text, extent = s.text[first:last], None
    try:
        if found.repeat is not None:
            return Span(first, last, text, _recurrence(found.repeat, here, zone))
        if found.amount is not None:
            amount = found.amount
            return Span(first, last, text, DurationValue(amount.months, amount.days * 86400 + amount.seconds))
        if found.when is None:
            return None
        value = _value(found.when, here, zone)
        if found.when.at is not None and found.when.end is not None:
            extent = _interval(found.when, here)
    except (ValueError, OverflowError):  # a day outside the calendar is no date
        return None
    return Span(first, last, text, value, extent, found.bound)


def _here(now: datetime, time_zone: str, locale: str, prefer: str) -> Here:
    if now.tzinfo is None:
        raise ValueError("now must be an aware instant")
    zone = ZoneInfo(time_zone)
    wall = now.astimezone(zone).replace(tzinfo=None, microsecond=0)
    day_first = locale.replace("_", "-").lower() not in ("en", "en-us", "en-ph")
    return Here(wall, zone, day_first, prefer != "past")


def _led(s: Source, i: int, floor: int) -> tuple[int, str]:
    """The index where the words that lead into it begin ("by the", "no later than"), and what they bound."""
    j, bound = i, ""
    while j > floor:
        phrase_before = next((words for words in v.BOUND_PHRASES if s.words(j - len(words), *words)), None)
        if phrase_before and j - len(phrase_before) >= floor:
            bound, j = bound or v.BOUND_PHRASES[phrase_before], j - len(phrase_before)
        elif s.word(j - 1) in v.LEADS or (s.word(j - 1) == "the" and j != i):
            bound, j = bound or v.BOUNDS.get(s.word(j - 1), ""), j - 1
        else:
            break
    return j, bound


def _bounded(s: Source, i: int, floor: int, span: Span, text: str, found: Phrase) -> Span:
    """The span with the words that lead into it, and which side of it they mean."""
    first, said = _led(s, i, floor)
    bound = span.bound
    if not bound and found.point is not None and not (s.word(i - 1) == v.FROM and found.point.period is not None):
        bound = said  # "tasks from last week" are those of it
    k = i + (s.word(i) in v.THE)
    bound = _SHARPENED.get((bound, v.EDGES.get(s.word(k), "")), bound)
    start = s.tokens[first].start
    return Span(start, span.end, text[start : span.end], span.value, span.extent, bound)


def _read(s: Source, i: int, here: Here) -> Phrase | None:
    found = phrase(s, i, here)
    return _suffix(s, i, found) if found else None


def _suffix(s: Source, i: int, found: Phrase) -> Phrase:
    """The expression with the words behind it that say which side is meant: "friday or later"."""
    if found.point is None or found.bound:
        return found
    if s.word(i - 1) == v.FROM and s.words(found.after, "on") and s.word(found.after + 1) in ("", ".", "!", "?"):
        return replace(found, after=found.after + 1, bound="since")  # "from friday on"
    for words, bound in v.BOUND_SUFFIXES.items():
        if s.words(found.after, *words):
            return replace(found, after=found.after + len(words), bound=bound)
    return found


def find(text: str, *, now: datetime, time_zone: str, locale: str = "en") -> list[Span]:
    """All date expressions in the text, in order, never overlapping.

    `now` is an aware instant, `time_zone` an IANA name. Raises ValueError (naive `now`) or ZoneInfoNotFoundError.
    """
    here = _here(now, time_zone, locale, "future")
    s = Source(text)
    spans: list[Span] = []
    i = floor = tried = 0
    while i < len(s) and tried < _MOST_TRIED:
        found = _read(s, i, here)
        tried += s.telling(i)
        if (over := s.impossible.get(i)) and (found is None or found.after <= over):
            i = _behind_impossible(s, over, here)
            continue
        if found is None or not plausible(s, i, found):
            i += 1
            continue
        span = _span(s, i, found, here, time_zone)
        if span is not None:
            spans.append(_bounded(s, i, floor, span, text, found))
            floor = found.after
        i = found.after
    return spans


def _behind_impossible(s: Source, i: int, here: Here) -> int:
    """The index after the time that goes with a day that there isn't: "31 june at 5pm" is no time of today."""
    j = i + (s.word(i) in v.AT)
    found = phrase(s, i, here) or phrase(s, j, here)
    return found.after if found and found.point and given(found.point) <= {"clock", "until", "zone", "part"} else i


def whole(text: str, *, now: datetime, time_zone: str, locale: str = "en", prefer: str = "future") -> Span | None:
    """The text as one date expression, or None. `prefer` is "future" or "past". Raises as `find` does."""
    here = _here(now, time_zone, locale, prefer)
    s = Source(text)
    if len(s) == 1 and s.word(0) in v.MONTHS and len(text.strip()) < 5 and s.word(0) not in ("june", "july"):
        return None  # "jan" by itself is a name as well
    end = len(s)
    while end and s.word(end - 1) in _TRAILERS:
        end -= 1
    if end > _LONGEST_WHOLE:
        return None
    for i in range(end):
        found = _read(s, i, here)
        if s.impossible.get(i, 0) >= end:
            return None
        if found and found.after >= end and _by_itself(s, i, found):
            span = _span(s, i, found, here, time_zone)
            return _bounded(s, i, 0, span, text, found) if span else None
        if s.word(i) not in _FILLERS:
            return None
    return None


def resolve(text: str, *, now: datetime, time_zone: str, locale: str = "en", prefer: str = "future") -> Value | None:
    """The value of a text that is a date expression as a whole, or None. `prefer` is "future" or "past".

    Words such as "on", "by" or "due" before it don't matter. Raises as `find` does.
    """
    span = whole(text, now=now, time_zone=time_zone, locale=locale, prefer=prefer)
    return span.value if span else None


def _by_itself(s: Source, i: int, found: Phrase) -> bool:
    """ "by a week" is no date: a length after "by" says how far to move one."""
    return found.amount is None or not any(s.word(j) in ("by", "back", "in") for j in range(i))
