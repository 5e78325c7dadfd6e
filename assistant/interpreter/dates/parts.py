"""The pieces an expression is put together from, before they become a value."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Here:
    """When and where the speaker is. `wall` is naive local time, cut to the minute."""

    wall: datetime
    zone: ZoneInfo
    day_first: bool
    future: bool = True

    @property
    def today(self) -> date:
        return self.wall.date()


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `settled` is False where it may be am or pm; `next_day` is midnight at the end of a day."""

    hour: int
    minute: int = 0
    settled: bool = True
    next_day: bool = False


@dataclass(frozen=True, slots=True)
class Weekday:
    """A weekday and the word before it: "", this, next or last."""

    number: int
    which: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `start` to `end`, end exclusive."""

    start: date
    end: date
    grain: str


@dataclass(frozen=True, slots=True)
class Amount:
    months: int = 0
    days: int = 0
    seconds: int = 0

    def plus(self, other: Amount) -> Amount:
        return Amount(self.months + other.months, self.days + other.days, self.seconds + other.seconds)

    def times(self, factor: int) -> Amount:
        return Amount(self.months * factor, self.days * factor, self.seconds * factor)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A recurrence's rule: `days` are weekday numbers (BYDAY), `month_day` is BYMONTHDAY or 0."""

    freq: str
    interval: int = 1
    days: tuple[int, ...] = ()
    month_day: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What has been read so far; each field at most once."""

    day: date | None = None
    weekday: Weekday | None = None
    clock: Clock | None = None
    until: Clock | None = None
    part: str | None = None
    moment: datetime | None = None  # naive wall time of "in two hours"
    instant: datetime | None = None  # aware, from text with an offset
    period: Period | None = None
    amount: Amount | None = None
    repeat: Repeat | None = None


Found = tuple[Parts, int]  # what was read, and the index of the next token

# Kinds of pieces that may stand in one expression; a weekday beside a date is only its name
_TOGETHER = (
    frozenset({"day", "weekday", "clock", "until", "part"}),
    frozenset({"weekday", "period", "clock", "until", "part"}),
    frozenset({"repeat", "clock", "part"}),
)


def given(parts: Parts) -> frozenset[str]:
    """The names of the fields that are set."""
    return frozenset(f.name for f in fields(parts) if getattr(parts, f.name) is not None)


def join(left: Parts, right: Parts) -> Parts | None:
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
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day
