"""Holidays by name, as days of a year: fixed, nth weekdays, those that follow Easter, the Hebrew year or the moon."""

from __future__ import annotations

from datetime import date, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.days import nth_weekday, said_year, year_at, years_away
from assistant.interpreter.dates.feasts import FIRST_WORDS, HOLIDAYS, LENGTHS, NAME_WORDS
from assistant.interpreter.dates.moon import chinese, indian
from assistant.interpreter.dates.parts import Found, Here, Period, Point, month_length
from assistant.interpreter.dates.tokens import Source

_LONGEST = 5  # words of a name


def holiday(s: Source, i: int, here: Here) -> Found | None:
    """A holiday, "next" or "last" before it, the year, "eve" or "weekend" after it."""
    j = i + (s.word(i) in v.THE)
    low = s.word(j)
    step = -1 if low in v.LAST else 1 if low in v.NEXT | v.COMING else 0
    chosen = step != 0 or low in v.THIS
    found = named_holiday(s, j + chosen)
    if found is None:
        return None
    key, after = found
    said = year_at(s, after + (s.word(after) in ("of", ",", "in")))
    if said:
        after = said[1]
    elif relative := said_year(s, after + (s.word(after) == "of"), here):
        said, after = relative, relative[1]
    elif away := years_away(s, after, here):
        said, after = away, away[1]
    day = _day(key, said[0]) if said else _near(key, here, step)
    if day is None:
        return None
    if s.word(after) in v.WEEKENDS:
        return Point(period=_weekend(day)), after + 1
    if key in LENGTHS:
        eve, days = LENGTHS[key]
        stretch = (day - timedelta(days=eve), day + timedelta(days=days))
        return Point(period=Period(*stretch, "feast", day)), after
    return Point(day=day), after


def named_holiday(s: Source, i: int) -> tuple[str, int] | None:
    """The longest name that begins there, its "day" and its apostrophes left aside."""
    if _name(s, i) not in FIRST_WORDS and not s.word(i).isdigit():
        return None
    words: list[str] = []
    best: tuple[str, int] | None = None
    for j in range(i, min(i + _LONGEST, len(s))):
        if s.word(j) in (".", "-"):
            continue
        if words and s.glued(j) and s.word(j) in v.ORDINAL_ENDS:
            words[-1] += s.word(j)
        else:
            words.append(_name(s, j))
        name = " ".join(words)
        if name in HOLIDAYS:
            best = name, j + 1
    return best


def _name(s: Source, i: int) -> str:
    """The word as it stands there where a feast has it so ("mardi gras"), else as it is read."""
    if not 0 <= i < len(s):
        return ""
    raw = s.tokens[i].raw.lower().replace("'", "")
    return raw if raw in NAME_WORDS else s.word(i).replace("'", "")


def _near(key: str, here: Here, step: int) -> date | None:
    """The next such day, today included; with "last" the latest that is over."""
    backwards = step < 0 or not here.future
    for away in (1, 0, -1, -2) if backwards else (-1, 0, 1, 2):
        day = _day(key, here.today.year + away)
        if day and (day < here.today if backwards else day > here.today or (day == here.today and step == 0)):
            return day
    return None


def _day(key: str, year: int) -> date | None:
    """The day in that year, or None where it isn't known or there is none."""
    kind, rule = HOLIDAYS[key]
    if not 1583 <= year <= 4099:
        return None
    return _COMPUTED[kind](rule, year)


def _fixed(rule: tuple[int, ...], year: int) -> date | None:
    month, day = rule
    return date(year, month, day) if day <= month_length(year, month) else None


def _nth(rule: tuple[int, ...], year: int) -> date:
    """(month, weekday, nth, days on)."""
    month, number, nth, more = rule
    first = date(year, month, 1)
    last = date(year, month, month_length(year, month)) + timedelta(days=1)
    return nth_weekday(Period(first, last, "month"), number, nth) + timedelta(days=more)


def _after_easter(rule: tuple[int, ...], year: int) -> date:
    return easter(year) + timedelta(days=rule[0])


