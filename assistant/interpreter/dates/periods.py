"""Whole weeks, months, quarters, seasons, weekends and years by their names: "next month", "Q4 2018", "this winter"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.days import said_year, year_at, years_away
from assistant.interpreter.dates.numbers import is_digits, ordinal
from assistant.interpreter.dates.parts import Here, Period, add_months
from assistant.interpreter.dates.tokens import Source

STEPS = {word: step for words, step in ((v.THIS, 0), (v.NEXT, 1), (v.COMING, 1), (v.LAST, -1)) for word in words}
MONTHS_IN = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
_DAYS_IN = {"week": 7, "fortnight": 14}


def unit_period(unit: str, here: Here, step: int, count: int = 1) -> Period | None:
    """So many units in a row; the first lies `step` of them from the present one."""
    if days := _DAYS_IN.get(unit):
        start = here.monday + timedelta(days=days * step)
        return Period(start, start + timedelta(days=days * count), "week")
    if unit in v.WEEKENDS:
        start = here.monday + timedelta(days=5 + 7 * step)
        return Period(start, start + timedelta(days=2), "weekend")
    if months := MONTHS_IN.get(unit):
        first = here.today.replace(day=1, month=1 if months >= 12 else (here.today.month - 1) // months * months + 1)
        first = first.replace(year=first.year - first.year % (months // 12)) if months > 12 else first
        start = add_months(first, months * step)
        return Period(start, add_months(start, months * count), unit)
    if unit == "day":
        start = here.today + timedelta(days=step)
        return Period(start, start + timedelta(days=count), "day")
    return None


def month_period(year: int, month: int) -> Period:
    first = date(year, month, 1)
    return Period(first, add_months(first, 1), "month")


def quarter(year: int, number: int) -> Period:
    first = date(year, 3 * number - 2, 1)
    return Period(first, add_months(first, 3), "quarter")


def _season(name: str, year: int) -> Period:
    """The season that begins in that year, by the usual days of the northern hemisphere."""
    order = ["spring", "summer", "autumn", "winter"]
    at = order.index("autumn" if name == "fall" else name)
    following = order[(at + 1) % 4]
    end = date(year + (following == "spring"), *v.SEASONS[following])
    return Period(date(year, *v.SEASONS[name]), end, "season")


def next_month_of(here: Here, month: int, step: int | None = None) -> Period:
    """The month of that name: the next, the present one included; of this year, or the one before or after."""
    today = here.today
    if step is None:
        ahead = today.year + (month < today.month)
        return month_period(ahead if here.future else today.year - (month > today.month), month)
    if step > 0:
        return month_period(today.year + (month <= today.month), month)
    return month_period(today.year - (month >= today.month) if step < 0 else today.year, month)


def named(s: Source, i: int, here: Here, loose: bool = False) -> tuple[Period, int] | None:
    """A period by its name. `loose` takes "the month" and a bare year too: behind "end of" nothing else is meant."""
    j = i + (s.word(i) in v.THE)
    low = s.word(j)
    if (step := STEPS.get(low)) is not None:
        return _stepped(s, j, step, here)
    if low in v.MONTHS and j == i:
        return _month(s, j, here)
    if low in v.SEASONS and loose and not said_year(s, j + 1 + (s.word(j + 1) == "of"), here):
        return _stepped_season(low, 0, here), j + 1
    if low in v.SEASONS and (year := said_year(s, j + 1 + (s.word(j + 1) == "of"), here)):
        return _season(low, year[0]), year[1]
    if found := _quarter(s, j, here) or _month_after_year(s, j, here):
        return found
    if low in ("month", "year") and (inner := _of_that_name(s, j, here)):
        return inner
    unit = v.UNITS.get(low, low)
    if s.words(j + 1, "before", "last") and s.word(j + 3) not in v.UNITS and (period := unit_period(unit, here, -2)):
        return period, j + 3
    if s.words(j + 1, "after", "next") and (period := unit_period(unit, here, 2)):
        return period, j + 3
    if low in v.WEEKENDS and (j > i or loose):
        weekend = unit_period(low, here, 0)
        return (weekend, j + 1) if weekend else None
    if not loose:
        return None
    if year := year_at(s, j):
        return Period(date(year[0], 1, 1), date(year[0] + 1, 1, 1), "year"), year[1]
    period = unit_period(unit, here, 0) if unit in v.PERIOD_UNITS and unit != "day" else None
    return (period, j + 1) if period else None


def _month_after_year(s: Source, i: int, here: Here) -> tuple[Period, int] | None:
    """ "2017 april", "2014 summer"."""
    year = year_at(s, i) if is_digits(s.word(i), 4) else None
    j = year[1] + (s.word(year[1]) in (",", "in")) if year else 0
    if year is None or s.word(j + 1)[:1].isdigit():
        return None
    if month := v.MONTHS.get(s.word(j)):
        return month_period(year[0], month), j + 1
    return (_season(s.word(j), year[0]), j + 1) if s.word(j) in v.SEASONS else None


def _of_that_name(s: Source, i: int, here: Here) -> tuple[Period, int] | None:
    """ "the month of May", "the year 2015"."""
    after = i + 1 + (s.word(i + 1) == "of")
    if s.word(i) == "month" and s.word(after) in v.MONTHS and after > i + 1:
        return _month(s, after, here)
    year = year_at(s, after) if s.word(i) == "year" else None
    return (Period(date(year[0], 1, 1), date(year[0] + 1, 1, 1), "year"), year[1]) if year else None


def _stepped(s: Source, i: int, step: int, here: Here) -> tuple[Period, int] | None:
    """ "this", "next", "last" … and what follows: a unit, a month, a season, a weekend."""
    j = i + 1
    if step == 0 and s.word(j) in STEPS:  # "this past weekend", "this coming week"
        step, j = (STEPS[s.word(j)] if s.word(j) in v.LAST else 1), j + 1
        if s.word(j) in v.WEEKENDS and step > 0:
            step = 0
    if s.word(i) in v.COMING and s.word(j) in v.WEEKENDS and here.today.weekday() < 5:
        step = 0  # the one ahead
    if s.word(j) in v.WORKING and s.words(j + 1, "week"):
        week = unit_period("week", here, step)
        return (replace(week, end=week.end - timedelta(days=2)), j + 2) if week else None
    low = s.word(j)
    if low in v.MONTHS and not (step == 0 and s.word(i) == "current"):
        return next_month_of(here, v.MONTHS[low], step), j + 1
    if low in v.SEASONS or low == v.SEASON:
        return _stepped_season(low, step, here), j + 1
    unit = v.UNITS.get(low, low)
    if v.LENGTHS.get(unit, (0, 0, 0))[2] and step:
        return None
    if unit in ("day", "night") or (low.endswith("s") and not low.endswith("'s") and low in v.UNITS):
        return None
    period = unit_period(unit, here, step)
    return (period, j + 1) if period else None


def _stepped_season(name: str, step: int, here: Here) -> Period:
    """The season of that name that isn't over yet (or any), and those before and after it."""
    around = [_season(n, y) for y in range(here.today.year - 2, here.today.year + 3) for n in v.SEASONS if n != "fall"]
    wanted = "autumn" if name == "fall" else name
    ordered = sorted(
        (one for one in around if wanted == v.SEASON or one.start.month == v.SEASONS[wanted][0]),
        key=lambda one: one.start,
    )
    present = next(at for at, one in enumerate(ordered) if one.end > here.today)
    if step > 0 and ordered[present].start > here.today and wanted != v.SEASON:
        step = 0
    return ordered[present + step]


