"""From one day or time to another, or for some length from it: "5 to 16 Aug", "Monday - Friday", "4pm for 30 mins"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, moved
from assistant.interpreter.dates.clocks import one_clock
from assistant.interpreter.dates.days import month_day, year_at
from assistant.interpreter.dates.numbers import cardinal, is_digits, ordinal
from assistant.interpreter.dates.parts import Amount, Here, Period, Point, When, add_months, given, month_length
from assistant.interpreter.dates.periods import month_period
from assistant.interpreter.dates.points import point
from assistant.interpreter.dates.settling import day_in as day_named
from assistant.interpreter.dates.settling import like, on, settle
from assistant.interpreter.dates.tokens import Source

_FIXING = v.THIS | v.NEXT | v.LAST | v.COMING | {"'", *v.RELATIVE_DAYS, *v.WEEKDAYS}
_FOR = frozenset({"for"})
_DAY = frozenset({"day", "weekday", "dom", "month"})


def ranged(s: Source, i: int, here: Here) -> tuple[When, int] | None:
    """A range that starts at this token."""
    led = s.word(i) in (v.FROM, v.BETWEEN)
    j = i + led
    for reader in (_days_of_a_month, _years, _between_points, _lasting_hour):
        try:
            found = reader(s, j, here, led)
        except (ValueError, OverflowError):  # 31 June, the year 10000: no range
            continue
        if found:
            return _present(s, i, found, here)
    return None


def _present(s: Source, i: int, found: tuple[When, int], here: Here) -> tuple[When, int]:
    """The range that is going on, where months and days without a year name one: "August to October" in September."""
    when, after = found
    said = s.lows[i:after]
    dated = any(low in v.MONTHS or low == "/" for low in said)
    fixed = any((is_digits(low, 4) and len(low) == 4) or low in _FIXING for low in said)
    if not dated or fixed or when.end is None or when.at is not None or not here.future:
        return found
    start, end = (_day(one) for one in (when.start, when.end))
    if start <= here.today or isinstance(when.start, datetime):
        return found
    earlier, ended = add_months(start, -12), add_months(end, -12)
    last = add_months(ended, 1) if said[-1] in v.MONTHS else ended
    return (replace(when, start=earlier, end=ended), after) if earlier <= here.today < last else found


def _link(s: Source, i: int, led: bool) -> int:
    """The index after the word between two ends, or 0."""
    if s.word(i) in v.TO or (led and s.word(i) in ("and", "&")):
        return i + 1 + (s.word(i + 1) == v.FROM)
    return i + 2 if s.words(i, "up", "to") or s.words(i, "and", "until") else 0


def _number(s: Source, i: int) -> tuple[int, int] | None:
    """A day of a month as a number or an ordinal, with "the" before it or a full stop after it."""
    j = i + (s.word(i) in v.THE)
    found = ordinal(s, j) or (cardinal(s, j) if len(s.word(j)) < 3 or s.word(j).isalpha() else None)
    if found is None or not 1 <= found[0] <= 31 or s.word(j) in v.ARTICLES:
        return None
    return found[0], found[1] + (s.word(found[1]) == "." and s.glued(found[1]) and s.word(j).isdigit())


def _days_of_a_month(s: Source, i: int, here: Here, led: bool) -> tuple[When, int] | None:
    """Two days of one month: "5 to 16 Aug", "July 13-15, 2026", "the 13th to the 15th of July"."""
    if s.word(i) in v.MONTHS:
        return _month_first(s, i, here, led)
    first = _number(s, i)
    second = _link(s, first[1], led) if first else 0
    if first and not second and s.word(first[1]) in ("and", "&", "+"):
        following = _number(s, first[1] + 1)
        second = first[1] + 1 if following and following[0] == first[0] + 1 else 0  # "7 and 8 december"
    if first is None or not second:
        return None
    found = month_day(s, second, here)
    if found and found[0].month and found[0].dom:
        start = Point(dom=first[0], month=found[0].month, year=found[0].year)
        return _both(start, found[0], found[1], here)
    last = _number(s, second)
    within = point(s, last[1] + (s.word(last[1]) in ("in", "of")), here) if last else None
    if last and within and (inside := within)[0].period and inside[0].period and inside[0].period.grain == "month":
        days = [settle(Point(dom=dom, period=inside[0].period), here) for dom in (first[0], last[0])]
        return _joined(days[0], days[1], inside[1])
    later = point(s, second, here)
    dotted = s.word(first[1] - 1) == "." and not s.word(i).isalpha()  # "17.-19.10."
    if later is None or later[0].month is None or later[0].dom is None or later[0].clock or not (led or dotted):
        return None
    return _both(Point(dom=first[0], month=later[0].month, year=later[0].year), later[0], later[1], here)


def _month_first(s: Source, i: int, here: Here, led: bool) -> tuple[When, int] | None:
    found = month_day(s, i, here)
    if found is None or found[0].dom is None:
        return None
    second = _link(s, found[1], led)
    last = _number(s, second) if second else None
    if last is None or one_clock(s, second, False) or s.word(last[1]) in (":", ".", "/", *v.MONTHS):
        return None
    after = last[1]
    year = year_at(s, after + (s.word(after) == ","))
    said = year[0] if year else found[0].year
    start = replace(found[0], year=said)
    if last[0] > month_length(said or 2000, found[0].month or 1):
        s.no_such_day(i, year[1] if year else after)
    return _both(start, Point(dom=last[0], month=found[0].month, year=said), year[1] if year else after, here)


def _both(start: Point, end: Point, after: int, here: Here) -> tuple[When, int] | None:
    first = settle(start, here)
    last = settle(end, _from(here, first)) if first else None
    return _joined(first, last, after)


def _from(here: Here, first: When | None) -> Here:
    """The speaker's place once the first end has come: the second is looked for from there."""
    if first is None:
        return here
    start = first.start if isinstance(first.start, datetime) else datetime.combine(first.start, time())
    return replace(here, wall=start, future=True)


