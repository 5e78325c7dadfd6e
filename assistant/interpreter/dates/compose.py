"""Puts the pieces of an expression together and turns them into a value in the user's zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from assistant.interpreter.dates import amounts, clocks, days, repeats
from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.guards import plausible
from assistant.interpreter.dates.parts import Clock, Found, Here, Parts, given, join
from assistant.interpreter.dates.tokens import Tokens, tokenize, word
from assistant.interpreter.dates.values import (
    DateTimeValue,
    DateValue,
    DurationValue,
    IntervalValue,
    RecurrenceValue,
    Span,
    Value,
)

# Tried in this order at each token; the one that reads furthest wins, an earlier one at a tie
_READERS: tuple[Callable[[Tokens, int, Here], Found | None], ...] = (
    repeats.repeat,
    days.numeric_day,
    days.month_day,
    days.end_of,
    days.relative_day,
    clocks.part_of_day,
    days.period,
    days.weekday,
    days.day_of_month,
    amounts.relative,
    clocks.clock,
    amounts.duration,
)
_FILLERS = v.LEADS | {
    "the",
    "sometime",
    "be",
    "is",
    "are",
    "it",
    "to",
    "from",
    "starting",
    "beginning",
    "back",
    "please",
}


def _read(tokens: Tokens, i: int, here: Here) -> Found | None:
    best: Found | None = None
    for reader in _READERS:
        try:
            found = reader(tokens, i, here)
        except (ValueError, OverflowError):  # 31 April, year 10000: no such day, so no date
            continue
        if found and (best is None or found[1] > best[1]):
            best = found
    return best


def _bare_part(tokens: Tokens, i: int, so_far: Parts) -> Found | None:
    """ "tomorrow morning", "friday night": a part of the day counts only beside a day."""
    if word(tokens, i) in v.PARTS and so_far.part is None and given(so_far) & {"day", "weekday", "repeat"}:
        return Parts(part=word(tokens, i)), i + 1
    return None


def _grow(tokens: Tokens, start: int, here: Here) -> Found | None:
    """The longest expression that starts at this token."""
    found = _read(tokens, start, here)
    if found is None:
        return None
    parts, after = found
    while after < len(tokens):
        step: Found | None = None
        for j in range(after, min(after + 3, len(tokens))):
            if j > after and word(tokens, j - 1) not in v.JOINTS:
                break
            more = _bare_part(tokens, j, parts) or _read(tokens, j, here)
            if more and (joined := join(parts, more[0])) and not _other_noun(tokens, more[1], more[0]):
                step = joined, more[1]
                break
        if step is None:
            break
        parts, after = step
    return parts, after


def _other_noun(tokens: Tokens, after: int, added: Parts) -> bool:
    """ "at 5 Main Street": a bare hour followed by a capitalised word is no time."""
    bare = added.clock is not None and not added.clock.settled and word(tokens, after - 1).isdigit()
    return bare and after < len(tokens) and tokens[after].raw[:1].isupper()


def _clock_of(parts: Parts) -> Clock | None:
    if parts.clock is not None:
        return clocks.settle(parts.clock, parts.part)
    return Clock(v.PARTS[parts.part]) if parts.part else None


def _at(day: date, clock: Clock, here: Here) -> datetime:
    """That wall time as a UTC instant. fold=0 moves a time in a gap forward by it and takes the first of two."""
    wall = datetime.combine(day, time(clock.hour, clock.minute)) + timedelta(days=clock.next_day)
    return wall.replace(tzinfo=here.zone).astimezone(UTC)


def _next_occurrence(clock: Clock, here: Here) -> datetime:
    now = here.wall.replace(tzinfo=here.zone).astimezone(UTC)
    at = _at(here.today, clock, here)
    if here.future:
        return at if at > now else _at(here.today + timedelta(days=1), clock, here)
    return at if at <= now else _at(here.today - timedelta(days=1), clock, here)


def _day_of(parts: Parts, here: Here) -> date | None:
    if parts.day is not None:
        return parts.day
    return days.day_of(parts.weekday, here, parts.period) if parts.weekday else None


def _value(parts: Parts, here: Here, zone: str) -> Value | None:
    """What the pieces mean together. Raises ValueError or OverflowError outside the years a date can have."""
    if parts.instant is not None:
        return DateTimeValue(parts.instant.astimezone(UTC), zone)
    if parts.moment is not None:
        return DateTimeValue(parts.moment.replace(tzinfo=here.zone).astimezone(UTC), zone)
    clock = _clock_of(parts)
    if parts.repeat is not None:
        first = repeats.first_day(parts.repeat, here)
        rrule = repeats.rule(parts.repeat)
        if clock is None:
            return RecurrenceValue(rrule, DateValue(first))
        return RecurrenceValue(rrule, DateTimeValue(_at(first, clock, here), zone))
    if parts.amount is not None:
        amount = parts.amount
        return DurationValue(amount.months, amount.days * 86400 + amount.seconds)
    day = _day_of(parts, here)
    if clock is not None:
        if parts.period is not None and day is None:
            return None
        at = _at(day, clock, here) if day else _next_occurrence(clock, here)
        return _between(at, clock, parts.until, here) if parts.until else DateTimeValue(at, zone)
    if day is not None:
        return DateValue(day)
    if parts.period is not None:
        return IntervalValue(parts.period.start, parts.period.end, parts.period.grain)
    return None


def _between(start: datetime, clock: Clock, until: Clock, here: Here) -> IntervalValue:
    end_clock = clocks.settle(until, None)
    if not until.settled and end_clock.hour < clock.hour and until.hour < 12:
        end_clock = replace(end_clock, hour=until.hour + 12)
    day = start.astimezone(here.zone).date()
    end = _at(day, end_clock, here)
    return IntervalValue(start, end if end > start else _at(day + timedelta(days=1), end_clock, here), "time")


def _here(now: datetime, time_zone: str, locale: str, prefer: str) -> Here:
    if now.tzinfo is None:
        raise ValueError("now must be an aware instant")
    zone = ZoneInfo(time_zone)
    wall = now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    day_first = locale.replace("_", "-").lower() not in ("en", "en-us", "en-ph")
    return Here(wall, zone, day_first, prefer != "past")


def _lead(tokens: Tokens, i: int, floor: int) -> int:
    """The index where the words that lead into the expression begin ("by the", "due on")."""
    j = i
    while j > floor and (word(tokens, j - 1) in v.LEADS or (word(tokens, j - 1) == "the" and j != i)):
        j -= 1
    return j


def find(text: str, *, now: datetime, time_zone: str, locale: str = "en") -> list[Span]:
    """All date expressions in the text, in order, never overlapping.

    `now` is an aware instant, `time_zone` an IANA name. Raises ValueError (naive `now`) or ZoneInfoNotFoundError.
    """
    here = _here(now, time_zone, locale, "future")
    tokens = tokenize(text)
    spans: list[Span] = []
    i = floor = 0
    while i < len(tokens):
        found = _grow(tokens, i, here)
        if found is None or not plausible(tokens, i, found[1], found[0]):
            i += 1
            continue
        parts, after = found
        try:
            value = _value(parts, here, time_zone)
        except (ValueError, OverflowError):  # a day outside the calendar is no date
            value = None
        if value is not None:
            start, end = tokens[_lead(tokens, i, floor)].start, tokens[after - 1].end
            spans.append(Span(start, end, text[start:end], value))
            floor = after
        i = after
    return spans


def resolve(text: str, *, now: datetime, time_zone: str, locale: str = "en", prefer: str = "future") -> Value | None:
    """The value of a text that is a date expression as a whole, or None. `prefer` is "future" or "past".

    Words such as "on", "by" or "due" before it don't matter. Raises as `find` does.
    """
    here = _here(now, time_zone, locale, prefer)
    tokens = tokenize(text)
    while tokens and tokens[-1].low in (".", "!", "?", ",", "please") and not _dotted_day(tokens):
        tokens = tokens[:-1]
    i = 0
    while i < len(tokens):
        found = _grow(tokens, i, here)
        if found and found[1] == len(tokens) and (by_itself := _by_itself(tokens, i, found[0])):
            try:
                return _value(by_itself, here, time_zone)
            except (ValueError, OverflowError):  # a day outside the calendar is no date
                return None
        if word(tokens, i) not in _FILLERS:
            return None
        i += 1
    return None


def _dotted_day(tokens: Tokens) -> bool:
    """Whether the last full stop belongs to a date such as "24.12."."""
    return len(tokens) > 1 and tokens[-1].low == "." and word(tokens, len(tokens) - 2).count(".") == 1


def _by_itself(tokens: Tokens, i: int, parts: Parts) -> Parts | None:
    """ "by a week" is no date: a length after "by" says how far to move one."""
    return None if parts.amount is not None and any(t.low in ("by", "back", "in") for t in tokens[:i]) else parts
