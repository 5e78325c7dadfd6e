"""What is said to lie in a period, and periods by number: "the end of next month", "the last 3 weeks of the year"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, moved, of_unit, unit_at
from assistant.interpreter.dates.days import month_day, relative_day, said_year, weekday, year_at
from assistant.interpreter.dates.halves import fiscal, half_year
from assistant.interpreter.dates.nths import nth_of
from assistant.interpreter.dates.numbers import cardinal, is_digits, ordinal
from assistant.interpreter.dates.numeric import numeric_day
from assistant.interpreter.dates.parts import Amount, Clock, Found, Here, Period, Point, add_months, add_working_days
from assistant.interpreter.dates.periods import STEPS, dated, month_period, named, unit_period
from assistant.interpreter.dates.tokens import Source
from assistant.interpreter.dates.weeks import week_number, week_of

_ENDED = ("week", "month", "quarter", "year")
_WITHIN = ("of", "in", "after", "before", "from", "to")  # what the third Wednesday is counted in


def period(s: Source, i: int, here: Here) -> Found | None:
    """Any of the periods, and the parts of them, as a piece of an expression."""
    for reader in _READERS:
        if found := reader(s, i, here):
            return found
    before = s.word(i - 1)
    loose = before in v.BEFORE_PERIODS
    if s.word(i) in v.MONTHS and s.word(i) == "may" and not s.tokens[i].raw[:1].isupper() and not loose:
        return None
    if found_name := named(s, i, here, loose and not _needs_the(s, i)):
        return Point(period=found_name[0]), found_name[1]
    return None


def _needs_the(s: Source, i: int) -> bool:
    """ "in week" and "of month" name no period of the present; "in the week" does."""
    return s.word(i) in v.UNITS


def _chosen_date(s: Source, i: int, here: Here) -> Found | None:
    """ "last December 25", "this June 5": of this year, or the next or latest one there is."""
    j = i + (s.word(i) in v.THE)
    step = STEPS.get(s.word(j))
    found = _dated(s, j + 1, here) if step is not None else None
    if found is None or found[0].month is None or found[0].dom is None or found[0].year is not None:
        return None
    if step == 0:
        return Point(day=date(here.today.year, found[0].month, found[0].dom)), found[1]
    return Point(day=dated(found[0].month, found[0].dom, None, replace(here, future=step == 1))), found[1]


def _same(s: Source, i: int, here: Here) -> Found | None:
    """ "the same week that it happened": the present one."""
    j = i + (s.word(i) in v.THE)
    unit = s.word(j + 1)
    if s.word(j) != "same" or unit not in ("week", "month", "year", "quarter", "day"):
        return None
    if s.word(j + 2) not in ("", ".", "!", "?", ",", "that", "as", "when", "it"):
        return None  # "the same week planner"
    whole = unit_period(unit, here, 0)
    return (Point(day=here.today) if unit == "day" else Point(period=whole), j + 2)


def _dated(s: Source, i: int, here: Here) -> Found | None:
    """A day of a month by its name or in figures."""
    return month_day(s, i, here) if s.word(i) in v.MONTHS else numeric_day(s, i, here)


def _of_year(s: Source, i: int, here: Here) -> Found | None:
    """ "next year November 15", "next year in November"."""
    year = said_year(s, i, here) if s.word(i + 1) == "year" else None
    if year is None:
        return None
    j = year[1] + (s.word(year[1]) in ("in", "on", ","))
    found = month_day(s, j, here)
    if found and found[0].month and found[0].dom and found[0].year is None:
        return Point(day=date(year[0], found[0].month, found[0].dom)), found[1]
    month = v.MONTHS.get(s.word(j))
    return (Point(period=month_period(year[0], month)), j + 1) if month else None


def _decade(s: Source, i: int, here: Here) -> Found | None:
    """ "the 1990s", "the 90s", "the 21st century"."""
    j = i + (s.word(i) in v.THE)
    low = s.word(j)
    if (which := ordinal(s, j)) and s.word(which[1]) == "century" and 10 < which[0] <= 40:
        start = date(100 * (which[0] - 1), 1, 1)
        return Point(period=Period(start, add_months(start, 1200), "century")), which[1] + 1
    after = j + 1 + (s.word(j + 1) == "'")  # "the 1980's"
    if low in v.DECADES and j > i:  # "the nineties"
        return Point(period=Period(date(v.DECADES[low], 1, 1), date(v.DECADES[low] + 10, 1, 1), "decade")), j + 1
    if not is_digits(low, 4) or s.word(after) != "s" or not s.glued(after) or int(low) % 10:
        return None
    if len(low) == 2 and j > i:
        year = int(low) + (2000 if int(low) < 30 else 1900)
    elif year_at(s, j):
        year = int(low)
    else:
        return None
    return Point(period=Period(date(year, 1, 1), date(year + 10, 1, 1), "decade")), after + 1


def _counted(s: Source, i: int, here: Here) -> Found | None:
    """ "next 3 days", "the last two weeks", "the 5 past minutes", "2 upcoming months", "previous 4 business days"."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) == "last" and s.word(j - 1) in v.AUXILIARIES:
        return None  # "it shouldn't last two hours"
    step = STEPS.get(s.word(j)) if s.word(j) not in v.THIS else None
    counted = cardinal(s, j + 1) if step else cardinal(s, j)
    if step and counted is None and s.word(j + 1) in v.VAGUE:
        counted = v.VAGUE[s.word(j + 1)], j + 2 + (s.word(j + 2) == "of")
    if counted is None and step and s.word(j + 1) in ("hour", "minute", "second"):
        counted = 1, j + 1
    if counted is None:
        return None
    number, after = counted
    if not step:
        step = STEPS.get(s.word(after)) if s.word(after) not in v.THIS else None
        after += 1
        if number > 1 and s.word(after) in v.LENGTHS and s.word(after - 1) in v.NEXT | v.LAST:
            return None  # "we will be only 3 next week"
    working = s.word(after) in v.WORKING
    named_unit = unit_at(s, after + working, after_number=False)
    if not step or not number or named_unit is None or s.words(after - 1, "last", "night"):
        return None
    unit, end = named_unit
    joint = s.word(end) == "and"
    more = amount(s, end + joint) if not working and s.word(end + joint) not in v.ARTICLES else None
    if more:
        return _rolling(here, step, of_unit(number, unit).plus(more[0])), more[1]
    return _stretch(here, step, number, unit, working), end


