"""Days and periods: "tomorrow", "next Monday", "Dec 24", "12/24", "the 15th", "next week", "end of the month"."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.amounts import number, ordinal
from assistant.interpreter.dates.parts import Clock, Found, Here, Parts, Period, Weekday, add_months, month_length
from assistant.interpreter.dates.tokens import Tokens, word, words

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:t(\d\d):?(\d\d)(?::?\d\d(?:\.\d+)?)?(z)?)?")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d\d))?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}|\d\d))?")
_DASHED = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")


def relative_day(tokens: Tokens, i: int, here: Here) -> Found | None:
    """today, tomorrow, the day after tomorrow, yesterday, now-ish words such as eod."""
    low = word(tokens, i)
    j = i + 1 if low == "the" else i
    if words(tokens, j, "day", "after", "tomorrow"):
        return Parts(day=here.today + timedelta(days=2)), j + 3
    if words(tokens, j, "day", "before", "yesterday"):
        return Parts(day=here.today - timedelta(days=2)), j + 3
    if words(tokens, i, "overmorrow"):
        return Parts(day=here.today + timedelta(days=2)), i + 1
    if low in v.RELATIVE_DAYS:
        return Parts(day=here.today + timedelta(days=v.RELATIVE_DAYS[low])), i + 1
    return None


def weekday(tokens: Tokens, i: int, here: Here) -> Found | None:
    """A weekday, with the word before it that chooses which."""
    which, j = "", i
    low = word(tokens, i)
    if low == "the" and word(tokens, i + 1) in v.THIS | v.NEXT | v.COMING:
        j, low = i + 1, word(tokens, i + 1)
    if low in v.THIS and word(tokens, j + 1) in v.COMING:
        j += 2
    elif low in v.COMING:
        j += 1
    elif low in v.THIS or low in v.NEXT or low in v.LAST:
        which, j = ("this" if low in v.THIS else "next" if low in v.NEXT else "last"), j + 1
    number_of = v.WEEKDAYS.get(
        word(tokens, j).removesuffix("s") if word(tokens, j) not in v.WEEKDAYS else word(tokens, j)
    )
    if number_of is None or (word(tokens, j).endswith("s") and word(tokens, j) not in v.WEEKDAYS):
        return None
    after = j + 1
    if word(tokens, after) == "." and len(word(tokens, j)) <= 4 and after + 1 < len(tokens):
        after += 1
    if word(tokens, after) == "week":  # "friday week"
        return Parts(day=_bare(here, number_of) + timedelta(days=7)), after + 1
    return Parts(weekday=Weekday(number_of, which)), after


def _bare(here: Here, number_of: int) -> date:
    return here.today + timedelta(days=(number_of - here.today.weekday() - 1) % 7 + 1)


def day_of(chosen: Weekday, here: Here, period: Period | None) -> date:
    """The day a weekday means, by the policy of the package, or the one inside the period named beside it."""
    if period is not None:
        return period.start + timedelta(days=(chosen.number - period.start.weekday()) % 7)
    monday = here.today - timedelta(days=here.today.weekday())
    match chosen.which:
        case "next":
            return monday + timedelta(days=7 + chosen.number)
        case "last":
            return here.today - timedelta(days=(here.today.weekday() - chosen.number - 1) % 7 + 1)
        case "this":
            day = monday + timedelta(days=chosen.number)
            return day if day >= here.today or not here.future else day + timedelta(days=7)
        case _:
            day = _bare(here, chosen.number)
            return day if here.future else day - timedelta(days=7)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def yearless(here: Here, month: int, day: int) -> date:
    """The next such day, today included (or the latest one, by preference). Raises ValueError for 31 April."""
    if not 1 <= month <= 12 or not 1 <= day <= month_length(2000, month):
        raise ValueError("no such day")
    step = 1 if here.future else -1
    for year in range(here.today.year, here.today.year + 9 * step, step):
        if day > month_length(year, month):
            continue
        found = date(year, month, day)
        if (found >= here.today) == here.future or found == here.today:
            return found
    raise ValueError("no such day")


def month_day(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "Dec 24", "24th of December", "december 24, 2027", "the 3rd of May"."""
    j = i + 1 if word(tokens, i) == "the" else i
    if (month := v.MONTHS.get(word(tokens, j))) and j == i:
        after = j + 2 if word(tokens, j + 1) == "." else j + 1
        after += word(tokens, after) == "the"
        day = ordinal(tokens, after) or number(tokens, after)
        if day is None or tokens[after].low in ("one", "a"):
            return None
    else:
        day = ordinal(tokens, j) or number(tokens, j)
        if day is None:
            return None
        after = day[1] + (word(tokens, day[1]) in ("of", "-", "."))
        month = v.MONTHS.get(word(tokens, after))
        day = (day[0], after + 1)
        if month is None:
            return None
        if word(tokens, day[1]) == "." and word(tokens, day[1] + 1).isdigit():
            day = (day[0], day[1] + 1)
    return _with_year(tokens, month, day[0], day[1], here)


