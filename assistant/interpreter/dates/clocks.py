"""Times of the day: "5pm", "17:00", "half past five", "noon", "at 9", "in the morning", with the zone they are in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.numbers import cardinal, is_digits
from assistant.interpreter.dates.parts import Clock, Found, Here, Part, Point
from assistant.interpreter.dates.tokens import Source, remembered

_COLON = re.compile(r"([0-9]{1,2}) ?:([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,6})?)?(?![0-9:])")
_LETTER_H = re.compile(r"([0-9]{1,2})h([0-9]{2})?(?![0-9])", re.I)
_DOT = re.compile(r"([0-9]{1,2})\.([0-9]{2})(?![0-9]|\.[0-9])")
_FOUR = re.compile(r"([0-9]{1,2})([0-9]{2})(?![0-9])")
_MERIDIEM = re.compile(r"([ap]) ?\.? ?m(?:\b|(?-i:(?=[A-Z][a-z])))\.?|([ap])(?![\w.])", re.I)
_HOUR_ONLY = re.compile(r"([0-9]{1,2})(?![0-9])")
_OFFSET = re.compile(r"(?:utc|gmt) ?([+-])([0-9]{1,2}):?([0-9]{2})?(?![0-9])", re.I)
_BARE_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})(?![0-9:])")
_IANA = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_]+){1,2}")


def build(hour: int, minute: int, meridiem: str, settled: bool = False, second: int = 0) -> Clock | None:
    """A clock, or None where there is no such time. `meridiem` is "a", "p" or ""."""
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and minute):
        return None
    if meridiem:
        if hour > 12 and meridiem == "p":
            return Clock(hour % 24, minute, second)
        return Clock(hour % 12 + 12 * (meridiem == "p"), minute, second) if 1 <= hour <= 12 else None
    if hour == 24:
        return Clock(0, next_day=True)
    return Clock(hour, minute, second, settled=settled or hour == 0 or hour > 12)


def settle(clock: Clock, part: Part | None) -> Clock:
    """The clock by the policy of the package, the part of the day beside it taken into account."""
    if clock.settled:
        return clock
    hour, name = clock.hour, part.name if part else None
    if name in v.MORNING:
        hour %= 12
    elif name in v.NIGHT and hour == 12:
        return Clock(0, clock.minute, next_day=True)
    elif name in v.NIGHT and hour < 5:  # "tonight at 2"
        return Clock(hour, clock.minute, next_day=True)
    elif name is not None:
        hour = hour % 12 + 12
    elif hour < 7:
        hour += 12
    return replace(clock, hour=hour, settled=True)


def _numeric(s: Source, i: int) -> tuple[int, int, int, bool, int] | None:
    """Hour, minute, second, whether the form itself says that it is a time, and the index after it."""
    if not is_digits(s.word(i), 4):
        return None
    if s.word(i + 1) == "," and s.glued(i + 1) and s.glued(i + 2) and s.word(i + 2).isdigit():
        return None  # "101,194 points"
    if found := s.match(_COLON, i):
        m, after = found
        told = s.word(after) in ("hours", "hrs") and (int(m[1]) > 6 or m[1][0] == "0")
        after += told or (s.word(after) == "h" and s.glued(after))  # "17:05h", "13:00 hours"
        return int(m[1]), int(m[2]), int(m[3] or 0), True, after
    if found := s.match(_LETTER_H, i):
        m, after = found
        return int(m[1]), int(m[2] or 0), 0, True, after
    if found := s.match(_DOT, i):
        m, after = found
        return int(m[1]), int(m[2]), 0, False, after
    if found := s.match(_HOUR_ONLY, i):
        return int(found[0][1]), 0, 0, False, found[1]
    if found := s.match(_FOUR, i):
        m, after = found
        return int(m[1]), int(m[2]), 0, False, after
    return None


def _meridiem(s: Source, i: int) -> tuple[str, int]:
    """ "am", "a.m.", "p" or nothing, and the index after it."""
    if s.words(i, "in", "the") and s.word(i + 2) in ("am", "pm"):
        return s.word(i + 2)[0], i + 3
    i += s.word(i) == "." and s.glued(i) and s.glued(i + 1) and s.word(i + 1) in ("am", "pm")
    found = s.match(_MERIDIEM, i)
    if found is None or (found[0][2] and not s.glued(i)):
        return "", i
    return (found[0][1] or found[0][2]).lower(), found[1]


def _digits(s: Source, i: int, expected: bool) -> tuple[Clock, int] | None:
    """A time in digits. A bare hour or "930" only where a time is expected, or said by what follows."""
    found = _numeric(s, i)
    if found is None:
        return None
    hour, minute, second, certain, after = found
    low, lettered = s.word(i), s.word(i + 1).startswith("h")
    meridiem, after = ("", after) if lettered else _meridiem(s, after)
    if certain and not meridiem and s.word(after) in ("a", "p") and s.glued(after) and s.word(after + 1) == ".":
        meridiem, after = s.word(after), after + 1  # "9:00a."
    said = certain or bool(meridiem)
    hyphen = s.word(after) == "-" and s.word(after + 1) == v.ISH
    if s.word(after) in v.OCLOCK or ((hyphen or s.word(after) == v.ISH) and s.glued(after)):
        said, after = True, after + 1 + hyphen
        meridiem, after = (meridiem, after) if meridiem else _meridiem(s, after)
    if len(low) == 4 and not said and s.word(after) in ("h", "hrs", "hours") and hour < 24 and s.word(i - 1) != "for":
        said, after = True, after + 1  # "1500 hours"
    if not said and not minute and len(low) < 3 and (spaced := _spaced_minutes(s, after)):
        meridiem, later = _meridiem(s, spaced[1])
        if expected or meridiem:
            minute, after, said = spaced[0], later, said or bool(meridiem)
    if not said and not expected:
        return None
    settled = lettered or (low.startswith("0") and len(low) in (2, 4))
    clock = build(hour, minute, meridiem, settled, second)
    return (clock, after) if clock else None


def _spaced_minutes(s: Source, i: int) -> tuple[int, int] | None:
    """The minutes of "at 12 15"."""
    low = s.word(i)
    if s.word(i + 1) in v.MONTHS or s.word(i + 1) in v.TIMES or (s.word(i + 1) in ("/", ".", "-") and s.glued(i + 1)):
        return None  # "at 9 24 dec"
    return (int(low), i + 1) if is_digits(low, 2) and len(low) == 2 and int(low) < 60 else None


def _past(s: Source, i: int) -> tuple[Clock, int] | None:
    """ "half past 5", "quarter to nine", "ten past eight in the morning", "15 minutes past noon"."""
    j = i + 1 if s.word(i) in v.ARTICLES else i
    named = False
    if s.word(j) == "half" and s.word(i - 1) in v.AT and (told := _digits(s, j + 1, True) or spoken(s, j + 1)):
        return (replace(told[0], minute=30), told[1]) if not told[0].minute and told[1] == j + 2 else None
    if s.word(j) in v.FRACTIONS:
        minutes, j = int(v.FRACTIONS[s.word(j)] * 60), j + 1
    elif (counted := cardinal(s, i)) and 0 < counted[0] < 60:
        minutes, j = counted
        named = s.word(j) in ("minutes", "minute", "mins", "min")
        if s.word(j) == "to" and minutes <= 12 and s.word(i).isdigit():
            return None  # "5 to 6pm" is a range
        j += named
    else:
        return None
    direction = s.word(j)
    if direction not in ("past", "to", "til", "till", "after", "before", "of"):
        return None
    if direction != "past" and not named and (minutes % 5 or minutes > 30):
        return None
    base = named_clock(s, j + 1) or _digits(s, j + 1, True) or spoken(s, j + 1)
    if base is None or (base[0].minute and direction != "past") or s.word(base[1]) in v.UNITS.keys() - v.LENGTHS:
        return None  # "ten to fifteen minutes" is a length
    sign = 1 if direction in ("past", "after") else -1
    plain = not (s.word(i) in v.ARTICLES or s.word(i) in v.FRACTIONS)
    if direction in ("after", "before", "of") and plain and (named or not base[0].settled):
        return None  # "5 minutes after 3" is a length from a time
    total = (base[0].hour * 60 + base[0].minute + sign * minutes) % 1440
    hour = total // 60 if base[0].settled else (total // 60 - 1) % 12 + 1
    return Clock(hour, total % 60, settled=base[0].settled), base[1]


def named_clock(s: Source, i: int) -> tuple[Clock, int] | None:
    """Noon and midnight."""
    j = i + (s.word(i) in v.THE)
    j += s.word(j) == "12" and (s.word(j + 1) in v.NOON or s.word(j + 1) == v.MIDNIGHT)
    if s.word(j) in v.NOON:
        return Clock(12), j + 1
    if s.word(j) == v.MIDNIGHT:
        return Clock(0, next_day=True), j + 1
    return (Clock(0, next_day=True), j + 2) if s.words(j, "mid", "night") else None


def spoken(s: Source, i: int) -> tuple[Clock, int] | None:
    """ "five", "five thirty", "nine am", "six forty-three": to be used only where a time is expected."""
    if s.word(i).isdigit():
        return None
    hour = cardinal(s, i)
    if hour is None or not 1 <= hour[0] <= 24:
        return None
    value, after = hour
    minute = cardinal(s, after + (s.word(after) == "-")) if not is_digits(s.word(after)) else None
    minutes = 0
    if minute and 10 <= minute[0] < 60:
        minutes, after = minute
        after += s.word(after) in ("minutes", "minute")
    meridiem, after = _meridiem(s, after)
    after += s.word(after) in v.OCLOCK
    clock = build(value, minutes, meridiem)
    return (clock, after) if clock else None


@remembered
def one_clock(s: Source, i: int, expected: bool) -> tuple[Clock, int] | None:
    """One time of the day. A bare hour counts only where one is `expected` (after "at")."""
    found = named_clock(s, i) or _past(s, i) or _digits(s, i, expected)
    if found is None and s.word(i + 1) in v.SHARP:
        found = _digits(s, i, True)  # "9 sharp"
    said = None if found else spoken(s, i)
    if said:
        last, after = s.word(said[1] - 1), s.word(said[1])
        told = last in v.OCLOCK or last in ("am", "pm", "m", ".") or after in v.SHARP
        told = told or (i == 0 and said[1] == len(s) and said[0].minute % 5 == 0 and said[0].minute > 0)
        told = told or (said[0].minute > 0 and (after in v.RELATIVE_DAYS or after in v.WEEKDAYS or after in v.TONIGHT))
        found = said if expected or told else None
    return (found[0], found[1] + (s.word(found[1]) in v.SHARP)) if found else None


def clock(s: Source, i: int, here: Here) -> Found | None:
    """A time of the day with the zone that it is in."""
    expected = s.word(i - 1) in v.AT or s.word(i - 1) in v.ABOUT
    expected = expected or (s.word(i - 1) in v.BOUNDS and s.word(i + 1) in ("", ".", "!", "?"))  # "by 5"
    found = one_clock(s, i, expected)
    return with_zone(s, Point(clock=found[0]), found[1]) if found else None


def with_zone(s: Source, point: Point, after: int) -> Found:
    """The point in the zone that is named next, if one is."""
    zone = zone_at(s, after)
    return (Point(clock=point.clock, zone=zone[0]), zone[1]) if zone else (point, after)


def zone_at(s: Source, i: int) -> tuple[tzinfo, int] | None:
    """A zone by its IANA name, its short name, "eastern time", or an offset such as "UTC+2"."""
    i += s.word(i) == "("
    low = s.word(i)
    if low in ("+", "-") and (found := s.match(_BARE_OFFSET, i)) and (low == "+" or not s.glued(i)):
        minutes = int(found[0][2]) * 60 + int(found[0][3])
        offset = timedelta(minutes=minutes if low == "+" else -minutes)
        return (timezone(offset), found[1]) if minutes < 24 * 60 else None
    if not low.isalpha():
        return None
    if low in ("utc", "gmt") and (found := s.match(_OFFSET, i)):
        m, after = found
        minutes = int(m[2]) * 60 + int(m[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if m[1] == "+" else -minutes)), after + (s.word(after) == ")")
    two = f"{low} {s.word(i + 1)}"
    if two in v.ZONE_WORDS and s.word(i + 2) in v.ZONE_NOUNS:  # "new york time"
        return ZoneInfo(v.ZONE_WORDS[two]), i + 3
    if low in v.ZONE_WORDS:
        j = i + 1 + (s.word(i + 1) in ("standard", "daylight"))
        if s.word(j) in v.ZONE_NOUNS or (s.word(j) in ("", ",", ".", ")", "?") and low in v.BARE_ZONE_WORDS):
            return ZoneInfo(v.ZONE_WORDS[low]), j + (s.word(j) in v.ZONE_NOUNS)
        return None
    if low in v.ZONES and (low != "z" or s.glued(i)):
        known = v.ZONES[low]
        zone = ZoneInfo(known) if isinstance(known, str) else timezone(timedelta(minutes=known))
        return zone, i + 1 + (s.word(i + 1) in v.ZONE_NOUNS)
    return _iana(s, i)


def _iana(s: Source, i: int) -> tuple[tzinfo, int] | None:
    found = s.match(_IANA, i)
    if found is None:
        return None
    try:
        return ZoneInfo(found[0][0]), found[1]
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None
