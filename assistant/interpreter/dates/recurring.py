"""Reads a recurrence whole: what may stand before its rule, the rule, and all that belongs to it behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.clocks import one_clock
from assistant.interpreter.dates.modifying import modifier
from assistant.interpreter.dates.numbers import cardinal
from assistant.interpreter.dates.parts import Here
from assistant.interpreter.dates.points import read
from assistant.interpreter.dates.ranges import first_day, ranged, until_day
from assistant.interpreter.dates.repeating import Reading, rule_at, weekday_list
from assistant.interpreter.dates.repeats import Repeat, weekdays, with_times
from assistant.interpreter.dates.tokens import Source

_LARGEST = 1000  # of an interval or a count


def repeat(s: Source, i: int, here: Here) -> Reading | None:
    """A recurrence that starts at this token, with all that belongs to it."""
    found = _leading_week(s, i, here) or _led_rule(s, i, here)
    if found is None:
        return None
    one, after = found
    while True:
        more = modifier(s, after, one, here)
        if more is None:
            break
        one, after = more
    return (one, after) if _sound(one) else None


def _led_rule(s: Source, i: int, here: Here) -> Reading | None:
    """The rule with what may stand before it: its start and end, its count, its time."""
    start, until, j = _leading_days(s, i, here)
    j += j > i and s.word(j) == ","
    counted, j = _leading_count(s, j)
    times, j = _leading_time(s, j)
    j += s.word(j) in ("on",) and (start is not None or times is not None)
    found = rule_at(s, j, here)
    if found is None:
        return None
    one = replace(found[0], start=start, until=until, count=counted)
    one = with_times(one, times[0].clocks, times[0].part) or one if times else one
    return one, found[1]


def _leading_week(s: Source, i: int, here: Here) -> Reading | None:
    """ "from monday to friday every week", "monday to friday each week"."""
    j = i + (s.word(i) == v.FROM)
    days, after = weekday_list(s, j)
    if len(days) < 2 or s.word(j + 1) not in v.TO or not (s.word(after) in v.EVERY or s.word(after) == "weekly"):
        return None
    found = rule_at(s, after, here)
    weekly = found and found[0].freq == "WEEKLY" and not found[0].days
    return (replace(found[0], days=weekdays(days)), found[1]) if found and weekly else None


def _sound(one: Repeat) -> bool:
    """Whether RFC 5545 has such a rule: no nth weekday of a week, no day 0 or 32, no count beside an end."""
    if not 0 < one.interval <= _LARGEST or one.count > _LARGEST or len(one.days) > 7 or len(one.clocks) > 24:
        return False
    if one.count and one.until:
        return False
    if any(not 1 <= abs(day) <= 31 for day in one.month_days):
        return False
    if one.freq == "YEARLY" and any(nth for nth, _ in one.days) and not one.months:
        return False
    return not any(nth for nth, _ in one.days) or one.freq in ("MONTHLY", "YEARLY")


def _leading_days(s: Source, i: int, here: Here) -> tuple[date | None, date | None, int]:
    """ "starting next Tuesday on the 4th of each month", "until May, every Monday", "from jan 1 to march 25 daily"."""
    if s.word(i) in (v.FROM, v.BETWEEN) and (whole := ranged(s, i, here)) and not isinstance(whole[0].end, datetime):
        last = whole[0].end - timedelta(days=1) if whole[0].end else None
        return (None, None, i) if isinstance(whole[0].start, datetime) else (whole[0].start, last, whole[1])
    if s.word(i) in v.BOUNDS and v.BOUNDS[s.word(i)] == "by":
        found = read(s, i + 1, here)
        day = until_day(found[0], here) if found else None
        return (None, day, found[1]) if found and day else (None, None, i)
    start, j = _leading_start(s, i, here)
    return start, None, j


def _leading_count(s: Source, i: int) -> tuple[int, int]:
    """ "10 times every Friday"."""
    found = cardinal(s, i)
    if found is None or found[0] < 1 or s.word(found[1]) not in v.TIMES or s.word(found[1]) == "time":
        return 0, i
    if s.word(found[1] + 1) in v.FREQUENCIES:
        return 0, i  # "5 times weekly" is how often in a week
    return found[0], found[1] + 1


def _leading_start(s: Source, i: int, here: Here) -> tuple[date | None, int]:
    if s.word(i) not in v.STARTING or s.word(i) in (v.FROM, "since"):
        return None, i
    found = read(s, i + 1 + (s.word(i + 1) in ("on", "from", "in", "at")), here)
    day = first_day(found[0], here) if found else None
    return (day, found[1]) if found and day else (None, i)


def _leading_time(s: Source, i: int) -> tuple[Reading | None, int]:
    """ "at 10 am on the 15th of every month", "9am every day"."""
    at = s.word(i) in v.AT
    found = one_clock(s, i + at, at)
    if found is None:
        return None, i
    return (Repeat("DAILY", clocks=(found[0],)), found[1]), found[1] + (s.word(found[1]) == ",")
