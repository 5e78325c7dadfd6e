"""Reads the rule of a recurrence: "every other Monday", "the 1st of every month", "December 25th yearly"."""

from __future__ import annotations

from dataclasses import replace

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import of_unit, unit_at
from assistant.interpreter.dates.dayparts import bare_part
from assistant.interpreter.dates.days import month_day
from assistant.interpreter.dates.feasts import HOLIDAYS
from assistant.interpreter.dates.holidays import named_holiday
from assistant.interpreter.dates.nths import nth, working_day
from assistant.interpreter.dates.numbers import cardinal, count, is_digits, ordinal
from assistant.interpreter.dates.parts import Here, Part
from assistant.interpreter.dates.repeats import Repeat, weekdays
from assistant.interpreter.dates.tokens import Source

Reading = tuple[Repeat, int]

AND = v.AND | {"or"}


def rule_at(s: Source, i: int, here: Here) -> Reading | None:
    """The rule itself, without what stands around it."""
    found = _every(s, i) or _adverb(s, i) or _nth_of_each(s, i) or _alternate(s, i)
    return found or _plurals(s, i) or _once(s, i) or _each_year(s, i, here)


def weekday_list(s: Source, i: int, plural: bool | None = None) -> tuple[tuple[int, ...], int]:
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
        while s.word(j) in AND or s.word(j) == "/" or (s.word(j) in {*v.EVERY, "on"} and s.word(j - 1) in AND):
            j += 1
    return tuple(dict.fromkeys(days)), i


def _every(s: Source, i: int) -> Reading | None:
    """ "every …": a unit, weekdays, a day of the month, a month."""
    if s.word(i) == v.EVERYDAY:
        return Repeat("DAILY"), i + 1
    i += 2 * s.words(i, "each", "and", "every")
    if s.word(i) not in v.EVERY:
        return None
    j = i + 1 + (s.word(i + 1) in ("single", "and"))
    if s.word(j) in v.FINAL:
        return _nth_after_every(s, -1, j + 1)
    interval, number, j = 1, 0, j
    if s.word(j) in v.OTHER:
        return _of_unit(s, 2, j + 1)
    if (s.word(j) in v.FRACTIONS and s.word(j + 1) in v.UNITS) or s.word(j) in v.VAGUE:
        return _part_of_unit(s, j)
    if s.word(j) == "month" and s.word(j + 1 + (s.word(j + 1) == "-")) == "end":
        return Repeat("MONTHLY", month_days=(-1,)), j + 2 + (s.word(j + 1) == "-")
    if s.word(j) in v.EDGE_OF_MONTH and s.word(j + 1) == "of" and (after := the_month(s, j + 2)):
        return Repeat("MONTHLY", month_days=(v.EDGE_OF_MONTH[s.word(j)],)), after
    numbers, after = ordinals(s, j)
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


def _alternate(s: Source, i: int) -> Reading | None:
    """ "alternate fridays", "on alternate days"."""
    j = i + (s.word(i) == "on")
    return _of_unit(s, 2, j + 1) if s.word(j) in v.OTHER - {"other"} else None


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
    if s.word(after) in ("of", "in") and (month := v.MONTHS.get(s.word(after + 1))):
        return numbered(Repeat("YEARLY", months=(month,)), numbers, day), after + 2
    past = the_month(s, after + 1) if s.word(after) in ("of", "in") else 0
    return numbered(Repeat("MONTHLY"), numbers, day), past or after


def _unit(s: Source, i: int) -> bool:
    return unit_at(s, i, after_number=True) is not None or s.word(i) in v.WEEKDAYS or s.word(i) in v.WEEKDAY_SETS


