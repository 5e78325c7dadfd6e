"""What a recurrence is made of, its RRULE (RFC 5545 section 3.3.10), and its first occurrence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.clocks import settle
from assistant.interpreter.dates.parts import Clock, Here, Part, month_length

_DAYS_AHEAD = 366 * 9  # 29 February comes round within eight years
_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")


@dataclass(frozen=True, slots=True)
class Repeat:
    """`days` are pairs of an ordinal (0: each) and a weekday number (BYDAY); negative numbers count from the end."""

    freq: str
    interval: int = 1
    days: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()  # which of the days of a month (BYSETPOS)
    clocks: tuple[Clock, ...] = ()
    part: Part | None = None
    count: int = 0
    start: date | None = None
    until: date | None = None


def weekdays(numbers: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((0, number) for number in numbers)


def _day_code(nth: int, number: int) -> str:
    return f"{nth or ''}{v.WEEKDAY_CODES[number]}"


def times(repeat: Repeat) -> tuple[Clock, ...]:
    """The times of the day, in order; none where the days as a whole are meant."""
    if repeat.clocks:
        settled = {settle(clock, repeat.part) for clock in repeat.clocks}
        return tuple(sorted(settled, key=lambda clock: (clock.next_day, clock.hour, clock.minute)))
    return (Clock(v.PARTS[repeat.part.name][0]),) if repeat.part else ()


def rule(repeat: Repeat) -> str:
    """The RRULE without DTSTART. BYHOUR only where there are several times of the day."""
    parts = [f"FREQ={repeat.freq}"]
    if repeat.interval != 1:
        parts.append(f"INTERVAL={repeat.interval}")
    if repeat.months:
        parts.append("BYMONTH=" + ",".join(map(str, repeat.months)))
    if repeat.month_days:
        parts.append("BYMONTHDAY=" + ",".join(map(str, repeat.month_days)))
    if repeat.days:
        parts.append("BYDAY=" + ",".join(_day_code(nth, number) for nth, number in repeat.days))
    if repeat.positions:
        parts.append("BYSETPOS=" + ",".join(map(str, repeat.positions)))
    clocks = times(repeat)
    if len(clocks) > 1:
        parts.append("BYHOUR=" + ",".join(dict.fromkeys(str(clock.hour) for clock in clocks)))
        parts.append("BYMINUTE=" + ",".join(dict.fromkeys(str(clock.minute) for clock in clocks)))
    if repeat.count:
        parts.append(f"COUNT={repeat.count}")
    if repeat.until:
        parts.append(f"UNTIL={repeat.until:%Y%m%d}" + ("T235959" if clocks else ""))
    return ";".join(parts)


def first(repeat: Repeat, here: Here) -> date | datetime:
    """The first occurrence from now on, or from its start. Raises ValueError where there is none."""
    day = repeat.start or here.today
    if repeat.freq in _OFTEN:
        return here.wall.replace(second=0)
    clocks = times(repeat)
    if not clocks:
        return _matching(repeat, day)
    found = _matching(repeat, day)
    for clock in clocks:
        at = _on(found, clock)
        if at >= here.wall or repeat.start is not None:
            return at
    return _on(_matching(repeat, found + timedelta(days=1)), clocks[0])


def _on(day: date, clock: Clock) -> datetime:
    return datetime.combine(day, time(clock.hour, clock.minute)) + timedelta(days=clock.next_day)


def _matching(repeat: Repeat, day: date) -> date:
    """The first day from this one on that has what the rule asks for; the interval starts there."""
    for _ in range(_DAYS_AHEAD):
        if repeat.months and day.month not in repeat.months:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            continue
        if _fits(repeat, day):
            return day
        day += timedelta(days=1)
    raise ValueError("the rule has no day")


def _fits(repeat: Repeat, day: date) -> bool:
    length = month_length(day.year, day.month)
    if repeat.month_days and not {day.day, day.day - length - 1} & set(repeat.month_days):
        return False
    if not repeat.days:
        return True
    if repeat.positions:
        return _placed(repeat, day, length)
    week, weeks_left = (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)
    return any(number == day.weekday() and nth in (0, week, weeks_left) for nth, number in repeat.days)


def _placed(repeat: Repeat, day: date, length: int) -> bool:
    wanted = {number for _, number in repeat.days}
    days = [n for n in range(1, length + 1) if day.replace(day=n).weekday() in wanted]
    return any(
        days[place - 1 if place > 0 else place] == day.day for place in repeat.positions if abs(place) <= len(days)
    )


def with_times(repeat: Repeat, clocks: tuple[Clock, ...], part: Part | None) -> Repeat | None:
    """The rule at these times, or None where it has some already."""
    if (clocks and repeat.clocks) or (part and repeat.part):
        return None
    return replace(repeat, clocks=repeat.clocks or clocks, part=repeat.part or part)
