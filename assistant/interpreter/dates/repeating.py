"""Reads recurrences: "every other Monday at 9", "the 1st of every month", "weekdays", "monthly on the last Friday"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount, moved, of_unit, unit_at
from assistant.interpreter.dates.clocks import bare_part, one_clock, part_words
from assistant.interpreter.dates.days import month_day
from assistant.interpreter.dates.feasts import HOLIDAYS
from assistant.interpreter.dates.holidays import named_holiday
from assistant.interpreter.dates.numbers import cardinal, count, is_digits, ordinal
from assistant.interpreter.dates.parts import Clock, Here, Part
from assistant.interpreter.dates.periods import nth
from assistant.interpreter.dates.points import point, read
from assistant.interpreter.dates.ranges import first_day, last_day, ranged
from assistant.interpreter.dates.repeats import Repeat, weekdays, with_times
from assistant.interpreter.dates.tokens import Source

Reading = tuple[Repeat, int]

_LARGEST = 1000  # of an interval or a count
_AND = v.AND | {"or"}


def repeat(s: Source, i: int, here: Here) -> Reading | None:
    """A recurrence that starts at this token, with all that belongs to it."""
    start, until, j = _leading_days(s, i, here)
    j += j > i and s.word(j) == ","
    counted, j = _leading_count(s, j)
    times, j = _leading_time(s, j)
    j += s.word(j) in ("on",) and (start is not None or times is not None)
    found = _rule(s, j, here)
    if found is None:
        return None
    one, after = found
    one = replace(one, start=start, until=until, count=counted)
    one = with_times(one, times[0].clocks, times[0].part) or one if times else one
    while True:
        more = _modifier(s, after, one, here)
        if more is None:
            break
        one, after = more
    return (one, after) if _sound(one) else None


def _rule(s: Source, i: int, here: Here) -> Reading | None:
    """The rule itself, without what stands around it."""
    found = _every(s, i) or _adverb(s, i) or _nth_of_each(s, i)
    return found or _plurals(s, i) or _once(s, i) or _each_year(s, i, here)


def _sound(one: Repeat) -> bool:
    """Whether the rule can be kept: RFC 5545 has no nth weekday of a week, and no day 0 or 32."""
    if not 0 < one.interval <= _LARGEST or one.count > _LARGEST or len(one.days) > 7 or len(one.clocks) > 24:
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
        day = last_day(found[0], here) if found else None
        return (None, day, found[1]) if found and day else (None, None, i)
    start, j = _leading_start(s, i, here)
    return start, None, j


def _leading_count(s: Source, i: int) -> tuple[int, int]:
    """ "10 times every Friday"."""
    found = cardinal(s, i)
    if found is None or found[0] < 1 or s.word(found[1]) not in v.TIMES or s.word(found[1]) == "time":
        return 0, i
    return found[0], found[1] + 1


def _leading_start(s: Source, i: int, here: Here) -> tuple[date | None, int]:
    if s.word(i) not in v.STARTING or s.word(i) in (v.FROM, "since"):
        return None, i
    found = read(s, i + 1 + (s.word(i + 1) in ("on", "from")), here)
    day = first_day(found[0], here) if found else None
    return (day, found[1]) if found and day else (None, i)


def _leading_time(s: Source, i: int) -> tuple[Reading | None, int]:
    """ "at 10 am on the 15th of every month", "9am every day"."""
    at = s.word(i) in v.AT
    found = one_clock(s, i + at, at)
    if found is None:
        return None, i
    return (Repeat("DAILY", clocks=(found[0],)), found[1]), found[1] + (s.word(found[1]) == ",")


def _weekday_list(s: Source, i: int, plural: bool | None = None) -> tuple[tuple[int, ...], int]:
    """Weekdays joined by commas, "and" or "to", from index i on; `plural` asks that the first is or isn't one."""
    days: list[int] = []
    j = i
    while len(days) <= 14:
        low = s.word(j)
        found = v.WEEKDAY_SETS.get(low) if days or not plural or low.endswith("s") else None
        if found is None:
            number = v.WEEKDAYS.get(low, v.WEEKDAY_PLURALS.get(low))
            if number is None or (not days and plural is not None and plural != (low in v.WEEKDAY_PLURALS)):
                break
            found = (number,)
        j += 1
        j += s.word(j) == "." and s.glued(j) and len(low) <= 4
        days += found
        i = j
        last = v.WEEKDAYS.get(s.word(j + 1), v.WEEKDAY_PLURALS.get(s.word(j + 1)))
        if s.word(j) in v.TO and s.word(j) != "/" and last is not None:
            days += [(days[-1] + step) % 7 for step in range(1, (last - days[-1]) % 7 + 1)]
            i = j = j + 2
        while s.word(j) in _AND or s.word(j) == "/" or (s.word(j) in v.EVERY and s.word(j - 1) in _AND):
            j += 1
    return tuple(dict.fromkeys(days)), i


