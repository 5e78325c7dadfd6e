"""Tasks that repeat, and their reminders, as clients change them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from core import clock
from core.database import Database
from core.settings import Settings
from events.bus import Bus
from tests.support.api import Api, serving

TASK = """fragment T on Task { id version isCompleted dueDate dueAt timeZone recurrence recurrenceFrom recurrenceTime
  remindAt remindBefore snoozedUntil nextOccurrences(first: 2) { date at }
  history(first: 1) { edges { node { action changes { field before after } } } } }"""
CREATE = "mutation ($input: CreateTaskInput!) { done: createTask(input: $input) { ...P } }"
UPDATE = "mutation ($input: UpdateTaskInput!) { done: updateTask(input: $input) { ...P } }"
COMPLETE = "mutation ($input: TaskIdInput!) { done: completeTask(input: $input) { ...P } }"
SKIP = "mutation ($input: TaskIdInput!) { done: skipOccurrence(input: $input) { ...P } }"
REOPEN = "mutation ($input: TaskIdInput!) { done: reopenTask(input: $input) { ...P } }"
SNOOZE = "mutation ($input: SnoozeReminderInput!) { done: snoozeReminder(input: $input) { ...P } }"
PAYLOAD = "fragment P on TaskPayload { task { ...T } userErrors { code field message } }"
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""A Monday."""


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    with clock.set_to(NOW):
        async with serving(database, bus, user, Settings(limit_requests_per_minute=0)) as serves:
            yield serves


async def done(api: Api, document: str, **given: Any) -> dict[str, Any]:
    """The task as a mutation left it."""
    payload = (await api.data(f"{document} {PAYLOAD} {TASK}", input=given))["done"]
    assert payload["userErrors"] == []
    task: dict[str, Any] = payload["task"]
    return task


async def refused(api: Api, document: str, **given: Any) -> tuple[str, str, str]:
    """The code, field and message of what was refused; nothing came of it."""
    payload = (await api.data(f"{document} {PAYLOAD} {TASK}", input=given))["done"]
    [error] = payload["userErrors"]
    assert payload["task"] is None
    return error["code"], error["field"][-1], error["message"]


