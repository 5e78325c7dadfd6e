"""What may stand behind the rule of a recurrence: "on Mondays", "at 9 and 17:00", "from May to July", "10 times"."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, moved, of_unit, unit_at
from assistant.interpreter.dates.clocks import one_clock
from assistant.interpreter.dates.dayparts import bare_part, part_words
from assistant.interpreter.dates.holidays import named_holiday
from assistant.interpreter.dates.numbers import cardinal, is_digits
from assistant.interpreter.dates.parts import Clock, Here
from assistant.interpreter.dates.points import clock_range, point
from assistant.interpreter.dates.ranges import first_day, ranged, until_day
from assistant.interpreter.dates.repeating import (
    AND,
    Reading,
    numbered,
    ordinals,
    the_month,
    weekday_list,
    yearly,
    yearly_feast,
)
from assistant.interpreter.dates.repeats import Repeat, weekdays, with_times
from assistant.interpreter.dates.settling import like
from assistant.interpreter.dates.stretches import period
from assistant.interpreter.dates.tokens import Source

_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")


def modifier(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """What may stand behind a rule: its days, its times, its start, its end."""
    i += s.word(i) == "," and s.word(i + 1) not in ("", "and")
    return (
        _hours(s, i, one, here)
        or _times(s, i, one)
        or _except(s, i, one)
        or _within(s, i, one, here)
        or _on_days(s, i, one)
        or _in_month(s, i, one)
        or _from_to(s, i, one, here)
        or _until(s, i, one, here)
        or _counted(s, i, one)
    )


def _hours(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """ "mondays 9-10am", "weekdays 9 to 5": its first time."""
    hours = clock_range(s, i + (s.word(i) in v.AT), here, after_day=True) if one.freq not in _OFTEN else None
    timed = with_times(one, (like(hours[0].clock, hours[0].until),), None) if hours and hours[0].clock else None
    return (timed, hours[1]) if hours and timed else None


def _times(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "at 9", "at 9 and 17:00", "in the morning", "evening"."""
    at = s.word(i) in v.AT | v.ABOUT
    clocks: list[Clock] = []
    j = i + at
    while len(clocks) < 12 and (found := one_clock(s, j, at)) and s.word(found[1]) not in v.TIMES:
        clocks.append(found[0])
        i = j = found[1]
        if s.word(j) not in AND:
            break
        j += 1 + (s.word(j) == "," and s.word(j + 1) == "and")
        j += s.word(j) in v.AT
    if clocks:
        made = with_times(one, tuple(clocks), None)
        return (made, i) if made else None
    part = part_words(s, i)
    if part and part[1] is None and (made := with_times(one, (), part[0])):
        return made, part[2]
    bare = bare_part(s, i)
    made = with_times(one, (), bare[0].part) if bare else None
    return (made, bare[1]) if made and bare else None