def _joined(first: When | None, last: When | None, after: int) -> tuple[When, int] | None:
    """From the one to the end of the other. "To" a month or a year ends where that begins."""
    if first is None or last is None:
        return None
    start = first.at if first.at is not None and first.grain != "part" else first.start
    end = last.at if last.at is not None else last.end
    if last.at is not None and last.grain == "part":
        end = last.end
    if last.at is None and last.grain in ("month", "year"):
        end = last.start
    if end is None:
        return None
    if not isinstance(end, datetime) and (last.at is not None or last.end is None):
        end += timedelta(days=1)
    if isinstance(start, datetime) != isinstance(end, datetime):
        start, end = _wall(start), _wall(end)
    if end <= start:
        return None
    grain = "time" if isinstance(start, datetime) else "day"
    return When(start, end, None, grain, first.zone or last.zone), after


def _wall(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time())


def _years(s: Source, i: int, here: Here, led: bool) -> tuple[When, int] | None:
    """ "from 2014 to 2018": it ends where the second year begins."""
    first = year_at(s, i)
    second = _link(s, first[1], led) if first and is_digits(s.word(i), 4) else 0
    last = year_at(s, second) if second else None
    if first is None or last is None or not led or not first[0] < last[0]:
        return None
    return When(date(first[0], 1, 1), date(last[0], 1, 1), None, "year"), last[1]


def _between_points(s: Source, i: int, here: Here, led: bool) -> tuple[When, int] | None:
    """Any two points; what only one of them says holds for both."""
    left = point(s, i, here) or _led_clock(s, i, led)
    if left is None or left[2] or left[0].until is not None:
        return None
    second = _link(s, left[1], led)
    if not second:
        return None
    if led and (year := year_at(s, i)) and left[1] == year[1]:
        return None
    right = point(s, second, here) or _led_clock(s, second, True)
    if right is None or right[2] or not _alike(left[0], right[0], led):
        return None
    if s.word(right[1]) in v.UNITS and right[0].clock is not None and not right[0].clock.settled:
        return None  # "between 2 and 3 hours"
    first, last = _shared(left[0], right[0])
    shares = given(last) & {*_DAY, "period"} and not given(first) & {*_DAY, "period", "part"}
    if first.clock is not None and shares and one_clock(s, second, True):
        first, last = replace(last, clock=like(first.clock, last.clock)), Point(clock=last.clock, part=last.part)
    if first.period is not None and last.period is not None and not year_at(s, left[1] - 1):
        first = replace(first, period=_year_before(first.period, last.period))
    start = settle(first, here)
    if start is None:
        return None
    if last.clock is not None and not given(last) & {"day", "weekday", "dom", "month"}:
        end = _clock_after(start, first, last)
        return _joined(start, end, right[1]) if end else None
    return _joined(start, _second(last, start, here), right[1])


def _year_before(first: Period, last: Period) -> Period:
    """The month of the first in the twelve months before the last: "May to Oct 2020"."""
    if first.grain != "month" or last.grain != "month":
        return first
    year = last.start.year - (first.start.month > last.start.month)
    return month_period(max(year, first.start.year), first.start.month)


def _lasting_hour(s: Source, i: int, here: Here, led: bool) -> tuple[When, int] | None:
    """ "from 9 for 2.5 hours"."""
    found = _led_clock(s, i, led)
    when = settle(found[0], here) if found else None
    return lasting(s, found[1], when) if found and when else None


def _led_clock(s: Source, i: int, led: bool) -> tuple[Point, int, str] | None:
    found = one_clock(s, i, True) if led else None
    return (Point(clock=found[0]), found[1], "") if found else None


def _second(last: Point, start: When, here: Here) -> When | None:
    """The second end: the next after the first where it is only a weekday or a day of a month."""
    near = last.weekday is not None and last.weekday.which != ""
    if last.period is not None and last.year is None and last.period.grain == "month":
        begin = start.start.date() if isinstance(start.start, datetime) else start.start
        years = 0
        while last.period.start < begin and years < 3:
            years += 1
            shifted = [day.replace(year=day.year + 1) for day in (last.period.start, last.period.end)]
            last = replace(last, period=Period(shifted[0], shifted[1], "month", last.period.due))
    return settle(last, here if near or last.day is not None else _from(here, start))


