"""What comes after a due date: the days of its rule, each at the same wall time in the same zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import DomainError, ErrorCode
from services.recurrence.days import YEARS, days_from
from services.recurrence.rules import FIELD, Rule, parse

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A day, and the instant on it (aware, UTC) unless it is all day."""

    date: date
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A rule and its present occurrence: `day`, all day where `zone` is None, else `wall_time` in that zone."""

    rule: Rule
    day: date
    wall_time: time | None = None
    zone: str | None = None

    @classmethod
    def of(
        cls,
        recurrence: str,
        due_date: date | None,
        due_at: datetime | None,
        time_zone: str | None,
        meant: time | None = None,
    ) -> Series:
        """`due_at` is aware; `meant` is its time of day where the clock skips that on the present day.

        One of the two due dates is given, and a zone with `due_at`.
        """
        rule = parse(recurrence)
        if due_at is None:
            assert due_date is not None, "what repeats is due"
            return cls(rule, due_date)
        assert time_zone is not None, "a due time has a zone"
        wall = due_at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
        if meant is None:
            return cls(rule, wall.date(), wall.time(), time_zone)
        # A gap moves a time forward; where that led into the next day, the occurrence is still the day before's.
        return cls(rule, wall.date() - _DAY * (meant > wall.time()), meant, time_zone)

    def at(self, day: date) -> Occurrence:
        """That day's occurrence. A time in a gap moves forward by it; of two the first is taken (PEP 495, fold=0)."""
        if self.wall_time is None or self.zone is None:
            return Occurrence(day)
        wall = datetime.combine(day, self.wall_time.replace(fold=0), ZoneInfo(self.zone))
        return Occurrence(day, wall.astimezone(UTC))


def following(series: Series, done_on: date | None = None) -> Iterator[Occurrence]:
    """The occurrences after the present one, in order, as COUNT and UNTIL allow.

    `done_on` is the day from which the rule counts on, in the series' zone; otherwise it is the present occurrence's.
    """
    start = series.day if done_on is None else done_on
    left = None if series.rule.count is None else series.rule.count - 1
    return islice(_after(series, start), left)


def _after(series: Series, start: date) -> Iterator[Occurrence]:
    last = series.at(series.day)
    for day in days_from(series.rule, start):
        if day <= start or day <= series.day:
            continue
        found = series.at(day)
        if not _within(series, found):
            return
        if found.at is not None and last.at is not None and found.at <= last.at:
            continue  # a whole day that the zone skipped: its time is the next day's
        last = found
        yield found


def _within(series: Series, found: Occurrence) -> bool:
    """Whether it isn't past UNTIL: a day, a wall time of the zone, or an instant (where it is all day: its day)."""
    until = series.rule.until
    if until is None:
        return True
    if not isinstance(until, datetime):
        return found.date <= until
    if found.at is None:
        return found.date <= until.date()
    if until.tzinfo is None:
        assert series.wall_time is not None, "it has a time, so it has a wall time"
        return datetime.combine(found.date, series.wall_time) <= until
    return found.at <= until


def first_day(rule: Rule, today: date) -> date:
    """The rule's first day from today on: INTERVAL counts from it. Raises DomainError INVALID where there is none."""
    found = next(days_from(replace(rule, interval=1), today), None)
    if found is None:
        raise _names_nothing(today)
    return found


def check_goes_on(series: Series) -> None:
    """Raises DomainError INVALID where the rule names no day after the present one, or is over before it."""
    if not _within(series, series.at(series.day)):
        raise DomainError(ErrorCode.INVALID, "recurrence: UNTIL is before the due date.", field=FIELD)
    if not any(day > series.day for day in days_from(series.rule, series.day)):
        raise _names_nothing(series.day)


def skipped_time(wall: datetime) -> time | None:
    """The time of day of a wall time (aware), where its zone's clock skips it on that day: `Series.of`'s `meant`."""
    shown = wall.astimezone(UTC).astimezone(wall.tzinfo).time()
    return wall.time() if shown != wall.time() else None


def shifted_time(series: Series, occurrence: Occurrence) -> time | None:
    """The series' time of day where the clock skips it on that day, else None: what `Series.of` takes as `meant`."""
    if occurrence.at is None or series.zone is None:
        return None
    shown = occurrence.at.astimezone(ZoneInfo(series.zone)).time()
    return series.wall_time if shown != series.wall_time else None


def _names_nothing(day: date) -> DomainError:
    message = f"recurrence: the rule names no day in the {YEARS} years after {day.isoformat()}."
    return DomainError(ErrorCode.INVALID, message, field=FIELD)