def _of_unit(s: Source, interval: int, j: int) -> Reading | None:
    if s.word(j) in v.WORKING and s.word(j + 1) in ("day", "days"):
        return Repeat("WEEKLY", interval, weekdays((0, 1, 2, 3, 4))), j + 2
    days, after = weekday_list(s, j)
    if days:
        return Repeat("WEEKLY", interval, weekdays(days)), after
    if feast := named_holiday(s, j):
        return yearly_feast(feast[0], interval, feast[1])
    if month := v.MONTHS.get(s.word(j)):
        return yearly(s, j, month, interval)
    if interval and is_digits(s.word(j), 2) and (month := v.MONTHS.get(s.word(j + 1))) and s.word(j) != "0":
        return Repeat("YEARLY", month_days=(int(s.word(j)),), months=(month,)), j + 2  # "every 5 march"
    unit = unit_at(s, j, after_number=is_digits(s.word(j - 1)))
    if unit and unit[0] in v.UNIT_FREQUENCIES:
        freq, times = v.UNIT_FREQUENCIES[unit[0]]
        found = Repeat(freq, interval * times)
        if freq == "DAILY" and interval == 1 and s.words(unit[1], "of", "the", "week"):
            return found, unit[1] + 3
        return (replace(found, part=part[0].part), part[1]) if (part := bare_part(s, j)) else (found, unit[1])
    part = bare_part(s, j)
    return (Repeat("DAILY", interval, part=part[0].part), part[1]) if part else None


def yearly(s: Source, j: int, month: int, interval: int) -> Reading:
    day = ordinal(s, j + 1) or cardinal(s, j + 1)
    if day and 1 <= day[0] <= 31:
        return Repeat("YEARLY", interval, month_days=(day[0],), months=(month,)), day[1]
    months, after = [month], j + 1
    while s.word(after) in AND and (further := v.MONTHS.get(s.word(after + 1))) and len(months) < 12:
        months.append(further)  # "every march and june"
        after += 2
    return Repeat("YEARLY", interval, months=tuple(months)), after


def the_month(s: Source, i: int) -> int:
    """The index after "the month", "each month" or "a month", or 0."""
    j = i + (s.word(i) in v.THE | v.EVERY | v.ARTICLES)
    return j + 1 if v.UNITS.get(s.word(j)) == "month" else 0


def _nth_after_every(s: Source, number: int, j: int) -> Reading | None:
    """ "every 4th of the month", "every last friday of the month", "every fourth thursday in november"."""
    if (end := working_day(s, j)) and (s.word(end) in ("of", "in") or number < 0):
        after = the_month(s, end + 1) if s.word(end) in ("of", "in") else end
        one = Repeat("MONTHLY", days=weekdays(v.WEEKDAY_SETS["weekday"]), positions=(number,))
        return (one, after) if after else None
    if s.word(j) in v.WEEKDAY_SETS and (after := the_month(s, j + 2) if s.word(j + 1) in ("of", "in") else 0):
        return Repeat("MONTHLY", days=weekdays(v.WEEKDAY_SETS[s.word(j)]), positions=(number,)), after
    day = v.WEEKDAYS.get(s.word(j))
    j += day is not None or s.word(j) == "day"
    if s.word(j) in ("of", "in"):
        if month := v.MONTHS.get(s.word(j + 1)):
            found = Repeat("YEARLY", days=((number, day),) if day is not None else (), months=(month,))
            return (found if day is not None else replace(found, month_days=(number,))), j + 2
        after = the_month(s, j + 1)
        return (numbered(Repeat("MONTHLY"), (number,), day), after) if after else None
    if day is not None:
        return Repeat("MONTHLY", days=((number, day),)), j
    return (Repeat("MONTHLY", month_days=(number,)), j) if number > 0 and s.word(j - 1) in v.ORDINAL_ENDS else None


def yearly_feast(name: str, interval: int, after: int) -> Reading | None:
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
    if s.word(i) not in v.ONCE or (s.word(i) == "one" and s.word(i + 1) not in v.ARTICLES):
        return None
    if s.word(i + 1) in v.EVERY:
        return _every(s, i + 1)
    if s.word(i) == "once" and (adverb := _adverb(s, i + 1)):
        return adverb  # "once daily"
    i += s.words(i + 1, "in")
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
    if s.word(i - 1) in v.NEXT | v.LAST | v.COMING or cardinal(s, i - 1):
        return None  # "the next two Fridays"
    if s.word(j) in ("weekdays", "weekends", "workdays"):
        return Repeat("WEEKLY", days=weekdays(v.WEEKDAY_SETS[s.word(j)])), j + 1
    if (name := v.PART_PLURALS.get(s.word(j), "")) and s.word(j + 1) in ("", ".", "!", "?", ",", "at"):  # "mornings"
        return Repeat("DAILY", part=Part(name)), j + 1
    days, after = weekday_list(s, j, plural=True)
    if days:
        return Repeat("WEEKLY", days=weekdays(days)), after
    days, after = weekday_list(s, j)  # "monday mornings", "monday and friday every week"
    part = v.PART_PLURALS.get(s.word(after), "")
    weekly = (_every(s, after) or _adverb(s, after)) if days else None
    if weekly and weekly[0].freq == "WEEKLY" and not weekly[0].days:
        return replace(weekly[0], days=weekdays(days)), weekly[1]
    return (Repeat("WEEKLY", days=weekdays(days), part=Part(part)), after + 1) if days and part else None