def _alike(left: Point, right: Point, led: bool) -> bool:
    """Whether both are days, or both have times; a stretch or a moment beside a day only behind "from"."""
    parts = any(p.part is not None and p.clock is None for p in (left, right))
    if left.stretch or right.stretch or parts:
        both = all(given(p) & {*_DAY, "period"} for p in (left, right))
        return (led or both) and not (left.stretch or right.stretch)
    timed = [bool(given(p) & {"clock", "moment", "instant"}) for p in (left, right)]
    return timed[0] == timed[1] or led or right.clock is not None or right.moment is not None


def _shared(left: Point, right: Point) -> tuple[Point, Point]:
    """Month and year of the second where the first has none, the year of the first for the second, a day for both."""
    if left.month and right.month and left.year is None and right.year is not None and left.dom:
        before = (left.month, left.dom) <= (right.month, right.dom or 31)
        left = replace(left, year=right.year if before else right.year - 1)
    elif left.month and right.month and left.year is not None and right.year is None:
        before = (left.month, left.dom or 1) <= (right.month, right.dom or 31)
        right = replace(right, year=left.year if before else left.year + 1)
    week = right.period is not None and right.period.grain == "week" and right.weekday is not None
    if week and left.weekday is not None and left.period is None and not left.weekday.which:
        left = replace(left, period=right.period)
    if left.clock is not None and right.clock is not None and not given(left) & _DAY and given(right) & _DAY:
        left = replace(left, clock=like(left.clock, right.clock))
    return left, right


def _clock_after(start: When, first: Point, last: Point) -> When | None:
    """The time of day that ends the range, on the day of its start or the next."""
    if last.clock is None or not isinstance(start.start, datetime):
        return None
    clock = like(last.clock, None)
    at = on(start.start.date(), clock)
    if at <= start.start and not clock.settled and clock.hour < 12:
        at += timedelta(hours=12)
    at = at if at > start.start else at + timedelta(days=1)
    return When(at, None, at, "time")


def lasting(s: Source, after: int, when: When) -> tuple[When, int] | None:
    """ "4pm for 30 mins", "18th Dec for 10 days": the length behind a start."""
    j = after + (s.word(after) == ",")
    if s.word(j) not in _FOR or when.at is None or when.grain == "part":
        return None
    found = amount(s, j + 1)
    return (_stretch(when, found[0]), found[1]) if found else None


def beginning(s: Source, after: int, by: Amount, here: Here) -> tuple[When, int] | None:
    """ "for 3 hours from 10 am", "a week starting tomorrow": the start behind a length."""
    j = after + (s.word(after) == ",")
    if s.word(j) not in v.STARTING:
        return None
    j += 1 + (s.word(j + 1) in ("on", "at", "from"))
    found = point(s, j, here) or _led_clock(s, j, True)
    when = settle(found[0], here) if found and not found[2] and found[0].until is None else None
    if found is None or when is None or (when.at is None and when.grain not in ("day", "week", "month")):
        return None
    return _stretch(when, by), found[1]


def later(when: When, by: Amount) -> When:
    """The day or time so far behind another: "next tuesday +10 days"."""
    start = when.at if when.at is not None else when.start
    start = datetime.combine(start, time()) if by.fine and not isinstance(start, datetime) else start
    there = moved(start, by)
    return When(there, None, there, zone=when.zone)


def _stretch(when: When, by: Amount) -> When:
    start = when.at if when.at is not None and when.grain != "part" else when.start
    if by.fine and not isinstance(start, datetime):
        start = datetime.combine(start, time())
    end = moved(start, by)
    return When(start, end, None, "time" if isinstance(start, datetime) else "day", when.zone)


def last_day(p: Point, here: Here) -> date | None:
    """The day that a point ends on; the last of a period."""
    when = settle(p, here)
    if when is None or when.at is not None or when.end is None or isinstance(when.end, datetime):
        return first_day(p, here) if when is None or when.at is None else _day(when.at)
    return when.end - timedelta(days=1)


def until_day(p: Point, here: Here, start: date | None = None) -> date | None:
    """The day that a recurrence ends on, behind its start. "Until March" ends where that begins."""
    if p.period is not None and p.period.grain in ("month", "year") and p.period.due is None and not p.weekday:
        ends = p.period.start
        while start and ends < start and p.period.grain == "month":
            ends = add_months(ends, 12)
        return ends
    there = replace(here, wall=datetime.combine(start, time())) if start and start > here.today else here
    return last_day(p, there)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def first_day(p: Point, here: Here) -> date | None:
    """The day a point lies on, for what starts or ends there."""
    named = day_named(p, here)
    if named is not None:
        return named
    when = settle(p, here)
    if when is None:
        return None
    return _day(when.start)