def _after_orthodox_easter(rule: tuple[int, ...], year: int) -> date:
    return orthodox_easter(year) + timedelta(days=rule[0])


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian algorithm)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    x = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * x) // 451
    month, day = divmod(h + x - 7 * m + 114, 31)
    return date(year, month, day + 1)


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the Julian calendar, as a Gregorian day (Meeus)."""
    d = (19 * (year % 19) + 15) % 30
    e = (2 * (year % 4) + 4 * (year % 7) - d + 34) % 7
    month, day = divmod(d + e + 114, 31)
    return date(year, month, day + 1) + timedelta(days=year // 100 - year // 400 - 2)


def _hebrew(rule: tuple[int, ...], year: int) -> date:
    start = _tishri(year + 3761)
    longer = rule[0] > 58 and (_tishri(year + 3762) - start).days % 10 == 5  # a second month of 30 days
    return start + timedelta(days=rule[0] + longer)


def _tishri(year: int) -> date:
    """1 Tishri of a Hebrew year: the molad's day, and the postponements that keep the years' lengths right."""
    last, present, following = (_elapsed(one) for one in (year - 1, year, year + 1))
    more = 2 if following - present == 356 else 1 if present - last == 382 else 0
    return date.fromordinal(present + more - 1373427)


def _elapsed(year: int) -> int:
    """Days from the epoch to the year's molad, moved off Sunday, Wednesday and Friday."""
    months = (235 * year - 234) // 19
    day = 29 * months + (12084 + 13753 * months) // 25920
    return day + 1 if (3 * (day + 1)) % 7 < 3 else day


def _islamic(rule: tuple[int, ...], year: int) -> date | None:
    """(month, day) of the civil tabular calendar, the first that lies in this year."""
    month, day = rule
    guess = (year - 622) * 33 // 32
    for candidate in (guess - 1, guess, guess + 1, guess + 2):
        ordinal = day + (59 * (month - 1) + 1) // 2 + (candidate - 1) * 354 + (3 + 11 * candidate) // 30 + 227014
        found = date.fromordinal(ordinal)
        if found.year == year:
            return found
    return None


def _known(rule: tuple[int, ...], year: int) -> date:
    """Known days, from the first year of the table on: month * 100 + day each. Other years are computed."""
    at = year - rule[0]
    if not 0 <= at < len(rule) - 1:
        new_year = rule[1] < 300 and rule[2] < 300
        return chinese(1, 1, year) if new_year else indian(11, 15, 19, year) + timedelta(days=1)
    month, day = divmod(rule[at + 1], 100)
    return date(year, month, day)


def _indian(rule: tuple[int, ...], year: int) -> date:
    """(sign, day of the moon, hour, days on)."""
    sign, tithi, hour, more = rule
    return indian(sign, tithi, hour, year) + timedelta(days=more)


def _chinese(rule: tuple[int, ...], year: int) -> date:
    return chinese(rule[0], rule[1], year)


def _around_diwali(rule: tuple[int, ...], year: int) -> date:
    return _indian(HOLIDAYS["diwali"][1], year) + timedelta(days=rule[0])


def _not_sunday(rule: tuple[int, ...], year: int) -> date:
    day = date(year, rule[0], rule[1])
    return day - timedelta(days=day.weekday() == 6)


def _ramadan_friday(rule: tuple[int, ...], year: int) -> date | None:
    """The last Friday of Ramadan."""
    over = _islamic((10, 1), year)
    return over - timedelta(days=(over.weekday() - 5) % 7 + 1) if over else None


def _parsi(rule: tuple[int, ...], year: int) -> date:
    """A calendar whose years have 365 days each."""
    return date(2018, 8, 17) + timedelta(days=365 * (year - 2018))


def _weekend(day: date) -> Period:
    """The weekend beside a holiday, the holiday included where it is a Friday or a Monday."""
    back = (day.weekday() + 2) % 7 if day.weekday() in (5, 6, 0) else day.weekday() - 5
    saturday = day - timedelta(days=back)
    start, end = min(saturday, day), max(saturday + timedelta(days=2), day + timedelta(days=1))
    if (end - start).days > 4:
        start, end = saturday, saturday + timedelta(days=2)
    return Period(start, end, "weekend")


_COMPUTED = {
    "fixed": _fixed, "nth": _nth, "easter": _after_easter, "orthodox": _after_orthodox_easter, "hebrew": _hebrew,
    "islamic": _islamic, "known": _known, "indian": _indian, "chinese": _chinese, "diwali": _around_diwali,
    "not sunday": _not_sunday, "ramadan friday": _ramadan_friday, "parsi": _parsi,
}  # fmt: skip