def _every(s: Source, i: int) -> Reading | None:
    """ "every …": a unit, weekdays, a day of the month, a month."""
    if s.word(i) == v.EVERYDAY:
        return Repeat("DAILY"), i + 1
    if s.word(i) not in v.EVERY:
        return None
    j = i + 1 + (s.word(i + 1) in ("single", "and"))
    if s.word(j) in v.FINAL:
        return _nth_after_every(s, -1, j + 1)
    interval, number, j = 1, 0, j
    if s.word(j) in v.OTHER:
        return _of_unit(s, 2, j + 1)
    if s.word(j) in v.FRACTIONS or s.word(j) in v.VAGUE:
        return _part_of_unit(s, j)
    if s.word(j) in v.EDGE_OF_MONTH and s.word(j + 1) == "of" and (after := _the_month(s, j + 2)):
        return Repeat("MONTHLY", month_days=(v.EDGE_OF_MONTH[s.word(j)],)), after
    numbers, after = _ordinals(s, j)
    if len(numbers) > 1:
        return _numbers_of_month(s, numbers, after)
    if numbers:
        number, j = numbers[0], after
        within = s.word(j + 1) in ("of", "in") or s.word(j) in ("of", "in")
        if number < 0 or number == 1 or within or not _unit(s, j):
            return _nth_after_every(s, number, j)
        interval = number
    elif counted := cardinal(s, j):
        interval, j = counted
    return _of_unit(s, interval, j)


