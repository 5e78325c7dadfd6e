"""Dates and times in words: what they mean, where they stand in a text, and what is no date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from assistant.interpreter import dates
from assistant.interpreter.dates import DateTimeValue, DateValue, DurationValue, IntervalValue, RecurrenceValue

ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)  # a Wednesday, 10:30 in Berlin


def resolve(text: str, now: datetime = NOW, zone: str = ZONE, locale: str = "en") -> dates.Value | None:
    return dates.resolve(text, now=now, time_zone=zone, locale=locale)


def wall(value: dates.Value | None, zone: str = ZONE) -> str:
    assert isinstance(value, DateTimeValue), value
    assert value.at.tzinfo is UTC
    return value.at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-25"),
        ("tomorrow", "2026-11-26"),
        ("tmrw", "2026-11-26"),
        ("by tmr", "2026-11-26"),
        ("the day after tomorrow", "2026-11-27"),
        ("yesterday", "2026-11-24"),
        ("friday", "2026-11-27"),
        ("on Fri", "2026-11-27"),
        ("wednesday", "2026-12-02"),
        ("this wednesday", "2026-11-25"),
        ("this friday", "2026-11-27"),
        ("this monday", "2026-11-30"),
        ("next Monday", "2026-11-30"),
        ("next friday", "2026-12-04"),
        ("last friday", "2026-11-20"),
        ("friday next week", "2026-12-04"),
        ("next week on tuesday", "2026-12-01"),
        ("friday week", "2026-12-04"),
        ("in 3 days", "2026-11-28"),
        ("in two weeks", "2026-12-09"),
        ("3 days from now", "2026-11-28"),
        ("a week from tomorrow", "2026-12-03"),
        ("two days ago", "2026-11-23"),
        ("in a month", "2026-12-25"),
        ("end of the month", "2026-11-30"),
        ("by the end of this week", "2026-11-29"),
        ("Dec 24", "2026-12-24"),
        ("24th of December", "2026-12-24"),
        ("december 24 2027", "2027-12-24"),
        ("December 24, 2027", "2027-12-24"),
        ("Friday, Dec 25", "2026-12-25"),
        ("jan 5", "2027-01-05"),
        ("by april 15", "2027-04-15"),
        ("second of May", "2027-05-02"),
        ("12/24", "2026-12-24"),
        ("24/12", "2026-12-24"),
        ("12/24/2027", "2027-12-24"),
        ("2026-12-24", "2026-12-24"),
        ("24.12.", "2026-12-24"),
        ("24.12.2027", "2027-12-24"),
        ("the 1st", "2026-12-01"),
        ("the 25th", "2026-11-25"),
        ("on the 31st", "2026-12-31"),
        ("feb 29", "2028-02-29"),
        ("TOMORROW!", "2026-11-26"),
    ],
)
def test_a_day_in_words_is_that_day(text: str, day: str) -> None:
    assert resolve(text) == DateValue(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("tonight", "2026-11-25 20:00"),
        ("tonight at 8", "2026-11-25 20:00"),
        ("tomorrow at 5pm", "2026-11-26 17:00"),
        ("5pm tomorrow", "2026-11-26 17:00"),
        ("tomorrow 5 pm", "2026-11-26 17:00"),
        ("tomorrow at 17:00", "2026-11-26 17:00"),
        ("tomorrow at 5 p.m.", "2026-11-26 17:00"),
        ("next Monday 9am", "2026-11-30 09:00"),
        ("at 9 on Monday", "2026-11-30 09:00"),
        ("at 5", "2026-11-25 17:00"),
        ("at 7", "2026-11-26 07:00"),
        ("at 05:30", "2026-11-26 05:30"),
        ("5:30", "2026-11-25 17:30"),
        ("half past 5", "2026-11-25 17:30"),
        ("quarter to nine", "2026-11-26 08:45"),
        ("noon", "2026-11-25 12:00"),
        ("friday at noon", "2026-11-27 12:00"),
        ("midnight", "2026-11-26 00:00"),
        ("tomorrow at midnight", "2026-11-27 00:00"),
        ("in the morning", "2026-11-26 09:00"),
        ("tomorrow morning", "2026-11-26 09:00"),
        ("this afternoon", "2026-11-25 15:00"),
        ("friday evening", "2026-11-27 18:00"),
        ("friday at 7 in the evening", "2026-11-27 19:00"),
        ("tomorrow at 5 in the morning", "2026-11-26 05:00"),
        ("in an hour", "2026-11-25 11:30"),
        ("in 30 minutes", "2026-11-25 11:00"),
        ("in an hour and a half", "2026-11-25 12:00"),
        ("in 2h", "2026-11-25 12:30"),
        ("eod", "2026-11-25 23:59"),
        ("tomorrow by end of day", "2026-11-26 23:59"),
        ("2026-12-24T15:00", "2026-12-24 15:00"),
        ("2026-12-24T15:00Z", "2026-12-24 16:00"),
        ("2026-12-24T15:00+01:00", "2026-12-24 15:00"),
        ("8am", "2026-11-26 08:00"),
        ("11 o'clock", "2026-11-25 11:00"),
    ],
)
def test_a_time_in_words_is_that_wall_time_in_the_users_zone(text: str, at: str) -> None:
    assert wall(resolve(text)) == at


@pytest.mark.parametrize(
    ("text", "start", "end", "grain"),
    [
        ("this week", "2026-11-23", "2026-11-30", "week"),
        ("next week", "2026-11-30", "2026-12-07", "week"),
        ("this weekend", "2026-11-28", "2026-11-30", "weekend"),
        ("next month", "2026-12-01", "2027-01-01", "month"),
        ("in March", "2027-03-01", "2027-04-01", "month"),
        ("next year", "2027-01-01", "2028-01-01", "year"),
    ],
)
def test_a_period_ends_before_its_end(text: str, start: str, end: str, grain: str) -> None:
    value = resolve(text)
    assert value == IntervalValue(date.fromisoformat(start), date.fromisoformat(end), grain)
    assert isinstance(value, IntervalValue)
    assert value.last_day is not None
    assert value.last_day < date.fromisoformat(end)


def test_two_times_make_an_interval_in_the_same_half_of_the_day() -> None:
    value = resolve("tomorrow from 2 to 4pm")
    assert isinstance(value, IntervalValue)
    assert (value.start, value.end) == (datetime(2026, 11, 26, 13, tzinfo=UTC), datetime(2026, 11, 26, 15, tzinfo=UTC))
    assert value.last_day is None


def test_lengths_of_time_keep_months_apart() -> None:
    assert resolve("2 hours") == DurationValue(seconds=7200)
    assert resolve("for 3 days") == DurationValue(seconds=3 * 86400)
    assert resolve("a month") == DurationValue(months=1)


@pytest.mark.parametrize(
    ("text", "rule", "first"),
    [
        ("every day", "FREQ=DAILY", "2026-11-25"),
        ("daily", "FREQ=DAILY", "2026-11-25"),
        ("every Monday", "FREQ=WEEKLY;BYDAY=MO", "2026-11-30"),
        ("every mon and thu", "FREQ=WEEKLY;BYDAY=MO,TH", "2026-11-26"),
        ("every other week", "FREQ=WEEKLY;INTERVAL=2", "2026-11-25"),
        ("every 2 weeks", "FREQ=WEEKLY;INTERVAL=2", "2026-11-25"),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-11-25"),
        ("monthly on the 1st", "FREQ=MONTHLY;BYMONTHDAY=1", "2026-12-01"),
    ],
)
def test_a_recurrence_is_a_rule_with_its_first_day(text: str, rule: str, first: str) -> None:
    assert resolve(text) == RecurrenceValue(rule, DateValue(date.fromisoformat(first)))


def test_a_recurrence_may_have_a_time() -> None:
    value = resolve("every Friday at 9am")
    assert isinstance(value, RecurrenceValue)
    assert isinstance(value.first, DateTimeValue)
    assert wall(value.first) == "2026-11-27 09:00"


@pytest.mark.parametrize(
    "text",
    [
        "may flowers",
        "second",
        "the second one",
        "support 24/7",
        "upgrade to 1.2.3",
        "march on",
        "sun cream",
        "buy 5 apples",
        "room 101",
        "Watch Friday Night Lights",
        "black friday deals",
        "call 555-1234",
        "1/2 cup of sugar",
        "tomorrow's meeting",
        "monday.com review",
        "it may rain",
        "delete the 2nd floor plan",
        "I sat down and we wed",
        "pay $5",
        "31 April",
        "2026-13-45",
        "April 31",
        "25:00",
        "in 9999 years",
        "",
        "   ",
        "🎉🎉",
        "a" * 300,
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert dates.find(text, now=NOW, time_zone=ZONE) == []
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call mom on Friday", ["on Friday"]),
        ("buy milk tomorrow at 5pm please", ["tomorrow at 5pm"]),
        ("tomorrow buy milk", ["tomorrow"]),
        ("pay rent by the 1st", ["by the 1st"]),
        ("tomorrow at 5 Main Street", ["tomorrow"]),
        ("from Dec 24, 2026 it is closed", []),
        ("İstanbul trip on Dec 24", ["on Dec 24"]),
        ("🎉 party 🎉 tomorrow’s not it, friday", ["friday"]),
        ("prepare monday presentation", []),
        ("call mom friday about taxes", ["friday"]),
    ],
)
def test_a_span_is_the_source_text_with_its_leading_words(text: str, found: list[str]) -> None:
    spans = dates.find(text, now=NOW, time_zone=ZONE)
    assert [span.text for span in spans] == found
    assert all(text[span.start : span.end] == span.text for span in spans)


def test_how_far_to_move_a_date_is_no_date() -> None:
    assert resolve("by a week") is None
    assert resolve("back an hour") is None


def test_a_time_in_the_spring_gap_moves_forward_by_the_gap() -> None:
    now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert wall(resolve("sunday at 02:30", now)) == "2026-03-29 03:30"
    new_york = "America/New_York"
    assert wall(resolve("2026-03-08 at 02:30", now, new_york), new_york) == "2026-03-08 03:30"


def test_a_time_that_occurs_twice_is_the_first() -> None:
    value = resolve("2026-10-25 at 02:30", datetime(2026, 10, 20, tzinfo=UTC))
    assert value == DateTimeValue(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ZONE)


def test_today_is_the_users_day_and_not_that_of_utc() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert resolve("today", late, "Asia/Tokyo") == DateValue(date(2026, 11, 26))
    assert resolve("today", late, "America/Los_Angeles") == DateValue(date(2026, 11, 25))


def test_the_locale_decides_between_day_and_month() -> None:
    assert resolve("3/4/2027", locale="en-US") == DateValue(date(2027, 3, 4))
    assert resolve("3/4/2027", locale="en-GB") == DateValue(date(2027, 4, 3))


def test_the_past_is_preferred_on_request() -> None:
    value = dates.resolve("friday", now=NOW, time_zone=ZONE, prefer="past")
    assert value == DateValue(date(2026, 11, 20))


def test_a_naive_now_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        dates.find("today", now=NOW.replace(tzinfo=None), time_zone=ZONE)
    with pytest.raises(ZoneInfoNotFoundError):
        dates.resolve("today", now=NOW, time_zone="Mars/Olympus")
