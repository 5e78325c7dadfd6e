"""What a date expression can mean, and where in a text it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class DateValue:
    """A calendar day in the user's zone."""

    date: date


@dataclass(frozen=True, slots=True)
class DateTimeValue:
    """An instant: `at` is aware, in UTC; `time_zone` is the IANA zone whose wall time was meant."""

    at: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class IntervalValue:
    """From `start` to `end`, end exclusive: two dates, or two aware UTC datetimes.

    `grain` is day, week, weekend, month, quarter, season, year, decade, part (of a day) or time.
    """

    start: date | datetime
    end: date | datetime
    grain: str

    @property
    def last_day(self) -> date | None:
        """The last day inside an interval of whole days; None for one between two times."""
        return None if isinstance(self.end, datetime) else self.end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DurationValue:
    """A length of time: calendar months (years are 12) and seconds apart, because a month has no fixed length."""

    months: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class RecurrenceValue:
    """An RFC 5545 RRULE without DTSTART, and its first occurrence.

    The time of day is that of `first`; the rule has BYHOUR and BYMINUTE only where the words name several times. UNTIL
    is a day where `first` is one, otherwise floating wall time in the zone of `first`.
    """

    rrule: str
    first: DateValue | DateTimeValue


Value = DateValue | DateTimeValue | IntervalValue | DurationValue | RecurrenceValue


@dataclass(frozen=True, slots=True)
class Span:
    """`text` is the source from code point `start` to `end`, leading words such as "on" or "by" included.

    `value` is what a task would be due by. `extent` is the stretch that the words cover where `value` is one point of
    it: "tomorrow morning" is due at nine and covers eight to twelve. `bound` says which side of it was meant: "by"
    (and "until"), "before", "after", "since" (and "from"), or "" for the time itself.
    """

    start: int
    end: int
    text: str
    value: Value
    extent: IntervalValue | None = None
    bound: str = ""
