"""The days that a rule names, counted from one: period by period, and never more than fifty years of them.

Written out here because the search has to end: dateutil's own goes on to the year 9999 where a rule names no day.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from services.recurrence.rules import Frequency, Rule, Weekday

YEARS: Final = 50
"""How far the search goes. The longest wait of a rule with INTERVAL=1 is 40 years: 29 February on one weekday."""


def days_from(rule: Rule, start: date) -> Iterator[date]:
    """The days of the rule from `start` on, that one only where the rule names it, for fifty years.

    INTERVAL counts from the period of `start`; what the rule leaves open (which day of the week, the month, the year)
    is that of `start`. COUNT and UNTIL are left to the caller.
    """
    whole = _filled(rule, start)
    fits = _fitting(whole)
    for period in _periods(whole, start):
        named = [day for day in period if fits(day)]
        if whole.positions:
            named = _at_positions(named, whole.positions)
        yield from (day for day in named if day >= start)


def _filled(rule: Rule, start: date) -> Rule:
    """The rule with what its start says where it says nothing itself (RFC 5545, BYxxx and DTSTART)."""
    if rule.weekdays or rule.month_days or rule.year_days or rule.weeks:
        return rule
    match rule.frequency:
        case Frequency.WEEKLY:
            return replace(rule, weekdays=(Weekday(start.weekday()),))
        case Frequency.MONTHLY:
            return replace(rule, month_days=(start.day,))
        case Frequency.YEARLY:
            return replace(rule, months=rule.months or (start.month,), month_days=(start.day,))
        case _:
            return rule


def _periods(rule: Rule, start: date) -> Iterator[Iterable[date]]:
    """All days of every period that INTERVAL leaves, in order."""
    last = min(start.year + YEARS, date.max.year - 1)
    match rule.frequency:
        case Frequency.DAILY:
            for ordinal in range(start.toordinal(), date(last, 12, 31).toordinal(), rule.interval):
                yield (date.fromordinal(ordinal),)
        case Frequency.WEEKLY:
            first = start.toordinal() - (start.weekday() - rule.week_start) % 7
            first += 7 * (first < 1)  # the calendar begins on a Monday
            for ordinal in range(first, date(last, 12, 25).toordinal(), 7 * rule.interval):
                yield [date.fromordinal(ordinal + day) for day in range(7)]
        case Frequency.MONTHLY:
            for index in range(start.year * 12 + start.month - 1, last * 12, rule.interval):
                yield _month(rule, index // 12, index % 12 + 1)
        case Frequency.YEARLY:
            for year in range(start.year, last, rule.interval):
                yield (day for month in range(1, 13) for day in _month(rule, year, month))


def _month(rule: Rule, year: int, month: int) -> list[date]:
    """The days of a month, as far as BYMONTH and BYMONTHDAY leave them."""
    if rule.months and month not in rule.months:
        return []
    length = monthrange(year, month)[1]
    if rule.month_days:
        numbers = {day if day > 0 else length + 1 + day for day in rule.month_days}
        return [date(year, month, day) for day in sorted(numbers) if 1 <= day <= length]
    first = date(year, month, 1).toordinal()
    return [date.fromordinal(first + day) for day in range(length)]


def _fitting(rule: Rule) -> Callable[[date], bool]:
    """Whether a day is one of the rule's, by all parts that name days."""
    months, month_days = frozenset(rule.months), frozenset(rule.month_days)
    plain = frozenset(one.day for one in rule.weekdays if not one.nth)
    counted = frozenset((one.day, one.nth) for one in rule.weekdays if one.nth)
    some = frozenset(one.day for one in rule.weekdays)
    in_year = rule.frequency is Frequency.YEARLY and not rule.months
    year_days, weeks = frozenset(rule.year_days), frozenset(rule.weeks)

    def fits(day: date) -> bool:
        if months and day.month not in months:
            return False
        if month_days and day.day not in month_days and not _from_end(day, month_days):
            return False
        if some:
            weekday = day.weekday()
            if weekday not in some or (weekday not in plain and not _is_counted(day, counted, in_year=in_year)):
                return False
        if year_days and year_days.isdisjoint(_places_in_year(day)):
            return False
        return not weeks or not weeks.isdisjoint(_weeks(day, rule.week_start))

    return fits


def _from_end(day: date, month_days: frozenset[int]) -> bool:
    return day.day - monthrange(day.year, day.month)[1] - 1 in month_days


def _is_counted(day: date, counted: frozenset[tuple[int, int]], *, in_year: bool) -> bool:
    """Whether it is the second Monday, the last Friday … of its month or year."""
    place, back = _places_in_year(day) if in_year else (day.day, day.day - monthrange(day.year, day.month)[1] - 1)
    weekday = day.weekday()
    return (weekday, (place - 1) // 7 + 1) in counted or (weekday, -((-back - 1) // 7 + 1)) in counted


def _places_in_year(day: date) -> tuple[int, int]:
    """Its place in the year, from the start and from the end: 1 and -366, or 1 and -365."""
    before, length = _year(day.year)
    place = day.toordinal() - before
    return place, place - length - 1


@lru_cache(maxsize=256)
def _year(year: int) -> tuple[int, int]:
    """The ordinal of the day before it, and how many days it has."""
    return date(year, 1, 1).toordinal() - 1, 366 if isleap(year) else 365


def _weeks(day: date, week_start: int) -> tuple[int, int]:
    """The number of its week, from the start and from the end: week 1 has four days of the year (RFC 5545, WKST)."""
    fourth = day - timedelta(days=(day.weekday() - week_start) % 7) + timedelta(days=3)
    place, back = _places_in_year(fourth)
    return (place - 1) // 7 + 1, -((-back - 1) // 7 + 1)


def _at_positions(named: list[date], positions: tuple[int, ...]) -> list[date]:
    chosen = {place - 1 if place > 0 else len(named) + place for place in positions}
    return [day for place, day in enumerate(named) if place in chosen]
