"""Days and times so far from another: "in 3 days", "two weeks from tomorrow", "the Monday after next Friday"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from assistant.interpreter.dates import clocks, days, periods
from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, backwards, moved, of_unit, shifted
from assistant.interpreter.dates.nths import nth
from assistant.interpreter.dates.numbers import cardinal
from assistant.interpreter.dates.parts import Amount, Found, Here, Point, Weekday
from assistant.interpreter.dates.settling import day_in, settle
from assistant.interpreter.dates.tokens import Source

_DEEPEST = 2  # "two days after the Monday after next Friday"

Pointing = Callable[[Source, int, Here, int], tuple[Point, int, str] | None]  # reads the day that is measured from


def relative(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """ "in 3 days", "two weeks from tomorrow", "a week ago", "3 fridays from now", "the Monday after next Friday"."""
    low = s.word(i)
    if low == "-" and i == 0 and s.glued(1) and s.word(1)[:1].isdigit() and (back := amount(s, 1)):
        return shifted(here, backwards(back[0])), back[1]  # "-3 days"
    if low in ("in", "within", "after") or (low == "+" and s.glued(i + 1) and not s.word(i - 1).isalnum()):
        j = i + 1 + (s.word(i + 1) in v.ROUGHLY or (s.word(i + 1) == "the" and s.word(i + 2) not in v.NEXT | v.LAST))
        j += 2 * (s.word(j) in ("less", "more") and s.word(j + 1) == "than")
        found = amount(s, j)
        if found is None or (s.word(j - 1) == "the" and low != "in"):
            return None
        by, after = found
        after += s.word(after) == "'"
        after += s.word(after) == "time"
        after += 2 * (s.words(after, "from", "now") or s.words(after, "from", "today"))
        return _on_weekday(s, after, shifted(here, by), by)
    return (
        _weekday_beside(s, i, here, depth, point)
        or _measured(s, i, here, depth, point)
        or _week_from(s, i, here)
        or _counted_weekday(s, i, here)
        or _nth_beside(s, i, here, depth, point)
        or _closest(s, i, here, depth, point)
        or _period_beside(s, i, here, depth, point)
    )


def _on_weekday(s: Source, after: int, there: Point, by: Amount) -> Found:
    """ "in two weeks on Friday", "3 weeks after Christmas on Friday": that day of the week which is so far away."""
    number = v.WEEKDAYS.get(s.word(after + 1)) if s.word(after) == "on" else None
    if number is None or there.day is None or not (by.months or by.days >= 7):
        return there, after
    return _weekday_near(there, number), after + 2


def _weekday_near(there: Point, number: int) -> Point:
    assert there.day is not None
    return Point(day=there.day + timedelta(days=number - there.day.weekday()))


def _weekday_beside(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """ "Thursday, two years from now": that day of the week which is so far away."""
    number = v.WEEKDAYS.get(s.word(i))
    j = i + 1 + (s.word(i + 1) == ",")
    found = amount(s, j + (s.word(j) == "in")) if number is not None else None
    if number is None or found is None or found[0].fine or not (found[0].months or found[0].days >= 7):
        return None
    if s.word(j) == "in":
        return _weekday_near(shifted(here, found[0]), number), found[1]
    there = _measured(s, j, here, depth, point)
    return (_weekday_near(there[0], number), there[1]) if there and there[0].day else None


def _measured(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """A length and where it is measured from."""
    found = amount(s, i) or _one_unit(s, i)
    if found is None:
        return None
    by, after = found
    low = s.word(after)
    if low == "prior" and s.word(after + 1) == "to":
        low, after = "before", after + 1
    if low in v.AGO:
        return _on_weekday(s, after + 1, shifted(here, backwards(by)), by)
    if low in v.HENCE:
        return _on_weekday(s, after + 1, shifted(here, by), by)
    if low not in ("from", "after", "before", "since", "until"):
        return None
    if s.word(after + 1) in ("now", "this") and (s.word(after + 1) == "now" or s.word(after + 2) in ("moment", "")):
        return _on_weekday(s, after + 2, shifted(here, by), by)
    return _from_anchor(s, after, low, by, here, point(s, after + 1, here, depth + 1) if depth < _DEEPEST else None)


def _from_anchor(
    s: Source, after: int, low: str, by: Amount, here: Here, anchor: tuple[Point, int, str] | None
) -> Found | None:
    """The length before or after a day or time that is said."""
    if anchor is None and by.fine and (hour := clocks.one_clock(s, after + 1, True)):
        anchor = Point(clock=hour[0]), hour[1], ""  # "5 minutes before 5"
    if anchor is None:
        if s.word(after + 1) not in ("", "?", ".", "!") or low not in ("before", "after"):
            return None
        # "15 minutes before", "the day after"
        return shifted(here, backwards(by) if low == "before" else by), after + 1
    start = settle(anchor[0], here)
    if start is None:
        return None
    base = start.at or start.start
    by = backwards(by) if low == "before" else by
    if by.fine and not isinstance(base, datetime):
        return None
    there = moved(base, by)
    if isinstance(there, datetime):
        return Point(moment=there), anchor[1]
    if anchor[0].weekday is not None and anchor[0].day is not None:  # "3 weeks after Christmas on Friday"
        return _weekday_near(Point(day=there), anchor[0].weekday.number), anchor[1]
    return _on_weekday(s, anchor[1], Point(day=there), by)


def _one_unit(s: Source, i: int) -> tuple[Amount, int] | None:
    """The length of "the day before Christmas"."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in ("week", "month", "year", "hour") and s.word(j + 1) == "from":
        return of_unit(1, s.word(j)), j + 1
    unit = v.UNITS.get(s.word(j), "")
    closed = s.word(j + 1) in ("after", "before") and s.word(j + 2) in ("", "?", ".", "!")
    if unit not in ("minute", "hour", "week", "month", "year") or not (closed and j > i):
        unit = unit if unit == "day" and s.word(j + 1) in ("after", "before", "from") else ""
    return (of_unit(1, unit), j + 1) if unit else None


