"""Rules in English."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.interpreter.repeat_words import rule_words

START = date(2026, 11, 24)
"""A Tuesday."""


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=2", "every other day"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every day on weekdays"),
        ("FREQ=WEEKLY", "every Tuesday"),
        ("FREQ=WEEKLY;BYDAY=MO", "every Monday"),
        ("FREQ=WEEKLY;BYDAY=TH,MO,SA", "every Monday, Thursday and Saturday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every other Monday"),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR", "every 3 weeks on Monday and Friday"),
        ("FREQ=WEEKLY;BYDAY=MO;BYMONTH=6,7", "every Monday in June and July"),
        ("FREQ=MONTHLY", "every month on the 24th"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on the 1st and the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=22,13,-2", "every month on the 22nd, the 13th and the second to last day"),
        ("FREQ=MONTHLY;BYDAY=2TU", "every month on the second Tuesday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Friday if that is the 13th"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"),
        ("FREQ=MONTHLY;BYDAY=MO,SU;BYSETPOS=2", "every month on Monday and Sunday, of these the second one"),
        ("FREQ=YEARLY", "every year on 24 November"),
        ("FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=3", "every year on 3 August"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "every year on the last Sunday in March"),
        ("FREQ=YEARLY;BYYEARDAY=100", "every year on the 100th of the year"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "every year on Monday in the 20th week of the year"),
        ("FREQ=DAILY;COUNT=5", "every day, 5 times"),
        ("FREQ=DAILY;COUNT=1", "every day, once more"),
        ("FREQ=DAILY;UNTIL=20271231", "every day until 31 December 2027"),
    ],
)
def test_a_rule_in_words(rule: str, words: str) -> None:
    assert rule_words(rule, START) == words


def test_what_counts_from_completion_is_said() -> None:
    assert rule_words("FREQ=DAILY;INTERVAL=3", START, after_done=True) == "every 3 days, counted from when it is done"