def ordinals(s: Source, i: int) -> tuple[tuple[int, ...], int]:
    """ "1st and 15th", "2nd and last", "2nd to the last"."""
    found: list[int] = []
    j = i
    while len(found) < 31 and (one := nth(s, j)):
        found.append(one[0])
        i = j = one[1]
        while s.word(j) in AND:
            j += 1
        if s.word(j - 1) not in AND:
            break
    return tuple(found), i


def _nth_of_each(s: Source, i: int) -> Reading | None:
    """ "the 4th of every 3rd month", "2nd and last fridays of each month", "begin of each month"."""
    j = i + (s.word(i) in v.THE) + (s.word(i) == "on")
    j += s.word(j) in v.THE
    numbers, after = ordinals(s, j)
    if several := _placed_days(s, j):
        inner = _every(s, several[1] + 1) if s.word(several[1]) in ("of", "in", "on") else None
        fits = inner and inner[0].freq == "MONTHLY" and not inner[0].days and not inner[0].month_days
        return (replace(inner[0], days=several[0]), inner[1]) if inner and fits else None
    if not numbers:
        edge = v.EDGE_OF_MONTH.get(s.word(j))
        if edge is None:
            return None
        numbers, after = (edge,), j + 1
    if (end := working_day(s, after)) and s.word(end) in ("of", "in"):  # "the last business day of every month"
        return _numbered_set(s, end, v.WEEKDAY_SETS["weekday"], numbers)
    if s.word(after) in v.WEEKDAY_SETS and s.word(after + 1) in ("of", "in"):
        return _numbered_set(s, after + 1, v.WEEKDAY_SETS[s.word(after)], numbers)
    day = v.WEEKDAYS.get(s.word(after), v.WEEKDAY_PLURALS.get(s.word(after)))
    after += day is not None or s.word(after) in ("day", "days")
    past = the_month(s, after + 1) if s.word(after) == "of" and s.word(after + 1) not in v.EVERY else 0
    past += past > 0 and s.word(past) == ","
    if past or s.word(after) in v.FREQUENCIES or (s.word(after) in v.EVERY and numbers):
        inner = _adverb(s, past or after) or _every(s, past or after)
    else:
        inner = _every(s, after + 1) if s.word(after) in ("of", "in", "on") else None
    if inner is None or inner[0].freq not in ("MONTHLY", "YEARLY") or inner[0].days or inner[0].month_days:
        return None
    return numbered(inner[0], numbers, day), inner[1]


def _placed_days(s: Source, i: int) -> tuple[tuple[tuple[int, int], ...], int] | None:
    """ "first and third friday and second tuesday": several weekdays, each with places of its own."""
    pairs: list[tuple[int, int]] = []
    groups, j = 0, i
    while groups < 7:
        numbers, after = ordinals(s, j + (s.word(j) in v.THE))
        day = v.WEEKDAYS.get(s.word(after), v.WEEKDAY_PLURALS.get(s.word(after)))
        if not numbers or day is None:
            break
        pairs += [(number, day) for number in numbers]
        groups, i, j = groups + 1, after + 1, after + 1
        while s.word(j) in AND:
            j += 1
        if j == i:
            break
    return (tuple(pairs), i) if groups > 1 else None


def _numbered_set(s: Source, i: int, days: tuple[int, ...], numbers: tuple[int, ...]) -> Reading | None:
    """ "of every month" behind the first or last of some weekdays."""
    month = the_month(s, i + 1)
    inner = _every(s, month if month and s.word(i + 1) not in v.EVERY else i + 1)
    if inner is None or inner[0].freq != "MONTHLY" or inner[0].days or inner[0].month_days:
        return None
    return replace(inner[0], days=weekdays(days), positions=numbers), inner[1]


def numbered(one: Repeat, numbers: tuple[int, ...], day: int | None) -> Repeat:
    if day is not None:
        return replace(one, days=tuple((number, day) for number in numbers))
    return replace(one, month_days=numbers)