def _week_from(s: Source, i: int, here: Here) -> Found | None:
    """ "a week today", "two weeks on Tuesday", "Monday in two weeks": that weekday of the week so far ahead."""
    number = v.WEEKDAYS.get(s.word(i))
    if number is not None and s.word(i + 1) == "in" and (found := amount(s, i + 2)) and found[0].unit == "week":
        day = shifted(here, found[0]).day or here.today
        return Point(day=date.fromordinal(day.toordinal() - day.weekday() + number)), found[1]
    found = amount(s, i)
    if found is None or found[0].unit not in ("week", "fortnight") or found[0].fine:
        return None
    by, after = found
    after += s.word(after) == "on"
    if s.word(after) in v.RELATIVE_DAYS:
        return Point(day=moved(here.today, replace(by, days=by.days + v.RELATIVE_DAYS[s.word(after)]))), after + 1
    number = v.WEEKDAYS.get(s.word(after))
    if number is None:
        return None
    return Point(day=moved(days.day_of(Weekday(number), here), by)), after + 1


def _period_beside(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """ "the week after Christmas", "the weekend before Easter": the whole one that follows or precedes."""
    j = i + (s.word(i) in v.THE)
    sign = {"after": 1, "before": -1}.get(s.word(j + 1))
    unit = s.word(j)
    if unit not in v.WEEKENDS | {"week", "month", "year"} or sign is None or depth >= _DEEPEST:
        return None
    anchor = point(s, j + 2, here, depth + 1)
    when = settle(anchor[0], here) if anchor else None
    if anchor is None or when is None:
        return None
    start = when.start.date() if isinstance(when.start, datetime) else when.start
    there = replace(here, wall=datetime.combine(start, time()))
    ahead = 0 if unit in v.WEEKENDS and sign > 0 and start.weekday() < 5 else sign
    return Point(period=periods.unit_period(unit, there, ahead)), anchor[1]


def _closest(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """ "the closest Monday to October 5th", "the second closest Friday": the nearest days, before and after alike."""
    j = i + (s.word(i) in v.THE)
    placed = nth(s, j)
    counted, j = placed if placed and placed[0] > 0 else (1, j)
    number = v.WEEKDAYS.get(s.word(j + 1))
    if s.word(j) not in v.CLOSEST or number is None or depth >= _DEEPEST:
        return None
    anchor = point(s, j + 3, here, depth + 1) if s.word(j + 2) == "to" else None
    base = (day_in(anchor[0], here) if anchor else None) or here.today
    ahead = base.toordinal() + (number - base.weekday()) % 7
    ordered = sorted(
        (ahead + 7 * step for step in range(-counted - 1, counted + 1)), key=lambda n: abs(n - base.toordinal())
    )
    return Point(day=date.fromordinal(ordered[counted - 1])), anchor[1] if anchor else j + 2


def _counted_weekday(s: Source, i: int, here: Here) -> Found | None:
    """ "3 fridays from now"."""
    counted = cardinal(s, i)
    if counted is None or not 0 < counted[0] < 520:
        return None
    weekends = s.word(counted[1]) in ("weekend", "weekends")
    number = 5 if weekends else v.WEEKDAY_PLURALS.get(s.word(counted[1]), v.WEEKDAYS.get(s.word(counted[1])))
    if number is None:
        return None
    j = counted[1] + 1
    if s.words(j, "from", "now") or s.word(j) in v.HENCE:
        first = days.day_of(Weekday(number), replace(here, future=True))
        return Point(day=date.fromordinal(first.toordinal() + 7 * (counted[0] - 1))), j + 1 + (s.word(j) == "from")
    if s.word(j) in v.AGO:
        last = days.day_of(Weekday(number, "past"), here)
        return Point(day=date.fromordinal(last.toordinal() - 7 * (counted[0] - 1))), j + 1
    return None


def _nth_beside(s: Source, i: int, here: Here, depth: int, point: Pointing) -> Found | None:
    """ "the third tuesday after christmas", "the 2nd monday before May 25", "the monday after next monday"."""
    j = i + (s.word(i) in v.THE)
    placed = nth(s, j)
    if placed and placed[0] == -1 and s.word(placed[1] + 1) == "before":
        placed = 1, placed[1]  # "the last friday before christmas"
    counted, j = placed if placed and placed[0] > 0 else (1, j)
    if placed and placed[0] > 0 and s.word(j) == "day" and s.word(j + 1) in ("after", "before") and depth < _DEEPEST:
        anchor = point(s, j + 2, here, depth + 1)  # "the second day after Christmas"
        start = day_in(anchor[0], here) if anchor else None
        by = timedelta(days=counted if s.word(j + 1) == "after" else -counted)
        return (Point(day=start + by), anchor[1]) if anchor and start and not anchor[0].clock else None
    several = cardinal(s, j) if placed is None else None
    if several and 0 < several[0] < 520 and s.word(several[1]) in v.WEEKDAY_PLURALS:  # "3 mondays after May 25"
        counted, j = several
    number = v.WEEKDAYS.get(s.word(j), v.WEEKDAY_PLURALS.get(s.word(j)) if several else None)
    sign = {"after": 1, "before": -1}.get(s.word(j + 1))
    unsaid = s.word(j + 2) in ("next", "last") and s.word(j + 3) not in v.WEEKDAYS  # "the saturday after next"
    if number is None or sign is None or depth >= _DEEPEST or unsaid:
        return None
    anchor = point(s, j + 2, here, depth + 1)
    base = day_in(anchor[0], here) if anchor else None
    if anchor is None or base is None:
        return None
    away = ((number - base.weekday()) * sign - 1) % 7 + 1 + 7 * (counted - 1)
    said = {name: getattr(anchor[0], name) for name in ("clock", "until", "part", "zone")}  # "… after christmas at 5"
    return Point(day=date.fromordinal(base.toordinal() + sign * away), **said), anchor[1]
