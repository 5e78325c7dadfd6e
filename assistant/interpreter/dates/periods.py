"""Whole weeks, months, quarters, seasons and years, and what is said to lie in them: "the end of next month"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import moved, of_unit, unit_at
from assistant.interpreter.dates.days import month_day, nth_weekday, year_at
from assistant.interpreter.dates.numbers import cardinal, is_digits, ordinal
from assistant.interpreter.dates.parts import Clock, Found, Here, Part, Period, Point, add_months, add_working_days
from assistant.interpreter.dates.tokens import Source

_STEPS = {word: step for words, step in ((v.THIS, 0), (v.NEXT, 1), (v.COMING, 1), (v.LAST, -1)) for word in words}
_WITHIN = ("of", "in", "after", "before", "from", "to")  # what the third Wednesday is counted in
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
_DAYS_IN = {"week": 7, "fortnight": 14}


def unit_period(unit: str, here: Here, step: int, count: int = 1) -> Period | None:
    """So many units in a row; the first lies `step` of them from the present one."""
    if days := _DAYS_IN.get(unit):
        start = here.monday + timedelta(days=days * step)
        return Period(start, start + timedelta(days=days * count), "week")
    if unit in v.WEEKENDS:
        start = here.monday + timedelta(days=5 + 7 * step)
        return Period(start, start + timedelta(days=2), "weekend")
    if months := _MONTHS_IN.get(unit):
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
    if (step := _STEPS.get(low)) is not None:
        return _stepped(s, j, step, here)
    if low in v.MONTHS:
        return _month(s, j, here)
    if low in v.SEASONS and loose and j > i and not year_at(s, j + 1):
        return _stepped_season(low, 0, here), j + 1
    if low in v.SEASONS and (year := year_at(s, j + 1 + (s.word(j + 1) == "of"))):
        return _season(low, year[0]), year[1]
    if found := _quarter(s, j, here):
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
    if step == 0 and s.word(j) in _STEPS:  # "this past weekend", "this coming week"
        step, j = (_STEPS[s.word(j)] if s.word(j) in v.LAST else 1), j + 1
        if s.word(j) in v.WEEKENDS and step > 0:
            step = 0
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
    if unit in ("day", "night") or (low.endswith("s") and low in v.UNITS):
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
    year = year_at(s, after + (s.word(after) in ("of", ",", "in", "'") and s.word(after) != "'"))
    if year:
        return month_period(year[0], month), year[1]
    if s.words(after, "after", "next"):
        return replace_year(next_month_of(here, month), 1), after + 2
    return next_month_of(here, month), after


def replace_year(period: Period, years: int) -> Period:
    """The same period so many years later."""
    return Period(add_months(period.start, 12 * years), add_months(period.end, 12 * years), period.grain)


def _quarter(s: Source, i: int, here: Here) -> tuple[Period, int] | None:
    """ "Q4 2018", "2018 Q4", "2018Q4", "q1-2019", "third quarter", "3rd qtr of 2018"."""
    said = year_at(s, i) if s.word(i)[:1].isdigit() else None
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
        after = said[1] if said else after
    k = after + (s.word(after) == "of")
    if said is None and s.word(k) in _STEPS and s.word(k + 1) == "year":
        said, after = (now.year + _STEPS[s.word(k)], k + 2), k + 2
    over = here.future and quarter(now.year, number).end <= now
    return quarter(said[0] if said else now.year + over, number), after


def period(s: Source, i: int, here: Here) -> Found | None:
    """Any of the periods, and the parts of them, as a piece of an expression."""
    for reader in (_decade, _chosen_date, _nth_of, _counted, _edge, _rest, _week_of):
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
    step = _STEPS.get(s.word(j))
    found = month_day(s, j + 1, here) if step is not None and s.word(j + 1) in v.MONTHS else None
    if found is None or found[0].month is None or found[0].dom is None or found[0].year is not None:
        return None
    if step == 0:
        return Point(day=date(here.today.year, found[0].month, found[0].dom)), found[1]
    return Point(day=dated(found[0].month, found[0].dom, None, replace(here, future=step == 1))), found[1]


def _decade(s: Source, i: int, here: Here) -> Found | None:
    """ "the 1990s", "the 90s", "the 21st century"."""
    j = i + (s.word(i) in v.THE)
    low = s.word(j)
    if (which := ordinal(s, j)) and s.word(which[1]) == "century" and 10 < which[0] <= 40:
        start = date(100 * (which[0] - 1), 1, 1)
        return Point(period=Period(start, add_months(start, 1200), "century")), which[1] + 1
    if not is_digits(low, 4) or s.word(j + 1) != "s" or not s.glued(j + 1) or int(low) % 10:
        return None
    if len(low) == 2 and j > i:
        year = int(low) + (2000 if int(low) < 30 else 1900)
    elif year_at(s, j):
        year = int(low)
    else:
        return None
    return Point(period=Period(date(year, 1, 1), date(year + 10, 1, 1), "decade")), j + 2


def _counted(s: Source, i: int, here: Here) -> Found | None:
    """ "next 3 days", "the last two weeks", "the 5 past minutes", "2 upcoming months", "previous 4 business days"."""
    j = i + (s.word(i) in v.THE)
    step = _STEPS.get(s.word(j)) if s.word(j) not in v.THIS else None
    counted = cardinal(s, j + 1) if step else cardinal(s, j)
    if step and counted is None and s.word(j + 1) in v.VAGUE:
        counted = v.VAGUE[s.word(j + 1)], j + 2
    if counted is None and step and s.word(j + 1) == "hour":
        counted = 1, j + 1
    if counted is None:
        return None
    number, after = counted
    if not step:
        step = _STEPS.get(s.word(after)) if s.word(after) not in v.THIS else None
        after += 1
    working = s.word(after) in v.WORKING
    named_unit = unit_at(s, after + working, after_number=False)
    if not step or not number or named_unit is None or s.words(after - 1, "last", "night"):
        return None
    return _stretch(here, step, number, named_unit[0], working), named_unit[1]


def _stretch(here: Here, step: int, number: int, unit: str, working: bool) -> Point:
    """So many units from tomorrow on or up to today; whole ones of quarters and years, times from now of hours."""
    if v.LENGTHS[unit][2]:
        wall = here.wall.replace(second=0)
        other = wall + timedelta(seconds=step * of_unit(number, unit).seconds)
        return Point(stretch=(min(wall, other), max(wall, other)))
    if working:
        other_day = add_working_days(here.today, step * number)
        days = (here.today + timedelta(days=1), other_day + timedelta(days=1)) if step > 0 else (other_day, here.today)
        return Point(period=Period(*days, "day"))
    if unit in ("quarter", "year", "decade", "century"):
        whole = unit_period(unit, here, 1 if step > 0 else -number, number)
        return Point(period=whole)
    by = of_unit(number, unit)
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
    halves = s.word(j) in ("later", "earlier") or (s.word(j) in v.NEARLY and edge != "middle")
    return _edge_of(s, after, edge, here, loose=of or s.word(k) != s.word(after), halves=halves)


def _edge_of(s: Source, after: int, edge: str, here: Here, loose: bool, halves: bool) -> Found | None:
    after += s.word(after) in v.THE and s.word(after + 1) in v.ABOUT
    after += s.word(after) in v.ABOUT
    found = named(s, after, here, loose)
    if found is None or found[0].grain == "weekend":
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
    elif whole.grain == "week":
        cut = start + timedelta(days=3 if edge == "start" else 4)
    else:
        cut = start + timedelta(days=length // 3 if edge == "start" else length - length // 3)
    return Period(start, cut, "day", start) if edge == "start" else Period(cut, end, "day", last)


def _rest(s: Source, i: int, here: Here) -> Found | None:
    """ "the rest of the week", "all weekend", "year to date"."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in v.WHOLE and (s.word(j + 1) in v.WEEKENDS or s.word(j + 1) in v.PERIOD_UNITS - {"day"}):
        whole = unit_period(s.word(j + 1), here, 0)
        return (Point(period=whole), j + 2) if whole else None
    if s.word(j) in v.WHOLE and s.word(j + 1) == "day" and s.word(j + 2) in v.RELATIVE_DAYS:
        return Point(day=here.today + timedelta(days=v.RELATIVE_DAYS[s.word(j + 2)])), j + 3
    if s.word(j) in v.REST and s.word(j + 1) == "of":
        found = named(s, j + 2, here, loose=True)
        if found and found[0].start <= here.today < found[0].end:
            return Point(period=replace(found[0], start=here.today)), found[1]
    if s.word(j) in v.PERIOD_UNITS and s.words(j + 1, "to", "date") and (whole := unit_period(s.word(j), here, 0)):
        return Point(period=Period(whole.start, here.today, "day")), j + 3
    return None


