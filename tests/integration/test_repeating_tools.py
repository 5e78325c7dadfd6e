"""What the tools make of words about repeating and reminders; each goes through the services that mutations use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.database import Database
from core.errors import DomainError, ErrorCode
from services.reminders import fire
from tests.integration.test_tools import Caller

MONDAY = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""At one o'clock in Berlin."""


@pytest.fixture
def caller(database: Database, user: str) -> Caller:
    return Caller(database, user, now=MONDAY)


async def test_a_task_is_added_with_its_rule_by_either_parameter(caller: Caller) -> None:
    standup = await caller.one("add_task", title="Standup", due="every weekday at 9am", remind="15 minutes before")
    assert (standup["recurrence"], standup["repeats"]) == ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday")
    assert standup["due_at"] == "2027-03-02T08:00:00Z", "nine o'clock is over today"
    assert standup["remind_at"] == "2027-03-02T07:45:00Z"
    review = await caller.one("add_task", title="Review", due="next Friday", recurrence="every Friday at 4pm")
    assert (review["due_at"], review["repeats"]) == ("2027-03-12T15:00:00Z", "every Friday")
    plants = await caller.one("add_task", title="Plants", recurrence="every 3 days after it is done")
    assert (plants["due_date"], plants["repeats"]) == ("2027-03-01", "every 3 days, counted from when it is done")
    call = await caller.one("add_task", title="Call", due="Friday at 3pm", remind="when it is due")
    assert call["remind_at"] == call["due_at"] == "2027-03-05T14:00:00Z"


async def test_a_due_task_begins_to_repeat_where_it_is_due_and_ends_by_words(caller: Caller) -> None:
    await caller.one("add_task", title="Report", due="Thursday at 10am")
    report = await caller.one("update_task", task="report", recurrence="weekly")
    assert (report["due_at"], report["repeats"]) == ("2027-03-04T09:00:00Z", "every Thursday")
    report = await caller.one("update_task", task="report", recurrence="every Monday")
    assert (report["due_at"], report["repeats"]) == ("2027-03-08T09:00:00Z", "every Monday")
    report = await caller.one("reschedule_tasks", tasks=["report"], due="every other Tuesday at 5pm")
    assert (report["due_at"], report["recurrence"]) == ("2027-03-02T16:00:00Z", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")
    for words in ("doesn't repeat any more", "none"):
        report = await caller.one("update_task", task="report", recurrence=words)
        assert (report.get("recurrence"), report["due_at"]) == (None, "2027-03-02T16:00:00Z")
    await caller.one("reschedule_tasks", tasks=["report"], due="every day")
    report = await caller.one("reschedule_tasks", tasks=["report"], due="none")
    assert (report.get("recurrence"), report["due_at"], report["due_date"]) == (None, None, None)
    failure = await caller.fails("update_task", task="report", recurrence="every blue moon")
    assert failure.code is ErrorCode.INVALID
    assert "every blue moon" in failure.message
    for words, reason in (("every 2 hours", "once a day at most"), ("every day at 9 and 17:00", "one time of the day")):
        failure = await caller.fails("reschedule_tasks", tasks=["report"], due=words)
        assert failure.code is ErrorCode.INVALID
        assert reason in failure.message


async def test_completing_and_skipping_tell_the_next_date(caller: Caller) -> None:
    await caller.one("add_task", title="Rent", recurrence="every month on the 1st")
    answer = await caller.answer("complete_task", task="rent")
    assert (answer["action"], answer["tasks"][0]["is_completed"]) == ("completed", False)
    assert answer["tasks"][0]["due_date"] == "2027-04-01"
    answer = await caller.answer("skip_occurrence", task="rent")
    assert (answer["action"], answer["tasks"][0]["due_date"]) == ("skipped", "2027-05-01")
    await caller.add("Milk")
    with pytest.raises(DomainError, match="doesn't repeat"):
        await caller.call("skip_occurrence", task="milk")


async def test_a_reminder_is_set_snoozed_and_dropped_by_words(caller: Caller) -> None:
    await caller.one("add_task", title="Dentist", due="tomorrow at 10am")
    dentist = await caller.one("update_task", task="dentist", remind="tonight at 8pm")
    assert dentist["remind_at"] == "2027-03-01T19:00:00Z"
    dentist = await caller.one("update_task", task="dentist", remind="1 hour before")
    assert dentist["remind_at"] == "2027-03-02T08:00:00Z"
    dentist = await caller.one("snooze_reminder", task="the dentist", until="tomorrow at 9:30")
    assert dentist["remind_at"] == "2027-03-02T08:30:00Z"
    dentist = await caller.one("update_task", task="dentist", remind="none")
    assert "remind_at" not in dentist
    with pytest.raises(DomainError, match="no reminder to snooze"):
        await caller.call("snooze_reminder", task="dentist", until="10 minutes")
    await caller.add("Milk")
    with pytest.raises(DomainError, match="needs a due time"):
        await caller.call("update_task", task="milk", remind="10 minutes before")
    failure = await caller.fails("update_task", task="milk", remind="when pigs fly")
    assert "when pigs fly" in failure.message


async def test_it_is_the_task_whose_reminder_came_last(database: Database, user: str) -> None:
    now = datetime.now(UTC)
    caller = Caller(database, user, now=now)
    for title, ago in (("First", 2), ("Second", 1)):
        [task] = await caller.add(title, remind_at=now - timedelta(seconds=ago))
        assert await database.work(user, lambda work, task_id=task.id: fire(work, task_id))
    snoozed = await caller.one("snooze_reminder", until="10 minutes")
    assert snoozed["title"] == "Second"
    again = await caller.one("snooze_reminder", task="it", until="20 minutes")
    assert again["title"] == "Second"