def _month(s: Source, i: int, here: Here) -> tuple[Period, int] | None:
    month, after = v.MONTHS[s.word(i)], i + 1
    after += s.word(after) == "." and s.glued(after) and len(s.word(i)) < 5 and s.word(after + 1) != ""
    year = said_year(s, after + (s.word(after) in ("of", ",", "in")), here)
    if year:
        return month_period(year[0], month), year[1]
    if s.words(after, "after", "next"):
        return replace_year(next_month_of(here, month), 1), after + 2
    if away := years_away(s, after, here):
        return month_period(away[0], month), away[1]
    return next_month_of(here, month), after


def replace_year(period: Period, years: int) -> Period:
    """The same period so many years later."""
    return Period(add_months(period.start, 12 * years), add_months(period.end, 12 * years), period.grain)


def _quarter(s: Source, i: int, here: Here) -> tuple[Period, int] | None:
    """ "Q4 2018", "2018 Q4", "2018Q4", "q1-2019", "third quarter", "3rd qtr of 2018"."""
    said = year_at(s, i) if s.word(i)[:1].isdigit() else None
    if said is None and is_digits(s.word(i), 2) and s.word(i + 1) == "q" and s.glued(i + 1) and s.glued(i + 2):
        said = 2000 + int(s.word(i)), i + 1  # "18q4"
    now = here.today
    j = said[1] if said else i
    j += said is not None and s.word(j) in ("-", "/")
    if s.word(j) == "q" and s.word(j + 1) in ("1", "2", "3", "4") and s.glued(j + 1):
        number, after = int(s.word(j + 1)), j + 2
    elif said is None and (nth := ordinal(s, i)) and v.UNITS.get(s.word(nth[1])) == "quarter" and nth[0] <= 4:
        number, after = nth[0], nth[1] + 1
    else:
        return None
    if said is None:
        said = year_at(s, after + (s.word(after) in ("of", "-", "/", "in", ",")))
        if said is None and is_digits(s.word(after), 2) and len(s.word(after)) == 2 and s.word(i) == "q":
            said = 2000 + int(s.word(after)), after + 1  # "Q4 18"
        after = said[1] if said else after
    k = after + (s.word(after) == "of")
    if said is None and s.word(k) in STEPS and s.word(k + 1) == "year":
        said, after = (now.year + STEPS[s.word(k)], k + 2), k + 2
    over = here.future and quarter(now.year, number).end <= now
    return quarter(said[0] if said else now.year + over, number), after


def dated(month: int, day: int, year: int | None, here: Here) -> date:
    """That day; without a year the next, today included (or the latest, by preference). Raises ValueError."""
    if year is not None:
        return date(year, month, day)
    step = 1 if here.future else -1
    for candidate in range(here.today.year, here.today.year + 9 * step, step):
        try:
            found = date(candidate, month, day)
        except ValueError:  # 29 February
            continue
        if found == here.today or (found > here.today) == here.future:
            return found
    raise ValueError("no such day")