def _nth_of(s: Source, i: int, here: Here) -> Found | None:
    """ "the first Tuesday in October", "last week of 2019", "the last four months of 2021", "36th day of 2011"."""
    found = nth(s, i)
    if found is None:
        return None
    which, j = found
    counted = cardinal(s, j) if which in (1, -1) else None
    number, j = counted if counted else (1, j)
    number_of = v.WEEKDAYS.get(s.word(j), v.WEEKDAY_PLURALS.get(s.word(j)))
    unit = v.UNITS.get(s.word(j), "")
    part = s.word(j + 1) in v.PARTS and number_of is not None  # "the first Monday evening of next month"
    if number_of is not None and 0 < which <= 5 and number == 1 and s.word(j + 1 + part) not in _WITHIN:
        return _nth_of_month(which, number_of, here), j + 1
    known = number_of is not None or unit in ("day", "week", "month", "quarter")
    if not known or s.word(j + 1 + part) not in ("of", "in"):
        return None
    inside = named(s, j + 2 + part, here, loose=True)
    if inside is None or number < 1:
        return None
    made = _inside(inside[0], which, number, unit, number_of)
    if made.day and made.day < here.today and s.word(inside[1] - 1) in v.MONTHS:
        made = _inside(replace_year(inside[0], 1), which, number, unit, number_of)
    if part:
        made = replace(made, part=Part(s.word(j + 1)))
    return made, inside[1]