def last_change(task: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The newest revision: what happened, and what each field became."""
    [edge] = task["history"]["edges"]
    return edge["node"]["action"], {one["field"]: one["after"] for one in edge["node"]["changes"]}


async def test_completing_moves_on_to_the_last_occurrence_and_then_completes(api: Api) -> None:
    task = await done(
        api, CREATE, title="pay rent", dueDate="2027-01-31", recurrence="rrule:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3"
    )
    assert (task["recurrence"], task["recurrenceFrom"]) == ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "DUE")
    assert [one["date"] for one in task["nextOccurrences"]] == ["2027-03-31", "2027-05-31"]
    task = await done(api, COMPLETE, taskId=task["id"], expectedVersion=1)
    assert (task["isCompleted"], task["dueDate"], task["dueAt"]) == (False, "2027-03-31", None)
    assert last_change(task) == (
        "COMPLETED", {"dueDate": "2027-03-31", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2"}
    )  # fmt: skip
    task = await done(api, SKIP, taskId=task["id"])
    assert (task["dueDate"], task["nextOccurrences"], last_change(task)[0]) == ("2027-05-31", [], "SKIPPED")
    code, field, message = await refused(api, SKIP, taskId=task["id"])
    assert (code, field) == ("INVALID", "taskId")
    assert "last occurrence" in message
    task = await done(api, COMPLETE, taskId=task["id"])
    assert (task["isCompleted"], task["dueDate"], task["recurrence"]) == (True, "2027-05-31", task["recurrence"])
    again = await done(api, COMPLETE, taskId=task["id"])
    assert again["version"] == task["version"]
    assert (await done(api, REOPEN, taskId=task["id"]))["isCompleted"] is False


async def test_a_rule_counts_from_completion_in_the_tasks_own_zone(api: Api) -> None:
    # It is Monday noon in UTC: Tuesday half past one in the Chatham Islands.
    given = {"recurrence": "FREQ=DAILY;INTERVAL=3", "recurrenceFrom": "COMPLETION", "timeZone": "Pacific/Chatham"}
    task = await done(api, CREATE, title="water", dueAt="2027-02-20T20:00:00Z", **given)
    task = await done(api, COMPLETE, taskId=task["id"])
    assert task["dueAt"] == "2027-03-04T20:00:00Z", "Friday 5 March, 09:45 there"
    task = await done(api, UPDATE, taskId=task["id"], recurrenceFrom="DUE")
    assert (task["recurrenceFrom"], task["dueAt"]) == ("DUE", "2027-03-04T20:00:00Z")


async def test_a_rule_without_a_due_date_begins_today_and_ends_with_it(api: Api) -> None:
    task = await done(api, CREATE, title="review", recurrence="FREQ=WEEKLY;BYDAY=FR")
    assert task["dueDate"] == "2027-03-05"
    for cleared in ({"dueDate": None}, {"recurrence": None}):
        task = await done(api, UPDATE, taskId=task["id"], recurrence="FREQ=WEEKLY;BYDAY=MO", dueDate="2027-03-01")
        assert task["recurrence"] == "FREQ=WEEKLY;BYDAY=MO"
        task = await done(api, UPDATE, taskId=task["id"], **cleared)
        assert (task["recurrence"], task["nextOccurrences"]) == (None, [])
    assert (await refused(api, SKIP, taskId=task["id"]))[2] == "The task doesn't repeat."
    for rule in ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=TU"):
        assert (await refused(api, UPDATE, taskId=task["id"], dueDate="2027-03-01", recurrence=rule))[:2] == (
            "INVALID", "recurrence"
        )  # fmt: skip
        assert (await refused(api, CREATE, title="x", dueDate="2027-03-01", recurrence=rule))[:2] == (
            "INVALID", "recurrence"
        )  # fmt: skip


async def test_the_wall_time_is_back_after_a_day_without_it_and_undone_edits_keep_it(api: Api) -> None:
    given = {"dueAt": "2027-03-27T01:30:00Z", "timeZone": "Europe/Berlin", "recurrence": "FREQ=DAILY"}
    task = await done(api, CREATE, title="feed", remindBefore=30, **given)
    task = await done(api, COMPLETE, taskId=task["id"])
    assert (task["dueAt"], task["recurrenceTime"]) == ("2027-03-28T01:30:00Z", "02:30:00")
    assert task["remindAt"] == "2027-03-28T01:00:00Z"
    task = await done(api, UPDATE, taskId=task["id"], title="feed the cat")
    task = await done(api, COMPLETE, taskId=task["id"])
    assert (task["dueAt"], task["recurrenceTime"]) == ("2027-03-29T00:30:00Z", None)
    assert task["remindAt"] == "2027-03-29T00:00:00Z"


async def test_a_reminder_follows_its_due_time_and_every_occurrence_has_its_own(api: Api) -> None:
    zone = {"timeZone": "Europe/Berlin"}
    task = await done(api, CREATE, title="call", dueAt="2027-03-24T09:00:00Z", remindBefore=90, **zone)
    assert (task["remindAt"], task["remindBefore"]) == ("2027-03-24T07:30:00Z", 90)
    task = await done(api, UPDATE, taskId=task["id"], dueAt="2027-03-25T09:00:00Z")
    assert task["remindAt"] == "2027-03-25T07:30:00Z"
    snoozed = await done(api, SNOOZE, taskId=task["id"], minutes=10)
    assert (snoozed["snoozedUntil"], snoozed["remindAt"]) == ("2027-03-01T12:10:00Z", "2027-03-25T07:30:00Z")
    task = await done(api, UPDATE, taskId=task["id"], remindAt="2027-03-23T18:00:00Z", recurrence="FREQ=WEEKLY")
    assert (task["remindBefore"], task["snoozedUntil"]) == (None, None)
    task = await done(api, COMPLETE, taskId=task["id"])
    assert task["dueAt"] == "2027-04-01T08:00:00Z", "summer time began"
    assert task["remindAt"] == "2027-03-30T17:00:00Z", "at the same wall time, two days before"
    task = await done(api, UPDATE, taskId=task["id"], remindBefore=0)
    assert task["remindAt"] == task["dueAt"]
    task = await done(api, UPDATE, taskId=task["id"], dueDate="2027-05-01")
    assert (task["remindAt"], task["remindBefore"], task["recurrence"]) == (None, None, "FREQ=WEEKLY")
    await done(api, UPDATE, taskId=task["id"], remindAt="2027-05-01T07:00:00Z")
    task = await done(api, SKIP, taskId=task["id"])
    assert (task["dueDate"], task["remindAt"]) == ("2027-05-08", "2027-05-08T07:00:00Z")


async def test_a_user_who_moves_keeps_days_and_instants_and_sees_them_by_the_new_days(api: Api) -> None:
    settings = "mutation ($zone: TimeZone) { updateSettings(input: {timeZone: $zone}) { userErrors { code } } }"
    today = "{ tasks(filter: {due: TODAY}) { edges { node { title } } } }"
    await api.data(settings, zone="Europe/Berlin")
    day = await done(api, CREATE, title="day", dueDate="2027-03-02", recurrence="FREQ=DAILY")
    evening = await done(api, CREATE, title="evening", dueAt="2027-03-01T19:00:00Z", recurrence="FREQ=DAILY")
    assert [edge["node"]["title"] for edge in (await api.data(today))["tasks"]["edges"]] == ["evening"]
    await api.data(settings, zone="Pacific/Auckland")  # where the 2nd has begun
    titles = [edge["node"]["title"] for edge in (await api.data(today))["tasks"]["edges"]]
    assert titles == ["day", "evening"]
    after = [await done(api, UPDATE, taskId=task["id"]) for task in (day, evening)]
    kept = ("dueDate", "dueAt", "timeZone", "nextOccurrences")
    assert [[task[name] for name in kept] for task in after] == [
        [task[name] for name in kept] for task in (day, evening)
    ]
    assert (await done(api, COMPLETE, taskId=day["id"]))["dueDate"] == "2027-03-03"
    moved = await done(api, UPDATE, taskId=evening["id"], dueDate="2027-03-05")
    assert (moved["dueAt"], moved["timeZone"], moved["dueDate"]) == (None, None, "2027-03-05")
    moved = await done(api, UPDATE, taskId=evening["id"], dueAt="2027-03-05T19:00:00Z")
    assert (moved["dueAt"], moved["timeZone"], moved["dueDate"]) == ("2027-03-05T19:00:00Z", "Pacific/Auckland", None)


async def test_reminders_that_cannot_be_are_refused_by_field(api: Api) -> None:
    task = await done(api, CREATE, title="call", dueDate="2027-03-24")
    ids = {"taskId": task["id"]}
    before = "remindBefore"
    assert (await refused(api, UPDATE, **ids, remindBefore=5))[:2] == ("INVALID", before)
    assert (await refused(api, UPDATE, **ids, dueAt="2027-03-24T09:00:00Z", remindBefore=-1))[:2] == ("INVALID", before)
    both = {"remindAt": "2027-03-24T09:00:00Z", "remindBefore": 5}
    assert (await refused(api, CREATE, title="x", dueAt="2027-03-24T09:00:00Z", **both))[:2] == ("INVALID", before)
    assert (await refused(api, SNOOZE, **ids, minutes=10))[2] == "The task has no reminder to snooze."
    for given in ({}, {"minutes": 5, "until": "2027-03-24T09:00:00Z"}, {"minutes": 0}, {"minutes": 2**31 - 1}):
        assert (await refused(api, SNOOZE, **ids, **given))[:2] == ("INVALID", "minutes")
    assert (await refused(api, SNOOZE, **ids, until="2027-03-01T11:59:00Z"))[:2] == ("INVALID", "until")
