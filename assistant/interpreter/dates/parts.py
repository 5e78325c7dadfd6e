"""The pieces an expression is put together from, before they become a value."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Here:
    """When and where the speaker is. `wall` is naive local time, cut to the second."""

    wall: datetime
    zone: ZoneInfo
    day_first: bool
    future: bool = True

    @property
    def today(self) -> date:
        return self.wall.date()

    @property
    def monday(self) -> date:
        """The first day of the present week."""
        return self.today - timedelta(days=self.today.weekday())


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `settled` is False where it may be am or pm; `next_day` is midnight at the end of a day."""

    hour: int
    minute: int = 0
    second: int = 0
    settled: bool = True
    next_day: bool = False


@dataclass(frozen=True, slots=True)
class Weekday:
    """A weekday and the word before it: "", this, next or last; `weeks` later than that."""

    number: int
    which: str = ""
    weeks: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day by its name; `edge` is start, middle, end or ""."""

    name: str
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `start` to `end`, end exclusive. `due` is the day that stands for them, where one does."""

    start: date
    end: date
    grain: str
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A length of time; `fine` says that it was told in hours or less; `working` counts Mondays to Fridays."""

    months: int = 0
    days: int = 0
    seconds: int = 0
    fine: bool = False
    working: bool = False
    unit: str = ""

    def plus(self, other: Amount) -> Amount:
        fine = self.fine or other.fine
        total = (self.months + other.months, self.days + other.days, self.seconds + other.seconds)
        return Amount(*total, fine, self.working, other.unit)

    def times(self, factor: int) -> Amount:
        return replace(self, months=self.months * factor, days=self.days * factor, seconds=self.seconds * factor)


@dataclass(frozen=True, slots=True)
class Point:
    """What has been read of one day or time; each field at most once."""

    day: date | None = None
    weekday: Weekday | None = None
    dom: int | None = None  # a day of a month that isn't named with it
    month: int | None = None
    year: int | None = None
    period: Period | None = None
    clock: Clock | None = None
    until: Clock | None = None
    part: Part | None = None
    stretch: tuple[datetime, datetime] | None = None  # naive wall times of "the next two hours"
    moment: datetime | None = None  # naive wall time of "in two hours"
    instant: datetime | None = None  # aware, from text with an offset
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class When:
    """Settled wall time. From `start` to `end` (exclusive; None for one day or time); `at` stands for the whole.

    Without `at` the whole is meant. `grain` is that of an IntervalValue. `zone` is another than the speaker's.
    """

    start: date | datetime
    end: date | datetime | None = None
    at: date | datetime | None = None
    grain: str = "day"
    zone: tzinfo | None = None


Found = tuple[Point, int]  # what was read, and the index of the next token


# Kinds of pieces that may stand in one expression
_TOGETHER = (
    frozenset({"day", "weekday", "dom", "month", "year", "clock", "until", "part", "zone"}),
    frozenset({"weekday", "dom", "period", "clock", "until", "part", "zone"}),
    frozenset({"moment", "zone"}),
    frozenset({"stretch"}),
    frozenset({"instant"}),
)
_NAMES = tuple(f.name for f in fields(Point))


def given(point: Point) -> frozenset[str]:
    """The names of the fields that are set."""
    return frozenset(name for name in _NAMES if getattr(point, name) is not None)


def join(left: Point, right: Point) -> Point | None:
    """Both read as one expression, or None where they don't go together."""
    here, there = given(left), given(right)
    if here & there or not any(here | there <= allowed for allowed in _TOGETHER):
        return None
    return replace(left, **{name: getattr(right, name) for name in there})


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or the month's last day. Raises ValueError outside years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, month_length(year, month + 1)))


def month_length(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    return (following - timedelta(days=1)).day if following else 31


def add_working_days(day: date, count: int) -> date:
    """So many Mondays to Fridays on, or back where it is negative."""
    weeks, rest = divmod(abs(count), 5)
    step = timedelta(days=1 if count >= 0 else -1)
    day += step * 7 * weeks
    while rest or (count and day.weekday() > 4):
        day += step
        rest -= day.weekday() < 5 and rest > 0
    return day