def _nth_of_month(which: int, number_of: int, here: Here) -> Point:
    """ "the third Wednesday": of this month, or of the next where it is over. Raises ValueError for a fifth."""
    for step in (0, 1):
        month = unit_period("month", here, step)
        if month and (day := nth_weekday(month, number_of, which)) >= here.today:
            return Point(day=day)
    raise ValueError("no such day")


def nth(s: Source, i: int) -> tuple[int, int] | None:
    """ "third" is 3, "last" -1, "second last" and "second to last" -2, and the index after it."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) in v.FINAL:
        return -1, j + 1
    found = ordinal(s, j)
    if found is None:
        return None
    number, after = found
    for between in ((), ("to",), ("to", "the"), ("-",)):
        if s.words(after, *between) and s.word(after + len(between)) in v.FINAL:
            return -number, after + len(between) + 1
    return number, after


def _inside(whole: Period, which: int, number: int, unit: str, number_of: int | None) -> Point:
    """The unit or weekday with that number inside the period. Raises ValueError where it has no such."""
    if number_of is not None:
        return Point(day=nth_weekday(whole, number_of, which))
    if unit == "day":
        start = whole.start + timedelta(days=which - 1) if which > 0 else whole.end + timedelta(days=which)
        start = start if which > 0 else start - timedelta(days=number - 1)
    elif unit == "week":  # a week belongs to where its Thursday is (ISO 8601)
        pivot = whole.start + timedelta(days=3) if which > 0 else whole.end - timedelta(days=4)
        weeks = which - 1 if which > 0 else which + 2 - number
        start = pivot - timedelta(days=pivot.weekday()) + timedelta(days=7 * weeks)
        return Point(period=Period(start, start + timedelta(days=7 * number), "week"))
    else:
        months = _MONTHS_IN[unit]
        away = which - 1 if which > 0 else which + 1 - number
        start = add_months(whole.start if which > 0 else whole.end, months * away)
        end = add_months(start, months * number)
        if not (whole.start <= start and end <= whole.end):
            raise ValueError("no such month")
        return Point(period=Period(start, end, unit))
    if not whole.start <= start < whole.end:
        raise ValueError("no such day")
    return Point(day=start) if number == 1 else Point(period=Period(start, start + timedelta(days=number), "day"))


def _week_of(s: Source, i: int, here: Here) -> Found | None:
    """ "the week of October 7th", "the week commencing February 4": the week from Monday that has that day."""
    j = i + (s.word(i) in v.THE)
    if s.word(j) not in v.WEEKENDS | {"week"} or s.word(j + 1) not in (
        "of",
        "commencing",
        "starting",
        "beginning",
        "from",
    ):
        return None
    k = j + 2 + (s.word(j + 2) == "on")
    found = month_day(s, k, here)
    if found is None or found[0].month is None or found[0].dom is None:
        return None
    day = dated(found[0].month, found[0].dom, found[0].year, here)
    monday = day - timedelta(days=day.weekday())
    if s.word(j) in v.WEEKENDS:
        saturday = monday + timedelta(days=5 if day.weekday() > 1 else -2)
        return Point(period=Period(saturday, saturday + timedelta(days=2), "weekend")), found[1]
    return Point(period=Period(monday, monday + timedelta(days=7), "week")), found[1]


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
