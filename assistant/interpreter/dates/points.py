"""Puts the pieces that stand side by side together: one day or time, with the words between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assistant.interpreter.dates import clocks, dayparts, days, holidays, numeric, stretches
from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.distances import relative
from assistant.interpreter.dates.numbers import is_digits
from assistant.interpreter.dates.parts import Clock, Found, Here, Part, Point, given, join
from assistant.interpreter.dates.tokens import Source, remembered

_LONGEST = 24  # tokens of one point
_DAYS = frozenset({"day", "weekday", "dom", "month", "period"})
_BOUNDS = frozenset({"before", "after", "by", "until", "till", "from"})
_INNER_BOUNDS = frozenset({"later", "earlier", "than", "latest", "earliest", "no"})
_CLOSERS = frozenset({"", ",", ".", "!", "?", ";", ")", "-", "to", "and", "for", "please"})


@remembered
def read(s: Source, i: int, here: Here, depth: int = 0) -> Found | None:
    """The longest single piece that starts at this token, an earlier reader's at a tie."""
    best: Found | None = None
    for reader in _READERS:
        try:
            found = relative(s, i, here, depth, point) if reader is relative else reader(s, i, here)
        except (ValueError, OverflowError):  # 31 April, year 10000: no such day, so no date
            continue
        if found and (best is None or found[1] > best[1]):
            best = found
    return best


@remembered
def point(s: Source, i: int, here: Here, depth: int = 0) -> tuple[Point, int, str] | None:
    """The longest expression of one day or time, the index after it, and the bound said inside it ("before 5pm")."""
    edge = v.NEARLY.get(s.word(i), "") if not dayparts.part_words(s, i) else ""
    found = read(s, i, here, depth) or dayparts.bare_part(s, i)
    inner = point(s, i + 1, here, depth) if edge else None
    if inner and inner[0].part and not inner[0].part.edge and (found is None or inner[1] > found[1]):
        return replace(inner[0], part=replace(inner[0].part, edge=edge)), inner[1], inner[2]  # "early tomorrow morning"
    if found is None:
        return None
    so_far, after = found
    bound = ""
    while after < len(s) and after - i < _LONGEST:
        step = _more(s, after, so_far, here, depth)
        if step is None:
            break
        so_far, after, said = step
        bound = said or bound
    return (so_far, after, bound) if given(so_far) - {"zone"} else None


def _more(s: Source, after: int, so_far: Point, here: Here, depth: int) -> tuple[Point, int, str] | None:
    """The next piece that goes with those so far, at most two small words away."""
    said = ""
    for j in range(after, min(after + 4, len(s))):
        word = s.word(j - 1)
        if j > after and word not in v.JOINTS:
            if word == v.FROM and so_far.weekday is not None and s.word(j) in v.THIS | v.NEXT | v.LAST:
                pass  # "sunday from last week"
            elif word in _INNER_BOUNDS:
                said = _inner_bound(s, j - 1) or said
                if not said and word not in ("no", "than"):
                    return None
            elif word in _BOUNDS and given(so_far) & _DAYS and not so_far.clock:
                said = v.BOUNDS[word] if s.word(j - 2) != "not" else "by"
            elif word != "not":
                return None
        more = _next(s, j, so_far, here, depth, said != "")
        meal = more is not None and said in ("before", "after") and more[0].part is not None
        if more is None or ((said or word == "-") and j > after and more[0].clock is None and not meal):
            continue
        if (joined := join(so_far, more[0])) and not _other_noun(s, more[1], more[0]):
            return joined, more[1], said
    return None


def _inner_bound(s: Source, i: int) -> str:
    """The side that "7 dec no later than 5pm", "later than 5pm" and "latest 5pm" mean."""
    no = s.word(i - 1) in ("no", "not")
    match s.word(i), s.word(i + 1):
        case "later", "than":
            return "by" if no else "after"
        case "earlier", "than":
            return "since" if no else "before"
        case ("latest" | "earliest") as word, _:
            return "by" if word == "latest" else "since"
    return ""


def _next(s: Source, i: int, so_far: Point, here: Here, depth: int, expected: bool) -> Found | None:
    """The piece there that reads furthest, what only the pieces so far make one included."""
    found = (
        read(s, i, here, depth),
        dayparts.bare_part(s, i),
        _half_day(s, i, so_far),
        _rest_of_date(s, i, so_far),
        _bare_hour(s, i, so_far, expected),
        clock_range(s, i, here, after_day=True) if given(so_far) & _DAYS and so_far.clock is None else None,
    )
    fits = [one for one in found if one]
    joinable = [one for one in fits if join(so_far, one[0])]  # "7 december, 9.30" has no second day
    return max((not expected and joinable) or fits, key=lambda one: one[1], default=None)


def _half_day(s: Source, i: int, so_far: Point) -> Found | None:
    """ "friday am", "tomorrow pm"."""
    if s.word(i) not in ("am", "pm") or s.word(i + 1) not in _CLOSERS or not given(so_far) & _DAYS or so_far.clock:
        return None
    return Point(part=Part("morning" if s.word(i) == "am" else "afternoon")), i + 1


def _rest_of_date(s: Source, i: int, so_far: Point) -> Found | None:
    """The number of "Friday 31", the year behind the time of "Aug 05 12:00 2015", a zone behind a time in figures."""
    if so_far.weekday is not None and so_far.dom is None and is_digits(s.word(i), 2) and 12 < int(s.word(i)) <= 31:
        closed = s.word(i + 1) in _CLOSERS or s.word(i + 1) in v.AT or clocks.one_clock(s, i + 1, False)
        return (Point(dom=int(s.word(i))), i + 1) if closed else None
    if so_far.clock is not None and so_far.zone is None and (zone := clocks.zone_at(s, i)):
        return Point(zone=zone[0]), zone[1]
    if so_far.dom is not None and so_far.month is not None and so_far.year is None and so_far.clock is not None:
        year = days.year_at(s, i)
        return (Point(year=year[0]), year[1]) if year else None
    return None


