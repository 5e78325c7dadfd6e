"""Times of the day: "5pm", "17:00", "half past five", "noon", "at 9", "in the morning", "from 2 to 4pm"."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import number
from assistant.interpreter.dates.parts import Clock, Found, Here, Parts
from assistant.interpreter.dates.tokens import Tokens, word, words

_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(?::\d\d)?(am?|pm?|h)?")
_RANGE = re.compile(r"(\d{1,2}(?::\d\d)?(?:am|pm)?)-(\d{1,2}(?::\d\d)?(?:am|pm)?)")
_MILITARY = re.compile(r"([01]\d|2[0-3])([0-5]\d)")
_LINKS = frozenset({"to", "-", "–", "until", "till", "til"})


def build(hour: int, minute: int, meridiem: str, leading_zero: bool = False) -> Clock | None:
    """A clock, or None where there is no such time. `meridiem` is "a", "p" or ""."""
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        return None
    if meridiem:
        if not 1 <= hour <= 12:
            return None if hour == 0 or meridiem == "a" else Clock(hour % 24, minute)
        return Clock(hour % 12 + (12 if meridiem == "p" else 0), minute)
    if hour == 24:
        return Clock(0, 0, next_day=True)
    return Clock(hour, minute, settled=leading_zero or hour == 0 or hour > 12)


def settle(clock: Clock, part: str | None) -> Clock:
    """The clock by the policy of the package, the part of the day beside it taken into account."""
    if clock.settled:
        return clock
    hour = clock.hour
    if part in v.MORNING:
        hour %= 12
    elif part in ("night", "nights") and hour == 12:
        return Clock(0, clock.minute, next_day=True)
    elif part is not None:
        hour = hour % 12 + 12
    elif hour < 7:
        hour += 12
    return Clock(hour, clock.minute)


def _meridiem(tokens: Tokens, i: int) -> tuple[str, int]:
    """ "am", "a.m.", "pm" or nothing, and the index after it."""
    low = word(tokens, i)
    if low in ("am", "pm"):
        return low[0], i + 1
    if low in ("a", "p") and words(tokens, i + 1, ".", "m"):
        return low, i + 4 if word(tokens, i + 3) == "." else i + 3
    return "", i


def _digits(tokens: Tokens, i: int) -> tuple[Clock, int, bool] | None:
    """A clock in digits, the index after it, and whether it says so itself (a colon, "pm")."""
    low = word(tokens, i)
    m = _CLOCK.fullmatch(low)
    if m is None:
        return None
    meridiem, after = (m[3], i + 1) if m[3] else _meridiem(tokens, i + 1)
    if m[3] in ("a", "p") and words(tokens, i + 1, ".", "m"):
        after = i + 4 if word(tokens, i + 3) == "." else i + 3
    plain = m[2] is None and not meridiem
    if "." in low and not meridiem and word(tokens, i - 1) not in ("at", "by", "around"):
        return None  # 1.50 is a price unless said to be a time
    if words(tokens, after, "o'clock") or words(tokens, after, "oclock"):
        after, plain = after + 1, False
    if m[3] in ("a", "p") and after == i + 1 and m[3] == "a" and word(tokens, i - 1) not in ("at", "by"):
        return None  # "4a" is a room or a size
    clock = build(int(m[1]), int(m[2] or 0), "" if meridiem == "h" else meridiem[:1], low.startswith("0"))
    if clock and meridiem == "h":
        clock = replace(clock, settled=True)
    return (clock, after, not plain) if clock else None


def _past(tokens: Tokens, i: int) -> tuple[Clock, int] | None:
    """ "half past 5", "quarter to nine", "ten past eight"."""
    j = i + 1 if words(tokens, i, "a", "quarter") else i
    if word(tokens, j) in ("half", "quarter"):
        minutes, j = (30 if word(tokens, j) == "half" else 15), j + 1
    elif (counted := number(tokens, j)) and counted[0] < 60:
        minutes, j = counted[0], counted[1]
        j += word(tokens, j) in ("minutes", "mins")
    else:
        return None
    direction = word(tokens, j)
    hour = number(tokens, j + 1)
    if direction not in ("past", "to", "til", "till", "after") or hour is None or not 1 <= hour[0] <= 12:
        return None
    if direction != "past" and minutes not in (5, 10, 15, 20, 25):
        return None
    meridiem, after = _meridiem(tokens, hour[1])
    total = hour[0] * 60 + (minutes if direction in ("past", "after") else -minutes)
    hours = (total // 60 - 1) % 12 + 1
    clock = build(hours, total % 60, meridiem)
    return (clock, after) if clock else None


def _spoken(tokens: Tokens, i: int) -> tuple[Clock, int] | None:
    """ "five", "five thirty", "nine am": an hour in words, to be used only where a time is expected."""
    hour = number(tokens, i)
    if hour is None or not 1 <= hour[0] <= 24 or tokens[i].low.isdigit():
        return None
    value, after = hour
    minute = number(tokens, after + 1 if word(tokens, after) == "-" else after)
    minutes = 0
    if minute and minute[0] in (10, 15, 20, 25, 30, 35, 40, 45, 50, 55):
        minutes, after = minute
    meridiem, after = _meridiem(tokens, after)
    after += word(tokens, after) in ("o'clock", "oclock")
    clock = build(value, minutes, meridiem)
    return (clock, after) if clock else None


def one_clock(tokens: Tokens, i: int, expected: bool) -> tuple[Clock, int] | None:
    """One time of the day. A bare hour counts only where one is `expected` (after "at")."""
    if word(tokens, i) in v.NOON:
        return Clock(12), i + 1
    if word(tokens, i) == "midnight":
        return Clock(0, next_day=True), i + 1
    if found := _past(tokens, i):
        return found
    if found_digits := _digits(tokens, i):
        clock, after, certain = found_digits
        return (clock, after) if certain or expected else None
    if expected and (m := _MILITARY.fullmatch(word(tokens, i))):
        return Clock(int(m[1]), int(m[2])), i + 1
    spoken = _spoken(tokens, i)
    said = spoken and (word(tokens, spoken[1] - 1) in ("am", "pm", "o'clock", "oclock", "m", "."))
    return spoken if spoken and (expected or said) else None


def clock(tokens: Tokens, i: int, here: Here) -> Found | None:
    """A time, or two with "to" or a dash between them."""
    j = i + 1 if word(tokens, i) in ("from", "between") else i
    if m := _RANGE.fullmatch(word(tokens, j)):
        return _glued_range(m, tokens, j)
    ranged = j > i
    expected = ranged or word(tokens, i - 1) in ("at", "@", "around")
    first = one_clock(tokens, j, expected)
    if first is None:
        dashed = word(tokens, j).isdigit() and word(tokens, j + 1) in ("-", "–")
        first = one_clock(tokens, j, True) if dashed and word(tokens, j + 2).endswith("m") else None
        ranged = True
    if first is None:
        return None
    start, after = first
    linked = word(tokens, after) in _LINKS or (ranged and word(tokens, after) == "and")
    second = one_clock(tokens, after + 1, True) if linked else None
    if second:
        end = second[0]
        return (Parts(clock=_like(start, end), until=end), second[1])
    return None if ranged else (Parts(clock=start), after)


def _like(start: Clock, end: Clock) -> Clock:
    """ "2 to 4pm": an unsettled start is in the same half of the day as the end, where that keeps it before the end."""
    if start.settled or not end.settled:
        return start
    afternoon = start.hour % 12 + 12
    return Clock(afternoon if end.hour >= 12 and afternoon <= end.hour else start.hour, start.minute)


def _glued_range(m: re.Match[str], tokens: Tokens, j: int) -> Found | None:
    """ "2-4pm", "10:00-12:00" as one token."""
    ends = []
    for text in m.groups():
        found = _CLOCK.fullmatch(text)
        made = build(int(found[1]), int(found[2] or 0), (found[3] or "")[:1], text.startswith("0")) if found else None
        if made is None:
            return None
        ends.append(made)
    if not (":" in m[0] or m[0].endswith("m")):
        return None  # "2-4" may be anything
    return Parts(clock=_like(ends[0], ends[1]), until=ends[1]), j + 1


def part_of_day(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "in the morning", "tonight", "this evening"; a bare "morning" is left to what it stands beside."""
    low = word(tokens, i)
    if low in ("tonight", "tonite", "2nite"):
        return Parts(day=here.today, part="night"), i + 1
    if low == "this" and word(tokens, i + 1) in v.PARTS:
        return Parts(day=here.today, part=word(tokens, i + 1)), i + 2
    if low in ("in", "during") and words(tokens, i + 1, "the") and word(tokens, i + 2) in v.PARTS:
        return Parts(part=word(tokens, i + 2)), i + 3
    if low == "at" and word(tokens, i + 1) in ("night", "lunchtime", "bedtime"):
        return Parts(part=word(tokens, i + 1)), i + 2
    if low == "last" and word(tokens, i + 1) == "night":
        return Parts(day=here.today.fromordinal(here.today.toordinal() - 1), part="night"), i + 2
    return None
