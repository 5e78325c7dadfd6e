"""What the pieces of one day or time mean together, by the policy of the package."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.clocks import settle as settle_clock
from assistant.interpreter.dates.days import day_of
from assistant.interpreter.dates.parts import Clock, Here, Part, Point, When, add_months, month_length
from assistant.interpreter.dates.periods import dated

_MONTHS_AHEAD = 60  # how far a day of the month beside a weekday is looked for


def settle(p: Point, here: Here) -> When | None:
    """The day, time or period. Raises ValueError or OverflowError outside the days that there are."""
    if p.instant is not None:
        return _moment(p.instant.astimezone(here.zone).replace(tzinfo=None))
    if p.moment is not None:
        return _moment(p.moment, p.zone)
    if p.stretch is not None:
        return When(p.stretch[0], p.stretch[1], None, "time")
    day = day_in(p, here)
    if p.clock is not None:
        return _timed(p, p.clock, day, here)
    if p.part is not None:
        return _in_part(p.part, day or (p.period.start if p.period else None), here)
    if day is not None:
        return When(day, None, day)
    if p.period is not None:
        return When(p.period.start, p.period.end, p.period.due, p.period.grain)
    return None


def _moment(wall: datetime, zone: tzinfo | None = None) -> When:
    return When(wall, None, wall, "time", zone)


def day_in(p: Point, here: Here) -> date | None:
    """The one day that the pieces name, if they do."""
    if p.month is not None and p.dom is not None:
        if p.weekday is not None and p.year is None and (found := _falling_on(p.weekday.number, p.month, p.dom, here)):
            return found
        return dated(p.month, p.dom, p.year, here)
    if p.day is not None:
        return p.day
    if p.dom is not None:
        return _of_month(p.dom, p, here)
    if p.weekday is None:
        return None
    if p.period is not None:
        return p.period.start + timedelta(days=(p.weekday.number - p.period.start.weekday()) % 7)
    return day_of(p.weekday, here)


def _falling_on(number: int, month: int, dom: int, here: Here) -> date | None:
    """The day of that month that is such a weekday, this year or next."""
    for year in (here.today.year, here.today.year + 1):
        if dom <= month_length(year, month):
            found = date(year, month, dom)
            if found.weekday() == number and (found >= here.today or not here.future):
                return found
    return None


def _of_month(dom: int, p: Point, here: Here) -> date | None:
    """The next month's day with that number, and that weekday where one stands beside it."""
    if p.period is not None:
        found = p.period.start.replace(day=dom)
        if not p.period.start <= found < p.period.end:
            raise ValueError("no such day")
        return found
    first = here.today.replace(day=1)
    step = 1 if here.future else -1
    for months in range(0, _MONTHS_AHEAD * step, step):
        start = add_months(first, months)
        if dom > month_length(start.year, start.month):
            continue
        found = start.replace(day=dom)
        fits = p.weekday is None or found.weekday() == p.weekday.number
        if fits and (found == here.today or (found > here.today) == here.future):
            return found
    raise ValueError("no such day")


def _timed(p: Point, clock: Clock, day: date | None, here: Here) -> When:
    start_clock = settle_clock(like(clock, p.until), p.part)
    if day is None and p.period is not None:
        day = p.period.due or p.period.start
    if start_clock.next_day and p.month is not None and p.dom is not None:
        start_clock = replace(start_clock, next_day=False)  # "December 13 at midnight" is where the 13th begins
    at = on(day, start_clock) if day else _next_occurrence(start_clock, p.zone, here)
    if p.until is None:
        return _moment(at, p.zone)
    return When(at, _end_of(at, start_clock, p.until, p.part), None, "time", p.zone)


def _end_of(start: datetime, clock: Clock, until: Clock, part: Part | None) -> datetime:
    """The next time after the start that shows the second clock."""
    end_clock = settle_clock(until, part)
    if not until.settled and end_clock.hour < clock.hour and until.hour < 12:
        end_clock = replace(end_clock, hour=until.hour + 12)
    end = on(start.date(), end_clock)
    return end if end > start else end + timedelta(days=1)


def like(start: Clock, end: Clock | None) -> Clock:
    """ "2 to 4pm": an unsettled start is in the same half of the day as the end, where that keeps it before the end."""
    if start.settled or end is None or not end.settled:
        return start
    afternoon = start.hour % 12 + 12
    later = end.hour >= 12 and (afternoon, start.minute) <= (end.hour, end.minute)
    return replace(start, hour=afternoon if later else start.hour, settled=True)


def on(day: date, clock: Clock) -> datetime:
    """That time of the day as naive wall time."""
    return datetime.combine(day, time(clock.hour, clock.minute, clock.second)) + timedelta(days=clock.next_day)


def _next_occurrence(clock: Clock, zone: tzinfo | None, here: Here) -> datetime:
    there = zone or here.zone
    now = here.wall.replace(tzinfo=here.zone).astimezone(UTC)
    today = now.astimezone(there).date()
    at = on(today, clock)
    ahead = at.replace(tzinfo=there).astimezone(UTC) > now
    if here.future:
        return at if ahead else on(today + timedelta(days=1), clock)
    return on(today - timedelta(days=1), clock) if ahead else at


def _in_part(part: Part, day: date | None, here: Here) -> When:
    """The hours of a part of the day, and the one that stands for it; without a day the next that isn't over."""
    due, first, last = v.PARTS[part.name]
    if part.edge:
        first, last = v.PART_EDGES.get((part.name, part.edge)) or _edge(first, last, part.edge)
        due = v.DAY_DUES[part.edge] if part.name == "day" else first
    if day is None:
        over = here.wall >= on(here.today, Clock(due))
        day = here.today + timedelta(days=over) if here.future else here.today
    midnight = datetime.combine(day, time())
    hours = [midnight + timedelta(hours=hour) for hour in (first, last, due)]
    return When(hours[0], hours[1], hours[2], "part")


def _edge(first: int, last: int, edge: str) -> tuple[int, int]:
    half = (last - first) // 2
    quarter = half // 2
    return {"start": (first, first + half), "end": (last - half, last)}.get(edge, (first + quarter, last - quarter))