def _part_of_unit(s: Source, j: int) -> Reading | None:
    """ "every half hour", "every few days"."""
    number, after = count(s, j) or (0, j)
    unit = unit_at(s, after, after_number=False)
    if unit is None or not number:
        return None
    if number >= 1:
        freq, times = v.UNIT_FREQUENCIES.get(unit[0], ("", 0))
        return (Repeat(freq, int(number) * times), unit[1]) if freq else None
    by = of_unit(number, unit[0])
    if by.months and not by.days:
        return Repeat("MONTHLY", by.months), unit[1]
    return (Repeat("MINUTELY", by.seconds // 60), unit[1]) if by.seconds % 3600 and not by.days else None


def _numbers_of_month(s: Source, numbers: tuple[int, ...], after: int) -> Reading | None:
    """ "every 1st and 15th", "every 2nd and 4th Tuesday of the month"."""
    day = v.WEEKDAYS.get(s.word(after), v.WEEKDAY_PLURALS.get(s.word(after)))
    after += day is not None
    past = _the_month(s, after + 1) if s.word(after) in ("of", "in") else 0
    return _numbered(Repeat("MONTHLY"), numbers, day), past or after


def _unit(s: Source, i: int) -> bool:
    return unit_at(s, i, after_number=True) is not None or s.word(i) in v.WEEKDAYS or s.word(i) in v.WEEKDAY_SETS


def _of_unit(s: Source, interval: int, j: int) -> Reading | None:
    if s.word(j) in v.WORKING and s.word(j + 1) in ("day", "days"):
        return Repeat("WEEKLY", interval, weekdays((0, 1, 2, 3, 4))), j + 2
    days, after = _weekday_list(s, j)
    if days:
        return Repeat("WEEKLY", interval, weekdays(days)), after
    if feast := named_holiday(s, j):
        return _holiday(feast[0], interval, feast[1])
    if month := v.MONTHS.get(s.word(j)):
        return _yearly(s, j, month, interval)
    unit = unit_at(s, j, after_number=is_digits(s.word(j - 1)))
    if unit and unit[0] in v.UNIT_FREQUENCIES:
        freq, times = v.UNIT_FREQUENCIES[unit[0]]
        found = Repeat(freq, interval * times)
        return (replace(found, part=part[0].part), j + 1) if (part := bare_part(s, j)) else (found, unit[1])
    part = bare_part(s, j)
    return (Repeat("DAILY", interval, part=part[0].part), part[1]) if part else None


def _yearly(s: Source, j: int, month: int, interval: int) -> Reading:
    day = ordinal(s, j + 1) or cardinal(s, j + 1)
    if day and 1 <= day[0] <= 31:
        return Repeat("YEARLY", interval, month_days=(day[0],), months=(month,)), day[1]
    return Repeat("YEARLY", interval, months=(month,)), j + 1


def _the_month(s: Source, i: int) -> int:
    """The index after "the month", "each month" or "a month", or 0."""
    j = i + (s.word(i) in v.THE | v.EVERY | v.ARTICLES)
    return j + 1 if v.UNITS.get(s.word(j)) == "month" else 0


def _nth_after_every(s: Source, number: int, j: int) -> Reading | None:
    """ "every 4th of the month", "every last friday of the month", "every fourth thursday in november"."""
    if s.word(j) in v.WEEKDAY_SETS and (after := _the_month(s, j + 2) if s.word(j + 1) in ("of", "in") else 0):
        return Repeat("MONTHLY", days=weekdays(v.WEEKDAY_SETS[s.word(j)]), positions=(number,)), after
    day = v.WEEKDAYS.get(s.word(j))
    j += day is not None or s.word(j) == "day"
    if s.word(j) in ("of", "in"):
        if month := v.MONTHS.get(s.word(j + 1)):
            found = Repeat("YEARLY", days=((number, day),) if day is not None else (), months=(month,))
            return (found if day is not None else replace(found, month_days=(number,))), j + 2
        after = _the_month(s, j + 1)
        return (_numbered(Repeat("MONTHLY"), (number,), day), after) if after else None
    if day is not None:
        return Repeat("MONTHLY", days=((number, day),)), j
    return (Repeat("MONTHLY", month_days=(number,)), j) if number > 0 and s.word(j - 1) in v.ORDINAL_ENDS else None


def _holiday(name: str, interval: int, after: int) -> Reading | None:
    """ "every Christmas", "every Thanksgiving": only what a rule of RFC 5545 can say."""
    kind, rule = HOLIDAYS[name]
    if kind == "fixed":
        return Repeat("YEARLY", interval, month_days=(rule[1],), months=(rule[0],)), after
    if kind == "nth" and not rule[3]:
        return Repeat("YEARLY", interval, days=((rule[2], rule[1]),), months=(rule[0],)), after
    return None


def _adverb(s: Source, i: int) -> Reading | None:
    hyphen = 2 if s.word(i) in ("bi", "semi") and s.word(i + 1) == "-" else 0
    found = v.FREQUENCIES.get(s.word(i) + s.word(i + 2) if hyphen else s.word(i))
    return (Repeat(*found), i + hyphen + 1) if found else None


def _once(s: Source, i: int) -> Reading | None:
    """ "once a week", "once every two months"."""
    if s.word(i) not in v.ONCE:
        return None
    if s.word(i + 1) in v.EVERY:
        return _every(s, i + 1)
    unit = unit_at(s, i + 2, after_number=False) if s.word(i + 1) in v.ARTICLES | {"per"} else None
    if unit is None or unit[0] not in v.UNIT_FREQUENCIES:
        return None
    freq, times = v.UNIT_FREQUENCIES[unit[0]]
    return Repeat(freq, times), unit[1]


def _each_year(s: Source, i: int, here: Here) -> Reading | None:
    """ "December 25th every year", "the fourth Thursday in November each year"."""
    found = month_day(s, i, here)
    if found and found[0].month and found[0].dom and found[0].year is None:
        one = Repeat("YEARLY", month_days=(found[0].dom,), months=(found[0].month,))
        after = found[1]
    else:
        which = nth(s, i)
        day = v.WEEKDAYS.get(s.word(which[1])) if which else None
        month = v.MONTHS.get(s.word(which[1] + 2)) if which and s.word(which[1] + 1) in ("in", "of") else None
        if which is None or day is None or month is None:
            return None
        one, after = Repeat("YEARLY", days=((which[0], day),), months=(month,)), which[1] + 3
    yearly = _every(s, after) or _adverb(s, after)
    if yearly is None or yearly[0].freq != "YEARLY" or yearly[0].months:
        return None
    return replace(one, interval=yearly[0].interval), yearly[1]


def _plurals(s: Source, i: int) -> Reading | None:
    """ "mondays and thursdays", "on weekdays", "weekends"."""
    j = i + (s.word(i) == "on")
    if s.word(j) in ("weekdays", "weekends", "workdays"):
        return Repeat("WEEKLY", days=weekdays(v.WEEKDAY_SETS[s.word(j)])), j + 1
    days, after = _weekday_list(s, j, plural=True)
    if days:
        return Repeat("WEEKLY", days=weekdays(days)), after
    days, after = _weekday_list(s, j)  # "monday mornings", "monday and friday every week"
    part = v.PART_PLURALS.get(s.word(after), "")
    weekly = (_every(s, after) or _adverb(s, after)) if days else None
    if weekly and weekly[0].freq == "WEEKLY" and not weekly[0].days:
        return replace(weekly[0], days=weekdays(days)), weekly[1]
    return (Repeat("WEEKLY", days=weekdays(days), part=Part(part)), after + 1) if days and part else None


def _ordinals(s: Source, i: int) -> tuple[tuple[int, ...], int]:
    """ "1st and 15th", "2nd and last", "2nd to the last"."""
    found: list[int] = []
    j = i
    while len(found) < 31 and (one := nth(s, j)):
        found.append(one[0])
        i = j = one[1]
        while s.word(j) in _AND:
            j += 1
        if s.word(j - 1) not in _AND:
            break
    return tuple(found), i


def _nth_of_each(s: Source, i: int) -> Reading | None:
    """ "the 4th of every 3rd month", "2nd and last fridays of each month", "begin of each month"."""
    j = i + (s.word(i) in v.THE) + (s.word(i) == "on")
    j += s.word(j) in v.THE
    numbers, after = _ordinals(s, j)
    if not numbers:
        edge = v.EDGE_OF_MONTH.get(s.word(j))
        if edge is None:
            return None
        numbers, after = (edge,), j + 1
    if s.word(after) in v.WEEKDAY_SETS and s.word(after + 1) in ("of", "in"):  # "the last weekday of every month"
        return _numbered_set(s, after, numbers)
    day = v.WEEKDAYS.get(s.word(after), v.WEEKDAY_PLURALS.get(s.word(after)))
    after += day is not None or s.word(after) in ("day", "days")
    past = _the_month(s, after + 1) if s.word(after) == "of" and s.word(after + 1) not in v.EVERY else 0
    past += past > 0 and s.word(past) == ","
    if past or s.word(after) in v.FREQUENCIES or (s.word(after) in v.EVERY and numbers):
        inner = _adverb(s, past or after) or _every(s, past or after)
    else:
        inner = _every(s, after + 1) if s.word(after) in ("of", "in", "on") else None
    if inner is None or inner[0].freq not in ("MONTHLY", "YEARLY") or inner[0].days or inner[0].month_days:
        return None
    return _numbered(inner[0], numbers, day), inner[1]


def _numbered_set(s: Source, i: int, numbers: tuple[int, ...]) -> Reading | None:
    inner = _every(s, i + 2)
    if inner is None or inner[0].freq != "MONTHLY" or inner[0].days or inner[0].month_days:
        return None
    return replace(inner[0], days=weekdays(v.WEEKDAY_SETS[s.word(i)]), positions=numbers), inner[1]


def _numbered(one: Repeat, numbers: tuple[int, ...], day: int | None) -> Repeat:
    if day is not None:
        return replace(one, days=tuple((number, day) for number in numbers))
    return replace(one, month_days=numbers)


def _modifier(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """What may stand behind a rule: its days, its times, its start, its end."""
    i += s.word(i) == "," and s.word(i + 1) not in ("", "and")
    return (
        _times(s, i, one)
        or _on_days(s, i, one)
        or _in_month(s, i, one)
        or _from_to(s, i, one, here)
        or _until(s, i, one, here)
        or _counted(s, i, one)
    )


def _times(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "at 9", "at 9 and 17:00", "in the morning", "evening"."""
    at = s.word(i) in v.AT | v.ABOUT
    clocks: list[Clock] = []
    j = i + at
    while len(clocks) < 12 and (found := one_clock(s, j, at)):
        clocks.append(found[0])
        i = j = found[1]
        if s.word(j) not in _AND:
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


def _on_days(s: Source, i: int, one: Repeat) -> Reading | None:
    """ "on Mondays", "on the 1st and 15th", "on the last Friday", "on Dec 25", "at the end"."""
    if s.word(i) not in ("on", "at", "in") or one.days or one.month_days:
        return None
    j = i + 1 + (s.word(i + 1) in v.THE)
    if s.word(i) == "at" or (one.freq == "MONTHLY" and s.word(j) in v.EDGE_OF_MONTH):
        edge = v.EDGE_OF_MONTH.get(s.word(j)) if one.freq == "MONTHLY" else None
        return (replace(one, month_days=(edge,)), j + 1) if edge else None
    if month := v.MONTHS.get(s.word(j)):
        if one.freq != "YEARLY":
            return None
        year, after = _yearly(s, j, month, one.interval)
        return replace(one, months=year.months, month_days=year.month_days), after
    days, after = _weekday_list(s, j)
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
    numbers, after = _ordinals(s, j)
    if not numbers:
        return None
    if s.word(after) in v.WEEKDAY_SETS and one.freq == "MONTHLY":
        past = _the_month(s, after + 2) if s.word(after + 1) in ("of", "in") else 0
        return replace(one, days=weekdays(v.WEEKDAY_SETS[s.word(after)]), positions=numbers), past or after + 1
    day = v.WEEKDAYS.get(s.word(after))
    after += day is not None or s.word(after) == "day"
    if one.freq == "WEEKLY":
        fits = day is None and s.word(after - 1) == "day" and all(1 <= number <= 7 for number in numbers)
        return (replace(one, days=weekdays(tuple((number - 2) % 7 for number in numbers))), after) if fits else None
    if s.word(after) in ("of", "in"):
        month, past = v.MONTHS.get(s.word(after + 1)), _the_month(s, after + 1)
        if month and one.freq == "YEARLY":
            return _numbered(replace(one, months=(month,)), numbers, day), after + 2
        after = past or after
    fits = one.freq == "MONTHLY" or (one.freq == "YEARLY" and (day is not None or one.months != ()))
    return (_numbered(one, numbers, day), after) if fits else None


def _from_to(s: Source, i: int, one: Repeat, here: Here) -> Reading | None:
    """ "starting next Tuesday", "from jan 1 to march 25th"."""
    if s.word(i) == v.BETWEEN and (whole := ranged(s, i, here)) and not isinstance(whole[0].start, datetime):
        end = whole[0].end
        return (replace(one, start=whole[0].start, until=end - timedelta(days=1)), whole[1]) if end else None
    if s.word(i) not in v.STARTING or one.start:
        return None
    found = point(s, i + 1 + (s.word(i + 1) in ("on", "from")), here)
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
        found = point(s, i + 1 + (s.word(i + 1) == "on"), here)
        day = last_day(found[0], here) if found else None
        return (replace(one, until=day), found[1]) if found and day else None
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
