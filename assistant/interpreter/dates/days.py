"""Days in words: "tomorrow", "next Monday", "Dec 24", "the 15th", "the first Tuesday in October"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import amount
from assistant.interpreter.dates.numbers import cardinal, is_digits, ordinal, spoken_year
from assistant.interpreter.dates.parts import (
    Clock,
    Found,
    Here,
    Period,
    Point,
    Weekday,
    add_months,
    add_working_days,
    month_length,
)
from assistant.interpreter.dates.tokens import Source

_STEPS = ((v.THIS, 0), (v.NEXT, 1), (v.COMING, 1), (v.LAST, -1))


def relative_day(s: Source, i: int, here: Here) -> Found | None:
    """today, tomorrow, the day after tomorrow, the day before yesterday, the next day, right now."""
    j = i + (s.word(i) in v.THE)
    low = s.word(j)
    if low == "day" and s.word(j + 1) in ("after", "before"):
        sign = 1 if s.word(j + 1) == "after" else -1
        if s.word(j + 2) in v.RELATIVE_DAYS:
            return Point(day=here.today + timedelta(days=v.RELATIVE_DAYS[s.word(j + 2)] + sign)), j + 3
        if s.word(j + 2) in v.NEXT and sign > 0:
            return Point(day=here.today + timedelta(days=2)), j + 3
    if (low in v.NEXT or low in ("previous", "prior")) and s.word(j + 1) == "day":
        return Point(day=here.today + timedelta(days=1 if low in v.NEXT else -1)), j + 2
    working = s.word(j + 1) in v.WORKING and s.word(j + 2) == "day"
    if low in v.NEXT and (working or (s.word(j + 1) in v.WORKING_DAYS and not s.word(j + 1).endswith("s"))):
        return Point(day=add_working_days(here.today, 1)), j + 2 + working
    if low in v.THIS and s.word(j + 1) in ("day", "date"):
        return Point(day=here.today), j + 2
    if low in v.RELATIVE_DAYS:
        week = s.word(j + 1) == "week" and low in ("today", "tomorrow")  # "tomorrow week"
        return Point(day=here.today + timedelta(days=v.RELATIVE_DAYS[low] + 7 * week)), j + 1 + week
    return _present(s, i, here)


def _present(s: Source, i: int, here: Here) -> Found | None:
    j = i + (s.word(i) in ("right", "just"))
    if s.word(j) in v.NOW:
        return Point(moment=here.wall), j + 1
    j = i + (s.word(i) in ("at", "the")) + s.words(i, "at", "the")
    if s.word(j) in ("this", "same") and s.word(j + 1) == "time":
        step = next((step for words, step in _STEPS if s.word(j + 2) in words), 0)
        unit = v.LENGTHS.get(s.word(j + 3)) if step else None
        if unit and not unit[2]:  # "this time next week"
            day = add_months(here.today, unit[0] * step) + timedelta(days=unit[1] * step)
            return Point(day=day, clock=Clock(here.wall.hour, here.wall.minute)), j + 4
        if s.word(i) != "at":
            return Point(clock=Clock(here.wall.hour, here.wall.minute)), j + 2
    if s.words(i, "at", "the") and s.word(i + 2) in ("moment", "minute"):
        return Point(moment=here.wall), i + 3
    return (Point(moment=here.wall), i + 3) if s.words(i, "at", "this", "time") else None


def weekday(s: Source, i: int, here: Here) -> Found | None:
    """A weekday, with the word before it that chooses which, or the words behind it."""
    j = i + (s.word(i) in v.THE and s.word(i + 1) in v.THIS | v.NEXT | v.COMING | v.LAST)
    which = ""
    low = s.word(j)
    if low in v.THIS:
        which, j = "this", j + 1
        if s.word(j) in v.COMING | v.NEXT:
            which, j = "", j + 1
        elif s.word(j) in v.LAST:
            which, j = "past", j + 1
    elif low in v.COMING:
        j += 1
    elif low in v.NEXT or low in v.LAST:
        which, j = ("next" if low in v.NEXT else "past" if low == "past" else "last"), j + 1
    number_of = v.WEEKDAYS.get(s.word(j))
    if number_of is None:
        return None
    after = j + 1
    if s.word(after) == "." and len(s.word(j)) <= 4 and s.glued(after):
        after += 1
    if s.word(after) in ("week", "fortnight") and not which:  # "friday week"
        return Point(weekday=Weekday(number_of, which, 1 + (s.word(after) == "fortnight"))), after + 1
    if s.words(after, "before", "last") and not which:
        return Point(weekday=Weekday(number_of, "past", -1)), after + 2
    if s.words(after, "after", "next"):
        return Point(weekday=Weekday(number_of, which, 1)), after + 2
    return Point(weekday=Weekday(number_of, which)), after


def day_of(chosen: Weekday, here: Here) -> date:
    """The day a weekday means, by the policy of the package."""
    ahead = here.today + timedelta(days=(chosen.number - here.today.weekday() - 1) % 7 + 1)
    match chosen.which:
        case "next":
            found = here.monday + timedelta(days=7 + chosen.number)
        case "last":
            found = here.monday - timedelta(days=7 - chosen.number)
        case "past":
            found = here.today - timedelta(days=(here.today.weekday() - chosen.number - 1) % 7 + 1)
        case "this":
            found = here.monday + timedelta(days=chosen.number)
            found = found if found >= here.today or not here.future else found + timedelta(days=7)
        case _:
            found = ahead if here.future else ahead - timedelta(days=7)
            if not here.future and found == here.today:
                found -= timedelta(days=7)
    return found + timedelta(days=7 * chosen.weeks)


def year_at(s: Source, i: int) -> tuple[int, int] | None:
    """A year of four digits, "2014", "2014 AD", or of two behind an apostrophe."""
    low = s.word(i)
    if low.isalpha():
        return spoken_year(s, i)
    if low == "'" and s.glued(i + 1) and is_digits(s.word(i + 1), 2) and len(s.word(i + 1)) == 2:
        return 2000 + int(s.word(i + 1)), i + 2
    if is_digits(low, 4) and s.word(i + 1) in v.ERAS and int(low):
        return int(low), i + 2
    if len(low) != 4 or not is_digits(low) or not 1900 <= int(low) <= 2099:
        return (int(low) - 543, i + 2) if len(low) == 4 and is_digits(low) and s.word(i + 1) == "be" else None
    if s.words(i + 1, "a", ".", "d"):
        return int(low), i + 4 + (s.word(i + 4) == ".")
    return int(low), i + 1 + (s.word(i + 1) in v.ERAS)


def month_day(s: Source, i: int, here: Here) -> Found | None:
    """ "Dec 24", "24th of December", "december 24, 2027", "the third day of May", "May twenty nine"."""
    j = i + (s.word(i) in v.THE)
    if is_digits(s.word(i), 4) and len(s.word(i)) == 4 and (year := year_at(s, i)):  # "2027, december 24"
        after = year[1] + (s.word(year[1]) == ",")
        later = month_day(s, after, here) if s.word(after) in v.MONTHS else None
        return (replace(later[0], year=year[0]), later[1]) if later and later[0].year is None else None
    if j == i and (month := v.MONTHS.get(s.word(i))):
        after = i + 1 + (s.word(i + 1) in (".", ",") and (s.word(i + 2)[:1].isdigit() or s.word(i + 2) in v.ORDINALS))
        after += s.word(after) == "the"
        day = ordinal(s, after) or _plain_day(s, after)
        if day is None and (over := _too_late(s, after)) and s.word(over) in ("", ",", ".", "!", "?"):
            s.no_such_day(i, over)
        return _with_year(s, i, month, day, here) if day else None
    day = ordinal(s, j) or _plain_day(s, j)
    if day is None:
        over = _too_late(s, j)
        over += s.word(over) == "of"
        return s.no_such_day(i, over + 1) if over and s.word(over) in v.MONTHS else None
    after = day[1] + (s.word(day[1]) == "day")
    after += s.word(after) in ("of", "-", ".", ",") or (s.word(after) == "in" and after > day[1])
    found = v.MONTHS.get(s.word(after))
    if found is None:
        return None
    after += 1
    after += s.word(after) == "." and (s.glued(after) and s.word(after + 1) != "")
    return _with_year(s, i, found, (day[0], after), here)


def _too_late(s: Source, i: int) -> int:
    """The index after a number that no month has a day of, or 0."""
    found = ordinal(s, i) or (cardinal(s, i) if is_digits(s.word(i), 2) else None)
    return found[1] if found and 31 < found[0] < 100 else 0


def _plain_day(s: Source, i: int) -> tuple[int, int] | None:
    """A day of a month as a bare number, no part of a clock or of a longer figure."""
    day = cardinal(s, i)
    if day is None or not 1 <= day[0] <= 31 or s.word(i) in v.ARTICLES:
        return None
    after = s.word(day[1])
    if after == ":" or (after in ("am", "pm", "h") and s.word(i).isdigit()) or after == "%":
        return None
    return day


def said_year(s: Source, i: int, here: Here) -> tuple[int, int] | None:
    """A year in figures, or "next year" and the like."""
    if s.word(i + 1) in ("year", "year's"):
        step = next((step for words, step in _STEPS if s.word(i) in words), None)
        if step is not None:
            return here.today.year + step, i + 2
    return year_at(s, i)


def years_away(s: Source, i: int, here: Here) -> tuple[int, int] | None:
    """The year of "christmas in 2 years" and "thanksgiving 9 months ago", and the index after it."""
    ahead = s.word(i) == "in"
    found = amount(s, i + ahead)
    if found is None or found[0].fine or not found[0].months:
        return None
    by, after = found
    if not ahead and s.word(after) not in v.AGO | v.HENCE and not s.words(after, "from", "now"):
        return None
    by = by.times(-1) if not ahead and s.word(after) in v.AGO else by
    after += 0 if ahead else 1 + (s.word(after) == "from")
    return add_months(here.today, by.months).year, after


def _with_year(s: Source, i: int, month: int, said: tuple[int, int], here: Here) -> Found | None:
    """The day of a month with the year behind it. Raises ValueError where the calendar has no such day."""
    day, after = said
    if not 1 <= day <= month_length(2000, month):
        s.no_such_day(i, after)
    j = after + (s.word(after) in (",", "of", "-", "in"))
    year = said_year(s, j, here)
    if year and s.word(year[1]) == "-" and s.glued(year[1]) and len(s.word(year[1] + 1)) == 4:
        year = None  # "24 Aug 1915-2015" has times
    if year and not (j > after and s.word(after) == "-" and s.word(year[1]) == "-"):
        end = year[1] + (s.word(year[1]) == "year")
        if day > month_length(year[0], month):
            s.no_such_day(i, end)
        return Point(dom=day, month=month, year=year[0]), end
    short = s.word(after)  # "24 dec 27", where it can be no hour
    if is_digits(short, 2) and 25 <= int(short) < 69 and s.word(after + 1) in ("", ",", ".", ")"):
        return Point(dom=day, month=month, year=2000 + int(short)), after + 1
    return Point(dom=day, month=month), after


def day_of_month(s: Source, i: int, here: Here) -> Found | None:
    """ "the 15th", "18th", "the 15th day of next month"; "the 17" only behind "the"."""
    j = i + (s.word(i) in v.THE)
    found = ordinal(s, j)
    if found is None:
        if here.day_first and is_digits(s.word(j), 2) and s.word(j + 1) == "." and s.glued(j + 1) and j + 2 == len(s):
            return (Point(dom=int(s.word(j))), j + 2) if 1 <= int(s.word(j)) <= 31 else None  # "25."
        if j == i or not is_digits(s.word(j), 2) or s.word(j + 1) in (".", ":", "/", "%"):
            return None
        found = int(s.word(j)), j + 1
    elif j == i and s.word(j) in v.ORDINALS and s.word(found[1]) not in ("day", "of"):
        return None  # "second" and "first" by themselves are no days
    number_of, after = found
    if number_of > 31 and s.word(after) == "day" and s.word(after + 1) != "of":  # "the 100th day"
        return Point(day=date(here.today.year, 1, 1) + timedelta(days=number_of - 1)), after + 1
    after += s.word(after) == "day" and number_of <= 31
    return (Point(dom=number_of), after) if 1 <= number_of <= 31 else None


def nth_weekday(period: Period, number_of: int, nth: int) -> date:
    """The nth such weekday inside the period; from its end where nth is negative. Raises ValueError outside it."""
    if nth > 0:
        first = period.start + timedelta(days=(number_of - period.start.weekday()) % 7)
        found = first + timedelta(days=7 * (nth - 1))
    else:
        last = period.end - timedelta(days=1)
        found = last - timedelta(days=(last.weekday() - number_of) % 7) + timedelta(days=7 * (nth + 1))
    if not period.start <= found < period.end:
        raise ValueError("no such day")
    return found