def _except(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "every day except sunday", "every weekday but friday"."""
    j = i + 1 + (s.word(i + 1) in ("for", "on"))
    days, after = weekday_list(s, j) if s.word(i) in v.EXCEPT else ((), 0)
    given = {number for _, number in one.days} or set(range(7))
    fits = one.freq in ("DAILY", "WEEKLY") and one.interval == 1 and not any(nth for nth, _ in one.days)
    if not days or not fits or (one.freq == "WEEKLY" and not one.days) or given <= set(days):
        return None
    return replace(one, freq="WEEKLY", days=weekdays(tuple(sorted(given - set(days))))), after


def _within(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """ "every day this week", "every morning next month": from its first day to its last."""
    j = i + (s.word(i) in ("in", "of", "during", "for"))
    chosen = s.word(j) in v.THIS | v.NEXT | v.COMING
    found = period(s, j, here) if chosen and not one.until and not one.count and not one.start else None
    inside = found[0].period if found else None
    if found is None or inside is None or inside.grain not in ("week", "month", "quarter", "year") or j > i:
        return None
    start = inside.start if inside.start > here.today else None
    return replace(one, start=start, until=inside.end - timedelta(days=1)), found[1]


def _on_days(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "on Mondays", "on the 1st and 15th", "on the last Friday", "on Dec 25", "at the end"."""
    if s.word(i) not in ("on", "at", "in") or one.days or one.month_days:
        return None
    feast = named_holiday(s, i + 1) if one.freq == "YEARLY" and not one.months else None
    if feast and (kept := yearly_feast(feast[0], one.interval, feast[1])):  # "every year on thanksgiving"
        return replace(one, months=kept[0].months, month_days=kept[0].month_days, days=kept[0].days), kept[1]
    j = i + 1 + (s.word(i + 1) in v.THE)
    if s.word(i) == "at" or (one.freq == "MONTHLY" and s.word(j) in v.EDGE_OF_MONTH):
        edge = v.EDGE_OF_MONTH.get(s.word(j)) if one.freq == "MONTHLY" else None
        return (replace(one, month_days=(edge,)), j + 1) if edge else None
    day = v.MONTHS.get(s.word(j + 1)) if one.freq == "YEARLY" and is_digits(s.word(j), 2) else None
    if day and 1 <= int(s.word(j)) <= 31:  # "annually on 4 july"
        return replace(one, months=(day,), month_days=(int(s.word(j)),)), j + 2
    if month := v.MONTHS.get(s.word(j)):
        if one.freq != "YEARLY":
            return None
        year, after = yearly(s, j, month, one.interval)
        return replace(one, months=year.months, month_days=year.month_days), after
    days, after = weekday_list(s, j)
    if days and one.freq in ("WEEKLY", "MONTHLY", "DAILY"):
        return replace(one, days=weekdays(days), freq="WEEKLY" if one.freq == "DAILY" else one.freq), after
    return _on_numbers(s, j, one)


def _in_month(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "fridays in December"."""
    month = v.MONTHS.get(s.word(i + 1)) if s.word(i) in ("in", "of", "during") else None
    if month is None or one.months or one.freq not in ("WEEKLY", "DAILY") or s.word(i + 2)[:1].isdigit():
        return None
    return replace(one, months=(month,)), i + 2


def _on_numbers(s: Source, j: int, one: Repeat) -> Reading | None:
    numbers, after = ordinals(s, j)
    if not numbers:
        return None
    if s.word(after) in v.WEEKDAY_SETS and one.freq == "MONTHLY":
        past = the_month(s, after + 2) if s.word(after + 1) in ("of", "in") else 0
        return replace(one, days=weekdays(v.WEEKDAY_SETS[s.word(after)]), positions=numbers), past or after + 1
    if s.word(after) in ("instance", "instances", "occurrence") and s.word(after + 1) == "of":
        days, end = weekday_list(s, after + 2)  # "on the first and last instance of wed and fri"
        fits = days and one.freq == "MONTHLY"
        return (replace(one, days=weekdays(days), positions=numbers), end) if fits else None
    day = v.WEEKDAYS.get(s.word(after))
    after += day is not None or s.word(after) == "day"
    if one.freq == "WEEKLY":
        fits = day is None and s.word(after - 1) == "day" and all(1 <= number <= 7 for number in numbers)
        return (replace(one, days=weekdays(tuple((number - 2) % 7 for number in numbers))), after) if fits else None
    if s.word(after) in ("of", "in"):
        month, past = v.MONTHS.get(s.word(after + 1)), the_month(s, after + 1)
        if month and one.freq == "YEARLY":
            return numbered(replace(one, months=(month,)), numbers, day), after + 2
        after = past or after
    fits = one.freq == "MONTHLY" or (one.freq == "YEARLY" and (day is not None or one.months != ()))
    return (numbered(one, numbers, day), after) if fits else None


def _from_to(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """ "starting next Tuesday", "from jan 1 to march 25th"."""
    if s.word(i) == v.BETWEEN and (whole := ranged(s, i, here)) and not isinstance(whole[0].start, datetime):
        end = whole[0].end
        return (replace(one, start=whole[0].start, until=end - timedelta(days=1)), whole[1]) if end else None
    i += s.words(i, "as", "of") and s.word(i + 2) not in v.NOW
    if (s.word(i) not in v.STARTING and s.word(i - 1) != "as") or one.start:
        return None
    if s.word(i) == v.FROM and not one.days and one.freq in ("DAILY", "WEEKLY") and one.interval == 1:
        days, after = weekday_list(s, i + 1)
        if len(days) > 1 and s.word(i + 2) in v.TO:  # "every day from monday to friday"
            return replace(one, freq="WEEKLY", days=weekdays(days)), after
    found = point(s, i + 1 + (s.word(i + 1) in ("on", "from", "in", "at", "with")), here)
    day = first_day(found[0], here) if found else None
    if found is None or day is None:
        return None
    made = replace(one, start=day)
    if found[0].clock is not None and (timed := with_times(made, (found[0].clock,), None)):
        made = timed
        if found[0].until is not None:
            return made, found[1]
    return made, found[1]


def _until(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """ "until Dec 25th", "for 2 months", "for the next month"."""
    if one.until or one.count:
        return None
    i += s.word(i) in ("and", ",", "up", "ending", "ends", "stopping") and s.word(i + 1) in v.ENDING
    if s.word(i) in v.ENDING:
        found = point(s, i + 1 + (s.word(i + 1) in ("on", "in", "at")), here)
        day = until_day(found[0], here, one.start) if found else None
        if found is None or day is None:
            return None
        timed = with_times(one, (found[0].clock,), None) if found[0].clock else None  # "… until dec 5 at 3pm"
        return replace(timed or one, until=day), found[1]
    if s.word(i) not in ("for", "over", "during"):
        return None
    j = i + 1 + 2 * s.words(i + 1, "up", "to")
    j += s.word(j) in v.THE
    coming = s.word(j) in v.NEXT | v.COMING
    by = amount(s, j + coming)
    if by is None and coming and (unit := unit_at(s, j + 1, after_number=False)):
        by = of_unit(1, unit[0]), unit[1]
    if by is None or by[0].fine:
        return None
    return replace(one, until=moved(one.start or here.today, by[0])), by[1]


def _counted(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "10x", "for 6 times"."""
    if one.count or one.until:
        return None
    if s.word(i) in ("twice", "thrice"):
        return replace(one, count=2 if s.word(i) == "twice" else 3), i + 1
    found = cardinal(s, i + (s.word(i) in ("for", "repeat", "repeating")))
    if found is None or found[0] < 1 or s.word(found[1]) not in v.TIMES:
        return None
    return replace(one, count=found[0]), found[1] + 1
