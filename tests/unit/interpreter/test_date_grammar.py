"""What the grammar of dates reads beyond single days: ranges, sides, periods, recurrences, zones, misspellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.interpreter import dates
from assistant.interpreter.dates import DateTimeValue, DurationValue, RecurrenceValue, feasts
from assistant.interpreter.dates import vocabulary as v
from services.recurrence.rules import parse
from tests.support.date_words import NOW, ZONE, said, shown, whole


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("24-26 december", "2026-12-24 to 2026-12-27"),
        ("from Dec 24 to Jan 2", "2026-12-24 to 2027-01-03"),
        ("December 24 through 26, 2027", "2027-12-24 to 2027-12-27"),
        ("from the 13th to the 15th of July", "2027-07-13 to 2027-07-16"),
        ("12/24 - 12/26", "2026-12-24 to 2026-12-27"),
        ("2026-12-01 to 2026-12-05", "2026-12-01 to 2026-12-06"),
        ("Monday - Friday", "2026-11-30 to 2026-12-05"),
        ("today until friday", "2026-11-25 to 2026-11-28"),
        ("May to Oct 2028", "2028-05-01 to 2028-10-01"),
        ("tomorrow 9:30 - 11", "2026-11-26 09:30 to 2026-11-26 11:00"),
        ("between 2 and 4:30pm on friday", "2026-11-27 14:00 to 2026-11-27 16:30"),
        ("monday 11-4", "2026-11-30 11:00 to 2026-11-30 16:00"),
        ("11pm to 1am", "2026-11-25 23:00 to 2026-11-26 01:00"),
        ("from 2pm till tomorrow 4pm", "2026-11-25 14:00 to 2026-11-26 16:00"),
        ("dec 24 6pm - dec 25 2am", "2026-12-24 18:00 to 2026-12-25 02:00"),
        ("friday at 4pm for 90 minutes", "2026-11-27 16:00 to 2026-11-27 17:30"),
        ("for a week starting tomorrow", "2026-11-26 to 2026-12-03"),
        ("next 3 days", "2026-11-26 to 2026-11-29"),
        ("the last 2 weeks", "2026-11-11 to 2026-11-25"),
        ("the next 2 hours", "2026-11-25 10:30 to 2026-11-25 12:30"),
        ("the rest of the week", "2026-11-25 to 2026-11-30"),
        ("the first week of 2027", "2027-01-04 to 2027-01-11"),
        ("the last two months of 2027", "2027-11-01 to 2028-01-01"),
        ("the week of october 7th", "2027-10-04 to 2027-10-11"),
        ("q3 2027", "2027-07-01 to 2027-10-01"),
        ("next quarter", "2027-01-01 to 2027-04-01"),
        ("this winter", "2026-12-21 to 2027-03-20"),
        ("the 1990s", "1990-01-01 to 2000-01-01"),
        ("weekend after next", "2026-12-12 to 2026-12-14"),
    ],
)
def test_a_stretch_of_time_ends_before_its_end(text: str, meant: str) -> None:
    assert said(whole(text).value) == meant


@pytest.mark.parametrize(
    ("text", "due", "extent"),
    [
        ("tomorrow morning", "2026-11-26 09:00", "2026-11-26 08:00 to 2026-11-26 12:00"),
        ("late friday afternoon", "2026-11-27 14:00", "2026-11-27 14:00 to 2026-11-27 16:00"),
        ("tonight", "2026-11-25 20:00", "2026-11-25 18:00 to 2026-11-26 00:00"),
        ("end of next month", "2026-12-31", "2026-12-21 to 2027-01-01"),
        ("early march", "2027-03-01", "2027-03-01 to 2027-03-11"),
        ("mid-june", "2027-06-15", "2027-06-11 to 2027-06-21"),
        ("later next year", "2027-12-31", "2027-07-01 to 2028-01-01"),
        ("beginning of next week", "2026-11-30", "2026-11-30 to 2026-12-03"),
    ],
)
def test_one_point_stands_for_a_stretch_that_is_known_as_well(text: str, due: str, extent: str) -> None:
    span = whole(text)
    assert (said(span.value), said(span.extent)) == (due, extent)


@pytest.mark.parametrize(
    ("text", "bound", "meant"),
    [
        ("by friday", "by", "2026-11-27"),
        ("until friday at 5pm", "by", "2026-11-27 17:00"),
        ("no later than dec 1", "by", "2026-12-01"),
        ("on or before friday", "by", "2026-11-27"),
        ("tomorrow before 5pm", "before", "2026-11-26 17:00"),
        ("before the 10th", "before", "2026-12-10"),
        ("friday after 2pm", "after", "2026-11-27 14:00"),
        ("not before monday", "since", "2026-11-30"),
        ("starting monday", "since", "2026-11-30"),
        ("on friday", "", "2026-11-27"),
    ],
)
def test_the_side_that_is_meant_stands_beside_the_time(text: str, bound: str, meant: str) -> None:
    span = whole(text)
    assert (span.bound, said(span.value)) == (bound, meant)
    assert span.text == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("two weeks from monday", "2026-12-14"),
        ("2 days before christmas eve", "2026-12-22"),
        ("a week from friday", "2026-12-04"),
        ("monday in two weeks", "2026-12-07"),
        ("3 fridays from now", "2026-12-11"),
        ("the third tuesday after christmas", "2027-01-12"),
        ("the second monday before may 25", "2027-05-17"),
        ("friday after next", "2026-12-04"),
        ("first tuesday in october", "2027-10-05"),
        ("the last friday of next month", "2026-12-25"),
        ("the third wednesday", "2026-12-16"),
        ("the 5th day of next month", "2026-12-05"),
        ("the closest friday to dec 24", "2026-12-25"),
        ("Friday the 13th", "2027-08-13"),
        ("in 3 business days", "2026-11-30"),
        ("next business day", "2026-11-26"),
        ("5 working days from now", "2026-12-02"),
        ("an hour before noon tomorrow", "2026-11-26 11:00"),
        ("twenty minutes to 2pm tomorrow", "2026-11-26 13:40"),
        ("next tuesday + 10 days", "2026-12-11"),
        ("last december 25", "2025-12-25"),
        ("December 13 at midnight", "2026-12-13 00:00"),
        ("22/Jan/2027", "2027-01-22"),
        ("Sep-23-2027", "2027-09-23"),
        ("easter", "2027-03-28"),
        ("thanksgiving", "2026-11-26"),
        ("christmas 2028", "2028-12-25"),
        ("hanukkah", "2026-12-05"),
        ("chinese new year", "2027-02-06"),
        ("last easter", "2026-04-05"),
    ],
)
def test_a_day_is_counted_from_another_or_has_a_name(text: str, meant: str) -> None:
    assert said(whole(text).value) == meant


@pytest.mark.parametrize(
    ("text", "months", "seconds"),
    [
        ("an hour and a half", 0, 5400),
        ("1 hour fifteen", 0, 4500),
        ("two and a quarter hours", 0, 8100),
        ("3 1/2 hours", 0, 12600),
        ("2h 15m", 0, 8100),
        ("half a day", 0, 43200),
        ("a fortnight", 0, 14 * 86400),
        ("1 year, 2 days and 4 seconds", 12, 2 * 86400 + 4),
        ("half a year", 6, 0),
    ],
)
def test_a_length_may_be_told_in_parts(text: str, months: int, seconds: int) -> None:
    assert whole(text).value == DurationValue(months, seconds)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("every other monday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO from 2026-11-30"),
        ("the 1st of every month at 9", "FREQ=MONTHLY;BYMONTHDAY=1 from 2026-12-01 09:00"),
        ("on the 1st and 15th of each month", "FREQ=MONTHLY;BYMONTHDAY=1,15 from 2026-12-01"),
        ("last day of every month", "FREQ=MONTHLY;BYMONTHDAY=-1 from 2026-11-30"),
        ("every last friday of the month", "FREQ=MONTHLY;BYDAY=-1FR from 2026-11-27"),
        ("2nd and last fridays of each month", "FREQ=MONTHLY;BYDAY=2FR,-1FR from 2026-11-27"),
        ("the last weekday of every month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 from 2026-11-30"),
        ("every year on feb 29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29 from 2028-02-29"),
        ("every fourth thursday in november", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH from 2026-11-26"),
        ("every christmas", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25 from 2026-12-25"),
        ("every 3 weeks on thursday", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TH from 2026-11-26"),
        ("weekdays at 8:30am", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR from 2026-11-26 08:30"),
        ("monday mornings", "FREQ=WEEKLY;BYDAY=MO from 2026-11-30 09:00"),
        ("every day at 9am and 5pm", "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0 from 2026-11-25 17:00"),
        ("daily at 9am 10x", "FREQ=DAILY;COUNT=10 from 2026-11-26 09:00"),
        ("every sat for 2 months", "FREQ=WEEKLY;BYDAY=SA;UNTIL=20270125 from 2026-11-28"),
        ("mondays from jan 4 to march 25", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270325 from 2027-01-04"),
        ("every friday at 5pm until christmas", "FREQ=WEEKLY;BYDAY=FR;UNTIL=20261225T235959 from 2026-11-27 17:00"),
        ("every tuesday starting next month", "FREQ=WEEKLY;BYDAY=TU from 2026-12-01"),
        ("quarterly", "FREQ=MONTHLY;INTERVAL=3 from 2026-11-25"),
        ("every 90 minutes", "FREQ=MINUTELY;INTERVAL=90 from 2026-11-25 10:30"),
    ],
)
def test_a_recurrence_is_a_rule_of_rfc_5545_with_its_first_occurrence(text: str, rule: str) -> None:
    assert said(whole(text).value) == rule


@pytest.mark.parametrize(
    "text",
    [
        "every 2nd and 4th tuesday", "on the 1st and 15th of each month", "last weekday of every month",
        "every christmas", "every 3 months on the first monday", "every january on the 4th",
        "every tue and thu at 6pm for 10 weeks",
        "fridays in december", "once every other week", "the fourth thursday in november each year",
        "10 times every friday",
    ],
)  # fmt: skip
def test_a_rule_is_one_that_a_task_can_repeat_by(text: str) -> None:
    value = whole(text).value
    assert isinstance(value, RecurrenceValue)
    assert parse(value.rrule)


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("tomorrow at 3pm ET", "2026-11-26 20:00", "America/New_York"),
        ("5 pm pacific time", "2026-11-26 01:00", "America/Los_Angeles"),
        ("3pm PST on friday", "2026-11-27 23:00", ZONE),
        ("17:00 UTC+5:30", "2026-11-25 11:30", ZONE),
        ("tomorrow 9am Asia/Kolkata", "2026-11-26 03:30", "Asia/Kolkata"),
        ("2026-12-24 15:00 GMT", "2026-12-24 15:00", ZONE),
        ("2026-12-24T15:00:00-05:00", "2026-12-24 20:00", ZONE),
    ],
)
def test_a_zone_in_the_text_is_the_one_of_its_wall_time(text: str, at: str, zone: str) -> None:
    value = whole(text).value
    assert isinstance(value, DateTimeValue)
    assert (shown(value.at, "UTC"), value.time_zone) == (at, zone)


@pytest.mark.parametrize(
    ("zone", "text", "at"),
    [
        # the gap: forward by as much as the clocks are
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00+00:00"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00+00:00"),
        ("Pacific/Auckland", "2026-09-27 02:30", "2026-09-26T14:30:00+00:00"),
        ("America/Santiago", "2026-09-06 00:30", "2026-09-06T04:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45:00+00:00"),  # half an hour only
        # twice: the first
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00+00:00"),
        ("Pacific/Auckland", "2026-04-05 02:30", "2026-04-04T13:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00+00:00"),
    ],
)
def test_wall_times_that_do_not_occur_or_occur_twice(zone: str, text: str, at: str) -> None:
    value = whole(text, datetime(2026, 1, 1, tzinfo=UTC), zone).value
    assert value == DateTimeValue(datetime.fromisoformat(at), zone)


def test_hours_from_now_are_hours_and_days_are_days_whatever_the_clocks_do() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)  # 13:00 in Berlin, the night before summer time
    assert said(whole("in 24 hours", before).value) == "2026-03-29 14:00"
    assert said(whole("in 1 day", before).value) == "2026-03-29"
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 in Berlin for the second time
    value = whole("in 10 minutes", second).value
    assert value == DateTimeValue(datetime(2026, 10, 25, 1, 40, tzinfo=UTC), ZONE)


def test_a_misspelt_word_of_the_calendar_is_read_and_no_other_word_is_taken_for_one() -> None:
    for text, meant in (
        ("wensday", "2026-12-02"), ("tuseday", "2026-12-01"), ("tomorro", "2026-11-26"), ("febuary 3rd", "2027-02-03"),
        ("tonigth", "2026-11-25 20:00"), ("next firday", "2026-12-04"), ("tmrw", "2026-11-26"),
    ):  # fmt: skip
        assert said(whole(text).value) == meant
    for text in ("ice cream sundae", "frida kahlo print", "mourning", "lost moths", "augusta masters", "monsay"):
        found = dates.find(text, now=NOW, time_zone=ZONE)
        assert [span.text for span in found] == ([] if text != "monsay" else ["monsay"])


@pytest.mark.parametrize(
    "text",
    [
        "march on", "may i ask", "you may not!", "first aid kit", "second hand books", "a second wave",
        "the last two", "delete the 2nd", "march madness", "april o'neil", "buy christmas presents",
        "order easter eggs", "weekly report", "twice a week", "the q3 report", "good night", "happy new year",
        "read pages 10-20", "room 301", "ip 192.168.1.1", "at 650-650-6500", "16:9 monitor",
        "mortgages at 6.45 percent", "XXX in the second half of 2025", "24/7", "A4", "2x4 wood", "upgrade to 3.11",
        "9999-99-99", "32/13/2026", "june 31", "in 99999 years", "every 0 days",
    ],
)  # fmt: skip
def test_a_sentence_without_a_date_has_none(text: str) -> None:
    assert dates.find(text, now=NOW, time_zone=ZONE) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dinner with anna tomorrow night at 8", ["tomorrow night at 8"]),
        ("submit the report by end of day friday", ["by end of day friday"]),
        ("book a table for the 15th at 7pm and call mom on sunday", ["for the 15th at 7pm", "on sunday"]),
        ("events of this week", ["this week"]),
        ("remind me every other friday at 9 to water the plants", ["every other friday at 9"]),
        ("pick up the parcel between 2 and 3pm on friday please", ["between 2 and 3pm on friday"]),
    ],
)
def test_a_date_is_cut_out_of_its_sentence(text: str, found: list[str]) -> None:
    assert [span.text for span in dates.find(text, now=NOW, time_zone=ZONE)] == found


_WORDS = sorted(
    v.BEGINNINGS | v.JOINTS | v.LEADS | feasts.FIRST_WORDS | {"ago", "to", "and", "am", "th", "9999", "-", "/"}
)
_TEXTS = st.lists(
    st.tuples(st.one_of(st.sampled_from(_WORDS), st.integers(0, 99999).map(str)), st.sampled_from([" ", "", ", "])),
    max_size=10,
).map(lambda parts: "".join(word + gap for word, gap in parts))


@settings(max_examples=150, deadline=None)
@given(st.one_of(_TEXTS, st.text(max_size=40)), st.integers(2, 3_652_056))
def test_no_text_at_any_time_raises_and_spans_are_cuts_of_it(text: str, days: int) -> None:
    aware = datetime(1, 1, 1, 12, 34, tzinfo=UTC) + timedelta(days=days)  # to 29 December 9999
    floor = 0
    for span in dates.find(text, now=aware, time_zone="Australia/Lord_Howe", locale="en-GB"):
        assert text[span.start : span.end] == span.text
        assert span.start >= floor
        floor = span.end
    dates.resolve(text, now=aware, time_zone="America/Santiago", prefer="past")


def test_a_text_full_of_date_words_is_read_up_to_a_bound() -> None:
    for piece in ("monday ", "1/", "in 3 days after ", "every monday at 5 and ", "hundred ", "1:", "the monday after "):
        found = dates.find(piece * (10_000 // len(piece)), now=NOW, time_zone=ZONE)
        assert len(found) <= 192
    assert dates.resolve("monday " * 1_400, now=NOW, time_zone=ZONE) is None