def _stretch(here: Here, step: int, number: int, unit: str, working: bool) -> Point:
    """So many units from tomorrow on or up to today; whole ones of quarters and years, times from now of hours."""
    if working:
        other_day = add_working_days(here.today, step * number)
        days = (here.today + timedelta(days=1), other_day + timedelta(days=1)) if step > 0 else (other_day, here.today)
        return Point(period=Period(*days, "day"))
    if unit in ("quarter", "year", "decade", "century"):
        whole = unit_period(unit, here, 1 if step > 0 else -number, number)
        return Point(period=whole)
    return _rolling(here, step, of_unit(number, unit))


def _rolling(here: Here, step: int, by: Amount) -> Point:
    """That long from tomorrow on or up to today; from or up to now where hours are counted."""
    if by.fine:
        wall = here.wall if by.seconds % 60 else here.wall.replace(second=0)
        other = moved(wall, by.times(step))
        assert isinstance(other, datetime)
        return Point(stretch=(min(wall, other), max(wall, other)))
    if step > 0:
        tomorrow = here.today + timedelta(days=1)
        return Point(period=Period(tomorrow, moved(tomorrow, by), "day"))
    return Point(period=Period(moved(here.today, by.times(-1)), here.today, "day"))


def _edge(s: Source, i: int, here: Here) -> Found | None:
    """ "end of the month", "early March", "mid-May", "eod", "close of business", "later this year"."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in v.SHORT_EDGES:
        edge, unit = v.SHORT_EDGES[s.word(j)]
        if unit in v.DAY_ENDS:
            return Point(clock=Clock(*v.DAY_ENDS[unit])), j + 1
        found = unit_period(unit, here, 0)
        return (Point(period=edged(found, edge)), j + 1) if found else None
    if s.word(j) in _ENDED and s.word(j + 1 + (s.word(j + 1) == "-")) == "end":  # "year end"
        found = unit_period(s.word(j), here, 0)
        return (Point(period=edged(found, "end")), j + 2 + (s.word(j + 1) == "-")) if found else None
    edge = v.EDGES.get(s.word(j)) or v.NEARLY.get(s.word(j), "")
    if not edge:
        return None
    of = s.word(j + 1) == "of"
    if not of and s.word(j) not in v.NEARLY and (j > i or s.word(j) != "end"):
        return None
    after = j + 1 + of
    after += s.word(after) in ("-", "around", "about") or (s.word(after) == "in" and s.word(j) in v.NEARLY)
    k = after + (s.word(after) in v.THE | v.THIS)
    if of and edge == "end" and s.word(k) in v.DAY_ENDS:
        return Point(clock=Clock(*v.DAY_ENDS[s.word(k)])), k + 1
    if of and edge != "middle" and (on := _end_of_day(s, k, edge, here)):
        return on
    halves = s.word(j) in ("later", "earlier") or (s.word(j) in v.NEARLY and edge != "middle")
    return _edge_of(s, after, edge, here, loose=of or s.word(k) != s.word(after), halves=halves)


def _end_of_day(s: Source, i: int, edge: str, here: Here) -> Found | None:
    """ "end of tomorrow", "start of monday", "end of dec 5": the last or the first minute of that day."""
    found = max((one for reader in _DAYS if (one := reader(s, i, here))), key=lambda one: one[1], default=None)
    if found is None or found[0].clock or found[0].moment or (v.MONTHS.get(s.word(i)) is not None and not found[0].dom):
        return None
    return replace(found[0], clock=Clock(*v.DAY_ENDS["day"]) if edge == "end" else Clock(0)), found[1]


def _edge_of(s: Source, after: int, edge: str, here: Here, loose: bool, halves: bool) -> Found | None:
    after += s.word(after) in v.THE and s.word(after + 1) in v.ABOUT
    after += s.word(after) in v.ABOUT
    found = named(s, after, here, loose or s.word(after) in v.SEASONS or is_digits(s.word(after), 4))  # "early 2027"
    if found is None or (found[0].grain == "weekend" and edge == "middle"):
        return None
    if s.word(found[1] - 1) in v.MONTHS and month_day(s, found[1] - 1, here):
        return None  # "end of May 5th" is no part of May
    comparative = s.word(after - 1) in ("later", "earlier") or s.word(after - 2) in ("later", "earlier")
    if halves and (comparative or found[0].grain == "year") and found[0].grain in ("year", "month"):
        return Point(period=_half(found[0], edge)), found[1]
    return Point(period=edged(found[0], edge)), found[1]


def _half(whole: Period, edge: str) -> Period:
    """ "later this year" is its second half, "earlier this month" its first."""
    cut = add_months(whole.start, 6) if whole.grain == "year" else whole.start + timedelta(days=15)
    last = whole.end - timedelta(days=1)
    return Period(whole.start, cut, "day", whole.start) if edge == "start" else Period(cut, whole.end, "day", last)


def edged(whole: Period, edge: str) -> Period:
    """The beginning, middle or end of a period: three days of a week, ten of a month, three months of a year.

    The year's end is its last four. The day that stands for it is the first, the middle or the last one of the whole.
    """
    start, end = whole.start, whole.end
    last, length = end - timedelta(days=1), (end - start).days
    if edge == "middle":
        third = timedelta(days=length // 3 if whole.grain != "month" else 10)
        return Period(start + third, start + 2 * third, "day", start + (last - start) / 2)
    if whole.grain == "year":
        cut = add_months(start, 3 if edge == "start" else 8)
    elif whole.grain == "month":
        cut = start + timedelta(days=10 if edge == "start" else 20)
    elif whole.grain == "weekend":
        cut = start + timedelta(days=1)
    elif whole.grain == "week":
        cut = start + timedelta(days=3 if edge == "start" else 4)
    else:
        cut = start + timedelta(days=length // 3 if edge == "start" else length - length // 3)
    return Period(start, cut, "day", start) if edge == "start" else Period(cut, end, "day", last)


def _rest(s: Source, i: int, here: Here) -> Found | None:
    """ "the rest of the week", "all weekend", "year to date"."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in v.TO_DATE and (whole := unit_period(v.TO_DATE[s.word(j)], here, 0)):
        return Point(period=Period(whole.start, here.today, "day")), j + 1
    if s.word(j) in v.WHOLE and (s.word(j + 1) in v.WEEKENDS or s.word(j + 1) in v.PERIOD_UNITS - {"day"}):
        whole = unit_period(s.word(j + 1), here, 0)
        return (Point(period=whole), j + 2) if whole else None
    if s.word(j) in v.WHOLE and s.word(j + 1) == "day" and s.word(j + 2) in v.RELATIVE_DAYS:
        return Point(day=here.today + timedelta(days=v.RELATIVE_DAYS[s.word(j + 2)])), j + 3
    if s.word(j) in v.REST and s.word(j + 1) == "of":
        if s.word(j + 2) in v.RELATIVE_DAYS or (s.word(j + 2) in v.THE | v.THIS and s.word(j + 3) == "day"):
            midnight = datetime.combine(here.today + timedelta(days=1), time())
            return Point(stretch=(here.wall, midnight)), j + 3 + (s.word(j + 2) not in v.RELATIVE_DAYS)
        found = named(s, j + 2, here, loose=True)
        if found and found[0].start <= here.today < found[0].end:
            return Point(period=replace(found[0], start=here.today)), found[1]
    if s.word(j) in v.PERIOD_UNITS and s.words(j + 1, "to", "date") and (whole := unit_period(s.word(j), here, 0)):
        return Point(period=Period(whole.start, here.today, "day")), j + 3
    return None


_DAYS = (relative_day, weekday, month_day)
_READERS = (
    week_number, _decade, half_year, fiscal, _of_year, _chosen_date, nth_of, _same, _counted, _edge, _rest, week_of,
)  # fmt: skip