def _bare_hour(s: Source, i: int, so_far: Point, expected: bool) -> Found | None:
    """ "tomorrow 3", "friday around 5", "sunday 1925": an hour that only the day beside it shows to be one."""
    if not given(so_far) & _DAYS or so_far.clock is not None or s.word(i - 1) == "-":
        return None
    if s.word(i) == "24":
        return None
    led = expected or s.word(i - 1) in v.AT or s.word(i - 1) in v.ABOUT or s.word(i - 1) == "by"
    found = clocks.one_clock(s, i, True)
    if found is None:
        return None
    after = found[1]
    closed = s.word(after) in _CLOSERS or dayparts.part_words(s, after) is not None
    if not (led or closed) or (s.word(i) in ("1", "one") and not led):
        return None
    if len(s.word(i)) == 4 and days.year_at(s, i) and so_far.period is not None and not led:
        return None
    return clocks.with_zone(s, Point(clock=found[0]), after)


def _other_noun(s: Source, after: int, added: Point) -> bool:
    """ "at 5 Main Street": a bare hour followed by a capitalised word is no time."""
    bare = added.clock is not None and not added.clock.settled and s.word(after - 1).isdigit()
    if s.word(after) in v.JOINTS or s.word(after) in v.BEGINNINGS:
        return False  # "MONDAY 6 IN THE MORNING"
    return bare and after < len(s) and s.tokens[after].raw[:1].isupper() and s.word(after) not in v.WEEKDAYS


def hour_before_part(s: Source, i: int, here: Here) -> Found | None:
    """ "8 tonight", "9 tomorrow morning", "one fifteen in the afternoon"."""
    hour = clocks.one_clock(s, i, True)
    if hour is None or hour[0].settled:
        return None
    j = hour[1]
    near = s.word(j) in v.TONIGHT or (s.word(j) in v.RELATIVE_DAYS and s.word(j + 1) in v.PARTS)
    near = near or s.words(j, "at", "night")
    first = i == 0 or s.word(i - 1) in v.AT | v.ABOUT
    near = near or (first and s.word(j) in v.RELATIVE_DAYS and s.word(j + 1) in _CLOSERS)  # "9 tomorrow"
    near = near or (s.word(j) in v.LAST | v.THIS and s.word(j + 1) in v.PARTS)
    near = near or (s.word(i - 1) in v.BOUNDS and (s.word(j) in v.RELATIVE_DAYS or s.word(j) in v.WEEKDAYS))
    if near or (s.words(j, "in", "the") and s.word(j + 2) in v.PARTS):
        return Point(clock=hour[0]), j
    return None


def clock_range(s: Source, i: int, here: Here, after_day: bool = False) -> Found | None:
    """Two times with "to" or a dash between them: "9:30 to 11:00", "between 7 and 9", "3-4pm"; "11-4" after a day."""
    low = s.word(i)
    led = low in (v.FROM, v.BETWEEN) or (low in ("later", "after") and s.word(i + 1) in ("than", "at"))
    j = i + led + (low == "later")
    first = clocks.one_clock(s, j, True)
    if first is None:
        return None
    start, after = first
    zone = clocks.zone_at(s, after)
    k = zone[1] if zone else after
    links = (s.word(k) in v.TO and s.word(k) != "/") or (low == v.BETWEEN and s.word(k) == "and")
    if low == "later" and s.words(k, "but", "before"):
        links, k = True, k + 1
    second = clocks.one_clock(s, k + 1, True) if links else None
    if second is None:
        return None
    end, after = second
    closed = s.word(after) in v.RELATIVE_DAYS and s.word(j).isdigit() and not s.word(i - 1).isalpha()
    said = after_day or closed or dayparts.part_words(s, after) is not None  # "9-11 tomorrow"
    if not (said or _certain(s, j, start, led) or _certain(s, k + 1, end, led)) or _goes_on(s, after):
        return None
    zone = clocks.zone_at(s, after) or zone
    after = max(after, zone[1]) if zone else after
    return Point(clock=start, until=end, zone=zone[0] if zone else None), after


def _certain(s: Source, i: int, clock: Clock, led: bool) -> bool:
    """Whether the words of a clock say by themselves that they are one; behind "from" an hour is enough."""
    plain = clocks.one_clock(s, i, False) is not None
    return plain or (led and clock.hour <= 24 and s.word(i) not in v.ARTICLES)


def _goes_on(s: Source, after: int) -> bool:
    """Whether the second number was the beginning of a date, an ordinal or a length."""
    low = s.word(after)
    if low in v.MONTHS and (not s.word(after - 1).isdigit() or is_digits(s.word(after + 1), 2)):
        return False  # "9-11am dec 24", "9:30-11 dec 24"
    if low in v.MONTHS or low in v.UNITS or low in v.ORDINAL_ENDS:
        return True
    return low in (".", "/", "-") and s.glued(after) and s.glued(after + 1) and s.word(after + 1).isdigit()


_READERS: tuple[Callable[..., Found | None], ...] = (
    numeric.numeric_day,
    days.month_day,
    holidays.holiday,
    days.relative_day,
    dayparts.part_of_day,
    stretches.period,
    days.weekday,
    days.day_of_month,
    relative,
    clock_range,
    hour_before_part,
    clocks.clock,
)