def _with_year(tokens: Tokens, month: int, day: int, after: int, here: Here) -> Found | None:
    j = after + 1 if word(tokens, after) in (",", "of", "-") else after
    year = word(tokens, j)
    if len(year) == 4 and year.isascii() and year.isdigit() and 1900 <= int(year) <= 2199:
        return Parts(day=date(int(year), month, day)), j + 1
    return Parts(day=yearless(here, month, day)), after


def _numeric(first: int, second: int, year: str | None, day_first: bool, here: Here) -> date | None:
    month, day = (second, first) if day_first else (first, second)
    if month > 12:
        month, day = day, month
    if not 1 <= month <= 12:
        return None
    return date(_year(year), month, day) if year else yearless(here, month, day)


def numeric_day(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ISO dates and times, "12/24", "12/24/2026", "24.12.", "24.12.2026"."""
    low = word(tokens, i)
    if m := _ISO.fullmatch(low):
        day = date(int(m[1]), int(m[2]), int(m[3]))
        return _iso_time(tokens, i, day, m)
    if m := _SLASHED.fullmatch(low):
        if low == "24/7":
            return None
        found = _numeric(int(m[1]), int(m[2]), m[3], here.day_first, here)
        return (Parts(day=found), i + 1) if found else None
    if m := _DASHED.fullmatch(low):
        found = _numeric(int(m[1]), int(m[2]), m[3], here.day_first, here)
        return (Parts(day=found), i + 1) if found else None
    if (m := _DOTTED.fullmatch(low)) and int(m[2]) <= 12:
        if m[3] and len(m[3]) == 4:
            return Parts(day=date(_year(m[3]), int(m[2]), int(m[1]))), i + 1
        # "24.12." needs its last full stop glued on, and not as the end of a longer number
        if m[3] is None and word(tokens, i + 1) == "." and tokens[i + 1].start == tokens[i].end and int(m[1]) > 0:
            return Parts(day=yearless(here, int(m[2]), int(m[1]))), i + 2
    return None


def _iso_time(tokens: Tokens, i: int, day: date, m: re.Match[str]) -> Found | None:
    if m[4] is None:
        return Parts(day=day), i + 1
    if m[6] or word(tokens, i + 1) in ("+", "-"):
        text = tokens[i].raw
        after = i + 1
        if not m[6] and tokens[i + 1].start == tokens[i].end:
            text, after = text + tokens[i + 1].raw + (tokens[i + 2].raw if i + 2 < len(tokens) else ""), i + 3
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return Parts(instant=moment), after
    if int(m[4]) > 23 or int(m[5]) > 59:
        return None
    return Parts(day=day, clock=Clock(int(m[4]), int(m[5]))), i + 1


def day_of_month(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "the 15th", its month the next that has it still ahead (today included)."""
    if word(tokens, i) != "the" or (found := ordinal(tokens, i + 1)) is None:
        return None
    number_of, after = found
    first = here.today.replace(day=1)
    if words(tokens, after, "of", "next", "month"):
        return Parts(day=add_months(first, 1).replace(day=number_of)), after + 3
    if words(tokens, after, "of", "this", "month") or words(tokens, after, "of", "the", "month"):
        after += 3
    for months in range(0, 12):
        start = add_months(first, months)
        if number_of <= month_length(start.year, start.month) and start.replace(day=number_of) >= here.today:
            return Parts(day=start.replace(day=number_of)), after
    return None


def _unit_period(name: str, here: Here, step: int) -> Period | None:
    """The week, weekend, month or year that lies `step` of them from the present one."""
    monday = here.today - timedelta(days=here.today.weekday())
    if name == "week":
        return Period(monday + timedelta(days=7 * step), monday + timedelta(days=7 * (step + 1)), "week")
    if name in ("weekend", "wknd"):
        saturday = monday + timedelta(days=5 + 7 * step)
        return Period(saturday, saturday + timedelta(days=2), "weekend")
    if name == "month":
        first = add_months(here.today.replace(day=1), step)
        return Period(first, add_months(first, 1), "month")
    if name == "year":
        return Period(date(here.today.year + step, 1, 1), date(here.today.year + step + 1, 1, 1), "year")
    return None


def period(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "this week", "next month", "the weekend", "in March", "next December"."""
    low = word(tokens, i)
    after_next = words(tokens, i, "the") and words(tokens, i + 2, "after", "next")
    if after_next and (found := _unit_period(word(tokens, i + 1), here, 2)):
        return Parts(period=found), i + 4
    steps = {"this": 0, "current": 0, "next": 1, "coming": 1, "last": -1, "previous": -1}
    if low in steps and (found := _unit_period(word(tokens, i + 1), here, steps[low])):
        return Parts(period=found), i + 2
    if low in ("the", "over") and word(tokens, i + (2 if words(tokens, i + 1, "the") else 1)) == "weekend":
        found = _unit_period("weekend", here, 0)
        return (Parts(period=found), i + (3 if words(tokens, i + 1, "the") else 2)) if found else None
    if low in ("in", "this", "next", "by", "until", "during") and (month := v.MONTHS.get(word(tokens, i + 1))):
        if month_day(tokens, i + 1, here) or (low == "by" and word(tokens, i + 1) == "may"):
            return None
        return _named_month(tokens, i + 2, month, low == "next", here)
    return None


def _named_month(tokens: Tokens, after: int, month: int, next_one: bool, here: Here) -> Found:
    text = word(tokens, after)
    if len(text) == 4 and text.isascii() and text.isdigit() and 1900 <= int(text) <= 2199:
        year, after = int(text), after + 1
    else:
        year = here.today.year + (month < here.today.month or (next_one and month == here.today.month))
    first = date(year, month, 1)
    return Parts(period=Period(first, add_months(first, 1), "month")), after


def end_of(tokens: Tokens, i: int, here: Here) -> Found | None:
    """ "end of the month", "eow", "end of day", "close of business"."""
    short = {"eod": "day", "eow": "week", "eom": "month", "eoy": "year", "cob": "business", "eob": "business"}
    j = i + 1 if word(tokens, i) == "the" else i
    name, after = short.get(word(tokens, j), ""), j + 1
    if words(tokens, j, "end", "of") or words(tokens, j, "close", "of"):
        after = j + 2 + (word(tokens, j + 2) in ("the", "this"))
        step = word(tokens, after) == "next"
        name, after = word(tokens, after + step), after + 1 + step
    else:
        step = False
    if name in ("day", "business"):
        return Parts(clock=Clock(23, 59) if name == "day" else Clock(17)), after
    if name in v.MONTHS:
        first = date(here.today.year + (v.MONTHS[name] < here.today.month), v.MONTHS[name], 1)
        return Parts(day=add_months(first, 1) - timedelta(days=1)), after
    found = _unit_period(name, here, int(step)) if name else None
    return (Parts(day=found.end - timedelta(days=1)), after) if found else None
