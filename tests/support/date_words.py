"""Reads date words as somebody in Berlin, and tells what they mean in figures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.interpreter.dates import DateTimeValue, DateValue, DurationValue, IntervalValue, RecurrenceValue

ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)  # a Wednesday, 10:30 in Berlin


def whole(text: str, now: datetime = NOW, zone: str = ZONE, locale: str = "en") -> dates.Span:
    span = dates.whole(text, now=now, time_zone=zone, locale=locale)
    assert span is not None, text
    return span


def shown(moment: date | datetime, zone: str = ZONE) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return moment.isoformat()


def said(value: dates.Value | None, zone: str = ZONE) -> str:
    """A value in figures, wall time in the zone."""
    match value:
        case DateValue(day):
            return day.isoformat()
        case DateTimeValue(at, _):
            return shown(at, zone)
        case IntervalValue(start, end, _):
            return f"{shown(start, zone)} to {shown(end, zone)}"
        case DurationValue(months, seconds):
            return f"{months} months, {seconds} s"
        case RecurrenceValue(rrule, first):
            return f"{rrule} from {said(first, zone)}"
        case None:
            return "none"
