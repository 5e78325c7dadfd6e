"""Whole families of date words: each way of saying it, in every order of its pieces, means the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from assistant.interpreter import dates
from assistant.interpreter.dates import DateTimeValue, DateValue, IntervalValue, RecurrenceValue
from assistant.interpreter.dates.moon import chinese, indian
from services.recurrence.rules import parse
from tests.support.date_words import NOW, ZONE, said, whole

_DAYS = {
    "tomorrow": "2026-11-26", "friday": "2026-11-27", "next friday": "2026-12-04", "dec 24": "2026-12-24",
    "24th of december": "2026-12-24", "12/24/2026": "2026-12-24", "thu, dec 24": "2026-12-24", "dec. 24": "2026-12-24",
    "the 24th": "2026-12-24", "in 3 days": "2026-11-28", "the monday after christmas": "2026-12-28",
    "first monday of january": "2027-01-04", "christmas eve": "2026-12-24", "friday next week": "2026-12-04",
}  # fmt: skip
_TIMES = {
    "5pm": "17:00", "5 p.m.": "17:00", "17:30": "17:30", "half past five": "17:30", "9 in the morning": "09:00",
    "noon": "12:00", "5 o'clock": "17:00", "7 in the evening": "19:00", "10.30am": "10:30", "5ish": "17:00",
}  # fmt: skip


@pytest.mark.parametrize(
    "order", ["{day} {time}", "{day} at {time}", "{day}, {time}", "{time} {day}", "at {time} {day}"]
)
def test_a_day_and_a_time_mean_the_same_in_every_order(order: str) -> None:
    for (day, on), (time, at) in product(_DAYS.items(), _TIMES.items()):
        text = order.format(day=day, time=time)
        assert said(whole(text).value) == f"{on} {at}", text


def test_two_times_of_a_day_are_a_range_with_every_word_between_them() -> None:
    hours = {"9am{}11am": "09:00 11:00", "9:30{}11": "09:30 11:00", "2{}4pm": "14:00 16:00", "11am{}1pm": "11:00 13:00"}
    orders = ("{day} {range}", "{day} from {range}", "{range} {day}", "from {range} {day}")
    for day, link, (pattern, at), order in product(
        ("tomorrow", "dec 24", "friday"), ("-", " - ", " to ", " until ", " through "), hours.items(), orders
    ):
        text = order.format(day=day, range=pattern.format(link))
        start, end = at.split()
        assert said(whole(text).value) == f"{_DAYS[day]} {start} to {_DAYS[day]} {end}", text


def test_two_days_are_a_range_with_every_word_between_them() -> None:
    pairs = (
        "dec 5|dec 9", "5 dec|9 dec", "dec 5th|dec 9th", "the 5th of december|the 9th of december", "12/5|12/9",
        "2026-12-05|2026-12-09", "dec 5|9", "5|9 december", "sat 5 dec|wed 9 dec", "the 5th|the 9th", "5.12.|9.12.",
    )  # fmt: skip
    orders = ("{} - {}", "{} to {}", "from {} to {}", "{} through {}", "from {} until {}", "between {} and {}")
    for pair, order in product(pairs, orders):
        text = order.format(*pair.split("|"))
        assert said(whole(text).value) == "2026-12-05 to 2026-12-10", text


def test_a_rule_a_time_and_an_end_go_together_in_every_order() -> None:
    rules = {
        "every day": "FREQ=DAILY", "mondays": "FREQ=WEEKLY;BYDAY=MO", "weekly on monday": "FREQ=WEEKLY;BYDAY=MO",
        "every other friday": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "monthly on the 15th": "FREQ=MONTHLY;BYMONTHDAY=15",
        "first monday of every month": "FREQ=MONTHLY;BYDAY=1MO", "every dec 25": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25",
        "last business day of every month": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "first and third friday and second tuesday of each month": "FREQ=MONTHLY;BYDAY=1FR,3FR,2TU",
        "every march and june": "FREQ=YEARLY;BYMONTH=3,6", "every year on christmas":
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25", "once a month": "FREQ=MONTHLY", "once daily": "FREQ=DAILY",
        "every day except sunday": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA", "every quarter": "FREQ=MONTHLY;INTERVAL=3",
        "alternate fridays": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
        "every 20th and 30th of january": "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=20,30",
        "from monday to friday every week": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    }  # fmt: skip
    ends = {
        "": "", " 10 times": ";COUNT=10", ", 10x": ";COUNT=10", " for 10 occurrences": ";COUNT=10",
        " until june 1": ";UNTIL=20270601", " until june": ";UNTIL=20270601", " ending june 1, 2027": ";UNTIL=20270601",
    }  # fmt: skip
    for (words, rule), time, (end, told) in product(rules.items(), ("", " at 5pm"), ends.items()):
        value = whole(words + time + end).value
        assert isinstance(value, RecurrenceValue)
        assert value.rrule.replace("T235959", "") == rule + told, words + time + end
        assert isinstance(value.first, DateTimeValue) == bool(time)
        parse(value.rrule)


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (("week 3 of 2027", "wk 3 2027", "W3 2027", "2027-W03", "calendar week 3, 2027"), "2027-01-18 to 2027-01-25"),
        (("week of the 14th", "the week commencing dec 14", "week ending 20 december"), "2026-12-14 to 2026-12-21"),
        (("april 2027", "2027 april", "in 2027 april", "next year in april"), "2027-04-01 to 2027-05-01"),
        (("h1 2027", "first half of next year", "the first half year of 2027"), "2027-01-01 to 2027-07-01"),
        (("fy27", "fiscal year 2027", "next fiscal year", "in twenty twenty seven"), "2027-01-01 to 2028-01-01"),
        (("Q4 27", "27q4", "q4'27", "the fourth quarter of 2027"), "2027-10-01 to 2028-01-01"),
        (("october to february", "from october until february"), "2026-10-01 to 2027-02-01"),
        (("11/1 - 12/24",), "2026-11-01 to 2026-12-25"),
        (("7 and 8 december", "7 & 8 dec"), "2026-12-07 to 2026-12-09"),
        (("next 2 weeks 3 days",), "2026-11-26 to 2026-12-13"),
        (("the last 3 months and 2 weeks", "past three months and two weeks"), "2026-08-11 to 2026-11-25"),
        (("year to date", "ytd"), "2026-01-01 to 2026-11-25"),
        (("the rest of the day",), "2026-11-25 10:30 to 2026-11-26 00:00"),
    ],
)
def test_a_period_has_many_names(texts: tuple[str, ...], meant: str) -> None:
    for text in texts:
        assert said(whole(text).value) == meant, text


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (("january first two thousand and thirty two", "1 jan 2032", "2032, january 1"), "2032-01-01"),
        (("christmas in 2 years", "christmas 2028", "2028 december 25"), "2028-12-25"),
        (("thanksgiving 2 years ago",), "2024-11-28"),
        (("last business day of december", "last weekday of december"), "2026-12-31"),
        (("3 mondays after may 25",), "2027-06-14"),
        (("thursday, two weeks from now", "in two weeks on thursday", "thursday in two weeks"), "2026-12-10"),
        (("tomorrow week", "a week tomorrow"), "2026-12-03"),
        (("the 2nd day after christmas", "2 days after christmas", "12.27."), "2026-12-27"),
        (("last monday", "previous monday", "monday of last week"), "2026-11-16"),
        (("this past monday", "past monday"), "2026-11-23"),
        (("the penultimate friday of december", "the last friday before christmas"), "2026-12-18"),
        (("next week's monday", "monday next week"), "2026-11-30"),
        (("12 okt", "montag, 12. oktober", "12 lokakuu"), "2027-10-12"),
    ],
)
def test_a_day_has_many_names(texts: tuple[str, ...], meant: str) -> None:
    found = {text: said(whole(text).value) for text in texts}
    assert set(found.values()) == {meant}, found


def test_lengths_are_told_with_fractions_signs_and_words() -> None:
    for minutes, texts in {
        90: (
            "1½ hours",
            "1:30 hours",
            "an hour and a half",
            "hour and a half",
            "one and a half hour",
            "1 hour + 30 min",
        ),
        165: ("2 and three-quarters hours", "two and three quarter hours", "2¾ hours", "about 2 hours 45"),
        30: ("one-half hour", "half of an hour", "for at least 30 minutes", "another 30 minutes", "30 more mins"),
        1440: ("the whole day", "for all day", "a full day", "approx. 1 day"),
        2880: ("two days", "another 2 days", "up to 2 days", "more than two days"),
    }.items():
        for text in texts:
            assert said(whole(text).value) == f"0 months, {60 * minutes} s", text


def test_a_day_that_no_calendar_has_is_no_date_and_neither_is_what_goes_with_it() -> None:
    for text in (
        "call the dentist on 31 february", "call on february 30", "29 february 2027", "pay on 31/4", "2027-02-30",
        "31 june at 5pm", "june 10 - 31", "meet on the 32nd of january", "31.02.2027",
    ):  # fmt: skip
        assert dates.find(text, now=NOW, time_zone=ZONE, locale="en-GB") == [], text
    assert said(whole("29 february").value) == "2028-02-29"


@pytest.mark.parametrize(
    ("text", "bound", "meant"),
    [
        ("friday or later", "since", "2026-11-27"),
        ("from friday on", "since", "2026-11-27"),
        ("dec 1 at the latest", "by", "2026-12-01"),
        ("before the end of december", "by", "2026-12-31"),
        ("after the beginning of march", "since", "2027-03-01"),
        ("more than 2 weeks ago", "before", "2026-11-11"),
        ("less than 3 days ago", "since", "2026-11-22"),
        ("wednesday later than 10 in the morning", "after", "2026-12-02 10:00"),
        ("tomorrow after lunch", "after", "2026-11-26 12:00"),
        ("7 dec no later than 5pm", "by", "2026-12-07 17:00"),
        ("7 dec earliest 9am", "since", "2026-12-07 09:00"),
    ],
)
def test_the_side_may_be_said_behind_the_day(text: str, bound: str, meant: str) -> None:
    span = whole(text)
    assert (span.bound, said(span.value)) == (bound, meant)


def test_a_part_of_the_day_has_its_hours_and_the_time_it_is_due() -> None:
    for text, due, extent in (
        ("within 2 hours", "2026-11-25 12:30", "2026-11-25 10:30 to 2026-11-25 12:30"),
        ("early in the day on friday", "2026-11-27 09:00", "2026-11-27 00:00 to 2026-11-27 12:00"),
        ("late tomorrow", "2026-11-26 17:00", "2026-11-26 12:00 to 2026-11-27 00:00"),
        ("first thing tomorrow", "2026-11-26 09:00", "2026-11-26 08:00 to 2026-11-26 12:00"),
        ("tomorrow after work", "2026-11-26 17:00", "2026-11-26 17:00 to 2026-11-26 21:00"),
        ("tomorrow at dinner time", "2026-11-26 19:00", "2026-11-26 18:00 to 2026-11-26 21:00"),
        ("hanukkah", "2026-12-05", "2026-12-04 to 2026-12-13"),
        ("friday pm", "2026-11-27 15:00", "2026-11-27 12:00 to 2026-11-27 16:00"),
    ):
        span = whole(text)
        assert (said(span.value), said(span.extent)) == (due, extent), text
    assert said(whole("tonight at 2").value) == "2026-11-26 02:00"
    assert said(whole("this time next week").value) == "2026-12-02 10:30"
    assert said(whole("end of tomorrow").value) == "2026-11-26 23:59"
    assert said(whole("mondays 9-10am").value) == "FREQ=WEEKLY;BYDAY=MO from 2026-11-30 09:00"


def test_the_end_of_a_timer_is_a_time_and_any_other_length_is_none() -> None:
    found = {
        text: dates.find(text, now=NOW, time_zone=ZONE)[0].value
        for text in ("set a timer for 5 minutes", "rest for 5 minutes")
    }
    assert [said(value) for value in found.values()] == ["2026-11-25 10:35", "0 months, 300 s"]


def test_feasts_of_the_moon_are_on_the_days_that_are_known() -> None:
    known = {
        chinese: [((1, 1), "2019-02-05 2023-01-22 2024-02-10 2029-02-13"), ((8, 15), "2020-10-01 2023-09-29")],
        indian: [
            ((6, 30, 18), "2015-11-11 2018-11-07 2021-11-04 2024-10-31"), ((4, 15, 6), "2018-08-26 2019-08-15"),
            ((5, 4, 12), "2018-09-13 2019-09-02"), ((10, 29, 24), "2020-02-21 2021-03-11"),
        ],
    }  # fmt: skip
    for reader, rules in known.items():
        for rule, days in rules:
            for day in map(date.fromisoformat, days.split()):
                assert reader(*rule, day.year) == day
    assert whole("diwali 2040").value == DateValue(date(2040, 11, 4))


def test_words_before_a_noun_are_no_time() -> None:
    for text in (
        "midnight blue paint", "noon prayer app", "late night snacks", "the first thing to fix", "read week 4 notes",
        "seize the day", "buy 2 dozen eggs", "it shouldn't be late fee", "same day delivery", "w-2 form", "one by one",
        "call at least 3 suppliers", "I'm at 101,194 points", "mid-century lamp", "get through thursday island",
        "call Juli", "make this week's shopping list", "h1 headline", "passover recipes", "watch the sunset",
        "take pills twice daily", "water them every now and then",
    ):  # fmt: skip
        assert dates.find(text, now=NOW, time_zone=ZONE) == [], text
    lasting = dates.find("the meeting shouldn't last two hours", now=NOW, time_zone=ZONE)
    assert [said(span.value) for span in lasting] == ["0 months, 7200 s"]


def test_hostile_repetitions_of_the_newer_words_are_read_up_to_a_bound() -> None:
    for piece in (
        "thursday, two weeks after ",
        "first and third friday and ",
        "1,000 ",
        "31/02 ",
        "jan. ",
        "at least ",
    ):
        assert len(dates.find(piece * (10_000 // len(piece)), now=NOW, time_zone=ZONE)) <= 192


def test_a_range_that_is_going_on_is_the_present_one() -> None:
    september = datetime(2026, 9, 7, 12, tzinfo=UTC)
    value = whole("august to october", september).value
    assert value == IntervalValue(date(2026, 8, 1), date(2026, 10, 1), "day")
    assert whole("july 17-18", september).value == IntervalValue(date(2027, 7, 17), date(2027, 7, 19), "day")
